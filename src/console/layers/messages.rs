//! The messages so far, newest first.

use std::collections::VecDeque;

use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::text::Line;

use super::scroll::Scroll;
use crate::console::action::Action;
use crate::console::keymap::Context;
use crate::console::layer::{Extent, Layer};
use crate::console::model::Message;
use crate::console::pane::{Answer, Ask, Cx, Input};
use crate::console::safe;
use crate::console::theme::Role;

/// The layer of messages.
pub struct Messages {
    messages: Vec<(String, Message)>,
    rows: Vec<(String, bool)>,
    width: u16,
    scroll: Scroll,
}

impl Messages {
    /// The messages as they are now.
    #[must_use]
    pub fn new(messages: &VecDeque<Message>, zone: &TimeZone) -> Self {
        let messages = messages
            .iter()
            .rev()
            .map(|message| (message.at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string(), message.clone()))
            .collect();
        Self { messages, rows: Vec::new(), width: 0, scroll: Scroll::default() }
    }
}

impl Layer for Messages {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        Line::from(safe::lit(" Messages, newest first ", cx.of(Role::DialogTitle)))
    }

    fn extent(&self, _cx: &Cx<'_>) -> Extent {
        Extent::Full
    }

    fn context(&self) -> Context {
        Context::Viewer
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::ViewClose, Action::Down, Action::PageDown]
    }

    fn prepare(&mut self, cx: &Cx<'_>) {
        if self.width != cx.area.width {
            self.width = cx.area.width;
            self.rows.clear();
            for (time, message) in &self.messages {
                let text = safe::clean(&message.text, crate::event::Policy::Prose);
                for (nth, line) in safe::wrap(&text, cx.area.width.saturating_sub(9)).into_iter().enumerate() {
                    let time = if nth == 0 { time.as_str() } else { "" };
                    self.rows.push((format!("{time:8} {line}"), message.bad));
                }
            }
        }
        self.scroll.settle(self.rows.len(), cx.area.height);
    }

    fn update(&mut self, _cx: &Cx<'_>, input: &Input) -> Answer {
        match input.action() {
            Some(Action::ViewClose) => Answer::ask(Ask::Close),
            Some(action) if self.scroll.follow(action) => Answer::done(),
            _ => Answer::Ignored,
        }
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        if self.rows.is_empty() {
            safe::put(
                buf,
                cx.area,
                0,
                Line::from(safe::lit("Nothing was said yet.", cx.of(Role::Muted))),
                cx.glyphs.cut,
            );
        }
        for (row, (text, bad)) in (0..cx.area.height).zip(self.rows.iter().skip(self.scroll.top())) {
            let style = cx.of(if *bad { Role::StatusError } else { Role::Text });
            safe::put(buf, cx.area, row, Line::from(safe::made(text, style)), cx.glyphs.cut);
        }
    }
}
