//! The record of judgement: how often each investigator was right, how sure it said it was, and what people did with it.
//! Every rate stands with its n and its interval.

mod parts;
mod tally;
mod times;

use ratatui::buffer::Buffer;
use ratatui::text::Line;

use super::page::Page;
use super::say;
use crate::console::action::Action;
use crate::console::pane::{Answer, Cx, Input, Pane, PaneKind, Picked};
use crate::console::safe;
use crate::console::sure;
use crate::console::theme::Role;
use crate::console::widgets::{meter, words};

/// The record.
#[derive(Debug)]
pub struct Accuracy {
    page: Page,
}

impl Default for Accuracy {
    fn default() -> Self {
        Self { page: Page::from_the_top() }
    }
}

/// A heading with a blank line above.
fn heading(cx: &Cx<'_>, text: &'static str) -> [Line<'static>; 2] {
    [Line::default(), Line::from(safe::lit(text, cx.of(Role::Title)))]
}

/// What makes probabilities of shares now.
fn calibration(cx: &Cx<'_>) -> Vec<Line<'static>> {
    let Some(by) = cx.view.calibration else { return Vec::new() };
    let fitted = match by.own {
        0 => "as shipped: fitted on recorded cases of elsewhere, and on none of yours yet".to_owned(),
        own => format!("fitted on {own} of your confirmed causes, held against {} recorded cases", by.shipped),
    };
    let text = format!("Probabilities: calibration {}, {} ({fitted}).", by.name(), sure::record(&by));
    words::wrapped(&text, usize::from(cx.area.width), cx.of(Role::Muted))
}

/// Right answers by week, oldest first.
fn weeks(cx: &Cx<'_>) -> Vec<Line<'static>> {
    let weeks = &cx.view.accuracy.weeks;
    let (Some(first), Some(last)) = (weeks.first(), weeks.last()) else { return Vec::new() };
    let shares: Vec<f64> = weeks.iter().map(|week| tally::share(week.right, week.n)).collect();
    let n: u64 = weeks.iter().map(|week| week.n).sum();
    let day = |at: crate::event::Time| at.to_string().chars().take(10).collect::<String>();
    let text = cx.of(Role::Text);
    let mut lines = heading(cx, "Share right, by week of the incident").to_vec();
    lines.push(Line::from(vec![
        safe::made(format!("  {} ", day(first.from)), cx.of(Role::Muted)),
        meter::spark(cx, &shares, usize::from(cx.area.width).saturating_sub(40).max(8), cx.of(Role::Chart)),
        safe::made(format!(" {}  n={n}", day(last.from)), cx.of(Role::Muted)),
    ]));
    if weeks.len() > 1 {
        let worst = weeks.iter().min_by(|a, b| tally::share(a.right, a.n).total_cmp(&tally::share(b.right, b.n)));
        if let Some(worst) = worst {
            let said = format!("  lowest: {} of {} in the week of {}", worst.right, worst.n, day(worst.from));
            lines.extend(words::wrapped(&said, usize::from(cx.area.width), text));
        }
    }
    lines
}

fn lay_out(cx: &Cx<'_>) -> Vec<Line<'static>> {
    let accuracy = &cx.view.accuracy;
    let muted = cx.of(Role::Muted);
    let width = usize::from(cx.area.width);
    let mut lines = Vec::new();
    for one in &accuracy.investigators {
        lines.extend(tally::investigator(cx, one));
        lines.push(Line::default());
    }
    if accuracy.confirmed + accuracy.unconfirmed == 0 && accuracy.investigators.is_empty() {
        return times::prompts(cx);
    }
    lines.extend(calibration(cx));
    lines.extend(parts::lines(cx));
    lines.extend(weeks(cx));
    lines.extend(times::lines(cx));
    lines.extend(times::going_back(cx));
    lines.push(Line::default());
    let text = format!(
        "Incidents with a confirmed cause: {}; resolved without one: {}. Decisions made within two seconds: {}; accepted \
         with nothing opened before: {}.",
        accuracy.confirmed, accuracy.unconfirmed, accuracy.hasty, accuracy.unlooked
    );
    lines.extend(words::wrapped(&text, width, muted));
    lines.extend(times::habits(cx));
    lines.extend(times::prompts(cx));
    lines
}

impl Pane for Accuracy {
    fn kind(&self) -> PaneKind {
        PaneKind::Accuracy
    }

    fn summary(&self, cx: &Cx<'_>) -> Line<'static> {
        let confirmed = usize::try_from(cx.view.accuracy.confirmed).unwrap_or(usize::MAX);
        Line::from(safe::made(say::many(confirmed, "confirmed cause"), cx.of(Role::Muted)))
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::Confirm]
    }

    fn prepare(&mut self, cx: &Cx<'_>) {
        self.page.settle(cx, lay_out(cx));
    }

    fn update(&mut self, _cx: &Cx<'_>, input: &Input) -> Answer {
        self.page.hear(input)
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let how = "Resolve an incident, then confirm what it really was: each confirmed cause is one case of the record, \
            and the record is what makes a share a probability.";
        self.page.draw(cx, buf, "No cause was confirmed yet.", how);
    }

    fn picked(&self, _cx: &Cx<'_>) -> Option<Picked> {
        None
    }

    fn at_home(&self) -> bool {
        self.page.at_home()
    }

    fn go_home(&mut self) {
        self.page.go_home();
    }
}
