//! Who was heard of and what became of it, where deliveries are taken, which limits were reached, and what agents do not
//! record: silence of a source is not health, and what was refused must not look as if it had never come.

use ratatui::buffer::Buffer;
use ratatui::text::Line;

use super::page::Page;
use super::say;
use crate::console::action::Action;
use crate::console::outcome;
use crate::console::pane::{Answer, Cx, Input, Pane, PaneKind, Picked};
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::row::Row;
use crate::console::widgets::{meter, words};
use crate::engine::view::{Bounded, Counter, Gap, ServiceGaps, SourceHealth};

/// The sources.
#[derive(Debug)]
pub struct Sources {
    page: Page,
}

impl Default for Sources {
    fn default() -> Self {
        Self { page: Page::from_the_top() }
    }
}

/// What a counter counts, in words a person needs no manual for.
fn words_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "accepted" => "deliveries recorded",
        "refused" => "deliveries refused: not understood",
        "too_large" => "deliveries refused: larger than their limit",
        "unauthorized" => "deliveries refused: without the right token or signature",
        "busy" => "deliveries told to come again: too much at once",
        "unstorable" => "deliveries told to come again: they could not be recorded",
        "broke_off" => "deliveries that came too slowly or broke off",
        "poll_failed" => "polls without a right answer",
        "duplicates" => "items that were known already: nothing changed",
        "rejected_items" => "items left out of deliveries: malformed or beyond a limit",
        "connections_closed" => "connections closed: there were too many",
        "quarantine_failed" => "refused deliveries that could not be kept",
        "in_quarantine" => "refused deliveries kept: `warroom quarantine` lists them",
        "unreadable" => "entries of the record that this version cannot read",
        "left out of diagnosis" => "items beyond what a diagnosis looks at",
        _ => return None,
    })
}

/// Counters of one source that mean that something of it is not here.
fn lost(source: &SourceHealth) -> u64 {
    source.counts.iter().filter(|counter| counter.name != "duplicates").map(|counter| counter.count).sum()
}

