//! What one incident would have to be for its alerts to begin when and where they did: a source, an onset, and trouble that
//! travels from there call by call.
//!
//! A story is scored in nats. What it says of each alert is a density over seconds, so that stories of different alerts, and an
//! alert that is nobody's effect, can be set against each other.

use crate::event::{NameId, Time, Untrusted};

use super::graph::Graph;
use super::reach::{Node, Reach, Routes};
use super::sign::Sign;

/// A new fault, for which nothing else gives a reason: one alert in e^13 seconds, five days, is expected to be one.
pub(super) const NEW: f64 = 13.0;
/// So long after its callee (or, starved, its caller) a component is expected to alert: checks run every half minute or so and wait
/// before they fire.
const PER_HOP_S: f64 = 60.0;
/// How far that is off by itself, and by how much more for each call; seconds.
const SPREAD_S: f64 = 25.0;
const SPREAD_PER_HOP_S: f64 = 20.0;
/// Trouble stops somewhere: what each call costs.
const PER_HOP: f64 = 0.3;
/// A source that raises no alert itself.
const SILENT_SOURCE: f64 = 3.0;
/// A source of which nothing is known but that it gets no work: whoever should send it is likelier, even one that is silent.
const STARVED_SOURCE: f64 = 4.0;
/// An illness of its own in a component that is not the source.
const ILL_ELSEWHERE: f64 = 3.0;
/// An alert to which no trouble can have travelled from the source.
const OUT_OF_REACH: f64 = 25.0;
/// Alike alerts of one incident: the prior weight of each kind of sign.
const PRIOR_PER_SIGN: f64 = 0.5;
/// So many sources of a story are tried first when it gets another alert.
const RIVALS: usize = 8;
/// The earliest alerts of an incident say where it began; more than so many are not looked at for that.
pub(super) const MOST_EARLY: usize = 32;

/// One of the earliest alerts of an incident; one for each component and alert name.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Early {
    pub component: Untrusted,
    pub kin: NameId,
    pub sign: Sign,
    pub first: Time,
}

impl Early {
    /// Their order: by time, and where that is the same, by name, so that the order of arrival never decides.
    pub(super) fn place(&self) -> (Time, &Untrusted, Sign) {
        (self.first, &self.component, self.sign)
    }
}

/// The best story of an incident.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Story {
    /// Where it began.
    pub source: Untrusted,
    /// When, in seconds after its first alert (before it: negative).
    pub onset: f64,
    /// The source's pods or machines are ill, so that what the source itself answers is an effect already.
    pub inside: bool,
    /// How well it accounts for the alerts, in nats.
    pub score: f64,
    /// The sources that come next, best first, the best among them.
    pub sources: Vec<Untrusted>,
}

/// Student's t with five degrees of freedom: now and then an alert is minutes early or late.
const FREEDOM: f64 = 5.0;
/// The logarithm of its factor, ln Γ(3) − ln Γ(5/2) − ½ ln 5π.
const FACTOR: f64 = -0.968_626;

/// ln of the density of an alert `off` seconds from where it was expected.
fn density(off: f64, variance: f64) -> f64 {
    FACTOR - 0.5 * variance.ln() - 0.5 * (FREEDOM + 1.0) * (off * off / (variance * FREEDOM)).ln_1p()
}

/// Alike signs speak for one incident: the Dirichlet–multinomial likelihood of `sign` after those in `before`, against none known.
fn alike(sign: Sign, before: &[Early]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "at most some dozens")]
    let (same, all) = (before.iter().filter(|other| other.sign == sign).count() as f64, before.len() as f64);
    #[expect(clippy::cast_precision_loss, reason = "five")]
    let kinds = Sign::ALL.len() as f64;
    ((same + PRIOR_PER_SIGN) / (all + kinds * PRIOR_PER_SIGN) * kinds).ln()
}

/// Calls from a source to an alert, counted from what is ill inside the source where something is, and what it costs that it is seen there.
fn way(reach: &Reach, source: Node, at: Node, sign: Sign, inside: bool) -> Option<(f64, f64)> {
    if sign == Sign::Body && at == source {
        return Some((0.0, 0.0));
    }
    let hops = f64::from(reach.hops(at, sign)?) + if inside { 1.0 } else { 0.0 };
    Some((hops, PER_HOP * hops + if sign == Sign::Body { ILL_ELSEWHERE } else { 0.0 }))
}

fn variance(hops: f64) -> f64 {
    SPREAD_S * SPREAD_S + hops * SPREAD_PER_HOP_S * SPREAD_PER_HOP_S
}

