//! What runs are made of, how they ended, and steps beside good ones: sheets over the table of runs.

use insta::assert_snapshot;
use ratatui::layout::Rect;
use serde_json::Value;

use super::fixture::{Stage, folded};
use super::hostile::{HOSTILE, no_hidden};
use super::look::laid_out;
use crate::console::details::{Detail, Want};
use crate::console::glyph;
use crate::console::panes::sheet;
use crate::engine::view::{Mark, Opens, RunDetail, StopClass};
use crate::event::{Resource, Seq, Span, SpanBatch, SpanId, SpanKind, SpanStatus, Time, TraceId, Untrusted};
use crate::surface::{RunTable, Runs};

const LAST: Seq = Seq(u64::MAX >> 1);

/// The demo of the assistant with its runs, and a way to have more of it.
fn demo() -> (Stage, std::sync::Arc<dyn crate::engine::Details>) {
    let (view, journal) = folded("ai");
    let details = crate::engine::details(journal);
    let mut stage = Stage::of(view);
    let table = details.runs(LAST).expect("read");
    assert!(table.rows.len() > 60, "{}", table.rows.len());
    stage.put(&Want::Runs, Detail::Runs(Box::new(table)));
    (stage, details)
}

fn surfaces(sides: &str) -> Opens {
    Opens::Surfaces { sides: sides.into() }
}

#[test]
fn before_and_since_side_by_side() {
    let (stage, _) = demo();
    let narrow = laid_out(&stage, &surfaces(""), 78, 0);
    assert_snapshot!("surfaces_narrow", narrow);
    assert_snapshot!("surfaces_wide", laid_out(&stage, &surfaces(""), 150, 0));
    for what in [
        "before | since",
        "refund_policy 41",
        "refund_policy 42",
        "prompt version is another by region",
        "Not captured",
    ] {
        assert!(narrow.contains(what), "{what}: {narrow}");
    }
    // The next offer is a slice: its two commonest values since.
    let slice = laid_out(&stage, &surfaces(""), 110, 1);
    assert!(slice.contains("since, ") && slice.contains('='), "{slice}");
}

#[test]
fn any_two_choices_can_be_typed_and_a_wrong_one_is_told_what_would_be_right() {
    let (stage, _) = demo();
    let said = laid_out(&stage, &surfaces("since, region=eu | since, region=us"), 110, 0);
    assert!(said.contains("≠ prompt version"), "{said}");
    let whole = laid_out(&stage, &surfaces("all | now"), 110, 0);
    assert!(whole.contains("now: 50 runs"), "{whole}");
    for (wrong, told) in [
        ("since | colour=red", "no run carries anything called \"colour\": agent"),
        ("then | now", "not wound back"),
        ("25:99 | now", "chooses nothing"),
        ("03:00..x | now", "no stretch of time"),
    ] {
        let said = laid_out(&stage, &surfaces(wrong), 110, 0);
        assert!(said.contains(told), "{wrong}: {said}");
        let mut sheet = sheet(&surfaces(""));
        let cx = stage.cx(Rect::new(0, 0, 80, 24), true);
        assert!(sheet.take(&cx, wrong).is_err_and(|error| error.contains(told)), "{wrong}");
    }
    let none = laid_out(&stage, &surfaces("since, region=nowhere | now"), 80, 0);
    assert!(none.contains("no run"), "{none}");
    laid_out(&Stage::empty(), &surfaces(""), 78, 0);
}

#[test]
fn how_runs_ended_over_time_and_by_what_they_were_made_of() {
    let (stage, _) = demo();
    let stops = Opens::Stops { with: Untrusted::default() };
    assert_snapshot!("stops_narrow", laid_out(&stage, &stops, 78, 0));
    assert_snapshot!("stops_wide", laid_out(&stage, &stops, 150, 0));
    let only = laid_out(&stage, &Opens::Stops { with: "prompt version=refund_policy 42".into() }, 110, 0);
    assert!(only.contains("only prompt version=refund_policy 42"), "{only}");
    let sheet = sheet(&stops);
    let cx = stage.cx(Rect::new(0, 0, 100, 30), true);
    let content = sheet.lay_out(&cx, 100);
    let Some(opens @ Opens::StoppedRuns { .. }) = sheet.opens(&cx, content.items.len() - 1) else { panic!("a drill") };
    let runs = laid_out(&stage, &opens, 100, 0);
    assert_snapshot!("stopped_runs", runs);
    assert!(runs.contains("The runs, newest first"), "{runs}");
    assert!(sheet.opens(&cx, content.items.len()).is_none());
}

