//! What each kind of entry does to the state.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use crate::diagnosis::ENGINE;
use crate::engine::view::{DecisionLine, NoteLine, Opens, RatedView, TimelineItem};
use crate::event::{
    Calibration, Decision, Diagnosis, Fact, Hunch, IncidentId, Person, PlanId, Pointer, Released, SeveritySet, Source,
    SpanBatch, Time, TruthConfirmed, Untrusted, Verdict,
};
use crate::feedback::{Judged, Outcome};
use crate::journal::Record;

use super::Fold;
use super::incident::{DecisionKept, Diagnosed, Incident, say};
use super::state::HeardOf;
use super::timeline::one_line;

/// How a person must be known to own anything: by the machine they logged in to. An agent's word is a message.
const KNOWN_BY: [&str; 3] = ["uid", "ssh-key", "pam"];

impl Fold {
    pub(super) fn take(&mut self, record: &Record, fact: &Fact) {
        self.state.correlator.apply(fact);
        self.see(record, fact);
        match fact {
            Fact::Alert(alert) => self.alert(record, alert),
            Fact::Change(change) => {
                self.state.changes.add(change, record.seq, record.arrived);
                self.hear_source(change.source, record.arrived);
                self.news_for_open(record.arrived);
            }
            Fact::Notice(notice) => {
                self.state.changes.notice(notice, record.at, record.seq, record.arrived);
                self.news_for_open(record.arrived);
            }
            Fact::Spans(batch) => {
                self.state.watch.telemetry(record.arrived);
                self.dirty.recorder = true;
                self.runs(record, batch);
            }
            Fact::Logs(_) | Fact::Metrics(_) | Fact::Topology(_) => self.state.watch.telemetry(record.arrived),
            Fact::Truncated(truncated) => self.truncated(truncated),
            Fact::Labelled(labelled) => self.state.label = Some(labelled.label.clone()),
            Fact::IncidentOpened(opened) => {
                let arrived = record.arrived;
                self.state.incidents.entry(opened.incident).or_insert_with(|| Incident::new(arrived));
                self.news(opened.incident, arrived);
                self.dirty.accuracy = true;
                self.pack_old();
            }
            Fact::Grouped(grouped) => {
                // Where it was merged away in the meantime, its alerts go where it went.
                let into = self.survivor(grouped.incident);
                for fingerprint in &grouped.alerts {
                    if let Some(id) = self.state.alerts.find(fingerprint) {
                        self.place(record, id, into, &grouped.reason);
                    }
                }
            }
            Fact::Diagnosed(diagnosis) => self.diagnosed(record, diagnosis),
            Fact::Owned(owned) => self.owned(record, owned.incident, &owned.by),
            Fact::Hunch(hunch) => self.hunch(record, hunch),
            Fact::Noted(note) => {
                let ids: Vec<_> = note.incident.map_or_else(|| self.open_incidents(), |id| vec![id]);
                for id in ids {
                    self.told(record, id, &note.author, note.text.raw());
                    if let Some(incident) = self.state.incidents.get_mut(&id) {
                        let (author, text) = (note.author.clone(), note.text.clone());
                        say(&mut incident.notes, NoteLine { at: record.at, author, text });
                    }
                }
            }
            Fact::Decided(decision) => self.decided(record, decision),
            Fact::Regrouped(regrouped) => {
                self.dirty.accuracy = true;
                self.regrouped(record, regrouped);
            }
            Fact::Resolved(resolved) => {
                self.told(record, resolved.incident, &resolved.by.login, "declared it over");
                if let Some(incident) = self.state.incidents.get_mut(&resolved.incident) {
                    incident.resolved.get_or_insert(record.at);
                    self.state.watch.forget(resolved.incident);
                    self.dirty.accuracy = true;
                }
            }
            Fact::TruthConfirmed(confirmed) => self.confirmed(record, confirmed),
            Fact::TriageAnswered(answered) => self.triage_answered(record, answered),
            // Added up and not told one by one: fifty outputs read are no fifty lines of a timeline.
            Fact::OutputRead(read) => self.output_read(record, read),
            Fact::ReplayAsked(asked) => self.replay_asked(record, asked),
            Fact::ReplayRan(ran) => self.replay_ran(record, ran),
            Fact::ReplayEnded(ended) => self.replay_ended(record, ended),
            Fact::Calibrated(calibration) => {
                self.state.calibration = Some(Calibration::clone(calibration));
                self.state.uncalibrated = false;
                self.dirty.accuracy = true;
            }
            Fact::Released(released) => self.released(released),
            Fact::Proposed(plan) => {
                self.plan(record, fact, plan.id(), &plan.proposed_by, &format!("proposed: {}", plan.title.raw()));
            }
            Fact::Approved(x) => self.plan(record, fact, x.plan, &x.by.login, "approved"),
            Fact::Denied(x) => {
                let who = x.by.as_ref().map_or_else(|| Untrusted::from("engine"), |by| by.login.clone());
                self.plan(record, fact, x.plan, &who, &format!("refused: {}", x.reason.raw()));
            }
            Fact::Started(x) => self.plan(record, fact, x.plan, &"executor".into(), "started"),
            Fact::Finished(x) => {
                self.plan(record, fact, x.plan, &"executor".into(), &super::build::outcome_text(&x.outcome));
            }
            Fact::SeveritySet(set) => self.severity_set(record, set),
            Fact::TargetEnded(_)
            | Fact::Cancelled(_)
            | Fact::EffectChecked(_)
            | Fact::StepRead(_)
            | Fact::Escalated(_)
            | Fact::HarmMarked(_)
            | Fact::Rehearsed(_)
            | Fact::Barred(_)
            | Fact::Halted(_) => self.by_hand(record, fact),
        }
        self.keep_past();
    }

