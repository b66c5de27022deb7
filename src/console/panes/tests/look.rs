//! Snapshots.

use insta::assert_snapshot;

use super::fixture::{Stage, folded, text};
use crate::console::details::Detail;
use crate::console::glyph;
use crate::console::keymap::Keymap;
use crate::console::pane::PaneKind;
use crate::console::panes::sheet;
use crate::engine::view::{
    Bounded, Counter, Door, LetGo, Mark, Opens, RunDetail, SourceHealth, Step, Suspicion, TimelineItem,
};
use crate::event::Seq;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// A sheet laid out for this width, as text.
pub(super) fn laid_out(stage: &Stage, opens: &Opens, width: u16, toggles: usize) -> String {
    let mut sheet = sheet(opens);
    for _ in 0..toggles {
        assert!(sheet.toggle());
    }
    let cx = stage.cx(Rect::new(0, 0, width, 40), true);
    let content = sheet.lay_out(&cx, width);
    assert!(content.places.iter().all(|place| *place < content.rows()));
    let mut lines = content.lines;
    lines.extend(content.later.iter().map(|later| sheet.line(&cx, width, *later)));
    for line in &lines {
        assert!(line.width() <= usize::from(width), "{line:?} is wider than {width}");
    }
    let mut out = format!("[{}]\n", sheet.title(&cx));
    for (nth, line) in lines.iter().enumerate() {
        let mark = if content.places.contains(&nth) { "*" } else { " " };
        out.push_str(format!("{mark}{line}").trim_end());
        out.push('\n');
    }
    out
}

fn change_of(stage: &Stage) -> Opens {
    let incident = &stage.view.incidents.items[0];
    let prompt = incident.changes.items.iter().find(|change| change.class == crate::event::ChangeClass::Prompt);
    Opens::Change { id: prompt.expect("the prompt's change").id.clone() }
}

fn run_of(stage: &Stage) -> Opens {
    Opens::Run { trace: stage.view.incidents.items[0].runs.items[0].trace }
}

#[test]
fn wide_with_the_demo() {
    assert_snapshot!(Stage::demo().screen(160, 50, PaneKind::Hypotheses));
}

#[test]
fn middling_with_the_demo() {
    let stage = Stage::demo();
    assert_snapshot!("middling_alerts", stage.screen(100, 30, PaneKind::Alerts));
    assert_snapshot!("middling_runs", stage.screen(100, 30, PaneKind::Runs));
}

#[test]
fn narrow_with_the_demo() {
    let stage = Stage::demo();
    for kind in PaneKind::ALL {
        assert_snapshot!(format!("narrow_{}", kind.title()), stage.screen(80, 24, kind));
    }
}

#[test]
fn narrow_on_a_poor_terminal() {
    let mut stage = Stage::demo();
    stage.glyphs = &glyph::ASCII;
    for kind in [PaneKind::Alerts, PaneKind::Timeline, PaneKind::Hypotheses, PaneKind::Changes] {
        let screen = stage.screen(80, 24, kind);
        assert!(screen.is_ascii(), "{screen}");
        assert_snapshot!(format!("poor_{}", kind.title()), screen);
    }
}

#[test]
fn every_pane_says_what_would_fill_it() {
    let stage = Stage::empty();
    let mut said = String::new();
    for mut pane in super::super::all() {
        said.extend(["== ", pane.kind().title(), "\n"]);
        said.push_str(text(&stage.alone(pane.as_mut(), 60, 8)).trim_end());
        said.push('\n');
    }
    assert_snapshot!(said);
}

#[test]
fn the_change_of_a_prompt() {
    let stage = Stage::demo();
    assert_snapshot!("change_narrow", laid_out(&stage, &change_of(&stage), 78, 0));
    assert_snapshot!("change_wide", laid_out(&stage, &change_of(&stage), 150, 0));
}

