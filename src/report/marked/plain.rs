//! The values of a table as a workbook of their own, each where it stands in its file.

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, XlsxError};

use crate::parse::{CellKind, RawRow};

use super::super::rows::{sheet_name, write_row};
use super::MarkError;

/// What a sheet and a cell hold.
const MOST_ROWS: u32 = 1_048_576;
const LONGEST: usize = 32_767;

/// Takes rows and makes a workbook of them.
pub struct PlainCopy {
    workbook: Workbook,
    sheet: String,
    /// The longest text of each column, in characters.
    widths: Vec<usize>,
    fault: Option<MarkError>,
}

impl PlainCopy {
    /// A workbook with a sheet of this name, as far as Excel takes it.
    pub fn new(sheet: &str) -> Result<Self, MarkError> {
        let sheet = sheet_name(sheet);
        let mut workbook = Workbook::new();
        // The time of writing is left out, so the same rows are the same bytes.
        let created = ExcelDateTime::from_ymd(2000, 1, 1)?;
        workbook.set_properties(&DocProperties::new().set_creation_datetime(&created));
        // Row after row: what is written is not kept in memory.
        workbook.add_worksheet_with_low_memory()?.set_name(&sheet)?;
        Ok(Self { workbook, sheet, widths: Vec::new(), fault: None })
    }

    /// The name of the sheet.
    pub fn sheet(&self) -> &str {
        &self.sheet
    }

    /// Takes the next row; what does not fit is told at the end.
    pub fn row(&mut self, row: &RawRow) {
        if self.fault.is_none() {
            self.fault = self.write(row).err();
        }
    }

    fn write(&mut self, row: &RawRow) -> Result<(), MarkError> {
        let number = row.number();
        let unfit = |what: &str| MarkError::Unfit(format!("row {number} {what} of an .xlsx workbook"));
        if number > MOST_ROWS {
            return Err(unfit("does not fit on a sheet"));
        }
        if row.width() > 16_384 {
            return Err(unfit("has more cells than a sheet"));
        }
        if row.cells().any(|cell| cell.text.encode_utf16().take(LONGEST + 1).count() > LONGEST) {
            return Err(unfit("has a longer text than a cell"));
        }
        let cells: Vec<(String, CellKind)> =
            row.cells().map(|cell| (cell.text.to_owned(), cell.kind)).collect();
        self.widths.resize(self.widths.len().max(cells.len()), 0);
        for (width, (text, _)) in self.widths.iter_mut().zip(&cells) {
            *width = (*width).max(text.chars().count());
        }
        let sheet = self.workbook.worksheet_from_index(0)?;
        Ok(write_row(sheet, number.saturating_sub(1), &cells)?)
    }

    /// The workbook.
    pub fn finish(mut self) -> Result<Vec<u8>, MarkError> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let sheet = self.workbook.worksheet_from_index(0)?;
        for (column, width) in (0_u16..).zip(&self.widths) {
            let width = u32::try_from((*width).clamp(8, 48) + 2).unwrap_or(50);
            sheet.set_column_width(column, width)?;
        }
        sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
        Ok(self.workbook.save_to_buffer()?)
    }
}

impl From<XlsxError> for MarkError {
    fn from(error: XlsxError) -> Self {
        Self::Build(error)
    }
}
