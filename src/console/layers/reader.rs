//! Outputs read one by one without knowing which side of the moment they are of: good, bad, unsure, skip.
//!
//! What could tip the reader off stays hidden while they read: side, time, run, how it stopped, what a judge said. The rates are
//! hidden as well until the sitting ends: whoever sees them move begins to read towards them.

mod kinds;
mod page;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::text::Line;

use super::scroll::Scroll;
use crate::console::action::Action;
use crate::console::details::{Detail, Loaded, Want};
use crate::console::keymap::Context;
use crate::console::layer::{Extent, Layer};
use crate::console::pane::{Answer, Ask, Cx, Input};
use crate::console::safe;
use crate::console::theme::Role;
use crate::engine::view::{Drawn, IncidentView, ReadingView};
use crate::event::{IncidentId, OutputLabel, SampleOf, SliceOf, TraceId, Untrusted};
use crate::response::Act;
use crate::surface::sample::sitting;

/// So many outputs after the one on the screen are fetched ahead.
const AHEAD: usize = 2;

/// The layer in which outputs are read.
pub struct Reader {
    incident: IncidentId,
    reader: Untrusted,
    sample: SampleOf,
    /// The kinds of runs that can be read against each other, and which are.
    kinds: Vec<Option<SliceOf>>,
    kind: usize,
    /// The outputs of this sitting.
    sheet: Vec<TraceId>,
    /// What was said of the first of them; the next one is on the screen.
    said: Vec<OutputLabel>,
    /// The sitting is over: the rates are on the screen.
    over: bool,
    /// The output that a frame has shown: only that can be judged.
    seen: Option<usize>,
    laid_out: Option<Layout>,
    lines: Vec<Line<'static>>,
    scroll: Scroll,
}

/// What the lines were laid out for.
#[derive(Clone, Debug, PartialEq)]
struct Layout {
    width: u16,
    nth: usize,
    over: bool,
    theme: String,
    head: crate::event::Seq,
    loaded: bool,
}

impl Reader {
    /// The next sitting of `reader`: of runs before and since, or of the two kinds that `named` names, such as `region` or
    /// `region=eu,us`. Who has read everything sees the rates.
    ///
    /// # Errors
    /// There is no run to read, or none of that kind.
    pub fn new(incident: &IncidentView, reader: &Untrusted, named: Option<&str>) -> Result<Self, String> {
        let Some(reading) = incident.reading.as_ref() else {
            return Err("No agent run was seen around this incident: there is no output to read.".to_owned());
        };
        let mut kinds = kinds::all(reading);
        let kind = match named {
            None => 0,
            Some(named) => {
                let wanted = kinds::named(reading, named)?;
                kinds.iter().position(|kind| *kind == wanted).unwrap_or_else(|| {
                    kinds.push(wanted);
                    kinds.len() - 1
                })
            }
        };
        let mut layer = Self {
            incident: incident.id,
            reader: reader.clone(),
            sample: reading.sample.clone(),
            kinds,
            kind,
            over: false,
            sheet: Vec::new(),
            said: Vec::new(),
            seen: None,
            laid_out: None,
            lines: Vec::new(),
            scroll: Scroll::default(),
        };
        layer.sit(reading);
        Ok(layer)
    }

    /// Draws the sitting anew for the kinds that are chosen.
    fn sit(&mut self, reading: &ReadingView) {
        let slice = self.kinds.get(self.kind).cloned().flatten();
        let (one, other) = kinds::drawn(reading, slice.as_ref());
        let has_read = |said: &[(Untrusted, OutputLabel)]| said.iter().any(|(by, _)| *by == self.reader);
        let read: BTreeSet<TraceId> =
            one.iter().chain(&other).filter(|one| has_read(&one.said)).map(|one| one.trace).collect();
        let traces = |side: &[&Drawn]| side.iter().map(|one| one.trace).collect::<Vec<_>>();
        self.sheet = sitting(traces(&one), traces(&other), &read, reading.sample.seed);
        self.sample = SampleOf { slice, ..reading.sample.clone() };
        self.over = self.sheet.is_empty();
        self.laid_out = None;
        self.scroll = Scroll::default();
    }

    /// Other kinds of runs, as long as nothing was said.
    fn other_kinds(&mut self, cx: &Cx<'_>) -> Answer {
        let live = cx.live.incidents.items.iter().find(|incident| incident.id == self.incident);
        let Some(reading) = live.and_then(|incident| incident.reading.as_ref()) else { return Answer::Ignored };
        if !self.said.is_empty() {
            let text = "Other kinds can be chosen before the first answer of a sitting.";
            return Answer::ask(Ask::Say(text.to_owned()));
        }
        if self.kinds.len() < 2 {
            let text = "These runs are of one kind only: nothing but before and since tells them apart.";
            return Answer::ask(Ask::Say(text.to_owned()));
        }
        self.kind = (self.kind + 1) % self.kinds.len();
        self.seen = None;
        self.sit(reading);
        Answer::done()
    }

    /// The output on the screen.
    fn now(&self) -> Option<TraceId> {
        self.sheet.get(self.said.len()).copied().filter(|_| !self.over)
    }

    /// Whether the output on the screen is there to be read.
    fn readable(&self, cx: &Cx<'_>) -> bool {
        self.now().is_some_and(|trace| match cx.detail(&Want::Run(trace)) {
            Loaded::Ready(detail) => matches!(&*detail, Detail::Run(run) if page::last_said(run).is_some()),
            _ => false,
        })
    }

