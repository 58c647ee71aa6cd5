//! Tables of other systems: records that a layout gives a meaning.
//!
//! Each record is read whole before it is judged, and is used, left out by a rule that is told, blank or
//! faulty. Records of one key are added up to the last digit; what the sum is in the unit of a component
//! is found out where the component is known. The law kept here: nothing is added that was not read, and
//! nothing that was read is left away without a word.

mod begin;
mod groups;
mod moment;
mod record;
mod shares;
mod spans;
mod titles;
mod tres;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::domain::{BillingPeriod, visible};
use crate::findings::{Code, Finding, RowIndex};
use crate::mapping::{Binding, Layout, Records};
use crate::parse::column::{Evidence, Verdict};
use crate::parse::doubts::Doubts;
use crate::parse::kept_rows::KeptRows;
use crate::parse::month::DateOrder;
use crate::parse::numeral::DecimalSign;
use crate::parse::{
    Merge, ParsedTable, RawRow, Subject, SubjectMore, Sum, Wanted, period, quantity as amounts, short,
};

use super::hidden::HiddenRows;
use super::kept::told;
use super::structure::visibility_unknown;
use super::{Judged, ParseSettings, Parser, State};
use groups::{Groups, Sums};
use moment::Moment;
use titles::TitleFacts;

/// The table of records that is being read.
pub(super) struct RecordsReading {
    table: usize,
    layout: Arc<Layout>,
    binding: Binding,
    titles: TitleFacts,
    kept: KeptRows,
    counts_from_1904: bool,
    rows_with_content: usize,
    /// The column of months, or of the days of reporting.
    days: Judged<DateOrder, period::DateMarks>,
    amounts: BTreeMap<usize, Amounts>,
    /// The sign that numbers never have, as the layout says and the user does not.
    not_written: Option<char>,
    /// The columns of the row that is being read whose numbers could be two things.
    in_doubt: Vec<usize>,
    /// The ids of records that are no parts.
    wholes: HashSet<Arc<str>>,
    /// The first record of each identity, by a digest of it.
    seen: HashMap<u64, u32>,
    /// What stood first in the columns that hold one value.
    one_value: Vec<Option<(Arc<str>, u32)>>,
    groups: Groups,
    /// The latest end of the records of each sum, by the row of its first record.
    latest: HashMap<RowIndex, (Moment, u32)>,
    rows_summed: usize,
    /// The rows that are not seen, and what they hold.
    hidden: HiddenRows,
    hidden_sums: Sums,
    /// What was left out by each rule, and as parts.
    left_out: Vec<LeftOut>,
    /// Records of two months that were booked into one: how many, and the first.
    booked_whole: (usize, u32),
}

/// A column of quantities.
#[derive(Debug, Default)]
struct Amounts {
    evidence: Evidence<amounts::AmountMarks>,
    verdict: Option<Verdict<DecimalSign>>,
    doubts: Doubts,
}

/// Rows that a rule left out.
#[derive(Debug, Default, Clone)]
struct LeftOut {
    rows: usize,
    first: u32,
    sums: Sums,
}

impl RecordsReading {
    fn new(table: usize, layout: Arc<Layout>, binding: Binding, titles: TitleFacts, header: &RawRow) -> Self {
        let records = layout.records();
        let rules = records.map_or(0, |records| records.leave_out.len());
        let shared = binding.quantity;
        let columns = binding.metrics.iter().flatten().flat_map(|own| [Some(own.quantity), own.times]);
        let keyed: Vec<usize> = records
            .into_iter()
            .flat_map(|records| records.metrics.iter().zip(&binding.metrics))
            .filter(|(metric, _)| metric.key.is_some())
            .filter_map(|(_, own)| Some((*own)?.quantity))
            .collect();
        let columns = columns.chain([shared]).flatten().filter(|column| !keyed.contains(column));
        Self {
            table,
            amounts: columns.map(|column| (column, Amounts::default())).collect(),
            not_written: None,
            in_doubt: Vec::new(),
            kept: KeptRows::default(),
            counts_from_1904: header.counts_from_1904(),
            rows_with_content: 0,
            days: Judged::new(binding.month.or(binding.reported)),
            wholes: HashSet::new(),
            seen: HashMap::new(),
            one_value: vec![None; binding.one_value.len()],
            groups: Groups::default(),
            latest: HashMap::new(),
            rows_summed: 0,
            hidden: HiddenRows::default(),
            hidden_sums: Sums::default(),
            left_out: vec![LeftOut::default(); rules + 1],
            booked_whole: (0, 0),
            layout,
            binding,
            titles,
        }
    }

    /// Rows below the header that hold something.
    pub(super) fn rows_with_content(&self) -> usize {
        self.rows_with_content
    }

