//! The overlays, one file each.

pub mod approval;
pub mod confirm;
pub mod decision;
pub mod editor;
pub mod find;
pub mod fuzzy;
pub mod harm;
pub mod help;
pub mod messages;
pub mod palette;
pub mod prompt;
pub mod reader;
pub mod replay;
pub mod runbooks;
pub mod scroll;
pub mod severity;
pub mod triage;
pub mod truth;
pub mod viewer;
pub mod watching;
