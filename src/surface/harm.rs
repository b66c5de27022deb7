//! What runs that went wrong did to people: whom they met, and what their tools did that cannot be undone, as far as the traces
//! tell. What they do not tell is counted beside it and never taken for "none".

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::{Span, SpanId, Time, TraceId, Untrusted};

use super::alias::{self, Field, Op};
use super::read::SpanFacts;

const FILE: &str = include_str!("../../assets/harm.toml");

/// The table. A test reads it; without it no name tells anything.
static TABLE: LazyLock<BTreeMap<Did, BTreeSet<String>>> = LazyLock::new(|| toml::from_str(FILE).unwrap_or_default());

/// Users that are named; more are counted.
pub const USERS: usize = 1_000;
/// Acts that are named; more are counted.
pub const ACTS: usize = 1_000;
/// Tools that are named; more are counted together with those.
const TOOLS: usize = 200;
/// Bytes of a call's arguments that are kept.
const ARGUMENTS: usize = 200;
/// What stands where something was taken out before it was recorded.
const TAKEN_OUT: &str = "‹redacted:";

/// What a tool did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Did {
    /// Money or its like moved.
    Paid,
    /// Something reached people.
    Sent,
    /// Something is gone.
    Deleted,
    /// Something was changed or made.
    Wrote,
    /// It only looked.
    Reads,
}

impl Did {
    /// What was done, in one word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Sent => "sent",
            Self::Deleted => "deleted",
            Self::Wrote => "wrote",
            Self::Reads => "looked",
        }
    }
}

/// By what a tool's doing is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// Its definition says so (the hints of MCP).
    Declared,
    /// Its name says so, and nothing else does.
    ByName,
}

/// A user whom bad runs met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Their id, as it was left by what is taken out before anything is recorded.
    pub id: Untrusted,
    /// Bad runs that met them.
    pub runs: u64,
    /// One of them, the latest.
    pub trace: TraceId,
    /// Part of the id was taken out: behind it may stand more than one person.
    pub redacted: bool,
}

/// A tool call that cannot be taken for undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// What it did.
    pub did: Did,
    /// By what that is told.
    pub told: Told,
    /// The tool.
    pub tool: Untrusted,
    /// The beginning of its arguments; empty = not captured.
    pub arguments: Untrusted,
    /// The user of the run; `None` = not captured.
    pub user: Option<Untrusted>,
    /// When.
    pub at: Time,
    /// The run.
    pub trace: TraceId,
    /// The step.
    pub span: SpanId,
}

impl User {
    /// What the list of harm calls them.
    #[must_use]
    pub fn item(&self) -> Untrusted {
        format!("user {}", self.id.raw()).into()
    }
}

impl Deed {
    /// What the list of harm calls it.
    #[must_use]
    pub fn item(&self) -> Untrusted {
        format!("{} {}/{}", self.tool.raw(), self.trace, self.span).into()
    }
}

/// What a set of bad runs did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Harm {
    /// Bad runs that were read.
    pub runs: u64,
    /// Bad runs that were not read, or of which nothing is left.
    pub runs_left_out: u64,
    /// Users, those of most bad runs first.
    pub users: Vec<User>,
    /// Users that are not named here.
    pub users_left_out: u64,
    /// Bad runs that carry no user.
    pub runs_without_user: u64,
    /// Conversations of those, which may be as many people; 0 = not captured either.
    pub conversations: u64,
    /// What was done that cannot be taken for undone: money first, then what reached people, what is gone, what was written; the
    /// latest first.
    pub deeds: Vec<Deed>,
    /// Such calls that are not named here.
    pub deeds_left_out: u64,
    /// Such calls that failed by their own word: they are not among the deeds.
    pub failed: u64,
    /// Tools of which neither definition nor name tells what they do, with their calls.
    pub untold: BTreeMap<Untrusted, u64>,
    /// Every tool these runs called, and in how many of them.
    pub tools: BTreeMap<Untrusted, u64>,
    /// Services, agents, models and providers of these runs, and in how many of them: what keys and features are known by.
    pub parts: BTreeMap<Untrusted, u64>,
    /// Bad runs without any tool call: they called none, or it was not captured.
    pub runs_without_tools: u64,
}

/// What one tool of a run says of itself: that it only reads, that it destroys.
type Hints = BTreeMap<String, (Option<bool>, Option<bool>)>;

