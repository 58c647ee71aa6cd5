//! What the XML of an Excel sheet says of its rows and columns beside their cells: what is hidden, what is
//! merged, what is filtered.
//!
//! It is looked through while its part is unpacked for the sake of its checksum, so that it costs no reading
//! of its own: among the cells only the tags of rows are looked for. A tag that cannot be followed leaves
//! the sight of the sheet open, and never a row that counts as seen by mistake.

use memchr::{memchr, memmem};

use crate::findings::{Code, Finding};
use crate::parse::{Merge, Sight, Span, Unseen};

use super::sheets::out_of_order;

/// No tag of a row, a column or a merged cell is longer.
const LONGEST_TAG: usize = 1024 * 1024;

/// How much of the end of a piece is looked at again with the next one: a prefix, a name and a sign.
const OVERLAP: usize = 128;

/// Spans or merged cells; a sheet has no more rows.
const MOST: usize = 2_097_152;

/// The columns of a sheet.
const MOST_COLUMNS: usize = 16_384;

/// Points below which nobody can read a row.
const LOWEST: f64 = 2.0;

/// Characters below which nobody can read a column.
const NARROWEST: f64 = 0.5;

/// A look at a part that may be a sheet.
pub struct SheetLook {
    buffer: Vec<u8>,
    stage: Stage,
    /// Where a tag of a row begins that is not whole yet.
    open: Option<usize>,
    of_rows: memmem::Finder<'static>,
    of_end: memmem::Finder<'static>,
    seen: SheetSeen,
    /// The number of the last row.
    row: u32,
    /// The rows that are not seen, with whether they belong to a group.
    rows: Vec<(Span, bool)>,
    filter: Option<(u32, u32)>,
    is_filtered: bool,
    /// Whether the cells of the sheet were met.
    has_cells: bool,
    /// Whether rows are too low to be read, and columns too narrow, where they do not say otherwise.
    is_flat: (bool, bool),
    /// The columns that say how wide they are.
    told: Vec<(u32, u32)>,
}

/// What was seen of a sheet.
#[derive(Debug, Clone, Default)]
pub struct SheetSeen {
    /// What it shows.
    pub sight: Sight,
    /// A row that stands twice or out of order.
    pub out_of_order: Option<u32>,
    /// Whether its cells stand in two places, of which programs read only one.
    has_second: bool,
}

impl SheetSeen {
    /// A sheet of which more was seen than can be kept.
    pub fn unknown() -> Self {
        Self { sight: Sight::unknown(), ..Self::default() }
    }

    /// Why the rows of the sheet cannot be followed.
    pub fn refusal(&self) -> Option<Finding> {
        if self.has_second {
            let found = "a sheet with its cells in two places, of which programs read one";
            let finding = Finding::new(Code::DamagedFile, found, "all rows of a sheet in one place");
            return Some(finding.hint("open it in a spreadsheet program, look at its rows, and save it"));
        }
        self.out_of_order.map(out_of_order)
    }

