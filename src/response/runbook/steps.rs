//! From a fenced block to a step: what it would run, whether it only reads, and why.

use std::collections::BTreeMap;

use crate::event::{Policy, Untrusted};

use super::attributes::{Attributes, MAX_TIMEOUT};
use super::blocks::{Block, MAX_BLOCK};
use super::effect::{Effect, Reversible};
use super::front::{host_of, joined};
use super::places::Places;
use super::says::{Says, slug};
use super::template::Template;
use super::types::{Action, Host, Mode, Parameter, Step};
use super::{effects, reading, script, words};

/// What a block's language makes of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    Shell,
    /// Lines with a prompt are commands, the others are what they print.
    Console,
    Sql,
    Http,
    Promql,
}

fn language(name: &str) -> Option<Language> {
    Some(match name {
        "" | "sh" | "bash" | "shell" | "zsh" | "ksh" | "dash" => Language::Shell,
        "console" | "shell-session" | "shellsession" | "terminal" | "bash-session" => Language::Console,
        "sql" | "psql" | "postgresql" | "pgsql" | "mysql" | "plpgsql" => Language::Sql,
        "http" | "rest" => Language::Http,
        "promql" => Language::Promql,
        _ => return None,
    })
}

/// The steps of the blocks.
pub(super) struct Steps<'a> {
    pub places: &'a mut Places,
    pub says: &'a mut Says,
    pub hosts: &'a [Host],
    pub names: BTreeMap<String, u32>,
    pub all: Vec<Step>,
}

/// What a block's text turned out to be.
pub(super) struct Found {
    pub action: Action,
    /// Why it only reads, or why nothing shows it.
    pub shown: Result<String, String>,
    pub shell: bool,
    pub does: effects::Does,
    /// Hosts that it names itself.
    pub hosts: Vec<Host>,
}

