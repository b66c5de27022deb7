//! Plans of change: which wait for a person, which ran, and how they ended.

use ratatui::buffer::Buffer;
use ratatui::style::Style;
use ratatui::text::Line;

use super::say;
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

/// How far a plan is, in words and in one, and how that looks.
pub(super) fn state(cx: &Cx<'_>, action: &ActionView) -> (&'static str, &'static str, Style) {
    match &action.state {
        ActionState::Proposed if action.plan.approve_by < cx.now.wall => ("expired", "expired", cx.of(Role::Muted)),
        ActionState::Proposed => ("WAITS", "WAITS", cx.of(Role::HeaderAlarm)),
        ActionState::Denied { .. } => ("refused", "refused", cx.of(Role::Muted)),
        ActionState::Approved { .. } => ("approved, not started", "UNSTARTED", cx.of(Role::Unclear)),
        ActionState::Started { .. } => ("running or unknown", "running?", cx.of(Role::Unclear)),
        ActionState::Finished { outcome, .. } => match outcome {
            Outcome::Done { .. } => ("done", "done", cx.of(Role::Good)),
            Outcome::Failed { .. } => ("failed", "failed", cx.of(Role::Bad)),
            Outcome::Partly { .. } => ("DONE IN PART", "IN PART", cx.of(Role::Bad)),
            Outcome::Unknown { .. } => ("OUTCOME UNKNOWN", "UNKNOWN", cx.of(Role::Unclear)),
        },
    }
}

fn ended_unknown(action: &ActionView) -> bool {
    matches!(action.state, ActionState::Finished { outcome: Outcome::Unknown { .. }, .. })
}

/// Waiting ones first, then those nobody knows the outcome of, then the newest.
fn order<'a>(cx: &Cx<'a>) -> Vec<&'a ActionView> {
    let mut actions: Vec<_> = cx.incident.iter().flat_map(|incident| incident.actions.iter().rev()).collect();
    actions.sort_by_key(|action| (action.state != ActionState::Proposed, !ended_unknown(action)));
    actions
}

fn row(cx: &Cx<'_>, action: &ActionView) -> Line<'static> {
    let (words, word, style) = state(cx, action);
    let text = cx.of(Role::Text);
    let muted = cx.of(Role::Muted);
    let wide = cx.area.width >= 60;
    let row = Row::new(cx, cx.area.width)
        .col(if wide { words } else { word }, if wide { 21 } else { 9 }, style)
        .lit(" ", text)
        .made(format!("tier {} ", action.plan.tier.0), muted)
        .made(format!("{} ", targets(action)), muted);
    let row = match action.broke_glass {
        Some(_) => row.lit("EMERGENCY ", cx.of(Role::HeaderAlarm)),
        None => row,
    };
    let (end, end_style) = match action.state {
        ActionState::Proposed => (format!(" until {}", cx.clock_short(action.plan.approve_by)), cx.of(Role::Time)),
        _ if ended_unknown(action) => {
            let key = cx.keymap.first(Action::Reconcile).unwrap_or_else(|| ":reconcile".to_owned());
            (format!(" {key} looks again"), cx.of(Role::Key))
        }
        _ => return row.rest(&action.plan.title, text).line(),
    };
    let left = row.left().saturating_sub(end.len());
    row.name(&action.plan.title, left, text).made(end, end_style).line()
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
        let unknown = order(cx).iter().filter(|action| ended_unknown(action)).count();
        match (waiting, unknown) {
            (0, 0) => Line::from(safe::made(all.to_string(), cx.of(Role::Muted))),
            (0, n) => Line::from(safe::made(format!("{n} of {all} with unknown outcome"), cx.of(Role::Unclear))),
            (n, _) => Line::from(safe::made(format!("{n} of {all} wait for a person"), cx.of(Role::HeaderAlarm))),
        }
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::Open, Action::Act, Action::Reconcile, Action::Silence]
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
            return say::no_incident(cx, buf);
        }
        let actions = order(cx);
        if actions.is_empty() {
            let key = cx.keymap.first(Action::Silence).unwrap_or_else(|| ":silence".to_owned());
            let how = format!(
                "Nothing is ever changed without a person's approval of the exact request. {key} on an alert or a group \
                 proposes to silence it."
            );
            return list::empty(cx, buf, "No action was proposed.", &how);
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
