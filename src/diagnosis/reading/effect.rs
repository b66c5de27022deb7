//! What a diff can cause, in general terms, and what it cannot; each with the words by which the effect shows.

use std::collections::BTreeMap;

use super::diff::{FileDiff, FileKind};
use super::words::words;

/// A kind of effect a diff can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Effect {
    GuardRemoved,
    WorkInLoop,
    LimitChanged,
    TimeoutChanged,
    RetryChanged,
    Growth,
    ReleaseRemoved,
    LogVolume,
    Schema,
    Trust,
    Locking,
    Cache,
    Address,
    Pattern,
    Library,
    Cpu,
}

/// An effect with how it shows in failing telemetry.
struct Sign {
    effect: Effect,
    says: &'static str,
    shows: &'static [&'static str],
}

const SIGNS: &[Sign] = &[
    Sign {
        effect: Effect::GuardRemoved,
        says: "takes away a check for something that may be missing",
        shows: &[
            "nil pointer",
            "null pointer",
            "nullpointer",
            "nonetype",
            "undefined is not",
            "cannot read propert",
            "invalid memory address",
            "segfault",
            "segmentation",
            "keyerror",
            "attributeerror",
            "typeerror",
            "index out of range",
            "out of bounds",
            "panic",
            "unwrap",
            "nil map",
            "division by zero",
            "divide by zero",
        ],
    },
    Sign {
        effect: Effect::WorkInLoop,
        says: "does a query or call for each element of a loop",
        shows: &[
            "slow request",
            "query_count",
            "queries per",
            "calls_in_request",
            "select ",
            "n+1",
            "query count",
            "slow query",
            "db_query",
            "calls_per",
            "fan-out",
            "fanout",
            "queries_per",
        ],
    },
    Sign {
        effect: Effect::LimitChanged,
        says: "changes a limit or size",
        shows: &[
            "pool",
            "exhaust",
            "too many",
            "limit",
            "capacity",
            "acquir",
            "rejected",
            "queue full",
            "max_conn",
            "saturat",
            "oom",
            "evict",
            "throttl",
            "429",
            "quota",
            "rate limit",
            "overflow",
            "concurren",
            "backlog",
            "pending",
        ],
    },
    Sign {
        effect: Effect::TimeoutChanged,
        says: "changes a time limit",
        shows: &[
            "timeout",
            "timed out",
            "deadline",
            "canceled",
            "cancelled",
            "504",
            "context deadline",
            "gateway time",
        ],
    },
    Sign {
        effect: Effect::RetryChanged,
        says: "changes how calls are repeated",
        shows: &["retry", "retries", "retri", "attempt", "amplif", "thundering", "storm", "backoff"],
    },
    Sign {
        effect: Effect::Growth,
        says: "keeps adding to something that is never emptied",
        shows: &["oom", "out of memory", "memory", "heap", "rss", "gc pause", "garbage", "forced gc"],
    },
    Sign {
        effect: Effect::ReleaseRemoved,
        says: "no longer releases what it opened",
        shows: &[
            "too many open",
            "file descriptor",
            "leak",
            "exhaust",
            "goroutine",
            "memory",
            "connection",
            "pool",
            "oom",
            "fd",
            "socket",
        ],
    },
    Sign {
        effect: Effect::LogVolume,
        says: "makes it write more logs",
        shows: &["no space left", "disk", "debug", "log_write", "filesystem", "read-only file", "ingest", "volume"],
    },
    Sign {
        effect: Effect::Schema,
        says: "uses or changes a table, column or field",
        shows: &[
            "does not exist",
            "unknown column",
            "no such table",
            "no such column",
            "relation ",
            "undefined column",
            "missing field",
            "unmarshal",
            "deserializ",
            "schema",
            "unknown field",
            "invalid field",
            "constraint",
            "violates",
            "migration",
            "cannot parse",
            "validation",
            "decode",
        ],
    },
    Sign {
        effect: Effect::Trust,
        says: "touches certificates, keys or permissions",
        shows: &[
            "x509",
            "tls",
            "handshake",
            "certificate",
            "unauthorized",
            "forbidden",
            "permission denied",
            "access denied",
            "401",
            "403",
            "signature",
            "token",
            "jwt",
            "credential",
            "auth",
        ],
    },
    Sign {
        effect: Effect::Locking,
        says: "touches locks or transactions",
        shows: &[
            "deadlock",
            "lock wait",
            "lock timeout",
            "blocked",
            "contention",
            "mutex",
            "could not serialize",
            "lock",
            "stuck",
        ],
    },
    Sign {
        effect: Effect::Cache,
        says: "touches caching",
        shows: &["cache", "stale", "hit ratio", "miss", "evict", "ttl", "stampede", "hit_ratio", "outdated"],
    },
    Sign {
        effect: Effect::Address,
        says: "changes a name, address or port",
        shows: &[
            "no such host",
            "connection refused",
            "dns",
            "unreachable",
            "not found",
            "404",
            "name resolution",
            "dial tcp",
            "resolve",
            "unknown host",
            "no route",
            "nxdomain",
            "upstream connect",
        ],
    },
    Sign {
        effect: Effect::Pattern,
        says: "changes a pattern or parser",
        shows: &["cpu", "backtrack", "regex", "parse", "invalid", "malformed", "mismatch", "unexpected"],
    },
    Sign {
        effect: Effect::Library,
        says: "moves a library to another version",
        shows: &[
            "module",
            "version",
            "incompatib",
            "symbol",
            "abi",
            "deprecated",
            "library",
            "no such method",
            "nosuchmethod",
            "importerror",
            "class not found",
            "linkage",
        ],
    },
    Sign {
        effect: Effect::Cpu,
        says: "adds work per request",
        shows: &["cpu", "throttl", "slow", "latency", "duration"],
    },
];

