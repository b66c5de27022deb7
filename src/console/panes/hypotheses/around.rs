//! What stands above and below the columns: what is known whichever hypothesis holds, those that are in no column, and
//! what is left for none of these.

use std::ops::Range;

use ratatui::text::Line;

use super::super::say;
use crate::console::action::Action;
use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::{meter, words};
use crate::event::Diagnosis;

/// At most so many are named before somebody asks for more.
const NAMED: usize = 5;

/// How many of the hypotheses matter first: those that stand above "none of these", the leading one and a rival always.
pub(super) fn few(diagnosis: &Diagnosis) -> usize {
    let above = diagnosis.hypotheses.iter().take_while(|one| one.confidence.share > diagnosis.none_of_these).count();
    above.clamp(2, NAMED).min(diagnosis.hypotheses.len())
}

/// Onset, first to fail, reach and remedy: what is known whichever hypothesis holds.
pub(super) fn facts(cx: &Cx<'_>, diagnosis: &Diagnosis, columns: usize) -> Vec<Line<'static>> {
    let muted = cx.of(Role::Muted);
    let text = cx.of(Role::Text);
    let mut spans = Vec::new();
    if let Some(onset) = diagnosis.onset {
        spans.extend([
            safe::lit("began ", muted),
            safe::made(cx.clock(onset), cx.of(Role::Time)),
            safe::lit("  ", muted),
        ]);
    }
    if let Some(first) = &diagnosis.first_failing {
        spans.push(safe::lit("first to fail ", muted));
        spans.extend(words::prose(cx, first, 40, text));
        spans.push(safe::lit("  ", muted));
    }
    if !diagnosis.blast_radius.is_empty() {
        spans.push(safe::lit("reaches ", muted));
        for (nth, service) in diagnosis.blast_radius.iter().take(4).enumerate() {
            if nth > 0 {
                spans.push(safe::lit("  ", muted));
            }
            spans.extend(words::prose(cx, service, 40, text));
        }
        if diagnosis.blast_radius.len() > 4 {
            spans.push(safe::made(format!(" and {} more", diagnosis.blast_radius.len() - 4), muted));
        }
        spans.push(safe::lit("  ", muted));
    }
    if let Some(remedy) = &diagnosis.remediation {
        spans.push(safe::lit("likely remedy ", muted));
        spans.extend(words::prose(cx, remedy, 40, text));
    }
    if spans.is_empty() { Vec::new() } else { words::wrap(spans, columns, 0) }
}

/// Those that matter and are in none of the columns `shown`, by name, and how many weaker ones there are further on.
pub(super) fn further(cx: &Cx<'_>, diagnosis: &Diagnosis, shown: &Range<usize>, columns: usize) -> Vec<Line<'static>> {
    let (few, all) = (few(diagnosis), diagnosis.hypotheses.len());
    let muted = cx.of(Role::Muted);
    let mut spans = Vec::new();
    for (nth, one) in diagnosis.hypotheses.iter().enumerate().take(few).filter(|(nth, _)| !shown.contains(nth)) {
        spans.push(safe::lit(if spans.is_empty() { "also " } else { "  " }, muted));
        spans.push(safe::made(format!("{} ", say::letter(nth)), cx.of(Role::Text)));
        spans.extend(say::cause(cx, &one.cause, 30, cx.of(Role::Text)));
    }
    let weaker = (few..all).filter(|nth| !shown.contains(nth)).count();
    if weaker > 0 {
        let key = |action: Action| cx.keymap.first(action).unwrap_or_else(|| format!(":{}", action.about().name));
        spans.push(safe::lit(if spans.is_empty() { "" } else { "  " }, muted));
        let text = format!("{weaker} weaker ({} goes on, {} lists all)", key(Action::Right), key(Action::Open));
        spans.push(safe::made(text, cx.of(Role::Edge)));
    }
    if spans.is_empty() { Vec::new() } else { words::wrap(spans, columns, 2) }
}

/// What is left over, and what the bars mean.
pub(super) fn rest(cx: &Cx<'_>, diagnosis: &Diagnosis, columns: usize) -> Vec<Line<'static>> {
    let muted = cx.of(Role::Muted);
    let strongest = diagnosis.hypotheses.first().map_or(1.0, |first| first.confidence.share);
    let calibrated = diagnosis.hypotheses.first().map_or(0, |first| first.confidence.calibrated_on);
    let mut spans = vec![safe::lit("none of these ", cx.of(Role::Text))];
    if calibrated == 0 {
        let share = diagnosis.none_of_these / strongest.max(diagnosis.none_of_these).max(f64::MIN_POSITIVE);
        spans.extend(meter::bar(cx, share, 8, cx.of(Role::Share)));
        let why = match cx.view.accuracy.confirmed {
            0 => "no cause was confirmed yet".to_owned(),
            1 => "only one cause was confirmed yet".to_owned(),
            n => format!("only {n} causes were confirmed yet"),
        };
        spans.push(safe::made(format!("  bars compare, they are no probability: {why}"), muted));
    } else {
        spans.extend(meter::bar(cx, diagnosis.none_of_these, 8, cx.of(Role::Share)));
        spans.push(safe::made(format!(" {:.0} %", diagnosis.none_of_these * 100.0), cx.of(Role::Text)));
        if diagnosis.calibration.is_some_and(|by| by.own == 0) {
            let why = "  by recorded cases of elsewhere: confirm causes, and it is your own record";
            spans.push(safe::lit(why, muted));
        }
    }
    let mut lines = words::wrap(spans, columns, 2);
    if !diagnosis.not_checked.is_empty() {
        let mut spans = vec![safe::lit("not checked: ", cx.of(Role::Unclear))];
        for (nth, what) in diagnosis.not_checked.iter().take(3).enumerate() {
            if nth > 0 {
                spans.push(safe::lit("; ", muted));
            }
            spans.extend(words::prose(cx, what, 120, muted));
        }
        if diagnosis.not_checked.len() > 3 {
            spans.push(safe::made(format!("; {} more", diagnosis.not_checked.len() - 3), muted));
        }
        lines.extend(words::wrap(spans, columns, 2).into_iter().take(2));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Cause, Confidence, Digest, Falsifier, Hypothesis, IncidentId, NextCheck, Surface, Time};

    fn of(shares: &[f64], none_of_these: f64) -> Diagnosis {
        let hypotheses = shares.iter().enumerate().map(|(nth, share)| {
            let cause = Cause { surface: Surface::Code, subject: Some(format!("s{nth}").into()), change: None };
            let falsifiers = vec![Falsifier("x".into())];
            let mut one = Hypothesis::new(cause, "m".into(), falsifiers, NextCheck("n".into())).expect("a falsifier");
            one.confidence = Confidence { share: *share, ..one.confidence };
            one
        });
        Diagnosis {
            incident: IncidentId(1),
            as_of: Time::UNIX_EPOCH,
            engine: "builtin/1".into(),
            inputs: Digest::of(b""),
            evidence: Vec::new(),
            hypotheses: hypotheses.collect(),
            none_of_these,
            headline: "h".into(),
            onset: None,
            first_failing: None,
            blast_radius: Vec::new(),
            remediation: None,
            not_checked: Vec::new(),
            calibration: None,
        }
    }

    #[test]
    fn what_stands_above_none_of_these_is_named_first_and_a_rival_always() {
        assert_eq!(few(&of(&[0.5, 0.2, 0.1, 0.05], 0.15)), 2);
        assert_eq!(few(&of(&[0.6, 0.05, 0.04], 0.31)), 2, "the rival is named though it is weak");
        assert_eq!(few(&of(&[0.1; 9], 0.1)), 2);
        assert_eq!(few(&of(&[0.11; 9], 0.01)), NAMED);
        assert_eq!(few(&of(&[0.9], 0.1)), 1);
        assert_eq!(few(&of(&[], 1.0)), 0);
    }
}
