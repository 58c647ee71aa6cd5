//! From the live catalogue and what is stored to what nobody has reported, and since when.
//!
//! Months before are read only while they can still tell something: offering by offering, or resource
//! by resource where few are left.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::domain::{Amount, BillingPeriod, ComponentType, OfferingId, ResourceId, Selector};
use crate::error::Error;
use crate::parse::Parsed;
use crate::plan::{BillingClock, Gap, Gaps, Missing, MonthRefusal, Refusal, StoredUsage};
use crate::report::{Template, TemplateCarryOver, TemplateComponent, TemplateForm, TemplateResource};
use crate::resolve::{Catalogue, ResolveSettings};
use crate::waldur::{Reader, WaldurError};

use super::catalogue::{Snapshot, for_rows, of_one_month};
use super::plan::scope_of;
use super::scope_names::refuse_unknown;
use super::template::{carry_over, components};
use super::{Observer, Stages};

/// How many resources are asked about at a time.
const AT_ONCE: usize = 8;

/// What is looked for.
#[derive(Debug, Clone)]
pub struct MissingSettings {
    /// The offerings; at least one.
    pub offerings: Vec<Selector>,
    /// The projects and organisations that are wanted.
    pub resolve: ResolveSettings,
    /// The month.
    pub period: BillingPeriod,
    /// The server's time zone, where the profile knows it.
    pub time_zone: Option<String>,
}

/// What is filled into a template of what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// Nothing: somebody types the amounts.
    Blank,
    /// A usage of zero.
    Zero,
    /// What is stored of the last month that has something.
    LastAmount,
}

/// What is missing, and what a template of it needs besides.
#[derive(Debug)]
pub struct FoundMissing {
    /// What is missing.
    pub missing: Missing,
    /// What can be reported of each offering.
    components: Vec<TemplateComponent>,
    /// How the server is told what happens in later months.
    carry_over: TemplateCarryOver,
}

/// Looks for what is missing. Posts nothing.
pub async fn missing(
    reader: &Reader,
    settings: &MissingSettings,
    observer: &dyn Observer,
) -> Result<FoundMissing, Error> {
    let mut stages = Stages::begin(observer, "catalogue");
    let zone = settings.time_zone.as_deref();
    let mut snapshot = for_rows(reader, &Parsed::default(), &settings.offerings, zone).await?;
    refuse_unknown(&settings.resolve, snapshot.catalogue.resources())?;
    let current = snapshot.catalogue.current_period();
    let current = current.ok_or_else(|| Error::Bug("a snapshot without a month".into()))?;
    let period = settings.period;
    if period > current {
        return Err(Refusal::Month(MonthRefusal::Future { wanted: period, current }).into());
    }
    stages.next("stored usages");
    let stored = reader.usages(&snapshot.catalogue, period, &mut snapshot.capabilities).await?;
    let clock = BillingClock::of(&snapshot.capabilities);
    let catalogue = &snapshot.catalogue;
    let wants = |resource: &_| settings.resolve.wants(resource);
    let mut gaps = Gaps::find(catalogue, wants, period, &stored, &clock.zone());
    drop(stored);
    stages.next("months before");
    look_back(reader, catalogue, &mut gaps).await?;
    of_one_month(reader, &snapshot)?;
    drop(stages);
    let Snapshot { catalogue, capabilities, .. } = &snapshot;
    let destination = reader.destination();
    let (counts, gaps) = gaps.settle();
    if counts.in_scope() == 0 {
        return Err(Error::setting(
            "there is no resource in scope",
            "check --offering, --project and --customer",
        ));
    }
    let missing = Missing {
        server: destination.server,
        sandbox: destination.sandbox,
        at: reader.now()?,
        period,
        is_partial: period == current,
        offerings: catalogue.offerings().iter().map(|offering| offering.name.clone()).collect(),
        scope: scope_of(&settings.resolve),
        counts,
        gaps,
    };
    Ok(FoundMissing { missing, components: components(catalogue), carry_over: carry_over(capabilities) })
}

