//! A sandbox that other machines can reach has tokens of its own, and tells nobody.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use waldur_usage::sandbox::World;

use crate::rig::command;
use crate::wire::exchange;

const TOKEN: &str = "4c6e0b1f9d8a7c5e3b2a10f4e6d8c9b7";

fn tokens(folder: &Path, mode: u32) {
    let path = folder.join("tokens");
    std::fs::write(&path, format!("# for the team\nowner = {TOKEN}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn refused(folder: &Path, arguments: &[&str], words: &str) {
    let output = command(folder).arg("sandbox").args(arguments).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(words), "no {words:?} in {stderr}");
}

#[test]
fn another_address_than_loopback_needs_both_the_word_and_the_tokens() {
    let folder = tempfile::TempDir::new().unwrap();
    tokens(folder.path(), 0o600);
    let everywhere = ["--listen", "0.0.0.0:0"];
    refused(folder.path(), &everywhere, "not a loopback address");
    refused(folder.path(), &[&everywhere[..], &["--public"]].concat(), "--token-file");
    refused(
        folder.path(),
        &[&everywhere[..], &["--token-file", "tokens"]].concat(),
        "not a loopback address",
    );
    tokens(folder.path(), 0o644);
    let all = [&everywhere[..], &["--public", "--token-file", "tokens"]].concat();
    refused(folder.path(), &all, "others can read the tokens");
    std::fs::write(folder.path().join("tokens"), "owner = short\n").unwrap();
    tokens_are_private(folder.path());
    refused(folder.path(), &all, "at least 32 characters");
}

fn tokens_are_private(folder: &Path) {
    std::fs::set_permissions(folder.join("tokens"), std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn it_takes_its_own_tokens_alone_and_prints_none() {
    let folder = tempfile::TempDir::new().unwrap();
    tokens(folder.path(), 0o600);
    let mut child = command(folder.path())
        .args(["sandbox", "--listen", "0.0.0.0:0", "--public", "--token-file", "tokens"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(!line.contains(TOKEN) && !line.contains("owner="), "{line}");
    let url = line.split(' ').next().unwrap().replace("0.0.0.0", "127.0.0.1");
    let me = format!("{url}/api/users/me/?field=username");
    assert_eq!(crate::proxy::get_json(&me, TOKEN)["username"], "owner");
    // Its control paths, which ask for no token, are closed, even to this machine.
    let address = url.replace("http://", "");
    let request = "GET /sandbox/usages HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let reply = exchange(&address, request.as_bytes(), Duration::from_secs(5)).reply();
    assert_eq!(reply.status, 403, "{}", reply.text());
    for (account, token) in World::built_in().tokens {
        let answer = crate::proxy::get_json(&me, &token);
        assert_eq!(answer["detail"], "Invalid token.", "{account}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
