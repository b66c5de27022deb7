//! Command lines taken apart into words as POSIX says, where that needs no shell.
//!
//! Quotes, backslashes and comments are understood (POSIX.1-2024, Shell Command Language, 2.2 and 2.3). Whatever would be expanded,
//! redirected, joined or run by a shell itself is not: then the whole text is one for a shell, and the reason is said.

use std::collections::BTreeSet;

use super::places::{Places, Signs};
use super::template::{Fit, Piece, Template};

/// A command has at most so many words.
const MAX_WORDS: usize = 400;

/// One command: its words, and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Command {
    pub words: Vec<Template>,
    pub line: u32,
}

/// Words that a shell itself obeys: as a first word they need one.
const OF_THE_SHELL: [&str; 46] = [
    "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "in", "function",
    "select", "{", "}", "!", "[[", "cd", "export", "source", ".", "eval", "exec", "set", "unset", "alias", "unalias",
    "read", "trap", "ulimit", "umask", "wait", "shift", "return", "exit", "break", "continue", "local", "declare",
    "typeset", "readonly", "pushd", "popd", "command",
];

/// Programs that read a word of theirs as code, so that only plain values may stand anywhere in their words.
const INTERPRETERS: [&str; 30] = [
    "sh", "bash", "dash", "zsh", "ksh", "ash", "busybox", "ssh", "python", "python3", "perl", "ruby", "node", "php",
    "lua", "awk", "gawk", "sed", "jq", "yq", "psql", "mysql", "mariadb", "sqlite3", "mongosh", "xargs", "env", "sudo",
    "exec", "nsenter",
];

/// The commands of `text`, one a line; or why it takes a shell. `line` is where the text begins.
pub(super) fn commands(text: &str, places: &mut Places, line: u32) -> Result<Vec<Command>, String> {
    let mut reader = Reader { rest: text, before: None, line, places, own: super::places::set_by(text) };
    let mut commands = Vec::new();
    while let Some(command) = reader.command()? {
        commands.push(command);
    }
    Ok(commands)
}

/// A single command, such as the one of `dry_run`.
pub(super) fn command(text: &str, places: &mut Places, line: u32) -> Result<Vec<Template>, String> {
    let mut all = commands(text, places, line)?;
    match (all.pop(), all.is_empty()) {
        (Some(one), true) => Ok(one.words),
        (None, _) => Err("there is no command in it".to_owned()),
        (Some(_), false) => Err("it has more than one command".to_owned()),
    }
}

struct Reader<'t, 'p> {
    rest: &'t str,
    before: Option<char>,
    line: u32,
    places: &'p mut Places,
    own: BTreeSet<String>,
}

/// A word as it grows.
#[derive(Default)]
struct Word {
    pieces: Vec<Piece>,
    /// Something of it was quoted, so that it is a word even when empty.
    quoted: bool,
    /// Its unquoted beginning, for what counts only there.
    bare: String,
}

impl Word {
    fn push(&mut self, c: char) {
        match self.pieces.last_mut() {
            Some(Piece::Text(text)) => text.push(c),
            _ => self.pieces.push(Piece::Text(c.to_string())),
        }
    }

    fn input(&mut self, name: String) {
        self.pieces.push(Piece::Input { name, fit: Fit::Word });
    }

    fn is_empty(&self) -> bool {
        self.pieces.is_empty() && !self.quoted
    }
}

