//! What is known of one alert and of one incident's alerts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Fingerprint, IncidentId, Micros, NameId, Names, Print, Time, Untrusted};

use super::past::Profile;
use super::sign::Sign;
use super::story::{Early, MOST_EARLY, Story};

/// One alert as it is kept: some fifty bytes, since a storm has a hundred thousand of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub(super) struct Known {
    /// Component; an alert without one is known by its name.
    pub component: NameId,
    /// Alert name.
    pub name: NameId,
    /// Its name and the labels that place it beside others (namespace, cluster …), in one.
    pub kin: NameId,
    /// Those labels alone; `None` where it says of no namespace.
    pub place: Option<NameId>,
    /// What it is a sign of.
    pub sign: Sign,
    /// Informational or a test: founds no incident.
    pub quiet: bool,
    /// Earliest start heard of in this episode.
    pub starts: Micros,
    /// Latest start heard of at all.
    pub latest: Micros,
    /// Where it is.
    pub incident: Option<IncidentId>,
}

/// As it is saved: by position, without names.
type Written = (NameId, NameId, NameId, Option<NameId>, Sign, bool, Micros, Micros, u64);

impl From<Written> for Known {
    fn from((component, name, kin, place, sign, quiet, starts, latest, incident): Written) -> Self {
        let incident = (incident > 0).then_some(IncidentId(incident));
        Self { component, name, kin, place, sign, quiet, starts, latest, incident }
    }
}

impl From<Known> for Written {
    fn from(k: Known) -> Self {
        let incident = k.incident.map_or(0, |id| id.0);
        (k.component, k.name, k.kin, k.place, k.sign, k.quiet, k.starts, k.latest, incident)
    }
}

/// One alert as placing it needs it.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub component: Untrusted,
    pub component_id: NameId,
    pub name: Untrusted,
    pub kin: NameId,
    pub place: Option<NameId>,
    pub sign: Sign,
    pub quiet: bool,
    pub starts: Time,
}

impl Subject {
    pub(super) fn of(known: &Known, names: &Names) -> Self {
        Self {
            component: names.get(known.component),
            component_id: known.component,
            name: names.get(known.name),
            kin: known.kin,
            place: known.place,
            sign: known.sign,
            quiet: known.quiet,
            starts: known.starts.time(),
        }
    }

    /// As it would come back in another incident.
    pub(super) fn profile(&self) -> Profile {
        (self.component_id, self.kin)
    }
}

/// One incident's alerts, by component.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Group {
    /// When each component moved, and how.
    pub moved: BTreeMap<Untrusted, Moved>,
    /// The alert of each name and place, and of each place, that began last.
    pub named: BTreeMap<NameId, Named>,
    /// How many alerts.
    pub alerts: u64,
    /// Start of its first alert.
    pub first: Option<Time>,
    /// Start of its latest alert.
    pub latest: Option<Time>,
    /// No alert joins or leaves by itself.
    pub locked: bool,
    /// Its earliest alerts, one for each component and name, in order of time.
    pub early: Vec<Early>,
    /// The best story of those; `None` = not told since they changed.
    #[serde(skip)]
    pub story: Option<Story>,
}

/// The alerts of one component in one incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Moved {
    /// Start of the first.
    pub first: Time,
    /// Start of the latest.
    pub latest: Time,
    /// How many.
    pub alerts: u64,
    /// The same by name and place of the alert.
    pub kins: BTreeMap<NameId, Unit>,
    /// The first alert, which stands for them.
    pub alert: Fingerprint,
}

/// The alerts of one component and one name, in one incident: of its pods, for instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Unit {
    /// Start of the first.
    pub first: Time,
    /// Start of the latest.
    pub latest: Time,
    /// How many.
    pub alerts: u64,
    /// What they are a sign of.
    pub sign: Sign,
}

/// The latest alert of one name and place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Named {
    /// When it began.
    pub latest: Time,
    /// Which.
    pub alert: Print,
    /// Of which component.
    pub component: NameId,
}

