//! Grafana's alerting webhook: Alertmanager's shape with version "1", offsets in its times, and a test button.

use super::Arrival;
use super::alertmanager::Form;
use super::problem::BadInput;
use crate::event::Anomaly;
use crate::journal::Draft;

/// Drafts of the webhook body `bytes`.
///
/// # Errors
/// Names the JSON pointer at which the body is not a Grafana webhook; then nothing of it is taken.
pub fn webhook(bytes: &[u8], arrival: &Arrival) -> Result<Vec<Draft>, BadInput> {
    FORM.drafts(bytes, arrival)
}

/// The webhook's form.
pub(super) const FORM: Form = Form {
    version: "1",
    odd: |wire, odd| {
        if wire.labels.get("alertname").is_some_and(|name| name.raw() == "TestAlert") {
            odd.push(Anomaly::TestAlert);
        }
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Alert, Source};

    fn body(name: &str) -> String {
        format!(
            r#"{{"receiver":"r","status":"firing","orgId":1,"alerts":[{{"status":"firing",
            "labels":{{"alertname":"{name}","service":"checkout"}},"annotations":{{}},
            "startsAt":"2026-11-22T02:46:14+02:00","endsAt":"0001-01-01T00:00:00Z",
            "generatorURL":"","fingerprint":"c6eadffa33fcdf37","silenceURL":"","dashboardURL":"","panelURL":"",
            "values":{{"B":44.2,"C":null}}}}],"groupLabels":{{}},"commonLabels":{{}},"commonAnnotations":{{}},
            "externalURL":"","version":"1","groupKey":"{{}}:{{}}","truncatedAlerts":0,"title":"t","state":"alerting"}}"#
        )
    }

    #[test]
    fn an_offset_is_understood_and_the_test_button_is_told_from_a_page() {
        let arrival = Arrival::now("2026-11-22T00:47:00Z".parse().unwrap(), Source::Grafana);
        let read = |name: &str| -> Alert {
            let drafts = webhook(body(name).as_bytes(), &arrival).unwrap();
            serde_json::from_slice(&drafts[0].body).unwrap()
        };
        let page = read("Down");
        assert_eq!(page.starts_at.to_string(), "2026-11-22T00:46:14Z");
        assert!(page.anomalies.is_empty() && page.ends_at.is_none());
        assert_eq!(read("TestAlert").anomalies, [Anomaly::TestAlert]);
    }

    #[test]
    fn alertmanagers_version_is_not_grafanas() {
        let arrival = Arrival::now("2026-11-22T00:47:00Z".parse().unwrap(), Source::Grafana);
        let error = webhook(body("x").replace(r#""version":"1""#, r#""version":"4""#).as_bytes(), &arrival);
        assert!(error.unwrap_err().to_string().starts_with("/version: "));
    }
}
