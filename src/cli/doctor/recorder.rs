//! `warroom doctor recorder`: what the services that run agents do not send, found before an incident asks for it.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Serialize;

use crate::cli::config::Config;
use crate::cli::out::Out;
use crate::cli::{Common, Exit};
use crate::event::{Fact, Kind, Policy, Seq, SpanBatch, Stays, Thinned, Time};
use crate::journal::{Journal as _, Query, SqliteJournal};
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
    /// How often each rule of redaction struck since the record began; rules of one's own also where they never did.
    redacted: BTreeMap<String, u64>,
    /// What was let go of old telemetry since the record began; null = nothing.
    let_go: Option<Gone>,
}

/// What was let go.
#[derive(Default, Serialize)]
struct Gone {
    /// What had arrived by then was looked at.
    until: Time,
    /// Runs and requests by what they have in common.
    runs: Vec<Line>,
    log_lines: u64,
    samples: u64,
}

/// Runs of one service that ended alike.
#[derive(Clone, Serialize)]
struct Line {
    #[serde(flatten)]
    thinned: Thinned,
    /// What each that stayed stands for; null = none stayed.
    weight: Option<f64>,
}

impl Gone {
    /// All that the record says of it.
    fn of(journal: &SqliteJournal) -> anyhow::Result<Option<Self>> {
        let (mut gone, mut lines): (Option<Self>, BTreeMap<_, Thinned>) = (None, BTreeMap::new());
        let mut query = Query { kinds: vec![Kind::Released], ..Query::default() };
        loop {
            let page = journal.read(&query)?;
            let Some(last) = page.last() else { break };
            query.after = last.seq;
            for record in &page {
                let Ok(Fact::Released(released)) = record.fact() else { continue };
                let gone = gone.get_or_insert_with(Self::default);
                gone.until = gone.until.max(released.until);
                gone.log_lines += released.log_lines;
                gone.samples += released.samples;
                for line in released.runs {
                    let key = (line.service.clone(), line.agent.clone(), line.outcome.clone(), line.why);
                    let sum =
                        lines.entry(key).or_insert_with(|| Thinned { seen: 0, kept: 0, spans: 0, ..line.clone() });
                    sum.seen += line.seen;
                    sum.kept += line.kept;
                    sum.spans += line.spans;
                }
            }
        }
        if let Some(gone) = &mut gone {
            #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
            let weight = |line: &Thinned| (line.kept > 0).then(|| line.seen as f64 / line.kept as f64);
            gone.runs = lines.into_values().map(|thinned| Line { weight: weight(&thinned), thinned }).collect();
        }
        Ok(gone)
    }

    fn text(&self, out: &mut Out) -> std::io::Result<()> {
        let until = self.until.strftime("%Y-%m-%d %H:%M UTC");
        out.line(&format!(
            "Let go of what came before {until}: {} lines of logs, {} samples of metrics",
            self.log_lines, self.samples
        ))?;
        for Line { thinned, weight } in &self.runs {
            let name = [&thinned.service, &thinned.agent, &thinned.outcome]
                .into_iter()
                .filter(|part| !part.is_empty())
                .map(|part| part.show(Policy::Prose).as_str().to_owned())
                .collect::<Vec<_>>()
                .join(", ");
            let (seen, kept) = (thinned.seen, thinned.kept);
            let why = match thinned.why {
                Stays::Bad => "went wrong, all kept".to_owned(),
                Stays::Slow => "the slowest, all kept".to_owned(),
                Stays::Incident => "near an incident, all kept".to_owned(),
                Stays::Asked => "read or run again by somebody, all kept".to_owned(),
                Stays::Scattered => "in too many or too late deliveries to judge, all kept".to_owned(),
                Stays::Sampled => match weight {
                    Some(weight) => format!(
                        "good and ordinary: {kept} kept, each stands for {weight:.1}; {} spans gone",
                        thinned.spans
                    ),
                    None => format!("good and ordinary: none kept; {} spans gone", thinned.spans),
                },
            };
            out.line(&format!("  {seen:>9}  {name}: {why}"))?;
        }
        Ok(())
    }
}

/// Says what is missing, worst service first. Ends with 1 when a needed field is.
///
/// # Errors
/// When the journal cannot be read.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let config = Config::load(common)?;
    let journal = SqliteJournal::open_read_only(&config.journal)?;
    let mut report = look(&journal, args.all).context("the recorded spans cannot be read")?;
    for own in config.redactor.own() {
        report.redacted.entry(own.to_owned()).or_default();
    }
    let exit = if report.good { Exit::Good } else { Exit::FoundWrong };
    if args.json {
        out.json(&report)?;
        return Ok(exit);
    }
    for service in &report.services {
        text(service, out)?;
    }
    if !report.redacted.is_empty() {
        out.line("Secrets and personal data taken out before they were recorded, since the record began")?;
    }
    for (rule, count) in &report.redacted {
        let never = if *count == 0 { "  never yet: is its pattern right?" } else { "" };
        out.line(&format!("  {count:>9}  {rule}{never}"))?;
    }
    if let Some(gone) = &report.let_go {
        gone.text(out)?;
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

fn look(journal: &SqliteJournal, all: bool) -> anyhow::Result<Report> {
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
    Ok(Report {
        from,
        until,
        good,
        services,
        left_out: recorder.left_out(),
        redacted: journal.redacted()?,
        let_go: Gone::of(journal)?,
    })
}

/// Start of the newest span by its own clock.
fn newest(journal: &SqliteJournal) -> anyhow::Result<Option<Time>> {
    let mut newest = None;
    each(journal, |batch| {
        let spans = batch.resources.iter().flat_map(|resource| &resource.items);
        newest = newest.max(spans.map(|span| span.start).max());
    })?;
    Ok(newest)
}

/// Every recorded batch of spans; what this version cannot read is passed over.
fn each(journal: &SqliteJournal, mut with: impl FnMut(SpanBatch)) -> anyhow::Result<()> {
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
