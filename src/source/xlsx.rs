//! Workbooks of Excel since 2007 (.xlsx, .xlsm): one sheet, cell by cell, without building the sheet in
//! memory. A macro is never run, and no formula is computed.

use std::fmt::Write;
use std::io::Cursor;
use std::sync::Arc;

use calamine::{DataRef, Reader, SheetType, Xlsx, XlsxError};

use crate::domain::visible;
use crate::findings::{Code, Finding};
use crate::parse::{CellKind, RawRow, Sight};

use super::Sink;
use super::added_rows::AddedCells;
use super::archive::Archive;
use super::calculation;
use super::cell::{UNCOMPUTED, write_cell, write_number};
use super::first_look::FirstLook;
use super::sheet_look::SheetSeen;
use super::sheet_parts::sheet_parts;
use super::sheets::{RowBuilder, Sheet, Sheets, out_of_order};

/// What speaks against the formulas of a sheet that all have the value 0.
const ONLY_ZEROS: &str = "every formula of the sheet has it, as where none was ever computed";

/// An open workbook.
pub struct XlsxSheets<'a> {
    workbook: Xlsx<Cursor<&'a [u8]>>,
    /// Why stored values of formulas cannot be believed.
    doubt: Option<&'static str>,
    may_hold_zeros: bool,
    links: Vec<String>,
    /// What was seen of each sheet beside its cells, in the order of their tabs.
    seen: Vec<Option<Arc<SheetSeen>>>,
    added: AddedCells,
}

impl<'a> XlsxSheets<'a> {
    /// Opens the parts that all sheets share.
    pub fn open(archive: &Archive<'a>) -> Result<Self, Finding> {
        let bytes = archive.bytes();
        let workbook = Xlsx::new(Cursor::new(bytes)).map_err(|error| refusal(&error))?;
        let (doubt, may_hold_zeros) = (calculation::doubt(bytes), calculation::may_hold_zeros(bytes));
        let parts = sheet_parts(bytes).into_iter();
        let seen = parts.map(|part| archive.sheet(&part?)).collect();
        let (links, added) = (archive.external_links(), AddedCells::default());
        Ok(Self { workbook, doubt, may_hold_zeros, links, seen, added })
    }
}

impl XlsxSheets<'_> {
    /// What was seen of a sheet; nothing where the workbook lists its sheets in no way that we follow.
    fn seen(&self, sheet: &str) -> Option<&SheetSeen> {
        let sheets = self.workbook.sheets_metadata();
        let at = sheets.iter().position(|own| own.name == sheet)?;
        self.seen.get(at).filter(|_| sheets.len() == self.seen.len())?.as_deref()
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

    fn each_row(&mut self, sheet: &str, mut row: RawRow, sink: &mut Sink<'_>) -> Result<(), Finding> {
        row.count_days_from(self.workbook.has_1904_epoch());
        if let Some(row) = self.seen(sheet).and_then(|seen| seen.out_of_order) {
            return Err(out_of_order(row));
        }
        let mut added = AddedCells::default();
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
            if let Some(formula) = &cell.formula {
                added.take_xlsx(formula, cell.pos);
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
        self.added = added;
        Ok(())
    }

    fn sight(&mut self, sheet: &str) -> Sight {
        let mut sight = self.seen(sheet).map_or_else(Sight::unknown, |seen| seen.sight.clone());
        sight.added = std::mem::take(&mut self.added).into_list();
        sight
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
