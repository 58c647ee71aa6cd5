//! The stored usages of a month, read for the real server.
//!
//! One slice per component type, so that no row has to name its type and the server joins nothing;
//! names are joined from the catalogue. The slices' counts must add up to the month's. Where they
//! do not, the month is read again with the types in the rows and cut by organisation, project and
//! resource.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::domain::{BillingPeriod, CarryOver, ComponentType, OfferingId, ResourceId};
use crate::plan::StoredUsage;
use crate::resolve::{Capabilities, Catalogue, Offering};

use super::WaldurError;
use super::http::Http;
use super::listing::{Cut, Part, Query, count, read};
use super::reader::Reader;
use super::wire::UsageRow;

const PATH: &str = "marketplace-component-usages/";

impl Reader {
    /// The stored usages of a month in one of the offerings of the catalogue.
    pub async fn usages_of_offering(
        &self,
        catalogue: &Catalogue,
        offering: OfferingId,
        period: BillingPeriod,
    ) -> Result<Vec<StoredUsage>, WaldurError> {
        let Some(offering) = catalogue.offering(offering) else { return Ok(Vec::new()) };
        Ok(month(&self.http, offering, catalogue, period, self.at_once).await?.usages)
    }

    /// The stored usages of a month in the offerings of the catalogue, and apart from them those of
    /// resources that the catalogue does not have, each with the offering that was asked for.
    pub async fn usages_of_all(
        &self,
        catalogue: &Catalogue,
        period: BillingPeriod,
        capabilities: &mut Capabilities,
    ) -> Result<(Vec<StoredUsage>, Vec<(OfferingId, StoredUsage)>), WaldurError> {
        let (mut listed, mut unlisted) = (Vec::new(), Vec::new());
        for offering in catalogue.offerings() {
            let month = month(&self.http, offering, catalogue, period, self.at_once).await?;
            if let Some(has_policy) = month.has_missing_usage_policy {
                capabilities.learn_row(has_policy);
            }
            listed.extend(month.usages);
            unlisted.extend(month.unlisted.into_iter().map(|usage| (offering.id, usage)));
        }
        Ok((listed, unlisted))
    }
}

/// What was read, and whether the rows know `missing_usage_policy`; `None` where there was no row.
pub(super) struct MonthRead {
    pub usages: Vec<StoredUsage>,
    /// Those of resources that the catalogue does not have.
    pub unlisted: Vec<StoredUsage>,
    pub has_missing_usage_policy: Option<bool>,
}

impl MonthRead {
    fn empty() -> Self {
        Self { usages: Vec::new(), unlisted: Vec::new(), has_missing_usage_policy: None }
    }

    fn add(&mut self, rows: Vec<UsageRow>, component: Option<&ComponentType>) {
        for row in rows {
            let policy = row.missing_usage_policy.is_some();
            *self.has_missing_usage_policy.get_or_insert(false) |= policy;
            let recurring = CarryOver::from_recurring(row.recurring.unwrap_or_default());
            if let Some(component) = component.or(row.component_type.as_ref()) {
                self.usages.push(StoredUsage {
                    id: row.uuid,
                    resource: row.resource_uuid,
                    component: component.clone(),
                    period: row.billing_period,
                    amount: row.usage,
                    description: row.description.unwrap_or_default(),
                    carry_over: row.missing_usage_policy.unwrap_or(recurring),
                    modified_by: row.modified_by,
                });
            }
        }
    }
}

/// Reads a month of one offering. Rows of other months and offerings, which a server that ignores a
/// filter would give, are left out.
pub(super) async fn month(
    http: &Http,
    offering: &Offering,
    catalogue: &Catalogue,
    period: BillingPeriod,
    at_once: usize,
) -> Result<MonthRead, WaldurError> {
    let whole = Query::new(PATH)
        .with("billing_period", period.first_day())
        .with("offering_uuid", offering.id.to_string())
        .fields(UsageRow::FIELDS);
    let cuts = cuts(offering.id, catalogue);
    let mut read = match by_type(http, &whole, offering, &cuts, at_once).await? {
        Some(read) => read,
        None => with_types(http, &whole, &cuts, at_once).await?,
    };
    let in_offering =
        |id: ResourceId| catalogue.resource(id).is_some_and(|resource| resource.offering == offering.id);
    let is_unlisted =
        |usage: &&StoredUsage| usage.period == period && catalogue.resource(usage.resource).is_none();
    read.unlisted = read.usages.iter().filter(is_unlisted).cloned().collect();
    read.usages.retain(|usage| usage.period == period && in_offering(usage.resource));
    Ok(read)
}

