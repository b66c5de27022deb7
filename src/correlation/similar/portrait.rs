//! What an incident is recognised by.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::event::{Diagnosis, Pointer, Time, Untrusted};
use crate::surface::dice::mix;

/// At most so many names of one aspect are kept; a storm of everything is like everything.
const MOST: usize = 32;
/// Of a text no more than so many characters are read.
const READ: usize = 2_000;
/// A word is at most so many characters; longer ones are no words.
const LONGEST: usize = 40;
/// A hypothesis with a smaller share says nothing of what changed.
const SHARE: f64 = 0.1;
/// At most so many changes that could have done it.
const CHANGES: usize = 4;

/// One side of an incident. The names are part of saved states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// The components that alert.
    Components,
    /// The names of the alerts.
    Alerts,
    /// The component in which it began.
    Began,
    /// The surface that is thought to have failed.
    Failing,
    /// The changes that could have done it.
    Changed,
    /// Words of errors and of what alerts say.
    Words,
    /// How it came up, and how wide.
    Onset,
}

impl Aspect {
    /// Every aspect.
    pub const ALL: [Self; 7] =
        [Self::Components, Self::Alerts, Self::Began, Self::Failing, Self::Changed, Self::Words, Self::Onset];

    /// What people read.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Components => "components",
            Self::Alerts => "alerts",
            Self::Began => "began in",
            Self::Failing => "what failed",
            Self::Changed => "what changed",
            Self::Words => "words",
            Self::Onset => "onset",
        }
    }

    /// Its bit in a set of aspects.
    pub(super) fn bit(self) -> u8 {
        1 << (self as u8)
    }

    /// What it weighs among the others. A choice and not fitted: all alike, but those that have only a handful of values half.
    #[must_use]
    pub(super) fn weight(self) -> f64 {
        match self {
            Self::Failing | Self::Onset => 0.5,
            _ => 1.0,
        }
    }
}

/// What an incident is recognised by: the names of each aspect. An aspect that is not in it was not captured; that is not the
/// same as none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Portrait(BTreeMap<Aspect, BTreeSet<Untrusted>>);

impl Portrait {
    /// Takes up a name of an aspect.
    pub(super) fn add(&mut self, aspect: Aspect, name: &Untrusted) {
        self.0.entry(aspect).or_default().insert(name.clone());
    }

    /// The names of an aspect; `None` = not captured.
    #[must_use]
    pub fn names(&self, aspect: Aspect) -> Option<&BTreeSet<Untrusted>> {
        self.0.get(&aspect)
    }

    /// Every captured aspect with its names.
    pub fn iter(&self) -> impl Iterator<Item = (Aspect, &BTreeSet<Untrusted>)> {
        self.0.iter().map(|(aspect, names)| (*aspect, names))
    }

    /// Which aspects are captured, a bit each.
    pub(super) fn captured(&self) -> u8 {
        self.0.keys().fold(0, |bits, aspect| bits | aspect.bit())
    }

    /// The picture of what was seen.
    #[must_use]
    pub fn of<'a>(
        seen: Seen<'a, impl Iterator<Item = (Untrusted, Untrusted)>, impl Iterator<Item = &'a Untrusted>>,
    ) -> Self {
        let mut sketch = Sketch::default();
        let mut components = BTreeSet::new();
        for (component, alert) in seen.alerts {
            sketch.add(Aspect::Components, component.raw());
            sketch.add(Aspect::Alerts, alert.raw());
            components.insert(component);
        }
        sketch.add(Aspect::Onset, breadth(components.len()));
        if let Some(diagnosis) = seen.diagnosis {
            sketch.judged(diagnosis, seen.began, seen.change_log);
        }
        for text in seen.texts {
            sketch.words(text);
        }
        let plain = |names: BTreeSet<(u64, Untrusted)>| names.into_iter().map(|(_, name)| name).collect();
        Self(sketch.0.into_iter().map(|(aspect, names)| (aspect, plain(names))).collect())
    }
}

