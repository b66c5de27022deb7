//! Copying to the clipboard of the person's own machine, through the terminal (OSC 52). Never reads it.

use base64::Engine as _;

/// Terminals drop longer sequences; more than this is not sent, in bytes of text.
pub const LONGEST: usize = 54_000;

/// The sequence that copies `text`; `None` when it is too long.
#[must_use]
pub fn copy(text: &str) -> Option<Vec<u8>> {
    (text.len() <= LONGEST).then(|| {
        // Inside base64 nothing of the text can end the sequence.
        format!("\x1b]52;c;{}\x07", base64::engine::general_purpose::STANDARD.encode(text)).into_bytes()
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn text_cannot_break_out_of_the_sequence() {
        let bytes = super::copy("a\x07\x1b]0;title\x07").expect("short");
        assert_eq!(bytes.iter().filter(|byte| **byte < 0x20).count(), 2);
        assert_eq!(super::copy(&"x".repeat(super::LONGEST + 1)), None);
    }
}
