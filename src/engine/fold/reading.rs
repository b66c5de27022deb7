//! What people said of outputs, kept and added up; and how runs ended.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::engine::view::{Drawn, Opens, ReadingView, SliceView, StopLine, TimelineItem, TriageLine, ValueView};
use crate::event::{IncidentId, OutputLabel, OutputRead, SampleOf, Time, TraceId, TriageAnswered, Untrusted};
use crate::journal::Record;
use crate::surface::sample::{Labels, agreement, answer, draw, together};
use crate::surface::surface_of;

use super::runs::RunKept;
use super::{Fold, limits};

/// What was said of outputs of one incident.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Readings {
    #[serde(with = "super::pairs")]
    runs: BTreeMap<TraceId, OutputKept>,
    left_out: u64,
    /// The newest sitting of each person.
    sittings: BTreeMap<Untrusted, Sitting>,
}

/// What was said of one output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OutputKept {
    /// When its run began.
    at: Time,
    /// Of which kinds its run is.
    kinds: Vec<(Untrusted, Untrusted)>,
    /// The last word of each person.
    said: BTreeMap<Untrusted, OutputLabel>,
}

/// One sitting of one person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sitting {
    /// Where its line stands in the timeline.
    began: Time,
    last: Time,
    read: BTreeSet<TraceId>,
}

impl Readings {
    /// Takes in a word; it replaces what the same person said of the same run.
    fn say(&mut self, trace: TraceId, of: &RunKept, by: &Untrusted, label: OutputLabel) {
        let kept = OutputKept { at: of.line.at, kinds: of.kinds.clone(), said: BTreeMap::new() };
        self.take(trace, kept, by, label);
    }

