//! The files in `samples/`: made from the built-in world, and never older than it.
//!
//! A test makes them again in memory and fails where a checked-in file differs. With
//! `WALDUR_USAGE_WRITE_SAMPLES=1` it writes them instead.

mod faults;
mod month;
mod sheet;
mod statement;

use std::fs;
use std::path::PathBuf;

use sheet::Sheet;

/// The files with their content.
fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let usages = month::usages();
    let (long, wide, faulty) = (month::long(&usages), month::wide(&usages), faults::sheet(&usages));
    let csv_and_xlsx = |sheet: &Sheet| (sheet.csv(), sheet.xlsx());
    let (long_csv, long_xlsx) = csv_and_xlsx(&long);
    let (wide_csv, wide_xlsx) = csv_and_xlsx(&wide);
    let (faulty_csv, faulty_xlsx) = csv_and_xlsx(&faulty);
    vec![
        ("usage-2026-11-long.csv", long_csv),
        ("usage-2026-11-long.xlsx", long_xlsx),
        ("usage-2026-11-wide.csv", wide_csv),
        ("usage-2026-11-wide.xlsx", wide_xlsx),
        ("usage-2026-11-faults.csv", faulty_csv),
        ("statement-2026-10.csv", statement::sheet().csv()),
        ("usage-2026-11-faults.xlsx", faulty_xlsx),
    ]
}

#[test]
fn the_samples_are_those_of_the_built_in_world() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples");
    let write = std::env::var_os("WALDUR_USAGE_WRITE_SAMPLES").is_some_and(|value| value == "1");
    for (name, content) in samples() {
        if write {
            fs::write(folder.join(name), &content).unwrap();
        }
        let stored = fs::read(folder.join(name)).unwrap_or_default();
        assert!(
            stored == content,
            "samples/{name} is stale; write it with WALDUR_USAGE_WRITE_SAMPLES=1 cargo test --test it samples"
        );
    }
}
