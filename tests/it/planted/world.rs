//! A world whose month is known, with errors planted into it and into the statement of it.
//!
//! Everything follows from a seed. Each planting takes a resource that no other has touched, changes the
//! world, the statement or the invoice, and writes down what has to be found there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::{Value, json};
use waldur_usage::sandbox::{NewWorld, World};

/// The offering of the world.
pub const OFFERING: &str = "Allocation 1";
/// A component that is in no world that is made: its price is fixed.
const FIXED: &str = "seats";
/// A component that is stored in minutes and billed in hours, rounded up.
const CONVERTED: &str = "egress";

/// A key as the report names it: resource and component, in the month.
pub type Key = (String, String);

/// What has to be found of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Where file and server alone are compared.
    pub two_way: &'static str,
    /// Where invoices are compared too.
    pub three_way: &'static str,
}

/// A row of the statement.
#[derive(Debug, Clone, Default)]
pub struct Row {
    pub uuid: String,
    pub name: String,
    pub component: String,
    /// Hundredths.
    pub amount: i64,
    pub unit: String,
    /// What a unit costs, and what the row costs, in hundredths.
    pub unit_price: String,
    pub price: Option<i64>,
}

/// A line of an invoice that is not what the usage says.
#[derive(Debug, Clone, Copy)]
enum Item {
    None,
    Of(i64),
}

/// A stored usage that nothing was planted at yet.
#[derive(Debug, Clone)]
struct Site {
    uuid: String,
    name: String,
    component: String,
    amount: i64,
}

impl Site {
    fn key(&self) -> Key {
        (self.name.clone(), self.component.clone())
    }
}

/// A world and a statement of one of its months, with errors.
pub struct Planted {
    pub period: String,
    pub rows: Vec<Row>,
    pub expected: BTreeMap<Key, Expected>,
    world: Value,
    items: BTreeMap<(String, String), Item>,
    touched: BTreeSet<String>,
    state: u64,
}

/// Hundredths as they are written.
pub fn written(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", hundredths.abs() / 100, hundredths.abs() % 100)
}

