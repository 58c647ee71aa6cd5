//! Months laid down on the disk until their turn comes.
//!
//! The files stand in the folder for temporary files without a name: whatever happens to the program,
//! nothing is left of them.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Seek};
use std::sync::{Mutex, PoisonError};

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, SchemaRef};
use uuid::Uuid;

use super::ExportError;

type Writer = StreamWriter<BufWriter<File>>;

/// Months that are being laid down.
pub(super) struct SpillWriter {
    schema: SchemaRef,
    months: BTreeMap<i32, Mutex<Option<Writer>>>,
}

/// Months that were laid down.
#[derive(Debug)]
pub(super) struct Spill(BTreeMap<i32, File>);

impl SpillWriter {
    /// For months that begin on these days.
    pub(super) fn new(schema: &SchemaRef, days: &[i32]) -> Self {
        let months = days.iter().map(|day| (*day, Mutex::new(None))).collect();
        Self { schema: SchemaRef::clone(schema), months }
    }

    /// Lays rows of a month down; those of other months are passed over.
    pub(super) fn put(&self, day: i32, rows: &RecordBatch) -> Result<(), ExportError> {
        let Some(month) = self.months.get(&day) else { return Ok(()) };
        let mut month = month.lock().unwrap_or_else(PoisonError::into_inner);
        let writer = match &mut *month {
            Some(writer) => writer,
            unwritten => {
                let file = BufWriter::new(nameless().map_err(failed("write"))?);
                unwritten.insert(StreamWriter::try_new(file, &self.schema).map_err(io_failed("write"))?)
            }
        };
        writer.write(rows).map_err(io_failed("write"))
    }

    /// All is laid down.
    pub(super) fn finish(self) -> Result<Spill, ExportError> {
        let mut months = BTreeMap::new();
        for (day, month) in self.months {
            if let Some(writer) = month.into_inner().unwrap_or_else(PoisonError::into_inner) {
                let file = writer.into_inner().map_err(io_failed("write"))?;
                let file =
                    file.into_inner().map_err(io::IntoInnerError::into_error).map_err(failed("write"))?;
                months.insert(day, file);
            }
        }
        Ok(Spill(months))
    }
}

impl Spill {
    /// The rows of a month.
    pub(super) fn month(&mut self, day: i32) -> Result<Vec<RecordBatch>, ExportError> {
        let Some(file) = self.0.get_mut(&day) else { return Ok(Vec::new()) };
        file.rewind().map_err(failed("read"))?;
        let reader = StreamReader::try_new(BufReader::with_capacity(1 << 20, file), None);
        let batches = reader.and_then(Iterator::collect::<Result<Vec<_>, _>>);
        batches.map_err(io_failed("read"))
    }
}

/// Rows that were laid down, to be read as often as need be.
#[derive(Debug)]
pub(super) struct Laid(File);

impl Laid {
    /// Lays rows down, in parts that are read one by one.
    pub(super) fn down(rows: &RecordBatch) -> Result<Self, ExportError> {
        const PART: usize = 1 << 16;
        let file = BufWriter::new(nameless().map_err(failed("write"))?);
        let mut writer = StreamWriter::try_new(file, &rows.schema()).map_err(io_failed("write"))?;
        for start in (0..rows.num_rows()).step_by(PART) {
            let part = rows.slice(start, PART.min(rows.num_rows() - start));
            writer.write(&part).map_err(io_failed("write"))?;
        }
        let file = writer.into_inner().map_err(io_failed("write"))?;
        file.into_inner().map_err(io::IntoInnerError::into_error).map_err(failed("write")).map(Self)
    }

    /// The rows, part by part.
    pub(super) fn read(&self) -> Result<impl Iterator<Item = RecordBatch>, ExportError> {
        let mut file = &self.0;
        file.rewind().map_err(failed("read"))?;
        let reader = StreamReader::try_new(BufReader::with_capacity(1 << 20, file), None);
        let batches = reader.and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(io_failed("read"))?;
        Ok(batches.into_iter())
    }
}

/// A file that nobody else can open, and that is gone when it is closed.
fn nameless() -> io::Result<File> {
    let path = std::env::temp_dir().join(format!("waldur-usage-{}", Uuid::new_v4().simple()));
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

fn failed(action: &'static str) -> impl Fn(io::Error) -> ExportError {
    move |source| ExportError::File { action, path: std::env::temp_dir(), source }
}

fn io_failed(action: &'static str) -> impl Fn(ArrowError) -> ExportError {
    move |error| {
        let source = match error {
            ArrowError::IoError(_, source) => source,
            error => io::Error::other(error),
        };
        failed(action)(source)
    }
}