/// What a change cannot cause, and why; `None` when it may have an effect.
pub(in super::super) fn inert(files: &[String], diff: &[FileDiff]) -> Option<&'static str> {
    let kinds: Vec<FileKind> = if files.is_empty() {
        diff.iter().map(|file| FileKind::of(&file.path)).collect()
    } else {
        files.iter().map(|path| FileKind::of(path)).collect()
    };
    if !kinds.is_empty() && kinds.iter().all(|kind| !kind.runs()) {
        return Some("it touches only tests, documents, build or another stage, none of which runs in production");
    }
    if !kinds.is_empty() && kinds.iter().all(|kind| !kind.runs() || *kind == FileKind::Looks) {
        return Some("it touches only looks");
    }
    if diff.is_empty() {
        return None;
    }
    let lines = || {
        diff.iter()
            .flat_map(|file| file.added.iter().chain(&file.removed))
            .map(|line| line.trim())
            .filter(|line| !line.is_empty())
    };
    if lines().all(is_comment) {
        return Some("it touches only comments");
    }
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    for file in diff {
        gone.extend(file.removed.iter().flat_map(|line| tokens(line)));
        come.extend(file.added.iter().flat_map(|line| tokens(line)));
    }
    gone.sort();
    come.sort();
    if gone == come && !gone.is_empty() {
        return Some("the same words in another order or layout");
    }
    let only_watching = diff.iter().all(|file| file.removed.is_empty())
        && lines().all(|line| is_watching(line) || is_comment(line) || line.len() < 3);
    only_watching.then_some("it only adds counters, histograms or log fields")
}

fn is_comment(line: &str) -> bool {
    ["//", "#", "/*", "*", "--", "<!--", "\"\"\"", ";"].iter().any(|mark| line.starts_with(mark))
        && !line.starts_with("#include")
}

fn is_watching(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    [
        "prometheus",
        "histogram",
        "counter",
        "metric",
        "logger",
        "log.",
        "setattribut",
        "span.",
        "buckets",
        "name:",
        "help:",
        "\"method\"",
        "\"path\"",
        "trace",
    ]
    .iter()
    .any(|word| line.contains(word))
}

/// Words and numbers of a line of code.
fn tokens(line: &str) -> Vec<String> {
    line.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|token| !token.is_empty())
        .map(str::to_owned)
        .collect()
}

