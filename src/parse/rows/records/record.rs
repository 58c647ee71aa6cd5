//! One record: which rule it falls under, whose it is, of which month, and what it counts.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::domain::{BillingPeriod, Exact, OfferingId, fold, visible};
use crate::findings::{Code, Finding};
use crate::mapping::{Crossing, Field, Period, Records};
use crate::parse::draft::RowDraft;
use crate::parse::{Cell, Named, ParsedTable, RawRow, ResourceName, Wanted, cells, period, short};

use super::super::{Hidden, Parser};
use super::RecordsReading;
use super::groups::Key;
use super::moment::{Moment, NoMoment};
use super::spans;

/// Which month a record is of, and how long it is.
#[derive(Debug, Default)]
pub(super) struct When {
    pub(super) period: Option<BillingPeriod>,
    pub(super) seconds: Option<Exact>,
    /// Whether it lies in two months.
    crosses: bool,
    /// The first of several months that it lies in, where it is of none of them.
    from: Option<BillingPeriod>,
    /// When it ends, where that is not to come yet.
    end: Option<Moment>,
}

/// Why a row is not read.
enum Left {
    /// By one of the rules, or as a part, which comes behind them.
    Out(usize),
    /// A part whose whole is not there.
    Orphan(String),
}

impl Parser<'_> {
    pub(super) fn record(&mut self, reading: &mut RecordsReading, table: &ParsedTable, raw: &RawRow) {
        let row = self.parsed.fates.read();
        self.parsed.addresses.push((short(reading.table), raw.number()));
        if raw.is_blank() {
            self.parsed.fates.blank(row);
            return;
        }
        if is_header_again(table, raw)
            && reading.layout.records().is_some_and(|records| records.titles.is_some())
        {
            // The lines above a second header speak of its rows, and the month may be another one.
            let told = format!("the header of row {} again, with a report of its own", table.header_row);
            let finding = Finding::new(Code::SeveralTables, told, "one report in a file").at(raw.whole());
            self.findings.push(finding.hint("put each report into a file of its own"));
            self.parsed.fates.faulty(row);
            return;
        }
        if is_header_again(table, raw) {
            self.parsed.fates.filtered(row);
            let told = format!("the header of row {} again", table.header_row);
            let finding = Finding::new(Code::RepeatedHeader, told, "rows of usage; it is left out");
            self.findings.push(finding.at(raw.whole()));
            return;
        }
        reading.rows_with_content += 1;
        let layout = reading.layout.clone();
        let Some(records) = layout.records() else { return };
        let mut draft = RowDraft::new(raw, table, row);
        let hidden = reading.hidden.of(raw.number());
        match left(reading, records, raw) {
            Some(Left::Out(rule)) => {
                self.leave_out(reading, records, &mut draft, rule);
                return;
            }
            Some(Left::Orphan(whole)) => {
                let found = format!(
                    "{} without {}",
                    cells::shown(raw.cell(reading.binding.parts.unwrap_or_default())),
                    visible(&whole)
                );
                let expected = "the record itself besides its parts: it holds the usage of all of them";
                draft.fault(reading.binding.parts, Finding::new(Code::OrphanPart, found, expected));
            }
            None => {}
        }
        let when = self.when(reading, records, &mut draft);
        let is_outside = match (when.period, self.settings.period) {
            (Some(period), Some(wanted)) => {
                let from = when.from.unwrap_or(period);
                !wanted.months().any(|wanted| (from..=period).contains(&wanted))
            }
            _ => false,
        };
        let mut read = RowDraft::new(raw, table, row);
        let shares = self.shares(reading, records, &mut read, &when);
        if is_outside {
            reading.in_doubt.clear();
            if let Some(period) = when.period {
                self.outside.add(&draft, period, None);
            }
            self.parsed.fates.filtered(row);
            let resource = self.resource(&mut draft);
            let offering = draft.id(Field::OfferingUuid);
            self.remember(reading, &shares, &resource, offering);
            return;
        }
        if let Some(how) = hidden {
            reading.hidden.add(row, raw.number(), how, std::iter::empty());
            for share in &shares {
                let (label, unit) = reading.label(&share.wanted, share.unit.as_ref());
                reading.hidden_sums.add(&label, &unit, &share.exact);
            }
            if self.settings.hidden_rows != Some(Hidden::Use) {
                reading.in_doubt.clear();
                let resource = self.resource(&mut draft);
                let offering = draft.id(Field::OfferingUuid);
                self.remember(reading, &shares, &resource, offering);
                match self.settings.hidden_rows {
                    Some(_) => self.parsed.fates.filtered(row),
                    None => self.faulty(row, resource, offering, Vec::new()),
                }
                return;
            }
        }
        // A cell that several metrics are read from has its fault once.
        read.faults.dedup_by(|one, other| one.place == other.place && one.found == other.found);
        reading.in_doubt.sort_unstable();
        reading.in_doubt.dedup();
        draft.faults.append(&mut read.faults);
        draft.is_in_doubt |= read.is_in_doubt;
        for column in std::mem::take(&mut reading.in_doubt) {
            let doubts = &mut reading.amounts.entry(column).or_default().doubts;
            doubts.add_amount(row, raw.number(), raw.cell(column));
        }
        self.sort_out(reading, records, &mut draft);
        let mut resource = Arc::unwrap_or_clone(self.resource(&mut draft));
        let mut text = |column: Option<usize>| {
            column.map(|column| raw.cell(column).text).filter(|text| !text.is_empty()).map(|it| self.text(it))
        };
        resource.project = text(reading.binding.project);
        resource.organisation = text(reading.binding.organisation);
        let offering: Option<OfferingId> = draft.id(Field::OfferingUuid);
        if reading.binding.offering.is_some() && resource.offering.is_none() {
            draft.missing(Field::Offering, "the offering of the resource");
        }
        let username = draft.username().map(|username| self.text(username));
        if records.resource.username.is_some() && username.is_none() && draft.is_sound() {
            draft.missing(Field::Username, "the user, because the layout reads shares of users");
        }
        self.remember(reading, &shares, &resource, offering);
        let (Some(period), true) = (when.period, draft.is_sound()) else {
            self.faulty(row, resource, offering, draft.faults);
            return;
        };
        if shares.is_empty() {
            self.nothing_reported(raw, row);
            return;
        }
        if when.crosses {
            reading.booked_whole.0 += 1;
            let first = &mut reading.booked_whole.1;
            *first = if *first == 0 { raw.number() } else { *first };
        }
        reading.rows_summed += 1;
        for share in shares {
            let key = Key {
                resource: resource.clone(),
                offering,
                period,
                username: username.clone(),
                wanted: share.wanted.clone(),
                unit: share.unit.clone(),
                single: (!records.sums).then_some(row),
            };
            let first = reading.groups.add(key, &share, row, raw.number());
            if let Some(first) = first {
                self.parsed.fates.follow(first, row);
            }
            reading.ends(first.unwrap_or(row), when.end, raw.number());
        }
    }

    /// Leaves a row out, with what it counts.
    fn leave_out(
        &mut self,
        reading: &mut RecordsReading,
        records: &Records,
        draft: &mut RowDraft<'_>,
        rule: usize,
    ) {
        self.parsed.fates.filtered(draft.row);
        let when = match &records.period {
            Period::Times { crossing, .. } => times(reading, records, draft, *crossing),
            Period::Given { .. } | Period::Month(_) | Period::Titles => When::default(),
        };
        let shares = self.shares(reading, records, draft, &when);
        // Nobody has to settle how a number is written that is not read.
        reading.in_doubt.clear();
        let labels: Vec<_> =
            shares.iter().map(|share| reading.label(&share.wanted, share.unit.as_ref())).collect();
        let left = &mut reading.left_out[rule];
        if left.rows == 0 {
            left.first = draft.raw.number();
        }
        left.rows += 1;
        for (share, (label, unit)) in shares.iter().zip(labels) {
            left.sums.add(&label, &unit, &share.exact);
        }
        let resource = self.resource(draft);
        let offering = draft.id(Field::OfferingUuid);
        self.remember(reading, &shares, &resource, offering);
    }

    /// What has to hold of a record besides that its cells can be read.
    fn sort_out(&mut self, reading: &mut RecordsReading, records: &Records, draft: &mut RowDraft<'_>) {
        let raw = draft.raw;
        let width = draft.table.headers.len();
        if let Some(column) = (width..raw.width()).find(|&column| !raw.cell(column).is_blank()) {
            let found =
                format!("{} in column {}, beyond the header", cells::shown(raw.cell(column)), column + 1);
            let expected = format!("{width} cells, as the header has");
            draft.fault(Some(column), Finding::new(Code::ExtraCell, found, expected));
        }
        for (rule, column) in records.faulty.iter().zip(&reading.binding.faulty) {
            let Some(column) = *column else { continue };
            if rule.fits(raw.cell(column).text) {
                let finding =
                    Finding::new(Code::FaultyByLayout, cells::shown(raw.cell(column)), rule.because.clone());
                let hint = "take such rows out of the file, or leave them out in a layout of your own";
                draft.fault(Some(column), finding.hint(hint));
            }
        }
        for at in 0..reading.binding.one_value.len() {
            let column = reading.binding.one_value[at];
            let text = raw.cell(column).text;
            let Some((first, number)) = &reading.one_value[at] else {
                reading.one_value[at] = Some((self.text(text), raw.number()));
                continue;
            };
            if first.as_ref() != text {
                let found = format!("{} and {}", visible(first), cells::shown(raw.cell(column)));
                let finding = Finding::new(Code::SeveralSources, found, "records of one source in a file");
                let hint = "put the records of each into a file of its own, and check each file with the \
                            --offering that it belongs to: one name can stand for a resource in each of them";
                let mut finding = finding.hint(hint);
                finding.others.push(draft.table.place(*number, Some(column)));
                draft.fault(Some(column), finding);
            }
        }
        if records.repeats_are_faulty {
            let digest = identity(reading, raw);
            let first = *reading.seen.entry(digest).or_insert(raw.number());
            if first != raw.number() {
                let but =
                    if reading.binding.identity_without.is_empty() { "" } else { ", whatever it costs" };
                let found = format!("the record of row {first} again{but}");
                let expected = "each record once: it would be added up twice";
                let mut finding = Finding::new(Code::RepeatedRecord, found, expected)
                    .hint("take one of them out; files that overlap are a frequent reason");
                finding.others.push(draft.table.place(first, None));
                draft.fault(reading.binding.identity.first().copied(), finding);
            }
        }
    }

    /// Which month a record is of.
    pub(super) fn when(
        &mut self,
        reading: &mut RecordsReading,
        records: &Records,
        draft: &mut RowDraft<'_>,
    ) -> When {
        let given = self.given_period(&reading.titles);
        match &records.period {
            Period::Titles => When { period: given, ..When::default() },
            Period::Given { .. } => {
                reported(reading, draft, given);
                When { period: given, ..When::default() }
            }
            Period::Month(_) => When { period: month_of(reading, draft), ..When::default() },
            Period::Times { crossing, .. } => times(reading, records, draft, *crossing),
        }
    }

    /// Remembers what a row names, for whoever takes silence for zero.
    fn remember(
        &mut self,
        reading: &RecordsReading,
        shares: &[super::groups::Share],
        resource: &ResourceName,
        offering: Option<OfferingId>,
    ) {
        if !self.settings.remembers_names {
            return;
        }
        let metrics = reading.layout.records().map(|records| &records.metrics);
        for share in shares {
            let names: Vec<String> = match &share.wanted {
                Wanted::Component(name) => vec![name.as_ref().to_owned()],
                Wanted::Metric(at) => {
                    let metric = metrics.and_then(|metrics| metrics.get(*at));
                    metric.map(|metric| metric.components.clone()).unwrap_or_default()
                }
            };
            for name in names {
                let component = Some(self.text(&name));
                let (table, resource) = (reading.table, resource.clone().into());
                self.parsed.named.push(Named { table, resource, offering, component });
            }
        }
    }
}

