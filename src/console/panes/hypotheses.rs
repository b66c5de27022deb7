//! The hypotheses side by side: the leading one, its rivals, and what is left for none of these.
//!
//! Nothing here is called a probability unless the record of confirmed causes has earned it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::say;
use crate::console::action::Action;
use crate::console::pane::{Answer, Ask, Cx, Input, Pane, PaneKind, Picked};
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::{list, meter, words};
use crate::engine::view::{IncidentView, Opens};
use crate::event::{Cause, Confidence, Diagnosis, Direction, Evidence, EvidenceId, Hypothesis};

/// The hypotheses.
#[derive(Debug, Default)]
pub struct Hypotheses {
    /// Which is under the cursor; the leading one until somebody moved.
    chosen: Option<Cause>,
    nth: usize,
    scroll: usize,
}

/// Narrower than this, a column is no column.
const COLUMN: u16 = 24;

/// Shares that differ by less than this are level: their order means nothing.
const LEVEL: f64 = 0.005;

/// A share in words: a measured probability with its n, or a place in the order when nothing is measured yet.
fn strength(diagnosis: &Diagnosis, nth: usize, own: Confidence) -> String {
    if own.calibrated_on > 0 {
        return format!("{:.0} % earned, n={}", own.share * 100.0, own.calibrated_on);
    }
    let others = diagnosis.hypotheses.iter().enumerate().filter(|(other, _)| *other != nth);
    let level = others.filter(|(_, other)| (other.confidence.share - own.share).abs() < LEVEL);
    let level: Vec<String> = level.map(|(other, _)| say::letter(other).to_string()).collect();
    if level.is_empty() {
        return format!("{} of {}, uncalibrated", nth + 1, diagnosis.hypotheses.len());
    }
    format!("level with {}, uncalibrated", level.join(", "))
}

fn diagnosis<'a>(cx: &Cx<'a>) -> Option<&'a Diagnosis> {
    cx.incident?.diagnosis.as_ref().map(|view| &*view.diagnosis)
}

