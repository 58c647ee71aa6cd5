//! Binding a header row to the fields.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{fold, nearest};
use crate::findings::{Code, Finding, Findings, Sums};
use crate::mapping::{Field, Form, Layout, looks_like_money, stated_money};

use super::column::Verdict;
use super::quantity::number;
use super::{Cell, CellKind, ParsedTable, RawRow, period};

/// The two shapes a table can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One row per resource, month and component.
    Long,
    /// One row per resource and month, one column per component.
    Wide,
}

impl Shape {
    /// The shape of a layout, where it is one of ours.
    pub fn of(layout: &Layout) -> Option<Self> {
        match layout.form {
            Form::WaldurLong => Some(Self::Long),
            Form::WaldurWide => Some(Self::Wide),
            Form::Records(_) => None,
        }
    }
}

/// Columns of amounts of which there are several, so that none is read; they are only added up.
#[derive(Debug, Default)]
pub struct Doubled {
    /// The findings, each with the column that it is about.
    findings: Vec<(usize, Finding)>,
    first: usize,
    columns: BTreeMap<usize, Sums>,
    /// Rows in which the columns differ: how many, and the first one.
    differ: Option<(usize, u32)>,
}

impl Doubled {
    fn add(&mut self, first: usize, column: usize, finding: Finding) {
        self.first = first;
        self.columns.entry(first).or_default();
        self.columns.entry(column).or_default();
        self.findings.push((column, finding));
    }

    /// Adds a row up.
    pub fn take(&mut self, raw: &RawRow) {
        if self.findings.is_empty() {
            return;
        }
        for (column, sums) in &mut self.columns {
            let cell = raw.cell(*column);
            if let Some(amount) = number(cell.text, cell.kind, None) {
                sums.add(&format!("amount in column {}", column + 1), None, amount);
            }
        }
        let first = raw.cell(self.first).text;
        if self.columns.keys().any(|&column| raw.cell(column).text != first) {
            let (rows, row) = self.differ.unwrap_or((0, raw.number()));
            self.differ = Some((rows + 1, row));
        }
    }

    /// The findings with the sums of their columns.
    pub fn findings(mut self) -> Vec<Finding> {
        let first = self.columns.remove(&self.first).unwrap_or_default();
        let told = match self.differ {
            None => "alike in all rows".to_owned(),
            Some((1, row)) => format!("different in row {row}"),
            Some((rows, row)) => format!("different in {rows} rows, row {row} first"),
        };
        let finding = |(column, finding): (usize, Finding)| {
            let mut sums = first.clone();
            for sum in self.columns.remove(&column).unwrap_or_default().into_list() {
                sums.add_sum(sum);
            }
            let found = format!("{} again, {told}", finding.found);
            finding.saying(found).sums(sums)
        };
        self.findings.into_iter().map(finding).collect()
    }
}

/// Binds the header. `None` where a table with this header cannot be read at all; what is said of columns
/// of amounts that stand twice waits for their sums.
pub fn bind(
    row: &RawRow,
    period_given: bool,
    (asked_for, reads_money): (Option<Shape>, bool),
    ignored: &[String],
    findings: &mut Findings,
    doubled: &mut Doubled,
) -> Option<(ParsedTable, Shape)> {
    let headers: Vec<Arc<str>> = row.cells().map(|cell| cell.text.into()).collect();
    let mut columns = [None; Field::COUNT];
    let mut sound = true;
    let has = |field| headers.iter().any(|header| Field::of_header(header) == Some(field));
    let is_long = has(Field::ComponentType) || has(Field::Amount);
    for (column, header) in headers.iter().enumerate() {
        let is_wanted = !is_ignored(ignored, header);
        let reads = |field: &Field| reads_money && is_wanted && is_read(*field, is_long);
        let money = || Field::money_of_header(header).filter(reads);
        let of_statement = || {
            let stated = stated_money(header).filter(|_| reads_money && is_long && is_wanted);
            stated.map(|(field, _)| field)
        };
        let Some(field) = Field::of_header(header).or_else(money).or_else(of_statement) else { continue };
        if let Some(first) = columns[field.index()] {
            let expected = format!("one column {}", field.name());
            let finding =
                Finding::new(Code::DuplicateColumn, header.as_ref(), expected).at(row.place(column));
            let mut finding = finding;
            if Field::MONEY.contains(&field) {
                finding = finding.hint("say which one is not meant with --ignore-column and its header");
            }
            finding.others.push(row.place(first));
            if field == Field::Amount {
                doubled.add(first, column, finding);
            } else {
                findings.push(finding);
            }
            sound = false;
        } else {
            columns[field.index()] = Some(column);
        }
    }
    let shape = if is_long { Shape::Long } else { Shape::Wide };
    let layout = Layout::of_ours(asked_for.unwrap_or(shape) == Shape::Long);
    let table =
        ParsedTable { table: row.table().clone(), header_row: row.number(), headers, columns, layout };
    if (asked_for, shape) == (Some(Shape::Wide), Shape::Long) {
        let found = "a column component_type or amount, as the long form has them";
        let expected = "a column for each component, as the layout waldur-wide has them";
        findings.push(Finding::new(Code::LayoutMisfit, found, expected).at(row.whole()));
        sound = false;
    }
    let shape = asked_for.unwrap_or(shape);
    let missing = missing(&table, shape, period_given);
    for wanted in &missing {
        findings.push(missing_column(row, &table, wanted));
    }
    (sound && missing.is_empty()).then_some((table, shape))
}

