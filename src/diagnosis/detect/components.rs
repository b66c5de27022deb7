//! Which component is ill by itself: how far its series moved, what the paged component would feel of it, and whether
//! something it calls explains it.

use std::collections::BTreeMap;

use crate::event::{Cause, Pointer, Policy, Surface, Untrusted};

use super::super::candidate::{Candidate, Finding, Sort, ln_mean_exp};
use super::super::scene::Scene;
use super::super::signal::{Jump, MetricKind};
use super::super::symptoms::{MovedSeries, Symptoms};

/// At most so many components become candidates, the most moved.
const MOST: usize = 12;

/// How one component moved.
struct Ill<'a> {
    score: f64,
    series: &'a MovedSeries<'a>,
    z: f64,
    impact: f64,
    findings: Vec<Finding>,
}

/// What the components' own series say.
///
/// `explained`: something is known that says why: a change that can have done it, something that ran out, a surface of the runs that
/// moved. Then a component's departure says where, and hardly why.
pub(in super::super) fn look(scene: &Scene<'_>, symptoms: &Symptoms<'_>, explained: bool) -> Vec<Candidate> {
    let Some(page) = symptoms.page else { return Vec::new() };
    let mut ill: BTreeMap<&Untrusted, Ill<'_>> =
        symptoms.series.iter().filter_map(|(name, series)| Some((name, measure(symptoms, series)?))).collect();
    let prior = if quiet(symptoms).is_some() { PRIOR } else { PRIOR_UNCONFIRMED };
    let paged: Vec<&Untrusted> = symptoms.paged.iter().collect();
    let reach = symptoms.concerned(scene);
    let most_felt = paged.iter().filter_map(|name| ill.get(name)).map(|ill| ill.impact).fold(0.0, f64::max);
    for (name, ill) in &mut ill {
        if !scene.graph.is_empty() && !reach.contains(*name) {
            ill.findings.push(Finding::new(
                "path",
                -1.5,
                "the paged component does not depend on it, as far as calls are known".into(),
                Vec::new(),
            ));
        }
        if most_felt > 0.0 && !symptoms.metrics.is_empty() {
            let share = (ill.impact / most_felt).clamp(0.003, 1.0);
            let text = format!(
                "what it does worse, times its requests, is {:.0} % of what the paged component feels",
                share * 100.0
            );
            ill.findings.push(Finding::new("felt", 0.35 * share.ln(), text, Vec::new()));
        }
        if is_address(name) {
            let text = "the name is an address: a way to a component rather than one".to_owned();
            ill.findings.push(Finding::new("address", -1.0, text, Vec::new()));
        }
        ill.score += ill.findings.iter().map(|finding| finding.weight).sum::<f64>();
    }
    let scores: BTreeMap<&Untrusted, f64> = ill.iter().map(|(name, ill)| (*name, ill.score)).collect();
    for (name, ill) in &mut ill {
        let below = scene.graph.callees(name.raw()).filter_map(|callee| Some((scores.get(callee)?, callee)));
        let Some((worst, callee)) = below.max_by(|a, b| a.0.total_cmp(b.0)) else { continue };
        if ill.series.kind != MetricKind::Resource && *worst > ill.score - 0.9 && *worst > 0.5 {
            let text = format!("{}, which it calls, moved as much and explains it", say(callee));
            ill.findings.push(Finding::new("explained", -1.2, text, Vec::new()));
            ill.score -= 1.2;
        }
    }
    let known = |name: &Untrusted| scene.graph.is_empty() || reach.contains(name);
    let possible = ill.keys().filter(|name| known(name)).count().max(1);
    let together = together(ill.values().map(|ill| STEEP * ill.score), possible);
    let mut ranked: Vec<(&Untrusted, Ill<'_>)> = ill.into_iter().collect();
    ranked.sort_by(|a, b| b.1.score.total_cmp(&a.1.score).then(a.0.cmp(b.0)));
    ranked.truncate(MOST);
    ranked
        .into_iter()
        .filter(|(_, ill)| ill.z > 0.0)
        .map(|(name, ill)| {
            let Ill { series, z, findings, score, .. } = ill;
            let extra: f64 = findings.iter().map(|finding| finding.weight).sum();
            let jump = series.jump.as_ref();
            let (before, after) = jump.map_or((0.0, 0.0), |jump| (jump.before, jump.after));
            let text = format!(
                "{} {} went from {} to {}: {} its usual spread (n {})",
                say(name),
                say(&series.key.name),
                number(before),
                number(after),
                times(z),
                jump.map_or(0, |jump| jump.n)
            );
            let at = jump.map_or(page, |jump| jump.at);
            let look_at = vec![Pointer::Series { name: series.key.name.clone(), service: name.clone(), at }];
            let mut candidate = Candidate {
                cause: Cause { surface: Surface::Infra, subject: Some(name.clone()), change: None },
                sort: Sort::Component,
                mechanism: format!("{} is ill by itself: {}", say(name), say(&series.key.name)).into(),
                prior,
                findings: Vec::new(),
                remedy: None,
                onset: jump.map(|jump| jump.at),
                together: None,
            };
            candidate.find(Finding::new("departure", STEEP * (score - extra) + together, text, look_at));
            for mut finding in findings {
                finding.weight *= STEEP;
                candidate.find(finding);
            }
            if explained {
                let text = "something known could have brought this about: it says where, not why".into();
                candidate.find(Finding::new("only where", ONLY_WHERE, text, Vec::new()));
            }
            candidate
        })
        .collect()
}

/// Log odds, before any evidence, that some component is ill by itself, where what the page is about was measured.
const PRIOR: f64 = -1.0;
/// The same where nothing measured confirms the page.
const PRIOR_UNCONFIRMED: f64 = -1.8;
/// Nats for one unit of score: how much more a component moved before it counts as a likelihood.
const STEEP: f64 = 2.4;
/// Nats that one component scores on an ordinary day: what is to be expected is no evidence.
const ORDINARY: f64 = 0.0;
/// However far components moved, it is worth no more than this that one of them is ill by itself.
const MOST_WORTH: f64 = 4.0;
/// How much rarer "ill by itself" is where something is known that says why.
const ONLY_WHERE: f64 = -2.5;

/// What is added to each component's own log likelihood so that all of them together are worth at most [`MOST_WORTH`]: the
/// likelihood that *some* component is ill is the mean over the `possible` ones (of many that are looked at, one always moves most),
/// less what an ordinary day gives, and it levels off.
fn together(scores: impl Iterator<Item = f64>, possible: usize) -> f64 {
    let scores: Vec<f64> = scores.collect();
    #[expect(clippy::cast_precision_loss, reason = "a count of components")]
    let (all, possible) = ((scores.len().max(1) as f64).ln(), (possible as f64).ln());
    let sum = ln_mean_exp(&scores) + all;
    let mean = sum - possible;
    let worth = mean - ORDINARY;
    let bounded = if worth > 0.0 { MOST_WORTH * (1.0 - (-worth / MOST_WORTH).exp()) } else { worth };
    bounded - sum
}

/// How far a component moved: by its most telling series. The alert's own metric tells most, where the alert names one.
fn measure<'a>(symptoms: &Symptoms<'_>, series: &'a [MovedSeries<'a>]) -> Option<Ill<'a>> {
    let work = series
        .iter()
        .filter(|s| s.kind == MetricKind::Work)
        .filter_map(|s| s.jump.map(|jump| jump.before.abs()))
        .fold(0.0, f64::max);
    let requests = requests(series);
    let named = !symptoms.metrics.is_empty();
    let weigh = |series: &MovedSeries<'_>| {
        let jump = series.jump.as_ref()?;
        let kind = match series.kind {
            MetricKind::Resource => 1.0,
            MetricKind::Harm | MetricKind::Health => 0.9,
            MetricKind::Work => 0.35,
            MetricKind::Left | MetricKind::Setting | MetricKind::Other => 0.4,
        };
        let own = if !named || series.alerted { 1.0 } else { 0.3 };
        let z = far(series, jump, requests);
        Some((kind * own * z.min(1e5).ln_1p(), z))
    };
    let all = series.iter().filter_map(|series| weigh(series).map(|(score, z)| (score, z, series)));
    let (score, z, most) = all.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.2.key.cmp(a.2.key)))?;
    let impact = series
        .iter()
        .filter(|s| s.alerted)
        .filter_map(|s| s.jump)
        .map(|jump| jump.by.abs() * if jump.z > 0.0 { work } else { 0.0 });
    Some(Ill { score, series: most, z, impact: impact.fold(0.0, f64::max), findings: Vec::new() })
}

