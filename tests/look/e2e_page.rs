//! The whole way: a rule fires in a real Prometheus, a real Alertmanager pages, a person sees it and decides.

use serde_json::json;

use crate::e2e_delivery::recorded;
use crate::support::alerting::{Alertmanager, Prometheus, impatient};
use crate::support::house::House;
use crate::support::metrics::Metrics;
use crate::support::pty::Session;
use crate::support::{bodies, http, require_all, wait_until};

const RULES: &str = r#"  - alert: CheckoutErrors
    expr: error_ratio > 0.05
    for: 1s
    labels: {severity: page, service: checkout}
    annotations: {summary: "checkout fails {{ $value | humanizePercentage }} of its requests"}"#;

#[test]
fn a_rule_fires_is_seen_accepted_by_key_and_recorded_and_fires_again() {
    if !require_all(&["alertmanager", "prometheus"]) {
        return;
    }
    let house = House::new();
    let metrics = Metrics::serve();
    metrics.set("error_ratio 0.01");
    let url = format!("http://127.0.0.1:{}/alertmanager", house.port);
    let alertmanager = Alertmanager::start(&impatient(&format!("url: '{url}'")));
    let _prometheus = Prometheus::start(metrics.port, alertmanager.port, RULES);
    let mut session = Session::warroom(&house, &["--listen", &house.listen()], 160, 50);
    session.wait_until("the first frame", |screen| screen.contents().trim().len() > 40);

    for (id, service) in [("deploy-1", "mail"), ("deploy-2", "checkout")] {
        let data = json!({"service": service, "version": "1.9.3", "version_before": "1.9.2", "actor": "mei"});
        let deployed = bodies::change(id, "dev.cdevents.service.deployed.0.3.0", service, &data, &bodies::ago(1));
        let answer = http::post(house.port, "/events", "application/cloudevents+json", &deployed);
        assert_eq!(answer.expect("the listener answers").status / 100, 2);
    }
    metrics.set("error_ratio 0.31");
    session.wait_for("INC-1");
    session.wait_for("CheckoutErrors");
    session.wait_for("1.9.3");
    session.wait_for("none of these");

    // From the page to a recorded decision, by keys.
    session.press("O");
    wait_until("an owner on record", || house.entries().iter().any(|entry| entry.kind == "owned"));
    session.press("4a");
    session.wait_for("Accept hypothesis 1 of INC-1");
    session.press("it began with the deploy<enter>");
    wait_until("the decision on record", || house.entries().iter().any(|entry| entry.kind == "decided"));
    let decided = house.entries().into_iter().find(|entry| entry.kind == "decided").expect("just seen");
    assert_eq!(
        decided.body["verdict"]["verdict"].as_str().or(decided.body["verdict"].as_str()),
        Some("accept"),
        "{}",
        decided.body
    );

    // It ends, and begins again: the same alert, another start, and the screen says so.
    metrics.set("error_ratio 0.01");
    wait_until("the end of the alert on record", || recorded(&house, "resolved").len() == 1);
    metrics.set("error_ratio 0.44");
    wait_until("the second start of the alert on record", || {
        let starts: std::collections::BTreeSet<String> = house
            .entries()
            .iter()
            .filter(|entry| entry.kind == "alert")
            .map(|entry| entry.body["starts_at"].to_string())
            .collect();
        starts.len() == 2
    });
    session.press("q");
    assert_eq!(session.wait_exit(std::time::Duration::from_secs(5)), 0);
    assert!(house.run(&["verify"]).status.success());
}
