//! Files, stored usages and invoices of some months, side by side. Posts nothing.

mod endpoints;
mod plan_prices;
mod remarks;
mod saved_list;
mod scope;
mod stops;
mod stored;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, ScopedJoinHandle};

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::{BillingPeriod, Currency, CustomerId, PeriodRange, ResourceId, RunId};
use crate::error::Error;
use crate::findings::Findings;
use crate::mapping::Field;
use crate::parse::Parsed;
use crate::plan::Reporter;
use crate::reconcile::{
    Compared, CurrencyOf, Endpoint, FileSide, Header, InvoiceMoney, InvoiceSide, Made, Month, OtherLine,
    Report, Rules, Sides, StoredSide, TablePlace, reconcile as compare,
};
use crate::resolve::{Capabilities, Catalogue, SettledAliases, Usages, UserUsages, months, rows};
use crate::waldur::{Account, InvoicesInFull, Reader, Side};

use super::catalogue::{Snapshot, add_plan_periods};
use super::check::{Check, CheckSettings, read_aliases};
use super::load::{Loaded, load};
use super::plan::scope_of;
use super::scope_names::refuse_unknown;
use super::{Observer, Stages};
use saved_list::SavedList;
use stops::Stops;

/// What is to be reconciled.
#[derive(Debug)]
pub struct ReconcileSettings {
    /// The files, none of them where usages and invoices alone are compared, and the scope.
    pub check: CheckSettings,
    /// The months.
    pub periods: PeriodRange,
    /// Whether invoices are compared too.
    pub with_invoices: bool,
    /// Whether rows that cannot be read are left out and listed.
    pub skip_faulty: bool,
    /// A saved list of usages that stands in for the server.
    pub server_rows: Option<PathBuf>,
    /// The currency of the server's prices, where the profile tells it.
    pub currency: Option<Currency>,
    /// Whose view is read; whichever sees the scope where it is not given.
    pub side: Option<Side>,
    /// What differences are allowed.
    pub rules: Rules,
    /// The time of the report; the server's clock where it is not given.
    pub now: Option<Timestamp>,
    /// The id of the run; a new one where it is not given.
    pub run: Option<RunId>,
}

/// How it ended.
pub enum Reconciled {
    /// Findings stand against it.
    Stopped(Box<Check>),
    /// The report, and what is worth a look in the files.
    Done(Box<Report>, Findings),
}

/// What is known of the server's side.
struct ServerSide {
    snapshot: Option<(Account, Reader)>,
    catalogue: Catalogue,
    capabilities: Capabilities,
    saved: Option<SavedList>,
}

