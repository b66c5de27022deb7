//! How an outcome changed and which variable moved it, in words: the same in panes, sheets and plain lines. A sentence with a
//! name from outside in it is itself text from outside.

use std::fmt::Write as _;

use super::widgets::meter;
use crate::engine::view::{Attribution, Drifted, Effect, Moved, Size, Standing};
use crate::event::Untrusted;

/// A name from outside never takes more characters than this.
const NAME: usize = 60;

/// The beginning of a name. What it becomes part of is text from outside, and is shown as such.
fn name(text: &Untrusted) -> String {
    let shown: String = text.raw().chars().take(NAME).collect();
    let more = if shown.len() < text.raw().len() { "..." } else { "" };
    format!("{shown}{more}")
}

/// The share of bad runs.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of runs")]
pub fn rate((runs, bad): (u64, u64)) -> f64 {
    if runs == 0 { 0.0 } else { bad as f64 / runs as f64 }
}

/// A share as `24 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// `24 % of 41`.
#[must_use]
pub fn counted(runs: (u64, u64)) -> String {
    format!("{} of {}", percent(rate(runs)), runs.0)
}

/// A difference of shares in points, without a sign for nothing.
fn points(share: f64) -> String {
    format!("{:.0}", share * 100.0 + 0.0).replace("-0", "0")
}

/// `3 % of 210 → 19 % of 140`.
#[must_use]
pub fn change(outcome: &Attribution, arrow: &str) -> String {
    format!("{} {arrow} {}", counted(outcome.before), counted(outcome.since))
}

/// A part of the change with its interval: `15 points (11 to 19)`.
#[must_use]
pub fn part_of(share: f64, (low, high): (f64, f64)) -> String {
    let unit = if points(share).trim_start_matches('-') == "1" { "point" } else { "points" };
    format!("{} {unit} ({} to {})", points(share), points(low), points(high))
}

/// All of it in one sentence: `failures 3 % of 210 → 19 % of 140: traffic explains 1 point (0 to 2), behaviour 15 points (11 to 19)`.
#[must_use]
pub fn headline(outcome: &Attribution, arrow: &str) -> String {
    let mix = &outcome.mix;
    let mut text = format!(
        "failures {}: traffic explains {}, behaviour {}",
        change(outcome, arrow),
        part_of(mix.mix, mix.mix_interval),
        part_of(mix.within, mix.within_interval)
    );
    if mix.one_sided > 0 {
        let _ = write!(text, "; {} of the slices ran on one side only and count as traffic", mix.one_sided);
    }
    text
}

/// `prompt refund_policy 42`.
#[must_use]
pub fn named(moved: &Moved) -> Untrusted {
    format!("{} {}", name(&moved.part), name(&moved.value)).into()
}

fn against(effect: &Effect) -> String {
    let (with, without) = ((effect.runs.0, effect.bad.0), (effect.runs.1, effect.bad.1));
    format!("{} with it against {} without", counted(with), counted(without))
}

/// What the runs say of a moved value, with the numbers it rests on.
#[must_use]
pub fn verdict(outcome: &Attribution, moved: &Moved) -> Untrusted {
    let named = named(moved);
    let who = named.raw();
    let evidence = match (&moved.side_by_side, &moved.effect) {
        (Some(beside), _) => format!("side by side in the same minutes {}", against(beside)),
        (None, Some(effect)) => format!("{}; like traffic got it all at once", against(effect)),
        (None, None) => "no slice has runs with it and without it".to_owned(),
    };
    let text = match &moved.standing {
        Standing::Explains => format!("{who} explains it: {evidence}"),
        Standing::Innocent => format!("{who} is innocent: {evidence}"),
        Standing::TooFew => format!("{who}: too few runs to say; {evidence}"),
        Standing::Confounded { with, test } => {
            let others: Vec<String> =
                with.iter().filter_map(|nth| outcome.moved.get(*nth)).map(|other| name(&other.part)).collect();
            format!(
                "{who} cannot be told from {}: replay {} runs in each of {} arms, each taken back alone",
                others.join(", "),
                test.runs,
                test.arms
            )
        }
    };
    text.into()
}

/// Whether a signal surely moved.
#[must_use]
pub fn surely(drifted: &Drifted) -> bool {
    drifted.drift.as_ref().is_some_and(|drift| drift.q <= 0.05)
}

/// How far a signal moved: the size first, then how sure that is.
#[must_use]
pub fn drifted(one: &Drifted, arrow: &str) -> Untrusted {
    let who = name(&one.signal);
    let Some(drift) = &one.drift else {
        let why = match one.runs {
            (0, 0) => format!("{who}: not captured: no {}", name(&one.field)),
            (before, since) => format!("{who}: too few runs to say ({before} before, {since} since)"),
        };
        return why.into();
    };
    let (low, high) = drift.interval;
    let size = match drift.size {
        Size::Share { before, since } => {
            format!("{} {arrow} {}, {}", percent(before), percent(since), part_of(drift.effect, drift.interval))
        }
        Size::Number { before, since } => format!(
            "median {} {arrow} {}; a run since has more in {} of pairs ({} to {})",
            meter::value(before),
            meter::value(since),
            percent(drift.effect),
            percent(low).trim_end_matches(" %"),
            percent(high)
        ),
        Size::Pattern => {
            format!("{} of the steps are other ones; chance alone makes up to {}", percent(drift.effect), percent(high))
        }
    };
    let sure = if drift.q < 0.001 { "q < 0.001".to_owned() } else { format!("q = {:.3}", drift.q) };
    format!("{who}: {size}; {} runs before, {} since; {sure}", drift.runs.0, drift.runs.1).into()
}
