//! The modelled server is as slow as the observed one. The clock of these tests is paused: time
//! passes where nothing is left to do but sleep, so that a run of minutes takes none.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::Model;
use super::costs::{self, Work};
use crate::sandbox::api::{ConstantFields, Query, Request, State};
use crate::sandbox::behaviour::Behaviour;
use crate::sandbox::clock::Clock;
use crate::sandbox::commits::Commits;
use crate::sandbox::data::Data;
use crate::sandbox::faults::Quirks;
use crate::sandbox::world::World;

/// What a modelled rate may differ from the measured one, in hundredths.
const TOLERANCE: f64 = 6.0;

fn assert_near(what: &str, modelled: f64, measured: f64) {
    let off = (modelled - measured).abs() / measured * 100.0;
    assert!(off <= TOLERANCE, "{what}: {modelled:.3} instead of {measured:.3}, {off:.1} % off");
}

fn observed(speed: u32) -> Arc<Model> {
    Arc::new(Model::observed(speed))
}

fn request(method: &str, path: &str, raw_query: &str, body: &str) -> Request {
    Request {
        method: method.into(),
        path: path.into(),
        raw_path: path.into(),
        query: Query::parse(raw_query),
        raw_query: raw_query.into(),
        authorization: None,
        content_type: None,
        body: body.into(),
        base: String::new(),
        quirks: Quirks::default(),
    }
}

/// A page of 300 rows of a list, with the named fields.
fn page(list: &str, fields: &[&str]) -> Work {
    let query = fields.iter().map(|field| format!("field={field}")).collect::<Vec<_>>().join("&");
    Work::Page { rows: 300, row: costs::row(&request("GET", &format!("/api/{list}/"), &query, "")) }
}

