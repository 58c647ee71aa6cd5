//! `sandbox`: an embedded Waldur until Ctrl-C.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use uuid::Uuid;

use crate::domain::visible;
use crate::error::{Error, ExitStatus};
use crate::sandbox::{
    AccountTokens, Behaviour, Dialect, Fault, Listen, Model, MonthsTurn, NAMES, Sandbox, SandboxError,
    Settings, World, capabilities_text, start,
};
use crate::ui::{self, Format, Terminal};

use super::Global;
use super::interrupt::interrupted;
use super::sandbox_values;
use super::world::{self, WorldArguments};

/// What `sandbox` takes.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = capabilities_help(), after_long_help = long_help())]
pub struct SandboxArguments {
    #[command(subcommand)]
    command: Option<SandboxCommand>,
    /// Where to listen; loopback, unless --public is given. Port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8000", value_parser = sandbox_values::address)]
    listen: SocketAddr,
    /// A world to start from, instead of the built-in one
    #[arg(long, value_name = "FILE")]
    world: Option<PathBuf>,
    /// When its clock starts, such as 2026-12-01T09:00:00Z; the world's own time where it is not given
    #[arg(long, value_name = "TIMESTAMP", value_parser = sandbox_values::moment)]
    now: Option<Timestamp>,
    /// The release of Waldur to behave like: 2024 is the recorded one
    #[arg(long, value_enum, default_value_t = Release::Y2024)]
    dialect: Release,
    /// Switch one capability of the dialect (repeatable)
    #[arg(long = "capability", value_name = "NAME=VALUE")]
    capabilities: Vec<String>,
    /// The server's own zone, such as Europe/Tallinn; its months turn there from dialect 2025 on
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: String,
    /// A file that keeps what is stored between runs; a new one begins with the world
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// How long every request takes, such as 20ms; a number alone is milliseconds
    #[arg(long, value_name = "TIME", value_parser = sandbox_values::time)]
    latency: Option<Duration>,
    /// What goes wrong, such as 'status=503 rate=0.01 method=POST'; can be given several times, and
    /// --help tells all faults
    #[arg(long, value_name = "SPEC")]
    fault: Vec<String>,
    /// What the chance of faults is drawn from; the same requests in the same order get the same
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Take the time that a real server was observed to take, divided by SPEED
    #[arg(long, value_name = "observed[:SPEED]", conflicts_with = "latency")]
    model: Option<String>,
    /// Let other machines reach it; needs --token-file
    #[arg(long, requires = "token_file")]
    public: bool,
    /// Tokens of your own in the place of the world's: lines such as `owner = TOKEN`, each with 32
    /// characters or more, in a file that nobody else can read
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum SandboxCommand {
    /// Make the file of a world: a large one for load tests, or a copy of a server
    World(WorldArguments),
}

impl SandboxArguments {
    /// Whether a server is to run, rather than a world to be made.
    pub fn is_serving(&self) -> bool {
        self.command.is_none()
    }

    /// Tokens of one's own, or loopback.
    fn listen(&self) -> Result<Listen, SandboxError> {
        match &self.token_file {
            Some(path) if self.public || self.listen.ip().is_loopback() => {
                Ok(Listen::with_tokens(self.listen, AccountTokens::read(path)?))
            }
            Some(_) | None => Listen::on_loopback(self.listen),
        }
    }
}

/// A release, as it is written on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Release {
    #[value(name = "2024")]
    Y2024,
    #[value(name = "2025")]
    Y2025,
    #[value(name = "2026")]
    Y2026,
}

impl From<Release> for Dialect {
    fn from(release: Release) -> Self {
        match release {
            Release::Y2024 => Self::Y2024,
            Release::Y2025 => Self::Y2025,
            Release::Y2026 => Self::Y2026,
        }
    }
}

impl SandboxArguments {
    fn behaviour(&self) -> Result<Behaviour, Error> {
        let zone = TimeZone::get(&self.time_zone).map_err(|_| {
            Error::setting(
                format!("no time zone is called {}", visible(&self.time_zone)),
                "name it as the IANA database does, such as Europe/Tallinn or UTC",
            )
        })?;
        let mut behaviour = Behaviour { zone, ..Behaviour::of(self.dialect.into()) };
        for switch in &self.capabilities {
            behaviour.switch(switch).map_err(|error| {
                Error::setting(error.to_string(), "sandbox --help lists the capabilities and their values")
            })?;
        }
        Ok(behaviour)
    }
}

/// Whether a zone was named in which nevertheless no month turns.
fn zone_turns_nothing(behaviour: &Behaviour) -> bool {
    behaviour.zone != TimeZone::UTC && behaviour.months == MonthsTurn::InUtc
}

/// What `--help` says after the options.
fn long_help() -> String {
    format!("{}\n{}", capabilities_help(), faults())
}

/// The capabilities and their values.
pub fn capabilities_help() -> String {
    format!(
        "Capabilities, each with its values; off is the first of them and on the last:\n{}",
        capabilities_text()
    )
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
        "\nUnder /sandbox/ it takes, from this machine: GET, POST, DELETE faults; GET, PUT clock; GET, PUT\n\
         invoices; and GET usages, requests, log. DELETE takes all faults away, and expired tokens are\n\
         good again. With --public these paths are closed.\n",
    );
    text
}

/// What a script needs to know of a sandbox that is ready.
#[derive(Serialize)]
struct Ready<'a> {
    url: String,
    /// The name that every answer carries.
    sandbox: &'a str,
    /// Dialect, zone and every capability.
    server: String,
    now: Timestamp,
    state: Option<String>,
    tokens: BTreeMap<&'a str, &'a str>,
}

