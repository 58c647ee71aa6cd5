//! One request about users: parts of one total, several at once where the server takes a list of them.
//!
//! The requests of a plan are counted on from those about totals, so that a number means the same
//! request whenever the plan is carried out. A request names the stored usage that is the total and
//! no date: so it reaches that month and that row, whatever the server's clock shows.

use crate::domain::{BillingPeriod, ResourceId};

use super::Batch;
use super::Plan;
use super::document::ResourcePlan;
use super::people::PersonLine;

/// The most users in one request.
const MOST: usize = 100;

/// What one request about users holds: one total, at least one user, no user twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeopleBatch {
    number: u32,
    resource: ResourceId,
    period: BillingPeriod,
    is_bulk: bool,
    goes_first: bool,
    people: Vec<PersonLine>,
}

impl PeopleBatch {
    /// The requests of a plan about users, by resource; none for a resource without one.
    pub fn of_plan(plan: &Plan) -> Vec<(&ResourcePlan, Vec<Self>)> {
        let before: usize = Batch::of_plan(plan).iter().map(|(_, batches)| batches.len()).sum();
        let mut number = u32::try_from(before).unwrap_or(u32::MAX);
        let is_bulk = plan.header.capabilities.bulk_user_usages.value;
        let mut of_resource = |resource| {
            let batches = Self::of_resource(resource, plan.header.period, is_bulk, number);
            number = number.saturating_add(u32::try_from(batches.len()).unwrap_or(u32::MAX));
            (resource, batches)
        };
        plan.changed().map(|resource| of_resource(resource)).collect()
    }

    fn of_resource(resource: &ResourcePlan, period: BillingPeriod, is_bulk: bool, first: u32) -> Vec<Self> {
        let mut by_total: Vec<Vec<&PersonLine>> = Vec::new();
        let shares_total = |one: &PersonLine, other: &PersonLine| {
            (&one.component, one.total, one.plan_period) == (&other.component, other.total, other.plan_period)
        };
        for person in resource.posted_people() {
            match by_total.iter_mut().find(|own| shares_total(own[0], person)) {
                Some(own) => own.push(person),
                None => by_total.push(vec![person]),
            }
        }
        let most = if is_bulk { MOST } else { 1 };
        let chunks = by_total.iter().flat_map(|own| own.chunks(most));
        let batches = (first..).zip(chunks).map(|(number, people)| Self {
            number,
            resource: resource.resource,
            period,
            is_bulk,
            goes_first: resource.goes_before_its_total(people[0]),
            people: people.iter().map(|person| (*person).clone()).collect(),
        });
        batches.collect()
    }

    /// Which request of its plan it is, counted on from those about totals.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The resource.
    pub fn resource(&self) -> ResourceId {
        self.resource
    }

    /// The month of the total.
    pub fn period(&self) -> BillingPeriod {
        self.period
    }

    /// Whether it goes as a list.
    pub fn is_bulk(&self) -> bool {
        self.is_bulk
    }

    /// Whether it goes before the requests about totals.
    pub fn goes_first(&self) -> bool {
        self.goes_first
    }

    /// The users, in the order in which they are sent.
    pub fn people(&self) -> &[PersonLine] {
        &self.people
    }
}
