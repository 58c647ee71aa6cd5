//! Others read the tables: the Python package of Delta Lake, pyarrow, pandas and `DuckDB`.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::domain::Amount;

use super::*;

/// Whether the packages are there; a machine that has to have them fails without.
fn has_packages() -> bool {
    let has = Command::new("python3").args(["-c", "import deltalake, pyarrow, pandas, duckdb"]).output();
    let has = has.is_ok_and(|output| output.status.success());
    if !has {
        assert!(
            std::env::var_os("WALDUR_USAGE_REQUIRE_TOOLS").is_none(),
            "python3 has to have deltalake, pyarrow, pandas and duckdb"
        );
        println!("skipped: needs python3 with deltalake, pyarrow, pandas and duckdb");
    }
    has
}

/// What a script of Python prints as JSON.
fn python(script: &str, arguments: &[&Path]) -> Value {
    // Threads of the packages end the process with an error now and then, when it has long printed all.
    let script = format!("{script}\nimport os, sys\nsys.stdout.flush()\nos._exit(0)\n");
    let output = Command::new("python3").args(["-c", &script]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// How many rows each month of each table has in each folder, and what they come to; none where Python
/// lacks the packages.
pub(super) fn sums(folders: &[PathBuf]) -> Option<Vec<BTreeMap<String, String>>> {
    const SCRIPT: &str = r#"
import json, sys
from collections import defaultdict
from deltalake import DeltaTable
found = []
for folder in sys.argv[1:]:
    months = {}
    for table, measure in [("usages", "usage"), ("resources", "project_name"), ("invoice-items", "unit_price")]:
        cells = defaultdict(list)
        rows = DeltaTable(f"{folder}/{table}").to_pyarrow_table()
        for period, cell in zip(rows["billing_period"].to_pylist(), rows[measure].to_pylist()):
            cells[str(period)].append(cell)
        for period, values in cells.items():
            what = sorted(set(values)) if measure == "project_name" else format(sum(values), "f")
            months[f"{table} {period}"] = f"{len(values)} {what}"
    found.append(months)
print(json.dumps(found))
"#;
    if !has_packages() {
        return None;
    }
    let folders: Vec<&Path> = folders.iter().map(PathBuf::as_path).collect();
    Some(serde_json::from_value(python(SCRIPT, &folders)).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn others_read_equal_counts_sums_types_and_history() {
    const SCRIPT: &str = r#"
import json, sys, decimal
import duckdb, pandas
from deltalake import DeltaTable
decimal.getcontext().prec = 50
folder = sys.argv[1]
path = f"{folder}/usages"
table = DeltaTable(path)
told = {"files": len(table.file_uris()), "version": table.version()}
rows = table.to_pyarrow_table()
told["types"] = {field.name: f"{field.type} {field.nullable}" for field in rows.schema}
def plain(rows):
    sums = {}
    for period, component, usage in rows:
        key = f"{str(period)[:10]} {component}"
        count, total = sums.get(key, (0, decimal.Decimal(0)))
        sums[key] = (count + 1, total + usage)
    return {key: [count, format(total, "f")] for key, (count, total) in sums.items()}
three = ["billing_period", "component_type", "usage"]
told["pyarrow"] = plain(zip(*(rows[name].to_pylist() for name in three)))
frame = table.to_pandas()
told["pandas"] = plain(frame[three].itertuples(index=False))
dataset = table.to_pyarrow_dataset()
query = "select billing_period, component_type, usage from dataset"
told["duckdb"] = plain(duckdb.sql(query).fetchall())
try:
    duckdb.sql("load delta")
    told["delta_scan"] = plain(duckdb.sql(query.replace("dataset", f"delta_scan('{path}')")).fetchall())
except Exception:
    pass
told["one"] = duckdb.sql("select count(*) from dataset where usage = 999999999999999999.99").fetchall()[0][0]
told["text"] = [row["description"] for row in rows.to_pylist() if row["uuid"] == "0" * 32][0]
told["instant"] = [str(row["date"]) for row in rows.to_pylist() if row["uuid"] == "0" * 31 + "2"][0]
history = []
for version in range(table.version() + 1):
    old = DeltaTable(path, version=version).to_pyarrow_table()
    history.append([len(old), format(sum(old["usage"].to_pylist()), "f")])
told["history"] = history
told["runs"] = [json.loads(entry["userMetadata"])["run"]["id"] for entry in table.history()]
told["operations"] = sorted({entry["operation"] for entry in table.history()})
applications = [f"waldur-usage/usages/{month}" for month in ("2026-04", "2026-05")]
told["transactions"] = {application: table.transaction_version(application) for application in applications}
pruned = DeltaTable(path).to_pyarrow_table(filters=[("usage", "=", decimal.Decimal("101.50"))])
told["pruned"] = len(pruned)
print(json.dumps(told))
"#;
    if !has_packages() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let (april, may) = (month("2026-04"), month("2026-05"));
    bring(folder.path(), 1, &[usages(april, 0), usages(may, 0)]).await.unwrap();
    bring(folder.path(), 2, &[usages(april, 0), usages(may, 1)]).await.unwrap();
    let told = python(SCRIPT, &[folder.path()]);
    let manifest = manifest(folder.path());

    let entries = manifest.slices.iter().flat_map(|entry| {
        entry.sums.iter().map(|sum| (format!("{} {}", entry.period.first_day(), sum.component), sum.sum))
    });
    let wanted: BTreeMap<String, Amount> = entries.collect();
    assert_eq!(wanted.len(), 4);
    for reader in ["pyarrow", "pandas", "duckdb", "delta_scan"] {
        let Some(found) = told.get(reader) else {
            assert_eq!(reader, "delta_scan");
            println!("skipped: needs the extension delta of DuckDB");
            continue;
        };
        let found: BTreeMap<String, (usize, String)> = serde_json::from_value(found.clone()).unwrap();
        assert_eq!(found.len(), wanted.len(), "{reader}");
        for (key, (count, sum)) in found {
            assert_eq!(count, USAGES / 2, "{reader} {key}");
            assert_eq!(sum.parse::<Amount>().unwrap(), wanted[&key], "{reader} {key}");
        }
    }
    assert_eq!((&told["files"], &told["version"]), (&json!(2), &json!(2)));
    let types = &told["types"];
    assert_eq!(types["billing_period"], json!("date32[day] False"));
    assert_eq!(types["uuid"], json!("string False"));
    assert_eq!(types["usage"], json!("decimal128(20, 2) False"));
    assert_eq!(types["date"], json!("timestamp[us, tz=UTC] True"));
    assert_eq!(types["recurring"], json!("bool True"));
    assert_eq!(types["modified_by"], json!("int64 True"));
    assert_eq!(types.as_object().unwrap().len(), Table::Usages.columns().len());
    assert_eq!(told["one"], json!(2));
    assert_eq!(told["text"], json!("=1+1 \"Größe\" ☃, \n and a text that is longer than others"));
    assert_eq!(told["instant"], json!("2026-05-03 07:00:00.000001+00:00"));
    assert_eq!(told["pruned"], json!(1));

    // Each publication of a month is a version: April, May, May again.
    let history: Vec<(usize, String)> = serde_json::from_value(told["history"].clone()).unwrap();
    let sum = |slices: &[Slice]| {
        let sums = slices.iter().flat_map(|slice| slice.sums().unwrap());
        sums.fold(Amount::ZERO, |all, sum| all.checked_add(sum.sum).unwrap())
    };
    let published = [
        vec![usages(april, 0)],
        vec![usages(april, 0), usages(may, 0)],
        vec![usages(april, 0), usages(may, 1)],
    ];
    assert_eq!(history.len(), published.len());
    for ((count, found), slices) in history.iter().zip(published) {
        assert_eq!((*count, found.parse::<Amount>().unwrap()), (slices.len() * USAGES, sum(&slices)));
    }
    assert_eq!(told["runs"], json!([stamp(2).id, stamp(1).id, stamp(1).id]));
    assert_eq!(told["operations"], json!(["WRITE"]));
    let transactions = json!({ "waldur-usage/usages/2026-04": 1, "waldur-usage/usages/2026-05": 2 });
    assert_eq!(told["transactions"], transactions);
}

#[tokio::test(flavor = "multi_thread")]
async fn others_find_every_row_that_they_look_for() {
    const SCRIPT: &str = r#"
import json, sys, decimal
import duckdb, pyarrow
from deltalake import DeltaTable, QueryBuilder
table = DeltaTable(sys.argv[1] + "/usages")
dataset = table.to_pyarrow_dataset()
engine = QueryBuilder().register("dataset", table)
found = {}
for question in [
    "usage = 100.50", "usage = -0.01", "usage = 999999999999999999.99", "usage > 30", "recurring", "not recurring",
    "description is null", "description like '=1%'", "description > '=1'", "created is null", "created is not null",
    "modified_by = 9223372036854775807", "date > timestamp '2026-05-27 07:00:00'", "component_type = 'storage'",
    "billing_period = date '2026-05-01'",
]:
    query = f"select count(*) as n from dataset where {question.replace('timestamp', 'timestamptz')}"
    found[question] = [duckdb.sql(query).fetchall()[0][0]]
    query = f"select count(*) as n from dataset where {question}".replace("= 999999999999999999.99", "= cast('999999999999999999.99' as decimal(20,2))")
    found[question].append(pyarrow.table(engine.execute(query).read_all())["n"][0].as_py())
for usage in ["100.50", "-0.01", "999999999999999999.99"]:
    rows = table.to_pyarrow_table(filters=[("usage", "=", decimal.Decimal(usage))])
    found[f"usage = {usage}"].append(len(rows))
print(json.dumps(found))
"#;
    if !has_packages() {
        return;
    }
    // May has a usage that keeps its file from having bounds, and April has none.
    let folder = TempDir::new().unwrap();
    let rows = [&usage_rows(0)[..1], &usage_rows(0)[2..]].concat();
    let april = slice(Table::Usages, &[], month("2026-04"), &rows);
    bring(folder.path(), 1, &[april, usages(month("2026-05"), 0)]).await.unwrap();
    let found = python(SCRIPT, &[folder.path()]);
    for (question, wanted) in [
        ("usage = 100.50", 2),
        ("usage = -0.01", 2),
        ("usage = 999999999999999999.99", 1),
        ("recurring", 19),
        ("not recurring", 0),
        ("description is null", 59),
        ("description like '=1%'", 20),
        ("description > '=1'", 20),
        ("created is null", 79),
        ("created is not null", 0),
        ("modified_by = 9223372036854775807", 20),
        ("date > timestamp '2026-05-27 07:00:00'", 2),
        ("component_type = 'storage'", 39),
        ("billing_period = date '2026-05-01'", 40),
    ] {
        for count in found[question].as_array().unwrap() {
            assert_eq!(count, &json!(wanted), "{question}: {found}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_read_months_of_before_a_new_column_as_empty() {
    const SCRIPT: &str = r#"
import json, sys
from deltalake import DeltaTable
rows = DeltaTable(sys.argv[1] + "/invoice-items").to_pyarrow_table().sort_by([("billing_period", "ascending"), ("uuid", "ascending")])
print(json.dumps({
    "type": str(rows.schema.field("is_new").type),
    "new": rows["is_new"].to_pylist(),
    "quantity": format(rows["quantity"].to_pylist()[0], "f"),
    "kind": str(rows.schema.field("quantity").type),
}))
"#;
    if !has_packages() {
        return;
    }
    let folder = TempDir::new().unwrap();
    bring(folder.path(), 1, &[items(month("2026-04"), &[], 0)]).await.unwrap();
    bring(folder.path(), 2, &[items(month("2026-05"), &["is_new"], 0)]).await.unwrap();
    let told = python(SCRIPT, &[folder.path()]);
    let wanted: Vec<Option<String>> =
        (0..20).map(|at| (at >= 10).then(|| format!("\"{}\"", at - 10))).collect();
    assert_eq!(told["new"], json!(wanted));
    assert_eq!(told["type"], json!("string"));
    assert_eq!(
        (&told["quantity"], &told["kind"]),
        (&json!("999999999999.0123456789"), &json!("decimal128(22, 10)"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_may_keep_house_and_the_export_goes_on() {
    const SCRIPT: &str = r#"
import json, sys
from deltalake import DeltaTable
path = sys.argv[1] + "/usages"
table = DeltaTable(path)
table.create_checkpoint()
table.restore(0)
print(json.dumps(table.version()))
"#;
    const VACUUM: &str = r#"
import json, sys
from deltalake import DeltaTable
table = DeltaTable(sys.argv[1] + "/usages")
taken = table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
print(json.dumps([sorted(set(taken)), len(table.to_pyarrow_table()), len(table.file_uris())]))
"#;
    if !has_packages() {
        return;
    }
    let (folder, may) = (TempDir::new().unwrap(), month("2026-05"));
    for (run, change) in [(1, 0), (2, 1), (3, 2)] {
        bring(folder.path(), run, &[usages(may, change)]).await.unwrap();
    }
    // An older version is brought back; the next run notices, and no revision is counted twice.
    assert_eq!(python(SCRIPT, &[folder.path()]), json!(3));
    assert_eq!(bring(folder.path(), 4, &[usages(may, 2)]).await.unwrap(), [Fate::Restored]);
    assert_eq!(manifest(folder.path()).entry("usages", may).unwrap().revision, 3);
    assert_eq!(bring(folder.path(), 5, &[usages(may, 2)]).await.unwrap(), [Fate::Unchanged]);
    // Files of older versions are taken away; what stands is not.
    // The package that restored names a file by its whole path.
    let told = python(VACUUM, &[folder.path()]);
    let taken =
        told[0].as_array().unwrap().iter().map(|path| path.as_str().unwrap().rsplit('/').next().unwrap());
    assert_eq!(taken.collect::<BTreeSet<_>>().len(), 2, "{told}");
    assert_eq!((&told[1], &told[2]), (&json!(USAGES), &json!(1)), "{told}");
    assert_eq!(bring(folder.path(), 6, &[usages(may, 2)]).await.unwrap(), [Fate::Unchanged]);
    assert_eq!(bring(folder.path(), 7, &[usages(may, 0)]).await.unwrap(), [Fate::Replaced]);
    assert_eq!(manifest(folder.path()).entry("usages", may).unwrap().revision, 4);
}
