//! Where the header of a table is.
//!
//! A header is a row that names at least two known columns, or a resource column and another one. Titles
//! may stand above it, and it may take two rows. Where no row is one, the likeliest stands in for it, so
//! that what it lacks can be told. Reading a table again with the row that was found finds the same.

use crate::domain::Amount;
use crate::mapping::Field;

use super::recogniser::{Recognised, Recogniser};
use super::{CellKind, RawRow};

/// Rows with content among which the header is looked for.
const MOST_ROWS_ABOVE: usize = 50;

/// The same, with the blank rows between them.
const MOST_BLANK_ROWS_ABOVE: usize = 500;

/// Reads rows until it knows which of them is the header.
#[derive(Debug)]
pub struct Finder {
    recogniser: Recogniser,
    /// The row that the user says is the header.
    forced: Option<u32>,
    /// Rows with content in which no header was seen.
    above: Vec<RawRow>,
    /// A header, as long as the row below may belong to it.
    seen: Option<RawRow>,
}

/// A header and the rows around it that were read on the way.
#[derive(Debug)]
pub struct Found {
    /// The header; of two rows that make one, their texts put together and the number of the lower one.
    pub header: RawRow,
    /// The upper one of two rows.
    pub upper: Option<u32>,
    /// Whether it names known columns.
    pub is_sure: bool,
    /// The layouts that it is one of.
    pub recognised: Recognised,
    /// The rows with content above it.
    pub above: Vec<RawRow>,
    /// The rows below it that were read already.
    pub below: Vec<RawRow>,
}

impl Finder {
    /// Starts before the first row; `forced` is the number of the header where the user names it.
    pub fn new(forced: Option<u32>) -> Self {
        Self::with(forced, Recogniser::default())
    }

    /// The same with the layouts that a table may be one of.
    pub fn with(forced: Option<u32>, recogniser: Recogniser) -> Self {
        Self { recogniser, forced, above: Vec::new(), seen: None }
    }

    /// Takes the next row; the header, as soon as it is known.
    pub fn take(&mut self, row: &RawRow) -> Option<Found> {
        if let Some(header) = self.seen.take() {
            return Some(self.settle(header, Some(row)));
        }
        if let Some(forced) = self.forced {
            if row.number() < forced {
                if !row.is_blank() {
                    self.keep(row);
                }
                return None;
            }
            if row.number() > forced {
                let mut found = self.found(row.beside(forced), None);
                found.below.push(row.clone());
                return Some(found);
            }
        } else if row.is_blank() {
            // Blank rows between others are rows too, should the header turn out to be above them.
            if self.above.is_empty() {
                return None;
            }
            self.keep(row);
            return self.is_full().then(|| self.likeliest()).flatten();
        }
        match self.recogniser.recognise(row) {
            Recognised::Ours => {
                self.seen = Some(row.clone());
                return None;
            }
            Recognised::Nothing => {}
            recognised @ (Recognised::Records(..) | Recognised::Ambiguous(_)) => {
                let found = self.found(row.clone(), None);
                return Some(Found { is_sure: true, recognised, ..found });
            }
        }
        let upper = self.above.last().filter(|upper| upper.number() + 1 == row.number());
        let joined = upper
            .map(|upper| joined(upper, row))
            .filter(|row| self.recogniser.takes_ours() && is_header(row));
        if let Some(joined) = joined {
            let upper = self.above.pop().map(|upper| upper.number());
            return Some(self.found(joined, upper));
        }
        if self.forced.is_some() {
            return Some(self.found(row.clone(), None));
        }
        self.keep(row);
        self.is_full().then(|| self.likeliest()).flatten()
    }

    /// Whether the header is given up: it does not stand so far below the first row.
    fn is_full(&self) -> bool {
        let filled = self.above.iter().filter(|row| !row.is_blank()).count();
        filled >= MOST_ROWS_ABOVE || self.above.len() >= MOST_BLANK_ROWS_ABOVE
    }

    /// Ends the table; what stands for a header where none was seen, `None` for a table without content.
    pub fn end(&mut self) -> Option<Found> {
        match self.seen.take() {
            Some(header) => Some(self.settle(header, None)),
            None => self.likeliest(),
        }
    }

