//! In which language something is said, and whether it gives in to the user: enough to see that it changed, not to translate.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

/// So many characters of a text are looked at.
const READ: usize = 2_000;
/// Fewer letters than this are in no language.
const LEAST_LETTERS: usize = 12;
/// Fewer telling words than this are in no language that is written in Latin letters.
const LEAST_WORDS: usize = 2;

/// Languages in Latin letters, each with the words that hardly any sentence of it does without.
const BY_WORDS: &[(&str, &[&str])] = &[
    (
        "English",
        &["the", "and", "you", "your", "is", "are", "of", "to", "for", "with", "that", "this", "have", "will", "be"],
    ),
    ("German", &["der", "die", "das", "und", "ist", "nicht", "sie", "ich", "mit", "für", "auf", "den", "wir", "ihre"]),
    (
        "French",
        &["le", "les", "des", "et", "est", "vous", "pour", "dans", "une", "pas", "votre", "nous", "avec", "sur"],
    ),
    ("Spanish", &["el", "los", "las", "y", "es", "para", "por", "una", "con", "su", "usted", "del", "está", "en"]),
    ("Portuguese", &["o", "os", "é", "para", "por", "uma", "com", "seu", "você", "não", "do", "da", "em", "sua"]),
    ("Italian", &["il", "gli", "è", "per", "una", "con", "che", "non", "di", "sono", "del", "suo", "della", "ho"]),
    ("Dutch", &["de", "het", "een", "en", "niet", "voor", "met", "van", "dat", "zijn", "op", "uw", "wij", "u"]),
    ("Polish", &["i", "w", "nie", "na", "się", "jest", "z", "do", "że", "dla", "są", "pan", "proszę"]),
    ("Swedish", &["och", "att", "det", "är", "som", "för", "inte", "på", "med", "du", "vi", "har", "jag"]),
    ("Turkish", &["ve", "bir", "bu", "için", "ile", "da", "değil", "olarak", "çok", "var", "size"]),
    ("Indonesian", &["yang", "dan", "untuk", "dengan", "anda", "ini", "tidak", "di", "dari", "adalah", "kami"]),
    ("Vietnamese", &["và", "của", "là", "cho", "bạn", "không", "được", "có", "tôi", "này", "một"]),
];

/// Of which languages each word tells, by their place in [`BY_WORDS`].
static TELLING: LazyLock<HashMap<&'static str, Vec<usize>>> = LazyLock::new(|| {
    let mut telling: HashMap<&'static str, Vec<usize>> = HashMap::new();
    for (place, (_, words)) in BY_WORDS.iter().enumerate() {
        words.iter().for_each(|word| telling.entry(word).or_default().push(place));
    }
    telling
});
/// No telling word has more bytes.
static LONGEST: LazyLock<usize> = LazyLock::new(|| TELLING.keys().map(|word| word.len()).max().unwrap_or(0));

/// Words by which an answer gives in: praise for the question, agreement, apology. English only.
const GIVES_IN: &[&str] = &[
    "you're right",
    "you are right",
    "absolutely right",
    "completely right",
    "great question",
    "good question",
    "excellent question",
    "good point",
    "great point",
    "good catch",
    "i apologize",
    "i apologise",
    "my apologies",
    "sorry for the confusion",
    "i was wrong",
    "my mistake",
    "i stand corrected",
    "happy to do whatever you",
];

/// The script a letter is of, where that already says the language or nearly so.
fn script(letter: char) -> Option<&'static str> {
    match letter {
        '\u{0370}'..='\u{03ff}' | '\u{1f00}'..='\u{1fff}' => Some("Greek"),
        '\u{0400}'..='\u{052f}' => Some("Cyrillic letters"),
        '\u{0590}'..='\u{05ff}' => Some("Hebrew"),
        '\u{0600}'..='\u{06ff}' | '\u{0750}'..='\u{077f}' => Some("Arabic letters"),
        '\u{0900}'..='\u{097f}' => Some("Devanagari letters"),
        '\u{0e00}'..='\u{0e7f}' => Some("Thai"),
        '\u{3040}'..='\u{30ff}' => Some("Japanese"),
        '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' => Some("Chinese"),
        '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7af}' => Some("Korean"),
        _ => None,
    }
}

