//! The words the panes have in common.

use ratatui::style::Style;
use ratatui::text::Span;

use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::words;
use crate::engine::view::ChangeLine;
use crate::event::{Cause, Kind, Rule, Severity, Untrusted, Verdict};

/// The word for a severity.
pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
        Severity::Unknown => "unrated",
    }
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
        Kind::Denied => (cx.glyphs.failed, cx.of(Role::Bad)),
        Kind::Owned | Kind::Decided | Kind::Noted | Kind::Regrouped | Kind::Approved => {
            (cx.glyphs.cursor, cx.of(Role::Focus))
        }
        Kind::Proposed | Kind::Started => (cx.glyphs.arrow, cx.of(Role::Focus)),
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
