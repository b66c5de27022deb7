//! The one door from outside text to anything a person sees.

use std::borrow::Cow;

/// How strictly text is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Sentences: letters of every script stay; controls, format and invisible characters are escaped.
    Prose,
    /// Commands, hosts, targets, diffs of what will run: only printable ASCII stays as it is.
    Exact,
}

/// Text that is safe to draw: no control, no bidi, no invisible character is left in it. One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Safe<'a>(Cow<'a, str>);

impl<'a> Safe<'a> {
    /// The drawable text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The drawable text, owned or borrowed.
    #[must_use]
    pub fn into_cow(self) -> Cow<'a, str> {
        self.0
    }
}

/// Makes `text` drawable under `policy`.
#[must_use]
pub(super) fn show(text: &str, policy: Policy) -> Safe<'_> {
    let stays = |c: char| match policy {
        Policy::Prose => c == ' ' || (!c.is_control() && !c.is_whitespace()),
        Policy::Exact => c == ' ' || c.is_ascii_graphic(),
    };
    if text.chars().all(stays) {
        return Safe(Cow::Borrowed(text));
    }
    let escaped = text.chars().fold(String::with_capacity(text.len() + 16), |mut out, c| {
        if stays(c) {
            out.push(c);
        } else {
            out.push_str(&format!("\\u{{{:04X}}}", c as u32));
        }
        out
    });
    Safe(Cow::Owned(escaped))
}