    fn keep(&mut self, row: &RawRow) {
        if self.forced.is_some() && self.above.len() >= MOST_ROWS_ABOVE {
            self.above.remove(0);
        }
        self.above.push(row.clone());
    }

    fn found(&mut self, header: RawRow, upper: Option<u32>) -> Found {
        let is_sure = is_header(&header);
        let above = std::mem::take(&mut self.above).into_iter().filter(|row| !row.is_blank()).collect();
        let recognised = if is_sure { Recognised::Ours } else { Recognised::Nothing };
        Found { header, upper, is_sure, recognised, above, below: Vec::new() }
    }

    /// A header whose next row is known.
    fn settle(&mut self, header: RawRow, next: Option<&RawRow>) -> Found {
        let Some(next) = next else { return self.found(header, None) };
        if is_lower_part(&header, next) {
            let upper = header.number();
            return self.found(joined(&header, next), Some(upper));
        }
        let mut found = self.found(header, None);
        found.below.push(next.clone());
        found
    }

    /// The row that is most like a header, the first one of equals.
    fn likeliest(&mut self) -> Option<Found> {
        let meaning = |row: &RawRow| {
            let of_ours = row
                .cells()
                .filter(|cell| Field::of_header(cell.text).is_some() || Field::meant_by(cell.text).is_some());
            (self.recogniser.likeness(row), of_ours.count())
        };
        let best = (0..self.above.len()).rev().max_by_key(|&index| meaning(&self.above[index]))?;
        let below = self.above.split_off(best + 1);
        let header = self.above.pop()?;
        let mut found = self.found(header, None);
        found.below = below;
        Some(found)
    }
}

/// Whether a row names at least two known columns, or a resource column and another one.
pub fn is_header(row: &RawRow) -> bool {
    let mut fields: Vec<Field> = row.cells().filter_map(|cell| known(cell.text)).collect();
    fields.sort_unstable();
    fields.dedup();
    match fields.as_slice() {
        [] => false,
        [only] => Field::RESOURCE.contains(only) && row.filled() > 1,
        _ => true,
    }
}

/// The field of a text; most texts of a table are told from a header without folding them.
fn known(text: &str) -> Option<Field> {
    let first = text.as_bytes().first()?.to_ascii_lowercase();
    // No header has a digit in its name, and nearly every id has.
    // Nor is one of three letters, as `cpu` and `ram` are.
    let is_likely = (4..=64).contains(&text.len())
        && (first >= 0x80 || b"roucbadmp_-".contains(&first))
        && !text.bytes().any(|byte| byte.is_ascii_digit());
    is_likely.then(|| Field::of_header(text)).flatten()
}

/// Whether the row below a header is a part of it: it names columns that the header leaves open, and
/// nothing else.
fn is_lower_part(header: &RawRow, row: &RawRow) -> bool {
    let filled: Vec<usize> = (0..row.width()).filter(|&column| !row.cell(column).is_blank()).collect();
    let is_title = |&column: &usize| is_text(row, column) && known(header.cell(column).text).is_none();
    row.number() == header.number() + 1
        && !is_header(row)
        && filled.len() > 1
        && filled.iter().all(is_title)
        && filled.iter().any(|&column| header.cell(column).is_blank())
}

/// Two rows as one header. A title above several columns stands at the first of them.
fn joined(upper: &RawRow, lower: &RawRow) -> RawRow {
    let mut row = upper.beside(lower.number());
    let mut title = "";
    for column in 0..upper.width().max(lower.width()) {
        let (own, name) = (upper.cell(column).text, lower.cell(column).text);
        title = if own.is_empty() { title } else { own };
        let both = format!("{title} {name}");
        let text = if name.is_empty() {
            own
        } else if Field::of_header(&both).is_some() {
            &both
        } else if Field::of_header(own).is_some() {
            own
        } else {
            name
        };
        row.push(column, text, if text.is_empty() { CellKind::Blank } else { CellKind::Text });
    }
    row
}

/// Whether a cell is words rather than a figure.
fn is_text(row: &RawRow, column: usize) -> bool {
    let cell = row.cell(column);
    cell.kind == CellKind::Text && !holds_figure(row, column)
}

