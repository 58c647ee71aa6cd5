//! The lines of a plan: the comparison, with each figure at the row that it reaches.

use std::collections::BTreeMap;

use crate::domain::{Amount, BillingType, CarryOver, ComponentType, Place, ResourceId, Spot, visible};
use crate::findings::{Code, Finding, Findings};
use crate::resolve::{Capabilities, Catalogue, NO_FILE, Offering, Resource, RowsPer, Usage};

use super::change::{Change, Figures};
use super::compare::{Comparison, Entry, wanted};
use super::document::{InputFile, Kept, Line, ResourcePlan, SourceRow};
use super::month_state::{MonthState, Reporting};
use super::reach::{Placed, Reach, SplitPlans};

/// Makes lines of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct Planner<'a> {
    /// The server's state.
    pub catalogue: &'a Catalogue,
    /// What it can do.
    pub capabilities: &'a Capabilities,
    /// Who reports, and for which month.
    pub reporting: &'a Reporting,
    /// What is done with totals of several plan periods.
    pub split: SplitPlans,
    /// The files that the figures come from.
    pub inputs: &'a [InputFile],
}

impl Planner<'_> {
    /// The resources whose plan periods have to be known: those with something to post.
    pub fn looked_at(&self, comparison: &Comparison<'_>) -> Vec<ResourceId> {
        let has_posts = |id: ResourceId, component: &ComponentType, entry: &Entry<'_>| {
            !entry.is_settled() && self.state(id, component).takes_posts()
        };
        let looked_at = comparison.iter().filter(|(id, entries)| {
            entries.iter().any(|(component, entry)| has_posts(**id, component, entry))
        });
        looked_at.map(|(id, _)| *id).collect()
    }

    /// The lines of all resources, in the order in which people look for them. A figure that cannot be
    /// placed becomes a finding, and its key has no line.
    pub fn resources(&self, comparison: &Comparison<'_>, findings: &mut Findings) -> Vec<ResourcePlan> {
        let resources = comparison.iter().filter_map(|(id, entries)| {
            let resource = self.catalogue.resource(*id)?;
            let offering = self.catalogue.offering(resource.offering)?;
            Some(self.resource(resource, offering, entries, findings))
        });
        let mut resources: Vec<ResourcePlan> = resources.collect();
        resources.sort_by(|left, right| left.order().cmp(&right.order()));
        resources
    }

    fn resource(
        &self,
        resource: &Resource,
        offering: &Offering,
        entries: &BTreeMap<ComponentType, Entry<'_>>,
        findings: &mut Findings,
    ) -> ResourcePlan {
        let periods = self.catalogue.plan_periods(resource.id).unwrap_or_default();
        let rows = self.capabilities.rows.value;
        let reach = Reach { resource, periods, rows, reporting: self.reporting, split: self.split };
        let mut lines = Vec::new();
        for (component, entry) in entries {
            let state = self.state(resource.id, component);
            let placed = if entry.is_settled() {
                settled(&reach, entry)
            } else if state.takes_posts() {
                match reach.place(entry) {
                    Ok(placed) => placed,
                    Err(finding) => {
                        findings.push(about(finding, &entry.wanted));
                        continue;
                    }
                }
            } else {
                vec![closed(entry)]
            };
            self.warn(&reach, component, &placed, findings);
            lines.extend(
                placed.into_iter().map(|placed| self.line(resource, offering, component, placed, state)),
            );
        }
        let kept = kept(&lines, self.capabilities, self.reporting.is_current());
        ResourcePlan {
            resource: resource.id,
            name: resource.name.clone(),
            offering: offering.id,
            offering_name: offering.name.clone(),
            project_name: resource.project_name.clone(),
            customer: resource.customer,
            customer_name: resource.customer_name.clone(),
            plan_periods: reach.of_month().cloned().collect(),
            lines,
            kept,
            people: Vec::new(),
        }
    }

    /// What the month is to a component of a resource.
    fn state(&self, resource: ResourceId, component: &ComponentType) -> MonthState {
        let resource = self.catalogue.resource(resource);
        let offering = resource.and_then(|resource| self.catalogue.offering(resource.offering));
        let billing_type = offering.and_then(|offering| Some(&offering.component(component)?.billing_type));
        match resource.zip(billing_type) {
            Some((resource, billing_type)) => self.reporting.state(resource, billing_type),
            None => MonthState::Closed,
        }
    }

    /// What is posted as it is wanted, and has an effect that nobody may expect.
    fn warn(
        &self,
        reach: &Reach<'_>,
        component: &ComponentType,
        placed: &[Placed<'_>],
        findings: &mut Findings,
    ) {
        let name = visible(&reach.resource.name);
        let posted: Vec<&Placed<'_>> = placed.iter().filter(|one| one.change.wanted().is_some()).collect();
        let Some(last) = posted.iter().filter_map(|one| one.usage).next_back() else { return };
        let offering = self.catalogue.offering(reach.resource.offering);
        let billing_type = offering.and_then(|offering| Some(&offering.component(component)?.billing_type));
        let is_late = |billing_type| self.reporting.is_too_late_for_the_invoice(reach.resource, billing_type);
        if billing_type.is_some_and(is_late) {
            let found = format!("{name}, {component}: the invoice of {} was issued", self.reporting.period);
            let finding = Finding::new(Code::NotBilled, found, "an invoice that can still change");
            findings.push(about(finding, &[last]));
        }
        // Every report switches off what the month carries over, row by row, and sets its own.
        let is_last = |one: &Placed<'_>| one.usage.is_some_and(|usage| usage.row == last.row);
        let carries = |one: &&Placed<'_>| {
            let after =
                one.change.wanted().map(|new| new.carry_over).or(one.change.old().map(|old| old.carry_over));
            after.is_some_and(|carry_over| carry_over != CarryOver::None)
        };
        let lost = placed.iter().filter(|one| !is_last(one)).filter(carries).count();
        if lost > 0 {
            let found = format!("{name}, {component}: {lost} other rows of the month carry over");
            let finding =
                Finding::new(Code::CarryOverLost, found, "one row that carries over, the last one posted");
            findings.push(about(finding, &[last]));
        }
    }

    /// The row of a figure.
    pub(super) fn source(&self, place: &Place) -> Option<SourceRow> {
        let input = self.inputs.iter().position(|input| *input.name == *place.file)?;
        let Spot::Cell { row, column } = place.spot else { return None };
        Some(SourceRow { input: u32::try_from(input).ok()?, row, column })
    }

    /// A line, with what the catalogue knows of its component and its plan.
    fn line(
        &self,
        resource: &Resource,
        offering: &Offering,
        component: &ComponentType,
        placed: Placed<'_>,
        month: MonthState,
    ) -> Line {
        let known = offering.component(component);
        let is_billed = known.is_some_and(|known| known.billing_type == BillingType::Usage);
        let plan = placed.plan_period.and_then(|period| period.plan).or(resource.plan).filter(|_| is_billed);
        let is_wanted = placed.change.wanted().is_some();
        Line {
            unit: known.map(|known| known.measured_unit.clone()).unwrap_or_default(),
            billing_type: known
                .map_or(BillingType::Other("unknown".into()), |known| known.billing_type.clone()),
            has_limit: known.is_none_or(|known| known.has_limit),
            unit_price: plan.and_then(|plan| offering.price(plan, component)),
            component: component.clone(),
            row: placed.row,
            plan_period: placed.plan_period.map(|period| period.id),
            by_plan_period: placed.by_plan_period && is_wanted,
            frozen: placed.frozen,
            month: if is_wanted { month } else { MonthState::default() },
            invoice: None,
            note: placed.usage.filter(|usage| is_filled_in(usage)).map(|_| "no row names it".to_owned()),
            withheld: None,
            place: placed.usage.map(|usage| usage.place.to_string()),
            source: placed.usage.and_then(|usage| self.source(&usage.place)),
            change: placed.change,
        }
    }
}