    fn take(&mut self, trace: TraceId, new: OutputKept, by: &Untrusted, label: OutputLabel) {
        let room = self.runs.len() < limits::OUTPUTS_READ;
        let kept = match self.runs.entry(trace) {
            std::collections::btree_map::Entry::Occupied(kept) => kept.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) if room => free.insert(new),
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

    /// The sitting that a word belongs to: where its line stands, and how many outputs were read in it.
    fn sit(&mut self, read: &OutputRead, at: Time) -> Option<(Time, usize)> {
        let by = &read.by.login;
        let goes_on =
            |sitting: &Sitting| (0..=limits::SITTING_SECONDS).contains(&at.duration_since(sitting.last).as_secs());
        if !self.sittings.get(by).is_some_and(goes_on) {
            if self.sittings.len() >= limits::READERS && !self.sittings.contains_key(by) {
                return None;
            }
            self.sittings.insert(by.clone(), Sitting { began: at, last: at, read: BTreeSet::new() });
        }
        let sitting = self.sittings.get_mut(by)?;
        sitting.last = at;
        // What is skipped was not read; to skip what was read takes it back.
        if read.label == OutputLabel::Skip {
            sitting.read.remove(&read.trace);
        } else if sitting.read.len() < limits::OUTPUTS_READ {
            sitting.read.insert(read.trace);
        }
        Some((sitting.began, sitting.read.len()))
    }

    /// Takes over what was said in an incident that became part of this one.
    pub fn join(&mut self, other: Self) {
        self.left_out += other.left_out;
        for (trace, kept) in other.runs {
            for (by, label) in &kept.said {
                self.take(trace, OutputKept { said: BTreeMap::new(), ..kept.clone() }, by, *label);
            }
        }
    }

    fn said(&self, trace: TraceId) -> Vec<(Untrusted, OutputLabel)> {
        let kept = self.runs.get(&trace);
        kept.map(|kept| kept.said.iter().map(|(by, label)| (by.clone(), *label)).collect()).unwrap_or_default()
    }

    /// What it adds up to around a moment, with what can be read of `runs` (oldest first). `None` where there is neither.
    pub fn view(&self, runs: &[&RunKept], moment: Time, seed: u64) -> Option<ReadingView> {
        let (first, last) = (runs.first()?, runs.last()?);
        let side = |before: bool| runs.iter().filter(move |run| (run.line.at < moment) == before);
        let sample = SampleOf { moment, from: first.line.at, until: last.line.at, seed, slice: None };
        let mut drawn = Vec::new();
        for before in [true, false] {
            let traces = draw(side(before).map(|run| run.line.trace), seed, limits::OUTPUTS_DRAWN);
            drawn.extend(traces.into_iter().map(|trace| Drawn { trace, before, said: self.said(trace) }));
        }
        let mut labels = [Labels::default(); 2];
        let mut differ = Vec::new();
        for (trace, kept) in &self.runs {
            let Some((label, differs)) = together(kept.said.values().copied()) else { continue };
            labels[usize::from(kept.at >= moment)].add(label);
            differ.extend(differs.then_some(*trace));
        }
        let [before, since] = labels;
        let answer = answer(before, since);
        let readers: BTreeSet<&Untrusted> = self.runs.values().flat_map(|kept| kept.said.keys()).collect();
        let disagreements = differ.len() as u64;
        differ.truncate(limits::DIFFER);
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
            differ,
            agreement: agreement(self.runs.values().map(|kept| kept.said.values().copied().collect())),
            slices: self.slices(runs, moment, seed),
            readers: readers.into_iter().take(limits::READERS).cloned().collect(),
            left_out: self.left_out,
        })
    }

    /// By what else the runs can be told apart; only what has two values or more.
    fn slices(&self, runs: &[&RunKept], moment: Time, seed: u64) -> Vec<SliceView> {
        // Models and prompts part before from since by themselves; of traffic only what fails now is of interest.
        let counts = |by: &Untrusted, at: Time| at >= moment || surface_of(by.raw()).is_some();
        let mut by: BTreeMap<&Untrusted, BTreeMap<&Untrusted, Vec<&RunKept>>> = BTreeMap::new();
        for run in runs {
            for (kind, value) in run.kinds.iter().filter(|(kind, _)| counts(kind, run.line.at)) {
                by.entry(kind).or_default().entry(value).or_default().push(run);
            }
        }
        by.retain(|_, values| values.len() > 1);
        let early: BTreeSet<TraceId> =
            runs.iter().take_while(|run| run.line.at < moment).map(|run| run.line.trace).collect();
        let slice = |(by, values): (&Untrusted, BTreeMap<&Untrusted, Vec<&RunKept>>)| {
            let mut order: Vec<_> = values.into_iter().collect();
            order.sort_by_key(|(value, runs)| (std::cmp::Reverse(runs.len()), *value));
            let hidden = order.len().saturating_sub(limits::SLICE_VALUES) as u64;
            let values = order.into_iter().take(limits::SLICE_VALUES).map(|(value, runs)| {
                let mut labels = Labels::default();
                let of = |kept: &&OutputKept| {
                    counts(by, kept.at) && kept.kinds.iter().any(|(kind, is)| kind == by && is == value)
                };
                for kept in self.runs.values().filter(of) {
                    if let Some((label, _)) = together(kept.said.values().copied()) {
                        labels.add(label);
                    }
                }
                let traces = draw(runs.iter().map(|run| run.line.trace), seed, limits::SLICE_DRAWN);
                let drawn = traces.into_iter().map(|trace| Drawn {
                    trace,
                    before: early.contains(&trace),
                    said: self.said(trace),
                });
                ValueView { value: value.clone(), runs: runs.len() as u64, drawn: drawn.collect(), labels }
            });
            SliceView { by: by.clone(), values: values.collect(), hidden }
        };
        by.into_iter().take(limits::SLICES).map(slice).collect()
    }
}

