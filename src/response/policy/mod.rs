//! How wide an action reaches, and what that asks of the person who approves it.
//!
//! **For:** one ruling per plan, by rules a team can read and add to. **In:** what would run ([`Facts`]), who asks, and what
//! is going on around it. **Out:** a tier with its reasons, what it asks for, and whether this person may approve it.
//! **Never:** lowers a tier for anything a team, a text from outside or a model says; rules when the rules cannot be read:
//! then nothing is approved.
//!
//! The rules are Cedar policies (`assets/policy.cedar`, read beside a team's own). They only ever forbid, so more rules mean a
//! higher tier or none: the engine's "forbid wins" makes that so, and not our care.

mod facts;
mod ruling;
mod text;

pub use facts::{Around, Facts, SilenceLimits};
pub use ruling::Ruling;
pub use text::Rules;

/// The widest tier there is.
pub const WIDEST: u8 = 6;

#[cfg(test)]
mod tests;
