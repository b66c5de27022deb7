//! What came of a change is what alerts and runs both say, and few runs say nothing.

use std::sync::{Arc, Mutex, PoisonError};

use crate::event::{
    Alert, AlertStatus, EffectChecked, Fact, Finished, Grouped, IncidentId, IncidentOpened, Kind, Outcome, Plan,
    Purpose, Reason, Recovery, Request, Rule, Source, Tier, Time, TraceId, Traits,
};
use crate::journal::{Draft, Options, Query, SharedJournal, SqliteJournal, term};
use crate::response::{Hands, LocalDesk, Rules};
use crate::surface::made::{at, batch_of, chat};

const INCIDENT: IncidentId = IncidentId(1);
/// Seconds: the healthy time, the trouble, the change, and after it.
const HEALTHY: i64 = 0;
const ONSET: i64 = 3_600;
const ENDED: i64 = 7_200;

struct House {
    journal: SharedJournal,
    desk: LocalDesk,
    now: Arc<Mutex<Time>>,
    runs: std::cell::Cell<u32>,
}

impl House {
    fn new() -> Self {
        let now = Arc::new(Mutex::new(at(HEALTHY)));
        let clock = Arc::clone(&now);
        let clock: Arc<dyn Fn() -> Time + Send + Sync> =
            Arc::new(move || *clock.lock().unwrap_or_else(PoisonError::into_inner));
        let journal: SharedJournal =
            Arc::new(SqliteJournal::in_memory_with(Options { clock, ..Options::default() }).unwrap());
        let desk = LocalDesk::new(Arc::clone(&journal), Hands::default(), Rules::default(), at(HEALTHY));
        Self { journal, desk, now, runs: std::cell::Cell::new(0) }
    }

    fn record(&self, second: i64, key: &str, fact: &Fact, terms: &[String]) {
        *self.now.lock().unwrap() = at(second);
        let mut draft = Draft::new(at(second), key.to_owned(), fact);
        draft.terms.extend_from_slice(terms);
        self.journal.append(vec![draft]).unwrap();
    }

    fn alert(&self, second: i64, status: AlertStatus) {
        let labels = [("alertname", "Bad"), ("service", "support")];
        let alert = Alert {
            fingerprint: "00000000000000aa".parse().unwrap(),
            status,
            labels: labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            annotations: crate::event::Labels::default(),
            starts_at: at(ONSET),
            ends_at: None,
            generator_url: None,
            source: Source::Alertmanager,
            subject: None,
            anomalies: Vec::new(),
        };
        let found = term::alert(&alert.fingerprint);
        self.record(second, &format!("alert/{second}"), &alert.into(), &[found]);
    }

    /// `n` runs in the second `from` and those after it, every `nth` of which is cut.
    fn ran(&self, from: i64, n: u32, nth: u32) {
        let spans = (0..n).map(|i| {
            let reason = if i % nth == 0 { "length" } else { "stop" };
            let mut span = chat(1, i, from + i64::from(i) / 2, "Done.", reason);
            let number = self.runs.replace(self.runs.get() + 1);
            let mut trace = [0; 16];
            trace[..4].copy_from_slice(&number.to_be_bytes());
            span.trace_id = TraceId(trace);
            span.parent = None;
            span
        });
        let batch = batch_of(&"support".into(), &[], spans.collect());
        let last = from + i64::from(n) / 2;
        self.record(last + 1, &format!("spans/{from}"), &batch.into(), &[]);
    }

    /// An incident, and a change that was carried out.
    fn mended(&self) {
        self.alert(ONSET, AlertStatus::Firing);
        let founder: crate::event::Fingerprint = "00000000000000aa".parse().unwrap();
        let opened = IncidentOpened { incident: INCIDENT, founder: founder.clone(), engine: "test".into() };
        self.record(ONSET + 1, "opened", &opened.into(), &[]);
        let reason = Reason { rule: Rule::Founder, peer: None, text: "test".into() };
        let grouped = Grouped { incident: INCIDENT, alerts: vec![founder], reason };
        self.record(ONSET + 2, "grouped", &grouped.into(), &[]);
        self.ran(ONSET + 10, 400, 2);
        let plan = Plan {
            incident: INCIDENT,
            title: "take it back".into(),
            request: Request::Process { argv: vec!["true".into()] },
            targets: Vec::new(),
            tier: Tier(1),
            policy: "test".into(),
            taint: Vec::new(),
            undo: "no".into(),
            idempotency_key: "k".into(),
            proposed_by: "ana".into(),
            approve_by: at(ENDED),
            purpose: Purpose::Mend,
            origin: None,
            traits: Some(Box::new(Traits { verb: "run".into(), ..Traits::default() })),
            found_by: None,
            asks: None,
            reasons: Vec::new(),
            dry_run: None,
        };
        let id = plan.id();
        self.record(ENDED - 60, "plan", &plan.into(), &[term::plan(id)]);
        let outcome = Outcome::Done { receipt: "ok".into() };
        let finished = Finished { incident: INCIDENT, plan: id, nonce: "n".into(), outcome };
        self.record(ENDED, "finished", &finished.into(), &[term::plan(id)]);
    }

