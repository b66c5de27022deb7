//! From a frame to bytes: only what changed, from a short list of sequences, collected so that a frame is one write.
//!
//! Only these are ever written: SGR, CUP, CUF, ECH, ED, the private modes 25, 1049, 2004, 2026 (and 1000 with 1006 when
//! the mouse is on), and OSC 52 from [`super::clipboard`].
//!
//! The wire keeps the frame that is on the terminal and finds the difference itself. Ratatui's own diff takes it that
//! no sign ever half covers a wide one; what is left of the covered one then keeps a style of nobody's choosing.

mod changed;

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::{Color, Modifier};

use changed::{Changed, Reach, blank, looks_blank, pen};

/// Erasing pays from so many blanks on: what it saves must outweigh the two sequences it takes.
const ERASE_FROM: usize = 12;

/// The way to the terminal; writes into memory.
#[derive(Debug)]
pub struct Wire {
    out: String,
    synchronized: bool,
    pen: Pen,
    at: Option<Position>,
    cursor_shown: bool,
    /// What is on the terminal.
    shown: Buffer,
    /// What the next frame is drawn into.
    next: Buffer,
    changed: Changed,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Pen {
    const PLAIN: Self = Self { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };
}

fn sheet(size: Size) -> Buffer {
    Buffer::empty(Rect::new(0, 0, size.width, size.height))
}

impl Wire {
    /// A wire to an empty terminal of `size`; `synchronized` brackets each frame with DEC 2026.
    #[must_use]
    pub fn new(size: Size, synchronized: bool) -> Self {
        Self {
            out: String::new(),
            synchronized,
            pen: Pen::PLAIN,
            at: None,
            cursor_shown: false,
            shown: sheet(size),
            next: sheet(size),
            changed: Changed::default(),
        }
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

    /// What is known of the terminal is no longer true: somebody else wrote to it, or its size is another. It is
    /// cleared, and the next frame is written in full.
    pub fn forget(&mut self) {
        self.at = Some(Position::default());
        self.cursor_shown = true;
        self.pen = Pen::PLAIN;
        self.out.push_str("\x1b[0m\x1b[H\x1b[2J");
        self.shown.reset();
    }

    /// Adds a whole sequence that draws nothing.
    pub fn pass(&mut self, bytes: &[u8]) {
        self.out.push_str(&String::from_utf8_lossy(bytes));
    }

    /// The next frame, on a terminal of `size`: `paint` draws it on a blank ground and says where the text cursor
    /// stands, if it is to be seen.
    pub fn frame(&mut self, size: Size, paint: impl FnOnce(&mut Buffer) -> Option<Position>) {
        if size != self.shown.area.as_size() {
            self.shown = sheet(size);
            self.next = sheet(size);
            self.forget();
        }
        let mut next = std::mem::take(&mut self.next);
        next.reset();
        let cursor = paint(&mut next);
        for y in 0..size.height {
            self.row(&next, y);
        }
        self.next = std::mem::replace(&mut self.shown, next);
        match cursor {
            Some(at) => {
                self.go(at.x, at.y);
                self.see_cursor(true);
            }
            None => self.see_cursor(false),
        }
    }

    fn row(&mut self, next: &Buffer, y: u16) {
        let width = usize::from(next.area.width);
        let from = usize::from(y) * width;
        let (Some(was), Some(is)) = (self.shown.content.get(from..from + width), next.content.get(from..from + width))
        else {
            return;
        };
        if was == is {
            return;
        }
        let mut changed = std::mem::take(&mut self.changed);
        changed.compare(was, is);
        let mut x = 0;
        while x < width {
            let reach = changed.reach(x);
            if !changed.has(x) {
                x += reach.columns;
                continue;
            }
            let run = (x..width).take_while(|x| changed.has(*x) && blank(&is[*x])).count();
            self.go(column(x), y);
            if run >= ERASE_FROM {
                self.ink(Pen::PLAIN);
                let _ = write!(self.out, "\x1b[{run}X");
                x += run;
                continue;
            }
            if !looks_blank(&is[x], self.pen) {
                self.ink(pen(&is[x]));
            }
            self.sign(is[x].symbol(), reach, Position { x: column(x), y }, width - x);
            x += reach.columns;
        }
        self.changed = changed;
    }

    /// Writes one sign at `at`, where the pen is; `room` columns are left in the row.
    fn sign(&mut self, symbol: &str, reach: Reach, at: Position, room: usize) {
        let after = at.x.saturating_add(column(reach.columns));
        // At the right edge terminals differ in where the cursor is now.
        let known = (reach.columns < room).then_some(Position { x: after, ..at });
        if reach.most > room {
            // Where a terminal makes more of it than there is room, it would run on into the next row.
            self.out.extend(std::iter::repeat_n('?', reach.columns.min(room)));
            self.at = known;
        } else if reach.sure {
            self.out.push_str(symbol);
            self.at = known;
        } else {
            // A terminal that makes less of it shows what was there before: let that be nothing.
            self.out.extend(std::iter::repeat_n(' ', reach.columns));
            self.at = None;
            self.go(at.x, at.y);
            self.out.push_str(symbol);
            self.at = None;
        }
    }

    fn see_cursor(&mut self, see: bool) {
        if see != self.cursor_shown {
            self.out.push_str(if see { "\x1b[?25h" } else { "\x1b[?25l" });
            self.cursor_shown = see;
        }
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

fn column(x: usize) -> u16 {
    u16::try_from(x).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;
