//! What a sheet shows, and what its rows are made of: hidden rows and columns, merged cells, totals.
//!
//! All of it is looked for once the table was seen whole. A table without any of it, as nearly all are, is
//! read without a further look at its rows.

use std::sync::Arc;

use crate::domain::{BillingPeriod, OfferingId};
use crate::findings::{Code, Finding, RowIndex, Sums};
use crate::mapping::Field;
use crate::parse::draft::RowDraft;
use crate::parse::total_words::{is_total, may_name_total, names_addition, names_total};
use crate::parse::{AddedRows, CellKind, ParsedTable, RawRow, Sight, period};

use super::amounts::{AmountColumns, Found};
use super::hidden::{Hidden, HiddenColumn, HiddenRows, add_amounts};
use super::merged::Merged;
use super::money::Money;
use super::totals::{Looks, Totals};
use super::{Parser, Reading, State};

/// The fields that say what an amount is of, and that are not ids which nobody wants to see.
const TOLD: [Field; 6] = [
    Field::BillingPeriod,
    Field::ComponentType,
    Field::Unit,
    Field::Recurring,
    Field::MissingUsagePolicy,
    Field::Username,
];

/// The columns that say what a row is of.
#[derive(Debug, Default)]
pub struct Keys {
    resource: Vec<usize>,
    /// Those of them that are ids, which no total has.
    ids: Vec<usize>,
    component: Option<usize>,
    period: Option<usize>,
    username: Option<usize>,
}

/// The structure of the table that is read.
#[derive(Debug, Default)]
pub struct Structure {
    /// Whether there is none.
    is_plain: bool,
    amounts: AmountColumns,
    hidden: HiddenRows,
    columns: Vec<HiddenColumn>,
    merged: Merged,
    totals: Totals,
    added: std::vec::IntoIter<AddedRows>,
    /// The formulas of the row at hand that add up rows.
    row_added: Vec<AddedRows>,
}

impl Keys {
    /// The columns of a table.
    pub fn new(table: &ParsedTable) -> Self {
        let columns = |fields: &[Field]| fields.iter().filter_map(|field| table.column(*field)).collect();
        Self {
            resource: columns(&Field::RESOURCE),
            ids: columns(&[Field::ResourceUuid, Field::ResourceBackendId]),
            component: table.column(Field::ComponentType),
            period: table.column(Field::BillingPeriod),
            username: table.column(Field::Username),
        }
    }

    /// Whether a column names components.
    pub fn is_component(&self, column: usize) -> bool {
        self.component == Some(column)
    }

    /// Whether a column names months.
    pub fn is_period(&self, column: usize) -> bool {
        self.period == Some(column)
    }

    /// Whether a row names resource, component and month.
    fn is_complete(&self, raw: &RawRow) -> bool {
        let is_filled = |column: usize| !raw.cell(column).is_blank();
        self.resource.iter().any(|&column| is_filled(column))
            && self.component.is_none_or(is_filled)
            && self.period.is_none_or(is_filled)
    }

