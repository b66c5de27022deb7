//! A reading step while it runs: what it says as it says it, for how long it has been at it, and the key that stops it.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::scroll::Scroll;
use crate::console::action::Action;
use crate::console::errand::{Ending, Errand, Found};
use crate::console::keymap::Context;
use crate::console::layer::{Extent, Layer};
use crate::console::pane::{Answer, Ask, Cx, Input};
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::meter;
use crate::event::{IncidentId, Policy, Untrusted};
use crate::response::StepAt;

/// The layer of a step that runs.
pub struct Watching {
    incident: IncidentId,
    step: Untrusted,
    stop: Ending,
    /// The end of what it said so far.
    tail: Untrusted,
    /// How much that is in all, bytes.
    bytes: u64,
    open_for: Duration,
    /// How it ended.
    over: Option<Result<String, Untrusted>>,
    lines: Vec<Line<'static>>,
    scroll: Scroll,
    /// The end is followed until the person goes elsewhere in it.
    following: bool,
}

impl Watching {
    /// A step that is about to run, and what runs it.
    #[must_use]
    pub fn new(incident: IncidentId, at: Box<StepAt>) -> (Self, Errand) {
        let stop = Ending::default();
        let step = at.step.clone();
        let errand = Errand::RunStep(incident, at, stop.clone());
        let layer = Self {
            incident,
            step,
            stop,
            tail: Untrusted::default(),
            bytes: 0,
            open_for: Duration::ZERO,
            over: None,
            lines: Vec::new(),
            scroll: Scroll::default(),
            following: true,
        };
        (layer, errand)
    }

    fn foot(&self, cx: &Cx<'_>) -> Line<'static> {
        let muted = cx.of(Role::Muted);
        let close = cx.keymap.first(Action::ViewClose).unwrap_or_default();
        match &self.over {
            Some(Ok(line)) => Line::from(safe::made(line.clone(), cx.of(Role::Good))),
            Some(Err(why)) => Line::from(safe::made(safe::clean(why.raw(), Policy::Prose), cx.of(Role::Bad))),
            None if self.stop.is_asked() => Line::from(safe::lit("It is being stopped …", cx.of(Role::Unclear))),
            None => {
                let stop = cx.keymap.first(Action::ReplayStop).unwrap_or_default();
                let rest = format!(" stops it; {close} lets it run on, and what it says is on record at its end");
                Line::from(vec![safe::made(stop, cx.of(Role::Key)), safe::made(rest, muted)])
            }
        }
    }
}

impl Layer for Watching {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        let took = meter::duration(u64::try_from(self.open_for.as_millis()).unwrap_or(u64::MAX));
        let word = if self.over.is_some() { "ended after" } else { "runs," };
        let text = format!(" {}: {word} {took}, {} bytes ", safe::clean(self.step.raw(), Policy::Exact), self.bytes);
        Line::from(safe::made(text, cx.of(Role::DialogTitle)))
    }

    fn extent(&self, _cx: &Cx<'_>) -> Extent {
        Extent::Full
    }

    fn context(&self) -> Context {
        Context::Replay
    }

