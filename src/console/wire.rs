//! From changed cells to bytes: few of them, from a short list of sequences, collected so that a frame is one write.
//!
//! Only these are ever written: SGR, CUP, CUF, ECH, ED, the private modes 25, 1049, 2004, 2026 (and 1000 with 1006 when
//! the mouse is on), and OSC 52 from [`super::clipboard`].

use std::convert::Infallible;
use std::fmt::Write as _;

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr as _;

/// Erasing pays from so many blanks on: what it saves must outweigh the two sequences it takes.
const ERASE_FROM: usize = 12;

/// Ratatui's way to the terminal; writes into memory.
#[derive(Debug)]
pub struct Wire {
    out: String,
    size: Size,
    synchronized: bool,
    pen: Pen,
    at: Option<Position>,
    cursor_shown: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Pen {
    const PLAIN: Self = Self { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

    fn of(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, modifier: cell.modifier }
    }
}

impl Wire {
    /// A wire to a terminal of `size`; `synchronized` brackets each frame with DEC 2026.
    #[must_use]
    pub fn new(size: Size, synchronized: bool) -> Self {
        Self { out: String::new(), size, synchronized, pen: Pen::PLAIN, at: None, cursor_shown: false }
    }

    /// The terminal has another size now.
    pub fn resize(&mut self, size: Size) {
        self.size = size;
    }

    /// The bytes since the last call, bracketed when that is wanted; empty when there are none.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        if self.out.is_empty() {
            return Vec::new();
        }
        let body = std::mem::take(&mut self.out);
        if self.synchronized { format!("\x1b[?2026h{body}\x1b[?2026l").into_bytes() } else { body.into_bytes() }
    }

    /// What is known of the terminal's state is no longer true: somebody else wrote to it.
    pub fn forget(&mut self) {
        self.at = None;
        self.cursor_shown = true;
        self.out.push_str("\x1b[0m");
        self.pen = Pen::PLAIN;
    }

    /// Adds a whole sequence that draws nothing.
    pub fn pass(&mut self, bytes: &[u8]) {
        self.out.push_str(&String::from_utf8_lossy(bytes));
    }

    fn go(&mut self, x: u16, y: u16) {
        match self.at {
            Some(at) if at == (Position { x, y }) => {}
            Some(at) if at.y == y && at.x < x => {
                let _ = write!(self.out, "\x1b[{}C", x - at.x);
            }
            _ => {
                let _ = write!(self.out, "\x1b[{};{}H", y + 1, x + 1);
            }
        }
        self.at = Some(Position { x, y });
    }

    fn ink(&mut self, pen: Pen) {
        if pen == self.pen {
            return;
        }
        let mut codes = Vec::with_capacity(4);
        let mut from = self.pen;
        if !pen.modifier.contains(from.modifier) {
            codes.push("0".to_owned());
            from = Pen::PLAIN;
        }
        for (modifier, code) in [
            (Modifier::BOLD, "1"),
            (Modifier::DIM, "2"),
            (Modifier::ITALIC, "3"),
            (Modifier::UNDERLINED, "4"),
            (Modifier::REVERSED, "7"),
            (Modifier::CROSSED_OUT, "9"),
        ] {
            if pen.modifier.contains(modifier) && !from.modifier.contains(modifier) {
                codes.push(code.to_owned());
            }
        }
        if pen.fg != from.fg {
            codes.push(colour(pen.fg, 30));
        }
        if pen.bg != from.bg {
            codes.push(colour(pen.bg, 40));
        }
        // Modifiers that have no code here change nothing.
        if !codes.is_empty() {
            let _ = write!(self.out, "\x1b[{}m", if codes == ["0"] { String::new() } else { codes.join(";") });
        }
        self.pen = pen;
    }
}

/// The SGR code of a colour; `base` is 30 for the text and 40 for the ground.
fn colour(colour: Color, base: u8) -> String {
    let plain = |n: u8| (base + n).to_string();
    let bright = |n: u8| (base + 60 + n).to_string();
    match colour {
        Color::Reset => plain(9),
        Color::Black => plain(0),
        Color::Red => plain(1),
        Color::Green => plain(2),
        Color::Yellow => plain(3),
        Color::Blue => plain(4),
        Color::Magenta => plain(5),
        Color::Cyan => plain(6),
        Color::Gray => plain(7),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
        Color::Indexed(index) => format!("{};5;{index}", base + 8),
        Color::Rgb(r, g, b) => format!("{};2;{r};{g};{b}", base + 8),
    }
}

fn is_blank(cell: &Cell) -> bool {
    cell.symbol() == " " && Pen::of(cell) == Pen::PLAIN
}

impl Backend for Wire {
    type Error = Infallible;

