//! What goes wrong with a database, in the words of whoever has to mend it.

use std::error::Error;

use tokio_postgres::error::SqlState;

use crate::domain::visible;
use crate::warehouse::ManifestError;

/// What goes wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The server, or the way to it.
    #[error(transparent)]
    Server(#[from] tokio_postgres::Error),
    /// We do not write there, or cannot.
    #[error("{0}")]
    Refused(String),
    /// What stands in the audit is no manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Another run writes there.
    #[error("another run writes there")]
    Busy,
}

impl Fault {
    /// Whether it is gone where one waits and tries again: somebody else holds a lock.
    pub(super) fn is_about_a_lock(&self) -> bool {
        let Self::Server(error) = self else { return false };
        error.code().is_some_and(|code| {
            [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED].contains(code)
        })
    }

    /// Whether the server does not know what a statement names.
    pub(super) fn is_about_a_name(&self) -> bool {
        let Self::Server(error) = self else { return false };
        error
            .code()
            .is_some_and(|code| [SqlState::UNDEFINED_COLUMN, SqlState::UNDEFINED_TABLE].contains(code))
    }
}

/// An error of the server in its own words. The password is in none of them: the server never has it as
/// text, and what we send is not repeated.
pub(super) fn words(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        let mut text = visible(error.message()).to_string();
        for more in [error.detail(), error.hint()].into_iter().flatten() {
            text = format!("{text}. {}", visible(more));
        }
        return format!("{text} (SQLSTATE {})", error.code().code());
    }
    let mut parts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(error) = source {
        let text = visible(&error.to_string()).to_string();
        if parts.iter().all(|part| !part.contains(&text)) {
            parts.push(text);
        }
        source = error.source();
    }
    parts.join(": ")
}
