//! Looking at a resource again just before its post: what was compared must still be what is stored.
//!
//! What was read within the time that is allowed is fresh. Everything else is read again, in one
//! request where the plan periods tell the month's rows; only what they do not confirm costs a second
//! one. Nothing here posts.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::domain::{BillingPeriod, PlanPeriodId, ResourceId};
use crate::plan::{ResourcePlan, StoredUsage};
use crate::resolve::{Catalogue, PlanPeriod};
use crate::waldur::{Reader, WaldurError};

use super::refresh::{by_key, stale_lines};

/// When the stored usages of a plan were read, and how old they may be when a post leaves.
#[derive(Debug, Clone, Copy)]
pub struct Freshness {
    /// When the reading began.
    pub read_at: Instant,
    /// How old a row may be.
    pub max_age: Duration,
}

impl Freshness {
    /// The age that a row may have where nobody says otherwise.
    pub const MAX_AGE: Duration = Duration::from_secs(30);

    /// Read just now.
    pub fn new(read_at: Instant) -> Self {
        Self { read_at, max_age: Self::MAX_AGE }
    }

    fn is_fresh(&self) -> bool {
        self.read_at.elapsed() <= self.max_age
    }
}

/// What a second look at a resource shows.
#[derive(Debug)]
pub enum Look {
    /// It was read a moment ago.
    Fresh,
    /// It was read again, and is as it was.
    Same,
    /// Rows or plan periods are not what the plan was made from.
    Stale(StaleResource),
}

/// A resource whose stored state is no longer what its plan was made from.
#[derive(Debug, Clone)]
pub struct StaleResource {
    /// What is stored now.
    pub stored: Vec<StoredUsage>,
    /// Whether its plan periods changed, so that a post would reach another row or none.
    pub plan_periods_changed: bool,
}

/// Looks at resources again.
pub struct Lookout<'a> {
    reader: &'a Reader,
    catalogue: &'a Catalogue,
    period: BillingPeriod,
    freshness: Freshness,
    /// What an earlier look found stale.
    known: &'a HashMap<ResourceId, StaleResource>,
}

impl<'a> Lookout<'a> {
    /// Sets one up for the resources of a month.
    pub fn new(
        reader: &'a Reader,
        catalogue: &'a Catalogue,
        period: BillingPeriod,
        freshness: Freshness,
        known: &'a HashMap<ResourceId, StaleResource>,
    ) -> Self {
        Self { reader, catalogue, period, freshness, known }
    }

    /// Looks at a resource before its post.
    pub async fn look(&self, resource: &ResourcePlan) -> Result<Look, WaldurError> {
        if let Some(stale) = self.known.get(&resource.resource) {
            return Ok(Look::Stale(stale.clone()));
        }
        if self.freshness.is_fresh() {
            return Ok(Look::Fresh);
        }
        let month = self.reader.resource_month(resource.resource, self.period).await?;
        let plan_periods_changed = self.have_changed(resource.resource, &month.plan_periods);
        if !plan_periods_changed && stale_lines(resource, &by_key(&month.usages)).is_empty() {
            return Ok(Look::Same);
        }
        // Rows under no plan period are not told there; the list of usages tells them all.
        let stored = self.reader.usages_of(resource.resource, self.period).await?;
        if !plan_periods_changed && stale_lines(resource, &by_key(&stored)).is_empty() {
            return Ok(Look::Same);
        }
        Ok(Look::Stale(StaleResource { stored, plan_periods_changed }))
    }

    fn have_changed(&self, resource: ResourceId, now: &[PlanPeriod]) -> bool {
        let before = self.catalogue.plan_periods(resource).unwrap_or_default();
        self.of_month(before) != self.of_month(now)
    }

    fn of_month(
        &self,
        periods: &[PlanPeriod],
    ) -> BTreeSet<(PlanPeriodId, Option<Timestamp>, Option<Timestamp>)> {
        let of_month = periods.iter().filter(|period| period.overlaps(self.period));
        of_month.map(|period| (period.id, period.start, period.end)).collect()
    }
}
