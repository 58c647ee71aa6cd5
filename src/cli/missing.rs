//! `missing`: of which resources no usage of a month is stored, and since when.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::domain::{BillingPeriod, visible};
use crate::error::{Error, ExitStatus};
use crate::jobs::missing::{Fill, FoundMissing, MissingSettings, missing};
use crate::jobs::results::shown;
use crate::pipeline::{Facts, StepEnd};
use crate::plan::Missing;
use crate::report::{
    MOST_ROWS, write_json, write_missing_text, write_missing_workbook, write_template_text,
    write_template_workbook,
};
use crate::resolve::ResolveSettings;
use crate::ui::{self, Format, Style, Terminal};

use super::Global;
use super::connect::connect;
use super::input::selectors;
use super::template::is_workbook;

/// What `missing` takes.
#[derive(Debug, Args)]
pub struct MissingArguments {
    /// The month (YYYY-MM)
    #[arg(long, value_name = "MONTH")]
    period: BillingPeriod,
    /// The offering that is looked at, by uuid or name; repeatable
    #[arg(long, value_name = "UUID|NAME")]
    offering: Vec<String>,
    /// Only resources of this project, by uuid or name; repeatable
    #[arg(long, value_name = "UUID|NAME")]
    project: Vec<String>,
    /// Only resources of this organisation, by uuid or name; repeatable
    #[arg(long, value_name = "UUID|NAME")]
    customer: Vec<String>,
    /// Write what is missing: .xlsx, .csv or .json; repeatable
    #[arg(short, long, value_name = "FILE")]
    out: Vec<PathBuf>,
    /// Write a template with a row for each figure that is missing, for `plan`: .xlsx or .csv
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// What is filled into the template
    #[arg(long, value_name = "WHAT", value_enum, default_value_t, requires = "template")]
    fill: FillArgument,
    /// Replace files that are there already
    #[arg(long)]
    force: bool,
    /// Exit with 1 where something is missing
    #[arg(long)]
    exit_code: bool,
}

/// What is filled in, as it is typed.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum FillArgument {
    /// Nothing; somebody types the amounts
    #[default]
    Blank,
    /// A usage of zero
    Zero,
    /// What is stored of the last month that has something
    Last,
}

/// The forms that it is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MissingForm {
    Workbook,
    Text,
    Json,
}

impl MissingForm {
    fn of(path: &Path) -> Result<Self, Error> {
        let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
        match ending.as_deref() {
            Some("xlsx") => Ok(Self::Workbook),
            Some("csv") => Ok(Self::Text),
            Some("json") => Ok(Self::Json),
            _ => {
                let what = format!("{}: the ending names no format", visible(&path.to_string_lossy()));
                Err(Error::setting(what, "use .xlsx, .csv or .json"))
            }
        }
    }

    fn write(self, path: &Path, missing: &Missing) -> Result<(), Error> {
        match self {
            Self::Workbook if missing.gaps.len() >= MOST_ROWS => return Err(too_many(missing, path)),
            Self::Workbook => write_missing_workbook(path, missing)?,
            Self::Text => write_missing_text(path, missing)?,
            Self::Json => write_json(path, missing)?,
        }
        Ok(())
    }
}

/// Runs the command.
pub async fn run(
    arguments: &MissingArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    Ok(go(arguments, global, terminal).await?.status)
}