/// One finding: sign, weight as a small bar, what was found, id. The bar grows with the root of the weight, so that one
/// overwhelming finding does not make all others look alike.
pub(super) fn evidence(cx: &Cx<'_>, found: &Evidence, heaviest: f64, columns: usize) -> Vec<Line<'static>> {
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

/// The findings of `ids`, in their order; an id that names nothing is struck out by the engine and left out here.
pub(super) fn cited<'d>(diagnosis: &'d Diagnosis, ids: &'d [EvidenceId]) -> impl Iterator<Item = &'d Evidence> {
    ids.iter().filter_map(|id| diagnosis.evidence.iter().find(|found| found.id == *id))
}

pub(super) fn heaviest(diagnosis: &Diagnosis) -> f64 {
    diagnosis.evidence.iter().map(|found| found.weight).fold(0.0, f64::max)
}

fn labelled(
    cx: &Cx<'_>,
    label: &'static str,
    text: Vec<Span<'static>>,
    columns: usize,
    style: Style,
) -> Vec<Line<'static>> {
    let mut spans = vec![safe::lit(label, cx.of(Role::Muted))];
    spans.extend(text.into_iter().map(|span| span.patch_style(style)));
    words::wrap(spans, columns, 2)
}

/// Everything about one hypothesis, `columns` wide.
pub(super) fn column(cx: &Cx<'_>, diagnosis: &Diagnosis, nth: usize, columns: usize) -> Vec<Line<'static>> {
    let Some(hypothesis) = diagnosis.hypotheses.get(nth) else { return Vec::new() };
    let text = cx.of(Role::Text);
    let muted = cx.of(Role::Muted);
    let heaviest = heaviest(diagnosis);
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
    for found in cited(diagnosis, &hypothesis.evidence_for) {
        lines.extend(evidence(cx, found, heaviest, columns));
    }
    if hypothesis.evidence_against.is_empty() {
        lines.extend(words::wrap(
            vec![safe::lit(cx.glyphs.minus, cx.of(Role::Against)), safe::lit(" nothing found against it", muted)],
            columns,
            2,
        ));
    }
    for found in cited(diagnosis, &hypothesis.evidence_against) {
        lines.extend(evidence(cx, found, heaviest, columns));
    }
    for falsifier in hypothesis.falsifiers() {
        lines.extend(labelled(cx, "disproved if ", words::prose(cx, &falsifier.0, 1000, text), columns, text));
    }
    lines.extend(labelled(cx, "next: ", words::prose(cx, &hypothesis.next_check.0, 1000, text), columns, text));
    lines
}

/// What people made of a hypothesis, newest last.
fn decided(cx: &Cx<'_>, hypothesis: &Hypothesis, columns: usize) -> Vec<Line<'static>> {
    let decisions = cx.incident.iter().flat_map(|incident| &incident.decisions);
    decisions
        .filter(|decision| decision.cause == hypothesis.cause)
        .flat_map(|decision| {
            let style =
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

/// Onset, first to fail, reach and remedy: what is known whichever hypothesis holds.
fn facts(cx: &Cx<'_>, diagnosis: &Diagnosis, columns: usize) -> Vec<Line<'static>> {
    let muted = cx.of(Role::Muted);
    let text = cx.of(Role::Text);
    let mut spans = Vec::new();
    if let Some(onset) = diagnosis.onset {
        spans.extend([
            safe::lit("since ", muted),
            safe::made(cx.clock(onset), cx.of(Role::Time)),
            safe::lit("  ", muted),
        ]);
    }
    if let Some(first) = &diagnosis.first_failing {
        spans.push(safe::lit("first ", muted));
        spans.extend(words::prose(cx, first, 40, text));
        spans.push(safe::lit("  ", muted));
    }
    if !diagnosis.blast_radius.is_empty() {
        spans.push(safe::lit("reaches ", muted));
        for (nth, service) in diagnosis.blast_radius.iter().take(4).enumerate() {
            if nth > 0 {
                spans.push(safe::lit(", ", muted));
            }
            spans.extend(words::prose(cx, service, 40, text));
        }
        if diagnosis.blast_radius.len() > 4 {
            spans.push(safe::made(format!(" and {} more", diagnosis.blast_radius.len() - 4), muted));
        }
        spans.push(safe::lit("  ", muted));
    }
    if let Some(remedy) = &diagnosis.remediation {
        spans.push(safe::lit("remedy ", muted));
        spans.extend(words::prose(cx, remedy, 40, text));
    }
    if spans.is_empty() { Vec::new() } else { words::wrap(spans, columns, 0) }
}

/// What is left over, and what the bars mean.
fn rest(cx: &Cx<'_>, diagnosis: &Diagnosis, columns: usize) -> Vec<Line<'static>> {
    let muted = cx.of(Role::Muted);
    let strongest = diagnosis.hypotheses.first().map_or(1.0, |first| first.confidence.share);
    let calibrated = diagnosis.hypotheses.first().map_or(0, |first| first.confidence.calibrated_on);
    let mut spans = vec![safe::lit("none of these ", cx.of(Role::Text))];
    if calibrated == 0 {
        let share = diagnosis.none_of_these / strongest.max(diagnosis.none_of_these).max(f64::MIN_POSITIVE);
        spans.extend(meter::bar(cx, share, 8, cx.of(Role::Share)));
        spans.push(safe::lit("  bars compare, they are no probability: no cause was confirmed yet", muted));
    } else {
        spans.extend(meter::bar(cx, diagnosis.none_of_these, 8, cx.of(Role::Share)));
        spans.push(safe::made(format!(" {:.0} %", diagnosis.none_of_these * 100.0), cx.of(Role::Text)));
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

/// What is where in a pane of this size.
struct Plan {
    facts: Vec<Line<'static>>,
    rest: Vec<Line<'static>>,
    /// The columns on the screen, and the first hypothesis in them.
    columns: Vec<Rect>,
    first: usize,
}

impl Hypotheses {
    fn plan(&self, cx: &Cx<'_>, diagnosis: &Diagnosis) -> Plan {
        let area = cx.area;
        let width = usize::from(area.width);
        let mut facts = facts(cx, diagnosis, width);
        facts.truncate(if area.height >= 12 { 2 } else { usize::from(area.height >= 8) });
        let mut rest = rest(cx, diagnosis, width);
        rest.truncate(if area.height >= 12 { 4 } else { usize::from(area.height >= 4) });
        let above = u16::try_from(facts.len()).unwrap_or(0);
        let below = u16::try_from(rest.len()).unwrap_or(0);
        let fit = usize::from((area.width + 1) / (COLUMN + 1)).clamp(1, 3);
        // Three narrow columns read worse than two wide ones.
        let fit = if area.width < 90 { fit.min(2) } else { fit };
        let shown = fit.min(diagnosis.hypotheses.len()).max(1);
        let first = self.nth.saturating_sub(shown - 1).min(diagnosis.hypotheses.len().saturating_sub(shown));
        let parts = u16::try_from(shown).unwrap_or(1);
        let wide = area.width.saturating_sub(3 * (parts - 1)) / parts;
        let columns = (0..parts)
            .map(|nth| {
                let x = area.x + nth * (wide + 3);
                // The last column takes what does not divide.
                let width = if nth + 1 == parts { area.right().saturating_sub(x) } else { wide };
                Rect { x, y: area.y + above, width, height: area.height.saturating_sub(above + below) }
            })
            .collect();
        Plan { facts, rest, columns, first }
    }

    fn draw_column(&self, cx: &Cx<'_>, buf: &mut Buffer, diagnosis: &Diagnosis, nth: usize, area: Rect) {
        let Some(hypothesis) = diagnosis.hypotheses.get(nth) else { return };
        let columns = usize::from(area.width);
        let under = nth == self.nth;
        let style = cx.of(Role::Title);
        let mut head = vec![safe::made(format!("{} ", say::letter(nth)), style)];
        head.extend(say::cause(cx, &hypothesis.cause, columns.saturating_sub(2), style));
        safe::put(buf, area, 0, Line::from(head), cx.glyphs.cut);
        if under {
            buf.set_style(Rect { height: 1.min(area.height), ..area }, cx.cursor_style());
        }
        let body = Rect { y: area.y.saturating_add(1), height: area.height.saturating_sub(1), ..area };
        let lines = column(cx, diagnosis, nth, columns);
        let scroll = if under { self.scroll.min(lines.len().saturating_sub(usize::from(body.height))) } else { 0 };
        let below = lines.len().saturating_sub(scroll + usize::from(body.height));
        for (row, line) in (0..body.height).zip(lines.into_iter().skip(scroll)) {
            safe::put(buf, body, row, line, cx.glyphs.cut);
        }
        if below > 0 && body.height > 0 {
            let more = format!("{} {} more lines", cx.glyphs.down, below + 1);
            safe::fill(buf, Rect { y: body.bottom() - 1, height: 1, ..body }, cx.of(Role::Text));
            safe::put(buf, body, body.height - 1, Line::from(safe::made(more, cx.of(Role::Edge))), cx.glyphs.cut);
        }
    }

    fn choose(&mut self, diagnosis: &Diagnosis, nth: usize) {
        self.nth = nth.min(diagnosis.hypotheses.len().saturating_sub(1));
        self.chosen = diagnosis.hypotheses.get(self.nth).map(|hypothesis| hypothesis.cause.clone());
        self.scroll = 0;
    }

    /// The most one can scroll in the chosen column.
    fn deepest(&self, cx: &Cx<'_>, diagnosis: &Diagnosis) -> usize {
        let plan = self.plan(cx, diagnosis);
        let Some(area) = plan.columns.get(self.nth.saturating_sub(plan.first)) else { return 0 };
        let lines = column(cx, diagnosis, self.nth, usize::from(area.width)).len();
        lines.saturating_sub(usize::from(area.height.saturating_sub(1)))
    }
}

fn waiting(incident: &IncidentView) -> &'static str {
    if incident.alerts == 0 { "No alert is in it." } else { "No hypothesis yet." }
}

impl Pane for Hypotheses {
    fn kind(&self) -> PaneKind {
        PaneKind::Hypotheses
    }

    fn summary(&self, cx: &Cx<'_>) -> Line<'static> {
        let Some((diagnosis, view)) = diagnosis(cx).zip(cx.incident.and_then(|incident| incident.diagnosis.as_ref()))
        else {
            return Line::default();
        };
        let calibrated = diagnosis.hypotheses.first().map_or(0, |first| first.confidence.calibrated_on);
        let mut spans = vec![safe::made(
            format!("{} as of {}", diagnosis.hypotheses.len(), cx.clock(diagnosis.as_of)),
            cx.of(Role::Muted),
        )];
        if calibrated == 0 {
            spans.push(safe::lit(", uncalibrated", cx.of(Role::Unclear)));
        }
        if view.seq > cx.seen {
            spans.push(safe::lit(", new", cx.of(Role::New)));
        }
        Line::from(spans)
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::Accept, Action::Modify, Action::Reject, Action::Diff, Action::Open]
    }

    fn prepare(&mut self, cx: &Cx<'_>) {
        let Some(diagnosis) = diagnosis(cx) else {
            (self.nth, self.scroll) = (0, 0);
            return;
        };
        // The ranks may change while somebody reads: the cursor stays on the same cause.
        let found = self
            .chosen
            .as_ref()
            .and_then(|cause| diagnosis.hypotheses.iter().position(|hypothesis| hypothesis.cause == *cause));
        if found.is_none() {
            self.chosen = None;
        }
        self.nth = found.unwrap_or(0);
        if self.scroll > 0 {
            self.scroll = self.scroll.min(self.deepest(cx, diagnosis));
        }
    }

    fn update(&mut self, cx: &Cx<'_>, input: &Input) -> Answer {
        let Some(diagnosis) = diagnosis(cx) else { return Answer::Ignored };
        let page = usize::from(cx.area.height.saturating_sub(4)).max(1);
        let down = |pane: &mut Self, rows: usize| {
            pane.scroll = (pane.scroll + rows).min(pane.deepest(cx, diagnosis));
        };
        match input.action() {
            Some(Action::Right) => self.choose(diagnosis, self.nth + 1),
            Some(Action::Left) => self.choose(diagnosis, self.nth.saturating_sub(1)),
            Some(Action::Down) => down(self, 1),
            Some(Action::Up) => self.scroll = self.scroll.saturating_sub(1),
            Some(Action::PageDown) => down(self, page),
            Some(Action::PageUp) => self.scroll = self.scroll.saturating_sub(page),
            Some(Action::HalfDown) => down(self, page / 2 + 1),
            Some(Action::HalfUp) => self.scroll = self.scroll.saturating_sub(page / 2 + 1),
            Some(Action::Bottom) => down(self, usize::MAX / 2),
            Some(Action::Top) => self.go_home(),
            Some(Action::Open) => {
                let seq = cx.incident.and_then(|incident| incident.diagnosis.as_ref()).map(|view| view.seq);
                return seq.map_or_else(Answer::done, |seq| Answer::ask(Ask::Open(Opens::Diagnosis { seq })));
            }
            _ => return Answer::Ignored,
        }
        Answer::done()
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let Some(incident) = cx.incident else { return list::no_incident(cx, buf) };
        let Some(diagnosis) = diagnosis(cx) else {
            let how = "The engine writes its first within two seconds of the incident opening; it needs alerts, and the \
                more it has of changes, runs, metrics and logs the more it can tell apart.";
            return list::empty(cx, buf, waiting(incident), how);
        };
        let plan = self.plan(cx, diagnosis);
        for (row, line) in (0..cx.area.height).zip(plan.facts) {
            safe::put(buf, cx.area, row, line, cx.glyphs.cut);
        }
        if diagnosis.hypotheses.is_empty() {
            let area = plan.columns.first().copied().unwrap_or(cx.area);
            list::empty(
                &Cx { area, ..*cx },
                buf,
                "No hypothesis stands.",
                "Nothing that is known explains it. That is a finding: look outside of what is recorded here.",
            );
        }
        for (nth, area) in plan.columns.iter().enumerate() {
            if nth > 0 {
                safe::post(buf, area.x.saturating_sub(2), area.y, area.height, cx.glyphs.post, cx.of(Role::Chrome));
            }
            self.draw_column(cx, buf, diagnosis, plan.first + nth, *area);
        }
        let below = u16::try_from(plan.rest.len()).unwrap_or(0).min(cx.area.height);
        let area = Rect { y: cx.area.bottom() - below, height: below, ..cx.area };
        for (row, line) in (0..below).zip(plan.rest) {
            safe::put(buf, area, row, line, cx.glyphs.cut);
        }
    }

    fn picked(&self, cx: &Cx<'_>) -> Option<Picked> {
        diagnosis(cx)?.hypotheses.get(self.nth)?;
        u32::try_from(self.nth + 1).ok().map(Picked::Hypothesis)
    }

    fn at_home(&self) -> bool {
        self.chosen.is_none() && self.scroll == 0
    }

    fn go_home(&mut self) {
        *self = Self::default();
    }

    fn go_to(&mut self, cx: &Cx<'_>, picked: &Picked) -> bool {
        let (Picked::Hypothesis(rank), Some(diagnosis)) = (picked, diagnosis(cx)) else { return false };
        let nth = usize::try_from(*rank).unwrap_or(0).saturating_sub(1);
        if nth >= diagnosis.hypotheses.len() {
            return false;
        }
        self.choose(diagnosis, nth);
        true
    }
}
