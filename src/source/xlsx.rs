//! Workbooks of Excel since 2007 (.xlsx, .xlsm): one sheet, cell by cell, without building the sheet in
//! memory. A macro is never run, and no formula is computed.

use std::fmt::Write;
use std::io::Cursor;

use calamine::{DataRef, Reader, SheetType, Xlsx, XlsxError};

use crate::domain::visible;
use crate::findings::{Code, Finding};
use crate::parse::{CellKind, RawRow};

use super::Sink;
use super::archive::Archive;
use super::calculation;
use super::cell::{UNCOMPUTED, write_cell, write_number};
use super::first_look::FirstLook;
use super::marks::own_sheets;
use super::sheets::{RowBuilder, Sheet, Sheets};

/// What speaks against the formulas of a sheet that all have the value 0.
const ONLY_ZEROS: &str = "every formula of the sheet has it, as where none was ever computed";

/// An open workbook.
pub struct XlsxSheets<'a> {
    workbook: Xlsx<Cursor<&'a [u8]>>,
    /// Why stored values of formulas cannot be believed.
    doubt: Option<&'static str>,
    may_hold_zeros: bool,
    links: Vec<String>,
}

impl<'a> XlsxSheets<'a> {
    /// Opens the parts that all sheets share.
    pub fn open(archive: &Archive<'a>) -> Result<Self, Finding> {
        let bytes = archive.bytes();
        let workbook = Xlsx::new(Cursor::new(bytes)).map_err(|error| refusal(&error))?;
        let (doubt, may_hold_zeros) = (calculation::doubt(bytes), calculation::may_hold_zeros(bytes));
        Ok(Self { workbook, doubt, may_hold_zeros, links: archive.external_links() })
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

    fn own(&self) -> Vec<String> {
        own_sheets(self.workbook.defined_names())
    }

    fn each_row(&mut self, sheet: &str, mut row: RawRow, sink: &mut Sink<'_>) -> Result<(), Finding> {
        row.count_days_from(self.workbook.has_1904_epoch());
        let look = FirstLook::at(&mut self.workbook, sheet, self.may_hold_zeros);
        let FirstLook { shown_otherwise, only_zeros } = look.map_err(|error| refusal(&error))?;
        let mut shown_otherwise = shown_otherwise.into_iter().peekable();
        let doubt = self.doubt.or(only_zeros.then_some(ONLY_ZEROS));
        let mut cells = self.workbook.worksheet_cells_reader(sheet).map_err(|error| refusal(&error))?;
        let mut rows = RowBuilder::new(row, sink);
        let mut text = String::new();
        while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(|error| refusal(&error))? {
            let (above, column) = cell.pos;
            let is_blank = cell.value == DataRef::Empty;
            if is_blank && cell.formula.is_none() {
                continue;
            }
            let mut kind = write_cell(&cell.value, &mut text);
            if let Some((_, format)) = shown_otherwise.next_if(|(shown, _)| *shown == cell.pos) {
                kind = write_shown(&cell.value, &format, &mut text);
            }
            let taken = match doubt.filter(|_| cell.formula.is_some()) {
                _ if is_blank => rows.cell(above, column, UNCOMPUTED, CellKind::Error)?,
                Some(doubt) => {
                    let text = format!("a formula with the value {text}, but {doubt}");
                    rows.cell(above, column, &text, CellKind::Error)?
                }
                None => rows.cell(above, column, &text, kind)?,
            };
            if taken.is_break() {
                return Ok(());
            }
        }
        rows.end();
        Ok(())
    }
}

/// Writes a number that its format shows as something else. Nobody has read the number that is stored,
/// so it is no quantity, and is only ever shown.
fn write_shown(value: &DataRef<'_>, format: &str, text: &mut String) -> CellKind {
    // A percent sign that is written out takes the number as it is.
    if let (DataRef::Float(value), true) = (value, format.contains('%') && !format.contains(['"', '\\'])) {
        text.clear();
        write_number(value * 100.0, text);
        text.push_str(" %");
    } else {
        let _ = write!(text, " in the number format {format}");
    }
    CellKind::Text
}
