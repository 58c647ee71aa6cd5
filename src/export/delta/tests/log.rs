//! What commits consist of, and that nothing is committed twice.

use deltalake_core::kernel::{Action, CommitInfo, Transaction};
use serde_json::json;
use tempfile::TempDir;

use crate::warehouse::{Revision, Table};

use super::super::super::{ExportSink, Replacement};
use super::super::DeltaSink;
use super::super::log::Log;
use super::super::stats::stats;
use super::*;

fn both(change: u32) -> [Slice; 4] {
    let (april, may) = (month("2026-04"), month("2026-05"));
    [usages(april, 0), resources(april, "Alpha"), usages(may, change), resources(may, "Alpha")]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_writes_nothing_and_a_changed_usage_makes_one_commit_of_one_month() {
    let folder = TempDir::new().unwrap();
    let fates = bring(folder.path(), 1, &both(0)).await.unwrap();
    assert_eq!(fates, [Fate::Published; 4]);
    let before = files(folder.path());
    assert_eq!(bring(folder.path(), 2, &both(0)).await.unwrap(), [Fate::Unchanged; 4]);
    assert_eq!(files(folder.path()), before, "every file, the manifest and the lock among them");

    let fates = bring(folder.path(), 3, &both(1)).await.unwrap();
    assert_eq!(fates, [Fate::Unchanged, Fate::Unchanged, Fate::Replaced, Fate::Unchanged]);
    let changed: Vec<PathBuf> = files(folder.path())
        .into_iter()
        .filter(|(path, file)| before.get(path) != Some(file))
        .map(|(path, _)| path.strip_prefix(folder.path()).unwrap().to_owned())
        .collect();
    assert_eq!(changed.len(), 3, "{changed:?}");
    assert_eq!(changed[0], Path::new("manifest.json"));
    assert_eq!(changed[1], Path::new("usages/_delta_log/00000000000000000002.json"));
    assert!(changed[2].starts_with("usages/billing_period=2026-05-01"), "{changed:?}");

    assert_eq!(commits(&folder.path().join("resources")).len(), 2);
    let commits = commits(&folder.path().join("usages"));
    assert_eq!(commits.len(), 3);
    let [add] = of(&commits[2], "add")[..] else { panic!("{:?}", commits[2]) };
    let [remove] = of(&commits[2], "remove")[..] else { panic!("{:?}", commits[2]) };
    let partition = json!({ "billing_period": "2026-05-01" });
    assert_eq!((&add["partitionValues"], &remove["partitionValues"]), (&partition, &partition));
    assert_eq!(remove["path"], of(&commits[1], "add")[0]["path"]);
    assert_eq!(add["dataChange"], json!(true));
    let transaction = of(&commits[2], "txn")[0];
    assert_eq!(transaction["appId"], json!("waldur-usage/usages/2026-05"));
    assert_eq!(transaction["version"], json!(2));
    assert!(of(&commits[2], "metaData").is_empty());
    let info = of(&commits[2], "commitInfo")[0];
    assert_eq!(info["engineInfo"], json!("waldur-usage/0.1.0"));
    assert_eq!(info["operationParameters"]["predicate"], json!("billing_period = '2026-05-01'"));
    assert_eq!(info["operationMetrics"]["numOutputRows"], json!("40"));
    let told: Manifest = serde_json::from_str(info["userMetadata"].as_str().unwrap()).unwrap();
    assert_eq!(told.run, stamp(3));

    let manifest = manifest(folder.path());
    let entry = manifest.entry("usages", month("2026-05")).unwrap();
    assert_eq!(told.slices, std::slice::from_ref(entry));
    assert_eq!(told.revisions, manifest.revisions);
    assert_eq!(entry.revision, 2);
    assert_eq!(manifest.revisions[0].rows, Some(Revision { added: 0, changed: 1, removed: 0 }));
    let [difference] = &manifest.revisions[0].difference[..] else { panic!("one component") };
    assert_eq!((difference.component.as_str(), difference.difference.to_string().as_str()), ("cpu", "1.00"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_commit_describes_the_table() {
    let folder = TempDir::new().unwrap();
    bring(folder.path(), 1, &[items(month("2026-05"), &[], 0)]).await.unwrap();
    let commit = &commits(&folder.path().join("invoice-items"))[0];
    assert_eq!(of(commit, "protocol"), [&json!({ "minReaderVersion": 1, "minWriterVersion": 2 })]);
    let metadata = of(commit, "metaData")[0];
    assert_eq!(metadata["partitionColumns"], json!(["billing_period"]));
    assert_eq!(metadata["configuration"]["waldur-usage.deployment"], json!(SERVER));
    let schema: serde_json::Value = serde_json::from_str(metadata["schemaString"].as_str().unwrap()).unwrap();
    let field = |name: &str| {
        let fields = schema["fields"].as_array().unwrap();
        let field = fields.iter().find(|field| field["name"] == name).unwrap();
        (field["type"].clone(), field["nullable"].clone())
    };
    assert_eq!(field("billing_period"), (json!("date"), json!(false)));
    assert_eq!(field("uuid"), (json!("string"), json!(false)));
    assert_eq!(field("quantity"), (json!("decimal(22,10)"), json!(false)));
    assert_eq!(field("price"), (json!("decimal(20,2)"), json!(true)));
    assert_eq!(field("start"), (json!("timestamp"), json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_rows_are_the_same_file_wherever_and_whenever() {
    let (one, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let odd = other.path().join("Dépôt 100% #1 ☃");
    bring(one.path(), 1, &both(0)).await.unwrap();
    bring(&odd, 7, &both(0)).await.unwrap();
    let rows = |folder: &Path| {
        let files = files(folder)
            .into_iter()
            .filter(|(path, _)| path.extension().is_some_and(|end| end == "parquet"));
        files
            .map(|(path, (_, content))| (path.strip_prefix(folder).unwrap().to_owned(), content))
            .collect::<BTreeMap<_, _>>()
    };
    assert_eq!(rows(one.path()), rows(&odd));
    assert_eq!(rows(one.path()).len(), 4);
    assert_eq!(bring(&odd, 8, &both(0)).await.unwrap(), [Fate::Unchanged; 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_is_again_what_it_was_takes_its_old_file_back() {
    let (folder, may) = (TempDir::new().unwrap(), month("2026-05"));
    for (run, change) in [(1, 0), (2, 1), (3, 0)] {
        bring(folder.path(), run, &[usages(may, change)]).await.unwrap();
    }
    let commits = commits(&folder.path().join("usages"));
    assert_eq!(of(&commits[2], "add")[0]["path"], of(&commits[0], "add")[0]["path"]);
    assert_eq!(of(&commits[2], "txn")[0]["version"], json!(3));
    assert_eq!(bring(folder.path(), 4, &[usages(may, 0)]).await.unwrap(), [Fate::Unchanged]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_without_rows_is_a_commit_without_a_file() {
    let (folder, may) = (TempDir::new().unwrap(), month("2026-05"));
    let empty = slice(Table::Usages, &[], may, &[]);
    assert_eq!(bring(folder.path(), 1, std::slice::from_ref(&empty)).await.unwrap(), [Fate::Published]);
    assert_eq!(bring(folder.path(), 2, std::slice::from_ref(&empty)).await.unwrap(), [Fate::Unchanged]);
    assert_eq!(bring(folder.path(), 3, &[usages(may, 0)]).await.unwrap(), [Fate::Replaced]);
    assert_eq!(bring(folder.path(), 4, std::slice::from_ref(&empty)).await.unwrap(), [Fate::Replaced]);
    assert_eq!(bring(folder.path(), 5, &[empty]).await.unwrap(), [Fate::Unchanged]);
    let commits = commits(&folder.path().join("usages"));
    assert_eq!(commits.len(), 3);
    assert_eq!((of(&commits[2], "add").len(), of(&commits[2], "remove").len()), (0, 1));
    let manifest = manifest(folder.path());
    let entry = manifest.entry("usages", may).unwrap();
    assert_eq!((entry.rows, &entry.file, entry.revision), (0, &None, 3));
    assert_eq!(manifest.revisions[1].rows, Some(Revision { added: 0, changed: 0, removed: USAGES }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_manifest_is_put_together_from_the_commits() {
    let folder = TempDir::new().unwrap();
    let (april, may) = (month("2026-04"), month("2026-05"));
    bring(folder.path(), 1, &both(0)).await.unwrap();
    bring(folder.path(), 2, &both(1)).await.unwrap();
    let evolved = [slice(Table::Components, &["x"], april, &[]), items(may, &["is_new"], 1)];
    bring(folder.path(), 3, &evolved).await.unwrap();
    let before = manifest_text(folder.path());
    fs::remove_file(folder.path().join("manifest.json")).unwrap();
    let found = DeltaSink::new(folder.path()).manifest().await.unwrap().unwrap();
    assert_eq!(found.evolved.len(), 2);
    assert_eq!(manifest_text(folder.path()), before);
    assert_eq!(bring(folder.path(), 4, &both(1)).await.unwrap(), [Fate::Unchanged; 4]);
}

/// Publishes as a run does that is killed before it can write the manifest.
async fn publish_without_manifest(folder: &Path, run: u32, slice: &Slice, revision: u32) {
    let kept = fs::read(folder.join("manifest.json")).ok();
    let mut sink = DeltaSink::new(folder);
    let standing = sink.manifest().await.unwrap().unwrap_or_else(|| nothing_yet(run));
    let told = Manifest { run: stamp(run), ..standing };
    let replacement = Replacement { slice: slice.clone(), entry: entry(slice, run, revision) };
    sink.publish(vec![replacement], told).await.unwrap();
    match kept {
        Some(kept) => fs::write(folder.join("manifest.json"), kept).unwrap(),
        None => fs::remove_file(folder.join("manifest.json")).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_run_committed_is_entered_and_not_written_again() {
    let (folder, may) = (TempDir::new().unwrap(), month("2026-05"));
    publish_without_manifest(folder.path(), 1, &usages(may, 0), 1).await;
    assert_eq!(bring(folder.path(), 2, &[usages(may, 0)]).await.unwrap(), [Fate::Unchanged]);
    assert_eq!(manifest(folder.path()).entry("usages", may).unwrap().run, stamp(1));

    publish_without_manifest(folder.path(), 3, &usages(may, 1), 2).await;
    // The server went on meanwhile.
    assert_eq!(bring(folder.path(), 4, &[usages(may, 2)]).await.unwrap(), [Fate::Replaced]);
    let manifest = manifest(folder.path());
    assert_eq!(manifest.entry("usages", may).unwrap().revision, 3);
    let commits = commits(&folder.path().join("usages"));
    let revisions: Vec<_> = commits.iter().map(|commit| of(commit, "txn")[0]["version"].clone()).collect();
    assert_eq!(revisions, [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publication_that_is_asked_for_twice_is_committed_once() {
    let (folder, may) = (TempDir::new().unwrap(), month("2026-05"));
    let publish = async |slice: &Slice, revision| {
        let mut sink = DeltaSink::new(folder.path());
        sink.manifest().await?;
        let replacement = Replacement { slice: slice.clone(), entry: entry(slice, 1, revision) };
        sink.publish(vec![replacement], nothing_yet(1)).await
    };
    for _ in 0..3 {
        publish(&usages(may, 1), 2).await.unwrap();
    }
    assert_eq!(commits(&folder.path().join("usages")).len(), 1);
    let refused = publish(&usages(may, 0), 1).await.unwrap_err().to_string();
    assert!(refused.contains("at revision 2 by its log, and 1 was to be written"), "{refused}");
    assert_eq!(commits(&folder.path().join("usages")).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_damaged_or_taken_away_are_restored() {
    let (folder, may) = (TempDir::new().unwrap(), month("2026-05"));
    bring(folder.path(), 1, &[usages(may, 0)]).await.unwrap();
    let path = folder.path().join(manifest(folder.path()).slices[0].file.clone().unwrap().path);
    let whole = fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    damaged[100] ^= 1;
    fs::write(&path, damaged).unwrap();
    assert_eq!(bring(folder.path(), 2, &[usages(may, 0)]).await.unwrap(), [Fate::Restored]);
    assert_eq!(fs::read(&path).unwrap(), whole);
    fs::remove_file(&path).unwrap();
    assert_eq!(bring(folder.path(), 3, &[usages(may, 0)]).await.unwrap(), [Fate::Restored]);
    assert_eq!(commits(&folder.path().join("usages")).len(), 1);
    // The whole table is gone; what the manifest says of it is not.
    fs::remove_dir_all(folder.path().join("usages")).unwrap();
    assert_eq!(bring(folder.path(), 4, &[usages(may, 0)]).await.unwrap(), [Fate::Restored]);
    assert_eq!(bring(folder.path(), 5, &[usages(may, 0)]).await.unwrap(), [Fate::Unchanged]);
    assert_eq!(commits(&folder.path().join("usages")).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_column_is_added_in_the_commit_of_the_month_that_has_it_first() {
    let folder = TempDir::new().unwrap();
    let (april, may) = (month("2026-04"), month("2026-05"));
    bring(folder.path(), 1, &[items(april, &[], 0)]).await.unwrap();
    bring(folder.path(), 2, &[items(may, &["is_new"], 0)]).await.unwrap();
    let commits = commits(&folder.path().join("invoice-items"));
    assert_eq!(commits.len(), 2);
    let [metadata] = of(&commits[1], "metaData")[..] else { panic!("{:?}", commits[1]) };
    assert_eq!(metadata["id"], of(&commits[0], "metaData")[0]["id"]);
    assert_eq!(metadata["configuration"], of(&commits[0], "metaData")[0]["configuration"]);
    assert!(
        metadata["schemaString"]
            .as_str()
            .unwrap()
            .contains(r#""name":"is_new","type":"string","nullable":true"#)
    );
    assert_eq!(of(&commits[1], "add").len(), 1);
    // A month of the old columns is told by its rows alone.
    let before = items(april, &[], 0);
    let mut sink = DeltaSink::new(folder.path());
    let manifest = sink.manifest().await.unwrap().unwrap();
    let schema = items(may, &["is_new"], 0).schema().clone();
    let rows = sink.rows(&schema, manifest.entry("invoice-items", april).unwrap()).await.unwrap().unwrap();
    assert_eq!(rows.column(rows.num_columns() - 1).null_count(), rows.num_rows());
    assert_eq!(compare((&schema, &rows), &before), Revision { added: 0, changed: 0, removed: 0 });
}

/// Commits as somebody else does; `log` is what they knew of the table.
async fn commit_as_somebody_else(
    table: &Path,
    log: Option<Log>,
    actions: Vec<Action>,
) -> Result<Log, String> {
    let transaction = Transaction::new("somebody else", 1);
    Log::commit(table, log, CommitInfo::default(), actions, transaction).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_wrote_in_between_is_not_overwritten() {
    let (folder, april, may) = (TempDir::new().unwrap(), month("2026-04"), month("2026-05"));
    bring(folder.path(), 1, &[usages(april, 0), usages(may, 0)]).await.unwrap();
    let table = folder.path().join("usages");
    let mut sink = DeltaSink::new(folder.path());
    let manifest = sink.manifest().await.unwrap().unwrap();
    let taken_out = async |period| {
        let log = Log::open(&table).await.unwrap().unwrap();
        let files = log.files(period).unwrap().into_iter().map(|file| Action::Remove(file.remove)).collect();
        commit_as_somebody_else(&table, Some(log), files).await.unwrap();
    };
    // Another month of the table is none of our concern; this one is.
    taken_out(april).await;
    let slice = usages(may, 1);
    let replacement =
        |revision| vec![Replacement { slice: slice.clone(), entry: entry(&slice, 2, revision) }];
    let manifest = sink.publish(replacement(2), manifest).await.unwrap();
    assert_eq!(commits(&table).len(), 4);
    taken_out(may).await;
    let refused = sink.publish(replacement(3), manifest).await.unwrap_err().to_string();
    assert!(refused.contains("somebody else wrote to the table at the same time"), "{refused}");
    assert_eq!(commits(&table).len(), 5);
    drop(sink);
    let fates = bring(folder.path(), 3, &[usages(april, 0), slice]).await.unwrap();
    assert_eq!(fates, [Fate::Restored; 2]);
    assert_eq!(commits(&table).len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_commit_at_once_one_does() {
    let (folder, may) = (TempDir::new().unwrap(), month("2026-05"));
    bring(folder.path(), 1, &[usages(may, 0)]).await.unwrap();
    let table = folder.path().join("usages");
    let (one, other) = (Log::open(&table).await.unwrap(), Log::open(&table).await.unwrap());
    commit_as_somebody_else(&table, one, Vec::new()).await.unwrap();
    let refused = commit_as_somebody_else(&table, other, Vec::new()).await.err().unwrap();
    assert!(refused.contains("somebody else wrote to the table at the same time"), "{refused}");
    // Likewise of two who make the table.
    let table = folder.path().join("resources");
    bring(folder.path(), 2, &[resources(may, "Alpha")]).await.unwrap();
    assert!(commit_as_somebody_else(&table, None, Vec::new()).await.is_err());
    assert_eq!(commits(&table).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_log_gets_checkpoints_and_goes_on() {
    let (folder, may) = (TempDir::new().unwrap(), month("2026-05"));
    let runs = 104;
    for run in 1..=runs {
        let slice = slice(Table::Usages, &[], may, &usage_rows(run)[..3]);
        bring(folder.path(), run, &[slice]).await.unwrap();
    }
    let log = folder.path().join("usages/_delta_log");
    assert!(log.join("00000000000000000099.checkpoint.parquet").exists());
    let before = manifest_text(folder.path());
    assert_eq!(manifest(folder.path()).slices[0].revision, runs);
    // A manifest that is lost is found in the commits, checkpoint or not.
    fs::remove_file(folder.path().join("manifest.json")).unwrap();
    DeltaSink::new(folder.path()).manifest().await.unwrap();
    assert_eq!(manifest_text(folder.path()), before);
    // Where old commits are gone too, the revision is still known, and the run says what is missing.
    for version in 0..=103 {
        if version < 100 {
            fs::remove_file(log.join(format!("{version:020}.json"))).unwrap();
        }
    }
    assert_eq!(
        bring(folder.path(), runs, &[slice(Table::Usages, &[], may, &usage_rows(runs)[..3])]).await.unwrap(),
        [Fate::Unchanged]
    );
    let april = slice(Table::Usages, &[], month("2026-04"), &usage_rows(1)[..3]);
    assert_eq!(bring(folder.path(), runs + 1, &[april]).await.unwrap(), [Fate::Published]);
}

#[test]
fn bounds_are_exact_or_outside_and_of_all_columns_or_of_none() {
    let may = month("2026-05");
    let text = |slice: &Slice| stats(slice.schema(), slice.rows());
    let read = |slice: &Slice| serde_json::from_str::<serde_json::Value>(&text(slice)).unwrap();
    let some = |rows: &[Vec<(&str, String)>]| slice(Table::Usages, &[], may, rows);
    // One usage has more digits than floating point keeps, so that no column has bounds.
    let all = read(&usages(may, 0));
    assert_eq!((all["numRecords"].clone(), all["nullCount"]["date"].clone()), (json!(USAGES), json!(30)));
    assert_eq!((all.get("minValues"), all.get("maxValues")), (None, None));
    assert_eq!(read(&items(may, &[], 0)).get("maxValues"), None);

    let rows = [&usage_rows(0)[..1], &usage_rows(0)[2..]].concat();
    let found = read(&some(&rows));
    assert!(text(&some(&rows)).contains(r#""usage":-0.01"#));
    assert!(text(&some(&rows)).contains(r#""usage":100.50"#));
    let pair = |name: &str| (found["minValues"][name].clone(), found["maxValues"][name].clone());
    assert_eq!(pair("component_type"), (json!("cpu"), json!("storage")));
    assert_eq!(pair("recurring"), (json!(true), json!(true)));
    assert_eq!(pair("modified_by"), (json!(i64::MAX), json!(i64::MAX)));
    assert_eq!(pair("date"), (json!("2026-05-03T07:00:00.000Z"), json!("2026-05-27T07:00:00.001Z")));
    let beginning = "=1+1 \"Größe\" ☃, \n and a text tha";
    assert_eq!(pair("description"), (json!(beginning), json!(format!("{beginning}\u{10ffff}"))));
    assert_eq!(found["nullCount"].get("billing_period"), None);
    for side in ["minValues", "maxValues"] {
        for column in some(&rows).schema().columns().iter().filter(|column| column.name != PERIOD) {
            let is_empty = found["nullCount"][column.name.as_ref()] == found["numRecords"];
            assert_eq!(found[side].get(column.name.as_ref()).is_none(), is_empty, "{side} {}", column.name);
        }
    }
    // Nothing stands above a text that goes on with the last of all characters.
    let mut rows = usage_rows(0)[3..5].to_vec();
    rows[1].retain(|(name, _)| *name != "description");
    rows[1].push(("description", format!("{}{}", "x".repeat(32), char::MAX)));
    assert_eq!(read(&some(&rows)).get("maxValues"), None);
}
