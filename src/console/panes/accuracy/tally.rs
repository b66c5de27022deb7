//! One investigator: how often right, how sure when wrong, what people made of it, and the reliability diagram.

use ratatui::text::Line;

use crate::console::pane::Cx;
use crate::console::panes::say;
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::row::Row;
use crate::console::widgets::words;
use crate::engine::view::{InvestigatorRecord, Tally};
use crate::surface::stats::wilson;

/// Fewer than this many say little; it is said beside the number.
pub(super) const FEW: u64 = 20;

/// Columns of a line from 0 to 100.
const LINE: usize = 24;

#[expect(clippy::cast_precision_loss, reason = "counts of incidents")]
pub(super) fn share(part: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { part as f64 / of as f64 }
}

fn place(share: f64, columns: usize) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a screen's width"
    )]
    let column = (share.clamp(0.0, 1.0) * columns.saturating_sub(1) as f64).round() as usize;
    column
}

/// The interval on a line from 0 to 100: `····──●──····` in signs that every terminal has.
fn interval(cx: &Cx<'_>, low: f64, at: f64, high: f64) -> String {
    (0..LINE)
        .map(|column| match column {
            _ if column == place(at, LINE) => cx.glyphs.bar,
            _ if column >= place(low, LINE) && column <= place(high, LINE) => cx.glyphs.rule,
            _ => cx.glyphs.dot,
        })
        .collect()
}

pub(super) fn investigator(cx: &Cx<'_>, record: &InvestigatorRecord) -> Vec<Line<'static>> {
    let width = cx.area.width;
    let text = cx.of(Role::Text);
    let muted = cx.of(Role::Muted);
    let tally = &record.tally;
    let mut lines = vec![Row::new(cx, width).spans(say::engine(cx, &record.engine, cx.of(Role::Title))).line()];
    if tally.n == 0 {
        lines.push(Line::from(safe::lit("  no incident with a confirmed cause yet", muted)));
        return lines;
    }
    let right = share(tally.right, tally.n);
    let few = if tally.n < FEW { ": few, so this says little yet" } else { "" };
    let say = |told: &str| words::wrapped(told, usize::from(width), text);
    lines.extend(say(&format!("  right in {} of {}{few}", tally.right, tally.n)));
    lines.push(
        Row::new(cx, width)
            .made(format!("  in the long run {:.0} to {:.0} %  ", tally.low * 100.0, tally.high * 100.0), text)
            .made(interval(cx, tally.low, right, tally.high), cx.of(Role::Chart))
            .line(),
    );
    let (low, high) = tally.confident_wrong_interval;
    lines.extend(say(&format!(
        "  sure of itself and wrong in {} of {} ({:.0} to {:.0} %)",
        tally.confident_wrong,
        tally.n,
        low * 100.0,
        high * 100.0
    )));
    let (low, high) = tally.brier_interval;
    lines.extend(say(&format!(
        "  off by {:.2} ({low:.2} to {high:.2}; 0 is best, 0.25 is a coin; Brier score)",
        tally.brier
    )));
    lines.extend(say(&calibration(tally)));
    lines.push(Line::default());
    lines.push(Line::from(safe::lit("  what people did        it was right   it was wrong", muted)));
    for (what, good, bad) in [
        ("accepted", tally.accepted_right, tally.accepted_wrong),
        ("rejected", tally.rejected_right, tally.rejected_wrong),
    ] {
        let row = Row::new(cx, width).lit("  ", text).col(what, 18, text);
        let (kept, lost) = if what == "accepted" { (Role::Good, Role::Bad) } else { (Role::Bad, Role::Good) };
        lines.push(
            row.num(good.to_string(), 12, if good > 0 { cx.of(kept) } else { muted })
                .num(bad.to_string(), 15, if bad > 0 { cx.of(lost) } else { muted })
                .line(),
        );
    }
    lines.push(Line::default());
    lines.extend(reliability(cx, tally));
    lines
}

/// How far what was said is from what came true, in words where there is little.
fn calibration(tally: &Tally) -> String {
    let (error, chance) = (tally.calibration_error * 100.0, tally.calibration_error_by_chance * 100.0);
    if tally.n < FEW {
        return format!(
            "  too few to say whether its numbers hold (off by {error:.0} points, chance alone gives {chance:.0})"
        );
    }
    format!("  its numbers are off by {error:.0} points; with {} cases chance alone gives {chance:.0}", tally.n)
}

/// The reliability diagram: for each tenth of what was said, how often it came true, with its interval. Where the post stands on the
/// line, the numbers can be taken at their word.
fn reliability(cx: &Cx<'_>, tally: &Tally) -> Vec<Line<'static>> {
    let muted = cx.of(Role::Muted);
    let wide = usize::from(cx.area.width) >= 42 + LINE;
    let title = if wide {
        "  it said         it was right            (post: what was said; line: 95 % interval)"
    } else {
        "  it said         it was right"
    };
    let mut lines = vec![Line::from(safe::lit(title, muted))];
    for (tenth, (n, right)) in tally.reliability.iter().enumerate() {
        if *n == 0 {
            continue;
        }
        let was = share(*right, *n);
        let said = tally.said[tenth];
        let mut row = Row::new(cx, cx.area.width)
            .made(format!("  {:>2}-{:>3} % ", tenth * 10, tenth * 10 + 10), cx.of(Role::Text))
            .num(format!("({:.0}) ", said * 100.0), 6, muted)
            .num(format!("{:.0} % ", was * 100.0), 7, cx.of(Role::Text))
            .num(format!("{right}/{n} "), 10, muted);
        if wide {
            let (low, high) = wilson(*right, *n);
            for (column, sign) in interval(cx, low, was, high).chars().enumerate() {
                row = if column == place(said, LINE) {
                    row.made(cx.glyphs.post, cx.of(Role::Focus))
                } else {
                    row.made(sign.to_string(), cx.of(Role::Chart))
                };
            }
        }
        lines.push(row.line());
    }
    lines
}
