//! A word of a command as it can be pasted into a terminal.

use super::visible;

/// Quotes a word of a command that is printed, so that what is pasted means the same: names of files have
/// blanks, and what does not show in them is shown.
///
/// ```
/// # use waldur_usage::domain::shell_word;
/// assert_eq!(shell_word("usage.xlsx"), "usage.xlsx");
/// assert_eq!(shell_word("Usage November.xlsx"), "\"Usage November.xlsx\"");
/// assert_eq!(shell_word("-x.csv"), "./-x.csv");
/// assert_eq!(shell_word("a$b \"c\".csv"), "'a$b \"c\".csv'");
/// ```
pub fn shell_word(text: &str) -> String {
    let shown = visible(text).to_string();
    // What begins with a dash is taken for a flag, but for `-` alone, which is stdin.
    let shown = if shown.len() > 1 && shown.starts_with('-') { format!("./{shown}") } else { shown };
    let is_plain = |one: char| one.is_alphanumeric() || "-_./:=@%+,".contains(one);
    if !shown.is_empty() && shown.chars().all(is_plain) {
        shown
    } else if shown.contains(['"', '$', '`', '\\', '!']) {
        format!("'{}'", shown.replace('\'', "'\\''"))
    } else {
        // Double quotes mean the same in the terminals of Windows.
        format!("\"{shown}\"")
    }
}
