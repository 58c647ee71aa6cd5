//! The report as a workbook that finance sorts, filters and annotates.
//!
//! Every total is a live formula with its value beside it, rounded to the decimals of its column. Where a
//! spreadsheet would not come to the exact figure, the figure stands there as text and the summary says
//! why. No text of a file or a server is ever a formula. The same report gives the same bytes, apart from
//! run and time, which stand on the summary alone.

mod charts;
mod columns;
mod glance;
mod inputs;
mod invoices;
mod lines;
mod live;
mod names;
mod organisations;
mod proof;
mod style;
mod summary;
mod sums;
mod survey;
mod table;
#[cfg(test)]
mod tests;
mod words;

use std::cell::RefCell;
use std::path::Path;

use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Url, Workbook, Worksheet, XlsxError, column_number_to_name,
};

use crate::reconcile::{Measured, Report};
use crate::report::{ReportError, write_with};

use super::Locale;
use columns::Columns;
use lines::Sort;
use names::{SheetNames, quoted, text};
use style::Styles;
use survey::Survey;
use table::LineTable;

/// What a workbook holds at most.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Rows of a sheet.
    rows: u32,
    /// Organisations that have sheets of their own.
    organisations: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rows: table::MOST_ROWS, organisations: 30 }
    }
}

/// Writes the workbook.
pub fn write_reconciliation_workbook(
    path: &Path,
    report: &Report,
    locale: &Locale,
) -> Result<(), ReportError> {
    let mut workbook = build(report, locale, Limits::default())?;
    write_with(path, |file| {
        let saved = workbook.save_to_writer(std::io::BufWriter::new(file));
        saved.map_err(|error| match error {
            XlsxError::IoError(error) => error,
            fault => std::io::Error::other(fault),
        })
    })
}

fn build(report: &Report, locale: &Locale, limits: Limits) -> Result<Workbook, XlsxError> {
    let book = Book::plan(report, locale, limits);
    let mut workbook = Workbook::new();
    properties(&mut workbook, report)?;
    workbook.add_worksheet().set_name(&book.summary)?;
    lines::write(&mut workbook, &book, &book.breaks, Sort::Breaks, || report.breaks())?;
    lines::write(&mut workbook, &book, &book.lines, Sort::Lines, || report.views())?;
    for (number, table) in (1_u32..).zip(&book.organisations) {
        let own = || report.views().filter(|view| book.survey.organisation(view) == number);
        lines::write(&mut workbook, &book, table, Sort::Organisation, own)?;
    }
    if let Some(sheet) = &book.invoices {
        invoices::write(workbook.add_worksheet().set_name(sheet)?, &book, sheet)?;
    }
    let proof = proof::write(workbook.add_worksheet().set_name(&book.proof)?, &book)?;
    inputs::write(workbook.add_worksheet().set_name(&book.inputs)?, &book)?;
    // It comes first and is written last: by then everything is known that it has to say.
    summary::write(workbook.worksheet_from_index(0)?, &book, &proof)?;
    Ok(workbook)
}

/// The time of the report stands in for the time of writing.
fn properties(workbook: &mut Workbook, report: &Report) -> Result<(), XlsxError> {
    let created = report.made.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let properties = DocProperties::new()
        .set_title(title(report))
        .set_subject("File, Waldur and invoices compared, with the proof that nothing is lost")
        .set_author("waldur-usage")
        .set_category("Reconciliation")
        .set_keywords("usage, reconciliation, Waldur")
        .set_creation_datetime(&ExcelDateTime::parse_from_str(&created)?);
    workbook.set_properties(&properties);
    Ok(())
}

fn title(report: &Report) -> String {
    format!("Reconciliation of usage {}", months(report))
}

/// The months of a report, as one text.
fn months(report: &Report) -> String {
    match report.header.months.as_slice() {
        [] => String::new(),
        [month] => month.period.to_string(),
        [first, .., last] => format!("{} to {}", first.period, last.period),
    }
}

