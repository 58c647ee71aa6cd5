//! What becomes of stored usages on the invoices, read after they were posted.
//!
//! Reads the invoices, asks the plan periods about rows that have no line, and waits a few moments
//! where the server bills in the background. Nothing here posts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};

use crate::domain::{BillingPeriod, CustomerId, ResourceId, UsageId};
use crate::error::Error;
use crate::plan::{
    BillableRow, Billing, BillingTime, InvoiceViews, NotSeen, UnderPlanPeriod, WhyNot, billing,
};
use crate::resolve::Catalogue;
use crate::waldur::{Account, Reader, WaldurError};

/// The zones furthest behind and ahead of UTC.
const FURTHEST_BEHIND: SignedDuration = SignedDuration::from_hours(12);
const FURTHEST_AHEAD: SignedDuration = SignedDuration::from_hours(14);
/// Resources whose plan periods are asked for at a time.
const AT_ONCE: usize = 4;
/// Rows whose invoices are read together, unless one customer has more.
const ROWS_AT_ONCE: usize = 5_000;

/// How long lines are waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How often invoices are read again.
    pub polls: u32,
    /// How long to wait before each time.
    pub pause: Duration,
}

impl Default for Patience {
    /// Half a dozen seconds: a background job that is not stuck needs one or two.
    fn default() -> Self {
        Self { polls: 6, pause: Duration::from_secs(1) }
    }
}

/// What there is to tell.
#[derive(Debug)]
pub struct BillingSeen {
    /// For each row, in their order.
    pub billings: Vec<Billing>,
    /// What the endpoints of invoices showed.
    pub views: InvoiceViews,
}

/// Asks what becomes of the stored rows of a month: all that are stored of their resources and
/// components. `time` says when the server bills, as it is known just after the last post.
pub async fn billing_of(
    reader: &Reader,
    account: &Account,
    catalogue: &Catalogue,
    period: BillingPeriod,
    mut rows: Vec<BillableRow>,
    (time, patience): (BillingTime, Patience),
) -> Result<BillingSeen, Error> {
    let mut views = InvoiceViews::default();
    let mut billings = vec![Billing::Pending; rows.len()];
    let mut open: Vec<usize> = (0..rows.len()).collect();
    let mut polls = 0;
    loop {
        let is_last = time != BillingTime::Awaited || polls >= patience.polls;
        let time = if is_last && time == BillingTime::Awaited { BillingTime::WaitedFor } else { time };
        for group in groups(&rows, &open) {
            let customers: BTreeSet<CustomerId> = group.iter().map(|&at| rows[at].customer).collect();
            let seen = reader.invoices(account, catalogue, &customers, period).await?;
            views.add(seen.views);
            let mut found = billing(&those(&rows, &group), &seen, time);
            if is_last && ask_plan_periods(reader, period, &mut rows, &group, &found).await? {
                found = billing(&those(&rows, &group), &seen, time);
            }
            for (at, found) in group.into_iter().zip(found) {
                billings[at] = found;
            }
        }
        if is_last {
            return Ok(BillingSeen { billings, views });
        }
        open = unsettled(&rows, &billings);
        if open.is_empty() {
            return Ok(BillingSeen { billings, views });
        }
        polls += 1;
        tokio::time::sleep(patience.pause).await;
    }
}

/// Rows whose customers' invoices are read together: all rows of each customer, and so few that not
/// every line of a large month is in memory at once.
fn groups(rows: &[BillableRow], open: &[usize]) -> Vec<Vec<usize>> {
    let mut of_customers: BTreeMap<CustomerId, Vec<usize>> = BTreeMap::new();
    for &at in open {
        of_customers.entry(rows[at].customer).or_default().push(at);
    }
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for own in of_customers.into_values() {
        match groups.last_mut() {
            Some(group) if group.len() + own.len() <= ROWS_AT_ONCE => group.extend(own),
            _ => groups.push(own),
        }
    }
    groups
}

fn those<'a>(rows: &'a [BillableRow], group: &[usize]) -> Vec<&'a BillableRow> {
    group.iter().map(|&at| &rows[at]).collect()
}

/// The rows of the resources and components of which one is pending: they are judged together.
fn unsettled(rows: &[BillableRow], billings: &[Billing]) -> Vec<usize> {
    let is_pending = |at: &usize| billings[*at] == Billing::Pending;
    let key = |at: usize| (rows[at].resource, &rows[at].component);
    let keys: BTreeSet<_> = (0..rows.len()).filter(is_pending).map(key).collect();
    (0..rows.len()).filter(|&at| keys.contains(&key(at))).collect()
}

/// Asks whether rows without a line stand under a plan period, where that would tell why; whether
/// anything was learnt.
async fn ask_plan_periods(
    reader: &Reader,
    period: BillingPeriod,
    rows: &mut [BillableRow],
    group: &[usize],
    billings: &[Billing],
) -> Result<bool, Error> {
    let may_tell = |(at, billing): (&usize, &Billing)| {
        let is_open = match billing {
            Billing::Pending | Billing::StoredNotBilled { why: WhyNot::InvoiceClosed, .. } => true,
            Billing::StoredNotBilled { why, .. } => matches!(why, WhyNot::NoPrice | WhyNot::Unexplained),
            Billing::NotVisible { what } => *what == NotSeen::Invoice,
            Billing::Billed { .. }
            | Billing::NothingToBill
            | Billing::NotBillable
            | Billing::DiffersFromInvoice { .. } => false,
        };
        (is_open && rows[*at].plan_period == UnderPlanPeriod::Unknown).then_some(*at)
    };
    let asked: Vec<usize> = group.iter().zip(billings).filter_map(may_tell).collect();
    let resources: BTreeSet<ResourceId> = asked.iter().map(|&at| rows[at].resource).collect();
    if resources.is_empty() || !is_current(period, reader.now()?) {
        return Ok(false);
    }
    let shown: BTreeMap<ResourceId, Option<BTreeSet<UsageId>>> =
        stream::iter(resources)
            .map(|resource| async move {
                Ok::<_, WaldurError>((resource, shown(reader, resource, period).await?))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
    let mut is_learnt = false;
    for at in asked {
        let row = &mut rows[at];
        let is_under_none = shown[&row.resource].as_ref().is_some_and(|usages| !usages.contains(&row.usage));
        if is_under_none {
            row.plan_period = UnderPlanPeriod::None;
            is_learnt = true;
        }
    }
    Ok(is_learnt)
}

/// Whether it is this month everywhere on earth: plan periods tell the rows of the server's current
/// month alone, and its zone may not be known.
fn is_current(period: BillingPeriod, now: Timestamp) -> bool {
    let shifted = [now.checked_sub(FURTHEST_BEHIND), now.checked_add(FURTHEST_AHEAD)];
    shifted.into_iter().all(|local| local.is_ok_and(|local| BillingPeriod::of(local) == Ok(period)))
}

/// The rows that stand under a plan period of a resource; `None` where this account does not see it.
async fn shown(
    reader: &Reader,
    resource: ResourceId,
    period: BillingPeriod,
) -> Result<Option<BTreeSet<UsageId>>, WaldurError> {
    let month = reader.resource_month(resource, period).await?;
    if month.plan_periods.is_empty() && reader.resource(resource).await?.is_none() {
        return Ok(None);
    }
    Ok(Some(month.usages.into_iter().map(|usage| usage.id).collect()))
}

#[cfg(test)]
mod tests;
