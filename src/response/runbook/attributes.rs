//! What stands behind the fence about a step, read one by one, each mistake told with its line.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::event::{Tier, Untrusted};

use super::blocks::Block;
use super::front::{MAX_TIER, host_of, strange_key};
use super::meaning::Meaning;
use super::places::Places;
use super::says::{Says, duration, slug};
use super::types::{Action, Host, Mode, Stage};
use super::words;

/// A step may take at most so long.
pub(super) const MAX_TIMEOUT: Duration = Duration::from_secs(3_600);
/// A stage may be held or awaited at most so long.
const MAX_HOLD: Duration = Duration::from_secs(7 * 86_400);

/// Attributes of a block.
const KEYS: [&str; 17] = [
    "name",
    "mode",
    "hosts",
    "timeout",
    "tier",
    "rollback",
    "verify",
    "dry_run",
    "shell",
    "shared_by",
    "database",
    "share",
    "hold",
    "within",
    "precondition",
    "for_each",
    "says",
];

/// The attributes of one block.
pub(super) struct Attributes<'b> {
    given: BTreeMap<&'b str, &'b str>,
    line: u32,
}

impl<'b> Attributes<'b> {
    /// Those of a block. Attributes of others stand there too; ours are told from them by nearness only.
    pub fn of(block: &'b Block, says: &mut Says) -> Self {
        let given: BTreeMap<&str, &str> =
            block.info.pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        for key in given.keys().filter(|key| !KEYS.contains(key)) {
            strange_key(key, block.line, &KEYS, says);
        }
        Self { given, line: block.line }
    }

    /// One as it stands there.
    pub fn get(&self, key: &str) -> Option<&'b str> {
        self.given.get(key).copied()
    }

    /// One that names a step.
    pub fn step(&self, key: &str) -> Option<Untrusted> {
        self.get(key).map(|name| Untrusted::from(slug(name)))
    }

    pub fn dry_run(&self, places: &mut Places, says: &mut Says) -> Option<Action> {
        match words::command(self.get("dry_run")?, places, self.line) {
            Ok(words) => Some(Action::Command(words)),
            Err(why) => {
                says.error(self.line, format!("dry_run is one command without a shell: {why}"));
                None
            }
        }
    }

    /// What it is as a stage of a rollback.
    pub fn stage(&self, says: &mut Says) -> Stage {
        Stage {
            share: self.share(says),
            hold: self.time("hold", MAX_HOLD, says),
            within: self.time("within", MAX_HOLD, says),
        }
    }

    pub fn meaning(&self, action: &Action, inputs: &[Untrusted], mode: Mode, says: &mut Says) -> Meaning {
        let Some(text) = self.get("says") else { return Meaning::default() };
        match Meaning::parse(text, inputs) {
            Ok(meaning) => {
                if mode == Mode::Write {
                    says.warn(self.line, "says is for steps that only read: what this one answers is no finding");
                } else if let Some(what) = meaning.unfit(action) {
                    says.error(self.line, what);
                }
                meaning
            }
            Err(what) => {
                says.error(self.line, what);
                Meaning::default()
            }
        }
    }

    pub fn hosts(&self, says: &mut Says) -> Vec<Host> {
        let mut hosts = Vec::new();
        for text in self.get("hosts").unwrap_or_default().split([',', ' ']).filter(|text| !text.is_empty()) {
            match host_of(text) {
                Ok(host) => hosts.push(host),
                Err(what) => says.error(self.line, what),
            }
        }
        hosts
    }

    pub fn time(&self, key: &str, most: Duration, says: &mut Says) -> Option<Duration> {
        let text = self.get(key)?;
        match duration(text) {
            Some(time) if time <= most => Some(time),
            Some(_) => {
                says.error(self.line, format!("{key}={text} is longer than {} h", most.as_secs() / 3_600));
                None
            }
            None => {
                says.error(self.line, format!("{key}={text} is no duration: 30s, 10m, 1h30m"));
                None
            }
        }
    }

    pub fn tier(&self, says: &mut Says) -> Option<Tier> {
        let text = self.get("tier")?;
        let tier = text.parse().ok().filter(|tier| *tier <= MAX_TIER).map(Tier);
        if tier.is_none() {
            says.error(self.line, format!("tier={text}: a tier is 0 (reading) to {MAX_TIER} (everywhere, for good)"));
        }
        tier
    }

    fn share(&self, says: &mut Says) -> Option<f64> {
        let text = self.get("share")?;
        let share =
            text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok()).map(|percent| percent / 100.0);
        let share = share.filter(|share| (0.0..=1.0).contains(share));
        if share.is_none() {
            says.error(self.line, format!("share={text}: a share of the traffic is 0% to 100%"));
        }
        share
    }
}
