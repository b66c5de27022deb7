//! `warroom`: a terminal war room for whoever holds the pager.
//!
//! One sentence: everything that happens is an entry in one journal, and everything on the screen is a view of it.
//! The rooms, top floor first, and the laws they keep are drawn in `ARCHITECTURE.md`.

pub mod cli;
pub mod console;
pub mod correlation;
pub mod diagnosis;
pub mod engine;
pub mod event;
pub mod feedback;
pub mod intake;
pub mod journal;
pub mod report;
pub mod response;
pub mod slo;
pub mod surface;
