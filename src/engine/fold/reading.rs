//! What people said of outputs, kept and added up; and how runs ended.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::engine::view::{Drawn, ReadingView, StopLine, TriageLine};
use crate::event::{IncidentId, OutputLabel, OutputRead, SampleOf, Time, TraceId, TriageAnswered, Untrusted};
use crate::journal::Record;
use crate::surface::sample::{Labels, answer, draw, together};

use super::runs::RunKept;
use super::{Fold, limits};

/// What was said of outputs of one incident.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Readings {
    #[serde(with = "super::pairs")]
    runs: BTreeMap<TraceId, OutputKept>,
    left_out: u64,
}

/// What was said of one output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OutputKept {
    /// When its run began.
    at: Time,
    /// The last word of each person.
    said: BTreeMap<Untrusted, OutputLabel>,
}

impl Readings {
    /// Takes in a word; it replaces what the same person said of the same run.
    fn say(&mut self, trace: TraceId, at: Time, by: &Untrusted, label: OutputLabel) {
        let room = self.runs.len() < limits::OUTPUTS_READ;
        let kept = match self.runs.entry(trace) {
            std::collections::btree_map::Entry::Occupied(kept) => kept.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) if room => {
                free.insert(OutputKept { at, said: BTreeMap::new() })
            }
            std::collections::btree_map::Entry::Vacant(_) => {
                self.left_out += 1;
                return;
            }
        };
        if kept.said.len() < limits::READERS || kept.said.contains_key(by) {
            kept.said.insert(by.clone(), label);
        } else {
            self.left_out += 1;
        }
    }

    /// Takes over what was said in an incident that became part of this one.
    pub fn join(&mut self, other: Self) {
        self.left_out += other.left_out;
        for (trace, kept) in other.runs {
            for (by, label) in &kept.said {
                self.say(trace, kept.at, by, *label);
            }
        }
    }

    /// What it adds up to around a moment, with what can be read of `runs` (oldest first). `None` where there is neither.
    pub fn view(&self, runs: &[&RunKept], moment: Time, seed: u64) -> Option<ReadingView> {
        let (first, last) = (runs.first()?, runs.last()?);
        let side = |before: bool| runs.iter().filter(move |run| (run.line.at < moment) == before);
        let sample = SampleOf { moment, from: first.line.at, until: last.line.at, seed };
        let mut drawn = Vec::new();
        for before in [true, false] {
            let traces = draw(side(before).map(|run| run.line.trace), seed, limits::OUTPUTS_DRAWN);
            drawn.extend(traces.into_iter().map(|trace| {
                let said = self.runs.get(&trace).map(|kept| kept.said.iter().map(|(by, l)| (by.clone(), *l)).collect());
                Drawn { trace, before, said: said.unwrap_or_default() }
            }));
        }
        let (mut labels, mut disagreements) = ([Labels::default(); 2], 0);
        for kept in self.runs.values() {
            let Some((label, differ)) = together(kept.said.values().copied()) else { continue };
            labels[usize::from(kept.at >= moment)].add(label);
            disagreements += u64::from(differ);
        }
        let [before, since] = labels;
        let answer = answer(before, since);
        let readers: BTreeSet<&Untrusted> = self.runs.values().flat_map(|kept| kept.said.keys()).collect();
        Some(ReadingView {
            sample,
            runs: (side(true).count() as u64, side(false).count() as u64),
            drawn,
            before,
            since,
            rate_before: before.rate(),
            rate_since: since.rate(),
            answer,
            words: answer.words(),
            disagreements,
            readers: readers.into_iter().take(limits::READERS).cloned().collect(),
            left_out: self.left_out,
        })
    }
}

impl Fold {
    pub(super) fn output_read(&mut self, record: &Record, read: &OutputRead) {
        let Some(id) = read.incident.map(|id| self.survivor(id)) else { return };
        let at = self.state.runs.started(read.trace);
        let Some(incident) = self.state.incidents.get_mut(&id) else { return };
        match at {
            Some(at) => incident.readings.say(read.trace, at, &read.by.login, read.label),
            // Its run is not remembered any more: nobody can tell which side it is of.
            None => incident.readings.left_out += 1,
        }
        self.touch(id, record.arrived);
    }

    pub(super) fn triage_answered(&mut self, record: &Record, answered: &TriageAnswered) {
        let id: IncidentId = self.survivor(answered.incident);
        let text = format!("{} — {}", answered.asked.raw(), answered.answer.raw());
        self.told(record, id, &answered.by.login, &text);
        let Some(incident) = self.state.incidents.get_mut(&id) else { return };
        let line = TriageLine {
            question: answered.question.clone(),
            answer: answered.answer.clone(),
            by: answered.by.login.clone(),
            at: record.at,
        };
        incident.triage.retain(|before| before.question != line.question);
        if incident.triage.len() >= limits::TRIAGE {
            incident.triage.remove(0);
        }
        incident.triage.push(line);
    }
}

