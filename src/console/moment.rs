//! Moments as people type them.

use jiff::{SignedDuration, civil, tz::TimeZone};

use crate::event::Time;

/// Reads a moment: `02:53` and `02:53:10` on the day of `around` (or the day before, when that would lie after it),
/// `-15m`, `-2h`, `-30s` from `around`, or a whole date and time.
pub(super) fn parse(text: &str, around: Time, zone: &TimeZone) -> Option<Time> {
    let text = text.trim();
    if let Some(back) = text.strip_prefix('-') {
        let (digits, unit) = back.split_at(back.find(|c: char| !c.is_ascii_digit())?);
        let amount: i64 = digits.parse().ok()?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return None,
        };
        return around.checked_sub(SignedDuration::from_secs(amount.checked_mul(seconds)?)).ok();
    }
    if let Ok(at) = text.parse::<Time>() {
        return Some(at);
    }
    let time: civil::Time = text.parse().ok()?;
    let day = around.to_zoned(zone.clone()).date();
    let at = day.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp();
    if at <= around {
        Some(at)
    } else {
        Some(day.yesterday().ok()?.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_every_form() {
        let around: Time = "2026-03-01T03:10:00Z".parse().expect("a time");
        let read = |text: &str| parse(text, around, &TimeZone::UTC).map(|at| at.to_string());
        assert_eq!(read("02:53").as_deref(), Some("2026-03-01T02:53:00Z"));
        assert_eq!(read("02:53:10").as_deref(), Some("2026-03-01T02:53:10Z"));
        assert_eq!(read("23:00").as_deref(), Some("2026-02-28T23:00:00Z"));
        assert_eq!(read("-15m").as_deref(), Some("2026-03-01T02:55:00Z"));
        assert_eq!(read("2026-02-01T00:00:00Z").as_deref(), Some("2026-02-01T00:00:00Z"));
        for text in ["", "now", "-", "-5", "-5x", "25:00", "-99999999999999999999s"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
