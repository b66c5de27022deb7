//! Changes are held through a hook of the team's, for as long as was approved and no longer.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use jiff::SignedDuration;
use warroom::engine::{self, view::Freezing};
use warroom::event::{Change, ChangeClass, Fact, Kind, Outcome, Plan, PlanId, Purpose, Request, Source, Surface, Time};
use warroom::journal::Draft;
use warroom::response::{Act, Desk as _, Freeze, Hook, LocalDesk, Rules};

use crate::scene::{INCIDENT, person};
use crate::yard::{Yard, approve};

/// The team's command: it writes into the repository who may not push until when, and says whom it holds.
const HOLD: &str = r#"#!/bin/sh -eu
repo="$2"
case "$1" in
hold)
    echo "$WARROOM_UNTIL $WARROOM_SERVICES $WARROOM_SURFACES" > "$repo/hooks/frozen"
    echo "call $WARROOM_IDEMPOTENCY_KEY" >> "$repo/hooks/calls"
    echo "deploy 4711 by mei"
    echo "prompt change by bo"
    ;;
release)
    echo "release $WARROOM_IDEMPOTENCY_KEY" >> "$repo/hooks/calls"
    rm -f "$repo/hooks/frozen"
    echo "let go"
    ;;
held)
    cat "$repo/hooks/waiting"
    ;;
esac
"#;

/// What git asks before it takes a push.
const PRE_RECEIVE: &str = r#"#!/bin/sh
if [ -e "$GIT_DIR/hooks/frozen" ]; then
    echo "frozen: $(cat "$GIT_DIR/hooks/frozen")" >&2
    exit 1
fi
"#;

