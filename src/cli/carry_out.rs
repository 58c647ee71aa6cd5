//! Carrying a run out, whichever command began it: posting under Ctrl-C, the report, the files.

use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;

use crate::domain::{RunId, SandboxWorld, visible};
use crate::error::{Error, ExitStatus};
use crate::jobs::apply::ApplyReport;
use crate::jobs::left_out::LeftOutSummary;
use crate::jobs::post::{PostSettings, Stop, StopReason};
use crate::jobs::refresh::StaleLine;
use crate::jobs::results::{Results, inputs_of, shown};
use crate::jobs::run::{Run, RunEnd, RunNotes};
use crate::jobs::verify::{self, Bills, stored_by};
use crate::pipeline::{Facts, StepEnd};
use crate::plan::{Approved, Plan, Summary};
use crate::resolve::Catalogue;
use crate::ui::{self, Format, Style, Terminal};

use super::Global;
use super::connect::Connection;
use super::interrupt::{self, Interrupts, interrupted};

/// A run as JSON on stdout.
#[derive(Serialize)]
pub struct RunDocument<'a> {
    /// The run; absent where nothing was to be posted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The world of the sandbox that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<&'a SandboxWorld>,
    /// The figures of the plan.
    pub summary: Summary,
    /// What `--skip-faulty` left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<&'a LeftOutSummary>,
    /// Lines that were stored as planned before anything was sent.
    pub already_there: usize,
    /// Lines that were stale before anything was sent.
    #[serde(skip_serializing_if = "<[StaleLine]>::is_empty")]
    pub stale: &'a [StaleLine],
    /// What became of the rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<&'a ApplyReport>,
    /// What becomes of the rows on the invoices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bills: Option<&'a Bills>,
    /// The files that were written.
    pub files: Vec<String>,
    /// The hash of the last entry of the audit trail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_head: Option<&'a str>,
}

/// What a run is carried out with.
pub struct Order<'a> {
    /// The plan that was agreed to.
    pub approved: &'a Approved,
    /// The server's state.
    pub catalogue: &'a Catalogue,
    /// How it is posted.
    pub post: &'a PostSettings,
    /// What the run is taken up again with.
    pub notes: &'a RunNotes,
    /// What `--skip-faulty` left out.
    pub left_out: Option<&'a LeftOutSummary>,
    /// Lines that were stored as planned before anything was sent.
    pub already_there: usize,
    /// Lines that were stale before anything was sent.
    pub stale: &'a [StaleLine],
    /// Whether the invoices are asked what becomes of the rows.
    pub asks_invoices: bool,
}

/// Carries a run out, shows what became of it and writes the files.
pub async fn carry_out(
    run: Run,
    order: &Order<'_>,
    connection: &Connection,
    global: &Global,
    terminal: &Terminal,
) -> Result<StepEnd, Error> {
    let id = run.id;
    terminal.run(id);
    let plan = order.approved.plan();
    let Some(end) = until_interrupted_twice(run, order, connection, terminal).await? else {
        terminal.error(&format!("`waldur-usage resume {id}` reads what is stored and goes on"));
        let facts = Facts { run: Some(id), posted: true, ..Facts::default() };
        return Ok(StepEnd { status: ExitStatus::Partial, facts, is_over: false });
    };
    let results = Results::new(order.notes.results.as_deref(), &order.notes.beside, id);
    // Whatever goes wrong from here on, what was posted is posted, and is told.
    let (files, unwritten) = match write(&results, plan, &end.report, connection) {
        Ok(files) => (files, None),
        Err(error) => (Vec::new(), Some(with_cause(&error))),
    };
    let bills = if order.asks_invoices {
        bills(plan, order, &end.report, connection).await
    } else {
        Bills::default()
    };
    let head = end.audit_head.as_ref().map(|(_, hash)| hash.as_str());
    match global.format.into() {
        Format::Json => ui::json(&RunDocument {
            run: Some(id),
            sandbox: plan.header.sandbox.as_ref(),
            summary: Summary::of(plan),
            left_out: order.left_out,
            already_there: order.already_there,
            stale: order.stale,
            report: Some(&end.report),
            bills: Some(&bills),
            files: shown(&files),
            audit_head: head,
        }),
        Format::Text => {
            ui::data(&format!("\n{}", ui::apply_text(&end.report, id, Style::for_stdout())));
            ui::data(&ui::bills_text(&bills));
            ui::data(&ui::files_text(&files, end.audit_head.as_ref()));
        }
    }
    let mut status = end.report.exit_status(plan.rows_not_posted());
    let trouble = end.trouble.map(|error| with_cause(&error)).or(unwritten);
    // What could not be written down or written out is made up for when the run is taken up again.
    let is_over = end.report.is_over() && trouble.is_none();
    if let Some(trouble) = trouble {
        terminal.error(&format!("error: {trouble}\n  hint: see to it, then `waldur-usage resume {id}`"));
        status = if status == ExitStatus::Done { ExitStatus::Partial } else { status };
    }
    Ok(StepEnd { status, facts: facts_of(id, &end.report, shown(&files)), is_over })
}

