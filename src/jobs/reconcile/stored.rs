//! The stored usages of a reconciliation, those of resources among them that no list shows.
//!
//! The list of resources and that of usages are two lists of the server. What only the second one has is
//! as real, so its resources join the catalogue by what their usages say of them, and are marked.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use uuid::Uuid;

use crate::domain::{BillingPeriod, CustomerId, OfferingId, PlanId, ProjectId, ResourceId, ResourceState};
use crate::plan::StoredUsage;
use crate::reconcile::StoredSide;
use crate::resolve::{Capabilities, Catalogue, Resource};
use crate::waldur::{InvoicesInFull, ListRow, Reader, Side, WaldurError};

/// How many resources are asked about at a time.
const AT_ONCE: usize = 8;

/// Reads some months; resources that only their usages show join the catalogue.
pub async fn read(
    reader: &Reader,
    catalogue: &mut Catalogue,
    capabilities: &mut Capabilities,
    months: &[BillingPeriod],
) -> Result<StoredSide, WaldurError> {
    let (mut stored, mut unlisted) = (StoredSide::default(), Vec::new());
    for month in months {
        let (listed, others) = reader.usages_of_all(catalogue, *month, capabilities).await?;
        stored.extend(listed);
        unlisted.extend(others);
    }
    let first: BTreeMap<ResourceId, (OfferingId, &StoredUsage)> =
        unlisted.iter().rev().map(|(offering, usage)| (usage.resource, (*offering, usage))).collect();
    let known = &*catalogue;
    let asked = first.into_iter().map(|(id, (offering, usage))| async move {
        let resource = match reader.side() {
            Side::Provider => {
                let row = reader.usage(usage.id).await?;
                // A server that ignores the filter shows what is of other offerings.
                let told = row.as_ref().and_then(|row| Uuid::try_parse(&row.text("offering_uuid")).ok());
                let own = told.map_or(offering, OfferingId::new);
                known.offering(own).is_some().then(|| described(id, own, row.as_ref()))
            }
            // Usages of others that the account provides are none of what it uses.
            Side::Consumer => {
                let seen = reader.resource(id).await?.map(|(resource, _)| resource);
                seen.filter(|resource| known.offering(resource.offering).is_some())
            }
        };
        Ok::<_, WaldurError>(resource)
    });
    let found: Vec<Option<Resource>> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    for resource in found.into_iter().flatten() {
        catalogue.add_unlisted(resource);
    }
    let is_of = |offering: OfferingId, usage: &StoredUsage| {
        catalogue.resource(usage.resource).is_some_and(|own| own.offering == offering)
    };
    let unlisted = unlisted.into_iter().filter(|(offering, usage)| is_of(*offering, usage));
    stored.extend(unlisted.map(|(_, usage)| usage));
    Ok(stored)
}

/// Takes the resources in that only lines of invoices show; whether there are any.
pub fn learn_billed(catalogue: &mut Catalogue, read: &BTreeMap<BillingPeriod, InvoicesInFull>) -> bool {
    let mut is_more = false;
    for line in read.values().flat_map(|month| &month.others) {
        let (Some(resource), Some(offering), Some(_)) = (line.resource, line.offering, &line.component)
        else {
            continue;
        };
        let is_of_scope = catalogue.offering(offering).is_some();
        if !is_of_scope
            || line.is_credit
            || line.price.is_negative()
            || catalogue.resource(resource).is_some()
        {
            continue;
        }
        let payer = catalogue.resources().find(|own| own.customer == line.customer);
        let customer_name = payer.map_or_else(String::new, |own| own.customer_name.clone());
        let new = described(resource, offering, None);
        catalogue.add_unlisted(Resource { customer: line.customer, customer_name, ..new });
        is_more = true;
    }
    is_more
}

/// A resource by what one of its usages says of it.
fn described(id: ResourceId, offering: OfferingId, row: Option<&ListRow>) -> Resource {
    let text = |field: &str| row.map(|row| row.text(field)).unwrap_or_default();
    let uuid = |field: &str| Uuid::try_parse(&text(field)).unwrap_or_default();
    let name = Some(text("resource_name")).filter(|name| !name.is_empty());
    Resource {
        id,
        name: name.unwrap_or_else(|| id.to_string()),
        slug: String::new(),
        backend_id: String::new(),
        state: ResourceState::Ok,
        offering,
        created: None,
        // That there is one speaks from its usage.
        plan: Some(PlanId::new(Uuid::nil())),
        project: ProjectId::new(uuid("project_uuid")),
        project_name: text("project_name"),
        customer: CustomerId::new(uuid("customer_uuid")),
        customer_name: text("customer_name"),
    }
}

/// The organisations of the resources that a scope takes in.
pub fn customers(catalogue: &Catalogue, wants: impl Fn(&Resource) -> bool) -> BTreeSet<CustomerId> {
    let in_scope = catalogue.resources().filter(|own| wants(own) && !own.customer.uuid().is_nil());
    in_scope.map(|own| own.customer).collect()
}