impl Harm {
    /// What the runs of these spans did. `wanted` are the bad runs; a span given twice counts once, the later one wins.
    #[must_use]
    pub fn of(wanted: &[TraceId], spans: Vec<(Untrusted, Span)>) -> Self {
        let mut by_run: BTreeMap<TraceId, BTreeMap<SpanId, (Untrusted, Span)>> = BTreeMap::new();
        let asked: BTreeSet<TraceId> = wanted.iter().copied().collect();
        for (service, span) in spans.into_iter().filter(|(_, span)| asked.contains(&span.trace_id)) {
            by_run.entry(span.trace_id).or_default().insert(span.span_id, (service, span));
        }
        let mut harm =
            Self { runs: by_run.len() as u64, runs_left_out: (asked.len() - by_run.len()) as u64, ..Self::default() };
        let mut users: BTreeMap<Untrusted, (u64, Time, TraceId)> = BTreeMap::new();
        let mut conversations = BTreeSet::new();
        for (trace, spans) in &by_run {
            harm.run(*trace, spans, &mut users, &mut conversations);
        }
        harm.conversations = conversations.len() as u64;
        let mut all: Vec<User> = users
            .into_iter()
            .map(|(id, (runs, _, trace))| User { redacted: id.raw().contains(TAKEN_OUT), id, runs, trace })
            .collect();
        all.sort_by(|a, b| b.runs.cmp(&a.runs).then_with(|| a.id.cmp(&b.id)));
        harm.users_left_out = all.len().saturating_sub(USERS) as u64;
        all.truncate(USERS);
        harm.users = all;
        harm.deeds.sort_by(|a, b| (a.did, b.at, a.span).cmp(&(b.did, a.at, b.span)));
        harm.deeds_left_out = harm.deeds.len().saturating_sub(ACTS) as u64;
        harm.deeds.truncate(ACTS);
        for names in [&mut harm.untold, &mut harm.tools, &mut harm.parts] {
            while names.len() > TOOLS {
                names.pop_last();
            }
        }
        harm
    }

    fn run(
        &mut self,
        trace: TraceId,
        spans: &BTreeMap<SpanId, (Untrusted, Span)>,
        users: &mut BTreeMap<Untrusted, (u64, Time, TraceId)>,
        conversations: &mut BTreeSet<Untrusted>,
    ) {
        let text = |field| {
            let mut found = spans.values().filter_map(|(_, span)| alias::text(&span.attributes, field));
            found.find(|text| !text.trim().is_empty()).map(Untrusted::from)
        };
        let user = text(Field::User);
        let start = spans.values().map(|(_, span)| span.start).min().unwrap_or(Time::MIN);
        match &user {
            Some(id) => {
                let known = users.entry(id.clone()).or_insert((0, start, trace));
                known.0 += 1;
                if start >= known.1 {
                    (known.1, known.2) = (start, trace);
                }
            }
            None => {
                self.runs_without_user += 1;
                conversations.extend(text(Field::Conversation));
            }
        }
        let mut tools = BTreeSet::new();
        let mut parts = BTreeSet::new();
        let hints = hints(spans.values().map(|(_, span)| span));
        for (service, span) in spans.values() {
            parts.insert(service.clone());
            let Some(step) = SpanFacts::of(service, span) else { continue };
            parts.extend([step.provider.clone(), step.asked.clone(), step.served.clone()].into_iter().flatten());
            if step.op == Op::Agent {
                parts.insert(step.what.clone());
            }
            if step.op != Op::Tool {
                continue;
            }
            tools.insert(step.what.clone());
            let Some((did, told)) = did(step.what.raw(), hints.get(step.what.raw()).copied()) else {
                *self.untold.entry(step.what.clone()).or_default() += 1;
                continue;
            };
            match did {
                Did::Reads => {}
                _ if step.failed => self.failed += 1,
                did => self.deeds.push(Deed {
                    did,
                    told,
                    arguments: alias::text(&span.attributes, Field::ToolArguments).map(short).unwrap_or_default(),
                    tool: step.what,
                    user: user.clone(),
                    at: span.start,
                    trace,
                    span: span.span_id,
                }),
            }
        }
        self.runs_without_tools += u64::from(tools.is_empty());
        for (names, counted) in [(tools, &mut self.tools), (parts, &mut self.parts)] {
            for name in names.into_iter().filter(|name| !name.is_empty()) {
                *counted.entry(name).or_default() += 1;
            }
        }
    }

    /// How often each thing was done, by which tool, in the order of the deeds.
    #[must_use]
    pub fn sums(&self) -> Vec<(Did, &Untrusted, u64)> {
        let mut sums: BTreeMap<(Did, &Untrusted), u64> = BTreeMap::new();
        for deed in &self.deeds {
            *sums.entry((deed.did, &deed.tool)).or_default() += 1;
        }
        sums.into_iter().map(|((did, tool), n)| (did, tool, n)).collect()
    }

