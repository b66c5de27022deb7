//! Commands that are known to only read: the table `assets/reading.toml`, and how a command is held against it.
//!
//! The table says which options of which command only read. An option it does not name counts as one that writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;
use toml::Spanned;

use super::pattern::Glob;
use super::sql;
use super::template::Template;

const FILE: &str = include_str!("../../../assets/reading.toml");

/// The table. A test reads it, so that a fault in it never reaches a user; without it everything writes.
static TABLE: LazyLock<Table> = LazyLock::new(|| Table::parse(FILE).unwrap_or_default());

/// Folders in which programs of the system are.
const SYSTEM: [&str; 5] = ["/bin/", "/usr/bin/", "/usr/local/bin/", "/sbin/", "/usr/sbin/"];

#[derive(Debug, Default)]
struct Table {
    commands: BTreeMap<String, Command>,
    functions: BTreeSet<String>,
}

#[derive(Debug)]
struct Command {
    /// Long options by one dash, as of `find` and `ip`.
    single: bool,
    /// Whatever its options are, it only reads.
    any: bool,
    /// `head -5`.
    numbers: bool,
    /// Words match in either case.
    either_case: bool,
    /// One of these must be given.
    needs: Vec<String>,
    /// Options whose value is SQL.
    sql: Vec<String>,
    /// One for each verb; one without words where the command has no verbs.
    forms: Vec<Form>,
}

