//! What is asked off the drawing thread, in the lab where recorded runs are run again and at the desk, and what comes back.

use crate::event::{IncidentId, TraceId, Untrusted};
use crate::response::replay::{News, Order, Ready, Survey};
use crate::response::runbook::Facts;
use crate::response::{Offered, Stop};

/// A thing to be done there, off the drawing thread.
#[derive(Clone, Debug, PartialEq)]
pub enum Errand {
    /// What is another in the runs since than before.
    Survey {
        /// For which incident.
        incident: IncidentId,
        /// Runs before.
        before: Vec<TraceId>,
        /// Runs since.
        since: Vec<TraceId>,
    },
    /// What an experiment would be. Nothing is sent.
    Prepare(Box<Order>),
    /// Begin exactly what was shown.
    Begin(Box<Ready>),
    /// Which runbooks fit an incident that looks so.
    Offer(IncidentId, Box<Facts>),
    /// What the team can stop.
    StopList,
    /// Stop one.
    Stop(IncidentId, u64),
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// What is another since.
    Survey(IncidentId, Survey),
    /// The experiment as it would be, or why there is none.
    Ready(Box<Order>, Result<Box<Ready>, Untrusted>),
    /// It is on record that it was asked for, or nothing was sent, and why.
    Begun(IncidentId, u64, Result<String, Untrusted>),
    /// The runbooks that fit.
    Offered(IncidentId, Result<Vec<Offered>, Untrusted>),
    /// What the team can stop.
    StopList(Vec<Stop>),
    /// It is being stopped, or cannot be.
    Stopped(IncidentId, Result<String, Untrusted>),
    /// What it says while it runs.
    News(IncidentId, u64, News),
}
