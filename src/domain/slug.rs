//! Names of files that we make from names that others gave.

use super::sha256;

/// How much is kept of a name.
const LONGEST: usize = 40;

/// Small letters, digits and dashes of a name, and the beginning of a hash of what it stands for: no two
/// things share one, and it means nothing to any shell, path or unit.
///
/// ```
/// # use waldur_usage::domain::slug;
/// assert_eq!(slug("Month end!", "/home/a/Month end!.toml"), "month-end-cb8f8a81");
/// assert!(slug("../../etc", "b").starts_with("etc-"));
/// ```
pub fn slug(name: &str, whole: &str) -> String {
    let mut slug = String::new();
    for character in name.chars().map(|character| character.to_ascii_lowercase()) {
        if slug.len() >= LONGEST {
            break;
        }
        if character.is_ascii_alphanumeric() {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let hash = sha256(whole.as_bytes());
    let dash = if slug.is_empty() || slug.ends_with('-') { "" } else { "-" };
    format!("{slug}{dash}{}", hash.get(..8).unwrap_or_default())
}