#[derive(Debug, Default)]
struct Form {
    words: Vec<String>,
    line: usize,
    switches: BTreeSet<String>,
    values: BTreeSet<String>,
    only: BTreeMap<String, Vec<Glob>>,
    never: BTreeMap<String, String>,
    operands: Option<Vec<Glob>>,
    most: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRows {
    command: Vec<CommandRow>,
    sql: SqlRow,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SqlRow {
    functions: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandRow {
    name: Spanned<String>,
    #[serde(default)]
    single: bool,
    #[serde(default)]
    any: bool,
    #[serde(default)]
    numbers: bool,
    #[serde(default)]
    either_case: bool,
    #[serde(default)]
    needs: String,
    #[serde(default)]
    sql: String,
    #[serde(default)]
    switches: String,
    #[serde(default)]
    values: String,
    #[serde(default)]
    only: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    never: BTreeMap<String, String>,
    operands: Option<Vec<String>>,
    most: Option<usize>,
    #[serde(default)]
    verb: Vec<VerbRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VerbRow {
    is: Spanned<String>,
    #[serde(default)]
    switches: String,
    #[serde(default)]
    values: String,
    #[serde(default)]
    only: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    never: BTreeMap<String, String>,
    operands: Option<Vec<String>>,
    most: Option<usize>,
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split_whitespace().map(str::to_owned)
}

fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or(text).matches('\n').count() + 1
}

fn globs(texts: &[String]) -> Result<Vec<Glob>, String> {
    texts.iter().map(|text| Glob::new(text)).collect()
}

fn only(rows: &BTreeMap<String, Vec<String>>) -> Result<BTreeMap<String, Vec<Glob>>, String> {
    rows.iter().map(|(option, texts)| Ok((option.clone(), globs(texts)?))).collect()
}

impl Table {
    fn parse(text: &str) -> Result<Self, String> {
        let rows: FileRows = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut commands = BTreeMap::new();
        for row in rows.command {
            let mut forms = Vec::new();
            let base = |line: usize| -> Result<Form, String> {
                Ok(Form {
                    words: Vec::new(),
                    line,
                    switches: words(&row.switches).collect(),
                    values: words(&row.values).chain(row.only.keys().cloned()).collect(),
                    only: only(&row.only)?,
                    never: row.never.clone(),
                    operands: row.operands.as_deref().map(globs).transpose()?,
                    most: row.most.unwrap_or(usize::MAX),
                })
            };
            for verb in &row.verb {
                for is in verb.is.get_ref().split('|') {
                    let mut form = base(line_of(text, verb.is.span().start))?;
                    form.words = words(is).collect();
                    form.switches.extend(words(&verb.switches));
                    form.values.extend(words(&verb.values).chain(verb.only.keys().cloned()));
                    form.only.extend(only(&verb.only)?);
                    form.never.extend(verb.never.clone());
                    if let Some(operands) = &verb.operands {
                        form.operands = Some(globs(operands)?);
                    }
                    form.most = verb.most.unwrap_or(form.most);
                    forms.push(form);
                }
            }
            // The longest verb first: `rollout status` before `rollout`.
            forms.sort_by_key(|form| std::cmp::Reverse(form.words.len()));
            let line = line_of(text, row.name.span().start);
            for name in words(row.name.get_ref()) {
                let mut forms = forms.iter().map(Form::again).collect::<Vec<_>>();
                if row.verb.is_empty() {
                    forms.push(base(line)?);
                }
                let command = Command {
                    single: row.single,
                    any: row.any,
                    numbers: row.numbers,
                    either_case: row.either_case,
                    needs: words(&row.needs).collect(),
                    sql: words(&row.sql).collect(),
                    forms,
                };
                if commands.insert(name.clone(), command).is_some() {
                    return Err(format!("reading.toml:{line}: {name} stands there twice"));
                }
            }
        }
        Ok(Self { commands, functions: words(&rows.sql.functions).collect() })
    }
}

impl Form {
    fn again(&self) -> Self {
        Self {
            words: self.words.clone(),
            line: self.line,
            switches: self.switches.clone(),
            values: self.values.clone(),
            only: self.only.clone(),
            never: self.never.clone(),
            operands: self.operands.clone(),
            most: self.most,
        }
    }
}

/// Functions of SQL that only read.
pub(super) fn functions() -> &'static BTreeSet<String> {
    &TABLE.functions
}

/// The name of the program, without a folder of the system.
pub(super) fn base_name(word: &str) -> &str {
    SYSTEM.iter().find_map(|folder| word.strip_prefix(folder)).unwrap_or(word)
}

/// Why a command only reads; or why nothing shows it.
pub(super) fn reads(command: &[Template]) -> Result<String, String> {
    let shown: Vec<String> = command.iter().map(|word| word.shown().raw().to_owned()).collect();
    let Some(first) = command.first().and_then(Template::literal) else {
        return Err("its program is not named".to_owned());
    };
    let name = base_name(&first);
    let Some(row) = TABLE.commands.get(name) else {
        return Err(format!("nothing shows that {name} only reads"));
    };
    // A place for an input is never an option: a value does not begin with a dash.
    let opaque: Vec<bool> =
        command.iter().map(|word| word.0.first().is_some_and(super::template::Piece::is_input)).collect();
    let mut why_not: Option<String> = None;
    for form in &row.forms {
        match row.fits(form, &shown[1..], &opaque[1..]) {
            Ok(()) => {
                let verb = form.words.iter().flat_map(|word| [" ", word]).collect::<String>();
                return Ok(format!("{name}{verb} only reads (reading.toml:{})", form.line));
            }
            Err(Miss::Verb) => {}
            Err(Miss::Because(why)) => _ = why_not.get_or_insert(why),
        }
    }
    Err(why_not.map_or_else(
        || {
            let verb = row.verb(&shown[1..], &opaque[1..]).unwrap_or_default();
            format!("nothing shows that {} only reads", format!("{name} {verb}").trim_end())
        },
        |why| format!("{name}: {why}"),
    ))
}

impl Command {
    /// The first word that is neither an option nor the value of one.
    fn verb<'w>(&self, words: &'w [String], opaque: &[bool]) -> Option<&'w str> {
        let mut at = 0;
        while let Some(word) = words.get(at) {
            if opaque[at] || !word.starts_with('-') {
                return Some(word);
            }
            at += 1 + usize::from(self.forms.iter().any(|form| form.values.contains(word)));
        }
        None
    }
}

enum Miss {
    /// It is another verb.
    Verb,
    Because(String),
}

impl Command {
    fn fits(&self, form: &Form, words: &[String], opaque: &[bool]) -> Result<(), Miss> {
        let because = |why: String| Err(Miss::Because(why));
        let mut operands: Vec<&str> = Vec::new();
        let mut given: BTreeSet<String> = BTreeSet::new();
        let mut bad: Option<String> = None;
        let mut at = 0;
        let mut ended = false;
        while at < words.len() {
            let word = words[at].as_str();
            at += 1;
            if ended || opaque[at - 1] || !word.starts_with('-') || word == "-" {
                operands.push(word);
                continue;
            }
            if word == "--" {
                ended = true;
                continue;
            }
            let next = words.get(at).map(String::as_str);
            match self.option(form, word, next) {
                Ok(Given { names, took_next }) => {
                    given.extend(names);
                    at += usize::from(took_next);
                }
                Err(why) => _ = bad.get_or_insert(why),
            }
        }
        let same = |a: &str, b: &str| a == b || (self.either_case && a.eq_ignore_ascii_case(b));
        let verb = form.words.len();
        if operands.len() < verb || !form.words.iter().zip(&operands).all(|(a, b)| same(a, b)) {
            return Err(Miss::Verb);
        }
        if let Some(why) = bad {
            return because(why);
        }
        let rest = &operands[verb..];
        if rest.len() > form.most {
            return because(format!("{:?} is more than it takes to only read", rest.get(form.most).unwrap_or(&"")));
        }
        if let Some(globs) = &form.operands
            && let Some(strange) = rest.iter().find(|word| !globs.iter().any(|glob| glob.fits(word)))
        {
            return because(format!("nothing shows that it only reads with {strange}"));
        }
        if !self.needs.is_empty() && !self.needs.iter().any(|option| given.contains(option)) {
            return because(format!("only with {} it is known to only read", self.needs.join(" or ")));
        }
        Ok(())
    }

