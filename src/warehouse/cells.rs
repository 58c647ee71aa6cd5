//! Cells on their way into typed columns and out again, as text.
//!
//! Text is the one form in which every reader and writer meets: a JSON value, a field of a csv, a cell that
//! is hashed. What goes in comes out in one spelling: `1.5` as `1.50`, an instant in UTC.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Decimal128Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::ArrowError;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::{Amount, visible};

use super::column::{Column, ColumnKind};
use super::schema::Schema;

/// The first day of Arrow's calendar.
const EPOCH: Date = Date::constant(1970, 1, 1);

/// A cell that its column cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{column}: `{}` is no {expected}", visible(found))]
pub struct CellError {
    /// The column.
    pub column: String,
    /// What was found.
    pub found: String,
    /// What the column holds.
    pub expected: &'static str,
}

/// Columns of a table that are being filled, row by row.
#[derive(Debug)]
pub struct Cells {
    schema: Arc<Schema>,
    columns: Vec<Builder>,
}

#[derive(Debug)]
enum Builder {
    Text(StringBuilder),
    Decimal(Decimal128Builder, Scale),
    Instant(TimestampMicrosecondBuilder),
    Day(Date32Builder),
    Flag(BooleanBuilder),
    Whole(Int64Builder),
}

/// A decimal type: how many digits, and how many steps of an [`Amount`] its last digit is.
#[derive(Debug, Clone, Copy)]
struct Scale {
    steps: i128,
    limit: i128,
}

const CENTS: Scale = Scale { steps: 100_000_000, limit: 10_i128.pow(20) };
const FINE: Scale = Scale { steps: 1, limit: 10_i128.pow(22) };

impl Cells {
    /// No row yet.
    pub fn new(schema: &Arc<Schema>) -> Self {
        Self { schema: Arc::clone(schema), columns: schema.columns().iter().map(Builder::new).collect() }
    }

    /// Adds a row of as many cells as there are columns. A row of which one cell is refused is to be
    /// thrown away with all others: columns before that cell have it already.
    pub fn push<'a>(&mut self, row: impl IntoIterator<Item = Option<Cow<'a, str>>>) -> Result<(), CellError> {
        let mut row = row.into_iter();
        for (column, builder) in self.schema.columns().iter().zip(&mut self.columns) {
            builder.push(column, row.next().flatten().as_deref())?;
        }
        Ok(())
    }

    /// The rows.
    pub fn finish(self) -> Result<RecordBatch, ArrowError> {
        let arrays = self.columns.into_iter().zip(self.schema.columns());
        let arrays = arrays.map(|(builder, column)| builder.finish(column)).collect();
        RecordBatch::try_new(self.schema.arrow(), arrays)
    }
}

impl Builder {
    fn new(column: &Column) -> Self {
        match column.kind {
            ColumnKind::Text => Self::Text(StringBuilder::new()),
            ColumnKind::Cents => Self::Decimal(Decimal128Builder::new(), CENTS),
            ColumnKind::Fine => Self::Decimal(Decimal128Builder::new(), FINE),
            ColumnKind::Instant => Self::Instant(TimestampMicrosecondBuilder::new()),
            ColumnKind::Day => Self::Day(Date32Builder::new()),
            ColumnKind::Flag => Self::Flag(BooleanBuilder::new()),
            ColumnKind::Whole => Self::Whole(Int64Builder::new()),
        }
    }

