//! Long texts, cut where a word ends.

/// The beginning of a text of so many characters at most, cut behind a word where there is one, and with a
/// sign that something is missing.
///
/// ```
/// # use waldur_usage::domain::cut;
/// assert_eq!(cut("three words here", 16), "three words here");
/// assert_eq!(cut("three words here", 13), "three words…");
/// assert_eq!(cut("threewordshere", 6), "three…");
/// ```
pub fn cut(text: &str, most: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(most) else { return text.to_owned() };
    // The sign takes the place of a character.
    let last = text[..end].char_indices().next_back().map_or(0, |(at, _)| at);
    let kept = &text[..last];
    let is_between = text[last..].starts_with(char::is_whitespace);
    let word = kept.rfind(char::is_whitespace).filter(|at| !is_between && *at * 2 > last).unwrap_or(last);
    format!("{}…", kept[..word].trim_end())
}
