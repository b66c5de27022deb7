//! Calling people: against a stand-in that speaks as PagerDuty and Slack document it, and fails in the documented ways.

use serde_json::{Value, json};
use warroom::event::{Fact, Kind, Outcome, Purpose, Request, Time};
use warroom::response::runbook::Facts;
use warroom::response::{
    Act, CallAt, CallExecutor, Callee, Desk as _, Executor, Hands, LocalDesk, PointAt, ProcessExecutor, Rules, Service,
    Template, wall,
};

use crate::scene::{INCIDENT, person};
use crate::support::model::{Asked, Do, Model, http};
use crate::yard::{Yard, approve, propose};

const BOOK: &str = "---\ntitle: The yard\nescalate:\n  - when: before wipe\n    who: data owner\n    why: it is gone afterwards\n\
    ---\n\n## Wipe\n\n```sh {name=wipe tier=1 rollback=wipe}\nrm {world}/state\n```\n";
const KEY: &str = "0123456789abcdef0123456789abcdef";

fn yard() -> Yard {
    Yard::new(&[("alertname", "Full"), ("env", "test")], BOOK)
}

/// A callee by each service at the stand-in, with its key.
fn callees(port: u16) -> Vec<(Callee, String)> {
    let base = |path: &str| format!("http://127.0.0.1:{port}/{path}").parse().unwrap();
    let callee = |name: &str, service| Callee {
        name: name.to_owned(),
        whom: format!("the {name}"),
        reaches: if name == "pager" { vec!["Data owner".to_owned()] } else { Vec::new() },
        service,
        text: Template::default(),
    };
    vec![
        (callee("pager", Service::PagerDuty { base: base(""), severity: "critical" }), KEY.to_owned()),
        (callee("room", Service::Slack { base: base("api/"), channel: "C0123".to_owned() }), "xoxb-1".to_owned()),
        (callee("hook", Service::Webhook { origin: base("") }), "services/T0/B0/s3cr3t".to_owned()),
    ]
}

fn desk(yard: &Yard, port: u16) -> LocalDesk {
    let calls = callees(port);
    let names = calls.iter().map(|(callee, _)| callee.clone()).collect();
    let people = CallExecutor::new(yard.runtime.handle(), calls).unwrap();
    let process = ProcessExecutor::new(Vec::new(), wall::Surroundings::default());
    let executors: Vec<Box<dyn Executor>> = vec![Box::new(people), Box::new(process)];
    yard.desk_with_hands(Rules::default(), Hands { executors, calls: names, ..Hands::default() })
}

fn call(to: &str, title: &str) -> Act {
    let seen = Facts { title: title.into(), ..Facts::default() };
    Act::ProposeCall(Box::new(CallAt { to: Some(to.into()), point: None, why: "we are two short".into(), seen }))
}

/// Calls `to`, and how that went.
fn called(yard: &Yard, desk: &LocalDesk, to: &str, title: &str) -> Outcome {
    desk.perform(INCIDENT, call(to, title), &person("ana"), Time::now()).unwrap();
    approve(yard, desk, yard.plan().id(), "ana").unwrap();
    yard.outcome().unwrap()
}

fn text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done { receipt: text } | Outcome::Failed { error: text } | Outcome::Unknown { check: text } => {
            text.raw().to_owned()
        }
        Outcome::Partly { .. } => panic!("{outcome:?}"),
    }
}

fn header<'a>(asked: &'a Asked, name: &str) -> Option<&'a str> {
    asked
        .head
        .lines()
        .find_map(|line| line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)))
        .map(|(_, v)| v)
}

fn taken(asked: &Asked) -> Do {
    let body = json!({"status": "success", "message": "Event processed", "dedup_key": asked.body["dedup_key"]});
    http("202 Accepted", "", &body.to_string())
}

