use super::*;
use crate::event::Person;
use crate::response::runbook::Effect;

fn ana() -> Person {
    Person { login: "ana".into(), known_by: "uid".into(), session: "pts/1".into() }
}

fn silence() -> Facts {
    Facts {
        verb: "silence".to_owned(),
        targets: 3,
        minutes: 60,
        reversible: Some(true),
        effects: [Effect::DisablesAlert].into(),
        proposer: "person",
        ..Facts::default()
    }
}

fn run() -> Facts {
    Facts {
        verb: "run".to_owned(),
        targets: 1,
        reversible: Some(true),
        environment: Some("test".to_owned()),
        proposer: "person",
        ..Facts::default()
    }
}

fn day() -> Around {
    Around { hour: 12, weekday: 3, ..Around::default() }
}

fn tier(facts: Facts, change: impl FnOnce(&mut Facts)) -> u8 {
    let mut facts = facts;
    change(&mut facts);
    Rules::default().judge(&ana(), &facts, &day()).tier.0
}

#[test]
fn each_rule_for_silences() {
    assert_eq!(Rules::default().trouble(), None);
    assert_eq!(tier(silence(), |_| ()), 1);
    assert_eq!(tier(silence(), |facts| facts.tainted = true), 2);
    assert_eq!(tier(silence(), |facts| (facts.tainted, facts.critical) = (true, 1)), 3);
    assert_eq!(tier(silence(), |facts| facts.outside = 1), 2);
    assert_eq!(tier(silence(), |facts| facts.targets = 25), 1);
    assert_eq!(tier(silence(), |facts| facts.targets = 26), 3);
    assert_eq!(tier(silence(), |facts| facts.minutes = 241), 3);
    assert_eq!(tier(silence(), |facts| facts.targets = 501), 4);
}

#[test]
fn each_rule_for_changes() {
    assert_eq!(tier(run(), |facts| facts.reads = true), 0);
    assert_eq!(tier(run(), |_| ()), 1);
    assert_eq!(tier(run(), |facts| facts.environment = None), 2, "where nothing says, it is production");
    assert_eq!(tier(run(), |facts| facts.environment = Some("production".to_owned())), 2);
    assert_eq!(tier(run(), |facts| facts.targets = 2), 3);
    assert_eq!(tier(run(), |facts| facts.effects = [Effect::Restarts].into()), 3);
    assert_eq!(tier(run(), |facts| facts.targets = 11), 4);
    assert_eq!(tier(run(), |facts| facts.reversible = None), 4);
    assert_eq!(tier(run(), |facts| facts.outside = 1), 4);
    assert_eq!(tier(run(), |facts| facts.reversible = Some(false)), 5);
    assert_eq!(tier(run(), |facts| facts.effects = [Effect::DeletesData].into()), 5);
    assert_eq!(tier(run(), |facts| facts.targets = 101), 5);
    assert_eq!(tier(run(), |facts| (facts.targets, facts.reversible) = (11, Some(false))), 6);
    assert_eq!(tier(run(), |facts| facts.declared = 5), 5);
    assert_eq!(tier(run(), |facts| facts.proposer = "model"), 2);
}

#[test]
fn harmless_steps_that_together_are_not() {
    assert_eq!(tier(run(), |facts| facts.effects = [Effect::Network].into()), 1);
    let leaks = |facts: &mut Facts| {
        facts.effects = [Effect::Network].into();
        facts.earlier = [Effect::ReadsSecret].into();
    };
    assert_eq!(tier(run(), leaks), 5);
    let unheard = |facts: &mut Facts| {
        facts.effects = [Effect::Deploys].into();
        facts.earlier = [Effect::DisablesAlert].into();
    };
    assert_eq!(tier(run(), unheard), 4);
}

#[test]
fn people_have_a_tier_and_a_budget_of_their_own() {
    let call = || Facts { verb: "call".to_owned(), effects: [Effect::ReachesPeople].into(), ..run() };
    assert_eq!(tier(call(), |_| ()), 2);
    assert_eq!(tier(call(), |facts| facts.calls = 5), 4);
    assert_eq!(tier(call(), |facts| (facts.calls, facts.calls_same) = (3, 3)), 4);
}

#[test]
fn a_tier_says_why_and_what_it_asks_for() {
    let wide = Facts { targets: 501, ..silence() };
    let ruling = Rules::default().judge(&ana(), &wide, &day());
    assert_eq!(ruling.reasons, ["it hides very many alerts".into()]);
    assert!(ruling.typed && !ruling.second && !ruling.alone);
    let wider = Rules::default().judge(&ana(), &Facts { tainted: true, ..wide }, &day());
    assert!(wider.typed && wider.second, "{wider:?}");
    assert_eq!(wider.reasons.last().unwrap().raw(), "text from outside is part of the request");
    assert!(Rules::default().judge(&ana(), &Facts { reads: true, ..run() }, &day()).alone);
}

#[test]
fn an_agent_approves_nothing() {
    let agent = Person { known_by: "agent".into(), ..ana() };
    let tier = crate::event::Tier(1);
    assert!(Rules::default().may_approve(&ana(), &run(), tier, &day()).is_ok());
    let why = Rules::default().may_approve(&agent, &run(), tier, &day()).unwrap_err();
    assert_eq!(why, ["an agent approves nothing".into()]);
}

