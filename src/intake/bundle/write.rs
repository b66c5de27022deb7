//! A bundle made from the record: what arrived from outside, each fact in the form in which [`super::read()`] takes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{BundleError, TruthFile, file};
use crate::event::{Edge, Fact, Time, Untrusted};
use crate::intake::{alertmanager, change, envelope, openmetrics, otlp};
use crate::journal::{Record, guard};

/// `bundle.json`.
#[derive(Clone, Debug, Serialize)]
pub struct About {
    /// Its name.
    pub name: Untrusted,
    /// `incident`, or another word.
    pub kind: Untrusted,
    /// The moment the responder was paged: nothing later may influence the diagnosis.
    pub as_of: Time,
    /// What else is to be said about it.
    pub note: Untrusted,
}

/// A bundle being written. Its files are private to their owner (0600) and begun when there is something to put in.
#[derive(Debug)]
pub struct Writer {
    folder: PathBuf,
    files: BTreeMap<&'static str, BufWriter<File>>,
    edges: BTreeSet<Edge>,
    written: u64,
}

impl Writer {
    /// Begins a bundle in `folder`, which must not exist yet.
    ///
    /// # Errors
    /// When the folder is already there or cannot be made.
    pub fn begin(folder: &Path) -> Result<Self, BundleError> {
        // Not recursive: a folder that is there already, or a link in its place, is an error.
        let made = std::fs::DirBuilder::new().mode(0o700).create(folder);
        made.map_err(|error| unwritable(folder, error))?;
        Ok(Self { folder: folder.to_owned(), files: BTreeMap::new(), edges: BTreeSet::new(), written: 0 })
    }

    /// Writes what arrived from outside; `record` is the entry of `fact`. What this process derived, and what people
    /// did, has no form in a bundle and is left out.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, record: &Record, fact: &Fact) -> Result<(), BundleError> {
        let own = format!("entry-{}", record.seq.0);
        match fact {
            Fact::Alert(alert) => {
                let class = "org.prometheus.alertmanager.webhook.v4";
                let data = alertmanager::written(alert);
                let subject = alert.subject.as_ref();
                self.event(&envelope::written(&own, "/alerts", class, record.arrived, subject, &data))
            }
            Fact::Change(change) => {
                let (class, data) = change::written(change);
                let (id, origin) = (change.id.raw(), change.origin.raw());
                // A bare CDEvent may leave its source empty; an envelope may not.
                let origin = if origin.is_empty() { "/changes" } else { origin };
                self.event(&envelope::written(id, origin, class, change.time, change.subject.as_ref(), &data))
            }
            Fact::Notice(notice) => {
                let data = serde_json::json!({
                    "provider": notice.provider, "component": notice.component,
                    "status": notice.status, "text": notice.text,
                });
                let class = "com.warroom.status.notice";
                self.event(&envelope::written(notice.id.raw(), "/notices", class, record.at, None, &data))
            }
            Fact::Noted(note) => {
                let data = serde_json::json!({"author": note.author, "text": note.text});
                self.event(&envelope::written(&own, "/notes", "com.warroom.note", record.at, None, &data))
            }
            Fact::Spans(batch) => self.line(file::SPANS, &otlp::write::spans(batch)),
            Fact::Logs(batch) => self.line(file::LOGS, &otlp::write::logs(batch)),
            Fact::Metrics(batch) => {
                for series in &batch.series {
                    for (time, value) in &series.points {
                        self.line(file::METRICS, &openmetrics::written(series, *time, *value))?;
                    }
                }
                Ok(())
            }
            Fact::Topology(topology) => {
                self.written += u64::from(!topology.edges.is_empty());
                self.edges.extend(topology.edges.iter().cloned());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn event(&mut self, line: &str) -> Result<(), BundleError> {
        self.line(file::EVENTS, line)
    }

    fn line(&mut self, name: &'static str, line: &str) -> Result<(), BundleError> {
        self.written += 1;
        self.put(name, |file| writeln!(file, "{line}"))
    }

    /// Writes to the file called `name`, which is begun if need be.
    fn put(
        &mut self,
        name: &'static str,
        write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> Result<(), BundleError> {
        let path = self.folder.join(name);
        let wrong = |error| unwritable(&path, error);
        let file = match self.files.entry(name) {
            std::collections::btree_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                let file = guard::new_file(&path).map_err(|error| wrong(io::Error::other(error)))?;
                place.insert(BufWriter::with_capacity(1 << 16, file))
            }
        };
        write(file).map_err(wrong)
    }

    fn document(&mut self, name: &'static str, what: &impl Serialize) -> Result<(), BundleError> {
        self.put(name, |file| {
            serde_json::to_writer_pretty(&mut *file, what)?;
            writeln!(file)
        })
    }

    /// Finishes it: all of it is on disk when this returns. Says how many lines it holds.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self, about: &About, truth: Option<&TruthFile>) -> Result<u64, BundleError> {
        if self.files.contains_key(file::METRICS) {
            self.put(file::METRICS, |file| writeln!(file, "# EOF"))?;
        }
        let edges = std::mem::take(&mut self.edges);
        if !edges.is_empty() {
            self.document(file::TOPOLOGY, &edges)?;
        }
        if let Some(truth) = truth {
            self.document(file::TRUTH, truth)?;
        }
        // Last: a folder without it is no bundle, so one that was broken off is not taken for a whole one.
        self.document(file::ABOUT, about)?;
        for (name, mut file) in self.files {
            let synced = file.flush().and_then(|()| file.get_ref().sync_all());
            synced.map_err(|error| unwritable(&self.folder.join(name), error))?;
        }
        Ok(self.written)
    }
}

fn unwritable(path: &Path, error: io::Error) -> BundleError {
    BundleError::Unwritable { path: path.to_owned(), error }
}
