//! Recorded runs, run again against a model with some of their surfaces pinned: the experiment that tells which one moved.
//!
//! **For:** asking a configured endpoint what it answers to the recorded conversation, arm against arm, tools answered from the
//! record; and reading what came of it with intervals.
//! **In:** a [`ReplayAsked`](crate::event::ReplayAsked) by a person, the recorded spans, an [`Endpoint`]. **Out:** entries: asked
//! before anything is sent, one for each run that ended, and the end; an [`Outcome`].
//! **Never:** calls a real tool, sends anything before it is recorded that a person asked for it, spends more tokens than its
//! budget, calls an answer good, or lets a key be seen.

mod client;
mod lab;
mod outcome;
mod run;
mod survey;
mod talk;
mod wire;

pub use client::{Client, Endpoint, Patience, Probed};
pub use lab::{Lab, LeftOut, LocalLab, News, Offer, Order, Ready, Survey, Told, number, scripts};
pub use outcome::{ArmOutcome, Difference, Outcome, Share, Tally};
pub use run::{Begun, Bounds, Ended, Experiment, Progress, Stop, replays, script, tend};
pub use survey::{Moved, Pin, as_recorded, moved};
pub use wire::Dialect;
