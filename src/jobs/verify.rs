//! Proving later what a run posted: every touched row to the cent, and what became of it on the
//! invoices.
//!
//! That a row is stored does not mean that it is billed, and that no line is seen does not mean that
//! there is none. Nothing here posts.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::domain::{BillingType, ComponentType, OfferingId, ResourceId};
use crate::error::Error;
use crate::plan::{
    BillableRow, Billing, BillingTime, Figures, InvoiceViews, Line, Plan, ResourcePlan, Standing, StoredRows,
    StoredUsage, UnderPlanPeriod, Wanted, by_key, by_name,
};
use crate::resolve::Catalogue;
use crate::waldur::{Account, Reader};

use super::apply::ApplyReport;
use super::billing::{Patience, billing_of};
use super::catalogue;
use super::people;
use super::{Observer, Stages};

/// A row of a run, as it stands now.
#[derive(Debug, Clone, Serialize)]
pub struct VerifiedLine {
    /// The resource.
    pub resource: ResourceId,
    /// Its name.
    pub name: String,
    /// The component.
    pub component: ComponentType,
    /// The user, where the row is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// What the run was to store.
    pub planned: Figures,
    /// What is stored; `None` where no row is.
    pub stored: Option<Figures>,
    /// Whether just that is stored.
    pub is_as_planned: bool,
}

/// What becomes of a stored row on the invoices.
#[derive(Debug, Clone, Serialize)]
pub struct BilledLine {
    /// The resource.
    pub resource: ResourceId,
    /// Its name.
    pub name: String,
    /// The component.
    pub component: ComponentType,
    /// What is stored.
    pub stored: Figures,
    /// What becomes of it.
    #[serde(flatten)]
    pub billing: Billing,
}

/// What the invoices tell of a run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Bills {
    /// Its rows whose usage may be billed.
    pub lines: Vec<BilledLine>,
    /// What the endpoints of invoices showed to this account.
    pub views: InvoiceViews,
    /// Why the invoices could not be read, where they could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

impl Bills {
    /// How many rows have each word.
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for line in &self.lines {
            *counts.entry(line.billing.text()).or_default() += 1;
        }
        counts
    }
}

/// What a run left, proven now.
#[derive(Debug, Serialize)]
pub struct Verified {
    /// Every row that the run was to store.
    pub lines: Vec<VerifiedLine>,
    /// What the invoices tell.
    pub bills: Bills,
}

impl Verified {
    /// Whether every row is stored as the run was to store it.
    pub fn is_as_planned(&self) -> bool {
        self.lines.iter().all(|line| line.is_as_planned)
    }
}

/// Reads every row that a plan touches, and the invoices of its month.
pub async fn verify(reader: &Reader, plan: &Plan, observer: &dyn Observer) -> Result<Verified, Error> {
    let mut stages = Stages::begin(observer, "catalogue");
    let offerings: BTreeSet<OfferingId> = plan.changed().map(|resource| resource.offering).collect();
    let mut snapshot = catalogue::for_offerings(reader, &offerings).await?;
    stages.next("stored usages");
    let stored = reader.usages(&snapshot.catalogue, plan.header.period, &mut snapshot.capabilities).await?;
    let people = people::stored_for(reader, plan, &snapshot.catalogue, &stored).await?;
    let (rows, people) = (by_key(&stored), by_name(&people));
    let mut lines = Vec::new();
    for resource in plan.changed() {
        for line in &resource.lines {
            let Some(planned) = line.posted().map(Wanted::figures) else { continue };
            lines.push(VerifiedLine {
                resource: resource.resource,
                name: resource.name.clone(),
                component: line.component.clone(),
                username: None,
                planned,
                stored: resource.now(line, &rows).figures().cloned(),
                is_as_planned: resource.standing(line, &rows) == Standing::AsPlanned,
            });
        }
        lines.extend(people::verified(resource, &rows, &people));
    }
    stages.next("invoices");
    let bills = bills(reader, &snapshot.account, &snapshot.catalogue, plan, &stored).await;
    Ok(Verified { lines, bills })
}

/// What becomes of the rows of a plan on the invoices, as far as this account sees them.
pub async fn bills(
    reader: &Reader,
    account: &Account,
    catalogue: &Catalogue,
    plan: &Plan,
    stored: &[StoredUsage],
) -> Bills {
    let rows = by_key(stored);
    let mut judged: Vec<(&ResourcePlan, &StoredUsage)> = Vec::new();
    let mut billable: Vec<BillableRow> = Vec::new();
    for resource in plan.changed() {
        for component in posted_components(resource) {
            for row in rows.get(&(resource.resource, component.clone())).into_iter().flatten() {
                let Some(mut own) = BillableRow::of(row, catalogue) else { continue };
                if let Some(line) = posted_line(resource, row, &rows) {
                    own.before = line.change.old().map(|old| old.amount);
                    let period = resource.plan_periods.iter().find(|it| Some(it.id) == line.plan_period);
                    own.plan_period = period
                        .map_or(UnderPlanPeriod::Unknown, |period| UnderPlanPeriod::One(period.clone()));
                }
                billable.push(own);
                judged.push((resource, *row));
            }
        }
    }
    if billable.is_empty() {
        return Bills::default();
    }
    let time = BillingTime::of(&plan.header.capabilities);
    let seen =
        billing_of(reader, account, catalogue, plan.header.period, billable, (time, Patience::default()));
    match seen.await {
        Err(error) => Bills { unread: Some(error.to_string()), ..Bills::default() },
        Ok(seen) => {
            let lines = judged.into_iter().zip(seen.billings).map(|((resource, row), billing)| BilledLine {
                resource: resource.resource,
                name: resource.name.clone(),
                component: row.component.clone(),
                stored: Figures::from(row),
                billing,
            });
            Bills { lines: lines.collect(), views: seen.views, unread: None }
        }
    }
}

/// What a run has read back as stored, with the rows beside it: enough to ask the invoices about it.
pub fn stored_by(plan: &Plan, report: &ApplyReport) -> Vec<StoredUsage> {
    let row = |resource: ResourceId, component: &ComponentType, id, figures: &Figures| StoredUsage {
        id,
        resource,
        component: component.clone(),
        period: plan.header.period,
        amount: figures.amount,
        description: figures.description.clone(),
        carry_over: figures.carry_over,
        modified_by: None,
    };
    let posted = report.lines.iter().filter(|line| line.outcome.is_as_planned());
    let posted =
        posted.filter_map(|line| Some(row(line.resource, &line.component, line.row?, &line.planned)));
    let mut stored: Vec<StoredUsage> = posted.collect();
    for resource in plan.changed() {
        for line in resource.lines.iter().filter(|line| resource.matters(line) && line.posted().is_none()) {
            if let Some((id, old)) = line.row.zip(line.change.old())
                && stored.iter().all(|known| known.id != id)
            {
                stored.push(row(resource.resource, &line.component, id, old));
            }
        }
    }
    stored
}

/// The components whose usage is billed and of which something was posted.
fn posted_components(resource: &ResourcePlan) -> BTreeSet<&ComponentType> {
    let posted = resource.lines.iter().filter(|line| line.posted().is_some());
    posted.filter(|line| line.billing_type == BillingType::Usage).map(|line| &line.component).collect()
}

/// The line by which a stored row was posted.
fn posted_line<'a>(resource: &'a ResourcePlan, row: &StoredUsage, rows: &StoredRows<'_>) -> Option<&'a Line> {
    let is_own = |line: &&Line| resource.now(line, rows).row() == Some(row.id);
    resource.lines.iter().filter(|line| line.posted().is_some()).find(is_own)
}
