//! The tables that an Excel sheet declares, which formulas name their columns by.

use std::borrow::Cow;
use std::io::Cursor;

use quick_xml::escape::unescape;
use zip::ZipArchive;

use super::calculation::{attribute, elements, part};
use super::relations::joined;
use super::sheet_look::range;

/// Tables of a sheet that are looked at.
const MOST: usize = 200;

/// A table of a sheet.
#[derive(Debug, Clone)]
pub struct SheetTable {
    name: String,
    /// The rows of its data, from 1.
    rows: (u32, u32),
    /// Its first column, from 0.
    column: u32,
    columns: Vec<String>,
}

/// The tables of the sheet whose part has a path.
pub fn tables(bytes: &[u8], sheet: &str) -> Vec<SheetTable> {
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else { return Vec::new() };
    let (folder, name) = sheet.rsplit_once('/').unwrap_or(("", sheet));
    let slash = if folder.is_empty() { "" } else { "/" };
    let Some(relations) = part(&mut archive, &format!("{folder}{slash}_rels/{name}.rels")) else {
        return Vec::new();
    };
    let paths = elements(&relations, "Relationship").filter_map(|element| {
        attribute(element, "Type").filter(|kind| kind.ends_with("/table"))?;
        let target = attribute(element, "Target")?;
        Some(target.strip_prefix('/').map_or_else(|| joined(folder, target), ToOwned::to_owned))
    });
    paths.take(MOST).filter_map(|path| SheetTable::read(&part(&mut archive, &path)?)).collect()
}

impl SheetTable {
    fn read(xml: &str) -> Option<Self> {
        let table = elements(xml, "table").next()?;
        let ((first, column), (last, _)) = range(attribute(table, "ref")?.as_bytes())?;
        let rows =
            |name, usual: u32| attribute(table, name).map_or(Some(usual), |count| count.parse::<u32>().ok());
        let first = first.checked_add(rows("headerRowCount", 1)?)?;
        let last = last.checked_sub(rows("totalsRowCount", 0)?)?;
        let text = |text: &str| unescape(text).map_or_else(|_| text.to_owned(), Cow::into_owned);
        let name = attribute(table, "displayName").or_else(|| attribute(table, "name"))?;
        let columns =
            elements(xml, "tableColumn").map(|column| attribute(column, "name").unwrap_or_default());
        let columns = columns.map(|name| text(name).to_lowercase()).collect();
        (first <= last).then(|| Self {
            name: text(name).to_lowercase(),
            rows: (first, last),
            column,
            columns,
        })
    }

    /// The rows of a column of the table; nothing where another column of the sheet is meant.
    fn rows_of(&self, name: &str, column: u32) -> Option<(u32, u32)> {
        let at = usize::try_from(column.checked_sub(self.column)?).ok()?;
        (self.columns.get(at)?.as_str() == name).then_some(self.rows)
    }
}

/// The rows that a reference such as `Usage[Amount]` or `Usage[[#Data],[Amount]]` means in a column (from 0)
/// of the sheet.
pub fn rows_of(tables: &[SheetTable], reference: &str, column: u32) -> Option<(u32, u32)> {
    let (table, inside) = reference.trim().split_once('[')?;
    let (table, inside) = (table.trim().to_lowercase(), inside.strip_suffix(']')?.trim());
    let mut parts = if inside.starts_with('[') {
        let parts = inside.split("],").map(|part| part.trim().trim_start_matches('[').trim_end_matches(']'));
        parts.collect::<Vec<_>>()
    } else {
        vec![inside]
    };
    let is_data = |part: &&str| matches!(part.to_lowercase().as_str(), "#data" | "#all");
    parts.retain(|part| !is_data(part));
    // A quotation mark stands before a character that would else mean something.
    let name =
        |text: &str| text.replace("''", "\u{0}").replace('\'', "").replace('\u{0}', "'").to_lowercase();
    let [only] = parts.as_slice() else { return None };
    let is_special = only.starts_with(['#', '@']) || only.contains("]:[");
    let named = tables.iter().filter(|own| table.is_empty() || own.name == table);
    named.filter(|_| !is_special).find_map(|own| own.rows_of(&name(only), column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_tables_are_found() {
        let xml = "<?xml version=\"1.0\"?><table xmlns=\"x\" id=\"1\" name=\"T\" displayName=\"Use\" ref=\"A1:D6\" \
                   totalsRowCount=\"1\"><tableColumns count=\"4\"><tableColumn id=\"1\" name=\"Name\"/>\
                   <tableColumn id=\"2\" name=\"Month\"/><tableColumn id=\"3\" name=\"Of &amp; #\"/>\
                   <tableColumn id=\"4\" name=\"Amount\"/></tableColumns></table>";
        let tables = [SheetTable::read(xml).unwrap()];
        let rows = |reference: &str| rows_of(&tables, reference, 3);
        for own in ["Use[Amount]", "use[amount]", "[Amount]", "Use[[#Data],[Amount]]", "Use[[#All],[Amount]]"]
        {
            assert_eq!(rows(own), Some((2, 5)), "{own}");
        }
        for other in [
            "Use[Name]",
            "Raw[Amount]",
            "Use[@Amount]",
            "Use[[#This Row],[Amount]]",
            "Use",
            "Use[[Month]:[Amount]]",
        ] {
            assert_eq!(rows(other), None, "{other}");
        }
        assert_eq!(rows_of(&tables, "Use[Of & '#]", 2), Some((2, 5)));
    }
}
