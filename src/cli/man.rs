//! `man`: the manual pages, made of the command line itself.

use std::io;
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
    let man = Man::new(command)
        .source(concat!("waldur-usage ", env!("CARGO_PKG_VERSION")))
        .manual("Usage figures of Waldur");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
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
    std::fs::write(folder.join(man.get_filename()), page)
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
