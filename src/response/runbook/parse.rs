//! From the bytes of a file to a runbook.

use std::collections::BTreeMap;

use crate::event::{Digest, Untrusted};
use crate::intake::limits::{self, size};

use super::blocks;
use super::front::{self, Front};
use super::places::Places;
use super::says::{Says, slug};
use super::steps::Steps;
use super::tree;
use super::types::{Mode, Runbook, TARGET, When};

impl Runbook {
    /// Reads a runbook. `name` is its file below the folder without `.md`, `place` what to call it in messages. Never fails:
    /// what is wrong stands in `findings`, and what could be read is there.
    #[must_use]
    pub fn parse(name: &str, place: &str, built_in: bool, bytes: &[u8]) -> Self {
        let place = Untrusted::from(place);
        let mut says = Says::of(&place);
        let text = decoded(bytes, &mut says);
        let (front, body, first) = parted(&text, &mut says);
        let read = blocks::read(body, first);
        let mut places = Places::of(front.inputs);
        let mut steps = Steps {
            places: &mut places,
            says: &mut says,
            hosts: &front.hosts,
            names: BTreeMap::new(),
            all: Vec::new(),
        };
        for block in &read.blocks {
            steps.add(block);
        }
        let steps = steps.all;
        if read.more > 0 {
            says.error(1, format!("it has {} blocks more than the {} that are read", read.more, limits::RUNBOOK_STEPS));
        }
        let title = front.title.or(read.title.map(Into::into)).unwrap_or_else(|| name.into());
        let mut runbook = Self {
            name: name.into(),
            title,
            place,
            built_in,
            digest: Digest::of(bytes),
            matches: front.matches,
            hosts: front.hosts,
            databases: front.databases,
            inputs: places.into_inputs(),
            escalate: front.escalate,
            rollback: front.rollback,
            steps,
            findings: Vec::new(),
        };
        runbook.cross(&mut says);
        runbook.findings = says.findings;
        runbook
    }

    /// What no single line shows: steps that name others, inputs that nobody uses.
    fn cross(&mut self, says: &mut Says) {
        let known = |name: &Untrusted| self.steps.iter().any(|step| step.name == *name);
        for step in &self.steps {
            for (what, name) in [
                ("rollback", &step.rollback),
                ("verify", &step.verify),
                ("precondition", &step.precondition),
                ("for_each", &step.for_each),
            ] {
                if let Some(name) = name.as_ref().filter(|name| !known(name)) {
                    says.error(step.line.saturating_sub(1), format!("{what}={}: no step has this name", name.raw()));
                }
            }
        }
        for step in &self.steps {
            let line = step.line.saturating_sub(1);
            let targets = step.has_target();
            if let Some(name) = &step.for_each {
                let reads =
                    self.steps.iter().find(|other| other.name == *name).is_none_or(|other| other.mode == Mode::Read);
                if !reads {
                    says.error(
                        line,
                        format!(
                            "for_each={}: that step changes something; one that only reads lists targets",
                            name.raw()
                        ),
                    );
                }
                if !targets {
                    says.error(
                        line,
                        format!("for_each={}: no word of its command is {TARGET}, where each target goes", name.raw()),
                    );
                }
            } else if targets {
                says.error(line, format!("{TARGET} stands for each target, and nothing lists them: for_each=STEP"));
            }
        }
        for point in &mut self.escalate {
            if let When::Before(step) = &mut point.when {
                let named: Untrusted = slug(step.raw()).into();
                if self.steps.iter().any(|step| step.name == named) {
                    *step = named;
                } else {
                    says.error(
                        point.line,
                        format!("before {}: no step has this name, so it holds everywhere", step.raw()),
                    );
                    point.when = When::Always;
                }
            }
        }
        for input in self.inputs.iter().filter(|input| input.declared) {
            if !self.steps.iter().any(|step| step.inputs.contains(&input.name)) {
                says.note(input.line, format!("no step uses the input {}", input.name.raw()));
            }
        }
    }
}

/// The text with line feeds for line ends; empty where it is none.
fn decoded(bytes: &[u8], says: &mut Says) -> String {
    let most = size(limits::RUNBOOK_BYTES);
    if bytes.len() > most {
        says.error(1, format!("it is {} bytes long: a runbook has at most {most}", bytes.len()));
        return String::new();
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n"),
        Err(error) => {
            let before = bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count();
            let line = u32::try_from(before + 1).unwrap_or(u32::MAX);
            says.error(line, format!("byte {} is not UTF-8: save the file as UTF-8", error.valid_up_to()));
            String::new()
        }
    }
}

/// Front matter, the text behind it, and the line in which that begins.
fn parted<'t>(text: &'t str, says: &mut Says) -> (Front, &'t str, u32) {
    let whole = (Front::default(), text, 1);
    let Some(fence @ ("---" | "+++")) = text.lines().next().map(str::trim_end) else { return whole };
    let start = text.find('\n').map_or(text.len(), |at| at + 1);
    // Three dashes are a ruler too; behind one comes a blank line.
    if fence == "---" && text[start..].lines().next().is_none_or(|line| line.trim().is_empty()) {
        return whole;
    }
    let mut at = start;
    for (nth, line) in text[start..].split_inclusive('\n').enumerate() {
        let closes = line.trim_end() == fence || (fence == "---" && line.trim_end() == "...");
        if closes {
            let inner = &text[start..at];
            let read = if fence == "---" { tree::yaml(inner, 2) } else { tree::toml(inner, 2) };
            let front = match read {
                Ok(root) => front::read(&root, says),
                Err((line, what)) => {
                    says.error(line, what);
                    Front::default()
                }
            };
            let behind = u32::try_from(nth).unwrap_or(u32::MAX).saturating_add(3);
            return (front, &text[at + line.len()..], behind);
        }
        at += line.len();
    }
    says.error(1, format!("front matter begins here and is never closed: end it with a line {fence}"));
    whole
}
