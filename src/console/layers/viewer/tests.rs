//! An opened run by its keys: the cursor, the search, a step, a step beside a good one.

use crate::console::details::{Detail, Want};
use crate::console::fixture::{Bench, at, incident, view};
use crate::console::model::{Effect, Msg};
use crate::engine::view::{Bounded, Mark, RunDetail, RunLine, Step, Suspicion};
use crate::event::{Seq, SpanId, TraceId};

const TRACE: TraceId = TraceId([7; 16]);

fn line() -> RunLine {
    RunLine {
        trace: TRACE,
        at: at(10),
        agent: "support-assistant".into(),
        duration_ms: 900,
        stop: "claimed done".into(),
        bad: Some("judge: fail".into()),
        model_calls: 1,
        tool_calls: 300,
        tokens_in: None,
        tokens_out: None,
    }
}

/// A run of so many steps; step 120 is marked, every hundredth asks for a refund.
fn run(steps: u16) -> RunDetail {
    let step = |nth: u16| Step {
        span: SpanId(u64::from(nth + 1).to_be_bytes()),
        depth: 0,
        kind: "tool".into(),
        name: "find".into(),
        what: format!("find({nth})").into(),
        offset_ms: u64::from(nth),
        duration_ms: 1,
        suspicious: (nth == 120)
            .then(|| Suspicion { rule: Mark::EmptyResult, why: "the tool answered nothing".into() }),
        failed: false,
        retry: 0,
        tokens: (None, None),
        cost: None,
        fields: vec![
            ("nth".into(), format!("{nth}").into()),
            ("arguments".into(), if nth % 100 == 50 { "{\"about\":\"a Refund\"}" } else { "{}" }.into()),
        ],
    };
    RunDetail {
        line: line(),
        rule: "the answer claims success".into(),
        provider: vec!["stop".into()],
        cost: None,
        retries: 0,
        steps: (0..steps).map(step).collect(),
        turns: Vec::new(),
        read: Vec::new(),
        cut: false,
    }
}

/// The run, opened.
fn opened(steps: u16) -> Bench {
    let mut one = incident(42, 0);
    one.runs = Bounded { items: vec![line()], hidden: 0 };
    let mut bench = Bench::new(100, 30, view(10, vec![one]));
    bench.press("6 enter");
    bench.send(Msg::Fetched(Want::Run(TRACE), Seq(10), Ok(Detail::Run(Box::new(run(steps))))));
    bench
}

/// The row under the cursor.
fn under(bench: &Bench) -> String {
    let styled = bench.styled();
    let mut rows = styled.lines().zip(styled.lines().skip(1));
    let row = rows.find(|(row, style)| style.contains("reversed") && row.contains("find("));
    row.map_or_else(|| panic!("no cursor on a step: {styled}"), |(row, _)| row.to_owned())
}

#[test]
fn the_cursor_lands_on_the_marked_step_and_enter_opens_it() {
    let mut bench = opened(300);
    assert!(under(&bench).contains("find(120)"), "{}", bench.styled());
    assert!(bench.screen().contains("empty result: the tool answered nothing"), "{}", bench.screen());
    bench.press("j");
    assert!(under(&bench).contains("find(121)"));
    bench.press("g g");
    assert!(
        under(&bench).contains("find(0)") && bench.screen().contains("ended as claimed done"),
        "{}",
        bench.screen()
    );
    bench.press("G k n");
    assert!(under(&bench).contains("find(298)"), "there is no marked step after it");
    bench.press("N");
    assert!(under(&bench).contains("find(120)"), "and one before it");
    bench.press("ctrl-f ctrl-f ctrl-b");
    assert!(under(&bench).contains("find("), "the cursor stays on the screen");
    bench.press("g g n enter");
    let shown = bench.screen();
    assert!(
        shown.contains("Step 0000000000000079") && shown.contains("marked by the rule \"empty result\""),
        "{shown}"
    );
    bench.press("esc");
    assert!(under(&bench).contains("find(120)"), "back where it was");
}

