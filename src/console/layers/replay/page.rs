//! The pages of a replay: the form, what exactly would be sent, and what came of it so far.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::form::{ArmRow, FIELDS, Form, Kind};
use crate::console::action::Action;
use crate::console::layers::prompt::Prompt;
use crate::console::pane::Cx;
use crate::console::theme::Role;
use crate::console::widgets::{meter, words};
use crate::console::{proof, safe};
use crate::engine::view::ReplayView;
use crate::event::{Untrusted, money};
use crate::response::replay::{Moved, Pin, Ready};

/// Columns of a field's name.
const LABEL: usize = 14;
/// Lines of the form above its first row.
const HEAD: usize = 0;
/// Lines between the fields and the arms.
const GAP: usize = 2;

/// What to write where no endpoint is configured.
const HOW: [&str; 6] = [
    "[[endpoint]]",
    "name = \"lab\"",
    "url = \"https://api.example.com/v1/\"",
    "kind = \"openai\"            # or \"anthropic\"",
    "model = \"a-model\"          # what is asked where an arm names none; left out: as recorded",
    "key = { env = \"LAB_KEY\" }",
];

pub(super) fn waiting(cx: &Cx<'_>, what: &'static str) -> Vec<Line<'static>> {
    vec![Line::from(safe::lit(what, cx.of(Role::Muted)))]
}

/// The line of the form in which its row is.
pub(super) fn row_of(form: &Form) -> Option<usize> {
    (!form.endpoints.is_empty()).then(|| HEAD + form.row + if form.row < FIELDS { 0 } else { GAP })
}

/// Line and column of the text cursor.
pub(super) fn cursor(cx: &Cx<'_>, form: &Form) -> Option<(usize, u16)> {
    let (_, column) = form.prompt()?.drawn(cx, cx.area.width);
    let begins = if form.row < FIELDS { LABEL } else { typed_at(form) };
    Some((row_of(form)?, u16::try_from(begins).ok()?.saturating_add(column)))
}

/// Where the text of an arm begins that is typed.
fn typed_at(form: &Form) -> usize {
    let arm = form.row.checked_sub(FIELDS).and_then(|arm| form.arms.get(arm));
    let name = match arm.map(|arm| &arm.what) {
        Some(Kind::Model(_)) => MODEL,
        _ => TEMPERATURE,
    };
    6 + safe::width(name)
}

const MODEL: &str = "another model: ";
const TEMPERATURE: &str = "temperature: ";

fn label(cx: &Cx<'_>, text: &'static str, here: bool) -> Vec<Span<'static>> {
    let style = cx.of(if here { Role::Key } else { Role::Muted });
    let sign = if here { cx.glyphs.cursor } else { " " };
    vec![safe::lit(sign, style), safe::made(format!(" {text:<12}"), style)]
}

/// A value that is chosen by moving left and right.
fn choice(cx: &Cx<'_>, here: bool, several: bool, mut value: Vec<Span<'static>>) -> Vec<Span<'static>> {
    if here && several {
        value.insert(0, safe::lit("< ", cx.of(Role::Key)));
        value.push(safe::lit(" >", cx.of(Role::Key)));
    }
    value
}

