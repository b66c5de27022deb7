//! Planted secrets, of every kind and hidden in every way that is looked for, sent in by every way there is: afterwards they are
//! nowhere. The same search finds the harmless word beside each, so it would have found the secret.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use warroom::event::{IncidentId, Note, Time};
use warroom::journal::{Draft, Journal as _, SqliteJournal};

use crate::support::house::House;
use crate::support::pty::Session;
use crate::support::{bodies, http, wait_until};

/// A rule of one's own, as a person writes it.
const OWN: &str = "[[redact]]\nname = \"badge\"\npattern = 'ACME-\\d{6}'\nhint = \"ACME-\"\n";

/// Kinds that are taken out everywhere.
const SECRETS: [&str; 15] = [
    "aws-key",
    "aws-secret",
    "github-token",
    "gitlab-token",
    "slack-token",
    "slack-webhook",
    "llm-key",
    "google-key",
    "stripe-key",
    "jwt",
    "private-key",
    "authorization",
    "url-password",
    "password",
    "badge",
];
/// Kinds that are taken out of what agents and services say, and of refused deliveries.
const PERSONAL: [&str; 3] = ["card", "email", "phone"];
/// Kinds that are known by their beginning, so that they are found cut in two.
const JOIN: [&str; 8] =
    ["aws-key", "github-token", "gitlab-token", "slack-token", "llm-key", "google-key", "stripe-key", "jwt"];

/// A secret: the words it stands in, and what of it must be nowhere.
struct Secret {
    text: String,
    needle: String,
}

/// Everything planted so far: what must be nowhere, and the harmless words beside.
#[derive(Default)]
struct Garden {
    sown: u64,
    needles: Vec<(String, String)>,
    markers: Vec<String>,
}

