//! Binary workbooks of Excel (.xlsb), cell by cell.
//!
//! The reader passes formulas whose value is an error over, as if the cell were blank. So all formulas are
//! listed first, and one whose value does not come is an error.

use std::collections::BTreeSet;
use std::io::Cursor;

use calamine::{DataRef, Reader, SheetType, Xlsb, XlsbError};

use crate::domain::visible;
use crate::findings::{Code, Finding};
use crate::parse::{CellKind, RawRow};

use super::Sink;
use super::archive::Archive;
use super::cell::write_cell;
use super::marks::own_sheets;
use super::sheets::{RowBuilder, Sheet, Sheets};

/// What stands in a cell whose formula has no value, or an error for one.
const WITHOUT_VALUE: &str = "a formula without a value";

/// An open workbook.
pub struct XlsbSheets<'a> {
    workbook: Xlsb<Cursor<&'a [u8]>>,
    links: Vec<String>,
}

impl<'a> XlsbSheets<'a> {
    /// Opens the parts that all sheets share.
    pub fn open(archive: &Archive<'a>) -> Result<Self, Finding> {
        let workbook = Xlsb::new(Cursor::new(archive.bytes())).map_err(|error| refusal(&error))?;
        Ok(Self { workbook, links: archive.external_links() })
    }

    /// The cells with a formula, in the order of reading.
    fn formulas(&mut self, sheet: &str) -> Result<BTreeSet<(u32, u32)>, Finding> {
        let mut cells = self.workbook.worksheet_cells_reader(sheet).map_err(|error| refusal(&error))?;
        let mut formulas = BTreeSet::new();
        while let Some(cell) = cells.next_formula().map_err(|error| refusal(&error))? {
            formulas.insert(cell.get_position());
        }
        Ok(formulas)
    }
}

fn refusal(error: &XlsbError) -> Finding {
    let code = match error {
        XlsbError::Password => Code::PasswordProtected,
        _ => Code::DamagedFile,
    };
    let found = format!("a binary workbook that cannot be followed ({})", visible(&error.to_string()));
    Finding::new(code, found, "an .xlsb workbook")
        .hint("open it in a spreadsheet program and save it as .xlsx")
}

impl Sheets for XlsbSheets<'_> {
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

    fn each_row(&mut self, sheet: &str, row: RawRow, sink: &mut Sink<'_>) -> Result<(), Finding> {
        let mut formulas = self.formulas(sheet)?;
        let mut cells = self.workbook.worksheet_cells_reader(sheet).map_err(|error| refusal(&error))?;
        let mut rows = RowBuilder::new(row, sink);
        let mut text = String::new();
        while let Some(cell) = cells.next_cell().map_err(|error| refusal(&error))? {
            let place = cell.get_position();
            if *cell.get_value() == DataRef::Empty {
                continue;
            }
            // Formulas whose cell was passed over.
            while let Some(passed) = formulas.first().copied().filter(|first| *first < place) {
                formulas.pop_first();
                if rows.cell(passed.0, passed.1, WITHOUT_VALUE, CellKind::Error)?.is_break() {
                    return Ok(());
                }
            }
            formulas.remove(&place);
            let kind = write_cell(cell.get_value(), &mut text);
            if rows.cell(place.0, place.1, &text, kind)?.is_break() {
                return Ok(());
            }
        }
        for (above, column) in formulas {
            if rows.cell(above, column, WITHOUT_VALUE, CellKind::Error)?.is_break() {
                return Ok(());
            }
        }
        rows.end();
        Ok(())
    }
}
