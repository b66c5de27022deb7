//! Recorded runs, run again: asked for first, bounded, answered from the record, told with intervals.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use warroom::event::{
    Attributes, Fact, IncidentId, IncidentOpened, Kind, ReplayArm, ReplayAsked, ReplayEnd, ReplayRan, Resource, Span,
    SpanBatch, SpanId, SpanKind, SpanStatus, Time, TraceId, Untrusted,
};
use warroom::journal::{Draft, Query, SharedJournal, SqliteJournal, term};
use warroom::response::replay::{Client, Dialect, Ended, Endpoint, Experiment, Outcome, Patience, Stop, script};

use crate::scene::person;
use crate::support::failing::Failing;
use crate::support::house::House;
use crate::support::model::{Asked, Do, Model, STREAM, calls, http, says};
use crate::support::{bodies, send_signal, wait_until};

const INCIDENT: IncidentId = IncidentId(3);

/// A journal with an incident and so many runs: one question, one call of `find`, an answer.
struct Lab {
    journal: SharedJournal,
    runtime: tokio::runtime::Runtime,
    folder: TempDir,
    runs: Vec<TraceId>,
}

fn span(trace: TraceId, place: u8, attributes: Value) -> Span {
    let Value::Object(fields) = attributes else { panic!("an object") };
    Span {
        trace_id: trace,
        span_id: SpanId([place; 8]),
        parent: None,
        name: "step".into(),
        kind: SpanKind::Client,
        start: Time::now(),
        end: Time::now(),
        status: SpanStatus::Unset,
        status_message: Untrusted::default(),
        attributes: fields.into_iter().map(|(name, value)| (Untrusted::from(name), value)).collect(),
        events: Vec::new(),
    }
}

const TOOLS: &str =
    r#"[{"type":"function","function":{"name":"find","parameters":{"type":"object","required":["q"]}}}]"#;
const TOLD: &str = r#"[{"role":"system","content":"Prompt 41."},{"role":"user","content":"where is order 7?"}]"#;

impl Lab {
    fn new(runs: u8) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal: SharedJournal =
            Arc::new(SqliteJournal::open(&folder.path().join("journal.db"), Time::now()).unwrap());
        let founder = "00000000000000aa".parse().unwrap();
        let opened = IncidentOpened { incident: INCIDENT, founder, engine: "test".into() };
        let mut drafts = vec![Draft::new(Time::now(), "opened".into(), &opened.into())];
        let runs: Vec<TraceId> = (1..=runs).map(|run| TraceId([run; 16])).collect();
        for trace in &runs {
            let items = vec![
                span(
                    *trace,
                    1,
                    json!({
                        "gen_ai.operation.name": "chat", "gen_ai.request.model": "large", "gen_ai.tool.definitions": TOOLS,
                        "gen_ai.input.messages": TOLD, "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20
                    }),
                ),
                span(
                    *trace,
                    2,
                    json!({
                        "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "find",
                        "gen_ai.tool.call.arguments": "{\"q\":7}", "gen_ai.tool.call.result": "in the größte Halle"
                    }),
                ),
            ];
            let resource = Resource { service: "assistant".into(), attributes: Attributes::new(), items };
            let spans = SpanBatch { resources: vec![resource] };
            drafts.push(Draft::new(Time::now(), format!("spans/{trace}"), &spans.into()).found_by(term::trace(*trace)));
        }
        journal.append(drafts).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Self { journal, runtime, folder, runs }
    }

    fn asked(&self, arms: &[ReplayArm], times: u32, budget_tokens: u64) -> ReplayAsked {
        ReplayAsked {
            replay: 77,
            incident: INCIDENT,
            by: person("ana"),
            endpoint: "local".into(),
            arms: arms.to_vec(),
            runs: self.runs.clone(),
            times,
            budget_tokens,
            price: None,
        }
    }

    fn experiment(&self, asked: ReplayAsked, endpoint: &Endpoint) -> Experiment {
        let scripts = self.runs.iter().map(|run| script(&self.journal, *run).unwrap()).collect();
        Experiment::of(asked, scripts, endpoint).unwrap()
    }

    fn run(&self, model: &Model, asked: ReplayAsked) -> (Ended, Outcome) {
        let endpoint = endpoint(model.port, Dialect::OpenAi);
        let client = self.runtime.block_on(Client::connect(&endpoint, Some("hunter2-key"), hasty())).unwrap();
        let (_keep, stop) = watch::channel(Stop::Not);
        let experiment = self.experiment(asked, &endpoint);
        let begun = experiment.begin(&self.journal).unwrap();
        experiment.run(begun, &self.journal, &client, self.runtime.handle(), stop, &mut |_| {}).unwrap()
    }

    fn facts(&self) -> Vec<Fact> {
        let kinds = vec![Kind::ReplayAsked, Kind::ReplayRan, Kind::ReplayEnded];
        let records = self.journal.read(&Query { kinds, limit: 10_000, ..Query::default() }).unwrap();
        records.iter().map(|record| record.fact().unwrap()).collect()
    }

    fn rans(&self) -> Vec<ReplayRan> {
        let ran = |fact| if let Fact::ReplayRan(ran) = fact { Some(*ran) } else { None };
        self.facts().into_iter().filter_map(ran).collect()
    }

    fn why_ended(&self) -> String {
        match self.facts().pop() {
            Some(Fact::ReplayEnded(ended)) => ended.why.raw().to_owned(),
            other => panic!("{other:?}"),
        }
    }
}

