//! What people read of money through a running sandbox: by role, by filter, page by page.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value as Json;

use super::world::{Role, User};
use super::{Behaviour, Billing, InvoiceState, Sandbox, Settings, World, start};
use crate::domain::{Amount, CustomerId};

/// An answer: status, head, body.
struct Answer {
    status: u16,
    head: String,
    body: Json,
}

impl Answer {
    fn count(&self) -> usize {
        self.header("X-Result-Count").parse().unwrap()
    }

    fn header(&self, name: &str) -> &str {
        let line =
            self.head.lines().find_map(|line| line.strip_prefix(&format!("{}: ", name.to_lowercase())));
        line.unwrap_or_default()
    }

    fn each(&self, field: &str) -> Vec<&Json> {
        self.body.as_array().unwrap().iter().map(|row| &row[field]).collect()
    }
}

fn send(sandbox: &Sandbox, user: &str, method: &str, path: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(sandbox.url().trim_start_matches("http://")).unwrap();
    let token = &sandbox.tokens()[user];
    let head = format!("{method} /api/{path} HTTP/1.1\r\nHost: here\r\nConnection: close");
    let fields = format!("Authorization: Token {token}\r\nContent-Length: {}", body.len());
    stream.write_all(format!("{head}\r\n{fields}\r\n\r\n{body}").as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let lower = |line: &str| match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}", name.to_lowercase()),
        None => line.to_owned(),
    };
    let head = head.lines().map(lower).collect::<Vec<_>>().join("\n");
    Answer { status, head, body: serde_json::from_str(body).unwrap_or(Json::Null) }
}

fn get(sandbox: &Sandbox, user: &str, path: &str) -> Answer {
    send(sandbox, user, "GET", path, "")
}

/// The built-in world with more people: support, and those with smaller roles on an organisation.
fn world() -> World {
    let mut world = World::built_in();
    let customer = |name: &str| world.customers.iter().find(|it| it.slug == name).unwrap().uuid;
    let role = |name: &str, customer_slug: &str| Role {
        name: name.into(),
        scope_type: "customer".into(),
        scope_uuid: customer(customer_slug),
    };
    let people = [
        ("support", true, vec![]),
        ("provider-manager", false, vec![role("CUSTOMER.MANAGER", "nordlys")]),
        ("provider-helpdesk", false, vec![role("CUSTOMER.SUPPORT", "nordlys")]),
        ("bookkeeper", false, vec![role("CUSTOMER.SUPPORT", "imb")]),
    ];
    for ((name, is_support, roles), number) in people.into_iter().zip(50..) {
        let model = &world.users[0];
        let user = User {
            id: number,
            username: name.into(),
            uuid: uuid::Uuid::from_u128(u128::from(number)),
            is_staff: false,
            is_support,
            token: format!("{number:040}"),
            roles,
            ..model.clone()
        };
        world.tokens.insert(name.into(), user.token.clone());
        world.users.push(user);
    }
    world
}

fn customer(slug: &str) -> String {
    let world = World::built_in();
    world.customers.iter().find(|it| it.slug == slug).unwrap().uuid.as_simple().to_string()
}

fn resource(name: &str) -> String {
    let world = World::built_in();
    world.resources.iter().find(|it| it.name == name).unwrap().uuid.as_simple().to_string()
}

fn amount(value: &Json) -> Amount {
    value.as_str().unwrap().parse().unwrap()
}

