//! A unified diff, as far as it can be read: by file, what went and what came.

/// One file of a diff.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in super::super) struct FileDiff {
    /// Its path, as the diff or the change's file list gives it.
    pub path: String,
    /// Lines that came, without their mark.
    pub added: Vec<String>,
    /// Lines that went, without their mark.
    pub removed: Vec<String>,
    /// Lines that stayed, as far as shown; and the hunk's heading.
    pub context: Vec<String>,
}

/// What a file is for, by its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum FileKind {
    /// Tests and their data: never runs in production.
    Test,
    /// Words for people.
    Docs,
    /// Build, lint, ownership: never runs in production.
    Build,
    /// Looks: style sheets, themes, pictures.
    Looks,
    /// Settings of another stage than production.
    Staging,
    /// Versions of libraries.
    Libraries,
    /// Settings.
    Config,
    /// Program code and everything else.
    Code,
}

impl FileKind {
    /// Reads the kind from a path.
    pub(in super::super) fn of(path: &str) -> Self {
        let path = path.to_ascii_lowercase();
        let name = path.rsplit('/').next().unwrap_or_default();
        let parts: Vec<&str> = path.split('/').collect();
        let ends = |list: &[&str]| list.iter().any(|end| name.ends_with(end));
        let has = |list: &[&str]| parts.iter().any(|part| list.contains(part));
        if name.contains("_test.")
            || name.contains(".test.")
            || name.contains(".spec.")
            || name.starts_with("test_")
            || has(&["test", "tests", "testdata", "__tests__", "fixtures", "spec", "e2e"])
            || name.contains("golden")
        {
            Self::Test
        } else if ends(&[".md", ".rst", ".adoc"])
            || has(&["docs", "doc", "documentation"])
            || name == "license"
            || name == "changelog"
        {
            Self::Docs
        } else if has(&[".github", ".gitlab", ".circleci", ".buildkite"])
            || name == "codeowners"
            || name == "makefile"
            || name == "jenkinsfile"
            || name.starts_with(".golangci")
            || name.starts_with(".eslint")
            || name.starts_with(".prettier")
            || name == ".editorconfig"
            || name == ".gitignore"
            || name == ".gitlab-ci.yml"
            || name == ".pre-commit-config.yaml"
        {
            Self::Build
        } else if ends(&[".css", ".scss", ".less", ".svg", ".png", ".jpg", ".woff2"]) || name.starts_with("theme.") {
            Self::Looks
        } else if has(&["staging", "sandbox", "dev", "preview", "local"]) {
            Self::Staging
        } else if matches!(
            name,
            "go.mod"
                | "go.sum"
                | "package.json"
                | "package-lock.json"
                | "yarn.lock"
                | "pnpm-lock.yaml"
                | "requirements.txt"
                | "poetry.lock"
                | "cargo.lock"
                | "cargo.toml"
                | "pom.xml"
                | "gemfile"
                | "gemfile.lock"
                | "build.gradle"
                | "pyproject.toml"
                | "uv.lock"
        ) {
            Self::Libraries
        } else if ends(&[
            ".yaml",
            ".yml",
            ".toml",
            ".ini",
            ".conf",
            ".cfg",
            ".env",
            ".properties",
            ".json",
            ".tf",
            ".tfvars",
            ".hcl",
        ]) {
            Self::Config
        } else {
            Self::Code
        }
    }

    /// Whether it runs in production at all.
    pub(in super::super) fn runs(self) -> bool {
        !matches!(self, Self::Test | Self::Docs | Self::Build | Self::Staging)
    }
}

/// Reads a diff. Anything that is no diff gives no file; nothing panics.
pub(in super::super) fn parse(text: &str) -> Vec<FileDiff> {
    let mut files: Vec<FileDiff> = Vec::new();
    for line in text.lines().take(20_000) {
        if let Some(path) = heading(line) {
            match files.last_mut() {
                Some(last) if path.is_empty() || last.path == path => last.context.push(line.to_owned()),
                // "--- a/x" then "+++ b/x" then "@@ …" are one file.
                Some(last) if last.added.is_empty() && last.removed.is_empty() && path != "/dev/null" => {
                    last.path = path;
                }
                _ => files.push(FileDiff { path, context: vec![line.to_owned()], ..FileDiff::default() }),
            }
            continue;
        }
        if files.is_empty() {
            files.push(FileDiff::default());
        }
        let Some(last) = files.last_mut() else { continue };
        match line.chars().next() {
            Some('+') => last.added.push(line[1..].to_owned()),
            Some('-') => last.removed.push(line[1..].to_owned()),
            _ => last.context.push(line.to_owned()),
        }
    }
    files.retain(|file| !file.added.is_empty() || !file.removed.is_empty());
    files
}

/// The path a heading line names; empty when it heads another part of the same file; `None` for any other line.
fn heading(line: &str) -> Option<String> {
    let strip = |path: &str| {
        let path = path.trim().split('\t').next().unwrap_or_default();
        path.strip_prefix("a/").or_else(|| path.strip_prefix("b/")).unwrap_or(path).to_owned()
    };
    if let Some(path) = line.strip_prefix("+++ ").or_else(|| line.strip_prefix("--- ")) {
        return Some(strip(path));
    }
    let rest = line.strip_prefix("@@ ")?;
    if rest.starts_with('-') {
        return Some(String::new());
    }
    let end = rest.find([':', ' ']).unwrap_or(rest.len());
    Some(rest[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_heading_a_file() {
        let short = parse("@@ a/b.go: func x @@\n-old\n+new\n same\n@@ c.yaml @@\n+z: 1");
        assert_eq!(short.iter().map(|f| f.path.as_str()).collect::<Vec<_>>(), ["a/b.go", "c.yaml"]);
        assert_eq!(
            (short[0].added.as_slice(), short[0].removed.as_slice()),
            (&["new".to_owned()][..], &["old".to_owned()][..])
        );
        let long = parse("--- a/x.rs\n+++ b/x.rs\n@@ -1,2 +1,2 @@ fn y()\n-old\n+new\n@@ -9 +9 @@\n-a\n+b");
        assert_eq!(long.len(), 1);
        assert_eq!((long[0].path.as_str(), long[0].added.len()), ("x.rs", 2));
    }

    #[test]
    fn kinds_of_files() {
        for (path, kind) in [
            ("pkg/x_test.go", FileKind::Test),
            ("docs/api.md", FileKind::Docs),
            (".github/workflows/b.yml", FileKind::Build),
            ("web/a.css", FileKind::Looks),
            ("deploy/staging/t.yaml", FileKind::Staging),
            ("go.mod", FileKind::Libraries),
            ("config/agent.yaml", FileKind::Config),
            ("src/main.rs", FileKind::Code),
        ] {
            assert_eq!(FileKind::of(path), kind, "{path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC*(\n[+@ -]\\PC*){0,8}") {
            let _ = parse(&text);
        }
    }
}
