//! Places for inputs in the text of a step: `{{name}}`, `<name>`, `$name`, and `{{ $labels.name }}` as alert rules write it.

use std::collections::{BTreeMap, BTreeSet};

use super::front::is_input_name;
use super::pattern::Pattern;
use super::types::{Input, KnownFrom};

/// A blank such as `<pod name>` has at most so many letters.
const MAX_BLANK: usize = 40;

/// Names in the environment of everybody, and so no blanks of a runbook.
const ENVIRONMENT: [&str; 27] = [
    "HOME",
    "PATH",
    "USER",
    "LOGNAME",
    "PWD",
    "OLDPWD",
    "SHELL",
    "HOSTNAME",
    "TERM",
    "LANG",
    "TMPDIR",
    "IFS",
    "UID",
    "EUID",
    "PPID",
    "RANDOM",
    "SECONDS",
    "LINENO",
    "KUBECONFIG",
    "EDITOR",
    "ENV",
    "PS1",
    "PS2",
    "PS4",
    "OPTARG",
    "OPTIND",
    "CDPATH",
];
/// How names begin that programs obey.
const OF_PROGRAMS: [&str; 3] = ["LD_", "DYLD_", "BASH"];
/// Parts of names of what no alert may fill in.
const SECRETS: [&str; 6] = ["TOKEN", "SECRET", "PASS", "KEY", "CRED", "AUTH"];

/// The inputs of a runbook: those it declares, and those its steps merely use.
#[derive(Debug, Default)]
pub(super) struct Places {
    inputs: Vec<Input>,
    by_name: BTreeMap<String, usize>,
}

/// Which signs of a place count where the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signs {
    /// All: `{{name}}`, `<name>`, `$name`.
    Shell,
    /// No variables, and only declared names: inside quotes that a shell does not look into, and in languages of their own.
    Declared,
    /// `{{name}}` and `<name>`.
    Blanks,
}

impl Places {
    pub fn of(inputs: Vec<Input>) -> Self {
        let by_name = inputs.iter().enumerate().map(|(nth, input)| (input.name.raw().to_owned(), nth)).collect();
        Self { inputs, by_name }
    }

    pub fn into_inputs(self) -> Vec<Input> {
        self.inputs
    }

    /// The place that begins `text`, with its length in bytes; `before` is the character before it, `own` what the text itself
    /// sets, `line` where it stands.
    pub fn at(
        &mut self,
        text: &str,
        before: Option<char>,
        signs: Signs,
        own: &BTreeSet<String>,
        line: u32,
    ) -> Option<(usize, String)> {
        match text.as_bytes() {
            [b'{', b'{', ..] => {
                let end = text.get(..text.len().min(MAX_BLANK + 20).min(end_of_line(text)))?.find("}}")?;
                let inner = text[2..end].trim();
                if let Some(label) = label_of(inner) {
                    return Some((end + 2, self.implied(label, line)?));
                }
                let name = inner.to_owned();
                self.by_name.contains_key(&name).then_some((end + 2, name))
            }
            [b'<', first, ..] if first.is_ascii_alphabetic() && before != Some('<') => {
                let end = text.find('>').filter(|end| *end <= MAX_BLANK + 1)?;
                let inner = &text[1..end];
                let good = inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" _.-".contains(&byte));
                if !good || inner.ends_with(' ') {
                    return None;
                }
                let name = input_name(inner);
                if self.by_name.contains_key(&name) {
                    return Some((end + 1, name));
                }
                (signs != Signs::Declared).then(|| self.implied(inner, line)).flatten().map(|name| (end + 1, name))
            }
            [b'$', ..] if signs == Signs::Shell => {
                let braced = text[1..].starts_with('{');
                let start = if braced { 2 } else { 1 };
                let rest = &text[start..];
                let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
                let word = &rest[..length];
                if !word.starts_with(|c: char| c.is_ascii_alphabetic()) || own.contains(word) {
                    return None;
                }
                let end = start + length;
                if braced && text.as_bytes().get(end) != Some(&b'}') {
                    return None;
                }
                let end = end + usize::from(braced);
                let name = word.to_ascii_lowercase();
                if ENVIRONMENT.contains(&word) || OF_PROGRAMS.iter().any(|part| word.starts_with(part)) {
                    return None;
                }
                if self.by_name.contains_key(&name) {
                    return Some((end, name));
                }
                let upper = word.to_ascii_uppercase();
                if SECRETS.iter().any(|part| upper.contains(part)) {
                    return None;
                }
                self.implied(word, line).map(|name| (end, name))
            }
            _ => None,
        }
    }

    /// An input that nobody declared: the label of that name fills it.
    fn implied(&mut self, word: &str, line: u32) -> Option<String> {
        let name = input_name(word);
        if !is_input_name(&name) {
            return None;
        }
        if !self.by_name.contains_key(&name) {
            let mut labels: Vec<String> = vec![word.to_owned(), word.to_ascii_lowercase(), name.replace('-', "_")];
            labels.dedup();
            self.by_name.insert(name.clone(), self.inputs.len());
            self.inputs.push(Input {
                name: name.as_str().into(),
                about: crate::event::Untrusted::default(),
                pattern: Pattern::default(),
                default: None,
                from: labels.iter().map(|label| KnownFrom::Label(label.as_str().into())).collect(),
                declared: false,
                line,
            });
        }
        Some(name)
    }
}

fn end_of_line(text: &str) -> usize {
    // A cut inside a letter makes `get` find nothing, which is right: no name is longer.
    text.find('\n').unwrap_or(text.len())
}

/// The label in `$labels.pod`, `$labels.pod | …` is none.
fn label_of(inner: &str) -> Option<&str> {
    let name = inner.strip_prefix("$labels.").or_else(|| inner.strip_prefix(".Labels."))?;
    let good = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (good && !name.is_empty()).then_some(name)
}

/// `Pod Name` as the name of an input: `pod-name`.
fn input_name(word: &str) -> String {
    word.to_ascii_lowercase().replace([' ', '.'], "-")
}

/// Names that a script gives a value itself.
pub(super) fn set_by(script: &str) -> BTreeSet<String> {
    let mut own = BTreeSet::new();
    let name = |word: &str| -> Option<String> {
        let good = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        good.then(|| word.to_owned())
    };
    for line in script.lines() {
        let words: Vec<&str> = line.split([' ', '\t', ';', '&', '|', '(', ')', '"', '`']).collect();
        for (nth, word) in words.iter().enumerate() {
            if let Some((left, _)) = word.split_once('=') {
                own.extend(name(left.trim_end_matches('+')));
            }
            if matches!(nth.checked_sub(1).map(|before| words[before]), Some("for" | "select")) {
                own.extend(name(word));
            }
        }
        if let Some(at) = words.iter().position(|word| *word == "read") {
            own.extend(words[at + 1..].iter().filter_map(|word| name(word)));
        }
    }
    own
}
