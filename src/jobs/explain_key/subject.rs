//! The resource and the component that are meant, found for providers and for consumers.

use crate::domain::{ComponentType, OfferingId, ResourceId, Selector, nearest, visible};
use crate::error::Error;
use crate::jobs::catalogue::named_offerings;
use crate::resolve::{Offering, Resource};
use crate::waldur::{Reader, Side};

/// A resource with its offering, and the view that shows them.
pub struct KnownSubject {
    /// The connection with that view.
    pub reader: Reader,
    /// The resource.
    pub resource: Resource,
    /// Its offering.
    pub offering: Offering,
}

/// Finds a resource by uuid, or by a name inside offerings.
pub async fn find(
    reader: &Reader,
    offerings: &[Selector],
    resource: &Selector,
    component: &ComponentType,
) -> Result<KnownSubject, Error> {
    let mut last = None;
    for side in [Side::Provider, Side::Consumer] {
        let reader = reader.seen_by(side);
        let found = match resource {
            Selector::Id(id) => by_id(&reader, ResourceId::new(*id)).await,
            Selector::Name(name) => by_name(&reader, offerings, name).await,
        };
        match found {
            Ok(resource) => {
                let Some(offering) = reader.offering(resource.offering).await? else { continue };
                judge(&offering, component)?;
                return Ok(KnownSubject { reader, resource, offering });
            }
            Err(error @ (Error::Setting { .. } | Error::NotFound(_))) => {
                // What the provider's side says is what most users have to mend.
                last.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    Err(last
        .unwrap_or_else(|| Error::NotFound("this account does not see the offering of the resource".into())))
}

async fn by_id(reader: &Reader, id: ResourceId) -> Result<Resource, Error> {
    let found = reader.resource(id).await?;
    found
        .map(|(resource, _)| resource)
        .ok_or_else(|| Error::NotFound(format!("this account sees no resource {id}")))
}

async fn by_name(reader: &Reader, offerings: &[Selector], name: &str) -> Result<Resource, Error> {
    if offerings.is_empty() {
        let what = format!("`{}` is a name, and no offering is named", visible(name));
        return Err(Error::setting(what, "name the offering with --offering, or the resource by its uuid"));
    }
    let ids: Vec<OfferingId> = named_offerings(reader, offerings).await?;
    let mut resources = Vec::new();
    for offering in ids {
        resources.extend(reader.resources(offering).await?);
    }
    let is_meant = |resource: &Resource| {
        [&resource.name, &resource.slug, &resource.backend_id].into_iter().any(|own| own == name)
    };
    let mut meant: Vec<Resource> = resources.iter().filter(|own| is_meant(own)).cloned().collect();
    match meant.len() {
        1 => Ok(meant.remove(0)),
        0 => {
            let near = nearest(name, resources.iter().map(|resource| resource.name.as_str()));
            let hint = near.map_or_else(
                || "this account may not see it; its uuid works too".to_owned(),
                |near| format!("did you mean \"{}\"?", visible(near)),
            );
            Err(Error::setting(format!("no resource of the offering is named \"{}\"", visible(name)), hint))
        }
        several => {
            let ids: Vec<String> = meant.iter().map(|resource| resource.id.to_string()).collect();
            let what = format!("{several} resources are named \"{}\"", visible(name));
            Err(Error::setting(what, format!("name one by uuid: {}", ids.join(", "))))
        }
    }
}

/// Refuses a component that the offering does not have.
fn judge(offering: &Offering, component: &ComponentType) -> Result<(), Error> {
    if offering.component(component).is_some() {
        return Ok(());
    }
    let types: Vec<&str> = offering.components.iter().map(|own| own.component_type.as_str()).collect();
    let what = format!("{} has no component {}", visible(&offering.name), visible(component.as_str()));
    let types: Vec<String> = types.iter().map(|own| visible(own).to_string()).collect();
    Err(Error::setting(what, format!("it has {}", types.join(", "))))
}
