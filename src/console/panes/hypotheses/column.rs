//! One hypothesis in a column: how strong, by what mechanism, what speaks for and against it, and how to find out.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::say;
use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::sure;
use crate::console::theme::Role;
use crate::console::widgets::{meter, words};
use crate::event::{Diagnosis, Direction, Evidence, EvidenceId, Hypothesis};

/// Shares that differ by less than this are level: their order means nothing.
const LEVEL: f64 = 0.005;

/// So many findings of each direction are in a short column.
const STRONGEST: usize = 2;

/// A share in words: a measured probability with its n, or a place in the order when nothing is measured yet.
fn strength(diagnosis: &Diagnosis, nth: usize, own: crate::event::Confidence) -> String {
    if let Some(sure) = sure::sure(own, diagnosis.calibration.as_ref()) {
        return sure;
    }
    let others = diagnosis.hypotheses.iter().enumerate().filter(|(other, _)| *other != nth);
    let level = others.filter(|(_, other)| (other.confidence.share - own.share).abs() < LEVEL);
    let level: Vec<String> = level.map(|(other, _)| say::letter(other).to_string()).collect();
    match level.len() {
        0 => format!("{} of {}, unproven", nth + 1, diagnosis.hypotheses.len()),
        1..=3 => format!("level with {}, unproven", level.join(", ")),
        many => format!("level with {many} others, unproven"),
    }
}

/// One finding: sign, weight as a small bar, what was found, id. The bar grows with the root of the weight, so that one
/// overwhelming finding does not make all others look alike.
pub(in super::super) fn evidence(cx: &Cx<'_>, found: &Evidence, heaviest: f64, columns: usize) -> Vec<Line<'static>> {
    let (sign, style) = match found.direction {
        Direction::For => (cx.glyphs.plus, cx.of(Role::For)),
        Direction::Against => (cx.glyphs.minus, cx.of(Role::Against)),
    };
    let mut spans = vec![safe::lit(sign, style), safe::lit(" ", style)];
    spans.extend(meter::bar(cx, (found.weight / heaviest.max(f64::MIN_POSITIVE)).sqrt(), 3, style));
    spans.push(safe::lit(" ", style));
    spans.extend(words::prose(cx, &found.text, 2000, cx.of(Role::Text)));
    spans.push(safe::made(format!(" [{}]", found.id), cx.of(Role::Muted)));
    words::wrap(spans, columns, 2)
}

pub(in super::super) fn heaviest(diagnosis: &Diagnosis) -> f64 {
    diagnosis.evidence.iter().map(|found| found.weight).fold(0.0, f64::max)
}

/// The findings of `ids`, in their order, or only the strongest; and how many that leaves out. An id that names nothing
/// is struck out by the engine and left out here.
fn cited<'d>(diagnosis: &'d Diagnosis, ids: &'d [EvidenceId], short: bool) -> (Vec<&'d Evidence>, usize) {
    let mut found: Vec<_> =
        ids.iter().filter_map(|id| diagnosis.evidence.iter().find(|found| found.id == *id)).collect();
    if !short || found.len() <= STRONGEST {
        return (found, 0);
    }
    found.sort_by(|one, other| other.weight.total_cmp(&one.weight));
    let left_out = found.len() - STRONGEST;
    found.truncate(STRONGEST);
    (found, left_out)
}

fn labelled(cx: &Cx<'_>, label: &'static str, text: Vec<Span<'static>>, columns: usize) -> Vec<Line<'static>> {
    let mut spans = vec![safe::lit(label, cx.of(Role::Muted))];
    spans.extend(text);
    words::wrap(spans, columns, 2)
}

/// One hypothesis, `columns` wide, in at most `rows` if it can be: where not all fits, the strongest findings stand and
/// the others are counted, so that what speaks against it and how to find out are not below the edge.
pub(super) fn fitted(
    cx: &Cx<'_>,
    diagnosis: &Diagnosis,
    nth: usize,
    columns: usize,
    rows: usize,
) -> Vec<Line<'static>> {
    let whole = column(cx, diagnosis, nth, columns);
    if whole.len() <= rows { whole } else { laid_out(cx, diagnosis, nth, columns, true) }
}

