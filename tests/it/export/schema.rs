//! The documents are what their schemas say.

use std::path::PathBuf;

use boon::{Compiler, Schemas};
use serde_json::{Value, json};

use super::Desk;

fn is_valid(name: &str, document: &Value) -> Result<(), String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/schema").join(name);
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    let schema = compiler.compile(path.to_str().unwrap(), &mut schemas).unwrap();
    schemas.validate(document, schema).map_err(|error| format!("{error:#}\n{document:#}"))
}

#[test]
fn documents_are_what_their_schemas_say() {
    let Some(desk) = Desk::new() else { return };
    let to = ["--to", "parquet:p", "--to", "xlsx:usage.xlsx", "--format", "json"];
    let first = desk.export(&to).ends_with(0).json();
    desk.make("usages.parquet", &json!({"changed": true, "extra": "colour"}));
    let second = desk.export(&[&to[..], &["--contract", "evolve"]].concat()).ends_with(0).json();
    for document in [&first, &second] {
        is_valid("export.schema.json", document).unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!(first["totals"]["published"], 6);
    assert_eq!((&second["totals"]["replaced"], &second["complete"]), (&json!(6), &json!(true)));
    assert_eq!(second["slices"][0]["changes"], json!({"added": 0, "changed": 50, "removed": 0}));
    assert_eq!(second["slices"].as_array().unwrap().iter().filter(|slice| slice["changes"].is_null()).count(), 3);
    let manifest = desk.manifest("p");
    is_valid("export-manifest.schema.json", &manifest).unwrap_or_else(|error| panic!("{error}"));
    for (pointer, value) in [
        ("/slices/0/content", json!("abc")),
        ("/slices/0/sums/0/sum", json!(12.5)),
        ("/slices/0/period", json!("2026-13")),
        ("/revisions/0/revision", json!(0)),
        ("/contract", json!("perhaps")),
    ] {
        let mut changed = manifest.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        assert!(is_valid("export-manifest.schema.json", &changed).is_err(), "{pointer}");
    }
    // Where an error ends the run, what was done before is told all the same.
    let beyond = ["export", "--from", "usages.parquet", "--period", "2026-03..2026-04", "--to", "csv:c"];
    let cut = desk.run(&[&beyond[..], &["--format", "json"]].concat()).ends_with(3).json();
    is_valid("export.schema.json", &cut).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((&cut["complete"], cut["slices"].as_array().unwrap().len()), (&json!(false), 1));
}
