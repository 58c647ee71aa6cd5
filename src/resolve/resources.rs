//! Which resource a row means.
//!
//! A uuid settles it. A backend id, a slug or a name is looked up inside one offering only, and only
//! exactly one hit counts: several are named, none is guessed.

use std::collections::HashMap;

use crate::domain::{OfferingId, ResourceId, nearest, visible};
use crate::findings::{Code, Finding};
use crate::mapping::Field;
use crate::parse::ResourceName;

use super::catalogue::{Catalogue, NameKind, Resource};

/// A finding without a place, and the field that it is about.
type Fault = (Field, Finding);

/// Looks resources up, remembering what it has answered already.
pub struct ResourceFinder<'a> {
    catalogue: &'a Catalogue,
    scope: Vec<OfferingId>,
    known: HashMap<(ResourceName, Option<OfferingId>), Result<ResourceId, Fault>>,
}

impl<'a> ResourceFinder<'a> {
    pub fn new(catalogue: &'a Catalogue) -> Self {
        let scope = catalogue.offerings().iter().map(|offering| offering.id).collect();
        Self { catalogue, scope, known: HashMap::new() }
    }

    /// The resource, or a finding without a place and the field that it is about.
    pub fn find(&mut self, name: &ResourceName, offering: Option<OfferingId>) -> Result<&'a Resource, Fault> {
        if name.uuid.is_some() && offering.is_none() && name.backend_id.is_none() {
            return self.look_up(name, offering);
        }
        let key = (name.clone(), offering);
        if let Some(known) = self.known.get(&key) {
            let id = known.clone()?;
            return self.catalogue.resource(id).ok_or_else(|| unknown(Field::ResourceUuid, &id.to_string()));
        }
        let found = self.look_up(name, offering);
        self.known.insert(key, found.clone().map(|resource| resource.id));
        found
    }

    fn look_up(&self, name: &ResourceName, offering: Option<OfferingId>) -> Result<&'a Resource, Fault> {
        let resource = match name.uuid {
            Some(uuid) => self.by_uuid(uuid)?,
            None => self.by_name(name, self.single_offering(name, offering)?)?,
        };
        match offering {
            Some(offering) if offering != resource.offering => {
                let found = self.offering_name(resource.offering);
                let expected = format!("a resource of the offering {offering}");
                Err((Field::OfferingUuid, Finding::new(Code::OtherOffering, found, expected)))
            }
            _ => Ok(resource),
        }
    }

    fn by_uuid(&self, uuid: ResourceId) -> Result<&'a Resource, Fault> {
        if let Some(resource) = self.catalogue.resource(uuid) {
            return Ok(resource);
        }
        let Some(elsewhere) = self.catalogue.elsewhere(uuid) else {
            return Err(unknown(Field::ResourceUuid, &uuid.to_string()));
        };
        let found =
            format!("{} of the offering {}", visible(&elsewhere.name), visible(&elsewhere.offering_name));
        let finding = Finding::new(Code::OtherOffering, found, "a resource of an offering in scope");
        Err((Field::ResourceUuid, finding.hint("name its offering with --offering, or take the row out")))
    }

    /// The one offering in which names are looked up.
    fn single_offering(
        &self,
        name: &ResourceName,
        offering: Option<OfferingId>,
    ) -> Result<OfferingId, Fault> {
        let (field, text) = name.decisive().unwrap_or((Field::ResourceUuid, String::new()));
        match (offering, self.scope.as_slice()) {
            (Some(offering), _) if self.catalogue.offering(offering).is_some() => Ok(offering),
            (Some(offering), _) => {
                let expected = "an offering in scope that this account may see";
                let finding = Finding::new(Code::UnknownOffering, offering.to_string(), expected);
                Err((Field::OfferingUuid, finding))
            }
            (None, [only]) => Ok(*only),
            (None, _) => {
                let expected = "one offering to look it up in";
                let finding = Finding::new(Code::NoScope, visible(&text).to_string(), expected);
                Err((field, finding.hint("name the offering with --offering, or in a column offering_uuid")))
            }
        }
    }

    fn by_name(&self, name: &ResourceName, offering: OfferingId) -> Result<&'a Resource, Fault> {
        let (field, text) = name.decisive().unwrap_or((Field::ResourceUuid, String::new()));
        let kind = match field {
            Field::ResourceBackendId => NameKind::BackendId,
            Field::ResourceSlug => NameKind::Slug,
            _ => NameKind::Name,
        };
        match self.catalogue.find(offering, kind, &text) {
            [id] => self.catalogue.resource(*id).ok_or_else(|| unknown(field, &text)),
            [] => {
                let candidates = self.catalogue.resources().filter(|resource| resource.offering == offering);
                let names = candidates.map(|resource| match kind {
                    NameKind::BackendId => resource.backend_id.as_str(),
                    NameKind::Slug => resource.slug.as_str(),
                    NameKind::Name => resource.name.as_str(),
                });
                let (field, finding) = unknown(field, &text);
                Err((field, finding.did_you_mean(nearest(&text, names))))
            }
            several => Err((field, self.ambiguous(&text, several))),
        }
    }

    fn ambiguous(&self, text: &str, several: &[ResourceId]) -> Finding {
        let candidates: Vec<String> = several
            .iter()
            .take(10)
            .filter_map(|&id| self.catalogue.resource(id))
            .map(|resource| {
                let project = visible(&resource.project_name);
                format!("{} ({}, project {project})", resource.id, resource.state)
            })
            .collect();
        Finding::new(Code::AmbiguousResource, visible(text).to_string(), "exactly one resource")
            .hint(format!("name one by uuid: {}", candidates.join("; ")))
    }

    fn offering_name(&self, id: OfferingId) -> String {
        let name = self.catalogue.offering(id).map(|offering| offering.name.as_str());
        format!("a resource of {}", visible(name.unwrap_or("another offering")))
    }
}

fn unknown(field: Field, text: &str) -> Fault {
    let expected = "a resource of this server that this account may see";
    (field, Finding::new(Code::UnknownResource, visible(text).to_string(), expected))
}
