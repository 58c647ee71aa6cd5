//! Rows of an input, written again in the layout that they stood in.

use std::io::Write;
use std::path::Path;

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, XlsxError};

use crate::parse::{CellKind, RawRows, with_guard};

use super::ReportError;

/// Writes rows as a text file or a workbook, as they were; the file must not be there yet.
pub fn write_rows(path: &Path, sheet: Option<&str>, rows: &RawRows) -> Result<(), ReportError> {
    let bytes = match rows.delimiter {
        Some(delimiter) => text(rows, delimiter),
        None => workbook(rows, sheet.unwrap_or("Sheet1"))?,
    };
    let unwritable = |source| ReportError::Unwritable { path: path.to_owned(), source };
    let mut file = std::fs::File::create_new(path).map_err(unwritable)?;
    file.write_all(&bytes).map_err(unwritable)
}

fn text(rows: &RawRows, delimiter: u8) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().flexible(true).delimiter(delimiter).from_writer(Vec::new());
    for row in &rows.rows {
        // Writing to memory cannot fail.
        let _ = writer.write_record(row.iter().map(|(text, _)| with_guard(text).into_owned()));
    }
    writer.into_inner().unwrap_or_default()
}

fn workbook(rows: &RawRows, name: &str) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.set_name(name)?;
    sheet.set_freeze_panes(1, 0)?;
    let bold = Format::new().set_bold();
    for (number, row) in (0_u32..).zip(&rows.rows) {
        if number == 0 {
            sheet.set_row_format(0, &bold)?;
            for column in (0_u16..).take(row.len()) {
                sheet.set_column_width(column, 18)?;
            }
        }
        write_row(sheet, number, row)?;
    }
    workbook.save_to_buffer()
}

fn write_row(
    sheet: &mut rust_xlsxwriter::Worksheet,
    number: u32,
    row: &[(String, CellKind)],
) -> Result<(), XlsxError> {
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
