//! The picture, put together from what is kept.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use crate::engine::view::{
    ActionState, AlertGroup, AlertLine, Bounded, ChangeLine, Counter, DiagnosisView, IncidentState, IncidentView,
    RunLine, ServiceGaps, SourceHealth, Trouble, View,
};
use crate::event::{Cause, IncidentId, Outcome, ReplayAsked, Severity, Time, TraceId, Truth, Untrusted};
use crate::feedback::{Case, Decided, accuracy};

use super::alerts::distinct;
use super::changes::ChangeKept;
use super::incident::Incident;
use super::lines::hours_before;
use super::runs::RunKept;
use super::timeline::one_line;
use super::{Fold, limits};

impl Fold {
    /// The picture now. Only incidents that changed are put together anew.
    pub fn view(&mut self) -> View {
        self.spread();
        if std::mem::take(&mut self.dirty.accuracy) {
            self.accuracy = self.judge_record();
        }
        if std::mem::take(&mut self.dirty.recorder) {
            self.recorder = self.gaps();
        }
        let mut order: Vec<(IncidentId, &Incident)> =
            self.state.incidents.iter().map(|(id, incident)| (*id, incident)).collect();
        order.sort_by_cached_key(|(id, incident)| rank(*id, incident));
        let hidden = order.len().saturating_sub(limits::INCIDENTS) as u64;
        let shown: Vec<IncidentId> = order.into_iter().take(limits::INCIDENTS).map(|(id, _)| id).collect();
        self.compare(&shown);
        let mut built = BTreeMap::new();
        let mut items = Vec::with_capacity(shown.len());
        for id in shown {
            let kept = self.built.get(&id).filter(|_| !self.dirty.incidents.contains(&id)).cloned();
            if let Some(view) =
                kept.or_else(|| self.state.incidents.get(&id).map(|incident| Arc::new(self.incident(id, incident))))
            {
                built.insert(id, Arc::clone(&view));
                items.push(view);
            }
        }
        self.built = built;
        self.dirty.incidents.clear();
        View {
            head: self.state.head,
            journal_head: self.state.head,
            as_of: self.state.as_of,
            wound_back: false,
            label: self.state.label.clone(),
            halted: self.state.halted.clone(),
            incidents: Bounded { items, hidden },
            loose_alerts: self.state.loose,
            door: None,
            sources: self.sources(),
            recorder: self.recorder.clone(),
            counters: self.counters(),
            redacted: Vec::new(),
            let_go: self.state.let_go.clone(),
            troubles: self.troubles(),
            accuracy: self.accuracy.clone(),
            calibration: Some(self.calibration()),
            present: Vec::new(),
        }
    }

