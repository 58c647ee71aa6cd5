//! Rows of an input, written again in the layout that they stood in.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, XlsxError};

use crate::confined;
use crate::parse::{CellKind, RawRows, with_guard};

use super::cell_text::cell_text;
use super::{ReportError, write_file};

/// Writes rows as a text file or a workbook, as they were, under the first of these names that is
/// free or holds just this content already; the name.
pub fn write_rows(
    names: impl Iterator<Item = PathBuf>,
    sheet: Option<&str>,
    rows: &RawRows,
) -> Result<PathBuf, ReportError> {
    let bytes = match rows.delimiter {
        Some(delimiter) => text(rows, delimiter),
        None => workbook(rows, sheet.unwrap_or("Sheet1"))?,
    };
    for path in names {
        let unwritable = |source| ReportError::Unwritable { path: path.clone(), source };
        match confined::write(&path, OpenOptions::new().create_new(true)) {
            Ok(mut file) => file.write_all(&bytes).map_err(unwritable)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if std::fs::read(&path).is_ok_and(|there| there == bytes) {
                    return Ok(path);
                }
                continue;
            }
            Err(error) => return Err(unwritable(error)),
        }
        return Ok(path);
    }
    let source = ErrorKind::AlreadyExists.into();
    Err(ReportError::Unwritable { path: PathBuf::new(), source })
}

/// Writes rows as a workbook.
pub fn write_table(path: &Path, sheet: &str, rows: &RawRows) -> Result<(), ReportError> {
    write_file(path, &workbook(rows, sheet)?)
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
    // The time of writing is left out, so the same rows are the same bytes.
    workbook
        .set_properties(&DocProperties::new().set_creation_datetime(&ExcelDateTime::from_ymd(2000, 1, 1)?));
    // Row after row: what is written is not kept in memory.
    let sheet = workbook.add_worksheet_with_constant_memory()?;
    sheet.set_name(sheet_name(name))?;
    sheet.set_freeze_panes(1, 0)?;
    let bold = Format::new().set_bold();
    for (number, row) in (0_u32..).zip(&rows.rows) {
        if number == 0 {
            sheet.set_row_format(0, &bold)?;
            for column in (0_u16..).take(row.len()) {
                let cells = rows.rows.iter().filter_map(|row| row.get(usize::from(column)));
                let longest = cells.map(|(text, _)| text.chars().count()).max().unwrap_or_default();
                sheet.set_column_width(column, u32::try_from(longest.clamp(8, 48) + 2).unwrap_or(50))?;
            }
        }
        write_row(sheet, number, row)?;
    }
    workbook.save_to_buffer()
}

/// The name of a sheet as Excel takes it: other programs allow names that it does not.
pub(super) fn sheet_name(name: &str) -> String {
    let is_wrong = |character: char| "[]:*?/\\".contains(character) || character.is_control();
    let name = name.chars().map(|character| if is_wrong(character) { ' ' } else { character });
    let mut units = 0;
    let name: String = name
        .take_while(|character| {
            units += character.len_utf16();
            units <= 31
        })
        .collect();
    let name = name.trim_matches(['\'', ' ']);
    let is_taken = name.is_empty() || name.eq_ignore_ascii_case("history");
    if is_taken { "Usage".to_owned() } else { name.to_owned() }
}

/// How many digits of a number count.
fn digits(text: &str) -> usize {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits: Vec<char> = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.len() - digits.iter().take_while(|digit| **digit == '0').count()
}

pub(super) fn write_row(
    sheet: &mut rust_xlsxwriter::Worksheet,
    number: u32,
    row: &[(String, CellKind)],
) -> Result<(), XlsxError> {
    let date = Format::new().set_num_format("yyyy-mm-dd");
    for (column, (text, kind)) in (0_u16..).zip(row) {
        match kind {
            CellKind::Blank => {}
            // A workbook keeps 15 digits of a number, and all of a text.
            CellKind::Number => match text.parse::<f64>() {
                Ok(value) if digits(text) <= 15 => {
                    sheet.write_number(number, column, value)?;
                }
                Ok(_) | Err(_) => {
                    sheet.write_string(number, column, cell_text(text))?;
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
                    sheet.write_string(number, column, cell_text(text))?;
                }
            },
            CellKind::Text | CellKind::Error => {
                sheet.write_string(number, column, cell_text(text))?;
            }
        }
    }
    Ok(())
}
