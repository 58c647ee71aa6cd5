//! Tokens that `auth login` keeps: in the keyring of the operating system, or, where that was asked for by
//! name, in a file that only its owner may read.
//!
//! A small record of each stands among the user's data: whose it is, where it is kept, and for which origin
//! (scheme, host and port). A token goes to no other origin, whatever `config.toml` says by then; in the
//! keyring its very name has the origin in it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::visible;
use crate::error::Error;
use crate::secret::is_open_to_others;
use crate::waldur::{ServerAddress, Token};

use super::{folders, keyring};

/// The form of the records.
const VERSION: u32 = 1;
/// How much of a record is read.
const LARGEST: u64 = 128 * 1024;

/// Where a token is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The keyring of the operating system.
    Keyring,
    /// The record itself, in plain text.
    File,
}

/// What is known of a token that is kept. It does not print the token.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    version: u32,
    /// The server's name in `config.toml`.
    pub profile: String,
    /// The only origin that it goes to.
    pub origin: String,
    /// Whose it is.
    pub username: String,
    /// When it was kept.
    pub kept_at: Timestamp,
    /// Where it is kept.
    pub place: Place,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<Plain>,
}

/// A token in a file. It prints as `****`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
struct Plain(String);

impl std::fmt::Debug for Plain {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("****")
    }
}

impl Record {
    /// Refuses to let the token go to another origin than its own.
    pub fn judge(&self, address: &ServerAddress) -> Result<(), Error> {
        let origin = address.origin();
        if origin == self.origin {
            return Ok(());
        }
        let what = format!(
            "the token that is kept for `{}` is for {}, and not for {origin}",
            visible(&self.profile),
            visible(&self.origin)
        );
        let hint = format!(
            "if the address is right, keep a token for it: waldur-usage auth login --profile {}",
            crate::domain::shell_word(&self.profile)
        );
        Err(Error::setting(what, hint))
    }

    /// The token, for a server of its own origin.
    pub fn token(&self, address: &ServerAddress) -> Result<Token, Error> {
        self.judge(address)?;
        let again = "keep it again: waldur-usage auth login";
        let gone =
            || Error::setting(format!("no token of `{}` is there any more", visible(&self.profile)), again);
        let text = match (self.place, &self.token) {
            (Place::File, token) => token.as_ref().map(|token| token.0.clone()),
            (Place::Keyring, _) => keyring::find(self.name()).map_err(|refusal| {
                refusal.error("unlock it, or give the token with --token-file or WALDUR_ACCESS_TOKEN")
            })?,
        };
        Ok(Token::new(&text.ok_or_else(gone)?)?)
    }

    /// Its name in a keyring.
    fn name(&self) -> String {
        format!("{} {}", self.origin, self.profile)
    }
}

/// The records of the user.
#[derive(Debug, Clone)]
pub struct Tokens {
    folder: PathBuf,
}

impl Tokens {
    /// Those of the user; `None` where there is no home folder.
    pub fn of_user() -> Option<Self> {
        Some(Self { folder: folders::data()?.join("tokens") })
    }

