use insta::assert_snapshot;

use crate::console::errand::{Errand, Found};
use crate::console::fixture::{Bench, at, incident, plan, view, waiting};
use crate::console::model::{Effect, Msg};
use crate::engine::view::{ActionState, HandsView, MixValue, MixView, ReadLine};
use crate::event::{Digest, IncidentId, Origin, Outcome, Plan, ReadEnd, Request, Seq, Surface, Untrusted};
use crate::response::rollback::Stage;
use crate::response::{Act, Offered, OfferedStep, StepAt};

fn step(name: &str, reads: bool, argv: &[&str]) -> OfferedStep {
    OfferedStep {
        name: name.into(),
        heading: name.replace('-', " ").into(),
        about: "Which version answered before and since.".into(),
        reads,
        why: if reads { "kubectl get only reads (reading.toml:12)" } else { "nothing shows that it only reads" }.into(),
        request: Ok(Request::Process { argv: argv.iter().map(|word| Untrusted::from(*word)).collect() }),
        missing: Vec::new(),
        rollback: (!reads).then(|| "pin-the-new-one".into()),
        verify: None,
    }
}

fn offered() -> Vec<Offered> {
    let mut asks = step("see-one-pod", true, &[]);
    asks.request = Err("pod: nothing fills it".to_owned());
    asks.missing = vec!["pod".into()];
    vec![Offered {
        name: "ai/prompt".into(),
        title: "A prompt changed".into(),
        reason: "matches surface prompt".into(),
        digest: Digest([1; 32]),
        wont_return: None,
        takes_back: None,
        stages: Vec::new(),
        points: vec![("dpo: personal data may have left the house".into(), false)],
        steps: vec![
            step("list-versions", true, &["kubectl", "get", "configmap", "prompts", "-o", "yaml"]),
            asks,
            step("pin-the-earlier-one", false, &["/usr/bin/promptctl", "pin", "41"]),
        ],
    }]
}

fn read() -> ReadLine {
    ReadLine {
        seq: Seq(9),
        at: at(120),
        runbook: "ai/prompt".into(),
        digest: Digest([1; 32]),
        step: "list-versions".into(),
        ended: ReadEnd::Exit { code: 0 },
        finding: "refund_policy 41 -> 42".into(),
        about: vec![Surface::Prompt],
        says: None,
        took_ms: 80,
        times: 1,
        since: Some(at(120)),
    }
}

fn open(columns: u16, rows: u16) -> Bench {
    let mut one = incident(42, 0);
    one.hands = HandsView { reads: vec![read()], ..HandsView::default() };
    let mut bench = Bench::new(columns, rows, view(5, vec![one]));
    bench.press("b");
    bench.send(Msg::Found(Box::new(Found::Offered(IncidentId(42), Ok(offered())))));
    bench
}

#[test]
fn each_step_says_what_it_would_run_and_what_it_said_last() {
    assert_snapshot!(open(100, 30).screen());
}

#[test]
fn a_narrow_terminal_keeps_what_decides() {
    assert_snapshot!(open(80, 24).screen());
}

#[test]
fn while_they_are_looked_for_and_where_none_fits_it_says_so() {
    let mut bench = Bench::new(80, 24, view(5, vec![incident(42, 0)]));
    bench.press("b");
    assert!(bench.screen().contains("Looking for runbooks"));
    bench.send(Msg::Found(Box::new(Found::Offered(IncidentId(42), Ok(Vec::new())))));
    assert!(bench.screen().contains("No runbook fits this incident"), "{}", bench.screen());
}

/// The step that is run.
fn looked(bench: &Bench) -> StepAt {
    let run = |effect: &Effect| match effect {
        Effect::Errand(errand) => match &**errand {
            Errand::RunStep(_, at, _) => Some((**at).clone()),
            _ => None,
        },
        _ => None,
    };
    bench.effects.iter().find_map(run).expect("a step runs")
}

#[test]
fn a_reading_step_runs_at_a_key_and_a_change_is_only_proposed() {
    let mut bench = open(100, 30);
    // The first row is the runbook, the second whom to call, then the steps.
    bench.press("enter");
    let at = looked(&bench);
    assert_eq!((at.runbook.raw(), at.step.raw()), ("ai/prompt", "list-versions"));
    let mut bench = open(100, 30);
    bench.press("G enter");
    let Some(Act::ProposeStep(at)) = bench.acts().pop() else { panic!("{:?}", bench.acts()) };
    assert_eq!(at.step.raw(), "pin-the-earlier-one");
}

