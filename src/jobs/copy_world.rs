//! A copy of a server as a world to rehearse against: read, made harmless, handed back.
//!
//! It reads with a [`Reader`] alone, so it cannot change anything. What must not be in a copy is not
//! handed over to it (see `sandbox`).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use crate::domain::{
    Amount, BillingPeriod, ComponentType, ExactTotal, OfferingId, PlanPeriodId, ResourceId, Selector, UsageId,
};
use crate::error::Error;
use crate::plan::StoredUsage;
use crate::resolve::{Capabilities, CarryOverField, Catalogue, ResolveSettings};
use crate::sandbox::{
    CopiedComponent, CopiedOffering, CopiedPlan, CopiedPlanPeriod, CopiedResource, CopiedUsage, CopiedWorld,
    Names, World,
};
use crate::waldur::{OfferingCopy, PlanPeriodCopy, Reader, ResourceCopy, WaldurError};

use super::catalogue::named_offerings;
use super::likely_dialect::{LikelyDialect, Signs};
use super::scope_names::refuse_unknown;
use super::{Observer, Stages};

/// What is to be copied.
#[derive(Debug, Clone)]
pub struct CopySettings {
    /// The offerings; all that the account provides where empty.
    pub offerings: Vec<Selector>,
    /// The projects and organisations that are wanted.
    pub resolve: ResolveSettings,
    /// How many months of usages, the running one among them.
    pub months: u32,
    /// Whether the plan periods are read, one request for each resource.
    pub plan_periods: bool,
    /// What becomes of the names.
    pub names: Names,
}

/// What is in a copy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CopySummary {
    /// Offerings.
    pub offerings: usize,
    /// Resources, in every state.
    pub resources: usize,
    /// Usages.
    pub usages: usize,
    /// The months of the usages, oldest first.
    pub months: Vec<BillingPeriod>,
    /// Usages of components that their offering does not have any more, which are left out.
    pub usages_left_out: usize,
    /// Usages that the server converts when it shows them, to more decimals than it can store; they
    /// are copied with two.
    pub usages_rounded: usize,
    /// The dialect of the sandbox that the server is like.
    #[serde(flatten)]
    pub likely: LikelyDialect,
}

/// What the server has, as it was read.
#[derive(Default)]
struct Source {
    offerings: Vec<OfferingCopy>,
    resources: Vec<ResourceCopy>,
    plan_periods: HashMap<ResourceId, Vec<PlanPeriodCopy>>,
    usages: Vec<StoredUsage>,
}

/// Copies what the account may see of a server.
pub async fn copy_world(
    reader: &Reader,
    settings: &CopySettings,
    observer: &dyn Observer,
) -> Result<(World, CopySummary), Error> {
    let mut stages = Stages::begin(observer, "offerings");
    let mut source = Source { offerings: offerings(reader, &settings.offerings).await?, ..Source::default() };
    stages.next("resources");
    for offering in &source.offerings {
        source.resources.extend(reader.resource_copies(offering.uuid).await?);
    }
    refuse_unknown(&settings.resolve, source.resources.iter().map(|copy| &copy.resource))?;
    source.resources.retain(|copy| settings.resolve.wants(&copy.resource));
    let now = reader.now()?;
    let running = BillingPeriod::of(now)
        .map_err(|_| Error::NotFound("the server's clock shows no month that can be billed".into()))?;
    let catalogue = catalogue(&source, running);
    let months = months(running, settings.months);
    stages.next("stored usages");
    let wanted: HashSet<ResourceId> = source.resources.iter().map(|copy| copy.resource.id).collect();
    for &month in &months {
        let usages = reader.usages(&catalogue, month, &mut Capabilities::default()).await?;
        source.usages.extend(usages.into_iter().filter(|usage| wanted.contains(&usage.resource)));
    }
    if settings.plan_periods {
        stages.next("plan periods");
        let ids: Vec<ResourceId> = source.resources.iter().map(|copy| copy.resource.id).collect();
        source.plan_periods = reader.plan_period_copies(&ids).await?.into_iter().collect();
    }
    let likely = signs(reader).await?.dialect();
    let copy = CopiedWorld::new(&reader.address().to_string(), now, settings.names);
    let (world, summary) = assemble(copy, source, settings.plan_periods, months);
    Ok((world, CopySummary { likely, ..summary }))
}

/// What the server shows of its release; any usage that the account sees will do for it.
async fn signs(reader: &Reader) -> Result<Signs, Error> {
    let mut seen = Capabilities::default();
    reader.learn_row(&mut seen).await?;
    let lists_by_year = reader.lists_by_year().await?;
    let has_policy = lists_by_year.map(|_| seen.carry_over.value == CarryOverField::MissingUsagePolicy);
    Ok(Signs { has_policy, lists_by_year, version: reader.version().await? })
}

async fn offerings(reader: &Reader, selectors: &[Selector]) -> Result<Vec<OfferingCopy>, Error> {
    let ids: Vec<OfferingId> = if selectors.is_empty() {
        reader.offering_names().await?.into_iter().map(|(id, _)| id).collect()
    } else {
        // One that is named twice, by its uuid and its name, is copied once.
        let named: BTreeSet<OfferingId> = named_offerings(reader, selectors).await?.into_iter().collect();
        named.into_iter().collect()
    };
    let mut offerings = Vec::new();
    for id in ids {
        offerings.push(reader.offering_copy(id).await?.ok_or(WaldurError::NoOffering(id))?);
    }
    if offerings.is_empty() {
        return Err(Error::setting(
            "this account provides no offering, so there is nothing to copy",
            "use the token of an account that owns or manages what is offered, or that of staff",
        ));
    }
    Ok(offerings)
}

