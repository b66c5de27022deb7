//! What arrives is taken, kept, or refused with a reason: the listener in this process, the real program, and the real
//! senders.

#[path = "../support/mod.rs"]
mod support;

mod clocks;
mod forms;
mod langfuse;
mod limits;
mod metered;
mod order;
mod overload;
mod phoenix;
mod polled;
mod real_sdk;
mod refusals;
mod runs;
mod scene;
mod storm;
