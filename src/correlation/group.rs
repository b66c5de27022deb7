//! What is known of one alert and of one incident's alerts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::event::{Fingerprint, IncidentId, Time, Untrusted};

use super::sign::Sign;

/// One alert as correlation needs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Known {
    /// Component; an alert without one is known by its name.
    pub component: Untrusted,
    /// Alert name.
    pub name: Untrusted,
    /// What it is a sign of.
    pub sign: Sign,
    /// Earliest start heard of in this episode.
    pub starts: Time,
    /// Informational or a test: founds no incident.
    pub quiet: bool,
    /// Its name and the labels that place it beside others (namespace, cluster …), in one.
    pub kin: String,
    /// Where it is.
    pub incident: Option<IncidentId>,
    /// A person put it there.
    pub by_hand: bool,
}

/// One incident's alerts, by component.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Group {
    /// When each component moved, and how.
    pub moved: BTreeMap<Untrusted, Moved>,
    /// When an alert of each name and place last began.
    pub named: BTreeMap<String, Time>,
    /// How many alerts.
    pub alerts: u64,
    /// Start of its first alert.
    pub first: Option<Time>,
    /// Start of its latest alert.
    pub latest: Option<Time>,
    /// No alert joins or leaves by itself.
    pub locked: bool,
    /// Resolved or merged away: nothing joins any more.
    pub closed: bool,
    /// A person took alerts out of it or put some in: what it holds is not judged anew.
    pub by_hand: bool,
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
    /// What they are signs of.
    pub signs: BTreeSet<Sign>,
    /// The first alert, which stands for them.
    pub alert: Fingerprint,
}

impl Group {
    pub(super) fn add(&mut self, print: &Fingerprint, alert: &Known) {
        let moved = self.moved.entry(alert.component.clone()).or_insert_with(|| Moved {
            first: alert.starts,
            latest: alert.starts,
            alerts: 0,
            signs: BTreeSet::new(),
            alert: print.clone(),
        });
        if (alert.starts, print) < (moved.first, &moved.alert) {
            moved.alert = print.clone();
        }
        moved.first = moved.first.min(alert.starts);
        moved.latest = moved.latest.max(alert.starts);
        moved.alerts += 1;
        moved.signs.insert(alert.sign);
        let named = self.named.entry(alert.kin.clone()).or_insert(alert.starts);
        *named = alert.starts.max(*named);
        self.alerts += 1;
        self.first = Some(self.first.map_or(alert.starts, |t| t.min(alert.starts)));
        self.latest = Some(self.latest.map_or(alert.starts, |t| t.max(alert.starts)));
    }

    /// Takes one alert out. The times of what remains are kept as they are: they only say when the component last moved.
    pub(super) fn remove(&mut self, alert: &Known) {
        self.alerts = self.alerts.saturating_sub(1);
        if let Some(moved) = self.moved.get_mut(&alert.component) {
            moved.alerts = moved.alerts.saturating_sub(1);
            if moved.alerts == 0 {
                self.moved.remove(&alert.component);
            }
        }
    }
}
