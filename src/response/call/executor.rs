//! Sends messages, each callee by a client of its own: no key of one can get into a request to another.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail, ensure};

use super::super::execute::{Credential, Executor, HttpExecutor, Reach, Watch};
use super::{Callee, Service, answer};
use crate::event::{Fingerprint, Outcome, Plan, Purpose, Request};

/// What a target of such a plan is called.
pub(super) const PEOPLE: &str = "people";

/// Calls the people whom the configuration names.
pub struct CallExecutor {
    calls: Vec<(Callee, HttpExecutor)>,
}

impl CallExecutor {
    /// Each with its key: `PagerDuty`'s routing key, Slack's token, or the rest of a webhook's address.
    ///
    /// # Errors
    /// When a token holds what no header can carry.
    pub fn new(runtime: &tokio::runtime::Handle, calls: Vec<(Callee, String)>) -> anyhow::Result<Self> {
        let with_client = |(callee, key): (Callee, String)| {
            let origin = callee.service.origin().clone();
            let (mut credentials, mut secrets) = (Vec::new(), Vec::new());
            if let Service::Slack { .. } = callee.service {
                let mut value = reqwest::header::HeaderValue::try_from(format!("Bearer {key}"))
                    .with_context(|| format!("the token to call {} holds what no header can carry", callee.name))?;
                value.set_sensitive(true);
                let header = reqwest::header::AUTHORIZATION;
                credentials.push(Credential { origin: origin.clone(), header, value });
            } else {
                secrets.push(("call".to_owned(), key));
            }
            let http = HttpExecutor::new(runtime.clone(), vec![origin], credentials, secrets);
            anyhow::Ok((callee, http))
        };
        Ok(Self { calls: calls.into_iter().map(with_client).collect::<Result<_, _>>()? })
    }

    /// Whom a plan calls, as the configuration has them now.
    fn callee(&self, plan: &Plan) -> anyhow::Result<&(Callee, HttpExecutor)> {
        let [target] = plan.targets.as_slice() else { bail!("a message goes to exactly one callee") };
        let found = self.calls.iter().find(|(callee, _)| callee.name == target.name.raw());
        let found = found.context("the configuration no longer says how they are called: propose it again")?;
        let Request::Http { url, .. } = &plan.request else { bail!("this is no message") };
        ensure!(
            url.raw() == found.0.service.address(),
            "the configuration calls {} elsewhere now: propose it again",
            found.0.name
        );
        Ok(found)
    }
}

impl Executor for CallExecutor {
    fn takes(&self, plan: &Plan) -> bool {
        matches!(plan.purpose, Purpose::Call { .. }) && matches!(plan.request, Request::Http { .. })
    }

    fn resolve(&self, plan: &Plan, members: &BTreeSet<Fingerprint>) -> anyhow::Result<Reach> {
        self.callee(plan)?.1.resolve(plan, members)
    }

    fn send(&self, plan: &Plan, _watch: &mut dyn Watch) -> Outcome {
        let (callee, http) = match self.callee(plan) {
            Ok(found) => found,
            Err(error) => return Outcome::Failed { error: format!("{error:#}; nothing was sent").into() },
        };
        let key = plan.idempotency_key.raw();
        match http.exchange(plan) {
            Ok(answer) => answer::outcome(&callee.service, &answer, key),
            Err(Outcome::Unknown { .. }) => answer::unknown(&callee.service, "no answer came", key),
            Err(other) => other,
        }
    }

    fn look_up(&self, plan: &Plan) -> anyhow::Result<Option<Outcome>> {
        let (callee, _) = self.callee(plan)?;
        bail!(
            "whether it arrived cannot be looked up from here: look {} for {}",
            answer::place(&callee.service),
            plan.idempotency_key.raw()
        )
    }
}
