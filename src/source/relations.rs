//! Where the parts of an Excel workbook lie, as its package says.

use std::io::Cursor;

use zip::ZipArchive;

use super::calculation::{attribute, elements, part, workbook_path};

/// The parts of a workbook beside itself.
#[derive(Debug, Default)]
pub struct Relations {
    /// Each with its id, its kind and its path.
    list: Vec<(String, String, String)>,
    /// The ids of the sheets, in the order of their tabs.
    sheets: Vec<String>,
}

impl Relations {
    /// Reads them; there are none where the workbook cannot be found.
    pub fn of(bytes: &[u8]) -> Self {
        let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else { return Self::default() };
        let package = part(&mut archive, "_rels/.rels").unwrap_or_default();
        let workbook = workbook_path(&package).unwrap_or_else(|| "xl/workbook.xml".to_owned());
        let (folder, name) = workbook.rsplit_once('/').unwrap_or(("", &workbook));
        let slash = if folder.is_empty() { "" } else { "/" };
        let text = part(&mut archive, &format!("{folder}{slash}_rels/{name}.rels")).unwrap_or_default();
        let list = elements(&text, "Relationship").filter_map(|element| {
            let kind = attribute(element, "Type")?.rsplit('/').next()?.to_owned();
            let target = attribute(element, "Target")?;
            let path = match target.strip_prefix('/') {
                Some(path) => path.to_owned(),
                None => joined(folder, target),
            };
            let name =
                archive.file_names().filter_map(Result::ok).find(|name| name.eq_ignore_ascii_case(&path));
            let path = name.map_or(path, std::borrow::Cow::into_owned);
            Some((attribute(element, "Id")?.to_owned(), kind, path))
        });
        let list = list.collect();
        let workbook = part(&mut archive, &workbook).unwrap_or_default();
        let sheets = elements(&workbook, "sheet").map(|sheet| related(sheet).unwrap_or_default().to_owned());
        Self { list, sheets: sheets.collect() }
    }

    /// The path of the sheet of a number, in the order of their tabs.
    pub fn sheet(&self, number: usize) -> Option<&str> {
        let id = self.sheets.get(number)?;
        self.list.iter().find(|(own, ..)| own == id).map(|(_, _, path)| path.as_str())
    }

    /// The path of the first part of a kind.
    pub fn of_kind(&self, kind: &str) -> Option<&str> {
        self.list.iter().find(|(_, own, _)| own == kind).map(|(_, _, path)| path.as_str())
    }

    /// The path of a part by its id.
    pub fn by_id(&self, id: &str) -> Option<&str> {
        self.list.iter().find(|(own, ..)| own == id).map(|(_, _, path)| path.as_str())
    }
}

/// The id that a sheet is related by, whatever the prefix of the attribute is.
fn related(sheet: &str) -> Option<&str> {
    let names = sheet
        .split('=')
        .filter_map(|before| before.trim_end().rsplit([' ', '\n', '\t', '\r', '"', '\'']).next());
    let name = names.map(str::trim).find(|name| name.ends_with(":id"))?;
    attribute(sheet, name)
}

/// A path as seen from a folder.
pub fn joined(folder: &str, target: &str) -> String {
    let mut path: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            path.pop();
        } else {
            path.push(part);
        }
    }
    path.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_workbook_are_found() {
        let relations = Relations::of(include_bytes!("../../tests/files/formats/two-sheets.xlsx"));
        assert_eq!(relations.sheet(1), Some("xl/worksheets/sheet2.xml"));
        assert_eq!(relations.sheet(2), None);
        assert_eq!(relations.of_kind("styles"), Some("xl/styles.xml"));
        assert_eq!(joined("xl", "../a/./b.xml"), "a/b.xml");
        assert_eq!(related(" name=\"a=b\" sheetId='1' r:id = \"rId7\"/>"), Some("rId7"));
    }
}
