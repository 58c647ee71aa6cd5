//! Months as they are read from a sandbox, held against what the sandbox tells a naive client.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::domain::Amount;
use crate::sandbox::{Behaviour, Fault, InvoiceState, Listen, NewWorld, Sandbox, Settings, World, start};
use crate::waldur::{ServerAddress, Token, TokenSource};
use crate::warehouse::{ColumnKind, Origin, cell_text};

use super::*;

const TABLES: [Table; 7] = [
    Table::Usages,
    Table::UserUsages,
    Table::Invoices,
    Table::InvoiceItems,
    Table::Resources,
    Table::Components,
    Table::Offerings,
];

/// The rows of a month by their keys: column to text.
type Cells = BTreeMap<String, BTreeMap<String, Option<String>>>;

fn month(text: &str) -> BillingPeriod {
    text.parse().unwrap()
}

async fn sandbox_of(world: World, behaviour: Behaviour) -> Sandbox {
    start(Settings { behaviour, ..Settings::new(world) }).await.unwrap()
}

async fn built_in() -> Sandbox {
    sandbox_of(World::built_in(), Behaviour::dialect_2026()).await
}

fn reader(sandbox: &Sandbox, account: &str) -> Reader {
    let address = ServerAddress::parse(&sandbox.url(), false).unwrap();
    let token = Token::new(&sandbox.tokens()[account]).unwrap();
    Reader::new(address, TokenSource::Fixed(token), 4, Reader::TIMEOUT).unwrap()
}

async fn months(sandbox: &Sandbox, account: &str, filter: MonthFilter) -> ServerMonths {
    ServerMonths::new(&reader(sandbox, account), filter).await.unwrap()
}

fn schema(table: Table) -> Arc<Schema> {
    Arc::new(Schema::new(table, &[]))
}

async fn extract(months: &mut ServerMonths, period: &str, table: Table) -> Result<Extract, Error> {
    Ok(months.month(month(period), &[schema(table)]).await?.remove(0))
}

async fn read(sandbox: &Sandbox, account: &str, period: &str, table: Table) -> Extract {
    let mut months = months(sandbox, account, MonthFilter::default()).await;
    extract(&mut months, period, table).await.unwrap()
}

/// The cells of a month.
fn cells(slice: &Slice) -> Cells {
    let (schema, rows) = (slice.schema(), slice.rows());
    let cell = |row, name: &str| {
        let at = schema.position(name).unwrap();
        cell_text(&schema.columns()[at], rows.column(at), row).map(String::from)
    };
    let row = |row| {
        let key: Vec<String> = schema.table().key().iter().map(|name| cell(row, name).unwrap()).collect();
        let columns = schema.columns().iter().map(|column| column.name.to_string());
        (key.join(" "), columns.map(|name| (name.clone(), cell(row, &name))).collect())
    };
    (0..rows.num_rows()).map(row).collect()
}