/// How surely nothing is wrong at all: log odds for "none of these" from the alert's own metric.
pub(in super::super) fn quiet(symptoms: &Symptoms<'_>) -> Option<(f64, String)> {
    let all = symptoms.paged.iter().filter_map(|name| symptoms.series.get(name));
    let own = all.flat_map(|series| series.iter().filter(|one| one.alerted).map(move |one| (requests(series), one)));
    let most = own.filter_map(|(requests, one)| one.jump.map(|jump| (far(one, &jump, requests), one)));
    let most = most.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let weight = if most.0 < 1.2 { 2.5 } else { (1.5 - most.0).clamp(-3.0, 0.0) };
    Some((
        weight,
        format!("{}, which the alert is about, moved by {} its usual spread", say(&most.1.key.name), times(most.0)),
    ))
}

/// With so many samples before, a spread is worth half.
const FEW: f64 = 15.0;

/// How far a series moved, in units of what it moves anyway. Of a share whose number of requests is known, that is the larger of its
/// own spread and of the chance in so many requests (two proportions, pooled): 1 of 20 that fails is no news, 50 of 1000 are.
fn far(series: &MovedSeries<'_>, jump: &Jump, requests: f64) -> f64 {
    // A spread read from few samples is itself unsure.
    #[expect(clippy::cast_precision_loss, reason = "a count of samples")]
    let sure = jump.n as f64 / (jump.n as f64 + FEW);
    if series.kind != MetricKind::Health || requests <= 0.0 || jump.z <= 0.0 {
        return sure * jump.z / series.usual;
    }
    let whole = if jump.before.max(jump.after) > 1.0 { 100.0 } else { 1.0 };
    let (before, after) = ((jump.before / whole).clamp(0.0, 1.0), (jump.after / whole).clamp(0.0, 1.0));
    let pooled = f64::midpoint(before, after);
    let chance = (pooled * (1.0 - pooled) * 2.0 / requests).sqrt();
    let spread = chance.max(jump.spread / whole);
    if spread > 0.0 { sure * (before - after).max(0.0) / spread } else { 0.0 }
}

/// Requests a sample of a component stands for, at the worse of before and since; 0 = not known.
fn requests(series: &[MovedSeries<'_>]) -> f64 {
    let work = series.iter().filter(|series| series.kind == MetricKind::Work).filter_map(|series| series.jump);
    work.map(|jump| jump.before.min(jump.after)).fold(0.0, f64::max)
}

/// A name with dots between words, or an address: `db-1.internal.example.com`, `10.0.0.7`.
fn is_address(name: &Untrusted) -> bool {
    name.raw().split('.').filter(|part| !part.is_empty()).count() >= 3 && !name.raw().contains(' ')
}

fn say(text: &Untrusted) -> String {
    text.show(Policy::Prose).as_str().to_owned()
}

fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 1e4 || (size > 0.0 && size < 1e-2) { format!("{value:.2e}") } else { format!("{value:.3}") }
}

fn times(z: f64) -> String {
    if z > 1_000.0 { "over 1000 times".into() } else { format!("{z:.1} times") }
}