fn hundredths(text: &str) -> i64 {
    text.replace('.', "").parse().unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The month after or before another one of the same year.
fn shifted(period: &str, by: i32) -> String {
    let (year, month) = period.split_once('-').unwrap();
    format!("{year}-{:02}", month.parse::<i32>().unwrap() + by)
}

impl Planted {
    /// The world of a seed, and its month as the server has it.
    pub fn new(seed: u64, period: &str) -> Self {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("world.json");
        NewWorld::new(140, 5, 5, None).unwrap().write(&path, false).unwrap();
        let world = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let mut planted = Self {
            period: period.into(),
            rows: Vec::new(),
            expected: BTreeMap::new(),
            world,
            items: BTreeMap::new(),
            touched: BTreeSet::new(),
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        };
        planted.add_fixed_component();
        planted.state_everything();
        for _ in 0..2 {
            planted.plant();
        }
        planted.plant_names();
        planted.convert_on_invoices();
        planted
    }

    /// The world, ready to be started.
    pub fn world(&self) -> World {
        let mut world = self.world.clone();
        world["invoices"].as_array_mut().unwrap().extend(self.invoices());
        serde_json::from_value(world).unwrap()
    }

    /// The rules of the comparison: one tolerance, and what is left alone.
    pub fn rules(&self) -> String {
        let mut rules = "[[tolerance]]\nname = \"cents\"\nabsolute = \"0.05\"\n".to_owned();
        for ((resource, component), expected) in &self.expected {
            if expected.two_way == "ignored" {
                let _ = write!(
                    rules,
                    "\n[[ignore]]\nname = \"{resource} {component}\"\nresource = \"{resource}\"\n\
                     component = \"{component}\"\nreason = \"settled by hand\"\nuntil = 2099-12-31\n"
                );
            }
        }
        rules
    }

    /// The rows of a key, by their number in a table whose header is row 1.
    pub fn rows_of(&self, key: &Key) -> Vec<u64> {
        let rows = self.rows.iter().zip(2..);
        rows.filter(|(row, _)| row.name == key.0 && row.component == key.1)
            .map(|(_, number)| number)
            .collect()
    }

    fn roll(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 33).unwrap() % bound
    }

    fn add_fixed_component(&mut self) {
        let offering = &mut self.world["offerings"][0];
        let mut fixed = offering["components"][0].clone();
        fixed["uuid"] = json!("5ea75ea75ea75ea75ea75ea75ea75ea7");
        fixed["type"] = json!(FIXED);
        fixed["name"] = json!("Seats");
        fixed["measured_unit"] = json!("seats");
        fixed["billing_type"] = json!("fixed");
        offering["components"].as_array_mut().unwrap().push(fixed);
        for plan in offering["plans"].as_array_mut().unwrap() {
            plan["prices"][FIXED] = json!("10.00");
            plan["amounts"][FIXED] = json!(0);
        }
    }

    /// A row for every stored usage of the month, in the order of resources.
    fn state_everything(&mut self) {
        let names = self.names();
        let usages = self.usages(&self.period.clone());
        for usage in usages {
            let (uuid, component) = (text(&usage["resource_uuid"]), text(&usage["type"]));
            let mut row = Row {
                name: names[&uuid].clone(),
                amount: hundredths(usage["usage"].as_str().unwrap()),
                unit: self.unit(&component),
                ..Row::default()
            };
            if self.is_billed(&component) {
                row.unit_price = self.price_of(&uuid, &component);
                row.price = Some(cost(row.amount, &row.unit_price));
            }
            self.rows.push(Row { uuid, component, ..row });
        }
    }

    fn names(&self) -> BTreeMap<String, String> {
        let resources = self.world["resources"].as_array().unwrap().iter();
        resources.map(|resource| (text(&resource["uuid"]), text(&resource["name"]))).collect()
    }

    /// The stored usages of a month.
    fn usages(&self, period: &str) -> Vec<Value> {
        let usages = self.world["usages"].as_array().unwrap().iter();
        usages.filter(|usage| text(&usage["billing_period"])[..7] == *period).cloned().collect()
    }

    fn component(&self, component: &str) -> Option<&Value> {
        let components = self.world["offerings"][0]["components"].as_array().unwrap();
        components.iter().find(|own| own["type"] == component)
    }

    fn unit(&self, component: &str) -> String {
        text(&self.component(component).unwrap()["measured_unit"])
    }

    fn is_billed(&self, component: &str) -> bool {
        self.component(component).is_some_and(|own| own["billing_type"] == "usage")
    }

    fn resource(&mut self, uuid: &str) -> &mut Value {
        let mut resources = self.world["resources"].as_array_mut().unwrap().iter_mut();
        resources.find(|resource| resource["uuid"] == uuid).unwrap()
    }

    fn price_of(&mut self, uuid: &str, component: &str) -> String {
        let plan = self.resource(uuid)["plan_periods"][0]["plan_uuid"].clone();
        let plans = self.world["offerings"][0]["plans"].as_array().unwrap();
        text(&plans.iter().find(|own| own["uuid"] == plan).unwrap()["prices"][component])
    }

    /// A usage in the middle of things: billed by usage, of a resource in use that nobody has touched.
    fn site(&mut self, is_fit: impl Fn(&Site) -> bool) -> Site {
        let mut sites = Vec::new();
        for row in self.rows.clone() {
            let is_touched = row.uuid.is_empty() || self.touched.contains(&row.uuid);
            let is_plain = self.is_billed(&row.component) && row.component != CONVERTED;
            if is_touched || row.amount < 5_000 || !is_plain {
                continue;
            }
            let resource = self.resource(&row.uuid);
            let is_plain = resource["state"] == "OK"
                && resource["plan_periods"].as_array().unwrap().len() == 1
                && !resource["plan_uuid"].is_null();
            let Row { uuid, name, component, amount, .. } = row;
            let site = Site { uuid, name, component, amount };
            if is_plain && is_fit(&site) {
                sites.push(site);
            }
        }
        assert!(!sites.is_empty(), "no usage is left to plant an error at");
        let chosen = self.roll(sites.len());
        let site = sites.swap_remove(chosen);
        self.touched.insert(site.uuid.clone());
        site
    }

    fn any(&mut self) -> Site {
        self.site(|_| true)
    }

    fn expect(&mut self, site: &Site, two_way: &'static str, three_way: &'static str) {
        self.expected.insert(site.key(), Expected { two_way, three_way });
    }

    /// Changes the row of a site.
    fn restate(&mut self, site: &Site, change: impl FnOnce(&mut Row)) {
        let mut rows = self.rows.iter_mut();
        change(rows.find(|row| row.uuid == site.uuid && row.component == site.component).unwrap());
    }

    /// Lets the file have another amount, and a price that goes with it.
    fn restate_amount(&mut self, site: &Site, amount: i64) {
        self.restate(site, |row| {
            row.amount = amount;
            row.price = Some(cost(amount, &row.unit_price));
        });
    }

    fn strike(&mut self, site: &Site) {
        self.rows.retain(|row| row.uuid != site.uuid || row.component != site.component);
    }

    /// The stored row of a site in a month.
    fn stored(&mut self, site: &Site, period: &str) -> &mut Value {
        let mut usages = self.world["usages"].as_array_mut().unwrap().iter_mut();
        usages
            .find(|usage| {
                usage["resource_uuid"] == site.uuid.as_str()
                    && usage["type"] == site.component.as_str()
                    && usage["billing_period"].as_str().unwrap()[..7] == *period
            })
            .unwrap_or_else(|| panic!("no usage of {site:?} in {period}"))
    }

    /// Lets the server have no row of a site, and so no line of the invoice.
    fn forget(&mut self, site: &Site) {
        let period = self.period.clone();
        self.world["usages"].as_array_mut().unwrap().retain(|usage| {
            usage["resource_uuid"] != site.uuid.as_str()
                || usage["type"] != site.component.as_str()
                || usage["billing_period"].as_str().unwrap()[..7] != *period
        });
    }

    fn item(&mut self, site: &Site, item: Item) {
        self.items.insert((site.uuid.clone(), site.component.clone()), item);
    }

    /// Plants one error of every class that a usage of the server can have.
    fn plant(&mut self) {
        let site = self.any();
        let other = site.amount + 731 + i64::try_from(self.roll(90)).unwrap();
        self.restate_amount(&site, if is_transposed(other, site.amount) { other + 1_111 } else { other });
        self.expect(&site, "amount", "amount");

        let site = self.any();
        let off = [3, -4, 5, -5][self.roll(4)];
        self.restate(&site, |row| (row.amount, row.price) = (row.amount + off, None));
        self.expect(&site, "within-tolerance", "within-tolerance");

        let site = self.any();
        self.restate_amount(&site, site.amount + 12_345);
        self.expect(&site, "ignored", "ignored");

        let site = self.any();
        self.forget(&site);
        self.expect(&site, "missing-on-server", "missing-on-server");

        let site = self.any();
        self.strike(&site);
        let period = self.period.clone();
        let stored = self.stored(&site, &period);
        (stored["recurring"], stored["modified_by"]) = (json!(false), json!(2));
        self.expect(&site, "missing-in-file", "missing-in-file");

        let site = self.any();
        self.strike(&site);
        let stored = self.stored(&site, &period);
        (stored["recurring"], stored["modified_by"]) = (json!(true), Value::Null);
        let before = self.stored(&site, &shifted(&period, -1));
        (before["usage"], before["recurring"]) = (json!(written(site.amount)), json!(true));
        self.expect(&site, "carried-over", "carried-over");

        self.plant_doubles();
        self.plant_other_months();
        self.plant_other_numbers();
        self.plant_on_invoices();
        self.plant_unreportable();
    }

    fn plant_doubles(&mut self) {
        // Two rows that differ, and two rows that are the same.
        for other in [1_717, 0] {
            let site = self.any();
            let row = self.rows.iter().find(|row| row.uuid == site.uuid && row.component == site.component);
            let mut double = row.unwrap().clone();
            double.amount += other;
            double.price = Some(cost(double.amount, &double.unit_price));
            self.rows.push(double);
            self.expect(&site, "duplicate-in-file", "duplicate-in-file");
        }
        // The plan was switched in the month: two rows are stored, and the file has one, or their sum.
        for is_sum in [false, true] {
            let site = self.any();
            let (period, second) = (self.period.clone(), site.amount / 3);
            let [first_id, second_id] = self.split_plan_period(&site);
            let mut other = self.stored(&site, &period).clone();
            other["uuid"] = json!(first_id);
            other["plan_period_uuid"] = json!(second_id);
            other["usage"] = json!(written(second));
            self.world["usages"].as_array_mut().unwrap().push(other);
            if is_sum {
                self.restate(&site, |row| (row.amount, row.price) = (row.amount + second, None));
                self.expect(&site, "match", "match");
            } else {
                self.restate(&site, |row| row.price = None);
                self.expect(&site, "several-rows", "several-rows");
            }
        }
    }

    /// Ends the plan period of a site's resource in the middle of the month, and begins another one.
    fn split_plan_period(&mut self, site: &Site) -> [String; 2] {
        let number = self.touched.len();
        let middle = format!("{}-15T00:00:00Z", self.period);
        let ids = [format!("{:032x}", 0xa000 + number), format!("{:032x}", 0xb000 + number)];
        let periods = &mut self.resource(&site.uuid)["plan_periods"];
        let mut second = periods[0].clone();
        periods[0]["end"] = json!(middle);
        (second["uuid"], second["start"]) = (json!(ids[1]), json!(middle));
        periods.as_array_mut().unwrap().push(second);
        ids
    }

    /// The server has it a month too early, or a month too late.
    fn plant_other_months(&mut self) {
        for by in [-1, 1] {
            let site = self.any();
            let there = shifted(&self.period, by);
            let is_there =
                self.usages(&there).iter().any(|usage| usage["resource_uuid"] == site.uuid.as_str());
            let mut usage = self.stored(&site, &self.period.clone()).clone();
            self.forget(&site);
            if is_there {
                self.stored(&site, &there)["usage"] = json!(written(site.amount));
            } else {
                usage["billing_period"] = json!(format!("{there}-01"));
                usage["date"] = json!(format!("{there}-02T08:00:00Z"));
                usage["created"] = usage["date"].clone();
                self.world["usages"].as_array_mut().unwrap().push(usage);
            }
            self.expect(&site, "wrong-period", "wrong-period");
        }
    }

    fn plant_other_numbers(&mut self) {
        for times in [60, 1_000, 1_024, 24] {
            let site = self.site(|site| site.amount < 900_000_000);
            self.restate_amount(&site, site.amount * times);
            self.expect(&site, "wrong-unit", "wrong-unit");
        }
        // The unit that is stated is another one.
        let site = self.site(|site| site.component == "ram");
        self.restate(&site, |row| {
            (row.unit, row.unit_price, row.price) = ("MiB-days".into(), String::new(), None);
            row.amount += 4_321;
        });
        self.expect(&site, "wrong-unit", "wrong-unit");

        let site = self.any();
        self.restate(&site, |row| (row.amount, row.price) = (-row.amount, None));
        self.expect(&site, "sign", "sign");

        let site = self.site(|site| swapped(site.amount).is_some());
        self.restate_amount(&site, swapped(site.amount).unwrap());
        self.expect(&site, "transposed-digits", "transposed-digits");
    }

    fn plant_on_invoices(&mut self) {
        let site = self.any();
        self.restate(&site, |row| row.price = row.price.map(|price| price + 10));
        self.expect(&site, "match", "price");

        let site = self.any();
        let period = self.period.clone();
        self.stored(&site, &period)["plan_period_uuid"] = Value::Null;
        self.item(&site, Item::None);
        self.expect(&site, "match", "not-billed");

        let site = self.any();
        self.item(&site, Item::Of(site.amount - 1_313));
        self.restate(&site, |row| (row.unit_price, row.price) = (String::new(), None));
        self.expect(&site, "match", "billed");
    }

    /// The server bills one component in another unit throughout, as for some kinds of offerings.
    fn convert_on_invoices(&mut self) {
        for usage in self.usages(&self.period.clone()) {
            let (uuid, component) = (text(&usage["resource_uuid"]), text(&usage["type"]));
            let amount = hundredths(usage["usage"].as_str().unwrap());
            if component != CONVERTED {
                continue;
            }
            let key = (self.names()[&uuid].clone(), component.clone());
            let billed = (amount + 5_999) / 6_000 * 100;
            self.items.insert((uuid, component), Item::Of(billed));
            // Nothing is nothing in every unit, and a minute is billed as an hour.
            let three_way = if billed == amount { "match" } else { "converted-by-server" };
            self.expected.entry(key).or_insert(Expected { two_way: "match", three_way });
        }
        for row in self.rows.iter_mut().filter(|row| row.component == CONVERTED) {
            (row.unit_price, row.price) = (String::new(), None);
        }
    }

    /// What no server could take: usage of what is gone, and of what has a fixed price.
    fn plant_unreportable(&mut self) {
        let site = self.any();
        self.forget(&site);
        self.resource(&site.uuid)["state"] = json!("Erred");
        self.expect(&site, "not-reportable", "not-reportable");

        let site = self.any();
        let row = Row {
            uuid: site.uuid.clone(),
            name: site.name.clone(),
            component: FIXED.into(),
            amount: 300,
            ..Row::default()
        };
        self.rows.push(row);
        self.expect(&Site { component: FIXED.into(), ..site }, "not-reportable", "not-reportable");
    }

    /// Rows that name what there is not, or not once.
    fn plant_names(&mut self) {
        for number in 1..=2 {
            let site = self.any();
            let name = format!("nobody-{number}");
            let row = Row { name: name.clone(), component: site.component, amount: 4_200, ..Row::default() };
            self.rows.push(row);
            let nobody = Site {
                uuid: String::new(),
                name,
                component: self.rows.last().unwrap().component.clone(),
                amount: 0,
            };
            self.expect(&nobody, "unknown-resource", "unknown-resource");

            let site = self.any();
            let row = Row {
                uuid: site.uuid.clone(),
                name: site.name.clone(),
                component: "fpga".into(),
                amount: 900,
                ..Row::default()
            };
            self.rows.push(row);
            self.expect(&Site { component: "fpga".into(), ..site }, "unknown-component", "unknown-component");
        }
        // Two resources get one name, and a row calls one of them so. All other rows have the uuid.
        let [first, second] = [self.any(), self.any()];
        for site in [&first, &second] {
            self.resource(&site.uuid)["name"] = json!("twin");
            for row in self.rows.iter_mut().filter(|row| row.uuid == site.uuid) {
                row.name = "twin".into();
            }
        }
        for site in [&first, &second] {
            self.forget(&Site { component: first.component.clone(), ..site.clone() });
            self.strike(&Site { component: first.component.clone(), ..site.clone() });
        }
        let twin = Row {
            name: "twin".into(),
            component: first.component.clone(),
            amount: first.amount,
            ..Row::default()
        };
        self.rows.push(twin);
        self.expect(&Site { name: "twin".into(), ..first }, "ambiguous-name", "ambiguous-name");
    }

    /// The invoices of the month: a line for each row that is stored, but for what was planted.
    fn invoices(&self) -> Vec<Value> {
        let period = &self.period;
        let of = |list: &str, field: &str| -> BTreeMap<String, Value> {
            let things = self.world[list].as_array().unwrap().iter();
            things.map(|thing| (text(&thing["uuid"]), thing[field].clone())).collect()
        };
        let (projects, customers) = (of("resources", "project_uuid"), of("projects", "customer_uuid"));
        let periods = of("resources", "plan_periods");
        let mut items: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for (number, usage) in self.usages(period).iter().enumerate() {
            let (uuid, component) = (text(&usage["resource_uuid"]), text(&usage["type"]));
            let own = items.entry(text(&customers[&text(&projects[&uuid])])).or_default();
            if !self.is_billed(&component) {
                continue;
            }
            let quantity = match self.items.get(&(uuid.clone(), component.clone())) {
                Some(Item::None) => continue,
                Some(Item::Of(quantity)) => *quantity,
                None => hundredths(usage["usage"].as_str().unwrap()),
            };
            let plan_periods = periods[&uuid].as_array().unwrap();
            let under = plan_periods.iter().find(|own| own["uuid"] == usage["plan_period_uuid"]);
            let under = under.unwrap_or(&plan_periods[0]);
            let plans = self.world["offerings"][0]["plans"].as_array().unwrap();
            let plan = plans.iter().find(|plan| plan["uuid"] == under["plan_uuid"]).unwrap();
            let end = shifted(period, 1);
            own.push(json!({
                "uuid": format!("{:032x}", 0xc0_0000 + number),
                "resource_uuid": uuid,
                "type": component,
                "plan_uuid": under["plan_uuid"],
                "plan_period_uuid": under["uuid"],
                "quantity": written(quantity),
                "unit_price": plan["prices"][component.as_str()],
                "unit": "quantity",
                "start": format!("{period}-01T00:00:00Z"),
                "end": format!("{end}-01T00:00:00Z"),
            }));
        }
        let invoices = items.into_iter().zip(100_001..).map(|((customer, items), number)| {
            json!({
                "uuid": null,
                "customer_uuid": customer,
                "billing_period": format!("{period}-01"),
                "state": "created",
                "number": number,
                "invoice_date": format!("{}-01", shifted(period, 1)),
                "tax_percent": "0",
                "items": items,
            })
        });
        invoices.collect()
    }
}

