//! The kinds of runs that can be read against each other: before and since, or told apart by a region, a model, a prompt …

use ratatui::style::Style;
use ratatui::text::Span;

use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::widgets::words;
use crate::engine::view::{Drawn, ReadingView};
use crate::event::{SliceOf, Untrusted};

/// The commonest values of one thing are each offered against each other; so many of them.
const VALUES: usize = 3;

/// All that is offered; `None` = before and since.
pub(super) fn all(reading: &ReadingView) -> Vec<Option<SliceOf>> {
    let mut kinds = vec![None];
    for slice in &reading.slices {
        let values: Vec<&Untrusted> = slice.values.iter().take(VALUES).map(|one| &one.value).collect();
        for (nth, one) in values.iter().enumerate() {
            for other in &values[nth + 1..] {
                let (one, other) = (Untrusted::clone(one), Untrusted::clone(other));
                kinds.push(Some(SliceOf { by: slice.by.clone(), one, other }));
            }
        }
    }
    kinds
}

/// The kinds that somebody names: `region`, or `region=eu,us`.
///
/// # Errors
/// There are none of that name, and which there are.
pub(super) fn named(reading: &ReadingView, named: &str) -> Result<Option<SliceOf>, String> {
    let (by, values) = named.split_once('=').map_or((named, None), |(by, values)| (by, Some(values)));
    let Some(slice) = reading.slices.iter().find(|slice| slice.by.raw() == by.trim()) else {
        let known: Vec<&str> = reading.slices.iter().map(|slice| slice.by.raw()).collect();
        let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
        return Err(format!("These runs cannot be told apart by {by:?}; they can by {known}."));
    };
    let known = || slice.values.iter().map(|one| one.value.raw()).collect::<Vec<_>>().join(", ");
    let (one, other) = match values {
        None => (slice.values.first(), slice.values.get(1)),
        Some(values) => {
            let Some((one, other)) = values.split_once(',') else {
                return Err(format!("Two values are compared: read {by}=ONE,OTHER; there are {}.", known()));
            };
            let value = |name: &str| slice.values.iter().find(|one| one.value.raw() == name.trim());
            (value(one), value(other))
        }
    };
    match (one, other) {
        (Some(one), Some(other)) if one.value != other.value => {
            Ok(Some(SliceOf { by: slice.by.clone(), one: one.value.clone(), other: other.value.clone() }))
        }
        _ => Err(format!("There are no two such values of {by}; there are {}.", known())),
    }
}

/// The outputs drawn of either kind.
pub(super) fn drawn<'r>(reading: &'r ReadingView, slice: Option<&SliceOf>) -> (Vec<&'r Drawn>, Vec<&'r Drawn>) {
    let Some(slice) = slice else { return reading.drawn.iter().partition(|one| one.before) };
    let of = |value: &Untrusted| {
        let found = reading.slices.iter().find(|one| one.by == slice.by);
        let value = found.and_then(|found| found.values.iter().find(|one| one.value == *value));
        value.map(|value| value.drawn.iter().collect()).unwrap_or_default()
    };
    (of(&slice.one), of(&slice.other))
}

/// `region eu and us `.
pub(super) fn words(cx: &Cx<'_>, slice: &SliceOf, style: Style) -> Vec<Span<'static>> {
    let mut spans = words::prose(cx, &slice.by, 20, style);
    for (lead, value) in [(" ", &slice.one), (" and ", &slice.other)] {
        spans.push(safe::lit(lead, style));
        spans.extend(words::prose(cx, value, 24, style));
    }
    spans.push(safe::lit(" ", style));
    spans
}
