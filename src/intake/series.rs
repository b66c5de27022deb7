//! Samples gathered into journal entries: one a window of time, so that each is known when its last sample is.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{key, limits};
use crate::event::{Fact, Labels, MetricBatch, Series, Time, Untrusted};
use crate::journal::Draft;

/// Length of a window.
const WINDOW_MS: i64 = 60_000;

/// The window of a sample: windows end at `anchor` and every minute before and after it, their end belongs to them.
#[must_use]
pub(super) fn window(time: Time, anchor: Time) -> i64 {
    let past = time.as_millisecond() - anchor.as_millisecond();
    // Half a millisecond after the anchor is after it.
    let past = past + i64::from(past == 0 && time > anchor);
    past.div_euclid(WINDOW_MS) + i64::from(past.rem_euclid(WINDOW_MS) != 0)
}

/// A name with its labels.
type Identity = Arc<(Untrusted, Labels)>;

/// Samples by window and series.
pub(super) struct Windows {
    anchor: Time,
    names: HashMap<String, Identity>,
    found: BTreeMap<i64, BTreeMap<Identity, Vec<(Time, f64)>>>,
}

impl Windows {
    pub fn ending_at(anchor: Time) -> Self {
        Self { anchor, names: HashMap::new(), found: BTreeMap::new() }
    }

    /// Adds a sample of the series written `text`, which `identity` reads when it is new. What is not finite is left out.
    pub fn add<E>(
        &mut self,
        text: &str,
        identity: impl FnOnce() -> Result<(Untrusted, Labels), E>,
        time: Time,
        value: f64,
    ) -> Result<(), E> {
        let id = match self.names.get(text) {
            Some(id) => id.clone(),
            None => self.names.entry(text.to_owned()).or_insert(Arc::new(identity()?)).clone(),
        };
        if value.is_finite() {
            let time = key::clamp(time);
            self.found.entry(window(time, self.anchor)).or_default().entry(id).or_default().push((time, value));
        }
        Ok(())
    }

    /// The drafts, their keys under `prefix`.
    pub fn drafts(self, prefix: &str) -> Vec<Draft> {
        let mut drafts = Vec::new();
        for (window, found) in self.found {
            let end = self.anchor.as_millisecond().saturating_add(window.saturating_mul(WINDOW_MS));
            let (mut batch, mut bytes, mut part) = (Vec::new(), 0usize, 0usize);
            let mut close = |batch: &mut Vec<Series>, part: &mut usize| {
                let series = std::mem::take(batch);
                let last = series.iter().flat_map(|series| &series.points).map(|point| point.0).max();
                if let Some(last) = last {
                    let fact = Fact::from(MetricBatch { series });
                    drafts.push(Draft::new(last, format!("{prefix}/{end}/{part}"), &fact));
                    *part += 1;
                }
            };
            for (id, mut points) in found {
                points.sort_by_key(|point| point.0);
                bytes += 100 + 40 * points.len();
                batch.push(Series { name: id.0.clone(), labels: id.1.clone(), points });
                if bytes > limits::size(limits::ENTRY_BYTES) {
                    close(&mut batch, &mut part);
                    bytes = 0;
                }
            }
            close(&mut batch, &mut part);
        }
        drafts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_window_reaches_over_the_anchor() {
        let anchor: Time = "2026-11-22T00:50:08.5Z".parse().unwrap();
        let at = |ms: i64| Time::from_millisecond(anchor.as_millisecond() + ms).unwrap();
        assert_eq!(
            [-60_001, -60_000, -59_999, -1, 0, 1, 60_000, 60_001].map(|ms| window(at(ms), anchor)),
            [-1, -1, 0, 0, 0, 1, 1, 2]
        );
        assert_eq!(window(Time::from_nanosecond(anchor.as_nanosecond() + 1).unwrap(), anchor), 1);
    }

    #[test]
    fn a_draft_is_known_when_its_last_sample_is_and_holds_only_finite_values() {
        let anchor: Time = "2026-11-22T00:50:00Z".parse().unwrap();
        let mut windows = Windows::ending_at(anchor);
        for (second, value) in [(-5, 1.0), (-90, 2.0), (-6, f64::NAN), (10, 3.0), (-7, 4.0)] {
            let time = Time::from_second(anchor.as_second() + second).unwrap();
            windows.add("up", || Ok::<_, ()>(("up".into(), Labels::new())), time, value).unwrap();
        }
        let drafts = windows.drafts("m");
        let at: Vec<_> = drafts.iter().map(|draft| draft.at.as_second() - anchor.as_second()).collect();
        assert_eq!(at, [-90, -5, 10]);
        let batch: MetricBatch = serde_json::from_slice(&drafts[1].body).unwrap();
        assert_eq!(batch.series[0].points.iter().map(|point| point.1).collect::<Vec<_>>(), [4.0, 1.0]);
    }
}
