//! A pipeline as the commands that do the same by hand take it: its keys are their flags, read by the same
//! parser, so that a pipeline can be wrong in nothing that a command would let pass.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use jiff::Timestamp;

use crate::domain::{BillingPeriod, PeriodRange, visible};
use crate::error::Error;
use crate::findings::{Code, Severity};
use crate::pipeline::{Fault, LOOSER, NAMED_TARGETS, Pipeline, PipelineError, Step};
use crate::plan::Thresholds;
use crate::source::{SourceError, expand};
use crate::ui::Terminal;
use crate::waldur::ServerAddress;

use super::Global;
use super::apply::ApplyArguments;
use super::config::{Config, Server};
use super::export::ExportArguments;
use super::export_target::TargetArgument;
use super::missing::MissingArguments;
use super::reconcile::ReconcileArguments;

/// Reads a pipeline; its variables are those of the environment.
pub fn read(path: &Path) -> Result<Pipeline, PipelineError> {
    Pipeline::read(path, &|name| std::env::var(name).ok())
}

/// A pipeline that cannot be run, with all that is wrong with it.
pub fn refused(error: PipelineError) -> Error {
    match error {
        PipelineError::Unreadable { path, source } => SourceError::Unreadable { path, source }.into(),
        PipelineError::Faulty { path, faults } => faulty(&path, &faults),
    }
}

/// Faults as an error.
pub fn faulty(path: &Path, faults: &[Fault]) -> Error {
    let mut what = format!("{} is faulty", visible(&path.to_string_lossy()));
    for fault in faults {
        what.push_str("\n  ");
        what.push_str(&text_of(fault));
    }
    Error::setting(what, "`waldur-usage pipeline check FILE` tells all that is wrong, and asks no server")
}

/// A fault for people, in a line.
pub fn text_of(fault: &Fault) -> String {
    let place = if fault.line == 0 { String::new() } else { format!("line {}: ", fault.line) };
    let hint = if fault.hint.is_empty() { String::new() } else { format!("; {}", fault.hint) };
    format!("{place}{}{hint}", fault.what)
}

/// What every command takes, with the server of the pipeline where no flag names another. Where the pipeline
/// names none, the server is the one that the settings choose: each step then talks to the same.
fn global_of(pipeline: &Pipeline, config: &Config, global: &Global) -> Result<Global, Error> {
    let own = pipeline.server.as_ref().map(|server| server.text.clone());
    let mut profile = global.profile.clone().or(own);
    if profile.is_none() {
        profile = config.chosen(None, global.url.as_deref())?.map(|chosen| chosen.name.to_owned());
    }
    Ok(Global { profile, pipeline: Some(pipeline.path.clone()), ..global.clone() })
}

/// What every step takes. Where the server is not the one that the pipeline names, that is said, and so it is
/// where a project file has picked it.
pub fn settled(pipeline: &Pipeline, global: &Global, terminal: &Terminal) -> Result<Global, Error> {
    let config = Config::read_for(Some(&pipeline.path))?;
    let own = global_of(pipeline, &config, global)?;
    let wanted = pipeline.server.as_ref().map(|wanted| wanted.text.as_str());
    match (wanted, &global.profile) {
        (Some(wanted), Some(other)) if wanted != other => {
            let (wanted, other) = (visible(wanted), visible(other));
            let text =
                format!("the server is {other}, as --profile or WALDUR_PROFILE says, and not {wanted}");
            terminal.say(&text);
        }
        (None, None) => {
            if let Some(chosen) = config.chosen(None, global.url.as_deref())?
                && let Some(path) = chosen.by_project
            {
                let (name, path) = (visible(chosen.name), path.to_string_lossy());
                terminal.say(&format!("the server is {name}, as {} says", visible(&path)));
            }
        }
        _ => {}
    }
    let address = |text: &str| ServerAddress::parse(text, true).ok();
    if let (Some(name), Some(url)) = (&own.profile, global.url.as_deref().and_then(address))
        && address(&config.server(name)?.url).is_some_and(|server| server != url)
    {
        let name = visible(name);
        terminal.say(&format!("the server is {url}, as --url or WALDUR_API_URL says, and not {name}"));
    }
    Ok(own)
}

