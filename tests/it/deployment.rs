//! The container file and the `CronJob` in `templates/`: what they promise stands in them, and every flag
//! that they use exists.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::rig::command;

fn template(name: &str) -> String {
    std::fs::read_to_string(root().join("templates").join(name)).unwrap()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Fails unless a command and its flags exist. One that another part of the program brings may be absent.
fn exists(arguments: &[String]) {
    let folder = tempfile::tempdir().unwrap();
    let words: Vec<&String> = arguments.iter().take_while(|word| !word.starts_with(['-', '/'])).collect();
    let output = command(folder.path()).args(&words).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    if !output.status.success() && words == ["run"] {
        #[expect(clippy::print_stdout, reason = "a skipped test says so")]
        {
            println!("skipped: needs the command `run`");
        }
        return;
    }
    assert!(output.status.success(), "{words:?}");
    for flag in arguments.iter().filter(|word| word.starts_with("--")) {
        assert!(
            help.contains(&format!("{flag} ")) || help.contains(&format!("{flag}\n")),
            "{flag} of {words:?}"
        );
    }
}

#[test]
fn the_cron_job_is_what_it_promises() {
    let script = "import json, sys, yaml\njson.dump(list(yaml.safe_load_all(sys.stdin)), sys.stdout)";
    let path = root().join("templates/kubernetes-cronjob.yaml");
    let output =
        Command::new("python3").args(["-c", script]).stdin(std::fs::File::open(path).unwrap()).output();
    let Some(output) = output.ok().filter(|output| output.status.success()) else {
        assert!(std::env::var_os("WALDUR_USAGE_REQUIRE_TOOLS").is_none(), "needs PyYAML");
        println!("skipped: needs PyYAML");
        return;
    };
    let documents: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let [job] = documents.as_slice() else { panic!("{} documents", documents.len()) };
    let at = |pointer: &str| job.pointer(pointer).unwrap_or_else(|| panic!("{pointer}")).clone();
    assert_eq!((at("/apiVersion"), at("/kind")), (json!("batch/v1"), json!("CronJob")));
    assert_eq!(at("/spec/concurrencyPolicy"), json!("Forbid"));
    assert_eq!(at("/spec/jobTemplate/spec/backoffLimit"), json!(0));
    assert!(at("/spec/startingDeadlineSeconds").as_u64().unwrap() > 200);
    let pod = "/spec/jobTemplate/spec/template/spec";
    let of_pod = |pointer: &str| at(&format!("{pod}{pointer}"));
    assert_eq!(of_pod("/restartPolicy"), json!("Never"));
    assert_eq!(of_pod("/automountServiceAccountToken"), json!(false));
    assert_eq!(of_pod("/securityContext/runAsNonRoot"), json!(true));
    assert_eq!(of_pod("/securityContext/seccompProfile/type"), json!("RuntimeDefault"));
    let container = |pointer: &str| of_pod(&format!("/containers/0{pointer}"));
    assert_eq!(container("/securityContext/allowPrivilegeEscalation"), json!(false));
    assert_eq!(container("/securityContext/readOnlyRootFilesystem"), json!(true));
    assert_eq!(container("/securityContext/capabilities/drop"), json!(["ALL"]));
    for resource in ["requests", "limits"] {
        assert!(container(&format!("/resources/{resource}/memory")).is_string());
        assert!(container(&format!("/resources/{resource}/cpu")).is_string());
    }
    // The token is a file that its owner may read, and no variable.
    let volumes = of_pod("/volumes");
    let secret = volumes.as_array().unwrap().iter().find(|volume| volume["secret"].is_object()).unwrap();
    assert_eq!(secret["secret"]["defaultMode"], json!(0o400));
    let mounts = container("/volumeMounts");
    let mount = mounts.as_array().unwrap().iter().find(|mount| mount["name"] == secret["name"]).unwrap();
    assert_eq!(mount["readOnly"], json!(true));
    for mount in mounts.as_array().unwrap() {
        assert!(volumes.as_array().unwrap().iter().any(|volume| volume["name"] == mount["name"]), "{mount}");
    }
    let variables = container("/env");
    assert!(
        variables
            .as_array()
            .unwrap()
            .iter()
            .all(|variable| !variable["name"].as_str().unwrap().contains("TOKEN"))
    );
    // What posts is for whoever installs it to allow.
    let arguments: Vec<String> = serde_json::from_value(container("/args")).unwrap();
    assert!(!arguments.contains(&"--yes".to_owned()));
    exists(&arguments);
    exists(&[arguments[0].clone(), "--yes".to_owned()]);
}

#[test]
fn the_container_file_copies_what_the_program_is_built_from_and_ends_without_rights() {
    let text = template("Containerfile");
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let of = |word: &'static str| lines.iter().filter_map(move |line| line.trim().strip_prefix(word));
    let stages: Vec<&str> = of("FROM ").collect();
    assert_eq!(stages.len(), 2);
    let version = stages[0].split_once("rust:").unwrap().1.split('-').next().unwrap();
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains(&format!("rust-version = \"{version}\"")), "{version}");
    let user: Vec<&str> = of("USER ").collect();
    assert_eq!(user, ["65532:65532"]);
    assert!(of("CMD ").chain(of("ENTRYPOINT ")).all(|line| line.starts_with('[')), "no shell");
    assert!(!text.contains("TOKEN") && of("ADD ").next().is_none());

    // Everything that the sources include lies in a folder that is copied.
    let copied: Vec<String> = of("COPY ")
        .filter(|line| !line.starts_with("--from"))
        .flat_map(|line| {
            let mut words: Vec<String> =
                line.split(' ').map(|word| word.trim_start_matches("./").to_owned()).collect();
            words.pop();
            words
        })
        .collect();
    for path in &copied {
        assert!(root().join(path).exists(), "{path}");
    }
    let is_copied = |path: &Path| copied.iter().any(|copied| path.starts_with(copied));
    for needed in ["Cargo.toml", "Cargo.lock", "README.md", "src/main.rs", "tests/it/main.rs"] {
        assert!(is_copied(Path::new(needed)), "{needed}");
    }
    let benches = manifest.split("[[bench]]").skip(1).map(|rest| rest.split('"').nth(1).unwrap());
    assert!(benches.clone().count() > 0);
    for bench in benches {
        assert!(is_copied(&Path::new("benches").join(format!("{bench}.rs"))), "{bench}");
    }
    let mut included = 0;
    for (file, path) in includes(&root().join("src")) {
        let mut whole = file.parent().unwrap().to_owned();
        for part in Path::new(&path).components() {
            match part {
                std::path::Component::ParentDir => assert!(whole.pop()),
                part => whole.push(part),
            }
        }
        included += 1;
        let path = whole.strip_prefix(root()).unwrap();
        assert!(is_copied(path), "{} includes {}", file.display(), path.display());
    }
    assert!(included > 10);
    let command: Vec<String> = serde_json::from_str(of("CMD ").next().unwrap()).unwrap();
    exists(&command);
}

/// What the sources include, but for their tests.
fn includes(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(includes(&path));
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let own = path.strip_prefix(root()).unwrap();
        let is_test = own.components().any(|part| part.as_os_str().to_string_lossy().contains("test"));
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for start in ["include_str!(\"", "include_bytes!(\""].into_iter().filter(|_| !is_test) {
            let paths = code.split(start).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
            found.extend(paths.map(|included| (path.clone(), included)));
        }
    }
    found
}
