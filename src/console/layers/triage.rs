//! The guided walk over what an AI feature is made of: what evidence answers is ticked, the rest is asked one by one.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::console::action::Action;
use crate::console::keymap::Context;
use crate::console::layer::{Extent, Layer};
use crate::console::pane::{Answer, Ask, Cx, Input, PaneKind, Picked};
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::words;
use crate::engine::view::IncidentView;
use crate::event::{IncidentId, Surface};
use crate::response::Act;
use crate::surface::triage::{BranchWalk, Known, MOST_ANSWERS, Question, State, Tree, Walk};

/// The keys of the answers.
pub(super) const ANSWERS: [Action; MOST_ANSWERS] =
    [Action::Answer1, Action::Answer2, Action::Answer3, Action::Answer4, Action::Answer5, Action::Answer6];

/// The same question is not answered twice by a key that bounced.
const BOUNCE: Duration = Duration::from_millis(800);

/// The layer of the walk.
pub struct Triage {
    incident: IncidentId,
    tree: Arc<Tree>,
    /// The row the person chose; `None` = the first open question, or the end.
    at: Option<usize>,
    /// The question answered last, and when.
    sent: Option<(String, Duration)>,
}

/// How far the walk is in the newest picture: an answer moves it once it is on record.
struct Stand<'a> {
    incident: &'a IncidentView,
    known: Known,
    walk: Walk<'a>,
    /// The row of the cursor; the row after the last branch is the end.
    at: usize,
}

impl Triage {
    /// The walk of `tree` for an incident.
    #[must_use]
    pub fn new(incident: IncidentId, tree: Arc<Tree>) -> Self {
        Self { incident, tree, at: None, sent: None }
    }

    /// How far the walk of `tree` is.
    fn stand<'a>(&self, tree: &'a Tree, cx: &Cx<'a>) -> Option<Stand<'a>> {
        let incident = cx.live.incidents.items.iter().find(|incident| incident.id == self.incident)?;
        let known = incident.known();
        let walk = Walk::of(tree, &known, &incident.triage_said());
        let end = walk.branches.len();
        let at = self.at.or(walk.open()).unwrap_or(end).min(end);
        Some(Stand { incident, known, walk, at })
    }

    /// Records an answer, with the evidence when it says the same.
    fn record(&mut self, cx: &Cx<'_>, known: &Known, question: &Question, nth: usize) -> Answer {
        let Some(answer) = question.answers.get(nth) else {
            return Answer::ask(Ask::Say("This question has no such answer.".to_owned()));
        };
        let bounced = |(name, at): &(String, Duration)| *name == question.name && cx.now.mono < *at + BOUNCE;
        if self.sent.as_ref().is_some_and(bounced) {
            return Answer::done();
        }
        self.sent = Some((question.name.clone(), cx.now.mono));
        self.at = None;
        Answer::ask(self.said(known, question, &answer.name))
    }

    fn said(&self, known: &Known, question: &Question, answer: &str) -> Ask {
        let evidence = question.by_evidence(known).filter(|(found, _)| found.name == answer).map(|(_, words)| words);
        let act = Act::AnswerTriage {
            tree: self.tree.digest(),
            question: question.name.as_str().into(),
            asked: question.asks.as_str().into(),
            answer: answer.into(),
            evidence,
        };
        Ask::Perform(self.incident, act)
    }

    /// Agrees with every answer that evidence gave in a branch.
    fn agree(&mut self, known: &Known, branch: &BranchWalk<'_>) -> Answer {
        let is_open = matches!(branch.state, State::Open(_));
        let by_evidence = branch.steps.iter().filter(|step| step.by.is_none() && !is_open);
        let asks: Vec<Ask> = by_evidence.map(|step| self.said(known, step.question, &step.answer.name)).collect();
        if asks.is_empty() {
            let text = "No evidence answers this one: the number of an answer answers it.";
            return Answer::ask(Ask::Say(text.to_owned()));
        }
        self.at = None;
        Answer::Done(asks)
    }
}

/// The question of a branch: the open one, else the one that decided.
fn question<'t>(branch: &BranchWalk<'t>) -> Option<&'t Question> {
    match branch.state {
        State::Open(question) => Some(question),
        _ => branch.steps.last().map(|step| step.question),
    }
}

/// From the end to the hypothesis that stands, or to what changed.
fn leave(incident: &IncidentView, walk: &Walk<'_>) -> Answer {
    let standing = walk.standing();
    let hypotheses = incident.diagnosis.iter().flat_map(|shown| &shown.diagnosis.hypotheses);
    let rank =
        (1u32..).zip(hypotheses).find(|(_, one)| standing.first() == Some(&one.cause.surface)).map(|(rank, _)| rank);
    let change = incident.changes.items.iter().find(|change| standing.contains(&change.surface));
    let to = match (rank, change) {
        (Some(rank), _) => Ask::Show(PaneKind::Hypotheses, Picked::Hypothesis(rank)),
        (None, Some(change)) => Ask::Show(PaneKind::Changes, Picked::Change(change.id.clone())),
        (None, None) => Ask::Focus(PaneKind::Changes),
    };
    Answer::Done(vec![Ask::Close, to])
}

