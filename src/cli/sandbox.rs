//! `sandbox`: an embedded Waldur until Ctrl-C.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use crate::error::{Error, ExitStatus};
use crate::sandbox::{AccountTokens, Listen, SandboxError, Settings, World, start};
use crate::ui::{self, Terminal};

use super::Global;
use super::world::{self, WorldArguments};

/// What `sandbox` takes.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct SandboxArguments {
    #[command(subcommand)]
    command: Option<SandboxCommand>,
    /// Where to listen; loopback, unless --public is given. Port 0 takes a free one
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
        latency: Duration::from_millis(arguments.latency),
        ..Settings::new(world)
    };
    let now = settings.now.unwrap_or(settings.world.now);
    let sandbox = start(settings).await.map_err(|error| refused(&error))?;
    // Tokens of one's own are known to whom they concern; a ready line ends up in logs.
    let tokens = sandbox.tokens().iter().filter(|_| !has_own_tokens);
    let mut ready = vec![sandbox.url(), "dialect=2024".to_owned(), format!("now={now}")];
    ready.extend(tokens.map(|(name, token)| format!("{name}={token}")));
    ui::data(&format!("{}\n", ready.join(" ")));
    terminal.say("a Waldur to rehearse against; nothing in it is real, and it forgets everything at Ctrl-C");
    // Without a signal to wait for there is nothing to end it but being killed.
    let _ = tokio::signal::ctrl_c().await;
    sandbox.stop().await;
    Ok(ExitStatus::Done)
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
        | SandboxError::NoTokens
        | SandboxError::OwnToken { .. } => {
            "write a line `account = token` for each account that is used; `openssl rand -hex 32` makes a token"
        }
        SandboxError::Listen { .. } => {
            "another program may use the port; --listen 127.0.0.1:0 takes a free one"
        }
        SandboxError::Exists(_) => "name another file, or use --force",
        SandboxError::Write { .. } => "check the folder",
        SandboxError::Size { .. } => "ask for another number",
        SandboxError::Read { .. } | SandboxError::Format { .. } | SandboxError::Missing { .. } => {
            "check the file"
        }
    };
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    Error::setting(format!("{error}{cause}"), hint)
}
