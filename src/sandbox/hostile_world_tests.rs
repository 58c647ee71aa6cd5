//! Worlds that no server could hold: each is refused with what is wrong, before anything is served.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use uuid::Uuid;

use super::behaviour::Behaviour;
use super::copied_world::{CopiedComponent, CopiedOffering, CopiedPlan, CopiedResource, CopiedWorld};
use super::data::{Data, InvoiceState};
use super::pseudonyms::Names;
use super::rules;
use super::world::{Invoice, OfferingUser, World};
use crate::domain::{
    Amount, BillingType, CarryOver, CustomerId, OfferingId, PlanId, ProjectId, ResourceId, ResourceState,
};

fn opened(world: World) -> Result<Data, String> {
    let now = world.now;
    let mut data = Data::new(world).map_err(|error| error.to_string())?;
    rules::open_books(&mut data, &Behaviour::dialect_2024(), now).map_err(|error| error.to_string())?;
    Ok(data)
}

/// What the built-in world is refused with after a change.
fn refusal(change: impl FnOnce(&mut World)) -> String {
    let mut world = World::built_in();
    change(&mut world);
    opened(world).map(|_| ()).unwrap_err()
}

fn position(world: &World, name: &str) -> usize {
    world.resources.iter().position(|resource| resource.name == name).unwrap()
}

#[test]
fn a_plan_of_another_offering_is_refused() {
    let change = |world: &mut World| {
        let foreign = world.offerings[1].plans[0].uuid;
        let at = position(world, "benchmarks");
        world.resources[at].plan_uuid = Some(foreign);
    };
    let told = refusal(change);
    assert!(
        told.starts_with("the resource ") && told.contains(" has a plan of another offering, "),
        "{told}"
    );
    let told = refusal(|world| {
        let foreign = world.offerings[0].plans[1].uuid;
        let at = position(world, "centre-backup");
        world.resources[at].plan_periods[0].plan_uuid = foreign;
    });
    assert!(told.contains(" has a plan of another offering, "), "{told}");
    let told = refusal(|world| world.resources[0].plan_uuid = Some(Uuid::from_u128(7)));
    assert_eq!(told, "the world has no plan 00000000000000000000000000000007");
}

#[test]
fn two_offerings_may_share_a_plan_at_different_places() {
    let mut world = World::built_in();
    let lent = world.offerings[0].plans[1].clone();
    let at = position(&world, "centre-backup");
    world.offerings[1].plans.push(lent.clone());
    world.resources[at].plan_uuid = Some(lent.uuid);
    let data = opened(world).unwrap();
    let resource = &data.resources[at];
    let plans = &data.offerings[resource.offering].written.plans;
    assert_eq!(plans[resource.plan.unwrap()].uuid, lent.uuid);
    let own = &data.resources.iter().find(|resource| resource.name == "flame-les").unwrap();
    assert_eq!(data.offerings[own.offering].written.plans[own.plan.unwrap()].uuid, lent.uuid);
}

#[test]
fn a_child_offering_that_borrows_a_plan_is_copied_with_its_prices() {
    let component = || CopiedComponent {
        uuid: None,
        component_type: "cpu".parse().unwrap(),
        name: "CPU".into(),
        measured_unit: "hours".into(),
        billing_type: BillingType::Usage,
        limit_period: None,
        limit_amount: None,
        article_code: String::new(),
        is_boolean: false,
    };
    let plan = |id: u128, price: &str| CopiedPlan {
        id: PlanId::new(Uuid::from_u128(id)),
        name: "Standard".into(),
        unit: "month".into(),
        unit_price: Amount::ZERO,
        prices: [("cpu".parse().unwrap(), price.parse().unwrap())].into(),
        amounts: [].into(),
    };
    let offering = |id: u128, plans: Vec<CopiedPlan>| CopiedOffering {
        id: OfferingId::new(Uuid::from_u128(id)),
        name: "HPC".into(),
        slug: "hpc".into(),
        kind: "Marketplace.Basic".into(),
        state: "Active".into(),
        billable: true,
        shared: true,
        provider: CustomerId::new(Uuid::from_u128(30)),
        provider_name: "Provider".into(),
        components: vec![component()],
        plans,
    };
    let resource = |id: u128, offering: u128, plan: u128| CopiedResource {
        id: ResourceId::new(Uuid::from_u128(id)),
        name: "one".into(),
        slug: "one".into(),
        backend_id: "one".into(),
        state: ResourceState::Ok,
        offering: OfferingId::new(Uuid::from_u128(offering)),
        plan: Some(PlanId::new(Uuid::from_u128(plan))),
        project: ProjectId::new(Uuid::from_u128(40)),
        project_name: "Project".into(),
        customer: CustomerId::new(Uuid::from_u128(31)),
        customer_name: "Customer".into(),
        created: None,
        limits: serde_json::Map::new(),
        current_usages: serde_json::Map::new(),
        plan_periods: None,
    };
    let now: Timestamp = "2026-11-20T09:00:00Z".parse().unwrap();
    let mut copy = CopiedWorld::new("https://waldur.example.org", now, Names::Kept);
    copy.add_offering(offering(10, vec![plan(20, "1"), plan(21, "2.50")]));
    copy.add_offering(offering(11, Vec::new()));
    copy.add_resource(resource(50, 10, 21));
    copy.add_resource(resource(51, 11, 21));
    copy.add_resource(resource(52, 11, 22));
    let world = copy.finish(&["2026-10".parse().unwrap(), "2026-11".parse().unwrap()]);
    let child = &world.offerings[1].plans;
    assert_eq!(child[0].prices.values().collect::<Vec<_>>(), [&"2.50".parse().unwrap()]);
    assert!(child[1].prices.is_empty(), "of a plan that nobody shows no price is known");
    let states: Vec<InvoiceState> = world.invoices.iter().map(|invoice| invoice.state).collect();
    assert_eq!(states, [InvoiceState::Created, InvoiceState::Pending]);
    opened(world).unwrap();
}

