//! Parquet files: plain columns, row after row.
//!
//! Decimals and integers come out exact, floats as the shortest decimal that means them, days and instants
//! as dates, nulls as blank cells. Columns with several values in a cell are refused by their names. Line 1
//! stands for the names of the columns.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use crate::domain::visible;
use crate::findings::{Code, Finding};
use crate::parse::{CellKind, RawRow, Table, odd};

use super::arrow_schema::{self, ArrowType};
use super::{Sink, Source};

/// Rows that are taken out of all columns at a time.
const BATCH: usize = 4096;

/// Rows and columns of a file; a few bytes can say that there are billions.
const MOST_ROWS: i64 = 10_000_000;
const MOST_COLUMNS: usize = 16_384;

/// What a column may unpack to, or as dense as this, but not both.
const LARGE_COLUMN: i64 = 1024 * 1024 * 1024;
const MOST_INFLATION: i64 = 1000;

/// What the values of a column mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Plain,
    Unsigned,
    Decimal { scale: u32 },
    Day,
    Instant { per_second: i64, zone: Zone },
    Duration { per_second: i64 },
    Time { per_second: i64 },
    Half,
    Uuid,
    Unknown,
}

/// Which midnight the one of an instant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zone {
    /// That of wherever it was written, or of UTC.
    Plain,
    /// That of UTC, while the instant is shown in another zone, where it may be another month.
    Other,
}

/// An open file.
pub struct ParquetFile {
    table: Arc<Table>,
    reader: SerializedFileReader<Bytes>,
    meanings: Vec<Meaning>,
}

impl ParquetFile {
    /// Reads what the file says of itself.
    pub fn open(name: &str, bytes: &[u8]) -> Result<Self, Finding> {
        let reader =
            SerializedFileReader::new(Bytes::copy_from_slice(bytes)).map_err(|error| refusal(&error))?;
        let schema = reader.metadata().file_metadata().schema_descr();
        let is_nested =
            |column: &ColumnDescriptor| column.max_rep_level() > 0 || column.path().parts().len() > 1;
        let nested: Vec<String> = schema
            .columns()
            .iter()
            .filter(|column| is_nested(column))
            .map(|column| {
                // How lists are laid out is of no use to the reader.
                let parts = column.path().parts();
                let shown = if column.max_rep_level() > 0 { &parts[..1] } else { parts };
                visible(&shown.join(".")).to_string()
            })
            .collect();
        if !nested.is_empty() {
            let found = format!("columns with several values in a cell: {}", nested.join(", "));
            return Err(Finding::new(Code::WrongFileType, found, "columns of plain values")
                .hint("write the file without them, or their values as columns of their own"));
        }
        if schema.num_columns() > MOST_COLUMNS {
            return Err(damaged(&format!("{} columns", schema.num_columns())));
        }
        check_size(&reader)?;
        let types = arrow_types(&reader)?;
        let meaning = |column: &ColumnDescriptor| meaning(column, types.get(column.name()));
        let meanings = schema.columns().iter().map(|column| meaning(column)).collect();
        let table = Arc::new(Table { file: name.into(), sheet: None });
        Ok(Self { table, reader, meanings })
    }
}

/// Refuses what would unpack out of all proportion.
fn check_size(reader: &SerializedFileReader<Bytes>) -> Result<(), Finding> {
    let mut rows = 0_i64;
    for group in reader.metadata().row_groups() {
        if group.num_rows() < 0 {
            return Err(damaged("fewer rows than none"));
        }
        rows = rows.saturating_add(group.num_rows());
        for column in group.columns() {
            let (packed, unpacked) = (column.compressed_size().max(1), column.uncompressed_size());
            if unpacked > LARGE_COLUMN && unpacked / packed > MOST_INFLATION {
                let name = visible(&column.column_path().string()).to_string();
                return Err(damaged(&format!("{name} inflates from {packed} to {unpacked} bytes")));
            }
        }
    }
    if rows > MOST_ROWS || rows != reader.metadata().file_metadata().num_rows() {
        return Err(damaged(&format!("{rows} rows")));
    }
    Ok(())
}

/// What Arrow says of the columns, where it was asked. It alone knows which integers are lengths of time.
fn arrow_types(reader: &SerializedFileReader<Bytes>) -> Result<HashMap<String, ArrowType>, Finding> {
    let metadata = reader.metadata().file_metadata().key_value_metadata();
    let schema = metadata.into_iter().flatten().find(|entry| entry.key == arrow_schema::KEY);
    let Some(encoded) = schema.and_then(|schema| schema.value.as_deref()) else { return Ok(HashMap::new()) };
    arrow_schema::types(encoded).ok_or_else(|| damaged("its Arrow schema breaks off"))
}

