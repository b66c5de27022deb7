//! Agent runs, worst first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::filter::Filter;
use super::say;
use crate::console::action::Action;
use crate::console::cursor::Cursor;
use crate::console::pane::{Answer, Ask, Cx, Input, Pane, PaneKind, Picked};
use crate::console::theme::Role;
use crate::console::widgets::row::Row;
use crate::console::widgets::{list, meter, words};
use crate::console::{proof, safe};
use crate::engine::view::{Opens, RunLine};
use crate::event::TraceId;

/// The runs.
#[derive(Debug, Default)]
pub struct Runs {
    cursor: Cursor<TraceId>,
    keys: Vec<TraceId>,
    words: Filter,
}

/// Tokens in and out; a question mark where they were not captured.
pub(super) fn tokens(cx: &Cx<'_>, run: &RunLine) -> String {
    tokens_of(cx, (run.tokens_in, run.tokens_out))
}

/// The same of one step.
pub(super) fn tokens_of(cx: &Cx<'_>, (tokens_in, tokens_out): (Option<u64>, Option<u64>)) -> String {
    let said = |tokens: Option<u64>| tokens.map_or_else(|| "?".to_owned(), meter::count);
    format!("{}{}{}", said(tokens_in), cx.glyphs.arrow, said(tokens_out))
}

fn row(cx: &Cx<'_>, run: &RunLine) -> Line<'static> {
    let text = cx.of(Role::Text);
    let muted = cx.of(Role::Muted);
    let (sign, style) = if run.bad.is_some() { (cx.glyphs.failed, cx.of(Role::Bad)) } else { (" ", text) };
    let wide = cx.area.width;
    let mut row = Row::new(cx, wide).lit(sign, style).lit(" ", text).clock(run.at, wide >= 60, cx.of(Role::Time));
    if wide >= 70 {
        let name = run.trace.to_string();
        row = row.made(format!(" {}", &name[..6]), muted);
    }
    if wide >= 100 {
        row = row.lit(" ", text).name(&run.agent, 18, text);
    }
    row = row.num(meter::duration(run.duration_ms), 8, text);
    if wide >= 56 {
        row =
            row.num(format!("{} calls", run.model_calls), 10, muted).num(format!("{} tools", run.tool_calls), 9, muted);
    }
    if wide >= 100 {
        row = row.num(tokens(cx, run), 12, muted);
    }
    // How it stopped and what was wrong with it are what a reader looks for: they have all the rest.
    row = row.lit("  ", text).spans(words::prose(cx, &run.stop, if wide >= 70 { 18 } else { 12 }, text));
    match &run.bad {
        Some(bad) => row.lit("  ", text).rest(bad, cx.of(Role::Bad)).line(),
        None => row.line(),
    }
}

/// What people read in these runs and what came of running them again stands above them, where there is room for both.
fn above(cx: &Cx<'_>) -> Vec<Line<'static>> {
    let Some(incident) = cx.incident.filter(|_| cx.area.height >= 6) else { return Vec::new() };
    proof::short(cx, incident, cx.area.width)
}

/// The room for the list below so many lines.
fn below(cx: &Cx<'_>, above: usize) -> Rect {
    let rows = u16::try_from(above).unwrap_or(0).min(cx.area.height);
    Rect { y: cx.area.y + rows, height: cx.area.height - rows, ..cx.area }
}

impl Runs {
    fn run<'a>(cx: &Cx<'a>, trace: TraceId) -> Option<&'a RunLine> {
        cx.incident?.runs.items.iter().find(|run| run.trace == trace)
    }
}

impl Pane for Runs {
    fn kind(&self) -> PaneKind {
        PaneKind::Runs
    }

