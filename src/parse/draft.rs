//! A row while its cells are parsed.
//!
//! All cells are parsed before the row is judged, so that each of its faults is told.

use crate::domain::{CarryOver, ResourceId};
use crate::findings::{Code, Finding, RowIndex};
use crate::mapping::Field;

use super::quantity::Unread;
use super::{Cell, ParsedTable, RawRow, cells};

/// A row while its cells are parsed: nothing is judged before all of them are.
pub(super) struct RowDraft<'a> {
    pub raw: &'a RawRow,
    pub table: &'a ParsedTable,
    pub row: RowIndex,
    pub faults: Vec<Finding>,
    /// Faults that keep the row from being posted, and not from being compared.
    pub beside: Vec<Finding>,
    /// Whether a cell is in doubt, which the finding of its column says.
    pub is_in_doubt: bool,
}

impl<'a> RowDraft<'a> {
    pub fn new(raw: &'a RawRow, table: &'a ParsedTable, row: RowIndex) -> Self {
        Self { raw, table, row, faults: Vec::new(), beside: Vec::new(), is_in_doubt: false }
    }

    pub fn cell(&self, field: Field) -> Option<(usize, Cell<'a>)> {
        let column = self.table.column(field)?;
        Some((column, self.raw.cell(column)))
    }

    /// The cell of a field, where there is something in it.
    pub fn filled(&self, field: Field) -> Option<(usize, Cell<'a>)> {
        self.cell(field).filter(|(_, cell)| !cell.is_blank())
    }

    pub fn fault(&mut self, column: Option<usize>, finding: Finding) {
        let place = self.table.place(self.raw.number(), column);
        self.faults.push(finding.at(place).row(self.row));
    }

    /// Says what is wrong with a row that goes on all the same.
    pub fn fault_beside(&mut self, column: usize, finding: Finding) {
        let place = self.table.place(self.raw.number(), Some(column));
        self.beside.push(finding.at(place).row(self.row));
    }

    /// Keeps a value, or its fault.
    pub fn take<T>(&mut self, column: usize, parsed: Result<T, Finding>) -> Option<T> {
        parsed.map_err(|finding| self.fault(Some(column), finding)).ok()
    }

    pub fn id<T: std::str::FromStr>(&mut self, field: Field) -> Option<T> {
        let (column, cell) = self.filled(field)?;
        self.take(column, cells::id(cell, field.name()))
    }

    /// The uuid of the resource; what is none is told, and the row goes on without it.
    pub fn uuid_or_fault_beside(&mut self) -> Option<ResourceId> {
        let (column, cell) = self.filled(Field::ResourceUuid)?;
        let read = cells::id(cell, Field::ResourceUuid.name());
        read.map_err(|finding| self.fault_beside(column, finding)).ok()
    }

    pub fn missing(&mut self, field: Field, expected: &'static str) {
        self.missing_with_hint(field, expected, None);
    }

    pub fn missing_with_hint(&mut self, field: Field, expected: &'static str, hint: Option<&'static str>) {
        let column = self.table.column(field);
        let finding = Finding::new(Code::MissingValue, "a blank cell", expected);
        self.fault(
            column,
            match hint {
                Some(hint) => finding.hint(hint),
                None => finding,
            },
        );
    }

    /// Keeps a value or its fault, or hands a cell in doubt to those of its column.
    pub fn take_or_doubt<T>(
        &mut self,
        column: usize,
        parsed: Result<T, Unread>,
        doubts: impl FnOnce(RowIndex, u32),
    ) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(Unread::Fault(finding)) => {
                self.fault(Some(column), *finding);
                None
            }
            Err(Unread::Doubt) => {
                doubts(self.row, self.raw.number());
                self.is_in_doubt = true;
                None
            }
        }
    }

    /// Whether every cell that was parsed is sound.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty() && !self.is_in_doubt
    }

    pub fn description(&mut self) -> Option<&'a str> {
        let (column, cell) = self.filled(Field::Description)?;
        self.take(column, cells::description(cell))
    }

    pub fn carry_over(&mut self) -> (Option<CarryOver>, bool) {
        let recurring = self
            .filled(Field::Recurring)
            .and_then(|(column, cell)| self.take(column, cells::truth(cell)).map(CarryOver::from_recurring));
        let Some((column, cell)) = self.filled(Field::MissingUsagePolicy) else { return (recurring, false) };
        let parsed = cell
            .text
            .parse::<CarryOver>()
            .map_err(|()| Finding::new(Code::InvalidCarryOver, cells::shown(cell), "none, reuse or zero"));
        let policy = self.take(column, parsed);
        if let (Some(recurring), Some(policy)) = (recurring, policy)
            && (recurring == CarryOver::Reuse) != (policy == CarryOver::Reuse)
        {
            let found = format!("recurring says {recurring}, missing_usage_policy says {policy}");
            let finding = Finding::new(Code::InvalidCarryOver, found, "one of the two, or both alike");
            self.fault(Some(column), finding);
        }
        (policy.or(recurring), true)
    }

    /// Whom the row speaks of, where it speaks of one person: such a row is never posted as, or added
    /// to, the whole.
    pub fn username(&mut self) -> Option<&'a str> {
        let (column, cell) = self.filled(Field::Username)?;
        self.take(column, cells::username(cell))
    }
}
