//! `sandbox`: an embedded Waldur until Ctrl-C.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use crate::error::{Error, ExitStatus};
use crate::sandbox::{SandboxError, Settings, World, start};
use crate::ui::{self, Terminal};

/// What `sandbox` takes.
#[derive(Debug, Args)]
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
