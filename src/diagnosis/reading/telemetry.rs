//! What the failing telemetry says, as words and as one text.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Pointer, Untrusted};

use super::super::scene::Scene;
use super::super::signal::MetricKind;
use super::super::symptoms::Symptoms;
use super::words::words;

/// The failing telemetry, read.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Telemetry {
    /// Everything in lower case, a line each.
    pub text: String,
    /// Each word with how much it counts and where it is said.
    pub words: BTreeMap<String, (f64, Pointer)>,
    /// Words of component names: they say where, not what.
    pub names: BTreeSet<String>,
}

impl Telemetry {
    /// Reads new errors, failing spans, alerts and the names of series that moved.
    pub(in super::super) fn read(scene: &Scene<'_>, symptoms: &Symptoms<'_>) -> Self {
        let mut read = Self::default();
        for name in scene.graph.components().chain(symptoms.series.keys()).chain(&symptoms.paged) {
            read.names.extend(words(name.raw()));
        }
        for new in symptoms.errors.values().flatten().chain(&symptoms.news) {
            let pointer =
                || Pointer::Logs { service: new.pattern.service.clone(), pattern: new.pattern.sample.clone() };
            let weight = if new.pattern.is_error() {
                1.0
            } else if new.pattern.severity >= 13 {
                0.9
            } else {
                0.5
            };
            read.take(new.pattern.sample.raw(), weight, &pointer);
            for (name, value) in &new.pattern.attributes {
                if !name.raw().starts_with("log.pattern.") {
                    read.take(&format!("{} {}", name.raw(), value.raw()), weight, &pointer);
                }
            }
        }
        let since = symptoms.onset;
        for (service, failure) in scene
            .spans
            .failures()
            .filter(|(_, f)| since.is_none_or(|since| f.first.duration_since(since).as_secs() > -600))
        {
            let pointer = || Pointer::Trace { trace: failure.trace };
            let own = if failure.began_here > 0 { 1.0 } else { 0.4 };
            read.take(&format!("{} {}", failure.name.raw(), failure.words.raw()), own, &pointer);
            let _ = service;
        }
        for alert in &scene.alerts {
            let pointer = || Pointer::Alert { fingerprint: alert.fingerprint.clone() };
            for (_, value) in alert
                .labels
                .iter()
                .filter(|(name, _)| matches!(name.raw(), "alertname" | "metric"))
                .chain(&alert.annotations)
            {
                read.take(value.raw(), 0.8, &pointer);
            }
        }
        for series in symptoms.series.values().flatten() {
            let moved = series.left.is_some_and(|(_, z)| z.abs() > 6.0) || series.jump.is_some_and(|jump| jump.z > 6.0);
            if moved && series.kind != MetricKind::Left {
                let at = series.left.map(|(at, _)| at).or(series.jump.map(|jump| jump.at)).unwrap_or(scene.as_of);
                let pointer =
                    || Pointer::Series { name: series.key.name.clone(), service: series.key.service.clone(), at };
                read.take(series.key.name.raw(), 0.7, &pointer);
            }
        }
        read
    }

    fn take(&mut self, text: &str, weight: f64, pointer: &dyn Fn() -> Pointer) {
        self.text.push_str(&text.to_lowercase());
        self.text.push('\n');
        for word in words(text) {
            let weight = if self.names.contains(&word) { 0.2 * weight } else { weight };
            let entry = self.words.entry(word).or_insert_with(|| (weight, pointer()));
            if weight > entry.0 {
                *entry = (weight, pointer());
            }
        }
    }

    /// Whether the text says one of these.
    pub(in super::super) fn says<'p>(&self, phrases: &[&'p str]) -> Option<&'p str> {
        phrases.iter().find(|phrase| self.text.contains(**phrase)).copied()
    }
}

/// A text outside of a sentence, kept short.
pub(in super::super) fn short(text: &Untrusted) -> String {
    text.show(crate::event::Policy::Prose).as_str().chars().take(120).collect()
}
