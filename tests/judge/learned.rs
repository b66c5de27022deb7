//! What is learned from the record: fitted, held against an earlier version, and tried on a journal's own past.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use warroom::engine::Fold;
use warroom::event::{
    Cause, Change, Decision, Diagnosis, Fact, Kind, Owned, Person, Resolved, Seq, Time, Truth, TruthConfirmed, Verdict,
};
use warroom::intake::bundle;
use warroom::journal::{Draft, Journal, Query, SqliteJournal};

use super::{altered, cases};

fn warroom(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_warroom")).args(arguments).output().expect("starts")
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn a_version_is_held_against_itself_and_against_one_that_erred_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let some = cases().join("petshop");
    let before = folder.path().join("before.jsonl");
    let answers = printed(&warroom(&["backtest", "--json", text(&some)]));
    std::fs::write(&before, &answers).expect("written");
    let told = printed(&warroom(&["backtest", "--against", text(&before), text(&some)]));
    assert!(
        told.contains("2 cases that both answered") && told.contains("0 gained, 0 lost (exact McNemar p 1.000)"),
        "{told}"
    );

    // The earlier version is made to have named another component in the one real fault.
    let erred: Vec<String> = answers
        .lines()
        .map(|line| {
            let mut answer: Value = serde_json::from_str(line).expect("JSON");
            for hypothesis in answer["hypotheses"].as_array_mut().expect("a list") {
                hypothesis["subject"] = json!("somewhere-else");
            }
            answer.to_string()
        })
        .collect();
    std::fs::write(&before, erred.join("\n")).expect("written");
    let told = printed(&warroom(&["backtest", "--against", text(&before), text(&some)]));
    assert!(told.contains("1 gained, 0 lost") && told.contains("gained: "), "{told}");

    std::fs::write(&before, "{\"case\":1}\n").expect("written");
    let refused = warroom(&["backtest", "--against", text(&before), text(&some)]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("before.jsonl:1"), "{refused:?}");
}

#[test]
fn fitting_the_same_cases_writes_the_same_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, other) = (folder.path().join("one.toml"), folder.path().join("other.toml"));
    let told = printed(&warroom(&["backtest", "--fit", text(&one), text(&cases())]));
    printed(&warroom(&["backtest", "--fit", text(&other), text(&cases())]));
    let file = std::fs::read_to_string(&one).expect("written");
    assert_eq!(file, std::fs::read_to_string(&other).expect("written"));
    let prior = warroom::diagnosis::Prior::read(&file).expect("it reads");
    assert_eq!(prior.calibration.shipped, 7, "storms ask for the grouping alone: {file}");
    for family in ["agents", "changes", "petshop"] {
        assert!(told.contains(&format!("{family}, fitted on the other families")), "{told}");
        assert!(file.contains(&format!("\"{family}, fitted on other cases\" = [")), "{file}");
    }
}

#[test]
fn the_ablation_says_what_each_detector_is_worth_and_what_a_case_costs() {
    let told = printed(&warroom(&["backtest", "--ablation", text(&cases())]));
    let row = |name: &str| told.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {told}"));
    // Families in columns: agents, changes, petshop.
    let cells = |name: &str| -> Vec<String> {
        let cells = row(name)[18..].replace(" (", "(");
        cells.split_whitespace().map(str::to_owned).collect()
    };
    assert!(told.contains("agents n 3") && told.contains("changes n 2") && told.contains("petshop n 2"), "{told}");
    assert_eq!(cells("nothing"), ["3(0)", "2(0)", "2(0)"], "{told}");
    // What ranks components is what finds them, and has nothing to say of runs; what reads runs has nothing to say of components.
    assert!(cells("departure")[2].starts_with("1("), "{told}");
    assert_eq!(cells("population")[2], "-", "{told}");
    let costs: Vec<&str> = told.lines().filter(|line| line.contains(" ms")).collect();
    assert_eq!(costs.len(), 4, "{told}");
    assert!(costs[3].contains("grouping F1") && costs[3].contains("(n 3)"), "{told}");
    assert!(row("held at most").contains(" MiB"), "{told}");
}

fn person() -> Person {
    Person { login: "ana".into(), known_by: "uid".into(), session: "1".into() }
}

/// A journal in which the incident of a case was opened, taken, decided on, resolved and confirmed.
struct Past {
    journal: SqliteJournal,
    fold: Fold,
    head: Seq,
}

impl Past {
    fn new(path: &Path) -> Self {
        let journal = SqliteJournal::open(path, Time::now()).expect("opens");
        Self { journal, fold: Fold::new(), head: Seq(0) }
    }

    fn append(&mut self, drafts: Vec<Draft>) {
        if !drafts.is_empty() {
            self.journal.append(drafts).expect("recorded");
        }
        loop {
            let records = self.journal.read(&Query { after: self.head, ..Query::default() }).expect("read");
            let Some(last) = records.last() else { return };
            self.head = last.seq;
            self.fold.apply_all(&records);
        }
    }

