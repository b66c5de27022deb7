//! How this console behaves on this terminal.

use std::path::PathBuf;

use super::theme::Depth;

/// What a person may set. Whatever is not set is found out from the environment.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Theme: a name or a file; `dark` by default.
    pub theme: Option<String>,
    /// Keymap: a name or a file; `vim` by default.
    pub keymap: Option<String>,
    /// Colours: `auto`, `truecolor`, `256`, `16`, `none`.
    pub colour: Option<String>,
    /// ASCII signs only; by default when the locale is not UTF-8.
    pub ascii: Option<bool>,
    /// Brackets each frame with DEC 2026, for terminals that know it; off by default.
    pub synchronized: bool,
    /// The mouse: off by default, since it sends every motion over the line.
    pub mouse: bool,
    /// No copying over OSC 52.
    pub no_clipboard: bool,
    /// The terminal is not asked to mark pasted text; bursts are then told by their length alone.
    pub no_bracketed_paste: bool,
    /// Readable lines instead of a screen.
    pub plain: bool,
    /// The folder with the person's own `themes/` and `keymaps/`.
    pub folder: Option<PathBuf>,
    /// The team's own triage tree; the built-in one by default.
    pub triage: Option<PathBuf>,
    /// The team's own rubric for severity; the built-in one by default.
    pub severity: Option<PathBuf>,
    /// Hypotheses wait until a hunch was written, or skipped; off by default.
    pub hunch_first: bool,
    /// Where a crash is written down.
    pub state: Option<PathBuf>,
    /// Where drafts are kept over a lost session; nowhere by default.
    pub drafts: Option<PathBuf>,
    /// The time zone times are shown in; the system's by default.
    pub zone: Option<jiff::tz::TimeZone>,
}

/// What the environment says; read once, so that everything after it can be tested.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// `TERM`.
    pub term: Option<String>,
    /// `COLORTERM`.
    pub colorterm: Option<String>,
    /// `NO_COLOR`, set and not empty.
    pub no_color: bool,
    /// The first of `LC_ALL`, `LC_CTYPE`, `LANG` that is set.
    pub locale: Option<String>,
    /// Whether standard input and output are a terminal.
    pub terminal: bool,
}

impl Surroundings {
    /// As they are.
    #[must_use]
    pub fn here() -> Self {
        use std::io::IsTerminal as _;
        let get = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            term: get("TERM"),
            colorterm: get("COLORTERM"),
            no_color: get("NO_COLOR").is_some(),
            locale: ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(get),
            terminal: std::io::stdin().is_terminal() && std::io::stdout().is_terminal(),
        }
    }
}

impl Settings {
    /// Why there can be no full screen here; `None` = there can.
    #[must_use]
    pub fn why_plain(&self, here: &Surroundings) -> Option<&'static str> {
        match here.term.as_deref() {
            _ if self.plain => Some("as asked"),
            _ if !here.terminal => Some("standard input and output are not a terminal"),
            None => Some("TERM is not set, so nothing is known of this terminal"),
            Some("dumb" | "unknown") => Some("this terminal cannot move its cursor"),
            Some(_) => None,
        }
    }

    /// How many colours to use.
    ///
    /// # Errors
    /// The colour setting is none there is.
    pub fn depth(&self, here: &Surroundings) -> Result<Depth, String> {
        match self.colour.as_deref() {
            None | Some("auto") => {}
            Some(name) => {
                return Depth::of_name(name).map_err(|known| format!("no colour setting is called {name:?}: {known}"));
            }
        }
        let term = here.term.as_deref().unwrap_or_default();
        Ok(match here.colorterm.as_deref() {
            _ if here.no_color => Depth::None,
            Some("truecolor" | "24bit") => Depth::True,
            // Most terminals of today know 256; ssh does not say which can do more.
            _ if matches!(term, "linux" | "ansi" | "cons25" | "xterm-16color" | "screen.linux") => Depth::Sixteen,
            _ if term.starts_with("vt") || term.ends_with("-m") || term.ends_with("-mono") => Depth::None,
            _ => Depth::Indexed,
        })
    }

    /// Whether signs outside ASCII can be shown.
    #[must_use]
    pub fn ascii(&self, here: &Surroundings) -> bool {
        self.ascii.unwrap_or_else(|| {
            let locale = here.locale.as_deref().unwrap_or_default().to_ascii_lowercase();
            !(locale.ends_with("utf-8")
                || locale.ends_with("utf8")
                || locale.contains("utf-8@")
                || locale.contains("utf8@"))
        })
    }

    /// The theme's name.
    #[must_use]
    pub fn theme(&self) -> &str {
        self.theme.as_deref().unwrap_or("dark")
    }

    /// The keymap's name.
    #[must_use]
    pub fn keymap(&self) -> &str {
        self.keymap.as_deref().unwrap_or("vim")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here(term: Option<&str>) -> Surroundings {
        Surroundings { term: term.map(str::to_owned), terminal: true, ..Surroundings::default() }
    }

    #[test]
    fn fault_17_a_terminal_that_cannot_gets_plain_lines() {
        let settings = Settings::default();
        assert_eq!(settings.why_plain(&here(Some("xterm-256color"))), None);
        for poor in [here(None), here(Some("dumb")), Surroundings { terminal: false, ..here(Some("xterm")) }] {
            assert!(settings.why_plain(&poor).is_some(), "{poor:?}");
        }
    }

    #[test]
    fn fault_17_colours_and_signs_follow_the_environment() {
        let settings = Settings::default();
        let depth = |here: &Surroundings| settings.depth(here).expect("auto is always right");
        assert_eq!(depth(&here(Some("xterm-256color"))), Depth::Indexed);
        assert_eq!(depth(&here(Some("linux"))), Depth::Sixteen);
        assert_eq!(depth(&Surroundings { no_color: true, ..here(Some("xterm")) }), Depth::None);
        let rich = Surroundings { colorterm: Some("truecolor".to_owned()), ..here(Some("xterm")) };
        assert_eq!(depth(&rich), Depth::True);
        for (locale, ascii) in [(None, true), (Some("C"), true), (Some("en_US.UTF-8"), false), (Some("C.utf8"), false)]
        {
            let here = Surroundings { locale: locale.map(str::to_owned), ..here(Some("xterm")) };
            assert_eq!(settings.ascii(&here), ascii, "{locale:?}");
        }
    }

    #[test]
    fn fault_70_an_unknown_colour_setting_says_which_there_are() {
        let settings = Settings { colour: Some("many".to_owned()), ..Settings::default() };
        assert!(settings.depth(&here(Some("xterm"))).expect_err("none such").contains("truecolor"));
    }
}
