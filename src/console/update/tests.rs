use crate::console::fixture::{Bench, at, incident, plan, view, waiting};
use crate::console::model::{Again, Effect, Msg};
use crate::console::pane::PaneKind;
use crate::event::{Surface, Untrusted, Verdict};
use crate::response::Act;

fn bench() -> Bench {
    Bench::new(160, 50, view(10, vec![incident(42, 0)]))
}

#[test]
fn from_the_page_to_a_recorded_decision_it_takes_two_keys() {
    let mut bench = bench();
    bench.clock = std::time::Duration::from_millis(4200);
    bench.press("a enter");
    let acts = bench.acts();
    let [Act::Decide { rank: 1, verdict: Verdict::Accept, took_ms, .. }] = acts.as_slice() else { panic!("{acts:?}") };
    assert_eq!(*took_ms, 4200);
    assert!(bench.screen().contains("Recording"));
    bench.send(Msg::Performed(crate::event::IncidentId(42), Ok("decision recorded".to_owned())));
    assert!(bench.screen().contains("INC-42: decision recorded"));
}

#[test]
fn nothing_is_called_recorded_when_the_desk_failed() {
    let mut bench = bench();
    bench.press("O");
    assert_eq!(bench.acts(), [&Act::Own]);
    bench.send(Msg::Performed(crate::event::IncidentId(42), Err("the disk is full".to_owned())));
    let screen = bench.screen();
    assert!(screen.contains("nothing was recorded. the disk is full"), "{screen}");
}

#[test]
fn what_was_opened_goes_with_the_decision() {
    let mut bench = bench();
    bench.press("d");
    assert!(!bench.model.layers.is_empty());
    bench.press("esc r");
    bench.type_in("too late");
    bench.press("enter");
    let acts = bench.acts();
    let [Act::Decide { opened, verdict: Verdict::Reject, reason, .. }] = acts.as_slice() else { panic!("{acts:?}") };
    assert!(opened.iter().any(|what: &Untrusted| what.raw().contains("change-1")), "{opened:?}");
    assert_eq!(reason.raw(), "too late");
}

#[test]
fn modifying_asks_for_another_cause() {
    let mut bench = bench();
    bench.press("m enter");
    assert!(bench.acts().is_empty(), "the same cause is no modification");
    bench.press("left enter");
    let acts = bench.acts();
    let [Act::Decide { verdict: Verdict::Modify { instead }, .. }] = acts.as_slice() else { panic!("{acts:?}") };
    assert_eq!(instead.surface, Surface::Model);
}

#[test]
fn what_arrives_while_reading_waits_at_the_edge() {
    let mut bench = bench();
    bench.press("3 k k");
    bench.send(Msg::View(view(14, vec![incident(42, 4), incident(43, 0)])));
    assert_eq!(bench.model.shown.head.0, 10);
    let screen = bench.screen();
    assert!(screen.contains("4 more arrived, a new incident among them (space lets them in)"), "{screen}");
    bench.press("space");
    assert_eq!(bench.model.shown.head.0, 14);
    assert!(!bench.screen().contains("more arrived"));
}

#[test]
fn at_home_new_pictures_join_by_themselves() {
    let mut bench = bench();
    bench.send(Msg::View(view(14, vec![incident(42, 4)])));
    assert_eq!(bench.model.shown.head.0, 14);
}

#[test]
fn time_is_wound_by_whole_steps_and_comes_back() {
    let mut bench = bench();
    bench.press("[");
    let Some(Effect::ViewAt(first)) = bench.effects.last() else { panic!("{:?}", bench.effects) };
    let first = *first;
    assert_eq!(first, at(270));
    // Keys pressed while the picture is on its way move the aim, and only the aim.
    bench.press("[ [");
    let asked = bench.effects.iter().filter(|effect| matches!(effect, Effect::ViewAt(_))).count();
    assert_eq!(asked, 1);
    bench.send(Msg::Wound(first, Ok(view(9, vec![incident(42, 0)]))));
    assert!(matches!(bench.effects.last(), Some(Effect::ViewAt(aim)) if *aim == at(210)), "{:?}", bench.effects);
    bench.send(Msg::Wound(at(210), Ok(view(7, vec![incident(42, 0)]))));
    assert!(bench.screen().contains("AS OF"));
    bench.press("O");
    assert!(bench.acts().is_empty(), "the past cannot be acted on");
    bench.press("L");
    assert_eq!(bench.model.shown.head.0, 10);
    assert!(!bench.screen().contains("AS OF"));
}