    /// The record of a profile. Its name is no path: the file is called by a uuid.
    pub fn path(&self, profile: &str) -> PathBuf {
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("waldur-usage profile {profile}").as_bytes());
        self.folder.join(format!("{}.json", id.simple()))
    }

    /// What is kept for a profile.
    pub fn find(&self, profile: &str) -> Result<Option<Record>, Error> {
        let path = self.path(profile);
        let shown = visible(&path.to_string_lossy()).to_string();
        let unreadable = |source| crate::source::SourceError::Unreadable { path: path.clone(), source };
        match path.symlink_metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error).into()),
            Ok(metadata) if !metadata.is_file() => {
                return Err(Error::setting(format!("{shown} is a link or no file at all"), "take it away"));
            }
            Ok(_) => {}
        }
        let file = File::open(&path).map_err(unreadable)?;
        if is_open_to_others(&file).map_err(unreadable)? {
            let what = format!("others may read {shown}, in which a token is kept");
            return Err(Error::setting(
                what,
                "get a new token in Waldur, and keep it by `waldur-usage auth login`",
            ));
        }
        let mut text = String::new();
        file.take(LARGEST).read_to_string(&mut text).map_err(unreadable)?;
        // What serde says of a text repeats parts of it, and a token may be among them.
        let read = serde_json::from_str::<Record>(&text).ok().filter(|record| record.version == VERSION);
        match read {
            Some(record) if record.profile == profile => Ok(Some(record)),
            _ => Err(Error::setting(
                format!("{shown} is not what this version keeps of a token"),
                "keep it again: waldur-usage auth login",
            )),
        }
    }

    /// Keeps a token for a profile, in place of the one that was kept before.
    pub fn keep(
        &self,
        profile: &str,
        address: &ServerAddress,
        username: &str,
        token: &Token,
        place: Place,
    ) -> Result<Record, Error> {
        let before = self.find(profile).ok().flatten();
        let mut record = Record {
            version: VERSION,
            profile: profile.to_owned(),
            origin: address.origin(),
            username: username.to_owned(),
            kept_at: Timestamp::now(),
            place,
            token: None,
        };
        match place {
            Place::Keyring => keyring::keep(record.name(), token.reveal().to_owned()).map_err(|refusal| {
                refusal.error(
                    "--insecure-storage keeps it in a file that only you may read, in plain text; or name a \
                     program with token_command in config.toml",
                )
            })?,
            Place::File => record.token = Some(Plain(token.reveal().to_owned())),
        }
        self.write(&record)?;
        // What was kept elsewhere before would be left behind.
        if let Some(before) = before.filter(|before| before.place == Place::Keyring)
            && (place == Place::File || before.name() != record.name())
        {
            let _ = keyring::forget(before.name());
        }
        Ok(record)
    }

    /// Removes what is kept for a profile from where it is kept; `None` where nothing is.
    pub fn forget(&self, profile: &str) -> Result<Option<Record>, Error> {
        let Some(record) = self.find(profile)? else { return Ok(None) };
        if record.place == Place::Keyring {
            keyring::forget(record.name())
                .map_err(|refusal| refusal.error("unlock it, and run this again"))?;
        }
        let path = self.path(profile);
        let removed = std::fs::remove_file(&path);
        removed.map_err(|error| {
            let what = format!("{} cannot be removed: {error}", visible(&path.to_string_lossy()));
            Error::setting(what, "remove it by hand: a token is kept there")
        })?;
        Ok(Some(record))
    }

    /// Writes a record: whole or not at all, and from its first byte on for its owner alone.
    fn write(&self, record: &Record) -> Result<(), Error> {
        let path = self.path(&record.profile);
        let written = make_folder(&self.folder).and_then(|()| {
            // A value of ours can always be written.
            let text = serde_json::to_string_pretty(record).unwrap_or_default();
            write_private(&path, &format!("{text}\n"))
        });
        written.map_err(|error| {
            let what = format!("{} cannot be written: {error}", visible(&path.to_string_lossy()));
            Error::setting(what, "check the folder and its rights")
        })
    }
}