/// Whether a figure stands in no file.
fn is_filled_in(usage: &Usage) -> bool {
    *usage.place.file == *NO_FILE
}

/// The lines of a key that is stored as it is wanted, or of which nothing is wanted.
fn settled<'a>(reach: &Reach<'a>, entry: &Entry<'a>) -> Vec<Placed<'a>> {
    let mut placed = reach.left_alone(&entry.stored);
    if let ([usage], [one]) = (entry.wanted.as_slice(), placed.as_mut_slice()) {
        one.usage = Some(usage);
        one.change = Change::Same { old: Figures::from(entry.stored[0]) };
    }
    placed
}

/// A key whose month is closed: its total is compared, and nothing of it is posted.
fn closed<'a>(entry: &Entry<'a>) -> Placed<'a> {
    let total = |amounts: Vec<Amount>| Amount::total(amounts).unwrap_or_default();
    let old = entry.stored.first().map(|first| Figures {
        amount: total(entry.stored.iter().map(|row| row.amount).collect()),
        ..Figures::from(*first)
    });
    let usage: &Usage = entry.wanted[0];
    let new = total(entry.wanted.iter().map(|usage| usage.amount.get()).collect());
    let mut new =
        super::Wanted { amount: new.try_into().unwrap_or(usage.amount), ..wanted(usage, old.as_ref()) };
    // A closed month is compared by its amounts alone.
    if let Some(old) = &old {
        new = super::Wanted { description: old.description.clone(), carry_over: old.carry_over, ..new };
    }
    let change = Change::between(new, old);
    let row = match entry.stored.as_slice() {
        [only] => Some(only.id),
        _ => None,
    };
    Placed { change, usage: Some(usage), row, plan_period: None, by_plan_period: false, frozen: None }
}