impl Fold {
    pub(super) fn output_read(&mut self, record: &Record, read: &OutputRead) {
        let Some(id) = read.incident.map(|id| self.survivor(id)) else { return };
        let Some(incident) = self.state.incidents.get_mut(&id) else { return };
        match self.state.runs.get(read.trace) {
            Some(run) => incident.readings.say(read.trace, run, &read.by.login, read.label),
            // Its run is not remembered any more: nobody can tell which side it is of.
            None => incident.readings.left_out += 1,
        }
        // Fifty outputs read are one line of the timeline, and how they were read is not in it: others may still read.
        if let Some((began, outputs)) = incident.readings.sit(read, record.at) {
            let what = if outputs == 1 { "one output".to_owned() } else { format!("{outputs} outputs") };
            let line = TimelineItem {
                at: began,
                arrived: began,
                seq: record.seq,
                kind: record.kind,
                who: read.by.login.clone(),
                text: format!("read {what} without knowing where they come from").into(),
                folded: 0,
                opens: Some(Opens::Reading),
            };
            incident.timeline.replace(line);
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
    use crate::surface::sample::Answer;

    const MOMENT: i64 = 1_000;

    fn run(n: u8, second: i64) -> RunKept {
        let region = if n.is_multiple_of(4) { "eu" } else { "us" };
        let mut run = RunKept::made(n, second, &[("region", region)]);
        run.line.stop = if n.is_multiple_of(2) { "complete" } else { "looped" }.into();
        run
    }

    /// Forty runs, one every fifty seconds: the first twenty before the moment.
    fn runs() -> Vec<RunKept> {
        (0..40u8).map(|n| run(n, i64::from(n) * 50)).collect()
    }

    fn say(readings: &mut Readings, n: u8, by: &str, label: OutputLabel) {
        readings.say(TraceId([n; 16]), &run(n, i64::from(n) * 50), &by.into(), label);
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
    fn labels_follow_the_moment_when_it_turns_out_to_be_another() {
        let mut readings = Readings::default();
        (10..20).for_each(|n| say(&mut readings, n, "ana", OutputLabel::Bad));
        assert_eq!(seen(&readings).before.bad, 10, "all of them were before");
        let runs = runs();
        let earlier = readings.view(&runs.iter().collect::<Vec<_>>(), at(700), 7).unwrap();
        assert_eq!((earlier.before.bad, earlier.since.bad), (4, 6), "the onset was earlier than thought");
        assert_eq!(earlier.sample.moment, at(700));
    }

    #[test]
    fn runs_are_told_apart_by_their_kinds_and_labels_count_there_too() {
        let mut readings = Readings::default();
        (0..40).filter(|n| n % 4 == 0).for_each(|n| say(&mut readings, n, "ana", OutputLabel::Bad));
        say(&mut readings, 21, "ana", OutputLabel::Good);
        let view = seen(&readings);
        let [region] = &view.slices[..] else { panic!("{:?}", view.slices) };
        let values: Vec<_> = region.values.iter().map(|one| (one.value.raw(), one.runs, one.labels.bad)).collect();
        // Only what came since the moment counts: fifteen and five of the twenty, of which all five were read as bad.
        assert_eq!((region.by.raw(), values), ("region", vec![("us", 15, 0), ("eu", 5, 5)]));
        assert_eq!((region.values[0].labels.good, region.hidden), (1, 0));
        assert_eq!(region.values[1].drawn.len(), 5);
        assert!(region.values[1].drawn.iter().all(|one| !one.before && one.said.len() == 1));
    }

    #[test]
    fn a_sitting_is_one_line_and_counts_what_was_read_in_it() {
        let mut readings = Readings::default();
        let read = |n: u8, label| OutputRead {
            incident: Some(IncidentId(1)),
            trace: TraceId([n; 16]),
            by: crate::event::Person { login: "ana".into(), known_by: "uid".into(), session: "1".into() },
            label,
            sample: SampleOf { moment: at(0), from: at(0), until: at(0), seed: 1, slice: None },
        };
        assert_eq!(readings.sit(&read(1, OutputLabel::Good), at(10)), Some((at(10), 1)));
        assert_eq!(readings.sit(&read(2, OutputLabel::Bad), at(20)), Some((at(10), 2)));
        assert_eq!(readings.sit(&read(2, OutputLabel::Skip), at(30)), Some((at(10), 1)), "taken back");
        let later = 30 + limits::SITTING_SECONDS + 1;
        assert_eq!(readings.sit(&read(3, OutputLabel::Bad), at(later)), Some((at(later), 1)), "another sitting");
    }

    #[test]
    fn what_is_kept_is_bounded_and_what_is_left_out_is_counted() {
        let mut readings = Readings::default();
        for nth in 0..limits::OUTPUTS_READ + 5 {
            let mut trace = [0; 16];
            trace[..8].copy_from_slice(&(nth as u64).to_be_bytes());
            readings.say(TraceId(trace), &run(0, 1), &"ana".into(), OutputLabel::Good);
        }
        assert_eq!((readings.runs.len(), readings.left_out), (limits::OUTPUTS_READ, 5));
        for person in 0..limits::READERS + 3 {
            readings.say(TraceId([0; 16]), &run(0, 1), &format!("p{person}").into(), OutputLabel::Good);
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