fn meaning(column: &ColumnDescriptor, arrow: Option<&ArrowType>) -> Meaning {
    let zone = match arrow {
        Some(ArrowType::Instant { zone: Some(zone) }) if !is_utc(zone) => Zone::Other,
        _ => Zone::Plain,
    };
    if let Some(ArrowType::Duration { per_second }) = arrow {
        return Meaning::Duration { per_second: *per_second };
    }
    let per_second = |unit: &TimeUnit| match unit {
        TimeUnit::MILLIS => 1_000,
        TimeUnit::MICROS => 1_000_000,
        TimeUnit::NANOS => 1_000_000_000,
    };
    match column.logical_type_ref() {
        Some(LogicalType::Decimal(decimal)) => decimal_meaning(decimal.scale),
        Some(LogicalType::Date) => Meaning::Day,
        Some(LogicalType::Timestamp(instant)) => {
            Meaning::Instant { per_second: per_second(&instant.unit), zone }
        }
        Some(LogicalType::Time(time)) => Meaning::Time { per_second: per_second(&time.unit) },
        Some(LogicalType::Float16) => Meaning::Half,
        Some(LogicalType::Integer(integer)) if !integer.is_signed => Meaning::Unsigned,
        Some(LogicalType::Integer(_) | LogicalType::String | LogicalType::Enum | LogicalType::Json) => {
            Meaning::Plain
        }
        Some(LogicalType::Uuid) => Meaning::Uuid,
        Some(_) => Meaning::Unknown,
        None => match column.converted_type() {
            ConvertedType::DECIMAL => decimal_meaning(column.type_scale()),
            ConvertedType::DATE => Meaning::Day,
            ConvertedType::TIMESTAMP_MILLIS => Meaning::Instant { per_second: 1_000, zone },
            ConvertedType::TIMESTAMP_MICROS => Meaning::Instant { per_second: 1_000_000, zone },
            ConvertedType::TIME_MILLIS => Meaning::Time { per_second: 1_000 },
            ConvertedType::TIME_MICROS => Meaning::Time { per_second: 1_000_000 },
            ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64 => Meaning::Unsigned,
            ConvertedType::INTERVAL | ConvertedType::BSON => Meaning::Unknown,
            _ => Meaning::Plain,
        },
    }
}

fn is_utc(zone: &str) -> bool {
    matches!(zone.to_ascii_uppercase().as_str(), "UTC" | "ETC/UTC" | "Z" | "+00:00" | "+0000" | "GMT")
}

fn decimal_meaning(scale: i32) -> Meaning {
    u32::try_from(scale)
        .ok()
        .filter(|scale| *scale <= 76)
        .map_or(Meaning::Unknown, |scale| Meaning::Decimal { scale })
}

impl Source for ParquetFile {
    fn each_row(&mut self, sink: &mut Sink<'_>) -> Result<(), Finding> {
        let mut row = RawRow::new(self.table.clone());
        row.start(1);
        let schema = self.reader.metadata().file_metadata().schema_descr();
        for (index, column) in schema.columns().iter().enumerate() {
            row.push(index, column.name(), CellKind::Text);
        }
        if sink(&row).is_break() {
            return Ok(());
        }
        let mut number = 1_u32;
        for group in 0..self.reader.num_row_groups() {
            let group = self.reader.get_row_group(group).map_err(|error| refusal(&error))?;
            let mut columns = self.columns(group.as_ref())?;
            let mut left = usize::try_from(group.metadata().num_rows()).unwrap_or_default();
            while left > 0 {
                let rows = left.min(BATCH);
                let read = |column: &mut Column| column.read(rows);
                let cells: Vec<Vec<Cell>> = columns.iter_mut().map(read).collect::<Result<_, _>>()?;
                for index in 0..rows {
                    number += 1;
                    row.start(number);
                    for (column, cells) in cells.iter().enumerate() {
                        let (text, kind) = &cells[index];
                        row.push(column, text, *kind);
                    }
                    if sink(&row).is_break() {
                        return Ok(());
                    }
                }
                left -= rows;
            }
            for column in &mut columns {
                column.end()?;
            }
        }
        Ok(())
    }

    fn table(&self) -> &Table {
        &self.table
    }

    fn remarks(&self) -> &[Finding] {
        &[]
    }

    fn delimiter(&self) -> Option<u8> {
        None
    }
}

impl ParquetFile {
    fn columns(&self, group: &dyn RowGroupReader) -> Result<Vec<Column>, Finding> {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        let open = |(index, meaning): (usize, &Meaning)| {
            let reader = group.get_column_reader(index).map_err(|error| refusal(&error))?;
            let column = schema.column(index);
            let (name, is_optional) = (column.name().to_owned(), column.max_def_level() > 0);
            Ok(Column { name, reader, meaning: *meaning, is_optional })
        };
        self.meanings.iter().enumerate().map(open).collect()
    }
}

