//! Reading steps, calls, the list of harm and the kill switch, as they are kept.

use crate::engine::view::{CallLine, HaltView, HandsView, HarmLine, Opens, ReadLine};
use crate::event::{
    Barred, EffectChecked, Escalated, Fact, Halted, HarmMarked, IncidentId, ReadEnd, Recovery, Rehearsed, StepRead,
};
use crate::feedback::Rehearsal;
use crate::journal::Record;

use super::Fold;
use super::incident::say;
use super::timeline::one_line;

/// Things on the list of harm that are remembered for one incident.
const HARM_KEPT: usize = 10_000;

/// Procedures whose last rehearsal is remembered.
const REHEARSALS: usize = 500;

/// What is kept is what is shown.
pub(super) type Hands = HandsView;

impl Fold {
    /// What hands did, and what held them back.
    pub(super) fn by_hand(&mut self, record: &Record, fact: &Fact) {
        match fact {
            Fact::TargetEnded(x) => {
                let ended = super::build::outcome_text(&x.outcome);
                let text = format!("{} {}: {ended}", x.target.kind.raw(), x.target.name.raw());
                self.plan(record, fact, x.plan, &"executor".into(), &text);
            }
            Fact::Cancelled(x) => {
                self.plan(record, fact, x.plan, &x.by.login, &format!("cancelled: {}", x.reason.raw()));
            }
            Fact::EffectChecked(x) => self.plan(record, fact, x.plan, &"engine".into(), &effect_text(x)),
            Fact::StepRead(read) => self.step_read(record, read),
            Fact::Escalated(escalated) => self.escalated(record, escalated),
            Fact::HarmMarked(marked) => self.harm_marked(record, marked),
            Fact::Rehearsed(rehearsed) => self.rehearsed(record, rehearsed),
            Fact::Barred(barred) => self.barred(record, barred),
            Fact::Halted(halted) => self.halted(record, halted),
            _ => {}
        }
    }

    fn step_read(&mut self, record: &Record, read: &StepRead) {
        let who = read.by.as_ref().map_or_else(|| "runbook".into(), |by| by.login.clone());
        let text = format!("{}: {}: {}", read.runbook.raw(), read.step.raw(), said(read));
        self.line(record, read.incident, &who, &text, Opens::Entry { seq: record.seq });
        self.news(read.incident, record.arrived);
        let Some(hands) = self.hands(read.incident) else { return };
        let line = ReadLine {
            seq: record.seq,
            at: read.began,
            runbook: one_line(&read.runbook),
            digest: read.digest,
            step: one_line(&read.step),
            ended: read.ended.clone(),
            finding: one_line(&read.finding),
            about: read.about.clone(),
            says: read.says,
            took_ms: read.took_ms,
            times: 1,
            since: Some(record.arrived),
        };
        let same = |known: &&mut ReadLine| known.runbook == line.runbook && known.step == line.step;
        match hands.reads.iter_mut().find(same) {
            Some(known) => {
                let alike = known.ended.is_well() == line.ended.is_well();
                let since = if alike { known.since } else { line.since };
                *known = ReadLine { times: known.times.saturating_add(1), since, ..line };
            }
            None => say(&mut hands.reads, line),
        }
    }

    fn escalated(&mut self, record: &Record, escalated: &Escalated) {
        let by = &escalated.by.login;
        let text = format!("called {} ({}): {}", escalated.whom.raw(), escalated.how.raw(), escalated.point.raw());
        self.told(record, escalated.incident, by, &text);
        let line =
            CallLine { at: record.at, point: escalated.point.clone(), whom: one_line(&escalated.whom), by: by.clone() };
        if let Some(hands) = self.hands(escalated.incident) {
            say(&mut hands.escalated, line);
        }
    }

    fn harm_marked(&mut self, record: &Record, marked: &HarmMarked) {
        let line = HarmLine {
            status: marked.status,
            note: one_line(&marked.note),
            by: marked.by.login.clone(),
            at: record.at,
        };
        self.told(record, marked.incident, &marked.by.login, &format!("{}: {:?}", marked.item.raw(), marked.status));
        if let Some(hands) = self.hands(marked.incident)
            && (hands.harm.len() < HARM_KEPT || hands.harm.contains_key(&marked.item))
        {
            hands.harm.insert(marked.item.clone(), line);
        }
    }

    /// A rehearsal of no incident is told by the accuracy record alone.
    fn rehearsed(&mut self, record: &Record, rehearsed: &Rehearsed) {
        let would = rehearsed.steps.iter().filter(|step| step.would_do == Some(true)).count();
        let wont = rehearsed.steps.iter().filter(|step| step.would_do == Some(false)).count();
        let known = self.state.rehearsals.contains_key(&rehearsed.runbook);
        if known || self.state.rehearsals.len() < REHEARSALS {
            let rehearsal = Rehearsal { at: record.at, failed: wont as u64 };
            self.state.rehearsals.insert(rehearsed.runbook.clone(), rehearsal);
            self.dirty.accuracy = true;
        }
        let Some(incident) = rehearsed.incident else { return };
        let text = format!(
            "rehearsed {}: {would} steps would do, {wont} would not, nothing was changed",
            rehearsed.runbook.raw()
        );
        self.line(record, incident, &rehearsed.by.login, &text, Opens::Entry { seq: record.seq });
    }

    fn barred(&mut self, record: &Record, barred: &Barred) {
        let text = format!("tried to {}: {}", barred.tried.raw(), barred.why.raw());
        match barred.plan {
            Some(plan) => self.line(record, barred.incident, &barred.by.login, &text, Opens::Plan { plan }),
            None => self.told(record, barred.incident, &barred.by.login, &text),
        }
        if let Some(hands) = self.hands(barred.incident) {
            hands.barred += 1;
        }
    }

    fn halted(&mut self, record: &Record, halted: &Halted) {
        let by = &halted.by.login;
        let what = if halted.on { "switched all changes off" } else { "let changes run again" };
        for id in self.open_incidents() {
            self.told(record, id, by, &format!("{what}: {}", halted.reason.raw()));
        }
        self.state.halted =
            halted.on.then(|| HaltView { at: record.at, by: by.clone(), reason: one_line(&halted.reason) });
        self.dirty.all = true;
    }

    fn hands(&mut self, id: IncidentId) -> Option<&mut Hands> {
        Some(&mut self.state.incidents.get_mut(&id)?.hands)
    }
}

/// What a reading step found, in one line.
fn said(read: &StepRead) -> String {
    let ended = match &read.ended {
        ReadEnd::Exit { code: 0 } | ReadEnd::Rows { .. } => String::new(),
        ReadEnd::Http { status } => format!("{status}; "),
        other => format!("{}; ", other.in_words().raw()),
    };
    format!("{ended}{}", read.finding.raw())
}

/// What came of a plan, in one line.
fn effect_text(checked: &EffectChecked) -> String {
    let effect = match checked.effect {
        Recovery::Recovered => "as it was before the trouble",
        Recovery::Better => "better, not yet as before",
        Recovery::Unmoved => "no better",
        Recovery::Worse => "worse",
        Recovery::Unclear => "too little was seen to say what came of it",
    };
    let symptoms: Vec<String> = checked
        .symptoms
        .iter()
        .map(|symptom| format!("{}: {} before, now {}", symptom.what.raw(), symptom.before.raw(), symptom.after.raw()))
        .collect();
    format!("{effect}, {} min after: {}", checked.after_s / 60, symptoms.join("; "))
}