/// The month that the times of a record lie in.
fn times(reading: &RecordsReading, records: &Records, draft: &mut RowDraft<'_>, crossing: Crossing) -> When {
    let zone = records.zone.as_ref();
    let mut moment = |column: Option<usize>| -> Option<Moment> {
        let column = column?;
        let cell = draft.raw.cell(column);
        let no_moment = match Moment::parse(cell.text, zone) {
            Ok(moment) => return Some(moment),
            Err(no_moment) => no_moment,
        };
        let expected = match no_moment {
            NoMoment::Unreadable => "a moment such as 2026-11-01T00:00:00",
            NoMoment::NoZone => {
                "a moment without an offset, because the layout names no time_zone whose months are meant"
            }
        };
        draft.fault(Some(column), Finding::new(Code::InvalidPeriod, cells::shown(cell), expected));
        None
    };
    let begin = moment(reading.binding.begin);
    let end = moment(reading.binding.end);
    let (Some(begin), Some(end)) = (begin, end) else { return When::default() };
    let Some((first, last)) = begin.months_until(end) else {
        let shown = |column: Option<usize>| cells::shown(draft.raw.cell(column.unwrap_or_default()));
        let found = format!("{} to {}", shown(reading.binding.begin), shown(reading.binding.end));
        let finding = Finding::new(Code::InvalidPeriod, found, "an end that is not before its begin");
        draft.fault(reading.binding.end, finding);
        return When::default();
    };
    let seconds = begin.seconds_until(end, zone);
    if let Some(column) = reading.binding.elapsed
        && let Some(fault) = spans::too_long(draft.raw.cell(column), begin, end, zone)
    {
        draft.fault(Some(column), fault);
    }
    let crosses = first != last;
    let period = match crossing {
        Crossing::Begin => Some(first),
        Crossing::Faulty if crosses => {
            let found = format!("a record from {first} to {last}");
            let expected = "a record of one month: how much of it is of which cannot be known";
            let finding = Finding::new(Code::CrossesMonths, found, expected);
            let hint = "let the source cut it at the turn of the month (sacct does with --truncate), or write \
                        crossing = \"end\" into a layout of your own";
            draft.fault(reading.binding.end, finding.hint(hint));
            Some(last)
        }
        Crossing::End | Crossing::Faulty => Some(last),
    };
    let from = (crosses && crossing == Crossing::Faulty).then_some(first);
    When { period, seconds, crosses, from, end: reading.binding.elapsed.map(|_| end) }
}

