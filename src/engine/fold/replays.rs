//! Experiments with the runs of an incident, added up as their replays end.

use serde::{Deserialize, Serialize};

use crate::engine::view::{Opens, ReplayView};
use crate::event::{IncidentId, ReplayAsked, ReplayEnded, ReplayRan, Untrusted};
use crate::journal::Record;
use crate::response::replay::{Pin, Tally, replays};

use super::incident::Incident;
use super::timeline::cut;
use super::{Fold, limits};

/// One experiment as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ReplayKept {
    /// As it is shown, but for what came of it.
    line: ReplayView,
    tally: Tally,
}

impl ReplayKept {
    fn of(record: &Record, asked: &ReplayAsked) -> Self {
        let tally = Tally::of(asked);
        let pins = asked.arms.iter().map(|arm| {
            let told = |pin: Pin| match pin {
                Pin::Model => format!("model {}", arm.model.as_ref().map_or("", Untrusted::raw)),
                Pin::Temperature => format!("temperature {}", arm.temperature.unwrap_or_default()),
                Pin::Prompt => format!("prompt of {} characters", count(arm.prompt.as_ref())),
                Pin::Tools => format!("tools of {} characters", count(arm.tools.as_ref())),
            };
            let told: Vec<String> = Pin::of(arm).into_iter().map(told).collect();
            cut(&told.join(", "), limits::LINE_BYTES).into()
        });
        let line = ReplayView {
            replay: asked.replay,
            seq: record.seq,
            at: record.at,
            by: asked.by.login.clone(),
            endpoint: asked.endpoint.clone(),
            runs: asked.runs.len() as u64,
            times: asked.times,
            of: replays(asked),
            budget: asked.budget_tokens,
            pins: pins.collect(),
            outcome: tally.outcome(),
            latest: None,
            ended: None,
        };
        Self { line, tally }
    }

    /// The entry that asked for it.
    pub fn seq(&self) -> crate::event::Seq {
        self.line.seq
    }

    pub fn view(&self) -> ReplayView {
        ReplayView { outcome: self.tally.outcome(), ..self.line.clone() }
    }
}

fn count(text: Option<&Untrusted>) -> usize {
    text.map_or(0, |text| text.raw().chars().count())
}

impl Incident {
    fn replay(&mut self, replay: u64) -> Option<&mut ReplayKept> {
        self.replays.iter_mut().find(|kept| kept.line.replay == replay)
    }
}

impl Fold {
    pub(super) fn replay_asked(&mut self, record: &Record, asked: &ReplayAsked) {
        let id = self.survivor(asked.incident);
        let text = super::build::replay_text(asked);
        self.line(record, id, &asked.by.login, &text, Opens::Replay { replay: asked.replay });
        let Some(incident) = self.state.incidents.get_mut(&id) else { return };
        if incident.replay(asked.replay).is_none() {
            incident.replays.push(ReplayKept::of(record, asked));
            if incident.replays.len() > limits::REPLAYS {
                incident.replays.remove(0);
            }
        }
    }

    pub(super) fn replay_ran(&mut self, record: &Record, ran: &ReplayRan) {
        let id: IncidentId = self.survivor(ran.incident);
        let kept = self.state.incidents.get_mut(&id).and_then(|incident| incident.replay(ran.replay));
        let Some(kept) = kept.filter(|kept| kept.line.ended.is_none()) else { return };
        kept.tally.add(ran);
        kept.line.latest = kept.line.latest.max(Some(record.at));
        self.touch(id, record.arrived);
    }

    pub(super) fn replay_ended(&mut self, record: &Record, ended: &ReplayEnded) {
        let id = self.survivor(ended.incident);
        let opens = Opens::Replay { replay: ended.replay };
        self.line(record, id, &"replay".into(), ended.why.raw(), opens);
        let kept = self.state.incidents.get_mut(&id).and_then(|incident| incident.replay(ended.replay));
        if let Some(kept) = kept {
            kept.line.ended.get_or_insert_with(|| (record.at, ended.why.clone()));
        }
        // It speaks for or against what may have done it.
        self.news(id, record.arrived);
    }
}
