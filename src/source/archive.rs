//! The zip archive that most spreadsheet formats are: looked through before anything is made of it.
//!
//! Every part that a reader may use is unpacked once and thrown away. That proves its checksum, which the
//! readers themselves ask for only at the end of a part, and bounds what it inflates to, whatever the
//! archive says of itself. Definitions of entities do not occur in spreadsheets and are refused.

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::sync::Arc;

use zip::ZipArchive;

use crate::domain::visible;
use crate::findings::{Code, Finding};

use super::part_scan::PartScan;
use super::sheet_look::{SheetLook, SheetSeen};

/// A part of a workbook may be this large, or as dense as this, but not both: real sheets are packed
/// ten- to fiftyfold.
const LARGE_PART: u64 = 128 * 1024 * 1024;
const MOST_INFLATION: u64 = 150;

/// All parts together; no sheet of a million rows comes near.
const LARGEST_ARCHIVE: u64 = 4 * 1024 * 1024 * 1024;

/// Parts of an archive.
const MOST_PARTS: usize = 10_000;

/// Hidden rows and merged cells of all sheets that are remembered, in stretches.
const MOST_SEEN: usize = 4_194_304;

/// What stands before the first element of a part.
const LONGEST_PROLOG: usize = 64 * 1024;

/// What kind of workbook an archive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveKind {
    /// Excel since 2007.
    Xlsx,
    /// The same, binary.
    Xlsb,
    /// OpenDocument.
    Ods,
}

/// An archive that was looked through.
pub struct Archive<'a> {
    bytes: &'a [u8],
    names: Vec<String>,
    /// The parts with XML that asks for a careful look.
    odd: Vec<String>,
    /// What was seen of each sheet of Excel, by its part.
    looks: HashMap<String, Arc<SheetSeen>>,
}