    /// Whether a view put together now would differ from the last one in more than its head.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.dirty.all || self.dirty.accuracy || !self.dirty.incidents.is_empty() || !self.dirty.runs.is_empty()
    }

    /// What concerns all incidents, or a component, becomes a matter of the shown incidents that it concerns.
    fn spread(&mut self) {
        let runs = std::mem::take(&mut self.dirty.runs);
        let all = std::mem::take(&mut self.dirty.all);
        let past = std::mem::take(&mut self.dirty.past);
        for id in self.built.keys() {
            let Some(incident) = self.state.incidents.get(id) else { continue };
            // An execution that never ends becomes one of unknown outcome by time alone.
            let started = incident.plans.iter().any(|plan| matches!(plan.state, ActionState::Started { .. }));
            if all
                || started
                || (past && !incident.over())
                || (!runs.is_empty() && !self.components(incident).is_disjoint(&runs))
            {
                self.dirty.incidents.insert(*id);
            }
        }
    }

    /// The components an incident is about: those that alert, and those its diagnosis names.
    fn components(&self, incident: &Incident) -> BTreeSet<Untrusted> {
        let mut found: BTreeSet<_> =
            incident.groups.iter().map(|(service, ..)| self.state.names.get(service)).collect();
        if let Some(newest) = &incident.diagnosis {
            found.extend(newest.diagnosis.first_failing.clone());
            found.extend(newest.diagnosis.blast_radius.iter().cloned());
            found.extend(newest.diagnosis.hypotheses.iter().filter_map(|hypothesis| hypothesis.cause.subject.clone()));
        }
        found
    }

    fn judge_record(&self) -> crate::feedback::AccuracyView {
        let incidents = self.state.incidents.values().filter(|incident| incident.merged_into.is_none());
        let cases = incidents.map(|incident| Case {
            judged: &incident.judged,
            decisions: incident
                .decisions
                .iter()
                .map(|kept| Decided {
                    engine: incident.engines.get(&kept.diagnosis),
                    by: &kept.line.by,
                    at: kept.line.at,
                    cause: &kept.line.cause,
                    verdict: &kept.line.verdict,
                    took_ms: kept.line.took_ms,
                    looked: kept.line.looked,
                })
                .collect(),
            truth: incident.truth.as_ref(),
            confirmed: incident.confirmed,
            opened: incident.opened,
            owned: incident.owned,
            resolved: incident.resolved,
            went_back: &incident.went_back,
        });
        let record = accuracy(cases, &self.state.rehearsals);
        crate::feedback::AccuracyView { prompts: self.state.prompts.view(), ..record }
    }

    fn sources(&self) -> Vec<SourceHealth> {
        let line = |(source, heard): (&crate::event::Source, &super::state::HeardOf)| SourceHealth {
            name: source.name().into(),
            last: Some(heard.last),
            accepted: heard.entries,
            counts: Vec::new(),
            silent: false,
            shown: None,
        };
        self.state.heard.iter().map(line).collect()
    }

    /// What services do not send, the worst first; those that send all of it are not in it.
    fn gaps(&self) -> Bounded<ServiceGaps> {
        let mut items = self.scene.runs().recorder().report();
        items.retain(|service| !service.gaps.is_empty());
        let hidden = items.len().saturating_sub(limits::GAPS) as u64;
        items.truncate(limits::GAPS);
        Bounded { items, hidden }
    }

    fn counters(&self) -> Vec<Counter> {
        let left_out = self.scene.left_out();
        let of = |name: &'static str, count: u64| Counter { name: name.into(), count };
        [
            of("unreadable", self.state.skipped.count),
            of("left out of diagnosis", left_out),
            of("ended alerts left to the journal", self.state.given_up),
            of("old incidents of which the journal alone has the details", self.state.packed),
        ]
        .into_iter()
        .filter(|counter| counter.count > 0)
        .collect()
    }

    fn troubles(&self) -> Vec<Trouble> {
        let skipped = &self.state.skipped;
        let Some(since) = skipped.since else { return Vec::new() };
        let mut text = format!("{} entries cannot be read and are left out:", skipped.count);
        for (seq, kind, error) in &skipped.named {
            let _ = write!(text, " {seq} ({}): {error};", kind.name());
        }
        text.push_str(" `warroom verify` tells whether the journal is whole; a newer warroom may have written them");
        vec![Trouble { text: one_line(&text.into()), since }]
    }

    fn incident(&self, id: IncidentId, incident: &Incident) -> IncidentView {
        let began = incident.groups.began.unwrap_or(incident.opened);
        let now = self.state.as_of.unwrap_or(began);
        let until = incident.resolved.unwrap_or(Time::MAX);
        let groups = self.groups(id, incident);
        let changes = self.changes(incident, began, until);
        let runs = self.runs_of(incident, began, until);
        let moment = incident.diagnosis.as_ref().and_then(|newest| newest.diagnosis.onset).unwrap_or(began);
        IncidentView {
            id,
            headline: Self::headline(incident, &groups),
            severity: incident.groups.severity.unwrap_or(Severity::Unknown),
            rated: incident.rated.clone(),
            labels: super::first::labels(incident),
            way: self.way(incident),
            similar: self.similar(id),
            state: state(incident),
            owner: incident.owner.clone(),
            began,
            opened: incident.opened,
            updated: incident.updated,
            locked: incident.locked,
            alerts: incident.groups.alerts,
            firing: incident.groups.firing,
            truncated: self.truncated_of(id),
            timeline: self.timeline(incident, began, until, &runs),
            groups,
            changes,
            surfaces: incident.standing.surfaces.clone(),
            bad_runs: bad(&runs),
            stops: super::reading::stops(&runs, moment),
            mixes: super::mix::mixes(&runs, moment, now),
            reading: incident.readings.view(&runs, moment, id.0),
            triage: incident.triage.clone(),
            replays: incident.replays.iter().rev().map(super::replays::ReplayKept::view).collect(),
            runs: worst_first(runs),
            series: incident.standing.series.clone(),
            around: incident.standing.around.clone(),
            diagnosis: incident.diagnosis.as_ref().map(|newest| DiagnosisView {
                seq: newest.seq,
                arrived: newest.arrived,
                diagnosis: Arc::clone(&newest.diagnosis),
            }),
            actions: incident.plans.iter().map(|plan| Incident::action(plan, now)).collect(),
            hands: incident.hands.clone(),
            freeze: self.freeze(incident),
            decisions: incident.decisions.iter().map(|kept| kept.line.clone()).collect(),
            hunches: incident.hunches.clone(),
            notes: incident.notes.clone(),
            truth: incident.truth.clone(),
        }
    }

    /// The diagnosis' headline; before there is one, what alerts.
    fn headline(incident: &Incident, groups: &Bounded<AlertGroup>) -> Untrusted {
        if let Some(newest) = &incident.diagnosis {
            return one_line(&newest.diagnosis.headline);
        }
        let services: BTreeSet<_> = incident.groups.iter().map(|(service, ..)| service).collect();
        match groups.items.iter().min_by_key(|group| group.first) {
            Some(first) => {
                let more = services.len().saturating_sub(1);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                let text = format!("{}: {}{more}; not diagnosed yet", first.service.raw(), first.name.raw());
                one_line(&text.into())
            }
            None => "no alerts".into(),
        }
    }

    fn truncated_of(&self, id: IncidentId) -> u64 {
        let all = self.state.truncated.values().flat_map(BTreeMap::values);
        let is_here = |alert| self.state.alerts.get(alert).is_some_and(|row| row.incident == Some(id));
        let here = all.filter(|left_out| left_out.beside.is_some_and(is_here));
        here.map(|left_out| left_out.alerts).sum()
    }

    fn groups(&self, id: IncidentId, incident: &Incident) -> Bounded<AlertGroup> {
        let mut all: Vec<_> = incident.groups.iter().collect();
        let hidden = all.len().saturating_sub(limits::GROUPS) as u64;
        let name = |id| self.state.names.get(id);
        all.sort_by_cached_key(|(service, alert, group)| {
            (group.firing == 0, Reverse(group.severity), group.first, name(*service), name(*alert))
        });
        all.truncate(limits::GROUPS);
        let items = all.into_iter().map(|(service, alert, group)| AlertGroup {
            service: name(service),
            name: name(alert),
            severity: group.severity,
            alerts: group.alerts,
            firing: group.firing,
            first: group.first,
            latest: group.latest,
            why: group.why.clone(),
            flapping: group.flapping,
            sample: group
                .sample
                .iter()
                .filter_map(|id| Some((id, self.state.alerts.get(*id)?)))
                .map(|(alert, row)| {
                    let whole = incident.groups.whole().get(alert);
                    // One that has begun anew since is shown as it was when it was of this incident.
                    let was = whole.filter(|_| row.incident != Some(id));
                    AlertLine {
                        fingerprint: row.print.fingerprint(),
                        status: was.map_or_else(|| row.status(), |alert| alert.status),
                        starts_at: was.map_or_else(|| row.starts.time(), |alert| alert.starts_at),
                        distinct: whole.map(|alert| distinct(alert)).unwrap_or_default(),
                        late: was.is_none() && row.late,
                    }
                })
                .collect(),
        });
        Bounded { items: items.collect(), hidden }
    }

    /// The changes before and during an incident, most suspicious first.
    fn changes(&self, incident: &Incident, began: Time, until: Time) -> Bounded<ChangeLine> {
        let standing = &incident.standing.suspects;
        let onset = incident.diagnosis.as_ref().and_then(|newest| newest.diagnosis.onset).unwrap_or(began);
        let mut lines: Vec<ChangeLine> = self
            .state
            .changes
            .between(hours_before(began, limits::CHANGES_BEFORE_HOURS), until)
            .map(|change| {
                let (suspicion, why) =
                    standing.get(&change.id).cloned().unwrap_or_else(|| (0.0, not_judged(change, onset).into()));
                ChangeLine {
                    id: change.id.clone(),
                    at: change.at,
                    untimed: change.untimed,
                    surface: change.surface,
                    class: change.class,
                    subject: change.subject.clone(),
                    actor: change.actor.clone(),
                    summary: change.summary.clone(),
                    suspicion,
                    why,
                    has_diff: change.has_diff,
                }
            })
            .collect();
        lines.sort_by(|a, b| b.suspicion.total_cmp(&a.suspicion).then(b.at.cmp(&a.at)).then_with(|| a.id.cmp(&b.id)));
        let hidden = lines.len().saturating_sub(limits::CHANGES) as u64;
        lines.truncate(limits::CHANGES);
        Bounded { items: lines, hidden }
    }

    /// The agent runs around an incident, oldest first: those of its components.
    fn runs_of(&self, incident: &Incident, began: Time, until: Time) -> Vec<&RunKept> {
        let components = self.components(incident);
        let from = began.checked_sub(jiff::SignedDuration::from_mins(limits::RUNS_BEFORE_MINUTES)).unwrap_or(Time::MIN);
        let ours = |run: &&RunKept| components.contains(&run.service) || components.contains(&run.line.agent);
        self.state.runs.between(from, until).filter(ours).collect()
    }
}

