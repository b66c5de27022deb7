//! Which past incidents were like this one: in what, and in what not.
//!
//! An incident is recognised by its [`Portrait`]: what was seen of it, aspect by aspect. [`Album`] keeps those of past incidents
//! and finds the nearest among a hundred thousand. How near counts as near is not a constant: it is read from how near newcomers
//! come that are put together of known parts at random ([`Chance`]). Nothing nearer than those is nothing like it.

mod album;
mod chance;
mod pages;
mod portrait;
mod search;

#[cfg(test)]
mod tests;

pub use album::{Album, Nearest, Novelty};
pub use chance::{CHANCE, Chance, LEAST_HISTORY};
pub use portrait::{Aspect, Portrait, Seen};
pub use search::{InAspect, Lookalike};