fn exchange(sandbox: &Sandbox, account: &str, head: &str, body: &str) -> (String, String) {
    let token = &sandbox.tokens()[account];
    let mut stream = TcpStream::connect(sandbox.url().trim_start_matches("http://")).unwrap();
    let fields = format!("Host: here\r\nConnection: close\r\nAuthorization: Token {token}");
    let length = body.len();
    let text = format!("{head} HTTP/1.1\r\n{fields}\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// A list as a naive client reads it, page by page with all fields.
fn list(sandbox: &Sandbox, account: &str, path: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    for page in 1.. {
        let mark = if path.contains('?') { '&' } else { '?' };
        let (head, body) =
            exchange(sandbox, account, &format!("GET /api/{path}{mark}page_size=100&page={page}"), "");
        if head.starts_with("HTTP/1.1 404") {
            break;
        }
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
        let read: Vec<Value> = serde_json::from_str(&body).unwrap();
        let is_last = read.len() < 100;
        rows.extend(read);
        if is_last {
            break;
        }
    }
    rows
}

fn post(sandbox: &Sandbox, path: &str, body: &Value) {
    let (head, _) = exchange(sandbox, "owner", &format!("POST /api/{path}"), &body.to_string());
    assert!(head.starts_with("HTTP/1.1 201"), "{head}");
}

/// Reports usages of single users for some usages of the running month.
fn report_users(sandbox: &Sandbox) {
    let usages = list(sandbox, "staff", "marketplace-component-usages/?billing_period=2026-11-01");
    assert!(usages.len() > 5);
    for (at, usage) in usages.iter().take(6).enumerate() {
        let path =
            format!("marketplace-component-usages/{}/set_user_usage/", usage["uuid"].as_str().unwrap());
        for name in ["anna", "=bö\"b"] {
            post(sandbox, &path, &json!({"username": name, "usage": format!("{at}.25")}));
        }
    }
}

/// The list in which staff sees a table.
fn path(table: Table, period: &str) -> String {
    let (year, number) = period.split_once('-').unwrap();
    let number = number.trim_start_matches('0');
    match table {
        Table::Usages => format!("marketplace-component-usages/?billing_period={period}-01"),
        Table::UserUsages => {
            format!("marketplace-component-user-usages/?component_usage__billing_period={period}-01")
        }
        Table::Invoices => format!("invoices/?year={year}&month={number}"),
        Table::InvoiceItems => format!("invoice-items/?year={year}&month={number}"),
        Table::Resources => "marketplace-provider-resources/".to_owned(),
        Table::Components | Table::Offerings => "marketplace-provider-offerings/".to_owned(),
        Table::Charges => unreachable!("no list"),
    }
}

fn last_part(address: &Value) -> Value {
    address.as_str().map_or(Value::Null, |text| json!(text.trim_end_matches('/').rsplit('/').next().unwrap()))
}

/// Whether a cell says what a JSON value says.
fn says(kind: ColumnKind, cell: Option<&str>, value: &Value) -> bool {
    let amount = |text: &str| text.parse::<Amount>().unwrap();
    let instant = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let text = match value {
        Value::Null => return cell.is_none(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let Some(cell) = cell else { return false };
    match kind {
        ColumnKind::Cents | ColumnKind::Fine => amount(cell) == amount(&text),
        ColumnKind::Instant => instant(cell) == instant(&text),
        ColumnKind::Text | ColumnKind::Day | ColumnKind::Flag | ColumnKind::Whole => cell == text,
    }
}

/// Holds a month against the rows of a naive client.
fn hold(slice: &Slice, deployment: &str, rows: &[Value], what: &str) {
    let schema = slice.schema();
    let table = schema.table();
    let rows: Vec<(Value, Value)> = if table == Table::Components {
        let components = |offering: &Value| offering["components"].as_array().unwrap().clone();
        rows.iter().flat_map(|own| components(own).into_iter().map(|inner| (own.clone(), inner))).collect()
    } else {
        rows.iter().map(|row| (row.clone(), row["details"].clone())).collect()
    };
    let cells = cells(slice);
    assert_eq!(cells.len(), rows.len(), "{what}");
    for (outer, inner) in &rows {
        let value = |origin: &Origin| match origin {
            Origin::Deployment => json!(deployment),
            Origin::BillingPeriod => json!(slice.period().first_day()),
            Origin::Field(name) if table == Table::Components => inner[name.as_ref()].clone(),
            Origin::Field(name) => outer[name.as_ref()].clone(),
            Origin::IdOf(name) => last_part(&outer[*name]),
            Origin::Detail(name) => inner[*name].clone(),
            Origin::Parent(name) => outer[*name].clone(),
            Origin::Derived => unreachable!("not of a server"),
        };
        let columns = schema.columns();
        let key = table.key().iter().map(|name| {
            let column = columns.iter().find(|column| column.name == *name).unwrap();
            value(&column.origin).as_str().unwrap().to_owned()
        });
        let row = &cells[&key.collect::<Vec<_>>().join(" ")];
        for column in columns {
            let (cell, mut value) = (row[column.name.as_ref()].as_deref(), value(&column.origin));
            if table == Table::InvoiceItems && column.name == "price" && value.is_null() {
                // An older server leaves it to be worked out.
                let amount = |name: &str| outer[name].as_str().unwrap().parse::<Amount>().unwrap();
                let price = crate::domain::line_price(amount("quantity"), amount("unit_price")).unwrap();
                value = json!(price.to_string());
            }
            assert!(says(column.kind, cell, &value), "{what} {}: {cell:?} {value}", column.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_is_what_the_server_holds() {
    for behaviour in [Behaviour::dialect_2024(), Behaviour::dialect_2025(), Behaviour::dialect_2026()] {
        let dialect = behaviour.dialect.to_string();
        let sandbox = sandbox_of(World::built_in(), behaviour).await;
        report_users(&sandbox);
        let mut months = months(&sandbox, "staff", MonthFilter::default()).await;
        assert_eq!(months.deployment(), sandbox.url());
        for period in ["2026-09", "2026-10", "2026-11", "2027-03"] {
            for table in TABLES {
                let read = extract(&mut months, period, table).await.unwrap();
                let what = format!("{dialect} {period} {table}");
                let rows = list(&sandbox, "staff", &path(table, period));
                hold(&read.slice, &sandbox.url(), &rows, &what);
                assert_eq!(read.proof.counted, read.slice.rows().num_rows(), "{what}");
                let statistics = (table == Table::Usages).then_some(true);
                assert_eq!(read.proof.statistics, statistics, "{what}");
                let is_empty = match table {
                    Table::UserUsages => period != "2026-11",
                    Table::Resources | Table::Components | Table::Offerings => false,
                    _ => period == "2027-03",
                };
                assert_eq!(rows.is_empty(), is_empty, "{what}");
            }
        }
        assert!(months.told().is_empty());
    }
}

/// A world whose months have several pages of each component.
fn large(resources: u32) -> World {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.json");
    NewWorld::new(resources, 3, 2, None).unwrap().write(&path, false).unwrap();
    World::read(&path).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_month_is_read_by_type_and_the_server_joins_no_name() {
    let sandbox = sandbox_of(large(420), Behaviour::dialect_2024()).await;
    let read = read(&sandbox, "staff", "2026-10", Table::Usages).await;
    let rows = list(&sandbox, "staff", &path(Table::Usages, "2026-10"));
    assert_eq!(rows.len(), 1260);
    hold(&read.slice, &sandbox.url(), &rows, "by type");
    assert_eq!((read.proof.counted, read.proof.statistics), (1260, Some(true)));
    let asked: Vec<String> = sandbox.requests().into_iter().map(|request| request.path).collect();
    let lists =
        asked.iter().filter(|path| path.contains("component-usages/?") && path.contains("page_size=300"));
    let lists: Vec<&String> = lists.collect();
    assert!(lists.len() >= 6, "{asked:?}");
    for path in lists {
        assert!(path.contains("type=") && !path.contains("field=type"), "{path}");
        for joined in ["_name", "offering_uuid", "project_uuid", "customer_uuid", "measured_unit"] {
            assert!(!path.contains(joined), "{path}");
        }
    }
}

/// What strikes lists.
const FAULTS: [&str; 7] = [
    "rows-repeated rate=0.3",
    "rows-lost rate=0.3",
    "rows-repeated rate=0.6 path=component-usages",
    "rows-lost rate=0.05",
    "untied-order rate=0.7",
    "filters-ignored rate=0.2 path=component-usages",
    "status=503 rate=0.05",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_repeats_or_loses_rows_never_gives_a_wrong_month() {
    let is_full = std::env::var("WALDUR_USAGE_SWEEP").is_ok_and(|sweep| sweep == "full");
    let seeds = if is_full { 150 } else { 8 };
    let world = serde_json::to_value(large(150)).unwrap();
    let tables = [Table::Usages, Table::UserUsages, Table::Resources, Table::Components, Table::InvoiceItems];
    let (mut right, mut refused) = (0, 0);
    for seed in 0..seeds {
        let behaviour = if seed % 2 == 0 { Behaviour::dialect_2024() } else { Behaviour::dialect_2026() };
        let world: World = serde_json::from_value(world.clone()).unwrap();
        let sandbox = start(Settings { behaviour, seed, ..Settings::new(world) }).await.unwrap();
        let mut truth = BTreeMap::new();
        for table in tables {
            truth.insert(table, read(&sandbox, "staff", "2026-10", table).await.slice);
        }
        assert_eq!(truth[&Table::Usages].rows().num_rows(), 450);
        let mut chance = fastrand::Rng::with_seed(seed);
        for fault in FAULTS.iter().filter(|_| chance.bool()) {
            sandbox.inject(fault.parse::<Fault>().unwrap());
        }
        for table in tables {
            let months = ServerMonths::new(&reader(&sandbox, "staff"), MonthFilter::default()).await;
            let Ok(months) = months else { continue };
            // The statistics would find out most of it; here the reading alone has to.
            match extract(&mut months.without_statistics(), "2026-10", table).await {
                Ok(read) => {
                    assert_eq!(read.slice.digest(), truth[&table].digest(), "seed {seed}, {table}");
                    right += 1;
                }
                Err(Error::Waldur(_)) => refused += 1,
                Err(error) => panic!("seed {seed}, {table}: {error}"),
            }
        }
    }
    assert!(right > seeds, "{right} right, {refused} refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sees_less_exports_less_and_is_told() {
    let sandbox = built_in().await;
    report_users(&sandbox);
    let ids = |path: &str, account: &str| -> BTreeSet<String> {
        let rows = list(&sandbox, account, path);
        rows.iter().map(|row| row["uuid"].as_str().unwrap().to_owned()).collect()
    };
    let items = |account: &str| {
        let own = ids("invoice-items/?year=2026&month=10", account);
        &own | &ids("provider-invoice-items/?invoice_year=2026&invoice_month=10", account)
    };
    for account in ["owner", "manager", "consumer", "nobody"] {
        let mut months = months(&sandbox, account, MonthFilter::default()).await;
        let mut read = BTreeMap::new();
        for table in TABLES {
            let slice = extract(&mut months, "2026-10", table).await.unwrap().slice;
            read.insert(table, cells(&slice).into_keys().collect::<BTreeSet<String>>());
        }
        let both = |provider: &str, consumer: &str| &ids(provider, account) | &ids(consumer, account);
        assert_eq!(read[&Table::Usages], ids(&path(Table::Usages, "2026-10"), account), "{account}");
        assert_eq!(read[&Table::Invoices], ids("invoices/?year=2026&month=10", account), "{account}");
        assert_eq!(read[&Table::InvoiceItems], items(account), "{account}");
        let resources = both("marketplace-provider-resources/", "marketplace-resources/");
        assert_eq!(read[&Table::Resources], resources, "{account}");
        let offerings = both("marketplace-provider-offerings/", "marketplace-public-offerings/");
        assert_eq!(read[&Table::Offerings], offerings, "{account}");
        let told = months.told();
        let hides_invoices = told.iter().any(|told| told == "no invoice of 2026-10 is shown to this account");
        assert_eq!(hides_invoices, read[&Table::Invoices].is_empty(), "{account}: {told:?}");
        assert!(months.told().is_empty(), "told once");
    }
    let owner = items("owner");
    assert!(!owner.is_empty() && owner.len() < items("staff").len() + 1);
    // Statistics are for those who see everything.
    assert_eq!(read_statistics(&sandbox, "owner").await, None);
}

async fn read_statistics(sandbox: &Sandbox, account: &str) -> Option<bool> {
    read(sandbox, account, "2026-10", Table::Usages).await.proof.statistics
}

#[tokio::test(flavor = "multi_thread")]
async fn one_list_of_several_may_be_closed_and_is_told() {
    let sandbox = built_in().await;
    for path in ["/invoice-items", "public-offerings"] {
        sandbox.inject(format!("status=403 path={path}").parse().unwrap());
    }
    let mut months = months(&sandbox, "consumer", MonthFilter::default()).await;
    for table in [Table::InvoiceItems, Table::Components] {
        let read = extract(&mut months, "2026-10", table).await.unwrap();
        assert_eq!((read.slice.rows().num_rows(), read.proof.counted), (0, 0), "{table}");
    }
    let told = months.told().join("\n");
    assert!(told.contains("this account may not read /api/invoice-items/"), "{told}");
    assert!(told.contains("offerings with resources of this account are not shown to it"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_every_table_also_where_the_server_ignores_them() {
    let sandbox = built_in().await;
    report_users(&sandbox);
    let resources = list(&sandbox, "staff", "marketplace-provider-resources/");
    let own = resources.iter().find(|row| row["name"] == "climate-era5").unwrap();
    let id = |name: &str| own[name].as_str().unwrap().to_owned();
    let filters = [
        (
            "customer_uuid",
            MonthFilter { customer: Some(id("customer_uuid").parse().unwrap()), ..MonthFilter::default() },
        ),
        (
            "project_uuid",
            MonthFilter { project: Some(id("project_uuid").parse().unwrap()), ..MonthFilter::default() },
        ),
        (
            "offering_uuid",
            MonthFilter { offering: Some(id("offering_uuid").parse().unwrap()), ..MonthFilter::default() },
        ),
        ("uuid", MonthFilter { resource: Some(id("uuid").parse().unwrap()), ..MonthFilter::default() }),
        ("type", MonthFilter { component: Some("cpu".parse().unwrap()), ..MonthFilter::default() }),
    ];
    let belongs = |field: &str| -> BTreeSet<String> {
        let wanted = &own[field];
        let rows = resources.iter().filter(|row| field == "type" || row[field] == *wanted);
        rows.map(|row| row["uuid"].as_str().unwrap().to_owned()).collect()
    };
    for ignored in
        [None, Some("filters-ignored=customer_uuid,project_uuid,offering_uuid,resource_uuid,type,query")]
    {
        sandbox.clear_faults();
        if let Some(fault) = ignored {
            sandbox.inject(fault.parse().unwrap());
        }
        for (field, filter) in &filters {
            let inside = belongs(field);
            let mut months = months(&sandbox, "staff", filter.clone()).await;
            for (table, period) in [
                (Table::Usages, "2026-10"),
                (Table::UserUsages, "2026-11"),
                (Table::InvoiceItems, "2026-10"),
                (Table::Resources, "2026-10"),
            ] {
                let what = format!("{field} {table} {ignored:?}");
                let read = extract(&mut months, period, table).await.unwrap();
                let rows = cells(&read.slice);
                let key = if table == Table::Resources { "uuid" } else { "resource_uuid" };
                sandbox.clear_faults();
                let all = list(&sandbox, "staff", &path(table, period));
                if let Some(fault) = ignored {
                    sandbox.inject(fault.parse().unwrap());
                }
                let resource = |row: &Value| match table {
                    Table::InvoiceItems => row["details"]["resource_uuid"].as_str().unwrap().to_owned(),
                    _ => row[key].as_str().unwrap().to_owned(),
                };
                let component = |row: &Value| match table {
                    Table::Usages => row["type"].clone(),
                    Table::UserUsages => row["component_type"].clone(),
                    Table::InvoiceItems => row["details"]["offering_component_type"].clone(),
                    _ => json!("cpu"),
                };
                let all = all.iter().filter(|row| inside.contains(&resource(row)));
                let all = all.filter(|row| *field != "type" || component(row) == "cpu");
                let expected: BTreeSet<&str> = all.map(|row| row["uuid"].as_str().unwrap()).collect();
                assert_eq!(rows.keys().map(String::as_str).collect::<BTreeSet<_>>(), expected, "{what}");
                assert!(!expected.is_empty() || table == Table::UserUsages, "{what}");
            }
            let told = months.told().join("\n");
            let is_told = told.contains("the server ignored");
            assert_eq!(is_told, ignored.is_some(), "{field}: {told}");
        }
    }
    sandbox.clear_faults();
    // All else of this month was reported on its 16th.
    let report = json!({"resource": id("uuid"), "usages": [{"type": "cpu", "amount": "1"}]});
    post(&sandbox, "marketplace-component-usages/set_usage/", &report);
    let by_date = MonthFilter { date_after: Some("2026-11-18".parse().unwrap()), ..MonthFilter::default() };
    for ignored in [false, true] {
        if ignored {
            sandbox.inject("filters-ignored=date_after".parse().unwrap());
        }
        let mut months = months(&sandbox, "staff", by_date.clone()).await;
        let rows = cells(&extract(&mut months, "2026-11", Table::Usages).await.unwrap().slice);
        sandbox.clear_faults();
        let asked = format!("{}&date_after=2026-11-18", path(Table::Usages, "2026-11"));
        let expected = list(&sandbox, "staff", &asked).len();
        let all = list(&sandbox, "staff", &path(Table::Usages, "2026-11")).len();
        assert_eq!(rows.len(), expected);
        assert!(0 < expected && expected < all, "{expected} of {all}");
        let told = months.told().join("\n");
        assert_eq!(told.contains("the server ignored date_after"), ignored, "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn months_that_a_server_ignores_are_kept_apart() {
    let sandbox = built_in().await;
    report_users(&sandbox);
    let mut truth = BTreeMap::new();
    for table in TABLES {
        truth.insert(table, read(&sandbox, "staff", "2026-10", table).await.slice);
    }
    let fault = "filters-ignored=billing_period,component_usage__billing_period,year,month";
    sandbox.inject(fault.parse().unwrap());
    let mut months = months(&sandbox, "staff", MonthFilter::default()).await;
    for table in TABLES {
        let read = extract(&mut months, "2026-10", table).await.unwrap();
        assert_eq!(read.slice.digest(), truth[&table].digest(), "{table}");
    }
    assert!(
        months
            .told()
            .iter()
            .any(|told| told.contains("ignored billing_period of marketplace-component-usages/"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_nothing_names_are_found_and_read_where_they_are_wanted() {
    for behaviour in [Behaviour::dialect_2024(), Behaviour::dialect_2026()] {
        let sandbox = sandbox_of(World::built_in(), behaviour).await;
        report_users(&sandbox);
        for account in ["staff", "owner"] {
            let mut months = months(&sandbox, account, MonthFilter::default()).await;
            for table in TABLES {
                let unknown = months.unknown_fields(table).await.unwrap();
                assert_eq!(unknown, BTreeSet::new(), "{account} {table}");
            }
        }
    }
    let sandbox = sandbox_of(large(420), Behaviour::dialect_2026()).await;
    sandbox.inject("added-field=gpu_model".parse().unwrap());
    let mut months = months(&sandbox, "staff", MonthFilter::default()).await;
    for table in [Table::Usages, Table::Resources, Table::Offerings] {
        let unknown = months.unknown_fields(table).await.unwrap();
        assert_eq!(unknown, BTreeSet::from(["gpu_model".to_owned()]), "{table}");
        let schema = Arc::new(Schema::new(table, &["gpu_model".to_owned()]));
        let read = months.month(month("2026-10"), &[schema]).await.unwrap().remove(0);
        let rows = cells(&read.slice);
        assert!(!rows.is_empty());
        assert!(rows.values().all(|row| row["gpu_model"].as_deref() == Some(r#"{"new":[1.50]}"#)), "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_project_changes_resources_and_no_usage() {
    let sandbox = built_in().await;
    let address = sandbox.url().trim_start_matches("http://").parse().unwrap();
    let mut before = BTreeMap::new();
    for table in TABLES {
        before.insert(table, read(&sandbox, "staff", "2026-10", table).await.slice.digest().to_owned());
    }
    sandbox.stop().await;
    let mut world = serde_json::to_value(World::built_in()).unwrap();
    world["projects"][0]["name"] = json!("Renamed");
    let world: World = serde_json::from_value(world).unwrap();
    let listen = Listen::on_loopback(address).unwrap();
    let behaviour = Behaviour::dialect_2026();
    let sandbox = start(Settings { listen, behaviour, ..Settings::new(world) }).await.unwrap();
    for table in TABLES {
        let after = read(&sandbox, "staff", "2026-10", table).await.slice;
        assert_eq!(after.digest() != before[&table], table == Table::Resources, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_that_contradict_end_the_run() {
    let sandbox = built_in().await;
    let told = |body: &str| {
        sandbox.clear_faults();
        let body = body.replace('"', "\\\"");
        let fault =
            format!("status=200 path=marketplace-stats body=\"{body}\" content-type=application/json");
        sandbox.inject(fault.parse().unwrap());
    };
    told("[]");
    let mut months = months(&sandbox, "staff", MonthFilter::default()).await;
    let error = extract(&mut months, "2026-10", Table::Usages).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("usages of 2026-10") && text.contains("the server's own statistics"), "{text}");
    let asked =
        sandbox.requests().iter().filter(|request| request.path.contains("marketplace-stats")).count();
    assert_eq!(asked, ROUNDS);
    // What is no statistics, and what is not shown, proves nothing and contradicts nothing.
    for body in ["{}", "[{\"usage\": 1}]"] {
        told(body);
        assert_eq!(extract(&mut months, "2026-10", Table::Usages).await.unwrap().proof.statistics, None);
    }
    sandbox.clear_faults();
    sandbox.inject("status=403 path=marketplace-stats".parse().unwrap());
    assert_eq!(extract(&mut months, "2026-10", Table::Usages).await.unwrap().proof.statistics, None);
    sandbox.clear_faults();
    assert_eq!(extract(&mut months, "2026-10", Table::Usages).await.unwrap().proof.statistics, Some(true));
    told("[]");
    let mut months = months.without_statistics();
    assert_eq!(extract(&mut months, "2026-10", Table::Usages).await.unwrap().proof.statistics, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_closed_once_every_invoice_is_beyond_change() {
    let sandbox = built_in().await;
    let mut staff = months(&sandbox, "staff", MonthFilter::default()).await;
    let mut nobody = months(&sandbox, "nobody", MonthFilter::default()).await;
    for (period, closed) in [("2026-08", true), ("2026-10", true), ("2026-11", false), ("2026-07", false)] {
        assert_eq!(staff.closed(month(period)).await.unwrap().is_some(), closed, "{period}");
        assert_eq!(nobody.closed(month(period)).await.unwrap(), None, "{period}");
    }
    let invoices = list(&sandbox, "staff", "invoices/?year=2026&month=10");
    let customer = last_part(&invoices[0]["customer"]).as_str().unwrap().parse().unwrap();
    assert!(sandbox.set_invoice_state(customer, month("2026-10"), InvoiceState::PendingFinalization));
    assert_eq!(staff.closed(month("2026-10")).await.unwrap(), None);
    let other = last_part(&invoices[1]["customer"]).as_str().unwrap().parse().unwrap();
    let filter = MonthFilter { customer: Some(other), ..MonthFilter::default() };
    assert!(months(&sandbox, "staff", filter).await.closed(month("2026-10")).await.unwrap().is_some());
    // Invoices of the running month may be paid already, and the month still grows.
    for invoice in list(&sandbox, "staff", "invoices/?year=2026&month=11") {
        let customer = last_part(&invoice["customer"]).as_str().unwrap().parse().unwrap();
        assert!(sandbox.set_invoice_state(customer, month("2026-11"), InvoiceState::Paid));
    }
    assert_eq!(staff.closed(month("2026-11")).await.unwrap(), None);
}
