//! Ten thousand seeded requests of every sort while everything goes wrong: the sandbox answers on,
//! and what it stored is what its log says. `WALDUR_USAGE_SWEEP=full` sends a hundred thousand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Builder;
use waldur_usage::sandbox::{Behaviour, Commit, NAMES, RowPer, Sandbox, Settings, StoredUsage, World, start};

use crate::proxy::get_json;
use crate::wire::{Outcome, exchange};

const SEED: u64 = 20_261_120;
const CLIENTS: usize = 8;
/// The name of the sandbox's threads.
const THREADS: &str = "swept-sandbox";
const SET_USAGE: &str = "/api/marketplace-component-usages/set_usage/";
/// How long a client waits; no fault but one silence is longer.
const PATIENCE: Duration = Duration::from_secs(4);
/// Answers of a kind that tell enough of it. There are more or fewer as tokens stay expired for longer.
const ENOUGH: usize = 50;
/// How long it waits for an answer to what is no whole request.
const SHORT_PATIENCE: Duration = Duration::from_millis(100);

/// Every fault at some rate. The times are short, so that a sweep is.
const FAULTS: [&str; 33] = [
    "status=429 retry-after=1 rate=0.01",
    "status=500 rate=0.004",
    "status=502 rate=0.004 method=POST",
    "status=503 rate=0.01",
    "status-after-commit=504 rate=0.01",
    "drop-before-commit rate=0.01",
    "drop-after-commit rate=0.01",
    "delay=4ms rate=0.01",
    "slow=1ms chunk=700 rate=0.01",
    "stalled=15ms rate=0.01",
    "stalled=1h rate=0.0003",
    "truncated rate=0.01",
    "html rate=0.01",
    "rows-repeated rate=0.03",
    "rows-lost rate=0.03",
    "untied-order rate=0.03",
    "added-field rate=0.02",
    "filters-ignored rate=0.02",
    "filters-ignored=type,state rate=0.02",
    "clock-skew=-26h rate=0.02",
    "wrong-date rate=0.02",
    "missing-date rate=0.02",
    "token-expires rate=0.003 times=always",
    "half-applied=1 rate=0.03 path=set_usage",
    "half-applied=2 then=drop rate=0.03 path=set_usage",
    "month-turns rate=0.003 times=always",
    "another-writer rate=0.02",
    "another-writer=after amount=12.34 rate=0.02",
    "endless-link rate=0.03",
    "foreign-link rate=0.03",
    "redirect=307 to=/api/elsewhere/ rate=0.01",
    "huge-body=300KiB rate=0.003",
    "deep-body=3000 rate=0.003",
];

/// A small generator; each client has its own.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 16
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn of<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
}

/// What the requests speak of.
struct Known {
    tokens: Vec<String>,
    /// Each resource with the types of its offering's components.
    resources: Vec<(String, Vec<String>)>,
    plan_periods: Vec<String>,
    usages: Vec<String>,
}

impl Known {
    fn of(world: &World) -> Self {
        let world = serde_json::to_value(world).unwrap();
        let id = |value: &Value| value["uuid"].as_str().unwrap().replace('-', "");
        let list = |name: &str| world[name].as_array().unwrap().clone();
        let types = |uuid: &Value| {
            let offering = list("offerings").into_iter().find(|offering| offering["uuid"] == *uuid).unwrap();
            let components = offering["components"].as_array().unwrap().iter();
            components.map(|component| component["type"].as_str().unwrap().to_owned()).collect()
        };
        let resources = list("resources");
        Self {
            tokens: world["tokens"]
                .as_object()
                .unwrap()
                .values()
                .map(|token| token.as_str().unwrap().into())
                .collect(),
            plan_periods: resources
                .iter()
                .flat_map(|resource| resource["plan_periods"].as_array().unwrap())
                .map(id)
                .collect(),
            resources: resources
                .iter()
                .map(|resource| (id(resource), types(&resource["offering_uuid"])))
                .collect(),
            usages: list("usages").iter().map(id).collect(),
        }
    }

    fn resource(&self, chance: &mut Chance) -> &(String, Vec<String>) {
        &self.resources[chance.below(self.resources.len())]
    }
}

/// What one client saw.
#[derive(Default)]
struct Seen {
    requests: usize,
    /// Descriptions of the reports that were answered so.
    created: Vec<String>,
    invalid: Vec<String>,
    other_rejections: Vec<String>,
    dropped: usize,
    silent: usize,
    struck: BTreeMap<String, u64>,
    statuses: BTreeMap<u16, usize>,
}

