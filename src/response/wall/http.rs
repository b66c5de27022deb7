//! An HTTP question: GET or HEAD, to an address that was looked up once, without redirects, proxies or credentials.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use url::Url;

use super::address::{self, Declared};
use super::kinds::{Heard, Limits, Surroundings, WallError, refused, stopped};
use crate::event::{ReadEnd, Untrusted};
use crate::response::{http_client_builder, root_cause};

/// How often it is looked whether somebody wants it ended.
const TICK: Duration = Duration::from_millis(50);

/// Asks, and hears the answer.
pub(super) fn ask(
    method: &Untrusted,
    url: &Untrusted,
    body: &Untrusted,
    around: &Surroundings,
    heard: &mut Heard<'_>,
    cancel: &dyn Fn() -> bool,
) -> Result<ReadEnd, WallError> {
    let until = Instant::now() + around.limits.time;
    let question = match Question::of(method, url, body) {
        Ok(question) => question,
        Err(why) => return Ok(refused(why)),
    };
    let Question { host, port, .. } = &question;
    let declared = Declared::among(&around.hosts, host, *port);
    let found = match address::look_up(host, *port, declared, until, cancel) {
        Ok(found) => found,
        Err(why) => return Ok(refused(why)),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(async {
        tokio::select! {
            ended = question.exchange(&found, &around.limits, heard) => ended,
            () = cancelled(cancel) => stopped(),
            () = tokio::time::sleep_until(until.into()) => around.limits.out_of_time(),
        }
    }))
}

/// Comes to an end when somebody wants one.
pub(super) async fn cancelled(cancel: &dyn Fn() -> bool) {
    while !cancel() {
        tokio::time::sleep(TICK).await;
    }
}

/// A question that may be asked.
#[derive(Debug)]
struct Question {
    method: reqwest::Method,
    url: Url,
    host: String,
    port: u16,
}

impl Question {
    fn of(method: &Untrusted, url: &Untrusted, body: &Untrusted) -> Result<Self, String> {
        let method = match method.raw() {
            "GET" => reqwest::Method::GET,
            "HEAD" => reqwest::Method::HEAD,
            _ => return Err("only GET and HEAD read: another method is a change, which needs an approval".to_owned()),
        };
        if !body.is_empty() {
            return Err("a question that reads has no body".to_owned());
        }
        let url = Url::parse(url.raw()).map_err(|error| format!("its address cannot be read ({error})"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("its address begins with neither http:// nor https://".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("its address holds a name or a password, which would be on record".to_owned());
        }
        let (Some(host), Some(port)) = (url.host_str().map(str::to_owned), url.port_or_known_default()) else {
            return Err("its address names no host".to_owned());
        };
        Ok(Self { method, url, host, port })
    }

    async fn exchange(&self, found: &[SocketAddr], limits: &Limits, heard: &mut Heard<'_>) -> ReadEnd {
        let client = http_client_builder(limits.time).resolve_to_addrs(&self.host, found).build();
        let client = match client {
            Ok(client) => client,
            Err(error) => return refused(format!("nothing was sent ({})", root_cause(&error))),
        };
        let mut response = match client.request(self.method.clone(), self.url.clone()).send().await {
            Ok(response) => response,
            Err(error) if error.is_timeout() => return limits.out_of_time(),
            Err(error) => return refused(format!("no answer: {}", root_cause(&error))),
        };
        let status = response.status();
        // A redirect is an answer: it says where it leads, and nobody goes there.
        if let Some(to) = response.headers().get(reqwest::header::LOCATION).filter(|_| status.is_redirection()) {
            let line = [b"location: ", to.as_bytes(), b"\n"].concat();
            heard.push(&line);
        }
        loop {
            match response.chunk().await {
                Ok(Some(piece)) if heard.push(&piece) => {}
                Ok(Some(_)) => return limits.out_of_output(),
                Ok(None) => return ReadEnd::Http { status: status.as_u16() },
                Err(error) if error.is_timeout() => return limits.out_of_time(),
                Err(error) => return refused(format!("the answer broke off: {}", root_cause(&error))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &str, url: &str, body: &str) -> Result<Question, String> {
        Question::of(&method.into(), &url.into(), &body.into())
    }

    #[test]
    fn only_questions_pass() {
        for method in ["POST", "PUT", "DELETE", "PATCH", "get", "CONNECT", "TRACE", "OPTIONS", ""] {
            assert!(of(method, "http://a.example/", "").is_err(), "{method}");
        }
        for url in
            ["file:///etc/passwd", "ftp://a.example/", "http://u:p@a.example/", "gopher://x/", "/metrics", "http://"]
        {
            assert!(of("GET", url, "").is_err(), "{url}");
        }
        assert!(of("GET", "http://a.example/", "x").is_err());
        assert_eq!(of("HEAD", "https://a.example/x?q=1", "").unwrap().port, 443);
    }

    #[test]
    fn fault_50_a_number_is_the_address_that_it_stands_for() {
        for url in ["http://0x7f000001/", "http://2130706433/", "http://127.1/", "http://0177.0.0.1/"] {
            assert_eq!(of("GET", url, "").unwrap().host, "127.0.0.1", "{url}");
        }
    }
}
