//! How runs ended, over time and by what they were made of; and the runs that ended in one way.

use std::cell::RefCell;

use ratatui::text::Line;

use super::choice::{agent, of_agent, parse};
use super::heading;
use super::step::{began, with_table};
use crate::console::action::Action;
use crate::console::details::Want;
use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::sheet::{Content, Later, Sheet, not_yet};
use crate::console::theme::Role;
use crate::console::widgets::row::Row;
use crate::console::widgets::{meter, words};
use crate::engine::view::{Opens, StopClass};
use crate::event::{Policy, Time, TraceId, Untrusted};
use crate::surface::{ByValue, RunRow, RunTable, StopCourse, stats};

/// Stretches of time that are counted apart.
const STRETCHES: usize = 24;
/// So many values that go with a way to end are listed.
const MOST_VALUES: usize = 12;

/// How runs ended.
#[derive(Debug, Default)]
pub(in crate::console::panes) struct StopsSheet {
    /// Which runs are counted, as typed; empty = all.
    with: String,
}

/// The runs that ended in one way.
#[derive(Debug)]
pub(in crate::console::panes) struct StoppedRuns {
    stop: StopClass,
    with: Untrusted,
    /// Its runs as of the last lay-out, newest first: when, which, and by what rule.
    runs: RefCell<Vec<(Time, TraceId, Untrusted)>>,
}

impl StopsSheet {
    pub(in crate::console::panes) fn new(with: &str) -> Self {
        Self { with: with.to_owned() }
    }
}

impl StoppedRuns {
    pub(in crate::console::panes) fn new(stop: StopClass, with: Untrusted) -> Self {
        Self { stop, with, runs: RefCell::default() }
    }
}

/// The runs that are chosen, of the incident's agent where nothing is said of agents.
fn chosen<'t>(cx: &Cx<'_>, table: &'t RunTable, with: &str) -> Result<Vec<&'t RunRow>, String> {
    Ok(table.choose(&of_agent(parse(cx, with)?, agent(cx, table).as_ref())))
}

/// Lays out with the chosen runs, or says why there are none.
fn with_runs(cx: &Cx<'_>, with: &str, width: u16, draw: impl FnOnce(&RunTable, &[&RunRow], &mut Content)) -> Content {
    if let Some(content) = not_yet(cx, &Want::Runs) {
        return content;
    }
    let columns = usize::from(width);
    let mut content = Content::default();
    with_table(cx, |table| match chosen(cx, table, with) {
        Ok(rows) if rows.is_empty() => {
            content.lines.extend(words::wrapped("No run is chosen by that.", columns, cx.of(Role::Muted)));
        }
        Ok(rows) => draw(table, &rows, &mut content),
        Err(wrong) => {
            let spans = words::whole(cx, &Untrusted::from(wrong), Policy::Prose, cx.of(Role::StatusError));
            content.lines.extend(words::wrap(spans, columns, 0));
        }
    });
    content
}

/// Which runs these are.
fn said(cx: &Cx<'_>, table: &RunTable, rows: &[&RunRow], with: &str, columns: usize) -> Vec<Line<'static>> {
    let muted = cx.of(Role::Muted);
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Vec::new() };
    let mut spans = vec![safe::made(
        format!("{} runs, {} to {}", rows.len(), cx.clock(first.at), cx.clock(last.at)),
        cx.of(Role::Text),
    )];
    if let Some(agent) = agent(cx, table).filter(|_| !with.contains("agent=")) {
        spans.push(safe::lit(", of ", muted));
        spans.extend(words::prose(cx, &agent, 40, cx.of(Role::Text)));
    }
    if !with.is_empty() {
        spans.push(safe::lit(", only ", muted));
        spans.extend(words::whole(cx, &Untrusted::from(with), Policy::Prose, cx.of(Role::Title)));
    }
    if table.left_out > 0 {
        spans.push(safe::made(format!("; {} older ones are not looked at", table.left_out), muted));
    }
    words::wrap(spans, columns, 2)
}

