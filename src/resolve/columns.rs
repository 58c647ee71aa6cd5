//! The columns of the wide form: which of them are components.
//!
//! A header fits a component type without regard to case, blanks, dashes and underscores. A column
//! that fits none and holds a number is a misspelt component until the user says otherwise; one that
//! holds only text is a remark.

use std::collections::{HashMap, HashSet};

use crate::domain::{OfferingId, fold, look_alike, nearest, visible};
use crate::findings::{Code, Finding, Findings, Sums};
use crate::mapping::Field;
use crate::parse::{
    Cell, CellKind, Doubts, Figure, OpenCell, OpenColumn, Parsed, Quantity, Unread, listed, negative,
    quantity, short, signed_quantity,
};

use super::catalogue::{Catalogue, Offering};

/// The component types of every offering in scope, by folded header.
pub struct Headers(HashMap<OfferingId, HashMap<String, Option<String>>>);

impl Headers {
    pub fn new(catalogue: &Catalogue) -> Self {
        let offerings = catalogue.offerings();
        Self(offerings.into_iter().map(|offering| (offering.id, folded(offering))).collect())
    }

    /// The component type that a header means in an offering.
    pub fn component(&self, offering: OfferingId, header: &str) -> Option<&str> {
        self.0.get(&offering)?.get(&fold(without_unit(header).0))?.as_deref()
    }

    fn is_known(&self, header: &str) -> bool {
        let folded = fold(without_unit(header).0);
        self.0.values().any(|types| types.contains_key(&folded))
    }
}

/// Splits a header such as `CPU (k-hours)` or `ram [GB-hours]` into name and unit.
fn without_unit(header: &str) -> (&str, Option<&str>) {
    let split = [('(', ')'), ('[', ']')].into_iter().find_map(|(open, close)| {
        let (name, unit) = header.trim().strip_suffix(close)?.rsplit_once(open)?;
        Some((name.trim(), unit.trim())).filter(|(name, unit)| !name.is_empty() && !unit.is_empty())
    });
    split.map_or((header, None), |(name, unit)| (name, Some(unit)))
}

/// Folded types; `None` where two types of one offering fold alike, so that neither is guessed.
fn folded(offering: &Offering) -> HashMap<String, Option<String>> {
    let mut types = HashMap::new();
    for component in &offering.components {
        let name = component.component_type.as_str();
        types.entry(fold(name)).and_modify(|known| *known = None).or_insert_with(|| Some(name.to_owned()));
    }
    types
}

/// Turns the open columns into figures, or into findings. Returns the figures, with those of each
/// row side by side, and marks rows with faulty cells.
pub fn figures(parsed: &mut Parsed, catalogue: &Catalogue, findings: &mut Findings) -> Vec<Figure> {
    let headers = Headers::new(catalogue);
    let mut columns = std::mem::take(&mut parsed.open_columns);
    if catalogue.offerings().is_empty() {
        // Without a scope nothing is known of components, and each row says that it has none.
        return Vec::new();
    }
    for table in 0..parsed.tables.len() {
        let own = || columns.iter().filter(|column| column.table == table);
        if own().next().is_some() && !own().any(|column| headers.is_known(&column.header)) {
            findings.push(no_component(parsed, table, own()));
            columns.retain(|column| column.table != table);
        }
    }
    let mut seen = HashSet::new();
    let keys = columns.iter().map(|column| (column.table, fold(without_unit(&column.header).0)));
    let headers_twice: HashSet<(usize, String)> = keys.filter(|key| !seen.insert(key.clone())).collect();
    let mut figures = Vec::new();
    let mut bound: HashMap<(usize, String), (usize, Sums)> = HashMap::new();
    for column in columns {
        if !headers.is_known(&column.header) {
            unknown_column(parsed, &column, catalogue, findings);
            continue;
        }
        let key = (column.table, fold(without_unit(&column.header).0));
        if let Some((first, of_first)) = bound.get(&key) {
            let table = &parsed.tables[column.table];
            let header_place = |at: usize| table.place(table.header_row, Some(at));
            let mut sums = of_first.clone();
            add_up(parsed, &column, &mut sums);
            let mut finding =
                Finding::new(Code::DuplicateColumn, column.header.as_ref(), "one column per component")
                    .at(header_place(column.column))
                    .sums(sums);
            finding.others.push(header_place(*first));
            findings.push(finding);
            continue;
        }
        let mut sums = Sums::default();
        if headers_twice.contains(&key) {
            add_up(parsed, &column, &mut sums);
        }
        bound.insert(key, (column.column, sums));
        read_column(parsed, &column, &mut figures, findings);
    }
    figures.sort_by_key(|figure| (figure.subject(), figure.column));
    figures
}

/// Refuses columns of figures that are headed as components in a table that names a component in each row:
/// one of both would be left unread.
pub fn figures_unread(parsed: &Parsed, catalogue: &Catalogue, findings: &mut Findings) {
    let headers = Headers::new(catalogue);
    for &(at, row, column) in &parsed.numbers_unread {
        let table = &parsed.tables[at];
        let header = table.headers.get(column).map_or("", |header| header.as_ref());
        let is_long = table.column(Field::ComponentType).is_some();
        if !is_long || parsed.columns_ignored.contains(&(at, column)) || !headers.is_known(header) {
            continue;
        }
        let header = visible(header);
        let found = format!("a column {header} with figures, beside the columns component_type and amount");
        let expected = "a component in each row, or a column for each component, and not both";
        let finding = Finding::new(Code::MixedForms, found, expected);
        let hint = format!(
            "put the figures of {header} into rows of their own; if they are not usage, say --ignore-column \
             \"{header}\""
        );
        findings.push(finding.at(table.place(row, Some(column))).hint(hint));
    }
}

