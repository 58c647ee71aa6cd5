//! A month of a table, whole: sorted by its key, no key twice, with the hash of its content.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_schema::ArrowError;

use crate::domain::BillingPeriod;

use super::cells::cell_text;
use super::content::{column_digest, digest};
use super::manifest::ComponentSum;
use super::order::{repeated, sorted};
use super::schema::Schema;
use super::sums::sums;

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
        Self::of_parts(schema, period, vec![rows.clone()])
    }

    /// The same of rows that lie in several parts, which are sorted together.
    pub fn of_parts(
        schema: Arc<Schema>,
        period: BillingPeriod,
        parts: Vec<RecordBatch>,
    ) -> Result<Self, SliceError> {
        let hash = |at: usize, column: &dyn Array| column_digest(schema.columns()[at].kind, column);
        let (rows, hashes) = sorted(&schema, parts, hash)?;
        if let Some(row) = repeated(&schema, &rows) {
            let key = key(&schema, &rows, row);
            return Err(SliceError::Repeated { table: schema.table().name(), period, key });
        }
        let digest = digest(&schema, &hashes);
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

    /// The different texts of a column; `None` where it has none, or is no column of texts.
    pub fn texts(&self, column: &str) -> Option<HashSet<&str>> {
        let column = self.rows.column(self.schema.position(column)?).as_string_opt::<i32>()?;
        Some(column.iter().flatten().collect())
    }

    /// The SHA-256 of columns and rows, in 64 hexadecimal digits; the same for every format.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What the amounts come to, by component; empty where the table has none.
    pub fn sums(&self) -> Result<Vec<ComponentSum>, SliceError> {
        Self::sums_of(&self.schema, self.period, std::slice::from_ref(&self.rows))
    }

    /// What the amounts of rows come to that are no slice yet.
    pub fn sums_of(
        schema: &Schema,
        period: BillingPeriod,
        parts: &[RecordBatch],
    ) -> Result<Vec<ComponentSum>, SliceError> {
        sums(schema, parts).ok_or(SliceError::TooLarge { table: schema.table().name(), period })
    }
}

/// The columns of the key of a table.
pub(super) fn key_columns<'a>(schema: &Schema, rows: &'a RecordBatch) -> Vec<&'a Arc<dyn Array>> {
    let places = schema.table().key().iter().filter_map(|name| schema.position(name));
    places.map(|at| rows.column(at)).collect()
}

