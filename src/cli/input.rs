//! The flags that say which files are read and what of them is wanted.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::domain::{PeriodRange, RoundingRule, Selector};
use crate::error::Error;
use crate::jobs::check::CheckSettings;
use crate::jobs::layouts;
use crate::jobs::load::InputSettings;
use crate::mapping::UnitFactor;
use crate::parse::{DateOrder, DecimalSign, Hidden, ParseSettings};
use crate::plan::SplitPlans;
use crate::resolve::ResolveSettings;

use super::config::{Config, Server};
use super::connect::Connection;
use super::policy::PolicyArguments;

/// Files of usage and what is wanted of them.
#[derive(Debug, Args)]
pub struct InputArguments {
    /// Take only these months (YYYY-MM or YYYY-MM..YYYY-MM); a single one also stands in for a
    /// missing period column
    #[arg(long, value_name = "A[..B]")]
    pub period: Option<PeriodRange>,
    /// The offering in which names and backend ids are looked up, by uuid or name; repeatable
    #[arg(long, value_name = "UUID|NAME")]
    pub offering: Vec<String>,
    /// Take only resources of this project, by uuid or name; repeatable
    #[arg(long, value_name = "UUID|NAME")]
    pub project: Vec<String>,
    /// Take only resources of this organisation, by uuid or name; repeatable
    #[arg(long, value_name = "UUID|NAME")]
    pub customer: Vec<String>,
    /// The sheet of a workbook; the first visible one with a table of usage where it is not given
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
    /// The row or line of the header, where it is not found by itself
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub header_row: Option<u32>,
    /// A column that is no usage although it holds numbers; repeatable
    #[arg(long, value_name = "HEADER")]
    pub ignore_column: Vec<String>,
    /// The decimal sign of amounts that are text, where a column does not show it: 1234.5 or 1234,5
    #[arg(long, value_name = "SIGN")]
    pub decimal: Option<DecimalArgument>,
    /// The order of dates such as 01/11/2026, where a column does not show it
    #[arg(long, value_name = "ORDER")]
    pub dates: Option<DatesArgument>,
    /// Round amounts of more than two decimal places, which are at deny otherwise; what it changes is
    /// shown
    #[arg(long, value_name = "RULE")]
    pub round: Option<RoundArgument>,
    /// Rows that are hidden, filtered out or in a collapsed group, which are at deny otherwise: report them
    /// too, or leave them out
    #[arg(long, value_name = "WHAT")]
    pub hidden_rows: Option<HiddenArgument>,
    /// Columns of amounts that are hidden, which are at deny otherwise: report them too, or leave them out
    #[arg(long, value_name = "WHAT")]
    pub hidden_columns: Option<HiddenArgument>,
    /// The layout of the files, where it is not recognised by itself: one of `layout list`, or a file
    /// of your own that ends in .toml
    #[arg(long, value_name = "NAME|FILE.toml")]
    pub layout: Option<String>,
    /// A file with other names of resources and factors between units (.toml with the tables resources and
    /// units, or a spreadsheet with the columns from, to and factor)
    #[arg(long, value_name = "FILE")]
    pub aliases: Option<PathBuf>,
    /// What one of the file's units is in the unit of the component, such as "MB-hours=0.001 GB-hours";
    /// repeatable
    #[arg(long, value_name = "FROM=FACTOR TO")]
    pub unit_factor: Vec<UnitFactor>,
    #[command(flatten)]
    pub policy: PolicyArguments,
}

/// What becomes of what is hidden, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HiddenArgument {
    /// Take it like all the rest
    Use,
    /// Leave it out
    Skip,
}

/// The decimal sign as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DecimalArgument {
    /// 1,234.5
    Point,
    /// 1.234,5
    Comma,
}

/// The order of dates as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DatesArgument {
    /// The day first: 30/11/2026
    Dmy,
    /// The month first: 11/30/2026
    Mdy,
}

/// The rule of rounding as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoundArgument {
    /// To the nearest; a half goes up
    HalfUp,
    /// To the nearest; a half goes to the even one
    HalfEven,
    /// Always up
    Up,
    /// Always down
    Down,
}

impl From<DecimalArgument> for DecimalSign {
    fn from(argument: DecimalArgument) -> Self {
        match argument {
            DecimalArgument::Point => Self::Point,
            DecimalArgument::Comma => Self::Comma,
        }
    }
}

