//! The loop: keys, pictures, results, signals and timers in; frames out, never more than are worth sending.

mod effects;
mod growing;
mod signals;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::draw::draw;
use super::input::{Decoder, Event, EventSource};
use super::model::{Effect, Model, Msg};
use super::pane::Now;
use super::terminal;
use super::update::update;
use super::wire::Wire;
use super::writer::Writer;
use crate::engine::View;
pub use effects::{Files, Hands};
pub use signals::{Signal, Signals};

/// Frames are at least so far apart: 60 a second, more than any line or eye is served by.
const FRAME: Duration = Duration::from_millis(16);
/// New pictures are taken in at most so often.
const FEED: Duration = Duration::from_millis(220);
/// What is on its way out gets so long when the person leaves.
const PATIENCE: Duration = Duration::from_millis(300);
/// Acts on their way to the desk get so long when the person leaves.
const LAST_ACTS: Duration = Duration::from_secs(3);
/// The same when the terminal went away.
const LAST_ACTS_GONE: Duration = Duration::from_millis(600);

/// How the console was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A person left.
    Quit,
    /// A signal said so: its number.
    Signal(u8),
    /// The terminal is gone.
    TerminalGone,
    /// Nothing was opened: lines were printed instead.
    Plain,
}

impl Ending {
    /// The exit code of a process that ends so.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Quit | Self::Plain => 0,
            Self::Signal(number) => 128 + number,
            Self::TerminalGone => 129,
        }
    }
}

/// Everything the loop works with.
pub struct App<S> {
    /// The state.
    pub model: Model,
    /// Where bytes come from.
    pub source: S,
    /// Where frames go.
    pub writer: Writer,
    /// The pictures.
    pub views: watch::Receiver<Arc<View>>,
    /// What does the effects.
    pub hands: Hands,
    /// What signals say.
    pub signals: Signals,
    /// The screen.
    pub screen: Wire,
    /// What beside the screen is switched on.
    pub modes: terminal::Modes,
    /// When it started.
    pub started: Instant,
}

#[derive(Default)]
struct Timers {
    frame: Option<Instant>,
    feed: Option<Instant>,
    wake: Option<Instant>,
    settle: Option<Instant>,
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

impl<S: EventSource> App<S> {
    fn now(&self) -> Now {
        Now { wall: jiff::Timestamp::now(), mono: self.started.elapsed() }
    }

