//! What has to be known of a sheet before its cells are read.
//!
//! A cell does not tell all that a reader would see: that its number is shown as something else, or that
//! its formula was never computed. Both are looked for only where the workbook gives a reason to, so
//! most sheets are read once.

use std::io::Cursor;
use std::sync::Arc;

use calamine::{DataRef, Xlsx, XlsxError};

use super::number_format::{may_show_something_else, shows_something_else};

/// A cell, and the format that its number is shown with.
pub type Shown = ((u32, u32), Arc<str>);

/// What was seen.
#[derive(Debug, Default)]
pub struct FirstLook {
    /// The cells whose numbers are shown as something else, in the order of the sheet.
    pub shown_otherwise: Vec<Shown>,
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
        Ok(Self { shown_otherwise: shown_otherwise(workbook, sheet)?, only_zeros })
    }
}

fn shown_otherwise(workbook: &mut Workbook<'_>, sheet: &str) -> Result<Vec<Shown>, XlsxError> {
    let mut cells = workbook.worksheet_cells_reader(sheet)?;
    let formats: Vec<Option<Arc<str>>> = cells
        .styles()
        .iter()
        .map(|style| style.number_format.as_ref().map(|format| format.format_code.as_str()))
        .map(|format| format.filter(|format| may_show_something_else(format)).map(Arc::from))
        .collect();
    let mut found = Vec::new();
    if formats.iter().all(Option::is_none) {
        return Ok(found);
    }
    while let Some((cell, style)) = cells.next_cell_with_style_id()? {
        let (is_negative, is_zero) = match cell.get_value() {
            DataRef::Float(value) => (*value < 0.0, *value == 0.0),
            DataRef::Int(value) => (*value < 0, *value == 0),
            _ => continue,
        };
        let format = formats.get(style).and_then(Option::as_ref);
        let format = format.filter(|format| shows_something_else(format, is_negative, is_zero));
        found.extend(format.map(|format| (cell.get_position(), format.clone())));
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
