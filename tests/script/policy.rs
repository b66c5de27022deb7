//! The rules of tiers and approvals, asked and halted without a screen.

use crate::support::house::House;

#[test]
fn the_policy_says_how_wide_an_action_reaches_why_and_what_it_takes() {
    let house = House::new();
    let said = house.stdout(&["policy", "explain", "--targets", "12", "--effect", "restarts", "--reversible", "yes"]);
    assert!(said.starts_with("tier 4 of 6: words have to be typed"), "{said}");
    assert!(said.contains("because it touches more than 10 things"), "{said}");
    let said = house.json(&[
        "policy",
        "explain",
        "--effect",
        "deletes_data",
        "--targets",
        "40",
        "--reversible",
        "no",
        "--json",
    ]);
    assert_eq!((said["tier"].as_u64(), said["second_person"].as_bool()), (Some(6), Some(true)), "{said}");
    let reads = house.json(&["policy", "explain", "--reads", "--json"]);
    assert_eq!((reads["tier"].as_u64(), reads["runs_alone"].as_bool()), (Some(0), Some(true)), "{reads}");
    let wrong = house.run(&["policy", "explain", "--effect", "explodes"]);
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("no effect is called \"explodes\""), "{wrong:?}");
}

#[test]
fn fault_72_a_policy_that_cannot_be_read_is_named_by_file_and_line_and_closes_everything() {
    let house = House::new();
    house.configure("policy = \"team.cedar\"\n");
    let file = house.config().with_file_name("team.cedar");
    std::fs::write(
        &file,
        "forbid (principal, action == Action::\"approve\", resource)\nwhen { resource.effects.contains(3) };\n",
    )
    .expect("our own folder");
    let checked = house.run(&["policy", "check"]);
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert_eq!(checked.status.code(), Some(1), "{said}");
    assert!(said.contains("team.cedar:2: "), "{said}");
    assert!(house.stdout(&["policy", "explain"]).starts_with("tier 6 of 6"));
    std::fs::write(&file, "forbid (principal, action in Action::\"below_3\", resource) when { !resource.reads };\n")
        .expect("our own");
    assert!(house.stdout(&["policy", "check"]).contains("hold together"));
    assert!(
        house.stdout(&["policy", "explain", "--environment", "test", "--reversible", "yes"]).starts_with("tier 3 of 6")
    );
}

#[test]
fn fault_64_changes_are_halted_and_let_run_again_without_a_screen_and_that_is_on_record() {
    let house = House::new();
    assert!(house.stdout(&["plans", "--halt", "it makes it worse"]).contains("switched off"));
    let again = house.run(&["plans", "--halt", "once more"]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("already"), "{again:?}");
    let listed = house.run(&["plans"]);
    assert!(String::from_utf8_lossy(&listed.stderr).contains("it makes it worse"), "{listed:?}");
    assert!(house.stdout(&["plans", "--let-run", "found it"]).contains("run again"));
    assert_eq!(house.entries().iter().filter(|entry| entry.kind == "halted").count(), 2);
    let none = house.run(&["plans", "beef"]);
    assert_eq!(none.status.code(), Some(1), "{none:?}");
}
