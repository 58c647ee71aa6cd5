//! Which part of an Excel package holds which sheet.

use std::io::Cursor;

use zip::ZipArchive;

use super::calculation::{attribute, elements, part, workbook_path};

/// The parts of the sheets in the order in which the workbook lists them, in lower case as names of parts
/// are compared; `None` for a sheet whose part is not found.
pub fn sheet_parts(bytes: &[u8]) -> Vec<Option<String>> {
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else { return Vec::new() };
    let relations = part(&mut archive, "_rels/.rels").unwrap_or_default();
    let path = workbook_path(&relations).unwrap_or_else(|| "xl/workbook.xml".to_owned());
    let Some(workbook) = part(&mut archive, &path) else { return Vec::new() };
    let (folder, name) = path.rsplit_once('/').map_or(("", path.as_str()), |(folder, name)| (folder, name));
    let relations = part(&mut archive, &format!("{folder}/_rels/{name}.rels")).unwrap_or_default();
    let target = |id: &str| {
        let mut relations = elements(&relations, "Relationship");
        let relation = relations.find(|element| attribute(element, "Id") == Some(id))?;
        Some(resolved(folder, attribute(relation, "Target")?))
    };
    let id = |sheet| prefixed(sheet, "id").and_then(target);
    elements(&workbook, "sheet").map(id).collect()
}

/// A path as seen from a folder.
fn resolved(folder: &str, target: &str) -> String {
    let mut steps: Vec<&str> = if target.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/").to_lowercase()
}

/// The value of an attribute that has a prefix.
fn prefixed<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let at = element.match_indices(&format!(":{name}")).find_map(|(at, found)| {
        let rest = element[at + found.len()..].trim_start();
        rest.starts_with('=').then_some(at)
    })?;
    let start = element[..at].rfind(|character: char| character.is_whitespace())? + 1;
    attribute(&element[start..], &element[start..at + 1 + name.len()])
}

#[cfg(test)]
mod tests {
    use super::sheet_parts;

    #[test]
    fn sheets_are_found_in_the_order_of_their_tabs() {
        let sample = include_bytes!("../../samples/usage-2026-11-long.xlsx");
        assert_eq!(sheet_parts(sample)[0].as_deref(), Some("xl/worksheets/sheet1.xml"));
        assert!(sheet_parts(b"PK").is_empty());
    }
}
