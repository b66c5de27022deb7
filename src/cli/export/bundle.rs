//! One incident as a bundle: its alerts, and everything from outside that could have to do with it.

use std::path::Path;

use super::stops::Stops;
use crate::cli::Exit;
use crate::cli::out::Out;
use crate::event::{Fact, IncidentId, Kind, Regrouped, Seq, Time, Truth};
use crate::intake::bundle::{About, TruthFile, Writer};
use crate::journal::{Journal, Query, Record, SharedJournal, term};

/// Changes and telemetry of so long before the first alert go along: what a diagnosis compares with.
const BEFORE: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// What an incident's life is told by.
const LIFE: &[Kind] = &[Kind::IncidentOpened, Kind::Regrouped, Kind::Resolved, Kind::TruthConfirmed];

/// What arrives from outside and has a form in a bundle.
const OUTSIDE: &[Kind] =
    &[Kind::Alert, Kind::Change, Kind::Spans, Kind::Logs, Kind::Metrics, Kind::Topology, Kind::Notice, Kind::Noted];

/// What is asked for.
pub(super) struct Wanted {
    pub incident: u64,
    pub since: Option<Time>,
    pub as_of: Option<Time>,
}

/// Writes it. Exit code 1 when there is no such incident.
pub(super) fn write(journal: &SharedJournal, wanted: &Wanted, folder: &Path, out: &mut Out) -> anyhow::Result<Exit> {
    let id = IncidentId(wanted.incident);
    let through = journal.head()?;
    let mut life = Life::default();
    let about_it = Query { kinds: LIFE.to_vec(), term: Some(term::incident(id.0)), ..Query::default() };
    each(journal.as_ref(), through, about_it, |record, fact| {
        life.take(id, record.at, fact);
        Ok(())
    })?;
    let Some(opened) = life.opened else {
        out.note(&format!("There is no {id}: `warroom incidents` lists what there is."));
        return Ok(Exit::FoundWrong);
    };
    if let Some(into) = life.into {
        out.note(&format!("{id} was merged into {into}: export that."));
        return Ok(Exit::FoundWrong);
    }
    let alerts = crate::response::members(journal, id)?;
    let mut first = opened;
    for print in &alerts {
        let states = Query { kinds: vec![Kind::Alert], term: Some(term::alert(print)), limit: 1, ..Query::default() };
        first = journal.read(&states)?.iter().map(|record| record.at).fold(first, Time::min);
    }
    let since = wanted.since.unwrap_or_else(|| first.checked_sub(BEFORE).unwrap_or(Time::MIN));
    let until = life.resolved.unwrap_or(Time::MAX);
    let mut writer = Writer::begin(folder)?;
    let in_time = |record: &Record| record.at >= since && record.at <= until;
    let mut stops = Stops::default();
    let spans = Query { kinds: vec![Kind::Spans], ..Query::default() };
    each(journal.as_ref(), through, spans, |record, fact| {
        if in_time(record) {
            stops.see(&fact);
        }
        Ok(())
    })?;
    stops.settle();
    let outside = Query { kinds: OUTSIDE.to_vec(), ..Query::default() };
    each(journal.as_ref(), through, outside, |record, fact| {
        let belongs = match &fact {
            // However early it began to fire, and until it was over.
            Fact::Alert(alert) => alerts.contains(&alert.fingerprint) && record.arrived <= until,
            // Who calls whom holds before it is said, too.
            Fact::Topology(_) => record.at <= until,
            Fact::Noted(note) => in_time(record) && note.incident.is_none_or(|of| of == id),
            _ => in_time(record),
        };
        let fact = match fact {
            Fact::Spans(batch) => Fact::from(stops.marked(*batch)),
            other => other,
        };
        if belongs { Ok(writer.add(record, &fact)?) } else { Ok(()) }
    })?;
    if stops.left_out() > 0 {
        out.note(&format!("{} of the oldest runs are written without how they ended: too many", stops.left_out()));
    }
    let about = About {
        name: id.to_string().into(),
        kind: "incident".into(),
        as_of: wanted.as_of.unwrap_or(opened),
        note: format!("exported by warroom {}", env!("CARGO_PKG_VERSION")).into(),
    };
    let truth = life.truth.as_ref().map(TruthFile::from);
    let lines = writer.finish(&about, truth.as_ref())?;
    out.note(&format!(
        "{}: {id} with {} alerts, {lines} lines, to be judged as of {}",
        folder.display(),
        alerts.len(),
        about.as_of
    ));
    Ok(Exit::Good)
}

fn each(
    journal: &dyn Journal,
    through: Seq,
    mut query: Query,
    mut take: impl FnMut(&Record, Fact) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    query.through = Some(through);
    loop {
        let page = journal.read(&query)?;
        let Some(last) = page.last() else { return Ok(()) };
        query.after = last.seq;
        for record in &page {
            take(record, record.fact()?)?;
        }
    }
}

/// What the record says of one incident.
#[derive(Default)]
struct Life {
    /// When it was opened, or split off.
    opened: Option<Time>,
    resolved: Option<Time>,
    truth: Option<Truth>,
    /// Where it was merged into.
    into: Option<IncidentId>,
}

impl Life {
    fn take(&mut self, id: IncidentId, at: Time, fact: Fact) {
        match fact {
            Fact::IncidentOpened(opened) if opened.incident == id => self.opened = self.opened.or(Some(at)),
            Fact::Regrouped(regrouped) => match *regrouped {
                Regrouped::Split { into, .. } if into == id => self.opened = self.opened.or(Some(at)),
                Regrouped::Merge { from, into, .. } if from == id => self.into = Some(into),
                _ => {}
            },
            Fact::Resolved(resolved) if resolved.incident == id => self.resolved = self.resolved.or(Some(at)),
            Fact::TruthConfirmed(confirmed) if confirmed.incident == id => self.truth = Some(confirmed.truth),
            _ => {}
        }
    }
}
