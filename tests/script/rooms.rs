//! The plan of the house, read from the source: no arrow points upwards.

use std::path::{Path, PathBuf};

/// The rooms, top floor first. `main.rs` and `lib.rs` stand outside and may see everything.
const ROOMS: [&str; 13] = [
    "cli",
    "console",
    "engine",
    "report",
    "feedback",
    "response",
    "diagnosis",
    "correlation",
    "surface",
    "slo",
    "intake",
    "journal",
    "event",
];

/// The only files that may write to standard output or standard error.
const WRITERS: [&str; 2] = ["src/cli/out.rs", "src/console/"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file with its lines, comments left out.
fn sources() -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                let text = std::fs::read_to_string(&path).unwrap();
                let lines = text.lines().map(|line| code_of(line).to_owned()).collect();
                found.push((name, lines));
            }
        }
    }
    assert!(found.len() > 50, "the source was found: {}", found.len());
    found
}

/// A line without its comment. A `//` inside a text cuts that text, which hides nothing that is looked for here.
fn code_of(line: &str) -> &str {
    line.find("//").map_or(line, |comment| &line[..comment])
}

fn room_of(file: &str) -> Option<usize> {
    let inside = Path::new(file).strip_prefix("src").ok()?;
    let first = inside.iter().next()?.to_str()?;
    ROOMS.iter().position(|room| first == *room)
}

/// The names that follow `prefix` in a line.
fn named_after<'a>(line: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    line.match_indices(prefix).flat_map(move |(at, _)| {
        let rest = &line[at + prefix.len()..];
        // `crate::{a::b, c::d}` names several.
        let group = rest.strip_prefix('{').and_then(|group| group.split('}').next());
        let names: Vec<&str> = match group {
            Some(group) => group.split(',').map(str::trim).collect(),
            None => vec![rest],
        };
        names.into_iter().map(|name| {
            let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
            &name[..end]
        })
    })
}

#[test]
fn no_room_imports_a_room_above_it() {
    let mut upward = Vec::new();
    let mut arrows = 0;
    for (file, lines) in sources() {
        let Some(from) = room_of(&file) else { continue };
        let top = file == format!("src/{}/mod.rs", ROOMS[from]);
        for (number, line) in lines.iter().enumerate() {
            let outside = named_after(line, "crate::");
            // In a room's own mod.rs `super::` is the whole house.
            let siblings = named_after(if top { line } else { "" }, "super::");
            for to in outside.chain(siblings).filter_map(|name| ROOMS.iter().position(|room| name == *room)) {
                arrows += usize::from(to != from);
                if to < from {
                    upward.push(format!("{file}:{}: {} -> {}", number + 1, ROOMS[from], ROOMS[to]));
                }
            }
        }
    }
    assert!(arrows > 50, "arrows were found: {arrows}");
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn an_upward_arrow_would_be_seen() {
    let names = |line| named_after(line, "crate::").collect::<Vec<_>>();
    assert_eq!(names("use crate::console::pane::Cx;"), ["console"]);
    assert_eq!(names("use crate::{engine::View, event::{Time}};"), ["engine", "event"]);
    assert_eq!(names("    fn f(x: crate::cli::Exit, y: crate::event::Seq)"), ["cli", "event"]);
    assert!(room_of("src/journal/mod.rs") > room_of("src/cli/house.rs"));
}

#[test]
fn only_the_console_knows_the_drawing_library() {
    for (file, lines) in sources() {
        let drawing = lines.iter().any(|line| line.contains("ratatui::") || line.contains("tui_textarea::"));
        assert!(!drawing || file.starts_with("src/console/"), "{file} draws");
    }
}

#[test]
fn only_one_place_writes_to_standard_output_and_standard_error() {
    let marks = ["println!", "print!(", "eprint!(", "dbg!(", "io::stdout()", "io::stderr()"];
    for (file, lines) in sources() {
        let asks_only = |line: &str| {
            ["is_terminal", "ttyname", "tcgetwinsize", "isatty"].iter().any(|question| line.contains(question))
        };
        let writes = lines.iter().find(|line| !asks_only(line) && marks.iter().any(|mark| line.contains(mark)));
        let is_test = file.contains("/tests/") || file.ends_with("tests.rs");
        let allowed = is_test || WRITERS.iter().any(|writer| file.starts_with(writer));
        assert!(allowed || writes.is_none(), "{file} writes past cli::out: {writes:?}");
    }
}

#[test]
fn every_room_opens_with_its_contract() {
    for room in ROOMS {
        let path = root().join(format!("src/{room}/mod.rs"));
        let text = std::fs::read_to_string(&path).unwrap();
        let opening: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
        // The vocabulary and the rooms that only hold plain rules keep their contract in the same words.
        for part in ["**For:**", "**In:**", "**Never:**"] {
            assert!(opening.contains(part), "{} does not say {part}", path.display());
        }
    }
}

#[test]
fn nothing_is_allowed_without_a_reason() {
    for (file, lines) in sources() {
        let quiet = lines.iter().find(|line| line.contains("#[allow(") || line.contains("#![allow("));
        assert!(quiet.is_none(), "{file}: use #[expect(…, reason = \"…\")]: {quiet:?}");
        assert!(!lines.iter().any(|line| line.contains("todo!(") || line.contains("unimplemented!(")), "{file}");
    }
}
