//! `schedule`: pipelines that run by themselves; asks no server.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::Timestamp;

use crate::domain::{shell_word, visible};
use crate::error::{Error, ExitStatus};
use crate::pipeline::Step;
use crate::schedule::{
    By, Changed, Crontab, LastRun, Memory, Registry, Schedule, ScheduleLine, Standing, Systemd, When,
    crontab_line, enabling, folders, lingers, local_zone, plain,
};
use crate::ui::{self, Format, Terminal};

use super::pipeline_settings::read;
use super::{Global, LogArgument, config, due, store};

/// What `schedule` takes.
#[derive(Debug, Args)]
pub struct ScheduleArguments {
    #[command(subcommand)]
    command: ScheduleCommand,
}

#[derive(Debug, Subcommand)]
enum ScheduleCommand {
    /// Let a pipeline run by itself
    Install(InstallArguments),
    /// List the pipelines that run by themselves, when they do next and how the last time ended
    List,
    /// Take away what `install` wrote for a pipeline, and nothing else
    Remove(RemoveArguments),
    /// Run the pipelines of cron and of --due whose time has come and that have not run since
    Due,
}

#[derive(Debug, Args)]
struct InstallArguments {
    /// The pipeline
    #[arg(value_name = "PIPELINE")]
    pipeline: PathBuf,
    /// When: `daily 02:30`, `weekdays 07:00`, `weekly mon 07:00`, `monthly 1 06:00`,
    /// `monthly last 22:00`, `hourly 15`, the five fields of cron, or an OnCalendar of systemd
    #[arg(long, value_name = "WHEN")]
    at: String,
    /// Let it post without asking; without it a pipeline that posts stops before it does
    #[arg(long)]
    yes: bool,
    /// Write a line of the crontab instead of a timer of systemd
    #[arg(long, conflicts_with = "due")]
    cron: bool,
    /// Write neither a timer nor a crontab: `schedule due` runs it
    #[arg(long)]
    due: bool,
}

#[derive(Debug, Args)]
struct RemoveArguments {
    /// The pipeline, or the name that `schedule list` shows
    #[arg(value_name = "PIPELINE")]
    pipeline: PathBuf,
}

impl ScheduleArguments {
    /// Whether pipelines are started, which end in good order after Ctrl-C.
    pub fn starts_pipelines(&self) -> bool {
        matches!(self.command, ScheduleCommand::Due)
    }
}

/// Runs the command.
pub async fn run(
    arguments: &ScheduleArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    match &arguments.command {
        ScheduleCommand::Install(install) => self::install(install, global, terminal),
        ScheduleCommand::List => list(global),
        ScheduleCommand::Remove(remove) => self::remove(remove, global, terminal),
        ScheduleCommand::Due => due::run(global, terminal).await,
    }
}

fn install(arguments: &InstallArguments, global: &Global, terminal: &Terminal) -> Result<ExitStatus, Error> {
    if global.token_file.is_some() {
        let what = "a schedule takes no token along";
        return Err(Error::setting(what, "give the profile that the pipeline names a token of its own"));
    }
    let when = When::parse(&arguments.at)?;
    let schedule = wanted(arguments, &when, global)?;
    let registry = registry()?;
    let before = registry.find(&schedule.pipeline)?;
    if schedule.by == By::Systemd {
        when.check()?;
    }
    // What cannot be told when it comes next can never be due.
    let next = when.next(Timestamp::now(), &local_zone())?;
    if next.is_none() {
        return Err(Error::setting(
            format!("`{}` never comes again", visible(when.written())),
            "name another time",
        ));
    }
    let mut by_hand = Vec::new();
    if let Some(before) = before.as_ref().filter(|before| before.by != schedule.by) {
        by_hand.extend(take_away(before)?.by_hand);
    }
    let changed = put(&schedule, &when)?;
    by_hand.extend(changed.by_hand);
    let changes = before.as_ref().map(|before| before.changes(&schedule));
    let is_same = changes.as_ref().is_some_and(Vec::is_empty) && !changed.has_changed;
    // Since when it is installed counts for what is due: the old time stays where nothing changed.
    let kept = before.as_ref().filter(|before| before.changes(&schedule).is_empty());
    let schedule = kept.cloned().unwrap_or(schedule);
    if kept.is_none() {
        registry.put(&schedule)?;
    }
    match changes {
        _ if is_same => terminal.say("it is installed like that already; nothing was changed"),
        Some(changes) if changes.is_empty() => terminal.say("what was missing was written again"),
        Some(changes) => {
            for change in &changes {
                terminal.say(change);
            }
        }
        None => terminal.say("installed"),
    }
    advise(&schedule, &by_hand, terminal);
    show(&[line(&schedule, global)?], global);
    Ok(ExitStatus::Done)
}

