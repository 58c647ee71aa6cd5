//! What the records of an old workbook (.xls) say of rows and columns beside their cells: what is hidden,
//! filtered, folded away and merged.

use crate::parse::{Merge, Sight, Span, Unseen};

const ROW: u16 = 0x0208;
const COLUMNS: u16 = 0x007d;
const MERGED: u16 = 0x00e5;
const FILTERED: u16 = 0x009b;

/// Twentieths of a point below which nobody can read a row: two points.
const LOWEST: u16 = 40;

/// The same of a column, in parts of a character of which it has 256.
const NARROWEST: u16 = 128;

/// A look at the records of one sheet.
#[derive(Debug, Default)]
pub struct BiffSight {
    sight: Sight,
    is_filtered: bool,
}

impl BiffSight {
    /// Takes a record. One that breaks off leaves open what the sheet shows.
    pub fn take(&mut self, kind: u16, data: &[u8]) {
        let taken = match kind {
            ROW => self.row(data),
            COLUMNS => self.columns(data),
            MERGED => self.merged(data),
            FILTERED => {
                self.is_filtered = true;
                Some(())
            }
            _ => Some(()),
        };
        self.sight.is_unknown |= taken.is_none();
    }

    fn row(&mut self, data: &[u8]) -> Option<()> {
        let number = u32::from(word(data, 0)?) + 1;
        let (height, options) = (word(data, 6)?, word(data, 12)?);
        // The first bit says that the height is the usual one.
        if options & 0x20 != 0 || height & 0x7fff < LOWEST {
            let how = if options & 7 != 0 { Unseen::Collapsed } else { Unseen::Hidden };
            Sight::add(&mut self.sight.rows, number, number, how);
        }
        Some(())
    }

    fn columns(&mut self, data: &[u8]) -> Option<()> {
        let (first, last) = (u32::from(word(data, 0)?), u32::from(word(data, 2)?));
        let (width, options) = (word(data, 4)?, word(data, 8)?);
        if options & 1 != 0 || width < NARROWEST {
            let how = if options & 0x700 != 0 { Unseen::Collapsed } else { Unseen::Hidden };
            self.sight.columns.push(Span { first, last, how });
        }
        Some(())
    }

    fn merged(&mut self, data: &[u8]) -> Option<()> {
        for place in 0..usize::from(word(data, 0)?) {
            let at = |which: usize| word(data, 2 + place * 8 + which * 2).map(u32::from);
            let (first_row, last_row) = (at(0)? + 1, at(1)? + 1);
            let (first_column, last_column) = (at(2)?, at(3)?);
            if first_row <= last_row && first_column <= last_column {
                self.sight.merges.push(Merge { first_row, last_row, first_column, last_column });
            }
        }
        Some(())
    }

    /// What was seen. Rows of a sheet with a filter are called filtered where nothing else hides them.
    pub fn end(mut self) -> Sight {
        if self.is_filtered {
            for span in &mut self.sight.rows {
                if span.how == Unseen::Hidden {
                    span.how = Unseen::Filtered;
                }
            }
        }
        self.sight.rows.sort_unstable_by_key(|span| span.first);
        self.sight.merges.sort_unstable();
        self.sight
    }
}

fn word(data: &[u8], at: usize) -> Option<u16> {
    data.get(at..)?.first_chunk::<2>().map(|two| u16::from_le_bytes(*two))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn hidden_and_merged_cells_are_seen() {
        let mut look = BiffSight::default();
        look.take(ROW, &words(&[1, 0, 4, 255, 0, 0, 0x100, 0]));
        look.take(ROW, &words(&[2, 0, 4, 255, 0, 0, 0x120, 0]));
        look.take(ROW, &words(&[3, 0, 4, 255, 0, 0, 0x121, 0]));
        look.take(ROW, &words(&[9, 0, 4, 0, 0, 0, 0x100, 0]));
        look.take(ROW, &words(&[11, 0, 4, 1, 0, 0, 0x100, 0]));
        look.take(COLUMNS, &words(&[4, 5, 2000, 0, 1]));
        look.take(COLUMNS, &words(&[8, 8, 13, 0, 0]));
        look.take(MERGED, &words(&[1, 1, 3, 0, 0]));
        let sight = look.end();
        let rows: Vec<_> = sight.rows.iter().map(|span| (span.first, span.last, span.how)).collect();
        let hidden = |number| (number, number, Unseen::Hidden);
        assert_eq!(rows, [hidden(3), (4, 4, Unseen::Collapsed), hidden(10), hidden(12)]);
        let hidden = |first, last| Span { first, last, how: Unseen::Hidden };
        assert_eq!(sight.columns, [hidden(4, 5), hidden(8, 8)]);
        assert_eq!(sight.merges, [Merge { first_row: 2, last_row: 4, first_column: 0, last_column: 0 }]);
        assert!(!sight.is_unknown);
        let mut broken = BiffSight::default();
        broken.take(ROW, &[1]);
        assert!(broken.end().is_unknown);
    }
}
