//! What a diff cannot cause: tests, documents, comments, looks, moved code.

use std::collections::BTreeMap;

use super::diff::{FileDiff, FileKind};

/// What a change cannot cause, and why; `None` when it may have an effect.
pub(in super::super) fn inert(files: &[String], diff: &[FileDiff]) -> Option<&'static str> {
    let kinds: Vec<FileKind> = if files.is_empty() {
        diff.iter().map(|file| FileKind::of(&file.path)).collect()
    } else {
        files.iter().map(|path| FileKind::of(path)).collect()
    };
    if !kinds.is_empty() && kinds.iter().all(|kind| !kind.runs()) {
        return Some("it touches only tests, documents, build or another stage, none of which runs in production");
    }
    if !kinds.is_empty() && kinds.iter().all(|kind| !kind.runs() || *kind == FileKind::Looks) {
        return Some("it touches only looks");
    }
    if diff.is_empty() {
        return None;
    }
    let lines = || {
        diff.iter()
            .flat_map(|file| file.added.iter().chain(&file.removed))
            .map(|line| line.trim())
            .filter(|line| !line.is_empty())
    };
    if lines().all(is_comment) {
        return Some("it touches only comments");
    }
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    for file in diff {
        gone.extend(file.removed.iter().flat_map(|line| tokens(line)));
        come.extend(file.added.iter().flat_map(|line| tokens(line)));
    }
    gone.sort();
    come.sort();
    if gone == come && !gone.is_empty() {
        return Some("the same words in another order or layout");
    }
    let only_watching = diff.iter().all(|file| file.removed.is_empty())
        && lines().all(|line| is_watching(line) || is_comment(line) || line.len() < 3);
    only_watching.then_some("it only adds counters, histograms or log fields")
}

pub(super) fn is_comment(line: &str) -> bool {
    ["//", "#", "/*", "*", "--", "<!--", "\"\"\"", ";"].iter().any(|mark| line.starts_with(mark))
        && !line.starts_with("#include")
}

fn is_watching(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    [
        "prometheus",
        "histogram",
        "counter",
        "metric",
        "logger",
        "log.",
        "setattribut",
        "span.",
        "buckets",
        "name:",
        "help:",
        "\"method\"",
        "\"path\"",
        "trace",
    ]
    .iter()
    .any(|word| line.contains(word))
}

/// Words and numbers of a line of code.
pub(super) fn tokens(line: &str) -> Vec<String> {
    line.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|token| !token.is_empty())
        .map(str::to_owned)
        .collect()
}

/// How much of what came is what went: 1 = moved code, 0 = something else. With nothing removed it is 0.
pub(in super::super) fn likeness(diff: &[FileDiff]) -> f64 {
    let mut counts: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for file in diff {
        for token in file.removed.iter().flat_map(|line| tokens(line)) {
            counts.entry(token).or_default().0 += 1;
        }
        for token in file.added.iter().flat_map(|line| tokens(line)) {
            counts.entry(token).or_default().1 += 1;
        }
    }
    let removed: u32 = counts.values().map(|(gone, _)| gone).sum();
    let kept: u32 = counts.values().map(|(gone, come)| (*gone).min(*come)).sum();
    if removed == 0 { 0.0 } else { f64::from(kept) / f64::from(removed) }
}

#[cfg(test)]
mod tests {
    use super::super::diff::parse;
    use super::*;

    #[test]
    fn what_cannot_cause_anything() {
        assert!(inert(&["docs/a.md".into()], &[]).is_some());
        assert!(inert(&["a.go".into()], &parse("@@ a.go @@\n-// old words\n+// new words")).is_some());
        assert!(inert(&["a.go".into()], &parse("@@ a.go @@\n-x := f(a)\n+x := f(b)")).is_none());
        assert!(inert(&["a.go".into()], &[]).is_none());
    }

    #[test]
    fn moved_code_is_alike() {
        let moved =
            parse("@@ a.go @@\n-\tx := build(a, b)\n+\tx := helper()\n+}\n+func helper() T {\n+\treturn build(a, b)");
        assert!(likeness(&moved) > 0.8);
    }
}