    fn summary(&self, cx: &Cx<'_>) -> Line<'static> {
        let Some(incident) = cx.incident else { return Line::default() };
        let runs = &incident.runs;
        let bad = runs.items.iter().filter(|run| run.bad.is_some()).count();
        let text = match (runs.items.is_empty(), runs.hidden) {
            (true, _) => "0".to_owned(),
            (false, 0) => format!("{bad} bad of {}", runs.items.len()),
            (false, hidden) => format!("{bad} bad in the {} shown, {hidden} more", runs.items.len()),
        };
        let mut spans = vec![safe::made(text, cx.of(Role::Muted))];
        spans.extend(self.words.said(cx));
        Line::from(spans)
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::Open, Action::Stops, Action::Compare, Action::Read, Action::Replay, Action::Toggle, Action::Filter]
    }

    fn prepare(&mut self, cx: &Cx<'_>) {
        let words = &self.words;
        let shows = |run: &&RunLine| {
            let bad = run.bad.as_ref().map_or("", |bad| bad.raw());
            !words.is_on() || words.shows(&[run.agent.raw(), run.stop.raw(), bad, run.trace.to_string().as_str()])
        };
        self.keys = cx
            .incident
            .map(|incident| incident.runs.items.iter().filter(shows).map(|run| run.trace).collect())
            .unwrap_or_default();
        self.cursor.settle(&self.keys, below(cx, above(cx).len()).height);
    }

    fn update(&mut self, cx: &Cx<'_>, input: &Input) -> Answer {
        let Input::Do(command) = input else { return Answer::Ignored };
        if self.words.hear(command) {
            self.prepare(cx);
            return Answer::done();
        }
        match command.action {
            Action::Open => match self.cursor.key() {
                Some(trace) => Answer::ask(Ask::Open(Opens::Run { trace: *trace })),
                None => Answer::done(),
            },
            Action::Toggle => Answer::ask(Ask::Open(Opens::Drift)),
            action if self.cursor.follow(action, &self.keys) => Answer::done(),
            _ => Answer::Ignored,
        }
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let Some(incident) = cx.incident else { return say::no_incident(cx, buf) };
        if self.keys.is_empty() {
            let to = say::address(cx, "/v1/traces").map(|at| format!(" to {at}")).unwrap_or_default();
            let how = format!(
                "Send OpenTelemetry traces with gen_ai attributes{to} (OTLP/HTTP, protobuf or JSON). Services without \
                 agents have none."
            );
            let what = if self.words.is_on() { "No run matches." } else { "No agent run was seen." };
            list::empty(cx, buf, what, &how);
            return;
        }
        let above = above(cx);
        let area = below(cx, above.len());
        for (row, line) in (0..).zip(above) {
            safe::put(buf, cx.area, row, line, cx.glyphs.cut);
        }
        list::draw(cx, buf, area, &self.cursor, self.keys.len(), incident.runs.hidden, |nth| {
            Self::run(cx, self.keys[nth]).map_or_else(Line::default, |run| row(cx, run))
        });
    }

    fn picked(&self, _cx: &Cx<'_>) -> Option<Picked> {
        self.cursor.key().map(|trace| Picked::Run(*trace))
    }

    fn at_home(&self) -> bool {
        self.cursor.at_home()
    }

    fn go_home(&mut self) {
        self.cursor.go_home();
    }

    fn go_to(&mut self, _cx: &Cx<'_>, picked: &Picked) -> bool {
        matches!(picked, Picked::Run(trace) if self.cursor.go_to(trace, &self.keys))
    }
}

/// A run's totals in one line, for its sheet.
pub(super) fn totals(cx: &Cx<'_>, run: &RunLine) -> Line<'static> {
    let muted = cx.of(Role::Muted);
    let mut spans = vec![safe::made(cx.clock(run.at), cx.of(Role::Time)), safe::lit("  ", muted)];
    spans.extend(words::prose(cx, &run.agent, 40, cx.of(Role::Text)));
    let text = format!(
        "  {}  {} model calls  {} tool calls  tokens {}  stop: ",
        meter::duration(run.duration_ms),
        run.model_calls,
        run.tool_calls,
        tokens(cx, run)
    );
    spans.push(safe::made(text, muted));
    spans.extend(words::prose(cx, &run.stop, 60, cx.of(Role::Text)));
    Line::from(spans)
}
