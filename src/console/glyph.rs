//! The few signs the chrome is made of, in a full and in an ASCII set.

/// One set of signs. Every sign is one column wide.
#[derive(Debug)]
pub struct Glyphs {
    /// Marks the pane in focus.
    pub focus: &'static str,
    /// Marks the row under the cursor.
    pub cursor: &'static str,
    /// Horizontal rule.
    pub rule: &'static str,
    /// Vertical rule.
    pub post: &'static str,
    /// Something was cut here.
    pub cut: &'static str,
    /// A branch that is open.
    pub open: &'static str,
    /// A branch that is folded.
    pub folded: &'static str,
    /// A change.
    pub change: &'static str,
    /// An alert.
    pub alert: &'static str,
    /// A question, a hypothesis.
    pub question: &'static str,
    /// Drift.
    pub drift: &'static str,
    /// A read, a note, anything small.
    pub dot: &'static str,
    /// For.
    pub plus: &'static str,
    /// Against.
    pub minus: &'static str,
    /// Moved.
    pub differs: &'static str,
    /// Did not move.
    pub same: &'static str,
    /// Not captured.
    pub missing: &'static str,
    /// From one to the other.
    pub arrow: &'static str,
    /// Done.
    pub done: &'static str,
    /// Failed.
    pub failed: &'static str,
    /// Text quoted from outside.
    pub quote: &'static str,
    /// A blank that must be seen.
    pub blank: &'static str,
    /// More above.
    pub up: &'static str,
    /// More below.
    pub down: &'static str,
    /// Signs for growing amounts, from nothing to full.
    pub levels: [&'static str; 9],
    /// A full bar.
    pub bar: &'static str,
    /// Severity, from unknown to critical.
    pub severity: [&'static str; 5],
}

/// For terminals with Unicode.
pub static UNICODE: Glyphs = Glyphs {
    focus: "▶",
    cursor: "▌",
    rule: "─",
    post: "│",
    cut: "…",
    open: "▾",
    folded: "▸",
    change: "Δ",
    alert: "!",
    question: "?",
    drift: "~",
    dot: "·",
    plus: "+",
    minus: "−",
    differs: "≠",
    same: "=",
    missing: "?",
    arrow: "→",
    done: "✓",
    failed: "✗",
    quote: "┃",
    blank: "·",
    up: "↑",
    down: "↓",
    levels: [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    bar: "█",
    severity: ["?", "·", "▲", "◆", "■"],
};

/// For terminals without.
pub static ASCII: Glyphs = Glyphs {
    focus: ">",
    cursor: ">",
    rule: "-",
    post: "|",
    cut: "~",
    open: "v",
    folded: ">",
    change: "D",
    alert: "!",
    question: "?",
    drift: "~",
    dot: ".",
    plus: "+",
    minus: "-",
    differs: "#",
    same: "=",
    missing: "?",
    arrow: ">",
    done: "v",
    failed: "x",
    quote: "|",
    blank: "_",
    up: "^",
    down: "v",
    levels: [" ", ".", ".", ":", "-", "=", "+", "*", "#"],
    bar: "#",
    severity: ["?", ".", "+", "*", "!"],
};

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr as _;

    #[test]
    fn every_sign_is_one_column_wide_and_the_poor_set_is_ascii() {
        for (set, ascii) in [(&UNICODE, false), (&ASCII, true)] {
            let signs = [
                set.focus,
                set.cursor,
                set.rule,
                set.post,
                set.cut,
                set.open,
                set.folded,
                set.change,
                set.alert,
                set.question,
                set.drift,
                set.dot,
                set.plus,
                set.minus,
                set.differs,
                set.same,
                set.missing,
                set.arrow,
                set.done,
                set.failed,
                set.quote,
                set.blank,
                set.up,
                set.down,
                set.bar,
            ];
            for sign in signs.iter().chain(&set.levels).chain(&set.severity) {
                assert_eq!(sign.width(), 1, "{sign:?}");
                assert!(!ascii || sign.is_ascii(), "{sign:?}");
            }
        }
    }
}
