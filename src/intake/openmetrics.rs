//! `OpenMetrics` text: `name{label="value"} 1.5 1781791200.25`, the time in seconds.

use super::{key, limits};
use crate::event::{Labels, Series, Time, Untrusted};

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample<'a> {
    /// Name and labels as written; [`identity`] reads them.
    pub series: &'a str,
    /// When.
    pub time: Time,
    /// The value; may be not finite.
    pub value: f64,
}

/// Reads one line; `None` for comments, blank lines and the end mark.
///
/// # Errors
/// Says what is wrong with it.
pub fn sample(line: &str) -> Result<Option<Sample<'_>>, String> {
    let line = line.trim_end_matches('\r');
    if line.trim().is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let end = series_end(line).ok_or("the labels are not closed")?;
    let (series, rest) = line.split_at(end);
    // An exemplar may follow behind a hash; it is not needed.
    let rest = rest.split(" # ").next().unwrap_or(rest);
    let mut words = rest.split_ascii_whitespace();
    let value = words.next().ok_or("the value is missing")?;
    let value = number(value).ok_or_else(|| format!("the value {value:?} is no number"))?;
    let time = words.next().ok_or("the time is missing: every sample needs one, in seconds")?;
    if let Some(more) = words.next() {
        return Err(format!("{more:?} stands after the time"));
    }
    let seconds = number(time).filter(|seconds| seconds.is_finite());
    let seconds = seconds.ok_or_else(|| format!("the time {time:?} is no number of seconds"))?;
    if seconds > LAST_SECOND {
        return Err(format!("the time {time:?} is too far in the future: it counts seconds, not milliseconds"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "bounded just above; nanoseconds of a second fit 64 bits")]
    let time = key::from_nanos((seconds * 1e6).round() as i128 * 1_000);
    Ok(Some(Sample { series, time, value }))
}

/// A sample as a line that [`sample`] and [`identity`] read back; microseconds are kept of its time.
#[must_use]
pub(super) fn written(series: &Series, time: Time, value: f64) -> String {
    use std::fmt::Write as _;
    let mut line = String::new();
    // What is no name in the classic form is written as the newer one does: in quotes, before the labels.
    let name = series.name.raw();
    if plain(name) {
        line.push_str(name);
    }
    let mut parts: Vec<String> = Vec::new();
    if !plain(name) {
        parts.push(in_quotes(name));
    }
    parts.extend(series.labels.iter().map(|(label, value)| {
        let label = label.raw();
        let label = if plain(label) { label.to_owned() } else { in_quotes(label) };
        format!("{label}={}", in_quotes(value.raw()))
    }));
    if !parts.is_empty() {
        let _ = write!(line, "{{{}}}", parts.join(",")); // a String takes everything
    }
    let micros = time.as_microsecond();
    let _ = write!(line, " {value} {}.{:06}", micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    line
}

/// Whether a name needs no quotes.
fn plain(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    !name.is_empty() && name.chars().all(good) && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn in_quotes(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// The year 2100 in seconds; what is later is a time in milliseconds.
const LAST_SECOND: f64 = 4_102_444_800.0;

/// Where name and labels end: at the first blank outside quotes.
fn series_end(line: &str) -> Option<usize> {
    let (mut quoted, mut escaped, mut braces) = (false, false, false);
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => braces = true,
            b'}' if !quoted => return Some(at + 1),
            b' ' | b'\t' if !quoted && !braces => return Some(at),
            _ => {}
        }
    }
    (!quoted && !braces).then_some(line.len())
}

fn number(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        // Rust reads words such as "infinity" that the format does not know.
        _ if text.bytes().any(|byte| byte.is_ascii_alphabetic() && !byte.eq_ignore_ascii_case(&b'e')) => None,
        _ => text.parse().ok(),
    }
}

