#![expect(clippy::disallowed_methods, reason = "the wire is tested below the door for text")]

use super::*;
use proptest::prelude::*;
use ratatui::style::Style;

fn shown(bytes: &[u8], width: u16, height: u16) -> vt100::Parser {
    let size = |n: u16| n.try_into().expect("not zero");
    let mut parser = vt100::Parser::new(size(height), size(width), 0);
    parser.process(bytes);
    parser
}

fn write_on(wire: &mut Wire, size: Size, cells: &[(u16, u16, &str, Style)]) -> Vec<u8> {
    wire.frame(size, |buf| {
        for (x, y, symbol, style) in cells {
            buf.set_string(*x, *y, symbol, *style);
        }
        None
    });
    wire.take()
}

#[test]
fn an_unchanged_frame_costs_nothing() {
    let size = Size::new(40, 10);
    let mut wire = Wire::new(size, true);
    let mut draw = |text: &'static str| write_on(&mut wire, size, &[(1, 1, text, Style::new())]);
    assert!(!draw("hello").is_empty());
    assert_eq!(draw("hello"), b"");
    let changed = draw("hellO");
    assert!(changed.len() <= 8 + 1 + 16, "{changed:?}");
}

#[test]
fn a_long_blank_run_is_erased_and_not_written() {
    let size = Size::new(80, 3);
    let mut wire = Wire::new(size, false);
    let long = "x".repeat(80);
    let mut all = write_on(&mut wire, size, &[(0, 1, &long, Style::new())]);
    let second = write_on(&mut wire, size, &[(0, 1, "x", Style::new())]);
    assert!(second.len() < 20, "{}", String::from_utf8_lossy(&second));
    all.extend(second);
    assert_eq!(shown(&all, 80, 3).screen().contents().trim(), "x");
}

#[test]
fn another_size_is_written_in_full_on_a_cleared_screen() {
    let mut wire = Wire::new(Size::new(40, 3), false);
    let mut all = write_on(&mut wire, Size::new(40, 3), &[(30, 1, "gone", Style::new())]);
    all.extend(write_on(&mut wire, Size::new(20, 3), &[(0, 1, "here", Style::new())]));
    assert_eq!(shown(&all, 20, 3).screen().contents().trim(), "here");
}

#[test]
fn what_is_left_of_a_half_covered_wide_sign_gets_the_style_it_should_have() {
    let size = Size::new(10, 1);
    let red = Style::new().bg(Color::Red);
    let mut wire = Wire::new(size, false);
    let mut all = write_on(&mut wire, size, &[(3, 0, "日", red)]);
    all.extend(write_on(&mut wire, size, &[(2, 0, "本", Style::new())]));
    let screen = shown(&all, 10, 1);
    assert_eq!(screen.screen().cell(0, 4).expect("on the screen").bgcolor(), vt100::Color::Default);
    all.extend(write_on(&mut wire, size, &[(2, 0, "a", red)]));
    let screen = shown(&all, 10, 1);
    assert_eq!(screen.screen().cell(0, 3).expect("on the screen").bgcolor(), vt100::Color::Default);
}

#[test]
fn a_sign_of_unsure_width_never_runs_on_into_the_next_row() {
    let size = Size::new(6, 2);
    let mut wire = Wire::new(size, false);
    let mut all = write_on(&mut wire, size, &[(0, 1, "below", Style::new())]);
    all.extend(write_on(
        &mut wire,
        size,
        &[(4, 0, "\u{1f469}\u{200d}\u{1f467}", Style::new()), (0, 1, "below", Style::new())],
    ));
    assert_eq!(shown(&all, 6, 2).screen().contents(), "    ??\nbelow");
}

/// A cell that was never written looks like a blank.
fn looks(parser: &vt100::Parser, row: u16, column: u16) -> impl PartialEq + std::fmt::Debug {
    let cell = parser.screen().cell(row, column).expect("on the screen").clone();
    let text = if cell.contents().is_empty() && !cell.is_wide_continuation() {
        " ".to_owned()
    } else {
        cell.contents().to_owned()
    };
    // The weight and colour of a blank cannot be seen.
    let ink = (text != " ").then(|| (cell.fgcolor(), cell.bold()));
    (text, ink, cell.bgcolor(), cell.inverse())
}

fn any_cell() -> impl Strategy<Value = (u16, u16, &'static str, Style)> {
    // Narrow, wide, with a mark that combines, joined, a flag, a skin tone, with a selector; written at any column, so
    // that they half cover each other and stand at the edge.
    let symbol = prop_oneof![
        4 => prop::sample::select(vec!["a", " ", "é", "─"]),
        3 => prop::sample::select(vec!["日", "本", "e\u{301}", "日\u{302}"]),
        2 => prop::sample::select(vec![
            "\u{1f469}\u{200d}\u{1f467}", "\u{1f1e9}\u{1f1ea}", "\u{1f44d}\u{1f3fd}", "\u{2764}\u{fe0f}", "\u{1f600}",
        ]),
    ];
    let colour =
        prop_oneof![Just(Color::Reset), Just(Color::Red), Just(Color::Indexed(200)), Just(Color::Rgb(1, 2, 3))];
    let modifier =
        prop_oneof![Just(Modifier::empty()), Just(Modifier::BOLD), Just(Modifier::REVERSED | Modifier::BOLD)];
    (0..30u16, 0..6u16, symbol, colour.clone(), colour, modifier)
        .prop_map(|(x, y, symbol, fg, bg, modifier)| (x, y, symbol, Style::new().fg(fg).bg(bg).add_modifier(modifier)))
}

proptest! {
    /// Whatever was on the screen before, after the frame it looks as if it had been painted on an empty one.
    #[test]
    fn frames_add_up_to_what_a_fresh_screen_would_show(
        frames in prop::collection::vec(prop::collection::vec(any_cell(), 0..60), 1..5)
    ) {
        let size = Size::new(30, 6);
        let mut painter = Wire::new(size, false);
        let mut wire = Vec::new();
        for cells in &frames {
            wire.extend(write_on(&mut painter, size, cells));
        }
        let last = write_on(&mut Wire::new(size, false), size, frames.last().expect("one"));
        let (one, other) = (shown(&wire, 30, 6), shown(&last, 30, 6));
        for row in 0..6 {
            for column in 0..30 {
                prop_assert_eq!(looks(&one, row, column), looks(&other, row, column), "{} {}", row, column);
            }
        }
    }
}
