//! What front matter says: the tree it is, read as what it means.

use std::collections::BTreeSet;

use crate::event::{Severity, Surface, Tier, Untrusted};
use crate::surface::StopClass;

use super::pattern::{Glob, Pattern};
use super::says::{Says, meant};
use super::tree::{Node, Value};
use super::types::{Escalation, Host, Input, KnownFrom, Matches, Rollback, RollbackOf, When};

/// Lists in front matter have at most so many items.
const MAX_LIST: usize = 100;
/// A name of an input has at most so many letters.
const MAX_NAME: usize = 40;
/// Highest tier there is.
pub(super) const MAX_TIER: u8 = 6;

/// Front matter, understood.
#[derive(Debug, Default)]
pub(super) struct Front {
    pub title: Option<Untrusted>,
    pub matches: Vec<Matches>,
    pub hosts: Vec<Host>,
    pub databases: Vec<Untrusted>,
    pub inputs: Vec<Input>,
    pub escalate: Vec<Escalation>,
    pub rollback: Option<Rollback>,
}

const KEYS: [&str; 8] = ["title", "matches", "hosts", "databases", "inputs", "escalate", "rollback", "wont_return"];
const MATCH_KEYS: [&str; 6] = ["alerts", "labels", "services", "surfaces", "stops", "words"];
const INPUT_KEYS: [&str; 5] = ["name", "about", "pattern", "default", "from"];
const ESCALATE_KEYS: [&str; 3] = ["when", "who", "why"];

type Pairs = [(String, u32, Node)];

pub(super) fn read(root: &Node, says: &mut Says) -> Front {
    let mut front = Front::default();
    let pairs: &Pairs = match &root.value {
        Value::Map(pairs) => pairs,
        Value::Nothing => return front,
        _ => {
            says.error(root.line, "front matter is keys and values, such as `title: Disk full`");
            return front;
        }
    };
    let mut wont_return = None;
    let mut rollback = None;
    for (key, line, node) in pairs {
        match key.as_str() {
            "title" => front.title = text(node, key, says).map(Into::into),
            "matches" => front.matches = matches(node, says),
            "hosts" => {
                for (host, line) in list(node, key, says) {
                    match host_of(&host) {
                        Ok(host) => front.hosts.push(host),
                        Err(what) => says.error(line, what),
                    }
                }
            }
            "databases" => front.databases = list(node, key, says).into_iter().map(|(name, _)| name.into()).collect(),
            "inputs" => front.inputs = inputs(node, says),
            "escalate" => front.escalate = escalations(node, says),
            "rollback" => rollback = text(node, key, says).map(|word| (word, node.line)),
            "wont_return" => {
                wont_return = Some((
                    *line,
                    list(node, key, says).into_iter().map(|(text, _)| Untrusted::from(text)).collect::<Vec<_>>(),
                ));
            }
            other => strange_key(other, *line, &KEYS, says),
        }
    }
    front.rollback = match (rollback, wont_return) {
        (Some((word, line)), gone) => match RollbackOf::ALL.into_iter().find(|of| of.name() == word) {
            Some(of) => {
                if gone.is_none() {
                    says.warn(line, "a rollback says in `wont_return` what stays gone (caches, memories, sent messages, embeddings); [] where nothing does");
                }
                Some(Rollback { of, wont_return: gone.map(|(_, gone)| gone).unwrap_or_default() })
            }
            None => {
                let known = RollbackOf::ALL.map(RollbackOf::name).join(", ");
                says.error(line, format!("nothing is rolled back that is called {word:?}: {known}"));
                None
            }
        },
        (None, Some((line, _))) => {
            says.warn(line, "`wont_return` belongs to a procedure with `rollback: prompt` or another");
            None
        }
        (None, None) => None,
    };
    front
}

/// A key of nobody's: silence, unless it looks like a slip of the hand. Teams keep keys of their own there.
pub(super) fn strange_key(key: &str, line: u32, known: &[&str], says: &mut Says) {
    if let Some(meant) = meant(key, known) {
        says.warn(line, format!("{key:?} is not known; did you mean {meant:?}?"));
    }
}

