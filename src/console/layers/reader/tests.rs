use insta::assert_snapshot;

use crate::console::details::{Detail, Want};
use crate::console::fixture::{Bench, at, incident, view};
use crate::console::model::Msg;
use crate::engine::view::{Drawn, IncidentView, ReadingView, RunDetail, RunLine, SliceView, Step, Turn, ValueView};
use crate::event::{OutputLabel, SampleOf, Seq, SpanId, TraceId};
use crate::response::Act;
use crate::surface::sample::{Agreement, Answer, Labels};

fn read(runs: u8) -> IncidentView {
    let mut one = incident(42, 0);
    let drawn = (0..runs).map(|n| Drawn { trace: TraceId([n; 16]), before: n % 2 == 0, said: Vec::new() });
    let (before, since) = (Labels { good: 19, bad: 1, unsure: 2 }, Labels { good: 9, bad: 9, unsure: 0 });
    one.reading = Some(ReadingView {
        sample: SampleOf { moment: at(0), from: at(-900), until: at(900), seed: 42, slice: None },
        runs: (60, 40),
        drawn: drawn.collect(),
        before,
        since,
        rate_before: before.rate(),
        rate_since: since.rate(),
        answer: Answer::Worse,
        words: Answer::Worse.words(),
        disagreements: 1,
        differ: Vec::new(),
        agreement: None,
        slices: Vec::new(),
        readers: vec!["ana".into(), "ben".into()],
        left_out: 0,
    });
    one
}

fn output(trace: TraceId, answer: &str) -> Detail {
    let turn = |role: &str, text: &str| Turn { role: role.into(), text: text.into() };
    let tool = |name: &str| Step {
        span: SpanId([1; 8]),
        depth: 1,
        kind: "tool".into(),
        name: name.into(),
        what: format!("{name}({{\"booking\": 1}})").into(),
        offset_ms: 0,
        duration_ms: 5,
        suspicious: None,
        failed: true,
        retry: 0,
        tokens: (None, None),
        cost: None,
        fields: Vec::new(),
    };
    Detail::Run(Box::new(RunDetail {
        line: RunLine {
            trace,
            at: at(-100),
            agent: "support-assistant".into(),
            duration_ms: 900,
            stop: "claimed done".into(),
            bad: Some("judge: fail".into()),
            model_calls: 1,
            tool_calls: 3,
            tokens_in: None,
            tokens_out: None,
        },
        rule: "the answer claims success".into(),
        provider: vec!["stop".into()],
        cost: None,
        retries: 0,
        cut: false,
        steps: vec![tool("get_order"), tool("search_policy"), tool("get_order")],
        turns: vec![
            turn("system", "You are the support assistant, version 42."),
            turn("user", "Can I get a refund after my flight left?"),
            turn("assistant", "→ get_order({})"),
            turn("tool get_order", "{}"),
            turn("assistant", answer),
        ],
        read: Vec::new(),
    }))
}

/// A sitting of so many outputs, the texts of which all came.
fn sitting(columns: u16, rows: u16, runs: u8) -> Bench {
    let mut bench = Bench::new(columns, rows, view(10, vec![read(runs)]));
    bench.press("o");
    for n in 0..runs {
        let trace = TraceId([n; 16]);
        bench.send(Msg::Fetched(Want::Run(trace), Seq(10), Ok(output(trace, "Yes, and it is paid back today."))));
    }
    bench
}

fn labels(bench: &Bench) -> Vec<OutputLabel> {
    let label = |act: &&Act| match act {
        Act::ReadOutput { label, .. } => Some(*label),
        _ => None,
    };
    bench.acts().iter().filter_map(label).collect()
}

/// Waits for the texts that this step asked for, and lets a frame through.
fn painted(bench: &mut Bench) {
    for n in 0..60 {
        let trace = TraceId([n; 16]);
        bench.send(Msg::Fetched(Want::Run(trace), Seq(10), Ok(output(trace, "Yes, and it is paid back today."))));
    }
    bench.paint_and_wait(10);
}

