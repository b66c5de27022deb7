//! What is done while a freeze holds, and at its end, without anybody asking: who is held is looked at, and what was approved
//! with it lets go.

use jiff::SignedDuration;

use super::{Frozen, HELD_STEP, may_hold, release_draft_key};
use crate::event::{
    Denial, Digest, Fact, IncidentId, Kind, Outcome, Plan, PlanId, Policy, Purpose, ReadEnd, StepRead, Time, Untrusted,
};
use crate::journal::{Draft, Query, term};
use crate::response::approval::{Approval, Moment};
use crate::response::desk::{LocalDesk, act_key};
use crate::response::hook::{Blank, Blanks};
use crate::response::ledger::{Ledger, fate_key, plan_draft, read_all};
use crate::response::{past, wall};

/// As many of the newest plans are looked at.
const PLANS: usize = 200;
/// Who is held is looked at so often.
const LOOK: SignedDuration = SignedDuration::from_secs(60);
/// Held by whoever looks, so that two consoles do not both.
const LEASE: &str = "held";
/// So many of those that are held are named in one line.
const NAMED: usize = 5;

/// One freeze, with what ends it.
struct Known {
    frozen: Frozen,
    ledger: Ledger,
    release: Option<PlanId>,
}

impl LocalDesk {
    /// The freeze that holds changes of this incident now, or may.
    pub(in crate::response) fn frozen(&self, incident: IncidentId) -> anyhow::Result<Option<Frozen>> {
        let (known, thaws) = self.freezes(Some(incident))?;
        let newest = known.into_iter().find(|known| may_hold(known.ledger.outcome.as_ref()));
        let Some(known) = newest else { return Ok(None) };
        if let Some(release) = known.release
            && Ledger::of(&self.journal, release)?.is_some_and(|it| matches!(it.outcome, Some(Outcome::Done { .. })))
        {
            return Ok(None);
        }
        for thaw in thaws.iter().filter(|(_, plan)| plan.purpose == (Purpose::Thaw { freeze: Some(known.frozen.id) })) {
            if Ledger::of(&self.journal, thaw.0)?.is_some_and(|it| matches!(it.outcome, Some(Outcome::Done { .. }))) {
                return Ok(None);
            }
        }
        Ok(Some(known.frozen))
    }

    /// Freezes among the newest plans, the newest first, and what lets go of some.
    #[expect(clippy::type_complexity, reason = "read once, taken apart at once")]
    fn freezes(&self, of: Option<IncidentId>) -> anyhow::Result<(Vec<Known>, Vec<(PlanId, Plan)>)> {
        let query = Query {
            kinds: vec![Kind::Proposed],
            term: of.map(|incident| term::incident(incident.0)),
            newest_first: true,
            limit: PLANS,
            ..Query::default()
        };
        let (mut freezes, mut thaws, mut releases) = (Vec::new(), Vec::new(), Vec::new());
        for record in self.journal.read(&query)? {
            let Fact::Proposed(plan) = record.fact()? else { continue };
            match &plan.purpose {
                Purpose::Freeze { until, .. } => {
                    freezes.push(Frozen { id: plan.id(), until: *until, plan: *plan });
                }
                Purpose::Thaw { .. } if record.key.starts_with("release/") => releases.push((record.key, plan.id())),
                Purpose::Thaw { .. } => thaws.push((plan.id(), *plan)),
                _ => {}
            }
        }
        let mut known = Vec::new();
        for frozen in freezes {
            let Some(ledger) = Ledger::of(&self.journal, frozen.id)? else { continue };
            let key = release_draft_key(frozen.id);
            let release = releases.iter().find(|(of, _)| *of == key).map(|(_, id)| *id);
            known.push(Known { frozen, ledger, release });
        }
        Ok((known, thaws))
    }

    /// Ends what is over, and looks at who is held by what is not.
    pub(in crate::response) fn tend_freezes(&self, now: Time) -> anyhow::Result<()> {
        let (all, thaws) = self.freezes(None)?;
        for (nth, known) in all.iter().enumerate() {
            let held = may_hold(known.ledger.outcome.as_ref());
            let clock = self.clock.deadline_time(now, &self.journal)?;
            let newer = all[..nth].iter().find(|newer| {
                newer.frozen.plan.incident == known.frozen.plan.incident && may_hold(newer.ledger.outcome.as_ref())
            });
            if let Some(release) = known.release {
                self.end(known, release, newer.is_some(), &thaws, clock, now)?;
            }
            if held && newer.is_none() && known.frozen.until > clock {
                self.look_who_is_held(known, now)?;
            }
        }
        Ok(())
    }

