//! Charges of FOCUS as somebody else reads them: Python, with the rules that stand beside it.

use std::path::Path;
use std::process::{Command, Output};

use crate::rig::has_tool;

fn validate(file: &Path) -> Output {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/focus");
    Command::new("python3").arg(folder.join("validate.py")).arg(file).output().unwrap()
}

#[test]
fn the_example_obeys_every_rule_and_a_broken_one_does_not() {
    if !has_tool("python3") {
        return;
    }
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/focus/example.csv");
    let output = validate(&example);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert_eq!(text, "19 charges, 0 faults\n");

    // The validator is one: whatever is broken is found.
    let folder = tempfile::TempDir::new().unwrap();
    let whole = std::fs::read_to_string(&example).unwrap();
    for (what, by, fault) in [
        ("BilledCost,", "Billed,", "there is no column BilledCost"),
        (",Compute,", ",Computing,", "ServiceCategory is not allowed to be 'Computing'"),
        (",Other (Compute),", ",File Storage,", "a subcategory belongs to its category"),
        (",Usage-Based,", ",Often,", "ChargeFrequency is not allowed to be 'Often'"),
        ("41.6416500000,", "41.6416500001,", "quantity times price is the cost"),
        ("2026-10-01T00:00:00Z", "2026-10-01 00:00:00", "is no instant in UTC"),
        (",k-hours,", ",,", "no quantity without a unit"),
        (",100001,", ",100002,", "an invoice belongs to one billing account"),
    ] {
        let broken = whole.replacen(what, by, 1);
        assert_ne!(broken, whole, "{what} is not in the example");
        let path = folder.path().join("broken.csv");
        std::fs::write(&path, broken).unwrap();
        let output = validate(&path);
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(!output.status.success() && text.contains(fault), "{what}: {text}");
    }
}
