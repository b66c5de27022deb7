//! Small drawn things that several panes share: text from outside, rows of fixed columns, bars, lists.

pub mod list;
pub mod meter;
pub mod row;
pub mod words;
