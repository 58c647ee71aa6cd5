//! The beginning of the name of a file that we make for one of the user's.

use super::is_invisible;

/// What remains of a stem where names of ours begin with it: nothing invisible, nothing that a file system
/// takes for more than a part of a name, and not too long for what is put behind it.
///
/// ```
/// # use waldur_usage::domain::file_stem;
/// assert_eq!(file_stem("Usage November (2)"), "Usage November (2)");
/// assert_eq!(file_stem("us\u{1b}[31mage\u{202e}"), "us-[31mage-");
/// assert_eq!(file_stem(" -rf "), "rf");
/// assert_eq!(file_stem("-"), "usage");
/// ```
pub fn file_stem(text: &str) -> String {
    /// Names of files take 255 bytes; endings of ours take few.
    const MOST: usize = 160;
    let is_special = |one: char| is_invisible(one) || "/\\:*?\"<>|".contains(one);
    let mut stem: String = text.chars().map(|one| if is_special(one) { '-' } else { one }).collect();
    while stem.len() > MOST {
        stem.pop();
    }
    let stem = stem.trim().trim_start_matches(['-', '.']).trim();
    if stem.is_empty() { "usage".to_owned() } else { stem.to_owned() }
}
