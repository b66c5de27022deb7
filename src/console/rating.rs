//! How severe an incident is: what a person set, what the rubric suggests and why. The same words on every screen.

use super::action::Action;
use super::pane::Cx;
use crate::engine::view::IncidentView;
use crate::event::Untrusted;
use crate::surface::severity::{Rubric, Suggestion};

/// The answers there are: by evidence with its words, or by the person at the console.
#[derive(Debug)]
pub struct Answered {
    /// For each question the answer and the evidence for it; no words = a person gave it here.
    pub answers: Vec<Option<(usize, Option<Untrusted>)>>,
    /// What follows from them.
    pub suggestion: Suggestion,
}

impl Answered {
    /// What is known of `incident`, with what a person answered in `own` before it.
    #[must_use]
    pub fn of(rubric: &Rubric, incident: &IncidentView, own: &[Option<usize>]) -> Self {
        let known = rubric.by_evidence(&incident.harm());
        let answers: Vec<_> = known
            .into_iter()
            .enumerate()
            .map(|(nth, known)| match own.get(nth).copied().flatten() {
                // Whoever agrees with the evidence keeps its words.
                Some(answer) => Some((answer, known.filter(|(found, _)| *found == answer).map(|(_, words)| words))),
                None => known.map(|(answer, words)| (answer, Some(words))),
            })
            .collect();
        let given: Vec<Option<usize>> = answers.iter().map(|one| one.as_ref().map(|(answer, _)| *answer)).collect();
        let suggestion = rubric.suggest(&given);
        Self { answers, suggestion }
    }

    /// The level that follows, where one does.
    #[must_use]
    pub fn level<'r>(&self, rubric: &'r Rubric) -> Option<&'r str> {
        rubric.levels().get(self.suggestion.clear()?).map(|level| level.name.as_str())
    }

    /// `SEV2`, or `SEV1 to SEV3`.
    #[must_use]
    pub fn suggested(&self, rubric: &Rubric) -> String {
        let name = |nth: usize| rubric.levels().get(nth).map_or("?", |level| level.name.as_str());
        let Suggestion { worst, mildest, .. } = self.suggestion;
        match self.level(rubric) {
            Some(level) => level.to_owned(),
            None => format!("{} to {}", name(worst), name(mildest)),
        }
    }

    /// What it rests on: `harm stopped, reach many`.
    #[must_use]
    pub fn because(&self, rubric: &Rubric) -> String {
        let said = |nth: &usize| {
            let question = rubric.questions().get(*nth)?;
            let (answer, _) = self.answers.get(*nth)?.as_ref()?;
            Some(format!("{} {}", question.name, question.answers.get(*answer)?.name))
        };
        self.suggestion.because.iter().filter_map(said).collect::<Vec<_>>().join(", ")
    }

    /// The questions that would settle it.
    #[must_use]
    pub fn open(&self, rubric: &Rubric) -> String {
        let name = |nth: &usize| rubric.questions().get(*nth).map(|question| question.name.as_str());
        self.suggestion.open.iter().filter_map(name).collect::<Vec<_>>().join(", ")
    }

    /// All answers in words, for the record: `harm: stopped (the worst of its alerts says critical); reach: many`.
    #[must_use]
    pub fn whole(&self, rubric: &Rubric) -> String {
        let said = rubric.questions().iter().zip(&self.answers).filter_map(|(question, given)| {
            let (answer, words) = given.as_ref()?;
            let words = words.as_ref().map(|words| format!(" ({})", words.raw())).unwrap_or_default();
            Some(format!("{}: {}{words}", question.name, question.answers.get(*answer)?.name))
        });
        said.collect::<Vec<_>>().join("; ")
    }
}

/// How severe it is, in one sentence. With a name from outside in it, it is itself text from outside.
#[must_use]
pub fn sentence(cx: &Cx<'_>, incident: &IncidentView) -> Untrusted {
    let answered = Answered::of(cx.rubric, incident, &[]);
    let suggested = answered.suggested(cx.rubric);
    if let Some(rated) = &incident.rated {
        let by = rated.by.login.raw();
        let now =
            if suggested == rated.name.raw() { String::new() } else { format!("; the rubric suggests {suggested}") };
        return format!("{}, set by {by} at {}{now}", rated.name.raw(), cx.clock(rated.at)).into();
    }
    let key = cx.keymap.first(Action::Severity).unwrap_or_else(|| format!(":{}", Action::Severity.about().name));
    let because = answered.because(cx.rubric);
    let because = if because.is_empty() { String::new() } else { format!(" by {because}") };
    let open = answered.open(cx.rubric);
    let open = if open.is_empty() { String::new() } else { format!("; not known and asked: {open}") };
    format!("not set by anybody; suggested {suggested}{because}{open}. {key} sets it").into()
}