/// Those that went wrong, the newest first.
fn bad(runs: &[&RunKept]) -> Bounded<TraceId> {
    let all = || runs.iter().rev().filter(|run| run.line.bad.is_some()).map(|run| run.line.trace);
    let items: Vec<TraceId> = all().take(limits::BAD_RUNS).collect();
    let hidden = all().count().saturating_sub(items.len()) as u64;
    Bounded { items, hidden }
}

/// Open and worst first, then quiet, then over and newest first.
fn rank(id: IncidentId, incident: &Incident) -> (u8, Reverse<Severity>, Reverse<Time>, Reverse<u64>) {
    let alerts = incident.groups.severity.unwrap_or(Severity::Unknown);
    let severity = incident.rated.as_ref().map_or(alerts, |rated| rated.severity);
    let class = match state(incident) {
        IncidentState::Open => 0,
        IncidentState::Quiet => 1,
        IncidentState::Resolved(_) => 2,
        IncidentState::MergedInto(_) => 3,
    };
    let severity = if class < 2 { severity } else { Severity::Unknown };
    (class, Reverse(severity), Reverse(incident.opened), Reverse(id.0))
}

fn state(incident: &Incident) -> IncidentState {
    if let Some(into) = incident.merged_into {
        IncidentState::MergedInto(into)
    } else if let Some(at) = incident.resolved {
        IncidentState::Resolved(at)
    } else if incident.groups.firing > 0 {
        IncidentState::Open
    } else {
        IncidentState::Quiet
    }
}

