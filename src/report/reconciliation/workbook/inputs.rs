//! The sheet of what went in: files, rows, what was asked of the server, rules, and rows left out.

use rust_xlsxwriter::{ExcelDateTime, Formula, Worksheet, XlsxError};

use crate::plan::InputFile;

use super::Book;
use super::lines::write_text;
use super::live::At;
use super::style::{as_text, height};
use super::words;

const WIDTHS: [f64; 6] = [46.0, 26.0, 16.0, 28.0, 20.0, 20.0];
const LAST: u16 = 5;

/// Writes the sheet.
pub(super) fn write(sheet: &mut Worksheet, book: &Book<'_>) -> Result<(), XlsxError> {
    for (column, width) in (0_u16..).zip(WIDTHS) {
        sheet.set_column_width(column, width)?;
        sheet.set_column_format(column, &book.styles.plain)?;
    }
    sheet.set_row_height(0, 27)?;
    sheet.write_string_with_format(0, 0, words::INPUTS, &book.styles.title)?;
    sheet.write_url_with_format(1, 0, book.back(), &book.styles.link)?;
    sheet.set_freeze_panes(2, 0)?;
    sheet.set_screen_gridlines(false);
    book.paper(sheet, words::INPUTS);
    let mut page = Page { sheet, book, row: 1 };
    page.files()?;
    page.rows()?;
    page.endpoints()?;
    page.rules()?;
    page.skipped()?;
    page.remarks()
}

struct Page<'a, 'b> {
    sheet: &'a mut Worksheet,
    book: &'a Book<'b>,
    row: u32,
}

impl Page<'_, '_> {
    fn section(&mut self, heading: &str, headers: &[&str]) -> Result<(), XlsxError> {
        self.row += 2;
        let styles = &self.book.styles;
        for column in 1..=LAST {
            self.sheet.write_blank(self.row, column, &styles.section)?;
        }
        self.sheet.write_string_with_format(self.row, 0, heading, &styles.section)?;
        self.sheet.set_row_height(self.row, 21)?;
        self.row += 1;
        if !headers.is_empty() {
            self.headers(headers)?;
        }
        Ok(())
    }

    /// The headers of a table; the last one goes as far as the page.
    fn headers(&mut self, headers: &[&str]) -> Result<(), XlsxError> {
        let style = &self.book.styles.header;
        let last = u16::try_from(headers.len() - 1).unwrap_or(LAST);
        for (column, header) in (0_u16..).zip(headers) {
            if column == last && last < LAST {
                self.sheet.merge_range(self.row, column, self.row, LAST, header, style)?;
            } else {
                self.sheet.write_string_with_format(self.row, column, *header, style)?;
            }
        }
        self.sheet.set_row_height(self.row, 22)?;
        self.row += 1;
        Ok(())
    }

    fn text(&mut self, column: u16, raw: &str) -> Result<(), XlsxError> {
        write_text(self.sheet, self.row, column, raw, &self.book.styles.quoted)
    }

    /// A text over several columns, as high as it has to be.
    fn wide(&mut self, from: u16, to: u16, raw: &str) -> Result<(), XlsxError> {
        let shown = super::names::text(raw).into_owned();
        let format = as_text(&self.book.styles.wide, &shown);
        self.sheet.merge_range(self.row, from, self.row, to, &shown, &format)?;
        let width: f64 = WIDTHS.iter().take(usize::from(to) + 1).skip(usize::from(from)).sum();
        self.sheet.set_row_height(self.row, height(shown.chars().count(), width))?;
        Ok(())
    }

    fn count(&mut self, column: u16, count: usize) -> Result<(), XlsxError> {
        let at = At { sheet: &self.book.inputs, row: self.row, column };
        self.book.count(self.sheet, at, None, count, count, &self.book.styles.count)
    }

    fn files(&mut self) -> Result<(), XlsxError> {
        let header = &self.book.report.header;
        self.section("Files", &["File", "Sheet", "Layout", "SHA-256"])?;
        for input in &header.inputs {
            self.file(input, &input.name)?;
        }
        if let Some(saved) = &header.server_rows {
            self.file(saved, &format!("{} (in place of the server)", saved.name))?;
        }
        if header.inputs.is_empty() && header.server_rows.is_none() {
            self.text(0, "none")?;
        }
        Ok(())
    }

    fn file(&mut self, input: &InputFile, name: &str) -> Result<(), XlsxError> {
        self.text(0, name)?;
        self.text(1, input.sheet.as_deref().unwrap_or_default())?;
        let layout = input.layout.as_ref();
        self.text(2, layout.and_then(|layout| layout.name.as_deref()).unwrap_or_default())?;
        self.wide(3, LAST, &input.sha256)?;
        self.row += 1;
        let notes = layout.map_or(&[][..], |layout| &layout.notes);
        for note in notes {
            self.wide(1, LAST, note)?;
            self.row += 1;
        }
        Ok(())
    }

