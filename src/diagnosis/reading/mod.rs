//! Reading texts: words of diffs and of failing telemetry, and what a diff can cause.

pub(super) mod diff;
pub(super) mod effect;
pub(super) mod inert;
pub(super) mod setting;
pub(super) mod sign;
pub(super) mod telemetry;
pub(super) mod words;
