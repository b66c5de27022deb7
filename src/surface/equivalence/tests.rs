use std::collections::BTreeMap;

use super::*;
use crate::event::{Time, TraceId, Untrusted};
use crate::surface::{Stop, Surfaces};

fn share(of: u64, all: u64) -> Share {
    Share::new(of, all)
}

/// A run of second `second` in `region`; how it ended.
fn run(second: u32, region: &str, class: StopClass) -> RunFacts {
    let start = Time::from_second(1_790_000_000 + i64::from(second)).unwrap();
    let mut trace = [0; 16];
    trace[..4].copy_from_slice(&second.to_be_bytes());
    RunFacts {
        trace: TraceId(trace),
        agent: "bot".into(),
        service: "support".into(),
        start,
        end: start,
        surfaces: Surfaces::default(),
        slices: BTreeMap::from([("region", Untrusted::from(region))]),
        calls: Vec::new(),
        provider_errors: Vec::new(),
        retrievals: Vec::new(),
        evaluations: Vec::new(),
        stop: Stop { class, rule: Untrusted::default(), provider: Vec::new(), step: None },
        model_calls: 1,
        tool_calls: 0,
        said_chars: 0,
        language: None,
        gives_in: None,
        question: None,
        tokens_in: None,
        tokens_out: None,
        cost: None,
        retries: 0,
        root: None,
        rooted: true,
    }
}

/// `n` runs from second `from` on, every `nth` of which looped.
fn runs(from: u32, n: u32, nth: u32, region: &str) -> Vec<RunFacts> {
    (0..n).map(|i| run(from + i, region, if i % nth == 0 { StopClass::Looped } else { StopClass::Complete })).collect()
}

fn measured(before: &[RunFacts], after: &[RunFacts]) -> Vec<Measure> {
    outcomes(&before.iter().collect::<Vec<_>>(), &after.iter().collect::<Vec<_>>(), MARGIN)
}

#[test]
fn not_shown_to_differ_is_not_the_same() {
    // 2 of 20 and 2 of 20: nothing differs, and nothing is shown.
    let few = equivalent(share(2, 20), share(2, 20), MARGIN);
    assert!(matches!(few.verdict, Verdict::Unclear { .. }), "{few:?}");
    assert!(few.in_words().starts_with("too few runs"), "{}", few.in_words());
    let many = equivalent(share(40, 400), share(40, 400), MARGIN);
    assert_eq!(many.verdict, Verdict::Same, "{many:?}");
    assert_eq!(equivalent(share(8, 400), share(120, 400), MARGIN).verdict, Verdict::More);
    assert_eq!(equivalent(share(120, 400), share(8, 400), MARGIN).verdict, Verdict::Less);
    // A difference that is sure and smaller than the margin is none that matters.
    assert_eq!(equivalent(share(1_000, 100_000), share(1_300, 100_000), MARGIN).verdict, Verdict::Same);
}

#[test]
fn so_many_more_runs_as_it_says_are_enough_and_one_less_is_not() {
    let now = equivalent(share(20, 200), share(3, 30), MARGIN);
    let Verdict::Unclear { more: Some(more) } = now.verdict else { panic!("{now:?}") };
    let with = |more: u64| {
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few")]
        let of = 3 + (0.1 * more as f64).round() as u64;
        equivalent(share(20, 200), share(of, 30 + more), MARGIN).verdict
    };
    assert_eq!(with(more), Verdict::Same);
    assert_ne!(with(more - 1), Verdict::Same);
    // With six runs before, no number of runs shows anything.
    assert_eq!(equivalent(share(0, 6), share(0, 900), MARGIN).verdict, Verdict::Unclear { more: None });
    assert_eq!(equivalent(share(0, 0), share(0, 900), MARGIN).verdict, Verdict::Unclear { more: None });
    assert!(matches!(equivalent(share(5, 300), share(0, 0), MARGIN).verdict, Verdict::Unclear { more: Some(_) }));
}

#[test]
fn every_way_to_end_must_be_as_it_was() {
    let healthy = runs(0, 600, 20, "eu");
    let mended = runs(10_000, 600, 20, "eu");
    let all = measured(&healthy, &mended);
    assert_eq!(together(&all), Verdict::Same, "{all:?}");
    assert_eq!(all.len(), 3, "what went wrong, and the two ways in which runs ended");
    // As many go wrong as before, but otherwise: they are cut now.
    let otherwise: Vec<RunFacts> = runs(10_000, 600, 8, "eu")
        .into_iter()
        .map(|mut run| {
            if run.stop.class == StopClass::Looped {
                run.stop.class = StopClass::Refused;
            }
            run
        })
        .collect();
    let all = measured(&healthy, &otherwise);
    assert_ne!(together(&all), Verdict::Same, "runs that refuse are no bad runs, and not as before: {all:?}");
    assert_eq!(together(&[]), Verdict::Unclear { more: None });
    let none = measured(&healthy, &[]);
    assert!(matches!(together(&none), Verdict::Unclear { more: Some(_) }), "{none:?}");
}

#[test]
fn other_traffic_is_told_from_other_behaviour() {
    // In the east a half goes wrong, in the west hardly any: before and after. There is more of the east now.
    let before: Vec<RunFacts> = [runs(0, 900, 50, "west"), runs(2_000, 300, 2, "east")].concat();
    let after: Vec<RunFacts> = [runs(10_000, 600, 50, "west"), runs(12_000, 600, 2, "east")].concat();
    let all = measured(&before, &after);
    let bad = all.iter().find(|one| one.what == Outcome::Bad).unwrap();
    assert_eq!(bad.plain.verdict, Verdict::More, "{bad:?}");
    assert_eq!(bad.verdict, Verdict::Same, "{bad:?}");
    assert!(bad.in_words().contains("are other traffic"), "{}", bad.in_words());
    assert_eq!(together(&all), Verdict::Same, "{all:?}");
    // Within each region worse: no mix excuses that.
    let worse: Vec<RunFacts> = [runs(10_000, 600, 4, "west"), runs(12_000, 600, 1, "east")].concat();
    assert_eq!(together(&measured(&before, &worse)), Verdict::More);
}

#[test]
fn traffic_that_was_never_there_before_excuses_nothing() {
    let before = runs(0, 900, 50, "west");
    let after: Vec<RunFacts> = [runs(10_000, 600, 50, "west"), runs(12_000, 600, 2, "east")].concat();
    assert_eq!(together(&measured(&before, &after)), Verdict::More);
}

#[test]
fn the_two_tests_agree_with_the_interval_of_statsmodels() {
    // statsmodels 0.15 confint_proportions_2indep(after, n, before, m, method="newcomb", compare="diff", alpha=.1).
    for (k1, n1, k2, n2, low, high) in [
        (2, 20, 2, 20, -0.174_744_123, 0.174_744_123),
        (40, 400, 40, 400, -0.035_188_104, 0.035_188_104),
        (3, 30, 20, 200, -0.071_776_860, 0.128_975_500),
        (0, 50, 0, 80, -0.032_712_964, 0.051_333_186),
        (9, 90, 5, 300, 0.038_985_125, 0.148_133_941),
        (300, 400, 310, 390, -0.093_655_685, 0.004_260_721),
        (1, 7, 0, 3, -0.344_000_614, 0.452_286_695),
        (12, 1_000, 8, 900, -0.005_052_094, 0.011_219_962),
    ] {
        let got = equivalent(share(k2, n2), share(k1, n1), MARGIN).interval;
        assert!((got.0 - low).abs() < 1e-6 && (got.1 - high).abs() < 1e-6, "{k1}/{n1} {k2}/{n2}: {got:?}");
    }
}
