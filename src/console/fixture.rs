//! A small picture and a model of it, for the console's own tests.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};

use super::draw::draw;
use super::glyph;
use super::key;
use super::keymap::Keymap;
use super::model::{Effect, Model, Msg, Setup};
use super::pane::Now;
use super::panes;
use super::theme::{self, Depth};
use super::update::update;
use crate::engine::View;
use crate::engine::view::{
    ActionView, AlertGroup, AlertLine, Bounded, ChangeLine, DiagnosisView, IncidentState, IncidentView, TimelineItem,
};
use crate::event::{
    AlertStatus, Cause, ChangeClass, Diagnosis, Digest, Falsifier, Fingerprint, Hypothesis, IncidentId, Kind,
    NextCheck, Person, Plan, Reason, Request, Rule, Seq, Severity, Surface, Target, Tier, Time, Untrusted,
};

/// Second `second` of the fixture's night.
pub fn at(second: i64) -> Time {
    Time::from_second(1_772_333_220 + second).expect("in range")
}

pub fn person(login: &str) -> Person {
    Person { login: login.into(), known_by: "uid".into(), session: "1".into() }
}

pub fn plan(incident: u64, tier: u8, body: &str) -> Plan {
    Plan {
        incident: IncidentId(incident),
        title: "silence judge-score-low".into(),
        request: Request::Http {
            method: "POST".into(),
            url: "http://127.0.0.1:9093/api/v2/silences".into(),
            body: body.into(),
        },
        targets: vec![Target { kind: "alert".into(), name: "judge-score-low".into() }],
        tier: Tier(tier),
        policy: "silence/1".into(),
        taint: vec!["alert label service".into()],
        undo: "expire the silence".into(),
        idempotency_key: "k".into(),
        proposed_by: "mei".into(),
        approve_by: at(100_000),
        purpose: crate::event::Purpose::Mend,
        origin: None,
        traits: None,
        found_by: None,
        asks: None,
        reasons: Vec::new(),
        dry_run: None,
    }
}

pub fn waiting(plan: Plan) -> ActionView {
    ActionView::proposed(plan.id(), Arc::new(plan))
}

fn hypothesis(surface: Surface, mechanism: &str) -> Hypothesis {
    let cause = Cause { surface, subject: Some("support-assistant".into()), change: Some("change-1".into()) };
    Hypothesis::new(
        cause,
        mechanism.into(),
        vec![Falsifier("runs on the old prompt fail too".into())],
        NextCheck("replay 20 runs on prompt 41".into()),
    )
    .expect("it has a falsifier")
}

/// Ten events and `news` more, half a minute apart.
fn events(news: u64) -> Bounded<TimelineItem> {
    let items = (0..10 + news)
        .map(|nth| TimelineItem {
            at: at(i64::try_from(nth).unwrap_or(0) * 30),
            arrived: at(i64::try_from(nth).unwrap_or(0) * 30),
            seq: Seq(nth + 1),
            kind: Kind::Alert,
            who: "support-assistant".into(),
            text: format!("event {nth}").into(),
            folded: 0,
            opens: None,
        })
        .collect();
    Bounded { items, hidden: 0 }
}

pub fn incident(number: u64, news: u64) -> IncidentView {
    let fingerprint: Fingerprint = "00ff".parse().expect("hexadecimal");
    IncidentView {
        hands: crate::engine::view::HandsView::default(),
        freeze: None,
        bad_runs: Bounded::default(),
        id: IncidentId(number),
        headline: "support-assistant is degraded; probable cause: prompt in support-assistant".into(),
        severity: Severity::Critical,
        state: IncidentState::Open,
        owner: None,
        rated: None,
        labels: Vec::new(),
        way: crate::engine::view::WayView::default(),
        similar: None,
        began: at(0),
        opened: at(5),
        updated: at(300),
        locked: false,
        alerts: 37,
        firing: 30,
        truncated: 0,
        groups: Bounded {
            items: vec![AlertGroup {
                service: "support-assistant".into(),
                name: "judge-score-low".into(),
                severity: Severity::Critical,
                alerts: 37,
                firing: 30,
                first: at(0),
                latest: at(200),
                why: Reason { rule: Rule::Founder, peer: None, text: "the first".into() },
                flapping: false,
                sample: vec![AlertLine {
                    fingerprint,
                    status: AlertStatus::Firing,
                    starts_at: at(0),
                    distinct: "region=eu".into(),
                    late: false,
                }],
            }],
            hidden: 0,
        },
        timeline: events(news),
        changes: Bounded {
            items: vec![ChangeLine {
                id: "change-1".into(),
                at: at(-200),
                untimed: false,
                surface: Surface::Prompt,
                class: ChangeClass::Prompt,
                subject: "refund_policy".into(),
                actor: "mei".into(),
                summary: "41 to 42".into(),
                suspicion: 0.9,
                why: "4 min before the onset".into(),
                has_diff: true,
            }],
            hidden: 0,
        },
        surfaces: Vec::new(),
        runs: Bounded::default(),
        stops: Vec::new(),
        reading: None,
        triage: Vec::new(),
        mixes: Vec::new(),
        replays: Vec::new(),
        series: Vec::new(),
        around: crate::engine::view::Around::default(),
        diagnosis: Some(DiagnosisView {
            seq: Seq(9),
            arrived: at(100),
            diagnosis: Arc::new(Diagnosis {
                incident: IncidentId(number),
                as_of: at(100),
                engine: "builtin/1".into(),
                inputs: Digest::of(b"inputs"),
                evidence: Vec::new(),
                hypotheses: vec![
                    hypothesis(Surface::Prompt, "prompt 42 changed the refund rule"),
                    hypothesis(Surface::Retrieval, "the search index is stale"),
                ],
                none_of_these: 0.2,
                headline: Untrusted::default(),
                onset: Some(at(0)),
                first_failing: None,
                blast_radius: Vec::new(),
                remediation: None,
                not_checked: Vec::new(),
                calibration: None,
            }),
        }),
        actions: Vec::new(),
        decisions: Vec::new(),
        hunches: Vec::new(),
        notes: Vec::new(),
        truth: None,
    }
}

