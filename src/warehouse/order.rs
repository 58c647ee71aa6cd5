//! The order of the rows of a month: by their key, byte for byte.

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, StringArray, UInt32Array};
use arrow_ord::sort::{SortColumn, lexsort_to_indices};
use arrow_schema::ArrowError;
use arrow_select::take::take_record_batch;

use super::schema::Schema;
use super::slice::key_columns;

/// The rows by their key.
pub(super) fn sorted(schema: &Schema, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = key_columns(schema, rows);
    // Keys are texts; whatever else they become one day is sorted too, only slower.
    let texts: Option<Vec<&StringArray>> = columns
        .iter()
        .map(|column| column.as_string_opt::<i32>().filter(|column| column.null_count() == 0))
        .collect();
    let Some(texts) = texts.filter(|_| u32::try_from(rows.num_rows()).is_ok()) else {
        let columns: Vec<SortColumn> =
            columns.into_iter().map(|column| SortColumn { values: column.clone(), options: None }).collect();
        return take_record_batch(rows, &lexsort_to_indices(&columns, None)?);
    };
    if (1..rows.num_rows()).all(|row| compare(&texts, row - 1, row).is_le()) {
        return Ok(rows.clone());
    }
    take_record_batch(rows, &UInt32Array::from(order(&texts, rows.num_rows())))
}

/// The rows in their order, by the first bytes of the key as one number, and by the whole of it where these are
/// the same.
fn order(texts: &[&StringArray], rows: usize) -> Vec<u32> {
    let mut order: Vec<(u64, u32)> = (0_u32..)
        .zip(0..rows)
        .map(|(at, row)| (texts.first().map_or(0, |text| start(text.value(row))), at))
        .collect();
    let row = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
    order.sort_unstable_by(|left, right| {
        left.0
            .cmp(&right.0)
            .then_with(|| compare(texts, row(left.1), row(right.1)))
            .then_with(|| left.1.cmp(&right.1))
    });
    order.into_iter().map(|(_, at)| at).collect()
}

/// The first eight bytes; a shorter text comes before a longer one that begins with it.
fn start(text: &str) -> u64 {
    let mut bytes = [0; 8];
    let length = text.len().min(8);
    bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
    u64::from_be_bytes(bytes)
}

fn compare(texts: &[&StringArray], left: usize, right: usize) -> std::cmp::Ordering {
    let pairs = texts.iter().map(|text| text.value(left).cmp(text.value(right)));
    pairs.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
}

/// A row of sorted rows that has the key of the row before it.
pub(super) fn repeated(schema: &Schema, rows: &RecordBatch) -> Option<usize> {
    let columns = key_columns(schema, rows);
    let texts: Option<Vec<&StringArray>> =
        columns.iter().map(|column| column.as_string_opt::<i32>()).collect();
    let Some(texts) = texts.filter(|texts| !texts.is_empty()) else {
        let key = |row| super::slice::key(schema, rows, row);
        return (1..rows.num_rows()).find(|row| key(row - 1) == key(*row));
    };
    (1..rows.num_rows()).find(|row| {
        let is_same = |text: &&StringArray| {
            text.is_null(*row) == text.is_null(row - 1) && text.value(row - 1) == text.value(*row)
        };
        texts.iter().all(is_same)
    })
}
