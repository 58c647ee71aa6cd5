//! The hash of the content of a month: of the columns and of every cell, whatever arrays they came in.
//!
//! A column is hashed by itself, so that several can be hashed at once: how many rows it has, whether all of
//! its cells are one and the same, then which cells have a value, and then the values, texts after their
//! lengths and numbers at their full width. The hash of a month is that of its columns' hashes.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, PrimitiveArray, StringArray};

use crate::domain::Digest;

use super::column::ColumnKind;
use super::schema::Schema;

/// How much is hashed at once.
const BUFFER: usize = 1 << 16;

/// The hash of the hashes of all columns, in 64 hexadecimal digits.
pub(super) fn digest(schema: &Schema, columns: &[String]) -> String {
    let mut digest = Digest::default();
    schema.add_to(&mut digest);
    for hash in columns {
        digest.add(hash);
    }
    digest.finish()
}

/// What is hashed, in large parts.
struct Parts {
    digest: Digest,
    buffer: Vec<u8>,
}

impl Parts {
    fn new() -> Self {
        Self { digest: Digest::default(), buffer: Vec::with_capacity(2 * BUFFER) }
    }

    fn add(&mut self, part: &[u8]) {
        if part.len() >= BUFFER {
            self.digest.add(&self.buffer);
            self.buffer.clear();
            self.digest.add(part);
            return;
        }
        self.buffer.extend_from_slice(part);
        if self.buffer.len() >= BUFFER {
            self.digest.add(&self.buffer);
            self.buffer.clear();
        }
    }

    fn add_length(&mut self, length: usize) {
        self.add(&u64::try_from(length).unwrap_or(u64::MAX).to_le_bytes());
    }

    fn finish(mut self) -> String {
        self.digest.add(&self.buffer);
        self.digest.finish()
    }
}

/// The hash of a column.
pub(super) fn column_digest(kind: ColumnKind, array: &dyn Array) -> String {
    let mut parts = Parts::new();
    parts.add_length(array.len());
    match kind {
        ColumnKind::Text => text(&mut parts, array.as_string::<i32>()),
        ColumnKind::Cents | ColumnKind::Fine => {
            numbers(&mut parts, array.as_primitive::<Decimal128Type>(), i128::to_le_bytes);
        }
        ColumnKind::Instant => {
            numbers(&mut parts, array.as_primitive::<TimestampMicrosecondType>(), i64::to_le_bytes);
        }
        ColumnKind::Day => {
            numbers(&mut parts, array.as_primitive::<Date32Type>(), i32::to_le_bytes);
        }
        ColumnKind::Whole => {
            numbers(&mut parts, array.as_primitive::<Int64Type>(), i64::to_le_bytes);
        }
        ColumnKind::Flag => {
            let array = array.as_boolean();
            for row in 0..array.len() {
                parts.add(&[if array.is_null(row) { 2 } else { u8::from(array.value(row)) }]);
            }
        }
    }
    parts.finish()
}

/// Says which cells have a value, where not all do.
fn validity(parts: &mut Parts, array: &dyn Array) {
    if array.null_count() == 0 {
        parts.add(b"w");
        return;
    }
    parts.add(b"n");
    for row in 0..array.len() {
        parts.add(&[u8::from(array.is_valid(row))]);
    }
}

/// Texts. One that stands in every row, such as the server's address, is hashed once.
fn text(parts: &mut Parts, array: &StringArray) {
    let same = |row: usize| {
        array.is_null(row) == array.is_null(0) && (array.is_null(0) || array.value(row) == array.value(0))
    };
    if !array.is_empty() && (1..array.len()).all(same) {
        parts.add(if array.is_null(0) { b"=n" } else { b"=w" });
        if array.is_valid(0) {
            parts.add(array.value(0).as_bytes());
        }
        return;
    }
    parts.add(b"-");
    validity(parts, array);
    if array.null_count() == 0 {
        let offsets = array.value_offsets();
        for pair in offsets.windows(2) {
            parts.add(&(pair[1] - pair[0]).to_le_bytes());
        }
        // All values lie one behind the other.
        let ends = offsets.first().zip(offsets.last());
        let ends = ends
            .and_then(|(first, last)| Some((usize::try_from(*first).ok()?, usize::try_from(*last).ok()?)));
        parts.add(ends.and_then(|(first, last)| array.value_data().get(first..last)).unwrap_or_default());
        return;
    }
    for value in array.iter().flatten() {
        parts.add(&i32::try_from(value.len()).unwrap_or(i32::MAX).to_le_bytes());
    }
    for value in array.iter().flatten() {
        parts.add(value.as_bytes());
    }
}

fn numbers<T: ArrowPrimitiveType, const WIDTH: usize>(
    parts: &mut Parts,
    array: &PrimitiveArray<T>,
    bytes: impl Fn(T::Native) -> [u8; WIDTH],
) {
    validity(parts, array);
    if array.null_count() == 0 {
        for value in array.values() {
            parts.add(&bytes(*value));
        }
        return;
    }
    for value in array.iter().flatten() {
        parts.add(&bytes(value));
    }
}
