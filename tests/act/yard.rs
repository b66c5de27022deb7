//! An incident with a runbook of its own, a desk that runs programs, and a folder that stands for the world.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;
use warroom::event::{Fact, Kind, Outcome, Plan, PlanId, Time};
use warroom::journal::{Query, SharedJournal, SqliteJournal};
use warroom::response::runbook::{Facts, Shelf};
use warroom::response::{
    Act, Desk as _, Executor, Freeze, Hands, HttpExecutor, LocalDesk, ProcessExecutor, Rules, StepAt, wall,
};

use crate::scene::{INCIDENT, open_incident, person};

/// See the top of this file.
pub struct Yard {
    pub journal: SharedJournal,
    folder: TempDir,
    pub runtime: tokio::runtime::Runtime,
}

/// The runbook's name.
pub const RUNBOOK: &str = "yard";

impl Yard {
    /// An incident of one alert with these labels, and a runbook of this text. `{world}` in it is the folder.
    pub fn new(labels: &[(&str, &str)], runbook: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("world")).unwrap();
        std::fs::create_dir(folder.path().join("runbooks")).unwrap();
        let journal: SharedJournal =
            Arc::new(SqliteJournal::open(&folder.path().join("journal.db"), Time::now()).unwrap());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let yard = Self { journal, folder, runtime };
        yard.write_runbook(runbook);
        let labels = labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        open_incident(&yard.journal, [("00000000000000aa".parse().unwrap(), labels)].into_iter());
        yard
    }

    /// The folder that stands for the world.
    pub fn world(&self) -> PathBuf {
        self.folder.path().join("world")
    }

    /// The wall of the program under test, which lets the world be read.
    fn wall(&self) -> wall::Surroundings {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_warroom"));
        wall::Surroundings { program, reads: vec![self.world()], ..wall::Surroundings::default() }
    }

    /// The journal's file.
    pub fn journal_path(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    /// What a file of the world holds.
    pub fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.world().join(name)).ok()
    }

    /// Writes the runbook anew.
    pub fn write_runbook(&self, text: &str) {
        let text = text.replace("{world}", &self.world().display().to_string());
        std::fs::write(self.folder.path().join("runbooks").join(format!("{RUNBOOK}.md")), text).unwrap();
    }

    /// A desk with the usual rules.
    pub fn desk(&self) -> LocalDesk {
        self.desk_with(Rules::default())
    }

    /// A desk with these rules.
    pub fn desk_with(&self, rules: Rules) -> LocalDesk {
        self.desk_sending_to(rules, &[])
    }

    /// A desk that may send to these addresses.
    pub fn desk_sending_to(&self, rules: Rules, origins: &[&str]) -> LocalDesk {
        let origins = origins.iter().map(|origin| origin.parse().unwrap()).collect();
        let secrets = vec![("pager".to_owned(), "k-123".to_owned())];
        let http = HttpExecutor::new(self.runtime.handle().clone(), origins, Vec::new(), secrets);
        let executors: Vec<Box<dyn Executor>> =
            vec![Box::new(ProcessExecutor::new(Vec::new(), self.wall())), Box::new(http)];
        self.desk_of(rules, executors)
    }

    /// A desk that runs programs, may send to these addresses and holds changes so.
    pub fn desk_freezing(&self, rules: Rules, origins: &[&str], freeze: Freeze) -> LocalDesk {
        let origins = origins.iter().map(|origin| origin.parse().unwrap()).collect();
        let http = HttpExecutor::new(self.runtime.handle().clone(), origins, Vec::new(), Vec::new());
        let executors: Vec<Box<dyn Executor>> =
            vec![Box::new(ProcessExecutor::new(Vec::new(), self.wall())), Box::new(http)];
        self.desk_with_hands(rules, Hands { executors, freeze: Some(freeze), ..Hands::default() })
    }

    /// A desk with these executors.
    pub fn desk_of(&self, rules: Rules, executors: Vec<Box<dyn Executor>>) -> LocalDesk {
        self.desk_with_hands(rules, Hands { executors, ..Hands::default() })
    }

    /// A desk with these hands, the yard's runbook and its wall.
    pub fn desk_with_hands(&self, rules: Rules, hands: Hands) -> LocalDesk {
        let dir = [self.folder.path().join("runbooks")];
        let same = dir.clone();
        let hands = Hands {
            runbooks: Box::new(move || Shelf::of_folders(&dir).runbooks),
            runbook: Box::new(move |name| {
                Shelf::of_folders(&same).runbooks.into_iter().find(|runbook| runbook.name.raw() == name)
            }),
            wall: self.wall(),
            ..hands
        };
        LocalDesk::new(Arc::clone(&self.journal), hands, rules, Time::now())
    }

    /// Everything the journal holds of this kind.
    pub fn facts(&self, kind: Kind) -> Vec<Fact> {
        let query = Query { kinds: vec![kind], ..Query::default() };
        self.journal.read(&query).unwrap().iter().map(|record| record.fact().unwrap()).collect()
    }

    /// The same, all of it, however much.
    pub fn all(&self, kind: Kind) -> Vec<Fact> {
        let mut all = Vec::new();
        let mut query = Query { kinds: vec![kind], ..Query::default() };
        loop {
            let page = self.journal.read(&query).unwrap();
            let Some(last) = page.last() else { return all };
            query.after = last.seq;
            all.extend(page.iter().map(|record| record.fact().unwrap()));
        }
    }

    /// The newest plan.
    pub fn plan(&self) -> Plan {
        let query = Query { kinds: vec![Kind::Proposed], newest_first: true, limit: 1, ..Query::default() };
        match self.journal.read(&query).unwrap().first().map(|record| record.fact().unwrap()) {
            Some(Fact::Proposed(plan)) => *plan,
            other => panic!("no plan: {other:?}"),
        }
    }

    /// The newest outcome.
    pub fn outcome(&self) -> Option<Outcome> {
        match self.facts(Kind::Finished).pop() {
            Some(Fact::Finished(finished)) => Some(finished.outcome),
            _ => None,
        }
    }

    /// What rules held back so far: what was tried, and why not.
    pub fn barred(&self) -> Vec<(String, String)> {
        let facts = self.facts(Kind::Barred).into_iter();
        facts
            .map(|fact| match fact {
                Fact::Barred(barred) => (barred.tried.raw().to_owned(), barred.why.raw().to_owned()),
                other => panic!("{other:?}"),
            })
            .collect()
    }
}

/// A step, with values a person gives.
pub fn at(step: &str, values: &[(&str, &str)]) -> Box<StepAt> {
    let values: BTreeMap<_, _> = values.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Box::new(StepAt { runbook: RUNBOOK.into(), step: step.into(), values, seen: Facts::default() })
}

/// Proposes a step as `ana`.
pub fn propose(yard: &Yard, desk: &LocalDesk, step: &str, values: &[(&str, &str)]) -> anyhow::Result<PlanId> {
    desk.perform(INCIDENT, Act::ProposeStep(at(step, values)), &person("ana"), Time::now())?;
    Ok(yard.plan().id())
}

/// Approves a plan, with whatever has to be typed.
pub fn approve(yard: &Yard, desk: &LocalDesk, plan: PlanId, login: &str) -> anyhow::Result<String> {
    let typed = yard.plan().asks.and_then(|asks| asks.typed);
    desk.perform(INCIDENT, Act::Approve { plan, typed, glass: None, read_ms: None }, &person(login), Time::now())
}