#[test]
fn a_run_three_ways() {
    let stage = Stage::demo();
    assert_snapshot!("run_waterfall", laid_out(&stage, &run_of(&stage), 98, 0));
    assert_snapshot!("run_turns", laid_out(&stage, &run_of(&stage), 78, 1));
    let fields = laid_out(&stage, &run_of(&stage), 98, 2);
    assert!(fields.contains("gen_ai.tool.call.arguments"), "every field is there");
}

/// A run of so many steps, the way a broken or hostile sender could have it.
fn odd_run(steps: u32) -> RunDetail {
    let Detail::Run(mut run) = Stage::demo_run() else { panic!("the demo has a run") };
    let step = run.steps[0].clone();
    run.steps = (0..steps)
        .map(|nth| Step {
            fields: vec![("nth".into(), nth.to_string().as_str().into())],
            depth: u16::try_from(nth).unwrap_or(u16::MAX),
            what: format!("step {nth}").into(),
            offset_ms: u64::MAX - u64::from(nth),
            duration_ms: u64::MAX,
            span: crate::event::SpanId(u64::from(nth).to_be_bytes()),
            suspicious: (nth % 1000 == 7)
                .then(|| Suspicion { rule: Mark::Repeated, why: "it calls itself again and again".into() }),
            ..step.clone()
        })
        .collect();
    *run
}

#[test]
fn fault_36_a_run_of_ten_thousand_odd_steps_is_opened_without_making_them_all() {
    let mut stage = Stage::demo();
    let run = odd_run(10_000);
    let opens = Opens::Run { trace: run.line.trace };
    stage.put_again(&sheet(&opens).want().expect("it is made of something larger"), Detail::Run(Box::new(run)));
    let sheet = sheet(&opens);
    let cx = stage.cx(Rect::new(0, 0, 80, 24), true);
    let content = sheet.lay_out(&cx, 80);
    assert!(content.lines.len() < 10 && content.later.len() >= 10_010, "{} made", content.lines.len());
    assert_eq!(content.places.len(), 10);
    for later in [0, 7, 8, 9_999, content.later.len() - 1] {
        let line = sheet.line(&cx, 80, content.later[later]);
        assert!(line.width() <= 80 && line.width() > 0, "{line}");
    }
    // Their fields are laid out two hundred steps at a time, and none is left out on the way round.
    for (page, first) in [(0, "Steps 1 to 200"), (1, "Steps 201 to 400"), (49, "Steps 9801 to 10000")] {
        let mut sheet = super::super::sheet(&opens);
        (0..2 + page).for_each(|_| _ = sheet.toggle());
        let content = sheet.lay_out(&cx, 80);
        assert!(content.lines.iter().any(|line| line.to_string().starts_with(first)), "{first}");
        assert_eq!(content.places.len(), 200);
    }
    let said = sheet.line(&cx, 80, content.later[8]).to_string();
    assert!(said.contains("calls itself"), "the reason stands below its step: {said}");
}

#[test]
fn the_sources_say_who_is_silent_what_was_refused_and_where_to_send() {
    let mut stage = Stage::demo();
    let at = stage.view.as_of.expect("a moment");
    let counter = |name: &'static str, count| Counter { name: name.into(), count };
    let source = |name: &str, last, accepted, counts, silent| SourceHealth {
        name: name.into(),
        last,
        accepted,
        counts,
        silent,
        shown: None,
    };
    stage.view.door = Some(Door { address: "127.0.0.1:9955".parse().expect("an address"), token: true });
    stage.view.sources = vec![
        source("alertmanager", Some(at), 812, vec![counter("duplicates", 44), counter("too_large", 2)], false),
        source("otlp", Some(at), 90, Vec::new(), true),
        source("grafana", None, 0, vec![counter("unauthorized", 3)], false),
    ];
    stage.view.counters = vec![counter("accepted", 902), counter("in_quarantine", 2), counter("connections_closed", 1)];
    let shown = stage.screen(80, 24, PaneKind::Sources);
    assert_snapshot!("sources", shown);
    for what in ["127.0.0.1:9955 (with the token", "NO SIGNAL since", "1 SILENT", "5 refused", "warroom quarantine"] {
        assert!(shown.contains(what), "{what}: {shown}");
    }
    assert!(stage.screen(80, 24, PaneKind::Incidents).contains("NO SIGNAL since"), "the list of incidents says it too");
    // Empty panes name the same address, and not the default.
    stage.view.incidents.items.clear();
    stage.view.as_of = None;
    let shown = stage.screen(80, 24, PaneKind::Incidents);
    assert!(shown.contains("127.0.0.1:9955/alertmanager") && !shown.contains("9095"), "{shown}");
}

