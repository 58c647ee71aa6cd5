//! The careful look at a sheet of an .xlsx workbook: which cells show something else than they hold.
//!
//! The reader hands out texts without the fonts of their parts, and takes the first piece of a value that
//! is broken. So the sheet is gone over here for its own sake, where the quick look or the styles of the
//! workbook give a reason to.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Cursor};

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use zip::ZipArchive;

use super::odd::{Look, OddCells, Oddity, Runs};

/// What is wrong with the XML of a part.
pub type Broken = String;

type Xml<'a> = Reader<Box<dyn BufRead + 'a>>;

/// A part of the archive as XML.
fn xml<'a>(zip: &'a mut ZipArchive<Cursor<&[u8]>>, path: &str) -> Result<Xml<'a>, Broken> {
    let part = zip.by_name(path).map_err(|error| error.to_string())?;
    let mut xml = Reader::from_reader(Box::new(BufReader::new(part)) as Box<dyn BufRead + 'a>);
    xml.config_mut().expand_empty_elements = true;
    Ok(xml)
}

fn broken(error: &dyn std::fmt::Display) -> Broken {
    error.to_string()
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, Broken> {
    let found = element.try_get_attribute(name).map_err(|error| broken(&error))?;
    let value =
        found.map(|found| found.normalized_value(XmlVersion::Implicit1_0).map(std::borrow::Cow::into_owned));
    value.transpose().map_err(|error| broken(&error))
}

/// The shared texts that are odd, by their number.
pub fn odd_texts(bytes: &[u8], path: &str) -> Result<HashMap<usize, Oddity>, Broken> {
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    let mut xml = xml(&mut zip, path)?;
    let (mut buffer, mut found, mut number) = (Vec::new(), HashMap::new(), 0);
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer).map_err(|error| broken(&error))? {
            Event::Start(element) if element.local_name().as_ref() == "si" => {
                found.extend(runs(&mut xml, "si")?.oddity().map(|oddity| (number, oddity)));
                number += 1;
            }
            Event::Eof => return Ok(found),
            _ => {}
        }
    }
}

/// Reads the parts of a text up to the end of the element that holds them.
fn runs(xml: &mut Xml<'_>, closing: &str) -> Result<Runs, Broken> {
    let (mut buffer, mut runs, mut look) = (Vec::new(), Runs::default(), Look::default());
    let (mut is_text, mut is_phonetic) = (false, false);
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer).map_err(|error| broken(&error))? {
            Event::Start(element) => match element.local_name().as_ref() {
                "r" => look = Look::default(),
                "rPh" => is_phonetic = true,
                "t" => is_text = true,
                "vertAlign" => {
                    look.is_raised = attribute(&element, "val")?.is_none_or(|val| val != "baseline");
                }
                "strike" => {
                    let value = attribute(&element, "val")?;
                    look.is_struck =
                        value.is_none_or(|value| !matches!(value.as_str(), "0" | "false" | "off"));
                }
                _ => {}
            },
            Event::End(element) => match element.local_name().as_ref() {
                name if name == closing => return Ok(runs),
                "r" => look = Look::default(),
                "rPh" => is_phonetic = false,
                "t" => is_text = false,
                _ => {}
            },
            Event::Text(text) if is_text && !is_phonetic => runs.push(&text.xml10_content(), look),
            Event::CData(text) if is_text && !is_phonetic => runs.push(&text.xml10_content(), look),
            // What it stands for does not matter to what is odd, but that something stands there does.
            Event::GeneralRef(_) if is_text && !is_phonetic => runs.push("0", look),
            Event::Eof => return Err("a text breaks off".to_owned()),
            _ => {}
        }
    }
}

/// What has to be known of a workbook for the look at its sheets.
pub struct Known<'a> {
    /// The shared texts that are odd.
    pub texts: &'a HashMap<usize, Oddity>,
    /// The styles whose font is struck out.
    pub struck: &'a HashSet<usize>,
}

/// The odd cells of a sheet, and the first cell that holds what no reader knows.
#[derive(Debug, Default)]
pub struct Looked {
    /// The odd cells.
    pub odd: OddCells,
    /// Where the first unknown element is, and its name.
    pub unknown: Option<((u32, u32), String)>,
}