/// One client: so many requests, one after the other.
struct Client<'a> {
    address: String,
    known: &'a Known,
    chance: Chance,
    number: usize,
    seen: Seen,
}

impl Client<'_> {
    fn run(mut self, requests: usize) -> Seen {
        for turn in 0..requests {
            match self.chance.below(100) {
                0..=37 => self.read(),
                38..=77 => self.report(turn),
                78..=82 => self.report_person(),
                83..=87 => self.control(),
                88..=91 => self.garbage(),
                92..=95 => self.odd(),
                _ => self.broken_body(),
            }
            if self.number == 0 && turn % 60 == 59 {
                self.renew_faults();
            }
        }
        self.seen
    }

    fn send(&mut self, method: &str, path: &str, token: &str, body: &str) -> Option<(u16, Vec<u8>)> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: {token}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.address,
            body.len()
        );
        self.seen.requests += 1;
        match exchange(&self.address, request.as_bytes(), PATIENCE) {
            Outcome::Answered(reply) => {
                *self.seen.statuses.entry(reply.status).or_default() += 1;
                Some((reply.status, reply.body))
            }
            Outcome::Dropped => {
                self.seen.dropped += 1;
                None
            }
            Outcome::Silent => {
                self.seen.silent += 1;
                None
            }
        }
    }

    fn token(&mut self) -> String {
        match self.chance.below(20) {
            0 => {
                self.chance.of(&["Token nobody", "Token", "Token a b", "Bearer x", "", "token é"]).to_owned()
            }
            _ => format!("Token {}", self.known.tokens[self.chance.below(self.known.tokens.len())]),
        }
    }

    fn query(&mut self) -> String {
        let uuid = self.known.resource(&mut self.chance).0.clone();
        let usage = self.known.usages[self.chance.below(self.known.usages.len())].clone();
        let parts = [
            "page=2",
            "page=1000",
            "page=last",
            "page=0",
            "page=-1",
            "page=99999999999999999999",
            "page_size=3",
            "page_size=300",
            "page_size=x",
            "billing_period=2026-10-01",
            "billing_period=2026-13-01",
            "type=cpu",
            "type=%00",
            "field=uuid",
            "field=usage&field=type",
            "field=a,b",
            "o=-name",
            "o=nonsense",
            "state=OK",
            "state=ok",
            "date_after=2026-10-15",
            "date_before=10/01/26",
            "%",
            "&&=&",
            "name=%F0%9F%92%A9",
            "resource=http://x/api/marketplace-resources/",
            "offering_uuid=zz",
            "query=a",
        ];
        let count = self.chance.below(4);
        let mut chosen: Vec<String> = (0..count).map(|_| self.chance.of(&parts).to_owned()).collect();
        if self.chance.below(4) == 0 {
            chosen.push(format!("resource_uuid={}", if self.chance.below(2) == 0 { uuid } else { usage }));
        }
        if chosen.is_empty() { String::new() } else { format!("?{}", chosen.join("&")) }
    }

    fn read(&mut self) {
        let lists = [
            "marketplace-component-usages",
            "marketplace-component-user-usages",
            "marketplace-provider-resources",
            "marketplace-resources",
            "marketplace-provider-offerings",
            "marketplace-public-offerings",
            "marketplace-plans",
            "marketplace-plan-components",
            "marketplace-offering-users",
            "marketplace-service-providers",
            "customers",
            "projects",
            "users/me",
            "version",
            "nothing",
        ];
        let resource = self.known.resource(&mut self.chance).0.clone();
        let usage = self.known.usages[self.chance.below(self.known.usages.len())].clone();
        let path = match self.chance.below(10) {
            0 => format!("marketplace-component-usages/{usage}/"),
            1 => format!("marketplace-provider-resources/{resource}/"),
            2 => format!("marketplace-provider-resources/{resource}/plan_periods/"),
            3 => self.chance.of(&lists).to_owned(),
            _ => format!("{}/", self.chance.of(&lists)),
        };
        let (token, query) = (self.token(), self.query());
        let method = if self.chance.below(15) == 0 { "HEAD" } else { "GET" };
        self.send(method, &format!("/api/{path}{query}"), &token, "");
    }

    /// Reports usage, mostly well; its description is its own.
    fn report(&mut self, turn: usize) {
        let description = format!("client {} turn {turn}", self.number);
        let (resource, types) = self.known.resource(&mut self.chance).clone();
        let amounts = [
            "1",
            "2.50",
            "0",
            "-3",
            "12345.67",
            "7",
            "1e3",
            "1000000000000",
            "1.234",
            "x",
            "NaN",
            "99999999999999999999",
        ];
        let count = self.chance.below(4);
        let mut items = Vec::new();
        for _ in 0..count {
            let kind = match self.chance.below(25) {
                0 => "nothing".to_owned(),
                _ => types[self.chance.below(types.len())].clone(),
            };
            let amount = if self.chance.below(6) == 0 {
                self.chance.of(&amounts)
            } else {
                self.chance.of(&amounts[..7])
            };
            let recurring = self.chance.below(3) == 0;
            items.push(
                json!({"type": kind, "amount": amount, "description": description, "recurring": recurring}),
            );
        }
        let mut body = json!({"usages": items});
        if self.chance.below(4) == 0 {
            body["plan_period"] =
                json!(self.known.plan_periods[self.chance.below(self.known.plan_periods.len())]);
        } else if self.chance.below(20) > 0 {
            body["resource"] = json!(resource);
        }
        let token = self.token();
        let Some((status, answer)) = self.send("POST", SET_USAGE, &token, &body.to_string()) else { return };
        match status {
            201 if count > 0 => self.seen.created.push(description),
            // The body of a limit that is exceeded in the middle is a list; so are two of the faults.
            400 if answer.first() != Some(&b'[') => self.seen.invalid.push(description),
            401 | 403 | 404 | 405 | 413 | 415 | 429 => self.seen.other_rejections.push(description),
            _ => {}
        }
    }

    fn report_person(&mut self) {
        let usage = self.known.usages[self.chance.below(self.known.usages.len())].clone();
        let name = self.chance.of(&["ada", "grace", "", "é", "n".repeat(101).leak()]).to_owned();
        let mut body = json!({"username": name, "usage": self.chance.of(&["1", "2.5", "x"])});
        if self.chance.below(5) == 0 {
            body = json!({"username": name});
        }
        let token = self.token();
        let path = format!("/api/marketplace-component-usages/{usage}/set_user_usage/");
        self.send("POST", &path, &token, &body.to_string());
    }

    fn control(&mut self) {
        let day = 1 + self.chance.below(28);
        let now =
            json!({"now": format!("2027-{:02}-{day:02}T12:00:00Z", 1 + self.chance.below(12))}).to_string();
        let (method, name, body) = match self.chance.below(14) {
            0 => ("PUT", "clock", now.as_str()),
            1 => ("PUT", "clock", "{\"now\": 1}"),
            2 => ("POST", "faults", "{"),
            3 => ("POST", "faults", "\"statos=1\""),
            4 => ("PATCH", "log", ""),
            5 => ("GET", "nothing", ""),
            6 => ("GET", "usages", ""),
            7..=9 => ("GET", "clock", ""),
            _ => ("GET", "faults", ""),
        };
        let (status, _) =
            self.send(method, &format!("/sandbox/{name}"), "", body).expect("control paths answer");
        assert!([200, 400, 404, 405].contains(&status), "{method} {name}: {status}");
    }

    /// Counts what struck so far, takes all faults away and puts them back; expired tokens live again.
    fn renew_faults(&mut self) {
        let (_, faults) = self.send("GET", "/sandbox/faults", "", "").expect("control paths answer");
        let faults: Value = serde_json::from_slice(&faults).unwrap();
        for fault in faults["faults"].as_array().unwrap() {
            let name = fault["fault"].as_str().unwrap().to_owned();
            *self.seen.struck.entry(name).or_default() += fault["struck"].as_u64().unwrap();
        }
        self.send("DELETE", "/sandbox/faults", "", "").expect("control paths answer");
        let (status, _) = self
            .send("POST", "/sandbox/faults", "", &json!(FAULTS.as_slice()).to_string())
            .expect("control paths answer");
        assert_eq!(status, 201);
    }

    /// Bytes that are no request, or half of one.
    fn garbage(&mut self) {
        let texts: [&[u8]; 6] = [
            b"\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET /api/\x00 HTTP/1.1\r\n\r\n",
            b"\xff\xfe\xfd\r\n\r\n",
            b"POST /api/projects/ HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            b"GET /api/projects/ HTTP/1.1\r\nHost: \x80\r\nConnection: close\r\n\r\n",
        ];
        let bytes = texts[self.chance.below(texts.len())];
        self.seen.requests += 1;
        // What is no whole request may rightly be waited for, or hung up on.
        if let Outcome::Answered(reply) = exchange(&self.address, bytes, SHORT_PATIENCE) {
            *self.seen.statuses.entry(reply.status).or_default() += 1;
        }
    }

    fn odd(&mut self) {
        let methods = ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "POST"];
        let paths = [
            "/",
            "/api",
            "/api/",
            "//api//",
            "/api/projects",
            "/api/%2e%2e/",
            "/sandbox",
            "/api/../sandbox/log",
            "/api/marketplace-component-usages/",
            "/api/marketplace-component-usages/%00/",
            SET_USAGE,
            "*",
        ];
        let (method, path, token) = (self.chance.of(&methods), self.chance.of(&paths), self.token());
        self.send(method, path, &token, "{}");
    }

    fn broken_body(&mut self) {
        let deep = "[".repeat(2_000);
        let bodies = [
            "",
            "{",
            "[]",
            "null",
            "7",
            "\"text\"",
            "{\"usages\": {}}",
            "{\"usages\": [null]}",
            "{\"usages\": [[]]}",
            "{\"usages\": [], \"resource\": 7}",
            "{\"usages\": [], \"plan_period\": null}",
            "NaN",
            "\u{feff}{}",
            "{\"usages\": [{\"type\": \"cpu\", \"amount\": {}}], \"resource\": \"x\"}",
            "{\"a\": \"\\ud800\"}",
            &deep,
        ];
        let (body, token) = (self.chance.of(&bodies).to_owned(), self.token());
        self.send("POST", SET_USAGE, &token, &body);
    }
}

