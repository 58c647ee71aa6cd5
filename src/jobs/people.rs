//! The usage of users beside what the jobs do about totals: read, set against what is stored now,
//! settled after a crash, told in a report, taken back.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::domain::{Amount, CarryOver, OfferingId, PlanPeriodId, ResourceId};
use crate::plan::{
    Figures, Line, Now, Outcome, PeopleBatch, PeopleStored, PersonLine, Plan, Planner, Reporting,
    ResourcePlan, Standing, StoredPeople, StoredPerson, StoredRows, StoredUsage, by_name, sums_by_total,
    unsettled_people,
};
use crate::resolve::{Catalogue, UserUsage, UserUsages};
use crate::waldur::{Reader, Sent, WaldurError};

use super::apply::{LineOutcome, changed_outcome};
use super::post_people::{PeopleExchange, is_missing, standings_in};
use super::refresh::StaleLine;
use super::verify::VerifiedLine;

/// What is stored of the users of a file, and who they are.
#[derive(Debug, Default)]
pub struct ReadPeople {
    stored: Vec<StoredPerson>,
    users: crate::plan::OfferingUsers,
    /// The resources with a user whose figure is not simply there already.
    pub unsettled: BTreeSet<ResourceId>,
}

impl ReadPeople {
    /// Reads what a plan of these figures needs; nothing at all where there are none.
    pub async fn read(
        reader: &Reader,
        catalogue: &Catalogue,
        wanted: &UserUsages,
        totals: &[StoredUsage],
    ) -> Result<Self, WaldurError> {
        let Some(first) = wanted.list().first() else { return Ok(Self::default()) };
        let offering = |id: ResourceId| catalogue.resource(id).map(|resource| resource.offering);
        let named = wanted.list().iter().filter_map(|user| offering(user.resource)).collect();
        let stored = reader.user_usages(catalogue, &named, first.period, totals).await?;
        let unsettled = unsettled_people(wanted.list(), totals, &by_name(&stored));
        let sent = unsettled.iter().filter_map(|&id| offering(id)).collect();
        let users = reader.offering_users(&sent).await?;
        Ok(Self { stored, users, unsettled })
    }

    /// Adds the lines of the users to those of their resources.
    pub fn add_lines(
        &self,
        planner: &Planner<'_>,
        wanted: &[UserUsage],
        resources: &mut [ResourcePlan],
        findings: &mut crate::findings::Findings,
    ) {
        let (people, sums) = (by_name(&self.stored), sums_by_total(&self.stored));
        let stored = PeopleStored { people: &people, sums: &sums, users: &self.users };
        planner.people(wanted, stored, resources, findings);
    }
}

/// What is stored of the users that a plan speaks of; asks nothing where it speaks of none.
pub async fn stored_for(
    reader: &Reader,
    plan: &Plan,
    catalogue: &Catalogue,
    totals: &[StoredUsage],
) -> Result<Vec<StoredPerson>, WaldurError> {
    let with_people = plan.resources.iter().filter(|resource| !resource.people.is_empty());
    let offerings: BTreeSet<OfferingId> = with_people.map(|resource| resource.offering).collect();
    reader.user_usages(catalogue, &offerings, plan.header.period, totals).await
}

/// Withholds the users of totals that are withheld, where nothing, or nothing but zero, is stored of
/// them: there is no row to send them to, or a newer server would bill them.
pub fn withhold(plan: &mut Plan) {
    for resource in &mut plan.resources {
        let lacks_total = |person: &PersonLine| {
            let total = resource.total_line(person).filter(|total| total.withheld.is_some());
            total.is_some_and(|total| total.change.old().is_none_or(|old| old.amount.is_zero()))
        };
        let withheld: Vec<usize> =
            (0..resource.people.len()).filter(|&at| lacks_total(&resource.people[at])).collect();
        for at in withheld {
            resource.people[at].withheld = Some("its total is not sent".into());
        }
    }
}

/// The users of one resource among all.
pub(super) fn of_resource(people: &[StoredPerson], resource: ResourceId) -> Vec<StoredPerson> {
    people.iter().filter(|person| person.resource == resource).cloned().collect()
}

/// The users whose stored usage is neither that of the plan nor the new one, also where nothing was to
/// be sent of them.
pub(super) fn stale(
    resource: &ResourcePlan,
    rows: &StoredRows<'_>,
    people: &StoredPeople<'_>,
) -> Vec<StaleLine> {
    let is_stale =
        |person: &&PersonLine| resource.person_standing(person, rows, people) == Standing::Otherwise;
    let named = resource.people.iter().filter(|person| !person.is_correction());
    let lines = named.filter(is_stale).map(|person| {
        let now = resource.person_now(person, rows, people);
        stale_line(resource, person, person.old, now, person.new.get())
    });
    lines.collect()
}

