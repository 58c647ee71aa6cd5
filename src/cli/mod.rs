//! The command line: what was typed becomes settings, one job is called, and its result an exit
//! status.
#![allow(rustdoc::bare_urls, reason = "the help text is no page")]
#![expect(clippy::doc_markdown, reason = "doc comments of arguments are the help text")]

mod agree;
mod apply;
mod audit;
mod auth;
mod carry_out;
mod check;
mod completions;
mod config_command;
mod connect;
mod demo;
mod doctor;
mod due;
mod explain;
mod explain_key;
mod export;
mod export_filter;
mod export_target;
mod guards;
mod input;
mod interrupt;
mod layout;
mod list;
mod man;
mod marked_copy;
mod missing;
mod pipeline;
mod pipeline_settings;
mod plan;
mod plan_file;
mod plan_show;
mod policy;
mod reconcile;
mod reconcile_plan;
#[cfg(test)]
mod reference;
mod resume;
mod run;
mod run_steps;
mod run_told;
mod runs;
mod sandbox;
mod sandbox_values;
mod schedule;
mod show;
mod store;
mod template;
mod undo;
mod verify;
mod watch;
mod world;

use std::fmt::Write;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::config;
use crate::error::{Error, ExitStatus};
use crate::pipeline::gravest;
use crate::plan::Refusal;
use crate::ui::{Fault, Format, LogForm, Terminal};

use interrupt::Interrupts;

