//! Redaction at the door: secrets and personal data leave a text before it is hashed, compressed or written.
//!
//! **For:** that no key, password or customer's card is ever on our disk, so no export or screen can leak it.
//! **In:** the encoded body of an entry, or any text. **Out:** the same with each find replaced by a visible mark such as
//! `‹redacted:aws-key›`, and how many of each there were.
//! **Never:** keeps what it took out, changes a text in which it found nothing, or trusts that a secret comes in one piece:
//! it also looks into base64, into JSON inside a string, and across neighbouring strings of one entry.
//!
//! What it does not find: a secret cut over two *entries*, one in hexadecimal, compressed or enciphered, and one without a
//! known shape. Rules of one's own are for the last.

mod base64;
mod own;
mod rules;
mod split;
mod text;
mod tree;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

pub use own::{BadRule, RulePart, UserRule};

use super::{Draft, Refused};
use crate::event::{Digest, Kind};
use rules::Rules;

/// How often each rule found something, by the rule's name.
pub type Found = BTreeMap<String, u64>;

static BUILT_IN: LazyLock<Rules> = LazyLock::new(Rules::built_in);

/// Takes secrets, and where asked personal data, out of texts. The default has the built-in rules.
#[derive(Debug, Default)]
pub struct Redactor {
    with_own: Option<Rules>,
}

impl Redactor {
    /// The built-in rules and `own`.
    ///
    /// # Errors
    /// When a rule of one's own is no regular expression, is too large, or has a name that cannot stand in a mark or is
    /// another rule's.
    pub fn new(own: &[UserRule]) -> Result<Self, BadRule> {
        Ok(Self { with_own: if own.is_empty() { None } else { Some(Rules::with(own)?) } })
    }

    /// The names of one's own rules.
    pub fn own(&self) -> impl Iterator<Item = &str> {
        let rules = self.with_own.as_ref().map_or(&[][..], |rules| &rules.all);
        rules.iter().filter(|rule| rule.is_own()).map(|rule| &*rule.name)
    }

    fn rules(&self) -> &Rules {
        self.with_own.as_ref().unwrap_or_else(|| &BUILT_IN)
    }

    /// A plain text. `personal` = also e-mail addresses, telephone and card numbers, as in what users say to an agent.
    #[must_use]
    pub fn text<'t>(&self, text: &'t str, personal: bool, found: &mut Found) -> Cow<'t, str> {
        text::redact(self.rules(), text, personal, found)
    }

    /// The JSON body of an entry; `None` = nothing was found and the bytes stay as they are. What is no JSON is redacted
    /// as text.
    #[must_use]
    pub fn json(&self, body: &[u8], personal: bool, found: &mut Found) -> Option<Vec<u8>> {
        if !self.rules().may_hold(body, personal) {
            return None;
        }
        match serde_json::from_slice(body) {
            Ok(mut value) => tree::redact(self.rules(), &mut value, personal, found)
                .then(|| serde_json::to_vec(&value).unwrap_or_else(|_| b"null".to_vec())),
            Err(_) => self.bytes(body, personal, found),
        }
    }

    /// An entry about to be written. What a person approves is bound by its digest and made of entries that went through
    /// here, so plans and their fate stay as they are; so do digests of what was let go.
    pub(super) fn draft(&self, draft: &mut Draft, found: &mut Found) {
        use Kind::{Approved, Denied, Finished, Logs, Proposed, Released, Spans, Started};
        if matches!(draft.kind, Proposed | Approved | Denied | Started | Finished | Released) {
            return;
        }
        // What agents and services say is about their users; who changed or decided something stays known.
        let personal = matches!(draft.kind, Spans | Logs);
        if let Some(clean) = self.json(&draft.body, personal, found) {
            draft.body = clean;
        }
        // Key and terms repeat what the body says, and are not counted again.
        let mut again = Found::new();
        if let Cow::Owned(clean) = self.key(&draft.key) {
            draft.key = clean;
        }
        for term in &mut draft.terms {
            if let Cow::Owned(clean) = self.text(term, false, &mut again) {
                *term = clean;
            }
        }
    }

    /// The key under which an entry is recorded: two that differ only in what is taken out stay two.
    pub(super) fn key<'k>(&self, key: &'k str) -> Cow<'k, str> {
        match self.text(key, false, &mut Found::new()) {
            Cow::Borrowed(key) => Cow::Borrowed(key),
            Cow::Owned(clean) => format!("{clean}#{}", &hex::encode(Digest::of(key.as_bytes()).0)[..16]).into(),
        }
    }

    /// A refused delivery about to be kept.
    pub(super) fn refused(&self, refused: &mut Refused, found: &mut Found) {
        if let Some(clean) = self.bytes(&refused.raw, true, found) {
            refused.raw = clean;
        }
        if let Cow::Owned(clean) = self.text(&refused.reason, true, &mut Found::new()) {
            refused.reason = clean;
        }
    }

    /// Bytes of which nothing is known; what is no UTF-8 in them is replaced when something was found.
    #[must_use]
    pub fn bytes(&self, bytes: &[u8], personal: bool, found: &mut Found) -> Option<Vec<u8>> {
        let text = String::from_utf8_lossy(bytes);
        match self.text(&text, personal, found) {
            Cow::Borrowed(_) => None,
            Cow::Owned(clean) => Some(clean.into_bytes()),
        }
    }
}

/// How every mark begins.
const MARK: &str = "‹redacted:";

/// The mark that stands where something was taken out.
fn mark(rule: &str) -> String {
    format!("{MARK}{rule}›")
}

/// `text` without the marks: for whoever compares texts by what they say.
#[must_use]
pub fn without_marks(text: &str) -> Cow<'_, str> {
    if !text.contains(MARK) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split(MARK);
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        clean.push_str(part.split_once('›').map_or("", |(_, after)| after));
    }
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests;