/// What stands against a pipeline in the user's own file and in the commands that do its steps; the guards
/// that hold, where it has any. No server is asked.
pub fn judge(pipeline: &Pipeline, global: &Global) -> Result<(Option<Thresholds>, Vec<Fault>), Error> {
    let config = Config::read_for(Some(&pipeline.path))?;
    let global = global_of(pipeline, &config, global)?;
    let mut faults = Vec::new();
    let server = match global.profile.as_deref().map(|name| config.server(name)).transpose() {
        Ok(server) => server,
        Err(error) => {
            let own = pipeline.server.as_ref().filter(|own| Some(&own.text) == global.profile.as_ref());
            let Some(own) = own else { return Err(error) };
            let hint = error.hint().unwrap_or_default();
            faults.push(Fault { line: own.line, what: error.to_string(), hint });
            None
        }
    };
    let (thresholds, own) = judged(pipeline, &config, server)?;
    faults.extend(own);
    // Which month is open is not known here, and does not matter.
    let now = BillingPeriod::of(Timestamp::now());
    let now = now.map_err(|_| Error::setting("the clock shows no month", "set it"))?;
    let period = pipeline.period.range(now);
    faults.extend(judge_steps(pipeline, period));
    faults.extend(pipeline.steps().into_iter().filter_map(|step| pipeline.places(step, period).err()));
    faults.sort_by(|one, other| (one.line, &one.what).cmp(&(other.line, &other.what)));
    faults.dedup();
    Ok((thresholds, faults))
}

/// The guards of a pipeline over those of the profile; none where it says nothing of them. What is looser is
/// a fault, and so is a finding that the user has judged more gravely, and a target that nobody named.
fn judged(
    pipeline: &Pipeline,
    config: &Config,
    server: Option<&Server>,
) -> Result<(Option<Thresholds>, Vec<Fault>), Error> {
    let mut faults = Vec::new();
    let policy = config.policy()?;
    for (key, severity) in [("deny", Severity::Deny), ("warn", Severity::Warn)] {
        for value in pipeline.codes(key) {
            let Some(code) = Code::from_name(&value.text) else { continue };
            let own = policy.grade(code);
            if own > severity {
                let what = format!("{code} is at {own} in your settings, and would become {severity}");
                faults.push(Fault { line: value.line, what, hint: LOOSER.into() });
            }
        }
    }
    let mut thresholds = config.thresholds(server, None)?;
    let guards = pipeline.guards();
    for (key, value) in &guards {
        match thresholds.tightened(key, &value.text) {
            Ok(stricter) => thresholds = stricter,
            Err(error) => {
                let what = visible(&error.to_string()).to_string();
                faults.push(Fault { line: value.line, what, hint: LOOSER.into() });
            }
        }
    }
    for target in pipeline.targets() {
        let Some((kind, name)) = target.text.split_once(':') else { continue };
        if NAMED_TARGETS.contains(&kind)
            && let Err(error) = config.judge_target(kind, name)
        {
            let hint = error.hint().unwrap_or_default();
            faults.push(Fault { line: target.line, what: error.to_string(), hint });
        }
    }
    Ok(((!guards.is_empty()).then_some(thresholds), faults))
}

/// What each step is told, where it is read without a fault; a month stands for those that are not known.
fn judge_steps(pipeline: &Pipeline, period: PeriodRange) -> Vec<Fault> {
    let mut faults = Vec::new();
    for step in pipeline.steps() {
        let judged = match step {
            Step::Check | Step::Plan => Ok(()),
            Step::Post => arguments::<ApplyArguments>(pipeline, step, period, Outputs::Written).map(|_| ()),
            Step::Report => report(pipeline, period),
            Step::Missing => {
                arguments::<MissingArguments>(pipeline, step, period, Outputs::Written).map(|_| ())
            }
            Step::Export => export(pipeline, period),
        };
        let Err(first) = judged else { continue };
        faults.push(first);
        faults.extend(match step {
            Step::Check | Step::Plan => Vec::new(),
            Step::Post => each::<ApplyArguments>(pipeline, step, period),
            Step::Report => each::<ReconcileArguments>(pipeline, step, period),
            Step::Missing => each::<MissingArguments>(pipeline, step, period),
            Step::Export => each::<ExportArguments>(pipeline, step, period),
        });
    }
    faults
}

