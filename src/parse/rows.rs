//! Row after row: header, then data, in the long or the wide form. How a table begins and ends is told
//! in `tables`.
//!
//! The law kept here: every data row gets a fate, and a row without one is used. A row at deny is
//! kept with the resource that it names, so that the resource can be left out as a whole.

mod amounts;
mod beside;
mod hidden;
mod kept;
mod merged;
mod money;
mod money_totals;
mod named;
mod notes;
mod outside;
mod records;
mod splits;
mod structure;
mod tables;
mod totals;
mod units_row;

use std::collections::HashSet;
use std::sync::Arc;

use crate::domain::{BillingPeriod, OfferingId, PeriodRange, PlanPeriodId, RoundingRule, visible};
use crate::findings::{Code, Finding, Findings, RowIndex};
use crate::mapping::Field;

use super::column::{Evidence, Verdict};
use super::doubts::Doubts;
use super::draft::RowDraft;
use super::finder::Finder;
use super::header::{self, Doubled, Shape};
use super::kept_rows::KeptRows;
use super::month::DateOrder;
use super::numeral::DecimalSign;
use super::quantity::{AmountMarks, Quantity, holds_number, negative, quantity, signed_quantity};
use super::recogniser::Recogniser;
use super::shown_money::shown_money;
use super::{
    CellKind, Figure, OpenCell, OpenColumn, Parsed, RawRow, ResourceName, Sight, Subject, SubjectMore, cells,
    period, short,
};
use beside::is_word_beside;
use structure::{Keys, Structure};

pub use hidden::Hidden;
pub use notes::HEADING;
pub use totals::UNCHECKED;

use records::RecordsReading;

/// What the user said about the tables.
#[derive(Debug, Clone, Default)]
pub struct ParseSettings {
    /// The months that are wanted; a single one stands in for a missing period column.
    pub period: Option<PeriodRange>,
    /// The row or line of the header; looked for where it is not given.
    pub header_row: Option<u32>,
    /// Headers of columns that are to be ignored without a word.
    pub ignore_columns: Vec<String>,
    /// Whether it is remembered what rows name that they do not report.
    pub remembers_names: bool,
    /// The decimal sign of amounts that are text, where the columns are not to be asked.
    pub decimal: Option<DecimalSign>,
    /// The order of dates that are text, where the column is not to be asked.
    pub dates: Option<DateOrder>,
    /// How amounts of more than two decimal places are rounded; not at all where there is no rule.
    pub rounding: Option<RoundingRule>,
    /// What becomes of rows that are hidden, which are at deny otherwise.
    pub hidden_rows: Option<Hidden>,
    /// What becomes of columns of amounts that are hidden, which are at deny otherwise.
    pub hidden_columns: Option<Hidden>,
    /// The layouts that tables may be of.
    pub layouts: Recogniser,
    /// Whether columns of money are read, and of a row nothing that is only for posting.
    pub reads_money: bool,
    /// Whether an amount below zero is a figure all the same; its finding keeps it from being posted.
    pub takes_negative: bool,
}

/// What to do with a price that stands without an amount.
const PRICED_NOTHING: &str = "write the amount, or 0 where money is asked for without usage; --skip-faulty lists \
                              the row apart from what is compared";

/// Takes raw rows in and leaves [`Parsed`].
pub struct Parser<'a> {
    settings: &'a ParseSettings,
    findings: &'a mut Findings,
    parsed: Parsed,
    texts: HashSet<Arc<str>>,
    state: State,
    outside: outside::Outside,
    /// What the table at hand shows of its rows.
    sight: Sight,
    /// Whether its rows come a second time.
    comes_twice: bool,
    /// The name of the resource that was read last: rows of one resource often follow each other.
    last_name: Arc<ResourceName>,
    /// The same of what few rows say beside.
    last_more: Arc<SubjectMore>,
    /// The components and units that were read last: rows of one follow each other, too.
    last_texts: [Option<Arc<str>>; 2],
}

enum State {
    AwaitingHeader(Finder),
    /// Columns that stand twice are added up all the same.
    Refused(Box<Doubled>),
    Reading(Box<Reading>),
    Records(Box<RecordsReading>),
}

