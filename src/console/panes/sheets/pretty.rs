//! Texts of runs laid out for reading: JSON indented with its names set off, Markdown headings and Jinja places set off.
//!
//! Nothing is left out, and what is set off is set off by weight as well as by colour. A text in JSON that holds line feeds is
//! shown line by line between three quotation marks: that is where prompts lie.

use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use serde_json::Value;

use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::words;
use crate::event::{Policy, Untrusted};

/// A text longer than this in bytes is shown as it came: nobody reads it, and its colours would cost.
const LONGEST: usize = 512 << 10;

/// What a piece of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Ordinary text.
    Plain,
    /// A name in JSON, a heading.
    Name,
    /// A number, a truth value.
    Number,
    /// Brackets, commas, fences.
    Mark,
    /// A place of a template: `{{ … }}`, `{% … %}`.
    Place,
}

impl Piece {
    fn style(self, cx: &Cx<'_>) -> ratatui::style::Style {
        match self {
            Self::Plain => cx.of(Role::Text),
            Self::Name => cx.of(Role::Title).add_modifier(Modifier::BOLD),
            Self::Number => cx.of(Role::Chart),
            Self::Mark => cx.of(Role::Muted),
            Self::Place => cx.of(Role::Key).add_modifier(Modifier::UNDERLINED),
        }
    }
}

/// One line before it is drawn: columns to the right, and pieces.
type Drawn = (usize, Vec<(Piece, String)>);

/// All of a text in `columns`, with a bar beside it, as text from outside.
pub(super) fn lines(cx: &Cx<'_>, text: &Untrusted, columns: usize) -> Vec<Line<'static>> {
    let raw = text.raw();
    if raw.len() > LONGEST {
        return words::quoted(cx, text, columns);
    }
    let parsed = Some(raw.trim_start()).filter(|text| text.starts_with(['{', '[']));
    let drawn = match parsed.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        Some(value) => json(&value),
        None => prose(raw, 0),
    };
    drawn.into_iter().flat_map(|(indent, pieces)| laid(cx, indent, &pieces, columns)).collect()
}

fn laid(cx: &Cx<'_>, indent: usize, pieces: &[(Piece, String)], columns: usize) -> Vec<Line<'static>> {
    // Deeper than a third of the line the text would have no room.
    let indent = indent.min(columns / 3);
    let mut spans: Vec<Span<'static>> = vec![safe::made(" ".repeat(indent), cx.of(Role::Text))];
    for (piece, text) in pieces {
        spans.extend(words::whole(cx, &Untrusted::from(text.as_str()), Policy::Prose, piece.style(cx)));
    }
    // Structure goes on under itself; sentences do not.
    let wrapped = words::wrap(spans, columns.saturating_sub(2), if indent == 0 { 0 } else { indent + 2 });
    let barred = wrapped.into_iter().map(|line| {
        let bar = [safe::lit(cx.glyphs.quote, cx.of(Role::Untrusted)), safe::lit(" ", cx.of(Role::Text))];
        Line::from(bar.into_iter().chain(line.spans).collect::<Vec<_>>())
    });
    barred.collect()
}

/// The lines of a JSON value.
fn json(value: &Value) -> Vec<Drawn> {
    let mut out = vec![(0, Vec::new())];
    write(value, 0, "", &mut out);
    out
}

/// Writes `value` on from the last line; `after` is what follows it.
fn write(value: &Value, indent: usize, after: &'static str, out: &mut Vec<Drawn>) {
    let mut put = |piece: Piece, text: String| {
        if let Some((_, pieces)) = out.last_mut() {
            pieces.push((piece, text));
        }
    };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            put(Piece::Mark, "{".into());
            for (nth, (name, inner)) in fields.iter().enumerate() {
                let name = Value::from(name.as_str()).to_string();
                out.push((indent + 2, vec![(Piece::Name, name), (Piece::Mark, ": ".into())]));
                write(inner, indent + 2, if nth + 1 < fields.len() { "," } else { "" }, out);
            }
            out.push((indent, vec![(Piece::Mark, format!("}}{after}"))]));
        }
        Value::Array(items) if !items.is_empty() => {
            put(Piece::Mark, "[".into());
            for (nth, inner) in items.iter().enumerate() {
                out.push((indent + 2, Vec::new()));
                write(inner, indent + 2, if nth + 1 < items.len() { "," } else { "" }, out);
            }
            out.push((indent, vec![(Piece::Mark, format!("]{after}"))]));
        }
        Value::String(text) if text.contains('\n') => {
            put(Piece::Mark, "\"\"\"".into());
            out.extend(prose(text, indent + 2));
            out.push((indent, vec![(Piece::Mark, format!("\"\"\"{after}"))]));
        }
        Value::String(_) => {
            put(Piece::Plain, value.to_string());
            put(Piece::Mark, after.into());
        }
        Value::Object(_) | Value::Array(_) => put(Piece::Mark, format!("{value}{after}")),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            put(Piece::Number, value.to_string());
            put(Piece::Mark, after.into());
        }
    }
}

