//! A file for the textfile collector of Prometheus' node exporter, one a pipeline.
//!
//! It is written beside its place and renamed into it, so that no collector sees half of one. Amounts are
//! written as the decimals that they are. When the pipeline last succeeded outlives runs that fail: it is
//! read from the file before.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::domain::{is_invisible, slug, visible};
use crate::error::ExitStatus;

use super::{Ended, Event};

/// How much is read of the file before.
const LONGEST: u64 = 1024 * 1024;
/// A last success, which is kept.
const SUCCESS: &str = "waldur_usage_last_success_timestamp_seconds";

/// The file of a pipeline in the collector's folder.
pub(super) fn path(folder: &Path, ended: &Ended) -> PathBuf {
    let name = name(ended);
    folder.join(format!("waldur-usage-{}.prom", slug(name, name)))
}

/// Writes the file, where everybody may read it.
pub(super) fn write(folder: &Path, ended: &Ended) -> Result<(), String> {
    let path = path(folder, ended);
    let before = last_success(&path, ended);
    let beside = folder.join(format!(".waldur-usage-{}.new", Uuid::new_v4().simple()));
    let written = write_new(&beside, &text(ended, before.as_deref()));
    let written = written.and_then(|()| std::fs::rename(&beside, &path));
    if written.is_err() {
        // What could not be put in its place is of no use to anybody.
        let _ = std::fs::remove_file(&beside);
    }
    written.map_err(|error| error.to_string())
}

/// Takes the file away.
pub(super) fn take(folder: &Path, ended: &Ended) -> Result<(), String> {
    std::fs::remove_file(path(folder, ended)).map_err(|error| error.to_string())
}

fn name(ended: &Ended) -> &str {
    ended.pipeline.as_deref().unwrap_or_default()
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    // The collector is another user, whatever the mask of this one.
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The last success as the file before has it, where it is a number and of this pipeline.
fn last_success(path: &Path, ended: &Ended) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(LONGEST).read_to_string(&mut text).ok()?;
    let beginning = format!("{SUCCESS}{{{}}} ", label("pipeline", name(ended)));
    let value = text.lines().find_map(|line| line.strip_prefix(beginning.as_str()))?;
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_number.then(|| value.to_owned())
}

/// The metrics of a run, in the text format of Prometheus.
fn text(ended: &Ended, before: Option<&str>) -> String {
    let mut file = Lines { text: String::new(), pipeline: label("pipeline", name(ended)) };
    let seconds = |timestamp: jiff::Timestamp| timestamp.as_second().to_string();
    let has_succeeded = match ended.event() {
        Event::Done | Event::Breaks => true,
        Event::Failed => false,
    };
    let success = if has_succeeded { Some(seconds(ended.ended)) } else { before.map(str::to_owned) };
    file.one("last_run_timestamp_seconds", "When the last run ended.", &seconds(ended.ended));
    if let Some(success) = success {
        file.family("last_success_timestamp_seconds", "When a run last ended without a failure.");
        file.sample("last_success_timestamp_seconds", "", &success);
    }
    file.family("last_run_status", "How the last run ended: 1 for the status that it has.");
    for status in ExitStatus::ALL {
        let value = if status == ended.status { "1" } else { "0" };
        file.sample("last_run_status", &label("status", status.name()), value);
    }
    file.one("last_run_exit_code", "The exit code of the last run.", &ended.status.code().to_string());
    file.one("last_run_rows", "Rows that the last run read.", &ended.rows.to_string());
    file.one("last_run_breaks", "Keys that differ in the last run.", &ended.breaks.to_string());
    if !ended.money.is_empty() {
        file.family("last_run_money_difference", "What the differences of the last run come to.");
        for (currency, difference) in &ended.money {
            let currency = currency.map_or_else(|| "unknown".to_owned(), |currency| currency.to_string());
            file.sample("last_run_money_difference", &label("currency", &currency), &difference.to_string());
        }
    }
    let took =
        |duration: std::time::Duration| format!("{}.{:03}", duration.as_secs(), duration.subsec_millis());
    file.one("last_run_duration_seconds", "How long the last run took.", &took(ended.took()));
    if !ended.steps.is_empty() {
        file.family("last_run_step_duration_seconds", "How long each step of the last run took.");
        for (number, (step, duration, _)) in (1..).zip(&ended.steps) {
            let labels = format!("{},{}", label("number", &format!("{number}")), label("step", step));
            file.sample("last_run_step_duration_seconds", &labels, &took(*duration));
        }
    }
    file.text
}

