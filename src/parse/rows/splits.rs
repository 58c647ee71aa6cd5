//! Numbers that fell apart at an unquoted comma, and moved the cells behind them.
//!
//! A row like that may still have as many cells as the header. What gives it away is a cell more than
//! other rows have, or digits where words belong. Only commas can do it: with any other delimiter a
//! decimal comma stays in its cell. A blank cell too many in the middle of a row moves its figures just so,
//! whatever the delimiter is. Where every row has a blank cell more than the header, they may merely all end
//! in a delimiter; that is believed where a row shows it, as it makes no sense with its cells moved back.

use std::collections::HashSet;

use crate::findings::{Code, Finding};
use crate::mapping::Field;
use crate::parse::{ParsedTable, RawRow, Table};

use super::{Parser, Reading};

/// What the rows of a text file show of numbers that fell apart.
#[derive(Debug, Default)]
pub(super) struct Splits {
    /// Rows whose amount may go on in the next cell: the first one, and how many.
    split: Option<(u32, usize)>,
    /// The column of those amounts.
    pair: Pair,
    /// Whether a row has other words there, or a fraction in its amount: both speak against it.
    has_others: bool,
    /// Whether one has the rest of a number whose thousands were set apart, which no fraction speaks against.
    has_thousands: bool,
    /// Rows that have a blank cell more than the header, and whose figures may have moved.
    longer: HashSet<u32>,
    /// Whether other rows have as many cells as the header, or fewer.
    has_shorter: bool,
    /// Rows that are longer and show that nothing has moved in them: their last cell is one too many.
    rows_unmoved: usize,
}

/// The column of amounts behind which no amount stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Pair {
    #[default]
    NotLookedFor,
    Nowhere,
    At {
        column: usize,
        /// Whether words belong behind it.
        is_for_words: bool,
    },
}

/// No rest of a number is longer.
const LONGEST_REST: usize = 12;

fn is_digits(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text may be the rest of a number whose thousands were set apart: `234.50` of `1,234.50`.
fn is_thousands(text: &str) -> bool {
    text.split_once('.').is_some_and(|(thousands, places)| {
        thousands.len() == 3 && is_digits(thousands, 3) && is_digits(places, LONGEST_REST)
    })
}

/// Whether a text may be the rest of a number that fell apart.
fn is_rest(text: &str) -> bool {
    is_digits(text, LONGEST_REST) || is_thousands(text)
}

/// Whether the cell of a column may be the beginning of a number of which the next cell is the rest.
fn is_split(raw: &RawRow, column: usize) -> bool {
    is_digits(raw.cell(column).text, 12) && is_rest(raw.cell(column + 1).text)
}

/// The column of amounts behind which no amount stands, and whether words belong there.
fn pair(table: &ParsedTable, mut amounts: impl Iterator<Item = usize>) -> Pair {
    let found = amounts.find_map(|column| {
        let header = table.headers.get(column + 1)?;
        let is_description = table.column(Field::Description) == Some(column + 1);
        // A column without a meaning holds what it likes; in a wide table it may be one of amounts.
        let has_no_meaning = matches!(Field::of_header(header), None | Some(Field::Username));
        let is_free = table.column(Field::Amount) == Some(column) && has_no_meaning;
        let is_for_words = is_description || header.is_empty();
        (is_description || is_free).then_some(Pair::At { column, is_for_words })
    });
    found.unwrap_or(Pair::Nowhere)
}

impl Splits {
    /// Takes in a row. `amounts` are the columns that hold amounts, or may.
    pub(super) fn note(
        &mut self,
        raw: &RawRow,
        table: &ParsedTable,
        amounts: impl Iterator<Item = usize> + Clone,
    ) {
        if raw.is_blank() || raw.delimiter().is_none() {
            return;
        }
        let width = table.headers.len();
        self.has_shorter |= raw.width() <= width;
        if raw.width() > width && (width..raw.width()).all(|column| raw.cell(column).is_blank()) {
            self.note_longer(raw, table, &amounts);
        }
        if raw.delimiter() != Some(b',') {
            return;
        }
        if self.pair == Pair::NotLookedFor {
            self.pair = pair(table, amounts);
        }
        if let Pair::At { column, .. } = self.pair {
            self.note_pair(raw, column);
        }
    }

    /// Takes in a row that has a blank cell more than the header.
    fn note_longer(
        &mut self,
        raw: &RawRow,
        table: &ParsedTable,
        amounts: &(impl Iterator<Item = usize> + Clone),
    ) {
        let is_comma = raw.delimiter() == Some(b',');
        let mut split = amounts.clone().filter(|&column| is_comma && is_split(raw, column));
        let is_split = split.clone().next().is_some();
        let mut blank = (0..table.headers.len()).filter(|&column| raw.cell(column).is_blank());
        let moves = |from: usize| moves_back(raw, table, from, amounts.clone());
        let moves_from_blank = blank.any(moves);
        if is_split || moves_from_blank {
            self.longer.insert(raw.number());
        }
        let has_moved = moves_from_blank || split.any(|column| moves(column + 1));
        self.rows_unmoved += usize::from(!has_moved);
    }

    fn note_pair(&mut self, raw: &RawRow, column: usize) {
        if is_split(raw, column) {
            let (first, rows) = self.split.unwrap_or((raw.number(), 0));
            self.split = Some((first, rows + 1));
            self.has_thousands |= is_thousands(raw.cell(column + 1).text);
        } else {
            let behind = raw.cell(column + 1).text;
            let has_fraction = raw.cell(column).text.contains(['.', ',']);
            self.has_others |= has_fraction || !(behind.is_empty() || is_rest(behind));
        }
    }

    /// What other rows are like, where a row has a blank cell more than the header and may have moved.
    pub(super) fn longer(&self, number: u32) -> Option<&'static str> {
        let others = match (self.has_shorter, self.rows_unmoved) {
            (true, _) => "as other rows have none",
            (false, 1..) => return None,
            (false, 0) => "and no row shows that its figures did not move there",
        };
        self.longer.contains(&number).then_some(others)
    }
}

