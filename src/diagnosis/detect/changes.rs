//! Which change did it: when it began to run, where it runs, what it can cause, and whose words fail.

use std::collections::BTreeSet;

use crate::event::{Cause, Change, ChangeClass, Pointer, Surface, Time, Untrusted};

use super::super::candidate::{Candidate, Finding, Sort};
use super::super::reading::diff::{self, FileDiff, FileKind};
use super::super::reading::effect::effects;
use super::super::reading::inert::{inert, likeness};
use super::super::reading::setting::settings;
use super::super::reading::sign::{self, Effect};
use super::super::reading::telemetry::{Telemetry, short};
use super::super::reading::words::{Rarity, words};
use super::super::scene::Scene;
use super::super::signal::MetricKind;
use super::super::symptoms::Symptoms;

/// Log odds of any one change before looking at it.
const PRIOR: f64 = -3.0;

/// A change read.
struct Read<'a> {
    change: &'a Change,
    diff: Vec<FileDiff>,
    files: Vec<String>,
    words: BTreeSet<String>,
}

/// Where and since when a change runs.
struct Running<'a> {
    /// `None` = its source gave no time: when it arrived says nothing of when it took effect.
    since: Option<Time>,
    component: Option<&'a Untrusted>,
    /// A deploy names it.
    named: bool,
}

/// Judges every change of the scene that is not an AI surface's own.
pub(in super::super) fn look(
    scene: &Scene<'_>,
    symptoms: &Symptoms<'_>,
    telemetry: &Telemetry,
    by_runs: bool,
) -> Vec<Candidate> {
    let (Some(onset), Some(page)) = (symptoms.onset, symptoms.page) else { return Vec::new() };
    let read: Vec<Read<'_>> = scene.changes.iter().map(|change| Read::of(change)).collect();
    let rarity =
        Rarity::of(read.iter().filter(|read| read.change.class != ChangeClass::Deploy).map(|read| &read.words));
    let commits: BTreeSet<&Untrusted> =
        scene.changes.iter().filter(|c| c.class == ChangeClass::Merge).map(|c| &c.id).collect();
    let deploys: Vec<&&Change> = scene
        .changes
        .iter()
        .filter(|change| matches!(change.class, ChangeClass::Deploy | ChangeClass::Rollback))
        .collect();
    let concerned = symptoms.concerned(scene);
    let mut found = Vec::new();
    for read in &read {
        let change = read.change;
        let carried =
            change.class == ChangeClass::Deploy && change.sha.as_ref().is_some_and(|sha| commits.contains(sha));
        let of_runs = matches!(
            change.class,
            ChangeClass::Prompt
                | ChangeClass::Model
                | ChangeClass::Index
                | ChangeClass::Tool
                | ChangeClass::Judge
                | ChangeClass::Routing
        );
        if carried || (by_runs && of_runs) {
            continue;
        }
        let running = running(read, &deploys);
        let mut candidate = Candidate {
            cause: Cause {
                surface: surface(read),
                subject: running.component.cloned().or_else(|| change.subject.clone()),
                change: Some(change.id.clone()),
            },
            sort: Sort::Change,
            mechanism: short(&change.summary).into(),
            prior: PRIOR,
            findings: Vec::new(),
            remedy: Some(if surface(read) == Surface::Config { "config-revert" } else { "rollback" }),
            onset: None,
            together: None,
        };
        if let Some(finding) = timing(&running, change, onset, page) {
            candidate.find(finding);
        }
        candidate.find(carried_by(&running, change, &deploys));
        candidate.find(reach(scene, symptoms, &concerned, running.component));
        candidate.findings.extend(content(read, telemetry, &rarity, symptoms));
        found.push(candidate);
    }
    found
}

impl<'a> Read<'a> {
    fn of(change: &'a Change) -> Self {
        let diff = change.diff.as_ref().map(|diff| diff::parse(diff.raw())).unwrap_or_default();
        let mut files: Vec<String> = change.files.iter().map(|file| file.raw().to_owned()).collect();
        if files.is_empty() {
            files = diff.iter().map(|file| file.path.clone()).filter(|path| !path.is_empty()).collect();
        }
        let mut own = words(change.summary.raw());
        for file in diff.iter().filter(|file| FileKind::of(&file.path).runs()) {
            for line in file.added.iter().chain(&file.removed) {
                own.extend(words(line));
            }
        }
        files.iter().filter(|file| FileKind::of(file).runs()).for_each(|file| own.extend(words(file)));
        for side in [&change.before, &change.after].into_iter().flatten() {
            own.extend([&side.label, &side.text].into_iter().flatten().flat_map(|text| words(text.raw())));
        }
        Self { change, diff, files, words: own }
    }
}

fn surface(read: &Read<'_>) -> Surface {
    let runs: Vec<FileKind> = read.files.iter().map(|file| FileKind::of(file)).filter(|kind| kind.runs()).collect();
    let config = !runs.is_empty() && runs.iter().all(|kind| *kind == FileKind::Config);
    if read.change.surface == Surface::Code && config { Surface::Config } else { read.change.surface }
}

