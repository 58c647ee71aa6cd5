//! Near misses: what the user may have meant.

/// Folds a name for comparison: lower case, without blanks, dashes and underscores.
///
/// ```
/// # use waldur_usage::domain::fold;
/// assert_eq!(fold("Resource UUID"), fold("resource_uuid"));
/// ```
pub fn fold(name: &str) -> String {
    name.chars()
        .filter(|character| !character.is_whitespace() && !matches!(character, '-' | '_' | '\u{feff}'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// How much two names are alike, from 0 to 1; 1 where they are the same but for case, blanks, dashes and
/// underscores.
pub fn likeness(one: &str, other: &str) -> f64 {
    strsim::jaro_winkler(&fold(one), &fold(other))
}

/// The candidate that is most like `name`, where one is alike enough to be offered as a hint.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = fold(name);
    candidates
        .into_iter()
        .map(|candidate| (likeness(&wanted, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|left, right| left.0.total_cmp(&right.0).then_with(|| right.1.cmp(left.1)))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_word() {
        let components = ["cpu", "ram", "gpu_hours"];
        assert_eq!(nearest("gpu-hour", components), Some("gpu_hours"));
        assert_eq!(nearest("CPU", components), Some("cpu"));
        assert_eq!(nearest("storage", components), None);
    }
}
