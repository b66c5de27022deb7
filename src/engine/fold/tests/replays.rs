//! Experiments with the runs of an incident: added up in its picture, and evidence once they are over.

use super::agents::swap;
use super::{Paper, at};
use crate::engine::Fold;
use crate::engine::view::{IncidentView, Opens};
use crate::event::{
    Digest, Direction, IncidentId, Person, Regrouped, ReplayArm, ReplayAsked, ReplayEnd, ReplayEnded, ReplayRan,
    Surface, TraceId, TriageAnswered, Untrusted,
};

const ONE: IncidentId = IncidentId(1);

fn ana() -> Person {
    Person { login: "ana".into(), known_by: "uid".into(), session: "1".into() }
}

/// Some of the failing runs, as recorded against the model that answered before.
fn asked() -> ReplayAsked {
    let arm = |name: &str, model: Option<&str>| ReplayArm {
        name: name.into(),
        model: model.map(Untrusted::from),
        ..ReplayArm::default()
    };
    ReplayAsked {
        replay: 9,
        incident: ONE,
        by: ana(),
        endpoint: "lab".into(),
        arms: vec![arm("as recorded", None), arm("model as before", Some("large-0513"))],
        runs: (60..100_u8).step_by(2).map(|nth| TraceId([nth + 1; 16])).collect(),
        times: 1,
        budget_tokens: 1_000,
        price: None,
    }
}

fn ran(arm: u32, of: TraceId, bad: bool) -> ReplayRan {
    ReplayRan {
        replay: 9,
        incident: ONE,
        arm,
        of,
        time: 0,
        end: ReplayEnd::Answered { stop: "stop".into(), good: bad.then_some(false), why: bad.then(|| "empty".into()) },
        said: Untrusted::default(),
        tokens_in: Some(10),
        tokens_out: Some(5),
        took_ms: 1,
    }
}

/// Writes the experiment, in which `bad` of the runs fail in each arm.
fn run_again(paper: &mut Paper, bad: [usize; 2]) {
    let asked = asked();
    paper.fact(asked.clone(), at(1_300), at(1_300));
    for (arm, bad) in (0..).zip(bad) {
        for (nth, of) in asked.runs.iter().enumerate() {
            paper.fact(ran(arm, *of, nth < bad), at(1_301), at(1_301));
        }
    }
}

fn over(paper: &mut Paper) {
    let ended = ReplayEnded { replay: 9, incident: ONE, why: "done, 40 of 40 replays".into() };
    paper.fact(ended, at(1_310), at(1_310));
}

fn said(incident: &IncidentView) -> Vec<(Surface, Direction, String)> {
    let diagnosis = &incident.diagnosis.as_ref().unwrap().diagnosis;
    let of = |surface, ids: &[crate::event::EvidenceId]| {
        let found = diagnosis.evidence.iter().filter(|one| ids.contains(&one.id) && one.detector.raw() == "replay");
        found.map(|one| (surface, one.direction, one.text.raw().to_owned())).collect::<Vec<_>>()
    };
    let hypotheses = diagnosis.hypotheses.iter();
    hypotheses
        .flat_map(|one| {
            let all = [&one.evidence_for[..], &one.evidence_against].concat();
            of(one.cause.surface, &all)
        })
        .collect()
}

#[test]
fn an_experiment_adds_up_while_it_runs_and_is_evidence_once_it_is_over() {
    let (mut paper, mut fold) = swap(false, true);
    run_again(&mut paper, [16, 1]);
    paper.lead(&mut fold, at(1_305));
    let view = fold.view();
    let incident = &view.incidents.items[0];
    let [one] = &incident.replays[..] else { panic!("{:?}", incident.replays) };
    assert_eq!((one.done(), one.of, one.spent(), one.ended.is_none()), (40, 40, 600, true));
    assert_eq!((one.outcome.arms[0].bad, one.outcome.arms[1].bad), (16, 1));
    assert_eq!(one.pins, ["".into(), "model large-0513".into()]);
    assert_eq!(said(incident), [], "what runs is not read as evidence");

    over(&mut paper);
    paper.lead(&mut fold, at(1_320));
    let view = fold.view();
    let incident = &view.incidents.items[0];
    assert!(incident.replays[0].ended.is_some());
    let found = said(incident);
    let [(Surface::Model, Direction::For, text)] = &found[..] else { panic!("{found:?}") };
    assert_eq!(text, "run again with the model as before, 1 of 20 failed, and 16 of 20 as recorded");
    let lines: Vec<_> = incident.timeline.items.iter().filter_map(|item| item.opens.clone()).collect();
    assert_eq!(lines.iter().filter(|opens| **opens == Opens::Replay { replay: 9 }).count(), 2, "asked, and over");

    // The same from a saved state, and from the entries alone.
    let again = Fold::restore(&fold.checkpoint()).expect("readable").view();
    assert_eq!(again.incidents.items[0].replays, incident.replays);
    assert_eq!(super::folded(&paper.records).view().incidents.items[0].replays, incident.replays);
}

#[test]
fn as_many_failures_with_the_old_value_speak_against_it() {
    let (mut paper, mut fold) = swap(false, true);
    run_again(&mut paper, [16, 16]);
    over(&mut paper);
    paper.lead(&mut fold, at(1_320));
    let view = fold.view();
    let found = said(&view.incidents.items[0]);
    assert!(matches!(&found[..], [(Surface::Model, Direction::Against, _)]), "{found:?}");
}

#[test]
fn what_people_said_and_ran_moves_along_when_an_incident_joins_another() {
    let (mut paper, mut fold) = swap(false, true);
    run_again(&mut paper, [16, 1]);
    let answer = |incident, answer: &str| TriageAnswered {
        incident,
        by: ana(),
        tree: Digest::of(b"tree"),
        question: "prompt-moved".into(),
        asked: "Is the prompt another one?".into(),
        answer: answer.into(),
        evidence: None,
    };
    paper.fact(answer(ONE, "no"), at(1_302), at(1_302));
    let founder = "00000000000000ab".parse().unwrap();
    let opened = crate::event::IncidentOpened { incident: IncidentId(2), founder, engine: "test".into() };
    paper.fact(opened, at(1_303), at(1_303));
    paper.fact(answer(IncidentId(2), "yes"), at(1_304), at(1_304));
    paper.fact(Regrouped::Merge { from: ONE, into: IncidentId(2), by: ana() }, at(1_306), at(1_306));
    // What still comes for the one that is gone is of the one it joined.
    paper.fact(answer(ONE, "cannot tell"), at(1_307), at(1_307));
    over(&mut paper);
    paper.lead(&mut fold, at(1_320));
    let view = fold.view();
    let of = |id| view.incidents.items.iter().find(|incident| incident.id == IncidentId(id)).unwrap();
    assert!(of(1).replays.is_empty() && of(1).triage.is_empty());
    assert!(of(2).replays[0].ended.is_some());
    let answers: Vec<_> = of(2).triage.iter().map(|line| (line.question.raw(), line.answer.raw())).collect();
    assert_eq!(answers, [("prompt-moved", "cannot tell")], "the last answer counts, wherever it was given");
    let found = said(of(2));
    assert!(matches!(&found[..], [(Surface::Model, Direction::For, _)]), "{found:?}");
}
