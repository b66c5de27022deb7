//! The hypotheses side by side: the leading one, its rivals, and what is left for none of these.
//!
//! Nothing here is called a probability unless the record of confirmed causes has earned it.

mod around;
mod column;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::say;
use crate::console::action::Action;
use crate::console::pane::{Answer, Ask, Cx, Input, Pane, PaneKind, Picked};
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::list;
use crate::engine::view::{IncidentView, Opens};
use crate::event::{Cause, Diagnosis};

pub(super) use column::{column, evidence, heaviest};

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

fn diagnosis<'a>(cx: &Cx<'a>) -> Option<&'a Diagnosis> {
    cx.incident?.diagnosis.as_ref().map(|view| &*view.diagnosis)
}

/// What is where in a pane of this size.
struct Plan {
    above: Vec<Line<'static>>,
    rest: Vec<Line<'static>>,
    /// The columns on the screen, and the first hypothesis in them.
    columns: Vec<Rect>,
    first: usize,
}

impl Hypotheses {
    fn plan(&self, cx: &Cx<'_>, diagnosis: &Diagnosis) -> Plan {
        let area = cx.area;
        let width = usize::from(area.width);
        let mut above = around::facts(cx, diagnosis, width);
        above.truncate(if area.height >= 12 { 2 } else { usize::from(area.height >= 8) });
        let fit = usize::from((area.width + 1) / (COLUMN + 1)).clamp(1, 3);
        // Three narrow columns read worse than two wide ones.
        let fit = if area.width < 90 { fit.min(2) } else { fit };
        let shown = fit.min(diagnosis.hypotheses.len()).max(1);
        let first = self.nth.saturating_sub(shown - 1).min(diagnosis.hypotheses.len().saturating_sub(shown));
        let mut rest = around::rest(cx, diagnosis, width);
        rest.truncate(if area.height >= 12 { 4 } else { usize::from(area.height >= 4) });
        if area.height >= 12 {
            let mut further = around::further(cx, diagnosis, &(first..first + shown), width);
            further.truncate(2);
            rest.splice(0..0, further);
        }
        let top = u16::try_from(above.len()).unwrap_or(0);
        let below = u16::try_from(rest.len()).unwrap_or(0);
        let parts = u16::try_from(shown).unwrap_or(1);
        let wide = area.width.saturating_sub(3 * (parts - 1)) / parts;
        let columns = (0..parts)
            .map(|nth| {
                let x = area.x + nth * (wide + 3);
                // The last column takes what does not divide.
                let width = if nth + 1 == parts { area.right().saturating_sub(x) } else { wide };
                Rect { x, y: area.y + top, width, height: area.height.saturating_sub(top + below) }
            })
            .collect();
        Plan { above, rest, columns, first }
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
        let lines = column::fitted(cx, diagnosis, nth, columns, usize::from(body.height));
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
        // Back on the leading one, it is at home again, and what arrives may join.
        let chosen = diagnosis.hypotheses.get(self.nth).filter(|_| self.nth > 0);
        self.chosen = chosen.map(|hypothesis| hypothesis.cause.clone());
        self.scroll = 0;
    }

    /// The most one can scroll in the chosen column.
    fn deepest(&self, cx: &Cx<'_>, diagnosis: &Diagnosis) -> usize {
        let plan = self.plan(cx, diagnosis);
        let Some(area) = plan.columns.get(self.nth.saturating_sub(plan.first)) else { return 0 };
        let rows = usize::from(area.height.saturating_sub(1));
        column::fitted(cx, diagnosis, self.nth, usize::from(area.width), rows).len().saturating_sub(rows)
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
        if diagnosis.hypotheses.is_empty() {
            return Line::from(safe::made(format!("0 as of {}", cx.clock(diagnosis.as_of)), cx.of(Role::Muted)));
        }
        let calibrated = diagnosis.hypotheses.first().map_or(0, |first| first.confidence.calibrated_on);
        let mut spans = vec![safe::made(
            format!("{} of {} as of {}", around::few(diagnosis), diagnosis.hypotheses.len(), cx.clock(diagnosis.as_of)),
            cx.of(Role::Muted),
        )];
        if calibrated == 0 {
            spans.push(safe::lit(", unproven", cx.of(Role::Unclear)));
        }
        if view.seq > cx.seen {
            spans.push(safe::lit(", new", cx.of(Role::New)));
        }
        Line::from(spans)
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::First, Action::Accept, Action::Modify, Action::Reject, Action::Diff, Action::Open]
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
        let Some(incident) = cx.incident else { return say::no_incident(cx, buf) };
        if cx.veiled {
            let key = |action: Action| cx.keymap.first(action).unwrap_or_else(|| format!(":{}", action.about().name));
            let how = format!(
                "Your own guess first, so that it is not led: {} writes a hunch, {} shows the hypotheses without one.",
                key(Action::Hunch),
                key(Action::Reveal)
            );
            return list::empty(cx, buf, "The hypotheses wait for your hunch.", &how);
        }
        let Some(diagnosis) = diagnosis(cx) else {
            let how = "The engine writes its first within two seconds of the incident opening; it needs alerts, and the \
                more it has of changes, runs, metrics and logs the more it can tell apart.";
            return list::empty(cx, buf, waiting(incident), how);
        };
        let plan = self.plan(cx, diagnosis);
        for (row, line) in (0..cx.area.height).zip(plan.above) {
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
