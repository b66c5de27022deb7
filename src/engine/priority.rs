//! Who goes first when processors are scarce.

/// Where processors are scarce, keys are answered and alerts recorded first. On Linux this is the matter of one thread.
pub(super) fn give_way() {
    // Without it things are only slower.
    let _ = rustix::process::nice(5);
}
