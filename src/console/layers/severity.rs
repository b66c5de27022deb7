//! How severe it is: what is known of harm, reach, reversibility and exposure is ticked, the rest is asked, a level follows.
//! It is set by the person who presses the key, never by what is suggested.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::triage::ANSWERS;
use crate::console::action::Action;
use crate::console::keymap::Context;
use crate::console::layer::{Extent, Layer};
use crate::console::pane::{Answer, Ask, Cx, Input};
use crate::console::rating::Answered;
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::words;
use crate::engine::view::IncidentView;
use crate::event::IncidentId;
use crate::response::Act;
use crate::surface::severity::Rubric;

/// The layer of the rubric.
pub struct Severity {
    incident: IncidentId,
    /// What the person answered here.
    own: Vec<Option<usize>>,
    /// The row the person chose; `None` = the first question that would settle it, or the levels.
    at: Option<usize>,
}

impl Severity {
    /// The rubric for an incident.
    #[must_use]
    pub fn new(incident: IncidentId) -> Self {
        Self { incident, own: Vec::new(), at: None }
    }

    fn stand<'a>(&self, cx: &Cx<'a>) -> Option<(&'a IncidentView, Answered, usize)> {
        let incident = cx.live.incidents.items.iter().find(|incident| incident.id == self.incident)?;
        let answered = Answered::of(cx.rubric, incident, &self.own);
        let end = cx.rubric.questions().len();
        let at = self.at.or(answered.suggestion.open.first().copied()).unwrap_or(end).min(end);
        Some((incident, answered, at))
    }

    /// Sets level `nth`.
    fn set(&self, rubric: &Rubric, answered: &Answered, nth: usize) -> Answer {
        let Some(level) = rubric.levels().get(nth) else {
            return Answer::ask(Ask::Say("The rubric has no such level.".to_owned()));
        };
        let act = Act::Rate {
            severity: level.counts_as,
            name: level.name.as_str().into(),
            suggested: answered.level(rubric).map(Into::into),
            why: answered.whole(rubric).into(),
            rubric: rubric.digest(),
        };
        Answer::Done(vec![Ask::Close, Ask::Perform(self.incident, act)])
    }
}