    /// The component that a row names.
    fn component<'a>(&self, raw: &'a RawRow) -> Option<&'a str> {
        self.component.map(|column| raw.cell(column).text).filter(|text| !text.is_empty())
    }

    /// The words of a row that is of tax or a discount on other rows, and names nothing that was used.
    fn addition(&self, raw: &RawRow) -> Option<String> {
        let is_of_usage = self.component(raw).is_some_and(|text| !names_addition(text));
        let names_resource = self
            .resource
            .iter()
            .map(|&column| raw.cell(column).text)
            .any(|text| !text.is_empty() && !names_addition(text));
        if is_of_usage || names_resource || self.is_complete(raw) {
            return None;
        }
        let texts =
            (0..raw.width()).map(|column| raw.cell(column)).filter(|cell| cell.kind == CellKind::Text);
        let words = texts.map(|cell| cell.text).find(|text| names_addition(text))?;
        Some(crate::domain::visible(words.trim_end_matches(':')).to_string())
    }

    /// Whether a row may be a total.
    pub fn is_suspect(&self, raw: &RawRow) -> bool {
        if raw.is_blank() {
            return false;
        }
        let mut words = self.resource.iter().chain(&self.component).chain(&self.period).chain(&self.username);
        !self.is_complete(raw)
            || words.any(|&column| is_total(raw.cell(column).text))
            || self.resource.iter().any(|&column| may_name_total(raw.cell(column).text))
    }

    /// What makes a row look like a total, where something does.
    fn looks(&self, raw: &RawRow, added: Option<&AddedRows>, period: Option<BillingPeriod>) -> Option<Looks> {
        let text = |column: usize| raw.cell(column).text;
        let word = |column: Option<usize>| column.map(text).filter(|text| is_total(text));
        let has_id = self.ids.iter().any(|&column| !text(column).is_empty() && !is_total(text(column)));
        let name = self.resource.iter().map(|&column| text(column)).find(|text| is_total(text));
        let name = name.filter(|_| !has_id);
        let component = self.component.map(text).filter(|text| !text.is_empty() && !is_total(text));
        let looks = |words: &str, only_if_it_adds_up| {
            let words = crate::domain::visible(words.trim_end_matches(':')).to_string();
            Some(Looks { words, only_if_it_adds_up, component: component.map(ToOwned::to_owned), period })
        };
        if self.is_complete(raw) && word(self.period).is_none() {
            // A sum that is headed so is one, whatever else its row names.
            let of_sum = self.resource.iter().filter(|_| !has_id);
            let headed = of_sum.map(|&column| text(column)).find(|text| names_total(text));
            return match (name, word(self.component).or(word(self.username)), headed) {
                (Some(name), ..) => looks(name, false),
                (None, Some(word), _) => looks(word, true),
                (None, None, Some(headed)) => looks(headed, added.is_none()),
                (None, None, None) => None,
            };
        }
        // A row that names a resource is of it, whatever its other texts say.
        let names_resource =
            self.resource.iter().any(|&column| !text(column).is_empty() && !names_total(text(column)));
        let mut texts = (0..raw.width()).filter(|&column| raw.cell(column).kind == CellKind::Text);
        let headed = texts.find(|&column| !names_resource && names_total(text(column))).map(text);
        if let Some(words) = name.or(word(self.component)).or(word(self.period)).or(headed) {
            return looks(words, false);
        }
        if let Some(added) = added {
            return looks(&format!("a sum of rows {}–{}", added.first, added.last), false);
        }
        let mut named = self.resource.iter().chain(&self.component).chain(&self.period);
        if named.all(|&column| raw.cell(column).is_blank()) {
            return looks("a row of nothing but figures", true);
        }
        None
    }
}

impl Structure {
    /// Comes to the next row: takes its formulas.
    fn begin(&mut self, number: u32, header_row: u32) {
        self.row_added.clear();
        while let Some(added) = self.added.as_slice().first().copied().filter(|added| added.row <= number) {
            self.added.next();
            let adds_rows = added.last > header_row && added.row == number;
            let column = usize::try_from(added.column).unwrap_or(usize::MAX);
            if adds_rows && self.amounts.slot(column).is_some() {
                self.row_added.push(added);
            }
        }
    }

    /// What is said of the table as a whole, and the totals that do not add up.
    fn findings(
        mut self,
        table: &ParsedTable,
        said: Said,
        money: &mut Money,
    ) -> Vec<(Finding, Option<RowIndex>)> {
        let mut findings: Vec<Finding> = self.merged.findings(table);
        findings.extend(self.hidden.finding(table, said.rows));
        let can_be_skipped = table.column(Field::Amount).is_none();
        let columns = self.columns.into_iter();
        findings.extend(columns.filter_map(|column| column.finding(table, said.columns, can_be_skipped)));
        let of_money = money.findings(table);
        self.totals.forget_bare(|row| of_money.iter().any(|finding| finding.rows.contains(&row)));
        findings.extend(of_money);
        let findings = findings.into_iter().map(|finding| (finding, None));
        findings.chain(self.totals.findings(table)).collect()
    }
}

/// What the user said of what is hidden.
#[derive(Debug, Clone, Copy)]
struct Said {
    rows: Option<Hidden>,
    columns: Option<Hidden>,
}

