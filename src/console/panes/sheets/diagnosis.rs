//! A diagnosis as it was recorded: all hypotheses one below the other, and everything that was found.

use ratatui::text::Line;

use super::{beside, field, heading};
use crate::console::details::{Detail, Want};
use crate::console::pane::Cx;
use crate::console::panes::{hypotheses, say};
use crate::console::safe;
use crate::console::sheet::{Content, Sheet, once_read};
use crate::console::sure;
use crate::console::theme::Role;
use crate::console::widgets::words;
use crate::event::{Diagnosis, Pointer, Policy, Seq};

/// A diagnosis.
#[derive(Debug)]
pub(in crate::console::panes) struct DiagnosisSheet(pub Seq);

/// The diagnosis inside an entry as it is printed.
fn inside(entry: &str) -> Option<Diagnosis> {
    let mut entry: serde_json::Value = serde_json::from_str(entry).ok()?;
    serde_json::from_value(entry.get_mut("body")?.take()).ok()
}

fn pointer(cx: &Cx<'_>, pointer: &Pointer) -> String {
    match pointer {
        Pointer::Entry { seq } => format!("entry {seq}"),
        Pointer::Alert { fingerprint } => format!("alert {fingerprint}"),
        Pointer::Change { id } => format!("change {}", id.show_prefix(Policy::Exact, 60).as_str()),
        Pointer::Trace { trace } => format!("trace {trace}"),
        Pointer::Series { name, service, at } => format!(
            "series {} of {} at {}",
            name.show_prefix(Policy::Exact, 60).as_str(),
            service.show_prefix(Policy::Exact, 60).as_str(),
            cx.clock(*at)
        ),
        Pointer::Logs { service, pattern } => format!(
            "logs of {}: {}",
            service.show_prefix(Policy::Exact, 60).as_str(),
            pattern.show_prefix(Policy::Exact, 120).as_str()
        ),
    }
}

fn lay_out(cx: &Cx<'_>, diagnosis: &Diagnosis, width: usize) -> Content {
    let text = cx.of(Role::Text);
    let muted = cx.of(Role::Muted);
    let mut content = Content::default();
    let lines = &mut content.lines;
    lines.extend(field(cx, "in one line", &diagnosis.headline, Policy::Prose, width, text));
    lines.extend(beside(cx, "as of", vec![safe::made(cx.clock(diagnosis.as_of), cx.of(Role::Time))], width));
    lines.extend(field(cx, "engine", &diagnosis.engine, Policy::Exact, width, text));
    for (nth, hypothesis) in diagnosis.hypotheses.iter().enumerate() {
        lines.push(Line::default());
        content.places.push(lines.len());
        let mut head = vec![safe::made(format!("{} ", say::letter(nth)), cx.of(Role::Title))];
        head.extend(say::cause(cx, &hypothesis.cause, width, cx.of(Role::Title)));
        lines.push(Line::from(head));
        lines.extend(hypotheses::column(cx, diagnosis, nth, width));
    }
    lines.push(Line::default());
    let calibrated = diagnosis.hypotheses.first().map_or(0, |first| first.confidence.calibrated_on);
    let rest = match calibrated {
        0 => {
            "Shares are not calibrated: no cause was confirmed yet. They order the hypotheses and are no probabilities."
                .to_owned()
        }
        n => {
            let rests = diagnosis.calibration.as_ref().map_or_else(|| format!("n={n}"), sure::record);
            let name = diagnosis.calibration.map(|by| format!("; calibration {}", by.name())).unwrap_or_default();
            format!("None of these: {:.0} % ({rests}{name}).", diagnosis.none_of_these * 100.0)
        }
    };
    lines.extend(words::wrapped(&rest, width, muted));
    lines.extend(heading(cx, "Everything that was found, and where"));
    let heaviest = hypotheses::heaviest(diagnosis);
    for found in &diagnosis.evidence {
        lines.extend(hypotheses::evidence(cx, found, heaviest, width));
        let mut spans = vec![safe::lit("      by ", muted)];
        spans.extend(words::prose(cx, &found.detector, 40, muted));
        for place in &found.look_at {
            spans.push(safe::made(format!(", {}", pointer(cx, place)), muted));
        }
        lines.extend(words::wrap(spans, width, 6));
    }
    if diagnosis.evidence.is_empty() {
        lines.push(Line::from(safe::lit("nothing", muted)));
    }
    if !diagnosis.not_checked.is_empty() {
        lines.extend(heading(cx, "What could not be checked"));
        for what in &diagnosis.not_checked {
            lines.extend(words::wrap(words::whole(cx, what, Policy::Prose, text), width, 2));
        }
    }
    content
}

impl Sheet for DiagnosisSheet {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        Line::from(safe::made(format!("Diagnosis, entry {}", self.0), cx.of(Role::DialogTitle)))
    }

    fn want(&self) -> Option<Want> {
        Some(Want::Entry(self.0))
    }

    fn lay_out(&self, cx: &Cx<'_>, width: u16) -> Content {
        let width = usize::from(width);
        let newest = cx.incident.and_then(|incident| incident.diagnosis.as_ref());
        if let Some(newest) = newest.filter(|newest| newest.seq == self.0) {
            return lay_out(cx, &newest.diagnosis, width);
        }
        once_read(cx, &Want::Entry(self.0), |detail| {
            let Detail::Entry(entry) = detail else { return Content::default() };
            match inside(entry.raw()) {
                Some(diagnosis) => lay_out(cx, &diagnosis, width),
                // Written by another version: shown as it stands.
                None => Content {
                    lines: words::paragraphs(cx, entry, Policy::Prose, width, cx.of(Role::Text)),
                    ..Content::default()
                },
            }
        })
    }

    fn opened(&self) -> String {
        format!("diagnosis {}", self.0)
    }
}