    /// The answer in one line.
    #[must_use]
    pub fn answer(&self) -> String {
        let many = |n: u64, one: &str, more: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {more}") };
        if self.runs == 0 {
            return "No bad run of this incident is on record".to_owned();
        }
        let runs = many(self.runs, "bad run", "bad runs");
        let users = self.users.len() as u64 + self.users_left_out;
        let who = match (users, self.conversations) {
            (0, 0) => format!("whom {runs} met was not captured"),
            (0, n) => {
                format!("{} met it in {runs}; who they are was not captured", many(n, "conversation", "conversations"))
            }
            (n, _) if self.users.iter().any(|user| user.redacted) => {
                format!("at least {} met it in {runs}", many(n, "user", "users"))
            }
            (n, _) if self.runs_without_user > 0 => format!(
                "{} met it in {runs}, {} of which name nobody",
                many(n, "user", "users"),
                self.runs_without_user
            ),
            (n, _) => format!("{} met it in {runs}", many(n, "user", "users")),
        };
        let deeds = self.deeds.len() as u64 + self.deeds_left_out;
        let did = if deeds > 0 {
            let mut by: BTreeMap<Did, u64> = BTreeMap::new();
            for deed in &self.deeds {
                *by.entry(deed.did).or_default() += 1;
            }
            let said: Vec<String> =
                by.into_iter().map(|(did, n)| format!("{} {}", did.word(), many(n, "time", "times"))).collect();
            let more =
                if self.deeds_left_out > 0 { format!(" and {} more", self.deeds_left_out) } else { String::new() };
            format!("they {}{more}", said.join(", "))
        } else if self.tools.is_empty() {
            "no tool call was captured".to_owned()
        } else if self.untold.is_empty() {
            "their tools only looked".to_owned()
        } else {
            format!("what {} did is not told", many(self.untold.len() as u64, "tool", "tools"))
        };
        let mut answer = format!("{who}; {did}");
        if let Some(first) = answer.get_mut(0..1) {
            first.make_ascii_uppercase();
        }
        answer
    }
}

/// What a tool does: by its own word, unless its name says worse; a tool that says it only reads may be lying or mistaken.
fn did(name: &str, hints: Option<(Option<bool>, Option<bool>)>) -> Option<(Did, Told)> {
    let by_name = by_name(name);
    match (hints, by_name) {
        (Some((Some(true), _)), Some(did)) if did != Did::Reads => Some((did, Told::ByName)),
        (Some((Some(true), _)), _) => Some((Did::Reads, Told::Declared)),
        (Some((_, Some(true))), Some(did)) if did != Did::Reads => Some((did, Told::Declared)),
        (Some((_, Some(true))), _) => Some((Did::Deleted, Told::Declared)),
        (Some((Some(false), _)), Some(did)) if did != Did::Reads => Some((did, Told::Declared)),
        (Some((Some(false), _)), _) => Some((Did::Wrote, Told::Declared)),
        (_, did) => did.map(|did| (did, Told::ByName)),
    }
}

/// What the words of a name tell.
fn by_name(name: &str) -> Option<Did> {
    // What stands in front of the last dot or slash is whose tool it is.
    let own = name.rsplit(['.', '/', ':']).next().unwrap_or(name);
    let mut words: Vec<String> = vec![String::new()];
    let mut after_small = false;
    for c in own.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && after_small) {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        after_small = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    let of = |word: &String| TABLE.iter().find(|(_, words)| words.contains(word)).map(|(did, _)| *did);
    if words.last().and_then(of) == Some(Did::Reads) {
        return Some(Did::Reads);
    }
    let mut told = words.iter().filter_map(of);
    let first = told.next()?;
    // What is issued, made or set is told by what it is: `issue_refund` pays.
    let pays = first == Did::Wrote && told.any(|did| did == Did::Paid);
    Some(if pays { Did::Paid } else { first })
}

/// What the tools of a run say of themselves where their definitions were captured.
fn hints<'s>(spans: impl Iterator<Item = &'s Span>) -> Hints {
    let mut found = Hints::new();
    for span in spans {
        let Some(value) = alias::value(&span.attributes, Field::Tools) else { continue };
        let parsed;
        let value = match value.as_str().map(serde_json::from_str::<Value>) {
            Some(Ok(inner)) => {
                parsed = inner;
                &parsed
            }
            _ => value,
        };
        for tool in value.as_array().into_iter().flatten() {
            let tool = tool.get("function").filter(|inner| inner.is_object()).unwrap_or(tool);
            let Some(name) = tool.get("name").and_then(Value::as_str) else { continue };
            let Some(hints) = tool.get("annotations") else { continue };
            let hint = |name: &str| hints.get(name).and_then(Value::as_bool);
            found.insert(name.to_owned(), (hint("readOnlyHint"), hint("destructiveHint")));
        }
    }
    found
}

fn short(text: String) -> Untrusted {
    let mut end = text.len().min(ARGUMENTS);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    if end == text.len() { text.into() } else { format!("{} …", &text[..end]).into() }
}

#[cfg(test)]
mod tests;
