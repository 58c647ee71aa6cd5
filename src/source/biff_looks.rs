//! How the cells of an old workbook (.xls) look: the formats of their numbers, the fonts of their texts.
//!
//! The reader hands out values alone. What a person sees hangs on records that stand before the sheets:
//! fonts, formats, the pairs of both that cells name, and the texts that cells share.

use std::collections::HashMap;
use std::sync::Arc;

use calamine::DataRef;

use crate::parse::CellKind;

use super::cell::write_shown;
use super::number_format::{may_show_something_else, shows_something_else};
use super::odd::{Look, Oddity, Runs};

const BEGIN: u16 = 0x0809;
const FONT: u16 = 0x0031;
const FORMAT: u16 = 0x041e;
const PAIR: u16 = 0x00e0;
const TEXTS: u16 = 0x00fc;
const MORE: u16 = 0x003c;

const NUMBER: u16 = 0x0203;
const SHORT_NUMBER: u16 = 0x027e;
const FORMULA: u16 = 0x0006;
const SHARED_TEXT: u16 = 0x00fd;
const RICH_TEXT: u16 = 0x00d6;

/// How a cell looks, where that is not as usual.
#[derive(Debug, Clone, Default)]
pub struct CellLook {
    /// The format that may show its number as something else.
    pub format: Option<Arc<str>>,
    /// What else is odd about it.
    pub oddity: Option<Oddity>,
}

impl CellLook {
    /// Says of a value what is odd about how it is shown.
    pub fn write(&self, value: &DataRef<'_>, kind: CellKind, text: &mut String) -> CellKind {
        let sign = match value {
            DataRef::Float(value) => Some((*value < 0.0, *value == 0.0)),
            DataRef::Int(value) => Some((*value < 0, *value == 0)),
            _ => None,
        };
        let shown = self.format.as_ref().zip(sign);
        let shown = shown
            .filter(|(format, (is_negative, is_zero))| shows_something_else(format, *is_negative, *is_zero));
        match (&self.oddity, shown) {
            (Some(oddity), _) => oddity.write(text),
            (None, Some((format, _))) => write_shown(value, format.clone(), text),
            (None, None) => kind,
        }
    }
}

/// What the records before the sheets say.
#[derive(Debug, Default)]
pub struct Looks<'a> {
    is_old: bool,
    fonts: Vec<Look>,
    formats: HashMap<u16, Option<Arc<str>>>,
    /// Font and format of each pair that cells name.
    pairs: Vec<(u16, u16)>,
    texts: Vec<&'a [u8]>,
    is_in_texts: bool,
    odd_texts: HashMap<u32, Oddity>,
}

fn short(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*data.get(at..)?.first_chunk::<2>()?))
}

fn long(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*data.get(at..)?.first_chunk::<4>()?))
}

impl<'a> Looks<'a> {
    /// Takes a record in that stands before the sheets.
    pub fn take(&mut self, kind: u16, data: &'a [u8]) {
        self.is_in_texts &= kind == MORE;
        match kind {
            BEGIN => self.is_old = short(data, 0) != Some(0x0600),
            FONT => {
                let is_struck = short(data, 2).is_some_and(|flags| flags & 8 != 0);
                let is_raised = short(data, 8).is_some_and(|position| matches!(position, 1 | 2));
                self.fonts.push(Look { is_raised, is_struck });
            }
            FORMAT => {
                let format = if self.is_old { old_format(data) } else { format(data) };
                if let (Some(number), Some(format)) = (short(data, 0), format) {
                    self.formats.insert(
                        number,
                        Some(Arc::from(format)).filter(|format| may_show_something_else(format)),
                    );
                }
            }
            PAIR => self.pairs.push((short(data, 0).unwrap_or_default(), short(data, 2).unwrap_or_default())),
            TEXTS => {
                self.texts = vec![data];
                self.is_in_texts = true;
            }
            MORE if self.is_in_texts => self.texts.push(data),
            _ => {}
        }
    }

