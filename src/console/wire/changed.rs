//! Which columns of a row have to be written again.
//!
//! A sign may take two columns, and a terminal may make more or less of some than we do. Overwriting a part of such a
//! sign breaks all of it, so whatever one of them touches, in the old row or the new, is written again with it.

use ratatui::buffer::Cell;
use ratatui::style::Modifier;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::Pen;

/// Weights and lines that can be seen on a blank.
const SEEN_ON_BLANKS: Modifier = Modifier::REVERSED.union(Modifier::UNDERLINED).union(Modifier::CROSSED_OUT);

/// How far a sign reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    /// Columns it was laid out for, 1 at least.
    pub columns: usize,
    /// Columns a terminal may make of it at most.
    pub most: usize,
    /// Whether every terminal makes the same of it.
    pub sure: bool,
}

impl Reach {
    const ONE: Self = Self { columns: 1, most: 1, sure: true };
}

/// How far `symbol` reaches. Terminals agree on single characters and on marks that combine; on characters joined into
/// one sign (families, flags, skin tones) and on variation selectors they do not.
fn reach(symbol: &str) -> Reach {
    if symbol.len() <= 1 {
        return Reach::ONE;
    }
    let columns = symbol.width().max(1);
    let one_by_one = symbol.chars().map(|c| c.width().unwrap_or(0));
    let first = one_by_one.clone().next().unwrap_or(0);
    let sum: usize = one_by_one.sum();
    let selected = symbol.contains(['\u{fe0e}', '\u{fe0f}']);
    Reach { columns, most: columns.max(sum), sure: first == columns && sum == columns && !selected }
}

/// The pen a cell is written with. On a blank, what cannot be seen makes no difference.
pub(super) fn pen(cell: &Cell) -> Pen {
    let pen = Pen { fg: cell.fg, bg: cell.bg, modifier: cell.modifier };
    if cell.symbol() == " " && !cell.modifier.intersects(SEEN_ON_BLANKS) {
        return Pen { bg: cell.bg, ..Pen::PLAIN };
    }
    pen
}

/// Whether a blank written with `pen` looks as this cell should, so that the pen need not change for it.
pub(super) fn looks_blank(cell: &Cell, with: Pen) -> bool {
    let seen = |modifier: Modifier| modifier.intersects(SEEN_ON_BLANKS);
    cell.symbol() == " " && cell.bg == with.bg && !seen(cell.modifier) && !seen(with.modifier)
}

/// Whether a cell is what erasing leaves.
pub(super) fn blank(cell: &Cell) -> bool {
    cell.symbol() == " " && pen(cell) == Pen::PLAIN
}

/// What changed in one row; kept from row to row for its memory.
#[derive(Debug, Default)]
pub(super) struct Changed {
    columns: Vec<bool>,
    was: Signs,
    is: Signs,
}

/// Where the signs of a row begin.
#[derive(Debug, Default)]
struct Signs {
    /// By column: how far the sign reaches that begins there; `None` under the rest of a wide one.
    begin: Vec<Option<Reach>>,
    /// Those that reach over more than one column: column and how many.
    long: Vec<(usize, usize)>,
}

impl Signs {
    fn read(&mut self, row: &[Cell]) {
        self.begin.clear();
        self.begin.resize(row.len(), None);
        self.long.clear();
        let mut x = 0;
        while let Some(cell) = row.get(x) {
            let reach = reach(cell.symbol());
            self.begin[x] = Some(reach);
            if reach.most > 1 {
                self.long.push((x, reach.most.min(row.len() - x)));
            }
            x += reach.columns;
        }
    }
}

impl Changed {
    /// Compares the row that is on the terminal with the one to be; both are equally long.
    pub(super) fn compare(&mut self, was: &[Cell], is: &[Cell]) {
        self.was.read(was);
        self.is.read(is);
        self.columns.clear();
        self.columns.extend((0..is.len()).map(|x| match (self.was.begin[x], self.is.begin[x]) {
            (None, None) => false,
            (Some(_), Some(_)) => was[x].symbol() != is[x].symbol() || pen(&was[x]) != pen(&is[x]),
            _ => true,
        }));
        // What one long sign touches may touch the next: until nothing is added.
        let mut more = true;
        while more {
            more = false;
            for (x, most) in self.was.long.iter().chain(&self.is.long) {
                let touched = &mut self.columns[*x..*x + *most];
                if touched.contains(&true) && touched.contains(&false) {
                    touched.fill(true);
                    more = true;
                }
            }
        }
    }

    /// Whether column `x` has to be written again.
    pub(super) fn has(&self, x: usize) -> bool {
        self.columns.get(x).copied().unwrap_or(false)
    }

    /// How far the new sign at `x` reaches.
    pub(super) fn reach(&self, x: usize) -> Reach {
        self.is.begin.get(x).copied().flatten().unwrap_or(Reach::ONE)
    }
}
