//! `config`: which settings are in force and where each comes from, and what is wrong with them.

use clap::parser::ValueSource;
use clap::{Args, CommandFactory, Subcommand};
use serde::Serialize;
use serde_json::Value;

use crate::domain::{nearest, visible};
use crate::error::{Error, ExitStatus};
use crate::ui::{self, Format, Style};

use super::config::{self, Config, Explained, Given, Judged, Origin, Tokens};
use super::connect::{self, chosen};
use super::{Arguments, Global, store};

/// What `config` takes.
#[derive(Debug, Args)]
pub struct ConfigArguments {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Show the settings that are in force, and where each comes from; asks no server
    Explain(ExplainArguments),
    /// Say everything that is wrong with config.toml and the project file; asks no server
    Check,
}

#[derive(Debug, Args)]
struct ExplainArguments {
    /// One setting, or all below it, such as url or policy.guards
    #[arg(value_name = "KEY")]
    key: Option<String>,
}

/// Runs the command.
pub fn run(arguments: &ConfigArguments, global: &Global) -> Result<ExitStatus, Error> {
    match &arguments.command {
        ConfigCommand::Explain(arguments) => explain(arguments, global),
        ConfigCommand::Check => Ok(check(global)),
    }
}

fn explain(arguments: &ExplainArguments, global: &Global) -> Result<ExitStatus, Error> {
    let config = Config::read()?;
    let chosen = chosen(&config, global)?;
    // Each is judged as in a run before it is shown.
    config.policy()?;
    config.tolerances()?;
    config.thresholds(chosen.map(|chosen| chosen.server), None)?;
    let given = given(global, chosen.map(|chosen| chosen.name))?;
    let mut explanation = config::explain(&config, chosen, given);
    match arguments.key.as_deref().map(str::trim) {
        Some(key) => {
            let names: Vec<String> = explanation.values.iter().map(|value| value.key.clone()).collect();
            explanation.values.retain(|value| is_below(&value.key, key));
            if explanation.values.is_empty() {
                // The table of a setting may be meant, too.
                let tables = names.iter().flat_map(|name| name.match_indices('.').map(|(at, _)| &name[..at]));
                let all = tables.chain(names.iter().map(String::as_str));
                let hint = nearest(key, all).map_or_else(
                    || "`waldur-usage config explain` lists them".to_owned(),
                    |near| format!("did you mean {near}?"),
                );
                return Err(Error::setting(format!("there is no setting `{}`", visible(key)), hint));
            }
        }
        // A finding that nobody grades is one of more than a hundred.
        None if !global.verbose => explanation.values.retain(|value| !is_usual_grade(value)),
        None => {}
    }
    match global.format.into() {
        Format::Json => ui::json(&explanation),
        Format::Text => ui::data(&ui::explained_text(&explanation, Style::for_stdout())),
    }
    Ok(ExitStatus::Done)
}

fn is_below(name: &str, key: &str) -> bool {
    name.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn is_usual_grade(value: &Explained) -> bool {
    let is_grade = value.key.strip_prefix("policy.").is_some_and(|rest| !rest.starts_with("guards."));
    is_grade && value.key != "policy.tolerances" && value.origin == Origin::Default
}

/// What the files do not say: flags, variables, what `auth login` kept, and defaults.
fn given(global: &Global, profile: Option<&str>) -> Result<Vec<Given>, Error> {
    // The arguments have been read once already; what was lost is whether the environment stood in.
    let matches = Arguments::command().try_get_matches_from(std::env::args_os()).ok();
    let origin = |id: &str, variable: &str| {
        let source = matches.as_ref().and_then(|matches| matches.value_source(id));
        match source {
            Some(ValueSource::CommandLine) => Origin::Flag { name: format!("--{}", id.replace('_', "-")) },
            Some(ValueSource::EnvVariable) => Origin::Environment { name: variable.to_owned() },
            _ => Origin::Default,
        }
    };
    let mut given = Vec::new();
    let mut add = |key, value: Value, origin| given.push(Given { key, value, origin });
    if let Some(name) = &global.profile {
        add("profile", name.as_str().into(), origin("profile", "WALDUR_PROFILE"));
    }
    if let Some(url) = &global.url {
        add("url", shown_address(url).into(), origin("url", "WALDUR_API_URL"));
    }
    if let Some(path) = &global.token_file {
        let value = format!("in the file {}", path.to_string_lossy());
        add("token", value.into(), origin("token_file", ""));
    }
    if connect::is_in_environment() {
        let name = connect::TOKEN.to_owned();
        add("token", "in a variable of the environment".into(), Origin::Environment { name });
    }
    if let (Some(tokens), Some(profile)) = (Tokens::of_user(), profile)
        && let Some(record) = tokens.find(profile)?
    {
        let path = visible(&tokens.path(profile).to_string_lossy()).to_string();
        add("token", connect::place(&record).into(), Origin::Login { path });
    }
    let folder = store::folder(global)?.to_string_lossy().into_owned();
    add("store", folder.into(), origin("store", "WALDUR_USAGE_STORE"));
    add("connections", global.connections.into(), origin("connections", ""));
    add("insecure_http", global.insecure_http.into(), origin("insecure_http", ""));
    let timeout = connect::timeout()?.as_secs();
    let is_set = std::env::var_os(connect::TIMEOUT).is_some_and(|text| !text.is_empty());
    let name = connect::TIMEOUT.to_owned();
    let of_timeout = if is_set { Origin::Environment { name } } else { Origin::Default };
    add("timeout_seconds", timeout.into(), of_timeout);
    Ok(given)
}

/// An address as it may be shown: one with a password is no address, and what is none may be anything.
fn shown_address(text: &str) -> String {
    let address = crate::waldur::ServerAddress::parse(text, true);
    address.map_or_else(|_| "not the address of a server".to_owned(), |address| address.to_string())
}

/// What `config check --format json` prints.
#[derive(Serialize)]
struct CheckDocument<'a> {
    ok: bool,
    files: &'a [Judged],
}

fn check(global: &Global) -> ExitStatus {
    let judged = config::judge(global.profile.as_deref(), global.url.as_deref());
    let ok = judged.iter().all(|file| file.faults.is_empty());
    match global.format.into() {
        Format::Json => ui::json(&CheckDocument { ok, files: &judged }),
        Format::Text => ui::data(&ui::judged_text(&judged, Style::for_stdout())),
    }
    if ok { ExitStatus::Done } else { ExitStatus::Usage }
}
