//! Each fault of the sandbox as its clients see it, through a real socket.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use waldur_usage::sandbox::{Fault, NAMES, Sandbox, Settings, World, start};

use crate::wire::{End, Outcome, Reply, exchange, send};

const USAGES: &str = "/api/marketplace-component-usages/";
const SET_USAGE: &str = "/api/marketplace-component-usages/set_usage/";
/// Requests to a list in three pages of the running month.
const PAGED: &str = "/api/marketplace-component-usages/?billing_period=2026-11-01&page_size=10";

/// A sandbox with faults, and the runtime that it lives on.
struct Faulty {
    sandbox: Sandbox,
    resource: String,
    _runtime: Runtime,
}

impl Faulty {
    fn with(specs: &[&str]) -> Self {
        Self::on(World::built_in(), specs)
    }

    fn on(world: World, specs: &[&str]) -> Self {
        let runtime = Runtime::new().unwrap();
        let settings =
            Settings { faults: specs.iter().map(|spec| fault(spec)).collect(), ..Settings::new(world) };
        let sandbox = runtime.block_on(start(settings)).unwrap();
        let world = serde_json::to_value(World::built_in()).unwrap();
        let named = |resource: &&Value| resource["name"] == "benchmarks";
        let resource = world["resources"].as_array().unwrap().iter().find(named).unwrap()["uuid"].clone();
        let resource = resource.as_str().unwrap().replace('-', "");
        Self { sandbox, resource, _runtime: runtime }
    }

    fn get(&self, path: &str) -> Outcome {
        send(&self.sandbox, "owner", "GET", path, "")
    }

    /// Reports amounts of components of one resource that has none this month.
    fn report(&self, amounts: &[(&str, &str)]) -> Outcome {
        let usages = amounts.iter().map(|(kind, amount)| json!({"type": kind, "amount": amount}));
        let body = json!({"resource": self.resource, "usages": usages.collect::<Vec<_>>()});
        send(&self.sandbox, "owner", "POST", SET_USAGE, &body.to_string())
    }

    /// What is stored of that resource for a month: component and amount.
    fn stored_in(&self, month: &str) -> Vec<(String, String)> {
        let usages = self.sandbox.usages().into_iter();
        let own = usages
            .filter(|usage| usage.resource.to_string() == self.resource && usage.period.to_string() == month);
        own.map(|usage| (usage.component.to_string(), usage.amount.to_string())).collect()
    }

    fn stored(&self) -> Vec<(String, String)> {
        self.stored_in("2026-11")
    }

    /// The uuids on the pages of a list, read by their numbers.
    fn pages(&self, path: &str, count: usize) -> Vec<Vec<String>> {
        (1..=count).map(|page| uuids(&self.get(&format!("{path}&page={page}")).reply())).collect()
    }
}

