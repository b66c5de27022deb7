//! One request, from its head to its answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_ENCODING, HeaderMap};
use hyper::{Method, Request, StatusCode};
use serde_json::json;

use super::Shared;
use super::answer::{self, Http, Voice, and_close};
use super::body::{self, Held, Unread};
use super::door::Outside;
use super::route::{self, Content, ROUTES, Reading, Route};
use crate::event::{Kind, Time};
use crate::intake::counters::Fate;
use crate::intake::overload::{self, Overload};
use crate::intake::{Arrival, BadInput, limits};
use crate::journal::{Draft, JournalError, Receipt, Refused};

/// Answers one request.
pub(super) async fn request(request: Request<Incoming>, shared: &Arc<Shared>) -> Http {
    let path = request.uri().path();
    // Alertmanager's address may be given with a slash at its end.
    let path = if path.len() > 1 { path.trim_end_matches('/') } else { path };
    if let Some(route) = ROUTES.iter().find(|route| route.path == path) {
        return delivery(route, request, shared).await;
    }
    match (path, request.method()) {
        ("/healthz", &Method::GET) => health(shared),
        ("/metrics", &Method::GET) => match shared.door.by_token(request.headers()) {
            Ok(()) => {
                let mut text = shared.inflow.counters.prometheus();
                text.extend(shared.inflow.more_metrics.iter().map(|more| more()));
                answer::raw(StatusCode::OK, "text/plain; version=0.0.4", text)
            }
            Err(_) => Voice::Json.unauthorized("a token is needed"),
        },
        ("/healthz" | "/metrics", _) => answer::method_not_allowed("GET"),
        _ => {
            let known: Vec<_> = ROUTES.iter().map(|route| route.path).collect();
            let what = format!("nothing is received here; known are {}", known.join(", "));
            and_close(Voice::Json.error(StatusCode::NOT_FOUND, &what))
        }
    }
}

fn health(shared: &Shared) -> Http {
    if shared.inflow.counters.unstorable.load(Ordering::Relaxed) == 0 {
        answer::json(StatusCode::OK, &json!({"status": "ok"}))
    } else {
        let what = json!({"status": "failing", "error": "the journal could not record the last delivery"});
        answer::json(StatusCode::SERVICE_UNAVAILABLE, &what)
    }
}

/// A request that is refused: how it is counted, and the answer.
struct No(Fate, Http);

async fn delivery(route: &'static Route, request: Request<Incoming>, shared: &Arc<Shared>) -> Http {
    match taken(route, request, shared).await {
        Ok(answer) => answer,
        Err(No(fate, answer)) => {
            shared.inflow.counters.count(route.source, fate);
            answer
        }
    }
}

async fn taken(route: &'static Route, request: Request<Incoming>, shared: &Arc<Shared>) -> Result<Http, No> {
    let (parts, body) = request.into_parts();
    if !route.methods.split(", ").any(|method| parts.method == method) {
        return Ok(and_close(answer::method_not_allowed(route.methods)));
    }
    let content = route.content(&parts.headers);
    let voice = route.encoding(content).map_or(Voice::Json, Voice::Otlp);
    // Who it is comes first: from a stranger nothing but the head is looked at.
    if route.read != Reading::PagerDuty {
        shared.door.by_token(&parts.headers).map_err(|outside| stranger(outside, voice))?;
    }
    let no = |status, fate, what: &str| No(fate, and_close(voice.error(status, what)));
    let Some(content) = content else {
        let what = format!("the content type must be {}", route.takes());
        return Err(no(StatusCode::UNSUPPORTED_MEDIA_TYPE, Fate::Refused, &what));
    };
    let gzip = packed(&parts.headers).map_err(|what| no(StatusCode::UNSUPPORTED_MEDIA_TYPE, Fate::Refused, &what))?;
    if body.size_hint().lower() > route.limit {
        return Err(no(StatusCode::PAYLOAD_TOO_LARGE, Fate::TooLarge, &too_large(route)));
    }
    let busy = || {
        let answer = overload::answer(route.source, Overload::Busy);
        No(Fate::Busy, and_close(voice.again(answer, "too much is arriving at once; send it again")))
    };
    let _working = Arc::clone(&shared.requests).try_acquire_owned().map_err(|_| busy())?;
    let unread = |unread: Unread| match unread {
        Unread::TooLarge => no(StatusCode::PAYLOAD_TOO_LARGE, Fate::TooLarge, &too_large(route)),
        Unread::TooSlow => no(StatusCode::REQUEST_TIMEOUT, Fate::BrokeOff, "the body came too slowly"),
        Unread::BrokeOff => no(StatusCode::BAD_REQUEST, Fate::BrokeOff, "the body broke off"),
        Unread::Busy => busy(),
        Unread::Undecodable(what) => no(StatusCode::BAD_REQUEST, Fate::Refused, &what),
    };
    let held = body::read(body, route.limit, Arc::clone(&shared.memory)).await.map_err(unread)?;
    if route.read == Reading::PagerDuty {
        let signature = parts.headers.get("x-pagerduty-signature").and_then(|value| value.to_str().ok());
        shared.door.by_signature(signature, &held.bytes).map_err(|outside| stranger(outside, voice))?;
    }
    let work = Work { route, content, gzip, headers: parts.headers, voice, shared: Arc::clone(shared) };
    match tokio::task::spawn_blocking(move || work.record(held)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(Failed::Unread(why))) => Err(unread(why)),
        Ok(Err(Failed::Answered(fate, answer))) => Err(No(fate, *answer)),
        // Only a fault of ours gets here; the sender should try again.
        Err(_) => Err(no(StatusCode::INTERNAL_SERVER_ERROR, Fate::Refused, "the delivery could not be worked on")),
    }
}

