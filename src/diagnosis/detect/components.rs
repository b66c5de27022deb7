//! Which component is ill by itself: how far its series moved, what the paged component would feel of it, and whether
//! something it calls explains it.

use std::collections::BTreeMap;

use crate::event::{Cause, Pointer, Policy, Surface, Untrusted};

use super::super::candidate::{Candidate, Finding, Sort};
use super::super::scene::Scene;
use super::super::signal::MetricKind;
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
pub(in super::super) fn look(scene: &Scene<'_>, symptoms: &Symptoms<'_>) -> Vec<Candidate> {
    let Some(page) = symptoms.page else { return Vec::new() };
    let mut ill: BTreeMap<&Untrusted, Ill<'_>> =
        symptoms.series.iter().filter_map(|(name, series)| Some((name, measure(symptoms, series)?))).collect();
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
                prior: -1.5,
                findings: Vec::new(),
                remedy: None,
                onset: jump.map(|jump| jump.at),
            };
            candidate.find(Finding::new("departure", STEEP * (score - extra), text, look_at));
            for mut finding in findings {
                finding.weight *= STEEP;
                candidate.find(finding);
            }
            candidate
        })
        .collect()
}

/// Nats for one unit of score: how much more a component moved before it counts as a likelihood.
const STEEP: f64 = 2.4;

/// How far a component moved: by its most telling series. The alert's own metric tells most, where the alert names one.
fn measure<'a>(symptoms: &Symptoms<'_>, series: &'a [MovedSeries<'a>]) -> Option<Ill<'a>> {
    let work = series
        .iter()
        .filter(|s| s.kind == MetricKind::Work)
        .filter_map(|s| s.jump.map(|jump| jump.before.abs()))
        .fold(0.0, f64::max);
    let named = !symptoms.metrics.is_empty();
    let weigh = |series: &MovedSeries<'_>| {
        let jump = series.jump?;
        let kind = match series.kind {
            MetricKind::Resource => 1.0,
            MetricKind::Harm | MetricKind::Health => 0.9,
            MetricKind::Work => 0.35,
            MetricKind::Left | MetricKind::Setting | MetricKind::Other => 0.4,
        };
        let own = if !named || series.alerted { 1.0 } else { 0.3 };
        Some((kind * own * jump.z.min(1e5).ln_1p(), jump.z))
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

/// What a component's own departure is worth once changes or running-out things are known that could have brought it about: then it
/// says where, and no longer why.
const ONLY_WHERE: f64 = 1.0;

/// Lets components give way to explanations that say why.
pub(in super::super) fn give_way(
    components: &mut [Candidate],
    changes: &BTreeMap<Untrusted, f64>,
    operational: &[Candidate],
    agents: &[Candidate],
) {
    // Runs that fail since one of their own surfaces moved explain themselves; what else moved beside them is what it led to.
    let why_elsewhere = changes.values().any(|score| *score > -2.0)
        || !operational.is_empty()
        || agents.iter().any(|candidate| candidate.score() > 0.0);
    for candidate in components.iter_mut().filter(|_| why_elsewhere) {
        let over = candidate.score() - candidate.prior - ONLY_WHERE;
        if over > 0.0 {
            let text = "something known could have brought this about: it says where, not why".into();
            candidate.find(Finding::new("only where", -over, text, Vec::new()));
        }
    }
}

/// How surely nothing is wrong at all: log odds for "none of these" from the alert's own metric.
pub(in super::super) fn quiet(symptoms: &Symptoms<'_>) -> Option<(f64, String)> {
    let own =
        symptoms.paged.iter().filter_map(|name| symptoms.series.get(name)).flatten().filter(|series| series.alerted);
    let most = own.filter_map(|series| series.jump.map(|jump| (jump.z, series))).max_by(|a, b| a.0.total_cmp(&b.0))?;
    let weight = if most.0 < 1.2 { 2.5 } else { (1.5 - most.0).clamp(-1.0, 0.0) };
    Some((
        weight,
        format!("{}, which the alert is about, moved by {} its usual spread", say(&most.1.key.name), times(most.0)),
    ))
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
