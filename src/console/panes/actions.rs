//! Plans of change: which wait for a person, which ran, and how they ended.

use ratatui::buffer::Buffer;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::console::action::Action;
use crate::console::cursor::Cursor;
use crate::console::pane::{Answer, Ask, Cx, Input, Pane, PaneKind, Picked};
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::list;
use crate::console::widgets::row::Row;
use crate::engine::view::{ActionState, ActionView, Opens};
use crate::event::{Outcome, PlanId};

/// The plans.
#[derive(Debug, Default)]
pub struct Actions {
    cursor: Cursor<PlanId>,
}

/// How far a plan is, in one word, and how that looks.
pub(super) fn state(cx: &Cx<'_>, action: &ActionView) -> (&'static str, Style) {
    match &action.state {
        ActionState::Proposed if action.plan.approve_by < cx.now.wall => ("expired", cx.of(Role::Muted)),
        ActionState::Proposed => ("WAITS", cx.of(Role::HeaderAlarm)),
        ActionState::Denied { .. } => ("refused", cx.of(Role::Muted)),
        ActionState::Approved { .. } => ("approved", cx.of(Role::Focus)),
        ActionState::Started { .. } => ("running or unknown", cx.of(Role::Unclear)),
        ActionState::Finished { outcome: Outcome::Done { .. }, .. } => ("done", cx.of(Role::Good)),
        ActionState::Finished { outcome: Outcome::Failed { .. }, .. } => ("failed", cx.of(Role::Bad)),
        ActionState::Finished { outcome: Outcome::Unknown { .. }, .. } => ("UNKNOWN", cx.of(Role::Unclear)),
    }
}

/// Waiting ones first, then the newest.
fn order<'a>(cx: &Cx<'a>) -> Vec<&'a ActionView> {
    let mut actions: Vec<_> = cx.incident.iter().flat_map(|incident| incident.actions.iter().rev()).collect();
    actions.sort_by_key(|action| !matches!(action.state, ActionState::Proposed));
    actions
}

fn row(cx: &Cx<'_>, action: &ActionView) -> Line<'static> {
    let (word, style) = state(cx, action);
    let text = cx.of(Role::Text);
    let muted = cx.of(Role::Muted);
    let row = Row::new(cx, cx.area.width)
        .col(word, if cx.area.width >= 60 { 19 } else { 9 }, style)
        .lit(" ", text)
        .made(format!("tier {} ", action.plan.tier.0), muted)
        .made(format!("{} ", targets(action)), muted);
    if let ActionState::Proposed = action.state {
        let until = format!(" until {}", cx.clock_short(action.plan.approve_by));
        let left = row.left().saturating_sub(until.len());
        return row.name(&action.plan.title, left, text).made(until, cx.of(Role::Time)).line();
    }
    row.rest(&action.plan.title, text).line()
}

fn targets(action: &ActionView) -> String {
    match action.plan.targets.len() {
        1 => "1 target".to_owned(),
        n => format!("{n} targets"),
    }
}

impl Pane for Actions {
    fn kind(&self) -> PaneKind {
        PaneKind::Actions
    }

    fn summary(&self, cx: &Cx<'_>) -> Line<'static> {
        let waiting = order(cx).iter().filter(|action| matches!(action.state, ActionState::Proposed)).count();
        let all = cx.incident.map_or(0, |incident| incident.actions.len());
        match waiting {
            0 => Line::from(safe::made(all.to_string(), cx.of(Role::Muted))),
            n => Line::from(safe::made(format!("{n} of {all} wait for a person"), cx.of(Role::HeaderAlarm))),
        }
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::Open, Action::Act, Action::Silence]
    }

    fn prepare(&mut self, cx: &Cx<'_>) {
        let keys: Vec<_> = order(cx).iter().map(|action| action.id).collect();
        self.cursor.settle(&keys, cx.area.height);
    }

    fn update(&mut self, cx: &Cx<'_>, input: &Input) -> Answer {
        let keys: Vec<_> = order(cx).iter().map(|action| action.id).collect();
        match input.action() {
            Some(Action::Open) => match self.cursor.key() {
                Some(plan) => Answer::ask(Ask::Open(Opens::Plan { plan: *plan })),
                None => Answer::done(),
            },
            Some(action) if self.cursor.follow(action, &keys) => Answer::done(),
            _ => Answer::Ignored,
        }
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        if cx.incident.is_none() {
            return list::no_incident(cx, buf);
        }
        let actions = order(cx);
        if actions.is_empty() {
            let how = "Nothing is ever changed without a person's approval of the exact request. To propose a silence, put \
                the cursor on an alert or a group and choose silence.";
            return list::empty(cx, buf, "No action was proposed.", how);
        }
        list::draw(cx, buf, cx.area, &self.cursor, actions.len(), 0, |nth| row(cx, actions[nth]));
    }

    fn picked(&self, _cx: &Cx<'_>) -> Option<Picked> {
        self.cursor.key().map(|plan| Picked::Plan(*plan))
    }

    fn at_home(&self) -> bool {
        self.cursor.at_home()
    }

    fn go_home(&mut self) {
        self.cursor.go_home();
    }

    fn go_to(&mut self, cx: &Cx<'_>, picked: &Picked) -> bool {
        let keys: Vec<_> = order(cx).iter().map(|action| action.id).collect();
        matches!(picked, Picked::Plan(plan) if self.cursor.go_to(plan, &keys))
    }
}
