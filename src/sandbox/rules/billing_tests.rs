//! What reports and the turn of the month do to invoices, by the sections of the reference.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::billing::LAG;
use super::{Caller, Refusal, keep_up, open_books, set_usage};
use crate::domain::{Amount, BillingPeriod, BillingType, CarryOver, line_price};
use crate::sandbox::behaviour::{Behaviour, Billing, CarryOverField, DateFrom, MonthsTurn, RowPer};
use crate::sandbox::data::{Data, InvoiceState, Item, UsageRow};
use crate::sandbox::python;
use crate::sandbox::world::World;

/// A world with open books, of which reports are made.
struct Scene {
    data: Data,
    behaviour: Behaviour,
    now: Timestamp,
}

fn at_once() -> Behaviour {
    Behaviour::dialect_2024()
}

fn in_background() -> Behaviour {
    Behaviour {
        billing: Billing::InBackground,
        rows: RowPer::PlanAndMonth,
        carry_over: CarryOverField::Policy,
        ..at_once()
    }
}

/// The built-in world, in which a resource's component was used so much in October, recurring.
fn recurring(world: &mut World, name: &str, component: &str, amount: &str) {
    let resource = world.resources.iter().find(|resource| resource.name == name).unwrap().uuid;
    let period: BillingPeriod = "2026-10".parse().unwrap();
    let usage = world.usages.iter_mut().find(|usage| {
        usage.resource_uuid == resource
            && usage.component_type.as_str() == component
            && usage.billing_period == period
    });
    let usage = usage.unwrap();
    usage.amount = amount.parse().unwrap();
    usage.recurring = true;
}

impl Scene {
    fn new(behaviour: Behaviour) -> Self {
        Self::of(World::built_in(), behaviour)
    }

    fn of(world: World, behaviour: Behaviour) -> Self {
        let now = world.now;
        let mut data = Data::new(world).unwrap();
        open_books(&mut data, &behaviour, now).unwrap();
        Self { data, behaviour, now }
    }

    fn resource(&self, name: &str) -> usize {
        self.data.resources.iter().position(|resource| resource.name == name).unwrap()
    }

    fn customer(&self, name: &str) -> usize {
        self.data.customer_of(&self.data.resources[self.resource(name)])
    }

    fn post(&mut self, body: &Json) -> Result<(), Refusal> {
        let staff = self.data.users.iter().position(|user| user.is_staff).unwrap();
        let body = python::parse(body.to_string().as_bytes()).unwrap();
        let caller = Caller { behaviour: &self.behaviour, user: staff, now: self.now };
        set_usage(&mut self.data, caller, &body)
    }

    fn report(&mut self, name: &str, component: &str, amount: &str) -> Result<(), Refusal> {
        let resource = self.data.resources[self.resource(name)].uuid;
        self.post(&json!({"resource": resource, "usages": [{"type": component, "amount": amount}]}))
    }

    /// Lets time pass, and does what is due then.
    fn wait(&mut self, duration: SignedDuration) {
        self.now = self.now.checked_add(duration).unwrap();
        keep_up(&mut self.data, &self.behaviour, self.now);
    }

    fn wait_until(&mut self, moment: &str) {
        let moment: Timestamp = moment.parse().unwrap();
        self.wait(moment.duration_since(self.now));
    }

    fn rows(&self, name: &str, component: &str, month: &str) -> Vec<&UsageRow> {
        let period: BillingPeriod = month.parse().unwrap();
        let rows = self.data.usages.of_resource(self.resource(name)).map(|(_, row)| row);
        let has_type = |row: &&UsageRow| self.data.components[row.component].kind.as_str() == component;
        rows.filter(|row| row.period == period).filter(has_type).collect()
    }

    fn stored(&self, name: &str, component: &str, month: &str) -> Vec<String> {
        let rows = self.rows(name, component, month).into_iter();
        rows.map(|row| format!("{} {}", row.amount, row.carry_over)).collect()
    }

