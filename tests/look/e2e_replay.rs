//! Recorded runs run again from the console, by keys alone on the real program, against a stand-in for a model's endpoint that
//! is busy, breaks off, wants what the record does not hold, and hangs.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::house::House;
use crate::support::model::{Asked, Do, Model, STREAM, calls, http, says};
use crate::support::pty::Session;
use crate::support::{bodies, wait_until};

const TOOLS: &str =
    r#"[{"type":"function","function":{"name":"find","parameters":{"type":"object","required":["q"]}}}]"#;

/// One run that began so many seconds ago: a question, a call of `find`, an answer.
fn run(nth: u8, ago: u64, prompt: &str, answer: &str) -> Vec<Value> {
    let trace = format!("{nth:032x}");
    let told =
        json!([{"role": "system", "content": prompt}, {"role": "user", "content": "where is order 7?"}]).to_string();
    let said = json!([{"role": "assistant", "content": answer}]).to_string();
    let chat = [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.request.model", "large"),
        ("gen_ai.tool.definitions", TOOLS),
        ("gen_ai.input.messages", told.as_str()),
        ("gen_ai.output.messages", said.as_str()),
        ("gen_ai.response.finish_reasons", "stop"),
    ];
    let tool = [
        ("gen_ai.operation.name", "execute_tool"),
        ("gen_ai.tool.name", "find"),
        ("gen_ai.tool.call.arguments", "{\"q\":7}"),
        ("gen_ai.tool.call.result", "in the hall"),
    ];
    let nanos = jiff::Timestamp::now().as_nanosecond() - i128::from(ago) * 1_000_000_000;
    let mut spans = vec![
        bodies::span(&trace, "00000000000000a1", "", "chat large", &chat),
        bodies::span(&trace, "00000000000000a2", "00000000000000a1", "find", &tool),
    ];
    for (later, span) in (0..).zip(&mut spans) {
        span["startTimeUnixNano"] = (nanos + later * 1_000_000).to_string().into();
        span["endTimeUnixNano"] = (nanos + (later + 1) * 1_000_000).to_string().into();
    }
    spans
}

