//! The report of a reconciliation in every format: a workbook, a page, and data for programs.
//!
//! All formats are written from one [`Report`] and hold the same figures; a figure is never worked out
//! anew in a writer. What differs between two reports of the same inputs, the run and the time, stands
//! in one place of each format.

#[cfg(test)]
mod browser;
mod columns;
mod figures;
mod json;
#[cfg(test)]
mod large_sample;
mod locale;
mod page;
mod page_lines;
mod page_rest;
mod page_table;
mod page_template;
#[cfg(test)]
mod page_tests;
mod parquet;
#[cfg(test)]
mod same_figures;
mod text;
pub mod words;
mod workbook;

use std::path::Path;

pub use json::write_reconciliation_document;
pub use locale::{DateOrder, Locale};
pub use page_template::PageTemplate;
pub use workbook::write_reconciliation_workbook;

use crate::reconcile::Report;

use super::ReportError;

/// The formats of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportFormat {
    /// A workbook, to sort, filter and annotate.
    Workbook,
    /// A page for a browser, to read, send and print.
    Page,
    /// The lines as a table of text.
    Csv,
    /// The whole report as one document.
    Json,
    /// The lines as a table with exact decimals; the rest stands in the metadata of the file.
    Parquet,
}

impl ReportFormat {
    /// The endings, and what they stand for.
    pub const ENDINGS: [(&'static str, Self); 6] = [
        ("xlsx", Self::Workbook),
        ("html", Self::Page),
        ("htm", Self::Page),
        ("csv", Self::Csv),
        ("json", Self::Json),
        ("parquet", Self::Parquet),
    ];

    /// The format that a file name ends in; `None` where it is none of them.
    pub fn of_path(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?;
        Self::ENDINGS.iter().find(|(known, _)| known.eq_ignore_ascii_case(ending)).map(|(_, format)| *format)
    }
}

/// How a report is to be written.
#[derive(Debug, Clone, Default)]
pub struct ReportOptions {
    /// How numbers and dates are written where people read them.
    pub locale: Locale,
    /// The template of the page; `None` for the one that comes with the program.
    pub template: Option<PageTemplate>,
}

/// Writes a report in the format that the name of the file ends in.
pub fn write_reconciliation(
    path: &Path,
    report: &Report,
    options: &ReportOptions,
) -> Result<(), ReportError> {
    match ReportFormat::of_path(path) {
        Some(ReportFormat::Page) => page::write(path, report, options),
        Some(ReportFormat::Csv) => text::write(path, report),
        Some(ReportFormat::Json) => json::write(path, report),
        Some(ReportFormat::Parquet) => parquet::write(path, report),
        Some(ReportFormat::Workbook) => write_reconciliation_workbook(path, report, &options.locale),
        None => Err(ReportError::NoFormat { path: path.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_what_the_name_ends_in() {
        let of = |name: &str| ReportFormat::of_path(Path::new(name));
        assert_eq!(of("folder.csv/report.XLSX"), Some(ReportFormat::Workbook));
        assert_eq!(of("report.html"), Some(ReportFormat::Page));
        assert_eq!((of("report.pdf"), of("report"), of(".json")), (None, None, None));
    }
}