/// The files of rules and of the page are read, so that what is wrong with them is told at once.
fn report(pipeline: &Pipeline, period: PeriodRange) -> Result<(), Fault> {
    let read = arguments::<ReconcileArguments>(pipeline, Step::Report, period, Outputs::Written)?;
    read.judge().map_err(|error| fault_of(pipeline, Step::Report, &error))
}

fn export(pipeline: &Pipeline, period: PeriodRange) -> Result<(), Fault> {
    let read = arguments::<ExportArguments>(pipeline, Step::Export, period, Outputs::Written)?;
    let judged: Result<Vec<TargetArgument>, Error> = read.judge();
    judged.map(|_| ()).map_err(|error| fault_of(pipeline, Step::Export, &error))
}

fn fault_of(pipeline: &Pipeline, step: Step, error: &Error) -> Fault {
    let line = pipeline.line_of(step, "");
    Fault { line, what: visible(&error.to_string()).to_string(), hint: error.hint().unwrap_or_default() }
}

/// Which values of a step its command does not take, each looked at by itself: the parser of a whole command
/// line tells the first one alone.
fn each<T: clap::Args>(pipeline: &Pipeline, step: Step, period: PeriodRange) -> Vec<Fault> {
    let Ok(flags) = pipeline.flags(step, period, true) else { return Vec::new() };
    let looked_at = |flag: OsString| {
        let command = T::augment_args(clap::Command::new(step.name())).disable_help_flag(true);
        let error = command.try_get_matches_from([step.name().into(), flag]).err()?;
        // Whatever else the command wants is not there.
        let is_about_it = matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation);
        is_about_it.then(|| told(pipeline, step, &error))
    };
    flags.into_iter().filter_map(looked_at).collect()
}

/// What becomes of the outputs of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outputs {
    /// They are written, and replaced where the pipeline says so.
    Written,
    /// They are replaced: a step that is taken up again has written them itself.
    Again,
    /// Nothing is written.
    None,
}

/// The arguments of the command that does the same as a step.
pub fn arguments<T: clap::Args>(
    pipeline: &Pipeline,
    step: Step,
    period: PeriodRange,
    outputs: Outputs,
) -> Result<T, Fault> {
    let mut typed: Vec<OsString> = vec![step.name().into(), format!("--period={period}").into()];
    typed.extend(pipeline.flags(step, period, outputs != Outputs::None)?);
    if outputs == Outputs::Again && !pipeline.replaces(step) {
        typed.push("--force".into());
    }
    match step {
        Step::Check | Step::Plan | Step::Post | Step::Report => {
            typed.push("--".into());
            typed.extend(pipeline.inputs(period)?.into_iter().map(PathBuf::into_os_string));
        }
        // What is missing is a difference.
        Step::Missing => typed.push("--exit-code".into()),
        Step::Export => {}
    }
    parsed(pipeline, step, typed)
}

fn parsed<T: clap::Args>(pipeline: &Pipeline, step: Step, typed: Vec<OsString>) -> Result<T, Fault> {
    let command = T::augment_args(clap::Command::new(step.name())).disable_help_flag(true);
    let matches = command.try_get_matches_from(typed);
    matches.and_then(|matches| T::from_arg_matches(&matches)).map_err(|error| told(pipeline, step, &error))
}

