//! Lines that are read and not chosen among; a cursor moves over them so that long ones scroll.

use ratatui::buffer::Buffer;
use ratatui::text::Line;

use crate::console::cursor::Cursor;
use crate::console::pane::{Answer, Cx, Input};
use crate::console::widgets::list;

/// The lines, and where the reader is.
#[derive(Debug)]
pub(super) struct Page {
    cursor: Cursor<usize>,
    lines: Vec<Line<'static>>,
    keys: Vec<usize>,
}

impl Page {
    /// Read from the first line on.
    pub(super) fn from_the_top() -> Self {
        Self { cursor: Cursor::default(), lines: Vec::new(), keys: Vec::new() }
    }

    /// Read at its end, where it grows.
    pub(super) fn at_the_end() -> Self {
        Self { cursor: Cursor::at_the_end(), ..Self::from_the_top() }
    }

    /// Takes the lines as they are now.
    pub(super) fn settle(&mut self, cx: &Cx<'_>, lines: Vec<Line<'static>>) {
        self.keys = (0..lines.len()).collect();
        self.lines = lines;
        self.cursor.settle(&self.keys, cx.area.height);
    }

    /// Moves.
    pub(super) fn hear(&mut self, input: &Input) -> Answer {
        match input.action() {
            Some(action) if self.cursor.follow(action, &self.keys) => Answer::done(),
            _ => Answer::Ignored,
        }
    }

    /// The lines on the screen, or what is missing and how it would come.
    pub(super) fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer, what: &'static str, how: &str) {
        if self.lines.is_empty() {
            return list::empty(cx, buf, what, how);
        }
        list::draw(cx, buf, cx.area, &self.cursor, self.lines.len(), 0, |nth| self.lines[nth].clone());
    }

    pub(super) fn at_home(&self) -> bool {
        self.cursor.at_home()
    }

    pub(super) fn go_home(&mut self) {
        self.cursor.go_home();
    }
}
