//! Accepting, modifying or rejecting a hypothesis, with the reason.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::prompt::Prompt;
use crate::console::action::Action;
use crate::console::keymap::Context;
use crate::console::layer::{Extent, Layer};
use crate::console::pane::{Answer, Ask, Cx, Input, Now};
use crate::console::safe;
use crate::console::sure;
use crate::console::theme::Role;
use crate::engine::view::IncidentView;
use crate::event::{Calibration, Cause, Confidence, Digest, IncidentId, Policy, Seq, Surface, Untrusted, Verdict};
use crate::response::Act;

/// Which of the three answers is being given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It is this.
    Accept,
    /// It is nearly this.
    Modify,
    /// It is not this.
    Reject,
}

impl Way {
    fn word(self) -> &'static str {
        match self {
            Self::Accept => "Accept",
            Self::Modify => "Modify",
            Self::Reject => "Reject",
        }
    }
}

/// The layer of a decision. What it is about is fixed when it opens; news cannot change it.
pub struct Decision {
    way: Way,
    incident: IncidentId,
    diagnosis: Seq,
    inputs: Digest,
    rank: u32,
    cause: Cause,
    mechanism: Untrusted,
    confidence: Confidence,
    calibration: Option<Calibration>,
    opened: Vec<Untrusted>,
    shown_at: Duration,
    pub(super) form: CauseForm,
    reason: Prompt,
}

impl Decision {
    /// Decides on the hypothesis of `rank` (1 = leading), first on the screen `shown_for` milliseconds ago; `None` when
    /// there is no such hypothesis.
    #[must_use]
    pub fn new(
        incident: &IncidentView,
        rank: u32,
        way: Way,
        opened: Vec<Untrusted>,
        shown_for: u64,
        now: Now,
    ) -> Option<Self> {
        let shown = incident.diagnosis.as_ref()?;
        let hypothesis = shown.diagnosis.hypotheses.get(usize::try_from(rank).ok()?.checked_sub(1)?)?;
        Some(Self {
            way,
            incident: incident.id,
            diagnosis: shown.seq,
            inputs: shown.diagnosis.inputs,
            rank,
            cause: hypothesis.cause.clone(),
            mechanism: hypothesis.mechanism.clone(),
            confidence: hypothesis.confidence,
            calibration: shown.diagnosis.calibration,
            opened,
            shown_at: now.mono.saturating_sub(Duration::from_millis(shown_for)),
            form: CauseForm::new(incident, &hypothesis.cause),
            reason: Prompt::default(),
        })
    }