fn stranger(outside: Outside, voice: Voice) -> No {
    let answer = match outside {
        Outside::Wrong => voice.unauthorized("the token or signature is missing or wrong"),
        Outside::TooMany => voice.error(StatusCode::TOO_MANY_REQUESTS, "too many wrong tokens; wait ten seconds"),
        Outside::NotConfigured => {
            voice.error(StatusCode::FORBIDDEN, "no secret is set for these webhooks, so none can be believed")
        }
    };
    No(Fate::Unauthorized, and_close(answer))
}

fn too_large(route: &Route) -> String {
    format!("the body is longer than {} bytes, or unpacks to more", route.limit)
}

/// Whether the body is gzip.
fn packed(headers: &HeaderMap) -> Result<bool, String> {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    let coding = codings.next().map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
    match coding.as_deref() {
        _ if codings.next().is_some() => Err("one content encoding at most is understood".to_owned()),
        None | Some("" | "identity") => Ok(false),
        Some("gzip" | "x-gzip") => Ok(true),
        Some(_) => Err("the content encoding must be gzip or none".to_owned()),
    }
}

/// A body that is to be read and recorded.
struct Work {
    route: &'static Route,
    content: Content,
    gzip: bool,
    headers: HeaderMap,
    voice: Voice,
    shared: Arc<Shared>,
}

enum Failed {
    Unread(Unread),
    Answered(Fate, Box<Http>),
}

impl Work {
    /// Reads and records the body, and makes the answer. Blocks until it is on disk.
    fn record(&self, mut held: Held) -> Result<Http, Failed> {
        let now = Time::now();
        if self.gzip {
            let unpacked = body::gunzip(&held, self.route.limit);
            if let Err(unread) = &unpacked {
                let why = match unread {
                    Unread::Undecodable(what) => Some(what.clone()),
                    Unread::TooLarge => Some(too_large(self.route)),
                    _ => None,
                };
                if let Some(why) = why {
                    self.quarantine(now, &why, &held.bytes);
                }
            }
            held = unpacked.map_err(Failed::Unread)?;
        }
        let large = held.bytes.len() as u64 > limits::LARGE_BODY;
        let (appended, rejected, reply) = if let Some(form) = self.route.form().filter(|_| large) {
            let (mut sum, mut failed) = (Receipt::default(), None);
            let arrival = Arrival::now(now, self.route.source);
            let read = form.portions(&held.bytes, &arrival, &mut |drafts| {
                match self.append(drafts) {
                    Ok(one) => {
                        sum.recorded += one.recorded;
                        sum.duplicates += one.duplicates;
                        sum.head = one.head;
                    }
                    // What is recorded already will be repeated when it is sent again, and change nothing.
                    Err(error) => failed = Some(error),
                }
                failed.is_none()
            });
            read.map_err(|error| self.refuse(now, &error, &held.bytes))?;
            (failed.map_or(Ok(sum), Err), 0, None)
        } else {
            let read = route::read(self.route, self.content, &self.headers, &held.bytes, now);
            let read = read.map_err(|error| self.refuse(now, &error, &held.bytes))?;
            // The drafts hold everything that is needed of the body; the commit may take a while.
            held.release();
            (self.append(read.drafts), read.rejected, read.reply)
        };
        self.shared.inflow.counters.unstorable.store(appended.is_err().into(), Ordering::Relaxed);
        let receipt = appended.map_err(|error| {
            let answer = overload::answer(self.route.source, Overload::Unstorable);
            Failed::Answered(Fate::Unstorable, Box::new(self.voice.again(answer, &error.to_string())))
        })?;
        let (recorded, repeated) = (receipt.recorded, receipt.duplicates);
        self.shared.inflow.counters.accept(self.route.source, recorded, repeated, rejected, now);
        Ok(match reply {
            Some(reply) => answer::reply(StatusCode::OK, reply),
            None => answer::json(StatusCode::OK, &json!({"recorded": recorded, "repeated": repeated})),
        })
    }

    fn append(&self, drafts: Vec<Draft>) -> Result<Receipt, JournalError> {
        if drafts.is_empty() {
            return Ok(Receipt::default());
        }
        let cut_short = drafts.iter().any(|draft| draft.kind == Kind::Truncated);
        let receipt = self.shared.inflow.journal.append(drafts)?;
        if cut_short {
            self.shared.inflow.cut_short.notify_one();
        }
        Ok(receipt)
    }

    fn refuse(&self, now: Time, error: &BadInput, bytes: &[u8]) -> Failed {
        let what = error.to_string();
        self.quarantine(now, &what, bytes);
        Failed::Answered(Fate::Refused, Box::new(self.voice.error(StatusCode::BAD_REQUEST, &what)))
    }

    /// Keeps the beginning of a refused body where people can look at it.
    fn quarantine(&self, arrived: Time, reason: &str, bytes: &[u8]) {
        let raw = bytes[..bytes.len().min(limits::size(limits::QUARANTINE_BYTES))].to_vec();
        let (source, reason, length) = (self.route.source.name().to_owned(), reason.to_owned(), bytes.len() as u64);
        if self.shared.inflow.journal.quarantine(&Refused { arrived, source, reason, raw, length }).is_err() {
            self.shared.inflow.counters.quarantine_failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}
