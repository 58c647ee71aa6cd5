//! The picture of the house stays true: no forbidden arrow, no crate outside its fence, no file
//! without its word at the door.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room and the rooms that it may import; what is not named here is outside the rooms.
const ROOMS: [(&str, &[&str]); 25] = [
    ("confined", &["domain"]),
    ("domain", &[]),
    ("findings", &["domain"]),
    ("mapping", &["domain"]),
    ("frame", &["domain"]),
    ("parse", &["domain", "findings", "mapping"]),
    ("resolve", &["domain", "findings", "mapping", "parse"]),
    ("plan", &["domain", "findings", "frame", "resolve"]),
    ("reconcile", &["domain", "findings", "resolve", "plan"]),
    ("warehouse", &["domain"]),
    ("export", &["confined", "domain", "parse", "warehouse"]),
    ("source", &["domain", "findings", "parse"]),
    ("waldur", &["domain", "resolve", "plan", "warehouse"]),
    ("report", &["confined", "domain", "findings", "mapping", "parse", "plan", "reconcile"]),
    ("store", &["domain"]),
    ("sandbox", &["domain"]),
    ("child", &[]),
    ("secret", &["child", "domain"]),
    ("schedule", &["child", "domain", "error"]),
    // Not `waldur`, so that nothing that is told to others can hold a token.
    ("watch", &["child", "domain", "error", "secret"]),
    (
        "jobs",
        &[
            "domain",
            "error",
            "export",
            "findings",
            "mapping",
            "parse",
            "resolve",
            "plan",
            "reconcile",
            "source",
            "waldur",
            "report",
            "sandbox",
            "store",
            "warehouse",
        ],
    ),
    ("pipeline", &["domain", "error", "findings", "source"]),
    (
        "config",
        &[
            "domain",
            "error",
            "export",
            "findings",
            "plan",
            "reconcile",
            "secret",
            "source",
            "waldur",
            "warehouse",
            "watch",
        ],
    ),
    (
        "ui",
        &[
            "config",
            "domain",
            "findings",
            "jobs",
            "pipeline",
            "plan",
            "reconcile",
            "resolve",
            "schedule",
            "store",
            "waldur",
        ],
    ),
    (
        "cli",
        &[
            "config",
            "confined",
            "domain",
            "error",
            "export",
            "findings",
            "jobs",
            "mapping",
            "parse",
            "pipeline",
            "plan",
            "reconcile",
            "report",
            "resolve",
            "sandbox",
            "schedule",
            "source",
            "store",
            "ui",
            "waldur",
            "warehouse",
            "watch",
        ],
    ),
];

/// Crates and the only rooms in which they may be named.
const FENCES: [(&str, &[&str]); 29] = [
    ("polars", &["frame"]),
    ("calamine", &["source"]),
    ("zip", &["source", "report"]),
    ("quick_xml", &["source", "report"]),
    ("parquet", &["source", "report", "export"]),
    ("arrow_array", &["warehouse", "export"]),
    ("arrow_ipc", &["export"]),
    ("arrow_ord", &["warehouse"]),
    ("arrow_select", &["warehouse", "export"]),
    ("deltalake_core", &["export"]),
    ("encoding_rs", &["source"]),
    ("glob", &["source"]),
    ("walkdir", &["source"]),
    // A webhook is posted without the poster of Waldur, and so without its token.
    ("reqwest", &["waldur", "watch"]),
    ("indicatif", &["ui"]),
    ("keyring_core", &["config"]),
    ("dbus_secret_service_keyring_store", &["config"]),
    ("apple_native_keyring_store", &["config"]),
    ("windows_native_keyring_store", &["config"]),
    ("rust_xlsxwriter", &["report", "export"]),
    ("minijinja", &["report"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("rusqlite", &["store"]),
    ("rustix", &["child", "secret", "store", "ui"]),
    ("tokio_postgres", &["export"]),
    ("tokio_postgres_rustls", &["export"]),
    ("rustls_platform_verifier", &["export"]),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files
}

/// The files of `src` with their room (the folder, or the file's own name) and their text.
fn files() -> Vec<(String, String, String)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources(&root).into_iter().map(|path| {
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        let room = name.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
        (name, room, fs::read_to_string(&path).unwrap())
    });
    files.collect()
}

/// Code without comments and without its unit tests.
fn code(text: &str) -> String {
    let before_tests = text.split("[cfg(test)]").next().unwrap();
    let lines = before_tests.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn names_after<'a>(code: &'a str, prefix: &str) -> BTreeSet<&'a str> {
    let ends = |character: char| !character.is_ascii_alphanumeric() && character != '_';
    code.match_indices(prefix).map(|(at, _)| code[at + prefix.len()..].split(ends).next().unwrap()).collect()
}

#[test]
fn arrows_point_inward() {
    let mut wrong = Vec::new();
    for (name, room, text) in files() {
        let Some((_, allowed)) = ROOMS.iter().find(|(own, _)| *own == room) else {
            assert!(["lib", "main", "error"].contains(&room.as_str()), "{name} stands in no known room");
            continue;
        };
        let code = code(&text);
        for import in names_after(&code, "crate::") {
            if import != room && !import.is_empty() && !allowed.contains(&import) {
                wrong.push(format!("{name} imports crate::{import}"));
            }
        }
        assert!(!code.contains("use crate::{"), "{name}: one import a line, so that arrows can be read");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn crates_stay_behind_their_fences() {
    for (name, room, text) in files() {
        for (fenced, rooms) in FENCES {
            let uses = code(&text).contains(&format!("{fenced}::"));
            assert!(!uses || rooms.contains(&room.as_str()), "{name} uses {fenced}");
        }
    }
}

#[test]
fn pure_stages_read_no_clock_environment_file_or_socket() {
    let pure = ["domain", "findings", "mapping", "frame", "parse", "resolve", "plan", "reconcile"];
    let impure =
        ["std::fs", "std::env", "std::net", "std::process", "Instant::now", "SystemTime", "Timestamp::now"];
    for (name, room, text) in files().into_iter().filter(|(_, room, _)| pure.contains(&room.as_str())) {
        let code = code(&text);
        let found = impure.iter().find(|word| code.contains(**word));
        assert!(found.is_none(), "{name} in the pure room {room} uses {found:?}");
    }
}

#[test]
fn every_file_says_what_it_is_for_and_stays_small() {
    for (name, _, text) in files() {
        assert!(text.starts_with("//! "), "{name} does not open with its module doc");
        assert!(text.lines().count() <= 600, "{name} has {} lines", text.lines().count());
    }
}
