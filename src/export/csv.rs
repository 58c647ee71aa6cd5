//! Text with commas, exact: what has no value is an empty field, and a text without a letter is `""`, as
//! PostgreSQL reads and writes it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;

use arrow_array::RecordBatch;

use crate::parse::{with_guard, without_guard};
use crate::warehouse::{Cells, ColumnKind, Schema, Slice, cell_text};

/// Writes a month.
pub(super) fn write(out: &mut dyn Write, slice: &Slice, excel_safe: bool) -> io::Result<()> {
    let columns = slice.schema().columns();
    for (at, column) in columns.iter().enumerate() {
        separate(out, at)?;
        field(out, &column.name)?;
    }
    out.write_all(b"\n")?;
    let rows = slice.rows();
    for row in 0..rows.num_rows() {
        for (at, column) in columns.iter().enumerate() {
            separate(out, at)?;
            match cell_text(column, rows.column(at), row) {
                None => {}
                Some(text) if excel_safe && column.kind == ColumnKind::Text => {
                    field(out, &with_guard(&text))?
                }
                Some(text) => field(out, &text)?,
            }
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn separate(out: &mut dyn Write, at: usize) -> io::Result<()> {
    if at > 0 { out.write_all(b",") } else { Ok(()) }
}

/// A field that has a value.
fn field(out: &mut dyn Write, text: &str) -> io::Result<()> {
    // Some take `\.` alone in a line for the end of the file.
    let is_plain = !text.is_empty()
        && !text.starts_with([' ', '\\'])
        && !text.ends_with(' ')
        && !text.contains([',', '"', '\n', '\r']);
    if is_plain {
        return out.write_all(text.as_bytes());
    }
    out.write_all(b"\"")?;
    out.write_all(text.replace('"', "\"\"").as_bytes())?;
    out.write_all(b"\"")
}

/// The rows of a month; `None` where they are not as we write them.
pub(super) fn read(mut file: File, schema: &Schema, excel_safe: bool) -> Option<RecordBatch> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    let mut rest = text.as_str();
    let names: Vec<String> = record(&mut rest)?.into_iter().map(Option::unwrap_or_default).collect();
    // A column that was added since has no value in any row.
    let places: Vec<Option<usize>> =
        schema.columns().iter().map(|column| names.iter().position(|name| *name == column.name)).collect();
    let mut cells = Cells::new(&Arc::new(schema.clone()));
    while !rest.is_empty() {
        let record = record(&mut rest)?;
        if record.len() != names.len() {
            return None;
        }
        let row = schema.columns().iter().zip(&places).map(|(column, place)| {
            let text = record.get((*place)?)?.as_deref()?;
            let is_guarded = excel_safe && column.kind == ColumnKind::Text;
            Some(if is_guarded { without_guard(text) } else { text }.into())
        });
        cells.push(row).ok()?;
    }
    cells.finish().ok()
}

/// Takes the next line of fields off; `None` where it is none.
fn record(rest: &mut &str) -> Option<Vec<Option<String>>> {
    let mut fields = Vec::new();
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            None => {
                let end = rest.find([',', '\n'])?;
                let (field, after) = rest.split_at(end);
                ((!field.is_empty()).then(|| field.to_owned()), after)
            }
            Some(quoted) => {
                let (text, after) = unquoted(quoted)?;
                (Some(text), after)
            }
        };
        fields.push(field);
        *rest = after.get(1..)?;
        match after.as_bytes()[0] {
            b',' => {}
            b'\n' => return Some(fields),
            _ => return None,
        }
    }
}

/// The text up to the quote that ends it, and what follows.
fn unquoted(quoted: &str) -> Option<(String, &str)> {
    let (mut text, mut rest) = (String::new(), quoted);
    loop {
        let end = rest.find('"')?;
        text.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            None => return Some((text, rest)),
            Some(after) => {
                text.push('"');
                rest = after;
            }
        }
    }
}
