//! `warroom doctor recorder`: what the services that run agents do not send, found before an incident asks for it.

use anyhow::Context as _;
use serde::Serialize;

use crate::cli::house;
use crate::cli::out::Out;
use crate::cli::{Common, Exit};
use crate::event::{Fact, Kind, Policy, Seq, SpanBatch, Time};
use crate::journal::{Query, SharedJournal};
use crate::surface::{Recorder, ServiceGaps};

/// Without `--all`, spans of so many hours up to the newest are looked at.
const HOURS: i64 = 24;

/// Arguments of `warroom doctor recorder`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// JSON instead of text, one object
    #[arg(long)]
    pub json: bool,
    /// All recorded spans, and not only those of the last 24 hours that have any
    #[arg(long)]
    pub all: bool,
}

#[derive(Serialize)]
struct Report {
    /// Start of the first span that was looked at; null = none was.
    from: Option<Time>,
    /// Start of the last.
    until: Option<Time>,
    /// Whether every service sends every needed field on every step.
    good: bool,
    services: Vec<ServiceGaps>,
    /// Steps of services beyond the most that are told apart.
    left_out: u64,
}

/// Says what is missing, worst service first. Ends with 1 when a needed field is.
///
/// # Errors
/// When the journal cannot be read.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let report = look(&house::read_only(common)?, args.all).context("the recorded spans cannot be read")?;
    let exit = if report.good { Exit::Good } else { Exit::FoundWrong };
    if args.json {
        out.json(&report)?;
        return Ok(exit);
    }
    for service in &report.services {
        text(service, out)?;
    }
    match (report.from, report.until) {
        (Some(from), Some(until)) => {
            let more = if args.all { "" } else { "; --all looks at everything" };
            out.note(&format!("Looked at spans from {from} to {until}{more}."));
        }
        _ => out.note("No span was recorded yet: send OpenTelemetry traces to /v1/traces, then look again."),
    }
    if report.left_out > 0 {
        out.note(&format!("{} steps belong to services beyond the most that are told apart.", report.left_out));
    }
    Ok(exit)
}

fn look(journal: &SharedJournal, all: bool) -> anyhow::Result<Report> {
    let newest = if all { None } else { newest(journal)? };
    let since = newest.and_then(|time| time.checked_sub(jiff::SignedDuration::from_hours(HOURS)).ok());
    let mut recorder = Recorder::default();
    let mut seen: Option<(Time, Time)> = None;
    each(journal, |mut batch| {
        for resource in &mut batch.resources {
            resource.items.retain(|span| since.is_none_or(|since| span.start > since));
            for span in &resource.items {
                let (from, until) = seen.unwrap_or((span.start, span.start));
                seen = Some((from.min(span.start), until.max(span.start)));
            }
        }
        recorder.apply(&batch);
    })?;
    let services = recorder.report();
    let good = services.iter().all(|service| service.gaps.iter().all(|gap| !gap.needed));
    let (from, until) = seen.unzip();
    Ok(Report { from, until, good, services, left_out: recorder.left_out() })
}

/// Start of the newest span by its own clock.
fn newest(journal: &SharedJournal) -> anyhow::Result<Option<Time>> {
    let mut newest = None;
    each(journal, |batch| {
        let spans = batch.resources.iter().flat_map(|resource| &resource.items);
        newest = newest.max(spans.map(|span| span.start).max());
    })?;
    Ok(newest)
}

/// Every recorded batch of spans; what this version cannot read is passed over.
fn each(journal: &SharedJournal, mut with: impl FnMut(SpanBatch)) -> anyhow::Result<()> {
    let mut after = Seq(0);
    loop {
        let page = journal.read(&Query { after, kinds: vec![Kind::Spans], ..Query::default() })?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.seq;
        for record in &page {
            if let Ok(Fact::Spans(batch)) = record.fact() {
                with(*batch);
            }
        }
    }
}

fn text(service: &ServiceGaps, out: &mut Out) -> std::io::Result<()> {
    let name = service.service.show(Policy::Prose);
    let name = if service.service.is_empty() { "(says no service.name)" } else { name.as_str() };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of ten")]
    let full = (service.score * 10.0).round() as usize;
    let bar = format!("{}{}", "#".repeat(full.min(10)), ".".repeat(10 - full.min(10)));
    out.line(&format!("{name}  {bar} {:.0} %  of what {} steps should carry", service.score * 100.0, service.steps))?;
    for gap in &service.gaps {
        let how = if gap.needed { "MISSING" } else { "wanted " };
        out.line(&format!("  {how}  {}  on {} of {} {} steps", gap.field, gap.captured, gap.of, gap.on))?;
        out.line(&format!("           nobody can tell {}", gap.question))?;
        out.line(&format!("           mend: {}", gap.mend))?;
    }
    Ok(())
}