fn endpoint(port: u16, dialect: Dialect) -> Endpoint {
    let url = format!("http://127.0.0.1:{port}/v1/").parse().unwrap();
    Endpoint { name: "local".into(), url, dialect, model: None, price: None }
}

/// Short pauses and small answers; time enough for a busy machine.
fn hasty() -> Patience {
    Patience { pause: Duration::from_millis(10), tries: 3, bytes: 256 * 1024, ..Patience::default() }
}

fn arm(name: &str, prompt: Option<&str>) -> ReplayArm {
    ReplayArm { name: name.into(), prompt: prompt.map(Untrusted::from), ..ReplayArm::default() }
}

fn has_tool_answer(asked: &Asked) -> bool {
    asked.body["messages"].as_array().is_some_and(|all| all.iter().any(|message| message["role"] == "tool"))
}

#[test]
fn two_arms_are_asked_alike_answered_from_the_record_and_told_apart() {
    let lab = Lab::new(12);
    let journal = Arc::clone(&lab.journal);
    let model = Model::start(move |_, asked| {
        let kinds = vec![Kind::ReplayAsked];
        let before = journal.read(&Query { kinds, ..Query::default() }).unwrap();
        assert_eq!(before.len(), 1, "it is recorded that it was asked for before anything is sent");
        match (has_tool_answer(asked), asked.body["messages"][0]["content"].as_str()) {
            (false, _) => calls("find", "{ \"q\": 7.0 }"),
            (true, Some("Prompt 41.")) => says("In der größten Halle.", "stop"),
            (true, _) => says("In der grö", "length"),
        }
    });
    let asked = lab.asked(&[arm("prompt 41", None), arm("prompt 42", Some("Prompt 42."))], 1, 1_000_000);
    let (ended, outcome) = lab.run(&model, asked.clone());
    assert_eq!(ended, Ended::Done);
    let lines = outcome.lines();
    assert_eq!(lines[0], "with prompt 41 0 of 12 fail by how they ended, 0–26 %");
    assert_eq!(lines[1], "with prompt 42 12 of 12 fail by how they ended, 74–100 %");
    assert!(lines[2].starts_with("prompt 42 fails more often than prompt 41, by 100 points"), "{lines:?}");
    assert_eq!((outcome.arms[0].tokens_in, outcome.arms[0].tokens_out), (12 * 100, 12 * 14), "two questions each");

    let questions = model.asked();
    assert_eq!(questions.len(), 48);
    let second = questions.iter().find(|asked| has_tool_answer(asked)).unwrap();
    let told = second.body["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(told["content"], "in the größte Halle", "the recorded answer of the tool");
    assert!(second.head.starts_with("POST /v1/chat/completions "), "{}", second.head);
    assert!(second.head.to_ascii_lowercase().contains("authorization: bearer hunter2-key"), "{}", second.head);

    let rans = lab.rans();
    assert_eq!(rans.len(), 24);
    let cut = rans.iter().find(|ran| ran.arm == 1).unwrap();
    let ReplayEnd::Answered { stop, good: Some(false), why: Some(why) } = &cut.end else { panic!("{cut:?}") };
    assert!(stop.raw() == "length" && why.raw().starts_with("truncated"), "{cut:?}");
    assert!(matches!(&rans.iter().find(|ran| ran.arm == 0).unwrap().end, ReplayEnd::Answered { good: None, .. }));
    // Within one round both arms of a run are neighbours, and neither arm is always first.
    let firsts: Vec<u32> = rans.iter().step_by(2).map(|ran| ran.arm).collect();
    assert!(firsts.contains(&0) && firsts.contains(&1), "{firsts:?}");
    assert!(rans.chunks(2).all(|pair| pair[0].of == pair[1].of && pair[0].arm != pair[1].arm));
    assert!(matches!(&lab.facts()[0], Fact::ReplayAsked(first) if **first == asked));
    assert!(lab.why_ended().starts_with("done, 24 of 24 replays; with prompt 41 0 of 12"), "{}", lab.why_ended());

    let stored = std::fs::read(lab.folder.path().join("journal.db")).unwrap();
    assert!(!stored.windows(11).any(|some| some == b"hunter2-key"), "the key is nowhere in the record");
}

type Answer = Box<dyn Fn() -> Do + Send + Sync>;

#[test]
fn fault_46_every_bad_answer_is_named_with_its_raw_reason() {
    let form = |value: Value| http("200 OK", "Content-Type: application/json\r\n", &value.to_string());
    let message = move |content: Value, stop: &str| {
        form(json!({"choices": [{"message": {"content": content}, "finish_reason": stop}]}))
    };
    let cases: Vec<(&str, Answer, &str)> = vec![
        ("prose", Box::new(|| http("200 OK", "", "I think so.")), "failed no JSON"),
        (
            "a web page",
            Box::new(|| http("200 OK", "Content-Type: text/html\r\n", "<html>Gateway</html>")),
            "failed a web page",
        ),
        ("half of it", Box::new(|| http("200 OK", "", "{\"choices\":[{\"mess")), "failed no JSON"),
        ("no choices", Box::new(move || form(json!({"choices": []}))), "failed without choices"),
        ("an error", Box::new(move || form(json!({"error": {"message": "no such model"}}))), "failed no such model"),
        ("nothing", Box::new(move || message(json!(""), "stop")), "bad stop empty"),
        ("no content", Box::new(move || message(Value::Null, "stop")), "bad stop empty"),
        ("cut", Box::new(|| says("half an ans", "length")), "bad length truncated"),
        ("filtered", Box::new(|| says("", "content_filter")), "bad content_filter filtered"),
        ("refused", Box::new(|| says("I'm sorry, but I can't do that.", "stop")), "said stop refused"),
        ("an unknown tool", Box::new(|| calls("rm", "{}")), "bad tool_calls unknown tool"),
        ("bad arguments", Box::new(|| calls("find", "{\"q\":")), "bad tool_calls bad arguments"),
        ("arguments of another form", Box::new(|| calls("find", "{}")), "bad tool_calls bad arguments"),
        ("off script", Box::new(|| calls("find", "{\"q\":8}")), "off script find({\"q\":8})"),
        (
            "a broken stream",
            Box::new(|| Do::Send(format!("{STREAM}data: {{\"choices\":[]}}\n\n").into(), 9)),
            "failed broke off",
        ),
        (
            "an endless stream",
            Box::new(|| {
                Do::Forever(STREAM.into(), b"data: {\"choices\":[{\"delta\":{\"content\":\"and \"}}]}\n\n".to_vec())
            }),
            "failed longer than",
        ),
        (
            "an endless answer",
            Box::new(|| Do::Forever(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b' '; 1000])),
            "failed longer than",
        ),
        ("silence", Box::new(|| Do::Hang), "failed within"),
        ("a closed door", Box::new(|| Do::HangUp), "failed no answer"),
        (
            "busy",
            Box::new(|| http("429 Too Many Requests", "", "{\"error\":{\"message\":\"slow down\"}}")),
            "failed 429: slow down",
        ),
        ("broken", Box::new(|| http("500 Internal Server Error", "", "Internal Server Error")), "failed 500: Internal"),
        ("elsewhere", Box::new(|| http("302 Found", "Location: http://127.0.0.1:1/\r\n", "")), "failed 302"),
        ("no key", Box::new(|| http("401 Unauthorized", "", "{\"error\":\"bad key\"}")), "failed 401: bad key"),
    ];
    for (name, answer, expected) in cases {
        let lab = Lab::new(1);
        let silent = name == "silence";
        let model = Model::start(move |_, _| answer());
        let endpoint = endpoint(model.port, Dialect::OpenAi);
        let patience = if silent { Patience { answer: Duration::from_millis(300), ..hasty() } } else { hasty() };
        let client = lab.runtime.block_on(Client::connect(&endpoint, None, patience)).unwrap();
        let (_keep, stop) = watch::channel(Stop::Not);
        let experiment = lab.experiment(lab.asked(&[arm("a", None)], 1, 1_000_000), &endpoint);
        experiment
            .run(
                experiment.begin(&lab.journal).unwrap(),
                &lab.journal,
                &client,
                lab.runtime.handle(),
                stop,
                &mut |_| {},
            )
            .unwrap();
        let said = match &lab.rans()[0].end {
            ReplayEnd::Failed { why } => format!("failed {}", why.raw()),
            ReplayEnd::OffScript { asked } => format!("off script {}", asked.raw()),
            ReplayEnd::Answered { stop, good, why } => {
                let judged = if *good == Some(false) { "bad" } else { "said" };
                format!("{judged} {} {}", stop.raw(), why.as_ref().map_or("", Untrusted::raw))
            }
        };
        let (kind, words) = expected.split_once(' ').unwrap();
        assert!(said.starts_with(kind) && said.contains(words), "{name}: {said:?} is not {expected:?}");
        if matches!(name, "busy" | "broken") {
            assert_eq!(model.asked().len(), 3, "{name}: asked again, and not for ever");
        } else {
            assert_eq!(model.asked().len(), 1, "{name}: asked once");
        }
    }
}