fn script(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn git(folder: &Path, words: &[&str]) -> std::process::Output {
    let mut command = Command::new("git");
    command.current_dir(folder).args(words).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    for (name, value) in [("NAME", "mei"), ("EMAIL", "mei@example.com")] {
        command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
    }
    command.output().unwrap()
}

/// A yard whose world holds a repository and the team's command.
struct Ice {
    yard: Yard,
}

impl Ice {
    fn new() -> Self {
        let yard =
            Yard::new(&[("alertname", "WrongRefunds"), ("service", "checkout"), ("env", "production")], "# None\n");
        let world = yard.world();
        assert!(git(&world, &["init", "-q", "--bare", "repo.git"]).status.success());
        script(&world.join("repo.git/hooks/pre-receive"), PRE_RECEIVE);
        script(&world.join("freeze"), HOLD);
        std::fs::write(world.join("repo.git/hooks/waiting"), "deploy 4711 by mei\n").unwrap();
        assert!(git(&world, &["init", "-q", "work"]).status.success());
        Self { yard }
    }

    /// Whether a push goes through, and what git says.
    fn push(&self) -> (bool, String) {
        let work = self.yard.world().join("work");
        assert!(git(&work, &["commit", "-q", "--allow-empty", "-m", "prompt 43"]).status.success());
        let pushed = git(&work, &["push", "-q", "../repo.git", "HEAD:refs/heads/main"]);
        (pushed.status.success(), String::from_utf8_lossy(&pushed.stderr).into_owned())
    }

    fn command(&self, what: &str) -> Hook {
        let world = self.yard.world().display().to_string();
        Hook::Command(vec![format!("{world}/freeze"), what.into(), format!("{world}/repo.git")])
    }

    fn freeze(&self) -> Freeze {
        Freeze {
            hold: self.command("hold"),
            release: Some(self.command("release")),
            held: Some(self.command("held")),
            minutes: 60,
            longest: 480,
        }
    }

    fn desk(&self) -> LocalDesk {
        self.yard.desk_freezing(Rules::default(), &[], self.freeze())
    }

    fn calls(&self) -> Vec<String> {
        let text = self.yard.read("repo.git/hooks/calls").unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn view(&self) -> warroom::engine::view::IncidentView {
        view(&self.yard)
    }
}

fn view(yard: &Yard) -> warroom::engine::view::IncidentView {
    let view = engine::picture(&yard.journal, None).unwrap();
    let found = view.incidents.items.iter().find(|incident| incident.id == INCIDENT).unwrap();
    warroom::engine::view::IncidentView::clone(found)
}

fn propose(yard: &Yard, desk: &LocalDesk, minutes: u32) -> anyhow::Result<PlanId> {
    propose_at(yard, desk, minutes, Time::now())
}

fn propose_at(yard: &Yard, desk: &LocalDesk, minutes: u32, now: Time) -> anyhow::Result<PlanId> {
    let act = Act::ProposeFreeze {
        services: vec!["checkout".into()],
        surfaces: vec![Surface::Prompt, Surface::Model],
        minutes: Some(minutes),
    };
    desk.perform(INCIDENT, act, &person("ana"), now)?;
    Ok(yard.plan().id())
}

/// The plans whose request lets go, with what became of them.
fn releases(yard: &Yard) -> Vec<(Plan, Option<Outcome>, bool)> {
    let all = yard.facts(Kind::Proposed).into_iter().filter_map(|fact| match fact {
        Fact::Proposed(plan) if matches!(plan.purpose, Purpose::Thaw { .. }) => Some(*plan),
        _ => None,
    });
    all.map(|plan| {
        let id = plan.id();
        let outcome = yard.facts(Kind::Finished).into_iter().find_map(|fact| match fact {
            Fact::Finished(finished) if finished.plan == id => Some(finished.outcome),
            _ => None,
        });
        let denied = yard.facts(Kind::Denied).iter().any(|fact| matches!(fact, Fact::Denied(x) if x.plan == id));
        (plan, outcome, denied)
    })
    .collect()
}

fn later(minutes: i64) -> Time {
    Time::now() + SignedDuration::from_mins(minutes)
}

#[test]
fn changes_are_held_as_approved_and_let_go_by_themselves_exactly_once() {
    let ice = Ice::new();
    let desk = ice.desk();
    assert!(ice.push().0);
    let freeze = propose(&ice.yard, &desk, 30).unwrap();
    let plan = ice.yard.plan();
    // All that will ever run is in what is shown, under its digest: what holds, and what lets go.
    let Purpose::Freeze { until, release: Some(Request::Process { argv }), .. } = &plan.purpose else {
        panic!("{plan:?}")
    };
    assert_eq!(argv[1].raw(), "release");
    assert_eq!(plan.traits.as_ref().unwrap().verb.raw(), "freeze");
    assert_eq!(plan.tier.0, 3, "production, and a name from outside: {:?}", plan.reasons);
    assert!(ice.push().0, "nothing is held before it is approved");
    approve(&ice.yard, &desk, freeze, "ana").unwrap();
    // It really holds, and the hook was told until when.
    let (went, said) = ice.push();
    assert!(!went && said.contains(&format!("frozen: {until} checkout model,prompt")), "{said}");
    let frozen = ice.view().freeze.unwrap();
    assert_eq!(frozen.at(Time::now()), Freezing::Holds);
    assert!(frozen.said.raw().contains("deploy 4711 by mei\nprompt change by bo"), "{:?}", frozen.said);
    // Nobody lets go before its time, whoever looks.
    desk.tend(later(29)).unwrap();
    assert_eq!(ice.calls().len(), 1);
    // Two consoles whose clocks are past it: one of them lets go, once. A third comes later.
    let (one, other) = (ice.desk(), ice.desk());
    std::thread::scope(|scope| {
        scope.spawn(|| one.tend(later(31)));
        scope.spawn(|| other.tend(later(31)));
    });
    ice.desk().tend(later(40)).unwrap();
    let key = plan.idempotency_key.raw();
    assert_eq!(ice.calls(), [format!("call {key}"), format!("release {key}-release")]);
    assert!(ice.push().0, "changes go on");
    let frozen = ice.view().freeze.unwrap();
    assert_eq!(frozen.at(later(31)), Freezing::Over);
    let of_release = releases(&ice.yard);
    assert!(
        matches!(of_release.as_slice(), [(release, Some(Outcome::Done { .. }), false)] if release.purpose
        == (Purpose::Thaw { freeze: Some(freeze) })),
        "{of_release:?}"
    );
}

#[test]
fn who_is_held_is_listed_behind_the_wall_and_recorded_when_it_changes() {
    let ice = Ice::new();
    let desk = ice.desk();
    let freeze = propose(&ice.yard, &desk, 30).unwrap();
    approve(&ice.yard, &desk, freeze, "ana").unwrap();
    desk.tend(Time::now()).unwrap();
    desk.tend(later(2)).unwrap();
    let held = ice.view().freeze.unwrap().held.unwrap();
    assert_eq!(held.finding.raw(), "1 held: deploy 4711 by mei");
    assert_eq!(ice.yard.facts(Kind::StepRead).len(), 1, "the same list is recorded once");
    std::fs::write(ice.yard.world().join("repo.git/hooks/waiting"), "deploy 4711 by mei\nprompt 44 by bo\n").unwrap();
    desk.tend(later(4)).unwrap();
    assert_eq!(ice.view().freeze.unwrap().held.unwrap().finding.raw(), "2 held: deploy 4711 by mei; prompt 44 by bo");
}

#[test]
fn a_person_lets_changes_go_on_sooner_and_then_nothing_is_sent_at_the_end() {
    let ice = Ice::new();
    let desk = ice.desk();
    assert!(desk.perform(INCIDENT, Act::ProposeThaw, &person("ana"), Time::now()).is_err(), "nothing is held");
    let freeze = propose(&ice.yard, &desk, 30).unwrap();
    approve(&ice.yard, &desk, freeze, "ana").unwrap();
    desk.perform(INCIDENT, Act::ProposeThaw, &person("bo"), Time::now()).unwrap();
    let thaw = ice.yard.plan();
    assert_eq!(thaw.proposed_by.raw(), "bo");
    assert!(!ice.push().0, "a proposal lets nothing go");
    approve(&ice.yard, &desk, thaw.id(), "bo").unwrap();
    assert!(ice.push().0);
    let frozen = ice.view().freeze.unwrap();
    assert_eq!(frozen.at(Time::now()), Freezing::LetGo);
    assert_eq!(frozen.let_go.unwrap().0.raw(), "bo");
    desk.tend(later(31)).unwrap();
    assert_eq!(ice.calls().len(), 2, "one call that holds, one that lets go");
    assert!(
        releases(&ice.yard)
            .iter()
            .any(|(plan, outcome, denied)| { plan.proposed_by.raw() == "engine" && outcome.is_none() && *denied })
    );
    assert!(desk.perform(INCIDENT, Act::ProposeThaw, &person("ana"), Time::now()).is_err(), "nothing is held any more");
}

#[test]
fn an_incident_that_is_over_leaves_nothing_frozen() {
    let ice = Ice::new();
    let desk = ice.desk();
    let freeze = propose(&ice.yard, &desk, 30).unwrap();
    approve(&ice.yard, &desk, freeze, "ana").unwrap();
    let told = desk.perform(INCIDENT, Act::Resolve, &person("ana"), Time::now()).unwrap();
    assert!(told.contains("still held until"), "{told}");
    assert!(propose(&ice.yard, &desk, 30).is_err(), "what is over is not frozen anew");
    desk.tend(later(31)).unwrap();
    assert_eq!(ice.calls().len(), 2);
    assert!(ice.push().0);
}

#[test]
fn a_later_freeze_takes_the_place_of_an_earlier_one() {
    let ice = Ice::new();
    let desk = ice.desk();
    let first = propose(&ice.yard, &desk, 30).unwrap();
    approve(&ice.yard, &desk, first, "ana").unwrap();
    let second = propose(&ice.yard, &desk, 90).unwrap();
    approve(&ice.yard, &desk, second, "ana").unwrap();
    desk.tend(later(31)).unwrap();
    assert!(!ice.push().0, "the end of the first lets nothing go that the second holds");
    assert_eq!(ice.view().freeze.unwrap().plan, second);
    desk.tend(later(91)).unwrap();
    assert!(ice.push().0);
}

#[test]
fn fault_64_nothing_is_let_go_while_all_changes_are_switched_off_and_then_it_is() {
    let ice = Ice::new();
    let desk = ice.desk();
    let freeze = propose(&ice.yard, &desk, 30).unwrap();
    approve(&ice.yard, &desk, freeze, "ana").unwrap();
    let halt = |on| desk.perform(INCIDENT, Act::Halt { on, reason: "wait".into() }, &person("ana"), Time::now());
    halt(true).unwrap();
    ice.desk().tend(later(31)).unwrap();
    assert_eq!(ice.calls().len(), 1);
    halt(false).unwrap();
    ice.desk().tend(later(32)).unwrap();
    assert_eq!(ice.calls().len(), 2);
}

#[test]
fn a_freeze_that_never_held_lets_nothing_go() {
    let ice = Ice::new();
    std::fs::remove_file(ice.yard.world().join("repo.git/hooks/waiting")).unwrap();
    std::fs::remove_dir_all(ice.yard.world().join("repo.git/hooks")).unwrap();
    let desk = ice.desk();
    let freeze = propose(&ice.yard, &desk, 30).unwrap();
    let told = approve(&ice.yard, &desk, freeze, "ana").unwrap();
    assert!(told.contains("failed"), "{told}");
    assert!(ice.view().freeze.is_none(), "a hook that failed holds nothing");
    desk.tend(later(31)).unwrap();
    assert!(matches!(releases(&ice.yard).as_slice(), [(_, None, true)]));
}

#[test]
fn fault_55_a_freeze_whose_time_is_over_is_not_approved() {
    let ice = Ice::new();
    let desk = ice.desk();
    let freeze = propose(&ice.yard, &desk, 1).unwrap();
    let act = Act::Approve { plan: freeze, typed: None, glass: None, read_ms: None };
    let why = desk.perform(INCIDENT, act, &person("ana"), later(2)).unwrap_err().to_string();
    assert!(why.contains("expired"), "{why}");
    assert!(ice.calls().is_empty());
}

#[test]
fn fault_62_a_service_named_like_an_option_or_a_script_is_refused() {
    let ice = Ice::new();
    let desk = ice.desk();
    for name in ["--all", "a; rm -rf /", "ch\u{435}ckout"] {
        let act = Act::ProposeFreeze { services: vec![name.into()], surfaces: vec![], minutes: Some(30) };
        let why = format!("{:#}", desk.perform(INCIDENT, act, &person("ana"), Time::now()).unwrap_err());
        assert!(why.contains("holds what is not put into a command"), "{name}: {why}");
    }
    assert!(ice.yard.facts(Kind::Proposed).is_empty());
}

#[test]
fn what_walks_past_a_freeze_is_named_and_what_was_made_before_is_not() {
    let ice = Ice::new();
    let desk = ice.desk();
    let freeze = propose(&ice.yard, &desk, 30).unwrap();
    approve(&ice.yard, &desk, freeze, "ana").unwrap();
    let since = ice.view().freeze.unwrap().since;
    let changes = [
        ("past", Surface::Prompt, "checkout", since + SignedDuration::from_secs(1)),
        ("before, and told of late", Surface::Prompt, "checkout", since - SignedDuration::from_secs(60)),
        ("another surface", Surface::Code, "checkout", since + SignedDuration::from_secs(1)),
        ("another service", Surface::Prompt, "search-api", since + SignedDuration::from_secs(1)),
        ("after its end", Surface::Prompt, "checkout", since + SignedDuration::from_mins(31)),
    ];
    let drafts = changes.iter().map(|(id, surface, subject, at)| {
        let change = Change {
            id: (*id).into(),
            origin: "git".into(),
            time: *at,
            untimed: false,
            surface: *surface,
            class: ChangeClass::Deploy,
            subject: Some((*subject).into()),
            actor: Some("mei".into()),
            summary: (*id).into(),
            before: None,
            after: None,
            files: Vec::new(),
            diff: None,
            sha: None,
            source: Source::CloudEvents,
        };
        Draft::new(*at, format!("change/{id}"), &change.into())
    });
    ice.yard.journal.append(drafts.collect()).unwrap();
    let view = ice.view();
    let passed = view.freeze.unwrap().passed;
    let ids: Vec<&str> = passed.items.iter().map(|line| line.id.raw()).collect();
    assert_eq!(ids, ["past"]);
    let marked: Vec<&str> = view
        .timeline
        .items
        .iter()
        .filter(|line| line.kind == Kind::Change && line.text.raw().starts_with("WALKED PAST THE FREEZE"))
        .map(|line| line.text.raw())
        .collect();
    assert_eq!(marked, ["WALKED PAST THE FREEZE: past"]);
}