    fn push(&mut self, column: &Column, cell: Option<&str>) -> Result<(), CellError> {
        let error = |found: &str, expected| CellError {
            column: column.name.clone().into_owned(),
            found: found.to_owned(),
            expected,
        };
        if cell.is_none() && column.is_required {
            return Err(error("null", "value that a row may have here"));
        }
        match self {
            Self::Text(builder) => builder.append_option(cell),
            Self::Decimal(builder, scale) => {
                let value =
                    cell.map(|text| decimal(text, *scale).ok_or_else(|| error(text, column.kind.name())));
                builder.append_option(value.transpose()?);
            }
            Self::Instant(builder) => {
                let read = |text: &str| text.parse::<Timestamp>().ok().map(Timestamp::as_microsecond);
                let value = cell.map(|text| read(text).ok_or_else(|| error(text, "instant with its zone")));
                builder.append_option(value.transpose()?);
            }
            Self::Day(builder) => {
                let value = cell.map(|text| day(text).ok_or_else(|| error(text, "day as YYYY-MM-DD")));
                builder.append_option(value.transpose()?);
            }
            Self::Flag(builder) => {
                let value = cell.map(|text| text.parse::<bool>().map_err(|_| error(text, "true or false")));
                builder.append_option(value.transpose()?);
            }
            Self::Whole(builder) => {
                let value = cell.map(|text| text.parse::<i64>().map_err(|_| error(text, "whole number")));
                builder.append_option(value.transpose()?);
            }
        }
        Ok(())
    }

    fn finish(self, column: &Column) -> ArrayRef {
        match self {
            Self::Text(mut builder) => Arc::new(builder.finish()),
            Self::Decimal(mut builder, _) => Arc::new(builder.finish().with_data_type(column.kind.arrow())),
            Self::Instant(mut builder) => Arc::new(builder.finish().with_timezone("UTC")),
            Self::Day(mut builder) => Arc::new(builder.finish()),
            Self::Flag(mut builder) => Arc::new(builder.finish()),
            Self::Whole(mut builder) => Arc::new(builder.finish()),
        }
    }
}

/// A decimal as a whole number of its last digit; `None` where it has finer digits or too many.
fn decimal(text: &str, scale: Scale) -> Option<i128> {
    let steps = Amount::parse(text).ok()?.steps();
    let value = steps / scale.steps;
    (steps % scale.steps == 0 && value.abs() < scale.limit).then_some(value)
}

/// A day as the number of days since 1970.
fn day(text: &str) -> Option<i32> {
    let date: Date = text.parse().ok()?;
    date.since(EPOCH).ok().map(|span| span.get_days())
}

/// A cell as text; `None` where it is null. The cells of a row in this form, one after the other, are
/// taken by [`Cells::push`] again.
pub fn cell_text<'a>(column: &Column, array: &'a dyn Array, row: usize) -> Option<Cow<'a, str>> {
    if array.is_null(row) {
        return None;
    }
    Some(match column.kind {
        ColumnKind::Text => Cow::Borrowed(array.as_string::<i32>().value(row)),
        ColumnKind::Cents => fixed(array.as_primitive::<Decimal128Type>().value(row), 2),
        ColumnKind::Fine => fixed(array.as_primitive::<Decimal128Type>().value(row), 10),
        ColumnKind::Instant => {
            let value = array.as_primitive::<TimestampMicrosecondType>().value(row);
            Cow::Owned(Timestamp::from_microsecond(value).map_or_else(|_| String::new(), |at| at.to_string()))
        }
        ColumnKind::Day => {
            let days = array.as_primitive::<Date32Type>().value(row);
            let date = EPOCH.checked_add(jiff::Span::new().days(days));
            Cow::Owned(date.map_or_else(|_| String::new(), |date| date.to_string()))
        }
        ColumnKind::Flag => Cow::Borrowed(if array.as_boolean().value(row) { "true" } else { "false" }),
        ColumnKind::Whole => Cow::Owned(array.as_primitive::<Int64Type>().value(row).to_string()),
    })
}

/// A decimal with all its decimal places.
pub(super) fn fixed(value: i128, places: usize) -> Cow<'static, str> {
    let digits = format!("{:0width$}", value.unsigned_abs(), width = places + 1);
    let (whole, part) = digits.split_at(digits.len() - places);
    let sign = if value < 0 { "-" } else { "" };
    Cow::Owned(format!("{sign}{whole}.{part}"))
}
