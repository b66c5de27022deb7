//! An incident at first sight: what a responder needs in the first twenty minutes, the answer first, on one sheet.
//!
//! What could not be checked stands at its end, named: an empty section is never taken for "nothing".

mod past;

use ratatui::text::{Line, Span};

use super::beside;
use crate::console::action::Action;
use crate::console::details::Want;
use crate::console::draw::lasting;
use crate::console::pane::Cx;
use crate::console::panes::say;
use crate::console::rating;
use crate::console::safe;
use crate::console::sheet::{Content, Sheet};
use crate::console::theme::Role;
use crate::console::widgets::row::Row;
use crate::console::widgets::{meter, words};
use crate::engine::View;
use crate::engine::view::{ChangeLine, IncidentState, IncidentView, Opens, SeriesLine, WayView};
use crate::event::{IncidentId, Policy, Untrusted};

/// An incident at first sight.
#[derive(Debug)]
pub(in crate::console::panes) struct FirstSheet(pub IncidentId);

/// Columns of a series' course.
const COURSE: usize = 30;

impl FirstSheet {
    /// The incident as it is on the screen; before it is diagnosed, as it is now: then it fills while it is read.
    fn incident<'a>(&self, cx: &Cx<'a>) -> Option<&'a IncidentView> {
        let of = |view: &'a View| view.incidents.items.iter().find(|one| one.id == self.0).map(AsRef::as_ref);
        let shown = of(cx.view);
        let whole = |incident: &&IncidentView| incident.diagnosis.is_some() || cx.view.wound_back;
        shown.filter(whole).or_else(|| of(cx.live)).or(shown)
    }
}

/// What is laid out, and what its rows open.
#[derive(Default)]
struct Page {
    lines: Vec<Line<'static>>,
    items: Vec<(usize, Opens)>,
}

impl Page {
    /// A heading, with what there is of it; on a low screen without an empty line above.
    fn heading(&mut self, cx: &Cx<'_>, text: &'static str, of_it: &str) {
        if !low(cx) {
            self.lines.push(Line::default());
        }
        let mut spans = vec![safe::lit(text, cx.of(Role::Title))];
        if !of_it.is_empty() {
            spans.push(safe::made(format!("  {of_it}"), cx.of(Role::Muted)));
        }
        self.lines.extend(words::wrap(spans, usize::from(cx.area.width), 2));
    }

    /// Lines that open something together: the cursor stands on the first.
    fn item(&mut self, lines: Vec<Line<'static>>, opens: Opens) {
        self.items.push((self.lines.len(), opens));
        self.lines.extend(lines);
    }

    fn said(&mut self, cx: &Cx<'_>, text: &Untrusted, role: Role) {
        let columns = usize::from(cx.area.width);
        self.lines.extend(words::wrap(words::whole(cx, text, Policy::Prose, cx.of(role)), columns, 2));
    }
}

/// Whether every row counts.
fn low(cx: &Cx<'_>) -> bool {
    cx.area.height < 30
}

/// How many of a list are laid out: enough to judge by, and what follows is still seen.
fn most(cx: &Cx<'_>) -> usize {
    match cx.area.height {
        ..24 => 3,
        24..40 => 4,
        _ => 6,
    }
}

fn lay_out(cx: &Cx<'_>, incident: &IncidentView) -> Page {
    let mut page = Page::default();
    answer(cx, incident, &mut page);
    changes(cx, incident, &mut page);
    past::lay_out(cx, incident, &mut page);
    series(cx, incident, &mut page);
    not_checked(cx, incident, &mut page);
    page
}

