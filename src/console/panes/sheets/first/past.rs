//! Past incidents that were like this one: what was alike, what differed, what ended them; or that nothing was like it.

use ratatui::text::{Line, Span};

use super::Page;
use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::words;
use crate::correlation::similar::LEAST_HISTORY;
use crate::engine::view::{Ended, InAspect, IncidentView, Novelty, Opens, PastView, SimilarView};
use crate::event::{IncidentId, Policy, Time, Truth, Untrusted};

/// Names of one aspect that are listed; more are counted.
const NAMES: usize = 4;

pub(super) fn lay_out(cx: &Cx<'_>, incident: &IncidentView, page: &mut Page) {
    let Some(similar) = &incident.similar else { return };
    page.heading(cx, "Past incidents like it", &of_it(similar));
    let (said, role) = novelty(similar);
    page.said(cx, &said.into(), role);
    for past in &similar.found {
        page.item(lines(cx, past), Opens::Incident { incident: past.incident });
    }
}

/// What is known of an incident that is in no list any more: what those that are like it say of it.
pub(super) fn alone(cx: &Cx<'_>, id: IncidentId) -> Page {
    let mut page = Page::default();
    let similar = cx.view.incidents.items.iter().filter_map(|incident| incident.similar.as_ref());
    let found = similar.flat_map(|similar| &similar.found).find(|past| past.incident == id);
    match found {
        Some(past) => page.lines.extend(lines(cx, past)),
        None => page.said(cx, &"This incident is not in the picture.".into(), Role::Muted),
    }
    let export = format!("All of it is in the journal: warroom export --incident {id} FOLDER writes it as a bundle.");
    page.said(cx, &export.into(), Role::Muted);
    page
}

fn of_it(similar: &SimilarView) -> String {
    match similar.left_out {
        0 => String::new(),
        n => format!("{n} older ones are in the journal and are not looked at"),
    }
}

/// Whether anything is like it, in one sentence.
fn novelty(similar: &SimilarView) -> (String, Role) {
    let past = similar.past;
    let incidents = if past == 1 { "incident" } else { "incidents" };
    match (similar.novelty, similar.found.first()) {
        (Novelty::TooFew, _) if past == 0 => ("There is no past incident yet.".to_owned(), Role::Muted),
        (Novelty::TooFew, first) => {
            let nearest = if first.is_some() { " The nearest, with that in mind:" } else { "" };
            let said = format!(
                "History is too short: {past} past {incidents}, and under {LEAST_HISTORY} likeness cannot be told from chance.{nearest}"
            );
            (said, Role::Unclear)
        }
        (Novelty::New, None) => (format!("Nothing like this in {past} past {incidents}."), Role::New),
        (Novelty::New, Some(first)) => {
            let chance = first.chance.map_or(String::new(), |chance| format!(" ({} of {})", chance.near, chance.of));
            let said = format!(
                "Nothing like this in {past} past {incidents}. What comes nearest is no nearer than chance brings one{chance}: \
                 do not rely on it."
            );
            (said, Role::New)
        }
        (Novelty::Known, _) => {
            let n = similar.found.len();
            let are = if n == 1 { "is" } else { "are" };
            (format!("{n} of {past} past {incidents} {are} like it, nearer than chance brings one."), Role::Text)
        }
    }
}

