//! The quotation marks of a text file.
//!
//! What stands between two marks is one cell, rows and all. So a mark that is never closed, one that closes
//! in the middle of a cell, and a pair of which each belongs to another row are refused.

use crate::domain::visible;
use crate::findings::{Code, Finding};

/// What has to be known of a file to judge its quotation marks.
#[derive(Debug, Clone, Copy)]
pub struct Quotes {
    /// What separates its cells.
    pub delimiter: u8,
    /// Lines before its rows.
    pub lines_before: usize,
    /// The columns of its header.
    pub columns: usize,
}

/// The fewest delimiters by which a line is told from a line of prose.
const FEWEST: usize = 2;

impl Quotes {
    /// Refuses quotation marks that do not stand in pairs around single cells.
    pub fn check(&self, text: &str) -> Result<(), Finding> {
        let damaged = |line: usize, found: &str| {
            let found = format!("line {}: {found}", line + self.lines_before);
            Err(Finding::new(Code::DamagedFile, found, "quotation marks in pairs around whole cells"))
        };
        let bytes = text.as_bytes();
        let (mut at, mut line, mut is_start, mut column) = (0, 1, true, 0);
        while let Some(&byte) = bytes.get(at) {
            if byte == b'"' && is_start {
                let (opened, start) = (line, at + 1);
                loop {
                    at += 1;
                    match (bytes.get(at), bytes.get(at + 1)) {
                        (None, _) => return damaged(opened, "a quotation mark that is never closed"),
                        (Some(b'"'), Some(b'"')) => at += 1,
                        (Some(b'"'), None | Some(b'\r' | b'\n')) => break,
                        (Some(b'"'), Some(next)) if *next == self.delimiter => break,
                        (Some(b'"'), Some(_)) => {
                            return damaged(
                                opened,
                                "a cell whose closing quotation mark is followed by more text",
                            );
                        }
                        (Some(b'\n'), _) => line += 1,
                        (Some(_), _) => {}
                    }
                }
                if line > opened {
                    self.check_cell(&text[start..at], opened, column)?;
                }
            }
            line += usize::from(byte == b'\n');
            is_start = matches!(byte, b'\r' | b'\n') || byte == self.delimiter;
            column = if byte == self.delimiter { column + 1 } else { column };
            column = if matches!(byte, b'\r' | b'\n') { 0 } else { column };
            at += 1;
        }
        Ok(())
    }

    /// Refuses a cell over several lines of which one is a row, or would be one together with what stands
    /// before or behind the cell.
    fn check_cell(&self, cell: &str, opened: usize, column: usize) -> Result<(), Finding> {
        let last = cell.lines().count().saturating_sub(1);
        let whole = self.columns.saturating_sub(1);
        for (number, line) in cell.lines().enumerate() {
            // The first line goes on from the cells before it, and the last one is gone on with.
            let (wanted, slack) = match number {
                0 => (whole.saturating_sub(column), 0),
                _ if number == last => (column, 0),
                // A row may have a cell less or more than the header.
                _ => (whole, 1),
            };
            if wanted >= FEWEST && self.is_row(line, wanted, slack) {
                let before = self.lines_before;
                let found = format!(
                    "line {}: {}, inside of a cell in quotation marks that goes from line {} to line {}",
                    opened + number + before,
                    shown(line),
                    opened + before,
                    opened + last + before
                );
                let expected = "quotation marks around single cells; these look like rows of their own";
                let hint = format!(
                    "take the quotation mark of line {} out, or close it on its line; where the cell really \
                     holds these lines, write them on one",
                    opened + before
                );
                return Err(Finding::new(Code::DamagedFile, found, expected).hint(hint));
            }
        }
        Ok(())
    }

    /// Whether a line has about so many delimiters, and figures between them as no prose has.
    fn is_row(&self, line: &str, delimiters: usize, slack: usize) -> bool {
        let delimiter = char::from(self.delimiter);
        let is_figure = |cell: &str| {
            let cell = cell.trim().trim_matches('"');
            cell.starts_with(|one: char| one.is_ascii_digit())
                && cell.chars().all(|one| one.is_ascii_digit() || matches!(one, '.' | ',' | '-' | '/' | ' '))
        };
        line.matches(delimiter).count().abs_diff(delimiters) <= slack && line.split(delimiter).any(is_figure)
    }
}

fn shown(line: &str) -> String {
    let cut: String = line.chars().take(60).collect();
    let more = if cut.len() < line.len() { "…" } else { "" };
    format!("{}{more}", visible(&cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_in_quotation_marks_swallows_no_row() {
        let line = |text: &str| {
            let columns = text.lines().next().map_or(0, |header| header.split(',').count());
            let quotes = Quotes { delimiter: b',', lines_before: 0, columns };
            let found = quotes.check(text).err()?.found;
            found.strip_prefix("line ").and_then(|rest| rest.split(':').next()?.parse::<usize>().ok())
        };
        let header = "name,month,type,amount,note";
        let whole = "a,2026-11,cpu,5,\"old\nb,2026-11,cpu,6,x\nc,2026-11,cpu,7,new\"\n";
        assert_eq!(line(&format!("{header}\n{whole}")), Some(3));
        let two = "a,2026-11,cpu,5,\"old\nb,2026-11,cpu,6,new\"\n";
        assert_eq!(line(&format!("{header}\n{two}")), Some(3));
        let first = "note,name,month,type,amount\n\"old,a,2026-11,cpu,5\nb\",c,2026-11,cpu,6\n";
        assert_eq!(line(first), Some(2));
        for note in ["one\ntwo", "one, two, three\nfour", "1, 2\n3", "cpu: a, b, c, d\nram: e, f, g, h\n-"] {
            assert_eq!(line(&format!("{header}\na,2026-11,cpu,5,\"{note}\"\n")), None, "{note}");
        }
    }
}