    fn act(&self, now: Now) -> Act {
        let verdict = match self.way {
            Way::Accept => Verdict::Accept,
            Way::Modify => Verdict::Modify { instead: self.form.cause() },
            Way::Reject => Verdict::Reject,
        };
        Act::Decide {
            diagnosis: self.diagnosis,
            inputs: self.inputs,
            rank: self.rank,
            cause: self.cause.clone(),
            shown_share: self.confidence.share,
            verdict,
            reason: self.reason.text().into(),
            opened: self.opened.clone(),
            took_ms: u64::try_from(now.mono.saturating_sub(self.shown_at).as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Fields before the reason.
    fn fields(&self) -> usize {
        if self.way == Way::Modify { CauseForm::FIELDS } else { 0 }
    }
}

impl Layer for Decision {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        Line::from(safe::made(
            format!(" {} hypothesis {} of {} ", self.way.word(), self.rank, self.incident),
            cx.of(Role::DialogTitle),
        ))
    }

    fn extent(&self, _cx: &Cx<'_>) -> Extent {
        Extent::Box { width: 84, height: 9 + u16::try_from(self.fields()).unwrap_or(3) }
    }

    fn context(&self) -> Context {
        Context::Input
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::InputAccept, Action::InputComplete, Action::InputCancel]
    }

    fn update(&mut self, cx: &Cx<'_>, input: &Input) -> Answer {
        let in_form = self.form.field < self.fields();
        match input {
            Input::Do(command) => match command.action {
                Action::InputCancel => {
                    return Answer::Done(vec![Ask::Close, Ask::Say("Nothing was decided.".to_owned())]);
                }
                Action::InputAccept => {
                    if self.way == Way::Modify && self.form.cause() == self.cause {
                        return Answer::ask(Ask::Say(
                            "This is the same cause as the hypothesis names: change it, or accept it instead."
                                .to_owned(),
                        ));
                    }
                    return Answer::Done(vec![Ask::Close, Ask::Perform(self.incident, self.act(cx.now))]);
                }
                Action::InputComplete | Action::InputDown => {
                    self.form.field = (self.form.field + 1) % (self.fields() + 1);
                }
                Action::InputUp => self.form.field = (self.form.field + self.fields()) % (self.fields() + 1),
                Action::InputClear => {
                    if !in_form {
                        self.reason.clear();
                    }
                }
                _ => return Answer::Ignored,
            },
            Input::Key(key) if in_form => self.form.press(*key),
            Input::Key(key) => {
                if !self.reason.press(*key) {
                    return Answer::Ignored;
                }
            }
            Input::Paste(text) if in_form => self.form.paste(text),
            Input::Paste(text) => self.reason.paste(text),
        }
        Answer::done()
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let text = cx.of(Role::Dialog);
        let muted = cx.of(Role::Muted);
        let mut row = 0;
        let mechanism = safe::clean(self.mechanism.raw(), Policy::Prose);
        for line in safe::wrap(&mechanism, cx.area.width.saturating_sub(2)).into_iter().take(2) {
            let line = Line::from(vec![
                safe::lit(cx.glyphs.quote, cx.of(Role::Untrusted)),
                safe::lit(" ", text),
                safe::made(line, text),
            ]);
            safe::put(buf, cx.area, row, line, cx.glyphs.cut);
            row += 1;
        }
        let sure = sure::sure(self.confidence, self.calibration.as_ref())
            .unwrap_or_else(|| "no record yet says how often such a share is right".to_owned());
        safe::put(buf, cx.area, row, Line::from(safe::made(sure, muted)), cx.glyphs.cut);
        let looked = if self.opened.is_empty() {
            "Nothing was opened before deciding; that is recorded too.".to_owned()
        } else {
            format!("{} things were opened before deciding.", self.opened.len())
        };
        safe::put(buf, cx.area, row + 1, Line::from(safe::made(looked, muted)), cx.glyphs.cut);
        row += 3;
        if self.fields() > 0 {
            self.form.draw(cx, buf, row);
            row += u16::try_from(CauseForm::FIELDS).unwrap_or(3);
        }
        let here = self.form.field >= self.fields();
        label(cx, buf, row, "why", here);
        let (line, _) = self.reason.drawn(cx, cx.area.width.saturating_sub(LABEL));
        safe::put(buf, value_area(cx), row, line, cx.glyphs.cut);
        let done = cx.keymap.first(Action::InputAccept).unwrap_or_default();
        let line = Line::from(vec![
            safe::made(done, cx.of(Role::Key)),
            safe::lit(" records it; the reason may stay empty", cx.of(Role::KeyText)),
        ]);
        safe::put(buf, cx.area, cx.area.height.saturating_sub(1), line, cx.glyphs.cut);
    }

    fn cursor(&self, cx: &Cx<'_>) -> Option<(u16, u16)> {
        let lines = safe::wrap(&safe::clean(self.mechanism.raw(), Policy::Prose), cx.area.width.saturating_sub(2));
        let head = u16::try_from(lines.len().min(2)).ok()? + 3;
        let field = self.form.field;
        if field < self.fields() {
            return self.form.cursor(cx, head);
        }
        let (_, column) = self.reason.drawn(cx, cx.area.width.saturating_sub(LABEL));
        let row = head + u16::try_from(self.fields()).ok()?;
        (row < cx.area.height).then_some((cx.area.x + LABEL + column, cx.area.y + row))
    }
}

/// Columns of a field's label.
pub(super) const LABEL: u16 = 12;

pub(super) fn value_area(cx: &Cx<'_>) -> Rect {
    Rect { x: cx.area.x + LABEL, width: cx.area.width.saturating_sub(LABEL), ..cx.area }
}

pub(super) fn label(cx: &Cx<'_>, buf: &mut Buffer, row: u16, text: &'static str, here: bool) {
    let sign = if here { cx.glyphs.cursor } else { " " };
    let style = cx.of(if here { Role::Key } else { Role::Muted });
    safe::put(
        buf,
        cx.area,
        row,
        Line::from(vec![safe::lit(sign, style), safe::lit(" ", style), safe::lit(text, style)]),
        cx.glyphs.cut,
    );
}

/// A cause being put together: surface, component, change.
pub(super) struct CauseForm {
    surface: Option<Surface>,
    subject: Prompt,
    change: Option<usize>,
    changes: Vec<(Untrusted, String)>,
    pub(super) field: usize,
    none_allowed: bool,
}

impl CauseForm {
    /// Surface, component, change.
    pub(super) const FIELDS: usize = 3;

