//! `reconcile`: whether files, the server and the invoices agree, and who must act where they do not.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::domain::{Amount, RunId, visible};
use crate::error::{Error, ExitStatus};
use crate::jobs::reconcile::{ReconcileSettings, Reconciled, reconcile};
use crate::jobs::results::shown;
use crate::pipeline::{Facts, MoneyFact, StepEnd};
use crate::reconcile::rules::{Tolerance, ToleranceError};
use crate::reconcile::{Class, Report, Rules, Weight};
use crate::report::{
    Locale, PageTemplate, ReportFormat, ReportOptions, write_reconciliation, write_reconciliation_document,
};
use crate::source::{SourceError, expand};
use crate::ui::{self, Format, Style, Terminal};
use crate::waldur::Side;

use super::config::Config;
use super::connect::{chosen, connect};
use super::input::InputArguments;
use super::plan_file::PlanForm;
use super::reconcile_plan::ReconcilePlanArguments;
use super::{Global, check};

/// What `reconcile` takes.
#[derive(Debug, Args)]
pub struct ReconcileArguments {
    /// Statements of a provider, in any form that `check` reads; none to compare usages and invoices alone
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    input: InputArguments,
    /// Compare what invoices bill too
    #[arg(long, conflicts_with = "server_rows")]
    invoices: bool,
    /// Write the report: .xlsx, .html, .csv, .json or .parquet; repeatable
    #[arg(short, long, value_name = "FILE")]
    out: Vec<PathBuf>,
    /// Replace reports that are there already
    #[arg(long)]
    force: bool,
    /// A file of rules: tolerances, differences to leave alone, conversions of units
    #[arg(long, value_name = "FILE.toml")]
    rules: Option<PathBuf>,
    /// What may differ: 0.05, 1%, cpu=0.5 or money=0.02; repeatable
    #[arg(long, value_name = "[WHAT=]SIZE")]
    tolerance: Vec<String>,
    /// Leave out rows whose amount or month cannot be read; the report lists them
    #[arg(long)]
    skip_faulty: bool,
    /// End with 1 only where this is passed: rows:N, quantity:X, money:Y or class:NAME; any break
    /// ends with 1 where it is not given; repeatable
    #[arg(long, value_name = "WHAT:LIMIT")]
    fail_on: Vec<FailOn>,
    /// Compare with a list that `list` saved (csv, json or ndjson); no server is asked
    #[arg(long, value_name = "FILE")]
    server_rows: Option<PathBuf>,
    /// Read the lists of who provides or of who uses; whichever shows the scope where it is not given
    #[arg(long = "as", value_name = "SIDE")]
    side: Option<SideArgument>,
    /// How numbers and dates are written in reports for people: en, de, fr, et or plain
    #[arg(long, value_name = "NAME", default_value = "en")]
    locale: String,
    /// A template of your own for the page
    #[arg(long, value_name = "FILE.html")]
    template: Option<PathBuf>,
    #[command(flatten)]
    plan: ReconcilePlanArguments,
    /// The time that the report bears, where it is not to be the server's
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,
    /// The id that the report bears, where it is not to be a new one
    #[arg(long, value_name = "UUID")]
    run_id: Option<RunId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SideArgument {
    Provider,
    Consumer,
}

impl From<SideArgument> for Side {
    fn from(argument: SideArgument) -> Self {
        match argument {
            SideArgument::Provider => Self::Provider,
            SideArgument::Consumer => Self::Consumer,
        }
    }
}

/// From what on a difference ends the command with 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FailOn {
    Rows(usize),
    Quantity(Amount),
    Money(Amount),
    Class(Class),
}

impl FromStr for FailOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (what, limit) = text.split_once(':').unwrap_or((text, ""));
        let amount = || {
            let amount = limit.parse::<Amount>().ok().filter(|amount| !amount.is_negative());
            amount.ok_or_else(|| format!("{what} takes a number that is not below zero, such as {what}:10"))
        };
        match what {
            "rows" => limit.parse().map(Self::Rows).map_err(|_| "rows takes a count, such as rows:10".into()),
            "quantity" => amount().map(Self::Quantity),
            "money" => amount().map(Self::Money),
            "class" => limit.parse().map(Self::Class).map_err(|_| {
                let near = crate::domain::nearest(limit, Class::ALL.iter().map(|class| class.name()));
                let all: Vec<&str> = Class::ALL.iter().map(|class| class.name()).collect();
                near.map_or_else(
                    || format!("one of {}", all.join(", ")),
                    |near| format!("did you mean {near}?"),
                )
            }),
            _ => Err("rows:N, quantity:X, money:Y or class:NAME".into()),
        }
    }
}

