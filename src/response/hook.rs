//! What a team runs or asks from here by its configuration: a command, or a request over HTTP, with blanks that are filled
//! before anybody sees it. What is shown is what is filled: nothing is put in later but secrets.

use anyhow::{bail, ensure};
use serde_json::{Value, json};

use super::{runbook, wall};
use crate::event::{Plan, Purpose, Request, Untrusted};

/// The longest value that is put into a blank, bytes.
const LONGEST: usize = 200;

/// One command or request of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hook {
    /// A program and its words; no shell unless the words name one.
    Command(Vec<String>),
    /// A request.
    Request {
        /// Method.
        method: String,
        /// Address.
        url: String,
        /// Body; `None` = all that is known, as one JSON object.
        body: Option<String>,
    },
}

/// What a blank such as `{until}` stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blank {
    /// One value.
    Text(String),
    /// Several: parted by commas in words and addresses, an array in a body.
    List(Vec<String>),
}

/// The blanks of one kind of hook and what they stand for, by name.
pub type Blanks = Vec<(&'static str, Blank)>;

impl Hook {
    /// The first blank in it that is none of `known`, so that a typing error is found when the configuration is read.
    #[must_use]
    pub fn strange(&self, known: &[&str]) -> Option<String> {
        let texts = match self {
            Self::Command(words) => words.iter().collect::<Vec<_>>(),
            Self::Request { url, body, .. } => [url].into_iter().chain(body).collect(),
        };
        texts.into_iter().flat_map(|text| blanks_of(text)).find(|name| !known.contains(name)).map(str::to_owned)
    }

    /// Exactly what is run or sent.
    ///
    /// # Errors
    /// When a value holds more than a plain one, or its program is not on this host.
    pub fn fill(&self, blanks: &Blanks) -> anyhow::Result<Request> {
        for (name, blank) in blanks {
            let values = match blank {
                Blank::Text(text) => std::slice::from_ref(text),
                Blank::List(values) => values,
            };
            values.iter().try_for_each(|value| plain(name, value))?;
        }
        Ok(match self {
            Self::Command(words) => {
                let mut argv: Vec<Untrusted> =
                    words.iter().map(|word| filled(word, blanks, Place::Word).into()).collect();
                let Some(program) = argv.first_mut() else { bail!("it names no program") };
                // What is shown is the very program, wherever it is looked for later.
                *program = wall::program(program.raw()).map_err(anyhow::Error::msg)?.into();
                Request::Process { argv }
            }
            Self::Request { method, url, body } => {
                let whole = || Value::Object(blanks.iter().map(|(n, b)| ((*n).to_owned(), b.value())).collect());
                let body = match body {
                    Some(body) => filled(body, blanks, Place::Body),
                    None => crate::surface::in_order(whole()).to_string(),
                };
                Request::Http {
                    method: method.as_str().into(),
                    url: filled(url, blanks, Place::Address).into(),
                    body: body.into(),
                }
            }
        })
    }
}

impl Blank {
    fn value(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::List(values) => json!(values),
        }
    }

    fn line(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::List(values) => values.join(","),
        }
    }
}

/// Where a blank stands.
#[derive(Clone, Copy)]
enum Place {
    Word,
    Address,
    Body,
}

fn filled(text: &str, blanks: &Blanks, place: Place) -> String {
    blanks.iter().fold(text.to_owned(), |text, (name, blank)| {
        let value = match (place, blank) {
            (Place::Word, blank) => blank.line(),
            (Place::Address, blank) => blank.line().bytes().map(percent).collect(),
            (Place::Body, Blank::List(_)) => blank.value().to_string(),
            // Inside the quotes that stand there.
            (Place::Body, Blank::Text(text)) => json!(text).to_string().trim_matches('"').to_owned(),
        };
        text.replace(&format!("{{{name}}}"), &value)
    })
}

fn percent(byte: u8) -> String {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b',' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    }
}

/// The blanks of a text: lower-case words between braces. Braces of JSON and secrets are none.
fn blanks_of(text: &str) -> impl Iterator<Item = &str> {
    let of = |part: &'_ str| -> Option<usize> {
        let end = part.find('}')?;
        (end > 0 && part[..end].bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')).then_some(end)
    };
    text.split('{').skip(1).filter_map(move |part| Some(&part[..of(part)?]))
}

