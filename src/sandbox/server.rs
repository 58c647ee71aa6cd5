//! Sockets, time and faults: what stands between a client and the rules.
//!
//! Every request is held for the latency, remembered, struck by the fault that is due, answered and
//! stamped with the sandbox's own `Date`.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, State as Shared};
use axum::http::{HeaderMap, Request as HttpRequest, Response, header};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::api::{Answer, Request, State, answer};
use super::clock::Clock;
use super::connection::{Switch, Switched};
use super::data::{Data, InvoiceState, StoredUsage};
use super::faults::{Fault, FaultKind, SeenRequest, Watch};
use super::{SandboxError, Settings, rules};
use crate::domain::{BillingPeriod, CustomerId};

/// Bytes of a body beyond which a request is refused.
const LARGEST_BODY: usize = 64 * 1024 * 1024;

/// How long busy connections are waited for at the end.
const PATIENCE: Duration = Duration::from_secs(2);

/// A running sandbox; it shuts down when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    tokens: BTreeMap<String, String>,
    shared: Arc<Server>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<io::Result<()>>,
}

#[derive(Debug)]
struct Server {
    state: State,
    watch: Watch,
    latency: Duration,
    count: AtomicU64,
    address: SocketAddr,
}

/// Starts a sandbox on the current runtime; it answers as soon as this returns.
pub async fn start(settings: Settings) -> Result<Sandbox, SandboxError> {
    let Settings { listen, world, now, behaviour, latency } = settings;
    if !listen.ip().is_loopback() {
        return Err(SandboxError::NotLoopback(listen));
    }
    let (tokens, now) = (world.tokens.clone(), now.unwrap_or(world.now));
    let mut data = Data::new(world)?;
    rules::open_books(&mut data, &behaviour, now)?;
    let data = RwLock::new(data);
    let failed = |source| SandboxError::Listen { address: listen, source };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let shared = Arc::new(Server {
        state: State { data, behaviour, clock: Clock::starting_at(now) },
        watch: Watch::default(),
        latency,
        count: AtomicU64::new(0),
        address,
    });
    let app = Router::new().fallback(handle).with_state(Arc::clone(&shared));
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = axum::serve(Switched(listener), app.into_make_service_with_connect_info::<Switch>())
        .with_graceful_shutdown(async {
            let _ = stopped.await;
        });
    let serving = tokio::spawn(serving.into_future());
    Ok(Sandbox { address, tokens, shared, stop: Some(stop), serving })
}

impl Sandbox {
    /// The URL to give to clients, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The tokens of the accounts, by the name of the account.
    pub fn tokens(&self) -> &BTreeMap<String, String> {
        &self.tokens
    }

    /// Sets the clock; it runs on from there.
    pub fn set_now(&self, now: Timestamp) {
        self.shared.state.clock.set(now);
    }

    /// Everything that is stored now.
    pub fn usages(&self) -> Vec<StoredUsage> {
        self.shared.state.data.read().unwrap_or_else(PoisonError::into_inner).stored_usages()
    }

    /// Moves the invoice of a customer's month to another state, as an operator can; `false` where
    /// there is no such invoice.
    pub fn set_invoice_state(
        &self,
        customer: CustomerId,
        period: BillingPeriod,
        state: InvoiceState,
    ) -> bool {
        let shared = &self.shared.state;
        let today = shared.clock.now().to_zoned(shared.behaviour.zone.clone()).date();
        let mut data = shared.data.write().unwrap_or_else(PoisonError::into_inner);
        let of_customer = data.customers.iter().position(|known| known.uuid == customer.uuid());
        let found = of_customer.and_then(|at| data.invoices.of_month(at, period));
        if let Some(at) = found {
            data.invoices.set_state(at, state, today);
        }
        found.is_some()
    }

    /// The latest requests, oldest first; only so many are remembered.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.shared.watch.seen()
    }

    /// How many requests there were in all.
    pub fn request_count(&self) -> u64 {
        self.shared.count.load(Ordering::Relaxed)
    }

    /// Lets something go wrong.
    pub fn inject(&self, fault: Fault) {
        self.shared.watch.inject(fault);
    }

    /// Stops listening, closes idle connections and waits a moment for the busy ones.
    pub async fn stop(mut self) {
        self.stop.take();
        if tokio::time::timeout(PATIENCE, &mut self.serving).await.is_err() {
            self.serving.abort();
        }
    }
}

async fn handle(
    Shared(server): Shared<Arc<Server>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: HttpRequest<Body>,
) -> Response<Body> {
    server.count.fetch_add(1, Ordering::Relaxed);
    if !server.latency.is_zero() {
        tokio::time::sleep(server.latency).await;
    }
    let request = match read(&server, request).await {
        Ok(request) => request,
        Err(refusal) => return server.respond(refusal),
    };
    let seen = SeenRequest::new(&request.method, request.with_query(), &request.body);
    match server.watch.observe(seen) {
        None => server.respond(answer(&server.state, &request)),
        Some(FaultKind::Status(status, body, content_type)) => server.respond(Answer {
            status,
            headers: vec![("Content-Type", content_type)],
            body: body.into_bytes(),
        }),
        Some(FaultKind::DropBeforeCommit) => {
            switch.drop_connection();
            Response::new(Body::empty())
        }
        Some(FaultKind::DropAfterCommit) => {
            answer(&server.state, &request);
            switch.drop_connection();
            Response::new(Body::empty())
        }
        Some(FaultKind::Delay(delay)) => {
            tokio::time::sleep(delay).await;
            server.respond(answer(&server.state, &request))
        }
    }
}

async fn read(server: &Server, request: HttpRequest<Body>) -> Result<Request, Answer> {
    let (parts, body) = request.into_parts();
    let text = |headers: &HeaderMap, name| {
        headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let host = text(&parts.headers, header::HOST).unwrap_or_else(|| server.address.to_string());
    let raw_query = parts.uri.query().unwrap_or_default().to_owned();
    let body = to_bytes(body, LARGEST_BODY).await.map_err(|_| Answer::too_large())?;
    Ok(Request {
        method: parts.method.as_str().to_owned(),
        path: Request::decode_path(parts.uri.path()),
        query: super::api::Query::parse(&raw_query),
        raw_query,
        authorization: text(&parts.headers, header::AUTHORIZATION),
        content_type: text(&parts.headers, header::CONTENT_TYPE),
        body: body.to_vec(),
        base: format!("http://{host}"),
    })
}

impl Server {
    fn respond(&self, answer: Answer) -> Response<Body> {
        let now = SystemTime::from(self.state.clock.now());
        let mut response = Response::builder()
            .status(answer.status)
            .header(header::DATE, httpdate::fmt_http_date(now.max(SystemTime::UNIX_EPOCH)));
        for (name, value) in answer.headers {
            response = response.header(name, value);
        }
        response.body(Body::from(answer.body)).unwrap_or_else(|_| {
            let mut broken = Response::new(Body::from("an injected fault cannot be sent as it is"));
            *broken.status_mut() = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
            broken
        })
    }
}
