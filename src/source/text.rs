//! Text files as text: which encoding a file is written in, and whether it says so.
//!
//! UTF-8 proves itself; UTF-16 mostly carries a mark. Where neither is so, the encoding is a guess, which is
//! said: figures are digits in all of them, but names may come out wrong.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::findings::{Code, Finding};

/// The content of a text file.
#[derive(Debug)]
pub struct Decoded<'a> {
    /// The text, without its mark.
    pub text: Cow<'a, str>,
    /// What is to be said of it.
    pub remark: Option<Finding>,
}

/// Decodes a text file.
pub fn decode(bytes: &[u8]) -> Result<Decoded<'_>, Finding> {
    if bytes.starts_with(b"\xff\xfe\0\0") || bytes.starts_with(b"\0\0\xfe\xff") {
        return Err(wrong("text in UTF-32"));
    }
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return wide(rest, UTF_16LE);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return wide(rest, UTF_16BE);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if let Some(encoding) = unmarked_wide(bytes) {
        let decoded = wide(bytes, encoding)?;
        let order = if encoding == UTF_16LE { "little" } else { "big" };
        let found = format!("no mark, and read as UTF-16 ({order}-endian)");
        return Ok(Decoded { remark: Some(guessed(found)), ..decoded });
    }
    check_nul(bytes)?;
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Decoded { text: text.into(), remark: None }),
        Err(error) => single_byte(bytes, error.valid_up_to()),
    }
}

fn wide<'a>(bytes: &'a [u8], encoding: &'static Encoding) -> Result<Decoded<'a>, Finding> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes).ok_or_else(|| {
        let expected = "whole characters of UTF-16";
        Finding::new(Code::DamagedFile, "text in UTF-16 that breaks off or contradicts itself", expected)
            .hint("save it again as `CSV UTF-8`")
    })?;
    check_nul(text.as_bytes())?;
    Ok(Decoded { text, remark: None })
}

/// The byte order of UTF-16 without a mark: what is Latin, and every delimiter, has a zero in every second
/// byte, and never in the others; a column header is Latin, so that is at least a third of them.
fn unmarked_wide(bytes: &[u8]) -> Option<&'static Encoding> {
    if !bytes.len().is_multiple_of(2) || memchr::memchr(0, bytes).is_none() {
        return None;
    }
    let zeros = |offset: usize| bytes.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let pairs = bytes.len() / 2;
    match (zeros(0), zeros(1)) {
        (0, second) if second * 10 >= pairs * 3 => Some(UTF_16LE),
        (first, 0) if first * 10 >= pairs * 3 => Some(UTF_16BE),
        _ => None,
    }
}

/// Refuses NUL, which no text holds: readers behind us would end a value there.
fn check_nul(bytes: &[u8]) -> Result<(), Finding> {
    let Some(at) = memchr::memchr(0, bytes) else { return Ok(()) };
    let line = line_at(bytes, at);
    if line == 1 {
        return Err(wrong("a binary file"));
    }
    Err(Finding::new(Code::DamagedFile, format!("line {line}: a NUL character"), "text")
        .hint("save the table again as `CSV UTF-8`"))
}

fn line_at(bytes: &[u8], at: usize) -> usize {
    bytes[..at].split(|byte| *byte == b'\n').count()
}

/// Text of a single byte a character. One that is partly UTF-8 is neither.
fn single_byte(bytes: &[u8], first: usize) -> Result<Decoded<'_>, Finding> {
    let line = line_at(bytes, first);
    if !bytes[..first].is_ascii() || has_utf8(&bytes[first..]) {
        let found = format!("line {line}: text that is not UTF-8, among some that is");
        return Err(Finding::new(Code::DamagedFile, found, "text in one encoding")
            .hint("save the table again as `CSV UTF-8`"));
    }
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
    if text.chars().any(|character| ('\u{80}'..='\u{9f}').contains(&character)) {
        return Err(wrong("text that is neither UTF-8 nor windows-1252"));
    }
    let shown = text.lines().nth(line - 1).unwrap_or_default();
    let shown: String = shown.chars().take(80).collect();
    let found =
        format!("not UTF-8, and read as windows-1252; line {line}: {}", crate::domain::visible(&shown));
    Ok(Decoded { text, remark: Some(guessed(found)) })
}