/// How much of what came is what went: 1 = moved code, 0 = something else. With nothing removed it is 0.
pub(in super::super) fn likeness(diff: &[FileDiff]) -> f64 {
    let mut counts: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for file in diff {
        for token in file.removed.iter().flat_map(|line| tokens(line)) {
            counts.entry(token).or_default().0 += 1;
        }
        for token in file.added.iter().flat_map(|line| tokens(line)) {
            counts.entry(token).or_default().1 += 1;
        }
    }
    let removed: u32 = counts.values().map(|(gone, _)| gone).sum();
    let kept: u32 = counts.values().map(|(gone, come)| (*gone).min(*come)).sum();
    if removed == 0 { 0.0 } else { f64::from(kept) / f64::from(removed) }
}

/// A setting whose value changed: its line before and since.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Setting {
    /// The line without its value.
    pub name: String,
    /// Before.
    pub before: String,
    /// Since.
    pub after: String,
}

/// Settings of a diff: pairs of lines that differ only in their last value, or that lost it.
pub(in super::super) fn settings(diff: &[FileDiff]) -> Vec<Setting> {
    let mut found = Vec::new();
    for file in diff {
        for gone in &file.removed {
            let Some((name, before)) = assignment(gone) else { continue };
            let same = file.added.iter().filter_map(|line| assignment(line)).find(|(other, _)| *other == name);
            if let Some((_, after)) = same.filter(|(_, after)| *after != before) {
                found.push(Setting { name, before, after });
            }
        }
    }
    found
}

/// `name = value`, `name: value`, `name := value`.
fn assignment(line: &str) -> Option<(String, String)> {
    let line = line.trim().trim_end_matches([',', ';']);
    let (name, value) = line.split_once(":=").or_else(|| line.split_once('=')).or_else(|| line.split_once(':'))?;
    let name = name.trim().trim_matches('"').to_owned();
    let short = !name.is_empty() && name.len() <= 60 && name.split_whitespace().count() <= 3;
    short.then(|| (name, value.trim().to_owned()))
}

/// The effects a diff can have, with what of it says so.
pub(in super::super) fn effects(diff: &[FileDiff]) -> Vec<(Effect, String)> {
    let mut found: BTreeMap<Effect, String> = BTreeMap::new();
    let mut see = |effect, line: &str| {
        found.entry(effect).or_insert_with(|| line.trim().chars().take(100).collect());
    };
    for file in diff.iter().filter(|file| FileKind::of(&file.path).runs()) {
        let added = file.added.join("\n").to_ascii_lowercase();
        if FileKind::of(&file.path) == FileKind::Libraries {
            see(Effect::Library, &file.path);
            continue;
        }
        for line in &file.removed {
            let low = line.to_ascii_lowercase();
            let key: String = tokens(&low).join(" ");
            let kept = added.lines().any(|other| tokens(other).join(" ") == key);
            if !kept && is_guard(&low) && !added.lines().any(is_guard) {
                see(Effect::GuardRemoved, line);
            }
            let releases = [
                ".close(",
                "cancel(",
                ".stop(",
                ".release(",
                "delete(",
                ".unlock(",
                "free(",
                ".dispose(",
                ".evict",
                ".remove(",
            ];
            if !kept && releases.iter().any(|word| low.contains(word) && !added.contains(word)) {
                see(Effect::ReleaseRemoved, line);
            }
        }
        loops(file, &mut see);
        for line in file.added.iter().chain(&file.removed) {
            by_words(&line.to_ascii_lowercase(), line, &mut see);
        }
        growth(file, &added, &mut see);
    }
    for setting in settings(diff) {
        let name = setting.name.to_ascii_lowercase();
        let line = format!("{}: {} → {}", setting.name, setting.before, setting.after);
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        if has(&["timeout", "deadline", "interval", "period", "idle", "lifetime", "keepalive"]) {
            see(Effect::TimeoutChanged, &line);
        } else if has(&["retr", "attempt", "backoff"]) {
            see(Effect::RetryChanged, &line);
        } else if has(&[
            "max",
            "min",
            "limit",
            "size",
            "pool",
            "conn",
            "worker",
            "thread",
            "concurren",
            "replica",
            "capacity",
            "batch",
            "buffer",
            "queue",
            "burst",
            "rate",
            "quota",
            "memory",
            "cpu",
            "requests",
        ]) {
            see(Effect::LimitChanged, &line);
        }
        if has(&["level", "sample", "verbos", "log"]) {
            see(Effect::LogVolume, &line);
        }
    }
    found.into_iter().collect()
}