impl FailOn {
    /// Whether a report is beyond it.
    fn is_passed(self, report: &Report) -> bool {
        let zero = Amount::ZERO;
        let size =
            |amount: Amount| if amount.is_negative() { zero.checked_sub(amount) } else { Some(amount) };
        match self {
            Self::Rows(most) => report.verdict.breaks.saturating_add(report.skipped.len()) > most,
            // What cannot be added up is beyond every limit.
            Self::Quantity(most) => {
                let sizes: Option<Vec<Amount>> =
                    report.breaks().map(|view| size(view.difference())).collect();
                sizes.and_then(Amount::total).is_none_or(|total| total > most)
            }
            // Nobody knows what a difference without a price costs, so no limit lets it pass.
            Self::Money(most) => {
                report.verdict.without_price > 0
                    || report.verdict.at_stake.iter().any(|(_, amount)| *amount > most)
            }
            Self::Class(class) => report.classes.iter().any(|total| total.class == class && total.keys > 0),
        }
    }
}

impl ReconcileArguments {
    fn rules(&self) -> Result<Rules, Error> {
        let mut rules = match &self.rules {
            None => Rules::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|source| SourceError::Unreadable { path: path.clone(), source })?;
                Rules::parse(&text).map_err(|error| {
                    let what = format!("{}: {error}", visible(&path.to_string_lossy()));
                    Error::setting(what, error.hint.unwrap_or_default())
                })?
            }
        };
        for text in &self.tolerance {
            let tolerance: Tolerance = text.parse().map_err(|error: ToleranceError| {
                let what = format!("--tolerance {}: {error}", visible(text));
                Error::setting(what, "write 0.05, 1%, cpu=0.5 or money=0.02")
            })?;
            rules.add_tolerance(tolerance);
        }
        Ok(rules)
    }

    /// Refuses rules and a page that cannot be used.
    pub fn judge(&self) -> Result<(), Error> {
        self.rules()?;
        self.options()?;
        Ok(())
    }

    /// What the user's policy lets differ, where no rules and no tolerance were given.
    fn tolerate(&self, config: &Config, rules: &mut Rules) -> Result<(), Error> {
        if self.rules.is_none() && self.tolerance.is_empty() {
            config.tolerances()?.into_iter().for_each(|tolerance| rules.add_tolerance(tolerance));
        }
        Ok(())
    }

    /// The file of aliases that the rules name, beside them.
    fn aliases_of(&self, rules: &Rules) -> Option<PathBuf> {
        let folder = self.rules.as_deref()?.parent()?;
        Some(folder.join(rules.aliases()?))
    }

    /// Refuses reports that could not be written, or would take the place of a file.
    fn keep_outputs(&self) -> Result<(), Error> {
        let inputs = if self.files.is_empty() { Vec::new() } else { expand(&self.files)?.files };
        let own = self.server_rows.iter().chain(&self.rules).chain(&self.template);
        let inputs: Vec<&std::path::Path> = inputs.iter().chain(own).map(PathBuf::as_path).collect();
        for (at, path) in self.out.iter().enumerate() {
            if ReportFormat::of_path(path).is_none() {
                let what = format!("{} names no format of a report", visible(&path.to_string_lossy()));
                return Err(Error::setting(what, "let it end in .xlsx, .html, .csv, .json or .parquet"));
            }
            if self.out[..at].contains(path) {
                return Err(Error::setting("-o names a file twice", "name each once"));
            }
            PlanForm::Page.keep(path, inputs.iter().copied(), self.force)?;
        }
        Ok(())
    }

    fn options(&self) -> Result<ReportOptions, Error> {
        let locale: Locale = self
            .locale
            .parse()
            .map_err(|error| Error::setting(format!("--locale {}: {error}", visible(&self.locale)), ""))?;
        let template = self.template.as_deref().map(PageTemplate::read).transpose()?;
        Ok(ReportOptions { locale, template })
    }
}

/// Runs the command.
pub async fn run(
    arguments: &ReconcileArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    Ok(go(arguments, global, terminal).await?.status)
}

