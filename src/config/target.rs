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
use crate::secret::{PASSWORD, PATIENCE};

use super::folders::resolve;

/// A target as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenTarget {
    kind: Kind,
    path: Option<PathBuf>,
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
    Csv,
    Ndjson,
    Parquet,
    Delta,
    Xlsx,
}

/// A target as it is meant.
#[derive(Debug, Clone)]
pub enum NamedTarget {
    /// A database, with its password.
    Database(Box<PostgresTarget>),
    /// A folder or a file, and what is written there, as `--to` spells it.
    Files {
        /// What is written: `csv`, `ndjson`, `parquet`, `delta` or `xlsx`.
        kind: &'static str,
        /// The folder or the file.
        path: PathBuf,
    },
}

impl WrittenTarget {
    /// The target; the password of a database is fetched.
    pub(super) fn valid(&self, name: &str) -> Result<NamedTarget, Error> {
        if let Some(kind) = self.kind_of_files() {
            return Ok(NamedTarget::Files { kind, path: self.place(name)? });
        }
        let target = self.without_password(name)?;
        let target = PostgresTarget { password: self.password(name)?, ..target };
        Ok(NamedTarget::Database(Box::new(target)))
    }

    /// What is written, where it is to a folder or a file.
    pub(super) fn kind_of_files(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Postgres => None,
            Kind::Csv => Some("csv"),
            Kind::Ndjson => Some("ndjson"),
            Kind::Parquet => Some("parquet"),
            Kind::Delta => Some("delta"),
            Kind::Xlsx => Some("xlsx"),
        }
    }

    /// The folder or the file.
    fn place(&self, name: &str) -> Result<PathBuf, Error> {
        let of_databases = [
            ("host", self.host.is_some()),
            ("port", self.port.is_some()),
            ("database", self.database.is_some()),
            ("user", self.user.is_some()),
            ("schema", self.schema.is_some()),
            ("tls", self.tls.is_some()),
            ("ca_file", self.ca_file.is_some()),
            ("password_env", self.password_env.is_some()),
            ("password_file", self.password_file.is_some()),
            ("password_command", self.password_command.is_some()),
            ("password", self.password.is_some()),
            ("url", self.url.is_some()),
        ];
        if let Some((key, _)) = of_databases.into_iter().find(|(_, is_there)| *is_there) {
            let what = format!("{key} is of a database, and this is a place for files");
            return Err(Error::setting(about(name, what), "take it out"));
        }
        let path = self.path.as_deref().filter(|path| !path.as_os_str().is_empty());
        path.map(resolve).ok_or_else(|| Error::setting(about(name, "path is missing"), "add it"))
    }

    /// What is wrong with it, as far as no program has to be asked for the password.
    pub(super) fn judge(&self, name: &str) -> Result<(), Error> {
        if self.kind_of_files().is_some() {
            return self.place(name).map(drop);
        }
        self.without_password(name)?;
        if self.password_command.is_none() { self.password(name).map(drop) } else { Ok(()) }
    }

    /// The target, before its password is fetched.
    fn without_password(&self, name: &str) -> Result<PostgresTarget, Error> {
        if self.path.is_some() {
            let what = "path is of a place for files, and this is a database";
            return Err(Error::setting(about(name, what), "take it out"));
        }
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
        match of(lines)? {
            NamedTarget::Database(target) => Ok(*target),
            files @ NamedTarget::Files { .. } => panic!("{files:?}"),
        }
    }

    fn of(lines: &str) -> Result<NamedTarget, Error> {
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
    fn a_place_for_files_has_a_kind_and_a_path_and_nothing_of_a_database() {
        let read = |text: &str| toml::from_str::<WrittenTarget>(text).unwrap().valid("lake");
        for own in ["csv", "ndjson", "parquet", "delta", "xlsx"] {
            let target = read(&format!("kind = '{own}'\npath = '/srv/lake'")).unwrap();
            let NamedTarget::Files { kind, path } = target else { panic!("{target:?}") };
            assert_eq!((kind, path.as_path()), (own, "/srv/lake".as_ref()));
        }
        let refused = |text: &str| read(text).unwrap_err().to_string();
        assert!(refused("kind = 'parquet'").ends_with("path is missing"));
        assert!(refused("kind = 'parquet'\npath = ''").ends_with("path is missing"));
        let told = refused("kind = 'csv'\npath = 'a'\npassword = 'hunter2'");
        assert!(told.contains("password is of a database") && !told.contains("hunter2"), "{told}");
        assert!(of("path = 'a'").unwrap_err().to_string().contains("path is of a place for files"));
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
