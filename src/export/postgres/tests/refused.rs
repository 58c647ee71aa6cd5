//! What we do not touch, and who may not write at the same time.

use std::time::Duration;

use super::super::PostgresSink;
use super::server::{Server, client};
use super::*;

async fn reason(sink: &mut PostgresSink, slices: &[Slice]) -> String {
    let error = export(sink, 9, slices).await.unwrap_err();
    assert!(matches!(error, ExportError::Target { .. }), "{error:?}");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_others_are_refused_and_left_as_they_are() {
    let Some(server) = Server::shared() else { return };
    let target = server.target().await;
    let psql = |statement: &str| server.psql(&target, statement);
    let months = [usages("2026-10", 10, &[])];
    for (made, named) in [
        ("CREATE TABLE waldur.usages (a integer)", "waldur.usages is there"),
        (
            "CREATE TABLE waldur.usages (billing_period date, a integer) PARTITION BY LIST (billing_period)",
            "waldur.usages is there",
        ),
        ("CREATE VIEW waldur.usages AS SELECT 1 AS a", "waldur.usages is there"),
        ("CREATE TABLE waldur.waldur_export_version (a integer)", "waldur.waldur_export_version is there"),
        ("CREATE TABLE waldur.waldur_export_audit (a integer)", "waldur.waldur_export_audit is there"),
        ("CREATE TABLE waldur.usages_2026_10 (a integer)", "waldur.usages_2026_10 is there"),
    ] {
        psql(&format!("CREATE SCHEMA waldur; {made}"));
        let mut sink = PostgresSink::new(target.clone());
        let reason = reason(&mut sink, &months).await;
        assert!(reason.starts_with(&format!("postgres:warehouse refused: {named}")), "{reason}");
        drop(sink);
        assert_eq!(
            psql("SELECT count(*) FROM pg_class WHERE relname LIKE 'usages_2026%' AND relispartition"),
            "0"
        );
        psql("DROP SCHEMA waldur CASCADE");
    }
    // Where the names are free, the same target is taken.
    let mut sink = PostgresSink::new(target.clone());
    assert_eq!(export(&mut sink, 10, &months).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_ours_that_was_made_into_another_is_refused() {
    let Some(server) = Server::shared() else { return };
    let mut sink = PostgresSink::new(server.target().await);
    export(&mut sink, 1, &[usages("2026-10", 10, &[])]).await.unwrap();
    server.psql(&sink.target, "ALTER TABLE waldur.usages ALTER COLUMN usage TYPE double precision");
    let told = reason(&mut PostgresSink::new(sink.target.clone()), &[usages("2026-10", 11, &[])]).await;
    assert!(
        told.contains("had usage as numeric(20,2)") && told.contains("now it is double precision"),
        "{told}"
    );
    server.psql(&sink.target, "ALTER TABLE waldur.usages ALTER COLUMN usage TYPE numeric(20,2)");
    // A column that is put back would be empty in months that are told as unchanged.
    server.psql(&sink.target, "ALTER TABLE waldur.usages DROP COLUMN description");
    let same = [usages("2026-10", 10, &[])];
    let told = reason(&mut PostgresSink::new(sink.target.clone()), &same).await;
    assert!(told.contains("had description as text") && told.contains("now it is gone"), "{told}");
    server.psql(&sink.target, "DROP TABLE waldur.usages");
    assert_eq!(export(&mut PostgresSink::new(sink.target.clone()), 2, &same).await.unwrap().len(), 1);
    server.psql(&sink.target, "INSERT INTO waldur.waldur_export_version (version, tool) VALUES (99, 'next')");
    let told = reason(&mut PostgresSink::new(sink.target.clone()), &[usages("2026-10", 11, &[])]).await;
    assert!(told.contains("its tables have version 99, and this program knows 1"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_that_it_cannot_hold_are_named_and_nothing_is_written() {
    let Some(server) = Server::shared() else { return };
    let mut sink = PostgresSink::new(server.target().await);
    export(&mut sink, 1, &[usages("2026-10", 10, &[])]).await.unwrap();
    let having = |name: &'static str, text: &str| {
        slice(Table::Usages, &[], "2026-10", vec![usage(1, &[]), with(usage(3, &[]), name, text)])
    };
    let row = format!("usages of 2026-10, {}", id(1, 3));
    let told = reason(&mut sink, &[having("description", "a\0b")]).await;
    assert!(
        told.ends_with(&format!(
            "{row}: description has the character U+0000, which PostgreSQL has in no text"
        )),
        "{told}"
    );
    let told = reason(&mut sink, &[having("resource_uuid", "no uuid")]).await;
    assert!(told.ends_with(&format!("{row}: resource_uuid has `no uuid`, which is no uuid")), "{told}");
    let long = slice(Table::Usages, &[&"n".repeat(64)], "2026-10", vec![]);
    assert!(reason(&mut sink, &[long]).await.contains("--contract discard"));
    assert_eq!(server.psql(&sink.target, "SELECT count(*) FROM waldur.usages"), "10");
    // What was filled before the fault is taken away by the next run.
    export(&mut sink, 2, &[usages("2026-10", 11, &[])]).await.unwrap();
    let left = "SELECT count(*) FROM pg_class WHERE relname LIKE 'waldur_export_staging%' AND relkind = 'r'";
    assert_eq!(server.psql(&sink.target, left), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_run_at_a_time_writes_to_a_schema() {
    let Some(server) = Server::shared() else { return };
    let target = server.target().await;
    let mut first = PostgresSink::new(target.clone());
    first.manifest().await.unwrap();
    let mut second = PostgresSink::new(target.clone());
    second.lock = Duration::from_millis(300);
    let error = second.manifest().await.unwrap_err();
    assert!(matches!(error, ExportError::Busy { .. }), "{error:?}");
    assert_eq!(error.to_string(), "another run writes to postgres:warehouse");
    // Another schema of the database is another place.
    let other = super::super::SchemaName::new("Other \"one\"").unwrap();
    let mut third = PostgresSink::new(super::super::PostgresTarget { schema: other, ..target.clone() });
    assert_eq!(export(&mut third, 1, &[usages("2026-10", 3, &[])]).await.unwrap().len(), 1);
    assert_eq!(server.psql(&target, r#"SELECT count(*) FROM "Other ""one""".usages"#), "3");
    drop(first);
    second.lock = Duration::from_secs(10);
    assert_eq!(second.manifest().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stays_is_waited_for_and_then_named() {
    let Some(server) = Server::shared() else { return };
    let mut sink = PostgresSink::new(server.target().await);
    export(&mut sink, 1, &[usages("2026-10", 10, &[]), resources("2026-10", 5, "old")]).await.unwrap();
    let reader = client(&sink.target).await;
    reader.batch_execute("BEGIN; SELECT count(*) FROM waldur.resources").await.unwrap();
    let new = [usages("2026-10", 11, &[]), resources("2026-10", 5, "new")];
    let mut hasty = PostgresSink::new(sink.target.clone());
    hasty.readers = Duration::from_millis(900);
    let told = reason(&mut hasty, &new).await;
    assert!(told.contains("others held locks on its tables"), "{told}");
    // Meanwhile the reader goes on, and everybody else reads.
    reader.batch_execute("SELECT count(*) FROM waldur.usages").await.unwrap();
    assert_eq!(server.psql(&sink.target, "SELECT count(*) FROM waldur.usages"), "10");
    let ends = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        reader.batch_execute("COMMIT").await.unwrap();
    });
    let mut patient = PostgresSink::new(sink.target.clone());
    assert_eq!(export(&mut patient, 2, &new).await.unwrap().len(), 2);
    ends.await.unwrap();
    assert_eq!(server.psql(&sink.target, "SELECT count(*), max(name) FROM waldur.resources"), "5|new");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_the_right_is_told_so_and_one_with_a_schema_of_its_own_needs_no_more() {
    let Some(server) = Server::shared() else { return };
    let target = server.target().await;
    let months = [usages("2026-10", 10, &[])];
    server.psql(&target, "CREATE ROLE loader LOGIN PASSWORD 'loader'");
    let loader = super::super::PostgresTarget {
        user: "loader".into(),
        password: Some(super::super::Password::new("loader").unwrap()),
        ..target.clone()
    };
    let mut sink = PostgresSink::new(loader);
    let told = reason(&mut sink, &months).await;
    assert!(told.contains("permission denied for database"), "{told}");
    server.psql(&target, "CREATE SCHEMA waldur AUTHORIZATION loader");
    for run in 1..3 {
        export(&mut sink, run, &[usages("2026-10", 10 + usize::try_from(run).unwrap(), &[])]).await.unwrap();
    }
    assert_eq!(server.psql(&target, "SELECT count(*) FROM waldur.usages"), "12");
    server.psql(&target, "DROP OWNED BY loader CASCADE; DROP ROLE loader");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_lost_its_connection_does_not_go_on_with_what_another_one_changed() {
    let Some(server) = Server::shared() else { return };
    let mut sink = PostgresSink::new(server.target().await);
    export(&mut sink, 1, &[usages("2026-10", 10, &[])]).await.unwrap();
    let manifest = sink.manifest().await.unwrap().unwrap();
    sink.session = None;
    // Nobody wrote meanwhile, so it may.
    sink.publish(Vec::new(), Manifest { run: stamp(5), ..manifest.clone() }).await.unwrap();
    sink.session = None;
    export(&mut PostgresSink::new(sink.target.clone()), 2, &[usages("2026-10", 11, &[])]).await.unwrap();
    let error = sink.publish(Vec::new(), Manifest { run: stamp(6), ..manifest }).await.unwrap_err();
    assert!(error.to_string().contains("the connection was lost"), "{error}");
    let manifest = sink.manifest().await.unwrap().unwrap();
    assert_eq!(manifest.slices[0].revision, 2);
}