#[test]
fn an_output_is_judged_by_one_key_and_taken_back_by_another() {
    use OutputLabel::{Bad, Good, Skip, Unsure};
    let mut bench = sitting(120, 40, 6);
    for key in ["g", "b", "u", "s", "backspace", "backspace", "b"] {
        painted(&mut bench);
        bench.press(key);
    }
    // A skip taken back says nothing that was not said; the unsure one is taken back on record.
    assert_eq!(labels(&bench), [Good, Bad, Unsure, Skip, Skip, Bad]);
    let traces: Vec<TraceId> = bench
        .acts()
        .iter()
        .filter_map(|act| match act {
            Act::ReadOutput { trace, .. } => Some(*trace),
            _ => None,
        })
        .collect();
    assert_eq!(traces[2], traces[4], "what is taken back is what was said");
    assert_eq!(traces[4], traces[5], "and it is judged again");
    assert!(bench.screen().contains("4 of 6"), "{}", bench.screen());
}

#[test]
fn nothing_on_the_page_tells_the_side_and_the_rates_wait_for_the_end() {
    let mut bench = sitting(120, 40, 6);
    painted(&mut bench);
    let screen = bench.screen();
    assert!(screen.contains("paid back today") && screen.contains("after my flight left"), "{screen}");
    let page = screen.lines().skip(1).collect::<Vec<_>>().join("\n");
    for hint in ["claimed done", "judge", "0000", "before", "since", "%", "02:4", "version 42", "repeated"] {
        assert!(!page.contains(hint), "{hint}: {page}");
    }
    bench.press("g");
    painted(&mut bench);
    bench.press("esc");
    let screen = bench.screen();
    assert!(screen.contains("1 of 20, 0 to 25 %") && screen.contains("not one unlucky sample"), "{screen}");
    // Whoever has seen the rates takes nothing back any more.
    bench.press("backspace");
    assert_eq!(labels(&bench), [OutputLabel::Good]);
    bench.press("esc");
    assert!(bench.model.layers.is_empty());
}

#[test]
fn fault_19_a_key_typed_before_the_output_was_on_the_screen_judges_nothing() {
    let mut bench = sitting(120, 40, 6);
    bench.press("g");
    assert!(labels(&bench).is_empty());
    painted(&mut bench);
    bench.press("g g g g");
    assert_eq!(labels(&bench), [OutputLabel::Good], "{}", bench.screen());
    let told = bench.model.messages.back().expect("it is said");
    assert!(told.text.contains("came before the output was on the screen"), "{}", told.text);
}

#[test]
fn an_output_that_is_not_there_cannot_be_judged_and_can_be_skipped() {
    let mut bench = Bench::new(120, 40, view(10, vec![read(2)]));
    bench.press("o");
    bench.paint_and_wait(10);
    bench.press("b");
    assert!(labels(&bench).is_empty());
    for n in 0..2 {
        bench.send(Msg::Fetched(Want::Run(TraceId([n; 16])), Seq(10), Ok(Detail::Absent)));
    }
    bench.paint_and_wait(10);
    bench.press("b s");
    assert_eq!(labels(&bench), [OutputLabel::Skip]);
}

#[test]
fn the_last_answer_ends_the_sitting_and_the_next_one_has_none_that_was_read() {
    let mut bench = sitting(120, 40, 2);
    for _ in 0..2 {
        painted(&mut bench);
        bench.press("b");
    }
    assert!(bench.screen().contains("What was read for INC-42"), "{}", bench.screen());
    bench.press("esc");
    let mut one = read(4);
    for drawn in one.reading.iter_mut().flat_map(|reading| &mut reading.drawn).take(3) {
        drawn.said = vec![("ana".into(), OutputLabel::Bad)];
    }
    bench.send(Msg::View(view(12, vec![one])));
    bench.press("o");
    assert!(bench.screen().contains("1 of 1"), "{}", bench.screen());
}

#[test]
fn without_agent_runs_there_is_nothing_to_read() {
    let mut bench = Bench::new(120, 40, view(10, vec![incident(42, 0)]));
    bench.press("o");
    assert!(bench.model.layers.is_empty() && bench.screen().contains("no output to read"));
}