/// The language most of `text` is in; `None` = too little of it, or none that is known here.
pub(super) fn of(text: &str) -> Option<&'static str> {
    let text = text.char_indices().nth(READ).map_or(text, |(end, _)| &text[..end]);
    let (mut letters, mut written) = (0, BTreeMap::<&'static str, usize>::new());
    for letter in text.chars().filter(|letter| letter.is_alphabetic()) {
        letters += 1;
        if let Some(name) = script(letter) {
            *written.entry(name).or_default() += 1;
        }
    }
    let other: usize = written.values().sum();
    // One sign of Chinese or Japanese says as much as a few letters.
    if other * 2 > letters && other >= LEAST_LETTERS / 2 {
        // Japanese is written with Chinese signs as well.
        if written.get("Japanese").is_some_and(|signs| signs * 10 > other) {
            return Some("Japanese");
        }
        return written.into_iter().max_by_key(|(_, signs)| *signs).map(|(name, _)| name);
    }
    if letters < LEAST_LETTERS {
        return None;
    }
    let mut counts = [0_usize; BY_WORDS.len()];
    let lower = text.to_lowercase();
    for word in lower.split(|letter: char| !letter.is_alphabetic()).filter(|word| word.len() <= *LONGEST) {
        for language in TELLING.get(word).into_iter().flatten() {
            counts[*language] += 1;
        }
    }
    let most = counts.iter().copied().max().filter(|most| *most >= LEAST_WORDS)?;
    let mut languages = counts.iter().zip(BY_WORDS).filter(|(count, _)| **count == most).map(|(_, (name, _))| *name);
    languages.next().filter(|_| languages.next().is_none())
}

/// Whether `text` praises the question, agrees with its user or apologises.
pub(super) fn gives_in(text: &str) -> bool {
    let lower: String =
        text.chars().take(READ).map(|letter| if letter == '’' { '\'' } else { letter.to_ascii_lowercase() }).collect();
    GIVES_IN.iter().any(|words| lower.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_told() {
        for (text, language) in [
            ("Your reservation has been cancelled and the refund is on its way to you.", Some("English")),
            ("Ihre Buchung ist storniert und die Erstattung ist auf dem Weg.", Some("German")),
            ("Votre réservation est annulée et les frais sont remboursés pour vous.", Some("French")),
            ("Su reserva está cancelada y el reembolso es para usted.", Some("Spanish")),
            ("A sua reserva não foi cancelada, você tem uma semana para isso.", Some("Portuguese")),
            ("La prenotazione è stata annullata, non ci sono costi per il cliente.", Some("Italian")),
            ("Uw boeking is geannuleerd en het bedrag wordt niet op de rekening gezet.", Some("Dutch")),
            ("您的预订已取消，退款正在处理中。", Some("Chinese")),
            ("ご予約はキャンセルされました。返金します。", Some("Japanese")),
            ("예약이 취소되었습니다. 환불은 진행 중입니다.", Some("Korean")),
            ("Ваше бронирование отменено, деньги возвращены.", Some("Cyrillic letters")),
            ("تم إلغاء الحجز الخاص بك", Some("Arabic letters")),
            ("{\"id\": 17, \"ok\": 1}", None),
            ("OK", None),
            ("", None),
        ] {
            assert_eq!(of(text), language, "{text}");
        }
    }

    #[test]
    fn giving_in_is_told() {
        assert!(gives_in("You’re absolutely right, I apologize for that."));
        assert!(gives_in("Great question!"));
        assert!(!gives_in("The fee is 50 dollars and cannot be waived."));
    }
}
