//! What is asked off the drawing thread, in the lab where recorded runs are run again and at the desk, and what comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::event::{IncidentId, TraceId, Untrusted};
use crate::response::replay::{News, Order, Ready, Survey};
use crate::response::runbook::Facts;
use crate::response::{Offered, StepAt, Stop};

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
    /// Run a reading step, and say what it says as it says it.
    RunStep(IncidentId, Box<StepAt>, Ending),
}

/// A wish that one thing stops, told from all others of its kind by being the very same.
#[derive(Clone, Debug, Default)]
pub struct Ending(Arc<AtomicBool>);

impl Ending {
    /// It is to stop.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it is to stop.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl PartialEq for Ending {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What a step said so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grown {
    /// The end of it.
    pub tail: Untrusted,
    /// How much it is in all, bytes.
    pub bytes: u64,
    /// For how long it has been at it.
    pub took: Duration,
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
    /// What a step said so far.
    StepSaid(Ending, Grown),
    /// It is over, and what is on record of it.
    StepOver(IncidentId, Ending, Grown, Result<String, Untrusted>),
}