impl Reader<'_, '_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        self.before = Some(c);
        self.line += u32::from(c == '\n');
        Some(c)
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn place(&mut self, signs: Signs) -> Option<String> {
        let (length, name) = self.places.at(self.rest, self.before, signs, &self.own, self.line)?;
        self.rest = &self.rest[length..];
        self.before = Some('}');
        Some(name)
    }

    fn command(&mut self) -> Result<Option<Command>, String> {
        let mut words: Vec<Template> = Vec::new();
        let mut line = self.line;
        loop {
            while matches!(self.peek(), Some(' ' | '\t')) {
                self.next();
            }
            match self.peek() {
                None if words.is_empty() => return Ok(None),
                None => break,
                Some('\n') => {
                    self.next();
                    if !words.is_empty() {
                        break;
                    }
                    line = self.line;
                }
                Some('#') => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.next();
                    }
                }
                Some(_) => {
                    if let Some(word) = self.word(words.is_empty())? {
                        words.push(word);
                    }
                    if words.len() > MAX_WORDS {
                        return Err(format!("it has more than {MAX_WORDS} words"));
                    }
                }
            }
        }
        if words.iter().any(|word| word.literal().is_some_and(|word| is_interpreter(&word))) {
            // Whatever stands behind may be code.
            for piece in words.iter_mut().flat_map(|word| word.0.iter_mut()) {
                if let Piece::Input { fit, .. } = piece {
                    *fit = Fit::Plain;
                }
            }
        }
        Ok(Some(Command { words, line }))
    }

    /// One word; `None` for a continued line with nothing in it.
    fn word(&mut self, first: bool) -> Result<Option<Template>, String> {
        let mut word = Word::default();
        loop {
            if let Some(name) = self.place(Signs::Shell) {
                word.input(name);
                continue;
            }
            let Some(c) = self.peek() else { break };
            if matches!(c, ' ' | '\t' | '\n') {
                break;
            }
            self.next();
            match c {
                '\\' => match self.next() {
                    Some('\n') => {}
                    Some(c) => {
                        word.quoted = true;
                        word.push(c);
                    }
                    None => return Err("it ends in a backslash".to_owned()),
                },
                '\'' => self.single(&mut word)?,
                '"' => self.double(&mut word)?,
                _ => self.bare(c, &mut word)?,
            }
        }
        if word.is_empty() {
            return Ok(None);
        }
        if first {
            first_word(&word)?;
        }
        let code = word.pieces.iter().any(|piece| matches!(piece, Piece::Text(text) if !text.bytes().all(is_tame)));
        let mut pieces = word.pieces;
        if pieces.is_empty() {
            pieces.push(Piece::Text(String::new()));
        }
        if code {
            for piece in &mut pieces {
                if let Piece::Input { fit, .. } = piece {
                    *fit = Fit::Plain;
                }
            }
        }
        Ok(Some(Template(pieces)))
    }

    fn single(&mut self, word: &mut Word) -> Result<(), String> {
        word.quoted = true;
        loop {
            if let Some(name) = self.place(Signs::Declared) {
                word.input(name);
                continue;
            }
            match self.next() {
                Some('\'') => return Ok(()),
                Some(c) => word.push(c),
                None => return Err("a quote (') is not closed".to_owned()),
            }
        }
    }

    fn double(&mut self, word: &mut Word) -> Result<(), String> {
        word.quoted = true;
        loop {
            // A variable is expanded in here, a blank is not.
            let signs = if self.peek() == Some('$') { Signs::Shell } else { Signs::Declared };
            if let Some(name) = self.place(signs) {
                word.input(name);
                continue;
            }
            match self.next() {
                Some('"') => return Ok(()),
                Some('\\') => match self.next() {
                    Some('\n') => {}
                    Some(c @ ('$' | '`' | '"' | '\\')) => word.push(c),
                    Some(c) => {
                        word.push('\\');
                        word.push(c);
                    }
                    None => return Err("it ends in a backslash".to_owned()),
                },
                Some('$') if self.peek().is_some_and(|c| c.is_alphanumeric() || "_{(*@#?-$!'".contains(c)) => {
                    return Err("it uses variables or substitutions ($)".to_owned());
                }
                Some('`') => return Err("it runs commands inside others (`)".to_owned()),
                Some(c) => word.push(c),
                None => return Err("a quote (\") is not closed".to_owned()),
            }
        }
    }

    /// A character outside quotes.
    fn bare(&mut self, c: char, word: &mut Word) -> Result<(), String> {
        let begins = word.is_empty();
        let address = word.bare.starts_with("http://") || word.bare.starts_with("https://");
        let why = match c {
            '|' => "it has a pipe (|)",
            '&' => "it joins commands or runs one in the background (&)",
            ';' => "it joins commands (;)",
            '(' | ')' => "it has parentheses",
            '<' | '>' => "it redirects input or output (< or >)",
            '$' => "it uses variables or substitutions ($)",
            '`' => "it runs commands inside others (`)",
            // No file is called http:/…, so a shell that looks for one leaves the address as it is.
            '*' | '?' | '[' if !address => "it has patterns for file names (*, ?, [)",
            '~' if begins => "it names a home folder (~)",
            '{' => {
                let end = self.rest.find('}').filter(|end| {
                    self.rest[..*end].bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
                        && !self.rest[..*end].contains("..")
                });
                if end.is_none() {
                    return Err("it has braces that a shell may expand ({)".to_owned());
                }
                ""
            }
            _ => "",
        };
        if !why.is_empty() {
            return Err(why.to_owned());
        }
        word.push(c);
        if !word.quoted {
            word.bare.push(c);
        }
        Ok(())
    }
}

/// Letters that mean nothing to any program that might read the word as more than a word.
fn is_tame(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._:/@%+=,-".contains(&byte)
}

fn is_interpreter(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    INTERPRETERS.contains(&name)
}

fn first_word(word: &Word) -> Result<(), String> {
    let [Piece::Text(text)] = word.pieces.as_slice() else {
        return Err("what fills an input would choose the program".to_owned());
    };
    if text.is_empty() {
        return Err("its first word is empty".to_owned());
    }
    if OF_THE_SHELL.contains(&text.as_str()) && !word.quoted {
        return Err(format!("{text} is the shell's own"));
    }
    if let Some((name, _)) = word.bare.split_once('=')
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        return Err(format!("it sets a variable ({name}=)"));
    }
    Ok(())
}
