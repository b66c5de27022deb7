//! A stage for panes: data, sizes, and what stands on the screen.

use std::path::Path;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::details::{Detail, Details, Want};
use crate::console::glyph::{self, Glyphs};
use crate::console::keymap::Keymap;
use crate::console::layout;
use crate::console::pane::{Cx, Now, Pane, PaneKind};
use crate::console::safe;
use crate::console::theme::Theme;
use crate::engine::view::{ChangeDetail, RunDetail};
use crate::engine::{Fold, View};
use crate::event::{Seq, Time, Untrusted};
use crate::journal::{Query, SharedJournal, SqliteJournal};

/// Everything a pane may know, owned.
pub struct Stage {
    pub view: View,
    pub details: Details,
    pub theme: Theme,
    pub glyphs: &'static Glyphs,
    pub keymap: Keymap,
    pub rubric: std::sync::Arc<crate::surface::severity::Rubric>,
    pub zone: jiff::tz::TimeZone,
}

impl Stage {
    pub fn of(view: View) -> Self {
        Self {
            view,
            details: Details::default(),
            theme: Theme::bare(),
            glyphs: &glyph::UNICODE,
            keymap: Keymap::parse("none", "none", "").expect("an empty keymap"),
            rubric: crate::surface::severity::Rubric::built_in(),
            zone: jiff::tz::TimeZone::UTC,
        }
    }

    pub fn empty() -> Self {
        Self::of(View::default())
    }

    /// The demo of the support assistant as the engine saw it once, with one run and one change.
    pub fn demo() -> Self {
        let mut stage = Self::of(read("view"));
        let run: RunDetail = read("run");
        let change: ChangeDetail = read("change");
        stage.put(&Want::Run(run.line.trace), Detail::Run(Box::new(run)));
        stage.put(&Want::Change(change.change.id.clone()), Detail::Change(Box::new(change)));
        stage
    }

    /// The one run that [`Stage::demo`] has.
    pub fn demo_run() -> Detail {
        Detail::Run(Box::new(read("run")))
    }

    /// Takes another detail in the place of one that is there.
    pub fn put_again(&mut self, want: &Want, detail: Detail) {
        self.details.forget();
        self.put(want, detail);
    }

    pub fn put(&mut self, want: &Want, detail: Detail) {
        self.details.ask(want, Seq(1));
        self.details.arrived(want, Seq(1), Ok(detail));
    }

    pub fn fail(&mut self, want: &Want, error: &str) {
        self.details.ask(want, Seq(1));
        self.details.arrived(want, Seq(1), Err(Untrusted::from(error)));
    }

    pub fn cx(&self, area: Rect, focused: bool) -> Cx<'_> {
        Cx {
            view: &self.view,
            live: &self.view,
            incident: self.view.incidents.items.first().map(|incident| &**incident),
            veiled: false,
            seen: Seq(u64::MAX),
            theme: &self.theme,
            glyphs: self.glyphs,
            keymap: &self.keymap,
            rubric: &self.rubric,
            details: &self.details,
            zone: &self.zone,
            now: Now { wall: self.view.as_of.unwrap_or(Time::UNIX_EPOCH), mono: std::time::Duration::ZERO },
            area,
            focused,
        }
    }

    /// All the panes of a screen of this size, with `focus` in front, as text.
    pub fn screen(&self, width: u16, height: u16, focus: PaneKind) -> String {
        let screen = Rect::new(0, 0, width, height);
        // The first line and the message line are the frame's.
        let room = Rect { y: 1, height: height.saturating_sub(2), ..screen };
        let mut buf = Buffer::empty(screen);
        let mut panes = super::super::all();
        for placed in layout::place(room, &[focus], false) {
            let pane = panes.iter_mut().find(|pane| pane.kind() == placed.kind).expect("every kind has a pane");
            self.draw(pane.as_mut(), placed, placed.kind == focus, &mut buf);
        }
        text(&buf)
    }

    fn draw(&self, pane: &mut dyn Pane, placed: layout::Placed, focused: bool, buf: &mut Buffer) {
        let cx = self.cx(placed.area, focused);
        pane.prepare(&cx);
        let title = safe::lit(placed.kind.title(), ratatui::style::Style::new());
        let mut line = vec![title, safe::lit(" ", ratatui::style::Style::new())];
        line.extend(pane.summary(&cx).spans);
        safe::put(buf, placed.title, 0, line.into(), cx.glyphs.cut);
        pane.draw(&cx, buf);
    }

    /// One pane alone, with the buffer for looking at cells.
    pub fn alone(&self, pane: &mut dyn Pane, width: u16, height: u16) -> Buffer {
        let area = Rect::new(0, 0, width, height);
        let mut buf = Buffer::empty(area);
        let cx = self.cx(area, true);
        pane.prepare(&cx);
        pane.draw(&cx, &mut buf);
        buf
    }
}

/// What stands in a buffer, without blanks at the ends of lines.
pub fn text(buf: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buf.area.height {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..buf.area.width {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buf[(x, y)].symbol();
            line.push_str(symbol);
            skip = safe::width(symbol).saturating_sub(1);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn place(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console/panes/tests/data").join(format!("{name}.json"))
}

fn read<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let text = std::fs::read_to_string(place(name)).expect("the fixture is there");
    serde_json::from_str(&text)
        .expect("the fixture fits the types; `cargo test remake_the_fixture -- --ignored` makes it anew")
}

/// The picture of a bundle as of its page, through the ordinary path.
pub fn folded(bundle: &str) -> (View, SharedJournal) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo").join(bundle);
    let bundle = crate::intake::bundle::read(&folder).expect("a readable bundle");
    assert!(bundle.warnings.shown.is_empty(), "{:?}", bundle.warnings);
    let journal: SharedJournal = Arc::new(SqliteJournal::in_memory().expect("memory"));
    journal.append(bundle.drafts).expect("recorded");
    let mut fold = Fold::new();
    for _ in 0..3 {
        let query = Query { after: fold.head(), limit: 100_000, ..Query::default() };
        fold.apply_all(&journal.read(&query).expect("read"));
        let drafts = fold.derive_all(bundle.as_of);
        if drafts.is_empty() {
            break;
        }
        journal.append(drafts).expect("recorded");
    }
    (fold.view(), journal)
}

/// Writes the fixture anew from the demo bundle and today's engine.
#[test]
#[ignore = "it writes the fixture"]
fn remake_the_fixture() {
    let (view, journal) = folded("ai");
    let incident = view.incidents.items.first().expect("an incident");
    let details = crate::engine::details(journal);
    let bad = incident.runs.items.first().expect("a run").trace;
    let run = details.run(bad, Seq(u64::MAX >> 1)).expect("read").expect("a run");
    let prompt = incident
        .changes
        .items
        .iter()
        .find(|change| change.has_diff && change.class == crate::event::ChangeClass::Prompt);
    let change = details
        .change(prompt.expect("the prompt's change").id.raw(), Seq(u64::MAX >> 1))
        .expect("read")
        .expect("a change");
    std::fs::create_dir_all(place("view").parent().expect("a folder")).expect("made");
    std::fs::write(place("view"), serde_json::to_string(&view).expect("JSON")).expect("written");
    std::fs::write(place("run"), serde_json::to_string(&run).expect("JSON")).expect("written");
    std::fs::write(place("change"), serde_json::to_string(&change).expect("JSON")).expect("written");
}