#[test]
fn a_page_is_shown_byte_for_byte_approved_sent_once_and_read_back() {
    let yard = yard();
    let server = Model::start(|_, asked| taken(asked));
    let desk = desk(&yard, server.port);
    desk.perform(INCIDENT, call("pager", "checkout is slow"), &person("ana"), Time::now()).unwrap();
    let plan = yard.plan();
    assert!(server.asked().is_empty(), "nothing is sent before somebody approves it");
    assert!(plan.tier.0 >= 2 && plan.asks.as_ref().unwrap().typed.is_none(), "{plan:?}");
    assert!(plan.reasons.iter().any(|why| why.raw() == "it reaches people"), "{:?}", plan.reasons);
    assert_eq!(plan.taint.len(), 1, "{:?}", plan.taint);
    let Request::Http { url, body, .. } = &plan.request else { panic!("{plan:?}") };
    assert_eq!(url.raw(), format!("http://127.0.0.1:{}/v2/enqueue", server.port));
    assert!(!body.raw().contains(KEY), "no key stands in a plan");
    approve(&yard, &desk, plan.id(), "ana").unwrap();
    assert!(matches!(yard.outcome(), Some(Outcome::Done { .. })), "{:?}", yard.outcome());
    let [asked] = server.asked().try_into().unwrap();
    let shown: Value = serde_json::from_str(&body.raw().replace("{secret:call}", KEY)).unwrap();
    assert_eq!(asked.body, shown, "what was sent is what was shown");
    assert_eq!(asked.body["event_action"], "trigger");
    assert_eq!(asked.body["dedup_key"], plan.idempotency_key.raw());
    assert_eq!(asked.body["payload"]["severity"], "critical");
    let summary = asked.body["payload"]["summary"].as_str().unwrap();
    assert!(summary.contains("checkout is slow") && summary.contains("we are two short"), "{summary}");
    assert!(!format!("{:?}", yard.all(Kind::Proposed)).contains(KEY) && !format!("{:?}", yard.outcome()).contains(KEY));
}

#[test]
fn slack_and_webhooks_are_asked_as_they_document_it() {
    let yard = yard();
    let server = Model::start(|_, asked| {
        if asked.head.starts_with("POST /api/") {
            http("200 OK", "", &json!({"ok": true, "channel": "C0123", "ts": "1503435956.000247"}).to_string())
        } else {
            http("200 OK", "", "ok")
        }
    });
    let desk = desk(&yard, server.port);
    let posted = called(&yard, &desk, "room", "slow");
    assert!(matches!(posted, Outcome::Done { .. }) && text(&posted).contains("1503435956.000247"), "{posted:?}");
    assert!(matches!(called(&yard, &desk, "hook", "slow"), Outcome::Done { .. }));
    let [slack, hook] = server.asked().try_into().unwrap();
    assert!(slack.head.starts_with("POST /api/chat.postMessage "), "{}", slack.head);
    assert_eq!(header(&slack, "authorization"), Some("Bearer xoxb-1"));
    assert_eq!(slack.body["channel"], "C0123");
    assert!(hook.head.starts_with("POST /services/T0/B0/s3cr3t "), "{}", hook.head);
    assert!(header(&hook, "authorization").is_none(), "one's token never goes to another");
    let plans = format!("{:?}", yard.all(Kind::Proposed));
    assert!(!plans.contains("xoxb-1") && !plans.contains("s3cr3t"), "{plans}");
}

