//! How far one series moved, and when: against its own past, far and near, so that an old shift is no news.

use crate::event::Time;

/// What a metric measures, read from the words of its name. It says which direction is harmful and whose fault it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// A resource of the component itself: processor, memory, disk, pool. More is worse; it names a cause rather than an effect.
    Resource,
    /// Slowness or failure: more is worse.
    Harm,
    /// Health: less is worse.
    Health,
    /// Work coming in: any change is worth a look.
    Work,
    /// Time left, room left: less is worse, and none is the end.
    Left,
    /// A limit, size or setting: when it moves at once, somebody set it.
    Setting,
    /// Nothing of the kind.
    Other,
}

const RESOURCE: &[&str] = &[
    "cpu",
    "memory",
    "mem",
    "disk",
    "rss",
    "heap",
    "gc",
    "fd",
    "threads",
    "goroutines",
    "inodes",
    "iops",
    "swap",
    "connections",
    "inuse",
    "used",
    "utilization",
    "usage",
    "buffer",
    "lag",
    "backlog",
    "queue",
];
const HARM: &[&str] = &[
    "latency",
    "duration",
    "error",
    "errors",
    "fail",
    "failed",
    "failure",
    "failures",
    "wait",
    "restart",
    "restarts",
    "timeout",
    "timeouts",
    "panic",
    "panics",
    "5xx",
    "4xx",
    "oom",
    "killed",
    "rejected",
    "dropped",
    "exception",
    "exceptions",
    "retries",
    "retry",
    "miss",
    "misses",
    "evictions",
    "throttled",
    "denied",
    "refused",
    "p99",
    "p95",
    "p90",
    "p50",
    "stale",
    "staleness",
    "deadlocks",
];
const HEALTH: &[&str] = &["availability", "success", "health", "healthy", "up", "hit", "hits", "ready", "uptime"];
const WORK: &[&str] = &[
    "requests",
    "request",
    "load",
    "throughput",
    "rps",
    "qps",
    "rate",
    "calls",
    "messages",
    "sec",
    "traffic",
    "query",
    "queries",
];
const LEFT: &[&str] = &["expiry", "expires", "remaining", "left", "free", "available", "headroom"];
const SETTING: &[&str] =
    &["limit", "max", "capacity", "size", "replicas", "quota", "version", "ttl", "threshold", "min"];

impl MetricKind {
    /// Reads the kind from a metric's name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let lower = name.to_ascii_lowercase();
        let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        let any = |list: &[&str]| words.iter().any(|word| list.contains(word));
        if any(LEFT) && !any(HARM) {
            Self::Left
        } else if any(SETTING) && !any(HARM) {
            Self::Setting
        } else if any(HEALTH) && !any(HARM) {
            Self::Health
        } else if any(HARM) {
            Self::Harm
        } else if any(RESOURCE) {
            Self::Resource
        } else if any(WORK) {
            Self::Work
        } else {
            Self::Other
        }
    }
}

/// How far a series moved around a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jump {
    /// In units of its own usual spread; 0 = not in the harmful direction.
    pub z: f64,
    /// In its own unit, signed.
    pub by: f64,
    /// Its usual spread, in its own unit; 0 where it never moved.
    pub spread: f64,
    /// Median before.
    pub before: f64,
    /// Typical of its worst half since.
    pub after: f64,
    /// First sample that is more than half the way.
    pub at: Time,
    /// Samples before.
    pub n: usize,
}

/// Seconds before the page within which a change counts as part of it, whatever the sampling.
const REACH_S: f64 = 90.0;
/// Steps of sampling before the page that count as part of it.
const REACH_STEPS: f64 = 1.2;
/// A series is never steadier than this share of its level.
const LEAST_SPREAD: f64 = 0.01;
/// Samples before without which nothing can be said.
const LEAST_BEFORE: usize = 5;

