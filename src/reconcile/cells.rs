//! The months of one resource and component, each with what both sides have of it.
//!
//! Months beyond those that are compared stand among them, to tell what was booked into the month
//! before or after.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::domain::{Amount, BillingPeriod, CarryOver, PeriodRange};

use super::rows::{FileRow, ServerRow};
use super::totals::add;

/// A month.
#[derive(Debug)]
pub struct Cell {
    pub period: BillingPeriod,
    /// Whether it is one that is compared.
    pub is_compared: bool,
    /// Its rows.
    pub file: Range<usize>,
    pub server: Range<usize>,
    /// What they come to; `None` where there is none.
    pub in_file: Option<Amount>,
    pub on_server: Option<Amount>,
    /// Whether the server has last month's amount again, for want of a report.
    pub is_carried: bool,
    /// Whether it has a zero for want of a report.
    pub is_filled: bool,
    /// Where the amount of the file stands on the server, and that of the server in the file, when it
    /// is another month.
    pub file_is_at: Option<BillingPeriod>,
    pub server_is_at: Option<BillingPeriod>,
}

/// The rows of a resource and a component.
#[derive(Debug)]
pub struct Group<'g> {
    pub subject: u32,
    pub component: u32,
    pub file: &'g [FileRow],
    pub server: &'g [ServerRow],
}

/// The months that are compared, and those of which the file says something.
#[derive(Debug)]
pub struct Calendar {
    pub periods: PeriodRange,
    pub in_file: BTreeSet<BillingPeriod>,
}

impl Calendar {
    /// Whether it is known what the file has of a month: a file without any row of it may be cut there.
    fn is_known_in_file(&self, period: BillingPeriod) -> bool {
        self.periods.contains(period) || self.in_file.contains(&period)
    }
}

impl Group<'_> {
    /// The months of the rows and of some further ones, in order.
    pub fn cells(&self, billed: &[BillingPeriod], calendar: &Calendar, cells: &mut Vec<Cell>) {
        cells.clear();
        let (mut file, mut server, mut line) = (0, 0, 0);
        loop {
            let in_file = self.file.get(file).map(|row| row.key.period);
            let on_server = self.server.get(server).map(|row| row.key.period);
            let next = [in_file, on_server, billed.get(line).copied()].into_iter().flatten().min();
            let Some(period) = next else { break };
            let rows = self.file[file..].iter().take_while(|row| row.key.period == period).count();
            let stored = self.server[server..].iter().take_while(|row| row.key.period == period).count();
            let lines = billed[line..].iter().take_while(|own| **own == period).count();
            let of_file = file..file.saturating_add(rows);
            let of_server = server..server.saturating_add(stored);
            (file, server, line) = (of_file.end, of_server.end, line.saturating_add(lines));
            let in_file = total(self.file[of_file.clone()].iter().map(|row| row.amount));
            let on_server = total(self.server[of_server.clone()].iter().map(|row| row.amount));
            let (is_carried, is_filled) = match (&self.server[of_server.clone()], cells.last()) {
                ([own], Some(before)) if before.period.next() == period => {
                    self.is_carried(own.carry_over, own.amount, own.is_reported, before)
                }
                _ => (false, false),
            };
            cells.push(Cell {
                period,
                is_compared: calendar.periods.contains(period),
                file: of_file,
                server: of_server,
                in_file,
                on_server,
                is_carried,
                is_filled,
                file_is_at: None,
                server_is_at: None,
            });
        }
        if cells.len() > 1 {
            find_other_months(cells, calendar);
        }
    }

    /// Whether a row repeats the month before, or fills a gap with zero, and nobody is told to have
    /// reported it.
    fn is_carried(&self, own: CarryOver, amount: Amount, is_reported: bool, before: &Cell) -> (bool, bool) {
        let rows = &self.server[before.server.clone()];
        let has = |policy: CarryOver| own == policy || rows.iter().any(|row| row.carry_over == policy);
        let is_same = before.on_server == Some(amount) && !amount.is_zero();
        let is_carried = !is_reported && is_same && has(CarryOver::Reuse);
        let is_filled =
            !is_reported && amount.is_zero() && rows.iter().any(|row| row.carry_over == CarryOver::Zero);
        (is_carried, is_filled)
    }
}

fn total(amounts: impl Iterator<Item = Amount>) -> Option<Amount> {
    amounts.fold(None, |sum, amount| {
        let mut sum = sum.unwrap_or(Amount::ZERO);
        add(&mut sum, amount);
        Some(sum)
    })
}

/// Pairs what one side has in a month with what the other has in the month before or after, where both
/// lack it in their own; nothing is paired twice.
fn find_other_months(cells: &mut [Cell], calendar: &Calendar) {
    let mut taken = vec![false; cells.len()];
    for place in 0..cells.len() {
        let Some(amount) = cells[place].in_file.filter(|amount| !amount.is_zero()) else { continue };
        if cells[place].on_server == Some(amount) {
            continue;
        }
        let neighbours = [place.checked_sub(1), place.checked_add(1)];
        let found = neighbours.into_iter().flatten().find(|other| {
            let is_free = taken.get(*other) == Some(&false);
            is_free && is_misplaced(cells, place, *other, amount, calendar)
        });
        if let Some(other) = found {
            taken[other] = true;
            cells[place].file_is_at = Some(cells[other].period);
            cells[other].server_is_at = Some(cells[place].period);
        }
    }
}

/// Whether the server's amount of another month can be the file's of this one.
fn is_misplaced(cells: &[Cell], place: usize, other: usize, amount: Amount, calendar: &Calendar) -> bool {
    let (own, there) = (&cells[place], &cells[other]);
    let is_next = own.period.next() == there.period;
    if !is_next && there.period.next() != own.period {
        return false;
    }
    if there.on_server != Some(amount) || there.in_file == Some(amount) || there.is_carried {
        return false;
    }
    if calendar.is_known_in_file(there.period) {
        return true;
    }
    // The file says nothing of that month, whose own amount it may be. What is the same in the months on
    // both sides is so every month, and is missing in this one.
    let neighbours = [place.checked_sub(1), place.checked_add(1)].into_iter().flatten();
    let same = neighbours.filter_map(|near| cells.get(near)).filter(|near| {
        let is_near = near.period.next() == own.period || own.period.next() == near.period;
        is_near && near.on_server == Some(amount)
    });
    same.count() == 1
}