    /// Ends the records before the sheets. Texts that cannot be followed are left to the reader.
    pub fn end(&mut self) {
        let mut found = HashMap::new();
        let mut pieces = Pieces { pieces: std::mem::take(&mut self.texts), piece: 0, at: 8 };
        let mut number = 0;
        while let Some(runs) = self.text(&mut pieces) {
            found.extend(runs.oddity().map(|oddity| (number, oddity)));
            number += 1;
        }
        self.odd_texts = found;
    }

    /// How the cell of a record looks: one of `NUMBER`, `FORMULA` and their like.
    pub fn cell(&self, kind: u16, data: &[u8]) -> Option<CellLook> {
        let pair = usize::from(short(data, 4)?);
        let mut look = self.of_pair(pair, matches!(kind, NUMBER | SHORT_NUMBER | FORMULA));
        let text = match kind {
            SHARED_TEXT => self.odd_texts.get(&long(data, 6)?).cloned(),
            RICH_TEXT => self.old_rich_text(data, pair),
            _ => None,
        };
        look.oddity = look.oddity.or(text);
        Some(look).filter(|look| look.format.is_some() || look.oddity.is_some())
    }

    /// How the cells of a record of many numbers look, with their columns.
    pub fn numbers(&self, data: &[u8]) -> Vec<(u32, CellLook)> {
        let first = short(data, 2).map_or(0, u32::from);
        let cells = data.get(4..).unwrap_or_default().chunks_exact(6);
        let looks = (first..).zip(cells).map(|(column, cell)| {
            (column, self.of_pair(usize::from(short(cell, 0).unwrap_or_default()), true))
        });
        looks.filter(|(_, look)| look.format.is_some() || look.oddity.is_some()).collect()
    }

    fn of_pair(&self, pair: usize, is_number: bool) -> CellLook {
        let Some(&(font, format)) = self.pairs.get(pair) else { return CellLook::default() };
        let oddity = self.font(font).is_struck.then_some(Oddity::StruckOut);
        let known = || self.formats.get(&format).cloned().unwrap_or_else(|| built_in(format).map(Arc::from));
        CellLook { format: is_number.then(known).flatten(), oddity }
    }

    /// The font of a number; there is none of number 4, which is passed over.
    fn font(&self, number: u16) -> Look {
        let at = usize::from(if number > 4 { number - 1 } else { number });
        self.fonts.get(at).copied().unwrap_or_default()
    }

    /// Reads one shared text in its parts, none where all of it looks alike; `None` at the end of all texts.
    fn text(&self, pieces: &mut Pieces<'_>) -> Option<Runs> {
        let length = usize::from(pieces.short()?);
        let flags = pieces.byte()?;
        let runs = if flags & 8 == 0 { 0 } else { usize::from(pieces.short()?) };
        let beyond = if flags & 4 == 0 { 0 } else { usize::try_from(pieces.long()?).ok()? };
        let text = pieces.text(length, flags & 1 != 0)?;
        let mut starts = Vec::new();
        for _ in 0..runs {
            starts.push((usize::from(pieces.short()?), self.font(pieces.short()?)));
        }
        pieces.pass(beyond)?;
        Some(if runs == 0 { Runs::default() } else { parts(&text, Look::default(), &starts) })
    }

    /// A text with runs as workbooks of Excel 5 and 95 have it.
    fn old_rich_text(&self, data: &[u8], pair: usize) -> Option<Oddity> {
        let length = usize::from(short(data, 6)?);
        let text: Vec<u16> = data.get(8..8 + length)?.iter().map(|&byte| u16::from(byte)).collect();
        let runs = data.get(8 + length + 1..)?.chunks_exact(2);
        let starts: Vec<(usize, Look)> =
            runs.map(|run| (usize::from(run[0]), self.font(u16::from(run[1])))).collect();
        let own = self.pairs.get(pair).map(|(font, _)| self.font(*font)).unwrap_or_default();
        parts(&text, own, &starts).oddity()
    }
}

/// A text in its parts: each begins where the one before it ends.
fn parts(text: &[u16], first: Look, starts: &[(usize, Look)]) -> Runs {
    let mut runs = Runs::default();
    let ends = starts.iter().map(|(start, _)| *start).chain([text.len()]);
    let looks = [first].into_iter().chain(starts.iter().map(|(_, look)| *look));
    let mut start = 0;
    for (end, look) in ends.zip(looks) {
        let end = end.clamp(start, text.len());
        runs.push(&String::from_utf16_lossy(&text[start..end]), look);
        start = end;
    }
    runs
}

