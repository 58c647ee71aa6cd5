//! The snapshot of the server that rows are judged against.
//!
//! The scope is the offerings that the user names, or else those that the file names, or else those
//! of the resources that the file names by uuid.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;

use crate::domain::{OfferingId, ResourceId, Selector, nearest, visible};
use crate::error::Error;
use crate::parse::Parsed;
use crate::plan::{BillingClock, MonthRefusal, Refusal};
use crate::resolve::{Capabilities, Catalogue, Elsewhere, OfferingNames, Resource};
use crate::waldur::{Account, Reader, WaldurError};

/// How many resources that are not in scope yet are asked for at a time.
const PROBES: usize = 8;

/// The server as far as a run needs to know it.
pub struct Snapshot {
    /// Whose token it is.
    pub account: Account,
    /// What the server can do.
    pub capabilities: Capabilities,
    /// Offerings, resources and plan periods in scope.
    pub catalogue: Catalogue,
}

/// Takes the snapshot for parsed rows.
pub async fn for_rows(
    reader: &Reader,
    parsed: &Parsed,
    offerings: &[Selector],
    time_zone: Option<&str>,
) -> Result<Snapshot, Error> {
    let mut snapshot = connect(reader, time_zone).await?;
    let catalogue = &mut snapshot.catalogue;
    let wanted: BTreeSet<ResourceId> =
        parsed.subjects.iter().filter_map(|subject| subject.resource.uuid).collect();
    let by_name: BTreeSet<&str> =
        parsed.subjects.iter().filter_map(|subject| subject.resource.offering.as_deref()).collect();
    let mut named: BTreeSet<OfferingId> =
        parsed.subjects.iter().filter_map(|subject| subject.more().offering).collect();
    if !by_name.is_empty() {
        let names = OfferingNames::new(reader.offering_names().await?);
        named.extend(by_name.into_iter().filter_map(|name| match names.find(name).as_slice() {
            [only] => Some(*only),
            _ => None,
        }));
        catalogue.name_offerings(names);
    }
    if offerings.is_empty() {
        for offering in named {
            add_offering(reader, catalogue, offering).await?;
        }
    } else {
        for offering in named_offerings(reader, offerings).await? {
            if !add_offering(reader, catalogue, offering).await? {
                return Err(WaldurError::NoOffering(offering).into());
            }
        }
    }
    discover(reader, catalogue, &wanted, offerings.is_empty()).await?;
    Ok(snapshot)
}

/// Takes the snapshot for a plan that was made earlier.
pub async fn for_offerings(reader: &Reader, offerings: &BTreeSet<OfferingId>) -> Result<Snapshot, Error> {
    let mut snapshot = connect(reader, None).await?;
    for &offering in offerings {
        if !add_offering(reader, &mut snapshot.catalogue, offering).await? {
            return Err(WaldurError::NoOffering(offering).into());
        }
    }
    Ok(snapshot)
}

async fn connect(reader: &Reader, time_zone: Option<&str>) -> Result<Snapshot, Error> {
    let account = reader.account().await?;
    let mut capabilities = Capabilities::default();
    if (account.is_staff || account.is_support)
        && let Some(version) = reader.version().await?
    {
        capabilities.learn_version(&version);
    }
    reader.learn_row(&mut capabilities).await?;
    if let Some(zone) = time_zone {
        capabilities.learn_time_zone(zone);
    }
    let current = BillingClock::of(&capabilities)
        .month(reader.now()?)
        .map_err(|_| Error::NotFound("the server's clock shows no month that can be billed".into()))?;
    Ok(Snapshot { account, capabilities, catalogue: Catalogue::new(current) })
}

/// Refuses what was read while the month turned: plan periods show the usages of the new one.
pub fn of_one_month(reader: &Reader, snapshot: &Snapshot) -> Result<(), Error> {
    let now = BillingClock::of(&snapshot.capabilities).month(reader.now()?).map_err(Refusal::Month)?;
    match snapshot.catalogue.current_period().filter(|before| *before != now) {
        Some(before) => Err(Refusal::Month(MonthRefusal::Turned { before, now }).into()),
        None => Ok(()),
    }
}