/// The day of a report lies in the month that it is of, or it is of another month.
fn reported(reading: &mut RecordsReading, draft: &mut RowDraft<'_>, given: Option<BillingPeriod>) {
    let Some(column) = reading.binding.reported else { return };
    let cell = draft.raw.cell(column);
    let month = month_of(reading, draft);
    if let (Some(month), Some(given)) = (month, given)
        && month != given
    {
        let found = format!("{}, reported in {month}", cells::shown(cell));
        let expected = format!(
            "a day in {given}, as --period says: the table names no month, and a figure that \
                                was reported in another one may be of that one"
        );
        let finding = Finding::new(Code::ReportedOutsideMonth, found, expected);
        let hint = "filter the table by its billing period before it is exported, or take the row out";
        draft.fault(Some(column), finding.hint(hint));
    }
}

/// The month that stands in a cell, or that its day lies in.
fn month_of(reading: &mut RecordsReading, draft: &mut RowDraft<'_>) -> Option<BillingPeriod> {
    let column = reading.days.column?;
    let cell = match &reading.binding.reported {
        Some(_) => without_time(draft.raw.cell(column)),
        None => draft.raw.cell(column),
    };
    if cell.is_blank() {
        draft.fault(
            Some(column),
            Finding::new(Code::MissingValue, "a blank cell", "a month, written as YYYY-MM"),
        );
        return None;
    }
    let month = period::period(cell, &reading.days.verdict, draft.raw.counts_from_1904());
    let doubts = &mut reading.days.doubts;
    let month = draft.take_or_doubt(column, month, |row, number| doubts.add_period(row, number, cell));
    month.map(|month| month.period)
}

