//! The whole state of the screen.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::{Rect, Size};

use super::action::Action;
use super::details::{Detail, Details, Want};
use super::drafts::Begun;
use super::errand::{Errand, Found};
use super::glyph::Glyphs;
use super::key::Key;
use super::keymap::{Context, Keymap};
use super::layer::{self, Layer};
use super::layout::{self, Placed};
use super::pane::{Cx, Now, Pane, PaneKind};
use super::theme::Theme;
use super::veil;
use crate::engine::View;
use crate::engine::view::IncidentView;
use crate::event::{IncidentId, Person, Seq, Time, Untrusted};
use crate::response::Act;
use crate::response::replay::Offer;
use crate::surface::severity::Rubric;
use crate::surface::triage::Tree;

/// So many messages are kept.
const MESSAGES: usize = 200;
/// So many opened things are remembered for one incident.
const OPENED: usize = 100;
/// The first sight of so many hypotheses is remembered.
const FIRST_SHOWN: usize = 1000;

/// What happened, for [`super::update::update`].
#[derive(Debug)]
pub enum Msg {
    /// A key.
    Key(Key),
    /// Pasted text.
    Paste(String),
    /// The wheel: rows, negative is up.
    Wheel(i8),
    /// A click: column and row.
    Click(u16, u16),
    /// The terminal has another size.
    Resized(Size),
    /// A new picture.
    View(Arc<View>),
    /// A larger thing came back.
    Fetched(Want, Seq, Result<Detail, Untrusted>),
    /// The desk returned.
    Performed(IncidentId, Result<String, String>),
    /// An act that ran for a while returned.
    Ran(IncidentId, Result<String, String>),
    /// The picture of another moment came back.
    Wound(Time, Result<Arc<View>, Untrusted>),
    /// The files were read again.
    Reloaded(Box<Again>),
    /// Read them again, said a signal.
    Reload,
    /// What came back from the lab.
    Found(Box<Found>),
    /// A layer asked to be called again.
    Woken,
    /// A frame got through to the terminal.
    Painted,
    /// Drafts were written down, or not.
    Drafted(Result<(), String>),
    /// Background news, in words.
    Say(String),
}

/// What came of reading the files again; one that was wrong is missing.
#[derive(Debug)]
pub struct Again {
    /// The look.
    pub theme: Option<Theme>,
    /// The keys.
    pub keymap: Option<Keymap>,
    /// The tree of the triage walk.
    pub tree: Option<Arc<Tree>>,
    /// The rubric for severity.
    pub rubric: Option<Arc<Rubric>>,
    /// What was wrong.
    pub wrong: Vec<String>,
}

/// What has to be done about it, off the drawing thread.
#[derive(Debug)]
pub enum Effect {
    /// Fetch a larger thing.
    Fetch(Want, Seq),
    /// Hand an act to the desk.
    Perform(IncidentId, Act),
    /// Ask in the lab.
    Errand(Box<Errand>),
    /// Keep a text that was begun over a lost session; an empty one is forgotten.
    Draft(IncidentId, &'static str, String),
    /// Fetch the picture of a moment.
    ViewAt(Time),
    /// Copy to the person's clipboard.
    Copy(String),
    /// Read theme and keymap again, by name.
    Reload {
        /// The theme.
        theme: String,
        /// The keymap.
        keymap: String,
    },
    /// Call again after a while.
    Wake(Duration),
    /// Stop the process, as ^Z does.
    Suspend,
    /// Draw everything again.
    Redraw,
    /// Leave.
    Quit,
}

/// One message to the person.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// When.
    pub at: Time,
    /// What.
    pub text: String,
    /// Whether something went wrong.
    pub bad: bool,
}

/// An act on its way to the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handed {
    /// To which incident.
    pub incident: IncidentId,
    /// The text that is a draft until it is recorded, with its kind.
    pub text: Option<(&'static str, String)>,
}

