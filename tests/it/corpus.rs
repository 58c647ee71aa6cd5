//! Files as users have them, and files that nobody should trust: each is read right, or refused at the
//! right cell. What has to come of each stands in `tests/corpus/expected.json`, with the script that made
//! the files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::Value;

use crate::rig::{HPC, Rig};

/// The amounts of a plan by resource and component, as far as cells of the file say them.
fn amounts(plan: &Path) -> BTreeMap<String, String> {
    let plan: Value = serde_json::from_slice(&std::fs::read(plan).unwrap()).unwrap();
    let mut amounts = BTreeMap::new();
    for resource in plan["body"]["resources"].as_array().unwrap() {
        for line in resource["lines"].as_array().unwrap().iter().filter(|line| !line["source"].is_null()) {
            let (name, component) = (resource["name"].as_str().unwrap(), line["component"].as_str().unwrap());
            let figures = if line["new"].is_null() { &line["old"] } else { &line["new"] };
            let amount = figures["amount"].as_str().unwrap().to_owned();
            assert_eq!(amounts.insert(format!("{name} {component}"), amount), None);
        }
    }
    amounts
}

/// What is wrong with what came of a file; nothing where it is as it has to be.
fn judge(rig: &Rig, file: &Path, case: &Value) -> Option<String> {
    let name = file.file_name().unwrap().to_str().unwrap();
    let out = rig.folder.path().join(format!("{name}.json"));
    let mut arguments = vec!["plan", file.to_str().unwrap(), "--offering", HPC, "-o", out.to_str().unwrap()];
    let flags = case["arguments"].as_array().into_iter().flatten();
    arguments.extend(flags.map(|flag| flag.as_str().unwrap()));
    let run = rig.run(&arguments);
    let is_read = |wanted: &Value| run.code == 0 && serde_json::to_value(amounts(&out)).unwrap() == *wanted;
    let is_faulty = |cells: &Value| {
        let at =
            |cell: &str| run.stdout.contains(&format!("{cell} ")) || run.stdout.contains(&format!("{cell},"));
        run.code == 3 && cells.as_array().unwrap().iter().all(|cell| at(cell.as_str().unwrap()))
    };
    let is_refused = |word: &str| run.code == 3 && !out.exists() && run.stdout.contains(word);
    let is_as_expected = match case {
        case if !case["amounts"].is_null() => is_read(&case["amounts"]),
        case if !case["faulty"].is_null() => is_faulty(&case["faulty"]) && !out.exists(),
        case if !case["refused"].is_null() => is_refused(case["refused"].as_str().unwrap()),
        case => {
            let either = &case["either"];
            is_refused("")
                || !either["amounts"].is_null() && is_read(&either["amounts"])
                || !either["faulty"].is_null() && is_faulty(&either["faulty"])
        }
    };
    (!is_as_expected).then(|| format!("{name}: expected {case}\n{}", run.all()))
}

#[test]
fn every_file_of_the_corpus_is_read_right_or_refused_at_the_right_cell() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let expected = std::fs::read(folder.join("expected.json")).unwrap();
    let expected: BTreeMap<String, Value> = serde_json::from_slice(&expected).unwrap();
    assert!(expected.len() >= 80, "{}", expected.len());
    let stored = std::fs::read_dir(folder.join("files")).unwrap().count();
    assert_eq!(stored, expected.len(), "every file has its expected result");
    let rig = Rig::new();
    let before = rig.stored();
    let rest = Mutex::new(expected.iter());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some((name, case)) = rest.lock().unwrap().next() else { break };
                    wrong.lock().unwrap().extend(judge(&rig, &folder.join("files").join(name), case));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), expected.len(), wrong.join("\n\n"));
    assert_eq!((rig.posts(), rig.stored()), (0, before));
}
