//! The whole report as one document for programs; `docs/schema/reconciliation.schema.json` says what
//! stands in it.
//!
//! Figures are texts, because a JSON number is not exact. A line of the report is a line of the
//! document, so that tools of lines work on it. What moves a cursor or hides text is written as an
//! escape: the text is whole and does nothing in a terminal.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;

use crate::domain::{Amount, Currency, CustomerId, is_invisible};
use crate::plan::InvoiceState;
use crate::reconcile::{
    Class, Header, InvoiceTotal, LineView, Made, Measured, OrganisationTotal, Report, SkippedRow, Trend, Who,
};
use crate::report::{ReportError, write_with};

use super::columns::{COLUMNS, Value};

/// What the document is called; the number after it grows when a program would have to be changed.
const FORMAT: &str = "waldur-usage reconciliation 1";

/// Writes the document.
pub(super) fn write(path: &Path, report: &Report) -> Result<(), ReportError> {
    write_with(path, |file| {
        let mut file = BufWriter::new(file);
        write_document(&mut file, &Document { rest: Rest::of(report), lines: Lines(report) })?;
        file.write_all(b"\n")?;
        file.flush()
    })
}

/// Writes the document to wherever it is read as it comes.
pub fn write_reconciliation_document(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    write_document(&mut *out, &Document { rest: Rest::of(report), lines: Lines(report) })?;
    out.write_all(b"\n")
}

/// The document without its lines, on one line.
pub(super) fn rest(report: &Report) -> Result<String, serde_json::Error> {
    let mut text = Vec::new();
    Rest::of(report).serialize(&mut serde_json::Serializer::with_formatter(&mut text, Layout::flat()))?;
    // Only whole characters were written.
    Ok(String::from_utf8(text).unwrap_or_default())
}

fn write_document(file: impl Write, document: &impl Serialize) -> Result<(), serde_json::Error> {
    document.serialize(&mut serde_json::Serializer::with_formatter(file, Layout::default()))
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    rest: Rest<'a>,
    lines: Lines<'a>,
}

/// Everything but the lines.
#[derive(Serialize)]
struct Rest<'a> {
    format: &'static str,
    made: &'a Made,
    header: &'a Header,
    verdict: Verdict<'a>,
    classes: Vec<ClassTotal>,
    proof: Proof<'a>,
    organisations: Vec<Organisation<'a>>,
    invoices: Vec<Invoice<'a>>,
    trend: &'a [Trend],
    skipped: &'a [SkippedRow],
}

/// An amount of money; where nobody tells the currency there is none.
#[derive(Serialize)]
struct Money {
    currency: Option<Currency>,
    amount: Amount,
}

fn money(amounts: &[(Option<Currency>, Amount)]) -> Vec<Money> {
    amounts.iter().map(|&(currency, amount)| Money { currency, amount }).collect()
}

#[derive(Serialize)]
struct Verdict<'a> {
    agrees: bool,
    keys: usize,
    breaks: usize,
    at_stake: Vec<Money>,
    without_price: usize,
    sentence: &'a str,
}

#[derive(Serialize)]
struct ClassTotal {
    class: Class,
    title: &'static str,
    is_break: bool,
    who: Who,
    next_step: &'static str,
    keys: usize,
    worth: Vec<Money>,
}

#[derive(Serialize)]
struct Proof<'a> {
    holds: bool,
    rows: Vec<ProofRow<'a>>,
}

#[derive(Serialize)]
struct ProofRow<'a> {
    #[serde(flatten)]
    measured: &'a Measured,
    file: Amount,
    server: Amount,
    difference: Option<Amount>,
    classes: Vec<ClassDifference>,
    explained: Option<Amount>,
    holds: bool,
}

#[derive(Serialize)]
struct ClassDifference {
    class: Class,
    difference: Amount,
}

#[derive(Serialize)]
struct Organisation<'a> {
    name: &'a str,
    customer: Option<CustomerId>,
    keys: usize,
    breaks: usize,
    worth: Vec<Money>,
    stated: Vec<Money>,
    billed: Option<Amount>,
}

#[derive(Serialize)]
struct Invoice<'a> {
    organisation: &'a str,
    customer: CustomerId,
    period: String,
    number: Option<&'a str>,
    state: Option<&'a InvoiceState>,
    usage: Amount,
    other: Amount,
    credits: Amount,
    compensations: Amount,
    tax: Option<Amount>,
    price: Option<Amount>,
    total: Option<Amount>,
    stated: Vec<Money>,
    stated_tax: Vec<Money>,
}

impl<'a> Rest<'a> {
    fn of(report: &'a Report) -> Self {
        let verdict = &report.verdict;
        let classes = report.classes.iter().map(|total| ClassTotal {
            class: total.class,
            title: total.class.title(),
            is_break: total.class.is_break(),
            who: total.class.who(),
            next_step: total.class.next_step(),
            keys: total.keys,
            worth: money(&total.worth),
        });
        let proof = report.proof.rows.iter().map(|row| ProofRow {
            measured: &row.measured,
            file: row.file,
            server: row.server,
            difference: row.difference(),
            classes: row
                .classes
                .iter()
                .map(|&(class, difference)| ClassDifference { class, difference })
                .collect(),
            explained: row.explained(),
            holds: row.holds(),
        });
        Self {
            format: FORMAT,
            made: &report.made,
            header: &report.header,
            verdict: Verdict {
                agrees: verdict.agrees,
                keys: verdict.keys,
                breaks: verdict.breaks,
                at_stake: money(&verdict.at_stake),
                without_price: verdict.without_price,
                sentence: &verdict.sentence,
            },
            classes: classes.collect(),
            proof: Proof { holds: report.proof.holds(), rows: proof.collect() },
            organisations: report.organisations.iter().map(organisation).collect(),
            invoices: report.invoices.iter().map(invoice).collect(),
            trend: &report.trend,
            skipped: &report.skipped,
        }
    }
}

