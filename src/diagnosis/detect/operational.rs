//! Causes that nobody changed: something ran out or expired, an upstream failed, more traffic came.

use std::collections::BTreeSet;

use crate::event::{Cause, Pointer, Surface, Untrusted};

use super::super::candidate::{Candidate, Finding, Sort};
use super::super::reading::telemetry::{Telemetry, short};
use super::super::reading::words::words;
use super::super::scene::Scene;
use super::super::signal::MetricKind;
use super::super::symptoms::Symptoms;

const PRIOR: f64 = -2.0;

/// Words by which something that ran out says so; how much they are worth; whether time alone brings it about; the remedy.
struct RanOut {
    what: &'static str,
    says: &'static [&'static str],
    weight: f64,
    by_itself: bool,
    remedy: &'static str,
}

const RAN_OUT: &[RanOut] = &[
    RanOut {
        what: "a certificate expired",
        says: &[
            "certificate has expired",
            "certificate expired",
            "cert expired",
            "x509: certificate has expired",
            "certificate is expired",
        ],
        weight: 4.5,
        by_itself: true,
        remedy: "rotate-cert",
    },
    RanOut {
        what: "a credential or licence expired",
        says: &[
            "token expired",
            "token has expired",
            "credentials expired",
            "credential expired",
            "secret expired",
            "license expired",
            "licence expired",
            "key expired",
            "password expired",
        ],
        weight: 3.0,
        by_itself: true,
        remedy: "rotate",
    },
    RanOut {
        what: "a quota is used up",
        says: &[
            "quota exceeded",
            "insufficient_quota",
            "quotaexceeded",
            "resource_exhausted",
            "exceeded your current quota",
            "limitexceeded",
            "exceeded quota",
        ],
        weight: 2.5,
        by_itself: true,
        remedy: "raise-quota",
    },
    RanOut {
        what: "a name no longer resolves",
        says: &["no such host", "name resolution", "nxdomain", "servfail", "temporary failure in name"],
        weight: 2.0,
        by_itself: false,
        remedy: "failover",
    },
    RanOut {
        what: "the network drops or parts",
        says: &["network is unreachable", "no route to host", "packet loss", "network partition", "link down"],
        weight: 2.5,
        by_itself: false,
        remedy: "failover",
    },
    RanOut {
        what: "a machine or zone failed",
        says: &[
            "node not ready",
            "nodenotready",
            "preempted",
            "spot interruption",
            "availability zone",
            "zone outage",
            "hardware error",
            "input/output error",
            "kernel panic",
            "evicted",
            "host maintenance",
        ],
        weight: 2.5,
        by_itself: false,
        remedy: "failover",
    },
    RanOut {
        what: "a replica took over or lags",
        says: &[
            "failover",
            "replication lag",
            "not the primary",
            "read-only transaction",
            "no primary",
            "leader election",
            "lost leader",
            "split brain",
            "replica promoted",
        ],
        weight: 2.0,
        by_itself: false,
        remedy: "failover",
    },
    RanOut {
        what: "the disk is full",
        says: &["no space left on device", "disk full", "disk quota"],
        weight: 1.0,
        by_itself: false,
        remedy: "free-space",
    },
];

/// What was found, and how much it speaks against every change.
pub(in super::super) struct Operational {
    pub candidates: Vec<Candidate>,
    pub against_changes: Vec<(f64, String)>,
}

/// Looks for causes nobody changed.
pub(in super::super) fn look(scene: &Scene<'_>, symptoms: &Symptoms<'_>, telemetry: &Telemetry) -> Operational {
    let mut found = Operational { candidates: Vec::new(), against_changes: Vec::new() };
    if symptoms.page.is_none() {
        return found;
    }
    ran_out(symptoms, telemetry, &mut found);
    upstream(scene, symptoms, telemetry, &mut found);
    demand(scene, symptoms, telemetry, &mut found);
    found
}

fn candidate(
    surface: Surface,
    sort: Sort,
    subject: Option<Untrusted>,
    mechanism: &str,
    remedy: &'static str,
) -> Candidate {
    Candidate {
        cause: Cause { surface, subject, change: None },
        sort,
        mechanism: mechanism.into(),
        prior: PRIOR,
        findings: Vec::new(),
        remedy: Some(remedy),
        onset: None,
        together: None,
    }
}

