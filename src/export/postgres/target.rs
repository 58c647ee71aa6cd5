//! A target as it is valid: where the server is, as whom, and how the way there is kept safe.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

/// A database to write months to.
#[derive(Debug, Clone)]
pub struct PostgresTarget {
    /// The name of the target in the configuration.
    pub name: String,
    /// Where the server is.
    pub host: Host,
    /// Its port.
    pub port: u16,
    /// The database.
    pub database: String,
    /// The user.
    pub user: String,
    /// The schema that holds the tables.
    pub schema: SchemaName,
    /// How the way there is kept safe.
    pub tls: Tls,
    /// The password, where the server asks for one.
    pub password: Option<Password>,
}

impl PostgresTarget {
    /// The port of PostgreSQL.
    pub const PORT: u16 = 5432;
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// The folder of its socket on this machine.
    Socket(PathBuf),
    /// Its name or its address.
    Name(String),
}

impl Host {
    /// Reads a host; one that begins with `/` is the folder of a socket. What is refused is not shown,
    /// because an address that was put here whole may hold a password.
    pub fn new(text: &str) -> Result<Self, TargetError> {
        if text.starts_with('/') {
            return Ok(Self::Socket(PathBuf::from(text)));
        }
        let is_address = text.parse::<IpAddr>().is_ok();
        let is_name = !text.is_empty()
            && text.chars().all(|character| character.is_ascii_alphanumeric() || "-._".contains(character));
        if is_address || is_name { Ok(Self::Name(text.to_owned())) } else { Err(TargetError::Host) }
    }

    /// Whether nobody but this machine sees what goes there.
    pub fn is_here(&self) -> bool {
        match self {
            Self::Socket(_) => true,
            Self::Name(name) => {
                name.eq_ignore_ascii_case("localhost")
                    || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

/// How the way to the server is kept safe, as a user says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// TLS, with a certificate that is of this host and of an authority that is trusted.
    VerifyFull,
    /// No TLS: whoever is on the way reads everything.
    Plaintext,
}

/// How the way to the server is kept safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    Off,
    /// TLS, with a certificate that is of this host.
    VerifyFull {
        /// The only authorities that are trusted; those of this machine where it is not given.
        authorities: Option<PathBuf>,
    },
}

impl Tls {
    /// What holds for a host. Nothing goes to another machine unprotected unless the user says so.
    pub fn of(host: &Host, mode: Option<TlsMode>, authorities: Option<PathBuf>) -> Result<Self, TargetError> {
        match (host, mode, authorities) {
            (Host::Socket(_), Some(TlsMode::VerifyFull), _) | (Host::Socket(_), None, Some(_)) => {
                Err(TargetError::TlsOnSocket)
            }
            (_, Some(TlsMode::Plaintext), Some(_)) => Err(TargetError::AuthoritiesWithoutTls),
            (_, Some(TlsMode::Plaintext), None) | (Host::Socket(_), None, None) => Ok(Self::Off),
            (host, None, None) if host.is_here() => Ok(Self::Off),
            (Host::Name(_), None | Some(TlsMode::VerifyFull), authorities) => {
                Ok(Self::VerifyFull { authorities })
            }
        }
    }
}

/// The name of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaName(String);

impl SchemaName {
    /// Takes a name that the server takes whole.
    pub fn new(text: &str) -> Result<Self, TargetError> {
        let is_of_the_server = text.starts_with("pg_") || text == "information_schema";
        let is_name = !text.is_empty() && text.len() <= LONGEST_NAME && !text.contains('\0');
        if is_name && !is_of_the_server { Ok(Self(text.to_owned())) } else { Err(TargetError::Schema) }
    }

    /// The name.
    pub fn get(&self) -> &str {
        &self.0
    }
}

impl Default for SchemaName {
    fn default() -> Self {
        Self("waldur".to_owned())
    }
}

/// The length that the server cuts names to, without a word.
pub(super) const LONGEST_NAME: usize = 63;

/// A password. It prints as `****` everywhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Takes a password as a file, the environment or a command gives it: the end of the line is no part
    /// of it, blanks are.
    pub fn new(text: &str) -> Result<Self, TargetError> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() || text.contains(['\0', '\n', '\r']) {
            Err(TargetError::Password)
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// The password, for the one place that sends it.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("****")
    }
}

/// A setting of a target cannot be used. None of them shows what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The host is no host.
    #[error("the host is no name, no address and no folder of a socket")]
    Host,
    /// TLS was asked for where there is none.
    #[error("a socket has no TLS")]
    TlsOnSocket,
    /// Authorities are given for a way that does not ask them.
    #[error("ca_file is given, and tls is plaintext")]
    AuthoritiesWithoutTls,
    /// The schema is no name.
    #[error("the schema is no name that PostgreSQL takes: up to 63 bytes, and not one of its own")]
    Schema,
    /// The password is none.
    #[error("the password is empty or of several lines")]
    Password,
}