impl Garden {
    /// So many letters of `alphabet`, never the same ones twice; the last three are a capital, a small letter and a digit.
    fn letters(&mut self, alphabet: &[u8], length: usize) -> String {
        self.sown += 1;
        let mut state = self.sown.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut text: String = (0..length)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                char::from(alphabet[usize::try_from(state >> 40).unwrap() % alphabet.len()])
            })
            .collect();
        if alphabet.contains(&b'a') && alphabet.contains(&b'7') {
            text.replace_range(length - 2.., "a7");
        }
        text
    }

    /// A secret of this kind that was never planted before.
    fn secret(&mut self, kind: &str) -> Secret {
        const ALL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        const DIGITS: &[u8] = b"0123456789";
        // Written in two halves, so that no scanner of this repository takes them for real ones; none ever was.
        let two = |a: &str, b: &str, rest: &str| format!("{a}{b}{rest}");
        let whole = |needle: String| Secret { text: needle.clone(), needle };
        match kind {
            "aws-key" => whole(two("AK", "IA", &self.letters(BASE32, 16))),
            "aws-secret" => {
                let needle = self.letters(ALL, 40);
                Secret { text: format!("aws_secret_access_key = {needle}"), needle }
            }
            "github-token" => whole(two("gh", "p_", &self.letters(ALL, 36))),
            "gitlab-token" => whole(two("glp", "at-", &self.letters(ALL, 20))),
            "slack-token" => whole(two("xo", "xb-", &self.letters(ALL, 24))),
            "slack-webhook" => whole(two("https://hooks.sl", "ack.com/services/", &self.letters(ALL, 30))),
            "llm-key" => whole(two("sk-", "proj-", &self.letters(ALL, 24))),
            "google-key" => whole(two("AI", "za", &self.letters(ALL, 35))),
            "stripe-key" => whole(two("sk_", "live_", &self.letters(ALL, 24))),
            "jwt" => {
                let claims = URL_SAFE_NO_PAD.encode(format!("{{\"sub\":\"{}\"}}", self.letters(ALL, 12)));
                let signature = self.letters(ALL, 32);
                whole(two("eyJhbGciOiJI", "UzI1NiJ9.", &format!("{claims}.{signature}")))
            }
            "private-key" => {
                let needle = self.letters(ALL, 60);
                let (begin, end) = (two("-----BEGIN RSA PRI", "VATE KEY", "-----"), "-----END RSA PRIVATE KEY-----");
                Secret { text: format!("{begin}\n{needle}\n{end}"), needle }
            }
            "authorization" => {
                let needle = self.letters(ALL, 28);
                Secret { text: format!("Authorization was Bearer {needle}"), needle }
            }
            "url-password" => {
                let needle = self.letters(ALL, 14);
                Secret { text: format!("postgres://app:{needle}@db.internal:5432/shop"), needle }
            }
            "password" => {
                let needle = self.letters(ALL, 14);
                Secret { text: format!("password={needle}"), needle }
            }
            "badge" => whole(format!("ACME-{}", self.letters(DIGITS, 6))),
            "card" => whole(card(&self.letters(DIGITS, 14))),
            "email" => whole(format!("{}@mail.example.org", self.letters(ALL, 12))),
            "phone" => whole(format!("+49 30 {}", self.letters(DIGITS, 7))),
            other => unreachable!("no secret of the kind {other}"),
        }
    }

    /// A harmless word of this place.
    fn marker(&mut self, place: &str) -> String {
        let marker = format!("harmless-{place}-{}", self.markers.len());
        self.markers.push(marker.clone());
        marker
    }

    /// Texts of these kinds, each by a name that a field may have: plain, in base64, in JSON in a string.
    fn plant(&mut self, place: &str, kinds: &[&str]) -> Vec<(String, String)> {
        let mut texts = Vec::new();
        for kind in kinds {
            for form in ["plain", "base64", "json"] {
                let (secret, marker) = (self.secret(kind), self.marker(place));
                self.needles.push((format!("{kind}, {form}, in {place}"), secret.needle));
                let text = match form {
                    "plain" => format!("{marker} then {} and so on", secret.text),
                    "base64" => {
                        let hidden = STANDARD.encode(format!("see here: {} thanks", secret.text));
                        self.needles.push((format!("{kind}, as base64 writes it, in {place}"), hidden.clone()));
                        format!("{marker} {hidden}")
                    }
                    _ => json!({"beside": marker, "list": [{"said": format!("it is {} ", secret.text)}]}).to_string(),
                };
                texts.push((format!("{}_{form}", kind.replace('-', "_")), text));
            }
        }
        texts
    }

    /// Two texts with a secret cut in two over them.
    fn cut(&mut self, place: &str, kind: &str) -> [String; 2] {
        let secret = self.secret(kind);
        let (left, right) = secret.text.split_at(secret.text.len() / 2);
        self.needles.push((format!("{kind}, second half, in {place}"), right.to_owned()));
        let marker = self.marker(place);
        [format!("{marker} {left}"), format!("{right} {}", self.marker(place))]
    }
}

