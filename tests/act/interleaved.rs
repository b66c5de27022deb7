//! Two responders at random: whatever they do in whatever order, with processes that die in the middle, each plan ends one way
//! and happens at most once.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use warroom::event::{Fact, Fingerprint, Kind, Outcome, Plan, PlanId, Time};
use warroom::response::{Act, Desk as _, Executor, LocalDesk, Reach, Rules, Watch};

use crate::scene::{INCIDENT, person};
use crate::yard::{Yard, at};

/// Incidents, …
const INCIDENTS: u64 = 10;
/// … and rounds in each, every one with a plan of its own.
const ROUNDS: u64 = 100;

/// Random numbers that are the same in every run (xorshift64*, Vigna 2016).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }
}

/// How often each plan reached the world; some die before, some after.
#[derive(Clone, Default)]
struct World(Arc<Mutex<BTreeMap<PlanId, u32>>>);

impl Executor for World {
    fn takes(&self, _plan: &Plan) -> bool {
        true
    }

    fn resolve(&self, plan: &Plan, _members: &BTreeSet<Fingerprint>) -> anyhow::Result<Reach> {
        Ok(Reach { targets: plan.targets.clone(), ..Reach::default() })
    }

    fn send(&self, plan: &Plan, watch: &mut dyn Watch) -> Outcome {
        let mut dice = Dice(u64::from_le_bytes(plan.id().0.0[..8].try_into().unwrap()) | 1);
        let fate = dice.roll(10);
        assert!(fate != 0, "dies before it is sent");
        *self.0.lock().unwrap().entry(plan.id()).or_default() += 1;
        assert!(fate != 1, "dies after it was sent");
        std::thread::sleep(Duration::from_micros(dice.roll(3_000)));
        match watch.stop() {
            Some(why) => Outcome::Unknown { check: why.into() },
            None => Outcome::Done { receipt: "done".into() },
        }
    }

    fn look_up(&self, plan: &Plan) -> anyhow::Result<Option<Outcome>> {
        let happened = self.0.lock().unwrap().contains_key(&plan.id());
        Ok(happened.then(|| Outcome::Done { receipt: "found".into() }))
    }
}

/// What a responder does with a plan, once or twice, at random moments.
fn respond(desk: &LocalDesk, plan: PlanId, login: &str, mut dice: Dice) {
    for _ in 0..=dice.roll(2) {
        std::thread::sleep(Duration::from_micros(dice.roll(4_000)));
        let act = match dice.roll(10) {
            0..=5 => Act::Approve { plan, typed: None, glass: None, read_ms: None },
            6 | 7 => Act::Deny { plan, reason: "no".into() },
            8 => Act::Cancel { plan, reason: "stop".into() },
            _ => Act::Reconcile { plan },
        };
        // A process that dies takes nothing with it but itself.
        let _ = catch_unwind(AssertUnwindSafe(|| desk.perform(INCIDENT, act, &person(login), Time::now())));
    }
}

#[test]
fn fault_58_and_59_a_thousand_interleavings_of_two_responders_and_crashes_end_one_way_each() {
    let mut ways = [0; 3];
    // What dies is meant to; nobody wants to read a thousand reports of it.
    std::panic::set_hook(Box::new(|_| {}));
    for seed in 0..INCIDENTS {
        for (all, here) in ways.iter_mut().zip(one_incident(0x5EED_0001 + seed)) {
            *all += here;
        }
    }
    let _ = std::panic::take_hook();
    let [began, refused, unknown] = ways;
    println!("{began} began, {refused} were refused, {unknown} are of unknown outcome");
    assert!(began > 300 && refused > 100 && unknown > 20, "every way came up: {began} {refused} {unknown}");
}

/// A hundred rounds; how many began, were refused, and are of unknown outcome.
fn one_incident(seed: u64) -> [u32; 3] {
    let book = "## Go\n\n```sh {name=go tier=1 rollback=go}\ntrue\n```\n";
    let yard = Yard::new(&[("alertname", "Full"), ("env", "test")], book);
    let world = World::default();
    let desk = || yard.desk_of(Rules::default(), vec![Box::new(world.clone())]);
    let (hers, his) = (desk(), desk());
    let mut dice = Dice(seed);
    let mut plans = Vec::new();
    for _ in 0..ROUNDS {
        hers.perform(INCIDENT, Act::ProposeStep(at("go", &[])), &person("ana"), Time::now()).unwrap();
        let plan = yard.plan().id();
        plans.push(plan);
        let (one, other) = (Dice(dice.roll(1 << 30) | 1), Dice(dice.roll(1 << 30) | 1));
        std::thread::scope(|threads| {
            threads.spawn(|| respond(&hers, plan, "ana", one));
            threads.spawn(|| respond(&his, plan, "ben", other));
        });
    }
    his.tend(Time::now()).unwrap();

    let happened = world.0.lock().unwrap().clone();
    assert!(happened.values().all(|times| *times == 1), "nothing happened twice");
    let mut ends: BTreeMap<PlanId, (u32, u32, Vec<Outcome>)> = BTreeMap::new();
    for kind in [Kind::Started, Kind::Denied, Kind::Finished] {
        for fact in yard.all(kind) {
            match fact {
                Fact::Started(started) => ends.entry(started.plan).or_default().0 += 1,
                Fact::Denied(denied) => ends.entry(denied.plan).or_default().1 += 1,
                Fact::Finished(finished) => ends.entry(finished.plan).or_default().2.push(finished.outcome),
                _ => unreachable!("only these were asked for"),
            }
        }
    }
    let (mut began, mut refused, mut unknown) = (0, 0, 0);
    for plan in plans {
        let (started, denied, outcomes) = ends.remove(&plan).unwrap_or_default();
        assert!(started + denied <= 1, "it began and was refused: {plan}");
        assert_eq!(started == 1, !outcomes.is_empty(), "what began has an end: {plan} {outcomes:?}");
        assert!(denied == 0 || !happened.contains_key(&plan), "what was refused did not happen: {plan}");
        assert!(started == 1 || !happened.contains_key(&plan), "nothing happens without a record: {plan}");
        // Once known it stays so.
        let known = outcomes.iter().skip_while(|outcome| matches!(outcome, Outcome::Unknown { .. })).count();
        assert!(known <= 1, "{outcomes:?}");
        if let Some(Outcome::Done { .. }) = outcomes.last() {
            assert!(happened.contains_key(&plan), "done means done: {plan}");
        }
        began += started;
        refused += denied;
        unknown += u32::from(matches!(outcomes.last(), Some(Outcome::Unknown { .. })));
    }
    [began, refused, unknown]
}