#[test]
fn hostile_text_calls_nobody_links_nowhere_and_fetches_no_secret() {
    let yard = yard();
    let server = Model::start(|_, asked| {
        if asked.body["routing_key"].is_null() { http("200 OK", "", "{\"ok\":true}") } else { taken(asked) }
    });
    let desk = desk(&yard, server.port);
    let hostile = "<!channel> <@U024BE7LH> <!subteam^S1|all> <http://evil.example|checkout> @here @channel http://evil.example \
        www.evil.example {secret:call} \", \"channel\": \"C666\" \u{202e}\n*now*";
    for to in ["pager", "room", "hook"] {
        called(&yard, &desk, to, hostile);
        assert!(yard.plan().asks.is_some_and(|asks| asks.typed.is_none()));
    }
    for asked in server.asked() {
        let said = asked.body["text"].as_str().or(asked.body["payload"]["summary"].as_str()).unwrap();
        for evil in ["@here", "@channel", "@U024", "http://evil", "www.evil", KEY, "s3cr3t", "\u{202e}", "\n"] {
            assert!(!said.contains(evil), "{evil}: {said}");
        }
        if asked.body["routing_key"].is_null() {
            assert!(!said.contains('<') && !said.contains('>') && said.contains("&lt;!channel&gt;"), "{said}");
            assert_eq!((&asked.body["mrkdwn"], &asked.body["link_names"]), (&json!(false), &json!(false)));
            assert_eq!((&asked.body["parse"], &asked.body["unfurl_links"]), (&json!("none"), &json!(false)));
            assert_ne!(asked.body["channel"], "C666");
        }
    }
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn what_a_service_answers_is_what_came_of_it() {
    let cases = [
        (
            "pager",
            "400 Bad Request",
            "",
            "{\"status\":\"invalid event\",\"errors\":[\"'source' is missing\"]}",
            "failed",
            "'source'",
        ),
        ("pager", "429 Too Many Requests", "Retry-After: 17\r\n", "", "failed", "in 17 s"),
        ("pager", "500 Internal Server Error", "", "", "unknown", "look"),
        (
            "pager",
            "202 Accepted",
            "",
            "{\"status\":\"success\",\"dedup_key\":\"other\"}",
            "unknown",
            "not for this event",
        ),
        ("pager", "302 Found", "Location: http://127.0.0.1:9/\r\n", "", "failed", "302"),
        ("room", "200 OK", "", "{\"ok\":false,\"error\":\"channel_not_found\"}", "failed", "channel_not_found"),
        ("room", "200 OK", "", "{\"ok\":false,\"error\":\"not_in_channel\"}", "failed", "not_in_channel"),
        ("room", "200 OK", "", "{\"ok\":false,\"error\":\"internal_error\"}", "unknown", "internal_error"),
        ("room", "200 OK", "", "<html>a proxy</html>", "unknown", "not as Slack answers"),
        (
            "room",
            "429 Too Many Requests",
            "Retry-After: 30\r\n",
            "{\"ok\":false,\"error\":\"ratelimited\"}",
            "failed",
            "in 30 s",
        ),
        ("hook", "404 Not Found", "", "no_service", "failed", "no_service"),
        ("hook", "410 Gone", "", "channel_is_archived", "failed", "channel_is_archived"),
        ("hook", "403 Forbidden", "", "action_prohibited", "failed", "action_prohibited"),
        ("hook", "500 Internal Server Error", "", "rollup_error", "unknown", "rollup_error"),
        ("hook", "200 OK", "", "ok", "done", "ok"),
    ];
    for (to, status, headers, body, how, words) in cases {
        let yard = yard();
        let server = Model::start(move |_, _| http(status, headers, body));
        let outcome = called(&yard, &desk(&yard, server.port), to, "slow");
        let ended = match &outcome {
            Outcome::Done { .. } => "done",
            Outcome::Failed { .. } => "failed",
            Outcome::Unknown { .. } => "unknown",
            Outcome::Partly { .. } => "partly",
        };
        assert_eq!(ended, how, "{to} {status} {body}: {outcome:?}");
        assert!(text(&outcome).to_lowercase().contains(&words.to_lowercase()), "{to} {status}: {outcome:?}");
        assert_eq!(server.asked().len(), 1, "it is sent once, whatever comes of it: {to} {status}");
    }
}

#[test]
fn fault_59_a_page_without_an_answer_is_unknown_and_not_sent_again_by_itself() {
    let yard = yard();
    let server = Model::start(|nth, _| if nth == 0 { Do::HangUp } else { Do::Hang });
    let desk = desk(&yard, server.port);
    for to in ["pager", "room"] {
        let outcome = called(&yard, &desk, to, "slow");
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
        assert!(text(&outcome).contains(yard.plan().idempotency_key.raw()), "{outcome:?}");
    }
    let looked = desk.perform(INCIDENT, Act::Reconcile { plan: yard.plan().id() }, &person("ana"), Time::now());
    assert!(looked.unwrap_err().to_string().contains("look into the channel C0123"));
    desk.tend(Time::now()).unwrap();
    assert_eq!(server.asked().len(), 2);
    let nobody = Yard::new(&[("alertname", "Full")], BOOK);
    let outcome = called(&nobody, &self::desk(&nobody, 9), "pager", "slow");
    assert!(matches!(&outcome, Outcome::Failed { .. }) && text(&outcome).contains("nothing was sent"), "{outcome:?}");
}

#[test]
fn a_call_that_was_taken_reaches_the_point_it_serves_and_no_other_does() {
    let yard = yard();
    std::fs::write(yard.world().join("state"), "full").unwrap();
    let server = Model::start(|nth, asked| if nth == 0 { http("400 Bad Request", "", "no") } else { taken(asked) });
    let desk = desk(&yard, server.port);
    let wipe = propose(&yard, &desk, "wipe", &[]).unwrap();
    let asks = yard.plan().asks.unwrap();
    assert_eq!(asks.first, ["data owner: it is gone afterwards".into()]);
    let before = || {
        let point = Some(PointAt::Before(wipe));
        Act::ProposeCall(Box::new(CallAt { to: None, point, why: "".into(), seen: Facts::default() }))
    };
    let wipe_it = || {
        let typed = asks.typed.clone();
        desk.perform(
            INCIDENT,
            Act::Approve { plan: wipe, typed, glass: None, read_ms: None },
            &person("ben"),
            Time::now(),
        )
    };
    // Whom the configuration has for something else does not do.
    let point = Some(PointAt::Before(wipe));
    let other = CallAt { to: Some("room".into()), point, why: "".into(), seen: Facts::default() };
    let refused = desk.perform(INCIDENT, Act::ProposeCall(Box::new(other)), &person("ana"), Time::now()).unwrap_err();
    assert!(refused.to_string().contains("does not reach the point"), "{refused}");
    for (nth, reached) in [(0, false), (1, true)] {
        desk.perform(INCIDENT, before(), &person("ana"), Time::now()).unwrap();
        let plan = yard.plan();
        assert!(
            matches!(&plan.purpose, Purpose::Call { point: Some(point), .. } if point.raw().starts_with("data owner"))
        );
        wipe_it().unwrap_err();
        approve(&yard, &desk, plan.id(), "ana").unwrap();
        assert_eq!(wipe_it().is_ok(), reached, "call {nth}: {:?}", yard.outcome());
    }
    assert!(yard.read("state").is_none());
    let refused = desk.perform(INCIDENT, before(), &person("ana"), Time::now()).unwrap_err();
    assert!(refused.to_string().contains("nobody has to be called before"), "{refused}");
}

#[test]
fn fault_52_the_same_people_called_often_takes_typed_words_also_from_other_proposals() {
    let yard = yard();
    let server = Model::start(|_, asked| taken(asked));
    let desk = desk(&yard, server.port);
    // All four are proposed before the first is sent.
    let plans: Vec<_> = (0..4)
        .map(|_| {
            desk.perform(INCIDENT, call("pager", ""), &person("ana"), Time::now()).unwrap();
            yard.plan().id()
        })
        .collect();
    let yes = |plan| {
        let act = Act::Approve { plan, typed: None, glass: None, read_ms: None };
        desk.perform(INCIDENT, act, &person("ana"), Time::now())
    };
    for plan in &plans[..3] {
        yes(*plan).unwrap();
    }
    let refused = yes(plans[3]).unwrap_err();
    assert!(refused.to_string().contains("the same people were called three times"), "{refused}");
    desk.perform(INCIDENT, call("pager", ""), &person("ana"), Time::now()).unwrap();
    assert!(yard.plan().tier.0 >= 4 && yard.plan().asks.unwrap().typed.is_some(), "{:?}", yard.plan());
    assert_eq!(server.asked().len(), 3);
    let started = yard.facts(Kind::Started);
    assert!(started.iter().all(|fact| matches!(fact, Fact::Started(_))) && started.len() == 3);
}
