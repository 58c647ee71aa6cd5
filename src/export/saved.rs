//! Rows that were read before: Parquet files of the same columns, taken apart into months.
//!
//! A month is all that is in memory at once. Where the statistics of the row groups tell the months apart,
//! as they do in what we write ourselves, a month is read from its own groups. Else the files are read once,
//! and what each month has of them is laid down on the disk until its turn comes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::types::Date32Type;
use arrow_array::{Array, Date32Array, RecordBatch, UInt32Array};
use arrow_select::concat::concat_batches;
use arrow_select::take::take_record_batch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

use crate::domain::{BillingPeriod, PeriodRange, visible};
use crate::warehouse::{PERIOD, Schema, Scope, Table};

use super::fitted::fitted;
use super::parquet::{DEPLOYMENT_KEY, SCOPE_KEY, TABLE_KEY};
use super::spill::{Spill, SpillWriter};
use super::{ExportError, first_day};

/// How many rows are taken apart at once.
const BATCH: usize = 1 << 16;
/// How often a row may be read, on average, before the rows are rather laid down on the disk.
const MOST_READINGS: usize = 2;
/// How many readers there are at most; each has a batch in memory.
const MOST_READERS: usize = 4;

const DEPLOYMENT: &str = "deployment";

/// A file of rows.
#[derive(Debug)]
pub struct SavedFile {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    /// The month that the way to the file names.
    period: Option<BillingPeriod>,
}

impl SavedFile {
    /// Reads what a file says of itself.
    pub fn open(path: &Path) -> Result<Self, ExportError> {
        let file =
            if super::disk::is_file(path)? { File::open(path) } else { Err(ErrorKind::NotFound.into()) };
        let file = file.map_err(super::disk::unreadable(path))?;
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = ArrowReaderMetadata::load(&file, options).map_err(|error| unusable(path, &error))?;
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
        let period = folder.strip_prefix("billing_period=").and_then(|month| month.parse().ok());
        Ok(Self { path: path.to_owned(), metadata, period })
    }

    /// Of which table it says that its rows are.
    pub fn table(&self) -> Option<Table> {
        self.said(TABLE_KEY)?.parse().ok()
    }

    /// What of the server its rows are, as far as it says so.
    pub fn scope(&self) -> Result<Scope, ExportError> {
        let scope = self.said(SCOPE_KEY).map(serde_json::from_str).transpose();
        Ok(scope.map_err(|error| self.unusable(&error))?.unwrap_or_default())
    }

    /// Of which server the rows are; `None` where neither the file nor its first row says it.
    pub fn deployment(&self) -> Result<Option<String>, ExportError> {
        if let Some(deployment) = self.said(DEPLOYMENT_KEY) {
            return Ok(Some(deployment.to_owned()));
        }
        let first = self.reader(None, &[DEPLOYMENT], 1)?.next();
        let first = first.transpose().map_err(|error| self.unusable(&error))?;
        let column = first.as_ref().and_then(|rows| rows.column_by_name(DEPLOYMENT)?.as_string_opt::<i32>());
        Ok(column.filter(|column| column.is_valid(0)).map(|column| column.value(0).to_owned()))
    }

    fn said(&self, key: &str) -> Option<&str> {
        let said = self.metadata.metadata().file_metadata().key_value_metadata()?;
        said.iter().find(|pair| pair.key == key)?.value.as_deref()
    }