#[test]
fn fault_57_whoever_left_a_group_has_lost_what_it_allowed() {
    let text = "@why(\"only the on-call group deploys\")\nforbid (principal, action == Action::\"approve\", resource)\nwhen { resource.effects.contains(\"deploys\") && !principal.groups.contains(\"oncall\") };";
    let rules = Rules::beside("team.cedar", text).unwrap();
    let deploy = Facts { effects: [Effect::Deploys].into(), ..run() };
    let tier = crate::event::Tier(3);
    let member = Around { groups: ["oncall".to_owned()].into(), ..day() };
    assert!(rules.may_approve(&ana(), &deploy, tier, &member).is_ok());
    assert!(rules.may_approve(&ana(), &deploy, tier, &day()).is_err());
}

#[test]
fn fault_72_rules_that_cannot_be_read_are_named_by_line_and_closed_rules_allow_nothing() {
    let cases = [
        ("forbid(principal, action, resource) when { resource.goals > 1 };", 1, "goals"),
        ("\nforbid(principal, action\n, resourc", 3, "unexpected"),
        (
            "permit(principal, action, resource);\nforbid(principal, action, resource) when { resource.verb == 3 };",
            2,
            "Long",
        ),
        ("permit(principal == ?principal, action, resource);", 1, "template"),
    ];
    for (text, line, what) in cases {
        let bad = Rules::beside("team.cedar", text).unwrap_err();
        assert_eq!((bad.place.as_str(), bad.line), ("team.cedar", line), "{bad}");
        assert!(bad.what.contains(what), "{bad}");
    }
    let closed = Rules::closed("team.cedar:3: unexpected".to_owned());
    let ruling = closed.judge(&ana(), &Facts { reads: true, ..run() }, &day());
    assert_eq!((ruling.tier.0, ruling.alone), (WIDEST, false));
    assert!(ruling.reasons[0].raw().contains("team.cedar:3"), "{ruling:?}");
    assert!(closed.may_approve(&ana(), &run(), crate::event::Tier(1), &day()).is_err());
}

#[test]
fn fault_72_a_team_that_permits_everything_lowers_nothing() {
    let all = Rules::beside("team.cedar", "permit (principal, action, resource);").unwrap();
    let deletes = Facts { effects: [Effect::DeletesData].into(), ..run() };
    assert_eq!(all.judge(&ana(), &deletes, &day()), Rules::default().judge(&ana(), &deletes, &day()));
    assert_ne!(all.version(), Rules::default().version(), "and it is another policy all the same");
}

mod any {
    use super::*;
    use proptest::prelude::*;

    fn effects() -> impl Strategy<Value = std::collections::BTreeSet<Effect>> {
        proptest::sample::subsequence(Effect::ALL.to_vec(), 0..4).prop_map(|some| some.into_iter().collect())
    }

    fn facts() -> impl Strategy<Value = Facts> {
        let kind =
            (proptest::sample::select(vec!["silence", "run", "call"]), any::<bool>(), any::<bool>(), any::<bool>());
        let size = (0_usize..700, 0_usize..5, 0_usize..5, 0_u32..2000, 0_u8..7);
        (kind, size, effects(), effects(), proptest::option::of(any::<bool>())).prop_map(
            |(
                (verb, reads, tainted, odd_text),
                (targets, outside, critical, minutes, declared),
                effects,
                earlier,
                reversible,
            )| Facts {
                verb: verb.to_owned(),
                reads,
                tainted,
                odd_text,
                targets,
                outside,
                critical,
                minutes,
                declared,
                effects,
                earlier,
                reversible,
                proposer: "person",
                ..Facts::default()
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn more_of_anything_never_lowers_a_tier(facts in facts(), more in 0_usize..600, minutes in 0_u32..500, effect in 0_usize..13) {
            let rules = Rules::default();
            let judge = |facts: &Facts| rules.judge(&ana(), facts, &day()).tier;
            let before = judge(&facts);
            let mut changed = vec![
                Facts { tainted: true, ..facts.clone() },
                Facts { odd_text: true, ..facts.clone() },
                Facts { targets: facts.targets + more, ..facts.clone() },
                Facts { outside: facts.outside + more, ..facts.clone() },
                Facts { critical: facts.critical + more, ..facts.clone() },
                Facts { minutes: facts.minutes + minutes, ..facts.clone() },
                Facts { declared: (facts.declared + 1).min(WIDEST), ..facts.clone() },
                Facts { proposer: "model", ..facts.clone() },
                Facts { reversible: Some(false), ..facts.clone() },
            ];
            let mut effects = facts.clone();
            effects.effects.insert(Effect::ALL[effect]);
            changed.push(effects);
            let mut earlier = facts.clone();
            earlier.earlier.insert(Effect::ALL[effect]);
            changed.push(earlier);
            for facts in changed {
                prop_assert!(judge(&facts) >= before, "{facts:?}");
            }
        }
    }
}
