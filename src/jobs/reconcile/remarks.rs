//! What was not read of the files, and what rows speak of that were left out.

use std::collections::{BTreeSet, HashMap};

use crate::domain::{RoundingRule, visible};
use crate::findings::{Code, Finding, Findings, RowIndex};
use crate::mapping::{Field, looks_like_money};
use crate::parse::{Parsed, ParsedTable, UNCHECKED};
use crate::reconcile::{LeftOut, Remark, RemarkKind, Weight};
use crate::resolve::{Catalogue, FileLine, ResourceFinder, Rounding, SettledAliases};
use crate::source::A_TABLE_TOO;

use super::stops::Stops;

/// How many columns are named.
const MOST_COLUMNS: usize = 200;

/// What was not read, or was filtered out.
pub fn of_files(findings: &Findings, parsed: &Parsed) -> Vec<Remark> {
    let mut remarks = of_columns(findings, parsed);
    remarks.extend(parsed.money_beside.iter().map(|told| {
        let text = format!("{told}: money of no usage, which is not compared");
        Remark { kind: RemarkKind::LeftOut, weight: Weight::Told, text }
    }));
    let of_plans = parsed.subjects.iter().filter(|subject| subject.more().plan_period.is_some()).count();
    if of_plans > 0 {
        let s = if of_plans == 1 {
            " names its plan period, which is"
        } else {
            "s name their plan periods, which are"
        };
        let text = format!("{of_plans} row{s} not compared: the sum of the month is");
        remarks.push(Remark { kind: RemarkKind::PlanPeriods, weight: Weight::Told, text });
    }
    for finding in findings.list() {
        let (kind, weight) = match finding.code {
            Code::OutsidePeriod => (RemarkKind::OtherMonths, Weight::Told),
            Code::OutsideScope if finding.found.ends_with("of other offerings") => {
                (RemarkKind::OutsideScope, Weight::Told)
            }
            Code::OutsideScope => (RemarkKind::OutsideScope, Weight::Note),
            Code::OtherSheets if finding.found.contains(A_TABLE_TOO) => {
                (RemarkKind::SheetNotRead, Weight::Told)
            }
            Code::OtherSheets | Code::HiddenSheets | Code::OtherFiles => {
                (RemarkKind::SheetNotRead, Weight::Note)
            }
            Code::HiddenRowsSkipped | Code::HiddenColumnsSkipped => (RemarkKind::LeftOut, Weight::Told),
            Code::LeftOutByLayout if is_of_money(finding, parsed) => (RemarkKind::LeftOut, Weight::Told),
            Code::LeftOutByLayout => (RemarkKind::LeftOut, Weight::Note),
            Code::TotalRow if finding.found.ends_with(UNCHECKED) => {
                let place = finding.place.as_ref().map_or(String::new(), |place| format!("{place}: "));
                let text = format!("{place}{}", finding.found);
                remarks.push(Remark { kind: RemarkKind::MoneyTotal, weight: Weight::Told, text });
                continue;
            }
            Code::MoneyTotal => {
                let place = finding.place.as_ref().map_or(String::new(), |place| format!("{place}: "));
                let text = format!("{place}{}; the prices of the rows are compared", finding.found);
                remarks.push(Remark { kind: RemarkKind::MoneyTotal, weight: Weight::Told, text });
                continue;
            }
            _ => continue,
        };
        let sums: Vec<String> = finding.sums.iter().take(20).map(ToString::to_string).collect();
        let sums = if sums.is_empty() { String::new() } else { format!(", {}", sums.join(", ")) };
        let text = format!("{}{sums}: not compared; only {}", finding.found, finding.expected);
        remarks.push(Remark { kind, weight, text });
    }
    remarks
}