/// What went wrong, and why.
fn with_cause(error: &dyn std::error::Error) -> String {
    let cause = std::iter::successors(error.source(), |cause| cause.source()).last();
    let cause = cause.map(|cause| visible(&cause.to_string()).to_string());
    let told = error.to_string();
    match cause.filter(|cause| !told.ends_with(cause.as_str())) {
        Some(cause) => format!("{told}: {cause}"),
        None => told,
    }
}

/// The figures of a run that posted.
pub fn facts_of(run: RunId, report: &ApplyReport, files: Vec<String>) -> Facts {
    let figures = report.figures();
    Facts {
        rows: figures.rows,
        breaks: figures.differences,
        money: Vec::new(),
        run: Some(run),
        files,
        posted: report.may_have_posted(),
    }
}

/// What becomes of what was posted, as far as this account sees the invoices.
async fn bills(plan: &Plan, order: &Order<'_>, report: &ApplyReport, connection: &Connection) -> Bills {
    let stored = stored_by(plan, report);
    if stored.is_empty() {
        return Bills::default();
    }
    let unread = |why: String| Bills { unread: Some(why), ..Bills::default() };
    let asked = async {
        match connection.reader.account().await {
            Ok(account) => verify::bills(&connection.reader, &account, order.catalogue, plan, &stored).await,
            Err(error) => unread(error.to_string()),
        }
    };
    // The rows are posted and proven; whoever does not want to wait for the invoices need not.
    tokio::select! {
        bills = asked => bills,
        () = interrupted() => unread("interrupted".into()),
    }
}

fn write(
    results: &Results,
    plan: &Plan,
    report: &ApplyReport,
    connection: &Connection,
) -> Result<Vec<PathBuf>, Error> {
    let mut files = results.outcomes(plan, &inputs_of(plan), &report.lines, connection.reader.now()?)?;
    files.extend(results.corrections(plan)?);
    Ok(files)
}

/// Posts until done, or until Ctrl-C: the first one lets what is in flight finish, the second one
/// stops at once.
async fn until_interrupted_twice(
    run: Run,
    order: &Order<'_>,
    connection: &Connection,
    terminal: &Terminal,
) -> Result<Option<RunEnd>, Error> {
    let stop = Stop::default();
    let job = run.carry_out(&connection.reader, order.approved, order.catalogue, order.post, &stop, terminal);
    tokio::pin!(job);
    let mut interrupts = Interrupts::new();
    let mut first: Option<Instant> = None;
    loop {
        tokio::select! {
            end = &mut job => return end.map(Some),
            () = interrupts.next() => {
                if let Some(first) = first {
                    // A service is told to end by all who hear of it at once, and means it once.
                    if first.elapsed() < interrupt::ONE_WISH {
                        continue;
                    }
                    terminal.error("stopped at once");
                    return Ok(None);
                }
                first = Some(Instant::now());
                stop.because(StopReason::Interrupted);
                terminal.error("stopping: requests in flight finish; Ctrl-C again stops at once");
            }
        }
    }
}