fn counted(cx: &Cx<'_>, counter: &Counter, indent: usize, columns: usize) -> Vec<Line<'static>> {
    let harmless = matches!(&*counter.name, "accepted" | "duplicates");
    let style = cx.of(if harmless { Role::Muted } else { Role::Text });
    let what = words_of(&counter.name).unwrap_or(&counter.name);
    let text = format!("{:indent$}{:>9}  {what}", "", counter.count);
    words::wrap(vec![safe::made(text, style)], columns, indent + 11)
}

fn source(cx: &Cx<'_>, source: &SourceHealth) -> Vec<Line<'static>> {
    let columns = cx.area.width;
    let muted = cx.of(Role::Muted);
    let row = Row::new(cx, columns).lit("  ", muted).name(&source.name, 14, cx.of(Role::Text)).lit(" ", muted);
    let row = match source.last {
        Some(last) if source.silent => row.made(format!("NO SIGNAL since {}", cx.clock(last)), cx.of(Role::Bad)),
        Some(last) => row.made(format!("heard at {}", cx.clock(last)), cx.of(Role::Time)),
        None => row.lit("nothing of it was accepted", cx.of(Role::Bad)),
    };
    let mut lines = vec![row.made(format!("  {} deliveries", meter::count(source.accepted)), muted).line()];
    if let Some(shown) = source.shown {
        let text = format!("        has shown spans up to {}; later ones may still be on their way", cx.clock(shown));
        lines.extend(words::wrap(vec![safe::made(text, muted)], usize::from(columns), 8));
    }
    for counter in source.counts.iter().filter(|counter| counter.count > 0) {
        lines.extend(counted(cx, counter, 8, usize::from(columns)));
    }
    lines
}

/// So many of the worst services are told with what each gap costs; of the others one line.
const TOLD: usize = 3;

/// What the services that run agents do not send: the question nobody can answer, and what mends it.
fn gaps(cx: &Cx<'_>) -> Vec<Line<'static>> {
    let Bounded { items, hidden } = &cx.view.recorder;
    let mut lines = Vec::new();
    if items.is_empty() {
        return lines;
    }
    let muted = cx.of(Role::Muted);
    lines.push(Line::from(safe::lit("What agents do not record, worst first", cx.of(Role::Title))));
    for (nth, service) in items.iter().enumerate() {
        lines.push(recorded(cx, service));
        for gap in service.gaps.iter().filter(|gap| gap.needed && nth < TOLD) {
            lines.extend(gap_lines(cx, gap));
        }
    }
    let more = if *hidden > 0 { format!("{hidden} more services. ") } else { String::new() };
    let all = format!("{more}`warroom doctor recorder` lists every field, also those that are only worth having.");
    lines.extend(words::wrap(vec![safe::made(all, muted)], usize::from(cx.area.width), 0));
    lines
}

/// A service's score as a bar.
fn recorded(cx: &Cx<'_>, service: &ServiceGaps) -> Line<'static> {
    let muted = cx.of(Role::Muted);
    let needed = service.gaps.iter().filter(|gap| gap.needed).count();
    let row = Row::new(cx, cx.area.width)
        .lit("  ", muted)
        .spans(meter::bar(cx, service.score, 10, cx.of(Role::Share)))
        .num(outcome::percent(service.score), 6, cx.of(Role::Text))
        .lit("  ", muted);
    let lacks = if needed == 0 { "nothing needed".to_owned() } else { say::many(needed, "needed field") };
    let said = format!("  lacks {lacks} in {} steps", meter::count(service.steps));
    let name = row.left().saturating_sub(said.len()).max(8);
    let row = if service.service.is_empty() {
        row.lit("(says no service.name)", cx.of(Role::Text))
    } else {
        row.spans(words::prose(cx, &service.service, name, cx.of(Role::Text)))
    };
    row.made(said, muted).line()
}

fn gap_lines(cx: &Cx<'_>, gap: &Gap) -> Vec<Line<'static>> {
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    let columns = usize::from(cx.area.width);
    let head = format!("    {}: on {} of {} {} steps", gap.field, gap.captured, gap.of, gap.on);
    let mut lines = words::wrap(vec![safe::made(head, cx.of(Role::NotCaptured))], columns, 6);
    let cost = vec![safe::lit("      nobody can tell ", muted), safe::made(&*gap.question, text)];
    lines.extend(words::wrap(cost, columns, 6));
    lines.extend(words::wrap(vec![safe::lit("      mend: ", muted), safe::made(&*gap.mend, text)], columns, 6));
    lines
}

/// How often each rule of redaction struck.
fn redacted(cx: &Cx<'_>) -> Vec<Line<'static>> {
    let rules = &cx.view.redacted;
    if rules.is_empty() {
        return Vec::new();
    }
    let title = "Taken out before it was recorded";
    let mut lines = vec![Line::from(safe::lit(title, cx.of(Role::Title)))];
    lines.extend(rules.iter().flat_map(|rule| counted(cx, rule, 0, usize::from(cx.area.width))));
    lines
}

/// What of old telemetry is not here any more.
fn let_go(cx: &Cx<'_>) -> Vec<Line<'static>> {
    let gone = &cx.view.let_go;
    let Some(until) = gone.until else { return Vec::new() };
    let columns = usize::from(cx.area.width);
    let title = format!("Let go of what came before {}", until.strftime("%Y-%m-%d %H:%M UTC"));
    let mut lines = words::wrap(vec![safe::made(title, cx.of(Role::Title))], columns, 2);
    let of = format!(
        "good, ordinary runs and requests, of {} in all; the {} that went wrong are all kept",
        meter::count(gone.seen),
        meter::count(gone.bad)
    );
    for (count, what) in [
        (gone.gone, of.as_str()),
        (gone.spans, "spans of theirs"),
        (gone.log_lines, "lines of logs"),
        (gone.samples, "samples of metrics"),
    ] {
        let text = format!("{count:>9}  {what}");
        lines.extend(words::wrap(vec![safe::made(text, cx.of(Role::Text))], columns, 11));
    }
    lines
}

fn lay_out(cx: &Cx<'_>) -> Vec<Line<'static>> {
    let columns = usize::from(cx.area.width);
    let (text, muted, title) = (cx.of(Role::Text), cx.of(Role::Muted), cx.of(Role::Title));
    let mut lines = Vec::new();
    for trouble in &cx.view.troubles {
        let mut spans = vec![safe::made(format!("{} ", cx.glyphs.alert), cx.of(Role::StatusError))];
        spans.extend(words::prose(cx, &trouble.text, 2000, text));
        spans.push(safe::made(format!(" (since {})", cx.clock(trouble.since)), muted));
        lines.extend(words::wrap(spans, columns, 2));
    }
    if let Some(at) = say::address(cx, "") {
        lines.extend(words::wrapped(&format!("Deliveries are taken at {at}"), columns, text));
    }
    if !cx.view.sources.is_empty() {
        lines.push(Line::from(safe::lit("Sources", title)));
        lines.extend(cx.view.sources.iter().flat_map(|one| source(cx, one)));
    }
    let counters: Vec<_> = cx.view.counters.iter().filter(|counter| counter.count > 0).collect();
    if !counters.is_empty() || cx.view.loose_alerts > 0 {
        lines.push(Line::from(safe::lit("In all, since this process started", title)));
    }
    lines.extend(counters.into_iter().flat_map(|counter| counted(cx, counter, 0, columns)));
    if cx.view.loose_alerts > 0 {
        let loose =
            format!("{:>9}  alerts that belong to no incident: informational ones and tests", cx.view.loose_alerts);
        lines.extend(words::wrap(vec![safe::made(loose, text)], columns, 11));
    }
    lines.extend(redacted(cx));
    lines.extend(let_go(cx));
    lines.extend(gaps(cx));
    if !lines.is_empty() {
        lines.push(Line::default());
        let limits =
            "Everything that comes in has a limit; `warroom doctor --limits` lists them with what happens beyond.";
        lines.extend(words::wrapped(limits, columns, muted));
    }
    lines
}

/// What stands beside a title: how many sources, and what is wrong with them. The incidents' pane says it too.
pub(super) fn in_short(cx: &Cx<'_>) -> Line<'static> {
    let sources = &cx.view.sources;
    let mut spans = vec![safe::made(say::many(sources.len(), "source"), cx.of(Role::Muted))];
    let silent = sources.iter().filter(|source| source.silent).count();
    if silent > 0 {
        spans.push(safe::made(format!(", {silent} SILENT"), cx.of(Role::HeaderAlarm)));
    }
    let lost: u64 = sources.iter().map(lost).sum();
    if lost > 0 {
        spans.push(safe::made(format!(", {lost} refused or left out"), cx.of(Role::Unclear)));
    }
    Line::from(spans)
}

impl Pane for Sources {
    fn kind(&self) -> PaneKind {
        PaneKind::Sources
    }

    fn summary(&self, cx: &Cx<'_>) -> Line<'static> {
        in_short(cx)
    }

    fn hints(&self) -> &'static [Action] {
        &[]
    }

    fn prepare(&mut self, cx: &Cx<'_>) {
        self.page.settle(cx, lay_out(cx));
    }

    fn update(&mut self, _cx: &Cx<'_>, input: &Input) -> Answer {
        self.page.hear(input)
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        self.page.draw(cx, buf, "No source was heard of yet.", &say::how_to_begin(cx));
    }

    fn picked(&self, _cx: &Cx<'_>) -> Option<Picked> {
        None
    }

    fn at_home(&self) -> bool {
        self.page.at_home()
    }

    fn go_home(&mut self) {
        self.page.go_home();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::counters::{Counters, Fate};

    #[test]
    fn every_counter_of_intake_has_words() {
        use Fate::{Accepted, BrokeOff, Busy, PollFailed, Refused, TooLarge, Unauthorized, Unstorable};
        let counters = Counters::default();
        for fate in [Accepted, BrokeOff, Busy, PollFailed, Refused, TooLarge, Unauthorized, Unstorable] {
            counters.count(crate::event::Source::Otlp, fate);
        }
        counters.accept(crate::event::Source::Otlp, 1, 1, 1, crate::event::Time::UNIX_EPOCH);
        for of in [&counters.connections_closed, &counters.quarantine_failed] {
            of.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        for (name, _) in counters.table().into_iter().chain([("in_quarantine", 1)]) {
            assert!(words_of(name).is_some(), "{name} is shown without words");
        }
    }
}
