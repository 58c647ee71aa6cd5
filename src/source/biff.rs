//! The records of an old workbook (.xls), looked through before a reader builds its sheets.
//!
//! The reader lays every sheet out whole, so a single cell far away could cost any amount of memory; it takes
//! the later of two cells in one place; and it takes the value of a formula that was never computed for one.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::visible;
use crate::findings::Finding;
use crate::parse::Sight;

use super::archive::protected;
use super::biff_looks::{CellLook, Looks};
use super::biff_sight::BiffSight;
use super::ole::damaged;

/// Cells of all sheets together, blank ones between others included.
const LARGEST_AREA: u64 = 8_000_000;

/// What a sheet of such a file can hold.
const MOST_COLUMNS: u32 = 256;

const FILE_PASS: u16 = 0x002f;
const SHEET: u16 = 0x0085;
const LINK: u16 = 0x01ae;
const BEGIN: u16 = 0x0809;
const END: u16 = 0x000a;
const DIMENSIONS: u16 = 0x0200;
const FORMULA: u16 = 0x0006;
const MANY_NUMBERS: u16 = 0x00bd;
/// Numbers, texts, truth values and errors, a cell each.
const CELLS: [u16; 6] = [0x0203, 0x0204, 0x00d6, 0x0205, 0x027e, 0x00fd];

/// What was seen in the records.
#[derive(Debug, Default)]
pub struct Seen {
    /// For each sheet the cells, row and column from 0, whose formula was never computed.
    pub uncomputed: Vec<BTreeSet<(u32, u32)>>,
    /// For each sheet the cells that may look otherwise than what they hold.
    pub looks: Vec<BTreeMap<(u32, u32), CellLook>>,
    /// For each sheet what it shows of its rows and columns.
    pub sights: Vec<Sight>,
    /// The files that values are taken from.
    pub links: Vec<String>,
}

/// Looks all records through. `is_saved_by_a_program` tells files of spreadsheet programs, which compute
/// their formulas, from those of libraries, which leave an empty text for a value.
pub fn look_through(stream: &[u8], is_saved_by_a_program: bool) -> Result<Seen, Finding> {
    let mut seen = Seen::default();
    let mut sheets = Vec::new();
    let mut looks = Looks::default();
    for record in Records(stream) {
        let (kind, data) = record?;
        match kind {
            FILE_PASS => return Err(protected()),
            SHEET => sheets.push(number(data, 0)? | number(data, 2)? << 16),
            LINK => seen.links.extend(link(data)),
            END => break,
            _ => looks.take(kind, data),
        }
    }
    looks.end();
    let mut area = 0;
    for start in sheets {
        let start = usize::try_from(start).ok().and_then(|start| stream.get(start..));
        let records = Records(start.ok_or_else(|| damaged("a sheet lies outside of it"))?);
        let mut sheet = SheetRecords::default();
        sheet.read(records, is_saved_by_a_program, &looks)?;
        area += sheet.area()?;
        if area > LARGEST_AREA {
            return Err(damaged(&format!("its cells are spread over {area} places"))
                .hint("take stray cells far from the table out, and save it as .xlsx"));
        }
        seen.uncomputed.push(sheet.uncomputed);
        seen.looks.push(sheet.looks);
        seen.sights.push(sheet.sight.end());
    }
    Ok(seen)
}

/// The records of one sheet.
#[derive(Debug, Default)]
struct SheetRecords {
    cells: Vec<(u32, u32)>,
    uncomputed: BTreeSet<(u32, u32)>,
    looks: BTreeMap<(u32, u32), CellLook>,
    sight: BiffSight,
}

