//! Workbooks of Excel before 2007 (.xls). The reader lays all sheets out in memory, so the records are
//! looked through before.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use calamine::{Data, DataRef, Reader, SheetType, Xls, XlsError};

use crate::domain::visible;
use crate::findings::{Code, Finding};
use crate::parse::{CellKind, RawRow, Sight};

use super::Sink;
use super::added_rows::AddedCells;
use super::archive::protected;
use super::biff::{Seen, look_through};
use super::cell::{UNCOMPUTED, write_cell};
use super::marks::own_sheets;
use super::ole::{Ole, damaged};
use super::sheets::{RowBuilder, Sheet, Sheets};

/// An open workbook.
pub struct XlsSheets<'a> {
    workbook: Xls<Cursor<&'a [u8]>>,
    seen: Seen,
    added: AddedCells,
}

impl<'a> XlsSheets<'a> {
    /// Opens a container, which may hold an encrypted workbook of another format, or no workbook at all.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Finding> {
        let ole = Ole::open(bytes)?;
        if ole.has("EncryptedPackage") {
            return Err(protected());
        }
        let name = if ole.has("Workbook") { "Workbook" } else { "Book" };
        if !ole.has(name) {
            let found = if ole.has("WordDocument") {
                "an old Word document"
            } else if ole.has("PowerPoint Document") {
                "an old PowerPoint presentation"
            } else {
                "an old Office file that is no workbook"
            };
            return Err(Finding::new(Code::WrongFileType, found, "an .xls workbook")
                .hint("open it and save its table as .xlsx"));
        }
        let stream = ole.stream(name).ok_or_else(|| damaged("its workbook breaks off"))?;
        let seen = look_through(&stream, ole.has("\u{5}SummaryInformation"))?;
        let workbook = Xls::new(Cursor::new(bytes)).map_err(|error| refusal(&error))?;
        Ok(Self { workbook, seen, added: AddedCells::default() })
    }
}

fn refusal(error: &XlsError) -> Finding {
    match error {
        XlsError::Password => protected(),
        _ => damaged(&visible(&error.to_string()).to_string()),
    }
}

/// A value, lent to what writes it as text.
fn lent(value: &Data) -> DataRef<'_> {
    match value {
        Data::Int(value) => DataRef::Int(*value),
        Data::Float(value) => DataRef::Float(*value),
        Data::String(value) => DataRef::SharedString(value),
        Data::Bool(value) => DataRef::Bool(*value),
        Data::DateTime(value) => DataRef::DateTime(*value),
        Data::DateTimeIso(value) => DataRef::DateTimeIso(value.clone()),
        Data::DurationIso(value) => DataRef::DurationIso(value.clone()),
        Data::Error(value) => DataRef::Error(value.clone()),
        Data::Empty => DataRef::Empty,
    }
}

impl Sheets for XlsSheets<'_> {
    fn list(&self) -> Vec<Sheet> {
        let sheets = self.workbook.sheets_metadata().iter();
        let worksheets = sheets.filter(|sheet| sheet.typ == SheetType::WorkSheet);
        worksheets.map(|sheet| Sheet { name: sheet.name.clone(), visibility: sheet.visible.into() }).collect()
    }

    fn links(&self) -> Vec<String> {
        self.seen.links.clone()
    }

    fn own(&self) -> Vec<String> {
        own_sheets(self.workbook.defined_names())
    }

    fn each_row(&mut self, sheet: &str, row: RawRow, sink: &mut Sink<'_>) -> Result<(), Finding> {
        let at = self.workbook.sheets_metadata().iter().position(|own| own.name == sheet);
        let none = BTreeSet::new();
        let uncomputed = at.and_then(|at| self.seen.uncomputed.get(at)).unwrap_or(&none);
        let none = BTreeMap::new();
        let looks = at.and_then(|at| self.seen.looks.get(at)).unwrap_or(&none);
        let cells = self.workbook.worksheet_range(sheet).map_err(|error| refusal(&error))?;
        let formulas = self.workbook.worksheet_formula(sheet).map_err(|error| refusal(&error))?;
        let mut rows = RowBuilder::new(row, sink);
        let mut text = String::new();
        // Formulas may lie outside of the cells that have a value.
        let corners = [cells.start(), cells.end(), formulas.start(), formulas.end()];
        let corners: Vec<(u32, u32)> = corners.into_iter().flatten().collect();
        let (Some(last_row), Some(last_column)) =
            (corners.iter().map(|at| at.0).max(), corners.iter().map(|at| at.1).max())
        else {
            return Ok(());
        };
        self.added = AddedCells::of(sheet, Vec::new());
        for above in 0..=last_row {
            for column in 0..=last_column {
                let place = (above, column);
                let value = cells.get_value(place).unwrap_or(&Data::Empty);
                if let Some(formula) = formulas.get_value(place).filter(|formula| !formula.is_empty()) {
                    self.added.take(formula, place);
                }
                let taken = if uncomputed.contains(&place) {
                    rows.cell(above, column, UNCOMPUTED, CellKind::Error)?
                } else if *value != Data::Empty {
                    let mut kind = write_cell(&lent(value), &mut text);
                    if let Some(look) = looks.get(&place) {
                        kind = look.write(&lent(value), kind, &mut text);
                    }
                    rows.cell(above, column, &text, kind)?
                } else if formulas.get_value(place).is_some_and(|formula| !formula.is_empty()) {
                    rows.cell(above, column, UNCOMPUTED, CellKind::Error)?
                } else {
                    continue;
                };
                if taken.is_break() {
                    return Ok(());
                }
            }
        }
        rows.end();
        Ok(())
    }

    fn sight(&mut self, sheet: &str) -> Sight {
        let at = self.workbook.sheets_metadata().iter().position(|own| own.name == sheet);
        let seen = at.and_then(|at| self.seen.sights.get(at)).cloned();
        let added = std::mem::take(&mut self.added).into_list();
        Sight { added, ..seen.unwrap_or_else(Sight::unknown) }
    }
}
