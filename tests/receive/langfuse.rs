//! Langfuse is read as its documented wire says: observations become runs, scores become verdicts, and what goes wrong is said.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::scene::Scene;
use crate::support::house::House;
use crate::support::langfuse::{Fails, KEYS, Langfuse, observation, score};
use crate::support::{bodies, wait_for, wait_until};
use warroom::event::{Fact, Kind, Time};
use warroom::intake::poll::kept::{self, Poller};
use warroom::intake::poll::{Client, PollError};

const TRACE: &str = "4d096a918c7882c177ed8a7447da17a2";
const ROOT: &str = "00000000000000a1";

/// One run: an agent that asks a model and calls a tool.
fn run(langfuse: &Langfuse, trace: &str) {
    let model = json!({
        "model": "gpt-4o", "input": "[{\"role\":\"user\",\"content\":\"refund order 991\"}]", "output": "Order 991 is refunded.",
        "usageDetails": {"input": 812, "output": 31}, "promptName": "refunds", "promptVersion": 41,
        "metadata": {"attributes": {"gen_ai.response.model": "gpt-4o-2024-11-20", "gen_ai.request.model": "alias"}},
    });
    let tool = json!({"input": "{\"order\":991}", "output": "{\"ok\":true}", "startTime": bodies::ago(19)});
    langfuse.show(observation(trace, "00000000000000a3", Some(ROOT), "TOOL", "refund_order", &tool));
    langfuse.show(observation(trace, "00000000000000a2", Some(ROOT), "GENERATION", "answer", &model));
    langfuse.show(observation(trace, ROOT, None, "AGENT", "support-bot", &json!({})));
}