/// Whose it is, what it is, how severe, and the way it took.
fn answer(cx: &Cx<'_>, incident: &IncidentView, page: &mut Page) {
    let columns = usize::from(cx.area.width);
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    let key = |action: Action| cx.keymap.first(action).unwrap_or_else(|| format!(":{}", action.about().name));
    let owner: Vec<Span<'static>> = match (&incident.owner, &incident.state) {
        (_, IncidentState::Resolved(at)) => {
            vec![safe::made(format!("over since {}", cx.clock(*at)), cx.of(Role::Good))]
        }
        (_, IncidentState::MergedInto(other)) => vec![safe::made(format!("part of {other}"), muted)],
        (Some(owner), _) => words::prose(cx, &owner.login, 40, text),
        (None, _) => vec![
            safe::lit(" NOBODY ", cx.of(Role::HeaderAlarm)),
            safe::made(format!(" has taken it; {} takes it", key(Action::Own)), text),
        ],
    };
    page.lines.extend(beside(cx, "whose it is", owner, columns));
    let headline = beside(cx, "in one line", words::whole(cx, &incident.headline, Policy::Prose, text), columns);
    match &incident.diagnosis {
        Some(newest) => page.item(headline, Opens::Diagnosis { seq: newest.seq }),
        None => page.lines.extend(headline),
    }
    if let Some(newest) = &incident.diagnosis {
        let rivals = rivals(cx, &newest.diagnosis);
        if !rivals.is_empty() {
            page.lines.extend(beside(cx, "or else", rivals, columns));
        }
    }
    let severity = words::whole(cx, &rating::sentence(cx, incident), Policy::Prose, text);
    page.lines.extend(beside(cx, "how severe", severity, columns));
    page.lines.extend(beside(cx, "way it took", way(cx, &incident.way), columns));
    let ago = cx.view.as_of.map(|now| format!(", {} ago", lasting(incident.began, now))).unwrap_or_default();
    let hidden = incident.groups.hidden;
    let groups = incident.groups.items.iter().map(|group| &group.service);
    let components = groups.collect::<std::collections::BTreeSet<_>>().len();
    let of = if hidden > 0 { format!("{components} or more components") } else { say::many(components, "component") };
    let alerts = say::many(usize::try_from(incident.alerts).unwrap_or(usize::MAX), "alert");
    let fire = if incident.firing == 1 { "fires" } else { "fire" };
    let since = format!("{}{ago}: {alerts} of {of}, {} {fire}", cx.clock(incident.began), incident.firing);
    page.lines.extend(beside(cx, "paged at", vec![safe::made(since, text)], columns));
}