/// The schedule that was asked for.
fn wanted(arguments: &InstallArguments, when: &When, global: &Global) -> Result<Schedule, Error> {
    let shown = visible(&arguments.pipeline.to_string_lossy()).to_string();
    let unreadable = |error: std::io::Error| Error::setting(format!("{shown}: {error}"), "check the path");
    let path = arguments.pipeline.canonicalize().map_err(unreadable)?;
    if !path.is_file() {
        return Err(Error::setting(format!("{shown} is no file"), "name the file of the pipeline"));
    }
    let by = match (arguments.cron, arguments.due) {
        (true, _) => By::Cron,
        (_, true) => By::Due,
        _ if Systemd::is_here() => By::Systemd,
        _ => {
            let hint = "use --cron, or --due and call `waldur-usage schedule due` every few minutes";
            return Err(Error::setting("there is no systemd on this machine", hint));
        }
    };
    let absolute = |path: &PathBuf| {
        let path =
            std::path::absolute(path).map_err(|error| Error::setting(error.to_string(), "check --store"))?;
        plain(&path, "the store")
    };
    Ok(Schedule {
        pipeline: plain(&path, "the pipeline")?,
        at: when.written().to_owned(),
        by,
        yes: arguments.yes,
        program: plain(&this_program()?, "the program")?,
        store: global.store.as_ref().map(absolute).transpose()?,
        log_json: global.log == LogArgument::Json,
        folders: folders()?,
        installed: Timestamp::now(),
    })
}

/// The program as it is called now: by the link to it, where there is one, because an upgrade moves that to
/// another file and takes this one away.
pub fn this_program() -> Result<PathBuf, Error> {
    let hint = "call it by its path";
    let program = std::env::current_exe().map_err(|error| Error::setting(error.to_string(), hint))?;
    if program.is_file() {
        return Ok(as_called(&program).unwrap_or(program));
    }
    Err(Error::setting("this program was replaced while it ran", "run the command again"))
}

/// The path by which a shell found the program. What names another file, as whoever starts a program is free
/// to do, is none.
fn as_called(program: &Path) -> Option<PathBuf> {
    let called = PathBuf::from(std::env::args_os().next()?);
    let candidates = if called.components().count() > 1 {
        vec![called]
    } else {
        let folders = std::env::var_os("PATH")?;
        std::env::split_paths(&folders).map(|folder| folder.join(&called)).collect()
    };
    let program = program.canonicalize().ok()?;
    let found = candidates.into_iter().find(|path| path.canonicalize().is_ok_and(|own| own == program))?;
    std::path::absolute(found).ok()
}

