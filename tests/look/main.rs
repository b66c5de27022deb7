//! What a responder sees: the console on a pty, in tmux, over ssh, with hostile text in every field.

#[path = "../support/mod.rs"]
mod support;

mod e2e_delivery;
mod harness;
mod terminal;