/// Measures the move of `points` around `moment` in the harmful direction of `kind`; `None` with too little before or nothing since.
///
/// The reference is the worse of the median of all before and the mean of the last minute before: what had shifted already is not new.
#[must_use]
pub fn jump(points: &[(Time, f64)], moment: Time, kind: MetricKind) -> Option<Jump> {
    let first = points.first()?.0;
    let step = step(points)?;
    let history = moment.duration_since(first).as_secs_f64();
    let reach = REACH_S.max(REACH_STEPS * step).min(0.6 * history);
    let split = points.partition_point(|(at, _)| moment.duration_since(*at).as_secs_f64() > reach);
    if split < LEAST_BEFORE || split >= points.len() {
        return None;
    }
    let (before, since) = points.split_at(split);
    let mut sorted: Vec<f64> = before.iter().map(|(_, value)| *value).collect();
    sorted.sort_by(f64::total_cmp);
    let quantile = |share: f64| sorted[index(share, sorted.len())];
    let median = quantile(0.5);
    let mut off: Vec<f64> = sorted.iter().map(|value| (value - median).abs()).collect();
    let mad = crate::surface::stats::median(&mut off).unwrap_or(0.0) * 1.4826;
    let own = ((quantile(0.95) - quantile(0.05)) / 3.3).max(mad);
    let spread = own.max(LEAST_SPREAD * median.abs()).max(1e-9);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 12")]
    let near = (60.0 / step).round().clamp(1.0, 12.0) as usize;
    let recent = mean(&before[before.len().saturating_sub(near)..]);
    let toward = |sign: f64| {
        let reference = (sign * median).max(sign * recent);
        let mut away: Vec<f64> = since.iter().map(|(_, value)| sign * value - reference).collect();
        let in_order = away.clone();
        away.sort_by(|a, b| b.total_cmp(a));
        let worst = (away.len() / 2).max(2).min(away.len());
        #[expect(clippy::cast_precision_loss, reason = "a count of samples")]
        let level = away[..worst].iter().sum::<f64>() / worst as f64;
        let onset = in_order.iter().position(|value| *value >= 0.5 * level).unwrap_or(0);
        Jump {
            z: (level / spread).max(0.0),
            by: sign * level,
            spread: own,
            before: median,
            after: reference * sign + sign * level,
            at: since[onset].0,
            n: before.len(),
        }
    };
    let (up, down) = (toward(1.0), toward(-1.0));
    Some(match kind {
        MetricKind::Resource | MetricKind::Harm => up,
        MetricKind::Health | MetricKind::Left => down,
        MetricKind::Work | MetricKind::Setting | MetricKind::Other => {
            if up.z >= down.z {
                up
            } else {
                down
            }
        }
    })
}

/// Moments of a series' past at which [`usual`] looks.
const PAST_MOMENTS: u32 = 6;

/// How restless a series is taken to be whose past is too short to say.
const UNKNOWN_HABIT: f64 = 2.0;

/// How far the series moves when nothing is known to be wrong, in the same units as [`Jump::z`] and never below 1: the second
/// largest of what [`jump`] says at moments spread over what lies before `moment`'s own reach. A series that is restless by habit
/// has to move further than a calm one before it means anything.
#[must_use]
pub fn usual(points: &[(Time, f64)], moment: Time, kind: MetricKind) -> f64 {
    let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) else { return 1.0 };
    let since = last.duration_since(moment).as_secs_f64().max(0.0);
    let history = moment.duration_since(*first).as_secs_f64();
    let reach = REACH_S.min(0.6 * history);
    let calm = history - reach;
    let (mut most, mut second, mut looked) = (1.0_f64, 1.0_f64, 0);
    for number in 1..=PAST_MOMENTS {
        let at = calm * (0.3 + 0.7 * f64::from(number) / f64::from(PAST_MOMENTS + 1));
        let end = (at + since.max(reach * 0.5)).min(calm);
        let seconds_in = |time: Time| time.duration_since(*first).as_secs_f64();
        let known = &points[..points.partition_point(|(time, _)| seconds_in(*time) <= end)];
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of one series' history")]
        let then = *first + jiff::SignedDuration::from_millis((at * 1_000.0) as i64);
        let Some(moved) = jump(known, then, kind) else { continue };
        looked += 1;
        if moved.z > most {
            second = most;
            most = moved.z;
        } else {
            second = second.max(moved.z);
        }
    }
    if looked >= 2 { second } else { UNKNOWN_HABIT }
}

