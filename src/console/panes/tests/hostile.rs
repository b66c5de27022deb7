//! Hostile text in every field of the picture: nothing of it may be obeyed, hidden or leave its row.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::fixture::{Stage, text};
use crate::console::details::{Detail, Want};
use crate::console::glyph;
use crate::console::pane::PaneKind;
use crate::console::panes::sheet;
use crate::engine::View;
use crate::engine::view::{Opens, RunDetail};
use ratatui::layout::Rect;

/// One of each kind that a terminal obeys, reorders, hides, joins or stacks.
pub(super) const HOSTILE: &[&str] = &[
    "\u{1b}[2J\u{1b}[H",
    "\u{1b}]0;title\u{7}",
    "\u{1b}]52;c;aGk=\u{7}",
    "\u{1b}P$q\u{1b}\\",
    "\u{9b}31m",
    "\u{7}\u{8}\u{7f}\0",
    "a\r\nb\tc",
    "\u{202e}txt.exe",
    "\u{2066}x\u{2069}",
    "in\u{200b}vis\u{200d}ible\u{2060}\u{feff}",
    "\u{e0041}\u{e0042}",
    "\u{fe0f}\u{34f}\u{ad}",
    "Z\u{301}\u{301}\u{301}\u{301}\u{301}",
    "\u{3164}\u{2800}\u{a0}\u{3000}",
    "\u{2028}\u{2029}",
    "漢字漢字",
    "👩\u{200d}👩\u{200d}👧",
    "check\u{43e}ut",
];

/// Appends something hostile to every text that came from outside; texts that name a variant of ours stay.
fn poison(value: &mut Value, key: &str, nth: &mut usize) {
    const OURS: &[&str] = &[
        "kind",
        "state",
        "open",
        "in",
        "rule",
        "surface",
        "class",
        "severity",
        "status",
        "direction",
        "verdict",
        "outcome",
        "at",
        "arrived",
        "as_of",
        "since",
        "began",
        "opened",
        "updated",
        "first",
        "latest",
        "starts_at",
        "onset",
        "last",
        "fingerprint",
        "peer",
        "trace",
        "trace_id",
        "inputs",
        "seq",
        "time",
        "source",
        "sha256",
        "plan",
        "moment",
        "first_seen",
        "unit",
        "is",
        "answer",
        "from",
        "until",
        "span",
        "novelty",
        "aspect",
    ];
    match value {
        Value::String(text) if !OURS.contains(&key) => {
            *nth += 1;
            text.push_str(HOSTILE[*nth % HOSTILE.len()]);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| poison(item, key, nth)),
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                poison(field, name, nth);
            }
        }
        _ => {}
    }
}

fn poisoned<T: serde::Serialize + serde::de::DeserializeOwned>(thing: &T) -> T {
    let mut value = serde_json::to_value(thing).expect("JSON");
    // One order of fields, whatever the library keeps: which text comes where decides what is to be seen.
    value.sort_all_objects();
    poison(&mut value, "", &mut 0);
    serde_json::from_value(value).expect("still of its type")
}

fn stage() -> Stage {
    let demo = Stage::demo();
    let mut stage = Stage::of(poisoned::<View>(&demo.view));
    let runs = &stage.view.incidents.items[0].runs.items;
    let want = Want::Run(runs[0].trace);
    if let crate::console::details::Loaded::Ready(detail) = demo.details.get(&want)
        && let Detail::Run(run) = &*detail
    {
        let run: RunDetail = poisoned(run);
        stage.put(&want, Detail::Run(Box::new(run)));
    }
    stage
}

