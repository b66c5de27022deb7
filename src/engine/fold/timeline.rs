//! What happened in one incident, line by line; many alike alerts are one line with a count.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::engine::view::TimelineItem;
use crate::event::{Seq, Untrusted};

use super::limits;

/// Where a line stands: by time; alike lines of one minute share a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Place {
    second: i64,
    /// What makes lines alike; for a line of its own its entry.
    alike: Alike,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Alike {
    Same(Untrusted, Untrusted),
    Own(Seq),
}

/// The lines, in order of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Timeline {
    #[serde(with = "super::pairs")]
    lines: BTreeMap<Place, TimelineItem>,
    /// Lines (and what was folded into them) that were given up for length, oldest first.
    hidden: u64,
}

impl Timeline {
    /// A line that stands for itself.
    pub fn add(&mut self, line: TimelineItem) {
        let place = Place { second: line.at.as_second(), alike: Alike::Own(line.seq) };
        self.lines.insert(place, line);
        self.bound();
    }

    /// A line that is one with all lines of the same `who` and `text` of that minute.
    pub fn fold(&mut self, line: TimelineItem) {
        let minute = line.at.as_second().div_euclid(60) * 60;
        let place = Place { second: minute, alike: Alike::Same(line.who.clone(), line.text.clone()) };
        if let Some(kept) = self.lines.get_mut(&place) {
            kept.folded += 1;
            if line.at < kept.at {
                *kept = TimelineItem { folded: kept.folded, ..line };
            }
        } else {
            self.lines.insert(place, line);
            self.bound();
        }
    }

    /// A line of its `who` and kind at that second, in place of an earlier one.
    pub fn replace(&mut self, line: TimelineItem) {
        let alike = Alike::Same(line.who.clone(), line.kind.name().into());
        self.lines.insert(Place { second: line.at.as_second(), alike }, line);
        self.bound();
    }

    fn bound(&mut self) {
        while self.lines.len() > limits::TIMELINE_KEPT {
            if let Some((_, gone)) = self.lines.pop_first() {
                self.hidden += 1 + gone.folded;
            }
        }
    }

    /// Gives up all lines; how many they were stays.
    pub fn pack(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        self.hidden += lines.values().map(|gone| 1 + gone.folded).sum::<u64>();
    }

    /// All lines of both, as when one incident joins another.
    pub fn join(&mut self, other: &Self) {
        self.lines.extend(other.lines.iter().map(|(place, line)| (place.clone(), line.clone())));
        self.hidden += other.hidden;
        self.bound();
    }

    /// The lines, and how many were given up.
    pub fn lines(&self) -> (impl Iterator<Item = &TimelineItem>, u64) {
        (self.lines.values(), self.hidden)
    }
}

/// A text from outside as one line of bounded length: line feeds become spaces, what is left out is counted.
pub(super) fn one_line(text: &Untrusted) -> Untrusted {
    let raw = text.raw();
    let kept = cut(raw, limits::LINE_BYTES);
    if kept.len() == raw.len() && !raw.contains(['\n', '\r']) {
        return text.clone();
    }
    let mut line = kept.replace(['\n', '\r'], " ");
    if kept.len() < raw.len() {
        let _ = write!(line, " … {} more bytes", raw.len() - kept.len());
    }
    line.into()
}

/// The beginning of `text`, at most `bytes` long, ending between two characters.
pub(super) fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}
