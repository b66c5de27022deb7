//! The component an incident most likely began in.

use crate::event::{Time, Untrusted};

use super::graph::Graph;
use super::group::Group;
use super::sign::Sign;

/// The likeliest root component of an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Root {
    /// The component.
    pub component: Untrusted,
    /// Why, in words.
    pub why: Untrusted,
}

/// What a point of each kind weighs; the sum ranks the components of one incident among themselves and is no probability.
const BODY_IS_ILL: f64 = 3.0;
/// For explaining all the others; a part of them, that part. Not a point for each: in a large incident the busiest crossroads would
/// always outweigh the component that is ill.
const EXPLAINS_ALL: f64 = 4.0;
const PER_MINUTE_LATE: f64 = 0.5;
/// Alerts are checked and sent at intervals: an effect may be seen so much before its cause.
const SEEN_BEFORE_MIN: f64 = 1.5;

/// Finds the root among the components that moved: ill itself, early, and such that trouble could travel from it to the others
/// that moved after it.
pub(super) fn find(group: &Group, graph: &Graph) -> Option<Root> {
    let first = group.first?;
    let score = |component: &Untrusted| -> Option<(f64, usize, bool)> {
        let moved = group.moved.get(component)?;
        let upward = graph.dependents(component, 4);
        let downward = graph.dependencies(component, 2);
        let explained = group
            .moved
            .iter()
            .filter(|(_, other)| minutes(other.first, moved.first) <= SEEN_BEFORE_MIN)
            .filter(|(other, signs)| {
                let answers = signs.signs.contains(&Sign::Answers) || signs.signs.contains(&Sign::Other);
                (answers && upward.iter().any(|(name, _)| name == *other))
                    || (signs.signs.contains(&Sign::Starved) && downward.iter().any(|(name, _)| name == *other))
            })
            .count();
        let ill = moved.signs.contains(&Sign::Body);
        let late = minutes(first, moved.first);
        #[expect(clippy::cast_precision_loss, reason = "a count of components")]
        let share = explained as f64 / (group.moved.len() - 1).max(1) as f64;
        let points = share * EXPLAINS_ALL + if ill { BODY_IS_ILL } else { 0.0 } - late * PER_MINUTE_LATE;
        Some((points, explained, ill))
    };
    let mut best: Option<(f64, &Untrusted, usize, bool)> = None;
    for component in group.moved.keys() {
        if let Some((points, explained, ill)) = score(component)
            && best.is_none_or(|(most, ..)| points > most)
        {
            best = Some((points, component, explained, ill));
        }
    }
    let (_, component, explained, ill) = best?;
    let moved = group.moved.get(component)?;
    let why = format!(
        "moved {:.0} s after the first alert; trouble can have travelled from it to {explained} of the {} other components{}",
        minutes(first, moved.first) * 60.0,
        group.moved.len() - 1,
        if ill { "; it is ill itself" } else { "" },
    );
    Some(Root { component: component.clone(), why: why.into() })
}

fn minutes(from: Time, to: Time) -> f64 {
    to.duration_since(from).as_secs_f64() / 60.0
}
