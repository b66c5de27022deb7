//! The calibration that is shipped: what holds until a team's own record says otherwise.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::event::{Calibration, Digest};

/// The shipped file.
const FILE: &str = include_str!("../../assets/calibration.toml");

/// The shipped calibration, and how firmly it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Prior {
    /// The numbers.
    pub calibration: Calibration,
    /// The curvature of the mean loss of one of its cases, by (ln slope, lean, logit lapse): symmetric, not negative.
    pub information: [[f64; 3]; 3],
    /// So many incidents of a team's own weigh as much as all of its cases.
    pub worth: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    cases: u32,
    slope: f64,
    lean: f64,
    lapse: f64,
    information: [[f64; 3]; 3],
    worth: f64,
    /// How it did on cases it was not fitted on: for people.
    #[serde(default, rename = "left-out")]
    _left_out: toml::Table,
}

impl Prior {
    /// Reads what [`shipped`] reads.
    ///
    /// # Errors
    /// When the text is no such file; the error names line and column.
    pub fn read(text: &str) -> Result<Self, toml::de::Error> {
        let file: File = toml::from_str(text)?;
        let (slope, lean, lapse) = (file.slope, file.lean, file.lapse);
        let numbers = format!("{} {slope} {lean} {lapse} {:?} {}", file.cases, file.information, file.worth);
        let digest = Digest::of(numbers.as_bytes());
        let calibration = Calibration { version: 0, slope, lean, lapse, shipped: file.cases, own: 0, digest };
        Ok(Self { calibration, information: file.information, worth: file.worth })
    }
}

/// What is shipped.
#[must_use]
pub fn shipped() -> &'static Prior {
    #[expect(clippy::expect_used, reason = "the file is part of the program, and a test reads it")]
    static SHIPPED: LazyLock<Prior> = LazyLock::new(|| Prior::read(FILE).expect("the shipped calibration reads"));
    &SHIPPED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_reads_and_is_sound() {
        let Prior { calibration, information, worth } = shipped();
        assert!(calibration.slope > 0.0 && (0.0..0.5).contains(&calibration.lapse), "{calibration:?}");
        assert!(calibration.shipped > 0 && calibration.own == 0 && calibration.version == 0 && *worth > 0.0);
        for (row, column) in (0..3).flat_map(|row| (0..3).map(move |column| (row, column))) {
            assert!((information[row][column] - information[column][row]).abs() < 1e-9);
        }
    }

    #[test]
    fn other_numbers_have_another_name() {
        let other = Prior::read(&FILE.replacen("worth = ", "worth = 1", 1)).unwrap();
        assert_ne!(other.calibration.digest, shipped().calibration.digest);
        assert!(Prior::read("cases = 1").is_err());
    }
}