#[expect(clippy::cast_precision_loss, reason = "counts of runs")]
fn course(counts: &[u64]) -> Vec<f64> {
    counts.iter().map(|count| *count as f64).collect()
}

/// `24 % (14 to 38) of 41`.
fn rate(with: u64, of: u64) -> String {
    let (low, high) = stats::wilson(with, of);
    #[expect(clippy::cast_precision_loss, reason = "counts of runs")]
    let share = if of == 0 { 0.0 } else { with as f64 / of as f64 };
    format!("{:.0} % ({:.0} to {:.0}) of {of}", share * 100.0, low * 100.0, high * 100.0)
}

fn stop_rows(cx: &Cx<'_>, rows: &[&RunRow], one: &StopCourse, width: u16) -> Vec<Line<'static>> {
    let style = cx.of(if one.stop.is_bad() { Role::Bad } else { Role::Text });
    let sign = if one.stop.is_bad() { cx.glyphs.failed } else { " " };
    let line = Row::new(cx, width)
        .lit(sign, style)
        .lit(" ", style)
        .col(one.stop.name(), 18, style)
        .num(one.runs.to_string(), 6, style)
        .lit(" ", style)
        .spans(vec![meter::spark(cx, &course(&one.course), STRETCHES, cx.of(Role::Chart))]);
    let sides = began(cx).map(|began| {
        let count = |before: bool| {
            let side = rows.iter().filter(|row| (row.at < began) == before);
            side.fold((0, 0), |sum: (u64, u64), row| (sum.0 + u64::from(row.stop == one.stop), sum.1 + 1))
        };
        let ((before, of), (since, all)) = (count(true), count(false));
        format!("  {} {} {}", rate(before, of), cx.glyphs.arrow, rate(since, all))
    });
    let muted = cx.of(Role::Muted);
    let wide = width >= 110;
    let first = if wide { line.made(sides.clone().unwrap_or_default(), cx.of(Role::Text)) } else { line };
    let mut lines = vec![first.line()];
    if let Some(sides) = sides.filter(|_| !wide) {
        lines.extend(words::wrapped(&format!("    {}", sides.trim_start()), usize::from(width), cx.of(Role::Text)));
    }
    lines.extend(words::wrap(vec![safe::made(format!("    {}", one.stop.states()), muted)], usize::from(width), 4));
    lines
}

impl Sheet for StopsSheet {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        Line::from(safe::lit("How runs ended", cx.of(Role::DialogTitle)))
    }

    fn want(&self) -> Option<Want> {
        Some(Want::Runs)
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::ViewClose, Action::ViewOpen, Action::Down, Action::ViewChoose, Action::ViewFind, Action::ViewHelp]
    }

    fn lay_out(&self, cx: &Cx<'_>, width: u16) -> Content {
        let columns = usize::from(width);
        with_runs(cx, &self.with, width, |table, rows, content| {
            content.lines.extend(said(cx, table, rows, &self.with, columns));
            let key = |action: Action| cx.keymap.first(action).unwrap_or_else(|| format!(":{}", action.about().name));
            let how = format!(
                "The line is the count over time; shares are before and since the onset, with the interval that holds the truth \
                 in 95 of 100 cases. {} lists the runs of a row, {} counts only some: region=eu-west, since.",
                key(Action::ViewOpen),
                key(Action::ViewChoose)
            );
            content.lines.extend(words::wrapped(&how, columns, cx.of(Role::Muted)));
            content.lines.push(Line::default());
            for one in RunTable::stops(rows, STRETCHES) {
                content.items.push(content.lines.len());
                content.lines.extend(stop_rows(cx, rows, &one, width));
            }
        })
    }

    fn opens(&self, cx: &Cx<'_>, nth: usize) -> Option<Opens> {
        let stop = with_table(cx, |table| {
            let rows = chosen(cx, table, &self.with).ok()?;
            RunTable::stops(&rows, STRETCHES).get(nth).map(|one| one.stop)
        });
        Some(Opens::StoppedRuns { stop: stop??, with: self.with.as_str().into() })
    }

    fn typed(&self, _cx: &Cx<'_>) -> Option<(&'static str, String)> {
        Some(("only", self.with.clone()))
    }

    fn take(&mut self, cx: &Cx<'_>, typed: &str) -> Result<(), String> {
        parse(cx, typed)?;
        typed.trim().clone_into(&mut self.with);
        Ok(())
    }

    fn opened(&self) -> String {
        "how runs ended".to_owned()
    }
}