impl SheetRecords {
    fn read(
        &mut self,
        records: Records<'_>,
        is_saved_by_a_program: bool,
        looks: &Looks<'_>,
    ) -> Result<(), Finding> {
        // Charts lie inside of sheets, with records of their own.
        let mut depth = 0_u32;
        for record in records {
            let (kind, data) = record?;
            if depth == 1 {
                self.sight.take(kind, data);
            }
            match kind {
                BEGIN => depth += 1,
                END if depth <= 1 => return Ok(()),
                END => depth -= 1,
                _ if depth > 1 => {}
                DIMENSIONS => check_dimensions(data)?,
                MANY_NUMBERS => {
                    let (row, first) = (number(data, 0)?, number(data, 2)?);
                    let last = number(data, data.len().saturating_sub(2))?;
                    for column in first..=last {
                        self.add(row, column)?;
                    }
                    self.looks
                        .extend(looks.numbers(data).into_iter().map(|(column, look)| ((row, column), look)));
                }
                FORMULA => {
                    let (row, column) = (number(data, 0)?, number(data, 2)?);
                    self.add(row, column)?;
                    self.looks.extend(looks.cell(kind, data).map(|look| ((row, column), look)));
                    let value = data.get(6..14).ok_or_else(|| damaged("a formula breaks off"))?;
                    let is_empty_text = value[0] == 3 && value.ends_with(b"\xff\xff");
                    let waits = number(data, 14)? & 2 != 0;
                    if waits || is_empty_text && !is_saved_by_a_program {
                        self.uncomputed.insert((row, column));
                    }
                }
                kind if CELLS.contains(&kind) => {
                    let (row, column) = (number(data, 0)?, number(data, 2)?);
                    self.add(row, column)?;
                    self.looks.extend(looks.cell(kind, data).map(|look| ((row, column), look)));
                }
                _ => {}
            }
        }
        Err(damaged("a sheet breaks off"))
    }

    fn add(&mut self, row: u32, column: u32) -> Result<(), Finding> {
        if column >= MOST_COLUMNS {
            return Err(damaged(&format!("a cell in column {}", column + 1)));
        }
        self.cells.push((row, column));
        Ok(())
    }

    /// How many places the cells are spread over.
    fn area(&mut self) -> Result<u64, Finding> {
        self.cells.sort_unstable();
        if let Some(pair) = self.cells.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(damaged(&format!("a cell of row {} stands twice", pair[0].0 + 1)));
        }
        let columns = || self.cells.iter().map(|(_, column)| *column);
        let (Some(first), Some(last)) = (self.cells.first(), self.cells.last()) else { return Ok(0) };
        let width = columns().max().unwrap_or_default() - columns().min().unwrap_or_default() + 1;
        Ok(u64::from(last.0 - first.0 + 1) * u64::from(width))
    }
}

/// What a sheet says of its own size is what the reader takes memory for.
fn check_dimensions(data: &[u8]) -> Result<(), Finding> {
    let (rows, columns) = match data.len() {
        10 => (number(data, 2)?, number(data, 6)?),
        14 | 16 => (number(data, 4)? | number(data, 6)? << 16, number(data, 10)?),
        _ => return Err(damaged("a sheet says nothing of its size")),
    };
    if rows > 65_536 || columns > MOST_COLUMNS {
        return Err(damaged(&format!("a sheet of {rows} rows and {columns} columns")));
    }
    Ok(())
}

/// The file that a record of links names; `None` for the workbook itself and for add-ins.
fn link(data: &[u8]) -> Option<String> {
    let length = usize::from(u16::from_le_bytes(data.get(2..4)?.try_into().ok()?));
    if data.len() == 4 && [0x0401, 0x3a01].contains(&length) {
        return None;
    }
    let (flags, text) = data.get(4..)?.split_first()?;
    let text: String = if flags & 1 == 0 {
        text.iter().take(length).map(|&byte| char::from(byte)).collect()
    } else {
        let units = text.as_chunks::<2>().0.iter().take(length).map(|two| u16::from_le_bytes(*two));
        char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}')).collect()
    };
    let shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let shown = visible(shown.trim()).to_string();
    Some(if shown.is_empty() { "another file".into() } else { shown })
}

fn number(data: &[u8], at: usize) -> Result<u32, Finding> {
    let two = data.get(at..).and_then(|rest| rest.first_chunk::<2>());
    two.map(|two| u32::from(u16::from_le_bytes(*two))).ok_or_else(|| damaged("a record breaks off"))
}