/// Whether the user said that a column is to be passed over.
pub fn is_ignored(ignored: &[String], header: &str) -> bool {
    let folded = fold(header);
    ignored.iter().any(|ignored| fold(ignored) == folded)
}

/// Whether a field of money speaks of one usage: a row of the wide form holds several.
fn is_read(field: Field, is_long: bool) -> bool {
    is_long || !matches!(field, Field::UnitPrice | Field::Price | Field::Tax)
}

/// The columns that every row needs and that are not there.
fn missing(table: &ParsedTable, shape: Shape, period_given: bool) -> Vec<&'static str> {
    let has = |field| table.column(field).is_some();
    let mut missing = Vec::new();
    if !Field::RESOURCE.into_iter().any(has) {
        missing.push("resource_uuid");
    }
    if !has(Field::BillingPeriod) && !period_given {
        missing.push("billing_period");
    }
    if shape == Shape::Long {
        missing.extend((!has(Field::ComponentType)).then_some("component_type"));
        missing.extend((!has(Field::Amount)).then_some("amount"));
    }
    missing
}

fn missing_column(row: &RawRow, table: &ParsedTable, wanted: &'static str) -> Finding {
    let expected = match wanted {
        "resource_uuid" => {
            "a column resource_uuid, resource_backend_id, resource_slug or resource_name".to_owned()
        }
        "billing_period" => {
            "a column billing_period, or --period YYYY-MM for a file of a single month".to_owned()
        }
        other => format!("a column {other}"),
    };
    let is_open = |header: &&Arc<str>| Field::of_header(header).is_none() && !looks_like_money(header);
    let mut unbound = table.headers.iter().filter(is_open);
    let meant = unbound.clone().find(|header| {
        Field::meant_by(header).is_some_and(|field| {
            field.name() == wanted || wanted == "resource_uuid" && Field::RESOURCE.contains(&field)
        })
    });
    let found: Vec<&str> =
        table.headers.iter().map(AsRef::as_ref).filter(|header: &&str| !header.is_empty()).collect();
    let near = match meant {
        Some(meant) => Some(meant.as_ref()),
        None => nearest(wanted, unbound.by_ref().map(AsRef::as_ref)),
    };
    let found = format!("no column {wanted} in: {}", listed(&found));
    let finding = Finding::new(Code::MissingColumn, found, expected).at(row.whole());
    let month = |header: &&Arc<str>| {
        let cell = Cell { text: header, kind: CellKind::Text };
        period::period(cell, &Verdict::Open, row.counts_from_1904()).is_ok()
    };
    let mut months = table.headers.iter().filter(month);
    if let (true, Some(first), Some(_)) = (wanted == "amount", months.next(), months.next()) {
        return finding.hint(format!(
            "the columns {} and others are months: write each month into rows of its own, or keep the column of \
             one month alone, head it amount and say --period",
            crate::domain::visible(first)
        ));
    }
    match near {
        Some(near) => {
            let meant = Field::meant_by(near).map_or(wanted, Field::name);
            finding.hint(format!("if it is the column {}, head it {meant}", crate::domain::visible(near)))
        }
        None => finding,
    }
}

/// What is said of a column that nobody reads.
pub fn unknown_column(raw: &RawRow, column: usize, header: &str) -> Finding {
    let found = crate::domain::visible(header).to_string();
    if Field::money_of_header(header).is_some() {
        let expected = "money is compared by reconcile, line by line; here it is ignored";
        return Finding::new(Code::UnknownColumn, found, expected).at(raw.place(column));
    }
    let near = nearest(header, Field::ALL.iter().map(|field| field.name()));
    let near = Field::meant_by(header).map(Field::name).or(near);
    Finding::new(Code::UnknownColumn, found, "a column of the long form; it is ignored")
        .at(raw.place(column))
        .did_you_mean(near)
}

/// Headers for a finding, the first ones of many.
pub fn listed(headers: &[&str]) -> String {
    let shown = crate::domain::visible(&headers[..headers.len().min(20)].join(", ")).to_string();
    if headers.len() > 20 { format!("{shown}, … ({} in all)", headers.len()) } else { shown }
}
