//! The keyring of the operating system: the Secret Service of a desktop, the Keychain
//! of macOS, the Credential Manager of Windows.
//!
//! A keyring may wait for somebody who unlocks it, and on a machine without a desktop for ever; so it is asked
//! beside whoever waits, and for a while.

use std::sync::mpsc;
use std::time::Duration;

use keyring_core::{Entry, Error as StoreError};

use crate::domain::visible;
use crate::error::Error;

/// Under which name everything of ours is kept.
const SERVICE: &str = "waldur-usage";
/// How long somebody may take to unlock it.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a keyring does not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is none.
    Absent(String),
    /// It says nothing.
    Silent,
    /// It does not want to.
    Failed(String),
}

impl Refusal {
    /// The error, with what to do instead.
    pub fn error(self, hint: &str) -> Error {
        let what = match self {
            Self::Absent(why) => format!("there is no keyring here: {why}"),
            Self::Silent => {
                format!(
                    "the keyring did not answer within {} seconds; it may wait to be unlocked",
                    PATIENCE.as_secs()
                )
            }
            Self::Failed(why) => format!("the keyring: {why}"),
        };
        Error::setting(what, hint)
    }
}

/// Keeps a secret under a name, in place of what was there.
pub(super) fn keep(name: String, secret: String) -> Result<(), Refusal> {
    ask(move || entry(&name)?.set_password(&secret).map_err(|error| failed(&error)))
}

/// The secret of a name; `None` where there is none.
pub(super) fn find(name: String) -> Result<Option<String>, Refusal> {
    ask(move || match entry(&name)?.get_password() {
        Ok(secret) => Ok(Some(secret)),
        Err(StoreError::NoEntry) => Ok(None),
        Err(error) => Err(failed(&error)),
    })
}

/// Removes the secret of a name; false where there was none.
pub(super) fn forget(name: String) -> Result<bool, Refusal> {
    ask(move || match entry(&name)?.delete_credential() {
        Ok(()) => Ok(true),
        Err(StoreError::NoEntry) => Ok(false),
        Err(error) => Err(failed(&error)),
    })
}

/// Asks on a thread of its own: what talks to a keyring blocks, and may block for ever.
fn ask<T: Send + 'static>(
    question: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(question()));
    receiver.recv_timeout(PATIENCE).unwrap_or(Err(Refusal::Silent))
}

fn entry(name: &str) -> Result<Entry, Refusal> {
    if keyring_core::get_default_store().is_none() {
        open()?;
    }
    Entry::new(SERVICE, name).map_err(|error| failed(&error))
}

/// Words of a keyring hold no secret; those about a secret that cannot be read might.
fn failed(error: &StoreError) -> Refusal {
    Refusal::Failed(match error {
        StoreError::BadEncoding(_) | StoreError::BadDataFormat(..) => "it holds what is no text".to_owned(),
        StoreError::Ambiguous(_) => "it holds several entries of this name".to_owned(),
        error => visible(&error.to_string()).to_string(),
    })
}

#[cfg(all(unix, not(target_os = "macos")))]
fn open() -> Result<(), Refusal> {
    // Without a bus, the library would start one for each run, and nobody would ever end them.
    if !has_session_bus() {
        return Err(Refusal::Absent("no session bus runs (DBUS_SESSION_BUS_ADDRESS is not set)".to_owned()));
    }
    let store = dbus_secret_service_keyring_store::Store::new();
    keyring_core::set_default_store(store.map_err(|error| absent(&error))?);
    Ok(())
}

#[cfg(all(unix, not(target_os = "macos")))]
fn has_session_bus() -> bool {
    let is_set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let socket = || is_set("XDG_RUNTIME_DIR").map(|folder| std::path::Path::new(&folder).join("bus"));
    is_set("DBUS_SESSION_BUS_ADDRESS").is_some() || socket().is_some_and(|socket| socket.exists())
}

#[cfg(target_os = "macos")]
fn open() -> Result<(), Refusal> {
    let store = apple_native_keyring_store::keychain::Store::new();
    keyring_core::set_default_store(store.map_err(|error| absent(&error))?);
    Ok(())
}

#[cfg(target_os = "windows")]
fn open() -> Result<(), Refusal> {
    let store = windows_native_keyring_store::Store::new();
    keyring_core::set_default_store(store.map_err(|error| absent(&error))?);
    Ok(())
}

#[cfg(not(any(unix, windows)))]
fn open() -> Result<(), Refusal> {
    Err(Refusal::Absent("this platform has none that is known".to_owned()))
}

#[cfg(any(unix, windows))]
fn absent(error: &StoreError) -> Refusal {
    Refusal::Absent(visible(&error.to_string()).to_string())
}