/// Records: kind, length, data.
struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = Result<(u16, &'a [u8]), Finding>;

    fn next(&mut self) -> Option<Self::Item> {
        let (head, rest) = self.0.split_first_chunk::<4>()?;
        let kind = u16::from_le_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
        let Some((data, rest)) = rest.split_at_checked(length) else {
            self.0 = &[];
            return Some(Err(damaged("a record breaks off")));
        };
        self.0 = rest;
        Some(Ok((kind, data)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u16, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len()).unwrap();
        [&kind.to_le_bytes()[..], &length.to_le_bytes(), data].concat()
    }

    fn cell(kind: u16, row: u16, column: u16, rest: &[u8]) -> Vec<u8> {
        record(kind, &[&row.to_le_bytes()[..], &column.to_le_bytes(), &[0, 0], rest].concat())
    }

    /// A workbook with further records of its own, and a sheet with records.
    fn stream(global: &[u8], sheet: &[u8]) -> Vec<u8> {
        let begin = record(BEGIN, &[0, 6, 5, 0]);
        let end = record(END, &[]);
        let length = begin.len() + global.len() + record(SHEET, &[0; 8]).len() + end.len();
        let start = u32::try_from(length).unwrap().to_le_bytes();
        let named = record(SHEET, &[&start[..], &[0; 4]].concat());
        [&begin, global, &named, &end, &record(BEGIN, &[0, 6, 16, 0]), sheet, &end].concat()
    }

    fn refusal(global: &[u8], sheet: &[u8]) -> String {
        look_through(&stream(global, sheet), true).map(|_| ()).unwrap_err().found
    }

    #[test]
    fn formulas_without_a_value_are_seen() {
        let value = |value: [u8; 8], flags: u8| [&value[..], &[flags, 0, 0, 0, 0, 0]].concat();
        let empty = [3, 0, 0, 0, 0, 0, 0xff, 0xff];
        let sheet = [
            cell(FORMULA, 0, 0, &value(empty, 0)),
            cell(FORMULA, 1, 0, &value([0; 8], 2)),
            cell(FORMULA, 2, 0, &value([0; 8], 0)),
        ]
        .concat();
        let seen = |is_saved| look_through(&stream(&[], &sheet), is_saved).unwrap().uncomputed;
        assert_eq!(seen(false), [BTreeSet::from([(0, 0), (1, 0)])]);
        assert_eq!(seen(true), [BTreeSet::from([(1, 0)])]);
    }

    #[test]
    fn what_would_cost_memory_or_hide_a_cell_is_refused() {
        let number = |row, column| cell(0x0203, row, column, &[0; 8]);
        assert!(refusal(&[], &number(0, 256)).contains("a cell in column 257"));
        let twice = [number(4, 1), number(3, 1), number(4, 1)].concat();
        assert!(refusal(&[], &twice).contains("a cell of row 5 stands twice"));
        let far = [number(0, 0), number(65_535, 255)].concat();
        assert!(refusal(&[], &far).contains("spread over 16777216 places"));
        let dimensions = [0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 255, 0, 0, 0];
        assert!(refusal(&[], &record(DIMENSIONS, &dimensions)).contains("a sheet of 4294901760 rows"));
        assert!(refusal(&record(FILE_PASS, &[1, 0]), &[]).contains("encrypted"));
        let cut = stream(&[], &number(0, 0));
        assert!(look_through(&cut[..cut.len() - 4], true).is_err());
        assert!(look_through(&cut[..cut.len() - 9], true).is_err());
    }

    #[test]
    fn links_are_named_and_the_workbook_itself_is_none() {
        let own = record(LINK, &[1, 0, 1, 4]);
        let other = record(LINK, &[&[1, 0, 10, 0, 0][..], b"\x01last.xls\x03"].concat());
        let seen = look_through(&stream(&[own, other].concat(), &[]), true).unwrap();
        assert_eq!(seen.links, ["last.xls"]);
    }
}
