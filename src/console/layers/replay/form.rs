//! What is chosen for a replay: where, which runs, how often, what is compared, what it may cost.

use crossterm::event::KeyCode;

use super::told;
use crate::console::errand::Errand;
use crate::console::key::Key;
use crate::console::layers::prompt::Prompt;
use crate::console::pane::Cx;
use crate::engine::view::{IncidentView, Standing};
use crate::event::{IncidentId, ReplayArm, TraceId, Untrusted};
use crate::response::replay::{Moved, Offer, Order, Pin, Survey, as_recorded};
use crate::surface::sample::draw;

/// So many runs are proposed …
const RUNS: u64 = 10;
/// … and no more than this, however many it takes to tell two arms apart.
const MOST_RUNS: u64 = 40;
/// So often a run that is taken alone is proposed.
const ALONE: &str = "10";
/// Tokens that may be spent, unless somebody says otherwise.
const BUDGET: &str = "200000";

/// Runs that can be taken.
pub(super) struct Pool {
    pub what: String,
    pub traces: Vec<TraceId>,
}

/// One arm that can be taken.
pub(super) struct ArmRow {
    pub on: bool,
    pub what: Kind,
}

/// What an arm has pinned.
pub(super) enum Kind {
    /// Nothing.
    Recorded,
    /// One thing as it was before.
    Before(Moved),
    /// All that is another since, as it was before.
    All(Vec<Moved>),
    /// A model whose name is typed.
    Model(Prompt),
    /// A temperature that is typed.
    Temperature(Prompt),
}

/// The form.
pub(super) struct Form {
    pub endpoints: Vec<Offer>,
    pub endpoint: usize,
    pub pools: Vec<Pool>,
    pub pool: usize,
    pub runs: Prompt,
    pub times: Prompt,
    pub budget: Prompt,
    pub arms: Vec<ArmRow>,
    /// The row under the cursor.
    pub row: usize,
    /// What is wrong with it.
    pub wrong: Option<Untrusted>,
    /// What is known of the runs; `None` = they are still read.
    pub survey: Option<Survey>,
    /// The person moved or typed: proposals that come late change nothing of theirs.
    touched: bool,
}

/// Rows before the arms.
pub(super) const FIELDS: usize = 5;

impl Form {
    pub fn new(incident: &IncidentView, run: Option<TraceId>, endpoints: &[Offer], cx: &Cx<'_>) -> Self {
        let reading = incident.reading.as_ref();
        let moment = reading.map(|reading| reading.sample.moment);
        let when = moment.map(|at| cx.clock(at)).unwrap_or_default();
        let seed = incident.id.0;
        let failed = incident.runs.items.iter().filter(|run| run.bad.is_some() && moment.is_none_or(|at| run.at >= at));
        let failed = draw(failed.map(|run| run.trace), seed, usize::MAX);
        let drawn = |before: bool| -> Vec<TraceId> {
            let all = reading.map(|reading| reading.drawn.as_slice()).unwrap_or_default();
            all.iter().filter(|one| one.before == before).map(|one| one.trace).collect()
        };
        let mut pools: Vec<Pool> = Vec::new();
        if let Some(trace) = run {
            pools.push(Pool { what: format!("only run {}", &trace.to_string()[..6]), traces: vec![trace] });
        }
        for (what, traces) in [
            (format!("{} that failed since {when}", failed.len()), failed),
            (format!("a sample of all since {when}"), drawn(false)),
            (format!("a sample of all before {when}"), drawn(true)),
        ] {
            if !traces.is_empty() {
                pools.push(Pool { what, traces });
            }
        }
        let mut form = Self {
            endpoints: endpoints.to_vec(),
            endpoint: 0,
            runs: Prompt::with(
                &wanted(incident).min(pools.first().map_or(1, |pool| pool.traces.len() as u64)).to_string(),
            ),
            times: Prompt::with("1"),
            budget: Prompt::with(BUDGET),
            pools,
            pool: 0,
            arms: vec![
                ArmRow { on: true, what: Kind::Recorded },
                ArmRow { on: false, what: Kind::Model(Prompt::default()) },
                ArmRow { on: false, what: Kind::Temperature(Prompt::default()) },
            ],
            row: 0,
            wrong: None,
            survey: None,
            touched: false,
        };
        if run.is_some() {
            form.runs = Prompt::with("1");
            form.times = Prompt::with(ALONE);
        }
        form
    }

