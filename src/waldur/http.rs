//! HTTP, carefully: no redirects, no cookies, limits on time and size, one origin for the token.
//!
//! All requests of a connection keep one pace. What only asks is tried again where that can help; a post
//! leaves once, and once more only where the server did not accept the token that it carried.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode};
use serde::de::DeserializeOwned;

use crate::domain::{SandboxWorld, visible};

use super::credentials::{Credential, Credentials, TokenSource};
use super::identity::Identity;
use super::pace::Pace;
use super::retry::{Patience, Verdict, date, retry_after};
use super::wire::AccountId;
use super::{ServerAddress, WaldurError};

/// Characters of a server's words that are shown.
const LONGEST_MESSAGE: usize = 500;
/// The largest answer, after decompression; a page of 300 full rows has about 300 kB.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;
/// How long a connection may take.
const LONGEST_CONNECT: Duration = Duration::from_secs(10);

/// A connection pool to one server for one account.
pub(super) struct Http {
    address: ServerAddress,
    client: Client,
    pub(super) credentials: Credentials,
    pace: Pace,
    /// The last `Date` of the server and when it came.
    clock: Mutex<Option<(Timestamp, Instant)>>,
    identity: Identity,
}

/// What speaks against a request at the moment at which it leaves.
pub(super) type MayLeave<'a> = &'a (dyn Fn() -> Result<(), String> + Sync);

/// A whole answer.
pub(super) struct Answer {
    pub status: StatusCode,
    pub count: Option<usize>,
    pub body: Vec<u8>,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
    pub is_html: bool,
    endpoint: String,
    location: Option<String>,
    credential: Arc<Credential>,
}

/// A request as it can be sent several times.
struct Request<'a> {
    method: Method,
    path: &'a str,
    query: &'a [(&'a str, String)],
    body: Option<&'a [u8]>,
}

