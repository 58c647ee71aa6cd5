//! Binary workbooks of Excel (.xlsb), cell by cell.
//!
//! The reader passes formulas whose value is an error over, as if the cell were blank. So all formulas are
//! listed first, and one whose value does not come is an error.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use calamine::{DataRef, Reader, SheetType, Xlsb, XlsbError};

use crate::domain::visible;
use crate::findings::{Code, Finding};
use crate::parse::{CellKind, RawRow, Sight};

use super::Sink;
use super::added_rows::AddedCells;
use super::archive::Archive;
use super::cell::write_cell;
use super::marks::own_sheets;
use super::sheets::{RowBuilder, Sheet, Sheets};
use super::xlsb_looks::{SheetLooks, XlsbLooks};

/// What stands in a cell whose formula has no value, or an error for one.
const WITHOUT_VALUE: &str = "a formula without a value";

/// What stands in a cell whose text has several fonts, which the reader passes over.
const SEVERAL_FONTS: &str = "a text of several fonts";

/// An open workbook.
pub struct XlsbSheets<'a> {
    workbook: Xlsb<Cursor<&'a [u8]>>,
    links: Vec<String>,
    looks: XlsbLooks<'a>,
    added: AddedCells,
}

impl<'a> XlsbSheets<'a> {
    /// Opens the parts that all sheets share.
    pub fn open(archive: &Archive<'a>) -> Result<Self, Finding> {
        let workbook = Xlsb::new(Cursor::new(archive.bytes())).map_err(|error| refusal(&error))?;
        let looks = XlsbLooks::of(archive.bytes());
        Ok(Self { workbook, links: archive.external_links(), looks, added: AddedCells::default() })
    }

    /// The cells with a formula, in the order of reading.
    fn formulas(&mut self, sheet: &str) -> Result<BTreeSet<(u32, u32)>, Finding> {
        let mut cells = self.workbook.worksheet_cells_reader(sheet).map_err(|error| refusal(&error))?;
        let mut formulas = BTreeSet::new();
        let mut added = AddedCells::of(sheet, Vec::new());
        while let Some(cell) = cells.next_formula().map_err(|error| refusal(&error))? {
            added.take(cell.get_value(), cell.get_position());
            formulas.insert(cell.get_position());
        }
        self.added = added;
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
        let number = self.workbook.sheets_metadata().iter().position(|own| own.name == sheet);
        let SheetLooks { looks, passed_over } =
            number.map(|number| self.looks.sheet(number)).unwrap_or_default();
        let formulas = self.formulas(sheet)?.into_iter().map(|place| (place, WITHOUT_VALUE));
        let passed_over = passed_over.into_iter().map(|place| (place, SEVERAL_FONTS));
        let mut unread: BTreeMap<(u32, u32), &str> = formulas.chain(passed_over).collect();
        let mut cells = self.workbook.worksheet_cells_reader(sheet).map_err(|error| refusal(&error))?;
        let mut rows = RowBuilder::new(row, sink);
        let mut text = String::new();
        while let Some(cell) = cells.next_cell().map_err(|error| refusal(&error))? {
            let place = cell.get_position();
            if *cell.get_value() == DataRef::Empty {
                continue;
            }
            // Cells that were passed over.
            while let Some(passed) = unread.first_entry().filter(|first| *first.key() < place) {
                let ((above, column), text) = passed.remove_entry();
                if rows.cell(above, column, text, CellKind::Error)?.is_break() {
                    return Ok(());
                }
            }
            unread.remove(&place);
            let mut kind = write_cell(cell.get_value(), &mut text);
            if let Some(look) = looks.get(&place) {
                kind = look.write(cell.get_value(), kind, &mut text);
            }
            if rows.cell(place.0, place.1, &text, kind)?.is_break() {
                return Ok(());
            }
        }
        for ((above, column), text) in unread {
            if rows.cell(above, column, text, CellKind::Error)?.is_break() {
                return Ok(());
            }
        }
        rows.end();
        Ok(())
    }
    fn sight(&mut self, _sheet: &str) -> Sight {
        Sight { added: std::mem::take(&mut self.added).into_list(), ..Sight::unknown() }
    }
}
