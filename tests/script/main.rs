//! Scripts: every command by its JSON and its exit code, the configuration by its refusals, the house by its plan.

#[path = "../support/mod.rs"]
mod support;

mod bundle;
mod commands;
mod configuration;
mod doctor;
mod policy;
mod rooms;
mod runbooks;