    /// The names of its columns.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.metadata.schema().fields().iter().map(|field| field.name().as_str())
    }

    fn unusable(&self, reason: &(impl ToString + ?Sized)) -> ExportError {
        unusable(&self.path, &reason.to_string())
    }

    /// Reads these columns, of all groups or of one.
    fn reader(
        &self,
        group: Option<usize>,
        columns: &[&str],
        batch: usize,
    ) -> Result<ParquetRecordBatchReader, ExportError> {
        // A file that is shared has one position, and there are several readers.
        let file = File::open(&self.path).map_err(super::disk::unreadable(&self.path))?;
        let names = self.columns().enumerate().filter(|(_, name)| columns.contains(name));
        let roots: Vec<usize> = names.map(|(at, _)| at).collect();
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), roots);
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
            .with_projection(mask)
            .with_batch_size(batch);
        if let Some(group) = group {
            builder = builder.with_row_groups(vec![group]);
        }
        builder.build().map_err(|error| self.unusable(&error))
    }

    fn groups(&self) -> &[RowGroupMetaData] {
        self.metadata.metadata().row_groups()
    }

    /// The first and the last month of a group, as their first days; the widest range where nothing tells it.
    fn days(&self, group: &RowGroupMetaData) -> (i32, i32) {
        if let Some(period) = self.period {
            return (first_day(period), first_day(period));
        }
        let column = group.columns().iter().find(|column| column.column_path().string() == PERIOD);
        let range = column.and_then(|column| match column.statistics()? {
            Statistics::Int32(days) => days.min_opt().copied().zip(days.max_opt().copied()),
            _ => None,
        });
        range.unwrap_or((i32::MIN, i32::MAX))
    }

    /// Rows as the columns of a table hold them, with the month of each.
    fn fit(&self, schema: &Schema, deployment: &str, rows: &RecordBatch) -> Result<RecordBatch, ExportError> {
        let mut columns = Vec::with_capacity(schema.columns().len());
        for column in schema.columns() {
            let found = rows.column_by_name(&column.name);
            let array = match (found, column.name.as_ref(), self.period) {
                (None, PERIOD, Some(period)) => {
                    std::sync::Arc::new(Date32Array::from_value(first_day(period), rows.num_rows()))
                }
                (None, DEPLOYMENT, _) => super::fitted::repeated(deployment, rows.num_rows()),
                (None, _, _) if column.is_required => {
                    return Err(self.unusable(&format!("there is no column `{}`", column.name)));
                }
                (None, _, _) => arrow_array::new_null_array(&column.kind.arrow(), rows.num_rows()),
                (Some(array), _, _) => fitted(array, column.kind).map_err(|reason| {
                    self.unusable(&format!("column `{}` {reason}", visible(&column.name)))
                })?,
            };
            if column.is_required && array.null_count() > 0 {
                return Err(self.unusable(&format!("column `{}` is empty in a row", column.name)));
            }
            columns.push(array);
        }
        let rows = RecordBatch::try_new(schema.arrow(), columns).map_err(|error| self.unusable(&error))?;
        self.judge_deployment(deployment, &rows)?;
        Ok(rows)
    }

    /// Rows of two servers beside each other are no month of either.
    fn judge_deployment(&self, deployment: &str, rows: &RecordBatch) -> Result<(), ExportError> {
        let column = rows.column_by_name(DEPLOYMENT).and_then(|column| column.as_string_opt::<i32>());
        match column.and_then(|column| column.iter().flatten().find(|found| *found != deployment)) {
            None => Ok(()),
            Some(other) => {
                let (other, deployment) = (visible(other), visible(deployment));
                Err(self.unusable(&format!(
                    "they are of {other} and of {deployment}, and a target is of one server"
                )))
            }
        }
    }
}

fn unusable(path: &Path, reason: &impl ToString) -> ExportError {
    ExportError::Saved { path: path.to_owned(), reason: reason.to_string() }
}

/// The saved rows of a table.
#[derive(Debug)]
pub struct SavedTable {
    table: Table,
    files: Vec<SavedFile>,
    deployment: String,
    period: PeriodRange,
    /// Where the months were laid down; none until the first of them is read.
    plan: Mutex<Option<Plan>>,
}

/// How a month is come by.
#[derive(Debug)]
enum Plan {
    /// From its own row groups.
    Groups,
    /// From where it was laid down.
    Spilled(Spill),
}

impl SavedTable {
    /// The rows of the files, of which months of this range are asked for.
    pub fn new(table: Table, files: Vec<SavedFile>, deployment: &str, period: PeriodRange) -> Self {
        Self { table, files, deployment: deployment.to_owned(), period, plan: Mutex::new(None) }
    }

    /// Where the first of its files is.
    pub fn first_path(&self) -> PathBuf {
        self.files.first().map(|file| file.path.clone()).unwrap_or_default()
    }

    /// The names of columns that we do not know.
    pub fn unknown_columns(&self) -> BTreeSet<String> {
        let known = self.table.columns();
        let names = self.files.iter().flat_map(SavedFile::columns);
        names.filter(|name| known.iter().all(|column| column.name != *name)).map(str::to_owned).collect()
    }

