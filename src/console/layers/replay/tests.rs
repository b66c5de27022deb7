use insta::assert_snapshot;

use crate::console::errand::{Errand, Found};
use crate::console::fixture::{Bench, at, incident, view};
use crate::console::model::{Effect, Msg};
use crate::engine::view::{Drawn, IncidentView, ReadingView, ReplayView, RunLine};
use crate::event::{IncidentId, Person, ReplayArm, ReplayAsked, SampleOf, Seq, TokenPrice, TraceId, Untrusted};
use crate::response::replay::{
    ArmOutcome, Bounds, Difference, Moved, News, Offer, Order, Outcome, Pin, Ready, Share, Survey,
};
use crate::surface::sample::{Answer, Labels};

fn line(n: u8, bad: bool) -> RunLine {
    RunLine {
        trace: TraceId([n; 16]),
        at: at(100 + i64::from(n)),
        agent: "support-assistant".into(),
        duration_ms: 900,
        stop: "complete".into(),
        bad: bad.then(|| "judge: fail".into()),
        model_calls: 1,
        tool_calls: 1,
        tokens_in: None,
        tokens_out: None,
    }
}

/// Twelve runs since, of which eight failed, and twelve before.
fn runs() -> IncidentView {
    let mut one = incident(42, 0);
    one.runs.items = (0..12).map(|n| line(n, n < 8)).collect();
    let drawn = |n: u8| Drawn { trace: TraceId([n; 16]), before: n >= 12, said: Vec::new() };
    one.reading = Some(ReadingView {
        sample: SampleOf { moment: at(0), from: at(-900), until: at(900), seed: 42, slice: None },
        runs: (12, 12),
        drawn: (0..24).map(drawn).collect(),
        before: Labels::default(),
        since: Labels::default(),
        rate_before: None,
        rate_since: None,
        answer: Answer::NotYet { more: 10 },
        words: String::new(),
        disagreements: 0,
        differ: Vec::new(),
        agreement: None,
        slices: Vec::new(),
        readers: Vec::new(),
        left_out: 0,
    });
    one
}

fn moved() -> Survey {
    let prompt = Moved {
        pin: Pin::Prompt,
        before: "You are the support assistant.\nRefunds: within 24 hours.".into(),
        since: "You are the support assistant.".into(),
        runs: (12, 12),
    };
    Survey { moved: vec![prompt], read: (12, 8), cannot: None }
}

fn bench(columns: u16, rows: u16, one: IncidentView) -> Bench {
    let mut bench = Bench::new(columns, rows, view(10, vec![one]));
    bench.model.endpoints = vec![
        Offer { name: "lab".into(), url: "http://127.0.0.1:8080/v1/".into(), model: None },
        Offer { name: "other".into(), url: "https://api.example.com/v1/".into(), model: Some("small".into()) },
    ];
    bench
}

/// The form with what the runs said.
fn chosen(columns: u16, rows: u16) -> Bench {
    let mut bench = bench(columns, rows, runs());
    bench.press("R");
    bench.send(Msg::Found(Box::new(Found::Survey(IncidentId(42), moved()))));
    bench
}

fn errands(bench: &Bench) -> Vec<&Errand> {
    let errands = bench.effects.iter().filter_map(|effect| match effect {
        Effect::Errand(errand) => Some(&**errand),
        _ => None,
    });
    errands.collect()
}

fn order(bench: &Bench) -> Order {
    match errands(bench).last() {
        Some(Errand::Prepare(order)) => Order::clone(order),
        other => panic!("{other:?}"),
    }
}

fn ready(order: &Order) -> Ready {
    Ready {
        asked: ReplayAsked {
            replay: 7,
            incident: order.incident,
            by: Person { login: "ana".into(), known_by: "uid".into(), session: "1".into() },
            endpoint: order.endpoint.as_str().into(),
            arms: order.arms.clone(),
            runs: order.pool.clone(),
            times: order.times,
            budget_tokens: order.budget,
            price: Some(TokenPrice { input: 3.0, output: 15.0 }),
        },
        destination: "http://127.0.0.1:8080/v1/chat/completions (127.0.0.1:8080)".into(),
        models: vec!["chat-large".into()],
        bounds: Bounds { replays: 16, questions: 512, tokens: order.budget, expected: Some(43_000) },
        left_out: None,
    }
}

