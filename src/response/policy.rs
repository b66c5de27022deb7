//! How wide an action reaches, and what that asks of the person who approves it. One table, read from top to bottom.

use crate::event::{Plan, Policy, Tier, Untrusted};

/// Where the steps of the table lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// More alerts than this are wide.
    pub wide_alerts: u32,
    /// More alerts than this are very wide.
    pub very_wide_alerts: u32,
    /// More minutes than this are long.
    pub long_minutes: u32,
    /// A proposal can be approved for so many minutes.
    pub approve_minutes: u32,
    /// An approved plan must have started within so many seconds.
    pub execute_seconds: u32,
}

impl Default for Table {
    fn default() -> Self {
        Self { wide_alerts: 25, very_wide_alerts: 500, long_minutes: 240, approve_minutes: 10, execute_seconds: 60 }
    }
}

/// What a silence reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    /// Alerts it hides.
    pub alerts: usize,
    /// Those of them that are not of this incident.
    pub outside: usize,
    /// Those of them that say they are critical.
    pub critical: usize,
    /// How long.
    pub minutes: u32,
    /// Text from outside is part of the request.
    pub tainted: bool,
    /// Some of that text holds more than printable ASCII: it can look like something else.
    pub odd_text: bool,
}

/// The widest tier of this room's table.
const WIDEST: u8 = 4;

impl Table {
    /// The version of the policy: another table is another policy, and an approval under one does not hold under the other.
    pub(super) fn version(&self) -> Untrusted {
        format!("silence/1 wide>{} very-wide>{} long>{}m", self.wide_alerts, self.very_wide_alerts, self.long_minutes)
            .into()
    }

    /// The tier of a silence. Text from outside only ever raises it.
    pub(super) fn tier(&self, reach: &Reach) -> Tier {
        let more_than = |count: usize, limit: u32| u64::try_from(count).unwrap_or(u64::MAX) > u64::from(limit);
        let base = if more_than(reach.alerts, self.very_wide_alerts) {
            3
        } else if more_than(reach.alerts, self.wide_alerts) || reach.minutes > self.long_minutes {
            2
        } else {
            u8::from(reach.critical > 0 || reach.outside > 0)
        };
        Tier((base + u8::from(reach.tainted) + u8::from(reach.odd_text)).min(WIDEST))
    }
}

/// What the person who approves `plan` must type, exactly; `None` when a key is enough.
#[must_use]
pub fn asked_to_type(plan: &Plan) -> Option<String> {
    (plan.tier.0 >= 3).then(|| format!("silence {}", plan.targets.len()))
}

/// Whether somebody other than the proposer must approve `plan`.
#[must_use]
pub fn needs_second_person(plan: &Plan) -> bool {
    plan.tier.0 >= WIDEST
}

/// What the tier asks for, in words.
#[must_use]
pub fn asks(plan: &Plan) -> String {
    match (asked_to_type(plan), needs_second_person(plan)) {
        (None, _) => "one key".to_owned(),
        (Some(words), false) => format!("type \"{words}\""),
        (Some(words), true) => {
            format!("somebody other than {} types \"{words}\"", plan.proposed_by.show(Policy::Exact).as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NARROW: Reach = Reach { alerts: 3, outside: 0, critical: 0, minutes: 60, tainted: true, odd_text: false };

    fn tier(change: impl FnOnce(&mut Reach)) -> u8 {
        let mut reach = NARROW;
        change(&mut reach);
        Table::default().tier(&reach).0
    }

    #[test]
    fn each_line_of_the_table() {
        assert_eq!(tier(|reach| reach.tainted = false), 0);
        assert_eq!(tier(|_| ()), 1);
        assert_eq!(tier(|reach| reach.critical = 1), 2);
        assert_eq!(tier(|reach| reach.outside = 1), 2);
        assert_eq!(tier(|reach| reach.alerts = 25), 1);
        assert_eq!(tier(|reach| reach.alerts = 26), 3);
        assert_eq!(tier(|reach| reach.minutes = 241), 3);
        assert_eq!(tier(|reach| reach.alerts = 501), 4);
    }

    proptest::proptest! {
        #[test]
        fn text_from_outside_never_lowers_a_tier(
            alerts in 0_usize..2000, outside in 0_usize..10, critical in 0_usize..10, minutes in 0_u32..10_000,
        ) {
            let with = |tainted, odd_text| {
                Table::default().tier(&Reach { alerts, outside, critical, minutes, tainted, odd_text })
            };
            proptest::prop_assert!(with(true, false) >= with(false, false));
            proptest::prop_assert!(with(true, true) >= with(true, false));
        }

        #[test]
        fn reaching_wider_never_lowers_a_tier(alerts in 0_usize..2000, more in 0_usize..2000, minutes in 0_u32..10_000) {
            let with = |alerts, minutes| Table::default().tier(&Reach { alerts, minutes, ..NARROW });
            proptest::prop_assert!(with(alerts + more, minutes) >= with(alerts, minutes));
            proptest::prop_assert!(with(alerts, minutes + 60) >= with(alerts, minutes));
        }
    }

    #[test]
    fn another_table_is_another_policy() {
        let other = Table { wide_alerts: 26, ..Table::default() };
        assert_ne!(other.version(), Table::default().version());
    }
}
