//! What a pane is, what it may know and what it may ask for.
//!
//! A pane is a part of the state. It hears of input while it is in focus ([`Pane::update`]), puts itself in order
//! whenever the picture or its room on the screen changed ([`Pane::prepare`]), and is drawn from itself alone
//! ([`Pane::draw`]). What it wants done it returns as [`Ask`]s; it does nothing by itself.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::action::{Action, Command};
use super::details::{Details, Loaded, Want};
use super::errand::Errand;
use super::glyph::Glyphs;
use super::key::Key;
use super::keymap::Keymap;
use super::theme::{Role, Theme};
use crate::engine::View;
use crate::engine::view::{IncidentView, Opens};
use crate::event::{Fingerprint, IncidentId, Seq, Time, TraceId};
use crate::response::{Act, StepAt};
use crate::surface::severity::Rubric;

/// The panes, in the order of their keys 1 to 9 and 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PaneKind {
    /// The incidents.
    Incidents,
    /// The alerts of the incident.
    Alerts,
    /// Everything that happened.
    Timeline,
    /// What may have done it.
    Hypotheses,
    /// Changes and surfaces.
    Changes,
    /// Agent runs.
    Runs,
    /// Plans of change.
    Actions,
    /// Notes, hunches, decisions.
    Notes,
    /// The record of judgement.
    Accuracy,
    /// Who was heard of, and what was refused.
    Sources,
}

impl PaneKind {
    /// Every pane.
    pub const ALL: [Self; 10] = [
        Self::Incidents,
        Self::Alerts,
        Self::Timeline,
        Self::Hypotheses,
        Self::Changes,
        Self::Runs,
        Self::Actions,
        Self::Notes,
        Self::Accuracy,
        Self::Sources,
    ];

    /// Its title.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Incidents => "Incidents",
            Self::Alerts => "Alerts",
            Self::Timeline => "Timeline",
            Self::Hypotheses => "Hypotheses",
            Self::Changes => "Changed",
            Self::Runs => "Runs",
            Self::Actions => "Actions",
            Self::Notes => "Notes",
            Self::Accuracy => "Accuracy",
            Self::Sources => "Sources",
        }
    }

    /// The action that goes there.
    #[must_use]
    pub fn action(self) -> Action {
        match self {
            Self::Incidents => Action::Pane1,
            Self::Alerts => Action::Pane2,
            Self::Timeline => Action::Pane3,
            Self::Hypotheses => Action::Pane4,
            Self::Changes => Action::Pane5,
            Self::Runs => Action::Pane6,
            Self::Actions => Action::Pane7,
            Self::Notes => Action::Pane8,
            Self::Accuracy => Action::Pane9,
            Self::Sources => Action::Pane10,
        }
    }
}

/// A moment: by the wall for what is recorded, and since the start for measuring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// By the clock on the wall.
    pub wall: Time,
    /// Since the console started; never goes backward.
    pub mono: std::time::Duration,
}

/// What a pane or layer may know.
#[derive(Clone, Copy)]
pub struct Cx<'a> {
    /// The picture on the screen.
    pub view: &'a View,
    /// The newest picture; differs from `view` while something is being read or the time is wound back.
    pub live: &'a View,
    /// The incident chosen in it.
    pub incident: Option<&'a IncidentView>,
    /// What the engine thinks of it waits for the person's hunch.
    pub veiled: bool,
    /// Entries after this one are new to the reader.
    pub seen: Seq,
    /// How it looks.
    pub theme: &'a Theme,
    /// The signs.
    pub glyphs: &'static Glyphs,
    /// Which keys there are.
    pub keymap: &'a Keymap,
    /// The rubric for severity.
    pub rubric: &'a Rubric,
    /// What was fetched.
    pub details: &'a Details,
    /// Times are shown in this zone.
    pub zone: &'a jiff::tz::TimeZone,
    /// When it is, as of the message being handled.
    pub now: Now,
    /// The room it has on the screen (without title); empty while it is not shown.
    pub area: Rect,
    /// Whether it has the focus.
    pub focused: bool,
}

impl Cx<'_> {
    /// The style of `role`.
    #[must_use]
    pub fn of(&self, role: Role) -> ratatui::style::Style {
        self.theme.of(role)
    }

    /// How far `want` is.
    #[must_use]
    pub fn detail(&self, want: &Want) -> Loaded {
        self.details.get(want)
    }

    /// `time` as `03:07:41`.
    #[must_use]
    pub fn clock(&self, time: Time) -> String {
        time.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string()
    }

    /// `time` as `03:07`.
    #[must_use]
    pub fn clock_short(&self, time: Time) -> String {
        time.to_zoned(self.zone.clone()).strftime("%H:%M").to_string()
    }

    /// The style of the row under the cursor.
    #[must_use]
    pub fn cursor_style(&self) -> ratatui::style::Style {
        self.of(if self.focused { Role::Cursor } else { Role::CursorElsewhere })
    }
}

/// What a pane or layer hears.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Something to do.
    Do(Command),
    /// A key that means nothing in the keymap; text layers type it.
    Key(Key),
    /// Pasted text: always text, never keys.
    Paste(String),
}