fn ran_out(symptoms: &Symptoms<'_>, telemetry: &Telemetry, found: &mut Operational) {
    let ended = symptoms.series.values().flatten().filter(|series| series.kind == MetricKind::Left);
    let ended = ended
        .filter_map(|series| series.jump.map(|jump| (jump, series)))
        .find(|(jump, _)| jump.before > 0.0 && jump.after <= 0.0);
    for kind in RAN_OUT {
        let Some(word) = telemetry.says(kind.says) else { continue };
        let said =
            symptoms.errors.values().flatten().find(|new| new.pattern.sample.raw().to_lowercase().contains(word));
        let service = said.map(|new| new.pattern.service.clone()).or_else(|| symptoms.first.clone());
        let mut candidate = candidate(Surface::Infra, Sort::Exhaustion, service, kind.what, kind.remedy);
        let look_at =
            said.map(|new| Pointer::Logs { service: new.pattern.service.clone(), pattern: new.pattern.sample.clone() });
        candidate.find(Finding::new(
            "exhaustion",
            kind.weight,
            format!("the failing telemetry says “{word}”"),
            look_at.into_iter().collect(),
        ));
        if kind.by_itself {
            if let Some((jump, series)) = &ended {
                let text = format!(
                    "{} of {} reached its end at {}",
                    short(&series.key.name),
                    short(&series.key.service),
                    jump.at.strftime("%H:%M")
                );
                let look_at = vec![Pointer::Series {
                    name: series.key.name.clone(),
                    service: series.key.service.clone(),
                    at: jump.at,
                }];
                candidate.find(Finding::new("exhaustion", 2.0, text, look_at));
            }
            found.against_changes.push((2.0, format!("{}: time brings that about without any change", kind.what)));
        }
        found.candidates.push(candidate);
    }
}

/// A vendor or an upstream outside: by its own notice, by its host in what fails, by its own series.
fn upstream(scene: &Scene<'_>, symptoms: &Symptoms<'_>, telemetry: &Telemetry, found: &mut Operational) {
    let Some(page) = symptoms.page else { return };
    let bad =
        |status: &str| !["operational", "resolved", "completed", "scheduled", "none", "ok", "up"].contains(&status);
    let noticed = scene.notices.iter().filter(|(at, notice)| {
        (-7_200..=3_600).contains(&at.duration_since(page).as_secs()) && bad(&notice.status.raw().to_ascii_lowercase())
    });
    let mut providers: BTreeSet<String> = BTreeSet::new();
    let mut findings = Vec::new();
    let mut name: Option<Untrusted> = None;
    for (at, notice) in noticed {
        let provider = notice.provider.raw().to_lowercase();
        if provider.is_empty() || !providers.insert(provider.clone()) {
            continue;
        }
        let named = telemetry.text.contains(&provider);
        let weight = if named { 3.5 } else { 0.3 };
        let tail = if named { ", and what fails names it" } else { "; nothing that fails names it" };
        let text = format!(
            "{} reported “{}” at {}{tail}",
            short(&notice.provider),
            short(&notice.component),
            at.strftime("%H:%M")
        );
        findings.push(Finding::new("vendor notice", weight, text, Vec::new()));
        if named {
            name = Some(notice.provider.clone());
            found.against_changes.push((1.5, format!("{} says itself that it fails", short(&notice.provider))));
        }
    }
    if let Some((host, pointer)) = outside_host(scene, symptoms) {
        let text = format!("what fails are calls to {host}, which is no component of ours");
        findings.push(Finding::new("outside host", 2.0, text, vec![pointer]));
        name = name.or_else(|| Some(host.as_str().into()));
    }
    let outside = symptoms.series.values().flatten().filter(|series| {
        let own = words(series.key.name.raw());
        let says = ["upstream", "vendor", "provider", "external", "thirdparty", "partner"]
            .iter()
            .any(|word| own.contains(*word));
        let call = own.contains("call");
        series.kind == MetricKind::Harm && says && !call && series.left.is_some_and(|(_, z)| z > 8.0)
    });
    if let Some(series) = outside.into_iter().next() {
        let at = series.left.map_or(page, |(at, _)| at);
        let look_at = vec![Pointer::Series { name: series.key.name.clone(), service: series.key.service.clone(), at }];
        findings.push(Finding::new("upstream series", 1.2, format!("{} rose", short(&series.key.name)), look_at));
    }
    let strong = findings.iter().any(|finding| finding.weight >= 1.0);
    if strong {
        let mut candidate =
            candidate(Surface::Dependency, Sort::Dependency, name, "an upstream outside fails", "failover");
        for finding in findings {
            candidate.find(finding);
        }
        found.candidates.push(candidate);
    }
}