fn names(surfaces: &[Surface]) -> String {
    surfaces.iter().map(|surface| surface.name()).collect::<Vec<_>>().join(", ")
}

/// A branch in one line, and the evidence it rests on.
fn branch_lines(cx: &Cx<'_>, branch: &BranchWalk<'_>) -> (Line<'static>, Option<Line<'static>>) {
    let muted = cx.of(Role::Muted);
    let (sign, role, state) = match branch.state {
        State::Open(_) => (cx.glyphs.question, Role::Unclear, "open".to_owned()),
        State::Stands(surface) if surface == branch.branch.surface => {
            (cx.glyphs.alert, Role::Bad, "left standing".to_owned())
        }
        State::Stands(surface) => (cx.glyphs.alert, Role::Bad, format!("{} stands", surface.name())),
        State::Clear => (cx.glyphs.done, Role::Good, "cleared".to_owned()),
        State::Unclear => (cx.glyphs.dot, Role::NotCaptured, "cannot be told".to_owned()),
    };
    let mut spans = vec![
        safe::lit(sign, cx.of(role)),
        safe::made(format!(" {:<22}", branch.branch.title), cx.of(Role::Text)),
        safe::made(format!("{state:<16}"), cx.of(role)),
    ];
    let mut below = None;
    if let Some(last) = branch.steps.last() {
        spans.push(safe::made(&last.answer.says, muted));
        match &last.by {
            Some(by) => {
                spans.push(safe::lit(", says ", muted));
                spans.extend(words::prose(cx, by, 24, muted));
            }
            None => spans.push(safe::lit(", says the evidence", muted)),
        }
        let quoted = branch.steps.iter().rev().find_map(|step| step.evidence.as_ref());
        below = quoted.map(|words| {
            let columns = usize::from(cx.area.width).saturating_sub(4);
            let mut spans = vec![safe::lit("  ", muted), safe::lit(cx.glyphs.quote, cx.of(Role::Untrusted))];
            spans.push(safe::lit(" ", muted));
            spans.extend(words::prose(cx, words, columns, muted));
            Line::from(spans)
        });
    }
    (Line::from(spans), below)
}

impl Stand<'_> {
    /// What the end says.
    fn end(&self) -> String {
        let open = self.walk.branches.iter().filter(|branch| matches!(branch.state, State::Open(_))).count();
        let standing = self.walk.standing();
        let told = match standing.as_slice() {
            [] => "Nothing is left standing".to_owned(),
            some => format!("Left standing: {}", names(some)),
        };
        if open > 0 { format!("{told}; {open} open") } else { told }
    }

    /// What can be done at the end.
    fn advice(&self, enter: &str) -> String {
        let unclear: Vec<&str> = self
            .walk
            .branches
            .iter()
            .filter(|branch| matches!(branch.state, State::Unclear))
            .map(|branch| branch.branch.title.as_str())
            .collect();
        let unclear = if unclear.is_empty() {
            String::new()
        } else {
            format!(" Cannot be told: {}; capture it, or ask who knows.", unclear.join(", "))
        };
        match self.walk.standing().as_slice() {
            [] => format!(
                "Nothing asked about is left standing: look at code, configuration, machines and other services. \
                 {enter} goes to what changed.{unclear}"
            ),
            [one] => format!("Left standing: {}. {enter} goes there.{unclear}", one.name()),
            [first, ..] => format!(
                "More than one is left standing: pin or replay one of them alone to tell them apart. {enter} goes to the \
                 first, {}.{unclear}",
                first.name()
            ),
        }
    }

    /// The question at the bottom, with one key an answer.
    fn bottom(&self, cx: &Cx<'_>) -> Vec<Line<'static>> {
        let columns = usize::from(cx.area.width);
        let muted = cx.of(Role::Muted);
        let key = |action: Action| cx.keymap.first(action).unwrap_or_else(|| format!(":{}", action.about().name));
        let Some(branch) = self.walk.branches.get(self.at) else {
            if let Some(nth) = self.walk.open() {
                let title = self.walk.branches.get(nth).map_or("", |open| open.branch.title.as_str());
                return words::wrapped(&format!("Not at the end yet: {title} is open."), columns, muted);
            }
            return words::wrapped(&self.advice(&key(Action::ViewOpen)), columns, cx.of(Role::Text));
        };
        let Some(question) = question(branch) else { return Vec::new() };
        let mut lines = words::wrapped(&question.asks, columns, cx.of(Role::Title));
        let found = question.by_evidence(&self.known);
        if let Some((answer, words)) = &found {
            let mut spans = vec![safe::made(format!("The evidence says {}: ", answer.name), muted)];
            spans.extend(words::prose(cx, words, 300, cx.of(Role::Text)));
            lines.extend(words::wrap(spans, columns, 2).into_iter().take(2));
        }
        for (answer, action) in question.answers.iter().zip(ANSWERS) {
            let mut spans: Vec<Span<'static>> = vec![
                safe::made(format!("{:>3}  ", key(action)), cx.of(Role::Key)),
                safe::made(format!("{:<13}", answer.name), cx.of(Role::Text)),
                safe::made(&answer.says, muted),
            ];
            if found.as_ref().is_some_and(|(agrees, _)| agrees.name == answer.name) {
                spans.push(safe::made(format!("  {} agrees", key(Action::ViewOpen)), cx.of(Role::Key)));
            }
            lines.push(Line::from(spans));
        }
        lines
    }
}

