//! The name of its own sheet, taken out of a formula.
//!
//! `SUM(Usage!D2:D4)` in the sheet Usage is `SUM(D2:D4)`. Cells of other sheets are marked, so that none of
//! them is taken for a cell of this one.

/// What stands for another sheet; no cell begins so.
const ELSEWHERE: &str = "#!";

/// A formula without the name of its sheet; `is_open_document` tells `[Usage.D2]` from `Usage!D2`.
pub fn without_own_sheet(formula: &str, sheet: &str, is_open_document: bool) -> String {
    let sign = if is_open_document { '.' } else { '!' };
    // A part of the name of a sheet or a cell; a point ends the name of a sheet in an OpenDocument.
    let is_name = |one: char| one.is_alphanumeric() || one == '_' || one == '.' && !is_open_document;
    let mut written = String::with_capacity(formula.len());
    let mut rest = formula;
    let mut is_in_brackets = false;
    while let Some(first) = rest.chars().next() {
        let may_be_sheet = is_in_brackets || !is_open_document;
        let named = match first {
            '\'' => quoted(rest),
            _ if is_name(first) => {
                let end = rest.find(|one: char| !is_name(one)).unwrap_or(rest.len());
                Some((rest[..end].to_owned(), &rest[end..]))
            }
            _ => None,
        };
        let of_sheet = named.as_ref().and_then(|(name, behind)| Some((name, behind.strip_prefix(sign)?)));
        let taken = if let Some((name, behind)) = of_sheet.filter(|_| may_be_sheet) {
            if written.ends_with('$') {
                written.pop();
            }
            // Behind a bracket or a number sign stands the name of a sheet of another file.
            let is_own = name.to_lowercase() == sheet.to_lowercase() && !written.ends_with([']', '#']);
            written.push_str(if is_own { "" } else { ELSEWHERE });
            rest.len() - behind.len()
        } else {
            let end = match (first, &named) {
                ('"', _) => rest[1..].find('"').map_or(rest.len(), |end| end + 2),
                (_, Some((_, behind))) => rest.len() - behind.len(),
                (_, None) => first.len_utf8(),
            };
            is_in_brackets = match first {
                '[' => true,
                ']' => false,
                _ => is_in_brackets,
            };
            written.push_str(&rest[..end]);
            end
        };
        rest = &rest[taken..];
    }
    written
}

/// A name in single quotation marks, doubled ones inside, and what stands behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inside = text.strip_prefix('\'')?;
    let mut marks = inside.match_indices('\'').map(|(at, _)| at);
    let end = loop {
        let at = marks.next()?;
        if !inside[at + 1..].starts_with('\'') {
            break at;
        }
        marks.next();
    };
    Some((inside[..end].replace("''", "'"), &inside[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::without_own_sheet;

    #[test]
    fn the_own_sheet_is_taken_out_and_others_stay() {
        let excel = |formula: &str| without_own_sheet(formula, "Usage 11", false);
        assert_eq!(excel("SUM('Usage 11'!D2:D4)"), "SUM(D2:D4)");
        assert_eq!(excel("SUM('usage 11'!$D$2:'Usage 11'!$D$4)"), "SUM($D$2:$D$4)");
        assert_eq!(excel("SUM('It''s'!D2)"), "SUM(#!D2)");
        assert_eq!(excel("SUM('[a.xlsx]Usage 11'!D2)"), "SUM(#!D2)");
        assert_eq!(excel("SUM(Raw!D2:D4)&\"'Usage 11'!D2\""), "SUM(#!D2:D4)&\"'Usage 11'!D2\"");
        assert_eq!(without_own_sheet("SUM(Usage!D2,[1]Usage!D3)", "Usage", false), "SUM(D2,[1]#!D3)");
        assert_eq!(without_own_sheet("SUM(It''s", "It's", false), "SUM(It''s");
        let open = |formula: &str, sheet: &str| without_own_sheet(formula, sheet, true);
        assert_eq!(open("SUM([Usage.D2:.D4])*1.5", "Usage"), "SUM([D2:.D4])*1.5");
        assert_eq!(open("SUM([$'Usage 11'.$D$2:.$D$4])", "Usage 11"), "SUM([$D$2:.$D$4])");
        assert_eq!(open("SUM([$Raw.D2:.D4])", "Usage"), "SUM([#!D2:.D4])");
        assert_eq!(open("SUM(['file:///a.ods'#$Usage.D2])", "Usage"), "SUM(['file:///a.ods'##!D2])");
    }
}
