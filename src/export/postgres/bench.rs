//! What a bench calls: a month of usages that was read already takes the place of the one that stands in a
//! database.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::{BillingPeriod, RunId};
use crate::warehouse::{
    Cells, ColumnKind, Contract, Entry, FORMAT, Manifest, PERIOD, Proof, RunStamp, Schema, Scope, Slice,
    Table, VERSION,
};

use super::super::{ExportSink, Replacement};
use super::{Host, PostgresSink, PostgresTarget, SchemaName, Tls};

const DEPLOYMENT: &str = "https://waldur.example.org";

/// Writes a month of so many rows over the socket in a folder; how long the target took for it.
pub fn measure(
    rows: usize,
    socket: PathBuf,
    port: u16,
    database: &str,
    user: &str,
) -> Result<Duration, Box<dyn Error>> {
    let target = PostgresTarget {
        name: "bench".into(),
        host: Host::Socket(socket),
        port,
        database: database.into(),
        user: user.into(),
        schema: SchemaName::default(),
        tls: Tls::Off,
        password: None,
    };
    let slice = slice(rows)?;
    let stamp = RunStamp { id: RunId::new(Uuid::new_v4()), time: Timestamp::now(), tool: "bench".into() };
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let mut sink = PostgresSink::new(target);
        let manifest = sink.manifest().await?.unwrap_or_else(|| fresh(&stamp));
        let entry = Entry {
            table: slice.schema().table().name().into(),
            period: slice.period(),
            rows,
            sums: slice.sums()?,
            content: slice.digest().into(),
            file: None,
            revision: manifest.entry("usages", slice.period()).map_or(1, |entry| entry.revision + 1),
            proof: Proof { counted: rows, statistics: None },
            run: stamp,
            not_checked_since: None,
            closed_invoices: None,
        };
        let begun = Instant::now();
        sink.publish(vec![Replacement { slice, entry }], manifest).await?;
        Ok(begun.elapsed())
    })
}

fn fresh(stamp: &RunStamp) -> Manifest {
    Manifest {
        format: FORMAT.into(),
        version: VERSION,
        schema_version: Schema::VERSION,
        deployment: DEPLOYMENT.into(),
        scope: Scope::default(),
        roles: std::collections::BTreeSet::new(),
        run: stamp.clone(),
        contract: Contract::Discard,
        evolved: BTreeMap::new(),
        discarded: BTreeMap::new(),
        excel_safe: false,
        slices: Vec::new(),
        revisions: Vec::new(),
    }
}

fn slice(rows: usize) -> Result<Slice, Box<dyn Error>> {
    let period: BillingPeriod = "2026-10".parse()?;
    let schema = Arc::new(Schema::new(Table::Usages, &[]));
    let mut cells = Cells::new(&schema);
    let month = period.first_day();
    for row in 0..rows {
        let number = u128::try_from(row)?;
        // Uuids of a server are drawn by chance, so the rows of a resource lie anywhere.
        let uuid = Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes()).simple().to_string();
        let resource = Uuid::from_u128(number / 5 * 0x9e37_79b9_7f4a_7c15).simple().to_string();
        let amount = format!("{}.{:02}", row * 7_919 % 1_000_000, row % 100);
        let instant = format!("2026-10-{:02}T{:02}:15:30.{:06}Z", row % 28 + 1, row % 24, row % 1_000_000);
        let cells_of_row = schema.columns().iter().map(|column| {
            let text = match column.name.as_ref() {
                "deployment" => Cow::Borrowed(DEPLOYMENT),
                PERIOD => Cow::Borrowed(month.as_str()),
                "uuid" => Cow::Borrowed(uuid.as_str()),
                "resource_uuid" => Cow::Borrowed(resource.as_str()),
                "component_type" => Cow::Borrowed(["cpu", "ram", "gpu_hours", "storage", "network"][row % 5]),
                "usage" => Cow::Borrowed(amount.as_str()),
                "description" if row % 3 == 0 => Cow::Borrowed("Corrected after the outage"),
                "recurring" => Cow::Borrowed("false"),
                "date" | "created" => Cow::Borrowed(instant.as_str()),
                "modified_by" if column.kind == ColumnKind::Whole => Cow::Owned((row % 40).to_string()),
                _ => return None,
            };
            Some(text)
        });
        cells.push(cells_of_row)?;
    }
    Ok(Slice::new(schema, period, &cells.finish()?)?)
}