    /// Lets go of one freeze when its time has come, or says why that is not needed any more.
    fn end(
        &self,
        known: &Known,
        release: PlanId,
        replaced: bool,
        thaws: &[(PlanId, Plan)],
        clock: Time,
        now: Time,
    ) -> anyhow::Result<()> {
        let Some(ends) = Ledger::of(&self.journal, release)? else { return Ok(()) };
        if ends.started.is_some() || ends.denied.is_some() {
            return Ok(());
        }
        if let Some(why) = self.needless(known, replaced, thaws, clock)? {
            let denial = Denial { incident: known.frozen.plan.incident, plan: release, by: None, reason: why.into() };
            self.journal.append(vec![plan_draft(now, fate_key(release), release, &denial.into())])?;
            return Ok(());
        }
        let due = may_hold(known.ledger.outcome.as_ref()) && known.frozen.until <= clock;
        // While all changes are switched off, so is this one: it is sent once they run again.
        if !due || past::halted(&self.journal)?.is_some() {
            return Ok(());
        }
        let bound = ends.plan.purpose == (Purpose::Thaw { freeze: Some(known.frozen.id) })
            && known.frozen.plan.requests().nth(1) == Some(&ends.plan.request);
        let (Some(approval), true) = (ends.approvals.last(), bound) else { return Ok(()) };
        // Whoever cannot carry it out leaves it to somebody who can.
        let Ok(executor) = self.executor(&ends.plan) else { return Ok(()) };
        let (around, moment) = (self.surroundings(executor), Moment::of(now));
        // A refusal and a loss against another console are on record; what could not be looked up is tried again.
        let _ = Approval::from_journal(around, release, approval.nonce.raw(), moment)?.execute(around, moment);
        Ok(())
    }

    /// Why nothing has to be let go of.
    fn needless(
        &self,
        known: &Known,
        replaced: bool,
        thaws: &[(PlanId, Plan)],
        clock: Time,
    ) -> anyhow::Result<Option<String>> {
        let ledger = &known.ledger;
        let never = ledger.started.is_none()
            && ledger.approvals.iter().all(|approval| approval.execute_by < clock)
            && known.frozen.until < clock;
        if ledger.denied.is_some() || never || matches!(ledger.outcome, Some(Outcome::Failed { .. })) {
            return Ok(Some("the freeze never held, so there is nothing to let go of".to_owned()));
        }
        for (id, _) in
            thaws.iter().filter(|(_, plan)| plan.purpose == (Purpose::Thaw { freeze: Some(known.frozen.id) }))
        {
            let Some(thaw) = Ledger::of(&self.journal, *id)? else { continue };
            if matches!(thaw.outcome, Some(Outcome::Done { .. })) {
                let who = thaw
                    .started_by()
                    .map_or_else(String::new, |by| format!(" by {}", by.by.login.show(Policy::Exact).as_str()));
                return Ok(Some(format!("changes were let go on before{who}")));
            }
        }
        Ok(replaced.then(|| "a later freeze of the incident took its place".to_owned()))
    }

