//! A cursor in a list that stays on the same thing while rows come and go.

use super::action::Action;

/// Where the reader is in a list of things named by `K`.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor<K> {
    key: Option<K>,
    row: usize,
    top: usize,
    rows: usize,
    height: usize,
    moved: bool,
    /// Home is the last row: of a list that grows at its end.
    from_end: bool,
}

impl<K> Default for Cursor<K> {
    fn default() -> Self {
        Self { key: None, row: 0, top: 0, rows: 0, height: 0, moved: false, from_end: false }
    }
}

impl<K: Clone + PartialEq> Cursor<K> {
    /// A cursor whose home is the last row, and that follows it as rows come.
    #[must_use]
    pub fn at_the_end() -> Self {
        Self { from_end: true, ..Self::default() }
    }

    /// Finds its thing again among `keys`, or the nearest row, and keeps it on a screen of `height` rows.
    pub fn settle(&mut self, keys: &[K], height: u16) {
        self.rows = keys.len();
        self.height = usize::from(height);
        if self.moved {
            let found = self.key.as_ref().and_then(|key| keys.iter().position(|other| other == key));
            if let Some(row) = found {
                // The thing stays at its height on the screen: what came above scrolls by unseen.
                self.top = (self.top + row).saturating_sub(self.row);
                self.row = row;
            }
        } else {
            self.row = if self.from_end { self.rows.saturating_sub(1) } else { 0 };
            self.top = self.row;
        }
        self.row = self.row.min(self.rows.saturating_sub(1));
        self.key = keys.get(self.row).cloned();
        self.keep_on_screen();
    }

    fn keep_on_screen(&mut self) {
        let height = self.height.max(1);
        self.top = self.top.min(self.row).max((self.row + 1).saturating_sub(height));
        self.top = self.top.min(self.rows.saturating_sub(height));
    }

    /// Moves by a moving action; whether it was one.
    pub fn follow(&mut self, action: Action, keys: &[K]) -> bool {
        let page = self.height.max(2) - 1;
        let last = keys.len().saturating_sub(1);
        let row = match action {
            Action::Up => self.row.saturating_sub(1),
            Action::Down => self.row + 1,
            Action::PageUp => self.row.saturating_sub(page),
            Action::PageDown => self.row + page,
            Action::HalfUp => self.row.saturating_sub(page / 2 + 1),
            Action::HalfDown => self.row + page / 2 + 1,
            Action::Top => 0,
            Action::Bottom => last,
            _ => return false,
        };
        let row = row.min(last);
        // Back on the row it began on, it is at home again, and what arrives may join.
        self.moved = row != if self.from_end { last } else { 0 };
        self.set(row, keys);
        true
    }

    fn set(&mut self, row: usize, keys: &[K]) {
        self.row = row;
        self.rows = keys.len();
        self.key = keys.get(row).cloned();
        self.keep_on_screen();
    }

    /// Goes to a thing; whether it is there.
    pub fn go_to(&mut self, key: &K, keys: &[K]) -> bool {
        let Some(row) = keys.iter().position(|other| other == key) else { return false };
        self.moved = true;
        self.set(row, keys);
        true
    }

    /// Back home: to the first row, or to the last one of a list that grows at its end.
    pub fn go_home(&mut self) {
        let row = if self.from_end { self.rows.saturating_sub(1) } else { 0 };
        (self.key, self.row, self.top, self.moved) = (None, row, row, false);
        self.keep_on_screen();
    }

    /// Whether it rests at home.
    #[must_use]
    pub fn at_home(&self) -> bool {
        !self.moved
    }

    /// The row it is on.
    #[must_use]
    pub fn row(&self) -> usize {
        self.row
    }

    /// The first row on the screen.
    #[must_use]
    pub fn top(&self) -> usize {
        self.top
    }

    /// The thing it is on.
    #[must_use]
    pub fn key(&self) -> Option<&K> {
        self.key.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shifts_under_the_cursor_when_rows_come_above() {
        let mut cursor = Cursor::default();
        let before: Vec<u32> = (100..140).collect();
        cursor.settle(&before, 10);
        for _ in 0..14 {
            cursor.follow(Action::Down, &before);
        }
        let (key, height) = (cursor.key().copied(), cursor.row() - cursor.top());
        let after: Vec<u32> = (80..140).collect();
        cursor.settle(&after, 10);
        assert_eq!(cursor.key().copied(), key);
        assert_eq!(cursor.row() - cursor.top(), height);
    }

    #[test]
    fn at_home_it_follows_the_first_row() {
        let mut cursor = Cursor::default();
        cursor.settle(&[5, 6], 10);
        cursor.settle(&[4, 5, 6], 10);
        assert_eq!(cursor.key(), Some(&4));
        cursor.follow(Action::Down, &[4, 5, 6]);
        assert!(!cursor.at_home());
        cursor.follow(Action::Top, &[4, 5, 6]);
        assert!(cursor.at_home());
    }

    #[test]
    fn from_the_end_it_follows_the_last_row_until_it_is_moved() {
        let mut cursor = Cursor::at_the_end();
        cursor.settle(&[1, 2, 3], 2);
        assert_eq!((cursor.key(), cursor.top()), (Some(&3), 1));
        cursor.settle(&[1, 2, 3, 4], 2);
        assert_eq!(cursor.key(), Some(&4));
        cursor.follow(Action::Up, &[1, 2, 3, 4]);
        cursor.settle(&[1, 2, 3, 4, 5], 2);
        assert_eq!(cursor.key(), Some(&3));
        cursor.follow(Action::Bottom, &[1, 2, 3, 4, 5]);
        assert!(cursor.at_home());
        cursor.follow(Action::Top, &[1, 2, 3, 4, 5]);
        assert_eq!((cursor.row(), cursor.at_home()), (0, false));
    }

    #[test]
    fn a_thing_that_went_leaves_the_cursor_on_the_nearest_row() {
        let mut cursor = Cursor::default();
        cursor.settle(&[1, 2, 3], 2);
        cursor.follow(Action::Bottom, &[1, 2, 3]);
        cursor.settle(&[1, 2], 2);
        assert_eq!(cursor.key(), Some(&2));
        cursor.settle(&[], 2);
        assert_eq!(cursor.key(), None);
        assert!(cursor.follow(Action::Down, &[]));
        cursor.settle(&[], 0);
    }
}