/// Goes over a sheet.
pub fn odd_cells(bytes: &[u8], path: &str, known: &Known<'_>) -> Result<Looked, Broken> {
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    let mut xml = xml(&mut zip, path)?;
    let (mut buffer, mut looked) = (Vec::new(), Looked::default());
    let (mut row, mut column, mut is_inside) = (0_u32, 0_u32, false);
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer).map_err(|error| broken(&error))? {
            Event::Start(element) => match element.local_name().as_ref() {
                "sheetData" => is_inside = true,
                "row" if is_inside => {
                    let number =
                        attribute(&element, "r")?.and_then(|number| number.trim().parse::<u32>().ok());
                    row = number.map_or(row, |number| number.saturating_sub(1));
                }
                "c" if is_inside => {
                    if let Some(place) = attribute(&element, "r")?.as_deref().and_then(place) {
                        (row, column) = place;
                    }
                    let style = attribute(&element, "s")?.and_then(|style| style.parse().ok()).unwrap_or(0);
                    let kind = attribute(&element, "t")?.unwrap_or_default();
                    let cell = Cell::read(&mut xml, &kind, known.texts)?;
                    if let (Some(name), None) = (&cell.unknown, &looked.unknown) {
                        looked.unknown = Some(((row, column), name.clone()));
                    }
                    let is_struck = cell.values > 0 && known.struck.contains(&style);
                    let oddity = cell.oddity.or(is_struck.then_some(Oddity::StruckOut));
                    looked.odd.extend(oddity.map(|oddity| ((row, column), oddity)));
                    column = column.saturating_add(1);
                }
                _ => {}
            },
            Event::End(element) => match element.local_name().as_ref() {
                "row" if is_inside => {
                    row = row.saturating_add(1);
                    column = 0;
                }
                "sheetData" => return Ok(looked),
                _ => {}
            },
            Event::Eof => return Ok(looked),
            _ => {}
        }
    }
}

/// What a cell holds.
#[derive(Debug, Default)]
struct Cell {
    values: usize,
    oddity: Option<Oddity>,
    unknown: Option<String>,
}

impl Cell {
    fn read(xml: &mut Xml<'_>, kind: &str, texts: &HashMap<usize, Oddity>) -> Result<Self, Broken> {
        let (mut cell, mut buffer) = (Self::default(), Vec::new());
        loop {
            buffer.clear();
            match xml.read_event_into(&mut buffer).map_err(|error| broken(&error))? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "v" => {
                        cell.values += 1;
                        let (text, is_whole) = value(xml, kind == "str")?;
                        if !is_whole || cell.values > 1 {
                            cell.oddity = Some(Oddity::InPieces);
                        } else if kind == "s" {
                            cell.oddity =
                                text.parse().ok().and_then(|number: usize| texts.get(&number).cloned());
                        }
                        // The reader of a text in the cell itself leaves a value beside it out.
                    }
                    "is" => {
                        cell.values += 1;
                        let oddity = runs(xml, "is")?.oddity();
                        cell.oddity = if cell.values > 1 { Some(Oddity::InPieces) } else { oddity };
                    }
                    "f" => {
                        let name = element.name().0.to_owned();
                        let mut inside = Vec::new();
                        xml.read_to_end_into(quick_xml::name::QName(&name), &mut inside)
                            .map_err(|error| broken(&error))?;
                    }
                    name => {
                        cell.unknown.get_or_insert_with(|| name.to_owned());
                        let name = element.name().0.to_owned();
                        let mut inside = Vec::new();
                        xml.read_to_end_into(quick_xml::name::QName(&name), &mut inside)
                            .map_err(|error| broken(&error))?;
                    }
                },
                Event::End(_) => return Ok(cell),
                Event::Eof => return Err("a cell breaks off".to_owned()),
                _ => {}
            }
        }
    }
}

/// The text of a value, read to its end, and whether the reader takes all of it. In a text it resolves
/// references and passes comments over.
fn value(xml: &mut Xml<'_>, is_text: bool) -> Result<(String, bool), Broken> {
    let (mut buffer, mut text, mut pieces, mut is_whole) = (Vec::new(), String::new(), 0, true);
    let mut depth = 1_usize;
    while depth > 0 {
        buffer.clear();
        match xml.read_event_into(&mut buffer).map_err(|error| broken(&error))? {
            Event::Start(_) => {
                depth += 1;
                is_whole = false;
            }
            Event::End(_) => depth -= 1,
            Event::Text(piece) => {
                pieces += 1;
                text.push_str(&piece.xml10_content());
            }
            Event::GeneralRef(_) | Event::Comment(_) | Event::PI(_) if is_text => {}
            Event::Eof => return Err("a value breaks off".to_owned()),
            _ => is_whole = false,
        }
    }
    Ok((text, is_whole && (is_text || pieces <= 1)))
}

/// `AB12` as row and column from 0.
fn place(text: &str) -> Option<(u32, u32)> {
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (letters, digits) = text.split_at_checked(letters)?;
    let column = letters.bytes().try_fold(0_u32, |column, letter| {
        let digit = u32::from(letter.to_ascii_uppercase() - b'A') + 1;
        column.checked_mul(26)?.checked_add(digit)
    })?;
    Some((digits.parse::<u32>().ok()?.checked_sub(1)?, column.checked_sub(1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read() {
        assert_eq!(place("A1"), Some((0, 0)));
        assert_eq!(place("AB12"), Some((11, 27)));
        for text in ["", "A", "1", "A0", "ZZZZZZZZZ1", "$A$1"] {
            assert_eq!(place(text), None, "{text}");
        }
    }
}
