//! The alerts of the incident as a tree: component, alert name, single alerts; each with why it is here.

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::text::Line;

use super::filter::Filter;
use super::{say, strip};
use crate::console::action::Action;
use crate::console::cursor::Cursor;
use crate::console::pane::{Answer, Ask, Cx, Input, Pane, PaneKind, Picked};
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::row::Row;
use crate::console::widgets::{list, words};
use crate::engine::view::{AlertGroup, AlertLine, IncidentView, Opens};
use crate::event::{AlertStatus, Fingerprint, Severity, Untrusted};

/// The alerts.
#[derive(Debug, Default)]
pub struct Alerts {
    cursor: Cursor<Key>,
    rows: Vec<At>,
    keys: Vec<Key>,
    /// Components that are folded; open at first.
    folded: BTreeSet<Untrusted>,
    /// Groups that are open; folded at first.
    open: BTreeSet<(Untrusted, Untrusted)>,
    marked: BTreeSet<Fingerprint>,
    words: Filter,
    strip: u16,
}

/// Names a row.
#[derive(Clone, Debug, PartialEq)]
enum Key {
    Service(Untrusted),
    Group(Untrusted, Untrusted),
    Alert(Fingerprint),
    /// "… n more" of a group.
    Rest(Untrusted, Untrusted),
}

/// Where a row's thing is in the view: group and alert by place.
#[derive(Clone, Copy, Debug)]
enum At {
    Service(usize),
    Group(usize),
    Alert(usize, usize),
    Rest(usize, u64),
}

fn rows(incident: &IncidentView, pane: &Alerts) -> Vec<(Key, At)> {
    let mut services: Vec<(&Untrusted, Vec<usize>)> = Vec::new();
    for (nth, group) in incident.groups.items.iter().enumerate() {
        if !pane.words.shows(&[group.service.raw(), group.name.raw(), group.why.text.raw()]) {
            continue;
        }
        match services.iter_mut().find(|(service, _)| **service == group.service) {
            Some((_, groups)) => groups.push(nth),
            None => services.push((&group.service, vec![nth])),
        }
    }
    let mut rows = Vec::new();
    for (service, groups) in services {
        rows.push((Key::Service(service.clone()), At::Service(groups[0])));
        if pane.folded.contains(service) {
            continue;
        }
        for nth in groups {
            let group = &incident.groups.items[nth];
            rows.push((Key::Group(service.clone(), group.name.clone()), At::Group(nth)));
            if !pane.open.contains(&(service.clone(), group.name.clone())) {
                continue;
            }
            for (place, alert) in group.sample.iter().enumerate() {
                rows.push((Key::Alert(alert.fingerprint.clone()), At::Alert(nth, place)));
            }
            let more = group.alerts.saturating_sub(u64::try_from(group.sample.len()).unwrap_or(u64::MAX));
            if more > 0 {
                rows.push((Key::Rest(service.clone(), group.name.clone()), At::Rest(nth, more)));
            }
        }
    }
    rows
}

fn of_service<'a>(incident: &'a IncidentView, service: &'a Untrusted) -> impl Iterator<Item = &'a AlertGroup> {
    incident.groups.items.iter().filter(move |group| group.service == *service)
}

/// `18` when all of them fire, `16/18` otherwise.
fn how_many(firing: u64, all: u64) -> String {
    if firing == all { all.to_string() } else { format!("{firing}/{all}") }
}

