//! An incident's entries with their chain of custody: `--incident N --proof FILE`.

use std::collections::BTreeSet;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use crate::cli::Exit;
use crate::cli::out::Out;
use crate::engine;
use crate::event::{IncidentId, Kind, Seq, Time};
use crate::journal::proof::{Header, Link};
use crate::journal::{Journal as _, SharedJournal, SqliteJournal, guard, term};
use crate::response;

/// Writes it: every entry that names the incident, its alerts, the changes that are suspected and its bad runs, with the links
/// from the first of them to the head.
///
/// # Errors
/// When the journal cannot be read, or the file cannot be written.
pub(super) fn write(journal: &Arc<SqliteJournal>, incident: u64, path: &Path, out: &mut Out) -> anyhow::Result<Exit> {
    let shared: SharedJournal = Arc::clone(journal) as SharedJournal;
    let view = engine::picture(&shared, None).context("the journal cannot be folded")?;
    let id = IncidentId(incident);
    let mut terms: Vec<(String, &'static str, Kind)> = Vec::new();
    let named = term::incident(incident);
    for alert in response::members(&shared, id)? {
        terms.push((term::alert(&alert), "alert", Kind::Alert));
    }
    let mut not_here = 0;
    if let Some(here) = view.incidents.items.iter().find(|one| one.id == id) {
        let suspected = here.changes.items.iter().filter(|change| change.suspicion > 0.0);
        terms.extend(suspected.map(|change| (term::change(change.id.raw()), "change", Kind::Change)));
        terms.extend(here.bad_runs.items.iter().map(|trace| (term::trace(*trace), "bad run", Kind::Spans)));
        not_here = here.bad_runs.hidden;
    }
    let query = crate::journal::Query { term: Some(named.clone()), limit: 1, ..crate::journal::Query::default() };
    let mut first: Option<Seq> = journal.read(&query)?.first().map(|record| record.seq);
    let Some(_) = first else {
        out.note(&format!("There is no incident {id} in the journal."));
        return Ok(Exit::FoundWrong);
    };
    for (term, _, kind) in &terms {
        first = first.min(journal.places(term, *kind)?.first().copied()).or(first);
    }
    let first = first.unwrap_or(Seq(1));
    let by = response::person();
    let head = journal.checkpoint()?;
    let (login, known_by) = (by.login.raw(), by.known_by.raw());
    let header = Header::new(incident, Time::now(), login, known_by, crate::event::Digest([0; 32]), head);
    let which: BTreeSet<(&str, &'static str)> = terms.iter().map(|(term, why, _)| (term.as_str(), *why)).collect();
    let why = |link: &Link| {
        let mut found = None;
        for line in link.terms.lines() {
            if line == named {
                return Some("incident".to_owned());
            }
            found = found
                .or_else(|| which.range((line, "")..).next().filter(|(term, _)| *term == line).map(|(_, why)| *why));
        }
        found.map(str::to_owned)
    };
    let mut file = BufWriter::new(guard::new_file(path)?);
    let written = journal.prove(header, first, &why, &mut file).and_then(|counts| {
        file.flush()?;
        file.get_ref().sync_all()?;
        Ok(counts)
    });
    let (links, entries) = written.with_context(|| format!("{} cannot be written", path.display()))?;
    out.note(&format!(
        "{}: {entries} entries of {id} with all {links} links from the first of them to the head; check it anywhere with \
         `warroom verify {0}`",
        path.display()
    ));
    if not_here > 0 {
        out.note(&format!("{not_here} bad runs more than can be named are not in it."));
    }
    Ok(Exit::Good)
}
