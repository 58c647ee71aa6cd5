//! Formulas that add up rows of their own column, which is what totals are made of.
//!
//! What is recognised are functions that add up a range of the same column and sheet, rounded or not, and
//! cells of the column added one by one. A sum of other columns or of another sheet may well be usage.

use std::collections::HashMap;

use calamine::XlsxFormulaMetadata;

use crate::parse::AddedRows;

/// How many such formulas are kept; what is beyond is told from usage by its words and sums alone.
const MOST: usize = 1_000_000;

/// No formula of a total is longer.
const LONGEST: usize = 400;

/// The functions that add up, whatever else they look at.
const ADDING: [&str; 6] = ["SUM", "SUBTOTAL", "AGGREGATE", "SUMIF", "SUMIFS", "SUMPRODUCT"];

/// The cells with such formulas, as a sheet is read.
#[derive(Debug, Default)]
pub struct AddedCells {
    list: Vec<AddedRows>,
    /// Formulas that other cells take over, with the cell that has them.
    shared: HashMap<usize, (u32, u32, u32)>,
}

impl AddedCells {
    /// Takes a formula; row and column count from 0.
    pub fn take(&mut self, formula: &str, (above, column): (u32, u32)) {
        if let Some((first, last)) = added_rows(formula, above.saturating_add(1), column) {
            self.push(above, column, first, last);
        }
    }

    /// Takes a formula of an Excel sheet, which may be one that another cell has written out.
    pub fn take_xlsx(&mut self, formula: &XlsxFormulaMetadata, (above, column): (u32, u32)) {
        match formula {
            XlsxFormulaMetadata::Normal { formula } => self.take(formula, (above, column)),
            XlsxFormulaMetadata::Shared { shared_index, formula, .. } => {
                if let Some((first, last)) = added_rows(formula, above.saturating_add(1), column) {
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
}

/// The first and the last row (from 1) that a formula in a column (from 0) adds up, itself not among them.
pub fn added_rows(formula: &str, row: u32, column: u32) -> Option<(u32, u32)> {
    let formula = formula.trim_start();
    // OpenDocument names its language before the formula.
    let formula = match formula.split_once('=') {
        Some((language, rest)) if language.len() < 8 && !language.contains('(') => rest,
        _ => formula,
    };
    let formula = formula.trim();
    if formula.len() > LONGEST {
        return None;
    }
    added(formula.trim_start_matches('+'), row, column)
}

/// The same of a formula without its sign of equality.
fn added(formula: &str, row: u32, column: u32) -> Option<(u32, u32)> {
    let Some((name, rest)) = formula.split_once('(') else { return terms(formula, column) };
    let name = name.trim();
    let name =
        name.get(..6).filter(|start| start.eq_ignore_ascii_case("_xlfn.")).map_or(name, |_| &name[6..]);
    let is = |known: &&str| name.eq_ignore_ascii_case(known);
    let inside = rest.rsplit_once(')')?.0;
    if ["ROUND", "ROUNDUP", "ROUNDDOWN"].iter().any(is) {
        let (rounded, _) = inside.rsplit_once([',', ';'])?;
        return added(rounded.trim(), row, column);
    }
    if !ADDING.iter().any(is) {
        return None;
    }
    // The row of totals below a table of Excel names the column by its header.
    let of_table = |part: &str| {
        let part = part.trim();
        let names_column = part.contains('[') && !part.starts_with("[.") && !part.starts_with("[$");
        (name.eq_ignore_ascii_case("SUBTOTAL") && names_column && row > 1).then_some((1, row - 1))
    };
    let ranges = inside.split([',', ';']).filter_map(|part| rows_of(part, column).or_else(|| of_table(part)));
    let (first, last) = ranges.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))?;
    // What adds itself up is computed in a circle.
    let is_alone = first == last && first == row;
    (!is_alone).then_some((first, last))
}

/// The rows of cells of the column that are added up one by one.
fn terms(formula: &str, column: u32) -> Option<(u32, u32)> {
    let rows = formula.split('+').map(|term| rows_of(term, column));
    let rows: Vec<(u32, u32)> = rows.collect::<Option<_>>()?;
    let all = rows.iter().copied().reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))?;
    (rows.len() > 1).then_some(all)
}

/// The rows of a range such as `D2:D4`, `$D$2:$D$4` or `[.D2:.D4]`, where it lies in a column.
fn rows_of(range: &str, column: u32) -> Option<(u32, u32)> {
    let range = range.trim().trim_start_matches('[').trim_end_matches(']');
    let (first, last) = range.split_once(':').unwrap_or((range, range));
    let (first, last) = (cell(first)?, cell(last)?);
    let is_own = first.0 == column && last.0 == column;
    is_own.then_some((first.1.min(last.1), first.1.max(last.1)))
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
    use super::added_rows;

    #[test]
    fn sums_of_rows_are_told_from_other_formulas() {
        let rows = |formula: &str| added_rows(formula, 5, 3);
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
        for other in [
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
