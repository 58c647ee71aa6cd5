//! A server that is added to `config.toml`, so that a first run needs no editor.

use std::fmt::Write;
use std::path::PathBuf;

use crate::domain::{is_invisible, visible};
use crate::error::Error;
use crate::waldur::ServerAddress;

use super::folders::user_file;
use super::tokens::{make_folder, write_private};
use super::{Config, document};

/// Adds a server to the user's file, and makes it the one that is meant where it is the only one; `None`
/// where there is no place for such a file. What stands there stays as it is.
pub fn add_server(config: &Config, name: &str, address: &ServerAddress) -> Result<Option<PathBuf>, Error> {
    let Some(path) = user_file() else { return Ok(None) };
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(crate::source::SourceError::Unreadable { path, source }.into()),
    };
    let is_first = config.servers.is_empty() && config.profile.is_none();
    let text = with_server(&before, name, address, is_first).ok_or_else(|| {
        let what = format!("`{}` cannot be the name of a server", visible(name));
        Error::setting(what, "give another one with --profile, of letters and digits")
    })?;
    let written = path.parent().map_or(Ok(()), make_folder).and_then(|()| {
        // Where the file is a link, what it leads to is written, and the link stays.
        write_private(&path.canonicalize().unwrap_or_else(|_| path.clone()), &text)
    });
    written.map_err(|error| {
        let what = format!("{} cannot be written: {error}", document::place(&path, None));
        Error::setting(what, "check the folder and its rights")
    })?;
    Ok(Some(path))
}

/// The text with a server at its end; `None` for a name that cannot be written.
fn with_server(before: &str, name: &str, address: &ServerAddress, is_first: bool) -> Option<String> {
    if name.is_empty() || name.chars().any(is_invisible) {
        return None;
    }
    // Without what is not shown, a text of JSON is a text of TOML.
    let (name, url) = (serde_json::to_string(name).ok()?, serde_json::to_string(&address.to_string()).ok()?);
    let mut text = if is_first { format!("profile = {name}\n") } else { String::new() };
    text.push_str(before);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let _ = write!(text, "{}[servers.{name}]\nurl = {url}\n", if text.is_empty() { "" } else { "\n" });
    toml::from_str::<Config>(&text).ok().map(|_| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_there_stays_and_the_first_server_is_meant() {
        let address = ServerAddress::parse("https://waldur.example.com/", false).unwrap();
        let add = |before: &str, name: &str, first| with_server(before, name, &address, first);
        assert_eq!(
            add("", "main", true).unwrap(),
            "profile = \"main\"\n\n[servers.\"main\"]\nurl = \"https://waldur.example.com\"\n"
        );
        let before = "# mine\n[policy]\nspike = \"deny\" # why";
        let after = add(before, "a.b \"c\"", true).unwrap();
        assert!(after.contains(before), "{after}");
        let config: Config = toml::from_str(&after).unwrap();
        assert_eq!(config.profile.as_deref(), Some("a.b \"c\""));
        assert!(config.servers.contains_key("a.b \"c\""));
        assert!(!add("[servers.old]\nurl = 'x'", "new", false).unwrap().contains("profile"));
        for name in ["", "a\nb", "\u{202e}main"] {
            assert_eq!(add("", name, true), None, "{name:?}");
        }
        assert_eq!(add("[servers.main]\nurl = 'x'", "main", false), None, "it is there already");
    }
}
