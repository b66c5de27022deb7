//! An incident whose alerts a real Alertmanager knows, and a desk before it.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use warroom::event::{
    Alert, AlertStatus, Fact, Fingerprint, Grouped, IncidentId, IncidentOpened, Kind, Labels, Outcome, Person, Plan,
    PlanId, Reason, Rule, Source, Time,
};
use warroom::journal::{Draft, Query, SharedJournal, SqliteJournal, term};
use warroom::response::{Act, Alertmanager as Client, Desk, Hands, LocalDesk, Rules, SilenceExecutor};

use crate::support::alerting::{Alertmanager, impatient};
use crate::support::gate::Gate;
use crate::support::{Running, http};

/// The incident of every test.
pub const INCIDENT: IncidentId = IncidentId(7);

/// Alertmanager, gate, journal.
pub struct Scene {
    pub alertmanager: Alertmanager,
    pub gate: Gate,
    pub journal: SharedJournal,
    runtime: tokio::runtime::Runtime,
    folder: TempDir,
}

/// Somebody with this login.
pub fn person(login: &str) -> Person {
    Person { login: login.into(), known_by: "uid".into(), session: "pts/1, pid 1".into() }
}

/// Alerts of one name, `{pod}` telling them apart.
pub fn alerts(name: &str, pods: std::ops::Range<usize>) -> Value {
    let one = |pod| json!({"labels": {"alertname": name, "service": "checkout", "severity": "warning", "pod": format!("p{pod}")}});
    pods.map(one).collect()
}

impl Scene {
    /// An incident with two alerts of the name `HighErrorRate`.
    pub fn new() -> Self {
        Self::with(&alerts("HighErrorRate", 0..2))
    }

    /// An incident with these alerts.
    pub fn with(alerts: &Value) -> Self {
        let alertmanager = Alertmanager::start(&impatient("url: 'http://127.0.0.1:9/nobody'"));
        alertmanager.post_alerts(alerts);
        let folder = tempfile::tempdir().unwrap();
        let journal: SharedJournal =
            Arc::new(SqliteJournal::open(&folder.path().join("journal.db"), Time::now()).unwrap());
        let gate = Gate::before(alertmanager.port);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let scene = Self { alertmanager, gate, journal, runtime, folder };
        scene.open_incident();
        scene
    }

    fn open_incident(&self) {
        let known = |known: Value| {
            let fingerprint: Fingerprint = known["fingerprint"].as_str().unwrap().parse().unwrap();
            let labels: Labels = serde_json::from_value(known["labels"].clone()).unwrap();
            (fingerprint, labels)
        };
        open_incident(&self.journal, self.alertmanager.alerts().into_iter().map(known));
    }

    /// A desk of this process, as after a fresh start, with the usual table.
    pub fn desk(&self) -> LocalDesk {
        self.desk_with(Rules::default(), Time::now())
    }

    pub fn desk_with(&self, rules: Rules, now: Time) -> LocalDesk {
        desk(Arc::clone(&self.journal), self.gate.port, self.runtime.handle(), rules, now)
    }

    /// A desk of a second console, with its own connection to the same file.
    pub fn another_desk(&self) -> LocalDesk {
        let journal: SharedJournal = Arc::new(SqliteJournal::open(&self.journal_path(), Time::now()).unwrap());
        desk(journal, self.gate.port, self.runtime.handle(), Rules::default(), Time::now())
    }