/// What goes with a way to end: the value, how many of its runs ended so.
fn by_value(cx: &Cx<'_>, table: &RunTable, one: &ByValue, width: u16) -> Line<'static> {
    let text = cx.of(Role::Text);
    let taken = 10 + 2 + 30;
    let room = usize::from(width).saturating_sub(taken + 4).max(16);
    Row::new(cx, width)
        .lit("  ", text)
        .name(&one.name, room / 2, cx.of(Role::Muted))
        .lit(" ", text)
        .name(&table.value(one.value), room - room / 2, text)
        .lit(" ", text)
        .spans(meter::bar(cx, one.share.0, 10, cx.of(Role::Share)))
        .made(format!(" {}", rate(one.runs.1, one.runs.0)), text)
        .line()
}

impl Sheet for StoppedRuns {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        Line::from(safe::made(format!("Runs that ended as \"{}\"", self.stop.name()), cx.of(Role::DialogTitle)))
    }

    fn want(&self) -> Option<Want> {
        Some(Want::Runs)
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::ViewClose, Action::ViewOpen, Action::Down, Action::ViewFind, Action::ViewHelp]
    }

    fn lay_out(&self, cx: &Cx<'_>, width: u16) -> Content {
        let columns = usize::from(width);
        with_runs(cx, self.with.raw(), width, |table, rows, content| {
            content.lines.extend(said(cx, table, rows, self.with.raw(), columns));
            let of = rows.iter().filter(|row| row.stop == self.stop).count();
            let text = format!("{of} of them ended as \"{}\": {}.", self.stop.name(), self.stop.states());
            content.lines.extend(words::wrapped(&text, columns, cx.of(Role::Text)));
            let values = table.stop_by_value(rows, self.stop, MOST_VALUES);
            if !values.is_empty() {
                content.lines.extend(heading(cx, "By what goes with it most"));
                content.lines.extend(values.iter().map(|one| by_value(cx, table, one, width)));
            }
            content.lines.extend(heading(cx, "The runs, newest first"));
            let ours = rows.iter().rev().filter(|row| row.stop == self.stop);
            let runs: Vec<_> = ours.map(|row| (row.at, row.trace, table.value(row.rule))).collect();
            content.items = (0..runs.len()).map(|nth| content.lines.len() + nth).collect();
            content.later = (0..runs.len()).map(|part| Later { part, line: 0 }).collect();
            *self.runs.borrow_mut() = runs;
        })
    }

    fn line(&self, cx: &Cx<'_>, width: u16, later: Later) -> Line<'static> {
        let text = cx.of(Role::Text);
        let runs = self.runs.borrow();
        let Some((at, trace, rule)) = runs.get(later.part) else { return Line::default() };
        let row = Row::new(cx, width).clock(*at, true, cx.of(Role::Time)).lit("  ", text);
        row.made(&trace.to_string()[..6], cx.of(Role::Muted)).lit("  ", text).rest(rule, text).line()
    }

    fn opens(&self, _cx: &Cx<'_>, nth: usize) -> Option<Opens> {
        self.runs.borrow().get(nth).map(|(_, trace, _)| Opens::Run { trace: *trace })
    }

    fn opened(&self) -> String {
        format!("runs that ended as {}", self.stop.name())
    }
}
