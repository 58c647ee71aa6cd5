//! A real PostgreSQL, in a folder of its own, for as long as a test holds it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use super::super::target::{Host, Password, PostgresTarget, SchemaName, Tls};

/// The password of the one user.
pub(super) const PASSWORD: &str = "correct horse, battery";

/// A server.
pub(super) struct Server {
    folder: TempDir,
    tools: PathBuf,
    pub(super) port: u16,
}

/// The server of all tests that run now.
static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
static DATABASES: AtomicUsize = AtomicUsize::new(0);

impl Server {
    /// The server that other tests have already, or a new one; none where PostgreSQL is not there.
    pub(super) fn shared() -> Option<Arc<Self>> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return Some(server);
        }
        let server = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&server);
        Some(server)
    }

    fn start() -> Option<Self> {
        let Some(tools) = tools() else {
            assert!(std::env::var_os("WALDUR_USAGE_REQUIRE_TOOLS").is_none(), "needs initdb");
            println!("skipped: needs initdb");
            return None;
        };
        let folder = TempDir::new().unwrap();
        let path = folder.path();
        std::fs::write(path.join("password"), PASSWORD).unwrap();
        certificates(path);
        give_away(path);
        run(as_nobody(path, &tools.join("initdb")).args([
            "-D",
            "data",
            "-U",
            "postgres",
            "-A",
            "scram-sha-256",
            "--pwfile=password",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]));
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off \
            -c ssl=on -c ssl_cert_file={folder}/server.pem -c ssl_key_file={folder}/server.key \
            -c log_statement=all",
            folder = path.display()
        );
        // A daemon that inherited our pipes would keep whoever reads them waiting.
        let mut start = as_nobody(path, &tools.join("pg_ctl"));
        start.args(["-D", "data", "-w", "-l", "log", "-o", &options, "start"]);
        let started = start.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        let server = Self { folder, tools, port };
        assert!(started.success(), "{}", server.log());
        Some(server)
    }

    /// What the server wrote into its log.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// A file in its folder.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A target in a new database.
    pub(super) async fn target(&self) -> PostgresTarget {
        let number = DATABASES.fetch_add(1, Ordering::SeqCst);
        let target = PostgresTarget {
            name: "warehouse".into(),
            host: Host::Socket(self.folder.path().to_owned()),
            port: self.port,
            database: "postgres".into(),
            user: "postgres".into(),
            schema: SchemaName::default(),
            tls: Tls::Off,
            password: Some(Password::new(PASSWORD).unwrap()),
        };
        let database = format!("test_{number}");
        let admin = client(&target).await;
        admin.batch_execute(&format!("CREATE DATABASE {database}")).await.unwrap();
        PostgresTarget { database, ..target }
    }

    /// What `psql` says to a statement, a line a row, `|` between the cells.
    pub(super) fn psql(&self, target: &PostgresTarget, statement: &str) -> String {
        let mut command = Command::new(self.tools.join("psql"));
        command.args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h"]).arg(self.folder.path());
        command.args([
            "-p",
            &self.port.to_string(),
            "-U",
            "postgres",
            "-d",
            &target.database,
            "-c",
            statement,
        ]);
        let output = run(command.env("PGPASSWORD", PASSWORD).env("PGTZ", "UTC"));
        output.trim_end().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut stop = as_nobody(self.folder.path(), &self.tools.join("pg_ctl"));
        let _ = stop.args(["-D", "data", "-m", "immediate", "stop"]).output();
    }
}

/// A connection of somebody else.
pub(super) async fn client(target: &PostgresTarget) -> Client {
    let mut config = tokio_postgres::Config::new();
    match &target.host {
        Host::Socket(folder) => config.host_path(folder),
        Host::Name(name) => config.host(name),
    };
    config.port(target.port).user("postgres").password(PASSWORD).dbname(&target.database);
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The folder of the server's programs, which Debian keeps out of the search path.
fn tools() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path().join("bin"))
        .collect();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders
        .into_iter()
        .find(|folder| ["initdb", "pg_ctl", "psql"].iter().all(|tool| folder.join(tool).is_file()))
}

/// Whether we are the one who may do everything, as whom the server does not run.
fn is_root() -> bool {
    run(Command::new("id").arg("-u")).trim() == "0"
}

/// Another user, for a server of root's.
fn other_user() -> &'static str {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    if passwd.lines().any(|line| line.starts_with("postgres:")) { "postgres" } else { "nobody" }
}

fn as_nobody(folder: &Path, program: &Path) -> Command {
    let mut command;
    if is_root() {
        command = Command::new("setpriv");
        command.arg(format!("--reuid={}", other_user())).args(["--clear-groups", "--"]).arg(program);
    } else {
        command = Command::new(program);
    }
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// Lets the folder be the other user's.
fn give_away(folder: &Path) {
    if is_root() {
        run(Command::new("chown").args(["-R", other_user()]).arg(folder));
    }
}

/// Two authorities, and the server's certificate from the first, for the name `localhost` alone.
fn certificates(folder: &Path) {
    let openssl = |arguments: &str| {
        run(Command::new("openssl").args(arguments.split_whitespace()).current_dir(folder));
    };
    for name in ["ca", "other"] {
        openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=Test-{name} \
            -keyout {name}.key -out {name}.pem"
        ));
    }
    openssl(
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost \
        -keyout server.key -out server.csr",
    );
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n")
        .unwrap();
    openssl(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile names -out server.pem",
    );
    run(Command::new("chmod").args(["600", "server.key"]).current_dir(folder));
}

/// What a program says; fails where it fails.
pub(super) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}\n{said}\n{}", String::from_utf8_lossy(&output.stderr));
    said
}
