//! What a run is made of, as parts with one value each: what is compared, and what can be new.

use std::collections::BTreeSet;

use crate::event::{Digest, Surface, Untrusted};

use super::history::versions_tell;
use super::run::RunFacts;
use super::shape::Shape;

/// At most so many values of one part are written out; more are counted.
const WRITTEN: usize = 4;

/// One part of a run and its value.
pub(super) type Part = (Surface, Untrusted, Untrusted);

/// The name of the part that holds what a tool answers.
#[must_use]
pub fn result_of(tool: &Untrusted) -> Untrusted {
    format!("result of {}", tool.raw()).into()
}

/// The parts of each run that were captured, in the order of `runs`.
pub(super) fn parts(runs: &[&RunFacts]) -> Vec<Vec<Part>> {
    let versions = versions_tell(runs.iter().copied());
    runs.iter().map(|run| of(run, versions)).collect()
}

fn of(run: &RunFacts, versions: bool) -> Vec<Part> {
    let surfaces = &run.surfaces;
    let prompts = if versions || surfaces.prompts.is_empty() {
        joined(surfaces.prompt_versions.iter().cloned())
    } else {
        joined(surfaces.prompts.iter().map(short))
    };
    let judges: BTreeSet<&Untrusted> = run.evaluations.iter().map(|evaluation| &evaluation.name).collect();
    let judged_by: BTreeSet<Untrusted> = run
        .evaluations
        .iter()
        .filter_map(|one| Some(format!("{}: {}", one.name.raw(), one.by.as_ref()?.raw()).into()))
        .collect();
    let fixed = [
        (Surface::Model, "model asked for", joined(surfaces.asked.iter().cloned())),
        (Surface::Model, "served model", joined(surfaces.served.iter().cloned())),
        (Surface::Model, "parameters", joined(surfaces.parameters.iter().cloned())),
        (Surface::Prompt, "prompt", prompts),
        (Surface::Tool, "tool definitions", joined(surfaces.tools.iter().map(short))),
        (Surface::Retrieval, "retrieval source", joined(surfaces.sources.iter().cloned())),
        (Surface::Retrieval, "index version", joined(surfaces.indexes.iter().cloned())),
        (Surface::Judge, "judge", joined(judges.into_iter().cloned())),
        (Surface::Judge, "judge configuration", joined(judged_by)),
    ];
    let mut found: Vec<Part> =
        fixed.into_iter().filter_map(|(surface, part, value)| Some((surface, Untrusted::from(part), value?))).collect();
    let tools: BTreeSet<&Untrusted> = run.calls.iter().map(|(tool, ..)| tool).collect();
    for tool in tools {
        let own = run.calls.iter().filter(|(name, ..)| name == tool).filter_map(|(.., shape)| shape.as_deref());
        let shapes: BTreeSet<Untrusted> = own.map(shape_name).collect();
        found.extend(joined(shapes).map(|value| (Surface::Tool, result_of(tool), value)));
    }
    found
}

/// A structure in few words: two with the same words have the same fields.
pub(super) fn shape_name(shape: &Shape) -> Untrusted {
    let print = short(&Digest::of(shape.fields.join("\n").as_bytes()));
    match shape.fields.len() {
        0 => Untrusted::from(&*shape.kind),
        n => {
            let more = if shape.cut { "the first " } else { "" };
            format!("{} of {more}{n} fields, {}", shape.kind, &print.raw()[..6]).into()
        }
    }
}

/// The beginning of a digest, by which a text is known.
pub(super) fn short(digest: &Digest) -> Untrusted {
    hex::encode(&digest.0[..6]).into()
}

/// Several values of one run are one value together; none is not captured.
pub(super) fn joined(values: impl IntoIterator<Item = Untrusted>) -> Option<Untrusted> {
    let mut values = values.into_iter();
    let first = values.next()?;
    let rest: Vec<Untrusted> = values.collect();
    if rest.is_empty() {
        return Some(first);
    }
    let shown: Vec<&str> = std::iter::once(&first).chain(&rest).take(WRITTEN).map(Untrusted::raw).collect();
    let more = (rest.len() + 1).saturating_sub(WRITTEN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!("{}{more}", shown.join(" + ")).into())
}
