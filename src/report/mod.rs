//! Workbooks and pages that people open.
//!
//! Whatever comes from a file or a server is written as text or as a number, never as a formula or as
//! markup.
//! Numbers carry their unit in a column of its own and are written as the decimals that they are.

mod cell_text;
mod comparison;
mod corrections;
mod marked;
mod missing;
mod page;
mod people;
pub mod reconciliation;
mod rows;
mod template;

pub use comparison::write_comparison;
pub use corrections::write_corrections;
pub use marked::{
    MOST_COMMENTS, MarkError, Marked, MarkedCell, Marks, PlainCopy, Remark, WorkbookKind, is_untouched_copy,
    mark, note,
};
pub use missing::{write_missing_text, write_missing_workbook};
pub use page::plan_page;
pub use reconciliation::{
    Locale, PageTemplate, ReportFormat, ReportOptions, write_reconciliation, write_reconciliation_document,
};
pub use rows::{write_rows, write_table};
pub use template::{
    MOST_ROWS, Template, TemplateCarryOver, TemplateComponent, TemplateForm, TemplateResource,
    write_template_text, write_template_workbook,
};

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use rust_xlsxwriter::{Format, Worksheet, XlsxError};
use serde::Serialize;

use crate::confined;
use crate::domain::{Amount, visible};

/// Why a report is not there.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The file cannot be written.
    #[error("cannot write {}", visible(&path.to_string_lossy()))]
    Unwritable {
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The name of the file ends in no format of a report.
    #[error("no report is written as {}", visible(&path.to_string_lossy()))]
    NoFormat {
        /// The path.
        path: PathBuf,
    },
    /// The template of a page cannot be used.
    #[error("cannot use the template {}: {reason}", visible(&path.to_string_lossy()))]
    Template {
        /// The path.
        path: PathBuf,
        /// Why, and where in it.
        reason: String,
    },
    /// The workbook cannot be built; a fault of ours.
    #[error("cannot build the workbook")]
    Build(#[from] XlsxError),
}

/// Writes a number where a spreadsheet can hold it exactly, else its digits as text.
fn write_amount(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    amount: Amount,
    format: &Format,
) -> Result<(), XlsxError> {
    let text = amount.to_string();
    let digits = text.trim_start_matches(['-', '0', '.']).bytes().filter(u8::is_ascii_digit).count();
    match text.parse::<f64>() {
        Ok(number) if digits <= 15 => sheet.write_number_with_format(row, column, number, format)?,
        Ok(_) | Err(_) => sheet.write_string(row, column, text)?,
    };
    Ok(())
}

/// Writes a file beside its place and renames it, so that a half file is never there.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    write_with(path, |file| file.write_all(bytes))
}

/// The same of a value as JSON, as people read it. It is written as it is made: the text of a large plan
/// is never in memory.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), ReportError> {
    write_with(path, |file| {
        let mut file = BufWriter::new(file);
        serde_json::to_writer_pretty(&mut file, value)?;
        file.write_all(b"\n")?;
        file.flush()
    })
}

pub(in crate::report) fn write_with(
    path: &Path,
    write: impl FnOnce(&mut std::fs::File) -> std::io::Result<()>,
) -> Result<(), ReportError> {
    let unwritable = |source| ReportError::Unwritable { path: path.to_owned(), source };
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        // A pipe or a device is written to; replacing it would be no help to anybody.
        let file = confined::write(path, &mut OpenOptions::new());
        return file.and_then(|mut file| write(&mut file)).map_err(unwritable);
    }
    // Whoever may put files beside it knows no name in advance, and cannot let a link stand there.
    let draft = path.with_file_name(format!(".waldur-usage-{}.part", uuid::Uuid::new_v4().simple()));
    let file = confined::write(&draft, OpenOptions::new().create_new(true));
    let written = file.and_then(|mut file| write(&mut file)).and_then(|()| std::fs::rename(&draft, path));
    written.map_err(|error| {
        // What could not be written or renamed is of no use to anybody.
        let _ = std::fs::remove_file(&draft);
        unwritable(error)
    })
}
