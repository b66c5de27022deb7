//! One incident as it is kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engine::view::{
    ActionState, ActionView, DecisionLine, Ended, NoteLine, RatedView, SeriesLine, SurfaceLine, TriageLine,
};
use crate::event::{
    Diagnosis, EffectChecked, Fact, IncidentId, Outcome, Person, Plan, PlanId, Purpose, Recovery, Seq, Time, Truth,
    Untrusted, Verdict,
};

use crate::feedback::WentBack;
use crate::surface::Around;

use super::groups::Groups;
use super::hands::Hands;
use super::limits;
use super::reading::Readings;
use super::replays::ReplayKept;
use super::timeline::{Timeline, one_line};

/// One incident.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Incident {
    pub opened: Time,
    pub updated: Time,
    pub owner: Option<Person>,
    pub rated: Option<RatedView>,
    /// When somebody first took it.
    pub owned: Option<Time>,
    pub locked: bool,
    pub resolved: Option<Time>,
    pub merged_into: Option<IncidentId>,
    pub groups: Groups,
    pub timeline: Timeline,
    pub diagnosis: Option<Diagnosed>,
    /// What that diagnosis made of changes, surfaces and series.
    pub standing: Standing,
    /// Which engine wrote each diagnosis, for decisions that name it.
    pub engines: BTreeMap<Seq, Untrusted>,
    /// Per engine, the latest diagnosis before the truth was known.
    pub judged: BTreeMap<Untrusted, crate::feedback::Judged>,
    pub plans: Vec<ActionView>,
    pub decisions: Vec<DecisionKept>,
    pub hunches: Vec<NoteLine>,
    pub notes: Vec<NoteLine>,
    pub readings: Readings,
    pub triage: Vec<TriageLine>,
    pub replays: Vec<ReplayKept>,
    pub hands: Hands,
    pub truth: Option<Truth>,
    /// How it ended, once it is packed.
    pub ended: Option<Ended>,
    /// By name, the procedures that took something back in it.
    #[serde(default)]
    pub went_back: BTreeMap<Untrusted, WentBack>,
    /// When it was first confirmed.
    pub confirmed: Option<Time>,
    /// What became of the built-in engine's last diagnosis before that.
    pub outcome: Option<crate::feedback::Outcome>,
}

/// What the newest diagnosis made of the rest of the picture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Standing {
    /// Per change, how suspicious and why.
    pub suspects: BTreeMap<Untrusted, (f64, Untrusted)>,
    pub surfaces: Vec<SurfaceLine>,
    pub series: Vec<SeriesLine>,
    pub around: Around,
}

/// The newest diagnosis and its entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Diagnosed {
    pub seq: Seq,
    pub arrived: Time,
    pub diagnosis: Arc<Diagnosis>,
}

/// A decision and what the record of judgement needs of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct DecisionKept {
    pub line: DecisionLine,
    pub diagnosis: Seq,
}

/// What moves along when an incident becomes part of another.
#[derive(Default)]
pub(super) struct Said {
    readings: Readings,
    triage: Vec<TriageLine>,
    replays: Vec<ReplayKept>,
    went_back: BTreeMap<Untrusted, WentBack>,
}

impl Incident {
    pub fn new(opened: Time) -> Self {
        Self {
            opened,
            updated: opened,
            owner: None,
            rated: None,
            owned: None,
            locked: false,
            resolved: None,
            merged_into: None,
            groups: Groups::default(),
            timeline: Timeline::default(),
            diagnosis: None,
            standing: Standing::default(),
            engines: BTreeMap::new(),
            judged: BTreeMap::new(),
            plans: Vec::new(),
            decisions: Vec::new(),
            hunches: Vec::new(),
            notes: Vec::new(),
            readings: Readings::default(),
            triage: Vec::new(),
            replays: Vec::new(),
            hands: Hands::default(),
            truth: None,
            ended: None,
            went_back: BTreeMap::new(),
            confirmed: None,
            outcome: None,
        }
    }

    /// How it stands, for those that come after and are like it.
    pub fn ended(&self) -> Ended {
        let kept = self.ended.clone().unwrap_or_default();
        let done = |plan: &ActionView| match plan.state {
            ActionState::Finished { outcome: Outcome::Done { .. }, .. } => Some(one_line(&plan.plan.title)),
            _ => None,
        };
        let mut done: Vec<Untrusted> = kept.done.into_iter().chain(self.plans.iter().filter_map(done)).collect();
        done.drain(..done.len().saturating_sub(limits::ENDED_ACTIONS));
        let note = self.notes.last().map(|note| NoteLine { text: one_line(&note.text), ..note.clone() });
        let accepted = self.decisions.iter().rev().find_map(|kept| match &kept.line.verdict {
            Verdict::Accept => Some(kept.line.cause.clone()),
            Verdict::Modify { instead } => Some(instead.clone()),
            Verdict::Reject => None,
        });
        let headline = self.diagnosis.as_ref().map(|newest| one_line(&newest.diagnosis.headline));
        Ended {
            headline: headline.unwrap_or(kept.headline),
            truth: self.truth.clone(),
            accepted,
            done,
            note: note.or(kept.note),
            resolved: self.resolved,
        }
    }

