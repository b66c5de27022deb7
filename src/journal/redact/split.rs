//! Secrets cut in two: the end of one string and the beginning of the next.

use std::ops::Range;

use super::rules::Rules;
use super::text::of_rule;

/// So much of each side is joined; a private key takes the next string whole.
const REACH: usize = 300;

/// A secret across two strings: what to take from the end of the one and from the beginning of the other.
pub(super) struct Across {
    pub(super) rule: String,
    pub(super) left: Range<usize>,
    pub(super) right: Range<usize>,
}

/// What a rule finds in `left` and `right` joined that lies in both, unless the left has it whole already.
pub(super) fn across(rules: &Rules, left: &str, right: &str) -> Option<Across> {
    let from = floor(left, left.len().saturating_sub(REACH));
    let tail = &left[from..];
    if !Rules::may_go_on(tail) {
        return None;
    }
    for rule in rules.of(false).filter(|rule| rule.joins) {
        let whole = rule.name == "private-key";
        let head = if whole { right } else { &right[..floor(right, right.len().min(REACH))] };
        let ends_alone = !whole && of_rule(rule, tail).any(|range| range.end == tail.len());
        if ends_alone {
            continue;
        }
        let joined = [tail, head].concat();
        let find = of_rule(rule, &joined).find(|range| range.start < tail.len() && range.end > tail.len());
        if let Some(range) = find {
            return Some(Across {
                rule: rule.name.to_string(),
                left: from + range.start..left.len(),
                right: 0..range.end - tail.len(),
            });
        }
    }
    None
}

/// The last character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
