//! What rows name: the resource, and what few of them say beside.
//!
//! Rows of one resource often follow each other, and there can be millions; what says the same as the row
//! above is kept once.

use std::sync::Arc;

use crate::domain::OfferingId;
use crate::findings::Code;
use crate::mapping::Field;
use crate::parse::draft::RowDraft;
use crate::parse::{Named, ResourceName, SubjectMore};

use super::{Parser, State};

/// What may be meant by a row without a resource below one that names it.
const NAME_IN_EACH_ROW: &str = "each row needs its own: a name is not taken from the row above; where the row \
                                is a total, write Total into it or take it out";

impl Parser<'_> {
    /// Remembers what a row names, whether it reports it or not.
    pub(super) fn named(
        &mut self,
        draft: &RowDraft<'_>,
        resource: Arc<ResourceName>,
        offering: Option<OfferingId>,
    ) {
        if self.settings.remembers_names {
            let component = draft.filled(Field::ComponentType).map(|(_, cell)| self.text(cell.text));
            let table = self.parsed.tables.len() - 1;
            self.parsed.named.push(Named { table, resource, offering, component });
        }
    }

    /// The resource as a row names it.
    pub(super) fn resource(&mut self, draft: &mut RowDraft<'_>) -> Arc<ResourceName> {
        let uuid = if self.settings.reads_money {
            draft.uuid_or_fault_beside()
        } else {
            draft.id(Field::ResourceUuid)
        };
        let mut text = |field| draft.filled(field).map(|(_, cell)| self.text(cell.text));
        let backend_id = text(Field::ResourceBackendId);
        let slug = text(Field::ResourceSlug);
        let name = text(Field::ResourceName);
        // What is no uuid still says of which resource somebody speaks.
        let unread = || draft.filled(Field::ResourceUuid).filter(|_| uuid.is_none());
        let name = match unread().filter(|_| self.settings.reads_money && name.is_none()) {
            Some((_, cell)) => Some(self.text(cell.text)),
            None => name,
        };
        let mut text = |field| draft.filled(field).map(|(_, cell)| self.text(cell.text));
        let offering = text(Field::Offering);
        let resource = ResourceName { uuid, backend_id, slug, name, offering, ..ResourceName::default() };
        if resource.is_empty() && draft.faults.iter().all(|fault| fault.code != Code::InvalidResource) {
            let field = Field::RESOURCE.into_iter().find(|&field| draft.table.column(field).is_some());
            let hint = match &self.state {
                State::Reading(reading) if reading.has_named => Some(NAME_IN_EACH_ROW),
                _ => None,
            };
            draft.missing_with_hint(field.unwrap_or(Field::ResourceUuid), "the resource that was used", hint);
        } else if let State::Reading(reading) = &mut self.state {
            reading.has_named = true;
        }
        if *self.last_name != resource {
            self.last_name = resource.into();
        }
        self.last_name.clone()
    }

    /// What few rows say of what they speak of; `None` where this one says nothing.
    pub(super) fn more(&mut self, more: SubjectMore) -> Option<Arc<SubjectMore>> {
        if more == SubjectMore::default() {
            return None;
        }
        if *self.last_more != more {
            self.last_more = more.into();
        }
        Some(self.last_more.clone())
    }
}
