//! Reads against a server that is busy one time in five: nothing fails, and little is sent twice.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Response;
use uuid::Uuid;

use super::http::Http;
use super::listing::{Query, read};
use super::wire::OfferingName;
use super::{ServerAddress, Token, TokenSource, WaldurError};

const PAGES: usize = 1_000;
const ROWS: usize = 5;

/// A list of 1,000 pages, of which each request gets a page or, by a fixed row of dice, something else.
#[derive(Debug)]
struct Busy {
    requests: AtomicUsize,
    dice: Mutex<fastrand::Rng>,
    share: f64,
}

impl Busy {
    async fn start(share: f64) -> (Arc<Self>, Http) {
        let dice = Mutex::new(fastrand::Rng::with_seed(7));
        let busy = Arc::new(Self { requests: AtomicUsize::new(0), dice, share });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = busy.clone();
        let router = Router::new().fallback(move |request: Request| async move { server.answer(&request) });
        tokio::spawn(async move { axum::serve(listener, router).await });
        let address = ServerAddress::parse(&address, false).unwrap();
        let tokens = TokenSource::Fixed(Token::new("token").unwrap());
        (busy, Http::new(address, tokens, 8, Duration::from_secs(10)).unwrap())
    }

    fn answer(&self, request: &Request) -> Response<Body> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if self.dice.lock().unwrap().f64() < self.share {
            return Response::builder().status(503).body(Body::from("busy")).unwrap();
        }
        let query = request.uri().query().unwrap_or_default();
        let page = query.split('&').find_map(|pair| pair.strip_prefix("page=")).unwrap_or("1");
        let page: usize = page.parse().unwrap();
        let row = |at: usize| format!(r#"{{"uuid":"{}"}}"#, Uuid::from_u128((page * ROWS + at) as u128));
        let rows: Vec<String> = (0..ROWS).map(row).collect();
        let answer = Response::builder().header("X-Result-Count", PAGES * ROWS);
        answer.body(Body::from(format!("[{}]", rows.join(",")))).unwrap()
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

async fn read_all(http: &Http) -> Result<Vec<OfferingName>, WaldurError> {
    read(http, &Query::new("marketplace-component-usages/"), &[], 8).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_pages_come_through_where_a_fifth_of_all_requests_is_turned_away() {
    let (busy, http) = Busy::start(0.2).await;
    let begun = Instant::now();
    let rows = read_all(&http).await.unwrap();
    println!("{} requests for {PAGES} pages in {:?}", busy.requests(), begun.elapsed());
    assert_eq!(rows.len(), PAGES * ROWS);
    assert!(busy.requests() <= PAGES * 13 / 10, "{} requests", busy.requests());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_twice_where_nothing_goes_wrong() {
    let (busy, http) = Busy::start(0.0).await;
    let begun = Instant::now();
    assert_eq!(read_all(&http).await.unwrap().len(), PAGES * ROWS);
    println!("{} requests in {:?}", busy.requests(), begun.elapsed());
    assert_eq!(busy.requests(), PAGES);
}
