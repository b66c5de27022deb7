use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::journal::limits;

// Written in two halves, so that no scanner of this repository takes them for real ones; none ever was.
fn planted() -> Vec<(&'static str, String)> {
    let two = |a: &str, b: &str| format!("{a}{b}");
    vec![
        ("aws-key", two("AKIA", "IOSFODNN7EXAMPLE")),
        ("github-token", two("ghp_", "abcdefghijklmnopqrstuvwxyz0123456789")),
        ("slack-token", two("xoxb-", "123456789012-abcdefghij")),
        ("llm-key", two("sk-", "proj-abc123def456ghi789jkl0")),
        ("google-key", two("AIza", "SyA1234567890abcdefghijklmnopqrstuv")),
        ("stripe-key", two("sk_live_", "4eC39HqLyjWDarjtT1zdp7dc")),
        ("jwt", two("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.", "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P")),
        ("private-key", two("-----BEGIN RSA PRIVATE", " KEY-----\nMIIEabc\ndef\n-----END RSA PRIVATE KEY-----")),
    ]
}

/// Compiling the rules costs more than all their use here.
static REDACTOR: LazyLock<Redactor> = LazyLock::new(Redactor::default);

fn clean_json(value: &Value) -> (Value, Found) {
    let mut found = Found::new();
    let body = serde_json::to_vec(value).unwrap();
    let clean = REDACTOR.json(&body, true, &mut found);
    (clean.map_or_else(|| value.clone(), |bytes| serde_json::from_slice(&bytes).unwrap()), found)
}

#[test]
fn fault_49_every_kind_of_secret_is_taken_out_and_named() {
    for (rule, secret) in planted() {
        let mut found = Found::new();
        let said = format!("use {secret} for it");
        let clean = REDACTOR.text(&said, false, &mut found).into_owned();
        assert!(!clean.contains(&secret), "{rule}: {clean}");
        assert!(clean.contains(&format!("‹redacted:{rule}›")), "{rule}: {clean}");
        assert!(clean.starts_with("use ") && clean.ends_with(" for it"), "{rule}: {clean}");
        assert_eq!(found.get(rule), Some(&1), "{rule}");
    }
}

#[test]
fn fault_49_every_kind_of_secret_is_found_in_base64() {
    for (rule, secret) in planted() {
        for engine in [&base64_crate::STANDARD, &base64_crate::URL_SAFE_NO_PAD] {
            use ::base64::Engine as _;
            let coded = engine.encode(format!("export KEY={secret} # keep"));
            let (clean, found) = clean_json(&json!({"body": format!("blob {coded} end")}));
            assert!(found.contains_key(rule), "{rule}: {found:?}");
            let said = clean["body"].as_str().unwrap();
            assert_eq!(said, format!("blob ‹redacted:{rule}, base64› end"));
        }
    }
}

mod base64_crate {
    pub(super) use ::base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
}

#[test]
fn fault_49_every_kind_of_secret_is_found_when_cut_anywhere_over_two_fields() {
    for (rule, secret) in planted() {
        for cut in 2..secret.len() - 1 {
            let (left, right) = secret.split_at(cut);
            for body in [
                json!({"attributes": {"note.a": left, "note.b": right}}),
                json!({"attributes": {"parts": [left, right]}}),
                json!({"attributes": {"gen_ai.prompt.0.content": left, "gen_ai.prompt.0.role": "user", "gen_ai.prompt.1.content": right}}),
                json!({"messages": json!([{"parts": [{"type": "text", "content": left}, {"type": "text", "content": right}]}]).to_string()}),
            ] {
                let (clean, found) = clean_json(&body);
                let said = clean.to_string();
                // Where one side alone is already a whole secret of its kind, what is left of the other says nothing.
                assert!(
                    found.keys().any(|name| name == rule || name == "llm-key"),
                    "{rule} cut at {cut}: {said} {found:?}"
                );
            }
        }
    }
}

#[test]
fn personal_data_is_taken_out_of_telemetry_only() {
    let said = json!({"text": "mail ann.lee@example.com, call +49 30 1234567, card 4111 1111 1111 1111"});
    let (clean, found) = clean_json(&said);
    assert_eq!(clean["text"], "mail ‹redacted:email›, call ‹redacted:phone›, card ‹redacted:card›");
    assert_eq!(found.len(), 3);
    let body = serde_json::to_vec(&said).unwrap();
    assert_eq!(REDACTOR.json(&body, false, &mut Found::new()), None);
}

#[test]
fn the_identity_of_a_span_is_never_taken_for_a_card() {
    let card = "4111111111111111";
    let (clean, _) = clean_json(&json!({"span_id": card, "parent": card, "attributes": {"paid.with": card}}));
    assert_eq!((&clean["span_id"], &clean["parent"]), (&json!(card), &json!(card)));
    assert_eq!(clean["attributes"]["paid.with"], "‹redacted:card›");
}

#[test]
fn what_only_looks_like_it_stays() {
    for innocent in [
        "trace 4bf92f3577b34da6a3ce929d0e0e4736 at 1795308376123456789 ns",
        "2026-11-22T00:46:14.520Z took 4111111111111112 ticks",
        "task-queue/sk-learn-pipeline-for-recommendations",
        "the password: policy",
        "basic understanding of bearer instruments",
        "http://host:9093/path@v2 and git commit 0123456789abcdef0123456789abcdef01234567",
        "/usr/lib/python3/dist-packages/opentelemetry/sdk/trace/export/__init__.py",
        "max_tokens=4096 input_tokens: 123456",
    ] {
        let mut found = Found::new();
        assert_eq!(REDACTOR.text(innocent, true, &mut found), innocent, "{found:?}");
        assert_eq!(clean_json(&json!({ "t": innocent })).0["t"], innocent);
    }
}

