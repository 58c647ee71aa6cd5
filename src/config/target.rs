//! A target of `config.toml` as it is written, and what of it is valid.
//!
//! A password is never written there: it stands in the environment, in a file that nobody else may read,
//! or a command tells it. Nothing in here shows one, nor what was written where one belongs.

use std::path::PathBuf;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::domain::visible;
use crate::error::Error;
use crate::export::{Host, Password, PostgresTarget, SchemaName, TargetError, Tls, TlsMode};

use super::folders::resolve;
use super::secret::{PASSWORD, PATIENCE};

/// A target as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenTarget {
    kind: Kind,
    host: Option<String>,
    port: Option<u16>,
    database: Option<String>,
    user: Option<String>,
    schema: Option<String>,
    tls: Option<TlsMode>,
    ca_file: Option<PathBuf>,
    password_env: Option<String>,
    password_file: Option<PathBuf>,
    password_command: Option<Vec<String>>,
    /// Not read: it is refused.
    password: Option<IgnoredAny>,
    /// Not read: it is refused.
    url: Option<IgnoredAny>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Postgres,
}

impl WrittenTarget {
    /// The target, with its password.
    pub(super) fn valid(&self, name: &str) -> Result<PostgresTarget, Error> {
        let target = self.without_password(name)?;
        Ok(PostgresTarget { password: self.password(name)?, ..target })
    }

    /// What is wrong with it, as far as no program has to be asked for the password.
    pub(super) fn judge(&self, name: &str) -> Result<(), Error> {
        self.without_password(name)?;
        if self.password_command.is_none() { self.password(name).map(drop) } else { Ok(()) }
    }

    /// The target, before its password is fetched.
    fn without_password(&self, name: &str) -> Result<PostgresTarget, Error> {
        let Kind::Postgres = self.kind;
        let told = |error: TargetError| Error::setting(about(name, error), error.hint());
        if self.password.is_some() {
            return Err(Error::setting(about(name, "a password stands in config.toml"), SECRETS));
        }
        if self.url.is_some() {
            let hint = "give host, port, database and user, and the password apart";
            return Err(Error::setting(
                about(name, "an address may hold a password, and is not taken"),
                hint,
            ));
        }
        let required = |value: &Option<String>, key: &str| {
            let value = value.as_ref().filter(|value| !value.is_empty() && !value.contains('\0'));
            value.cloned().ok_or_else(|| Error::setting(about(name, format!("{key} is missing")), "add it"))
        };
        let host = Host::new(&required(&self.host, "host")?).map_err(told)?;
        let authorities = self.ca_file.as_deref().map(resolve);
        let schema = self.schema.as_deref().map(SchemaName::new).transpose().map_err(told)?;
        Ok(PostgresTarget {
            name: name.to_owned(),
            tls: Tls::of(&host, self.tls, authorities).map_err(told)?,
            host,
            port: self.port.unwrap_or(PostgresTarget::PORT),
            database: required(&self.database, "database")?,
            user: required(&self.user, "user")?,
            schema: schema.unwrap_or_default(),
            password: None,
        })
    }

    fn password(&self, name: &str) -> Result<Option<Password>, Error> {
        let told = |(what, hint): (String, &str)| Error::setting(about(name, what), hint);
        let text = match (&self.password_env, &self.password_file, &self.password_command) {
            (None, None, None) => return Ok(None),
            (Some(variable), None, None) => PASSWORD.in_environment(variable).map_err(told)?,
            (None, Some(path), None) => PASSWORD.in_file(&resolve(path)).map_err(told)?,
            (None, None, Some(command)) => PASSWORD.by_command(command, PATIENCE).map_err(told)?,
            _ => {
                let what = "password_env, password_file and password_command are three ways to one password";
                return Err(Error::setting(about(name, what), "leave one of them"));
            }
        };
        let password = Password::new(&text);
        password.map(Some).map_err(|error| Error::setting(about(name, error), error.hint()))
    }
}

