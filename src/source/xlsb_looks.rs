//! How the cells of a binary workbook (.xlsb) look: the formats of their numbers, the fonts of their texts.
//!
//! The reader hands out values alone, and passes texts of several fonts over. The records are gone over
//! here for their looks; what cannot be followed is left to the reader.

use std::collections::{HashMap, HashSet};
use std::io::{Cursor, Read};
use std::sync::Arc;

use zip::ZipArchive;

use super::biff_looks::{CellLook, built_in};
use super::number_format::may_show_something_else;
use super::odd::{Look, Oddity, Runs};
use super::relations::Relations;

const ROW: u16 = 0x00;
const NUMBERS: [u16; 3] = [0x02, 0x05, 0x09];
const SHARED_TEXT: u16 = 0x07;
const CELLS: std::ops::RangeInclusive<u16> = 0x02..=0x0b;
const RICH_CELL: u16 = 0x3e;
const TEXT: u16 = 0x13;
const FONT: u16 = 0x2b;
const FORMAT: u16 = 0x2c;
const PAIR: u16 = 0x2f;
const PAIRS_OF_CELLS: u16 = 0x269;
const END_OF_PAIRS: u16 = 0x26a;
const SHEET: u16 = 0x9c;

/// How the cells of a workbook may look.
#[derive(Debug, Default)]
pub struct XlsbLooks<'a> {
    bytes: &'a [u8],
    /// The paths of the sheets, in the order of their tabs.
    sheets: Vec<Option<String>>,
    fonts: Vec<Look>,
    /// What each style that cells name says.
    styles: Vec<CellLook>,
    odd_texts: HashMap<u32, Oddity>,
}

/// The cells of a sheet that may look otherwise than what they hold, and those that the reader passes over.
#[derive(Debug, Default)]
pub struct SheetLooks {
    /// How they look.
    pub looks: HashMap<(u32, u32), CellLook>,
    /// Cells with a text of several fonts.
    pub passed_over: Vec<(u32, u32)>,
}

impl<'a> XlsbLooks<'a> {
    /// Reads what all sheets share.
    pub fn of(bytes: &'a [u8]) -> Self {
        let relations = Relations::of(bytes);
        let mut looks = Self { bytes, ..Self::default() };
        let workbook = looks.part("xl/workbook.bin");
        for (_, data) in Records(&workbook).filter(|(kind, _)| *kind == SHEET) {
            let id = wide_text(data.get(8..).unwrap_or_default()).map(|(id, _)| id);
            looks.sheets.push(id.and_then(|id| relations.by_id(&id).map(str::to_owned)));
        }
        if let Some(styles) = relations.of_kind("styles") {
            let styles = looks.part(styles);
            looks.read_styles(&styles);
        }
        if let Some(texts) = relations.of_kind("sharedStrings") {
            let texts = looks.part(texts);
            let texts = Records(&texts).filter(|(kind, _)| *kind == TEXT);
            looks.odd_texts = (0..)
                .zip(texts)
                .filter_map(|(number, (_, data))| Some((number, looks.rich(data)?.oddity()?)))
                .collect();
        }
        looks
    }

    fn part(&self, path: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let archive = ZipArchive::new(Cursor::new(self.bytes));
        // What a part unpacks to was bounded when the archive was looked through.
        if let Ok(mut archive) = archive
            && let Ok(mut part) = archive.by_name(path)
            && part.read_to_end(&mut bytes).is_err()
        {
            bytes.clear();
        }
        bytes
    }

    fn read_styles(&mut self, styles: &[u8]) {
        let mut formats: HashMap<u16, Option<Arc<str>>> = HashMap::new();
        let mut is_of_cells = false;
        for (kind, data) in Records(styles) {
            match kind {
                FONT => {
                    let is_struck = short(data, 2).is_some_and(|flags| flags & 8 != 0);
                    let is_raised = short(data, 6).is_some_and(|position| matches!(position, 1 | 2));
                    self.fonts.push(Look { is_raised, is_struck });
                }
                FORMAT => {
                    let format = wide_text(data.get(2..).unwrap_or_default()).map(|(format, _)| format);
                    let format = format.filter(|format| may_show_something_else(format)).map(Arc::from);
                    formats.insert(short(data, 0).unwrap_or_default(), format);
                }
                PAIRS_OF_CELLS => is_of_cells = true,
                END_OF_PAIRS => is_of_cells = false,
                PAIR if is_of_cells => {
                    let number = short(data, 2).unwrap_or_default();
                    let format = formats.get(&number).cloned();
                    let format = format.unwrap_or_else(|| built_in(number).map(Arc::from));
                    let font = self.fonts.get(usize::from(short(data, 4).unwrap_or_default()));
                    let is_struck = font.is_some_and(|font| font.is_struck);
                    self.styles.push(CellLook { format, oddity: is_struck.then_some(Oddity::StruckOut) });
                }
                _ => {}
            }
        }
    }

