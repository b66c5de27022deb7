//! Whatever comes, in whatever order: no panic, bounds hold, every alert is where exactly one incident says it is.

use proptest::prelude::*;

use super::{Paper, at, difference, folded};
use crate::engine::Fold;
use crate::engine::fold::limits;
use crate::event::{
    Alert, AlertStatus, Approval, Barred, Cancelled, Cause, Change, ChangeClass, Decision, Denial, Diagnosis, Digest,
    EffectChecked, Escalated, Fact, Fingerprint, Finished, Grouped, Halted, HarmMarked, HarmStatus, Hunch, IncidentId,
    IncidentOpened, Labels, Note, Outcome, Owned, Person, Plan, PlanId, ReadEnd, Reason, Recovery, Regrouped,
    Rehearsed, RehearsedStep, Request, Resolved, Rule, Seq, Severity, SeveritySet, Source, Span, SpanBatch, SpanId,
    SpanKind, SpanStatus, Started, StepRead, Surface, Symptom, Target, TargetEnded, Tier, TraceId, Tried, Truncated,
    Truth, TruthConfirmed, Untrusted, Verdict,
};

pub(super) fn person(known_by: &str) -> Person {
    Person { login: "ada".into(), known_by: known_by.into(), session: "pts/1".into() }
}

pub(super) fn print(number: u8) -> Fingerprint {
    // Both lengths: sixteen digits and others.
    let text = if number.is_multiple_of(5) { format!("{number:x}") } else { format!("{number:016x}") };
    text.parse().unwrap()
}

pub(super) fn alert(number: u8, starts: i64, ends: Option<i64>) -> Alert {
    let service = ["checkout", "payments", "search"][usize::from(number) % 3];
    let severity = ["critical", "warning", "info"][usize::from(number) / 3 % 3];
    let labels: Labels = [("alertname", "Slow"), ("service", service), ("severity", severity)]
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()))
        .chain([("pod".into(), format!("pod-{number}").into())])
        .collect();
    Alert {
        fingerprint: print(number),
        status: if ends.is_some() { AlertStatus::Resolved } else { AlertStatus::Firing },
        labels,
        annotations: Labels::new(),
        starts_at: at(starts),
        ends_at: ends.map(at),
        generator_url: None,
        source: Source::Alertmanager,
        subject: None,
        anomalies: vec![],
    }
}

pub(super) fn plan(number: u8, incident: IncidentId) -> Plan {
    Plan {
        incident,
        title: format!("silence {number}").into(),
        request: Request::Http { method: "POST".into(), url: "http://x/".into(), body: "{}".into() },
        targets: vec![],
        tier: Tier(2),
        policy: "1".into(),
        taint: vec![],
        undo: "expire it".into(),
        idempotency_key: "k".into(),
        proposed_by: "ada".into(),
        approve_by: at(900),
        purpose: crate::event::Purpose::Mend,
        origin: None,
        traits: None,
        found_by: None,
        asks: None,
        reasons: Vec::new(),
        dry_run: None,
    }
}

fn hands(incident: IncidentId, plan: PlanId, which: u8) -> Fact {
    let by = person("uid");
    let target = Target { kind: "pod".into(), name: format!("p{which}").into() };
    let done = Outcome::Done { receipt: "r".into() };
    match which {
        0 => TargetEnded { incident, plan, nonce: "n".into(), target, outcome: done }.into(),
        1 => Cancelled { incident, plan, by, reason: "stop".into() }.into(),
        2 => Halted { on: incident.0.is_multiple_of(2), by, reason: "stop".into() }.into(),
        3 => Barred { incident, plan: Some(plan), tried: "approve".into(), why: "alone".into(), by }.into(),
        4 => Escalated { incident, point: "data".into(), whom: "dpo".into(), how: "phone".into(), by }.into(),
        5 => HarmMarked { incident, item: "user 1".into(), status: HarmStatus::Told, note: "".into(), by }.into(),
        7 => {
            let said = "it would".into();
            let steps = vec![RehearsedStep {
                step: "canary".into(),
                tried: Tried::DryRun,
                would_do: Some(true),
                said,
                took_ms: 5,
            }];
            let (runbook, digest) = ("rollback/prompt".into(), Digest([1; 32]));
            Rehearsed { incident: Some(incident), runbook, digest, began: at(1), took_ms: 5, steps, by }.into()
        }
        6 => {
            let symptoms = vec![Symptom {
                what: "alerts firing".into(),
                before: "3".into(),
                after: "0".into(),
                effect: Recovery::Recovered,
            }];
            EffectChecked { incident, plan, after_s: 300, symptoms, effect: Recovery::Recovered }.into()
        }
        _ => StepRead {
            incident,
            runbook: "basics".into(),
            digest: Digest([1; 32]),
            step: "look".into(),
            request: Request::Process { argv: vec!["ps".into()] },
            began: at(1),
            took_ms: 5,
            ended: ReadEnd::Exit { code: 0 },
            output: "x".into(),
            output_bytes: 1,
            finding: "x".into(),
            about: vec![Surface::Infra],
            says: None,
            component: None,
            change: None,
            rule: Untrusted::default(),
            effects: vec![],
            by: None,
        }
        .into(),
    }
}