    fn draw<'a, I>(&mut self, content: I) -> Result<(), Infallible>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let cells: Vec<_> = content.collect();
        let mut nth = 0;
        while let Some((x, y, cell)) = cells.get(nth).copied() {
            let run = (0u16..)
                .zip(&cells[nth..])
                .take_while(|(step, (x2, y2, other))| *y2 == y && *x2 == x.saturating_add(*step) && is_blank(other))
                .count();
            self.go(x, y);
            self.ink(Pen::of(cell));
            if run >= ERASE_FROM {
                let _ = write!(self.out, "\x1b[{run}X");
                nth += run;
                continue;
            }
            self.out.push_str(cell.symbol());
            let wide = u16::try_from(cell.symbol().width()).unwrap_or(1);
            // At the right edge terminals differ in where the cursor is now.
            let next = x.saturating_add(wide);
            self.at = (next < self.size.width).then_some(Position { x: next, y });
            nth += 1;
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> Result<(), Infallible> {
        if self.cursor_shown {
            self.out.push_str("\x1b[?25l");
            self.cursor_shown = false;
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> Result<(), Infallible> {
        if !self.cursor_shown {
            self.out.push_str("\x1b[?25h");
            self.cursor_shown = true;
        }
        Ok(())
    }

    fn get_cursor_position(&mut self) -> Result<Position, Infallible> {
        Ok(self.at.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), Infallible> {
        let position = position.into();
        self.go(position.x, position.y);
        Ok(())
    }

    fn clear(&mut self) -> Result<(), Infallible> {
        self.ink(Pen::PLAIN);
        self.out.push_str("\x1b[H\x1b[2J");
        self.at = Some(Position::default());
        Ok(())
    }

    fn clear_region(&mut self, _region: ClearType) -> Result<(), Infallible> {
        self.clear()
    }

    fn size(&self) -> Result<Size, Infallible> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> Result<WindowSize, Infallible> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::default() })
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the wire is tested below the door for text")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui::Terminal;
    use ratatui::style::Style;

    fn shown(bytes: &[u8], width: u16, height: u16) -> vt100::Parser {
        let size = |n: u16| n.try_into().expect("not zero");
        let mut parser = vt100::Parser::new(size(height), size(width), 0);
        parser.process(bytes);
        parser
    }

    #[test]
    fn an_unchanged_frame_costs_nothing() {
        let mut terminal = Terminal::new(Wire::new(Size::new(40, 10), true)).expect("a terminal");
        let mut draw = |text: &'static str| {
            terminal.draw(|frame| frame.buffer_mut().set_string(1, 1, text, Style::new())).expect("drawn");
            terminal.backend_mut().take()
        };
        assert!(!draw("hello").is_empty());
        assert_eq!(draw("hello"), b"");
        let changed = draw("hellO");
        assert!(changed.len() <= 8 + 1 + 16, "{changed:?}");
    }

    #[test]
    fn a_long_blank_run_is_erased_and_not_written() {
        let mut terminal = Terminal::new(Wire::new(Size::new(80, 3), false)).expect("a terminal");
        let long = "x".repeat(80);
        terminal.draw(|frame| frame.buffer_mut().set_string(0, 1, &long, Style::new())).expect("drawn");
        let mut all = terminal.backend_mut().take();
        terminal.draw(|frame| frame.buffer_mut().set_string(0, 1, "x", Style::new())).expect("drawn");
        let second = terminal.backend_mut().take();
        assert!(second.len() < 20, "{}", String::from_utf8_lossy(&second));
        all.extend(second);
        assert_eq!(shown(&all, 80, 3).screen().contents().trim(), "x");
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
        let symbol = prop_oneof![Just("a"), Just(" "), Just("é"), Just("─")];
        let colour =
            prop_oneof![Just(Color::Reset), Just(Color::Red), Just(Color::Indexed(200)), Just(Color::Rgb(1, 2, 3))];
        let modifier =
            prop_oneof![Just(Modifier::empty()), Just(Modifier::BOLD), Just(Modifier::REVERSED | Modifier::BOLD)];
        (0..29u16, 0..6u16, symbol, colour.clone(), colour, modifier).prop_map(|(x, y, symbol, fg, bg, modifier)| {
            (x, y, symbol, Style::new().fg(fg).bg(bg).add_modifier(modifier))
        })
    }

    proptest! {
        /// Whatever was on the screen before, after the frame it looks as if it had been painted on an empty one.
        #[test]
        fn frames_add_up_to_what_a_fresh_screen_would_show(
            frames in prop::collection::vec(prop::collection::vec(any_cell(), 0..60), 1..5)
        ) {
            let mut terminal = Terminal::new(Wire::new(Size::new(30, 6), false)).expect("a terminal");
            let mut wire = Vec::new();
            let paint = |terminal: &mut Terminal<Wire>, cells: &[(u16, u16, &'static str, Style)]| {
                terminal.draw(|frame| {
                    for (x, y, symbol, style) in cells {
                        frame.buffer_mut().set_string(*x, *y, symbol, *style);
                    }
                }).expect("drawn");
                terminal.backend_mut().take()
            };
            for cells in &frames {
                wire.extend(paint(&mut terminal, cells));
            }
            let mut fresh = Terminal::new(Wire::new(Size::new(30, 6), false)).expect("a terminal");
            let last = paint(&mut fresh, frames.last().expect("one"));
            let (one, other) = (shown(&wire, 30, 6), shown(&last, 30, 6));
            for row in 0..6 {
                for column in 0..30 {
                    prop_assert_eq!(looks(&one, row, column), looks(&other, row, column), "{} {}", row, column);
                }
            }
        }
    }
}