    fn label(&mut self, cx: &Cx<'_>, label: OutputLabel) -> Answer {
        let Some(trace) = self.now() else { return Answer::done() };
        if label != OutputLabel::Skip {
            if !self.readable(cx) {
                let key = cx.keymap.first(Action::Skip).unwrap_or_else(|| ":skip".to_owned());
                return Answer::ask(Ask::Say(format!("There is nothing to judge here yet; {key} skips it.")));
            }
            if self.seen != Some(self.said.len()) {
                return Answer::ask(Ask::Say(
                    "That came before the output was on the screen: nothing was said.".to_owned(),
                ));
            }
        }
        self.said.push(label);
        self.over = self.said.len() == self.sheet.len();
        self.scroll = Scroll::default();
        Answer::ask(self.record(trace, label))
    }

    /// Takes the last answer back: it is recorded that nothing is said, and the output is on the screen again.
    fn undo(&mut self) -> Answer {
        if self.over {
            let text = "The sitting is over: after the rates were seen nothing of it can be taken back.";
            return Answer::ask(Ask::Say(text.to_owned()));
        }
        let Some(label) = self.said.pop() else {
            return Answer::ask(Ask::Say("There is nothing to take back.".to_owned()));
        };
        self.scroll = Scroll::default();
        match self.now() {
            Some(trace) if label != OutputLabel::Skip => Answer::ask(self.record(trace, OutputLabel::Skip)),
            _ => Answer::done(),
        }
    }

    fn record(&self, trace: TraceId, label: OutputLabel) -> Ask {
        Ask::Perform(self.incident, Act::ReadOutput { trace, label, sample: self.sample.clone() })
    }
}

impl Layer for Reader {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        let text = if self.over {
            format!(" What was read for {} ", self.incident)
        } else {
            format!(" Read outputs of {}: {} of {} ", self.incident, self.said.len() + 1, self.sheet.len())
        };
        let style = cx.of(Role::DialogTitle);
        let mut title = Line::from(safe::made(text, style));
        if let Some(slice) = self.sample.slice.as_ref().filter(|_| !self.over) {
            title.spans.extend(kinds::words(cx, slice, style));
        }
        self.scroll.beside(cx, title, " ")
    }

    fn extent(&self, _cx: &Cx<'_>) -> Extent {
        Extent::Full
    }

    fn context(&self) -> Context {
        Context::Reader
    }

    fn hints(&self) -> &'static [Action] {
        if self.over {
            &[Action::ViewClose, Action::ReadDown, Action::ViewHelp]
        } else {
            &[
                Action::Good,
                Action::Bad,
                Action::Unsure,
                Action::Skip,
                Action::Undo,
                Action::ReadDown,
                Action::ViewClose,
                Action::ViewHelp,
                Action::Sides,
            ]
        }
    }

    fn prepare(&mut self, cx: &Cx<'_>) {
        let loaded = self.now().is_some_and(|trace| !matches!(cx.detail(&Want::Run(trace)), Loaded::Loading));
        let layout = Layout {
            width: cx.area.width,
            nth: self.said.len(),
            over: self.over,
            theme: cx.theme.name.clone(),
            // The rates move on while they are looked at; an output does not.
            head: if self.over { cx.live.head } else { crate::event::Seq(0) },
            loaded,
        };
        if self.laid_out.as_ref() != Some(&layout) {
            let columns = usize::from(cx.area.width);
            self.lines = match self.now() {
                Some(trace) => page::output(cx, trace, columns),
                None => page::rates(cx, self.incident, &self.said, columns),
            };
            self.laid_out = Some(layout);
        }
        self.scroll.settle(self.lines.len(), cx.area.height);
    }

    fn update(&mut self, cx: &Cx<'_>, input: &Input) -> Answer {
        match input.action() {
            Some(Action::ViewClose) if self.over || self.said.is_empty() => Answer::ask(Ask::Close),
            Some(Action::ViewClose) => {
                self.over = true;
                self.scroll = Scroll::default();
                Answer::done()
            }
            Some(Action::Good) => self.label(cx, OutputLabel::Good),
            Some(Action::Bad) => self.label(cx, OutputLabel::Bad),
            Some(Action::Unsure) => self.label(cx, OutputLabel::Unsure),
            Some(Action::Skip) => self.label(cx, OutputLabel::Skip),
            Some(Action::Undo) => self.undo(),
            Some(Action::Sides) => self.other_kinds(cx),
            Some(Action::ReadUp) => {
                self.scroll.follow(Action::HalfUp);
                Answer::done()
            }
            Some(Action::ReadDown) => {
                self.scroll.follow(Action::HalfDown);
                Answer::done()
            }
            _ => Answer::Ignored,
        }
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        self.scroll.draw(&self.lines, cx, cx.area, buf);
    }

    fn wants(&self, _cx: &Cx<'_>) -> Vec<Want> {
        let from = if self.over { self.sheet.len() } else { self.said.len() };
        self.sheet.iter().skip(from).take(1 + AHEAD).map(|trace| Want::Run(*trace)).collect()
    }

    fn painted(&mut self, cx: &Cx<'_>) -> bool {
        if self.readable(cx) {
            self.seen = Some(self.said.len());
        }
        false
    }
}
