use crate::console::fixture::{Bench, incident, plan, view, waiting};
use crate::console::model::Msg;
use crate::engine::view::ActionState;
use crate::response::{Act, asked_to_type};

fn bench(tier: u8, body: &str, rows: u16) -> Bench {
    let mut one = incident(42, 0);
    one.actions.push(waiting(plan(42, tier, body)));
    Bench::new(100, rows, view(10, vec![one]))
}

fn approved(bench: &Bench) -> bool {
    bench.acts().iter().any(|act| matches!(act, Act::Approve { .. }))
}

#[test]
fn a_small_plan_is_approved_by_two_keys_once_it_was_seen() {
    let mut bench = bench(1, "{\"matchers\": []}", 50);
    bench.press("x");
    assert!(bench.screen().contains("{\"matchers\": []}"));
    bench.paint_and_wait(400);
    bench.press("y");
    let acts = bench.acts();
    let [Act::Approve { plan: id, typed: None, .. }] = acts.as_slice() else { panic!("{acts:?}") };
    assert_eq!(*id, plan(42, 1, "{\"matchers\": []}").id());
}

#[test]
fn fault_19_typed_ahead_keys_never_approve() {
    let mut bench = bench(1, "{}", 50);
    // All of it typed before anything was on the screen.
    bench.press("x y y y enter y");
    assert!(!approved(&bench));
    // On the screen, but for less than the pause.
    bench.paint_and_wait(100);
    bench.press("y y");
    assert!(!approved(&bench));
    bench.paint_and_wait(300);
    bench.press("y");
    assert!(approved(&bench));
}

#[test]
fn fault_18_while_the_terminal_is_blocked_no_key_reaches_an_approval() {
    let mut bench = bench(1, "{}", 50);
    bench.press("x");
    // Ten minutes in which no frame gets through.
    bench.clock += std::time::Duration::from_secs(600);
    bench.press("y y enter y");
    assert!(!approved(&bench));
}

#[test]
fn fault_19_a_paste_never_approves() {
    let mut bench = bench(1, "{}", 50);
    bench.press("x");
    bench.paint_and_wait(400);
    bench.send(Msg::Paste("y\ny\n".to_owned()));
    assert!(!approved(&bench));
}

#[test]
fn fault_25_a_long_plan_cannot_be_approved_before_its_end_was_seen() {
    let body = (0..400).map(|nth| format!("line {nth}")).collect::<Vec<_>>().join("\n");
    let mut bench = bench(1, &body, 30);
    bench.press("x");
    bench.paint_and_wait(400);
    bench.press("y");
    assert!(!approved(&bench));
    assert!(bench.screen().contains("go to its end first"));
    // Scrolled, but the frame that shows the end has not got through.
    bench.press("G y");
    assert!(!approved(&bench));
    bench.paint_and_wait(1);
    bench.press("y");
    assert!(approved(&bench));
}

#[test]
fn a_wide_plan_has_to_be_typed_by_hand() {
    let words = asked_to_type(&plan(42, 4, "{}")).expect("tier 4 is typed");
    let mut bench = bench(4, "{}", 50);
    bench.press("x");
    bench.paint_and_wait(400);
    bench.press("y");
    assert!(!approved(&bench));
    bench.send(Msg::Paste(words.clone()));
    bench.press("enter");
    assert!(!approved(&bench), "pasted words are not typed words");
    bench.type_in("wrong");
    bench.press("enter");
    assert!(!approved(&bench));
    bench.press("ctrl-u");
    bench.type_in(&words);
    bench.press("enter");
    let acts = bench.acts();
    assert!(matches!(acts.as_slice(), [Act::Approve { typed: Some(typed), .. }] if typed.raw() == words), "{acts:?}");
}

#[test]
fn fault_22_invisible_characters_are_shown_and_have_to_be_typed_for() {
    let mut bench = bench(1, "{\"service\": \"check\u{202e}out\"}", 50);
    bench.press("x");
    let screen = bench.screen();
    assert!(!screen.contains('\u{202e}'));
    assert!(screen.contains("202E"), "{screen}");
    bench.paint_and_wait(400);
    bench.press("y");
    assert!(!approved(&bench));
    assert!(bench.screen().contains("and enter:"));
}

#[test]
fn a_plan_answered_by_somebody_else_meanwhile_cannot_be_approved() {
    let mut bench = bench(1, "{}", 50);
    bench.press("x");
    bench.paint_and_wait(400);
    let mut one = incident(42, 0);
    let mut action = waiting(plan(42, 1, "{}"));
    action.state = ActionState::Denied { reason: "no".into() };
    one.actions.push(action);
    bench.send(Msg::View(view(12, vec![one])));
    bench.press("y");
    assert!(!approved(&bench));
    assert!(bench.screen().contains("refused meanwhile"));
}

#[test]
fn enter_and_escape_are_no() {
    for key in ["enter", "esc", "n"] {
        let mut bench = bench(1, "{}", 50);
        bench.press("x");
        bench.paint_and_wait(400);
        bench.press(key);
        assert!(bench.acts().is_empty(), "{key}");
        assert!(bench.model.layers.is_empty(), "{key}");
    }
}

#[test]
fn refusing_records_the_reason() {
    let mut bench = bench(1, "{}", 50);
    bench.press("x");
    bench.paint_and_wait(400);
    bench.press("r");
    bench.type_in("too wide");
    bench.press("enter");
    assert!(matches!(bench.acts().as_slice(), [Act::Deny { reason, .. }] if reason.raw() == "too wide"));
}
