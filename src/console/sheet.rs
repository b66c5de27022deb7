//! What an opened thing shows: a text of any length that the viewer scrolls.

use ratatui::text::Line;

use super::action::Action;
use super::details::{Detail, Loaded, Want};
use super::finder::Finder;
use super::pane::Cx;
use super::safe;
use super::theme::Role;
use crate::engine::view::Opens;
use crate::event::{Policy, TraceId};

/// A sheet laid out for one width.
#[derive(Debug, Default)]
pub struct Content {
    /// Its lines; nothing is left out.
    pub lines: Vec<Line<'static>>,
    /// Lines after those, named and not made yet: of ten thousand only those on the screen are ever made, by
    /// [`Sheet::line`].
    pub later: Vec<Later>,
    /// Rows that matter, in order: changed places, suspicious steps. `n` and `N` go from one to the next.
    pub places: Vec<usize>,
    /// Rows the cursor can stand on, in order: each can be opened. Empty = there is no cursor.
    pub items: Vec<usize>,
    /// Which of them it lands on at first.
    pub home: usize,
    /// Rows that hold what is looked for, where the sheet looked itself; `None` = its lines are looked through.
    pub hits: Option<Vec<usize>>,
}

/// A line that is made when it is on the screen: of which part of the sheet, and which line of that part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Later {
    /// Which part.
    pub part: usize,
    /// Which of its lines.
    pub line: usize,
}

impl Content {
    /// Lines in all.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.lines.len() + self.later.len()
    }
}

/// One opened thing. The viewer lays it out again when its width, its detail or its way of looking changed, and never
/// while drawing.
pub trait Sheet: Send {
    /// Its title.
    fn title(&self, cx: &Cx<'_>) -> Line<'static>;

    /// The larger thing it is made of.
    fn want(&self) -> Option<Want>;

    /// Other larger things it needs once the first are here.
    fn also(&self, _cx: &Cx<'_>) -> Vec<Want> {
        Vec::new()
    }

    /// The actions that matter most in it.
    fn hints(&self) -> &'static [Action] {
        &[
            Action::ViewClose,
            Action::Down,
            Action::PageDown,
            Action::ViewNext,
            Action::ViewFind,
            Action::ViewToggle,
            Action::ViewCopy,
            Action::ViewHelp,
        ]
    }

    /// Lays it out for `width` columns.
    fn lay_out(&self, cx: &Cx<'_>, width: u16) -> Content;

    /// Makes a line that [`Sheet::lay_out`] only named.
    fn line(&self, _cx: &Cx<'_>, _width: u16, _later: Later) -> Line<'static> {
        Line::default()
    }

    /// What `enter` opens on item `nth`.
    fn opens(&self, _cx: &Cx<'_>, _nth: usize) -> Option<Opens> {
        None
    }

    /// What is held against something else from item `nth` (0 without items).
    fn beside(&self, _cx: &Cx<'_>, _nth: usize) -> Option<Opens> {
        None
    }

    /// The run it shows, or a step of which it shows.
    fn run(&self) -> Option<TraceId> {
        None
    }

    /// Takes up what is looked for, where it looks in more than its lines.
    fn find(&mut self, _finder: Option<&Finder>) {}

    /// What can be typed into it: what that is, and what stands there now; `None` = nothing.
    fn typed(&self, _cx: &Cx<'_>) -> Option<(&'static str, String)> {
        None
    }

    /// Takes what was typed.
    ///
    /// # Errors
    /// What is wrong with it, and what would be right.
    fn take(&mut self, _cx: &Cx<'_>, _typed: &str) -> Result<(), String> {
        Err("Nothing can be chosen here.".to_owned())
    }

    /// Another number when what it shows has changed although nothing else did.
    fn stamp(&self, _cx: &Cx<'_>) -> u64 {
        0
    }

    /// Actions of the room that it can be left by: it is closed, then they are called.
    fn leads_to(&self, _cx: &Cx<'_>) -> &'static [Action] {
        &[]
    }

    /// Shows it the other way (waterfall or turns, side by side or in line); whether there is another way.
    fn toggle(&mut self) -> bool {
        false
    }

    /// How it is named among what had been opened before a decision: pane and thing, such as `change flag-7`.
    fn opened(&self) -> String;

    /// What is copied from it, and what that is called.
    fn copied(&self, _cx: &Cx<'_>) -> Option<(String, &'static str)> {
        None
    }
}

/// What stands instead of a sheet while its detail is not here; `None` when it is.
#[must_use]
pub fn not_yet(cx: &Cx<'_>, want: &Want) -> Option<Content> {
    let line = match cx.detail(want) {
        Loaded::Loading => Line::from(safe::lit("Reading …", cx.of(Role::Muted))),
        Loaded::Failed(error) => Line::from(vec![
            safe::lit("It could not be read: ", cx.of(Role::StatusError)),
            safe::piece(error.raw(), Policy::Prose, cx.of(Role::Text)),
        ]),
        Loaded::Ready(detail) if matches!(*detail, Detail::Absent) => {
            let text = match want {
                Want::Run(_) => "Not on record at this moment: not come yet, or let go of by retention.",
                _ => "At this moment there was no such thing yet.",
            };
            Line::from(safe::lit(text, cx.of(Role::Muted)))
        }
        Loaded::Ready(_) => return None,
    };
    Some(Content { lines: vec![line], ..Content::default() })
}

/// What `lay_out` makes of the detail, or what stands in its place until it is there.
pub fn once_read(cx: &Cx<'_>, want: &Want, lay_out: impl FnOnce(&Detail) -> Content) -> Content {
    match cx.detail(want) {
        Loaded::Ready(detail) if !matches!(*detail, Detail::Absent) => lay_out(&detail),
        _ => not_yet(cx, want).unwrap_or_default(),
    }
}

/// An entry as it stands in the journal.
#[derive(Debug)]
pub struct EntrySheet(
    /// Its place.
    pub crate::event::Seq,
);

impl Sheet for EntrySheet {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        Line::from(safe::made(format!("Entry {}", self.0), cx.of(Role::DialogTitle)))
    }

    fn want(&self) -> Option<Want> {
        Some(Want::Entry(self.0))
    }

    fn lay_out(&self, cx: &Cx<'_>, width: u16) -> Content {
        once_read(cx, &Want::Entry(self.0), |detail| {
            let Detail::Entry(text) = detail else { return Content::default() };
            let lines = safe::lines(text, Policy::Prose)
                .iter()
                .flat_map(|line| safe::wrap(line, width))
                .map(|line| Line::from(safe::made(line, cx.of(Role::Text))))
                .collect();
            Content { lines, ..Content::default() }
        })
    }

    fn opened(&self) -> String {
        format!("entry {}", self.0)
    }
}
