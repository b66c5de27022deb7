//! What is done off the drawing thread: reading larger things, handing acts to the desk, reading files.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::growing::Growing;
use crate::console::details::{Detail, Want};
use crate::console::drafts::{Begun, Drafts};
use crate::console::errand::{Errand, Found};
use crate::console::keymap::Keymap;
use crate::console::model::{Again, Effect, Msg};
use crate::console::pane::Now;
use crate::console::teams;
use crate::console::theme::{self, Depth};
use crate::engine::Details;
use crate::event::{IncidentId, Person, Seq, Time, Untrusted};
use crate::response::replay::Lab;
use crate::response::{Act, Desk};

/// So many reads at once.
const READS: usize = 4;
/// So many acts wait for the desk; more are refused with a word.
const ACTS: usize = 64;

/// What does the effects, on blocking threads.
pub struct Hands {
    details: Arc<dyn Details>,
    desk: Arc<dyn Desk>,
    lab: Arc<dyn Lab>,
    person: Person,
    files: Files,
    back: Sender<Msg>,
    results: Receiver<Msg>,
    reads: VecDeque<(Want, Seq)>,
    reading: usize,
    acts: VecDeque<(IncidentId, Act, Time)>,
    acting: bool,
    /// Acts that run beside the others.
    running: usize,
    extra: VecDeque<Msg>,
    drafts: Option<Drafts>,
    /// Drafts to be written; the newest text of each.
    begun: Begun,
    drafting: bool,
}

/// Files of the person's own, which are read again when they ask.
#[derive(Clone, Debug)]
pub struct Files {
    /// The folder with `themes/` and `keymaps/`.
    pub folder: Option<PathBuf>,
    /// The tree of the triage walk.
    pub triage: Option<PathBuf>,
    /// The rubric for severity.
    pub severity: Option<PathBuf>,
    /// How many colours a theme has.
    pub depth: Depth,
}

impl Hands {
    /// Hands that read from `details`, act at `desk` and in `lab` as `person`, and keep their drafts in `drafts`.
    #[must_use]
    pub fn new(
        details: Arc<dyn Details>,
        desk: Arc<dyn Desk>,
        lab: Arc<dyn Lab>,
        person: Person,
        files: Files,
        drafts: Option<Drafts>,
    ) -> Self {
        let (back, results) = channel(READS + 4);
        Self {
            details,
            desk,
            lab,
            person,
            files,
            back,
            results,
            reads: VecDeque::new(),
            reading: 0,
            acts: VecDeque::new(),
            acting: false,
            running: 0,
            extra: VecDeque::new(),
            drafts,
            begun: Begun::new(),
            drafting: false,
        }
    }

    /// Takes an effect on. Acts keep their order and go one at a time; the time of an act is the moment of its key.
    pub fn take(&mut self, effect: Effect, now: Now) {
        match effect {
            Effect::Fetch(want, through) => {
                self.reads.push_back((want, through));
                self.read_on();
            }
            // What may take minutes goes beside the others: whoever wants to stop it must not wait for it.
            Effect::Perform(incident, act) if act.runs() => {
                let (desk, person) = (self.desk.clone(), self.person.clone());
                self.running += 1;
                self.spawn(move || {
                    let result = desk.perform(incident, act, &person, now.wall).map_err(|error| format!("{error:#}"));
                    Msg::Ran(incident, result)
                });
            }
            Effect::Perform(incident, act) => {
                if self.acts.len() >= ACTS {
                    let error = "too much waits for the journal already; this was not even tried".to_owned();
                    self.extra.push_back(Msg::Performed(incident, Err(error)));
                } else {
                    self.acts.push_back((incident, act, now.wall));
                    self.act_on();
                }
            }
            Effect::Draft(incident, kind, text) => {
                self.begun.insert((incident, kind), text);
                self.draft_on();
            }
            Effect::ViewAt(moment) => {
                let details = self.details.clone();
                self.spawn(move || {
                    let view = details.view_at(moment).map(Arc::new);
                    Msg::Wound(moment, view.map_err(|error| words(&error)))
                });
            }
            Effect::Reload { theme, keymap } => {
                let Files { folder, triage, severity, depth } = self.files.clone();
                self.spawn(move || {
                    let mut wrong = Vec::new();
                    let theme = theme::load(&theme, folder.as_deref(), depth).map_err(|what| wrong.push(what)).ok();
                    let keymap = Keymap::load(&keymap, folder.as_deref()).map_err(|what| wrong.push(what)).ok();
                    let tree = teams::tree(triage.as_deref()).map_err(|what| wrong.push(what)).ok();
                    let rubric = teams::rubric(severity.as_deref()).map_err(|what| wrong.push(what)).ok();
                    Msg::Reloaded(Again { theme, keymap, tree, rubric, wrong }.into())
                });
            }
            Effect::Errand(errand) => self.run_errand(*errand, now),
            // The loop does these itself.
            Effect::Copy(_) | Effect::Wake(_) | Effect::Suspend | Effect::Redraw | Effect::Quit => {}
        }
    }

    fn spawn(&self, work: impl FnOnce() -> Msg + Send + 'static) {
        let back = self.back.clone();
        tokio::task::spawn_blocking(move || {
            // The loop may have been left; then nobody waits for the answer.
            let _ = back.blocking_send(work());
        });
    }

