//! The first look: all of it at every size, the answer first, and loud where nobody owns it.

use insta::assert_snapshot;

use super::hostile::{HOSTILE, no_hidden};
use crate::console::fixture::{Bench, at, incident, person, view};
use crate::console::model::Msg;
use crate::engine::view::{
    Aspect, Chance, Ended, Hop, InAspect, IncidentView, NoteLine, Novelty, PastView, RatedView, SeriesLine,
    SimilarView, WayView,
};
use crate::event::{IncidentId, Severity, Surface, Truth, Untrusted};
use crate::response::Act;

fn aspect(aspect: Aspect, both: &[&str], now: &[&str], then: &[&str]) -> InAspect {
    let names = |names: &[&str]| names.iter().map(|name| Untrusted::from(*name)).collect::<Vec<_>>();
    InAspect {
        aspect,
        captured: !(both.is_empty() && then.is_empty()),
        both: names(both),
        now: names(now),
        then: names(then),
    }
}

fn past() -> PastView {
    PastView {
        incident: IncidentId(3),
        began: at(-1_000_000),
        headline: "support-assistant is degraded; probable cause: prompt".into(),
        likeness: 0.71,
        chance: Some(Chance { near: 2, of: 100 }),
        aspects: vec![
            aspect(Aspect::Components, &["support-assistant"], &["helpdesk"], &[]),
            aspect(Aspect::Began, &["support-assistant"], &[], &[]),
            aspect(Aspect::Changed, &[], &["prompt of support-assistant"], &["model of support-assistant"]),
            aspect(Aspect::Onset, &[], &["one component"], &[]),
        ],
        ended: Ended {
            headline: "support-assistant is degraded".into(),
            truth: Some(Truth {
                surface: Some(Surface::Prompt),
                subject: Some("support-assistant".into()),
                change: Some("prompt-40".into()),
                onset: None,
                text: "version 40 dropped the refund rule".into(),
            }),
            accepted: None,
            done: vec!["pin prompt 39 in eu".into()],
            note: Some(NoteLine {
                at: at(-990_000),
                author: "mei".into(),
                text: "an eval for this rule is missing".into(),
            }),
            resolved: Some(at(-980_000)),
        },
    }
}

/// An incident with something in every part of the sheet.
fn full() -> IncidentView {
    let mut full = incident(7, 0);
    let hop = |service: &str, alerted| Hop { service: service.into(), usual: None, alerted };
    full.way = WayView {
        hops: vec![hop("search-api", Some(at(-60))), hop("support-assistant", Some(at(0))), hop("web", None)],
        missing: None,
    };
    full.series = vec![SeriesLine {
        name: "promise_ratio".into(),
        service: "support-assistant".into(),
        before: 0.02,
        after: 0.19,
        values: (0..40).map(|nth| if nth < 25 { 0.02 } else { 0.19 }).collect(),
    }];
    full.similar = Some(SimilarView { past: 212, left_out: 0, novelty: Novelty::Known, found: vec![past()] });
    full
}

fn bench(width: u16, height: u16, incident: IncidentView) -> Bench {
    Bench::new(width, height, view(20, vec![incident]))
}

#[test]
fn the_first_look_at_every_size() {
    for (width, height) in [(160, 50), (100, 30), (80, 24)] {
        let mut bench = bench(width, height, full());
        bench.press("F");
        let screen = bench.screen();
        for told in
            ["UNOWNED", "NOBODY  has taken it", "in one line", "how severe", "way it took", "What may have changed it"]
        {
            assert!(screen.contains(told), "{told} at {width}x{height}:\n{screen}");
        }
        assert_snapshot!(format!("first_{width}"), screen);
    }
}

#[test]
fn what_is_new_is_not_given_a_lookalike_and_a_short_history_says_so() {
    let said = |novelty, found: Vec<PastView>, past| {
        let mut new = full();
        new.similar = Some(SimilarView { past, left_out: 0, novelty, found });
        let mut bench = bench(120, 60, new);
        bench.press("F");
        bench.screen()
    };
    let none = said(Novelty::New, vec![], 212);
    assert!(none.contains("Nothing like this in 212 past incidents."), "{none}");
    let mut far = past();
    far.chance = Some(Chance { near: 31, of: 100 });
    far.ended.truth = None;
    let far = said(Novelty::New, vec![far], 212);
    assert!(
        far.contains("no nearer than chance brings one (31 of 100)") && far.contains("cause not confirmed"),
        "{far}"
    );
    let few = said(Novelty::TooFew, vec![past()], 7);
    assert!(few.contains("History is too short: 7 past incidents"), "{few}");
    assert!(said(Novelty::TooFew, vec![], 0).contains("There is no past incident yet."));
}

#[test]
fn before_the_diagnosis_it_says_so_and_it_fills_when_that_comes() {
    let mut bare = full();
    bare.diagnosis = None;
    bare.similar = None;
    bare.way = WayView { hops: vec![], missing: Some("not diagnosed yet".into()) };
    let mut bench = bench(120, 50, bare);
    bench.press("F");
    assert!(bench.screen().contains("Not diagnosed yet"), "{}", bench.screen());
    // What arrives does not shift what is read, but a sheet with nothing on it yet fills.
    bench.send(Msg::View(view(40, vec![full()])));
    let screen = bench.screen();
    assert!(screen.contains("search-api") && screen.contains("1 of 212 past incidents"), "{screen}");
    let mut other = full();
    other.headline = "another headline".into();
    bench.send(Msg::View(view(60, vec![other])));
    assert!(bench.screen().contains("search-api"));
}

