//! One request about users: parts of one total, several at once where the server takes a list of them.
//!
//! The requests of a plan are counted on from those about totals, so that a number means the same
//! request whenever the plan is carried out. A request names the stored usage that is the total and
//! no date: so it reaches that month and that row, whatever the server's clock shows.

use crate::domain::ResourceId;

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
            let batches = Self::of_resource(resource, is_bulk, number);
            number = number.saturating_add(u32::try_from(batches.len()).unwrap_or(u32::MAX));
            (resource, batches)
        };
        plan.changed().map(&mut of_resource).collect()
    }

    fn of_resource(resource: &ResourcePlan, is_bulk: bool, first: u32) -> Vec<Self> {
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

#[cfg(test)]
mod tests {
    use super::super::people::tests::{line, person, plan, set};
    use super::*;

    /// The requests: number, whether it goes first, and its users.
    fn requests(plan: &Plan) -> Vec<(u32, bool, Vec<String>)> {
        let batches = PeopleBatch::of_plan(plan).into_iter().flat_map(|(_, batches)| batches);
        let names = |batch: &PeopleBatch| {
            batch.people().iter().map(|person| format!("{} {}", person.component, person.username)).collect()
        };
        batches.map(|batch| (batch.number(), batch.goes_first(), names(&batch))).collect()
    }

    #[test]
    fn requests_are_counted_on_from_those_about_totals() {
        let lines = vec![line("cpu", None, Some("10")), line("ram", Some("5"), None)];
        let people = vec![
            person("cpu", "anna", None, "4"),
            person("cpu", "bert", Some("6"), "6"),
            person("cpu", "carl", Some("1"), "6"),
            person("ram", "anna", None, "5"),
        ];
        let mut plan = plan(lines, people);
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            requests(&plan),
            [
                (1, false, names(&["cpu anna"])),
                (2, false, names(&["cpu carl"])),
                (3, false, names(&["ram anna"]))
            ]
        );
        plan.header.capabilities.bulk_user_usages.value = true;
        assert_eq!(
            requests(&plan),
            [(1, false, names(&["cpu anna", "cpu carl"])), (2, false, names(&["ram anna"]))]
        );
        plan.resources[0].people.iter_mut().for_each(|person| person.old = Some(person.new.get()));
        assert_eq!(requests(&plan), []);
    }

    #[test]
    fn users_go_before_a_total_that_is_emptied_and_at_most_a_hundred_at_once() {
        let people = (0..250).map(|number| person("cpu", &format!("user-{number:03}"), Some("1"), "0"));
        let mut plan = plan(vec![line("cpu", Some("10"), Some("0"))], people.collect());
        plan.header.capabilities.bulk_user_usages.value = true;
        let sizes: Vec<(bool, usize)> =
            requests(&plan).iter().map(|(_, first, people)| (*first, people.len())).collect();
        assert_eq!(sizes, [(true, 100), (true, 100), (true, 50)]);
        plan.resources[0].lines[0] = line("cpu", Some("10"), Some("9"));
        plan.resources[0].people.iter_mut().for_each(|person| person.new = set("2"));
        assert!(requests(&plan).iter().all(|(_, first, _)| !first));
    }
}
