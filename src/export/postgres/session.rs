//! A connection of a run: the only one that writes to a schema as long as it lives.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep};
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, Connection, NoTls};

use crate::domain::{sha256, visible};

use super::fault::{Fault, words};
use super::sql::{Names, STAGING};
use super::target::{Host, PostgresTarget, Tls};
use super::{tables, tls};

/// How long a server may take to answer at all.
const CONNECT: Duration = Duration::from_secs(30);
/// The oldest version that has what we use.
const OLDEST: i32 = 120_000;

/// What must not depend on how the server, the database or the user is set up. Names are found by their
/// schema only, so that nobody's function takes the place of one of the server's.
const SETTINGS: &str = "SET search_path = pg_catalog; SET DateStyle = 'ISO, YMD'; SET TimeZone = 'UTC'; \
    SET standard_conforming_strings = on; SET statement_timeout = 0; SET lock_timeout = 0; \
    SET idle_in_transaction_session_timeout = 0; SET row_security = off; \
    SET default_transaction_isolation = 'read committed'; SET client_min_messages = warning";

/// What lets a server notice soon that a run died; not every system has them.
const NOTICE: [&str; 4] = [
    "SET tcp_keepalives_idle = 30",
    "SET tcp_keepalives_interval = 10",
    "SET tcp_keepalives_count = 3",
    "SET client_connection_check_interval = '2s'",
];

/// A connection that holds the lock of its schema.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) names: Names,
    /// Why the connection ended, as soon as it has.
    ended: Arc<Mutex<Option<String>>>,
}

impl Session {
    /// Connects, takes the lock, and takes away what killed runs left.
    pub(super) async fn open(target: &PostgresTarget, wait: Duration) -> Result<Self, Fault> {
        let (client, ended) = connect(target).await?;
        let names = Names::new(target.schema.clone());
        let session = Self { client, names, ended };
        match session.make_ready(wait).await {
            Ok(()) => Ok(session),
            Err(fault) => Err(session.explained(fault).await),
        }
    }

    async fn make_ready(&self, wait: Duration) -> Result<(), Fault> {
        let shown = "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), \
            current_setting('server_version')";
        let row = self.client.query_one(shown, &[]).await?;
        if row.get::<_, i32>(0) < OLDEST {
            let version = visible(row.get(2)).to_string();
            return Err(Fault::Refused(format!(
                "the server is PostgreSQL {version}; 12 or a newer one is needed"
            )));
        }
        let encoding: &str = row.get(1);
        if encoding != "UTF8" {
            let encoding = visible(encoding);
            return Err(Fault::Refused(format!(
                "the database holds {encoding}, and not every text fits into that; make one with ENCODING 'UTF8'"
            )));
        }
        self.client.batch_execute(SETTINGS).await?;
        for setting in NOTICE {
            // Where a system has no such setting, its own takes longer to notice.
            let _ = self.client.batch_execute(setting).await;
        }
        self.lock(wait).await?;
        self.sweep().await
    }

    /// Takes the lock. That of a run that was killed lives until the server has noticed.
    async fn lock(&self, wait: Duration) -> Result<(), Fault> {
        let key = lock_key(self.names.schema());
        let until = Instant::now() + wait;
        loop {
            let row = self.client.query_one("SELECT pg_try_advisory_lock($1)", &[&key]).await?;
            if row.get::<_, bool>(0) {
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(Fault::Busy);
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Takes away the tables that a killed run was filling.
    async fn sweep(&self) -> Result<(), Fault> {
        if !tables::is_ours(&self.client, &self.names).await? {
            return Ok(());
        }
        let found = "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
            WHERE n.nspname = $1 AND c.relkind = 'r' AND NOT c.relispartition \
            AND starts_with(c.relname::text, $2)";
        for row in self.client.query(found, &[&self.names.schema(), &STAGING]).await? {
            let name = self.names.of(row.get(0));
            self.client.batch_execute(&format!("DROP TABLE IF EXISTS {name}")).await?;
        }
        Ok(())
    }

    /// A fault with the reason for which the connection ended, where that is what happened.
    pub(super) async fn explained(&self, fault: Fault) -> Fault {
        if !matches!(&fault, Fault::Server(error) if error.is_closed()) {
            return fault;
        }
        // Whoever asked may be told of the end before the reason is kept.
        for _ in 0..20 {
            let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(why) = ended {
                return Fault::Refused(why);
            }
            sleep(Duration::from_millis(10)).await;
        }
        fault
    }
}

/// The lock of a schema, in the space that all programs of a database share.
fn lock_key(schema: &str) -> i64 {
    let digest = sha256(format!("waldur-usage export {schema}").as_bytes());
    u64::from_str_radix(&digest[..16], 16).unwrap_or_default().cast_signed()
}

type Ended = Arc<Mutex<Option<String>>>;

async fn connect(target: &PostgresTarget) -> Result<(Client, Ended), Fault> {
    let mut config = Config::new();
    config.port(target.port).user(&target.user).dbname(&target.database).application_name("waldur-usage");
    config.connect_timeout(CONNECT).keepalives_idle(CONNECT);
    match &target.host {
        Host::Name(name) => config.host(name),
        Host::Socket(folder) => config.host(folder.to_string_lossy()),
    };
    if let Some(password) = &target.password {
        config.password(password.reveal());
    }
    let connected = match &target.tls {
        Tls::Off => {
            let connected = config.ssl_mode(SslMode::Disable).connect(NoTls).await;
            connected.map(|(client, connection)| (client, drive(connection)))
        }
        Tls::VerifyFull { authorities } => {
            let connector = tls::connector(authorities.as_deref())?;
            let connected = config.ssl_mode(SslMode::Require).connect(connector).await;
            connected.map(|(client, connection)| (client, drive(connection)))
        }
    };
    connected.map_err(|error| unreached(target, error))
}

/// Why there is no connection. Where the server does not say why itself, its place is told.
fn unreached(target: &PostgresTarget, error: tokio_postgres::Error) -> Fault {
    if error.as_db_error().is_some() {
        return Fault::Server(error);
    }
    let words = words(&error);
    if target.password.is_none() && words.contains("password missing") {
        return Fault::Refused("the server asks for a password, and the target names none".into());
    }
    let place = match &target.host {
        Host::Name(name) => format!("{name}:{}", target.port),
        Host::Socket(folder) => format!("{}, port {}", folder.display(), target.port),
    };
    Fault::Refused(format!("{}: {words}", visible(&place)))
}

/// Lets a connection work; it ends with its client. Why it ended otherwise is kept.
fn drive<S, T>(connection: Connection<S, T>) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let ended = Ended::default();
    let told = Arc::clone(&ended);
    tokio::spawn(async move {
        let why = match connection.await {
            Ok(()) => return,
            Err(error) => words(&error),
        };
        *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("the connection ended: {why}"));
    });
    ended
}
