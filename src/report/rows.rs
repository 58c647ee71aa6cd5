//! Rows of an input, written again as they stood in it.

use std::path::Path;

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, XlsxError};

use crate::error::Error;
use crate::parse::CellKind;
use crate::source::{LeftOut, LeftOutRow};

use super::{bug, save};

/// Writes a workbook with the header and the rows of another one.
pub fn write_rows(path: &Path, sheet: &str, rows: &LeftOut) -> Result<(), Error> {
    let mut workbook = Workbook::new();
    fill(&mut workbook, sheet, rows).map_err(|error| bug(&error))?;
    save(&mut workbook, path)
}

fn fill(workbook: &mut Workbook, name: &str, rows: &LeftOut) -> Result<(), XlsxError> {
    let sheet = workbook.add_worksheet();
    sheet.set_name(name)?;
    let bold = Format::new().set_bold();
    for (column, (text, _)) in (0_u16..).zip(&rows.header) {
        sheet.write_string_with_format(0, column, text, &bold)?;
        sheet.set_column_width(column, 18)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    for (number, row) in (1_u32..).zip(&rows.rows) {
        write_row(sheet, number, row)?;
    }
    Ok(())
}

fn write_row(sheet: &mut rust_xlsxwriter::Worksheet, number: u32, row: &LeftOutRow) -> Result<(), XlsxError> {
    let date = Format::new().set_num_format("yyyy-mm-dd");
    for (column, (text, kind)) in (0_u16..).zip(row) {
        match kind {
            CellKind::Blank => {}
            CellKind::Number => match text.parse::<f64>() {
                Ok(value) => {
                    sheet.write_number(number, column, value)?;
                }
                Err(_) => {
                    sheet.write_string(number, column, text)?;
                }
            },
            CellKind::Boolean => {
                sheet.write_boolean(number, column, text == "true")?;
            }
            CellKind::Date => match ExcelDateTime::parse_from_str(text) {
                Ok(value) => {
                    sheet.write_datetime_with_format(number, column, value, &date)?;
                }
                Err(_) => {
                    sheet.write_string(number, column, text)?;
                }
            },
            CellKind::Text | CellKind::Error => {
                sheet.write_string(number, column, text)?;
            }
        }
    }
    Ok(())
}
