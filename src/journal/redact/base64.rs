//! Texts inside base64: found by decoding what looks like it and reads as text.

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Shorter runs cannot hold a secret that a rule knows.
const SHORTEST: usize = 24;
/// So much of a run is decoded to see whether it reads as text: 18 random bytes hardly ever do.
const PROBE: usize = 24;
/// Longer runs are read to here: a whole document in base64, read in full, would cost more than it is worth.
const LONGEST: usize = 4 << 20;

const FORGIVING: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, FORGIVING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, FORGIVING);

fn in_alphabet(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// The runs of base64 letters in `bytes` that are long enough, without hexadecimal ids and long numbers.
fn runs(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at + bytes[at..].iter().position(|byte| in_alphabet(*byte))?;
            let end = start + bytes[start..].iter().position(|byte| !in_alphabet(*byte)).unwrap_or(bytes.len() - start);
            at = end;
            let run = &bytes[start..end];
            if run.len() >= SHORTEST && !run.iter().all(u8::is_ascii_hexdigit) {
                return Some(start..end);
            }
        }
        None
    })
}

/// The text of `run`, where decoding from `skip` letters on gives one.
fn decode(run: &[u8], skip: usize) -> Option<String> {
    let run = run.get(skip..)?;
    let run = &run[..run.len().min(LONGEST)];
    let engine = if run.iter().any(|byte| matches!(byte, b'-' | b'_')) { &URL_SAFE } else { &STANDARD };
    let probe = engine.decode(run.get(..PROBE)?).ok()?;
    if !reads_as_text(&probe) {
        return None;
    }
    // One letter more than whole groups is a cut-off end.
    let whole = if run.len() % 4 == 1 { run.len() - 1 } else { run.len() };
    String::from_utf8(engine.decode(&run[..whole]).ok()?).ok()
}

/// Whether `bytes` are the beginning of a text. Their last bytes may be a character cut in two.
fn reads_as_text(bytes: &[u8]) -> bool {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.valid_up_to() + 3 >= bytes.len() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or("")
        }
        Err(_) => return false,
    };
    !text.is_empty() && text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
}

/// Whether any run of `bytes` decodes to text.
pub(super) fn may_hold(bytes: &[u8]) -> bool {
    runs(bytes).any(|run| texts(&bytes[run]).next().is_some())
}

/// What a run may say: a path or a name in front of it shifts its groups, so each of the four starts is tried.
fn texts(run: &[u8]) -> impl Iterator<Item = String> {
    (0..4).filter_map(|skip| decode(run, skip))
}

/// Each run of `text` and what it says.
pub(super) fn each(text: &str) -> impl Iterator<Item = (Range<usize>, String)> {
    runs(text.as_bytes()).flat_map(move |run| {
        let padding = text.as_bytes()[run.end..].iter().take(2).take_while(|byte| **byte == b'=').count();
        let whole = run.start..run.end + padding;
        texts(text[run].as_bytes()).map(move |said| (whole.clone(), said)).collect::<Vec<_>>()
    })
}
