//! Proposing a silence: from the chosen alerts to the exact request, what it would hide, and how wide that is.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail, ensure};
use jiff::SignedDuration;

use super::super::Reach;
use crate::event::{
    Alert, Fingerprint, IncidentId, Person, Plan, Policy, Purpose, Request, Severity, Source, Target, Tier, Time,
    Traits, Untrusted,
};
use crate::response::alertmanager::{Known, Matcher, NewSilence};
use crate::response::policy::WIDEST;
use crate::response::runbook::Effect;

/// What a silence is called in the policy.
pub(in crate::response) const SILENCE: &str = "silence";
/// The most alerts a plan may name.
const MAX_TARGETS: usize = 5_000;
/// The longest request body.
const MAX_BODY: usize = 16 * 1024;
/// The longest silence: a week.
const MAX_MINUTES: u32 = 7 * 24 * 60;

/// What was asked for.
pub(in crate::response) struct Asked<'a> {
    pub incident: IncidentId,
    pub alerts: &'a [Alert],
    pub minutes: u32,
    pub comment: &'a Untrusted,
    pub by: &'a Person,
    pub now: Time,
    pub approve_by: Time,
}

/// A silence before its reach is known.
pub(in crate::response) struct Draft {
    body: String,
    pub matchers: Vec<Matcher>,
    key: String,
}

/// The labels the alerts share become the matchers.
pub(in crate::response) fn draft(asked: &Asked<'_>, key: String) -> anyhow::Result<Draft> {
    ensure!((1..=MAX_MINUTES).contains(&asked.minutes), "a silence lasts 1 to {MAX_MINUTES} minutes");
    let Some(first) = asked.alerts.first() else { bail!("choose at least one alert to silence") };
    if let Some(other) = asked.alerts.iter().find(|alert| alert.source != Source::Alertmanager) {
        bail!(
            "{} came from {}, and only what Alertmanager sends can be silenced there",
            other.name().show(Policy::Prose).as_str(),
            other.source.name()
        );
    }
    let shared: Vec<Matcher> = first
        .labels
        .iter()
        // A matcher for an empty value would hit every alert without that label.
        .filter(|(name, value)| {
            !value.is_empty() && asked.alerts.iter().all(|alert| alert.labels.get(name.raw()) == Some(*value))
        })
        .map(|(name, value)| Matcher {
            name: name.raw().to_owned(),
            value: value.raw().to_owned(),
            is_regex: false,
            is_equal: true,
        })
        .collect();
    ensure!(!shared.is_empty(), "these alerts share no label, so no one silence fits them: choose fewer");
    let ends = asked.now + SignedDuration::from_mins(asked.minutes.into());
    let silence = NewSilence {
        matchers: shared,
        starts_at: asked.now.to_string(),
        ends_at: ends.to_string(),
        created_by: asked.by.login.raw().to_owned(),
        comment: format!("{} ({}, {key})", asked.comment.raw(), asked.incident),
    };
    let body = serde_json::to_string(&silence)?;
    ensure!(
        body.len() <= MAX_BODY,
        "the shared labels make a request of {} bytes, more than {MAX_BODY}: choose other alerts",
        body.len()
    );
    Ok(Draft { body, matchers: silence.matchers, key })
}

