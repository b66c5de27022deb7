//! The built-in rubric, a team's own, and what is refused.

use proptest::prelude::*;

use super::*;
use crate::surface::sample::Answer as Reading;

fn nothing() -> Known {
    Known {
        alerts: Severity::Unknown,
        components: 1,
        more_components: false,
        failing: None,
        labels: Vec::new(),
        reading: None,
    }
}

/// The answers by their names, in the order of the questions; `?` = not known.
fn answers(rubric: &Rubric, names: &[&str]) -> Vec<Option<usize>> {
    let of = |(question, name): (&Question, &&str)| question.answers.iter().position(|answer| answer.name == **name);
    rubric.questions().iter().zip(names).map(of).collect()
}

fn clear<'r>(rubric: &'r Rubric, names: &[&str]) -> Option<&'r str> {
    let level = rubric.suggest(&answers(rubric, names)).clear()?;
    rubric.levels().get(level).map(|level| level.name.as_str())
}

#[test]
fn the_built_in_rubric_can_be_read_and_asks_about_the_four() {
    let rubric = Rubric::built_in();
    let names: Vec<&str> = rubric.questions().iter().map(|question| question.name.as_str()).collect();
    assert_eq!(names, ["harm", "reach", "reversibility", "exposure"]);
    assert_eq!(rubric.levels().len(), 4);
}

#[test]
fn lasting_harm_is_the_worst_whatever_else_is_not_known() {
    let rubric = Rubric::built_in();
    assert_eq!(clear(&rubric, &["lasting", "?", "?", "?"]), Some("SEV1"));
    assert_eq!(clear(&rubric, &["stopped", "most", "by itself", "customers"]), Some("SEV1"));
    assert_eq!(clear(&rubric, &["stopped", "some", "by itself", "customers"]), Some("SEV2"));
    assert_eq!(clear(&rubric, &["misled", "single", "never", "public"]), Some("SEV1"));
    assert_eq!(clear(&rubric, &["hindered", "some", "?", "?"]), Some("SEV3"));
    assert_eq!(clear(&rubric, &["none", "?", "?", "?"]), Some("SEV4"));
}

#[test]
fn what_is_not_known_leaves_a_range_and_says_which_question_would_settle_it() {
    let rubric = Rubric::built_in();
    let open = rubric.suggest(&answers(&rubric, &["stopped", "most", "?", "?"]));
    assert_eq!((open.clear(), open.worst, open.mildest), (None, 0, 2));
    assert_eq!(open.open, [3], "reversibility changes nothing here, exposure does");
    assert_eq!(open.because, [0, 1]);
    let all = rubric.suggest(&[None; 4]);
    assert_eq!((all.worst, all.mildest), (0, 3));
}

#[test]
fn evidence_answers_and_is_quoted_with_its_numbers() {
    let rubric = Rubric::built_in();
    let share = |failed, of| Known { failing: Some(Share { failed, of }), ..nothing() };
    let said = |known: &Known, nth: usize| {
        let (answer, words) = rubric.by_evidence(known)[nth].clone()?;
        Some((rubric.questions()[nth].answers[answer].name.clone(), words.raw().to_owned()))
    };
    assert_eq!(said(&nothing(), 0), None);
    assert_eq!(said(&nothing(), 1), None, "one component says nothing of how many people meet it");
    let (answer, words) = said(&share(70, 100), 1).expect("known");
    assert_eq!(answer, "most");
    assert!(words.starts_with("70 of 100 runs fail since it began (60 to 78 %)"), "{words}");
    assert_eq!(said(&share(1, 3), 1), None, "three runs are too few to say it");
    assert_eq!(said(&share(0, 0), 1), None);
    assert_eq!(said(&share(0, 2_000), 1).expect("known").0, "single");
    let worse = Known { reading: Some(Reading::Worse), alerts: Severity::Critical, ..nothing() };
    assert_eq!(said(&worse, 0).expect("known").0, "misled", "what people read counts before what alerts say");
    let label = |values: &[(&str, u64)], without| Label {
        name: "env".into(),
        values: values.iter().map(|(value, n)| ((*value).into(), *n)).collect(),
        others: 0,
        without,
    };
    let of = |label| said(&Known { labels: vec![label], ..nothing() }, 3).map(|(answer, _)| answer);
    assert_eq!(of(label(&[("Staging", 3)], 0)).as_deref(), Some("inside"));
    assert_eq!(of(label(&[("staging", 3)], 1)), None, "one alert does not say where it is");
    assert_eq!(of(label(&[("staging", 3), ("prod", 1)], 0)), None);
}

const SMALL: &str = include_str!("../../../tests/data/severity.toml");

#[test]
fn a_wrong_rubric_is_refused_with_its_line_and_what_would_be_right() {
    assert_eq!(clear(&Rubric::parse("ours.toml", SMALL).expect("it is right"), &["yes"]), Some("P1"));
    for (from, to, line, word) in [
        ("counts_as = \"info\"", "counts_as = \"sad\"", 10, "critical, error, warning, info"),
        ("name = \"P2\"", "name = \"P1\"", 8, "in line 3 already"),
        ("name = \"no\"", "name = \"yes\"", 16, "in line 16 already"),
        ("answer = \"yes\"", "answer = \"perhaps\"", 15, "no answer \"perhaps\""),
        ("is = [\"lobby\"], ", "", 15, "`label` with `is`"),
        ("guests = [\"yes\"]", "guest = [\"yes\"]", 20, "no question \"guest\": guests"),
        ("guests = [\"yes\"]", "guests = [\"both\"]", 20, "yes, no"),
        ("level = \"P1\"\nwhen", "level = \"P0\"\nwhen", 19, "P1, P2"),
        ("level = \"P1\"\nwhen = { guests = [\"yes\"] }", "level = \"P1\"", 19, "nothing below it"),
        ("level = \"P2\"\n", "level = \"P2\"\nwhen = { guests = [\"no\"] }\n", 23, "no `when`"),
        ("asks", "ask", 14, "ask"),
        ("means = \"a ticket\"\n", "", 7, "means"),
        ("label = \"area\", is = [\"lobby\"]", "failing = [0.5, 0.1]", 15, "0 to 1"),
        ("label = \"area\", is = [\"lobby\"]", "read = \"bad\"", 15, "no worse"),
    ] {
        assert!(SMALL.contains(from), "{from}");
        let error = Rubric::parse("ours.toml", &SMALL.replacen(from, to, 1)).expect_err(from).to_string();
        assert!(error.starts_with(&format!("ours.toml:{line}: ")) && error.contains(word), "{from}: {error}");
    }
    for (text, word) in
        [("", "[[level]]"), ("[[level]", ""), (SMALL.split("[[suggest]]").next().unwrap_or(""), "[[suggest]]")]
    {
        let error = Rubric::parse("ours.toml", text).expect_err("not whole").to_string();
        assert!(error.contains(word), "{error}");
    }
}

proptest! {
    #[test]
    fn an_answer_more_never_widens_what_can_follow(
        given in prop::collection::vec(prop::option::of(0_usize..3), 4), nth in 0_usize..4, answer in 0_usize..3,
    ) {
        let rubric = Rubric::built_in();
        let before = rubric.suggest(&given);
        prop_assert!(before.worst <= before.mildest && before.mildest < rubric.levels().len());
        prop_assert_eq!(before.open.is_empty(), before.clear().is_some());
        let mut more = given.clone();
        if more[nth].is_none() {
            more[nth] = Some(answer);
            let after = rubric.suggest(&more);
            prop_assert!(after.worst >= before.worst && after.mildest <= before.mildest);
        }
    }
}
