//! What the result of a reading step means, as the runbook's author says it beforehand: `says="value < 0.05: for infra"`.
//!
//! The output decides which of the author's rules applies and nothing else: no word of it becomes a cause.

use crate::event::{Direction, ReadEnd, StepRead, Surface, Untrusted};

use super::template::Values;
use super::types::{Action, Step};

/// A step has at most so many rules.
const MAX_RULES: usize = 12;
/// A pattern has at most so many bytes …
const MAX_PATTERN: usize = 300;
/// … and at most so many once compiled.
const MAX_COMPILED: usize = 256 * 1024;
/// A longer last line is not looked at.
const MAX_LINE: usize = 16 * 1024;

/// The rules of a step, in order: the first that applies counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meaning(Vec<Rule>);

/// One rule.
#[derive(Clone, Debug, PartialEq)]
struct Rule {
    when: When,
    says: Direction,
    about: Vec<Surface>,
    /// The input that names the component.
    component: Option<Untrusted>,
    /// The input that names the change.
    change: Option<Untrusted>,
    /// As it was written.
    text: Untrusted,
}

/// When a rule applies.
#[derive(Clone, Debug)]
enum When {
    Number(Number, Compare, f64),
    /// The last line of the output that says something.
    Last {
        matches: regex::Regex,
        not: bool,
    },
    /// None before it applies, and each of them could be tried.
    Else,
}

impl PartialEq for When {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(number, than, limit), Self::Number(other, other_than, other_limit)) => {
                (number, than) == (other, other_than) && limit.total_cmp(other_limit).is_eq()
            }
            (Self::Last { matches: a, not: b }, Self::Last { matches: x, not: y }) => {
                (a.as_str(), b) == (x.as_str(), y)
            }
            (Self::Else, Self::Else) => true,
            _ => false,
        }
    }
}

/// What can be counted of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    /// The exit code of a program.
    Exit,
    /// The status of an answer over HTTP.
    Status,
    /// Rows of a database, series of a query of Prometheus.
    Rows,
    /// Lines that say something.
    Lines,
    /// Any value of a query of Prometheus; elsewhere the last number of the last line.
    Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Is,
    IsNot,
    Above,
    AtLeast,
    Below,
    AtMost,
}

impl Compare {
    fn holds(self, a: f64, b: f64) -> bool {
        match self {
            Self::Is => a.total_cmp(&b).is_eq(),
            Self::IsNot => a.total_cmp(&b).is_ne(),
            Self::Above => a > b,
            Self::AtLeast => a >= b,
            Self::Below => a < b,
            Self::AtMost => a <= b,
        }
    }
}

impl Meaning {
    /// Reads the rules of a step whose inputs are `inputs`.
    ///
    /// # Errors
    /// What is wrong with them, and what would be right.
    pub(super) fn parse(text: &str, inputs: &[Untrusted]) -> Result<Self, String> {
        let mut rules = Vec::new();
        for rule in apart(text) {
            if rules.len() >= MAX_RULES {
                return Err(format!("says has at most {MAX_RULES} rules"));
            }
            if rules.iter().any(|rule: &Rule| rule.when == When::Else) {
                return Err("says: behind `else` no rule applies".to_owned());
            }
            rules.push(Rule::parse(rule, inputs)?);
        }
        if rules.is_empty() { Err(format!("says is empty: {EXAMPLE}")) } else { Ok(Self(rules)) }
    }

    /// Whether a rule asks for what only another kind of step has; in words.
    pub(super) fn unfit(&self, action: &Action) -> Option<String> {
        let promql = matches!(action, Action::Promql(_));
        let fits = |number: Number| match action {
            Action::Command(_) | Action::Script { .. } => {
                matches!(number, Number::Exit | Number::Lines | Number::Value)
            }
            Action::Http { .. } => matches!(number, Number::Status | Number::Lines | Number::Value),
            Action::Sql { .. } => matches!(number, Number::Rows | Number::Value),
            Action::Promql(_) => matches!(number, Number::Rows | Number::Value),
        };
        let wrong = self.0.iter().find(|rule| match rule.when {
            When::Number(number, ..) => !fits(number),
            When::Last { .. } => promql,
            When::Else => false,
        })?;
        Some(format!("says: {:?} asks for what a step of this kind never has", wrong.text.raw()))
    }

    /// What a result means: the first rule that applies.
    fn rule(&self, result: &Seen<'_>) -> Option<&Rule> {
        for rule in &self.0 {
            // What could not be looked at may have applied: nothing behind it is the first that does.
            if result.holds(&rule.when)? {
                return Some(rule);
            }
        }
        None
    }
}