const SECRETS: &str = "take it out, and name a variable with password_env, a file of yours alone with \
    password_file, or a command with password_command";

/// What is wrong, with the target that it is about.
fn about(name: &str, what: impl std::fmt::Display) -> String {
    format!("target `{}` of config.toml: {what}", visible(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A target with these lines besides what every target has.
    fn target(lines: &str) -> Result<PostgresTarget, Error> {
        let text = format!(
            "kind = 'postgres'\nhost = 'db.example.org'\ndatabase = 'facts'\nuser = 'loader'\n{lines}"
        );
        toml::from_str::<WrittenTarget>(&text).unwrap().valid("warehouse")
    }

    fn refused(lines: &str) -> String {
        let error = target(lines).unwrap_err();
        let text = format!("{error} {error:?} {}", error.hint().unwrap());
        assert!(!text.contains("hunter2"), "{text}");
        text
    }

    #[test]
    fn what_is_not_written_has_its_default_and_the_way_is_safe() {
        let found = target("").unwrap();
        assert_eq!((found.port, found.schema.get()), (5432, "waldur"));
        assert_eq!(found.tls, Tls::VerifyFull { authorities: None });
        assert_eq!(found.password, None);
        let found = target("port = 6543\nschema = 'facts'\ntls = 'plaintext'").unwrap();
        assert_eq!((found.port, found.schema.get(), found.tls), (6543, "facts", Tls::Off));
    }

    #[test]
    fn a_password_in_the_file_is_refused_and_not_shown() {
        assert!(refused("password = 'hunter2'").contains("password_env"));
        assert!(refused("url = 'postgres://u:hunter2@db/x'").contains("address"));
        let host = "kind = 'postgres'\nhost = 'u:hunter2@db'\ndatabase = 'x'\nuser = 'u'";
        let error = toml::from_str::<WrittenTarget>(host).unwrap().valid("warehouse").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        refused("password_env = 'hunter2'");
        refused("password_env = ''");
        refused("password_env = 'A=hunter2'");
        assert!(refused("password_env = 'A'\npassword_file = 'b'").contains("three ways"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let text = "kind = 'postgres'\nhost = 'db'\nuser = 'u'";
        let error = toml::from_str::<WrittenTarget>(text).unwrap().valid("warehouse").unwrap_err();
        assert_eq!(error.to_string(), "target `warehouse` of config.toml: database is missing");
        assert!(toml::from_str::<WrittenTarget>("kind = 'mysql'").is_err());
        assert!(toml::from_str::<WrittenTarget>("kind = 'postgres'\nport = 99999").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, "hunter2\n").unwrap();
        let line = format!("password_file = '{}'", path.display());
        for mode in [0o644, 0o640, 0o604] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            assert!(refused(&line).contains("chmod 600"), "{mode:o}");
        }
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        assert_eq!(target(&line).unwrap().password, Some(Password::new("hunter2").unwrap()));
        std::fs::write(&path, "\n").unwrap();
        assert!(refused(&line).contains("empty"));
        std::fs::write(&path, vec![b'a'; 70_000]).unwrap();
        assert!(refused(&line).contains("more than any password"));
        std::fs::remove_file(&path).unwrap();
        assert!(refused(&line).contains("password_file"));
    }

    #[cfg(unix)]
    #[test]
    fn a_command_tells_the_password_without_a_shell_and_within_its_time() {
        let told = |line: &str| target(line).unwrap().password;
        let expected = Some(Password::new("hunter2; echo $HOME").unwrap());
        assert_eq!(told("password_command = ['printf', '%s\\n', 'hunter2; echo $HOME']"), expected);
        assert!(refused("password_command = []").contains("empty"));
        assert!(refused("password_command = ['/no/such/program']").contains("cannot be started"));
        assert!(
            refused("password_command = ['sh', '-c', 'echo hunter2; exit 3']").contains("exit status: 3")
        );
        assert!(refused("password_command = ['true']").contains("empty"));
    }
}
