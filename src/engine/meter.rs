//! How runs ended, counted for whoever watches from outside: Prometheus, and by it a team's own alerts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use crate::event::{Policy, Time, TraceId, Untrusted};
use crate::surface::StopClass;

/// A run is counted when no span of it came for so many seconds: what comes later no longer changes how it is counted. Senders
/// send the root last, so that a run whose root is here needs to wait for stragglers only.
const SETTLED_SECONDS: i64 = 30;
/// The same of a run whose root is here.
const ROOTED_SECONDS: i64 = 5;
/// At most so many agents are told apart; the runs of others are counted together, as those of `OTHER`.
const AGENTS: usize = 100;
/// Characters of an agent's name in a label.
const NAME: usize = 120;
/// The label of all agents beyond those.
const OTHER: &str = "(other agents)";
/// At most so many runs are remembered as counted; the table of runs that is looked through holds fewer.
const REMEMBERED: usize = 40_000;

/// A run that may be counted.
pub(super) struct Ended<'r> {
    /// Which.
    pub trace: TraceId,
    /// Whose.
    pub agent: &'r Untrusted,
    /// How it ended, by name.
    pub stop: &'r str,
    /// When it was first heard of.
    pub arrived: Time,
    /// When a span of it last came.
    pub heard: Time,
    /// Its root is here.
    pub rooted: bool,
}

/// Counts of this process since it started. Each run counts once.
#[derive(Debug, Default)]
pub struct RunMeter(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    began: Option<Time>,
    seen: BTreeSet<TraceId>,
    counts: BTreeMap<String, [u64; StopClass::ALL.len()]>,
}

impl RunMeter {
    /// Counts those of `runs` that are settled at `now`, or `gone` from what is remembered before they were, and were not
    /// counted yet. Runs from before the first call are history, and not counted.
    pub(super) fn see<'r>(
        &self,
        now: Time,
        runs: impl Iterator<Item = Ended<'r>>,
        gone: impl Iterator<Item = Ended<'r>>,
    ) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let began = *counted.began.get_or_insert(now);
        let settled = |run: &Ended<'_>| {
            let wait = if run.rooted { ROOTED_SECONDS } else { SETTLED_SECONDS };
            now.duration_since(run.heard).as_secs() >= wait
        };
        for run in gone.chain(runs.filter(settled)).filter(|run| run.arrived >= began) {
            counted.count(&run);
        }
    }

    /// The counts in Prometheus' text format, every way to end for every agent: a count that is missing cannot rise.
    #[must_use]
    pub fn prometheus(&self) -> String {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = String::from(
            "# HELP warroom_runs_total Agent runs by how they ended, each counted once, soon after its last span.\n\
             # TYPE warroom_runs_total counter\n",
        );
        for (agent, counts) in &counted.counts {
            for (stop, count) in StopClass::ALL.iter().zip(counts) {
                let _ = writeln!(
                    out,
                    "warroom_runs_total{{agent=\"{}\",stop=\"{}\"}} {count}",
                    escaped(agent),
                    stop.code()
                );
            }
        }
        out
    }
}

impl Counted {
    fn count(&mut self, run: &Ended<'_>) {
        let Some(at) = StopClass::ALL.iter().position(|class| class.name() == run.stop) else { return };
        if !self.seen.insert(run.trace) {
            return;
        }
        let name = run.agent.show_prefix(Policy::Exact, NAME).as_str().to_owned();
        let known = self.counts.len() < AGENTS || self.counts.contains_key(&name);
        self.counts.entry(if known { name } else { OTHER.to_owned() }).or_default()[at] += 1;
        if self.seen.len() > REMEMBERED {
            // Not the oldest, but any: a run that is counted a second time for it must come again after so many others.
            self.seen.pop_first();
        }
    }
}

/// A label's value as the format wants it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Time {
        Time::from_second(1_790_000_000 + second).unwrap()
    }

    fn see(meter: &RunMeter, now: i64, runs: &[(u8, &str, &str, i64)]) {
        let agents: Vec<Untrusted> = runs.iter().map(|run| run.1.into()).collect();
        let all = runs.iter().zip(&agents).map(|((n, _, stop, heard), agent)| Ended {
            trace: TraceId([*n; 16]),
            agent,
            stop,
            arrived: at(*heard),
            heard: at(*heard),
            rooted: false,
        });
        meter.see(at(now), all, std::iter::empty());
    }

    #[test]
    fn a_run_counts_once_when_it_is_settled_and_what_was_before_is_history() {
        let meter = RunMeter::default();
        see(&meter, 0, &[(1, "bot", "looped", -100)]);
        let runs = [(1, "bot", "looped", -100), (2, "bot", "complete", 5), (3, "bot", "gave up early", 20)];
        see(&meter, 10, &runs);
        assert!(!meter.prometheus().contains("bot"), "nothing is settled yet");
        see(&meter, 36, &runs);
        see(&meter, 40, &runs);
        let said = meter.prometheus();
        assert!(said.contains("warroom_runs_total{agent=\"bot\",stop=\"complete\"} 1\n"), "{said}");
        assert!(said.contains("stop=\"gave_up\"} 0\n") && said.contains("stop=\"looped\"} 0\n"), "{said}");
        // It turns out to be another: it was counted as what it was.
        see(&meter, 90, &[(2, "bot", "looped", 60), (3, "bot", "gave up early", 20)]);
        let said = meter.prometheus();
        assert!(said.contains("stop=\"complete\"} 1\n") && said.contains("stop=\"looped\"} 0\n"), "{said}");
        assert!(said.contains("stop=\"gave_up\"} 1\n"), "{said}");
    }

    #[test]
    fn agents_beyond_the_bound_count_together_and_hostile_names_stay_labels() {
        let meter = RunMeter::default();
        see(&meter, 0, &[]);
        let names: Vec<Untrusted> = (0..150).map(|n| format!("a{n}\"}} 7\n\u{1b}[2J\\").into()).collect();
        let all = (0u8..).zip(&names).map(|(n, agent)| Ended {
            trace: TraceId([n; 16]),
            agent,
            stop: "complete",
            arrived: at(1),
            heard: at(1),
            rooted: true,
        });
        meter.see(at(100), all, std::iter::empty());
        let said = meter.prometheus();
        assert_eq!(said.lines().count(), 2 + (AGENTS + 1) * StopClass::ALL.len());
        assert!(said.contains("(other agents)") && said.contains("stop=\"complete\"} 50\n"), "{said}");
        assert!(said.chars().all(|c| c == '\n' || !c.is_control()), "{said}");
        assert!(said.lines().skip(2).all(|line| line.starts_with("warroom_runs_total{agent=\"")), "{said}");
    }
}