    fn items(&self, name: &str, component: &str, month: &str) -> Vec<&Item> {
        let period: BillingPeriod = month.parse().unwrap();
        let items = self.data.invoices.items_of(self.resource(name)).map(|(_, item)| item);
        let belongs = |item: &&Item| {
            self.data.invoices.invoice(item.invoice).period == period
                && self.data.components[item.component].kind.as_str() == component
        };
        items.filter(belongs).collect()
    }

    /// The lines of a component in a month: quantity, unit price, price.
    fn lines(&self, name: &str, component: &str, month: &str) -> Vec<String> {
        let items = self.items(name, component, month).into_iter();
        items.map(|item| format!("{} x {} = {}", item.quantity, item.unit_price, item.price())).collect()
    }

    fn invoice(&self, name: &str, month: &str) -> Option<usize> {
        self.data.invoices.of_month(self.customer(name), month.parse().unwrap())
    }

    fn set_state(&mut self, name: &str, month: &str, state: InvoiceState) {
        let at = self.invoice(name, month).unwrap();
        self.data.invoices.set_state(at, state, "2026-11-20".parse().unwrap());
    }

    fn state(&self, name: &str, month: &str) -> String {
        let at = self.invoice(name, month);
        at.map_or("none".into(), |at| self.data.invoices.invoice(at).state.to_string())
    }

    /// Every invoice costs the sum of its rounded lines.
    fn prices_are_sums(&self) {
        for at in 0..self.data.invoices.len() {
            let invoice = self.data.invoices.invoice(at);
            let lines = invoice.items.iter().map(|&item| {
                let item = self.data.invoices.item(item);
                line_price(item.quantity, item.unit_price).unwrap()
            });
            assert_eq!(Amount::total(lines), Some(invoice.price), "{}", invoice.number);
        }
    }
}

#[test]
fn section_1_10_a_report_reaches_its_line_rounded_up_to_the_cent() {
    let mut scene = Scene::new(at_once());
    scene.report("benchmarks", "ram", "3").unwrap();
    assert_eq!(scene.lines("benchmarks", "ram", "2026-11"), ["3.00 x 0.002 = 0.01"]);
    scene.report("benchmarks", "ram", "1000.01").unwrap();
    assert_eq!(scene.lines("benchmarks", "ram", "2026-11"), ["1000.01 x 0.002 = 2.01"]);
    // Nothing is taken off for a report of zero but the quantity: the line stays.
    scene.report("benchmarks", "ram", "0").unwrap();
    assert_eq!(scene.lines("benchmarks", "ram", "2026-11"), ["0.00 x 0.002 = 0.00"]);
    scene.prices_are_sums();
}

#[test]
fn section_1_10_only_billed_usage_makes_a_line() {
    let mut scene = Scene::new(at_once());
    // A limit is billed as it was ordered, whatever is reported; without plan period nothing is.
    scene.report("benchmarks", "storage", "9999").unwrap();
    assert_eq!(scene.lines("benchmarks", "storage", "2026-11"), ["2000.00 x 0.04 = 80.00"]);
    scene.report("training-course", "cpu", "5").unwrap();
    assert!(scene.lines("training-course", "cpu", "2026-11").is_empty());
    assert_eq!(scene.stored("training-course", "cpu", "2026-11"), ["5.00 none"]);
}

#[test]
fn section_1_10_an_issued_invoice_changes_at_once_and_never_in_the_background() {
    for (behaviour, state, quantity) in [
        (at_once(), InvoiceState::Created, "6.00"),
        (at_once(), InvoiceState::Paid, "6.00"),
        (in_background(), InvoiceState::Pending, "6.00"),
        (in_background(), InvoiceState::PendingFinalization, "6.00"),
        (in_background(), InvoiceState::Created, "4.00"),
        (in_background(), InvoiceState::Canceled, "4.00"),
    ] {
        let mut scene = Scene::new(behaviour);
        scene.report("benchmarks", "cpu", "4").unwrap();
        scene.wait(LAG);
        scene.set_state("benchmarks", "2026-11", state);
        scene.report("benchmarks", "cpu", "6").unwrap();
        scene.wait(LAG);
        assert_eq!(scene.stored("benchmarks", "cpu", "2026-11"), ["6.00 none"]);
        assert_eq!(scene.items("benchmarks", "cpu", "2026-11")[0].quantity.to_string(), quantity, "{state}");
    }
}

