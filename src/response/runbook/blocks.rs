//! The fenced blocks of a Markdown text, each with its heading and the words before it.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::info::{self, Info};
use crate::intake::limits::{self, size};

/// A block has at most so many bytes.
pub(super) const MAX_BLOCK: usize = 64 * 1024;
/// So much of the words before a block is kept.
const MAX_ABOUT: usize = 2_000;

/// One fenced block.
#[derive(Debug)]
pub(super) struct Block {
    pub info: Info,
    pub text: String,
    pub heading: String,
    pub about: String,
    /// The line of its fence.
    pub line: u32,
    /// Its fence is never closed.
    pub open: bool,
}

/// All of them, and the first heading of the highest level.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    pub title: Option<String>,
    pub blocks: Vec<Block>,
    /// Blocks beyond the limit.
    pub more: usize,
}

/// Reads the Markdown that begins in line `first` of its file. What is indented, or in a comment of HTML, is no block.
pub(super) fn read(text: &str, first: u32) -> Blocks {
    let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let line = |at: usize| {
        first.saturating_add(u32::try_from(starts.partition_point(|start| *start <= at) - 1).unwrap_or(u32::MAX))
    };
    let mut out = Blocks::default();
    let mut title_level: Option<HeadingLevel> = None;
    let (mut heading, mut about, mut words) = (String::new(), String::new(), String::new());
    let mut block: Option<(Block, usize)> = None;
    let mut indented = false;
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            // In a tight list there is no paragraph: what its item says stands before the block.
            Event::Start(Tag::Heading { .. } | Tag::Paragraph | Tag::Item) => words.clear(),
            Event::End(TagEnd::Heading(level)) => {
                words.trim().clone_into(&mut heading);
                words.clear();
                about.clear();
                if title_level.is_none_or(|before| level < before) && !heading.is_empty() {
                    title_level = Some(level);
                    out.title = Some(heading.clone());
                }
            }
            Event::End(TagEnd::Paragraph) => {
                words.trim().clone_into(&mut about);
                words.clear();
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => {
                if !words.trim().is_empty() {
                    words.trim().clone_into(&mut about);
                }
                words.clear();
                let fence = text.get(range.clone()).unwrap_or_default().lines().next().unwrap_or_default();
                let info = info::read(fence.trim_start_matches(['`', '~', ' ']));
                let open = !is_closed(text.get(range.clone()).unwrap_or_default());
                block = Some((
                    Block {
                        info,
                        text: String::new(),
                        heading: heading.clone(),
                        about: about.clone(),
                        line: line(range.start),
                        open,
                    },
                    range.end,
                ));
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => indented = true,
            Event::End(TagEnd::CodeBlock) => {
                indented = false;
                if let Some((block, _)) = block.take() {
                    if out.blocks.len() < size(limits::RUNBOOK_STEPS) { out.blocks.push(block) } else { out.more += 1 }
                }
                about.clear();
                words.clear();
            }
            Event::Text(piece) => match &mut block {
                Some((block, _)) => {
                    // One byte more than fits tells that it did not.
                    let room = (MAX_BLOCK + 1).saturating_sub(block.text.len());
                    block.text.push_str(head(&piece, room));
                }
                None if indented => {}
                None => words.push_str(head(&piece, MAX_ABOUT.saturating_sub(words.len()))),
            },
            Event::Code(piece) => words.push_str(head(&piece, MAX_ABOUT.saturating_sub(words.len()))),
            Event::SoftBreak | Event::HardBreak if words.len() < MAX_ABOUT => words.push(' '),
            _ => {}
        }
    }
    out
}

/// The beginning of `text`, at most `room` bytes.
fn head(text: &str, room: usize) -> &str {
    let mut end = text.len().min(room);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Whether a block ends with a fence of its own; one that is not closed takes in all that follows.
fn is_closed(source: &str) -> bool {
    let fence = source.chars().next().unwrap_or('`');
    let opening = source.chars().take_while(|c| *c == fence).count();
    let last = source.trim_end().rsplit('\n').next().unwrap_or_default();
    let last = last.trim_start_matches([' ', '\t', '>']).trim_end();
    source.trim_end().contains('\n') && last.chars().all(|c| c == fence) && last.chars().count() >= opening
}
