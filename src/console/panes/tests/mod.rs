//! What the panes and sheets draw, at the sizes people have, with the demo's data and with hostile data.

mod first;
mod fixture;
mod hostile;
mod look;
mod runs;
