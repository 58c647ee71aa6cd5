//! `demo`: the whole way once, against an embedded Waldur, without network or configuration.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::domain::{RunId, visible};
use crate::error::{Error, ExitStatus};
use crate::jobs::Silent;
use crate::jobs::apply::ApplyReport;
use crate::jobs::check::check;
use crate::jobs::demo::Demo;
use crate::jobs::plan::{Planned, plan};
use crate::jobs::post::{PostSettings, Stop};
use crate::jobs::run::{Purpose, Run, RunNotes};
use crate::plan::{Approved, Plan, Summary};
use crate::report::{write_comparison, write_json};
use crate::store::Store;
use crate::ui::{self, Format, Style, Terminal};

use super::Global;
use super::check::CheckDocument;

/// What `demo` takes.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// The folder for the samples, the plan and the workbook
    #[arg(default_value = "waldur-usage-demo")]
    folder: PathBuf,
}

/// What was done, as JSON.
#[derive(Serialize)]
struct DemoDocument<'a> {
    check: CheckDocument<'a>,
    summary: Summary,
    run: RunId,
    report: &'a ApplyReport,
    left_to_do: Summary,
    files: Vec<DemoFile>,
}

#[derive(Serialize)]
struct DemoFile {
    file: String,
    what: &'static str,
}

/// Runs the command.
pub async fn run(
    arguments: &DemoArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    let style = Style::for_stdout();
    let is_text = matches!(global.format.into(), Format::Text);
    let show = |text: &str| {
        if is_text {
            ui::data(text);
        }
    };
    let say = |heading: &str| show(&format!("\n{}\n\n", style.bold(heading)));
    let demo = Demo::start(&arguments.folder, usize::from(global.connections)).await?;
    show(&format!("An embedded Waldur answers on {}; nothing leaves this machine.\n", demo.sandbox.url()));

    say("1. check: a month with a dozen faults, each with its cell");
    let faulty = check(&demo.reader, &Demo::settings(&demo.faulty).check, &Silent).await?;
    show(&ui::check_text(&faulty, style));

    say("2. plan: a good month, compared with what is stored");
    let planned = plan(&demo.reader, &Demo::settings(&demo.good), &Silent).await?;
    let first = sealed(&planned)?;
    show(&ui::plan_text(first, style, 12));
    let plan_file = arguments.folder.join("plan.json");
    write_json(&plan_file, &first.file())?;

    say("3. apply: post it, then prove what is stored");
    let snapshot = planned.check.snapshot.as_ref().ok_or_else(|| Error::Bug("no snapshot".into()))?;
    let (destination, now) = (demo.reader.destination(), demo.reader.now()?);
    let approved = Approved::new(first.clone(), &destination, first.header.account, now)?;
    let settings = PostSettings::new(usize::from(global.connections), planned.read_at);
    let run = Run::begin(&Store::in_memory()?, approved.plan(), Purpose::Apply, &RunNotes::default())?;
    let (id, stop) = (run.id, Stop::default());
    let end = run.carry_out(&demo.reader, &approved, &snapshot.catalogue, &settings, &stop, terminal).await?;
    show(&ui::apply_text(&end.report, id, style));

    say("4. plan again: there is nothing left to do");
    let again = plan(&demo.reader, &Demo::settings(&demo.good), &Silent).await?;
    let second = sealed(&again)?;
    show(&ui::plan_text(second, style, 12));
    let workbook = arguments.folder.join("reconciliation-2026-11.xlsx");
    write_comparison(&workbook, second)?;

    say("Files to look at");
    let files = [
        (&demo.faulty, "the month with faults"),
        (&demo.good, "the good month"),
        (&plan_file, "the plan of step 2"),
        (&workbook, "file and Waldur compared, after posting: summary and lines"),
    ];
    let mut table = ui::Table::new(&["file", "what it is"]);
    for (path, what) in files {
        table.row([visible(&path.to_string_lossy()).to_string(), what.to_owned()]);
    }
    show(&table.render("  "));
    if !is_text {
        let files = files.map(|(path, what)| DemoFile { file: path.to_string_lossy().into_owned(), what });
        ui::json(&DemoDocument {
            check: CheckDocument::new(&faulty, None),
            summary: Summary::of(first),
            run: id,
            report: &end.report,
            left_to_do: Summary::of(second),
            files: files.into(),
        });
    }
    demo.sandbox.stop().await;
    Ok(end.report.exit_status(0))
}

/// The plan of a sample, which nothing at deny may stand against.
fn sealed(planned: &Planned) -> Result<&Plan, Error> {
    let plan = planned.plan.as_ref().ok_or_else(|| Error::Bug("the good sample has faults".into()))?;
    Ok(plan.get())
}
