//! `export`: months of usages and what they speak of, to where a warehouse reads them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::domain::{BillingPeriod, Months, PeriodRange, RunId, visible};
use crate::error::{Error, ExitStatus};
use crate::jobs::export::{
    self, Done, ExportDocument, FocusMonths, MonthSource, SavedMonths, ServerMonths, Settings,
};
use crate::pipeline::{Facts, StepEnd};
use crate::ui::{self, Format, Style, Terminal};
use crate::waldur::ServerAddress;
use crate::warehouse::{Contract, Scope, Shape, Table};

use super::Global;
use super::config::Config;
use super::connect::{chosen, connect};
use super::export_filter::FilterArguments;
use super::export_target::TargetArgument;

/// What `export` takes.
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// The months: one, several, the month that is open, or the one before it
    #[arg(long, value_name = "A[..B|..open]|open|last-month")]
    period: Months,
    /// What to export; usages with the resources and components that they speak of where it is not given
    #[arg(long, value_name = "TABLE,…", value_delimiter = ',', value_parser = table)]
    what: Vec<Table>,
    /// Where to: csv:DIR, ndjson:DIR, parquet:DIR, xlsx:FILE, delta:DIR, postgres:NAME, or target:NAME for any
    /// target of config.toml; repeatable
    #[arg(long, required = true, value_name = "KIND:TARGET")]
    to: Vec<String>,
    /// Rows that were read before, a Parquet file of the same columns, instead of a server's; repeatable
    #[arg(long, value_name = "FILE.parquet")]
    from: Vec<PathBuf>,
    /// Whose columns: those of the server, or those of FOCUS 1.2
    #[arg(long, value_enum, default_value_t)]
    shape: ShapeArgument,
    /// What is done with fields that the server adds: evolve makes them columns, freeze ends the run,
    /// discard leaves them out and says so in the manifest
    #[arg(long, value_name = "evolve|freeze|discard", default_value_t)]
    contract: Contract,
    /// Leave published months alone whose invoices are all beyond change
    #[arg(long)]
    skip_closed: bool,
    /// Publish although the account has lost roles since: months lose what it saw by them
    #[arg(long)]
    accept_lost_roles: bool,
    /// Guard text of csv files that a spreadsheet would take for a formula by a quote
    #[arg(long)]
    excel_safe: bool,
    #[command(flatten)]
    filter: FilterArguments,
    /// The time that the manifest gives, for tests
    #[arg(long, value_name = "INSTANT", hide = true)]
    now: Option<Timestamp>,
    /// The run that the manifest names, for tests
    #[arg(long, value_name = "UUID", hide = true)]
    run_id: Option<RunId>,
}