/// The hypotheses after the leading one, each in a few words.
fn rivals(cx: &Cx<'_>, diagnosis: &crate::event::Diagnosis) -> Vec<Span<'static>> {
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    let leads = diagnosis.hypotheses.first().is_some_and(|one| one.confidence.share > diagnosis.none_of_these);
    let mut spans: Vec<Span<'static>> = Vec::new();
    let rivals = diagnosis.hypotheses.iter().enumerate().skip(usize::from(leads));
    let worth = rivals.filter(|(_, one)| one.confidence.share >= 0.05);
    for (nth, one) in worth.take(3) {
        spans.push(safe::made(format!("{} ", say::letter(nth)), muted));
        spans.extend(say::cause(cx, &one.cause, 40, text));
        spans.push(safe::lit(", ", muted));
    }
    if !diagnosis.hypotheses.is_empty() {
        spans.push(safe::lit(if spans.is_empty() { "none of these" } else { "or none of these" }, muted));
    }
    spans
}

fn way(cx: &Cx<'_>, way: &WayView) -> Vec<Span<'static>> {
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    if let Some(missing) = &way.missing {
        let mut spans = vec![safe::lit("not known: ", cx.of(Role::Unclear))];
        spans.extend(words::whole(cx, missing, Policy::Prose, muted));
        return spans;
    }
    let last = way.hops.len().saturating_sub(1);
    let mut spans = Vec::new();
    for (nth, hop) in way.hops.iter().enumerate() {
        if nth > 0 {
            spans.push(safe::made(format!(" {} ", cx.glyphs.arrow), muted));
        }
        spans.extend(words::prose(cx, &hop.service, 32, text));
        let alerted = hop.alerted.map_or("no alert".to_owned(), |at| cx.clock(at));
        let what = match nth {
            0 if last == 0 => "failed first and was paged, ",
            0 => "failed first, ",
            _ if nth == last => "paged, ",
            _ => "",
        };
        match &hop.usual {
            None => spans.push(safe::made(format!(" ({what}{alerted})"), muted)),
            Some(usual) => {
                spans.push(safe::made(format!(" ({what}{alerted}; no call is known: "), muted));
                spans.extend(words::prose(cx, usual, 120, muted));
                spans.push(safe::lit(")", muted));
            }
        }
    }
    spans
}

/// What changed before it, the most suspicious first, each with why it can or cannot be it.
fn changes(cx: &Cx<'_>, incident: &IncidentView, page: &mut Page) {
    let all = incident.changes.items.len() as u64 + incident.changes.hidden;
    let shown = incident.changes.items.len().min(most(cx));
    let of_it = match all {
        0 => String::new(),
        _ if shown as u64 == all => "most suspicious first".to_owned(),
        _ => format!("{shown} of {all}, most suspicious first; {} lists them", pane_key(cx, Action::Pane5)),
    };
    page.heading(cx, "What may have changed it", &of_it);
    if all == 0 {
        let none = if no_change_log(incident) {
            "No change log was received, so no change can be ruled in or out: that is not the same as no change."
        } else {
            "No change was reported in the 24 hours before it."
        };
        page.said(cx, &none.into(), Role::Muted);
    }
    for change in &incident.changes.items[..shown] {
        page.item(change_lines(cx, change), Opens::Change { id: change.id.clone() });
    }
}

/// Whether the diagnosis says that no change was ever heard of.
fn no_change_log(incident: &IncidentView) -> bool {
    let newest = incident.diagnosis.as_ref();
    newest.is_some_and(|newest| newest.diagnosis.not_checked.iter().any(|what| what.raw().starts_with("changes:")))
}

fn change_lines(cx: &Cx<'_>, change: &ChangeLine) -> Vec<Line<'static>> {
    let text = cx.of(if change.suspicion >= 0.2 { Role::Text } else { Role::Muted });
    let muted = cx.of(Role::Muted);
    let wide = cx.area.width >= 90;
    let mut row = Row::new(cx, cx.area.width)
        .lit("  ", text)
        .spans(meter::bar(cx, change.suspicion, 5, cx.of(Role::Share)))
        .lit(" ", text)
        .clock(change.at, wide, cx.of(Role::Time))
        .lit(if change.untimed { "? " } else { " " }, cx.of(Role::Unclear))
        .col(change.surface.name(), 10, text)
        .lit(" ", text);
    if !change.subject.is_empty() {
        row = row.spans(words::prose(cx, &change.subject, 24, text)).lit(" ", text);
    }
    let line = if change.actor.is_empty() || !wide {
        row.rest(&change.summary, text).line()
    } else {
        let actor = words::prose(cx, &change.actor, 16, muted);
        let left = row.left().saturating_sub(18);
        row.name(&change.summary, left, text).lit(" ", text).end(actor).line()
    };
    let mut spans = vec![safe::lit("        ", muted)];
    let mut room = usize::from(cx.area.width).saturating_sub(8);
    if change.untimed {
        let late = "came without a time, that is when it arrived; ";
        spans.push(safe::lit(late, cx.of(Role::Unclear)));
        room = room.saturating_sub(late.len());
    }
    spans.extend(words::prose(cx, &change.why, room, muted));
    vec![line, Line::from(spans)]
}

/// The series that moved most, before and since.
fn series(cx: &Cx<'_>, incident: &IncidentView, page: &mut Page) {
    let shown = incident.series.len().min(most(cx));
    let of_it = match incident.series.len() {
        0 => String::new(),
        all if shown == all => "before, since, and their course".to_owned(),
        all => format!("{shown} of {all}; {} lists them", pane_key(cx, Action::Pane5)),
    };
    page.heading(cx, "Which series moved", &of_it);
    if incident.series.is_empty() {
        page.said(cx, &"None that is known, or none was received: see what was not checked.".into(), Role::Muted);
    }
    for line in &incident.series[..shown] {
        page.lines.push(series_line(cx, line));
    }
}

fn series_line(cx: &Cx<'_>, line: &SeriesLine) -> Line<'static> {
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    let course = usize::from(cx.area.width).saturating_sub(54).clamp(8, COURSE);
    let row = Row::new(cx, cx.area.width).lit("  ", text).name(&line.name, 24, text).lit(" ", text);
    let row = row.name(&line.service, 14, muted).lit(" ", text);
    let values = format!("{} {} {} ", meter::value(line.before), cx.glyphs.arrow, meter::value(line.after));
    row.made(values, text).spans(vec![meter::spark(cx, &line.values, course, cx.of(Role::Chart))]).line()
}

/// What could not be checked, and why.
fn not_checked(cx: &Cx<'_>, incident: &IncidentView, page: &mut Page) {
    page.heading(cx, "Not checked", "");
    match &incident.diagnosis {
        None => {
            page.said(cx, &"Not diagnosed yet: the first comes within two seconds of its opening.".into(), Role::Text);
        }
        Some(newest) => {
            for what in &newest.diagnosis.not_checked {
                page.said(cx, what, Role::Text);
            }
        }
    }
    page.said(cx, &"budget: no objective is defined, so what it costs of one is not known".into(), Role::Text);
}

fn pane_key(cx: &Cx<'_>, action: Action) -> String {
    cx.keymap.first(action).unwrap_or_else(|| format!(":{}", action.about().name))
}

impl Sheet for FirstSheet {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        let style = cx.of(Role::DialogTitle);
        let mut spans = vec![safe::made(format!("First look at {}", self.0), style)];
        let open = |incident: &&IncidentView| matches!(incident.state, IncidentState::Open | IncidentState::Quiet);
        if self.incident(cx).filter(open).is_some_and(|incident| incident.owner.is_none()) {
            spans.extend([safe::lit(" ", style), safe::lit(" UNOWNED ", cx.of(Role::HeaderAlarm))]);
        }
        Line::from(spans)
    }

    fn want(&self) -> Option<Want> {
        None
    }

    fn hints(&self) -> &'static [Action] {
        &[
            Action::ViewClose,
            Action::Down,
            Action::ViewOpen,
            Action::Own,
            Action::Severity,
            Action::Accept,
            Action::Hunch,
            Action::ViewFind,
            Action::ViewHelp,
        ]
    }

    fn lay_out(&self, cx: &Cx<'_>, _width: u16) -> Content {
        let page = match self.incident(cx) {
            Some(incident) => lay_out(cx, incident),
            None => past::alone(cx, self.0),
        };
        let items: Vec<usize> = page.items.iter().map(|(row, _)| *row).collect();
        Content { lines: page.lines, places: items.clone(), items, ..Content::default() }
    }

    fn opens(&self, cx: &Cx<'_>, nth: usize) -> Option<Opens> {
        let page = self.incident(cx).map_or_else(|| past::alone(cx, self.0), |incident| lay_out(cx, incident));
        page.items.into_iter().nth(nth).map(|(_, opens)| opens)
    }

    fn stamp(&self, cx: &Cx<'_>) -> u64 {
        let of = |incident: &IncidentView| match &incident.diagnosis {
            Some(newest) => newest.seq.0,
            None => u64::try_from(incident.updated.as_microsecond()).unwrap_or(0),
        };
        self.incident(cx).map_or(0, of)
    }

    fn leads_to(&self, cx: &Cx<'_>) -> &'static [Action] {
        // What is done there is done to the incident of the room.
        if cx.incident.is_none_or(|incident| incident.id != self.0) {
            return &[];
        }
        &[
            Action::Own,
            Action::Severity,
            Action::Accept,
            Action::Modify,
            Action::Reject,
            Action::Act,
            Action::Hunch,
            Action::Silence,
            Action::Resolve,
            Action::Confirm,
        ]
    }

    fn opened(&self) -> String {
        format!("first look {}", self.0)
    }

    fn copied(&self, cx: &Cx<'_>) -> Option<(String, &'static str)> {
        let incident = self.incident(cx)?;
        Some((format!("{} {}", incident.id, incident.headline.raw()), "the incident's headline"))
    }
}
