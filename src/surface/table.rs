//! Runs as a table: what each was made of, which traffic it was and how it ended. What any two moments or slices are compared
//! by, without reading anything again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::event::{Surface, Time, TraceId, Untrusted};

use super::alias::{self, Field};
use super::parts::{joined, parts, shape_name, short};
use super::run::RunFacts;
use super::stop::StopClass;
use super::store::Runs;

/// At most so many scores of one run are kept.
const MAX_SCORES: usize = 20;
/// At most so many different parts are told apart, such as the results of so many tools; more are counted.
const MAX_COLUMNS: usize = 200;

/// A value of the table, by number: each text is held once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(u32);

/// A part of what runs are made of, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartId(u16);

/// One run of the table.
#[derive(Clone, Debug)]
pub struct RunRow {
    /// Its trace.
    pub trace: TraceId,
    /// Start.
    pub at: Time,
    /// How it ended.
    pub stop: StopClass,
    /// Whether anything says that it went wrong; `None` = nothing tells.
    pub bad: Option<bool>,
    /// Its agent.
    pub agent: ValueId,
    /// The component that sent it.
    pub service: ValueId,
    /// The rule that says how it ended.
    pub rule: ValueId,
    /// Its traffic: slice and value.
    pub slices: Vec<(&'static str, ValueId)>,
    /// What it was made of: part and value. What is not named was not captured.
    pub parts: Vec<(PartId, ValueId)>,
    /// Scores of what it retrieved, the first of them.
    pub scores: Vec<f64>,
}

impl RunRow {
    /// Its value of a part.
    #[must_use]
    pub fn part(&self, part: PartId) -> Option<ValueId> {
        self.parts.iter().find(|(own, _)| *own == part).map(|(_, value)| *value)
    }

    /// Its value of a slice.
    #[must_use]
    pub fn slice(&self, slice: &str) -> Option<ValueId> {
        self.slices.iter().find(|(own, _)| *own == slice).map(|(_, value)| *value)
    }
}

/// The table.
#[derive(Clone, Debug, Default)]
pub struct RunTable {
    /// The runs, oldest first.
    pub rows: Vec<RunRow>,
    /// Runs that are older than those of the table, and parts beyond the most that are told apart.
    pub left_out: u64,
    values: Vec<Untrusted>,
    numbers: HashMap<Untrusted, ValueId>,
    parts: Vec<(Surface, Untrusted)>,
    texts: BTreeMap<(PartId, ValueId), Untrusted>,
}

/// Which runs to take: all conditions hold together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chosen {
    /// Not before.
    pub from: Option<Time>,
    /// Not at or after.
    pub until: Option<Time>,
    /// Of those that are left at most so many, the newest.
    pub newest: Option<usize>,
    /// Slice, `agent`, `stop` or part, and how its value begins, whatever the case.
    pub with: Vec<(String, String)>,
}

