//! Whether the stored values of a workbook's formulas can be believed.
//!
//! A formula stands in a file together with the value that it had when it was last computed. A program
//! that writes formulas and computes none leaves the values out, or writes zeros, and asks whoever opens
//! the file to compute it all. Such a value is none: nobody has ever seen it.

use std::borrow::Cow;
use std::io::{Cursor, Read};

use zip::ZipArchive;

/// No description of a workbook is longer; what is beyond is not looked at.
const LONGEST: u64 = 16 * 1024 * 1024;

/// Why the values of formulas cannot be believed; `None` where they can be.
pub fn doubt(bytes: &[u8]) -> Option<&'static str> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    let relations = part(&mut archive, "_rels/.rels").unwrap_or_default();
    let path = workbook_path(&relations).unwrap_or_else(|| "xl/workbook.xml".to_owned());
    let Some(workbook) = part(&mut archive, &path) else {
        return Some("it cannot be seen how the workbook was computed");
    };
    elements(&workbook, "calcPr").find_map(|element| {
        let says =
            |name, values: &[&str]| attribute(element, name).is_some_and(|value| values.contains(&value));
        if says("fullCalcOnLoad", &["1", "true"]) {
            Some("the workbook asks to be computed when it is opened")
        } else if says("calcCompleted", &["0", "false"]) {
            Some("the workbook was saved before it was computed")
        } else if says("calcMode", &["manual"]) && says("calcOnSave", &["0", "false"]) {
            Some("the workbook is computed by hand, and was saved without it")
        } else {
            None
        }
    })
}

/// Whether the program that saved a workbook keeps values of formulas that were never computed, and
/// does not say so: LibreOffice does, unless it is set to compute files of other programs.
pub fn may_hold_zeros(bytes: &[u8]) -> bool {
    let archive = ZipArchive::new(Cursor::new(bytes)).ok();
    let application = archive.and_then(|mut archive| part(&mut archive, "docProps/app.xml"));
    application.is_some_and(|text| ["LibreOffice", "OpenOffice"].iter().any(|name| text.contains(name)))
}

pub(super) fn part(archive: &mut ZipArchive<Cursor<&[u8]>>, path: &str) -> Option<String> {
    let mut text = Vec::new();
    // Names of parts are the same in capitals.
    let is_it = |name: &Cow<'_, str>| name.eq_ignore_ascii_case(path);
    let name = archive.file_names().filter_map(Result::ok).find(is_it)?.into_owned();
    archive.by_name(&name).ok()?.take(LONGEST).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// The path of the workbook as the package names it.
pub(super) fn workbook_path(relations: &str) -> Option<String> {
    let mut workbooks = elements(relations, "Relationship")
        .filter(|element| attribute(element, "Type").is_some_and(|kind| kind.ends_with("/officeDocument")));
    attribute(workbooks.next()?, "Target").map(|path| path.trim_start_matches('/').to_owned())
}

/// The attributes of each element of a name, whatever its prefix is.
pub(super) fn elements<'a>(xml: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    xml.split('<').skip(1).filter_map(move |element| {
        let end = element.find(|one: char| one.is_whitespace() || one == '/' || one == '>')?;
        let (tag, rest) = element.split_at(end);
        (tag.rsplit(':').next() == Some(name)).then_some(rest)
    })
}

pub(super) fn attribute<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = element;
    loop {
        let (before, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let (value, behind) = after[1..].split_once(quote)?;
        if before.trim() == name {
            return Some(value.trim());
        }
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn workbook(calculation: &str) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file("xl/workbook.xml", options).unwrap();
        write!(writer, "<?xml version=\"1.0\"?>\n<workbook><sheets/>{calculation}</workbook>").unwrap();
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn values_that_nobody_has_computed_are_told() {
        let is_doubted = |calculation: &str| doubt(&workbook(calculation)).is_some();
        assert!(is_doubted("<calcPr calcId=\"124519\" fullCalcOnLoad=\"1\"/>"));
        assert!(is_doubted("<x:calcPr calcId = '1'\n fullCalcOnLoad = 'true' />"));
        assert!(is_doubted("<calcPr calcCompleted=\"0\"/>"));
        assert!(is_doubted("<calcPr calcMode=\"manual\" calcOnSave=\"0\"/>"));
        assert!(!is_doubted("<calcPr calcMode=\"manual\"/>"));
        assert!(!is_doubted("<calcPr calcId=\"191029\"/>"));
        assert!(!is_doubted("<calcPr fullCalcOnLoad=\"0\"/>"));
        assert!(!is_doubted(""));
        assert!(!is_doubted("<calcPr fullCalcOnLoad"));
        assert!(doubt(b"PK").is_none());
    }
}
