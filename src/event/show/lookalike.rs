//! Names that look like another name (UTS 39).

use unicode_security::MixedScript as _;
use unicode_security::confusable_detection::skeleton;

use super::class::{self, Class};

/// Names longer than this are compared by no skeleton: nobody reads them as a name.
const LONGEST: usize = 256;

/// The first of `known` that a reader would take `name` for although it is another: `checkout` with a Cyrillic `о`, or with a
/// zero-width space inside. `None` when `name` itself is known.
pub(in crate::event) fn looks_like<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if name.is_empty() || name.len() > LONGEST {
        return None;
    }
    let seen = as_seen(name);
    let mut twin = None;
    for other in known {
        if other == name {
            return None;
        }
        if twin.is_none() && other.len() <= LONGEST && as_seen(other) == seen {
            twin = Some(other);
        }
    }
    twin
}

/// What remains of a name for the eye: UTS 39's skeleton of its visible characters.
fn as_seen(name: &str) -> String {
    let visible: String = name.trim().chars().filter(|c| class::of(*c) != Class::Hidden).collect();
    skeleton(&visible).collect()
}

/// Whether a word of `text` mixes scripts that no language mixes, such as Latin with Cyrillic.
pub(in crate::event) fn mixes_scripts(text: &str) -> bool {
    !text.is_ascii()
        && text.split(|c: char| !c.is_alphanumeric()).any(|word| !word.is_ascii() && !word.is_single_script())
}
