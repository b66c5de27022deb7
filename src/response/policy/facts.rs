//! What the rules can ask about.

use std::collections::{BTreeSet, HashMap, HashSet};

use cedar_policy::{Context, Entity, EntityId, EntityTypeName, EntityUid, RestrictedExpression as Value};

use super::super::runbook::Effect;
use crate::event::{Person, Tier};

/// What would run, as the rules see it. The schema (`assets/policy.cedarschema`) says what each word means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What it does, such as `silence` or `run`.
    pub verb: String,
    /// The program, or the host of a request.
    pub program: String,
    /// It is shown to only read.
    pub reads: bool,
    /// Single things it touches.
    pub targets: usize,
    /// Those of them outside of the incident.
    pub outside: usize,
    /// Those of them that are critical.
    pub critical: usize,
    /// For how long it holds, minutes.
    pub minutes: u32,
    /// `production`, `staging`, `test` or nothing known.
    pub environment: Option<String>,
    /// Whether it can be undone; `None` = nothing says.
    pub reversible: Option<bool>,
    /// What it does besides.
    pub effects: BTreeSet<Effect>,
    /// What earlier steps of the same incident did.
    pub earlier: BTreeSet<Effect>,
    /// Text from outside is part of the request.
    pub tainted: bool,
    /// It holds more than printable ASCII.
    pub odd_text: bool,
    /// `person`, `engine` or `model`.
    pub proposer: &'static str,
    /// The login that proposed.
    pub proposed_by: String,
    /// The tier its runbook names.
    pub declared: u8,
    /// Messages to people from this incident within the hour.
    pub calls: usize,
    /// Of those, to the same people.
    pub calls_same: usize,
}

/// What is going on around it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// Hour of the day, UTC.
    pub hour: u8,
    /// Day of the week, 1 = Monday.
    pub weekday: u8,
    /// 0 unrated to 4 critical.
    pub severity: u8,
    /// Escalation points that were reached.
    pub called: BTreeSet<String>,
    /// The Unix groups of whoever asks.
    pub groups: BTreeSet<String>,
}

/// From where on a silence is wide, very wide and long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SilenceLimits {
    /// More alerts than this are wide.
    pub wide: u32,
    /// More alerts than this are very wide.
    pub very_wide: u32,
    /// More minutes than this are long.
    pub long_minutes: u32,
}

impl Default for SilenceLimits {
    fn default() -> Self {
        Self { wide: 25, very_wide: 500, long_minutes: 240 }
    }
}

pub(super) const PERSON: &str = "Person";
pub(super) const PLAN: &str = "Plan";

/// An entity of one of our three types; their names are plain words, which Cedar takes.
pub(super) fn uid(kind: &str, id: &str) -> Option<EntityUid> {
    Some(EntityUid::from_type_name_and_id(kind.parse::<EntityTypeName>().ok()?, EntityId::new(id)))
}

fn long(count: usize) -> Value {
    Value::new_long(i64::try_from(count).unwrap_or(i64::MAX))
}

fn effects(set: &BTreeSet<Effect>) -> Value {
    Value::new_set(set.iter().map(|effect| Value::new_string(effect.word().to_owned())))
}

fn words(set: &BTreeSet<String>) -> Value {
    Value::new_set(set.iter().cloned().map(Value::new_string))
}

impl Facts {
    /// As Cedar's resource, with the tier where it is known.
    pub(super) fn entity(&self, tier: Option<Tier>) -> Option<Entity> {
        let text = |text: &str| Value::new_string(text.to_owned());
        let reversible = self.reversible.map_or("unknown", |yes| if yes { "yes" } else { "no" });
        let attributes = HashMap::from([
            ("verb".to_owned(), text(&self.verb)),
            ("program".to_owned(), text(&self.program)),
            ("reads".to_owned(), Value::new_bool(self.reads)),
            ("targets".to_owned(), long(self.targets)),
            ("outside".to_owned(), long(self.outside)),
            ("critical".to_owned(), long(self.critical)),
            ("minutes".to_owned(), Value::new_long(self.minutes.into())),
            ("environment".to_owned(), text(self.environment.as_deref().unwrap_or("unknown"))),
            ("reversible".to_owned(), text(reversible)),
            ("effects".to_owned(), effects(&self.effects)),
            ("earlier".to_owned(), effects(&self.earlier)),
            ("tainted".to_owned(), Value::new_bool(self.tainted)),
            ("odd_text".to_owned(), Value::new_bool(self.odd_text)),
            ("proposer".to_owned(), text(self.proposer)),
            ("proposed_by".to_owned(), text(&self.proposed_by)),
            ("declared".to_owned(), Value::new_long(self.declared.into())),
            ("tier".to_owned(), Value::new_long(tier.map_or(0, |tier| tier.0.into()))),
            ("calls".to_owned(), long(self.calls)),
            ("calls_same".to_owned(), long(self.calls_same)),
        ]);
        Entity::new(uid(PLAN, "it")?, attributes, HashSet::new()).ok()
    }
}

impl Around {
    pub(super) fn context(&self, limits: SilenceLimits) -> Option<Context> {
        Context::from_pairs([
            ("wide".to_owned(), Value::new_long(limits.wide.into())),
            ("very_wide".to_owned(), Value::new_long(limits.very_wide.into())),
            ("long_minutes".to_owned(), Value::new_long(limits.long_minutes.into())),
            ("hour".to_owned(), Value::new_long(self.hour.into())),
            ("weekday".to_owned(), Value::new_long(self.weekday.into())),
            ("severity".to_owned(), Value::new_long(self.severity.into())),
            ("called".to_owned(), words(&self.called)),
        ])
        .ok()
    }

    /// Whoever asks, as Cedar's principal.
    pub(super) fn person(&self, person: &Person) -> Option<Entity> {
        let attributes = HashMap::from([
            ("login".to_owned(), Value::new_string(person.login.raw().to_owned())),
            ("known_by".to_owned(), Value::new_string(person.known_by.raw().to_owned())),
            ("groups".to_owned(), words(&self.groups)),
        ]);
        Entity::new(uid(PERSON, person.login.raw())?, attributes, HashSet::new()).ok()
    }
}