/// The key of a row as text.
pub(super) fn key(schema: &Schema, rows: &RecordBatch, row: usize) -> String {
    let parts = schema.table().key().iter().filter_map(|name| {
        let at = schema.position(name)?;
        cell_text(&schema.columns()[at], rows.column(at), row)
    });
    parts.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use arrow_array::UInt32Array;
    use arrow_select::concat::concat_batches;
    use arrow_select::take::take_record_batch;

    use super::*;
    use crate::warehouse::{Cells, Table};

    fn rows(schema: &Arc<Schema>, lines: &[&str]) -> RecordBatch {
        let mut cells = Cells::new(schema);
        for line in lines {
            let own = ["https://w.example", "2026-01-01"]
                .into_iter()
                .chain(line.split(','))
                .map(|cell| (!cell.is_empty()).then(|| cell.into()));
            cells.push(own).unwrap();
        }
        cells.finish().unwrap()
    }

    fn usages(lines: &[&str]) -> Slice {
        let schema = Arc::new(Schema::new(Table::Usages, &[]));
        let rows = rows(&schema, lines);
        Slice::new(schema, BillingPeriod::new(2026, 1).unwrap(), &rows).unwrap()
    }

    const LINES: [&str; 4] = [
        "b2,r1,cpu,1.50,words,true,none,2026-01-02T03:04:05Z,,7",
        "a1,r1,ram,-0.25,,,,,,",
        "a1longer,r2,cpu,10,,false,,,2026-01-02T03:04:05.000001Z,",
        "a,r2,gpu,99999999999999999.99,,,,,,",
    ];

    #[test]
    fn rows_in_parts_are_sorted_together() {
        let whole = usages(&LINES);
        let schema = whole.schema();
        for parts in [&[&LINES[..0], &LINES[2..], &LINES[..0], &LINES[..2], &LINES[..0]][..], &[&LINES[..]]] {
            let parts: Vec<RecordBatch> = parts.iter().map(|lines| rows(schema, lines)).collect();
            assert_eq!(Slice::sums_of(schema, whole.period(), &parts).unwrap(), whole.sums().unwrap());
            let slice = Slice::of_parts(Arc::clone(schema), whole.period(), parts).unwrap();
            assert_eq!((slice.digest(), slice.rows()), (whole.digest(), whole.rows()));
        }
        let none = Slice::of_parts(Arc::clone(schema), whole.period(), Vec::new()).unwrap();
        assert_eq!((none.rows().num_rows(), none.digest()), (0, usages(&[]).digest()));
    }

    #[test]
    fn rows_stand_in_the_order_of_their_key_and_the_hash_knows_no_order_and_no_chunks() {
        let slice = usages(&LINES);
        let keys: Vec<String> = (0..4).map(|row| key(slice.schema(), slice.rows(), row)).collect();
        assert_eq!(keys, ["a", "a1", "a1longer", "b2"]);
        let other = usages(&[LINES[3], LINES[0], LINES[2], LINES[1]]);
        assert_eq!((other.digest(), other.rows()), (slice.digest(), slice.rows()));
        // Parts of larger arrays, put together again.
        let schema = slice.schema();
        let all = rows(schema, &LINES);
        let more = concat_batches(&schema.arrow(), [&all, &all]).unwrap();
        let parts = [more.slice(4, 1), more.slice(1, 1), more.slice(2, 1), more.slice(7, 1)];
        let parts = concat_batches(&schema.arrow(), &parts).unwrap();
        let again = Slice::new(Arc::clone(schema), slice.period(), &parts).unwrap();
        assert_eq!(again.digest(), slice.digest());
        let sorted = take_record_batch(&all, &UInt32Array::from(vec![3, 1, 2, 0])).unwrap();
        let sorted = Slice::new(Arc::clone(schema), slice.period(), &sorted).unwrap();
        assert_eq!(sorted.digest(), slice.digest());
    }

    #[test]
    fn every_cell_and_every_border_between_cells_is_in_the_hash() {
        let base = usages(&LINES);
        let changed = [
            (0, "b2,r1,cpu,1.51,words,true,none,2026-01-02T03:04:05Z,,7"),
            (0, "b2,r1,cpu,1.50,word,true,none,2026-01-02T03:04:05Z,,7"),
            (0, "b2,r1,cpu,1.50,words,false,none,2026-01-02T03:04:05Z,,7"),
            (0, "b2,r1,cpu,1.50,words,,none,2026-01-02T03:04:05Z,,7"),
            (0, "b2,r1,cpu,1.50,words,true,none,2026-01-02T03:04:05.000001Z,,7"),
            (0, "b2,r1,cpu,1.50,words,true,none,,2026-01-02T03:04:05Z,7"),
            (0, "b2,r1,cpu,1.50,words,true,none,2026-01-02T03:04:05Z,,8"),
            (1, "a1,r1,ram,0.25,,,,,,"),
            (1, "a1,r1r,am,-0.25,,,,,,"),
            (1, "a1,r1,ram,-0.25,,,,,,0"),
        ];
        let mut seen = vec![base.digest().to_owned()];
        for (at, line) in changed {
            let mut lines = LINES;
            lines[at] = line;
            let digest = usages(&lines).digest().to_owned();
            assert!(!seen.contains(&digest), "{line}");
            seen.push(digest);
        }
        assert!(!seen.contains(&usages(&LINES[1..]).digest().to_owned()));
        let evolved = Arc::new(Schema::new(Table::Usages, &["colour".to_owned()]));
        let lines: Vec<String> = LINES.iter().map(|line| format!("{line},")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let more = Slice::new(Arc::clone(&evolved), base.period(), &rows(&evolved, &lines)).unwrap();
        assert!(!seen.contains(&more.digest().to_owned()), "a column more");
    }

    #[test]
    fn sums_are_exact_and_by_component() {
        let sums = usages(&LINES).sums().unwrap();
        let sums: Vec<String> = sums.iter().map(|sum| format!("{} {}", sum.component, sum.sum)).collect();
        assert_eq!(sums, ["cpu 11.50", "gpu 99999999999999999.99", "ram -0.25"]);
        assert_eq!(usages(&[]).sums().unwrap(), []);
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_by_its_name() {
        let schema = Arc::new(Schema::new(Table::Usages, &[]));
        let twice = rows(&schema, &[LINES[0], LINES[1], LINES[0]]);
        let error = Slice::new(schema, BillingPeriod::new(2026, 1).unwrap(), &twice).unwrap_err();
        assert_eq!(error.to_string(), "usages of 2026-01 has the key b2 twice");
        let schema = Arc::new(Schema::new(Table::Components, &[]));
        let lines = ["o1,cpu,CPU,hours,usage,,", "o1,ram,RAM,GB,usage,,", "o2,cpu,CPU,hours,usage,,"];
        let whole = rows(&schema, &lines);
        let slice = Slice::new(Arc::clone(&schema), BillingPeriod::new(2026, 1).unwrap(), &whole).unwrap();
        assert_eq!(slice.sums().unwrap(), []);
        let twice = rows(&schema, &[lines[2], lines[0], lines[2]]);
        let error = Slice::new(schema, BillingPeriod::new(2026, 1).unwrap(), &twice).unwrap_err();
        assert_eq!(error.to_string(), "components of 2026-01 has the key o2 cpu twice");
    }
}
