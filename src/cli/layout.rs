//! `layout`: what tables of other systems mean, as data.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::domain::{shell_word, visible};
use crate::error::{Error, ExitStatus};
use crate::jobs::layouts::{self, SuggestSettings};
use crate::report::ReportError;
use crate::ui::{self, Format, Style, Table, Terminal};

use super::Global;

/// What `layout` takes.
#[derive(Debug, Args)]
pub struct LayoutArguments {
    #[command(subcommand)]
    command: LayoutCommand,
}

#[derive(Debug, Subcommand)]
enum LayoutCommand {
    /// List the layouts that files are recognised by
    List,
    /// Print a layout, to read it or to begin one of your own with it
    Show {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Write a layout for a file that none is known for; look at it before you use it
    Suggest(SuggestArguments),
}

#[derive(Debug, Args)]
struct SuggestArguments {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The sheet of a workbook
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// The row or line of the header, where it is not found by itself
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    header_row: Option<u32>,
    /// Which column is what, where it cannot be told: uuid, backend_id, slug, name, month, begin, end,
    /// metric, quantity or unit; repeatable
    #[arg(long, value_name = "ROLE=HEADER")]
    column: Vec<String>,
    /// Where to write it; stdout where it is not given, and nothing that is there is replaced
    #[arg(short, long, value_name = "FILE.toml")]
    out: Option<PathBuf>,
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    title: &'a str,
}

/// A layout as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    line: Line<'a>,
    toml: &'a str,
}

/// A suggestion as JSON.
#[derive(Serialize)]
struct Suggestion<'a> {
    not_read: &'a [String],
    toml: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

/// Runs the command.
pub fn run(arguments: &LayoutArguments, global: &Global, terminal: &Terminal) -> Result<ExitStatus, Error> {
    match &arguments.command {
        LayoutCommand::List => list(global),
        LayoutCommand::Show { name } => show(name, global)?,
        LayoutCommand::Suggest(arguments) => suggest(arguments, global, terminal)?,
    }
    Ok(ExitStatus::Done)
}

fn list(global: &Global) {
    let lines = layouts::all().iter().map(|shipped| {
        let layout = &shipped.layout;
        Line { name: &layout.name, title: &layout.title }
    });
    match global.format.into() {
        Format::Json => ui::json(&lines.collect::<Vec<_>>()),
        Format::Text => {
            let mut table = Table::new(&["layout", "what it reads"]);
            lines.for_each(|line| table.row([line.name.to_owned(), line.title.to_owned()]));
            let more = "`layout show NAME` prints one; --layout FILE.toml reads by one of your own";
            ui::data(&format!("{}\n{}\n", table.render(""), Style::for_stdout().bold(more)));
        }
    }
}

fn show(name: &str, global: &Global) -> Result<(), Error> {
    let shipped = layouts::named(name)?;
    match global.format.into() {
        Format::Json => {
            let line = Line { name: &shipped.layout.name, title: &shipped.layout.title };
            ui::json(&Shown { line, toml: shipped.text });
        }
        Format::Text => ui::data(shipped.text),
    }
    Ok(())
}

fn suggest(arguments: &SuggestArguments, global: &Global, terminal: &Terminal) -> Result<(), Error> {
    let suggested = layouts::suggest(&SuggestSettings {
        file: arguments.file.clone(),
        sheet: arguments.sheet.clone(),
        header_row: arguments.header_row,
        columns: arguments.column.clone(),
    })?;
    if !suggested.not_read.is_empty() {
        let columns = visible(&suggested.not_read.join(", ")).to_string();
        terminal.say(&format!("columns that it does not read: {columns}"));
    }
    let tell = |file: Option<String>| {
        ui::json(&Suggestion { not_read: &suggested.not_read, toml: &suggested.text, file });
    };
    let Some(path) = &arguments.out else {
        match global.format.into() {
            Format::Json => tell(None),
            Format::Text => ui::data(&suggested.text),
        }
        return Ok(());
    };
    let unwritable = |source| ReportError::Unwritable { path: path.clone(), source };
    let mut file = std::fs::File::create_new(path).map_err(unwritable)?;
    std::io::Write::write_all(&mut file, suggested.text.as_bytes()).map_err(unwritable)?;
    let path = path.to_string_lossy();
    if matches!(global.format.into(), Format::Json) {
        tell(Some(path.to_string()));
    }
    let use_it = format!("look at it, then use it with --layout {}", shell_word(&path));
    terminal.say(&format!("written to {}; {use_it}", visible(&path)));
    Ok(())
}
