//! The first line: what is going on, and whose it is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::console::model::Model;
use crate::console::safe;
use crate::console::theme::Role;
use crate::engine::view::{FreezeView, Freezing, IncidentState, IncidentView};
use crate::event::{Policy, Severity, Time};

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

/// What the first line may lose for the headline's sake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// How many people are here.
    Present,
    /// All of the label but its first word.
    LabelRest,
    /// The seconds of the clock.
    Seconds,
    /// How long the incident lasts already.
    Age,
    /// How many incidents are open.
    Open,
    /// The clock, with its zone.
    Clock,
}

/// A level's name takes no more columns than this.
const LEVEL: usize = 12;

/// The order in which they go, the least important first. What is going on (severity, incident, headline), whose it is,
/// that something is wrong with the console, and that a picture is not of now: these never go.
const GIVES_WAY: [Part; 6] = [Part::Present, Part::LabelRest, Part::Seconds, Part::Age, Part::Open, Part::Clock];

/// A headline wants room for all of itself, but for no more than half of the line.
fn wanted(headline: usize, width: u16) -> usize {
    headline.min(usize::from(width) / 2)
}

pub(super) fn draw(model: &Model, buf: &mut Buffer) {
    let area = Rect { x: 0, y: 0, width: model.size.width, height: 1 };
    let style = model.theme.of(Role::Header);
    let headline = match model.incident() {
        Some(incident) => Line::from(safe::prose(&incident.headline, style)),
        None if model.live.head == model.live.journal_head => Line::from(safe::lit("No incident.", style)),
        None => Line::from(safe::lit("Reading the journal …", style)),
    };
    let enough = wanted(headline.width(), area.width);
    let mut gone = 0;
    let (left, right, room) = loop {
        let lost = &GIVES_WAY[..gone];
        let (left, right) = (left(model, lost, style), right(model, lost));
        let room = usize::from(area.width).saturating_sub(left.width() + right.width() + 1);
        if room >= enough || gone == GIVES_WAY.len() {
            break (left, right, room);
        }
        gone += 1;
    };
    let mut line = left;
    line.spans.extend(safe::fit(headline, u16::try_from(room).unwrap_or(area.width), model.glyphs.cut).spans);
    let wide = u16::try_from(right.width()).unwrap_or(area.width);
    let left_area = Rect { width: area.width.saturating_sub(wide + 1), ..area };
    safe::put(buf, left_area, 0, line, model.glyphs.cut);
    let right_area = Rect { x: area.width.saturating_sub(wide), width: wide.min(area.width), ..area };
    safe::put(buf, right_area, 0, right, model.glyphs.cut);
}

/// What stands before the headline.
fn left<'a>(model: &'a Model, lost: &[Part], style: ratatui::style::Style) -> Line<'a> {
    let mut spans: Vec<Span<'_>> = Vec::new();
    if let Some(label) = &model.live.label {
        let whole = label.raw().len();
        let first = label.raw().find(|c: char| !c.is_alphanumeric()).unwrap_or(whole);
        let kept = label.excerpt(0..if lost.contains(&Part::LabelRest) && first > 0 { first } else { whole });
        let on = model.theme.of(Role::Label);
        spans.extend([safe::lit(" ", on), safe::shown(kept.show(Policy::Prose), on), safe::lit(" ", on)]);
        spans.push(safe::lit(" ", style));
    }
    if model.live.halted.is_some() {
        spans.extend([safe::lit(" CHANGES HALTED ", model.theme.of(Role::HeaderAlarm)), safe::lit(" ", style)]);
    }
    let Some(incident) = model.incident() else { return Line::from(spans) };
    // Whose it is and how severe is never held back: nobody reads that from a list that could shift.
    let newest = || model.live.incidents.items.iter().find(|newest| newest.id == incident.id).map(AsRef::as_ref);
    let incident = if model.wound.is_some() { incident } else { newest().unwrap_or(incident) };
    if let Some((words, role)) = incident.freeze.as_ref().and_then(|freeze| frozen(model, freeze)) {
        spans.extend([safe::made(words, model.theme.of(role)), safe::lit(" ", style)]);
    }
    let severity = model.theme.severity(incident.weight());
    spans.extend([
        safe::lit(model.glyphs.severity[incident.weight() as usize % 5], severity),
        safe::lit(" ", style),
        safe::made(incident.id.to_string(), style),
        safe::lit(" ", style),
    ]);
    match &incident.rated {
        Some(rated) => spans.push(safe::shown(rated.name.show_prefix(Policy::Prose, LEVEL), severity)),
        None => spans.push(safe::lit(word(incident.severity), severity)),
    }
    spans.push(safe::lit(" ", style));
    spans.extend(owner(model, incident, style));
    spans.push(safe::lit(" ", style));
    Line::from(spans)
}

/// What the first line says of a freeze while it matters: until when it holds, that something walked past it, that it did not end.
fn frozen(model: &Model, freeze: &FreezeView) -> Option<(String, Role)> {
    let now = model.wound.unwrap_or(model.now.wall);
    let until = || freeze.until.to_zoned(model.zone.clone()).strftime("%H:%M").to_string();
    let passed = freeze.passed.items.len() as u64 + freeze.passed.hidden;
    let past = if passed > 0 { format!(", {passed} WALKED PAST") } else { String::new() };
    match freeze.at(now) {
        Freezing::Holds => Some((format!(" FROZEN until {}{past} ", until()), Role::Label)),
        Freezing::MayHold => Some((format!(" PERHAPS FROZEN until {}{past} ", until()), Role::HeaderAlarm)),
        Freezing::Stuck => Some((" FREEZE DID NOT END ".to_owned(), Role::HeaderAlarm)),
        Freezing::LetGo | Freezing::Ending | Freezing::Over => None,
    }
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

/// What stands at the right edge.
fn right(model: &Model, lost: &[Part]) -> Line<'static> {
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
    if open > 1 && !lost.contains(&Part::Open) {
        spans.extend([safe::made(format!("{open} open"), model.theme.of(Role::Edge)), blank()]);
    }
    if model.live.present.len() > 1 && !lost.contains(&Part::Present) {
        spans.extend([safe::made(format!("{} here", model.live.present.len()), muted), blank()]);
    }
    if let (Some(incident), Some(as_of)) = (model.incident(), model.shown.as_of.filter(|_| !lost.contains(&Part::Age)))
    {
        spans.extend([safe::made(format!("+{}", lasting(incident.began, as_of)), muted), blank()]);
    }
    // With the zone: whoever reads this over ssh may be in another one than the machine, or than the configuration says.
    let clock = |time: Time, format: &str| time.to_zoned(model.zone.clone()).strftime(format).to_string();
    let whole = |time| clock(time, "%H:%M:%S %Z");
    match (model.winding, model.wound, model.shown.as_of) {
        (Some(to), ..) => spans.push(safe::made(format!(" WINDING TO {} ", whole(to)), model.theme.of(Role::Wound))),
        (None, Some(at), _) => spans.push(safe::made(format!(" AS OF {} ", whole(at)), model.theme.of(Role::Wound))),
        (None, None, Some(at)) if model.held => {
            spans.push(safe::made(format!(" HELD {} ", whole(at)), model.theme.of(Role::Wound)));
        }
        (None, None, Some(at)) => {
            let format = match () {
                () if lost.contains(&Part::Clock) => "LIVE",
                () if lost.contains(&Part::Seconds) => "LIVE %H:%M %Z",
                () => "LIVE %H:%M:%S %Z",
            };
            spans.push(safe::made(clock(at, format), muted));
        }
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