/// Finds the last report of each gap.
async fn look_back(reader: &Reader, catalogue: &Catalogue, gaps: &mut Gaps) -> Result<(), Error> {
    let months: Vec<BillingPeriod> = gaps.months_before().collect();
    for (number, &month) in months.iter().enumerate() {
        let open = gaps.open(month);
        let resources: Vec<ResourceId> = open.values().flatten().copied().collect();
        if resources.is_empty() {
            break;
        }
        // The first month settles nearly all of them; what is left after it may go on for long.
        let months_left = if number == 0 { 1 } else { months.len() - number };
        if resources.len() <= months_left * requests_of_a_month(catalogue, &open) {
            match of_resources(reader, resources).await {
                Ok(stored) => {
                    gaps.learn(&stored);
                    break;
                }
                // All months of a resource cannot be proven to be whole; month by month it can.
                Err(WaldurError::Unproven { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        for &offering in open.keys() {
            gaps.learn(&reader.usages_of_offering(catalogue, offering, month).await?);
        }
    }
    Ok(())
}

/// How many requests a month takes at the least: its count, and a list for each component.
fn requests_of_a_month(
    catalogue: &Catalogue,
    offerings: &BTreeMap<OfferingId, BTreeSet<ResourceId>>,
) -> usize {
    let offerings = offerings.keys().filter_map(|offering| catalogue.offering(*offering));
    offerings.map(|offering| 1 + offering.components.len()).sum()
}

/// What is stored of some resources in all months.
async fn of_resources(reader: &Reader, resources: Vec<ResourceId>) -> Result<Vec<StoredUsage>, WaldurError> {
    let read = resources.into_iter().map(|resource| reader.usages_ever(resource));
    let read: Vec<Vec<StoredUsage>> = stream::iter(read).buffered(AT_ONCE).try_collect().await?;
    Ok(read.into_iter().flatten().collect())
}

impl FoundMissing {
    /// The template in which it is filled in: a row for each figure that is missing, and no other.
    pub fn template(&self, fill: Fill) -> Template {
        let missing = &self.missing;
        let mut resources: Vec<TemplateResource> = Vec::new();
        for gap in &missing.gaps {
            if resources.last().is_none_or(|last| last.id != gap.resource) {
                resources.push(self.resource(gap));
            }
            let Some(resource) = resources.last_mut() else { continue };
            resource.left_out.retain(|component| *component != gap.component);
            if let Some(amount) = gap.last_amount.filter(|_| gap.last_reported == missing.period.previous()) {
                resource.last_month.push((gap.component.clone(), amount));
            }
            let amount = match fill {
                Fill::Blank => None,
                Fill::Zero => Some(Amount::ZERO),
                // What is below zero cannot be reported.
                Fill::LastAmount => gap.last_amount.filter(|amount| !amount.is_negative()),
            };
            resource.filled_in.extend(amount.map(|amount| (gap.component.clone(), amount)));
        }
        let offerings: BTreeSet<OfferingId> = missing.gaps.iter().map(|gap| gap.offering).collect();
        let components = self.components.iter().filter(|component| offerings.contains(&component.offering));
        Template {
            at: missing.at,
            server: missing.server.clone(),
            period: missing.period,
            form: TemplateForm::Long,
            carry_over: self.carry_over,
            components: components.cloned().collect(),
            resources,
        }
    }

    /// A resource of which nothing is to be filled in yet.
    fn resource(&self, gap: &Gap) -> TemplateResource {
        let own = self.components.iter().filter(|component| component.offering == gap.offering);
        let left_out: Vec<ComponentType> = own.map(|component| component.component.clone()).collect();
        TemplateResource {
            id: gap.resource,
            offering: gap.offering,
            offering_name: gap.offering_name.clone(),
            name: gap.resource_name.clone(),
            customer_name: gap.customer_name.clone(),
            project_name: gap.project_name.clone(),
            last_month: Vec::new(),
            left_out,
            filled_in: Vec::new(),
        }
    }
}
