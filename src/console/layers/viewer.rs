//! An opened thing, scrolled.

use ratatui::buffer::Buffer;
use ratatui::text::Line;

use super::scroll::Scroll;
use crate::console::action::Action;
use crate::console::details::Want;
use crate::console::keymap::Context;
use crate::console::layer::{Extent, Layer};
use crate::console::pane::{Answer, Ask, Cx, Input};
use crate::console::sheet::{Content, Sheet};

/// The layer of an opened thing.
pub struct Viewer {
    sheet: Box<dyn Sheet>,
    content: Content,
    scroll: Scroll,
    laid_out: Option<Layout>,
    toggled: u32,
}

/// What the content was laid out for; anything else calls for another lay-out.
#[derive(Clone, Debug, PartialEq)]
struct Layout {
    width: u16,
    toggled: u32,
    theme: String,
    /// Address of the detail: another detail is another address, since the one laid out is kept alive beside it.
    detail: String,
}

impl Viewer {
    /// Shows `sheet`.
    #[must_use]
    pub fn new(sheet: Box<dyn Sheet>) -> Self {
        Self { sheet, content: Content::default(), scroll: Scroll::default(), laid_out: None, toggled: 0 }
    }

    fn step(&mut self, forward: bool) {
        let here = self.scroll.top();
        let mut places = self.content.places.iter().copied();
        let mark = |row: usize| row.saturating_sub(1);
        let to = if forward { places.find(|row| mark(*row) > here) } else { places.rfind(|row| mark(*row) < here) };
        if let Some(row) = to {
            self.scroll.follow(Action::Top);
            for _ in 0..mark(row) {
                self.scroll.follow(Action::Down);
            }
        }
    }
}

impl Layer for Viewer {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        self.scroll.beside(cx, self.sheet.title(cx), "  ")
    }

    fn extent(&self, _cx: &Cx<'_>) -> Extent {
        Extent::Full
    }

    fn context(&self) -> Context {
        Context::Viewer
    }

    fn hints(&self) -> &'static [Action] {
        &[
            Action::ViewClose,
            Action::Down,
            Action::PageDown,
            Action::ViewNext,
            Action::ViewToggle,
            Action::ViewCopy,
            Action::ViewHelp,
        ]
    }

    fn prepare(&mut self, cx: &Cx<'_>) {
        let detail = match self.sheet.want().map(|want| cx.detail(&want)) {
            Some(crate::console::details::Loaded::Ready(detail)) => format!("{:p}", std::sync::Arc::as_ptr(&detail)),
            Some(crate::console::details::Loaded::Failed(_)) => "failed".to_owned(),
            Some(crate::console::details::Loaded::Loading) => "loading".to_owned(),
            None => String::new(),
        };
        let layout = Layout { width: cx.area.width, toggled: self.toggled, theme: cx.theme.name.clone(), detail };
        if self.laid_out.as_ref() != Some(&layout) {
            self.content = self.sheet.lay_out(cx, cx.area.width);
            self.laid_out = Some(layout);
        }
        self.scroll.settle(self.content.rows(), cx.area.height);
    }

    fn update(&mut self, cx: &Cx<'_>, input: &Input) -> Answer {
        match input.action() {
            Some(Action::ViewClose) => Answer::ask(Ask::Close),
            Some(Action::ViewToggle) => {
                if self.sheet.toggle() {
                    self.toggled += 1;
                    Answer::done()
                } else {
                    Answer::ask(Ask::Say("There is only one way to look at this.".to_owned()))
                }
            }
            Some(Action::ViewNext) => {
                self.step(true);
                Answer::done()
            }
            Some(Action::ViewPrevious) => {
                self.step(false);
                Answer::done()
            }
            Some(Action::ViewCopy) => match self.sheet.copied(cx) {
                Some((text, what)) => Answer::ask(Ask::Copy(text, what)),
                None => Answer::ask(Ask::Say("There is nothing to copy here.".to_owned())),
            },
            Some(action) if self.scroll.follow(action) => Answer::done(),
            _ => Answer::Ignored,
        }
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let made = self.content.lines.len();
        self.scroll.draw_each(cx, cx.area, buf, |row| match self.content.lines.get(row) {
            Some(line) => Some(line.clone()),
            None => self.content.later.get(row - made).map(|later| self.sheet.line(cx, cx.area.width, *later)),
        });
    }

    fn wants(&self, _cx: &Cx<'_>) -> Vec<Want> {
        self.sheet.want().into_iter().collect()
    }
}
