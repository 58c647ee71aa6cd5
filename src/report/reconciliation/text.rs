//! The lines as a table of text: exact decimals with a point, months as `2026-11`, and no text that a
//! spreadsheet would evaluate.
//!
//! One file holds one table, so the proof and the totals are not in it: they stand in the other formats,
//! and can be added up from the lines.

use std::io::{BufWriter, Write};
use std::path::Path;

use crate::domain::visible;
use crate::parse::with_guard;
use crate::reconcile::Report;
use crate::report::{ReportError, write_with};

use super::columns::{COLUMNS, Value};

/// Writes the lines as csv.
pub(super) fn write(path: &Path, report: &Report) -> Result<(), ReportError> {
    write_with(path, |file| {
        let mut file = BufWriter::new(file);
        write_lines(&mut file, report)?;
        file.flush()
    })
}

fn write_lines(file: &mut impl Write, report: &Report) -> std::io::Result<()> {
    let mut writer = csv::Writer::from_writer(file);
    writer.write_record(COLUMNS.iter().map(|column| column.name))?;
    for view in report.views() {
        for column in COLUMNS {
            let value = (column.value)(&view);
            let is_text = matches!(value, Value::Text(_) | Value::Texts(_) | Value::Places(_));
            let text = value.into_text().unwrap_or_default();
            if is_text {
                // What is guarded is what is shown: a text that begins with a tab is shown with an escape.
                let shown = visible(&text).to_string();
                writer.write_field(with_guard(&shown).as_bytes())?;
            } else {
                writer.write_field(text.as_bytes())?;
            }
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_evaluated_or_moves_the_cursor_and_no_number_is_touched() {
        let mut report = crate::reconcile::sample::report();
        report.subjects[0].resource = "\t=1+1".into();
        report.subjects[1].resource = "@SUM(A1)".into();
        report.subjects[2].resource = "two\nlines, \"quoted\"".into();
        report.subjects[3].resource = "-5".into();
        let mut file = Vec::new();
        write_lines(&mut file, &report).unwrap();
        let text = String::from_utf8(file).unwrap();
        assert!(!text.chars().any(|character| character.is_control() && character != '\n'), "{text}");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), report.lines.len());
        let at = |name: &str| COLUMNS.iter().position(|column| column.name == name).unwrap();
        let resources: Vec<&str> = rows.iter().map(|row| &row[at("resource")]).collect();
        for expected in ["\\t=1+1", "'@SUM(A1)", "two\\nlines, \"quoted\"", "-5"] {
            assert!(resources.contains(&expected), "{expected}: {resources:?}");
        }
        assert!(rows.iter().any(|row| &row[at("organisation")] == "'=HYPERLINK(\"http://evil\")"));
        assert!(rows.iter().any(|row| &row[at("difference")] == "-80.00"));
        assert!(rows.iter().any(|row| row[at("file")].is_empty() && &row[at("server")] == "1250.75"));
    }
}
