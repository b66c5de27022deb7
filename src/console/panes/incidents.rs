//! The incidents: open ones first, worst first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::action::Action;
use crate::console::cursor::Cursor;
use crate::console::pane::{Answer, Ask, Cx, Input, Pane, PaneKind, Picked};
use crate::console::safe;
use crate::console::theme::Role;
use crate::engine::view::{IncidentState, IncidentView};
use crate::event::{IncidentId, Severity};

/// The pane of incidents.
#[derive(Debug, Default)]
pub struct Incidents {
    cursor: Cursor<IncidentId>,
}

/// The word for a severity.
pub(super) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
        Severity::Unknown => "unrated",
    }
}

fn keys(cx: &Cx<'_>) -> Vec<IncidentId> {
    cx.view.incidents.items.iter().map(|incident| incident.id).collect()
}

fn row<'a>(cx: &Cx<'a>, incident: &'a IncidentView) -> Line<'a> {
    let ended = !matches!(incident.state, IncidentState::Open | IncidentState::Quiet);
    let text = cx.of(if ended { Role::Muted } else { Role::Text });
    let severity = if ended { text } else { cx.theme.severity(incident.severity) };
    let sign = cx.glyphs.severity[incident.severity as usize % 5];
    let mut spans = vec![
        safe::lit(sign, severity),
        safe::lit(" ", text),
        safe::made(format!("{:<7}", incident.id.to_string()), text),
        safe::made(format!("{:<9}", word(incident.severity)), severity),
    ];
    spans.push(match incident.state {
        IncidentState::Open => safe::lit("open     ", text),
        IncidentState::Quiet => safe::lit("quiet    ", text),
        IncidentState::Resolved(_) => safe::lit("resolved ", text),
        IncidentState::MergedInto(other) => safe::made(format!("in {other} "), text),
    });
    match &incident.owner {
        None if !ended => spans.extend([safe::lit("UNOWNED", cx.of(Role::HeaderAlarm)), safe::lit(" ", text)]),
        None => {}
        Some(owner) => spans.extend([safe::prose(&owner.login, cx.of(Role::Muted)), safe::lit(" ", text)]),
    }
    spans.push(safe::prose(&incident.headline, text));
    Line::from(spans)
}

impl Pane for Incidents {
    fn kind(&self) -> PaneKind {
        PaneKind::Incidents
    }

    fn summary(&self, cx: &Cx<'_>) -> Line<'static> {
        let shown = cx.view.incidents.items.len() as u64;
        let all = shown + cx.view.incidents.hidden;
        let text = if cx.view.incidents.hidden == 0 { all.to_string() } else { format!("{shown} of {all}") };
        Line::from(safe::made(text, cx.of(Role::Muted)))
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::Open]
    }

    fn prepare(&mut self, cx: &Cx<'_>) {
        self.cursor.settle(&keys(cx), cx.area.height);
    }

    fn update(&mut self, cx: &Cx<'_>, input: &Input) -> Answer {
        match input.action() {
            Some(Action::Open) => match self.cursor.key() {
                Some(id) => Answer::Done(vec![Ask::Choose(*id), Ask::Focus(PaneKind::Hypotheses)]),
                None => Answer::done(),
            },
            Some(action) if self.cursor.follow(action, &keys(cx)) => Answer::done(),
            _ => Answer::Ignored,
        }
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let items = &cx.view.incidents.items;
        if items.is_empty() {
            let line = Line::from(safe::lit(
                "No incident yet. Alerts that arrive by webhook, by polling or by `warroom ingest` open one.",
                cx.of(Role::Muted),
            ));
            safe::put(buf, cx.area, 0, line, cx.glyphs.cut);
            return;
        }
        for (row_on_screen, (nth, incident)) in
            (0..cx.area.height).zip(items.iter().enumerate().skip(self.cursor.top()))
        {
            safe::put(buf, cx.area, row_on_screen, row(cx, incident), cx.glyphs.cut);
            if nth == self.cursor.row() {
                let at = Rect { y: cx.area.y + row_on_screen, height: 1, ..cx.area };
                buf.set_style(at, cx.cursor_style());
            }
        }
    }

    fn picked(&self, _cx: &Cx<'_>) -> Option<Picked> {
        self.cursor.key().map(|id| Picked::Incident(*id))
    }

    fn at_home(&self) -> bool {
        self.cursor.at_home()
    }

    fn go_home(&mut self) {
        self.cursor.go_home();
    }

    fn go_to(&mut self, cx: &Cx<'_>, picked: &Picked) -> bool {
        match picked {
            Picked::Incident(id) => self.cursor.go_to(id, &keys(cx)),
            _ => false,
        }
    }
}
