//! What a responder sees: the console on a pty, in tmux, over ssh, with hostile text in every field.

#[path = "../support/mod.rs"]
mod support;

mod demo;
mod e2e_back;
mod e2e_blocked;
mod e2e_crash;
mod e2e_delivery;
mod e2e_first;
mod e2e_growing;
mod e2e_hostile;
mod e2e_hunch;
mod e2e_page;
mod e2e_reading;
mod e2e_repair;
mod e2e_replay;
mod e2e_secrets;
mod e2e_silence;
mod e2e_sources;
mod e2e_storm;
mod e2e_triage;
mod e2e_two;
mod e2e_wire;
mod harness;
mod hostile;
mod settings;
mod ssh;
mod terminal;
mod tmux;
