//! Records a bundle bit by bit, as it would have arrived.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::SignedDuration;

use super::shift::shifted;
use crate::event::{Fact, Kind, Labelled, Time};
use crate::intake::bundle::Bundle;
use crate::journal::{Draft, SharedJournal};

/// What the screen says all the time.
const LABEL: &str = "demo: invented data";
/// What happened longer than this before the first alert is history: it is there when the demo opens.
const LEAD_IN: SignedDuration = SignedDuration::from_mins(10);
/// The share of the time that goes to the minutes before the first alert: nothing pages yet.
const LEAD_IN_SHARE: f64 = 0.15;
/// How often the player looks what is due.
const STEP: Duration = Duration::from_millis(100);

/// How fast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// So many times faster than it happened.
    Times(f64),
    /// From the first minutes to the page within this.
    Within(Duration),
}

/// When each moment of the recording is played, in seconds from the start.
#[derive(Clone, Copy, Debug)]
struct Plan {
    start: Time,
    first_alert: Time,
    end: Time,
    lead_in_s: f64,
    rest_s: f64,
}

impl Plan {
    fn of(bundle: &Bundle, pace: Pace) -> Self {
        let end = bundle.as_of;
        let alerts = bundle.drafts.iter().filter(|draft| draft.kind == Kind::Alert);
        let first_alert = alerts.map(|draft| draft.at).min().unwrap_or(end).min(end);
        let first = bundle.drafts.first().map_or(end, |draft| draft.at);
        let start = first_alert.checked_sub(LEAD_IN).unwrap_or(first).max(first).min(first_alert);
        let (lead_in_s, rest_s) = match pace {
            Pace::Times(speed) => (seconds(start, first_alert) / speed, seconds(first_alert, end) / speed),
            Pace::Within(all) => (all.as_secs_f64() * LEAD_IN_SHARE, all.as_secs_f64() * (1.0 - LEAD_IN_SHARE)),
        };
        Self { start, first_alert, end, lead_in_s, rest_s }
    }

    /// Seconds after the start at which `at` is played.
    fn due_s(&self, at: Time) -> f64 {
        let part = |from, to, at| (seconds(from, at) / seconds(from, to).max(1e-9)).clamp(0.0, 1.0);
        if at <= self.start {
            0.0
        } else if at <= self.first_alert {
            part(self.start, self.first_alert, at) * self.lead_in_s
        } else {
            self.lead_in_s + part(self.first_alert, self.end, at) * self.rest_s
        }
    }
}

fn seconds(from: Time, to: Time) -> f64 {
    to.duration_since(from).as_secs_f64()
}

/// Plays `bundle` into `journal` until its end, or until `stop`.
pub fn play(bundle: Bundle, journal: &SharedJournal, pace: Pace, stop: &AtomicBool) -> anyhow::Result<()> {
    let plan = Plan::of(&bundle, pace);
    let begun = Instant::now();
    let now = Time::now();
    let length = SignedDuration::try_from_secs_f64(plan.lead_in_s + plan.rest_s).unwrap_or_default();
    // The page comes when the last of it is played: that moment of the recording is that moment here.
    let by = now.saturating_add(length)?.duration_since(plan.end);
    let label = Fact::from(Labelled { label: LABEL.into() });
    journal.append(vec![Draft::new(now, "demo/label".to_owned(), &label)])?;
    let mut drafts = bundle.drafts.into_iter().peekable();
    while drafts.peek().is_some() && !stop.load(Ordering::Relaxed) {
        let passed = begun.elapsed().as_secs_f64();
        let mut due = Vec::new();
        while let Some(draft) = drafts.next_if(|draft| plan.due_s(draft.at) <= passed) {
            due.push(shifted(draft, by)?);
        }
        if !due.is_empty() {
            journal.append(due)?;
        }
        std::thread::sleep(STEP);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Query, SqliteJournal};
    use std::sync::Arc;

    fn bundle() -> Bundle {
        super::super::unpacked(super::super::Incident::Ai).unwrap()
    }

    #[test]
    fn moments_are_played_in_order_from_nothing_to_the_whole_time() {
        let bundle = bundle();
        let plan = Plan::of(&bundle, Pace::Within(Duration::from_secs(60)));
        let due: Vec<f64> = bundle.drafts.iter().map(|draft| plan.due_s(draft.at)).collect();
        assert!(due.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(due[0].abs() < 1e-9 && due.last().is_some_and(|last| (9.0..=60.0).contains(last)));
        assert!((plan.due_s(plan.first_alert) - 9.0).abs() < 1e-6);
    }

    #[test]
    fn what_is_played_happens_now_under_a_label() {
        let journal: SharedJournal = Arc::new(SqliteJournal::in_memory().unwrap());
        play(bundle(), &journal, Pace::Within(Duration::from_millis(300)), &AtomicBool::new(false)).unwrap();
        let now = Time::now();
        let records = journal.read(&Query { limit: 100_000, ..Query::default() }).unwrap();
        assert!(matches!(records[0].fact().unwrap(), Fact::Labelled(label) if label.label.raw() == LABEL));
        assert!(records.len() > 100);
        let newest = records.iter().map(|record| record.at).max().unwrap();
        assert!(newest.duration_since(now).as_secs().abs() < 300, "{newest}");
        let alerts: Vec<_> = records.iter().filter(|record| record.kind == Kind::Alert).collect();
        for record in alerts {
            let Fact::Alert(alert) = record.fact().unwrap() else { panic!("an alert") };
            assert!(now.duration_since(alert.starts_at).as_secs() < 3_600);
        }
    }
}