#[test]
fn what_the_incident_does_not_know_is_asked_for_first() {
    let mut bench = open(100, 30);
    bench.press("j enter");
    assert!(bench.acts().is_empty());
    bench.type_in("p-1; rm -rf /");
    bench.press("enter");
    let at = looked(&bench);
    assert_eq!(at.values.iter().next().map(|(name, value)| (name.raw(), value.raw())), Some(("pod", "p-1; rm -rf /")));
}

#[test]
fn that_somebody_was_called_is_recorded_at_a_key() {
    let mut bench = open(100, 30);
    bench.press("k enter");
    let called = bench.acts().into_iter().find(|act| matches!(act, Act::Called { .. }));
    let Some(Act::Called { point, whom, .. }) = called else { panic!("{:?}", bench.acts()) };
    assert_eq!((whom.raw(), point.raw()), ("dpo", "dpo: personal data may have left the house"));
    let looks = bench.effects.iter().any(|effect| matches!(effect, Effect::Errand(_)));
    assert!(looks, "and the list is read again");
}

/// A procedure of two stages, the first done four minutes ago and well since.
fn going_back(columns: u16, rows: u16) -> Bench {
    let origin = |step: &str| {
        let values = std::collections::BTreeMap::new();
        Some(Origin { runbook: "rollback/prompt".into(), digest: Digest([2; 32]), step: step.into(), values })
    };
    let mut one = incident(42, 0);
    let mut canary = waiting(Plan { origin: origin("canary"), ..plan(42, 3, "kubectl set env") });
    canary.began = Some(at(55));
    canary.state = ActionState::Finished { outcome: Outcome::Done { receipt: "done".into() }, at: at(60) };
    one.actions.push(canary);
    let behaves = ReadLine { runbook: "rollback/prompt".into(), step: "behaves".into(), ..read() };
    one.hands = HandsView { reads: vec![behaves], ..HandsView::default() };
    let value = |value: &str, before, now| MixValue { value: value.into(), before, now };
    let values = vec![value("refund_policy 41", 210, 12), value("refund_policy 42", 0, 88)];
    one.mixes = vec![MixView { surface: Surface::Prompt, values, hidden: 0, now: 100 }];
    let stage = |step: &str, share, hold| Stage {
        step: step.into(),
        share: Some(share),
        hold: jiff::SignedDuration::from_mins(hold),
        within: None,
        precondition: None,
        verify: Some("behaves".into()),
        undo: Some("forward".into()),
    };
    let mut missing = step("canary", false, &["kubectl", "set", "env", "PROMPT_VERSION=41"]);
    missing.missing = vec!["version".into()];
    let offered = Offered {
        name: "rollback/prompt".into(),
        title: "Take a prompt back".into(),
        wont_return: Some(vec!["answers that were given meanwhile".into()]),
        takes_back: Some(Surface::Prompt),
        stages: vec![stage("canary", 0.1, 10), stage("everywhere", 1.0, 30)],
        points: Vec::new(),
        steps: vec![missing, step("everywhere", false, &["kubectl", "set", "env"]), step("behaves", true, &["true"])],
        ..offered().remove(0)
    };
    let mut bench = Bench::new(columns, rows, view(5, vec![one]));
    bench.press("b");
    bench.send(Msg::Found(Box::new(Found::Offered(IncidentId(42), Ok(vec![offered])))));
    bench
}

#[test]
fn a_procedure_says_how_far_it_is_who_is_served_by_what_and_what_stays_gone() {
    let mut bench = going_back(100, 30);
    bench.press("k");
    assert_snapshot!(bench.screen());
    let mut bench = going_back(80, 24);
    bench.press("k");
    assert_snapshot!(bench.screen());
    bench.press("j j");
    assert!(bench.screen().contains("waits     the stage canary has stood well for"), "{}", bench.screen());
}

#[test]
fn a_procedure_is_rehearsed_at_a_key_once_its_values_are_known() {
    let mut bench = going_back(100, 30);
    bench.press("k enter");
    assert!(bench.acts().is_empty());
    bench.type_in("41");
    bench.press("enter");
    let Some(Act::Rehearse { runbook, values, .. }) = bench.acts().pop() else { panic!("{:?}", bench.acts()) };
    assert_eq!((runbook.raw(), values.len()), ("rollback/prompt", 1));
}
