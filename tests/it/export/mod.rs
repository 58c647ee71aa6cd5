//! `export`: what it writes, when it writes nothing, and what it refuses.

mod folders;
mod readers;
mod refused;
mod schema;
mod server;
mod workbook;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rig::{Run, command};

/// The months of the rows that are made.
const PERIOD: &str = "2026-01..2026-03";

/// A folder, and saved rows in it.
struct Desk(TempDir);

impl Desk {
    /// A folder with `usages.parquet`; `None` where what makes it is missing.
    fn new() -> Option<Self> {
        let desk = Self(TempDir::new().unwrap());
        desk.make("usages.parquet", &json!({})).then_some(desk)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Makes saved rows; false where what makes them is missing.
    fn make(&self, name: &str, options: &Value) -> bool {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/export/make_rows.py");
        python("pyarrow", &[&script, &self.path().join(name), Path::new(&options.to_string())]).is_some()
    }

    /// Runs the program.
    fn run(&self, arguments: &[&str]) -> Run {
        let output = command(self.path()).args(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Exports `usages.parquet`.
    fn export(&self, more: &[&str]) -> Run {
        self.export_of(&["usages.parquet"], more)
    }

    /// Exports files of rows.
    fn export_of(&self, files: &[&str], more: &[&str]) -> Run {
        let mut arguments = vec!["export", "--period", PERIOD];
        arguments.extend(files.iter().flat_map(|file| ["--from", file]));
        self.run(&[&arguments, more].concat())
    }

    /// The manifest in a folder.
    fn manifest(&self, folder: &str) -> Value {
        let text = std::fs::read_to_string(self.path().join(folder).join("manifest.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Every file below a folder, with its content and the time at which it was written.
    fn files(&self, folder: &str) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
        let root = self.path().join(folder);
        let (mut found, mut folders) = (BTreeMap::new(), vec![root.clone()]);
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                    let time = path.metadata().unwrap().modified().unwrap();
                    found.insert(name, (std::fs::read(&path).unwrap(), time));
                }
            }
        }
        found
    }
}

/// Runs a script with a package of Python; `None` where that is missing.
fn python(package: &str, arguments: &[&Path]) -> Option<String> {
    let probe = Command::new("python3").args(["-c", &format!("import {package}")]).output();
    let found = probe.is_ok_and(|probe| probe.status.success());
    assert!(found || std::env::var_os("WALDUR_USAGE_REQUIRE_TOOLS").is_none(), "needs {package} for python3");
    if !found {
        #[expect(clippy::print_stdout, reason = "a skipped test says so")]
        {
            println!("skipped: needs {package} for python3");
        }
        return None;
    }
    let output = Command::new("python3").args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    Some(text(&output.stdout))
}

/// The names of the files that are not as they were.
fn changed(
    before: &BTreeMap<String, (Vec<u8>, SystemTime)>,
    after: &BTreeMap<String, (Vec<u8>, SystemTime)>,
) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/export").join(name)
}