fn organisation(total: &OrganisationTotal) -> Organisation<'_> {
    Organisation {
        name: &total.name,
        customer: total.customer,
        keys: total.keys,
        breaks: total.breaks,
        worth: money(&total.worth),
        stated: money(&total.stated),
        billed: total.billed,
    }
}

fn invoice(total: &InvoiceTotal) -> Invoice<'_> {
    Invoice {
        organisation: &total.organisation,
        customer: total.customer,
        period: total.period.to_string(),
        number: total.number.as_deref(),
        state: total.state.as_ref(),
        usage: total.usage,
        other: total.other,
        credits: total.credits,
        compensations: total.compensations,
        tax: total.tax,
        price: total.price,
        total: total.total,
        stated: money(&total.stated),
        stated_tax: money(&total.stated_tax),
    }
}

/// The lines, written as they are made: the text of millions of them is never in memory.
struct Lines<'a>(&'a Report);

impl Serialize for Lines<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.lines.len()))?;
        self.0.views().try_for_each(|view| list.serialize_element(&Line(view)))?;
        list.end()
    }
}

struct Line<'a>(LineView<'a>);

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_map(Some(COLUMNS.len()))?;
        for column in COLUMNS {
            line.serialize_entry(column.name, &(column.value)(&self.0))?;
        }
        line.end()
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_none(),
            Self::Count(count) => count.serialize(serializer),
            Self::Month(period) => period.serialize(serializer),
            Self::Amount(amount) => amount.serialize(serializer),
            Self::Text(text) => text.serialize(serializer),
            Self::Texts(texts) => texts.serialize(serializer),
            Self::Places(places) => places.serialize(serializer),
        }
    }
}

/// Line ends and blanks as people want them in a file that they may look into: what is deeper than
/// `flat_from` stands on one line.
struct Layout {
    depth: usize,
    flat_from: usize,
}

impl Default for Layout {
    fn default() -> Self {
        Self { depth: 0, flat_from: 3 }
    }
}

impl Layout {
    fn flat() -> Self {
        Self { depth: 0, flat_from: 0 }
    }

    fn new_line<W: ?Sized + Write>(&self, writer: &mut W) -> io::Result<()> {
        if self.depth >= self.flat_from {
            return Ok(());
        }
        writer.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| writer.write_all(b"  "))
    }

    fn open<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        writer.write_all(bracket)
    }

    fn close<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        let was_flat = self.depth >= self.flat_from;
        self.depth = self.depth.saturating_sub(1);
        if !was_flat {
            self.new_line(writer)?;
        }
        writer.write_all(bracket)
    }

    fn next<W: ?Sized + Write>(&mut self, writer: &mut W, is_first: bool) -> io::Result<()> {
        if !is_first {
            writer.write_all(if self.depth >= self.flat_from { b", " } else { b"," })?;
        }
        self.new_line(writer)
    }
}

impl Formatter for Layout {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, is_first: bool) -> io::Result<()> {
        self.next(writer, is_first)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, is_first: bool) -> io::Result<()> {
        self.next(writer, is_first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(is_invisible) {
            let (before, from) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            let mut characters = from.chars();
            let mut units = [0_u16; 2];
            if let Some(character) = characters.next() {
                for unit in character.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_report_is_a_line_of_the_document_and_moves_no_cursor() {
        let mut report = crate::reconcile::sample::report();
        report.subjects[0].resource = "\u{9b}2J\u{e0041}\"\\\u{1f600}".into();
        let mut text = Vec::new();
        let document = Document { rest: Rest::of(&report), lines: Lines(&report) };
        write_document(&mut text, &document).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(!text.chars().any(|character| is_invisible(character) && character != '\n'), "{text}");
        let lines = text.lines().filter(|line| line.trim_start().starts_with("{\"number\": "));
        assert_eq!(lines.count(), report.lines.len());
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        let resources: Vec<&str> =
            read["lines"].as_array().unwrap().iter().map(|line| line["resource"].as_str().unwrap()).collect();
        assert!(resources.contains(&"\u{9b}2J\u{e0041}\"\\\u{1f600}"), "{resources:?}");
    }

    #[test]
    fn what_goes_beside_a_table_is_the_document_without_its_lines() {
        let report = crate::reconcile::sample::report();
        let rest = rest(&report).unwrap();
        assert!(!rest.contains('\n'));
        let read: serde_json::Value = serde_json::from_str(&rest).unwrap();
        assert_eq!(read["proof"]["holds"], true);
        assert_eq!(read["lines"], serde_json::Value::Null);
    }
}
