//! Tokens: kept, told of, removed; bound to their origin, read again when they expire, and never printed.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::proxy;
use crate::rig::{HPC, Rig, Run, command, has_tool};
use crate::settings::{fits, private, run_in, user_file};

/// Runs the program with something on stdin.
fn typed(home: &Path, stdin: &str, arguments: &[&str]) -> Run {
    let mut child = command(home)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses to begin with does not read it.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let run =
        Run { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) };
    let secret = stdin.trim();
    assert!(secret.is_empty() || !run.all().contains(secret), "the token shows in\n{}", run.all());
    run
}

const LOGIN: [&str; 3] = ["auth", "login", "--insecure-storage"];

/// Files below a folder that hold a text.
fn holding(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else if std::fs::read(&path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(text)) {
            found.push(path);
        }
    }
    found
}

#[test]
fn from_nothing_to_a_first_answer_and_back() {
    let rig = Rig::new();
    let (home, token) = (rig.folder.path(), rig.token("owner"));
    rig.long(&["climate-alps,2026-11,cpu,7.5"]);
    // The only address that was ever typed: the profile is made of it, and meant from then on.
    let url = ["--url", rig.url(), "--profile", "main"];
    let run = typed(home, &format!("{token}\n"), &[&LOGIN[..], &url].concat()).ends_with(0);
    run.says("added main to ").says("owner (uuid").says("in plain text in the file").says("without end");
    let config = std::fs::read_to_string(home.join("config/waldur-usage/config.toml")).unwrap();
    assert!(config.starts_with("profile = \"main\"\n"), "{config}");
    let kept = holding(home, &token);
    assert_eq!(kept.len(), 1, "in one file and no other: {kept:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        assert_eq!(kept[0].metadata().unwrap().mode() & 0o777, 0o600);
    }
    let run = |arguments: &[&str]| {
        let run = run_in(home, home, &[], arguments);
        assert!(!run.all().contains(&token), "the token shows in\n{}", run.all());
        run
    };
    run(&["check", "usage.csv", "--offering", HPC]).ends_with(0);
    let status = run(&["auth", "status", "--format", "json"]).ends_with(0).json();
    fits("auth-status.schema.json", &status);
    assert_eq!(status["account"]["username"], "owner", "{status}");
    assert_eq!((&status["works"], &status["token_from"]), (&json!(true), &json!("insecure-storage")));
    assert_eq!((&status["profile"], &status["expires"]), (&json!("main"), &json!(null)));
    let told = run(&["config", "explain", "token", "--format", "json"]).ends_with(0).json();
    assert_eq!(told["values"][0]["origin"]["kind"], "login", "{told}");
    run(&["config", "check"]).ends_with(0);
    run(&["auth", "logout"])
        .ends_with(0)
        .says("the token for main (http://127.0.0.1:")
        .says("is gone from its file");
    assert!(holding(home, &token).is_empty());
    run(&["auth", "logout"]).ends_with(0).says("no token is kept for main");
    run(&["auth", "status"]).ends_with(2).says("no token is given").says("auth login --profile main");
}

#[test]
fn a_token_that_does_not_work_is_not_kept() {
    let rig = Rig::new();
    let home = rig.folder.path();
    let url = ["--url", rig.url(), "--profile", "main"];
    let login = [&LOGIN[..], &url].concat();
    typed(home, "no-such-token\n", &login).ends_with(7).says("does not accept the token");
    typed(home, "", &login).ends_with(2).says("the token is empty");
    typed(home, "two words\n", &login).ends_with(2).says("holds a blank");
    assert!(holding(home, "no-such-token").is_empty());
    assert!(!home.join("config/waldur-usage/config.toml").exists(), "nothing is added either");
    // One that worked once and does not any more: told, with its own exit code.
    typed(home, &rig.token("owner"), &login).ends_with(0);
    let text = std::fs::read_to_string(&holding(home, &rig.token("owner"))[0]).unwrap();
    let path = holding(home, &rig.token("owner")).remove(0);
    std::fs::write(&path, text.replace(&rig.token("owner"), "no-such-token")).unwrap();
    let run = run_in(home, home, &[], &["auth", "status", "--format", "json"]).ends_with(7);
    assert!(!run.all().contains("no-such-token"), "{}", run.all());
    fits("auth-status.schema.json", &run.json());
    assert_eq!((&run.json()["works"], &run.json()["account"]), (&json!(false), &json!(null)));
}