/// The state.
pub struct Model {
    /// The screen.
    pub size: Size,
    /// The moment of the last message.
    pub now: Now,
    /// The newest picture, as this person may see it.
    pub live: Arc<View>,
    /// The newest picture whole.
    whole: Arc<View>,
    /// Hypotheses wait for the person's hunch.
    pub(super) hunch_first: bool,
    /// Incidents whose hypotheses the person chose to see without one.
    revealed: BTreeSet<IncidentId>,
    /// Incidents of which something waits.
    veiled: BTreeSet<IncidentId>,
    /// The picture on the screen.
    pub shown: Arc<View>,
    /// The person holds it, whatever else.
    pub held: bool,
    /// The moment the time is wound back to.
    pub wound: Option<Time>,
    /// The moment it is being wound to.
    pub winding: Option<Time>,
    /// A picture of another moment is on its way.
    pub wind_under_way: bool,
    /// The incident the person chose; `None` = the first.
    pub chosen: Option<IncidentId>,
    /// Panes by when they were last in focus, the focused one first.
    pub recent: Vec<PaneKind>,
    /// The focused pane takes everything.
    pub zoomed: bool,
    /// The panes.
    pub panes: Vec<Box<dyn Pane>>,
    /// The layers, the top one last.
    pub layers: Vec<Box<dyn Layer>>,
    /// The keys of a sequence begun.
    pub begun: Vec<Key>,
    /// The look.
    pub theme: Theme,
    /// The signs.
    pub glyphs: &'static Glyphs,
    /// The keys.
    pub keymap: Keymap,
    /// The tree of the triage walk.
    pub tree: Arc<Tree>,
    /// The rubric for severity.
    pub rubric: Arc<Rubric>,
    /// The endpoints against which recorded runs can be run again.
    pub endpoints: Vec<Offer>,
    /// What was fetched.
    pub details: Details,
    /// The time zone.
    pub zone: jiff::tz::TimeZone,
    /// Whether OSC 52 may be used.
    pub may_copy: bool,
    /// Who sits here.
    pub person: Person,
    /// Messages, oldest first.
    pub messages: VecDeque<Message>,
    /// The message line shows the last message until a key is pressed.
    pub fresh_message: bool,
    /// Acts on their way to the desk, in order.
    pub handed: VecDeque<Handed>,
    /// Entries after this one are new to the reader.
    pub seen: Seq,
    /// What was opened, by incident.
    pub opened: BTreeMap<IncidentId, Vec<Untrusted>>,
    /// Texts begun and not recorded, by incident and kind.
    pub drafts: Begun,
    /// A key was pressed: from now on the person says where the focus is.
    pub(super) touched: bool,
    /// What the person did is recorded: until the next key pictures join, wherever the cursor is, so that it is seen.
    pub(super) own_news: bool,
    /// It was said that drafts cannot be written down.
    pub(super) drafts_fail: bool,
    /// Draw again although nothing was pressed.
    pub(super) repaint: bool,
    first_shown: BTreeMap<(IncidentId, String), Duration>,
}

/// What a model begins with.
pub struct Setup {
    /// The look.
    pub theme: Theme,
    /// The signs.
    pub glyphs: &'static Glyphs,
    /// The keys.
    pub keymap: Keymap,
    /// The tree of the triage walk.
    pub tree: Arc<Tree>,
    /// The rubric for severity.
    pub rubric: Arc<Rubric>,
    /// The endpoints against which recorded runs can be run again.
    pub endpoints: Vec<Offer>,
    /// The time zone.
    pub zone: jiff::tz::TimeZone,
    /// Whether OSC 52 may be used.
    pub may_copy: bool,
    /// Who sits here.
    pub person: Person,
    /// Hypotheses wait until the person wrote a hunch, or chose to do without.
    pub hunch_first: bool,
    /// The panes.
    pub panes: Vec<Box<dyn Pane>>,
}