#[test]
fn a_field_named_after_a_secret_is_taken_out_whole() {
    let (clean, _) = clean_json(
        &json!({"http.request.header.authorization": "x", "api_key": "short", "key": "kept", "password": ""}),
    );
    assert_eq!(clean["http.request.header.authorization"], "‹redacted:secret-field›");
    assert_eq!(clean["api_key"], "‹redacted:secret-field›");
    assert_eq!(clean["key"], "kept");
    assert_eq!(clean["password"], "");
}

#[test]
fn one_s_own_rules_apply_and_wrong_ones_say_why() {
    let rule = |name: &str, pattern: &str| UserRule { name: name.into(), pattern: pattern.into(), hint: None };
    let own = Redactor::new(&[rule("badge", r"badge (\d{4})")]).unwrap();
    assert_eq!(own.text("my badge 1234 here", false, &mut Found::new()), "my badge ‹redacted:badge› here");
    assert!(own.json(br#"{"a":"badge 1234"}"#, false, &mut Found::new()).is_some());
    assert_eq!(own.own().collect::<Vec<_>>(), ["badge"]);
    let long = "x".repeat(limits::OWN_PATTERN + 1);
    for (name, pattern, says) in [
        ("Bad Name", "x", "lower-case"),
        ("open", "(", "cannot be used"),
        ("all", "x*", "everywhere"),
        ("aws-key", "x", "another rule"),
        (super::rules::FIELD_RULE, "x", "another rule"),
        ("long", &long, "longer than"),
        ("large", r"(\w{200}){200}", "too large"),
    ] {
        let error = Redactor::new(&[rule("fine", "fine"), rule(name, pattern)]).unwrap_err();
        assert!(error.to_string().contains(says) && !error.to_string().contains('\n'), "{error}");
        assert_eq!(error.nth, 1);
    }
    let many: Vec<UserRule> = (0..=limits::OWN_RULES).map(|n| rule(&format!("r{n}"), "x")).collect();
    assert_eq!(Redactor::new(&many).unwrap_err().nth, limits::OWN_RULES);
}

#[test]
fn a_rule_of_one_s_own_with_a_hint_is_tried_only_where_the_hint_is() {
    let rule = |hint: &str| UserRule { name: "badge".into(), pattern: r"[A-Z]+-\d{4}".into(), hint: Some(hint.into()) };
    let own = Redactor::new(&[rule("ACME-")]).unwrap();
    let clean = |text: &str| own.text(text, false, &mut Found::new()).into_owned();
    assert_eq!(clean("ACME-1234"), "‹redacted:badge›");
    assert_eq!(clean("OTHER-1234"), "OTHER-1234");
    assert!(own.json(br#"{"a":["x ACME-1234"]}"#, false, &mut Found::new()).is_some());
    // Inside base64 too, where the hint does not show.
    let hidden =
        ::base64::Engine::encode(&::base64::engine::general_purpose::STANDARD, "the badge is ACME-1234, they said");
    let body = json!({ "a": hidden }).to_string();
    assert!(own.json(body.as_bytes(), false, &mut Found::new()).is_some());
    for hint in ["", "x", "a\"b", "é1234"] {
        assert_eq!(Redactor::new(&[rule(hint)]).unwrap_err().part, RulePart::Hint, "{hint}");
    }
}

#[test]
fn marks_say_nothing_when_texts_are_compared() {
    assert_eq!(without_marks("a ‹redacted:aws-key› b ‹redacted:jwt, split›c"), "a  b c");
    assert_eq!(without_marks("a ‹ b › c"), "a ‹ b › c");
    assert_eq!(without_marks("cut ‹redacted:aw"), "cut ");
}

proptest! {
    /// Redacting twice is redacting once; a text without a find is returned as it is.
    #[test]
    fn redacting_again_changes_nothing(text in ".{0,300}", at in 0usize..300, which in 0usize..8) {
        let secret = &planted()[which].1;
        let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let text = format!("{} {secret} {}", &text[..at], &text[at..]);
        let redactor = &*REDACTOR;
        let once = redactor.text(&text, true, &mut Found::new()).into_owned();
        prop_assert!(!once.contains(secret.as_str()));
        let twice = redactor.text(&once, true, &mut Found::new()).into_owned();
        prop_assert_eq!(once, twice);
    }

    /// The quick look never lets pass what the close look would find.
    #[test]
    fn the_quick_look_misses_nothing(before in "[a-zA-Z0-9 +/=@:.-]{0,60}", which in 0usize..8, after in "[a-zA-Z0-9 +/=@:.-]{0,60}") {
        let body = json!({"a": format!("{before} {} {after}", planted()[which].1)});
        let bytes = serde_json::to_vec(&body).unwrap();
        prop_assert!(REDACTOR.json(&bytes, false, &mut Found::new()).is_some());
    }

    /// Any bytes, no panic; and JSON stays JSON.
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in "\\PC{0,200}") {
        let redactor = &*REDACTOR;
        let _survived = redactor.json(&bytes, true, &mut Found::new());
        let body = serde_json::to_vec(&json!({"t": text, "n": {"x": [text, 1, null]}})).unwrap();
        if let Some(clean) = redactor.json(&body, true, &mut Found::new()) {
            prop_assert!(serde_json::from_slice::<Value>(&clean).is_ok());
        }
    }
}