    /// A text with its parts; `None` where it has but one.
    fn rich(&self, data: &[u8]) -> Option<Runs> {
        let (flags, data) = data.split_first()?;
        let (text, end) = wide_text(data)?;
        let count = usize::try_from(long(data, end)?).ok().filter(|_| flags & 1 != 0)?;
        let text: Vec<u16> = text.encode_utf16().collect();
        let mut runs = Runs::default();
        let (mut start, mut look) = (0, Look::default());
        let starts = data.get(end + 4..)?.chunks_exact(4).take(count).map(|run| {
            let font = short(run, 2).map_or(0, usize::from);
            (short(run, 0).map_or(0, usize::from), self.fonts.get(font).copied().unwrap_or_default())
        });
        for (next, font) in starts.chain([(text.len(), Look::default())]) {
            let next = next.clamp(start, text.len());
            runs.push(&String::from_utf16_lossy(&text[start..next]), look);
            (start, look) = (next, font);
        }
        Some(runs)
    }

    /// Goes over the sheet of a number, in the order of their tabs.
    pub fn sheet(&self, number: usize) -> SheetLooks {
        let mut found = SheetLooks::default();
        let is_plain = |look: &CellLook| look.format.is_none() && look.oddity.is_none();
        let Some(path) = self.sheets.get(number).and_then(Option::as_deref) else { return found };
        let odd_styles: HashSet<usize> =
            (0..self.styles.len()).filter(|&style| !is_plain(&self.styles[style])).collect();
        let sheet = self.part(path);
        let mut row = 0;
        for (kind, data) in Records(&sheet) {
            if kind == ROW {
                row = long(data, 0).unwrap_or_default();
                continue;
            }
            let (Some(column), Some(style)) = (long(data, 0), long(data, 4)) else { continue };
            if kind == RICH_CELL {
                found.passed_over.push((row, column));
            }
            if !CELLS.contains(&kind) {
                continue;
            }
            let style = usize::try_from(style & 0x00ff_ffff).unwrap_or_default();
            let mut look = CellLook::default();
            if odd_styles.contains(&style) {
                look = self.styles[style].clone();
                look.format = look.format.filter(|_| NUMBERS.contains(&kind));
            }
            if kind == SHARED_TEXT && look.oddity.is_none() {
                look.oddity = long(data, 8).and_then(|text| self.odd_texts.get(&text).cloned());
            }
            if !is_plain(&look) {
                found.looks.insert((row, column), look);
            }
        }
        found
    }
}

fn short(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*data.get(at..)?.first_chunk::<2>()?))
}

fn long(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*data.get(at..)?.first_chunk::<4>()?))
}

/// A text with its length before it, and where it ends.
fn wide_text(data: &[u8]) -> Option<(String, usize)> {
    let length = usize::try_from(long(data, 0)?).ok()?;
    let end = length.checked_mul(2)?.checked_add(4)?;
    let units: Vec<u16> =
        data.get(4..end)?.as_chunks::<2>().0.iter().map(|two| u16::from_le_bytes(*two)).collect();
    Some((String::from_utf16_lossy(&units), end))
}

/// Records: kind and length in steps of seven bits, then data.
struct Records<'a>(&'a [u8]);

impl Records<'_> {
    fn number(&mut self, most: usize) -> Option<u32> {
        let mut number = 0;
        for step in 0..most {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u32::from(byte & 0x7f) << (7 * step);
            if byte & 0x80 == 0 {
                break;
            }
        }
        Some(number)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let kind = u16::try_from(self.number(2)?).ok()?;
        let length = usize::try_from(self.number(4)?).ok()?;
        let (data, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some((kind, data))
    }
}