/// One question in two lines: its name with the answer, and where that comes from.
fn question(cx: &Cx<'_>, answered: &Answered, nth: usize) -> Line<'static> {
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    let question = &cx.rubric.questions()[nth];
    let mut spans = match answered.answers.get(nth).and_then(Option::as_ref) {
        None => {
            let matters = answered.suggestion.open.contains(&nth);
            let word = if matters { "not known" } else { "not known, and changes nothing" };
            vec![
                safe::lit(cx.glyphs.question, cx.of(Role::Unclear)),
                safe::made(format!(" {:<14}", question.name), text),
                safe::lit(word, cx.of(if matters { Role::Unclear } else { Role::Muted })),
            ]
        }
        Some((answer, words)) => {
            let mut spans = vec![
                safe::lit(cx.glyphs.done, cx.of(Role::Good)),
                safe::made(format!(" {:<14}", question.name), text),
                safe::made(format!("{:<12}", question.answers.get(*answer).map_or("", |one| &one.name)), text),
            ];
            match words {
                None => spans.push(safe::lit("you say", muted)),
                Some(words) => {
                    spans.extend([safe::lit(cx.glyphs.quote, cx.of(Role::Untrusted)), safe::lit(" ", muted)]);
                    spans.extend(words::prose(cx, words, 120, muted));
                }
            }
            spans
        }
    };
    spans.insert(0, safe::lit(" ", text));
    Line::from(spans)
}

/// What stands below: the question under the cursor with a key for each answer, or the levels.
fn bottom(cx: &Cx<'_>, incident: &IncidentView, answered: &Answered, at: usize) -> Vec<Line<'static>> {
    let columns = usize::from(cx.area.width);
    let muted = cx.of(Role::Muted);
    let key = |action: Action| cx.keymap.first(action).unwrap_or_else(|| format!(":{}", action.about().name));
    let keyed = |action: Action, name: &str, says: &str, marked: bool| {
        let mut spans = vec![
            safe::made(format!("{:>3}  ", key(action)), cx.of(Role::Key)),
            safe::made(format!("{name:<13}"), cx.of(if marked { Role::Focus } else { Role::Text })),
        ];
        spans.push(safe::made(says, muted));
        words::wrap(spans, columns, 18)
    };
    if let Some(question) = cx.rubric.questions().get(at) {
        let given = answered.answers.get(at).and_then(Option::as_ref).map(|(answer, _)| *answer);
        let mut lines = words::wrapped(&question.asks, columns, cx.of(Role::Title));
        for (nth, (answer, action)) in question.answers.iter().zip(ANSWERS).enumerate() {
            lines.extend(keyed(action, &answer.name, &answer.says, given == Some(nth)));
        }
        return lines;
    }
    let now = match &incident.rated {
        Some(rated) => {
            format!("It is {} now. Which one is it?", safe::clean(rated.name.raw(), crate::event::Policy::Prose))
        }
        None => "Nobody has set it yet. Which one is it?".to_owned(),
    };
    let mut lines = words::wrapped(&now, columns, cx.of(Role::Title));
    let clear = answered.suggestion.clear();
    for (nth, (level, action)) in cx.rubric.levels().iter().zip(ANSWERS).enumerate() {
        let name = if clear == Some(nth) { format!("{} suggested", level.name) } else { level.name.clone() };
        lines.extend(keyed(action, &name, &format!(" {}", level.means), clear == Some(nth)));
    }
    if clear.is_some() {
        lines.push(Line::from(safe::made(format!("{} sets what is suggested.", key(Action::ViewOpen)), muted)));
    }
    lines
}

impl Layer for Severity {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        let suggested = self.stand(cx).map_or_else(String::new, |(_, answered, _)| answered.suggested(cx.rubric));
        let text = format!(" How severe is {}? Suggested: {suggested} ", self.incident);
        Line::from(safe::made(text, cx.of(Role::DialogTitle)))
    }

    fn extent(&self, _cx: &Cx<'_>) -> Extent {
        Extent::Full
    }

    fn context(&self) -> Context {
        Context::Triage
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::Up, Action::Down, Action::ViewClose, Action::ViewHelp]
    }

    fn update(&mut self, cx: &Cx<'_>, input: &Input) -> Answer {
        let Some(action) = input.action() else { return Answer::Ignored };
        if action == Action::ViewClose {
            return Answer::ask(Ask::Close);
        }
        let Some((_, answered, at)) = self.stand(cx) else { return Answer::Ignored };
        let end = cx.rubric.questions().len();
        match action {
            Action::Up => self.at = Some(at.saturating_sub(1)),
            Action::Down => self.at = Some((at + 1).min(end)),
            Action::Top => self.at = Some(0),
            Action::Bottom => self.at = Some(end),
            Action::ViewOpen if at < end => self.at = Some(at + 1),
            Action::ViewOpen => match answered.suggestion.clear() {
                Some(level) => return self.set(cx.rubric, &answered, level),
                None => {
                    let text = "No single level is suggested: the number of a level sets it.";
                    return Answer::ask(Ask::Say(text.to_owned()));
                }
            },
            action => match (ANSWERS.iter().position(|one| *one == action), cx.rubric.questions().get(at)) {
                (Some(nth), None) => return self.set(cx.rubric, &answered, nth),
                (Some(nth), Some(question)) if nth < question.answers.len() => {
                    self.own.resize(end, None);
                    self.own[at] = Some(nth);
                    // On to the next one that matters, or to the levels.
                    self.at = None;
                }
                (Some(_), Some(_)) => {
                    return Answer::ask(Ask::Say("This question has no such answer.".to_owned()));
                }
                (None, _) => return Answer::Ignored,
            },
        }
        Answer::done()
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let Some((incident, answered, at)) = self.stand(cx) else {
            let line = Line::from(safe::lit("This incident is not in the picture any more.", cx.of(Role::Muted)));
            safe::put(buf, cx.area, 0, line, cx.glyphs.cut);
            return;
        };
        let end = cx.rubric.questions().len();
        let mut rows: Vec<Line<'static>> = (0..end).map(|nth| question(cx, &answered, nth)).collect();
        let because = answered.because(cx.rubric);
        let because = if because.is_empty() { String::new() } else { format!(", by {because}") };
        let level = format!("   the level: suggested {}{because}", answered.suggested(cx.rubric));
        rows.push(Line::from(safe::made(level, cx.of(Role::Title))));
        let bottom = bottom(cx, incident, &answered, at);
        // The answers are there however little room is left; of the rows above those around the cursor.
        let room = usize::from(cx.area.height).saturating_sub(bottom.len() + 1).max(1);
        let top = (at + 1).saturating_sub(room);
        let mut on_screen = 0;
        for (nth, line) in rows.into_iter().enumerate().skip(top).take(room) {
            safe::put(buf, cx.area, on_screen, line, cx.glyphs.cut);
            if nth == at {
                buf.set_style(Rect { y: cx.area.y + on_screen, height: 1, ..cx.area }, cx.of(Role::Cursor));
            }
            on_screen += 1;
        }
        for (row, line) in (on_screen + 1..cx.area.height).zip(bottom) {
            safe::put(buf, cx.area, row, line, cx.glyphs.cut);
        }
    }
}