const EXAMPLE: &str = "says=\"value < 0.05: for infra; else: against infra\"";

/// The rules, parted by `;` outside of a pattern.
fn apart(text: &str) -> Vec<&str> {
    let (mut rules, mut from, mut inside) = (Vec::new(), 0, false);
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '/' if before != '\\' => inside = !inside,
            ';' if !inside => {
                rules.push(text[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
        before = c;
    }
    rules.push(text[from..].trim());
    rules.retain(|rule| !rule.is_empty());
    rules
}

impl Rule {
    fn parse(text: &str, inputs: &[Untrusted]) -> Result<Self, String> {
        let wrong = |what: String| format!("says: {text:?}: {what}; such as {EXAMPLE}");
        // A pattern may hold a colon; what follows it may not.
        let (when, cause) =
            text.rsplit_once(':').ok_or_else(|| wrong("a rule is WHEN: for|against CAUSE".to_owned()))?;
        let cause = cause.trim();
        let (says, cause) = if let Some(cause) = cause.strip_prefix("for ") {
            (Direction::For, cause)
        } else if let Some(cause) = cause.strip_prefix("against ") {
            (Direction::Against, cause)
        } else {
            return Err(wrong("it speaks neither for nor against anything".to_owned()));
        };
        let input = |text: &str| {
            let name = text.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
            let name =
                Untrusted::from(name.ok_or_else(|| wrong(format!("{text:?} is no input: {{{{name}}}}")))?.trim());
            if inputs.contains(&name) { Ok(name) } else { Err(wrong(format!("the step does not use {}", name.raw()))) }
        };
        let (mut about, mut component, mut change) = (Vec::new(), None, None);
        if let Some(name) = cause.trim().strip_prefix("change ") {
            change = Some(input(name)?);
        } else {
            let (surfaces, of) = cause.split_once(" of ").map_or((cause, None), |(surfaces, of)| (surfaces, Some(of)));
            for name in surfaces.split(',').map(str::trim) {
                let surface = Surface::ALL.into_iter().find(|surface| surface.name() == name);
                let known = Surface::ALL.map(Surface::name).join(", ");
                about.push(surface.ok_or_else(|| wrong(format!("{name:?} is none of {known}")))?);
            }
            component = of.map(input).transpose()?;
        }
        let when = When::parse(when.trim()).map_err(wrong)?;
        Ok(Self { when, says, about, component, change, text: text.into() })
    }
}

impl When {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "else" {
            return Ok(Self::Else);
        }
        let (key, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim();
        if key == "last" {
            let (not, pattern) = if let Some(pattern) = rest.strip_prefix("!~") {
                (true, pattern)
            } else if let Some(pattern) = rest.strip_prefix('~') {
                (false, pattern)
            } else {
                return Err("write last ~ /pattern/ or last !~ /pattern/".to_owned());
            };
            let pattern = pattern.trim().strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
            let pattern = pattern.ok_or("a pattern stands between slashes")?;
            if pattern.len() > MAX_PATTERN {
                return Err(format!("a pattern has at most {MAX_PATTERN} bytes"));
            }
            let built = regex::RegexBuilder::new(pattern).size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).build();
            return built.map(|matches| Self::Last { matches, not }).map_err(|_| format!("{pattern:?} is no pattern"));
        }
        let number = match key {
            "exit" => Number::Exit,
            "status" => Number::Status,
            "rows" => Number::Rows,
            "lines" => Number::Lines,
            "value" => Number::Value,
            _ => return Err(format!("{key:?} is none of exit, status, rows, lines, value, last, else")),
        };
        let signs = [
            (">=", Compare::AtLeast),
            ("<=", Compare::AtMost),
            ("!=", Compare::IsNot),
            (">", Compare::Above),
            ("<", Compare::Below),
            ("=", Compare::Is),
            ("", Compare::Is),
        ];
        let found = signs.into_iter().find_map(|(sign, compare)| Some((rest.strip_prefix(sign)?.trim(), compare)));
        let (value, compare) = found.unwrap_or((rest, Compare::Is));
        match value.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Self::Number(number, compare, value)),
            _ => Err(format!("{value:?} is no number")),
        }
    }
}

/// How a step ended and what it said.
struct Seen<'r> {
    ended: &'r ReadEnd,
    output: &'r str,
    /// All it said is here.
    whole: bool,
    /// It asked Prometheus: its answer is JSON.
    promql: bool,
}

