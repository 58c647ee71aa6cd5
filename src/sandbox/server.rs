//! Sockets and time: what stands between a client and the rules.
//!
//! Every request is held for the latency, remembered, struck by the faults that are due, answered and
//! stamped with the sandbox's own `Date` and the name of its world. Requests to the control paths go
//! another way.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, State as Shared};
use axum::http::{HeaderMap, Request as HttpRequest, Response, header};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::api::{Answer, ConstantFields, Request, State, answer};
use super::clock::Clock;
use super::commits::{Commit, Commits};
use super::connection::{Peer, Switched};
use super::control;
use super::data::{Data, InvoiceState, StoredUsage};
use super::event::Event;
use super::faults::{Delivery, Fault, SeenRequest, Stamp, Watch, answer_struck};
use super::identity::{HEADER, identity};
use super::model::Model;
use super::state_file::{Replayed, StateFile};
use super::{Behaviour, Listen, SandboxError, Settings, World, rules};
use crate::domain::{BillingPeriod, CustomerId};

/// Bytes of a body beyond which a request is refused.
pub(super) const LARGEST_BODY: usize = 64 * 1024 * 1024;

/// How long busy connections are waited for at the end.
const PATIENCE: Duration = Duration::from_secs(2);

/// A running sandbox; it shuts down when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    tokens: BTreeMap<String, String>,
    is_cut: bool,
    shared: Arc<Server>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<io::Result<()>>,
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Server {
    pub state: State,
    pub watch: Watch,
    model: Option<Model>,
    latency: Duration,
    count: AtomicU64,
    pub address: SocketAddr,
    /// The name of the world, as every answer carries it.
    identity: String,
}

