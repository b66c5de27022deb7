//! The detectors: one file each. Each reads the scene and adds candidates, or findings for and against candidates.

pub(super) mod agents;
pub(super) mod changes;
pub(super) mod components;
pub(super) mod looked;
pub(super) mod operational;
pub(super) mod replayed;
