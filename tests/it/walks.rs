//! Three users come from nothing to a first answer, in at most four commands each.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::rig::{Rig, has_tool};

/// The title and the commands of each walk.
fn walks() -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/walks.md")).unwrap();
    let walk = |section: &str| {
        let title = section.lines().next().unwrap().to_owned();
        let block = section.split("```console\n").nth(1)?.split("```").next()?;
        Some((title, block.lines().map(str::to_owned).collect()))
    };
    text.split("\n## ").skip(1).filter_map(walk).collect()
}

/// Walks in a home in which nothing was ever set up; what all commands printed.
fn walk(rig: &Rig, account: &str, commands: &[String]) -> String {
    let home = rig.folder.path();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    fs::create_dir_all(home.join("samples")).unwrap();
    for name in ["statement-2026-10.csv", "usage-2026-11-long.xlsx"] {
        fs::copy(samples.join(name), home.join("samples").join(name)).unwrap();
    }
    fs::create_dir_all(home.join("bin")).unwrap();
    // Where a person would type the token and agree, and where a keyring would be.
    let stand_in = format!(
        "#!/bin/bash\n\
         case \"$1 $2\" in\n\
         'auth login') exec '{real}' \"$@\" --insecure-storage <<< '{token}' ;;\n\
         apply*) exec '{real}' \"$@\" --yes ;;\n\
         *) exec '{real}' \"$@\" ;;\n\
         esac\n",
        real = env!("CARGO_BIN_EXE_waldur-usage"),
        token = rig.token(account),
    );
    fs::write(home.join("bin/waldur-usage"), stand_in).unwrap();
    let mut said = String::new();
    for command in commands {
        let command = command.replace("https://waldur.example.com", rig.url());
        let output = Command::new("bash")
            .args(["-c", &format!("chmod +x bin/waldur-usage; {command}")])
            .env_clear()
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", home.join("bin").display()))
            .env("HOME", home)
            .current_dir(home)
            .output()
            .unwrap();
        let own =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        // A reconciliation that finds differences ends with 1.
        let is_fine =
            output.status.success() || output.status.code() == Some(1) && command.contains("reconcile");
        assert!(is_fine, "{command}: {}\n{own}", output.status);
        assert!(!own.contains(&rig.token(account)), "{own}");
        said += &own;
    }
    said
}

#[test]
fn each_user_comes_from_nothing_to_a_first_answer() {
    if !has_tool("bash") {
        return;
    }
    let walks = walks();
    assert_eq!(walks.len(), 3);
    for (title, commands) in &walks {
        assert!((1..=4).contains(&commands.len()), "{title}: {commands:?}");
    }
    let [finance, provider, engineer] = walks.as_slice() else { panic!("{walks:?}") };
    let rig = Rig::new();
    let said = walk(&rig, "staff", &finance.1);
    assert!(said.contains("Agrees but for 11 of 109 keys"), "{said}");
    assert!(rig.folder.path().join("october.xlsx").is_file());

    let rig = Rig::new();
    let said = walk(&rig, "owner", &provider.1);
    assert!(rig.posts() > 0 && said.contains("verified: what is stored is what was planned"), "{said}");

    let rig = Rig::new();
    let said = walk(&rig, "owner", &engineer.1);
    assert!(said.contains("published") && said.contains("unchanged"), "{said}");
    assert!(rig.folder.path().join("warehouse/manifest.json").is_file());
}
