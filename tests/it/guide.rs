//! The guide: every page is reached, every link leads somewhere, and every command in it works.
//!
//! Commands are run as they stand, by bash, a block at a time, against a sandbox of the page. What is
//! changed on the way (addresses, tokens, placeholders) stands in one table, and what is not run in another.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

use crate::rig::{Rig, has_tool};

fn has_ending(name: &str, ending: &str) -> bool {
    Path::new(name).extension().is_some_and(|own| own == ending)
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The names of the pages in a folder, without those in folders of it.
fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| has_ending(name, "md")).collect();
    names.sort();
    names
}

/// Every document that people read.
fn documents() -> Vec<String> {
    let mut all: Vec<String> =
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "samples/README.md", "benches/README.md"]
            .map(str::to_owned)
            .into();
    for folder in ["docs", "docs/guide", "docs/cli", "docs/findings", "docs/schema"] {
        // The contents are made of the pages, for the book alone.
        let own = names(folder).into_iter().filter(|name| name != "SUMMARY.md");
        all.extend(own.map(|name| format!("{folder}/{name}")));
    }
    all
}

fn read(document: &str) -> String {
    fs::read_to_string(root().join(document)).unwrap_or_else(|error| panic!("{document}: {error}"))
}

/// The text without its blocks of code.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// The title of a page: its first heading.
fn title(document: &str) -> String {
    let text = read(document);
    let heading = text.lines().find_map(|line| line.strip_prefix("# "));
    heading.unwrap_or_else(|| panic!("{document} has no title")).to_owned()
}

/// The table of contents of the book.
fn contents() -> String {
    let mut text = String::from("<!-- Made of the pages; see CONTRIBUTING.md. -->\n# Contents\n\n");
    let mut part = |heading: &str, pages: &[&str]| {
        if !heading.is_empty() {
            let _ = writeln!(text, "\n# {heading}\n");
        }
        for page in pages {
            let _ = writeln!(text, "- [{}]({page})", title(&format!("docs/{page}")));
        }
    };
    part("", &["introduction.md"]);
    part("Guides", &["guide/finance.md", "guide/provider.md", "guide/data-engineer.md"]);
    let own =
        names("docs").into_iter().filter(|name| !["SUMMARY.md", "introduction.md"].contains(&name.as_str()));
    let own: Vec<String> = own.collect();
    part("Topics", &own.iter().map(String::as_str).collect::<Vec<_>>());
    for (folder, heading) in [("cli", "Commands"), ("findings", "Findings"), ("schema", "Forms of JSON")] {
        let pages = names(&format!("docs/{folder}"));
        let first = pages.iter().filter(|name| *name == "README.md");
        let rest = pages.iter().filter(|name| *name != "README.md");
        let pages: Vec<String> = first.chain(rest).map(|name| format!("{folder}/{name}")).collect();
        part(heading, &pages.iter().map(String::as_str).collect::<Vec<_>>());
    }
    text
}

#[test]
fn the_contents_of_the_book_name_every_page() {
    let made = contents();
    let path = root().join("docs/SUMMARY.md");
    if std::env::var_os("WALDUR_USAGE_WRITE_SAMPLES").is_some_and(|value| value == "1") {
        fs::write(&path, &made).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == made,
        "docs/SUMMARY.md is stale: WALDUR_USAGE_WRITE_SAMPLES=1 cargo test --test it guide::the_contents writes it"
    );
}

/// The links of a document: the text and where to.
fn links(document: &str) -> Vec<String> {
    let text = prose(&read(document));
    // What is written as code is no link.
    let text: String = text.split('`').step_by(2).collect::<Vec<_>>().join("``");
    let links = text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap().to_owned());
    links.collect()
}

/// The anchors of a page, as its headings give them.
fn anchors(document: &str) -> BTreeSet<String> {
    let headings = prose(&read(document));
    let headings = headings.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let kept = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = kept.chars().filter(|one| one.is_alphanumeric() || " -_".contains(*one));
        kept.map(|one| if one == ' ' { '-' } else { one }).collect::<String>()
    };
    headings.map(anchor).collect()
}

/// A path of the repository without `..` in it.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(plain.pop(), "{} leads out", path.display()),
            part => plain.push(part),
        }
    }
    plain
}

