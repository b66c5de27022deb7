//! The words the panes have in common.

use ratatui::buffer::Buffer;
use ratatui::style::Style;
use ratatui::text::Span;

use crate::console::action::Action;
use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::{list, words};
use crate::engine::view::{ChangeLine, IncidentView};
use crate::event::{Cause, Kind, Rule, Severity, Untrusted, Verdict};

/// How severe an incident is: the level a person set, else what its alerts say.
pub(super) fn rated(incident: &IncidentView) -> Untrusted {
    incident.rated.as_ref().map_or_else(|| incident.severity.name().into(), |rated| rated.name.clone())
}

/// The sign for a severity.
pub(super) fn severity_sign(cx: &Cx<'_>, severity: Severity) -> &'static str {
    cx.glyphs.severity[match severity {
        Severity::Unknown => 0,
        Severity::Info => 1,
        Severity::Warning => 2,
        Severity::Error => 3,
        Severity::Critical => 4,
    }]
}

/// The word for what kind of thing happened.
pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Alert => "alert",
        Kind::Change => "change",
        Kind::Spans => "run",
        Kind::Logs => "logs",
        Kind::Metrics => "metrics",
        Kind::Topology => "calls",
        Kind::Notice => "notice",
        Kind::Truncated => "cut short",
        Kind::Labelled => "label",
        Kind::IncidentOpened => "incident",
        Kind::Grouped => "grouped",
        Kind::Diagnosed => "thinks",
        Kind::Owned => "owner",
        Kind::Hunch => "hunch",
        Kind::Decided => "decided",
        Kind::Noted => "note",
        Kind::Regrouped => "regroup",
        Kind::Resolved => "resolved",
        Kind::TruthConfirmed => "truth",
        Kind::Proposed => "plan",
        Kind::Approved => "approved",
        Kind::Denied => "denied",
        Kind::Started => "started",
        Kind::Finished => "finished",
        Kind::OutputRead => "read",
        Kind::TriageAnswered => "triage",
        Kind::ReplayAsked | Kind::ReplayRan | Kind::ReplayEnded => "replay",
        Kind::Calibrated => "learned",
        Kind::Released => "let go",
        Kind::SeveritySet => "severity",
        Kind::StepRead => "looked",
        Kind::TargetEnded => "target",
        Kind::Cancelled => "cancel",
        Kind::EffectChecked => "effect",
        Kind::Halted => "halt",
        Kind::Barred => "barred",
        Kind::Escalated => "called",
        Kind::HarmMarked => "harm",
        Kind::Rehearsed => "rehearsed",
    }
}

/// The sign and the style of a kind.
pub(super) fn kind_sign(cx: &Cx<'_>, kind: Kind) -> (&'static str, Style) {
    match kind {
        Kind::Alert | Kind::Truncated => (cx.glyphs.alert, cx.of(Role::SeverityWarning)),
        Kind::Change => (cx.glyphs.change, cx.of(Role::Changed)),
        Kind::Notice | Kind::Metrics => (cx.glyphs.drift, cx.of(Role::Text)),
        Kind::Diagnosed | Kind::Hunch => (cx.glyphs.question, cx.of(Role::Focus)),
        Kind::Resolved | Kind::TruthConfirmed | Kind::Finished => (cx.glyphs.done, cx.of(Role::Good)),
        Kind::Denied | Kind::Barred | Kind::Cancelled | Kind::Halted => (cx.glyphs.failed, cx.of(Role::Bad)),
        Kind::Owned
        | Kind::Decided
        | Kind::Noted
        | Kind::Regrouped
        | Kind::Approved
        | Kind::TriageAnswered
        | Kind::SeveritySet
        | Kind::Escalated
        | Kind::HarmMarked
        | Kind::Rehearsed => (cx.glyphs.cursor, cx.of(Role::Focus)),
        Kind::Proposed | Kind::Started | Kind::ReplayAsked => (cx.glyphs.arrow, cx.of(Role::Focus)),
        _ => (cx.glyphs.dot, cx.of(Role::Muted)),
    }
}

/// The rule of a grouping, in two or three words.
pub(super) fn rule(rule: Rule) -> &'static str {
    match rule {
        Rule::Founder => "the first",
        Rule::SameService => "same service",
        Rule::Topology => "calls or called",
        Rule::Affinity => "alike and near",
        Rule::History => "together before",
        Rule::ByHand => "by hand",
    }
}