/// A value stays a value: never an option, never a part of a script, nothing that looks like something else.
fn plain(name: &str, value: &str) -> anyhow::Result<()> {
    let shown = || Untrusted::from(value).show(crate::event::Policy::Exact).as_str().to_owned();
    ensure!(
        value.len() <= LONGEST,
        "{name} {:?} … is longer than {LONGEST} bytes",
        &value.chars().take(20).collect::<String>()
    );
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/@%+=-".contains(&byte);
    ensure!(
        !value.starts_with('-') && value.bytes().all(fine),
        "{name} {} holds what is not put into a command or a request (letters, digits and . _ : / @ % + = - are): choose \
         another",
        shown()
    );
    Ok(())
}

/// What a program of this plan finds in its environment besides, by name. Made from the plan alone, and shown with it.
#[must_use]
pub fn environment(plan: &Plan) -> Vec<(&'static str, String)> {
    let line = |texts: &[Untrusted]| texts.iter().map(Untrusted::raw).collect::<Vec<_>>().join(",");
    match &plan.purpose {
        Purpose::Freeze { services, surfaces, until, .. } => vec![
            ("WARROOM_INCIDENT", plan.incident.to_string()),
            ("WARROOM_UNTIL", until.to_string()),
            ("WARROOM_SERVICES", line(services)),
            ("WARROOM_SURFACES", surfaces.iter().map(|surface| surface.name()).collect::<Vec<_>>().join(",")),
        ],
        Purpose::Thaw { .. } => vec![("WARROOM_INCIDENT", plan.incident.to_string())],
        Purpose::Contain { item, .. } => {
            vec![("WARROOM_INCIDENT", plan.incident.to_string()), ("WARROOM_ITEM", item.raw().to_owned())]
        }
        _ => Vec::new(),
    }
}

/// What it does besides, in the policy's words, as far as its words tell.
pub(super) fn effects(request: &Request) -> Vec<Untrusted> {
    runbook::effects_of(request).iter().map(|effect| effect.word().into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blanks() -> Blanks {
        vec![
            ("until", Blank::Text("2026-11-22T04:12:00Z".into())),
            ("services", Blank::List(vec!["checkout".into(), "search-api".into()])),
        ]
    }

    #[test]
    fn a_word_stays_a_word_and_an_address_an_address() {
        let command = Hook::Command(vec!["/bin/true".into(), "--until={until}".into(), "{services}".into()]);
        let Request::Process { argv } = command.fill(&blanks()).unwrap() else { panic!() };
        let words: Vec<&str> = argv.iter().map(Untrusted::raw).collect();
        assert_eq!(words, ["/bin/true", "--until=2026-11-22T04:12:00Z", "checkout,search-api"]);
        let request = Hook::Request {
            method: "PUT".into(),
            url: "https://x.example/freeze/{until}".into(),
            body: Some(r#"{"until":"{until}","services":{services}}"#.into()),
        };
        let Request::Http { url, body, .. } = request.fill(&blanks()).unwrap() else { panic!() };
        assert_eq!(url.raw(), "https://x.example/freeze/2026-11-22T04%3A12%3A00Z");
        assert_eq!(body.raw(), r#"{"until":"2026-11-22T04:12:00Z","services":["checkout","search-api"]}"#);
    }

    #[test]
    fn without_a_body_all_that_is_known_is_sent_in_order() {
        let request = Hook::Request { method: "PUT".into(), url: "https://x.example/".into(), body: None };
        let Request::Http { body, .. } = request.fill(&blanks()).unwrap() else { panic!() };
        assert_eq!(body.raw(), r#"{"services":["checkout","search-api"],"until":"2026-11-22T04:12:00Z"}"#);
    }

    #[test]
    fn fault_62_a_value_is_never_an_option_a_script_or_two_values() {
        let hook = Hook::Command(vec!["/bin/true".into(), "{services}".into()]);
        for bad in ["-rf", "a;rm -rf /", "$(id)", "a,b", "a b", "a\nb", "cafe\u{301}", "ch\u{435}ckout", "*", "a'b"] {
            let blanks = vec![("services", Blank::List(vec![bad.to_owned()]))];
            let why = hook.fill(&blanks).unwrap_err().to_string();
            assert!(why.contains("holds what is not put into a command"), "{bad:?}: {why}");
        }
    }

    #[test]
    fn a_blank_that_nobody_knows_is_named_and_json_is_none() {
        let known = ["until", "services"];
        let strange = |text: &str| Hook::Command(vec![text.to_owned()]).strange(&known);
        assert_eq!(strange("--until={duration}").as_deref(), Some("duration"));
        assert_eq!(strange(r#"{"until":"{until}","key":"{secret:pager}","n":{}}"#), None);
    }
}