    /// Looks who is held, and records it when it is another list than before.
    fn look_who_is_held(&self, known: &Known, now: Time) -> anyhow::Result<()> {
        let Some(hook) = self.hands.freeze.as_ref().and_then(|freeze| freeze.held.as_ref()) else { return Ok(()) };
        let Frozen { plan, id, .. } = &known.frozen;
        let Purpose::Freeze { services, surfaces, until, .. } = &plan.purpose else { return Ok(()) };
        let Some(_lease) = self.journal.lease(LEASE)? else { return Ok(()) };
        let mut looked = self.looked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if looked.get(id).is_some_and(|last| now.duration_since(*last) < LOOK && now >= *last) {
            return Ok(());
        }
        looked.insert(*id, now);
        let names = |texts: &[Untrusted]| texts.iter().map(|text| text.raw().to_owned()).collect();
        let blanks: Blanks = vec![
            ("until", Blank::Text(until.to_string())),
            ("services", Blank::List(names(services))),
            ("surfaces", Blank::List(surfaces.iter().map(|surface| surface.name().to_owned()).collect())),
            ("incident", Blank::Text(plan.incident.to_string())),
            ("by", Blank::Text(plan.proposed_by.raw().to_owned())),
            ("key", Blank::Text(plan.idempotency_key.raw().to_owned())),
        ];
        let request = match hook.fill(&blanks) {
            Ok(crate::event::Request::Http { method, url, .. }) => {
                crate::event::Request::Http { method, url, body: Untrusted::default() }
            }
            Ok(request) => request,
            Err(_) => return Ok(()),
        };
        let mut around = self.hands.wall.clone();
        if let crate::event::Request::Http { url, .. } = &request
            && let Ok(url) = url.raw().parse::<url::Url>()
            && let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default())
        {
            around.hosts.push((host.to_owned(), port));
        }
        let (ended, output, output_bytes, took) = match wall::read(&request, &around, &mut |_| {}, &|| false) {
            Ok(read) => (read.ended, read.output, read.output_bytes, read.took),
            Err(error) => {
                (ReadEnd::Refused { why: error.to_string().into() }, Vec::new(), 0, std::time::Duration::ZERO)
            }
        };
        let output = String::from_utf8_lossy(&output).into_owned();
        let finding = finding(&output, &ended);
        let step = StepRead {
            incident: plan.incident,
            runbook: HELD_STEP.0.into(),
            // Of which freeze it tells.
            digest: Digest::of(id.0.to_string().as_bytes()),
            step: HELD_STEP.1.into(),
            request,
            began: now,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            ended,
            output: output.into(),
            output_bytes,
            finding,
            about: surfaces.clone(),
            says: None,
            component: None,
            change: None,
            rule: Untrusted::default(),
            effects: Vec::new(),
            by: None,
        };
        if self.said_before(&step)? {
            return Ok(());
        }
        self.journal.append(vec![Draft::new(now, act_key()?, &step.into())])?;
        Ok(())
    }

    /// Whether the last look at this freeze said the same.
    fn said_before(&self, step: &StepRead) -> anyhow::Result<bool> {
        let query =
            Query { kinds: vec![Kind::StepRead], term: Some(term::incident(step.incident.0)), ..Query::default() };
        let mut last = None;
        for record in read_all(&self.journal, query)? {
            if let Fact::StepRead(read) = record.fact()?
                && (&read.runbook, &read.step, read.digest) == (&step.runbook, &step.step, step.digest)
            {
                last = Some((read.output, read.ended));
            }
        }
        Ok(last.is_some_and(|(output, ended)| output == step.output && ended == step.ended))
    }
}

/// What is listed: the lines, or the elements of a JSON array.
fn listed(output: &str) -> Vec<String> {
    if let Ok(serde_json::Value::Array(all)) = serde_json::from_str(output) {
        let words = |one: serde_json::Value| one.as_str().map_or_else(|| one.to_string(), str::to_owned);
        return all.into_iter().map(words).collect();
    }
    output.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// How many are held, and the first of them.
fn finding(output: &str, ended: &ReadEnd) -> Untrusted {
    if !ended.is_well() {
        return format!("who is held could not be listed ({})", ended.in_words().raw()).into();
    }
    let lines = listed(output);
    let more = lines.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    match lines.len() {
        0 => "nobody is held yet".into(),
        n => format!("{n} held: {}{more}", lines[..n.min(NAMED)].join("; ")).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_held_is_one_line_that_says_how_many() {
        let said = |output| finding(output, &ReadEnd::Exit { code: 0 }).raw().to_owned();
        assert_eq!(said("\n \n"), "nobody is held yet");
        assert_eq!(said("deploy 7 by mei\nprompt 42 by bo\n"), "2 held: deploy 7 by mei; prompt 42 by bo");
        assert_eq!(said(r#"["deploy 7", {"by": "bo"}]"#), r#"2 held: deploy 7; {"by":"bo"}"#);
        assert_eq!(said("[]"), "nobody is held yet");
        assert_eq!(said("a\nb\nc\nd\ne\nf\ng"), "7 held: a; b; c; d; e and 2 more");
        let failed = finding("x", &ReadEnd::Exit { code: 3 });
        assert_eq!(failed.raw(), "who is held could not be listed (exit 3)");
    }
}
