//! What people decide.

use serde::{Deserialize, Serialize};

use super::{Cause, Digest, IncidentId, Person, Seq, Untrusted};

/// A guess written down before looking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hunch {
    /// The incident.
    pub incident: IncidentId,
    /// Whose.
    pub by: Person,
    /// In their words.
    pub text: Untrusted,
}

/// A note.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// The incident; `None` for a note that came with a bundle or concerns all.
    pub incident: Option<IncidentId>,
    /// Author.
    pub author: Untrusted,
    /// Text; may hold line feeds.
    pub text: Untrusted,
}

/// What a person made of a hypothesis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The incident.
    pub incident: IncidentId,
    /// Who.
    pub by: Person,
    /// The diagnosis entry that was on the screen.
    pub diagnosis: Seq,
    /// Its inputs, so that the record holds if the entry is exported alone.
    pub inputs: Digest,
    /// Rank of the hypothesis decided on, 1 = leading.
    pub rank: u32,
    /// The cause it named.
    pub cause: Cause,
    /// Its share on the screen.
    pub shown_share: f64,
    /// Accept, modify or reject.
    pub verdict: Verdict,
    /// Why, in their words.
    pub reason: Untrusted,
    /// What had been opened before deciding: pane and thing.
    pub opened: Vec<Untrusted>,
    /// Milliseconds from the hypothesis first on the screen to the key.
    pub took_ms: u64,
}

/// The three answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It is this.
    Accept,
    /// It is nearly this: what it is instead.
    Modify {
        /// The cause as the person sees it.
        instead: Cause,
    },
    /// It is not this.
    Reject,
}
