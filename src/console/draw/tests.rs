use std::sync::Arc;

use crate::console::fixture::{Bench, incident, plan, view, waiting};
use crate::console::glyph;
use crate::console::model::Msg;
use crate::console::theme::{self, Depth};
use crate::engine::View;
use crate::event::Severity;
use ratatui::layout::Size;

#[test]
fn the_first_line_says_what_is_going_on_and_whose_it_is_at_every_width() {
    for (columns, rows) in [(60, 16), (80, 24), (100, 30), (160, 50), (250, 70)] {
        let bench = Bench::new(columns, rows, view(10, vec![incident(42, 0)]));
        let screen = bench.screen();
        let first = screen.lines().next().expect("a line");
        for part in ["INC-42", "CRITICAL", "UNOWNED", "support", "LIVE"] {
            assert!(first.contains(part), "{columns}: {first}");
        }
    }
}

#[test]
fn the_first_line_loses_what_matters_least_before_the_headline_is_cut() {
    let mut picture = (*view(10, vec![incident(42, 0), incident(43, 0)])).clone();
    picture.label = Some("DEMO: a night squeezed into minutes".into());
    let picture = Arc::new(picture);
    let first = |columns: u16| {
        let bench = Bench::new(columns, 24, picture.clone());
        bench.screen().lines().next().expect("a line").to_owned()
    };
    let headline = "support-assistant is degraded; probable cause: prompt in support-assistant";
    assert!(first(250).contains(headline) && first(250).contains("squeezed into minutes"), "{}", first(250));
    assert!(first(160).contains(headline) && first(160).contains("2 open"), "{}", first(160));
    assert!(first(160).contains("DEMO") && !first(160).contains("squeezed"), "{}", first(160));
    let narrow = first(100);
    assert!(
        narrow.contains("DEMO") && !narrow.contains("squeezed") && narrow.contains("probable cause: pr"),
        "{narrow}"
    );
    let narrowest = first(80);
    assert!(narrowest.trim_end().ends_with("LIVE") && narrowest.contains("UNOWNED"), "{narrowest}");
    assert!(narrowest.contains("support-assistant is degraded;"), "{narrowest}");
    // A clock says its zone wherever it is shown.
    assert!(first(160).contains("00 UTC"), "{}", first(160));
}

#[test]
fn fault_15_any_size_is_survived_and_too_small_says_so() {
    let mut bench = Bench::new(80, 24, view(10, vec![incident(42, 0)]));
    for columns in [0, 1, 2, 3, 10, 59, 60, 61, 79, 80, 99, 100, 139, 140, 219, 220, 500] {
        for rows in [0, 1, 2, 3, 15, 16, 17, 18, 24, 200] {
            bench.send(Msg::Resized(Size::new(columns, rows)));
            let screen = bench.screen();
            if columns >= 60 && rows >= 16 {
                assert!(screen.contains("INC-42"), "{columns}x{rows}\n{screen}");
            } else if columns >= 20 && rows >= 3 {
                assert!(screen.contains("warroom needs"), "{columns}x{rows}\n{screen}");
            }
        }
    }
}

#[test]
fn every_layer_draws_at_every_size() {
    for (columns, rows) in [(60, 16), (80, 24), (160, 50), (500, 200)] {
        for keys in ["?", ":", "/", "n", "u", "a", "m", "E", "C", "t", "o", "M", "d", "g"] {
            let mut bench = Bench::new(columns, rows, view(10, vec![incident(42, 0)]));
            bench.press(keys);
            bench.screen();
            bench.send(Msg::Resized(Size::new(1, 1)));
            bench.screen();
            bench.send(Msg::Resized(Size::new(columns, rows)));
            bench.press("j j tab esc");
            bench.screen();
        }
    }
}

#[test]
fn fault_17_poor_terminals_get_ascii_chrome() {
    let mut bench = Bench::new(160, 50, view(10, vec![incident(42, 0)]));
    bench.model.glyphs = &glyph::ASCII;
    let screen = bench.screen();
    let odd: Vec<_> = screen.chars().filter(|c| !c.is_ascii()).collect();
    assert!(odd.is_empty(), "{odd:?}\n{screen}");
}

#[test]
fn the_focused_pane_is_marked_without_colour() {
    let mut bench = Bench::new(160, 50, view(10, vec![incident(42, 0)]));
    bench.press("3");
    assert!(bench.screen().contains("▶3 Timeline"));
    assert!(!bench.screen().contains("▶4"));
}

const SEVERITIES: [Severity; 5] =
    [Severity::Critical, Severity::Error, Severity::Warning, Severity::Info, Severity::Unknown];

/// A picture with one incident of every severity, and a plan that waits in the first.
fn severities() -> Arc<View> {
    let incidents = (1..).zip(SEVERITIES).map(|(number, severity)| {
        let mut one = incident(number, 0);
        one.severity = severity;
        one.groups.items[0].severity = severity;
        if number == 1 {
            one.actions.push(waiting(plan(1, 2, "{\"matchers\": []}")));
        }
        one
    });
    view(10, incidents.collect())
}

/// Text and style of every row, where there are few colours and where there is none.
#[test]
fn the_main_screens_look_like_this_in_sixteen_colours_and_in_none() {
    for (name, depth) in [("16", Depth::Sixteen), ("mono", Depth::None)] {
        for (screen, keys) in [("main", "1"), ("approval", "x"), ("decision", "a")] {
            let mut bench = Bench::new(100, 30, severities());
            bench.model.theme = theme::load(name, None, depth).expect("built in");
            bench.press(keys);
            bench.paint_and_wait(400);
            insta::assert_snapshot!(format!("{screen}_{name}"), bench.styled());
        }
    }
}

#[test]
fn a_severity_is_a_word_and_a_sign_before_it_is_a_colour() {
    let mut said = std::collections::BTreeSet::new();
    for (nth, severity) in SEVERITIES.into_iter().enumerate() {
        let mut bench = Bench::new(100, 30, severities());
        bench.press(&"J ".repeat(nth));
        let number = format!("INC-{}", nth + 1);
        let screen = bench.screen();
        let first = screen.lines().next().expect("a line").replace(&number, "");
        assert!(said.insert(first), "{screen}");
        // In the list, too.
        let sign = glyph::UNICODE.severity[severity as usize];
        bench.press("1");
        let row = bench.screen().lines().skip(1).find(|line| line.contains(&number)).map(str::to_owned);
        assert!(row.as_ref().is_some_and(|row| row.contains(sign)), "{sign} before {number}: {row:?}");
    }
    let signs: std::collections::BTreeSet<_> = glyph::UNICODE.severity.iter().collect();
    let ascii: std::collections::BTreeSet<_> = glyph::ASCII.severity.iter().collect();
    assert_eq!((signs.len(), ascii.len()), (5, 5), "each its own sign");
}

#[test]
fn the_footer_says_what_the_keys_do_where_they_do_it() {
    let mut bench = Bench::new(160, 50, view(10, vec![incident(42, 0)]));
    let last = |bench: &Bench| bench.screen().lines().last().unwrap_or_default().to_owned();
    assert!(last(&bench).contains("a accept") && last(&bench).contains("? keys"), "{}", last(&bench));
    bench.press("g");
    assert!(last(&bench).contains("g top"), "{}", last(&bench));
    bench.press("g n");
    assert!(last(&bench).contains("ctrl-s record"), "{}", last(&bench));
}
