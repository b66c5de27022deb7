//! One row of fixed columns.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::widgets::words;
use crate::event::{Time, Untrusted};

/// Builds a row from left to right, never wider than it was made for.
pub struct Row<'c, 'a> {
    cx: &'c Cx<'a>,
    spans: Vec<Span<'static>>,
    left: usize,
}

impl<'c, 'a> Row<'c, 'a> {
    /// An empty row of at most `columns`.
    #[must_use]
    pub fn new(cx: &'c Cx<'a>, columns: u16) -> Self {
        Self { cx, spans: Vec::new(), left: usize::from(columns) }
    }

    /// Columns still free.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left
    }

    /// Spans as wide as they are, cut at the end of the row.
    #[must_use]
    pub fn spans(self, spans: Vec<Span<'static>>) -> Self {
        let wide = spans.iter().map(Span::width).sum();
        self.column(spans, wide, wide)
    }

    /// Words of the program.
    #[must_use]
    pub fn lit(self, text: &'static str, style: Style) -> Self {
        self.spans(vec![safe::lit(text, style)])
    }

    /// Something the program put together.
    #[must_use]
    pub fn made(self, text: impl AsRef<str>, style: Style) -> Self {
        self.spans(vec![safe::made(text, style)])
    }

    /// Text of the program in a column of `columns`, on the left.
    #[must_use]
    pub fn col(self, text: impl AsRef<str>, columns: usize, style: Style) -> Self {
        let span = safe::made(text, style);
        let wide = span.width();
        self.column(vec![span], wide, columns)
    }

    /// Text of the program in a column of `columns`, on the right: numbers.
    #[must_use]
    pub fn num(self, text: impl AsRef<str>, columns: usize, style: Style) -> Self {
        let wide = safe::width(text.as_ref());
        let pad = columns.saturating_sub(wide);
        let span = safe::made(text, style);
        self.column(vec![safe::made(" ".repeat(pad), style), span], wide + pad, columns)
    }

    /// Text from outside in a column of `columns`.
    #[must_use]
    pub fn name(self, text: &Untrusted, columns: usize, style: Style) -> Self {
        let columns = columns.min(self.left);
        let spans = words::prose(self.cx, text, columns, style);
        let wide = spans.iter().map(Span::width).sum();
        self.column(spans, wide, columns)
    }

    /// Text from outside in what is left of the row.
    #[must_use]
    pub fn rest(self, text: &Untrusted, style: Style) -> Self {
        let spans = words::prose(self.cx, text, self.left, style);
        self.spans(spans)
    }

    /// A time as `03:07:41`, or `03:07` in a narrow row.
    #[must_use]
    pub fn clock(self, time: Time, seconds: bool, style: Style) -> Self {
        let text = if seconds { self.cx.clock(time) } else { self.cx.clock_short(time) };
        self.made(text, style)
    }

    /// Puts `spans`, `wide` columns in all, at the right end of the row.
    #[must_use]
    pub fn end(self, spans: Vec<Span<'static>>) -> Self {
        let wide: usize = spans.iter().map(Span::width).sum();
        let gap = self.left.saturating_sub(wide);
        self.made(" ".repeat(gap), Style::default()).spans(spans)
    }

    /// The line.
    #[must_use]
    pub fn line(self) -> Line<'static> {
        Line::from(self.spans)
    }

    fn column(mut self, spans: Vec<Span<'static>>, wide: usize, columns: usize) -> Self {
        let columns = columns.min(self.left);
        if wide > columns {
            let fitted = safe::fit(Line::from(spans), u16::try_from(columns).unwrap_or(u16::MAX), self.cx.glyphs.cut);
            let used = fitted.width();
            self.spans.extend(fitted.spans);
            self.pad(columns.saturating_sub(used));
        } else {
            self.spans.extend(spans);
            self.pad(columns - wide);
        }
        self.left -= columns;
        self
    }

    fn pad(&mut self, columns: usize) {
        if columns > 0 {
            self.spans.push(safe::made(" ".repeat(columns), Style::default()));
        }
    }
}