impl Seen<'_> {
    /// Whether a rule applies; `None` = that cannot be told.
    fn holds(&self, when: &When) -> Option<bool> {
        // A program that failed has not looked, unless its exit code is the answer; one that was ended has not either.
        let looked = || self.ended.is_well().then_some(());
        match when {
            When::Number(Number::Exit, compare, than) => match self.ended {
                ReadEnd::Exit { code } => Some(compare.holds(f64::from(*code), *than)),
                _ => None,
            },
            When::Number(Number::Status, compare, than) => match self.ended {
                ReadEnd::Http { status } => Some(compare.holds(f64::from(*status), *than)),
                _ => None,
            },
            When::Number(Number::Rows, compare, than) => {
                looked()?;
                let rows = match self.ended {
                    ReadEnd::Rows { count } => *count,
                    _ if self.promql => self.series()?.len() as u64,
                    _ => return None,
                };
                Some(compare.holds(u32::try_from(rows).map_or(f64::MAX, f64::from), *than))
            }
            When::Number(Number::Lines, compare, than) => {
                looked()?;
                let lines = self.output.lines().filter(|line| !line.trim().is_empty()).count();
                self.whole.then(|| compare.holds(u32::try_from(lines).map_or(f64::MAX, f64::from), *than))
            }
            When::Number(Number::Value, compare, than) => {
                looked()?;
                if self.promql {
                    let values = self.series()?;
                    return (!values.is_empty()).then(|| values.iter().any(|value| compare.holds(*value, *than)));
                }
                let last = self.last()?.split(|c: char| !(c.is_ascii_digit() || ".-+eE".contains(c)));
                let number = last.rev().find_map(|word| word.parse::<f64>().ok().filter(|value| value.is_finite()));
                number.map(|number| compare.holds(number, *than))
            }
            When::Last { matches, not } => {
                looked()?;
                Some(matches.is_match(self.last()?) != *not)
            }
            When::Else => {
                looked()?;
                Some(true)
            }
        }
    }

    /// The last line that says something.
    fn last(&self) -> Option<&str> {
        let line = self.output.lines().rev().map(str::trim).find(|line| !line.is_empty());
        line.filter(|line| self.whole && line.len() <= MAX_LINE)
    }

    /// The newest value of each series of an answer of Prometheus; `None` = it is no such answer.
    fn series(&self) -> Option<Vec<f64>> {
        let answer: serde_json::Value = serde_json::from_str(self.output.trim()).ok().filter(|_| self.whole)?;
        let data = answer.get("data").filter(|_| answer.get("status").is_some_and(|status| status == "success"))?;
        let result = data.get("result")?;
        let number = |point: &serde_json::Value| point.get(1)?.as_str()?.parse::<f64>().ok();
        Some(match data.get("resultType")?.as_str()? {
            "scalar" => number(result).into_iter().collect(),
            "vector" => result.as_array()?.iter().filter_map(|one| number(one.get("value")?)).collect(),
            _ => return None,
        })
    }
}