/// What a person has to know or do besides.
fn advise(schedule: &Schedule, by_hand: &[String], terminal: &Terminal) {
    if !by_hand.is_empty() {
        terminal.say("warning: the manager of your units does not answer here; in a session of yours, run:");
        for command in by_hand {
            terminal.say(&format!("  {command}"));
        }
    }
    if schedule.by == By::Systemd && lingers() == Some(false) {
        terminal.say(
            "warning: your timers run only while you are logged in; `loginctl enable-linger` lets them run always",
        );
    }
    let pipeline = read(Path::new(&schedule.pipeline));
    if let Err(error) = &pipeline {
        terminal
            .say(&format!("warning: it cannot be run as it stands: {error}; `pipeline check` tells more"));
    }
    // What cannot be read may post once it is mended.
    let posts_nothing = pipeline.is_ok_and(|own| !own.steps().contains(&Step::Post));
    if !schedule.yes && !posts_nothing {
        terminal.say("without --yes a pipeline that posts stops before it does");
    }
    if std::env::var_os("WALDUR_ACCESS_TOKEN").is_some_and(|token| !token.is_empty()) {
        let what =
            "warning: the token of WALDUR_ACCESS_TOKEN is not taken along; the profile needs one of its own";
        terminal.say(what);
    }
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    for name in ["WALDUR_API_URL", "WALDUR_PROFILE"].iter().filter(|name| is_set(name)) {
        terminal.say(&format!(
            "warning: {name} is not taken along; the night runs on the server that the pipeline or config.toml names"
        ));
    }
    if schedule.by == By::Due {
        terminal.say("call `waldur-usage schedule due` every few minutes, or when the machine starts");
    }
}

fn put(schedule: &Schedule, when: &When) -> Result<Changed, Error> {
    match schedule.by {
        By::Systemd => Systemd::new(&configuration()?).put(schedule, when),
        By::Cron => {
            let line = crontab_line(schedule, when)?;
            let has_changed = Crontab::find()?.put(schedule, &line)?;
            Ok(Changed { has_changed, by_hand: Vec::new() })
        }
        By::Due => Ok(Changed { has_changed: false, by_hand: Vec::new() }),
    }
}

fn take_away(schedule: &Schedule) -> Result<Changed, Error> {
    match schedule.by {
        By::Systemd => Systemd::new(&configuration()?).take(schedule),
        By::Cron => {
            let has_changed = Crontab::find()?.take(schedule)?;
            Ok(Changed { has_changed, by_hand: Vec::new() })
        }
        By::Due => Ok(Changed { has_changed: false, by_hand: Vec::new() }),
    }
}

fn list(global: &Global) -> Result<ExitStatus, Error> {
    let schedules = registry()?.all()?;
    let lines: Vec<ScheduleLine> =
        schedules.iter().map(|schedule| line(schedule, global)).collect::<Result<_, Error>>()?;
    show(&lines, global);
    Ok(ExitStatus::Done)
}

fn show(lines: &[ScheduleLine], global: &Global) {
    match global.format.into() {
        Format::Json => ui::json(&lines),
        Format::Text => ui::data(&ui::schedules_text(lines, &local_zone())),
    }
}

fn remove(arguments: &RemoveArguments, global: &Global, terminal: &Terminal) -> Result<ExitStatus, Error> {
    let registry = registry()?;
    let path = &arguments.pipeline;
    // A pipeline that is gone is known by the path that it had.
    let candidates = [path.canonicalize().ok(), std::path::absolute(path).ok(), Some(path.clone())];
    let mut found = None;
    for candidate in candidates.iter().flatten().filter_map(|path| path.to_str()) {
        if found.is_none() {
            found = registry.find(candidate)?;
        }
    }
    let Some(schedule) = found else {
        let what = format!("{} does not run by itself", visible(&path.to_string_lossy()));
        return Err(Error::setting(what, "`waldur-usage schedule list` lists what does"));
    };
    let line = line(&schedule, global)?;
    let changed = take_away(&schedule)?;
    memory(&schedule, global)?.forget(&schedule);
    registry.take(&schedule)?;
    terminal.say(&format!("removed: {} does not run by itself any more", visible(&schedule.pipeline)));
    if !changed.by_hand.is_empty() {
        terminal.say("warning: the manager of your units does not answer here; in a session of yours, run:");
        for command in &changed.by_hand {
            terminal.say(&format!("  {command}"));
        }
    }
    if let Format::Json = global.format.into() {
        ui::json(&[line]);
    }
    Ok(ExitStatus::Done)
}