impl Steps<'_> {
    /// Adds the steps of one block: none for a language of none, several for lines that each only read.
    pub fn add(&mut self, block: &Block) {
        let Some(language) = language(&block.info.language) else { return };
        let text = plain_text(block, language);
        if text.trim().is_empty() {
            return;
        }
        if block.text.len() > MAX_BLOCK {
            self.says.error(block.line, format!("the block is longer than {MAX_BLOCK} bytes: it is no step"));
            return;
        }
        if let Some(wrong) = &block.info.wrong {
            self.says.error(block.line, wrong.clone());
        }
        if block.open {
            self.says.error(block.line, "the block begins here and is never closed, so it takes in all that follows");
        }
        let attributes = Attributes::of(block, self.says);
        let line = block.line + 1;
        match language {
            Language::Shell | Language::Console => self.shell(block, &attributes, &text, line),
            Language::Sql => {
                let found = self.sql(&attributes, &text, line);
                self.push(block, &attributes, &text, line, found, None);
            }
            Language::Http => {
                let found = self.http(&text, line);
                self.push(block, &attributes, &text, line, found, None);
            }
            Language::Promql => {
                let found = self.promql(&text, line);
                self.push(block, &attributes, &text, line, found, None);
            }
        }
    }

    fn shell(&mut self, block: &Block, attributes: &Attributes<'_>, text: &str, line: u32) {
        let asked = attributes.get("shell") == Some("true");
        let taken = if asked {
            Err("its author asks for a shell".to_owned())
        } else {
            words::commands(text, self.places, line)
        };
        match taken {
            Ok(commands) if commands.is_empty() => {}
            Ok(mut commands) if commands.len() == 1 => {
                if let Some(only) = commands.pop() {
                    let found = command(only.words);
                    self.push(block, attributes, text, line, found, None);
                }
            }
            Ok(commands) => {
                let all: Vec<(u32, Found)> = commands.into_iter().map(|one| (one.line, command(one.words))).collect();
                let silent = attributes.get("mode").is_none();
                if silent && all.iter().all(|(_, found)| found.shown.is_ok()) {
                    let lines: Vec<&str> = text.lines().collect();
                    for (nth, (at, found)) in all.into_iter().enumerate() {
                        // The command as it stands, with what it continues over.
                        let from = usize::try_from(at - line).unwrap_or(0);
                        let mut to = from;
                        while lines.get(to).is_some_and(|line| line.ends_with('\\')) {
                            to += 1;
                        }
                        let own =
                            lines.get(from..=to.min(lines.len().saturating_sub(1))).unwrap_or_default().join("\n");
                        self.push(block, attributes, &own, at, found, Some(nth));
                    }
                } else {
                    let writes = all.iter().find_map(|(_, found)| found.shown.as_ref().err().cloned());
                    let why = writes.unwrap_or_else(|| "it is several commands".to_owned());
                    let found = self.script(text, line, why);
                    self.push(block, attributes, text, line, found, None);
                }
            }
            Err(why) => {
                let found = self.script(text, line, format!("{why}, which takes a shell"));
                self.push(block, attributes, text, line, found, None);
            }
        }
    }

    fn script(&mut self, text: &str, line: u32, why: String) -> Found {
        let (filled, variables) = match script::with_variables(text, self.places, line) {
            Ok(script) => (script.text, script.variables),
            Err((at, what)) => {
                self.says.error(at, what);
                (text.to_owned(), Vec::new())
            }
        };
        if let Some(word) =
            ["[[", "<(", "declare -A", "${!", "&>", "pipefail", "<<<"].into_iter().find(|word| text.contains(word))
        {
            self.says.warn(line, format!("{word} is of bash; the block runs in /bin/sh, which may not know it"));
        }
        let parameters = variables
            .into_iter()
            .map(|(variable, input)| Parameter { variable: variable.into(), input: input.into() })
            .collect();
        Found {
            action: Action::Script { text: filled.into(), parameters },
            shown: Err(why),
            shell: true,
            does: effects::of_script(text, Mode::Write),
            hosts: Vec::new(),
        }
    }

    fn push(
        &mut self,
        block: &Block,
        attributes: &Attributes<'_>,
        text: &str,
        line: u32,
        found: Found,
        part: Option<usize>,
    ) {
        let name = self.name(block, attributes, part);
        let hidden = is_hidden(text);
        let declared = match attributes.get("mode") {
            None => None,
            Some("read") => Some(Mode::Read),
            Some("write") => Some(Mode::Write),
            Some(other) => {
                self.says.error(block.line, format!("mode={other} is neither read nor write"));
                Some(Mode::Write)
            }
        };
        let (mode, why) = mode(&found, declared, hidden);
        if hidden {
            self.says.error(line, "it holds characters that are not seen or that turn the text around: such a step never only reads; write it anew");
        } else if Untrusted::from(text).mixes_scripts() {
            self.says.warn(line, "a word in it mixes scripts, such as Latin and Cyrillic letters that look alike");
        }
        let bad_mode = declared == Some(Mode::Read) && mode == Mode::Write;
        if bad_mode && !hidden {
            self.says.error(block.line, format!("mode=read is not believed: {}", why.raw()));
        }
        let does = if mode == Mode::Read { again(&found, text) } else { found.does.clone() };
        let dry_run = attributes.dry_run(self.places, self.says);
        let rollback = attributes.step("rollback");
        let mut inputs: Vec<Untrusted> = Vec::new();
        for name in uses(&found.action).into_iter().chain(dry_run.iter().flat_map(uses)) {
            if !inputs.contains(&name) {
                inputs.push(name);
            }
        }
        let own = attributes.hosts(self.says);
        let mut effects = does.effects;
        let reversible = match (&rollback, does.reversible) {
            (Some(_), Reversible::Unknown) => Reversible::Yes,
            (_, reversible) => reversible,
        };
        if reversible == Reversible::No {
            effects.insert(Effect::Irreversible);
        }
        let step = Step {
            name: name.into(),
            heading: block.heading.as_str().into(),
            about: block.about.as_str().into(),
            line,
            text: text.into(),
            mode,
            why,
            shell: found.shell,
            effects,
            reversible,
            hosts: joined(&joined(self.hosts, &own), &found.hosts),
            timeout: attributes.time("timeout", MAX_TIMEOUT, self.says),
            tier: attributes.tier(self.says),
            rollback,
            verify: attributes.step("verify"),
            precondition: attributes.step("precondition"),
            dry_run,
            for_each: attributes.step("for_each"),
            shared_by: attributes.get("shared_by").map(Untrusted::from),
            stage: attributes.stage(self.says),
            meaning: attributes.meaning(&found.action, &inputs, mode, self.says),
            inputs,
            hidden,
            action: found.action,
        };
        self.all.push(step);
    }

    fn name(&mut self, block: &Block, attributes: &Attributes<'_>, part: Option<usize>) -> String {
        let given = attributes.get("name").or(attributes.get("label")).map(slug).filter(|name| !name.is_empty());
        let base = given.clone().unwrap_or_else(|| slug(&block.heading));
        let base = if base.is_empty() { format!("step-{}", self.all.len() + 1) } else { base };
        let whole = part.is_none_or(|nth| nth == 0);
        if let Some(before) = self.names.get(&base)
            && given.is_some()
            && whole
        {
            self.says.error(block.line, format!("the step {base:?} is in line {before} already"));
        }
        let mut name = base.clone();
        let mut nth = 2;
        while self.names.contains_key(&name) {
            name = format!("{base}-{nth}");
            nth += 1;
        }
        self.names.insert(name.clone(), block.line);
        name
    }
}

