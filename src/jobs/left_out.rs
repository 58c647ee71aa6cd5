//! The rows that `--skip-faulty` leaves out: counted, added up, and written for mending.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::domain::Amount;
use crate::error::Error;
use crate::findings::{Fates, Findings, RowIndex};
use crate::report::write_rows;
use crate::resolve::{Usage, Usages};
use crate::source::copy_rows;

use super::check::Check;

/// Rows left out of a plan.
#[derive(Debug, Default)]
pub struct LeftOutRows {
    rows: BTreeSet<RowIndex>,
    usages: Vec<Usage>,
}

/// What was left out, in figures.
#[derive(Debug, Clone, Serialize)]
pub struct LeftOutSummary {
    /// Rows left out, the faulty ones among them.
    pub rows: usize,
    /// The quantity that could be read of them, by component.
    pub quantities: BTreeMap<String, Amount>,
    /// The files that they were written to.
    pub files: Vec<String>,
}

impl LeftOutRows {
    /// Takes the rows at deny, and the figures that go with their resource.
    pub fn add(&mut self, findings: &Findings, usages: &[Usage]) {
        self.rows.extend(findings.faulty_rows());
        self.rows.extend(usages.iter().map(|usage| usage.row));
        self.usages.extend_from_slice(usages);
    }

    /// Whether every row is in the plan.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Gives the rows their fate.
    pub fn mark(&self, fates: &mut Fates) {
        for &row in &self.rows {
            fates.faulty(row);
        }
    }

    /// Adds the rows up.
    pub fn summary(&self, files: &[PathBuf]) -> LeftOutSummary {
        let mut by_component: BTreeMap<String, Vec<&Usage>> = BTreeMap::new();
        for usage in &self.usages {
            by_component.entry(usage.component.to_string()).or_default().push(usage);
        }
        LeftOutSummary {
            rows: self.rows.len(),
            quantities: by_component
                .into_iter()
                .map(|(component, usages)| (component, Usages::total(usages)))
                .collect(),
            files: files.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
        }
    }

    /// Writes the rows in the layout of their file, beside it, overwriting nothing.
    pub fn write(&self, check: &Check) -> Result<Vec<PathBuf>, Error> {
        let parsed = &check.loaded.parsed;
        let mut files = Vec::new();
        for input in &check.loaded.inputs {
            let is_of_input = |table: usize| {
                parsed.tables.get(table).is_some_and(|table| table.table.file.as_ref() == input.name())
            };
            let addresses = self
                .rows
                .iter()
                .filter_map(|row| parsed.addresses.get(usize::try_from(row.0).ok()?).copied());
            let numbers: BTreeSet<u32> =
                addresses.filter(|&(table, _)| is_of_input(table)).map(|(_, number)| number).collect();
            if numbers.is_empty() {
                continue;
            }
            let sheet = check.loaded.files.iter().find(|file| file.name == input.name());
            let sheet = sheet.and_then(|file| file.sheet.as_deref());
            let rows = copy_rows(input, sheet, &numbers)
                .map_err(|finding| Error::Bug(format!("cannot read the input again: {}", finding.found)))?;
            let names = names(Path::new(input.name()), rows.delimiter.is_none());
            let path = write_rows(names, sheet, &rows)?;
            files.push(path);
        }
        Ok(files)
    }
}

/// `usage.xlsx` becomes `usage-left-out.xlsx`, then `usage-left-out-2.xlsx` and so on; a file that was
/// left out before keeps its stem.
fn names(input: &Path, is_workbook: bool) -> impl Iterator<Item = PathBuf> {
    let stem = input.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let stem = stem.split("-left-out").next().unwrap_or_default().to_owned();
    let ending = if is_workbook { "xlsx" } else { "csv" };
    let input = input.to_owned();
    (1..10_000).map(move |number| match number {
        1 => input.with_file_name(format!("{stem}-left-out.{ending}")),
        number => input.with_file_name(format!("{stem}-left-out-{number}.{ending}")),
    })
}