#[test]
fn an_opened_run_or_step_is_run_again_by_its_key() {
    let mut bench = opened(300);
    bench.press("R");
    assert!(bench.screen().contains("Run recorded runs of INC-42 again"), "{}", bench.screen());
    bench.press("esc enter R");
    assert!(bench.screen().contains("Run recorded runs of INC-42 again"), "{}", bench.screen());
    bench.press("esc");
    assert!(bench.screen().contains("Step "), "back where it was: {}", bench.screen());
}

#[test]
fn words_are_found_in_every_field_of_every_step_and_n_goes_on() {
    let mut bench = opened(300);
    bench.press("g g /");
    bench.type_in("refund");
    assert!(bench.screen().contains("/refund"), "{}", bench.screen());
    bench.press("enter");
    let shown = bench.screen();
    assert!(under(&bench).contains("find(50)") && shown.contains("hit 1 of 3 for refund"), "{shown}");
    assert!(shown.contains("arguments: {\"about\":\"a Refund\"}"), "where it was found is said: {shown}");
    let styled = bench.styled();
    let at = styled.lines().position(|row| row.contains("a Refund")).expect("the hit");
    assert!(styled.lines().nth(at + 1).is_some_and(|style| style.contains("underlined")), "it is set off: {styled}");
    bench.press("n");
    assert!(under(&bench).contains("find(150)"));
    bench.press("n n");
    assert!(under(&bench).contains("find(50)"), "round again");
    bench.press("N");
    assert!(under(&bench).contains("find(250)"));
    // Words that are nowhere say so; none end the search.
    bench.press("/");
    bench.type_in("nowhere");
    bench.press("enter");
    assert!(bench.screen().contains("Nothing here holds \"nowhere\""), "{}", bench.screen());
    bench.press("/ enter");
    assert!(!bench.screen().contains(" hit "), "{}", bench.screen());
    bench.press("/");
    bench.type_in("x");
    bench.press("esc");
    assert!(!bench.screen().contains(" hit ") && bench.screen().contains("waterfall"), "{}", bench.screen());
    // In another way of looking the lines are looked through.
    bench.press("t t /");
    bench.type_in("REFUND");
    bench.press("enter n");
    assert!(bench.screen().contains("hit 2 of 2"), "{}", bench.screen());
}

#[test]
fn one_key_holds_a_step_against_a_good_run_and_the_runs_are_read_for_it_once_more() {
    let mut bench = opened(300);
    bench.effects.clear();
    bench.press("d");
    assert!(
        bench.screen().contains("held against a good run") && bench.screen().contains("Reading"),
        "{}",
        bench.screen()
    );
    let asked = |bench: &Bench| bench.effects.iter().filter(|one| matches!(one, Effect::Fetch(Want::Runs, _))).count();
    assert_eq!(asked(&bench), 1);
    let empty = crate::surface::RunTable::default();
    bench.send(Msg::Fetched(Want::Runs, Seq(10), Ok(Detail::Runs(Box::new(empty)))));
    assert!(bench.screen().contains("No earlier good run of this agent is known"), "{}", bench.screen());
    bench.press("q");
    assert_eq!(asked(&bench), 1);
    bench.press("d");
    assert_eq!(asked(&bench), 2, "opened again it is of now");
}

#[test]
fn what_is_compared_is_typed_at_the_foot() {
    let mut bench = Bench::new(100, 30, view(10, vec![incident(42, 0)]));
    bench.press("D");
    let table = crate::surface::RunTable::default();
    bench.send(Msg::Fetched(Want::Runs, Seq(10), Ok(Detail::Runs(Box::new(table)))));
    assert!(bench.screen().contains("No agent run was seen"), "{}", bench.screen());
    bench.press("c");
    assert!(bench.screen().contains("compare before | since"), "{}", bench.screen());
    bench.press("ctrl-u");
    bench.type_in("now");
    bench.press("enter");
    assert!(bench.screen().contains("Two choices with a | between them"), "{}", bench.screen());
    bench.type_in(" | -15m");
    bench.press("enter");
    assert!(bench.screen().contains("What runs are made of: now | -15m"), "{}", bench.screen());
    bench.press("esc S");
    assert!(bench.screen().contains("How runs ended"), "{}", bench.screen());
}