impl<'a> Archive<'a> {
    /// Looks an archive through.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Finding> {
        Self::with_limit(bytes, LARGEST_ARCHIVE)
    }

    fn with_limit(bytes: &'a [u8], limit: u64) -> Result<Self, Finding> {
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| {
            let error = visible(&error.to_string()).to_string();
            damaged(format!("a zip archive that does not open as a workbook ({error})"))
                .hint("it may have broken off on its way: fetch it again, or save it again as .xlsx")
        })?;
        if archive.has_duplicate_names() {
            return Err(damaged("two parts of one name".into()));
        }
        if archive.len() > MOST_PARTS {
            return Err(damaged(format!("an archive of {} parts", archive.len())));
        }
        let mut names = Vec::new();
        for index in 0..archive.len() {
            let part = archive.by_index_raw(index).map_err(|error| unreadable("a part", &error))?;
            let name = part.name().map_err(|error| unreadable("a part", &error))?.into_owned();
            if part.encrypted() {
                return Err(protected());
            }
            check_ratio(&name, part.compressed_size(), part.size())?;
            names.push(name);
        }
        let whole = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let mut total = 0;
        let mut odd = Vec::new();
        let (mut looks, mut kept) = (HashMap::new(), 0);
        for (index, name) in names.iter().enumerate().filter(|(_, name)| is_read(name)) {
            let mut part = archive.by_index(index).map_err(|error| unreadable(name, &error))?;
            let packed = part.compressed_size();
            let before = total;
            let mut scan = may_be_sheet(name).then(PartScan::new);
            let mut look = is_xml(name).then(SheetLook::default);
            unpack(name, &mut part, |piece| {
                if let Some(scan) = &mut scan {
                    scan.take(piece);
                }
                if let Some(look) = &mut look {
                    look.take(piece);
                }
                total += u64::try_from(piece.len()).unwrap_or(u64::MAX);
                check_ratio(name, packed, total - before)?;
                let is_dense = total > 2 * LARGE_PART && total / whole.max(1) > MOST_INFLATION;
                if total > limit || is_dense {
                    return Err(bomb(format!(
                        "the archive inflates from {whole} to more than {total} bytes"
                    )));
                }
                Ok(())
            })?;
            odd.extend(scan.filter(PartScan::is_odd).map(|_| name.clone()));
            let Some(mut seen) = look.and_then(SheetLook::end) else { continue };
            kept += seen.len();
            if kept > MOST_SEEN {
                seen = SheetSeen::unknown();
            }
            looks.insert(name.clone(), Arc::new(seen));
        }
        Ok(Self { bytes, names, odd, looks })
    }

    /// Whether there is a part of a name.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }

    /// The parts with XML that asks for a careful look.
    pub fn odd_parts(&self) -> &[String] {
        &self.odd
    }

    /// What was seen of the sheet in a part.
    pub fn sheet(&self, part: &str) -> Option<Arc<SheetSeen>> {
        self.looks.get(part).cloned()
    }

    /// The archive itself.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What kind of workbook it is; the finding says what else it is.
    pub fn kind(&self) -> Result<ArchiveKind, Finding> {
        let has = |name: &str| self.has(name);
        let has_folder = |folder: &str| self.names.iter().any(|own| own.starts_with(folder));
        let mimetype = self.text("mimetype").unwrap_or_default();
        if mimetype.trim().starts_with("application/vnd.oasis.opendocument.spreadsheet") {
            return Ok(ArchiveKind::Ods);
        }
        if has("xl/workbook.bin") {
            return Ok(ArchiveKind::Xlsb);
        }
        let what = if has_folder("word/") {
            "a Word document"
        } else if has_folder("ppt/") {
            "a PowerPoint presentation"
        } else if mimetype.starts_with("application/vnd.oasis.opendocument") {
            "an OpenDocument file that is no spreadsheet"
        } else if has("Index/Document.iwa") || has("Index.zip") {
            "an Apple Numbers document"
        } else if has("[Content_Types].xml") || has_folder("xl/") {
            return Ok(ArchiveKind::Xlsx);
        } else {
            "a zip archive that is no workbook"
        };
        let hint = match what {
            "a zip archive that is no workbook" => "unpack it, and name the files in it",
            _ => "open it and save its table as .xlsx",
        };
        Err(Finding::new(Code::WrongFileType, what, "a workbook: .xlsx, .xlsm, .xlsb or .ods").hint(hint))
    }

    /// A part as text; `None` where there is none.
    pub fn text(&self, name: &str) -> Option<String> {
        let mut archive = ZipArchive::new(Cursor::new(self.bytes)).ok()?;
        let part = archive.by_name(name).ok()?;
        let mut bytes = Vec::new();
        part.take(LARGE_PART).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The files that an Excel workbook takes values from.
    pub fn external_links(&self) -> Vec<String> {
        let folder = "xl/externalLinks/";
        let links = self.names.iter().filter_map(|name| name.strip_prefix(folder));
        let mut found: Vec<String> = Vec::new();
        for link in links.filter(|link| !link.contains('/')) {
            let relations = self.text(&format!("{folder}_rels/{link}.rels")).unwrap_or_default();
            let target = relations.split("Target=\"").nth(1).and_then(|rest| rest.split('"').next());
            let target =
                target.map_or_else(|| "another file".to_owned(), |target| target.replace("%20", " "));
            if !found.contains(&target) {
                found.push(target);
            }
        }
        found
    }
}

/// Whether a reader may use a part; pictures and embedded documents are never unpacked.
fn is_read(name: &str) -> bool {
    let unread = ["xl/media/", "xl/embeddings/", "Pictures/", "Thumbnails/", "customXml/", "Object "];
    !unread.iter().any(|folder| name.starts_with(folder))
}

/// Whether a part may be a sheet of an Excel workbook, or its texts.
fn may_be_sheet(name: &str) -> bool {
    let is_xml = name.rsplit_once('.').is_some_and(|(_, ending)| ending.eq_ignore_ascii_case("xml"));
    is_xml && name.contains('/') && !name.starts_with("docProps/")
}

fn check_ratio(name: &str, packed: u64, unpacked: u64) -> Result<(), Finding> {
    if unpacked > LARGE_PART && unpacked / packed.max(1) > MOST_INFLATION {
        return Err(bomb(format!("{} inflates from {packed} to {unpacked} bytes", visible(name))));
    }
    Ok(())
}

/// Whether a part is text in XML.
fn is_xml(name: &str) -> bool {
    [".xml", ".rels", ".vml"].iter().any(|ending| name.ends_with(ending))
}

