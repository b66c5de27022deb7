use super::super::sample::Answer as Reading;
use super::*;

fn built_in() -> Tree {
    Tree::parse("assets/triage.toml", include_str!("../../../assets/triage.toml")).unwrap()
}

fn said(question: &str, answer: &str) -> Said {
    Said { question: question.into(), answer: answer.into(), by: "ana".into() }
}

#[test]
fn the_built_in_tree_is_whole_and_walks_the_surfaces_in_order() {
    let surfaces: Vec<Surface> = built_in().branches().iter().map(|branch| branch.surface).collect();
    assert_eq!(surfaces, Surface::ALL[..6]);
    assert_eq!(Tree::built_in().branches().len(), 6);
}

#[test]
fn every_path_of_the_built_in_tree_ends_and_every_end_can_be_reached() {
    let tree = built_in();
    for branch in tree.branches() {
        let mut ends = std::collections::BTreeSet::new();
        let mut paths: Vec<Vec<Said>> = vec![Vec::new()];
        while let Some(path) = paths.pop() {
            assert!(path.len() <= branch.questions.len(), "{} goes in circles", branch.title);
            match branch.walk(&Known::default(), &path).state {
                State::Open(question) => paths.extend(question.answers.iter().map(|answer| {
                    let mut longer = path.clone();
                    longer.push(said(&question.name, &answer.name));
                    longer
                })),
                end => {
                    ends.insert(format!("{end:?}"));
                }
            }
        }
        assert!(
            ends.contains("Clear") && ends.iter().any(|end| end.starts_with("Stands")),
            "{}: {ends:?}",
            branch.title
        );
    }
}

#[test]
fn evidence_answers_with_its_words_and_a_person_is_heard_before_it() {
    let tree = built_in();
    let known = Known {
        surfaces: vec![
            (Surface::Model, Standing::Same("chat-large".into())),
            (Surface::Prompt, Standing::Changed("41".into(), "42".into())),
        ],
        findings: vec![
            Finding { surface: Surface::Prompt, supports: true, weight: 3.0, text: "only runs on 42 fail".into() },
            Finding { surface: Surface::Prompt, supports: false, weight: 0.5, text: "weak".into() },
            Finding { surface: Surface::Traffic, supports: true, weight: 0.4, text: "too weak".into() },
        ],
        ..Known::default()
    };
    let walk = Walk::of(&tree, &known, &[]);
    assert!(matches!(walk.branches[0].state, State::Open(question) if question.name == "provider-fails"));
    assert_eq!(walk.branches[0].steps[0].evidence, Some("before and since chat-large".into()));
    assert!(matches!(walk.branches[1].state, State::Stands(Surface::Prompt)));
    let words: Vec<_> = walk.branches[1].steps.iter().filter_map(|step| step.evidence.clone()).collect();
    assert_eq!(words, ["before 41, since 42".into(), "only runs on 42 fail".into()]);
    assert!(matches!(walk.branches[5].state, State::Open(_)), "a weak finding answers nothing");

    let no = [said("prompt-fits", "yes"), said("prompt-fits", "no")];
    let walk = Walk::of(&tree, &known, &no);
    assert!(matches!(walk.branches[1].state, State::Clear), "the last word counts");
    let last = walk.branches[1].steps.last().unwrap();
    assert_eq!((&last.evidence, &last.by), (&None, &Some("ana".into())), "it is not the answer of the evidence");
}

#[test]
fn stops_that_rose_and_outputs_that_were_read_are_evidence() {
    let tree = built_in();
    let stop = |stop: &str, before, since| StopCount { stop: stop.into(), before, since };
    let known = |failed| Known {
        surfaces: vec![(Surface::Model, Standing::Same("m".into()))],
        stops: vec![stop("complete", 40, 40 - failed), stop("provider error", 0, failed)],
        reading: Some(Reading::NoWorse),
        ..Known::default()
    };
    let walk = Walk::of(&tree, &known(12), &[said("judge-moved", "yes")]);
    assert!(matches!(walk.branches[0].state, State::Stands(Surface::Dependency)), "{:?}", walk.branches[0]);
    assert!(walk.branches[0].steps[1].evidence.as_ref().unwrap().raw().contains("0 of 40 runs before, 12 of 40 since"));
    assert!(matches!(walk.branches[4].state, State::Stands(Surface::Judge)));
    assert_eq!(walk.standing(), [Surface::Dependency, Surface::Judge]);
    let walk = Walk::of(&tree, &known(1), &[]);
    assert!(matches!(walk.branches[0].state, State::Open(_)), "one failure is chance");
}

#[test]
fn answers_that_the_tree_does_not_know_change_nothing() {
    let tree = built_in();
    let walk = Walk::of(&tree, &Known::default(), &[said("model-moved", "perhaps"), said("no-question", "yes")]);
    assert_eq!(walk.open(), Some(0));
    assert!(walk.branches.iter().all(|branch| branch.steps.is_empty()));
}

#[test]
fn a_faulty_tree_is_refused_with_its_line() {
    let tree = |from: &str, to: &str| {
        let text = "[[branch]]\nsurface = \"model\"\ntitle = \"M\"\n\n[[branch.question]]\nname = \"a\"\nasks = \"?\"\n\
                    evidence = [{ rose = [\"looped\"], answer = \"yes\" }]\nanswer = [\n  { name = \"yes\", says = \"y\", \
                    leads = \"stands\" },\n  { name = \"no\", says = \"n\", leads = \"b\" },\n]\n\n[[branch.question]]\n\
                    name = \"b\"\nasks = \"?\"\nanswer = [\n  { name = \"yes\", says = \"y\", leads = \"clear\" },\n  \
                    { name = \"no\", says = \"n\", leads = \"unclear\" },\n]\n";
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    assert!(Tree::parse("t", &tree("title", "title")).is_ok());
    for (from, to, line, word) in [
        ("\"model\"", "\"weather\"", 2, "weather"),
        ("\"looped\"", "\"sleepy\"", 8, "sleepy"),
        ("answer = \"yes\" }", "answer = \"maybe\" }", 8, "maybe"),
        ("rose = [\"looped\"]", "surface = \"model\", is = \"new\"", 8, "new"),
        ("rose = [\"looped\"],", "", 8, "a rule is one of"),
        ("leads = \"b\"", "leads = \"c\"", 11, "no question"),
        ("leads = \"b\"", "leads = \"a\"", 11, "leads back"),
        ("leads = \"b\"", "leads = \"clear\"", 15, "nothing leads to"),
        ("leads = \"clear\"", "leads = \"a\"", 18, "leads back"),
        ("leads = \"clear\"", "leads = \"clear\", surface = \"tool\"", 18, "only what"),
        ("name = \"b\"", "name = \"a\"", 15, "line 6 already"),
        (
            "name = \"no\", says = \"n\", leads = \"unclear\"",
            "name = \"yes\", says = \"n\", leads = \"unclear\"",
            19,
            "twice",
        ),
        ("asks", "ask", 7, "ask"),
    ] {
        let error = Tree::parse("team.toml", &tree(from, to)).unwrap_err();
        assert_eq!(error.line, line, "{to}: {error}");
        assert!(error.to_string().starts_with("team.toml:") && error.what.contains(word), "{to}: {error}");
    }
}
