//! The life of an approval as the field writes it down: CDEvents 0.6.0-draft, `approval.{created,updated,closed}.0.1.0`, in
//! `CloudEvents` 1.0.2.
//!
//! | entry | event |
//! |---|---|
//! | a plan was proposed | created |
//! | a person approved it | updated, `approved` |
//! | it began, so the approval is spent | closed, `approved` |
//! | another person refused it | closed, `rejected` |
//! | who proposed it took it back; a rule refused it | closed, `cancelled` |
//! | its time was over | closed, `expired` |

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Value, json};

use crate::event::{Approval, Denial, Fact, Kind, Plan, PlanId, Request, Time, Untrusted};
use crate::journal::{Journal, JournalError, Query, Record, term};

/// The kinds of entry that such an event is made from.
pub const KINDS: [Kind; 4] = [Kind::Proposed, Kind::Approved, Kind::Denied, Kind::Started];
/// The version of `CDEvents`.
const CDEVENTS: &str = "0.6.0-draft";
/// Decisions by no person.
const BY_RULES: &str = "urn:warroom:policy";
/// What stands unescaped in a part of a URN.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');
/// What cannot stand in an address.
const ADDRESS: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`').add(b'{').add(b'|').add(b'}');

/// A `CloudEvent` whose data is a `CDEvent`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    specversion: &'static str,
    /// The same for the same news, however often it is told.
    pub id: String,
    source: String,
    #[serde(rename = "type")]
    class: String,
    subject: String,
    time: Time,
    datacontenttype: &'static str,
    data: Document,
}

/// A `CDEvent`.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Document {
    context: Context,
    subject: Subject,
    #[serde(rename = "customData")]
    custom: Value,
    #[serde(rename = "customDataContentType")]
    custom_type: &'static str,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Context {
    specversion: &'static str,
    id: String,
    source: String,
    #[serde(rename = "type")]
    class: String,
    timestamp: Time,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Subject {
    id: String,
    source: String,
    content: Content,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    approval_details_url: String,
    resource_target_url: String,
    #[serde(flatten)]
    news: News,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum News {
    Created { requestor: String },
    Updated { responder: String, decision: &'static str },
    Closed { responder: String, decision: &'static str, status: &'static str },
}

impl News {
    fn word(&self) -> &'static str {
        match self {
            Self::Created { .. } => "created",
            Self::Updated { .. } => "updated",
            Self::Closed { .. } => "closed",
        }
    }
}

/// The event that an entry is, for receivers to whom we are `source`; `None` for entries that are none.
///
/// # Errors
/// When the journal cannot be read.
pub fn event(journal: &dyn Journal, record: &Record, source: &str) -> Result<Option<Event>, JournalError> {
    let fact = record.fact()?;
    let id = match &fact {
        Fact::Proposed(plan) => plan.id(),
        Fact::Approved(approval) => approval.plan,
        Fact::Denied(denial) => denial.plan,
        Fact::Started(started) => started.plan,
        _ => return Ok(None),
    };
    let Told { plan: Some(plan), approvals } = told(journal, id)? else { return Ok(None) };
    let (news, custom, nth) = match &fact {
        Fact::Approved(approval) => {
            let custom = json!({
                "executeBy": approval.execute_by,
                "knownBy": approval.by.known_by,
                "brokeGlass": approval.broke_glass,
                "readMilliseconds": approval.read_ms,
            });
            let news = News::Updated { responder: person(&approval.by.login), decision: "approved" };
            (news, custom, format!("/{}", approval.nonce.raw()))
        }
        Fact::Started(started) => {
            let spent = approvals.iter().find(|approval| approval.nonce == started.nonce);
            let responder = spent.map_or_else(|| BY_RULES.to_owned(), |approval| person(&approval.by.login));
            (News::Closed { responder, decision: "approved", status: "approved" }, json!({}), String::new())
        }
        Fact::Denied(denial) => {
            let (responder, status) = ended(&plan, denial);
            (
                News::Closed { responder, decision: "rejected", status },
                json!({ "reason": denial.reason }),
                String::new(),
            )
        }
        _ => (News::Created { requestor: person(&plan.proposed_by) }, json!({}), String::new()),
    };
    Ok(Some(made(record.at, source, id, &plan, news, custom, &nth)))
}

/// Who ended it, and how.
fn ended(plan: &Plan, denial: &Denial) -> (String, &'static str) {
    let reason = denial.reason.raw();
    match &denial.by {
        Some(by) if by.login == plan.proposed_by => (person(&by.login), "cancelled"),
        Some(by) => (person(&by.login), "rejected"),
        // The desk's own words: what no person refused was refused by time or by a rule.
        None if ["it expired at ", "the approval expired at "].iter().any(|words| reason.starts_with(words)) => {
            (BY_RULES.to_owned(), "expired")
        }
        None => (BY_RULES.to_owned(), "cancelled"),
    }
}

/// What the journal holds of a plan.
#[derive(Default)]
struct Told {
    plan: Option<Plan>,
    approvals: Vec<Approval>,
}

fn told(journal: &dyn Journal, id: PlanId) -> Result<Told, JournalError> {
    let mut told = Told::default();
    let kinds = vec![Kind::Proposed, Kind::Approved];
    for record in journal.read(&Query { kinds, term: Some(term::plan(id)), ..Query::default() })? {
        match record.fact()? {
            // The term is a short form; the identity decides.
            Fact::Proposed(plan) if plan.id() == id => told.plan = Some(*plan),
            Fact::Approved(approval) if approval.plan == id => told.approvals.push(*approval),
            _ => {}
        }
    }
    Ok(told)
}

fn made(at: Time, source: &str, id: PlanId, plan: &Plan, news: News, mut custom: Value, nth: &str) -> Event {
    let word = news.word();
    let class = format!("dev.cdevents.approval.{word}.0.1.0");
    let subject = id.0.to_string();
    let name = format!("{subject}/{word}{nth}");
    for (key, value) in [
        ("incident", json!(plan.incident.to_string())),
        ("title", json!(plan.title)),
        ("tier", json!(plan.tier)),
        ("policy", json!(plan.policy)),
        ("approveBy", json!(plan.approve_by)),
        ("targets", json!(plan.targets.len())),
    ] {
        custom[key] = value;
    }
    let context = Context {
        specversion: CDEVENTS,
        id: name.clone(),
        source: source.to_owned(),
        class: class.clone(),
        timestamp: at,
    };
    let content = Content {
        approval_details_url: format!("urn:warroom:plan:{subject}"),
        resource_target_url: target(plan),
        news,
    };
    let data = Document {
        context,
        subject: Subject { id: subject.clone(), source: source.to_owned(), content },
        custom,
        custom_type: "application/json",
    };
    Event {
        specversion: "1.0",
        id: name,
        source: source.to_owned(),
        class,
        subject,
        time: at,
        datacontenttype: "application/json",
        data,
    }
}

/// A person, or what proposes by itself, as a URN.
fn person(login: &Untrusted) -> String {
    format!("urn:warroom:person:{}", utf8_percent_encode(login.raw(), PART))
}

/// What it would change: the address of a request, else its first target.
fn target(plan: &Plan) -> String {
    match (&plan.request, plan.targets.first()) {
        (Request::Http { url, .. }, _) => utf8_percent_encode(url.raw(), ADDRESS).to_string(),
        (_, Some(target)) => {
            let (kind, name) = (target.kind.raw(), target.name.raw());
            format!("urn:warroom:target:{}:{}", utf8_percent_encode(kind, PART), utf8_percent_encode(name, PART))
        }
        (_, None) => format!("urn:warroom:incident:{}", plan.incident.0),
    }
}

#[cfg(test)]
mod tests;
