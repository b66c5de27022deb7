//! Everything that happened, oldest first, in one list.

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::text::Line;

use super::filter::Filter;
use super::say;
use crate::console::action::Action;
use crate::console::cursor::Cursor;
use crate::console::pane::{Answer, Ask, Cx, Input, Pane, PaneKind, Picked};
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::row::Row;
use crate::console::widgets::{list, meter};
use crate::engine::view::{Opens, TimelineItem};
use crate::event::{Kind, Seq};

/// What arrives this much after it happened is marked as late, when its followers had been known for [`AHEAD_MS`]. Longer
/// than an Alertmanager holds a group back by default.
const LATE_MS: i64 = 330_000;

/// So long before it its followers were known, which themselves happened as much later.
const AHEAD_MS: i64 = 60_000;

/// Which kinds are shown; `filter` without words goes from one to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kinds {
    #[default]
    All,
    Alerts,
    Changes,
    Judgement,
    People,
}

impl Kinds {
    fn next(self) -> Self {
        match self {
            Self::All => Self::Alerts,
            Self::Alerts => Self::Changes,
            Self::Changes => Self::Judgement,
            Self::Judgement => Self::People,
            Self::People => Self::All,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::All => "everything",
            Self::Alerts => "alerts",
            Self::Changes => "changes and notices",
            Self::Judgement => "what the engine thinks",
            Self::People => "people and actions",
        }
    }

    fn shows(self, kind: Kind) -> bool {
        match self {
            Self::All => true,
            Self::Alerts => matches!(kind, Kind::Alert | Kind::Truncated | Kind::IncidentOpened | Kind::Grouped),
            Self::Changes => matches!(kind, Kind::Change | Kind::Notice),
            Self::Judgement => matches!(kind, Kind::Diagnosed | Kind::Hunch | Kind::Decided | Kind::TruthConfirmed),
            Self::People => !matches!(
                kind,
                Kind::Alert
                    | Kind::Change
                    | Kind::Spans
                    | Kind::Logs
                    | Kind::Metrics
                    | Kind::Topology
                    | Kind::Notice
                    | Kind::Truncated
                    | Kind::Labelled
                    | Kind::IncidentOpened
                    | Kind::Grouped
                    | Kind::Diagnosed
            ),
        }
    }
}

/// Names a row: the entry, and which of its lines (one delivery may hold several things).
type Key = (Seq, usize);

/// The timeline.
#[derive(Debug)]
pub struct Timeline {
    cursor: Cursor<Key>,
    kinds: Kinds,
    words: Filter,
    /// What is shown of the incident's timeline, and its names.
    shown: Vec<Shown>,
    keys: Vec<Key>,
    /// Entries that came late: what followed them was already on the screen.
    late: BTreeSet<Seq>,
}

/// One row: a place in the incident's timeline, and how many later ones say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shown {
    place: usize,
    again: u64,
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            cursor: Cursor::at_the_end(),
            kinds: Kinds::All,
            words: Filter::default(),
            shown: Vec::new(),
            keys: Vec::new(),
            late: BTreeSet::new(),
        }
    }
}

impl Timeline {
    fn item<'a>(&self, cx: &Cx<'a>, nth: usize) -> Option<&'a TimelineItem> {
        cx.incident?.timeline.items.get(self.shown.get(nth)?.place)
    }

    fn under_cursor<'a>(&self, cx: &Cx<'a>) -> Option<&'a TimelineItem> {
        self.item(cx, self.cursor.row())
    }

    fn is_filtered(&self) -> bool {
        self.kinds != Kinds::All || self.words.is_on()
    }
}

/// The entries that arrived only after something that happened well after them. A journal that was read in afterwards
/// arrives late as a whole but in order: nothing of it is late in this sense.
fn late(items: &[TimelineItem]) -> BTreeSet<Seq> {
    let mut late = BTreeSet::new();
    let mut later = items.len();
    let mut first_known = None;
    for item in items.iter().rev() {
        let ms = item.at.as_millisecond();
        while later > 0 && items[later - 1].at.as_millisecond() >= ms.saturating_add(AHEAD_MS) {
            later -= 1;
            let arrived = items[later].arrived;
            first_known = Some(first_known.map_or(arrived, |first: crate::event::Time| first.min(arrived)));
        }
        let behind = item.arrived.as_millisecond().saturating_sub(ms) >= LATE_MS;
        let known = |first: crate::event::Time| first.as_millisecond().saturating_add(AHEAD_MS);
        if behind && first_known.is_some_and(|first| known(first) <= item.arrived.as_millisecond()) {
            late.insert(item.seq);
        }
    }
    late
}

