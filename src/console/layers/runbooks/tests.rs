use insta::assert_snapshot;

use crate::console::errand::Found;
use crate::console::fixture::{Bench, at, incident, view};
use crate::console::model::{Effect, Msg};
use crate::engine::view::{HandsView, ReadLine};
use crate::event::{Digest, IncidentId, ReadEnd, Request, Seq, Surface, Untrusted};
use crate::response::{Act, Offered, OfferedStep};

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

#[test]
fn a_reading_step_runs_at_a_key_and_a_change_is_only_proposed() {
    let mut bench = open(100, 30);
    // The first row is the runbook, the second whom to call, then the steps.
    bench.press("enter");
    let Some(Act::RunStep(at)) = bench.acts().pop() else { panic!("{:?}", bench.acts()) };
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
    let Some(Act::RunStep(at)) = bench.acts().pop() else { panic!("{:?}", bench.acts()) };
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
