//! `sandbox world`: files of worlds to rehearse against.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::Timestamp;

use crate::domain::visible;
use crate::error::{Error, ExitStatus};
use crate::sandbox::{NewWorld, World};
use crate::ui::{self, Terminal};

use super::Global;
use super::sandbox::refused;

/// What `sandbox world` takes.
#[derive(Debug, Args)]
pub struct WorldArguments {
    #[command(subcommand)]
    command: WorldCommand,
}

#[derive(Debug, Subcommand)]
enum WorldCommand {
    /// Make a large world for load tests; the same numbers give the same world
    New(NewArguments),
}

/// Where a world is written.
#[derive(Debug, Args)]
pub struct Out {
    /// The file to write; only you can read it
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    /// Replace a file that is there already
    #[arg(long)]
    force: bool,
}

impl Out {
    /// The file, where it may be written.
    pub fn path(&self) -> Result<&Path, Error> {
        World::may_be_written(&self.out, self.force).map_err(|error| refused(&error))?;
        Ok(&self.out)
    }

    /// Whether a file that is there already is replaced.
    pub fn replaces(&self) -> bool {
        self.force
    }

    /// Says that the world is there, and how to start it.
    pub fn tell(&self, terminal: &Terminal) {
        let path = visible(&self.out.to_string_lossy()).to_string();
        terminal.say(&format!("start it with: waldur-usage sandbox --world {path}"));
    }
}

#[derive(Debug, Args)]
struct NewArguments {
    /// How many resources
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    resources: u32,
    /// How many components each offering has; one in five is billed by its limit
    #[arg(long, value_name = "K", default_value_t = 3)]
    components: u32,
    /// How many months of usages, up to the one before its time
    #[arg(long, value_name = "M", default_value_t = 3)]
    months: u32,
    /// When its clock starts; a morning of November 2026 where it is not given
    #[arg(long, value_name = "TIMESTAMP")]
    now: Option<Timestamp>,
    #[command(flatten)]
    out: Out,
}

/// Runs the command.
#[expect(clippy::unused_async, reason = "the command that copies a server waits for its answers")]
pub async fn run(
    arguments: &WorldArguments,
    _global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    match &arguments.command {
        WorldCommand::New(arguments) => new(arguments, terminal),
    }
}

fn new(arguments: &NewArguments, terminal: &Terminal) -> Result<ExitStatus, Error> {
    let path = arguments.out.path()?;
    let NewArguments { resources, components, months, now, out } = arguments;
    let world = NewWorld::new(*resources, *components, *months, *now).map_err(|error| refused(&error))?;
    world.write(path, out.replaces()).map_err(|error| refused(&error))?;
    let usages = ui::grouped(usize::try_from(world.usage_count()).unwrap_or(usize::MAX));
    let resources = ui::grouped(usize::try_from(*resources).unwrap_or(usize::MAX));
    ui::data(&format!("{} resources={resources} usages={usages}\n", visible(&path.to_string_lossy())));
    out.tell(terminal);
    Ok(ExitStatus::Done)
}
