//! Text that came from outside.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::show::{Policy, Safe, looks_like, mixes_scripts, show, show_prefix};

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

    /// The beginning of the text made fit to draw, at most `max_cells` wide; costs no more than that, however long the
    /// text is. [`Safe::is_whole`] says whether more follows.
    #[must_use]
    pub fn show_prefix(&self, policy: Policy, max_cells: usize) -> Safe<'_> {
        show_prefix(&self.0, policy, max_cells)
    }

    /// The text line by line, parted at line feeds; a carriage return stays in its line and is shown.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = Excerpt<'_>> {
        self.0.split_terminator('\n').map(Excerpt)
    }

    /// A stretch of the text by byte positions; empty where `range` does not lie on characters inside it.
    #[must_use]
    pub fn excerpt(&self, range: Range<usize>) -> Excerpt<'_> {
        Excerpt(self.0.get(range).unwrap_or(""))
    }

    /// The first of `known` that a reader would take this name for although it is another one.
    #[must_use]
    pub fn looks_like<'k>(&self, known: impl IntoIterator<Item = &'k Untrusted>) -> Option<&'k str> {
        looks_like(&self.0, known.into_iter().map(Untrusted::raw))
    }

    /// Whether one of its words mixes scripts that no language mixes.
    #[must_use]
    pub fn mixes_scripts(&self) -> bool {
        mixes_scripts(&self.0)
    }

    /// Whether there is no text at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A stretch of outside text, borrowed: a line, a word of a diff.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Excerpt<'a>(&'a str);

impl<'a> Excerpt<'a> {
    /// The text as it came; never for drawing.
    #[must_use]
    pub fn raw(self) -> &'a str {
        self.0
    }

    /// The text made fit to draw under `policy`.
    #[must_use]
    pub fn show(self, policy: Policy) -> Safe<'a> {
        show(self.0, policy)
    }

    /// The beginning of the text made fit to draw; see [`Untrusted::show_prefix`].
    #[must_use]
    pub fn show_prefix(self, policy: Policy, max_cells: usize) -> Safe<'a> {
        show_prefix(self.0, policy, max_cells)
    }
}

impl<'a> From<&'a Untrusted> for Excerpt<'a> {
    fn from(text: &'a Untrusted) -> Self {
        Self(&text.0)
    }
}

impl fmt::Debug for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.show(Policy::Exact).as_str())
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