fn format(data: &[u8]) -> Option<String> {
    let (length, flags) = (usize::from(short(data, 2)?), *data.get(4)?);
    let text = data.get(5..)?;
    if flags & 1 == 0 {
        return Some(text.iter().take(length).map(|&byte| char::from(byte)).collect());
    }
    let units: Vec<u16> =
        text.as_chunks::<2>().0.iter().take(length).map(|two| u16::from_le_bytes(*two)).collect();
    Some(String::from_utf16_lossy(&units))
}

fn old_format(data: &[u8]) -> Option<String> {
    let length = usize::from(*data.get(2)?);
    Some(data.get(3..)?.iter().take(length).map(|&byte| char::from(byte)).collect())
}

/// The formats that show a number as something else, and that a workbook need not write down.
pub fn built_in(number: u16) -> Option<&'static str> {
    match number {
        5..=8 => Some("$#,##0.00"),
        9 => Some("0%"),
        10 => Some("0.00%"),
        42 | 44 => Some("_($* #,##0.00_)"),
        _ => None,
    }
}

/// The data of a record that goes on in others.
struct Pieces<'a> {
    pieces: Vec<&'a [u8]>,
    piece: usize,
    at: usize,
}

impl Pieces<'_> {
    fn byte(&mut self) -> Option<u8> {
        while self.at >= self.pieces.get(self.piece)?.len() {
            self.piece += 1;
            self.at = 0;
        }
        self.at += 1;
        self.pieces[self.piece].get(self.at - 1).copied()
    }

    fn short(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes([self.byte()?, self.byte()?]))
    }

    fn long(&mut self) -> Option<u32> {
        Some(u32::from(self.short()?) | u32::from(self.short()?) << 16)
    }

    fn pass(&mut self, mut bytes: usize) -> Option<()> {
        while bytes > 0 {
            let left = self.pieces.get(self.piece)?.len().saturating_sub(self.at);
            let step = bytes.min(left);
            self.at += step;
            bytes -= step;
            if step == 0 {
                self.piece += 1;
                self.at = 0;
            }
        }
        Some(())
    }

    /// Characters; a record in which they go on says anew how wide they are.
    fn text(&mut self, length: usize, mut is_wide: bool) -> Option<Vec<u16>> {
        let mut text = Vec::new();
        while text.len() < length {
            if self.at >= self.pieces.get(self.piece)?.len() {
                self.piece += 1;
                self.at = 0;
                is_wide = self.byte()? & 1 != 0;
            }
            text.push(if is_wide { self.short()? } else { u16::from(self.byte()?) });
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_go_on_in_further_records() {
        let mut looks = Looks::default();
        looks.take(FONT, &[0; 14]);
        looks.take(FONT, &[0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
        let runs = [2, 0, 1, 0];
        let first = [&[2, 0, 0, 0, 2, 0, 0, 0][..], &[3, 0, 8, 1, 0], b"10"].concat();
        let second = [&[1][..], &[b'2', 0], &runs, &[1, 0, 0, b'x']].concat();
        looks.take(TEXTS, &first);
        looks.take(MORE, &second);
        looks.end();
        assert_eq!(looks.odd_texts, HashMap::from([(0, Oddity::Raised("2".into()))]));
    }

    #[test]
    fn formats_are_read_in_both_ways_of_writing() {
        assert_eq!(format(&[164, 0, 2, 0, 0, b'0', b'%']).as_deref(), Some("0%"));
        assert_eq!(format(&[164, 0, 2, 0, 1, b'0', 0, b'%', 0]).as_deref(), Some("0%"));
        assert_eq!(old_format(&[164, 0, 2, b'0', b'%']).as_deref(), Some("0%"));
        assert_eq!(format(&[1]), None);
        for number in 0..50 {
            assert!(built_in(number).is_none_or(may_show_something_else), "{number}");
        }
    }
}
