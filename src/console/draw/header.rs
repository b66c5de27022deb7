//! The first line: what is going on, and whose it is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::console::model::Model;
use crate::console::safe;
use crate::console::theme::Role;
use crate::engine::view::{IncidentState, IncidentView};
use crate::event::{Severity, Time};

/// The word for a severity.
pub(crate) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "CRITICAL",
        Severity::Error => "ERROR",
        Severity::Warning => "WARNING",
        Severity::Info => "INFO",
        Severity::Unknown => "UNRATED",
    }
}

/// A length of time in one or two units: `18m`, `3h05m`, `2d4h`.
pub(crate) fn lasting(from: Time, to: Time) -> String {
    let seconds = to.as_second().saturating_sub(from.as_second()).max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match () {
        () if days > 0 => format!("{days}d{}h", hours % 24),
        () if hours > 0 => format!("{hours}h{:02}m", minutes % 60),
        () if minutes > 0 => format!("{minutes}m"),
        () => format!("{seconds}s"),
    }
}

pub(super) fn draw(model: &Model, buf: &mut Buffer) {
    let area = Rect { x: 0, y: 0, width: model.size.width, height: 1 };
    let right = right(model);
    let wide = u16::try_from(right.width()).unwrap_or(area.width);
    let left_area = Rect { width: area.width.saturating_sub(wide + 1), ..area };
    let style = model.theme.of(Role::Header);
    safe::put(buf, left_area, 0, left(model, style, left_area.width), model.glyphs.cut);
    let right_area = Rect { x: area.width.saturating_sub(wide), width: wide.min(area.width), ..area };
    safe::put(buf, right_area, 0, right, model.glyphs.cut);
}

fn left(model: &Model, style: ratatui::style::Style, width: u16) -> Line<'_> {
    let mut spans: Vec<Span<'_>> = Vec::new();
    if let Some(label) = &model.live.label {
        spans.extend([safe::lit(" ", model.theme.of(Role::Label)), safe::prose(label, model.theme.of(Role::Label))]);
        spans.extend([safe::lit(" ", model.theme.of(Role::Label)), safe::lit(" ", style)]);
    }
    let Some(incident) = model.incident() else {
        let quiet = if model.live.head == model.live.journal_head { "No incident." } else { "Reading the journal …" };
        spans.push(safe::lit(quiet, style));
        return Line::from(spans);
    };
    let severity = model.theme.severity(incident.severity);
    spans.extend([
        safe::lit(model.glyphs.severity[incident.severity as usize % 5], severity),
        safe::lit(" ", style),
        safe::made(incident.id.to_string(), style),
        safe::lit(" ", style),
        safe::lit(word(incident.severity), severity),
        safe::lit(" ", style),
    ]);
    // Whose it is must never be cut off by a long headline.
    let mut owner = owner(model, incident, style);
    let taken: usize = spans.iter().chain(&owner).map(Span::width).sum();
    let room = usize::from(width).saturating_sub(taken + 1);
    let headline = Line::from(safe::prose(&incident.headline, style));
    let headline = safe::fit(headline, u16::try_from(room).unwrap_or(width), model.glyphs.cut);
    spans.append(&mut owner);
    spans.push(safe::lit(" ", style));
    spans.extend(headline.spans);
    Line::from(spans)
}

fn owner<'a>(model: &Model, incident: &'a IncidentView, style: ratatui::style::Style) -> Vec<Span<'a>> {
    match (&incident.owner, &incident.state) {
        (_, IncidentState::Resolved(_)) => vec![safe::lit("resolved", model.theme.of(Role::Good))],
        (_, IncidentState::MergedInto(other)) => {
            vec![safe::made(format!("part of {other}"), model.theme.of(Role::Muted))]
        }
        (None, _) => vec![safe::lit(" UNOWNED ", model.theme.of(Role::HeaderAlarm))],
        (Some(owner), _) => vec![safe::lit("owner ", model.theme.of(Role::Muted)), safe::prose(&owner.login, style)],
    }
}

fn right(model: &Model) -> Line<'static> {
    let muted = model.theme.of(Role::Muted);
    let mut spans = Vec::new();
    let blank = || safe::lit(" ", muted);
    if !model.live.troubles.is_empty() {
        let text = format!(" {} TROUBLE ", model.live.troubles.len());
        spans.extend([safe::made(text, model.theme.of(Role::HeaderAlarm)), blank()]);
    }
    let silent = model.live.sources.iter().filter(|source| source.silent).count();
    if silent > 0 {
        spans.extend([safe::made(format!(" {silent} SILENT "), model.theme.of(Role::HeaderAlarm)), blank()]);
    }
    let open = model
        .live
        .incidents
        .items
        .iter()
        .filter(|incident| matches!(incident.state, IncidentState::Open | IncidentState::Quiet))
        .count();
    if open > 1 {
        spans.extend([safe::made(format!("{open} open"), model.theme.of(Role::Edge)), blank()]);
    }
    if model.live.present.len() > 1 {
        spans.extend([safe::made(format!("{} here", model.live.present.len()), muted), blank()]);
    }
    if let (Some(incident), Some(as_of)) = (model.incident(), model.shown.as_of) {
        spans.extend([safe::made(format!("+{}", lasting(incident.began, as_of)), muted), blank()]);
    }
    let clock = |time: Time| time.to_zoned(model.zone.clone()).strftime("%H:%M:%S").to_string();
    match (model.winding, model.wound, model.shown.as_of) {
        (Some(to), ..) => spans.push(safe::made(format!(" WINDING TO {} ", clock(to)), model.theme.of(Role::Wound))),
        (None, Some(at), _) => spans.push(safe::made(format!(" AS OF {} ", clock(at)), model.theme.of(Role::Wound))),
        (None, None, Some(at)) if model.held => {
            spans.push(safe::made(format!(" HELD {} ", clock(at)), model.theme.of(Role::Wound)));
        }
        (None, None, Some(at)) => spans.push(safe::made(format!("LIVE {}", clock(at)), muted)),
        (None, None, None) => spans.push(safe::lit("LIVE", muted)),
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short_and_never_negative() {
        let at = |second| Time::from_second(second).expect("in range");
        for (seconds, text) in [(0, "0s"), (59, "59s"), (18 * 60, "18m"), (3 * 3600 + 300, "3h05m"), (180_000, "2d2h")]
        {
            assert_eq!(lasting(at(1000), at(1000 + seconds)), text);
        }
        assert_eq!(lasting(at(1000), at(0)), "0s");
    }
}
