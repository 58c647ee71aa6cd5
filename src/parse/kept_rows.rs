//! The rows of a table, kept until all of them were seen: what a cell means can hang on a later one.
//!
//! A million rows have to fit, so cells stand side by side in blocks of text, blank ones not at all, and
//! a block is given back as soon as its rows were handed out. A workbook can name one long text in
//! every cell, so long texts are kept once.

use std::collections::HashSet;
use std::sync::Arc;

use super::{CellKind, RawRow, Table};

/// Characters from which on a text is kept once, in bytes.
const LONG: usize = 32;
/// How much text makes a block full.
const BLOCK: usize = 1024 * 1024;
/// How many cells do.
const BLOCK_CELLS: usize = 256 * 1024;

/// The rows of a table in their order.
#[derive(Debug, Default)]
pub struct KeptRows {
    blocks: Vec<Block>,
    long: HashSet<Arc<str>>,
}

#[derive(Debug, Default)]
struct Block {
    text: String,
    long: Vec<Arc<str>>,
    cells: Vec<KeptCell>,
    /// The number of each row, and where its cells end.
    rows: Vec<(u32, u32)>,
}

/// A cell that is not blank.
#[derive(Debug, Clone, Copy)]
struct KeptCell {
    column: u32,
    /// Where its text ends, or which of the long ones it is.
    text: u32,
    kind: CellKind,
    is_long: bool,
}

impl Block {
    fn is_full(&self) -> bool {
        self.text.len() >= BLOCK || self.cells.len() >= BLOCK_CELLS || self.rows.len() >= BLOCK_CELLS
    }
}

/// Blocks are far smaller than this type can count.
fn short(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn wide(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

impl KeptRows {
    /// Keeps a row.
    pub fn push(&mut self, row: &RawRow) {
        if self.blocks.last().is_none_or(Block::is_full) {
            self.blocks.push(Block::default());
        }
        let Some(block) = self.blocks.last_mut() else { return };
        for (column, cell) in row.cells().enumerate().filter(|(_, cell)| !cell.is_blank()) {
            let is_long = cell.text.len() > LONG;
            let text = if is_long {
                let known = self.long.get(cell.text).cloned();
                let text = known.unwrap_or_else(|| Arc::from(cell.text));
                self.long.insert(text.clone());
                block.long.push(text);
                short(block.long.len() - 1)
            } else {
                block.text.push_str(cell.text);
                short(block.text.len())
            };
            block.cells.push(KeptCell { column: short(column), text, kind: cell.kind, is_long });
        }
        block.rows.push((row.number(), short(block.cells.len())));
    }

    /// The numbers of the rows that hold something.
    pub fn with_content(&self) -> Vec<u32> {
        let mut numbers = Vec::new();
        for block in &self.blocks {
            let mut before = 0;
            for &(number, end) in &block.rows {
                numbers.extend((end > before).then_some(number));
                before = end;
            }
        }
        numbers
    }

    /// Hands the rows out in their order, and gives their memory back as it goes.
    pub fn each(self, table: Arc<Table>, counts_from_1904: bool, mut sink: impl FnMut(&RawRow)) {
        let mut row = RawRow::new(table);
        row.count_days_from(counts_from_1904);
        for block in self.blocks {
            let (mut cells, mut start) = (block.cells.iter(), 0);
            let mut before = 0;
            for &(number, end) in &block.rows {
                row.start(number);
                for cell in cells.by_ref().take(wide(end - before)) {
                    let text = if cell.is_long {
                        block.long[wide(cell.text)].as_ref()
                    } else {
                        let text = &block.text[start..wide(cell.text)];
                        start = wide(cell.text);
                        text
                    };
                    row.push(wide(cell.column), text, cell.kind);
                }
                before = end;
                sink(&row);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_come_out_as_they_went_in(
            rows in prop::collection::vec(prop::collection::vec(("[a-z0-9.]{0,40}", 0..3_u8), 0..6), 0..40),
        ) {
            let table = Arc::new(Table { file: "a.csv".into(), sheet: None });
            let mut kept = KeptRows::default();
            let mut expected = Vec::new();
            let mut row = RawRow::new(table.clone());
            for (number, cells) in (5..).zip(&rows) {
                row.start(number);
                for (column, (text, kind)) in cells.iter().enumerate() {
                    let kind = [CellKind::Text, CellKind::Number, CellKind::Date][usize::from(*kind)];
                    row.push(column * 2, text, if text.is_empty() { CellKind::Blank } else { kind });
                }
                kept.push(&row);
                let filled = row.cells().enumerate().filter(|(_, cell)| !cell.is_blank());
                let filled: Vec<_> = filled.map(|(at, cell)| (at, cell.text.to_owned(), cell.kind)).collect();
                expected.push((number, filled));
            }
            let mut found = Vec::new();
            kept.each(table, false, |row| {
                let filled = row.cells().enumerate().filter(|(_, cell)| !cell.is_blank());
                let filled: Vec<_> = filled.map(|(at, cell)| (at, cell.text.to_owned(), cell.kind)).collect();
                found.push((row.number(), filled));
            });
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn one_long_text_in_every_cell_is_kept_once() {
        let table = Arc::new(Table { file: "a.csv".into(), sheet: None });
        let long = "x".repeat(32_767);
        let mut kept = KeptRows::default();
        let mut row = RawRow::new(table.clone());
        for number in 1..2_000 {
            row.start(number);
            row.push(0, &long, CellKind::Text);
            kept.push(&row);
        }
        assert_eq!(kept.long.len(), 1);
        let held: usize = kept.blocks.iter().map(|block| block.text.len()).sum();
        assert_eq!(held, 0);
        let mut rows = 0;
        kept.each(table, false, |row| rows += usize::from(row.cell(0).text.len() == 32_767));
        assert_eq!(rows, 1_999);
    }
}
