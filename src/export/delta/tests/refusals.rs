//! Folders that hold something else are refused, and left as they are.

use std::collections::BTreeSet;

use deltalake_core::kernel::{DataType, StructField};
use deltalake_core::operations::create::CreateBuilder;
use tempfile::TempDir;

use crate::warehouse::PublishedFile;

use super::super::schema;
use super::*;

/// What a run is told that finds something else; nothing in the folder changes.
async fn refusal(folder: &Path, slice: &Slice) -> String {
    let names = || {
        let names = files(folder).into_keys().filter(|path| !path.ends_with(".waldur-usage.lock"));
        names.collect::<BTreeSet<PathBuf>>()
    };
    let before = names();
    let refused = bring(folder, 9, std::slice::from_ref(slice)).await.unwrap_err().to_string();
    assert_eq!(names(), before);
    refused
}

async fn create(folder: &Path, configuration: &[(&str, &str)]) {
    fs::create_dir_all(folder).unwrap();
    let configuration = configuration.iter().map(|(key, value)| (*key, Some(*value)));
    CreateBuilder::new()
        .with_location(folder.to_str().unwrap())
        .with_columns([StructField::new("billing_period", DataType::DATE, true)])
        .with_columns([StructField::new("usage", DataType::DOUBLE, true)])
        .with_partition_columns(["billing_period"])
        .with_configuration(configuration)
        .with_raise_if_key_not_exists(false)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_somebody_else_are_refused() {
    let may = usages(month("2026-05"), 0);
    let folder = TempDir::new().unwrap();
    create(&folder.path().join("usages"), &[]).await;
    let told = refusal(folder.path(), &may).await;
    assert!(told.contains("usages is a Delta table that was not made by an export"), "{told}");

    // A table of this program that is not this one.
    let folder = TempDir::new().unwrap();
    create(&folder.path().join("usages"), &[("waldur-usage.table", "resources")]).await;
    let told = refusal(folder.path(), &may).await;
    assert!(told.contains("usages holds the table resources"), "{told}");

    // Ours by its own word, of other columns.
    let folder = TempDir::new().unwrap();
    let ours = schema::configuration(Table::Usages, &nothing_yet(1));
    let ours: Vec<(&str, &str)> = ours.iter().map(|(key, value)| (*key, value.as_str())).collect();
    create(&folder.path().join("usages"), &ours).await;
    let told = bring(folder.path(), 9, std::slice::from_ref(&may)).await.unwrap_err().to_string();
    assert!(told.contains("its column usage is double, and decimal(20,2) is to be written"), "{told}");
    assert_eq!(commits(&folder.path().join("usages")).len(), 1);

    // The folder itself is a table.
    let folder = TempDir::new().unwrap();
    create(folder.path(), &[]).await;
    let told = refusal(folder.path(), &may).await;
    assert!(told.contains("it is a Delta table itself"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_somebody_else_are_refused() {
    let may = usages(month("2026-05"), 0);
    for (path, named) in [
        ("usages/notes.txt", "usages/notes.txt"),
        ("usages/billing_period=2026-05/part-0.parquet", "usages/billing_period=2026-05"),
        ("usages/billing_period=2026-05-01/other.parquet", "usages/billing_period=2026-05-01/other.parquet"),
    ] {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "kept").unwrap();
        let told = refusal(folder.path(), &may).await;
        assert!(told.contains(&format!("{named} is no part of a Delta table of an export")), "{told}");
    }

    // An export of another kind.
    let folder = TempDir::new().unwrap();
    let mut manifest = nothing_yet(1);
    let file = PublishedFile {
        path: "usages/billing_period=2026-05/part-0.parquet".to_owned(),
        bytes: 1,
        sha256: String::new(),
    };
    manifest.put(Entry { file: Some(file), ..entry(&may, 1, 1) });
    fs::write(folder.path().join("manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
    let told = refusal(folder.path(), &may).await;
    assert!(told.contains("it holds an export of another kind"), "{told}");
    fs::write(folder.path().join("manifest.json"), "{}").unwrap();
    let told = refusal(folder.path(), &may).await;
    assert!(told.contains("the manifest of delta:"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_another_server_or_selection_are_refused() {
    let may = usages(month("2026-05"), 0);
    let folder = TempDir::new().unwrap();
    bring(folder.path(), 1, std::slice::from_ref(&may)).await.unwrap();
    let path = folder.path().join("manifest.json");
    let whole = manifest(folder.path());
    let other = Manifest { deployment: "https://other.example.com".to_owned(), ..whole.clone() };
    fs::write(&path, serde_json::to_vec(&other).unwrap()).unwrap();
    let told = refusal(folder.path(), &may).await;
    assert!(told.contains("usages holds data of https://waldur.example.com"), "{told}");
    let mut other = whole;
    other.scope.filters.insert("customer".to_owned(), "x".to_owned());
    fs::write(&path, serde_json::to_vec(&other).unwrap()).unwrap();
    let told = refusal(folder.path(), &may).await;
    assert!(told.contains("usages holds another selection"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_another_run_writes_to_is_refused_until_it_ends() {
    let folder = TempDir::new().unwrap();
    let mut sink = DeltaSink::new(folder.path());
    sink.manifest().await.unwrap();
    let told = DeltaSink::new(folder.path()).manifest().await.unwrap_err().to_string();
    assert!(told.starts_with("another run writes to delta:"), "{told}");
    drop(sink);
    DeltaSink::new(folder.path()).manifest().await.unwrap();
}

#[test]
fn names_that_no_table_can_have_are_refused() {
    let delta = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        schema::delta(&Schema::new(Table::Usages, &names))
    };
    assert!(delta(&["is_new"]).is_ok());
    assert!(delta(&["Usage"]).unwrap_err().contains("but for large letters"));
    for name in ["a b", "a,b", "a=b", "a\nb", "{a}"] {
        assert!(delta(&[name]).unwrap_err().contains("cannot be the name of a column"), "{name}");
    }
    // A column that differs from one of an older run by large letters, likewise.
    let (old, new) = (delta(&["is_new"]).unwrap(), delta(&["IS_new"]).unwrap());
    assert!(schema::merged(&old, &new).unwrap_err().contains("by large letters alone"));
    assert_eq!(schema::merged(&old, &old), Ok(None));
    // A column that is gone stays; one that rows may lack from now on is no longer required.
    assert_eq!(schema::merged(&old, &delta(&[]).unwrap()), Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn charges_are_a_table_like_the_others() {
    let (folder, may) = (TempDir::new().unwrap(), month("2026-05"));
    let cell = |schema: &Schema| {
        let columns = schema.columns().iter().filter(|column| column.is_required);
        columns.map(|column| (column.name.to_string(), column.kind)).collect::<Vec<_>>()
    };
    let schema = Schema::new(Table::Charges, &[]);
    let row: Vec<(String, String)> = cell(&schema)
        .into_iter()
        .map(|(name, kind)| {
            use crate::warehouse::ColumnKind;
            let text = match kind {
                ColumnKind::Text => "x",
                ColumnKind::Cents | ColumnKind::Fine | ColumnKind::Whole => "1",
                ColumnKind::Instant => "2026-05-01T00:00:00Z",
                ColumnKind::Day => "2026-05-01",
                ColumnKind::Flag => "true",
            };
            (name, text.to_owned())
        })
        .collect();
    let row: Vec<(&str, String)> = row.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
    let charges = slice(Table::Charges, &[], may, &[row]);
    assert_eq!(bring(folder.path(), 1, std::slice::from_ref(&charges)).await.unwrap(), [Fate::Published]);
    assert_eq!(bring(folder.path(), 2, std::slice::from_ref(&charges)).await.unwrap(), [Fate::Unchanged]);
    let mut sink = DeltaSink::new(folder.path());
    let manifest = sink.manifest().await.unwrap().unwrap();
    let rows = sink.rows(charges.schema(), &manifest.slices[0]).await.unwrap().unwrap();
    assert_eq!(compare((charges.schema(), &rows), &charges).changed, 0);
}
