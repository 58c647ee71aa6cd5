//! HTTP, carefully: no redirects, no cookies, limits on time and size, one origin for the token.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode};
use serde::de::DeserializeOwned;

use crate::domain::{SandboxWorld, visible};

use super::identity::Identity;
use super::{ServerAddress, Token, WaldurError};

/// Characters of a server's words that are shown.
const LONGEST_MESSAGE: usize = 500;
/// The largest answer, after decompression; a page of 300 full rows has about 300 kB.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;
/// How often a read is tried.
const TRIES: u32 = 3;

/// A connection pool to one server with one token.
pub(super) struct Http {
    address: ServerAddress,
    client: Client,
    authorization: reqwest::header::HeaderValue,
    token: Token,
    /// The last `Date` of the server and when it came.
    clock: Mutex<Option<(Timestamp, Instant)>>,
    identity: Identity,
}

/// A whole answer.
pub(super) struct Answer {
    pub status: StatusCode,
    pub count: Option<usize>,
    pub body: Vec<u8>,
    endpoint: String,
    location: Option<String>,
    is_html: bool,
    token: Token,
}

/// What to do after a read went wrong.
enum Verdict {
    Again,
    Never,
}

impl Http {
    pub(super) fn new(address: ServerAddress, token: &Token) -> Result<Self, WaldurError> {
        // Installing it twice fails, and is as good as once.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_mins(1))
            .timeout(Duration::from_mins(2))
            .user_agent(concat!("waldur-usage/", env!("CARGO_PKG_VERSION")));
        if address.is_loopback() {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(WaldurError::Setup)?;
        Ok(Self {
            address,
            client,
            authorization: token.header()?,
            token: token.clone(),
            clock: Mutex::new(None),
            identity: Identity::new(),
        })
    }

    pub(super) fn address(&self) -> &ServerAddress {
        &self.address
    }

    /// The server's clock, carried on from its last answer; `None` before the first one.
    pub(super) fn now(&self) -> Option<Timestamp> {
        let clock = *self.clock.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        clock.and_then(|(date, came)| date.checked_add(came.elapsed()).ok())
    }

    /// The world of the sandbox that answers; `None` for a real server, and before the first answer.
    pub(super) fn sandbox(&self) -> Option<SandboxWorld> {
        self.identity.sandbox()
    }

    /// An error once two servers have answered.
    pub(super) fn settled(&self, endpoint: &str) -> Result<(), WaldurError> {
        self.identity.settled().map_err(|two| WaldurError::OtherServer {
            endpoint: endpoint.to_owned(),
            before: two.before,
            now: two.now,
        })
    }

    /// Reads, and tries again where that can help.
    pub(super) async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Answer, WaldurError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let result = self.send(Method::GET, path, query, None).await;
            match verdict(&result) {
                Verdict::Again if tries < TRIES => {
                    tokio::time::sleep(Duration::from_millis(200 * u64::from(tries))).await;
                }
                Verdict::Again | Verdict::Never => return result,
            }
        }
    }

    /// Reads JSON.
    pub(super) async fn get_json<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, WaldurError> {
        self.get(path, query).await?.json()
    }

    /// Posts once; never again, whatever comes back.
    pub(super) async fn post(&self, path: &str, body: Vec<u8>) -> Result<Answer, WaldurError> {
        self.send(Method::POST, path, &[], Some(body)).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Option<Vec<u8>>,
    ) -> Result<Answer, WaldurError> {
        let url = self.address.endpoint(path, query);
        let endpoint = format!("{method} {}", url.path());
        let mut request = self.client.request(method, url).header(AUTHORIZATION, self.authorization.clone());
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let response = request.send().await.map_err(|error| {
            let source = error.without_url();
            if source.is_connect() {
                WaldurError::Unreachable { server: self.address.to_string(), source }
            } else {
                WaldurError::Broken { endpoint: endpoint.clone(), source }
            }
        })?;
        self.keep_time(response.headers());
        self.identity.learn(response.status(), response.headers());
        self.settled(&endpoint)?;
        Answer::read(response, endpoint, self.token.clone()).await
    }

    fn keep_time(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
        if let Some(date) = date.and_then(|date| Timestamp::try_from(date).ok()) {
            let mut clock = self.clock.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *clock = Some((date, Instant::now()));
        }
    }
}

fn verdict(result: &Result<Answer, WaldurError>) -> Verdict {
    match result {
        Ok(answer) => match answer.status.as_u16() {
            429 | 502..=504 => Verdict::Again,
            _ => Verdict::Never,
        },
        Err(WaldurError::Unreachable { .. } | WaldurError::Broken { .. }) => Verdict::Again,
        Err(_) => Verdict::Never,
    }
}

impl Answer {
    async fn read(mut response: Response, endpoint: String, token: Token) -> Result<Self, WaldurError> {
        let text = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let count = text("x-result-count").and_then(|count| count.parse().ok());
        let location = text(LOCATION.as_str());
        let is_html = text(CONTENT_TYPE.as_str()).is_some_and(|kind| kind.contains("html"));
        let status = response.status();
        let mut body = Vec::new();
        loop {
            let chunk = response.chunk().await;
            let chunk = chunk.map_err(|error| WaldurError::Broken {
                endpoint: endpoint.clone(),
                source: error.without_url(),
            })?;
            let Some(chunk) = chunk else { break };
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(WaldurError::TooLarge { endpoint, limit: LARGEST_ANSWER });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Self { status, count, body, endpoint, location, is_html, token })
    }

    /// The body as JSON, where the status is 200; the error says what it was instead.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, WaldurError> {
        if self.status != StatusCode::OK {
            return Err(self.error());
        }
        // serde_json stops at a depth of 128, which no answer of the API comes near.
        serde_json::from_slice(&self.body).map_err(|error| {
            let found = if self.is_html || self.body.starts_with(b"<") {
                "a page of HTML".to_owned()
            } else {
                self.shown(&error.to_string())
            };
            WaldurError::NotTheApi { endpoint: self.endpoint.clone(), found }
        })
    }

    /// The error that a status other than the one asked for stands for.
    pub(super) fn error(&self) -> WaldurError {
        let (endpoint, message) = (self.endpoint.clone(), self.message());
        match self.status.as_u16() {
            300..=399 => {
                let location = self.location.as_deref().unwrap_or("nowhere");
                WaldurError::Redirected {
                    endpoint,
                    location: visible(&self.token.scrub(location)).to_string(),
                }
            }
            401 => WaldurError::Unauthorized { endpoint, message },
            403 => WaldurError::Forbidden { endpoint, message },
            status => WaldurError::Status { endpoint, status, message },
        }
    }

    /// The server's words, short and visible.
    pub(super) fn message(&self) -> String {
        if self.is_html || self.body.starts_with(b"<") {
            return "a page of HTML".into();
        }
        let text = String::from_utf8_lossy(&self.body);
        let detail = serde_json::from_str::<serde_json::Value>(&text)
            .ok()
            .and_then(|body| body.get("detail").and_then(|detail| detail.as_str().map(str::to_owned)));
        let text = self.shown(detail.as_deref().unwrap_or(text.trim()));
        if text.is_empty() { "nothing".into() } else { text }
    }

    /// A text of the server as it may be shown: short, without the token, without what a terminal obeys.
    fn shown(&self, text: &str) -> String {
        let short: String = self.token.scrub(text).chars().take(LONGEST_MESSAGE).collect();
        visible(&short).to_string()
    }
}
