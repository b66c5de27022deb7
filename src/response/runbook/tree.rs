//! Front matter, YAML or TOML, as one tree in which every value knows its line.

use saphyr_parser::{Event, Parser};
use toml::de::{DeTable, DeValue};

/// Values may lie in each other so deep …
const MAX_DEPTH: usize = 12;
/// … and there may be so many of them.
const MAX_VALUES: usize = 2_000;

/// A value and the line of the file it stands in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub line: u32,
    pub value: Value,
}

/// A value. Numbers, dates, yes and no are the text they were written as.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Nothing,
    Text(String),
    List(Vec<Node>),
    /// Keys with their lines, in the order of the file.
    Map(Vec<(String, u32, Node)>),
}

/// What is wrong, and in which line.
pub(super) type Bad = (u32, String);

/// Reads YAML that begins in line `first` of its file.
pub(super) fn yaml(text: &str, first: u32) -> Result<Node, Bad> {
    let mut reader = Yaml { parser: Parser::new_from_str(text), first, values: 0 };
    let mut root = None;
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => break,
            (Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing, _) => {}
            (_, line) if root.is_some() => return Err((line, "the front matter is one document".to_owned())),
            (event, line) => root = Some(reader.value(event, line, 0)?),
        }
    }
    Ok(root.unwrap_or(Node { line: first, value: Value::Nothing }))
}

struct Yaml<'t> {
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
    first: u32,
    values: usize,
}

impl<'t> Yaml<'t> {
    fn line(&self, within: usize) -> u32 {
        self.first.saturating_add(u32::try_from(within.saturating_sub(1)).unwrap_or(u32::MAX))
    }

    fn next(&mut self) -> Result<(Event<'t>, u32), Bad> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, self.line(span.start.line()))),
            Some(Err(error)) => Err((self.line(error.marker().line()), format!("this is no YAML: {}", error.info()))),
            None => Ok((Event::StreamEnd, self.first)),
        }
    }

    fn value(&mut self, event: Event<'t>, line: u32, depth: usize) -> Result<Node, Bad> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err((line, format!("more than {MAX_VALUES} values: this is no front matter")));
        }
        if depth > MAX_DEPTH {
            return Err((line, format!("values lie more than {MAX_DEPTH} deep in each other")));
        }
        let value = match event {
            Event::Scalar(text, style, anchor, _) => {
                anchorless(anchor, line)?;
                let plain = matches!(style, saphyr_parser::ScalarStyle::Plain);
                if plain && matches!(&*text, "" | "~" | "null") {
                    Value::Nothing
                } else {
                    Value::Text(text.into_owned())
                }
            }
            Event::SequenceStart(anchor, _) => {
                anchorless(anchor, line)?;
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd | Event::StreamEnd, _) => break Value::List(items),
                        (event, line) => items.push(self.value(event, line, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(anchor, _) => {
                anchorless(anchor, line)?;
                let mut pairs: Vec<(String, u32, Node)> = Vec::new();
                loop {
                    let (key, at) = match self.next()? {
                        (Event::MappingEnd | Event::StreamEnd, _) => break Value::Map(pairs),
                        (Event::Scalar(key, ..), at) => (key.into_owned(), at),
                        (_, at) => return Err((at, "a key is a word".to_owned())),
                    };
                    if let Some((_, before, _)) = pairs.iter().find(|(known, ..)| *known == key) {
                        return Err((at, format!("the key {key:?} is in line {before} already")));
                    }
                    let (event, line) = self.next()?;
                    let value = self.value(event, line, depth + 1)?;
                    pairs.push((key, at, value));
                }
            }
            Event::Alias(_) => {
                return Err((line, "anchors and aliases (& and *) are not read here: write it out".to_owned()));
            }
            _ => return Err((line, "a value is missing here".to_owned())),
        };
        Ok(Node { line, value })
    }
}

fn anchorless(anchor: usize, line: u32) -> Result<(), Bad> {
    if anchor == 0 {
        Ok(())
    } else {
        Err((line, "anchors and aliases (& and *) are not read here: write it out".to_owned()))
    }
}

/// Reads TOML that begins in line `first` of its file.
pub(super) fn toml(text: &str, first: u32) -> Result<Node, Bad> {
    let line = |at: usize| {
        let before = text.get(..at).unwrap_or(text).matches('\n').count();
        first.saturating_add(u32::try_from(before).unwrap_or(u32::MAX))
    };
    let table = DeTable::parse(text)
        .map_err(|error| (line(error.span().map_or(0, |span| span.start)), error.message().trim().to_owned()))?;
    let mut values = 0;
    toml_table(table.get_ref(), first, &line, 0, &mut values)
}