/// Everything of the plan but what the policy says of it.
pub(in crate::response) fn plan(
    asked: &Asked<'_>,
    draft: Draft,
    url: &url::Url,
    hit: &[Known],
    members: &BTreeSet<Fingerprint>,
) -> anyhow::Result<(Plan, Reach)> {
    ensure!(!hit.is_empty(), "Alertmanager knows no alert with these labels any more: there is nothing to silence");
    ensure!(
        hit.len() <= MAX_TARGETS,
        "this would hide {} alerts; one plan may name {MAX_TARGETS} at most, since each is shown before and looked up \
         again after the approval: choose alerts that share more labels, such as one namespace at a time, or make the \
         silence in Alertmanager itself",
        hit.len()
    );
    let reach = reach(hit, members, asked.incident, odd(&draft.matchers));
    let outside = match reach.outside {
        0 => String::new(),
        n => format!(", {n} of them outside {}", asked.incident),
    };
    let plan = Plan {
        incident: asked.incident,
        title: format!(
            "silence {} for {} min: hides {}{outside}",
            names(asked.alerts),
            asked.minutes,
            alerts(hit.len())
        )
        .into(),
        request: Request::Http { method: "POST".into(), url: url.as_str().into(), body: draft.body.into() },
        targets: reach.targets.clone(),
        tier: Tier(WIDEST),
        policy: Untrusted::default(),
        taint: draft.matchers.iter().map(|matcher| taint(&matcher.name, &matcher.value)).collect(),
        undo: "expire the silence in Alertmanager: DELETE api/v2/silence/ and the id in the receipt".into(),
        idempotency_key: draft.key.into(),
        proposed_by: asked.by.login.clone(),
        approve_by: asked.approve_by,
        purpose: Purpose::Mend,
        origin: None,
        traits: Some(Box::new(Traits {
            verb: SILENCE.into(),
            reversible: Some(true),
            effects: vec![Effect::DisablesAlert.word().into()],
            minutes: asked.minutes,
            ..Traits::default()
        })),
        found_by: None,
        asks: None,
        reasons: Vec::new(),
        dry_run: None,
    };
    Ok((plan, reach))
}

/// What a plan says it will do, read back from its own bytes: so what is checked is what is sent.
pub(in crate::response) struct Sent {
    pub url: url::Url,
    pub body: String,
    pub silence: NewSilence,
}

/// Reads the request of a plan.
pub(in crate::response) fn of_plan(plan: &Plan) -> anyhow::Result<Sent> {
    let Request::Http { method, url, body } = &plan.request else { bail!("the plan is no request over HTTP") };
    ensure!(method.raw() == "POST", "the plan's method is not POST");
    let silence = serde_json::from_str(body.raw()).context("the plan's body is not a silence")?;
    Ok(Sent { url: url.raw().parse().context("the plan's address is not one")?, body: body.raw().to_owned(), silence })
}

/// The single things a silence touches.
fn targets(hit: &[Known], members: &BTreeSet<Fingerprint>, incident: IncidentId) -> Vec<Target> {
    let mut targets: Vec<Target> = hit
        .iter()
        .map(|alert| Target {
            kind: if is_member(alert, members) { "alert".into() } else { format!("alert outside {incident}").into() },
            name: describe(alert),
        })
        .collect();
    targets.sort();
    targets
}

/// What a silence of these matchers hides.
pub(super) fn reach(hit: &[Known], members: &BTreeSet<Fingerprint>, incident: IncidentId, odd_text: bool) -> Reach {
    Reach {
        targets: targets(hit, members, incident),
        outside: hit.iter().filter(|alert| !is_member(alert, members)).count(),
        critical: hit.iter().filter(|alert| is_critical(alert)).count(),
        odd_text,
    }
}

fn is_member(alert: &Known, members: &BTreeSet<Fingerprint>) -> bool {
    alert.fingerprint.parse().is_ok_and(|fingerprint: Fingerprint| members.contains(&fingerprint))
}

fn is_critical(alert: &Known) -> bool {
    alert.labels.get("severity").is_some_and(|severity| Severity::of_label(severity) == Severity::Critical)
}

/// Fingerprint first, which is the identity; then the labels, for people.
fn describe(alert: &Known) -> Untrusted {
    let mut labels: BTreeMap<&str, &str> = alert.labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let name = labels.remove("alertname").unwrap_or_default();
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{} {name} {}", alert.fingerprint, labels.join(" ")).into()
}

pub(super) fn odd(matchers: &[Matcher]) -> bool {
    matchers.iter().flat_map(|matcher| [&matcher.name, &matcher.value]).any(|text| {
        let plain = text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
        !plain
    })
}

fn taint(name: &str, value: &str) -> Untrusted {
    format!("alert label {name} = \"{value}\" reaches body.matchers").into()
}

/// The alert names, the first three of them.
fn names(alerts: &[Alert]) -> String {
    let names: BTreeSet<Untrusted> = alerts.iter().map(Alert::name).collect();
    let mut text: Vec<&str> = names.iter().take(3).map(Untrusted::raw).collect();
    if names.len() > 3 {
        text.push("…");
    }
    text.join(", ")
}

fn alerts(count: usize) -> String {
    if count == 1 { "1 alert".to_owned() } else { format!("{count} alerts") }
}
