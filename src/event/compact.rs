//! Small stand-ins for what is held once for every open alert: a storm has a hundred thousand of them.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Fingerprint, Time, Untrusted};

/// A fingerprint: eight bytes for the usual sixteen digits, the text for any other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Print {
    /// Sixteen digits.
    Short(u64),
    /// Any other number of digits. Boxed, so that the usual ones need not hold room for it.
    Long(Box<Fingerprint>),
}

impl Print {
    /// The least, for ranges.
    pub const FIRST: Self = Self::Short(0);

    /// Stands for `fingerprint`.
    #[must_use]
    pub fn of(fingerprint: &Fingerprint) -> Self {
        let text = fingerprint.as_str();
        let short = Some(text).filter(|text| text.len() == 16).and_then(|text| u64::from_str_radix(text, 16).ok());
        short.map_or_else(|| Self::Long(Box::new(fingerprint.clone())), Self::Short)
    }

    /// What it stands for.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        match self {
            Self::Long(fingerprint) => Fingerprint::clone(fingerprint),
            // Sixteen lower-case digits are always a fingerprint; the labels' one is never reached.
            Self::Short(number) => format!("{number:016x}")
                .parse()
                .unwrap_or_else(|_| Fingerprint::of_labels(&std::collections::BTreeMap::new())),
        }
    }
}

/// A moment in microseconds since 1970: 290 000 years in eight bytes; sources give milliseconds at best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(pub i64);

impl Micros {
    /// As a time.
    #[must_use]
    pub fn time(self) -> Time {
        Time::from_microsecond(self.0).unwrap_or_default()
    }
}

impl From<Time> for Micros {
    fn from(time: Time) -> Self {
        Self(time.as_microsecond())
    }
}

/// Stands for one name of a [`Names`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NameId(u32);

/// Every name once: a storm of a hundred thousand alerts has a few hundred of them. Written down as the list alone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Untrusted>", into = "Vec<Untrusted>")]
pub struct Names {
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

    /// The id of `name`, if it is known.
    #[must_use]
    pub fn find(&self, name: &Untrusted) -> Option<NameId> {
        self.index.get(name).copied()
    }

    /// The name of `id`; empty for an id of another table.
    #[must_use]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_print_stands_for_its_fingerprint_whatever_its_length() {
        for text in ["0", "00000000000000ff", "ffffffffffffffff", "0123456789abcdef0", &"a".repeat(64)] {
            let fingerprint: Fingerprint = text.parse().unwrap();
            let print = Print::of(&fingerprint);
            assert_eq!(print.fingerprint(), fingerprint);
            let written = serde_json::to_string(&print).unwrap();
            assert_eq!(serde_json::from_str::<Print>(&written).unwrap(), print);
        }
        assert_eq!(size_of::<Print>(), 16);
    }
}
