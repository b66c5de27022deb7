//! One text: every find of every rule, replaced.

use std::borrow::Cow;
use std::ops::Range;

use super::rules::{Rule, Rules};
use super::{Found, base64, mark};

/// So deep goes base64 in base64.
const DEPTH: usize = 3;

/// A stretch to take out, and the rule that says so.
struct Find<'r> {
    range: Range<usize>,
    rule: &'r str,
    encoded: bool,
}

/// `text` without what the rules find in it.
pub(super) fn redact<'t>(rules: &Rules, text: &'t str, personal: bool, found: &mut Found) -> Cow<'t, str> {
    let mut finds = finds(rules, text, personal, DEPTH);
    if finds.is_empty() {
        return Cow::Borrowed(text);
    }
    // The earlier and the longer first; what overlaps a find already taken is part of it.
    finds.sort_by_key(|find| (find.range.start, usize::MAX - find.range.end));
    let (mut clean, mut at) = (String::with_capacity(text.len()), 0);
    for find in finds {
        if find.range.end <= at {
            continue;
        }
        if find.range.start >= at {
            clean.push_str(&text[at..find.range.start]);
            clean.push_str(&if find.encoded { mark(&format!("{}, base64", find.rule)) } else { mark(find.rule) });
            *found.entry(find.rule.to_owned()).or_default() += 1;
        }
        at = find.range.end;
    }
    clean.push_str(&text[at..]);
    Cow::Owned(clean)
}

fn finds<'r>(rules: &'r Rules, text: &str, personal: bool, depth: usize) -> Vec<Find<'r>> {
    let mut finds = Vec::new();
    if rules.may_find(text.as_bytes(), personal) {
        for rule in rules.of(personal).filter(|rule| rule.may_find(text)) {
            finds.extend(of_rule(rule, text).map(|range| Find { range, rule: &rule.name, encoded: false }));
        }
    }
    if depth > 0 {
        for (range, said) in base64::each(text) {
            let inside = self::finds(rules, &said, personal, depth - 1);
            finds.extend(inside.first().map(|find| Find { range, rule: find.rule, encoded: true }));
        }
    }
    finds
}

/// Where one rule finds something: its first group, or all of it. What already is a mark is left.
pub(super) fn of_rule<'a>(rule: &'a Rule, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
    rule.pattern.get().captures_iter(text).filter_map(move |found| {
        let it = found.get(1).or_else(|| found.get(0)).filter(|it| !it.is_empty())?;
        (rule.check)(it.as_str()).then(|| it.range())
    })
}