/// A card number with a right check digit.
fn card(digits: &str) -> String {
    let digits = format!("4{digits}");
    let sum: u32 = digits
        .chars()
        .rev()
        .enumerate()
        .map(|(i, c)| {
            let digit = c.to_digit(10).unwrap() * if i % 2 == 0 { 2 } else { 1 };
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

fn all_kinds() -> Vec<&'static str> {
    SECRETS.into_iter().chain(PERSONAL).collect()
}

/// An agent run that went wrong, with secrets in everything it says.
fn spans(garden: &mut Garden, place: &str, trace: &str) -> Vec<u8> {
    let mut messages: Vec<Value> = Vec::new();
    for kind in JOIN {
        for half in garden.cut(place, kind) {
            messages.push(json!({"role": "user", "parts": [{"type": "text", "content": half}]}));
        }
    }
    let mut model: Vec<(String, String)> = garden.plant(place, &all_kinds());
    for kind in JOIN {
        for (nth, half) in garden.cut(place, kind).into_iter().enumerate() {
            model.push((format!("cut.{kind}.{nth}.content"), half));
        }
    }
    let shown = garden.marker("prompt");
    let secret = garden.secret("aws-key");
    garden.needles.push(("aws-key, in the prompt".into(), secret.needle));
    let header = garden.secret("gitlab-token");
    garden.needles.push(("a field called authorization".into(), header.needle.clone()));
    let (named, argument) = (garden.letters(b"abcdefghijklm0123456789", 12), garden.secret("github-token"));
    garden.needles.push(("a field called password".into(), named.clone()));
    garden.needles.push(("github-token, in a tool's arguments".into(), argument.needle));
    model.extend([
        ("gen_ai.operation.name".into(), "chat".into()),
        ("gen_ai.request.model".into(), "chat-large".into()),
        ("gen_ai.system_instructions".into(), format!("Be brief. {shown} {}", secret.text)),
        ("gen_ai.input.messages".into(), Value::from(messages).to_string()),
        ("http.request.header.authorization".into(), format!("Token {}", header.text)),
    ]);
    let tool = [
        ("gen_ai.operation.name".to_owned(), "execute_tool".to_owned()),
        ("gen_ai.tool.name".into(), "lookup".into()),
        ("gen_ai.tool.call.arguments".into(), json!({"password": named, "query": argument.text}).to_string()),
    ];
    let root = [("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.name", "bot")];
    let borrowed = |pairs: &[(String, String)]| -> Vec<Value> {
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        vec![bodies::span(trace, "00000000000000b1", "00000000000000b0", "step", &pairs)]
    };
    let mut all = vec![bodies::span(trace, "00000000000000b0", "", "bot", &root)];
    all.extend(borrowed(&model));
    let mut tool = borrowed(&tool);
    tool[0]["spanId"] = "00000000000000b2".into();
    tool[0]["status"] =
        json!({"code": 2, "message": format!("{} {}", garden.marker(place), garden.planted("llm-key"))});
    all.extend(tool);
    bodies::spans("bot", &all)
}

impl Garden {
    /// A secret to stand in a text.
    fn planted(&mut self, kind: &str) -> String {
        let secret = self.secret(kind);
        self.needles.push((format!("{kind}, in words"), secret.needle));
        secret.text
    }
}

fn logs(garden: &mut Garden, place: &str) -> Vec<u8> {
    let now = jiff::Timestamp::now().as_nanosecond().to_string();
    let record = |(name, text): (String, String)| {
        json!({
            "timeUnixNano": now, "severityNumber": 17, "body": {"stringValue": text},
            "attributes": [{"key": name, "value": {"stringValue": text}}],
        })
    };
    let records: Vec<Value> = garden.plant(place, &all_kinds()).into_iter().map(record).collect();
    json!({"resourceLogs": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "bot"}}]},
        "scopeLogs": [{"scope": {"name": "tests"}, "logRecords": records}],
    }]})
    .to_string()
    .into_bytes()
}

/// A prompt that was changed, with secrets in both its texts.
fn change(garden: &mut Garden, place: &str, id: &str) -> Vec<u8> {
    let text = |garden: &mut Garden, first: &str| {
        let mut text = format!("{first}\n");
        for (_, line) in garden.plant(place, &SECRETS) {
            writeln!(text, "- {line}").unwrap();
        }
        text
    };
    let (before, after) = (text(garden, "Be polite."), text(garden, "Be brief."));
    let data = json!({"name": "greeting", "version_before": "1", "version": "2", "before": before, "after": after});
    bodies::change(id, "dev.cdeventsx.prompt.changed", "bot", &data, &bodies::ago(120))
}

fn alert(garden: &mut Garden, place: &str) -> Value {
    let mut alert = bodies::alert("BotFails", "bot", &[("severity", "page")], &bodies::ago(30), "");
    for (name, text) in garden.plant(place, &SECRETS) {
        alert["annotations"][name] = text.into();
    }
    let summary = format!("{} {}", garden.marker(place), garden.planted("aws-key"));
    alert["annotations"]["summary"] = summary.into();
    alert["labels"]["token_seen"] = garden.planted("github-token").into();
    alert
}

/// Everything a stretch of bytes says: itself, and what is packed in it, as deep as it goes.
fn layers(bytes: &[u8], depth: usize, into: &mut Vec<u8>) {
    into.extend_from_slice(bytes);
    into.push(b'\n');
    let magic = 0xFD2F_B528_u32.to_le_bytes();
    for at in (0..bytes.len().saturating_sub(4)).filter(|at| depth > 0 && bytes[*at..].starts_with(&magic)) {
        let mut inside = Vec::new();
        if let Ok(decoder) = zstd::stream::Decoder::new(&bytes[at..]) {
            // What follows the frame is not part of it; what was read before stays.
            let _ = std::io::Read::read_to_end(&mut decoder.single_frame(), &mut inside);
        }
        if !inside.is_empty() {
            layers(&inside, depth - 1, into);
        }
    }
}

