//! Ranking by what was typed.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// The places of the best matches among `texts`, best first, at most `most`; in the given order when nothing was typed.
/// With each come the columns (characters) that matched.
#[must_use]
pub fn rank<'a>(typed: &str, texts: impl Iterator<Item = &'a str>, most: usize) -> Vec<(usize, Vec<u32>)> {
    if typed.trim().is_empty() {
        return texts.take(most).enumerate().map(|(nth, _)| (nth, Vec::new())).collect();
    }
    let pattern = Pattern::parse(typed, CaseMatching::Smart, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut chars = Vec::new();
    let mut found: Vec<_> = texts
        .enumerate()
        .filter_map(|(nth, text)| {
            let mut columns = Vec::new();
            let score = pattern.indices(Utf32Str::new(text, &mut chars), &mut matcher, &mut columns)?;
            columns.sort_unstable();
            columns.dedup();
            Some((score, nth, columns))
        })
        .collect();
    found.sort_by_key(|(score, nth, _)| (std::cmp::Reverse(*score), *nth));
    found.into_iter().take(most).map(|(_, nth, columns)| (nth, columns)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_match_comes_first_and_misses_are_left_out() {
        let texts = ["focus next pane", "find", "prompt refund_policy", "reject"];
        let found = rank("refpol", texts.into_iter(), 10);
        assert_eq!(found.first().map(|(nth, _)| *nth), Some(2));
        assert_eq!(found.len(), 1);
        assert_eq!(rank("", texts.into_iter(), 2).len(), 2);
    }
}
