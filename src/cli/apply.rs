//! `apply`: ask once, post, prove.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use crate::domain::{Destination, ResourceId, SandboxWorld};
use crate::error::{Error, ExitStatus};
use crate::jobs::apply::{ApplyReport, apply};
use crate::jobs::freshness::{Freshness, StaleResource};
use crate::jobs::left_out::LeftOutSummary;
use crate::jobs::plan::{PlanSettings, plan};
use crate::jobs::post::{PostSettings, Stop, StopReason};
use crate::jobs::refresh::{Refreshed, refresh};
use crate::plan::{Approved, Plan, Refusal, Reporter, Summary};
use crate::resolve::Catalogue;
use crate::source::Input;
use crate::ui::{self, Format, Style, Terminal};

use super::connect::{Connection, connect};
use super::input::{InputArguments, SplitArguments};
use super::{Global, check};

/// What `apply` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Not for a production server yet: there is no journal, so an interrupted run is continued by \
running the same command again, which compares first and posts only what is missing."
)]
pub struct ApplyArguments {
    /// Spreadsheets of usage (.xlsx, .csv), or one plan (.json)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    input: InputArguments,
    /// Leave rows at deny out, together with all rows of their resource; the run then ends with 5
    #[arg(long)]
    skip_faulty: bool,
    #[command(flatten)]
    split: SplitArguments,
    /// Go on with the other resources where one is stale; nothing of a stale resource is sent
    #[arg(long)]
    partial: bool,
    /// Read a resource again before its post where what was read of it is older than so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = Freshness::MAX_AGE.as_secs())]
    max_age: u64,
    /// Take no other plan than the one with this digest, which `plan` prints
    #[arg(long, value_name = "SHA256")]
    digest: Option<String>,
    /// Post without asking
    #[arg(short, long)]
    yes: bool,
}

/// A run as JSON on stdout.
#[derive(Serialize)]
struct ApplyDocument<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox: Option<&'a SandboxWorld>,
    summary: Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<&'a LeftOutSummary>,
    already_there: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<&'a ApplyReport>,
}

/// A plan that is ready to be asked about.
struct Ready {
    plan: Plan,
    catalogue: Catalogue,
    reporter: Reporter,
    left_out: Option<LeftOutSummary>,
    already_there: usize,
    read_at: Instant,
    stale: HashMap<ResourceId, StaleResource>,
}

/// Runs the command.
pub async fn run(
    arguments: &ApplyArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    let connection = connect(global)?;
    let ready = match plan_file(&arguments.files) {
        Some(_) if !arguments.input.is_empty() || arguments.skip_faulty || arguments.split.is_given() => {
            let what = "a plan is applied as it was agreed to; nothing of it can be chosen";
            return Err(Error::setting(what, "make a plan with these flags, and apply that one"));
        }
        Some(path) => from_plan(path, arguments, &connection, global, terminal).await?,
        None if arguments.digest.is_some() => {
            return Err(Error::setting(
                "a digest is that of a plan, and none is given",
                "name the plan's file: `plan -o plan.json` writes one",
            ));
        }
        None => match from_files(arguments, &connection, global, terminal).await? {
            Some(ready) => ready,
            None => return Ok(ExitStatus::Denied),
        },
    };
    let rows_left_out = ready.plan.header.rows_left_out;
    if ready.plan.changed().next().is_none() {
        show(&ready, None, global);
        return Ok(if rows_left_out == 0 { ExitStatus::Done } else { ExitStatus::Partial });
    }
    let ready = agree(arguments, ready, &connection, global, terminal).await?;
    if ready.plan.changed().next().is_none() {
        show(&ready, None, global);
        return Ok(if rows_left_out == 0 { ExitStatus::Done } else { ExitStatus::Partial });
    }
    let (destination, now) = (connection.reader.destination(), connection.reader.now()?);
    let approved = Approved::new(ready.plan.clone(), &destination, ready.reporter, now, true)?;
    let settings = PostSettings {
        at_once: connection.at_once,
        freshness: Freshness { read_at: ready.read_at, max_age: Duration::from_secs(arguments.max_age) },
        is_partial: arguments.partial,
        stale: ready.stale.clone(),
    };
    let report = post(&connection, &approved, &ready.catalogue, &settings, terminal).await;
    let Some(report) = report else { return Ok(ExitStatus::Partial) };
    show(&ready, Some(&report), global);
    Ok(report.exit_status(rows_left_out))
}

/// The plan, where the one file that is named is a plan.
fn plan_file(files: &[PathBuf]) -> Option<&Path> {
    match files {
        [only] if only.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json")) => Some(only),
        _ => None,
    }
}

async fn from_plan(
    path: &Path,
    arguments: &ApplyArguments,
    connection: &Connection,
    global: &Global,
    terminal: &Terminal,
) -> Result<Ready, Error> {
    let bytes = Input::read(path)?;
    let plan =
        Plan::from_json(bytes.bytes()).map_err(|error| Error::Plan { path: path.to_owned(), error })?;
    let digest = plan.digest();
    if arguments.digest.as_ref().is_some_and(|agreed| !agreed.eq_ignore_ascii_case(&digest)) {
        return Err(Refusal::OtherDigest { actual: digest }.into());
    }
    let account = connection.reader.account().await?.id;
    Approved::fits(&plan, &connection.reader.destination(), account, connection.reader.now()?)?;
    let refreshed = fresh(plan, arguments, connection, global, terminal).await?;
    if matches!(global.format.into(), Format::Text) {
        let most = if global.verbose { usize::MAX } else { ui::SHOWN };
        ui::data(&ui::plan_text(&refreshed.plan, Style::for_stdout(), most));
    }
    Ok(Ready {
        plan: refreshed.plan,
        catalogue: refreshed.snapshot.catalogue,
        reporter: refreshed.reporter,
        left_out: None,
        already_there: refreshed.already_there,
        read_at: refreshed.read_at,
        stale: refreshed.stale_resources,
    })
}

