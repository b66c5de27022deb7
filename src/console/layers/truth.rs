//! Confirming what the cause really was.

use ratatui::buffer::Buffer;
use ratatui::text::Line;

use super::decision::{CauseForm, LABEL, label, value_area};
use super::prompt::Prompt;
use crate::console::action::Action;
use crate::console::keymap::Context;
use crate::console::layer::{Extent, Layer};
use crate::console::pane::{Answer, Ask, Cx, Input};
use crate::console::safe;
use crate::console::theme::Role;
use crate::engine::view::IncidentView;
use crate::event::{Cause, IncidentId, Surface, Time, Truth, Verdict};
use crate::response::Act;

/// The layer in which the truth is confirmed.
pub struct TruthForm {
    incident: IncidentId,
    form: CauseForm,
    words: Prompt,
    onset: Option<Time>,
}

impl TruthForm {
    /// Begins with what was decided last, or else with the leading hypothesis: only as a place to start from.
    #[must_use]
    pub fn new(incident: &IncidentView) -> Self {
        let decided = incident.decisions.iter().rev().find_map(|decision| match &decision.verdict {
            Verdict::Accept => Some(decision.cause.clone()),
            Verdict::Modify { instead } => Some(instead.clone()),
            Verdict::Reject => None,
        });
        let diagnosis = incident.diagnosis.as_ref().map(|shown| &shown.diagnosis);
        let leading = || diagnosis.and_then(|diagnosis| diagnosis.hypotheses.first()).map(|one| one.cause.clone());
        let cause = decided.or_else(leading).unwrap_or(Cause { surface: Surface::Code, subject: None, change: None });
        Self {
            incident: incident.id,
            form: CauseForm::new(incident, &cause).or_nothing(),
            words: Prompt::default(),
            onset: diagnosis.and_then(|diagnosis| diagnosis.onset),
        }
    }
}

impl Layer for TruthForm {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        Line::from(safe::made(format!(" What was the cause of {}? ", self.incident), cx.of(Role::DialogTitle)))
    }

    fn extent(&self, _cx: &Cx<'_>) -> Extent {
        Extent::Box { width: 84, height: 9 }
    }

    fn context(&self) -> Context {
        Context::Input
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::InputAccept, Action::InputComplete, Action::InputCancel]
    }

    fn update(&mut self, _cx: &Cx<'_>, input: &Input) -> Answer {
        let in_form = self.form.field < CauseForm::FIELDS;
        match input {
            Input::Do(command) => match command.action {
                Action::InputCancel => {
                    return Answer::Done(vec![Ask::Close, Ask::Say("Nothing was confirmed.".to_owned())]);
                }
                Action::InputAccept => {
                    let wrong = self.form.surface().is_some();
                    let truth = Truth {
                        surface: self.form.surface(),
                        subject: self.form.subject().filter(|_| wrong),
                        change: self.form.change().filter(|_| wrong),
                        onset: self.onset.filter(|_| wrong),
                        text: self.words.text().into(),
                    };
                    return Answer::Done(vec![Ask::Close, Ask::Perform(self.incident, Act::Confirm(truth))]);
                }
                Action::InputComplete | Action::InputDown => {
                    self.form.field = (self.form.field + 1) % (CauseForm::FIELDS + 1);
                }
                Action::InputUp => self.form.field = (self.form.field + CauseForm::FIELDS) % (CauseForm::FIELDS + 1),
                _ => return Answer::Ignored,
            },
            Input::Key(key) if in_form => self.form.press(*key),
            Input::Key(key) => {
                if !self.words.press(*key) {
                    return Answer::Ignored;
                }
            }
            Input::Paste(text) if in_form => self.form.paste(text),
            Input::Paste(text) => self.words.paste(text),
        }
        Answer::done()
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let muted = cx.of(Role::Muted);
        let line =
            Line::from(safe::lit("It is held against every hypothesis and every decision of this incident.", muted));
        safe::put(buf, cx.area, 0, line, cx.glyphs.cut);
        self.form.draw(cx, buf, 2);
        label(cx, buf, 5, "in words", self.form.field >= CauseForm::FIELDS);
        let (line, _) = self.words.drawn(cx, cx.area.width.saturating_sub(LABEL));
        safe::put(buf, value_area(cx), 5, line, cx.glyphs.cut);
        let key = |action| safe::made(cx.keymap.first(action).unwrap_or_default(), cx.of(Role::Key));
        let line = Line::from(vec![
            key(Action::InputComplete),
            safe::lit(" next field   ", cx.of(Role::KeyText)),
            safe::lit("left, right", cx.of(Role::Key)),
            safe::lit(" choose   ", cx.of(Role::KeyText)),
            key(Action::InputAccept),
            safe::lit(" records it", cx.of(Role::KeyText)),
        ]);
        safe::put(buf, cx.area, cx.area.height.saturating_sub(1), line, cx.glyphs.cut);
    }

    fn cursor(&self, cx: &Cx<'_>) -> Option<(u16, u16)> {
        if self.form.field < CauseForm::FIELDS {
            return self.form.cursor(cx, 2);
        }
        let (_, column) = self.words.drawn(cx, cx.area.width.saturating_sub(LABEL));
        Some((cx.area.x + LABEL + column, cx.area.y + 5))
    }
}
