//! Files a team may put in the place of ours: the tree of the triage walk, the rubric for severity.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use crate::surface::severity::Rubric;
use crate::surface::triage::Tree;

/// No such file is longer than this, in bytes.
const LONGEST: u64 = 256 * 1024;

/// The tree of `file`, or the one that comes with the program.
///
/// # Errors
/// What is wrong: the file and why it cannot be read, or its line and what would be right there.
pub fn tree(file: Option<&Path>) -> Result<Arc<Tree>, String> {
    let Some((place, text)) = text(file, "triage tree")? else { return Ok(Tree::built_in()) };
    Tree::parse(&place, &text).map(Arc::new).map_err(|error| error.to_string())
}

/// The rubric of `file`, or the one that comes with the program.
///
/// # Errors
/// As of [`tree`].
pub fn rubric(file: Option<&Path>) -> Result<Arc<Rubric>, String> {
    let Some((place, text)) = text(file, "severity rubric")? else { return Ok(Rubric::built_in()) };
    Rubric::parse(&place, &text).map(Arc::new).map_err(|error| error.to_string())
}

/// What to call the file in errors, and its text; `None` where none is named.
fn text(file: Option<&Path>, what: &str) -> Result<Option<(String, String)>, String> {
    let Some(path) = file else { return Ok(None) };
    let place = path.display().to_string();
    let cannot = |error: std::io::Error| format!("{place}: {error}");
    let mut text = String::new();
    let open = std::fs::File::open(path).map_err(cannot)?;
    open.take(LONGEST + 1).read_to_string(&mut text).map_err(cannot)?;
    if text.len() as u64 > LONGEST {
        return Err(format!("{place}: longer than {LONGEST} bytes: that is no {what}"));
    }
    Ok(Some((place, text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = include_str!("../../tests/data/triage.toml");

    #[test]
    fn a_teams_own_tree_is_read_and_a_wrong_one_is_named_with_its_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("triage.toml");
        assert!(tree(Some(&path)).expect_err("it is not there").contains("triage.toml: "));
        std::fs::write(&path, SMALL).expect("a file");
        let own = tree(Some(&path)).expect("it is right");
        assert_eq!((own.branches().len(), own.questions().as_str()), (1, "one question"));
        assert_ne!(own.digest(), Tree::built_in().digest());
        for (from, to, line, word) in [
            ("leads = \"stands\"", "leads = \"nowhere\"", 10, "nowhere"),
            ("surface = \"tool\"", "surface = \"took\"", 3, "took"),
            ("says = \"it was\", ", "", 10, "says"),
            ("asks", "ask", 8, "ask"),
        ] {
            std::fs::write(&path, SMALL.replacen(from, to, 1)).expect("a file");
            let error = tree(Some(&path)).expect_err(from);
            assert!(error.contains(&format!("triage.toml:{line}: ")) && error.contains(word), "{error}");
        }
        std::fs::write(&path, "").expect("a file");
        assert!(tree(Some(&path)).expect_err("nothing in it").contains("[[branch]]"));
        std::fs::write(&path, " ".repeat(300 * 1024)).expect("a file");
        assert!(tree(Some(&path)).expect_err("too long").contains("longer than"));
    }
    #[test]
    fn a_teams_own_rubric_is_read_and_a_wrong_one_is_named_with_its_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("severity.toml");
        assert!(rubric(Some(&path)).expect_err("it is not there").contains("severity.toml: "));
        let ours = include_str!("../../assets/severity.toml").replace("\"SEV", "\"Prio ");
        std::fs::write(&path, &ours).expect("a file");
        let own = rubric(Some(&path)).expect("it is right");
        assert_eq!(own.levels()[0].name, "Prio 1");
        assert_ne!(own.digest(), Rubric::built_in().digest());
        std::fs::write(&path, ours.replacen("\ncounts_as", "\ncounts", 1)).expect("a file");
        let error = rubric(Some(&path)).expect_err("no such field");
        assert!(error.contains("severity.toml:") && error.contains("counts"), "{error}");
        std::fs::write(&path, " ".repeat(300 * 1024)).expect("a file");
        assert!(rubric(Some(&path)).expect_err("too long").contains("that is no severity rubric"));
    }
}