fn fault(spec: &str) -> Fault {
    spec.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn uuids(reply: &Reply) -> Vec<String> {
    let rows = reply.json();
    rows.as_array().unwrap().iter().map(|row| row["uuid"].as_str().unwrap().to_owned()).collect()
}

fn one(kind: &str, amount: &str) -> Vec<(String, String)> {
    vec![(kind.to_owned(), amount.to_owned())]
}

#[test]
fn every_fault_has_a_test_here() {
    let own = include_str!("sandbox_faults.rs");
    for row in NAMES {
        assert!(own.contains(&format!("\"{}", row.name)), "{} is not tested", row.name);
    }
}

#[test]
fn a_field_is_added_to_the_rows_of_lists() {
    let faulty = Faulty::with(&["added-field=gpu_model path=component-usages"]);
    let rows = |path: &str| faulty.get(path).reply().json().as_array().unwrap().clone();
    let added = json!({"new": [1.5]});
    let whole = rows(&format!("{USAGES}?page_size=2"));
    assert!(whole.len() == 2 && whole.iter().all(|row| row["gpu_model"] == added && row["usage"].is_string()));
    assert_eq!(rows(&format!("{USAGES}?page_size=1&field=gpu_model")), [json!({"gpu_model": added})]);
    let other = rows(&format!("{USAGES}?page_size=1&field=recurring"));
    assert_eq!(other[0].as_object().unwrap().len(), 1);
    assert!(rows("/api/projects/")[0].get("gpu_model").is_none());
}

#[test]
fn statuses_stand_for_answers_and_store_nothing() {
    let cases = [
        ("status=429 retry-after=7", 429, "application/json", "throttled"),
        ("status=500", 500, "text/html", "Server Error (500)"),
        ("status=502", 502, "text/html", "Bad Gateway"),
        ("status=503 method=POST path=set_usage", 503, "text/html", "Unavailable"),
        ("status=400 body=\"no more\" content-type=text/plain", 400, "text/plain", "no more"),
        ("html", 200, "text/html; charset=utf-8", "Sign in"),
    ];
    for (spec, status, content_type, text) in cases {
        let faulty = Faulty::with(&[spec]);
        let reply = faulty.report(&[("cpu", "1")]).reply();
        assert_eq!((reply.status, reply.header("content-type")), (status, Some(content_type)), "{spec}");
        assert!(reply.text().contains(text), "{spec}: {}", reply.text());
        assert_eq!(reply.header("retry-after"), (status == 429).then_some("7"), "{spec}");
        assert_eq!((faulty.stored(), faulty.sandbox.log().len()), (vec![], 0), "{spec}");
    }
}

#[test]
fn what_is_lost_after_the_commit_is_stored() {
    let cases =
        [("drop-before-commit", false), ("drop-after-commit", true), ("status-after-commit=504", true)];
    for (spec, is_stored) in cases {
        let faulty = Faulty::with(&[spec]);
        match faulty.report(&[("cpu", "2")]) {
            Outcome::Dropped => assert!(spec.starts_with("drop"), "{spec}"),
            Outcome::Answered(reply) => assert_eq!((reply.status, spec), (504, "status-after-commit=504")),
            Outcome::Silent => panic!("{spec}: silence"),
        }
        let stored = if is_stored { one("cpu", "2.00") } else { vec![] };
        assert_eq!((faulty.stored(), faulty.sandbox.log().len()), (stored, usize::from(is_stored)), "{spec}");
    }
}

#[test]
fn answers_are_late_slow_silent_or_cut() {
    let whole = Faulty::with(&[]).get(USAGES).reply();
    assert_eq!(whole.end, End::Whole);
    for (spec, end, least) in [
        ("delay=150ms", End::Whole, 150),
        ("slow=20ms chunk=1000", End::Whole, 40),
        ("stalled=1h", End::Silent, 0),
        ("stalled=200ms", End::Closed, 200),
        ("truncated", End::Closed, 0),
    ] {
        let faulty = Faulty::with(&[spec]);
        let address = faulty.sandbox.url().replace("http://", "");
        let token = &faulty.sandbox.tokens()["owner"];
        let request = format!(
            "GET {USAGES} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Token {token}\r\nConnection: close\r\n\r\n"
        );
        let reply = exchange(&address, request.as_bytes(), Duration::from_secs(2)).reply();
        assert_eq!((reply.status, reply.end), (200, end), "{spec}");
        assert!(reply.took >= Duration::from_millis(least), "{spec} took {:?}", reply.took);
        assert_eq!(reply.header("content-length"), whole.header("content-length"), "{spec}");
        let got = if end == End::Whole { whole.body.len() } else { whole.body.len() / 2 };
        assert_eq!(reply.body, whole.body[..got], "{spec}");
    }
}

#[test]
fn a_post_whose_answer_is_cut_is_stored() {
    for (spec, end) in [("truncated", End::Closed), ("stalled=100ms", End::Closed), ("slow=1ms", End::Whole)]
    {
        let faulty = Faulty::with(&[spec]);
        let reply = faulty.report(&[("cpu", "3")]).reply();
        assert_eq!((reply.status, reply.end, reply.body.len()), (201, end, 0), "{spec}");
        assert_eq!(faulty.stored(), one("cpu", "3.00"), "{spec}");
    }
}

#[test]
fn rows_are_repeated_or_lost() {
    let whole: Vec<String> = Faulty::with(&[]).pages(PAGED, 4).concat();
    let lost = Faulty::with(&["rows-lost path=component-usages"]).pages(PAGED, 4);
    let kept: Vec<String> = whole.chunks(10).flat_map(|page| page[1..].to_vec()).collect();
    assert_eq!(lost.concat(), kept);
    let repeated = Faulty::with(&["rows-repeated"]).pages(PAGED, 4);
    assert!(repeated.iter().skip(1).zip(&repeated).all(|(page, before)| page.first() == before.last()));
    let mut once = repeated.concat();
    once.dedup();
    assert_eq!(once, whole);
    // Other lists have pages too, and the count is that of the whole list.
    let faulty = Faulty::with(&["rows-lost"]);
    let reply = faulty.get("/api/marketplace-provider-resources/?field=uuid&page_size=5").reply();
    assert_eq!((uuids(&reply).len(), reply.header("x-result-count")), (4, Some("40")));
}

#[test]
fn an_order_without_tie_breaker_repeats_and_loses_rows() {
    let mut world = serde_json::to_value(World::built_in()).unwrap();
    for usage in world["usages"].as_array_mut().unwrap() {
        usage["date"] = json!("2026-11-02T00:00:00Z");
    }
    let world: World = serde_json::from_value(world).unwrap();
    let path = format!("{USAGES}?type=cpu&page_size=10");
    let read = |specs: &[&str]| Faulty::on(world.clone(), specs).pages(&path, 8).concat();
    let (tied, untied) = (read(&[]), read(&["untied-order"]));
    let unique = |rows: &[String]| rows.iter().collect::<std::collections::BTreeSet<_>>().len();
    assert_eq!((tied.len(), untied.len(), unique(&tied)), (80, 80, 80));
    assert!(unique(&untied) < 75, "{} different rows", unique(&untied));
    assert_eq!(untied, read(&["untied-order"]), "a database that stays as it is answers the same");
}

#[test]
fn filters_are_ignored_by_name_or_all() {
    let count = |specs: &[&str]| {
        let path = format!("{USAGES}?billing_period=2026-10-01&type=cpu&page_size=7");
        let reply = Faulty::with(specs).get(&path).reply();
        assert_eq!(uuids(&reply).len(), 7, "the size of a page is no filter");
        reply.header("x-result-count").unwrap().parse::<usize>().unwrap()
    };
    let [filtered, one_ignored, other_ignored, all_ignored] =
        [&[][..], &["filters-ignored=type"], &["filters-ignored=billing_period"], &["filters-ignored"]]
            .map(count);
    assert!(filtered < one_ignored && filtered < other_ignored, "{filtered} {one_ignored} {other_ignored}");
    assert!(all_ignored > one_ignored + other_ignored, "{all_ignored}");
    assert_eq!(count(&["filters-ignored=nothing"]), filtered);
}

#[test]
fn dates_are_skewed_wrong_or_missing() {
    let date = |spec: &str| {
        let reply = Faulty::with(&[spec]).get("/api/users/me/?field=username").reply();
        assert_eq!(reply.json(), json!({"username": "owner"}));
        reply.header("date").map(str::to_owned)
    };
    assert!(date("clock-skew=-2h").unwrap().starts_with("Fri, 20 Nov 2026 07:00:0"));
    assert!(date("clock-skew=300h").unwrap().starts_with("Wed, 02 Dec 2026 21:00:0"));
    assert_eq!(date("wrong-date").as_deref(), Some("the day before yesterday"));
    assert_eq!(date("wrong-date=\"20 Nov\"").as_deref(), Some("20 Nov"));
    assert_eq!(date("missing-date"), None);
    let faulty = Faulty::with(&["clock-skew=300h"]);
    faulty.report(&[("cpu", "1")]).reply();
    assert_eq!(faulty.stored(), one("cpu", "1.00"), "the clock that makes the month is not skewed");
}

#[test]
fn a_token_expires_and_stays_so() {
    let faulty = Faulty::with(&["token-expires after=2"]);
    let me =
        |account: &str| send(&faulty.sandbox, account, "GET", "/api/users/me/?field=username", "").reply();
    assert_eq!([me("owner"), me("owner")].map(|reply| reply.status), [200, 200]);
    for _ in 0..3 {
        let reply = me("owner");
        assert_eq!((reply.status, reply.json()), (401, json!({"detail": "Token has expired."})));
    }
    assert_eq!(faulty.report(&[("cpu", "1")]).reply().status, 401);
    assert_eq!(me("staff").status, 200, "other tokens are good");
    assert_eq!(faulty.stored(), []);
}

#[test]
fn a_report_is_applied_by_half() {
    let amounts = [("cpu", "1"), ("ram", "2"), ("gpu_hours", "3")];
    for (spec, is_dropped, stored) in [
        ("half-applied", false, vec![("cpu", "1.00")]),
        ("half-applied=2 then=drop", true, vec![("cpu", "1.00"), ("ram", "2.00")]),
    ] {
        let faulty = Faulty::with(&[spec]);
        match faulty.report(&amounts) {
            Outcome::Dropped => assert!(is_dropped, "{spec}"),
            Outcome::Answered(reply) => assert_eq!((reply.status, is_dropped), (500, false), "{spec}"),
            Outcome::Silent => panic!("{spec}: silence"),
        }
        let stored: Vec<_> = stored.iter().map(|(kind, amount)| ((*kind).into(), (*amount).into())).collect();
        assert_eq!((faulty.stored(), faulty.sandbox.log().len()), (stored, 1), "{spec}");
    }
    let faulty = Faulty::with(&["half-applied"]);
    assert_eq!(faulty.report(&amounts[..1]).reply().status, 201, "one item has no half");
    assert_eq!(faulty.report(&[("cpu", "4"), ("ram", "x")]).reply().status, 400, "validation comes first");
    assert_eq!(faulty.stored(), one("cpu", "1.00"));
}

#[test]
fn the_month_turns_in_the_middle() {
    let faulty = Faulty::with(&["month-turns after=1 method=POST"]);
    let replies = [("cpu", "1"), ("cpu", "2"), ("cpu", "3")].map(|amount| faulty.report(&[amount]).reply());
    assert_eq!(replies.each_ref().map(|reply| reply.status), [201, 201, 201]);
    assert!(replies[0].header("date").unwrap().starts_with("Fri, 20 Nov 2026"));
    assert!(replies[1].header("date").unwrap().starts_with("Tue, 01 Dec 2026 00:00:0"));
    assert_eq!((faulty.stored(), faulty.stored_in("2026-12")), (one("cpu", "1.00"), one("cpu", "3.00")));
}

#[test]
fn another_writer_writes_before_or_after() {
    for (spec, stored) in [
        ("another-writer amount=7.50 method=POST skip=1 times=1", "2.00"),
        ("another-writer=after amount=7.50 method=POST skip=1 times=1", "7.50"),
        ("another-writer=after method=POST skip=1 times=1", "3.00"),
    ] {
        let faulty = Faulty::with(&[spec]);
        for amount in ["1", "2"] {
            assert_eq!(faulty.report(&[("cpu", amount)]).reply().status, 201, "{spec}");
        }
        assert_eq!(faulty.stored(), one("cpu", stored), "{spec}");
        let paths: Vec<String> = faulty.sandbox.log().into_iter().map(|commit| commit.path).collect();
        let mut expected = vec![SET_USAGE, SET_USAGE];
        expected.insert(if spec.contains("after") { 2 } else { 1 }, "another writer");
        assert_eq!(paths, expected, "{spec}");
    }
    // A reader who looks at a resource finds another amount when it looks again.
    let faulty = Faulty::with(&["another-writer=after method=GET times=1"]);
    faulty.report(&[("ram", "5")]).reply();
    let look = || {
        faulty.get(&format!("{USAGES}?resource_uuid={}&type=ram&field=usage", faulty.resource)).reply().json()
    };
    assert_eq!([&look()[0], &look()[0]], [&json!({"usage": "5.00"}), &json!({"usage": "6.00"})]);
}

#[test]
fn links_go_on_for_ever_or_lead_away() {
    let faulty = Faulty::with(&["endless-link"]);
    for page in [4, 5, 500] {
        let reply = faulty.get(&format!("{PAGED}&page={page}")).reply();
        let next = format!("page={}&page_size=10>; rel=\"next\"", page + 1);
        assert!(reply.status == 200 && reply.header("link").unwrap().contains(&next), "{reply:?}");
        assert!(!uuids(&reply).is_empty());
    }
    for (spec, origin) in [
        ("foreign-link", "https://elsewhere.invalid"),
        ("foreign-link=http://127.0.0.1:9", "http://127.0.0.1:9"),
    ] {
        let reply = Faulty::with(&[spec]).get(PAGED).reply();
        let link = reply.header("link").unwrap();
        assert_eq!(link.matches(&format!("<{origin}/api/")).count(), link.matches('<').count(), "{link}");
    }
}

#[test]
fn redirects_lead_to_a_path_or_an_origin() {
    for (spec, status, location) in [
        ("redirect", 302, "https://elsewhere.invalid/api/users/me/?field=username"),
        ("redirect=301 to=http://127.0.0.1:9", 301, "http://127.0.0.1:9/api/users/me/?field=username"),
        ("redirect=307 to=/login/", 307, "/login/"),
        ("redirect=308", 308, "https://elsewhere.invalid/api/users/me/?field=username"),
    ] {
        let reply = Faulty::with(&[spec]).get("/api/users/me/?field=username").reply();
        assert_eq!((reply.status, reply.header("location")), (status, Some(location)), "{spec}");
    }
    let faulty = Faulty::with(&["redirect=303"]);
    assert_eq!(faulty.report(&[("cpu", "1")]).reply().status, 303);
    assert_eq!(faulty.stored(), []);
}

#[test]
fn bodies_are_huge_or_deep() {
    for size in [0, 4, 5, 65_540, 3_000_001] {
        let reply = Faulty::with(&[&format!("huge-body={size}")]).get(USAGES).reply();
        assert_eq!((reply.status, reply.end, reply.body.len()), (200, End::Whole, size.max(4)));
        assert_eq!(reply.json()[0].as_str().map(str::len), Some(size.max(4) - 4));
    }
    let reply = Faulty::with(&["deep-body=5"]).get(USAGES).reply();
    assert_eq!(
        (reply.header("content-type"), reply.text().as_str()),
        (Some("application/json"), "[[[[[]]]]]")
    );
    assert_eq!(Faulty::with(&["deep-body"]).get(USAGES).reply().body.len(), 200_000);
}

#[test]
fn the_same_seed_makes_the_same_faults() {
    let run = |seed: u64| {
        let runtime = Runtime::new().unwrap();
        let faults = vec![fault("status=503 rate=0.3"), fault("html rate=0.2")];
        let settings = Settings { faults, seed, ..Settings::new(World::built_in()) };
        let sandbox = runtime.block_on(start(settings)).unwrap();
        let get = |_| send(&sandbox, "owner", "GET", "/api/users/me/?field=username", "").reply();
        (0..60).map(get).map(|reply| (reply.status, reply.body.len())).collect::<Vec<_>>()
    };
    let first = run(1);
    assert!(first.iter().any(|(status, _)| *status == 503) && first.iter().any(|(_, length)| *length == 20));
    assert_eq!(first, run(1));
    assert_ne!(first, run(2));
}
