//! What changed: each surface of the feature, every change, most suspicious first, with why it can or cannot be it, and
//! the key series before and since.

use ratatui::buffer::Buffer;
use ratatui::text::Line;

use super::filter::Filter;
use super::{say, strip};
use crate::console::action::Action;
use crate::console::cursor::Cursor;
use crate::console::outcome;
use crate::console::pane::{Answer, Ask, Cx, Input, Pane, PaneKind, Picked};
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::row::Row;
use crate::console::widgets::{list, meter, words};
use crate::engine::view::{
    Attribution, ChangeLine, IncidentView, Moved, Opens, SeriesLine, Standing, SurfaceLine, SurfaceState,
};
use crate::event::{ChangeClass, Policy, Surface, Untrusted};

/// The changes.
#[derive(Debug, Default)]
pub struct Changes {
    cursor: Cursor<Key>,
    keys: Vec<Key>,
    words: Filter,
    /// Rows for the reason of what is under the cursor.
    strip: u16,
}

/// Names a row.
#[derive(Clone, Debug, PartialEq)]
enum Key {
    Outcome,
    Part(usize),
    Surface(Surface),
    Change(Untrusted),
    Series(Untrusted, Untrusted, usize),
}

fn class(class: ChangeClass) -> &'static str {
    match class {
        ChangeClass::Merge => "merge",
        ChangeClass::Deploy => "deploy",
        ChangeClass::Rollback => "rollback",
        ChangeClass::Flag => "flag",
        ChangeClass::Config => "config",
        ChangeClass::Prompt => "prompt",
        ChangeClass::Model => "model",
        ChangeClass::Index => "index",
        ChangeClass::Tool => "tool",
        ChangeClass::Judge => "judge",
        ChangeClass::Routing => "routing",
        ChangeClass::Other => "other",
    }
}

