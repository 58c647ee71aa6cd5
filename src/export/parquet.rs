//! Parquet: the exact types of the columns, and nothing that tells one run from another.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, RecordBatch, new_null_array};
use arrow_schema::{Field, Schema as ArrowSchema};
use arrow_select::concat::concat_batches;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use crate::domain::BillingPeriod;
use crate::warehouse::{Manifest, PERIOD, Schema, Slice};

/// The keys of the metadata of a file.
pub(super) const TABLE_KEY: &str = "waldur-usage.table";
pub(super) const SCHEMA_KEY: &str = "waldur-usage.schema_version";
pub(super) const DEPLOYMENT_KEY: &str = "waldur-usage.deployment";
pub(super) const SCOPE_KEY: &str = "waldur-usage.scope";

/// How many rows a row group has.
const ROWS_OF_A_GROUP: usize = 1 << 18;

/// What Parquet says of a file that cannot be written is what the system said.
pub(super) fn to_io(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(cause) => *cause,
            Err(cause) => io::Error::other(cause),
        },
        error => io::Error::other(error),
    }
}

/// Of which server rows are, and what of it.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    deployment: String,
    /// The scope as JSON; none where it is the whole.
    scope: Option<String>,
}

impl Origin {
    pub(super) fn of(manifest: &Manifest) -> Self {
        let is_whole = manifest.scope.filters.is_empty() && manifest.scope.account.is_none();
        let scope = (!is_whole).then(|| serde_json::to_string(&manifest.scope).unwrap_or_default());
        Self { deployment: manifest.deployment.clone(), scope }
    }
}

/// The settings of the writer. They hold no version of ours, so that a newer program writes the same bytes as
/// long as its libraries do.
fn properties(slice: &Slice, origin: &Origin) -> WriterProperties {
    let schema = slice.schema();
    let mut metadata = vec![
        (TABLE_KEY, schema.table().name().to_owned()),
        (SCHEMA_KEY, Schema::VERSION.to_string()),
        (DEPLOYMENT_KEY, origin.deployment.clone()),
    ];
    // Whoever reads the rows again has to know that they are not all that there were.
    metadata.extend(origin.scope.as_ref().map(|scope| (SCOPE_KEY, scope.clone())));
    let metadata = metadata.into_iter().map(|(key, value)| KeyValue::new(key.to_owned(), value)).collect();
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by("waldur-usage".to_owned())
        .set_max_row_group_row_count(Some(ROWS_OF_A_GROUP))
        .set_key_value_metadata(Some(metadata));
    // The last column of the key tells the rows apart: a dictionary of it is all of its values.
    if let Some(name) = schema.table().key().last() {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(*name), false);
    }
    properties.build()
}

/// The rows without the month, which the way to the file names.
fn without_period(rows: &RecordBatch) -> RecordBatch {
    let mut rows = rows.clone();
    if let Some(at) = rows.schema_ref().column_with_name(PERIOD).map(|(at, _)| at) {
        let _ = rows.remove_column(at);
    }
    rows
}

/// Writes a month.
pub(super) fn write(out: &mut (dyn Write + Send), slice: &Slice, origin: &Origin) -> io::Result<()> {
    let rows = without_period(slice.rows());
    let options = ArrowWriterOptions::new()
        .with_properties(properties(slice, origin))
        // The columns of Parquet say all that there is to say.
        .with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(out, rows.schema(), options).map_err(to_io)?;
    writer.write(&rows).map_err(to_io)?;
    writer.close().map_err(to_io)?;
    Ok(())
}

/// The rows of a month; `None` where they are not as we write them.
pub(super) fn read(file: File, schema: &Schema, period: BillingPeriod) -> Option<RecordBatch> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).ok()?;
    let found = Arc::clone(reader.schema());
    let batches = reader.with_batch_size(1 << 16).build().ok()?.collect::<Result<Vec<_>, _>>().ok()?;
    let rows = concat_batches(&found, &batches).ok()?;
    let days = super::first_day(period);
    let columns = schema.columns().iter().map(|column| -> Option<ArrayRef> {
        if column.name == PERIOD {
            return Some(Arc::new(Date32Array::from_value(days, rows.num_rows())));
        }
        match rows.column_by_name(&column.name) {
            Some(array) if *array.data_type() == column.kind.arrow() => Some(Arc::clone(array)),
            Some(_) => None,
            // A column that was added since.
            None => Some(new_null_array(&column.kind.arrow(), rows.num_rows())),
        }
    });
    let columns = columns.collect::<Option<Vec<_>>>()?;
    // What was published before a column was added has no value there, whatever is asked of it today.
    let fields: Vec<Field> = schema
        .columns()
        .iter()
        .map(|column| Field::new(column.name.as_ref(), column.kind.arrow(), true))
        .collect();
    RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), columns).ok()
}