#[test]
fn fault_20_hostile_output_is_shown_and_never_obeyed() {
    let mut bench = sitting(80, 24, 1);
    let trace = TraceId([0; 16]);
    let hostile = output(trace, "fine\u{1b}[2J\u{202e}evil\nline two");
    bench.send(Msg::Fetched(Want::Run(trace), Seq(10), Ok(hostile)));
    bench.model.layers.clear();
    bench.press("o");
    let screen = bench.screen();
    assert!(!screen.contains('\u{1b}') && !screen.contains('\u{202e}'), "{screen}");
    assert!(screen.contains("202E") && screen.contains("line two"), "{screen}");
}

/// The same runs by two regions; all of the drawn are of since.
fn by_region() -> IncidentView {
    let mut one = read(6);
    let value = |value: &str, from: u8, bad: u64| ValueView {
        value: value.into(),
        runs: 20,
        drawn: (from..from + 5).map(|n| Drawn { trace: TraceId([n; 16]), before: false, said: Vec::new() }).collect(),
        labels: Labels { good: 20 - bad, bad, unsure: 0 },
    };
    let slice = SliceView { by: "region".into(), values: vec![value("eu", 20, 12), value("us", 30, 1)], hidden: 2 };
    if let Some(reading) = &mut one.reading {
        reading.slices = vec![slice];
        reading.agreement = Some(Agreement { outputs: 12, same: 10, kappa: Some(0.61) });
    }
    one
}

#[test]
fn other_kinds_of_runs_are_read_against_each_other_as_blindly() {
    let mut bench = Bench::new(120, 40, view(10, vec![by_region()]));
    bench.press("o tab");
    for n in 20..40 {
        let trace = TraceId([n; 16]);
        bench.send(Msg::Fetched(Want::Run(trace), Seq(10), Ok(output(trace, "Yes."))));
    }
    bench.paint_and_wait(10);
    let screen = bench.screen();
    assert!(screen.contains("1 of 10") && screen.contains("region eu and us"), "{screen}");
    bench.press("b");
    let acts = bench.acts();
    let [Act::ReadOutput { sample, .. }] = &acts[..] else { panic!("{acts:?}") };
    let slice = sample.slice.as_ref().expect("it says what was compared");
    assert_eq!((slice.by.raw(), slice.one.raw(), slice.other.raw()), ("region", "eu", "us"));
    bench.paint_and_wait(10);
    bench.press("tab");
    let told = bench.model.messages.back().expect("it is said");
    assert!(told.text.contains("before the first answer"), "{}", told.text);
    bench.press("esc");
    let screen = bench.screen();
    assert!(screen.contains("By region") && screen.contains("12 of 20"), "{screen}");
    assert!(screen.contains("eu fails more often than us: not one unlucky sample."), "{screen}");
    assert!(screen.contains("say the same of 10 (83 %); kappa 0.61") && screen.contains("2 more values"), "{screen}");
}

#[test]
fn kinds_can_be_named_and_what_is_none_says_which_there_are() {
    let mut bench = Bench::new(120, 40, view(10, vec![by_region()]));
    for (named, word) in [
        ("region", "1 of 10 region eu and us"),
        ("region=us,eu", "region us and eu"),
        ("planet", "they can by region"),
        ("region=eu", "there are eu, us"),
        ("region=eu,mars", "there are eu, us"),
    ] {
        bench.model.layers.clear();
        bench.press(":");
        bench.type_in(&format!("read {named}"));
        bench.press("enter");
        let screen = bench.screen();
        assert!(screen.contains(word), "{named}: {screen}");
    }
}

#[test]
fn pages() {
    for (columns, rows) in [(80, 24), (120, 40)] {
        let mut bench = sitting(columns, rows, 60);
        painted(&mut bench);
        assert_snapshot!(format!("output_{columns}"), bench.screen());
        bench.press("g");
        bench.press("esc");
        assert_snapshot!(format!("rates_{columns}"), bench.screen());
    }
}
