//! `check`: every fault of a file, with its cell.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::error::{Error, ExitStatus};
use crate::findings::{Finding, RowCounts};
use crate::jobs::annotate::annotate;
use crate::jobs::check::{Check, check};
use crate::plan::InputFile;
use crate::resolve::Rounding;
use crate::ui::{self, Format, Style, Terminal};

use super::connect::connect;
use super::input::InputArguments;
use super::{Global, marked_copy};

/// What `check` takes.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Spreadsheets of usage, folders of them, or - for stdin (.xlsx, .xlsm, .xls, .xlsb, .ods, .csv, .tsv, .parquet)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    input: InputArguments,
    /// Write a copy of the file with the faulty cells coloured and commented, and a sheet of findings
    /// (.xlsx; .xlsm of a workbook with macros)
    #[arg(long, value_name = "FILE")]
    annotate: Option<PathBuf>,
    /// Replace what is there already under the name of the marked copy
    #[arg(long, requires = "annotate")]
    force: bool,
}

/// The findings of a check as JSON.
#[derive(Serialize)]
pub struct CheckDocument<'a> {
    ok: bool,
    rows: RowCounts,
    #[serde(skip_serializing_if = "Option::is_none")]
    rounding: Option<Rounding>,
    layouts: Vec<LayoutOfFile<'a>>,
    findings: &'a [Finding],
    /// Why the rows as a whole are refused although each of them may be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<Refused>,
}

/// Why a run is refused, and what to do next.
#[derive(Serialize)]
struct Refused {
    why: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// By which layout a file was read.
#[derive(Serialize)]
struct LayoutOfFile<'a> {
    file: &'a str,
    sheet: Option<&'a str>,
    layout: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    notes: &'a [String],
}

impl<'a> LayoutOfFile<'a> {
    fn of(file: &'a InputFile) -> Self {
        let layout = file.layout.as_ref();
        Self {
            file: &file.name,
            sheet: file.sheet.as_deref(),
            layout: layout.and_then(|layout| layout.name.as_deref()),
            notes: layout.map_or(&[], |layout| &layout.notes),
        }
    }
}

impl<'a> CheckDocument<'a> {
    /// The document of a check.
    pub fn new(check: &'a Check, refusal: Option<&Error>) -> Self {
        Self {
            ok: !check.findings.denies() && refusal.is_none(),
            rows: check.counts(),
            rounding: check.rounding(),
            layouts: check.loaded.files.iter().map(LayoutOfFile::of).collect(),
            findings: check.findings.list(),
            refused: refusal.map(|error| Refused { why: error.to_string(), hint: error.hint() }),
        }
    }
}

/// Runs the command.
pub async fn run(
    arguments: &CheckArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    if let Some(out) = &arguments.annotate {
        marked_copy::keep(out, &arguments.files, arguments.force)?;
    }
    let connection = connect(global)?;
    let settings = arguments.input.settings(&arguments.files, &connection)?;
    let check = check(&connection.reader, &settings, terminal).await?;
    show(&check, global);
    if let Some(out) = &arguments.annotate {
        let annotated = annotate(&check, settings.input.sheet.as_deref(), out)?;
        terminal.say(&marked_copy::told(&annotated, &arguments.files));
    }
    Ok(if check.findings.denies() { ExitStatus::Denied } else { ExitStatus::Done })
}

/// Prints the findings of a check.
pub fn show(check: &Check, global: &Global) {
    show_refused(check, None, global);
}

/// Prints the findings of a check whose rows as a whole may be refused, which is told besides.
pub fn show_refused(check: &Check, refusal: Option<&Error>, global: &Global) {
    match global.format.into() {
        Format::Json => ui::json(&CheckDocument::new(check, refusal)),
        Format::Text => {
            let style = Style::for_stdout();
            let rounding = check.rounding().map(|rounding| ui::rounding_text(&rounding, style));
            ui::data(&(ui::check_text(check, style) + &rounding.unwrap_or_default()));
        }
    }
}