fn surface_row(cx: &Cx<'_>, line: &SurfaceLine) -> Line<'static> {
    let (sign, role) = match &line.state {
        SurfaceState::Changed { .. } => (cx.glyphs.differs, Role::Changed),
        SurfaceState::Same { .. } => (cx.glyphs.same, Role::Same),
        SurfaceState::NotCaptured { .. } => (cx.glyphs.missing, Role::NotCaptured),
    };
    let style = cx.of(role);
    let row = Row::new(cx, cx.area.width).lit(sign, style).lit(" ", style).col(line.surface.name(), 11, style);
    match &line.state {
        SurfaceState::Changed { before, after, change } => {
            let mut spans = words::prose(cx, before, row.left().saturating_sub(3) * 2 / 3, style);
            spans.push(safe::made(format!(" {} ", cx.glyphs.arrow), style));
            spans.extend(words::prose(cx, &say::since(before, after), row.left(), style));
            if change.is_none() {
                spans.push(safe::lit("  in no change log", cx.of(Role::Unclear)));
            }
            row.spans(spans).line()
        }
        SurfaceState::Same { value } => row.rest(value, style).line(),
        SurfaceState::NotCaptured { missing } => row.lit("not captured: no ", style).rest(missing, style).line(),
    }
}

/// Parts that explain the outcome, or might, shown above the surfaces.
const ACCUSED: usize = 3;

fn outcome_row(cx: &Cx<'_>, outcome: &Attribution) -> Line<'static> {
    let style = cx.of(Role::Text);
    let before = outcome::rate(outcome.before);
    let bars = if cx.area.width >= 60 { 6 } else { 3 };
    Row::new(cx, cx.area.width)
        .lit(cx.glyphs.drift, cx.of(Role::Changed))
        .lit(" failures ", style)
        .spans(meter::bar(cx, before, bars, cx.of(Role::Share)))
        .lit(" ", style)
        .spans(meter::bar(cx, outcome::rate(outcome.since), bars, cx.of(Role::Bad)))
        .made(format!(" {}", outcome::change(outcome, cx.glyphs.arrow)), style)
        .line()
}

fn part_row(cx: &Cx<'_>, moved: &Moved) -> Line<'static> {
    let (word, role) = match moved.standing {
        Standing::Explains => ("explains it", Role::Bad),
        Standing::Confounded { .. } => ("cannot be told apart", Role::Unclear),
        Standing::TooFew => ("too few runs", Role::Muted),
        Standing::Innocent => ("innocent", Role::Muted),
    };
    let style = cx.of(Role::Text);
    let word = vec![safe::lit(word, cx.of(role))];
    let row = Row::new(cx, cx.area.width).lit("  ", style);
    let name = outcome::named(moved);
    let left = row.left().saturating_sub(word[0].width() + 1);
    row.name(&name, left, style).lit(" ", style).end(word).line()
}

fn outcome_words(cx: &Cx<'_>, width: usize) -> Vec<Line<'static>> {
    let Some(outcome) = cx.incident.and_then(|incident| incident.around.outcome.as_ref()) else { return Vec::new() };
    words::wrapped(&outcome::headline(outcome, cx.glyphs.arrow), width, cx.of(Role::Text))
}

fn change_row(cx: &Cx<'_>, change: &ChangeLine) -> Line<'static> {
    let text = cx.of(if change.suspicion >= 0.2 { Role::Text } else { Role::Muted });
    let wide = cx.area.width >= 60;
    let mut row = Row::new(cx, cx.area.width)
        .spans(meter::bar(cx, change.suspicion, if wide { 5 } else { 3 }, cx.of(Role::Share)))
        .lit(" ", text)
        .clock(change.at, wide, cx.of(Role::Time))
        .lit(" ", text)
        .col(class(change.class), 9, text);
    if !change.subject.is_empty() {
        // What was done to it says more than its whole name.
        let summary: usize =
            words::prose(cx, &change.summary, row.left(), text).iter().map(ratatui::text::Span::width).sum();
        let room = row.left().saturating_sub(summary + 1).clamp(8, 22);
        row = row.spans(words::prose(cx, &change.subject, room, text)).lit(" ", text);
    }
    if wide && !change.actor.is_empty() {
        let actor = words::prose(cx, &change.actor, 14, cx.of(Role::Muted));
        let left = row.left().saturating_sub(15);
        return row.name(&change.summary, left, text).lit(" ", text).end(actor).line();
    }
    row.rest(&change.summary, text).line()
}

fn series_row(cx: &Cx<'_>, series: &SeriesLine) -> Line<'static> {
    let text = cx.of(Role::Text);
    let wide = usize::from(cx.area.width);
    let spark = (wide / 4).clamp(6, 30);
    let moved = format!("{} {} {}", meter::value(series.before), cx.glyphs.arrow, meter::value(series.after));
    let row = Row::new(cx, cx.area.width);
    let left = wide.saturating_sub(spark + 17);
    // Two cut names tell less than one whole one; the strip says whose it is.
    let row = if left < 36 {
        row.name(&series.name, left + 1, text)
    } else {
        row.name(&series.name, left / 2, text).lit(" ", text).name(&series.service, left - left / 2, cx.of(Role::Muted))
    };
    row.num(moved, 15, text)
        .lit(" ", text)
        .spans(vec![meter::spark(cx, &series.values, spark, cx.of(Role::Chart))])
        .line()
}

impl Changes {
    fn change<'a>(&self, cx: &Cx<'a>) -> Option<&'a ChangeLine> {
        match self.cursor.key()? {
            Key::Change(id) => cx.incident?.changes.items.iter().find(|change| change.id == *id),
            Key::Surface(surface) => {
                let incident = cx.incident?;
                let line = incident.surfaces.iter().find(|line| line.surface == *surface)?;
                let SurfaceState::Changed { change: Some(id), .. } = &line.state else { return None };
                incident.changes.items.iter().find(|change| change.id == *id)
            }
            Key::Outcome | Key::Part(_) | Key::Series(..) => None,
        }
    }

    /// What is said in the strip about the row under the cursor.
    fn why(&self, cx: &Cx<'_>) -> Vec<Line<'static>> {
        let width = usize::from(cx.area.width);
        if let Some(change) = self.change(cx) {
            let mut spans = vec![safe::lit("why ", cx.of(Role::Muted))];
            spans.extend(words::prose(cx, &change.why, width * 3, cx.of(Role::Text)));
            if !change.has_diff {
                spans.push(safe::lit(" (no text before and after: no diff)", cx.of(Role::Muted)));
            }
            return words::wrap(spans, width, 4);
        }
        if let Some(Key::Series(name, service, _)) = self.cursor.key() {
            let mut spans = words::prose(cx, name, 80, cx.of(Role::Text));
            spans.push(safe::lit(" of ", cx.of(Role::Muted)));
            spans.extend(words::prose(cx, service, 80, cx.of(Role::Text)));
            spans.push(safe::lit(": medians before and since the onset; the line runs on to now.", cx.of(Role::Muted)));
            return words::wrap(spans, width, 4);
        }
        match self.cursor.key() {
            Some(Key::Outcome) => return outcome_words(cx, width),
            Some(Key::Part(nth)) => {
                let text = cx.incident.and_then(|incident| {
                    let outcome = incident.around.outcome.as_ref()?;
                    Some(outcome::verdict(outcome, outcome.moved.get(*nth)?))
                });
                let text = text.unwrap_or_default();
                return words::wrap(words::whole(cx, &text, Policy::Prose, cx.of(Role::Text)), width, 0);
            }
            _ => {}
        }
        let Some(Key::Surface(surface)) = self.cursor.key() else { return Vec::new() };
        let state = cx.incident.and_then(|incident| incident.surfaces.iter().find(|line| line.surface == *surface));
        let text = match state.map(|line| &line.state) {
            Some(SurfaceState::Changed { change: Some(_), .. }) => "A change of it was logged; it is not in this list.",
            Some(SurfaceState::Changed { .. }) => "Seen in the runs only; nobody logged a change.",
            Some(SurfaceState::Same { .. }) => "The runs before and since carry the same value.",
            Some(SurfaceState::NotCaptured { .. }) => "The runs do not say. That is not the same as unchanged.",
            None => "",
        };
        words::wrapped(text, width, cx.of(Role::Muted))
    }
}

fn shows(filter: &Filter, change: &ChangeLine) -> bool {
    filter.shows(&[
        change.subject.raw(),
        change.summary.raw(),
        change.actor.raw(),
        change.why.raw(),
        class(change.class),
        change.surface.name(),
    ])
}

fn rows<'a>(incident: &'a IncidentView, filter: &'a Filter) -> impl Iterator<Item = Key> + 'a {
    // What moved stands first, in the order of the triage walk.
    let moved = |line: &&SurfaceLine| matches!(line.state, SurfaceState::Changed { .. });
    let surfaces =
        incident.surfaces.iter().filter(moved).chain(incident.surfaces.iter().filter(move |line| !moved(line)));
    let surfaces = surfaces.filter(|_| !filter.is_on()).map(|line| Key::Surface(line.surface));
    // What the runs say of the outcome stands above what is merely different; parts that are innocent are on the sheet.
    let outcome = incident.around.outcome.as_ref().filter(|_| !filter.is_on());
    let accused = outcome.into_iter().flat_map(|outcome| {
        let of = |(nth, moved): (usize, &Moved)| (moved.standing != Standing::Innocent).then_some(Key::Part(nth));
        outcome.moved.iter().enumerate().filter_map(of)
    });
    let outcome = outcome.map(|_| Key::Outcome).into_iter().chain(accused.take(ACCUSED));
    let changes = incident.changes.items.iter().filter(|change| shows(filter, change));
    // A name and a component may stand for several series: labels tell them apart, and their order.
    let series =
        incident.series.iter().enumerate().filter(|(_, one)| filter.shows(&[one.name.raw(), one.service.raw()]));
    outcome
        .chain(surfaces)
        .chain(changes.map(|change| Key::Change(change.id.clone())))
        .chain(series.map(|(nth, one)| Key::Series(one.name.clone(), one.service.clone(), nth)))
}

impl Pane for Changes {
    fn kind(&self) -> PaneKind {
        PaneKind::Changes
    }

    fn summary(&self, cx: &Cx<'_>) -> Line<'static> {
        let Some(incident) = cx.incident else { return Line::default() };
        let moved = incident.surfaces.iter().filter(|line| matches!(line.state, SurfaceState::Changed { .. })).count();
        let mut text = list::counted(incident.changes.items.len(), incident.changes.hidden);
        if !incident.surfaces.is_empty() {
            text = format!("{moved} of {} moved, {text} changes", incident.surfaces.len());
        }
        let mut spans = vec![safe::made(text, cx.of(Role::Muted))];
        spans.extend(self.words.said(cx));
        Line::from(spans)
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::Diff, Action::Open, Action::Compare, Action::Filter]
    }

    fn prepare(&mut self, cx: &Cx<'_>) {
        self.keys = cx.incident.map(|incident| rows(incident, &self.words).collect()).unwrap_or_default();
        self.strip = strip::rows(cx.area.height, 4, 5);
        self.cursor.settle(&self.keys, strip::above(cx.area, self.strip).height);
    }

    fn update(&mut self, cx: &Cx<'_>, input: &Input) -> Answer {
        let Input::Do(command) = input else { return Answer::Ignored };
        if self.words.hear(command) {
            self.prepare(cx);
            return Answer::done();
        }
        match command.action {
            Action::Open if matches!(self.cursor.key(), Some(Key::Outcome | Key::Part(_))) => {
                Answer::ask(Ask::Open(Opens::Moved))
            }
            Action::Open => match self.change(cx) {
                Some(change) => Answer::ask(Ask::Open(Opens::Change { id: change.id.clone() })),
                // What nobody logged is seen in what the runs are made of.
                None if matches!(self.cursor.key(), Some(Key::Surface(_))) => {
                    Answer::ask(Ask::Open(Opens::Surfaces { sides: Untrusted::default() }))
                }
                None => Answer::ask(Ask::Say("No logged change stands for this row.".to_owned())),
            },
            action if self.cursor.follow(action, &self.keys) => Answer::done(),
            _ => Answer::Ignored,
        }
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let Some(incident) = cx.incident else { return say::no_incident(cx, buf) };
        if self.keys.is_empty() {
            let to = say::address(cx, "/events").map(|at| format!(" to {at}")).unwrap_or_default();
            let how = format!(
                "Changes come as CloudEvents or CDEvents{to}: deploys, merges, flags, prompts, models, indexes, tools. \
                 Nothing known is not the same as nothing changed."
            );
            let what = if self.words.is_on() { "No change matches." } else { "No change is known around the onset." };
            list::empty(cx, buf, what, &how);
            return;
        }
        let area = strip::above(cx.area, self.strip);
        list::draw(cx, buf, area, &self.cursor, self.keys.len(), incident.changes.hidden, |nth| {
            match &self.keys[nth] {
                Key::Outcome => incident.around.outcome.as_ref().map_or_else(Line::default, |one| outcome_row(cx, one)),
                Key::Part(nth) => incident
                    .around
                    .outcome
                    .as_ref()
                    .and_then(|one| Some(part_row(cx, one.moved.get(*nth)?)))
                    .unwrap_or_default(),
                Key::Surface(surface) => incident
                    .surfaces
                    .iter()
                    .find(|line| line.surface == *surface)
                    .map_or_else(Line::default, |line| surface_row(cx, line)),
                Key::Change(id) => incident
                    .changes
                    .items
                    .iter()
                    .find(|change| change.id == *id)
                    .map_or_else(Line::default, |change| change_row(cx, change)),
                Key::Series(_, _, nth) => {
                    incident.series.get(*nth).map_or_else(Line::default, |series| series_row(cx, series))
                }
            }
        });
        strip::draw(cx, buf, self.strip, self.why(cx));
    }

    fn picked(&self, cx: &Cx<'_>) -> Option<Picked> {
        self.change(cx).map(|change| Picked::Change(change.id.clone()))
    }

    fn at_home(&self) -> bool {
        self.cursor.at_home()
    }

    fn go_home(&mut self) {
        self.cursor.go_home();
    }

    fn go_to(&mut self, _cx: &Cx<'_>, picked: &Picked) -> bool {
        match picked {
            Picked::Change(id) => self.cursor.go_to(&Key::Change(id.clone()), &self.keys),
            _ => false,
        }
    }
}