#[test]
fn the_sources_say_what_was_taken_out_and_what_was_let_go() {
    let mut stage = Stage::demo();
    stage.view.redacted =
        vec![Counter { name: "aws-key".into(), count: 4 }, Counter { name: "badge".into(), count: 12 }];
    let until = stage.view.as_of;
    stage.view.let_go =
        LetGo { through: Seq(9), until, seen: 400, gone: 331, bad: 31, spans: 3_310, log_lines: 77, samples: 12_000 };
    for (columns, rows) in [(160, 50), (100, 30), (80, 24)] {
        // The gaps that follow have a screen of their own.
        stage.view.recorder = Bounded::default();
        let shown = stage.screen(columns, rows, PaneKind::Sources);
        for what in [
            "Taken out before it was recorded",
            "4  aws-key",
            "12  badge",
            "Let go of what came before 20",
            "331  good",
            "31 that",
        ] {
            assert!(shown.contains(what), "{what}: {shown}");
        }
        println!("{shown}");
    }
}

#[test]
fn what_was_read_elsewhere_says_up_to_when_it_was_shown() {
    let mut stage = Stage::demo();
    let at = stage.view.as_of.expect("a moment");
    let read = SourceHealth {
        name: "phoenix".into(),
        last: Some(at),
        accepted: 3,
        counts: Vec::new(),
        silent: false,
        shown: Some(at),
    };
    stage.view.sources = vec![read];
    let shown = stage.screen(80, 24, PaneKind::Sources);
    assert!(shown.contains("has shown spans up to ") && shown.contains("later ones may still be on"), "{shown}");

    let mut run = odd_run(2);
    let opens = Opens::Run { trace: run.line.trace };
    run.read = vec![("phoenix".into(), at)];
    stage.put_again(&sheet(&opens).want().expect("it is made of something larger"), Detail::Run(Box::new(run)));
    let run = laid_out(&stage, &opens, 78, 0);
    assert!(run.contains("Read at phoenix, last at ") && run.contains("so some may be"), "{run}");
}

#[test]
fn before_the_incident_the_screen_says_so_and_how_to_get_back() {
    let mut stage = Stage::demo();
    stage.view.incidents.items.clear();
    stage.view.wound_back = true;
    stage.keymap = Keymap::load("vim", None).expect("built in");
    for kind in [PaneKind::Incidents, PaneKind::Hypotheses, PaneKind::Notes] {
        let shown = stage.screen(80, 24, kind);
        assert!(shown.contains("no incident was known yet") && shown.contains("L back to now"), "{shown}");
    }
}

#[test]
fn what_the_engine_thinks_again_is_counted_in_one_row() {
    let mut stage = Stage::demo();
    let mut incident = (*stage.view.incidents.items[0]).clone();
    let thought = incident.timeline.items.iter().rev().find(|item| item.kind == crate::event::Kind::Diagnosed);
    let thought = thought.expect("a diagnosis").clone();
    let again = (1..=12).map(|nth| TimelineItem { seq: Seq(thought.seq.0 + 100 + nth), ..thought.clone() });
    incident.timeline.items.extend(again);
    stage.view.incidents.items[0] = std::sync::Arc::new(incident);
    let shown = stage.screen(80, 24, PaneKind::Timeline);
    let rows: Vec<_> = shown.lines().filter(|line| line.contains("? thinks")).collect();
    assert!(rows.len() == 1 && rows[0].contains("+12"), "{shown}");
}

#[test]
fn a_diagnosis_as_it_was() {
    let stage = Stage::demo();
    let seq = stage.view.incidents.items[0].diagnosis.as_ref().expect("a diagnosis").seq;
    assert_snapshot!(laid_out(&stage, &Opens::Diagnosis { seq }, 98, 0));
}

