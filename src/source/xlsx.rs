//! Workbooks: one sheet, cell by cell, without building the sheet in memory.

use std::fmt::Write;
use std::io::Cursor;
use std::sync::Arc;

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx, XlsxError};

use zip::ZipArchive;

use crate::domain::{nearest, visible};
use crate::findings::{Code, Finding};
use crate::parse::{CellKind, RawRow, Table};

use super::first_look::FirstLook;
use super::{Source, calculation};

/// What a sheet can hold; a file that says otherwise would cost any amount of time and memory.
const MOST_ROWS: u32 = 1_048_576;
const MOST_COLUMNS: u32 = 16_384;

/// A part of a workbook may be this large, or as dense as this, but not both: real sheets are packed
/// ten- to fiftyfold.
const LARGE_PART: u64 = 128 * 1024 * 1024;
const MOST_INFLATION: u64 = 150;

/// What speaks against the formulas of a sheet that all have the value 0.
const ONLY_ZEROS: &str = "every formula of the sheet has it, as where none was ever computed";

/// An open workbook and the sheet that is read.
pub struct Workbook<'a> {
    workbook: Xlsx<Cursor<&'a [u8]>>,
    sheet: String,
    table: Arc<Table>,
    others: Vec<String>,
    /// Why stored values of formulas cannot be believed.
    doubt: Option<&'static str>,
    may_hold_zeros: bool,
}

impl<'a> Workbook<'a> {
    /// Opens the sheet of a name, or the first visible one.
    pub fn open(file: &str, bytes: &'a [u8], sheet: Option<&str>) -> Result<Self, Finding> {
        refuse_bomb(bytes)?;
        let workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|error| refusal(&error))?;
        let sheets: Vec<_> = workbook
            .sheets_metadata()
            .iter()
            .filter(|sheet| sheet.typ == SheetType::WorkSheet)
            .map(|sheet| (sheet.name.clone(), sheet.visible == SheetVisible::Visible))
            .collect();
        let chosen = match sheet {
            Some(wanted) => sheets
                .iter()
                .find(|(name, _)| name == wanted)
                .or_else(|| sheets.iter().find(|(name, _)| name.to_lowercase() == wanted.to_lowercase())),
            None => sheets.iter().find(|(_, is_visible)| *is_visible),
        };
        let Some((chosen, _)) = chosen else {
            let names: Vec<&str> = sheets.iter().map(|(name, _)| name.as_str()).collect();
            let wanted = sheet.unwrap_or("a visible sheet");
            let found = format!("no sheet {} among: {}", visible(wanted), visible(&names.join(", ")));
            let finding = Finding::new(Code::MissingSheet, found, "a sheet of the workbook");
            return Err(finding.did_you_mean(nearest(wanted, names)));
        };
        let sheet = chosen.clone();
        let others = sheets.into_iter().map(|(name, _)| name).filter(|name| *name != sheet).collect();
        let table = Arc::new(Table { file: file.into(), sheet: Some(sheet.as_str().into()) });
        let (doubt, may_hold_zeros) = (calculation::doubt(bytes), calculation::may_hold_zeros(bytes));
        Ok(Self { workbook, sheet, table, others, doubt, may_hold_zeros })
    }
}

/// Refuses an archive that would inflate out of all proportion, before any of it is inflated.
fn refuse_bomb(bytes: &[u8]) -> Result<(), Finding> {
    // An archive that cannot be opened is told by the reader of workbooks.
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else { return Ok(()) };
    for index in 0..archive.len() {
        let Ok(part) = archive.by_index_raw(index) else { continue };
        let (packed, unpacked) = (part.compressed_size().max(1), part.size());
        if unpacked > LARGE_PART && unpacked / packed > MOST_INFLATION {
            let name = part.name().unwrap_or_default();
            let found = format!("{} inflates from {packed} to {unpacked} bytes", visible(&name));
            return Err(Finding::new(Code::DamagedFile, found, "a workbook of honest size")
                .hint("open it in a spreadsheet program and save it again"));
        }
    }
    Ok(())
}

fn refusal(error: &XlsxError) -> Finding {
    let code = match error {
        XlsxError::FileNotFound(_) | XlsxError::RelationshipNotFound => Code::WrongFileType,
        _ => Code::DamagedFile,
    };
    let found = format!("a zip archive that does not open as a workbook ({})", visible(&error.to_string()));
    Finding::new(code, found, "an .xlsx workbook")
        .hint("open it in a spreadsheet program and save it as .xlsx")
}