fn configured(langfuse: &Langfuse) -> House {
    let house = House::new();
    std::fs::write(house.path().join("key"), KEYS.1).expect("our own folder");
    let key = house.path().join("key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("our own file");
    house.configure(&format!(
        "[langfuse]\nurl = \"{}\"\npublic_key = \"{}\"\nsecret_key = {{ file = \"{}\" }}\nevery_seconds = 1\nservice = \"bot\"\n",
        langfuse.url(),
        KEYS.0,
        key.display()
    ));
    house
}

/// How many spans are on record, by their ids.
fn on_record(house: &House) -> Vec<String> {
    let batches = house.entries().into_iter().filter(|entry| entry.kind == "spans");
    let resources = batches.flat_map(|batch| batch.body["resources"].as_array().cloned().unwrap_or_default());
    let spans = resources.flat_map(|resource| resource["items"].as_array().cloned().unwrap_or_default());
    spans.map(|span| span["span_id"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn observations_are_a_run_once_and_a_score_makes_it_bad() {
    let langfuse = Langfuse::serve();
    run(&langfuse, TRACE);
    let house = configured(&langfuse);
    let mut server = house.serve();
    let opened = wait_for("the run", || house.opened(TRACE));
    let kinds: Vec<_> = opened.steps.iter().map(|step| (step.depth, step.kind.raw())).collect();
    assert_eq!(kinds, [(0, "agent"), (1, "chat"), (1, "tool")]);
    assert_eq!(opened.line.agent.raw(), "support-bot");
    assert_eq!((opened.line.tokens_in, opened.line.tokens_out), (Some(812), Some(31)));
    assert_eq!(opened.steps[1].what.raw(), "gpt-4o → gpt-4o-2024-11-20", "Langfuse's word before the sender's alias");
    assert_eq!(opened.read[0].0.raw(), "langfuse");
    assert!(opened.line.bad.is_none(), "{:?}", opened.line.bad);

    langfuse.score(score("s1", "policy", &json!(false), &json!({"kind": "trace", "id": TRACE})));
    let bad = wait_for("the verdict", || house.opened(TRACE)?.line.bad);
    assert_eq!(bad.raw(), "policy: false");
    assert_eq!(house.opened(TRACE).expect("the run").steps.len(), 3);

    // Shown again and again, and read anew after a restart: the same entries.
    let (polls, before) = (house.counted("langfuse", "accepted"), on_record(&house));
    wait_until("more readings", || house.counted("langfuse", "accepted") >= polls + 3);
    assert!(server.terminate().success());
    let _server = house.serve();
    wait_until("a reading after the restart", || house.counted("langfuse", "accepted") >= 2);
    assert_eq!(on_record(&house), before, "three spans, and the root once more with its verdict");
    assert_eq!(before.len(), 4);
    assert!(house.run(&["verify"]).status.success());
}

#[test]
fn spans_late_out_of_order_without_root_and_not_yet_ended_find_their_run() {
    let langfuse = Langfuse::serve();
    let house = configured(&langfuse);
    let _server = house.serve();
    // A step whose parent is not shown yet, and which goes on.
    let open = json!({"endTime": null, "model": "gpt-4o"});
    langfuse.show(observation(TRACE, "00000000000000a2", Some(ROOT), "GENERATION", "answer", &open));
    let opened = wait_for("the step without its root", || house.opened(TRACE));
    assert_eq!((opened.steps.len(), opened.steps[0].duration_ms), (1, 0));
    // The root is shown later, and began minutes before.
    let (began, ended) = (bodies::ago(300), bodies::ago(0));
    langfuse.show(observation(
        TRACE,
        ROOT,
        None,
        "AGENT",
        "support-bot",
        &json!({"startTime": began, "endTime": ended}),
    ));
    langfuse.change("00000000000000a2", "endTime", &bodies::ago(0).into());
    let opened = wait_for("the whole run", || house.opened(TRACE).filter(|run| run.steps.len() == 2));
    assert_eq!((opened.steps[0].kind.raw(), opened.steps[1].depth), ("agent", 1));
    wait_until("its end", || house.opened(TRACE).is_some_and(|run| run.steps[1].duration_ms > 10_000));
}

/// A poller in this process.
fn poller(scene: &Scene, url: &str) -> Poller<kept::Langfuse> {
    let client = Client::named(url.parse().expect("an address"), KEYS.0, KEYS.1).expect("a client");
    Poller::new(client, scene.inflow.clone(), Duration::from_secs(1), vec![kept::Langfuse::new("bot".to_owned())])
}

fn spans(scene: &Scene) -> usize {
    let facts = scene.facts(Kind::Spans);
    let of = |fact: &Fact| match fact {
        Fact::Spans(batch) => batch.resources.iter().map(|resource| resource.items.len()).sum(),
        _ => 0,
    };
    facts.iter().map(of).sum()
}

#[test]
fn every_page_is_read_and_a_page_that_is_too_long_is_asked_for_in_smaller_ones() {
    let (scene, langfuse) = (Scene::new(), Langfuse::serve());
    for n in 0..1_203 {
        langfuse.show(observation(TRACE, &format!("{:016x}", n + 1), None, "SPAN", "step", &json!({})));
    }
    let mut poller = poller(&scene, &langfuse.url());
    // 1203 spans need three pages of 500; the first is answered with more than is read.
    langfuse.fail([Fails::Endless(33 << 20)]);
    scene.runtime.block_on(poller.poll(Time::now())).expect("it answers");
    assert_eq!(spans(&scene), 1_203);
    let pages = langfuse.asked().iter().filter(|(_, path)| path.contains("limit=125&")).count();
    assert!(pages >= 2, "a quarter of a page at a time: {pages}");
}

#[test]
fn what_goes_wrong_is_said_with_what_it_means_and_reading_goes_on_after_it() {
    let (scene, langfuse) = (Scene::new(), Langfuse::serve());
    run(&langfuse, TRACE);
    let mut reader = poller(&scene, &langfuse.url());
    let mut failed = |fails: Fails| -> PollError {
        langfuse.fail([fails]);
        scene.runtime.block_on(reader.poll(Time::now())).expect_err("it failed")
    };
    let cases = [
        (Fails::With("401 Unauthorized", "", "{\"message\":\"Invalid credentials\"}"), "check the credentials"),
        (Fails::With("429 Too Many Requests", "Retry-After: 77\r\n", ""), "asked too often"),
        (Fails::With("502 Bad Gateway", "", "<html>"), "asked again by and by"),
        (Fails::With("307 Temporary Redirect", "Location: http://127.0.0.1:1/\r\n", ""), "redirects are not followed"),
        (Fails::Html, "is the address right?"),
        (Fails::CutOff, "cannot be reached"),
    ];
    for (fails, meaning) in cases {
        let what = format!("{fails:?}");
        let error = failed(fails);
        assert!(error.to_string().contains(meaning) && error.to_string().contains(&langfuse.url()), "{what}: {error}");
        assert!(!error.to_string().contains(KEYS.1), "{error}");
        let again = error.again().map(|pause| pause.as_secs());
        assert_eq!(again, what.contains("429").then_some(77), "it is asked again when it says so");
    }
    assert_eq!(spans(&scene), 0);
    let (_, said, _) = scene.runtime.block_on(reader.poll(Time::now())).expect("it answers again");
    assert_eq!((spans(&scene), said), (3, None));
    let wrong = Client::named(langfuse.url().parse().expect("an address"), KEYS.0, "sk-wrong").expect("a client");
    let mut wrong =
        Poller::new(wrong, scene.inflow.clone(), Duration::from_secs(1), vec![kept::Langfuse::new("bot".to_owned())]);
    let error = scene.runtime.block_on(wrong.poll(Time::now())).expect_err("the stand-in knows its keys").to_string();
    assert!(error.contains("answered 401") && !error.contains("sk-wrong"), "{error}");
}

#[test]
fn a_langfuse_that_fails_is_asked_less_and_counted_and_doctor_says_what_is_wrong() {
    let langfuse = Langfuse::serve();
    run(&langfuse, TRACE);
    let house = configured(&langfuse);
    let retry = Fails::With("429 Too Many Requests", "Retry-After: 2\r\n", "");
    langfuse.fail([retry]);
    let _server = house.serve();
    wait_until("the failure to be counted", || house.counted("langfuse", "poll_failed") == 1);
    let _ = wait_for("the run", || house.opened(TRACE));
    let asked: Vec<_> = langfuse.asked().into_iter().filter(|(_, path)| path.contains("observations")).collect();
    let pause = asked[1].0 - asked[0].0;
    assert!(pause >= Duration::from_secs(2), "it was told to wait two seconds: {pause:?}");
    let check = |house: &House| -> Value {
        let output = house.run(&["doctor", "--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let checks = report["checks"].as_array().cloned().unwrap_or_default();
        checks.into_iter().find(|check| check["what"] == "Langfuse").expect("it is checked")
    };
    assert_eq!(check(&house)["state"], "good");
    langfuse.fail(std::iter::repeat_n(Fails::With("401 Unauthorized", "", ""), 50));
    let found = check(&house);
    assert!(
        found["state"] == "bad" && found["found"].as_str().is_some_and(|text| text.contains("credentials")),
        "{found}"
    );
}
