//! Where themes and keymaps are found: a path, the person's own folder, or the set that comes with the program.

use std::io::Read as _;
use std::path::Path;

use include_dir::{Dir, include_dir};

static THEMES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/themes");
static KEYMAPS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/keymaps");

/// No such file is longer than this, in bytes.
const LONGEST: u64 = 256 * 1024;

/// What kind of file is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// Themes.
    Themes,
    /// Keymaps.
    Keymaps,
}

/// A file that was found.
#[derive(Debug)]
pub struct Found {
    /// What to call it in an error.
    pub place: String,
    /// Its text.
    pub text: String,
}

impl Shelf {
    /// The folder's name, inside the person's folder and in the source.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Themes => "themes",
            Self::Keymaps => "keymaps",
        }
    }

    fn built_in(self) -> &'static Dir<'static> {
        match self {
            Self::Themes => &THEMES,
            Self::Keymaps => &KEYMAPS,
        }
    }

    /// The names that come with the program.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.built_in().files().filter_map(|file| file.path().file_stem()?.to_str()).collect();
        names.sort_unstable();
        names
    }

    /// Finds `name`: a path when it holds a slash or ends in `.toml`, else a file of that name in `own/<folder>`,
    /// else one that comes with the program.
    ///
    /// # Errors
    /// What was looked for, where, and which names there are.
    pub fn find(self, name: &str, own: Option<&Path>) -> Result<Found, String> {
        if name.contains('/') || Path::new(name).extension().is_some_and(|extension| extension == "toml") {
            return read(Path::new(name)).map_err(|error| format!("{name}: {error}"));
        }
        if let Some(folder) = own {
            let path = folder.join(self.folder()).join(format!("{name}.toml"));
            if path.is_file() {
                return read(&path).map_err(|error| format!("{}: {error}", path.display()));
            }
        }
        match self.built_in().get_file(format!("{name}.toml")).and_then(include_dir::File::contents_utf8) {
            Some(text) => Ok(Found { place: format!("built-in {}/{name}.toml", self.folder()), text: text.to_owned() }),
            None => Err(format!(
                "no {} called {name}: there are {}{}",
                self.folder(),
                self.names().join(", "),
                own.map(|folder| format!(", and your own belong in {}", folder.join(self.folder()).display()))
                    .unwrap_or_default()
            )),
        }
    }
}

fn read(path: &Path) -> std::io::Result<Found> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(Found { place: path.display().to_string(), text })
}

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}:{line}:{column}: {what}")]
pub struct BadFile {
    /// Which file.
    pub place: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong and what would be right.
    pub what: String,
}

impl BadFile {
    /// What is wrong at byte `at` of `text`.
    #[must_use]
    pub fn at(place: &str, text: &str, at: usize, what: impl Into<String>) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        Self { place: place.to_owned(), line, column, what: what.into() }
    }

    /// The same, of an error of the TOML reader.
    #[must_use]
    pub fn of_toml(place: &str, text: &str, error: &toml::de::Error) -> Self {
        Self::at(place, text, error.span().map_or(0, |span| span.start), error.message())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_persons_own_file_comes_before_the_built_in_one() {
        let own = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(own.path().join("themes")).expect("a folder in it");
        std::fs::write(own.path().join("themes/dark.toml"), "# mine").expect("a file");
        assert_eq!(Shelf::Themes.find("dark", Some(own.path())).expect("found").text, "# mine");
        assert!(Shelf::Themes.find("light", Some(own.path())).expect("found").place.starts_with("built-in"));
    }

    #[test]
    fn an_unknown_name_says_which_there_are() {
        let error = Shelf::Keymaps.find("ed", None).expect_err("no such keymap");
        assert!(error.contains("vim") && error.contains("emacs"), "{error}");
    }

    #[test]
    fn places_count_lines_and_columns_from_one() {
        let bad = BadFile::at("f", "ab\ncdé f", 8, "x");
        assert_eq!((bad.line, bad.column), (2, 5));
    }
}
