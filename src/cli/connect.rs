//! Which server, with which token: flag before environment before profile.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{shell_word, visible};
use crate::error::Error;
use crate::source::SourceError;
use crate::ui::Terminal;
use crate::waldur::{AskToken, Reader, ServerAddress, Token, TokenSource};

use super::Global;
use super::config::{self, Chosen, Config, Server, TokenPlace, TokenRecord, Tokens};

/// A connection and what the profile says besides.
pub struct Connection {
    /// The connection.
    pub reader: Reader,
    /// The user's configuration.
    pub config: Config,
    /// The chosen server of the configuration.
    pub server: Option<Server>,
    /// Its name.
    pub profile: Option<String>,
    /// Where the token comes from.
    pub token_from: TokenFrom,
    /// Requests at a time.
    pub at_once: usize,
}

/// Sets a connection up; nothing is sent yet.
pub fn connect(global: &Global) -> Result<Connection, Error> {
    let config = Config::read_for(global.pipeline.as_deref())?;
    let chosen = chosen(&config, global)?;
    let written = global.url.as_deref().or(chosen.map(|chosen| chosen.server.url.as_str()));
    let written = written.ok_or_else(|| {
        let hint = "give --url, set WALDUR_API_URL, or name a server of config.toml with --profile";
        Error::setting("no server is named", hint)
    })?;
    let address = ServerAddress::parse(written, global.insecure_http)?;
    if let Some((chosen, path)) = chosen.and_then(|chosen| Some((chosen, chosen.by_project?))) {
        let (name, path) = (visible(chosen.name), path.to_string_lossy());
        let text = format!("the server is {name} ({address}), as {} says", visible(&path));
        Terminal::new(global.quiet, false).say(&text);
    }
    let token_from = TokenFrom::of(global, chosen)?.ok_or_else(|| no_token(chosen))?;
    let tokens = token_from.source(chosen, &address)?;
    let at_once = usize::from(global.connections);
    let profile = chosen.map(|chosen| chosen.name.to_owned());
    let server = chosen.map(|chosen| chosen.server.clone());
    let written = address.to_string();
    let reader = Reader::new(address, tokens, at_once, timeout()?)?;
    // A command that connects twice talks to one server.
    let _ = global.heard.set((written, reader.heard()));
    Ok(Connection { reader, config, server, profile, token_from, at_once })
}

/// The server that is meant.
pub fn chosen<'a>(config: &'a Config, global: &Global) -> Result<Option<Chosen<'a>>, Error> {
    config.chosen(global.profile.as_deref(), global.url.as_deref())
}

/// The variable that says how long the server may be silent, by the name that Waldur's own client gives it.
pub const TIMEOUT: &str = "WALDUR_HTTP_TIMEOUT";

/// How long the server may be silent.
pub fn timeout() -> Result<Duration, Error> {
    let Some(text) = std::env::var_os(TIMEOUT).filter(|text| !text.is_empty()) else {
        return Ok(Reader::TIMEOUT);
    };
    let text = text.to_string_lossy();
    let seconds = text.trim().parse().ok().filter(|seconds| (1..=3600).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| {
        let what = format!("{TIMEOUT} is `{}`", visible(&text));
        Error::setting(what, "set it to a number of seconds from 1 to 3600, or leave it out")
    })
}

/// The variable that holds a token.
pub const TOKEN: &str = "WALDUR_ACCESS_TOKEN";

/// Where a token comes from.
#[derive(Debug, Clone)]
pub enum TokenFrom {
    /// `--token-file -`.
    Stdin,
    /// `--token-file`.
    Flag(PathBuf),
    /// The environment.
    Environment,
    /// `token_file` of the profile.
    File(PathBuf),
    /// `token_command` of the profile.
    Command(Vec<String>),
    /// What `auth login` kept.
    Kept(TokenRecord),
}

fn no_token(chosen: Option<Chosen<'_>>) -> Error {
    let hint = "put it into a file and give --token-file FILE, or set WALDUR_ACCESS_TOKEN";
    let hint = chosen.map_or_else(
        || hint.to_owned(),
        |chosen| format!("waldur-usage auth login --profile {}; or {hint}", shell_word(chosen.name)),
    );
    Error::setting("no token is given", hint)
}

impl TokenFrom {
    /// Finds out where the token of a run comes from; `None` where there is none. No token is read, no
    /// program is run, and no keyring is asked.
    pub fn of(global: &Global, chosen: Option<Chosen<'_>>) -> Result<Option<Self>, Error> {
        if let Some(path) = &global.token_file {
            let is_stdin = path == Path::new("-");
            return Ok(Some(if is_stdin { Self::Stdin } else { Self::Flag(path.clone()) }));
        }
        if is_in_environment() {
            return Ok(Some(Self::Environment));
        }
        let Some(Chosen { name, server, .. }) = chosen else { return Ok(None) };
        match (&server.token_file, &server.token_command) {
            (Some(_), Some(_)) => {
                let what = "token_file and token_command are two ways to one token";
                Err(Error::setting(what, "leave one of them in config.toml"))
            }
            (Some(path), None) => Ok(Some(Self::File(config::resolve(path)))),
            (None, Some(command)) => Ok(Some(Self::Command(command.clone()))),
            (None, None) => {
                Ok(Tokens::of_user().map_or(Ok(None), |tokens| tokens.find(name))?.map(Self::Kept))
            }
        }
    }