    /// Runs until it is left.
    pub async fn run(&mut self) -> Ending {
        let mut decoder = Decoder::default();
        let mut timers = Timers::default();
        let mut dirty = true;
        let mut last_frame: Option<Instant> = None;
        let mut last_feed: Option<Instant> = None;
        let mut engine_gone = false;
        loop {
            if dirty && !self.writer.busy() {
                let due = last_frame.map_or_else(Instant::now, |last| last + FRAME);
                if due <= Instant::now() {
                    self.frame();
                    last_frame = Some(Instant::now());
                    dirty = false;
                    timers.frame = None;
                } else {
                    timers.frame = Some(due);
                }
            }
            let mut msgs = Vec::new();
            tokio::select! {
                biased;
                signal = self.signals.next() => match signal {
                    Signal::Quit(number) => return self.end(Ending::Signal(number)).await,
                    Signal::Resize => msgs.push(Msg::Resized(terminal::size())),
                    Signal::Stop => { self.suspend().await; dirty = true; }
                    Signal::Continue => { self.resume().await; dirty = true; }
                    Signal::Reload => msgs.push(Msg::Reload),
                },
                result = self.writer.done() => match result {
                    Err(_) => return self.end(Ending::TerminalGone).await,
                    // Only what is on the screen as it is now counts as seen.
                    Ok(()) if !dirty => msgs.push(Msg::Painted),
                    Ok(()) => {}
                },
                bytes = self.source.next() => match bytes {
                    Some(Ok(bytes)) => {
                        msgs.extend(decoder.feed(&bytes).into_iter().map(Msg::from));
                        timers.settle = decoder.waits().map(|wait| Instant::now() + wait);
                    }
                    None | Some(Err(_)) => return self.end(Ending::TerminalGone).await,
                },
                () = at(timers.settle) => {
                    timers.settle = None;
                    msgs.extend(decoder.settle().into_iter().map(Msg::from));
                }
                msg = self.hands.next() => msgs.push(msg),
                () = at(timers.wake) => {
                    timers.wake = None;
                    msgs.push(Msg::Woken);
                }
                changed = self.views.changed(), if timers.feed.is_none() && !engine_gone => match changed {
                    Ok(()) => timers.feed = Some(last_feed.map_or_else(Instant::now, |last| last + FEED)),
                    Err(_) => {
                        engine_gone = true;
                        msgs.push(Msg::Say("The engine has stopped: the picture stays as it is. Leave and start again.".to_owned()));
                    }
                },
                () = at(timers.feed) => {
                    timers.feed = None;
                    last_feed = Some(Instant::now());
                    let view = self.views.borrow_and_update().clone();
                    msgs.push(Msg::View(view));
                }
                () = at(timers.frame) => timers.frame = None,
            }
            for msg in msgs {
                let painted = matches!(msg, Msg::Painted);
                let now = self.now();
                for effect in update(&mut self.model, msg, now) {
                    match effect {
                        Effect::Quit => return self.end(Ending::Quit).await,
                        Effect::Suspend => {
                            self.suspend().await;
                            Self::stop_process();
                            self.resume().await;
                        }
                        Effect::Redraw => self.screen.forget(),
                        Effect::Wake(after) => {
                            let due = Instant::now() + after;
                            timers.wake = Some(timers.wake.map_or(due, |wake| wake.min(due)));
                        }
                        Effect::Copy(text) => self.copy(&text),
                        effect => self.hands.take(effect, now),
                    }
                }
                dirty |= !painted || self.model.take_repaint();
            }
        }
    }

    fn frame(&mut self) {
        let model = &self.model;
        self.screen.frame(model.size, |buf| draw(model, buf));
        let bytes = self.screen.take();
        if bytes.is_empty() {
            return;
        }
        self.writer.send(bytes);
    }

    fn copy(&mut self, text: &str) {
        if let Some(bytes) = super::clipboard::copy(text) {
            self.screen.pass(&bytes);
        }
    }

    /// Gives the terminal back for a while.
    async fn suspend(&mut self) {
        self.writer.drain(PATIENCE).await;
        let _ = terminal::give_back_now();
    }

    /// Stops this process and all of its group, as ^Z does, until somebody continues it.
    fn stop_process() {
        let _ = rustix::process::kill_current_process_group(rustix::process::Signal::STOP);
    }

    /// Takes the terminal again, whatever was done to it meanwhile.
    async fn resume(&mut self) {
        self.writer.drain(PATIENCE).await;
        let _ = terminal::give_back(|_| Ok(()));
        // While the shell still holds the terminal, taking it fails; a moment later it works.
        for _ in 0..10 {
            if terminal::take().is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.model.size = terminal::size();
        let modes = self.modes.enter();
        self.screen.pass(&modes);
        self.screen.forget();
    }

    /// Leaves: acts that began are finished, the terminal is given back.
    async fn end(&mut self, ending: Ending) -> Ending {
        let gone = ending != Ending::Quit;
        let drained = self.writer.drain(PATIENCE).await;
        if drained {
            let _ = terminal::give_back_now();
        } else {
            // The terminal does not read: cooked mode is all it can be given, writing would wait for ever.
            let _ = terminal::give_back(|_| Ok(()));
        }
        self.hands.finish(if gone { LAST_ACTS_GONE } else { LAST_ACTS }).await;
        ending
    }
}

impl From<Event> for Msg {
    fn from(event: Event) -> Self {
        match event {
            Event::Key(key) => Self::Key(key),
            Event::Paste(text) => Self::Paste(text),
            Event::Wheel(rows) => Self::Wheel(rows),
            Event::Click(x, y) => Self::Click(x, y),
        }
    }
}