fn lines(cx: &Cx<'_>, past: &PastView) -> Vec<Line<'static>> {
    let columns = usize::from(cx.area.width);
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    let mut head = vec![
        safe::made(format!("  {} ", past.incident), cx.of(Role::Title)),
        safe::made(format!("{}  ", date(cx, past.began)), cx.of(Role::Time)),
    ];
    head.extend(was(cx, &past.ended));
    let mut lines = words::wrap(head, columns, 8);
    let of = |name: &'static str, said: &Untrusted, lines: &mut Vec<Line<'static>>| {
        let mut spans = vec![safe::made(format!("        {name:<10}"), muted)];
        spans.extend(words::whole(cx, said, Policy::Prose, text));
        lines.extend(words::wrap(spans, columns, 18));
    };
    if let Some(alike) = together(&past.aspects, |one| named(&one.both)) {
        of("alike", &alike.into(), &mut lines);
    }
    let differs = together(&past.aspects, |one| match (one.captured, named(&one.now), named(&one.then)) {
        (true, Some(now), Some(then)) if one.both.is_empty() => Some(format!("now {now}, then {then}")),
        (true, now, then) if one.both.is_empty() => now.or(then),
        (true, _, Some(then)) => Some(format!("then also {then}")),
        (true, Some(now), None) => Some(format!("now also {now}")),
        _ => None,
    });
    if let Some(differs) = differs {
        of("differs", &differs.into(), &mut lines);
    }
    let missing: Vec<&str> = past.aspects.iter().filter(|one| !one.captured).map(|one| one.aspect.name()).collect();
    if !missing.is_empty() {
        of("not known", &format!("{} of then", missing.join(", ")).into(), &mut lines);
    }
    if let Some(fixed) = fixed(cx, &past.ended) {
        of("ended by", &fixed.into(), &mut lines);
    }
    lines
}

/// What it was. Only what a person confirmed is called its cause.
fn was(cx: &Cx<'_>, ended: &Ended) -> Vec<Span<'static>> {
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    match (&ended.truth, &ended.accepted) {
        (Some(truth), _) => {
            let mut spans = vec![safe::lit("confirmed: ", cx.of(Role::Good))];
            spans.extend(words::whole(cx, &truth_words(truth), Policy::Prose, text));
            spans
        }
        (None, accepted) => {
            let mut spans = vec![safe::lit("cause not confirmed", cx.of(Role::Unclear))];
            if let Some(cause) = accepted {
                spans.push(safe::lit("; accepted was ", muted));
                spans.extend(super::say::cause(cx, cause, 60, text));
            } else if !ended.headline.is_empty() {
                spans.push(safe::lit("; it said: ", muted));
                spans.extend(words::prose(cx, &ended.headline, 160, muted));
            }
            spans
        }
    }
}

fn truth_words(truth: &Truth) -> Untrusted {
    let Some(surface) = truth.surface else { return "nothing was wrong".into() };
    let subject = truth.subject.as_ref().map(|subject| format!(" of {}", subject.raw())).unwrap_or_default();
    let change = truth.change.as_ref().map(|change| format!(" ({})", change.raw())).unwrap_or_default();
    let words = if truth.text.is_empty() { String::new() } else { format!(": {}", truth.text.raw()) };
    format!("{}{subject}{change}{words}", surface.name()).into()
}

/// What ended it: actions that were finished, the last note, who declared it over.
fn fixed(cx: &Cx<'_>, ended: &Ended) -> Option<String> {
    let mut said: Vec<String> = ended.done.iter().map(|title| format!("{} (done)", title.raw())).collect();
    said.extend(ended.note.as_ref().map(|note| format!("note of {}: {}", note.author.raw(), note.text.raw())));
    said.extend(ended.resolved.map(|at| format!("declared over {}", date(cx, at))));
    (!said.is_empty()).then(|| said.join("; "))
}

/// Aspects of which `what` says something, with that.
fn together(aspects: &[InAspect], what: impl Fn(&InAspect) -> Option<String>) -> Option<String> {
    let said: Vec<String> =
        aspects.iter().filter_map(|one| Some(format!("{}: {}", one.aspect.name(), what(one)?))).collect();
    (!said.is_empty()).then(|| said.join("; "))
}

fn named(names: &[Untrusted]) -> Option<String> {
    let first: Vec<&str> = names.iter().take(NAMES).map(Untrusted::raw).collect();
    let more = names.len().saturating_sub(NAMES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!first.is_empty()).then(|| format!("{}{more}", first.join(", ")))
}

fn date(cx: &Cx<'_>, time: Time) -> String {
    time.to_zoned(cx.zone.clone()).strftime("%-d %b %Y %H:%M").to_string()
}
