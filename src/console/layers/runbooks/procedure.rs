//! How far a procedure is that takes something back: its stages, the traffic on the restored side, whether runs end as before.

use ratatui::text::{Line, Span};

use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::{meter, words};
use crate::engine::view::{ActionView, IncidentView, MixView};
use crate::event::{Recovery, Surface, Untrusted};
use crate::response::Offered;
use crate::response::rollback::{Progress, StageAt, StageState};

/// Columns of the drawn share.
const BAR: usize = 12;

fn progress(cx: &Cx<'_>, incident: &IncidentView, runbook: &Offered) -> Progress {
    Progress::of(runbook.stages.clone(), &incident.happened(&runbook.name), cx.now.wall)
}

/// The stage of this step, its number from 0, and how it stands; `None` where it is none.
fn stage(progress: &Progress, step: &Untrusted) -> Option<usize> {
    progress.stages().iter().position(|stage| stage.step == *step)
}

/// How a stage stands, in a word or two; `None` where the step is none, or nothing was done about it.
pub(super) fn stands(
    cx: &Cx<'_>,
    incident: &IncidentView,
    runbook: &Offered,
    step: &Untrusted,
) -> Option<(String, Role)> {
    let progress = progress(cx, incident, runbook);
    let nth = stage(&progress, step)?;
    let at = &progress.at[nth];
    let (word, role) = match at.state {
        StageState::Untouched if !progress.is_begun() => return None,
        StageState::Untouched if progress.before(nth).is_empty() => ("next".to_owned(), Role::Focus),
        StageState::Untouched => ("waits its turn".to_owned(), Role::Muted),
        StageState::Proposed => ("WAITS".to_owned(), Role::HeaderAlarm),
        StageState::Running => ("runs".to_owned(), Role::Unclear),
        StageState::Unproven => ("not proven".to_owned(), Role::Unclear),
        StageState::Holding => (held(cx, &progress, nth), Role::Unclear),
        StageState::Stands => ("stands".to_owned(), Role::Good),
        StageState::Unwell => ("NOT WELL".to_owned(), Role::Bad),
        StageState::Failed => ("failed".to_owned(), Role::Bad),
        StageState::Unclear => ("OUTCOME UNKNOWN".to_owned(), Role::Unclear),
        StageState::TakenBack => ("taken back".to_owned(), Role::Muted),
    };
    Some((if at.late { format!("{word}, LATE") } else { word }, role))
}

/// For how long a stage has stood well, of how long it must.
fn held(cx: &Cx<'_>, progress: &Progress, nth: usize) -> String {
    let stood = progress.at[nth].well_since.map_or(0, |since| cx.now.wall.duration_since(since).as_mins());
    format!("holds {stood}/{} min", progress.stages()[nth].hold.as_mins())
}

/// What must come before a stage begins.
pub(super) fn waits(cx: &Cx<'_>, incident: &IncidentView, runbook: &Offered, step: &Untrusted) -> Vec<String> {
    let progress = progress(cx, incident, runbook);
    let before = stage(&progress, step).map(|nth| progress.before(nth)).unwrap_or_default();
    before.iter().map(ToString::to_string).collect()
}

