//! Telling a receiver of approvals: at least once, in order, over restarts and failures; and nobody waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use warroom::event::{Labelled, Time};
use warroom::journal::{Draft, SharedJournal, SqliteJournal};
use warroom::report::tell::{Sink, Teller, read};
use warroom::response::{Act, Desk as _};

use crate::scene::{INCIDENT, person};
use crate::support::model::{Asked, Do, Model, http};
use crate::yard::{Yard, approve, propose};

const BOOK: &str = "## Make a file\n\n```sh {name=make tier=1 rollback=make}\ntouch {world}/fresh\n```\n";

fn yard() -> Yard {
    Yard::new(&[("alertname", "Full"), ("env", "test")], BOOK)
}

fn sink(yard: &Yard, port: u16) -> Sink {
    let url = format!("http://127.0.0.1:{port}/in?team=a").parse().unwrap();
    let mut bearer = reqwest::header::HeaderValue::from_static("Bearer s3cr3t");
    bearer.set_sensitive(true);
    Sink { url, bearer: Some(bearer), source: "urn:warroom".to_owned(), cursor: yard.world().join("journal.told") }
}

fn teller(yard: &Yard, port: u16) -> Teller {
    Teller::new(Arc::clone(&yard.journal), sink(yard, port), yard.runtime.handle().clone())
}

/// What came, in order: the word of its type, and its id.
fn told(asked: &[Asked]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let word = |asked: &Asked| text(&asked.body["type"]).split('.').nth(3).unwrap().to_owned();
    asked.iter().map(|asked| (word(asked), text(&asked.body["id"]))).collect()
}

fn words(asked: &[Asked]) -> Vec<String> {
    told(asked).into_iter().map(|(word, _)| word).collect()
}

#[test]
fn the_life_of_an_approval_is_told_in_order_as_structured_cloudevents() {
    let yard = yard();
    let server = Model::start(|_, _| http("204 No Content", "", ""));
    let desk = yard.desk();
    propose(&yard, &desk, "make", &[]).unwrap();
    let mut teller = teller(&yard, server.port);
    teller.tell().unwrap();
    assert!(server.asked().is_empty(), "what was before the receiver was named is not told");
    let plan = propose(&yard, &desk, "make", &[]).unwrap();
    teller.tell().unwrap();
    approve(&yard, &desk, plan, "ana").unwrap();
    let other = propose(&yard, &desk, "make", &[]).unwrap();
    desk.perform(INCIDENT, Act::Deny { plan: other, reason: "no".into() }, &person("ben"), Time::now()).unwrap();
    let cursor = teller.tell().unwrap().unwrap();
    assert_eq!((cursor.told, cursor.refused, cursor.through), (5, 0, last_of_ours(&yard)));
    let asked = server.asked();
    assert_eq!(words(&asked), ["created", "updated", "closed", "created", "closed"]);
    for asked in &asked {
        let head = asked.head.to_ascii_lowercase();
        assert!(head.starts_with("post /in?team=a "), "{head}");
        assert!(head.contains("content-type: application/cloudevents+json"), "{head}");
        assert!(head.contains("authorization: bearer s3cr3t"), "{head}");
        assert_eq!(
            (&asked.body["specversion"], &asked.body["data"]["context"]["type"]),
            (&"1.0".into(), &asked.body["type"])
        );
    }
    assert_eq!(asked[4].body["data"]["subject"]["content"]["status"], "rejected");
    assert_eq!(asked[2].body["data"]["subject"]["content"]["responder"], "urn:warroom:person:ana");
    // A restart, with nothing new.
    self::teller(&yard, server.port).tell().unwrap();
    assert_eq!(server.asked().len(), 5);
}

/// The last entry that can be told.
fn last_of_ours(yard: &Yard) -> warroom::event::Seq {
    let query = warroom::journal::Query {
        kinds: warroom::report::approvals::KINDS.to_vec(),
        newest_first: true,
        limit: 1,
        ..Default::default()
    };
    yard.journal.read(&query).unwrap()[0].seq
}