fn toml_table(
    table: &DeTable<'_>,
    at: u32,
    line: &impl Fn(usize) -> u32,
    depth: usize,
    values: &mut usize,
) -> Result<Node, Bad> {
    let mut pairs = Vec::new();
    for (key, value) in table {
        let at = line(key.span().start);
        pairs.push((key.get_ref().to_string(), at, toml_value(value.get_ref(), at, line, depth + 1, values)?));
    }
    // A table of TOML is sorted by name; people read a file by its lines.
    pairs.sort_by_key(|(_, at, _)| *at);
    Ok(Node { line: at, value: Value::Map(pairs) })
}

fn toml_value(
    value: &DeValue<'_>,
    at: u32,
    line: &impl Fn(usize) -> u32,
    depth: usize,
    values: &mut usize,
) -> Result<Node, Bad> {
    *values += 1;
    if *values > MAX_VALUES {
        return Err((at, format!("more than {MAX_VALUES} values: this is no front matter")));
    }
    if depth > MAX_DEPTH {
        return Err((at, format!("values lie more than {MAX_DEPTH} deep in each other")));
    }
    let value = match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => Value::Text(number.as_str().to_owned()),
        DeValue::Float(number) => Value::Text(number.as_str().to_owned()),
        DeValue::Boolean(yes) => Value::Text(yes.to_string()),
        DeValue::Datetime(time) => Value::Text(time.to_string()),
        DeValue::Array(items) => {
            let mut list = Vec::new();
            for item in items {
                list.push(toml_value(item.get_ref(), line(item.span().start), line, depth + 1, values)?);
            }
            Value::List(list)
        }
        DeValue::Table(table) => return toml_table(table, at, line, depth, values),
    };
    Ok(Node { line: at, value })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(node: &Node, path: &[&str]) -> (u32, String) {
        path.iter()
            .try_fold(node, |node, key| match &node.value {
                Value::Map(pairs) => pairs.iter().find(|(name, ..)| name == key).map(|(.., node)| node),
                Value::List(items) => items.get(key.parse::<usize>().ok()?),
                _ => None,
            })
            .map_or((0, String::new()), |node| match &node.value {
                Value::Text(text) => (node.line, text.clone()),
                other => (node.line, format!("{other:?}")),
            })
    }

    #[test]
    fn yaml_and_toml_give_the_same_values_with_their_lines() {
        let by_yaml =
            yaml("title: a\nmatches:\n  alerts: [x, 'y: z']\n  labels:\n    job: api\ntier: 3\nlast: |\n  a\n  b\n", 2)
                .unwrap();
        let by_toml =
            toml("title = \"a\"\n\n[matches]\nalerts = [\"x\", \"y: z\"]\nlabels.job = \"api\"\n", 2).unwrap();
        assert_eq!(text(&by_yaml, &["title"]), (2, "a".to_owned()));
        assert_eq!(text(&by_yaml, &["matches", "alerts", "1"]), (4, "y: z".to_owned()));
        assert_eq!(text(&by_yaml, &["matches", "labels", "job"]), (6, "api".to_owned()));
        assert_eq!(text(&by_yaml, &["tier"]), (7, "3".to_owned()));
        assert_eq!(text(&by_yaml, &["last"]).1, "a\nb\n");
        assert_eq!(text(&by_toml, &["title"]), (2, "a".to_owned()));
        assert_eq!(text(&by_toml, &["matches", "alerts", "1"]), (5, "y: z".to_owned()));
        assert_eq!(text(&by_toml, &["matches", "labels", "job"]), (6, "api".to_owned()));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line, part) in [
            ("a: 1\na: 2", 12, "line 11 already"),
            ("a: &x 1\nb: *x", 11, "anchors"),
            ("a: [1\nb: 2", 12, "YAML"),
            ("a: 'x", 11, "YAML"),
            ("---\na: 1\n---\nb: 2", 14, "one document"),
            (&format!("a: {}", "[".repeat(100)), 11, "deep"),
            (&"- a\n".repeat(3_000), 2010, "values"),
        ] {
            let (at, what) = yaml(text, 11).unwrap_err();
            assert!(what.contains(part), "{text:.20}: {what}");
            assert_eq!(at, line, "{text:.20}: {what}");
        }
        assert_eq!(toml("a = 1\nb = \n", 11).unwrap_err().0, 12);
    }

    proptest! {
        #[test]
        fn no_text_makes_either_reader_panic(text in "[-a:\\[\\]{}&*!|>'\"%@#\\\\ \n\t\r,?=.\u{feff}\u{85}é0-9]{0,60}") {
            let _ = yaml(&text, 1);
            let _ = toml(&text, 1);
        }
    }
}