/// What can be said of a change that no diagnosis has judged yet.
fn not_judged(change: &ChangeKept, onset: Time) -> String {
    let minutes = onset.duration_since(change.at).as_secs() / 60;
    if change.at <= onset {
        format!("{minutes} min before it began; not judged yet")
    } else {
        format!("{} min after it began; not judged yet", -minutes)
    }
}

fn worst_first(runs: Vec<&RunKept>) -> Bounded<RunLine> {
    let mut lines: Vec<&RunLine> = runs.into_iter().map(|run| &run.line).collect();
    lines.sort_by_key(|line| (line.bad.is_none(), Reverse(line.at), line.trace));
    let hidden = lines.len().saturating_sub(limits::RUNS) as u64;
    Bounded { items: lines.into_iter().take(limits::RUNS).cloned().collect(), hidden }
}

/// A cause in one line.
pub(in crate::engine) fn cause_text(cause: &Cause) -> String {
    let subject = cause.subject.as_ref().map(|subject| format!(" of {}", subject.raw())).unwrap_or_default();
    let change = cause.change.as_ref().map(|change| format!(" ({})", change.raw())).unwrap_or_default();
    format!("{}{subject}{change}", cause.surface.name())
}

/// A confirmed cause in one line.
pub(in crate::engine) fn truth_text(truth: &Truth) -> String {
    let cause =
        truth.surface.map(|surface| Cause { surface, subject: truth.subject.clone(), change: truth.change.clone() });
    let what = cause.as_ref().map_or_else(|| "nothing was wrong".to_owned(), cause_text);
    let words = if truth.text.is_empty() { String::new() } else { format!(": {}", truth.text.raw()) };
    format!("confirmed the cause: {what}{words}")
}

/// An experiment in one line.
pub(super) fn replay_text(asked: &ReplayAsked) -> String {
    let arms: Vec<&str> = asked.arms.iter().map(|arm| arm.name.raw()).collect();
    let times = if asked.times == 1 { "once".to_owned() } else { format!("{} times", asked.times) };
    format!("replays {} runs, each {times}: {}", asked.runs.len(), arms.join(" against "))
}

/// An outcome in one line.
pub(in crate::engine) fn outcome_text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done { receipt } => format!("done: {}", receipt.raw()),
        Outcome::Failed { error } => format!("failed, nothing changed: {}", error.raw()),
        Outcome::Unknown { check } => format!("outcome unknown: {}", check.raw()),
        Outcome::Partly { done, failed, untouched, why } => {
            format!("in part: {done} done, {failed} failed, {untouched} not touched: {}", why.raw())
        }
    }
}