impl RunTable {
    /// The runs in view.
    #[must_use]
    pub fn of(runs: &Runs) -> Self {
        let facts = runs.between(Time::MIN, Time::MAX);
        let near: Vec<&RunFacts> = facts.iter().collect();
        let mut table = Self { left_out: runs.forgotten(), ..Self::default() };
        let (prompts, definitions) = runs.texts();
        let texts: BTreeMap<Untrusted, &Untrusted> =
            prompts.iter().chain(definitions).map(|(digest, text)| (short(digest), text)).collect();
        for (run, parts) in near.iter().zip(parts(&near)) {
            let named = parts.into_iter().filter(|(_, part, _)| part.raw() != "prompt");
            // For a reader version and text are two things: one can move under the other.
            let version = joined(run.surfaces.prompt_versions.iter().cloned());
            let text = joined(run.surfaces.prompts.iter().map(short));
            let prompt = [("prompt version", version), ("prompt text", text)]
                .into_iter()
                .filter_map(|(part, value)| Some((Surface::Prompt, Untrusted::from(part), value?)));
            let mut own = Vec::new();
            for (surface, part, value) in prompt.chain(named) {
                let Some(part) = table.part_id(surface, &part) else { continue };
                let id = table.value_id(&value);
                own.push((part, id));
                if let Some(text) = texts.get(&value) {
                    table.texts.entry((part, id)).or_insert_with(|| (*text).clone());
                }
            }
            table.note_shapes(run);
            let bad =
                run.evaluations.iter().any(|one| one.passed().is_some()) || run.stop.class != StopClass::NotCaptured;
            let row = RunRow {
                trace: run.trace,
                at: run.start,
                stop: run.stop.class,
                bad: bad.then(|| run.bad().is_some()),
                agent: table.value_id(&run.agent),
                service: table.value_id(&run.service),
                rule: table.value_id(&run.stop.rule),
                slices: run.slices.iter().map(|(slice, value)| (*slice, table.value_id(value))).collect(),
                parts: own,
                scores: run.retrievals.iter().flat_map(|one| one.scores.iter().copied()).take(MAX_SCORES).collect(),
            };
            table.rows.push(row);
        }
        table
    }

    /// The fields of the results whose structure is a value of the table.
    fn note_shapes(&mut self, run: &RunFacts) {
        for (tool, _, shape) in &run.calls {
            let Some(shape) = shape.as_deref().filter(|shape| !shape.fields.is_empty()) else { continue };
            let part = self.part_id(Surface::Tool, &super::parts::result_of(tool));
            let value = self.numbers.get(&shape_name(shape)).copied();
            if let (Some(part), Some(value)) = (part, value) {
                self.texts.entry((part, value)).or_insert_with(|| shape.fields.join("\n").into());
            }
        }
    }

    fn part_id(&mut self, surface: Surface, part: &Untrusted) -> Option<PartId> {
        let known = self.parts.iter().position(|(own, name)| *own == surface && name == part);
        if known.is_none() && self.parts.len() >= MAX_COLUMNS {
            self.left_out += 1;
            return None;
        }
        let at = known.unwrap_or_else(|| {
            self.parts.push((surface, part.clone()));
            self.parts.len() - 1
        });
        u16::try_from(at).ok().map(PartId)
    }