    /// The rows of a month; refuses a month of which there are none, since nothing tells whether it had none.
    pub fn month(&self, schema: &Schema, period: BillingPeriod) -> Result<RecordBatch, ExportError> {
        let day = first_day(period);
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = match &mut *plan {
            Some(plan) => plan,
            unplanned => unplanned.insert(self.plan(schema)?),
        };
        let batches = match plan {
            Plan::Spilled(spill) => spill.month(day)?,
            Plan::Groups => {
                let found = Mutex::new(Vec::new());
                self.scan(schema, &self.groups(&|first, last| first <= day && day <= last), &|of, rows| {
                    if of == day {
                        found.lock().unwrap_or_else(PoisonError::into_inner).push(rows);
                    }
                    Ok(())
                })?;
                found.into_inner().unwrap_or_else(PoisonError::into_inner)
            }
        };
        if batches.iter().all(|rows| rows.num_rows() == 0) {
            let path = self.first_path();
            let reason = format!(
                "there is no row of {} of {period}, and nothing tells whether it has none",
                self.table
            );
            return Err(ExportError::Saved { path, reason });
        }
        concat_batches(&schema.arrow(), &batches).map_err(|error| self.files[0].unusable(&error))
    }

    fn plan(&self, schema: &Schema) -> Result<Plan, ExportError> {
        let days: Vec<i32> = self.period.months().map(first_day).collect();
        let groups =
            || self.files.iter().flat_map(|file| file.groups().iter().map(move |group| (file, group)));
        let rows = |group: &RowGroupMetaData| usize::try_from(group.num_rows()).unwrap_or(usize::MAX);
        let all = groups().map(|(_, group)| rows(group)).fold(0, usize::saturating_add);
        let read = groups().map(|(file, group)| {
            let (first, last) = file.days(group);
            let months = days.iter().filter(|day| (first..=last).contains(*day)).count();
            rows(group).saturating_mul(months)
        });
        if read.fold(0, usize::saturating_add) <= all.saturating_mul(MOST_READINGS) {
            return Ok(Plan::Groups);
        }
        let writer = SpillWriter::new(&schema.arrow(), &days);
        let groups = self.groups(&|first, last| days.iter().any(|day| (first..=last).contains(day)));
        self.scan(schema, &groups, &|day, rows| writer.put(day, &rows))?;
        writer.finish().map(Plan::Spilled)
    }

    /// The groups of all files that have months between these days, as file and group.
    fn groups(&self, wanted: &dyn Fn(i32, i32) -> bool) -> Vec<(usize, usize)> {
        let mut groups = Vec::new();
        for (at, file) in self.files.iter().enumerate() {
            for (number, group) in file.groups().iter().enumerate() {
                let (first, last) = file.days(group);
                if wanted(first, last) {
                    groups.push((at, number));
                }
            }
        }
        groups
    }

    /// Hands out the rows of groups, of one month at a time and in no order; several are read at once.
    fn scan(
        &self,
        schema: &Schema,
        groups: &[(usize, usize)],
        take: &(dyn Fn(i32, RecordBatch) -> Result<(), ExportError> + Sync),
    ) -> Result<(), ExportError> {
        let next = AtomicUsize::new(0);
        let failed: Mutex<Option<ExportError>> = Mutex::new(None);
        let names: Vec<&str> = schema.columns().iter().map(|column| column.name.as_ref()).collect();
        let work = || {
            while let Some((file, group)) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                if let Err(error) = self.scan_group(schema, &self.files[*file], *group, &names, take) {
                    next.store(groups.len(), Ordering::Relaxed);
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
            }
        };
        let readers = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_READERS);
        std::thread::scope(|threads| {
            for _ in 1..readers.min(groups.len().max(1)) {
                threads.spawn(work);
            }
            work();
        });
        failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }

    fn scan_group(
        &self,
        schema: &Schema,
        file: &SavedFile,
        group: usize,
        names: &[&str],
        take: &(dyn Fn(i32, RecordBatch) -> Result<(), ExportError> + Sync),
    ) -> Result<(), ExportError> {
        let unusable = |error: &dyn ToString| file.unusable(&error.to_string());
        for rows in file.reader(Some(group), names, BATCH)? {
            let rows = rows.map_err(|error| unusable(&error))?;
            let rows = file.fit(schema, &self.deployment, &rows)?;
            let days = rows.column_by_name(PERIOD).and_then(|column| column.as_primitive_opt::<Date32Type>());
            let days = days.ok_or_else(|| unusable(&"there is no month"))?.values();
            let Some(first) = days.first().copied() else { continue };
            if days.iter().all(|day| *day == first) {
                take(first, rows)?;
                continue;
            }
            let mut of_days: BTreeMap<i32, Vec<u32>> = BTreeMap::new();
            for (row, day) in (0_u32..).zip(days) {
                of_days.entry(*day).or_default().push(row);
            }
            for (day, own) in of_days {
                let own =
                    take_record_batch(&rows, &UInt32Array::from(own)).map_err(|error| unusable(&error))?;
                take(day, own)?;
            }
        }
        Ok(())
    }
}
