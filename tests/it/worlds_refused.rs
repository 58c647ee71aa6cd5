//! Worlds, paths and tokens that are refused: what the program says, and that nothing of a file
//! reaches the terminal as it is.

use std::path::Path;

use serde_json::{Value, json};
use waldur_usage::sandbox::{Settings, World};

use crate::rig::{Rig, command};

const LONG: &str = "b81f6c3d9a0e47528c6df1b2a3e4c5d6";

/// Runs `sandbox` where it is refused; what it says.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output =
        command(folder).arg("sandbox").args(["--listen", "127.0.0.1:0"]).args(arguments).output().unwrap();
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(!told.contains(['\u{1b}', '\u{202e}']), "{told:?}");
    told
}

fn built_in() -> Value {
    serde_json::to_value(World::built_in()).unwrap()
}

fn write(folder: &Path, name: &str, content: &Value) {
    std::fs::write(folder.join(name), content.to_string()).unwrap();
}

/// A file that nobody else can read.
fn private(folder: &Path, name: &str, content: &str) {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
    }
}

#[test]
fn a_world_is_not_written_to_a_file_called_minus() {
    let folder = tempfile::TempDir::new().unwrap();
    for arguments in [&["world", "new", "-o", "-"][..], &["world", "from-server", "-o", "-"]] {
        let output = command(folder.path()).arg("sandbox").args(arguments).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains("a world is not written to stdout") && told.contains("hint: name a file"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_state_is_told_from_a_world() {
    let folder = tempfile::TempDir::new().unwrap();
    let state = Some(folder.path().join("rehearsal.state"));
    Rig::on(Settings { state, ..Settings::new(World::built_in()) }).stop();
    let told = refused(folder.path(), &["--world", "rehearsal.state"]);
    assert!(told.contains("rehearsal.state is the state of a sandbox, not a world"), "{told}");
    assert!(told.contains("hint: go on with it by --state"), "{told}");
    write(folder.path(), "other.json", &json!({"tokens": {}}));
    let told = refused(folder.path(), &["--world", "other.json"]);
    assert!(told.contains("other.json is not a world: missing field"), "{told}");
}

#[test]
fn what_a_file_holds_is_made_visible_before_it_is_said() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut world = built_in();
    world["invoices"][0]["state"] = json!("\u{1b}[31mpaid\u{202e}");
    write(folder.path(), "state.json", &world);
    let told = refused(folder.path(), &["--world", "state.json"]);
    assert!(told.contains(r"unknown variant `\u{1b}[31mpaid\u{202e}`"), "{told}");
    let told = refused(folder.path(), &["--world", "\u{1b}[31mred.json"]);
    assert!(told.contains(r"cannot read the world \u{1b}[31mred.json"), "{told}");
    let told = refused(folder.path(), &["--token-file", "\u{1b}[31mred"]);
    assert!(told.contains(r"cannot read the tokens \u{1b}[31mred"), "{told}");
    write(folder.path(), "\u{1b}[31mred.json", &json!([]));
    let told = refused(folder.path(), &["--world", "\u{1b}[31mred.json"]);
    assert!(told.contains(r"\u{1b}[31mred.json is not a world"), "{told}");
    let mut world = built_in();
    world["users"][0]["username"] = json!("staff\u{1b}[31m");
    write(folder.path(), "names.json", &world);
    let told = refused(folder.path(), &["--world", "names.json"]);
    assert!(told.contains(r"the account staff\u{1b}[31m of the world has a blank"), "{told}");
}

#[test]
fn a_file_of_tokens_is_named_and_the_accounts_of_the_world_are_listed() {
    let folder = tempfile::TempDir::new().unwrap();
    private(folder.path(), "their-tokens", "owner = short\n");
    let told = refused(folder.path(), &["--token-file", "their-tokens"]);
    assert!(told.contains("their-tokens, line 1: a token that others must not guess"), "{told}");
    private(folder.path(), "their-tokens", "# none yet\n");
    let told = refused(folder.path(), &["--token-file", "their-tokens"]);
    assert!(told.contains("their-tokens holds no token"), "{told}");
    private(folder.path(), "their-tokens", &format!("ow\u{1b}ner = {LONG}\n"));
    let told = refused(folder.path(), &["--token-file", "their-tokens"]);
    assert!(told.contains(r"the token of ow\u{1b}ner: the world has no such account"), "{told}");
    assert!(told.contains("it has consumer, manager, nobody, owner, staff"), "{told}");
}
