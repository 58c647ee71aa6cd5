//! The laws of reaching rows: a month is stored as the file says in all, or there is a finding.

use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::{
    BillingPeriod, CarryOver, CustomerId, OfferingId, Place, PlanId, PlanPeriodId, ProjectId, ResourceId,
    ResourceState,
};
use crate::findings::RowIndex;
use crate::resolve::Capabilities;

const NOW: &str = "2026-11-20T09:00:00Z";

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn resource() -> Resource {
    Resource {
        id: ResourceId::new(id(1)),
        name: "alps".into(),
        slug: String::new(),
        backend_id: String::new(),
        state: ResourceState::Ok,
        offering: OfferingId::new(id(2)),
        created: None,
        plan: Some(PlanId::new(id(3))),
        project: ProjectId::new(id(4)),
        project_name: String::new(),
        customer: CustomerId::new(id(5)),
        customer_name: String::new(),
    }
}

/// So many plan periods one after the other, the last one open; each of a plan of its own.
fn periods(count: usize) -> Vec<PlanPeriod> {
    let moment = |at: usize| format!("2026-11-{:02}T00:00:00Z", 1 + at * 5).parse::<Timestamp>().unwrap();
    (0..count)
        .map(|at| PlanPeriod {
            id: PlanPeriodId::new(id(100 + u128::try_from(at).unwrap())),
            plan: Some(PlanId::new(id(200 + u128::try_from(at).unwrap()))),
            plan_name: format!("plan {at}"),
            start: (at > 0).then(|| moment(at)),
            end: (at + 1 < count).then(|| moment(at + 1)),
            usages: Vec::new(),
        })
        .collect()
}

fn month() -> BillingPeriod {
    "2026-11".parse().unwrap()
}

fn amount(cents: u32) -> Amount {
    format!("{}.{:02}", cents / 100, cents % 100).parse().unwrap()
}

fn row(number: usize, cents: u32) -> StoredUsage {
    StoredUsage {
        id: UsageId::new(id(1_000 + u128::try_from(number).unwrap())),
        resource: ResourceId::new(id(1)),
        component: "cpu".parse().unwrap(),
        period: month(),
        amount: amount(cents),
        description: String::new(),
        carry_over: CarryOver::None,
        modified_by: None,
    }
}

fn usage(cents: u32, plan_period: Option<PlanPeriodId>) -> Usage {
    Usage {
        resource: ResourceId::new(id(1)),
        component: "cpu".parse().unwrap(),
        period: month(),
        plan_period,
        amount: amount(cents).try_into().unwrap(),
        unrounded: None,
        description: None,
        carry_over: None,
        place: Place::file("usage.csv"),
        row: RowIndex(0),
    }
}

fn reporting() -> Reporting {
    Reporting::new(month(), month(), NOW.parse().unwrap(), &Capabilities::default())
}

