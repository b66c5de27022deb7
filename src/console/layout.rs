//! Which panes are on the screen, and where.

use ratatui::layout::Rect;

use super::pane::PaneKind;

/// Smaller than this, the screen only says that it is too small.
pub const SMALLEST: (u16, u16) = (60, 16);

/// Two columns from here on.
const TWO_COLUMNS: u16 = 100;
/// Three columns from here on.
const THREE_COLUMNS: u16 = 140;
/// The incidents as a strip of their own from here on.
const STRIP: u16 = 220;
/// Panes above each other need at least so many rows between first line and message line.
const STACKED: u16 = 17;

/// One pane on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Which.
    pub kind: PaneKind,
    /// The row of its title.
    pub title: Rect,
    /// The room below the title.
    pub area: Rect,
}

/// A column: its share of the width in parts, and its slots: share of the height, and the panes that take turns in it.
struct Column {
    share: u16,
    slots: &'static [(u16, &'static [PaneKind])],
}

const ONE: &[Column] = &[Column { share: 1, slots: &[(1, &PaneKind::ALL)] }];

const TWO: &[Column] = &[
    Column {
        share: 9,
        slots: &[
            (5, &[PaneKind::Alerts, PaneKind::Incidents]),
            (5, &[PaneKind::Changes, PaneKind::Runs, PaneKind::Notes]),
        ],
    },
    Column {
        share: 11,
        slots: &[
            (5, &[PaneKind::Timeline, PaneKind::Accuracy, PaneKind::Sources]),
            (5, &[PaneKind::Hypotheses, PaneKind::Actions]),
        ],
    },
];

const THREE: &[Column] = &[
    Column { share: 27, slots: &[(6, &[PaneKind::Alerts, PaneKind::Incidents]), (4, &[PaneKind::Changes])] },
    Column {
        share: 38,
        slots: &[(6, &[PaneKind::Timeline, PaneKind::Accuracy, PaneKind::Sources]), (4, &[PaneKind::Runs])],
    },
    Column { share: 35, slots: &[(7, &[PaneKind::Hypotheses]), (3, &[PaneKind::Actions, PaneKind::Notes])] },
];

const FOUR: &[Column] = &[
    Column {
        share: 16,
        slots: &[(6, &[PaneKind::Incidents]), (4, &[PaneKind::Notes, PaneKind::Accuracy, PaneKind::Sources])],
    },
    Column { share: 24, slots: &[(6, &[PaneKind::Alerts]), (4, &[PaneKind::Changes])] },
    Column { share: 31, slots: &[(6, &[PaneKind::Timeline]), (4, &[PaneKind::Runs])] },
    Column { share: 29, slots: &[(6, &[PaneKind::Hypotheses]), (4, &[PaneKind::Actions])] },
];

fn columns(room: Rect, alone: bool) -> &'static [Column] {
    match room.width {
        _ if alone || room.height < STACKED => ONE,
        STRIP.. => FOUR,
        THREE_COLUMNS.. => THREE,
        TWO_COLUMNS.. => TWO,
        _ => ONE,
    }
}

/// The panes on a screen with `room` between first line and message line. `recent` lists panes by when they were last
/// in focus, the focused one first: of the panes that share a slot the most recent one shows. `alone` = the focused
/// pane takes all of it.
#[must_use]
pub fn place(room: Rect, recent: &[PaneKind], alone: bool) -> Vec<Placed> {
    let columns = columns(room, alone);
    let shares: u16 = columns.iter().map(|column| column.share).sum();
    // Between columns stands one rule.
    let width = room.width.saturating_sub(u16::try_from(columns.len()).unwrap_or(1) - 1);
    let mut placed = Vec::new();
    let mut x = room.x;
    let mut given = 0;
    for column in columns {
        let from = share_of(width, given, shares);
        given += column.share;
        let wide = share_of(width, given, shares) - from;
        let heights: u16 = column.slots.iter().map(|(share, _)| share).sum();
        let mut tall = 0;
        for (share, kinds) in column.slots {
            let top = share_of(room.height, tall, heights);
            tall += share;
            let height = share_of(room.height, tall, heights) - top;
            let rank = |kind: &PaneKind| recent.iter().position(|other| other == kind).unwrap_or(usize::MAX);
            // On a tie the first of the slot: `min_by_key` keeps the first.
            let Some(kind) = kinds.iter().min_by_key(|kind| rank(kind)) else { continue };
            let all = Rect { x, y: room.y + top, width: wide, height };
            placed.push(Placed {
                kind: *kind,
                title: Rect { height: all.height.min(1), ..all },
                area: Rect { y: all.y.saturating_add(1), height: all.height.saturating_sub(1), ..all },
            });
        }
        x = x.saturating_add(wide).saturating_add(1);
    }
    placed
}

fn share_of(whole: u16, part: u16, parts: u16) -> u16 {
    u16::try_from(u32::from(whole) * u32::from(part) / u32::from(parts.max(1))).unwrap_or(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_every_size_the_focused_pane_is_on_the_screen_and_no_two_overlap() {
        for width in [60, 79, 80, 99, 100, 139, 140, 160, 219, 220, 500] {
            for height in [13, 17, 21, 47, 197] {
                for focus in PaneKind::ALL {
                    for alone in [false, true] {
                        let room = Rect::new(0, 1, width, height);
                        let placed = place(room, &[focus, PaneKind::Timeline], alone);
                        assert!(placed.iter().any(|pane| pane.kind == focus), "{focus:?} at {width}x{height}");
                        for (nth, pane) in placed.iter().enumerate() {
                            assert_eq!(pane.area.intersection(room), pane.area);
                            for other in &placed[nth + 1..] {
                                assert_ne!(pane.kind, other.kind);
                                assert!(pane.area.intersection(other.area).is_empty());
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn wide_screens_show_the_six_panes_side_by_side() {
        let kinds: Vec<_> =
            place(Rect::new(0, 1, 160, 47), &[PaneKind::Alerts], false).iter().map(|pane| pane.kind).collect();
        for kind in [
            PaneKind::Alerts,
            PaneKind::Changes,
            PaneKind::Timeline,
            PaneKind::Runs,
            PaneKind::Hypotheses,
            PaneKind::Actions,
        ] {
            assert!(kinds.contains(&kind), "{kind:?}");
        }
    }

    #[test]
    fn narrow_screens_show_one() {
        assert_eq!(place(Rect::new(0, 1, 80, 21), &[PaneKind::Runs], false).len(), 1);
    }
}