/// Picks offerings by id or by exact name.
pub async fn named_offerings(reader: &Reader, selectors: &[Selector]) -> Result<Vec<OfferingId>, Error> {
    let needs_names = selectors.iter().any(|selector| matches!(selector, Selector::Name(_)));
    let names = if needs_names { reader.offering_names().await? } else { Vec::new() };
    selectors.iter().map(|selector| named_offering(selector, &names)).collect()
}

fn named_offering(selector: &Selector, names: &[(OfferingId, String)]) -> Result<OfferingId, Error> {
    let name = match selector {
        Selector::Id(id) => return Ok(OfferingId::new(*id)),
        Selector::Name(name) => name,
    };
    let hits: Vec<OfferingId> = names.iter().filter(|(_, own)| own == name).map(|(id, _)| *id).collect();
    match hits.as_slice() {
        [only] => Ok(*only),
        [] => {
            let near = nearest(name, names.iter().map(|(_, own)| own.as_str()));
            let hint = near.map_or_else(
                || "this account may not see it; its uuid works too".to_owned(),
                |near| format!("did you mean \"{}\"?", visible(near)),
            );
            Err(Error::setting(format!("no offering is named \"{}\"", visible(name)), hint))
        }
        several => {
            let ids: Vec<String> = several.iter().map(ToString::to_string).collect();
            let what = format!("{} offerings are named \"{}\"", ids.len(), visible(name));
            Err(Error::setting(what, format!("name one by uuid: {}", ids.join(", "))))
        }
    }
}

/// Adds an offering with all its resources; false where this account sees none.
async fn add_offering(reader: &Reader, catalogue: &mut Catalogue, id: OfferingId) -> Result<bool, Error> {
    if catalogue.offering(id).is_some() {
        return Ok(true);
    }
    let Some(offering) = reader.offering(id).await? else { return Ok(false) };
    catalogue.add_offering(offering);
    for resource in reader.resources(id).await? {
        catalogue.add_resource(resource);
    }
    Ok(true)
}

/// Asks for the resources that the file names and no known offering has. Their offerings join the
/// scope where the user named none; otherwise they are only remembered, for a clear finding.
async fn discover(
    reader: &Reader,
    catalogue: &mut Catalogue,
    wanted: &BTreeSet<ResourceId>,
    may_widen: bool,
) -> Result<(), Error> {
    let mut open: Vec<ResourceId> = wanted.iter().copied().collect();
    loop {
        open.retain(|&id| catalogue.resource(id).is_none());
        // The first one alone: its offering usually holds all the others.
        let count = if may_widen && catalogue.offerings().is_empty() { 1 } else { PROBES };
        let probed: Vec<ResourceId> = open.drain(..count.min(open.len())).collect();
        if probed.is_empty() {
            return Ok(());
        }
        let found = try_join_all(probed.iter().map(|&id| reader.resource(id))).await?;
        for (resource, offering_name) in found.into_iter().flatten() {
            adopt(reader, catalogue, resource, offering_name, may_widen).await?;
        }
    }
}

async fn adopt(
    reader: &Reader,
    catalogue: &mut Catalogue,
    resource: Resource,
    offering_name: String,
    may_widen: bool,
) -> Result<(), Error> {
    let is_in_scope = catalogue.offering(resource.offering).is_some()
        || may_widen && add_offering(reader, catalogue, resource.offering).await?;
    if is_in_scope {
        if catalogue.resource(resource.id).is_none() {
            catalogue.add_unlisted(resource);
        }
    } else {
        catalogue.add_elsewhere(resource.id, Elsewhere { name: resource.name, offering_name });
    }
    Ok(())
}

/// Reads the plan periods of resources, one request each.
pub async fn add_plan_periods(
    reader: &Reader,
    catalogue: &mut Catalogue,
    resources: &BTreeSet<ResourceId>,
) -> Result<(), Error> {
    let resources: Vec<ResourceId> = resources.iter().copied().collect();
    for (id, plan_periods) in reader.plan_periods(&resources).await? {
        catalogue.add_plan_periods(id, plan_periods);
    }
    Ok(())
}