/// Every value of every table, unpacked.
fn rows(journal: &Path) -> Vec<u8> {
    let connection = rusqlite::Connection::open(journal).expect("the journal is a database");
    let tables: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .and_then(|mut it| it.query_map([], |row| row.get(0))?.collect())
        .expect("it has tables");
    assert!(tables.len() > 5, "{tables:?}");
    let mut all = Vec::new();
    for table in tables {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).expect("a table reads");
        let columns = statement.column_count();
        let mut rows = statement.query([]).expect("a table reads");
        while let Some(row) = rows.next().expect("a row reads") {
            for column in 0..columns {
                match row.get_ref(column).expect("a value") {
                    rusqlite::types::ValueRef::Text(bytes) | rusqlite::types::ValueRef::Blob(bytes) => {
                        layers(bytes, 4, &mut all);
                    }
                    _ => {}
                }
            }
        }
    }
    all
}

/// Every file under `folder`, as it lies on disk.
fn files(folder: &Path, into: &mut Vec<u8>) {
    for entry in std::fs::read_dir(folder).expect("our own folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, into);
        } else if let Ok(bytes) = std::fs::read(&path) {
            into.extend(bytes);
        }
    }
}

/// Says which secrets are in `bytes`, and of which harmless words.
fn search(garden: &Garden, place: &str, bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes);
    let leaked: Vec<&String> =
        garden.needles.iter().filter(|(_, needle)| text.contains(needle.as_str())).map(|(what, _)| what).collect();
    assert!(leaked.is_empty(), "{} secrets are in {place}: {leaked:#?}", leaked.len());
    let seen = garden.markers.iter().filter(|marker| text.contains(marker.as_str())).count();
    println!("{place}: {} bytes, {seen} of {} harmless words", bytes.len(), garden.markers.len());
    seen
}