/// All of it is on the screen and waits for the last word.
fn asked(columns: u16, rows: u16) -> Bench {
    let mut bench = chosen(columns, rows);
    bench.press("enter");
    let order = order(&bench);
    let ready = ready(&order);
    bench.send(Msg::Found(Box::new(Found::Ready(Box::new(order), Ok(Box::new(ready))))));
    bench
}

fn share(at: f64, low: f64, high: f64) -> Share {
    Share { at, low, high }
}

fn running(done: u64, ended: bool) -> ReplayView {
    let arm = |name: &str, bad, share: Share| ArmOutcome {
        name: name.into(),
        ended: done / 2,
        answered: done / 2,
        bad,
        runs: done / 2,
        tokens_in: 2_000,
        tokens_out: 400,
        cost: Some(0.012),
        share: Some(share),
        ..ArmOutcome::default()
    };
    let mut recorded = arm("as recorded", 6, share(0.75, 0.35, 0.97));
    recorded.off_script = 1;
    ReplayView {
        replay: 7,
        seq: Seq(9),
        at: at(310),
        by: "ana".into(),
        endpoint: "lab".into(),
        runs: 8,
        times: 1,
        of: 16,
        budget: 200_000,
        pins: vec![Untrusted::default(), "prompt of 57 characters".into()],
        outcome: Outcome {
            arms: vec![recorded, arm("prompt as before", 0, share(0.0, 0.0, 0.37))],
            differences: vec![Difference {
                arm: "prompt as before".into(),
                more_often: Share { at: -0.75, low: -0.97, high: -0.2 },
                needed: None,
            }],
        },
        latest: Some(at(320)),
        ended: ended.then(|| (at(330), "done, 16 of 16 replays; with as recorded 6 of 8 fail".into())),
    }
}

#[test]
fn nothing_is_asked_of_the_lab_but_what_the_runs_had_before_somebody_says_more() {
    let mut bench = chosen(120, 40);
    let [Errand::Survey { incident, before, since }] = &errands(&bench)[..] else { panic!("{:?}", errands(&bench)) };
    assert_eq!((incident.0, before.len(), since.len()), (42, 12, 8));
    bench.press("esc");
    assert!(bench.model.layers.is_empty() && errands(&bench).len() == 1);
}

#[test]
fn the_discriminating_experiment_is_proposed_and_can_be_changed_by_keys_alone() {
    let mut bench = chosen(120, 40);
    bench.press("enter");
    let proposed = order(&bench);
    let names: Vec<&str> = proposed.arms.iter().map(|arm| arm.name.raw()).collect();
    assert_eq!(names, ["as recorded", "prompt as before"]);
    assert!(proposed.arms[1].prompt.as_ref().is_some_and(|prompt| prompt.raw().contains("24 hours")));
    assert_eq!((proposed.endpoint.as_str(), proposed.runs, proposed.times, proposed.budget), ("lab", 8, 1, 200_000));
    assert_eq!(proposed.pool.len(), 8, "those that failed since");

    let mut bench = chosen(120, 40);
    // Another endpoint, all runs since, three of them, twice, half the budget; the old prompt off, another model on.
    bench.press("right down right down ctrl-u 3 down ctrl-u 2 down ctrl-u");
    bench.type_in("1e00000x");
    bench.press("down down space down");
    bench.type_in("small-2");
    bench.press("enter");
    let changed = order(&bench);
    let arms: Vec<_> =
        changed.arms.iter().map(|arm| (arm.name.raw(), arm.model.as_ref().map(Untrusted::raw))).collect();
    assert_eq!(arms, [("as recorded", None), ("model small-2", Some("small-2"))]);
    assert_eq!((changed.endpoint.as_str(), changed.runs, changed.times), ("other", 3, 2));
    assert_eq!((changed.budget, changed.pool.len()), (100_000, 12), "letters are no digits");
}