impl Http {
    /// Sets a pool up; nothing is sent yet. At most `at_once` requests are in flight, and each may be
    /// silent for `timeout` and last twice as long.
    pub(super) fn new(
        address: ServerAddress,
        tokens: TokenSource,
        at_once: usize,
        timeout: Duration,
    ) -> Result<Self, WaldurError> {
        // Installing it twice fails, and is as good as once.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .connect_timeout(LONGEST_CONNECT.min(timeout))
            .read_timeout(timeout)
            .timeout(timeout * 2)
            .user_agent(concat!("waldur-usage/", env!("CARGO_PKG_VERSION")));
        if address.is_loopback() {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(WaldurError::Setup)?;
        Ok(Self {
            address,
            client,
            credentials: Credentials::new(tokens)?,
            pace: Pace::new(at_once),
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
        self.ask(&Request { method: Method::GET, path, query, body: None }).await
    }

    /// Reads JSON.
    pub(super) async fn get_json<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, WaldurError> {
        self.get(path, query).await?.json()
    }

    /// Asks for the methods of a path; tried again like a read.
    pub(super) async fn options(&self, path: &str) -> Result<Answer, WaldurError> {
        self.ask(&Request { method: Method::OPTIONS, path, query: &[], body: None }).await
    }

    /// Posts what no version can save, to see what is said about it; tried again like a read.
    pub(super) async fn probe(&self, path: &str, body: &[u8]) -> Result<Answer, WaldurError> {
        self.ask(&Request { method: Method::POST, path, query: &[], body: Some(body) }).await
    }

    /// Posts once, whatever comes back. Only what was answered with 401, and so was not stored, is sent
    /// again where there is another token by now.
    ///
    /// Between asking for a place among the requests in flight and getting it, time goes by; so what
    /// speaks against the request is asked when it leaves.
    pub(super) async fn post(
        &self,
        path: &str,
        body: &[u8],
        may_leave: MayLeave<'_>,
    ) -> Result<Answer, WaldurError> {
        let request = Request { method: Method::POST, path, query: &[], body: Some(body) };
        let credential = self.credentials.current();
        let answer = self.send(&request, &credential, may_leave).await.0?;
        match self.renewed(&answer, &credential).await? {
            Some(fresh) => self.send(&request, &fresh, may_leave).await.0,
            None => Ok(answer),
        }
    }

    /// Sends what changes nothing, with another token where the first is not accepted any more.
    async fn ask(&self, request: &Request<'_>) -> Result<Answer, WaldurError> {
        let credential = self.credentials.current();
        let answer = self.send_patiently(request, &credential).await?;
        match self.renewed(&answer, &credential).await? {
            Some(fresh) => self.send_patiently(request, &fresh).await,
            None => Ok(answer),
        }
    }

    /// The credential that took the place of the one that was refused, where there is one. Where there
    /// is a new token, the server is asked whose it is; another account is an error.
    async fn renewed(
        &self,
        answer: &Answer,
        refused: &Arc<Credential>,
    ) -> Result<Option<Arc<Credential>>, WaldurError> {
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(None);
        }
        let _alone = self.credentials.renewing.lock().await;
        let current = self.credentials.current();
        if !Arc::ptr_eq(&current, refused) {
            return Ok(Some(current));
        }
        let Some(fresh) = self.credentials.read_again(refused).await else { return Ok(None) };
        let query = [("field", "uuid".to_owned())];
        let who = Request { method: Method::GET, path: "users/me/", query: &query, body: None };
        let account = self.send_patiently(&who, &fresh).await.and_then(|answer| answer.json::<AccountId>());
        // A token that tells nothing of its account is as good as none, and the first refusal stands.
        let Ok(account) = account else { return Ok(None) };
        self.credentials.belong_to(account.uuid)?;
        self.credentials.adopt(fresh.clone());
        Ok(Some(fresh))
    }

    async fn send_patiently(
        &self,
        request: &Request<'_>,
        credential: &Arc<Credential>,
    ) -> Result<Answer, WaldurError> {
        let mut patience = Patience::begin();
        loop {
            let (result, verdict) = self.send(request, credential, &|| Ok(())).await;
            match patience.wait(verdict) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return result,
            }
        }
    }

    /// Sends once, when the pace leaves room for it.
    async fn send(
        &self,
        request: &Request<'_>,
        credential: &Arc<Credential>,
        may_leave: MayLeave<'_>,
    ) -> (Result<Answer, WaldurError>, Verdict) {
        let permit = self.pace.permit().await;
        if let Err(reason) = may_leave() {
            permit.done(Verdict::Never);
            return (Err(WaldurError::Withdrawn { reason }), Verdict::Never);
        }
        let result = self.exchange(request, credential).await;
        let verdict = verdict(&result);
        permit.done(verdict);
        (result, verdict)
    }

    async fn exchange(
        &self,
        request: &Request<'_>,
        credential: &Arc<Credential>,
    ) -> Result<Answer, WaldurError> {
        let url = self.address.endpoint(request.path, request.query);
        let endpoint = format!("{} {}", request.method, url.path());
        let mut sent = self.client.request(request.method.clone(), url);
        sent = sent.header(AUTHORIZATION, credential.header.clone());
        if let Some(body) = request.body {
            sent = sent.header(CONTENT_TYPE, "application/json").body(body.to_vec());
        }
        let response = sent.send().await.map_err(|error| {
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
        Answer::read(response, endpoint, credential.clone()).await
    }

    fn keep_time(&self, headers: &HeaderMap) {
        if let Some(date) = date(headers, &DATE).and_then(|date| Timestamp::try_from(date).ok()) {
            let mut clock = self.clock.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *clock = Some((date, Instant::now()));
        }
    }
}

fn verdict(result: &Result<Answer, WaldurError>) -> Verdict {
    match result {
        Ok(answer) => match answer.status.as_u16() {
            429 | 502..=504 => Verdict::NotNow { wait: answer.retry_after },
            _ => Verdict::Done,
        },
        Err(WaldurError::Broken { .. }) => Verdict::NotNow { wait: None },
        Err(WaldurError::Unreachable { .. }) => Verdict::Away,
        Err(_) => Verdict::Never,
    }
}

impl Answer {
    async fn read(
        mut response: Response,
        endpoint: String,
        credential: Arc<Credential>,
    ) -> Result<Self, WaldurError> {
        let text = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let count = text("x-result-count").and_then(|count| count.parse().ok());
        let location = text(LOCATION.as_str());
        let is_html = text(CONTENT_TYPE.as_str()).is_some_and(|kind| kind.contains("html"));
        let retry_after = retry_after(response.headers());
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
        Ok(Self { status, count, body, retry_after, is_html, endpoint, location, credential })
    }

    /// The body as JSON, where the status is 200; the error says what it was instead.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, WaldurError> {
        // serde_json stops at a depth of 128, which no answer of the API comes near.
        self.parsed(|body| serde_json::from_slice(body))
    }

    /// The body as whatever it is read into, where the status is 200.
    pub(super) fn parsed<T>(
        &self,
        read: impl FnOnce(&[u8]) -> serde_json::Result<T>,
    ) -> Result<T, WaldurError> {
        if self.status != StatusCode::OK {
            return Err(self.error());
        }
        read(&self.body).map_err(|error| {
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
                    location: visible(&self.credential.token.scrub(location)).to_string(),
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
        let short: String = self.credential.token.scrub(text).chars().take(LONGEST_MESSAGE).collect();
        visible(&short).to_string()
    }
}