impl TargetError {
    /// What to do.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Host => {
                "give the host alone; port, database and user have keys of their own, and the password is never in here"
            }
            Self::TlsOnSocket => "leave tls and ca_file out",
            Self::AuthoritiesWithoutTls => "leave one of them out",
            Self::Schema => "give another name",
            Self::Password => "let it be one line that holds the password alone",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_goes_to_another_machine_unprotected_unless_the_user_says_so() {
        let of = |host: &str, mode, file: Option<&str>| {
            Tls::of(&Host::new(host).unwrap(), mode, file.map(PathBuf::from))
        };
        let verified = |file: Option<&str>| Ok(Tls::VerifyFull { authorities: file.map(PathBuf::from) });
        assert_eq!(of("db.example.org", None, None), verified(None));
        assert_eq!(of("10.0.0.1", None, Some("ca.pem")), verified(Some("ca.pem")));
        assert_eq!(of("db.example.org", Some(TlsMode::Plaintext), None), Ok(Tls::Off));
        for here in ["/run/postgresql", "localhost", "127.0.0.1", "127.1.2.3", "::1"] {
            assert_eq!(of(here, None, None), Ok(Tls::Off), "{here}");
        }
        assert_eq!(of("localhost", None, Some("ca.pem")), verified(Some("ca.pem")));
        assert_eq!(of("localhost", Some(TlsMode::VerifyFull), None), verified(None));
        assert_eq!(of("/run", Some(TlsMode::VerifyFull), None), Err(TargetError::TlsOnSocket));
        assert_eq!(of("/run", None, Some("ca.pem")), Err(TargetError::TlsOnSocket));
        let both = of("db.example.org", Some(TlsMode::Plaintext), Some("ca.pem"));
        assert_eq!(both, Err(TargetError::AuthoritiesWithoutTls));
        // What only looks like this machine is another one.
        assert!(!Host::new("localhost.example.org").unwrap().is_here());
        assert!(!Host::new("127.0.0.1.example.org").unwrap().is_here());
    }

    #[test]
    fn an_address_with_a_password_is_no_host_and_does_not_show() {
        for text in ["postgres://u:secret@db/x", "u:secret@db", "db/x?password=secret", "", "a b"] {
            let error = Host::new(text).unwrap_err();
            assert!(!format!("{error} {error:?} {}", error.hint()).contains("secret"));
        }
    }

    #[test]
    fn a_password_is_one_line_and_never_prints() {
        let password = Password::new(" pass word \r\n").unwrap();
        assert_eq!(password.reveal(), " pass word ");
        assert_eq!(format!("{password:?}"), "****");
        for text in ["", "\n", "one\ntwo", "nul\0"] {
            assert_eq!(Password::new(text), Err(TargetError::Password), "{text:?}");
        }
    }

    #[test]
    fn names_that_the_server_would_cut_or_keeps_for_itself_are_refused() {
        assert_eq!(SchemaName::new("Facts of \"2026\"").unwrap().get(), "Facts of \"2026\"");
        let longest = "x".repeat(LONGEST_NAME);
        assert!(SchemaName::new(&longest).is_ok());
        for text in ["", "pg_catalog", "information_schema", &format!("{longest}x"), "a\0b"] {
            assert_eq!(SchemaName::new(text), Err(TargetError::Schema), "{text:?}");
        }
    }
}