/// What is stored in all once the lines are carried out.
fn after(placed: &[Placed<'_>]) -> Amount {
    Amount::total(placed.iter().filter_map(|one| one.change.amount_after())).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// A total ends as the sum of the month's rows, whichever of them a post reaches, or is a finding.
    #[test]
    fn a_total_is_what_the_month_adds_up_to(
        count in 1_usize..=3,
        under in prop::collection::vec((0_usize..=3, 0_u32..5_000), 0..4),
        total in 0_u32..10_000,
        newer: bool,
        remainder: bool,
    ) {
        let mut periods = periods(count);
        let mut stored: Vec<StoredUsage> = Vec::new();
        let mut taken = std::collections::BTreeSet::new();
        for (number, (period, cents)) in under.into_iter().enumerate() {
            // Each plan period has one row, and rows under none of them any number.
            if period < count && !taken.insert(period) {
                continue;
            }
            stored.push(row(number, cents));
            if let Some(period) = periods.get_mut(period) {
                period.usages.push(stored.last().unwrap().id);
            }
        }
        let (resource, reporting, wanted) = (resource(), reporting(), usage(total, None));
        let rows = if newer { RowsPer::PlanAndMonth } else { RowsPer::PlanPeriod };
        let split = if remainder { SplitPlans::Remainder } else { SplitPlans::Refuse };
        let reach = Reach { resource: &resource, periods: &periods, rows, reporting: &reporting, split };
        let entry = Entry { wanted: vec![&wanted], stored: stored.iter().collect() };
        match reach.place(&entry) {
            Ok(placed) => {
                prop_assert_eq!(after(&placed), amount(total));
                // Every stored row stands in just one line, and just one line is the file's.
                let mut seen: Vec<UsageId> = placed.iter().filter_map(|one| one.row).collect();
                seen.sort();
                let mut ids: Vec<UsageId> = stored.iter().map(|row| row.id).collect();
                ids.sort();
                prop_assert_eq!(seen, ids);
                prop_assert_eq!(placed.iter().filter(|one| one.usage.is_some()).count(), 1);
                // What is posted goes to the plan period that lasts.
                let posted = placed.iter().find(|one| one.usage.is_some()).unwrap();
                prop_assert_eq!(posted.plan_period.map(|period| period.id), Some(periods[count - 1].id));
                let others: Vec<&StoredUsage> = stored.iter().filter(|row| posted.row != Some(row.id)).collect();
                prop_assert_eq!(posted.frozen.unwrap_or_default(), sum(&others));
            }
            Err(finding) => {
                let frozen: Vec<&StoredUsage> =
                    stored.iter().filter(|row| !periods[count - 1].usages.contains(&row.id)).collect();
                let is_below = sum(&frozen) > amount(total);
                let is_split = count > 1 || !frozen.is_empty();
                match finding.code {
                    Code::BelowFrozen => prop_assert!(is_below),
                    Code::SeveralPlanPeriods => prop_assert!(is_split && !newer && !remainder),
                    code => prop_assert!(false, "{code}"),
                }
            }
        }
    }

    /// Figures that name their plan periods stand under them in the end, and nothing else moves.
    #[test]
    fn a_named_figure_is_what_its_plan_period_holds(
        count in 1_usize..=3,
        figures in prop::collection::btree_map(0_usize..3, 0_u32..5_000, 1..3),
        before in prop::collection::btree_map(0_usize..3, 0_u32..5_000, 0..3),
        newer: bool,
    ) {
        let mut periods = periods(count);
        let mut stored: Vec<StoredUsage> = Vec::new();
        for (&at, &cents) in before.iter().filter(|(at, _)| **at < count) {
            stored.push(row(at, cents));
            periods[at].usages.push(stored.last().unwrap().id);
        }
        let named: Vec<(usize, u32)> = figures.into_iter().filter(|(at, _)| *at < count).collect();
        prop_assume!(!named.is_empty());
        let wanted: Vec<Usage> = named.iter().map(|&(at, cents)| usage(cents, Some(periods[at].id))).collect();
        let (resource, reporting) = (resource(), reporting());
        let rows = if newer { RowsPer::PlanAndMonth } else { RowsPer::PlanPeriod };
        let split = SplitPlans::Refuse;
        let reach = Reach { resource: &resource, periods: &periods, rows, reporting: &reporting, split };
        let entry = Entry { wanted: wanted.iter().collect(), stored: stored.iter().collect() };
        let placed = reach.place(&entry).unwrap();
        for (at, period) in periods.iter().enumerate() {
            let now: Vec<Amount> = placed
                .iter()
                .filter(|one| one.plan_period.is_some_and(|own| own.id == period.id))
                .filter_map(|one| one.change.amount_after())
                .collect();
            let expected = named
                .iter()
                .find(|(named, _)| *named == at)
                .map(|(_, cents)| amount(*cents))
                .or(before.get(&at).map(|cents| amount(*cents)));
            prop_assert_eq!(now, expected.into_iter().collect::<Vec<_>>());
        }
        // A server that takes other rows off is told the total: row and others as they are by then.
        for (at, one) in placed.iter().enumerate().filter(|(_, one)| one.usage.is_some() && newer) {
            let others = placed.iter().enumerate().filter(|(other, _)| *other != at).filter_map(|(other, line)| {
                if other < at { line.change.amount_after() } else { line.change.old().map(|old| old.amount) }
            });
            prop_assert_eq!(one.frozen.unwrap_or_default(), Amount::total(others).unwrap());
        }
    }
}