/// What the parser of the command line says, in the words of the pipeline.
fn told(pipeline: &Pipeline, step: Step, error: &clap::Error) -> Fault {
    let one = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    };
    let argument = one(ContextKind::InvalidArg).unwrap_or_default();
    let flag = argument.split([' ', '=']).next().unwrap_or_default();
    let key = Pipeline::key_of(flag).unwrap_or(flag);
    let text = error.render().to_string();
    let first = text.lines().next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    let what = first.replace(&format!("'{argument}'"), key);
    let hint = match (one(ContextKind::SuggestedValue), error.get(ContextKind::ValidValue)) {
        (Some(near), _) => format!("did you mean {near}?"),
        (None, Some(ContextValue::Strings(known))) => format!("use one of {}", known.join(", ")),
        _ => String::new(),
    };
    Fault { line: pipeline.line_of(step, flag), what: visible(&what).to_string(), hint }
}

/// Refuses files that are not there, or only seem to lie in the folder of the pipeline.
pub fn judge_files(pipeline: &Pipeline, period: PeriodRange) -> Result<(), Error> {
    let inputs = pipeline.inputs(period).map_err(|fault| faulty(&pipeline.path, &[fault]))?;
    let files = expand(&inputs)?.files;
    if let Some(special) = files.iter().find(|file| file.metadata().is_ok_and(|found| !found.is_file())) {
        let what = format!("{} is no file that can be read to its end", visible(&special.to_string_lossy()));
        return Err(Error::setting(what, "put the file itself there"));
    }
    match files.iter().find(|file| !pipeline.is_within(file)) {
        None => Ok(()),
        Some(outside) => Err(Error::setting(
            format!("{} leads out of the folder of the pipeline", visible(&outside.to_string_lossy())),
            "copy the file into the folder",
        )),
    }
}

/// Refuses what a step would write in the place of something that is there.
pub fn judge_outputs(pipeline: &Pipeline, step: Step, period: PeriodRange) -> Result<(), Error> {
    let places = pipeline.places(step, period).map_err(|fault| faulty(&pipeline.path, &[fault]))?;
    if pipeline.replaces(step) || !matches!(step, Step::Report | Step::Missing) {
        return Ok(());
    }
    match places.iter().find(|place| place.exists()) {
        None => Ok(()),
        Some(there) => Err(Error::setting(
            format!("{} is there already", visible(&there.to_string_lossy())),
            format!("take it away, or write `replace = true` below [{}]", step.name()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::TARGET_PLACES;

    #[test]
    fn a_pipeline_knows_every_kind_of_target() {
        let known = TargetArgument::parse("nothing:x").unwrap_err().hint().unwrap();
        for kind in TARGET_PLACES.iter().chain(&NAMED_TARGETS) {
            assert!(known.contains(&format!("{kind}:")), "{kind}: {known}");
        }
        let kinds = known.matches(':').count();
        assert_eq!(kinds, TARGET_PLACES.len() + NAMED_TARGETS.len(), "{known}");
        for kind in NAMED_TARGETS {
            assert!(known.contains(&format!("{kind}:NAME")), "{known}");
        }
    }

    #[test]
    fn every_value_that_a_command_does_not_take_is_told_with_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipeline.toml");
        let text = "name = 'a'\nperiod = 'open'\n[input]\nfiles = 'in'\ndecimal = 'komma'\nheader_row = 0\n\
            round = 'half'\n[post]\n[report]\nfail_on = ['rows', 'class:signs']\nas = 'me'\n\
            [export]\nto = 'csv:x'\ntables = ['usage']\n";
        std::fs::write(&path, text).unwrap();
        let pipeline = read(&path).unwrap();
        let mut faults = judge_steps(&pipeline, "2026-11".parse().unwrap());
        faults.sort_by(|one, other| (one.line, &one.what).cmp(&(other.line, &other.what)));
        faults.dedup();
        let lines: Vec<u32> = faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [5, 6, 7, 10, 10, 11, 14], "{faults:#?}");
        let told: Vec<String> = faults.iter().map(text_of).collect();
        assert!(told[0].contains("'komma' for decimal; did you mean comma?"), "{}", told[0]);
        assert!(told[3].contains("fail_on: did you mean sign?"), "{}", told[3]);
        assert!(told[5].contains("use one of provider, consumer"), "{}", told[5]);
    }
}
