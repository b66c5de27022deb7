//! What stands on the screen of harm, line by line.

use ratatui::text::{Line, Span};

use crate::console::action::Action;
use crate::console::details::Loaded;
use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::words;
use crate::engine::view::{FreezeView, Freezing, IncidentView, StopState};
use crate::event::{HarmStatus, Policy, Untrusted};
use crate::response::{Stop, stops_in_order};
use crate::surface::harm::{Deed, Harm, Told, User};

/// A line that the cursor can stand on.
#[derive(Clone, Debug)]
pub(super) enum Row {
    /// The freeze, or that there is none.
    Freeze,
    /// Something that can be stopped, and what of the bad runs it is.
    Stop(Box<Stop>, Option<(Untrusted, u64)>),
    /// A user.
    User(Box<User>),
    /// What was done.
    Deed(Box<Deed>),
}

impl Row {
    /// Whether it stands for the same thing.
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Freeze, Self::Freeze) => true,
            (Self::Stop(a, _), Self::Stop(b, _)) => a.name == b.name,
            (Self::User(a), Self::User(b)) => a.id == b.id,
            (Self::Deed(a), Self::Deed(b)) => (a.trace, a.span) == (b.trace, b.span),
            _ => false,
        }
    }
}

/// One line.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// Only read.
    Line(Line<'static>),
    /// The cursor can stand on it.
    Row(Row),
}