fn report(sandbox: &Sandbox, amount: &str) -> u16 {
    let body = format!(
        r#"{{"resource":"{}","usages":[{{"type":"cpu","amount":"{amount}"}}]}}"#,
        resource("benchmarks")
    );
    send(sandbox, "owner", "POST", "marketplace-component-usages/set_usage/", &body).status
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_read_which_money() {
    let sandbox = start(Settings::new(world())).await.unwrap();
    let all_items = get(&sandbox, "staff", "invoice-items/").count();
    for (user, invoices, sees_items, provides) in [
        ("staff", 16, true, true),
        ("support", 16, true, false),
        ("owner", 4, true, true),
        ("provider-manager", 4, true, true),
        ("provider-helpdesk", 4, true, false),
        ("bookkeeper", 4, true, false),
        ("consumer", 4, true, false),
        ("manager", 0, false, false),
        ("nobody", 0, false, false),
    ] {
        let answer = get(&sandbox, user, "invoices/");
        assert_eq!((answer.status, answer.count()), (200, invoices), "{user}");
        let items = get(&sandbox, user, "invoice-items/");
        assert_eq!((items.status, items.count() > 0), (200, sees_items), "{user}");
        let sums_up = get(&sandbox, user, "invoice-items/total_price/");
        assert_eq!(sums_up.body["total_price"] != "0.0000000000", sees_items, "{user}");
        let provided = get(&sandbox, user, "provider-invoice-items/");
        // Every offering is the one provider's.
        let wanted = if provides { all_items } else { 0 };
        assert_eq!((provided.status, provided.count()), (200, wanted), "{user}");
    }
    let of_tuk = get(&sandbox, "consumer", "invoices/?page_size=1").body[0]["uuid"].clone();
    let path = format!("invoices/{}/", of_tuk.as_str().unwrap());
    assert_eq!(get(&sandbox, "consumer", &path).status, 200);
    assert_eq!(get(&sandbox, "bookkeeper", &path).status, 404);
    let provided = get(&sandbox, "owner", "provider-invoice-items/?page_size=1");
    assert!(provided.body[0].get("state").is_none());
    let stats = format!("marketplace-provider-offerings/{}/", {
        let world = World::built_in();
        world.offerings[0].uuid.as_simple().to_string()
    });
    for (user, status) in [("owner", 200), ("staff", 200), ("provider-manager", 403), ("consumer", 404)] {
        assert_eq!(get(&sandbox, user, &format!("{stats}stats/")).status, status, "{user}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invoices_are_filtered_and_paged_as_other_lists_are() {
    let sandbox = start(Settings::new(world())).await.unwrap();
    let tuk = customer("tuk");
    for (query, count) in [
        (String::new(), 16),
        ("state=paid".into(), 8),
        ("state=paid&state=pending".into(), 12),
        ("state=".into(), 16),
        ("year=2026&month=10".into(), 4),
        ("month=10.0".into(), 4),
        ("month=10.5".into(), 0),
        (format!("customer_uuid={tuk}"), 4),
        (format!("customer=http://elsewhere/api/customers/{tuk}/"), 4),
        ("customer=http://elsewhere/api/projects/1/".into(), 0),
        ("created=2026-09-01".into(), 4),
        ("start_date=2026-09-01".into(), 8),
        ("end_date=2026-09-01".into(), 4),
        ("unheard_of=1&o=".into(), 16),
    ] {
        let answer = get(&sandbox, "staff", &format!("invoices/?{query}"));
        assert_eq!((answer.status, answer.count()), (200, count), "{query}");
    }
    for (query, field, message) in [
        ("state=open", "state", "Select a valid choice. open is not one of the available choices."),
        ("year=this", "year", "Enter a number."),
        ("created=now", "created", "Enter a valid date."),
        ("customer_uuid=7", "customer_uuid", "Enter a valid UUID."),
        ("o=price", "o", "Select a valid choice. price is not one of the available choices."),
    ] {
        let answer = get(&sandbox, "staff", &format!("invoices/?{query}"));
        assert_eq!((answer.status, &answer.body[field][0]), (400, &Json::from(message)), "{query}");
    }
    let page = get(&sandbox, "staff", "invoices/?page=2&page_size=5&field=month&field=state");
    assert_eq!(page.body[4].as_object().unwrap().len(), 2);
    assert!(page.header("Link").contains("page=3&page_size=5>; rel=\"next\""), "{}", page.head);
    assert_eq!(get(&sandbox, "staff", "invoices/?page=9").status, 404);
    let months = get(&sandbox, "consumer", "invoices/?o=month");
    assert_eq!(months.each("month"), [8, 9, 10, 11]);
    assert_eq!(get(&sandbox, "consumer", "invoices/").each("month"), [11, 10, 9, 8]);
    assert_eq!(send(&sandbox, "staff", "HEAD", "invoices/", "").count(), 16);
    let options = send(&sandbox, "staff", "OPTIONS", "invoice-items/", "");
    assert_eq!(options.body["name"], "Invoice Item List");
    assert_eq!(get(&sandbox, "staff", "invoices").status, 301);
    assert_eq!(send(&sandbox, "staff", "POST", "invoices/", "{}").status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_is_the_sum_of_its_rounded_lines_and_hides_those_of_zero() {
    let mut world = world();
    for customer in &mut world.customers {
        customer.tax_percent = Amount::from(22);
    }
    let sandbox = start(Settings::new(world)).await.unwrap();
    assert_eq!(report(&sandbox, "0"), 201);
    let path = format!("invoices/?customer_uuid={}&year=2026&month=11", customer("nordlys"));
    let invoice = &get(&sandbox, "owner", &path).body[0];
    let items = invoice["items"].as_array().unwrap();
    let prices = items.iter().map(|item| amount(&item["price"]));
    assert_eq!(Amount::total(prices), Some(amount(&invoice["price"])));
    assert!(items.iter().all(|item| item["name"] != "benchmarks / CPU"));
    let total = amount(&invoice["price"]).checked_add(amount(&invoice["tax"]));
    assert_eq!(total, Some(amount(&invoice["total"])));
    assert!(invoice["total"].as_str().unwrap().split_once('.').unwrap().1.len() == 10);
    assert_eq!((&invoice["state"], &invoice["invoice_date"]), (&"pending".into(), &Json::Null));
    // The list of items shows the line of zero.
    let line = format!("invoice-items/?resource_uuid={}&year=2026&month=11", resource("benchmarks"));
    let lines = get(&sandbox, "owner", &line);
    let names = lines.each("name");
    assert!(names.contains(&&Json::from("benchmarks / CPU")), "{names:?}");
    assert_eq!(lines.body[0].as_object().unwrap().len(), 12);
    let issued = format!("invoices/?customer_uuid={}&month=10", customer("nordlys"));
    let issued = &get(&sandbox, "owner", &issued).body[0];
    assert_eq!((&issued["invoice_date"], &issued["due_date"]), (&"2026-11-01".into(), &"2026-12-01".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_filtered_and_summed_without_rounding() {
    let sandbox = start(Settings::new(world())).await.unwrap();
    let path = format!("invoice-items/?resource_uuid={}", resource("benchmarks"));
    let lines = get(&sandbox, "staff", &format!("{path}&month=9&year=2026&page_size=300"));
    assert_eq!(lines.count(), 5);
    let mut exact = crate::domain::ExactTotal::default();
    for line in lines.body.as_array().unwrap() {
        exact.add_product(amount(&line["quantity"]), amount(&line["unit_price"])).unwrap();
    }
    let query = path.replace("items/?", "items/total_price/?");
    let total = get(&sandbox, "staff", &format!("{query}&month=9&year=2026"));
    assert_eq!(amount(&total.body["total_price"]), exact.rounded().unwrap());
    for (query, count) in
        [("start_month=10", 5), ("start_year=2025", 0), ("credit_uuid=00000000000000000000000000000001", 0)]
    {
        assert_eq!(get(&sandbox, "staff", &format!("{path}&{query}")).count(), count, "{query}");
    }
    assert_eq!(get(&sandbox, "staff", "invoice-items/?offering_uuid=x").status, 400);
    assert_eq!(get(&sandbox, "staff", "provider-invoice-items/?invoice_month=x").status, 400);
    let months = get(&sandbox, "staff", "provider-invoice-items/?invoice_month=8&page_size=300");
    assert!(months.count() > 0 && months.count() < get(&sandbox, "staff", "invoice-items/").count());
    let starts = get(&sandbox, "staff", "invoice-items/?page_size=300");
    let starts: Vec<_> = starts.each("start").into_iter().map(Json::to_string).collect();
    assert!(starts.is_sorted());
    let uuid = lines.body[0]["uuid"].as_str().unwrap();
    assert_eq!(get(&sandbox, "staff", &format!("invoice-items/{uuid}/")).body["uuid"], uuid);
    assert_eq!(get(&sandbox, "consumer", &format!("invoice-items/{uuid}/")).status, 404);
    assert_eq!(get(&sandbox, "staff", &format!("invoice-items/{uuid}/consumptions/")).status, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn costs_of_a_project_are_told_by_month_and_to_whom_the_server_likes() {
    let project = World::built_in().projects[0].uuid.as_simple().to_string();
    let path = format!("invoice-items/costs/?project_uuid={project}");
    let sandbox = start(Settings::new(world())).await.unwrap();
    let told = get(&sandbox, "nobody", &path);
    assert_eq!(told.each("month"), [11, 10, 9, 8]);
    assert_eq!(told.body[0].as_object().unwrap().len(), 3);
    assert_eq!(get(&sandbox, "nobody", "invoice-items/costs/").count(), 0);

    let behaviour = Behaviour { billing: Billing::InBackground, ..Behaviour::dialect_2024() };
    let sandbox = start(Settings { behaviour, ..Settings::new(world()) }).await.unwrap();
    assert_eq!(get(&sandbox, "nobody", &path).count(), 0);
    let told = get(&sandbox, "consumer", &path);
    assert_eq!(told.each("compensation"), ["0.00"; 4]);
    assert_eq!(told.each("incurred"), told.each("price"));
    assert_eq!(get(&sandbox, "consumer", "invoice-items/costs/").status, 400);
    let line = get(&sandbox, "consumer", "invoice-items/?page_size=1").body[0].clone();
    assert_eq!(line.as_object().unwrap().len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn late_usage_is_stored_and_not_billed_and_the_month_turns_on_a_request() {
    let behaviour = Behaviour { billing: Billing::InBackground, ..Behaviour::dialect_2024() };
    let sandbox = start(Settings { behaviour, ..Settings::new(world()) }).await.unwrap();
    let nordlys = CustomerId::new(customer("nordlys").parse().unwrap());
    let november = "2026-11".parse().unwrap();
    assert!(sandbox.set_invoice_state(nordlys, november, InvoiceState::Created));
    assert!(!sandbox.set_invoice_state(nordlys, "2025-01".parse().unwrap(), InvoiceState::Paid));
    assert_eq!(report(&sandbox, "9"), 201);
    sandbox.set_now("2026-11-20T10:00:00Z".parse().unwrap());
    let path = format!("invoice-items/?resource_uuid={}&month=11", resource("benchmarks"));
    let names = get(&sandbox, "staff", &path);
    assert!(!names.each("name").contains(&&Json::from("benchmarks / CPU")));
    assert!(sandbox.set_invoice_state(nordlys, november, InvoiceState::PendingFinalization));
    assert_eq!(report(&sandbox, "10"), 201);
    sandbox.set_now("2026-11-20T11:00:00Z".parse().unwrap());
    assert!(get(&sandbox, "staff", &path).each("name").contains(&&Json::from("benchmarks / CPU")));

    sandbox.set_now("2026-12-01T00:00:00Z".parse().unwrap());
    let states = get(&sandbox, "owner", "invoices/?field=state&field=month&field=due_date");
    assert_eq!(states.each("state"), ["pending", "created", "created", "paid", "paid"]);
    assert_eq!(states.each("due_date")[1], "2026-12-31");
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_of_an_offering_follow_from_its_invoices() {
    let sandbox = start(Settings::new(world())).await.unwrap();
    let offering = World::built_in().offerings[0].uuid.as_simple().to_string();
    let path = format!("marketplace-provider-offerings/{offering}/component_stats/");
    let november = get(&sandbox, "owner", &format!("{path}?start=2026-11&end=2026-11"));
    assert_eq!(november.each("type"), ["cpu", "gpu_hours", "node", "ram", "storage"]);
    assert_eq!(november.body[0]["date"], "2026-11-30T00:00:00+00:00");
    let months = get(&sandbox, "owner", &format!("{path}?start=2026-08&end=2026-10&page_size=300"));
    assert_eq!(months.count(), 15);
    assert_eq!(get(&sandbox, "owner", &format!("{path}?start=August")).status, 400);
    let stats = get(&sandbox, "owner", &format!("marketplace-provider-offerings/{offering}/stats/"));
    assert_eq!((&stats.body["resources_count"], &stats.body["customers_count"]), (&27.into(), &4.into()));
}
