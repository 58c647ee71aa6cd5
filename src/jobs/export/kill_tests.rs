//! An export is ended at every step that it makes on the disk: what is there then is the old month or the new
//! one, and the next run makes it whole and tells the revision once.
//!
//! A test starts its own program again for the part that is ended, which the variable below tells it to play.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::source::Extract;
use super::*;
use crate::export::{FolderFormat, FolderSink, WorkbookSink};
use crate::jobs::Silent;
use crate::warehouse::{Cells, Manifest, Proof, Slice};

const TARGET: &str = "WALDUR_USAGE_TEST_TARGET";
const KILL_AT: &str = "WALDUR_USAGE_TEST_KILL_AT";

/// Months as they were, or as they are now.
struct Made {
    is_new: bool,
}

impl Made {
    fn usages(&self, month: i8) -> Vec<(usize, &'static str)> {
        let amount = |row: usize| if self.is_new && month != 2 && row == 7 { "1000000.01" } else { "12.50" };
        let rows = (0..40).map(|row| (row, amount(row)));
        if self.is_new && month != 2 {
            // One changed, one added, two removed.
            return rows.filter(|(row, _)| ![3, 4].contains(row)).chain([(99, "3.25")]).collect();
        }
        rows.collect()
    }

    fn resources(&self, month: i8) -> Vec<(usize, &'static str)> {
        match (self.is_new, month) {
            (true, 2) => Vec::new(),
            (true, 3) => (0..5).map(|row| (row, if row == 1 { "renamed" } else { "project" })).collect(),
            _ => (0..5).map(|row| (row, "project")).collect(),
        }
    }

    fn slice(&self, schema: &Arc<Schema>, period: BillingPeriod) -> Slice {
        let mut cells = Cells::new(schema);
        let table = schema.table();
        let rows =
            if table == Table::Usages { self.usages(period.month()) } else { self.resources(period.month()) };
        for (row, value) in rows {
            let uuid = format!("{:032x}", row * 0x9e37_79b9 + 1);
            let cell = |name: &str| match name {
                "deployment" => Some("https://waldur.example.com".to_owned()),
                "billing_period" => Some(period.first_day()),
                "uuid" => Some(uuid.clone()),
                "component_type" => Some(if row % 2 == 0 { "cpu" } else { "ram" }.to_owned()),
                "usage" | "project_name" => Some(value.to_owned()),
                name if name.ends_with("uuid") || name == "state" => Some(format!("{name}-{}", row % 5)),
                _ => None,
            };
            let cells_of_row: Vec<Option<String>> =
                schema.columns().iter().map(|column| cell(&column.name)).collect();
            cells.push(cells_of_row.into_iter().map(|cell| cell.map(Into::into))).unwrap();
        }
        Slice::new(Arc::clone(schema), period, &cells.finish().unwrap()).unwrap()
    }
}

impl MonthSource for Made {
    fn deployment(&self) -> String {
        "https://waldur.example.com".to_owned()
    }

    fn unknown_fields(&mut self, _table: Table) -> BoxFuture<'_, Result<BTreeSet<String>, Error>> {
        Box::pin(std::future::ready(Ok(BTreeSet::new())))
    }

    fn closed(&mut self, _period: BillingPeriod) -> BoxFuture<'_, Result<Option<String>, Error>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn month<'a>(
        &'a mut self,
        period: BillingPeriod,
        schemas: &'a [Arc<Schema>],
    ) -> BoxFuture<'a, Result<Vec<Extract>, Error>> {
        let extract = |schema: &Arc<Schema>| {
            let slice = self.slice(schema, period);
            let proof = Proof { counted: slice.rows().num_rows(), statistics: None };
            Extract { slice, proof }
        };
        Box::pin(std::future::ready(Ok(schemas.iter().map(extract).collect())))
    }
}

/// Which kind of target, by the ending of its name.
fn sink(target: &Path) -> Box<dyn ExportSink> {
    match target.extension().and_then(|ending| ending.to_str()) {
        Some("xlsx") => Box::new(WorkbookSink::new(target)),
        Some("csv") => Box::new(FolderSink::new(target, FolderFormat::Csv { excel_safe: false })),
        Some("ndjson") => Box::new(FolderSink::new(target, FolderFormat::Ndjson)),
        _ => Box::new(FolderSink::new(target, FolderFormat::Parquet)),
    }
}