fn cause() -> Cause {
    Cause { surface: Surface::Code, subject: Some("checkout".into()), change: Some("c1".into()) }
}

fn span(trace: u8, id: u8, start: i64) -> Span {
    let agent = id == 0;
    let name = if agent { "invoke_agent helper" } else { "chat some-model" };
    let operation = if agent { "invoke_agent" } else { "chat" };
    Span {
        trace_id: TraceId([trace + 1; 16]),
        span_id: SpanId([id + 1; 8]),
        parent: (!agent).then_some(SpanId([1; 8])),
        name: name.into(),
        kind: SpanKind::Internal,
        start: at(start),
        end: at(start + 2),
        status: SpanStatus::Unset,
        status_message: "".into(),
        attributes: [("gen_ai.operation.name".into(), operation.into())].into(),
        events: vec![],
    }
}

fn any_fact() -> impl Strategy<Value = (Fact, i64)> {
    let incident = || (1u64..5).prop_map(IncidentId);
    let prints = || prop::collection::vec((0u8..12).prop_map(print), 0..5);
    let outcome = prop_oneof![
        Just(Outcome::Done { receipt: "s1".into() }),
        Just(Outcome::Failed { error: "no".into() }),
        Just(Outcome::Unknown { check: "look".into() })
    ];
    let id = |n: u8, i: IncidentId| -> PlanId { plan(n, i).id() };
    let fact = prop_oneof![
        6 => (0u8..12, 0i64..600, prop::option::of(0i64..900)).prop_map(|(n, s, e)| Fact::from(alert(n, s, e))),
        2 => (incident(), 0u8..12).prop_map(|(incident, n)| Fact::from(IncidentOpened {
            incident, founder: print(n), engine: "builtin/1".into() })),
        3 => (incident(), prints()).prop_map(|(incident, alerts)| Fact::from(Grouped {
            incident, alerts, reason: Reason { rule: Rule::SameService, peer: None, text: "same".into() } })),
        1 => (incident(), incident(), prints()).prop_map(|(from, into, alerts)| Fact::from(Regrouped::Split {
            from, into, alerts, by: person("uid") })),
        1 => (incident(), incident()).prop_map(|(from, into)| Fact::from(Regrouped::Merge { from, into, by: person("uid") })),
        1 => incident().prop_map(|incident| Fact::from(Regrouped::Lock { incident, by: person("uid") })),
        1 => (incident(), prop::bool::ANY).prop_map(|(incident, human)| Fact::from(Owned {
            incident, by: person(if human { "uid" } else { "agent" }) })),
        1 => (incident(), prop::bool::ANY).prop_map(|(incident, human)| Fact::from(SeveritySet {
            incident, severity: Severity::Warning, name: "SEV3".into(), suggested: None, why: "".into(), rubric: Digest([0; 32]),
            by: person(if human { "uid" } else { "agent" }) })),
        1 => incident().prop_map(|incident| Fact::from(Resolved { incident, by: person("uid") })),
        1 => incident().prop_map(|incident| Fact::from(TruthConfirmed { incident, by: person("uid"), truth: Truth {
            surface: Some(Surface::Code), subject: None, change: Some("c1".into()), onset: None, text: "it".into() } })),
        1 => incident().prop_map(|incident| Fact::from(Hunch { incident, by: person("uid"), text: "a\nb".into() })),
        1 => prop::option::of(incident()).prop_map(|incident| Fact::from(Note {
            incident, author: "bot".into(), text: "acknowledged".into() })),
        1 => (incident(), 0u64..50, 0u64..5_000).prop_map(|(incident, seq, took_ms)| Fact::from(Decision {
            incident, by: person("uid"), diagnosis: Seq(seq), inputs: Digest([0; 32]), rank: 1, cause: cause(),
            shown_share: 0.7, verdict: Verdict::Accept, reason: "".into(), opened: vec![], took_ms })),
        1 => (incident(), 0i64..600).prop_map(|(incident, t)| Fact::from(Diagnosis {
            incident, as_of: at(t), engine: "other/1".into(), inputs: Digest([t.to_le_bytes()[0]; 32]), evidence: vec![],
            hypotheses: vec![], none_of_these: 1.0, headline: "h".into(), onset: None, first_failing: None,
            blast_radius: vec![], remediation: None, not_checked: vec![], calibration: None })),
        1 => (0u32..4).prop_map(|own| Fact::from(crate::event::Calibration { own, version: own, ..crate::diagnosis::shipped().calibration })),
        1 => (0u8..3, incident()).prop_map(|(n, i)| Fact::from(plan(n, i))),
        1 => (0u8..3, incident(), 0u8..9).prop_map(move |(n, i, which)| hands(i, id(n, i), which)),
        1 => (0u8..3, incident()).prop_map(move |(n, i)| Fact::from(Approval { incident: i, plan: id(n, i),
            policy: "1".into(), targets: Digest([0; 32]), by: person("uid"), execute_by: at(900), nonce: "n".into(), broke_glass: None, read_ms: None })),
        1 => (0u8..3, incident()).prop_map(move |(n, i)| Fact::from(Denial { incident: i, plan: id(n, i),
            by: None, reason: "late".into() })),
        1 => (0u8..3, incident()).prop_map(move |(n, i)| Fact::from(Started { incident: i, plan: id(n, i), nonce: "n".into() })),
        1 => (0u8..3, incident(), outcome).prop_map(move |(n, i, outcome)| Fact::from(Finished { incident: i,
            plan: id(n, i), nonce: "n".into(), outcome })),
        2 => (0u8..6, 0i64..600).prop_map(|(n, t)| Fact::from(Change { id: format!("c{n}").into(), origin: "git".into(),
            time: at(t), untimed: n == 5, surface: Surface::Code, class: ChangeClass::Deploy, subject: Some("checkout".into()), actor: None,
            summary: "s".into(), before: None, after: None, files: vec![], diff: None, sha: None,
            source: Source::CloudEvents })),
        2 => (0u8..4, 0u8..3, 0i64..600).prop_map(|(trace, id, t)| Fact::from(SpanBatch { resources: vec![
            crate::event::Resource { service: "checkout".into(), attributes: [].into(), items: vec![span(trace, id, t)] }] })),
        1 => (1u64..9).prop_map(|alerts| Fact::from(Truncated { source: Source::Alertmanager, group: "g".into(), alerts })),
    ];
    (fact, 0i64..900)
}