/// `None` where the slices do not add up to the month.
async fn by_type(
    http: &Http,
    whole: &Query,
    offering: &Offering,
    cuts: &[Cut],
    at_once: usize,
) -> Result<Option<MonthRead>, WaldurError> {
    let total = count(http, whole).await?;
    let mut month = MonthRead::empty();
    if total == 0 {
        return Ok(Some(month));
    }
    let types = offering.components.iter().map(|component| &component.component_type);
    let slices: Result<Vec<(&ComponentType, Vec<UsageRow>)>, _> = stream::iter(types)
        .map(|component| {
            let slice = whole.clone().with("type", component.as_str());
            async move { Ok::<_, WaldurError>((component, read(http, &slice, cuts, at_once).await?)) }
        })
        .buffered(at_once)
        .try_collect()
        .await;
    let slices = match slices {
        Ok(slices) => slices,
        Err(WaldurError::Unproven { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let ids: BTreeSet<_> = slices.iter().flat_map(|(_, rows)| rows.iter().map(|row| row.uuid)).collect();
    let rows: usize = slices.iter().map(|(_, rows)| rows.len()).sum();
    if rows != total || ids.len() != rows {
        return Ok(None);
    }
    for (component, rows) in slices {
        month.add(rows, Some(component));
    }
    Ok(Some(month))
}

async fn with_types(
    http: &Http,
    whole: &Query,
    cuts: &[Cut],
    at_once: usize,
) -> Result<MonthRead, WaldurError> {
    let query = whole.clone().fields(&["type"]);
    let mut month = MonthRead::empty();
    month.add(read(http, &query, cuts, at_once).await?, None);
    Ok(month)
}

/// How a slice that fails is cut further: by organisation, its projects and their resources; by
/// project or by resource alone where a server ignores the coarser filters.
fn cuts(offering: OfferingId, catalogue: &Catalogue) -> Vec<Cut> {
    let mut tree: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for resource in catalogue.resources().filter(|resource| resource.offering == offering) {
        let projects = tree.entry(resource.customer.to_string()).or_default();
        projects.entry(resource.project.to_string()).or_default().push(resource.id.to_string());
    }
    let none: Arc<[Cut]> = Arc::new([]);
    let by_resource = |ids: &[String]| Cut::new("resource_uuid", ids.iter().cloned(), &none);
    let by_project = |projects: &BTreeMap<String, Vec<String>>| {
        let parts = projects
            .iter()
            .map(|(project, ids)| Part { value: project.clone(), cuts: Arc::new([by_resource(ids)]) });
        Cut { parameter: "project_uuid", parts: parts.collect() }
    };
    let by_customer = tree
        .iter()
        .map(|(customer, projects)| Part { value: customer.clone(), cuts: Arc::new([by_project(projects)]) });
    let by_customer = Cut { parameter: "customer_uuid", parts: by_customer.collect() };
    let projects = tree.into_values().flatten().collect::<BTreeMap<_, _>>();
    let resources: Vec<String> = projects.values().flatten().cloned().collect();
    vec![by_customer, by_project(&projects), by_resource(&resources)]
}

/// Reads the month of one resource: one page, which cannot lose rows.
pub(super) async fn of_resource(
    http: &Http,
    resource: ResourceId,
    period: BillingPeriod,
) -> Result<Vec<StoredUsage>, WaldurError> {
    let query = Query::new(PATH)
        .with("resource_uuid", resource.to_string())
        .with("billing_period", period.first_day())
        .fields(UsageRow::FIELDS)
        .fields(&["type"]);
    let mut month = MonthRead::empty();
    month.add(read(http, &query, &[], 1).await?, None);
    month.usages.retain(|usage| usage.period == period && usage.resource == resource);
    Ok(month.usages)
}

/// Reads all months of one resource; where its pages lose rows, component by component cannot be told,
/// so the run ends.
pub(super) async fn of_resource_ever(
    http: &Http,
    resource: ResourceId,
    at_once: usize,
) -> Result<Vec<StoredUsage>, WaldurError> {
    let query = Query::new(PATH)
        .with("resource_uuid", resource.to_string())
        .fields(UsageRow::FIELDS)
        .fields(&["type"]);
    let mut months = MonthRead::empty();
    months.add(read(http, &query, &[], at_once).await?, None);
    months.usages.retain(|usage| usage.resource == resource);
    Ok(months.usages)
}
