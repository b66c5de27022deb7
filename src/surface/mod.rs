//! What an AI feature is made of, and how it moves.
//!
//! **For:** reading agent runs out of spans: what ran, what it was made of (its surface vector), how it ended, and which of its
//! values were never seen before.
//! **In:** spans, under any vendor's names (the table is `assets/genai-aliases.toml`). **Out:** [`RunFacts`], [`Reading`] (steps
//! and turns of one run, whole), [`History`] (values of each surface over time).
//! **Never:** knows a vendor's payload in code, follows a parent blindly, takes "not captured" for "none", or reads the clock.

mod alias;
mod around;
pub mod attribution;
mod came;
mod compare;
pub(crate) mod dice;
pub mod drift;
pub mod equivalence;
pub mod harm;
mod history;
pub mod keep;
#[cfg(test)]
pub(crate) mod made;
mod message;
mod order;
mod parallel;
mod parts;
mod plan;
mod read;
mod recorder;
mod run;
pub mod sample;
pub mod script;
pub mod severity;
mod shape;
pub mod stats;
mod step;
mod stop;
mod store;
mod table;
mod team;
mod tongue;
pub mod triage;

pub use alias::{Field, Op};
pub use around::{Around, Proxy, around, in_columns};
pub use came::{Came, Spread};
pub use compare::{Alike, ByValue, Compared, Finding, Numbers, StopCourse, Values};
pub use history::{History, Moved, Seen, SurfaceReport, SurfaceStanding, report};
pub use order::in_order;
pub use parallel::in_parts;
pub use parts::result_of;
pub use read::{Evaluation, Said, SpanFacts};
pub use recorder::{Gap, Recorder, ServiceGaps};
pub use run::{Bad, Retrieved, RunFacts, Surfaces, surface_of};
pub use shape::{Shape, shape_of};
pub use step::{Mark, Reading, Step, Suspicion, Turn, open};
pub use stop::{Stop, StopClass};
pub use store::Runs;
pub use table::{Chosen, PartId, RunRow, RunTable, ValueId};
pub use team::BadFile;