#[test]
fn a_run_under_the_cursor_is_taken_alone_and_often() {
    let mut bench = bench(120, 40, runs());
    bench.press("6 R enter");
    let order = order(&bench);
    assert_eq!((order.pool.len(), order.runs, order.times), (1, 1, 10));
}

#[test]
fn what_is_wrong_with_the_form_is_said_and_nothing_is_asked() {
    for (keys, typed, word) in [
        ("down down ctrl-u", "", "runs must be a number"),
        ("down down down ctrl-u", "0", "times must be a number"),
        ("down down down down down space down space", "", "at least one arm"),
        ("up", "9", "between 0 and 2"),
    ] {
        let mut bench = chosen(120, 40);
        bench.press(keys);
        bench.type_in(typed);
        bench.press("enter");
        assert!(bench.screen().contains(word), "{word}: {}", bench.screen());
        assert!(!errands(&bench).iter().any(|errand| matches!(errand, Errand::Prepare(_))));
    }
    // What the lab says is wrong is said in the form too, and the form is as it was.
    let mut bench = chosen(120, 40);
    bench.press("enter");
    let refused = Err("the name lab.example cannot be looked up".into());
    let order = order(&bench);
    bench.send(Msg::Found(Box::new(Found::Ready(Box::new(order), refused))));
    assert!(bench.screen().contains("cannot be looked up") && bench.screen().contains("prompt as before"));
}

#[test]
fn it_begins_only_by_yes_on_a_page_that_was_seen_whole() {
    let begun = |bench: &Bench| errands(bench).iter().filter(|errand| matches!(errand, Errand::Begin(_))).count();
    let mut bench = asked(120, 40);
    bench.press("y");
    assert_eq!(begun(&bench), 0, "typed before it could be seen");
    bench.paint_and_wait(500);
    bench.press("enter");
    assert_eq!(begun(&bench), 0, "enter is no");
    assert!(bench.screen().contains("Nothing was sent."), "{}", bench.screen());

    let mut bench = asked(120, 40);
    bench.paint_and_wait(500);
    let screen = bench.screen();
    for word in [
        "http://127.0.0.1:8080/v1/chat/completions (127.0.0.1:8080)",
        "at most 512 questions",
        "at most 200000 tokens, at most 3.00 in money; about 43000 if",
        "chat-large",
        "what users wrote",
    ] {
        assert!(screen.contains(word), "{word}: {screen}");
    }
    bench.send(Msg::Paste("y".to_owned()));
    assert_eq!(begun(&bench), 0, "pasted text begins nothing");
    bench.press("y");
    assert_eq!(begun(&bench), 1);
    bench.press("y y");
    assert_eq!(begun(&bench), 1, "once");

    // On a small screen its end has to be seen first.
    let mut bench = asked(80, 16);
    bench.paint_and_wait(500);
    bench.press("y");
    assert_eq!(begun(&bench), 0, "{}", bench.screen());
    bench.press("G");
    bench.paint_and_wait(500);
    bench.press("y");
    assert_eq!(begun(&bench), 1, "{}", bench.screen());
}

#[test]
fn an_answer_to_another_order_is_not_taken_for_this_one() {
    let mut bench = chosen(120, 40);
    bench.press("enter");
    let old = order(&bench);
    bench.press("esc down down");
    bench.type_in("0");
    bench.press("enter");
    let ready = ready(&old);
    bench.send(Msg::Found(Box::new(Found::Ready(Box::new(old), Ok(Box::new(ready))))));
    assert!(!bench.screen().contains("Send this?"), "{}", bench.screen());
}

