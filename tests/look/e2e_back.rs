//! From the page of each bundled incident to an approved way back, in at most six keys once the evidence was seen.

use std::time::Duration;

use crate::demo::play;
use crate::support::house::House;

/// Takes back what the incident is about, and says how many keys that took.
fn taken_back(incident: &[&str], title: &str, command: &str) -> usize {
    let house = House::new();
    let mut session = play(&house, incident, 160, 50);
    // The evidence: a leading hypothesis with what speaks for it.
    session.wait_for("likely remedy");
    let mut keys = 0;
    let mut press = |session: &mut crate::support::pty::Session, key: &str| {
        session.press(key);
        keys += 1;
    };
    press(&mut session, "b");
    session.wait_for(title);
    session.wait_for(command);
    press(&mut session, "<enter>");
    session.wait_for("1 wait for a person");
    press(&mut session, "x");
    session.wait_for("y runs exactly this once");
    assert!(session.text().contains("one key"), "{}", session.text());
    // What was typed before it could be read would not count.
    session.settle(Duration::from_millis(600));
    press(&mut session, "y");
    session.wait_for("rehearsed: nothing was run");
    keys
}

#[test]
fn the_assistants_prompt_is_taken_back_in_at_most_six_keys() {
    let keys = taken_back(&[], "Take the refund_policy prompt back", "promptctl pin refund_policy 41");
    assert!(keys <= 6, "{keys} keys");
}

#[test]
fn the_shops_settings_are_taken_back_in_at_most_six_keys() {
    let keys = taken_back(&["infra"], "Take the settings of payments back", "shopctl settings undo payments");
    assert!(keys <= 6, "{keys} keys");
}
