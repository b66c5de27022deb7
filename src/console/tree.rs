//! The tree of the triage walk: the team's own file where one is named, else the one that comes with the program.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use crate::surface::triage::Tree;

/// No tree is longer than this, in bytes.
const LONGEST: u64 = 256 * 1024;

/// Reads the tree of `file`.
///
/// # Errors
/// What is wrong: the file and why it cannot be read, or its line and what would be right there.
pub fn load(file: Option<&Path>) -> Result<Arc<Tree>, String> {
    let Some(path) = file else { return Ok(Tree::built_in()) };
    let place = path.display().to_string();
    let cannot = |error: std::io::Error| format!("{place}: {error}");
    let mut text = String::new();
    let open = std::fs::File::open(path).map_err(cannot)?;
    open.take(LONGEST + 1).read_to_string(&mut text).map_err(cannot)?;
    if text.len() as u64 > LONGEST {
        return Err(format!("{place}: longer than {LONGEST} bytes: that is no triage tree"));
    }
    Tree::parse(&place, &text).map(Arc::new).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = include_str!("../../tests/data/triage.toml");

    #[test]
    fn a_teams_own_tree_is_read_and_a_wrong_one_is_named_with_its_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("triage.toml");
        assert!(load(Some(&path)).expect_err("it is not there").contains("triage.toml: "));
        std::fs::write(&path, SMALL).expect("a file");
        let tree = load(Some(&path)).expect("it is right");
        assert_eq!((tree.branches().len(), tree.questions().as_str()), (1, "one question"));
        assert_ne!(tree.digest(), Tree::built_in().digest());
        for (from, to, line, word) in [
            ("leads = \"stands\"", "leads = \"nowhere\"", 10, "nowhere"),
            ("surface = \"tool\"", "surface = \"took\"", 3, "took"),
            ("says = \"it was\", ", "", 10, "says"),
            ("asks", "ask", 8, "ask"),
        ] {
            std::fs::write(&path, SMALL.replacen(from, to, 1)).expect("a file");
            let error = load(Some(&path)).expect_err(from);
            assert!(error.contains(&format!("triage.toml:{line}: ")) && error.contains(word), "{error}");
        }
        std::fs::write(&path, "").expect("a file");
        assert!(load(Some(&path)).expect_err("nothing in it").contains("[[branch]]"));
        std::fs::write(&path, " ".repeat(300 * 1024)).expect("a file");
        assert!(load(Some(&path)).expect_err("too long").contains("longer than"));
    }
}
