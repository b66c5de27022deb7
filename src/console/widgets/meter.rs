//! Amounts as bars and lines of signs.

use ratatui::style::Style;
use ratatui::text::Span;

use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::theme::Role;

/// A bar of `columns`, filled by `share` (0 to 1). Anything above nothing fills at least one column.
#[must_use]
pub fn bar(cx: &Cx<'_>, share: f64, columns: usize, style: Style) -> Vec<Span<'static>> {
    let full = columns_of(share, columns);
    vec![
        safe::made(cx.glyphs.bar.repeat(full), style),
        safe::made(cx.glyphs.dot.repeat(columns - full), cx.of(Role::Muted)),
    ]
}

/// How many of `columns` a share of 0 to 1 fills; at least one when it is above nothing.
#[must_use]
pub fn columns_of(share: f64, columns: usize) -> usize {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a screen's width"
    )]
    let full = (share * columns as f64).round() as usize;
    if share > 0.0 { full.clamp(1, columns.max(1)).min(columns) } else { 0 }
}

/// A line of `values` in at most `columns` signs, the lowest value as the lowest sign. Of values that share a sign the
/// largest counts, so that a peak is never lost.
#[must_use]
pub fn spark(cx: &Cx<'_>, values: &[f64], columns: usize, style: Style) -> Span<'static> {
    let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let columns = columns.min(finite.len());
    if columns == 0 {
        return safe::lit("", style);
    }
    let low = finite.iter().copied().fold(f64::INFINITY, f64::min);
    let high = finite.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let text: String = (0..columns)
        .map(|column| {
            let from = column * finite.len() / columns;
            let to = ((column + 1) * finite.len() / columns).max(from + 1);
            let value = finite[from..to].iter().copied().fold(f64::NEG_INFINITY, f64::max);
            // One level is kept for "nothing here"; a flat series is drawn low.
            let level = if high > low { 1 + columns_of((value - low) / (high - low), 7) } else { 1 };
            cx.glyphs.levels[level]
        })
        .collect();
    safe::made(text, style)
}

/// A stretch of time inside a longer one: where it begins and how long it lasts, in `columns`.
#[must_use]
pub fn stretch(cx: &Cx<'_>, offset: u64, length: u64, whole: u64, columns: usize, style: Style) -> Vec<Span<'static>> {
    let whole = whole.max(1);
    let at = |time: u64| {
        let wide = u128::try_from(columns).unwrap_or(0);
        usize::try_from(u128::from(time.min(whole)) * wide / u128::from(whole)).unwrap_or(columns)
    };
    let from = at(offset).min(columns.saturating_sub(1));
    let to = at(offset.saturating_add(length)).clamp(from + 1, columns.max(from + 1)).min(columns);
    vec![
        safe::made(" ".repeat(from), style),
        safe::made(cx.glyphs.bar.repeat(to.saturating_sub(from)), style),
        safe::made(" ".repeat(columns - to), style),
    ]
}

/// Milliseconds as people read them, at most six columns: `850 ms`, `2.41 s`, `3m 05`, `2h 10`.
#[must_use]
pub fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..10_000 => format!("{}.{:02} s", ms / 1_000, ms % 1_000 / 10),
        10_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{}m {:02}", ms / 60_000, ms % 60_000 / 1_000),
        _ => format!("{}h {:02}", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// A count as people read it, at most five columns: `310`, `2.1k`, `41k`, `3.2M`.
#[must_use]
pub fn count(n: u64) -> String {
    match n {
        0..1_000 => n.to_string(),
        1_000..10_000 => format!("{}.{}k", n / 1_000, n % 1_000 / 100),
        10_000..1_000_000 => format!("{}k", n / 1_000),
        1_000_000..10_000_000 => format!("{}.{}M", n / 1_000_000, n % 1_000_000 / 100_000),
        _ => format!("{}M", n / 1_000_000),
    }
}

/// A measured value with as many digits as matter.
#[must_use]
pub fn value(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if !size.is_finite() => "?".to_owned(),
        0.0 => "0".to_owned(),
        _ if size >= 1e6 => format!("{:.1}M", value / 1e6),
        _ if size >= 1e4 => format!("{:.0}k", value / 1e3),
        _ if size >= 100.0 => format!("{value:.0}"),
        _ if size >= 10.0 => format!("{value:.1}"),
        _ if size >= 1.0 => format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_owned(),
        _ if size >= 0.001 => format!("{value:.3}").trim_end_matches('0').trim_end_matches('.').to_owned(),
        _ => format!("{value:.0e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_fills_the_bar_by_its_size_and_never_more() {
        assert_eq!(columns_of(0.0, 10), 0);
        assert_eq!(columns_of(0.001, 10), 1);
        assert_eq!(columns_of(0.5, 10), 5);
        assert_eq!(columns_of(7.0, 10), 10);
        assert_eq!(columns_of(f64::NAN, 10), 0);
        assert_eq!(columns_of(1.0, 0), 0);
    }

    #[test]
    fn numbers_are_short() {
        for ms in [0, 999, 1_000, 59_999, 60_000, 3_599_999, 3_600_000, 99 * 3_600_000] {
            assert!(duration(ms).len() <= 6, "{}", duration(ms));
        }
        for n in [0, 999, 1_000, 9_999, 10_000, 999_999, 1_000_000, 9_999_999, 99_000_000] {
            assert!(count(n).len() <= 5, "{}", count(n));
        }
        assert_eq!(
            (value(0.02), value(0.91), value(1234.0), value(31.0)),
            ("0.02".into(), "0.91".into(), "1234".into(), "31.0".into())
        );
    }
}
