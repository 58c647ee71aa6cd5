//! Where the user's own files are.

use std::path::{Path, PathBuf};

use etcetera::{BaseStrategy, choose_base_strategy};

/// The folder of the program among the user's settings.
const OWN: &str = "waldur-usage";

/// `config.toml`; `None` where there is no folder of settings.
pub fn user_file() -> Option<PathBuf> {
    Some(settings()?.join(OWN).join("config.toml"))
}

/// The home folder.
pub(super) fn home() -> Option<PathBuf> {
    choose_base_strategy().ok().map(|strategy| strategy.home_dir().to_owned())
}

/// The folder of the user's settings, of all programs; `None` where nothing says where it is.
pub fn settings() -> Option<PathBuf> {
    match choose_base_strategy() {
        Ok(strategy) => Some(strategy.config_dir()),
        Err(_) => named("XDG_CONFIG_HOME"),
    }
}

/// The folder of what the program keeps for the user; `None` where nothing says where it is.
pub fn data() -> Option<PathBuf> {
    let all = match choose_base_strategy() {
        Ok(strategy) => Some(strategy.data_dir()),
        Err(_) => named("XDG_DATA_HOME"),
    };
    Some(all?.join(OWN))
}

/// A folder that a variable names. In a container, a user may have no home.
fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|folder| folder.is_absolute())
}

/// A path of the configuration: `~/` is the home folder, anything else relative to the file.
pub fn resolve(written: &Path) -> PathBuf {
    match (written.strip_prefix("~"), home()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => user_file()
            .and_then(|path| Some(path.parent()?.join(written)))
            .unwrap_or_else(|| written.to_owned()),
    }
}
