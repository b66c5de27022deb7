//! A window that moves over lines.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::action::Action;
use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::theme::Role;

/// Where the window is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scroll {
    top: usize,
    rows: usize,
    height: usize,
}

impl Scroll {
    /// There are `rows` lines and room for `height` of them.
    pub fn settle(&mut self, rows: usize, height: u16) {
        self.rows = rows;
        self.height = usize::from(height);
        self.top = self.top.min(rows.saturating_sub(self.height.max(1)));
    }

    /// Moves by a moving action; whether it was one.
    pub fn follow(&mut self, action: Action) -> bool {
        let page = self.height.max(2) - 1;
        let top = match action {
            Action::Up => self.top.saturating_sub(1),
            Action::Down => self.top + 1,
            Action::PageUp => self.top.saturating_sub(page),
            Action::PageDown => self.top + page,
            Action::HalfUp => self.top.saturating_sub(page / 2 + 1),
            Action::HalfDown => self.top + page / 2 + 1,
            Action::Top => 0,
            Action::Bottom => self.rows,
            _ => return false,
        };
        self.top = top.min(self.rows.saturating_sub(self.height.max(1)));
        true
    }

    /// Brings a row to the top third of the window.
    pub fn show(&mut self, row: usize) {
        self.top = row.saturating_sub(self.height / 3).min(self.rows.saturating_sub(self.height.max(1)));
    }

    /// Puts a row at the top of the window, as far as that goes.
    pub fn to(&mut self, row: usize) {
        self.top = row.min(self.rows.saturating_sub(self.height.max(1)));
    }

    /// Moves no further than it takes for the rows `from` to `to` to be in the window; the first of them at any rate.
    pub fn keep(&mut self, from: usize, to: usize) {
        let last = (self.top + self.height).saturating_sub(1);
        if to > last {
            self.top = (to + 1).saturating_sub(self.height);
        }
        self.top = self.top.min(from);
    }

    /// Whether a row is in the window.
    #[must_use]
    pub fn holds(&self, row: usize) -> bool {
        (self.top..self.top + self.height).contains(&row)
    }

    /// The first line in the window.
    #[must_use]
    pub fn top(&self) -> usize {
        self.top
    }

    /// Whether the last line is in the window, and there was room to see anything.
    #[must_use]
    pub fn at_end(&self) -> bool {
        self.height > 0 && self.top + self.height >= self.rows
    }

    /// Draws the lines in the window.
    pub fn draw(&self, lines: &[Line<'_>], cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
        self.draw_each(cx, area, buf, |row| lines.get(row).cloned());
    }

    /// Draws the lines in the window, each made when it is drawn.
    pub fn draw_each<'l>(&self, cx: &Cx<'_>, area: Rect, buf: &mut Buffer, line: impl Fn(usize) -> Option<Line<'l>>) {
        for row in 0..area.height {
            let Some(line) = line(self.top + usize::from(row)) else { break };
            safe::put(buf, area, row, line, cx.glyphs.cut);
        }
    }

    /// `title` and beside it, after `gap`, which part of the whole is in the window.
    #[must_use]
    pub fn beside(&self, cx: &Cx<'_>, mut title: Line<'static>, gap: &'static str) -> Line<'static> {
        if let Some(place) = self.place(cx) {
            title.spans.push(safe::lit(gap, cx.of(Role::Muted)));
            title.spans.extend(place.spans);
        }
        title
    }

    /// `12–40 of 300`, or nothing when all of it is in the window.
    fn place(&self, cx: &Cx<'_>) -> Option<Line<'static>> {
        (self.rows > self.height && self.height > 0).then(|| {
            let last = (self.top + self.height).min(self.rows);
            let more = if self.at_end() { "the end" } else { "more below" };
            Line::from(safe::made(format!("{}-{last} of {} {more}", self.top + 1, self.rows), cx.of(Role::Muted)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_seen_only_when_the_last_line_was_in_the_window() {
        let mut scroll = Scroll::default();
        scroll.settle(100, 0);
        assert!(!scroll.at_end());
        scroll.settle(100, 10);
        assert!(!scroll.at_end());
        scroll.follow(Action::PageDown);
        assert_eq!(scroll.top(), 9);
        scroll.follow(Action::Bottom);
        assert!(scroll.at_end());
        scroll.settle(5, 10);
        assert!(scroll.at_end() && scroll.top() == 0);
    }
}
