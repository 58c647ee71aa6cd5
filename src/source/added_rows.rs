//! Formulas that add up rows of their own column, which is what totals are made of.
//!
//! What is recognised are functions that add up a range of the same column and sheet, rounded or not, and
//! cells of the column added one by one, whether they name their sheet or table or not. A sum of other
//! columns or of another sheet may well be usage.

use std::collections::HashMap;

use calamine::XlsxFormulaMetadata;

use crate::parse::AddedRows;

use super::own_sheet::without_own_sheet;
use super::sheet_tables::{self, SheetTable};

/// How many such formulas are kept; what is beyond is told from usage by its words and sums alone.
const MOST: usize = 1_000_000;

/// No formula of a total is longer.
const LONGEST: usize = 400;

/// Functions inside of functions that are followed.
const DEEPEST: usize = 16;

/// The functions that add up, whatever else they look at.
const ADDING: [&str; 6] = ["SUM", "SUBTOTAL", "AGGREGATE", "SUMIF", "SUMIFS", "SUMPRODUCT"];

/// The cells with such formulas, as a sheet is read.
#[derive(Debug, Default)]
pub struct AddedCells {
    sheet: String,
    tables: Vec<SheetTable>,
    list: Vec<AddedRows>,
    /// Formulas that other cells take over, with the cell that has them.
    shared: HashMap<usize, (u32, u32, u32)>,
}

impl AddedCells {
    /// Starts a sheet with the tables that it declares.
    pub fn of(sheet: &str, tables: Vec<SheetTable>) -> Self {
        Self { sheet: sheet.to_owned(), tables, ..Self::default() }
    }

    /// Takes a formula; row and column count from 0.
    pub fn take(&mut self, formula: &str, (above, column): (u32, u32)) {
        if let Some((first, last)) = self.added_rows(formula, above.saturating_add(1), column) {
            self.push(above, column, first, last);
        }
    }

    /// Takes a formula of an Excel sheet, which may be one that another cell has written out.
    pub fn take_xlsx(&mut self, formula: &XlsxFormulaMetadata, (above, column): (u32, u32)) {
        match formula {
            XlsxFormulaMetadata::Normal { formula } => self.take(formula, (above, column)),
            XlsxFormulaMetadata::Shared { shared_index, formula, .. } => {
                if let Some((first, last)) = self.added_rows(formula, above.saturating_add(1), column) {
                    self.shared.insert(*shared_index, (above, first, last));
                    self.push(above, column, first, last);
                }
            }
            XlsxFormulaMetadata::SharedDerived { shared_index } => {
                if let Some(&(own, first, last)) = self.shared.get(shared_index) {
                    let moved = |row: u32| (row + above).saturating_sub(own);
                    self.push(above, column, moved(first), moved(last));
                }
            }
            _ => {}
        }
    }

    fn push(&mut self, above: u32, column: u32, first: u32, last: u32) {
        if self.list.len() < MOST {
            self.list.push(AddedRows { row: above.saturating_add(1), column, first, last });
        }
    }

    /// The formulas in the order of reading.
    pub fn into_list(self) -> Vec<AddedRows> {
        self.list
    }

    /// The first and the last row (from 1) that a formula in a column (from 0) adds up, itself not among them.
    fn added_rows(&self, formula: &str, row: u32, column: u32) -> Option<(u32, u32)> {
        // OpenDocument names its language before the formula.
        let (language, formula) = match formula.trim_start().split_once('=') {
            Some((language, rest)) if language.len() < 8 && !language.contains('(') => (language, rest),
            _ => ("", formula),
        };
        let formula = formula.trim();
        if formula.len() > LONGEST {
            return None;
        }
        let formula = without_own_sheet(formula, &self.sheet, matches!(language, "of:" | "oooc:"));
        let cell = Cell { row, column, tables: &self.tables };
        cell.added(formula.trim_start_matches('+'), 0)
    }
}

