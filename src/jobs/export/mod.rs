//! `export`: months of tables to targets, and nothing where nothing changed.
//!
//! Each month is read whole and compared by its hash with the manifest at each target. No state of ours
//! decides what is written, so a run on an empty disk does what is right.

mod focus;
mod outcome;
mod saved;
mod server;
mod source;
mod target;

pub use focus::FocusMonths;
pub use outcome::{Done, ExportDocument, Fate};
pub use saved::SavedMonths;
pub use server::ServerMonths;
pub use source::MonthSource;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use crate::domain::{BillingPeriod, PeriodRange, RunId, visible};
use crate::error::Error;
use crate::export::ExportSink;
use crate::jobs::Observer;
use crate::warehouse::{Contract, Schema, Scope, Table};

use target::Target;

/// What is exported.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The months.
    pub period: PeriodRange,
    /// The tables.
    pub tables: Vec<Table>,
    /// The columns and filters.
    pub scope: Scope,
    /// What is done with fields that we do not know.
    pub contract: Contract,
    /// Whether months whose invoices are closed, and which were published, are left as they are.
    pub skip_closed: bool,
    /// Whether months may lose what the account saw by roles that it has lost since.
    pub accept_lost_roles: bool,
    /// The run.
    pub run: RunId,
    /// When it reads.
    pub now: Timestamp,
}

/// Exports the months to all targets; each month is read once. What was carried out stands in `done`, also
/// where an error ends the run.
pub async fn run(
    settings: &Settings,
    source: &mut dyn MonthSource,
    sinks: &mut [Box<dyn ExportSink>],
    observer: &dyn Observer,
    done: &mut Vec<Done>,
) -> Result<(), Error> {
    let mut targets = Vec::new();
    let (deployment, roles) = (source.deployment(), source.roles());
    for sink in sinks.iter_mut() {
        targets.push(Target::open(settings, (&deployment, &roles), sink.as_mut()).await?);
    }
    let schemas = staged(observer, "reading the fields", schemas(settings, source, &mut targets)).await?;
    let (skipped, closed) = skipped(settings, source, &mut targets).await?;
    for period in &skipped {
        for target in &mut targets {
            target.leave(settings, *period, done).await?;
        }
    }
    let periods: Vec<BillingPeriod> =
        settings.period.months().filter(|period| !skipped.contains(period)).collect();
    let mut ahead = None;
    for (at, period) in periods.iter().enumerate() {
        let extracts = match ahead.take() {
            Some(extracts) => extracts,
            None => staged(observer, &format!("reading {period}"), source.month(*period, &schemas)).await?,
        };
        // The next month is read while this one is written. One that cannot be read waits for the other to be
        // written whole; one that cannot be written ends both.
        let next = periods.get(at + 1).copied();
        let meanwhile = next.map_or_else(String::new, |next| format!(", reading {next}"));
        let stage = format!("writing {period} ({} of {}){meanwhile}", at + 1, periods.len());
        let reading = async {
            let read = match next {
                Some(next) => source.month(next, &schemas).await.map(Some),
                None => Ok(None),
            };
            Ok::<_, Error>(read)
        };
        let writing = async {
            for target in &mut targets {
                target.take(settings, &extracts, closed.get(period), done).await?;
            }
            Ok::<(), Error>(())
        };
        let both = async { tokio::try_join!(writing, reading) };
        ahead = staged(observer, &stage, both).await?.1?;
        // What never waits for anything would not hear of Ctrl-C.
        tokio::task::yield_now().await;
    }
    for target in &mut targets {
        target.finish(settings, done).await?;
    }
    Ok(())
}

/// Does something as a stage that an observer is told of.
async fn staged<T>(observer: &dyn Observer, stage: &str, work: impl Future<Output = T>) -> T {
    observer.begin(stage);
    let since = Instant::now();
    let result = work.await;
    observer.end(stage, since.elapsed());
    result
}

/// The hash of the invoices of each month that is closed.
type Closed = BTreeMap<BillingPeriod, String>;

/// The months that are left as they are: closed, and published at every target when the invoices were as they
/// are; and the hash of the invoices of every closed month.
async fn skipped(
    settings: &Settings,
    source: &mut dyn MonthSource,
    targets: &mut [Target<'_>],
) -> Result<(BTreeSet<BillingPeriod>, Closed), Error> {
    let (mut skipped, mut closed) = (BTreeSet::new(), Closed::new());
    if !settings.skip_closed {
        return Ok((skipped, closed));
    }
    'months: for period in settings.period.months() {
        let Some(invoices) = source.closed(period).await? else { continue };
        closed.insert(period, invoices.clone());
        for target in targets.iter_mut() {
            if !target.has(&settings.tables, period, &invoices).await? {
                continue 'months;
            }
        }
        skipped.insert(period);
    }
    Ok((skipped, closed))
}

/// The tables with their columns, one for all targets, so that each month is read once.
async fn schemas(
    settings: &Settings,
    source: &mut dyn MonthSource,
    targets: &mut [Target<'_>],
) -> Result<Vec<Arc<Schema>>, Error> {
    let mut schemas = Vec::new();
    for table in &settings.tables {
        let unknown = source.unknown_fields(*table).await?;
        let mut published: Vec<String> = Vec::new();
        for name in targets.iter().flat_map(|target| target.evolved(*table)) {
            if !published.contains(name) {
                published.push(name.clone());
            }
        }
        let evolved = settings.contract.columns(*table, &unknown, &published)?;
        refuse_own_names(*table, &evolved)?;
        let discarded: Vec<String> = unknown.into_iter().filter(|name| !evolved.contains(name)).collect();
        for target in targets.iter_mut() {
            target.tell_fields(*table, &evolved, &discarded);
        }
        schemas.push(Arc::new(Schema::new(*table, &evolved)));
    }
    Ok(schemas)
}

/// Refuses to make a column of a field that is called as one of ours: one of the two would be lost. Databases and
/// workbooks do not tell large letters from small ones.
fn refuse_own_names(table: Table, evolved: &[String]) -> Result<(), Error> {
    let columns = table.columns();
    let mut taken: BTreeSet<String> = columns.iter().map(|column| column.name.to_lowercase()).collect();
    // Those that every table of PostgreSQL has.
    taken.extend(["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"].map(str::to_owned));
    if evolved.iter().any(|name| name.trim().is_empty()) {
        return Err(Error::setting(
            format!("the server has a field of {table} without a name, which makes no column"),
            "give --contract discard, which leaves the field out and says so in the manifest",
        ));
    }
    match evolved.iter().find(|name| !taken.insert(name.to_lowercase())) {
        None => Ok(()),
        Some(name) => Err(Error::setting(
            format!(
                "the server has a field {} of {table}, and a column of that name is there already",
                visible(name)
            ),
            "give --contract discard, which leaves the field out and says so in the manifest",
        )),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod kill_tests;
