//! What is wrong, where, since when: read once from the scene, used by every detector.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Time, Untrusted};

use super::scene::{Pattern, Scene, SeriesKey};
use super::signal::{self, Jump, MetricKind};

/// A series that moved.
#[derive(Clone, Debug)]
pub(super) struct MovedSeries<'a> {
    pub key: &'a SeriesKey,
    pub kind: MetricKind,
    /// Around the page or the onset.
    pub jump: Option<Jump>,
    /// Where it left its past, anywhere before `as_of`, and by how many spreads (signed).
    pub left: Option<(Time, f64)>,
    /// How far it moves by habit; 1 = hardly.
    pub usual: f64,
    /// The alert's own metric, by name.
    pub alerted: bool,
}

/// A log pattern that is new or much louder since the onset.
#[derive(Clone, Debug)]
pub(super) struct NewPattern<'a> {
    pub pattern: &'a Pattern,
    /// Its first line of the new kind.
    pub first: Time,
    /// Lines since.
    pub lines: u64,
}

/// Everything that is wrong.
#[derive(Clone, Debug, Default)]
pub(super) struct Symptoms<'a> {
    /// Start of the first alert.
    pub page: Option<Time>,
    /// Components of the alerts, in order of time.
    pub paged: Vec<Untrusted>,
    /// Names of the metrics the alerts are about.
    pub metrics: BTreeSet<Untrusted>,
    /// Series, by component.
    pub series: BTreeMap<Untrusted, Vec<MovedSeries<'a>>>,
    /// New error and warning patterns, by component.
    pub errors: BTreeMap<Untrusted, Vec<NewPattern<'a>>>,
    /// New patterns that are no errors.
    pub news: Vec<NewPattern<'a>>,
    /// When it began, as far as can be told.
    pub onset: Option<Time>,
    /// The component in which it began.
    pub first: Option<Untrusted>,
}

/// Spreads by which a series must have left its past to date the onset.
const CLEAR: f64 = 8.0;
/// How late a page may be, in seconds, beyond what is part of it anyway.
const LATE_BY_S: [i64; 3] = [120, 300, 600];

impl<'a> Symptoms<'a> {
    /// Reads the scene.
    pub(super) fn read(scene: &'a Scene<'_>) -> Self {
        let page = scene.alerts.first().map(|alert| alert.starts_at);
        let mut paged: Vec<Untrusted> = Vec::new();
        for service in scene.alerts.iter().filter_map(|alert| alert.service()) {
            if !paged.contains(service) {
                paged.push(service.clone());
            }
        }
        let metrics = scene.alerts.iter().filter_map(|alert| alert.labels.get("metric").cloned()).collect();
        let mut symptoms = Self { page, paged, metrics, ..Self::default() };
        symptoms.read_series(scene);
        symptoms.read_logs(scene);
        symptoms.date(scene);
        symptoms
    }

    fn read_series(&mut self, scene: &'a Scene<'_>) {
        let Some(page) = self.page else { return };
        for (key, points) in &scene.series {
            let kind = MetricKind::of(key.name.raw());
            let alerted = self.metrics.contains(&key.name);
            let jump = signal::jump(points, page, kind);
            // What came after the page (a crash, a recovery) must not hide what led to it.
            let until = points.partition_point(|(at, _)| page.duration_since(*at).as_secs() > 60);
            let left = signal::departure(&points[..until]).or_else(|| signal::departure(points));
            self.series.entry(key.service.clone()).or_default().push(MovedSeries {
                key,
                kind,
                jump,
                left,
                usual: 1.0,
                alerted,
            });
        }
        let from = self.measured_from(scene, page);
        for series in self.series.values_mut().flatten() {
            let Some((_, points)) = scene.series.iter().find(|(key, _)| *key == series.key) else { continue };
            if from != page {
                series.jump = signal::jump(points, from, series.kind);
            }
            if series.jump.is_some_and(|jump| jump.z > 1.0) {
                series.usual = signal::usual(points, from, series.kind);
            }
        }
    }

