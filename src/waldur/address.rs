//! Where the server is, and whether a token may travel there.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use crate::domain::visible;

/// The address of a Waldur server, without `/api/` and without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress(Url);

/// Why an address is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is not an http or https address.
    #[error("`{0}` is not the http or https address of a server")]
    NotAnAddress(String),
    /// It holds a user name or password.
    #[error("the server's address holds a user name or a password")]
    HoldsCredentials,
    /// A token would travel in the clear.
    #[error("`{0}` is not https, so the token could be read on the way")]
    Insecure(String),
}

impl ServerAddress {
    /// Reads an address as people write it: with or without `/api/`. Plain http is for loopback
    /// only, unless `insecure_http` allows it.
    pub fn parse(text: &str, insecure_http: bool) -> Result<Self, AddressError> {
        let not_an_address = || AddressError::NotAnAddress(visible(text).to_string());
        let mut url = Url::parse(text.trim()).map_err(|_| not_an_address())?;
        if !matches!(url.scheme(), "http" | "https") || url.cannot_be_a_base() || url.host().is_none() {
            return Err(not_an_address());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::HoldsCredentials);
        }
        url.set_query(None);
        url.set_fragment(None);
        let path = url.path().trim_end_matches('/');
        let path = path.strip_suffix("/api").unwrap_or(path).to_owned();
        url.set_path(&path);
        let address = Self(url);
        if address.0.scheme() == "http" && !insecure_http && !address.is_loopback() {
            return Err(AddressError::Insecure(address.to_string()));
        }
        Ok(address)
    }

    /// Whether what is sent there is encrypted.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The scheme, the host and the port: whoever answers there may be told a token.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Whether it is on this machine.
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
            Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
            None => false,
        }
    }

    /// The URL of an endpoint such as `users/me/` with query parameters.
    pub(super) fn endpoint(&self, path: &str, query: &[(&str, String)]) -> Url {
        let mut url = self.0.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/api/{path}"));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, AddressError> {
        ServerAddress::parse(text, false).map(|address| address.to_string())
    }

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for text in [
            "https://waldur.example.com",
            "https://waldur.example.com/api/",
            "https://waldur.example.com/api?x=1",
        ] {
            assert_eq!(parse(text).unwrap(), "https://waldur.example.com", "{text}");
        }
        assert_eq!(parse("http://127.0.0.1:8000/").unwrap(), "http://127.0.0.1:8000");
        assert_eq!(parse("http://[::1]:8000/w/api/").unwrap(), "http://[::1]:8000/w");
        let address = ServerAddress::parse("https://example.com/w", false).unwrap();
        assert_eq!(address.origin(), "https://example.com");
        let ported = ServerAddress::parse("https://EXAMPLE.com:8443/w", false).unwrap();
        assert_eq!(ported.origin(), "https://example.com:8443");
        let url = address.endpoint("users/me/", &[("field", "uuid".into())]);
        assert_eq!(url.as_str(), "https://example.com/w/api/users/me/?field=uuid");
    }

    #[test]
    fn a_token_does_not_travel_in_the_clear() {
        assert!(matches!(parse("http://waldur.example.com"), Err(AddressError::Insecure(_))));
        assert!(ServerAddress::parse("http://waldur.example.com", true).is_ok());
        assert_eq!(parse("https://me:secret@example.com"), Err(AddressError::HoldsCredentials));
        assert!(matches!(parse("ftp://example.com"), Err(AddressError::NotAnAddress(_))));
        assert!(matches!(parse("waldur.example.com"), Err(AddressError::NotAnAddress(_))));
    }
}
