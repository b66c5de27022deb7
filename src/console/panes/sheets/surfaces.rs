//! What runs are made of, at any two moments or in any two slices, side by side.

use ratatui::text::Line;

use super::choice::{agent, of_agent, parse};
use super::diff::{self, Look};
use super::heading;
use super::step::{began, with_table};
use crate::console::action::Action;
use crate::console::details::Want;
use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::sheet::{Content, Sheet, not_yet};
use crate::console::theme::Role;
use crate::console::widgets::row::Row;
use crate::console::widgets::{meter, words};
use crate::event::{Policy, Untrusted};
use crate::surface::{Chosen, Compared, Finding, Numbers, PartId, RunRow, RunTable, ValueId, Values};

/// So many values of a part are written out.
const WRITTEN: usize = 6;
/// Lines around what differs.
const AROUND: usize = 1;
/// A slice with more values than this is not offered by itself.
const OFFERED: usize = 8;

/// The comparison.
#[derive(Debug, Default)]
pub(in crate::console::panes) struct SurfacesSheet {
    /// What was typed; `None` = one of the offered ones.
    typed: Option<(String, String)>,
    /// Which of the offered ones, counted on and on.
    offer: usize,
}

impl SurfacesSheet {
    /// The comparison of what was typed after the command, or the one before and since.
    pub(in crate::console::panes) fn new(typed: &str) -> Self {
        Self { typed: sides(typed), ..Self::default() }
    }

    /// The two choices on the screen, as they are typed.
    fn sides(&self, cx: &Cx<'_>) -> (String, String) {
        if let Some(typed) = &self.typed {
            return typed.clone();
        }
        let offers = offers(cx);
        let at = self.offer % offers.len().max(1);
        offers.into_iter().nth(at).unwrap_or_else(|| ("all".into(), "now".into()))
    }
}

/// `before | since` as its two sides.
fn sides(text: &str) -> Option<(String, String)> {
    let (left, right) = text.split_once('|')?;
    Some((left.trim().to_owned(), right.trim().to_owned()))
}

/// What is offered without typing: around the onset, the moment wound back to and now, and the two commonest values of each
/// slice since the onset.
fn offers(cx: &Cx<'_>) -> Vec<(String, String)> {
    let mut offers = Vec::new();
    let pair = |left: &str, right: &str| (left.to_owned(), right.to_owned());
    if cx.view.wound_back {
        offers.push(pair("then", "now"));
    }
    if began(cx).is_some() {
        offers.push(pair("before", "since"));
    }
    let slices = with_table(cx, |table| {
        let own = of_agent(Chosen { from: began(cx), ..Chosen::default() }, agent(cx, table).as_ref());
        let rows = table.choose(&own);
        let names: std::collections::BTreeSet<&'static str> =
            rows.iter().flat_map(|row| &row.slices).map(|(slice, _)| *slice).collect();
        let mut found = Vec::new();
        for slice in names {
            let mut counts: std::collections::BTreeMap<ValueId, u64> = std::collections::BTreeMap::new();
            rows.iter().filter_map(|row| row.slice(slice)).for_each(|value| *counts.entry(value).or_default() += 1);
            let mut counts: Vec<(ValueId, u64)> = counts.into_iter().collect();
            counts.sort_by_key(|(value, runs)| (std::cmp::Reverse(*runs), *value));
            // A comma or a line between choices in a value would make it another choice.
            let named: Vec<String> = counts.iter().map(|(value, _)| table.value(*value).raw().to_owned()).collect();
            let plain = |value: &&String| !value.contains(['|', ',', '=']);
            if let ([one, other, ..], true) =
                (named.iter().filter(plain).collect::<Vec<_>>().as_slice(), counts.len() <= OFFERED)
            {
                let since = if began(cx).is_some() { "since, " } else { "" };
                found.push((format!("{since}{slice}={one}"), format!("{since}{slice}={other}")));
            }
        }
        found
    });
    offers.extend(slices.unwrap_or_default());
    if offers.is_empty() {
        offers.push(pair("all", "now"));
    }
    offers
}

/// One side in words: which runs these are.
fn said(cx: &Cx<'_>, which: &'static str, text: &str, rows: &[&RunRow], columns: usize) -> Vec<Line<'static>> {
    let mut spans = vec![safe::lit(which, cx.of(Role::Muted))];
    spans.extend(words::whole(cx, &Untrusted::from(text), Policy::Prose, cx.of(Role::Title)));
    let when = match (rows.first(), rows.last()) {
        (Some(first), Some(last)) => {
            let runs = if rows.len() == 1 { "run" } else { "runs" };
            format!(": {} {runs}, {} to {}", rows.len(), cx.clock(first.at), cx.clock(last.at))
        }
        _ => ": no run".to_owned(),
    };
    spans.push(safe::made(when, cx.of(Role::Text)));
    words::wrap(spans, columns, 6)
}

