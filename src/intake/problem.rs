//! What is wrong with a delivery, and where.

use std::fmt;

use crate::event::{Policy, Untrusted};

/// A delivery, or a line of one, that cannot be taken. Its text is safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadInput {
    /// Where it is wrong.
    pub place: Place,
    what: String,
}

/// Where in a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A JSON pointer (RFC 6901); empty = the whole document.
    Pointer(String),
    /// A line, from 1.
    Line(u64),
    /// A byte, from 0.
    Byte(u64),
    /// A request header.
    Header(String),
    /// The body as a whole.
    Body,
}

/// Reasons are for people: no longer than this many characters.
const LONGEST: usize = 400;

impl BadInput {
    /// `what` is wrong at `place`. Outside text inside `what` is made visible here, once.
    #[must_use]
    pub fn new(place: Place, what: impl Into<String>) -> Self {
        let what = Untrusted::from(what.into());
        let shown = what.show(Policy::Prose);
        let mut what: String = shown.as_str().chars().take(LONGEST).collect();
        if what.len() < shown.as_str().len() {
            what.push('…');
        }
        Self { place, what }
    }

    /// `what` is wrong at the JSON pointer `pointer`.
    #[must_use]
    pub fn at(pointer: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(Place::Pointer(pointer.into()), what)
    }

    /// The same, inside a document in which this one stands at `prefix`.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        if let Place::Pointer(pointer) = &mut self.place {
            pointer.insert_str(0, prefix);
        }
        self
    }

    /// The reason without the place.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }
}

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Pointer(pointer) if pointer.is_empty() => f.write_str("the document")?,
            // Keys of the document are part of the pointer: outside text.
            Place::Pointer(pointer) => {
                f.write_str(Untrusted::from(pointer.as_str()).show(Policy::Prose).as_str())?;
            }
            Place::Line(line) => write!(f, "line {line}")?,
            Place::Byte(byte) => write!(f, "byte {byte}")?,
            Place::Header(name) => write!(f, "header {name}")?,
            Place::Body => f.write_str("the body")?,
        }
        write!(f, ": {}", self.what)
    }
}

impl std::error::Error for BadInput {}
