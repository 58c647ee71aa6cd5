//! The token that requests carry, and the next one where it expires in the middle of a run.
//!
//! A token that came from a file, a keyring or a program is read again after a 401. The law kept here: one run is one account,
//! so a new token is used only once it is known to be of the account that the run began with.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use reqwest::header::HeaderValue;

use crate::domain::UserId;

use super::{Token, TokenError, WaldurError};

/// Asks whatever keeps a token for the one that it has by now; `None` where it tells none.
pub type AskToken = Arc<dyn Fn() -> Option<Token> + Send + Sync>;

/// Where the token of a run comes from.
#[derive(Clone)]
pub enum TokenSource {
    /// It is given once.
    Fixed(Token),
    /// It stands in a file, which is read again once the server does not accept it any more.
    File(PathBuf, Token),
    /// A keyring or a program told it, and is asked again then.
    Asked(AskToken, Token),
}

impl TokenSource {
    /// How much is read of what holds a token, which has some dozens of characters; a wrong path may
    /// name a file of any size.
    pub const LONGEST_FILE: u64 = 64 * 1024;

    /// What a file says, as far as a token can be long.
    pub fn read(path: &Path) -> std::io::Result<String> {
        let mut text = String::new();
        std::fs::File::open(path)?.take(Self::LONGEST_FILE).read_to_string(&mut text)?;
        Ok(text)
    }
}

/// A token as it travels.
#[derive(Debug)]
pub(super) struct Credential {
    pub token: Token,
    pub header: HeaderValue,
}

impl Credential {
    fn new(token: Token) -> Result<Arc<Self>, TokenError> {
        let header = token.header()?;
        Ok(Arc::new(Self { token, header }))
    }
}

/// What is asked for a token once more.
#[derive(Clone)]
enum Again {
    Never,
    File(PathBuf),
    Ask(AskToken),
}

impl Again {
    /// The token that is there by now. It may take a while: a program may wait for somebody.
    fn token(&self) -> Option<Token> {
        match self {
            // A pipe has been read to its end, and reading it again may never end.
            Self::File(path) if path.metadata().is_ok_and(|metadata| metadata.is_file()) => {
                Token::new(&TokenSource::read(path).ok()?).ok()
            }
            Self::Never | Self::File(_) => None,
            Self::Ask(ask) => ask(),
        }
    }
}

/// The credential of a run.
pub(super) struct Credentials {
    again: Again,
    current: Mutex<Arc<Credential>>,
    /// Held by whoever looks for a new one.
    pub renewing: tokio::sync::Mutex<()>,
    account: OnceLock<UserId>,
}

impl Credentials {
    pub(super) fn new(source: TokenSource) -> Result<Self, TokenError> {
        let (token, again) = match source {
            TokenSource::Fixed(token) => (token, Again::Never),
            TokenSource::File(path, token) => (token, Again::File(path)),
            TokenSource::Asked(ask, token) => (token, Again::Ask(ask)),
        };
        let current = Mutex::new(Credential::new(token)?);
        Ok(Self { again, current, renewing: tokio::sync::Mutex::new(()), account: OnceLock::new() })
    }

    /// What requests carry now.
    pub(super) fn current(&self) -> Arc<Credential> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets requests carry this one from now on.
    pub(super) fn adopt(&self, fresh: Arc<Credential>) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
    }

    /// Another token than the one that was refused, where there is one by now. Where it is not known whose
    /// run this is, nobody could say whether another token belongs to it.
    pub(super) async fn read_again(&self, refused: &Credential) -> Option<Arc<Credential>> {
        self.account.get()?;
        let again = self.again.clone();
        // Requests under way, and Ctrl-C, do not wait for whoever is asked.
        let token = tokio::task::spawn_blocking(move || again.token()).await.ok()??;
        if token == refused.token { None } else { Credential::new(token).ok() }
    }

    /// An error where the run began with another account; the first one that is told is the run's own.
    pub(super) fn belong_to(&self, account: UserId) -> Result<(), WaldurError> {
        let before = *self.account.get_or_init(|| account);
        if before == account { Ok(()) } else { Err(WaldurError::OtherAccount { before, now: account }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_file_whose_token_changed_gives_another_one_and_only_to_a_known_account() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("token");
        let first = Token::new("first").unwrap();
        let credentials = Credentials::new(TokenSource::File(path.clone(), first.clone())).unwrap();
        let used = credentials.current();
        std::fs::write(&path, "second\n").unwrap();
        assert!(credentials.read_again(&used).await.is_none(), "whose run it is is not known yet");
        let account = UserId::new(uuid::Uuid::from_u128(1));
        credentials.belong_to(account).unwrap();
        assert_eq!(credentials.read_again(&used).await.unwrap().header, "Token second");
        std::fs::write(&path, " first ").unwrap();
        assert!(credentials.read_again(&used).await.is_none(), "it is the same");
        std::fs::write(&path, "").unwrap();
        assert!(credentials.read_again(&used).await.is_none(), "it is being written");
        std::fs::remove_file(&path).unwrap();
        assert!(credentials.read_again(&used).await.is_none(), "it is gone");
        assert!(credentials.belong_to(account).is_ok());
        let error = credentials.belong_to(UserId::new(uuid::Uuid::from_u128(2))).unwrap_err();
        assert!(matches!(error, WaldurError::OtherAccount { .. }), "{error}");
        let fixed = Credentials::new(TokenSource::Fixed(first)).unwrap();
        fixed.belong_to(account).unwrap();
        assert!(fixed.read_again(&fixed.current()).await.is_none());
    }

    #[tokio::test]
    async fn what_told_the_token_is_asked_again() {
        let told = Arc::new(Mutex::new(Some("first")));
        let tells = told.clone();
        let ask: AskToken = Arc::new(move || Token::new((*tells.lock().unwrap())?).ok());
        let credentials = Credentials::new(TokenSource::Asked(ask, Token::new("first").unwrap())).unwrap();
        credentials.belong_to(UserId::new(uuid::Uuid::from_u128(1))).unwrap();
        let used = credentials.current();
        assert!(credentials.read_again(&used).await.is_none(), "it is the same");
        *told.lock().unwrap() = Some("w_1790000000_second");
        assert_eq!(credentials.read_again(&used).await.unwrap().header, "Bearer w_1790000000_second");
        *told.lock().unwrap() = None;
        assert!(credentials.read_again(&used).await.is_none(), "it is locked");
    }
}