/// A host named by failing calls that is not one of our components.
fn outside_host(scene: &Scene<'_>, symptoms: &Symptoms<'_>) -> Option<(String, Pointer)> {
    let ours: Vec<String> = scene
        .graph
        .components()
        .chain(symptoms.series.keys())
        .chain(symptoms.errors.keys())
        .map(|name| name.raw().to_lowercase())
        .filter(|name| name.len() >= 3 && !name.contains('.'))
        .collect();
    for new in symptoms.errors.values().flatten().filter(|new| new.pattern.is_error()) {
        let named = new.pattern.attributes.iter().filter(|(name, _)| {
            let name = name.raw().to_lowercase();
            ["upstream", "peer", "server.address", "host", "url", "endpoint"].iter().any(|word| name.contains(word))
        });
        let said = new.pattern.sample.raw().split_whitespace().filter(|word| word.contains("://"));
        for text in named.map(|(_, value)| value.raw()).chain(said) {
            let host = text
                .split("://")
                .last()
                .unwrap_or(text)
                .split(['/', ':', '"'])
                .next()
                .unwrap_or_default()
                .to_lowercase();
            let parts: Vec<&str> = host.split('.').collect();
            let domain = parts.len() >= 2
                && parts.last().is_some_and(|tld| tld.len() >= 2 && tld.chars().all(char::is_alphabetic));
            let inside =
                ["svc", "local", "internal", "cluster", "localhost", "lan"].iter().any(|part| parts.contains(part));
            if domain && !inside && !ours.iter().any(|name| host.contains(name.as_str())) {
                let pointer =
                    Pointer::Logs { service: new.pattern.service.clone(), pattern: new.pattern.sample.clone() };
                return Some((short(&host.as_str().into()), pointer));
            }
        }
    }
    None
}

/// More work arrives at an entry before it is slow.
fn demand(scene: &Scene<'_>, symptoms: &Symptoms<'_>, telemetry: &Telemetry, found: &mut Operational) {
    let onset = symptoms.onset;
    let concerned = symptoms.concerned(scene);
    let mut best: Option<(f64, f64, &Untrusted, Pointer)> = None;
    for (service, all) in &symptoms.series {
        let entry = scene.graph.callers(service.raw()).next().is_none();
        if !(concerned.contains(service) || entry) {
            continue;
        }
        for series in all.iter().filter(|series| series.kind == MetricKind::Work) {
            let Some(jump) = series.jump else { continue };
            let times = if jump.before.abs() > 1e-9 { jump.after / jump.before } else { 1.0 };
            let first = onset.is_none_or(|onset| jump.at.duration_since(onset).as_secs() <= 90);
            // A callee that gets more calls than its callers do is called more often, not more wanted.
            let callers: Vec<&Untrusted> = scene.graph.callers(service.raw()).collect();
            let passed_on = callers.is_empty()
                || callers.iter().any(|caller| {
                    let own = symptoms
                        .series
                        .get(*caller)
                        .into_iter()
                        .flatten()
                        .filter(|series| series.kind == MetricKind::Work);
                    own.filter_map(|series| series.jump).any(|jump| jump.before > 0.0 && jump.after / jump.before > 1.4)
                });
            if times >= 1.6
                && jump.z >= 6.0
                && first
                && passed_on
                && best.as_ref().is_none_or(|(most, ..)| times > *most)
            {
                let pointer = Pointer::Series { name: series.key.name.clone(), service: service.clone(), at: jump.at };
                best = Some((times, jump.z, service, pointer));
            }
        }
    }
    let Some((times, _, service, pointer)) = best else { return };
    let mut candidate =
        candidate(Surface::Traffic, Sort::Traffic, Some(service.clone()), "more work arrives than before", "scale");
    let text = format!("{} gets {times:.1} times its usual work, from before it was slow", short(service));
    candidate.find(Finding::new("demand", (1.5 + times.ln()).min(3.5), text, vec![pointer]));
    if let Some(word) = telemetry.says(&[
        "traffic spike",
        "surge",
        "campaign",
        "crawler",
        "flash sale",
        "ddos",
        "bot traffic",
        "scraper",
    ]) {
        candidate.find(Finding::new("demand", 1.0, format!("the telemetry says “{word}”"), Vec::new()));
    }
    found.candidates.push(candidate);
}