#[test]
fn section_1_10_in_the_background_the_line_comes_a_moment_later() {
    let mut scene = Scene::new(in_background());
    scene.report("benchmarks", "cpu", "4").unwrap();
    scene.wait(LAG.checked_sub(SignedDuration::from_millis(1)).unwrap());
    assert!(scene.lines("benchmarks", "cpu", "2026-11").is_empty());
    assert!(!scene.data.is_behind(scene.now));
    scene.wait(SignedDuration::from_millis(1));
    assert_eq!(scene.lines("benchmarks", "cpu", "2026-11"), ["4.00 x 12.50 = 50.00"]);
}

#[test]
fn section_1_10_without_a_price_there_is_no_line_or_one_of_zero() {
    let world = || {
        let mut world = World::built_in();
        world.offerings[0].plans[0].prices.retain(|kind, _| kind.as_str() != "cpu");
        world
    };
    let mut scene = Scene::of(world(), at_once());
    scene.report("benchmarks", "cpu", "1e15").unwrap();
    assert!(scene.lines("benchmarks", "cpu", "2026-11").is_empty());
    let mut scene = Scene::of(world(), in_background());
    scene.report("benchmarks", "cpu", "4").unwrap();
    scene.wait(LAG);
    assert_eq!(scene.lines("benchmarks", "cpu", "2026-11"), ["4.00 x 0.00 = 0.00"]);
}

#[test]
fn section_1_1_what_a_line_cannot_hold_breaks_only_a_server_that_bills_at_once() {
    let mut world = World::built_in();
    world.invoices.clear();
    let mut scene = Scene::of(world, at_once());
    let resource = scene.data.resources[scene.resource("benchmarks")].uuid;
    let both = json!({"resource": resource, "usages": [
        {"type": "cpu", "amount": "7"}, {"type": "ram", "amount": "1e12"},
    ]});
    assert_eq!(scene.post(&both), Err(Refusal::Broken));
    // The invoice that the first component made is gone with everything else.
    assert_eq!((scene.data.invoices.len(), scene.data.invoices.item_count()), (0, 0));
    assert!(scene.stored("benchmarks", "cpu", "2026-11").is_empty());

    let mut scene = Scene::new(in_background());
    assert_eq!(scene.post(&both), Ok(()));
    scene.wait(LAG);
    assert_eq!(scene.lines("benchmarks", "cpu", "2026-11").len(), 1);
    assert!(scene.lines("benchmarks", "ram", "2026-11").is_empty());
    scene.prices_are_sums();
}

#[test]
fn surprise_3_the_first_post_of_a_month_can_be_overwritten_and_then_breaks() {
    let mut world = World::built_in();
    world.invoices.clear();
    recurring(&mut world, "benchmarks", "cpu", "110");
    let mut scene = Scene::of(world, at_once());
    assert_eq!(scene.report("benchmarks", "cpu", "5"), Ok(()));
    assert_eq!(scene.stored("benchmarks", "cpu", "2026-11"), ["110.00 reuse"]);
    let lines = scene.lines("benchmarks", "cpu", "2026-11");
    assert_eq!(lines, ["110.00 x 12.50 = 1375.00", "5.00 x 12.50 = 62.50"]);
    assert_eq!(scene.report("benchmarks", "cpu", "5"), Err(Refusal::Broken));
    assert_eq!(scene.stored("benchmarks", "cpu", "2026-11"), ["110.00 reuse"]);
    // What does not change the amount is not billed, and so does not break.
    assert_eq!(scene.report("benchmarks", "cpu", "110"), Ok(()));
    scene.prices_are_sums();
}

