use std::sync::Arc;

use insta::assert_snapshot;

use crate::console::fixture::{Bench, at, incident, view};
use crate::console::model::Msg;
use crate::console::pane::PaneKind;
use crate::engine::view::{IncidentView, SurfaceLine, SurfaceState, TriageLine};
use crate::event::{Direction, Evidence, EvidenceId, Surface};
use crate::response::Act;
use crate::surface::triage::Tree;

/// The prompt moved and the failures follow it; the model did not.
fn known() -> IncidentView {
    let mut one = incident(42, 0);
    one.surfaces = vec![
        SurfaceLine { surface: Surface::Model, state: SurfaceState::Same { value: "chat-large".into() } },
        SurfaceLine {
            surface: Surface::Prompt,
            state: SurfaceState::Changed { before: "41".into(), after: "42".into(), change: None },
        },
        SurfaceLine {
            surface: Surface::Retrieval,
            state: SurfaceState::NotCaptured { missing: "retrieval.source".into() },
        },
    ];
    let shown = one.diagnosis.as_mut().unwrap();
    let diagnosis = Arc::make_mut(&mut shown.diagnosis);
    diagnosis.evidence = vec![Evidence {
        id: EvidenceId(1),
        detector: "agents".into(),
        direction: Direction::For,
        weight: 3.0,
        text: "19 of 24 runs on 42 failed, 1 of 30 on 41".into(),
        look_at: Vec::new(),
    }];
    diagnosis.hypotheses[0].evidence_for = vec![EvidenceId(1)];
    one
}

fn said(answers: &[(&str, &str)]) -> IncidentView {
    let mut one = known();
    one.triage = answers
        .iter()
        .map(|(question, answer)| TriageLine {
            question: (*question).into(),
            answer: (*answer).into(),
            by: "ben".into(),
            at: at(400),
        })
        .collect();
    one
}

/// Every open question of the fixture, answered.
const ALL: [(&str, &str); 6] = [
    ("provider-fails", "no"),
    ("retrieval-moved", "none"),
    ("tools-moved", "no"),
    ("tools-fail", "cannot tell"),
    ("tools-right", "cannot tell"),
    ("judge-moved", "none"),
];

fn done() -> IncidentView {
    let mut all = ALL.to_vec();
    all.push(("traffic-moved", "no"));
    said(&all)
}

fn answers(bench: &Bench) -> Vec<(String, String, bool)> {
    let acts = bench.acts();
    acts.iter()
        .map(|act| match act {
            Act::AnswerTriage { tree, question, answer, evidence, .. } => {
                assert_eq!(*tree, Tree::built_in().digest());
                (question.raw().to_owned(), answer.raw().to_owned(), evidence.is_some())
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

/// The last message.
fn told(bench: &Bench) -> String {
    bench.model.messages.back().map(|message| message.text.clone()).unwrap_or_default()
}

#[test]
fn the_first_open_question_is_asked_and_its_answer_recorded_by_one_key() {
    let mut bench = Bench::new(120, 40, view(10, vec![known()]));
    bench.press("t");
    let screen = bench.screen();
    assert!(screen.contains("Do calls to the provider"), "{screen}");
    assert!(screen.contains("before 41, since 42") || screen.contains("19 of 24 runs"), "{screen}");
    bench.press("2");
    assert_eq!(answers(&bench), [("provider-fails".to_owned(), "no".to_owned(), false)]);
    // Not on record yet: the same question is still there, and a key that bounced does not answer it twice.
    bench.press("2");
    assert_eq!(answers(&bench).len(), 1);
    bench.send(Msg::View(view(11, vec![said(&[("provider-fails", "no")])])));
    let screen = bench.screen();
    assert!(screen.contains("says ben") && screen.contains("Has its source, its index"), "{screen}");
    bench.press("6");
    assert!(told(&bench).contains("no such answer"), "{}", told(&bench));
    assert_eq!(answers(&bench).len(), 1);
}

#[test]
fn enter_agrees_with_the_evidence_and_records_it_with_the_answer() {
    let mut bench = Bench::new(120, 40, view(10, vec![known()]));
    bench.press("t j enter");
    assert_eq!(
        answers(&bench),
        [("prompt-moved".to_owned(), "yes".to_owned(), true), ("prompt-fits".to_owned(), "yes".to_owned(), true)]
    );
    bench.press("enter");
    assert!(told(&bench).contains("No evidence answers this one"), "{}", told(&bench));
}

#[test]
fn a_person_can_contradict_the_evidence() {
    let mut bench = Bench::new(120, 40, view(10, vec![known()]));
    bench.press("t j 2");
    assert_eq!(answers(&bench), [("prompt-fits".to_owned(), "no".to_owned(), false)]);
    bench.send(Msg::View(view(11, vec![said(&[("prompt-fits", "no")])])));
    assert!(bench.screen().contains("the words have nothing to do with it, says ben"), "{}", bench.screen());
}

#[test]
fn the_end_names_what_is_left_standing_and_goes_there() {
    let mut bench = Bench::new(120, 40, view(10, vec![done()]));
    bench.press("8 t");
    let screen = bench.screen();
    assert!(screen.contains("Left standing: prompt"), "{screen}");
    assert!(screen.contains("Cannot be told: Tools"), "{screen}");
    bench.press("enter");
    assert!(bench.model.layers.is_empty());
    assert_eq!(bench.model.focused(), PaneKind::Hypotheses);
    assert!(answers(&bench).is_empty());
}

#[test]
fn an_end_with_nothing_standing_leads_to_what_changed() {
    let mut one = done();
    one.triage.extend(said(&[("prompt-fits", "no")]).triage);
    let mut bench = Bench::new(120, 40, view(10, vec![one]));
    bench.press("t");
    assert!(bench.screen().contains("Nothing asked about is left standing"), "{}", bench.screen());
    bench.press("enter");
    assert_eq!(bench.model.focused(), PaneKind::Changes);
}

#[test]
fn pages() {
    for (columns, rows) in [(80, 24), (120, 40)] {
        let mut bench = Bench::new(columns, rows, view(10, vec![known()]));
        bench.press("t");
        assert_snapshot!(format!("walk_{columns}"), bench.screen());
        bench.send(Msg::View(view(11, vec![done()])));
        assert_snapshot!(format!("end_{columns}"), bench.screen());
    }
}
