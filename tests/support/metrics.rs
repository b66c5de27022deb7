//! A metrics page that a real Prometheus scrapes and a test writes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// The page. It is served until the test program ends.
#[derive(Debug)]
pub struct Metrics {
    /// Port on 127.0.0.1.
    pub port: u16,
    page: Arc<Mutex<String>>,
}

impl Metrics {
    /// Serves an empty page.
    ///
    /// # Panics
    /// When loopback has no free port.
    #[must_use]
    pub fn serve() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        let port = listener.local_addr().expect("a bound listener has an address").port();
        let page = Arc::new(Mutex::new(String::new()));
        let shared = Arc::clone(&page);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut lines = BufReader::new(&stream).lines();
                while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
                let body = shared.lock().expect("the page's lock is never poisoned").clone();
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        Self { port, page }
    }

    /// Writes the whole page anew: lines such as `error_ratio{route="/pay"} 0.31`.
    ///
    /// # Panics
    /// When the serving thread died.
    pub fn set(&self, lines: &str) {
        *self.page.lock().expect("the page's lock is never poisoned") = format!("{}\n", lines.trim_end());
    }
}