fn about(finding: Finding, usages: &[&Usage]) -> Finding {
    let Some((first, others)) = usages.split_first() else { return finding };
    let finding = finding.at(first.place.clone()).row(first.row);
    others.iter().fold(finding, |finding, other| finding.also(other.place.clone(), other.row))
}

/// The stored rows that ride along, because the server forgets every current usage that a post does
/// not name: those under the plan period that the post reaches. One that the server would refuse, or
/// count twice against a limit, stays at home, and so does one of which it is not known what it stands
/// under: a post would store a second row beside it.
pub fn kept(lines: &[Line], capabilities: &Capabilities, is_current: bool) -> Vec<Kept> {
    if !is_current || !capabilities.replaces_current_usages.value {
        return Vec::new();
    }
    let counts_twice = |line: &Line| line.has_limit && capabilities.limits_count_stored_row.value;
    let request_of = |line: &Line| {
        let mut posts = lines.iter().filter(|other| other.posted().is_some());
        let same = posts.find(|post| post.plan_period.is_some() && post.plan_period == line.plan_period)?;
        Some(same.plan_period.filter(|_| same.by_plan_period))
    };
    let is_alone = |line: &Line| {
        let same = |other: &&Line| other.component == line.component && other.plan_period == line.plan_period;
        lines.iter().filter(same).count() == 1
    };
    lines
        .iter()
        .filter(|line| line.change.wanted().is_none() && is_alone(line) && !counts_twice(line))
        .filter(|line| matches!(line.billing_type, BillingType::Usage | BillingType::Limit))
        .filter_map(|line| {
            let (old, row, plan_period) = (line.change.old()?, line.row?, request_of(line)?);
            let figures = old.clone();
            old.amount.has_cents_only().then(|| Kept {
                component: line.component.clone(),
                row,
                plan_period,
                figures,
            })
        })
        .collect()
}

/// What a post has to say for a line to be stored as it is planned: the total of the month where the
/// server takes the other rows off itself.
pub(super) fn amount_to_send(line: &Line, amount: Amount, rows: RowsPer) -> Amount {
    match (rows, line.frozen) {
        (RowsPer::PlanAndMonth, Some(frozen)) => amount.checked_add(frozen).unwrap_or(amount),
        _ => amount,
    }
}