/// What a row costs in hundredths: rounded up to the cent.
fn cost(amount: i64, unit_price: &str) -> i64 {
    let (whole, places) = unit_price.split_once('.').unwrap_or((unit_price, ""));
    let digits: i128 = format!("{whole}{places}").parse().unwrap();
    let scale = 10_i128.pow(u32::try_from(places.len()).unwrap());
    let exact = i128::from(amount) * digits;
    i64::try_from((exact + scale - 1).div_euclid(scale)).unwrap()
}

/// The first two neighbours that differ, exchanged; not the leading one with a zero.
fn swapped(amount: i64) -> Option<i64> {
    let digits: Vec<u8> = amount.to_string().into_bytes();
    let at = (0..digits.len() - 3).find(|&at| digits[at] != digits[at + 1] && digits[at + 1] != b'0')?;
    let mut other = digits;
    other.swap(at, at + 1);
    String::from_utf8(other).unwrap().parse().ok()
}

/// Whether two amounts differ by two neighbours that are exchanged.
fn is_transposed(one: i64, other: i64) -> bool {
    let (one, other) = (one.to_string().into_bytes(), other.to_string().into_bytes());
    let differ: Vec<usize> = (0..one.len().min(other.len())).filter(|&at| one[at] != other[at]).collect();
    one.len() == other.len()
        && matches!(differ.as_slice(), [first, second] if second - first == 1 && one[*first] == other[*second] && one[*second] == other[*first])
}