/// A portrait in the making. Of too many names those with the lowest hash stay (a bottom-k sketch; Broder, SEQUENCES 1997): of two
/// storms that are alike the same ones, whatever came first.
#[derive(Default)]
struct Sketch(BTreeMap<Aspect, BTreeSet<(u64, Untrusted)>>);

impl Sketch {
    fn add(&mut self, aspect: Aspect, name: &str) {
        let names = self.0.entry(aspect).or_default();
        let hash = hash(name);
        if names.len() >= MOST && names.last().is_some_and(|(highest, _)| hash >= *highest) {
            return;
        }
        names.insert((hash, name.into()));
        if names.len() > MOST {
            names.pop_last();
        }
    }

    /// What a diagnosis says of it.
    fn judged(&mut self, diagnosis: &Diagnosis, began: Time, change_log: bool) {
        if let Some(first) = &diagnosis.first_failing {
            self.add(Aspect::Began, first.raw());
        }
        if let Some(onset) = diagnosis.onset {
            self.add(Aspect::Onset, pace(onset, began));
        }
        let leading = diagnosis.hypotheses.first().filter(|one| one.confidence.share > diagnosis.none_of_these);
        self.add(Aspect::Failing, leading.map_or("cause not clear", |one| one.cause.surface.name()));
        let mut suspects = diagnosis
            .hypotheses
            .iter()
            .filter(|one| one.cause.change.is_some() && one.confidence.share >= SHARE)
            .take(CHANGES)
            .peekable();
        if suspects.peek().is_none() && change_log {
            self.add(Aspect::Changed, "no change that could be it");
        }
        for one in suspects {
            let subject =
                one.cause.subject.as_ref().map(|subject| format!(" of {}", subject.raw())).unwrap_or_default();
            self.add(Aspect::Changed, &format!("{}{subject}", one.cause.surface.name()));
        }
        for place in diagnosis.evidence.iter().flat_map(|found| &found.look_at) {
            if let Pointer::Logs { pattern, .. } = place {
                self.words(pattern);
            }
        }
    }

    /// The words of a text, without those that hold digits: numbers, ids, hosts. Scripts that write no blanks give pairs of letters.
    fn words(&mut self, text: &Untrusted) {
        let letters: String = text.raw().chars().take(READ).flat_map(char::to_lowercase).collect();
        for run in letters.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty()) {
            if run.chars().any(char::is_numeric) {
                continue;
            }
            if run.chars().any(dense) {
                let all: Vec<char> = run.chars().collect();
                for pair in all.windows(2) {
                    self.add(Aspect::Words, &pair.iter().collect::<String>());
                }
            } else if (3..=LONGEST).contains(&run.chars().count()) {
                self.add(Aspect::Words, run);
            }
        }
    }
}

/// FNV-1a (Fowler, Noll & Vo), its bits spread.
fn hash(name: &str) -> u64 {
    let sum = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |sum: u64, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    mix(sum)
}

/// What was seen of an incident.
pub struct Seen<'a, A, T> {
    /// Component and name of each kind of alert.
    pub alerts: A,
    /// What alerts say of themselves.
    pub texts: T,
    /// The newest diagnosis.
    pub diagnosis: Option<&'a Diagnosis>,
    /// Start of the first alert.
    pub began: Time,
    /// Whether changes are known of at all: without a change log "nothing changed" cannot be said.
    pub change_log: bool,
}

/// Letters of scripts without blanks between words: a run of them is a sentence.
fn dense(letter: char) -> bool {
    matches!(letter, '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

fn breadth(components: usize) -> &'static str {
    match components {
        0 | 1 => "one component",
        2..=4 => "a few components",
        5..=15 => "many components",
        _ => "more than fifteen components",
    }
}

fn pace(onset: Time, page: Time) -> &'static str {
    match page.duration_since(onset).as_secs() {
        ..120 => "paged within two minutes of its onset",
        120..900 => "paged some minutes after its onset",
        _ => "paged a quarter of an hour or more after its onset",
    }
}