impl Model {
    /// The state at the start.
    #[must_use]
    pub fn new(setup: Setup, size: Size, view: Arc<View>, now: Now) -> Self {
        let mut model = Self {
            whole: view.clone(),
            hunch_first: setup.hunch_first,
            revealed: BTreeSet::new(),
            veiled: BTreeSet::new(),
            size,
            now,
            seen: view.head,
            shown: view.clone(),
            live: view,
            held: false,
            wound: None,
            winding: None,
            wind_under_way: false,
            chosen: None,
            recent: vec![PaneKind::Hypotheses, PaneKind::Timeline, PaneKind::Alerts, PaneKind::Changes],
            zoomed: false,
            panes: setup.panes,
            layers: Vec::new(),
            begun: Vec::new(),
            theme: setup.theme,
            glyphs: setup.glyphs,
            keymap: setup.keymap,
            tree: setup.tree,
            rubric: setup.rubric,
            endpoints: setup.endpoints,
            details: Details::default(),
            zone: setup.zone,
            may_copy: setup.may_copy,
            person: setup.person,
            messages: VecDeque::new(),
            fresh_message: false,
            handed: VecDeque::new(),
            opened: BTreeMap::new(),
            drafts: Begun::new(),
            touched: false,
            own_news: false,
            drafts_fail: false,
            repaint: false,
            first_shown: BTreeMap::new(),
        };
        model.picture(model.whole.clone());
        model.shown = model.live.clone();
        if model.pane(PaneKind::Hypotheses).is_none() || model.shown.incidents.items.is_empty() {
            model.focus(PaneKind::Incidents);
        }
        model
    }

    /// Takes the newest picture.
    pub(super) fn picture(&mut self, view: Arc<View>) {
        self.whole = view;
        self.live = self.whole.clone();
        if self.hunch_first {
            (self.live, self.veiled) = veil::over(&self.whole, &self.person, &self.revealed);
        }
    }

    /// A picture of the past, as this person may see it.
    pub(super) fn past(&self, view: Arc<View>) -> Arc<View> {
        if self.hunch_first { veil::over(&view, &self.person, &self.revealed).0 } else { view }
    }

    /// Shows what waits for a hunch without one; whether anything did.
    pub(super) fn reveal(&mut self, id: IncidentId) -> bool {
        let waited = self.veiled.contains(&id) && self.revealed.insert(id);
        if waited {
            self.picture(self.whole.clone());
            if self.wound.is_none() {
                self.shown = self.live.clone();
            }
        }
        waited
    }

    /// The pane in focus.
    #[must_use]
    pub fn focused(&self) -> PaneKind {
        self.recent.first().copied().unwrap_or(PaneKind::Incidents)
    }

    /// Brings a pane into focus.
    pub fn focus(&mut self, kind: PaneKind) {
        self.recent.retain(|other| *other != kind);
        self.recent.insert(0, kind);
    }

    /// The pane of a kind.
    #[must_use]
    pub fn pane(&self, kind: PaneKind) -> Option<&dyn Pane> {
        self.panes.iter().find(|pane| pane.kind() == kind).map(AsRef::as_ref)
    }

    /// The incident on the screen.
    #[must_use]
    pub fn incident(&self) -> Option<&IncidentView> {
        incident(&self.shown, self.chosen)
    }

    /// The room between first line and message line.
    #[must_use]
    pub fn room(&self) -> Rect {
        Rect { x: 0, y: 1, width: self.size.width, height: self.size.height.saturating_sub(3) }
    }

    /// Whether the screen is too small for anything.
    #[must_use]
    pub fn too_small(&self) -> bool {
        self.size.width < layout::SMALLEST.0 || self.size.height < layout::SMALLEST.1
    }

    /// The panes on the screen.
    #[must_use]
    pub fn placed(&self) -> Vec<Placed> {
        layout::place(self.room(), &self.recent, self.zoomed)
    }

    /// The keys that hold now.
    #[must_use]
    pub fn context(&self) -> Context {
        self.layers.last().map_or(Context::Room, |layer| layer.context())
    }