    /// The moment from which series are measured: the page, or where the trouble shows before it.
    fn measured_from(&self, scene: &Scene<'_>, page: Time) -> Time {
        // Where the paged component's own series had moved before the page (alerts wait minutes before they fire), all are measured from there.
        let fresh = self.of_paged().filter_map(|series| series.jump.map(|jump| jump.z)).fold(0.0, f64::max);
        let led = self.of_paged().filter(|s| harmful(s)).filter_map(|s| s.left);
        let led = led.filter(|(at, _)| page.duration_since(*at).as_secs() > 120);
        let led = led.filter(|(_, z)| fresh < 1.5 || (z.abs() >= CLEAR && z.abs() > 4.0 * fresh));
        if let Some(earlier) = led.map(|(at, _)| at).min() {
            return earlier;
        }
        // A page may also be late for what the paged component itself does not show: then little is new at the page, and much was
        // new some minutes before it.
        let concerned = self.concerned(scene);
        let candidates: Vec<_> = scene
            .series
            .iter()
            .filter(|(key, _)| scene.graph.is_empty() || concerned.contains(&key.service))
            .map(|(key, points)| (MetricKind::of(key.name.raw()), points))
            .filter(|(kind, _)| matches!(kind, MetricKind::Resource | MetricKind::Harm | MetricKind::Health))
            .collect();
        let news = |moment: Time| {
            let all = candidates.iter().filter_map(|(kind, points)| {
                let moved = signal::jump(points, moment, *kind)?;
                Some(if moved.z > CLEAR { moved.z / signal::usual(points, moment, *kind) } else { moved.z })
            });
            all.fold(0.0, f64::max)
        };
        let now = news(page);
        if now >= CLEAR {
            return page;
        }
        let earlier = LATE_BY_S.map(|seconds| page - jiff::SignedDuration::from_secs(seconds));
        let best = earlier.into_iter().map(|at| (news(at), at)).max_by(|a, b| a.0.total_cmp(&b.0));
        best.filter(|(most, _)| *most >= CLEAR && *most > 4.0 * now).map_or(page, |(_, at)| at)
    }

    fn of_paged(&self) -> impl Iterator<Item = &MovedSeries<'a>> {
        self.paged.iter().filter_map(|name| self.series.get(name)).flatten()
    }

    fn read_logs(&mut self, scene: &'a Scene<'_>) {
        let Some(page) = self.page else { return };
        let begin = scene.logs.patterns().filter_map(|pattern| pattern.moments.first()).min().copied();
        let Some(begin) = begin else { return };
        let span = page.duration_since(begin);
        for pattern in scene.logs.patterns() {
            let Some(first) = pattern.moments.first().copied() else { continue };
            // New: silent for the first third of what is known before the page.
            let quiet_until = begin + span / 3;
            let new = NewPattern { pattern, first, lines: pattern.lines(first, Time::MAX) };
            if first <= quiet_until {
                continue;
            }
            if pattern.severity >= 13 {
                self.errors.entry(pattern.service.clone()).or_default().push(new);
            } else {
                self.news.push(new);
            }
        }
    }

    /// Dates the onset: the earliest clear departure among the components that can be concerned.
    fn date(&mut self, scene: &Scene<'_>) {
        let Some(page) = self.page else { return };
        let concerned = self.concerned(scene);
        let mut moments: Vec<(Time, Untrusted)> = Vec::new();
        for (service, all) in self.series.iter().filter(|(service, _)| concerned.contains(*service)) {
            let left = all.iter().filter(|series| harmful(series)).filter_map(|series| series.left);
            moments.extend(left.filter(|(at, z)| z.abs() >= CLEAR && *at <= page).map(|(at, _)| (at, service.clone())));
        }
        for (service, patterns) in self.errors.iter().filter(|(service, _)| concerned.contains(*service)) {
            let firsts = patterns.iter().filter(|p| p.lines >= 2 || p.pattern.is_error()).map(|p| p.first);
            moments.extend(firsts.filter(|at| *at <= page).map(|at| (at, service.clone())));
        }
        let fresh =
            self.of_paged().filter_map(|series| series.jump).filter(|jump| jump.z >= 1.5).map(|jump| jump.at).min();
        let earliest = moments.iter().min().cloned();
        self.onset = earliest.as_ref().map(|(at, _)| *at).or(fresh).or(Some(page));
        self.first = earliest.map(|(_, service)| service).or_else(|| self.paged.first().cloned());
    }

    /// The paged components and those they depend on, up to four calls away; all when no call is known.
    pub(super) fn concerned(&self, scene: &Scene<'_>) -> BTreeSet<Untrusted> {
        let mut found: BTreeSet<Untrusted> = self.paged.iter().cloned().collect();
        for name in &self.paged {
            found.extend(scene.graph.dependencies(name, 4).into_iter().map(|(name, _)| name));
        }
        found
    }
}

/// Whether a series dates an onset: it shows harm, a resource or a setting, and moved in the harmful direction.
fn harmful(series: &MovedSeries<'_>) -> bool {
    match series.kind {
        MetricKind::Harm | MetricKind::Resource => series.left.is_none_or(|(_, z)| z > 0.0),
        MetricKind::Health => series.left.is_none_or(|(_, z)| z < 0.0),
        MetricKind::Setting => true,
        MetricKind::Work | MetricKind::Left | MetricKind::Other => false,
    }
}