fn by_id(usages: Vec<StoredUsage>) -> BTreeMap<String, StoredUsage> {
    usages.into_iter().map(|usage| (usage.uuid.to_string(), usage)).collect()
}

/// What the log makes of what was stored at the start.
fn folded(mut stored: BTreeMap<String, StoredUsage>, log: &[Commit]) -> BTreeMap<String, StoredUsage> {
    for commit in log {
        for row in &commit.rows {
            stored.insert(row.uuid.to_string(), row.clone());
        }
        for deleted in &commit.deleted {
            assert!(stored.remove(&deleted.to_string()).is_some(), "{deleted} was not there");
        }
    }
    stored
}

/// Counts the panics on the threads of the sandbox; those of other tests go their way.
fn count_panics() -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let (counted, before) = (Arc::clone(&count), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() == Some(THREADS) {
            counted.fetch_add(1, Ordering::Relaxed);
        }
        before(panic);
    }));
    count
}

/// Lets all clients run at once.
fn sweep(sandbox: &Sandbox, known: &Known, requests: usize) -> Vec<Seen> {
    let address = sandbox.url().replace("http://", "");
    std::thread::scope(|scope| {
        let start = |number: usize| {
            let chance = Chance(SEED ^ (u64::try_from(number).unwrap() << 40));
            let client = Client { address: address.clone(), known, chance, number, seen: Seen::default() };
            scope.spawn(move || client.run(requests / CLIENTS))
        };
        let clients: Vec<_> = (0..CLIENTS).map(start).collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    })
}

