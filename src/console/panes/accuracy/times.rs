//! How long things took, how often people are paged, and how they decide.

use ratatui::text::Line;

use super::heading;
use crate::console::action::Action;
use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::{meter, words};
use crate::engine::view::Spread;
use crate::feedback::MANY;

/// From so many on, an interval says more than the few themselves.
const SOME: u64 = 6;

fn length(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of an incident, not negative")]
    let ms = (seconds.max(0.0) * 1_000.0) as u64;
    meter::duration(ms)
}

fn one(spread: &Spread) -> String {
    match spread.n {
        0 => "not known yet".to_owned(),
        1 => format!("{} (one only)", length(spread.median_s)),
        n if n < SOME => {
            format!(
                "{} (few: n={n}, from {} to {})",
                length(spread.median_s),
                length(spread.low_s),
                length(spread.high_s)
            )
        }
        n => format!(
            "{} (n={n}, in the long run {} to {}; mean {})",
            length(spread.median_s),
            length(spread.low_s),
            length(spread.high_s),
            length(spread.mean_s)
        ),
    }
}

pub(super) fn lines(cx: &Cx<'_>) -> Vec<Line<'static>> {
    let response = &cx.view.accuracy.response;
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    let mut lines = heading(cx, "Time, typically (median)").to_vec();
    for (what, spread) in [
        ("page to taken", &response.acknowledge),
        ("page to resolved", &response.resolve),
        ("to check a hypothesis", &response.verify),
        ("saved at most by right ones", &response.saved),
        ("lost to wrong ones accepted", &response.lost),
    ] {
        let spans = vec![safe::made(format!("  {what:<28} "), muted), safe::made(one(spread), text)];
        lines.extend(words::wrap(spans, usize::from(cx.area.width), 4));
    }
    let pages = &response.pages;
    if pages.n > 0 {
        #[expect(clippy::cast_precision_loss, reason = "counts of pages")]
        let mean = pages.n as f64 / pages.shifts.max(1) as f64;
        let said = format!(
            "{mean:.1} in a shift of 12 h (n={} in {} shifts), {} in the busiest; {} shifts with more than two",
            pages.n, pages.shifts, pages.busiest, pages.too_many
        );
        let spans = vec![safe::made(format!("  {:<28} ", "pages"), muted), safe::made(said, text)];
        lines.extend(words::wrap(spans, usize::from(cx.area.width), 4));
    }
    lines
}

/// How fast people went back, by procedure.
pub(super) fn going_back(cx: &Cx<'_>) -> Vec<Line<'static>> {
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    let width = usize::from(cx.area.width);
    let procedures = &cx.view.accuracy.procedures;
    if procedures.is_empty() {
        return Vec::new();
    }
    let mut lines = heading(cx, "Going back, typically (median)").to_vec();
    for procedure in procedures {
        let mut spans = vec![safe::lit("  ", muted)];
        spans.extend(words::prose(cx, &procedure.name, width / 2, text));
        let said = match procedure.rehearsed {
            None => ("  never rehearsed".to_owned(), Role::Unclear),
            Some(last) if last.failed == 0 => (format!("  rehearsed {}", last.at.strftime("%F")), Role::Good),
            Some(last) => {
                (format!("  rehearsed {}: {} steps would NOT do", last.at.strftime("%F"), last.failed), Role::Bad)
            }
        };
        spans.push(safe::made(said.0, cx.of(said.1)));
        lines.push(Line::from(spans));
        let rows = [
            ("page to its first stage", &procedure.until_begun),
            ("a stage", &procedure.stage),
            ("first stage to last", &procedure.whole),
            ("first stage to as before", &procedure.until_recovered),
        ];
        for (what, spread) in rows.into_iter().filter(|_| procedure.used > 0) {
            let spans = vec![safe::made(format!("    {what:<26} "), muted), safe::made(one(spread), text)];
            lines.extend(words::wrap(spans, width, 4));
        }
    }
    lines
}

/// How many plans are asked for at a time, and for how long they are open before somebody approves them.
pub(super) fn prompts(cx: &Cx<'_>) -> Vec<Line<'static>> {
    let prompts = &cx.view.accuracy.prompts;
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    let width = usize::from(cx.area.width);
    if prompts.proposed == 0 {
        return Vec::new();
    }
    let mut lines = heading(cx, "Plans, from opened to approved (median)").to_vec();
    let when = prompts.most_at.map(|at| format!(", until {}", cx.clock(at))).unwrap_or_default();
    let asked = format!("{} in all; at most {} within ten minutes{when}", prompts.proposed, prompts.most);
    let many = if prompts.most >= MANY { "; nobody weighs so many" } else { "" };
    let spans = vec![safe::made(format!("  {:<28} ", "proposed"), muted), safe::made(format!("{asked}{many}"), text)];
    lines.extend(words::wrap(spans, width, 4));
    for read in &prompts.people {
        let mut spans = vec![safe::lit("  ", muted)];
        spans.extend(words::prose(cx, &read.login, 18, text));
        spans.push(safe::made(format!(", tier {}  ", read.tier.0), muted));
        spans.push(safe::made(one(&read.read), text));
        if read.unmeasured > 0 {
            spans.push(safe::made(format!("; {} not measured", read.unmeasured), muted));
        }
        if read.too_short {
            let said = ". That is too short to read what will run: the next one may deserve the time.";
            spans.push(safe::lit(said, muted));
        }
        lines.extend(words::wrap(spans, width, 4));
    }
    lines
}

/// Where a look before would help, kindly.
pub(super) fn habits(cx: &Cx<'_>) -> Vec<Line<'static>> {
    let habits = &cx.view.accuracy.habits;
    let width = usize::from(cx.area.width);
    let mut lines = Vec::new();
    let open = cx.keymap.first(Action::Open).unwrap_or_else(|| ":open".to_owned());
    if habits.hasty_accepts > 0 {
        let text = format!(
            "{} of {} acceptances came within two seconds. It may have been plain to see; the record cannot tell.",
            habits.hasty_accepts, habits.accepted
        );
        lines.extend(words::wrapped(&text, width, cx.of(Role::Muted)));
    }
    for (login, run) in &habits.streaks {
        let mut spans = words::prose(cx, login, 40, cx.of(Role::Text));
        let text = format!(
            " accepted {run} in a row with nothing opened. One look before the next ({open} opens the evidence) makes the \
             acceptance worth more."
        );
        spans.push(safe::made(text, cx.of(Role::Muted)));
        lines.extend(words::wrap(spans, width, 2));
    }
    lines
}
