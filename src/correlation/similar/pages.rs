//! The portraits as they are kept: names once, and for each the portraits that hold it.

use std::collections::{BTreeMap, HashMap};

use crate::event::{IncidentId, Untrusted};

use super::portrait::Aspect;

/// A name of one aspect.
pub(super) type Trait = u32;

/// Portraits, one a page, and on which pages a name is found.
#[derive(Clone, Debug, Default)]
pub(super) struct Pages {
    pub names: Vec<(Aspect, Untrusted)>,
    index: HashMap<(Aspect, Untrusted), Trait>,
    /// How many portraits hold each.
    held: Vec<u32>,
    /// Which pages hold each; some of those pages may be torn out.
    pub found_on: Vec<Vec<u32>>,
    /// Incident and its traits, by aspect and text; `None` = torn out.
    pub written: Vec<Option<(IncidentId, Vec<Trait>)>>,
    pub page_of: BTreeMap<IncidentId, u32>,
}

impl Pages {
    /// How many portraits there are.
    pub(super) fn len(&self) -> usize {
        self.page_of.len()
    }

    /// What stands on the page of an incident.
    pub(super) fn of(&self, incident: IncidentId) -> Option<&[Trait]> {
        let page = self.page_of.get(&incident)?;
        self.written.get(*page as usize)?.as_ref().map(|(_, traits)| traits.as_slice())
    }

    /// The trait of a name, where a portrait holds or held it.
    pub(super) fn find(&self, name: &(Aspect, Untrusted)) -> Option<Trait> {
        self.index.get(name).copied()
    }

    /// The trait of a name, new or known.
    pub(super) fn id(&mut self, name: (Aspect, Untrusted)) -> Trait {
        if let Some(id) = self.index.get(&name) {
            return *id;
        }
        // Names are made anew when half of them are of no portrait: there are never 2^32.
        let id = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.clone());
        self.index.insert(name, id);
        self.held.push(0);
        self.found_on.push(Vec::new());
        id
    }

    /// Writes a page for an incident that has none.
    pub(super) fn write(&mut self, incident: IncidentId, traits: Vec<Trait>) {
        let page = u32::try_from(self.written.len()).unwrap_or(u32::MAX);
        for id in &traits {
            self.held[*id as usize] += 1;
            self.found_on[*id as usize].push(page);
        }
        self.written.push(Some((incident, traits)));
        self.page_of.insert(incident, page);
    }

    /// Tears the page of an incident out; whether there was one.
    pub(super) fn tear_out(&mut self, incident: IncidentId) -> bool {
        let Some(page) = self.page_of.remove(&incident) else { return false };
        if let Some((_, traits)) = self.written[page as usize].take() {
            for id in traits {
                self.held[id as usize] -= 1;
            }
        }
        true
    }

    /// Binds it anew when more than half of its pages are torn out: then names that nobody holds are gone too.
    pub(super) fn bind(&mut self) {
        if self.written.len() <= 2 * self.len() + 64 {
            return;
        }
        let mut bound = Self::default();
        for (incident, traits) in std::mem::take(&mut self.written).into_iter().flatten() {
            let traits = traits.iter().map(|id| bound.id(self.names[*id as usize].clone())).collect();
            bound.write(incident, traits);
        }
        *self = bound;
    }

    /// What stands on a page, aspect by aspect.
    pub(super) fn sides<'p>(&'p self, traits: &'p [Trait]) -> impl Iterator<Item = (Aspect, &'p [Trait])> {
        let aspect = |id: &Trait| self.names[*id as usize].0;
        traits.chunk_by(move |a, b| aspect(a) == aspect(b)).map(move |side| (aspect(&side[0]), side))
    }

    /// How telling a name is, in nats: the rarer the more.
    pub(super) fn telling(&self, id: Option<Trait>) -> f64 {
        let held = id.map_or(0, |id| self.held[id as usize]);
        #[expect(clippy::cast_precision_loss, reason = "a count of incidents")]
        let all = self.len() as f64;
        (1.0 + all / (f64::from(held) + 0.5)).ln()
    }
}
