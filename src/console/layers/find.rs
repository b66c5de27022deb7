//! Finding an incident, alert, change, run or event of the picture on the screen by some letters of it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::fuzzy;
use super::prompt::Prompt;
use crate::console::action::Action;
use crate::console::keymap::Context;
use crate::console::layer::{Extent, Layer};
use crate::console::pane::{Answer, Ask, Cx, Input, PaneKind};
use crate::console::safe;
use crate::console::theme::Role;
use crate::engine::View;
use crate::engine::view::{IncidentView, Opens};
use crate::event::{IncidentId, Policy, Untrusted};

/// So many things are searched; a picture is bounded far below it.
const MOST: usize = 20_000;
/// So many are listed.
const LISTED: usize = 200;

/// The layer of the search.
pub struct Find {
    prompt: Prompt,
    all: Vec<Thing>,
    found: Vec<(usize, Vec<u32>)>,
    at: usize,
}

struct Thing {
    kind: &'static str,
    text: String,
    leads: Leads,
}

enum Leads {
    Incident(IncidentId),
    Opens(Opens),
}

impl Find {
    /// Searches `view`, and in it what belongs to `incident`.
    #[must_use]
    pub fn new(view: &View, incident: Option<&IncidentView>, cx: &Cx<'_>) -> Self {
        let mut all = Vec::new();
        let safe = |text: &Untrusted| text.show(Policy::Prose).into_cow().into_owned();
        for incident in &view.incidents.items {
            let text = format!("{} {}", incident.id, safe(&incident.headline));
            all.push(Thing { kind: "incident", text, leads: Leads::Incident(incident.id) });
        }
        if let Some(incident) = incident {
            for group in &incident.groups.items {
                for alert in &group.sample {
                    all.push(Thing {
                        kind: "alert",
                        text: format!("{} {} {}", safe(&group.service), safe(&group.name), safe(&alert.distinct)),
                        leads: Leads::Opens(Opens::Alert { fingerprint: alert.fingerprint.clone() }),
                    });
                }
            }
            for change in &incident.changes.items {
                let text = format!(
                    "{} {} {} {}",
                    change.surface.name(),
                    safe(&change.subject),
                    safe(&change.summary),
                    safe(&change.actor)
                );
                all.push(Thing { kind: "change", text, leads: Leads::Opens(Opens::Change { id: change.id.clone() }) });
            }
            for run in &incident.runs.items {
                let text = format!("{} {} {}", run.trace, safe(&run.agent), safe(&run.stop));
                all.push(Thing { kind: "run", text, leads: Leads::Opens(Opens::Run { trace: run.trace }) });
            }
            for item in &incident.timeline.items {
                let opens = item.opens.clone().unwrap_or(Opens::Entry { seq: item.seq });
                let text = format!("{} {} {}", cx.clock(item.at), safe(&item.who), safe(&item.text));
                all.push(Thing { kind: "event", text, leads: Leads::Opens(opens) });
            }
        }
        all.truncate(MOST);
        let mut find = Self { prompt: Prompt::default(), all, found: Vec::new(), at: 0 };
        find.search();
        find
    }

    fn search(&mut self) {
        self.at = 0;
        self.found = fuzzy::rank(&self.prompt.text(), self.all.iter().map(|thing| thing.text.as_str()), LISTED);
    }
}

impl Layer for Find {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        let listed = if self.found.len() == LISTED { "the best 200".to_owned() } else { self.found.len().to_string() };
        Line::from(vec![
            safe::lit(" Find ", cx.of(Role::DialogTitle)),
            safe::made(format!(" {listed} of {} on the screen's picture", self.all.len()), cx.of(Role::Muted)),
        ])
    }

    fn extent(&self, _cx: &Cx<'_>) -> Extent {
        Extent::Full
    }

    fn context(&self) -> Context {
        Context::Input
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::InputAccept, Action::InputUp, Action::InputDown, Action::InputCancel]
    }

    fn update(&mut self, _cx: &Cx<'_>, input: &Input) -> Answer {
        match input {
            Input::Paste(text) => {
                self.prompt.paste(text);
                self.search();
            }
            Input::Key(key) => {
                let was = self.prompt.text();
                if !self.prompt.press(*key) {
                    return Answer::Ignored;
                }
                if was != self.prompt.text() {
                    self.search();
                }
            }
            Input::Do(command) => match command.action {
                Action::InputCancel => return Answer::ask(Ask::Close),
                Action::InputUp => self.at = self.at.saturating_sub(1),
                Action::InputDown => self.at = (self.at + 1).min(self.found.len().saturating_sub(1)),
                Action::InputClear => {
                    self.prompt.clear();
                    self.search();
                }
                Action::InputAccept => {
                    let Some(thing) = self.found.get(self.at).and_then(|(nth, _)| self.all.get(*nth)) else {
                        return Answer::done();
                    };
                    let then = match &thing.leads {
                        Leads::Incident(id) => vec![Ask::Choose(*id), Ask::Focus(PaneKind::Hypotheses)],
                        Leads::Opens(opens) => vec![Ask::Open(opens.clone())],
                    };
                    return Answer::Done(std::iter::once(Ask::Close).chain(then).collect());
                }
                _ => return Answer::Ignored,
            },
        }
        Answer::done()
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let (line, _) = self.prompt.drawn(cx, cx.area.width.saturating_sub(2));
        safe::put(buf, cx.area, 0, Line::from(safe::lit("/", cx.of(Role::Key))), cx.glyphs.cut);
        let typed = Rect { x: cx.area.x + 1, width: cx.area.width.saturating_sub(1), ..cx.area };
        safe::put(buf, typed, 0, line, cx.glyphs.cut);
        if self.found.is_empty() {
            safe::put(
                buf,
                cx.area,
                1,
                Line::from(safe::lit("Nothing here holds these letters.", cx.of(Role::Muted))),
                cx.glyphs.cut,
            );
        }
        let window = usize::from(cx.area.height.saturating_sub(1)).max(1);
        let top = (self.at + 1).saturating_sub(window);
        for (row, (at, (nth, columns))) in (1..cx.area.height).zip(self.found.iter().enumerate().skip(top)) {
            let Some(thing) = self.all.get(*nth) else { continue };
            let mut spans = vec![safe::made(format!("{:<9}", thing.kind), cx.of(Role::Muted))];
            spans.extend(marked(&thing.text, columns, cx));
            safe::put(buf, cx.area, row, Line::from(spans), cx.glyphs.cut);
            if at == self.at {
                buf.set_style(Rect { y: cx.area.y + row, height: 1, ..cx.area }, cx.of(Role::Cursor));
            }
        }
    }

    fn cursor(&self, cx: &Cx<'_>) -> Option<(u16, u16)> {
        let (_, column) = self.prompt.drawn(cx, cx.area.width.saturating_sub(2));
        Some((cx.area.x + 1 + column, cx.area.y))
    }
}

/// The text with the letters that matched set off, run by run.
fn marked(text: &str, columns: &[u32], cx: &Cx<'_>) -> Vec<ratatui::text::Span<'static>> {
    let mut spans = Vec::new();
    let mut run = String::new();
    let mut on = false;
    for (nth, c) in (0u32..).zip(text.chars()) {
        let hit = columns.binary_search(&nth).is_ok();
        if hit != on && !run.is_empty() {
            spans.push(safe::made(&run, cx.of(if on { Role::Match } else { Role::Text })));
            run.clear();
        }
        on = hit;
        run.push(c);
    }
    spans.push(safe::made(&run, cx.of(if on { Role::Match } else { Role::Text })));
    spans
}