type Cell = (String, CellKind);

/// A column of a group of rows.
struct Column {
    name: String,
    reader: ColumnReader,
    meaning: Meaning,
    is_optional: bool,
}

impl Column {
    /// Exactly so many cells.
    fn read(&mut self, rows: usize) -> Result<Vec<Cell>, Finding> {
        let cells = self.cells(rows)?;
        if cells.len() == rows { Ok(cells) } else { Err(self.broken()) }
    }

    /// No cell is left.
    fn end(&mut self) -> Result<(), Finding> {
        if self.cells(1)?.is_empty() { Ok(()) } else { Err(self.broken()) }
    }

    fn broken(&self) -> Finding {
        damaged(&format!("column {} has not as many values as rows", visible(&self.name)))
    }

    fn cells(&mut self, rows: usize) -> Result<Vec<Cell>, Finding> {
        let (meaning, optional) = (self.meaning, self.is_optional);
        let read = match &mut self.reader {
            ColumnReader::BoolColumnReader(reader) => {
                cells(reader, optional, rows, |value| (value.to_string(), CellKind::Boolean))
            }
            ColumnReader::Int32ColumnReader(reader) => cells(reader, optional, rows, |value| {
                let unsigned = i64::from(value.cast_unsigned());
                integer(if meaning == Meaning::Unsigned { unsigned } else { i64::from(*value) }, meaning)
            }),
            ColumnReader::Int64ColumnReader(reader) => cells(reader, optional, rows, |value| {
                if meaning == Meaning::Unsigned {
                    return (value.cast_unsigned().to_string(), CellKind::Number);
                }
                integer(*value, meaning)
            }),
            ColumnReader::Int96ColumnReader(reader) => {
                cells(reader, optional, rows, |value| instant(value.to_micros(), 1_000_000, Zone::Plain))
            }
            ColumnReader::FloatColumnReader(reader) => {
                cells(reader, optional, rows, |value| (value.to_string(), CellKind::Number))
            }
            ColumnReader::DoubleColumnReader(reader) => {
                cells(reader, optional, rows, |value| (value.to_string(), CellKind::Number))
            }
            ColumnReader::ByteArrayColumnReader(reader) => {
                cells(reader, optional, rows, |value| bytes(value.data(), meaning))
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                cells(reader, optional, rows, |value| bytes(value.data(), meaning))
            }
        };
        read.map_err(|error| refusal(&error))
    }
}

/// Up to so many cells of a column; blank ones for nulls.
fn cells<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    is_optional: bool,
    rows: usize,
    show: impl Fn(&T::T) -> Cell,
) -> Result<Vec<Cell>, ParquetError> {
    let mut cells = Vec::new();
    while cells.len() < rows {
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        let (records, ..) = reader.read_records(rows - cells.len(), Some(&mut levels), None, &mut values)?;
        if records == 0 {
            break;
        }
        let mut values = values.iter();
        if is_optional {
            for level in &levels {
                let value = if *level > 0 { values.next() } else { None };
                cells.push(value.map_or_else(|| (String::new(), CellKind::Blank), &show));
            }
        } else {
            cells.extend(values.map(&show));
        }
    }
    Ok(cells)
}

fn integer(value: i64, meaning: Meaning) -> Cell {
    match meaning {
        Meaning::Plain | Meaning::Unsigned | Meaning::Uuid => (value.to_string(), CellKind::Number),
        Meaning::Decimal { scale } => (decimal(i128::from(value), scale), CellKind::Number),
        Meaning::Day => instant(value.saturating_mul(86_400), 1, Zone::Plain),
        Meaning::Instant { per_second, zone } => instant(value, per_second, zone),
        Meaning::Duration { per_second } => (duration(value, per_second), CellKind::Date),
        Meaning::Time { per_second } => (clock(value / per_second) + odd::TIME_OF_DAY, CellKind::Date),
        Meaning::Half | Meaning::Unknown => unknown(),
    }
}