/// Usage figures of a Waldur marketplace: check, plan, post and report them.
#[derive(Debug, Parser)]
#[command(name = "waldur-usage", version, about, after_help = exit_codes(), max_term_width = 100)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server and output")]
struct Global {
    /// The address of the server, such as https://waldur.example.com
    #[arg(
        long,
        alias = "api-url",
        global = true,
        value_name = "URL",
        env = "WALDUR_API_URL",
        hide_env_values = true
    )]
    url: Option<String>,
    /// A file that holds the token alone; `-` reads it from stdin. WALDUR_ACCESS_TOKEN and `auth login` work too
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<std::path::PathBuf>,
    /// A server of your config.toml
    #[arg(long, global = true, value_name = "NAME", env = "WALDUR_PROFILE")]
    profile: Option<String>,
    /// Let the token travel over plain http to a server that is not on this machine
    #[arg(long, global = true)]
    insecure_http: bool,
    /// The folder in which runs are kept; your data folder where it is not given
    #[arg(long, global = true, value_name = "DIR", env = "WALDUR_USAGE_STORE", hide_env_values = true)]
    store: Option<std::path::PathBuf>,
    /// Requests at a time
    #[arg(long, global = true, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    connections: u8,
    /// The form of what is printed on stdout
    #[arg(long, global = true, value_enum, default_value_t)]
    format: FormatArgument,
    /// The form of what is said on stderr; `json` is an object a line, and asks nothing
    #[arg(
        long,
        global = true,
        value_name = "FORM",
        value_enum,
        default_value_t,
        env = "WALDUR_USAGE_LOG",
        hide_env_values = true
    )]
    log: LogArgument,
    /// Say nothing but errors on stderr; stdout is as ever
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Say how long each stage took, and list all lines
    #[arg(short, long, global = true)]
    verbose: bool,
    /// Never ask; what would need an answer is refused
    #[arg(long, global = true)]
    no_input: bool,
    /// The names that a run hears of, for completions
    #[arg(skip)]
    heard: std::sync::Arc<completions::kept::Listening>,
    /// The pipeline that is run: the project file of its folder counts
    #[arg(skip)]
    pipeline: Option<std::path::PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum FormatArgument {
    #[default]
    /// For people
    Text,
    /// For programs
    Json,
    /// A table of text; `list` alone
    Csv,
    /// A JSON object a line; `list` alone
    Ndjson,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum LogArgument {
    #[default]
    /// For people
    Text,
    /// For whoever collects logs
    Json,
}

impl From<LogArgument> for LogForm {
    fn from(log: LogArgument) -> Self {
        match log {
            LogArgument::Text => Self::Text,
            LogArgument::Json => Self::Json,
        }
    }
}

impl From<FormatArgument> for Format {
    fn from(format: FormatArgument) -> Self {
        match format {
            FormatArgument::Text => Self::Text,
            // Whatever has no other form for programs is refused before it runs.
            FormatArgument::Json | FormatArgument::Csv | FormatArgument::Ndjson => Self::Json,
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check files of usage against the server; posts nothing
    Check(check::CheckArguments),
    /// Write a workbook in which the usage of a month can be filled in; posts nothing
    Template(template::TemplateArguments),
    /// Tell of which resources no usage of a month is stored, and since when; posts nothing
    Missing(missing::MissingArguments),
    /// Compare files of usage with what is stored, and say what would be posted; posts nothing
    Plan(plan::PlanArguments),
    /// Compare files, stored usages and invoices of a month, and report where they differ; posts nothing
    Reconcile(Box<reconcile::ReconcileArguments>),
    /// Post the usage of files, or of a plan, and prove what is stored
    Apply(apply::ApplyArguments),
    /// Run a pipeline: check, post, report and export by what one file says
    Run(run::RunArguments),
    /// Check a pipeline's file, or start one from a template; asks no server
    Pipeline(pipeline::PipelineArguments),
    /// Go on with a run that was interrupted, killed or stopped
    Resume(resume::ResumeArguments),
    /// Take back what a run posted, as far as nobody else has reported it since
    Undo(undo::UndoArguments),
    /// Prove what a run posted, and tell what became of it on the invoices; posts nothing
    Verify(verify::VerifyArguments),
    /// List runs and show what they did; asks no server
    Runs(runs::RunsArguments),
    /// Prove or write the trail of everything that was sent; asks no server
    Audit(audit::AuditArguments),
    /// List, show and suggest the layouts by which files of other systems are read; asks no server
    Layout(layout::LayoutArguments),
    /// List stored usages
    List(Box<list::ListArguments>),
    /// Export months of usages and what they speak of to where a warehouse reads them
    Export(Box<export::ExportArguments>),
    /// Show one stored usage
    Show(show::ShowArguments),
    /// Find out what can be done with a server and an account, and how that is known; posts nothing
    Doctor(doctor::DoctorArguments),
    /// Keep a token for a server, tell whose it is, or remove it
    Auth(auth::AuthArguments),
    /// Show where each setting comes from, or what is wrong with config.toml; asks no server
    Config(config_command::ConfigArguments),
    /// Say what a finding means and how to mend it, or list them all; asks no server
    Explain(explain::ExplainArguments),
    /// Tell the whole story of one figure: cells, stored rows, price, invoice and runs; posts nothing
    ExplainKey(Box<explain_key::ExplainKeyArguments>),
    /// Run an embedded Waldur to rehearse against, or make a world for it
    Sandbox(sandbox::SandboxArguments),
    /// Let pipelines run by themselves: by a timer of systemd, by cron, or by whoever asks what is due
    Schedule(schedule::ScheduleArguments),
    /// Try out who is told how runs ended; asks no server
    Watch(watch::WatchArguments),
    /// See it all at work once, against an embedded Waldur
    Demo(demo::DemoArguments),
    /// Print the script that lets a shell complete commands, flags and names
    Completions(completions::CompletionsArguments),
    /// Write the manual pages into a folder
    Man(man::ManArguments),
    /// Say what fits at the cursor; the scripts of `completions` ask it
    #[command(hide = true)]
    Complete(completions::CompleteArguments),
}

impl Command {
    /// Whether the command runs until Ctrl-C, and ends in good order then.
    fn waits_for_ctrl_c(&self) -> bool {
        match self {
            Self::Sandbox(arguments) => arguments.is_serving(),
            Self::Schedule(arguments) => arguments.starts_pipelines(),
            // A run of a pipeline that was interrupted is written down and told first.
            Self::Run(_) | Self::Resume(_) => true,
            _ => false,
        }
    }
}

/// The table of exit codes, as `--help` shows it.
fn exit_codes() -> String {
    let mut text = String::from("Exit codes:\n");
    for status in ExitStatus::ALL {
        let _ = writeln!(text, "  {:>3}  {}", status.code(), status.meaning());
    }
    text
}

/// Where a panic happened, for the error that is shown instead of it.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Runs the program.
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic.to_string());
    }));
    let status = std::panic::catch_unwind(run).unwrap_or_else(|_| {
        let what = PANIC.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
        report(&Terminal::new(false, false).logging(asked_log()), &Error::Bug(what))
    });
    ExitCode::from(status.code())
}