#[test]
fn section_1_7_a_new_invoice_has_the_ordered_and_fixed_lines_of_its_first_day_on() {
    let mut world = World::built_in();
    world.invoices.clear();
    let mut scene = Scene::of(world, at_once());
    scene.report("benchmarks", "cpu", "5").unwrap();
    // Eleven days of thirty are left of November; the order is billed whole.
    assert_eq!(scene.lines("benchmarks", "node", "2026-11"), ["0.37 x 15.00 = 5.55"]);
    assert_eq!(scene.lines("benchmarks", "storage", "2026-11"), ["2000.00 x 0.04 = 80.00"]);
    assert!(scene.lines("monitoring", "node", "2026-11").is_empty());
    scene.prices_are_sums();
}

#[test]
fn section_2_5_at_the_turn_of_the_month_invoices_are_issued_and_new_ones_made() {
    let mut world = World::built_in();
    recurring(&mut world, "benchmarks", "ram", "77");
    let mut scene = Scene::of(world, at_once());
    assert!(!scene.data.is_behind(scene.now));
    scene.wait_until("2026-11-30T23:59:59Z");
    assert_eq!(scene.state("qmat-dft", "2026-11"), "pending");
    scene.wait_until("2026-12-01T00:00:05Z");
    let invoice = scene.data.invoices.invoice(scene.invoice("qmat-dft", "2026-11").unwrap());
    assert_eq!(invoice.state, InvoiceState::Created);
    assert_eq!(invoice.invoice_date.map(|date| date.to_string()).as_deref(), Some("2026-12-01"));
    assert!(!scene.data.invoice_is_open(scene.customer("qmat-dft"), "2026-11".parse().unwrap()));
    assert!(scene.data.invoice_is_open(scene.customer("qmat-dft"), "2026-12".parse().unwrap()));
    // What was paid stays paid, and whole months are whole.
    assert_eq!(scene.state("qmat-dft", "2026-09"), "paid");
    assert_eq!(scene.lines("qmat-dft", "node", "2026-12"), ["1.00 x 15.00 = 15.00"]);
    // November's recurring rows are there again, and billed; October's are two months back.
    let november = scene.rows("qmat-dft", "cpu", "2026-11")[0].amount;
    let december = scene.rows("qmat-dft", "cpu", "2026-12")[0];
    assert_eq!((december.amount, december.carry_over), (november, CarryOver::Reuse));
    assert_eq!((december.date.to_string().as_str(), december.modified_by), ("2026-12-01T00:00:00Z", None));
    assert_eq!(scene.items("qmat-dft", "cpu", "2026-12")[0].quantity, november);
    assert!(scene.stored("benchmarks", "ram", "2026-12").is_empty());
    scene.prices_are_sums();
}

#[test]
fn section_1_7_recurring_goes_on_month_by_month_and_ends_with_the_resource() {
    let mut scene = Scene::new(at_once());
    let gone = scene.resource("climate-archive");
    scene.data.resources[gone].state = crate::domain::ResourceState::Terminated;
    scene.wait_until("2027-02-10T00:00:00Z");
    for month in ["2026-12", "2027-01", "2027-02"] {
        assert_eq!(scene.stored("tumour-archive", "block_storage", month).len(), 1, "{month}");
        assert!(scene.stored("climate-archive", "block_storage", month).is_empty(), "{month}");
    }
    assert_eq!(scene.state("tumour-archive", "2027-01"), "created");
    assert_eq!(scene.state("tumour-archive", "2027-02"), "pending");
    scene.prices_are_sums();
}