    /// The journal's file.
    pub fn journal_path(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    /// Everything the journal holds of these kinds.
    pub fn facts(&self, kinds: &[Kind]) -> Vec<Fact> {
        let query = Query { kinds: kinds.to_vec(), ..Query::default() };
        self.journal.read(&query).unwrap().iter().map(|record| record.fact().unwrap()).collect()
    }

    /// The newest plan.
    pub fn plan(&self) -> Plan {
        match self.facts(&[Kind::Proposed]).pop() {
            Some(Fact::Proposed(plan)) => *plan,
            other => panic!("no plan: {other:?}"),
        }
    }

    /// The newest outcome.
    pub fn outcome(&self) -> Option<Outcome> {
        match self.facts(&[Kind::Finished]).pop() {
            Some(Fact::Finished(finished)) => Some(finished.outcome),
            _ => None,
        }
    }

    /// Proposes to silence all alerts of the incident for an hour, as `ana`.
    pub fn propose(&self, desk: &LocalDesk) -> PlanId {
        self.propose_at(desk, Time::now())
    }

    pub fn propose_at(&self, desk: &LocalDesk, now: Time) -> PlanId {
        desk.perform(INCIDENT, self.proposal(60), &person("ana"), now).unwrap();
        self.plan().id()
    }

    pub fn proposal(&self, minutes: u32) -> Act {
        let alerts = match self.facts(&[Kind::Grouped]).remove(0) {
            Fact::Grouped(grouped) => grouped.alerts,
            other => panic!("{other:?}"),
        };
        Act::ProposeSilence { alerts, minutes, comment: "known, being worked on".into() }
    }

    /// The silences Alertmanager holds.
    pub fn silences(&self) -> Vec<Value> {
        let answer = http::get(self.alertmanager.port, "/api/v2/silences").unwrap();
        answer.json().as_array().cloned().unwrap()
    }

    /// Another process in which `ana` approves `plan`.
    pub fn approve_in_another_process(&self, plan: PlanId) -> Running {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "scene::the_other_process", "--ignored", "--nocapture"])
            .env("ACT_JOURNAL", self.journal_path())
            .env("ACT_PORT", self.gate.port.to_string())
            .env("ACT_PLAN", plan.0.to_string());
        Running::start(&mut command, &self.folder.path().join("other.log"))
    }

    /// What that process said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("other.log")).unwrap_or_default()
    }
}

/// Opens the incident of every test, of these alerts.
pub fn open_incident(journal: &SharedJournal, alerts: impl Iterator<Item = (Fingerprint, Labels)>) {
    let mut drafts = Vec::new();
    let mut members = Vec::new();
    for (fingerprint, labels) in alerts {
        let alert = Alert {
            fingerprint: fingerprint.clone(),
            status: AlertStatus::Firing,
            labels,
            annotations: Labels::default(),
            starts_at: Time::now(),
            ends_at: None,
            generator_url: None,
            source: Source::Alertmanager,
            subject: None,
            anomalies: Vec::new(),
        };
        drafts.push(
            Draft::new(Time::now(), format!("alert/{fingerprint}"), &alert.into()).found_by(term::alert(&fingerprint)),
        );
        members.push(fingerprint);
    }
    let opened = IncidentOpened { incident: INCIDENT, founder: members[0].clone(), engine: "test".into() };
    let reason = Reason { rule: Rule::Founder, peer: None, text: "test".into() };
    let grouped = Grouped { incident: INCIDENT, alerts: members, reason };
    drafts.push(Draft::new(Time::now(), "opened".into(), &opened.into()));
    drafts.push(Draft::new(Time::now(), "grouped".into(), &grouped.into()));
    journal.append(drafts).unwrap();
}

/// A desk on `journal` before the Alertmanager at `port`.
pub fn desk(journal: SharedJournal, port: u16, runtime: &tokio::runtime::Handle, rules: Rules, now: Time) -> LocalDesk {
    let base = format!("http://127.0.0.1:{port}/").parse().unwrap();
    let silences = SilenceExecutor::new(Client::new(base, None).unwrap(), runtime.clone());
    LocalDesk::new(journal, Hands { silences: Some(silences), ..Hands::default() }, rules, now)
}

/// Approves `plan` as this person now.
pub fn approve(desk: &LocalDesk, plan: PlanId, login: &str) -> anyhow::Result<String> {
    approve_at(desk, plan, login, Time::now())
}

pub fn approve_at(desk: &LocalDesk, plan: PlanId, login: &str, now: Time) -> anyhow::Result<String> {
    desk.perform(INCIDENT, Act::Approve { plan, typed: None, glass: None, read_ms: None }, &person(login), now)
}

/// Looks up at `now` what became of `plan`, as `ana`.
pub fn reconcile(desk: &LocalDesk, plan: PlanId, now: Time) -> anyhow::Result<String> {
    desk.perform(INCIDENT, Act::Reconcile { plan }, &person("ana"), now)
}

/// Not a test: the process that [`Scene::approve_in_another_process`] starts and tests kill.
#[test]
#[ignore = "started by other tests as a process of its own"]
fn the_other_process() {
    let Some(journal) = std::env::var_os("ACT_JOURNAL").map(PathBuf::from) else { return };
    let variable = |name| std::env::var(name).unwrap();
    let journal: SharedJournal = Arc::new(SqliteJournal::open(&journal, Time::now()).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let desk = desk(journal, variable("ACT_PORT").parse().unwrap(), runtime.handle(), Rules::default(), Time::now());
    let plan = PlanId(variable("ACT_PLAN").parse().unwrap());
    println!("{:?}", approve(&desk, plan, "ana"));
}
