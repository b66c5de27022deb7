//! `docs/keys.md`, made of the table of actions, the keymaps and the roles.

use std::fmt::Write as _;

use super::action::{ACTIONS, Place};
use super::key;
use super::keymap::Keymap;
use super::shelf::Shelf;
use super::theme::Role;

/// The page's text. A test compares it with the file; `UPDATE_DOCS=1` writes the file.
///
/// # Errors
/// When a built-in keymap is broken, which the tests would have said.
pub fn keys_page() -> Result<String, String> {
    let names = ["vim", "emacs"];
    let maps = names.iter().map(|name| Keymap::load(name, None)).collect::<Result<Vec<_>, _>>()?;
    let mut out = String::from(
        "# Keys\n\nThis page is made of the same table that the console itself uses; a test holds the two together.\n\n\
         Keys are the same everywhere: `enter` opens, `esc` closes, `?` explains, `:` takes any action by its name.\n\
         `ctrl-c` always leaves. Two keymaps come with warroom: `vim` (the default) and `emacs` (arrows and control keys).\n\n",
    );
    for place in Place::ALL {
        let _ = writeln!(out, "## {}\n\nSection `[{}]` of a keymap file.\n", place.title(), place.name());
        out.push_str("| action | what it does | vim | emacs |\n|---|---|---|---|\n");
        for about in ACTIONS.iter().filter(|about| about.place == place) {
            let name = about.argument.map_or(about.name.to_owned(), |argument| format!("{} {argument}", about.name));
            let _ = write!(out, "| `{name}` | {} |", about.does);
            for map in &maps {
                let keys: Vec<_> = map.keys(about.action).iter().map(|keys| quoted(&key::written(keys))).collect();
                let _ = write!(out, " {} |", keys.join(", "));
            }
            out.push('\n');
        }
        out.push('\n');
    }
    out.push_str(
        "## Your own keymap\n\nPut a copy of `keymaps/vim.toml` into the folder `keymaps/` beside your configuration, under \
         a name of your own, and choose it with `:keymap NAME` or in the configuration. Each line is an action and its \
         keys; keys in a row have a blank between them (`\"g g\"`). Two actions on one key, a key that begins a longer \
         one, and unknown names are refused with file and line, and the keymap in use stays. `:reload` (or SIGUSR1) \
         reads it again.\n\n",
    );
    let themes: Vec<_> = Shelf::Themes.names().iter().map(|name| format!("`{name}`")).collect();
    let _ = writeln!(
        out,
        "## Themes\n\nThere are {}. A theme of your own goes into `themes/` beside your configuration; it may say \
         `inherits = \"dark\"` and change what it likes. Each role takes `fg`, `bg`, `bold`, `dim`, `italic`, `underline`, \
         `reverse`; a colour is a name of its `[palette]`, one of the sixteen names, 0 to 255, `#rrggbb`, or `default`.\n\n\
         Roles: {}.",
        themes.join(", "),
        Role::ALL.iter().map(|role| format!("`{}`", role.name())).collect::<Vec<_>>().join(", ")
    );
    Ok(out)
}

fn quoted(keys: &str) -> String {
    format!("`{}`", keys.replace('|', "\\|"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_keys_page_is_what_the_table_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/keys.md");
        let page = super::keys_page().expect("built-in keymaps are right");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &page).expect("docs/keys.md can be written");
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(written == page, "docs/keys.md is not what the table says: run the tests once with UPDATE_DOCS=1");
    }
}