#[test]
fn a_step_is_held_against_the_same_step_of_a_named_good_run() {
    let (mut stage, details) = demo();
    let bad = stage.view.incidents.items[0].runs.items[0].trace;
    let run = details.run(bad, LAST).expect("read").expect("a run");
    let step = run.steps.iter().rfind(|step| step.kind.raw() == "chat").expect("a model call").span;
    stage.put(&Want::Run(bad), Detail::Run(Box::new(run)));
    let opens = Opens::Step { trace: bad, span: step, beside: true };
    // The good run is asked for once it is known which.
    let wanted = {
        let cx = stage.cx(Rect::new(0, 0, 80, 24), true);
        sheet(&opens).also(&cx)
    };
    let [Want::Runs, Want::Run(good)] = wanted[..] else { panic!("{wanted:?}") };
    assert!(laid_out(&stage, &opens, 78, 0).contains("Reading"));
    let other = details.run(good, LAST).expect("read").expect("a run");
    assert!(other.line.bad.is_none());
    stage.put(&Want::Run(good), Detail::Run(Box::new(other)));
    let said = laid_out(&stage, &opens, 78, 0);
    assert!(said.contains(&format!("Held against run {good}")), "{said}");
    assert!(said.contains("before the trouble began") && said.contains("same region"), "{said}");
    assert_snapshot!("step_beside", said);
    assert_snapshot!("step_beside_wide", laid_out(&stage, &opens, 150, 0));
    assert_snapshot!("step_alone", laid_out(&stage, &Opens::Step { trace: bad, span: step, beside: false }, 78, 0));
}

/// A run of one agent whose every text is hostile in its own way.
fn hostile_runs() -> (RunTable, RunDetail) {
    let at = |second: i64| Time::from_second(1_790_000_000 + second).expect("in range");
    let mut runs = Runs::default();
    let mut last = Vec::new();
    for n in 0..40_u8 {
        let text = |nth: usize| Value::from(format!("x{}", HOSTILE[(usize::from(n) * 7 + nth) % HOSTILE.len()]));
        let pairs = [
            ("gen_ai.operation.name", Value::from("chat")),
            ("gen_ai.request.model", "m\u{1b}[2J".into()),
            ("gen_ai.response.model", text(0)),
            ("gen_ai.prompt.name", text(1)),
            (
                "gen_ai.system_instructions",
                format!("# h\u{202e}\n{{{{ a\u{1b}]0;t\u{7} }}}}\n{}", HOSTILE.concat()).into(),
            ),
            ("gen_ai.tool.definitions", serde_json::json!({"\u{1b}[31m": HOSTILE})),
            (
                "gen_ai.output.messages",
                serde_json::json!([{"role": "\u{9b}1m", "parts": [{"type": "text", "content": HOSTILE.concat()}]}]),
            ),
            ("gen_ai.response.finish_reasons", serde_json::json!([HOSTILE[usize::from(n) % HOSTILE.len()]])),
            ("deployment.region", format!("r{}\u{200b}", n % 2).into()),
            ("\u{1b}[2Jname", text(3)),
        ];
        let span = Span {
            trace_id: TraceId([n + 1; 16]),
            span_id: SpanId([n + 1; 8]),
            parent: None,
            name: "chat".into(),
            kind: SpanKind::Client,
            start: at(i64::from(n)),
            end: at(i64::from(n) + 1),
            status: if n == 39 { SpanStatus::Error } else { SpanStatus::Ok },
            status_message: HOSTILE.concat().into(),
            attributes: pairs.into_iter().map(|(name, value)| (Untrusted::from(name), value)).collect(),
            events: Vec::new(),
        };
        last = vec![(Untrusted::from("s\u{1b}c"), span.clone())];
        let resource =
            Resource { service: "s\u{1b}c".into(), items: vec![span], attributes: std::collections::BTreeMap::new() };
        runs.apply(&SpanBatch { resources: vec![resource] });
    }
    let reading = crate::surface::open(last);
    assert_eq!(reading.steps[0].suspicious.as_ref().map(|one| one.rule), Some(Mark::Failed));
    let Detail::Run(mut run) = Stage::demo_run() else { panic!("the demo has a run") };
    run.steps = reading.steps;
    run.turns = reading.turns;
    run.rule = HOSTILE.concat().into();
    run.provider = vec![HOSTILE.concat().into()];
    run.line.trace = TraceId([40; 16]);
    (RunTable::of(&runs), *run)
}

#[test]
fn fault_21_22_hostile_runs_hide_nothing_in_any_sheet() {
    let (table, run) = hostile_runs();
    let (trace, span) = (run.line.trace, run.steps[0].span);
    let mut other = run.clone();
    other.steps[0].fields.iter_mut().for_each(|(_, value)| *value = format!("{} \u{1b}[2J", value.raw()).into());
    for ascii in [false, true] {
        let mut stage = Stage::empty();
        if ascii {
            stage.glyphs = &glyph::ASCII;
        }
        stage.put(&Want::Runs, Detail::Runs(Box::new(table.clone())));
        stage.put(&Want::Run(trace), Detail::Run(Box::new(run.clone())));
        let good = table.good_run(trace, None).expect("a good run").trace;
        stage.put(&Want::Run(good), Detail::Run(Box::new(other.clone())));
        let sheets = [
            Opens::Run { trace },
            Opens::Step { trace, span, beside: false },
            Opens::Step { trace, span, beside: true },
            surfaces("all, region=r0 | all, region=r1"),
            surfaces("\u{1b}[2J | \u{202e}"),
            Opens::Stops { with: Untrusted::default() },
            Opens::Stops { with: "\u{1b}]0;x\u{7}".into() },
            Opens::StoppedRuns { stop: StopClass::Complete, with: Untrusted::default() },
        ];
        for opens in sheets {
            for width in [40, 78, 130] {
                let said = laid_out(&stage, &opens, width, 0);
                no_hidden(&said);
                assert!(!ascii || said.is_ascii(), "{said}");
            }
        }
    }
}
