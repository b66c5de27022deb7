//! Secrets: where they come from, and a type that never shows them.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use crate::journal::guard;

/// A secret is a line; more is a mistake.
const MAX_BYTES: u64 = 64 * 1024;

/// Where a secret is. Never the secret itself: a configuration gets copied, mailed and committed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub enum SecretFrom {
    /// An environment variable.
    Env(String),
    /// A file that only its owner can read.
    File(PathBuf),
}

/// A secret. Its `Debug` says nothing.
#[derive(Clone)]
pub struct Secret(Arc<str>);

impl Secret {
    /// The secret itself, for the one who has to send or compare it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl SecretFrom {
    /// Fetches it.
    ///
    /// # Errors
    /// What is missing or unsafe, and what to do.
    pub fn get(self) -> Result<Secret, String> {
        let text = match &self {
            Self::Env(name) => std::env::var(name).map_err(|error| match error {
                std::env::VarError::NotPresent => {
                    format!("the environment variable {name} is not set: export it before starting")
                }
                std::env::VarError::NotUnicode(_) => format!("the environment variable {name} is not UTF-8"),
            })?,
            Self::File(path) => {
                let file = guard::open_private(path).map_err(|error| format!("the secret file is refused: {error}"))?;
                let mut text = String::new();
                std::io::Read::read_to_string(&mut std::io::Read::take(file, MAX_BYTES), &mut text)
                    .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
                text
            }
        };
        let text = text.trim_end_matches(['\n', '\r']);
        if text.is_empty() {
            return Err(format!(
                "{} is empty",
                match &self {
                    Self::Env(name) => format!("the environment variable {name}"),
                    Self::File(path) => path.display().to_string(),
                }
            ));
        }
        Ok(Secret(text.into()))
    }
}
