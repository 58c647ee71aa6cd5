//! The order of the rows of a month: by their key, byte for byte.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray, new_empty_array};
use arrow_ord::sort::{SortColumn, lexsort_to_indices};
use arrow_schema::ArrowError;
use arrow_select::concat::concat_batches;
use arrow_select::interleave::interleave;
use arrow_select::take::take_record_batch;

use super::schema::Schema;
use super::slice::key_columns;

/// From how many rows on it pays to work on columns at once.
const MANY: usize = 10_000;

/// The rows by their key, and something that is worked out of each column while it is at hand. A column of the
/// parts is given back as soon as it is sorted, so that the next one can lie where it lay.
pub(super) fn sorted<T: Send>(
    schema: &Schema,
    parts: Vec<RecordBatch>,
    work: impl Fn(usize, &dyn Array) -> T + Sync,
) -> Result<(RecordBatch, Vec<T>), ArrowError> {
    let order = match whole_texts(schema, &parts) {
        Some(texts) if is_sorted(&texts) => None,
        Some(texts) => Some(order(&texts, &parts)),
        // Keys are texts; whatever else they become one day is sorted too, only slower.
        None => return sorted_by_any(schema, &parts, work),
    };
    let rows = parts.iter().map(RecordBatch::num_rows).sum();
    let mut columns: Vec<(usize, Vec<ArrayRef>)> =
        (0..schema.columns().len()).map(|at| (at, Vec::with_capacity(parts.len()))).collect();
    for part in parts {
        let (_, own, _) = part.into_parts();
        columns.iter_mut().zip(own).for_each(|((_, column), own)| column.push(own));
    }
    let kinds = schema.columns();
    let sorted = |(at, mut column): (usize, Vec<ArrayRef>)| {
        let array = match (&order, column.pop()) {
            (_, None) => new_empty_array(&kinds[at].kind.arrow()),
            (None, Some(only)) => only,
            (Some(order), Some(last)) => {
                column.push(last);
                let parts: Vec<&dyn Array> = column.iter().map(AsRef::as_ref).collect();
                interleave(&parts, order)?
            }
        };
        drop(column);
        let worked_out = work(at, array.as_ref());
        Ok::<_, ArrowError>((array, worked_out))
    };
    let columns = of_columns(columns, rows, sorted).into_iter().collect::<Result<Vec<_>, _>>()?;
    let (columns, worked_out) = columns.into_iter().unzip();
    Ok((RecordBatch::try_new(schema.arrow(), columns)?, worked_out))
}

/// Sorts rows whose key is not of texts alone.
fn sorted_by_any<T>(
    schema: &Schema,
    parts: &[RecordBatch],
    work: impl Fn(usize, &dyn Array) -> T,
) -> Result<(RecordBatch, Vec<T>), ArrowError> {
    let rows = concat_batches(&schema.arrow(), parts)?;
    let columns = key_columns(schema, &rows);
    let columns: Vec<SortColumn> =
        columns.into_iter().map(|column| SortColumn { values: column.clone(), options: None }).collect();
    let rows = take_record_batch(&rows, &lexsort_to_indices(&columns, None)?)?;
    let worked_out =
        rows.columns().iter().enumerate().map(|(at, column)| work(at, column.as_ref())).collect();
    Ok((rows, worked_out))
}

/// Does something for each column; where there are many rows, for two of them at once.
fn of_columns<C: Send, T: Send>(columns: Vec<C>, rows: usize, work: impl Fn(C) -> T + Sync) -> Vec<T> {
    if rows < MANY {
        return columns.into_iter().map(work).collect();
    }
    // Columns of much text lie together, so neighbours go to different threads.
    let (even, odd): (Vec<_>, Vec<_>) = columns.into_iter().zip(0..).partition(|(_, at)| at % 2 == 0);
    let own =
        |columns: Vec<(C, i32)>| columns.into_iter().map(|(column, _)| work(column)).collect::<Vec<T>>();
    std::thread::scope(|threads| {
        let odd = threads.spawn(|| own(odd));
        let even = own(even);
        let mut odd = match odd.join() {
            Ok(odd) => odd.into_iter(),
            Err(panic) => std::panic::resume_unwind(panic),
        };
        even.into_iter().flat_map(|own| [Some(own), odd.next()]).flatten().collect()
    })
}

/// The columns of the keys of all parts, where all of them are texts that are there.
fn whole_texts<'a>(schema: &Schema, parts: &'a [RecordBatch]) -> Option<Vec<Vec<&'a StringArray>>> {
    parts.iter().map(|rows| texts(schema, rows)).collect()
}

/// Whether these are the keys of one part, or of none, and in order.
fn is_sorted(parts: &[Vec<&StringArray>]) -> bool {
    match parts {
        [] => true,
        [texts] => {
            let rows = texts.first().map_or(0, |text: &&StringArray| Array::len(*text));
            (1..rows).all(|row| compare(texts, row - 1, texts, row).is_le())
        }
        _ => false,
    }
}

/// The columns of the key, where all of them are texts that are there.
fn texts<'a>(schema: &Schema, rows: &'a RecordBatch) -> Option<Vec<&'a StringArray>> {
    let columns = key_columns(schema, rows).into_iter();
    columns.map(|column| column.as_string_opt::<i32>().filter(|column| column.null_count() == 0)).collect()
}

/// The part and the row of each in their order, by the first bytes of the key as one number, and by the whole of
/// it where these are the same.
fn order(texts: &[Vec<&StringArray>], parts: &[RecordBatch]) -> Vec<(usize, usize)> {
    let rows: usize = parts.iter().map(RecordBatch::num_rows).sum();
    let mut order: Vec<(u64, usize)> = Vec::with_capacity(rows);
    let mut starts: Vec<usize> = Vec::with_capacity(parts.len());
    for (texts, part) in texts.iter().zip(parts) {
        let before = order.len();
        starts.push(before);
        let key = |row| texts.first().map_or(0, |text| start(text.value(row)));
        order.extend((0..part.num_rows()).map(|row| (key(row), before + row)));
    }
    // The last part that begins at a row or before it has it: parts without rows begin where the next one does.
    let place = |at: usize| {
        let part = starts.partition_point(|start| *start <= at) - 1;
        (part, at - starts[part])
    };
    order.sort_unstable_by(|(left, one), (right, other)| {
        left.cmp(right).then_with(|| {
            let ((one_part, one_row), (other_part, other_row)) = (place(*one), place(*other));
            compare(&texts[one_part], one_row, &texts[other_part], other_row).then(one.cmp(other))
        })
    });
    order.into_iter().map(|(_, at)| place(at)).collect()
}

/// The first eight bytes; a shorter text comes before a longer one that begins with it.
fn start(text: &str) -> u64 {
    let mut bytes = [0; 8];
    let length = text.len().min(8);
    bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
    u64::from_be_bytes(bytes)
}

fn compare(one: &[&StringArray], left: usize, other: &[&StringArray], right: usize) -> std::cmp::Ordering {
    let pairs = one.iter().zip(other).map(|(one, other)| one.value(left).cmp(other.value(right)));
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
