//! From the sides to the report: rows to keys, keys to lines, lines to totals.
//!
//! Keys are joined by sorting. What comes out does not depend on the order in which rows come in.

use std::thread;

use crate::domain::{Amount, BillingPeriod, PeriodRange};
use crate::resolve::FileLine;

use super::class::{Class, Classes};
use super::names::{Names, Settled};
use super::report::{Line, More, Report};
use super::rows::{FileRow, Key, RowMore, ServerRow, at, take_each};
use super::rules::Rules;
use super::sides::{Compared, FileSide};
use super::totals::{self, AsRead, add};

/// Compares the sides by the rules.
pub fn reconcile(compared: Compared<'_>, rules: &Rules) -> Report {
    let _ = rules;
    let Compared { made, header, catalogue, periods, file, stored, around, invoices: _ } = compared;
    let has_file = header.sides.has_file();
    let mut names = Names::new(catalogue);
    let mut intake = Intake { names: &mut names, read: Vec::new(), periods, before: None };
    intake.before = periods.months().next().and_then(BillingPeriod::previous);
    let was_read = around.iter().any(|row| Some(row.period) == intake.before);
    let mut server_rows = Vec::with_capacity(stored.len().saturating_add(around.len()));
    for list in [stored, around] {
        take_each(list, |row| server_rows.push(intake.server(row)));
    }
    let FileSide { lines, tables, skipped } = file.unwrap_or_default();
    let mut file_rows = Vec::with_capacity(lines.len());
    take_each(lines, |line| file_rows.push(intake.file(line)));
    let given = std::mem::take(&mut intake.read);
    let settled = names.settle();
    let mut read = vec![AsRead::default(); settled.components.len()];
    for (sums, number) in given.into_iter().zip(0..) {
        if let Some(slot) = read.get_mut(at(settled.component(number))) {
            *slot = sums;
        }
    }
    sort(&mut file_rows, &mut server_rows, &settled);
    let lines = lines_of(file_rows, server_rows, periods);
    let Settled { subjects, components, .. } = settled;
    Report {
        made,
        verdict: totals::verdict(&lines, &header, skipped.len()),
        classes: totals::classes(&lines),
        proof: totals::proof(&lines, &components, &read, has_file),
        organisations: totals::organisations(&lines, &subjects),
        invoices: Vec::new(),
        trend: totals::trend(&components, &read, has_file, was_read),
        header,
        lines,
        subjects,
        components,
        tables,
        notes: Vec::new(),
        skipped,
    }
}

/// Takes rows in: gives them numbers and adds their amounts up as they come.
struct Intake<'a, 'c> {
    names: &'a mut Names<'c>,
    read: Vec<AsRead>,
    periods: PeriodRange,
    before: Option<BillingPeriod>,
}

impl Intake<'_, '_> {
    fn sums(&mut self, component: u32) -> &mut AsRead {
        let place = at(component);
        if place >= self.read.len() {
            self.read.resize(place.saturating_add(1), AsRead::default());
        }
        &mut self.read[place]
    }

    fn server(&mut self, row: crate::plan::StoredUsage) -> ServerRow {
        let subject = self.names.resource(row.resource);
        let component = self.names.component(Some(row.resource), &row.component);
        let (is_in, is_before) = (self.periods.contains(row.period), self.before == Some(row.period));
        let sums = self.sums(component);
        if is_in {
            add(&mut sums.server, row.amount);
        } else if is_before {
            add(&mut sums.last_month, row.amount);
        }
        ServerRow {
            key: Key { subject, component, period: row.period },
            id: row.id,
            amount: row.amount,
            carry_over: row.carry_over,
            is_reported: row.modified_by.is_some(),
        }
    }

    fn file(&mut self, line: FileLine) -> FileRow {
        let more = line.more.as_deref();
        let subject = match line.resource {
            Some(id) => self.names.resource(id),
            None => self.names.text(&more.and_then(|more| more.resource.clone()).unwrap_or_default()),
        };
        let component = match &line.component {
            Some(component) if line.resource.is_some() => self.names.component(line.resource, component),
            known => {
                let text = known.as_ref().map(crate::domain::ComponentType::as_str);
                let text = text.or_else(|| more.and_then(|more| more.component.as_deref()));
                let unit = more.and_then(|more| more.unit.as_ref());
                self.names.foreign_component(text.unwrap_or_default(), unit)
            }
        };
        if self.periods.contains(line.period) {
            add(&mut self.sums(component).file, line.amount);
        }
        let has_more = line.more.is_some() || line.plan_period.is_some();
        let more = has_more.then(|| {
            let own = line.more.map(|more| *more).unwrap_or_default();
            Box::new(RowMore { plan_period: line.plan_period, line: own, converted: None })
        });
        FileRow {
            key: Key { subject, component, period: line.period },
            cell: super::report::CellPlace { table: line.table, row: line.number, column: line.column },
            amount: line.amount,
            more,
        }
    }
}

/// Puts the rows of both sides into the order of their settled keys.
fn sort(file: &mut [FileRow], server: &mut [ServerRow], settled: &Settled) {
    let settle = |key: &mut Key| {
        key.subject = settled.subject(key.subject);
        key.component = settled.component(key.component);
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            file.iter_mut().for_each(|row| settle(&mut row.key));
            file.sort_unstable_by_key(|row| (row.key, row.cell));
        });
        server.iter_mut().for_each(|row| settle(&mut row.key));
        server.sort_unstable_by_key(|row| (row.key, row.id));
    });
}

/// The lines, from the last key to the first, and then the other way round.
fn lines_of(mut file: Vec<FileRow>, mut server: Vec<ServerRow>, periods: PeriodRange) -> Vec<Line> {
    file.retain(|row| periods.contains(row.key.period));
    server.retain(|row| periods.contains(row.key.period));
    let mut lines = Vec::new();
    while let Some(key) = file.last().map(|row| row.key).max(server.last().map(|row| row.key)) {
        let (mut of_file, mut stored) = (Vec::new(), Vec::new());
        while let Some(row) = file.pop_if(|row| row.key == key) {
            of_file.push(row);
        }
        while let Some(row) = server.pop_if(|row| row.key == key) {
            stored.push(row);
        }
        let total =
            |amounts: Vec<Amount>| (!amounts.is_empty()).then(|| Amount::total(amounts).unwrap_or_default());
        let in_file = total(of_file.iter().map(|row| row.amount).collect());
        let on_server = total(stored.iter().map(|row| row.amount).collect());
        let class = match (in_file, on_server) {
            (one, other) if one.unwrap_or_default() == other.unwrap_or_default() => Class::Match,
            (Some(_), None) => Class::MissingOnServer,
            (None, _) => Class::MissingInFile,
            _ => Class::Amount,
        };
        of_file.reverse();
        stored.reverse();
        let cells: Vec<_> = of_file.iter().skip(1).map(|row| row.cell).collect();
        let usages: Vec<_> = stored.iter().skip(1).map(|row| row.id).collect();
        let has_more = !cells.is_empty() || !usages.is_empty();
        lines.push(Line {
            class,
            also: Classes::default(),
            period: key.period,
            subject: key.subject,
            component: key.component,
            file: in_file,
            server: on_server,
            cell: of_file.first().map(|row| row.cell),
            usage: stored.first().map(|row| row.id),
            more: has_more.then(|| Box::new(More { cells, usages, ..More::default() })),
        });
    }
    lines.reverse();
    lines.sort_by_key(|line| (!line.class.is_break(), line.class));
    lines
}