    /// How much has to be kept of it.
    pub fn len(&self) -> usize {
        self.sight.rows.len() + self.sight.columns.len() + self.sight.merges.len()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing was seen yet.
    Start,
    /// Before or behind the cells.
    Around,
    /// Among the cells.
    Cells,
    /// In a comment or the like, up to these characters.
    Until(&'static [u8]),
    /// Not a sheet, or one that cannot be followed.
    Off,
}

impl Default for SheetLook {
    fn default() -> Self {
        Self {
            buffer: Vec::new(),
            stage: Stage::Start,
            open: None,
            of_rows: memmem::Finder::new(b"row"),
            of_end: memmem::Finder::new(b"sheetData"),
            seen: SheetSeen::default(),
            row: 0,
            rows: Vec::new(),
            filter: None,
            is_filtered: false,
            has_cells: false,
            is_flat: (false, false),
            told: Vec::new(),
        }
    }
}

impl SheetLook {
    /// Takes the next piece of the part.
    pub fn take(&mut self, piece: &[u8]) {
        if self.stage == Stage::Off {
            return;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.extend_from_slice(piece);
        let mut at = 0;
        while let Some(next) = self.step(&buffer, at) {
            at = next;
        }
        buffer.drain(..self.kept_from(&buffer, at));
        self.open = None;
        if buffer.len() > LONGEST_TAG {
            self.give_up();
            buffer.clear();
        }
        self.buffer = buffer;
    }

    /// What was seen; `None` where the part is no sheet.
    pub fn end(mut self) -> Option<SheetSeen> {
        if self.stage == Stage::Start {
            return None;
        }
        if self.stage == Stage::Off {
            return self.seen.sight.is_unknown.then_some(self.seen);
        }
        let filter = self.filter.filter(|_| self.is_filtered);
        for (span, is_grouped) in self.rows {
            let is_filtered = filter.is_some_and(|(first, last)| span.first > first && span.last <= last);
            let how = match (is_filtered, is_grouped) {
                (true, _) => Unseen::Filtered,
                (false, true) => Unseen::Collapsed,
                (false, false) => Unseen::Hidden,
            };
            Sight::add(&mut self.seen.sight.rows, span.first, span.last, how);
        }
        if self.is_flat.1 {
            let widest = u32::try_from(MOST_COLUMNS).unwrap_or(u32::MAX);
            self.told.sort_unstable();
            let mut next = 0;
            for (first, last) in self.told.into_iter().chain([(widest, widest)]) {
                if first > next {
                    let span = Span { first: next, last: first - 1, how: Unseen::Hidden };
                    self.seen.sight.columns.push(span);
                }
                next = next.max(last.saturating_add(1));
            }
        }
        self.seen.sight.rows.sort_unstable_by_key(|span| span.first);
        self.seen.sight.merges.sort_unstable();
        Some(self.seen)
    }

    fn give_up(&mut self) {
        self.stage = Stage::Off;
        self.seen.sight = Sight::unknown();
    }

    /// From where on the buffer is needed with the next piece.
    fn kept_from(&self, buffer: &[u8], at: usize) -> usize {
        match self.stage {
            Stage::Start | Stage::Around => {
                memchr(b'<', &buffer[at..]).map_or(buffer.len(), |start| at + start)
            }
            Stage::Cells => self.open.unwrap_or(at.max(buffer.len().saturating_sub(OVERLAP))),
            Stage::Until(end) => at.max(buffer.len().saturating_sub(end.len())),
            Stage::Off => buffer.len(),
        }
    }

    /// Takes the next tag from a place on; the place behind it, or `None` where more has to come.
    fn step(&mut self, buffer: &[u8], at: usize) -> Option<usize> {
        match self.stage {
            Stage::Off => None,
            Stage::Until(end) => {
                let found = memmem::find(&buffer[at..], end)?;
                self.stage = Stage::Around;
                Some(at + found + end.len())
            }
            Stage::Cells => self.step_among_cells(buffer, at),
            Stage::Start | Stage::Around => {
                let start = at + memchr(b'<', &buffer[at..])?;
                let rest = &buffer[start..];
                if rest.len() < 9 && memchr(b'>', rest).is_none() {
                    return None;
                }
                for (begin, end) in [(&b"<!--"[..], &b"-->"[..]), (b"<![CDATA[", b"]]>"), (b"<?", b"?>")] {
                    if rest.starts_with(begin) {
                        let before = self.stage;
                        if before == Stage::Start {
                            // The prolog is short, so that a comment in it is seen as a whole.
                            return Some(
                                start + begin.len() + memmem::find(&rest[begin.len()..], end)? + end.len(),
                            );
                        }
                        self.stage = Stage::Until(end);
                        return Some(start + begin.len());
                    }
                }
                let end = tag_end(rest)?;
                self.tag(&rest[1..end]);
                Some(start + end + 1)
            }
        }
    }

    /// Looks for the next row, and for the end of the cells.
    fn step_among_cells(&mut self, buffer: &[u8], at: usize) -> Option<usize> {
        let found = self.of_rows.find(&buffer[at..]).map(|found| at + found);
        // The words may also stand in a text, after which it is only slower to look on.
        if let Some(end) = self.of_end.find(&buffer[at..found.unwrap_or(buffer.len())]) {
            self.stage = Stage::Around;
            return Some(at + end);
        }
        let found = found?;
        let Some(start) = name_start(buffer, found) else { return Some(found + 3) };
        let Some(end) = tag_end(&buffer[start..]) else {
            self.open = Some(start);
            return None;
        };
        self.tag(&buffer[start + 1..start + end]);
        Some(start + end + 1)
    }

    /// Takes what stands between the brackets of a tag.
    fn tag(&mut self, tag: &[u8]) {
        if tag.first() == Some(&b'/') {
            return;
        }
        let end =
            tag.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'/').unwrap_or(tag.len());
        let (name, attributes) = tag.split_at(end);
        let name = name.rsplit(|byte| *byte == b':').next().unwrap_or(name);
        if self.stage == Stage::Start {
            self.stage = match name {
                b"worksheet" => Stage::Around,
                _ => Stage::Off,
            };
            return;
        }
        match name {
            b"sheetData" => {
                self.seen.has_second |= std::mem::replace(&mut self.has_cells, true);
                if !tag.ends_with(b"/") {
                    self.stage = Stage::Cells;
                }
            }
            b"sheetFormatPr" => {
                let is_below =
                    |name, least| attribute(attributes, name).is_some_and(|it| is_below(it, least));
                self.is_flat =
                    (is_below(b"defaultRowHeight", LOWEST), is_below(b"defaultColWidth", NARROWEST));
            }
            b"row" => self.row(attributes),
            b"col" => self.column(attributes),
            b"mergeCell" => self.merge(attributes),
            b"autoFilter" => {
                self.filter = attribute(attributes, b"ref").and_then(range).map(|it| (it.0.0, it.1.0));
            }
            b"filterColumn" => self.is_filtered = true,
            b"sheetPr" => self.is_filtered |= attribute(attributes, b"filterMode").is_some_and(is_true),
            _ => {}
        }
        if self.rows.len() > MOST
            || self.seen.sight.merges.len() > MOST
            || self.seen.sight.columns.len().max(self.told.len()) > MOST_COLUMNS
        {
            self.give_up();
        }
    }

    fn row(&mut self, attributes: &[u8]) {
        let (mut number, mut is_hidden, mut is_grouped) = (None, false, false);
        let mut is_flat = self.is_flat.0;
        for (name, value) in Attributes(attributes) {
            match name {
                b"r" => number = digits(value),
                b"hidden" => is_hidden |= is_true(value),
                // A row without height, or nearly so, is hidden, whatever it is called.
                b"ht" => is_flat = is_below(value, LOWEST),
                b"outlineLevel" => is_grouped = !is_zero(value),
                _ => {}
            }
        }
        let next = self.row.saturating_add(1);
        let number = number.unwrap_or(next);
        if number < next {
            self.seen.out_of_order.get_or_insert(number);
        }
        self.row = number;
        if is_hidden || is_flat {
            match self.rows.last_mut() {
                Some((span, grouped))
                    if *grouped == is_grouped && span.last.checked_add(1) == Some(number) =>
                {
                    span.last = number;
                }
                _ => self.rows.push((Span { first: number, last: number, how: Unseen::Hidden }, is_grouped)),
            }
        }
    }

    fn column(&mut self, attributes: &[u8]) {
        let (mut first, mut last, mut is_hidden, mut how) = (None, None, false, Unseen::Hidden);
        for (name, value) in Attributes(attributes) {
            match name {
                b"min" => first = digits(value),
                b"max" => last = digits(value),
                b"hidden" => is_hidden |= is_true(value),
                b"width" => is_hidden |= is_below(value, NARROWEST),
                b"outlineLevel" if !is_zero(value) => how = Unseen::Collapsed,
                _ => {}
            }
        }
        if let (Some(first), Some(last)) = (first, last.or(first)) {
            self.told.push((first.saturating_sub(1), last.saturating_sub(1)));
        }
        if let (true, Some(first), Some(last)) = (is_hidden, first, last.or(first)) {
            self.seen.sight.columns.push(Span {
                first: first.saturating_sub(1),
                last: last.saturating_sub(1),
                how,
            });
        }
    }

    fn merge(&mut self, attributes: &[u8]) {
        match attribute(attributes, b"ref").and_then(range) {
            Some(((first_row, first_column), (last_row, last_column))) => {
                self.seen.sight.merges.push(Merge { first_row, last_row, first_column, last_column });
            }
            None => self.seen.sight.is_unknown = true,
        }
    }
}

/// Where the tag begins whose name ends with the `row` at a place; `None` where it is none of a row.
fn name_start(buffer: &[u8], at: usize) -> Option<usize> {
    let behind = buffer.get(at + 3);
    if behind.is_some_and(|byte| !(byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>'))) {
        return None;
    }
    match at.checked_sub(1).map(|before| buffer[before])? {
        b'<' => Some(at - 1),
        b':' => {
            let is_name = |byte: &u8| {
                byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_' | b'-' | b'.') || *byte >= 0x80
            };
            let prefix = buffer[..at].iter().rev().take(OVERLAP / 2).take_while(|byte| is_name(byte)).count();
            let start = at.checked_sub(prefix + 1)?;
            (buffer[start] == b'<').then_some(start)
        }
        _ => None,
    }
}

/// Where a tag ends, counted from its first bracket; a bracket in a quoted value is none.
fn tag_end(tag: &[u8]) -> Option<usize> {
    let mut quote = None;
    for (at, &byte) in tag.iter().enumerate() {
        if quote == Some(byte) {
            quote = None;
        } else if quote.is_none() && byte == b'>' {
            return Some(at);
        } else if quote.is_none() && matches!(byte, b'"' | b'\'') {
            quote = Some(byte);
        }
    }
    None
}

/// Names, without their prefixes, and values.
struct Attributes<'a>(&'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let equals = memchr(b'=', self.0)?;
        let name = self.0[..equals].trim_ascii();
        let rest = self.0[equals + 1..].trim_ascii_start();
        let quote = *rest.first()?;
        let value = &rest[1..];
        let end = memchr(quote, value)?;
        self.0 = &value[end + 1..];
        Some((name.rsplit(|byte| *byte == b':').next().unwrap_or(name), &value[..end]))
    }
}

fn attribute<'a>(attributes: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    Attributes(attributes).find(|(name, _)| *name == wanted).map(|(_, value)| value)
}