fn text(node: &Node, key: &str, says: &mut Says) -> Option<String> {
    match &node.value {
        Value::Text(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Nothing => None,
        _ => {
            says.error(node.line, format!("{key:?} is one text"));
            None
        }
    }
}

/// One text or a list of texts, with their lines.
fn list(node: &Node, key: &str, says: &mut Says) -> Vec<(String, u32)> {
    match &node.value {
        Value::Nothing => Vec::new(),
        Value::Text(text) => vec![(text.trim().to_owned(), node.line)],
        Value::List(items) => {
            if items.len() > MAX_LIST {
                says.error(node.line, format!("{key:?} has {} items: at most {MAX_LIST} are read", items.len()));
            }
            let mut out = Vec::new();
            for item in items.iter().take(MAX_LIST) {
                match &item.value {
                    Value::Text(text) => out.push((text.trim().to_owned(), item.line)),
                    _ => says.error(item.line, format!("{key:?} is a list of texts")),
                }
            }
            out
        }
        Value::Map(_) => {
            says.error(node.line, format!("{key:?} is a list of texts"));
            Vec::new()
        }
    }
}

fn globs(node: &Node, key: &str, says: &mut Says) -> Vec<Glob> {
    let mut out = Vec::new();
    for (text, line) in list(node, key, says) {
        match Glob::new(&text) {
            Ok(glob) => {
                if glob.is_any() {
                    says.warn(line, format!("{text:?} fits every incident"));
                }
                out.push(glob);
            }
            Err(what) => says.error(line, what),
        }
    }
    out
}

fn matches(node: &Node, says: &mut Says) -> Vec<Matches> {
    match &node.value {
        Value::Nothing => Vec::new(),
        Value::Map(pairs) => vec![one_match(pairs, says)],
        Value::List(items) => {
            if items.len() > MAX_LIST {
                says.error(node.line, format!("\"matches\" has {} items: at most {MAX_LIST} are read", items.len()));
            }
            let mut out = Vec::new();
            for item in items.iter().take(MAX_LIST) {
                match &item.value {
                    Value::Map(pairs) => out.push(one_match(pairs, says)),
                    _ => {
                        says.error(item.line, "each of `matches` is keys and lists, such as `alerts: [HighErrorRate]`");
                    }
                }
            }
            out
        }
        Value::Text(_) => {
            says.error(node.line, "`matches` is keys and lists, such as `alerts: [HighErrorRate]`");
            Vec::new()
        }
    }
}

fn one_match(pairs: &Pairs, says: &mut Says) -> Matches {
    let mut out = Matches::default();
    for (key, line, node) in pairs {
        match key.as_str() {
            "alerts" => out.alerts = globs(node, key, says),
            "services" => out.services = globs(node, key, says),
            "labels" => match &node.value {
                Value::Map(labels) => {
                    for (name, line, value) in labels.iter().take(MAX_LIST) {
                        match text(value, name, says)
                            .ok_or_else(|| "a label needs a value".to_owned())
                            .and_then(|v| Glob::new(&v))
                        {
                            Ok(glob) => out.labels.push((name.as_str().into(), glob)),
                            Err(what) => says.error(*line, what),
                        }
                    }
                }
                _ => says.error(node.line, "`labels` is names and values, such as `team: search`"),
            },
            "surfaces" => {
                for (word, line) in list(node, key, says) {
                    match Surface::ALL.into_iter().find(|surface| surface.name() == word) {
                        Some(surface) => _ = out.surfaces.insert(surface),
                        None => {
                            let known = Surface::ALL.map(Surface::name).join(", ");
                            says.error(line, format!("no surface {word:?}: {known}"));
                        }
                    }
                }
            }
            "stops" => {
                for (word, line) in list(node, key, says) {
                    match StopClass::ALL.into_iter().find(|stop| stop.name() == word || stop.code() == word) {
                        Some(stop) => _ = out.stops.insert(stop),
                        None => {
                            let known = StopClass::ALL.map(StopClass::name).join(", ");
                            says.error(line, format!("runs never end as {word:?}: {known}"));
                        }
                    }
                }
            }
            "words" => out.words = list(node, key, says).into_iter().map(|(word, _)| word.into()).collect(),
            other => match meant(other, &MATCH_KEYS) {
                Some(meant) => says.warn(*line, format!("{other:?} is not known; did you mean {meant:?}?")),
                // What is asked for here and not understood would make the rest fit too much.
                None => says.warn(*line, format!("{other:?} is nothing to match by: {}", MATCH_KEYS.join(", "))),
            },
        }
    }
    out
}

/// `name:port`, or an `http(s)` address.
pub(super) fn host_of(text: &str) -> Result<Host, String> {
    let wrong = || format!("{text:?} is no host with a port: write prometheus:9090 or https://prometheus.example.com");
    if text.contains("://") {
        let url = url::Url::parse(text).map_err(|_| wrong())?;
        let (Some(name), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return Err(wrong()) };
        return Ok(Host { name: name.into(), port });
    }
    let (name, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port: u16 = port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?;
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let good = match bare {
        Some(six) => six.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            (1..=253).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
                && !name.starts_with('-')
        }
    };
    if good { Ok(Host { name: bare.unwrap_or(name).into(), port }) } else { Err(wrong()) }
}

/// Whether `name` can be an input's.
pub(super) fn is_input_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_')
}