/// The usual distance of samples in seconds.
fn step(points: &[(Time, f64)]) -> Option<f64> {
    let mut gaps: Vec<f64> = points.windows(2).map(|pair| pair[1].0.duration_since(pair[0].0).as_secs_f64()).collect();
    crate::surface::stats::median(&mut gaps).filter(|step| *step > 0.0)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an index below the length"
)]
fn index(share: f64, length: usize) -> usize {
    ((share * length as f64) as usize).min(length - 1)
}

#[expect(clippy::cast_precision_loss, reason = "a count of samples")]
fn mean(points: &[(Time, f64)]) -> f64 {
    if points.is_empty() { 0.0 } else { points.iter().map(|(_, value)| value).sum::<f64>() / points.len() as f64 }
}

/// The moment a series left its past for good (or for long), wherever in it that is: the split that best divides it into a
/// steady before and a different after, with what is different; finds also a slow climb. `None` when nothing stands out.
///
/// A two-segment least-squares fit (level, or level with slope after), accepted when it explains at least 60 % of the variance
/// and moves by 4 of the spreads before.
#[must_use]
pub fn departure(points: &[(Time, f64)]) -> Option<(Time, f64)> {
    // Long series are thinned: the moment is wanted to a few steps.
    let every = points.len().div_ceil(400).max(1);
    let thin: Vec<(Time, f64)> = points.iter().step_by(every).copied().collect();
    let n = thin.len();
    if n < 12 {
        return None;
    }
    let values: Vec<f64> = thin.iter().map(|(_, value)| *value).collect();
    #[expect(clippy::cast_precision_loss, reason = "a count of samples")]
    let total = {
        let mean = values.iter().sum::<f64>() / n as f64;
        values.iter().map(|value| (value - mean).powi(2)).sum::<f64>()
    };
    if total <= 0.0 {
        return None;
    }
    let mut best: Option<(f64, usize)> = None;
    for split in 6..n.saturating_sub(2) {
        let cost = level_cost(&values[..split]) + level_cost(&values[split..]).min(line_cost(&values[split..]));
        if best.is_none_or(|(least, _)| cost < least) {
            best = Some((cost, split));
        }
    }
    let (cost, split) = best?;
    #[expect(clippy::cast_precision_loss, reason = "a count of samples")]
    let (mean, spread) = {
        let before = &values[..split];
        let mean = before.iter().sum::<f64>() / split as f64;
        (mean, (level_cost(before) / split as f64).sqrt().max(LEAST_SPREAD * mean.abs()).max(1e-9))
    };
    let farthest = values[split..].iter().map(|value| value - mean).max_by(|a, b| a.abs().total_cmp(&b.abs()))?;
    let z = farthest / spread;
    (1.0 - cost / total >= 0.6 && z.abs() >= 4.0).then_some((thin[split].0, z))
}

#[expect(clippy::cast_precision_loss, reason = "a count of samples")]
fn level_cost(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    values.iter().map(|value| (value - mean).powi(2)).sum()
}

