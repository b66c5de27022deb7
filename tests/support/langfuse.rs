//! A stand-in for Langfuse: the documented wire of its public API, with pages and keys, and the ways it fails.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The keys it takes.
pub const KEYS: (&str, &str) = ("pk-lf-tests", "sk-lf-tests");

/// How it fails once.
#[derive(Clone, Debug)]
pub enum Fails {
    /// Status line, further header lines (each ended), body.
    With(&'static str, &'static str, &'static str),
    /// Half of what it says it sends.
    CutOff,
    /// More than anybody should read: so many bytes.
    Endless(usize),
    /// Not JSON.
    Html,
}

#[derive(Default)]
struct State {
    observations: Vec<Value>,
    scores: Vec<Value>,
    fails: VecDeque<Fails>,
    asked: Vec<(Instant, String)>,
}

/// The stand-in. It serves until the test program ends.
pub struct Langfuse {
    /// Port on 127.0.0.1.
    pub port: u16,
    state: Arc<Mutex<State>>,
}

impl Langfuse {
    /// An empty one.
    ///
    /// # Panics
    /// When loopback has no free port.
    #[must_use]
    pub fn serve() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        let port = listener.local_addr().expect("a bound listener has an address").port();
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Whoever asked may have left.
                let _ = answer(&stream, &shared);
            }
        });
        Self { port, state }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows one more observation, as it writes them.
    pub fn show(&self, observation: Value) {
        self.state().observations.push(observation);
    }

    /// Shows an observation again, with what has changed.
    pub fn change(&self, id: &str, field: &str, value: &Value) {
        for observation in self.state().observations.iter_mut().filter(|observation| observation["id"] == id) {
            observation[field] = value.clone();
        }
    }

    /// Has one more score.
    pub fn score(&self, score: Value) {
        self.state().scores.push(score);
    }

    /// Fails the next questions so, one after the other.
    pub fn fail(&self, how: impl IntoIterator<Item = Fails>) {
        self.state().fails.extend(how);
    }

    /// Every question so far: when, and its path with the query.
    #[must_use]
    pub fn asked(&self) -> Vec<(Instant, String)> {
        self.state().asked.clone()
    }
}

/// An observation as the API v2 writes it.
#[must_use]
pub fn observation(trace: &str, id: &str, parent: Option<&str>, kind: &str, name: &str, more: &Value) -> Value {
    let mut observation = json!({
        "id": id, "traceId": trace, "parentObservationId": parent, "type": kind, "name": name, "projectId": "p1",
        "startTime": super::bodies::ago(20), "endTime": super::bodies::ago(18), "level": "DEFAULT",
        "statusMessage": null, "environment": "production", "version": null, "metadata": {},
    });
    for (field, value) in more.as_object().into_iter().flatten() {
        observation[field] = value.clone();
    }
    observation
}

/// A score as the API v3 writes it.
#[must_use]
pub fn score(id: &str, name: &str, value: &Value, subject: &Value) -> Value {
    let kind = match value {
        Value::Number(_) => "NUMERIC",
        Value::Bool(_) => "BOOLEAN",
        _ => "CATEGORICAL",
    };
    let now = super::bodies::ago(0);
    json!({
        "id": id, "projectId": "p1", "name": name, "value": value, "dataType": kind, "source": "EVAL", "timestamp": now,
        "environment": "production", "createdAt": now, "updatedAt": now, "comment": "promised what the policy does not",
        "subject": subject,
    })
}

fn answer(mut stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let (mut path, mut credentials) = (String::new(), String::new());
    for (nth, line) in BufReader::new(stream).lines().enumerate() {
        let line = line?;
        if nth == 0 {
            line.split(' ').nth(1).unwrap_or_default().clone_into(&mut path);
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("authorization: ") {
            line[line.len() - value.len()..].clone_into(&mut credentials);
        }
        if line.is_empty() {
            break;
        }
    }
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    state.asked.push((Instant::now(), path.clone()));
    let failing = state.fails.pop_front();
    let (status, headers, body) = match failing {
        Some(Fails::With(status, headers, body)) => (status, headers, body.to_owned()),
        Some(Fails::Html) => ("200 OK", "", "<html><body>Sign in</body></html>".to_owned()),
        Some(Fails::CutOff) => {
            let body = reply(&state, &path, &credentials).1;
            return write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body:.40}", body.len());
        }
        Some(Fails::Endless(bytes)) => ("200 OK", "", format!("{{\"data\":[],\"x\":\"{}\"}}", "x".repeat(bytes))),
        None => {
            let (status, body) = reply(&state, &path, &credentials);
            (status, "", body)
        }
    };
    drop(state);
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}")
}

fn reply(state: &State, path: &str, credentials: &str) -> (&'static str, String) {
    let url = url::Url::parse("http://langfuse/").and_then(|base| base.join(path)).expect("a path is one");
    let ours = format!("Basic {}", STANDARD.encode(format!("{}:{}", KEYS.0, KEYS.1)));
    if credentials != ours {
        return ("401 Unauthorized", json!({"message": "Invalid credentials. Confirm your keys."}).to_string());
    }
    let query = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let (all, time, from) = match url.path() {
        "/api/public/v2/observations" => (&state.observations, "startTime", query("fromStartTime")),
        "/api/public/v3/scores" => (&state.scores, "timestamp", query("fromTimestamp")),
        _ => return ("404 Not Found", json!({"message": "Not found"}).to_string()),
    };
    let from: jiff::Timestamp = from.map_or(jiff::Timestamp::MIN, |from| from.parse().expect("a time"));
    let at = |item: &Value| item[time].as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let mut found: Vec<&Value> = all.iter().filter(|item| at(item).is_none_or(|at| at >= from)).collect();
    found.sort_by_key(|item| std::cmp::Reverse(at(item)));
    let limit: usize = query("limit").map_or(50, |limit| limit.parse().expect("a number"));
    let begin: usize = query("cursor").map_or(0, |cursor| {
        let bytes = STANDARD.decode(cursor).expect("a cursor of ours");
        String::from_utf8_lossy(&bytes).parse().expect("a cursor of ours")
    });
    let page: Vec<&Value> = found.iter().skip(begin).take(limit).copied().collect();
    let mut meta = json!({});
    if begin + page.len() < found.len() {
        meta["cursor"] = STANDARD.encode((begin + page.len()).to_string()).into();
    }
    ("200 OK", json!({"data": page, "meta": meta}).to_string())
}
