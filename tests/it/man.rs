//! The manual pages, as `man` and `mandoc` read them.

use std::process::Command;

use crate::rig::{command, has_tool};

#[test]
fn every_command_has_a_manual_page_that_its_readers_take_without_a_warning() {
    let folder = tempfile::TempDir::new().unwrap();
    let pages = folder.path().join("share/man1");
    let output = command(folder.path()).arg("man").arg(&pages).output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    let mut names: Vec<String> =
        pages.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    for name in ["waldur-usage.1", "waldur-usage-check.1", "waldur-usage-sandbox-world-new.1"] {
        assert!(names.iter().any(|own| own == name), "no {name} in {names:?}");
    }
    for hidden in ["help", "complete.1"] {
        assert!(!names.iter().any(|name| name.ends_with(hidden)), "{hidden}");
    }
    let text = std::fs::read_to_string(pages.join("waldur-usage.1")).unwrap();
    assert!(text.contains("another run holds the lock") && text.contains(".SH SUBCOMMANDS"), "{text}");
    for page in &names {
        let path = pages.join(page);
        if has_tool("man") {
            let output = Command::new("man")
                .args(["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"])
                .arg(&path)
                .env("MANROFFOPT", "-ww")
                .env("MANWIDTH", "100")
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && said.is_empty(), "{page}: {said}");
        }
        if has_tool("mandoc") {
            let output = Command::new("mandoc").args(["-Tlint", "-Wwarning"]).arg(&path).output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success() && said.is_empty(), "{page}: {said}");
        }
    }
}
