//! What one incident would have to be for its alerts to begin when and where they did: a source, an onset, and trouble that
//! travels from there call by call.
//!
//! A story is scored in nats. What it says of each alert is a density over seconds, so that stories of different alerts, and an
//! alert that is nobody's effect, can be set against each other.

use std::sync::LazyLock;

use crate::event::{NameId, Time, Untrusted};

use super::graph::Graph;
use super::reach::{DOWN, Node, Reach, Routes, UP};
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
/// A source of which nothing is known but that it gets no work, or too much: whoever sends it is likelier, even one that is silent.
const WORK_SOURCE: f64 = 4.0;
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
/// No component is reached by more calls than this.
const FARTHEST: usize = (UP + DOWN + 2) as usize;
/// A product of more than this is taken as its logarithm, so that it stays a number.
const LARGE: f64 = 1e200;

/// What can be said of an alert so many calls from the source, whenever it began.
#[derive(Clone, Copy)]
struct Expected {
    /// Seconds after the onset.
    after: f64,
    /// One over the variance and the degrees of freedom.
    sharpness: f64,
    /// ln of the density where it was expected.
    peak: f64,
}

/// By calls from the source.
static EXPECTED: LazyLock<[Expected; FARTHEST]> = LazyLock::new(|| {
    std::array::from_fn(|hops| {
        #[expect(clippy::cast_precision_loss, reason = "at most ten")]
        let hops = hops as f64;
        let variance = SPREAD_S * SPREAD_S + hops * SPREAD_PER_HOP_S * SPREAD_PER_HOP_S;
        Expected {
            after: PER_HOP_S * hops,
            sharpness: 1.0 / (variance * FREEDOM),
            peak: FACTOR - 0.5 * variance.ln() - PER_HOP * hops,
        }
    })
});

/// One of the alerts of a story, as weighing needs it.
#[derive(Clone, Copy)]
struct Seen {
    node: Node,
    sign: Sign,
    /// Seconds after the first.
    at: f64,
}

/// Which onset an alert speaks for, and how sharply.
#[derive(Clone, Copy)]
struct Vote {
    onset: f64,
    sharpness: f64,
}

/// ln of the densities of all `votes` at `onset`, less what they are at their peaks. One logarithm of a product, since taking
/// them is most of what placing an alert costs.
fn off_peak(votes: &[Vote], onset: f64) -> f64 {
    let (mut product, mut logarithms) = (1.0, 0.0);
    for vote in votes {
        let off = vote.onset - onset;
        product *= 1.0 + off * off * vote.sharpness;
        if product > LARGE {
            logarithms += product.ln();
            product = 1.0;
        }
    }
    -0.5 * (FREEDOM + 1.0) * (logarithms + product.ln())
}

/// Alike signs speak for one incident: the Dirichlet–multinomial likelihood of a sign of which there are `same` among `all` before
/// it, against none known.
fn alike(same: usize, all: usize) -> f64 {
    let kinds = f64::from(Sign::KINDS);
    #[expect(clippy::cast_precision_loss, reason = "at most some dozens")]
    let (same, all) = (same as f64, all as f64);
    (same + PRIOR_PER_SIGN) / (all + kinds * PRIOR_PER_SIGN) * kinds
}

/// The same for each of `seen` after those before it, in all.
fn all_alike(seen: &[Seen]) -> f64 {
    let mut counts: Vec<(Sign, usize)> = Vec::with_capacity(Sign::KINDS as usize);
    let mut product = 1.0;
    for (all, alert) in seen.iter().enumerate() {
        let known = counts.iter_mut().find(|(sign, _)| sign.is_like(alert.sign));
        let same = known.as_ref().map_or(0, |(_, count)| *count);
        product *= alike(same, all);
        match known {
            Some((_, count)) => *count += 1,
            None => counts.push((alert.sign, 1)),
        }
    }
    product.ln()
}

/// What is expected of an alert when trouble comes from a source (counted from what is ill inside it, where something is), and what
/// it costs that it is seen there.
fn way(reach: &Reach, source: Node, at: Node, sign: Sign, inside: bool) -> Option<(Expected, f64)> {
    if sign == Sign::Body && at == source {
        return Some((EXPECTED[0], 0.0));
    }
    let hops = usize::from(reach.hops(at, sign)?) + usize::from(inside);
    Some((EXPECTED[hops.min(FARTHEST - 1)], if sign == Sign::Body { ILL_ELSEWHERE } else { 0.0 }))
}

