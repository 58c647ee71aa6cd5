//! The rows that `--skip-faulty` leaves out: counted, added up, and written for mending.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::domain::{Amount, file_stem};
use crate::error::Error;
use crate::findings::{Fates, Findings, RowIndex};
use crate::mapping::Field;
use crate::parse::{CellKind, Parsed, RawRows, short};
use crate::report::write_rows;
use crate::resolve::{Usage, UserUsage};
use crate::source::copy_rows;

use super::check::Check;

/// Rows left out of a plan.
#[derive(Debug, Default)]
pub struct LeftOutRows(BTreeSet<RowIndex>);

/// What was left out, in figures.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LeftOutSummary {
    /// Rows left out: the faulty ones, and those that go with their resource.
    pub rows: usize,
    /// The sum of the amounts that could be read of them, by component as the file names it.
    pub quantities: BTreeMap<String, Amount>,
    /// Rows without an amount that could be read.
    pub rows_without_amount: usize,
    /// The files that they were written to.
    pub files: Vec<String>,
    /// The inputs whose rows are added up: some of them alone would be another figure, so they are mended
    /// in the input itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to_mend: Vec<String>,
}

impl LeftOutRows {
    /// Takes the rows at deny, and the figures that go with their resource.
    pub fn add(&mut self, findings: &Findings, usages: &[Usage], people: &[UserUsage]) {
        self.0.extend(findings.faulty_rows());
        self.0.extend(usages.iter().map(|usage| usage.row).chain(people.iter().map(|user| user.row)));
    }

    /// Takes the rows that were added up with those that are left out.
    pub fn complete(&mut self, fates: &Fates) {
        let followers: Vec<RowIndex> = self.0.iter().flat_map(|row| fates.followers(*row)).copied().collect();
        self.0.extend(followers);
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether every row is in the plan.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives the rows their fate.
    pub fn mark(&self, fates: &mut Fates) {
        for &row in &self.0 {
            fates.faulty(row);
        }
    }

    /// Writes the rows in the layout of their file, beside it, overwriting nothing; adds them up.
    pub fn write(&self, check: &Check) -> Result<LeftOutSummary, Error> {
        let parsed = &check.loaded.parsed;
        let mut summary = LeftOutSummary { rows: self.len(), ..LeftOutSummary::default() };
        for (input, file) in check.loaded.inputs.iter().zip(&check.loaded.files) {
            let table = parsed.tables.iter().position(|table| table.table.file.as_ref() == input.name());
            let Some(table) = table else { continue };
            let rows = self.0.iter().filter_map(|row| parsed.addresses.get(usize::try_from(row.0).ok()?));
            let numbers: BTreeSet<u32> =
                rows.filter(|(own, _)| *own == short(table)).map(|(_, number)| *number).collect();
            if numbers.is_empty() {
                continue;
            }
            let sheet = file.sheet.as_deref();
            let rows = copy_rows(input, sheet, parsed.tables[table].header_row, &numbers)
                .map_err(|finding| Error::Bug(format!("cannot read the input again: {}", finding.found)))?;
            summary.add(&rows, parsed, table);
            if parsed.tables[table].layout.records().is_some_and(|records| records.sums) {
                summary.to_mend.push(input.name().to_owned());
                continue;
            }
            let names = names(Path::new(input.name()), rows.delimiter.is_none());
            let path = write_rows(names, sheet, &rows)?;
            summary.files.push(path.to_string_lossy().into_owned());
        }
        Ok(summary)
    }
}

impl LeftOutSummary {
    fn add(&mut self, rows: &RawRows, parsed: &Parsed, at: usize) {
        let table = &parsed.tables[at];
        for row in rows.rows.iter().skip(1) {
            let text = |column: usize| row.get(column).map_or("", |(text, _)| text.as_str());
            let number = |column: usize| {
                let (text, kind) = row.get(column)?;
                parsed.number(at, column, text, *kind)
            };
            if table.layout.records().is_some() {
                self.add_record(parsed, at, row);
                continue;
            }
            let long = table.column(Field::ComponentType).zip(table.column(Field::Amount));
            let amounts: Vec<(&str, Amount)> = if let Some((component, amount)) = long {
                number(amount).map(|amount| (text(component), amount)).into_iter().collect()
            } else {
                let headers = table.headers.iter().enumerate();
                let is_open =
                    |header: &str| Field::of_header(header).is_none() && !Field::is_left_alone(header);
                let open = headers.filter(|(_, header)| is_open(header));
                open.filter_map(|(column, header)| Some((header.as_ref(), number(column)?))).collect()
            };
            self.rows_without_amount += usize::from(amounts.is_empty());
            for (component, amount) in amounts {
                let sum = self.quantities.entry(component.to_owned()).or_default();
                *sum = sum.checked_add(amount).unwrap_or(*sum);
            }
        }
    }
}

impl LeftOutSummary {
    /// Adds what a record counts, as it stands in its columns: which component it is of and by which
    /// factor is not said, because nobody has asked the server for it.
    fn add_record(&mut self, parsed: &Parsed, at: usize, row: &[(String, CellKind)]) {
        let table = &parsed.tables[at];
        let Ok(binding) = table.layout.bind(table.headers.iter().map(AsRef::as_ref)) else { return };
        let own = binding.metrics.iter().flatten().map(|metric| metric.quantity);
        let columns: BTreeSet<usize> = own.chain(binding.quantity).collect();
        let mut has_amount = false;
        for column in columns {
            let Some((text, kind)) = row.get(column) else { continue };
            let Some(amount) = parsed.number(at, column, text, *kind) else { continue };
            let metric = binding.metric.and_then(|column| row.get(column)).map_or("", |(text, _)| text);
            let header = table.headers.get(column).map_or("", |header| header.as_ref());
            let name = format!("{metric} {header}, as it stands in the file");
            let sum = self.quantities.entry(name.trim_start().to_owned()).or_default();
            *sum = sum.checked_add(amount).unwrap_or(*sum);
            has_amount = true;
        }
        self.rows_without_amount += usize::from(!has_amount);
    }
}

/// `usage.xlsx` becomes `usage-left-out.xlsx`, then `usage-left-out-2.xlsx` and so on; a file that was
/// left out before keeps its stem.
fn names(input: &Path, is_workbook: bool) -> impl Iterator<Item = PathBuf> {
    let stem = file_stem(&input.file_stem().unwrap_or_default().to_string_lossy());
    let stem = stem.split("-left-out").next().unwrap_or_default().to_owned();
    let ending = if is_workbook { "xlsx" } else { "csv" };
    let input = input.to_owned();
    (1..10_000).map(move |number| match number {
        1 => input.with_file_name(format!("{stem}-left-out.{ending}")),
        number => input.with_file_name(format!("{stem}-left-out-{number}.{ending}")),
    })
}
