//! What can move.

use serde::{Deserialize, Serialize};

/// The kinds of thing a change can touch and a cause can lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Surface {
    /// Program code, by commit or deploy.
    Code,
    /// Configuration and feature flags.
    Config,
    /// Machines, network, storage, quotas, certificates.
    Infra,
    /// An upstream service or vendor.
    Dependency,
    /// The model asked for and the model that answered.
    Model,
    /// System prompt and templates.
    Prompt,
    /// Retrieval index and its sources.
    Retrieval,
    /// Tool schemas and result shapes.
    Tool,
    /// Judge and evaluation configuration.
    Judge,
    /// Traffic mix, tenants, routing.
    Traffic,
}

impl Surface {
    /// Every surface, in the order the triage walk asks.
    pub const ALL: [Self; 10] = [
        Self::Model,
        Self::Prompt,
        Self::Retrieval,
        Self::Tool,
        Self::Judge,
        Self::Traffic,
        Self::Code,
        Self::Config,
        Self::Infra,
        Self::Dependency,
    ];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Config => "config",
            Self::Infra => "infra",
            Self::Dependency => "dependency",
            Self::Model => "model",
            Self::Prompt => "prompt",
            Self::Retrieval => "retrieval",
            Self::Tool => "tool",
            Self::Judge => "judge",
            Self::Traffic => "traffic",
        }
    }
}