impl Alerts {
    fn row(&self, cx: &Cx<'_>, incident: &IncidentView, nth: usize) -> Line<'static> {
        let Some(at) = self.rows.get(nth) else { return Line::default() };
        let text = cx.of(Role::Text);
        let muted = cx.of(Role::Muted);
        let row = Row::new(cx, cx.area.width);
        match *at {
            At::Service(first) => {
                let service = &incident.groups.items[first].service;
                let (mut firing, mut all, mut worst) = (0, 0, Severity::Unknown);
                for group in of_service(incident, service) {
                    firing += group.firing;
                    all += group.alerts;
                    worst = worst.max(group.severity);
                }
                let sign = if self.folded.contains(service) { cx.glyphs.folded } else { cx.glyphs.open };
                let style = if firing == 0 { muted } else { cx.of(Role::Title) };
                let name = if service.is_empty() { &Untrusted::from("no component named") } else { service };
                let mut row = row.lit(sign, muted).lit(" ", text);
                row = row
                    .lit(say::severity_sign(cx, worst), if firing == 0 { muted } else { cx.theme.severity(worst) })
                    .lit(" ", text);
                let left = row.left().saturating_sub(8);
                let twin = name.looks_like(say::known_names(cx));
                match twin {
                    Some(twin) => {
                        let warning = format!(" looks like {twin}, is another name");
                        let half = left / 2;
                        row.name(name, half, cx.of(Role::Unclear)).col(warning, left - half, cx.of(Role::Bad))
                    }
                    None => row.name(name, left, style),
                }
                .num(how_many(firing, all), 8, style)
                .line()
            }
            At::Group(nth) => group_row(cx, row, &incident.groups.items[nth], self),
            At::Alert(group, place) => {
                let group = &incident.groups.items[group];
                group.sample.get(place).map_or_else(Line::default, |alert| alert_row(cx, row, alert, group, self))
            }
            At::Rest(_, more) => row.made(format!("      {} {more} more of this name", cx.glyphs.cut), muted).line(),
        }
    }

    fn at<'a>(&self, cx: &Cx<'a>) -> Option<(&'a IncidentView, At)> {
        Some((cx.incident?, *self.rows.get(self.cursor.row())?))
    }

    /// The alerts that the row under the cursor stands for, as far as the picture names them.
    fn fingerprints(&self, cx: &Cx<'_>) -> Vec<Fingerprint> {
        let Some((incident, at)) = self.at(cx) else { return Vec::new() };
        let all = |group: &AlertGroup| group.sample.iter().map(|alert| alert.fingerprint.clone()).collect::<Vec<_>>();
        match at {
            At::Service(first) => of_service(incident, &incident.groups.items[first].service).flat_map(all).collect(),
            At::Group(nth) | At::Rest(nth, _) => all(&incident.groups.items[nth]),
            At::Alert(nth, place) => incident.groups.items[nth]
                .sample
                .get(place)
                .map(|alert| alert.fingerprint.clone())
                .into_iter()
                .collect(),
        }
    }

    fn fold(&mut self, cx: &Cx<'_>, open: bool) {
        let Some((incident, at)) = self.at(cx) else { return };
        let (At::Service(nth) | At::Group(nth) | At::Alert(nth, _) | At::Rest(nth, _)) = at;
        let group = &incident.groups.items[nth];
        let name = (group.service.clone(), group.name.clone());
        match (at, open) {
            (At::Service(_), true) => _ = self.folded.remove(&group.service),
            (At::Service(_), false) => _ = self.folded.insert(group.service.clone()),
            (At::Group(_), true) => _ = self.open.insert(name),
            (At::Group(_), false) if self.open.remove(&name) => {}
            // Closing what is closed goes to what holds it.
            (At::Group(_), false) => _ = self.cursor.go_to(&Key::Service(group.service.clone()), &self.keys),
            (At::Alert(..) | At::Rest(..), false) => {
                self.open.remove(&name);
                self.cursor.go_to(&Key::Group(name.0, name.1), &self.keys);
            }
            (At::Alert(..) | At::Rest(..), true) => {}
        }
        self.prepare(cx);
    }