/// Whether a run of bytes beyond ASCII is a character of UTF-8 somewhere.
fn has_utf8(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    loop {
        match std::str::from_utf8(rest) {
            Ok(text) => return !text.is_ascii(),
            Err(error) => {
                let (sound, behind) = rest.split_at(error.valid_up_to());
                if !sound.is_ascii() {
                    return true;
                }
                rest = behind.get(error.error_len().unwrap_or(behind.len())..).unwrap_or_default();
            }
        }
    }
}

fn guessed(found: String) -> Finding {
    Finding::new(Code::GuessedEncoding, found, "UTF-8, which proves itself")
        .hint("look at the names with accents; where they are wrong, save the table as `CSV UTF-8`")
}

fn wrong(found: &str) -> Finding {
    Finding::new(Code::WrongFileType, found, "a workbook, or text in UTF-8, UTF-16 or windows-1252")
        .hint("open it in a spreadsheet program and save it as .xlsx or `CSV UTF-8`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8]) -> String {
        match decode(bytes) {
            Ok(decoded) => {
                let guessed = decoded.remark.map(|remark| format!(" ({})", remark.found)).unwrap_or_default();
                format!("{}{guessed}", decoded.text)
            }
            Err(finding) => format!("{}: {}", finding.code, finding.found),
        }
    }

    fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn encodings_are_told_apart_and_guesses_are_said() {
        let text = "näme,1\n";
        assert_eq!(shown(text.as_bytes()), text);
        assert_eq!(shown("\u{feff}näme,1\n".as_bytes()), text);
        let (little, big) = (utf16(text, u16::to_le_bytes), utf16(text, u16::to_be_bytes));
        assert_eq!(shown(&[b"\xff\xfe", &little[..]].concat()), text);
        assert_eq!(shown(&[b"\xfe\xff", &big[..]].concat()), text);
        assert_eq!(shown(&little), format!("{text} (no mark, and read as UTF-16 (little-endian))"));
        assert_eq!(shown(&big), format!("{text} (no mark, and read as UTF-16 (big-endian))"));
        let latin = "a\nn\u{e4}me \u{80}".chars().map(|c| u8::try_from(u32::from(c)).unwrap());
        let latin: Vec<u8> = latin.collect();
        assert_eq!(shown(&latin), "a\nnäme € (not UTF-8, and read as windows-1252; line 2: näme €)");
    }

    #[test]
    fn what_is_no_text_in_one_encoding_is_refused() {
        assert!(shown(b"a\xff\xfe\0\0").starts_with("wrong-file-type: a binary file"));
        assert!(shown(b"\xff\xfe\0\0a\0\0\0").contains("UTF-32"));
        assert!(shown(b"\xff\xfea\0\0").contains("breaks off"));
        assert!(shown(b"\xff\xfea\0\0\xd8").contains("breaks off"));
        assert!(shown(b"abc\0def").contains("a binary file"));
        assert_eq!(shown(b"a,b\nc\0d,e,"), "damaged-file: line 2: a NUL character");
        assert!(
            shown("ä\n".as_bytes().iter().chain(b"\xe4,").copied().collect::<Vec<_>>().as_slice())
                .contains("line 2: text that is not UTF-8")
        );
        assert!(
            shown(
                "\u{e4}".as_bytes()[..1].iter().chain("ä".as_bytes()).copied().collect::<Vec<_>>().as_slice()
            )
            .contains("among some that is")
        );
        assert!(shown(b"a\x81b").contains("neither UTF-8 nor windows-1252"));
    }
}
