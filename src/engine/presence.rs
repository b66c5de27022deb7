//! Who else is here: every console sits on a numbered seat, which is a lease of the journal, with its person noted beside.
//!
//! A seat is given back by the operating system when its process ends, however it ends, so nobody is shown who has left.
//! Looking costs nothing on the disk for a seat that is taken; free seats are looked at rarely.

use std::time::{Duration, Instant};

use crate::event::{Person, Seq};
use crate::journal::{Lease, SharedJournal};

/// At most so many people are seen.
const SEATS: usize = 16;
/// How often free seats are looked at.
const ALL_EVERY: Duration = Duration::from_secs(15);
/// How often taken seats are looked at.
const TAKEN_EVERY: Duration = Duration::from_secs(3);
/// The version of the note beside a seat.
const VERSION: u32 = 1;

/// One process's knowledge of the seats.
pub(super) struct Presence {
    journal: SharedJournal,
    own: Option<(usize, Box<dyn Lease>)>,
    /// Per seat, the person last read, and how often in a row it was found taken.
    seats: Vec<(u32, Option<Person>)>,
    looked_all: Option<Instant>,
    looked_taken: Option<Instant>,
}

fn seat(number: usize) -> String {
    format!("seat-{number}")
}

impl Presence {
    pub fn new(journal: SharedJournal) -> Self {
        Self { journal, own: None, seats: vec![(0, None); SEATS], looked_all: None, looked_taken: None }
    }

    /// Sits down on the first free seat. Without one, the person is simply not seen by others.
    pub fn sit(&mut self, person: &Person) {
        for number in 0..SEATS {
            if let Ok(Some(lease)) = self.journal.lease(&seat(number)) {
                let note = serde_json::to_vec(person).unwrap_or_default();
                if self.journal.save_projection(&seat(number), VERSION, Seq(0), &note).is_ok() {
                    self.own = Some((number, lease));
                }
                return;
            }
        }
    }

    /// Looks who else sits here; `None` when it was not time to look or nothing changed.
    pub fn look(&mut self, now: Instant) -> Option<Vec<Person>> {
        let past = |then: Option<Instant>, every| then.is_none_or(|then| now.duration_since(then) >= every);
        let all = past(self.looked_all, ALL_EVERY);
        if !all && !past(self.looked_taken, TAKEN_EVERY) {
            return None;
        }
        self.looked_taken = Some(now);
        if all {
            self.looked_all = Some(now);
        }
        let before = self.here();
        for number in 0..SEATS {
            if self.own.as_ref().is_some_and(|(own, _)| *own == number) || (!all && self.seats[number].0 == 0) {
                continue;
            }
            let taken = matches!(self.journal.lease(&seat(number)), Ok(None));
            let slot = &mut self.seats[number];
            slot.0 = if taken { slot.0.saturating_add(1) } else { 0 };
            if slot.0 <= 2 {
                let note = taken.then(|| self.journal.load_projection(&seat(number), VERSION, Seq(u64::MAX)));
                slot.1 = note.and_then(Result::ok).flatten().and_then(|(_, note)| serde_json::from_slice(&note).ok());
            }
        }
        let here = self.here();
        (here != before).then_some(here)
    }

    /// Seats found taken twice: the first time it may only have been somebody looking.
    fn here(&self) -> Vec<Person> {
        self.seats.iter().filter(|(times, _)| *times >= 2).filter_map(|(_, person)| person.clone()).collect()
    }
}