#[test]
fn a_usage_belongs_to_its_resource_and_has_cents_at_most() {
    let told = refusal(|world| {
        let other = world.usages.iter().rposition(|usage| usage.plan_period_uuid.is_some()).unwrap();
        world.usages[0].plan_period_uuid = world.usages[other].plan_period_uuid;
    });
    assert!(told.starts_with("the usage ") && told.ends_with(" has a plan period of another resource"));
    let told = refusal(|world| world.usages[3].amount = "1.005".parse().unwrap());
    let id = World::built_in().usages[3].uuid.as_simple().to_string();
    assert_eq!(told, format!("the usage {id} of the world has an amount with more than two decimals"));
    let told = refusal(|world| {
        world.usages[0].recurring = true;
        world.usages[0].missing_usage_policy = Some(CarryOver::Zero);
    });
    assert!(told.ends_with("recurs, and has another missing_usage_policy than reuse"), "{told}");
}

#[test]
fn what_there_can_be_once_stands_once() {
    let twice = |thing: &str, change: fn(&mut World)| {
        let told = refusal(change);
        assert!(told.starts_with(&format!("the world has the {thing} ")), "{told}");
        assert!(told.ends_with(" twice"), "{told}");
    };
    twice("customer", |world| world.customers.push(world.customers[0].clone()));
    twice("project", |world| world.projects.push(world.projects[0].clone()));
    twice("offering", |world| world.offerings.push(world.offerings[0].clone()));
    twice("plan", |world| {
        let plan = world.offerings[0].plans[0].clone();
        world.offerings[0].plans.push(plan);
    });
    twice("component cpu of", |world| {
        let mut component = world.offerings[0].components[0].clone();
        component.uuid = Uuid::from_u128(1);
        world.offerings[0].components.push(component);
    });
    twice("resource", |world| world.resources[1].uuid = world.resources[0].uuid);
    twice("usage", |world| world.usages[9].uuid = world.usages[8].uuid);
    twice("plan period", |world| {
        let (one, other) = (position(world, "benchmarks"), position(world, "qmat-dft"));
        world.resources[one].plan_periods[0].uuid = world.resources[other].plan_periods[0].uuid;
    });
    twice("user", |world| world.users[1].uuid = world.users[0].uuid);
    twice("user", |world| world.users[1].id = world.users[0].id);
    twice("account staff", |world| world.users[1].username = world.users[0].username.clone());
    twice("offering user", |world| world.offering_users.push(world.offering_users[0].clone()));
    twice("invoice of", |world| {
        let invoice = world.invoices[0].clone();
        world.invoices.push(Invoice { uuid: Some(Uuid::from_u128(5)), ..invoice });
    });
    twice("invoice", |world| {
        world.invoices[0].uuid = Some(Uuid::from_u128(5));
        world.invoices[1].uuid = Some(Uuid::from_u128(5));
    });
}

#[test]
fn a_token_opens_one_account_and_none_shows_in_an_error() {
    let token = World::built_in().users[0].token.clone();
    let told = refusal(|world| world.users[1].token = world.users[0].token.clone());
    assert_eq!(told, "the account owner of the world has the token of another one");
    assert!(!told.contains(&token));
    // Accounts that cannot be used have no token, all of them.
    let mut world = World::built_in();
    world.users[1].token = String::new();
    world.users[2].token = String::new();
    opened(world).unwrap();
    for (name, what) in [("o w", "name"), ("o\u{1b}[31m", "name"), ("o\u{202e}", "name")] {
        let told = refusal(|world| world.users[1].username = name.into());
        assert!(told.ends_with(&format!("has a blank or an invisible character in its {what}")), "{told}");
        assert!(!told.contains(['\u{1b}', '\u{202e}']), "{told:?}");
    }
    let told = refusal(|world| world.users[1].token = "a\nb".into());
    assert_eq!(told, "the account owner of the world has a blank or an invisible character in its token");
    let told = refusal(|world| {
        world.tokens.insert("a\tb".into(), "x".into());
    });
    assert!(told.starts_with(r"the account a\tb of the world has a blank"), "{told}");
}

#[test]
fn a_person_of_an_unknown_offering_is_refused() {
    let told = refusal(|world| {
        let user = world.offering_users[0].clone();
        let (uuid, offering_uuid) = (Uuid::from_u128(1), Uuid::from_u128(9));
        world.offering_users.push(OfferingUser { uuid, offering_uuid, ..user });
    });
    assert_eq!(told, "the world has no offering 00000000000000000000000000000009");
}

#[test]
fn a_huge_fixed_amount_is_multiplied_and_not_counted_up() {
    let mut world = World::built_in();
    for plan in world.offerings.iter_mut().flat_map(|offering| &mut offering.plans) {
        plan.amounts.values_mut().for_each(|amount| *amount = u32::MAX);
    }
    let began = Instant::now();
    let data = opened(world).unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let nodes = (0..data.invoices.item_count()).map(|at| data.invoices.item(at));
    let nodes = nodes.filter(|item| data.components[item.component].kind.as_str() == "node");
    let prices: Vec<String> = nodes.map(|item| item.unit_price.to_string()).collect();
    assert!(!prices.is_empty() && prices.iter().all(|price| price == "64424509425.00"), "{prices:?}");
}