    fn tend(&self, second: i64) {
        *self.now.lock().unwrap() = at(second);
        self.desk.tend(at(second)).unwrap();
    }

    fn looks(&self) -> Vec<(String, EffectChecked)> {
        let query = Query { kinds: vec![Kind::EffectChecked], ..Query::default() };
        let all = self.journal.read(&query).unwrap();
        all.iter()
            .map(|record| match record.fact().unwrap() {
                Fact::EffectChecked(checked) => (record.key.rsplit_once('/').unwrap().1.to_owned(), *checked),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn last(&self) -> (String, EffectChecked) {
        self.looks().pop().expect("it was looked at")
    }
}

#[test]
fn quiet_alerts_and_few_runs_are_unclear_and_enough_runs_as_before_are_a_recovery() {
    let house = House::new();
    house.ran(HEALTHY, 600, 20);
    house.mended();
    house.alert(ENDED + 60, AlertStatus::Resolved);
    house.ran(ENDED + 65, 20, 20);
    house.tend(ENDED + 150);
    let (stage, early) = house.last();
    assert_eq!((stage.as_str(), early.effect), ("quiet", Recovery::Unclear), "{early:?}");
    let runs = &early.symptoms[1];
    assert_eq!((runs.what.raw(), runs.effect), ("runs that went wrong", Recovery::Unclear));
    assert_eq!(runs.before.raw(), "30 of 600 (4–7 %)");
    assert!(runs.after.raw().contains("1 of 20") && runs.after.raw().contains("too few runs to say"), "{runs:?}");
    assert!(runs.after.raw().contains("more would do"), "{runs:?}");

    // The same look is not written twice, however often it is tended to.
    house.tend(ENDED + 160);
    house.tend(ENDED + 170);
    assert_eq!(house.looks().len(), 1);

    house.ran(ENDED + 200, 600, 20);
    house.tend(ENDED + 600);
    let (stage, later) = house.last();
    assert_eq!((stage.as_str(), later.effect), ("recovered", Recovery::Recovered), "{later:?}");
    assert!(later.symptoms[1].after.raw().contains("the same within 5 points"), "{later:?}");
    assert_eq!(house.desk.came_of(later.plan).unwrap(), Some(later));
    for minutes in [16, 31, 61, 70] {
        house.tend(ENDED + 60 * minutes);
    }
    assert_eq!(house.looks().len(), 2, "shown to be as before, and no alert fires: that stands");
}

#[test]
fn alerts_that_are_quiet_while_as_many_runs_go_wrong_are_no_recovery() {
    let house = House::new();
    house.ran(HEALTHY, 600, 20);
    house.mended();
    house.alert(ENDED + 60, AlertStatus::Resolved);
    house.ran(ENDED + 65, 400, 2);
    house.tend(ENDED + 300);
    let (_, checked) = house.last();
    assert_eq!(checked.symptoms[0].effect, Recovery::Recovered);
    assert_eq!(checked.symptoms[1].effect, Recovery::Unmoved, "{checked:?}");
    assert_eq!(checked.effect, Recovery::Better);
}

#[test]
fn without_runs_from_before_nothing_shows_that_it_is_as_before() {
    let house = House::new();
    house.mended();
    house.alert(ENDED + 60, AlertStatus::Resolved);
    house.tend(ENDED + 90);
    let (stage, checked) = house.last();
    assert_eq!((stage.as_str(), checked.effect), ("quiet", Recovery::Unclear), "{checked:?}");
    house.ran(ENDED + 100, 400, 20);
    house.tend(ENDED + 600);
    let (stage, checked) = house.last();
    assert_eq!((stage.as_str(), checked.effect), ("early", Recovery::Unclear), "{checked:?}");
    assert!(checked.symptoms[1].after.raw().contains("too few runs before it began"), "{checked:?}");
}
