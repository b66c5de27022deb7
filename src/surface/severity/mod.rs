//! The rubric for severity: questions about harm, reach, reversibility and exposure that are data, what evidence answers of them,
//! and which level follows. It suggests, with its reason; only a person sets a level.

mod file;
mod rule;

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use crate::event::{Digest, Severity, Untrusted};

pub use rule::{Known, Label, Share};

use super::team::BadFile;
use rule::Rule;

/// The most levels, questions and answers of a question: each level and answer is one key.
pub const MOST: usize = 6;

/// A rubric that was read and found whole: whatever is answered, a level follows.
#[derive(Debug, PartialEq)]
pub struct Rubric {
    levels: Vec<Level>,
    questions: Vec<Question>,
    /// From the top: the level, and what it takes.
    suggest: Vec<(usize, Wanted)>,
    digest: Digest,
}

/// For each question the answers that are taken (`None` = any).
type Wanted = Vec<Option<BTreeSet<usize>>>;

/// One level.
#[derive(Debug, PartialEq)]
pub struct Level {
    /// Its name.
    pub name: String,
    /// What it means.
    pub means: String,
    /// What it counts as among the severities of alerts.
    pub counts_as: Severity,
}

/// One question.
#[derive(Debug, PartialEq)]
pub struct Question {
    /// Its name.
    pub name: String,
    /// What it asks.
    pub asks: String,
    /// What can be answered, the worst first.
    pub answers: Vec<Answer>,
    rules: Vec<(usize, Rule)>,
}

/// One answer.
#[derive(Debug, PartialEq)]
pub struct Answer {
    /// Its name.
    pub name: String,
    /// What it says.
    pub says: String,
}

/// What follows from the answers there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The worst level that can follow; 0 is the worst there is.
    pub worst: usize,
    /// The mildest one.
    pub mildest: usize,
    /// Questions without an answer on which it depends.
    pub open: Vec<usize>,
    /// Questions with an answer on which it rests.
    pub because: Vec<usize>,
}

impl Suggestion {
    /// The level, where no open question can change it.
    #[must_use]
    pub fn clear(&self) -> Option<usize> {
        (self.worst == self.mildest).then_some(self.worst)
    }
}

/// The embedded rubric. A test reads it, so that a fault in it never reaches a user.
static BUILT_IN: LazyLock<Arc<Rubric>> = LazyLock::new(|| {
    let rubric = Rubric::parse("assets/severity.toml", include_str!("../../../assets/severity.toml"));
    let none = |_| Rubric { levels: Vec::new(), questions: Vec::new(), suggest: Vec::new(), digest: Digest::of(b"") };
    Arc::new(rubric.unwrap_or_else(none))
});

impl Rubric {
    /// The rubric that comes with the program.
    #[must_use]
    pub fn built_in() -> Arc<Self> {
        Arc::clone(&BUILT_IN)
    }

    /// Reads a rubric; `place` is what to call the text in errors.
    ///
    /// # Errors
    /// What is wrong and in which line: what is no TOML, an unknown name or field, a name given twice, no level for some answers.
    pub fn parse(place: &str, text: &str) -> Result<Self, BadFile> {
        file::read(place, text)
    }

    /// Which rubric it is.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Its levels, the worst first.
    #[must_use]
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// The names of its levels, the worst first.
    #[must_use]
    pub fn names(&self) -> String {
        self.levels.iter().map(|level| level.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Its questions.
    #[must_use]
    pub fn questions(&self) -> &[Question] {
        &self.questions
    }

    /// What evidence answers of each question, and the words that can be quoted.
    #[must_use]
    pub fn by_evidence(&self, known: &Known) -> Vec<Option<(usize, Untrusted)>> {
        let answer =
            |question: &Question| question.rules.iter().find_map(|(answer, rule)| Some((*answer, rule.holds(known)?)));
        self.questions.iter().map(answer).collect()
    }

    /// What follows from these answers, one for each question; `None` = not known. Every way to answer the open ones is tried.
    #[must_use]
    pub fn suggest(&self, answers: &[Option<usize>]) -> Suggestion {
        let mut given: Vec<Option<usize>> = answers.to_vec();
        given.resize(self.questions.len(), None);
        let (worst, mildest) = self.range(&given);
        // A question matters when another answer to it would lead elsewhere, or when an answer would narrow it down.
        let told = |nth: usize| {
            let ways = self.questions.get(nth).map_or(0, |question| question.answers.len());
            (0..ways).map(move |answer| (nth, Some(answer)))
        };
        let ranges = |nth: usize| {
            told(nth).map(|(nth, answer)| {
                let mut other = given.clone();
                other[nth] = answer;
                self.range(&other)
            })
        };
        let (mut open, mut because) = (Vec::new(), Vec::new());
        for (nth, answer) in given.iter().enumerate() {
            if ranges(nth).any(|range| range != (worst, mildest)) {
                if answer.is_some() { because.push(nth) } else { open.push(nth) }
            }
        }
        if open.is_empty() && worst != mildest {
            // No single one settles anything: they do together.
            open.extend(given.iter().enumerate().filter(|(_, answer)| answer.is_none()).map(|(nth, _)| nth));
        }
        Suggestion { worst, mildest, open, because }
    }

    /// The worst and the mildest level that can follow.
    fn range(&self, given: &[Option<usize>]) -> (usize, usize) {
        let mut range: Option<(usize, usize)> = None;
        let mut at: Vec<usize> = given.iter().map(|answer| answer.unwrap_or(0)).collect();
        loop {
            let level = self.level(&at);
            range = Some(range.map_or((level, level), |(worst, mildest)| (worst.min(level), mildest.max(level))));
            // The next way to answer the open ones, as a number is counted up.
            let next = (0..at.len()).find(|nth| {
                if given[*nth].is_some() {
                    return false;
                }
                at[*nth] += 1;
                let more = at[*nth] < self.questions[*nth].answers.len();
                if !more {
                    at[*nth] = 0;
                }
                more
            });
            if next.is_none() {
                return range.unwrap_or_default();
            }
        }
    }

    /// The level of a full set of answers.
    fn level(&self, answers: &[usize]) -> usize {
        let takes = |wanted: &[Option<BTreeSet<usize>>]| {
            wanted.iter().zip(answers).all(|(wanted, answer)| wanted.as_ref().is_none_or(|some| some.contains(answer)))
        };
        // The last one takes everything.
        self.suggest.iter().find(|(_, wanted)| takes(wanted)).map_or(0, |(level, _)| *level)
    }
}

#[cfg(test)]
mod tests;
