//! Where the user's own files are.

use std::path::{Path, PathBuf};

use etcetera::{BaseStrategy, choose_base_strategy};

/// The folder of the program among the user's settings.
const OWN: &str = "waldur-usage";

/// `config.toml`; `None` where there is no home folder.
pub fn user_file() -> Option<PathBuf> {
    Some(choose_base_strategy().ok()?.config_dir().join(OWN).join("config.toml"))
}

/// The home folder.
pub(super) fn home() -> Option<PathBuf> {
    choose_base_strategy().ok().map(|strategy| strategy.home_dir().to_owned())
}

/// The folder of what the program keeps for the user.
pub(super) fn data() -> Option<PathBuf> {
    choose_base_strategy().ok().map(|strategy| strategy.data_dir().join(OWN))
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