pub(super) fn no_hidden(shown: &str) {
    let found: Vec<char> = shown
        .chars()
        .filter(|c| {
            *c != '\n'
                && (c.is_control()
                    || ('\u{200b}'..='\u{200f}').contains(c)
                    || ('\u{202a}'..='\u{202e}').contains(c)
                    || ('\u{2060}'..='\u{206f}').contains(c)
                    || ('\u{e0000}'..='\u{e0fff}').contains(c)
                    || matches!(
                        c,
                        '\u{ad}'
                            | '\u{34f}'
                            | '\u{3164}'
                            | '\u{2800}'
                            | '\u{a0}'
                            | '\u{3000}'
                            | '\u{fe0f}'
                            | '\u{feff}'
                    ))
        })
        .collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn fault_21_22_hostile_fields_are_shown_and_not_obeyed() {
    let stage = stage();
    let mut seen = String::new();
    for (width, height) in [(160, 50), (100, 30), (80, 24)] {
        for kind in PaneKind::ALL {
            let screen = stage.screen(width, height, kind);
            no_hidden(&screen);
            seen.push_str(&screen);
        }
    }
    for shown in ["^[[2J", "\\u{202E}", "\\u{200B}", "^G"] {
        assert!(seen.contains(shown), "{shown} is to be seen somewhere");
    }
    insta::assert_snapshot!("hostile_wide", stage.screen(160, 50, PaneKind::Timeline));
    insta::assert_snapshot!("hostile_narrow", stage.screen(80, 24, PaneKind::Alerts));
}

#[test]
fn fault_21_a_poor_terminal_gets_ascii_only() {
    let mut stage = stage();
    stage.glyphs = &glyph::ASCII;
    for kind in PaneKind::ALL {
        let screen = stage.screen(100, 30, kind);
        assert!(screen.is_ascii(), "{screen}");
    }
}

#[test]
fn fault_21_sheets_of_hostile_things_hide_nothing() {
    let stage = stage();
    let trace = stage.view.incidents.items[0].runs.items[0].trace;
    for toggles in 0..3 {
        let mut sheet = sheet(&Opens::Run { trace });
        (0..toggles).for_each(|_| _ = sheet.toggle());
        let cx = stage.cx(Rect::new(0, 0, 80, 20), true);
        let content = sheet.lay_out(&cx, 80);
        let later = content.later.iter().map(|later| sheet.line(&cx, 80, *later));
        for line in content.lines.into_iter().chain(later.collect::<Vec<_>>()) {
            no_hidden(&line.to_string());
        }
    }
    let mut poor = Stage::of(poisoned::<View>(&Stage::demo().view));
    poor.glyphs = &glyph::ASCII;
    let first = Opens::Incident { incident: crate::event::IncidentId(1) };
    for opens in [Opens::Moved, Opens::Drift, first] {
        let sheet = sheet(&opens);
        for (stage, ascii) in [(&stage, false), (&poor, true)] {
            let cx = stage.cx(Rect::new(0, 0, 80, 20), true);
            for line in sheet.lay_out(&cx, 80).lines {
                no_hidden(&line.to_string());
                assert!(line.width() <= 80 && (!ascii || line.to_string().is_ascii()), "{line}");
            }
        }
    }
}

#[test]
fn fault_23_a_component_that_looks_like_another_is_called_out() {
    let mut stage = Stage::demo();
    let mut incident = (*stage.view.incidents.items[0]).clone();
    let mut twin = incident.groups.items[0].clone();
    twin.service = twin.service.raw().replacen('o', "\u{43e}", 1).into();
    incident.groups.items.push(twin);
    stage.view.incidents.items[0] = Arc::new(incident);
    let shown = stage.screen(80, 60, PaneKind::Alerts);
    assert!(shown.contains("looks like"), "{shown}");
}

#[test]
fn fault_24_a_megabyte_in_every_field_costs_no_frame() {
    let mut stage = Stage::demo();
    let huge: crate::event::Untrusted = "e\u{301}\u{200d}漢 ".repeat(100_000).as_str().into();
    let mut incident = (*stage.view.incidents.items[0]).clone();
    incident.headline = huge.clone();
    incident.timeline.items.iter_mut().for_each(|item| item.text = huge.clone());
    incident.changes.items.iter_mut().for_each(|change| (change.summary, change.why) = (huge.clone(), huge.clone()));
    for group in &mut incident.groups.items {
        (group.name, group.why.text) = (huge.clone(), huge.clone());
    }
    stage.view.incidents.items[0] = Arc::new(incident);
    let mut panes = super::super::all();
    let mut slowest = Duration::ZERO;
    for pane in panes.iter_mut().filter(|pane| pane.kind() != PaneKind::Incidents) {
        // The best of several counts: pages of the text are in memory then, and a busy machine has not been in the way.
        let mut best = Duration::MAX;
        for _ in 0..8 {
            let start = Instant::now();
            let shown = text(&stage.alone(pane.as_mut(), 80, 24));
            best = best.min(start.elapsed());
            assert!(shown.lines().count() == 24);
        }
        slowest = slowest.max(best);
    }
    assert!(slowest < Duration::from_millis(50), "{slowest:?}");
}