fn of_columns(findings: &Findings, parsed: &Parsed) -> Vec<Remark> {
    let mut columns: BTreeSet<(String, bool)> = BTreeSet::new();
    let mut add = |table: &ParsedTable, header: &str, is_money: bool| {
        let sheet =
            table.table.sheet.as_deref().map_or(String::new(), |sheet| format!(" {}", visible(sheet)));
        let text = format!("\"{}\" of {}{sheet}", visible(header), visible(&table.table.file));
        columns.insert((text, is_money));
    };
    let ignored = parsed.columns_ignored.iter().filter(|(index, column)| {
        let header = parsed.tables.get(*index).and_then(|table| table.headers.get(*column));
        header.is_some_and(|header| looks_like_money(header))
            || parsed.money_unread.contains(&(*index, *column))
    });
    let mut of_records = Vec::new();
    for (index, table) in
        parsed.tables.iter().enumerate().filter(|(_, table)| table.layout.records().is_some())
    {
        let headers = table.headers.iter().enumerate().filter(|(_, header)| looks_like_money(header));
        of_records.extend(headers.map(|(column, _)| (index, column)));
    }
    for &(index, column) in parsed.columns_unread.iter().chain(ignored).chain(&of_records) {
        let Some(table) = parsed.tables.get(index) else { continue };
        let Some(header) = table.headers.get(column) else { continue };
        let is_money = looks_like_money(header) || parsed.money_unread.contains(&(index, column));
        add(table, header, is_money);
    }
    // Of the wide form: only the catalogue tells that a column is no component.
    let unknown = findings.list().iter().filter(|finding| finding.code == Code::UnknownColumn);
    for place in unknown.filter_map(|finding| finding.place.as_ref()) {
        let at =
            place.column().and_then(|column| usize::try_from(column).ok()).and_then(|at| at.checked_sub(1));
        let tables = parsed.tables.iter().filter(|table| table.column(Field::Amount).is_none());
        for table in tables {
            let header = at.and_then(|at| table.headers.get(at)).filter(|header| !header.is_empty());
            if let Some(header) = header.filter(|_| table.place(table.header_row, at) == *place) {
                add(table, header, looks_like_money(header));
            }
        }
    }
    let remark = |(text, is_money): (String, bool)| {
        let kind = RemarkKind::ColumnNotRead;
        if is_money {
            let text =
                format!("column {text} looks like money and was not read, so that nothing of it is compared");
            Remark { kind, weight: Weight::Told, text }
        } else {
            Remark { kind, weight: Weight::Note, text: format!("column {text} was not read") }
        }
    };
    let mut remarks: Vec<Remark> = columns.into_iter().map(remark).collect();
    remarks.sort_by_key(|remark| std::cmp::Reverse(remark.weight));
    remarks.truncate(MOST_COLUMNS);
    remarks
}

/// Whether a finding is of a table with money.
fn is_of_money(finding: &Finding, parsed: &Parsed) -> bool {
    let file = finding.place.as_ref().map(|place| &place.file);
    let tables = parsed.tables.iter().filter(|table| Some(&table.table.file) == file);
    tables.flat_map(|table| &table.headers).any(|header| looks_like_money(header))
}

/// What rounding did to the amounts that are compared.
pub fn of_rounding(rule: Option<RoundingRule>, lines: &[FileLine], catalogue: &Catalogue) -> Option<Remark> {
    let rounding = Rounding::of_lines(rule?, lines, catalogue);
    let text = format!("amounts of the files were rounded: {rounding}");
    let kind = RemarkKind::Rounded;
    (rounding.amounts_rounded() > 0).then_some(Remark { kind, weight: Weight::Told, text })
}

/// What the rows that were left out speak of, as far as it can be told.
pub fn left_out(
    stops: &Stops,
    parsed: &Parsed,
    catalogue: &Catalogue,
    aliases: &SettledAliases,
) -> Vec<LeftOut> {
    if stops.skipped.is_empty() {
        return Vec::new();
    }
    let faulty = parsed.faulty.iter().map(|(row, name, offering)| (*row, (&**name, *offering)));
    let subjects = parsed.subjects.iter().filter(|subject| stops.skipped.contains_key(&subject.row));
    let subjects: Vec<_> = subjects.collect();
    let mut names: HashMap<RowIndex, _> =
        subjects.iter().map(|subject| (subject.row, (&*subject.resource, subject.more().offering))).collect();
    names.extend(faulty);
    let periods: HashMap<RowIndex, _> =
        subjects.iter().map(|subject| (subject.row, subject.period)).collect();
    let mut finder = ResourceFinder::new(catalogue, aliases);
    let mut rows = Vec::new();
    for (row, skipped) in &stops.skipped {
        let Some((name, offering)) = names.get(row) else { continue };
        let Ok(found) = finder.find(name, *offering) else { continue };
        let (period, component) = parsed.faulty_keys.get(row).cloned().unwrap_or_default();
        let table = usize::try_from(row.0).ok().and_then(|at| parsed.addresses.get(at));
        let table = table.and_then(|(table, _)| parsed.tables.get(usize::try_from(*table).ok()?));
        // A column of the wide form is a component.
        let header = || {
            let table = table.filter(|table| table.column(Field::Amount).is_none())?;
            let at = usize::try_from(skipped.place.column()?).ok()?.checked_sub(1)?;
            table.headers.get(at).map(ToString::to_string)
        };
        rows.push(LeftOut {
            resource: found.resource.id,
            component: component.map(|own| own.to_string()).or_else(header),
            period: period.or_else(|| periods.get(row).copied()),
            note: format!("its row could not be read: {}, {}", skipped.place, skipped.found),
        });
    }
    rows
}
