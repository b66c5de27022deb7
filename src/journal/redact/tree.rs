//! A JSON body: every string of it, JSON inside strings, fields named after secrets, and secrets over two strings.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::rules::{FIELD_RULE, Rules, is_card};
use super::{Found, mark, split, text};

/// So deep goes JSON inside a string of JSON.
const DEPTH: usize = 3;
/// So deep in a message its text is looked for.
const DEEP: usize = 4;

/// Takes out of `value` what the rules find; whether it changed.
pub(super) fn redact(rules: &Rules, value: &mut Value, personal: bool, found: &mut Found) -> bool {
    let mut work = Work { rules, personal, found, changed: false };
    work.join(value, false);
    work.value(value, DEPTH);
    work.changed
}

struct Work<'w> {
    rules: &'w Rules,
    personal: bool,
    found: &'w mut Found,
    changed: bool,
}

impl Work<'_> {
    fn count(&mut self, rule: &str) {
        *self.found.entry(rule.to_owned()).or_default() += 1;
        self.changed = true;
    }

    fn value(&mut self, value: &mut Value, depth: usize) {
        match value {
            Value::String(held) => self.string(held, depth),
            Value::Array(items) => {
                for item in items {
                    self.value(item, depth);
                }
            }
            Value::Object(fields) => self.object(fields, depth),
            Value::Number(number) if self.personal && is_card(&number.to_string()) => {
                *value = Value::String(mark("card"));
                self.count("card");
            }
            Value::Number(_) | Value::Bool(_) | Value::Null => {}
        }
    }

    fn string(&mut self, held: &mut String, depth: usize) {
        // JSON inside a string is taken apart, so that its own fields and neighbours are seen; written back only if changed.
        if depth > 0
            && matches!(held.trim_start().as_bytes().first(), Some(b'{' | b'['))
            && let Ok(mut inner) = serde_json::from_str::<Value>(held)
        {
            let before = std::mem::replace(&mut self.changed, false);
            self.join(&mut inner, true);
            self.value(&mut inner, depth - 1);
            if self.changed {
                *held = inner.to_string();
            }
            self.changed |= before;
            return;
        }
        if let Cow::Owned(clean) = text::redact(self.rules, held, self.personal, self.found) {
            *held = clean;
            self.changed = true;
        }
    }

    fn object(&mut self, fields: &mut Map<String, Value>, depth: usize) {
        let mut renamed = Vec::new();
        for (name, value) in fields.iter_mut() {
            match value {
                Value::String(held) if is_identity(name, held) => {}
                Value::String(held) if !held.is_empty() && self.rules.fields.get().is_match(name) => {
                    if !held.starts_with('‹') {
                        *held = mark(FIELD_RULE);
                        self.count(FIELD_RULE);
                    }
                }
                value => self.value(value, depth),
            }
            if let Cow::Owned(clean) = text::redact(self.rules, name, self.personal, self.found) {
                renamed.push((name.clone(), clean));
            }
        }
        for (name, clean) in renamed {
            if let Some(value) = fields.remove(&name) {
                fields.insert(clean, value);
                self.changed = true;
            }
        }
    }

    /// Takes out what lies across two strings that stand beside each other: fields of one object, items of one list, and
    /// the same field of items that follow each other. `said` = inside what was said, where the text of one message stands beside
    /// that of the next, however deep; spans that follow each other have nothing to do with one another.
    fn join(&mut self, value: &mut Value, said: bool) {
        match value {
            Value::Array(items) => {
                self.neighbours(items.iter_mut().filter_map(text_of).collect());
                let mut columns = BTreeMap::new();
                for item in items.iter_mut() {
                    column(item, "", if said { DEEP } else { 1 }, &mut columns);
                }
                for column in columns.into_values() {
                    self.neighbours(column);
                }
                for item in items {
                    self.join(item, said);
                }
            }
            Value::Object(fields) => {
                self.numbered(fields);
                self.neighbours(fields.iter_mut().filter_map(|(_, value)| text_of(value)).collect());
                for (name, value) in fields {
                    self.join(value, said || name == "attributes");
                }
            }
            _ => {}
        }
    }

    /// Fields that differ only by a number, as in `gen_ai.prompt.0.content`, `gen_ai.prompt.1.content`, in order of it.
    fn numbered(&mut self, fields: &mut Map<String, Value>) {
        let mut columns: BTreeMap<String, Vec<(u64, &mut String)>> = BTreeMap::new();
        for (name, value) in fields.iter_mut() {
            let digits: String = name.chars().filter(char::is_ascii_digit).collect();
            if let (Value::String(held), Ok(number)) = (value, digits.parse()) {
                let without = name.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
                columns.entry(without).or_default().push((number, held));
            }
        }
        for mut column in columns.into_values().filter(|column| column.len() > 1) {
            column.sort_by_key(|(number, _)| *number);
            self.neighbours(column.into_iter().map(|(_, held)| held).collect());
        }
    }

    fn neighbours(&mut self, mut texts: Vec<&mut String>) {
        for right in 1..texts.len() {
            let (before, after) = texts.split_at_mut(right);
            let (Some(left), Some(right)) = (before.last_mut(), after.first_mut()) else { continue };
            if let Some(across) = split::across(self.rules, left, right) {
                let mark = mark(&format!("{}, split", across.rule));
                left.replace_range(across.left, &mark);
                right.replace_range(across.right, &mark);
                self.count(&across.rule);
            }
        }
    }
}

/// The strings in `value` by the names of the fields they are in, one in the other.
fn column<'v>(value: &'v mut Value, name: &str, depth: usize, columns: &mut BTreeMap<String, Vec<&'v mut String>>) {
    match value {
        Value::String(held) if !name.is_empty() => columns.entry(name.to_owned()).or_default().push(held),
        Value::Array(items) if !name.is_empty() && depth > 0 => {
            for item in items {
                column(item, name, depth, columns);
            }
        }
        Value::Object(fields) if depth > 0 => {
            for (field, value) in fields {
                column(value, &format!("{name}/{field}"), depth - 1, columns);
            }
        }
        _ => {}
    }
}

/// Whether a field holds the identity of a span or trace: one in some thousands has only decimal digits, and one in some of
/// those passes for a card. Without it the entry could not be read back.
fn is_identity(name: &str, held: &str) -> bool {
    matches!(name, "trace_id" | "span_id" | "parent")
        && matches!(held.len(), 16 | 32)
        && held.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn text_of(value: &mut Value) -> Option<&mut String> {
    match value {
        Value::String(held) => Some(held),
        _ => None,
    }
}