#[expect(clippy::cast_precision_loss, reason = "a count of samples")]
fn line_cost(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    if values.len() < 3 {
        return level_cost(values);
    }
    let (mean_x, mean_y) = ((n - 1.0) / 2.0, values.iter().sum::<f64>() / n);
    let (mut xx, mut xy) = (0.0, 0.0);
    for (x, y) in values.iter().enumerate() {
        xx += (x as f64 - mean_x).powi(2);
        xy += (x as f64 - mean_x) * (y - mean_y);
    }
    let slope = xy / xx;
    values.iter().enumerate().map(|(x, y)| (y - mean_y - slope * (x as f64 - mean_x)).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: impl IntoIterator<Item = f64>, step: i64) -> Vec<(Time, f64)> {
        (0..).zip(values).map(|(i, value)| (Time::from_second(i * step).unwrap(), value)).collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "below 13")]
    fn noise(i: usize) -> f64 {
        ((i * 7_919) % 13) as f64 / 13.0
    }

    #[test]
    fn a_step_is_measured_and_dated() {
        let points = series((0..100).map(|i| if i < 80 { 10.0 + noise(i) } else { 50.0 + noise(i) }), 10);
        let moved = jump(&points, Time::from_second(800).unwrap(), MetricKind::Harm).unwrap();
        assert!(moved.z > 20.0 && moved.at == Time::from_second(800).unwrap(), "{moved:?}");
        assert_eq!(departure(&points).unwrap().0, Time::from_second(800).unwrap());
    }

    #[test]
    fn the_page_may_come_a_minute_late() {
        let points = series((0..100).map(|i| if i < 80 { 10.0 + noise(i) } else { 50.0 + noise(i) }), 10);
        let moved = jump(&points, Time::from_second(860).unwrap(), MetricKind::Harm).unwrap();
        assert!(moved.z > 20.0 && moved.at == Time::from_second(800).unwrap(), "{moved:?}");
    }

    #[test]
    fn an_old_shift_is_no_news() {
        let points = series((0..100).map(|i| if i < 50 { 10.0 + noise(i) } else { 50.0 + noise(i) }), 10);
        let moved = jump(&points, Time::from_second(900).unwrap(), MetricKind::Harm).unwrap();
        assert!(moved.z < 2.0, "{moved:?}");
    }

    #[test]
    fn the_harmless_direction_does_not_count() {
        let points = series((0..100).map(|i| if i < 80 { 50.0 + noise(i) } else { 10.0 }), 10);
        assert!(jump(&points, Time::from_second(800).unwrap(), MetricKind::Harm).unwrap().z < 0.5);
        assert!(jump(&points, Time::from_second(800).unwrap(), MetricKind::Health).unwrap().z > 20.0);
    }

    #[test]
    fn a_slow_climb_is_dated_at_its_foot() {
        let points =
            series((0..160_u32).map(|i| 200.0 + noise(i as usize) + f64::from(i.saturating_sub(40)) * 2.0), 60);
        let (at, z) = departure(&points).unwrap();
        assert!((at.as_second() - 40 * 60).abs() < 20 * 60 && z > 4.0, "{at} {z}");
    }

    #[test]
    fn a_restless_series_moves_far_by_habit_and_a_calm_one_does_not() {
        let restless = series((0..200).map(|i| if i % 25 > 14 { 40.0 } else { 10.0 + noise(i) }), 10);
        let calm = series((0..200).map(|i| if i < 180 { 10.0 + noise(i) } else { 40.0 }), 10);
        let at = Time::from_second(1_800).unwrap();
        assert!(usual(&calm, at, MetricKind::Harm) < 2.0);
        assert!(usual(&restless, at, MetricKind::Harm) > usual(&calm, at, MetricKind::Harm));
        assert!(usual(&calm[170..], at, MetricKind::Harm) > 1.0, "a short past does not say that a series is calm");
    }

    #[test]
    fn noise_has_no_departure() {
        assert_eq!(departure(&series((0..100).map(noise), 60)), None);
        assert_eq!(departure(&series((0..100).map(|_| 5.0), 60)), None);
    }

    #[test]
    fn too_little_says_nothing() {
        let one = series([1.0], 60);
        assert_eq!(jump(&one, Time::from_second(0).unwrap(), MetricKind::Harm), None);
        assert_eq!(jump(&[], Time::UNIX_EPOCH, MetricKind::Harm), None);
        assert_eq!(departure(&one), None);
    }

    #[test]
    fn kinds_by_words() {
        assert_eq!(MetricKind::of("http_server_duration_p99_ms"), MetricKind::Harm);
        assert_eq!(MetricKind::of("container_memory_limit_mb"), MetricKind::Setting);
        assert_eq!(MetricKind::of("tls_cert_seconds_until_expiry"), MetricKind::Left);
        assert_eq!(MetricKind::of("requests_per_sec"), MetricKind::Work);
        assert_eq!(MetricKind::of("cpu"), MetricKind::Resource);
        assert_eq!(MetricKind::of("latency_p50"), MetricKind::Harm);
        assert_eq!(MetricKind::of("availability"), MetricKind::Health);
        assert_eq!(MetricKind::of("load"), MetricKind::Work);
    }
}