/// Starts a sandbox on the current runtime; it answers as soon as this returns.
pub async fn start(settings: Settings) -> Result<Sandbox, SandboxError> {
    let opened = open(&settings)?;
    let Settings { listen, now, behaviour, latency, faults, seed, model, .. } = settings;
    let Opened { data, tokens, identity, last, is_cut, file } = opened;
    let (constant, data, now) = (ConstantFields::of(&data), RwLock::new(data), now.unwrap_or(last));
    let failed = |source| SandboxError::Listen { address: listen.address, source };
    let listener = TcpListener::bind(listen.address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let clock = Clock::starting_at(now);
    let shared = Arc::new(Server {
        state: State { data, constant, behaviour, clock, commits: Commits::default(), file },
        watch: Watch::new(faults, seed),
        model,
        latency,
        count: AtomicU64::new(0),
        address,
        identity,
    });
    let app = Router::new().fallback(handle).with_state(Arc::clone(&shared));
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = axum::serve(Switched(listener), app.into_make_service_with_connect_info::<Peer>())
        .with_graceful_shutdown(async {
            let _ = stopped.await;
        });
    let serving = tokio::spawn(serving.into_future());
    Ok(Sandbox { address, tokens, is_cut, shared, stop: Some(stop), serving })
}

/// What a sandbox starts from.
struct Opened {
    data: Data,
    tokens: BTreeMap<String, String>,
    /// The name of its world.
    identity: String,
    /// The moment at which it was left.
    last: Timestamp,
    /// Whether half a line was cut off its state.
    is_cut: bool,
    file: Option<StateFile>,
}

/// Takes up a state where there is one, and begins with the world where there is none.
fn open(settings: &Settings) -> Result<Opened, SandboxError> {
    let Settings { world, now, behaviour, listen, state, name, is_world_required, .. } = settings;
    // The books are opened in the month of the world, so that a clock that starts later turns months.
    let began = now.map_or(world.now, |now| now.min(world.now));
    let name = || name.clone().unwrap_or_else(|| identity(world));
    let Some(path) = state else {
        let (data, tokens) = opened(world.clone(), listen, behaviour, began)?;
        let last = now.unwrap_or(began);
        return Ok(Opened { data, tokens, identity: name(), last, is_cut: false, file: None });
    };
    let is_new = !StateFile::is_there(path);
    if is_new {
        // A world that cannot be opened leaves no file behind.
        opened(world.clone(), listen, behaviour, began)?;
        StateFile::begin(path, world, began, &name(), behaviour)?;
    }
    let kept = StateFile::open(path, behaviour)?;
    if !is_new && *is_world_required && identity(&kept.world) != identity(world) {
        return Err(SandboxError::OtherWorld(path.clone()));
    }
    let started = kept.world.now.max(kept.began);
    let (mut data, tokens) = opened(kept.world, listen, behaviour, kept.began)?;
    let replayed = kept.events.replay(&mut data, behaviour)?;
    let last = replayed.last.unwrap_or(if is_new { now.unwrap_or(started) } else { started });
    if now.is_some_and(|now| now < last) {
        return Err(SandboxError::Backwards { path: path.clone(), last });
    }
    let Replayed { is_cut, file, .. } = replayed;
    Ok(Opened { data, tokens, identity: kept.name, last, is_cut, file: Some(file) })
}

/// The tables of a world with the tokens that hold, and its books as they are when a server begins.
/// Tokens of one's own are never written into a state.
fn opened(
    mut world: World,
    listen: &Listen,
    behaviour: &Behaviour,
    began: Timestamp,
) -> Result<(Data, BTreeMap<String, String>), SandboxError> {
    listen.equip(&mut world)?;
    let tokens = world.tokens.clone();
    let mut data = Data::new(world)?;
    rules::open_books(&mut data, behaviour, began)?;
    Ok((data, tokens))
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

    /// The moment now, by the sandbox's own clock.
    pub fn now(&self) -> Timestamp {
        self.shared.state.clock.now()
    }

    /// Sets the clock; it runs on from there. A state that cannot be written answers nothing more.
    pub fn set_now(&self, now: Timestamp) {
        let _ = self.shared.state.set_clock(now);
    }

    /// The name that every answer carries.
    pub fn name(&self) -> &str {
        &self.shared.identity
    }

    /// The kind of server that it is.
    pub fn behaviour(&self) -> &Behaviour {
        &self.shared.state.behaviour
    }

    /// Whether half a line, which was never answered, was cut off the end of its state.
    pub fn is_state_cut(&self) -> bool {
        self.is_cut
    }

    /// Everything that is stored now.
    pub fn usages(&self) -> Vec<StoredUsage> {
        self.shared.state.data.read().unwrap_or_else(PoisonError::into_inner).stored_usages()
    }

    /// The latest commits, oldest first; only so many are kept.
    pub fn log(&self) -> Vec<Commit> {
        self.shared.state.commits.kept().0
    }

    /// Moves the invoice of a customer's month to another state, as an operator can; `false` where
    /// there is no such invoice.
    pub fn set_invoice_state(
        &self,
        customer: CustomerId,
        period: BillingPeriod,
        state: InvoiceState,
    ) -> bool {
        self.shared.set_invoice_state(customer, period, state)
    }

    /// The latest requests, oldest first; only so many are remembered.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.shared.watch.seen()
    }

    /// How many requests there were in all; those to control paths are none.
    pub fn request_count(&self) -> u64 {
        self.shared.count.load(Ordering::Relaxed)
    }

    /// Lets something go wrong.
    pub fn inject(&self, fault: Fault) {
        self.shared.watch.inject(fault);
    }

    /// The faults that wait, each with the number of requests that it has struck.
    pub fn faults(&self) -> Vec<(Fault, u64)> {
        self.shared.watch.faults()
    }

    /// Takes all faults away.
    pub fn clear_faults(&self) {
        self.shared.watch.clear();
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
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: HttpRequest<Body>,
) -> Response<Body> {
    if control::concerns(request.uri().path()) {
        return server.respond(control::answer(&server, peer.address, request).await);
    }
    server.count.fetch_add(1, Ordering::Relaxed);
    if !server.latency.is_zero() {
        tokio::time::sleep(server.latency).await;
    }
    let request = match read(&server, request).await {
        Ok(request) => request,
        Err(refusal) => return server.respond(refusal),
    };
    let seen = SeenRequest::new(&request.method, request.with_query(), &request.body);
    let strikes = server.watch.observe(seen, request.authorization.as_deref());
    answer_struck(&server, request, strikes, &peer.switch).await
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
        raw_path: parts.uri.path().to_owned(),
        query: super::api::Query::parse(&raw_query),
        raw_query,
        authorization: text(&parts.headers, header::AUTHORIZATION),
        content_type: text(&parts.headers, header::CONTENT_TYPE),
        body: body.to_vec(),
        base: format!("http://{host}"),
        quirks: super::faults::Quirks::default(),
    })
}

impl Server {
    /// Carries out a request by the rules, in the time that the model gives it.
    pub(super) async fn carry_out(&self, request: &Request) -> Answer {
        match &self.model {
            None => answer(&self.state, request),
            Some(model) => model.carry_out(&self.state, request).await,
        }
    }

    /// Moves an invoice to another state; `false` where there is none, or it cannot be kept.
    pub(super) fn set_invoice_state(
        &self,
        customer: CustomerId,
        period: BillingPeriod,
        state: InvoiceState,
    ) -> bool {
        let shared = &self.state;
        let at = shared.clock.now();
        let event = Event::InvoiceState { at, customer: customer.uuid(), period, state };
        let mut data = shared.data.write().unwrap_or_else(PoisonError::into_inner);
        event.replay(&mut data, &shared.behaviour).is_ok() && shared.keep(&event).is_ok()
    }

    /// An answer that says whose it is.
    pub(super) fn named(&self, answer: Answer) -> Answer {
        answer.with(HEADER, &self.identity)
    }

    fn respond(&self, answer: Answer) -> Response<Body> {
        Delivery::Whole.response(self.named(answer), self.state.clock.now(), &Stamp::Clock)
    }
}