    fn remarks(&mut self) -> Result<(), XlsxError> {
        let remarks = &self.book.report.header.remarks;
        if remarks.is_empty() {
            return Ok(());
        }
        self.section("Remarks", &["About", "What has to be known of the report as a whole"])?;
        for remark in remarks {
            self.text(0, remark.kind.name())?;
            self.wide(1, LAST, &remark.text)?;
            self.row += 1;
        }
        Ok(())
    }

    fn rows(&mut self) -> Result<(), XlsxError> {
        let header = &self.book.report.header;
        let rows = &header.rows;
        self.section("Rows of the files", &["What became of them", "Rows"])?;
        let first = self.row;
        let parts = [
            ("used", rows.rows_used),
            ("faulty", rows.rows_faulty),
            ("blank", rows.rows_blank),
            ("filtered", rows.rows_filtered),
        ];
        for (label, count) in parts {
            self.text(0, label)?;
            self.count(1, count)?;
            self.row += 1;
        }
        self.text(0, "read")?;
        let read: usize = parts.iter().map(|(_, count)| count).sum();
        let formula = format!("SUM(B{}:B{})", first + 1, self.row);
        let at = At { sheet: &self.book.inputs, row: self.row, column: 1 };
        self.book.count(self.sheet, at, Some(formula), read, rows.rows_read, &self.book.styles.count)?;
        self.row += 1;
        if header.rows_of_users > 0 {
            self.text(0, "of them of single users, whose parts are in the totals already")?;
            self.count(1, header.rows_of_users)?;
            self.row += 1;
        }
        Ok(())
    }

    fn endpoints(&mut self) -> Result<(), XlsxError> {
        let headers = ["Read from the server", "Rows", "How, and how it is known to be whole"];
        self.section("Endpoints", &headers)?;
        for endpoint in &self.book.report.header.endpoints {
            self.text(0, &endpoint.path)?;
            self.count(1, endpoint.rows)?;
            self.wide(2, LAST, &endpoint.read)?;
            self.row += 1;
        }
        if self.book.report.header.endpoints.is_empty() {
            self.text(0, "none")?;
            self.row += 1;
        }
        Ok(())
    }

    fn rules(&mut self) -> Result<(), XlsxError> {
        self.section("Rules", &["Rule", "Until", "Lines", "What it says"])?;
        for rule in &self.book.report.header.rules {
            self.text(0, &rule.name)?;
            if let Some(until) = rule.until {
                let part = |part: i8| u8::try_from(part).unwrap_or_default();
                let year = u16::try_from(until.year()).unwrap_or_default();
                let until = ExcelDateTime::from_ymd(year, part(until.month()), part(until.day()))?;
                self.sheet.write_datetime_with_format(self.row, 1, until, &self.book.styles.day)?;
            }
            self.count(2, rule.lines)?;
            let ended = if rule.has_ended { words::HAS_ENDED } else { "" };
            self.wide(3, LAST, &format!("{}{ended}", rule.says))?;
            self.row += 1;
        }
        if self.book.report.header.rules.is_empty() {
            self.text(0, "none")?;
            self.row += 1;
        }
        Ok(())
    }

    /// What could not be read; it comes last, because there may be many.
    fn skipped(&mut self) -> Result<(), XlsxError> {
        let skipped = &self.book.report.skipped;
        self.section("Rows left out, not in the proof", &[])?;
        if skipped.is_empty() {
            self.text(0, "none")?;
            return Ok(());
        }
        self.headers(&["Where", "Why", "What stands there"])?;
        let first = self.row;
        let room = usize::try_from(self.book.limits.rows.saturating_sub(first + 2)).unwrap_or_default();
        for row in skipped.iter().take(room) {
            self.text(0, &row.place.to_string())?;
            self.text(1, row.code.name())?;
            self.text(2, &row.found)?;
            self.row += 1;
        }
        if skipped.len() > room {
            self.text(0, &format!("and {} more, for which a sheet has no rows", skipped.len() - room))?;
            self.row += 1;
        }
        let told = skipped.len().min(room);
        let formula =
            Formula::new(format!("=ROWS(A{}:A{})", first + 1, self.row)).set_result(told.to_string());
        if told == skipped.len() {
            let row = first - 2;
            self.sheet.write_formula_with_format(row, 1, formula, &self.book.styles.rows)?;
        }
        Ok(())
    }
}
