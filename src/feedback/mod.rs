//! What judgement was worth: decisions and the truth, turned into a record, and the record into how sure one may be.
//!
//! **For:** saying how often each investigator was right, how sure it was when it was wrong, and whether people looked before
//! they agreed (law 4: this record, and no tone of text, is confidence); fitting the calibration that makes probabilities of scores;
//! comparing two versions of an engine.
//! **In:** per incident the diagnoses, the decisions and the confirmed cause. **Out:** an [`AccuracyView`], a
//! [`Calibration`](crate::event::Calibration), a [`Comparison`].
//! **Never:** is edited by hand, counts an incident whose cause nobody confirmed, or reads a clock.

mod back;
mod case;
mod compare;
mod fit;
mod habits;
mod outcome;
mod prompts;
mod record;
mod reliability;
mod response;
mod spread;
mod tally;

pub use back::{Procedure, Rehearsal, WentBack};
pub use case::{Case, Decided, Judged, Scored, is_hasty, is_right, scored};
pub use compare::{Comparison, Difference, compare, mcnemar};
pub use fit::{NEWEST, fit, refit};
pub use habits::{Habits, STREAK};
pub use outcome::{Given, Outcome};
pub use prompts::{MANY, Prompts, PromptsView, ReadBy};
pub use record::{AccuracyView, InvestigatorRecord, Part, Week, accuracy};
pub use reliability::{CONFIDENT, Reliability, Tenth};
pub use response::{Pages, Response};
pub use spread::Spread;
pub use tally::Tally;