/// What all sheets are written from: the report, what one look over it showed, and where everything is
/// going to stand.
struct Book<'a> {
    report: &'a Report,
    survey: Survey,
    styles: Styles,
    limits: Limits,
    summary: String,
    breaks: LineTable,
    lines: LineTable,
    /// In the order of the report; none where there are too many.
    organisations: Vec<LineTable>,
    invoices: Option<String>,
    proof: String,
    inputs: String,
    /// Cells that are not what one would expect, and why.
    notes: RefCell<Vec<String>>,
}

impl<'a> Book<'a> {
    fn plan(report: &'a Report, locale: &Locale, limits: Limits) -> Self {
        let survey = Survey::of(report);
        let columns = Columns::new(report, &survey);
        let mut names = SheetNames::default();
        let summary = names.take(words::SUMMARY);
        let mut plan = |title: &str, name: String, columns, rows| {
            LineTable::plan(title, name, columns, rows, &mut names, limits.rows)
        };
        let breaks = plan(words::BREAKS_TITLE, "Breaks".to_owned(), columns.of_breaks(), survey.breaks);
        let lines = plan(words::LINES_TITLE, "Lines".to_owned(), columns.of_lines(false), report.lines.len());
        let [invoices, proof, inputs] =
            [words::INVOICES, words::PROOF, words::INPUTS].map(|name| names.take(name));
        let mut organisations = Vec::new();
        if report.organisations.len() <= limits.organisations {
            for (at, (own, sums)) in report.organisations.iter().zip(&survey.organisations).enumerate() {
                let name = if own.name.is_empty() { words::NO_ORGANISATION } else { &own.name };
                let (table, columns) = (format!("Organisation_{}_", at + 1), columns.of_lines(true));
                organisations.push(LineTable::plan(name, table, columns, sums.keys, &mut names, limits.rows));
            }
        }
        Self {
            report,
            styles: Styles::new(locale),
            limits,
            summary,
            breaks,
            lines,
            organisations,
            invoices: (!report.invoices.is_empty()).then_some(invoices),
            proof,
            inputs,
            notes: RefCell::default(),
            survey,
        }
    }

    /// The position of a component in the report's list.
    fn component(&self, measured: &Measured) -> Option<usize> {
        self.report.components.iter().position(|own| own == measured)
    }

    /// How many decimals it takes to write every amount of a component, and their sums.
    fn decimals(&self, measured: &Measured) -> u8 {
        let sums = self.component(measured).and_then(|at| self.survey.components.get(at));
        let sums = sums.into_iter().flat_map(|own| {
            [&own.file, &own.server].into_iter().chain(own.classes.values().map(|(_, sum)| sum))
        });
        sums.map(sums::Sum::decimals).max().unwrap_or(2)
    }

    /// A link to the summary.
    fn back(&self) -> Url {
        link(&self.summary).set_text(format!("← {}", self.summary))
    }

    /// Remembers what is to be said of a cell.
    fn note(&self, sheet: &str, row: u32, column: u16, why: &str) {
        let cell = format!("{}!{}{}", text(sheet), column_number_to_name(column), row + 1);
        self.notes.borrow_mut().push(format!("{cell}: {why}."));
    }

    /// Sets a sheet up for paper: A4 on its side, as wide as a page, with numbers.
    fn paper(&self, sheet: &mut Worksheet, title: &str) {
        sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
        sheet.set_margins(0.4, 0.4, 0.6, 0.6, 0.3, 0.3);
        // A header of a page holds 255 characters, and a lone & would be a command.
        let title: String = text(title).chars().take(60).collect();
        let title = title.replace('&', "&&");
        sheet.set_header(format!("&L&\"-,Bold\"{}&R{title}", self::title(self.report)));
        sheet.set_footer("&L&F&RPage &P of &N");
    }
}

/// A link to the top of a sheet.
fn link(sheet: &str) -> Url {
    Url::new(format!("internal:{}!A1", quoted(sheet)))
}