#[test]
fn which_variable_moved_and_how_behaviour_drifted() {
    let stage = Stage::demo();
    for (size, width) in [("narrow", 78), ("wide", 118)] {
        assert_snapshot!(format!("moved_{size}"), laid_out(&stage, &Opens::Moved, width, 0));
        assert_snapshot!(format!("drift_{size}"), laid_out(&stage, &Opens::Drift, width, 0));
    }
    assert_snapshot!("big_changed", stage.screen(120, 40, PaneKind::Changes));
    assert_snapshot!("big_sources", stage.screen(120, 40, PaneKind::Sources));
    // In words, as the bundle's truth has it: the prompt, seen in one region only, explains what the runs' judge says.
    let moved = laid_out(&stage, &Opens::Moved, 118, 0);
    assert!(moved.contains("prompt refund_policy 42 explains it"), "{moved}");
    let timeline = stage.screen(200, 60, PaneKind::Timeline);
    assert!(timeline.contains("first seen: prompt refund_policy 42"), "{timeline}");
    // Before there are runs, both say so.
    let empty = Stage::empty();
    for opens in [Opens::Moved, Opens::Drift] {
        laid_out(&empty, &opens, 78, 0);
    }
}

#[test]
fn what_is_on_its_way_absent_or_unreadable_is_said() {
    let mut stage = Stage::empty();
    let opens = Opens::Change { id: "x".into() };
    assert!(laid_out(&stage, &opens, 60, 0).contains("Reading"));
    stage.put(&sheet(&opens).want().expect("it is made of something larger"), crate::console::details::Detail::Absent);
    assert!(laid_out(&stage, &opens, 60, 0).contains("no such thing"));
    let mut stage = Stage::empty();
    stage.fail(&sheet(&opens).want().expect("it is made of something larger"), "the database is locked\u{1b}[2J");
    let said = laid_out(&stage, &opens, 60, 0);
    assert!(said.contains("could not be read: the database is locked^[[2J"), "{said}");
}

/// Uncalibrated shares are no probabilities, and must not look like one.
#[test]
fn without_a_record_no_hypothesis_has_a_percent_sign() {
    let stage = Stage::demo();
    let diagnosis = stage.view.incidents.items[0].diagnosis.clone().expect("a diagnosis");
    assert!(diagnosis.diagnosis.hypotheses.iter().all(|one| one.confidence.calibrated_on == 0));
    for (width, height) in [(160, 50), (100, 30), (80, 24)] {
        let mut pane = crate::console::panes::hypotheses::Hypotheses::default();
        let shown = text(&stage.alone(&mut pane, width, height));
        assert!(shown.contains("unproven"), "{shown}");
        for line in shown.lines().filter(|line| !line.trim_start().starts_with(['+', '−'])) {
            assert!(!line.contains("% earned"), "{line}");
        }
    }
}

#[test]
fn the_demos_fit_every_size() {
    for bundle in ["ai", "infra"] {
        let stage = Stage::of(folded(bundle).0);
        assert!(!stage.view.incidents.items.is_empty(), "{bundle} opens an incident");
        for (width, height) in [(60, 16), (80, 24), (100, 30), (140, 40), (160, 50), (250, 70)] {
            for kind in PaneKind::ALL {
                let screen = stage.screen(width, height, kind);
                assert!(screen.contains(kind.title()));
            }
        }
    }
}

#[test]
fn no_size_panics() {
    let stage = Stage::demo();
    for width in [0, 1, 2, 3, 7, 20, 300] {
        for height in [0, 1, 2, 3, 5, 90] {
            for mut pane in super::super::all() {
                let _: Buffer = stage.alone(pane.as_mut(), width, height);
            }
        }
        for opens in [change_of(&stage), run_of(&stage)] {
            let cx = stage.cx(Rect::new(0, 0, width, 40), true);
            sheet(&opens).lay_out(&cx, width);
        }
    }
}
