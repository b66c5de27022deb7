//! Settings whose value a diff changes.

use super::diff::FileDiff;

/// A setting whose value changed: its line before and since.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Setting {
    /// The line without its value.
    pub name: String,
    /// Before.
    pub before: String,
    /// Since.
    pub after: String,
}

/// Settings of a diff: pairs of lines that differ only in their last value, or that lost it.
pub(in super::super) fn settings(diff: &[FileDiff]) -> Vec<Setting> {
    let mut found = Vec::new();
    for file in diff {
        for gone in &file.removed {
            let Some((name, before)) = assignment(gone) else { continue };
            let same = file.added.iter().filter_map(|line| assignment(line)).find(|(other, _)| *other == name);
            if let Some((_, after)) = same.filter(|(_, after)| *after != before) {
                found.push(Setting { name, before, after });
            }
        }
    }
    found
}

/// `name = value`, `name: value`, `name := value`.
fn assignment(line: &str) -> Option<(String, String)> {
    let line = line.trim().trim_end_matches([',', ';']);
    let (name, value) = line.split_once(":=").or_else(|| line.split_once('=')).or_else(|| line.split_once(':'))?;
    let name = name.trim().trim_matches('"').to_owned();
    let short = !name.is_empty() && name.len() <= 60 && name.split_whitespace().count() <= 3;
    short.then(|| (name, value.trim().to_owned()))
}