/// `30 of 31`, or that nothing was captured.
fn counted(runs: u64, of: &Values) -> String {
    if of.captured == 0 { "not captured".to_owned() } else { format!("{runs} of {}", of.captured) }
}

/// Columns of a bar of a share, and of a value's name, in so wide a sheet.
fn widths(width: u16) -> (usize, usize) {
    let bars = if width >= 100 { 10 } else { 0 };
    (bars, usize::from(width).saturating_sub(2 * (14 + bars) + 3 + 4).max(12))
}

/// What the columns of values are.
fn columns_row(cx: &Cx<'_>, width: u16) -> Line<'static> {
    let muted = cx.of(Role::Muted);
    let (bars, name) = widths(width);
    let row =
        Row::new(cx, width).lit("    ", muted).col("", name, muted).num("left", 14, muted).col("", bars + 2, muted);
    row.num("right", 14, muted).line()
}

/// The values of a part, left and right.
fn values(cx: &Cx<'_>, table: &RunTable, one: &Compared, width: u16) -> Vec<Line<'static>> {
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    let mut order: Vec<ValueId> = one.left.values.iter().map(|(value, _)| *value).collect();
    order.extend(one.right.values.iter().map(|(value, _)| *value).filter(|value| one.left.share(*value) == 0.0));
    let runs = |side: &Values, value: ValueId| side.values.iter().find(|(own, _)| *own == value).map_or(0, |own| own.1);
    let (bars, name) = widths(width);
    let mut lines = Vec::new();
    for value in order.iter().take(WRITTEN) {
        let whole = table.value(*value);
        let mut row = Row::new(cx, width).lit("    ", text);
        if safe::width(whole.show(Policy::Prose).as_str()) > name {
            let mut spans = vec![safe::lit("    ", text)];
            spans.extend(words::whole(cx, &whole, Policy::Prose, text));
            lines.extend(words::wrap(spans, usize::from(width), 6));
            row = row.col("", name, text);
        } else {
            row = row.name(&whole, name, text);
        }
        for (side, gap) in [(&one.left, " "), (&one.right, "")] {
            let role = if side.captured == 0 { Role::NotCaptured } else { Role::Text };
            row = row.num(counted(runs(side, *value), side), 14, cx.of(role)).lit(" ", muted);
            if bars > 0 {
                row = row.spans(meter::bar(cx, side.share(*value), bars, cx.of(Role::Share)));
            }
            row = row.lit(gap, muted);
        }
        lines.push(row.line());
    }
    let more = order.len().saturating_sub(WRITTEN);
    let others = one.left.others + one.right.others;
    if more > 0 || others > 0 {
        let others = if others > 0 { format!(", and others in {others} runs") } else { String::new() };
        lines.extend(words::wrapped(&format!("    and {more} more values{others}"), usize::from(width), muted));
    }
    lines
}

/// The texts behind the commonest values of both sides, where they differ.
fn texts(cx: &Cx<'_>, table: &RunTable, one: &Compared, width: u16, content: &mut Content) {
    let top = |side: &Values| side.values.first().map(|(value, _)| *value);
    let (Some(left), Some(right)) = (top(&one.left), top(&one.right)) else { return };
    // Where the commonest is the same, what came is held against it.
    let right = if left == right {
        let came = one.right.values.iter().map(|(value, _)| *value).find(|value| one.left.share(*value) == 0.0);
        came.unwrap_or(right)
    } else {
        right
    };
    let (Some(before), Some(after)) = (table.text(one.part, left), table.text(one.part, right)) else { return };
    if left == right {
        return;
    }
    let rows = diff::of_texts(&diff::comparable(before), &diff::comparable(after));
    let (out, put) = diff::words_moved(&rows);
    let mut spans = vec![safe::lit("    ", cx.of(Role::Muted))];
    spans.extend(words::prose(cx, &table.value(left), 40, cx.of(Role::Muted)));
    spans.push(safe::made(format!(" {} ", cx.glyphs.arrow), cx.of(Role::Muted)));
    spans.extend(words::prose(cx, &table.value(right), 40, cx.of(Role::Muted)));
    spans.push(safe::made(format!(": {out} words out, {put} in, within lines that stayed"), cx.of(Role::Muted)));
    content.lines.extend(words::wrap(spans, usize::from(width), 6));
    let look = Look { width: usize::from(width), side_by_side: width >= diff::WIDE, policy: Policy::Prose };
    let places = content.places.len();
    diff::draw(cx, &diff::places(&rows, AROUND), look, content);
    // One part is one place.
    content.places.truncate(places);
}

fn finding(cx: &Cx<'_>, table: &RunTable, finding: &Finding, columns: usize) -> Vec<Line<'static>> {
    let (text, muted) = (cx.of(Role::Changed), cx.of(Role::Muted));
    let name = |value: ValueId| words::prose(cx, &table.value(value), 60, text);
    let mut spans = vec![safe::made(format!("{} ", cx.glyphs.alert), text)];
    match finding {
        Finding::Alias { asked, served } => {
            spans.push(safe::lit("asked for ", muted));
            spans.extend(name(*asked));
            spans.push(safe::lit(", answered by ", muted));
            for (nth, (value, runs)) in served.iter().enumerate() {
                spans.push(safe::lit(if nth > 0 { ", " } else { "" }, muted));
                spans.extend(name(*value));
                spans.push(safe::made(format!(" in {runs} runs"), muted));
            }
        }
        Finding::Skew { slice, part, runs } => {
            spans.extend(part_name(cx, table, *part, text));
            spans.push(safe::made(format!(" is another by {slice}: "), muted));
            for (nth, (value, of, most, with)) in runs.iter().enumerate() {
                spans.push(safe::lit(if nth > 0 { "; " } else { "" }, muted));
                spans.extend(words::prose(cx, &table.value(*value), 40, cx.of(Role::Text)));
                spans.push(safe::lit(" mostly ", muted));
                spans.extend(name(*most));
                spans.push(safe::made(format!(" ({with} of {of})"), muted));
            }
        }
    }
    words::wrap(spans, columns, 2)
}

fn part_name(
    cx: &Cx<'_>,
    table: &RunTable,
    part: PartId,
    style: ratatui::style::Style,
) -> Vec<ratatui::text::Span<'static>> {
    table.part(part).map(|(_, name)| words::prose(cx, name, 60, style)).unwrap_or_default()
}

/// Scores of both sides in one line each.
fn scores(cx: &Cx<'_>, left: Option<&Numbers>, right: Option<&Numbers>, columns: usize) -> Vec<Line<'static>> {
    let mut lines = vec![Line::from(safe::lit("Retrieval scores", cx.of(Role::Text)))];
    for (which, numbers) in [("left", left), ("right", right)] {
        let text = numbers.map_or_else(
            || format!("    {which:<6}not captured"),
            |numbers| {
                let [least, low, median, high, most] = numbers.at.map(meter::value);
                format!(
                    "    {which:<6}{} scores: {least} to {most}, half of them {low} to {high}, median {median}",
                    numbers.n
                )
            },
        );
        let role = if numbers.is_none() { Role::NotCaptured } else { Role::Text };
        lines.extend(words::wrapped(&text, columns, cx.of(role)));
    }
    lines
}

fn lay_out(cx: &Cx<'_>, table: &RunTable, (left, right): &(String, String), width: u16) -> Content {
    let columns = usize::from(width);
    let muted = cx.of(Role::Muted);
    let mut content = Content::default();
    let agent = agent(cx, table);
    let choose = |text: &str| parse(cx, text).map(|chosen| table.choose(&of_agent(chosen, agent.as_ref())));
    let (lefts, rights) = match (choose(left), choose(right)) {
        (Ok(lefts), Ok(rights)) => (lefts, rights),
        (Err(wrong), _) | (_, Err(wrong)) => {
            let spans = words::whole(cx, &Untrusted::from(wrong), Policy::Prose, cx.of(Role::StatusError));
            content.lines.extend(words::wrap(spans, columns, 0));
            return content;
        }
    };
    content.lines.extend(said(cx, "left  ", left, &lefts, columns));
    content.lines.extend(said(cx, "right ", right, &rights, columns));
    if let Some(agent) = &agent {
        let mut spans = vec![safe::lit("of    ", muted)];
        spans.extend(words::prose(cx, agent, 60, cx.of(Role::Text)));
        if table.left_out > 0 {
            spans.push(safe::made(format!("; {} older runs are not looked at", table.left_out), muted));
        }
        content.lines.extend(words::wrap(spans, columns, 6));
    }
    let key = |action: Action| cx.keymap.first(action).unwrap_or_else(|| format!(":{}", action.about().name));
    let how = format!(
        "{} chooses other moments or slices, {} goes through the offered ones.",
        key(Action::ViewChoose),
        key(Action::ViewToggle)
    );
    content.lines.extend(words::wrapped(&how, columns, muted));
    if lefts.is_empty() || rights.is_empty() {
        return content;
    }
    let both: Vec<&RunRow> = lefts.iter().chain(&rights).copied().collect();
    let findings = table.findings(&both);
    if !findings.is_empty() {
        content.lines.extend(heading(cx, "What stands out in these runs"));
        content.lines.extend(findings.iter().flat_map(|one| finding(cx, table, one, columns)));
    }
    let compared = table.compare(&lefts, &rights);
    let mut surface = None;
    for one in &compared {
        let first = surface.is_none();
        if first || surface != Some(one.differs) {
            content.lines.extend(heading(cx, if one.differs { "What differs" } else { "What is the same" }));
            content.lines.push(columns_row(cx, width));
            surface = Some(one.differs);
        }
        let (sign, role) = if one.differs { (cx.glyphs.differs, Role::Changed) } else { (cx.glyphs.same, Role::Same) };
        if one.differs {
            content.places.push(content.lines.len());
        }
        let mut spans = vec![safe::made(format!("{sign} "), cx.of(role))];
        spans.extend(part_name(cx, table, one.part, cx.of(role)));
        spans.push(safe::made(format!("  {}", one.surface.name()), muted));
        content.lines.extend(words::wrap(spans, columns, 2));
        content.lines.extend(values(cx, table, one, width));
        if one.differs {
            texts(cx, table, one, width, &mut content);
        }
    }
    content.lines.push(Line::default());
    let (left, right) = (RunTable::scores(&lefts), RunTable::scores(&rights));
    content.lines.extend(scores(cx, left.as_ref(), right.as_ref(), columns));
    let missing = table.not_captured(&both);
    if !missing.is_empty() {
        content.lines.extend(heading(cx, "Not captured by any of them"));
        for (surface, part, field) in missing {
            let text = format!("{} {part}  {}  send {field}", cx.glyphs.missing, surface.name());
            content.lines.extend(words::wrapped(&text, columns, cx.of(Role::NotCaptured)));
        }
    }
    content
}

impl Sheet for SurfacesSheet {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        let (left, right) = self.sides(cx);
        let style = cx.of(Role::DialogTitle);
        let text = Untrusted::from(format!("{left} | {right}"));
        let mut spans = vec![safe::lit("What runs are made of: ", style)];
        spans.extend(words::prose(cx, &text, 60, style));
        Line::from(spans)
    }

    fn want(&self) -> Option<Want> {
        Some(Want::Runs)
    }

    fn hints(&self) -> &'static [Action] {
        &[
            Action::ViewClose,
            Action::Down,
            Action::ViewNext,
            Action::ViewChoose,
            Action::ViewToggle,
            Action::ViewFind,
            Action::ViewHelp,
        ]
    }

    fn lay_out(&self, cx: &Cx<'_>, width: u16) -> Content {
        if let Some(content) = not_yet(cx, &Want::Runs) {
            return content;
        }
        let sides = self.sides(cx);
        with_table(cx, |table| {
            if table.rows.is_empty() {
                let text = "No agent run was seen: there is nothing to compare.";
                let lines = words::wrapped(text, usize::from(width), cx.of(Role::Muted));
                return Content { lines, ..Content::default() };
            }
            lay_out(cx, table, &sides, width)
        })
        .unwrap_or_default()
    }

    fn typed(&self, cx: &Cx<'_>) -> Option<(&'static str, String)> {
        let (left, right) = self.sides(cx);
        Some(("compare", format!("{left} | {right}")))
    }

    fn take(&mut self, cx: &Cx<'_>, typed: &str) -> Result<(), String> {
        let both = sides(typed).ok_or("Two choices with a | between them: before | since")?;
        parse(cx, &both.0)?;
        parse(cx, &both.1)?;
        self.typed = Some(both);
        Ok(())
    }

    fn toggle(&mut self) -> bool {
        // What was typed gives way to what is offered, beginning with the first.
        if self.typed.take().is_none() {
            self.offer += 1;
        }
        true
    }

    fn opened(&self) -> String {
        "surfaces".to_owned()
    }
}