#[test]
fn owner_and_level_in_the_first_line_are_those_of_now_even_while_something_is_read() {
    let mut bench = bench(120, 40, full());
    bench.press("F");
    assert!(bench.screen().lines().next().is_some_and(|line| line.contains("UNOWNED") && line.contains("CRITICAL")));
    let mut owned = full();
    owned.owner = Some(person("mei"));
    owned.rated = Some(RatedView {
        severity: Severity::Error,
        name: "SEV2".into(),
        suggested: None,
        why: "".into(),
        by: person("mei"),
        at: at(200),
    });
    bench.send(Msg::View(view(40, vec![owned])));
    let first = bench.screen().lines().next().unwrap_or_default().to_owned();
    assert!(first.contains("owner mei") && first.contains("SEV2") && !first.contains("UNOWNED"), "{first}");
}

#[test]
fn from_the_sheet_an_incident_is_taken_and_decided_on_and_its_past_opened() {
    let mut bench = bench(120, 50, full());
    bench.press("F O");
    assert_eq!(bench.acts(), [&Act::Own]);
    bench.press("F a");
    assert!(bench.screen().contains("Accept hypothesis 1 of INC-7"), "{}", bench.screen());
    bench.press("esc F j j enter");
    let screen = bench.screen();
    assert!(screen.contains("First look at INC-3") && screen.contains("warroom export --incident INC-3"), "{screen}");
    bench.press("O");
    assert_eq!(bench.acts().len(), 1, "what is done on the sheet of another incident is not done to this one");
}

#[test]
fn severity_is_asked_suggested_and_set_by_a_key_alone() {
    for (width, height) in [(160, 50), (100, 30), (80, 24)] {
        let mut bench = bench(width, height, full());
        bench.press("V");
        let screen = bench.screen();
        assert!(screen.contains("the worst of its alerts says critical"), "{screen}");
        assert!(screen.contains("How many of those who use it meet it?"), "{screen}");
        assert_snapshot!(format!("severity_{width}"), screen);
        bench.press("2 2");
        let screen = bench.screen();
        assert!(screen.contains("Which one is it?") && screen.contains("SEV1 suggested"), "{screen}");
        assert!(bench.acts().is_empty(), "nothing sets itself");
        bench.press("enter");
        let acts = bench.acts();
        let [Act::Rate { severity, name, suggested, why, .. }] = acts.as_slice() else { panic!("{acts:?}") };
        assert_eq!((*severity, name.raw()), (Severity::Critical, "SEV1"));
        assert_eq!(suggested.as_ref().map(Untrusted::raw), Some("SEV1"));
        assert!(
            why.raw().contains("harm: stopped (the worst of its alerts says critical); reach: many"),
            "{}",
            why.raw()
        );
    }
}

#[test]
fn another_level_than_the_suggested_one_can_be_set_and_an_answer_of_evidence_overruled() {
    let mut bench = bench(100, 30, full());
    bench.press("V k k k k 1");
    let screen = bench.screen();
    assert!(screen.contains("you say") && screen.contains("SEV1 suggested"), "{screen}");
    bench.press("3");
    let acts = bench.acts();
    let [Act::Rate { name, suggested, why, .. }] = acts.as_slice() else { panic!("{acts:?}") };
    assert_eq!((name.raw(), suggested.as_ref().map(Untrusted::raw)), ("SEV3", Some("SEV1")));
    assert!(why.raw().starts_with("harm: lasting") && !why.raw().contains("critical"), "{}", why.raw());
    bench.press("V esc");
    assert_eq!(bench.acts().len(), 1);
}

#[test]
fn fault_21_hostile_names_in_every_part_of_the_sheet_are_shown_and_not_obeyed() {
    for hostile in HOSTILE {
        let text = || Untrusted::from(format!("x{hostile}y"));
        let mut poisoned = full();
        poisoned.headline = text();
        poisoned.way.hops[0].service = text();
        poisoned.changes.items[0].subject = text();
        poisoned.changes.items[0].why = text();
        poisoned.series[0].name = text();
        poisoned.rated = Some(RatedView {
            severity: Severity::Error,
            name: text(),
            suggested: None,
            why: text(),
            by: person(&format!("mei{hostile}")),
            at: at(0),
        });
        let mut one = past();
        one.aspects[0].both = vec![text()];
        one.ended.done = vec![text()];
        one.ended.note = Some(NoteLine { at: at(0), author: text(), text: text() });
        if let Some(truth) = &mut one.ended.truth {
            (truth.text, truth.subject) = (text(), Some(text()));
        }
        poisoned.similar = Some(SimilarView { past: 40, left_out: 3, novelty: Novelty::Known, found: vec![one] });
        let mut bench = bench(100, 60, poisoned);
        for keys in ["F", "esc V", "G"] {
            bench.press(keys);
            no_hidden(&bench.screen());
        }
    }
}
