//! What people read in outputs, and what came of running runs again: in whole, and in one line for a pane.

use ratatui::text::{Line, Span};

use super::outcome::percent;
use super::pane::Cx;
use super::safe;
use super::theme::Role;
use super::widgets::row::Row;
use super::widgets::{meter, words};
use crate::engine::view::{IncidentView, ReadingView, ReplayView, SliceView, ValueView};
use crate::event::{Untrusted, money};
use crate::response::replay::{ArmOutcome, Share};
use crate::surface::sample::{Answer, Labels, answer};

/// Columns of a bar.
const BAR: usize = 24;
/// Columns of an arm's or a side's name.
const NAME: usize = 22;

/// A share as a bar as far as it was seen, and behind it, thinner, as far as it may reach.
fn interval(cx: &Cx<'_>, (at, high): (f64, f64), columns: usize, role: Role) -> Vec<Span<'static>> {
    let (full, may) = (meter::columns_of(at, columns), meter::columns_of(high, columns));
    let muted = cx.of(Role::Muted);
    vec![
        safe::made(cx.glyphs.bar.repeat(full), cx.of(role)),
        safe::made(cx.glyphs.rule.repeat(may.saturating_sub(full)), muted),
        safe::made(cx.glyphs.dot.repeat(columns - may.max(full)), muted),
    ]
}

fn room(width: u16) -> usize {
    usize::from(width).saturating_sub(NAME + 26).clamp(4, BAR)
}

/// A counted share: name, bar, `6 of 20, 12 to 54 %`; without one, why.
fn shared(
    cx: &Cx<'_>,
    width: u16,
    name: &Untrusted,
    (bad, of): (u64, u64),
    share: Option<(f64, f64, f64)>,
    role: Role,
) -> Line<'static> {
    let text = cx.of(Role::Text);
    let row = Row::new(cx, width).lit("  ", text).name(name, NAME, text).lit(" ", text);
    match share {
        Some((at, low, high)) => row
            .spans(interval(cx, (at, high), room(width), role))
            .made(format!(" {bad} of {of}"), text)
            .made(format!(", {:.0} to {}", low * 100.0, percent(high)), cx.of(Role::Muted))
            .line(),
        None => row.lit("none yet", cx.of(Role::NotCaptured)).line(),
    }
}

fn of_share(share: Share) -> (f64, f64, f64) {
    (share.at, share.low, share.high)
}

