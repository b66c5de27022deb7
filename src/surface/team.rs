//! Files that a team writes, such as a triage tree: how one is read, and how its faults are named by their lines.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use toml::Spanned;

/// What is wrong with such a file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}:{line}: {what}")]
pub struct BadFile {
    /// Which file.
    pub place: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong and what would be right.
    pub what: String,
}

/// The text a fault is looked for in, and what to call it.
pub(super) struct Reader<'t> {
    pub place: &'t str,
    pub text: &'t str,
}

impl Reader<'_> {
    /// The rows of the file.
    pub fn rows<T: DeserializeOwned>(&self) -> Result<T, BadFile> {
        toml::from_str(self.text)
            .map_err(|error| self.bad(error.span().map_or(0, |span| span.start), error.message().to_owned()))
    }

    /// The fault that begins at this byte.
    pub fn bad(&self, at: usize, what: String) -> BadFile {
        BadFile { place: self.place.to_owned(), line: self.line(at), what }
    }

    /// No name is given twice, in the order of `names`; one that is none is refused by them.
    pub fn once<'n>(
        &self,
        names: impl Iterator<Item = Result<&'n Spanned<String>, BadFile>>,
        what: &str,
    ) -> Result<(), BadFile> {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for name in names {
            let name = name?;
            let at = name.span().start;
            if let Some(first) = seen.insert(name.get_ref(), at) {
                let what = format!("the {what} {:?} is in line {} already", name.get_ref(), self.line(first));
                return Err(self.bad(at, what));
            }
        }
        Ok(())
    }

    fn line(&self, at: usize) -> usize {
        self.text.get(..at).unwrap_or(self.text).matches('\n').count() + 1
    }
}