impl Reading {
    /// Sets up what is looked for, once the table was seen whole. Returns what is said of it at once.
    fn set_up(&mut self, sight: Sight, table: &ParsedTable, amounts: AmountColumns) -> Vec<Finding> {
        let mut findings = Vec::new();
        if sight.is_unknown {
            findings.push(visibility_unknown(table));
        }
        findings.extend(hidden_keys(&sight, table));
        let content = if sight.merges.is_empty() { Vec::new() } else { self.kept.with_content() };
        let keys: Vec<usize> = table.columns.iter().copied().flatten().collect();
        let keys = keys.into_iter().filter(|&column| table.column(Field::Amount) != Some(column)).collect();
        let merged = Merged::new(&sight.merges, table, keys, &amounts, &content).unwrap_or_else(|finding| {
            findings.push(finding.at(table.table.place(crate::domain::Spot::Whole)));
            Merged::default()
        });
        let columns: Vec<HiddenColumn> = amounts
            .list()
            .filter_map(|column| sight.column(column).map(|how| HiddenColumn::new(column, how)))
            .collect();
        let hidden = HiddenRows::new(sight.rows);
        let is_plain = !self.is_suspect
            && hidden.is_empty()
            && columns.is_empty()
            && merged.is_empty()
            && sight.added.is_empty();
        let totals = Totals::new(amounts.len());
        let added = sight.added.into_iter();
        self.structure =
            Structure { is_plain, amounts, hidden, columns, merged, totals, added, row_added: Vec::new() };
        findings
    }
}

/// Columns that say what an amount is of, and that nobody sees. Ids are hidden for good reasons, as long as
/// something that can be seen names the resource.
fn hidden_keys(sight: &Sight, table: &ParsedTable) -> Vec<Finding> {
    let hidden = |field: &Field| table.column(*field).filter(|&column| sight.column(column).is_some());
    let is_seen = |field: &Field| table.column(*field).is_some_and(|column| sight.column(column).is_none());
    let is_named = Field::RESOURCE.iter().any(is_seen);
    let resource = Field::RESOURCE.iter().filter(|_| !is_named);
    let columns = TOLD.iter().chain(resource).filter_map(hidden);
    let finding = |column| {
        let expected = "columns that can be seen; this one is read like all others";
        Finding::new(Code::HiddenKeyColumns, "a column that is hidden", expected)
            .at(table.place(table.header_row, Some(column)))
    };
    columns.map(finding).collect()
}

