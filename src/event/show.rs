//! The one door from outside text to anything a person sees.
//!
//! Nothing is dropped and nothing is interpreted: what a terminal would obey, reorder, hide or stack is written out.
//!
//! | in the text | [`Policy::Prose`], [`Policy::Code`] | [`Policy::Exact`] |
//! |---|---|---|
//! | printable ASCII | itself | itself (but see backslash and blanks) |
//! | letters, digits, signs of any script | itself | `\u{E9}` |
//! | C0 control, DEL | `^[`, `^J`, `^?` | `\x1b`, `\x0a`, `\x7f` |
//! | tab | `^I`; under `Code` an arrow and three blanks | `\x09` |
//! | C1 control | `\x9b` | `\x9b` |
//! | format, bidi, default-ignorable, line and paragraph separator, private use, noncharacter, unassigned, tag, variation selector, blank other than U+0020, emoji joiner, modifier and flag letter, U+FFFC/FFFD | `\u{202E}` | `\u{202E}` |
//! | combining marks | two on a base; a third, or one with no base, is `\u{301}` | `\u{301}` |
//! | blank at either end, or beside another blank | itself | `·` each |
//! | backslashes before something that reads as an escape | themselves | doubled |
//!
//! No function of text alone can be both idempotent and injective, so each policy has the half it needs. `Prose` and
//! `Code` are idempotent, and what was escaped differs from the same letters typed by hand through its [`Mark`]
//! (drawn in a warning style). `Exact` is injective without marks: from what is shown the bytes can be told, which an
//! approval needs on paper too.

mod class;
mod lookalike;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use class::Class;
pub(super) use lookalike::{looks_like, mixes_scripts};

/// Cells of a tab under [`Policy::Code`].
const TAB: &str = "→   ";

/// Combining marks that one base may carry before the rest is escaped.
const MARKS_ON_A_BASE: usize = 2;

/// How strictly text is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Sentences: letters of every script stay; controls, format and invisible characters are escaped.
    Prose,
    /// Lines of code: as prose, with a tab drawn as a marked gap of four cells.
    Code,
    /// Commands, hosts, targets, diffs of what will run: only printable ASCII stays as it is.
    Exact,
}

/// What a piece of shown text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// As it came.
    Plain,
    /// Written out because a terminal would not show it as it is; drawn in a warning style.
    Escaped,
    /// A blank or tab made visible; drawn muted.
    Blank,
}

/// Text that is safe to draw: no control, no bidi, no invisible character is left in it. One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Safe<'a> {
    text: Cow<'a, str>,
    /// What is not plain, in order, not overlapping.
    marks: Vec<(Range<usize>, Mark)>,
    whole: bool,
}

impl<'a> Safe<'a> {
    /// The drawable text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The drawable text, owned or borrowed.
    #[must_use]
    pub fn into_cow(self) -> Cow<'a, str> {
        self.text
    }

    /// Whether all of the text is here; `false` when a prefix was asked for and more follows.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Whether anything had to be written out: a sign of damage or of malice.
    #[must_use]
    pub fn has_escapes(&self) -> bool {
        self.marks.iter().any(|(_, mark)| *mark == Mark::Escaped)
    }

    /// Terminal cells it takes: the sum over its grapheme clusters, which is how it is laid into cells.
    #[must_use]
    pub fn cells(&self) -> usize {
        if self.text.is_ascii() { self.text.len() } else { self.text.graphemes(true).map(str::width).sum() }
    }

    /// The text in pieces of one [`Mark`] each, in order; together they are [`Safe::as_str`].
    pub fn pieces(&self) -> impl Iterator<Item = (&str, Mark)> {
        let mut at = 0;
        let mut marks = self.marks.iter().peekable();
        std::iter::from_fn(move || {
            let (range, mark) = match marks.peek() {
                Some((range, mark)) if range.start == at => (range.clone(), *mark),
                Some((range, _)) => (at..range.start, Mark::Plain),
                None if at < self.text.len() => (at..self.text.len(), Mark::Plain),
                None => return None,
            };
            if mark != Mark::Plain {
                marks.next();
            }
            at = range.end;
            Some((&self.text[range], mark))
        })
    }
}

/// Makes `text` drawable under `policy`.
#[must_use]
pub(super) fn show(text: &str, policy: Policy) -> Safe<'_> {
    show_prefix(text, policy, usize::MAX)
}

/// Makes the beginning of `text` drawable, at most `max_cells` wide, walking no more of `text` than that takes.
#[must_use]
pub(super) fn show_prefix(text: &str, policy: Policy, max_cells: usize) -> Safe<'_> {
    // One byte more than fits, so that what follows the cut is seen by the rules about neighbours.
    let head = &text.as_bytes()[..text.len().min(max_cells.saturating_add(1))];
    if is_plain(head, policy) {
        let whole = text.len() <= max_cells;
        let shown = if whole { text } else { &text[..max_cells] };
        return Safe { text: Cow::Borrowed(shown), marks: Vec::new(), whole };
    }
    let mut out = Out::new(max_cells, text.len());
    let whole = match policy {
        Policy::Prose => prose(text, &mut out, "^I"),
        Policy::Code => prose(text, &mut out, TAB),
        Policy::Exact => exact(text, &mut out),
    };
    Safe { text: Cow::Owned(out.text), marks: out.marks, whole }
}

