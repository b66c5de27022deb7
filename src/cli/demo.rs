//! `warroom demo`: a recorded incident, played live on a journal of its own.
//!
//! The bundle is an ordinary one, read by the ordinary reader, recorded by the ordinary way; what is then on the screen is
//! what the engine makes of it. Its times are moved so that it happens now, and its minutes are squeezed into one.

mod play;
mod shift;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use include_dir::{Dir, include_dir};

use super::config::Config;
use super::house::{House, With};
use super::out::Out;
use super::{Common, Exit, console};
use crate::console::{Settings, Surroundings};
use crate::event::Time;
use crate::intake::bundle::{self, Bundle};
use crate::journal::SharedJournal;

static AI: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets/demo/ai");
static INFRA: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets/demo/infra");
static AI_RUNBOOKS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets/demo/runbooks/ai");
static INFRA_RUNBOOKS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets/demo/runbooks/infra");

/// How long a played incident takes on a screen.
const ON_SCREEN: Duration = Duration::from_secs(60);
/// How long without one, where nobody watches.
const OFF_SCREEN: Duration = Duration::from_secs(5);
/// How long plain lines wait for the diagnosis of what was played.
const PATIENCE: Duration = Duration::from_secs(20);

/// Arguments of `warroom demo`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// Which recorded incident
    #[arg(value_enum, default_value_t)]
    pub incident: Incident,
    /// So many times faster than it happened; 1 = as it happened [default: about one minute in all]
    #[arg(long, value_name = "X")]
    pub speed: Option<f64>,
    /// Keeps the demo's journal in the state folder instead of removing it at the end
    #[arg(long)]
    pub keep: bool,
}

/// The recorded incidents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Incident {
    /// A support assistant promises refunds it should not
    #[default]
    #[value(alias = "assistant")]
    Ai,
    /// A shop whose payments fail
    #[value(alias = "shop")]
    Infra,
}

/// Plays it.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    if args.speed.is_some_and(|speed| !(speed.is_finite() && speed > 0.0)) {
        out.note("warroom: --speed must be a number above 0");
        return Ok(Exit::Usage);
    }
    let bundle = unpacked(args.incident)?;
    let mut config = Config::load(common)?;
    // A demo acts on nothing real, whatever is configured.
    config.alertmanager = None;
    let private =
        tempfile::Builder::new().prefix("warroom-demo-").tempdir().context("no private folder for the demo")?;
    let file = if args.keep {
        let name = Time::now().strftime("demo-%Y%m%d-%H%M%S.db").to_string();
        config.state_dir.join(name)
    } else {
        private.path().join("journal.db")
    };
    config.journal.clone_from(&file);
    config.runbooks.dir = vec![private.path().join("runbooks")];
    let runbooks = match args.incident {
        Incident::Ai => &AI_RUNBOOKS,
        Incident::Infra => &INFRA_RUNBOOKS,
    };
    for folder in &config.runbooks.dir {
        std::fs::create_dir(folder).context("no folder for the demo's runbooks")?;
        runbooks.extract(folder).context("the demo's runbooks cannot be unpacked")?;
    }
    let journal: SharedJournal = Arc::new(config.open_journal()?);
    let watched = Settings { plain: common.plain, ..Settings::default() }.why_plain(&Surroundings::here()).is_none();
    let pace = match args.speed {
        Some(speed) => play::Pace::Times(speed),
        None => play::Pace::Within(if watched { ON_SCREEN } else { OFF_SCREEN }),
    };
    let house = House::on(Arc::clone(&journal), config, With::DEMO)?;
    let stop = Arc::new(AtomicBool::new(false));
    let player = {
        let (journal, stop) = (Arc::clone(&journal), Arc::clone(&stop));
        std::thread::Builder::new()
            .name("demo".into())
            .spawn(move || play::play(bundle, &journal, pace, &stop))
            .context("the system gives no thread")?
    };
    if !watched {
        out.note("Playing the recorded incident …");
        while !player.is_finished() {
            std::thread::sleep(Duration::from_millis(50));
        }
        settle(&house)?;
    }
    let screen = console::show(house, common, out);
    stop.store(true, Ordering::Relaxed);
    let ending = player.join().unwrap_or_else(|_| Err(anyhow::anyhow!("the player of the demo ended early")));
    if args.keep {
        out.note(&format!("The demo's journal is {}; `warroom --journal` opens it again.", file.display()));
    }
    let shown = screen?;
    ending.context("the demo could not be played to its end")?;
    Ok(shown)
}

/// The bundle, read from a private folder by the ordinary reader.
fn unpacked(incident: Incident) -> anyhow::Result<Bundle> {
    let folder =
        tempfile::Builder::new().prefix("warroom-demo-").tempdir().context("no private folder for the demo")?;
    let packed = match incident {
        Incident::Ai => &AI,
        Incident::Infra => &INFRA,
    };
    packed.extract(folder.path()).context("the demo cannot be unpacked")?;
    Ok(bundle::read(folder.path())?)
}

/// Waits until the picture holds all that was played and a diagnosis of it.
fn settle(house: &House) -> anyhow::Result<()> {
    let views = house.views();
    let patience = Instant::now() + PATIENCE;
    let mut since = None;
    while Instant::now() < patience {
        let head = house.journal.head()?;
        let view = views.borrow().clone();
        let whole = view.head == head && view.incidents.items.iter().all(|incident| incident.diagnosis.is_some());
        // A diagnosis follows the last news by a second or two: settled is what stays the same for longer.
        match since {
            Some((at, then)) if whole && at == head => {
                if Instant::now().duration_since(then) > Duration::from_secs(4) {
                    break;
                }
            }
            _ => since = Some((head, Instant::now())),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
