//! A hunch before the hypotheses, where the team wants it, and the record of judgement as it is on the screen, on the real program.

use std::time::Duration;

use crate::demo::{kept, play};
use crate::support::house::House;

const WAITS: &str = "The hypotheses wait for your hunch";

#[test]
fn hypotheses_wait_for_a_hunch_and_the_record_of_judgement_follows() {
    let house = House::new();
    house.configure("hunch_first = true\n");
    let mut session = play(&house, &[], 160, 50);
    session.wait_for(WAITS);
    session.wait_for("support-lead");
    let before = session.text();
    assert!(!before.contains("probable cause") && !before.contains("disproved if"), "{before}");
    // Nothing can be decided that was not seen.
    session.press("a");
    session.wait_for("There is no hypothesis to decide on yet");

    session.press("u");
    session.wait_for("Hunch, before looking");
    session.press("the new refund wording<c-s>");
    session.wait_for("A prompt support-assistant");
    session.wait_gone(WAITS);

    session.press("4a");
    session.wait_for("Accept hypothesis 1 of INC-1");
    session.wait_for("earned, n=");
    session.press("<enter>");
    session.wait_for("accepted hypothesis 1");
    session.press("8z");
    session.wait_for("the new refund wording");
    session.wait_for("nothing opened before");
    session.press("zE");
    session.wait_for("Declare INC-1 over?");
    session.press("y");
    session.press("9zC");
    session.wait_for("What was the cause of INC-1?");
    session.press("<enter>");
    for words in [
        "right in 1 of 1",
        "By what the cause was really of",
        "By whether its like was confirmed before",
        "n=",
        "yours",
    ] {
        session.wait_for(words);
    }
    session.press("G");
    session.wait_for("page to resolved");
    session.press("q");
    assert_eq!(session.wait_exit(Duration::from_secs(20)), 0);

    let journal = kept(&house);
    let told = house.stdout(&["--journal", &journal, "accuracy", "--json"]);
    let record: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((&record["calibration"]["own"], &record["unlooked"]), (&1.into(), &1.into()), "{record}");
    assert!(house.run(&["--journal", &journal, "verify"]).status.success());
}

#[test]
fn a_hunch_can_be_skipped_and_without_the_setting_nothing_waits() {
    let house = House::new();
    house.configure("hunch_first = true\n");
    let mut session = play(&house, &["infra"], 100, 30);
    session.wait_for(WAITS);
    session.press("U");
    session.wait_for("Shown without a hunch");
    session.wait_for("A config payments");
    session.press("q");
    assert_eq!(session.wait_exit(Duration::from_secs(20)), 0);

    let house = House::new();
    let mut session = play(&house, &["infra"], 100, 30);
    session.wait_for("A config payments");
    // A hunch is always possible.
    session.press("u");
    session.wait_for("Hunch, before looking");
    session.press("the pool<c-s>");
    session.wait_for("hunch recorded");
    session.press("q");
    assert_eq!(session.wait_exit(Duration::from_secs(20)), 0);
}