    /// Where it is, in words.
    pub fn place(&self) -> String {
        let shown = |path: &Path| visible(&path.to_string_lossy()).to_string();
        match self {
            Self::Stdin => "on stdin".to_owned(),
            Self::Flag(path) | Self::File(path) => format!("in the file {}", shown(path)),
            Self::Environment => format!("in the variable {TOKEN}"),
            Self::Command(command) => {
                let program = command.first().map(String::as_str).unwrap_or_default();
                format!("told by the program {}", visible(program))
            }
            Self::Kept(record) => place(record),
        }
    }

    /// The word for it in JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Stdin => "stdin",
            Self::Flag(_) => "token-file",
            Self::Environment => "environment",
            Self::File(_) => "profile-file",
            Self::Command(_) => "command",
            Self::Kept(record) => match record.place {
                TokenPlace::Keyring => "keyring",
                TokenPlace::File => "insecure-storage",
            },
        }
    }

    /// The token, and how it is read once more where it expires.
    fn source(&self, chosen: Option<Chosen<'_>>, address: &ServerAddress) -> Result<TokenSource, Error> {
        match self {
            Self::Stdin => Ok(TokenSource::Fixed(from_stdin()?)),
            Self::Flag(path) => from_file(path),
            Self::Environment => {
                let token = std::env::var_os(TOKEN).unwrap_or_default();
                Ok(TokenSource::Fixed(Token::new(&token.to_string_lossy())?))
            }
            Self::File(path) => {
                of_profile(chosen, address)?;
                from_file(path)
            }
            Self::Command(command) => {
                of_profile(chosen, address)?;
                let token = config::token_by_command(command)?;
                let command = command.clone();
                let again: AskToken = Arc::new(move || config::token_by_command(&command).ok());
                Ok(TokenSource::Asked(again, token))
            }
            Self::Kept(record) => {
                let token = record.token(address)?;
                let (profile, address) = (record.profile.clone(), address.clone());
                // Somebody may have kept a fresh one meanwhile.
                let again: AskToken = Arc::new(move || {
                    let record = Tokens::of_user()?.find(&profile).ok()??;
                    record.token(&address).ok()
                });
                Ok(TokenSource::Asked(again, token))
            }
        }
    }
}

/// Where a token that is kept is, in words.
pub fn place(record: &TokenRecord) -> String {
    match record.place {
        TokenPlace::Keyring => "in the keyring".to_owned(),
        TokenPlace::File => {
            let path = Tokens::of_user().map(|tokens| tokens.path(&record.profile)).unwrap_or_default();
            format!("in plain text in the file {}", visible(&path.to_string_lossy()))
        }
    }
}

/// Whether the environment holds a token.
pub fn is_in_environment() -> bool {
    std::env::var_os(TOKEN).is_some_and(|token| !token.is_empty())
}

/// The profile's token was given for the profile's server, and goes nowhere else.
fn of_profile(chosen: Option<Chosen<'_>>, address: &ServerAddress) -> Result<(), Error> {
    let Some(chosen) = chosen else { return Ok(()) };
    let own = ServerAddress::parse(&chosen.server.url, true)?;
    if own == *address {
        return Ok(());
    }
    let what = format!("the token of the profile is for {own}, not for {address}");
    Err(Error::setting(what, "give the token of this server with --token-file"))
}

/// The token that stdin says, to its end.
pub fn from_stdin() -> Result<Token, Error> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(TokenSource::LONGEST_FILE).read_to_string(&mut text);
    read.map_err(|source| SourceError::Unreadable { path: "-".into(), source })?;
    Ok(Token::new(&text)?)
}

fn from_file(path: &Path) -> Result<TokenSource, Error> {
    let unreadable = |source| SourceError::Unreadable { path: path.to_owned(), source };
    let token = Token::new(&TokenSource::read(path).map_err(unreadable)?)?;
    Ok(TokenSource::File(path.to_owned(), token))
}

/// The token of a file, as `--token-file` names it.
pub fn typed(path: &Path) -> Result<Token, Error> {
    if path == Path::new("-") {
        return from_stdin();
    }
    let unreadable = |source| SourceError::Unreadable { path: path.to_owned(), source };
    Ok(Token::new(&TokenSource::read(path).map_err(unreadable)?)?)
}
