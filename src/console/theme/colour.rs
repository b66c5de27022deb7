//! Colours, and how each is said on a terminal that has fewer.

use ratatui::style::Color;

/// How many colours the terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// 24 bits.
    True,
    /// The 256 indexed colours.
    Indexed,
    /// The 16 named colours, as the terminal's own theme shows them.
    Sixteen,
    /// None: bold, underline and reverse only.
    None,
}

impl Depth {
    /// The names in settings.
    ///
    /// # Errors
    /// The names there are.
    pub fn of_name(name: &str) -> Result<Self, &'static str> {
        match name {
            "truecolor" | "24bit" => Ok(Self::True),
            "256" => Ok(Self::Indexed),
            "16" => Ok(Self::Sixteen),
            "none" => Ok(Self::None),
            _ => Err("auto, truecolor, 256, 16 or none"),
        }
    }
}

const NAMED: [(&str, Color, (u8, u8, u8)); 16] = [
    ("black", Color::Black, (0, 0, 0)),
    ("red", Color::Red, (205, 49, 49)),
    ("green", Color::Green, (13, 188, 121)),
    ("yellow", Color::Yellow, (229, 229, 16)),
    ("blue", Color::Blue, (36, 114, 200)),
    ("magenta", Color::Magenta, (188, 63, 188)),
    ("cyan", Color::Cyan, (17, 168, 205)),
    ("gray", Color::Gray, (204, 204, 204)),
    ("dark-gray", Color::DarkGray, (102, 102, 102)),
    ("bright-red", Color::LightRed, (241, 76, 76)),
    ("bright-green", Color::LightGreen, (35, 209, 139)),
    ("bright-yellow", Color::LightYellow, (245, 245, 67)),
    ("bright-blue", Color::LightBlue, (59, 142, 234)),
    ("bright-magenta", Color::LightMagenta, (214, 112, 214)),
    ("bright-cyan", Color::LightCyan, (41, 184, 219)),
    ("white", Color::White, (255, 255, 255)),
];

/// Reads `#rrggbb`, one of the sixteen names, `default`, or an index from 0 to 255.
pub(super) fn parse(text: &str) -> Option<Color> {
    if text == "default" {
        return Some(Color::Reset);
    }
    if let Some(digits) = text.strip_prefix('#') {
        let mut bytes = [0; 3];
        hex::decode_to_slice(digits, &mut bytes).ok()?;
        return Some(Color::Rgb(bytes[0], bytes[1], bytes[2]));
    }
    if let Ok(index) = text.parse::<u8>() {
        return Some(Color::Indexed(index));
    }
    NAMED.iter().find(|(name, ..)| *name == text).map(|(_, colour, _)| *colour)
}

/// `colour` as a terminal of `depth` can show it; `None` = leave it out.
pub(super) fn reduce(colour: Color, depth: Depth) -> Option<Color> {
    match (depth, colour) {
        (Depth::None, _) => None,
        // Said by its index where that is the very same colour: 9 bytes instead of 17, at every change of style.
        (Depth::True, Color::Rgb(r, g, b)) => {
            let index = nearest_indexed((r, g, b));
            Some(if rgb_of_index(index) == (r, g, b) { Color::Indexed(index) } else { colour })
        }
        (Depth::True, _) | (_, Color::Reset) => Some(colour),
        (Depth::Indexed, Color::Rgb(r, g, b)) => Some(Color::Indexed(nearest_indexed((r, g, b)))),
        (Depth::Sixteen, Color::Rgb(r, g, b)) => Some(nearest_named((r, g, b))),
        (Depth::Sixteen, Color::Indexed(index)) => Some(nearest_named(rgb_of_index(index))),
        (_, other) => Some(other),
    }
}

fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let part = |x: u8, y: u8, weight: u32| weight * u32::from(x.abs_diff(y)).pow(2);
    // The eye sees green best and blue least.
    part(a.0, b.0, 3) + part(a.1, b.1, 4) + part(a.2, b.2, 2)
}

fn nearest_named(rgb: (u8, u8, u8)) -> Color {
    NAMED.iter().min_by_key(|(.., at)| distance(rgb, *at)).map_or(Color::Reset, |(_, colour, _)| *colour)
}

const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

fn rgb_of_index(index: u8) -> (u8, u8, u8) {
    match index {
        0..=15 => NAMED[usize::from(index)].2,
        16..=231 => {
            let cube = usize::from(index - 16);
            (STEPS[cube / 36], STEPS[cube / 6 % 6], STEPS[cube % 6])
        }
        _ => {
            let level = 8 + 10 * (index - 232);
            (level, level, level)
        }
    }
}

/// The sixteen named ones are left out: each terminal shows those as it likes.
fn nearest_indexed(rgb: (u8, u8, u8)) -> u8 {
    (16..=255).min_by_key(|index| distance(rgb, rgb_of_index(*index))).unwrap_or(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_fall_back_step_by_step() {
        let red = parse("#ff0000").expect("a colour");
        assert_eq!(reduce(Color::Rgb(254, 0, 0), Depth::True), Some(Color::Rgb(254, 0, 0)));
        assert_eq!(reduce(red, Depth::True), Some(Color::Indexed(196)));
        assert_eq!(reduce(red, Depth::Indexed), Some(Color::Indexed(196)));
        assert_eq!(reduce(red, Depth::Sixteen), Some(Color::Red));
        assert_eq!(reduce(red, Depth::None), None);
        assert_eq!(reduce(Color::Indexed(255), Depth::Sixteen), Some(Color::White));
    }

    #[test]
    fn what_is_no_colour_is_refused() {
        for text in ["", "#12", "#gggggg", "256", "rouge", "#1234567"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
