//! Words that may be the unit of amounts: beside one in a column without a header, or in a line above the
//! header. Only the catalogue can tell whether they are.

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

/// Words behind which a title says what its amounts are counted in.
const ANNOUNCING: [&str; 8] =
    [" in ", "unit: ", "units: ", "unit = ", "einheit: ", "unité : ", "unité: ", "unidad: "];

/// What a title may say of the unit of all amounts below it: `Usage in hours`, `Unit: GB`, `Usage (h)`.
pub(super) fn unit_of_title(row: &RawRow) -> Option<String> {
    let texts: Vec<&str> = row.cells().map(|cell| cell.text).filter(|text| !text.is_empty()).collect();
    let text = texts.join(" ");
    let lower = text.to_lowercase();
    let end = lower.trim_end_matches(['.', ':', ')', ']', ' ', '"']);
    let behind = |word: &str| lower.rfind(word).map(|at| at + word.len());
    let start = ANNOUNCING.iter().filter_map(|word| behind(word)).max();
    let bracket = [" (", " ["].into_iter().filter_map(behind).max().filter(|_| lower.ends_with([')', ']']));
    let unit = lower.get(start.max(bracket)?..end.len())?.trim();
    // A name is longer than a unit, and lower case has lost nothing but its looks where lengths are the same.
    let from = text.len().checked_sub(lower.len() - (start.max(bracket)?))?;
    let written = text.get(from..from + unit.len()).filter(|own| own.to_lowercase() == unit);
    (!unit.is_empty()).then(|| written.unwrap_or(unit).to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::parse::Table;

    #[test]
    fn titles_say_what_amounts_are_counted_in() {
        let unit = |cells: &[&str]| {
            let mut row = RawRow::new(Arc::new(Table { file: "a.csv".into(), sheet: None }));
            row.start(1);
            cells.iter().enumerate().for_each(|(column, text)| row.push(column, text, CellKind::Text));
            unit_of_title(&row)
        };
        assert_eq!(unit(&["Usage in GB-hours"]).as_deref(), Some("GB-hours"));
        assert_eq!(unit(&["Usage (in hours)."]).as_deref(), Some("hours"));
        assert_eq!(unit(&["Units:", "core-hours"]).as_deref(), Some("core-hours"));
        assert_eq!(unit(&["Usage of November (h)"]).as_deref(), Some("h"));
        assert_eq!(unit(&["Usage of resource(s)"]), None);
        assert_eq!(unit(&["Usage of November"]), None);
        assert_eq!(unit(&[""]), None);
    }
}