impl Story {
    /// The best story of `early`, which are in order of time. Tries every component that alerted and what lies below it, or, when
    /// `sources` are given, those alone.
    pub(super) fn of(early: &[Early], sources: Option<&[Untrusted]>, graph: &Graph, routes: &mut Routes) -> Self {
        let nodes: Vec<Node> = early.iter().map(|alert| routes.node(&alert.component)).collect();
        let tried: Vec<Node> = match sources {
            Some(given) => given.iter().map(|name| routes.node(name)).collect(),
            None => {
                let mut all = nodes.clone();
                for node in &nodes {
                    all.extend(&routes.reach(graph, *node).below);
                }
                all.sort_unstable();
                all.dedup();
                all
            }
        };
        let mut told: Vec<(f64, Untrusted, f64, bool)> = Vec::new();
        for source in tried {
            let reach = routes.reach(graph, source);
            let ill = early.iter().zip(&nodes).any(|(alert, node)| *node == source && alert.sign == Sign::Body);
            for inside in [false, true].into_iter().take(if ill { 2 } else { 1 }) {
                let (score, onset) = tell(early, &nodes, source, inside, &reach);
                told.push((score, routes.name(source), onset, inside));
            }
        }
        told.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)).then(a.3.cmp(&b.3)));
        let common: f64 = (0..early.len()).map(|place| alike(early[place].sign, &early[..place])).sum();
        let mut sources: Vec<Untrusted> = Vec::new();
        for (_, name, ..) in &told {
            if sources.len() < RIVALS && !sources.contains(name) {
                sources.push(name.clone());
            }
        }
        let alone = || (0.0, early.first().map(|alert| alert.component.clone()).unwrap_or_default(), 0.0, false);
        let (score, source, onset, inside) = told.into_iter().next().unwrap_or_else(alone);
        let score = if early.len() > 1 { score + common } else { 0.0 } - NEW;
        Self { source, onset, inside, score, sources }
    }

    /// What the story says of one more alert, without being told anew: for incidents of so many alerts that one more says nothing of
    /// where they began.
    pub(super) fn says(&self, early: &[Early], alert: &Early, graph: &Graph, routes: &mut Routes) -> f64 {
        let (source, at) = (routes.node(&self.source), routes.node(&alert.component));
        let reach = routes.reach(graph, source);
        let begun = early.first().map_or(alert.first, |first| first.first);
        let told = match way(&reach, source, at, alert.sign, self.inside) {
            Some((hops, cost)) => {
                density(seconds(begun, alert.first) - self.onset - PER_HOP_S * hops, variance(hops)) - cost
            }
            None => -OUT_OF_REACH,
        };
        told + alike(alert.sign, early)
    }
}

/// How well a source accounts for the alerts, with the onset that does so best.
fn tell(early: &[Early], nodes: &[Node], source: Node, inside: bool, reach: &Reach) -> (f64, f64) {
    let Some(begun) = early.first().map(|alert| alert.first) else { return (0.0, 0.0) };
    let own = || early.iter().zip(nodes).filter(|(_, node)| **node == source);
    let mut score = match own().next() {
        None => -SILENT_SOURCE,
        Some(_) if own().all(|(alert, _)| alert.sign == Sign::Starved) => -STARVED_SOURCE,
        Some(_) => 0.0,
    };
    // For each alert the onset it speaks for, and how exactly.
    let mut votes: Vec<(f64, f64)> = Vec::with_capacity(early.len());
    for (alert, node) in early.iter().zip(nodes) {
        match way(reach, source, *node, alert.sign, inside) {
            Some((hops, cost)) => {
                score -= cost;
                votes.push((seconds(begun, alert.first) - PER_HOP_S * hops, variance(hops)));
            }
            None => score -= OUT_OF_REACH,
        }
    }
    let mut onsets: Vec<f64> = votes.iter().map(|vote| vote.0).collect();
    onsets.sort_by(f64::total_cmp);
    let n = onsets.len();
    if n == 0 {
        return (score, 0.0);
    }
    #[expect(clippy::cast_precision_loss, reason = "at most some dozens")]
    let mean = onsets.iter().sum::<f64>() / n as f64;
    let mut best = (f64::NEG_INFINITY, 0.0);
    for onset in [onsets[n / 2], onsets[(n - 1) / 2], mean, onsets[n / 4], onsets[3 * n / 4]] {
        let all: f64 = votes.iter().map(|(vote, variance)| density(vote - onset, *variance)).sum();
        if all > best.0 {
            best = (all, onset);
        }
    }
    (score + best.0, best.1)
}

pub(super) fn seconds(from: Time, to: Time) -> f64 {
    to.duration_since(from).as_secs_f64()
}
