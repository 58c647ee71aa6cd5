//! The token: a secret that cannot print.

use std::fmt;

use jiff::Timestamp;
use reqwest::header::HeaderValue;

/// An access token. It prints as `****` everywhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// A text cannot be sent as a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Nothing there.
    #[error("the token is empty")]
    Empty,
    /// A character that no token has.
    #[error("the token holds a blank or a character that no token has")]
    BadCharacter,
}

impl Token {
    /// Takes a token as it stands in a file or the environment, blanks around it taken off.
    pub fn new(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        if text.is_empty() {
            Err(TokenError::Empty)
        } else if text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(TokenError::BadCharacter)
        }
    }

    /// When it expires, where it says so itself: a personal access token is `w_`, a Unix time, and the rest.
    pub fn expires(&self) -> Option<Timestamp> {
        let (seconds, _) = self.0.strip_prefix("w_")?.split_once('_')?;
        Timestamp::from_second(seconds.parse().ok()?).ok()
    }

    /// The token itself, for what keeps it; nothing else has to know it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Takes the token out of a text, should a server have echoed it.
    pub(super) fn scrub(&self, text: &str) -> String {
        text.replace(&self.0, "****")
    }

    /// The value of the `Authorization` header; personal access tokens go as `Bearer`.
    pub(super) fn header(&self) -> Result<HeaderValue, TokenError> {
        let scheme = if self.0.starts_with("w_") { "Bearer" } else { "Token" };
        let value = HeaderValue::from_str(&format!("{scheme} {}", self.0));
        let mut value = value.map_err(|_| TokenError::BadCharacter)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("****")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_follows_the_kind_of_token_and_nothing_prints() {
        let scheme = |text: &str| {
            let header = Token::new(text).unwrap().header().unwrap();
            assert!(header.is_sensitive());
            header.to_str().unwrap().to_owned()
        };
        assert_eq!(scheme(" 0123abcd\n"), "Token 0123abcd");
        assert_eq!(scheme("w_1790000000_abc"), "Bearer w_1790000000_abc");
        let expires = |text: &str| Token::new(text).unwrap().expires().map(|moment| moment.to_string());
        assert_eq!(expires("w_1790000000_abc").as_deref(), Some("2026-09-21T14:13:20Z"));
        assert_eq!(["w_abc", "w_soon_abc", "0123_4567_89"].map(expires), [None, None, None]);
        assert_eq!(format!("{:?}", Token::new("secret").unwrap()), "****");
        assert_eq!(Token::new(" ").unwrap_err(), TokenError::Empty);
        assert_eq!(Token::new("a b").unwrap_err(), TokenError::BadCharacter);
    }
}