fn is_guard(line: &str) -> bool {
    let tests = line.contains("if ")
        || line.contains("assert")
        || line.contains("guard ")
        || line.contains("?.")
        || line.contains("??")
        || line.contains("unless ");
    let missing = [
        "nil",
        "null",
        "none",
        "undefined",
        "len(",
        ".length",
        "is_empty",
        "isempty",
        " ok",
        "!ok",
        "exists",
        "== 0",
        "contains",
        " in ",
        "err != ",
        "?.",
        "??",
        "valid",
        "haskey",
        "has(",
    ];
    tests && missing.iter().any(|word| line.contains(word))
}

/// A call or query inside a loop that was not there before.
fn loops(file: &FileDiff, see: &mut impl FnMut(Effect, &str)) {
    let calls = [
        ".get", "query", "select ", ".find", "fetch", "http", "client", ".load", "await ", ".exec", "rpc", ".call",
        "request(", ".do(", "cursor", "session.",
    ];
    let is_loop = |line: &str| {
        line.trim_start().starts_with("for ")
            || line.trim_start().starts_with("while ")
            || line.contains(".map(")
            || line.contains(".foreach(")
            || line.contains("for (")
    };
    let mut inside = 0_u32;
    for line in &file.added {
        let low = line.to_ascii_lowercase();
        if is_loop(&low) {
            inside = 8;
        } else {
            inside = inside.saturating_sub(1);
        }
        let calls_now = calls.iter().any(|word| low.contains(word)) && low.contains('(');
        let was = file.removed.iter().any(|gone| gone.trim() == line.trim());
        if inside > 0 && calls_now && !was && !is_loop(&low) {
            see(Effect::WorkInLoop, line);
        }
    }
}

fn by_words(low: &str, line: &str, see: &mut impl FnMut(Effect, &str)) {
    let table: [(Effect, &[&str]); 6] = [
        (
            Effect::Schema,
            &[
                "select ",
                "insert into",
                "alter table",
                "create table",
                "drop ",
                "rename column",
                "add column",
                "json:\"",
                "column(",
                "references ",
                "migration",
                "proto",
            ],
        ),
        (
            Effect::Trust,
            &[
                "tls",
                "cert",
                "certificate",
                "cipher",
                "token",
                "secret",
                "credential",
                "permission",
                "scope",
                "role",
                "auth",
                "insecureskipverify",
                "jwt",
                "signature",
            ],
        ),
        (
            Effect::Locking,
            &[
                "mutex",
                ".lock(",
                ".unlock(",
                "rwlock",
                "synchronized",
                "for update",
                "begin transaction",
                "serializable",
                "semaphore",
                "isolation",
                "chan ",
            ],
        ),
        (Effect::Cache, &["cache", "ttl", "memoize", "lru", "redis", "expire"]),
        (Effect::Address, &["host", "endpoint", "url", "port", "dns", "hostname", "addr", "domain", "upstream"]),
        (Effect::Pattern, &["regex", "regexp", "re.compile", "pattern", "parse("]),
    ];
    if is_comment(low.trim()) {
        return;
    }
    let said = words(line);
    for (effect, signs) in table {
        // Signs of one word must be a word of the line (`port` is not in `export`); others stand anywhere in it.
        let found = |sign: &&str| {
            if sign.chars().all(char::is_alphanumeric) { said.contains(*sign) } else { low.contains(*sign) }
        };
        if signs.iter().any(found) {
            see(effect, line);
        }
    }
}

