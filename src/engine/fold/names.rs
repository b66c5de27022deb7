//! Names kept once: a storm of a hundred thousand alerts has a few hundred of them.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::event::Untrusted;

/// Stands for one name in compact state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct NameId(u32);

/// Every name once. Written down as the list alone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Untrusted>", into = "Vec<Untrusted>")]
pub(super) struct Names {
    list: Vec<Untrusted>,
    index: HashMap<Untrusted, NameId>,
}

impl Names {
    /// The id of `name`, new or known.
    pub fn id(&mut self, name: &Untrusted) -> NameId {
        if let Some(id) = self.index.get(name) {
            return *id;
        }
        // 2^32 names do not fit into memory, so the last id is never shared in practice.
        let id = NameId(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        self.list.push(name.clone());
        self.index.insert(name.clone(), id);
        id
    }

    /// The name of `id`; empty for an id of another table.
    pub fn get(&self, id: NameId) -> Untrusted {
        self.list.get(id.0 as usize).cloned().unwrap_or_default()
    }
}

impl From<Vec<Untrusted>> for Names {
    fn from(list: Vec<Untrusted>) -> Self {
        let index = (0u32..).zip(&list).map(|(id, name)| (name.clone(), NameId(id))).collect();
        Self { list, index }
    }
}

impl From<Names> for Vec<Untrusted> {
    fn from(names: Names) -> Self {
        names.list
    }
}
