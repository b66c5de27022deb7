//! `warroom runbook rehearse`: whether a procedure would do, found out while nothing is on fire.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;

use super::super::config::Config;
use super::super::out::Out;
use super::super::{Exit, hands};
use crate::event::{Fact, Kind, Policy, Time, Tried, Untrusted};
use crate::journal::{Journal as _, Query};
use crate::response::runbook::Facts;
use crate::response::{self, LocalDesk};

/// Arguments of `warroom runbook rehearse`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The procedure's name, as the list has it
    name: String,
    /// A value for one of its inputs
    #[arg(long = "set", value_name = "INPUT=VALUE", value_parser = pair)]
    values: Vec<(String, String)>,
    /// JSON instead of text, one object: the entry of the record
    #[arg(long)]
    json: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as INPUT=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Rehearses it and says how each step went. Exit code 1: something of it would not do.
///
/// # Errors
/// When there is no such procedure, the wall does not hold here, or the journal cannot be written.
pub(super) fn run(args: &Args, config: &Config, out: &mut Out) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let journal = Arc::new(config.open_journal()?);
    let hands = hands::hands(config, runtime.handle())?;
    let desk = LocalDesk::new(Arc::clone(&journal) as _, hands, hands::rules(config), Time::now());
    let values: BTreeMap<Untrusted, Untrusted> =
        args.values.iter().map(|(name, value)| (name.as_str().into(), value.as_str().into())).collect();
    let told =
        desk.rehearse(None, &args.name.as_str().into(), &values, &Facts::default(), &response::person(), Time::now())?;
    let newest = Query { kinds: vec![Kind::Rehearsed], newest_first: true, limit: 1, ..Query::default() };
    let record = journal.read(&newest)?.pop().context("the rehearsal is not in the journal")?;
    let Fact::Rehearsed(rehearsed) = record.fact()? else { anyhow::bail!("the rehearsal is not in the journal") };
    if args.json {
        out.json(&*rehearsed)?;
    } else {
        for step in &rehearsed.steps {
            let would = match step.would_do {
                Some(true) => "would do",
                Some(false) => "WOULD NOT",
                None => "not known",
            };
            let tried = match step.tried {
                Tried::Ran => "ran",
                Tried::DryRun => "dry run",
                Tried::Looked => "looked at",
            };
            let (name, said) = (step.step.show(Policy::Exact), step.said.show(Policy::Prose));
            out.line(&format!("{would:<9}  {tried:<9}  {:<20}  {}", name.as_str(), said.as_str()))?;
        }
        out.line(&told)?;
    }
    let fails = rehearsed.steps.iter().any(|step| step.would_do == Some(false));
    Ok(if fails { Exit::FoundWrong } else { Exit::Good })
}