    fn value_id(&mut self, value: &Untrusted) -> ValueId {
        if let Some(id) = self.numbers.get(value) {
            return *id;
        }
        let id = ValueId(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        self.values.push(value.clone());
        self.numbers.insert(value.clone(), id);
        id
    }

    /// A value's text.
    #[must_use]
    pub fn value(&self, id: ValueId) -> Untrusted {
        usize::try_from(id.0).ok().and_then(|at| self.values.get(at)).cloned().unwrap_or_default()
    }

    /// What a part is called, and the surface it is of.
    #[must_use]
    pub fn part(&self, part: PartId) -> Option<&(Surface, Untrusted)> {
        self.parts.get(usize::from(part.0))
    }

    /// The part of that name.
    #[must_use]
    pub fn part_named(&self, name: &str) -> Option<PartId> {
        let at = self.parts.iter().position(|(_, part)| part.raw() == name)?;
        u16::try_from(at).ok().map(PartId)
    }

    /// Every part, in the order in which surfaces are asked about.
    #[must_use]
    pub fn all_parts(&self) -> Vec<PartId> {
        let rank = |surface: Surface| Surface::ALL.iter().position(|known| *known == surface);
        let mut all: Vec<PartId> = (0..self.parts.len()).filter_map(|at| u16::try_from(at).ok().map(PartId)).collect();
        all.sort_by_key(|part| self.part(*part).map(|(surface, name)| (rank(*surface), is_result(name), name.clone())));
        all
    }

    /// The whole text behind a value: a prompt, tool definitions, the fields of a result. `None` = it was not captured, or the
    /// value says all there is.
    #[must_use]
    pub fn text(&self, part: PartId, value: ValueId) -> Option<&Untrusted> {
        self.texts.get(&(part, value))
    }

    /// The run of a trace.
    #[must_use]
    pub fn row(&self, trace: TraceId) -> Option<&RunRow> {
        self.rows.iter().find(|row| row.trace == trace)
    }

    /// The runs that are chosen, oldest first.
    #[must_use]
    pub fn choose(&self, chosen: &Chosen) -> Vec<&RunRow> {
        let tests: Vec<_> = chosen.with.iter().map(|(name, begins)| (name, self.values_that_begin(begins))).collect();
        let mut rows: Vec<&RunRow> = self
            .rows
            .iter()
            .filter(|row| chosen.from.is_none_or(|from| row.at >= from))
            .filter(|row| chosen.until.is_none_or(|until| row.at < until))
            .filter(|row| tests.iter().all(|(name, values)| self.is(row, name, values)))
            .collect();
        if let Some(newest) = chosen.newest {
            rows.drain(..rows.len().saturating_sub(newest));
        }
        rows
    }

    fn values_that_begin(&self, begins: &str) -> (String, BTreeSet<ValueId>) {
        let begins = begins.to_lowercase();
        let found = (0u32..).zip(&self.values).filter(|(_, value)| value.raw().to_lowercase().starts_with(&begins));
        let ids = found.map(|(at, _)| ValueId(at)).collect();
        (begins, ids)
    }

    fn is(&self, row: &RunRow, name: &str, (begins, values): &(String, BTreeSet<ValueId>)) -> bool {
        match name {
            "agent" => values.contains(&row.agent),
            "service" => values.contains(&row.service),
            "stop" => row.stop.name().starts_with(begins) || row.stop.code().starts_with(begins),
            _ => {
                let of_part = || self.part_named(name).and_then(|part| row.part(part));
                row.slice(name).or_else(of_part).is_some_and(|value| values.contains(&value))
            }
        }
    }

    /// What can stand before the `=` of a choice: slices and parts that runs carry.
    #[must_use]
    pub fn names(&self) -> BTreeSet<Untrusted> {
        let slices = self.rows.iter().flat_map(|row| &row.slices).map(|(slice, _)| Untrusted::from(*slice));
        slices.chain(self.parts.iter().map(|(_, part)| part.clone())).chain(["agent".into(), "stop".into()]).collect()
    }
}

/// What a reader asks about of every run, part by part, with the attribute that would carry it.
const EXPECTED: [(Surface, &str, Field); 10] = [
    (Surface::Model, "model asked for", Field::ModelAsked),
    (Surface::Model, "served model", Field::ModelServed),
    (Surface::Model, "parameters", Field::Temperature),
    (Surface::Prompt, "prompt version", Field::PromptVersion),
    (Surface::Prompt, "prompt text", Field::PromptText),
    (Surface::Retrieval, "retrieval source", Field::RetrievalSource),
    (Surface::Retrieval, "index version", Field::IndexVersion),
    (Surface::Tool, "tool definitions", Field::Tools),
    (Surface::Judge, "judge", Field::EvaluationName),
    (Surface::Judge, "judge configuration", Field::JudgeModel),
];

impl RunTable {
    /// Parts that a reader asks about and none of these runs carries, with the attribute that would.
    #[must_use]
    pub fn not_captured(&self, rows: &[&RunRow]) -> Vec<(Surface, &'static str, &'static str)> {
        let carried = |name: &str| {
            let part = self.part_named(name);
            part.is_some_and(|part| rows.iter().any(|row| row.part(part).is_some()))
        };
        EXPECTED
            .into_iter()
            .filter(|(_, name, _)| !carried(name))
            .map(|(surface, name, field)| (surface, name, alias::names(field).first().map_or("", String::as_str)))
            .collect()
    }
}

/// Whether a part is the structure of a tool's results: one for each tool.
pub(super) fn is_result(part: &Untrusted) -> bool {
    part.raw().starts_with("result of ")
}