#[test]
fn section_1_7_a_policy_repeats_or_writes_zero_and_never_touches_a_report() {
    let mut scene = Scene::new(in_background());
    let resource = scene.data.resources[scene.resource("benchmarks")].uuid;
    let with = |component: &str, policy: &str| json!({"type": component, "amount": "8", "missing_usage_policy": policy});
    let usages = [with("cpu", "reuse"), with("ram", "zero"), with("gpu_hours", "none")];
    scene.post(&json!({"resource": resource, "usages": usages})).unwrap();
    scene.wait_until("2026-12-01T08:00:00Z");
    assert_eq!(scene.stored("benchmarks", "cpu", "2026-12"), ["8.00 reuse"]);
    assert_eq!(scene.stored("benchmarks", "ram", "2026-12"), ["0.00 zero"]);
    assert!(scene.stored("benchmarks", "gpu_hours", "2026-12").is_empty());
    assert_eq!(scene.lines("benchmarks", "cpu", "2026-12"), ["8.00 x 12.50 = 100.00"]);
    assert_eq!(scene.lines("benchmarks", "ram", "2026-12"), ["0.00 x 0.002 = 0.00"]);
    // The month turned once; turning the clock back and on again writes nothing over a report.
    scene.report("benchmarks", "cpu", "3").unwrap();
    scene.wait_until("2026-11-30T12:00:00Z");
    scene.wait_until("2026-12-02T12:00:00Z");
    assert_eq!(scene.stored("benchmarks", "cpu", "2026-12"), ["3.00 none"]);
    assert_eq!(scene.lines("benchmarks", "cpu", "2026-12"), ["3.00 x 12.50 = 37.50"]);
}

#[test]
fn section_1_10_a_late_report_makes_the_invoice_of_its_month_and_carries_nothing_into_this_one() {
    let mut world = World::built_in();
    world.invoices.clear();
    recurring(&mut world, "benchmarks", "cpu", "110");
    let mut scene = Scene::of(world, Behaviour { date: DateFrom::Staff, ..in_background() });
    let resource = scene.data.resources[scene.resource("benchmarks")].uuid;
    let usages = json!([{"type": "cpu", "amount": "4"}]);
    scene.post(&json!({"resource": resource, "date": "2026-08-31T06:00:00Z", "usages": usages})).unwrap();
    scene.wait(LAG);
    assert_eq!(scene.lines("benchmarks", "cpu", "2026-08"), ["4.00 x 12.50 = 50.00"]);
    assert_eq!(scene.state("benchmarks", "2026-08"), "pending");
    assert!(scene.stored("benchmarks", "cpu", "2026-11").is_empty());
    scene.report("benchmarks", "ram", "1").unwrap();
    scene.wait(LAG);
    assert_eq!(scene.stored("benchmarks", "cpu", "2026-11"), ["110.00 reuse"]);
}

#[test]
fn a_start_in_the_middle_of_a_month_makes_no_invoice() {
    let mut world = World::built_in();
    world.invoices.clear();
    let mut scene = Scene::of(world, at_once());
    scene.wait_until("2026-11-29T00:00:00Z");
    assert_eq!(scene.data.invoices.len(), 0);
    scene.wait_until("2026-12-01T00:00:00Z");
    assert_eq!(scene.data.invoices.len(), 4);
}

#[test]
fn the_books_of_a_world_follow_from_its_usages() {
    let (first, second) = (Scene::new(at_once()), Scene::new(at_once()));
    assert_eq!(first.data.invoices.len(), 16);
    let uuids = |scene: &Scene| -> Vec<_> {
        (0..scene.data.invoices.item_count()).map(|at| scene.data.invoices.item(at).uuid).collect()
    };
    let mut distinct = uuids(&first);
    assert_eq!(distinct, uuids(&second));
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), first.data.invoices.item_count());
    every_billed_row_has_its_line(&first);
    first.prices_are_sums();
    // A plan that was switched has the lines of both plans, each with its share of the month.
    let shares = first.lines("flame-les", "node", "2026-11");
    assert_eq!(shares, ["0.30 x 15.00 = 4.50", "0.74 x 15.00 = 11.10"]);
}

