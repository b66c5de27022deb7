//! A stand-in for a model's endpoint: speaks the documented wire formats, and fails in every way that was seen.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

/// One question as it arrived.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Request line and headers.
    pub head: String,
    /// Null where none came.
    pub body: Value,
}

/// What is done about it.
pub enum Do {
    /// These bytes, in pieces of so many, then the end of the connection.
    Send(Vec<u8>, usize),
    /// These bytes, then the last ones again and again.
    Forever(Vec<u8>, Vec<u8>),
    /// Nothing at all.
    Hang,
    /// The connection ends.
    HangUp,
}

/// The stand-in; ends with this value.
pub struct Model {
    pub port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Model {
    /// One that does what `answer` says to the nth question (0 = first).
    pub fn start(answer: impl Fn(usize, &Asked) -> Do + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (Arc::clone(&asked), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let Some(question) = read(&stream) else { return };
                    let nth = {
                        let mut all = kept.lock().unwrap_or_else(PoisonError::into_inner);
                        all.push(question.clone());
                        all.len() - 1
                    };
                    // Whoever asked may have left: that is what some tests are about.
                    let _ = act(stream, answer(nth, &question));
                });
            }
        });
        Self { port, asked }
    }

    /// Every question so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let Some(length) = length else { return Some(Asked { head, body: Value::Null }) };
    let mut body: Vec<u8> = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { head, body: serde_json::from_slice(&body).ok()? })
}

fn act(mut stream: TcpStream, what: Do) -> std::io::Result<()> {
    match what {
        Do::Send(bytes, pieces) => {
            for piece in bytes.chunks(pieces.max(1)) {
                stream.write_all(piece)?;
                stream.flush()?;
            }
            Ok(())
        }
        Do::Forever(first, again) => {
            stream.write_all(&first)?;
            loop {
                stream.write_all(&again)?;
            }
        }
        Do::Hang => {
            // Until the other side leaves.
            stream.set_read_timeout(Some(Duration::from_secs(600)))?;
            stream.read(&mut [0; 1]).map(drop)
        }
        Do::HangUp => Ok(()),
    }
}

/// An HTTP answer.
pub fn http(status: &str, headers: &str, body: &str) -> Do {
    let bytes =
        format!("HTTP/1.1 {status}\r\n{headers}Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    Do::Send(bytes.into_bytes(), 4096)
}

/// The head of a stream.
pub const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

/// A streamed chat completion, in pieces that end inside characters.
pub fn says(text: &str, stop: &str) -> Do {
    stream(&json!({"role": "assistant", "content": text}), stop)
}

/// A streamed tool call.
pub fn calls(tool: &str, arguments: &str) -> Do {
    let call =
        json!([{"index": 0, "id": "c1", "type": "function", "function": {"name": tool, "arguments": arguments}}]);
    stream(&json!({"role": "assistant", "tool_calls": call}), "tool_calls")
}

fn stream(delta: &Value, stop: &str) -> Do {
    let chunk = |value: Value| format!("data: {value}\n\n");
    let body = [
        chunk(json!({"choices": [{"index": 0, "delta": delta}]})),
        chunk(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": stop}]})),
        chunk(json!({"choices": [], "usage": {"prompt_tokens": 50, "completion_tokens": 7}})),
        "data: [DONE]\n\n".to_owned(),
    ];
    Do::Send(format!("{STREAM}{}", body.concat()).into_bytes(), 7)
}