/// The table that is being read.
struct Reading {
    table: usize,
    shape: Shape,
    /// For each column the open column that collects it.
    open: Vec<Option<usize>>,
    /// The columns that nobody reads and that have held no number so far.
    unread: Vec<usize>,
    /// Rows below the header, as far as they came for the first time.
    rows: usize,
    rows_with_content: usize,
    names_extra_cells: bool,
    /// Rows of a text file that end before the header does: the first one, and how many.
    ragged: Option<(u32, usize)>,
    /// Numbers of a text file that may have fallen apart.
    splits: splits::Splits,
    /// The rows, until all of them were seen.
    kept: KeptRows,
    /// Whether they are kept.
    keeps: bool,
    /// The row of the header.
    header: u32,
    counts_from_1904: bool,
    keys: Keys,
    /// Whether a row may be a total.
    is_suspect: bool,
    /// Whether a row above has named its resource.
    has_named: bool,
    /// The unit of all amounts of a long table, which a row below the header names.
    unit_below: Option<Arc<str>>,
    lines: notes::LoneLines,
    structure: Structure,
    periods: Judged<DateOrder, period::DateMarks>,
    amounts: Judged<DecimalSign, AmountMarks>,
    money: money::Money,
    /// What the cells of each open column show.
    of_open: Vec<Evidence<AmountMarks>>,
    days: Days,
}

/// A column whose cells are read as all of them together allow.
struct Judged<T, M> {
    column: Option<usize>,
    evidence: Evidence<M>,
    verdict: Verdict<T>,
    doubts: Doubts,
}

impl<T, M: Default> Judged<T, M> {
    fn new(column: Option<usize>) -> Self {
        Self { column, evidence: Evidence::default(), verdict: Verdict::Open, doubts: Doubts::default() }
    }
}

/// Days that were read as their month.
#[derive(Default)]
struct Days {
    cells: usize,
    /// The row and the text of the first one.
    first: Option<(u32, String)>,
}

impl<'a> Parser<'a> {
    /// Starts without any row.
    pub fn new(settings: &'a ParseSettings, findings: &'a mut Findings) -> Self {
        let (rounding, takes_negative) = (settings.rounding, settings.takes_negative);
        let parsed = Parsed { rounding, takes_negative, ..Parsed::default() };
        let texts = HashSet::new();
        let state = State::AwaitingHeader(Finder::with(settings.header_row, settings.layouts.clone()));
        Self {
            settings,
            findings,
            parsed,
            texts,
            state,
            outside: outside::Outside::default(),
            sight: Sight::default(),
            comes_twice: false,
            last_name: Arc::default(),
            last_more: Arc::default(),
            last_texts: [None, None],
        }
    }

    /// Says that the rows of the next table come twice, through [`Parser::row`] and then through
    /// [`Parser::row_again`], so that none has to be kept.
    pub fn expect_twice(&mut self) {
        self.comes_twice = true;
    }

    /// Says what the table at hand shows of its rows, before it ends.
    pub fn sight(&mut self, sight: Sight) {
        self.sight = sight;
    }

    /// Takes the next row of a table. Rows below its header are kept until it ends, or come again, because
    /// what a cell means can hang on a later one.
    pub fn row(&mut self, raw: &RawRow) {
        match &mut self.state {
            State::AwaitingHeader(finder) => {
                if let Some(found) = finder.take(raw) {
                    self.begin(&found);
                }
            }
            State::Refused(_) => self.unread(raw),
            State::Records(reading) => reading.keep(raw),
            State::Reading(reading) => {
                reading.rows = reading.rows.saturating_add(1);
                reading.note_width(raw, &self.parsed.tables[reading.table]);
                reading.note_splits(raw, &self.parsed.tables[reading.table]);
                reading.keep(raw, self.settings);
            }
        }
    }

    /// Hands out what was parsed.
    pub fn finish(self) -> Parsed {
        if let Some(finding) = self.outside.finding(self.settings.period) {
            self.findings.push(finding);
        }
        self.parsed
    }

    /// The same text as the last one of its kind, or as any before.
    fn text_like_last(&mut self, kind: usize, text: &str) -> Arc<str> {
        if let Some(last) = self.last_texts[kind].as_ref().filter(|last| last.as_ref() == text) {
            return last.clone();
        }
        let text = self.text(text);
        self.last_texts[kind] = Some(text.clone());
        text
    }

    fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let text: Arc<str> = text.into();
        self.texts.insert(text.clone());
        text
    }

    fn single_period(&self) -> Option<BillingPeriod> {
        self.settings.period.and_then(PeriodRange::as_single)
    }

    fn header(&mut self, raw: &RawRow) {
        // A column that may hold the months of the rows is not passed over for a month that was named.
        let may_hold_months = |header: &str| {
            Field::meant_by(header) == Some(Field::BillingPeriod)
                && !header::is_ignored(&self.settings.ignore_columns, header)
        };
        let holds_months = raw.cells().any(|cell| may_hold_months(cell.text));
        let period_given = self.single_period().is_some() && !holds_months;
        let asked_for = self.settings.layouts.asked_for().and_then(|layout| Shape::of(layout));
        let mut doubled = Doubled::default();
        let wanted = (asked_for, self.settings.reads_money);
        let ignored = &self.settings.ignore_columns;
        let bound = header::bind(raw, period_given, wanted, ignored, self.findings, &mut doubled);
        let Some((table, shape)) = bound else {
            self.state = State::Refused(Box::new(doubled));
            return;
        };
        let index = self.parsed.tables.len();
        let mut open = vec![None; table.headers.len()];
        let mut unread = Vec::new();
        for (column, header) in table.headers.iter().enumerate() {
            let money = Field::money_of_header(header);
            if Field::MONEY.into_iter().any(|money| table.column(money) == Some(column)) {
                continue;
            }
            if Field::of_header(header).is_some() || Field::is_left_alone(header) {
                continue;
            }
            if header::is_ignored(&self.settings.ignore_columns, header) {
                unread.push(column);
                self.parsed.columns_ignored.insert((index, column));
                continue;
            }
            if shape == Shape::Long || money.is_some() {
                unread.push(column);
                self.parsed.columns_unread.extend((!header.is_empty()).then_some((index, column)));
            }
            match shape {
                Shape::Wide if money.is_none() => {
                    open[column] = Some(self.parsed.open_columns.len());
                    self.parsed.open_columns.push(OpenColumn {
                        table: index,
                        column,
                        header: header.clone(),
                        verdict: Verdict::Open,
                        cells: Vec::new(),
                    });
                }
                Shape::Long | Shape::Wide if header.is_empty() => {}
                Shape::Long | Shape::Wide => self.findings.push(header::unknown_column(raw, column, header)),
            }
        }
        let column = |field| table.column(field);
        self.state = State::Reading(Box::new(Reading {
            table: index,
            shape,
            of_open: vec![Evidence::default(); open.iter().flatten().count()],
            open,
            unread,
            rows: 0,
            rows_with_content: 0,
            names_extra_cells: false,
            ragged: None,
            splits: splits::Splits::default(),
            kept: KeptRows::default(),
            keeps: !self.comes_twice,
            header: raw.number(),
            counts_from_1904: raw.counts_from_1904(),
            keys: Keys::new(&table),
            is_suspect: false,
            has_named: false,
            unit_below: None,
            lines: notes::LoneLines::default(),
            structure: Structure::default(),
            periods: Judged::new(column(Field::BillingPeriod)),
            amounts: Judged::new(column(Field::Amount)),
            money: money::Money::of(&table),
            days: Days::default(),
        }));
        self.parsed.tables.push(Arc::new(table));
    }

    fn data(&mut self, raw: &RawRow) {
        let State::Reading(reading) = &mut self.state else { return };
        let row = self.parsed.fates.read();
        self.parsed.addresses.push((short(reading.table), raw.number()));
        if raw.is_blank() {
            self.parsed.fates.blank(row);
            return;
        }
        reading.rows_with_content += 1;
        if reading.rows_with_content == 1 && self.units_row(raw, row) || self.set_aside(raw, row) {
            return;
        }
        let State::Reading(reading) = &mut self.state else { return };
        let lone = reading.lone(raw);
        let (table, shape) = (reading.table, reading.shape);
        let parsed_table = self.parsed.tables[table].clone();
        reading.unread.retain(|&column| {
            let holds_number = holds_number(raw.cell(column));
            // What is shown otherwise than it is stored is an error.
            if raw.cell(column).kind == CellKind::Error && shown_money(raw.cell(column).text).is_some() {
                self.parsed.money_unread.insert((table, column));
            }
            if holds_number {
                self.parsed.numbers_unread.push((table, raw.number(), column));
            }
            !holds_number
        });
        let mut draft = RowDraft::new(raw, &parsed_table, row);

        let period = self.period(&mut draft);
        if let (Some(period), Some(wanted)) = (period, self.settings.period)
            && !wanted.contains(period)
        {
            let reading =
                if let State::Reading(reading) = &self.state { Some(reading.as_ref()) } else { None };
            self.outside.add(&draft, period, reading);
            self.parsed.fates.filtered(row);
            let resource = self.resource(&mut draft);
            let offering: Option<OfferingId> = draft.id(Field::OfferingUuid);
            self.named(&draft, resource, offering);
            return;
        }
        let resource = self.resource(&mut draft);
        let offering: Option<OfferingId> = draft.id(Field::OfferingUuid);
        self.named(&draft, resource.clone(), offering);
        let is_compared = self.settings.reads_money;
        let description = if is_compared { None } else { draft.description() };
        let (carry_over, names_policy) = if is_compared { (None, false) } else { draft.carry_over() };
        let money = self.money(&mut draft);
        let plan_period: Option<PlanPeriodId> = draft.id(Field::PlanPeriod);
        let username = draft.username();
        self.extra_cells(&mut draft, shape);
        self.structural_faults(&mut draft);
        let figure = match shape {
            Shape::Long => self.figure(&mut draft),
            Shape::Wide => None,
        };
        let asks_for_money =
            money.as_ref().is_some_and(|money| money.price.is_some_and(|own| !own.is_zero()));
        if shape == Shape::Long && asks_for_money && draft.filled(Field::Amount).is_none() {
            draft.missing_with_hint(Field::Amount, "the amount that the price is for", Some(PRICED_NOTHING));
        }
        for fault in std::mem::take(&mut draft.beside) {
            self.findings.push(fault);
        }
        let (Some(period), true) = (period, draft.is_sound()) else {
            if let Some(column) = lone {
                self.lone_line(draft, column, resource, offering);
                return;
            }
            if is_compared {
                let component = draft.filled(Field::ComponentType).map(|(_, cell)| cell.text.into());
                self.parsed.faulty_keys.insert(row, (period, component));
            }
            self.faulty(row, resource, offering, draft.faults);
            return;
        };
        if shape == Shape::Long && figure.is_none() {
            self.nothing_reported(raw, row);
            return;
        }
        if let Some(column) = lone {
            self.lone_subject(raw, &parsed_table, column, row);
        }
        let subject = self.parsed.subjects.len();
        self.words_beside(&draft, shape, subject);
        let description = description.map(|description| self.text(description));
        let username = username.map(|username| self.text(username));
        let more =
            SubjectMore { offering, plan_period, description, carry_over, names_policy, username, money };
        let (number, more) = (raw.number(), self.more(more));
        self.parsed.subjects.push(Subject { table: short(table), number, row, resource, period, more });
        if let Some(figure) = figure {
            self.parsed.figures.push(Figure { subject: short(subject), ..figure });
        }
        if shape == Shape::Wide {
            self.open_cells(raw, subject);
        }
    }

    fn period(&mut self, draft: &mut RowDraft<'_>) -> Option<BillingPeriod> {
        let stand_in = self.single_period();
        let Some((column, cell)) = draft.cell(Field::BillingPeriod) else { return stand_in };
        if cell.is_blank() {
            draft.missing(Field::BillingPeriod, "a month, written as YYYY-MM");
            return None;
        }
        let State::Reading(reading) = &mut self.state else { return None };
        let Reading { periods, days, .. } = reading.as_mut();
        let month = period::period(cell, &periods.verdict, draft.raw.counts_from_1904());
        let doubts = &mut periods.doubts;
        let month = draft.take_or_doubt(column, month, |row, number| doubts.add_period(row, number, cell))?;
        if month.is_of_a_day() {
            days.cells += 1;
            days.first.get_or_insert_with(|| (draft.raw.number(), cells::shown(cell)));
        }
        Some(month.period)
    }

    /// The figure of a long row, still without its subject; `None` where the amount is blank or faulty.
    fn figure(&mut self, draft: &mut RowDraft<'_>) -> Option<Figure> {
        let component = draft.filled(Field::ComponentType).map(|(_, cell)| self.text_like_last(0, cell.text));
        if component.is_none() {
            draft.missing(Field::ComponentType, "the component that was used");
        }
        let unit =
            draft.filled(Field::Unit).map(|(column, cell)| (column, self.text_like_last(1, cell.text)));
        let (column, cell) = draft.filled(Field::Amount)?;
        let State::Reading(reading) = &mut self.state else { return None };
        let below = reading.unit_below.clone().map(|unit| (column, unit));
        let amounts = &mut reading.amounts;
        let rounding = self.settings.rounding;
        let read = if self.settings.takes_negative {
            signed_quantity(cell, &amounts.verdict, rounding)
        } else {
            quantity(cell, &amounts.verdict, rounding)
        };
        let doubts = &mut amounts.doubts;
        let read = draft.take_or_doubt(column, read, |row, number| doubts.add_amount(row, number, cell))?;
        let Quantity { amount, unrounded, unit: beside, is_negative } = read;
        if is_negative {
            draft.fault_beside(column, negative(cell));
        }
        let beside = beside.map(|unit| (column, self.text(&unit)));
        if let (Some((_, unit)), Some((_, beside))) = (&unit, &beside)
            && unit != beside
        {
            let expected = format!("{}, as the column unit says", visible(unit));
            draft.fault(Some(column), Finding::new(Code::UnitMismatch, cells::shown(cell), expected));
            return None;
        }
        let (unit_column, unit) = unit.or(beside).or(below).unzip();
        let unit_column = unit_column.unwrap_or(column);
        Some(Figure {
            subject: u32::MAX,
            column: short(column),
            unit_column: short(unit_column),
            component: component?,
            unit,
            amount,
            unrounded,
            is_negative,
        })
    }

    fn faulty(
        &mut self,
        row: RowIndex,
        resource: impl Into<Arc<ResourceName>>,
        offering: Option<OfferingId>,
        faults: Vec<Finding>,
    ) {
        self.parsed.fates.faulty(row);
        self.parsed.faulty.push((row, resource.into(), offering));
        for fault in faults {
            self.findings.push(fault);
        }
    }

    fn nothing_reported(&mut self, raw: &RawRow, row: RowIndex) {
        self.parsed.fates.blank(row);
        let finding =
            Finding::new(Code::BlankAmount, "a blank amount", "an amount; 0 reports a usage of zero");
        self.findings.push(finding.at(raw.whole()));
    }

    /// Cells beyond the header: in a text file a sign of an unquoted decimal comma, so at deny.
    fn extra_cells(&mut self, draft: &mut RowDraft<'_>, shape: Shape) {
        let raw = draft.raw;
        let width = draft.table.headers.len();
        if let State::Reading(reading) = &self.state
            && let Some(others) = reading.splits.longer(raw.number())
        {
            let found = format!("a blank cell in column {}, beyond the header, {others}", width + 1);
            let finding = Finding::new(Code::ExtraCell, found, format!("{width} cells, as the header has"));
            let hint = "a decimal comma in a comma-separated file has to be quoted, and a blank cell too many \
                        moves the figures; if neither is in this row, take the delimiter at its end out, or \
                        end the header with one too";
            draft.fault(Some(width), finding.hint(hint));
            return;
        }
        let is_unread = |column: &usize| {
            draft.table.headers[*column].is_empty()
                && !raw.cell(*column).is_blank()
                && !is_word_beside(draft.table, raw, *column)
        };
        let unnamed = (0..width).find(is_unread);
        let is_text_file = raw.table().sheet.is_none();
        let is_beyond = |column: &usize| {
            !raw.cell(*column).is_blank() && (is_text_file || !is_word_beside(draft.table, raw, *column))
        };
        let beyond = (width..raw.width()).find(is_beyond);
        let Some(column) = beyond.or(unnamed.filter(|_| shape == Shape::Long)) else { return };
        let cell = raw.cell(column);
        if is_text_file && beyond.is_some() || shape == Shape::Wide && holds_number(cell) {
            let found = format!("{} in column {}, beyond the header", cells::shown(cell), column + 1);
            let finding = Finding::new(Code::ExtraCell, found, format!("{width} cells, as the header has"));
            draft.fault(
                Some(column),
                finding.hint("a decimal comma in a comma-separated file has to be quoted"),
            );
        } else if let State::Reading(reading) = &mut self.state
            && !std::mem::replace(&mut reading.names_extra_cells, true)
        {
            let finding =
                Finding::new(Code::UnknownColumn, "a column without a header", "a header, or nothing");
            self.findings.push(finding.at(raw.place(column)));
        }
    }

    fn open_cells(&mut self, raw: &RawRow, subject: usize) {
        let State::Reading(reading) = &self.state else { return };
        let open = reading.open.iter().enumerate().filter_map(|(column, open)| Some((column, (*open)?)));
        for (column, open) in open.collect::<Vec<_>>() {
            let cell = raw.cell(column);
            if !cell.is_blank() {
                // A workbook can name one long text in every cell.
                let text = if cell.text.len() > 32 { self.text(cell.text) } else { cell.text.into() };
                self.parsed.open_columns[open].cells.push(OpenCell { subject, text, kind: cell.kind });
            }
        }
    }
}

#[cfg(test)]
mod tests;
