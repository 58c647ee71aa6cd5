//! `watch`: tries out who is told how runs ended; asks no server.

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::{RunId, visible};
use crate::error::{Error, ExitStatus};
use crate::ui::{self, Format, Terminal};
use crate::watch::{Ended, Telling, tell};

use super::Global;
use super::config::Config;

/// What `watch` takes.
#[derive(Debug, Args)]
pub struct WatchArguments {
    #[command(subcommand)]
    command: WatchCommand,
}

#[derive(Debug, Subcommand)]
enum WatchCommand {
    /// Make a run up and tell whoever the table watch of config.toml names how it ended
    Test(WatchTestArguments),
}

#[derive(Debug, Args)]
struct WatchTestArguments {
    /// How it ended
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    like: Like,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Like {
    /// It failed
    #[default]
    Failed,
    /// It found differences
    Breaks,
    /// All was well
    Done,
}

/// Runs the command.
pub async fn run(
    arguments: &WatchArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    let WatchCommand::Test(test) = &arguments.command;
    let settings = Config::read_user()?.watch()?;
    if settings.is_empty() {
        let hint =
            "add [watch] with metrics_folder, [watch.webhook] or [watch.program]; docs/watching.md tells how";
        return Err(Error::setting("config.toml names nobody who is told how runs ended", hint));
    }
    let tellings = tell(&made_up(test.like), &settings.for_test()).await;
    match global.format.into() {
        Format::Json => ui::json(&tellings),
        Format::Text if tellings.is_empty() => ui::data("nobody wants to be told of such a run\n"),
        Format::Text => {
            for telling in &tellings {
                ui::data(&format!("{}\n", line(telling)));
            }
        }
    }
    let is_told = tellings.iter().all(|telling| telling.trouble.is_none());
    if !is_told {
        terminal.error(
            "error: not everybody could be told\n  hint: a run says so too, and ends as it would have",
        );
    }
    Ok(if is_told { ExitStatus::Done } else { ExitStatus::Server })
}

fn line(Telling { to, trouble }: &Telling) -> String {
    match trouble {
        None => format!("told: {}", visible(to)),
        Some(trouble) => format!("NOT told: {}: {}", visible(to), visible(trouble)),
    }
}

fn made_up(like: Like) -> Ended {
    let (status, breaks) = match like {
        Like::Failed => (ExitStatus::Server, 0),
        Like::Breaks => (ExitStatus::Differences, 1),
        Like::Done => (ExitStatus::Done, 0),
    };
    let now = Timestamp::now();
    Ended {
        pipeline: Some("watch test".to_owned()),
        run: RunId::new(Uuid::new_v4()),
        started: now,
        ended: now,
        status,
        period: None,
        rows: 0,
        breaks,
        money: std::collections::BTreeMap::new(),
        steps: Vec::new(),
    }
}
