//! `warroom incidents`: the incidents, one a line; or one, whole.

use anyhow::Context as _;

use super::out::Out;
use super::{Common, Exit, house};
use crate::console;
use crate::engine::view::{IncidentState, IncidentView};
use crate::engine::{self, View};
use crate::event::{Time, Untrusted};

/// Arguments of `warroom incidents`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// Only this one, whole: its number, such as 42 or INC-42
    #[arg(value_name = "N")]
    pub incident: Option<String>,
    /// JSON instead of text, one object a line
    #[arg(long)]
    pub json: bool,
    /// As it was known at this moment (RFC 3339)
    #[arg(long, visible_alias = "at", value_name = "TIME")]
    pub as_of: Option<String>,
}

/// Lists them. Exit code 0: they were listed, also when there are none; 1: there is no incident of the number asked for.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let number = match args.incident.as_deref().map(number) {
        Some(None) => {
            out.note("warroom: an incident is named by its number, such as 42 or INC-42");
            return Ok(Exit::Usage);
        }
        Some(Some(number)) => Some(number),
        None => None,
    };
    let known_at = match args.as_of.as_deref().map(str::parse::<Time>) {
        Some(Err(error)) => {
            out.note(&format!("warroom: --as-of takes a moment such as 2026-11-17T03:07:41Z: {error}"));
            return Ok(Exit::Usage);
        }
        Some(Ok(time)) => Some(time),
        None => None,
    };
    let mut view = engine::picture(&house::read_only(common)?, known_at).context("the journal cannot be folded")?;
    if let Some(number) = number {
        view.incidents.items.retain(|incident| incident.id.0 == number);
        view.incidents.hidden = 0;
        if view.incidents.items.is_empty() {
            out.note(&format!("There is no INC-{number} among the incidents kept in view."));
            return Ok(Exit::FoundWrong);
        }
    }
    if args.json {
        for incident in &view.incidents.items {
            out.json(incident.as_ref())?;
        }
    } else if number.is_some() {
        for line in console::plain_lines(&view, &jiff::tz::TimeZone::system()) {
            out.line(&line)?;
        }
    } else {
        list(&view, out)?;
    }
    Ok(Exit::Good)
}

/// An incident's number as people write it.
pub(super) fn number(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("INC-").or_else(|| text.strip_prefix("inc-")).unwrap_or(text);
    digits.parse().ok()
}

fn list(view: &View, out: &mut Out) -> anyhow::Result<()> {
    if let Some(label) = &view.label {
        out.note(&one(label));
    }
    for incident in &view.incidents.items {
        out.line(&line(incident))?;
    }
    if view.incidents.items.is_empty() {
        out.note("No incident.");
    }
    if view.incidents.hidden > 0 {
        out.note(&format!("{} more, resolved longer ago, are not listed.", view.incidents.hidden));
    }
    for trouble in &view.troubles {
        out.note(&format!("Trouble: {}", one(&trouble.text)));
    }
    Ok(())
}

/// One incident: number, state, severity, owner, how many alerts fire, when it began, what it is.
fn line(incident: &IncidentView) -> String {
    let state = match incident.state {
        IncidentState::Open => "open".to_owned(),
        IncidentState::Quiet => "quiet".to_owned(),
        IncidentState::Resolved(_) => "resolved".to_owned(),
        IncidentState::MergedInto(into) => format!("merged into {into}"),
    };
    let by_alerts = || format!("{:?}", incident.severity).to_lowercase();
    let level = incident.rated.as_ref().map_or_else(by_alerts, |rated| one(&rated.name));
    let owner = incident.owner.as_ref().map_or_else(|| "nobody".to_owned(), |owner| one(&owner.login));
    format!(
        "{:<8}  {state:<8}  {:<8}  {owner:<10}  {} of {} fire  {}  {}",
        incident.id.to_string(),
        level,
        incident.firing,
        incident.alerts,
        incident.began.strftime("%Y-%m-%dT%H:%M:%SZ"),
        one(&incident.headline),
    )
}

/// Text from outside: what a terminal could obey is made visible.
fn one(text: &Untrusted) -> String {
    text.show(crate::event::Policy::Prose).as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_and_without_their_prefix() {
        assert_eq!(
            (number("42"), number("INC-7"), number("inc-7"), number("x"), number("-1")),
            (Some(42), Some(7), Some(7), None, None)
        );
    }
}
