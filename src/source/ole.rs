//! The container of old Office files, as far as it has to be looked into before a reader is let loose on
//! it: which streams it holds, and the bytes of one.

use crate::findings::{Code, Finding};

/// The size of streams that lie in the small sectors.
const SMALL_STREAM: usize = 4096;
const SMALL_SECTOR: usize = 64;

/// Sector numbers from here on mean an end.
const FIRST_MARK: u32 = 0xffff_fffa;

/// A container.
pub struct Ole<'a> {
    bytes: &'a [u8],
    sector_size: usize,
    /// For each sector the one that follows it.
    next: Vec<u32>,
    next_small: Vec<u32>,
    small: Vec<u8>,
    streams: Vec<Stream>,
}

struct Stream {
    name: String,
    start: u32,
    size: usize,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks::<4>().0.iter().map(|four| u32::from_le_bytes(*four)).collect()
}

impl<'a> Ole<'a> {
    /// Reads the directory.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Finding> {
        Self::read(bytes).ok_or_else(|| damaged("it breaks off, or contradicts itself"))
    }

    fn read(bytes: &'a [u8]) -> Option<Self> {
        let sector_size = 1_usize.checked_shl(u32::from(u16_at(bytes, 30)?))?;
        if ![512, 4096].contains(&sector_size) {
            return None;
        }
        let mut ole = Self {
            bytes,
            sector_size,
            next: Vec::new(),
            next_small: Vec::new(),
            small: Vec::new(),
            streams: Vec::new(),
        };
        let mut tables = numbers(bytes.get(76..512)?);
        let mut more = u32_at(bytes, 68)?;
        let most = bytes.len() / sector_size;
        while more < FIRST_MARK {
            let sector = numbers(ole.sector(more)?);
            let (last, sector) = sector.split_last()?;
            tables.extend(sector);
            more = *last;
            if tables.len() > most + 1024 {
                return None;
            }
        }
        for table in tables.into_iter().filter(|table| *table < FIRST_MARK) {
            let sector = numbers(ole.sector(table)?);
            ole.next.extend(sector);
            if ole.next.len() > bytes.len() {
                return None;
            }
        }
        let directory = ole.chain(u32_at(bytes, 48)?)?;
        let entries = directory.as_chunks::<128>().0;
        let root = entries.first()?;
        ole.small = ole.chain(u32_at(root, 116)?)?;
        ole.next_small = numbers(&ole.chain(u32_at(bytes, 60)?)?);
        ole.streams = entries.iter().filter_map(|entry| stream(entry)).collect();
        Some(ole)
    }

    /// Whether there is a stream or a folder of a name.
    pub fn has(&self, name: &str) -> bool {
        self.streams.iter().any(|stream| stream.name.eq_ignore_ascii_case(name))
    }

    /// The bytes of a stream; `None` where there is none, or it breaks off.
    pub fn stream(&self, name: &str) -> Option<Vec<u8>> {
        let stream = self.streams.iter().find(|stream| stream.name.eq_ignore_ascii_case(name))?;
        let mut bytes = if stream.size < SMALL_STREAM {
            self.small_chain(stream.start)?
        } else {
            self.chain(stream.start)?
        };
        if bytes.len() < stream.size {
            return None;
        }
        bytes.truncate(stream.size);
        Some(bytes)
    }

    fn sector(&self, number: u32) -> Option<&'a [u8]> {
        let start = usize::try_from(number).ok()?.checked_add(1)?.checked_mul(self.sector_size)?;
        let rest = self.bytes.get(start..)?;
        // The last sector of a file may be cut short.
        Some(&rest[..rest.len().min(self.sector_size)]).filter(|sector| !sector.is_empty())
    }

    fn chain(&self, mut number: u32) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        while number < FIRST_MARK {
            bytes.extend_from_slice(self.sector(number)?);
            number = *self.next.get(usize::try_from(number).ok()?)?;
            if bytes.len() > self.bytes.len() {
                return None;
            }
        }
        Some(bytes)
    }

    fn small_chain(&self, mut number: u32) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        while number < FIRST_MARK {
            let index = usize::try_from(number).ok()?;
            let start = index.checked_mul(SMALL_SECTOR)?;
            bytes.extend_from_slice(self.small.get(start..start.checked_add(SMALL_SECTOR)?)?);
            number = *self.next_small.get(index)?;
            if bytes.len() > self.small.len() {
                return None;
            }
        }
        Some(bytes)
    }
}

fn stream(entry: &[u8]) -> Option<Stream> {
    let length = usize::from(u16_at(entry, 64)?).checked_sub(2).filter(|length| *length <= 62)?;
    let units = entry.get(..length)?.as_chunks::<2>().0.iter().map(|two| u16::from_le_bytes(*two));
    let name = char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}')).collect();
    Some(Stream { name, start: u32_at(entry, 116)?, size: usize::try_from(u32_at(entry, 120)?).ok()? })
}

/// A container that cannot be followed.
pub fn damaged(found: &str) -> Finding {
    let found = format!("an old Office file that cannot be followed ({found})");
    Finding::new(Code::DamagedFile, found, "a sound .xls workbook")
        .hint("open it in a spreadsheet program and save it as .xlsx")
}
