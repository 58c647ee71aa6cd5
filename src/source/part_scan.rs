//! A quick look over the XML of a sheet while it is unpacked: whether each cell is written as spreadsheet
//! programs write it.
//!
//! The reader takes the first piece of a value that a comment, a reference or an element breaks, and the
//! last of two values. Nearly no sheet has such a cell, so a look that costs next to nothing tells whether
//! a careful one is needed. It may call a sound sheet odd, and never an odd one sound.

/// No tag of a sheet is longer.
const LONGEST_TAG: usize = 64 * 1024;

/// Where in a sheet the look is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Prolog,
    Outside,
    Cell,
    Formula,
    BehindFormula,
    Value,
    Text,
    BehindValue,
}

/// The look over one part.
#[derive(Debug)]
pub struct PartScan {
    state: State,
    /// A tag of which the end is still to come.
    tag: Vec<u8>,
    is_odd: bool,
}

impl PartScan {
    /// Starts before the first byte.
    pub fn new() -> Self {
        Self { state: State::Prolog, tag: Vec::new(), is_odd: false }
    }

    /// Takes the next bytes.
    pub fn take(&mut self, bytes: &[u8]) {
        if self.is_odd {
            return;
        }
        let mut begun = std::mem::take(&mut self.tag);
        if begun.is_empty() {
            let rest = self.scan(bytes);
            begun.extend_from_slice(&bytes[rest..]);
        } else {
            begun.extend_from_slice(bytes);
            let rest = self.scan(&begun);
            begun.drain(..rest);
        }
        self.is_odd |= begun.len() > LONGEST_TAG;
        self.tag = begun;
    }

    /// Whether a careful look is needed.
    pub fn is_odd(&self) -> bool {
        self.is_odd
    }

    /// Goes over whole tags; returns where one begins that does not end.
    fn scan(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while let Some(length) = bytes[at..].iter().position(|&byte| byte == b'<') {
            let start = at + length;
            self.text(&bytes[at..start]);
            let Some(length) = bytes[start..].iter().position(|&byte| byte == b'>') else { return start };
            self.tag(&bytes[start + 1..start + length]);
            at = start + length + 1;
            if self.is_odd {
                return bytes.len();
            }
        }
        self.text(&bytes[at..]);
        bytes.len()
    }

    fn text(&mut self, text: &[u8]) {
        self.is_odd |= self.state == State::Value && text.contains(&b'&');
    }

    fn tag(&mut self, tag: &[u8]) {
        let is_end = tag.first() == Some(&b'/');
        let is_alone = tag.last() == Some(&b'/');
        let tag = if is_end { &tag[1..] } else { tag };
        if matches!(tag.first(), Some(b'?' | b'!')) {
            self.is_odd |= self.state != State::Prolog;
            return;
        }
        let next = |open, alone| if is_alone { alone } else { open };
        let found = match (self.state, name(tag), is_end) {
            (_, b"vertAlign" | b"strike", _) | (State::Prolog | State::Outside, b"v" | b"is", _) => None,
            (State::Prolog | State::Outside, b"c", false) => Some(next(State::Cell, State::Outside)),
            (State::Cell, b"f", false) => Some(next(State::Formula, State::BehindFormula)),
            (State::Cell | State::BehindFormula, b"v", false) => Some(next(State::Value, State::BehindValue)),
            (State::Cell, b"is", false) => Some(next(State::Text, State::BehindValue)),
            (State::Formula, b"f", true) => Some(State::BehindFormula),
            (State::Value, b"v", true) | (State::Text, b"is", true) => Some(State::BehindValue),
            (State::Text, ..) => Some(State::Text),
            (State::Cell | State::BehindFormula | State::BehindValue, b"c", true)
            | (State::Prolog | State::Outside, ..) => Some(State::Outside),
            (State::Cell | State::Formula | State::BehindFormula | State::Value | State::BehindValue, ..) => {
                None
            }
        };
        self.is_odd |= found.is_none();
        self.state = found.unwrap_or(State::Outside);
    }
}

/// The name of a tag without its prefix.
fn name(tag: &[u8]) -> &[u8] {
    let end = tag.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'/').unwrap_or(tag.len());
    let start = tag[..end].iter().position(|&byte| byte == b':').map_or(0, |colon| colon + 1);
    &tag[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_odd(cells: &str, step: usize) -> bool {
        let sheet = format!(
            "<?xml version=\"1.0\"?>\n<!-- made by hand --><worksheet><sheetData>{cells}</sheetData></worksheet>"
        );
        let mut scan = PartScan::new();
        sheet.as_bytes().chunks(step).for_each(|bytes| scan.take(bytes));
        scan.is_odd()
    }

    #[test]
    fn cells_as_programs_write_them_are_sound() {
        for cells in [
            "<row r=\"1\"><c r=\"A1\"/><c r=\"B1\" s=\"2\"></c><c r=\"C1\"><v>12</v></c></row>",
            "<x:row><x:c t=\"str\"><x:f>A1&amp;B1</x:f><x:v>12</x:v></x:c></x:row>",
            "<c t=\"inlineStr\"><is><t>a &amp; b</t></is></c><c><f/><v></v></c><c><f t=\"shared\" si=\"0\"/><v>1</v></c>",
            "<c t=\"inlineStr\"><is><r><rPr><b/></rPr><t>a</t></r></is></c><c><v/></c>",
        ] {
            for step in [1, 7, 4096] {
                assert!(!is_odd(cells, step), "{cells}");
            }
        }
    }

    #[test]
    fn cells_of_which_a_reader_takes_a_part_are_odd() {
        for cells in [
            "<c><v>1&#50;</v></c>",
            "<c><v>1<!-- -->2</v></c>",
            "<c><v><![CDATA[12]]></v></c>",
            "<c><v>1<x/>2</v></c>",
            "<c><v>1<?a?>2</v></c>",
            "<c><v>1</v><v>2</v></c>",
            "<c><v>1</v><is><t>2</t></is></c>",
            "<c><v>1</v><extLst/></c>",
            "<c a=\"/>\"><v>1</v></c>",
            "<c><v>1</c></v>",
            "<c t=\"inlineStr\"><is><r><rPr><vertAlign val=\"superscript\"/></rPr><t>2</t></r></is></c>",
            "<si><r><rPr><strike/></rPr><t>2</t></r></si>",
        ] {
            for step in [1, 7, 4096] {
                assert!(is_odd(cells, step), "{cells}");
            }
        }
    }
}
