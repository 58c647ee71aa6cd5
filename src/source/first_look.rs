//! What has to be known of a sheet before its cells are read.
//!
//! A cell does not tell all that a reader would see: that its number is shown as a percentage, or that
//! its formula was never computed. Both are looked for only where the workbook gives a reason to, so
//! most sheets are read once.

use std::io::Cursor;

use calamine::{DataRef, Xlsx, XlsxError};

/// What was seen.
#[derive(Debug, Default)]
pub struct FirstLook {
    /// The cells whose numbers are shown as percentages, in the order of the sheet.
    pub percentages: Vec<(u32, u32)>,
    /// Whether there are formulas, and each has the value 0.
    pub only_zeros: bool,
}

/// A workbook in memory.
type Workbook<'a> = Xlsx<Cursor<&'a [u8]>>;

impl FirstLook {
    /// Looks at a sheet. `may_hold_zeros` says that the program which saved it keeps the values of
    /// formulas that it has not computed, and does not say so.
    pub fn at(workbook: &mut Workbook<'_>, sheet: &str, may_hold_zeros: bool) -> Result<Self, XlsxError> {
        let only_zeros = may_hold_zeros && only_zeros(workbook, sheet)?;
        Ok(Self { percentages: percentages(workbook, sheet)?, only_zeros })
    }
}

fn percentages(workbook: &mut Workbook<'_>, sheet: &str) -> Result<Vec<(u32, u32)>, XlsxError> {
    let mut cells = workbook.worksheet_cells_reader(sheet)?;
    let is_percentage: Vec<bool> = cells
        .styles()
        .iter()
        .map(|style| style.number_format.as_ref().is_some_and(|format| format.format_code.contains('%')))
        .collect();
    let mut found = Vec::new();
    if !is_percentage.contains(&true) {
        return Ok(found);
    }
    while let Some((cell, style)) = cells.next_cell_with_style_id()? {
        let is_number = matches!(cell.get_value(), DataRef::Float(_) | DataRef::Int(_));
        if is_number && is_percentage.get(style) == Some(&true) {
            found.push(cell.get_position());
        }
    }
    Ok(found)
}

fn only_zeros(workbook: &mut Workbook<'_>, sheet: &str) -> Result<bool, XlsxError> {
    let mut cells = workbook.worksheet_cells_reader(sheet)?;
    let mut has_formula = false;
    while let Some(cell) = cells.next_cell_with_formula_metadata()? {
        if cell.formula.is_none() {
            continue;
        }
        has_formula = true;
        let is_zero = match cell.value {
            DataRef::Float(value) => value == 0.0,
            DataRef::Int(value) => value == 0,
            _ => false,
        };
        if !is_zero {
            return Ok(false);
        }
    }
    Ok(has_formula)
}