/// Everything about one hypothesis, `columns` wide.
pub(in super::super) fn column(cx: &Cx<'_>, diagnosis: &Diagnosis, nth: usize, columns: usize) -> Vec<Line<'static>> {
    laid_out(cx, diagnosis, nth, columns, false)
}

fn laid_out(cx: &Cx<'_>, diagnosis: &Diagnosis, nth: usize, columns: usize, short: bool) -> Vec<Line<'static>> {
    let Some(hypothesis) = diagnosis.hypotheses.get(nth) else { return Vec::new() };
    let text = cx.of(Role::Text);
    let muted = cx.of(Role::Muted);
    let mut lines = Vec::new();
    let strongest = diagnosis.hypotheses.first().map_or(1.0, |first| first.confidence.share);
    // Uncalibrated shares say how the hypotheses compare and nothing more: the bar is relative to the leading one.
    let filled = match hypothesis.confidence.calibrated_on {
        0 => hypothesis.confidence.share / strongest.max(f64::MIN_POSITIVE),
        _ => hypothesis.confidence.share,
    };
    let mut spans = meter::bar(cx, filled, (columns / 6).clamp(4, 12), cx.of(Role::Share));
    spans.push(safe::made(format!(" {}", strength(diagnosis, nth, hypothesis.confidence)), text));
    lines.extend(words::wrap(spans, columns, 2));
    let change = say::change_of(cx, &hypothesis.cause);
    if change.is_none_or(|change| change.summary != hypothesis.mechanism) {
        lines.extend(words::wrap(words::prose(cx, &hypothesis.mechanism, 1000, text), columns, 0));
    }
    if let Some(change) = change {
        let mut spans =
            vec![safe::made(format!("{} {} ", cx.glyphs.change, cx.clock_short(change.at)), cx.of(Role::Changed))];
        spans.extend(words::prose(cx, &change.summary, 200, text));
        if !change.actor.is_empty() {
            spans.push(safe::lit(" by ", muted));
            spans.extend(words::prose(cx, &change.actor, 40, muted));
        }
        lines.extend(words::wrap(spans, columns, 2));
    } else if hypothesis.cause.change.is_none() {
        lines.extend(words::wrap(vec![safe::lit("no change did it, as far as is known", muted)], columns, 0));
    }
    lines.extend(decided(cx, hypothesis, columns));
    lines.extend(findings(cx, diagnosis, &hypothesis.evidence_for, columns, short));
    if hypothesis.evidence_against.is_empty() {
        let spans =
            vec![safe::lit(cx.glyphs.minus, cx.of(Role::Against)), safe::lit(" nothing found against it", muted)];
        lines.extend(words::wrap(spans, columns, 2));
    }
    lines.extend(findings(cx, diagnosis, &hypothesis.evidence_against, columns, short));
    for falsifier in hypothesis.falsifiers() {
        lines.extend(labelled(cx, "disproved if ", words::prose(cx, &falsifier.0, 1000, text), columns));
    }
    lines.extend(labelled(cx, "next: ", words::prose(cx, &hypothesis.next_check.0, 1000, text), columns));
    lines
}

fn findings(cx: &Cx<'_>, diagnosis: &Diagnosis, ids: &[EvidenceId], columns: usize, short: bool) -> Vec<Line<'static>> {
    let heaviest = heaviest(diagnosis);
    let (found, left_out) = cited(diagnosis, ids, short);
    let direction = found.first().map(|found| found.direction);
    let mut lines: Vec<_> = found.into_iter().flat_map(|found| evidence(cx, found, heaviest, columns)).collect();
    if let Some(direction) = direction.filter(|_| left_out > 0) {
        let sign = if direction == Direction::For { cx.glyphs.plus } else { cx.glyphs.minus };
        let key = cx.keymap.first(crate::console::action::Action::Open).unwrap_or_else(|| ":open".to_owned());
        let more = format!("{sign} {left_out} more ({key})");
        lines.extend(words::wrapped(&more, columns, cx.of(Role::Edge)));
    }
    lines
}

/// What people made of a hypothesis, newest last.
fn decided(cx: &Cx<'_>, hypothesis: &Hypothesis, columns: usize) -> Vec<Line<'static>> {
    let decisions = cx.incident.iter().flat_map(|incident| &incident.decisions);
    decisions
        .filter(|decision| decision.cause == hypothesis.cause)
        .flat_map(|decision| {
            let style: Style =
                cx.of(if matches!(decision.verdict, crate::event::Verdict::Reject) { Role::Bad } else { Role::Good });
            let mut spans = vec![safe::made(
                format!("{} {} {} by ", cx.glyphs.done, say::verdict(&decision.verdict), cx.clock_short(decision.at)),
                style,
            )];
            spans.extend(words::prose(cx, &decision.by.login, 40, style));
            words::wrap(spans, columns, 2)
        })
        .collect()
}
