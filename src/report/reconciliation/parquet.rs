//! The lines as a table of Parquet: quantities and money as exact decimals of ten places, months as
//! their first day.
//!
//! The rest of the report, the proof and the totals, stands in the metadata of the file as the same
//! document that the json format has, without its lines.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use std::sync::Arc;

use jiff::civil::{Date, date};
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{
    ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use crate::domain::{Amount, BillingPeriod};
use crate::reconcile::{LineView, Report};
use crate::report::{ReportError, write_with};

use super::columns::{COLUMNS, Column, Kind, Value};
use super::json;

/// Under which key the rest of the report stands in the metadata.
pub(super) const REST: &str = "waldur-usage.reconciliation";

/// How many lines are held at once.
const LINES_OF_A_GROUP: usize = 65_536;

/// Writes the table.
pub(super) fn write(path: &Path, report: &Report) -> Result<(), ReportError> {
    write_with(path, |file| write_table(file, report).map_err(to_io))
}

/// What Parquet says of a file that cannot be written is what the system said.
fn to_io(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(cause) => *cause,
            Err(cause) => io::Error::other(cause),
        },
        error => io::Error::other(error),
    }
}

fn write_table(file: &mut File, report: &Report) -> Result<(), ParquetError> {
    let rest = json::rest(report).map_err(|error| ParquetError::External(Box::new(error)))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(parquet::basic::ZstdLevel::default()))
        .set_created_by(concat!("waldur-usage ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![KeyValue::new(REST.to_owned(), rest)]))
        .build();
    let mut writer = SerializedFileWriter::new(BufWriter::new(file), schema()?, Arc::new(properties))?;
    let mut views = report.views().peekable();
    while views.peek().is_some() {
        let lines: Vec<LineView<'_>> = views.by_ref().take(LINES_OF_A_GROUP).collect();
        let mut group = writer.next_row_group()?;
        for column in COLUMNS {
            if let Some(mut writer) = group.next_column()? {
                write_column(&mut writer, column, &lines)?;
                writer.close()?;
            }
        }
        group.close()?;
    }
    writer.close()?;
    Ok(())
}

fn schema() -> Result<TypePtr, ParquetError> {
    let fields: Result<Vec<TypePtr>, ParquetError> =
        COLUMNS.iter().map(|column| field(column).map(Arc::new)).collect();
    Type::group_type_builder("reconciliation").with_fields(fields?).build().map(Arc::new)
}

fn field(column: &Column) -> Result<Type, ParquetError> {
    let required = if matches!(column.kind, Kind::Count | Kind::Month) {
        Repetition::REQUIRED
    } else {
        Repetition::OPTIONAL
    };
    let field = |physical, logical| {
        Type::primitive_type_builder(column.name, physical)
            .with_repetition(required)
            .with_logical_type(logical)
    };
    match column.kind {
        Kind::Count => field(Physical::INT64, None).build(),
        Kind::Month => field(Physical::INT32, Some(LogicalType::Date)).build(),
        Kind::Text => field(Physical::BYTE_ARRAY, Some(LogicalType::String)).build(),
        // Twenty-four digits before the point and ten after it fit into 38, the most that 128 bits hold.
        Kind::Amount => field(Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::decimal(10, 38)))
            .with_length(16)
            .with_precision(38)
            .with_scale(10)
            .build(),
    }
}

fn write_column(
    writer: &mut SerializedColumnWriter<'_>,
    column: &Column,
    lines: &[LineView<'_>],
) -> Result<(), ParquetError> {
    let values = lines.iter().map(|line| (column.value)(line));
    match column.kind {
        Kind::Count => {
            let counts: Vec<i64> = values
                .map(|value| match value {
                    Value::Count(count) => i64::try_from(count).unwrap_or(i64::MAX),
                    _ => 0,
                })
                .collect();
            writer.typed::<Int64Type>().write_batch(&counts, None, None)?;
        }
        Kind::Month => {
            let days: Vec<i32> = values
                .map(|value| match value {
                    Value::Month(period) => first_day(period),
                    _ => 0,
                })
                .collect();
            writer.typed::<Int32Type>().write_batch(&days, None, None)?;
        }
        Kind::Amount => {
            let amounts: Vec<Option<Amount>> = values
                .map(|value| match value {
                    Value::Amount(amount) => Some(amount),
                    _ => None,
                })
                .collect();
            let there: Vec<i16> = amounts.iter().map(|amount| i16::from(amount.is_some())).collect();
            let decimals: Vec<FixedLenByteArray> = amounts
                .into_iter()
                .flatten()
                .map(|amount| ByteArray::from(amount.steps().to_be_bytes().to_vec()).into())
                .collect();
            writer.typed::<FixedLenByteArrayType>().write_batch(&decimals, Some(&there), None)?;
        }
        Kind::Text => {
            let texts: Vec<Option<ByteArray>> = values
                .map(|value| value.into_text().map(|text| ByteArray::from(text.into_owned().into_bytes())))
                .collect();
            let there: Vec<i16> = texts.iter().map(|text| i16::from(text.is_some())).collect();
            let texts: Vec<ByteArray> = texts.into_iter().flatten().collect();
            writer.typed::<ByteArrayType>().write_batch(&texts, Some(&there), None)?;
        }
    }
    Ok(())
}

/// The first day of a month, in days from the first of 1970.
fn first_day(period: BillingPeriod) -> i32 {
    let epoch = date(1970, 1, 1);
    let first = Date::new(period.year(), period.month(), 1).unwrap_or(epoch);
    first.since(epoch).map_or(0, |span| span.get_days())
}
