//! The timeline as it is shown: alerts and sayings as they are kept, with changes, notices and runs between them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::engine::view::{Bounded, Came, Opens, TimelineItem};
use crate::event::{Kind, Time, Untrusted};

use super::incident::Incident;
use super::runs::RunKept;
use super::timeline::one_line;
use super::{Fold, limits};

impl Fold {
    /// All kinds of line in one, oldest first.
    pub(super) fn timeline(
        &self,
        incident: &Incident,
        began: Time,
        until: Time,
        runs: &[&RunKept],
    ) -> Bounded<TimelineItem> {
        let (lines, given_up) = incident.timeline.lines();
        let mut items: Vec<TimelineItem> = lines.cloned().collect();
        let from = hours_before(began, limits::CHANGES_BEFORE_HOURS);
        let freeze = super::freeze::held(incident);
        let text = |change: &super::changes::ChangeKept| match &freeze {
            Some(held) if held.passed(change) => {
                one_line(&format!("WALKED PAST THE FREEZE: {}", change.summary.raw()).into())
            }
            _ => change.summary.clone(),
        };
        items.extend(self.state.changes.between(from, until).map(|change| TimelineItem {
            at: change.at,
            arrived: change.arrived,
            seq: change.seq,
            kind: Kind::Change,
            who: change.subject.clone(),
            text: text(change),
            folded: 0,
            opens: Some(Opens::Change { id: change.id.clone() }),
        }));
        items.extend(self.state.changes.notices_between(from, until).map(|notice| TimelineItem {
            at: notice.at,
            arrived: notice.arrived,
            seq: notice.seq,
            kind: Kind::Notice,
            who: notice.provider.clone(),
            text: notice.text.clone(),
            folded: 0,
            opens: Some(Opens::Entry { seq: notice.seq }),
        }));
        items.extend(super::freeze::over(incident, self.state.as_of));
        items.extend(bad_runs(runs));
        items.extend(incident.standing.around.came.iter().filter_map(|one| self.came(one)));
        items.sort_by(|a, b| (a.at, a.seq, a.kind, &a.who, &a.text).cmp(&(b.at, b.seq, b.kind, &b.who, &b.text)));
        let over = items.len().saturating_sub(limits::TIMELINE);
        // What is cut is the oldest: what happens now is never hidden.
        let cut: u64 = items.drain(..over).map(|item| 1 + item.folded).sum();
        Bounded { items, hidden: given_up + cut }
    }

    /// A value never seen before, as the change that it is: where it runs, and that nobody logged it if nobody did.
    fn came(&self, one: &Came) -> Option<TimelineItem> {
        let run = self.state.runs.between(one.first_seen, one.first_seen).find(|run| run.line.trace == one.trace)?;
        Some(TimelineItem {
            at: one.first_seen,
            arrived: run.arrived,
            seq: run.seq,
            kind: Kind::Change,
            who: one.agent.clone(),
            text: one_line(&came_text(one).into()),
            folded: 0,
            opens: Some(Opens::Run { trace: one.trace }),
        })
    }
}

/// Runs that went wrong, those of one agent and one sign in one minute as one line.
fn bad_runs(runs: &[&RunKept]) -> Vec<TimelineItem> {
    let mut lines: BTreeMap<(i64, &Untrusted, &Untrusted), TimelineItem> = BTreeMap::new();
    for run in runs {
        let Some(bad) = &run.line.bad else { continue };
        let minute = run.line.at.as_second().div_euclid(60);
        lines.entry((minute, &run.line.agent, bad)).and_modify(|line| line.folded += 1).or_insert_with(|| {
            TimelineItem {
                at: run.line.at,
                arrived: run.arrived,
                seq: run.seq,
                kind: Kind::Spans,
                who: run.line.agent.clone(),
                text: one_line(&format!("went wrong: {}", bad.raw()).into()),
                folded: 0,
                opens: Some(Opens::Run { trace: run.line.trace }),
            }
        });
    }
    lines.into_values().collect()
}

fn came_text(one: &Came) -> String {
    let (part, value, before) = (one.part.raw(), one.value.raw(), one.before.raw());
    let mut text = format!("first seen: {part} {value}, before {before}");
    if let Some(asked) = &one.asked {
        let _ = write!(text, ", both asked for as {}", asked.raw());
    }
    let _ = write!(text, "; in {} of {} runs since", one.runs.0, one.runs.1);
    // Where it runs is said when it runs in one place and not in another.
    let everywhere = |slice: &Untrusted| {
        let own = || one.spread.iter().filter(|spread| spread.slice == *slice);
        own().all(|spread| spread.runs.0 > 0) || own().all(|spread| spread.runs.0 == 0)
    };
    for spread in one.spread.iter().filter(|spread| !everywhere(&spread.slice)).take(6) {
        let _ = write!(text, ", {} {} of {}", spread.value.raw(), spread.runs.0, spread.runs.1);
    }
    if one.change.is_none() {
        text.push_str("; not logged by anybody");
    }
    text
}

/// So many hours earlier.
pub(super) fn hours_before(time: Time, hours: i64) -> Time {
    time.checked_sub(jiff::SignedDuration::from_hours(hours)).unwrap_or(Time::MIN)
}