/// Eight runs of a while ago with one prompt, eight since with another that end in the middle, the page, and the endpoint `lab`.
fn lived_in(port: u16) -> House {
    let house = House::new();
    house
        .configure(&format!("[[endpoint]]\nname = \"lab\"\nurl = \"http://127.0.0.1:{port}/v1\"\nkind = \"openai\"\n"));
    let mut server = house.serve();
    for nth in 1..=16_u8 {
        let (ago, prompt, answer) = if nth <= 8 {
            (1_500 - 30 * u64::from(nth), "Prompt 41.", "It is in the hall.")
        } else {
            (400 - 15 * u64::from(nth), "Prompt 42.", "{\"half")
        };
        let answer = server.post("/v1/traces", &bodies::spans("assistant", &run(nth, ago, prompt, answer))).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let alert = bodies::alert("JudgeScoreLow", "assistant", &[], &bodies::ago(200), "0001-01-01T00:00:00Z");
    assert_eq!(server.post("/alertmanager", &bodies::webhook(&[alert])).unwrap().status / 100, 2);
    wait_until("a diagnosis", || house.entries().iter().any(|entry| entry.kind == "diagnosed"));
    assert!(server.terminate().success());
    house
}

fn old_prompt(asked: &Asked) -> bool {
    asked.body["messages"][0]["content"] == "Prompt 41."
}

/// Opens the replay, and goes as far as the page that asks for the last word.
fn asks(house: &House, model: &Model) -> Session {
    let session = Session::warroom(house, &[], 120, 40);
    session.wait_for("INC-1");
    session.press("R");
    session.wait_for("prompt as before  10 characters: Prompt 41.");
    session.press("<enter>");
    session.wait_for("Send this?");
    session.wait_for(&format!("http://127.0.0.1:{0}/v1/chat/completions (127.0.0.1:{0})", model.port));
    session.wait_for("sends it;");
    assert_eq!(model.asked().len(), 0, "nothing is sent before a yes");
    assert!(!kinds(house).iter().any(|kind| kind.starts_with("replay")), "and nothing is recorded of it");
    session
}

/// Says yes, once the page is awake.
fn begin(session: &Session) {
    session.settle(Duration::from_millis(500));
    session.press("y");
    session.wait_for("Runs of INC-1, run again");
}

fn kinds(house: &House) -> Vec<String> {
    house.entries().iter().map(|entry| entry.kind.to_owned()).collect()
}

fn ended(house: &House) -> Option<String> {
    let entries = house.entries();
    let last = entries.iter().rev().find(|entry| entry.kind == "replay_ended")?;
    Some(last.body["why"].as_str().unwrap_or_default().to_owned())
}

fn count(house: &House, kind: &str) -> usize {
    kinds(house).iter().filter(|one| *one == kind).count()
}

#[test]
fn a_replay_is_shown_begun_watched_and_becomes_evidence_and_a_line_of_the_timeline() {
    let model = Model::start(|nth, asked| match nth {
        0 => http("429 Too Many Requests", "Retry-After: 2\r\n", "{\"error\":{\"message\":\"slow down\"}}"),
        // Broken off in the middle of an answer; a call that the record does not hold.
        3 => Do::Send(format!("{STREAM}data: {{\"choices\":[{{\"delta\":{{\"content\":\"It").into(), 9),
        5 => calls("find", "{\"q\":8}"),
        _ if old_prompt(asked) => says("It is in the hall.", "stop"),
        _ => says("{\"half", "stop"),
    });
    let house = lived_in(model.port);
    let mut session = asks(&house, &model);
    assert!(session.text().contains("16 replays: 8 runs, 2 arms"), "{}", session.text());
    begin(&session);
    session.wait_for("asked again in");
    session.wait_for("1 went off script");
    session.wait_for("1 failed at the endpoint");
    session.wait_for("done, 16 of 16 replays");
    session.wait_for("prompt as before fails less often than as recorded");
    // It is evidence for the prompt, by a diagnosis of its own.
    wait_until("evidence", || {
        house.entries().iter().any(|entry| {
            let found = entry.body["evidence"].as_array().is_some_and(|all| {
                let is = |one: &Value| one["detector"] == "replay" && one["direction"] == "for";
                all.iter().any(is)
            });
            entry.kind == "diagnosed" && found
        })
    });
    session.press("<esc>");
    session.wait_gone("Runs of INC-1, run again");
    session.press("6z");
    session.wait_for("replay as recorded");
    session.press("z3zG");
    session.wait_for("done, 16 of 16 replays");
    session.press("q");
    assert_eq!(session.wait_exit(Duration::from_secs(20)), 0);

    let kinds = kinds(&house);
    let asked = kinds.iter().position(|kind| kind == "replay_asked").unwrap();
    assert!(kinds.iter().position(|kind| kind == "replay_ran").unwrap() > asked);
    assert_eq!(count(&house, "replay_ran"), 16);
    assert_eq!(model.asked().len(), 17, "one question was asked twice, as it was asked to");
    assert!(house.run(&["verify"]).status.success());
}

#[test]
fn it_goes_on_while_the_console_is_used_and_is_stopped_by_its_key() {
    let model = Model::start(|nth, _| if nth < 3 { says("It is in the hall.", "stop") } else { Do::Hang });
    let house = lived_in(model.port);
    let mut session = asks(&house, &model);
    begin(&session);
    wait_until("the fourth question", || model.asked().len() == 4);
    session.press("<esc>");
    session.wait_for("The replay goes on; R shows it.");
    session.press("3z");
    session.wait_for("replays 8 runs");
    session.press("R");
    session.wait_for("3 of 16 replays");
    session.press("x");
    session.wait_for("after 3 of 16 replays");
    assert!(ended(&house).is_some_and(|why| why.starts_with("cancelled by ")), "{:?}", ended(&house));
    session.press("<esc>q");
    assert_eq!(session.wait_exit(Duration::from_secs(20)), 0);
    assert_eq!(count(&house, "replay_ran"), 3);
}

#[test]
fn a_terminal_that_hangs_up_ends_it_and_what_was_recorded_stays() {
    let model = Model::start(|nth, _| if nth < 3 { says("It is in the hall.", "stop") } else { Do::Hang });
    let house = lived_in(model.port);
    let mut session = asks(&house, &model);
    begin(&session);
    wait_until("the fourth question", || model.asked().len() == 4);
    session.hang_up();
    session.wait_exit(Duration::from_secs(60));
    assert_eq!(count(&house, "replay_ran"), 3);
    let why = ended(&house).expect("its end is on record");
    assert!(why.starts_with("the console that ran it was left after 3 of 16 replays"), "{why}");
    assert!(house.run(&["verify"]).status.success());
}

#[test]
fn a_process_that_is_killed_leaves_what_it_recorded_and_the_next_one_says_so() {
    let model = Model::start(|nth, _| if nth < 3 { says("It is in the hall.", "stop") } else { Do::Hang });
    let house = lived_in(model.port);
    let mut session = asks(&house, &model);
    begin(&session);
    wait_until("the fourth question", || model.asked().len() == 4);
    session.signal(rustix::process::Signal::KILL);
    session.wait_exit(Duration::from_secs(60));
    assert_eq!((count(&house, "replay_ran"), ended(&house)), (3, None));
    let mut server = house.serve();
    wait_until("its end", || ended(&house).is_some());
    assert!(ended(&house).is_some_and(|why| why.starts_with("the process that ran it is gone after 3 of 16 replays")));
    assert!(server.terminate().success());
    assert_eq!(model.asked().len(), 4, "nothing was asked again");
}
