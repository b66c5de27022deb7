//! A real Prometheus is asked by the real process: key series, `up` and who calls whom reach the journal.

use std::collections::BTreeSet;

use crate::support::alerting::Prometheus;
use crate::support::house::{Entry, House};
use crate::support::metrics::Metrics;
use crate::support::{http, require, wait_until};

/// What the scraped page says: requests of two services, and the call graph as a tracing backend records it.
const PAGE: &str = r#"app_requests{service="cart",code="500"} 31
app_requests{service="cart",code="200"} 69
app_requests{service="mail",code="200"} 12
traces_service_graph_request_total{client="frontend",server="cart"} 5
traces_service_graph_request_total{client="cart",server="mail"} 2
traces_service_graph_request_total{client="unknown",server="cart"} 2"#;

fn of_kind(house: &House, kind: &str) -> Vec<Entry> {
    house.entries().into_iter().filter(|entry| entry.kind == kind).collect()
}

/// Every series in the journal: its name, its service, and the values it had.
fn series(house: &House) -> Vec<(String, String, Vec<f64>)> {
    let batches = of_kind(house, "metrics");
    let series = batches.iter().flat_map(|batch| batch.body["series"].as_array().cloned().unwrap_or_default());
    series
        .map(|series| {
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            let points = series["points"].as_array().cloned().unwrap_or_default();
            let values = points.iter().filter_map(|point| point[1].as_f64()).collect();
            (text(&series["name"]), text(&series["labels"]["service"]), values)
        })
        .collect()
}

#[test]
fn what_a_real_prometheus_holds_is_polled_and_polling_goes_on_after_it_was_gone() {
    if !require("prometheus") {
        return;
    }
    let metrics = Metrics::serve();
    metrics.set(PAGE);
    // It sends its alerts nowhere: this is about what it is asked for.
    let mut prometheus = Prometheus::start(metrics.port, 9, "  - {alert: Never, expr: vector(0) > 1}");
    let graph = "/api/v1/query?query=traces_service_graph_request_total";
    wait_until("the first scrape", || {
        http::get(prometheus.port, graph).is_ok_and(|answer| answer.text().contains("frontend"))
    });
    let house = House::new();
    house.configure(&format!(
        "[prometheus]\nurl = \"http://127.0.0.1:{}\"\nevery_seconds = 1\n[prometheus.queries]\n\
         error_ratio = 'sum by (service) (app_requests{{code=~\"5..\"}}) / sum by (service) (app_requests)'\n\
         broken = 'sum by ('\n",
        prometheus.port
    ));
    let _server = house.serve();
    // Samples are asked for on a grid of 15 seconds, so the first may take as long.
    wait_until("the key series, with its service", || {
        series(&house).contains(&("error_ratio".into(), "cart".into(), vec![0.31]))
    });
    let names: BTreeSet<String> = series(&house).into_iter().map(|series| series.0).collect();
    assert_eq!(names, ["error_ratio".to_owned(), "up".to_owned()].into(), "the one that is no PromQL brings nothing");
    let edges = of_kind(&house, "topology");
    assert_eq!(edges.len(), 1, "the same call graph is said once: {edges:?}");
    assert_eq!(
        edges[0].body["edges"],
        serde_json::json!([{"caller": "cart", "callee": "mail"}, {"caller": "frontend", "callee": "cart"}])
    );

    // Polled every second on a grid of 15: the polls in between ask for nothing twice.
    let polls = house.counted("prometheus", "accepted");
    wait_until("more polls", || house.counted("prometheus", "accepted") >= polls + 3);
    let mut seen = BTreeSet::new();
    for batch in of_kind(&house, "metrics") {
        for series in batch.body["series"].as_array().expect("series") {
            for point in series["points"].as_array().expect("points") {
                let sample = format!("{} {} {}", series["name"], series["labels"], point[0]);
                assert!(seen.insert(sample.clone()), "{sample} is there twice");
            }
        }
    }

    // Gone and back: it is counted, and polling goes on.
    prometheus.stop();
    wait_until("a poll to fail", || house.counted("prometheus", "poll_failed") >= 1);
    metrics.set(&PAGE.replace("} 31", "} 131"));
    prometheus.resume();
    wait_until("what it saw since", || {
        series(&house).iter().any(|series| series.0 == "error_ratio" && series.2.iter().any(|value| *value > 0.4))
    });
    assert!(house.run(&["verify"]).status.success());
}
