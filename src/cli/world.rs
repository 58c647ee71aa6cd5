//! `sandbox world`: files of worlds to rehearse against.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Serialize;

use crate::domain::visible;
use crate::error::{Error, ExitStatus};
use crate::jobs::copy_world::{CopySettings, CopySummary, copy_world};
use crate::jobs::likely_dialect::LikelyDialect;
use crate::resolve::ResolveSettings;
use crate::sandbox::{Names, NewWorld, World};
use crate::ui::{self, Format, Terminal};

use super::Global;
use super::connect::connect;
use super::input::selectors;
use super::sandbox::refused;
use super::sandbox_values;

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
    /// Copy what your account sees of a server, without people, texts and tokens; changes nothing
    FromServer(CopyArguments),
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
        if self.out == Path::new("-") {
            let hint = "name a file; one that is called so is written as ./-";
            return Err(Error::setting("a world is not written to stdout", hint));
        }
        World::may_be_written(&self.out, self.force).map_err(|error| refused(&error))?;
        Ok(&self.out)
    }

    /// Whether a file that is there already is replaced.
    pub fn replaces(&self) -> bool {
        self.force
    }

    /// Says that the world is there, and how to start it: as a server of a dialect, where one is known.
    fn tell(&self, terminal: &Terminal, likely: Option<&LikelyDialect>) {
        let path = visible(&self.out.to_string_lossy()).to_string();
        let dialect = likely.map(|likely| format!(" --dialect {}", likely.dialect)).unwrap_or_default();
        terminal.say(&format!("start it with: waldur-usage sandbox --world {path}{dialect}"));
        if let Some(LikelyDialect { dialect, evidence }) = likely {
            terminal.say(&format!("dialect {dialect}: {}", visible(evidence)));
            terminal.say("no server tells its time zone; ask its operator and add --time-zone");
        }
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
    #[arg(long, value_name = "TIMESTAMP", value_parser = sandbox_values::moment)]
    now: Option<Timestamp>,
    #[command(flatten)]
    out: Out,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Names, slugs and backend ids become pseudonyms, so a spreadsheet that is keyed by one of \
them is rehearsed with --keep-names; uuids stay as they are. Without --plan-periods each resource is taken \
to have had its plan since it was made."
)]
struct CopyArguments {
    /// Copy only this offering, by uuid or name; repeatable
    #[arg(long, value_name = "UUID|NAME")]
    offering: Vec<String>,
    /// Copy only resources of this project, by uuid or name; repeatable
    #[arg(long, value_name = "UUID|NAME")]
    project: Vec<String>,
    /// Copy only resources of this organisation, by uuid or name; repeatable
    #[arg(long, value_name = "UUID|NAME")]
    customer: Vec<String>,
    /// How many months of usages, the running one among them
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=120))]
    months: u32,
    /// Read the plan periods too, with one request for each resource
    #[arg(long)]
    plan_periods: bool,
    /// Leave the names of offerings, plans, components, resources, projects and organisations as they are
    #[arg(long)]
    keep_names: bool,
    // `sandbox` has a flag of this name with another meaning, so the one of all commands is named again;
    // clap hands its value over to that one.
    /// A file that holds the token of the server alone; `-` reads it from stdin
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    out: Out,
}

/// Runs the command.
pub async fn run(
    arguments: &WorldArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    match &arguments.command {
        WorldCommand::New(arguments) => new(arguments, global, terminal),
        WorldCommand::FromServer(arguments) => from_server(arguments, global, terminal).await,
    }
}

/// A made world as JSON.
#[derive(Serialize)]
struct MadeWorld<'a> {
    file: &'a str,
    resources: u64,
    usages: u64,
}

fn new(arguments: &NewArguments, global: &Global, terminal: &Terminal) -> Result<ExitStatus, Error> {
    let path = arguments.out.path()?;
    let NewArguments { resources, components, months, now, out } = arguments;
    let world = NewWorld::new(*resources, *components, *months, *now).map_err(|error| refused(&error))?;
    world.write(path, out.replaces()).map_err(|error| refused(&error))?;
    let file = path.to_string_lossy();
    match global.format.into() {
        Format::Json => {
            let (resources, usages) = ((*resources).into(), world.usage_count());
            ui::json(&MadeWorld { file: &file, resources, usages });
        }
        Format::Text => {
            let usages = ui::grouped(usize::try_from(world.usage_count()).unwrap_or(usize::MAX));
            let resources = ui::grouped(usize::try_from(*resources).unwrap_or(usize::MAX));
            ui::data(&format!("{} resources={resources} usages={usages}\n", visible(&file)));
        }
    }
    out.tell(terminal, None);
    Ok(ExitStatus::Done)
}

async fn from_server(
    arguments: &CopyArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    let path = arguments.out.path()?;
    let connection = connect(global)?;
    let of_profile = connection.config.offerings(connection.server.as_ref());
    let offerings = if arguments.offering.is_empty() { &of_profile } else { &arguments.offering };
    let settings = CopySettings {
        offerings: selectors(offerings),
        resolve: ResolveSettings {
            projects: selectors(&arguments.project),
            customers: selectors(&arguments.customer),
            keeps_lines: false,
        },
        months: arguments.months,
        plan_periods: arguments.plan_periods,
        names: if arguments.keep_names { Names::Kept } else { Names::Pseudonyms },
    };
    let (world, summary) = copy_world(&connection.reader, &settings, terminal).await?;
    world.write(path, arguments.out.replaces()).map_err(|error| refused(&error))?;
    match global.format.into() {
        Format::Json => ui::json(&summary),
        Format::Text => ui::data(&told(path, &summary)),
    }
    arguments.out.tell(terminal, Some(&summary.likely));
    Ok(ExitStatus::Done)
}

fn told(path: &Path, summary: &CopySummary) -> String {
    // Writing to a string cannot fail.
    let mut text = format!(
        "{} offerings={} resources={} usages={}",
        visible(&path.to_string_lossy()),
        ui::grouped(summary.offerings),
        ui::grouped(summary.resources),
        ui::grouped(summary.usages)
    );
    if let [first, .., last] = summary.months.as_slice() {
        let _ = write!(text, " months={first}..{last}");
    }
    if summary.usages_left_out > 0 {
        let rows = ui::counted(summary.usages_left_out, "usage");
        let _ = write!(text, "\nleft out: {rows} of components that the offering does not have any more");
    }
    if summary.usages_rounded > 0 {
        let rows = ui::counted(summary.usages_rounded, "usage");
        let _ = write!(text, "\nrounded: {rows} that the server shows with more than two decimals");
    }
    text.push('\n');
    text
}
