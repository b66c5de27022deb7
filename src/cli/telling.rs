//! Tells the receiver that the configuration names of the life of approvals.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;

use super::config::Config;
use super::pace;
use crate::engine::view::Trouble;
use crate::event::Time;
use crate::report::tell::{Sink, Teller};

/// How often it is looked whether there is something to tell.
const EVERY: Duration = Duration::from_secs(3);

/// What hinders it now, for whoever asks.
pub(super) type Hindered = Arc<Mutex<Option<Trouble>>>;

/// Where it stands how far approvals were told: beside the journal.
pub(super) fn cursor(journal: &Path) -> PathBuf {
    journal.with_extension("told")
}

/// The receiver, where one is configured.
///
/// # Errors
/// When its token holds what no header can carry.
pub(super) fn sink(config: &Config) -> anyhow::Result<Option<Sink>> {
    let Some(cdevents) = &config.cdevents else { return Ok(None) };
    let bearer = cdevents.bearer.as_ref().map(|token| {
        let value = reqwest::header::HeaderValue::try_from(format!("Bearer {}", token.reveal()));
        let mut value = value.context("the token for [cdevents] holds what no header can carry")?;
        value.set_sensitive(true);
        anyhow::Ok(value)
    });
    Ok(Some(Sink {
        url: cdevents.sink.clone(),
        bearer: bearer.transpose()?,
        source: cdevents.source.clone(),
        cursor: cursor(&config.journal),
    }))
}

/// Tells for as long as the house is open.
pub(super) async fn tell(mut teller: Teller, hindered: Hindered) {
    loop {
        let look = move || {
            let told = teller.tell();
            (teller, told)
        };
        let Ok((back, told)) = tokio::task::spawn_blocking(look).await else { return };
        teller = back;
        let trouble = match told {
            // While it pauses, or another process tells, what is known stays as it is.
            Ok(None) => None,
            Ok(Some(cursor)) => Some(cursor.trouble()),
            Err(error) => Some(Some(format!("{error:#}"))),
        };
        if let Some(text) = trouble {
            let mut known = hindered.lock().unwrap_or_else(PoisonError::into_inner);
            let new = text.map(|text| Trouble { text: text.into(), since: Time::now() });
            // The same trouble began when it was first met.
            *known = new.map(|new| known.take().filter(|old| old.text == new.text).unwrap_or(new));
        }
        pace::together(EVERY).await;
    }
}