impl Group {
    /// Takes one alert in. Says whether that is news to alerts nearby: its component had not moved here, or not in this
    /// minute.
    pub(super) fn add(&mut self, print: &Print, alert: &Subject) -> bool {
        let before = self.moved.get(&alert.component).map(|moved| moved.latest);
        let moved = self.moved.entry(alert.component.clone()).or_insert_with(|| Moved {
            first: alert.starts,
            latest: alert.starts,
            alerts: 0,
            kins: BTreeMap::new(),
            alert: print.fingerprint(),
        });
        if alert.starts < moved.first || (alert.starts == moved.first && print.fingerprint() < moved.alert) {
            moved.alert = print.fingerprint();
        }
        moved.first = moved.first.min(alert.starts);
        moved.latest = moved.latest.max(alert.starts);
        moved.alerts += 1;
        let unit = Unit { first: alert.starts, latest: alert.starts, alerts: 0, sign: alert.sign };
        let unit = moved.kins.entry(alert.kin).or_insert(unit);
        let earlier = unit.alerts == 0 || alert.starts < unit.first;
        unit.first = unit.first.min(alert.starts);
        unit.latest = unit.latest.max(alert.starts);
        unit.alerts += 1;
        let minute = |time: Time| time.as_second().div_euclid(60);
        let news = before.is_none_or(|before| minute(before) != minute(moved.latest));
        for name in [Some(alert.kin), alert.place].into_iter().flatten() {
            let new = || Named { latest: alert.starts, alert: print.clone(), component: alert.component_id };
            let named = self.named.entry(name).or_insert_with(new);
            if (alert.starts, print) > (named.latest, &named.alert) {
                *named = new();
            }
        }
        self.alerts += 1;
        self.first = Some(self.first.map_or(alert.starts, |t| t.min(alert.starts)));
        self.latest = Some(self.latest.map_or(alert.starts, |t| t.max(alert.starts)));
        if earlier {
            self.begin(alert.early());
        }
        news
    }

    /// Takes one alert out. The times of what remains are kept as they are: they only say when the component last moved.
    pub(super) fn remove(&mut self, alert: &Subject) {
        self.alerts = self.alerts.saturating_sub(1);
        let Some(moved) = self.moved.get_mut(&alert.component) else { return };
        moved.alerts = moved.alerts.saturating_sub(1);
        if let Some(unit) = moved.kins.get_mut(&alert.kin) {
            unit.alerts = unit.alerts.saturating_sub(1);
            if unit.alerts > 0 {
                return;
            }
            moved.kins.remove(&alert.kin);
        }
        if moved.alerts == 0 || moved.kins.is_empty() {
            self.moved.remove(&alert.component);
        }
        let before = self.early.len();
        self.early.retain(|early| early.component != alert.component || early.kin != alert.kin);
        if self.early.len() < before {
            self.story = None;
            if before == MOST_EARLY {
                self.read_early();
            }
        }
    }

    /// A component and name is seen here for the first time, or earlier than so far.
    fn begin(&mut self, new: Early) {
        if self.early.len() >= MOST_EARLY && self.early.last().is_some_and(|last| last.place() <= new.place()) {
            return;
        }
        self.early.retain(|early| early.component != new.component || early.kin != new.kin);
        let place = self.early.partition_point(|early| early.place() <= new.place());
        self.early.insert(place, new);
        self.early.truncate(MOST_EARLY);
        self.story = None;
    }

    /// Reads the earliest alerts from all of them anew.
    fn read_early(&mut self) {
        let all = self.moved.iter().flat_map(|(component, moved)| {
            moved.kins.iter().map(|(kin, unit)| Early {
                component: component.clone(),
                kin: *kin,
                sign: unit.sign,
                first: unit.first,
            })
        });
        let mut all: Vec<Early> = all.collect();
        all.sort_by(|a, b| a.place().cmp(&b.place()));
        all.truncate(MOST_EARLY);
        self.early = all;
    }
}

impl Subject {
    /// As one of the alerts that tell where an incident began.
    pub(super) fn early(&self) -> Early {
        Early { component: self.component.clone(), kin: self.kin, sign: self.sign, first: self.starts }
    }
}
