//! What the rules say of one plan and one person.

use std::collections::BTreeSet;

use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicyId, Request};

use super::facts::{Around, Facts, PERSON, PLAN, uid};
use super::{Rules, WIDEST};
use crate::event::{Person, Tier, Untrusted};

/// The rules' word on a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// How wide it reaches.
    pub tier: Tier,
    /// Which rules made it so, in words, the deciding ones first.
    pub reasons: Vec<Untrusted>,
    /// It is typed.
    pub typed: bool,
    /// Somebody other than the proposer approves it.
    pub second: bool,
    /// Whether it may run without being asked for, behind the wall.
    pub alone: bool,
}

/// What Cedar answered to one question.
struct Answer {
    allowed: bool,
    /// The rules that decided, by what they say of themselves.
    why: Vec<Untrusted>,
}

/// One person and one plan before the rules; put together once for all that is asked about them.
struct Case<'r> {
    rules: &'r Rules,
    principal: EntityUid,
    plan: EntityUid,
    entities: Entities,
    context: Context,
}

/// What is said where nothing can be asked.
const UNREADABLE: &str = "the rules cannot be asked about this, so it is not allowed";

impl Rules {
    /// The tier of what would run, why, and what it asks for.
    #[must_use]
    pub fn judge(&self, who: &Person, facts: &Facts, around: &Around) -> Ruling {
        let case = Case::new(self, who, facts, None, around);
        let ask = |action: &str| Case::ask(case.as_ref(), action);
        let mut reasons = Vec::new();
        let mut tier = WIDEST;
        for level in 0..WIDEST {
            let answer = ask(&format!("tier_{level}"));
            if answer.allowed {
                tier = level;
                break;
            }
            // Of the rules that forbid a tier, those that forbid the highest say most.
            reasons = answer.why;
        }
        let stay = ask("stay");
        if !stay.allowed {
            tier = tier.saturating_add(u8::try_from(stay.why.len()).unwrap_or(WIDEST)).min(WIDEST);
            reasons.extend(stay.why);
        }
        let tier = Tier(tier);
        let case = Case::new(self, who, facts, Some(tier), around);
        let may = |action| Case::ask(case.as_ref(), action).allowed;
        let (typed, second) = (!may("approve_by_key"), !may("approve_own"));
        Ruling { tier, reasons, typed, second, alone: may("run_alone") }
    }

    /// Whether this person may approve it at all; else why not.
    ///
    /// # Errors
    /// The rules that say no, in words.
    pub fn may_approve(&self, who: &Person, facts: &Facts, tier: Tier, around: &Around) -> Result<(), Vec<Untrusted>> {
        let answer = Case::ask(Case::new(self, who, facts, Some(tier), around).as_ref(), "approve");
        if answer.allowed { Ok(()) } else { Err(answer.why) }
    }

    /// What a rule says of itself.
    fn words(&self, id: &PolicyId) -> Untrusted {
        let annotation = |name| self.set.annotation(id, name).map(str::to_owned);
        annotation("why").or_else(|| annotation("id")).unwrap_or_else(|| id.to_string()).into()
    }
}

impl<'r> Case<'r> {
    /// The case, or why nothing can be asked about it.
    fn new(rules: &'r Rules, who: &Person, facts: &Facts, tier: Option<Tier>, around: &Around) -> Result<Self, String> {
        if let Some(why) = &rules.closed {
            return Err(format!("the rules cannot be read, so nothing is allowed: {why}"));
        }
        let case = || {
            let (person, it) = (around.person(who)?, facts.entity(tier)?);
            let (principal, plan) = (uid(PERSON, who.login.raw())?, uid(PLAN, "it")?);
            let entities = rules.actions.clone().add_entities([person, it], None).ok()?;
            Some(Self { rules, principal, plan, entities, context: around.context(rules.silence)? })
        };
        case().ok_or_else(|| UNREADABLE.to_owned())
    }

    fn ask(case: Result<&Self, &String>, action: &str) -> Answer {
        let no = |why: String| Answer { allowed: false, why: vec![why.into()] };
        let case = match case {
            Ok(case) => case,
            Err(why) => return no(why.clone()),
        };
        let request = uid("Action", action).and_then(|action| {
            let (who, plan) = (case.principal.clone(), case.plan.clone());
            Request::new(who, action, plan, case.context.clone(), None).ok()
        });
        let Some(request) = request else { return no(UNREADABLE.to_owned()) };
        let response = Authorizer::new().is_authorized(&request, &case.rules.set, &case.entities);
        // A rule that could not be asked might have forbidden: it did.
        if let Some(error) = response.diagnostics().errors().next() {
            return no(format!("a rule could not be asked ({error}), so it is not allowed"));
        }
        let allowed = response.decision() == Decision::Allow;
        let why = response.diagnostics().reason().map(|id| case.rules.words(id)).collect::<BTreeSet<_>>();
        Answer { allowed, why: why.into_iter().collect() }
    }
}