/// The form of the log where the command line may not be one, or is not at hand.
fn asked_log() -> LogForm {
    let words: Vec<_> = std::env::args_os().collect();
    let is_asked = words.windows(2).any(|pair| pair[0] == "--log" && pair[1] == "json")
        || words.iter().any(|word| word == "--log=json")
        || std::env::var_os("WALDUR_USAGE_LOG").is_some_and(|form| form == "json");
    if is_asked { LogForm::Json } else { LogForm::Text }
}

fn run() -> ExitStatus {
    let mut arguments = match typed() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() && asked_log() == LogForm::Json => {
            let text = error.to_string();
            let text = text.trim();
            let message = text.strip_prefix("error: ").unwrap_or(text).to_owned();
            let exit_code = ExitStatus::Usage.code();
            let terminal = Terminal::new(false, false).logging(LogForm::Json);
            terminal.fault(&Fault { message, exit_code, ..Fault::default() });
            return ExitStatus::Usage;
        }
        Err(error) => {
            if error.use_stderr() && shows_what_it_hides(&error) {
                return ExitStatus::Usage;
            }
            // Help goes to stdout and is no error; a closed pipe is none either.
            let _ = error.print();
            return if error.use_stderr() { ExitStatus::Usage } else { ExitStatus::Done };
        }
    };
    // A question is no line of a log.
    arguments.global.no_input |= arguments.global.log == LogArgument::Json;
    let terminal = Terminal::new(arguments.global.quiet, arguments.global.verbose);
    let terminal = terminal.logging(arguments.global.log.into());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(interruptible(&arguments, &terminal));
            completions::kept::keep(&arguments.global);
            // A question that nobody answered must not keep the program alive.
            runtime.shutdown_background();
            result
        }
        Err(error) => Err(Error::Bug(format!("cannot start: {error}"))),
    };
    let status = result.unwrap_or_else(|error| gravest([report(&terminal, &error)], terminal.has_posted()));
    if crate::ui::is_output_whole() {
        return status;
    }
    terminal.error("error: not everything could be printed\n  hint: check where stdout goes");
    if terminal.has_posted() { ExitStatus::Partial } else { ExitStatus::Usage }
}

/// What was typed. A variable that is set to nothing is not set.
fn typed() -> Result<Arguments, clap::Error> {
    let is_empty = |argument: &clap::Arg| {
        argument.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty())
    };
    let mut command = Arguments::command().mut_args(|argument| {
        if is_empty(&argument) { argument.env(clap::builder::Resettable::Reset) } else { argument }
    });
    let matches = command.try_get_matches_from_mut(std::env::args_os());
    let typed = matches.and_then(|mut matches| Arguments::from_arg_matches_mut(&mut matches));
    typed.map_err(|error| error.format(&mut command))
}

/// Shows an error of the command line whose words hold what does not show, such as a name of a file that a
/// pattern of the shell stood for; false where there is nothing of it.
fn shows_what_it_hides(error: &clap::Error) -> bool {
    let text = error.render().to_string();
    let hides = text.chars().any(|one| one != '\n' && crate::domain::is_invisible(one));
    if hides {
        Terminal::new(false, false).error(text.trim_end());
    }
    hides
}

/// Runs a command until it is done, or until Ctrl-C where nothing has been posted yet.
async fn interruptible(arguments: &Arguments, terminal: &Terminal) -> Result<ExitStatus, Error> {
    let command = Box::pin(dispatch(arguments, terminal));
    if arguments.command.waits_for_ctrl_c() {
        return command.await;
    }
    until_interrupted(command, &mut Interrupts::new(), terminal).await
}

