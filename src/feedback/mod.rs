//! What judgement was worth: decisions and the truth, turned into a record.
//!
//! **For:** saying how often each investigator was right, how sure it was when it was wrong, and whether people looked before
//! they agreed (law 4: this record, and no tone of text, is confidence).
//! **In:** per incident the diagnoses, the decisions and the confirmed cause. **Out:** an [`AccuracyView`].
//! **Never:** is edited by hand, counts an incident whose cause nobody confirmed, or reads a clock.

mod record;

pub use record::{AccuracyView, Case, Decided, InvestigatorRecord, Judged, accuracy, is_right};