impl Parser<'_> {
    /// Looks for the structure of the table that was kept.
    pub(super) fn begin_structure(&mut self) {
        let sight = std::mem::take(&mut self.sight);
        let State::Reading(reading) = &mut self.state else { return };
        let table = self.parsed.tables[reading.table].clone();
        let open = reading.open.iter().enumerate().filter_map(|(column, open)| {
            let verdict = &self.parsed.open_columns[(*open)?].verdict;
            Some((column, verdict.settled()))
        });
        let amounts = AmountColumns::new(&table, &reading.amounts.verdict, open);
        for finding in reading.set_up(sight, &table, amounts) {
            self.findings.push(finding);
        }
        // What is left out still names its component, so that silence is not taken for zero.
        if self.settings.hidden_columns == Some(Hidden::Skip) && table.column(Field::Amount).is_none() {
            for column in &reading.structure.columns {
                reading.open[column.column] = None;
            }
        }
    }

    /// The row with what it takes from merged cells, where it takes something.
    pub(super) fn unmerged(&mut self, raw: &RawRow) -> Option<RawRow> {
        let State::Reading(reading) = &mut self.state else { return None };
        let merged = &mut reading.structure.merged;
        if merged.is_empty() { None } else { merged.begin(raw) }
    }

    /// Takes a row that is a total, or hidden and not to be used; whether it was taken.
    pub(super) fn set_aside(&mut self, raw: &RawRow, row: RowIndex) -> bool {
        let State::Reading(reading) = &mut self.state else { return false };
        let Reading { structure, keys, table, periods, money, .. } = reading.as_mut();
        if structure.is_plain {
            return false;
        }
        let table = self.parsed.tables[*table].clone();
        structure.begin(raw.number(), table.header_row);
        let how = structure.hidden.of(raw.number());
        let Structure { amounts, hidden, columns, merged, totals, row_added, .. } = structure;
        let found = || amounts.of(raw, &table);
        let period = keys.period.and_then(|column| {
            let month = period::period(raw.cell(column), &periods.verdict, raw.counts_from_1904());
            month.ok().map(|month| month.period)
        });
        if let Some(mut looks) = keys.looks(raw, row_added.first(), period) {
            // What it is, its amounts tell; where it has none, its money does.
            let is_of_money = !found().any(|found| found.is_figure()) && money.take(row, raw, &table, &looks);
            looks.only_if_it_adds_up &= !is_of_money;
            if totals.take(row, raw.number(), looks.clone(), found().filter(Found::is_figure)) {
                looks.only_if_it_adds_up = false;
                if !is_of_money {
                    money.take(row, raw, &table, &looks);
                }
                self.parsed.fates.filtered(row);
                return true;
            }
        }
        if let Some(words) = keys.addition(raw).filter(|_| found().next().is_none()) {
            let figures = money.take_addition(raw, &table).join(", ");
            if !figures.is_empty() {
                let place = table.place(raw.number(), None);
                self.parsed.money_beside.push(format!("{place}: {words}, {figures}"));
            }
            totals.tell(row, raw.number(), words);
            self.parsed.fates.filtered(row);
            return true;
        }
        let is_whole = keys.username.is_none_or(|column| raw.cell(column).is_blank());
        totals.add(found(), period, (how.is_none(), is_whole));
        money.add(raw, &table, (keys.component(raw), period), (how.is_none(), is_whole));
        for column in columns.iter_mut() {
            if let Some(found) = found().find(|found| found.column == column.column) {
                column.add(found);
            }
        }
        merged.add_filled(row, found);
        // What reports nothing books nothing, whoever sees it: a template is filled in under a filter, too.
        let Some(how) = how.filter(|_| found().next().is_some()) else { return false };
        hidden.add(row, raw.number(), how, found());
        match self.settings.hidden_rows {
            Some(Hidden::Use) => return false,
            Some(Hidden::Skip) => self.leave(raw, row, &table, false),
            None => self.leave(raw, row, &table, true),
        }
        true
    }

    /// Leaves a row out whose resource is remembered.
    fn leave(&mut self, raw: &RawRow, row: RowIndex, table: &ParsedTable, is_faulty: bool) {
        let mut draft = RowDraft::new(raw, table, row);
        let resource = self.resource(&mut draft);
        let offering: Option<OfferingId> = draft.id(Field::OfferingUuid);
        self.named(&draft, resource.clone(), offering);
        if is_faulty {
            self.faulty(row, resource, offering, Vec::new());
        } else {
            self.parsed.fates.filtered(row);
        }
    }

    /// Adds what is wrong with a row for where it stands, rather than for what stands in it.
    pub(super) fn structural_faults(&mut self, draft: &mut RowDraft<'_>) {
        let State::Reading(reading) = &mut self.state else { return };
        let structure = &mut reading.structure;
        if structure.is_plain {
            return;
        }
        for added in &structure.row_added {
            let column = usize::try_from(added.column).unwrap_or(usize::MAX);
            let shown = crate::parse::cells::shown(draft.raw.cell(column));
            let found =
                format!("{shown}, which adds up rows {}–{} of its own column", added.first, added.last);
            let mut sums = Sums::default();
            let amounts = structure.amounts.of(draft.raw, draft.table);
            add_amounts(&mut sums, amounts.filter(|found| found.column == column));
            let finding = Finding::new(Code::SumOfRows, found, "usage of its own; those rows report theirs")
                .hint("take the row out if it is a total; write the number itself if it is usage")
                .sums(sums);
            draft.fault(Some(column), finding);
        }
        if !structure.merged.is_empty() {
            for (column, finding) in structure.merged.covered(draft.raw, draft.table, &structure.amounts) {
                draft.fault(Some(column), finding);
            }
            let number = draft.raw.number();
            if structure.merged.shares_amount(draft.row, number, &structure.amounts) {
                draft.is_in_doubt = true;
            }
        }
    }

    /// Says what was found of the structure of the table.
    pub(super) fn end_structure(&mut self) {
        let State::Reading(reading) = &mut self.state else { return };
        let structure = std::mem::take(&mut reading.structure);
        let table = self.parsed.tables[reading.table].clone();
        let said = Said { rows: self.settings.hidden_rows, columns: self.settings.hidden_columns };
        let findings = structure.findings(&table, said, &mut reading.money);
        for (finding, faulty) in findings {
            if let Some(row) = faulty {
                self.parsed.fates.faulty(row);
                self.parsed.faulty.push((row, Arc::default(), None));
            }
            self.findings.push(finding);
        }
    }
}

/// What is said of a table that does not show which of its rows are seen.
pub(super) fn visibility_unknown(table: &ParsedTable) -> Finding {
    let finding = Finding::new(
        Code::VisibilityUnknown,
        "hidden rows and columns, and merged cells, are not looked for in this format",
        "a workbook in .xlsx or .ods, where they are",
    );
    finding.at(table.table.place(crate::domain::Spot::Whole))
}
