//! A run is killed at points that are spread over everything that it says to the server: there is the old
//! month or the new one, in all tables, and the next run mends the rest.
//!
//! A test starts its own program again for the part of the run, and stands between it and the server.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::super::{Host, Password, PostgresSink, PostgresTarget, SchemaName, Tls};
use super::seen::{version, whole};
use super::server::{PASSWORD, Server, client};
use super::*;

const PART: &str = "WALDUR_USAGE_TEST_DATABASE";
const TEST: &str =
    "export::postgres::tests::killed::wherever_a_run_is_killed_there_is_the_old_month_or_the_new_one";

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The process is killed before the server gets what it said.
    Unheard,
    /// The process is killed when the server has got it.
    Heard,
    /// The server ends the connection when it has got it.
    Terminated,
}

/// What stands between a run and the server.
struct Between {
    server: Arc<Server>,
    database: String,
    at: usize,
    end: End,
    said: AtomicUsize,
    run: Mutex<Option<Child>>,
}

impl Between {
    fn start(self: &Arc<Self>) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let between = Arc::clone(self);
        std::thread::spawn(move || {
            // A run has one connection.
            let Ok((near, _)) = listener.accept() else { return };
            let far = TcpStream::connect(("127.0.0.1", between.server.port)).unwrap();
            near.set_nodelay(true).unwrap();
            far.set_nodelay(true).unwrap();
            let (mut from, mut to) = (far.try_clone().unwrap(), near.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
            let _ = between.pass(near, &far);
            let _ = far.shutdown(Shutdown::Both);
        });
        port
    }

    /// Passes on what the run says, message by message.
    fn pass(&self, mut near: TcpStream, mut far: &TcpStream) -> std::io::Result<()> {
        let mut is_first = true;
        loop {
            // The first message has no letter before its length.
            let mut head = vec![0; if is_first { 4 } else { 5 }];
            near.read_exact(&mut head)?;
            let length = u32::from_be_bytes(head[head.len() - 4..].try_into().unwrap());
            let mut message = head;
            let start = message.len();
            message.resize(start + usize::try_from(length).unwrap() - 4, 0);
            near.read_exact(&mut message[start..])?;
            is_first = false;
            let is_due = self.said.fetch_add(1, Ordering::SeqCst) == self.at;
            if is_due && self.end == End::Unheard {
                self.kill();
                return Ok(());
            }
            far.write_all(&message)?;
            if is_due {
                // Some are struck while the server works, some when it has answered.
                std::thread::sleep(Duration::from_millis((self.at % 4) as u64));
                match self.end {
                    End::Heard => {
                        self.kill();
                        return Ok(());
                    }
                    End::Terminated | End::Unheard => self.terminate(),
                }
            }
        }
    }

    fn kill(&self) {
        let mut run = self.run.lock().unwrap();
        let run = run.as_mut().unwrap();
        run.kill().unwrap();
        run.wait().unwrap();
    }

    fn terminate(&self) {
        let target = PostgresTarget { database: self.database.clone(), ..over(0) };
        self.server.psql(
            &target,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
            WHERE application_name = 'waldur-usage' AND datname = current_database()",
        );
    }
}

/// The target over a port of this machine.
fn over(port: u16) -> PostgresTarget {
    PostgresTarget {
        name: "warehouse".into(),
        host: Host::Name("127.0.0.1".into()),
        port,
        database: String::new(),
        user: "postgres".into(),
        schema: SchemaName::default(),
        tls: Tls::Off,
        password: Some(Password::new(PASSWORD).unwrap()),
    }
}

/// The part of the run: it publishes version 2.
async fn run(part: &str) {
    let (port, database) = part.split_once(' ').unwrap();
    let target = PostgresTarget { database: database.into(), ..over(port.parse().unwrap()) };
    let done = publish(&mut PostgresSink::new(target), 2, &version(2)).await;
    println!("SAYS {done:?}");
}

/// A run that ends at a message; how many it said.
async fn killed(server: &Arc<Server>, has_month: bool, at: usize, end: End) -> usize {
    let target = server.target().await;
    if has_month {
        publish(&mut PostgresSink::new(target.clone()), 1, &version(1)).await.unwrap();
    }
    let between = Arc::new(Between {
        server: Arc::clone(server),
        database: target.database.clone(),
        at,
        end,
        said: AtomicUsize::new(0),
        run: Mutex::new(None),
    });
    {
        let mut run = between.run.lock().unwrap();
        let port = between.start();
        let child = Command::new(std::env::current_exe().unwrap())
            .args([TEST, "--exact", "--nocapture"])
            .env(PART, format!("{port} {}", target.database))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        *run = Some(child.unwrap());
    }
    // The run is waited for in steps, because whoever kills it needs it too.
    while between.run.lock().unwrap().as_mut().unwrap().try_wait().unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let what = format!("{} month, message {at}, {end:?}", if has_month { "a" } else { "no" });
    let reader = client(&target).await;
    let is_there = "SELECT to_regclass('waldur.resources') IS NOT NULL AND to_regclass('waldur.usages') IS NOT NULL \
        AND EXISTS (SELECT 1 FROM pg_class WHERE relname = 'usages_2026_10' AND relispartition)";
    let before = if reader.query_one(is_there, &[]).await.unwrap().get(0) { whole(&reader).await } else { 0 };
    assert!(before == 2 || before == usize::from(has_month), "{what}: version {before}");
    let mut sink = PostgresSink::new(target.clone());
    let written = publish(&mut sink, 3, &version(2)).await.unwrap_or_else(|error| panic!("{what}: {error}"));
    // What was in flight may have been carried out meanwhile.
    assert!(
        written.len() == 2 || (written.is_empty() && (before == 2 || end != End::Unheard)),
        "{what}: {written:?}"
    );
    assert_eq!(whole(&reader).await, 2, "{what}");
    let manifest = sink.manifest().await.unwrap().unwrap();
    let revision = 1 + u32::from(has_month);
    assert!(manifest.slices.iter().all(|entry| entry.revision == revision), "{what}");
    assert_eq!(manifest.revisions.len(), 2 * usize::from(has_month), "{what}");
    let left = "SELECT count(*) FROM pg_class WHERE starts_with(relname::text, 'waldur_export_staging') \
        AND relkind = 'r'";
    assert_eq!(reader.query_one(left, &[]).await.unwrap().get::<_, i64>(0), 0, "{what}");
    let parts = "SELECT count(*) FROM pg_class WHERE relispartition AND relkind = 'r'";
    assert_eq!(reader.query_one(parts, &[]).await.unwrap().get::<_, i64>(0), 2, "{what}");
    assert!(publish(&mut sink, 4, &version(2)).await.unwrap().is_empty(), "{what}");
    between.said.load(Ordering::SeqCst)
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_a_run_is_killed_there_is_the_old_month_or_the_new_one() {
    if let Ok(part) = std::env::var(PART) {
        return run(&part).await;
    }
    let Some(server) = Server::shared() else { return };
    let points = if is_full() { 50 } else { 10 };
    let mut all = [0, 0];
    for (has_month, all) in [false, true].into_iter().zip(&mut all) {
        *all = killed(&server, has_month, usize::MAX, End::Unheard).await;
        assert!(*all > 40, "{all} messages");
    }
    for point in 0..points {
        let has_month = point % 3 > 0;
        let all = all[usize::from(has_month)];
        let end = [End::Heard, End::Unheard, End::Terminated][point % 7 % 3];
        killed(&server, has_month, all * point / points, end).await;
    }
}