impl<'a> Ready<'a> {
    fn of(sandbox: &'a Sandbox, has_own_tokens: bool, arguments: &SandboxArguments) -> Self {
        let tokens = sandbox.tokens().iter().filter(|_| !has_own_tokens);
        Self {
            url: sandbox.url(),
            sandbox: sandbox.name(),
            server: sandbox.behaviour().to_string(),
            now: sandbox.now(),
            state: arguments.state.as_ref().map(|path| path.to_string_lossy().into_owned()),
            tokens: tokens.map(|(name, token)| (name.as_str(), token.as_str())).collect(),
        }
    }
}

/// The same in one line. Tokens of one's own are known to whom they concern; a ready line ends up in
/// logs.
fn ready_line(sandbox: &Sandbox, dialect: Dialect, has_own_tokens: bool) -> String {
    let tokens = sandbox.tokens().iter().filter(|_| !has_own_tokens);
    let mut ready = vec![sandbox.url(), format!("dialect={dialect}"), format!("now={:.0}", sandbox.now())];
    ready.extend(tokens.map(|(name, token)| format!("{}={}", visible(name), visible(token))));
    format!("{}\n", ready.join(" "))
}

/// Runs the command.
pub async fn run(
    arguments: &SandboxArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    if let Some(SandboxCommand::World(arguments)) = &arguments.command {
        return world::run(arguments, global, terminal).await;
    }
    let world = match &arguments.world {
        Some(path) => World::read(path).map_err(|error| refused(&error))?,
        None => World::built_in(),
    };
    let listen = arguments.listen().map_err(|error| refused(&error))?;
    let has_own_tokens = listen.has_own_tokens();
    let settings = Settings {
        listen,
        now: arguments.now,
        behaviour: arguments.behaviour()?,
        state: arguments.state.clone(),
        is_world_required: arguments.world.is_some(),
        // A plan of one rehearsal fits no other, though they begin with the same world.
        name: Some(Uuid::new_v4().as_simple().to_string()),
        latency: arguments.latency.unwrap_or_default(),
        faults: read_faults(&arguments.fault)?,
        seed: arguments.seed,
        model: arguments.model.as_deref().map(read_model).transpose()?,
        ..Settings::new(world)
    };
    if zone_turns_nothing(&settings.behaviour) {
        terminal.say(
            "months turn in UTC here, whatever --time-zone says; dialects 2025 and 2026 and \
             --capability zone=on follow it",
        );
    }
    let dialect = settings.behaviour.dialect;
    let sandbox = start(settings).await.map_err(|error| refused(&error))?;
    match global.format.into() {
        Format::Json => ui::json_line(&Ready::of(&sandbox, has_own_tokens, arguments)),
        Format::Text => ui::data(&ready_line(&sandbox, dialect, has_own_tokens)),
    }
    if sandbox.is_state_cut() {
        terminal.error("the last line of the state was not whole, so it was never answered; it was cut off");
    }
    let kept = arguments.state.as_ref().map(|path| visible(&path.to_string_lossy()).to_string());
    let memory = kept.as_ref().map_or_else(
        || "it forgets everything when it ends".to_owned(),
        |path| format!("what it is told is kept in {path}"),
    );
    terminal.say(&format!("a Waldur to rehearse against; nothing in it is real, and {memory}"));
    interrupted().await;
    sandbox.stop().await;
    if let Some(path) = kept {
        terminal.say(&format!("kept in {path}; the same command goes on from there"));
    }
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

/// An error of the sandbox, with what to do next.
pub fn refused(error: &SandboxError) -> Error {
    let hint = match error {
        SandboxError::NotLoopback(_) => {
            "use 127.0.0.1, or --public with a --token-file, so that nobody comes in with a known token"
        }
        SandboxError::OpenTokens(_) => "chmod 600 it",
        SandboxError::Tokens { .. }
        | SandboxError::TokenLine { .. }
        | SandboxError::NoTokens(_)
        | SandboxError::OwnToken { .. } => {
            "write a line `account = token` for each account that is used; `openssl rand -hex 32` makes a token"
        }
        SandboxError::Listen { .. } => {
            "another program may use the port; --listen 127.0.0.1:0 takes a free one"
        }
        SandboxError::Exists(_) => "name another file, or use --force",
        SandboxError::Write { .. } => "check the folder",
        SandboxError::Size { .. } => "ask for another number",
        SandboxError::Read { .. }
        | SandboxError::Format { .. }
        | SandboxError::Missing { .. }
        | SandboxError::Repeated { .. }
        | SandboxError::Unfit { .. } => "check the file",
        SandboxError::IsState(_) => "go on with it by --state, without --world",
        SandboxError::State { .. } => "give --state a file in a folder that can be written",
        SandboxError::NotAState { .. } => {
            "give --state a new file, or the state of a sandbox; a world belongs to --world"
        }
        SandboxError::OtherWorld(_) => "leave --world out, or give --state a new file",
        SandboxError::Backwards { .. } => "leave --now out, or give a later moment",
        SandboxError::StateInUse(_) => "end the other sandbox, or give --state another file",
        SandboxError::OtherBehaviour { .. } => {
            "start it with the same --dialect, --capability and --time-zone, or give --state a new file"
        }
        SandboxError::Damaged { .. } => "delete the file from that line on, or give --state a new file",
    };
    let cause = std::error::Error::source(error).map(|cause| format!(": {}", visible(&cause.to_string())));
    let cause = cause.unwrap_or_default();
    Error::setting(format!("{error}{cause}"), hint)
}