/// Looks for what is missing, shows and writes it; how it ended, with its figures.
pub async fn go(
    arguments: &MissingArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<StepEnd, Error> {
    judge_names(arguments)?;
    let connection = connect(global)?;
    let server = connection.server.as_ref();
    let of_profile = connection.config.offerings(server);
    let offerings = if arguments.offering.is_empty() { &of_profile } else { &arguments.offering };
    if offerings.is_empty() {
        return Err(Error::setting("no offering is named", "name one with --offering, by uuid or name"));
    }
    let settings = MissingSettings {
        offerings: selectors(offerings),
        resolve: ResolveSettings {
            projects: selectors(&arguments.project),
            customers: selectors(&arguments.customer),
            ..ResolveSettings::default()
        },
        period: arguments.period,
        time_zone: server.and_then(|server| server.time_zone.clone()),
    };
    let found = missing(&connection.reader, &settings, terminal).await?;
    match global.format.into() {
        Format::Json => ui::json(&found.missing),
        Format::Text => {
            ui::data(&ui::missing_text(&found.missing, Style::for_stdout(), global.verbose));
        }
    }
    for path in &arguments.out {
        MissingForm::of(path)?.write(path, &found.missing)?;
        terminal.say(&format!("written to {}", visible(&path.to_string_lossy())));
    }
    if let Some(path) = &arguments.template {
        write_template(path, &found, arguments, terminal)?;
    }
    let is_told = arguments.exit_code && !found.missing.gaps.is_empty();
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let mut files = arguments.out.clone();
    files.extend(arguments.template.clone().filter(|_| !found.missing.gaps.is_empty()));
    let facts = Facts {
        rows: count(found.missing.counts.figures),
        breaks: count(found.missing.gaps.len()),
        files: shown(&files),
        ..Facts::default()
    };
    Ok(StepEnd::over(if is_told { ExitStatus::Differences } else { ExitStatus::Done }, facts))
}

/// Refuses names of files before anything is asked.
fn judge_names(arguments: &MissingArguments) -> Result<(), Error> {
    for path in &arguments.out {
        MissingForm::of(path)?;
    }
    if let Some(path) = &arguments.template {
        is_workbook(path)?;
    }
    let names: Vec<&PathBuf> = arguments.out.iter().chain(&arguments.template).collect();
    for (number, path) in names.iter().enumerate() {
        let shown = visible(&path.to_string_lossy()).to_string();
        if names.iter().take(number).any(|other| other == path) {
            return Err(Error::setting(format!("{shown} is named twice"), "name another file"));
        }
        if path.is_file() && !arguments.force {
            let what = format!("{shown} is there already");
            return Err(Error::setting(what, "name another file, or use --force"));
        }
    }
    Ok(())
}

/// Writes the template, where there is something to fill in.
fn write_template(
    path: &Path,
    found: &FoundMissing,
    arguments: &MissingArguments,
    terminal: &Terminal,
) -> Result<(), Error> {
    let shown = visible(&path.to_string_lossy()).to_string();
    let missing = &found.missing;
    if missing.gaps.is_empty() {
        let older = if path.exists() { "; the one that is there is an older one" } else { "" };
        terminal.say(&format!("nothing is missing, so {shown} was not written{older}"));
        return Ok(());
    }
    let fill = match arguments.fill {
        FillArgument::Blank => Fill::Blank,
        FillArgument::Zero => Fill::Zero,
        FillArgument::Last => Fill::LastAmount,
    };
    let template = found.template(fill);
    if !is_workbook(path)? {
        write_template_text(path, &template)?;
    } else if missing.gaps.len() >= MOST_ROWS {
        return Err(too_many(missing, path));
    } else {
        write_template_workbook(path, &template)?;
    }
    let filled: usize = template.resources.iter().map(|resource| resource.filled_in.len()).sum();
    let rows = ui::counted(template.rows(), "row");
    let next = if filled == template.rows() { "look at the amounts" } else { "fill in the amounts" };
    terminal.say(&format!(
        "written to {shown}: {rows}, {filled} of them filled in\n{next}, then: waldur-usage plan {shown}"
    ));
    Ok(())
}

fn too_many(missing: &Missing, path: &Path) -> Error {
    let what = format!(
        "{}: {} rows do not fit on a sheet",
        visible(&path.to_string_lossy()),
        ui::grouped(missing.gaps.len())
    );
    Error::setting(what, "write a .csv, or name projects with --project")
}