#[test]
fn nothing_breaks_a_server_of_2024_and_the_log_is_what_is_stored() {
    nothing_breaks(&Behaviour::dialect_2024());
}

#[test]
fn nothing_breaks_a_server_of_2026_and_the_log_is_what_is_stored() {
    nothing_breaks(&Behaviour::dialect_2026());
}

#[test]
fn nothing_breaks_a_server_with_a_row_a_month_and_the_log_is_what_is_stored() {
    nothing_breaks(&Behaviour { rows: RowPer::Month, ..Behaviour::dialect_2025() });
}

/// What people, invoices and resources show of a sandbox that nothing goes wrong with.
fn shown(sandbox: &Sandbox) -> Vec<Value> {
    let lists = [
        "marketplace-component-user-usages/?page_size=300",
        "invoices/?page_size=300",
        "invoice-items/?page_size=300",
        "marketplace-provider-resources/?page_size=300&field=uuid&field=current_usages",
    ];
    let read = |list: &&str| {
        let shown = get_json(&format!("{}/api/{list}", sandbox.url()), &sandbox.tokens()["staff"]);
        serde_json::from_str(&shown.to_string().replace(&sandbox.url(), "")).unwrap()
    };
    lists.iter().map(read).collect()
}

fn nothing_breaks(behaviour: &Behaviour) {
    let is_full = std::env::var("WALDUR_USAGE_SWEEP").is_ok_and(|sweep| sweep == "full");
    let requests = if is_full { 100_000 } else { 10_000 };
    let panics = count_panics();
    let runtime = Builder::new_multi_thread().enable_all().thread_name(THREADS).build().unwrap();
    let faults = FAULTS.iter().map(|spec| spec.parse().unwrap()).collect();
    let folder = tempfile::TempDir::new().unwrap();
    let kept = || Settings {
        behaviour: behaviour.clone(),
        state: Some(folder.path().join("sweep.state")),
        ..Settings::new(World::built_in())
    };
    let sandbox = runtime.block_on(start(Settings { faults, seed: SEED, ..kept() })).unwrap();
    let before = by_id(sandbox.usages());
    let mut seen = sweep(&sandbox, &Known::of(&World::built_in()), requests);

    // It still lives: a control path and, once the faults are gone, a real one answer at once.
    let mut last = Client {
        address: sandbox.url().replace("http://", ""),
        known: &Known::of(&World::built_in()),
        chance: Chance(1),
        number: 0,
        seen: Seen::default(),
    };
    last.renew_faults();
    last.send("DELETE", "/sandbox/faults", "", "").unwrap();
    let token = format!("Token {}", sandbox.tokens()["owner"]);
    let (status, me) = last.send("GET", "/api/users/me/?field=username", &token, "").unwrap();
    assert_eq!((status, me.as_slice()), (200, &b"{\"username\":\"owner\"}"[..]));
    let (_, log) = last.send("GET", "/sandbox/log", "", "").unwrap();
    let log: Value = serde_json::from_slice(&log).unwrap();
    assert_eq!(log["forgotten"], 0);
    seen.push(last.seen);

    assert_eq!(panics.load(Ordering::Relaxed), 0, "a panic of one request ends no other, but it is one");
    check_endings(&seen, requests);
    check_log(&sandbox, before, &seen);

    // What was kept in its file makes the same sandbox again, people and invoices too.
    let (now, stored, shown_before) = (sandbox.now(), by_id(sandbox.usages()), shown(&sandbox));
    runtime.block_on(sandbox.stop());
    let again = runtime.block_on(start(Settings { now: Some(now), ..kept() })).unwrap();
    assert_eq!(by_id(again.usages()), stored);
    assert_eq!(shown(&again), shown_before);
}

