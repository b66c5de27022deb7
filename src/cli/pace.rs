//! The beat that everything keeps which looks again and again, so that an idle process wakes once for all of it.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::time::Instant;

/// When the beat began.
static BEGAN: OnceLock<Instant> = OnceLock::new();

/// Sleeps until the next multiple of `every` since the beat began.
pub(super) async fn together(every: Duration) {
    let began = *BEGAN.get_or_init(Instant::now);
    tokio::time::sleep_until(began + next(began.elapsed(), every)).await;
}

/// The next multiple of `every` after `elapsed`; at least half of `every` later, so that nothing is done twice in a row.
fn next(elapsed: Duration, every: Duration) -> Duration {
    let every_ms = every.as_millis().max(1);
    let beat = (elapsed + every / 2).as_millis() / every_ms + 1;
    Duration::from_millis(u64::try_from(beat * every_ms).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_paces_meet_and_none_is_hasty() {
        let ms = Duration::from_millis;
        assert_eq!(next(ms(0), ms(3_000)), ms(3_000));
        assert_eq!(next(ms(1_400), ms(3_000)), ms(3_000));
        assert_eq!(next(ms(2_990), ms(3_000)), ms(6_000));
        assert_eq!(next(ms(1), ms(6_000)), ms(6_000));
        assert_eq!(next(ms(3_001), ms(6_000)), ms(12_000));
    }
}
