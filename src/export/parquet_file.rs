//! Rows to a Parquet file and back, with writer settings that never change by themselves.
//!
//! The same rows give the same bytes: nothing of a run, of the time or of the version of this program goes
//! into a file. What a reader has to know of it stands in its metadata: the version of the columns, and
//! the server whose data it holds.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_select::concat::concat_batches;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::warehouse::Schema;

/// How many rows a reader can skip or take at once.
const ROWS_OF_A_GROUP: usize = 131_072;

/// Writes rows; the file is not yet safe on the disk.
pub(super) fn write(file: &File, rows: &RecordBatch, deployment: &str) -> Result<(), ParquetError> {
    let told = |key: &str, value: String| KeyValue::new(format!("waldur-usage.{key}"), value);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_created_by("waldur-usage".to_owned())
        .set_max_row_group_row_count(Some(ROWS_OF_A_GROUP))
        .set_key_value_metadata(Some(vec![
            told("schema-version", Schema::VERSION.to_string()),
            told("deployment", deployment.to_owned()),
        ]))
        .build();
    // The types of Parquet say all that there is to say; Arrow's own copy of them differs by its version.
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(BufWriter::new(file), rows.schema(), options)?;
    writer.write(rows)?;
    let mut file = writer.into_inner()?;
    file.flush()?;
    Ok(())
}

/// Reads all rows of a file.
pub(super) fn read(path: &Path) -> Result<RecordBatch, ParquetError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
    let schema = builder.schema().clone();
    let batches = builder.build()?.collect::<Result<Vec<_>, _>>()?;
    Ok(concat_batches(&schema, &batches)?)
}
