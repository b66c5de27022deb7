//! The full-screen console.
//!
//! **For:** showing one picture of everything to a person, and taking what they decide.
//! **In:** immutable [`View`]s, keys. **Out:** frames, and acts handed to the
//! [`Desk`].
//! **Never:** does I/O while drawing, blocks on anything, changes the world except by sending a decision.
//!
//! The screen is a pure function of the state (law 6): `update(&mut Model, Msg) -> Vec<Effect>`, `draw(&Model)`.
//! One table of actions ([`action`]) feeds dispatch, palette, help, footer and `docs/keys.md`.

pub mod action;
mod app;
mod clipboard;
pub mod cursor;
pub mod details;
pub mod docs;
mod drafts;
mod draw;
mod errand;
pub mod finder;
#[cfg(test)]
mod fixture;
mod freezing;
pub mod glyph;
mod input;
pub mod key;
pub mod keymap;
pub mod layer;
pub mod layers;
pub mod layout;
pub mod model;
mod moment;
mod outcome;
pub mod pane;
pub mod panes;
mod plain;
mod proof;
mod rating;
pub mod safe;
mod settings;
pub mod sheet;
pub mod shelf;
mod sure;
pub mod teams;
mod terminal;
pub mod theme;
mod tty;
mod update;
mod veil;
pub mod widgets;
mod wire;
mod writer;

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::engine::{Details, View};
use crate::event::Person;
use crate::response::Desk;
use crate::response::replay::Lab;

pub use app::Ending;
pub use draw::draw;
pub use plain::lines as plain_lines;
pub use settings::{Settings, Surroundings};
pub use update::update;

/// What the console is made of.
pub struct Parts {
    /// The pictures, newest wins.
    pub views: watch::Receiver<Arc<View>>,
    /// Larger things.
    pub details: Arc<dyn Details>,
    /// Where acts are handed in.
    pub desk: Arc<dyn Desk>,
    /// Where recorded runs are run again.
    pub lab: Arc<dyn Lab>,
    /// Who sits here.
    pub person: Person,
    /// How it behaves.
    pub settings: Settings,
}

/// Runs the console on this terminal until it is left. It has a runtime of its own, so it is called from a thread that
/// is in none. Ask [`Settings::why_plain`] first: where there is a reason, print [`plain_lines`] instead.
///
/// # Errors
/// When the terminal cannot be taken over, or a setting names nothing there is; nothing was changed then.
pub fn run(parts: Parts) -> anyhow::Result<Ending> {
    use anyhow::Context as _;
    let Parts { views, details, desk, lab, person, settings } = parts;
    let here = Surroundings::here();
    if let Some(why) = settings.why_plain(&here) {
        anyhow::bail!("there can be no full screen here: {why}");
    }
    let depth = settings.depth(&here).map_err(anyhow::Error::msg)?;
    let theme = theme::load(settings.theme(), settings.folder.as_deref(), depth).map_err(anyhow::Error::msg);
    let keymap = keymap::Keymap::load(settings.keymap(), settings.folder.as_deref()).map_err(anyhow::Error::msg);
    // A broken file of the person's own must not keep them out at three in the morning: the built-in one, and a word.
    let mut wrong = Vec::new();
    let theme = theme.or_else(|error| {
        wrong.push(format!("{error} (the built-in one is used)"));
        theme::load("dark", None, depth).map_err(anyhow::Error::msg)
    })?;
    let keymap = keymap.or_else(|error| {
        wrong.push(format!("{error} (the built-in one is used)"));
        keymap::Keymap::load("vim", None).map_err(anyhow::Error::msg)
    })?;
    let tree = teams::tree(settings.triage.as_deref()).unwrap_or_else(|error| {
        wrong.push(format!("{error} (the built-in triage walk is used)"));
        crate::surface::triage::Tree::built_in()
    });
    let rubric = teams::rubric(settings.severity.as_deref()).unwrap_or_else(|error| {
        wrong.push(format!("{error} (the built-in severity rubric is used)"));
        crate::surface::severity::Rubric::built_in()
    });

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(8)
        .thread_name("console")
        .build()
        .context("cannot start the console's loop")?;
    terminal::restore_on_panic(settings.state.as_deref());
    let guard = terminal::Guard;
    let ending = runtime.block_on(async {
        let signals = app::Signals::listen().context("cannot listen to signals")?;
        terminal::take().context("cannot take the terminal over")?;
        let source = tty::Tty::open().context("cannot read the terminal")?;
        let writer = writer::Writer::start(writer::Stdout).context("cannot write to the terminal")?;
        let size = terminal::size();
        let modes = terminal::Modes { mouse: settings.mouse, paste: !settings.no_bracketed_paste };
        let mut screen = wire::Wire::new(size, settings.synchronized);
        screen.pass(&modes.enter());
        let setup = model::Setup {
            theme,
            glyphs: if settings.ascii(&here) { &glyph::ASCII } else { &glyph::UNICODE },
            keymap,
            tree,
            rubric,
            endpoints: lab.endpoints(),
            zone: settings.zone.clone().unwrap_or_else(jiff::tz::TimeZone::system),
            may_copy: !settings.no_clipboard,
            person: person.clone(),
            hunch_first: settings.hunch_first,
            panes: panes::all(),
        };
        let mut views = views;
        let first = views.borrow_and_update().clone();
        let now = pane::Now { wall: jiff::Timestamp::now(), mono: std::time::Duration::ZERO };
        let mut model = model::Model::new(setup, size, first, now);
        let drafts = settings.drafts.clone().map(|folder| drafts::Drafts::new(folder, &person));
        if let Some(drafts) = &drafts {
            model.begin_with(drafts.load());
        }
        for what in wrong {
            model.say(what, true);
        }
        let files = app::Files {
            folder: settings.folder.clone(),
            triage: settings.triage.clone(),
            severity: settings.severity.clone(),
            depth,
        };
        let hands = app::Hands::new(details, desk, lab, person, files, drafts);
        let started = Instant::now();
        anyhow::Ok(app::App { model, source, writer, views, hands, signals, screen, modes, started }.run().await)
    });
    drop(guard);
    // Reads that hang (a network file system) must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
    ending
}