/// Goes on until the work is done, or until Ctrl-C where nothing has been posted yet; posting hears it by
/// itself, and finishes what is under way.
async fn until_interrupted<T>(
    work: impl Future<Output = Result<T, Error>>,
    interrupts: &mut Interrupts,
    terminal: &Terminal,
) -> Result<T, Error> {
    tokio::pin!(work);
    loop {
        tokio::select! {
            result = &mut work => return result,
            () = interrupts.next() => {
                if !terminal.has_posted() {
                    return Err(Error::Interrupted);
                }
            }
        }
    }
}

async fn dispatch(arguments: &Arguments, terminal: &Terminal) -> Result<ExitStatus, Error> {
    let global = &arguments.global;
    let is_list = matches!(arguments.command, Command::List(_));
    if matches!(global.format, FormatArgument::Csv | FormatArgument::Ndjson) && !is_list {
        return Err(Error::setting("--format csv and ndjson are forms of `list` alone", "use json"));
    }
    match &arguments.command {
        Command::Check(command) => check::run(command, global, terminal).await,
        Command::Template(command) => template::run(command, global, terminal).await,
        Command::Missing(command) => missing::run(command, global, terminal).await,
        Command::Plan(command) => plan::run(command, global, terminal).await,
        Command::Reconcile(command) => reconcile::run(command, global, terminal).await,
        Command::Apply(command) => apply::run(command, global, terminal).await,
        Command::Run(command) => Box::pin(run::run(command, global, terminal)).await,
        Command::Pipeline(command) => pipeline::run(command, global),
        Command::Resume(command) => Box::pin(resume::run(command, global, terminal)).await,
        Command::Undo(command) => undo::run(command, global, terminal).await,
        Command::Verify(command) => verify::run(command, global, terminal).await,
        Command::Runs(command) => runs::run(command, global),
        Command::Audit(command) => audit::run(command, global, terminal),
        Command::Layout(command) => layout::run(command, global, terminal),
        Command::List(command) => list::run(command, global, terminal).await,
        Command::Export(command) => export::run(command, global, terminal).await,
        Command::Show(command) => show::run(command, global, terminal).await,
        Command::Doctor(command) => doctor::run(command, global, terminal).await,
        Command::Auth(command) => auth::run(command, global, terminal).await,
        Command::Config(command) => config_command::run(command, global),
        Command::Explain(command) => explain::run(command, global),
        Command::ExplainKey(command) => explain_key::run(command, global, terminal).await,
        Command::Sandbox(command) => sandbox::run(command, global, terminal).await,
        Command::Schedule(command) => schedule::run(command, global, terminal).await,
        Command::Watch(command) => watch::run(command, global, terminal).await,
        Command::Demo(command) => Box::pin(demo::run(command, global, terminal)).await,
        Command::Completions(command) => Ok(completions::run(command, global)),
        Command::Man(command) => man::run(command, global, terminal),
        Command::Complete(command) => Ok(completions::complete(command, global)),
    }
}

/// Says what went wrong, why, and what to do next.
fn report(terminal: &Terminal, error: &Error) -> ExitStatus {
    let status = error.exit_status();
    let has_posted = terminal.has_posted();
    let message = match (error, terminal.is_log()) {
        (Error::Refused(Refusal::Declined), _) => "not posted: you said no".to_owned(),
        (Error::Interrupted, _) if has_posted => {
            "error: interrupted; what was posted before is stored".to_owned()
        }
        (error, true) => error.to_string(),
        (error, false) => format!("error: {error}"),
    };
    // What lies between the error and its first cause is the story of our libraries.
    let cause = std::iter::successors(std::error::Error::source(error), |cause| cause.source()).last();
    let cause = cause.map(ToString::to_string).filter(|cause| !message.ends_with(cause));
    terminal.fault(&Fault {
        message,
        cause: cause.map(|cause| crate::domain::visible(&cause).to_string()),
        hint: error.hint().filter(|_| !(has_posted && matches!(error, Error::Interrupted))),
        exit_code: status.code(),
    });
    status
}
