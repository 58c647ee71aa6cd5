//! Workbooks that people open.
//!
//! Whatever comes from a file or a server is written as text or as a number, never as a formula.
//! Numbers carry their unit in a column of its own and are written as the decimals that they are.

mod comparison;
mod rows;

pub use comparison::write_comparison;
pub use rows::write_rows;

use std::path::Path;

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use crate::domain::Amount;
use crate::error::Error;

/// Writes a number where a spreadsheet can hold it exactly, else its digits as text.
fn write_amount(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    amount: Amount,
    format: &Format,
) -> Result<(), XlsxError> {
    let text = amount.to_string();
    let digits = text.trim_start_matches(['-', '0', '.']).bytes().filter(u8::is_ascii_digit).count();
    match text.parse::<f64>() {
        Ok(number) if digits <= 15 => sheet.write_number_with_format(row, column, number, format)?,
        Ok(_) | Err(_) => sheet.write_string(row, column, text)?,
    };
    Ok(())
}

/// Saves beside the target and renames, so that no half workbook is ever there.
fn save(workbook: &mut Workbook, path: &Path) -> Result<(), Error> {
    let bytes = workbook.save_to_buffer().map_err(|error| bug(&error))?;
    crate::error::write_file(path, &bytes)
}

fn bug(error: &XlsxError) -> Error {
    Error::Bug(format!("cannot build the workbook: {error}"))
}