fn command(words: Vec<Template>) -> Found {
    let shown = reading::reads(&words);
    let plain: Vec<String> = words.iter().map(|word| word.shown().raw().to_owned()).collect();
    let mode = if shown.is_ok() { Mode::Read } else { Mode::Write };
    let hosts = plain.iter().filter(|word| word.contains("://")).filter_map(|word| host_of(word).ok()).collect();
    Found { does: effects::of_command(&plain, mode), action: Action::Command(words), shown, shell: false, hosts }
}

/// The effects once it is known to run where it can only read.
fn again(found: &Found, text: &str) -> effects::Does {
    match &found.action {
        Action::Script { .. } => effects::of_script(text, Mode::Read),
        Action::Command(words) => {
            let plain: Vec<String> = words.iter().map(|word| word.shown().raw().to_owned()).collect();
            effects::of_command(&plain, Mode::Read)
        }
        _ => found.does.clone(),
    }
}

/// The mode of a step and its reason.
fn mode(found: &Found, declared: Option<Mode>, hidden: bool) -> (Mode, Untrusted) {
    if hidden {
        return (Mode::Write, "it holds characters that are not seen or that turn the text around".into());
    }
    match (declared, &found.shown) {
        (Some(Mode::Write), _) => (Mode::Write, "its author says that it writes".into()),
        (None | Some(Mode::Read), Ok(why)) => (Mode::Read, why.as_str().into()),
        (Some(Mode::Read), Err(why)) => match &found.action {
            // What leaves this host is held by no wall of this host.
            Action::Http { .. } | Action::Sql { .. } | Action::Promql(_) => (Mode::Write, why.as_str().into()),
            Action::Script { .. } => {
                (Mode::Read, "its author says that it reads; the wall holds the shell that runs it to that".into())
            }
            Action::Command(_) => (Mode::Read, "its author says that it reads; the wall holds it to that".into()),
        },
        (None, Err(why)) => (Mode::Write, why.as_str().into()),
    }
}

/// Names of the inputs that an action uses.
fn uses(action: &Action) -> Vec<Untrusted> {
    let of = |templates: &[&Template]| -> Vec<Untrusted> {
        templates.iter().flat_map(|template| template.inputs()).map(Untrusted::from).collect()
    };
    match action {
        Action::Command(words) => of(&words.iter().collect::<Vec<_>>()),
        Action::Script { parameters, .. } => parameters.iter().map(|one| one.input.clone()).collect(),
        Action::Http { url, body, .. } => of(&[url, body]),
        Action::Sql { statement, .. } => of(&[statement]),
        Action::Promql(query) => of(&[query]),
    }
}

/// Whether a text holds what is not seen or would be obeyed, line ends and tabs aside.
fn is_hidden(text: &str) -> bool {
    text.split(['\n', '\t']).any(|part| Untrusted::from(part).show(Policy::Prose).has_escapes())
}

/// The commands of a block without prompts, and without what they print where prompts tell.
fn plain_text(block: &Block, language: Language) -> String {
    let prompted = |line: &str| {
        let line = line.trim_start();
        line.starts_with("$ ")
            || line.starts_with("# ") && language == Language::Console
            || line.starts_with("% ") && language == Language::Console
    };
    let first = block.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let has_prompts = match language {
        Language::Console => block.text.lines().any(prompted),
        Language::Shell => first.trim_start().starts_with("$ "),
        _ => false,
    };
    if !has_prompts {
        return block.text.clone();
    }
    let mut out = String::new();
    let mut continued = false;
    for line in block.text.lines() {
        let bare = line.trim_start();
        let kept = if prompted(line) {
            Some(&bare[2..])
        } else if continued {
            Some(bare.strip_prefix("> ").unwrap_or(line))
        } else {
            None
        };
        // A line of output stays empty, so that the others keep their places.
        let kept = kept.unwrap_or_default();
        continued = kept.ends_with('\\');
        out.push_str(kept);
        out.push('\n');
    }
    out
}