    fn why(&self, cx: &Cx<'_>) -> Vec<Line<'static>> {
        let Some((incident, at)) = self.at(cx) else { return Vec::new() };
        let (At::Service(nth) | At::Group(nth) | At::Alert(nth, _) | At::Rest(nth, _)) = at;
        let why = &incident.groups.items[nth].why;
        let width = usize::from(cx.area.width);
        let mut spans = vec![safe::made(format!("why here: {}. ", say::rule(why.rule)), cx.of(Role::Muted))];
        spans.extend(words::prose(cx, &why.text, width * 3, cx.of(Role::Text)));
        words::wrap(spans, width, 2)
    }
}

fn group_row(cx: &Cx<'_>, row: Row<'_, '_>, group: &AlertGroup, pane: &Alerts) -> Line<'static> {
    let muted = cx.of(Role::Muted);
    let over = group.firing == 0;
    let style = if over { muted } else { cx.of(Role::Text) };
    let open = pane.open.contains(&(group.service.clone(), group.name.clone()));
    let marked = !group.sample.is_empty() && group.sample.iter().all(|alert| pane.marked.contains(&alert.fingerprint));
    let wide = cx.area.width >= 72;
    let mut row = row
        .lit(if marked { cx.glyphs.done } else { " " }, cx.of(Role::Focus))
        .lit(" ", style)
        .lit(if open { cx.glyphs.open } else { cx.glyphs.folded }, muted)
        .lit(" ", style)
        .lit(say::severity_sign(cx, group.severity), if over { muted } else { cx.theme.severity(group.severity) })
        .lit(" ", style);
    let tail = if cx.area.width >= 36 { 14 } else { 8 };
    if wide {
        row = row.name(&group.name, 30, style).lit(" ", style);
        let left = row.left().saturating_sub(tail);
        row = row.name(&group.why.text, left, muted);
    } else {
        let left = row.left().saturating_sub(tail);
        row = row.name(&group.name, left, style);
    }
    let mut end = Vec::new();
    if group.flapping {
        end.push(safe::lit("flaps ", cx.of(Role::Unclear)));
    }
    end.push(safe::made(how_many(group.firing, group.alerts), style));
    if tail > 8 {
        end.push(safe::made(format!(" {}", cx.clock_short(group.first)), cx.of(Role::Time)));
    }
    row.end(end).line()
}

fn alert_row(cx: &Cx<'_>, row: Row<'_, '_>, alert: &AlertLine, group: &AlertGroup, pane: &Alerts) -> Line<'static> {
    let muted = cx.of(Role::Muted);
    let over = alert.status == AlertStatus::Resolved;
    let style = if over { muted } else { cx.of(Role::Text) };
    let marked = pane.marked.contains(&alert.fingerprint);
    let sign = if over { cx.glyphs.done } else { say::severity_sign(cx, group.severity) };
    let row = row
        .lit(if marked { cx.glyphs.done } else { " " }, cx.of(Role::Focus))
        .lit("     ", style)
        .lit(sign, if over { muted } else { cx.theme.severity(group.severity) })
        .lit(" ", style)
        .clock(alert.starts_at, true, cx.of(Role::Time))
        .lit(if over { " ended " } else { " " }, muted);
    let row = if alert.late { row.lit("late ", cx.of(Role::Unclear)) } else { row };
    row.rest(&alert.distinct, style).line()
}

impl Pane for Alerts {
    fn kind(&self) -> PaneKind {
        PaneKind::Alerts
    }

    fn summary(&self, cx: &Cx<'_>) -> Line<'static> {
        let Some(incident) = cx.incident else { return Line::default() };
        let mut text = how_many(incident.firing, incident.alerts);
        if incident.truncated > 0 {
            text = format!("{text}, {} left out by their source", incident.truncated);
        }
        if incident.groups.hidden > 0 {
            text = format!("{text}, {} groups not shown", incident.groups.hidden);
        }
        if !self.marked.is_empty() {
            text = format!("{text}, {} marked", self.marked.len());
        }
        if incident.locked {
            text = format!("{text}, locked");
        }
        let mut spans = vec![safe::made(text, cx.of(Role::Muted))];
        spans.extend(self.words.said(cx));
        Line::from(spans)
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::Open, Action::Right, Action::Mark, Action::Split, Action::Silence]
    }

    fn prepare(&mut self, cx: &Cx<'_>) {
        let rows = cx.incident.map(|incident| rows(incident, self)).unwrap_or_default();
        (self.keys, self.rows) = rows.into_iter().unzip();
        self.strip = strip::rows(cx.area.height, 5, 4);
        self.cursor.settle(&self.keys, strip::above(cx.area, self.strip).height);
    }

    fn update(&mut self, cx: &Cx<'_>, input: &Input) -> Answer {
        let Input::Do(command) = input else { return Answer::Ignored };
        if self.words.hear(command) {
            self.prepare(cx);
            return Answer::done();
        }
        match command.action {
            Action::Open => match self.at(cx) {
                Some((incident, At::Alert(group, place))) => match incident.groups.items[group].sample.get(place) {
                    Some(alert) => Answer::ask(Ask::Open(Opens::Alert { fingerprint: alert.fingerprint.clone() })),
                    None => Answer::done(),
                },
                // One alert alone needs no unfolding first.
                Some((incident, At::Group(nth))) if incident.groups.items[nth].sample.len() == 1 => {
                    let fingerprint = incident.groups.items[nth].sample[0].fingerprint.clone();
                    Answer::ask(Ask::Open(Opens::Alert { fingerprint }))
                }
                Some((incident, At::Group(nth))) => {
                    let group = &incident.groups.items[nth];
                    let open = self.open.contains(&(group.service.clone(), group.name.clone()));
                    self.fold(cx, !open);
                    Answer::done()
                }
                Some((incident, At::Service(nth))) => {
                    let folded = self.folded.contains(&incident.groups.items[nth].service);
                    self.fold(cx, folded);
                    Answer::done()
                }
                Some((_, At::Rest(..))) | None => Answer::done(),
            },
            Action::Right => {
                self.fold(cx, true);
                Answer::done()
            }
            Action::Left => {
                self.fold(cx, false);
                Answer::done()
            }
            Action::Mark => {
                let these = self.fingerprints(cx);
                if these.iter().all(|one| self.marked.contains(one)) {
                    self.marked.retain(|one| !these.contains(one));
                } else {
                    self.marked.extend(these);
                }
                self.cursor.follow(Action::Down, &self.keys);
                Answer::done()
            }
            Action::Back if !self.marked.is_empty() => {
                self.marked.clear();
                Answer::done()
            }
            action if self.cursor.follow(action, &self.keys) => Answer::done(),
            _ => Answer::Ignored,
        }
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let Some(incident) = cx.incident else { return say::no_incident(cx, buf) };
        if self.rows.is_empty() {
            let what = if self.words.is_on() { "No alert matches." } else { "No alert is in this incident." };
            list::empty(
                cx,
                buf,
                what,
                "esc undoes the filter. Alerts that were split off or merged are in another incident.",
            );
            return;
        }
        let area = strip::above(cx.area, self.strip);
        list::draw(cx, buf, area, &self.cursor, self.rows.len(), incident.groups.hidden, |nth| {
            self.row(cx, incident, nth)
        });
        strip::draw(cx, buf, self.strip, self.why(cx));
    }

    fn picked(&self, cx: &Cx<'_>) -> Option<Picked> {
        let alerts = if self.marked.is_empty() { self.fingerprints(cx) } else { self.marked.iter().cloned().collect() };
        (!alerts.is_empty()).then_some(Picked::Alerts(alerts))
    }

    fn at_home(&self) -> bool {
        self.cursor.at_home()
    }

    fn go_home(&mut self) {
        self.cursor.go_home();
        self.marked.clear();
    }

    fn go_to(&mut self, cx: &Cx<'_>, picked: &Picked) -> bool {
        let Picked::Alerts(alerts) = picked else { return false };
        let Some((incident, fingerprint)) = cx.incident.zip(alerts.first()) else { return false };
        let holds = |group: &&AlertGroup| group.sample.iter().any(|alert| alert.fingerprint == *fingerprint);
        let Some(group) = incident.groups.items.iter().find(holds) else { return false };
        self.folded.remove(&group.service);
        self.open.insert((group.service.clone(), group.name.clone()));
        self.prepare(cx);
        self.cursor.go_to(&Key::Alert(fingerprint.clone()), &self.keys)
    }
}
