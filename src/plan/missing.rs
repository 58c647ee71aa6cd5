//! What nobody has reported of a month, and since when.
//!
//! A figure is missing where a resource takes usage, has a plan and was made before the month ended,
//! its component is billed by usage or by limit, and no row of the month is stored. A stored zero is a
//! report. Every resource in scope is counted once: looked at, or left out for one named reason.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::Serialize;

use crate::domain::{
    Amount, BillingPeriod, BillingType, ComponentType, OfferingId, ResourceId, SandboxWorld,
};
use crate::resolve::{Catalogue, Component, Offering, Resource};

use super::document::Scope;
use super::stored::StoredUsage;

/// How many months before the one in question are looked at.
const MONTHS_BACK: usize = 12;

/// What is missing of a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// The server.
    pub server: String,
    /// The world of the sandbox that answered there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<SandboxWorld>,
    /// When it was asked, by its own clock.
    pub at: Timestamp,
    /// The month.
    pub period: BillingPeriod,
    /// Whether the month is not over, so that reports may still come.
    pub is_partial: bool,
    /// The offerings in scope.
    pub offerings: Vec<String>,
    /// The projects and organisations that it was narrowed to.
    pub scope: Scope,
    /// How many there are of what.
    pub counts: MissingCounts,
    /// What is missing, by offering, organisation, project, resource and component.
    pub gaps: Vec<Gap>,
}

impl Missing {
    /// What comes of it, in a sentence.
    pub fn sentence(&self) -> String {
        let counts = &self.counts;
        let MissingCounts { figures, figures_missing, resources_missing, resources_silent, .. } = counts;
        let partial = if self.is_partial { " The month is not over: partial." } else { "" };
        if *figures == 0 {
            return format!("Nothing could be reported of that month.{partial}");
        }
        if *figures_missing == 0 {
            return format!("Nothing is missing: all {figures} figures are stored.{partial}");
        }
        let silent = match *resources_silent {
            0 => String::new(),
            silent => format!(", all figures of {silent} of them"),
        };
        let resources = if *resources_missing == 1 { "resource" } else { "resources" };
        format!(
            "Missing: {figures_missing} of {figures} figures, of {resources_missing} {resources} of {}{silent}.{partial}",
            counts.resources
        )
    }
}

impl MissingCounts {
    /// The resources in scope, looked at or left out.
    pub fn in_scope(&self) -> usize {
        let left_out = [self.in_other_states, self.without_plan, self.made_later, self.without_components];
        self.resources + left_out.iter().sum::<usize>()
    }

    /// The counts with what they count, as people read them.
    pub fn named(&self) -> [(&'static str, usize); 9] {
        [
            ("resources of which usage can be reported", self.resources),
            ("of them with something missing", self.resources_missing),
            ("of them with nothing at all", self.resources_silent),
            ("figures that can be reported", self.figures),
            ("of them missing", self.figures_missing),
            ("resources left out: in a state that takes no usage", self.in_other_states),
            ("resources left out: without a plan", self.without_plan),
            ("resources left out: made when the month was over", self.made_later),
            ("resources left out: nothing of their offering can be reported", self.without_components),
        ]
    }
}

/// The resources in scope, each in one of the first five counts, and the figures of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct MissingCounts {
    /// Resources of which usage can be reported.
    pub resources: usize,
    /// Resources whose state takes no usage.
    pub in_other_states: usize,
    /// Resources without a plan.
    pub without_plan: usize,
    /// Resources that were made when the month was over.
    pub made_later: usize,
    /// Resources of offerings without a component that can be reported.
    pub without_components: usize,
    /// Figures that can be reported: one for each resource and component.
    pub figures: usize,
    /// Figures without a stored row.
    pub figures_missing: usize,
    /// Resources of which some figure is missing.
    pub resources_missing: usize,
    /// Resources of which every figure is missing.
    pub resources_silent: usize,
}