#[test]
fn a_busy_endpoint_is_asked_again_when_it_says() {
    let lab = Lab::new(1);
    let model = Model::start(|nth, _| match nth {
        0 => http("429 Too Many Requests", "Retry-After: 1\r\n", ""),
        1 => http("503 Service Unavailable", "", ""),
        _ => says("Here.", "stop"),
    });
    let begun = std::time::Instant::now();
    let (ended, outcome) = lab.run(&model, lab.asked(&[arm("a", None)], 1, 1_000_000));
    assert_eq!((ended, outcome.arms[0].answered, model.asked().len()), (Ended::Done, 1, 3));
    assert!(begun.elapsed() >= Duration::from_secs(1), "Retry-After is honoured");

    let lab = Lab::new(1);
    let model = Model::start(|_, _| http("429 Too Many Requests", "Retry-After: 86400\r\n", "come back tomorrow"));
    lab.run(&model, lab.asked(&[arm("a", None)], 1, 1_000_000));
    assert!(matches!(&lab.rans()[0].end, ReplayEnd::Failed { why } if why.raw().contains("tomorrow")));
    assert_eq!(model.asked().len(), 1, "nobody waits for a day");
}

#[test]
fn the_budget_is_never_overrun() {
    let lab = Lab::new(6);
    let model = Model::start(|_, _| says("Here.", "stop"));
    // A question of some 700 bytes and an answer of at most 2048 tokens are taken for that many; each then costs 57.
    let (ended, outcome) = lab.run(&model, lab.asked(&[arm("a", None)], 20, 3_000));
    assert_eq!(ended, Ended::BudgetSpent);
    assert!(outcome.arms[0].answered >= 1 && outcome.arms[0].answered < 40, "{outcome:?}");
    assert!(outcome.arms[0].tokens_in + outcome.arms[0].tokens_out <= 3_000, "{outcome:?}");
    assert_eq!(model.asked().len() as u64, outcome.arms[0].answered, "nothing is sent that might not fit");
    assert!(lab.why_ended().contains("budget"), "{}", lab.why_ended());
}