#[test]
fn planted_secrets_are_nowhere_and_the_words_beside_them_are_everywhere() {
    let (house, mut garden) = (House::new(), Garden::default());
    house.configure(OWN);
    let send = |path: &str, body: &[u8], status: u16| {
        let answer = http::post(house.port, path, "application/json", body).expect("the listener answers");
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
    };

    // By every way in.
    let mut server = house.serve();
    let trace = "c0".repeat(16);
    send("/v1/traces", &spans(&mut garden, "spans", &trace), 200);
    send("/v1/logs", &logs(&mut garden, "logs"), 200);
    send("/events", &change(&mut garden, "change", "greeting-2"), 200);
    let alerts = bodies::webhook(&[alert(&mut garden, "alert")]);
    send("/alertmanager", &alerts, 200);
    // Refused: kept to be looked at, without what must not be kept.
    let refused: Vec<String> = garden.plant("refused", &all_kinds()).into_iter().map(|(_, text)| text).collect();
    send("/alertmanager", format!("{{\"version\":\"4\",\"alerts\":{},", json!(refused)).as_bytes(), 400);
    send("/v1/traces", format!("{{\"resourceSpans\":{}}}", json!(refused)).as_bytes(), 400);
    // A folder of files.
    let bundle = tempfile::tempdir().expect("a temporary folder");
    let whole = json!({"name": "planted", "kind": "incident", "as_of": bodies::ago(0), "note": "planted secrets"});
    for (name, bytes) in [
        ("bundle.json", whole.to_string().into_bytes()),
        ("spans.ndjson", spans(&mut garden, "bundle-spans", &"c1".repeat(16))),
        ("logs.ndjson", logs(&mut garden, "bundle-logs")),
        ("events.ndjson", change(&mut garden, "bundle-change", "greeting-3")),
    ] {
        std::fs::write(bundle.path().join(name), bytes).expect("our own folder");
    }
    let ingested = house.run(&["ingest", &bundle.path().display().to_string()]);
    assert!(ingested.status.success(), "{}", String::from_utf8_lossy(&ingested.stderr));
    wait_until("the incident and its diagnosis", || house.entries().iter().any(|entry| entry.kind == "diagnosed"));
    // And a person's own words.
    let note = format!("{} {}", garden.marker("note"), garden.planted("stripe-key"));
    let note = Note { incident: Some(IncidentId(1)), author: "ada".into(), text: note.as_str().into() };
    let journal = SqliteJournal::open(&house.journal(), Time::now()).expect("a second process may write");
    journal.append(vec![Draft::new(Time::now(), "note/planted".into(), &note.into())]).expect("recorded");
    drop(journal);

    // On the disk, while it is written and afterwards.
    let every = garden.markers.len();
    assert_eq!(search(&garden, "the tables", &rows(&house.journal())), every, "each harmless word is there");
    let mut raw = Vec::new();
    files(&house.path().join("state"), &mut raw);
    assert!(search(&garden, "the files with their log", &raw) > 20, "small entries are stored as they are");
    server.terminate();
    let errors = server.stderr();
    search(&garden, "what the server said", errors.as_bytes());
    search(&garden, "what ingest said", &[ingested.stdout, ingested.stderr].concat());
    raw.clear();
    files(house.path(), &mut raw);
    assert!(search(&garden, "every file of the house", &raw) > 20);

    // On the screen.
    let mut session = Session::warroom(&house, &["--listen", &house.listen()], 160, 50);
    session.wait_for("INC-1");
    let look = |what: &str, session: &Session, marker: &str| {
        session.wait_for(marker);
        session.settle(Duration::from_millis(200));
        let text = session.text();
        assert!(text.contains("‹redacted:"), "{what} shows no mark:\n{text}");
        search(&garden, what, text.as_bytes());
    };
    session.press("2ljlj<enter>");
    look("the alert", &session, "harmless-alert-");
    session.press("<esc>6<enter>");
    session.wait_for("Steps over time");
    session.press("t");
    session.wait_for("Turn by turn");
    look("the run", &session, "harmless-");
    session.press("<esc>d");
    session.wait_for("What is different");
    look("the change", &session, "harmless-");
    session.press("<esc>3/harmless-note<enter>");
    look("the entry", &session, "\"text\": \"harmless-note-");
    session.press("<esc>0z");
    session.wait_for("Taken out before it was recorded");
    session.press("q");
    session.wait_exit(Duration::from_secs(60));
    assert!(search(&garden, "all the terminal was sent", &session.raw()) >= 4);

    // And given out.
    let folder = house.path().join("given");
    let given = folder.display().to_string();
    let entries = house.stdout(&["export", "--out", "-"]);
    assert!(search(&garden, "export --out", entries.as_bytes()) > every / 2, "the export holds what is recorded");
    assert!(entries.contains("‹redacted:badge›"));
    let _ = house.stdout(&["export", "--incident", "1", "--since", &bodies::ago(86_400), &given]);
    raw.clear();
    files(&folder, &mut raw);
    assert!(search(&garden, "the exported bundle", &raw) > 20);
    let incidents = house.stdout(&["incidents", "--json"]);
    assert!(search(&garden, "incidents --json", incidents.as_bytes()) >= 1);
    for arguments in [&["quarantine", "--json"][..], &["quarantine"]] {
        let listed = house.run(arguments).stdout;
        assert!(search(&garden, "quarantine", &listed) >= 1);
        assert!(String::from_utf8_lossy(&listed).contains("‹redacted:"));
    }
    let doctor: Value = serde_json::from_slice(&house.run(&["doctor", "recorder", "--json"]).stdout).expect("JSON");
    for kind in all_kinds() {
        assert!(doctor["redacted"][kind].as_u64() >= Some(1), "{kind} is counted: {doctor}");
    }
    // What was taken out is written nowhere by its own words; so a search that finds nothing would say the same. This one finds:
    let (what, needle) = garden.needles[0].clone();
    let caught = std::panic::catch_unwind(|| search(&garden, "a leak", format!("x{needle}x").as_bytes()));
    assert!(caught.is_err(), "{what} is found where it is");
}