#[test]
fn every_link_leads_somewhere_and_every_page_is_reached() {
    let mut wrong = Vec::new();
    let mut reached = BTreeSet::from(["README.md".to_owned()]);
    let mut open = vec!["README.md".to_owned()];
    let documents = documents();
    let mut links_of = BTreeMap::new();
    for document in &documents {
        let mut to = Vec::new();
        for link in links(document) {
            if link.starts_with("https://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link.as_str(), ""));
            let folder = Path::new(document).parent().unwrap();
            let target = if file.is_empty() { PathBuf::from(document) } else { plain(&folder.join(file)) };
            let target = target.to_string_lossy().trim_end_matches('/').to_owned();
            if !root().join(&target).exists() {
                wrong.push(format!("{document}: {link} leads nowhere"));
            } else if document.starts_with("docs/")
                && has_ending(&target, "md")
                && !target.starts_with("docs/")
            {
                wrong.push(format!("{document}: {target} is no page of the book"));
            } else if !anchor.is_empty() && !anchors(&target).contains(anchor) {
                wrong.push(format!("{document}: {target} has no heading for #{anchor}"));
            }
            to.push(target);
        }
        links_of.insert(document.clone(), to);
    }
    while let Some(document) = open.pop() {
        for target in links_of.get(&document).into_iter().flatten() {
            if reached.insert(target.clone()) {
                open.push(target.clone());
            }
        }
    }
    wrong.extend(
        documents
            .iter()
            .filter(|page| !reached.contains(*page))
            .map(|page| format!("nothing leads to {page}")),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pictures_are_there_small_and_used() {
    let folder = root().join("docs/pictures");
    let used: BTreeSet<String> = documents()
        .iter()
        .flat_map(|document| links(document))
        .filter_map(|link| link.split("pictures/").nth(1).map(str::to_owned))
        .collect();
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if has_ending(&name, "png") {
            let bytes = fs::read(&path).unwrap();
            assert!(bytes.starts_with(b"\x89PNG") && bytes.len() < 150_000, "{name}: {} bytes", bytes.len());
            found.insert(name);
        }
    }
    assert_eq!(found, used);
}

/// Blocks that are not run, by a word in them, and why.
const NOT_RUN: [(&str, &str); 4] = [
    ("cargo ", "this is what runs the tests"),
    ("aws s3", "needs somebody's bucket"),
    ("curl ", "tests/it/sandbox_control.rs and sandbox_faults.rs send these"),
    ("0.0.0.0", "a test listens on this machine alone"),
];

/// What single lines are not run for.
const LINES_NOT_RUN: [(&str, &str); 2] = [
    ("postgres:", "src/export/postgres/tests run it against a server"),
    ("saved.parquet", "tests/it/export makes such rows"),
];

/// What is written for people, and what a test puts in its place.
fn filled_in(block: &str, rig: &Rig) -> String {
    let owner = rig.token("owner");
    let mut text = block
        .replace("https://waldur.example.com", rig.url())
        .replace("http://127.0.0.1:8000", rig.url())
        .replace("http://127.0.0.1:8001", rig.url())
        .replace("WALDUR_ACCESS_TOKEN=…", &format!("WALDUR_ACCESS_TOKEN={owner}"))
        .replace("/srv/", "srv/")
        .replace(
            "--digest DIGEST",
            "--digest \"$(grep -o '\"digest\": *\"[0-9a-f]*\"' plan.json | head -n 1 | cut -d '\"' -f 4)\"",
        );
    for command in ["undo", "verify", "runs show", "resume"] {
        text = text.replace(
            &format!("waldur-usage {command} RUN"),
            &format!("waldur-usage {command} \"$(latest)\""),
        );
    }
    text
}

/// A program that stands for ours: asks nobody, serves for a moment, and knows which ends are as they should be.
/// The template `usage.xlsx` is one that nobody has filled in.
fn stub(real: &str) -> String {
    format!(
        "#!/bin/bash\n\
         words=(\"$@\")\n\
         case \"$1\" in\n\
         apply|undo|run) [[ \" $* \" =~ ' --'(yes|dry-run|due)' ' ]] || words+=(--yes) ;;\n\
         esac\n\
         # Nobody types a token here, and no keyring of this machine is touched.\n\
         [[ \"$1 $2\" != 'auth login' ]] || words+=(--insecure-storage --token-file \"$XDG_CONFIG_HOME/waldur-usage/main.token\")\n\
         if [[ $1 == sandbox && $2 != world && \" $* \" == *' --quiet '* ]]; then\n\
           printf '%s\\n' \"0 $*\" >> \"$RUNS\"; exec '{real}' \"$@\"\n\
         elif [[ $1 == sandbox && $2 != world ]]; then\n\
           [[ \" $* \" == *' --listen '* ]] || words+=(--listen 127.0.0.1:0)\n\
           words=(\"${{words[@]/127.0.0.1:8001/127.0.0.1:0}}\")\n\
           timeout -s INT 3 '{real}' \"${{words[@]}}\" | grep -q http; code=$?\n\
         else\n\
           '{real}' \"${{words[@]}}\"; code=$?\n\
         fi\n\
         printf '%s\\n' \"$code $*\" >> \"$RUNS\"\n\
         case \"$code $*\" in\n\
         0*|1\\ reconcile*|1\\ run*|4\\ apply\\ plan.json|3*faults*|3\\ plan\\ usage.xlsx|3\\ check\\ usage.xlsx*) exit 0 ;;\n\
         esac\n\
         echo \"ended with $code: waldur-usage $*\" >&2\n\
         exit 99\n"
    )
}

/// The folder of a reader: the samples, and files of the names that the pages use.
fn furnish(rig: &Rig, page: &str) {
    let folder = rig.folder.path();
    let copy = |from: &str, to: &str| {
        fs::copy(root().join("samples").join(from), folder.join(to)).unwrap();
    };
    fs::create_dir_all(folder.join("samples")).unwrap();
    for entry in fs::read_dir(root().join("samples")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), folder.join("samples").join(entry.file_name())).unwrap();
        }
    }
    let mut statements = page.lines().filter(|line| line.contains("statement.xlsx"));
    let is_of_november = statements.any(|line| line.contains("2026-11"));
    // What is read is told by its content, not by its name.
    for (from, to) in [
        ("usage-2026-11-long.csv", "usage.csv"),
        ("usage-2026-11-long.xlsx", "usage.xlsx"),
        ("statement-2026-10.csv", "statement.csv"),
        (if is_of_november { "usage-2026-11-long.csv" } else { "statement-2026-10.csv" }, "statement.xlsx"),
        ("slurm-sacct-2026-11.txt", "jobs.txt"),
    ] {
        if !page.contains(&format!("-o {to}\n")) {
            copy(from, to);
        }
    }
    fs::copy(root().join("templates/reconciliation.html"), folder.join("own.html")).unwrap();
    fs::write(
        folder.join("meters.csv"),
        format!(
            "Resource UUID,Month,Meter,Quantity,Unit\n{},2026-11,cpu,12,k-hours\n",
            rig.resource("climate-alps")
        ),
    )
    .unwrap();
    if page.contains("saved.csv") {
        let rows = rig.run(&["list", "--period", "2026-09..2026-11", "--format", "csv"]).ends_with(0);
        fs::write(folder.join("saved.csv"), rows.stdout).unwrap();
    }
    fs::create_dir_all(folder.join("usage")).unwrap();
    copy("usage-2026-11-long.csv", "usage/november.csv");
    fs::create_dir_all(folder.join("month-end")).unwrap();
    let pipeline = root().join("templates/pipelines/nightly-export.toml");
    fs::copy(pipeline, folder.join("month-end/pipeline.toml")).unwrap();
    let config = folder.join("config/waldur-usage");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("main.token"), rig.token("owner")).unwrap();
    set_mode(&config.join("main.token"), 0o600);
    // The settings of the page on FOCUS are as good as any.
    let written = read("docs/focus.md");
    let written = written.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    // Where a token is kept by `auth login`, no file names one.
    let token = if page.contains("auth login") { "" } else { "\ntoken_file = \"main.token\"" };
    let own = format!("url = \"{}\"{token}", rig.url());
    let watch = if page.contains("watch test") { "\n[watch.program]\ncommand = [\"true\"]\n" } else { "" };
    let written = written.replace("url = \"https://waldur.example.com\"", &own) + watch;
    fs::write(config.join("config.toml"), written).unwrap();
}