/// Whether `head` is shown as it is. May say no to text that is; never yes to text that is not.
fn is_plain(head: &[u8], policy: Policy) -> bool {
    if !head.iter().all(|byte| (b' '..=b'~').contains(byte)) {
        return false;
    }
    policy != Policy::Exact
        || !(head.first() == Some(&b' ')
            || matches!(head.last(), Some(b' ' | b'\\'))
            || head.windows(2).any(|pair| matches!(pair, b"  " | b"\\x" | b"\\u")))
}

/// Writes until the cells run out.
struct Out {
    text: String,
    marks: Vec<(Range<usize>, Mark)>,
    cells: usize,
    max: usize,
}

impl Out {
    fn new(max: usize, input: usize) -> Self {
        let text = String::with_capacity(input.min(max).saturating_add(16));
        Self { text, marks: Vec::new(), cells: 0, max }
    }

    /// Appends one unit, or says that it does not fit; a unit is never cut in two.
    fn put(&mut self, unit: &str, cells: usize, mark: Mark) -> bool {
        if self.cells + cells > self.max {
            return false;
        }
        let start = self.text.len();
        self.text.push_str(unit);
        self.cells += cells;
        if mark != Mark::Plain {
            match self.marks.last_mut() {
                Some((range, last)) if *last == mark && range.end == start => range.end = self.text.len(),
                _ => self.marks.push((start..self.text.len(), mark)),
            }
        }
        true
    }

    /// Appends a character as it is.
    fn plain(&mut self, c: char, cells: usize) -> bool {
        self.put(c.encode_utf8(&mut [0; 4]), cells, Mark::Plain)
    }

    /// Appends `\x9b` for a control and `\u{202E}` for anything else.
    fn escaped(&mut self, c: char) -> bool {
        let mut unit = String::with_capacity(10);
        let code = u32::from(c);
        // Writing to a String does not fail.
        let _ = if c.is_control() { write!(unit, "\\x{code:02x}") } else { write!(unit, "\\u{{{code:X}}}") };
        self.put(&unit, unit.len(), Mark::Escaped)
    }
}

/// [`Policy::Prose`] and [`Policy::Code`]; whether all of `text` fitted.
fn prose(text: &str, out: &mut Out, tab: &str) -> bool {
    // Marks already on the base before; a mark after something escaped has no base of its own.
    let mut stacked = MARKS_ON_A_BASE;
    text.chars().all(|c| {
        let fits = match class::of(c) {
            Class::Stays => {
                stacked = 0;
                return out.plain(c, c.width().unwrap_or(0));
            }
            Class::Joins if stacked < MARKS_ON_A_BASE => {
                stacked += 1;
                return out.plain(c, c.width().unwrap_or(0));
            }
            Class::Joins | Class::Hidden => match c {
                '\t' if tab == TAB => out.put(tab, 4, Mark::Blank),
                '\0'..='\x1f' | '\x7f' => {
                    // The flipped bit gives the letter of the caret notation; it is always a character.
                    let letter = char::from_u32(u32::from(c) ^ 0x40).unwrap_or('?');
                    out.put(&format!("^{letter}"), 2, Mark::Escaped)
                }
                _ => out.escaped(c),
            },
        };
        stacked = MARKS_ON_A_BASE;
        fits
    })
}

/// [`Policy::Exact`]; whether all of `text` fitted.
fn exact(text: &str, out: &mut Out) -> bool {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let fits = match c {
            ' ' => {
                // No need to count further than can be shown.
                let run = rest.bytes().take(out.max.saturating_add(1)).take_while(|b| *b == b' ').count();
                let at_an_end = rest.len() == text.len() || rest.len() == run;
                rest = &rest[run..];
                if run == 1 && !at_an_end { out.plain(' ', 1) } else { (0..run).all(|_| out.put("·", 1, Mark::Blank)) }
            }
            '\\' => {
                let run = rest.bytes().take(out.max.saturating_add(1)).take_while(|b| *b == b'\\').count();
                rest = &rest[run..];
                if reads_as_escape(rest) {
                    (0..run).all(|_| out.put("\\\\", 2, Mark::Escaped))
                } else {
                    (0..run).all(|_| out.plain('\\', 1))
                }
            }
            '!'..='~' => {
                rest = &rest[1..];
                out.plain(c, 1)
            }
            _ => {
                rest = &rest[c.len_utf8()..];
                out.escaped(c)
            }
        };
        if !fits {
            return false;
        }
    }
    true
}

/// Whether a backslash before `rest` could be read as the beginning of one of our escapes.
fn reads_as_escape(rest: &str) -> bool {
    rest.starts_with(['x', 'u']) || rest.chars().next().is_some_and(|c| c != ' ' && !c.is_ascii_graphic())
}
