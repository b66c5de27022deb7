//! What people wrote and decided, oldest first, every word of it.

use ratatui::buffer::Buffer;
use ratatui::text::{Line, Span};

use super::page::Page;
use super::say;
use crate::console::action::Action;
use crate::console::pane::{Answer, Cx, Input, Pane, PaneKind, Picked};
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::words;
use crate::engine::view::DecisionLine;
use crate::event::{Policy, Time, Untrusted, Verdict};

/// The notes.
#[derive(Debug)]
pub struct Notes {
    page: Page,
}

impl Default for Notes {
    fn default() -> Self {
        Self { page: Page::at_the_end() }
    }
}

fn head(cx: &Cx<'_>, at: Time, what: &'static str, who: &Untrusted) -> Vec<Span<'static>> {
    let mut spans = vec![
        safe::made(cx.clock(at), cx.of(Role::Time)),
        safe::lit(" ", cx.of(Role::Text)),
        safe::lit(what, cx.of(Role::Title)),
    ];
    spans.push(safe::lit(" ", cx.of(Role::Text)));
    spans.extend(words::prose(cx, who, 60, cx.of(Role::Muted)));
    spans
}

fn body(cx: &Cx<'_>, text: &Untrusted, columns: usize) -> Vec<Line<'static>> {
    let quoted = columns.saturating_sub(2);
    words::paragraphs(cx, text, Policy::Prose, quoted, cx.of(Role::Text))
        .into_iter()
        .map(|line| {
            let mut spans = vec![safe::lit(cx.glyphs.quote, cx.of(Role::Untrusted)), safe::lit(" ", cx.of(Role::Text))];
            spans.extend(line.spans);
            Line::from(spans)
        })
        .collect()
}

/// What the record says of how an acceptance came about, where it says anything. It judges nobody.
fn flag(decision: &DecisionLine) -> Option<&'static str> {
    let accepted = matches!(decision.verdict, Verdict::Accept);
    match (decision.looked, crate::feedback::is_hasty(decision.took_ms)) {
        _ if !accepted => None,
        (true, false) => None,
        (true, true) => Some(" (within two seconds)"),
        (false, false) => Some(" (nothing opened before)"),
        (false, true) => Some(" (within two seconds, nothing opened before)"),
    }
}

/// Everything written, in time order, laid out.
fn lay_out(cx: &Cx<'_>) -> Vec<Line<'static>> {
    let Some(incident) = cx.incident else { return Vec::new() };
    let columns = usize::from(cx.area.width);
    let mut parts: Vec<(Time, Vec<Line<'static>>)> = Vec::new();
    for (notes, what) in [(&incident.hunches, "hunch"), (&incident.notes, "note")] {
        for note in notes {
            let mut lines = words::wrap(head(cx, note.at, what, &note.author), columns, 2);
            lines.extend(body(cx, &note.text, columns));
            parts.push((note.at, lines));
        }
    }
    for decision in &incident.decisions {
        let mut spans = head(cx, decision.at, say::verdict(&decision.verdict), &decision.by.login);
        let nth = usize::try_from(decision.rank).unwrap_or(1).saturating_sub(1);
        spans.push(safe::made(format!(" {}: ", say::letter(nth)), cx.of(Role::Text)));
        spans.extend(say::cause(cx, &decision.cause, 80, cx.of(Role::Text)));
        if let Verdict::Modify { instead } = &decision.verdict {
            spans.push(safe::lit(", it is rather ", cx.of(Role::Text)));
            spans.extend(say::cause(cx, instead, 80, cx.of(Role::Text)));
        }
        spans.extend(flag(decision).map(|told| safe::lit(told, cx.of(Role::Muted))));
        let mut lines = words::wrap(spans, columns, 2);
        if !decision.reason.is_empty() {
            lines.extend(body(cx, &decision.reason, columns));
        }
        parts.push((decision.at, lines));
    }
    parts.sort_by_key(|(at, _)| *at);
    let mut lines: Vec<_> = parts.into_iter().flat_map(|(_, lines)| lines).collect();
    if let Some(truth) = &incident.truth {
        let mut spans = vec![safe::lit("The cause, confirmed: ", cx.of(Role::Good))];
        spans.push(match truth.surface {
            Some(surface) => safe::lit(surface.name(), cx.of(Role::Text)),
            None => safe::lit("nothing was wrong", cx.of(Role::Text)),
        });
        if let Some(subject) = &truth.subject {
            spans.push(safe::lit(" ", cx.of(Role::Text)));
            spans.extend(words::prose(cx, subject, 80, cx.of(Role::Text)));
        }
        lines.extend(words::wrap(spans, columns, 2));
        lines.extend(body(cx, &truth.text, columns));
    }
    lines
}

impl Pane for Notes {
    fn kind(&self) -> PaneKind {
        PaneKind::Notes
    }

    fn summary(&self, cx: &Cx<'_>) -> Line<'static> {
        let Some(incident) = cx.incident else { return Line::default() };
        let hunches = match incident.hunches.len() {
            1 => "1 hunch".to_owned(),
            n => format!("{n} hunches"),
        };
        let (notes, decisions) = (incident.notes.len(), incident.decisions.len());
        let text = format!("{}, {hunches}, {}", say::many(notes, "note"), say::many(decisions, "decision"));
        Line::from(safe::made(text, cx.of(Role::Muted)))
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::Note, Action::Hunch]
    }

    fn prepare(&mut self, cx: &Cx<'_>) {
        self.page.settle(cx, lay_out(cx));
    }

    fn update(&mut self, _cx: &Cx<'_>, input: &Input) -> Answer {
        self.page.hear(input)
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        if cx.incident.is_none() {
            return say::no_incident(cx, buf);
        }
        let how = "Write a hunch before you look: it keeps the first hypothesis from thinking for you. Notes and decisions \
            stand here with who made them and when.";
        self.page.draw(cx, buf, "Nothing written yet.", how);
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