#[test]
fn an_endpoint_that_is_gone_is_left_alone() {
    let lab = Lab::new(9);
    let model = Model::start(|_, _| http("401 Unauthorized", "", "no"));
    let (ended, outcome) = lab.run(&model, lab.asked(&[arm("a", None)], 1, 1_000_000));
    assert_eq!((ended, outcome.arms[0].failed, model.asked().len()), (Ended::EndpointGone, 3, 3));
    assert_eq!(outcome.arms[0].share, None, "no answer, no share");
}

#[test]
fn what_cannot_be_recorded_is_not_sent() {
    let lab = Lab::new(1);
    let model = Model::start(|_, _| says("Here.", "stop"));
    let endpoint = endpoint(model.port, Dialect::OpenAi);
    let client = lab.runtime.block_on(Client::connect(&endpoint, None, hasty())).unwrap();
    let full = Arc::new(Failing::over(Arc::clone(&lab.journal)));
    full.fill();
    let journal: SharedJournal = full;
    let (_keep, stop) = watch::channel(Stop::Not);
    let experiment = lab.experiment(lab.asked(&[arm("a", None)], 1, 1_000_000), &endpoint);
    let run = |journal: &SharedJournal| {
        experiment.run(experiment.begin(journal)?, journal, &client, lab.runtime.handle(), stop.clone(), &mut |_| {})
    };
    let words = format!("{:#}", run(&journal).unwrap_err());
    assert!(words.contains("cannot be recorded"), "{words}");
    assert_eq!(model.asked().len(), 0);
    // And the same experiment is not begun twice.
    run(&lab.journal).unwrap();
    assert!(run(&lab.journal).unwrap_err().to_string().contains("begun before"));
    assert_eq!(model.asked().len(), 1);
}