impl Source for Workbook<'_> {
    fn each_row(&mut self, sink: &mut dyn FnMut(&RawRow)) -> Result<(), Finding> {
        let counts_from_1904 = self.workbook.has_1904_epoch();
        let look = FirstLook::at(&mut self.workbook, &self.sheet, self.may_hold_zeros);
        let FirstLook { percentages, only_zeros } = look.map_err(|error| refusal(&error))?;
        let mut percentages = percentages.into_iter().peekable();
        let doubt = self.doubt.or(only_zeros.then_some(ONLY_ZEROS));
        let mut cells = self.workbook.worksheet_cells_reader(&self.sheet).map_err(|error| refusal(&error))?;
        let mut row = RawRow::new(self.table.clone());
        row.count_days_from(counts_from_1904);
        let mut text = String::new();
        let mut number = 0;
        while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(|error| refusal(&error))? {
            let (above, column) = cell.pos;
            let is_uncomputed = cell.value == DataRef::Empty && cell.formula.is_some();
            if cell.value == DataRef::Empty && !is_uncomputed {
                continue;
            }
            if above >= MOST_ROWS || column >= MOST_COLUMNS {
                return Err(beyond(above, column));
            }
            let column = usize::try_from(column).unwrap_or(usize::MAX);
            if above + 1 < number || above + 1 == number && column < row.width() {
                return Err(out_of_order(above + 1));
            }
            while number <= above {
                if number > 0 {
                    sink(&row);
                }
                number += 1;
                row.start(number);
            }
            let mut kind = write_cell(&cell.value, &mut text);
            if percentages.next_if_eq(&cell.pos).is_some() {
                kind = write_percentage(&cell.value, &mut text);
            }
            match doubt {
                // Its value is not in the file, and blank would mean that nothing is reported.
                _ if is_uncomputed => row.push(column, "a formula without a computed value", CellKind::Error),
                Some(doubt) if cell.formula.is_some() => {
                    let text = format!("a formula with the value {text}, but {doubt}");
                    row.push(column, &text, CellKind::Error);
                }
                Some(_) | None => row.push(column, &text, kind),
            }
        }
        if number > 0 {
            sink(&row);
        }
        Ok(())
    }

    fn table(&self) -> &Table {
        &self.table
    }

    fn other_sheets(&self) -> &[String] {
        &self.others
    }
}

fn beyond(row: u32, column: u32) -> Finding {
    let found = format!("a cell in row {}, column {}", u64::from(row) + 1, u64::from(column) + 1);
    Finding::new(Code::DamagedFile, found, "at most 1,048,576 rows and 16,384 columns")
}

fn out_of_order(row: u32) -> Finding {
    let found = format!("a cell of row {row} that stands twice or out of order");
    Finding::new(Code::DamagedFile, found, "cells in order")
        .hint("open it in a spreadsheet program and save it again")
}

/// Writes a cell as text, exactly as much of it as the spreadsheet itself is sure of.
fn write_cell(value: &DataRef<'_>, text: &mut String) -> CellKind {
    text.clear();
    match value {
        DataRef::Empty => CellKind::Blank,
        DataRef::String(value) | DataRef::DurationIso(value) => {
            text.push_str(value);
            CellKind::Text
        }
        DataRef::SharedString(value) => {
            text.push_str(value);
            CellKind::Text
        }
        DataRef::Int(value) => written(text, format_args!("{value}"), CellKind::Number),
        DataRef::Float(value) => {
            write_number(*value, text);
            CellKind::Number
        }
        DataRef::Bool(value) => written(text, format_args!("{value}"), CellKind::Boolean),
        DataRef::DateTime(value) => write_date(value, text),
        DataRef::DateTimeIso(value) => {
            text.push_str(value);
            CellKind::Date
        }
        DataRef::Error(value) => written(text, format_args!("{value}"), CellKind::Error),
    }
}

/// Writes a number as it is shown where it is shown as a percentage. No such number is a quantity, so
/// it is only ever shown.
fn write_percentage(value: &DataRef<'_>, text: &mut String) -> CellKind {
    if let DataRef::Float(value) = value {
        text.clear();
        write_number(value * 100.0, text);
    }
    text.push_str(" %");
    CellKind::Text
}

fn written(text: &mut String, arguments: std::fmt::Arguments<'_>, kind: CellKind) -> CellKind {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(arguments);
    kind
}

/// Spreadsheets hold numbers in binary and are sure of 15 significant digits; the shortest decimal
/// within those is what the user sees.
fn write_number(value: f64, text: &mut String) {
    let _ = write!(text, "{value}");
    if text.len() <= 15 {
        return;
    }
    let rounded = format!("{value:.14e}").parse::<f64>().unwrap_or(value);
    text.clear();
    let _ = write!(text, "{rounded}");
}

fn write_date(value: &ExcelDateTime, text: &mut String) -> CellKind {
    if value.is_duration() {
        return written(text, format_args!("{} days", value.as_f64()), CellKind::Date);
    }
    let (year, month, day, hour, minute, second, _) = value.to_ymd_hms_milli();
    let _ = write!(text, "{year:04}-{month:02}-{day:02}");
    if (hour, minute, second) != (0, 0, 0) {
        let _ = write!(text, " {hour:02}:{minute:02}:{second:02}");
    }
    CellKind::Date
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_that_inflates_out_of_proportion_is_refused() {
        use std::io::Write;
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file("xl/sharedStrings.xml", zip::write::SimpleFileOptions::default()).unwrap();
        let blank = vec![b' '; 1024 * 1024];
        for _ in 0..129 {
            writer.write_all(&blank).unwrap();
        }
        let bytes = writer.finish().unwrap().into_inner();
        let finding = refuse_bomb(&bytes).unwrap_err();
        assert_eq!(finding.code, Code::DamagedFile);
        assert!(finding.found.contains("to 135266304 bytes"), "{}", finding.found);
        assert!(refuse_bomb(include_bytes!("../../samples/usage-2026-11-long.xlsx")).is_ok());
    }

    #[test]
    fn numbers_are_what_the_user_sees() {
        let shown = |value: f64| {
            let mut text = String::new();
            write_number(value, &mut text);
            text
        };
        assert_eq!(shown(0.1 + 0.2), "0.3");
        assert_eq!(shown(29.020_000_000_000_003), "29.02");
        assert_eq!(shown(7.0), "7");
        assert_eq!(shown(123_456_789_012.34), "123456789012.34");
        assert_eq!(shown(-1.005), "-1.005");
        assert_eq!(shown(1e300).len(), 301);
    }
}
