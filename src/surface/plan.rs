//! Plans that an agent keeps of its own work: how many of their steps are done.
//!
//! Two forms are read: a list of steps with a status each, as tools for plans and to-dos take it, and a Markdown list with
//! boxes (`- [ ]`, `- [x]`), as models write it.

use serde_json::Value;

use crate::event::Span;

use super::alias::{self, Field, Op};
use super::message::Message;

/// Fewer steps than this are no plan.
const LEAST: usize = 2;
/// Lists deeper in the arguments than this are not looked at.
const MAX_DEPTH: usize = 4;

/// How far a plan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Steps not done and not given up.
    pub open: usize,
    /// All steps.
    pub all: usize,
    /// It was kept by a tool, or at least one of its boxes is ticked: a list that somebody works through, and no list that was
    /// asked for.
    pub kept: bool,
}

/// The plan as one step of a run left it; `out` is what a model said.
pub(super) fn of(op: Op, span: &Span, out: &[Message]) -> Option<Plan> {
    match op {
        Op::Tool => {
            let value = alias::value(&span.attributes, Field::ToolArguments)?;
            match value {
                Value::String(text) if text.contains("status") || text.contains("state") => {
                    of_value(&serde_json::from_str(text).ok()?, 0)
                }
                Value::String(_) => None,
                other => of_value(other, 0),
            }
        }
        Op::Model => of_text(&out.last()?.text),
        _ => None,
    }
}

/// The first list of steps with a status each.
fn of_value(value: &Value, depth: usize) -> Option<Plan> {
    if depth >= MAX_DEPTH {
        return None;
    }
    match value {
        Value::Array(items) => {
            let done: Option<Vec<bool>> = items.iter().map(is_done).collect();
            done.filter(|done| done.len() >= LEAST)
                .map(|done| Plan { open: done.iter().filter(|done| !**done).count(), all: done.len(), kept: true })
                .or_else(|| items.iter().find_map(|item| of_value(item, depth + 1)))
        }
        Value::Object(object) => object.values().find_map(|inner| of_value(inner, depth + 1)),
        _ => None,
    }
}

/// Whether a step is done (or given up); `None` = it is no step of a plan.
fn is_done(step: &Value) -> Option<bool> {
    let status = step.get("status").or_else(|| step.get("state"))?.as_str()?.to_ascii_lowercase();
    match status.replace(['-', ' '], "_").as_str() {
        "pending" | "todo" | "to_do" | "not_started" | "open" | "in_progress" | "doing" | "active" => Some(false),
        "done" | "completed" | "complete" | "finished" | "cancelled" | "canceled" | "skipped" => Some(true),
        _ => None,
    }
}

/// A Markdown list with boxes.
fn of_text(text: &str) -> Option<Plan> {
    let (mut open, mut all) = (0, 0);
    for line in text.lines() {
        let line = line.trim_start();
        let item = line.strip_prefix(['-', '*', '+']).or_else(|| {
            let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
            rest.strip_prefix(['.', ')']).filter(|_| rest.len() < line.len())
        });
        let Some(item) = item.map(str::trim_start) else { continue };
        if item.starts_with("[ ]") {
            (open, all) = (open + 1, all + 1);
        } else if item.starts_with("[x]") || item.starts_with("[X]") {
            all += 1;
        }
    }
    (all >= LEAST).then_some(Plan { open, all, kept: open < all })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_with_a_status_each_are_plans_wherever_they_lie() {
        let list = json!({"plan": {"steps": [
            {"title": "look", "status": "completed"}, {"title": "mend", "status": "In Progress"},
            {"title": "tell", "status": "pending"}, {"title": "sleep", "status": "cancelled"}]}});
        assert_eq!(of_value(&list, 0), Some(Plan { open: 2, all: 4, kept: true }));
        // Orders have a status too, but none that a step of a plan has.
        let orders = json!([{"id": 1, "status": "shipped"}, {"id": 2, "status": "pending"}]);
        assert_eq!(of_value(&orders, 0), None);
        assert_eq!(of_value(&json!([{"status": "pending"}]), 0), None, "one is no plan");
        assert_eq!(of_value(&json!("pending"), 0), None);
    }

    #[test]
    fn boxes_in_a_list_are_a_plan() {
        let text = "Plan:\n- [x] look\n  2. [ ] mend\n* [X] tell\n- not a box\n[ ] nor this";
        assert_eq!(of_text(text), Some(Plan { open: 1, all: 3, kept: true }));
        assert_eq!(of_text("- [ ] milk\n- [ ] bread"), Some(Plan { open: 2, all: 2, kept: false }));
        assert_eq!(of_text("a [ ] b"), None);
    }
}