/// Compares. `reader` is not needed with a saved list.
pub async fn reconcile(
    reader: Option<&Reader>,
    settings: &ReconcileSettings,
    observer: &dyn Observer,
) -> Result<Reconciled, Error> {
    let mut stages = Stages::begin(observer, "load");
    let mut findings = Findings::new(settings.check.policy.clone());
    let (aliases, _) = read_aliases(&settings.check, &mut findings)?;
    let has_file = !settings.check.input.files.is_empty();
    // The two sides do not know of each other yet, and both can be large.
    let (loaded, saved) = thread::scope(|scope| {
        let saved = settings.server_rows.is_some().then(|| scope.spawn(|| saved_list(settings)));
        let input = &settings.check.input;
        let loaded = if has_file { load(input, &mut findings) } else { Ok(Loaded::default()) };
        (loaded, saved.map(ScopedJoinHandle::join))
    });
    let mut loaded = loaded?;
    // Nothing is copied out of the files, which can be large.
    loaded.inputs = Vec::new();
    if findings.denies_the_run() && loaded.parsed.subjects.is_empty() {
        return Ok(stopped(findings, loaded, None));
    }
    stages.next("catalogue");
    let ServerSide { snapshot, mut catalogue, mut capabilities, saved } =
        server_side(reader, settings, &loaded.parsed, saved).await?;
    let current = begun(settings.periods, &catalogue)?;
    let around = around(settings.periods, current);

    // Before rows are resolved: usages may show resources that no list does.
    stages.next("stored usages");
    let (mut stored, mut server_rows) = (StoredSide::default(), None);
    if let Some((_, reader)) = &snapshot {
        let months: Vec<BillingPeriod> = settings.periods.months().chain(around.iter().copied()).collect();
        stored = stored::read(reader, &mut catalogue, &mut capabilities, &months).await?;
    } else if let Some(saved) = saved {
        server_rows = Some(saved.file);
        stored = saved.stored;
    }
    refuse_unknown(&settings.check.resolve, catalogue.resources())?;

    stages.next("resolve");
    let aliases = SettledAliases::new(&aliases, &catalogue, &mut findings);
    let scope = &settings.check.resolve;
    let resolved = rows(&mut loaded.parsed, &catalogue, &capabilities, scope, &aliases, &mut findings);
    let (mut lines, rows_of_users) = (resolved.lines, resolved.rows_of_users);
    if has_file {
        months(&[], &catalogue, loaded.parsed.fates.counts(), &mut findings);
    }
    let stops = Stops::of(&findings, &loaded.parsed, &lines);
    findings.retain(|finding| stops.keeps(finding));
    if stops.of_run || !stops.is_empty() && !settings.skip_faulty {
        let stopped_by = snapshot.map(|(account, _)| Snapshot { account, capabilities, catalogue });
        return Ok(stopped(findings, loaded, stopped_by));
    }
    let mut remarks = remarks::of_files(&findings, &loaded.parsed);
    remarks.extend(remarks::of_rounding(loaded.parsed.rounding, &lines, &catalogue));
    let left_out = remarks::left_out(&stops, &loaded.parsed, &catalogue, &aliases);
    stops.take_out(&mut lines);
    for row in stops.skipped.keys() {
        loaded.parsed.fates.faulty(*row);
    }

    if let Some((_, reader)) = snapshot.as_ref().filter(|_| !settings.with_invoices) {
        // With invoices it is their lines that tell the price.
        let doubtful = plan_prices::doubtful(&lines, &catalogue);
        add_plan_periods(reader, &mut catalogue, &doubtful).await?;
    }

    let mut endpoints: Vec<Endpoint> = Vec::new();
    if let Some((_, reader)) = &snapshot {
        endpoints =
            endpoints::of_usages(reader.side(), &catalogue, (settings.periods, &around), stored.len());
    }
    stored.retain(|resource| catalogue.resource(resource).is_some_and(|own| scope.wants(own)));

    let mut invoices = BTreeMap::new();
    if settings.with_invoices
        && let Some((account, reader)) = &snapshot
    {
        stages.next("invoices");
        let mut customers = stored::customers(&catalogue, |resource| scope.wants(resource));
        let states_tax = loaded.parsed.tables.iter().any(|table| table.column(Field::Tax).is_some());
        let mut read = BTreeMap::new();
        for _ in 0..2 {
            for month in settings.periods.months() {
                let asked = (&customers, states_tax);
                read.insert(month, reader.invoices_in_full(account, &catalogue, asked, month).await?);
            }
            // Resources that only invoices show join the catalogue, and their lines are read with them.
            if !stored::learn_billed(&mut catalogue, &read) {
                break;
            }
            customers = stored::customers(&catalogue, |resource| scope.wants(resource));
        }
        let customers: Vec<CustomerId> = customers.into_iter().collect();
        endpoints.extend(endpoints::of_invoices(&read, &customers));
        let is_beside =
            |id: ResourceId| catalogue.resource(id).is_some_and(|resource| !scope.wants(resource));
        invoices = read.into_iter().map(|(month, read)| (month, invoice_side(read, is_beside))).collect();
    }
    let currency = currency(settings, snapshot.as_ref().map(|(_, reader)| reader), &mut endpoints).await?;

    stages.next("compare");
    let destination = snapshot.as_ref().map(|(_, reader)| reader.destination());
    let at = match (settings.now, &snapshot) {
        (Some(now), _) => now,
        (None, Some((_, reader))) => reader.now()?,
        (None, None) => return Err(Error::Bug("a report without a time".into())),
    };
    let account = snapshot.as_ref().map(|(account, _)| Reporter {
        id: account.id,
        role: account.role_for(catalogue.offerings().into_iter()),
    });
    let mut offerings: Vec<String> = catalogue.offerings().iter().map(|own| own.name.clone()).collect();
    offerings.sort();
    let made = Made {
        run: settings.run.unwrap_or_else(|| RunId::new(Uuid::new_v4())),
        at,
        tool_version: env!("CARGO_PKG_VERSION").into(),
    };
    let header = Header {
        server: destination.as_ref().map(|destination| destination.server.clone()),
        sandbox: destination.and_then(|destination| destination.sandbox),
        account,
        sides: sides(has_file, settings.with_invoices),
        months: settings
            .periods
            .months()
            .map(|period| Month { period, is_partial: period == current })
            .collect(),
        offerings,
        scope: scope_of(scope),
        currency,
        inputs: loaded.files,
        server_rows,
        rows: loaded.parsed.fates.counts(),
        rows_of_users,
        endpoints,
        rules: Vec::new(),
        remarks,
    };
    let skipped = stops.skipped.into_values().collect();
    let file = has_file.then(|| FileSide {
        lines: std::mem::take(&mut lines),
        tables: tables(&loaded.parsed),
        skipped,
        left_out,
    });
    // What was parsed is not looked at again, and can be large.
    drop(loaded.parsed);
    let compared =
        Compared { made, header, catalogue: &catalogue, periods: settings.periods, file, stored, invoices };
    Ok(Reconciled::Done(Box::new(compare(compared, &settings.rules)), findings))
}