#[test]
fn a_kept_token_goes_to_its_own_origin_and_nowhere_else() {
    let rig = Rig::new();
    let (home, token) = (rig.folder.path(), rig.token("owner"));
    let ear = TcpListener::bind("127.0.0.1:0").unwrap();
    ear.set_nonblocking(true).unwrap();
    let evil = format!("http://{}", ear.local_addr().unwrap());
    typed(home, &token, &[&LOGIN[..], &["--url", rig.url(), "--profile", "main"]].concat()).ends_with(0);
    let says = format!("the token that is kept for `main` is for {}, and not for {evil}", rig.url());
    for url in [["--url", &evil], ["--api-url", &evil]] {
        let run = run_in(home, home, &[], &[&["list", "--profile", "main"][..], &url].concat());
        run.ends_with(2).says(&says).says("auth login --profile main");
    }
    let config = home.join("config/waldur-usage/config.toml");
    let text = std::fs::read_to_string(&config).unwrap().replace(rig.url(), &evil);
    user_file(home, &text);
    for arguments in [&["list"][..], &["auth", "status"], &["doctor"]] {
        run_in(home, home, &[], arguments).ends_with(2).says(&says);
    }
    run_in(home, home, &[], &["config", "check"]).ends_with(2).says(&says);
    // Not even where the record is changed, too, is another server told the keyring's token; a file that
    // only its owner may write says what its owner says.
    assert!(ear.accept().is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
    // A new token for the new address is another matter, once the old one is gone.
    run_in(home, home, &[], &["auth", "logout"]).ends_with(0);
    assert!(holding(home, &token).is_empty());
}

#[test]
fn without_a_keyring_nothing_is_kept_unless_it_is_asked_for_by_name() {
    let rig = Rig::new();
    let (home, token) = (rig.folder.path(), rig.token("owner"));
    if cfg!(all(unix, not(target_os = "macos"))) {
        let run = typed(home, &token, &["auth", "login", "--url", rig.url(), "--profile", "main"]);
        run.ends_with(2).says("there is no keyring here: no session bus runs").says("--insecure-storage");
        assert!(holding(home, &token).is_empty());
    }
    let help = run_in(home, home, &[], &["auth", "login", "--help"]).ends_with(0);
    help.says("--insecure-storage").says("in plain text");
    // A token is no argument.
    run_in(home, home, &[], &["auth", "login", "--token", "x"])
        .ends_with(2)
        .says("unexpected argument '--token'");
}

#[test]
fn what_config_toml_says_of_a_token_is_not_overlaid() {
    let rig = Rig::new();
    let (home, token) = (rig.folder.path(), rig.token("owner"));
    let url = rig.url();
    for line in ["token_file = 'main.token'", "token_command = ['cat', 'main.token']"] {
        user_file(home, &format!("profile = 'main'\n[servers.main]\nurl = '{url}'\n{line}\n"));
        typed(home, &token, &LOGIN).ends_with(2).says("says where its token is");
        run_in(home, home, &[], &["auth", "logout"]).ends_with(2).says("is not kept by this program");
    }
    user_file(home, &format!("profile = 'main'\n[servers.main]\nurl = '{url}'\n"));
    let other = ["--profile", "main", "--url", "http://127.0.0.1:9"];
    let run = typed(home, &token, &[&LOGIN[..], &other].concat()).ends_with(2);
    run.says(&format!("`main` is {url}, and not http://127.0.0.1:9"));
    assert!(holding(home, &token).is_empty());
}

#[cfg(unix)]
#[test]
fn a_program_tells_the_token_without_a_shell() {
    let rig = Rig::new();
    let home = rig.folder.path();
    let secret = home.join("secret; touch ran");
    std::fs::write(&secret, format!("{}\n", rig.token("owner"))).unwrap();
    private(&secret);
    let server = format!("profile = 'main'\n[servers.main]\nurl = '{}'\n", rig.url());
    let with = |command: &str| {
        user_file(home, &format!("{server}token_command = {command}\n"));
        run_in(home, home, &[], &["auth", "status"])
    };
    with(&format!("['cat', '{}']", secret.display()))
        .ends_with(0)
        .says("told by the program cat")
        .says("owner (uuid");
    assert!(!home.join("ran").exists());
    with("['false']").ends_with(2).says("token_command ended with exit status: 1");
    with("['/no/such/program']").ends_with(2).says("token_command cannot be started");
    with("['head', '-c', '70000', '/dev/zero']").ends_with(2).says("says more than any token");
    with("['echo', 'hunter2 hunter2']").ends_with(2).says("holds a blank");
    with("[]").ends_with(2);
    user_file(home, &format!("{server}token_command = ['true']\ntoken_file = 'x'\n"));
    run_in(home, home, &[], &["list"]).ends_with(2).says("two ways to one token");
    // The profile's token is for the profile's server.
    with(&format!("['cat', '{}']", secret.display())).ends_with(0);
    let run = run_in(home, home, &[], &["list", "--profile", "main", "--url", "http://127.0.0.1:9"]);
    run.ends_with(2).says("the token of the profile is for");
}

/// A token expires in the middle of a run, and what told it tells another one by then.
#[cfg(unix)]
#[test]
fn a_program_and_a_kept_token_are_asked_again_when_it_expires() {
    for is_command in [true, false] {
        let rig = Rig::new();
        let home = rig.folder.path().to_owned();
        rig.long(&["climate-alps,2026-11,cpu,7.5"]);
        let real = rig.token("owner");
        let has_expired = AtomicBool::new(false);
        let folder = home.clone();
        let before = move |request: &mut proxy::Request| {
            if request.path.contains("provider-resources") && !has_expired.swap(true, Ordering::Relaxed) {
                for path in holding(&folder, "first-token") {
                    let text = std::fs::read_to_string(&path).unwrap();
                    std::fs::write(&path, text.replace("first-token", "second-token")).unwrap();
                }
            }
            let has_expired = has_expired.load(Ordering::Relaxed);
            let carried = request.headers.iter_mut().find(|(name, _)| name == "authorization").unwrap();
            let is_good = carried.1 == if has_expired { "Token second-token" } else { "Token first-token" };
            if is_good {
                carried.1 = format!("Token {real}");
            }
        };
        let url = proxy::start(&rig.sandbox.url(), before, |_, _| {});
        if is_command {
            rig.file("secret", "first-token\n");
            let text =
                format!("profile = 'm'\n[servers.m]\nurl = '{url}'\ntoken_command = ['cat', 'secret']\n");
            user_file(&home, &text);
        } else {
            typed(&home, "first-token", &[&LOGIN[..], &["--url", &url, "--profile", "m"]].concat())
                .ends_with(0);
        }
        let apply = [
            "apply",
            "usage.csv",
            "--offering",
            HPC,
            "--yes",
            "--allow-jump",
            "--allow-missing-organisation",
        ];
        run_in(&home, &home, &[], &apply).ends_with(0).says("verified");
        assert_eq!(rig.posts(), 1);
    }
}

/// A personal access token says itself when it ends, and a server may say how long one may lie idle.
#[test]
fn status_tells_until_when_a_token_works() {
    let rig = Rig::new();
    let home = rig.folder.path();
    let personal = "w_4000000000_abcdefghijklmnop";
    let real = rig.token("owner");
    let before = move |request: &mut proxy::Request| {
        let carried = request.headers.iter_mut().find(|(name, _)| name == "authorization").unwrap();
        if carried.1 == format!("Bearer {personal}") || carried.1 == "Token idle" {
            carried.1 = format!("Token {real}");
        }
    };
    let after = |request: &proxy::Request, answer: &mut proxy::Answer| {
        if request.path.contains("token_lifetime") {
            let text = String::from_utf8(answer.body.clone()).unwrap();
            answer.body = text.replace("\"token_lifetime\":null", "\"token_lifetime\":3600").into_bytes();
        }
    };
    let url = proxy::start(&rig.sandbox.url(), before, after);
    let login = [&LOGIN[..], &["--url", &url, "--profile", "main"]].concat();
    typed(home, personal, &login).ends_with(0).says("until 2096-10-02T07:06:40Z, for ");
    let status = run_in(home, home, &[], &["auth", "status", "--format", "json"]).ends_with(0);
    assert!(!status.all().contains(personal), "{}", status.all());
    assert_eq!(status.json()["expires"], "2096-10-02T07:06:40Z");
    fits("auth-status.schema.json", &status.json());
    let run = run_in(home, home, &[("WALDUR_ACCESS_TOKEN", "idle")], &["auth", "status"]).ends_with(0);
    run.says("in the variable WALDUR_ACCESS_TOKEN").says("for 60 minutes after it was used last");
}

/// Whatever is printed and whatever is written, a token is in none of it but where it is kept.
#[test]
fn no_command_prints_or_writes_a_token() {
    let rig = Rig::new();
    let (home, token) = (rig.folder.path(), rig.token("owner"));
    rig.long(&["climate-alps,2026-11,cpu,7.5"]);
    let login = [&LOGIN[..], &["--url", rig.url(), "--profile", "main", "--format", "json"]].concat();
    fits("auth-status.schema.json", &typed(home, &token, &login).ends_with(0).json());
    let kept = holding(home, &token);
    let lists: [&[&str]; 16] = [
        &["auth", "status"],
        &["auth", "status", "--format", "json", "--verbose"],
        &["config", "explain", "--verbose"],
        &["config", "explain", "--format", "json"],
        &["config", "check", "--format", "json"],
        &["doctor", "--verbose"],
        &["check", "usage.csv", "--offering", HPC, "--verbose"],
        &["plan", "usage.csv", "--offering", HPC, "-o", "plan.json"],
        &["apply", "plan.json", "--yes", "--allow-jump", "--allow-missing-organisation", "--format", "json"],
        &["runs", "list", "--format", "json"],
        &["audit", "export"],
        &["list", "--period", "2026-11", "--format", "csv"],
        &["export", "--period", "2026-11", "--to", "csv:out"],
        &["list", "--url", "http://127.0.0.1:9", "--profile", "main"],
        &["auth", "login", "--no-input"],
        &["auth", "status", "--profile", "mian"],
    ];
    for arguments in lists {
        let run = run_in(home, home, &[], arguments);
        assert!(!run.all().contains(&token), "{arguments:?} shows the token\n{}", run.all());
        assert!(run.code != 70, "{}", run.all());
    }
    assert_eq!(holding(home, &token), kept);
}

/// A terminal shows nothing of what is typed, and is as before afterwards, also after Ctrl-C.
#[cfg(unix)]
#[test]
fn a_terminal_does_not_show_what_is_typed() {
    if !has_tool("python3") {
        return;
    }
    let rig = Rig::new();
    let (home, token) = (rig.folder.path(), rig.token("owner"));
    let script = r#"
import fcntl, os, pty, select, subprocess, sys, termios
token, how, arguments = sys.argv[1], sys.argv[2], sys.argv[3:]
# This side keeps the terminal open, so that how it was left can be asked after the end.
here, terminal = pty.openpty()
own = lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)
child = subprocess.Popen(arguments, stdin=terminal, stdout=terminal, stderr=terminal,
                         start_new_session=True, preexec_fn=own)
echoes = lambda: bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
said = b""
def listen(seconds):
    global said
    heard = bool(select.select([here], [], [], seconds)[0])
    if heard:
        said += os.read(here, 1024)
    return heard
while b"it is not shown" not in said and child.poll() is None:
    listen(0.1)
hidden = not echoes()
os.write(here, b"\x03" if how == "interrupt" else token.encode() + b"\n")
while child.poll() is None:
    listen(0.1)
while listen(0):
    pass
print(said.decode(), "hidden", hidden, "shown again", echoes(), "exit", child.returncode)
"#;
    let ask = |how: &str| {
        let output = Command::new("python3")
            .args(["-c", script, &token, how, env!("CARGO_BIN_EXE_waldur-usage")])
            .args(LOGIN)
            .args(["--url", rig.url(), "--profile", "main"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .current_dir(home)
            .output()
            .unwrap();
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!text.contains(&token), "{text}");
        text
    };
    let text = ask("interrupt");
    assert!(text.contains("hidden True shown again True exit 130"), "{text}");
    let text = ask("type");
    assert!(text.contains("hidden True shown again True exit 0"), "{text}");
    assert!(text.contains("owner (uuid"), "{text}");
}

/// The real thing, where there is one: a session bus of its own, and GNOME Keyring on it.
#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn a_keyring_keeps_a_token_for_one_origin() {
    if !has_tool("dbus-run-session") || !has_tool("gnome-keyring-daemon") {
        return;
    }
    let rig = Rig::new();
    let (home, token) = (rig.folder.path(), rig.token("owner"));
    rig.file("typed", &token);
    let ear = TcpListener::bind("127.0.0.1:0").unwrap();
    ear.set_nonblocking(true).unwrap();
    let evil = format!("http://{}", ear.local_addr().unwrap());
    let script = r#"
printf 'the password of the keyring' | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>keyring.log
set -e
"$PROGRAM" auth login --url "$URL" --profile main < typed
rm typed
"$PROGRAM" auth status
"$PROGRAM" config explain token
"$PROGRAM" list --period 2026-11 --format csv >/dev/null
if "$PROGRAM" list --profile main --url "$EVIL"; then exit 9; fi
"$PROGRAM" auth logout
if "$PROGRAM" auth status; then exit 9; fi
"#;
    let runtime = home.join("runtime");
    std::fs::create_dir(&runtime).unwrap();
    std::fs::set_permissions(&runtime, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let output = Command::new("dbus-run-session")
        .args(["--", "sh", "-c", script])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs([("HOME", home), ("XDG_CONFIG_HOME", &home.join("config")), ("XDG_RUNTIME_DIR", &runtime)])
        .envs([("PROGRAM", env!("CARGO_BIN_EXE_waldur-usage")), ("URL", rig.url()), ("EVIL", &evil)])
        .current_dir(home)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    let run = Run { code: output.status.code().unwrap(), stdout, stderr };
    assert!(!run.all().contains(&token), "{}", run.all());
    let run = run.ends_with(0).says("in the keyring").says("owner (uuid").says("auth login");
    let run = run.says("is for http://127.0.0.1").says("is gone from the keyring").says("no token is given");
    assert!(!run.all().contains("panicked"), "{}", run.all());
    assert!(ear.accept().is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
    // In the keyring's own file it is not readable, and ours does not hold it.
    assert!(holding(&home.join(".local"), &token).is_empty());
}