/// How runs ended before and since a moment, by name.
pub(super) fn stops(runs: &[&RunKept], moment: Time) -> Vec<StopLine> {
    let mut counts: BTreeMap<&Untrusted, (u64, u64)> = BTreeMap::new();
    for run in runs {
        let (before, since) = counts.entry(&run.line.stop).or_default();
        *(if run.line.at < moment { before } else { since }) += 1;
    }
    counts.into_iter().map(|(stop, (before, since))| StopLine { stop: stop.clone(), before, since }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::at;
    use super::*;
    use crate::engine::view::RunLine;
    use crate::event::Seq;
    use crate::surface::sample::Answer;

    const MOMENT: i64 = 1_000;

    fn run(n: u8, second: i64) -> RunKept {
        let line = RunLine {
            trace: TraceId([n; 16]),
            at: at(second),
            agent: "a".into(),
            duration_ms: 1,
            stop: if n.is_multiple_of(2) { "complete" } else { "looped" }.into(),
            bad: None,
            model_calls: 1,
            tool_calls: 0,
            tokens_in: None,
            tokens_out: None,
        };
        RunKept { line, service: "a".into(), seq: Seq(1), arrived: at(second), heard: at(second), rooted: true }
    }

    /// Forty runs, one every fifty seconds: the first twenty before the moment.
    fn runs() -> Vec<RunKept> {
        (0..40u8).map(|n| run(n, i64::from(n) * 50)).collect()
    }

    fn say(readings: &mut Readings, n: u8, by: &str, label: OutputLabel) {
        readings.say(TraceId([n; 16]), at(i64::from(n) * 50), &by.into(), label);
    }

    fn seen(readings: &Readings) -> ReadingView {
        let runs = runs();
        readings.view(&runs.iter().collect::<Vec<_>>(), at(MOMENT), 7).unwrap()
    }

    #[test]
    fn labels_count_on_the_side_of_their_run_and_the_last_word_of_a_person_counts() {
        let mut readings = Readings::default();
        for n in 0..20 {
            say(&mut readings, n, "ana", OutputLabel::Good);
        }
        for n in 20..40 {
            say(&mut readings, n, "ana", OutputLabel::Bad);
        }
        assert_eq!(seen(&readings).answer, Answer::Worse);
        say(&mut readings, 39, "ana", OutputLabel::Good);
        say(&mut readings, 0, "ana", OutputLabel::Unsure);
        // Taken back: as if it had never been said.
        say(&mut readings, 38, "ana", OutputLabel::Skip);
        let view = seen(&readings);
        assert_eq!(view.runs, (20, 20));
        assert_eq!(view.before, Labels { good: 19, bad: 0, unsure: 1 });
        assert_eq!(view.since, Labels { good: 1, bad: 18, unsure: 0 });
        assert_eq!((view.rate_before, view.rate_since), (view.before.rate(), view.since.rate()));
        assert_eq!(view.words, Answer::Worse.words());
        assert_eq!(view.readers, ["ana".into()]);
    }

    #[test]
    fn two_people_who_differ_count_as_one_that_cannot_be_told_and_it_is_said() {
        let mut readings = Readings::default();
        say(&mut readings, 30, "ana", OutputLabel::Bad);
        say(&mut readings, 30, "ben", OutputLabel::Good);
        say(&mut readings, 31, "ana", OutputLabel::Bad);
        say(&mut readings, 31, "ben", OutputLabel::Bad);
        let view = seen(&readings);
        assert_eq!((view.since, view.disagreements), (Labels { good: 0, bad: 1, unsure: 1 }, 1));
        let both = view.drawn.iter().find(|one| one.trace == TraceId([30; 16])).unwrap();
        assert_eq!(both.said.len(), 2);
        // One of them takes it back, and the other's word stands.
        say(&mut readings, 30, "ben", OutputLabel::Skip);
        assert_eq!((seen(&readings).since.bad, seen(&readings).disagreements), (2, 0));
    }

    #[test]
    fn what_is_kept_is_bounded_and_what_is_left_out_is_counted() {
        let mut readings = Readings::default();
        for nth in 0..limits::OUTPUTS_READ + 5 {
            let mut trace = [0; 16];
            trace[..8].copy_from_slice(&(nth as u64).to_be_bytes());
            readings.say(TraceId(trace), at(1), &"ana".into(), OutputLabel::Good);
        }
        assert_eq!((readings.runs.len(), readings.left_out), (limits::OUTPUTS_READ, 5));
        for person in 0..limits::READERS + 3 {
            readings.say(TraceId([0; 16]), at(1), &format!("p{person}").into(), OutputLabel::Good);
        }
        assert_eq!(readings.left_out, 5 + 4);
    }

    #[test]
    fn readings_survive_being_written_down_and_an_incident_that_joins_another() {
        let (mut one, mut other) = (Readings::default(), Readings::default());
        say(&mut one, 3, "ana", OutputLabel::Good);
        say(&mut other, 3, "ben", OutputLabel::Bad);
        say(&mut other, 25, "ben", OutputLabel::Bad);
        let written = serde_json::to_string(&other).unwrap();
        one.join(serde_json::from_str(&written).unwrap());
        let view = seen(&one);
        assert_eq!((view.before.unsure, view.since.bad, view.disagreements), (1, 1, 1));
    }

    #[test]
    fn without_runs_there_is_nothing_to_read() {
        assert_eq!(Readings::default().view(&[], at(0), 1), None);
    }

    #[test]
    fn ends_of_runs_are_counted_before_and_since() {
        let runs = runs();
        let lines = stops(&runs.iter().collect::<Vec<_>>(), at(MOMENT));
        assert_eq!(
            lines.iter().map(|line| (line.stop.raw(), line.before, line.since)).collect::<Vec<_>>(),
            [("complete", 10, 10), ("looped", 10, 10)]
        );
    }
}