    fn released(&mut self, released: &Released) {
        let before = self.state.let_go.through;
        self.state.runs.thinned(released, before);
        self.state.let_go.add(released);
    }

    fn hunch(&mut self, record: &Record, hunch: &Hunch) {
        let (by, text) = (&hunch.by.login, &hunch.text);
        self.told(record, hunch.incident, by, &format!("hunch: {}", text.raw()));
        if let Some(incident) = self.state.incidents.get_mut(&hunch.incident) {
            say(&mut incident.hunches, NoteLine { at: record.at, author: by.clone(), text: text.clone() });
        }
    }

    fn confirmed(&mut self, record: &Record, confirmed: &TruthConfirmed) {
        let text = super::build::truth_text(&confirmed.truth);
        self.told(record, confirmed.incident, &confirmed.by.login, &text);
        if let Some(incident) = self.state.incidents.get_mut(&confirmed.incident) {
            incident.truth = Some(confirmed.truth.clone());
            incident.confirmed.get_or_insert(record.at);
            // Of a packed incident only what was worked out before is known.
            if let Some(judged) =
                incident.judged.get(&Untrusted::from(ENGINE)).filter(|judged| !judged.scored.is_empty())
            {
                incident.outcome = Some(Outcome::of(&judged.scored, &confirmed.truth));
            }
            self.state.uncalibrated = true;
            self.dirty.accuracy = true;
        }
    }