/// A day without its time: only the day is compared, so no time of day is near the turn of a month.
fn without_time(cell: Cell<'_>) -> Cell<'_> {
    let time = cell.text.find(':').and_then(|colon| cell.text[..colon].rfind([' ', 'T']));
    let text = time.map_or(cell.text, |time| cell.text[..time].trim_end_matches([',', ' ']));
    Cell { text, ..cell }
}

/// The rule by which a row is left out, or its lack of a whole.
fn left(reading: &RecordsReading, records: &Records, raw: &RawRow) -> Option<Left> {
    let by_rule = records
        .leave_out
        .iter()
        .zip(&reading.binding.leave_out)
        .position(|(rule, column)| column.is_some_and(|column| rule.fits(raw.cell(column).text)));
    if let (Some(parts), Some(column)) = (&records.parts, reading.binding.parts)
        && let Some((whole, _)) = raw.cell(column).text.split_once(parts.separator.as_str())
    {
        let is_there = reading.wholes.contains(whole);
        return Some(if is_there {
            Left::Out(records.leave_out.len())
        } else {
            Left::Orphan(whole.to_owned())
        });
    }
    by_rule.map(Left::Out)
}

fn is_header_again(table: &ParsedTable, raw: &RawRow) -> bool {
    let width = table.headers.len().max(raw.width());
    let text = |column: usize| table.headers.get(column).map_or("", |header| header.as_ref());
    (0..width).all(|column| {
        let (own, other) = (text(column), raw.cell(column).text);
        own == other || own.len() == other.len() && fold(own) == fold(other)
    })
}

/// What tells a record from others. Two that share a digest and nothing else are faulty in vain, and
/// never added up in silence.
fn identity(reading: &RecordsReading, raw: &RawRow) -> u64 {
    let mut hasher = DefaultHasher::new();
    if reading.binding.identity.is_empty() {
        let aside = &reading.binding.identity_without;
        let cells = raw.cells().enumerate();
        cells.filter(|(column, cell)| !cell.is_blank() && !aside.contains(column)).for_each(
            |(column, cell)| {
                (column, cell.text).hash(&mut hasher);
            },
        );
    } else {
        reading.binding.identity.iter().for_each(|&column| raw.cell(column).text.hash(&mut hasher));
    }
    hasher.finish()
}
