//! What is stored now of the lines of a plan: each line with its own row, whoever else wrote beside it.
//!
//! The list of usages tells no plan period, so a row is known by its id. A row that was not there when
//! the plan was made belongs to the line that creates one.

use std::collections::HashMap;

use crate::domain::{ComponentType, ResourceId, UsageId};

use super::change::{Change, Figures};
use super::document::{Kept, Line, ResourcePlan};
use super::stored::StoredUsage;

/// Stored rows, by what they are of.
pub type StoredRows<'a> = HashMap<(ResourceId, ComponentType), Vec<&'a StoredUsage>>;

/// Stored rows by resource and component.
pub fn by_key(stored: &[StoredUsage]) -> StoredRows<'_> {
    let mut rows = StoredRows::new();
    for usage in stored {
        rows.entry((usage.resource, usage.component.clone())).or_default().push(usage);
    }
    rows
}

/// What is stored of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Now {
    /// No row.
    Nothing,
    /// One row.
    Row(UsageId, Figures),
    /// Rows that nobody planned with, besides or instead of the own one.
    Strange(UsageId, Figures),
}

impl Now {
    /// The figures, where there is a row.
    pub fn figures(&self) -> Option<&Figures> {
        match self {
            Self::Nothing => None,
            Self::Row(_, figures) | Self::Strange(_, figures) => Some(figures),
        }
    }

    /// The row, where there is one.
    pub fn row(&self) -> Option<UsageId> {
        match self {
            Self::Nothing => None,
            Self::Row(id, _) | Self::Strange(id, _) => Some(*id),
        }
    }

    /// Whether just this is stored.
    pub fn is(&self, figures: Option<&Figures>) -> bool {
        match (self, figures) {
            (Self::Nothing, None) => true,
            (Self::Row(_, stored), Some(figures)) => stored == figures,
            (Self::Nothing | Self::Row(..) | Self::Strange(..), _) => false,
        }
    }
}

/// How a stored line compares with its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// As it was when the plan was made.
    AsBefore,
    /// As the plan wants it.
    AsPlanned,
    /// Something else.
    Otherwise,
}

impl ResourcePlan {
    /// What is stored of one of its lines.
    pub fn now(&self, line: &Line, stored: &StoredRows<'_>) -> Now {
        let rows = stored.get(&(self.resource, line.component.clone())).map_or(&[][..], Vec::as_slice);
        let siblings: Vec<&Line> =
            self.lines.iter().filter(|other| other.component == line.component).collect();
        let is_claimed = |id: UsageId| siblings.iter().any(|other| other.row == Some(id));
        let strangers: Vec<&&StoredUsage> = rows.iter().filter(|row| !is_claimed(row.id)).collect();
        let row = |row: &StoredUsage| Now::Row(row.id, Figures::from(row));
        let strange = |row: &StoredUsage| Now::Strange(row.id, Figures::from(row));
        if let Some(own) = line.row.and_then(|id| rows.iter().find(|row| row.id == id)) {
            // A row beside the own one belongs to a line that creates one, or to nobody.
            let has_creator = siblings.iter().any(|other| other.row.is_none());
            return match strangers.first() {
                Some(_) if !has_creator && line.change.wanted().is_some() => strange(own),
                _ => row(own),
            };
        }
        let creators: Vec<&&Line> = siblings.iter().filter(|other| other.row.is_none()).collect();
        match (line.row, strangers.as_slice()) {
            (_, []) => Now::Nothing,
            (None, many) if creators.len() > 1 => {
                // Nothing but the figures tells which row is whose: the first of equal lines has the
                // first of equal rows, and a row that no line wants is a stranger to all of them.
                let wants = |it: &Line, row: &StoredUsage| {
                    it.change.wanted().map(super::Wanted::figures) == Some(Figures::from(row))
                };
                let mut free: Vec<&&&StoredUsage> = many.iter().collect();
                let mut own = None;
                for creator in &creators {
                    let at = free.iter().position(|one| wants(creator, one));
                    let taken = at.map(|at| free.remove(at));
                    if std::ptr::eq(**creator, line) {
                        own = taken;
                    }
                }
                match (own, free.first()) {
                    (Some(one), _) => row(one),
                    (None, Some(one)) => strange(one),
                    (None, None) => Now::Nothing,
                }
            }
            // Where an own row went and another one came, a server has made one row of several.
            (Some(_) | None, [one]) => row(one),
            (_, [one, ..]) => strange(one),
        }
    }

    /// How one of its changed lines stands.
    pub fn standing(&self, line: &Line, stored: &StoredRows<'_>) -> Standing {
        let now = self.now(line, stored);
        let new = line.change.wanted().map(super::Wanted::figures);
        if new.is_some() && now.is(new.as_ref()) {
            Standing::AsPlanned
        } else if now.is(line.change.old()) {
            Standing::AsBefore
        } else {
            Standing::Otherwise
        }
    }

    /// What is stored of a row that rides along.
    pub fn now_of_kept(&self, kept: &Kept, stored: &StoredRows<'_>) -> Now {
        let rows = stored.get(&(self.resource, kept.component.clone())).map_or(&[][..], Vec::as_slice);
        let own = rows.iter().find(|row| row.id == kept.row);
        own.map_or(Now::Nothing, |row| Now::Row(row.id, Figures::from(*row)))
    }

    /// The lines that a post of this resource depends on: those that it changes, and what is stored of
    /// the same components, from which the amount to send may follow, or which is the total of users.
    pub fn matters(&self, line: &Line) -> bool {
        let is_posted = |other: &&Line| other.posted().is_some() && other.component == line.component;
        match line.change {
            Change::Create { .. } | Change::Update { .. } => line.posted().is_some(),
            Change::OnlyOnServer { .. } | Change::Same { .. } => {
                self.lines.iter().any(|other| is_posted(&other))
                    || self.posted_people().any(|person| person.component == line.component)
            }
        }
    }
}
