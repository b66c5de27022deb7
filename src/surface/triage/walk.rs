//! How far what is known and what people said leads through the tree.

use crate::event::{Surface, Untrusted};

use super::rule::Known;
use super::{Answer, Branch, Leads, Question, Tree};

/// What a person said to a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// The question's name.
    pub question: Untrusted,
    /// The answer's name.
    pub answer: Untrusted,
    /// Who.
    pub by: Untrusted,
}

/// One question that was answered, by evidence or by a person.
#[derive(Clone, Debug)]
pub struct Step<'t> {
    /// Which.
    pub question: &'t Question,
    /// The answer that counts.
    pub answer: &'t Answer,
    /// The evidence for this answer.
    pub evidence: Option<Untrusted>,
    /// The person who gave it.
    pub by: Option<Untrusted>,
}

/// How far a branch is.
#[derive(Clone, Copy, Debug)]
pub enum State<'t> {
    /// This question is not answered yet.
    Open(&'t Question),
    /// It is left standing; a branch may end at another surface than its own.
    Stands(Surface),
    /// It was not this.
    Clear,
    /// Nobody can tell.
    Unclear,
}

/// One branch as far as it is walked.
#[derive(Clone, Debug)]
pub struct BranchWalk<'t> {
    /// Which.
    pub branch: &'t Branch,
    /// The questions answered, in order.
    pub steps: Vec<Step<'t>>,
    /// How far it is.
    pub state: State<'t>,
}

/// All branches.
#[derive(Clone, Debug)]
pub struct Walk<'t> {
    /// In the order of the tree.
    pub branches: Vec<BranchWalk<'t>>,
}

impl<'t> Walk<'t> {
    /// How far `known` and `said` lead. What a person says counts before evidence; of several, the last of `said`.
    #[must_use]
    pub fn of(tree: &'t Tree, known: &Known, said: &[Said]) -> Self {
        Self { branches: tree.branches().iter().map(|branch| branch.walk(known, said)).collect() }
    }

    /// The first branch with an open question.
    #[must_use]
    pub fn open(&self) -> Option<usize> {
        self.branches.iter().position(|branch| matches!(branch.state, State::Open(_)))
    }

    /// What is left standing, each once.
    #[must_use]
    pub fn standing(&self) -> Vec<Surface> {
        let mut standing = Vec::new();
        for branch in &self.branches {
            if let State::Stands(surface) = branch.state
                && !standing.contains(&surface)
            {
                standing.push(surface);
            }
        }
        standing
    }
}

impl Question {
    /// What evidence answers, and the evidence.
    #[must_use]
    pub fn by_evidence(&self, known: &Known) -> Option<(&Answer, Untrusted)> {
        self.rules.iter().find_map(|(answer, rule)| Some((self.answers.get(*answer)?, rule.holds(known)?)))
    }

    /// What a person answered.
    fn by_person<'q>(&'q self, said: &[Said]) -> Option<(&'q Answer, Untrusted)> {
        let last = said.iter().rev().find(|said| said.question.raw() == self.name)?;
        let answer = self.answers.iter().find(|answer| answer.name == last.answer.raw())?;
        Some((answer, last.by.clone()))
    }
}

impl Branch {
    pub(super) fn walk(&self, known: &Known, said: &[Said]) -> BranchWalk<'_> {
        let mut steps = Vec::new();
        let mut at = 0;
        // Answers only lead down, so this ends.
        let state = loop {
            let Some(question) = self.questions.get(at) else { break State::Unclear };
            let found = question.by_evidence(known);
            let (answer, by) = match (question.by_person(said), &found) {
                (Some((answer, by)), _) => (answer, Some(by)),
                (None, Some((answer, _))) => (*answer, None),
                (None, None) => break State::Open(question),
            };
            let evidence = found.filter(|(by_evidence, _)| by_evidence.name == answer.name).map(|(_, words)| words);
            steps.push(Step { question, answer, evidence, by });
            match answer.leads {
                Leads::Question(next) => at = next,
                Leads::Stands(surface) => break State::Stands(surface),
                Leads::Clear => break State::Clear,
                Leads::Unclear => break State::Unclear,
            }
        };
        BranchWalk { branch: self, steps, state }
    }
}