/// A figure that nobody reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The organisation that pays.
    pub customer_name: String,
    /// The project.
    pub project_name: String,
    /// The offering.
    #[serde(rename = "offering_uuid")]
    pub offering: OfferingId,
    /// The offering's name.
    pub offering_name: String,
    /// The resource.
    #[serde(rename = "resource_uuid")]
    pub resource: ResourceId,
    /// The resource's name.
    pub resource_name: String,
    /// Its id in the provider's own system; may be empty.
    pub resource_backend_id: String,
    /// The component's internal name.
    #[serde(rename = "component_type")]
    pub component: ComponentType,
    /// The component's display name.
    pub component_name: String,
    /// The unit that it is measured in.
    pub unit: String,
    /// How it is billed.
    pub billing_type: BillingType,
    /// The last month before that has a row.
    pub last_reported: Option<BillingPeriod>,
    /// What is stored of that month, all its rows together.
    pub last_amount: Option<Amount>,
    /// The first month of which nothing is stored.
    pub missing_since: BillingPeriod,
    /// Whether the time before was not looked at, so that it may be missing for longer.
    pub or_earlier: bool,
    /// The month in which the resource was made, where the server tells.
    #[serde(skip)]
    made_in: Option<BillingPeriod>,
}

impl Gap {
    /// Since when it is missing, as people say it.
    pub fn since(&self) -> String {
        let since = self.missing_since;
        match (self.last_reported, self.or_earlier) {
            (Some(_), _) => since.to_string(),
            (None, true) => format!("{since} or earlier"),
            (None, false) => format!("{since}, when it was made"),
        }
    }

    /// Whether a month before could show when it was reported last.
    fn is_open(&self, month: BillingPeriod) -> bool {
        self.last_reported.is_none() && self.made_in.is_none_or(|made| made <= month)
    }
}

/// What can be reported and is not, while months before are still looked at.
#[derive(Debug)]
pub struct Gaps {
    period: BillingPeriod,
    counts: MissingCounts,
    list: Vec<Gap>,
}

impl Gaps {
    /// Finds them: `stored` is what is stored of the month, `zone` the one in which months turn.
    pub fn find(
        catalogue: &Catalogue,
        wants: impl Fn(&Resource) -> bool,
        period: BillingPeriod,
        stored: &[StoredUsage],
        zone: &TimeZone,
    ) -> Self {
        let reported: HashSet<(ResourceId, &ComponentType)> = stored
            .iter()
            .filter(|usage| usage.period == period)
            .map(|usage| (usage.resource, &usage.component))
            .collect();
        let end = period.next().start_in(zone);
        let mut counts = MissingCounts::default();
        let mut list = Vec::new();
        for resource in catalogue.resources().filter(|resource| wants(resource)) {
            let offering = catalogue.offering(resource.offering);
            let components = offering.into_iter().flat_map(|offering| &offering.components);
            let components: Vec<&Component> =
                components.filter(|component| component.is_reportable()).collect();
            let left_out = if !resource.state.takes_usage() {
                Some(&mut counts.in_other_states)
            } else if resource.plan.is_none() {
                Some(&mut counts.without_plan)
            } else if resource.created.is_some_and(|created| created >= end) {
                Some(&mut counts.made_later)
            } else if components.is_empty() {
                Some(&mut counts.without_components)
            } else {
                None
            };
            if let Some(count) = left_out {
                *count += 1;
                continue;
            }
            let Some(offering) = offering else { continue };
            let missing = components
                .iter()
                .filter(|component| !reported.contains(&(resource.id, &component.component_type)));
            let gaps: Vec<Gap> =
                missing.map(|component| gap(offering, resource, component, period, zone)).collect();
            counts.resources += 1;
            counts.figures += components.len();
            counts.figures_missing += gaps.len();
            counts.resources_missing += usize::from(!gaps.is_empty());
            counts.resources_silent += usize::from(gaps.len() == components.len());
            list.extend(gaps);
        }
        let place = places(catalogue);
        list.sort_by_cached_key(|gap| {
            let names = [&gap.offering_name, &gap.customer_name, &gap.project_name, &gap.resource_name];
            let [offering, customer, project, resource] = names.map(|name| name.to_lowercase());
            // One offering stays together, even where two have one name.
            let place = place.get(&(gap.offering, &gap.component)).copied();
            (offering, gap.offering, customer, project, resource, gap.resource, place)
        });
        Self { period, counts, list }
    }

