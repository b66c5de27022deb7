//! The triage walk over what an AI feature is made of: a tree of questions that is data, and how far what is known answers it.
//!
//! A question that evidence answers is not asked, and the evidence is quoted. What a person says counts before evidence.

mod file;
mod rule;
mod walk;

use std::sync::{Arc, LazyLock};

use crate::event::{Digest, Surface};

pub use rule::{Finding, Known, Standing, StopCount};
pub use walk::{BranchWalk, Said, State, Step, Walk};

use super::team::BadFile;
use rule::Rule;

/// The most answers a question has: each is one key.
pub const MOST_ANSWERS: usize = 6;

/// A tree that was read and found whole: every path of it ends.
#[derive(Debug, PartialEq)]
pub struct Tree {
    branches: Vec<Branch>,
    digest: Digest,
}

/// One thing to be looked at.
#[derive(Debug, PartialEq)]
pub struct Branch {
    /// What it is about.
    pub surface: Surface,
    /// What people call it.
    pub title: String,
    /// Its questions, the first begins it.
    questions: Vec<Question>,
}

/// One question.
#[derive(Debug, PartialEq)]
pub struct Question {
    /// Its name in the tree.
    pub name: String,
    /// What it asks.
    pub asks: String,
    /// What can be answered.
    pub answers: Vec<Answer>,
    /// What answers it without a person: the place of the answer, and when.
    rules: Vec<(usize, Rule)>,
}

/// One answer.
#[derive(Debug, PartialEq)]
pub struct Answer {
    /// Its name in the tree.
    pub name: String,
    /// What it says.
    pub says: String,
    leads: Leads,
}

/// Where an answer leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leads {
    /// To another question of the branch, further down.
    Question(usize),
    /// To an end: this surface is left standing.
    Stands(Surface),
    /// To an end: it was not this.
    Clear,
    /// To an end: nobody can tell.
    Unclear,
}

/// The embedded tree. A test reads it, so that a fault in it never reaches a user.
static BUILT_IN: LazyLock<Arc<Tree>> = LazyLock::new(|| {
    let tree = Tree::parse("assets/triage.toml", include_str!("../../../assets/triage.toml"));
    Arc::new(tree.unwrap_or_else(|_| Tree { branches: Vec::new(), digest: Digest::of(b"") }))
});

impl Tree {
    /// The tree that comes with the program.
    #[must_use]
    pub fn built_in() -> Arc<Self> {
        Arc::clone(&BUILT_IN)
    }

    /// Reads a tree; `place` is what to call the text in errors.
    ///
    /// # Errors
    /// What is wrong and in which line: what is no TOML, an unknown name, a name given twice, an answer that leads back, a question
    /// that nothing leads to.
    pub fn parse(place: &str, text: &str) -> Result<Self, BadFile> {
        file::read(place, text)
    }

    /// Which tree it is.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// How many questions it has, in words.
    #[must_use]
    pub fn questions(&self) -> String {
        match self.branches.iter().map(|branch| branch.questions.len()).sum() {
            1 => "one question".to_owned(),
            n => format!("{n} questions"),
        }
    }

    /// Its branches in the order they are walked.
    #[must_use]
    pub fn branches(&self) -> &[Branch] {
        &self.branches
    }
}

#[cfg(test)]
mod tests;