fn export(target: &Path, is_new: bool) -> Vec<Done> {
    let settings = Settings {
        period: "2026-01..2026-05".parse().unwrap(),
        tables: vec![Table::Usages, Table::Resources],
        scope: Scope::default(),
        contract: Contract::Discard,
        skip_closed: false,
        accept_lost_roles: false,
        run: RunId::new(Uuid::from_u128(if is_new { 2 } else { 1 })),
        now: "2026-04-02T03:04:05Z".parse().unwrap(),
    };
    let mut done = Vec::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let mut sinks = vec![sink(target)];
    runtime.block_on(run(&settings, &mut Made { is_new }, &mut sinks, &Silent, &mut done)).unwrap();
    done
}

/// Every file below a folder that a reader of all files sees, with its content.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.file_name().unwrap().to_string_lossy().starts_with('.') {
                let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn hidden(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.contains(".draft") || name.contains(".next.") {
                found.push(name);
            }
        }
    }
    found
}

fn is_manifest(name: &str) -> bool {
    name.ends_with("manifest.json") || name.ends_with("manifest.next.json")
}

/// The files of rows alone.
fn data(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<&String, &Vec<u8>> {
    files.iter().filter(|(name, _)| !is_manifest(name)).collect()
}

fn manifest(files: &BTreeMap<String, Vec<u8>>) -> Manifest {
    let (_, text) = files.iter().find(|(name, _)| name.ends_with("manifest.json")).unwrap();
    Manifest::read(text).unwrap()
}

/// What the revisions of a manifest say, in one line each.
fn revisions(manifest: &Manifest) -> Vec<String> {
    let revisions = manifest.revisions.iter().map(|revision| {
        let rows = revision.rows.as_ref().map(|rows| (rows.added, rows.changed, rows.removed));
        let sums = revision.difference.iter().map(|sum| format!("{} {}", sum.component, sum.difference));
        let sums = sums.collect::<Vec<_>>().join(" ");
        format!("{} {} {} {rows:?} {sums}", revision.table, revision.period, revision.revision)
    });
    revisions.collect()
}

/// The part that is ended, where this is it.
fn play() -> bool {
    let Some(target) = std::env::var_os(TARGET) else { return false };
    export(Path::new(&target), true);
    true
}

/// Ends an export at each step, or at every so manieth; how many steps there were.
fn sweep(test: &str, target: &str, step: usize) -> usize {
    let whole = tempfile::tempdir().unwrap();
    export(&whole.path().join(target), false);
    let old = files(whole.path());
    export(&whole.path().join(target), true);
    let new = files(whole.path());
    let wanted = revisions(&manifest(&new));
    let mut number = 0;
    loop {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join(target);
        export(&place, false);
        assert_eq!(data(&files(folder.path())), data(&old), "the same bytes at another place");
        let ended = Command::new(std::env::current_exe().unwrap())
            .args([&format!("jobs::export::kill_tests::{test}"), "--exact", "--nocapture"])
            .env(TARGET, &place)
            .env(KILL_AT, number.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        if ended.success() {
            assert_eq!(data(&files(folder.path())), data(&new));
            return number;
        }
        assert!(ended.signal().is_some(), "{test} at step {number}: {ended}");
        // Whoever reads now finds each month as it was or as it is, and a manifest that is whole.
        let left = files(folder.path());
        for (name, content) in left.iter().filter(|(name, _)| !is_manifest(name)) {
            let is_known = old.get(name) == Some(content) || new.get(name) == Some(content);
            assert!(is_known, "{test} at step {number}: {name} is neither old nor new");
        }
        for name in old.keys().filter(|name| new.contains_key(*name)) {
            assert!(left.contains_key(name), "{test} at step {number}: {name} is gone");
        }
        manifest(&left);
        // The next run makes it whole, and tells each revision once and with its numbers.
        export(&place, true);
        let mended = files(folder.path());
        assert_eq!(data(&mended), data(&new), "{test} at step {number}");
        assert_eq!(revisions(&manifest(&mended)), wanted, "{test} at step {number}");
        assert_eq!(hidden(folder.path()), Vec::<String>::new(), "{test} at step {number}");
        // Entries are those of an export that was not ended.
        let entries = |files: &BTreeMap<String, Vec<u8>>| manifest(files).slices;
        assert_eq!(entries(&mended), entries(&new), "{test} at step {number}");
        let done = export(&place, true);
        assert!(done.iter().all(|done| done.fate == Fate::Unchanged), "{test} at step {number}");
        assert_eq!(files(folder.path()), mended, "{test} at step {number}: a third run writes nothing");
        number += step;
    }
}

fn step_of(short: usize) -> usize {
    if std::env::var("WALDUR_USAGE_SWEEP").is_ok_and(|sweep| sweep == "full") { 1 } else { short }
}

#[test]
fn parquet() {
    if play() {
        return;
    }
    let steps = sweep("parquet", "warehouse", step_of(7));
    assert!(steps >= 50, "only {steps} steps");
    println!("{steps} steps");
}

#[test]
fn csv() {
    if play() {
        return;
    }
    let steps = sweep("csv", "warehouse.csv", step_of(13));
    assert!(steps >= 50, "only {steps} steps");
}

#[test]
fn ndjson() {
    if play() {
        return;
    }
    let steps = sweep("ndjson", "warehouse.ndjson", step_of(17));
    assert!(steps >= 50, "only {steps} steps");
}

#[test]
fn revisions_of_a_folder_have_the_right_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("warehouse");
    assert!(export(&target, false).iter().all(|done| done.fate == Fate::Published));
    let fates: Vec<String> = export(&target, true)
        .iter()
        .map(|done| format!("{} {} {}", done.entry.table, done.entry.period, done.fate.words()))
        .collect();
    assert_eq!(
        fates,
        [
            "usages 2026-01 replaced",
            "resources 2026-01 unchanged",
            "usages 2026-02 unchanged",
            "resources 2026-02 replaced",
            "usages 2026-03 replaced",
            "resources 2026-03 replaced",
            "usages 2026-04 replaced",
            "resources 2026-04 unchanged",
            "usages 2026-05 replaced",
            "resources 2026-05 unchanged",
        ]
    );
    assert_eq!(
        revisions(&manifest(&files(folder.path()))),
        [
            // Row 7 is of ram; 99 and 3 too, and 4 of cpu.
            "usages 2026-01 2 Some((1, 1, 2)) cpu -12.50 ram 999978.26",
            "resources 2026-02 2 Some((0, 0, 5)) ",
            "usages 2026-03 2 Some((1, 1, 2)) cpu -12.50 ram 999978.26",
            "resources 2026-03 2 Some((0, 1, 0)) ",
            "usages 2026-04 2 Some((1, 1, 2)) cpu -12.50 ram 999978.26",
            "usages 2026-05 2 Some((1, 1, 2)) cpu -12.50 ram 999978.26",
        ]
    );
    // What somebody took away or damaged is written again, and is no revision.
    let files_before = files(folder.path());
    std::fs::remove_file(target.join("usages/billing_period=2026-01/part-0.parquet")).unwrap();
    std::fs::write(target.join("resources/billing_period=2026-03/part-0.parquet"), "damaged").unwrap();
    let done = export(&target, true);
    let restored = done.iter().filter(|done| done.fate == Fate::Restored).count();
    assert_eq!((restored, done.len()), (2, 10));
    assert_eq!(data(&files(folder.path())), data(&files_before));
    assert_eq!(manifest(&files(folder.path())).revisions.len(), 6);
}

#[test]
fn a_workbook_is_replaced_whole_or_not_at_all() {
    if play() {
        return;
    }
    let steps = sweep("a_workbook_is_replaced_whole_or_not_at_all", "usage.xlsx", step_of(5));
    assert!(steps >= 12, "only {steps} steps");
}
