//! A workbook as the package of parts that it is: what is not changed is copied as it is packed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::MarkError;
use super::xml::{append, elements, escaped};

/// A part that is changed is unpacked in memory, and is not larger.
const LARGEST_PART: u64 = 2 * 1024 * 1024 * 1024;

/// What Excel writes before each part.
pub const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

const CONTENT_TYPES: &str = "[Content_Types].xml";

/// An open package and what is to be changed in it.
pub struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    names: Vec<String>,
    changed: BTreeMap<usize, String>,
    added: Vec<(String, String)>,
}

/// A relation of a part to another one.
#[derive(Debug)]
pub struct Relation {
    /// By what the part speaks of it.
    pub id: String,
    /// The last word of its type, such as `worksheet`.
    pub kind: String,
    /// The other part, from the root of the package and without a leading slash.
    pub target: String,
}

impl<'a> Package<'a> {
    /// Opens a package that was read before.
    pub fn open(bytes: &'a [u8]) -> Result<Self, MarkError> {
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| MarkError::unfit(&error))?;
        let names = archive.file_names().map(|name| name.map(Cow::into_owned));
        let names = names.collect::<Result<_, _>>().map_err(|error| MarkError::unfit(&error))?;
        Ok(Self { archive, names, changed: BTreeMap::new(), added: Vec::new() })
    }

    /// The names of all parts.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str).chain(self.added.iter().map(|(name, _)| name.as_str()))
    }

    fn index(&self, name: &str) -> Option<usize> {
        // Names of parts are the same in capitals.
        self.names.iter().position(|own| own.eq_ignore_ascii_case(name))
    }

    /// A part as text, with what was changed in it; `None` where there is none.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, MarkError> {
        if let Some((_, text)) = self.added.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)) {
            return Ok(Some(text.clone()));
        }
        let Some(index) = self.index(name) else { return Ok(None) };
        if let Some(text) = self.changed.get(&index) {
            return Ok(Some(text.clone()));
        }
        let part = self.archive.by_index(index).map_err(|error| MarkError::unfit(&error))?;
        let mut text = Vec::new();
        part.take(LARGEST_PART).read_to_end(&mut text).map_err(|error| MarkError::unfit(&error))?;
        let text = String::from_utf8(text)
            .map_err(|_| MarkError::Unfit(format!("{name} is not written in UTF-8")))?;
        Ok(Some(text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned)))
    }

    /// How a part begins; nothing where there is none.
    pub fn beginning(&mut self, name: &str, length: usize) -> Vec<u8> {
        let mut start = Vec::new();
        let Some(index) = self.index(name) else { return start };
        if let Ok(part) = self.archive.by_index(index) {
            let length = u64::try_from(length).unwrap_or(u64::MAX);
            // What cannot be read is not what is looked for.
            let _ = part.take(length).read_to_end(&mut start);
        }
        start
    }

    /// A part that has to be there.
    pub fn needed(&mut self, name: &str) -> Result<String, MarkError> {
        self.text(name)?.ok_or_else(|| MarkError::Unfit(format!("it has no part {name}")))
    }

    /// Changes a part, or adds it.
    pub fn set(&mut self, name: &str, text: String) {
        if let Some(index) = self.index(name) {
            self.changed.insert(index, text);
        } else if let Some(own) = self.added.iter_mut().find(|(own, _)| own.eq_ignore_ascii_case(name)) {
            own.1 = text;
        } else {
            self.added.push((name.to_owned(), text));
        }
    }

    /// A name that no part has, with a number in it.
    pub fn free_name(&self, name: impl Fn(usize) -> String) -> String {
        let is_free = |wanted: &String| !self.names().any(|own| own.eq_ignore_ascii_case(wanted));
        (1..=self.names().count() + 1).map(name).find(is_free).unwrap_or_default()
    }

    /// The relations of a part; those to the world outside are left out.
    pub fn relations(&mut self, part: &str) -> Result<Vec<Relation>, MarkError> {
        let Some(text) = self.text(&relations_of(part))? else { return Ok(Vec::new()) };
        let found = elements(&text, "Relationship")?;
        let inside = found.iter().filter(|one| one.attribute("TargetMode") != Some("External"));
        Ok(inside
            .filter_map(|one| {
                let kind = one.attribute("Type")?;
                Some(Relation {
                    id: one.attribute("Id")?.to_owned(),
                    kind: kind.rsplit('/').next().unwrap_or_default().to_owned(),
                    target: resolve(part, one.attribute("Target")?),
                })
            })
            .collect())
    }

    /// Relates a part to another one; the id of the relation.
    pub fn relate(&mut self, part: &str, kind: &str, target: &str) -> Result<String, MarkError> {
        let name = relations_of(part);
        let empty = "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"/>";
        let text = self.text(&name)?.unwrap_or_else(|| format!("{DECLARATION}{empty}"));
        let taken: Vec<String> = elements(&text, "Relationship")?
            .iter()
            .filter_map(|one| one.attribute("Id").map(str::to_owned))
            .collect();
        let is_free = |id: &String| !taken.contains(id);
        let mut ids = (1..=taken.len() + 1).map(|number| format!("rIdWaldurUsage{number}"));
        let id = ids.find(is_free).unwrap_or_default();
        let item = format!(
            "<§Relationship Id=\"{id}\" Type=\"{}\" Target=\"/{}\"/>",
            escaped(kind),
            escaped(target)
        );
        let text = append(&text, &item)?;
        self.set(&name, text);
        Ok(id)
    }

    /// Says what a part is, where that is not said yet.
    pub fn declare(&mut self, part: &str, kind: &str) -> Result<(), MarkError> {
        let text = self.needed(CONTENT_TYPES)?;
        let name = format!("/{part}");
        let overrides = elements(&text, "Override")?;
        let is_said = |one: &str| one.eq_ignore_ascii_case(&name);
        if !overrides.iter().any(|one| one.attribute("PartName").is_some_and(is_said)) {
            let item =
                format!("<§Override PartName=\"{}\" ContentType=\"{}\"/>", escaped(&name), escaped(kind));
            let text = append(&text, &item)?;
            self.set(CONTENT_TYPES, text);
        }
        Ok(())
    }

    /// Says what all parts are whose names end so, where that is not said yet.
    pub fn declare_ending(&mut self, ending: &str, kind: &str) -> Result<(), MarkError> {
        let text = self.needed(CONTENT_TYPES)?;
        let defaults = elements(&text, "Default")?;
        let is_said = |one: &str| one.eq_ignore_ascii_case(ending);
        if !defaults.iter().any(|one| one.attribute("Extension").is_some_and(is_said)) {
            // Some readers want these before those of single parts.
            let first = super::xml::root(&text)?;
            let item = format!("<{}Default Extension=\"{ending}\" ContentType=\"{kind}\"/>", first.prefix);
            let text = super::xml::splice(&text, vec![(first.open_end..first.open_end, item)]);
            self.set(CONTENT_TYPES, text);
        }
        Ok(())
    }

    /// What the package says of a part, or of its ending.
    pub fn content_types(&mut self) -> Result<String, MarkError> {
        self.needed(CONTENT_TYPES)
    }

    /// Packs everything again.
    pub fn write(mut self) -> Result<Vec<u8>, MarkError> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        let put = |writer: &mut ZipWriter<Cursor<Vec<u8>>>, name: &str, text: &str| {
            let options = options.large_file(text.len() > 0xFFFF_0000);
            writer.start_file(name, options).map_err(|error| MarkError::unfit(&error))?;
            writer.write_all(text.as_bytes()).map_err(|error| MarkError::unfit(&error))
        };
        for (index, name) in self.names.iter().enumerate() {
            if let Some(text) = self.changed.get(&index) {
                put(&mut writer, name, text)?;
            } else {
                let part = self.archive.by_index_raw(index).map_err(|error| MarkError::unfit(&error))?;
                writer.raw_copy_file(part).map_err(|error| MarkError::unfit(&error))?;
            }
        }
        for (name, text) in &self.added {
            put(&mut writer, name, text)?;
        }
        Ok(writer.finish().map_err(|error| MarkError::unfit(&error))?.into_inner())
    }
}

/// The part that holds the relations of another one.
fn relations_of(part: &str) -> String {
    let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
    if folder.is_empty() { format!("_rels/{name}.rels") } else { format!("{folder}/_rels/{name}.rels") }
}

/// A target as it stands in the relations of a part, from the root of the package.
fn resolve(part: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let folder = part.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_resolved_from_their_part() {
        assert_eq!(resolve("xl/workbook.xml", "worksheets/sheet1.xml"), "xl/worksheets/sheet1.xml");
        assert_eq!(resolve("xl/worksheets/sheet1.xml", "../comments1.xml"), "xl/comments1.xml");
        assert_eq!(resolve("", "/xl/workbook.xml"), "xl/workbook.xml");
        assert_eq!(resolve("", "xl/workbook.xml"), "xl/workbook.xml");
        assert_eq!(resolve("a.xml", "../../b.xml"), "b.xml");
        assert_eq!(relations_of("xl/worksheets/sheet1.xml"), "xl/worksheets/_rels/sheet1.xml.rels");
        assert_eq!(relations_of(""), "_rels/.rels");
    }
}
