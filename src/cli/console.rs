//! `warroom console`: the full screen.

use std::time::{Duration, Instant};

use super::config::{Colour, Glyphs};
use super::house::{House, With};
use super::out::Out;
use super::{Common, Exit};
use crate::console::{self, Parts, Settings, Surroundings};

/// How long plain lines wait for the picture to hold all of the journal.
const CATCHING_UP: Duration = Duration::from_secs(10);

/// Arguments of `warroom console`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {}

/// Opens the console.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(_args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    show(House::open(common, With::CONSOLE)?, common, out)
}

/// Shows a house until the person leaves: full screen, or as plain lines once where there can be no full screen.
///
/// # Errors
/// When the terminal cannot be taken over, or nothing can be printed.
pub fn show(house: House, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let settings = settings(&house, common);
    if let Some(told) = house.deliveries_go_elsewhere() {
        out.note(&told);
    }
    let shown = match settings.why_plain(&Surroundings::here()) {
        Some(why) => {
            out.note(&format!("No full screen: {why}."));
            print(&house, out)
        }
        None => full(&house, settings),
    };
    house.close();
    shown
}

fn full(house: &House, settings: Settings) -> anyhow::Result<Exit> {
    let parts = Parts {
        views: house.views(),
        details: house.details(),
        desk: house.desk(),
        lab: house.lab(),
        person: house.person.clone(),
        settings,
    };
    Ok(match console::run(parts)?.code() {
        0 => Exit::Good,
        code => Exit::Ended(code),
    })
}

fn print(house: &House, out: &mut Out) -> anyhow::Result<Exit> {
    let views = house.views();
    let head = house.journal.head()?;
    let patience = Instant::now() + CATCHING_UP;
    while views.borrow().head < head && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(20));
    }
    // What follows from the last entries is derived within moments of them.
    let mut seen = views.borrow().head;
    let mut still = 0;
    while still < 10 && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(50));
        let now = views.borrow().head;
        still = if now == seen { still + 1 } else { 0 };
        seen = now;
    }
    let view = views.borrow().clone();
    let zone = house.config.screen.time_zone.clone().unwrap_or_else(jiff::tz::TimeZone::system);
    for line in console::plain_lines(&view, &zone) {
        out.line(&line)?;
    }
    Ok(Exit::Good)
}

fn settings(house: &House, common: &Common) -> Settings {
    let screen = &house.config.screen;
    let colour = match screen.colour {
        Colour::Auto => "auto",
        Colour::None => "none",
        Colour::Sixteen => "16",
        Colour::TwoHundredFiftySix => "256",
        Colour::True => "truecolor",
    };
    Settings {
        theme: screen.theme.clone(),
        keymap: screen.keymap.clone(),
        colour: Some(colour.to_owned()),
        ascii: match screen.glyphs {
            Glyphs::Auto => None,
            Glyphs::Unicode => Some(false),
            Glyphs::Ascii => Some(true),
        },
        mouse: screen.mouse,
        no_clipboard: !screen.clipboard,
        no_bracketed_paste: !screen.bracketed_paste,
        synchronized: screen.synchronized,
        zone: screen.time_zone.clone(),
        plain: common.plain,
        folder: house.config.file.as_deref().and_then(std::path::Path::parent).map(std::path::Path::to_owned),
        triage: house.config.triage.clone(),
        severity: house.config.severity.clone(),
        hunch_first: house.config.hunch_first,
        state: Some(house.config.state_dir.clone()),
        // Beside the journal and named after it: a draft is of one of its incidents.
        drafts: Some(house.config.journal.with_extension("drafts")),
    }
}