impl From<HiddenArgument> for Hidden {
    fn from(argument: HiddenArgument) -> Self {
        match argument {
            HiddenArgument::Use => Self::Use,
            HiddenArgument::Skip => Self::Skip,
        }
    }
}

impl From<DatesArgument> for DateOrder {
    fn from(argument: DatesArgument) -> Self {
        match argument {
            DatesArgument::Dmy => Self::DayFirst,
            DatesArgument::Mdy => Self::MonthFirst,
        }
    }
}

impl From<RoundArgument> for RoundingRule {
    fn from(argument: RoundArgument) -> Self {
        match argument {
            RoundArgument::HalfUp => Self::HalfUp,
            RoundArgument::HalfEven => Self::HalfEven,
            RoundArgument::Up => Self::Up,
            RoundArgument::Down => Self::Down,
        }
    }
}

/// What to do with the total of a month that has several plan periods.
#[derive(Debug, Args)]
pub struct SplitArguments {
    /// Post what the other stored rows leave of a total, where the month of a resource has several plan
    /// periods; otherwise its rows have to name theirs
    #[arg(long, value_name = "HOW")]
    split_plans: Option<SplitArgument>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SplitArgument {
    Remainder,
}

impl SplitArguments {
    /// Whether it was typed.
    pub fn is_given(&self) -> bool {
        self.split_plans.is_some()
    }

    /// As the plan takes it.
    pub fn split(&self) -> SplitPlans {
        match self.split_plans {
            Some(SplitArgument::Remainder) => SplitPlans::Remainder,
            None => SplitPlans::Refuse,
        }
    }
}

/// Reads uuids and names as they were typed.
pub fn selectors(texts: &[String]) -> Vec<Selector> {
    texts.iter().map(|text| text.parse().unwrap_or_else(|never| match never {})).collect()
}

impl InputArguments {
    /// Whether nothing was typed that chooses among the rows of files.
    pub fn is_empty(&self) -> bool {
        let Self {
            period,
            offering,
            project,
            customer,
            sheet,
            header_row,
            ignore_column,
            decimal,
            dates,
            round,
            hidden_rows,
            hidden_columns,
            aliases,
            unit_factor,
            policy,
            layout,
        } = self;
        let lists = [offering, project, customer, ignore_column];
        let is_as_written = decimal.is_none() && dates.is_none() && round.is_none();
        let is_as_named = aliases.is_none() && unit_factor.is_empty() && policy.is_empty();
        let is_seen = hidden_rows.is_none() && hidden_columns.is_none();
        let is_found = is_seen && sheet.is_none() && header_row.is_none() && layout.is_none();
        period.is_none() && is_found && is_as_written && is_as_named && lists.into_iter().all(Vec::is_empty)
    }

    /// The settings of a check of these files.
    pub fn settings(&self, files: &[PathBuf], connection: &Connection) -> Result<CheckSettings, Error> {
        self.settings_of(files, &connection.config, connection.server.as_ref())
    }

    /// The same by what the configuration says of a server, which may not be asked at all.
    pub fn settings_of(
        &self,
        files: &[PathBuf],
        config: &Config,
        server: Option<&Server>,
    ) -> Result<CheckSettings, Error> {
        let of_profile = config.offerings(server);
        let offerings = if self.offering.is_empty() { &of_profile } else { &self.offering };
        let (layouts, layout_file) = layouts::asked_for(self.layout.as_deref())?;
        Ok(CheckSettings {
            input: InputSettings {
                files: files.to_vec(),
                sheet: self.sheet.clone(),
                parse: ParseSettings {
                    period: self.period,
                    header_row: self.header_row,
                    ignore_columns: self.ignore_column.clone(),
                    remembers_names: false,
                    decimal: self.decimal.map(Into::into),
                    dates: self.dates.map(Into::into),
                    rounding: self.round.map(Into::into),
                    hidden_rows: self.hidden_rows.map(Into::into),
                    hidden_columns: self.hidden_columns.map(Into::into),
                    layouts,
                    reads_money: false,
                    takes_negative: false,
                },
            },
            offerings: selectors(offerings),
            resolve: ResolveSettings {
                projects: selectors(&self.project),
                customers: selectors(&self.customer),
                keeps_lines: false,
            },
            layout_file,
            aliases: self.aliases.clone(),
            unit_factors: self.unit_factor.clone(),
            policy: self.policy.policy(config)?,
            time_zone: server.and_then(|server| server.time_zone.clone()),
        })
    }
}