fn inputs(node: &Node, says: &mut Says) -> Vec<Input> {
    let rows: Vec<(Option<&str>, u32, &Node)> = match &node.value {
        Value::Nothing => Vec::new(),
        Value::List(items) => items.iter().map(|item| (None, item.line, item)).collect(),
        Value::Map(pairs) => pairs.iter().map(|(name, line, node)| (Some(name.as_str()), *line, node)).collect(),
        Value::Text(_) => {
            says.error(
                node.line,
                "`inputs` is names with what is known of each, such as `namespace: { from: label/namespace }`",
            );
            Vec::new()
        }
    };
    if rows.len() > MAX_LIST {
        says.error(node.line, format!("there are {} inputs: at most {MAX_LIST} are read", rows.len()));
    }
    let mut out: Vec<Input> = Vec::new();
    for (name, line, row) in rows.into_iter().take(MAX_LIST) {
        let Some(input) = input(name, line, row, says) else { continue };
        if let Some(before) = out.iter().find(|known| known.name == input.name) {
            says.error(line, format!("the input {:?} is in line {} already", input.name.raw(), before.line));
        } else {
            out.push(input);
        }
    }
    out
}

fn input(name: Option<&str>, line: u32, node: &Node, says: &mut Says) -> Option<Input> {
    let mut input = Input {
        name: name.unwrap_or_default().into(),
        about: Untrusted::default(),
        pattern: Pattern::default(),
        default: None,
        from: Vec::new(),
        declared: true,
        line,
    };
    let mut default = None;
    match &node.value {
        Value::Nothing => {}
        Value::Text(word) if name.is_none() => input.name = word.as_str().into(),
        Value::Map(pairs) => {
            for (key, line, node) in pairs {
                match key.as_str() {
                    "name" => input.name = text(node, key, says).unwrap_or_default().into(),
                    "about" => input.about = text(node, key, says).unwrap_or_default().into(),
                    "default" => default = text(node, key, says).map(|value| (value, node.line)),
                    "pattern" => match text(node, key, says).map(|pattern| Pattern::new(&pattern)) {
                        Some(Ok(pattern)) => input.pattern = pattern,
                        Some(Err(what)) => says.error(node.line, what),
                        None => {}
                    },
                    "from" => {
                        for (word, line) in list(node, key, says) {
                            match word.split_once('/') {
                                Some(("label", label)) if !label.is_empty() => {
                                    input.from.push(KnownFrom::Label(label.into()));
                                }
                                None if word == "service" => input.from.push(KnownFrom::Service),
                                None if word == "alert" => input.from.push(KnownFrom::Alert),
                                _ => {
                                    says.error(
                                        line,
                                        format!("nothing comes from {word:?}: label/NAME, service, alert"),
                                    );
                                }
                            }
                        }
                    }
                    other => strange_key(other, *line, &INPUT_KEYS, says),
                }
            }
        }
        _ => {
            says.error(line, "an input is a name with `from`, `default`, `pattern`, `about`");
            return None;
        }
    }
    if !is_input_name(input.name.raw()) {
        let what = format!(
            "{:?} cannot name an input: up to {MAX_NAME} small letters, digits, - and _, a letter first",
            input.name.raw()
        );
        says.error(line, what);
        return None;
    }
    if let Some((value, line)) = default {
        match input.pattern.check(&value) {
            Ok(()) => input.default = Some(value.into()),
            Err(why) => says.error(line, format!("the default of {} does not do: {why}", input.name.raw())),
        }
    }
    Some(input)
}

