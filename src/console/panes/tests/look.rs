//! Snapshots.

use insta::assert_snapshot;

use super::fixture::{Stage, folded, text};
use crate::console::details::Want;
use crate::console::glyph;
use crate::console::pane::PaneKind;
use crate::console::panes::sheet;
use crate::engine::view::Opens;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// A sheet laid out for this width, as text.
fn laid_out(stage: &Stage, opens: &Opens, width: u16, toggles: usize) -> String {
    let mut sheet = sheet(opens);
    for _ in 0..toggles {
        assert!(sheet.toggle());
    }
    let cx = stage.cx(Rect::new(0, 0, width, 40), true);
    let content = sheet.lay_out(&cx, width);
    assert!(content.places.iter().all(|place| *place < content.lines.len()));
    for line in &content.lines {
        assert!(line.width() <= usize::from(width), "{line:?} is wider than {width}");
    }
    let mut out = format!("[{}]\n", sheet.title(&cx));
    for (nth, line) in content.lines.iter().enumerate() {
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

#[test]
fn a_diagnosis_as_it_was() {
    let stage = Stage::demo();
    let seq = stage.view.incidents.items[0].diagnosis.as_ref().expect("a diagnosis").seq;
    assert_snapshot!(laid_out(&stage, &Opens::Diagnosis { seq }, 98, 0));
}

#[test]
fn what_is_on_its_way_absent_or_unreadable_is_said() {
    let mut stage = Stage::empty();
    let opens = Opens::Change { id: "x".into() };
    assert!(laid_out(&stage, &opens, 60, 0).contains("Reading"));
    stage.put(&Want::from(&opens), crate::console::details::Detail::Absent);
    assert!(laid_out(&stage, &opens, 60, 0).contains("no such thing"));
    let mut stage = Stage::empty();
    stage.fail(&Want::from(&opens), "the database is locked\u{1b}[2J");
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
        assert!(shown.contains("uncalibrated"), "{shown}");
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
