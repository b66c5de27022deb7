//! The changes and vendors' notices that are remembered, in order of time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Change, ChangeClass, Notice, Seq, Surface, Time, Untrusted};

use super::limits;
use super::timeline::one_line;

/// One change, without its texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ChangeKept {
    pub seq: Seq,
    pub arrived: Time,
    pub id: Untrusted,
    pub at: Time,
    /// Its source gave no time.
    pub untimed: bool,
    pub surface: Surface,
    pub class: ChangeClass,
    pub subject: Untrusted,
    pub actor: Untrusted,
    pub summary: Untrusted,
    pub has_diff: bool,
}

/// One notice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct NoticeKept {
    pub seq: Seq,
    pub arrived: Time,
    pub at: Time,
    pub provider: Untrusted,
    pub text: Untrusted,
}

/// What is remembered of both; the oldest go first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Changes {
    #[serde(with = "super::pairs")]
    changes: BTreeMap<(Time, Seq), ChangeKept>,
    #[serde(with = "super::pairs")]
    notices: BTreeMap<(Time, Seq), NoticeKept>,
}

impl Changes {
    pub fn add(&mut self, change: &Change, seq: Seq, arrived: Time) {
        let both = |side: &Option<crate::event::Side>| side.as_ref().is_some_and(|side| side.text.is_some());
        let labels = |side: &Option<crate::event::Side>| side.as_ref().is_some_and(|side| side.label.is_some());
        let kept = ChangeKept {
            seq,
            arrived,
            id: change.id.clone(),
            at: change.time,
            untimed: change.untimed,
            surface: change.surface,
            class: change.class,
            subject: change.subject.clone().unwrap_or_default(),
            actor: change.actor.clone().unwrap_or_default(),
            summary: one_line(&change.summary),
            has_diff: change.diff.is_some()
                || (both(&change.before) && both(&change.after))
                || (labels(&change.before) && labels(&change.after)),
        };
        self.changes.insert((kept.at, seq), kept);
        while self.changes.len() > limits::CHANGES_KEPT {
            self.changes.pop_first();
        }
    }

    pub fn notice(&mut self, notice: &Notice, at: Time, seq: Seq, arrived: Time) {
        let text = format!("{} {}: {}", notice.component.raw(), notice.status.raw(), notice.text.raw());
        let kept = NoticeKept { seq, arrived, at, provider: notice.provider.clone(), text: one_line(&text.into()) };
        self.notices.insert((at, seq), kept);
        while self.notices.len() > limits::NOTICES_KEPT {
            self.notices.pop_first();
        }
    }

    /// Whether none was ever heard of.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The changes in a stretch of time, oldest first.
    pub fn between(&self, from: Time, to: Time) -> impl DoubleEndedIterator<Item = &ChangeKept> {
        self.changes.range((from, Seq(0))..=(to.max(from), Seq(u64::MAX))).map(|(_, change)| change)
    }

    /// The notices in a stretch of time, oldest first.
    pub fn notices_between(&self, from: Time, to: Time) -> impl Iterator<Item = &NoticeKept> {
        self.notices.range((from, Seq(0))..=(to.max(from), Seq(u64::MAX))).map(|(_, notice)| notice)
    }
}
