//! A diagnosis that cites what is not there, whoever made it.

use super::agents::swap;
use super::at;
use super::random::alert;
use crate::event::{Confidence, Evidence, EvidenceId, Pointer, Seq, Untrusted};

#[test]
fn fault_48_what_cites_nothing_on_record_is_struck_out_and_not_counted() {
    let (mut paper, mut fold) = swap(false, true);
    let ours = fold.view().incidents.items[0].diagnosis.clone().expect("diagnosed").diagnosis;
    let (page, elsewhere) = (alert(0, 1_150, None), alert(1, 1_150, None));
    let rests_on = |id, look_at| Evidence {
        id: EvidenceId(id),
        detector: "outside".into(),
        text: "so it is said".into(),
        look_at,
        ..ours.evidence[0].clone()
    };
    let guess = |share, ids: &[u32]| {
        let mut guess = ours.hypotheses[0].clone();
        guess.confidence = Confidence { share, calibrated_on: 0, log_odds: None };
        guess.evidence_for = ids.iter().map(|id| EvidenceId(*id)).collect();
        guess.evidence_against = Vec::new();
        guess
    };
    let mut theirs = (*ours).clone();
    let theirs_engine: Untrusted = "outside/1".into();
    theirs.engine = theirs_engine.clone();
    theirs.evidence = vec![
        rests_on(1, vec![Pointer::Alert { fingerprint: page.fingerprint }]),
        rests_on(2, vec![Pointer::Alert { fingerprint: elsewhere.fingerprint }]),
        rests_on(3, vec![Pointer::Entry { seq: Seq(1_000_000) }]),
    ];
    // The first of them has nothing behind it, the second something.
    theirs.hypotheses = vec![guess(0.6, &[2, 3]), guess(0.3, &[1, 9])];
    theirs.none_of_these = 0.1;
    theirs.not_checked = Vec::new();
    paper.fact(theirs, at(1_300), at(1_300));
    fold.apply(paper.records.last().expect("recorded"));

    let kept = fold.view().incidents.items[0].diagnosis.clone().expect("it is shown").diagnosis;
    assert_eq!(kept.engine.raw(), "outside/1");
    assert_eq!(kept.evidence.iter().map(|found| found.id.0).collect::<Vec<_>>(), [1]);
    let shares: Vec<f64> = kept.hypotheses.iter().map(|guess| guess.confidence.share).collect();
    assert_eq!(shares, [0.3, 0.0]);
    assert!((kept.none_of_these - 0.7).abs() < 1e-9, "{}", kept.none_of_these);
    assert_eq!(kept.hypotheses[0].evidence_for, [EvidenceId(1)]);
    let [said] = &kept.not_checked[..] else { panic!("{:?}", kept.not_checked) };
    assert!(said.raw().contains("3 of its findings") && said.raw().contains("(e2, e3, e9)"), "{}", said.raw());
    // The record of judgement, too, knows it without what was struck.
    let judged = &fold.state.incidents[&ours.incident].judged[&theirs_engine];
    assert_eq!((judged.cause.is_none(), judged.share), (true, kept.none_of_these));
}
