//! Keys whose row in the file could not be read and was left out: the file does not lack them.

use std::collections::HashMap;

use crate::domain::{BillingPeriod, ResourceId, fold_name};

use super::class::Class;
use super::judge::Judge;
use super::report::Line;
use super::rows::at;

/// What a row that was left out speaks of, as far as it can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The resource.
    pub resource: ResourceId,
    /// The component as the row or the header names it; any where it is not told.
    pub component: Option<String>,
    /// The month; any where it is not told.
    pub period: Option<BillingPeriod>,
    /// Where it stands and what stands there.
    pub note: String,
}

/// The rows that were left out, by resource.
#[derive(Debug, Default)]
pub struct LeftOutKeys(HashMap<ResourceId, Vec<LeftOut>>);

impl LeftOutKeys {
    /// Of these rows.
    pub fn new(rows: Vec<LeftOut>) -> Self {
        let mut keys: HashMap<ResourceId, Vec<LeftOut>> = HashMap::new();
        for row in rows {
            keys.entry(row.resource).or_default().push(row);
        }
        Self(keys)
    }

    /// Says of a key that the file has nothing readable of that its row was left out.
    pub fn settle(&self, line: &mut Line, judge: &mut Judge<'_, '_>) {
        if self.0.is_empty()
            || line.file.is_some()
            || !line.class.is_break()
            || line.class == Class::NotVisible
        {
            return;
        }
        let subject = judge.settled.subjects.get(at(line.subject));
        let Some(rows) = subject.and_then(|own| own.resource_uuid).and_then(|id| self.0.get(&id)) else {
            return;
        };
        let component = judge.settled.components.get(at(line.component));
        let component = component.map_or_else(String::new, |own| fold_name(&own.component));
        let is_own = |row: &&LeftOut| {
            row.period.is_none_or(|period| period == line.period)
                && row.component.as_ref().is_none_or(|own| fold_name(own).starts_with(&component))
        };
        let Some(row) = rows.iter().find(is_own) else { return };
        if !matches!(line.class, Class::MissingInFile | Class::Amount) {
            line.also.add(line.class);
        }
        line.also.remove(Class::MissingInFile);
        line.class = Class::LeftOut;
        let note = judge.notes.number(&row.note);
        line.more.get_or_insert_default().note = Some(note);
    }
}