    /// What a pane or layer in `area` may know.
    #[must_use]
    pub fn cx(&self, area: Rect, focused: bool) -> Cx<'_> {
        Cx {
            view: &self.shown,
            live: &self.live,
            incident: self.incident(),
            veiled: self.incident().is_some_and(|incident| self.veiled.contains(&incident.id)),
            seen: self.seen,
            theme: &self.theme,
            glyphs: self.glyphs,
            keymap: &self.keymap,
            rubric: &self.rubric,
            details: &self.details,
            zone: &self.zone,
            now: self.now,
            area,
            focused,
        }
    }

    /// The room inside the frame of layer `nth`.
    #[must_use]
    pub fn layer_area(&self, nth: usize) -> Rect {
        let screen = self.room();
        self.layers.get(nth).map_or(Rect::ZERO, |layer| layer::inside(layer.extent(&self.cx(screen, true)), screen))
    }

    /// Takes up what was begun in an earlier session.
    pub fn begin_with(&mut self, drafts: Begun) {
        if let Some(((incident, kind), _)) = drafts.iter().next() {
            let key = self.keymap.first(if *kind == "hunch" { Action::Hunch } else { Action::Note });
            let how = key.map(|key| format!("; {key} opens it")).unwrap_or_default();
            let rest = match drafts.len() {
                1 => String::new(),
                n => format!(", and {} more", n - 1),
            };
            self.say(format!("A {kind} on {incident} was begun and not recorded{rest}{how}."), false);
        }
        self.drafts = drafts;
    }

    /// Says something in the message line.
    pub fn say(&mut self, text: impl Into<String>, bad: bool) {
        if self.messages.len() == MESSAGES {
            self.messages.pop_front();
        }
        self.messages.push_back(Message { at: self.now.wall, text: text.into(), bad });
        self.fresh_message = true;
    }

    /// Whether new pictures join by themselves: nothing is being read that they could shift.
    #[must_use]
    pub fn follows(&self) -> bool {
        !self.held
            && self.wound.is_none()
            && self.winding.is_none()
            && self.layers.is_empty()
            && (self.own_news || self.pane(self.focused()).is_none_or(Pane::at_home))
    }

    /// Entries that arrived and are not on the screen.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        if self.wound.is_some() { 0 } else { self.live.head.0.saturating_sub(self.shown.head.0) }
    }

    /// Whether something changed that is drawn only after a frame got through, such as a dialog that woke.
    pub(super) fn take_repaint(&mut self) -> bool {
        std::mem::take(&mut self.repaint)
    }

    /// Notes that something was opened.
    pub fn note_opened(&mut self, what: &str) {
        let Some(incident) = self.incident().map(|incident| incident.id) else { return };
        let opened = self.opened.entry(incident).or_default();
        if opened.len() < OPENED && !opened.iter().any(|other| other.raw() == what) {
            opened.push(what.into());
        }
    }

    /// Notes the first sight of what the hypotheses pane shows now.
    pub(super) fn note_first_shown(&mut self) {
        if !self.placed().iter().any(|pane| pane.kind == PaneKind::Hypotheses) {
            return;
        }
        let Some(incident) = self.incident() else { return };
        let Some(diagnosis) = &incident.diagnosis else { return };
        let id = incident.id;
        let names: Vec<_> = diagnosis.diagnosis.hypotheses.iter().map(|one| format!("{:?}", one.cause)).collect();
        for name in names {
            if self.first_shown.len() < FIRST_SHOWN {
                self.first_shown.entry((id, name)).or_insert(self.now.mono);
            }
        }
    }

    /// Milliseconds since a cause was first on the screen.
    #[must_use]
    pub fn shown_for(&self, incident: IncidentId, cause: &crate::event::Cause) -> u64 {
        let first = self.first_shown.get(&(incident, format!("{cause:?}"))).copied().unwrap_or(self.now.mono);
        u64::try_from(self.now.mono.saturating_sub(first).as_millis()).unwrap_or(u64::MAX)
    }
}

/// The chosen incident of a picture, or the first.
#[must_use]
pub fn incident(view: &View, chosen: Option<IncidentId>) -> Option<&IncidentView> {
    let items = &view.incidents.items;
    match chosen {
        Some(id) => items.iter().find(|incident| incident.id == id).or(items.first()),
        None => items.first(),
    }
    .map(AsRef::as_ref)
}