#[test]
fn an_action_of_unknown_outcome_says_so_and_a_key_looks_again() {
    use crate::engine::view::ActionState;
    use crate::event::Outcome;
    let mut one = incident(42, 0);
    let mut unknown = waiting(plan(42, 1, "{}"));
    let id = unknown.id;
    unknown.state = ActionState::Finished { outcome: Outcome::Unknown { check: "look there".into() }, at: at(10) };
    one.actions.push(unknown);
    let mut bench = Bench::new(160, 50, view(10, vec![one]));
    bench.press("7 z");
    let screen = bench.screen();
    assert!(screen.contains("OUTCOME UNKNOWN") && screen.contains("X looks again"), "{screen}");
    bench.press("X");
    assert_eq!(bench.acts(), [&Act::Reconcile { plan: id }]);
    // Where nothing is unknown, the key says so and does nothing.
    let mut bench = self::bench();
    bench.press("X");
    assert!(bench.acts().is_empty());
    assert!(bench.screen().contains("nothing to look up"));
}

#[test]
fn the_palette_takes_any_action_with_its_argument() {
    let mut bench = bench();
    bench.press(":");
    bench.type_in("theme li");
    bench.press("enter");
    let reload = bench.effects.iter().any(|effect| matches!(effect, Effect::Reload { theme, .. } if theme == "light"));
    assert!(reload, "{:?}", bench.effects);
    assert!(bench.model.layers.is_empty());
}

#[test]
fn fault_70_a_broken_theme_leaves_the_one_in_use() {
    let mut bench = bench();
    let before = bench.model.theme.clone();
    let wrong = vec!["mine.toml:3:1: no role is called x".to_owned()];
    bench.send(Msg::Reloaded(Again { theme: None, keymap: None, tree: None, rubric: None, wrong }.into()));
    assert_eq!(bench.model.theme, before);
    assert!(bench.screen().contains("mine.toml:3:1: no role is called x (the one in use stays)"));
}

#[test]
fn fault_19_a_paste_among_the_panes_presses_no_key() {
    let mut bench = bench();
    bench.send(Msg::Paste("a\no\nq\ny\n".to_owned()));
    assert!(bench.effects.is_empty() || bench.acts().is_empty());
    assert!(!bench.effects.iter().any(|effect| matches!(effect, Effect::Quit)));
    assert!(bench.model.layers.is_empty());
}

#[test]
fn hypotheses_wait_for_a_hunch_where_the_team_wants_it() {
    let picture = view(14, vec![incident(42, 4), incident(43, 0)]);
    let mut bench = Bench::new(160, 50, picture.clone());
    bench.model.hunch_first = true;
    bench.send(Msg::View(picture.clone()));
    assert!(bench.screen().contains("wait for your hunch"), "{}", bench.screen());
    assert!(!bench.screen().contains("prompt 42 changed"));
    bench.press("a");
    assert!(bench.acts().is_empty() && bench.screen().contains("no hypothesis to decide on"), "{}", bench.screen());
    // Looking back in time lifts no veil either.
    bench.press("{");
    bench.send(Msg::Wound(at(0), Ok(picture.clone())));
    assert!(!bench.screen().contains("prompt 42 changed"), "{}", bench.screen());
    bench.press("L");

    // A hunch of this person lifts it, of this incident alone; another's does not.
    let mut with = incident(42, 5);
    let note = |login: &str| crate::engine::view::NoteLine { at: at(200), author: login.into(), text: "x".into() };
    with.hunches.push(note("mei"));
    bench.send(Msg::View(view(15, vec![with.clone(), incident(43, 0)])));
    assert!(bench.screen().contains("wait for your hunch"), "{}", bench.screen());
    with.hunches.push(note("ana"));
    bench.send(Msg::View(view(16, vec![with, incident(43, 0)])));
    assert!(bench.screen().contains("prompt 42 changed"), "{}", bench.screen());
    bench.press("J");
    assert!(bench.screen().contains("wait for your hunch"), "{}", bench.screen());
    bench.press("U");
    assert!(bench.screen().contains("prompt 42 changed"), "{}", bench.screen());
    bench.press("U");
    assert!(bench.screen().contains("Nothing waits"), "{}", bench.screen());
}