#[test]
fn an_invoice_can_be_written_line_by_line() {
    let written = |resource: &str| {
        let world = World::built_in();
        let mut json = serde_json::to_value(&world).unwrap();
        json["invoices"] = json!([{
            "customer_uuid": world.invoices[0].customer_uuid,
            "billing_period": "2026-10",
            "state": "canceled",
            "number": 7,
            "a note": "is not read",
            "items": [{
                "uuid": world.invoices[0].uuid,
                "resource_uuid": resource,
                "type": "cpu",
                "plan_uuid": world.offerings[0].plans[1].uuid,
                "quantity": "3.5",
                "unit_price": "0.1",
                "unit": "quantity",
                "start": "2026-10-01T00:00:00Z",
                "end": "2026-10-31T23:59:59.999999Z",
            }],
        }]);
        serde_json::from_value::<World>(json).unwrap()
    };
    let benchmarks = World::built_in().resources.into_iter().find(|it| it.name == "benchmarks").unwrap();
    let scene = Scene::of(written(&benchmarks.uuid.to_string()), at_once());
    assert_eq!(scene.lines("benchmarks", "cpu", "2026-10"), ["3.50 x 0.10 = 0.35"]);
    let invoice = scene.data.invoices.invoice(0);
    assert_eq!((invoice.number, invoice.items.len()), (7, 1));
    assert_eq!(invoice.invoice_date.map(|date| date.to_string()).as_deref(), Some("2026-11-01"));
    let mut data = Data::new(written("00000000000000000000000000000001")).unwrap();
    let refused = open_books(&mut data, &at_once(), scene.now);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "the world has no resource 00000000000000000000000000000001"
    );
}

#[test]
fn section_1_4_the_month_turns_in_the_zone_of_the_server() {
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(2));
    let mut scene = Scene::new(Behaviour { zone, months: MonthsTurn::InZone, ..at_once() });
    scene.wait_until("2026-11-30T21:59:59Z");
    assert_eq!(scene.state("benchmarks", "2026-12"), "none");
    scene.wait_until("2026-11-30T22:00:00Z");
    assert_eq!(scene.state("benchmarks", "2026-11"), "created");
    assert_eq!(scene.lines("benchmarks", "node", "2026-12"), ["1.00 x 15.00 = 15.00"]);
}

/// Every row that is billed, on an invoice that is open, has one line, which has its amount.
fn every_billed_row_has_its_line(scene: &Scene) {
    for at in 0..scene.data.usages.len() {
        let row = scene.data.usages.row(at);
        let customer = scene.data.customer_of(&scene.data.resources[row.resource]);
        let by_usage = scene.data.components[row.component].written.billing_type == BillingType::Usage;
        if !by_usage || row.plan_period.is_none() || !scene.data.invoice_is_open(customer, row.period) {
            continue;
        }
        let lines = scene.data.invoices.items_of(row.resource).filter(|(_, item)| {
            item.component == row.component
                && item.plan_period == row.plan_period
                && scene.data.invoices.invoice(item.invoice).period == row.period
        });
        let quantities: Vec<_> = lines.map(|(_, item)| item.quantity).collect();
        assert_eq!(quantities, [row.amount], "row {at}");
    }
}

/// One post of the property: which resource, which of its plan periods, components with hundredths,
/// and how many hours pass after it.
type Post = (usize, Option<usize>, Vec<(usize, i64)>, i64);

