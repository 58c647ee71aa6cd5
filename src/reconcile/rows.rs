//! The rows of the sides, as small as they can be while keys are joined.
//!
//! There can be millions of them. What is kept of a row is its key in numbers, its amount and where it
//! is from; the lists that it came in are given back to the system while they are read.

use crate::domain::{Amount, BillingPeriod, CarryOver, UsageId};
use crate::resolve::FileLineMore;

use super::report::CellPlace;

/// What a row speaks of: numbers of a subject and a component, and the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub subject: u32,
    pub component: u32,
    pub period: BillingPeriod,
}

/// A row of a file.
#[derive(Debug)]
pub struct FileRow {
    pub key: Key,
    pub cell: CellPlace,
    pub amount: Amount,
    pub more: Option<Box<RowMore>>,
}

/// What few rows of a file have.
#[derive(Debug, Default)]
pub struct RowMore {
    pub line: FileLineMore,
    /// The rule that took its amount into the unit of the component.
    pub converted: Option<u32>,
}

/// A stored row.
#[derive(Debug)]
pub struct ServerRow {
    pub key: Key,
    pub id: UsageId,
    pub amount: Amount,
    pub carry_over: CarryOver,
    /// Whether it is told that somebody reported it.
    pub is_reported: bool,
}

/// How many rows are read before the memory of what was read is given back.
const AT_ONCE: usize = 1 << 16;

/// Reads a list from its end to its beginning, and gives its memory back meanwhile.
pub fn take_each<T>(mut list: Vec<T>, mut take: impl FnMut(T)) {
    while let Some(row) = list.pop() {
        take(row);
        if list.len().is_multiple_of(AT_ONCE) {
            list.shrink_to_fit();
        }
    }
}

/// The position in a list as a number, and back.
pub fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// See [`number`].
pub fn at(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
