//! The table of what is looked for.
//!
//! Shapes of keys and tokens are those their issuers document (AWS IAM identifiers, GitHub token formats, Slack tokens,
//! Stripe keys, RFC 7519 for JWT, RFC 7468 for PEM, RFC 7617 and RFC 6750 for `Authorization`); card numbers are checked
//! by issuer range and the Luhn formula (ISO/IEC 7812-1), telephone numbers are E.164 or written in groups.

use std::sync::{LazyLock, OnceLock};

use regex::Regex;

use super::own::{self, BadRule, UserRule};

/// What a rule protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Opens a door: taken out everywhere.
    Secret,
    /// Is about a person: taken out of what agents and services send, not of who changed or decided something.
    Personal,
}

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: Cow,
    pub(super) class: Class,
    pub(super) pattern: Pattern,
    /// What the shape cannot say.
    pub(super) check: fn(&str) -> bool,
    /// A find across two neighbouring strings is believed: its beginning alone tells it from ordinary text.
    pub(super) joins: bool,
    /// A text without these letters holds nothing of it.
    pub(super) hint: Option<String>,
}

impl Rule {
    /// Whether somebody here wrote it.
    pub(super) fn is_own(&self) -> bool {
        self.pattern.text.is_empty()
    }

    /// Whether it can find anything in `text`.
    pub(super) fn may_find(&self, text: &str) -> bool {
        self.hint.as_ref().is_none_or(|hint| text.contains(hint.as_str()))
    }
}

type Cow = std::borrow::Cow<'static, str>;

/// A pattern that is compiled when first needed: most processes never need most of them, and the first delivery after a start
/// does not wait for all.
#[derive(Debug)]
pub(super) struct Pattern {
    text: &'static str,
    compiled: OnceLock<Regex>,
}

impl Pattern {
    fn constant(text: &'static str) -> Self {
        Self { text, compiled: OnceLock::new() }
    }

    pub(super) fn own(compiled: Regex) -> Self {
        Self { text: "", compiled: OnceLock::from(compiled) }
    }

    pub(super) fn get(&self) -> &Regex {
        self.compiled.get_or_init(|| constant(self.text))
    }
}

/// Name, class, pattern, check, joins. Where a pattern has a group, the group is the secret.
type Built = (&'static str, Class, &'static str, fn(&str) -> bool, bool);

/// Words before a `=` or `:` after which a secret stands.
macro_rules! password_name {
    () => {
        r"(?i)\b(?:password|passwd|pwd|api[_-]?key|client[_-]?secret|access[_-]?token|refresh[_-]?token|secret[_-]?(?:access[_-]?)?key)"
    };
}

/// How secrets begin that are found across two texts.
macro_rules! joining_hints {
    () => {
        r"-----BEGIN|PRIVATE KEY|AKIA|ASIA|AROA|AIDA|ABIA|ACCA|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|\bsk-[A-Za-z0-9]|AIza|[rs]k_(?:live|test)_|\beyJ"
    };
}

/// The same, cut off.
macro_rules! cut_hints {
    () => {
        r"-|-----B?E?G?I?|\bAK?I?|\bAS?I?|\bAR?O?|\bAI?D?|\bAB?I?|\bAC?C?|\bgh[pousr]?|\bgithub_?p?a?t?|\bglp?a?t?|\bxo|\bxox[abeoprs]?|\bs|\bsk-?|\bAIz?|\b[rs]k_?|\b[rs]k_l(?:ive?|i)?|\b[rs]k_t(?:est?|e)?|\b[rs]k_live|\b[rs]k_test|\bey"
    };
}

