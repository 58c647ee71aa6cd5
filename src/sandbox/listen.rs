//! Where a sandbox listens, and with which tokens.
//!
//! The tokens of a world stand in its file or in this source, so anybody may know them. That does no
//! harm on loopback; there is no way to say another address without tokens of one's own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

use super::SandboxError;
use super::world::World;
use crate::domain::visible;

/// The fewest characters of a token of one's own.
const SHORTEST: usize = 32;
/// The most accounts that an error lists.
const MOST_TOLD: usize = 20;

/// An address, and tokens of one's own where others can reach it.
#[derive(Debug, Clone)]
pub struct Listen {
    pub(super) address: SocketAddr,
    tokens: Option<AccountTokens>,
}

impl Listen {
    /// A loopback address, with the tokens of the world.
    pub fn on_loopback(address: SocketAddr) -> Result<Self, SandboxError> {
        if address.ip().is_loopback() {
            Ok(Self { address, tokens: None })
        } else {
            Err(SandboxError::NotLoopback(address))
        }
    }

    /// Any address, with tokens of one's own.
    pub fn with_tokens(address: SocketAddr, tokens: AccountTokens) -> Self {
        Self { address, tokens: Some(tokens) }
    }

    /// A free port of loopback, with the tokens of the world.
    pub(super) fn free_port() -> Self {
        Self { address: SocketAddr::from(([127, 0, 0, 1], 0)), tokens: None }
    }

    /// Whether the tokens are one's own, and not to be shown.
    pub fn has_own_tokens(&self) -> bool {
        self.tokens.is_some()
    }

    /// Puts tokens of one's own in the place of the world's. An account that has none then cannot be
    /// used at all.
    pub(super) fn equip(&self, world: &mut World) -> Result<(), SandboxError> {
        let Some(AccountTokens(own)) = &self.tokens else { return Ok(()) };
        let refused = |name: &str, what: &str| {
            Err(SandboxError::OwnToken { account: name.to_owned(), what: what.to_owned() })
        };
        let known: BTreeSet<String> = world.users.iter().map(|user| user.token.clone()).collect();
        for (name, token) in own {
            if world.users.iter().all(|user| user.username != *name) {
                return refused(name, &format!("the world has no such account; {}", accounts(world)));
            }
            if known.contains(token) {
                return refused(name, "its token is one of the world's, which anybody may know");
            }
        }
        for user in &mut world.users {
            user.token = own.get(&user.username).cloned().unwrap_or_default();
        }
        world.tokens.clone_from(own);
        Ok(())
    }
}

/// The accounts of a world as they are told to somebody who looks for one.
fn accounts(world: &World) -> String {
    let mut names: Vec<&str> = world.users.iter().map(|user| user.username.as_str()).collect();
    names.sort_unstable();
    let told: Vec<String> = names.iter().take(MOST_TOLD).map(|name| visible(name).to_string()).collect();
    let more = names.len() - told.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("it has {}{more}", told.join(", "))
}

/// Tokens of one's own, by the name of the account.
#[derive(Clone)]
pub struct AccountTokens(BTreeMap<String, String>);

impl fmt::Debug for AccountTokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

impl AccountTokens {
    /// Reads a file of lines such as `owner = 3f…`. Blank lines and lines that begin with `#` are
    /// skipped. On Unix a file that others can read is refused.
    pub fn read(path: &Path) -> Result<Self, SandboxError> {
        let unreadable = |source| SandboxError::Tokens { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        if is_open_to_others(path).map_err(unreadable)? {
            return Err(SandboxError::OpenTokens(path.to_owned()));
        }
        Self::parse(path, &text)
    }

    /// Reads the lines themselves, of a file that errors name; each token has at least 32 characters,
    /// and no two are the same.
    pub fn parse(path: &Path, text: &str) -> Result<Self, SandboxError> {
        let mut tokens: BTreeMap<String, String> = BTreeMap::new();
        let lines = (1..).zip(text.lines().map(str::trim));
        for (line, written) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let refused = |what| Err(SandboxError::TokenLine { path: path.to_owned(), line, what });
            let Some((account, token)) = written.split_once('=') else {
                return refused("write it as account = token");
            };
            let (account, token) = (account.trim(), token.trim().trim_matches('"'));
            if account.is_empty() || !token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return refused("a token has letters and digits alone");
            }
            if token.len() < SHORTEST {
                return refused("a token that others must not guess has at least 32 characters");
            }
            if tokens.values().any(|other| other == token) {
                return refused("two accounts have one token");
            }
            if tokens.insert(account.to_owned(), token.to_owned()).is_some() {
                return refused("the account stands there twice");
            }
        }
        if tokens.is_empty() { Err(SandboxError::NoTokens(path.to_owned())) } else { Ok(Self(tokens)) }
    }
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(path.metadata()?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(path: &Path) -> std::io::Result<bool> {
    path.metadata().map(|_| false)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "b81f6c3d9a0e47528c6df1b2a3e4c5d6";

    fn parse(text: &str) -> Result<AccountTokens, SandboxError> {
        AccountTokens::parse(Path::new("their tokens"), text)
    }

    fn refusal(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn tokens_are_long_and_each_account_has_its_own() {
        let tokens = parse(&format!("# ours\n\nowner = \"{LONG}\"\nstaff=x{LONG}\n")).unwrap();
        assert_eq!(tokens.0["owner"], LONG);
        assert_eq!(format!("{tokens:?}"), r#"{"owner", "staff"}"#);
        assert!(refusal("owner = short").contains("at least 32 characters"));
        assert!(refusal(LONG).contains("account = token"));
        assert!(
            refusal(&format!("owner={LONG}\nstaff={LONG}")).contains("their tokens, line 2: two accounts")
        );
        assert!(refusal(&format!("owner={LONG}\nowner=x{LONG}")).contains("twice"));
        assert!(refusal("# nothing\n").contains("their tokens holds no token"));
    }

    #[test]
    fn the_tokens_of_the_world_are_gone_where_one_has_own_ones() {
        let address = SocketAddr::from(([0, 0, 0, 0], 0));
        let listen = |text: &str| Listen::with_tokens(address, parse(text).unwrap());
        let mut world = World::built_in();
        let old = world.tokens["owner"].clone();
        listen(&format!("owner={LONG}")).equip(&mut world).unwrap();
        let tokens: Vec<&str> = world.users.iter().map(|user| user.token.as_str()).collect();
        assert_eq!(tokens, ["", LONG, "", "", ""]);
        assert_eq!(world.tokens.values().collect::<Vec<_>>(), [LONG]);
        let refused = |text: &str| listen(text).equip(&mut World::built_in()).unwrap_err().to_string();
        assert!(refused(&format!("owner={old}")).contains("anybody may know"));
        let told = refused(&format!("somebody={LONG}"));
        assert!(told.ends_with("no such account; it has consumer, manager, nobody, owner, staff"), "{told}");
    }
}
