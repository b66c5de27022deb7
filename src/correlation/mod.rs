//! Which alerts belong together, and why.
//!
//! **For:** turning a storm of alerts into incidents a person can hold in the head.
//! **In:** alerts, calls (topology facts, spans, labels of series and alerts), what people regrouped by hand and what they confirmed. **Out:** [`Move`]s — open an incident, join
//! alerts to one — each with its [`Reason`](crate::event::Reason) in words; the likeliest root component of an incident; the way trouble
//! took ([`path`]); past incidents that were like this one ([`similar`]).
//! **Never:** reads the clock, looks at every open alert to place one, moves what a person locked or placed, or knows how an
//! entry is stored.
//!
//! Deciding and recording are two steps, so that the process that leads and those that follow agree:
//! [`Correlator::decide`] (leader only) says what should be recorded, [`Correlator::apply`] takes in what was recorded.

mod again;
mod decide;
mod graph;
mod group;
mod labels;
mod order;
mod past;
mod path;
mod place;
mod reach;
mod root;
mod sign;
pub mod similar;
mod story;
mod tie;

pub use graph::Graph;
pub use order::Order;
pub use path::path;
pub use place::{Correlator, Move, Settings};
pub use root::Root;
pub use sign::Sign;
