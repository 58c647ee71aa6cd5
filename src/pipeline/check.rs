//! Whether the settings of a pipeline make sense as a whole, each fault with its line.
//!
//! What the commands themselves judge, such as the words that `--decimal` takes, is judged where their
//! flags are read; here it is what a pipeline alone can be wrong in.

use std::path::{Path, PathBuf};

use crate::domain::{Amount, Months, OfferingId, nearest, visible};
use crate::findings::{Code, Severity};

use super::keys::{self, Kind};
use super::within::{plain_below, within};
use super::{Fault, Pipeline, Setting, Table, Value, with_period};

/// Characters of a name.
const LONGEST_NAME: usize = 40;

fn fault(line: u32, what: impl Into<String>, hint: impl Into<String>) -> Fault {
    Fault { line, what: what.into(), hint: hint.into() }
}

/// A path of a pipeline inside its folder.
pub fn place(folder: &Path, written: &str, line: u32) -> Result<PathBuf, Fault> {
    within(folder, Path::new(written)).map_err(|error| {
        let hint = "write a path beside the pipeline or below it; what goes elsewhere is a [targets.NAME] of \
                    your config.toml, or a flag of the command by hand";
        fault(line, format!("{}: {error}", visible(written)), hint)
    })
}

/// Refuses a place that a step writes to where anything in it leads elsewhere.
pub fn plain(place: &Path, line: u32) -> Result<(), Fault> {
    plain_below(place)
        .map_err(|error| fault(line, error.to_string(), "take it away, or write to another place"))
}

/// Whether a layout is a file and not a name.
pub fn is_layout_file(text: &str) -> bool {
    Path::new(text).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml"))
}

/// The pipeline; none where it lacks what it cannot be without.
pub fn checked(tables: Vec<Table>, folder: &Path, faults: &mut Vec<Fault>) -> Option<Pipeline> {
    let one = |key: &str| {
        let root = tables.iter().find(|table| table.section.name.is_empty())?;
        let own = root.settings.iter().find(|own| own.key.name == key)?;
        own.values.first().cloned()
    };
    let name = one("name");
    if let Some(name) = &name {
        judge_name(name, faults);
    }
    let server = one("server");
    let period = one("period").and_then(|value| match value.text.parse::<Months>() {
        Ok(months) => Some((months, value.line)),
        Err(error) => {
            faults.push(fault(value.line, format!("period `{}`: {error}", visible(&value.text)), ""));
            None
        }
    });
    let title = one("title").map(|title| title.text);
    let pipeline = Pipeline {
        name: name.as_ref().map(|name| name.text.clone()).unwrap_or_default(),
        title,
        path: PathBuf::new(),
        folder: folder.to_owned(),
        digest: String::new(),
        server,
        period: period.map_or(Months::Open, |(months, _)| months),
        tables,
    };
    judge_steps(&pipeline, period, faults);
    judge_checks(&pipeline, faults);
    judge_scope(&pipeline, faults);
    judge_paths(&pipeline, faults);
    (name.is_some() && period.is_some()).then_some(pipeline)
}

