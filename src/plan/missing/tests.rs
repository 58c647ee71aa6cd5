//! Who is looked at, what is missing of them, and how far back a month is remembered.

use uuid::Uuid;

use super::*;
use crate::domain::{CarryOver, CustomerId, PlanId, ProjectId, ResourceState, UsageId};

const OFFERING: u128 = 100;

fn period(text: &str) -> BillingPeriod {
    text.parse().unwrap()
}

fn component(name: &str, billing_type: BillingType) -> Component {
    Component {
        component_type: name.parse().unwrap(),
        name: name.to_uppercase(),
        measured_unit: "h".into(),
        billing_type,
        has_limit: false,
        limit: None,
    }
}

fn resource(number: u128, state: ResourceState, created: Option<&str>) -> Resource {
    Resource {
        id: ResourceId::new(Uuid::from_u128(number)),
        name: format!("resource-{number}"),
        slug: String::new(),
        backend_id: format!("r{number}"),
        state,
        offering: OfferingId::new(Uuid::from_u128(OFFERING)),
        created: created.map(|created| created.parse().unwrap()),
        plan: Some(PlanId::new(Uuid::from_u128(7))),
        project: ProjectId::new(Uuid::from_u128(8)),
        project_name: "Project".into(),
        customer: CustomerId::new(Uuid::from_u128(9)),
        customer_name: "Organisation".into(),
    }
}

/// An offering with a component by usage, one by limit and one at a fixed price.
fn catalogue(resources: Vec<Resource>) -> Catalogue {
    let mut catalogue = Catalogue::new(period("2026-11"));
    catalogue.add_offering(Offering {
        id: OfferingId::new(Uuid::from_u128(OFFERING)),
        name: "HPC".into(),
        customer: None,
        components: vec![
            component("ram", BillingType::Usage),
            component("cpu", BillingType::Limit),
            component("seats", BillingType::Fixed),
        ],
        prices: HashMap::new(),
    });
    for resource in resources {
        catalogue.add_resource(resource);
    }
    catalogue
}

fn stored(resource: u128, component: &str, month: &str, amount: &str) -> StoredUsage {
    StoredUsage {
        id: UsageId::new(Uuid::new_v4()),
        resource: ResourceId::new(Uuid::from_u128(resource)),
        component: component.parse().unwrap(),
        period: period(month),
        amount: amount.parse().unwrap(),
        description: String::new(),
        carry_over: CarryOver::from_recurring(false),
        modified_by: None,
    }
}

fn find(catalogue: &Catalogue, month: &str, stored: &[StoredUsage]) -> Gaps {
    Gaps::find(catalogue, |_| true, period(month), stored, &TimeZone::UTC)
}

#[test]
fn every_resource_is_looked_at_or_left_out_for_one_reason() {
    let mut without_plan = resource(2, ResourceState::Ok, None);
    without_plan.plan = None;
    // In Tallinn it is December already.
    let on_the_turn = Some("2026-11-30T22:30:00Z");
    let catalogue = catalogue(vec![
        resource(1, ResourceState::Ok, None),
        without_plan,
        resource(3, ResourceState::Terminated, None),
        resource(4, ResourceState::Erred, None),
        resource(5, ResourceState::Terminating, on_the_turn),
        resource(6, ResourceState::Updating, Some("2026-12-01T00:00:00Z")),
    ]);
    let rows = [
        stored(1, "ram", "2026-11", "0"),
        stored(1, "cpu", "2026-10", "5"),
        // What is not the month's, or cannot be reported, fills no gap.
        stored(5, "seats", "2026-11", "1"),
    ];
    let (counts, gaps) = find(&catalogue, "2026-11", &rows).settle();
    let expected = MissingCounts {
        resources: 2,
        in_other_states: 2,
        without_plan: 1,
        made_later: 1,
        without_components: 0,
        figures: 4,
        figures_missing: 3,
        resources_missing: 2,
        resources_silent: 1,
    };
    assert_eq!(counts, expected);
    let keys: Vec<String> =
        gaps.iter().map(|gap| format!("{} {}", gap.resource_name, gap.component)).collect();
    assert_eq!(keys, ["resource-1 cpu", "resource-5 ram", "resource-5 cpu"]);
    let tallinn = TimeZone::get("Europe/Tallinn").unwrap();
    let (counts, _) = Gaps::find(&catalogue, |_| true, period("2026-11"), &rows, &tallinn).settle();
    assert_eq!((counts.resources, counts.made_later), (1, 2));
    let nobody = Gaps::find(&catalogue, |_| false, period("2026-11"), &rows, &tallinn).settle();
    assert_eq!(nobody, (MissingCounts::default(), Vec::new()));
}

#[test]
fn the_last_month_with_rows_is_told_with_their_sum() {
    let catalogue = catalogue(vec![resource(1, ResourceState::Ok, Some("2020-01-01T00:00:00Z"))]);
    let mut gaps = find(&catalogue, "2026-11", &[]);
    gaps.learn(&[stored(1, "ram", "2026-10", "1.25"), stored(1, "ram", "2026-10", "2.50")]);
    assert_eq!(gaps.open(period("2026-09")).len(), 1, "cpu is open still");
    // Neither an earlier row of what is known nor one beyond a year changes anything.
    gaps.learn(&[stored(1, "ram", "2026-09", "9"), stored(1, "cpu", "2025-10", "9")]);
    let (_, list) = gaps.settle();
    let told: Vec<_> = list.iter().map(|gap| (gap.last_reported, gap.last_amount, gap.since())).collect();
    assert_eq!(
        told,
        [
            (Some(period("2026-10")), Some("3.75".parse().unwrap()), "2026-11".to_owned()),
            (None, None, "2025-11 or earlier".to_owned()),
        ]
    );
}

#[test]
fn twelve_months_are_looked_at_and_none_before_a_resource_was_made() {
    let catalogue = catalogue(vec![
        resource(1, ResourceState::Ok, Some("2026-09-30T23:59:59Z")),
        resource(2, ResourceState::Ok, Some("2026-11-02T00:00:00Z")),
    ]);
    let gaps = find(&catalogue, "2026-11", &[stored(1, "cpu", "2026-11", "1")]);
    let months: Vec<String> = gaps.months_before().map(|month| month.to_string()).collect();
    assert_eq!((months.len(), months[0].as_str(), months[11].as_str()), (12, "2026-10", "2025-11"));
    let open = |month: &str| gaps.open(period(month)).into_values().flatten().count();
    assert_eq!((open("2026-10"), open("2026-09"), open("2026-08")), (1, 1, 0));
    let (_, list) = gaps.settle();
    let since: Vec<String> = list.iter().map(Gap::since).collect();
    assert_eq!(
        since,
        ["2026-09, when it was made", "2026-11, when it was made", "2026-11, when it was made"]
    );
}

#[test]
fn the_first_month_of_all_has_none_before_it() {
    let catalogue = catalogue(vec![resource(1, ResourceState::Ok, None)]);
    let gaps = find(&catalogue, "1970-01", &[]);
    assert_eq!(gaps.months_before().count(), 0);
    assert_eq!(gaps.settle().1[0].since(), "1970-01 or earlier");
}