/// Unpacks a part to its end and throws it away; `take` is shown each piece that came.
fn unpack(
    name: &str,
    part: &mut impl Read,
    mut take: impl FnMut(&[u8]) -> Result<(), Finding>,
) -> Result<(), Finding> {
    let mut buffer = vec![0; LONGEST_PROLOG];
    let mut is_first = true;
    loop {
        let mut filled = 0;
        while filled < buffer.len() {
            match part.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(more) => filled += more,
                Err(error) => return Err(unreadable(name, &error)),
            }
        }
        if filled == 0 {
            return Ok(());
        }
        if is_first && is_xml(name) {
            check_prolog(name, &buffer[..filled])?;
        }
        is_first = false;
        take(&buffer[..filled])?;
    }
}

/// Refuses a part that defines entities, or that is not text as spreadsheets write it.
fn check_prolog(name: &str, start: &[u8]) -> Result<(), Finding> {
    let element = start.windows(2).position(|pair| {
        pair[0] == b'<' && (pair[1].is_ascii_alphabetic() || pair[1] == b'_' || pair[1] >= 0x80)
    });
    let prolog = &start[..element.unwrap_or(start.len())];
    let name = visible(name);
    if prolog.windows(9).any(|window| window.eq_ignore_ascii_case(b"<!DOCTYPE")) {
        return Err(damaged(format!("{name} defines entities of its own, which no spreadsheet does")));
    }
    if prolog.contains(&0) || element.is_none() && start.len() == LONGEST_PROLOG {
        return Err(damaged(format!("{name} does not begin like a part of a workbook")));
    }
    Ok(())
}

fn damaged(found: String) -> Finding {
    Finding::new(Code::DamagedFile, found, "a sound workbook")
        .hint("open it in a spreadsheet program and save it again")
}

fn bomb(found: String) -> Finding {
    Finding::new(Code::DamagedFile, found, "a workbook of honest size")
        .hint("open it in a spreadsheet program and save it again")
}

fn unreadable(name: &str, error: &dyn std::fmt::Display) -> Finding {
    damaged(format!("{} cannot be unpacked ({})", visible(name), visible(&error.to_string())))
}

/// A file that only its password opens.
pub fn protected() -> Finding {
    Finding::new(Code::PasswordProtected, "a workbook that is encrypted", "a workbook without a password")
        .hint("open it with its password, and save a copy without one")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in parts {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn refusal(bytes: &[u8]) -> String {
        Archive::open(bytes).map(|_| ()).unwrap_err().found
    }

    #[test]
    fn an_archive_that_inflates_out_of_proportion_is_refused() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file("xl/sharedStrings.xml", SimpleFileOptions::default()).unwrap();
        let blank = vec![b' '; 1024 * 1024];
        for _ in 0..129 {
            writer.write_all(&blank).unwrap();
        }
        let bytes = writer.finish().unwrap().into_inner();
        assert!(refusal(&bytes).contains("to 135266304 bytes"));
        assert!(Archive::open(include_bytes!("../../samples/usage-2026-11-long.xlsx")).is_ok());
    }

    #[test]
    fn many_parts_together_have_a_limit_too() {
        let bytes = archive(&[("a.bin", &[0; 5000]), ("b.bin", &[1; 5000])]);
        assert!(Archive::with_limit(&bytes, 10_000).is_ok());
        let refused = Archive::with_limit(&bytes, 9_999).map(|_| ()).unwrap_err().found;
        assert!(refused.starts_with("the archive inflates from "), "{refused}");
    }

    #[test]
    fn definitions_of_entities_are_refused() {
        let entities = b"<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"1\">]><a>&b;</a>";
        assert!(refusal(&archive(&[("xl/workbook.xml", entities)])).contains("defines entities"));
        let wide = b"\xff\xfe<\0a\0/\0>\0";
        assert!(refusal(&archive(&[("xl/workbook.xml", wide)])).contains("does not begin like"));
    }

    #[test]
    fn a_wrong_checksum_is_refused() {
        let mut bytes = archive(&[("xl/a.bin", b"12.50")]);
        let sum = bytes.windows(4).position(|four| four == 0x0201_4b50_u32.to_le_bytes()).unwrap() + 16;
        bytes[14] ^= 1;
        bytes[sum] ^= 1;
        assert!(refusal(&bytes).contains("cannot be unpacked"));
    }
}