/// A length of time in hours, minutes and seconds, as it is told in hours where it is no amount.
fn duration(value: i64, per_second: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let (seconds, rest) = (value.unsigned_abs() / per_second.unsigned_abs(), value % per_second);
    let fraction = if rest == 0 { String::new() } else { format!(" and {}/{per_second} s", rest.abs()) };
    format!("{sign}PT{}H{}M{}S{fraction}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn clock(seconds: i64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn bytes(value: &[u8], meaning: Meaning) -> Cell {
    match meaning {
        Meaning::Decimal { scale } => match big_endian(value) {
            Some(value) => (decimal(value, scale), CellKind::Number),
            None => (odd::TOO_MANY_DIGITS.to_owned(), CellKind::Error),
        },
        Meaning::Uuid => match uuid::Uuid::from_slice(value) {
            Ok(id) => (id.simple().to_string(), CellKind::Text),
            Err(_) => unknown(),
        },
        Meaning::Plain => match std::str::from_utf8(value) {
            Ok("") => (String::new(), CellKind::Blank),
            Ok(text) => (text.to_owned(), CellKind::Text),
            Err(_) => (odd::NO_TEXT.to_owned(), CellKind::Error),
        },
        Meaning::Half => (odd::HALF_PRECISION.to_owned(), CellKind::Error),
        Meaning::Unsigned
        | Meaning::Day
        | Meaning::Instant { .. }
        | Meaning::Duration { .. }
        | Meaning::Time { .. }
        | Meaning::Unknown => unknown(),
    }
}

fn unknown() -> Cell {
    (odd::UNREAD_KIND.to_owned(), CellKind::Error)
}

/// A number in two's complement, highest byte first; `None` where it does not fit.
fn big_endian(bytes: &[u8]) -> Option<i128> {
    let first = *bytes.first()?;
    let sign = if first >= 0x80 { 0xff } else { 0 };
    let start = bytes.len().saturating_sub(16);
    let (beyond, rest) = bytes.split_at(start);
    if beyond.iter().any(|byte| *byte != sign) || (!beyond.is_empty() && (rest[0] ^ sign) >= 0x80) {
        return None;
    }
    let mut all = [sign; 16];
    all[16 - rest.len()..].copy_from_slice(rest);
    Some(i128::from_be_bytes(all))
}

/// A decimal without the zeros that its scale leaves behind.
fn decimal(value: i128, scale: u32) -> String {
    let scale = usize::try_from(scale).unwrap_or_default();
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    let part = part.trim_end_matches('0');
    let sign = if value < 0 { "-" } else { "" };
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

/// An instant since 1970 as its date, with its time where that is not midnight.
fn instant(value: i64, per_second: i64, zone: Zone) -> Cell {
    let nanoseconds = value.rem_euclid(per_second) * (1_000_000_000 / per_second);
    let nanoseconds = i32::try_from(nanoseconds).unwrap_or_default();
    let Ok(instant) = Timestamp::new(value.div_euclid(per_second), nanoseconds) else {
        return ("a date beyond the calendar".to_owned(), CellKind::Error);
    };
    let text = instant.to_zoned(TimeZone::UTC).datetime().to_string();
    let text = match text.split_once('T') {
        // Midnight elsewhere is no midnight of this zone, so it has to be seen that this is one.
        Some((day, time)) if zone == Zone::Other => format!("{day} {time}{}", odd::SHOWN_ELSEWHERE),
        Some((day, "00:00:00")) => day.to_owned(),
        Some((day, time)) => format!("{day} {time}"),
        None => text,
    };
    (text, CellKind::Date)
}

fn refusal(error: &ParquetError) -> Finding {
    damaged(&visible(&error.to_string()).to_string())
}

fn damaged(found: &str) -> Finding {
    let found = format!("a Parquet file that cannot be followed ({found})");
    Finding::new(Code::DamagedFile, found, "a sound .parquet file").hint("write it again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        assert_eq!(decimal(123_450, 4), "12.345");
        assert_eq!(decimal(-5, 2), "-0.05");
        assert_eq!(decimal(100, 2), "1");
        assert_eq!(decimal(7, 0), "7");
        assert_eq!(decimal(0, 6), "0");
        assert_eq!(big_endian(&[0xff, 0xfe]), Some(-2));
        assert_eq!(big_endian(&[&[0; 20][..], &[1, 0]].concat()), Some(256));
        assert_eq!(big_endian(&[&[0; 4][..], &[0x80], &[0; 15]].concat()), None);
        assert_eq!(big_endian(&[&[1][..], &[0; 16]].concat()), None);
        assert_eq!(big_endian(&[]), None);
    }

    #[test]
    fn instants_are_dates() {
        assert_eq!(instant(20_758 * 86_400, 1, Zone::Plain).0, "2026-11-01");
        assert_eq!(instant(20_758 * 86_400_000 - 1, 1_000, Zone::Plain).0, "2026-10-31 23:59:59.999");
        assert_eq!(instant(20_758 * 86_400, 1, Zone::Other).0, "2026-11-01 00:00:00 [UTC, shown elsewhere]");
        assert_eq!(instant(i64::MAX, 1, Zone::Plain).1, CellKind::Error);
    }
}