fn stale_line(
    resource: &ResourcePlan,
    person: &PersonLine,
    planned_from: Option<Amount>,
    stored: Option<Amount>,
    new: Amount,
) -> StaleLine {
    StaleLine {
        resource: resource.resource,
        name: resource.name.clone(),
        component: person.component.clone(),
        username: Some(person.username.clone()),
        planned_from: planned_from.map(figures),
        stored: stored.map(figures),
        new: Some(new),
        plan_periods_changed: false,
    }
}

/// Takes the users out whose usage is stored as planned already; how many.
pub(super) fn settle(resource: &mut ResourcePlan, rows: &StoredRows<'_>, people: &StoredPeople<'_>) -> usize {
    let is_there = |person: &PersonLine| {
        person.is_posted() && resource.person_standing(person, rows, people) == Standing::AsPlanned
    };
    let there: Vec<usize> = (0..resource.people.len()).filter(|&at| is_there(&resource.people[at])).collect();
    for &at in &there {
        let person = &mut resource.people[at];
        person.old = Some(person.new.get());
    }
    there.len()
}

/// What became of the requests about users of a run that is taken up again; the resources of those that
/// are still to be sent. One of which no answer is known is settled by what is stored.
pub(super) fn settle_requests(
    plan: &Plan,
    answers: &HashMap<u32, Sent>,
    rows: &StoredRows<'_>,
    people: &StoredPeople<'_>,
    settled: &mut HashMap<u32, Sent>,
) -> Vec<ResourceId> {
    let mut open = Vec::new();
    for (resource, batches) in PeopleBatch::of_plan(plan) {
        for batch in batches {
            let standings = || standings_in(resource, &batch, rows, people);
            match answers.get(&batch.number()) {
                // An account that was refused was not heard at all.
                Some(Sent::Rejected { status: 401 | 403, .. }) => open.push(resource.resource),
                Some(sent @ (Sent::Accepted | Sent::Rejected { .. })) => {
                    settled.insert(batch.number(), sent.clone());
                }
                Some(lost @ Sent::Lost { .. }) if !is_missing(&standings()) => {
                    settled.insert(batch.number(), lost.clone());
                }
                Some(Sent::Lost { .. } | Sent::NotNow { .. } | Sent::NotSent { .. }) | None => {
                    open.push(resource.resource);
                }
            }
        }
    }
    open
}

/// What became of the users of a request.
pub(super) fn outcomes(
    plan: &Plan,
    resource: &ResourcePlan,
    exchange: &PeopleExchange,
    stored: Option<(&StoredRows<'_>, &StoredPeople<'_>)>,
    lines: &mut Vec<LineOutcome>,
) {
    for person in exchange.batch.people() {
        let total = stored.and_then(|(rows, _)| resource.total_of(person, rows)).map(|(total, _)| total);
        let now = stored.map(|(rows, people)| {
            let amount = resource.person_now(person, rows, people);
            amount.zip(total).map_or(Now::Nothing, |(amount, total)| Now::Row(total, figures(amount)))
        });
        let planned = figures(person.new.get());
        let old = person.old.map(figures);
        lines.push(LineOutcome {
            resource: resource.resource,
            name: resource.name.clone(),
            component: person.component.clone(),
            username: Some(person.username.clone()),
            place: Some(plan.cell_of(person.place.as_deref()).to_owned()),
            outcome: changed_outcome(&exchange.sent, &planned, old.as_ref(), now.as_ref()),
            planned,
            // What is known of a row is known of totals; this is a part of one.
            row: None,
            source: person.source,
        });
    }
}

/// The totals that no request was about, and that the requests about their users changed all the same.
pub(super) fn totals_that_moved(
    resource: &ResourcePlan,
    exchanges: &[PeopleExchange],
    rows: &StoredRows<'_>,
    lines: &mut Vec<LineOutcome>,
) {
    let sent = exchanges.iter().filter(|exchange| !matches!(exchange.sent, Sent::NotSent { .. }));
    let totals = sent.filter_map(|exchange| resource.total_line(exchange.batch.people().first()?));
    let mut seen: Vec<&Line> = Vec::new();
    for total in totals.filter(|total| total.posted().is_none()) {
        let Some(old) = total.change.old().filter(|_| !seen.contains(&total)) else { continue };
        seen.push(total);
        let now = resource.now(total, rows);
        if now.is(Some(old)) {
            continue;
        }
        lines.push(LineOutcome {
            resource: resource.resource,
            name: resource.name.clone(),
            component: total.component.clone(),
            username: None,
            place: None,
            planned: old.clone(),
            row: now.row(),
            source: None,
            outcome: Outcome::Differs { stored: now.figures().cloned() },
        });
    }
}

