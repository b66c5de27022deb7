//! Logs by component and pattern, with when each pattern spoke.

use std::collections::BTreeMap;

use crate::event::{LogBatch, LogRecord, Time, Untrusted};

/// At most so many patterns are kept; what else comes is counted.
const MAX_PATTERNS: usize = 20_000;
/// At most so many moments of one pattern; beyond, they are thinned and each counts for more.
const MAX_MOMENTS: usize = 4_096;
/// Characters of a line that are read for its pattern.
const MAX_LINE: usize = 2_000;

/// One pattern of one component.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// Component.
    pub service: Untrusted,
    /// The first line seen of it.
    pub sample: Untrusted,
    /// Highest severity number, 0 to 24.
    pub severity: u8,
    /// When it spoke, in time order; each moment counts `each` lines.
    pub moments: Vec<Time>,
    /// Lines a moment stands for.
    pub each: u32,
    /// Lines since the last that was kept as a moment.
    passed: u32,
    /// Text attributes seen with it (names and short values), for matching words.
    pub attributes: BTreeMap<Untrusted, Untrusted>,
}

impl Pattern {
    /// Lines in `from..until`.
    #[must_use]
    pub fn lines(&self, from: Time, until: Time) -> u64 {
        let low = self.moments.partition_point(|at| *at < from);
        let high = self.moments.partition_point(|at| *at < until);
        (high.saturating_sub(low) as u64) * u64::from(self.each)
    }

    /// Whether it is an error by its severity.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity >= 17
    }
}

/// Logs by component and pattern.
#[derive(Clone, Debug, Default)]
pub struct LogBook {
    pub(super) horizon: Option<Time>,
    patterns: BTreeMap<(Untrusted, String), Pattern>,
    left_out: u64,
}

impl LogBook {
    /// Takes in log lines.
    pub(super) fn apply(&mut self, batch: &LogBatch) {
        for resource in &batch.resources {
            for record in &resource.items {
                if self.horizon.is_none_or(|horizon| record.time <= horizon) {
                    self.take(&resource.service, record);
                }
            }
        }
    }

    fn take(&mut self, service: &Untrusted, record: &LogRecord) {
        let template = template(record.body.raw());
        let key = (service.clone(), template);
        if self.patterns.len() >= MAX_PATTERNS && !self.patterns.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        let pattern = self.patterns.entry(key).or_insert_with(|| Pattern {
            service: service.clone(),
            sample: record.body.raw().chars().take(MAX_LINE).collect::<String>().into(),
            severity: record.severity,
            moments: Vec::new(),
            each: 1,
            passed: 0,
            attributes: BTreeMap::new(),
        });
        pattern.severity = pattern.severity.max(record.severity);
        for (name, value) in &record.attributes {
            if pattern.attributes.len() < 12 && !pattern.attributes.contains_key(name) {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                pattern.attributes.insert(name.clone(), text.chars().take(300).collect::<String>().into());
            }
        }
        // A record that sums others up says nothing new happened at its time.
        if record.attributes.keys().any(|name| name.raw().starts_with("log.pattern.")) {
            return;
        }
        pattern.passed += 1;
        if pattern.passed < pattern.each {
            return;
        }
        pattern.passed = 0;
        let at = pattern.moments.partition_point(|other| *other <= record.time);
        pattern.moments.insert(at, record.time);
        if pattern.moments.len() > MAX_MOMENTS {
            let mut keep = false;
            pattern.moments.retain(|_| {
                keep = !keep;
                keep
            });
            pattern.each = pattern.each.saturating_mul(2);
        }
    }

    /// Every pattern that spoke by `as_of` or was summed up.
    pub fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.patterns.values()
    }

    /// Whether no line came.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Lines left out.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

/// A line without its variable parts: words that hold digits and quoted texts become one mark.
fn template(line: &str) -> String {
    let mut out = String::new();
    for word in line.chars().take(MAX_LINE).collect::<String>().split_whitespace().take(40) {
        if !out.is_empty() {
            out.push(' ');
        }
        let variable = word.chars().any(|c| c.is_ascii_digit());
        match word.split_once('=') {
            Some((name, _)) if !name.is_empty() && variable => {
                out.push_str(name);
                out.push_str("=*");
            }
            _ if variable => out.push('*'),
            _ => out.push_str(word),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_parts_are_one_mark() {
        assert_eq!(template("took 31 ms for user=u-77 ok"), template("took 9 ms for user=u-3 ok"));
        assert_ne!(template("pool exhausted"), template("pool created"));
    }

    #[test]
    fn lines_are_counted_in_time_even_when_thinned() {
        let mut book = LogBook::default();
        let record = |s: i64| LogRecord {
            time: Time::from_second(s).unwrap(),
            severity: 17,
            body: "boom".into(),
            attributes: BTreeMap::default(),
            trace_id: None,
        };
        for s in 0..10_000 {
            book.take(&"a".into(), &record(s));
        }
        let pattern = book.patterns().next().unwrap();
        let n = pattern.lines(Time::UNIX_EPOCH, Time::from_second(10_000).unwrap());
        assert!((9_000..=11_000).contains(&n), "{n}");
        assert!(pattern.moments.len() <= MAX_MOMENTS);
    }
}