/// Whether a text can be the name of a pipeline.
pub fn is_name(text: &str) -> bool {
    let is_sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty()
        && text.len() <= LONGEST_NAME
        && text.bytes().all(is_sound)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn judge_name(name: &Value, faults: &mut Vec<Fault>) {
    if !is_name(&name.text) {
        let hint = "use up to 40 small letters, digits and dashes, such as month-end";
        faults.push(fault(name.line, format!("`{}` is no name", visible(&name.text)), hint));
    }
}

/// Whether it does something, and what it does has what it needs.
fn judge_steps(pipeline: &Pipeline, period: Option<(Months, u32)>, faults: &mut Vec<Fault>) {
    let line = |name: &str| pipeline.table(name).map(|table| table.line);
    if pipeline.steps().is_empty() {
        let hint = "add [post], [report], [missing] or [export]";
        faults.push(fault(1, "the pipeline ends in nothing", hint));
    }
    match (line("post"), line("report"), line("input")) {
        (Some(at), _, None) => {
            faults.push(fault(at, "nothing is there to be posted", "add [input] with files"));
        }
        (None, None, Some(at)) => {
            let what = "nothing reads the files of [input]";
            faults.push(fault(at, what, "add [post] or [report], or leave [input] out"));
        }
        _ => {}
    }
    let judged = line("checks").or(line("checks.guards"));
    if let (Some(at), None) = (judged, line("input")) {
        faults.push(fault(at, "[checks] are of files, and there is no [input]", "leave one of them out"));
    }
    if let (Some(at), None) = (line("checks.guards"), line("post")) {
        let what = "guards are of what is posted, and there is no [post]";
        faults.push(fault(at, what, "leave [checks.guards] out"));
    }
    if let Some((months, at)) = period {
        let single = line("post").map(|_| "[post]").or(line("missing").map(|_| "[missing]"));
        if let (Some(table), false) = (single, months.is_single()) {
            faults.push(fault(at, format!("{table} is of one month"), "name one, or a pipeline for each"));
        }
    }
}

/// Whether the findings that it grades exist and become graver, and the guards are numbers.
fn judge_checks(pipeline: &Pipeline, faults: &mut Vec<Fault>) {
    for (key, severity) in [("deny", Severity::Deny), ("warn", Severity::Warn)] {
        for value in pipeline.codes(key) {
            let Some(code) = Code::from_name(&value.text) else {
                let near = nearest(&value.text, Code::ALL.iter().map(|code| code.name()));
                let hint = near.map_or_else(
                    || "`waldur-usage explain` lists them all".to_owned(),
                    |near| format!("did you mean {near}?"),
                );
                let what = format!("there is no finding `{}`", visible(&value.text));
                faults.push(fault(value.line, what, hint));
                continue;
            };
            if code.severity() > severity {
                let what = format!("{code} is at {} and would become {severity}", code.severity());
                faults.push(fault(value.line, what, LOOSER));
            }
        }
    }
    for (key, value) in pipeline.guards() {
        let amount = value.text.parse::<Amount>().ok().filter(|amount| !amount.is_negative());
        if amount.is_none() {
            let what = format!("{key} `{}` is no number from 0 on", visible(&value.text));
            faults.push(fault(value.line, what, "write it as 12.5 or \"12.5\""));
        }
    }
}

/// What to do where a pipeline would loosen something.
pub const LOOSER: &str =
    "a pipeline can only make checks and guards stricter; what is looser stands in your config.toml";

/// An export looks no names up.
fn judge_scope(pipeline: &Pipeline, faults: &mut Vec<Fault>) {
    if pipeline.table("export").is_none() {
        return;
    }
    for key in ["offerings", "projects", "customers"] {
        let mut values = pipeline.values("scope", key);
        let (first, second) = (values.next(), values.next());
        if let Some(value) = second {
            let what = format!("an export takes one of {key}, or all");
            faults.push(fault(value.line, what, "write a pipeline for each"));
        }
        // Each kind of id is read by the same rule.
        if let Some(value) = first.filter(|value| value.text.parse::<OfferingId>().is_err()) {
            let what = format!("`{}` is no uuid, and an export looks no names up", visible(&value.text));
            faults.push(fault(value.line, what, "copy the uuid from Waldur"));
        }
    }
}

/// Whether all that is read and written lies in the folder, and nothing written is read or written twice.
fn judge_paths(pipeline: &Pipeline, faults: &mut Vec<Fault>) {
    let mut written: Vec<(PathBuf, u32)> = Vec::new();
    for table in &pipeline.tables {
        for own in &table.settings {
            for value in &own.values {
                let place = judge_value(pipeline, own, value, faults);
                let Some(place) = place.filter(|_| own.key.kind.is_written()) else { continue };
                if written.iter().any(|(other, _)| *other == place) {
                    let what = format!("{} is written twice", visible(&value.text));
                    faults.push(fault(value.line, what, "give each output a name of its own"));
                }
                written.push((place, value.line));
            }
        }
    }
    let Ok(sample) = SAMPLE.parse() else { return };
    let Ok(inputs) = pipeline.inputs(pipeline.period.range(sample)) else { return };
    for (place, line) in &written {
        if inputs.iter().any(|input| crate::source::may_read(input, place)) {
            let name = place.file_name().unwrap_or_default().to_string_lossy();
            let what = format!("{} would be read as an input in the next run", visible(&name));
            faults.push(fault(*line, what, "write it into another folder"));
        }
    }
}

/// Judges a value, and says where it lies, where it is a path.
fn judge_value(
    pipeline: &Pipeline,
    own: &Setting,
    value: &Value,
    faults: &mut Vec<Fault>,
) -> Option<PathBuf> {
    let place_of = |text: &str, faults: &mut Vec<Fault>| {
        let place = place(&pipeline.folder, text, value.line);
        place.map_err(|fault| faults.push(fault)).ok()
    };
    let text = if own.key.kind.takes_period() {
        let sample = pipeline.period.range(SAMPLE.parse().ok()?);
        let text = with_period(&value.text, sample);
        if text.contains(['{', '}']) {
            let what = format!("{}: what stands in braces is not known", visible(&value.text));
            faults.push(fault(value.line, what, "{period} is the month; ${NAME} a variable"));
            return None;
        }
        text
    } else {
        value.text.clone()
    };
    match own.key.kind {
        Kind::Inputs => place_of(&text, faults),
        Kind::Input => Some(judge_input(place_of(&text, faults)?, value, faults)),
        Kind::Layout if is_layout_file(&text) => Some(judge_input(place_of(&text, faults)?, value, faults)),
        Kind::Output(endings) | Kind::Outputs(endings) => {
            let place = place_of(&text, faults)?;
            let ending = place.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
            if !endings.is_empty() && !endings.contains(&ending.as_str()) {
                let what = format!("{}: the ending names no form", visible(&value.text));
                faults.push(fault(value.line, what, format!("use .{}", endings.join(", ."))));
            }
            Some(place)
        }
        Kind::Targets => judge_target(&text, value, faults).and_then(|place| place_of(&place, faults)),
        Kind::Plain
        | Kind::Plains
        | Kind::Text
        | Kind::Texts
        | Kind::Flag
        | Kind::Count
        | Kind::Number
        | Kind::Layout => None,
    }
}

/// A month by which names of outputs are judged.
const SAMPLE: &str = "2000-02";

fn judge_input(place: PathBuf, value: &Value, faults: &mut Vec<Fault>) -> PathBuf {
    if !place.is_file() {
        let what = format!("there is no file {}", visible(&value.text));
        faults.push(fault(value.line, what, "it is looked for beside the pipeline"));
    }
    place
}

/// Judges a target, and says which path it writes to, where it does.
fn judge_target(text: &str, value: &Value, faults: &mut Vec<Fault>) -> Option<String> {
    let (kind, place) = text.split_once(':').unwrap_or((text, ""));
    // What looks like an address may hold a password, and is not said again.
    if text.contains("//") || text.contains('@') {
        let what = "an address is no target: a pipeline sends nothing anywhere";
        let hint = "write it as [targets.NAME] into your config.toml, and name it here, as target:NAME";
        faults.push(fault(value.line, what, hint));
        return None;
    }
    let kinds = || keys::PLACES.iter().chain(&keys::NAMED).copied();
    if !kinds().any(|known| known == kind) {
        let hint = nearest(kind, kinds()).map_or_else(
            || format!("write one of {} before a colon", kinds().collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean {near}?"),
        );
        faults.push(fault(value.line, format!("no target is of the kind `{}`", visible(kind)), hint));
        return None;
    }
    if place.is_empty() {
        faults.push(fault(value.line, format!("{kind} of what?"), format!("write {kind}: and its place")));
        return None;
    }
    keys::PLACES.contains(&kind).then(|| place.to_owned())
}
