//! One change: who, when, why it is suspected, and what exactly is different.

use ratatui::text::Line;

use super::diff::{self, Look, Row};
use super::{beside, field, heading};
use crate::console::details::{Detail, Loaded, Want};
use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::sheet::{Content, Sheet, once_read};
use crate::console::theme::Role;
use crate::console::widgets::meter;
use crate::engine::view::{ChangeDetail, ChangeLine};
use crate::event::{Change, ChangeClass, Policy, Side, Surface, Untrusted};

/// A change.
#[derive(Debug)]
pub(in crate::console::panes) struct ChangeSheet {
    id: Untrusted,
    /// The other way than the width suggests.
    other_way: bool,
}

impl ChangeSheet {
    pub(in crate::console::panes) fn new(id: Untrusted) -> Self {
        Self { id, other_way: false }
    }
}

fn rows(change: &Change) -> Vec<Row> {
    let text = |side: &Option<Side>| side.as_ref().and_then(|side| side.text.as_ref()).map(diff::comparable);
    match (text(&change.before), text(&change.after), &change.diff) {
        (Some(before), Some(after), _) => diff::of_texts(&before, &after),
        (_, _, Some(unified)) => diff::of_unified(unified.raw()),
        (Some(before), None, None) => diff::of_one(&before, false),
        (None, Some(after), None) => diff::of_one(&after, true),
        (None, None, None) => Vec::new(),
    }
}

fn head(cx: &Cx<'_>, change: &Change, line: Option<&ChangeLine>, width: usize) -> Vec<Line<'static>> {
    let text = cx.of(Role::Text);
    let muted = cx.of(Role::Muted);
    let mut lines = field(cx, "what", &change.summary, Policy::Prose, width, text);
    let mut spans = vec![safe::made(cx.clock(change.time), cx.of(Role::Time))];
    if let Some(onset) = cx.incident.and_then(|incident| incident.diagnosis.as_ref()?.diagnosis.onset) {
        let ms = onset.as_millisecond().saturating_sub(change.time.as_millisecond());
        let side = if ms >= 0 { "before" } else { "after" };
        spans.push(safe::made(format!(", {} {side} the onset", meter::duration(ms.unsigned_abs())), muted));
    }
    lines.extend(beside(cx, "when", spans, width));
    lines.extend(beside(cx, "surface", vec![safe::lit(change.surface.name(), text)], width));
    for (name, value) in [("touches", &change.subject), ("by", &change.actor), ("commit", &change.sha)] {
        if let Some(value) = value {
            lines.extend(field(cx, name, value, Policy::Exact, width, text));
        }
    }
    if let Some(line) = line {
        let mut spans = meter::bar(cx, line.suspicion, 8, cx.of(Role::Share));
        spans.push(safe::lit(" ", text));
        spans.extend(crate::console::widgets::words::whole(cx, &line.why, Policy::Prose, text));
        lines.extend(beside(cx, "suspicion", spans, width));
    }
    let label = |side: &Option<Side>| side.as_ref().and_then(|side| side.label.clone());
    for (name, side) in [("before", label(&change.before)), ("since", label(&change.after))] {
        match side {
            Some(value) => lines.extend(field(cx, name, &value, Policy::Exact, width, text)),
            None if change.class != ChangeClass::Merge => {
                lines.extend(beside(cx, name, vec![safe::lit("not captured", cx.of(Role::NotCaptured))], width));
            }
            None => {}
        }
    }
    for (nth, file) in change.files.iter().enumerate() {
        lines.extend(field(cx, if nth == 0 { "files" } else { "" }, file, Policy::Exact, width, text));
    }
    lines.extend(field(cx, "id", &change.id, Policy::Exact, width, muted));
    lines
}

impl ChangeSheet {
    fn lay_out_change(&self, cx: &Cx<'_>, detail: &ChangeDetail, width: u16) -> Content {
        let change = &detail.change;
        let listed = cx.incident.and_then(|incident| incident.changes.items.iter().find(|line| line.id == change.id));
        let columns = usize::from(width);
        let mut content = Content { lines: head(cx, change, listed, columns), ..Content::default() };
        let rows = rows(change);
        if rows.is_empty() {
            let text = "No text before and after came with it: nothing to compare.";
            content.lines.extend([Line::default(), Line::from(safe::lit(text, cx.of(Role::NotCaptured)))]);
            return content;
        }
        let policy = if change.surface == Surface::Prompt { Policy::Prose } else { Policy::Code };
        let look = Look { width: columns, side_by_side: (width >= diff::WIDE) != self.other_way, policy };
        let (out, put) = diff::words_moved(&rows);
        let short = diff::places(&rows, 2);
        content.lines.extend(heading(cx, "What is different"));
        if short.is_empty() {
            content.lines.push(Line::from(safe::lit("The two texts are the same.", cx.of(Role::Good))));
            return content;
        }
        if out + put > 0 {
            let text = format!("{out} words out, {put} in, where lines stand against each other");
            content.lines.push(Line::from(safe::made(text, cx.of(Role::Muted))));
        }
        diff::draw(cx, &short, look, &mut content);
        if short.len() < rows.len() {
            content.lines.extend(heading(cx, "The whole text"));
            diff::draw(cx, &rows, look, &mut content);
        }
        content
    }
}

impl Sheet for ChangeSheet {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        match cx.detail(&Want::Change(self.id.clone())) {
            Loaded::Ready(detail) => match &*detail {
                Detail::Change(detail) => super::title(cx, "Change", &detail.change.summary),
                _ => super::title(cx, "Change", &self.id),
            },
            _ => super::title(cx, "Change", &self.id),
        }
    }

    fn want(&self) -> Option<Want> {
        Some(Want::Change(self.id.clone()))
    }

    fn lay_out(&self, cx: &Cx<'_>, width: u16) -> Content {
        once_read(cx, &Want::Change(self.id.clone()), |detail| {
            let Detail::Change(detail) = detail else { return Content::default() };
            self.lay_out_change(cx, detail, width)
        })
    }

    fn toggle(&mut self) -> bool {
        self.other_way = !self.other_way;
        true
    }

    fn opened(&self) -> String {
        format!("change {}", self.id.show(Policy::Exact).as_str())
    }

    fn copied(&self, _cx: &Cx<'_>) -> Option<(String, &'static str)> {
        Some((self.id.show(Policy::Exact).as_str().to_owned(), "change id"))
    }
}