/// Withholds the users that are not the run's own to take back, by the numbers of their requests.
pub(super) fn withhold_unsent(plan: &mut Plan, is_own: impl Fn(ResourceId, u32, &PersonLine) -> bool) {
    let batches: Vec<PeopleBatch> =
        PeopleBatch::of_plan(plan).into_iter().flat_map(|(_, batches)| batches).collect();
    let mut people: HashMap<ResourceId, Vec<&PersonLine>> = HashMap::new();
    for batch in &batches {
        let id = batch.resource();
        let unsent = batch.people().iter().filter(|person| !is_own(id, batch.number(), person));
        people.entry(id).or_default().extend(unsent);
    }
    for resource in &mut plan.resources {
        let Some(unsent) = people.get(&resource.resource) else { continue };
        let unsent: HashSet<(&str, &str, Option<PlanPeriodId>)> = unsent
            .iter()
            .map(|person| (person.component.as_str(), person.username.as_str(), person.plan_period))
            .collect();
        for person in &mut resource.people {
            let key = (person.component.as_str(), person.username.as_str(), person.plan_period);
            if unsent.contains(&key) {
                person.withheld = Some("the run has not sent it".into());
            }
        }
    }
}

/// The users of a run as they stand now.
pub(super) fn verified(
    resource: &ResourcePlan,
    rows: &StoredRows<'_>,
    people: &StoredPeople<'_>,
) -> Vec<VerifiedLine> {
    let lines = resource.posted_people().map(|person| {
        let now = resource.person_now(person, rows, people);
        VerifiedLine {
            resource: resource.resource,
            name: resource.name.clone(),
            component: person.component.clone(),
            username: Some(person.username.clone()),
            planned: figures(person.new.get()),
            stored: now.map(figures),
            is_as_planned: now == Some(person.new.get()),
        }
    });
    lines.collect()
}

/// What takes the users of a run back, and what somebody else changed of them since.
pub(super) struct WayBack<'a> {
    pub catalogue: &'a Catalogue,
    pub reporting: &'a Reporting,
    pub rows: &'a StoredRows<'a>,
    pub people: &'a StoredPeople<'a>,
}

impl WayBack<'_> {
    /// The users that are neither as they were sent nor as they were before.
    pub fn stale(&self, undone: &ResourcePlan) -> Vec<StaleLine> {
        let is_stale = |person: &&PersonLine| {
            undone.person_standing(person, self.rows, self.people) == Standing::Otherwise
        };
        let lines = undone.posted_people().filter(is_stale).map(|person| {
            let now = undone.person_now(person, self.rows, self.people);
            stale_line(undone, person, Some(person.new.get()), now, person.old.unwrap_or_default())
        });
        lines.collect()
    }

    /// The lines that take users back; what was absent can only become 0.
    pub fn lines(&self, undone: &ResourcePlan) -> Vec<PersonLine> {
        let mut lines = Vec::new();
        for person in undone.posted_people() {
            let is_there = undone.person_standing(person, self.rows, self.people) == Standing::AsPlanned;
            let Some((total, _)) = undone.total_of(person, self.rows).filter(|_| is_there) else { continue };
            let old = person.old.unwrap_or_default();
            let (new, withheld) = match old.try_into() {
                Ok(new) => (new, None),
                Err(reason) => {
                    let why = format!("{old} was stored before, which cannot be posted: {reason}");
                    (person.new, Some(why))
                }
            };
            let resource = self.catalogue.resource(undone.resource);
            let billing_type = undone.total_line(person).map(|total| &total.billing_type);
            let month = resource.zip(billing_type);
            lines.push(PersonLine {
                total: Some(total),
                old: Some(person.new.get()),
                new,
                month: month.map(|(one, kind)| self.reporting.state_of_people(one, kind)).unwrap_or_default(),
                withheld,
                source: None,
                note: person.old.is_none().then(|| "was absent, and can only become 0".to_owned()),
                ..person.clone()
            });
        }
        lines
    }
}

/// An amount of a user as figures: nothing else is kept of it.
fn figures(amount: Amount) -> Figures {
    Figures { amount, description: String::new(), carry_over: CarryOver::None }
}
