use std::collections::BTreeMap;

use insta::assert_snapshot;

use super::*;
use crate::console::fixture::{Bench, at, incident, view};
use crate::console::model::{Effect, Msg};
use crate::engine::view::{Bounded, FreezeView, HarmLine, PassedLine};
use crate::event::{Digest, PlanId, Seq, SpanId, Surface};
use crate::response::runbook::Glob;
use crate::response::{Hook, StopKind};
use crate::surface::harm::{Deed, Did, Told, User};

fn found() -> Harm {
    let trace = |n| TraceId([n; 16]);
    let deed = |n: u8, did, told, tool: &str| Deed {
        did,
        told,
        tool: tool.into(),
        arguments: format!("{{\"order\": {n}, \"amount\": 120}}").into(),
        user: Some(format!("u-{n}").as_str().into()),
        at: at(i64::from(n) * 60),
        trace: trace(n),
        span: SpanId([n; 8]),
    };
    let user = |n: u8, runs| User { id: format!("u-{n}").as_str().into(), runs, trace: trace(n), redacted: false };
    Harm {
        runs: 61,
        users: vec![user(1, 9), user(2, 2)],
        runs_without_user: 4,
        conversations: 3,
        deeds: vec![
            deed(3, Did::Paid, Told::ByName, "issue_refund"),
            deed(2, Did::Paid, Told::ByName, "issue_refund"),
            deed(1, Did::Sent, Told::Declared, "send_email"),
        ],
        failed: 2,
        untold: BTreeMap::from([("frobnicate".into(), 7)]),
        tools: BTreeMap::from([("issue_refund".into(), 2), ("send_email".into(), 41), ("frobnicate".into(), 5)]),
        parts: BTreeMap::from([("support-bot".into(), 61)]),
        ..Harm::default()
    }
}

fn stop(name: &str, kind: StopKind, matches: &str) -> Stop {
    let hook = Hook::Command(vec!["/usr/local/bin/stop".into(), "{item}".into()]);
    Stop { name: name.into(), kind, matches: vec![Glob::new(matches).unwrap()], stop: hook.clone(), go_on: Some(hook) }
}

fn freeze() -> FreezeView {
    FreezeView {
        plan: PlanId(Digest([7; 32])),
        services: vec!["support-bot".into()],
        surfaces: vec![Surface::Prompt, Surface::Model],
        asked_by: "ana".into(),
        since: at(0),
        until: at(100_000),
        sure: true,
        said: "exit 0: deploy 4711 by mei\nprompt change by bo".into(),
        release: None,
        let_go: None,
        held: None,
        passed: Bounded {
            items: vec![PassedLine {
                id: "c-9".into(),
                at: at(600),
                surface: Surface::Prompt,
                subject: "support-bot".into(),
                actor: "mei".into(),
                summary: "refund_policy 43".into(),
            }],
            hidden: 0,
        },
    }
}

fn open(columns: u16, rows: u16, with: impl FnOnce(&mut IncidentView), harm: Option<Harm>, stops: Vec<Stop>) -> Bench {
    let mut one = incident(1, 3);
    one.bad_runs = Bounded { items: vec![TraceId([1; 16])], hidden: 0 };
    with(&mut one);
    let bad: Arc<[TraceId]> = one.bad_runs.items.as_slice().into();
    let mut bench = Bench::new(columns, rows, view(9, vec![one]));
    bench.press("H");
    bench.send(Msg::Found(Box::new(Found::StopList(stops))));
    let found = harm.map_or_else(|| Err("the disk is gone".into()), |harm| Ok(Detail::Harm(Box::new(harm))));
    bench.send(Msg::Fetched(Want::Harm(bad), Seq(9), found));
    bench
}

fn stops() -> Vec<Stop> {
    vec![
        stop("assistant", StopKind::Feature, "support-*"),
        stop("crm-key", StopKind::Key, "crm"),
        stop("mailer", StopKind::Tool, "send_*"),
        stop("refunds", StopKind::Tool, "*refund*"),
    ]
}

#[test]
fn pages() {
    let whole = |columns, rows| {
        let with = |one: &mut IncidentView| {
            one.freeze = Some(freeze());
            let line = HarmLine { status: HarmStatus::Repaired, note: "".into(), by: "ana".into(), at: at(60) };
            one.hands.harm.insert("user u-1".into(), line);
        };
        open(columns, rows, with, Some(found()), stops()).screen()
    };
    assert_snapshot!("harm_160", whole(160, 50));
    assert_snapshot!("harm_100", whole(100, 30));
    assert_snapshot!("harm_80", whole(80, 24));
    assert_snapshot!("harm_nothing_captured_80", open(80, 24, |_| {}, Some(Harm::default()), Vec::new()).screen());
    assert_snapshot!("harm_not_readable_80", open(80, 24, |_| {}, None, stops()).screen());
}

#[test]
fn one_key_sets_the_status_and_one_opens_the_evidence() {
    let mut bench = open(160, 50, |_| {}, Some(found()), stops());
    // Past the freeze and four things to stop.
    bench.press("j j j j j");
    bench.press("m");
    let item = found().deeds[0].item();
    let told = Act::MarkHarm { item, status: HarmStatus::Told, note: Untrusted::default() };
    assert!(bench.acts().contains(&&told), "{:?}", bench.acts());
    bench.press("enter");
    assert!(bench.screen().contains("Step") || bench.model.layers.len() == 2, "{}", bench.screen());
}

#[test]
fn a_stop_is_proposed_the_narrowest_that_was_met_first() {
    let mut bench = open(160, 50, |_| {}, Some(found()), stops());
    bench.press("j");
    bench.press("enter");
    let act = Act::ProposeStop { item: "mailer".into(), again: false };
    assert!(bench.acts().contains(&&act), "{:?}", bench.acts());
}

#[test]
fn a_freeze_is_shown_to_be_changed_before_it_is_proposed() {
    let mut bench = open(160, 50, |_| {}, Some(found()), stops());
    bench.press("enter");
    assert!(bench.screen().contains("hold changes for: 60 "), "{}", bench.screen());
    bench.press("ctrl-u");
    bench.type_in(" extra");
    bench.press("enter");
    let proposed = bench
        .acts()
        .iter()
        .any(|act| matches!(act, Act::ProposeFreeze { services, .. } if services.contains(&"extra".into())));
    assert!(proposed, "{:?}", bench.acts());
}

#[test]
fn it_asks_for_the_bad_runs_and_the_stop_list_when_it_opens() {
    let mut one = incident(1, 3);
    one.bad_runs = Bounded { items: vec![TraceId([1; 16])], hidden: 0 };
    let mut bench = Bench::new(100, 30, view(9, vec![one]));
    bench.press("H");
    let asked = |wanted: fn(&Effect) -> bool| bench.effects.iter().any(wanted);
    assert!(asked(|effect| matches!(effect, Effect::Errand(errand) if **errand == Errand::StopList)));
    assert!(asked(|effect| matches!(effect, Effect::Fetch(Want::Harm(bad), _) if bad.len() == 1)));
    assert!(bench.screen().contains("Reading the bad runs"), "{}", bench.screen());
}
