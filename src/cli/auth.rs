//! `auth`: keeping a token, telling whose it is, and removing it. It never prints one.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{UserId, visible};
use crate::error::{Error, ExitStatus};
use crate::ui::{self, Format, Hidden, Table, Terminal};
use crate::waldur::{Idle, Reader, ServerAddress, Token, TokenSource, WaldurError, Whose};

use super::Global;
use super::config::{Config, Server, TokenPlace, Tokens, add_server};
use super::connect::{self, Connection, TokenFrom, chosen, connect, timeout};

/// What `auth` takes.
#[derive(Debug, Args)]
pub struct AuthArguments {
    #[command(subcommand)]
    command: AuthCommand,
}

#[derive(Debug, Subcommand)]
enum AuthCommand {
    /// Keep a token for a server: it is typed unseen, or read from stdin or --token-file, and tried first
    Login(LoginArguments),
    /// Tell whose the token is, where it is kept and until when it works; never the token
    Status,
    /// Remove the token that is kept for a server
    Logout,
}

#[derive(Debug, Args)]
struct LoginArguments {
    /// Keep it in plain text, in a file that only you may read, and not in the keyring of the system
    #[arg(long)]
    insecure_storage: bool,
}

/// Runs the command.
pub async fn run(
    arguments: &AuthArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    match &arguments.command {
        AuthCommand::Login(arguments) => login(arguments, global, terminal).await,
        AuthCommand::Status => status(global).await,
        AuthCommand::Logout => logout(global, terminal),
    }
}

/// What is known of a token.
#[derive(Serialize)]
struct Status {
    profile: Option<String>,
    server: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox: Option<String>,
    /// Where the token comes from, as a word and in words.
    token_from: &'static str,
    token_place: String,
    works: bool,
    account: Option<Account>,
    /// When it ends, where the token says so itself.
    expires: Option<Timestamp>,
    /// For how many seconds it works after it was used last; `null` where that is not known or has no limit.
    idle_seconds: Option<u64>,
    /// How long it works, in words.
    lasts: String,
    /// What the server says where the token does not work.
    refused: Option<String>,
}

#[derive(Serialize)]
struct Account {
    uuid: UserId,
    username: String,
}

impl Status {
    fn of(
        reader: &Reader,
        whose: Option<&Whose>,
        profile: Option<&str>,
        from: (&'static str, String),
    ) -> Self {
        let expires = reader.token_expires().value;
        let idle = whose.map(|whose| whose.idle);
        let destination = reader.destination();
        Self {
            profile: profile.map(str::to_owned),
            server: destination.server,
            sandbox: destination.sandbox.map(|world| world.to_string()),
            token_from: from.0,
            token_place: from.1,
            works: whose.is_some(),
            account: whose.map(|whose| Account { uuid: whose.id, username: whose.username.clone() }),
            expires,
            idle_seconds: match idle {
                Some(Idle::For(time)) => Some(time.as_secs()),
                Some(Idle::NoLimit | Idle::Untold) | None => None,
            },
            lasts: lasts(expires, idle),
            refused: None,
        }
    }

    fn show(&self, global: &Global) {
        match global.format.into() {
            Format::Json => ui::json(self),
            Format::Text => ui::data(&self.text()),
        }
    }

    fn text(&self) -> String {
        let mut table = Table::new(&["", ""]);
        let mut row = |name: &str, text: String| table.row([name.to_owned(), text]);
        let profile = self.profile.as_ref().map_or_else(String::new, |name| format!(" ({})", visible(name)));
        let world =
            self.sandbox.as_ref().map_or_else(String::new, |world| format!(", a sandbox with world {world}"));
        row("server", format!("{}{profile}{world}", visible(&self.server)));
        if let Some(Account { uuid, username }) = &self.account {
            row("account", format!("{} (uuid {uuid})", visible(username)));
        }
        row("token", self.token_place.clone());
        row("works", self.lasts.clone());
        if let Some(refused) = &self.refused {
            row("", refused.clone());
        }
        // The empty headers make an empty line.
        table.render("").trim_start_matches('\n').to_owned()
    }
}

/// How long a token works, in words.
fn lasts(expires: Option<Timestamp>, idle: Option<Idle>) -> String {
    match (expires, idle) {
        (_, None) => "no".to_owned(),
        (Some(expires), Some(_)) => {
            let left = expires.duration_since(Timestamp::now()).as_secs().max(0);
            format!("until {expires}, for {} more", span(left.unsigned_abs()))
        }
        (None, Some(Idle::For(time))) => format!("for {} after it was used last", span(time.as_secs())),
        (None, Some(Idle::NoLimit)) => "without end, unless somebody renews it".to_owned(),
        (None, Some(Idle::Untold)) => "yes; until when is not told by this kind of token".to_owned(),
    }
}

/// A time in the one unit that says most.
fn span(seconds: u64) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let (size, unit) = units.into_iter().find(|(size, _)| seconds >= 2 * size).unwrap_or((1, "second"));
    ui::counted(usize::try_from(seconds / size).unwrap_or(usize::MAX), unit)
}