#[test]
fn what_cannot_be_told_is_told_later_in_order_also_by_another_process_and_nobody_waits_for_it() {
    let yard = yard();
    let open = Arc::new(AtomicBool::new(false));
    let is_open = Arc::clone(&open);
    // It takes one, loses the answer to the next, and then nothing until it is open again.
    let server = Model::start(move |nth, _| match nth {
        0 => http("202 Accepted", "", ""),
        1 => Do::HangUp,
        _ if is_open.load(Ordering::SeqCst) => http("200 OK", "", ""),
        _ => http("503 Service Unavailable", "Retry-After: 600\r\n", "later"),
    });
    let desk = yard.desk();
    let mut first = teller(&yard, server.port);
    first.tell().unwrap();
    let plan = propose(&yard, &desk, "make", &[]).unwrap();
    approve(&yard, &desk, plan, "ana").unwrap();
    assert!(yard.read("fresh").is_some(), "what is approved is done, whoever is told");
    let hindered = first.tell().unwrap_err();
    assert!(hindered.to_string().contains("nothing is lost"), "{hindered}");
    assert!(first.tell().unwrap().is_none(), "it pauses");
    drop(first);
    // Another process, as after a restart; the receiver is still closed.
    teller(&yard, server.port).tell().unwrap_err();
    open.store(true, Ordering::SeqCst);
    let journal: SharedJournal = Arc::new(SqliteJournal::open(&yard.journal_path(), Time::now()).unwrap());
    let mut second = Teller::new(journal, sink(&yard, server.port), yard.runtime.handle().clone());
    assert_eq!(second.tell().unwrap().unwrap().told, 3);
    let all = told(&server.asked());
    assert_eq!(words(&server.asked()), ["created", "updated", "updated", "updated", "closed"]);
    assert!(all[1] == all[2] && all[2] == all[3], "told again, it is the same event: {all:?}");
}

#[test]
fn an_event_that_is_refused_for_what_it_is_does_not_hold_up_the_others_and_is_counted() {
    let yard = yard();
    let server = Model::start(|nth, _| match nth {
        0 => http("422 Unprocessable Content", "", "no \u{1b}[2J such subject"),
        _ => http("200 OK", "", ""),
    });
    let mut teller = teller(&yard, server.port);
    teller.tell().unwrap();
    let desk = yard.desk();
    let plan = propose(&yard, &desk, "make", &[]).unwrap();
    approve(&yard, &desk, plan, "ana").unwrap();
    let cursor = teller.tell().unwrap().unwrap();
    assert_eq!((cursor.told, cursor.refused), (2, 1));
    let trouble = cursor.trouble().unwrap();
    assert!(trouble.contains("1 of the events") && trouble.contains("422") && !trouble.contains('\u{1b}'), "{trouble}");
    assert_eq!(read(&sink(&yard, 1).cursor).unwrap().unwrap(), cursor, "and it is known after a restart");
}

#[test]
fn a_plan_that_nobody_answered_is_closed_as_expired_by_time_alone() {
    let yard = yard();
    let server = Model::start(|_, _| http("200 OK", "", ""));
    let mut teller = teller(&yard, server.port);
    teller.tell().unwrap();
    let desk = yard.desk();
    propose(&yard, &desk, "make", &[]).unwrap();
    desk.tend(Time::now()).unwrap();
    teller.tell().unwrap();
    assert_eq!(words(&server.asked()), ["created"], "its time is not over");
    let later = yard.plan().approve_by + jiff::SignedDuration::from_secs(1);
    desk.tend(later).unwrap();
    desk.tend(later).unwrap();
    teller.tell().unwrap();
    let asked = server.asked();
    assert_eq!(words(&asked), ["created", "closed"]);
    assert_eq!(asked[1].body["data"]["subject"]["content"]["status"], "expired");
}

#[test]
fn of_a_record_that_is_no_real_one_nothing_is_told() {
    let yard = yard();
    let server = Model::start(|_, _| http("200 OK", "", ""));
    let mut teller = teller(&yard, server.port);
    teller.tell().unwrap();
    let labelled = Labelled { label: "drill".into() };
    yard.journal.append(vec![Draft::new(Time::now(), "labelled".into(), &labelled.into())]).unwrap();
    propose(&yard, &yard.desk(), "make", &[]).unwrap();
    assert!(teller.tell().unwrap().is_none() && server.asked().is_empty());
}

#[test]
fn fault_66_no_answer_is_to_more_than_one_plan_however_many_wait() {
    let yard = yard();
    let desk = yard.desk();
    let plans: Vec<_> = (0..30).map(|_| propose(&yard, &desk, "make", &[]).unwrap()).collect();
    let act = Act::Approve { plan: plans[7], typed: None, glass: None, read_ms: Some(900) };
    desk.perform(INCIDENT, act, &person("ana"), Time::now()).unwrap();
    let approved = yard.facts(warroom::event::Kind::Approved);
    assert_eq!((approved.len(), yard.facts(warroom::event::Kind::Started).len()), (1, 1));
    let view = warroom::engine::picture(&yard.journal, None).unwrap();
    let prompts = &view.accuracy.prompts;
    assert_eq!((prompts.proposed, prompts.most), (30, 30));
    assert_eq!(prompts.too_many(Time::now()), Some(30));
    assert_eq!((prompts.people[0].read.n, prompts.people[0].read.median_s), (1, 0.9));
}
