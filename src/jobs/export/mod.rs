//! `export`: months of tables to targets, and nothing where nothing changed.
//!
//! Each month is read whole and compared by its hash with the manifest at each target. No state of ours
//! decides what is written, so a run on an empty disk does what is right.

mod focus;
mod source;

pub use focus::FocusMonths;
pub use source::{Extract, MonthSource};

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::{BillingPeriod, PeriodRange, RunId, visible};
use crate::error::Error;
use crate::export::{ExportSink, Replacement};
use crate::jobs::{Observer, Stages};
use crate::warehouse::{
    ComponentDifference, Contract, Entry, FORMAT, Manifest, RevisionRecord, RunStamp, Schema, Scope, Table,
    VERSION, compare,
};

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
    /// Whether text that a spreadsheet would take for a formula is guarded.
    pub excel_safe: bool,
    /// The run.
    pub run: RunId,
    /// When it reads.
    pub now: Timestamp,
}

/// What became of a month of a table at a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was not there.
    Published,
    /// It took the place of another content.
    Replaced,
    /// It was there with the same content.
    Unchanged,
    /// It was not looked at, because its invoices are closed.
    NotChecked,
}

/// A month of a table at a target.
#[derive(Debug, Clone)]
pub struct Done {
    /// The target.
    pub target: String,
    /// What stands there now.
    pub entry: Entry,
    /// What became of it.
    pub fate: Fate,
    /// How it changed, where it replaced another content.
    pub revision: Option<RevisionRecord>,
}

/// Exports the months to all targets; each month is read once.
pub async fn run(
    settings: &Settings,
    source: &mut dyn MonthSource,
    sinks: &mut [Box<dyn ExportSink>],
    observer: &dyn Observer,
) -> Result<Vec<Done>, Error> {
    let mut stages = Stages::begin(observer, "reading the manifests");
    let mut targets = Vec::new();
    for sink in sinks.iter_mut() {
        let found = sink.manifest().await?;
        targets.push(manifest(settings, &source.deployment(), &sink.name(), found)?);
    }
    stages.next("reading the fields of the server");
    let schemas = schemas(settings, source, &mut targets).await?;
    let mut done = Vec::new();
    for period in settings.period.months() {
        if settings.skip_closed && source.is_closed(period).await? && is_published(settings, &targets, period)
        {
            for (sink, manifest) in sinks.iter_mut().zip(&mut targets) {
                leave(settings, sink.as_mut(), manifest, period, &mut done).await?;
            }
            continue;
        }
        stages.next("reading a month");
        let extracts = source.month(period, &schemas).await?;
        stages.next("writing a month");
        for (sink, manifest) in sinks.iter_mut().zip(&mut targets) {
            publish(settings, sink.as_mut(), manifest, &extracts, &mut done).await?;
        }
    }
    Ok(done)
}

/// The manifest of a target, made for this run; refuses a target that holds something else.
fn manifest(
    settings: &Settings,
    deployment: &str,
    target: &str,
    found: Option<Manifest>,
) -> Result<Manifest, Error> {
    let stamp = stamp(settings);
    let Some(found) = found else {
        return Ok(Manifest {
            format: FORMAT.to_owned(),
            version: VERSION,
            schema_version: Schema::VERSION,
            deployment: deployment.to_owned(),
            scope: settings.scope.clone(),
            run: stamp,
            contract: settings.contract,
            evolved: BTreeMap::new(),
            discarded: BTreeMap::new(),
            excel_safe: settings.excel_safe,
            slices: Vec::new(),
            revisions: Vec::new(),
        });
    };
    let other = |what: &str, holds: &str| {
        let what = format!("{target} holds {what} {}, and a month is replaced whole", visible(holds));
        Err(Error::setting(what, "name another target for it"))
    };
    if found.deployment != deployment {
        return other("the server", &found.deployment);
    }
    if found.scope != settings.scope {
        return other("another selection:", &serde_json::to_string(&found.scope).unwrap_or_default());
    }
    Ok(found)
}

fn stamp(settings: &Settings) -> RunStamp {
    RunStamp {
        id: settings.run,
        time: settings.now,
        tool: concat!("waldur-usage ", env!("CARGO_PKG_VERSION")).to_owned(),
    }
}