fn holds_figure(row: &RawRow, column: usize) -> bool {
    let cell = row.cell(column);
    match cell.kind {
        CellKind::Number => true,
        CellKind::Text => Amount::parse(cell.text).is_ok(),
        CellKind::Blank | CellKind::Boolean | CellKind::Date | CellKind::Error => false,
    }
}

/// The first row above a header that looks like one of another table rather than like a title: several
/// cells with a figure among them, or a figure below another one.
pub fn figures_above(rows: &[RawRow]) -> Option<&RawRow> {
    let figures = |row: &RawRow| -> Vec<usize> {
        (0..row.width()).filter(|&column| row.filled() > 1 && holds_figure(row, column)).collect()
    };
    let is_of_table = |(index, row): (usize, &RawRow)| {
        let own = figures(row);
        let below = rows[..index].iter().flat_map(figures).any(|column| own.contains(&column));
        !own.is_empty() && (row.filled() > 2 || below)
    };
    rows.iter().enumerate().find(|&(index, row)| is_of_table((index, row))).map(|(_, row)| row)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::parse::Table;

    fn rows(text: &str) -> Vec<RawRow> {
        let table = Arc::new(Table { file: "a.csv".into(), sheet: None });
        (1..)
            .zip(text.lines())
            .map(|(number, line)| {
                let mut row = RawRow::new(table.clone());
                row.start(number);
                for (column, text) in line.split(',').enumerate() {
                    row.push(column, text, if text.is_empty() { CellKind::Blank } else { CellKind::Text });
                }
                row
            })
            .collect()
    }

    fn find(text: &str, forced: Option<u32>) -> Option<Found> {
        let mut finder = Finder::new(forced);
        rows(text).iter().find_map(|row| finder.take(row)).or_else(|| finder.end())
    }

    fn shown(text: &str) -> String {
        let Some(found) = find(text, None) else { return "none".into() };
        let cells: Vec<_> = found.header.cells().map(|cell| cell.text.to_owned()).collect();
        if found.is_sure {
            let again = find(text, Some(found.header.number())).unwrap();
            assert!(again.header.cells().eq(found.header.cells()), "{text}");
            assert_eq!(again.upper, found.upper, "{text}");
        }
        let upper = found.upper.map(|row| format!("{row}+")).unwrap_or_default();
        let sure = if found.is_sure { "" } else { "?" };
        format!("{upper}{}{sure}: {} below {}", found.header.number(), cells.join("·"), found.above.len())
    }

    #[test]
    fn headers_are_found_below_titles_and_in_two_rows() {
        assert_eq!(shown("resource_name,cpu\na,1"), "1: resource_name·cpu below 0");
        assert_eq!(shown("Usage of November\n\nResource name,cpu\na,1"), "3: Resource name·cpu below 1");
        let two = "Resource,,Usage,\nname,uuid,cpu,ram\na,,1,2";
        assert_eq!(shown(two), "1+2: Resource name·Resource uuid·cpu·ram below 0");
        let lower = "resource_name,billing_period,Usage,\n,,cpu,ram\na,2026-11,1,2";
        assert_eq!(shown(lower), "1+2: resource_name·billing_period·cpu·ram below 0");
        // A row without its resource is a faulty row, and no part of the header.
        assert_eq!(shown("resource_name,cpu,ram\n,x,y"), "1: resource_name·cpu·ram below 0");
        assert_eq!(shown("Resource,Month,Use\na,2026-11,1"), "1?: Resource·Month·Use below 0");
        assert_eq!(shown("a,b\nc,d"), "1?: a·b below 0");
        assert_eq!(shown("\n\n"), "none");
    }

    #[test]
    fn figures_above_a_header_are_no_title() {
        let above = |text: &str| figures_above(&rows(text)).map(RawRow::number);
        assert_eq!(above("Usage report\nCustomer number,4711\nMonth,2026-11"), None);
        assert_eq!(above("name,cpu\na,1\nb,2"), Some(3));
        assert_eq!(above("name,cpu,ram\na,1,2"), Some(2));
    }
}
