//! What the picture is bounded by. Everything cut is counted beside what is shown.

/// Incidents in a view.
pub(super) const INCIDENTS: usize = 200;
/// Alert groups of one incident in a view.
pub(super) const GROUPS: usize = 200;
/// Alerts kept as samples of a group.
pub(super) const SAMPLES: usize = 8;
/// Alerts of one incident that are kept with all their labels.
pub(super) const WHOLE_ALERTS: usize = 600;
/// Alerts that wait for an incident and are kept with all their labels.
pub(super) const WAITING_WHOLE: usize = 2_000;
/// Runs remembered.
pub(super) const RUNS_KEPT: usize = 5_000;
/// Runs of one incident in a view.
pub(super) const RUNS: usize = 200;
/// Runs of one incident that went wrong and are named for the list of harm, the newest.
pub(super) const BAD_RUNS: usize = 2_000;
/// Runs so many minutes before an incident began are listed with it.
pub(super) const RUNS_BEFORE_MINUTES: i64 = 60;
/// Services whose gaps are in a view, the worst.
pub(super) const GAPS: usize = 20;
/// Lines of one incident's timeline that are kept.
pub(super) const TIMELINE_KEPT: usize = 4_000;
/// Lines of one incident's timeline in a view.
pub(super) const TIMELINE: usize = 1_000;
/// Changes remembered.
pub(super) const CHANGES_KEPT: usize = 2_000;
/// Changes of one incident in a view.
pub(super) const CHANGES: usize = 100;
/// Notices of vendors remembered.
pub(super) const NOTICES_KEPT: usize = 200;
/// Notes, decisions, hunches and plans of one incident that are kept, each.
pub(super) const SAYINGS: usize = 1_000;
/// Characters of a text from outside that are kept in one line.
pub(super) const LINE_BYTES: usize = 400;
/// Bytes of the labels that tell one alert from another.
pub(super) const DISTINCT_BYTES: usize = 240;
/// An alert that arrives so many seconds after it happened is marked late.
pub(super) const LATE_SECONDS: i64 = 300;
/// So many states heard of …
pub(super) const FLAP_STATES: u32 = 6;
/// … at no more than so many seconds apart on average: it flaps.
pub(super) const FLAP_SECONDS_PER_STATE: i64 = 600;
/// Changes so long before an incident began are listed with it.
pub(super) const CHANGES_BEFORE_HOURS: i64 = 24;
/// Entries that could not be read, named one by one.
pub(super) const SKIPPED_NAMED: usize = 5;
/// Outputs of one incident of which people's words are kept.
pub(super) const OUTPUTS_READ: usize = 1_000;
/// People whose words on one output are kept.
pub(super) const READERS: usize = 16;
/// Bytes that are kept of a value by which runs are told apart.
pub(super) const KIND_BYTES: usize = 80;
/// Things by which runs are told apart for reading, and values of each, the commonest.
pub(super) const SLICES: usize = 10;
pub(super) const SLICE_VALUES: usize = 4;
/// Outputs of each such value that are drawn for reading: two sittings.
pub(super) const SLICE_DRAWN: usize = 2 * crate::surface::sample::SITTING;
/// Outputs on which people differ that are named.
pub(super) const DIFFER: usize = 20;
/// A person who says nothing for so many seconds has ended a sitting.
pub(super) const SITTING_SECONDS: i64 = 1_800;
/// Outputs of each side that are drawn for reading: four sittings.
pub(super) const OUTPUTS_DRAWN: usize = 4 * crate::surface::sample::SITTING;
/// Experiments with its runs that are kept of one incident, the newest.
pub(super) const REPLAYS: usize = 20;
/// Questions of the triage walk whose last answer is kept, per incident.
pub(super) const TRIAGE: usize = 200;
/// An execution whose end is not recorded so many seconds after it should have ended has an unknown outcome.
pub(super) const EXECUTION_SECONDS: i64 = 120;
/// Actions that were finished in an incident that is over, and are told to those that are like it: the last ones.
pub(super) const ENDED_ACTIONS: usize = 3;
/// Labels of an incident's alerts in a view, and values of each, the commonest.
pub(super) const LABELS: usize = 40;
pub(super) const LABEL_VALUES: usize = 8;
