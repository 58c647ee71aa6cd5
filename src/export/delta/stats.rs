//! What the log says of the rows of a file, so that readers can pass over files that cannot hold what they
//! look for: how many rows, how many cells are empty, and between which values the others lie.
//!
//! A bound that a reader could take for a tighter one than it is would make rows disappear from a result. So
//! a bound is left out where it could not be written exactly, and is never rounded inward.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::warehouse::{ColumnKind, PERIOD, Schema};

/// How many characters of a text are given.
const CHARACTERS: usize = 32;
/// Decimals of more digits are not given, because readers exist that take numbers of JSON for floating point.
const DIGITS: i128 = 10_i128.pow(15);
const MICROSECONDS: i64 = 1_000;

/// The statistics of the rows of a file, as JSON.
pub(super) fn stats(schema: &Schema, rows: &RecordBatch) -> String {
    let (mut least, mut most, mut empty) = (Vec::new(), Vec::new(), Vec::new());
    for (at, column) in schema.columns().iter().enumerate().filter(|(_, column)| column.name != PERIOD) {
        let name = quoted(&column.name);
        let cells = rows.column(at).as_ref();
        let (smallest, largest) = bounds(column.kind, cells);
        least.extend(smallest.map(|value| format!("{name}:{value}")));
        most.extend(largest.map(|value| format!("{name}:{value}")));
        empty.push(format!("{name}:{}", cells.null_count()));
    }
    format!(
        r#"{{"numRecords":{},"minValues":{{{}}},"maxValues":{{{}}},"nullCount":{{{}}}}}"#,
        rows.num_rows(),
        least.join(","),
        most.join(","),
        empty.join(",")
    )
}

/// The smallest and the largest value of a column as JSON.
fn bounds(kind: ColumnKind, cells: &dyn Array) -> (Option<String>, Option<String>) {
    match kind {
        ColumnKind::Text => {
            let texts = cells.as_string::<i32>();
            let least = texts.iter().flatten().min();
            let most = texts.iter().flatten().max();
            // The beginning of a text is not above it. What is not below it would have to be made up.
            let begin = |text: &str| quoted(&text.chars().take(CHARACTERS).collect::<String>());
            let whole = |text: &&str| text.chars().nth(CHARACTERS).is_none();
            (least.map(begin), most.filter(whole).map(quoted))
        }
        ColumnKind::Cents => decimals(cells, 2),
        ColumnKind::Fine => decimals(cells, 10),
        ColumnKind::Instant => {
            let instants = cells.as_primitive::<TimestampMicrosecondType>();
            let least = instants.iter().flatten().min();
            let most = instants.iter().flatten().max();
            // The format has milliseconds: downward below, upward above.
            let least = least.map(|value| value.div_euclid(MICROSECONDS));
            let most = most
                .map(|value| value.div_euclid(MICROSECONDS) + i64::from(value.rem_euclid(MICROSECONDS) > 0));
            (least.and_then(instant), most.and_then(instant))
        }
        ColumnKind::Day => {
            let days = cells.as_primitive::<Date32Type>();
            (days.iter().flatten().min().and_then(day), days.iter().flatten().max().and_then(day))
        }
        ColumnKind::Whole => {
            let numbers = cells.as_primitive::<Int64Type>();
            let text = |number: i64| number.to_string();
            (numbers.iter().flatten().min().map(text), numbers.iter().flatten().max().map(text))
        }
        ColumnKind::Flag => (None, None),
    }
}

fn decimals(cells: &dyn Array, places: usize) -> (Option<String>, Option<String>) {
    let numbers = cells.as_primitive::<Decimal128Type>();
    let text = |value: i128| {
        let digits = format!("{:0width$}", value.unsigned_abs(), width = places + 1);
        let (whole, part) = digits.split_at(digits.len() - places);
        (value.abs() < DIGITS).then(|| format!("{}{whole}.{part}", if value < 0 { "-" } else { "" }))
    };
    (numbers.iter().flatten().min().and_then(text), numbers.iter().flatten().max().and_then(text))
}

fn instant(milliseconds: i64) -> Option<String> {
    let time = Timestamp::from_millisecond(milliseconds).ok()?.to_zoned(TimeZone::UTC);
    Some(quoted(&time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()))
}

fn day(days: i32) -> Option<String> {
    let date = Date::constant(1970, 1, 1).checked_add(Span::new().try_days(days).ok()?).ok()?;
    Some(quoted(&date.to_string()))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