/// How many requests a second so many connections get, each sending the next when one is answered.
async fn rate(model: &Arc<Model>, connections: u32, tokens: u32, work: Work) -> f64 {
    let each = 40;
    let begun = Instant::now();
    let clients = (0..connections).map(|number| {
        let model = Arc::clone(model);
        let token = format!("token {}", number % tokens);
        tokio::spawn(async move {
            for _ in 0..each {
                match work {
                    Work::Page { .. } => model.read(&token, || ((), work)).await,
                    Work::Post { .. } => model.post(|| ((), work)).await,
                }
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    f64::from(connections * each) / begun.elapsed().as_secs_f64()
}

#[tokio::test(start_paused = true)]
async fn pages_take_what_their_rows_and_fields_take() {
    let usages = "marketplace-component-usages";
    let columns =
        ["uuid", "created", "description", "usage", "date", "recurring", "billing_period", "modified_by"];
    let five = ["uuid", "usage", "billing_period", "type", "resource_uuid"];
    let measured: [(&[&str], f64); 4] =
        [(&[], 183.0), (&["uuid"], 2225.0), (&columns, 1911.0), (&five, 491.0)];
    for (fields, rows_per_second) in measured {
        let pages = rate(&observed(1), 1, 1, page(usages, fields)).await;
        assert_near(&format!("{fields:?}"), pages * 300.0, rows_per_second);
    }
    let resources = "marketplace-provider-resources";
    let full = page(resources, &[]).time();
    assert_near("300 full resources", full.as_secs_f64(), 4.4);
    let four = page(resources, &["uuid", "name", "state", "backend_id"]).time();
    assert!(four < Duration::from_millis(150), "0.1 s as it was written down, and not {four:?}");
}

#[tokio::test(start_paused = true)]
async fn a_token_waits_for_itself_and_not_for_others() {
    let full = page("marketplace-component-usages", &[]);
    let rows = |pages: f64| pages * 300.0;
    assert_near("4 connections, one token", rows(rate(&observed(1), 4, 1, full).await), 18_306.0 / 80.0);
    assert_near("4 connections, four tokens", rows(rate(&observed(1), 4, 4, full).await), 474.0);
    let (alone, two) = (rate(&observed(1), 1, 1, full).await, rate(&observed(1), 2, 2, full).await);
    assert_near("two tokens against one", two / alone, 3.47 / 1.64);
}

#[tokio::test(start_paused = true)]
async fn posts_come_at_the_measured_rates() {
    let fresh = Work::Post { changed: 3, items: 0 };
    for (connections, measured) in [(1, 1.95), (2, 3.30), (4, 3.47), (8, 3.74)] {
        let modelled = rate(&observed(1), connections, connections, fresh).await;
        assert_near(&format!("{connections} connections"), modelled, measured);
    }
    let unchanged = rate(&observed(1), 1, 1, Work::Post { changed: 0, items: 500 }).await;
    assert!((17.0..=19.0).contains(&unchanged), "{unchanged}");
}

#[tokio::test(start_paused = true)]
async fn posts_slow_down_as_the_invoice_grows() {
    let late = Work::Post { changed: 3, items: 500 };
    let modelled = rate(&observed(1), 4, 1, late).await;
    assert_near("500 items, 4 connections", modelled, 0.49);
    assert_near("each of them", 4.0 / modelled, 8.1);
    let earlier = rate(&observed(1), 4, 1, Work::Post { changed: 3, items: 250 }).await;
    assert!(earlier > modelled, "{earlier} and {modelled}");
}

#[tokio::test(start_paused = true)]
async fn speed_divides_all_times() {
    // A sleep ends at a whole millisecond, which would show at a speed of 50.
    for work in [page("marketplace-component-usages", &[]), Work::Post { changed: 3, items: 20 }] {
        let (slow, fast) = (rate(&observed(1), 2, 1, work).await, rate(&observed(10), 2, 1, work).await);
        assert_near(&format!("{work:?}"), fast / slow, 10.0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_leaves_no_queue_behind() {
    let model = observed(1);
    let work = Work::Post { changed: 3, items: 0 };
    for _ in 0..20 {
        let post = model.post(|| ((), work));
        assert!(tokio::time::timeout(Duration::from_millis(10), post).await.is_err());
    }
    assert_near("after twenty of them", rate(&model, 1, 1, work).await, 1.95);
    for number in 0..2_000 {
        model.queue(&number.to_string());
    }
    assert!(model.tokens.lock().unwrap().len() <= super::QUEUES);
}

/// The time that a real request to the built-in world takes, and the status of its answer.
async fn carried_out(state: &State, account: &str, request: Request) -> (Duration, u16) {
    let token = World::built_in().tokens[account].clone();
    let request = Request { authorization: Some(format!("Token {token}")), ..request };
    let begun = Instant::now();
    let answer = observed(1).carry_out(state, &request).await;
    (begun.elapsed(), answer.status)
}

#[tokio::test(start_paused = true)]
async fn what_a_request_takes_is_told_by_what_it_did() {
    let world = World::built_in();
    let resource = world.resources.iter().find(|resource| resource.name == "benchmarks").unwrap().uuid;
    let clock = Clock::starting_at(world.now);
    let data = Data::new(world).unwrap();
    let state = State {
        clock,
        constant: ConstantFields::of(&data),
        data: RwLock::new(data),
        behaviour: Behaviour::dialect_2024(),
        commits: Commits::default(),
        file: None,
    };
    let list = |query: &str| request("GET", "/api/marketplace-component-usages/", query, "");
    let (ten, _) = carried_out(&state, "owner", list("")).await;
    let (hundred, _) = carried_out(&state, "owner", list("page_size=100")).await;
    let (narrow, _) = carried_out(&state, "owner", list("page_size=100&field=uuid")).await;
    assert!(ten * 7 < hundred && narrow * 8 < hundred, "{ten:?} {hundred:?} {narrow:?}");
    let report = |amount: &str| {
        let items = ["cpu", "ram", "storage"].map(|kind| json!({"type": kind, "amount": amount}));
        let body = json!({"resource": resource.as_simple().to_string(), "usages": items}).to_string();
        request("POST", "/api/marketplace-component-usages/set_usage/", "", &body)
    };
    let (fresh, status) = carried_out(&state, "owner", report("1")).await;
    let (same, _) = carried_out(&state, "owner", report("1")).await;
    let (changed, _) = carried_out(&state, "owner", report("2")).await;
    assert_eq!(status, 201);
    // The customer has billed usages of this month already, so that its invoice is no empty one.
    assert!(
        fresh > Duration::from_millis(513) && changed > Duration::from_millis(513),
        "{fresh:?} {changed:?}"
    );
    assert!(same * 8 < fresh, "{same:?} and {fresh:?}");
    let (rejected, status) = carried_out(&state, "owner", report("x")).await;
    assert!(status == 400 && rejected <= same, "{status} {rejected:?}");
}
