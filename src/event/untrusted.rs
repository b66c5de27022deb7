//! Text that came from outside.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::show::{Policy, Safe, show};

/// Text from outside: an alert label, a commit title, a model's answer, a user name.
///
/// It has no `Display` on purpose: the way to a screen is [`Untrusted::show`]. Analysis may read it with
/// [`Untrusted::raw`]. Cloning is cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(Arc<str>);

impl Untrusted {
    /// The text as it came, for comparing, matching and storing; never for drawing.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// The text made fit to draw under `policy`; borrowed when nothing had to be escaped.
    #[must_use]
    pub fn show(&self, policy: Policy) -> Safe<'_> {
        show(&self.0, policy)
    }

    /// Whether there is no text at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Default for Untrusted {
    fn default() -> Self {
        Self(Arc::from(""))
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self(Arc::from(text))
    }
}

impl Borrow<str> for Untrusted {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.show(Policy::Exact).as_str())
    }
}
