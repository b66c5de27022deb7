//! What the screen and the commands see: an immutable picture of one moment, bounded in size.
//!
//! Every list carries how much of it is not shown. Details that are larger (a run's spans, a prompt's text, an
//! alert's labels) are asked for by name through [`super::Details`].

mod action;
mod contain;
mod detail;
mod first;
mod freeze;
mod hands;
mod incident;
mod known;
mod mix;
mod reading;
mod replay;
mod suspect;
mod timeline;

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::{Person, Released, Seq, Stays, Time, Untrusted};

pub use crate::correlation::similar::{Aspect, Chance, InAspect, Novelty};
pub use crate::feedback::{AccuracyView, InvestigatorRecord, Part, Procedure, Response, Spread, Tally, Week};
pub use crate::surface::attribution::{Attribution, Effect, Moved, Standing};
pub use crate::surface::drift::{Drift, Drifted, Size};
pub use crate::surface::{Around, Came, Gap, RunTable, ServiceGaps, StopClass};
pub use action::{ActionState, ActionView};
pub use contain::StopState;
pub use detail::{ChangeDetail, Mark, RunDetail, Step, Suspicion, Turn};
pub use first::{Ended, Hop, PastView, RatedView, SimilarView, WayView};
pub use freeze::{FreezeView, Freezing, PassedLine};
pub use hands::{CallLine, HaltView, HandsView, HarmLine, ReadLine};
pub use incident::{AlertGroup, AlertLine, DecisionLine, DiagnosisView, IncidentState, IncidentView, NoteLine};
pub use mix::{MixValue, MixView, Share};
pub use reading::{Drawn, ReadingView, SliceView, StopLine, TriageLine, ValueView};
pub use replay::ReplayView;
pub use suspect::{ChangeLine, RunLine, SeriesLine, SurfaceLine, SurfaceState};
pub use timeline::{Opens, TimelineItem};

/// A list cut to a bound, and how much was cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bounded<T> {
    /// What is shown.
    pub items: Vec<T>,
    /// How many more there are.
    pub hidden: u64,
}

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Self { items: Vec::new(), hidden: 0 }
    }
}

/// Everything at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The last entry that went in.
    pub head: Seq,
    /// The last entry there is; more than `head` while catching up.
    pub journal_head: Seq,
    /// The moment shown: of the last entry, or where the time was wound back to. `None` = nothing yet.
    pub as_of: Option<Time>,
    /// Whether the time is wound back.
    pub wound_back: bool,
    /// The label of a demo or drill, shown on every screen.
    pub label: Option<Untrusted>,
    /// The kill switch, while it is on.
    #[serde(default)]
    pub halted: Option<HaltView>,
    /// Open incidents first, worst first; then the resolved, newest first.
    pub incidents: Bounded<Arc<IncidentView>>,
    /// Alerts that belong to no incident (informational, test).
    pub loose_alerts: u64,
    /// Where deliveries are taken; `None` where nothing is, as in a demo, and in a picture of the past.
    #[serde(default)]
    pub door: Option<Door>,
    /// The sources and when each last spoke.
    pub sources: Vec<SourceHealth>,
    /// What the services that run agents do not send, the worst first: questions nobody will be able to answer.
    #[serde(default)]
    pub recorder: Bounded<ServiceGaps>,
    /// Limits reached and deliveries refused, dropped or repeated.
    pub counters: Vec<Counter>,
    /// How often each rule of redaction struck since the record began; none in a picture of the past.
    #[serde(default)]
    pub redacted: Vec<Counter>,
    /// What was let go of old telemetry.
    #[serde(default)]
    pub let_go: LetGo,
    /// What is wrong with the console itself, worst first: disk full, database locked, engine behind.
    pub troubles: Vec<Trouble>,
    /// The record of judgement so far.
    pub accuracy: AccuracyView,
    /// What makes probabilities of scores now; `None` = not known.
    #[serde(default)]
    pub calibration: Option<crate::event::Calibration>,
    /// Who else is here.
    pub present: Vec<Person>,
}

/// What was let go of old telemetry: of runs, requests, lines and samples that were old enough.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LetGo {
    /// Entries up to here have been looked at.
    pub through: Seq,
    /// What arrived until then has been looked at; `None` = nothing was ever let go.
    pub until: Option<Time>,
    /// Runs and requests that were judged.
    pub seen: u64,
    /// Those that are gone, all of them good and ordinary.
    pub gone: u64,
    /// Those that went wrong; they stayed.
    pub bad: u64,
    /// Spans that are gone.
    pub spans: u64,
    /// Lines of logs that are gone.
    pub log_lines: u64,
    /// Samples of metrics that are gone.
    pub samples: u64,
}

impl LetGo {
    /// Adds what one entry tells.
    pub fn add(&mut self, released: &Released) {
        self.through = self.through.max(released.through);
        self.until = self.until.max(Some(released.until));
        for line in &released.runs {
            self.seen += line.seen;
            self.gone += line.seen.saturating_sub(line.kept);
            self.bad += if line.why == Stays::Bad { line.seen } else { 0 };
            self.spans += line.spans;
        }
        self.log_lines += released.log_lines;
        self.samples += released.samples;
    }
}

/// Something wrong with the console itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trouble {
    /// What happened, what it means, what to do.
    pub text: Untrusted,
    /// Since when.
    pub since: Time,
}

/// Where deliveries are taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Door {
    /// `address:port`.
    pub address: std::net::SocketAddr,
    /// Whether a delivery needs the token of the configuration.
    pub token: bool,
}

/// One source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceHealth {
    /// Its name.
    pub name: Untrusted,
    /// When it last spoke; `None` = nothing of it was ever accepted.
    pub last: Option<Time>,
    /// Deliveries accepted.
    pub accepted: u64,
    /// What else became of its deliveries: refused, repeated, too large. Only what was counted at all.
    #[serde(default)]
    pub counts: Vec<Counter>,
    /// Silent for longer than its dead-man interval: absence is not health.
    pub silent: bool,
    /// The newest moment it has shown, where it keeps what it is asked for and shows it later than it takes it in.
    #[serde(default)]
    pub shown: Option<Time>,
}

/// One counter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counter {
    /// What is counted, such as `refused`.
    pub name: Cow<'static, str>,
    /// How many.
    pub count: u64,
}