/// The whole of a procedure: stages, traffic, behaviour, and what its key does.
pub(super) fn whole(cx: &Cx<'_>, incident: &IncidentView, runbook: &Offered, key: &str) -> Vec<Line<'static>> {
    if runbook.stages.is_empty() {
        return Vec::new();
    }
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    let columns = usize::from(cx.area.width);
    let progress = progress(cx, incident, runbook);
    let count = progress.at.len();
    let stand = progress.at.iter().filter(|at| at.state == StageState::Stands).count();
    #[expect(clippy::cast_precision_loss, reason = "a few stages")]
    let share = stand as f64 / count as f64;
    let mut spans = vec![safe::lit("stages    ", muted)];
    spans.extend(meter::bar(cx, share, BAR, cx.of(Role::Good)));
    spans.push(safe::made(format!(" {stand} of {count} stand"), text));
    if let Some(next) = progress.next() {
        spans.push(safe::lit("; next ", muted));
        spans.extend(words::prose(cx, &progress.stages()[next].step, columns / 3, text));
        if let Some(promised) = progress.stages()[next].share {
            spans.push(safe::made(format!(", to {:.0} % of the traffic", promised * 100.0), muted));
        }
    }
    let mut lines = vec![Line::from(spans)];
    let last = progress.at.iter().rposition(|at| at.state.is_done());
    for mix in incident.mixes.iter().filter(|mix| Some(mix.surface) == runbook.takes_back) {
        let promised = last.and_then(|nth| progress.stages()[nth].share);
        lines.push(Line::from(traffic(cx, mix, promised, columns)));
    }
    if last.is_some() {
        lines.extend(behaviour(cx, incident, runbook, &progress, columns));
    }
    let says = format!("{key} rehearses it: reading steps and dry runs run, and nothing is changed.");
    lines.push(Line::from(safe::made(says, muted)));
    lines
}

/// The share of the runs that are served as before, drawn, beside what the stage promised.
fn traffic(cx: &Cx<'_>, mix: &MixView, promised: Option<f64>, columns: usize) -> Vec<Span<'static>> {
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    let mut spans = vec![safe::lit("traffic   ", muted)];
    let Some(share) = mix.restored() else {
        spans.push(safe::lit("no run in the last 10 minutes: which version serves cannot be seen", text));
        return spans;
    };
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let seen = share.runs as f64 / share.of as f64;
    spans.extend(meter::bar(cx, seen, BAR, cx.of(Role::Good)));
    let interval = format!("{:.0}-{:.0} %", share.low * 100.0, share.high * 100.0);
    let said = format!(" {} of {} runs ({interval}) have the earlier {}", share.runs, share.of, noun(mix.surface));
    spans.push(safe::made(said, text));
    if let Some(earlier) = mix.values.first().filter(|value| value.before > 0) {
        spans.push(safe::lit(" ", text));
        spans.extend(words::prose(cx, &earlier.value, columns / 4, muted));
    }
    if let Some(promised) = promised.filter(|promised| *promised < share.low || *promised > share.high) {
        spans.push(safe::made(format!("; {:.0} % were meant", promised * 100.0), cx.of(Role::Bad)));
    }
    spans
}

fn noun(surface: Surface) -> &'static str {
    match surface {
        Surface::Model => "model",
        Surface::Prompt => "prompt",
        Surface::Retrieval => "index",
        Surface::Tool => "tools",
        _ => "version",
    }
}

/// Whether runs end as they did before: the configuration alone is not the end of it.
fn behaviour(
    cx: &Cx<'_>,
    incident: &IncidentView,
    runbook: &Offered,
    progress: &Progress,
    columns: usize,
) -> Vec<Line<'static>> {
    let of_it = |action: &&ActionView| action.plan.origin.as_ref().is_some_and(|origin| origin.runbook == runbook.name);
    let checked = incident.actions.iter().filter(of_it).rev().find_map(|action| action.effect.as_ref());
    let all = progress.at.iter().all(|at: &StageAt| at.state.is_done());
    let (said, role) = match checked.map(|checked| checked.effect) {
        None => (
            "not looked at yet: what it changed is back when things go as before, not when the version says so",
            Role::Muted,
        ),
        Some(Recovery::Recovered) if all => ("as before the trouble", Role::Good),
        Some(Recovery::Recovered) => ("as before the trouble, and not all stages are done", Role::Good),
        Some(Recovery::Better) => ("better, not yet as before", Role::Unclear),
        Some(Recovery::Unmoved) => ("no better", Role::Bad),
        Some(Recovery::Worse) => ("WORSE", Role::Bad),
        Some(Recovery::Unclear) => ("too little was seen to say", Role::Unclear),
    };
    let label = |label: &'static str| safe::lit(label, cx.of(Role::Muted));
    let mut lines = words::wrap(vec![label("outcome   "), safe::lit(said, cx.of(role))], columns, 10);
    for symptom in checked.iter().flat_map(|checked| &checked.symptoms) {
        let mut spans = vec![label("          ")];
        spans.extend(words::prose(cx, &symptom.what, columns / 3, cx.of(Role::Text)));
        spans.push(label(": "));
        spans.extend(words::prose(cx, &symptom.before, columns / 4, cx.of(Role::Text)));
        spans.push(label(" before, "));
        spans.extend(words::prose(cx, &symptom.after, columns / 4, cx.of(Role::Text)));
        spans.push(label(" since"));
        lines.push(Line::from(spans));
    }
    lines
}
