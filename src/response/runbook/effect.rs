//! What a step does besides running, in the policy's words, and whether it can be taken back.

/// What a step does besides running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It shows a secret to whoever reads its output.
    ReadsSecret,
    /// It sends something over the network of the author's choosing.
    Network,
    /// It puts other code, model or content in front of users.
    Deploys,
    /// It makes an alert, or whoever would hear it, quiet.
    DisablesAlert,
    /// It removes data.
    DeletesData,
    /// It writes data.
    ChangesData,
    /// A person is called or written to.
    ReachesPeople,
    /// Something stops, or starts anew.
    Restarts,
    /// It changes how something is set up.
    ChangesConfig,
    /// It changes who may do what.
    ChangesAccess,
    /// It runs commands somewhere else, or code of its own.
    RunsCode,
    /// It cannot be taken back.
    Irreversible,
    /// Nobody told what it does.
    Unknown,
}

impl Effect {
    /// Every one.
    pub const ALL: [Self; 13] = [
        Self::ReadsSecret,
        Self::Network,
        Self::Deploys,
        Self::DisablesAlert,
        Self::DeletesData,
        Self::ChangesData,
        Self::ReachesPeople,
        Self::Restarts,
        Self::ChangesConfig,
        Self::ChangesAccess,
        Self::RunsCode,
        Self::Irreversible,
        Self::Unknown,
    ];

    /// The word a policy and the record have for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ReadsSecret => "reads_secret",
            Self::Network => "network",
            Self::Deploys => "deploys",
            Self::DisablesAlert => "disables_alert",
            Self::DeletesData => "deletes_data",
            Self::ChangesData => "changes_data",
            Self::ReachesPeople => "reaches_people",
            Self::Restarts => "restarts",
            Self::ChangesConfig => "changes_config",
            Self::ChangesAccess => "changes_access",
            Self::RunsCode => "runs_code",
            Self::Irreversible => "irreversible",
            Self::Unknown => "unknown",
        }
    }

    /// The one of this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effect| effect.word() == word)
    }

    /// In words.
    #[must_use]
    pub fn says(self) -> &'static str {
        match self {
            Self::ReadsSecret => "shows a secret",
            Self::Network => "sends over the network",
            Self::Deploys => "deploys",
            Self::DisablesAlert => "quiets alerts",
            Self::DeletesData => "deletes data",
            Self::ChangesData => "writes data",
            Self::ReachesPeople => "reaches people",
            Self::Restarts => "stops or restarts",
            Self::ChangesConfig => "changes settings",
            Self::ChangesAccess => "changes access",
            Self::RunsCode => "runs code elsewhere",
            Self::Irreversible => "cannot be taken back",
            Self::Unknown => "effect unknown",
        }
    }
}

/// Whether a step can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reversible {
    /// It can.
    Yes,
    /// Nobody told.
    Unknown,
    /// It cannot.
    No,
}