    /// Asks in the lab. What an experiment says while it runs comes back on the same way; news that find no room are lost: the
    /// record has what counts.
    fn run_errand(&mut self, errand: Errand, now: Now) {
        self.running += usize::from(matches!(errand, Errand::RunStep(..)));
        let (lab, person, back) = (self.lab.clone(), self.person.clone(), self.back.clone());
        let desk = self.desk.clone();
        let words = |error: anyhow::Error| Untrusted::from(format!("{error:#}"));
        self.spawn(move || {
            Msg::Found(Box::new(match errand {
                Errand::Survey { incident, before, since } => Found::Survey(incident, lab.survey(&before, &since)),
                Errand::Prepare(order) => {
                    let ready = lab.prepare(&order, &person).map(Box::new).map_err(words);
                    Found::Ready(order, ready)
                }
                Errand::Begin(ready) => {
                    let (incident, replay) = (ready.asked.incident, ready.asked.replay);
                    let told =
                        move |news| drop(back.try_send(Msg::Found(Box::new(Found::News(incident, replay, news)))));
                    Found::Begun(incident, replay, lab.begin(&ready, Box::new(told)).map_err(words))
                }
                Errand::Offer(incident, facts) => {
                    Found::Offered(incident, desk.offered(incident, &facts).map_err(words))
                }
                Errand::StopList => Found::StopList(desk.stops()),
                Errand::RunStep(incident, at, stop) => {
                    let watch = Growing::new(back, stop.clone());
                    let result = desk.look(incident, &at, &person, now.wall, &watch);
                    Found::StepOver(incident, stop, watch.grown(), result.map_err(words))
                }
                Errand::Stop(incident, replay) => Found::Stopped(incident, lab.stop(replay).map_err(words)),
            }))
        });
    }

    fn read_on(&mut self) {
        while self.reading < READS {
            let Some((want, through)) = self.reads.pop_front() else { return };
            self.reading += 1;
            let details = self.details.clone();
            self.spawn(move || {
                let result = fetch(details.as_ref(), &want, through).map_err(|error| words(&error));
                Msg::Fetched(want, through, result)
            });
        }
    }

    fn act_on(&mut self) {
        if self.acting {
            return;
        }
        let Some((incident, act, now)) = self.acts.pop_front() else { return };
        self.acting = true;
        let (desk, person) = (self.desk.clone(), self.person.clone());
        self.spawn(move || {
            let result = desk.perform(incident, act, &person, now).map_err(|error| format!("{error:#}"));
            Msg::Performed(incident, result)
        });
    }

    /// Writes drafts down, all that wait at once: fast typing costs no more writes than the disk takes.
    fn draft_on(&mut self) {
        let Some(drafts) = self.drafts.clone() else { return self.begun.clear() };
        if self.drafting || self.begun.is_empty() {
            return;
        }
        self.drafting = true;
        let begun = std::mem::take(&mut self.begun);
        self.spawn(move || {
            let results = begun.iter().map(|((incident, kind), text)| drafts.keep(*incident, kind, text));
            Msg::Drafted(results.fold(Ok(()), std::io::Result::and).map_err(|error| error.to_string()))
        });
    }

    /// The next thing that came back.
    pub async fn next(&mut self) -> Msg {
        if let Some(msg) = self.extra.pop_front() {
            return msg;
        }
        // The sender is kept beside the receiver, so this never ends.
        let Some(msg) = self.results.recv().await else { return std::future::pending().await };
        match &msg {
            Msg::Fetched(..) => {
                self.reading -= 1;
                self.read_on();
            }
            Msg::Performed(..) => {
                self.acting = false;
                self.act_on();
            }
            Msg::Ran(..) => self.running -= 1,
            Msg::Found(found) if matches!(**found, Found::StepOver(..)) => self.running -= 1,
            Msg::Drafted(_) => {
                self.drafting = false;
                self.draft_on();
            }
            _ => {}
        }
        msg
    }

    /// Stops what runs, and waits for the acts that began and the drafts, at most so long.
    pub async fn finish(&mut self, patience: Duration) {
        self.desk.leave();
        let all = async {
            while self.acting || !self.acts.is_empty() || self.drafting || self.running > 0 {
                self.next().await;
            }
        };
        let _ = tokio::time::timeout(patience, all).await;
    }
}

fn words(error: &anyhow::Error) -> Untrusted {
    format!("{error:#}").into()
}

fn fetch(details: &dyn Details, want: &Want, through: Seq) -> anyhow::Result<Detail> {
    let found = match want {
        Want::Alert(fingerprint) => details.alert(fingerprint, through)?.map(|it| Detail::Alert(Box::new(it))),
        Want::Run(trace) => details.run(*trace, through)?.map(|it| Detail::Run(Box::new(it))),
        Want::Runs => Some(Detail::Runs(Box::new(details.runs(through)?))),
        Want::Change(id) => details.change(id.raw(), through)?.map(|it| Detail::Change(Box::new(it))),
        Want::Plan(plan) => details.plan(*plan, through)?.map(|it| Detail::Plan(Box::new(it))),
        Want::Harm(bad) => Some(Detail::Harm(Box::new(details.harm(bad, through)?))),
        Want::Entry(seq) => details.entry(*seq)?.map(|it| Detail::Entry(it.into())),
    };
    Ok(found.unwrap_or(Detail::Absent))
}
