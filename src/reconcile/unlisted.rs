//! Keys of resources that usages or invoices show, and the list of resources does not.

use crate::domain::ResourceId;
use crate::resolve::{Catalogue, FileLineMore};

use super::class::Class;
use super::judge::Judge;
use super::report::Line;
use super::rows::at;

const NOTE: &str = "usages or invoices name this resource, and the list of resources does not show it";

/// Makes what cannot be told a class of its own: it never passes for agreement.
pub fn settle(line: &mut Line, judge: &mut Judge<'_, '_>) {
    let subject = judge.settled.subjects.get(at(line.subject));
    let is_unlisted =
        subject.and_then(|own| own.resource_uuid).is_some_and(|id| judge.catalogue.is_unlisted(id));
    if !is_unlisted {
        return;
    }
    let before = line.class;
    if before != Class::NotVisible {
        line.class = Class::NotVisible;
        line.also.remove(Class::NotVisible);
        if before.is_break() && before != Class::MissingInFile {
            line.also.add(before);
        }
    }
    let note = judge.notes.number(NOTE);
    line.more.get_or_insert_default().note = Some(note);
}

/// The unlisted resource that a row names by its uuid, alone or behind its name.
pub fn named(catalogue: &Catalogue, more: Option<&FileLineMore>) -> Option<ResourceId> {
    let text = more?.resource.as_deref()?;
    let id = text.rsplit('(').next()?.trim_end_matches(')').parse().ok()?;
    catalogue.is_unlisted(id).then_some(id)
}