/// The lines of a text, as Markdown and as a template.
fn prose(text: &str, indent: usize) -> Vec<Drawn> {
    text.split_terminator('\n').map(|line| (indent, of_line(line))).collect()
}

/// The pieces of one line of Markdown or of a template.
pub(super) fn of_line(line: &str) -> Vec<(Piece, String)> {
    let start = line.trim_start();
    if start.starts_with("```") || start.starts_with("~~~") {
        return vec![(Piece::Mark, line.to_owned())];
    }
    let hashes = start.len() - start.trim_start_matches('#').len();
    let heading = (1..=6).contains(&hashes) && start[hashes..].starts_with(' ');
    let plain = if heading { Piece::Name } else { Piece::Plain };
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some((at, close)) = begins(rest) {
        let Some(length) = rest[at + 2..].find(close).map(|end| 2 + end + close.len()) else { break };
        if at > 0 {
            pieces.push((plain, rest[..at].to_owned()));
        }
        pieces.push((Piece::Place, rest[at..at + length].to_owned()));
        rest = &rest[at + length..];
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push((plain, rest.to_owned()));
    }
    pieces
}

/// Where the next place of a template begins, and what closes it.
fn begins(text: &str) -> Option<(usize, &'static str)> {
    let places = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")];
    places.into_iter().filter_map(|(open, close)| Some((text.find(open)?, close))).min()
}

/// The style of a piece, for lines that are drawn elsewhere.
pub(super) fn style(cx: &Cx<'_>, piece: Piece) -> ratatui::style::Style {
    piece.style(cx)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(drawn: &[Drawn]) -> Vec<String> {
        drawn
            .iter()
            .map(|(indent, pieces)| {
                " ".repeat(*indent) + &pieces.iter().map(|(_, text)| text.as_str()).collect::<String>()
            })
            .collect()
    }

    #[test]
    fn json_is_indented_and_texts_of_several_lines_are_shown_as_such() {
        let value = serde_json::json!({"a": [1, null], "b": {}, "c": "one\ntwo"});
        let shown = plain(&json(&value));
        let wanted = [
            "{",
            "  \"a\": [",
            "    1,",
            "    null",
            "  ],",
            "  \"b\": {},",
            "  \"c\": \"\"\"",
            "    one",
            "    two",
            "  \"\"\"",
            "}",
        ];
        assert_eq!(shown, wanted);
    }

    #[test]
    fn headings_and_places_are_set_off() {
        assert_eq!(
            of_line("## What {{ you }} may"),
            [(Piece::Name, "## What ".into()), (Piece::Place, "{{ you }}".into()), (Piece::Name, " may".into())]
        );
        assert_eq!(
            of_line("{% if x %}{# why #}"),
            [(Piece::Place, "{% if x %}".into()), (Piece::Place, "{# why #}".into())]
        );
        for line in ["#hashtag", "{{ never closed", "{}", ""] {
            assert_eq!(of_line(line), [(Piece::Plain, line.to_owned())]);
        }
    }

    proptest! {
        #[test]
        fn no_line_loses_a_letter(line in "[#{}%a é`-]{0,30}") {
            prop_assert_eq!(of_line(&line).into_iter().map(|(_, text)| text).collect::<String>(), line);
        }
    }
}