/// The lines of a file.
struct Lines {
    text: String,
    pipeline: String,
}

impl Lines {
    // Writing to a string cannot fail.
    fn family(&mut self, name: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP waldur_usage_{name} {help}\n# TYPE waldur_usage_{name} gauge");
    }

    fn sample(&mut self, name: &str, labels: &str, value: &str) {
        let comma = if labels.is_empty() { "" } else { "," };
        let _ = writeln!(self.text, "waldur_usage_{name}{{{}{comma}{labels}}} {value}", self.pipeline);
    }

    fn one(&mut self, name: &str, help: &str, value: &str) {
        self.family(name, help);
        self.sample(name, "", value);
    }
}

/// A label. What a terminal would obey is shown, for people look into these files too.
fn label(name: &str, value: &str) -> String {
    let mut text = format!("{name}=\"");
    for character in value.chars() {
        match character {
            '\\' => text.push_str(r"\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str(r"\n"),
            _ if is_invisible(character) => {
                text.push_str(&visible(character.encode_utf8(&mut [0; 4])).to_string().replace('\\', r"\\"));
            }
            _ => text.push(character),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::watch::hostile;

    /// The samples of a text, read as strictly as the format is described: each family once, with its
    /// HELP and TYPE before it, and no series twice.
    fn read(text: &str) -> BTreeMap<String, String> {
        let (mut samples, mut families, mut family) = (BTreeMap::new(), BTreeSet::new(), String::new());
        assert!(text.ends_with('\n'));
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                family = help.split(' ').next().unwrap().to_owned();
                assert!(families.insert(family.clone()), "{family} comes twice");
                assert_eq!(lines.next().unwrap(), format!("# TYPE {family} gauge"));
                continue;
            }
            let rest = line.strip_prefix(family.as_str()).unwrap_or_else(|| panic!("{line}"));
            let mut rest = rest.strip_prefix('{').unwrap();
            let mut labels = BTreeMap::new();
            loop {
                let (name, value) = rest.split_once("=\"").unwrap();
                assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
                let (mut shown, mut characters) = (String::new(), value.char_indices());
                let end = loop {
                    match characters.next().unwrap() {
                        (at, '"') => break at + 1,
                        (_, '\\') => match characters.next().unwrap().1 {
                            'n' => shown.push('\n'),
                            escaped @ ('\\' | '"') => shown.push(escaped),
                            other => panic!("\\{other} in {line}"),
                        },
                        (_, character) => shown.push(character),
                    }
                };
                assert!(labels.insert(name.to_owned(), shown).is_none(), "{line}");
                rest = &value[end..];
                match rest.strip_prefix(',') {
                    Some(more) => rest = more,
                    None => break,
                }
            }
            let value = rest.strip_prefix("} ").unwrap_or_else(|| panic!("{line}"));
            value.parse::<f64>().unwrap();
            let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let series = format!("{family}|{}", labels.join("|"));
            assert!(samples.insert(series, value.to_owned()).is_none(), "{line} comes twice");
        }
        samples
    }

    const NAME: &str = "pipeline=a\"\n} 1 \\ <!channel> \\u{202e}\\u{1b}[31m";

    #[test]
    fn hostile_names_are_labels_and_nothing_else() {
        let text = text(&hostile(), None);
        assert!(!text.chars().any(|character| character != '\n' && is_invisible(character)), "{text}");
        let samples = read(&text);
        let value = |series: &str| samples.get(&format!("waldur_usage_{series}")).map(String::as_str);
        assert_eq!(value(&format!("last_run_rows|{NAME}")), Some("1234"));
        assert_eq!(value(&format!("last_run_breaks|{NAME}")), Some("3"));
        assert_eq!(value(&format!("last_run_duration_seconds|{NAME}")), Some("62.345"));
        assert_eq!(value(&format!("last_run_money_difference|currency=EUR|{NAME}")), Some("-41.20"));
        assert_eq!(value(&format!("last_run_money_difference|currency=unknown|{NAME}")), Some("0.01"));
        assert_eq!(value(&format!("last_run_status|{NAME}|status=differences")), Some("1"));
        assert_eq!(value(&format!("last_run_status|{NAME}|status=done")), Some("0"));
        let step = format!("last_run_step_duration_seconds|number=2|{NAME}|step=x\"}} 9\n");
        assert_eq!(value(&step), Some("1.500"));
        assert_eq!(value(&format!("last_success_timestamp_seconds|{NAME}")), Some("1795746662"));
        assert_eq!(samples.len(), 6 + ExitStatus::ALL.len() + 2 + 2);
    }

    #[test]
    fn a_file_a_pipeline_whose_last_success_outlives_failures() {
        let folder = tempfile::tempdir().unwrap();
        let good = Ended { pipeline: Some("month end".into()), ..hostile() };
        let later = "2026-11-28T02:30:00Z".parse().unwrap();
        let bad = Ended { status: ExitStatus::Server, ended: later, ..good.clone() };
        let success = |ended: &Ended| {
            let text = std::fs::read_to_string(path(folder.path(), ended)).unwrap();
            let samples = read(&text);
            samples.iter().find(|(series, _)| series.starts_with(SUCCESS)).map(|(_, value)| value.clone())
        };
        write(folder.path(), &bad).unwrap();
        assert_eq!(success(&bad), None);
        write(folder.path(), &good).unwrap();
        write(folder.path(), &bad).unwrap();
        assert_eq!(success(&bad).as_deref(), Some("1795746662"));
        // Another pipeline has another file, whatever it is called.
        for pipeline in ["month-end", "Month end", "../month end", "a\"\n} 1"] {
            let other = Ended { pipeline: Some(pipeline.into()), ..good.clone() };
            write(folder.path(), &other).unwrap();
        }
        write(folder.path(), &Ended { pipeline: None, ..good.clone() }).unwrap();
        let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap()).collect();
        assert_eq!(names.len(), 6);
        assert!(names.iter().all(|entry| entry.path().extension().is_some_and(|ending| ending == "prom")));
        #[cfg(unix)]
        for entry in &names {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o644);
        }
        // A file of somebody else's making says nothing about a success.
        std::fs::write(path(folder.path(), &bad), format!("{SUCCESS}{{pipeline=\"month end\"}} 1}} 9\n"))
            .unwrap();
        write(folder.path(), &bad).unwrap();
        assert_eq!(success(&bad), None);
        assert!(write(&folder.path().join("none"), &good).is_err());
    }

    #[test]
    fn the_linter_of_prometheus_agrees() {
        if std::process::Command::new("promtool").arg("--version").output().is_err() {
            assert!(std::env::var_os("WALDUR_USAGE_REQUIRE_TOOLS").is_none(), "needs promtool");
            println!("skipped: needs promtool");
            return;
        }
        let command = ["promtool", "check", "metrics"];
        for ended in [hostile(), Ended { pipeline: None, status: ExitStatus::Bug, ..hostile() }] {
            let text = text(&ended, Some("1"));
            let child = crate::child::Child {
                command: &crate::child::words(command),
                input: text.as_bytes(),
                patience: std::time::Duration::from_mins(1),
                limit: 100_000,
            };
            let said = child.run().unwrap();
            let words =
                String::from_utf8_lossy(&said.stderr).into_owned() + &String::from_utf8_lossy(&said.stdout);
            assert!(said.status.success() && words.trim().is_empty(), "{words}\n{text}");
        }
    }
}
