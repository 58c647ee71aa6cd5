//! Where runs are kept: `--store`, the environment, or the platform's data folder.

use std::path::PathBuf;

use crate::domain::RunId;
use crate::error::Error;
use crate::store::{FindError, Store, StoredRun};

use super::{Global, config};

/// Opens the store, and makes it where there is none.
pub fn open(global: &Global) -> Result<Store, Error> {
    Ok(Store::open(&folder(global)?)?)
}

/// The folder of the store; there may be none yet.
pub fn folder(global: &Global) -> Result<PathBuf, Error> {
    if let Some(folder) = &global.store {
        return Ok(folder.clone());
    }
    config::data().ok_or_else(|| {
        Error::setting(
            "there is no home folder to keep runs in",
            "name a folder with --store or WALDUR_USAGE_STORE",
        )
    })
}

/// The run whose id begins so; one that posts.
pub fn find(store: &Store, beginning: &str) -> Result<StoredRun, Error> {
    get(store, find_any(store, beginning)?)
}

/// The run, of a command or of a pipeline, whose id begins so.
pub fn find_any(store: &Store, beginning: &str) -> Result<RunId, Error> {
    store.find(beginning).map_err(|error| match error {
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
    })
}

/// A run that is known to be there.
pub fn get(store: &Store, id: RunId) -> Result<StoredRun, Error> {
    if let Some(stored) = store.run(id)? {
        return Ok(stored);
    }
    if store.pipeline_run(id)?.is_none() {
        let what = format!("there is no run {id}");
        return Err(Error::setting(what, "`waldur-usage runs list` lists them"));
    }
    let hint = match store.run_of_pipeline(id)? {
        Some(run) => format!("its step that posted is run {run}"),
        None => "it has posted nothing".to_owned(),
    };
    Err(Error::setting(format!("{id} is the run of a pipeline, and posts nothing itself"), hint))
}