fn posts() -> impl Strategy<Value = Vec<Post>> {
    let amounts = prop::collection::vec((0_usize..3, 0_i64..5_000_000), 1..4);
    prop::collection::vec((0_usize..4, prop::option::of(0_usize..2), amounts, 0_i64..200), 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn invoices_add_up_and_lines_follow_rows(posts in posts(), is_in_background in any::<bool>()) {
        let mut scene = Scene::new(if is_in_background { in_background() } else { at_once() });
        for (resource, period, amounts, hours) in posts {
            let name = ["flame-les", "flame-les", "qmat-dft", "benchmarks"][resource];
            let row = &scene.data.resources[scene.resource(name)];
            let usages: Vec<Json> = amounts.into_iter().map(|(component, hundredths)| {
                let amount = format!("{}.{:02}", hundredths / 100, hundredths % 100);
                json!({"type": (["cpu", "ram", "gpu_hours"][component]), "amount": amount})
            }).collect();
            let chosen = period.and_then(|at| row.plan_periods.get(at)).map(|period| period.uuid);
            let body = match chosen {
                Some(uuid) => json!({"plan_period": uuid, "usages": usages}),
                None => json!({"resource": row.uuid, "usages": usages}),
            };
            match scene.post(&body) {
                // A period that ended in a month before this one is closed.
                Ok(()) | Err(Refusal::Invalid(_)) => {}
                Err(refusal) => return Err(TestCaseError::fail(format!("{refusal:?}"))),
            }
            scene.wait(SignedDuration::from_hours(hours));
            scene.prices_are_sums();
        }
        scene.wait(LAG);
        every_billed_row_has_its_line(&scene);
    }
}

/// A month of two plan periods with a row and a line each, on a server that then keeps one row a
/// month: the ids of the periods.
fn two_rows(behaviour: Behaviour) -> (Scene, [uuid::Uuid; 2]) {
    let mut scene = Scene::new(Behaviour { rows: RowPer::PlanPeriod, ..behaviour });
    let periods = &scene.data.resources[scene.resource("flame-les")].plan_periods;
    let periods = [periods[0].uuid, periods[1].uuid];
    for (period, amount) in periods.iter().zip(["3", "4"]) {
        scene.report_in(*period, amount).unwrap();
    }
    scene.wait(LAG);
    scene.behaviour.rows = RowPer::Month;
    (scene, periods)
}

impl Scene {
    fn report_in(&mut self, period: uuid::Uuid, amount: &str) -> Result<(), Refusal> {
        self.post(&json!({"plan_period": period, "usages": [{"type": "cpu", "amount": amount}]}))
    }

    /// The quantities that a month of the switched resource is billed, smallest first.
    fn billed(&self) -> Vec<String> {
        let items = self.items("flame-les", "cpu", "2026-11").into_iter();
        let mut quantities: Vec<Amount> = items.map(|item| item.quantity).collect();
        quantities.sort_unstable();
        quantities.iter().map(ToString::to_string).collect()
    }
}

#[test]
fn a_month_that_becomes_one_row_is_billed_once() {
    for behaviour in [at_once(), in_background()] {
        // The amount may be the one that the row has already; its line stays, the other's goes.
        for (which, amount, billed) in
            [(0, "9", ["0.00", "9.00"]), (1, "9", ["0.00", "9.00"]), (0, "3", ["0.00", "3.00"])]
        {
            let (mut scene, periods) = two_rows(behaviour.clone());
            assert_eq!(scene.billed(), ["3.00", "4.00"]);
            scene.report_in(periods[which], amount).unwrap();
            scene.wait(LAG);
            assert_eq!(scene.rows("flame-les", "cpu", "2026-11").len(), 1);
            assert_eq!(scene.billed(), billed, "{} {which} {amount}", scene.behaviour);
            scene.prices_are_sums();
        }
    }
}

#[test]
fn a_row_that_moves_to_another_plan_period_takes_its_bill_along() {
    for behaviour in [at_once(), in_background()] {
        let (mut scene, periods) = two_rows(behaviour);
        // A row that moves with the amount that it has is billed by the line that it leaves behind.
        for (period, amount) in [(0, "5"), (1, "5"), (1, "5"), (1, "6"), (0, "6"), (1, "7"), (0, "8")] {
            scene.report_in(periods[period], amount).unwrap();
            scene.wait(LAG);
            assert_eq!(scene.billed(), ["0.00", &format!("{amount}.00")], "{}", scene.behaviour);
        }
    }
}

#[test]
fn what_is_withdrawn_comes_back_with_a_refusal() {
    let (mut scene, periods) = two_rows(Behaviour { atomic: true, ..at_once() });
    let usages = json!([{"type": "cpu", "amount": "9"}, {"type": "ram", "amount": "1e12"}]);
    let outcome = scene.post(&json!({"plan_period": periods[0], "usages": usages}));
    assert_eq!(outcome, Err(Refusal::Broken));
    assert_eq!(scene.rows("flame-les", "cpu", "2026-11").len(), 2);
    assert_eq!(scene.billed(), ["3.00", "4.00"]);
    scene.prices_are_sums();
}
