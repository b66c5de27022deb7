//! A gate before Alertmanager that can hold a request, or do it and lose the answer.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{http, wait_until};

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It passes.
    Pass,
    /// It never arrives and is never answered.
    Hold,
    /// It arrives; the answer never comes.
    DoThenHold,
    /// It arrives; the connection is closed instead of an answer.
    DoThenClose,
    /// It never arrives; the connection is closed.
    Close,
}

#[derive(Default)]
struct State {
    rules: Vec<(&'static str, &'static str, Fate)>,
    seen: Vec<(String, String, String)>,
}

/// The gate. Requests are judged by method and the beginning of their path; the newest rule wins.
pub struct Gate {
    /// Port on 127.0.0.1 where it stands.
    pub port: u16,
    state: Arc<Mutex<State>>,
}

impl Gate {
    /// A gate before the server on `to`.
    ///
    /// # Panics
    /// When this machine has no loopback.
    #[must_use]
    pub fn before(to: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || {
                    let _ = pass(&stream, to, &state);
                });
            }
        });
        Self { port, state }
    }

    /// From now on requests of this method and beginning of a path have this fate.
    ///
    /// # Panics
    /// Never while its threads live.
    pub fn rule(&self, method: &'static str, path: &'static str, fate: Fate) {
        self.state.lock().unwrap().rules.push((method, path, fate));
    }

    /// Waits until a request like this has come.
    pub fn wait_for(&self, method: &str, path: &str) {
        wait_until(&format!("{method} {path} at the gate"), || self.count(method, path) > 0);
    }

    /// How many requests like this have come.
    ///
    /// # Panics
    /// Never while its threads live.
    #[must_use]
    pub fn count(&self, method: &str, path: &str) -> usize {
        let state = self.state.lock().unwrap();
        state.seen.iter().filter(|(m, p, _)| m == method && p.starts_with(path)).count()
    }

    /// The body of the only request like this.
    ///
    /// # Panics
    /// When there is none or more than one.
    #[must_use]
    pub fn body_of_the_one(&self, method: &str, path: &str) -> String {
        let state = self.state.lock().unwrap();
        let mut like: Vec<_> = state.seen.iter().filter(|(m, p, _)| m == method && p.starts_with(path)).collect();
        assert_eq!(like.len(), 1, "{like:?}");
        like.remove(0).2.clone()
    }
}

fn pass(stream: &TcpStream, to: u16, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap_or("").to_owned(), words.next().unwrap_or("").to_owned());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let fate = {
        let mut state = state.lock().unwrap();
        state.seen.push((method.clone(), path.clone(), String::from_utf8_lossy(&body).into_owned()));
        let like = |rule: &&(&str, &str, Fate)| rule.0 == method && path.starts_with(rule.1);
        state.rules.iter().rev().find(like).map_or(Fate::Pass, |rule| rule.2)
    };
    let forward = || http::request(to, &method, &path, &[("Content-Type", "application/json")], &body);
    match fate {
        Fate::Pass => answer(stream, &forward()?),
        Fate::DoThenClose => forward().map(drop),
        Fate::Close => Ok(()),
        Fate::Hold => {
            hold();
            Ok(())
        }
        Fate::DoThenHold => {
            forward()?;
            hold();
            Ok(())
        }
    }
}

/// Longer than any test lasts.
fn hold() {
    std::thread::sleep(Duration::from_secs(600));
}

fn answer(mut stream: &TcpStream, answer: &http::Answer) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        answer.status,
        answer.body.len()
    )?;
    stream.write_all(&answer.body)
}
