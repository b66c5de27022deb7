//! Silences in Alertmanager: found again by our key in the comment, and read back.

mod draft;

use std::collections::BTreeSet;

use anyhow::ensure;

pub(in crate::response) use draft::{Asked, SILENCE, Sent, draft, of_plan, plan};

use super::{Executor, Reach, Watch};
use crate::event::{Fingerprint, Outcome, Plan, Time};
use crate::response::alertmanager::{Alertmanager, Matcher, Silence, Trouble};

/// Makes silences in one Alertmanager.
pub struct SilenceExecutor {
    pub(in crate::response) alertmanager: Alertmanager,
    pub(in crate::response) runtime: tokio::runtime::Handle,
}

impl Executor for SilenceExecutor {
    fn takes(&self, plan: &Plan) -> bool {
        match &plan.traits {
            Some(traits) => traits.verb.raw() == SILENCE,
            // Older plans were silences all.
            None => of_plan(plan).is_ok(),
        }
    }

    fn resolve(&self, plan: &Plan, members: &BTreeSet<Fingerprint>) -> anyhow::Result<Reach> {
        let sent = of_plan(plan)?;
        ensure!(
            sent.url == self.alertmanager.silences_url(),
            "the plan names another Alertmanager than the configuration: propose it again"
        );
        let hit = self.runtime.block_on(self.alertmanager.hit_by(&sent.silence.matchers))?;
        Ok(draft::reach(&hit, members, plan.incident, draft::odd(&sent.silence.matchers)))
    }

    fn send(&self, plan: &Plan, _watch: &mut dyn Watch) -> Outcome {
        let sent = match of_plan(plan) {
            Ok(sent) => sent,
            Err(error) => return Outcome::Failed { error: format!("{error:#}; nothing was sent").into() },
        };
        match self.runtime.block_on(self.alertmanager.post(sent.url.clone(), sent.body.clone())) {
            Ok(id) => self.read_back(&sent, &id),
            Err(error @ Trouble::NotSent { .. }) => {
                Outcome::Failed { error: format!("{error}; nothing was sent").into() }
            }
            Err(error @ Trouble::Refused { status: 400..=499, .. }) => {
                Outcome::Failed { error: error.to_string().into() }
            }
            Err(error) => {
                let answered = matches!(error, Trouble::Refused { .. });
                match self.find(plan, &sent) {
                    Ok(Some(found)) => found,
                    Ok(None) if answered => {
                        Outcome::Failed { error: format!("{error}; no such silence exists").into() }
                    }
                    Ok(None) => unknown(plan, &error.to_string()),
                    Err(again) => unknown(plan, &format!("{error}; then {again}")),
                }
            }
        }
    }

    fn look_up(&self, plan: &Plan) -> anyhow::Result<Option<Outcome>> {
        Ok(self.find(plan, &of_plan(plan)?)?)
    }
}

impl SilenceExecutor {
    /// Silences are made in this Alertmanager; `runtime` sends the requests.
    #[must_use]
    pub fn new(alertmanager: Alertmanager, runtime: tokio::runtime::Handle) -> Self {
        Self { alertmanager, runtime }
    }

    /// Whether the silence of `plan` exists, found by its author and the key in its comment.
    fn find(&self, plan: &Plan, sent: &Sent) -> Result<Option<Outcome>, Trouble> {
        let find = self.alertmanager.find_silence(&sent.silence.created_by, plan.idempotency_key.raw());
        Ok(self.runtime.block_on(find)?.map(|silence| compare(sent, &silence)))
    }

    fn read_back(&self, sent: &Sent, id: &str) -> Outcome {
        match self.runtime.block_on(self.alertmanager.silence(id)) {
            Ok(silence) => compare(sent, &silence),
            Err(error) => Outcome::Unknown {
                check: format!(
                    "Alertmanager accepted silence {id}, but reading it back failed ({error}): look whether it is there"
                )
                .into(),
            },
        }
    }
}

fn compare(sent: &Sent, made: &Silence) -> Outcome {
    let sorted = |matchers: &[Matcher]| {
        let mut matchers = matchers.to_vec();
        matchers.sort();
        matchers
    };
    let same_end = || Some(sent.silence.ends_at.parse::<Time>().ok()? == made.what.ends_at.parse::<Time>().ok()?);
    let different = if sorted(&sent.silence.matchers) != sorted(&made.what.matchers) {
        "its matchers"
    } else if same_end() != Some(true) {
        "its end"
    } else if sent.silence.created_by != made.what.created_by || sent.silence.comment != made.what.comment {
        "its author or comment"
    } else {
        return Outcome::Done { receipt: format!("silence {} until {}", made.id, made.what.ends_at).into() };
    };
    Outcome::Unknown {
        check: format!("silence {} exists, but {different} is not what was sent: look at it in Alertmanager", made.id)
            .into(),
    }
}

/// The outcome nobody can know from here.
fn unknown(plan: &Plan, why: &str) -> Outcome {
    Outcome::Unknown {
        check: format!(
            "{why}: it may or may not have happened. Look it up from here, or search Alertmanager's silences for {}",
            plan.idempotency_key.raw()
        )
        .into(),
    }
}