    fn hints(&self) -> &'static [Action] {
        if self.over.is_some() {
            return &[Action::Up, Action::Down, Action::ViewClose, Action::ViewHelp];
        }
        &[Action::ReplayStop, Action::Up, Action::Down, Action::ViewClose, Action::ViewHelp]
    }

    fn prepare(&mut self, cx: &Cx<'_>) {
        let text = cx.of(Role::Text);
        let bar = || safe::lit(cx.glyphs.quote, cx.of(Role::Untrusted));
        let wide = cx.area.width.saturating_sub(2);
        let lines = safe::lines(&self.tail, Policy::Prose).into_iter();
        self.lines = lines
            .flat_map(|line| safe::wrap(&line, wide))
            .map(|line| Line::from(vec![bar(), safe::lit(" ", text), safe::made(line, text)]))
            .collect();
        self.scroll.settle(self.lines.len(), cx.area.height.saturating_sub(2));
        if self.following {
            self.scroll.follow(Action::Bottom);
        }
    }

    fn update(&mut self, _cx: &Cx<'_>, input: &Input) -> Answer {
        let Some(action) = input.action() else { return Answer::Ignored };
        match action {
            Action::ViewClose => Answer::ask(Ask::Close),
            Action::ReplayStop if self.over.is_none() => {
                self.stop.ask();
                Answer::done()
            }
            Action::ReplayStop => Answer::ask(Ask::Say("It has ended.".to_owned())),
            action if self.scroll.follow(action) => {
                self.following = self.scroll.at_end();
                Answer::done()
            }
            _ => Answer::Ignored,
        }
    }

    fn found(&mut self, found: &Found) -> Answer {
        match found {
            Found::StepSaid(stop, grown) if *stop == self.stop => {
                (self.tail, self.bytes, self.open_for) = (grown.tail.clone(), grown.bytes, grown.took);
                Answer::done()
            }
            Found::StepOver(id, stop, grown, result) if *stop == self.stop && *id == self.incident => {
                (self.tail, self.bytes, self.open_for) = (grown.tail.clone(), grown.bytes, grown.took);
                self.over = Some(result.clone());
                Answer::done()
            }
            _ => Answer::Ignored,
        }
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let body = Rect { height: cx.area.height.saturating_sub(2), ..cx.area };
        if self.lines.is_empty() {
            let said = if self.over.is_some() { "It said nothing." } else { "It has said nothing yet." };
            safe::put(buf, cx.area, 0, Line::from(safe::lit(said, cx.of(Role::Muted))), cx.glyphs.cut);
        }
        self.scroll.draw(&self.lines, cx, body, buf);
        safe::put(buf, cx.area, cx.area.height.saturating_sub(1), self.foot(cx), cx.glyphs.cut);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::errand::Grown;
    use crate::console::fixture::{Bench, incident, view};
    use crate::console::model::{Effect, Msg};
    use crate::console::update;

    fn bench() -> (Bench, Ending) {
        let mut bench = Bench::new(100, 24, view(10, vec![incident(42, 0)]));
        let at = StepAt {
            runbook: "disks".into(),
            step: "count".into(),
            values: std::collections::BTreeMap::new(),
            seen: crate::response::runbook::Facts::default(),
        };
        let mut effects = Vec::new();
        update::look(&mut bench.model, IncidentId(42), Box::new(at), &mut effects);
        let Some(Effect::Errand(errand)) = effects.pop() else { panic!("nothing runs it") };
        let Errand::RunStep(IncidentId(42), _, stop) = *errand else { panic!("{errand:?}") };
        (bench, stop)
    }

    fn says(bench: &mut Bench, stop: &Ending, tail: &str, seconds: u64) {
        let grown = Grown { tail: tail.into(), bytes: tail.len() as u64, took: Duration::from_secs(seconds) };
        bench.send(Msg::Found(Box::new(Found::StepSaid(stop.clone(), grown))));
    }

    #[test]
    fn what_it_says_grows_with_the_time_and_one_key_stops_it() {
        let (mut bench, stop) = bench();
        assert!(bench.screen().contains("It has said nothing yet."), "{}", bench.screen());
        says(&mut bench, &Ending::default(), "of another run", 1);
        says(&mut bench, &stop, "one\u{1b}[2J\ntwo\n", 3);
        let screen = bench.screen();
        assert!(screen.contains("one^[[2J") && screen.contains("two") && screen.contains("runs, 3"), "{screen}");
        assert!(!screen.contains("of another run") && screen.contains("stops it"), "{screen}");
        assert!(!stop.is_asked());
        bench.press("x");
        assert!(stop.is_asked() && bench.screen().contains("being stopped"));
        let over = Ok("count: two (stopped at a person's wish)".to_owned());
        let grown = Grown { tail: "one\ntwo".into(), bytes: 7, took: Duration::from_secs(3) };
        bench.send(Msg::Found(Box::new(Found::StepOver(IncidentId(42), stop.clone(), grown, over))));
        assert!(bench.screen().contains("ended after 3") && bench.screen().contains("a person's wish"));
        bench.press("esc");
        assert!(bench.model.layers.is_empty());
    }

    #[test]
    fn the_end_is_followed_until_somebody_reads_further_up() {
        let (mut bench, stop) = bench();
        let lines = |n: usize| (0..n).map(|nth| format!("line {nth}")).collect::<Vec<_>>().join("\n") + "\n";
        says(&mut bench, &stop, &lines(100), 1);
        assert!(bench.screen().contains("line 99"));
        bench.press("k k k");
        says(&mut bench, &stop, &lines(200), 2);
        assert!(!bench.screen().contains("line 199") && bench.screen().contains("line 96"), "{}", bench.screen());
        bench.press("G");
        says(&mut bench, &stop, &lines(300), 3);
        assert!(bench.screen().contains("line 299"));
    }
}