    /// What has to be read to know what is another since.
    pub fn survey(&self, incident: &IncidentView) -> Errand {
        let drawn = incident.reading.as_ref().map(|reading| reading.drawn.as_slice()).unwrap_or_default();
        let before = drawn.iter().filter(|one| one.before).map(|one| one.trace).collect();
        let since = self.pools.first().map(|pool| pool.traces.clone()).unwrap_or_default();
        Errand::Survey { incident: incident.id, before, since }
    }

    /// Takes in what is another since: each such thing alone as it was before is proposed, against all as recorded.
    pub fn surveyed(&mut self, survey: &Survey) {
        if self.survey.is_none() {
            let proposed = survey.moved.iter().map(|one| ArmRow { on: true, what: Kind::Before(one.clone()) });
            let mut rows: Vec<ArmRow> = proposed.collect();
            if survey.moved.len() > 1 {
                rows.push(ArmRow { on: false, what: Kind::All(survey.moved.clone()) });
            }
            if self.touched && self.row > FIELDS {
                self.row += rows.len();
            }
            self.arms.splice(1..1, rows);
        }
        self.survey = Some(survey.clone());
    }

    pub fn rows(&self) -> usize {
        FIELDS + self.arms.len()
    }

    pub fn step(&mut self, by: isize) {
        self.touched = true;
        let rows = isize::try_from(self.rows()).unwrap_or(1);
        let to = (isize::try_from(self.row).unwrap_or(0) + by).rem_euclid(rows);
        self.row = usize::try_from(to).unwrap_or(0);
    }

    /// The line that is typed in, if the row has one.
    pub fn prompt(&self) -> Option<&Prompt> {
        match self.row {
            2 => Some(&self.runs),
            3 => Some(&self.times),
            4 => Some(&self.budget),
            row => match self.arms.get(row.checked_sub(FIELDS)?)?.what {
                Kind::Model(ref prompt) | Kind::Temperature(ref prompt) => Some(prompt),
                Kind::Recorded | Kind::Before(_) | Kind::All(_) => None,
            },
        }
    }

    fn prompt_mut(&mut self) -> Option<&mut Prompt> {
        match self.row {
            2 => Some(&mut self.runs),
            3 => Some(&mut self.times),
            4 => Some(&mut self.budget),
            row => match self.arms.get_mut(row.checked_sub(FIELDS)?)?.what {
                Kind::Model(ref mut prompt) | Kind::Temperature(ref mut prompt) => Some(prompt),
                Kind::Recorded | Kind::Before(_) | Kind::All(_) => None,
            },
        }
    }

    pub fn press(&mut self, key: Key) {
        self.touched = true;
        let around = |at: usize, of: usize, by: isize| {
            let to = (isize::try_from(at).unwrap_or(0) + by).rem_euclid(isize::try_from(of.max(1)).unwrap_or(1));
            usize::try_from(to).unwrap_or(0)
        };
        let by = match key.code {
            KeyCode::Left => -1,
            KeyCode::Right | KeyCode::Char(' ') => 1,
            _ => 0,
        };
        match self.row {
            0 => self.endpoint = around(self.endpoint, self.endpoints.len(), by),
            1 => self.pool = around(self.pool, self.pools.len(), by),
            // Numbers take digits and what edits them.
            2..=4 if key.typed().is_some_and(|typed| !typed.is_ascii_digit()) => {}
            row => {
                if let Some(prompt) = self.prompt_mut() {
                    prompt.press(key);
                    let typed = !prompt.is_empty();
                    // What is typed is meant.
                    if let Some(arm) = row.checked_sub(FIELDS).and_then(|arm| self.arms.get_mut(arm)) {
                        arm.on = typed;
                    }
                } else if by != 0
                    && let Some(arm) = row.checked_sub(FIELDS).and_then(|arm| self.arms.get_mut(arm))
                {
                    arm.on = !arm.on;
                }
            }
        }
    }

