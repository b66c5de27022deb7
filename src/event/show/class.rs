//! Which characters a terminal shows as they are.

use unicode_properties::{GeneralCategory as G, UnicodeGeneralCategory as _};
use unicode_width::UnicodeWidthChar as _;

/// What becomes of a character in prose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// It is seen for what it is.
    Stays,
    /// It is drawn onto the character before it.
    Joins,
    /// It would be obeyed, or not be seen, or be seen as something else.
    Hidden,
}

/// Ranges that are hidden whatever their general category says, sorted: `Default_Ignorable_Code_Point` of
/// `DerivedCoreProperties.txt` (stable by Unicode's policy, unassigned places included), characters drawn as nothing,
/// and the parts of emoji sequences, whose joint width differs from terminal to terminal.
const HIDDEN: &[(char, char)] = &[
    ('\u{AD}', '\u{AD}'),       // soft hyphen
    ('\u{34F}', '\u{34F}'),     // combining grapheme joiner
    ('\u{61C}', '\u{61C}'),     // arabic letter mark
    ('\u{115F}', '\u{1160}'),   // hangul fillers
    ('\u{17B4}', '\u{17B5}'),   // khmer inherent vowels
    ('\u{180B}', '\u{180F}'),   // mongolian selectors and separator
    ('\u{200B}', '\u{200F}'),   // zero width, joiners, marks of direction
    ('\u{202A}', '\u{202E}'),   // embeddings and overrides
    ('\u{2060}', '\u{206F}'),   // word joiner, invisible operators, isolates
    ('\u{2800}', '\u{2800}'),   // braille blank
    ('\u{3164}', '\u{3164}'),   // hangul filler
    ('\u{FE00}', '\u{FE0F}'),   // variation selectors
    ('\u{FEFF}', '\u{FEFF}'),   // byte order mark
    ('\u{FFA0}', '\u{FFA0}'),   // halfwidth hangul filler
    ('\u{FFF0}', '\u{FFFD}'),   // unassigned ignorables, annotations, object and replacement characters
    ('\u{13441}', '\u{13442}'), // egyptian blanks
    ('\u{16FE4}', '\u{16FE4}'), // khitan filler
    ('\u{1BCA0}', '\u{1BCA3}'), // shorthand format controls
    ('\u{1D159}', '\u{1D159}'), // musical null notehead
    ('\u{1D173}', '\u{1D17A}'), // musical format controls
    ('\u{1F1E6}', '\u{1F1FF}'), // flag letters
    ('\u{1F3FB}', '\u{1F3FF}'), // skin tones
    ('\u{E0000}', '\u{E0FFF}'), // tags, variation selectors supplement
];

/// The class of `c`.
pub(super) fn of(c: char) -> Class {
    match c {
        // The common blocks that are letters, digits and signs throughout: they need no table.
        ' '..='~'
        | '\u{C0}'..='\u{24F}'
        | 'а'..='я'
        | 'А'..='Я'
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{AC00}'..='\u{D7A3}' => Class::Stays,
        '\0'..='\u{9F}' => Class::Hidden,
        _ if listed(c) => Class::Hidden,
        _ => by_category(c),
    }
}

fn listed(c: char) -> bool {
    let after = HIDDEN.partition_point(|(first, _)| *first <= c);
    after > 0 && c <= HIDDEN[after - 1].1
}

fn by_category(c: char) -> Class {
    match c.general_category() {
        G::Control
        | G::Format
        | G::LineSeparator
        | G::ParagraphSeparator
        | G::SpaceSeparator
        | G::Surrogate
        | G::PrivateUse
        | G::Unassigned => Class::Hidden,
        G::NonspacingMark | G::EnclosingMark | G::SpacingMark => Class::Joins,
        _ if c.width().is_none_or(|cells| cells == 0) => Class::Joins,
        _ => Class::Stays,
    }
}

#[cfg(test)]
mod tests {
    use unicode_security::GeneralSecurityProfile as _;
    use unicode_security::general_security_profile::IdentifierType;

    use super::*;

    #[test]
    fn the_table_is_sorted_and_does_not_overlap() {
        assert!(HIDDEN.iter().all(|(first, last)| first <= last));
        assert!(HIDDEN.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }

    #[test]
    fn every_default_ignorable_of_the_security_tables_is_hidden() {
        let ignorable = |c: &char| c.identifier_type() == Some(IdentifierType::Default_Ignorable);
        let found: Vec<char> = ('\0'..=char::MAX).filter(ignorable).collect();
        assert!(found.len() > 300, "the other table must really list them, got {}", found.len());
        for c in found {
            assert_eq!(of(c), Class::Hidden, "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn the_quick_ranges_agree_with_the_categories() {
        for c in ('\u{A0}'..=char::MAX).filter(|c| of(*c) == Class::Stays) {
            assert_eq!(by_category(c), Class::Stays, "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn blanks_other_than_the_space_are_hidden() {
        for c in ('\0'..=char::MAX).filter(|c| c.is_whitespace() && *c != ' ') {
            assert_eq!(of(c), Class::Hidden, "U+{:04X}", u32::from(c));
        }
    }
}
