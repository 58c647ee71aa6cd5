//! The rehearsal, and what it leaves for people to open.

use std::process::Command;

use crate::rig::{command, has_tool};

#[test]
fn the_demo_shows_the_whole_way_and_leaves_files_that_open() {
    let folder = tempfile::TempDir::new().unwrap();
    let output = command(folder.path()).arg("demo").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    for part in [
        "deny negative-amount",
        "17 findings at deny",
        "81 to create, 19 to update, 10 the same, 4 only on the server",
        "100 rows: 100 posted",
        "verified: what is stored is what was planned",
        "nothing to do: all 110 rows are stored as the file wants them",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    let made = folder.path().join("waldur-usage-demo");
    for name in
        ["usage-2026-11.xlsx", "usage-2026-11-faults.xlsx", "plan.json", "reconciliation-2026-11.xlsx"]
    {
        assert!(made.join(name).is_file(), "{name}");
    }
    if !has_tool("soffice") {
        return;
    }
    // LibreOffice reads the second sheet's lines as we wrote them.
    let profile = format!("-env:UserInstallation=file://{}", folder.path().join("office").display());
    let filter = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1";
    let converted = Command::new("soffice")
        .args([&profile, "--headless", "--convert-to", filter, "--outdir"])
        .arg(folder.path())
        .arg(made.join("reconciliation-2026-11.xlsx"))
        .output()
        .unwrap();
    assert!(converted.status.success(), "{converted:?}");
    let lines = std::fs::read_to_string(folder.path().join("reconciliation-2026-11-Lines.csv")).unwrap();
    assert_eq!(lines.lines().count(), 1 + 114, "{lines}");
    let summary = std::fs::read_to_string(folder.path().join("reconciliation-2026-11-Summary.csv")).unwrap();
    assert!(summary.contains("File and Waldur agree in 110 lines; 4 more are in Waldur alone."), "{summary}");
    assert!(summary.contains("508,924.36") || summary.contains("508924.36"), "{summary}");
}