    pub fn paste(&mut self, text: &str) {
        let is_arm = self.row >= FIELDS;
        if let Some(prompt) = self.prompt_mut().filter(|_| is_arm) {
            prompt.paste(text);
            let typed = !prompt.is_empty();
            if let Some(arm) = self.arms.get_mut(self.row - FIELDS) {
                arm.on = typed;
            }
        }
    }

    pub fn clear(&mut self) {
        let row = self.row;
        if let Some(prompt) = self.prompt_mut() {
            prompt.clear();
            if let Some(arm) = row.checked_sub(FIELDS).and_then(|arm| self.arms.get_mut(arm)) {
                arm.on = false;
            }
        }
    }

    /// What is wanted, as far as it can be told before the runs are read.
    ///
    /// # Errors
    /// What is wrong with the form.
    pub fn order(&self, incident: IncidentId) -> Result<Box<Order>, Untrusted> {
        let number = |prompt: &Prompt, what: &str| {
            prompt
                .text()
                .parse::<u64>()
                .ok()
                .filter(|number| *number > 0)
                .ok_or_else(|| told(format!("{what} must be a number from 1 on, and not {:?}", prompt.text())))
        };
        let endpoint = self.endpoints.get(self.endpoint).ok_or_else(|| told("there is no endpoint"))?;
        let pool = self.pools.get(self.pool).ok_or_else(|| told("there is no run"))?;
        let times = number(&self.times, "times")?;
        let mut arms = Vec::new();
        for row in self.arms.iter().filter(|row| row.on) {
            arms.push(row.arm()?);
        }
        if arms.is_empty() {
            return Err(told("choose at least one arm"));
        }
        Ok(Box::new(Order {
            incident,
            endpoint: endpoint.name.clone(),
            pool: pool.traces.clone(),
            runs: usize::try_from(number(&self.runs, "runs")?).unwrap_or(usize::MAX),
            arms,
            times: u32::try_from(times).unwrap_or(u32::MAX),
            budget: number(&self.budget, "the budget")?,
        }))
    }
}

impl ArmRow {
    fn arm(&self) -> Result<ReplayArm, Untrusted> {
        Ok(match &self.what {
            Kind::Recorded => as_recorded(),
            Kind::Before(moved) => moved.arm(),
            Kind::All(all) => {
                let mut arm = ReplayArm { name: "all as before".into(), ..ReplayArm::default() };
                for moved in all {
                    moved.pin.set(&mut arm, &moved.before);
                }
                arm
            }
            Kind::Model(prompt) => {
                let name = prompt.text();
                let name = name.trim();
                ReplayArm { name: format!("model {name}").into(), model: Some(name.into()), ..ReplayArm::default() }
            }
            Kind::Temperature(prompt) => {
                let mut arm =
                    ReplayArm { name: format!("temperature {}", prompt.text().trim()).into(), ..ReplayArm::default() };
                Pin::Temperature.set(&mut arm, &prompt.text().into());
                if arm.temperature.is_none() {
                    return Err(told(format!("a temperature lies between 0 and 2: {:?}", prompt.text())));
                }
                arm
            }
        })
    }
}

/// How many runs it takes: what attribution asks for where it cannot tell two moved parts apart, else a first few.
fn wanted(incident: &IncidentView) -> u64 {
    let moved = incident.around.outcome.iter().flat_map(|outcome| &outcome.moved);
    let asked = moved.filter_map(|one| match &one.standing {
        Standing::Confounded { test, .. } => Some(test.runs),
        Standing::Explains | Standing::Innocent | Standing::TooFew => None,
    });
    asked.max().unwrap_or(RUNS).clamp(RUNS, MOST_RUNS)
}
