//! What the log says of the rows of a file, so that readers can pass over files that cannot hold what they
//! look for: how many rows, how many cells are empty, and between which values the others lie.
//!
//! A bound that a reader could take for a tighter one than it is would make rows disappear from a result. So a
//! bound is never rounded inward, and either each column that has a value has both of its bounds or no column
//! of the file has any: the Python package of Delta Lake takes a bound that is missing beside others for one
//! that no value lies within.

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

/// A bound cannot be written so that every reader reads it exactly.
struct Inexact;

/// The smallest and the largest value of a column as JSON; none where it has no value.
type Bounds = Option<(String, String)>;

/// The statistics of the rows of a file, as JSON.
pub(super) fn stats(schema: &Schema, rows: &RecordBatch) -> String {
    let columns = || schema.columns().iter().enumerate().filter(|(_, column)| column.name != PERIOD);
    let empty =
        columns().map(|(at, column)| format!("{}:{}", quoted(&column.name), rows.column(at).null_count()));
    let empty = empty.collect::<Vec<_>>().join(",");
    let bounds =
        columns().map(|(at, column)| Ok((quoted(&column.name), bounds(column.kind, rows.column(at))?)));
    let bounds: Result<Vec<(String, Bounds)>, Inexact> = bounds.collect();
    let bounds = bounds.map_or_else(|Inexact| String::new(), |bounds| told(&bounds));
    format!(r#"{{"numRecords":{},{bounds}"nullCount":{{{empty}}}}}"#, rows.num_rows())
}

/// The bounds of all columns.
fn told(bounds: &[(String, Bounds)]) -> String {
    let (mut least, mut most) = (Vec::new(), Vec::new());
    for (name, bounds) in bounds {
        if let Some((smallest, largest)) = bounds {
            least.push(format!("{name}:{smallest}"));
            most.push(format!("{name}:{largest}"));
        }
    }
    format!(r#""minValues":{{{}}},"maxValues":{{{}}},"#, least.join(","), most.join(","))
}

fn bounds(kind: ColumnKind, cells: &dyn Array) -> Result<Bounds, Inexact> {
    if cells.null_count() == cells.len() {
        return Ok(None);
    }
    let found = match kind {
        ColumnKind::Text => {
            let texts = cells.as_string::<i32>();
            ends(texts.iter()).and_then(|(least, most)| Some((beginning(least), end(most)?)))
        }
        ColumnKind::Cents => decimals(cells, 2),
        ColumnKind::Fine => decimals(cells, 10),
        ColumnKind::Instant => {
            let ends = ends(cells.as_primitive::<TimestampMicrosecondType>().iter());
            // The format has milliseconds: downward below, upward above.
            ends.and_then(|(least, most)| {
                let above = most.div_euclid(MICROSECONDS) + i64::from(most.rem_euclid(MICROSECONDS) > 0);
                Some((instant(least.div_euclid(MICROSECONDS))?, instant(above)?))
            })
        }
        ColumnKind::Day => ends(cells.as_primitive::<Date32Type>().iter())
            .and_then(|(least, most)| Some((day(least)?, day(most)?))),
        ColumnKind::Whole => ends(cells.as_primitive::<Int64Type>().iter())
            .map(|(least, most)| (least.to_string(), most.to_string())),
        ColumnKind::Flag => {
            ends(cells.as_boolean().iter()).map(|(least, most)| (least.to_string(), most.to_string()))
        }
    };
    found.map(Some).ok_or(Inexact)
}

/// The smallest and the largest of the values that are there.
fn ends<T: Ord + Copy>(cells: impl Iterator<Item = Option<T>>) -> Option<(T, T)> {
    let first = |value: T| (value, value);
    cells.flatten().fold(None, |ends: Option<(T, T)>, value| {
        Some(ends.map_or(first(value), |(least, most)| (least.min(value), most.max(value))))
    })
}

/// The beginning of a text, which is not above it.
fn beginning(text: &str) -> String {
    quoted(&text.chars().take(CHARACTERS).collect::<String>())
}

/// A text, or its beginning with the last of all characters, which is above every text that begins so and does
/// not go on with that character.
fn end(text: &str) -> Option<String> {
    match text.chars().nth(CHARACTERS) {
        None => Some(quoted(text)),
        Some(char::MAX) => None,
        Some(_) => Some(quoted(&text.chars().take(CHARACTERS).chain([char::MAX]).collect::<String>())),
    }
}

fn decimals(cells: &dyn Array, places: usize) -> Bounds {
    let text = |value: i128| {
        let digits = format!("{:0width$}", value.unsigned_abs(), width = places + 1);
        let (whole, part) = digits.split_at(digits.len() - places);
        (value.abs() < DIGITS).then(|| format!("{}{whole}.{part}", if value < 0 { "-" } else { "" }))
    };
    let ends = ends(cells.as_primitive::<Decimal128Type>().iter());
    ends.and_then(|(least, most)| Some((text(least)?, text(most)?)))
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
