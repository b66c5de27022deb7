//! The full-screen console.
//!
//! **For:** showing one picture of everything to a person, and taking what they decide.
//! **In:** immutable [`View`](crate::engine::View)s, keys. **Out:** frames, and acts handed to the
//! [`Desk`](crate::response::Desk).
//! **Never:** does I/O while drawing, blocks on anything, changes the world except by sending a decision.
//!
//! The screen is a pure function of the state (law 6): `update(&mut Model, Msg) -> Vec<Effect>`, `draw(&Model)`.
//! One table of actions ([`action`]) feeds dispatch, palette, help, footer and `docs/keys.md`.

pub mod action;
pub mod cursor;
pub mod details;
pub mod glyph;
pub mod key;
pub mod keymap;
pub mod layer;
pub mod layout;
pub mod pane;
pub mod panes;
pub mod safe;
pub mod sheet;
pub mod shelf;
pub mod theme;
pub mod widgets;
