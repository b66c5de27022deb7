//! The only place that writes to standard output and standard error outside the full-screen console.
//!
//! Every line passes through the one sanitiser, so no command has to remember to: text from outside reaches a terminal
//! only with its controls made visible (law 5). JSON keeps every character, the dangerous ones as `\u` escapes.

use std::io::{self, Write};

use serde::Serialize;

use crate::event::{Policy, Untrusted};

/// Standard output and standard error.
pub struct Out {
    to: Box<dyn Write + Send>,
    notes: Box<dyn Write + Send>,
}

impl Out {
    /// The process's own.
    #[must_use]
    pub fn standard() -> Self {
        Self { to: Box::new(io::LineWriter::new(io::stdout())), notes: Box::new(io::stderr()) }
    }

    /// Into buffers, for tests.
    #[must_use]
    pub fn into_writers(to: Box<dyn Write + Send>, notes: Box<dyn Write + Send>) -> Self {
        Self { to, notes }
    }

    /// One line of the result. Line feeds in `text` start further lines.
    ///
    /// # Errors
    /// When it cannot be written; `cli::main` ends quietly when the reader has left.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        write_lines(&mut self.to, text)
    }

    /// `value` as one line of JSON.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut coder = serde_json::Serializer::with_formatter(&mut self.to, Guarded);
        value.serialize(&mut coder)?;
        self.to.write_all(b"\n")
    }

    /// Raw bytes of a document somebody asked for on standard output (`export -`). Not for a terminal.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes)
    }

    /// A line for the person and not for the pipe: progress, warnings. Goes to standard error; a failure to write it
    /// is nobody's business.
    pub fn note(&mut self, text: &str) {
        let _ = write_lines(&mut self.notes, text);
    }

    /// What went wrong, with its causes.
    pub fn error(&mut self, error: &anyhow::Error) {
        self.note(&format!("warroom: {error:#}"));
    }
}

/// Whether `error` is the pipe whose reader has left.
#[must_use]
pub fn reader_left(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe)
            || cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind)
                == Some(io::ErrorKind::BrokenPipe)
    })
}

fn write_lines(to: &mut dyn Write, text: &str) -> io::Result<()> {
    let mut safe = String::with_capacity(text.len() + 1);
    for line in text.split('\n') {
        safe.push_str(Untrusted::from(line).show(Policy::Prose).as_str());
        safe.push('\n');
    }
    to.write_all(safe.as_bytes())
}

/// JSON in which every character that a terminal could obey or hide is a `\u` escape; nothing is lost by it.
struct Guarded;

impl serde_json::ser::Formatter for Guarded {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, to: &mut W, fragment: &str) -> io::Result<()> {
        if fragment.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return to.write_all(fragment.as_bytes());
        }
        let mut buffer = [0; 4];
        let mut units = [0; 2];
        for c in fragment.chars() {
            let text: &str = c.encode_utf8(&mut buffer);
            if Untrusted::from(text).show(Policy::Prose).as_str() == text {
                to.write_all(text.as_bytes())?;
            } else {
                for unit in c.encode_utf16(&mut units) {
                    write!(to, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(write: impl FnOnce(&mut Out)) -> String {
        let kept = Kept::default();
        write(&mut Out::into_writers(Box::new(kept.clone()), Box::new(kept.clone())));
        String::from_utf8(kept.0.lock().unwrap().clone()).unwrap()
    }

    const HOSTILE: &str = "a\u{1b}]0;owned\u{7}b\u{202e}c\u{9b}2Jd\u{7f}\u{e0041}";

    #[test]
    fn no_control_or_invisible_character_of_the_data_is_written_as_a_line() {
        let text = written(|out| out.line(HOSTILE).unwrap());
        assert!(text.ends_with('\n'));
        assert!(text.trim_end().chars().all(|c| c == ' ' || c.is_ascii_graphic()), "{text:?}");
    }

    #[test]
    fn json_escapes_what_a_terminal_could_obey_and_loses_nothing() {
        let text = written(|out| out.json(&HOSTILE).unwrap());
        assert!(text.trim_end().chars().all(|c| c == ' ' || c.is_ascii_graphic()), "{text:?}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), HOSTILE);
    }

    #[test]
    fn letters_of_every_script_stay() {
        let text = written(|out| out.json(&"größe 検索").unwrap());
        assert_eq!(text, "\"größe 検索\"\n");
    }

    #[test]
    fn errors_are_told_with_their_causes_on_one_line() {
        let error = anyhow::anyhow!("disk full").context("nothing was recorded");
        assert_eq!(written(|out| out.error(&error)), "warroom: nothing was recorded: disk full\n");
    }
}