#[test]
fn one_that_runs_is_watched_goes_on_when_closed_and_is_stopped_by_its_key() {
    let mut bench = asked(120, 40);
    bench.paint_and_wait(500);
    bench.press("y");
    bench.send(Msg::Found(Box::new(Found::Begun(IncidentId(42), 7, Ok("the replay has begun: 16 replays".into())))));
    assert!(bench.screen().contains("INC-42: the replay has begun"), "{}", bench.screen());
    let mut one = runs();
    one.replays = vec![running(16, false)];
    bench.send(Msg::View(view(12, vec![one.clone()])));
    let screen = bench.screen();
    assert!(screen.contains("6 of 8, 35 to 97 %") && screen.contains("1 went off script"), "{screen}");
    let busy = News::Busy(std::time::Duration::from_millis(11_200), "it answered 429: slow down".into());
    bench.send(Msg::Found(Box::new(Found::News(IncidentId(42), 7, busy))));
    assert!(bench.screen().contains("asked again in 12 s: it answered 429: slow down"), "{}", bench.screen());
    bench.press("esc");
    assert!(bench.model.layers.is_empty() && bench.screen().contains("The replay goes on; R shows it."));
    assert!(!errands(&bench).iter().any(|errand| matches!(errand, Errand::Stop(..))), "closing stops nothing");
    bench.press("R x");
    assert!(matches!(errands(&bench).last(), Some(Errand::Stop(IncidentId(42), 7))));

    one.replays = vec![running(16, true)];
    bench.send(Msg::View(view(13, vec![one])));
    let screen = bench.screen();
    assert!(
        screen.contains("done, 16 of 16 replays") && screen.contains("fails less often than as recorded"),
        "{screen}"
    );
    bench.press("x");
    assert!(bench.screen().contains("It has ended already."));
    bench.press("R");
    assert!(bench.screen().contains("which runs"), "another one: {}", bench.screen());
}

#[test]
fn without_an_endpoint_it_says_what_to_write() {
    let mut bench = Bench::new(100, 30, view(10, vec![runs()]));
    bench.press("R");
    assert!(errands(&bench).is_empty());
    assert_snapshot!("no_endpoint", bench.screen());
    bench.press("enter");
    assert!(bench.model.layers.is_empty());
    let mut bench = Bench::new(100, 30, view(10, vec![incident(42, 0)]));
    bench.press("R");
    assert!(bench.model.layers.is_empty() && bench.screen().contains("nothing to run again"));
}

#[test]
fn fault_20_hostile_prompts_names_and_answers_are_shown_and_never_obeyed() {
    let hostile = "fine\u{1b}[2J\u{202e}evil";
    let mut bench = bench(100, 30, runs());
    bench.press("R");
    let mut survey = moved();
    survey.moved[0].before = hostile.into();
    survey.cannot = Some(hostile.into());
    bench.send(Msg::Found(Box::new(Found::Survey(IncidentId(42), survey))));
    let form = bench.screen();
    bench.press("enter");
    let order = order(&bench);
    let mut made = ready(&order);
    made.models = vec![hostile.into()];
    made.asked.arms.push(ReplayArm { name: hostile.into(), prompt: Some(hostile.into()), ..ReplayArm::default() });
    bench.send(Msg::Found(Box::new(Found::Ready(Box::new(order), Ok(Box::new(made))))));
    let sure = bench.screen();
    let mut one = runs();
    let mut run = running(16, true);
    run.outcome.arms[0].name = hostile.into();
    run.ended = Some((at(330), hostile.into()));
    run.endpoint = hostile.into();
    one.replays = vec![run];
    bench.press("esc");
    bench.send(Msg::View(view(12, vec![one])));
    bench.model.layers.clear();
    bench.press("6");
    let pane = bench.screen();
    for screen in [form, sure, pane] {
        assert!(!screen.contains('\u{1b}') && !screen.contains('\u{202e}'), "{screen}");
        assert!(screen.contains("202E"), "{screen}");
    }
}

#[test]
fn pages() {
    for (columns, rows) in [(80, 24), (100, 30), (160, 50)] {
        let mut bench = chosen(columns, rows);
        assert_snapshot!(format!("form_{columns}"), bench.screen());
        bench = asked(columns, rows);
        bench.paint_and_wait(500);
        assert_snapshot!(format!("sure_{columns}"), bench.screen());
        let mut one = runs();
        one.replays = vec![running(16, false)];
        let mut bench = self::bench(columns, rows, one);
        bench.press("R");
        assert_snapshot!(format!("running_{columns}"), bench.screen());
    }
}
