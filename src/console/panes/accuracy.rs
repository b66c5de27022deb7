//! The record of judgement: how often each investigator was right, how sure it said it was, and what people did with it.
//! Every rate stands with its n and its interval.

use ratatui::buffer::Buffer;
use ratatui::text::Line;

use super::page::Page;
use super::say;
use crate::console::action::Action;
use crate::console::pane::{Answer, Cx, Input, Pane, PaneKind, Picked};
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::row::Row;
use crate::console::widgets::{meter, words};
use crate::engine::view::InvestigatorRecord;

/// Fewer than this many say little; it is said beside the number.
const FEW: u64 = 20;

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

#[expect(clippy::cast_precision_loss, reason = "counts of incidents")]
fn share(part: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { part as f64 / of as f64 }
}

/// The interval on a line from 0 to 100: `····├──●──┤····` in signs that every terminal has.
fn interval(cx: &Cx<'_>, low: f64, at: f64, high: f64, columns: usize) -> String {
    let place = |share: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a screen's width"
        )]
        let column = (share.clamp(0.0, 1.0) * columns.saturating_sub(1) as f64).round() as usize;
        column
    };
    (0..columns)
        .map(|column| match column {
            _ if column == place(at) => cx.glyphs.bar,
            _ if column >= place(low) && column <= place(high) => cx.glyphs.rule,
            _ => cx.glyphs.dot,
        })
        .collect()
}

fn record(cx: &Cx<'_>, record: &InvestigatorRecord) -> Vec<Line<'static>> {
    let width = cx.area.width;
    let text = cx.of(Role::Text);
    let muted = cx.of(Role::Muted);
    let mut lines = vec![Row::new(cx, width).spans(say::engine(cx, &record.engine, cx.of(Role::Title))).line()];
    if record.n == 0 {
        lines.push(Line::from(safe::lit("  no incident with a confirmed cause yet", muted)));
        return lines;
    }
    let right = share(record.right, record.n);
    let few = if record.n < FEW { ": few, so this says little yet" } else { "" };
    lines.extend(words::wrapped(
        &format!("  right in {} of {}{few}", record.right, record.n),
        usize::from(width),
        text,
    ));
    lines.push(
        Row::new(cx, width)
            .made(format!("  in the long run {:.0} to {:.0} %  ", record.low * 100.0, record.high * 100.0), text)
            .made(interval(cx, record.low, right, record.high, 24), cx.of(Role::Chart))
            .line(),
    );
    let wrong = format!("  sure of itself and wrong in {} of {}", record.confident_wrong, record.n);
    lines.extend(words::wrapped(&wrong, usize::from(width), text));
    let brier = format!("  its shares were off by {:.2} (0 is best, 0.25 is a coin; Brier score)", record.brier);
    lines.extend(words::wrapped(&brier, usize::from(width), text));
    lines.push(Line::default());
    lines.push(Line::from(safe::lit("  what people did        it was right   it was wrong", muted)));
    for (what, good, bad) in [
        ("accepted", record.accepted_right, record.accepted_wrong),
        ("rejected", record.rejected_right, record.rejected_wrong),
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
    lines.extend(reliability(cx, record));
    lines
}

/// For each tenth of what was said: how often it was right. On the diagonal the words can be taken at their number.
fn reliability(cx: &Cx<'_>, record: &InvestigatorRecord) -> Vec<Line<'static>> {
    let muted = cx.of(Role::Muted);
    let mut lines =
        vec![Line::from(safe::lit("  it said     it was right     (mark: where an honest bar ends)", muted))];
    for (tenth, (n, right)) in record.reliability.iter().enumerate() {
        if *n == 0 {
            continue;
        }
        let was = share(*right, *n);
        let columns = 20;
        let bar = meter::bar(cx, was, columns, cx.of(Role::Chart));
        // The middle of the tenth is where an honest bar ends.
        let mark = tenth * 2 + 1;
        let mut row = Row::new(cx, cx.area.width)
            .made(format!("  {:>2}-{:>3} % ", tenth * 10, tenth * 10 + 10), cx.of(Role::Text))
            .num(format!("{:.0} %", was * 100.0), 6, cx.of(Role::Text))
            .num(format!("{right}/{n} "), 8, muted);
        let text: String = bar.iter().map(|span| span.content.as_ref()).collect();
        for (nth, sign) in text.chars().enumerate() {
            row = if nth == mark {
                row.made(cx.glyphs.post, cx.of(Role::Focus))
            } else {
                row.made(sign.to_string(), cx.of(Role::Chart))
            };
        }
        lines.push(row.line());
    }
    lines
}

fn lay_out(cx: &Cx<'_>) -> Vec<Line<'static>> {
    let accuracy = &cx.view.accuracy;
    let muted = cx.of(Role::Muted);
    let width = usize::from(cx.area.width);
    let mut lines = Vec::new();
    for one in &accuracy.investigators {
        lines.extend(record(cx, one));
        lines.push(Line::default());
    }
    if accuracy.confirmed + accuracy.unconfirmed == 0 && accuracy.investigators.is_empty() {
        return lines;
    }
    let text = format!(
        "Incidents with a confirmed cause: {}; resolved without one: {}. Decisions made within two seconds: {}; accepted \
         with nothing opened before: {}.",
        accuracy.confirmed, accuracy.unconfirmed, accuracy.hasty, accuracy.unlooked
    );
    lines.extend(words::wrapped(&text, width, muted));
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
