//! Runs as they are read, put into columns.

use crate::event::Untrusted;

use crate::surface::parts::Part;
use crate::surface::run::RunFacts;

use super::columns::{Columns, Row};

/// Columns of `runs`, each made of the `parts` at its place; whether a run was bad is what `bad` says of it.
pub(in crate::surface) fn columns_of(
    runs: &[&RunFacts],
    parts: &[Vec<Part>],
    bad: impl Fn(&RunFacts) -> Option<bool>,
) -> Columns {
    let mut columns = Columns::new();
    let agent = Untrusted::from("agent");
    let mut names: std::collections::BTreeMap<&'static str, Untrusted> = std::collections::BTreeMap::new();
    for slice in runs.iter().flat_map(|run| run.slices.keys()) {
        names.entry(slice).or_insert_with(|| (*slice).into());
    }
    for (run, parts) in runs.iter().zip(parts) {
        let slices = run.slices.iter().filter_map(|(slice, value)| Some((names.get(slice)?, value)));
        columns.push(&Row {
            at: run.start,
            bad: bad(run),
            surfaces: parts.iter().map(|(surface, part, value)| (*surface, part, value)).collect(),
            // Runs of another agent are other traffic.
            slices: slices.chain([(&agent, &run.agent)]).collect(),
        });
    }
    columns
}