/// Whatever is not plainly false is true: a row that is doubted is asked about.
fn is_true(value: &[u8]) -> bool {
    !matches!(value.trim_ascii(), b"" | b"0" | b"false" | b"off")
}

fn is_zero(value: &[u8]) -> bool {
    !value.is_empty() && value.trim_ascii().iter().all(|byte| matches!(byte, b'0' | b'.'))
}

/// Whether a length is one that is less than another; what is no number is none.
fn is_below(value: &[u8], least: f64) -> bool {
    let number = std::str::from_utf8(value).ok().and_then(|text| text.trim().parse::<f64>().ok());
    number.is_some_and(|number| number < least)
}

fn digits(value: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(value.trim_ascii()).ok()?;
    text.parse().ok().filter(|number| *number > 0)
}

/// Rows from 1 and columns from 0 of a range such as `B2:D4`.
pub fn range(value: &[u8]) -> Option<((u32, u32), (u32, u32))> {
    let text = std::str::from_utf8(value).ok()?;
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    let (first, last) = (cell(first)?, cell(last)?);
    Some(((first.0.min(last.0), first.1.min(last.1)), (first.0.max(last.0), first.1.max(last.1))))
}

fn cell(text: &str) -> Option<(u32, u32)> {
    let text: String = text.trim().chars().filter(|character| *character != '$').collect();
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (letters, row) = text.split_at(letters);
    if !(1..=3).contains(&letters.len()) {
        return None;
    }
    let column = letters
        .bytes()
        .fold(0, |column, letter| column * 26 + u32::from(letter.to_ascii_uppercase() - b'A') + 1);
    Some((row.parse().ok()?, column - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at a sheet, in pieces of every small size and as a whole.
    fn look(body: &str) -> Option<SheetSeen> {
        let whole = format!("<?xml version=\"1.0\"?><!-- a > b --><worksheet xmlns=\"x\">{body}</worksheet>");
        let looked = |size: usize| {
            let mut look = SheetLook::default();
            whole.as_bytes().chunks(size).for_each(|piece| look.take(piece));
            look.end()
        };
        let seen = looked(whole.len());
        for size in [1, 2, 3, 5, 7, 11, 64, 100] {
            let again = looked(size);
            let sight =
                |seen: &Option<SheetSeen>| seen.as_ref().map(|it| (it.sight.clone(), it.out_of_order));
            assert_eq!(sight(&again), sight(&seen), "in pieces of {size}");
        }
        seen
    }

    fn spans(seen: &[Span]) -> Vec<(u32, u32, Unseen)> {
        seen.iter().map(|span| (span.first, span.last, span.how)).collect()
    }

    #[test]
    fn hidden_rows_and_columns_are_seen() {
        let body = "<cols><col min=\"2\" max=\"3\" width=\"0\"/><col min=\"5\" max=\"5\" hidden=\"1\" \
                    outlineLevel=\"1\"/><col min=\"6\" max=\"6\" width=\"10\"/></cols><sheetData>\
                    <row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>row hidden</t></is></c></row>\
                    <row r=\"2\" hidden=\"1\"/><row hidden='true'><c><v>1</v></c></row>\
                    <x:row r=\"7\" ht=\"0\" customHeight=\"1\"/><row r=\"8\" hidden=\"0\" ht=\"15\"/>\
                    <row r=\"9\" outlineLevel=\"1\" hidden=\"1\"></row></sheetData>";
        let sight = look(body).unwrap().sight;
        let rows = [(2, 3, Unseen::Hidden), (7, 7, Unseen::Hidden), (9, 9, Unseen::Collapsed)];
        assert_eq!(spans(&sight.rows), rows);
        assert_eq!(spans(&sight.columns), [(1, 2, Unseen::Hidden), (4, 4, Unseen::Collapsed)]);
        assert!(!sight.is_unknown);
    }

    #[test]
    fn rows_and_columns_of_almost_no_size_are_hidden() {
        let body = "<sheetFormatPr defaultRowHeight=\"15\"/><cols><col min=\"2\" max=\"2\" width=\"0.05\"/>\
                    <col min=\"3\" max=\"3\" width=\"2.5\"/></cols><sheetData><row r=\"1\"/>\
                    <row r=\"2\" ht=\"0.05\" customHeight=\"1\"/><row r=\"3\" ht=\"5\"/></sheetData>";
        let sight = look(body).unwrap().sight;
        assert_eq!(spans(&sight.rows), [(2, 2, Unseen::Hidden)]);
        assert_eq!(spans(&sight.columns), [(1, 1, Unseen::Hidden)]);
        let flat = body.replace("=\"15\"", "=\"0.1\" defaultColWidth=\"0\"");
        let sight = look(&flat).unwrap().sight;
        assert_eq!(spans(&sight.rows), [(1, 2, Unseen::Hidden)]);
        let columns = [(1, 1, Unseen::Hidden), (0, 0, Unseen::Hidden), (3, 16383, Unseen::Hidden)];
        assert_eq!(spans(&sight.columns), columns);
    }

    #[test]
    fn cells_in_two_places_are_refused() {
        let refusal = |body: &str| look(body).unwrap().refusal().map(|finding| finding.code);
        assert_eq!(refusal("<sheetData><row r=\"1\"/></sheetData><cols/>"), None);
        let twice = "<sheetData><row r=\"1\"/></sheetData><sheetData><row r=\"2\"/></sheetData>";
        assert_eq!(refusal(twice), Some(Code::DamagedFile));
        assert_eq!(refusal("<sheetData/><x:sheetData><row r=\"2\"/></x:sheetData>"), Some(Code::DamagedFile));
    }

    #[test]
    fn what_a_filter_leaves_out_is_called_so() {
        let body = "<sheetData><row r=\"1\"/><row r=\"2\" hidden=\"1\"/><row r=\"3\"/><row r=\"9\" hidden=\"1\"/>\
                    </sheetData><autoFilter ref=\"A1:D4\"><filterColumn colId=\"0\"/></autoFilter>\
                    <mergeCells><mergeCell ref=\"$C$4:B2\"/></mergeCells>";
        let sight = look(body).unwrap().sight;
        assert_eq!(spans(&sight.rows), [(2, 2, Unseen::Filtered), (9, 9, Unseen::Hidden)]);
        let merge = Merge { first_row: 2, last_row: 4, first_column: 1, last_column: 2 };
        assert_eq!(sight.merges, [merge]);
    }

    #[test]
    fn rows_out_of_order_are_seen_and_other_parts_are_not_looked_at() {
        assert_eq!(look("<sheetData><row r=\"1\"/><row/></sheetData>").unwrap().out_of_order, None);
        assert_eq!(
            look("<sheetData><row r=\"4\"/><row r=\"4\"/></sheetData>").unwrap().out_of_order,
            Some(4)
        );
        let mut other = SheetLook::default();
        other.take(b"<sst><row hidden=\"1\"/></sst>");
        assert!(other.end().is_none());
        assert!(look("<mergeCell ref=\"what\"/>").unwrap().sight.is_unknown);
    }
}
