//! The columns of the wide form: which of them are components.
//!
//! A header fits a component type without regard to case, blanks, dashes and underscores. A column
//! that fits none and holds a number is a misspelt component until the user says otherwise; one that
//! holds only text is a remark.

use std::collections::HashMap;

use crate::domain::{Amount, OfferingId, fold, nearest, visible};
use crate::findings::{Code, Finding, Findings};
use crate::parse::{Cell, Figure, OpenColumn, Parsed, amount};

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
        self.0.get(&offering)?.get(&fold(header))?.as_deref()
    }

    fn is_known(&self, header: &str) -> bool {
        let folded = fold(header);
        self.0.values().any(|types| types.contains_key(&folded))
    }
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
    let columns = std::mem::take(&mut parsed.open_columns);
    let mut figures = Vec::new();
    let mut bound: HashMap<(usize, String), usize> = HashMap::new();
    for column in columns {
        if !headers.is_known(&column.header) {
            unknown_column(parsed, &column, catalogue, findings);
            continue;
        }
        if let Some(first) = bound.insert((column.table, fold(&column.header)), column.column) {
            let table = &parsed.tables[column.table];
            let header_place = |at: usize| table.place(table.header_row, Some(at));
            let mut finding =
                Finding::new(Code::DuplicateColumn, column.header.as_ref(), "one column per component")
                    .at(header_place(column.column));
            finding.others.push(header_place(first));
            findings.push(finding);
            continue;
        }
        for cell in &column.cells {
            match amount(Cell { text: &cell.text, kind: cell.kind }) {
                Ok(amount) => figures.push(Figure {
                    subject: cell.subject,
                    column: column.column,
                    component: column.header.clone(),
                    unit: None,
                    amount,
                }),
                Err(fault) => {
                    let place = parsed.place(cell.subject, Some(column.column));
                    findings.push(fault.at(place).row(parsed.subjects[cell.subject].row));
                }
            }
        }
    }
    figures.sort_by_key(|figure| (figure.subject, figure.column));
    figures
}

fn unknown_column(parsed: &Parsed, column: &OpenColumn, catalogue: &Catalogue, findings: &mut Findings) {
    let numbers: Vec<_> = column.cells.iter().filter(|cell| is_number(&cell.text)).collect();
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
    let near = nearest(&column.header, types);
    let what = if column.header.is_empty() { "a column without a header".to_owned() } else { header.clone() };
    let found = format!("{what}, with {} numbers", numbers.len());
    let finding =
        Finding::new(Code::UnknownComponentColumn, found, "the type of a component of the offering")
            .at(parsed.place(first.subject, Some(column.column)));
    findings.push(match near {
        Some(near) => finding.did_you_mean(Some(near)),
        None => finding.hint(format!("use --ignore-column \"{header}\" if it is not usage")),
    });
}

/// Whether somebody meant a number, with whatever separators.
fn is_number(text: &str) -> bool {
    Amount::parse(&text.replace([',', ' ', '\'', '\u{a0}', '\u{202f}'], "")).is_ok()
}
