//! How plans are answered: how many are asked for at a time, and for how long people have them open before they say yes.

use std::collections::VecDeque;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::spread::Spread;
use crate::event::{Tier, Time, Untrusted};

/// A stretch of time in which proposals are counted together.
const STRETCH: SignedDuration = SignedDuration::from_mins(10);
/// So many in one stretch are more than a person can weigh.
pub const MANY: u64 = 30;
/// A typical answer that came sooner was no reading, seconds.
const READING_S: f64 = 2.0;
/// From so many answers on, how long they took is called typical.
const TYPICAL: u64 = 3;
/// The newest answers that are kept, of one person to plans of one tier.
const KEPT: usize = 200;
/// Pairs of a person and a tier that are kept.
const PAIRS: usize = 200;
/// Proposals within one stretch that are told apart.
const ASKED: usize = 1_000;

/// What is kept of proposals and answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prompts {
    /// When plans of the newest stretch were proposed.
    asked: VecDeque<Time>,
    view: PromptsView,
    answers: Vec<Answers>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Answers {
    by: Untrusted,
    tier: Tier,
    /// Milliseconds, oldest first.
    took: VecDeque<u64>,
    unmeasured: u64,
}

/// How plans were answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PromptsView {
    /// Plans that were proposed in all.
    pub proposed: u64,
    /// The most of them within ten minutes.
    pub most: u64,
    /// When the last of those was proposed.
    pub most_at: Option<Time>,
    /// Those within the ten minutes before the newest, with it.
    pub lately: u64,
    /// When the newest was proposed.
    pub newest: Option<Time>,
    /// Each person and tier: for how long plans were open before the yes.
    pub people: Vec<ReadBy>,
}

/// For how long one person had plans of one tier open before they approved them, by the consoles they sat at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadBy {
    /// Who.
    pub login: Untrusted,
    /// The tier.
    pub tier: Tier,
    /// How long.
    pub read: Spread,
    /// Approvals of which nothing measured that.
    pub unmeasured: u64,
    /// Typically so short that nobody can have read it.
    pub too_short: bool,
}

impl PromptsView {
    /// How many were proposed within the ten minutes before `now`, where that is more than a person can weigh.
    #[must_use]
    pub fn too_many(&self, now: Time) -> Option<u64> {
        let fresh = self.newest.is_some_and(|newest| now.duration_since(newest) < STRETCH);
        (fresh && self.lately >= MANY).then_some(self.lately)
    }
}

impl Prompts {
    /// A plan was proposed.
    pub fn proposed(&mut self, at: Time) {
        self.asked.retain(|before| at.duration_since(*before) < STRETCH);
        self.asked.push_back(at);
        if self.asked.len() > ASKED {
            self.asked.pop_front();
        }
        let view = &mut self.view;
        (view.proposed, view.lately, view.newest) = (view.proposed + 1, self.asked.len() as u64, Some(at));
        if view.lately > view.most {
            (view.most, view.most_at) = (view.lately, Some(at));
        }
    }

    /// Somebody approved a plan of this tier after it was open before them for so many milliseconds.
    pub fn approved(&mut self, by: &Untrusted, tier: Tier, read_ms: Option<u64>) {
        let nth = self.answers.iter().position(|answers| answers.by == *by && answers.tier == tier);
        let mut answers = match nth {
            Some(nth) => self.answers.remove(nth),
            None => Answers { by: by.clone(), tier, took: VecDeque::new(), unmeasured: 0 },
        };
        match read_ms {
            Some(took) => answers.took.push_back(took),
            None => answers.unmeasured += 1,
        }
        if answers.took.len() > KEPT {
            answers.took.pop_front();
        }
        // Whoever answered last stands last: the others are let go of first.
        self.answers.push(answers);
        if self.answers.len() > PAIRS {
            self.answers.remove(0);
        }
    }

    /// As it is shown.
    #[must_use]
    pub fn view(&self) -> PromptsView {
        let mut people: Vec<ReadBy> = self.answers.iter().map(Answers::summed_up).collect();
        people.sort_by(|a, b| (&a.login, a.tier).cmp(&(&b.login, b.tier)));
        PromptsView { people, ..self.view.clone() }
    }
}

impl Answers {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds before a dialog")]
    fn summed_up(&self) -> ReadBy {
        let read = Spread::of(self.took.iter().map(|took| *took as f64 / 1_000.0).collect());
        let too_short = read.n >= TYPICAL && read.median_s < READING_S;
        ReadBy { login: self.by.clone(), tier: self.tier, read, unmeasured: self.unmeasured, too_short }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Time {
        Time::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn fault_66_thirty_plans_in_ten_minutes_are_counted_and_answers_too_quick_to_be_read_are_told() {
        let mut prompts = Prompts::default();
        for nth in 0..29 {
            prompts.proposed(at(nth * 20));
        }
        assert_eq!(prompts.view().too_many(at(600)), None);
        prompts.proposed(at(590));
        let view = prompts.view();
        assert_eq!((view.proposed, view.most, view.most_at, view.too_many(at(600))), (30, 30, Some(at(590)), Some(30)));
        assert_eq!(view.too_many(at(590 + 600)), None, "that was then");
        prompts.proposed(at(5_000));
        let view = prompts.view();
        assert_eq!((view.proposed, view.most, view.lately), (31, 30, 1));
        for took in [400, 900, 60_000] {
            prompts.approved(&"ana".into(), Tier(2), Some(took));
            prompts.approved(&"ben".into(), Tier(2), Some(took * 10));
        }
        prompts.approved(&"ana".into(), Tier(4), Some(500));
        prompts.approved(&"ana".into(), Tier(4), None);
        let view = prompts.view();
        let told: Vec<_> =
            view.people.iter().map(|one| (one.login.raw(), one.tier.0, one.read.n, one.too_short)).collect();
        // One answer is no habit, and nothing measured is no short time.
        assert_eq!(told, [("ana", 2, 3, true), ("ana", 4, 1, false), ("ben", 2, 3, false)]);
        assert_eq!((view.people[0].read.median_s, view.people[1].unmeasured), (0.9, 1));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut prompts = Prompts::default();
        for nth in 0..3_000 {
            prompts.proposed(at(0));
            prompts.approved(&format!("p{nth}").into(), Tier(1), Some(nth));
            prompts.approved(&"ana".into(), Tier(1), Some(nth));
        }
        assert_eq!((prompts.asked.len(), prompts.answers.len(), prompts.view().proposed), (ASKED, PAIRS, 3_000));
        assert_eq!(prompts.view().people.iter().find(|one| one.login.raw() == "ana").unwrap().read.n, KEPT as u64);
    }
}
