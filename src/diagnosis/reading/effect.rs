//! What a diff can cause, in general terms, read line by line from its words.

use std::collections::BTreeMap;

use super::diff::{FileDiff, FileKind};
use super::inert::{is_comment, tokens};
use super::setting::settings;
use super::sign::Effect;
use super::words::words;

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
}