/// Every request ended, every fault has struck, and connections were closed by faults alone.
fn check_endings(seen: &[Seen], requests: usize) {
    let sum = |count: &dyn Fn(&Seen) -> usize| seen.iter().map(count).sum::<usize>();
    assert!(sum(&|seen| seen.requests) >= requests);
    let mut struck = BTreeMap::<&str, u64>::new();
    for (spec, count) in seen.iter().flat_map(|seen| &seen.struck) {
        *struck.entry(spec).or_default() += count;
    }
    let of = |name: &str| {
        let own = struck.iter().filter(|(spec, _)| spec.split(['=', ' ']).next() == Some(name));
        own.map(|(_, count)| *count).sum::<u64>()
    };
    let idle: Vec<_> = NAMES.iter().filter(|row| of(row.name) == 0).map(|row| row.name).collect();
    assert!(idle.is_empty(), "never struck: {idle:?}");
    let drops = of("drop-before-commit") + of("drop-after-commit") + of("half-applied");
    let dropped = sum(&|seen| seen.dropped);
    assert!(dropped > 0 && u64::try_from(dropped).unwrap() <= drops, "{dropped} dropped by {drops} faults");
    assert_eq!(sum(&|seen| seen.silent), 0, "a head always comes");
}

fn check_log(sandbox: &Sandbox, before: BTreeMap<String, StoredUsage>, seen: &[Seen]) {
    let log = sandbox.log();
    let stored = by_id(sandbox.usages());
    assert_ne!(stored, before);
    assert_eq!(folded(before, &log), stored);
    let logged: BTreeSet<&str> =
        log.iter().flat_map(|commit| &commit.rows).map(|row| row.description.as_str()).collect();
    let all = |list: &dyn Fn(&Seen) -> &Vec<String>| {
        seen.iter().flat_map(|seen| list(seen).clone()).collect::<Vec<_>>()
    };
    let created = all(&|seen| &seen.created);
    let lost: Vec<_> = created.iter().filter(|description| !logged.contains(description.as_str())).collect();
    assert!(created.len() > ENOUGH && lost.is_empty(), "{} created, not in the log: {lost:?}", created.len());
    for (what, list) in [("400", all(&|seen| &seen.invalid)), ("4xx", all(&|seen| &seen.other_rejections))] {
        let wrong: Vec<_> = list.iter().filter(|description| logged.contains(description.as_str())).collect();
        assert!(
            list.len() > ENOUGH && wrong.is_empty(),
            "{} answered {what}, in the log: {wrong:?}",
            list.len()
        );
    }
}