pub(super) fn form(cx: &Cx<'_>, form: &Form, width: u16) -> Vec<Line<'static>> {
    let (text, muted, columns) = (cx.of(Role::Text), cx.of(Role::Muted), usize::from(width));
    let Some(endpoint) = form.endpoints.get(form.endpoint) else { return no_endpoint(cx, columns) };
    let mut lines = Vec::new();
    let mut row = |nth: usize, name: &'static str, value: Vec<Span<'static>>| {
        let mut spans = label(cx, name, form.row == nth);
        spans.extend(value);
        lines.push(safe::fit(Line::from(spans), width, cx.glyphs.cut));
    };
    let model =
        endpoint.model.as_ref().map_or_else(|| "model as recorded".to_owned(), |model| format!("model {model}"));
    let mut where_to = words::prose(cx, &endpoint.name.as_str().into(), 24, text);
    where_to.push(safe::lit("  ", muted));
    where_to.extend(words::prose(cx, &format!("{}, {model}", endpoint.url).into(), columns, muted));
    row(0, "endpoint", choice(cx, form.row == 0, form.endpoints.len() > 1, where_to));
    let pool = form.pools.get(form.pool);
    let what = vec![safe::made(pool.map_or("", |pool| pool.what.as_str()), text)];
    row(1, "which runs", choice(cx, form.row == 1, form.pools.len() > 1, what));
    let known = pool.map_or(0, |pool| pool.traces.len());
    row(2, "how many", number(cx, &form.runs, &format!("of {known}")));
    row(3, "times", number(cx, &form.times, "in each arm"));
    row(4, "budget", number(cx, &form.budget, "tokens; what might not fit into it is not sent"));
    lines.push(Line::default());
    lines.push(Line::from(safe::lit("What is compared, each against the first", cx.of(Role::Title))));
    for (nth, arm) in form.arms.iter().enumerate() {
        lines.push(safe::fit(arm_line(cx, arm, form.row == FIELDS + nth, columns), width, cx.glyphs.cut));
    }
    lines.push(Line::default());
    lines.extend(known_of_runs(cx, form, columns));
    let next = cx.keymap.first(Action::InputAccept).unwrap_or_default();
    let how = format!(
        "Up and down choose a row, left, right and space change it. {next} shows exactly what would be sent; \
                       nothing is sent before a yes there."
    );
    lines.extend(words::wrapped(&how, columns, muted));
    lines
}

fn number(cx: &Cx<'_>, prompt: &Prompt, unit: &str) -> Vec<Span<'static>> {
    let (line, _) = prompt.drawn(cx, 12);
    let mut spans = line.spans;
    spans.push(safe::made(format!("  {unit}"), cx.of(Role::Muted)));
    spans
}

fn arm_line(cx: &Cx<'_>, arm: &ArmRow, here: bool, columns: usize) -> Line<'static> {
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    let sign = if here { cx.glyphs.cursor } else { " " };
    let style = cx.of(if here { Role::Key } else { Role::Text });
    let mark = if arm.on { "[x] " } else { "[ ] " };
    let mut spans = vec![safe::lit(sign, cx.of(Role::Key)), safe::lit(" ", text), safe::lit(mark, style)];
    match &arm.what {
        Kind::Recorded => spans.push(safe::lit("as recorded", style)),
        Kind::Before(moved) => {
            spans.push(safe::made(format!("{} as before  ", moved.pin.name()), style));
            spans.extend(value(cx, moved, columns.saturating_sub(30), muted));
        }
        Kind::All(all) => {
            let names: Vec<&str> = all.iter().map(|moved| moved.pin.name()).collect();
            spans.push(safe::made(format!("all of that as before: {}", names.join(", ")), style));
        }
        Kind::Model(prompt) | Kind::Temperature(prompt) => {
            let name = if matches!(arm.what, Kind::Model(_)) { MODEL } else { TEMPERATURE };
            spans.push(safe::lit(name, style));
            spans.extend(prompt.drawn(cx, 60).0.spans);
        }
    }
    Line::from(spans)
}

/// The value before, as far as it fits: a name whole, a text by its length and its beginning.
fn value(cx: &Cx<'_>, moved: &Moved, columns: usize, style: Style) -> Vec<Span<'static>> {
    let beginning =
        |text: &Untrusted| -> Untrusted { text.raw().split_whitespace().collect::<Vec<_>>().join(" ").into() };
    match moved.pin {
        Pin::Model | Pin::Temperature => {
            let mut spans = words::prose(cx, &moved.before, columns / 2, style);
            spans.push(safe::lit(", now ", style));
            spans.extend(words::prose(cx, &moved.since, columns / 2, style));
            spans
        }
        Pin::Prompt | Pin::Tools => {
            let mut spans = vec![safe::made(format!("{} characters: ", moved.before.raw().chars().count()), style)];
            let head: Untrusted = moved.before.raw().chars().take(4 * columns.max(1)).collect::<String>().into();
            spans.extend(words::prose(cx, &beginning(&head), columns, style));
            spans
        }
    }
}

/// What reading the runs said.
fn known_of_runs(cx: &Cx<'_>, form: &Form, columns: usize) -> Vec<Line<'static>> {
    let muted = cx.of(Role::Muted);
    let Some(survey) = &form.survey else {
        return words::wrapped("What these runs had before is being read …", columns, muted);
    };
    let (before, since) = survey.read;
    let text = match (survey.moved.len(), before) {
        (_, 0) => "No run from before can be run again, so what it was before is not known here.".to_owned(),
        (0, _) => format!(
            "Of {before} runs before and {since} since: prompt, model, tools and temperature are the same, or another in each run."
        ),
        (_, _) => format!("Taken from {before} runs before and {since} since."),
    };
    let mut lines = words::wrapped(&text, columns, muted);
    if let Some(why) = &survey.cannot {
        let mut spans = vec![safe::lit("Some cannot be run again: ", muted)];
        spans.extend(words::prose(cx, why, 200, muted));
        lines.extend(words::wrap(spans, columns, 2));
    }
    lines
}

fn no_endpoint(cx: &Cx<'_>, columns: usize) -> Vec<Line<'static>> {
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    let mut lines =
        words::wrapped("No endpoint is configured, so there is nowhere to run anything again.", columns, text);
    lines.push(Line::default());
    lines.extend(words::wrapped("Write into the configuration, then start the console again:", columns, muted));
    lines.push(Line::default());
    lines.extend(HOW.iter().map(|line| Line::from(vec![safe::lit("  ", text), safe::lit(line, text)])));
    lines.push(Line::default());
    let then = "`warroom doctor` then says whether it answers. What is run again is sent there as it was recorded, customers' \
                words included: choose one that may see them.";
    lines.extend(words::wrapped(then, columns, muted));
    lines
}

pub(super) fn form_foot(cx: &Cx<'_>, form: &Form) -> Line<'static> {
    match &form.wrong {
        Some(why) => Line::from(words::prose(cx, why, usize::from(cx.area.width), cx.of(Role::StatusError))),
        None => Line::default(),
    }
}

/// `name  text` with the text beside it.
fn beside(cx: &Cx<'_>, name: &'static str, spans: Vec<Span<'static>>, columns: usize) -> Vec<Line<'static>> {
    let room = columns.saturating_sub(LABEL).max(8);
    let lines = words::wrap(spans, room, 0).into_iter().enumerate().map(|(nth, line)| {
        let head = if nth == 0 { name } else { "" };
        let mut spans = vec![safe::made(format!("{head:<LABEL$}"), cx.of(Role::Muted))];
        spans.extend(line.spans);
        Line::from(spans)
    });
    lines.collect()
}

/// Everything a person must know before it begins.
pub(super) fn sure(cx: &Cx<'_>, ready: &Ready, width: u16) -> Vec<Line<'static>> {
    let (text, muted, columns) = (cx.of(Role::Text), cx.of(Role::Muted), usize::from(width));
    let asked = &ready.asked;
    let bounds = ready.bounds;
    let mut lines = words::wrapped(
        "What was recorded of these runs leaves this machine: system prompts, what users wrote, what tools answered.",
        columns,
        cx.of(Role::Title),
    );
    lines.push(Line::default());
    let whole = |text: &Untrusted, style| words::prose(cx, text, 2_000, style);
    lines.extend(beside(cx, "to", whole(&ready.destination.as_str().into(), text), columns));
    let mut models = Vec::new();
    for (nth, model) in ready.models.iter().enumerate() {
        if nth > 0 {
            models.push(safe::lit(", ", muted));
        }
        models.extend(words::prose(cx, model, 120, text));
    }
    lines.extend(beside(cx, "models", models, columns));
    let replays = format!(
        "{} replays: {} runs, {} arms, {} in each; at most {} questions",
        bounds.replays,
        asked.runs.len(),
        asked.arms.len(),
        if asked.times == 1 { "once".to_owned() } else { format!("{} times", asked.times) },
        bounds.questions
    );
    lines.extend(beside(cx, "how much", vec![safe::made(replays, text)], columns));
    let expected = bounds.expected.map_or_else(
        || "what these runs spent was not captured".to_owned(),
        |expected| format!("about {expected} if they spend what they spent when recorded"),
    );
    let most = asked
        .price
        .map_or_else(String::new, |price| format!(", at most {} in money", money(price.most(bounds.tokens))));
    let cost = format!("at most {} tokens{most}; {expected}", bounds.tokens);
    lines.extend(beside(cx, "what it costs", vec![safe::made(cost, text)], columns));
    if bounds.expected.is_some_and(|expected| expected > bounds.tokens) {
        let short = "The budget will not reach: it ends when the next question might not fit any more.";
        lines.extend(beside(cx, "", vec![safe::lit(short, cx.of(Role::Unclear))], columns));
    }
    if let Some((runs, why)) = &ready.left_out {
        let mut spans = vec![safe::made(format!("{runs} runs cannot be run again; the first: "), muted)];
        spans.extend(words::prose(cx, why, 300, muted));
        lines.extend(beside(cx, "left out", spans, columns));
    }
    lines.push(Line::default());
    for (nth, arm) in asked.arms.iter().enumerate() {
        let mut spans = words::prose(cx, &arm.name, 60, text);
        for pin in Pin::of(arm) {
            let said = match pin {
                Pin::Prompt => arm.prompt.clone(),
                Pin::Model => arm.model.clone(),
                Pin::Tools => arm.tools.clone(),
                Pin::Temperature => arm.temperature.map(|number| number.to_string().into()),
            };
            spans.push(safe::made(format!("; {}: ", pin.name()), muted));
            let said = said.unwrap_or_default();
            let cut: Untrusted = said.raw().split_whitespace().take(60).collect::<Vec<_>>().join(" ").into();
            spans.extend(words::prose(cx, &cut, 240, muted));
        }
        let name = if nth == 0 { "arms" } else { "" };
        lines.extend(beside(cx, name, spans, columns));
    }
    lines.push(Line::default());
    let how = "Tools are not called: they are answered from the record. It is recorded that you asked for it before anything is \
               sent; it then runs by itself, and can be stopped.";
    lines.extend(words::wrapped(how, columns, muted));
    lines
}

pub(super) fn sure_foot(cx: &Cx<'_>, seen: bool) -> Line<'static> {
    let muted = cx.of(Role::Muted);
    if !seen {
        return Line::from(safe::lit("Read on: it can begin once its end was on the screen.", muted));
    }
    Line::from(vec![
        safe::made(cx.keymap.first(Action::Yes).unwrap_or_default(), cx.of(Role::Key)),
        safe::lit(" sends it; ", muted),
        safe::made(cx.keymap.first(Action::No).unwrap_or_default(), cx.of(Role::Key)),
        safe::lit(" or enter does not", muted),
    ])
}

/// One that was begun, as far as it is.
pub(super) fn watched(cx: &Cx<'_>, one: Option<&ReplayView>, width: u16) -> Vec<Line<'static>> {
    match one {
        Some(one) => {
            let mut lines = proof::replay(cx, one, width);
            if one.ended.is_none() {
                let stop = cx.keymap.first(Action::ReplayStop).unwrap_or_default();
                let so_far = meter::count(one.of.saturating_sub(one.done()));
                let how = format!("{so_far} to go. {stop} stops it; closing this does not.");
                lines.push(Line::default());
                lines.extend(words::wrapped(&how, usize::from(width), cx.of(Role::Muted)));
            }
            lines
        }
        None => waiting(cx, "It is on record; the picture that shows it is on its way …"),
    }
}
