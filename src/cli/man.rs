//! `man`: the manual pages, made of the command line itself.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use serde::Serialize;

use crate::domain::visible;
use crate::error::{Error, ExitStatus};
use crate::report::ReportError;
use crate::ui::{self, Format, Terminal};

use super::{Arguments, Global};

/// The day of the last change that the pages tell of.
const DATE: &str = "2026-11-27";

/// What `man` takes.
#[derive(Debug, Args)]
pub struct ManArguments {
    /// The folder, such as ~/.local/share/man/man1; it is made where there is none
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// What was written, as JSON.
#[derive(Serialize)]
struct Written<'a> {
    folder: &'a str,
    pages: Vec<String>,
}

/// Runs the command.
pub fn run(arguments: &ManArguments, global: &Global, terminal: &Terminal) -> Result<ExitStatus, Error> {
    let folder = &arguments.folder;
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    let written = std::fs::create_dir_all(folder).and_then(|()| write(command, folder, &mut pages));
    written.map_err(|source| ReportError::Unwritable { path: folder.clone(), source })?;
    if matches!(global.format.into(), Format::Json) {
        ui::json(&Written { folder: &folder.to_string_lossy(), pages });
    }
    terminal.say(&format!("written to {}", visible(&folder.to_string_lossy())));
    Ok(ExitStatus::Done)
}

/// Writes the page of a command and those of its subcommands.
fn write(command: Command, folder: &Path, pages: &mut Vec<String>) -> io::Result<()> {
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        write(subcommand.clone(), folder, pages)?;
    }
    let has_subcommands = command.get_subcommands().any(|subcommand| !subcommand.is_hide_set());
    let after = command.get_after_long_help().or(command.get_after_help()).map(ToString::to_string);
    let name = command.get_display_name().unwrap_or("waldur-usage").to_owned();
    let man = Man::new(command);
    let mut page = Vec::new();
    // Written here, because an empty argument would be left out and the others move up.
    let version = env!("CARGO_PKG_VERSION");
    writeln!(page, ".TH \"{name}\" \"1\" \"{DATE}\" \"waldur-usage {version}\" \"Usage figures of Waldur\"")?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if has_subcommands {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(after) = after {
        notes(&after).to_writer(&mut page)?;
    }
    pages.push(man.get_filename());
    std::fs::write(folder.join(man.get_filename()), without_idle_breaks(&String::from_utf8_lossy(&page)))
}

/// A page without the breaks of lines that a blank line beside them makes idle.
fn without_idle_breaks(page: &str) -> String {
    let lines: Vec<&str> = page.lines().collect();
    let is_blank = |at: Option<usize>| {
        at.and_then(|at| lines.get(at)).is_some_and(|line| line.is_empty() || *line == ".sp")
    };
    let kept = lines
        .iter()
        .enumerate()
        .filter(|(at, line)| **line != ".br" || !is_blank(at.checked_sub(1)) && !is_blank(Some(at + 1)));
    kept.fold(String::new(), |text, (_, line)| text + line + "\n")
}

/// What `--help` shows below the options, line by line as it is there.
fn notes(after: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["NOTES"]);
    roff.control("nf", []);
    for line in after.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff
}