    /// The options that a word gives, and whether the next word is the value of the last.
    fn option(&self, form: &Form, word: &str, next: Option<&str>) -> Result<Given, String> {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) if word.starts_with("--") || self.single => (name, Some(value)),
            _ => (word, None),
        };
        if let Some(why) = form.never.get(name) {
            return Err(format!("{name} {why}"));
        }
        if self.numbers && word[1..].bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Given { names: vec![], took_next: false });
        }
        let long = word.starts_with("--") || self.single;
        if self.any {
            if !long
                && let Some((option, why)) =
                    form.never.iter().find(|(option, _)| option.len() == 2 && word[1..].contains(&option[1..]))
            {
                return Err(format!("{option} {why}"));
            }
            return Ok(Given { names: vec![name.to_owned()], took_next: false });
        }
        if long || word.len() == 2 {
            if form.values.contains(name) {
                let (value, took_next) = match (value, next) {
                    (Some(value), _) => (value, false),
                    (None, Some(next)) => (next, true),
                    (None, None) => return Err(format!("{name} has no value")),
                };
                self.value(form, name, value)?;
                return Ok(Given { names: vec![name.to_owned()], took_next });
            }
            if form.switches.contains(name)
                && value.is_none_or(|value| matches!(value, "true" | "false" | "auto" | "always" | "never"))
            {
                return Ok(Given { names: vec![name.to_owned()], took_next: false });
            }
            if form.switches.contains(&format!("{name}=")) {
                return Ok(Given { names: vec![name.to_owned()], took_next: false });
            }
            return Err(format!("nothing shows that it only reads with {name}"));
        }
        // Short options in one word: switches, and behind the last perhaps a value.
        let mut names = Vec::new();
        let letters = word[1..].char_indices();
        for (place, letter) in letters {
            let option = format!("-{letter}");
            if let Some(why) = form.never.get(&option) {
                return Err(format!("{option} {why}"));
            }
            let after = &word[1 + place + letter.len_utf8()..];
            if form.values.contains(&option) {
                names.push(option.clone());
                let (value, took_next) = match (after.strip_prefix('=').unwrap_or(after), next) {
                    ("", Some(next)) => (next, true),
                    ("", None) => return Err(format!("{option} has no value")),
                    (value, _) => (value, false),
                };
                self.value(form, &option, value)?;
                return Ok(Given { names, took_next });
            }
            if !form.switches.contains(&option) {
                return Err(format!("nothing shows that it only reads with {option}"));
            }
            names.push(option);
        }
        Ok(Given { names, took_next: false })
    }

    fn value(&self, form: &Form, name: &str, value: &str) -> Result<(), String> {
        if let Some(globs) = form.only.get(name)
            && !globs.iter().any(|glob| glob.fits(value))
        {
            return Err(format!("nothing shows that it only reads with {name} {value}"));
        }
        if self.sql.iter().any(|option| option == name) {
            if is_look(value) {
                return Ok(());
            }
            // A value of an input is plain there: it is as good as a number.
            let statement = without_places(value);
            return sql::reads(&statement, functions()).map(|_| ()).map_err(|why| format!("in its statement, {why}"));
        }
        Ok(())
    }
}

struct Given {
    names: Vec<String>,
    took_next: bool,
}

/// The commands of psql that only look: `\d+ name`, `\l`, `\conninfo`.
fn is_look(value: &str) -> bool {
    let Some(rest) = value.trim().strip_prefix('\\') else { return false };
    let (verb, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let verb = verb.trim_end_matches(['+', 'S']);
    let known = [
        "d", "dt", "di", "dv", "dm", "ds", "df", "dn", "du", "dg", "db", "dx", "dp", "l", "conninfo", "drds", "dRp",
        "dRs",
    ];
    known.contains(&verb) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.* ".contains(&byte))
}

fn without_places(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        let Some(end) = rest[at..].find("}}") else { break };
        out.push_str(&rest[..at]);
        out.push('0');
        rest = &rest[at + end + 2..];
    }
    out.push_str(rest);
    out
}
