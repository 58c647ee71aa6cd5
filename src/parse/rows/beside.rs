//! Words beside an amount in a column without a header, which may be its unit; only the catalogue can tell.

use crate::mapping::Field;
use crate::parse::draft::RowDraft;
use crate::parse::quantity::holds_number;
use crate::parse::{CellKind, ParsedTable, RawRow};

use super::Parser;
use super::header::Shape;

impl Parser<'_> {
    /// Remembers words that may be the unit of an amount.
    pub(super) fn words_beside(&mut self, draft: &RowDraft<'_>, shape: Shape, subject: usize) {
        let (raw, table) = (draft.raw, draft.table);
        // No column without a header, no word beside: so it is with nearly all tables, and there are many rows.
        let is_headed = || table.headers.iter().all(|header| !header.is_empty());
        if shape == Shape::Long && raw.width() <= table.headers.len() && is_headed() {
            return;
        }
        let of_row = table.column(Field::Unit).filter(|_| shape == Shape::Wide);
        for column in 0..raw.width() {
            let is_of_row = of_row == Some(column) && !raw.cell(column).is_blank();
            if is_of_row || is_word_beside(table, raw, column) {
                let text = self.text(raw.cell(column).text);
                self.parsed.words_beside.push((subject, column, text));
            }
        }
    }
}

/// Whether a column without a header has words beside an amount, where a unit may stand.
pub(super) fn is_word_beside(table: &ParsedTable, raw: &RawRow, column: usize) -> bool {
    let has_header = |column: usize| table.headers.get(column).is_some_and(|header| !header.is_empty());
    let cell = raw.cell(column);
    if has_header(column) || cell.kind != CellKind::Text || holds_number(cell) {
        return false;
    }
    match table.column(Field::Amount) {
        Some(amount) => column.abs_diff(amount) == 1 && table.column(Field::Unit).is_none(),
        // In a wide table all columns that are no field may hold amounts.
        None => column.checked_sub(1).is_some_and(|before| {
            has_header(before) && table.columns.iter().flatten().all(|&own| own != before)
        }),
    }
}