/// The letter of a hypothesis: A is the leading one.
pub(super) fn letter(nth: usize) -> char {
    u8::try_from(nth).ok().filter(|nth| *nth < 26).map_or('*', |nth| char::from(b'A' + nth))
}

/// What a person decided, in one word.
pub(super) fn verdict(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Accept => "accepted",
        Verdict::Modify { .. } => "modified",
        Verdict::Reject => "rejected",
    }
}

/// A cause as `prompt support-assistant`.
pub(super) fn cause(cx: &Cx<'_>, cause: &Cause, columns: usize, style: Style) -> Vec<Span<'static>> {
    let mut spans = vec![safe::lit(cause.surface.name(), style)];
    if let Some(subject) = &cause.subject {
        spans.push(safe::lit(" ", style));
        spans.extend(words::prose(cx, subject, columns.saturating_sub(cause.surface.name().len() + 1), style));
    }
    spans
}

/// The change a cause names, where the incident lists it.
pub(super) fn change_of<'a>(cx: &Cx<'a>, cause: &Cause) -> Option<&'a ChangeLine> {
    let id = cause.change.as_ref()?;
    cx.incident?.changes.items.iter().find(|change| change.id == *id)
}

/// Service names seen in the incident: alerts, changes and agents are compared against these.
pub(super) fn known_names<'a>(cx: &Cx<'a>) -> impl Iterator<Item = &'a Untrusted> {
    cx.incident.into_iter().flat_map(|incident| {
        let alerts = incident.groups.items.iter().map(|group| &group.service);
        let changes = incident.changes.items.iter().map(|change| &change.subject);
        alerts.chain(changes).filter(|name| name.raw().is_ascii())
    })
}

/// `1 note`, `3 notes`.
pub(super) fn many(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// Where deliveries with this path are sent, and what they need; `None` where none are taken.
pub(super) fn address(cx: &Cx<'_>, path: &str) -> Option<String> {
    let door = cx.view.door.as_ref()?;
    let port = door.address.port();
    let host =
        if door.address.ip().is_unspecified() { format!("<this host>:{port}") } else { door.address.to_string() };
    let needs = if door.token { " (with the token of your configuration)" } else { "" };
    Some(format!("http://{host}{path}{needs}"))
}

/// How a first page gets here.
pub(super) fn how_to_begin(cx: &Cx<'_>) -> String {
    match address(cx, "/alertmanager") {
        Some(at) => format!(
            "Point Alertmanager's webhook at {at}, or read a bundle with `warroom ingest`, or look at a recorded incident \
             with `warroom demo`."
        ),
        None if cx.view.label.is_some() => {
            "What is shown here is played from a recording; nothing is taken from outside.".to_owned()
        }
        None => {
            "No deliveries are taken here; `warroom doctor` says why. A bundle can be read with `warroom ingest`, a \
                 recorded incident looked at with `warroom demo`."
                .to_owned()
        }
    }
}

/// What a pane that belongs to an incident says while none is chosen.
pub(super) fn no_incident(cx: &Cx<'_>, buf: &mut Buffer) {
    if cx.view.wound_back {
        list::empty(cx, buf, "At this moment no incident was known yet.", &back_to_now(cx));
    } else if cx.view.as_of.is_none() {
        list::empty(cx, buf, "Nothing has arrived yet.", &how_to_begin(cx));
    } else {
        list::empty(cx, buf, "No incident is open.", "Nothing that arrived so far is worth one.");
    }
}

/// Which keys lead out of the past.
pub(super) fn back_to_now(cx: &Cx<'_>) -> String {
    let key = |action| cx.keymap.first(action).unwrap_or_else(|| format!(":{}", Action::about(action).name));
    format!("{} goes forward by one entry, {} back to now.", key(Action::StepForward), key(Action::Live))
}

/// Before and since, without saying again what they have in common: `refund_policy 41 → 42`.
pub(super) fn since(before: &Untrusted, after: &Untrusted) -> Untrusted {
    let common = before.raw().rfind(' ').map_or("", |at| &before.raw()[..=at]);
    if common.is_empty() || !after.raw().starts_with(common) {
        return after.clone();
    }
    after.raw().replace(common, "").as_str().into()
}

/// An engine as people know it.
pub(super) fn engine(cx: &Cx<'_>, engine: &Untrusted, style: Style) -> Vec<Span<'static>> {
    match engine.raw().strip_prefix("builtin/").filter(|version| version.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(version) => vec![safe::made(format!("the built-in engine, version {version}"), style)],
        None => words::prose(cx, engine, 40, style),
    }
}