    /// The months that are looked at for the last report, the latest one first.
    pub fn months_before(&self) -> impl Iterator<Item = BillingPeriod> + use<> {
        std::iter::successors(self.period.previous(), |month| month.previous()).take(MONTHS_BACK)
    }

    /// The resources of which a month and those before it could still tell something, by offering.
    pub fn open(&self, month: BillingPeriod) -> BTreeMap<OfferingId, BTreeSet<ResourceId>> {
        let mut open: BTreeMap<OfferingId, BTreeSet<ResourceId>> = BTreeMap::new();
        for gap in self.list.iter().filter(|gap| gap.is_open(month)) {
            open.entry(gap.offering).or_default().insert(gap.resource);
        }
        open
    }

    /// Takes in what is stored of months before; months have to come the latest one first.
    pub fn learn(&mut self, stored: &[StoredUsage]) {
        let first = self.months_before().last();
        let mut sums: HashMap<(ResourceId, &ComponentType, BillingPeriod), Option<Amount>> = HashMap::new();
        let mut last: HashMap<(ResourceId, &ComponentType), BillingPeriod> = HashMap::new();
        let is_looked_at = |usage: &&StoredUsage| {
            usage.period < self.period && first.is_some_and(|first| usage.period >= first)
        };
        for usage in stored.iter().filter(is_looked_at) {
            let key = (usage.resource, &usage.component);
            let month = last.entry(key).or_insert(usage.period);
            *month = usage.period.max(*month);
            let sum = sums.entry((key.0, key.1, usage.period)).or_insert(Some(Amount::ZERO));
            *sum = sum.and_then(|sum| sum.checked_add(usage.amount));
        }
        for gap in self.list.iter_mut().filter(|gap| gap.last_reported.is_none()) {
            let Some(&month) = last.get(&(gap.resource, &gap.component)) else { continue };
            gap.last_reported = Some(month);
            gap.last_amount = sums.get(&(gap.resource, &gap.component, month)).copied().flatten();
            (gap.missing_since, gap.or_earlier) = (month.next(), false);
        }
    }

    /// How many there are of what, and what is missing.
    pub fn settle(self) -> (MissingCounts, Vec<Gap>) {
        (self.counts, self.list)
    }
}

/// A gap of which nothing is known but that it is there.
fn gap(
    offering: &Offering,
    resource: &Resource,
    component: &Component,
    period: BillingPeriod,
    zone: &TimeZone,
) -> Gap {
    let made = resource.created.map(|created| Zoned::new(created, zone.clone()));
    let made_in = made.and_then(|made| BillingPeriod::new(made.year(), made.month()).ok());
    let earliest =
        std::iter::successors(period.previous(), |month| month.previous()).take(MONTHS_BACK).last();
    let earliest = earliest.unwrap_or(period);
    let is_younger = made_in.is_some_and(|made| made >= earliest);
    Gap {
        customer_name: resource.customer_name.clone(),
        project_name: resource.project_name.clone(),
        offering: offering.id,
        offering_name: offering.name.clone(),
        resource: resource.id,
        resource_name: resource.name.clone(),
        resource_backend_id: resource.backend_id.clone(),
        component: component.component_type.clone(),
        component_name: component.name.clone(),
        unit: component.measured_unit.clone(),
        billing_type: component.billing_type.clone(),
        last_reported: None,
        last_amount: None,
        missing_since: made_in.filter(|_| is_younger).unwrap_or(earliest),
        or_earlier: !is_younger,
        made_in,
    }
}

/// The place of each component in its offering, in the server's order.
fn places(catalogue: &Catalogue) -> HashMap<(OfferingId, &ComponentType), usize> {
    let offerings = catalogue.offerings().into_iter();
    let places = offerings.flat_map(|offering| {
        let components = offering.components.iter().enumerate();
        components.map(|(place, component)| ((offering.id, &component.component_type), place))
    });
    places.collect()
}

#[cfg(test)]
mod tests;
