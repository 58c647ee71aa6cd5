//! A month of a table, whole: sorted by its key, no key twice, with the hash of its content.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ord::sort::{SortColumn, lexsort_to_indices};
use arrow_schema::ArrowError;
use arrow_select::take::take_record_batch;

use crate::domain::{Amount, BillingPeriod, Digest};

use super::cells::cell_text;
use super::manifest::ComponentSum;
use super::schema::Schema;

/// A month of a table.
#[derive(Debug, Clone)]
pub struct Slice {
    schema: Arc<Schema>,
    period: BillingPeriod,
    rows: RecordBatch,
    digest: String,
}

/// Rows are no month of a table.
#[derive(Debug, thiserror::Error)]
pub enum SliceError {
    /// A key stands twice.
    #[error("{table} of {period} has the key {key} twice")]
    Repeated {
        /// The table.
        table: &'static str,
        /// The month.
        period: BillingPeriod,
        /// The key.
        key: String,
    },
    /// A sum leaves the range of a decimal.
    #[error("the sum of {table} of {period} is beyond 10^24")]
    TooLarge {
        /// The table.
        table: &'static str,
        /// The month.
        period: BillingPeriod,
    },
    /// The columns cannot be worked with; a fault of ours.
    #[error("cannot sort rows")]
    Arrow(#[from] ArrowError),
}

impl Slice {
    /// Sorts the rows by their key and hashes them; refuses a key that stands twice.
    pub fn new(schema: Arc<Schema>, period: BillingPeriod, rows: &RecordBatch) -> Result<Self, SliceError> {
        let rows = sorted(&schema, rows)?;
        if let Some(key) = repeated(&schema, &rows) {
            return Err(SliceError::Repeated { table: schema.table().name(), period, key });
        }
        let digest = digest(&schema, &rows);
        Ok(Self { schema, period, rows, digest })
    }

    /// The table with its columns.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The month.
    pub fn period(&self) -> BillingPeriod {
        self.period
    }

    /// The rows, sorted.
    pub fn rows(&self) -> &RecordBatch {
        &self.rows
    }

    /// The SHA-256 of columns and rows, in 64 hexadecimal digits; the same for every format.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What the amounts come to, by component; empty where the table has none.
    pub fn sums(&self) -> Result<Vec<ComponentSum>, SliceError> {
        sums(&self.schema, &self.rows)
            .ok_or(SliceError::TooLarge { table: self.schema.table().name(), period: self.period })
    }
}

fn sorted(schema: &Schema, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let key = schema.table().key().iter().filter_map(|name| schema.position(name));
    let columns: Vec<SortColumn> =
        key.map(|at| SortColumn { values: Arc::clone(rows.column(at)), options: None }).collect();
    take_record_batch(rows, &lexsort_to_indices(&columns, None)?)
}

/// The key of a row as text.
pub(super) fn key(schema: &Schema, rows: &RecordBatch, row: usize) -> String {
    let parts = schema.table().key().iter().filter_map(|name| {
        let at = schema.position(name)?;
        cell_text(&schema.columns()[at], rows.column(at), row)
    });
    parts.collect::<Vec<_>>().join(" ")
}

fn repeated(schema: &Schema, rows: &RecordBatch) -> Option<String> {
    (1..rows.num_rows())
        .map(|row| (key(schema, rows, row - 1), key(schema, rows, row)))
        .find_map(|(before, this)| (before == this).then_some(this))
}

fn digest(schema: &Schema, rows: &RecordBatch) -> String {
    let mut digest = Digest::default();
    schema.add_to(&mut digest);
    for (at, column) in schema.columns().iter().enumerate() {
        for row in 0..rows.num_rows() {
            match cell_text(column, rows.column(at), row) {
                None => digest.add([0]),
                Some(text) => {
                    digest.add([1]);
                    digest.add(text.len().to_be_bytes());
                    digest.add(text.as_bytes());
                }
            }
        }
    }
    digest.finish()
}

/// What the amounts come to, by component; `None` where a sum leaves the range.
pub(super) fn sums(schema: &Schema, rows: &RecordBatch) -> Option<Vec<ComponentSum>> {
    let Some((group, measure)) = schema.table().measure() else { return Some(Vec::new()) };
    let (group, measure) = (schema.position(group)?, schema.position(measure)?);
    let mut sums: BTreeMap<String, Amount> = BTreeMap::new();
    for row in 0..rows.num_rows() {
        let amount = cell_text(&schema.columns()[measure], rows.column(measure), row);
        let amount = amount.map_or(Some(Amount::ZERO), |text| Amount::parse(&text).ok())?;
        let group = cell_text(&schema.columns()[group], rows.column(group), row).unwrap_or_default();
        let sum = sums.entry(group.into_owned()).or_default();
        *sum = sum.checked_add(amount)?;
    }
    Some(sums.into_iter().map(|(component, sum)| ComponentSum { component, sum }).collect())
}