fn written(facts: &[(Fact, i64)]) -> Paper {
    let mut paper = Paper::default();
    for (arrived, (fact, happened)) in (0i64..).zip(facts) {
        paper.fact(fact.clone(), at(*happened), at(arrived * 3));
    }
    paper
}

/// What must be true of every state.
fn sound(fold: &mut Fold) {
    let view = fold.view();
    let mut alerts = 0;
    for incident in &view.incidents.items {
        assert!(incident.firing <= incident.alerts, "{}", incident.id);
        let grouped: u64 = incident.groups.items.iter().map(|group| group.alerts).sum();
        let firing: u64 = incident.groups.items.iter().map(|group| group.firing).sum();
        assert_eq!((grouped, firing), (incident.alerts, incident.firing), "{}", incident.id);
        assert!(
            incident.groups.items.iter().all(|group| !group.sample.is_empty() && group.sample.len() <= limits::SAMPLES)
        );
        assert!(incident.timeline.items.len() <= limits::TIMELINE);
        assert!(incident.owner.as_ref().is_none_or(|owner| owner.known_by.raw() == "uid"));
        assert!(incident.rated.as_ref().is_none_or(|rated| rated.by.known_by.raw() == "uid"));
        let past = incident.similar.iter().flat_map(|similar| &similar.found).map(|past| past.incident);
        assert!(past.into_iter().all(|past| past < incident.id), "{}", incident.id);
        alerts += incident.alerts;
    }
    let members: u64 = (1..5).map(|id| fold.state.alerts.of_incident(IncidentId(id)).len() as u64).sum();
    let over = view
        .incidents
        .items
        .iter()
        .any(|incident| matches!(incident.state, crate::engine::view::IncidentState::Resolved(_)));
    let loose = fold.state.alerts.of_incident_none();
    assert_eq!(view.loose_alerts, loose);
    // An incident that is over keeps counting alerts that have since fired again elsewhere.
    assert!(
        alerts == members || (over && alerts >= members),
        "{alerts} shown, {members} kept: {:#?}",
        view.incidents.items.iter().map(|i| (i.id, i.state, i.alerts)).collect::<Vec<_>>()
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_entries_breaks_the_picture(facts in prop::collection::vec(any_fact(), 1..80)) {
        let paper = written(&facts);
        let mut fold = Fold::new();
        for record in &paper.records {
            fold.apply(record);
            sound(&mut fold);
        }
        let _ = fold.derive_all(at(1_000));
        sound(&mut fold);
    }

    #[test]
    fn batches_and_restarts_change_nothing(
        facts in prop::collection::vec(any_fact(), 2..60), size in 1usize..20, cut in 0.0f64..1.0,
    ) {
        let paper = written(&facts);
        let whole = folded(&paper.records).view();
        let mut batched = Fold::new();
        for batch in paper.records.chunks(size) {
            batched.apply_all(batch);
            batched.view();
        }
        prop_assert_eq!(difference(&batched.view(), &whole), None, "batches");
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small")]
        let (before, after) = paper.records.split_at((paper.records.len() as f64 * cut) as usize);
        let mut fold = Fold::restore(&folded(before).checkpoint()).unwrap();
        for record in before {
            fold.recall(record);
        }
        fold.apply_all(after);
        prop_assert_eq!(difference(&fold.view(), &whole), None, "restart");
    }
}