/// Makes a folder that nobody else may look into, with all that are above it.
pub(super) fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes a file that only its owner may read beside its place, and moves it there.
pub(super) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension(format!("{}.new", Uuid::new_v4().simple()));
    let mut options = OpenOptions::new();
    // Where something stands already, somebody else may have put it there to read along.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let moved = written.and_then(|()| std::fs::rename(&beside, path));
    if moved.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> ServerAddress {
        ServerAddress::parse(text, true).unwrap()
    }

    fn tokens() -> (tempfile::TempDir, Tokens) {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens { folder: folder.path().join("deep/tokens") };
        (folder, tokens)
    }

    /// Every test of this process shares a keyring that forgets everything at the end.
    fn mock() {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| keyring_core::set_default_store(keyring_core::mock::Store::new().unwrap()));
    }

    #[test]
    fn a_token_is_found_again_and_goes_to_its_own_origin_only() {
        mock();
        for place in [Place::Keyring, Place::File] {
            let (folder, tokens) = tokens();
            let profile = format!("../{place:?}/\u{202e}main");
            let here = address("https://waldur.example.com/api/");
            assert!(tokens.find(&profile).unwrap().is_none());
            let token = Token::new("hunter2").unwrap();
            tokens.keep(&profile, &here, "owner", &token, place).unwrap();
            let record = tokens.find(&profile).unwrap().unwrap();
            assert_eq!((record.place, record.username.as_str()), (place, "owner"));
            assert!(!format!("{record:?}").contains("hunter2"));
            for same in ["https://waldur.example.com", "https://waldur.example.com:443/other"] {
                assert_eq!(record.token(&address(same)).unwrap(), token, "{same}");
            }
            for other in
                ["https://waldur.example.org", "http://waldur.example.com", "https://waldur.example.com:8443"]
            {
                let error = record.token(&address(other)).unwrap_err();
                let text = format!("{error} {:?}", error.hint());
                assert!(text.contains("is for https://waldur.example.com, and not for"), "{text}");
                assert!(!text.contains("hunter2") && !text.contains('\u{202e}'), "{text}");
            }
            let names: Vec<_> = std::fs::read_dir(folder.path().join("deep/tokens")).unwrap().collect();
            assert_eq!(names.len(), 1, "nothing is left beside it, and no name became a path");
            assert!(tokens.forget(&profile).unwrap().is_some());
            assert!(tokens.forget(&profile).unwrap().is_none());
            assert_eq!(keyring::find(record.name()).unwrap(), None);
        }
    }

    #[test]
    fn a_record_that_names_another_origin_does_not_find_the_token_of_a_keyring() {
        mock();
        let (_folder, tokens) = tokens();
        let here = address("https://kept.example.com");
        let token = Token::new("hunter2").unwrap();
        let record = tokens.keep("kept", &here, "owner", &token, Place::Keyring).unwrap();
        let text = std::fs::read_to_string(tokens.path("kept")).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        std::fs::write(tokens.path("kept"), text.replace("kept.example.com", "evil.example.com")).unwrap();
        let changed = tokens.find("kept").unwrap().unwrap();
        let error = changed.token(&address("https://evil.example.com")).unwrap_err();
        assert!(error.to_string().contains("no token of `kept` is there"), "{error}");
        assert_eq!(record.token(&here).unwrap(), token);
    }

    #[test]
    fn what_is_kept_anew_leaves_nothing_behind_in_the_keyring() {
        mock();
        let (_folder, tokens) = tokens();
        let here = address("https://moved.example.com");
        let first =
            tokens.keep("moved", &here, "owner", &Token::new("one").unwrap(), Place::Keyring).unwrap();
        let there = address("https://moved.example.org");
        let second =
            tokens.keep("moved", &there, "owner", &Token::new("two").unwrap(), Place::Keyring).unwrap();
        assert_eq!(keyring::find(first.name()).unwrap(), None);
        tokens.keep("moved", &there, "owner", &Token::new("three").unwrap(), Place::File).unwrap();
        assert_eq!(keyring::find(second.name()).unwrap(), None);
        let record = tokens.find("moved").unwrap().unwrap();
        assert_eq!(record.token(&there).unwrap(), Token::new("three").unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_it_and_a_link_is_not_followed() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let (folder, tokens) = tokens();
        let here = address("https://waldur.example.com");
        tokens.keep("main", &here, "owner", &Token::new("hunter2").unwrap(), Place::File).unwrap();
        let path = tokens.path("main");
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(path.parent().unwrap().metadata().unwrap().mode() & 0o777, 0o700);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        let error = tokens.find("main").unwrap_err();
        assert!(error.to_string().contains("others may read"), "{error}");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        let other = folder.path().join("other");
        std::fs::rename(&path, &other).unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        assert!(tokens.find("main").unwrap_err().to_string().contains("is a link"));
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "{\"token\": \"hunter2\"").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        let error = tokens.find("main").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}