/// Whether two diagnoses say the same in the same name.
fn says_again(before: &TimelineItem, item: &TimelineItem) -> bool {
    before.text == item.text && before.who == item.who
}

/// Whether the line's own words name whom it is about, as far as a row shows them.
fn says(item: &TimelineItem) -> bool {
    let text = item.text.raw().as_bytes();
    let (shown, who) = (&text[..text.len().min(256)], item.who.raw().as_bytes());
    who.len() <= shown.len() && shown.windows(who.len()).any(|part| part == who)
}

fn row(cx: &Cx<'_>, item: &TimelineItem, again: u64, is_late: bool) -> Line<'static> {
    let (sign, sign_style) = say::kind_sign(cx, item.kind);
    let text = if item.seq > cx.seen { cx.of(Role::New) } else { cx.of(Role::Text) };
    let wide = cx.area.width >= 56;
    let mut row = Row::new(cx, cx.area.width)
        .clock(item.at, cx.area.width >= 44, cx.of(Role::Time))
        .lit(" ", text)
        .lit(sign, sign_style)
        .lit(" ", text);
    if wide {
        row = row.col(say::kind(item.kind), 9, sign_style);
    }
    if is_late {
        let late = item.arrived.as_millisecond().saturating_sub(item.at.as_millisecond());
        row = row.made(format!("late {} ", meter::duration(late.unsigned_abs())), cx.of(Role::Unclear));
    }
    // Which engine it was matters to whoever opens it.
    if !item.who.is_empty() && item.kind != Kind::Diagnosed && !says(item) {
        let columns = if wide { 18 } else { 14 };
        row = row.spans(crate::console::widgets::words::prose(cx, &item.who, columns, text)).lit(" ", text);
    }
    let folded = item.folded.saturating_add(again);
    if folded > 0 {
        let more = format!(" +{}", meter::count(folded));
        let left = row.left().saturating_sub(more.len());
        return row
            .spans(crate::console::widgets::words::prose(cx, &item.text, left, text))
            .made(more, cx.of(Role::Muted))
            .line();
    }
    row.rest(&item.text, text).line()
}

impl Pane for Timeline {
    fn kind(&self) -> PaneKind {
        PaneKind::Timeline
    }

    fn summary(&self, cx: &Cx<'_>) -> Line<'static> {
        let Some(incident) = cx.incident else { return Line::default() };
        let muted = cx.of(Role::Muted);
        let all = list::counted(incident.timeline.items.len(), incident.timeline.hidden);
        if !self.is_filtered() {
            return Line::from(safe::made(all, muted));
        }
        let mut spans = vec![safe::made(format!("{} of {all}: {}", self.shown.len(), self.kinds.name()), muted)];
        spans.extend(self.words.said(cx));
        Line::from(spans)
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::Open, Action::Filter, Action::StepBack]
    }

    fn prepare(&mut self, cx: &Cx<'_>) {
        self.shown.clear();
        self.keys.clear();
        self.late = cx.incident.map(|incident| late(&incident.timeline.items)).unwrap_or_default();
        let items = cx.incident.map(|incident| &*incident.timeline.items).unwrap_or_default();
        let mut thought = None;
        for (place, item) in items.iter().enumerate() {
            let texts = [item.who.raw(), item.text.raw(), say::kind(item.kind)];
            if !self.kinds.shows(item.kind) || !self.words.shows(&texts) {
                continue;
            }
            if item.kind == Kind::Diagnosed {
                // An engine that thinks the same on more evidence is no news, and would fill the screen.
                if let Some(row) = thought.filter(|row: &usize| says_again(&items[self.shown[*row].place], item)) {
                    self.shown[row].again += 1;
                    continue;
                }
                thought = Some(self.shown.len());
            }
            self.shown.push(Shown { place, again: 0 });
            // Lines of one entry need not stand together, but they keep their order.
            let earlier = self.keys.iter().rev().take(64).filter(|(seq, _)| *seq == item.seq).count();
            self.keys.push((item.seq, earlier));
        }
        self.cursor.settle(&self.keys, cx.area.height);
    }

    fn update(&mut self, cx: &Cx<'_>, input: &Input) -> Answer {
        let Input::Do(command) = input else { return Answer::Ignored };
        if self.words.hear(command) {
            self.prepare(cx);
            return Answer::done();
        }
        match command.action {
            Action::Open => {
                match self.under_cursor(cx).map(|item| item.opens.clone().unwrap_or(Opens::Entry { seq: item.seq })) {
                    Some(opens) => Answer::ask(Ask::Open(opens)),
                    None => Answer::done(),
                }
            }
            Action::Filter => {
                self.kinds = self.kinds.next();
                self.prepare(cx);
                Answer::ask(Ask::Say(format!("The timeline shows {}.", self.kinds.name())))
            }
            Action::Back if self.kinds != Kinds::All => {
                self.kinds = Kinds::All;
                self.prepare(cx);
                Answer::done()
            }
            action if self.cursor.follow(action, &self.keys) => Answer::done(),
            _ => Answer::Ignored,
        }
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let Some(incident) = cx.incident else { return say::no_incident(cx, buf) };
        if self.shown.is_empty() {
            if incident.timeline.items.is_empty() {
                list::empty(
                    cx,
                    buf,
                    "Nothing happened yet.",
                    "Alerts, changes, runs, hypotheses and decisions appear here as they come.",
                );
            } else {
                list::empty(cx, buf, "Nothing of this kind.", "Filter again, or go back to everything with esc.");
            }
            return;
        }
        list::draw(cx, buf, cx.area, &self.cursor, self.shown.len(), 0, |nth| {
            let again = self.shown.get(nth).map_or(0, |shown| shown.again);
            self.item(cx, nth).map_or_else(Line::default, |item| row(cx, item, again, self.late.contains(&item.seq)))
        });
    }

    fn picked(&self, cx: &Cx<'_>) -> Option<Picked> {
        let item = self.under_cursor(cx)?;
        Some(match &item.opens {
            Some(Opens::Alert { fingerprint }) => Picked::Alerts(vec![fingerprint.clone()]),
            Some(Opens::Change { id }) => Picked::Change(id.clone()),
            Some(Opens::Run { trace }) => Picked::Run(*trace),
            Some(Opens::Plan { plan }) => Picked::Plan(*plan),
            Some(opens) => Picked::Other(opens.clone()),
            None => Picked::Other(Opens::Entry { seq: item.seq }),
        })
    }

    fn at_home(&self) -> bool {
        self.cursor.at_home()
    }

    fn go_home(&mut self) {
        self.cursor.go_home();
    }

    fn go_to(&mut self, cx: &Cx<'_>, picked: &Picked) -> bool {
        let Some(opens) = picked.opens() else { return false };
        let found = (0..self.shown.len()).rev().find(|nth| {
            self.item(cx, *nth).is_some_and(|item| match (&item.opens, &opens) {
                (Some(own), wanted) if own == wanted => true,
                // A diagnosis that only said the same again stands for itself in the row of the first.
                (Some(Opens::Diagnosis { seq: own }), Opens::Diagnosis { seq }) => own <= seq,
                (_, Opens::Entry { seq }) => item.seq == *seq,
                _ => false,
            })
        });
        found.is_some_and(|nth| self.cursor.go_to(&self.keys[nth], &self.keys))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(seq: u64, at: i64, arrived: i64) -> TimelineItem {
        let time = |second| crate::event::Time::from_second(1_700_000_000 + second).expect("a time");
        TimelineItem {
            at: time(at),
            arrived: time(arrived),
            seq: Seq(seq),
            kind: Kind::Alert,
            who: "a".into(),
            text: "b".into(),
            folded: 0,
            opens: None,
        }
    }

    #[test]
    fn a_thought_that_comes_again_is_counted_and_one_that_changed_is_shown() {
        let thought = |seq, text: &str| TimelineItem { kind: Kind::Diagnosed, text: text.into(), ..item(seq, 1, 1) };
        assert!(says_again(&thought(1, "a prompt"), &thought(2, "a prompt")));
        assert!(!says_again(&thought(1, "a prompt"), &thought(2, "a deploy")));
        let other = TimelineItem { who: "another".into(), ..thought(2, "a prompt") };
        assert!(!says_again(&thought(1, "a prompt"), &other));
    }

    #[test]
    fn late_is_what_came_after_its_followers() {
        let live = [item(1, 0, 1), item(4, 10, 400), item(2, 90, 91), item(3, 200, 201)];
        assert_eq!(late(&live), BTreeSet::from([Seq(4)]));
        let imported: Vec<_> = (0..9_i64).map(|nth| item(nth.unsigned_abs(), nth * 60, 90_000)).collect();
        assert!(late(&imported).is_empty());
        assert!(late(&[]).is_empty());
    }
}
