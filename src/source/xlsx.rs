//! Workbooks of Excel since 2007 (.xlsx, .xlsm): one sheet, cell by cell, without building the sheet in
//! memory. A macro is never run, and no formula is computed.

use std::io::Cursor;

use calamine::{DataRef, Reader, SheetType, Xlsx, XlsxError};

use crate::domain::visible;
use crate::findings::{Code, Finding};
use crate::parse::{CellKind, RawRow};

use super::Sink;
use super::archive::Archive;
use super::cell::{UNCOMPUTED, write_cell};
use super::sheets::{RowBuilder, Sheet, Sheets};

/// An open workbook.
pub struct XlsxSheets<'a> {
    workbook: Xlsx<Cursor<&'a [u8]>>,
    /// Whether the program that wrote it left its formulas to be computed when it is opened. What stands
    /// in their cells then is a zero that nobody computed.
    waits: bool,
    links: Vec<String>,
}

impl<'a> XlsxSheets<'a> {
    /// Opens the parts that all sheets share.
    pub fn open(archive: &Archive<'a>) -> Result<Self, Finding> {
        let workbook = Xlsx::new(Cursor::new(archive.bytes())).map_err(|error| refusal(&error))?;
        let properties = archive.text("xl/workbook.xml").unwrap_or_default();
        let waits = ["fullCalcOnLoad=\"1\"", "fullCalcOnLoad=\"true\""];
        let waits = waits.iter().any(|property| properties.contains(property));
        Ok(Self { workbook, waits, links: archive.external_links() })
    }
}

/// What an error of the reader means.
fn refusal(error: &XlsxError) -> Finding {
    let code = match error {
        XlsxError::FileNotFound(_) | XlsxError::RelationshipNotFound => Code::WrongFileType,
        XlsxError::Password => Code::PasswordProtected,
        _ => Code::DamagedFile,
    };
    let found = format!("a zip archive that does not open as a workbook ({})", visible(&error.to_string()));
    Finding::new(code, found, "an .xlsx workbook")
        .hint("open it in a spreadsheet program and save it as .xlsx")
}

impl Sheets for XlsxSheets<'_> {
    fn list(&self) -> Vec<Sheet> {
        let sheets = self.workbook.sheets_metadata().iter();
        let worksheets = sheets.filter(|sheet| sheet.typ == SheetType::WorkSheet);
        worksheets.map(|sheet| Sheet { name: sheet.name.clone(), visibility: sheet.visible.into() }).collect()
    }

    fn links(&self) -> Vec<String> {
        self.links.clone()
    }

    fn each_row(&mut self, sheet: &str, row: RawRow, sink: &mut Sink<'_>) -> Result<(), Finding> {
        let mut cells = self.workbook.worksheet_cells_reader(sheet).map_err(|error| refusal(&error))?;
        let mut rows = RowBuilder::new(row, sink);
        let mut text = String::new();
        while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(|error| refusal(&error))? {
            let (above, column) = cell.pos;
            let is_blank = cell.value == DataRef::Empty;
            let taken = if cell.formula.is_some() && (is_blank || self.waits) {
                rows.cell(above, column, UNCOMPUTED, CellKind::Error)?
            } else if is_blank {
                continue;
            } else {
                let kind = write_cell(&cell.value, &mut text);
                rows.cell(above, column, &text, kind)?
            };
            if taken.is_break() {
                return Ok(());
            }
        }
        rows.end();
        Ok(())
    }
}
