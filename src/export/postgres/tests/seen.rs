//! What readers see while months are replaced.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_postgres::GenericClient;

use super::super::PostgresSink;
use super::server::{Server, client};
use super::*;

/// The month of a version: how many rows there are and what stands in each of them is told by its number.
pub(super) fn version(number: usize) -> [Slice; 2] {
    let rows = |row: usize| with(usage(row, &[]), "usage", &number.to_string());
    let rows = (0..usage_rows(number)).map(rows).collect();
    let usages = slice(Table::Usages, &[], "2026-10", rows);
    [usages, resources("2026-10", resource_rows(number), &number.to_string())]
}

fn usage_rows(version: usize) -> usize {
    3_000 + version % 7
}

fn resource_rows(version: usize) -> usize {
    40 + version % 5
}

const USAGES: &str = "SELECT count(*), min(usage)::bigint, max(usage)::bigint FROM waldur.usages \
    WHERE billing_period = '2026-10-01'";
const RESOURCES: &str = "SELECT count(*), min(name)::bigint, max(name)::bigint FROM waldur.resources \
    WHERE billing_period = '2026-10-01'";
const AUDIT: &str = "SELECT rows FROM waldur.waldur_export_audit \
    WHERE billing_period = '2026-10-01' AND table_name = 'usages' ORDER BY id DESC LIMIT 1";

/// The version that rows are of; fails where they are of two, or not all there.
fn of_one(row: &tokio_postgres::Row, from: usize, rows: fn(usize) -> usize) -> usize {
    let number = |at: usize| usize::try_from(row.get::<_, i64>(from + at)).unwrap();
    assert_eq!(number(1), number(2), "rows of two versions");
    assert_eq!(number(0), rows(number(1)), "a part of version {}", number(1));
    number(1)
}

/// The version that one statement sees in both tables and in the audit.
pub(super) async fn whole(client: &impl GenericClient) -> usize {
    let statement = format!("SELECT * FROM ({USAGES}) u, ({RESOURCES}) r, ({AUDIT}) a");
    let row = client.query_one(&statement, &[]).await.unwrap();
    let seen = of_one(&row, 0, usage_rows);
    assert_eq!(of_one(&row, 3, resource_rows), seen, "tables of two versions");
    let told = usize::try_from(row.get::<_, i64>(6));
    assert_eq!(told, Ok(usage_rows(seen)), "an audit of another version");
    seen
}

/// Ways to read.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// A statement that reads everything.
    Statement,
    /// A statement that was prepared once.
    Prepared,
    /// A transaction that reads one table after the other.
    Transaction,
    /// A transaction that looked at the clock before it reads the first table.
    LateTransaction,
}

/// Reads until it is told to end; the versions that were seen, and the longest that a read took.
async fn read(
    way: Way,
    target: super::super::PostgresTarget,
    end: Arc<AtomicBool>,
) -> (BTreeSet<usize>, Duration) {
    let mut client = client(&target).await;
    let (mut seen, mut longest) = (BTreeSet::new(), Duration::ZERO);
    let prepared = client.prepare(USAGES).await.unwrap();
    let mut last = 0;
    while !end.load(Ordering::SeqCst) {
        let begun = Instant::now();
        let version = match way {
            Way::Statement => whole(&client).await,
            Way::Prepared => of_one(&client.query_one(&prepared, &[]).await.unwrap(), 0, usage_rows),
            Way::Transaction | Way::LateTransaction => {
                let level = tokio_postgres::IsolationLevel::RepeatableRead;
                let transaction = client.build_transaction().isolation_level(level).start().await.unwrap();
                if matches!(way, Way::LateTransaction) {
                    transaction.query_one("SELECT count(*) FROM pg_class", &[]).await.unwrap();
                    sleep(Duration::from_millis(15)).await;
                }
                let usages = of_one(&transaction.query_one(USAGES, &[]).await.unwrap(), 0, usage_rows);
                sleep(Duration::from_millis(3)).await;
                let resources =
                    of_one(&transaction.query_one(RESOURCES, &[]).await.unwrap(), 0, resource_rows);
                transaction.commit().await.unwrap();
                assert_eq!(usages, resources, "tables of two versions");
                usages
            }
        };
        longest = longest.max(begun.elapsed());
        assert!(version >= last, "{way:?} saw {version} after {last}");
        last = version;
        seen.insert(version);
        sleep(Duration::from_millis(1)).await;
    }
    (seen, longest)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_reader_ever_sees_a_mixed_month() {
    let Some(server) = Server::shared() else { return };
    let count = if is_full() { 50 } else { 10 };
    let mut sink = PostgresSink::new(server.target().await);
    publish(&mut sink, 1, &version(1)).await.unwrap();
    let end = Arc::new(AtomicBool::new(false));
    let ways = [Way::Statement, Way::Prepared, Way::Transaction, Way::LateTransaction];
    let readers: Vec<_> =
        ways.map(|way| (way, tokio::spawn(read(way, sink.target.clone(), Arc::clone(&end))))).into();
    for number in 2..=count + 1 {
        let written = publish(&mut sink, number as u128, &version(number)).await.unwrap();
        assert_eq!(written.len(), 2);
        sleep(Duration::from_millis(10)).await;
    }
    end.store(true, Ordering::SeqCst);
    for (way, reader) in readers {
        let (seen, longest) = reader.await.unwrap();
        println!("{way:?}: {} versions seen, the longest read took {longest:?}", seen.len());
        assert!(seen.len() > count / 3, "{way:?} saw {seen:?}");
    }
}