/// Reconciles, shows and writes; how it ended, with its figures.
pub async fn go(
    arguments: &ReconcileArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<StepEnd, Error> {
    let periods = arguments.input.period.ok_or_else(|| {
        Error::setting("no month is named", "give --period YYYY-MM, or YYYY-MM..YYYY-MM for several")
    })?;
    let has_file = !arguments.files.is_empty();
    if !has_file && arguments.server_rows.is_some() {
        return Err(Error::setting("--server-rows has nothing to be compared with", "name a file"));
    }
    arguments.keep_outputs()?;
    arguments.plan.judge(&arguments.files, &arguments.out, periods, arguments.server_rows.is_some())?;
    let (mut rules, options) = (arguments.rules()?, arguments.options()?);
    let (connection, mut check, currency) = if arguments.server_rows.is_some() {
        let config = Config::read_for(global.pipeline.as_deref())?;
        let server = chosen(&config, global)?.map(|chosen| chosen.server);
        arguments.tolerate(&config, &mut rules)?;
        let check = arguments.input.settings_of(&arguments.files, &config, server)?;
        (None, check, server.map(super::config::Server::currency).transpose()?.flatten())
    } else {
        let connection = connect(global)?;
        arguments.tolerate(&connection.config, &mut rules)?;
        let check = arguments.input.settings(&arguments.files, &connection)?;
        let currency = connection.server.as_ref().map(super::config::Server::currency).transpose()?;
        (Some(connection), check, currency.flatten())
    };
    if !has_file && check.offerings.is_empty() {
        let hint = "give --offering, whose usages and invoices are to be compared, or a file";
        return Err(Error::setting("no offering is named", hint));
    }
    if check.aliases.is_none() {
        check.aliases = arguments.aliases_of(&rules);
    }
    check.input.parse.reads_money = true;
    check.input.parse.takes_negative = true;
    check.resolve.keeps_lines = true;
    let settings = ReconcileSettings {
        check,
        periods,
        with_invoices: arguments.invoices || !has_file,
        skip_faulty: arguments.skip_faulty,
        server_rows: arguments.server_rows.clone(),
        currency,
        side: arguments.side.map(Into::into),
        rules,
        now: arguments.now.or_else(|| connection.is_none().then(Timestamp::now)),
        run: arguments.run_id,
    };
    let reader = connection.as_ref().map(|connection| &connection.reader);
    let (report, findings) = match reconcile(reader, &settings, terminal).await? {
        Reconciled::Done(report, findings) => (report, findings),
        Reconciled::Stopped(stopped) => {
            check::show(&stopped, global);
            return Ok(StepEnd::open(ExitStatus::Denied));
        }
    };
    match global.format.into() {
        Format::Json => ui::stream(|out| write_reconciliation_document(out, &report)),
        Format::Text => {
            let style = Style::for_stdout();
            let most = if global.verbose { usize::MAX } else { ui::SHOWN };
            ui::data(&(ui::warnings_text(&findings, style) + &ui::reconciliation_text(&report, style, most)));
        }
    }
    for path in &arguments.out {
        write_reconciliation(path, &report, &options)?;
        terminal.say(&format!("wrote {}", visible(&path.to_string_lossy())));
    }
    if let Some(reader) = reader {
        arguments.plan.write(&report, &settings.check, reader, terminal).await?;
    }
    let fails = match arguments.fail_on.as_slice() {
        [] => !report.verdict.agrees,
        // Limits are about what was compared: rows that were left out, and invoices that do not add up, were
        // not.
        limits => {
            let is_whole = report.skipped.is_empty()
                && report.header.remarks.iter().all(|remark| remark.weight != Weight::Against);
            !is_whole || limits.iter().any(|limit| limit.is_passed(&report))
        }
    };
    let status = if fails { ExitStatus::Differences } else { ExitStatus::Done };
    Ok(StepEnd::over(status, facts_of(&report, shown(&arguments.out))))
}

/// The figures of a report.
fn facts_of(report: &Report, files: Vec<String>) -> Facts {
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let verdict = &report.verdict;
    let money = verdict.at_stake.iter();
    Facts {
        rows: count(verdict.keys),
        breaks: count(verdict.breaks.saturating_add(report.skipped.len())),
        money: money.map(|(currency, amount)| MoneyFact { currency: *currency, amount: *amount }).collect(),
        files,
        ..Facts::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_or_explained() {
        assert_eq!("rows:10".parse(), Ok(FailOn::Rows(10)));
        assert_eq!("money:0.05".parse(), Ok(FailOn::Money("0.05".parse().unwrap())));
        assert_eq!("class:sign".parse(), Ok(FailOn::Class(Class::Sign)));
        let error = |text: &str| text.parse::<FailOn>().unwrap_err();
        assert_eq!(error("class:signs"), "did you mean sign?");
        assert!(error("rows:-1").contains("count") && error("money:-1").contains("below zero"));
        assert!(error("quantity").contains("number") && error("lines:1").contains("rows:N"));
    }
}