/// Adds up a column that stands twice, under its header and its place.
fn add_up(parsed: &Parsed, column: &OpenColumn, sums: &mut Sums) {
    let name = format!("{} in column {}", column.header, column.column + 1);
    for cell in &column.cells {
        if let Some(amount) = parsed.number(column.table, column.column, &cell.text, cell.kind) {
            sums.add(&name, None, amount);
        }
    }
}

/// Reads the cells of a column that is a component.
fn read_column(parsed: &Parsed, column: &OpenColumn, figures: &mut Vec<Figure>, findings: &mut Findings) {
    let of_header = without_unit(&column.header).1;
    let mut doubts = Doubts::default();
    for open in &column.cells {
        let subject = &parsed.subjects[open.subject];
        let cell = Cell { text: &open.text, kind: open.kind };
        let read = if parsed.takes_negative {
            signed_quantity(cell, &column.verdict, parsed.rounding)
        } else {
            quantity(cell, &column.verdict, parsed.rounding)
        };
        let fault = match read {
            Ok(Quantity { unit: Some(unit), .. }) if of_header.is_some_and(|header| header != unit) => {
                let expected = format!("{}, as the header says", visible(of_header.unwrap_or_default()));
                Finding::new(Code::UnitMismatch, visible(&open.text).to_string(), expected)
            }
            Ok(Quantity { amount, unrounded, unit, is_negative }) => {
                if is_negative {
                    let place = parsed.place(open.subject, Some(column.column));
                    findings.push(negative(cell).at(place).row(subject.row));
                }
                figures.push(Figure {
                    subject: short(open.subject),
                    column: short(column.column),
                    unit_column: short(column.column),
                    component: column.header.clone(),
                    unit: unit.as_deref().or(of_header).map(Into::into),
                    amount,
                    unrounded,
                    is_negative,
                });
                continue;
            }
            Err(Unread::Doubt) => {
                doubts.add_amount(subject.row, subject.number, cell);
                continue;
            }
            Err(Unread::Fault(fault)) => *fault,
        };
        let place = parsed.place(open.subject, Some(column.column));
        findings.push(fault.at(place).row(subject.row));
    }
    let table = &parsed.tables[column.table];
    if let Some(finding) = doubts.amounts(table, column.column, &column.verdict) {
        findings.push(finding);
    }
}

/// A table without an amount column is of the wide form; where no column is a component either, it
/// is probably a long one with other headers.
fn no_component<'a>(parsed: &Parsed, table: usize, columns: impl Iterator<Item = &'a OpenColumn>) -> Finding {
    let headers: Vec<&str> =
        columns.map(|column| column.header.as_ref()).filter(|header: &&str| !header.is_empty()).collect();
    let meant = headers.iter().enumerate().filter_map(|(at, header)| {
        let field = Field::meant_by(header)?;
        if headers[..at].contains(header) {
            return None;
        }
        let one = if headers[at + 1..].contains(header) { "one of the columns " } else { "" };
        Some(format!("head {one}{} as {}", visible(header), field.name()))
    });
    let meant: Vec<String> = meant.collect();
    let table = &parsed.tables[table];
    let found = format!("no column amount, and none of these is a component: {}", listed(&headers));
    let expected = "columns component_type and amount, or a column for each component of the offering";
    let finding = Finding::new(Code::MissingColumn, found, expected)
        .at(table.table.place(crate::domain::Spot::Row(table.header_row)));
    if meant.is_empty() { finding } else { finding.hint(format!("if so meant, {}", meant.join(", "))) }
}

fn unknown_column(parsed: &Parsed, column: &OpenColumn, catalogue: &Catalogue, findings: &mut Findings) {
    // A formula that nobody has computed may be a number too.
    let may_be_number = |cell: &&OpenCell| cell.kind == CellKind::Error || is_number(&cell.text);
    let numbers: Vec<_> = column.cells.iter().filter(may_be_number).collect();
    let header = visible(&column.header).to_string();
    let Some(first) = numbers.first() else {
        if !column.header.is_empty() {
            let table = &parsed.tables[column.table];
            let place = table.place(table.header_row, Some(column.column));
            let finding = Finding::new(Code::UnknownColumn, header, "a component; it is ignored");
            findings.push(finding.at(place));
        }
        return;
    };
    let offerings = catalogue.offerings();
    let types = offerings
        .iter()
        .flat_map(|offering| offering.components.iter().map(|component| component.component_type.as_str()));
    let name = without_unit(&column.header).0;
    let alike = types.clone().find_map(|known| look_alike(name, known));
    let near = nearest(name, types);
    let what = if column.header.is_empty() { "a column without a header".to_owned() } else { header.clone() };
    let found = format!("{what}, with {} numbers", numbers.len());
    let finding =
        Finding::new(Code::UnknownComponentColumn, found, "the type of a component of the offering")
            .at(parsed.place(first.subject, Some(column.column)));
    findings.push(match (alike, near) {
        (Some(alike), _) => finding.hint(format!("it looks right and is not: {alike}")),
        (None, Some(near)) => finding.did_you_mean(Some(near)),
        (None, None) => finding.hint(format!("use --ignore-column \"{header}\" if it is not usage")),
    });
}

/// Whether somebody meant a number: a digit comes first, whatever sign or currency stands before it
/// and whatever follows.
fn is_number(text: &str) -> bool {
    let first = text.chars().find(|character| character.is_alphanumeric());
    first.is_some_and(char::is_numeric)
}