/// The cell that a formula stands in.
struct Cell<'a> {
    row: u32,
    column: u32,
    tables: &'a [SheetTable],
}

impl Cell<'_> {
    /// The rows that a formula without its sign of equality adds up.
    fn added(&self, formula: &str, depth: usize) -> Option<(u32, u32)> {
        if depth > DEEPEST {
            return None;
        }
        let terms = split(formula, &['+']);
        if terms.len() > 1 {
            return self.terms(&terms, depth);
        }
        let (name, rest) = formula.split_once('(')?;
        let name = name.trim();
        let name =
            name.get(..6).filter(|start| start.eq_ignore_ascii_case("_xlfn.")).map_or(name, |_| &name[6..]);
        let is = |known: &&str| name.eq_ignore_ascii_case(known);
        let inside = rest.rsplit_once(')')?.0;
        if name.is_empty() {
            return self.added(inside, depth + 1);
        }
        if ["ROUND", "ROUNDUP", "ROUNDDOWN"].iter().any(is) {
            let (rounded, _) = inside.rsplit_once([',', ';'])?;
            return self.added(rounded.trim(), depth + 1);
        }
        if !ADDING.iter().any(is) {
            return None;
        }
        // The row of totals below a table of Excel names the column by its header.
        let of_table = |part: &str| {
            let part = part.trim();
            let names_column = part.contains('[') && !part.starts_with("[.") && !part.starts_with("[$");
            let is_subtotal = name.eq_ignore_ascii_case("SUBTOTAL");
            (is_subtotal && names_column && self.row > 1).then_some((1, self.row - 1))
        };
        let parts = split(inside, &[',', ';']);
        let ranges = parts.iter().filter_map(|part| {
            let of_own = || sheet_tables::rows_of(self.tables, part, self.column);
            self.rows_of(part).or_else(of_own).or_else(|| of_table(part))
        });
        let (first, last) = reach(ranges)?;
        // What adds itself up is computed in a circle.
        let is_alone = first == last && first == self.row;
        (!is_alone).then_some((first, last))
    }

    /// The rows of cells of the column that are added up one by one, or together with sums of rows.
    fn terms(&self, terms: &[&str], depth: usize) -> Option<(u32, u32)> {
        let sums: Vec<(u32, u32)> = terms.iter().filter_map(|term| self.added(term, depth + 1)).collect();
        let cells: Vec<(u32, u32)> = terms.iter().filter_map(|term| self.rows_of(term)).collect();
        let has_sum = !sums.is_empty();
        let all = reach(sums.into_iter().chain(cells.iter().copied()));
        all.filter(|_| has_sum || cells.len() == terms.len())
    }

    /// The rows of a range such as `D2:D4`, `$D$2:$D$4` or `[.D2:.D4]`, where it lies in the column.
    fn rows_of(&self, range: &str) -> Option<(u32, u32)> {
        let range = range.trim().trim_start_matches('[').trim_end_matches(']');
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        let (first, last) = (cell(first)?, cell(last)?);
        let is_own = first.0 == self.column && last.0 == self.column;
        is_own.then_some((first.1.min(last.1), first.1.max(last.1)))
    }
}

/// From the first row of several ranges to the last one.
fn reach(ranges: impl Iterator<Item = (u32, u32)>) -> Option<(u32, u32)> {
    ranges.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
}

