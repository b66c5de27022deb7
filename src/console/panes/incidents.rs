//! The incidents: open ones first, worst first. Below them, while there is room, who has been heard of and what was
//! refused: silence of a source is not health.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{say, sources};
use crate::console::action::Action;
use crate::console::cursor::Cursor;
use crate::console::pane::{Answer, Ask, Cx, Input, Pane, PaneKind, Picked};
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::row::Row;
use crate::console::widgets::{list, words};
use crate::engine::view::{IncidentState, IncidentView, Opens};
use crate::event::IncidentId;

/// The pane of incidents.
#[derive(Debug, Default)]
pub struct Incidents {
    cursor: Cursor<IncidentId>,
}

fn keys(cx: &Cx<'_>) -> Vec<IncidentId> {
    cx.view.incidents.items.iter().map(|incident| incident.id).collect()
}

fn row(cx: &Cx<'_>, incident: &IncidentView) -> Line<'static> {
    let ended = !matches!(incident.state, IncidentState::Open | IncidentState::Quiet);
    let muted = cx.of(Role::Muted);
    let text = if ended { muted } else { cx.of(Role::Text) };
    let severity = if ended { muted } else { cx.theme.severity(incident.weight()) };
    let mine = cx.incident.is_some_and(|chosen| chosen.id == incident.id);
    let row = Row::new(cx, cx.area.width)
        .lit(if mine { cx.glyphs.focus } else { " " }, cx.of(Role::Focus))
        .lit(say::severity_sign(cx, incident.weight()), severity)
        .col(format!(" {}", incident.id), 8, text)
        .name(&say::rated(incident), 9, severity)
        .clock(incident.began, false, cx.of(Role::Time))
        .lit(" ", text);
    let row = match incident.state {
        IncidentState::Open => row.num(format!("{}/{} ", incident.firing, incident.alerts), 9, text),
        IncidentState::Quiet => row.num("quiet ", 9, text),
        IncidentState::Resolved(_) => row.num("resolved ", 9, muted),
        IncidentState::MergedInto(other) => row.num(format!("in {} ", other.0), 9, muted),
    };
    let row = match &incident.owner {
        None if !ended => row.lit("UNOWNED", cx.of(Role::HeaderAlarm)).lit(" ", text),
        None => row,
        Some(owner) => row.name(&owner.login, 8, muted).lit(" ", text),
    };
    row.rest(&incident.headline, text).line()
}

/// What else matters beside the incidents: what is wrong, which source is silent, and where more is said of it.
fn health(cx: &Cx<'_>) -> Vec<Line<'static>> {
    let muted = cx.of(Role::Muted);
    let width = cx.area.width;
    let mut lines = Vec::new();
    for trouble in &cx.view.troubles {
        let mut spans = vec![safe::made(format!("{} ", cx.glyphs.alert), cx.of(Role::StatusError))];
        spans.extend(words::prose(cx, &trouble.text, 400, cx.of(Role::Text)));
        lines.extend(words::wrap(spans, usize::from(width), 2));
    }
    for source in cx.view.sources.iter().filter(|source| source.silent) {
        let row = Row::new(cx, width).name(&source.name, 14, cx.of(Role::Text));
        let since = source.last.map(|last| format!(" NO SIGNAL since {}", cx.clock(last))).unwrap_or_default();
        lines.push(row.made(since, cx.of(Role::Bad)).line());
    }
    if !cx.view.sources.is_empty() {
        let mut line = sources::in_short(cx);
        let key = cx.keymap.first(Action::Pane10).unwrap_or_else(|| ":pane-sources".to_owned());
        line.spans.push(safe::made(format!(": {key} says more"), muted));
        lines.push(line);
    }
    if cx.view.loose_alerts > 0 {
        let text = format!("{} alerts belong to no incident", cx.view.loose_alerts);
        lines.push(Line::from(safe::made(text, muted)));
    }
    lines
}

impl Pane for Incidents {
    fn kind(&self) -> PaneKind {
        PaneKind::Incidents
    }

    fn summary(&self, cx: &Cx<'_>) -> Line<'static> {
        let text = list::counted(cx.view.incidents.items.len(), cx.view.incidents.hidden);
        let unowned = cx.view.incidents.items.iter().filter(|incident| {
            incident.owner.is_none() && matches!(incident.state, IncidentState::Open | IncidentState::Quiet)
        });
        match unowned.count() {
            0 => Line::from(safe::made(text, cx.of(Role::Muted))),
            n => Line::from(vec![
                safe::made(text, cx.of(Role::Muted)),
                safe::made(format!(", {n} unowned"), cx.of(Role::HeaderAlarm)),
            ]),
        }
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::Open, Action::Own]
    }

    fn prepare(&mut self, cx: &Cx<'_>) {
        self.cursor.settle(&keys(cx), cx.area.height);
    }

    fn update(&mut self, cx: &Cx<'_>, input: &Input) -> Answer {
        match input.action() {
            Some(Action::Open) => match self.cursor.key() {
                Some(id) => Answer::Done(vec![
                    Ask::Choose(*id),
                    Ask::Focus(PaneKind::Hypotheses),
                    Ask::Open(Opens::Incident { incident: *id }),
                ]),
                None => Answer::done(),
            },
            Some(action) if self.cursor.follow(action, &keys(cx)) => Answer::done(),
            _ => Answer::Ignored,
        }
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let incidents = &cx.view.incidents;
        let mut used =
            u16::try_from(incidents.items.len()).unwrap_or(u16::MAX).saturating_add(u16::from(incidents.hidden > 0));
        if incidents.items.is_empty() {
            let (what, how) = match cx.view.as_of {
                _ if cx.view.wound_back => ("At this moment no incident was known yet.", say::back_to_now(cx)),
                None => ("Nothing has arrived yet.", say::how_to_begin(cx)),
                Some(_) => ("No incident.", say::how_to_begin(cx)),
            };
            list::empty(cx, buf, what, &how);
            used = u16::try_from(how.len()).unwrap_or(0) / cx.area.width.max(1) + 3;
        } else {
            list::draw(cx, buf, cx.area, &self.cursor, incidents.items.len(), incidents.hidden, |nth| {
                row(cx, &incidents.items[nth])
            });
        }
        // One free row parts them; what does not fit waits for a taller pane.
        let from = used.saturating_add(1);
        let below = Rect { y: cx.area.y.saturating_add(from), height: cx.area.height.saturating_sub(from), ..cx.area };
        for (on_screen, line) in (0..below.height).zip(health(cx)) {
            safe::put(buf, below, on_screen, line, cx.glyphs.cut);
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