    /// Takes out what people said of outputs and on the triage walk, what was run again, and how fast people went back.
    pub fn take_said(&mut self) -> Said {
        use std::mem::take;
        Said {
            readings: take(&mut self.readings),
            triage: take(&mut self.triage),
            replays: take(&mut self.replays),
            went_back: take(&mut self.went_back),
        }
    }

    /// Takes over what people said of an incident that became part of this one. To one question of the triage walk the last
    /// answer counts, wherever it was given.
    pub fn join_said(&mut self, said: Said) {
        self.readings.join(said.readings);
        for line in said.triage {
            match self.triage.iter_mut().find(|own| own.question == line.question) {
                Some(own) if own.at < line.at => *own = line,
                Some(_) => {}
                None => self.triage.push(line),
            }
        }
        self.triage.sort_by_key(|line| line.at);
        self.triage.drain(..self.triage.len().saturating_sub(limits::TRIAGE));
        for (procedure, went) in said.went_back {
            self.went_back.entry(procedure).or_insert(went);
        }
        self.replays.extend(said.replays);
        self.replays.sort_by_key(ReplayKept::seq);
        self.replays.drain(..self.replays.len().saturating_sub(limits::REPLAYS));
    }

    /// Whether nothing more is expected of it.
    pub fn over(&self) -> bool {
        self.resolved.is_some() || self.merged_into.is_some()
    }

    /// Leaves to the journal all but what lists and the record of judgement need of an incident that is over.
    pub fn pack(&mut self) {
        self.ended = Some(self.ended());
        self.groups.pack();
        self.timeline.pack();
        self.diagnosis = None;
        self.judged.values_mut().for_each(|judged| judged.scored = Vec::new());
        self.standing = Standing::default();
        self.plans = Vec::new();
        self.hunches = Vec::new();
        self.notes = Vec::new();
        self.readings = Readings::default();
        self.triage = Vec::new();
        self.replays = Vec::new();
        self.hands = Hands::default();
    }

    /// Takes in what an entry says about a plan, recorded as of `at`. A state that cannot follow the one the plan is in
    /// changes nothing and gives `false`: whoever was first stands, a denial wins over an approval as long as nothing
    /// started, and the end of an execution is final.
    pub fn plan_fact(&mut self, fact: &Fact, at: Time) -> bool {
        match fact {
            Fact::Proposed(plan) => {
                let id = plan.id();
                let new = self.plans.iter().all(|kept| kept.id != id);
                if new {
                    let plan = Arc::new(Plan::clone(plan));
                    say(&mut self.plans, ActionView::proposed(id, plan));
                }
                new
            }
            Fact::Approved(x) => {
                let moved = self.advance(x.plan, ActionState::Approved { by: x.by.clone(), execute_by: x.execute_by });
                if let Some(plan) = self.plan_mut(x.plan).filter(|_| moved) {
                    plan.broke_glass.clone_from(&x.broke_glass);
                }
                moved
            }
            Fact::TargetEnded(x) => self.plan_mut(x.plan).is_some_and(|plan| {
                // A target that was unknown may be looked up.
                plan.targets.retain(|(target, _)| *target != x.target);
                plan.targets.push((x.target.clone(), x.outcome.clone()));
                true
            }),
            Fact::Cancelled(x) => {
                let runs = |plan: &&mut ActionView| matches!(plan.state, ActionState::Started { .. });
                self.plan_mut(x.plan).filter(runs).is_some_and(|plan| {
                    plan.cancelled.get_or_insert_with(|| (x.by.clone(), x.reason.clone()));
                    true
                })
            }
            Fact::EffectChecked(x) => {
                if x.effect == Recovery::Recovered
                    && let Some((went, _)) = self.stage_of(x.plan)
                {
                    went.recovered.get_or_insert(at);
                }
                self.plan_mut(x.plan).is_some_and(|plan| {
                    plan.effect = Some(Arc::new(EffectChecked::clone(x)));
                    true
                })
            }
            Fact::Denied(x) => self.advance(x.plan, ActionState::Denied { reason: x.reason.clone() }),
            Fact::Started(x) => {
                let begins = self.advance(x.plan, ActionState::Started { at });
                if begins && let Some((went, stage)) = self.stage_of(x.plan) {
                    went.stages.insert(stage, (at, None));
                }
                begins
            }
            Fact::Finished(x) => {
                let ends = self.advance(x.plan, ActionState::Finished { outcome: x.outcome.clone(), at });
                if ends
                    && matches!(x.outcome, Outcome::Done { .. })
                    && let Some((went, stage)) = self.stage_of(x.plan)
                    && let Some((_, done)) = went.stages.get_mut(&stage)
                {
                    done.get_or_insert(at);
                }
                ends
            }
            _ => false,
        }
    }

