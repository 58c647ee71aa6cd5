//! Workbooks of Excel since 2007 (.xlsx, .xlsm): one sheet, cell by cell, without building the sheet in
//! memory. A macro is never run, and no formula is computed.

use std::collections::{HashMap, HashSet};
use std::io::Cursor;
use std::sync::Arc;

use calamine::{DataRef, Reader, SheetType, Xlsx, XlsxError};

use crate::domain::{Spot, visible};
use crate::findings::{Code, Finding};
use crate::parse::{CellKind, RawRow, Sight};

use super::Sink;
use super::added_rows::AddedCells;
use super::archive::Archive;
use super::calculation;
use super::cell::{UNCOMPUTED, write_cell, write_shown};
use super::first_look::FirstLook;
use super::marks::own_sheets;
use super::relations::Relations;
use super::sheet_look::SheetSeen;
use super::sheet_tables::tables;
use super::sheets::{RowBuilder, Sheet, Sheets};
use super::xlsx_odd::{Known, Looked, odd_cells, odd_texts};

/// What speaks against the formulas of a sheet that all have the value 0.
const ONLY_ZEROS: &str = "every formula of the sheet has it, as where none was ever computed";

/// An open workbook.
pub struct XlsxSheets<'a> {
    workbook: Xlsx<Cursor<&'a [u8]>>,
    /// Why stored values of formulas cannot be believed.
    doubt: Option<&'static str>,
    may_hold_zeros: bool,
    links: Vec<String>,
    bytes: &'a [u8],
    relations: Relations,
    /// The parts that ask for a careful look.
    odd_parts: Vec<String>,
    /// The sheet that was looked at last, and what was seen.
    looked: Option<(String, Looked)>,
    /// What was seen of each sheet beside its cells, in the order of their tabs.
    seen: Vec<Option<Arc<SheetSeen>>>,
    added: AddedCells,
}

impl<'a> XlsxSheets<'a> {
    /// Opens the parts that all sheets share.
    pub fn open(archive: &Archive<'a>) -> Result<Self, Finding> {
        let bytes = archive.bytes();
        let workbook = Xlsx::new(Cursor::new(bytes)).map_err(|error| unread(&error))?;
        let (doubt, may_hold_zeros) = (calculation::doubt(bytes), calculation::may_hold_zeros(bytes));
        let relations = Relations::of(bytes);
        let sheets = 0..workbook.sheets_metadata().len();
        let seen = sheets.map(|number| archive.sheet(relations.sheet(number)?)).collect();
        Ok(Self {
            workbook,
            doubt,
            may_hold_zeros,
            links: archive.external_links(),
            bytes,
            relations,
            odd_parts: archive.odd_parts().to_vec(),
            looked: None,
            seen,
            added: AddedCells::default(),
        })
    }

    /// Looks carefully at a sheet, where the workbook gives a reason to.
    fn look(&mut self, sheet: &str) -> Result<(), Finding> {
        if self.looked.as_ref().is_some_and(|(own, _)| own == sheet) {
            return Ok(());
        }
        let refused = |broken: String| refusal(&broken, Code::DamagedFile);
        let is_odd = |path: Option<&str>| self.odd_parts.iter().any(|odd| Some(odd.as_str()) == path);
        let number = self.workbook.sheets_metadata().iter().position(|own| own.name == sheet);
        let path = number.and_then(|number| self.relations.sheet(number));
        let texts = self.relations.of_kind("sharedStrings").filter(|texts| is_odd(Some(texts)));
        let texts = texts
            .map_or_else(|| Ok(HashMap::new()), |texts| odd_texts(self.bytes, texts))
            .map_err(refused)?;
        let cells = self.workbook.worksheet_cells_reader(sheet).map_err(|error| unread(&error))?;
        let is_struck =
            |style: &calamine::Style| style.font.as_ref().is_some_and(calamine::Font::has_strikethrough);
        let struck = cells.styles().iter().enumerate().filter(|(_, style)| is_struck(style));
        let struck: HashSet<usize> = struck.map(|(number, _)| number).collect();
        let has_reason = is_odd(path) || !texts.is_empty() || !struck.is_empty();
        let looked = match path {
            _ if !has_reason && (path.is_some() || self.odd_parts.is_empty()) => Looked::default(),
            Some(path) => {
                odd_cells(self.bytes, path, &Known { texts: &texts, struck: &struck }).map_err(refused)?
            }
            None => return Err(refused("it does not say where its sheets lie".to_owned())),
        };
        self.looked = Some((sheet.to_owned(), looked));
        Ok(())
    }