impl Step {
    /// Writes down what the result of this step means, where its author says how to read it.
    pub fn mark(&self, read: &mut StepRead, values: &Values) {
        let result = Seen {
            ended: &read.ended,
            output: read.output.raw(),
            whole: read.output.raw().len() as u64 >= read.output_bytes,
            promql: matches!(self.action, Action::Promql(_)),
        };
        let Some(rule) = self.meaning.rule(&result) else { return };
        let value = |name: &Option<Untrusted>| name.as_ref().and_then(|name| values.get(name.raw()).cloned());
        read.says = Some(rule.says);
        read.about.clone_from(&rule.about);
        read.component = value(&rule.component);
        read.change = value(&rule.change);
        read.rule = rule.text.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(text: &str) -> Meaning {
        Meaning::parse(text, &["node".into(), "commit".into()]).unwrap()
    }

    fn said(meaning: &Meaning, ended: &ReadEnd, output: &str, promql: bool) -> Option<(Direction, Vec<Surface>)> {
        let rule = meaning.rule(&Seen { ended, output, whole: true, promql })?;
        Some((rule.says, rule.about.clone()))
    }

    const WELL: ReadEnd = ReadEnd::Exit { code: 0 };

    #[test]
    fn the_first_rule_that_applies_counts() {
        let disk = meaning("value < 0.05: for infra of {{node}}; value < 0.2: for infra, config; else: against infra");
        let answer = |values: &[&str]| {
            let series: Vec<String> =
                values.iter().map(|value| format!(r#"{{"metric":{{}},"value":[1.5,"{value}"]}}"#)).collect();
            format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{}]}}}}"#, series.join(","))
        };
        let http = ReadEnd::Http { status: 200 };
        let ask = |values: &[&str]| said(&disk, &http, &answer(values), true);
        assert_eq!(ask(&["0.5", "0.01"]), Some((Direction::For, vec![Surface::Infra])), "any of them");
        assert_eq!(ask(&["0.1"]), Some((Direction::For, vec![Surface::Infra, Surface::Config])));
        assert_eq!(ask(&["0.5"]), Some((Direction::Against, vec![Surface::Infra])));
        assert_eq!(ask(&[]), None, "no series is no value: nothing is known");
        assert_eq!(said(&disk, &http, "<html>proxy</html>", true), None);
        assert_eq!(disk.0[0].component, Some("node".into()));
        let rows = meaning("rows = 0: against dependency; rows >= 1: for dependency");
        assert_eq!(said(&rows, &http, &answer(&[]), true), Some((Direction::Against, vec![Surface::Dependency])));
        assert_eq!(
            said(&rows, &ReadEnd::Rows { count: 3 }, "", false),
            Some((Direction::For, vec![Surface::Dependency]))
        );
    }

    #[test]
    fn a_step_that_failed_says_nothing_unless_how_it_ended_is_the_answer() {
        let plain = meaning("lines > 1: for infra; else: against infra");
        for ended in [
            ReadEnd::Exit { code: 1 },
            ReadEnd::Signal { signal: 9 },
            ReadEnd::Limit { which: "30 s".into() },
            ReadEnd::Refused { why: "no wall".into() },
        ] {
            assert_eq!(said(&plain, &ended, "a\nb\n", false), None, "{ended:?}");
        }
        let exit = meaning("exit 1: for infra; exit != 0: for config; else: against infra");
        assert_eq!(said(&exit, &ReadEnd::Exit { code: 1 }, "", false), Some((Direction::For, vec![Surface::Infra])));
        assert_eq!(said(&exit, &ReadEnd::Exit { code: 7 }, "", false), Some((Direction::For, vec![Surface::Config])));
        assert_eq!(said(&exit, &WELL, "", false), Some((Direction::Against, vec![Surface::Infra])));
        assert_eq!(said(&exit, &ReadEnd::Refused { why: "no".into() }, "", false), None);
    }

    #[test]
    fn of_the_output_only_the_last_line_and_its_last_number_are_looked_at() {
        let last = meaning(r"last ~ /(?i)oom[-;:]?killed/: for infra; last !~ /running/: for code");
        assert_eq!(said(&last, &WELL, "x\nstate OOMKilled\n\n", false), Some((Direction::For, vec![Surface::Infra])));
        assert_eq!(said(&last, &WELL, "OOMKilled\nrunning", false), None);
        let number = meaning("value >= 90: for infra");
        assert!(said(&number, &WELL, "95\nused 12 of 100: 93.5%", false).is_some());
        assert!(said(&number, &WELL, "95\nused 12 %", false).is_none());
        assert!(said(&number, &WELL, "nothing", false).is_none());
        let cut = Seen { ended: &WELL, output: "99", whole: false, promql: false };
        assert!(number.rule(&cut).is_none(), "its last line is not here");
    }

    #[test]
    fn what_cannot_be_read_is_said_with_what_would_be_right() {
        for (text, part) in [
            ("", "empty"),
            ("value < 0.05", "for|against"),
            ("value < 0.05: infra", "neither for nor against"),
            ("value < x: for infra", "no number"),
            ("value < nan: for infra", "no number"),
            ("size < 1: for infra", "none of exit"),
            ("last ~ abc: for infra", "between slashes"),
            ("last ~ /(/: for infra", "no pattern"),
            ("exit 1: for disks", "none of model"),
            ("exit 1: for infra of {{pod}}", "does not use pod"),
            ("exit 1: for infra of node", "no input"),
            ("else: for infra; exit 1: for code", "behind `else`"),
        ] {
            let error = Meaning::parse(text, &["node".into()]).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        let change = meaning("exit 1: for change {{commit}}");
        assert_eq!(change.0[0].change, Some("commit".into()));
    }

    proptest::proptest! {
        #[test]
        fn no_text_and_no_output_breaks_it(text in "\\PC{0,60}", output in ".{0,60}", code in -3..3_i32) {
            if let Ok(meaning) = Meaning::parse(&text, &[]) {
                let _ = said(&meaning, &ReadEnd::Exit { code }, &output, true);
            }
            let _ = said(&meaning("value > 1: for infra; last ~ /x/: for code"), &WELL, &output, false);
        }
    }
}
