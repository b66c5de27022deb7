//! Another system prompt.

use std::collections::BTreeSet;

use crate::event::{ChangeClass, Surface};

use super::super::super::candidate::Finding;
use super::super::super::scene::Scene;
use super::lead::{Lead, logged_finding, nearest, seen, surface};
use super::outcome::{View, clock, say};

/// Most harmless edits carry meaning too: that one does says little.
const SUBSTANCE: f64 = 0.3;
/// A slip of the pen that was mended cannot do anything.
const INERT: f64 = -3.5;

/// System prompts: a new one.
pub(super) fn look(scene: &Scene<'_>, view: &View<'_>) -> Vec<Lead> {
    let values: BTreeSet<_> = view.runs.iter().flat_map(|run| &run.surfaces.prompts).copied().collect();
    let mut found = Vec::new();
    for value in values {
        let flags: Vec<bool> = view.runs.iter().map(|run| run.surfaces.prompts.contains(&value)).collect();
        // Another value may follow later: what counts is that it was not there before and then was, for a while.
        let Some(split) = flags.iter().position(|flag| *flag).filter(|split| *split >= 1) else { continue };
        let before = view.runs[split - 1].surfaces.prompts.iter().next().copied();
        let at = view.runs[split].start;
        let (old, new) = (before.and_then(|d| scene.run_store.prompt(&d)), scene.run_store.prompt(&value));
        let names: BTreeSet<&str> = view.runs.iter().flat_map(|run| [run.agent.raw(), run.service.raw()]).collect();
        let change = nearest(scene, at, |change| {
            let text = change.after.as_ref().and_then(|side| side.text.as_ref());
            let same_text = matches!((text, new), (Some(text), Some(new)) if same_words(text.raw(), new.raw()));
            let same_name = change.subject.as_ref().is_some_and(|subject| names.contains(subject.raw()));
            change.class == ChangeClass::Prompt && (same_text || (text.is_none() && same_name))
        });
        let subject = view.runs.last().map(|run| run.agent.clone());
        let edit = match (old, new) {
            (Some(old), Some(new)) => edit(old.raw(), new.raw()),
            _ => Edit { words: 99, slip: false, example: String::new() },
        };
        let sight = seen(
            format!(
                "the system prompt differs since {} by {} words{}, unseen in {split} runs before",
                clock(at),
                edit.words,
                edit.example
            ),
            view.runs[split],
        );
        let mechanism = "the system prompt says something else".into();
        let mut candidate = surface(Surface::Prompt, subject, change, mechanism, "rollback", sight);
        if edit.slip {
            candidate.find(Finding::new(
                "inert",
                INERT,
                "only the spelling of a word differs: that cannot change what it asks for".into(),
                Vec::new(),
            ));
        } else {
            candidate.find(Finding::new(
                "substance",
                SUBSTANCE,
                "the words that changed carry meaning".into(),
                Vec::new(),
            ));
        }
        let mut lead = Lead::new(view, candidate, split, Some("prompt".into()), |run| &run.surfaces.prompts);
        logged_finding(&mut lead.candidate, scene, at);
        found.push(lead);
    }
    found
}

/// How two prompts differ.
struct Edit {
    words: usize,
    slip: bool,
    example: String,
}

fn edit(old: &str, new: &str) -> Edit {
    let diff = similar::TextDiff::from_words(old, new);
    let changed = |tag| {
        let pieces = diff.iter_all_changes().filter(move |change| change.tag() == tag);
        pieces.map(|change| change.value().trim().to_owned()).filter(|word| !word.is_empty()).collect::<Vec<_>>()
    };
    let (gone, come) = (changed(similar::ChangeTag::Delete), changed(similar::ChangeTag::Insert));
    let letters = |words: &[String]| {
        let mut letters: Vec<char> =
            words.concat().chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        letters.sort_unstable();
        letters
    };
    let one_word = gone.len() == 1 && come.len() == 1;
    let (a, b) = (letters(&gone), letters(&come));
    let near = one_word
        && a.len() >= 5
        && similar::TextDiff::from_chars(gone[0].as_str(), come[0].as_str()).ratio() >= 0.75
        && !differs_in_number(&gone[0], &come[0]);
    let slip = (gone.len() + come.len() > 0 && a == b) || near || (gone.is_empty() && come.is_empty());
    let short =
        |words: &[String]| words.iter().take(6).map(|word| say(&word.as_str().into())).collect::<Vec<_>>().join(" ");
    Edit {
        words: gone.len().max(come.len()), slip, example: format!(" (“{}” → “{}”)", short(&gone), short(&come))
    }
}

fn differs_in_number(a: &str, b: &str) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    digits(a) != digits(b)
}

fn same_words(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}