/// The parts of a formula between signs, as far as they do not stand in brackets or quotation marks.
fn split<'a>(formula: &'a str, signs: &[char]) -> Vec<&'a str> {
    let (mut parts, mut start, mut depth, mut is_text) = (Vec::new(), 0, 0_usize, false);
    for (at, one) in formula.char_indices() {
        match one {
            '"' => is_text = !is_text,
            _ if is_text => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ if depth == 0 && signs.contains(&one) => {
                parts.push(&formula[start..at]);
                start = at + one.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&formula[start..]);
    parts
}

/// The column from 0 and the row from 1 of a cell of the same sheet.
fn cell(text: &str) -> Option<(u32, u32)> {
    let text = text.trim();
    let text = text.strip_prefix('.').unwrap_or(text);
    let text = text.strip_prefix('$').unwrap_or(text);
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    if !(1..=3).contains(&letters) {
        return None;
    }
    let (letters, digits) = text.split_at(letters);
    let digits = digits.strip_prefix('$').unwrap_or(digits);
    let column = letters
        .bytes()
        .fold(0, |column, letter| column * 26 + u32::from(letter.to_ascii_uppercase() - b'A') + 1);
    let row = digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())??;
    Some((column - 1, row))
}

#[cfg(test)]
mod tests {
    use super::AddedCells;

    #[test]
    fn sums_of_rows_are_told_from_other_formulas() {
        let cells = AddedCells::of("Usage 11", Vec::new());
        let rows = |formula: &str| cells.added_rows(formula, 5, 3);
        assert_eq!(rows("SUM(D2:D4)"), Some((2, 4)));
        assert_eq!(rows("=sum( $D$2:$D$4 )"), Some((2, 4)));
        assert_eq!(rows("SUBTOTAL(9,D2:D4)"), Some((2, 4)));
        assert_eq!(rows("AGGREGATE(9,5,D2:D4)"), Some((2, 4)));
        assert_eq!(rows("SUM(D2,D3,D4)"), Some((2, 4)));
        assert_eq!(rows("of:=SUM([.D2:.D4])"), Some((2, 4)));
        assert_eq!(rows("of:=SUBTOTAL(9;[.$D$2:.$D$4])"), Some((2, 4)));
        assert_eq!(rows("SUM(D6:D8)"), Some((6, 8)));
        assert_eq!(rows("SUBTOTAL(109,Usage[amount])"), Some((1, 4)));
        assert_eq!(rows("SUBTOTAL(109,[amount])"), Some((1, 4)));
        assert_eq!(rows("ROUND(SUM(D2:D4),2)"), Some((2, 4)));
        assert_eq!(rows("+SUM(D2:D4)"), Some((2, 4)));
        assert_eq!(rows("D2+D3+D4"), Some((2, 4)));
        assert_eq!(rows("_xlfn.AGGREGATE(9,5,D2:D4)"), Some((2, 4)));
        assert_eq!(rows("SUMIFS(D2:D4,A2:A4,\"x\")"), Some((2, 4)));
        assert_eq!(rows("SUM('Usage 11'!D2:D4)"), Some((2, 4)));
        assert_eq!(rows("'Usage 11'!D2+'Usage 11'!$D$3+D4"), Some((2, 4)));
        assert_eq!(rows("of:=SUM([$'Usage 11'.D2:.D4])"), Some((2, 4)));
        assert_eq!(rows("of:=[.D2]+[.D3]"), Some((2, 3)));
        assert_eq!(rows("SUM(D2:D3)+SUM(D4:D4)"), Some((2, 4)));
        assert_eq!(rows("ROUND((D2+D3),2)"), Some((2, 3)));
        assert_eq!(rows("SUM(D2:D3)+7"), Some((2, 3)));
        for other in [
            "SUM('Usage 12'!D2:D4)",
            "SUM('[a.xlsx]Usage 11'!D2:D4)",
            "\"D2+D3\"",
            "D2+E2+D3",
            "SUM(E2:P2)",
            "SUM(E2:E4)",
            "SUM(Raw!D2:D4)",
            "SUM(Raw[amount])",
            "of:=SUM([$Raw.D2:.D4])",
            "D2*1.5",
            "D2",
            "D2+1",
            "D2+E2",
            "ROUND(E2+E3,2)",
            "ROUND(D2,2)",
            "SUM(D5)",
            "SUM(",
            "SUM(DDDD2)",
            "",
        ] {
            assert_eq!(rows(other), None, "{other}");
        }
    }
}