/// What is told of a schedule, with whatever is wrong with it.
fn line(schedule: &Schedule, global: &Global) -> Result<ScheduleLine, Error> {
    let mut line = ScheduleLine::of(schedule);
    let memory = memory(schedule, global)?;
    line.last = memory.last(schedule).map(|attempt| {
        let runs = attempt.ended.is_none() && memory.turn(schedule).is_ok_and(|turn| turn.is_none());
        LastRun::of(attempt, runs)
    });
    let troubles = &mut line.troubles;
    let next = |when: &When| match schedule.by {
        By::Systemd => when.next_by_systemd(Timestamp::now(), &local_zone()),
        By::Cron | By::Due => when.next(Timestamp::now(), &local_zone()),
    };
    let when = match schedule.when().and_then(|when| Ok((next(&when)?, when))) {
        Ok((next, when)) => {
            line.next = next;
            Some(when)
        }
        Err(error) => {
            troubles.push(error.to_string());
            None
        }
    };
    for (what, path) in [("the pipeline", &schedule.pipeline), ("the program", &schedule.program)] {
        if !Path::new(path).is_file() {
            troubles.push(format!("{what} is not there any more: {}", visible(path)));
        }
    }
    let again = || {
        let yes = if schedule.yes { " --yes" } else { "" };
        let cron = if schedule.by == By::Cron { " --cron" } else { "" };
        let (pipeline, at) = (shell_word(&schedule.pipeline), shell_word(&schedule.at));
        format!("`waldur-usage schedule install {pipeline} --at {at}{cron}{yes}` writes it again")
    };
    match (schedule.by, when) {
        (By::Systemd, Some(when)) => {
            match Systemd::new(&configuration()?).standing(schedule, &when)? {
                Standing::Whole => {}
                Standing::Gone => troubles.push(format!("its units are gone; {}", again())),
                Standing::Changed => troubles.push(format!("its units were changed; {}", again())),
            }
            match Systemd::is_enabled(schedule) {
                Some(true) => {}
                Some(false) => {
                    troubles.push(format!("its timer is not enabled; `{}` lets it run", enabling(schedule)));
                }
                None => troubles.push("the manager of your units does not answer here".to_owned()),
            }
            if line.last.is_none() {
                line.last = Systemd::last_code(schedule).map(LastRun::of_systemd);
            }
        }
        (By::Cron, Some(when)) => match Crontab::find().and_then(|crontab| crontab.line_of(schedule)) {
            Err(error) => troubles.push(error.to_string()),
            Ok(None) => troubles.push(format!("its line of the crontab is gone; {}", again())),
            Ok(Some(found)) if found != crontab_line(schedule, &when)? => {
                troubles.push(format!("its line of the crontab was changed; {}", again()));
            }
            Ok(Some(_)) => {}
        },
        (By::Due, _) | (_, None) => {}
    }
    Ok(line)
}

/// Where it is remembered when a pipeline last ran: beside the store that it uses.
pub fn memory(schedule: &Schedule, global: &Global) -> Result<Memory, Error> {
    let own = schedule.store.as_ref().filter(|_| global.store.is_none());
    Ok(Memory::new(own.map_or_else(|| store::folder(global), |own| Ok(PathBuf::from(own)))?))
}

/// The schedules of this user.
pub fn registry() -> Result<Registry, Error> {
    Ok(Registry::new(configuration()?.join("waldur-usage").join("schedules")))
}

/// The user's folder of configuration.
fn configuration() -> Result<PathBuf, Error> {
    config::settings()
        .ok_or_else(|| Error::setting("there is no home folder to keep schedules in", "set HOME"))
}