impl Layer for Triage {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        let open = self.stand(&self.tree, cx).map_or(0, |stand| {
            stand.walk.branches.iter().filter(|branch| matches!(branch.state, State::Open(_))).count()
        });
        let text = match open {
            0 => format!(" Triage of {}: every question is answered ", self.incident),
            1 => format!(" Triage of {}: one branch is open ", self.incident),
            n => format!(" Triage of {}: {n} branches are open ", self.incident),
        };
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
        let tree = Arc::clone(&self.tree);
        let Some(stand) = self.stand(&tree, cx) else { return Answer::Ignored };
        let end = stand.walk.branches.len();
        let branch = stand.walk.branches.get(stand.at);
        match action {
            Action::Up => self.at = Some(stand.at.saturating_sub(1)),
            Action::Down => self.at = Some((stand.at + 1).min(end)),
            Action::Top => self.at = Some(0),
            Action::Bottom => self.at = Some(end),
            Action::ViewOpen => match branch {
                Some(branch) => return self.agree(&stand.known, branch),
                None if stand.walk.open().is_some() => self.at = None,
                None => return leave(stand.incident, &stand.walk),
            },
            action => match (ANSWERS.iter().position(|one| *one == action), branch.and_then(question)) {
                (Some(nth), Some(question)) => return self.record(cx, &stand.known, question, nth),
                _ => return Answer::Ignored,
            },
        }
        Answer::done()
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let Some(stand) = self.stand(&self.tree, cx) else {
            let line = Line::from(safe::lit("This incident is not in the picture any more.", cx.of(Role::Muted)));
            safe::put(buf, cx.area, 0, line, cx.glyphs.cut);
            return;
        };
        let bottom = stand.bottom(cx);
        let height = usize::from(cx.area.height);
        let room = height.saturating_sub(bottom.len() + 1);
        let branches: Vec<_> = stand.walk.branches.iter().map(|branch| branch_lines(cx, branch)).collect();
        let end = safe::made(format!("  {}", stand.end()), cx.of(Role::Title));
        // Where there is little room, evidence is quoted only below the question.
        let all: usize = branches.iter().map(|(_, below)| 1 + usize::from(below.is_some())).sum::<usize>() + 1;
        let mut lines: Vec<(Line<'static>, Option<usize>)> = Vec::new();
        for (nth, (line, below)) in branches.into_iter().enumerate() {
            lines.push((line, Some(nth)));
            lines.extend(below.filter(|_| all <= room).map(|below| (below, None)));
        }
        lines.push((Line::from(end), Some(stand.walk.branches.len())));
        // The row of the cursor is there however little room is left.
        let top =
            (lines.iter().position(|(_, nth)| *nth == Some(stand.at)).unwrap_or(0) + 1).saturating_sub(room.max(1));
        for (row, (line, nth)) in (0..cx.area.height).zip(lines.into_iter().skip(top).take(room)) {
            safe::put(buf, cx.area, row, line, cx.glyphs.cut);
            if nth == Some(stand.at) {
                buf.set_style(Rect { y: cx.area.y + row, height: 1, ..cx.area }, cx.of(Role::Cursor));
            }
        }
        let from = u16::try_from(height.saturating_sub(bottom.len())).unwrap_or(0);
        if from > 0 {
            let rule = cx.glyphs.rule.repeat(usize::from(cx.area.width));
            safe::put(buf, cx.area, from - 1, Line::from(safe::made(rule, cx.of(Role::Chrome))), cx.glyphs.cut);
        }
        for (row, line) in (from..cx.area.height).zip(bottom) {
            safe::put(buf, cx.area, row, line, cx.glyphs.cut);
        }
    }
}
