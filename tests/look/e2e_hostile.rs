//! Hostile text from a webhook to the screen of the real program: each kind is seen for what it is.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::e2e_delivery::recorded;
use crate::support::alerting::{Alertmanager, impatient};
use crate::support::house::House;
use crate::support::pty::Session;
use crate::support::{bodies, http, require, wait_until};

/// A console of this size that listens, with these alerts delivered and their incident on the screen.
fn shown(alerts: &[Value], columns: u16, rows: u16) -> (House, Session) {
    let house = House::new();
    let session = Session::warroom(&house, &["--listen", &house.listen()], columns, rows);
    wait_until("the listener", || http::get(house.port, "/healthz").is_ok());
    deliver(&house, &bodies::webhook(alerts));
    session.wait_for("INC-1");
    (house, session)
}

fn deliver(house: &House, body: &[u8]) {
    let answer = http::post(house.port, "/alertmanager", "application/json", body).expect("the listener answers");
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn alert(name: &str, service: &str, more: &[(&str, &str)]) -> Value {
    bodies::alert(name, service, more, &bodies::ago(60), "")
}

/// A plan to silence alerts with such a label, in front of a person: proposed through a real Alertmanager.
fn asked(label: &str, columns: u16, rows: u16) -> (House, Alertmanager, Session) {
    let house = House::new();
    let url = format!("http://127.0.0.1:{}/alertmanager", house.port);
    let alertmanager = Alertmanager::start(&impatient(&format!("url: '{url}'")));
    house.configure(&format!("[alertmanager]\nurl = \"http://127.0.0.1:{}\"\nevery_seconds = 2\n", alertmanager.port));
    let session = Session::warroom(&house, &["--listen", &house.listen()], columns, rows);
    session.wait_until("the first frame", |screen| screen.contents().trim().len() > 40);
    alertmanager.post_alerts(&json!([{"labels": {"alertname": "QueueFull", "service": "mail", "queue": label}}]));
    wait_until("the alert on record", || recorded(&house, "firing").len() == 1);
    session.wait_for("INC-1");
    session.press("2s");
    wait_until("the plan on record", || house.entries().iter().any(|entry| entry.kind == "proposed"));
    session.wait_for("wait for a person");
    session.press("<enter>");
    session.wait_for("Approve?");
    // A dialog that just appeared hears nothing yet.
    session.settle(Duration::from_millis(900));
    (house, alertmanager, session)
}

fn approved(house: &House) -> bool {
    house.entries().iter().any(|entry| entry.kind == "approved")
}

#[test]
fn fault_22_hidden_characters_are_written_out_and_what_holds_them_is_not_approved_by_one_key() {
    if !require("alertmanager") {
        return;
    }
    let hidden = "a\u{202e}b\u{2066}c\u{200b}d\u{e0061}e\u{ad}f";
    let (house, _alertmanager, session) = asked(hidden, 140, 60);
    session.wait_for("\\u{202E}");
    let asked = session.text();
    for escaped in ["\\u{2066}", "\\u{200B}", "\\u{E0061}", "\\u{AD}"] {
        assert!(asked.contains(escaped), "{escaped} is not written out:\n{asked}");
    }
    let raw = String::from_utf8_lossy(&session.raw()).into_owned();
    for one in ['\u{202e}', '\u{2066}', '\u{200b}', '\u{e0061}', '\u{ad}'] {
        assert!(!raw.contains(one), "{one:?} reached the terminal");
    }
    session.press("Gy");
    session.wait_for("and enter:");
    session.press("y<enter>");
    session.wait_for("nothing was approved");
    assert!(!approved(&house));
}

#[test]
fn fault_23_a_name_that_only_looks_like_a_known_one_is_called_out() {
    let pair = [alert("HighErrorRate", "checkout", &[]), alert("HighErrorRate", "check\u{43e}ut", &[])];
    let (_house, session) = shown(&pair, 140, 40);
    session.press("2z");
    session.wait_for("looks like checkout");
    // The other letter itself is there to be compared.
    session.wait_for("is another name");
}

#[test]
fn fault_24_a_huge_and_stacked_label_stays_in_its_box_and_slows_no_key() {
    let zalgo: String = std::iter::once('o').chain(std::iter::repeat_n('\u{301}', 10_000)).collect();
    let family = "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}".repeat(2_000);
    let wide = "決済".repeat(80_000);
    let long = "x".repeat(1 << 20);
    let texts = [("zalgo", &zalgo), ("family", &family), ("wide", &wide), ("long", &long)];
    let alerts: Vec<_> = texts
        .map(|(name, text)| {
            let mut alert = alert(name, "checkout", &[("text", text)]);
            alert["annotations"] = json!({"summary": text});
            alert
        })
        .into();
    let (_house, session) = shown(&alerts, 120, 40);
    let mut slowest = Duration::ZERO;
    for keys in
        ["2z", "j", "j", "j", "l", "j", "<enter>", "<pgdn>", "<esc>", "3", "G", "k", "<enter>", "<esc>", "1", "2"]
    {
        session.settle(Duration::from_millis(200));
        let (before, pressed) = (session.written(), Instant::now());
        session.type_keys(keys);
        // Some keys change nothing where they are pressed.
        while session.written() == before && pressed.elapsed() < Duration::from_millis(500) {
            std::thread::sleep(Duration::from_millis(1));
        }
        if session.written() > before {
            slowest = slowest.max(pressed.elapsed());
        }
        // The frame around it stands: first line, message line, keys.
        let text = session.text();
        assert!(text.lines().next().unwrap_or_default().contains("INC-1"), "{text}");
        assert!(!text.contains("long\u{301}"), "{text}");
    }
    println!("slowest key: {slowest:?}");
    assert!(slowest < Duration::from_millis(500), "{slowest:?}");
    let raw = String::from_utf8_lossy(&session.raw()).into_owned();
    assert!(!raw.contains('\u{200d}') && !raw.contains("\u{301}\u{301}\u{301}"), "joined or stacked on the wire");
}

#[test]
fn fault_25_blanks_and_lines_cannot_push_the_rest_out_of_sight_and_the_end_must_be_seen() {
    if !require("alertmanager") {
        return;
    }
    let label = format!("harmless\n\n\t{}and everything else{}", " ".repeat(500), "\n".repeat(40));
    let (house, _alertmanager, session) = asked(&label, 80, 24);
    session.wait_for("sha-256");
    session.press("y");
    session.wait_for("Not all of it was on the screen yet");
    assert!(!approved(&house));
    // All of it can be reached by scrolling, the pushed-away part too.
    let mut seen = session.text();
    for _ in 0..30 {
        session.press("<pgdn>");
        session.settle(Duration::from_millis(80));
        seen.push_str(&session.text());
    }
    for part in ["everything", "To undo it", "·····"] {
        assert!(seen.contains(part), "{part} was on no screen:\n{seen}");
    }
    assert!(!approved(&house));
}

#[test]
fn fault_26_damaged_text_is_seen_as_damaged_and_ends_nothing() {
    let (house, session) = shown(&[alert("Plain", "checkout", &[])], 140, 40);
    // NUL and a lone surrogate as JSON writes them; bytes that are no UTF-8 as nobody may write them.
    let body = String::from_utf8(bodies::webhook(&[alert("Damaged", "checkout", &[("text", "HERE")])])).expect("text");
    let body = body.replace("HERE", r"nul\u0000 lone\ud800 end");
    let with_bytes = |mark: &str| {
        let (before, after) = body.split_once("lone").expect("it is there");
        [before.as_bytes(), b"\xff\xfe", mark.as_bytes(), after.as_bytes()].concat()
    };
    let answers: Vec<u16> = [body.clone().into_bytes(), with_bytes("lone")]
        .iter()
        .map(|body| http::post(house.port, "/alertmanager", "application/json", body).expect("an answer").status)
        .collect();
    println!("answered {answers:?}");
    // Taken with the damage shown, or refused and kept aside: nothing between.
    assert!(answers.iter().all(|status| matches!(status, 200 | 400)), "{answers:?}");
    let aside = house.stdout(&["quarantine"]);
    let refused = answers.iter().filter(|status| **status == 400).count();
    assert!(refused == 0 || aside.contains("alertmanager"), "what was refused is kept aside: {aside}");
    // NUL alone is right in JSON, and is shown as what it is.
    deliver(&house, body.replace(r" lone\ud800", "").as_bytes());
    session.press("2z");
    session.wait_for("Damaged");
    session.press("/nul<enter>");
    session.settle(Duration::from_millis(300));
    session.press("<esc><esc>2jjj<enter>");
    session.wait_for("^@");
    assert!(!String::from_utf8_lossy(&session.raw()).contains('\0'));
}
