//! Which offering a row means that names it as people do.

use crate::domain::{OfferingId, nearest, visible};
use crate::findings::{Code, Finding};
use crate::parse::Subject;

use super::catalogue::Catalogue;

/// The offering of a row: its uuid, or the one in scope that has the name.
pub fn named_offering(subject: &Subject, catalogue: &Catalogue) -> Result<Option<OfferingId>, Finding> {
    let Some(name) = &subject.offering_name else { return Ok(subject.offering) };
    let offerings = catalogue.offerings();
    let mut hits = offerings.iter().filter(|offering| offering.name.trim() == name.as_ref());
    let found = match (hits.next(), hits.next()) {
        (Some(only), None) => return Ok(Some(only.id)),
        (Some(_), Some(_)) => format!("{}, the name of several offerings", visible(name)),
        (None, _) => visible(name).to_string(),
    };
    let finding = Finding::new(Code::UnknownOffering, found, "the name of an offering in scope");
    let names = offerings.iter().map(|offering| offering.name.as_str());
    Err(match nearest(name, names) {
        Some(near) => finding.did_you_mean(Some(near)),
        None => finding.hint("name it with --offering, or leave its rows out of the file"),
    })
}