/// Whether the cells behind a place may belong one column to the left: amounts come to stand below
/// amounts, and at least one of them moves.
fn moves_back(
    raw: &RawRow,
    table: &ParsedTable,
    from: usize,
    amounts: impl Iterator<Item = usize> + Clone,
) -> bool {
    let behind = |column: &usize| *column >= from;
    let is_key = |field: &Field| {
        Field::RESOURCE.contains(field) || matches!(field, Field::BillingPeriod | Field::ComponentType)
    };
    let mut keys = Field::ALL.iter().filter(|field| is_key(field)).filter_map(|field| table.column(*field));
    let is_amount = |column: usize| {
        let text = raw.cell(column + 1).text;
        text.is_empty() || text.starts_with(|one: char| one.is_ascii_digit() || "+-(.".contains(one))
    };
    let differs = |column: usize| raw.cell(column).text != raw.cell(column + 1).text;
    amounts.clone().filter(behind).any(differs)
        && amounts.filter(behind).all(is_amount)
        && !keys.any(|column| column >= from && raw.cell(column + 1).is_blank())
}

impl Parser<'_> {
    pub(super) fn tell_split(&mut self, reading: &Reading, table: &Table) {
        let splits = &reading.splits;
        let Some((first, rows)) = splits.split else { return };
        let s = if rows == 1 { "" } else { "s" };
        let expected = "the whole amount in one cell; a decimal comma in a comma-separated file is quoted";
        let finding = if matches!(splits.pair, Pair::At { is_for_words: true, .. })
            && (!splits.has_others || splits.has_thousands)
        {
            let told = format!(
                "{rows} row{s} with digits behind the amount, where other rows have nothing or words belong, line \
                 {first} first"
            );
            Finding::new(Code::ShiftedCells, told, expected).hint(
                "put quotation marks around the amounts, or save the file with semicolons; where the digits \
                 do describe the amounts, put a word beside them",
            )
        } else {
            let told = format!("{rows} row{s} with digits behind the amount, line {first} first");
            Finding::new(Code::SplitNumber, told, expected)
        };
        self.findings.push(finding.at(table.place(crate::domain::Spot::Row(first))));
    }
}
