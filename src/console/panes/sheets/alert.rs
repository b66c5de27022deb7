//! One alert: everything its source said.

use ratatui::text::Line;

use super::{beside, field, heading};
use crate::console::details::{Detail, Loaded, Want};
use crate::console::pane::Cx;
use crate::console::panes::say;
use crate::console::safe;
use crate::console::sheet::{Content, Sheet, once_read};
use crate::console::theme::Role;
use crate::console::widgets::words;
use crate::event::{Alert, AlertStatus, Anomaly, Fingerprint, Labels, Policy};

/// An alert.
#[derive(Debug)]
pub(in crate::console::panes) struct AlertSheet(pub Fingerprint);

fn anomaly(anomaly: Anomaly) -> &'static str {
    match anomaly {
        Anomaly::EndsBeforeStart => "it ends before it starts",
        Anomaly::StartsInFuture => "it starts after it arrived",
        Anomaly::ClockSkew => "its source's clock differs from ours by minutes",
        Anomaly::TestAlert => "it is the source's test, not a page",
    }
}

fn labels(cx: &Cx<'_>, labels: &Labels, width: usize) -> Vec<Line<'static>> {
    let widest = labels.keys().map(|name| name.show_prefix(Policy::Exact, 28).cells()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for (name, value) in labels {
        let mut spans = words::cut(cx, name, Policy::Exact, 28, cx.of(Role::Muted));
        let wide: usize = spans.iter().map(ratatui::text::Span::width).sum();
        spans.push(safe::made(" ".repeat(widest.saturating_sub(wide) + 4), cx.of(Role::Text)));
        spans.insert(0, safe::lit("  ", cx.of(Role::Text)));
        spans.extend(words::whole(cx, value, Policy::Prose, cx.of(Role::Text)));
        lines.extend(words::wrap(spans, width, widest + 6));
    }
    lines
}

fn lay_out(cx: &Cx<'_>, alert: &Alert, width: usize) -> Vec<Line<'static>> {
    let text = cx.of(Role::Text);
    let (status, style) = match alert.status {
        AlertStatus::Firing => ("fires", cx.theme.severity(alert.severity())),
        AlertStatus::Resolved => ("ended", cx.of(Role::Muted)),
    };
    let mut state = vec![
        safe::lit(status, style),
        safe::made(format!(" since {}", cx.clock(alert.starts_at)), text),
        safe::made(format!(", {} {}", say::severity_sign(cx, alert.severity()), alert.severity().name()), style),
    ];
    if let Some(end) = alert.ends_at {
        state.push(safe::made(format!(", until {}", cx.clock(end)), text));
    }
    let mut lines = beside(cx, "state", state, width);
    match alert.service() {
        Some(service) => {
            lines.extend(field(cx, "component", service, Policy::Prose, width, text));
            if let Some(twin) = service.looks_like(say::known_names(cx)) {
                let warning = format!("This name differs from the known name {twin}, though it looks the same.");
                lines.extend(beside(cx, "", vec![safe::made(warning, cx.of(Role::Bad))], width));
            }
        }
        None => {
            lines.extend(beside(cx, "component", vec![safe::lit("no label names one", cx.of(Role::Unclear))], width));
        }
    }
    lines.extend(beside(cx, "came by", vec![safe::lit(alert.source.name(), text)], width));
    for one in &alert.anomalies {
        lines.extend(beside(cx, "odd", vec![safe::lit(anomaly(*one), cx.of(Role::Unclear))], width));
    }
    if !alert.annotations.is_empty() {
        lines.extend(heading(cx, "What its author wrote"));
        lines.extend(labels(cx, &alert.annotations, width));
    }
    lines.extend(heading(cx, "Labels"));
    lines.extend(labels(cx, &alert.labels, width));
    lines.extend(heading(cx, "At its source"));
    if let Some(url) = &alert.generator_url {
        lines.extend(field(cx, "expression", url, Policy::Exact, width, text));
    }
    lines.extend(beside(cx, "fingerprint", vec![safe::made(alert.fingerprint.as_str(), text)], width));
    lines
}

impl Sheet for AlertSheet {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        match cx.detail(&Want::Alert(self.0.clone())) {
            Loaded::Ready(detail) => match &*detail {
                Detail::Alert(alert) => super::title(cx, "Alert", &alert.name()),
                _ => Line::from(safe::lit("Alert", cx.of(Role::DialogTitle))),
            },
            _ => Line::from(safe::lit("Alert", cx.of(Role::DialogTitle))),
        }
    }

    fn want(&self) -> Option<Want> {
        Some(Want::Alert(self.0.clone()))
    }

    fn lay_out(&self, cx: &Cx<'_>, width: u16) -> Content {
        once_read(cx, &Want::Alert(self.0.clone()), |detail| {
            let Detail::Alert(alert) = detail else { return Content::default() };
            Content { lines: lay_out(cx, alert, usize::from(width)), ..Content::default() }
        })
    }

    fn opened(&self) -> String {
        format!("alert {}", self.0)
    }

    fn copied(&self, cx: &Cx<'_>) -> Option<(String, &'static str)> {
        let Loaded::Ready(detail) = cx.detail(&Want::Alert(self.0.clone())) else { return None };
        let Detail::Alert(alert) = &*detail else { return None };
        let lines = alert.labels.iter().map(|(name, value)| {
            format!("{}={}", name.show(Policy::Exact).as_str(), value.show(Policy::Exact).as_str())
        });
        Some((lines.collect::<Vec<_>>().join("\n"), "labels"))
    }
}
