//! What every lead on a surface is made of: that it was seen to move, what became of the runs, and the change that was logged.

use std::collections::BTreeSet;

use crate::event::{Cause, Change, Pointer, Surface, Time, Untrusted};
use crate::surface::attribution::{Attribution, Effect, Moved};
use crate::surface::{RunFacts, stats};

use super::super::super::candidate::{Candidate, Finding, Sort, ln_mean_exp};
use super::super::super::scene::Scene;
use super::behaviour;
use super::outcome::{LEAST_SIDE, Outcome, View, ln_bayes_of, points};

/// Weight of a surface that is seen to have moved at all.
pub(super) const SEEN: f64 = 1.2;
/// Weight of a logged change that names exactly what is seen to have moved: harmless changes are logged as well.
pub(super) const LOGGED: f64 = 0.4;

/// Weight of too few runs on a side to have done what was paged.
const TOO_FEW: f64 = -2.0;

/// A surface that moved, in view or as logged.
pub(super) struct Lead {
    /// What it says did it.
    pub candidate: Candidate,
    /// The first run that could show it.
    pub split: usize,
    /// The part of the runs that carries it; `None` = the runs carry nothing of it.
    pub part: Option<Untrusted>,
    /// The change of the outcome there, taken apart.
    pub attribution: Attribution,
}

impl Lead {
    /// A lead at `split`, with what became of the runs. `values` are those that a run has of the surface.
    pub(super) fn new<V: Ord>(
        view: &View<'_>,
        mut candidate: Candidate,
        split: usize,
        part: Option<Untrusted>,
        values: impl Fn(&RunFacts) -> &BTreeSet<V>,
    ) -> Self {
        let attribution = view.attributed(split);
        let old: BTreeSet<&V> = view.runs[..split].iter().flat_map(|run| values(run)).collect();
        let still = view.runs[split..].iter().filter(|run| values(run).iter().any(|value| old.contains(value))).count();
        let beside = part.as_ref().and_then(|part| moved(&attribution, candidate.cause.surface, part)?.side_by_side);
        // Side by side are runs that still have what was there before, and not those that have what came later still.
        let beside = beside.filter(|effect| still as u64 >= effect.runs.1);
        candidate.onset = Some(view.runs[split].start);
        if view.is_inner(split) {
            let outcome = beside.map_or_else(|| view.at(split), |effect| side_by_side(&effect));
            effect_findings(&mut candidate, &outcome, &behaviour::strongest(view, split));
        } else {
            let text = format!("only {split} runs before and {} since", view.runs.len() - split);
            candidate.find(Finding::new("population", TOO_FEW, text, Vec::new()));
        }
        Self { candidate, split, part, attribution }
    }

    /// What the attribution says of it.
    pub(super) fn moved(&self) -> Option<&Moved> {
        moved(&self.attribution, self.candidate.cause.surface, self.part.as_ref()?)
    }
}

/// The value of a part that rose most.
fn moved<'a>(attribution: &'a Attribution, surface: Surface, part: &Untrusted) -> Option<&'a Moved> {
    let own = attribution.moved.iter().filter(|moved| moved.surface == surface && moved.part == *part);
    own.max_by(|a, b| (a.share.1 - a.share.0).total_cmp(&(b.share.1 - b.share.0)))
}

/// Where only some of the runs carry it, those that do against those that do not in the same minutes: whatever else happened
/// then happened to both.
fn side_by_side(effect: &Effect) -> Outcome {
    let ((with, without), (bad, bad_without)) = (effect.runs, effect.bad);
    let text = format!(
        "side by side since, {bad} of {with} runs with it failed and {bad_without} of {without} without: within slices {} points \
         ({} to {})",
        points(effect.difference),
        points(effect.low),
        points(effect.high),
    );
    Outcome { weight: ln_bayes_of(effect), text, split: None }
}

/// Where a value that was never there before came: at its first run, if it has been there so often since that it would have
/// been seen before. Corrected for the moments at which that could have been.
pub(super) fn arrival(flags: &[bool]) -> Option<usize> {
    let split = flags.iter().position(|flag| *flag)?;
    let (before, since) = (split as u64, (flags.len() - split) as u64);
    let with = flags.iter().filter(|flag| **flag).count() as u64;
    if before < LEAST_SIDE as u64 || with < LEAST_SIDE as u64 {
        return None;
    }
    let stays = with * 10 >= since * 8;
    #[expect(clippy::cast_precision_loss, reason = "a count of runs")]
    let many = (flags.len() as f64).ln();
    (stays || stats::ln_bayes_two_proportions(0, before, with, since) > many).then_some(split)
}