    fn derive(&mut self, at: Time) {
        for _ in 0..6 {
            let drafts = self.fold.derive_all(at);
            if drafts.is_empty() {
                break;
            }
            self.append(drafts);
        }
        let learned = self.fold.derive(at);
        self.append(learned);
    }

    fn say(&mut self, fact: &Fact) {
        let key = format!("test/{}", self.head.0);
        self.append(vec![Draft::new(Time::now(), key, fact)]);
    }

    fn facts(&self, kind: Kind) -> Vec<Fact> {
        let query = Query { kinds: vec![kind], ..Query::default() };
        self.journal.read(&query).expect("read").iter().map(|record| record.fact().expect("decodes")).collect()
    }

    /// The newest entry of a kind.
    fn seq(&self, kind: Kind) -> Seq {
        let query = Query { kinds: vec![kind], newest_first: true, limit: 1, ..Query::default() };
        self.journal.read(&query).expect("read").first().expect("one of them").seq
    }

    fn diagnosis(&self) -> Diagnosis {
        match self.facts(Kind::Diagnosed).pop().expect("a diagnosis") {
            Fact::Diagnosed(diagnosis) => *diagnosis,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_confirmed_cause_is_learned_from_once_and_every_diagnosis_names_what_it_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal.db");
    let mut past = Past::new(&path);
    let case = bundle::read(&cases().join("changes/payment-nil-deref-panic")).expect("a bundle");
    past.append(case.drafts.into_iter().filter(|draft| draft.at <= case.as_of).collect());
    past.derive(case.as_of);
    let before = past.diagnosis();
    let shipped = before.calibration.expect("it is named");
    assert!(shipped.own == 0 && shipped.cases() == before.hypotheses[0].confidence.calibrated_on);
    assert!(before.hypotheses.iter().all(|one| one.confidence.log_odds.is_some()));

    let incident = before.incident;
    let cause: Cause = before.hypotheses[0].cause.clone();
    past.say(&Owned { incident, by: person() }.into());
    let decision = Decision {
        incident,
        by: person(),
        diagnosis: past.seq(Kind::Diagnosed),
        inputs: before.inputs,
        rank: 1,
        cause: cause.clone(),
        shown_share: before.hypotheses[0].confidence.share,
        verdict: Verdict::Accept,
        reason: "".into(),
        opened: vec![],
        took_ms: 1_500,
    };
    past.say(&decision.into());
    past.say(&Resolved { incident, by: person() }.into());
    let truth = Truth {
        surface: Some(cause.surface),
        subject: cause.subject,
        change: cause.change,
        onset: None,
        text: "".into(),
    };
    past.say(&TruthConfirmed { incident, truth, by: person() }.into());
    past.derive(Time::now());
    past.derive(Time::now());
    let learned = past.facts(Kind::Calibrated);
    let [Fact::Calibrated(calibration)] = &learned[..] else { panic!("one entry: {learned:?}") };
    assert_eq!((calibration.version, calibration.own, calibration.shipped), (1, 1, shipped.shipped));
    assert_ne!(calibration.digest, shipped.digest);
    assert_eq!(past.fold.calibration(), **calibration);

    // The same journal, asked how it would have judged its own past.
    let path = text(&path);
    let told = printed(&warroom(&["--journal", path, "backtest", "--past", "--json"]));
    let answer: Value = serde_json::from_str(told.lines().next().expect("an incident")).expect("JSON");
    assert_eq!((&answer["case"], &answer["score"]["right"]), (&json!(incident.to_string()), &json!(true)), "{answer}");
    assert!(answer["score"]["named_after_s"].as_f64().is_some_and(|after| after >= 0.0), "{answer}");
    let told = printed(&warroom(&["--journal", path, "backtest", "--past"]));
    for words in ["right                1 of 1", "time saved           at most", "calibration error"] {
        assert!(told.contains(words), "{words:?} is not in:\n{told}");
    }
    let told = printed(&warroom(&["--journal", path, "backtest", "--past", "--since", "2100-01-01T00:00:00Z"]));
    assert!(told.contains("nothing to score"), "{told}");

    // The record as people and scripts read it.
    let record: Value =
        serde_json::from_str(&printed(&warroom(&["--journal", path, "accuracy", "--json"]))).expect("JSON");
    assert_eq!(record["calibration"]["own"], 1, "{record}");
    assert_eq!(record["investigators"][0]["accepted_right"], 1, "{record}");
    assert_eq!(record["novelty"][0]["name"], "new", "{record}");
    assert_eq!(record["surfaces"][0]["n"], 1, "{record}");
    assert_eq!(record["habits"]["hasty_accepts"], 1, "{record}");
    assert_eq!(record["response"]["acknowledge"]["n"], 1, "{record}");
    assert_eq!(record["response"]["pages"]["n"], 1, "{record}");
}

#[test]
fn nothing_later_than_the_page_moves_a_journals_own_backtest() {
    let folder = tempfile::tempdir().expect("a folder");
    let answer = |name: &str, later: bool| {
        let path = folder.path().join(name);
        let mut past = Past::new(&path);
        let case = bundle::read(&cases().join("changes/payment-nil-deref-panic")).expect("a bundle");
        past.append(case.drafts.into_iter().filter(|draft| draft.at <= case.as_of).collect());
        past.derive(case.as_of);
        if later {
            // Every change the case holds happens again under another name, after the page.
            let again = past.facts(Kind::Change).into_iter().filter_map(|fact| match fact {
                Fact::Change(change) => Some(Change { id: format!("{} again", change.id.raw()).into(), ..*change }),
                _ => None,
            });
            let drafts: Vec<Draft> = again
                .map(|change| Draft::new(change.time, format!("later/{}", change.id.raw()), &Fact::from(change)))
                .collect();
            assert!(!drafts.is_empty());
            past.append(drafts);
        }
        let told = printed(&warroom(&["--journal", text(&path), "backtest", "--past", "--json"]));
        let answer: Value = serde_json::from_str(told.lines().next().expect("an incident")).expect("JSON");
        answer["hypotheses"].clone()
    };
    assert_eq!(answer("one.db", false), answer("other.db", true));
}

fn history(name: &str, document: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, document).expect("written");
    (folder, path)
}

fn judged(path: &Path) -> Vec<Value> {
    let told = printed(&warroom(&["backtest", "--json", "--history", text(path)]));
    told.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn what_alertmanager_pagerduty_and_prometheus_kept_is_judged_as_of_its_own_pages() {
    let alert = |name: &str, service: &str, starts: &str| {
        json!({"status": "firing", "labels": {"alertname": name, "service": service}, "annotations": {}, "startsAt": starts,
               "endsAt": "0001-01-01T00:00:00Z", "fingerprint": format!("{:016x}", name.len() * 7919 + service.len())})
    };
    let webhook = json!({"version": "4", "groupKey": "g", "status": "firing", "receiver": "r", "alerts": [
        alert("ErrorsHigh", "checkout", "2026-03-01T02:50:00Z"), alert("DiskFull", "warehouse", "2026-03-04T11:00:00Z")]});
    let (_folder, path) = history("webhook.json", &webhook.to_string());
    let answers = judged(&path);
    assert_eq!(answers.len(), 2, "{answers:?}");
    assert_eq!(answers[0]["as_of"], "2026-03-01T02:50:00Z");
    assert_eq!(answers[1]["as_of"], "2026-03-04T11:00:00Z");
    assert!(answers[0]["headline"].as_str().is_some_and(|line| line.contains("checkout")), "{}", answers[0]);

    let paged = json!({"incidents": [{"id": "PX1", "number": 7, "status": "resolved", "title": "checkout errors", "urgency": "high",
        "created_at": "2026-02-01T10:00:00Z", "resolved_at": "2026-02-01T11:00:00Z", "service": {"summary": "checkout"}}]});
    let (_folder, path) = history("incidents.json", &paged.to_string());
    assert_eq!(judged(&path)[0]["as_of"], "2026-02-01T10:00:00Z");

    let from = 1_772_000_000;
    let fired = json!({"status": "success", "data": {"resultType": "matrix", "result": [{
        "metric": {"__name__": "ALERTS", "alertstate": "firing", "alertname": "ErrorsHigh", "service": "checkout"},
        "values": (0..5).chain(900..903).map(|nth| json!([from + nth * 30, "1"])).collect::<Vec<_>>()}]}});
    let (_folder, path) = history("alerts.json", &fired.to_string());
    let answers = judged(&path);
    assert_eq!(answers[0]["as_of"], Time::from_second(from).expect("a time").to_string());
    assert!(!answers.is_empty() && answers.len() <= 2, "one stretch of firing opens at most one incident: {answers:?}");

    let (_folder, path) = history("strange.json", "{\"what\": 1}");
    let refused = warroom(&["backtest", "--history", text(&path)]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("holds nothing that can be read as history"),
        "{refused:?}"
    );
}

#[test]
fn the_order_of_lines_and_the_name_of_a_case_do_not_move_a_fit() {
    let folder = tempfile::tempdir().expect("a folder");
    let from = cases().join("petshop");
    for case in std::fs::read_dir(&from).expect("is there").flatten() {
        let to = folder.path().join("cases").join(case.file_name());
        altered(&case.path(), &to, |name, text| {
            if name.ends_with(".ndjson") {
                let mut lines: Vec<&str> = text.lines().collect();
                lines.reverse();
                return lines.join("\n");
            }
            text
        });
    }
    let (one, other) = (folder.path().join("one.toml"), folder.path().join("other.toml"));
    printed(&warroom(&["backtest", "--fit", text(&one), text(&from)]));
    printed(&warroom(&["backtest", "--fit", text(&other), text(&folder.path().join("cases"))]));
    assert_eq!(std::fs::read_to_string(one).expect("written"), std::fs::read_to_string(other).expect("written"));
}