fn sides(has_file: bool, with_invoices: bool) -> Sides {
    match (has_file, with_invoices) {
        (true, false) => Sides::FileAndServer,
        (true, true) => Sides::FileServerAndInvoices,
        (false, _) => Sides::ServerAndInvoices,
    }
}

fn stopped(findings: Findings, loaded: Loaded, snapshot: Option<Snapshot>) -> Reconciled {
    let (usages, people, tainted) =
        (Usages::default(), UserUsages::default(), std::collections::HashSet::new());
    let made_with = Vec::new();
    let mut check = Check { findings, loaded, usages, people, tainted, snapshot, named: None, made_with };
    check.mark_faulty();
    Reconciled::Stopped(Box::new(check))
}

/// The saved list that stands in for the server.
fn saved_list(settings: &ReconcileSettings) -> Result<(SavedList, Catalogue), Error> {
    let path = settings.server_rows.as_deref().unwrap_or(Path::new(""));
    let now = settings.now.ok_or_else(|| Error::Bug("a saved list without a time".into()))?;
    SavedList::read(path, settings.periods, &settings.check.offerings, now)
}

/// The server as it is asked, or as a saved list shows it.
async fn server_side(
    reader: Option<&Reader>,
    settings: &ReconcileSettings,
    parsed: &Parsed,
    saved: Option<thread::Result<Result<(SavedList, Catalogue), Error>>>,
) -> Result<ServerSide, Error> {
    let check = &settings.check;
    if let Some(saved) = saved {
        let (saved, catalogue) =
            saved.unwrap_or_else(|_| Err(Error::Bug("the saved list cannot be followed".into())))?;
        let capabilities = Capabilities::default();
        return Ok(ServerSide { snapshot: None, catalogue, capabilities, saved: Some(saved) });
    }
    let reader = reader.ok_or_else(|| Error::Bug("neither a server nor a saved list".into()))?;
    let zone = check.time_zone.as_deref();
    let seen = scope::seen(reader, parsed, &check.offerings, zone, settings.side).await?;
    let Snapshot { account, capabilities, catalogue } = seen.snapshot;
    Ok(ServerSide { snapshot: Some((account, seen.reader)), catalogue, capabilities, saved: None })
}

/// The month before the first one and the month after the last one, where they have begun.
fn around(periods: PeriodRange, current: BillingPeriod) -> Vec<BillingPeriod> {
    let after = Some(periods.last().next()).filter(|after| *after <= current);
    periods.first().previous().into_iter().chain(after).collect()
}

/// The server's month; refuses months that have not begun.
fn begun(periods: PeriodRange, catalogue: &Catalogue) -> Result<BillingPeriod, Error> {
    let current = catalogue.current_period();
    let current = current.ok_or_else(|| Error::Bug("a snapshot without a month".into()))?;
    match periods.last() {
        wanted if wanted > current => {
            let what = format!("{wanted} has not begun; the server's month is {current}");
            Err(Error::setting(what, format!("name months up to {current} with --period")))
        }
        _ => Ok(current),
    }
}

/// The profile's currency, else the server's own.
async fn currency(
    settings: &ReconcileSettings,
    reader: Option<&Reader>,
    endpoints: &mut Vec<Endpoint>,
) -> Result<Option<CurrencyOf>, Error> {
    if let Some(currency) = settings.currency {
        return Ok(Some(CurrencyOf { currency, source: "the profile".into() }));
    }
    let Some(reader) = reader else { return Ok(None) };
    let told = reader.currency().await?;
    let read = if told.is_some() { "the currency" } else { "no currency is told; set it in your profile" };
    endpoints.push(Endpoint { path: "configuration/".into(), read: read.into(), rows: told.iter().count() });
    let source = "the server's configuration";
    Ok(told.map(|currency| CurrencyOf { currency, source: source.into() }))
}

fn invoice_side(read: InvoicesInFull, is_beside: impl Fn(ResourceId) -> bool) -> InvoiceSide {
    let InvoicesInFull { seen, money, others, taxes, whole, .. } = read;
    let invoices = money.into_iter().map(|(customer, money)| {
        let (price, tax, total) = (money.price, money.tax, money.total);
        (customer, InvoiceMoney { invoice: money.invoice, price, tax, total })
    });
    let others = others.into_iter().map(|line| OtherLine {
        id: line.id,
        customer: line.customer,
        name: line.name,
        resource: line.resource,
        component: line.component,
        is_credit: line.is_credit,
        price: line.price,
    });
    let (invoices, others) = (invoices.collect(), others.collect());
    let beside = seen.all_lines().map(|line| line.resource).filter(|id| is_beside(*id)).collect();
    InvoiceSide { seen, beside, invoices, others, taxes, whole }
}

fn tables(parsed: &Parsed) -> Vec<TablePlace> {
    let place = |table: &Arc<crate::parse::ParsedTable>| TablePlace {
        file: table.table.file.clone(),
        sheet: table.table.sheet.clone(),
        headers: table.headers.clone(),
    };
    parsed.tables.iter().map(place).collect()
}
