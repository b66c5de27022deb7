//! Theme files.

use std::collections::BTreeMap;
use std::path::Path;

use ratatui::style::{Modifier, Style};
use serde::Deserialize;
use toml::Spanned;

use super::colour::{Depth, parse, reduce};
use super::{Role, Theme};
pub use crate::console::shelf::BadFile;
use crate::console::shelf::{Found, Shelf};

/// Themes inherit from themes, but not for ever.
const DEEPEST: usize = 8;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Another theme that this one changes.
    inherits: Option<Spanned<String>>,
    /// Names for colours.
    #[serde(default)]
    palette: BTreeMap<String, Spanned<String>>,
    /// The roles.
    #[serde(default)]
    roles: BTreeMap<Spanned<String>, Look>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Look {
    fg: Option<Spanned<String>>,
    bg: Option<Spanned<String>>,
    #[serde(default)]
    bold: bool,
    #[serde(default)]
    dim: bool,
    #[serde(default)]
    italic: bool,
    #[serde(default)]
    underline: bool,
    #[serde(default)]
    reverse: bool,
}

/// Reads the theme `name` for a terminal of `depth`; `own` is the person's folder.
///
/// # Errors
/// What is wrong and where, as one line.
pub fn load(name: &str, own: Option<&Path>, depth: Depth) -> Result<Theme, String> {
    let mut styles = vec![Style::new(); Role::ALL.len()];
    // Built-in themes that lean on colours the terminal has not got give way to the one made for it.
    let mut wanted = match (depth, name) {
        (Depth::None, _) => "mono".to_owned(),
        (Depth::Sixteen, "dark" | "light") => "16".to_owned(),
        _ => name.to_owned(),
    };
    let mut chain = Vec::new();
    loop {
        let found = Shelf::Themes.find(&wanted, own)?;
        let file: File = toml::from_str(&found.text)
            .map_err(|error| BadFile::of_toml(&found.place, &found.text, &error).to_string())?;
        let parent = file.inherits.clone();
        chain.push((found, file));
        match parent {
            None => break,
            Some(parent) if chain.len() >= DEEPEST => {
                let (found, _) = &chain[chain.len() - 1];
                let what = "inherits from itself, or too deep (at most 8 themes in a row)";
                return Err(BadFile::at(&found.place, &found.text, parent.span().start, what).to_string());
            }
            Some(parent) => wanted = parent.into_inner(),
        }
    }
    let mut palette = BTreeMap::new();
    for (found, file) in chain.iter().rev() {
        for (colour, value) in &file.palette {
            palette.insert(colour.clone(), value.get_ref().clone());
        }
        for (role, look) in &file.roles {
            let Some(known) = Role::ALL.iter().find(|known| known.name() == role.get_ref()) else {
                let what = format!("no role is called {:?}; docs/keys.md lists them", role.get_ref());
                return Err(BadFile::at(&found.place, &found.text, role.span().start, what).to_string());
            };
            styles[*known as usize] = style(found, &palette, look, depth)?;
        }
    }
    Ok(Theme { name: name.to_owned(), styles })
}

fn style(found: &Found, palette: &BTreeMap<String, String>, look: &Look, depth: Depth) -> Result<Style, String> {
    let colour = |wanted: &Option<Spanned<String>>| match wanted {
        None => Ok(None),
        Some(wanted) => {
            let text = palette.get(wanted.get_ref()).unwrap_or(wanted.get_ref());
            match parse(text) {
                Some(colour) => Ok(reduce(colour, depth)),
                None => {
                    let what = format!(
                        "{text:?} is no colour: a name of [palette], one of the sixteen names, 0 to 255, or #rrggbb"
                    );
                    Err(BadFile::at(&found.place, &found.text, wanted.span().start, what).to_string())
                }
            }
        }
    };
    let mut style = Style::new();
    style.fg = colour(&look.fg)?;
    style.bg = colour(&look.bg)?;
    for (on, modifier) in [
        (look.bold, Modifier::BOLD),
        (look.dim, Modifier::DIM),
        (look.italic, Modifier::ITALIC),
        (look.underline, Modifier::UNDERLINED),
        (look.reverse, Modifier::REVERSED),
    ] {
        if on {
            style = style.add_modifier(modifier);
        }
    }
    Ok(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(text: &str) -> (tempfile::TempDir, Result<Theme, String>) {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("themes")).expect("a folder in it");
        std::fs::write(folder.path().join("themes/mine.toml"), text).expect("a file");
        let theme = load("mine", Some(folder.path()), Depth::True);
        (folder, theme)
    }

    #[test]
    fn every_built_in_theme_gives_every_role_a_look_that_can_be_told_apart() {
        for name in Shelf::Themes.names() {
            for depth in [Depth::True, Depth::Indexed, Depth::Sixteen, Depth::None] {
                let theme = load(name, None, depth).unwrap_or_else(|error| panic!("{error}"));
                for (one, other) in [
                    (Role::Cursor, Role::Text),
                    (Role::Focus, Role::Title),
                    (Role::HeaderAlarm, Role::Header),
                    (Role::Wound, Role::Header),
                    (Role::Key, Role::KeyText),
                ] {
                    assert_ne!(theme.of(one), theme.of(other), "{name} {depth:?}: {} {}", one.name(), other.name());
                }
            }
        }
    }

    #[test]
    fn a_theme_without_colour_stays_without_colour() {
        let theme = load("dark", None, Depth::None).expect("a theme");
        for role in Role::ALL {
            assert_eq!((theme.of(*role).fg, theme.of(*role).bg), (None, None), "{}", role.name());
        }
    }

    #[test]
    fn fault_70_an_unknown_role_or_colour_is_named_with_its_line() {
        let (_kept, theme) = own("inherits = \"dark\"\n[roles]\n\"severity.urgent\" = { fg = \"red\" }\n");
        let error = theme.expect_err("no such role");
        assert!(error.contains("mine.toml:3:1:") && error.contains("severity.urgent"), "{error}");
        let (_kept, theme) = own("[roles]\nfocus = { fg = \"rouge\" }\n");
        let error = theme.expect_err("no such colour");
        assert!(error.contains("mine.toml:2:") && error.contains("rouge"), "{error}");
        let (_kept, theme) = own("[roles]\nfocus = { colour = \"red\" }\n");
        assert!(theme.expect_err("no such field").contains("mine.toml:2:"));
        let (_kept, theme) = own("inherits = \"mine\"\n");
        assert!(theme.expect_err("a circle").contains("too deep"));
    }

    #[test]
    fn a_palette_name_is_seen_through_and_can_be_overridden() {
        let (_kept, theme) =
            own("inherits = \"dark\"\n[palette]\nwarm = \"#102030\"\n[roles]\nfocus = { fg = \"warm\" }");
        assert_eq!(theme.expect("a theme").of(Role::Focus).fg, Some(ratatui::style::Color::Rgb(16, 32, 48)));
    }
}
