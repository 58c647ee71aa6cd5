//! What is written, and what is not.

use std::process::Command;

use super::super::{PostgresSink, PostgresTarget};
use super::server::{PASSWORD, Server, run};
use super::*;
use crate::warehouse::Revision;

/// The columns of a table with their types, a line each.
fn types(server: &Server, target: &PostgresTarget, table: &str) -> String {
    server.psql(
        target,
        &format!(
            "SELECT a.attname || ' ' || format_type(a.atttypid, a.atttypmod) \
            || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END \
            FROM pg_attribute a WHERE a.attrelid = 'waldur.{table}'::regclass AND a.attnum > 0 ORDER BY a.attnum"
        ),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_is_read_back_by_psql_as_it_was() {
    let Some(server) = Server::shared() else { return };
    let mut sink = PostgresSink::new(server.target().await);
    let rows = 10_000;
    let slice = usages("2026-10", rows, &[(1, "999999999999999999.99"), (2, "-0.01"), (4, "0")]);
    let written = export(&mut sink, 1, &[slice.clone(), usages("2026-09", 7, &[])]).await.unwrap();
    assert_eq!(written, ["usages 2026-10", "usages 2026-09"]);
    let target = sink.target.clone();
    let types = types(&server, &target, "usages");
    for line in [
        "deployment text not null",
        "billing_period date not null",
        "uuid uuid not null",
        "resource_uuid uuid not null",
        "component_type text not null",
        "usage numeric(20,2) not null",
        "description text",
        "recurring boolean",
        "date timestamp with time zone",
    ] {
        assert!(types.lines().any(|found| found == line), "{types}");
    }
    let psql = |statement: &str| server.psql(&target, statement);
    let sums = psql(
        "SELECT component_type, sum(usage) FROM waldur.usages WHERE billing_period = '2026-10-01' \
        GROUP BY 1 ORDER BY 1",
    );
    let expected: Vec<String> =
        slice.sums().unwrap().iter().map(|sum| format!("{}|{}", sum.component, sum.sum)).collect();
    assert_eq!(sums, expected.join("\n"));
    assert_eq!(psql("SELECT count(*), count(DISTINCT uuid) FROM waldur.usages"), "10007|10000");
    assert_eq!(
        psql(
            "SELECT uuid, usage, description, recurring, date FROM waldur.usages \
            WHERE billing_period = '2026-10-01' AND usage IN (5.05, 6.06) ORDER BY uuid"
        ),
        format!(
            "{}|5.05|Größe \t \\N \"5\"\n||2026-10-06 12:00:00.000123+00\n\
            {}|6.06|Größe \t \\N \"6\"\n|t|2026-10-07 12:00:00.000123+00",
            Uuid::parse_str(&id(1, 5)).unwrap(),
            Uuid::parse_str(&id(1, 6)).unwrap()
        )
    );
    assert_eq!(
        psql("SELECT usage FROM waldur.usages_2026_10 ORDER BY usage DESC LIMIT 1"),
        "999999999999999999.99"
    );
    // The rows that are read back are those of the slice, cell by cell.
    let manifest = sink.manifest().await.unwrap().unwrap();
    let entry = manifest.entry("usages", month("2026-10")).unwrap();
    let back = sink.rows(slice.schema(), entry).await.unwrap().unwrap();
    let back = Slice::new(Arc::clone(slice.schema()), slice.period(), &back).unwrap();
    assert_eq!(back.digest(), slice.digest());
    // The audit says what was written, for people too.
    let audit = psql(
        "SELECT table_name, billing_period, revision, rows, entry->>'content' = content, \
        run, extracted FROM waldur.waldur_export_audit ORDER BY billing_period",
    );
    let run = Uuid::from_u128(1);
    assert_eq!(
        audit,
        format!(
            "usages|2026-09-01|1|7|t|{run}|2026-11-02 01:02:03.456789+00\n\
            usages|2026-10-01|1|10000|t|{run}|2026-11-02 01:02:03.456789+00"
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fine_decimals_days_and_text_of_any_shape_arrive_exactly() {
    let Some(server) = Server::shared() else { return };
    let mut sink = PostgresSink::new(server.target().await);
    let item = |row: usize, quantity: &str, price: Option<&str>, name: &str| {
        let mut cells = vec![
            ("uuid", id(1, row)),
            ("resource_uuid", id(2, 1)),
            ("component_type", "cpu".to_owned()),
            ("name", name.to_owned()),
            ("quantity", quantity.to_owned()),
            ("unit_price", "0.0000000001".to_owned()),
            ("start", "0001-01-01T00:00:00Z".to_owned()),
            ("end", "9999-12-30T22:00:00.999999Z".to_owned()),
        ];
        cells.extend(price.map(|price| ("price", price.to_owned())));
        cells
    };
    let rows = vec![
        item(1, "999999999999.9999999999", Some("-12.30"), "emoji 🧮 and \u{202e}"),
        item(2, "0", None, ""),
        item(3, "-0.0000000001", Some("0.05"), "\\.\n\\\\"),
        item(4, "10000", Some("10000"), "a,b\t|"),
        item(5, "0.0001", Some("1000000.01"), "'; DROP TABLE x"),
    ];
    let items = slice(Table::InvoiceItems, &[], "2026-10", rows);
    let invoice = [
        ("uuid", &*id(9, 1)),
        ("number", "100"),
        ("state", "paid"),
        ("invoice_date", "2026-11-01"),
        ("price", "12.30"),
        ("tax", "22.123456789"),
    ];
    let invoice = invoice.map(|(name, cell)| (name, cell.to_owned())).into();
    let invoices = slice(Table::Invoices, &[], "2026-10", vec![invoice]);
    export(&mut sink, 1, &[items.clone(), invoices.clone()]).await.unwrap();
    let target = sink.target.clone();
    let psql = |statement: &str| server.psql(&target, statement);
    assert_eq!(
        psql("SELECT quantity, unit_price, price FROM waldur.invoice_items ORDER BY uuid"),
        "999999999999.9999999999|0.0000000001|-12.30\n0.0000000000|0.0000000001|\n\
        -0.0000000001|0.0000000001|0.05\n10000.0000000000|0.0000000001|10000.00\n\
        0.0001000000|0.0000000001|1000000.01"
    );
    assert_eq!(
        psql("SELECT invoice_date, tax, price FROM waldur.invoices"),
        "2026-11-01|22.1234567890|12.30"
    );
    let manifest = sink.manifest().await.unwrap().unwrap();
    for slice in [items, invoices] {
        let entry = manifest.entry(slice.schema().table().name(), slice.period()).unwrap();
        assert!(sink.stands(entry).await.unwrap());
        let back = sink.rows(slice.schema(), entry).await.unwrap().unwrap();
        let back = Slice::new(Arc::clone(slice.schema()), slice.period(), &back).unwrap();
        assert_eq!(back.digest(), slice.digest());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn python_reads_the_same_counts_sums_and_types() {
    const SCRIPT: &str = r#"
import datetime, decimal, os, sys, uuid
import pandas, psycopg
with psycopg.connect(sys.argv[1], password=os.environ["PGPASSWORD"]) as connection:
    cursor = connection.execute("SELECT * FROM waldur.usages WHERE billing_period = '2026-10-01'")
    frame = pandas.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description])
one = frame[frame.usage == decimal.Decimal("5.05")].iloc[0]
kinds = {"uuid": uuid.UUID, "usage": decimal.Decimal, "billing_period": datetime.date, "component_type": str}
for name, kind in kinds.items():
    assert isinstance(one[name], kind), (name, type(one[name]))
assert frame.date.dt.tz is not None and frame.uuid.is_unique
for component, sum in sorted(frame.groupby("component_type").usage.sum().items()):
    print(component, sum)
print(len(frame))
"#;
    let Some(server) = Server::shared() else { return };
    let python = Command::new("python3").args(["-c", "import pandas, psycopg"]).output();
    if !python.is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("WALDUR_USAGE_REQUIRE_TOOLS").is_none(), "needs pandas and psycopg");
        println!("skipped: needs pandas and psycopg");
        return;
    }
    let mut sink = PostgresSink::new(server.target().await);
    let slice = usages("2026-10", 3_001, &[]);
    export(&mut sink, 1, std::slice::from_ref(&slice)).await.unwrap();
    let address =
        format!("host=127.0.0.1 port={} user=postgres dbname={}", server.port, sink.target.database);
    let said = run(Command::new("python3").args(["-c", SCRIPT, &address]).env("PGPASSWORD", PASSWORD));
    let sums: Vec<String> =
        slice.sums().unwrap().iter().map(|sum| format!("{} {}", sum.component, sum.sum)).collect();
    assert_eq!(said.trim(), format!("{}\n3001", sums.join("\n")));
}

/// Everything that a write would change: the files of all tables and the rows of the catalogue.
fn state(server: &Server, sink: &PostgresSink) -> String {
    let classes = "SELECT c.oid, c.relname, c.relfilenode, c.xmin FROM pg_class c \
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'waldur' ORDER BY c.oid";
    let rows = ["usages", "resources", "waldur_export_audit", "waldur_export_run", "waldur_export_revision"];
    let rows = rows.map(|table| {
        let all = format!("SELECT count(*), max(xmin::text), max(ctid::text) FROM waldur.{table}");
        server.psql(&sink.target, &all)
    });
    format!("{}\n{}", server.psql(&sink.target, classes), rows.join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_run_writes_nothing_and_one_changed_usage_rewrites_one_month() {
    let Some(server) = Server::shared() else { return };
    let mut sink = PostgresSink::new(server.target().await);
    let months = |other: &[(usize, &str)]| {
        vec![usages("2026-09", 900, &[]), usages("2026-10", 1_000, other), resources("2026-10", 30, "same")]
    };
    assert_eq!(export(&mut sink, 1, &months(&[])).await.unwrap().len(), 3);
    let before = state(&server, &sink);
    let nothing: Vec<String> = Vec::new();
    assert_eq!(export(&mut sink, 2, &months(&[])).await.unwrap(), nothing);
    assert_eq!(state(&server, &sink), before);
    let oid =
        |table: &str| server.psql(&sink.target, &format!("SELECT 'waldur.{table}'::regclass::oid::int"));
    let others = [oid("usages_2026_09"), oid("resources_2026_10")];
    let (old, parent) = (oid("usages_2026_10"), oid("usages"));
    let mut sink = PostgresSink::new(sink.target.clone());
    let written = export(&mut sink, 3, &months(&[(5, "50.00"), (7, "0.01")])).await.unwrap();
    assert_eq!(written, ["usages 2026-10"]);
    assert_eq!([oid("usages_2026_09"), oid("resources_2026_10")], others);
    assert_eq!(oid("usages"), parent);
    assert_ne!(oid("usages_2026_10"), old);
    let manifest = sink.manifest().await.unwrap().unwrap();
    let revision = manifest.revisions.last().unwrap();
    assert_eq!(revision.rows, Some(Revision { added: 0, changed: 2, removed: 0 }));
    let difference: Vec<String> = revision
        .difference
        .iter()
        .map(|difference| format!("{} {}", difference.component, difference.difference))
        .collect();
    assert_eq!(difference, ["gpu_hours 44.95", "ram -7.06"]);
    assert_eq!(manifest.entry("usages", month("2026-10")).unwrap().revision, 2);
    assert_eq!(manifest.entry("usages", month("2026-09")).unwrap().run, stamp(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_changed_or_took_away_is_written_again() {
    let Some(server) = Server::shared() else { return };
    let mut sink = PostgresSink::new(server.target().await);
    let months = [usages("2026-10", 100, &[]), resources("2026-10", 30, "same")];
    export(&mut sink, 1, &months).await.unwrap();
    for (number, statement) in (2..).zip([
        "DELETE FROM waldur.usages WHERE uuid = (SELECT max(uuid::text)::uuid FROM waldur.usages)",
        "UPDATE waldur.usages SET usage = usage + 1 WHERE usage = 3.03",
        "DROP TABLE waldur.usages_2026_10",
        "DROP TABLE waldur.usages",
    ]) {
        server.psql(&sink.target, statement);
        let mut sink = PostgresSink::new(sink.target.clone());
        assert_eq!(export(&mut sink, number, &months).await.unwrap(), ["usages 2026-10"], "{statement}");
        let sum = server.psql(&sink.target, "SELECT count(*), sum(usage) FROM waldur.usages");
        let sums: Vec<_> = months[0].sums().unwrap().into_iter().map(|sum| sum.sum).collect();
        assert_eq!(sum, format!("100|{}", crate::domain::Amount::total(sums).unwrap()), "{statement}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_without_rows_is_a_month() {
    let Some(server) = Server::shared() else { return };
    let mut sink = PostgresSink::new(server.target().await);
    export(&mut sink, 1, &[usages("2026-10", 0, &[])]).await.unwrap();
    let nothing: Vec<String> = Vec::new();
    assert_eq!(export(&mut sink, 2, &[usages("2026-10", 0, &[])]).await.unwrap(), nothing);
    export(&mut sink, 3, &[usages("2026-10", 5, &[])]).await.unwrap();
    export(&mut sink, 4, &[usages("2026-10", 0, &[])]).await.unwrap();
    assert_eq!(server.psql(&sink.target, "SELECT count(*) FROM waldur.usages"), "0");
    let manifest = sink.manifest().await.unwrap().unwrap();
    assert_eq!(manifest.revisions[1].rows, Some(Revision { added: 0, changed: 0, removed: 5 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn new_fields_become_columns_and_months_that_are_there_stay() {
    let Some(server) = Server::shared() else { return };
    let mut sink = PostgresSink::new(server.target().await);
    export(&mut sink, 1, &[usages("2026-09", 50, &[]), usages("2026-10", 50, &[])]).await.unwrap();
    let evolved = |period: &str| {
        let rows = (0..50).map(|row| {
            let row = with(usage(row, &[]), "Tariff \"X\"", &format!("\"t{row}\""));
            with(row, "owner_uuid", r#"{"a": 1.10}"#)
        });
        slice(Table::Usages, &["Tariff \"X\"", "owner_uuid"], period, rows.collect())
    };
    let file = server.psql(&sink.target, "SELECT relfilenode FROM pg_class WHERE relname = 'usages_2026_09'");
    export(&mut sink, 2, &[evolved("2026-10")]).await.unwrap();
    let target = sink.target.clone();
    let psql = |statement: &str| server.psql(&target, statement);
    assert!(types(&server, &target, "usages").ends_with("\nTariff \"X\" text\nowner_uuid text"));
    assert_eq!(
        psql(
            r#"SELECT billing_period, count(*), max("Tariff ""X"""), max(owner_uuid) FROM waldur.usages GROUP BY 1 ORDER BY 1"#
        ),
        "2026-09-01|50||\n2026-10-01|50|\"t9\"|{\"a\": 1.10}"
    );
    assert_eq!(psql("SELECT relfilenode FROM pg_class WHERE relname = 'usages_2026_09'"), file);
    let manifest = sink.manifest().await.unwrap().unwrap();
    assert_eq!(manifest.revisions[0].rows, Some(Revision { added: 0, changed: 50, removed: 0 }));
    // A run without the fields leaves the columns, and the new month has nothing in them.
    export(&mut sink, 3, &[usages("2026-10", 50, &[])]).await.unwrap();
    assert_eq!(psql("SELECT count(*), count(owner_uuid) FROM waldur.usages"), "100|0");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_made_of_a_table_stays_with_it() {
    let Some(server) = Server::shared() else { return };
    let mut sink = PostgresSink::new(server.target().await);
    export(&mut sink, 1, &[usages("2026-10", 50, &[])]).await.unwrap();
    let target = sink.target.clone();
    let psql = |statement: &str| server.psql(&target, statement);
    psql(
        "CREATE ROLE reader_of_months; GRANT USAGE ON SCHEMA waldur TO reader_of_months; \
        GRANT SELECT ON waldur.usages TO reader_of_months; \
        CREATE INDEX by_resource ON waldur.usages (resource_uuid) INCLUDE (usage); \
        CREATE INDEX ON waldur.usages (lower(component_type)) WHERE usage > 0; \
        CREATE VIEW waldur.cpu AS SELECT * FROM waldur.usages WHERE component_type = 'cpu'; \
        ALTER TABLE waldur.usages ADD CONSTRAINT not_so_low CHECK (usage > -1000000); \
        ALTER TABLE waldur.usages ADD COLUMN note text DEFAULT 'none', \
        ADD COLUMN twice numeric GENERATED ALWAYS AS (usage * 2) STORED",
    );
    for run in 2..4 {
        export(&mut sink, run, &[usages("2026-10", 60, &[(1, &format!("{run}.50"))])]).await.unwrap();
        assert_eq!(
            psql("SELECT count(*), count(DISTINCT note), max(twice) FROM waldur.usages"),
            "60|1|119.18"
        );
        assert_eq!(
            psql("SET ROLE reader_of_months; SELECT count(*) FROM waldur.usages").lines().last(),
            Some("60")
        );
        assert_eq!(psql("SELECT count(*) FROM waldur.cpu"), "20");
        let indexes = "SELECT count(*) FROM pg_index WHERE indrelid = 'waldur.usages_2026_10'::regclass";
        assert_eq!(psql(indexes), "3");
        let parts = "SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent \
            JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'waldur' AND c.relkind = 'I'";
        assert_eq!(psql(parts), "3", "each is part of the index of the table");
    }
    psql("DROP VIEW waldur.cpu; DROP OWNED BY reader_of_months; DROP ROLE reader_of_months");
}
