//! Which server, with which token: flag before environment before profile.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use crate::domain::visible;
use crate::error::Error;
use crate::source::SourceError;
use crate::waldur::{Reader, ServerAddress, Token, TokenSource};

use super::Global;
use super::config::{self, Config, Server};

/// A connection and what the profile says besides.
pub struct Connection {
    /// The connection.
    pub reader: Reader,
    /// The user's configuration.
    pub config: Config,
    /// The chosen server of the configuration.
    pub server: Option<Server>,
    /// Requests at a time.
    pub at_once: usize,
}

/// Sets a connection up; nothing is sent yet.
pub fn connect(global: &Global) -> Result<Connection, Error> {
    let config = Config::read()?;
    let server = global.profile.as_deref().map(|name| config.server(name)).transpose()?.cloned();
    let written = global.url.as_deref().or(server.as_ref().map(|server| server.url.as_str()));
    let written = written.ok_or_else(|| {
        let hint = "give --url, set WALDUR_API_URL, or name a server of config.toml with --profile";
        Error::setting("no server is named", hint)
    })?;
    let address = ServerAddress::parse(written, global.insecure_http)?;
    let tokens = tokens(global, server.as_ref(), &address)?;
    let at_once = usize::from(global.connections);
    let written = address.to_string();
    let reader = Reader::new(address, tokens, at_once, timeout()?)?;
    // A command that connects twice talks to one server.
    let _ = global.heard.set((written, reader.heard()));
    Ok(Connection { reader, config, server, at_once })
}

/// How long the server may be silent, by the name that Waldur's own client gives it.
fn timeout() -> Result<Duration, Error> {
    let Some(text) = std::env::var_os("WALDUR_HTTP_TIMEOUT").filter(|text| !text.is_empty()) else {
        return Ok(Reader::TIMEOUT);
    };
    let text = text.to_string_lossy();
    let seconds = text.trim().parse().ok().filter(|seconds| (1..=3600).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| {
        let what = format!("WALDUR_HTTP_TIMEOUT is `{}`", visible(&text));
        Error::setting(what, "set it to a number of seconds from 1 to 3600, or leave it out")
    })
}

fn tokens(global: &Global, server: Option<&Server>, address: &ServerAddress) -> Result<TokenSource, Error> {
    if let Some(path) = &global.token_file {
        return read(path);
    }
    if let Some(token) = std::env::var_os("WALDUR_ACCESS_TOKEN").filter(|token| !token.is_empty()) {
        return Ok(TokenSource::Fixed(Token::new(&token.to_string_lossy())?));
    }
    let hint = "put it into a file and give --token-file FILE, or set WALDUR_ACCESS_TOKEN";
    let Some((server, path)) = server.and_then(|server| Some((server, server.token_file.as_ref()?))) else {
        return Err(Error::setting("no token is given", hint));
    };
    // The profile's token was given for the profile's server, and goes nowhere else.
    if ServerAddress::parse(&server.url, true)? != *address {
        let what = format!("the token of the profile is for {}, not for {address}", server.url);
        return Err(Error::setting(what, "give the token of this server with --token-file"));
    }
    read(&config::resolve(path))
}

fn read(path: &Path) -> Result<TokenSource, Error> {
    let unreadable = |source| SourceError::Unreadable { path: path.to_owned(), source };
    if path == Path::new("-") {
        let mut text = String::new();
        let stdin = std::io::stdin().lock();
        stdin.take(TokenSource::LONGEST_FILE).read_to_string(&mut text).map_err(unreadable)?;
        return Ok(TokenSource::Fixed(Token::new(&text)?));
    }
    let token = Token::new(&TokenSource::read(path).map_err(unreadable)?)?;
    Ok(TokenSource::File(path.to_owned(), token))
}