    /// What was seen of a sheet; nothing where the workbook lists its sheets in no way that we follow.
    fn seen(&self, sheet: &str) -> Option<&SheetSeen> {
        let at = self.workbook.sheets_metadata().iter().position(|own| own.name == sheet)?;
        self.seen.get(at)?.as_deref()
    }
}

/// What an error of the reader means.
fn unread(error: &XlsxError) -> Finding {
    let code = match error {
        XlsxError::FileNotFound(_) | XlsxError::RelationshipNotFound => Code::WrongFileType,
        XlsxError::Password => Code::PasswordProtected,
        _ => Code::DamagedFile,
    };
    refusal(error, code)
}

fn refusal(error: &dyn std::fmt::Display, code: Code) -> Finding {
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
        if let Some(refusal) = self.seen(sheet).and_then(SheetSeen::refusal) {
            return Err(refusal);
        }
        self.look(sheet)?;
        let number = self.workbook.sheets_metadata().iter().position(|own| own.name == sheet);
        let path = number.and_then(|number| self.relations.sheet(number));
        let mut added = AddedCells::of(sheet, path.map_or_else(Vec::new, |path| tables(self.bytes, path)));
        let Self { workbook, looked, .. } = self;
        let looked = looked.as_ref().map(|(_, looked)| looked);
        if let Some(((above, column), element)) = looked.and_then(|looked| looked.unknown.as_ref()) {
            return Err(unknown_element(&row, *above, *column, element));
        }
        let mut odd = looked.into_iter().flat_map(|looked| &looked.odd).peekable();
        let look = FirstLook::at(workbook, sheet, self.may_hold_zeros);
        let FirstLook { shown_otherwise, only_zeros } = look.map_err(|error| unread(&error))?;
        let mut shown_otherwise = shown_otherwise.into_iter().peekable();
        let doubt = self.doubt.or(only_zeros.then_some(ONLY_ZEROS));
        let mut cells = workbook.worksheet_cells_reader(sheet).map_err(|error| unread(&error))?;
        let mut rows = RowBuilder::new(row, sink);
        let mut text = String::new();
        while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(|error| unread(&error))? {
            let (above, column) = cell.pos;
            let is_blank = cell.value == DataRef::Empty;
            let oddity = odd.next_if(|(place, _)| *place == cell.pos).map(|(_, oddity)| oddity);
            if is_blank && cell.formula.is_none() && oddity.is_none() {
                continue;
            }
            if let Some(formula) = &cell.formula {
                added.take_xlsx(formula, cell.pos);
            }
            let mut kind = write_cell(&cell.value, &mut text);
            if let Some((_, format)) = shown_otherwise.next_if(|(shown, _)| *shown == cell.pos) {
                kind = write_shown(&cell.value, format, &mut text);
            }
            if let Some(oddity) = oddity {
                kind = oddity.write(&mut text);
            }
            let taken = match doubt.filter(|_| cell.formula.is_some()) {
                _ if oddity.is_some() => rows.cell(above, column, &text, kind)?,
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

/// A cell with an element that nobody knows, at which the reader gives up.
fn unknown_element(row: &RawRow, above: u32, column: u32, element: &str) -> Finding {
    let spot = Spot::Cell { row: above.saturating_add(1), column: column.saturating_add(1) };
    let found = format!("a cell with an element <{}>, behind which its value may go on", visible(element));
    Finding::new(Code::DamagedFile, found, "a value, a formula or a text")
        .at(row.table().place(spot))
        .hint("open it in a spreadsheet program and save it as .xlsx")
}