#[test]
fn ctrl_c_leaves_from_everywhere() {
    for open in ["", ":", "/", "n", "?", "a"] {
        let mut bench = bench();
        bench.press(open);
        bench.press("ctrl-c");
        assert!(matches!(bench.effects.last(), Some(Effect::Quit)), "after {open:?}");
    }
}

#[test]
fn a_draft_is_kept_when_the_editor_is_closed() {
    let mut bench = bench();
    bench.press("n");
    bench.type_in("asked the vendor");
    bench.press("esc n");
    assert!(bench.screen().contains("asked the vendor"));
    bench.press("ctrl-s");
    assert!(matches!(bench.acts().as_slice(), [Act::Note(text)] if text.raw() == "asked the vendor"));
    // On its way it is no draft to go on with; when the desk failed it is one again; recorded it is none.
    bench.press("n");
    assert!(!bench.screen().contains("asked the vendor"));
    bench.press("esc");
    bench.type_in("n");
    bench.press("esc");
    bench.send(Msg::Performed(crate::event::IncidentId(42), Err("the disk is full".to_owned())));
    assert!(bench.screen().contains("kept as a draft"), "{}", bench.screen());
    bench.press("n");
    assert!(bench.screen().contains("asked the vendor"));
    bench.press("ctrl-s");
    bench.send(Msg::Performed(crate::event::IncidentId(42), Ok("noted".to_owned())));
    assert!(matches!(bench.effects.last(), Some(Effect::Draft(_, "note", text)) if text.is_empty()));
    bench.press("n");
    assert!(!bench.screen().contains("asked the vendor"));
}

#[test]
fn every_action_can_be_called_in_every_state_without_harm() {
    use crate::console::action::{ACTIONS, Command};
    let pictures = [view(0, Vec::new()), view(10, vec![incident(42, 0)]), {
        let mut with_plan = incident(7, 0);
        with_plan.actions.push(waiting(plan(7, 1, "{}")));
        view(11, vec![with_plan, incident(8, 0)])
    }];
    for picture in pictures {
        for (columns, rows) in [(160, 50), (80, 24), (0, 0)] {
            for about in ACTIONS {
                for argument in [None, Some("INC-8".to_owned())] {
                    let mut bench = Bench::new(columns, rows, picture.clone());
                    let mut effects = Vec::new();
                    super::dispatch(&mut bench.model, Command { action: about.action, argument }, &mut effects);
                    bench.send(Msg::Woken);
                    bench.press("j enter x esc");
                    bench.screen();
                }
            }
        }
    }
}

#[test]
fn narrow_screens_go_from_pane_to_pane_with_the_same_keys() {
    let mut bench = Bench::new(80, 24, view(10, vec![incident(42, 0)]));
    for kind in PaneKind::ALL {
        bench.press(&bench.model.keymap.first(kind.action()).expect("a key"));
        assert_eq!(bench.model.focused(), kind);
        assert!(bench.screen().contains(kind.title()), "{kind:?}");
    }
    bench.press("tab");
    assert_eq!(bench.model.focused(), PaneKind::Incidents);
}