const BUILT_IN: &[Built] = &[
    (
        "private-key",
        Class::Secret,
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\z)",
        yes,
        true,
    ),
    ("aws-key", Class::Secret, r"\b(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[A-Z2-7]{16}\b", yes, true),
    (
        "aws-secret",
        Class::Secret,
        r#"(?i)aws[a-z_ .-]{0,20}(?:secret|key)[a-z_ .-]{0,20}["']?\s{0,3}[:=]\s{0,3}["']?([A-Za-z0-9/+]{40})\b"#,
        yes,
        false,
    ),
    ("github-token", Class::Secret, r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})", yes, true),
    ("gitlab-token", Class::Secret, r"\bglpat-[A-Za-z0-9_-]{20,64}", yes, true),
    ("slack-token", Class::Secret, r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}", yes, true),
    (
        "slack-webhook",
        Class::Secret,
        r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,}",
        yes,
        false,
    ),
    (
        "llm-key",
        Class::Secret,
        r"\bsk-(?:ant-|proj-|svcacct-|admin-|or-)?[A-Za-z0-9_-]{20,250}",
        has_digit_and_letter,
        true,
    ),
    ("google-key", Class::Secret, r"\bAIza[0-9A-Za-z_-]{35}", yes, true),
    ("stripe-key", Class::Secret, r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,250}", yes, true),
    ("jwt", Class::Secret, r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}", yes, true),
    (
        "authorization",
        Class::Secret,
        r"(?i)\b(?:bearer|basic)\s{1,3}([A-Za-z0-9._~+/-]{16,}={0,2})",
        has_digit_and_letter,
        false,
    ),
    (
        "url-password",
        Class::Secret,
        r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^/\s:@'\x22]{0,64}:([^@\s/'\x22]{3,256})@",
        yes,
        false,
    ),
    (
        "password",
        Class::Secret,
        concat!(password_name!(), r#"\s{0,3}=\s{0,3}["']?([^\s"'&,;<>\\{}()\[\]‹]{6,256})"#),
        yes,
        false,
    ),
    (
        "password",
        Class::Secret,
        concat!(password_name!(), r#"["']?\s{0,3}:\s{0,3}["']?([^\s"'&,;<>\\{}()\[\]‹]{6,256})"#),
        has_digit_and_letter,
        false,
    ),
    ("card", Class::Personal, r"\b\d(?:[ -]?\d){12,18}\b", is_card, false),
    (
        "email",
        Class::Personal,
        r"\b[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}\b",
        yes,
        false,
    ),
    (
        "phone",
        Class::Personal,
        r"(?:\+[1-9]\d{0,2}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){1,4}|\(\d{3}\) ?\d{3}[ .-]\d{4}|\b\d{3}[.-]\d{3}[.-]\d{4})\b",
        is_phone,
        false,
    ),
];

/// Beginnings by which a built-in rule of class `Secret` can be suspected in a text.
const SECRET_HINTS: &str = concat!(
    r"(?i:aws[a-z_ .-]*(?:secret|key)|bearer\s|basic\s|passw(?:or)?d|\bpwd|api[_-]?key|client[_-]?secret|access[_-]?token",
    r"|refresh[_-]?token|secret[_-]?(?:access[_-]?)?key)|",
    joining_hints!(),
    r"|hooks\.slack\.com|://[^/\s:@]*:[^@\s/]*@"
);
/// The same for class `Personal`.
const PERSONAL_HINTS: &str =
    r"[A-Za-z0-9]@[A-Za-z0-9]|\+[1-9]\d|\(\d{3}\)|\d{3}[.-]\d{3}[.-]\d{4}|\b[2-6](?:[ -]?\d){12,18}\b";
/// A text that holds the beginning of a secret that may go on in the next one, or ends inside such a beginning.
const SPLIT_HINTS: &str = concat!(joining_hints!(), "|(?:", cut_hints!(), r")\z");
/// The same, anywhere in the JSON of an entry.
const SPLIT_IN_JSON: &str = concat!("(?:", cut_hints!(), r#")\\{0,3}""#);
/// Fields whose names say it, anywhere in the JSON of an entry.
const FIELD_IN_JSON: &str = r#"(?i:authorization|cookie|passw(?:or)?d|apikey|private[_-]?key)\\{0,3}""#;

/// What is taken out because of the name of its field is counted by this name.
pub(super) const FIELD_RULE: &str = "secret-field";
/// Names of fields whose whole value is a secret.
const SECRET_FIELDS: &str = r"(?i)(?:^|[._\-])(?:authorization|cookie|set-cookie|password|passwd|api[_-]?key|apikey|access[_-]?token|refresh[_-]?token|client[_-]?secret|private[_-]?key|secret[_-]?(?:access[_-]?)?key)$";

/// What tells, without reading a text whole, that a built-in rule may find something in it. Compiled when the first entry
/// is written, once for all: not before the first frame.
static HINTS: LazyLock<Hints> = LazyLock::new(|| Hints {
    secret: bytes(SECRET_HINTS),
    personal: bytes(PERSONAL_HINTS),
    split: bytes(SPLIT_HINTS),
    in_json: bytes(&[SPLIT_IN_JSON, FIELD_IN_JSON].join("|")),
});

#[derive(Debug)]
struct Hints {
    secret: regex::bytes::Regex,
    personal: regex::bytes::Regex,
    split: regex::bytes::Regex,
    in_json: regex::bytes::Regex,
}

/// Every rule in force.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) all: Vec<Rule>,
    pub(super) fields: Pattern,
    /// Hints of one's own rules.
    own: Option<regex::bytes::Regex>,
    /// One of one's own has no hint: every text has to be read whole.
    own_unhinted: bool,
}

impl Rules {
    pub(super) fn built_in() -> Self {
        let built = |(name, class, pattern, check, joins): &Built| Rule {
            name: Cow::Borrowed(*name),
            class: *class,
            pattern: Pattern::constant(pattern),
            check: *check,
            joins: *joins,
            hint: None,
        };
        Self {
            all: BUILT_IN.iter().map(built).collect(),
            fields: Pattern::constant(SECRET_FIELDS),
            own: None,
            own_unhinted: false,
        }
    }

    pub(super) fn with(own: &[UserRule]) -> Result<Self, BadRule> {
        let mut rules = Self::built_in();
        for (nth, rule) in own.iter().enumerate() {
            let rule = own::rule(nth, rule, &rules.all)?;
            rules.all.push(rule);
        }
        let hints: Vec<Option<String>> =
            rules.all.iter().filter(|rule| rule.is_own()).map(|rule| rule.hint.as_deref().map(regex::escape)).collect();
        rules.own_unhinted = hints.contains(&None);
        rules.own = (hints.iter().any(Option::is_some))
            .then(|| bytes(&hints.into_iter().flatten().collect::<Vec<_>>().join("|")));
        Ok(rules)
    }

    /// Whether the JSON `body` has to be looked at closely. Never says no wrongly; cheap, because nearly all have nothing.
    pub(super) fn may_hold(&self, body: &[u8], personal: bool) -> bool {
        self.may_find(body, personal) || HINTS.in_json.is_match(body) || super::base64::may_hold(body)
    }

    /// Whether a rule can find something in `text` as it stands.
    pub(super) fn may_find(&self, text: &[u8], personal: bool) -> bool {
        self.own_unhinted
            || HINTS.secret.is_match(text)
            || personal && HINTS.personal.is_match(text)
            || self.own.as_ref().is_some_and(|hints| hints.is_match(text))
    }

    /// Whether a secret can begin in `text` and go on in the next one.
    pub(super) fn may_go_on(text: &str) -> bool {
        HINTS.split.is_match(text.as_bytes())
    }

    /// The rules that apply.
    pub(super) fn of(&self, personal: bool) -> impl Iterator<Item = &Rule> {
        self.all.iter().filter(move |rule| personal || rule.class == Class::Secret)
    }
}

/// A pattern of this file, or made of hints that were escaped.
#[expect(clippy::expect_used, reason = "a constant pattern; a test compiles every one")]
fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern")
}