    /// Keeps a row, and what its cells show of how their columns are written.
    pub(super) fn keep(&mut self, raw: &RawRow) {
        if let Some(column) = self.days.column {
            period::weigh(&mut self.days.evidence, raw.number(), raw.cell(column));
        }
        for (column, amounts) in &mut self.amounts {
            let line = (raw.number(), raw.delimiter());
            amounts::weigh(&mut amounts.evidence, line, raw.cell(*column), || true);
        }
        if let (Some(column), Some(parts)) =
            (self.binding.parts, self.layout.records().and_then(|records| records.parts.as_ref()))
        {
            let id = raw.cell(column).text;
            if !id.is_empty() && !id.contains(&parts.separator) && !self.wholes.contains(id) {
                self.wholes.insert(id.into());
            }
        }
        self.kept.push(raw);
    }

    fn decide(&mut self, settings: &ParseSettings) {
        self.days.verdict = period::date_order(&self.days.evidence, settings.dates);
        let of_layout = self.layout.records().and_then(|records| records.decimal_comma);
        self.not_written =
            of_layout.filter(|_| settings.decimal.is_none()).map(|comma| if comma { '.' } else { ',' });
        let of_layout = of_layout.map(|comma| if comma { DecimalSign::Comma } else { DecimalSign::Point });
        for amounts in self.amounts.values_mut() {
            let said = settings.decimal.or(of_layout);
            amounts.verdict = Some(amounts::decimal_sign(&amounts.evidence, said));
        }
    }

    /// How a sum is spoken of: what was counted, and in what.
    fn label(&self, wanted: &Wanted, unit: Option<&Arc<str>>) -> (String, String) {
        let unit = || unit.map_or_else(String::new, |unit| unit.as_ref().to_owned());
        match wanted {
            Wanted::Component(name) => (name.as_ref().to_owned(), unit()),
            Wanted::Metric(at) => {
                let metric = self.layout.records().and_then(|records| records.metrics.get(*at));
                metric.map_or_else(
                    || (String::new(), unit()),
                    |metric| (metric.label().to_owned(), metric.counted_in.clone()),
                )
            }
        }
    }
}

