//! The guided walk over the surfaces.

use serde::{Deserialize, Serialize};

use super::{Digest, IncidentId, Person, Untrusted};

/// A person answered one question of the triage tree, or agreed with the answer the evidence gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TriageAnswered {
    /// The incident.
    pub incident: IncidentId,
    /// Who.
    pub by: Person,
    /// The tree, as it was.
    pub tree: Digest,
    /// The question, by its name in the tree.
    pub question: Untrusted,
    /// What it asked.
    pub asked: Untrusted,
    /// The answer, by its name in the tree.
    pub answer: Untrusted,
    /// The evidence that answered it before the person did, in words; `None` = nothing did.
    pub evidence: Option<Untrusted>,
}