#[test]
fn anthropic_is_asked_in_its_own_words() {
    let lab = Lab::new(1);
    let model = Model::start(|nth, _| {
        let body = if nth == 0 {
            json!({"content": [{"type": "tool_use", "id": "t", "name": "find", "input": {"q": 7}}], "stop_reason": "tool_use"})
        } else {
            json!({"content": [{"type": "text", "text": "There."}], "stop_reason": "end_turn",
                "usage": {"input_tokens": 5, "output_tokens": 2}})
        };
        http("200 OK", "Content-Type: application/json\r\n", &body.to_string())
    });
    let endpoint = endpoint(model.port, Dialect::Anthropic);
    let client = lab.runtime.block_on(Client::connect(&endpoint, Some("k-1"), hasty())).unwrap();
    let (_keep, stop) = watch::channel(Stop::Not);
    let experiment = lab.experiment(lab.asked(&[arm("a", None)], 1, 1_000_000), &endpoint);
    experiment
        .run(experiment.begin(&lab.journal).unwrap(), &lab.journal, &client, lab.runtime.handle(), stop, &mut |_| {})
        .unwrap();
    let ran = &lab.rans()[0];
    assert_eq!(ran.end, ReplayEnd::Answered { stop: "end_turn".into(), good: None, why: None });
    assert_eq!(ran.tokens_in, None, "the first answer did not say what it cost");
    let head = model.asked()[0].head.to_ascii_lowercase();
    assert!(head.starts_with("post /v1/v1/messages ") && head.contains("x-api-key: k-1"), "{head}");
    assert!(head.contains("anthropic-version: 2023-06-01") && !head.contains("authorization"), "{head}");
}