/// Name and labels of a series as written: `name{label="value"}`, or `{"any name","any label"="value"}`.
///
/// # Errors
/// Says what is wrong with them.
pub fn identity(series: &str) -> Result<(Untrusted, Labels), String> {
    let (name, rest) = series.split_once('{').unwrap_or((series, ""));
    let mut name = name.trim().to_owned();
    let mut labels = Labels::new();
    let mut rest = rest.trim().strip_suffix('}').unwrap_or(rest).trim();
    let mut first = true;
    while !rest.is_empty() {
        let (label, after) = part(rest)?;
        let after = match (label, after.trim_start().strip_prefix('=')) {
            (Name::Quoted(whole), None) if first && name.is_empty() => {
                name = whole;
                after
            }
            (_, None) => return Err("a label has no value".to_owned()),
            (Name::Plain(label), Some(_)) if !plain(label) => return Err(format!("{label:?} is no label name")),
            (label, Some(after)) => {
                let after = after.trim_start().strip_prefix('"').ok_or("a label's value is not in quotes")?;
                let (value, after) = quoted(after).ok_or("a label's value is not closed")?;
                let label = match label {
                    Name::Plain(label) => label.to_owned(),
                    Name::Quoted(label) => label,
                };
                if labels.insert(label.as_str().into(), value.into()).is_some() {
                    return Err(format!("the label {label:?} stands twice"));
                }
                after
            }
        };
        if labels.len() > limits::size(limits::LABELS) {
            return Err(format!("has more than {} labels", limits::LABELS));
        }
        first = false;
        let after = after.trim_start();
        rest = after.strip_prefix(',').unwrap_or(after).trim_start();
        if !rest.is_empty() && rest.len() == after.len() {
            return Err("labels are not divided by commas".to_owned());
        }
    }
    let quoted = series.trim_start().starts_with('{') && !name.is_empty();
    if quoted || plain(&name) {
        return Ok((name.into(), labels));
    }
    Err(format!("{name:?} is no metric name"))
}

/// A name as written.
enum Name<'a> {
    Plain(&'a str),
    Quoted(String),
}

/// The name at the beginning of `text`, and what follows.
fn part(text: &str) -> Result<(Name<'_>, &str), String> {
    if let Some(inside) = text.strip_prefix('"') {
        let (name, after) = quoted(inside).ok_or("a name is not closed")?;
        return Ok((Name::Quoted(name), after));
    }
    let end = text.find('=').ok_or("a label has no value")?;
    Ok((Name::Plain(text[..end].trim()), &text[end..]))
}

/// Text up to the closing quote with its escapes undone, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                c @ ('"' | '\\') => value.push(c),
                c => value.extend(['\\', c]),
            },
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn samples_are_read_with_their_time_in_seconds() {
        let read = sample(r#"q{service="a b",x="\"}\\\n"} 3.9 1781791200.25 # {trace_id="x"} 1"#).unwrap().unwrap();
        assert_eq!((read.value, read.time.to_string().as_str()), (3.9, "2026-06-18T14:00:00.25Z"));
        let (name, labels) = identity(read.series).unwrap();
        assert_eq!((name.raw(), labels["service"].raw(), labels["x"].raw()), ("q", "a b", "\"}\\\n"));
        assert!(sample("up NaN 1").unwrap().unwrap().value.is_nan());
        let low = sample("up -Inf 1e9").unwrap().unwrap().value;
        assert!(low.is_infinite() && low.is_sign_negative());
        for quiet in ["", "  ", "# TYPE q gauge", "# EOF"] {
            assert_eq!(sample(quiet), Ok(None));
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, what) in [
            ("up 1", "the time is missing"),
            ("up", "the value is missing"),
            ("up one 1", "is no number"),
            ("up infinity 1", "is no number"),
            ("up 1 1781791200000", "not milliseconds"),
            ("up 1 2 3", "stands after the time"),
            (r#"up{a="b 1 2"#, "not closed"),
        ] {
            assert!(sample(line).unwrap_err().contains(what), "{line}");
        }
        for (series, what) in [
            ("1up", "metric name"),
            ("up{a=b}", "in quotes"),
            (r#"up{a="b" c="d"}"#, "commas"),
            (r#"up{a="b",a="d"}"#, "twice"),
            (r#"up{a-b="c"}"#, "label name"),
        ] {
            assert!(identity(series).unwrap_err().contains(what), "{series}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            name in "[a-z]{1,5}|.{1,6}", label in "[a-z]{1,5}|.{1,6}", text in ".{0,8}", us in 0..4_000_000_000_000_000_i64, value: f64,
        ) {
            let series = Series { name: name.as_str().into(), labels: [(label.as_str().into(), text.as_str().into())].into(), points: vec![] };
            let line = written(&series, Time::from_microsecond(us).unwrap(), value);
            let read = sample(&line).unwrap().unwrap();
            prop_assert_eq!(identity(read.series).unwrap(), (series.name, series.labels));
            prop_assert_eq!(read.time.as_microsecond(), us);
            prop_assert!(read.value.to_bits() == value.to_bits() || value.is_nan());
        }

        #[test]
        fn no_line_makes_it_panic(line in ".{0,60}", near in r#"[a-z]{0,3}\{?([a-z]="[^"]{0,3}"?,?){0,3}\}? ?[0-9eNaInf+.-]{0,8} ?[0-9.e+-]{0,24}"#) {
            for line in [line, near] {
                if let Ok(Some(read)) = sample(&line) {
                    let _ = identity(read.series);
                }
                let _ = identity(&line);
            }
        }
    }
}