/// A picture with the given incidents; `head` says how much went in.
pub fn view(head: u64, incidents: Vec<IncidentView>) -> Arc<View> {
    Arc::new(View {
        head: Seq(head),
        journal_head: Seq(head),
        as_of: Some(at(300)),
        incidents: Bounded { items: incidents.into_iter().map(Arc::new).collect(), hidden: 0 },
        ..View::default()
    })
}

/// A model with a clock of its own, driven by keys.
pub struct Bench {
    pub model: Model,
    pub effects: Vec<Effect>,
    pub clock: Duration,
}

impl Bench {
    pub fn new(columns: u16, rows: u16, view: Arc<View>) -> Self {
        let setup = Setup {
            theme: theme::load("mono", None, Depth::None).expect("built in"),
            glyphs: &glyph::UNICODE,
            tree: crate::surface::triage::Tree::built_in(),
            rubric: crate::surface::severity::Rubric::built_in(),
            endpoints: Vec::new(),
            keymap: Keymap::load("vim", None).expect("built in"),
            zone: TimeZone::UTC,
            may_copy: true,
            person: person("ana"),
            hunch_first: false,
            panes: panes::all(),
        };
        let now = Now { wall: at(300), mono: Duration::ZERO };
        let model = Model::new(setup, Size::new(columns, rows), view.clone(), now);
        let mut bench = Self { model, effects: Vec::new(), clock: Duration::ZERO };
        bench.send(Msg::View(view));
        bench
    }

    pub fn send(&mut self, msg: Msg) {
        let now = Now { wall: at(300), mono: self.clock };
        self.effects.extend(update(&mut self.model, msg, now));
    }

    /// Presses keys, written with blanks between them: `g g enter`.
    pub fn press(&mut self, keys: &str) {
        for key in keys.split(' ').filter(|key| !key.is_empty()) {
            for key in key::sequence(key).expect("keys") {
                self.send(Msg::Key(key));
            }
        }
    }

    /// Types text, letter by letter.
    pub fn type_in(&mut self, text: &str) {
        for c in text.chars() {
            self.send(Msg::Key(key::Key::plain(crossterm::event::KeyCode::Char(c))));
        }
    }

    /// The frame gets through, and time passes.
    pub fn paint_and_wait(&mut self, millis: u64) {
        self.send(Msg::Painted);
        self.clock += Duration::from_millis(millis);
    }

    fn drawn(&self) -> Buffer {
        let Size { width, height } = self.model.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        let _ = draw(&self.model, &mut buffer);
        buffer
    }

    /// The screen as text.
    pub fn screen(&self) -> String {
        let buffer = self.drawn();
        let row = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        (0..buffer.area.height).map(row).collect::<Vec<_>>().join("\n")
    }

    /// The screen as text, and after each row where which style is: `from-to style`, what has none left out.
    pub fn styled(&self) -> String {
        let buffer = self.drawn();
        let mut out = String::new();
        for (y, text) in (0..buffer.area.height).zip(self.screen().lines()) {
            let mut runs: Vec<(u16, u16, String)> = Vec::new();
            for x in 0..buffer.area.width {
                let Some(style) = written(&buffer[(x, y)]) else { continue };
                match runs.last_mut() {
                    Some((_, to, same)) if *same == style => *to = x,
                    _ => runs.push((x, x, style)),
                }
            }
            runs.retain(|(_, _, style)| !style.is_empty());
            let runs: Vec<_> = runs.into_iter().map(|(from, to, style)| format!("{from}-{to} {style}")).collect();
            out.push_str(text);
            if !runs.is_empty() {
                out.extend(["\n    ~ ", &runs.join(", ")]);
            }
            out.push('\n');
        }
        out
    }

    /// The acts handed to the desk so far.
    pub fn acts(&self) -> Vec<&crate::response::Act> {
        self.effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Perform(_, act) => Some(act),
                _ => None,
            })
            .collect()
    }
}

/// A cell's style in words, empty when it has none; `None` for a blank on which no style could be seen.
fn written(cell: &ratatui::buffer::Cell) -> Option<String> {
    use ratatui::style::{Color, Modifier};
    let blank = cell.symbol() == " " && !cell.modifier.intersects(Modifier::REVERSED | Modifier::UNDERLINED);
    if blank && cell.bg == Color::Reset {
        return None;
    }
    let mut words = Vec::new();
    if cell.fg != Color::Reset {
        words.push(cell.fg.to_string());
    }
    if cell.bg != Color::Reset {
        words.push(format!("on {}", cell.bg));
    }
    words.extend(cell.modifier.iter_names().map(|(name, _)| name.to_ascii_lowercase()));
    Some(words.join(" "))
}
