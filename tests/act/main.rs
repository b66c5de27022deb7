//! Acting: what a person approves happens once, is read back and recorded; everything else does not happen.
//!
//! Against a real Alertmanager, with a gate before it that loses requests and answers at the worst moments, and with
//! processes that are killed there. Recorded runs are run again against a stand-in for a model's endpoint that fails likewise.

#[path = "../support/mod.rs"]
mod support;

mod behind;
mod calls;
mod clocks;
mod deadlines;
mod drift;
mod escape;
mod escape_database;
mod escape_limits;
mod escape_network;
mod escape_none;
mod escape_processes;
mod freeze;
mod freeze_http;
mod interleaved;
mod looked;
mod once;
mod procedure;
mod races;
mod replay;
mod scene;
mod silence;
mod steps;
mod stop;
mod telling;
mod unrecorded;
mod yard;