/// Runs the blocks of a page; what went wrong, and how many commands ran.
fn run_page(document: &str) -> (Vec<String>, usize) {
    let text = read(document);
    let blocks: Vec<&str> =
        text.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let blocks: Vec<&str> =
        blocks.into_iter().filter(|block| !NOT_RUN.iter().any(|(word, _)| block.contains(word))).collect();
    if blocks.is_empty() {
        return (Vec::new(), 0);
    }
    let rig = Rig::new();
    furnish(&rig, &text);
    let folder = rig.folder.path();
    let real = env!("CARGO_BIN_EXE_waldur-usage");
    fs::create_dir_all(folder.join("bin")).unwrap();
    fs::write(folder.join("bin/waldur-usage"), stub(real)).unwrap();
    let latest = format!(
        "#!/bin/sh\n'{real}' runs list --limit 1 --format json | sed -n 's/^ *\"run\": \"\\(.*\\)\",$/\\1/p'\n"
    );
    fs::write(folder.join("bin/latest"), latest).unwrap();
    // The units of whoever runs the tests are left alone.
    fs::write(folder.join("bin/systemctl"), "#!/bin/sh\n").unwrap();
    for name in ["waldur-usage", "latest", "systemctl"] {
        set_mode(&folder.join("bin").join(name), 0o755);
    }
    let mut wrong = Vec::new();
    // What a block sets is there in those below it.
    let mut set =
        format!("export WALDUR_API_URL={}\nexport WALDUR_ACCESS_TOKEN={}\n", rig.url(), rig.token("owner"));
    if document == "docs/focus.md" {
        let _ = writeln!(set, "export WALDUR_PROFILE=main WALDUR_ACCESS_TOKEN={}", rig.token("staff"));
    }
    for block in blocks {
        let lines = block.lines().filter(|line| !LINES_NOT_RUN.iter().any(|(word, _)| line.contains(word)));
        let block = filled_in(&lines.collect::<Vec<_>>().join("\n"), &rig);
        let script = format!("set -euo pipefail\n{set}{block}");
        let output = Command::new("bash")
            .args(["-c", &script])
            .env_clear()
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", folder.join("bin").display()))
            .env("HOME", folder)
            .env("XDG_CONFIG_HOME", folder.join("config"))
            .env("RUNS", folder.join("runs.log"))
            .env("LC_ALL", "C.UTF-8")
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            wrong.push(format!("{document}: {}\n{block}{said}", output.status));
        }
        let exports = block.lines().filter(|line| line.starts_with("export ") && !line.contains("$("));
        exports.for_each(|line| {
            let _ = writeln!(set, "{line}");
        });
    }
    let ran = fs::read_to_string(folder.join("runs.log")).unwrap_or_default().lines().count();
    (wrong, ran)
}

/// Makes a file a program, or one of its owner alone.
#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;

    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) {}

#[test]
fn every_command_of_the_readme_and_the_guide_works() {
    if !has_tool("bash") || cfg!(not(unix)) {
        return;
    }
    let pages = documents();
    let pages: Vec<&String> = pages.iter().filter(|document| !document.starts_with("docs/cli")).collect();
    let (mut wrong, mut ran) = (Vec::new(), 0);
    // Pages have nothing to do with each other.
    let run_each =
        |first: usize| pages.iter().skip(first).step_by(4).map(|page| run_page(page)).collect::<Vec<_>>();
    let runs: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|first| {
                scope.spawn({
                    let run_each = &run_each;
                    move || run_each(first)
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    for (faults, count) in runs {
        wrong.extend(faults);
        ran += count;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---\n"));
    assert!(ran >= 60, "only {ran} commands ran");
}

#[test]
fn what_is_not_run_is_still_there() {
    let all: String = documents().iter().map(|document| read(document)).collect();
    for (word, why) in NOT_RUN.into_iter().chain(LINES_NOT_RUN) {
        assert!(all.contains(word), "{word} ({why}) stands nowhere any more");
    }
}
