//! What a team runs or asks to hold changes and to stop things, as the configuration says it.

use toml::Spanned;

use super::file::{FreezeTable, HookTable, StopTable};
use super::place::{Place, Refused};
use super::settings::Actions;
use crate::response::runbook::Glob;
use crate::response::{FREEZE_BLANKS, Freeze, Hook, STOP_BLANKS, Stop};

/// How long a freeze lasts where nothing else is said, and how long it may, minutes.
const MINUTES: u32 = 60;
const LONGEST: u32 = 8 * 60;
/// No freeze lasts longer, whatever the configuration says, minutes.
const WEEK: u32 = 7 * 24 * 60;

/// The stop list holds no more.
const STOPS: usize = 100;

/// What a hook is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    /// It changes something: a person approves it.
    Changing,
    /// It only looks: it runs behind the wall.
    Looking,
}

impl Place<'_> {
    /// How the team holds changes.
    pub fn freeze(&self, table: FreezeTable, actions: &Actions) -> Result<Freeze, Refused> {
        let FreezeTable { hold, release, held, minutes, at_most_minutes } = table;
        let longest = match &at_most_minutes {
            Some(given) if !(1..=WEEK).contains(given.get_ref()) => {
                return Err(self.refuse(given.span().start, format!("at_most_minutes is 1 to {WEEK}: a freeze ends")));
            }
            Some(given) => *given.get_ref(),
            None => LONGEST,
        };
        let minutes = match &minutes {
            Some(given) if !(1..=longest).contains(given.get_ref()) => {
                let what = format!("minutes is 1 to {longest} (at_most_minutes)");
                return Err(self.refuse(given.span().start, what));
            }
            Some(given) => *given.get_ref(),
            None => MINUTES.min(longest),
        };
        let changing = |hook: Spanned<HookTable>| self.hook(hook, For::Changing, actions, &FREEZE_BLANKS);
        Ok(Freeze {
            hold: changing(hold)?,
            release: release.map(changing).transpose()?,
            held: held.map(|hook| self.hook(hook, For::Looking, actions, &FREEZE_BLANKS)).transpose()?,
            minutes,
            longest,
        })
    }

    /// What the team can stop.
    pub fn stops(&self, tables: Vec<StopTable>, actions: &Actions) -> Result<Vec<Stop>, Refused> {
        let mut all: Vec<Stop> = Vec::new();
        for StopTable { name, kind, matches, stop, go_on } in tables {
            let at = name.span().start;
            let plain = |c: u8| c.is_ascii_alphanumeric() || b"._-".contains(&c);
            let name = name.into_inner();
            if name.is_empty() || name.starts_with('-') || name.len() > 80 || !name.bytes().all(plain) {
                let what = "a name on the stop list is 1 to 80 letters, digits and . _ -, such as crm-write-key";
                return Err(self.refuse(at, what.to_owned()));
            }
            if all.iter().any(|other| other.name == name) {
                return Err(self.refuse(at, format!("{name} is on the stop list already: each has a name of its own")));
            }
            if all.len() == STOPS {
                return Err(self.refuse(at, format!("the stop list holds {STOPS} things at most")));
            }
            let globs = matches.get_ref().iter().map(|text| Glob::new(text)).collect::<Result<Vec<_>, _>>();
            let matches = globs.map_err(|what| self.refuse(matches.span().start, what))?;
            let hook = |hook| self.hook(hook, For::Changing, actions, &STOP_BLANKS);
            all.push(Stop { name, kind, matches, stop: hook(stop)?, go_on: go_on.map(hook).transpose()? });
        }
        Ok(all)
    }

    /// A command or a request, with blanks that somebody will fill.
    fn hook(
        &self,
        table: Spanned<HookTable>,
        is_for: For,
        actions: &Actions,
        blanks: &[&str],
    ) -> Result<Hook, Refused> {
        let at = table.span().start;
        let refuse = |what: String| Err(self.refuse(at, what));
        let HookTable { run, method, url, body } = table.into_inner();
        let hook = match (run.is_empty(), url) {
            (false, None) if method.is_none() && body.is_none() => Hook::Command(run),
            (true, Some(url)) => {
                let usual = if is_for == For::Looking { "GET" } else { "POST" };
                Hook::Request { method: method.unwrap_or_else(|| usual.to_owned()), url, body }
            }
            _ => {
                return refuse(
                    "is either a command, { run = [\"/path/to/program\", \"word\"] }, or a request, { method = \"PUT\", url = \
                     \"https://…\" }"
                        .to_owned(),
                );
            }
        };
        if let Hook::Request { method, url, body } = &hook {
            let methods: &[&str] = if is_for == For::Looking { &["GET"] } else { &["POST", "PUT", "PATCH", "DELETE"] };
            if !methods.contains(&method.as_str()) || (is_for == For::Looking && body.is_some()) {
                return refuse(format!(
                    "its method is one of {}, {}",
                    methods.join(", "),
                    match is_for {
                        For::Looking => "without a body: it only looks",
                        For::Changing => "since it changes something",
                    }
                ));
            }
            let address = url::Url::parse(&url.replace(['{', '}'], ""));
            let Ok(address) = address else {
                return refuse(format!("{url:?} is not an address: write it as https://host/path"));
            };
            let known = actions.hosts.iter().any(|host| host.origin() == address.origin());
            if is_for == For::Changing && !known {
                let origin = address.origin().ascii_serialization();
                return refuse(format!("{origin} is not among [actions] hosts, so nothing is ever sent there"));
            }
        }
        match hook.strange(blanks) {
            Some(strange) => {
                let known: Vec<String> = blanks.iter().map(|name| format!("{{{name}}}")).collect();
                refuse(format!("nobody knows what {{{strange}}} stands for: there are {}", known.join(", ")))
            }
            None => Ok(hook),
        }
    }
}
