//! A JSON object a line, for each row all columns in their order.
//!
//! Decimals are texts: readers that take a JSON number take it for a binary fraction, and those that load
//! decimals, of DuckDB, BigQuery, ClickHouse, Spark and Arrow, load them from texts exactly.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::sync::Arc;

use arrow_array::RecordBatch;
use serde_json::Value;

use crate::warehouse::{Cells, ColumnKind, Schema, Slice, cell_text};

/// Whether a cell of this kind is written as it is, and not as a text.
fn is_bare(kind: ColumnKind) -> bool {
    match kind {
        ColumnKind::Flag | ColumnKind::Whole => true,
        ColumnKind::Text | ColumnKind::Cents | ColumnKind::Fine | ColumnKind::Instant | ColumnKind::Day => {
            false
        }
    }
}

/// Writes a month.
pub(super) fn write(mut out: &mut dyn Write, slice: &Slice) -> io::Result<()> {
    let columns = slice.schema().columns();
    let mut keys = Vec::with_capacity(columns.len());
    for (at, column) in columns.iter().enumerate() {
        let separator = if at == 0 { '{' } else { ',' };
        keys.push(format!("{separator}{}:", serde_json::to_string(&column.name)?));
    }
    let rows = slice.rows();
    for row in 0..rows.num_rows() {
        for (at, column) in columns.iter().enumerate() {
            out.write_all(keys[at].as_bytes())?;
            match cell_text(column, rows.column(at), row) {
                None => out.write_all(b"null")?,
                Some(text) if is_bare(column.kind) => out.write_all(text.as_bytes())?,
                Some(text) => serde_json::to_writer(&mut out, &text)?,
            }
        }
        out.write_all(b"}\n")?;
    }
    Ok(())
}

/// The rows of a month; `None` where they are not as we write them.
pub(super) fn read(file: File, schema: &Schema) -> Option<RecordBatch> {
    let mut cells = Cells::new(&Arc::new(schema.clone()));
    for line in BufReader::new(file).lines() {
        let row: HashMap<String, Value> = serde_json::from_str(&line.ok()?).ok()?;
        let row = schema.columns().iter().map(|column| match row.get(column.name.as_ref())? {
            Value::Null => None,
            Value::String(text) => Some(text.as_str().into()),
            bare => Some(bare.to_string().into()),
        });
        cells.push(row).ok()?;
    }
    cells.finish().ok()
}
