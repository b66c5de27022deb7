//! What a user does: asks how the engine would have judged past incidents (`warroom backtest`).

mod bad;
mod contract;
mod correlation;
mod invariance;
mod learned;
mod made;
mod retrieval;
mod storms;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The bundled cases.
fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases")
}

/// Runs the command on these paths; its answers by case.
fn backtest(paths: &[&Path]) -> Vec<Value> {
    let run =
        Command::new(env!("CARGO_BIN_EXE_warroom")).arg("backtest").arg("--json").args(paths).output().expect("starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let text = String::from_utf8(run.stdout).expect("UTF-8");
    let mut answers: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect();
    for answer in &mut answers {
        // The one thing that may differ from run to run.
        let took = answer.as_object_mut().expect("an object").remove("elapsed_ms");
        assert!(took.is_some_and(|took| took.is_u64()));
    }
    answers
}

/// Copies a case to a folder of its own, every file through `change` (file name, text).
fn altered(case: &Path, to: &Path, change: impl Fn(&str, String) -> String) {
    std::fs::create_dir_all(to).expect("can be made");
    for entry in std::fs::read_dir(case).expect("is there").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(entry.path()).expect("UTF-8");
        std::fs::write(to.join(&name), change(&name, text)).expect("can be written");
    }
}
