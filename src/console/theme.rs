//! How each role of the screen looks, read from a file.

mod colour;
mod file;

pub use colour::Depth;
pub use file::{BadFile, load};

use ratatui::style::{Modifier, Style};

macro_rules! roles {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal,)*) => {
        /// What something on the screen is; the theme says how that looks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Role {
            $($(#[doc = $doc])* $name,)*
        }

        impl Role {
            /// Every role.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name in theme files.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

roles! {
    /// The screen's ground and ordinary text.
    Text = "text",
    /// What is old or of little weight.
    Muted = "muted",
    /// What is new.
    New = "new",
    /// Rules and other chrome.
    Chrome = "chrome",
    /// A pane's title.
    Title = "title",
    /// The title of the pane in focus; the one accent.
    Focus = "focus",
    /// The row under the cursor in the focused pane.
    Cursor = "cursor",
    /// The row under the cursor elsewhere.
    CursorElsewhere = "cursor.elsewhere",
    /// The first line.
    Header = "header",
    /// Something in the first line that must be seen: no owner, a trouble.
    HeaderAlarm = "header.alarm",
    /// The label of a demo or drill.
    Label = "label",
    /// The time is wound back.
    Wound = "wound",
    /// What waits at the edge.
    Edge = "edge",
    /// The message line.
    Status = "status",
    /// A message about something that failed.
    StatusError = "status.error",
    /// A key in the footer and in the help.
    Key = "key",
    /// What a key does.
    KeyText = "key.text",
    /// Severities.
    SeverityCritical = "severity.critical",
    /// See above.
    SeverityError = "severity.error",
    /// See above.
    SeverityWarning = "severity.warning",
    /// See above.
    SeverityInfo = "severity.info",
    /// See above.
    SeverityUnknown = "severity.unknown",
    /// A time.
    Time = "time",
    /// The mark beside text quoted from outside.
    Untrusted = "untrusted",
    /// An added line or word.
    DiffAdd = "diff.add",
    /// A removed line or word.
    DiffRemove = "diff.remove",
    /// The changed word inside a line.
    DiffWord = "diff.word",
    /// A place mark in a diff.
    DiffHunk = "diff.hunk",
    /// Evidence for.
    For = "evidence.for",
    /// Evidence against.
    Against = "evidence.against",
    /// A share of belief, a bar.
    Share = "share",
    /// A chart's line.
    Chart = "chart",
    /// A surface that moved.
    Changed = "surface.changed",
    /// A surface that did not.
    Same = "surface.same",
    /// A surface that was not captured.
    NotCaptured = "surface.not_captured",
    /// Went well.
    Good = "good",
    /// Went wrong.
    Bad = "bad",
    /// Nobody knows how it went.
    Unclear = "unclear",
    /// A dialog's ground.
    Dialog = "dialog",
    /// A dialog's title.
    DialogTitle = "dialog.title",
    /// What a dialog warns of.
    DialogDanger = "dialog.danger",
    /// Where text is typed.
    Input = "input",
    /// The letters that a search matched.
    Match = "match",
}

/// A style for every role, already in the colours the terminal has.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    /// Its name.
    pub name: String,
    styles: Vec<Style>,
}

impl Theme {
    /// The style of `role`.
    #[must_use]
    pub fn of(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }

    /// The style of a severity.
    #[must_use]
    pub fn severity(&self, severity: crate::event::Severity) -> Style {
        use crate::event::Severity;
        self.of(match severity {
            Severity::Critical => Role::SeverityCritical,
            Severity::Error => Role::SeverityError,
            Severity::Warning => Role::SeverityWarning,
            Severity::Info => Role::SeverityInfo,
            Severity::Unknown => Role::SeverityUnknown,
        })
    }

    /// No colour at all: what is left when everything else fails to load.
    #[must_use]
    pub fn bare() -> Self {
        let styles = Role::ALL
            .iter()
            .map(|role| match role {
                Role::Focus | Role::Cursor | Role::HeaderAlarm | Role::Label | Role::Wound | Role::DialogTitle => {
                    Style::new().add_modifier(Modifier::REVERSED)
                }
                Role::New | Role::Title | Role::Key | Role::SeverityCritical | Role::Changed | Role::Match => {
                    Style::new().add_modifier(Modifier::BOLD)
                }
                _ => Style::new(),
            })
            .collect();
        Self { name: "bare".to_owned(), styles }
    }
}
