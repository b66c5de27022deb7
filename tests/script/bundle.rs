//! An incident leaves as a bundle and comes back as the same incident.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::house::House;
use crate::support::wait_for;

fn demo(name: &str) -> String {
    format!("{}/assets/demo/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A house that has taken in `bundle`, all of which is there before anything is judged; and its only incident.
fn with_bundle(bundle: &str) -> (House, Value) {
    let house = House::new();
    let taken: Value = house.json(&["ingest", bundle, "--json"]);
    assert_eq!(taken["warnings"], json!([]), "{taken}");
    let mut server = house.serve();
    let incident = wait_for("the incident and a diagnosis of it", || {
        let listed = house.stdout(&["incidents", "--json"]);
        let incident: Value = serde_json::from_str(listed.lines().next()?).expect("JSON lines");
        let judged = incident["diagnosis"]["diagnosis"]["hypotheses"].as_array().is_some_and(|found| !found.is_empty());
        judged.then_some(incident)
    });
    assert!(server.terminate().success(), "{}", server.stderr());
    (house, incident)
}

/// What `backtest` says of the bundle in `folder`, without its name and how long it took.
fn judged(house: &House, folder: &str) -> Value {
    let mut answer = house.json(&["backtest", folder, "--json"]);
    let object = answer.as_object_mut().expect("an object");
    object.remove("case");
    object.remove("elapsed_ms");
    // Alerts that belong to no incident stay behind; those of the incident are named by `assignments`.
    object["incident"].as_object_mut().expect("an object").remove("alerts");
    answer
}

/// What a person would compare two incidents by.
fn looks(incident: &Value) -> Value {
    let groups = incident["groups"]["items"].as_array().cloned().unwrap_or_default();
    let groups: Vec<Value> =
        groups.iter().map(|group| json!([group["service"], group["name"], group["alerts"]])).collect();
    let changes = incident["changes"]["items"].as_array().cloned().unwrap_or_default();
    let mut changes: Vec<String> =
        changes.iter().map(|change| format!("{} {} {}", change["at"], change["id"], change["summary"])).collect();
    changes.sort();
    let hypotheses = incident["diagnosis"]["diagnosis"]["hypotheses"].as_array().cloned().unwrap_or_default();
    let causes: Vec<Value> =
        hypotheses.iter().map(|hypothesis| json!([hypothesis["cause"], hypothesis["mechanism"]])).collect();
    json!({
        "headline": incident["headline"], "severity": incident["severity"], "began": incident["began"],
        "groups": groups, "changes": changes, "causes": causes, "runs": incident["runs"]["items"].as_array().map(Vec::len),
    })
}

fn round_trip(name: &str) {
    let bundle = demo(name);
    let about: Value = serde_json::from_slice(&std::fs::read(format!("{bundle}/bundle.json")).unwrap()).unwrap();
    let as_of = about["as_of"].as_str().unwrap();
    let scratch = House::new();
    let first = judged(&scratch, &bundle);
    assert_eq!(first["incident"]["groups"], 1, "the demo is one incident");

    let (house, original) = with_bundle(&bundle);
    let folder = house.path().join("exported");
    let folder = folder.to_str().unwrap();
    assert!(house.run(&["export", "--incident", "INC-1", "--as-of", as_of, folder]).status.success());
    assert!(!house.run(&["export", "--incident", "INC-1", folder]).status.success(), "nothing is overwritten");

    // Judged at the moment of the page, it is judged as the one it came from.
    assert_eq!(judged(&house, folder), first);
    // And taken in elsewhere it is the same incident.
    let (_elsewhere, copy) = with_bundle(folder);
    assert_eq!(looks(&copy), looks(&original));
}

#[test]
fn an_exported_incident_of_a_shop_comes_back_the_same() {
    round_trip("infra");
}

#[test]
fn an_exported_incident_of_an_assistant_comes_back_the_same() {
    round_trip("ai");
}

#[test]
fn an_export_says_how_each_run_ended_beside_what_its_provider_said() {
    let (house, _) = with_bundle(&demo("ai"));
    let folder = house.path().join("out");
    assert!(house.run(&["export", "--incident", "1", folder.to_str().unwrap()]).status.success());
    let lines = std::fs::read_to_string(folder.join("spans.ndjson")).unwrap();
    let (mut beside, mut roots) = (0, 0);
    for line in lines.lines() {
        let batch: Value = serde_json::from_str(line).unwrap();
        let spans = batch["resourceSpans"].as_array().into_iter().flatten().flat_map(|resource| {
            resource["scopeSpans"].as_array().into_iter().flatten().flat_map(|scope| scope["spans"].as_array().unwrap())
        });
        for span in spans {
            let of = |name: &str| {
                let found = span["attributes"].as_array()?.iter().find(|attribute| attribute["key"] == name)?;
                found["value"]["stringValue"].as_str().map(str::to_owned)
            };
            let Some(class) = of("warroom.stop.class") else { continue };
            assert_eq!(class, "complete");
            assert!(of("warroom.stop.rule").is_some_and(|rule| rule.contains("ended by itself")));
            let reasons = span["attributes"].as_array().unwrap().iter();
            let provider = reasons.filter(|attribute| attribute["key"] == "gen_ai.response.finish_reasons").count();
            beside += provider;
            roots += usize::from(span["parentSpanId"] == "");
        }
    }
    assert!(beside > 50 && roots == beside, "{beside} beside the provider's value, {roots} on roots");
}

#[test]
fn an_export_is_private_and_says_what_it_cannot_do() {
    let (house, _) = with_bundle(&demo("infra"));
    let said = |arguments: &[&str]| {
        let output = house.run(arguments);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let folder = house.path().join("out");
    let folder = folder.to_str().unwrap();
    let (code, words) = said(&["export", "--incident", "99", folder]);
    assert!(code == Some(1) && words.contains("INC-99") && words.contains("warroom incidents"), "{code:?} {words}");
    assert!(!Path::new(folder).exists(), "nothing was begun");
    assert_eq!(said(&["export", folder]).0, Some(64), "which incident?");
    let (code, words) = said(&["export", "--incident", "1", "/proc/no/such/place"]);
    assert!(code == Some(2) && words.contains("/proc/no/such/place"), "{words}");
    let (code, words) = said(&["export", "--incident", "1", folder]);
    assert!(code == Some(0) && words.contains("to be judged as of"), "{words}");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(Path::new(folder)), 0o700);
    for file in std::fs::read_dir(folder).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
}