impl Input {
    /// The action, if it is one.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        match self {
            Self::Do(command) => Some(command.action),
            _ => None,
        }
    }
}

/// What a pane or layer may ask for.
pub enum Ask {
    /// Open a thing.
    Open(Opens),
    /// Close the layer that asks.
    Close,
    /// Say something in the message line.
    Say(String),
    /// Say that something went wrong.
    Complain(String),
    /// Do something to an incident; "recorded" is said when the desk has returned.
    Perform(IncidentId, Act),
    /// Run a reading step, and show what it says as it says it.
    Look(IncidentId, Box<StepAt>),
    /// Ask in the lab; what comes back is heard by [`Layer::found`](super::layer::Layer::found).
    Errand(Errand),
    /// Copy text to the person's clipboard; the second says what it is.
    Copy(String, &'static str),
    /// Choose an incident.
    Choose(IncidentId),
    /// Bring a pane to the front.
    Focus(PaneKind),
    /// Bring a pane to the front with its cursor on a thing.
    Show(PaneKind, Picked),
    /// Note that something was opened before deciding: pane and thing.
    Opened(String),
    /// Call another action; where a layer is open, it is the layer's.
    Run(Command),
    /// Open the replay of a recorded run.
    RunAgain(TraceId),
    /// Wind the time.
    Wind(Wind),
    /// Call me again after this long.
    Wake(std::time::Duration),
    /// Keep a text that was begun and not recorded; an empty one forgets it.
    Draft(IncidentId, &'static str, String),
}

/// Where to wind the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wind {
    /// To a moment.
    To(Time),
    /// To now.
    Live,
}

/// What became of an input.
pub enum Answer {
    /// It meant nothing here; let the next one see it.
    Ignored,
    /// It was taken.
    Done(Vec<Ask>),
}

impl Answer {
    /// Taken, and nothing more.
    #[must_use]
    pub fn done() -> Self {
        Self::Done(Vec::new())
    }

    /// Taken, with one thing asked.
    #[must_use]
    pub fn ask(ask: Ask) -> Self {
        Self::Done(vec![ask])
    }
}

/// What is under a pane's cursor, for actions that act on it from anywhere.
#[derive(Clone, Debug, PartialEq)]
pub enum Picked {
    /// Alerts: one, a group, or the marked ones.
    Alerts(Vec<Fingerprint>),
    /// A hypothesis by rank, 1 = leading.
    Hypothesis(u32),
    /// A change by id.
    Change(crate::event::Untrusted),
    /// A run.
    Run(crate::event::TraceId),
    /// A plan.
    Plan(crate::event::PlanId),
    /// An incident.
    Incident(IncidentId),
    /// Anything else that can be opened.
    Other(Opens),
}

impl Picked {
    /// What `enter` opens, where it opens something.
    #[must_use]
    pub fn opens(&self) -> Option<Opens> {
        match self {
            Self::Alerts(alerts) => alerts.first().map(|one| Opens::Alert { fingerprint: one.clone() }),
            Self::Change(id) => Some(Opens::Change { id: id.clone() }),
            Self::Run(trace) => Some(Opens::Run { trace: *trace }),
            Self::Plan(plan) => Some(Opens::Plan { plan: *plan }),
            Self::Other(opens) => Some(opens.clone()),
            Self::Hypothesis(_) | Self::Incident(_) => None,
        }
    }
}

/// One pane.
pub trait Pane: Send {
    /// Which it is.
    fn kind(&self) -> PaneKind;

    /// What stands beside its title: how many, how many not shown, what is filtered.
    fn summary(&self, cx: &Cx<'_>) -> Line<'static>;

    /// The actions that matter most in it, for the footer; the ones that matter everywhere follow by themselves.
    fn hints(&self) -> &'static [Action];

    /// Puts itself in order: the cursor stays on the same thing though rows came and went, and on the screen. Called
    /// after every message that can have changed the picture, the focus or the room. Costs at most one pass over what
    /// the pane shows.
    fn prepare(&mut self, cx: &Cx<'_>);

    /// Hears input while in focus. Unknown actions are [`Answer::Ignored`]; the frame then does what they do anywhere.
    fn update(&mut self, cx: &Cx<'_>, input: &Input) -> Answer;

    /// Draws itself into `cx.area`; changes nothing. The ground is blank already.
    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer);

    /// What is under the cursor.
    fn picked(&self, cx: &Cx<'_>) -> Option<Picked>;

    /// Larger things it needs in order to be drawn now; fetched in the background.
    fn wants(&self, _cx: &Cx<'_>) -> Vec<Want> {
        Vec::new()
    }

    /// Whether the cursor rests where it was at first, so that new rows may join without shifting anything under it.
    fn at_home(&self) -> bool;

    /// Back to where the cursor was at first; called when another incident is chosen.
    fn go_home(&mut self);

    /// Puts the cursor on a thing, if the pane shows it; whether it does.
    fn go_to(&mut self, _cx: &Cx<'_>, _picked: &Picked) -> bool {
        false
    }
}