/// Something global that only grows; a bound beside it speaks against.
fn growth(file: &FileDiff, added: &str, see: &mut impl FnMut(Effect, &str)) {
    let bounded = ["lru", "bounded", "evict", "evicted", "maxsize", "ringbuffer", "limit", "capacity", "ttl", "maxlen"];
    let said = words(added);
    if bounded.iter().any(|word| said.contains(*word)) || added.contains("[:0]") {
        return;
    }
    let grows = ["append(", ".append(", ".push(", ".add(", "] = ", ".set(", ".put(", ".insert(", "+= "];
    let outlives = [
        "var ", "static ", "global ", "self.", "this.", "let mut ", "= {}", "= []", "map[", "list[", "dict(",
        "new map(", "make(map",
    ];
    let has_store = file.added.iter().any(|line| {
        let low = line.to_ascii_lowercase();
        let top = !line.starts_with([' ', '\t']);
        (top && outlives.iter().any(|word| low.contains(word)))
            || low.contains("self.")
            || low.contains("this.")
            || low.contains("global ")
    });
    if let Some(line) = file.added.iter().find(|line| grows.iter().any(|word| line.to_ascii_lowercase().contains(word)))
        && has_store
    {
        see(Effect::Growth, line);
    }
}

/// How an effect is said.
pub(in super::super) fn says(effect: Effect) -> &'static str {
    SIGNS.iter().find(|sign| sign.effect == effect).map_or("", |sign| sign.says)
}

/// The word by which an effect shows in `telemetry` (lower case), if it does.
pub(in super::super) fn shows(effect: Effect, telemetry: &str) -> Option<&'static str> {
    let sign = SIGNS.iter().find(|sign| sign.effect == effect)?;
    sign.shows.iter().find(|word| telemetry.contains(**word)).copied()
}

#[cfg(test)]
mod tests {
    use super::super::diff::parse;
    use super::*;

    fn found(text: &str) -> Vec<Effect> {
        effects(&parse(text)).into_iter().map(|(effect, _)| effect).collect()
    }

    #[test]
    fn a_removed_check_is_seen_and_a_moved_one_is_not() {
        assert!(
            found("@@ a.go @@\n-\tif x.y == nil {\n-\t\treturn 0\n-\t}\n-\treturn x.y.z\n+\treturn x.y.z")
                .contains(&Effect::GuardRemoved)
        );
        assert!(
            !found("@@ a.go @@\n-\tif x == nil { return }\n+\tif x == nil { return nil }")
                .contains(&Effect::GuardRemoved)
        );
    }

    #[test]
    fn a_call_per_element_is_seen() {
        assert!(
            found("@@ a.py @@\n+    for row in rows:\n+        user = client.get(row.id)")
                .contains(&Effect::WorkInLoop)
        );
        assert!(!found("@@ a.py @@\n+    users = client.get_many(ids)").contains(&Effect::WorkInLoop));
    }

    #[test]
    fn settings_are_paired() {
        let diff = parse("@@ a.yaml @@\n-  max_conns: 50\n+  max_conns: 10\n-  timeout: 5s\n+  timeout: 1s");
        assert_eq!(settings(&diff).len(), 2);
        let effects = effects(&diff);
        assert!(
            effects.iter().any(|(e, _)| *e == Effect::LimitChanged)
                && effects.iter().any(|(e, _)| *e == Effect::TimeoutChanged)
        );
    }

    #[test]
    fn growth_is_seen_unless_bounded() {
        assert!(
            found("@@ a.go @@\n+var seen []string\n+func f(x string) {\n+\tseen = append(seen, x)\n+}")
                .contains(&Effect::Growth)
        );
        assert!(
            !found("@@ a.go @@\n+var seen = lru.New(10)\n+func f(x string) {\n+\tseen.Add(x)\n+}")
                .contains(&Effect::Growth)
        );
    }

    #[test]
    fn what_cannot_cause_anything() {
        assert!(inert(&["docs/a.md".into()], &[]).is_some());
        assert!(inert(&["a.go".into()], &parse("@@ a.go @@\n-// old words\n+// new words")).is_some());
        assert!(inert(&["a.go".into()], &parse("@@ a.go @@\n-x := f(a)\n+x := f(b)")).is_none());
        assert!(inert(&["a.go".into()], &[]).is_none());
    }

    #[test]
    fn moved_code_is_alike() {
        let moved =
            parse("@@ a.go @@\n-\tx := build(a, b)\n+\tx := helper()\n+}\n+func helper() T {\n+\treturn build(a, b)");
        assert!(likeness(&moved) > 0.8);
    }
}