    pub(super) fn new(incident: &IncidentView, cause: &Cause) -> Self {
        let changes: Vec<_> = incident
            .changes
            .items
            .iter()
            .map(|change| {
                let text = |text: &Untrusted| safe::clean(text.raw(), Policy::Prose);
                (
                    change.id.clone(),
                    format!("{} {} {}", change.surface.name(), text(&change.subject), text(&change.summary)),
                )
            })
            .collect();
        let change = cause.change.as_ref().and_then(|id| changes.iter().position(|(other, _)| other == id));
        let subject = Prompt::with(cause.subject.as_ref().map_or("", Untrusted::raw));
        Self { surface: Some(cause.surface), subject, change, changes, field: 0, none_allowed: false }
    }

    /// The same form, in which "nothing was wrong" is an answer too.
    pub(super) fn or_nothing(mut self) -> Self {
        self.none_allowed = true;
        self
    }

    pub(super) fn surface(&self) -> Option<Surface> {
        self.surface
    }

    pub(super) fn subject(&self) -> Option<Untrusted> {
        (!self.subject.is_empty()).then(|| self.subject.text().into())
    }

    pub(super) fn change(&self) -> Option<Untrusted> {
        self.change.and_then(|nth| self.changes.get(nth)).map(|(id, _)| id.clone())
    }

    fn cause(&self) -> Cause {
        Cause { surface: self.surface.unwrap_or(Surface::Code), subject: self.subject(), change: self.change() }
    }

    pub(super) fn press(&mut self, key: crate::console::key::Key) {
        use crossterm::event::KeyCode;
        let by = match key.code {
            KeyCode::Left => -1,
            KeyCode::Right | KeyCode::Char(' ') => 1,
            _ => 0,
        };
        match self.field {
            0 => {
                let all: Vec<_> = Surface::ALL.into_iter().map(Some).chain(self.none_allowed.then_some(None)).collect();
                let at = all.iter().position(|surface| *surface == self.surface);
                if let KeyCode::Char(c) = key.code
                    && c != ' '
                {
                    // A letter goes to the next surface that begins with it.
                    let from = at.map_or(0, |at| at + 1);
                    let next = (0..all.len()).map(|step| all[(from + step) % all.len()]);
                    if let Some(found) = next.into_iter().find(|s| s.is_some_and(|s| s.name().starts_with(c))) {
                        self.surface = found;
                    }
                    return;
                }
                self.surface = all[step(at.unwrap_or(0), by, all.len())];
            }
            1 => {
                self.subject.press(key);
            }
            _ => {
                // The place after the last change is "none of them".
                let places = self.changes.len() + 1;
                let at = step(self.change.unwrap_or(self.changes.len()), by, places);
                self.change = (at < self.changes.len()).then_some(at);
            }
        }
    }

    pub(super) fn paste(&mut self, text: &str) {
        if self.field == 1 {
            self.subject.paste(text);
        }
    }

    pub(super) fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer, row: u16) {
        let text = cx.of(Role::Dialog);
        let around = |on: bool, what: String| {
            let (left, right) = if on { ("< ", " >") } else { ("  ", "") };
            Line::from(vec![
                safe::lit(left, cx.of(Role::Key)),
                safe::made(what, text),
                safe::lit(right, cx.of(Role::Key)),
            ])
        };
        label(cx, buf, row, "surface", self.field == 0);
        let surface = self.surface.map_or("nothing was wrong", Surface::name);
        safe::put(buf, value_area(cx), row, around(self.field == 0, surface.to_owned()), cx.glyphs.cut);
        label(cx, buf, row + 1, "component", self.field == 1);
        let (line, _) = self.subject.drawn(cx, cx.area.width.saturating_sub(LABEL));
        safe::put(buf, value_area(cx), row + 1, line, cx.glyphs.cut);
        label(cx, buf, row + 2, "change", self.field == 2);
        let change = match self.change.and_then(|nth| self.changes.get(nth)) {
            Some((_, text)) => text.clone(),
            None => format!("none of the {} known ones", self.changes.len()),
        };
        safe::put(buf, value_area(cx), row + 2, around(self.field == 2, change), cx.glyphs.cut);
    }

    pub(super) fn cursor(&self, cx: &Cx<'_>, row: u16) -> Option<(u16, u16)> {
        (self.field == 1).then(|| {
            let (_, column) = self.subject.drawn(cx, cx.area.width.saturating_sub(LABEL));
            (cx.area.x + LABEL + column, cx.area.y + row + 1)
        })
    }
}

fn step(at: usize, by: isize, of: usize) -> usize {
    let of = isize::try_from(of.max(1)).unwrap_or(1);
    let to = (isize::try_from(at).unwrap_or(0) + by).rem_euclid(of);
    usize::try_from(to).unwrap_or(0)
}
