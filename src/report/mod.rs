//! Documents for people who were not there, and news for programs that were not: post-mortem, status update, patterns across
//! incidents; approvals as `CDEvents`.
//!
//! **For:** saying what happened from the record alone. **In:** entries and what is folded from them. **Out:** documents; and events
//! to a receiver that the configuration names.
//! **Never:** states a fact that is no entry; holds anybody up who acts.
//!
//! Of the documents there are none as yet; nothing below them waits for them.

pub mod approvals;
pub mod tell;