/// A merge runs from the first deploy that names it, else from the next deploy of a component its paths name; anything else at once.
fn running<'a>(read: &Read<'a>, deploys: &[&&'a Change]) -> Running<'a> {
    let change = read.change;
    if change.class != ChangeClass::Merge {
        return Running { since: since(change), component: change.subject.as_ref(), named: true };
    }
    if let Some(deploy) = deploys.iter().find(|deploy| deploy.sha.as_ref() == Some(&change.id)) {
        return Running { since: since(deploy), component: deploy.subject.as_ref(), named: true };
    }
    let paths: BTreeSet<String> = read.files.iter().flat_map(|file| words(file)).collect();
    let later = deploys.iter().find(|deploy| {
        let name = deploy.subject.as_ref().map(|subject| subject.raw().to_ascii_lowercase()).unwrap_or_default();
        !change.untimed
            && deploy.time >= change.time
            && paths.iter().any(|word| word.len() >= 4 && name.contains(word.as_str()))
    });
    match later {
        Some(deploy) => Running { since: since(deploy), component: deploy.subject.as_ref(), named: false },
        None => Running { since: since(change), component: change.subject.as_ref(), named: false },
    }
}

fn since(change: &Change) -> Option<Time> {
    (!change.untimed).then_some(change.time)
}

/// Nothing, of a change whose time is not known: it is as likely to have come then as at any other time.
fn timing(running: &Running<'_>, change: &Change, onset: Time, page: Time) -> Option<Finding> {
    let since = running.since?;
    let gap = onset.duration_since(since).as_secs();
    let late = page.duration_since(since).as_secs() < 0;
    let (weight, text) = match gap {
        _ if late => (-5.0, format!("began to run {} after the page", length(-page.duration_since(since).as_secs()))),
        ..-120 => (-2.5, format!("began to run {} after the first sign", length(-gap))),
        -120..0 => (0.6, format!("began to run with the first sign, {} s after it by the clocks", -gap)),
        0..=600 => (1.8, format!("began to run {} before the first sign", length(gap))),
        601..=1_800 => (1.2, format!("began to run {} before the first sign", length(gap))),
        1_801..=7_200 => (0.2, format!("began to run {} before the first sign", length(gap))),
        7_201..=21_600 => (-0.6, format!("began to run {} before the first sign", length(gap))),
        _ => (-1.6, format!("began to run {} before the first sign", length(gap))),
    };
    Some(Finding::new("timing", weight, text, vec![Pointer::Change { id: change.id.clone() }]))
}

fn carried_by(running: &Running<'_>, change: &Change, deploys: &[&&Change]) -> Finding {
    let (weight, text) = if change.class != ChangeClass::Merge || deploys.is_empty() || running.named {
        (0.0, String::new())
    } else if running.component.is_some() && running.component != change.subject.as_ref() {
        (-1.0, "no deploy names it; a later one may carry it".to_owned())
    } else if change.untimed {
        (-1.0, "no deploy names it, and which ones came later is not known".to_owned())
    } else {
        (-2.2, "no deploy is known to carry it".to_owned())
    };
    Finding::new("deployed", weight, text, vec![Pointer::Change { id: change.id.clone() }])
}

fn reach(
    scene: &Scene<'_>,
    symptoms: &Symptoms<'_>,
    concerned: &BTreeSet<Untrusted>,
    component: Option<&Untrusted>,
) -> Finding {
    let Some(component) = component else { return Finding::new("reach", 0.0, String::new(), Vec::new()) };
    let name = short(component);
    let (weight, text) = if symptoms.first.as_ref() == Some(component) {
        (1.4, format!("{name} is where it began"))
    } else if symptoms.paged.contains(component) {
        (1.1, format!("{name} is paged"))
    } else if concerned.contains(component) {
        (0.7, format!("the paged component depends on {name}"))
    } else if symptoms.errors.contains_key(component) {
        (0.3, format!("{name} fails too"))
    } else if scene.graph.is_empty() {
        (-1.0, format!("{name} is not paged, and no call to it is known"))
    } else {
        (-2.0, format!("the paged component does not depend on {name}"))
    };
    Finding::new("reach", weight, text, Vec::new())
}

/// What the change says and does, against what fails.
fn content(read: &Read<'_>, telemetry: &Telemetry, rarity: &Rarity, symptoms: &Symptoms<'_>) -> Vec<Finding> {
    let pointer = || vec![Pointer::Change { id: read.change.id.clone() }];
    if let Some(why) = inert(&read.files, &read.diff) {
        return vec![Finding::new("inert", -4.0, why.to_owned(), pointer())];
    }
    let mut found = Vec::new();
    let effects = effects(&read.diff);
    let shown: Vec<(Effect, &String, &str)> = effects
        .iter()
        .filter_map(|(effect, line)| Some((*effect, line, sign::shows(*effect, &telemetry.text)?)))
        .collect();
    for (number, (effect, line, word)) in shown.iter().enumerate().take(3) {
        let weight = strength(*effect) / f64::from(1 << number);
        let text = format!(
            "{} (“{}”), and the failing telemetry says “{word}”",
            sign::says(*effect),
            short(&line.as_str().into())
        );
        found.push(Finding::new("effect", weight, text, pointer()));
    }
    if shown.is_empty() && !read.diff.is_empty() {
        let alike = likeness(&read.diff);
        if alike >= 0.75 && settings(&read.diff).is_empty() {
            let text = format!("moves code without changing it: {:.0} % of what went came back", alike * 100.0);
            found.push(Finding::new("likeness", -1.2, text, pointer()));
        } else {
            found.push(Finding::new("effect", -0.5, "nothing it does shows in what fails".into(), pointer()));
        }
    }
    found.extend(shared_words(read, telemetry, rarity));
    found.extend(stack(read, telemetry));
    found.extend(setting_moved(read, symptoms));
    if read.change.diff.is_none() && read.change.class == ChangeClass::Merge {
        found.push(Finding::new("captured", -0.6, "its diff was not captured".into(), pointer()));
    }
    found
}

/// How much an effect that shows is worth: specific ones more than those that many failures look like.
fn strength(effect: Effect) -> f64 {
    match effect {
        Effect::GuardRemoved | Effect::WorkInLoop | Effect::Growth | Effect::Schema => 2.4,
        Effect::ReleaseRemoved | Effect::LogVolume | Effect::LimitChanged | Effect::Locking => 2.0,
        Effect::TimeoutChanged | Effect::RetryChanged | Effect::Cache => 1.4,
        Effect::Trust | Effect::Address | Effect::Pattern => 1.0,
        Effect::Library | Effect::Cpu => 0.4,
    }
}

/// Words of the change that the failing telemetry also says, by how rare they are among the changes.
fn shared_words(read: &Read<'_>, telemetry: &Telemetry, rarity: &Rarity) -> Option<Finding> {
    let mut shared: Vec<(f64, &str, &Pointer)> = read
        .words
        .iter()
        .filter_map(|word| {
            let (weight, pointer) = telemetry.words.get(word)?;
            Some((weight * rarity.weight(word), word.as_str(), pointer))
        })
        .collect();
    shared.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let sum: f64 = shared.iter().take(8).map(|(weight, ..)| weight).sum();
    let weight = (0.3 * sum).min(2.6) - 0.6;
    if shared.is_empty() {
        let text = "shares no telling word with what fails".to_owned();
        return (!read.diff.is_empty())
            .then(|| Finding::new("words", -0.6, text, vec![Pointer::Change { id: read.change.id.clone() }]));
    }
    let said: Vec<String> = shared.iter().take(4).map(|(_, word, _)| short(&(*word).into())).collect();
    let mut look_at = vec![Pointer::Change { id: read.change.id.clone() }];
    look_at.extend(shared.iter().take(2).map(|(.., pointer)| (*pointer).clone()));
    Some(Finding::new("words", weight, format!("shares with what fails: {}", said.join(", ")), look_at))
}

/// A file of the change named in the failing telemetry, as in a stack.
fn stack(read: &Read<'_>, telemetry: &Telemetry) -> Option<Finding> {
    let file = read.files.iter().filter(|file| FileKind::of(file).runs()).find(|file| {
        let low = file.to_ascii_lowercase();
        let name = low.rsplit('/').next().unwrap_or_default();
        telemetry.text.contains(&low) || (name.len() >= 8 && telemetry.text.contains(name))
    })?;
    let text = format!("the failing telemetry names its file {}", short(&file.as_str().into()));
    Some(Finding::new("stack", 2.2, text, vec![Pointer::Change { id: read.change.id.clone() }]))
}

/// A series that measures a limit or setting moved, and the change speaks of it.
fn setting_moved(read: &Read<'_>, symptoms: &Symptoms<'_>) -> Option<Finding> {
    let all = symptoms.series.values().flatten().filter(|series| series.kind == MetricKind::Setting);
    let moved = all.filter(|series| series.left.is_some_and(|(_, z)| z.abs() > 8.0));
    let mut best: Option<(usize, &Untrusted, Time)> = None;
    for series in moved {
        let name = words(series.key.name.raw());
        let shared = name.iter().filter(|word| read.words.contains(*word)).count();
        if shared >= 2 && best.is_none_or(|(most, ..)| shared > most) {
            best = series.left.map(|(at, _)| (shared, &series.key.name, at));
        }
    }
    let (_, name, at) = best?;
    let text = format!("{} itself moved at {}, and the change speaks of it", short(name), at.strftime("%H:%M"));
    Some(Finding::new("setting", 1.5, text, vec![Pointer::Change { id: read.change.id.clone() }]))
}

/// When an operational cause is sure, changes are less likely: added to each.
pub(in super::super) fn set_against(candidates: &mut [Candidate], weight: f64, why: &str) {
    for candidate in candidates.iter_mut().filter(|candidate| candidate.sort == Sort::Change) {
        candidate.find(Finding::new("operational", -weight, why.to_owned(), Vec::new()));
    }
}

/// Whether some change can have done it: what was found speaks on balance for it.
pub(in super::super) fn some_can(candidates: &[Candidate]) -> bool {
    candidates.iter().any(|candidate| candidate.score() > PRIOR + 1.0)
}

fn length(seconds: i64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}