/// A house with an incident of `assistant` and three runs of it, and `[[endpoint]]` local at `port`.
fn lived_in(port: u16) -> House {
    let house = House::new();
    house.configure(&format!(
        "[[endpoint]]\nname = \"local\"\nurl = \"http://127.0.0.1:{port}/v1\"\nkind = \"openai\"\n"
    ));
    let mut server = house.serve();
    for run in 1..=3 {
        let trace = format!("{run:032x}");
        let chat = [
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.request.model", "large"),
            ("gen_ai.input.messages", TOLD),
            ("gen_ai.output.messages", r#"[{"role":"assistant","content":"{\"half"}]"#),
            ("gen_ai.response.finish_reasons", "stop"),
        ];
        let spans = [bodies::span(&trace, "00000000000000a1", "", "chat large", &chat)];
        let answer = server.post("/v1/traces", &bodies::spans("assistant", &spans)).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let alert = bodies::alert("JudgeScoreLow", "assistant", &[], &bodies::ago(1), "0001-01-01T00:00:00Z");
    assert_eq!(server.post("/alertmanager", &bodies::webhook(&[alert])).unwrap().status / 100, 2);
    wait_until("an incident", || house.entries().iter().any(|entry| entry.kind == "diagnosed"));
    assert!(server.terminate().success());
    house
}

const COMMAND: [&str; 9] = [
    "replay",
    "--incident",
    "INC-1",
    "--endpoint",
    "local",
    "--arm",
    "name=as it was",
    "--arm",
    "name=short,prompt=Be short.",
];

#[test]
fn the_command_shows_what_it_would_cost_before_it_begins_and_what_came_of_it() {
    let model = Model::start(|_, asked| match asked.body["messages"][0]["content"].as_str() {
        Some("Be short.") => says("Here.", "stop"),
        _ => says("", "stop"),
    });
    let house = lived_in(model.port);
    let shown = house.run(&COMMAND);
    let words = String::from_utf8_lossy(&shown.stderr).into_owned();
    assert_eq!(shown.status.code(), Some(0), "{words}");
    assert!(
        words.contains(&format!("http://127.0.0.1:{0}/v1/chat/completions (127.0.0.1:{0})", model.port)),
        "{words}"
    );
    assert!(words.contains("6 replays in 2 arms, at most 192 questions"), "{words}");
    assert!(words.contains("at most 200000 tokens") && words.contains("Nothing was sent"), "{words}");
    assert_eq!(model.asked().len(), 0);
    assert!(!house.entries().iter().any(|entry| entry.kind.starts_with("replay")), "nothing is recorded of it");

    let told = house.json(&[&COMMAND[..], &["--yes", "--json"]].concat());
    assert_eq!(told["ended"], "done", "{told}");
    assert_eq!((&told["outcome"]["arms"][0]["bad"], &told["outcome"]["arms"][1]["bad"]), (&json!(3), &json!(0)));
    assert_eq!(told["outcome"]["arms"][0]["answered"], 3);
    let kinds: Vec<&str> =
        house.entries().iter().map(|entry| entry.kind).filter(|kind| kind.starts_with("replay")).collect();
    assert_eq!((kinds.first(), kinds.last(), kinds.len()), (Some(&"replay_asked"), Some(&"replay_ended"), 8));

    let unknown = house.run(&["replay", "--incident", "1", "--endpoint", "other", "--arm", "name=a"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no endpoint other (it has local)"));
    assert_eq!(
        house.run(&["replay", "--incident", "1", "--endpoint", "local", "--arm", "colour=red"]).status.code(),
        Some(64)
    );
}

#[test]
fn the_doctor_says_whether_an_endpoint_answers_and_sends_nothing_that_was_recorded() {
    let found = |model: &Model, more: &str| {
        let house = lived_in(model.port);
        house.configure(&format!(
            "[[endpoint]]\nname = \"local\"\nurl = \"http://127.0.0.1:{}/v1\"\nkind = \"openai\"\n{more}",
            model.port
        ));
        let out = house.command(&["doctor", "--json"]).env("LAB_KEY", "hunter2-key").output().unwrap();
        let told: Value = serde_json::from_slice(&out.stdout).unwrap();
        let check = told["checks"].as_array().unwrap().iter().find(|check| check["what"] == "endpoint").cloned();
        assert!(!String::from_utf8_lossy(&out.stdout).contains("hunter2"), "the key is not told");
        let check = check.expect("it is checked");
        (check["state"].as_str().unwrap().to_owned(), check["found"].as_str().unwrap().to_owned())
    };
    let list = r#"{"object":"list","data":[{"id":"small"},{"id":"large"}]}"#;
    let model = Model::start(move |_, _| http("200 OK", "Content-Type: application/json\r\n", list));
    let (state, words) = found(&model, "key = { env = \"LAB_KEY\" }\nmodel = \"small\"\n");
    assert!(state == "good" && words.contains("answers, 2 models"), "{state} {words}");
    let asked = model.asked();
    assert!(asked.iter().all(|asked| asked.head.starts_with("GET /v1/models ") && asked.body.is_null()), "{asked:?}");
    assert!(asked[0].head.to_ascii_lowercase().contains("authorization: bearer hunter2-key"));
    let (state, words) = found(&model, "model = \"huge\"\n");
    assert!(state == "note" && words.contains("does not list the model huge"), "{state} {words}");
    let model = Model::start(|_, _| http("401 Unauthorized", "", "{\"error\":\"bad key\"}"));
    let (state, words) = found(&model, "");
    assert!(state == "bad" && words.contains("does not take the key") && words.contains("bad key"), "{state} {words}");
    let model = Model::start(|_, _| http("404 Not Found", "", "no"));
    let (state, words) = found(&model, "");
    assert!(state == "note" && words.contains("whether it takes the key is not known"), "{state} {words}");
    let model = Model::start(|_, _| Do::HangUp);
    let (state, words) = found(&model, "");
    assert!(state == "bad" && words.starts_with("local: "), "{state} {words}");
}

#[test]
fn ctrl_c_ends_it_at_once_and_says_so_in_the_record() {
    let model = Model::start(|_, _| Do::Hang);
    let house = lived_in(model.port);
    let mut child = house
        .command(&[&COMMAND[..], &["--yes"]].concat())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    wait_until("a question", || !model.asked().is_empty());
    send_signal(child.id(), rustix::process::Signal::INT);
    wait_until("the end", || child.try_wait().unwrap().is_some());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let ended = house.entries().pop().unwrap();
    assert_eq!(ended.kind, "replay_ended");
    assert!(ended.body["why"].as_str().unwrap().starts_with("cancelled by "), "{ended:?}");
}

/// Against a real small model: `WARROOM_TEST_LLM=http://127.0.0.1:18083/v1/` with `python -m llama_cpp.server --model
/// SmolLM2-135M-Instruct.Q4_1.gguf --host 127.0.0.1 --port 18083 --n_threads 1 --n_ctx 2048`.
#[test]
#[ignore = "needs a llama-cpp server: see the comment"]
fn a_real_small_model_answers() {
    let url = std::env::var("WARROOM_TEST_LLM").expect("WARROOM_TEST_LLM names the server");
    let lab = Lab::new(1);
    let endpoint =
        Endpoint { name: "real".into(), url: url.parse().unwrap(), dialect: Dialect::OpenAi, model: None, price: None };
    let client = lab.runtime.block_on(Client::connect(&endpoint, None, Patience::default())).unwrap();
    let (_keep, stop) = watch::channel(Stop::Not);
    let bare = ReplayArm { name: "no tools".into(), tools: Some("[]".into()), ..ReplayArm::default() };
    let experiment = lab.experiment(lab.asked(&[bare], 2, 100_000), &endpoint);
    let (ended, outcome) = experiment
        .run(experiment.begin(&lab.journal).unwrap(), &lab.journal, &client, lab.runtime.handle(), stop, &mut |_| {})
        .unwrap();
    assert_eq!((ended, outcome.arms[0].answered), (Ended::Done, 2), "{:?}", lab.rans());
    assert!(lab.rans().iter().all(|ran| !ran.said.is_empty()), "{:?}", lab.rans());
}
