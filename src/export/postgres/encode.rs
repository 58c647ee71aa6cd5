//! Rows as PostgreSQL's binary COPY takes them, straight from the arrays: no cell becomes text that is
//! not text.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use uuid::Uuid;

use crate::domain::{BillingPeriod, visible};

use super::columns::{FieldKind, Layout};
use super::numeric::numeric;

/// What a binary COPY begins with: its mark, no flags, no extension.
pub(super) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What it ends with.
pub(super) const TRAILER: &[u8] = &(-1_i16).to_be_bytes();

/// PostgreSQL counts from the year 2000, Arrow from 1970.
const DAYS: i32 = 10_957;
const MICROSECONDS: i64 = 946_684_800_000_000;

/// A cell that PostgreSQL cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{column} has {why}")]
pub(super) struct EncodeError {
    pub(super) row: usize,
    pub(super) column: String,
    pub(super) why: String,
}

/// The rows of a slice.
pub(super) struct Encoder<'a> {
    columns: Vec<Column<'a>>,
    names: Vec<&'a str>,
    count: [u8; 2],
}

enum Column<'a> {
    Text(&'a StringArray),
    Uuid(&'a StringArray),
    Decimal(&'a Decimal128Array, u8),
    Instant(&'a TimestampMicrosecondArray),
    Day(&'a Date32Array),
    Flag(&'a BooleanArray),
    Whole(&'a Int64Array),
    /// The same day in every row.
    Month(i32),
}

impl<'a> Encoder<'a> {
    /// An encoder of rows that have the columns of the layout's schema.
    pub(super) fn new(
        layout: &'a Layout,
        rows: &'a RecordBatch,
        period: BillingPeriod,
    ) -> Result<Self, EncodeError> {
        let mut columns = Vec::with_capacity(layout.fields.len());
        for field in &layout.fields {
            let Some(at) = field.source else {
                columns.push(Column::Month(days_to(period)));
                continue;
            };
            let array = rows.column(at).as_ref();
            columns.push(match field.kind {
                FieldKind::Text => Column::Text(without_nul(&field.name, array.as_string())?),
                FieldKind::Uuid => Column::Uuid(array.as_string()),
                FieldKind::Cents => Column::Decimal(array.as_primitive::<Decimal128Type>(), 2),
                FieldKind::Fine => Column::Decimal(array.as_primitive::<Decimal128Type>(), 10),
                FieldKind::Instant => Column::Instant(array.as_primitive::<TimestampMicrosecondType>()),
                FieldKind::Day => Column::Day(array.as_primitive::<Date32Type>()),
                FieldKind::Flag => Column::Flag(array.as_boolean()),
                FieldKind::Whole => Column::Whole(array.as_primitive::<Int64Type>()),
            });
        }
        let names = layout.fields.iter().map(|field| field.name.as_str()).collect();
        let count = i16::try_from(columns.len()).unwrap_or(i16::MAX).to_be_bytes();
        Ok(Self { columns, names, count })
    }

    /// Puts rows behind what is there, up to the last one or until there are so many bytes; the first row
    /// that is still to come is returned.
    pub(super) fn put(
        &self,
        rows: Range<usize>,
        bytes: usize,
        out: &mut Vec<u8>,
    ) -> Result<usize, EncodeError> {
        for row in rows.clone() {
            if out.len() >= bytes {
                return Ok(row);
            }
            out.extend_from_slice(&self.count);
            for (at, column) in self.columns.iter().enumerate() {
                column.put(row, out).map_err(|why| EncodeError {
                    row,
                    column: visible(self.names[at]).to_string(),
                    why,
                })?;
            }
        }
        Ok(rows.end)
    }
}

impl Column<'_> {
    fn put(&self, row: usize, out: &mut Vec<u8>) -> Result<(), String> {
        if self.is_null(row) {
            out.extend_from_slice(&(-1_i32).to_be_bytes());
            return Ok(());
        }
        match self {
            Self::Text(array) => {
                let text = array.value(row).as_bytes();
                let length = i32::try_from(text.len()).map_err(|_| "a text of more than 2 GiB".to_owned())?;
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(text);
            }
            Self::Uuid(array) => {
                let text = array.value(row);
                let uuid =
                    Uuid::try_parse(text).map_err(|_| format!("`{}`, which is no uuid", visible(text)))?;
                put(out, uuid.as_bytes());
            }
            Self::Decimal(array, places) => numeric(array.value(row), *places, out)?,
            Self::Instant(array) => {
                let value =
                    array.value(row).checked_sub(MICROSECONDS).ok_or("an instant before all calendars")?;
                put(out, &value.to_be_bytes());
            }
            Self::Day(array) => {
                let value = array.value(row).checked_sub(DAYS).ok_or("a day before all calendars")?;
                put(out, &value.to_be_bytes());
            }
            Self::Flag(array) => put(out, &[u8::from(array.value(row))]),
            Self::Whole(array) => put(out, &array.value(row).to_be_bytes()),
            Self::Month(days) => put(out, &days.to_be_bytes()),
        }
        Ok(())
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Text(array) | Self::Uuid(array) => array.is_null(row),
            Self::Decimal(array, _) => array.is_null(row),
            Self::Instant(array) => array.is_null(row),
            Self::Day(array) => array.is_null(row),
            Self::Flag(array) => array.is_null(row),
            Self::Whole(array) => array.is_null(row),
            Self::Month(_) => false,
        }
    }
}

/// A value of a fixed length, after its length.
fn put<const N: usize>(out: &mut Vec<u8>, value: &[u8; N]) {
    out.extend_from_slice(&i32::try_from(N).unwrap_or_default().to_be_bytes());
    out.extend_from_slice(value);
}

/// The first day of a month, as PostgreSQL counts days.
fn days_to(period: BillingPeriod) -> i32 {
    let days = period.start().as_second().div_euclid(86_400);
    i32::try_from(days).map_or(0, |days| days - DAYS)
}

/// PostgreSQL's text has every character but one. Looking for it in the whole array is cheap.
fn without_nul<'a>(column: &str, array: &'a StringArray) -> Result<&'a StringArray, EncodeError> {
    if memchr::memchr(0, array.value_data()).is_some() {
        let row = (0..array.len()).find(|row| !array.is_null(*row) && array.value(*row).contains('\0'));
        if let Some(row) = row {
            let why = "the character U+0000, which PostgreSQL has in no text".to_owned();
            return Err(EncodeError { row, column: visible(column).to_string(), why });
        }
    }
    Ok(array)
}