fn escalations(node: &Node, says: &mut Says) -> Vec<Escalation> {
    let items: &[Node] = match &node.value {
        Value::Nothing => &[],
        Value::List(items) => items,
        Value::Map(_) => std::slice::from_ref(node),
        Value::Text(_) => {
            says.error(node.line, "`escalate` is a list of { when, who, why }");
            &[]
        }
    };
    if items.len() > MAX_LIST {
        says.error(node.line, format!("\"escalate\" has {} items: at most {MAX_LIST} are read", items.len()));
    }
    items.iter().take(MAX_LIST).filter_map(|item| escalation(item, says)).collect()
}

fn escalation(node: &Node, says: &mut Says) -> Option<Escalation> {
    let Value::Map(pairs) = &node.value else {
        says.error(node.line, "a point of escalation is { when, who, why }");
        return None;
    };
    let (mut when, mut who, mut why) = (None, None, Untrusted::default());
    let mut said = false;
    for (key, line, node) in pairs {
        match key.as_str() {
            "when" => match text(node, key, says).map(|text| when_of(&text)) {
                Some(Ok(found)) => when = Some(found),
                Some(Err(what)) => {
                    said = true;
                    says.error(node.line, what);
                }
                None => {}
            },
            "who" => who = text(node, key, says),
            "why" => why = text(node, key, says).unwrap_or_default().into(),
            other => strange_key(other, *line, &ESCALATE_KEYS, says),
        }
    }
    let (when, why) = match when {
        Some(when) => (when, why),
        // A point that is not understood is not walked past for that: it holds everywhere.
        None => {
            if !said {
                says.error(
                    node.line,
                    "a point of escalation needs `when`: before STEP, severity >= error, tier >= 4, or always",
                );
            }
            (When::Always, "what it says of when is not understood, so it holds everywhere".into())
        }
    };
    let who = who.unwrap_or_else(|| {
        says.error(node.line, "a point of escalation needs `who`: a person or a rota");
        "whoever owns this runbook".to_owned()
    });
    Some(Escalation { when, who: who.into(), why, line: node.line })
}

fn when_of(text: &str) -> Result<When, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let wrong = || format!("{text:?} is not understood: before STEP, severity >= error, tier >= 4, or always");
    match words.as_slice() {
        ["always"] => Ok(When::Always),
        ["before", step] | ["before", "step", step] => Ok(When::Before((*step).into())),
        ["severity", ">=", word] => match Severity::of_label(word) {
            Severity::Unknown => Err(format!("no severity is called {word:?}: critical, error, warning, info")),
            severity => Ok(When::Severity(severity)),
        },
        ["tier", ">=", tier] => match tier.parse() {
            Ok(tier) if tier <= MAX_TIER => Ok(When::Tier(Tier(tier))),
            _ => Err(format!("a tier is 0 to {MAX_TIER}")),
        },
        _ => Err(wrong()),
    }
}

/// The hosts of both lists, once each.
pub(super) fn joined(a: &[Host], b: &[Host]) -> Vec<Host> {
    a.iter().chain(b).collect::<BTreeSet<_>>().into_iter().cloned().collect()
}