/// The running month and those before it, oldest first.
fn months(running: BillingPeriod, count: u32) -> Vec<BillingPeriod> {
    let mut before = std::iter::successors(Some(running), |month| month.previous());
    let mut months: Vec<BillingPeriod> = (0..count).map_while(|_| before.next()).collect();
    months.reverse();
    months
}

/// What reading usages needs to know.
fn catalogue(source: &Source, running: BillingPeriod) -> Catalogue {
    let mut catalogue = Catalogue::new(running);
    for offering in &source.offerings {
        catalogue.add_offering(offering.offering());
    }
    for copy in &source.resources {
        catalogue.add_resource(copy.resource.clone());
    }
    catalogue
}

fn assemble(
    mut copy: CopiedWorld,
    mut source: Source,
    has_periods: bool,
    months: Vec<BillingPeriod>,
) -> (World, CopySummary) {
    let mut summary = CopySummary {
        offerings: source.offerings.len(),
        resources: source.resources.len(),
        months,
        ..CopySummary::default()
    };
    let mut period_of: HashMap<UsageId, PlanPeriodId> = HashMap::new();
    for period in source.plan_periods.values().flatten() {
        period_of.extend(period.usages().map(|usage| (usage, period.uuid)));
    }
    for read in source.offerings {
        copy.add_offering(offering(read));
    }
    for read in source.resources {
        let periods = source.plan_periods.remove(&read.resource.id);
        copy.add_resource(resource(read, has_periods.then(|| periods.unwrap_or_default())));
    }
    for usage in source.usages {
        let plan_period = period_of.get(&usage.id).copied();
        let amount = in_cents(usage.amount);
        let is_taken = copy.add_usage(CopiedUsage {
            id: usage.id,
            resource: usage.resource,
            component: usage.component,
            amount,
            period: usage.period,
            carry_over: usage.carry_over,
            plan_period,
        });
        summary.usages += usize::from(is_taken);
        summary.usages_left_out += usize::from(!is_taken);
        summary.usages_rounded += usize::from(is_taken && amount != usage.amount);
    }
    let world = copy.finish(&summary.months);
    (world, summary)
}

/// The amount as a table of usages can hold it.
fn in_cents(amount: Amount) -> Amount {
    let mut total = ExactTotal::default();
    let added = total.add_product(amount, Amount::from(1));
    added.and_then(|()| total.rounded_to_cents()).unwrap_or(amount)
}

fn offering(read: OfferingCopy) -> CopiedOffering {
    let components = read.components.into_iter().map(|component| CopiedComponent {
        uuid: component.uuid,
        component_type: component.component_type,
        name: component.name,
        measured_unit: component.measured_unit,
        billing_type: component.billing_type,
        limit_period: component.limit_period,
        limit_amount: component.limit_amount.as_ref().and_then(whole),
        article_code: component.article_code.unwrap_or_default(),
        is_boolean: component.is_boolean,
    });
    let plans = read.plans.into_iter().map(|plan| CopiedPlan {
        id: plan.uuid,
        name: plan.name,
        unit: plan.unit,
        unit_price: plan.unit_price.unwrap_or_default(),
        prices: by_type(plan.prices, |price| serde_json::from_value(price.clone()).ok()),
        amounts: by_type(plan.quotas, whole),
    });
    CopiedOffering {
        id: read.uuid,
        name: read.name,
        slug: read.slug.unwrap_or_default(),
        kind: read.kind,
        state: read.state,
        billable: read.billable,
        shared: read.shared,
        provider: read.customer_uuid,
        provider_name: read.customer_name,
        components: components.collect(),
        plans: plans.collect(),
    }
}

fn resource(read: ResourceCopy, periods: Option<Vec<PlanPeriodCopy>>) -> CopiedResource {
    let ResourceCopy { resource, created, limits, current_usages } = read;
    let plan_periods = periods.map(|periods| {
        let periods = periods.into_iter().map(|period| CopiedPlanPeriod {
            id: period.uuid,
            plan: period.plan_uuid,
            start: period.start,
            end: period.end,
        });
        periods.collect()
    });
    CopiedResource {
        id: resource.id,
        name: resource.name,
        slug: resource.slug,
        backend_id: resource.backend_id,
        state: resource.state,
        offering: resource.offering,
        plan: resource.plan,
        project: resource.project,
        project_name: resource.project_name,
        customer: resource.customer,
        customer_name: resource.customer_name,
        created,
        limits,
        current_usages,
        plan_periods,
    }
}

/// A whole number, however the server spells it; nothing where it is none.
fn whole(value: &Value) -> Option<u32> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    fraction.bytes().all(|digit| digit == b'0').then(|| whole.parse().ok())?
}

fn by_type<T>(
    map: BTreeMap<String, Value>,
    read: impl Fn(&Value) -> Option<T>,
) -> BTreeMap<ComponentType, T> {
    map.into_iter().filter_map(|(name, value)| Some((name.parse().ok()?, read(&value)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_copied_with_two_decimals() {
        let amount = |text: &str| text.parse::<Amount>().unwrap();
        for (shown, copied) in
            [("12.34", "12.34"), ("0.3333333333", "0.33"), ("-7.006", "-7.01"), ("1e24", "1e24")]
        {
            assert_eq!(in_cents(amount(shown)), amount(copied), "{shown}");
        }
    }
}