/// A table that can be asked for; that of FOCUS comes by its shape.
fn table(text: &str) -> Result<Table, String> {
    let tables = || Table::ALL.into_iter().filter(|table| *table != Table::Charges);
    tables().find(|table| table.name() == text).ok_or_else(|| {
        let names: Vec<&str> = tables().map(Table::name).collect();
        format!("use one of {}", names.join(", "))
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum ShapeArgument {
    /// The server's own columns
    #[default]
    Waldur,
    /// FOCUS 1.2
    Focus,
}

impl ExportArguments {
    /// Refuses what cannot be meant, before anything is read.
    pub fn judge(&self) -> Result<Vec<TargetArgument>, Error> {
        let mut targets: Vec<TargetArgument> = Vec::new();
        for text in &self.to {
            let target = TargetArgument::parse(text)?;
            if targets.iter().any(|other| other.is_place_of(&target)) {
                let what = format!("{} is named twice", visible(&target.to_string()));
                return Err(Error::setting(what, "name each target once"));
            }
            targets.push(target);
        }
        self.judge_guard(&targets, None)?;
        if self.shape == ShapeArgument::Focus && !self.what.is_empty() {
            let what = "the shape of FOCUS is one table of charges, so that --what has no meaning";
            return Err(Error::setting(what, "leave one of --shape and --what out"));
        }
        if !self.from.is_empty() {
            self.judge_saved()?;
        }
        Ok(targets)
    }

    /// A guard that nothing is guarded by is not meant.
    fn judge_guard(&self, targets: &[TargetArgument], config: Option<&Config>) -> Result<(), Error> {
        if self.excel_safe && !targets.iter().any(|target| target.is_csv(config)) {
            let what = "--excel-safe guards text of csv files, and no target is csv:DIR";
            return Err(Error::setting(what, "leave it out: in all other kinds text is text"));
        }
        Ok(())
    }

    /// What asks a server cannot be asked of saved rows.
    fn judge_saved(&self) -> Result<(), Error> {
        let named = self.filter.named()?;
        let filter = named.keys().next().map(|name| format!("--{}", name.replace('_', "-")));
        let closed = self.skip_closed.then(|| "--skip-closed".to_owned());
        let shape = (self.shape == ShapeArgument::Focus).then(|| "--shape focus".to_owned());
        match filter.or(closed).or(shape) {
            None => Ok(()),
            Some(flag) => Err(Error::setting(
                format!("{flag} asks the server, and --from reads saved rows"),
                "leave one of them out",
            )),
        }
    }

    /// The tables, each once, in their own order.
    fn tables(&self, usual: &[Table]) -> Vec<Table> {
        let asked = if self.what.is_empty() { usual } else { &self.what };
        Table::ALL.into_iter().filter(|table| asked.contains(table)).collect()
    }
}

/// What is exported of a server where nothing is named.
const USUAL: [Table; 3] = [Table::Usages, Table::Resources, Table::Components];

/// What is exported: where the months come from, which, of which tables, and when they are read.
struct Reading {
    source: Box<dyn MonthSource>,
    tables: Vec<Table>,
    period: PeriodRange,
    now: Timestamp,
}

/// Where the months come from. Which month is open is told by the server's clock, by that of this machine
/// where no server is asked.
async fn reading(arguments: &ExportArguments, global: &Global) -> Result<Reading, Error> {
    let config = Config::read()?;
    let server = chosen(&config, global)?.map(|chosen| chosen.server);
    let zone = server.and_then(|server| server.time_zone.as_deref()).map_or(Ok(TimeZone::UTC), TimeZone::get);
    let zone = zone.map_err(|error| Error::Bug(error.to_string()))?;
    let months = |now: Timestamp| {
        let open = BillingPeriod::of_in(now, &zone);
        let open = open.map_err(|_| Error::setting("the clock shows no month", "set it"))?;
        let range = arguments.period.range(open);
        // A whole year may be named before it is over; what has not begun is left for then.
        if range.first() > open {
            let what = format!("{} has not begun; the month is {open}", range.first());
            return Err(Error::setting(what, format!("name months up to {open} with --period")));
        }
        Ok(PeriodRange::up_to(range.first(), range.last().min(open)))
    };
    if !arguments.from.is_empty() {
        let now = arguments.now.unwrap_or_else(Timestamp::now);
        let period = months(now)?;
        let server = global.url.as_deref().map(|url| ServerAddress::parse(url, true)).transpose()?;
        let server = server.map(|address| address.to_string());
        let saved = SavedMonths::open(&arguments.from, &arguments.what, server.as_deref(), period)?;
        let tables = arguments.tables(&saved.tables());
        return Ok(Reading { source: Box::new(saved), tables, period, now });
    }
    let connection = connect(global)?;
    let server_months = ServerMonths::new(&connection.reader, arguments.filter.months()?).await?;
    let now = arguments.now.map_or_else(|| connection.reader.now(), Ok)?;
    let period = months(now)?;
    let (source, tables): (Box<dyn MonthSource>, _) = match arguments.shape {
        ShapeArgument::Waldur => (Box::new(server_months), arguments.tables(&USUAL)),
        ShapeArgument::Focus => {
            let server = connection.server.as_ref().ok_or_else(|| {
                Error::setting(
                    "FOCUS needs what Waldur does not tell, and no profile says it",
                    "add [servers.NAME.focus] to config.toml, and pick the server with --profile NAME",
                )
            })?;
            let settings = server.focus(connection.reader.currency().await?)?;
            let settings = settings.filtered(!arguments.filter.named()?.is_empty());
            (Box::new(FocusMonths::new(Box::new(server_months), settings)), FocusMonths::TABLES.to_vec())
        }
    };
    Ok(Reading { source, tables, period, now })
}

/// Runs the command.
pub async fn run(
    arguments: &ExportArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    Ok(go(arguments, global, terminal).await?.status)
}

/// Exports, and says how it ended, with its figures.
pub async fn go(arguments: &ExportArguments, global: &Global, terminal: &Terminal) -> Result<StepEnd, Error> {
    let targets = arguments.judge()?;
    let config = Config::read()?;
    arguments.judge_guard(&targets, Some(&config))?;
    let Reading { mut source, tables, period, now } = reading(arguments, global).await?;
    let shape = match arguments.shape {
        ShapeArgument::Waldur => Shape::Waldur,
        ShapeArgument::Focus => Shape::Focus,
    };
    let settings = Settings {
        period,
        tables,
        scope: source.scope(Scope { shape, filters: arguments.filter.named()?, account: None }),
        contract: arguments.contract,
        skip_closed: arguments.skip_closed,
        accept_lost_roles: arguments.accept_lost_roles,
        run: arguments.run_id.unwrap_or_else(|| RunId::new(Uuid::new_v4())),
        now,
    };
    let mut sinks = Vec::new();
    for target in &targets {
        sinks.push(target.open(&config, arguments.excel_safe)?);
    }
    let mut done = Vec::new();
    let result = export::run(&settings, source.as_mut(), &mut sinks, terminal, &mut done).await;
    for told in source.told() {
        terminal.say(&visible(&told).to_string());
    }
    tell(&settings, global, &done, result.is_ok());
    result.map(|()| StepEnd::over(ExitStatus::Done, facts_of(&done)))
}

/// The figures of an export: each month of a table once, however many targets it went to.
fn facts_of(done: &[Done]) -> Facts {
    let mut slices = BTreeMap::new();
    let mut files: Vec<String> = Vec::new();
    for Done { target, entry, .. } in done {
        slices.insert((&entry.table, entry.period), u64::try_from(entry.rows).unwrap_or(u64::MAX));
        let target = visible(target).to_string();
        if !files.contains(&target) {
            files.push(target);
        }
    }
    Facts { rows: slices.values().sum(), files, ..Facts::default() }
}

/// Prints what was done. Where an error ended the run, months before it stand at their targets all the same.
fn tell(settings: &Settings, global: &Global, done: &[Done], is_complete: bool) {
    match Format::from(global.format) {
        Format::Json => {
            ui::json(&ExportDocument::new(settings.run, settings.now, settings.period, done, is_complete));
        }
        Format::Text if !done.is_empty() => {
            ui::data(&ui::export_text(done, is_complete, global.verbose, Style::for_stdout()));
        }
        Format::Text => {}
    }
}