/// The tables with their columns, one for all targets, so that each month is read once.
async fn schemas(
    settings: &Settings,
    source: &mut dyn MonthSource,
    targets: &mut [Manifest],
) -> Result<Vec<Arc<Schema>>, Error> {
    let mut schemas = Vec::new();
    for table in &settings.tables {
        let unknown = source.unknown_fields(*table).await?;
        let mut published: Vec<String> = Vec::new();
        for name in targets.iter().filter_map(|target| target.evolved.get(table.name())).flatten() {
            if !published.contains(name) {
                published.push(name.clone());
            }
        }
        let evolved = settings.contract.columns(*table, &unknown, &published)?;
        let discarded: Vec<String> = unknown.into_iter().filter(|name| !evolved.contains(name)).collect();
        for target in targets.iter_mut() {
            record(&mut target.evolved, *table, &evolved);
            record(&mut target.discarded, *table, &discarded);
        }
        schemas.push(Arc::new(Schema::new(*table, &evolved)));
    }
    Ok(schemas)
}

fn record(fields: &mut BTreeMap<String, Vec<String>>, table: Table, names: &[String]) {
    if names.is_empty() {
        fields.remove(table.name());
    } else {
        fields.insert(table.name().to_owned(), names.to_vec());
    }
}

fn is_published(settings: &Settings, targets: &[Manifest], period: BillingPeriod) -> bool {
    let has =
        |target: &Manifest| settings.tables.iter().all(|table| target.entry(table.name(), period).is_some());
    targets.iter().all(has)
}

/// Leaves a month as it is, and says in the manifest since when nobody looked.
async fn leave(
    settings: &Settings,
    sink: &mut dyn ExportSink,
    manifest: &mut Manifest,
    period: BillingPeriod,
    done: &mut Vec<Done>,
) -> Result<(), Error> {
    let mut told = manifest.clone();
    for table in &settings.tables {
        let Some(entry) = manifest.entry(table.name(), period) else { continue };
        let since = entry.not_checked_since.unwrap_or(settings.now);
        let entry = Entry { not_checked_since: Some(since), ..entry.clone() };
        told.put(entry.clone());
        done.push(Done { target: sink.name(), entry, fate: Fate::NotChecked, revision: None });
    }
    if told != *manifest {
        told.run = stamp(settings);
        *manifest = sink.publish(Vec::new(), told).await?;
    }
    Ok(())
}

/// Writes what changed of a month to a target.
async fn publish(
    settings: &Settings,
    sink: &mut dyn ExportSink,
    manifest: &mut Manifest,
    extracts: &[Extract],
    done: &mut Vec<Done>,
) -> Result<(), Error> {
    let mut told = manifest.clone();
    let mut replacements = Vec::new();
    for extract in extracts {
        let slice = &extract.slice;
        let table = slice.schema().table().name();
        let old = manifest.entry(table, slice.period()).cloned();
        if let Some(old) = old.as_ref().filter(|old| old.content == slice.digest()) {
            if sink.stands(old).await? {
                let entry = Entry { not_checked_since: None, ..old.clone() };
                told.put(entry.clone());
                done.push(Done { target: sink.name(), entry, fate: Fate::Unchanged, revision: None });
                continue;
            }
        }
        let entry = Entry {
            table: table.to_owned(),
            period: slice.period(),
            rows: slice.rows().num_rows(),
            sums: slice.sums().map_err(|error| Error::Bug(error.to_string()))?,
            content: slice.digest().to_owned(),
            file: None,
            revision: old.as_ref().map_or(1, |old| old.revision + u32::from(old.content != slice.digest())),
            proof: extract.proof.clone(),
            run: stamp(settings),
            not_checked_since: None,
        };
        let revision = match &old {
            Some(old) if old.content != slice.digest() => Some(revised(sink, old, &entry, slice).await?),
            Some(_) | None => None,
        };
        told.revisions.extend(revision.clone());
        let fate = if old.is_some() { Fate::Replaced } else { Fate::Published };
        done.push(Done { target: sink.name(), entry: entry.clone(), fate, revision });
        replacements.push(Replacement { slice: slice.clone(), entry });
    }
    if !replacements.is_empty() || told != *manifest {
        told.run = stamp(settings);
        *manifest = sink.publish(replacements, told).await?;
    }
    Ok(())
}

/// How a month that was published changed.
async fn revised(
    sink: &mut dyn ExportSink,
    old: &Entry,
    new: &Entry,
    slice: &crate::warehouse::Slice,
) -> Result<RevisionRecord, Error> {
    let stands = sink.stands(old).await?;
    let rows = if stands { sink.rows(slice.schema(), old).await? } else { None };
    Ok(RevisionRecord {
        table: new.table.clone(),
        period: new.period,
        revision: new.revision,
        run: new.run.clone(),
        rows: rows.map(|rows| compare((slice.schema(), &rows), slice)),
        difference: ComponentDifference::between(&old.sums, &new.sums)
            .ok_or_else(|| Error::Bug("a difference of sums is beyond 10^24".into()))?,
    })
}
