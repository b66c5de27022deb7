//! One plan of change: exactly what would be sent, to what, by whose leave, and how to undo it.

use ratatui::text::Line;

use super::{beside, field, heading};
use crate::console::action::Action;
use crate::console::details::{Detail, Want};
use crate::console::pane::Cx;
use crate::console::panes::actions;
use crate::console::safe;
use crate::console::sheet::{Content, Sheet, once_read};
use crate::console::theme::Role;
use crate::console::widgets::words;
use crate::engine::view::{ActionState, ActionView};
use crate::event::{Outcome, PlanId, Policy, Purpose, Recovery, Request, Untrusted};
use crate::response::environment;

/// A plan.
#[derive(Debug)]
pub(in crate::console::panes) struct PlanSheet(pub PlanId);

fn ended(cx: &Cx<'_>, action: &ActionView, width: usize) -> Vec<Line<'static>> {
    let text = cx.of(Role::Text);
    let said = |name, text: &Untrusted, role| field(cx, name, text, Policy::Prose, width, cx.of(role));
    match &action.state {
        ActionState::Proposed => {
            let until = format!("nobody can approve it after {}", cx.clock(action.plan.approve_by));
            beside(cx, "expires", vec![safe::made(until, text)], width)
        }
        ActionState::Denied { reason } => said("refused", reason, Role::Muted),
        ActionState::Approved { by, execute_by } => {
            let mut lines = field(cx, "approved by", &by.login, Policy::Exact, width, text);
            let until = format!("it does not start after {}", cx.clock(*execute_by));
            lines.extend(beside(cx, "", vec![safe::made(until, text)], width));
            lines
        }
        ActionState::Started { at } => {
            let since = format!("at {}; how it ended is not recorded. It is not tried again by itself.", cx.clock(*at));
            beside(cx, "started", vec![safe::made(since, cx.of(Role::Unclear))], width)
        }
        ActionState::Finished { outcome, at } => {
            let mut lines = beside(cx, "ended", vec![safe::made(cx.clock(*at), cx.of(Role::Time))], width);
            lines.extend(match outcome {
                Outcome::Done { receipt } => said("receipt", receipt, Role::Good),
                Outcome::Failed { error } => said("failed", error, Role::Bad),
                Outcome::Partly { done, failed, untouched, why } => {
                    let counts = format!("{done} done, {failed} failed, {untouched} not touched");
                    let mut lines = beside(cx, "in part", vec![safe::made(counts, cx.of(Role::Bad))], width);
                    lines.extend(said("because", why, Role::Text));
                    lines
                }
                Outcome::Unknown { check } => {
                    let mut lines = said("check", check, Role::Unclear);
                    let key = cx.keymap.first(Action::Reconcile).unwrap_or_else(|| ":reconcile".to_owned());
                    let how = format!("among the panes, {key} looks again at the target; nothing is sent again");
                    lines.extend(beside(cx, "look again", vec![safe::made(how, text)], width));
                    lines
                }
            });
            lines
        }
    }
}

/// What would run or ran, whole.
pub(super) fn request(cx: &Cx<'_>, request: &Request, width: usize) -> Vec<Line<'static>> {
    let text = cx.of(Role::Text);
    match request {
        Request::Http { method, url, body } => {
            let mut lines = field(cx, "method", method, Policy::Exact, width, text);
            lines.extend(field(cx, "address", url, Policy::Exact, width, text));
            let many = format!("{} bytes, {} lines", body.raw().len(), body.lines().count());
            lines.extend(beside(cx, "body", vec![safe::made(many, cx.of(Role::Muted))], width));
            lines.extend(words::paragraphs(cx, body, Policy::Exact, width, text));
            lines
        }
        Request::Process { argv } => {
            let each = argv.iter().enumerate();
            each.flat_map(|(nth, word)| {
                // Every word begins a line of its own: where one ends and the next begins is never in doubt.
                let name = ["program", "words", ""][nth.min(2)];
                field(cx, name, word, Policy::Exact, width, text)
            })
            .collect()
        }
        Request::Sql { database, statement } => {
            let mut lines = field(cx, "database", database, Policy::Exact, width, text);
            lines.extend(words::paragraphs(cx, statement, Policy::Exact, width, text));
            lines
        }
    }
}

fn lay_out(cx: &Cx<'_>, action: &ActionView, width: usize) -> Vec<Line<'static>> {
    let plan = &action.plan;
    let text = cx.of(Role::Text);
    let (words, _, style) = actions::state(cx, action);
    let mut lines = field(cx, "what", &plan.title, Policy::Prose, width, text);
    lines.extend(beside(cx, "state", vec![safe::lit(words, style)], width));
    lines.extend(ended(cx, action, width));
    if let Some(reason) = &action.broke_glass {
        lines.extend(field(cx, "EMERGENCY", reason, Policy::Prose, width, cx.of(Role::DialogDanger)));
    }
    if let Some((by, reason)) = &action.cancelled {
        lines.extend(field(cx, "stopped by", &by.login, Policy::Exact, width, text));
        lines.extend(field(cx, "", reason, Policy::Prose, width, text));
    }
    for (nth, (target, outcome)) in action.targets.iter().enumerate() {
        let (word, role) = match outcome {
            Outcome::Done { .. } => ("done", Role::Good),
            Outcome::Unknown { .. } => ("UNKNOWN", Role::Unclear),
            Outcome::Failed { .. } | Outcome::Partly { .. } => ("failed", Role::Bad),
        };
        let mut spans = vec![safe::made(format!("{word:<8} "), cx.of(role))];
        spans.extend(words::whole(cx, &target.name, Policy::Exact, text));
        lines.extend(beside(cx, if nth == 0 { "each" } else { "" }, spans, width));
    }
    if let Some(checked) = &action.effect {
        for symptom in &checked.symptoms {
            let (word, role) = match symptom.effect {
                Recovery::Recovered => ("recovered", Role::Good),
                Recovery::Better => ("better", Role::Good),
                Recovery::Unmoved => ("no better", Role::Bad),
                Recovery::Worse => ("worse", Role::Bad),
                Recovery::Unclear => ("cannot be told", Role::Unclear),
            };
            let mut spans = vec![safe::made(format!("{word}: "), cx.of(role))];
            spans.extend(words::whole(cx, &symptom.what, Policy::Prose, text));
            spans.push(safe::lit(" ", text));
            spans.extend(words::whole(cx, &symptom.before, Policy::Prose, text));
            spans.push(safe::lit(" before, ", text));
            spans.extend(words::whole(cx, &symptom.after, Policy::Prose, text));
            spans.push(safe::made(format!(" {} min after", checked.after_s / 60), text));
            lines.extend(beside(cx, "came of it", spans, width));
        }
    }
    lines.extend(beside(cx, "tier", vec![safe::made(plan.tier.0.to_string(), text)], width));
    for reason in &plan.reasons {
        lines.extend(field(cx, "because", reason, Policy::Prose, width, text));
    }
    if let Some(origin) = &plan.origin {
        lines.extend(field(cx, "runbook", &origin.runbook, Policy::Exact, width, text));
        lines.extend(field(cx, "step", &origin.step, Policy::Exact, width, text));
    }
    if let Some(dry) = &plan.dry_run {
        lines.extend(field(cx, "dry run", &dry.output, Policy::Prose, width, text));
    }
    lines.extend(field(cx, "proposed by", &plan.proposed_by, Policy::Exact, width, text));
    lines.extend(field(cx, "policy", &plan.policy, Policy::Exact, width, text));
    lines.extend(field(cx, "undo", &plan.undo, Policy::Exact, width, text));
    for (nth, path) in plan.taint.iter().enumerate() {
        let name = if nth == 0 { "from outside" } else { "" };
        lines.extend(field(cx, name, path, Policy::Exact, width, cx.of(Role::Untrusted)));
    }
    lines.extend(heading(cx, "Exactly this is sent"));
    lines.extend(request(cx, &plan.request, width));
    if matches!(plan.request, Request::Process { .. }) {
        for (name, value) in environment(plan) {
            lines.extend(field(cx, name, &value.as_str().into(), Policy::Exact, width, text));
        }
    }
    if let Purpose::Freeze { until, release: Some(release), .. } = &plan.purpose {
        lines.extend(heading(cx, "And this when it ends, approved with it"));
        lines.extend(beside(cx, "at", vec![safe::made(cx.clock(*until), text)], width));
        lines.extend(request(cx, release, width));
    }
    lines.extend(heading(cx, "It touches"));
    for target in &plan.targets {
        let mut spans = vec![safe::lit("  ", text)];
        spans.extend(words::whole(cx, &target.kind, Policy::Exact, cx.of(Role::Muted)));
        spans.push(safe::lit(" ", text));
        spans.extend(words::whole(cx, &target.name, Policy::Exact, text));
        lines.extend(words::wrap(spans, width, 4));
    }
    lines.extend(heading(cx, "Named by the digest of all of this"));
    lines.extend(words::wrapped(&action.id.0.to_string(), width, text));
    lines
}

impl Sheet for PlanSheet {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        Line::from(safe::made(format!("Plan {}", self.0), cx.of(Role::DialogTitle)))
    }

    fn want(&self) -> Option<Want> {
        Some(Want::Plan(self.0))
    }

    fn lay_out(&self, cx: &Cx<'_>, width: u16) -> Content {
        once_read(cx, &Want::Plan(self.0), |detail| {
            let Detail::Plan(action) = detail else { return Content::default() };
            Content { lines: lay_out(cx, action, usize::from(width)), ..Content::default() }
        })
    }

    fn opened(&self) -> String {
        format!("plan {}", self.0)
    }

    fn copied(&self, _cx: &Cx<'_>) -> Option<(String, &'static str)> {
        Some((self.0.0.to_string(), "plan digest"))
    }
}
