use crate::console::fixture::{Bench, incident, view};
use crate::console::glyph;
use crate::console::model::Msg;
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
        for keys in ["?", ":", "/", "n", "u", "a", "m", "R", "C", "M", "d", "g"] {
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
