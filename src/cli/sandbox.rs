//! `sandbox`: an embedded Waldur until Ctrl-C.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use crate::error::{Error, ExitStatus};
use crate::sandbox::{Fault, Model, NAMES, SandboxError, Settings, World, start};
use crate::ui::{self, Terminal};

/// What `sandbox` takes.
#[derive(Debug, Args)]
#[command(after_long_help = faults())]
pub struct SandboxArguments {
    /// Where to listen; loopback only, and port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8000")]
    listen: SocketAddr,
    /// A world to start from, instead of the built-in one
    #[arg(long, value_name = "FILE")]
    world: Option<PathBuf>,
    /// When its clock starts; the world's own time where it is not given
    #[arg(long, value_name = "TIMESTAMP")]
    now: Option<Timestamp>,
    /// How long every request takes
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    latency: u64,
    /// What goes wrong, such as 'status=503 rate=0.01 method=POST'; can be given several times, and
    /// --help tells all faults
    #[arg(long, value_name = "SPEC")]
    fault: Vec<String>,
    /// What the chance of faults is drawn from; the same requests in the same order get the same
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Take the time that a real server was observed to take, divided by SPEED
    #[arg(long, value_name = "observed[:SPEED]")]
    model: Option<String>,
}

/// The faults and their grammar, as `--help` shows them.
fn faults() -> String {
    let mut text = String::from(
        "Faults:\n  A SPEC is one of these words and any of method=POST path=PART rate=0.01 skip=N times=N|always,\n  \
         apart by blanks. path= is a part of path and query, rate= the share that is struck, skip= (or\n  \
         after=) how many are let through first. TIME is as 250ms, 90s or 2h; BYTES may end in KiB, MiB,\n  \
         GiB; a value with blanks stands in \"quotation marks\". Of faults that exclude each other the first\n  \
         that is due strikes.\n\n",
    );
    for row in NAMES {
        let _ = writeln!(text, "  {}{}\n      {}", row.name, row.takes, row.does);
    }
    text.push_str(
        "\nUnder /sandbox/ it takes, from this machine: GET, POST, DELETE faults; GET, PUT clock; and GET\n\
         usages, requests, log. DELETE takes all faults away, and expired tokens are good again.\n",
    );
    text
}

/// Runs the command.
pub async fn run(arguments: &SandboxArguments, terminal: &Terminal) -> Result<ExitStatus, Error> {
    let world = match &arguments.world {
        Some(path) => World::read(path).map_err(|error| refused(&error))?,
        None => World::built_in(),
    };
    let settings = Settings {
        listen: arguments.listen,
        now: arguments.now,
        latency: Duration::from_millis(arguments.latency),
        faults: read_faults(&arguments.fault)?,
        seed: arguments.seed,
        model: arguments.model.as_deref().map(read_model).transpose()?,
        ..Settings::new(world)
    };
    let now = settings.now.unwrap_or(settings.world.now);
    let sandbox = start(settings).await.map_err(|error| refused(&error))?;
    let tokens: Vec<String> =
        sandbox.tokens().iter().map(|(name, token)| format!("{name}={token}")).collect();
    ui::data(&format!("{} dialect=2024 now={now} {}\n", sandbox.url(), tokens.join(" ")));
    terminal.say("a Waldur to rehearse against; nothing in it is real, and it forgets everything at Ctrl-C");
    // Without a signal to wait for there is nothing to end it but being killed.
    let _ = tokio::signal::ctrl_c().await;
    sandbox.stop().await;
    Ok(ExitStatus::Done)
}

fn read_faults(specs: &[String]) -> Result<Vec<Fault>, Error> {
    let read = |spec: &String| {
        spec.parse::<Fault>().map_err(|error| Error::setting(error.to_string(), error.hint()))
    };
    specs.iter().map(read).collect()
}

fn read_model(text: &str) -> Result<Model, Error> {
    text.parse().map_err(|error| {
        Error::setting(
            format!("--model {text:?} is none: {error}"),
            "use --model observed, or --model observed:50",
        )
    })
}

fn refused(error: &SandboxError) -> Error {
    let hint = match error {
        SandboxError::NotLoopback(_) => "use 127.0.0.1; a sandbox is for this machine alone",
        SandboxError::Listen { .. } => {
            "another program may use the port; --listen 127.0.0.1:0 takes a free one"
        }
        SandboxError::Read { .. } | SandboxError::Format { .. } | SandboxError::Missing { .. } => {
            "check the file"
        }
    };
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    Error::setting(format!("{error}{cause}"), hint)
}