    /// Packs what is over among the oldest incidents, when many came after those that were looked at last.
    fn pack_old(&mut self) {
        let kept = self.whole_kept;
        let newer = (self.state.looked_through.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let whole = self.state.incidents.range(newer).count();
        // A quarter more, and then down to the limit: looking at them is for once in many incidents.
        if whole <= kept + kept / 4 {
            return;
        }
        for (id, incident) in self.state.incidents.range_mut(newer).take(whole - kept) {
            self.state.looked_through = Some(*id);
            if incident.over() {
                incident.pack();
                self.state.packed += 1;
                self.dirty.incidents.insert(*id);
            }
        }
    }

    pub(super) fn open_incidents(&self) -> Vec<IncidentId> {
        self.state.incidents.iter().filter(|(_, incident)| !incident.over()).map(|(id, _)| *id).collect()
    }

    /// The incident's picture changed.
    pub(super) fn touch(&mut self, id: IncidentId, arrived: Time) {
        if let Some(incident) = self.state.incidents.get_mut(&id) {
            incident.updated = incident.updated.max(arrived);
            self.dirty.incidents.insert(id);
            self.dirty.touched.insert(id);
        }
    }

    /// The incident's picture changed, and what its diagnosis rests on.
    pub(super) fn news(&mut self, id: IncidentId, arrived: Time) {
        self.touch(id, arrived);
        if self.state.incidents.get(&id).is_some_and(|incident| !incident.over()) {
            self.state.watch.news(id, arrived);
        }
    }

    fn news_for_open(&mut self, arrived: Time) {
        self.dirty.all = true;
        for id in self.open_incidents() {
            self.state.watch.news(id, arrived);
        }
    }

    /// Somebody said or did something: one line of the timeline.
    pub(super) fn told(&mut self, record: &Record, id: IncidentId, who: &Untrusted, text: &str) {
        self.line(record, id, who, text, Opens::Entry { seq: record.seq });
    }

    pub(super) fn line(&mut self, record: &Record, id: IncidentId, who: &Untrusted, text: &str, opens: Opens) {
        if let Some(incident) = self.state.incidents.get_mut(&id) {
            incident.timeline.add(TimelineItem {
                at: record.at,
                arrived: record.arrived,
                seq: record.seq,
                kind: record.kind,
                who: who.clone(),
                text: one_line(&text.into()),
                folded: 0,
                opens: Some(opens),
            });
            self.touch(id, record.arrived);
        }
    }

    pub(super) fn hear_source(&mut self, source: Source, arrived: Time) {
        let heard = self.state.heard.entry(source).or_insert(HeardOf { last: arrived, entries: 0 });
        heard.last = heard.last.max(arrived);
        heard.entries += 1;
    }

    /// The runs that these spans belong to are read anew.
    fn runs(&mut self, record: &Record, batch: &SpanBatch) {
        let traces: BTreeSet<_> =
            batch.resources.iter().flat_map(|from| &from.items).map(|span| span.trace_id).collect();
        for trace in traces {
            if let Some(facts) = self.scene.runs().run(trace) {
                self.dirty.runs.extend([facts.service.clone(), facts.agent.clone()]);
                let gone = self.state.runs.see(&facts, record.seq, record.arrived);
                if let Some(passed) = &mut self.passed {
                    passed.extend(gone);
                }
            }
        }
    }

    fn diagnosed(&mut self, record: &Record, diagnosis: &Diagnosis) {
        let id = diagnosis.incident;
        let text = diagnosis.headline.raw().to_owned();
        self.line(record, id, &diagnosis.engine, &text, Opens::Diagnosis { seq: record.seq });
        let mut diagnosis = diagnosis.clone();
        diagnosis.strike(|pointer| match pointer {
            Pointer::Entry { seq } => *seq < record.seq,
            Pointer::Alert { fingerprint } => {
                let row = self.state.alerts.find(fingerprint).and_then(|alert| self.state.alerts.get(alert));
                row.is_some_and(|row| row.incident == Some(id))
            }
            // Of these, old ones are forgotten: that one is not known says nothing.
            Pointer::Change { .. } | Pointer::Trace { .. } | Pointer::Series { .. } | Pointer::Logs { .. } => true,
        });
        let Some(incident) = self.state.incidents.get_mut(&id) else { return };
        incident.engines.insert(record.seq, diagnosis.engine.clone());
        if incident.truth.is_none() {
            let before = incident.judged.get(&diagnosis.engine);
            let judged = Judged::of(record.seq, record.arrived, &diagnosis, before);
            incident.judged.insert(diagnosis.engine.clone(), judged);
        }
        self.state.watch.diagnosed(id, diagnosis.inputs, diagnosis.as_of);
        incident.diagnosis =
            Some(Diagnosed { seq: record.seq, arrived: record.arrived, diagnosis: Arc::new(diagnosis) });
        self.stand(id);
    }

    fn owned(&mut self, record: &Record, id: IncidentId, by: &Person) {
        if KNOWN_BY.contains(&by.known_by.raw()) {
            self.told(record, id, &by.login, "took it");
            if let Some(incident) = self.state.incidents.get_mut(&id) {
                incident.owner = Some(by.clone());
                incident.owned.get_or_insert(record.at);
                self.dirty.accuracy = true;
            }
        } else {
            self.told(record, id, &by.login, "says it has taken it; only a person can own an incident");
        }
    }

    fn severity_set(&mut self, record: &Record, set: &SeveritySet) {
        let (id, by, name) = (set.incident, &set.by, set.name.raw());
        if !KNOWN_BY.contains(&by.known_by.raw()) {
            let text = format!("says it is {name}; only a person can set how severe an incident is");
            self.told(record, id, &by.login, &text);
            return;
        }
        let suggested = match &set.suggested {
            Some(suggested) if *suggested == set.name => ", as suggested".to_owned(),
            Some(suggested) => format!(" ({} was suggested)", suggested.raw()),
            None => String::new(),
        };
        let why = if set.why.is_empty() { String::new() } else { format!(": {}", set.why.raw()) };
        self.told(record, id, &by.login, &format!("set it to {name}{suggested}{why}"));
        if let Some(incident) = self.state.incidents.get_mut(&id) {
            incident.rated = Some(RatedView {
                severity: set.severity,
                name: one_line(&set.name),
                suggested: set.suggested.clone(),
                why: one_line(&set.why),
                by: by.clone(),
                at: record.at,
            });
        }
    }

    fn decided(&mut self, record: &Record, decision: &Decision) {
        let id = decision.incident;
        let verb = match &decision.verdict {
            Verdict::Accept => "accepted",
            Verdict::Modify { .. } => "modified",
            Verdict::Reject => "rejected",
        };
        let text = format!("{verb} hypothesis {}: {}", decision.rank, super::build::cause_text(&decision.cause));
        self.told(record, id, &decision.by.login, &text);
        let Some(incident) = self.state.incidents.get_mut(&id) else { return };
        let line = DecisionLine {
            at: record.at,
            by: decision.by.clone(),
            rank: decision.rank,
            cause: decision.cause.clone(),
            verdict: decision.verdict.clone(),
            reason: decision.reason.clone(),
            took_ms: decision.took_ms,
            looked: !decision.opened.is_empty(),
        };
        say(&mut incident.decisions, DecisionKept { line, diagnosis: decision.diagnosis });
        self.dirty.accuracy = true;
    }

    /// How plans are answered, for the record of judgement.
    fn answered(&mut self, id: IncidentId, record: &Record, fact: &Fact) {
        match fact {
            Fact::Proposed(_) => self.state.prompts.proposed(record.arrived),
            Fact::Approved(approval) => {
                let plans = self.state.incidents.get(&id).map(|incident| &incident.plans);
                let plan = plans.and_then(|plans| plans.iter().find(|plan| plan.id == approval.plan));
                let Some(tier) = plan.map(|plan| plan.plan.tier) else { return };
                self.state.prompts.approved(&approval.by.login, tier, approval.read_ms);
            }
            _ => return,
        }
        self.dirty.accuracy = true;
    }

    /// An entry about a plan: its state, and a line that says so.
    pub(super) fn plan(&mut self, record: &Record, fact: &Fact, plan: PlanId, who: &Untrusted, text: &str) {
        let Some(id) = fact.incident() else { return };
        self.answered(id, record, fact);
        let moved = self.state.incidents.get_mut(&id).is_some_and(|incident| incident.plan_fact(fact, record.at));
        // How fast a procedure went is part of the record of judgement.
        self.dirty.accuracy |= moved && matches!(fact, Fact::Started(_) | Fact::Finished(_) | Fact::EffectChecked(_));
        let text = if moved { text.to_owned() } else { format!("{text} (too late: it changed nothing)") };
        self.line(record, id, who, &text, Opens::Plan { plan });
    }
}
