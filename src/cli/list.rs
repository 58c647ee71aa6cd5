//! `list`: stored usages, of resources or of single users, by every filter and ordering of the API.

use std::collections::HashSet;
use std::io::{self, IsTerminal, Write};

use clap::{Args, ValueEnum};

use crate::domain::{PeriodRange, visible};
use crate::error::{Error, ExitStatus};
use crate::parse::with_guard;
use crate::ui::{self, Terminal};
use crate::waldur::{ListFilter, ListRow, Listing, Ordering};

use super::connect::connect;
use super::export_filter::{FilterArguments, NamedResource};
use super::{FormatArgument, Global};

/// What `list` takes.
#[derive(Debug, Args)]
pub struct ListArguments {
    /// What to list
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = What::Usages)]
    what: What,
    /// Only these months
    #[arg(long, value_name = "A[..B]", alias = "billing-period")]
    period: Option<PeriodRange>,
    /// Only months of this year
    #[arg(long, value_name = "YYYY")]
    billing_period_year: Option<i16>,
    /// Only this month of any year
    #[arg(long, value_name = "MM", value_parser = clap::value_parser!(i8).range(1..=12))]
    billing_period_month: Option<i8>,
    #[command(flatten)]
    filter: FilterArguments,
    /// Only this field; repeatable
    #[arg(long, value_name = "NAME")]
    field: Vec<String>,
    /// Order by billing_period or usage, descending with a leading minus; repeatable
    #[arg(short = 'o', long = "order", value_name = "[-]NAME", allow_hyphen_values = true)]
    order: Vec<String>,
    /// A single page, as the server counts them
    #[arg(long, value_name = "N")]
    page: Option<usize>,
    /// The size of the page; servers give 300 at most
    #[arg(long, value_name = "N")]
    page_size: Option<usize>,
}

/// What can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// The usages of resources
    Usages,
    /// The usages of single users
    UserUsages,
}

impl ListArguments {
    /// Rows of users name no month.
    fn refuse_months(&self) -> Result<(), Error> {
        let orders_by_month = self.order.iter().any(|name| name.contains("period"));
        if self.what == What::UserUsages
            && (self.billing_period_year.is_some() || self.billing_period_month.is_some() || orders_by_month)
        {
            let what = "usages of users name no month, so that they can be picked by --period alone";
            return Err(Error::setting(what, "name the months: --period 2026-01..2026-12"));
        }
        Ok(())
    }

    fn filter(&self) -> Result<ListFilter, Error> {
        self.refuse_months()?;
        let (id, url) = match self.filter.resource()? {
            None => (None, None),
            Some(NamedResource::Id(id)) => (Some(id), None),
            Some(NamedResource::Url(url)) => (None, Some(url)),
        };
        if self.period.is_some_and(|period| period.as_single().is_none())
            && (self.page.is_some() || self.page_size.is_some())
        {
            return Err(Error::setting(
                "a page of several months cannot be asked for",
                "name a single month",
            ));
        }
        let what = match self.what {
            What::Usages => Listing::Usages,
            What::UserUsages => Listing::UserUsages,
        };
        Ok(ListFilter {
            what,
            period: self.period,
            year: self.billing_period_year,
            month: self.billing_period_month,
            customer: self.filter.customer,
            project: self.filter.project,
            offering: self.filter.offering,
            resource: id,
            resource_url: url,
            component: self.filter.component.clone(),
            date_after: self.filter.date_after,
            date_before: self.filter.date_before,
            fields: self.field.clone(),
            order: self.order.iter().map(|text| order(text)).collect::<Result<_, _>>()?,
            page: self.page,
            page_size: self.page_size,
        })
    }
}

fn order(text: &str) -> Result<(Ordering, bool), Error> {
    let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
    let ordering = name.parse().map_err(|()| {
        let what = format!("cannot order by `{}`", visible(name));
        Error::setting(what, "use billing_period or usage")
    })?;
    Ok((ordering, descending))
}

/// Runs the command.
pub async fn run(
    arguments: &ListArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    let filter = arguments.filter()?;
    let connection = connect(global)?;
    let listed = connection.reader.list(&filter).await?;
    if !listed.ignored.is_empty() {
        let names: Vec<&str> = listed.ignored.iter().copied().collect();
        terminal.say(&format!("the server ignored {}; done here instead", names.join(", ")));
    }
    if let Some(unknown) = listed.unknown_field(&filter) {
        let names = listed.names.iter().map(String::as_str);
        let near = crate::domain::nearest(unknown, names);
        let hint = near.map_or_else(String::new, |near| format!("did you mean {}?", visible(near)));
        let what = format!("usages of this server have no field `{}`", visible(unknown));
        return Err(Error::setting(what, hint));
    }
    match global.format {
        FormatArgument::Csv => {
            // A file has the text as it is; on a terminal it could move or turn what stands there.
            let is_shown = io::stdout().is_terminal();
            ui::stream(|out| list_csv(out, &listed.rows, &filter.fields, is_shown));
        }
        FormatArgument::Ndjson => listed.rows.iter().for_each(ui::json_line),
        FormatArgument::Json => ui::json(&listed.rows),
        FormatArgument::Text => ui::data(&ui::list_text(&listed.rows, &filter.fields)),
    }
    let rows = ui::counted(listed.rows.len(), "row");
    match listed.count {
        Some(count) => {
            terminal.say(&format!("{rows} of this page; the server counts {} in all", ui::grouped(count)));
        }
        None => terminal.say(&rows),
    }
    Ok(ExitStatus::Done)
}

/// The rows as text with commas: the fields that were asked for in their order, or else all that any of them
/// has, in the order of the server. Text that a spreadsheet would take for a formula is guarded, as our readers
/// expect it.
fn list_csv(out: &mut dyn Write, rows: &[ListRow], asked: &[String], is_shown: bool) -> io::Result<()> {
    let mut seen = HashSet::new();
    let names = rows.iter().flat_map(|row| row.0.keys());
    let mut names: Vec<&str> = names.map(String::as_str).filter(|name| seen.insert(*name)).collect();
    names.sort_by_key(|name| asked.iter().position(|own| own == name).unwrap_or(asked.len()));
    let told = |text: &str| {
        let text = with_guard(text);
        if is_shown { visible(&text).to_string() } else { text.into_owned() }
    };
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(names.iter().map(|name| told(name)))?;
    for row in rows {
        writer.write_record(names.iter().map(|name| told(&row.text(name))))?;
    }
    writer.flush()
}