    /// How far the procedure is that this plan is a stage of, and which stage it is.
    fn stage_of(&mut self, id: PlanId) -> Option<(&mut WentBack, u32)> {
        let plan = &self.plans.iter().find(|plan| plan.id == id)?.plan;
        let Purpose::RollBack { procedure, stage, of } = &plan.purpose else { return None };
        let (stage, of) = (*stage, *of);
        let went = self.went_back.entry(procedure.clone()).or_default();
        went.of = of;
        Some((went, stage))
    }

    fn plan_mut(&mut self, id: PlanId) -> Option<&mut ActionView> {
        self.plans.iter_mut().find(|plan| plan.id == id)
    }

    fn advance(&mut self, id: PlanId, next: ActionState) -> bool {
        let Some(plan) = self.plan_mut(id) else { return false };
        let follows = match (&plan.state, &next) {
            (ActionState::Proposed, ActionState::Approved { .. } | ActionState::Denied { .. })
            | (ActionState::Approved { .. }, ActionState::Denied { .. } | ActionState::Started { .. })
            | (ActionState::Started { .. }, ActionState::Finished { .. }) => true,
            // What was unknown may be cleared up by reading back.
            (ActionState::Finished { outcome: Outcome::Unknown { .. }, .. }, ActionState::Finished { outcome, .. }) => {
                !matches!(outcome, Outcome::Unknown { .. })
            }
            _ => false,
        };
        if follows {
            if let ActionState::Started { at } = next {
                plan.began = Some(at);
            }
            plan.state = next;
        }
        follows
    }

    /// The plan as shown at `as_of`: one that should have ended long ago and has no end has an unknown outcome (law 3).
    pub fn action(plan: &ActionView, as_of: Time) -> ActionView {
        let state = match &plan.state {
            ActionState::Started { at } if as_of.duration_since(*at).as_secs() > allowed(&plan.plan) => {
                let check = format!(
                    "it was started at {at} and no end is recorded: look at the target whether it happened; it is not tried again by itself"
                );
                ActionState::Finished { outcome: Outcome::Unknown { check: check.into() }, at: *at }
            }
            state => state.clone(),
        };
        ActionView { state, ..plan.clone() }
    }
}

/// Seconds after which an execution should have ended: as long as its plan allows each target, and some more.
fn allowed(plan: &Plan) -> i64 {
    let each = plan.traits.as_ref().map_or(0, |traits| i64::from(traits.seconds));
    let targets = i64::try_from(plan.targets.len().max(1)).unwrap_or(i64::MAX);
    each.saturating_mul(targets).saturating_add(limits::EXECUTION_SECONDS)
}

/// One plan by what the entries about it say, in order; shown at `as_of`.
pub(in crate::engine) fn plan_of<'a>(
    id: PlanId,
    facts: impl IntoIterator<Item = (&'a Fact, Time)>,
    as_of: Time,
) -> Option<ActionView> {
    let mut incident = Incident::new(as_of);
    for (fact, at) in facts {
        incident.plan_fact(fact, at);
    }
    incident.plans.iter().find(|plan| plan.id == id).map(|plan| Incident::action(plan, as_of))
}

/// Adds to a list of what people said; the oldest goes when there are too many (it stays in the journal).
pub(super) fn say<T>(list: &mut Vec<T>, saying: T) {
    if list.len() >= limits::SAYINGS {
        list.remove(0);
    }
    list.push(saying);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Purpose, Request, Target, Tier, Traits};

    #[test]
    fn what_its_plan_allows_minutes_is_not_called_unknown_before_they_are_over() {
        let at = |second: i64| Time::from_second(second).expect("a moment");
        let plan = Plan {
            incident: IncidentId(1),
            title: "restart".into(),
            request: Request::Process { argv: vec!["/bin/true".into()] },
            targets: vec![Target { kind: "pod".into(), name: "a".into() }],
            tier: Tier(2),
            policy: "p".into(),
            taint: vec![],
            undo: "".into(),
            idempotency_key: "k".into(),
            proposed_by: "ana".into(),
            approve_by: at(600),
            purpose: Purpose::Mend,
            origin: None,
            traits: Some(Box::new(Traits { seconds: 300, ..Traits::default() })),
            found_by: None,
            asks: None,
            reasons: vec![],
            dry_run: None,
        };
        let mut running = ActionView::proposed(plan.id(), Arc::new(plan));
        running.state = ActionState::Started { at: at(0) };
        assert_eq!(Incident::action(&running, at(300)).state, running.state);
        assert!(Incident::action(&running, at(300 + limits::EXECUTION_SECONDS + 1)).state.is_unknown());
        assert_ne!(Incident::action(&running, at(300 + limits::EXECUTION_SECONDS + 1)).state, running.state);
    }
}