async fn status(global: &Global) -> Result<ExitStatus, Error> {
    let Connection { reader, profile, token_from, .. } = connect(global)?;
    let from = (token_from.kind(), token_from.place());
    match reader.whose().await {
        Ok(whose) => {
            Status::of(&reader, Some(&whose), profile.as_deref(), from).show(global);
            Ok(ExitStatus::Done)
        }
        Err(error @ WaldurError::Unauthorized { .. }) => {
            let mut status = Status::of(&reader, None, profile.as_deref(), from);
            status.refused = Some(error.to_string());
            status.show(global);
            Err(error.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// The server that a token is to be kept for.
struct Target<'a> {
    name: String,
    address: ServerAddress,
    /// What `config.toml` says of it, where it says something.
    server: Option<&'a Server>,
}

impl<'a> Target<'a> {
    fn of(config: &'a Config, global: &Global) -> Result<Self, Error> {
        let typed =
            global.url.as_deref().map(|url| ServerAddress::parse(url, global.insecure_http)).transpose()?;
        let is_known = |name: &String| config.servers.contains_key(name);
        if let (Some(name), Some(address)) = (global.profile.as_ref().filter(|name| !is_known(name)), &typed)
        {
            return Ok(Self { name: name.clone(), address: address.clone(), server: None });
        }
        if let Some(chosen) = chosen(config, global)? {
            let address = ServerAddress::parse(&chosen.server.url, global.insecure_http)?;
            if let Some(typed) = typed.filter(|typed| *typed != address) {
                let what = format!("`{}` is {address}, and not {typed}", visible(chosen.name));
                let hint = "leave --url and WALDUR_API_URL out, or change its url in config.toml";
                return Err(Error::setting(what, hint));
            }
            return Ok(Self { name: chosen.name.to_owned(), address, server: Some(chosen.server) });
        }
        let address = typed.ok_or_else(|| {
            let hint =
                "give --url https://waldur.example.com, or name a server of config.toml with --profile";
            Error::setting("no server is named", hint)
        })?;
        let is_same =
            |server: &Server| ServerAddress::parse(&server.url, true).is_ok_and(|own| own == address);
        let known = config.servers.iter().find(|(_, server)| is_same(server));
        let origin = address.origin();
        let name = known.map_or_else(
            || origin.split_once("://").map_or(origin.as_str(), |(_, host)| host).to_owned(),
            |(name, _)| name.clone(),
        );
        if known.is_none() && is_known(&name) {
            let what = format!("`{}` is another server in config.toml", visible(&name));
            return Err(Error::setting(what, "give this one a name of its own with --profile"));
        }
        Ok(Self { name, address, server: known.map(|(_, server)| server) })
    }

    /// Refuses to keep what nobody would look at.
    fn judge(&self) -> Result<(), Error> {
        let key = match self.server {
            Some(server) if server.token_file.is_some() => "token_file",
            Some(server) if server.token_command.is_some() => "token_command",
            _ => return Ok(()),
        };
        let what = format!("{key} of `{}` in config.toml says where its token is", visible(&self.name));
        Err(Error::setting(what, format!("take {key} out, and run this again")))
    }
}

async fn login(
    arguments: &LoginArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    let config = Config::read()?;
    let target = Target::of(&config, global)?;
    target.judge()?;
    let tokens = Tokens::of_user().ok_or_else(|| {
        Error::setting("there is no home folder to keep a token for", "set WALDUR_ACCESS_TOKEN instead")
    })?;
    let token = ask(&target.address, global).await?;
    let source = TokenSource::Fixed(token.clone());
    let reader = Reader::new(target.address.clone(), source, usize::from(global.connections), timeout()?)?;
    let whose = reader.whose().await?;
    let place = if arguments.insecure_storage { TokenPlace::File } else { TokenPlace::Keyring };
    // A keyring may wait for somebody, and Ctrl-C has to be heard meanwhile.
    let kept = {
        let (name, address, username) = (target.name.clone(), target.address.clone(), whose.username.clone());
        let keep = move || tokens.keep(&name, &address, &username, &token, place);
        tokio::task::spawn_blocking(keep).await.map_err(|error| Error::Bug(error.to_string()))??
    };
    if target.server.is_none()
        && let Some(path) = add_server(&config, &target.name, &target.address)?
    {
        let (name, path) = (visible(&target.name), path.to_string_lossy());
        terminal.say(&format!("added {name} to {}", visible(&path)));
    }
    if connect::is_in_environment() {
        terminal.say("note: WALDUR_ACCESS_TOKEN is set, and goes before what is kept");
    }
    let from = TokenFrom::Kept(kept);
    Status::of(&reader, Some(&whose), Some(&target.name), (from.kind(), from.place())).show(global);
    Ok(ExitStatus::Done)
}

/// The token: from --token-file, typed unseen, or from stdin. Never from an argument, which others can see.
async fn ask(address: &ServerAddress, global: &Global) -> Result<Token, Error> {
    use std::io::IsTerminal;

    if let Some(path) = &global.token_file {
        return connect::typed(path);
    }
    if !std::io::stdin().is_terminal() {
        return connect::from_stdin();
    }
    if global.no_input || !Terminal::can_ask() {
        return Err(Error::setting(
            "nobody can be asked for the token",
            "give it on stdin, or with --token-file",
        ));
    }
    let hidden = Hidden::begin().map_err(|error| {
        let what = format!("the terminal would show what is typed: {error}");
        Error::setting(what, "give the token on stdin, or with --token-file")
    })?;
    Terminal::prompt(&format!("Token for {address} (it is not shown): "));
    // Waiting for an answer blocks; where Ctrl-C ends this, the terminal is as before.
    let line = tokio::task::spawn_blocking(Hidden::read_line).await;
    drop(hidden);
    let line = line.map_err(|error| Error::Bug(format!("the question broke off: {error}")))?;
    let line = line.map_err(|error| Error::setting(format!("no token could be read: {error}"), ""))?;
    Ok(Token::new(&line)?)
}

fn logout(global: &Global, terminal: &Terminal) -> Result<ExitStatus, Error> {
    let config = Config::read()?;
    // A token may be kept for a server that is gone from config.toml.
    let name = match &global.profile {
        Some(name) => name.clone(),
        None => Target::of(&config, global)?.name,
    };
    let told = |forgotten: bool| {
        if let Format::Json = global.format.into() {
            ui::json(&serde_json::json!({ "profile": name, "forgotten": forgotten }));
        }
        Ok(ExitStatus::Done)
    };
    let Some(tokens) = Tokens::of_user() else { return told(false) };
    let shown = visible(&name);
    let Some(record) = tokens.forget(&name)? else {
        let server = config.servers.get(&name);
        let key = match server {
            Some(server) if server.token_file.is_some() => Some("token_file"),
            Some(server) if server.token_command.is_some() => Some("token_command"),
            _ => None,
        };
        if let Some(key) = key {
            let what = format!("the token of `{shown}` is not kept by this program: {key} says where it is");
            return Err(Error::setting(what, "remove it there"));
        }
        terminal.say(&format!("no token is kept for {shown}"));
        return told(false);
    };
    let was = match record.place {
        TokenPlace::Keyring => "the keyring",
        TokenPlace::File => "its file",
    };
    let text = format!("the token for {shown} ({}) is gone from {was}", visible(&record.origin));
    terminal.say(&format!("{text}; it works until it ends, unless you take it back in Waldur"));
    if connect::is_in_environment() {
        terminal.say("note: WALDUR_ACCESS_TOKEN is still set");
    }
    told(true)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn how_long_a_token_lasts_is_said_in_the_unit_that_says_most() {
        for (seconds, expected) in [
            (0, "0 seconds"),
            (90, "90 seconds"),
            (120, "2 minutes"),
            (7_200, "2 hours"),
            (90_000, "25 hours"),
            (31_536_000, "365 days"),
        ] {
            assert_eq!(span(seconds), expected);
        }
        assert_eq!(
            lasts(None, Some(Idle::For(Duration::from_hours(1)))),
            "for 60 minutes after it was used last"
        );
        assert_eq!(lasts(None, None), "no");
        assert!(lasts(None, Some(Idle::Untold)).contains("not told"));
        let expires = Timestamp::from_second(4_000_000_000).unwrap();
        assert!(lasts(Some(expires), Some(Idle::NoLimit)).starts_with("until 2096-10-02T07:06:40Z, for "));
        assert_eq!(lasts(Some(expires), None), "no");
    }
}
