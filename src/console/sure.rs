//! How sure a diagnosis is, in words: the same in columns, dialogs, sheets and plain lines.

use crate::event::{Calibration, Confidence};

/// With fewer confirmed causes of a team's own, the number stands with a word.
const FEW: u32 = 20;

/// What a calibration rests on, in few words: `n=92, none yours`.
#[must_use]
pub fn record(calibration: &Calibration) -> String {
    let n = calibration.cases();
    match calibration.own {
        0 => format!("n={n}, none yours"),
        own if own < FEW => format!("n={n}, few yours ({own})"),
        own => format!("n={n}, {own} yours"),
    }
}

/// A probability as `62 %`; a small one is not called none.
#[must_use]
pub fn percent(share: f64) -> String {
    if share < 0.005 { "under 1 %".to_owned() } else { format!("{:.0} %", share * 100.0) }
}

/// A probability with what it rests on; `None` where nothing made one of the share, which then is not shown as one.
#[must_use]
pub fn sure(confidence: Confidence, calibration: Option<&Calibration>) -> Option<String> {
    let percent = percent(confidence.share);
    match (confidence.calibrated_on, calibration) {
        (0, _) => None,
        (n, None) => Some(format!("{percent} earned, n={n}")),
        (_, Some(calibration)) => Some(format!("{percent} earned, {}", record(calibration))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Digest;

    #[test]
    fn a_probability_stands_with_its_n_and_a_word_where_that_is_small() {
        let calibration = |own| Calibration {
            version: 1,
            slope: 1.0,
            lean: 0.0,
            lapse: 0.0,
            shipped: 92,
            own,
            digest: Digest::of(b""),
        };
        let told = |own| {
            let by = calibration(own);
            sure(Confidence { share: 0.62, calibrated_on: by.cases(), log_odds: None }, Some(&by))
        };
        assert_eq!(told(0).as_deref(), Some("62 % earned, n=92, none yours"));
        assert_eq!(told(3).as_deref(), Some("62 % earned, n=95, few yours (3)"));
        assert_eq!(told(40).as_deref(), Some("62 % earned, n=132, 40 yours"));
        assert_eq!((percent(0.002).as_str(), percent(0.995).as_str()), ("under 1 %", "100 %"));
        assert_eq!(sure(Confidence::default(), Some(&calibration(9))), None);
    }
}
