//! Looking at a resource again just before its post: what was compared must still be what is stored.
//!
//! What was read within the time that is allowed is fresh. Everything else is read again, in one
//! request where the plan periods tell the month's rows; only what they do not confirm costs a second
//! one. Nothing here posts.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::domain::{BillingPeriod, ResourceId};
use crate::plan::{ResourcePlan, StoredPeople, StoredPerson, StoredUsage, by_key, by_name};
use crate::waldur::{Reader, WaldurError};

use super::refresh::{have_changed, stale_lines};

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
    /// What is stored of its users, where the plan speaks of any.
    pub people: Vec<StoredPerson>,
    /// Whether its plan periods changed, so that a post would reach another row or none.
    pub plan_periods_changed: bool,
}

/// Looks at resources again.
pub struct Lookout<'a> {
    reader: &'a Reader,
    period: BillingPeriod,
    /// Whether plan periods tell the usages of the month, which they do of the current one alone.
    is_current: bool,
    freshness: Freshness,
    /// What an earlier look found stale.
    known: &'a HashMap<ResourceId, StaleResource>,
}

impl<'a> Lookout<'a> {
    /// Sets one up for the resources of a month.
    pub fn new(
        reader: &'a Reader,
        period: BillingPeriod,
        is_current: bool,
        freshness: Freshness,
        known: &'a HashMap<ResourceId, StaleResource>,
    ) -> Self {
        Self { reader, period, is_current, freshness, known }
    }

    /// Looks at a resource before its post; also where the first reading is young enough, if that is
    /// known to be too old by the time it is sent.
    pub async fn look(&self, resource: &ResourcePlan, is_too_old: bool) -> Result<Look, WaldurError> {
        if let Some(stale) = self.known.get(&resource.resource) {
            return Ok(Look::Stale(stale.clone()));
        }
        if !is_too_old && self.freshness.is_fresh() {
            return Ok(Look::Fresh);
        }
        let month = self.reader.resource_month(resource.resource, self.period).await?;
        let plan_periods_changed = have_changed(resource, &month.plan_periods, self.period);
        let shown = by_key(&month.usages);
        let has_people = !resource.people.is_empty();
        if self.is_current
            && !has_people
            && !plan_periods_changed
            && stale_lines(resource, &shown, &StoredPeople::new(), false).is_empty()
        {
            return Ok(Look::Same);
        }
        // Rows under no plan period are not told there; the list of usages tells them all.
        let stored = self.reader.usages_of(resource.resource, self.period).await?;
        let people = if has_people {
            self.reader.user_usages_of(resource.resource, self.period, &stored).await?
        } else {
            Vec::new()
        };
        if stale_lines(resource, &by_key(&stored), &by_name(&people), plan_periods_changed).is_empty() {
            return Ok(Look::Same);
        }
        Ok(Look::Stale(StaleResource { stored, people, plan_periods_changed }))
    }
}
