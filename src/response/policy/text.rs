//! The rules as text: read, held against the schema, named by a digest.

use std::str::FromStr as _;
use std::sync::LazyLock;

use cedar_policy::{Entities, PolicyId, PolicySet, Schema, ValidationMode, Validator};

use super::facts::SilenceLimits;
use crate::event::{Digest, Untrusted};
use crate::surface::BadFile;

const SHIPPED: &str = include_str!("../../../assets/policy.cedar");
const SCHEMA: &str = include_str!("../../../assets/policy.cedarschema");
/// The longest file of rules, bytes.
const MAX_TEXT: usize = 1 << 20;

static SCHEMA_READ: LazyLock<Result<Schema, String>> =
    LazyLock::new(|| Schema::from_cedarschema_str(SCHEMA).map(|(schema, _)| schema).map_err(|error| error.to_string()));

/// The rules that hold: the shipped ones and a team's own beside them.
#[derive(Clone, Debug)]
pub struct Rules {
    pub(super) set: PolicySet,
    pub(super) actions: Entities,
    pub(super) version: Untrusted,
    /// Why nothing can be judged by them.
    pub(super) closed: Option<String>,
    /// What is wide and long for a silence.
    pub(super) silence: SilenceLimits,
    /// A proposal can be approved for so many minutes.
    pub(in crate::response) approve_minutes: u32,
    /// An approved plan must have started within so many seconds.
    pub(in crate::response) execute_seconds: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self::of(&[("assets/policy.cedar", SHIPPED)]).unwrap_or_else(|bad| Self::closed(bad.to_string()))
    }
}

impl Rules {
    /// The shipped rules and these beside them.
    ///
    /// # Errors
    /// Where the text is no Cedar policy, or asks about what the schema does not know.
    pub fn beside(place: &str, text: &str) -> Result<Self, BadFile> {
        Self::of(&[("assets/policy.cedar", SHIPPED), (place, text)])
    }

    /// Rules that cannot be read: every change has the widest tier and none is approved.
    #[must_use]
    pub fn closed(why: String) -> Self {
        Self {
            set: PolicySet::new(),
            actions: Entities::empty(),
            version: "closed".into(),
            closed: Some(why),
            silence: SilenceLimits::default(),
            approve_minutes: 10,
            execute_seconds: 60,
        }
    }

    /// With these two clocks instead: minutes in which a proposal can be approved, and seconds in which what was approved
    /// must have begun.
    #[must_use]
    pub fn with_clocks(mut self, approve_minutes: u32, execute_seconds: u32) -> Self {
        (self.approve_minutes, self.execute_seconds) = (approve_minutes, execute_seconds);
        self
    }

    /// With another idea of what is wide and long for a silence.
    #[must_use]
    pub fn with_silence(mut self, limits: SilenceLimits) -> Self {
        self.silence = limits;
        self
    }

    /// Which rules these are: an approval under others does not hold under them.
    #[must_use]
    pub fn version(&self) -> Untrusted {
        let SilenceLimits { wide, very_wide, long_minutes } = self.silence;
        format!("{} wide>{wide} very-wide>{very_wide} long>{long_minutes}m", self.version.raw()).into()
    }

    /// Why nothing can be judged by them; `None` when all is well.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        self.closed.as_deref()
    }

    fn of(texts: &[(&str, &str)]) -> Result<Self, BadFile> {
        let bad = |place: &str, line, what| BadFile { place: place.to_owned(), line, what };
        let schema = SCHEMA_READ.as_ref().map_err(|what| bad("assets/policy.cedarschema", 1, what.clone()))?;
        let mut set = PolicySet::new();
        for (place, text) in texts {
            if text.len() > MAX_TEXT {
                return Err(bad(place, 1, format!("it has {} bytes, more than {MAX_TEXT}", text.len())));
            }
            let read = PolicySet::from_str(text).map_err(|errors| {
                // Cedar says the place as bytes; people look for lines.
                let at = errors
                    .iter()
                    .find_map(|error| miette::Diagnostic::labels(error)?.next().map(|label| label.offset()));
                bad(place, line(text, at.unwrap_or(0)), errors.to_string())
            })?;
            if let Some(template) = read.templates().next() {
                return Err(bad(place, 1, format!("{} is a template, which nothing here fills in", template.id())));
            }
            let checked = Validator::new(schema.clone()).validate(&read, ValidationMode::Strict);
            if let Some(error) = checked.validation_errors().next() {
                let at = miette::Diagnostic::labels(error)
                    .and_then(|mut labels| labels.next())
                    .map_or(0, |label| label.offset());
                return Err(bad(place, line(text, at), error.to_string()));
            }
            for policy in read.policies() {
                let named = policy.new_id(PolicyId::new(format!("{place}#{}", policy.id())));
                set.add(named).map_err(|error| bad(place, 1, error.to_string()))?;
            }
        }
        let actions =
            schema.action_entities().map_err(|error| bad("assets/policy.cedarschema", 1, error.to_string()))?;
        let all: Vec<u8> = texts.iter().flat_map(|(_, text)| text.bytes().chain([0])).collect();
        let version = format!("rules {}", Digest::of(&all).to_string().chars().take(12).collect::<String>());
        Ok(Self {
            set,
            actions,
            version: version.into(),
            closed: None,
            silence: SilenceLimits::default(),
            approve_minutes: 10,
            execute_seconds: 60,
        })
    }
}

fn line(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().matches('\n').count() + 1
}