#[expect(clippy::expect_used, reason = "a constant pattern, or plain letters; a test compiles every one")]
fn bytes(pattern: &str) -> regex::bytes::Regex {
    // Without Unicode the automaton is small and stays fast on every byte; what it looks for is ASCII.
    regex::bytes::RegexBuilder::new(pattern).unicode(false).build().expect("a constant pattern")
}

pub(super) fn yes(_: &str) -> bool {
    true
}

/// A token, not a word with dashes.
fn has_digit_and_letter(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit()) && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// A telephone number has 8 to 15 digits (E.164).
fn is_phone(text: &str) -> bool {
    (8..=15).contains(&text.bytes().filter(u8::is_ascii_digit).count())
}

/// A card number of a known issuer range whose check digit holds.
pub(super) fn is_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let first = |n: usize| digits.iter().take(n).fold(0, |sum, digit| sum * 10 + digit);
    let known = match digits.len() {
        13 | 19 => first(1) == 4,
        14 => (300..=305).contains(&first(3)) || matches!(first(2), 36 | 38 | 39),
        15 => matches!(first(2), 34 | 37),
        16 => {
            first(1) == 4
                || (51..=55).contains(&first(2))
                || (2221..=2720).contains(&first(4))
                || matches!(first(4), 6011)
                || matches!(first(2), 65)
                || (644..=649).contains(&first(3))
                || (3528..=3589).contains(&first(4))
        }
        _ => false,
    };
    known && luhn(&digits)
}

fn luhn(digits: &[u32]) -> bool {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(i, digit)| if i % 2 == 1 { doubled(*digit) } else { *digit }).sum();
    sum.is_multiple_of(10)
}