/// A surface under suspicion, for which something was seen: nobody is accused without it.
pub(super) fn surface(
    surface: Surface,
    subject: Option<Untrusted>,
    change: Option<Untrusted>,
    mechanism: Untrusted,
    remedy: &'static str,
    sight: Finding,
) -> Candidate {
    let mut candidate = Candidate {
        cause: Cause { surface, subject, change },
        sort: Sort::AiSurface,
        mechanism,
        prior: -1.2,
        findings: Vec::new(),
        remedy: Some(remedy),
        onset: None,
        together: None,
    };
    candidate.find(sight);
    candidate
}

pub(super) fn seen(text: String, run: &RunFacts) -> Finding {
    Finding::new("surface", SEEN, text, vec![Pointer::Trace { trace: run.trace }])
}

/// Which of outcome and behaviour a cause moves, as log shares: one alone, the other alone, or both.
const ACTS: [f64; 3] = [-1.2, -1.2, -0.9];
/// Outcome and behaviour are read off the same runs, so that what both show is not seen twice: behaviour counts half. Fitted with ten
/// parts of the made and altered AI cases left out in turn (.33 to .6), and tried once on cases that nobody had looked at
/// (`docs/judgement.md`).
pub(super) const TEMPER: f64 = 0.5;
/// Behaviour says that much at most.
const MOST_BY_BEHAVIOUR: f64 = 6.0;

/// What it did: a cause moves the outcome, or how the runs behave, or both; one that moved neither did nothing.
fn effect_findings(candidate: &mut Candidate, outcome: &Outcome, behaviour: &Outcome) {
    candidate.find(Finding::new("population", outcome.weight.clamp(-2.5, 5.0), outcome.text.clone(), Vec::new()));
    behaviour_finding(candidate, outcome, behaviour);
}

/// What the behaviour adds to the outcome.
pub(super) fn behaviour_finding(candidate: &mut Candidate, outcome: &Outcome, behaviour: &Outcome) {
    let adds = did(outcome, behaviour) - outcome.weight.clamp(-2.5, 5.0);
    candidate.find(Finding::new("behaviour", TEMPER * adds, behaviour.text.clone(), Vec::new()));
}

/// Weight of outcome and behaviour together for a cause that moves the one, the other, or both.
pub(super) fn did(outcome: &Outcome, behaviour: &Outcome) -> f64 {
    let (by_outcome, by_behaviour) = (outcome.weight.clamp(-2.5, 5.0), behaviour.weight.clamp(-2.5, MOST_BY_BEHAVIOUR));
    let ways = [ACTS[0] + by_outcome, ACTS[1] + by_behaviour, ACTS[2] + by_outcome + by_behaviour];
    ln_mean_exp(&ways) + 3.0_f64.ln()
}

pub(super) fn logged_finding(candidate: &mut Candidate, scene: &Scene<'_>, at: Time) {
    if let Some(change) =
        candidate.cause.change.as_ref().and_then(|id| scene.changes.iter().find(|change| change.id == *id))
    {
        let seconds = at.duration_since(change.time).as_secs();
        let (weight, text) = if change.untimed {
            (LOGGED / 2.0, "a change of exactly that was logged; its source gave no time".to_owned())
        } else {
            (LOGGED, format!("a change of exactly that was logged {seconds} s before the first run that shows it"))
        };
        candidate.find(Finding::new("logged", weight, text, vec![Pointer::Change { id: change.id.clone() }]));
    }
}

/// The change of that kind nearest to the moment, within ten minutes before and two after; else one whose source gave no time, if it
/// arrived no earlier: it took effect before it arrived.
pub(super) fn nearest(scene: &Scene<'_>, at: Time, is: impl Fn(&Change) -> bool) -> Option<Untrusted> {
    let since = |change: &Change| at.duration_since(change.time).as_secs();
    let near = |change: &&&Change| since(change) <= 600 && (change.untimed || since(change) >= -120);
    let all = scene.changes.iter().filter(|change| is(change)).filter(near);
    all.min_by_key(|change| (change.untimed, since(change).abs(), change.id.clone())).map(|change| change.id.clone())
}
