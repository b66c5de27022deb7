//! Small drawn things that several panes share.
