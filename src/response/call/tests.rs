//! What a message says.

use super::template::value;
use super::*;
use proptest::prelude::*;

fn values(title: &str) -> Values<'_> {
    Values {
        incident: "INC-7",
        title,
        severity: "critical",
        services: "checkout".to_owned(),
        by: "ana",
        whom: "payments",
        why: "help",
    }
}

#[test]
fn a_template_holds_values_and_nothing_else_in_braces() {
    let text = Template::parse("<!subteam^S1> {incident}: {title} ({services}, {severity}) {whom} {by} {why}").unwrap();
    assert_eq!(text.slack(&values("a<b")), "<!subteam^S1> INC-7: a&lt;b (checkout, critical) payments ana help");
    for bad in ["", "{", "{secret:call}", "{{title}}", "{headline}", "{title"] {
        Template::parse(bad).unwrap_err();
    }
    assert!(
        Template::default().plain(&values("slow")).contains("INC-7, critical: slow. ana asks payments to come: help")
    );
    assert_eq!(Template::parse("{incident}").unwrap().outside_blanks(), Vec::<&str>::new());
}

#[test]
fn a_point_is_reached_by_who_it_names_and_not_by_who_begins_alike() {
    let callee = Callee {
        name: "pager".to_owned(),
        whom: "Payments on-call".to_owned(),
        reaches: vec!["data owner".to_owned(), String::new()],
        service: Service::Webhook { origin: "https://hooks.example/".parse().unwrap() },
        text: Template::default(),
    };
    for point in ["data owner", "Data owner: it is gone", "payments on-call: why", "pager"] {
        assert!(callee.reaches(&point.into()), "{point}");
    }
    for point in ["data owner of another team", "data", "", ": why", "the data owner"] {
        assert!(!callee.reaches(&point.into()), "{point}");
    }
}

#[test]
fn a_summary_is_not_longer_than_the_service_takes() {
    let words = "ä".repeat(1_900);
    let callee = Callee {
        name: "pager".to_owned(),
        whom: "x".to_owned(),
        reaches: Vec::new(),
        service: Service::PagerDuty { base: "https://events.example/".parse().unwrap(), severity: "critical" },
        text: Template::parse(&words[..1_998]).unwrap(),
    };
    let body: serde_json::Value = serde_json::from_str(&callee.body(&values("slow"), "k")).unwrap();
    assert!(body["payload"]["summary"].as_str().unwrap().chars().count() <= 1_024);
    assert_eq!(cut("abcdef", 5), "ab...");
}

proptest! {
    #[test]
    fn no_value_mentions_links_or_opens_a_brace_of_ours(text in "(?s).{0,80}|(<|>|@|&|!|\\{|:|/|w|\\.|secret|channel| ){0,40}") {
        let said = value(&text);
        prop_assert!(!said.contains('\n'));
        let ours = said.contains("{secret");
        prop_assert!(!ours, "{}", said);
        let chars: Vec<char> = said.chars().collect();
        for pair in chars.windows(2) {
            prop_assert!(pair[0] != '@' || pair[1].is_whitespace(), "{}", said);
        }
        for (at, _) in said.match_indices("://") {
            prop_assert!(said[at + 3..].chars().next().is_none_or(char::is_whitespace), "{}", said);
        }
        let slack = Template::parse("{title}").unwrap().slack(&values(&text));
        prop_assert!(!slack.contains(['<', '>']), "{}", slack);
    }
}