impl Story {
    /// The best story of `early`, which are in order of time. Tries every component that alerted and what lies below it, or, when
    /// `sources` are given, those alone.
    pub(super) fn of<'a>(
        early: impl ExactSizeIterator<Item = &'a Early>,
        sources: Option<&[Untrusted]>,
        graph: &Graph,
        routes: &mut Routes,
    ) -> Self {
        let mut begun = None;
        let mut seen: Vec<Seen> = Vec::with_capacity(early.len());
        for alert in early {
            let begun = *begun.get_or_insert(alert.first);
            let at = seconds(begun, alert.first);
            seen.push(Seen { node: routes.node(&alert.component), sign: alert.sign, at });
        }
        let mut tried: Vec<Node> = match sources {
            Some(given) => given.iter().map(|name| routes.node(name)).collect(),
            None => seen.iter().flat_map(|alert| routes.reach(graph, alert.node).below.clone()).collect(),
        };
        if sources.is_none() {
            tried.extend(seen.iter().map(|alert| alert.node));
            tried.sort_unstable();
            tried.dedup();
        }
        let mut told: Vec<(f64, Node, f64, bool)> = Vec::with_capacity(tried.len() * 2);
        let mut votes = Votes::default();
        for source in tried {
            let reach = routes.reach(graph, source);
            let ill = seen.iter().any(|alert| alert.node == source && alert.sign == Sign::Body);
            for inside in [false, true].into_iter().take(if ill { 2 } else { 1 }) {
                let (score, onset) = votes.tell(&seen, source, inside, &reach);
                told.push((score, source, onset, inside));
            }
        }
        // By name where they are equal: the order of nodes is that of arrival.
        told.sort_unstable_by(|a, b| {
            b.0.total_cmp(&a.0).then_with(|| routes.name(a.1).cmp(routes.name(b.1))).then(a.3.cmp(&b.3))
        });
        let mut sources: Vec<Untrusted> = Vec::with_capacity(RIVALS);
        for (_, node, ..) in &told {
            let name = routes.name(*node);
            if sources.len() < RIVALS && !sources.contains(name) {
                sources.push(name.clone());
            }
        }
        let (score, onset, inside) = told.first().map_or((0.0, 0.0, false), |told| (told.0, told.2, told.3));
        let source = sources.first().cloned().unwrap_or_default();
        let score = if seen.len() > 1 { score + all_alike(&seen) } else { 0.0 } - NEW;
        Self { source, onset, inside, score, sources }
    }

    /// What the story says of one more alert, without being told anew: for incidents of so many alerts that one more says nothing of
    /// where they began.
    pub(super) fn says(&self, early: &[Early], alert: &Early, graph: &Graph, routes: &mut Routes) -> f64 {
        let (source, at) = (routes.node(&self.source), routes.node(&alert.component));
        let reach = routes.reach(graph, source);
        let begun = early.first().map_or(alert.first, |first| first.first);
        let told = match way(&reach, source, at, alert.sign, self.inside) {
            Some((expected, cost)) => {
                let onset = seconds(begun, alert.first) - expected.after;
                let vote = Vote { onset, sharpness: expected.sharpness };
                expected.peak - cost + off_peak(&[vote], self.onset)
            }
            None => -OUT_OF_REACH,
        };
        let same = early.iter().filter(|other| other.sign.is_like(alert.sign)).count();
        told + alike(same, early.len()).ln()
    }
}

/// What the alerts of a story say of its onset; kept from one source to the next.
#[derive(Default)]
struct Votes {
    votes: Vec<Vote>,
    onsets: Vec<f64>,
}

impl Votes {
    /// How well a source accounts for the alerts, with the onset that does so best.
    fn tell(&mut self, seen: &[Seen], source: Node, inside: bool, reach: &Reach) -> (f64, f64) {
        let own = || seen.iter().filter(|alert| alert.node == source);
        let mut score = match own().next() {
            None => -SILENT_SOURCE,
            Some(_) if own().all(|alert| alert.sign.is_work()) => -WORK_SOURCE,
            Some(_) => 0.0,
        };
        self.votes.clear();
        for alert in seen {
            match way(reach, source, alert.node, alert.sign, inside) {
                Some((expected, cost)) => {
                    score += expected.peak - cost;
                    self.votes.push(Vote { onset: alert.at - expected.after, sharpness: expected.sharpness });
                }
                None => score -= OUT_OF_REACH,
            }
        }
        let n = self.votes.len();
        if n == 0 {
            return (score, 0.0);
        }
        self.onsets.clear();
        self.onsets.extend(self.votes.iter().map(|vote| vote.onset));
        self.onsets.sort_unstable_by(f64::total_cmp);
        #[expect(clippy::cast_precision_loss, reason = "at most some dozens")]
        let mean = self.onsets.iter().sum::<f64>() / n as f64;
        let quantiles = [n / 2, (n - 1) / 2, n / 4, 3 * n / 4].map(|place| self.onsets[place]);
        let mut best = (f64::NEG_INFINITY, 0.0);
        for onset in quantiles.into_iter().chain([mean]) {
            let all = off_peak(&self.votes, onset);
            if all > best.0 {
                best = (all, onset);
            }
        }
        (score + best.0, best.1)
    }
}

pub(super) fn seconds(from: Time, to: Time) -> f64 {
    to.duration_since(from).as_secs_f64()
}