/// One experiment: what it is, each arm's rate of failures with its interval, and what that says.
#[must_use]
pub fn replay(cx: &Cx<'_>, one: &ReplayView, width: u16) -> Vec<Line<'static>> {
    let (text, muted, columns) = (cx.of(Role::Text), cx.of(Role::Muted), usize::from(width));
    let mut head = vec![safe::made(cx.clock(one.at), cx.of(Role::Time)), safe::lit("  ", muted)];
    head.extend(words::prose(cx, &one.by, 24, text));
    let times = if one.times == 1 { "once".to_owned() } else { format!("{} times", one.times) };
    head.push(safe::made(format!(" ran {} runs again, {times} in each arm, against ", one.runs), muted));
    head.extend(words::prose(cx, &one.endpoint, 24, text));
    let mut lines = words::wrap(head, columns, 2);
    let tokens = meter::count(one.spent());
    let so_far = format!("{} of {} replays, {tokens} of {} tokens", one.done(), one.of, meter::count(one.budget));
    let mut state = vec![safe::made(format!("{so_far}: "), muted)];
    match &one.ended {
        None => state.push(safe::lit("runs", cx.of(Role::Focus))),
        // What each arm did is drawn below.
        Some((_, why)) => {
            let why: Untrusted = why.raw().split(';').next().unwrap_or_default().into();
            state.extend(words::prose(cx, &why, 300, text));
        }
    }
    lines.extend(words::wrap(state, columns, 2));
    lines.push(Line::default());
    for (nth, arm) in one.outcome.arms.iter().enumerate() {
        lines.push(arm_line(cx, arm, width));
        let mut notes: Vec<Span<'static>> = Vec::new();
        if let Some(pins) = one.pins.get(nth).filter(|pins| !pins.is_empty()) {
            notes.extend(words::prose(cx, pins, columns.saturating_sub(8), muted));
        }
        let counted = [
            (arm.refused, "declined"),
            (arm.off_script, "went off script"),
            (arm.failed, "failed at the endpoint"),
            (arm.cost_unknown, "of unknown cost"),
        ];
        for (n, what) in counted.into_iter().filter(|(n, _)| *n > 0) {
            let gap = if notes.is_empty() { "" } else { "; " };
            notes.push(safe::made(format!("{gap}{n} {what}"), cx.of(Role::Unclear)));
        }
        if let Some(cost) = arm.cost.filter(|_| arm.ended > 0) {
            let gap = if notes.is_empty() { "" } else { "; " };
            notes.push(safe::made(format!("{gap}cost {}", money(cost)), muted));
        }
        if !notes.is_empty() {
            notes.insert(0, safe::lit("    ", muted));
            lines.extend(words::wrap(notes, columns, 4));
        }
    }
    lines.push(Line::default());
    let said = one.outcome.lines();
    for verdict in said.iter().skip(one.outcome.arms.len()) {
        lines.extend(words::wrap(words::prose(cx, &verdict.as_str().into(), 400, cx.of(Role::Title)), columns, 2));
    }
    let what = "An answer has failed when a rule says so of how it ended: cut short, empty, malformed, looped, claimed done. Whether \
                its words are right no rule can say. Intervals hold the truth in 95 of 100 cases.";
    lines.extend(words::wrapped(what, columns, muted));
    lines
}

fn arm_line(cx: &Cx<'_>, arm: &ArmOutcome, width: u16) -> Line<'static> {
    shared(cx, width, &arm.name, (arm.bad, arm.answered), arm.share.map(of_share), Role::Bad)
}

/// What is known by reading and by running again, one line each, for a pane; nothing where nobody did either.
#[must_use]
pub fn short(cx: &Cx<'_>, incident: &IncidentView, width: u16) -> Vec<Line<'static>> {
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    let mut lines = Vec::new();
    if let Some(reading) = incident.reading.as_ref().filter(|reading| reading.read() > 0) {
        let side = |labels: Labels| format!("{} of {}", labels.bad, labels.told());
        let sides = format!(" {} bad before, {} since: ", side(reading.before), side(reading.since));
        lines.push(
            Row::new(cx, width)
                .lit("read   ", muted)
                .made(sides.trim_start(), text)
                .made(&reading.words, cx.of(role_of(reading.answer)))
                .line(),
        );
    }
    if let Some(one) = incident.replays.first() {
        let mut row = Row::new(cx, width).lit("replay ", muted);
        for (nth, arm) in one.outcome.arms.iter().enumerate() {
            let gap = if nth == 0 { "" } else { ", " };
            row = row.lit(gap, muted).spans(words::prose(cx, &arm.name, 24, muted));
            row = match arm.share {
                Some(Share { low, high, .. }) => row
                    .made(format!(" {} of {}", arm.bad, arm.answered), text)
                    .made(format!(" ({:.0}–{:.0} %)", low * 100.0, high * 100.0), muted),
                None => row.lit(" none yet", muted),
            };
        }
        if one.ended.is_none() {
            row = row.made(format!("; runs, {} of {}", one.done(), one.of), cx.of(Role::Focus));
        }
        lines.push(row.line());
    }
    lines
}

fn role_of(answer: Answer) -> Role {
    match answer {
        Answer::Worse => Role::Bad,
        Answer::NoWorse => Role::Good,
        Answer::NotYet { .. } => Role::Unclear,
    }
}

/// All that people said of outputs: both sides with intervals, what that answers, how far readers agree, and other kinds of runs.
#[must_use]
pub fn reading(cx: &Cx<'_>, reading: &ReadingView, width: u16) -> Vec<Line<'static>> {
    let (muted, columns) = (cx.of(Role::Muted), usize::from(width));
    let mut heading = vec![safe::lit("All that is on record for this incident", cx.of(Role::Title))];
    for (nth, reader) in reading.readers.iter().enumerate() {
        heading.push(safe::lit(if nth == 0 { ", read by " } else { ", " }, muted));
        heading.extend(words::prose(cx, reader, 24, muted));
    }
    let mut lines = words::wrap(heading, columns, 2);
    let moment = cx.clock(reading.sample.moment);
    let sides = [
        ("before", reading.before, reading.rate_before, reading.runs.0, Role::Share),
        ("since", reading.since, reading.rate_since, reading.runs.1, Role::Bad),
    ];
    for (name, labels, rate, runs, role) in sides {
        let name = format!("bad {name} {moment}").into();
        lines.push(shared(cx, width, &name, (labels.bad, labels.told()), rate, role));
        lines.extend(beside(cx, labels, runs, columns));
    }
    lines.push(Line::default());
    lines.extend(words::wrapped(&reading.words, columns, cx.of(Role::Title)));
    lines.extend(notes(reading).iter().flat_map(|note| words::wrapped(note, columns, muted)));
    for slice in reading.slices.iter().filter(|slice| slice.values.iter().any(|one| one.labels.told() > 0)) {
        lines.extend(by_kind(cx, slice, width));
    }
    lines
}

/// What stands below a side: what could not be told, and of how many runs these are.
fn beside(cx: &Cx<'_>, labels: Labels, runs: u64, columns: usize) -> Vec<Line<'static>> {
    let unsure = if labels.unsure > 0 { format!("{} cannot be told; ", labels.unsure) } else { String::new() };
    words::wrapped(&format!("    {unsure}of {runs} runs"), columns, cx.of(Role::Muted))
}

/// What has to be known to read the rates right.
fn notes(reading: &ReadingView) -> Vec<String> {
    let mut notes = Vec::new();
    match reading.disagreements {
        0 => {}
        1 => notes.push("People differ on one output: it counts as one that cannot be told.".to_owned()),
        n => notes.push(format!("People differ on {n} outputs: each counts as one that cannot be told.")),
    }
    if let Some(agreed) = reading.agreement {
        let share = percent(ratio(agreed.same, agreed.outputs));
        let beyond = match agreed.kappa {
            Some(kappa) => format!("; kappa {kappa:.2} (1 = always, 0 = as by chance)"),
            None => String::new(),
        };
        notes.push(format!(
            "Of {} outputs that two people or more read, they say the same of {} ({share}){beyond}.",
            agreed.outputs, agreed.same
        ));
    }
    if reading.left_out > 0 {
        notes.push(format!("{} labels could not be counted: too many, or of runs too old.", reading.left_out));
    }
    notes
}

#[expect(clippy::cast_precision_loss, reason = "at most some thousand labels")]
fn ratio(part: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { part as f64 / of as f64 }
}

/// What was said of each value of one kind, and what the two that were read most answer.
fn by_kind(cx: &Cx<'_>, slice: &SliceView, width: u16) -> Vec<Line<'static>> {
    let muted = cx.of(Role::Muted);
    let mut title = vec![safe::lit("By ", cx.of(Role::Title))];
    title.extend(words::prose(cx, &slice.by, 40, cx.of(Role::Title)));
    let mut lines = vec![Line::default(), Line::from(title)];
    for one in &slice.values {
        let labels = one.labels;
        lines.push(shared(cx, width, &one.value, (labels.bad, labels.told()), labels.rate(), Role::Share));
    }
    let mut told: Vec<&ValueView> = slice.values.iter().filter(|one| one.labels.told() > 0).collect();
    told.sort_by_key(|one| std::cmp::Reverse(one.labels.told()));
    if let [one, other, ..] = told[..] {
        lines.extend(words::wrap(compared(cx, one, other), usize::from(width), 2));
    }
    if slice.hidden > 0 {
        lines.extend(words::wrapped(
            &format!("{} more values are not shown.", slice.hidden),
            usize::from(width),
            muted,
        ));
    }
    lines
}

/// What the labels of two kinds of runs answer.
fn compared(cx: &Cx<'_>, one: &ValueView, other: &ValueView) -> Vec<Span<'static>> {
    let rate = |value: &ValueView| value.labels.rate().map_or(0.0, |(at, ..)| at);
    let (less, more) = if rate(one) > rate(other) { (other, one) } else { (one, other) };
    let said = answer(less.labels, more.labels);
    let style = cx.of(role_of(said));
    let name = |value: &ValueView| words::prose(cx, &value.value, 40, style);
    let mut spans = vec![safe::lit("  ", style)];
    match said {
        Answer::Worse => {
            spans.extend(name(more));
            spans.push(safe::lit(" fails more often than ", style));
            spans.extend(name(less));
            spans.push(safe::lit(": not one unlucky sample.", style));
        }
        Answer::NoWorse => {
            spans.extend(name(more));
            spans.push(safe::lit(" fails no more often than ", style));
            spans.extend(name(less));
            spans.push(safe::lit(", as far as the labels can see.", style));
        }
        Answer::NotYet { .. } => spans.push(safe::made(said.words(), style)),
    }
    spans
}