async fn from_files(
    arguments: &ApplyArguments,
    connection: &Connection,
    global: &Global,
    terminal: &Terminal,
) -> Result<Option<Ready>, Error> {
    let check = arguments.input.settings(&arguments.files, connection)?;
    let settings = PlanSettings { check, skip_faulty: arguments.skip_faulty, split: arguments.split.split() };
    let planned = plan(&connection.reader, &settings, terminal).await?;
    let Some(sealed) = planned.plan.as_ref() else {
        check::show(&planned.check, global);
        return Ok(None);
    };
    let plan = sealed.get().clone();
    let left_out = super::plan::left_out(&planned)?;
    if matches!(global.format.into(), Format::Text) {
        ui::data(&super::plan::text(&plan, &planned, left_out.as_ref(), global.verbose));
    }
    let snapshot = planned.check.snapshot.ok_or_else(|| Error::Bug("a plan without a snapshot".into()))?;
    Ok(Some(Ready {
        reporter: plan.header.account,
        catalogue: snapshot.catalogue,
        plan,
        left_out,
        already_there: 0,
        read_at: planned.read_at,
        stale: HashMap::new(),
    }))
}

/// Refuses what does not fit before anybody is asked, then asks. Nobody knows how long an answer took,
/// so the server is read again after it.
async fn agree(
    arguments: &ApplyArguments,
    ready: Ready,
    connection: &Connection,
    global: &Global,
    terminal: &Terminal,
) -> Result<Ready, Error> {
    let destination = connection.reader.destination();
    Approved::fits(&ready.plan, &destination, ready.reporter.id, connection.reader.now()?)?;
    if arguments.yes {
        return Ok(ready);
    }
    if global.no_input || !Terminal::can_ask() {
        let what = "nobody can be asked whether to post";
        return Err(Error::setting(what, "look at the plan, then run it again with --yes"));
    }
    if matches!(global.format.into(), Format::Json) {
        terminal.error(&ui::plan_text(&ready.plan, Style::PLAIN, ui::SHOWN));
    }
    let question = question(&ready.plan, &destination);
    // Waiting for an answer blocks, and Ctrl-C has to be heard meanwhile.
    let answer = tokio::task::spawn_blocking(move || Terminal::ask(&question));
    if !answer.await.map_err(|error| Error::Bug(format!("the question broke off: {error}")))? {
        return Err(Refusal::Declined.into());
    }
    let refreshed = fresh(ready.plan, arguments, connection, global, terminal).await?;
    let already_there = ready.already_there + refreshed.already_there;
    let Refreshed { plan, snapshot, reporter, read_at, stale_resources, .. } = refreshed;
    let catalogue = snapshot.catalogue;
    Ok(Ready { plan, catalogue, reporter, already_there, read_at, stale: stale_resources, ..ready })
}

/// The plan against the server of now; a stale line refuses the run.
async fn fresh(
    plan: Plan,
    arguments: &ApplyArguments,
    connection: &Connection,
    global: &Global,
    terminal: &Terminal,
) -> Result<Refreshed, Error> {
    let refreshed = refresh(&connection.reader, plan, terminal).await?;
    if refreshed.stale.is_empty() {
        return Ok(refreshed);
    }
    match global.format.into() {
        Format::Json => ui::json(&refreshed.stale),
        Format::Text => ui::data(&ui::stale_text(&refreshed.stale)),
    }
    if arguments.partial {
        return Ok(refreshed);
    }
    Err(Refusal::Stale { rows: refreshed.stale.len() }.into())
}

fn question(plan: &Plan, destination: &Destination) -> String {
    let what = if destination.sandbox.is_some() { ", a sandbox" } else { "" };
    let summary = Summary::of(plan);
    let (create, update) = (ui::grouped(summary.lines.create), ui::grouped(summary.lines.update));
    let resources = ui::counted(summary.resources_to_post, "resource");
    format!(
        "Post {create} new and {update} changed amounts of {resources} for {} to {}{what}?",
        plan.header.period, destination.server
    )
}

/// Posts until done, or until Ctrl-C: the first one lets what is in flight finish, the second one
/// stops at once.
async fn post(
    connection: &Connection,
    approved: &Approved,
    catalogue: &Catalogue,
    settings: &PostSettings,
    terminal: &Terminal,
) -> Option<ApplyReport> {
    let stop = Stop::default();
    let job = apply(&connection.reader, approved, catalogue, settings, &stop, terminal);
    tokio::pin!(job);
    loop {
        tokio::select! {
            report = &mut job => return Some(report),
            Ok(()) = tokio::signal::ctrl_c() => {
                if stop.reason() == Some(StopReason::Interrupted) {
                    terminal.error("stopped at once; run the same command again to see what is stored");
                    return None;
                }
                stop.because(StopReason::Interrupted);
                terminal.error("stopping: requests in flight finish; Ctrl-C again stops at once");
            }
        }
    }
}

fn show(ready: &Ready, report: Option<&ApplyReport>, global: &Global) {
    match global.format.into() {
        Format::Json => ui::json(&ApplyDocument {
            sandbox: ready.plan.header.sandbox.as_ref(),
            summary: Summary::of(&ready.plan),
            left_out: ready.left_out.as_ref(),
            already_there: ready.already_there,
            report,
        }),
        Format::Text => {
            if let Some(report) = report {
                ui::data(&format!("\n{}", ui::apply_text(report, Style::for_stdout())));
            }
        }
    }
}
