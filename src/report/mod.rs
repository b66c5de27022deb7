//! Documents for people who were not there: post-mortem, status update, patterns across incidents.
//!
//! **For:** saying what happened from the record alone. **In:** entries and what is folded from them. **Out:** documents.
//! **Never:** states a fact that is no entry.
//!
//! The room is empty as yet; nothing below it waits for it.
