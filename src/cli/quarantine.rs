//! `warroom quarantine`: the deliveries that were refused.

use serde::Serialize;

use super::out::Out;
use super::{Common, Exit, house};
use crate::event::{Policy, Time, Untrusted};
use crate::journal::Refused;

/// Arguments of `warroom quarantine`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// JSON instead of text, one object a line
    #[arg(long)]
    pub json: bool,
    /// At most so many, newest first
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
}

/// One refused delivery, as JSON.
#[derive(Serialize)]
struct Line<'a> {
    arrived: Time,
    source: &'a str,
    reason: &'a str,
    length: u64,
    /// What was kept of it; bytes that are no UTF-8 show as U+FFFD.
    raw: String,
    /// Whether `raw` is all of it.
    whole: bool,
}

/// Lists them, newest first. Ends with 1 when there are any: something was refused.
///
/// # Errors
/// When the journal cannot be read.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let refused = house::read_only(common)?.quarantined(args.limit)?;
    for delivery in &refused {
        if args.json {
            out.json(&line(delivery))?;
        } else {
            out.line(&format!(
                "{} {} {} bytes: {}\n    {}",
                delivery.arrived,
                delivery.source,
                delivery.length,
                delivery.reason,
                beginning(&delivery.raw)
            ))?;
        }
    }
    if refused.is_empty() {
        out.note("nothing was refused");
        return Ok(Exit::Good);
    }
    Ok(Exit::FoundWrong)
}

fn line(delivery: &Refused) -> Line<'_> {
    Line {
        arrived: delivery.arrived,
        source: &delivery.source,
        reason: &delivery.reason,
        length: delivery.length,
        raw: String::from_utf8_lossy(&delivery.raw).into_owned(),
        whole: delivery.raw.len() as u64 == delivery.length,
    }
}

/// The beginning of a body on one line, at most so wide.
fn beginning(raw: &[u8]) -> String {
    const WIDTH: usize = 100;
    let text = Untrusted::from(String::from_utf8_lossy(raw.get(..4 * WIDTH).unwrap_or(raw)).into_owned());
    let shown = text.show_prefix(Policy::Prose, WIDTH);
    let more = if shown.is_whole() && raw.len() <= 4 * WIDTH { "" } else { " …" };
    format!("{}{more}", shown.as_str())
}
