//! What Arrow says of the columns of a Parquet file beside the file's own types.
//!
//! A length of time has no type of its own in Parquet and is stored as a bare integer; what it is stands
//! only in the schema that writers of Arrow put beside the data, and so does the zone of an instant. That
//! schema is a flatbuffer in base64, of which the few fields that are asked for are read here.

use std::collections::HashMap;

/// The name under which the schema stands among the metadata.
pub const KEY: &str = "ARROW:schema";

/// No schema of a table of usage is larger.
const LONGEST: usize = 16 * 1024 * 1024;

/// What Arrow says of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArrowType {
    /// A length of time; so many of it are a second.
    Duration {
        /// Parts of a second.
        per_second: i64,
    },
    /// An instant, shown in this zone.
    Instant {
        /// The zone; none where the time is of wherever it was written.
        zone: Option<String>,
    },
    /// Anything else.
    Other,
}

/// The types of the columns, by their names; `None` where the schema cannot be followed.
pub fn types(encoded: &str) -> Option<HashMap<String, ArrowType>> {
    let bytes = decoded(encoded)?;
    // A message in a stream has its length before it, behind a mark that older writers left out.
    let start = if bytes.starts_with(&[0xff; 4]) { 8 } else { 4 };
    let buffer = Buffer(bytes.get(start..)?);
    let message = buffer.table(buffer.follow(0)?)?;
    let schema = buffer.table(buffer.follow(message.field(2)?)?)?;
    let fields = buffer.follow(schema.field(1)?)?;
    let count = usize::try_from(buffer.long(fields)?).ok()?;
    let mut types = HashMap::new();
    for index in 0..count {
        let place = fields.checked_add(4)?.checked_add(index.checked_mul(4)?)?;
        let field = buffer.table(buffer.follow(place)?)?;
        let name = buffer.text(buffer.follow(field.field(0)?)?)?;
        let kind = field.field(2).and_then(|at| buffer.0.get(at).copied()).unwrap_or_default();
        let inner = field.field(3).and_then(|at| buffer.follow(at)).and_then(|at| buffer.table(at));
        // A unit that is left out is the default of its type.
        let unit = |default| {
            let unit = inner.as_ref().and_then(|inner| inner.field(0)).map(|at| buffer.short(at));
            unit.unwrap_or(Some(default))
        };
        let found = match kind {
            10 => {
                let zone = inner.as_ref().and_then(|inner| inner.field(1)).and_then(|at| buffer.follow(at));
                ArrowType::Instant { zone: zone.and_then(|at| buffer.text(at)) }
            }
            18 => ArrowType::Duration { per_second: 1000_i64.pow(u32::from(unit(1)?.min(3))) },
            _ => ArrowType::Other,
        };
        types.insert(name, found);
    }
    Some(types)
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    if text.len() > LONGEST {
        return None;
    }
    let (mut bytes, mut bits, mut held) = (Vec::with_capacity(text.len() / 4 * 3), 0_u32, 0_u32);
    for character in text.trim_end_matches('=').bytes() {
        let six = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    Some(bytes)
}

struct Buffer<'a>(&'a [u8]);

/// A table of the buffer: where it is, and where the list of its fields is.
struct FieldTable<'a> {
    buffer: &'a [u8],
    start: usize,
    list: usize,
    length: usize,
}

impl<'a> Buffer<'a> {
    fn short(&self, at: usize) -> Option<u16> {
        Some(u16::from_le_bytes(*self.0.get(at..)?.first_chunk::<2>()?))
    }

    fn long(&self, at: usize) -> Option<u32> {
        Some(u32::from_le_bytes(*self.0.get(at..)?.first_chunk::<4>()?))
    }

    /// Where the offset at a place leads.
    fn follow(&self, at: usize) -> Option<usize> {
        at.checked_add(usize::try_from(self.long(at)?).ok()?)
    }

    fn text(&self, at: usize) -> Option<String> {
        let length = usize::try_from(self.long(at)?).ok()?;
        let start = at.checked_add(4)?;
        let bytes = self.0.get(start..start.checked_add(length)?)?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    fn table(&self, start: usize) -> Option<FieldTable<'a>> {
        let back = i64::from(self.long(start)?.cast_signed());
        let list = usize::try_from(i64::try_from(start).ok()?.checked_sub(back)?).ok()?;
        Some(FieldTable { buffer: self.0, start, list, length: usize::from(self.short(list)?) })
    }
}

impl FieldTable<'_> {
    /// Where the field of a number is; `None` where it is left out.
    fn field(&self, number: usize) -> Option<usize> {
        let at = 4 + 2 * number;
        if at + 2 > self.length {
            return None;
        }
        let offset = usize::from(Buffer(self.buffer).short(self.list.checked_add(at)?)?);
        (offset > 0).then(|| self.start + offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded() {
        assert_eq!(decoded("YWI=").as_deref(), Some(&b"ab"[..]));
        assert_eq!(decoded("YWJj").as_deref(), Some(&b"abc"[..]));
        assert_eq!(decoded("YW-j"), None);
    }

    #[test]
    fn a_schema_that_breaks_off_is_none() {
        assert_eq!(types(""), None);
        assert_eq!(types("/////w=="), None);
        assert_eq!(types(&"/".repeat(400)), None);
    }
}
