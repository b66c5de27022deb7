//! What lies over the panes: each overlay is a layer, the top one hears input first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::action::Action;
use super::details::Want;
use super::errand::Found;
use super::keymap::Context;
use super::pane::{Answer, Cx, Input};

/// How much of the screen a layer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Everything between the first line and the message line.
    Full,
    /// In the middle, at most this wide and high (inside the frame).
    Box {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// At the bottom over the whole width, this many rows (inside the frame).
    Bottom {
        /// Rows.
        height: u16,
    },
}

/// One overlay. `cx.area` is the room inside its frame.
pub trait Layer: Send {
    /// Its title.
    fn title(&self, cx: &Cx<'_>) -> Line<'static>;

    /// How much of the screen it takes.
    fn extent(&self, cx: &Cx<'_>) -> Extent;

    /// Which keys hold in it.
    fn context(&self) -> Context;

    /// The actions for the footer.
    fn hints(&self) -> &'static [Action];

    /// Puts itself in order before it is drawn.
    fn prepare(&mut self, _cx: &Cx<'_>) {}

    /// Hears input. What it ignores goes nowhere: layers keep keys from what lies below.
    fn update(&mut self, cx: &Cx<'_>, input: &Input) -> Answer;

    /// Hears what came back from the lab; what is for another layer is ignored.
    fn found(&mut self, _found: &Found) -> Answer {
        Answer::Ignored
    }

    /// Draws itself into `cx.area`; changes nothing. The ground is blank already.
    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer);

    /// Where the text cursor stands, if it types.
    fn cursor(&self, _cx: &Cx<'_>) -> Option<(u16, u16)> {
        None
    }

    /// Larger things it needs.
    fn wants(&self, _cx: &Cx<'_>) -> Vec<Want> {
        Vec::new()
    }

    /// The frame that shows it as it is now got through to the terminal; whether that changes what it shows.
    fn painted(&mut self, _cx: &Cx<'_>) -> bool {
        false
    }

    /// Whether what it shows came from outside and asks for a dangerous yes: drawn with a warning frame.
    fn grave(&self) -> bool {
        false
    }
}

/// The room inside the frame of a layer on `screen` (the part between first line and message line).
#[must_use]
pub fn inside(extent: Extent, screen: Rect) -> Rect {
    match extent {
        Extent::Full => Rect {
            y: screen.y.saturating_add(1),
            height: screen.height.saturating_sub(1),
            x: screen.x.saturating_add(1),
            width: screen.width.saturating_sub(2),
        },
        Extent::Box { width, height } => {
            let width = width.min(screen.width.saturating_sub(4));
            let height = height.min(screen.height.saturating_sub(2));
            Rect { x: screen.x + (screen.width - width) / 2, y: screen.y + (screen.height - height) / 2, width, height }
        }
        Extent::Bottom { height } => {
            let height = height.min(screen.height.saturating_sub(2));
            Rect {
                x: screen.x.saturating_add(1),
                y: screen.y + screen.height - height,
                width: screen.width.saturating_sub(2),
                height,
            }
        }
    }
}

/// The frame around the room inside, which is cleared with it.
#[must_use]
pub fn outside(extent: Extent, inside: Rect, screen: Rect) -> Rect {
    match extent {
        Extent::Full => screen,
        Extent::Box { .. } => Rect {
            x: inside.x.saturating_sub(2),
            y: inside.y.saturating_sub(1),
            width: inside.width + 4,
            height: inside.height + 2,
        }
        .intersection(screen),
        Extent::Bottom { .. } => {
            Rect { x: screen.x, y: inside.y.saturating_sub(1), width: screen.width, height: inside.height + 1 }
                .intersection(screen)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_layer_leaves_the_screen_at_any_size() {
        for width in [0, 1, 2, 3, 5, 80, 500] {
            for height in [0, 1, 2, 3, 24, 200] {
                let screen = Rect::new(0, 1, width, height);
                for extent in [
                    Extent::Full,
                    Extent::Box { width: 70, height: 12 },
                    Extent::Bottom { height: 12 },
                    Extent::Box { width: 0, height: 0 },
                ] {
                    let room = inside(extent, screen);
                    let frame = outside(extent, room, screen);
                    for part in [room, frame] {
                        assert!(
                            part.is_empty() || part.intersection(screen) == part,
                            "{extent:?} {screen:?}: {part:?} leaves it"
                        );
                    }
                }
            }
        }
    }
}
