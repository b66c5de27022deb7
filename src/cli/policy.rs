//! `warroom policy`: what the rules of tiers and approvals say, without doing anything.

use std::collections::BTreeSet;

use anyhow::{bail, ensure};
use clap::{Subcommand, ValueEnum};

use super::config::Config;
use super::out::Out;
use super::{Common, Exit, hands};
use crate::event::Time;
use crate::response;
use crate::response::policy::{Around, Facts, Rules, Ruling, WIDEST};
use crate::response::runbook::Effect;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Reads the rules and says whether they hold together
    Check,
    /// Says how wide an action like this reaches, why, and what it takes to approve it
    Explain(Explain),
}

/// An action to be judged.
#[derive(Debug, clap::Args)]
struct Explain {
    /// What it does: run, silence, send, call
    #[arg(long, default_value = "run")]
    verb: String,
    /// How many single things it touches
    #[arg(long, default_value_t = 1)]
    targets: usize,
    /// How many of them are outside of the incident
    #[arg(long, default_value_t = 0)]
    outside: usize,
    /// How many of them are critical
    #[arg(long, default_value_t = 0)]
    critical: usize,
    /// For how many minutes it holds
    #[arg(long, default_value_t = 0)]
    minutes: u32,
    /// Where: production, staging or test
    #[arg(long)]
    environment: Option<String>,
    /// Whether it can be undone
    #[arg(long, value_enum)]
    reversible: Option<YesNo>,
    /// What it does besides, such as `deploys` or `deletes_data`; may be given again
    #[arg(long = "effect", value_name = "EFFECT")]
    effects: Vec<String>,
    /// What an earlier step of the same incident did; may be given again
    #[arg(long = "earlier", value_name = "EFFECT")]
    earlier: Vec<String>,
    /// The tier its runbook names
    #[arg(long, default_value_t = 0)]
    declared: u8,
    /// Text from outside is part of it
    #[arg(long)]
    tainted: bool,
    /// A model proposed it
    #[arg(long)]
    by_model: bool,
    /// Its effect is only to read
    #[arg(long)]
    reads: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum YesNo {
    Yes,
    No,
}

/// Checks or explains. Exit code 0: the rules hold together; 1: they cannot be read.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub(super) fn run(args: Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let rules = hands::rules(&Config::load(common)?);
    match args.what {
        What::Check => check(&rules, out),
        What::Explain(explain) => explain.run(&rules, out),
    }
}

fn check(rules: &Rules, out: &mut Out) -> anyhow::Result<Exit> {
    match rules.trouble() {
        None => {
            out.line(&format!("{} hold together", rules.version().raw()))?;
            Ok(Exit::Good)
        }
        Some(why) => {
            out.line(&format!("nothing is approved while the rules cannot be read:\n  {why}"))?;
            Ok(Exit::FoundWrong)
        }
    }
}

fn effects(words: &[String]) -> anyhow::Result<BTreeSet<Effect>> {
    let known = || Effect::ALL.map(Effect::word).join(", ");
    words
        .iter()
        .map(|word| match Effect::of_word(word) {
            Some(effect) => Ok(effect),
            None => bail!("no effect is called {word:?}: {}", known()),
        })
        .collect()
}

impl Explain {
    fn run(self, rules: &Rules, out: &mut Out) -> anyhow::Result<Exit> {
        ensure!(self.declared <= WIDEST, "tiers are 0 to {WIDEST}");
        let person = response::person();
        let facts = Facts {
            verb: self.verb,
            program: String::new(),
            reads: self.reads,
            targets: self.targets,
            outside: self.outside,
            critical: self.critical,
            minutes: self.minutes,
            environment: self.environment,
            reversible: self.reversible.map(|word| matches!(word, YesNo::Yes)),
            effects: effects(&self.effects)?,
            earlier: effects(&self.earlier)?,
            tainted: self.tainted,
            odd_text: false,
            proposer: if self.by_model { "model" } else { "person" },
            proposed_by: person.login.raw().to_owned(),
            declared: self.declared,
            calls: 0,
            calls_same: 0,
        };
        let around = Around::now(&person, Time::now());
        let ruling = rules.judge(&person, &facts, &around);
        let barred = rules.may_approve(&person, &facts, ruling.tier, &around).err();
        if self.json {
            let said = serde_json::json!({
                "tier": ruling.tier.0,
                "reasons": ruling.reasons,
                "typed": ruling.typed,
                "second_person": ruling.second,
                "runs_alone": ruling.alone,
                "barred": barred,
                "policy": rules.version(),
            });
            out.json(&said)?;
            return Ok(Exit::Good);
        }
        out.line(&format!("tier {} of {WIDEST}: {}", ruling.tier.0, takes(&ruling)))?;
        for reason in &ruling.reasons {
            out.line(&format!("  because {}", reason.show(crate::event::Policy::Prose).as_str()))?;
        }
        for why in barred.iter().flatten() {
            let (why, login) = (why.show(crate::event::Policy::Prose), person.login.show(crate::event::Policy::Exact));
            out.line(&format!("  and {} may not approve it: {}", login.as_str(), why.as_str()))?;
        }
        Ok(Exit::Good)
    }
}

/// What a ruling asks for, in words.
fn takes(ruling: &Ruling) -> &'static str {
    match (ruling.alone, ruling.typed, ruling.second) {
        (true, ..) => "runs without being asked for, where it cannot change anything",
        (false, false, false) => "one key approves it",
        (false, true, false) => "words have to be typed to approve it",
        (false, false, true) => "somebody other than the proposer approves it",
        (false, true, true) => "somebody other than the proposer types words to approve it",
    }
}