impl Item {
    pub fn line(&self, cx: &Cx<'_>, here: &IncidentView) -> Line<'static> {
        match self {
            Self::Line(line) => line.clone(),
            Self::Row(Row::Freeze) => freeze_line(cx, here.freeze.as_ref()),
            Self::Row(Row::Stop(stop, met)) => stop_line(cx, here, stop, met.as_ref()),
            Self::Row(Row::User(user)) => {
                let mut spans = status(cx, here, &user.item());
                let redacted = if user.redacted { ", perhaps several people" } else { "" };
                let runs = if user.runs == 1 { "bad run " } else { "bad runs" };
                spans.push(safe::made(format!("{:>4} {runs}  ", user.runs), cx.of(Role::Text)));
                spans.extend(words::prose(cx, &user.id, usize::from(cx.area.width), cx.of(Role::Text)));
                spans.push(safe::lit(redacted, cx.of(Role::Unclear)));
                Line::from(spans)
            }
            Self::Row(Row::Deed(deed)) => {
                let mut spans = status(cx, here, &deed.item());
                spans.push(safe::made(format!("{} ", cx.clock(deed.at)), cx.of(Role::Time)));
                spans.push(safe::made(format!("{:<8}", deed.did.word()), cx.of(Role::Bad)));
                spans.extend(words::prose(cx, &deed.tool, 30, cx.of(Role::Text)));
                if let Some(user) = &deed.user {
                    spans.push(safe::lit("  for ", cx.of(Role::Muted)));
                    spans.extend(words::prose(cx, user, 30, cx.of(Role::Text)));
                }
                spans.push(safe::lit("  ", cx.of(Role::Muted)));
                spans.extend(words::prose(cx, &deed.arguments, usize::from(cx.area.width), cx.of(Role::Muted)));
                Line::from(spans)
            }
        }
    }
}

/// Where a thing on the list stands.
fn status(cx: &Cx<'_>, here: &IncidentView, item: &Untrusted) -> Vec<Span<'static>> {
    let (word, role) = match here.hands.harm.get(item).map(|line| line.status) {
        None | Some(HarmStatus::Open) => ("open", Role::Unclear),
        Some(HarmStatus::Told) => ("told", Role::Text),
        Some(HarmStatus::Repaired) => ("repaired", Role::Good),
        Some(HarmStatus::Harmless) => ("harmless", Role::Good),
        Some(HarmStatus::Lost) => ("LOST", Role::Bad),
    };
    vec![safe::made(format!("  {word:<9} "), cx.of(role))]
}

/// How a freeze stands, in words.
fn freeze_line(cx: &Cx<'_>, freeze: Option<&FreezeView>) -> Line<'static> {
    let text = cx.of(Role::Text);
    let Some(freeze) = freeze else { return Line::from(safe::lit("  nothing is frozen", text)) };
    let until = cx.clock_short(freeze.until);
    let (words, role) = match freeze.at(cx.now.wall) {
        Freezing::Holds => (format!("FROZEN until {until}"), Role::Label),
        Freezing::MayHold => (format!("PERHAPS FROZEN until {until}: the hook did not say"), Role::HeaderAlarm),
        Freezing::LetGo => {
            let (by, at) = freeze.let_go.as_ref().map_or((String::new(), String::new()), |(by, at)| {
                (safe::clean(by.raw(), Policy::Exact), cx.clock_short(*at))
            });
            (format!("let go on by {by} at {at}"), Role::Good)
        }
        Freezing::Ending => (format!("over since {until}, being let go of"), Role::Unclear),
        Freezing::Over => (format!("over since {until}"), Role::Good),
        Freezing::Stuck => (format!("DID NOT END at {until}: the hook could not be told"), Role::HeaderAlarm),
    };
    let mut spans = vec![safe::lit("  ", text), safe::made(words, cx.of(role)), safe::lit("  ", text)];
    let names: Vec<&str> = freeze.services.iter().map(Untrusted::raw).collect();
    spans.extend(words::prose(cx, &names.join(", ").as_str().into(), 60, text));
    let surfaces: Vec<&str> = freeze.surfaces.iter().map(|surface| surface.name()).collect();
    let surfaces = if surfaces.is_empty() { "every surface".to_owned() } else { surfaces.join(", ") };
    spans.push(safe::made(format!(" ({surfaces})"), cx.of(Role::Muted)));
    spans.push(safe::lit("  asked for by ", cx.of(Role::Muted)));
    spans.extend(words::prose(cx, &freeze.asked_by, 20, text));
    Line::from(spans)
}

fn stop_line(cx: &Cx<'_>, here: &IncidentView, stop: &Stop, met: Option<&(Untrusted, u64)>) -> Line<'static> {
    let state = here.stop_state(&stop.name.as_str().into(), cx.now.wall);
    let role = match state {
        StopState::Goes | StopState::LetGoOn(_) => Role::Muted,
        StopState::Waits(_) | StopState::Unknown(_) => Role::HeaderAlarm,
        StopState::Moves(_) => Role::Unclear,
        StopState::Stopped(_) => Role::Good,
        StopState::Failed(_) => Role::Bad,
    };
    let mut spans = vec![
        safe::made(format!("  {:<18} ", state.word()), cx.of(role)),
        safe::made(format!("{:<8}", stop.kind.word()), cx.of(Role::Muted)),
        safe::made(safe::clean(&stop.name, Policy::Exact), cx.of(Role::Text)),
    ];
    match met {
        Some((what, runs)) => {
            let runs = if *runs == 1 { "1 bad run".to_owned() } else { format!("{runs} bad runs") };
            spans.push(safe::made(format!("  met in {runs}: "), cx.of(Role::Muted)));
            spans.extend(words::prose(cx, what, 40, cx.of(Role::Text)));
        }
        None => spans.push(safe::lit("  not met in the bad runs", cx.of(Role::Muted))),
    }
    Line::from(spans)
}

/// The answer first.
pub(super) fn answer(cx: &Cx<'_>, here: &IncidentView, loaded: &Loaded) -> Vec<Line<'static>> {
    let harm = match loaded {
        Loaded::Loading => "Reading the bad runs …".to_owned(),
        Loaded::Failed(why) => format!("The bad runs cannot be read: {}", safe::clean(why.raw(), Policy::Prose)),
        Loaded::Ready(_) => match super::harm(loaded) {
            Some(harm) => harm.answer(),
            None => "Nothing is known of the bad runs".to_owned(),
        },
    };
    let stopped = here.stopped(cx.now.wall).len();
    let stopped = match stopped {
        0 => "nothing is stopped".to_owned(),
        n => format!("{n} stopped"),
    };
    let frozen = match here.freeze.as_ref().map(|freeze| (freeze.at(cx.now.wall), freeze)) {
        Some((Freezing::Holds, freeze)) => format!("changes are held until {}", cx.clock_short(freeze.until)),
        Some((Freezing::MayHold, _)) => "changes may be held".to_owned(),
        Some((Freezing::Stuck, _)) => "a freeze did not end".to_owned(),
        _ => "nothing is frozen".to_owned(),
    };
    words::wrapped(&format!("{harm}; {stopped}; {frozen}."), usize::from(cx.area.width), cx.of(Role::New))
}

/// Every line below the answer.
pub(super) fn items(
    cx: &Cx<'_>,
    here: &IncidentView,
    harm: Option<&Harm>,
    stops: Option<&[Stop]>,
    hidden: u64,
) -> Vec<Item> {
    let muted = cx.of(Role::Muted);
    let mut items = Vec::new();
    let title = |text: String| Item::Line(Line::from(safe::made(text, cx.of(Role::Title))));
    let note = |text: String| Item::Line(Line::from(safe::made(format!("  {text}"), muted)));
    items.push(title("Changes".to_owned()));
    items.push(Item::Row(Row::Freeze));
    if let Some(freeze) = &here.freeze {
        items.extend(held(cx, freeze));
    }
    match stops {
        None => items.push(title("Can be stopped: looking …".to_owned())),
        Some([]) => {
            items.push(title("Can be stopped: nothing is on the list".to_owned()));
            items.push(note(
                "[[stop]] in the configuration names keys, tools and features, and what stops each.".to_owned(),
            ));
        }
        Some(stops) => {
            items.push(title(format!("Can be stopped: {}", stops.len())));
            for (stop, met) in stops_in_order(stops, harm) {
                items.push(Item::Row(Row::Stop(Box::new(stop.clone()), met)));
            }
        }
    }
    let Some(harm) = harm else { return items };
    items.push(title(format!("Cannot be taken for undone: {}", harm.deeds.len() as u64 + harm.deeds_left_out)));
    items.extend(harm.deeds.iter().map(|deed| Item::Row(Row::Deed(Box::new(deed.clone())))));
    if harm.deeds_left_out > 0 {
        items.push(note(format!("{} more are not listed", harm.deeds_left_out)));
    }
    if harm.failed > 0 {
        items.push(note(format!("{} such calls failed by their own word and are not listed", harm.failed)));
    }
    if !harm.untold.is_empty() {
        let names: Vec<&str> = harm.untold.keys().take(6).map(Untrusted::raw).collect();
        let more = harm.untold.len().saturating_sub(6);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let names = safe::clean(&names.join(", "), Policy::Prose);
        items.push(note(format!("not told, neither by definition nor by name, is what these do: {names}{more}")));
    }
    if harm.runs > 0 && harm.runs_without_tools > 0 {
        items.push(note(format!(
            "{} of {} bad runs show no tool call: none was made, or none was captured",
            harm.runs_without_tools, harm.runs
        )));
    }
    items.push(title(format!("Users: {}", harm.users.len() as u64 + harm.users_left_out)));
    items.extend(harm.users.iter().map(|user| Item::Row(Row::User(Box::new(user.clone())))));
    if harm.users_left_out > 0 {
        items.push(note(format!("{} more are not listed", harm.users_left_out)));
    }
    if harm.runs_without_user > 0 {
        let talks = match harm.conversations {
            0 => "nor a conversation's id".to_owned(),
            n => format!("but those of {n} conversations"),
        };
        items.push(note(format!(
            "not captured: {} of {} bad runs carry no user's id (user.id, enduser.id), {talks}",
            harm.runs_without_user, harm.runs
        )));
    }
    let left_out = hidden + harm.runs_left_out;
    if left_out > 0 {
        items.push(note(format!("{left_out} more bad runs were not read: too many, or let go of since")));
    }
    items
}

/// Who is held, and what walked past.
fn held(cx: &Cx<'_>, freeze: &FreezeView) -> Vec<Item> {
    /// Lines of what the hook said that stand here; all of it is in the plan.
    const SAID: usize = 4;
    /// Changes that walked past that stand here; all of them are in the timeline.
    const PASSED: usize = 5;
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    let columns = usize::from(cx.area.width);
    let mut items = Vec::new();
    let mut told = |what: &'static str, said: &Untrusted, role: Role| {
        let mut spans = vec![safe::lit("    ", text), safe::lit(what, cx.of(role)), safe::lit(" ", text)];
        spans.extend(words::prose(cx, said, columns, text));
        items.push(Item::Line(Line::from(spans)));
    };
    let lines: Vec<&str> = freeze.said.raw().lines().collect();
    for line in lines.iter().take(SAID) {
        told("hook says", &(*line).into(), Role::Muted);
    }
    if let Some(held) = &freeze.held {
        told("held now ", &held.finding, Role::Muted);
    }
    for passed in freeze.passed.items.iter().take(PASSED) {
        let line = format!(
            "{} {} {} by {}: {}",
            cx.clock(passed.at),
            passed.surface.name(),
            passed.subject.raw(),
            passed.actor.raw(),
            passed.summary.raw()
        );
        told("WALKED PAST", &line.into(), Role::Bad);
    }
    let all = freeze.passed.items.len() as u64 + freeze.passed.hidden;
    let more = all.saturating_sub(PASSED as u64);
    if lines.len() > SAID || more > 0 {
        let text = format!(
            "    {} lines more in the plan, {more} more that walked past in the timeline",
            lines.len().saturating_sub(SAID)
        );
        items.push(Item::Line(Line::from(safe::made(text, muted))));
    }
    items
}

/// What is under the cursor, and what its keys do.
pub(super) fn below(cx: &Cx<'_>, here: &IncidentView, row: Option<&Row>) -> Vec<Line<'static>> {
    let key = |action: Action, name: &str| cx.keymap.first(action).unwrap_or_else(|| name.to_owned());
    let (open, mark, other) = (
        key(Action::ViewOpen, ":choose"),
        key(Action::ViewMark, ":view-mark"),
        key(Action::ViewToggle, ":view-toggle"),
    );
    let mut lines = Vec::new();
    let does = match row {
        None => return lines,
        Some(Row::Freeze) => match here.freeze.as_ref().map(|freeze| freeze.at(cx.now.wall)) {
            Some(Freezing::Holds | Freezing::MayHold | Freezing::Stuck) => {
                format!("{open} proposes to let changes go on; {other} opens who is held.")
            }
            _ => format!("{open} proposes to hold changes, after you saw and changed to what and for how long."),
        },
        Some(Row::Stop(stop, _)) => {
            let item = stop.name.as_str().into();
            match here.stop_state(&item, cx.now.wall) {
                StopState::Waits(_) => format!("{open} opens the plan that waits."),
                StopState::Moves(_) | StopState::Unknown(_) => format!("{open} opens its plan."),
                StopState::Stopped(_) if stop.go_on.is_some() => format!("{open} proposes to let it go on."),
                StopState::Stopped(_) => "Nothing here lets it go on: its [[stop]] has no go_on.".to_owned(),
                _ => format!("{open} proposes to stop it; nothing is sent before it is approved."),
            }
        }
        Some(Row::User(_)) => format!("{open} opens the latest of their bad runs; {mark} sets the next status."),
        Some(Row::Deed(deed)) => {
            let told = match deed.told {
                Told::Declared => "the tool's definition says so",
                Told::ByName => "only its name says so",
            };
            lines.extend(words::paragraphs(
                cx,
                &deed.arguments,
                Policy::Prose,
                usize::from(cx.area.width),
                cx.of(Role::Text),
            ));
            format!(
                "That it {}: {told}. {open} opens the step, {other} its run; {mark} sets the next status.",
                deed.did.word()
            )
        }
    };
    lines.extend(words::wrapped(&does, usize::from(cx.area.width), cx.of(Role::Muted)));
    lines
}
