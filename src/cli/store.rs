//! Where runs are kept: `--store`, the environment, or the platform's data folder.

use std::path::PathBuf;

use etcetera::{BaseStrategy, choose_base_strategy};

use crate::domain::RunId;
use crate::error::Error;
use crate::store::{FindError, Store, StoredRun};

use super::Global;

/// Opens the store, and makes it where there is none.
pub fn open(global: &Global) -> Result<Store, Error> {
    Ok(Store::open(&folder(global)?)?)
}

/// The folder in which runs are kept.
pub fn folder(global: &Global) -> Result<PathBuf, Error> {
    if let Some(folder) = &global.store {
        return Ok(folder.clone());
    }
    let strategy = choose_base_strategy().map_err(|_| {
        Error::setting(
            "there is no home folder to keep runs in",
            "name a folder with --store or WALDUR_USAGE_STORE",
        )
    })?;
    Ok(strategy.data_dir().join("waldur-usage"))
}

/// The run whose id begins so.
pub fn find(store: &Store, beginning: &str) -> Result<StoredRun, Error> {
    let id = store.find(beginning).map_err(|error| match error {
        FindError::None => {
            let what = format!("no run begins with {}", crate::domain::visible(beginning));
            Error::setting(what, "`waldur-usage runs list` lists them; --store names another store")
        }
        FindError::Several(runs) => {
            let runs: Vec<String> = runs.iter().map(ToString::to_string).collect();
            let what = format!("{} runs begin with {}", runs.len(), crate::domain::visible(beginning));
            Error::setting(what, format!("name one of {}", runs.join(", ")))
        }
        FindError::Store(error) => Error::Store(error),
    })?;
    get(store, id)
}

/// A run that is known to be there.
pub fn get(store: &Store, id: RunId) -> Result<StoredRun, Error> {
    store
        .run(id)?
        .ok_or_else(|| Error::setting(format!("there is no run {id}"), "`waldur-usage runs list` lists them"))
}