impl Parser<'_> {
    /// Decides how each column is read, then reads the records.
    pub(super) fn read_records(&mut self) {
        let refused = State::Refused(Box::default());
        let State::Records(mut reading) = std::mem::replace(&mut self.state, refused) else { return };
        reading.decide(self.settings);
        let kept = std::mem::take(&mut reading.kept);
        let table = self.parsed.tables[reading.table].clone();
        let sight = std::mem::take(&mut self.sight);
        if sight.is_unknown {
            self.findings.push(visibility_unknown(&table));
        }
        let below = |merge: &&Merge| merge.first_row > table.header_row && merge.last_row > merge.first_row;
        if let Some(merge) = sight.merges.iter().find(below) {
            let found = format!("cells merged over rows {}–{}", merge.first_row, merge.last_row);
            let expected =
                format!("cells of their own in each row: {} reads a row at a time", reading.layout.name);
            let place = table.place(merge.first_row, usize::try_from(merge.first_column).ok());
            let finding = Finding::new(Code::MergedAmount, found, expected).at(place);
            self.findings
                .push(finding.hint("unmerge them and fill each row, or take the file as it was exported"));
        }
        reading.hidden = HiddenRows::new(sight.rows);
        kept.each(table.table.clone(), reading.counts_from_1904, |raw| {
            self.record(&mut reading, &table, raw);
        });
        self.tell_doubts(&mut reading, &table);
        self.tell_hidden(&mut reading, &table);
        self.tell_left_out(&reading, &table);
        self.hand_over(&mut reading);
        self.state = State::Records(reading);
    }

    fn tell_doubts(&mut self, reading: &mut RecordsReading, table: &ParsedTable) {
        let of_layout = reading.layout.records().and_then(|records| records.decimal_comma);
        let is_said = self.settings.decimal.is_some() || of_layout.is_some();
        for (column, amounts) in &mut reading.amounts {
            let flags = "--decimal point or --decimal comma";
            let is_settled = amounts.verdict.as_ref().and_then(Verdict::settled).is_some();
            if is_settled && !is_said {
                let thin = told(table, *column, &amounts.evidence, "the decimal sign", flags);
                if let Some(finding) = thin {
                    self.findings.push(finding);
                }
            }
            let (doubts, verdict) = (std::mem::take(&mut amounts.doubts), amounts.verdict.take());
            let sign = verdict.as_ref().and_then(Verdict::settled);
            self.parsed.decimal_signs.extend(sign.map(|sign| ((reading.table, *column), sign)));
            let finding = verdict.and_then(|verdict| {
                let finding = doubts.amounts(table, *column, &verdict);
                amounts.verdict = Some(verdict);
                finding
            });
            if let Some(finding) = finding {
                self.findings.push(finding);
            }
        }
        let Judged { column, verdict, doubts, .. } = &mut reading.days;
        let finding = column.and_then(|column| std::mem::take(doubts).periods(table, column, verdict));
        if let Some(finding) = finding {
            self.findings.push(finding);
        }
        let (rows, first) = reading.booked_whole;
        if rows > 0 {
            let s = if rows == 1 { "" } else { "s" };
            let found = format!("{rows} record{s} of two months");
            let expected = format!("records of one month; {} books them whole", reading.layout.name);
            let place = table.place(first, reading.binding.end);
            self.findings.push(Finding::new(Code::BookedWhole, found, expected).at(place));
        }
    }

    fn tell_hidden(&mut self, reading: &mut RecordsReading, table: &ParsedTable) {
        let hidden = std::mem::take(&mut reading.hidden);
        if let Some(finding) = hidden.finding(table, self.settings.hidden_rows) {
            let sums = reading.hidden_sums.shown(&reading.titles.ratio);
            let found = if sums.is_empty() {
                finding.found.clone()
            } else {
                format!("{}; in sum {sums}", finding.found)
            };
            self.findings.push(finding.saying(found));
        }
    }

    fn tell_left_out(&mut self, reading: &RecordsReading, table: &ParsedTable) {
        let Some(records) = reading.layout.records() else { return };
        let rules = records.leave_out.iter().map(|rule| format!("{} ({})", rule.because, rule.shown()));
        let parts = records
            .parts
            .iter()
            .map(|parts| format!("{} ({} has a {:?})", parts.because, parts.column.shown(), parts.separator));
        let reasons: Vec<String> = rules.collect();
        // Parts come last, and there may be rows left out as parts only where the layout knows any.
        let all = reading.left_out.iter().zip(reasons.into_iter().chain(parts));
        for (left, because) in all.filter(|(left, _)| left.rows > 0) {
            let s = if left.rows == 1 { "" } else { "s" };
            let sums = left.sums.shown(&reading.titles.ratio);
            let with = if sums.is_empty() { String::new() } else { format!("; in sum {sums}") };
            let note = format!("{} row{s} left out: {}{with}", left.rows, visible(&because));
            let expected =
                format!("rows that {} reads; a layout of your own can read others", reading.layout.name);
            let place = table.place(left.first, None);
            self.findings.push(Finding::new(Code::LeftOutByLayout, note.clone(), expected).at(place));
            self.parsed.notes.entry(reading.table).or_default().push(note);
        }
    }

    /// Hands out the sums, each with the record that stands for it.
    fn hand_over(&mut self, reading: &mut RecordsReading) {
        let mut sums = Sums::default();
        let groups = std::mem::take(&mut reading.groups).list;
        let figures = groups.len();
        for group in groups {
            let (label, unit) = reading.label(&group.key.wanted, group.key.unit.as_ref());
            sums.add(&label, &unit, &group.sum);
            let subject = self.parsed.subjects.len();
            self.parsed.ends.extend(reading.end_of(group.row, subject));
            let (offering, username) = (group.key.offering, group.key.username);
            let more = self.more(SubjectMore { offering, username, ..SubjectMore::default() });
            self.parsed.subjects.push(Subject {
                table: short(reading.table),
                number: group.number,
                row: group.row,
                resource: group.key.resource.into(),
                period: group.key.period,
                more,
            });
            self.parsed.sums.push(Sum {
                subject,
                column: group.column,
                wanted: group.key.wanted,
                unit: group.key.unit,
                unit_column: group.unit_column,
                exact: group.sum,
                ratio: reading.titles.ratio.clone(),
                rows: group.rows,
            });
        }
        if reading.rows_summed > 0 {
            let rows = if reading.rows_summed == 1 {
                "1 row".into()
            } else {
                format!("{} rows", reading.rows_summed)
            };
            let figures = if figures == 1 { "1 figure".into() } else { format!("{figures} figures") };
            let is_summed = reading.layout.records().is_some_and(|records| records.sums);
            let verb = if is_summed { "added up to" } else { "read as" };
            let note = format!("{rows} {verb} {figures}; in sum {}", sums.shown(&reading.titles.ratio));
            self.parsed.notes.entry(reading.table).or_default().insert(0, note);
        }
    }

    /// The month that stands in for one that the table does not name.
    fn given_period(&self, titles: &TitleFacts) -> Option<BillingPeriod> {
        titles.period.or_else(|| self.single_period())
    }
}

/// Whether the layout leaves the month to `--period`.
fn is_given(records: &Records) -> bool {
    matches!(records.period, crate::mapping::Period::Given { .. } | crate::mapping::Period::Titles)
}

#[cfg(test)]
mod tests;
