//! Comments of cells, ours beside those of others.
//!
//! Ours have an author of their own. Where a cell has a comment already, ours follows in it, behind a line
//! that says whose it is. Threaded comments stay as they are: what Excel keeps beside them for older
//! programs is theirs.

use std::collections::HashMap;
use std::fmt::Write;

use rust_xlsxwriter::column_number_to_name;

use super::MarkError;
use super::package::DECLARATION;
use super::xml::{Element, append, elements, escaped_cell, root, splice};

/// Who our comments are by.
const AUTHOR: &str = "waldur-usage";

/// What stands above ours, so that they are known again where a program has lost their author, or put them
/// and the comment of somebody else into one text.
const BELOW: &str = "[waldur-usage]";

/// The main namespace of the parts of a workbook, and the one of the strict kind.
pub const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
pub const STRICT: &str = "http://purl.oclc.org/ooxml/spreadsheetml/main";

/// A cell; row and column count from 1.
pub type Cell = (u32, u32);

/// What became of the comments of a sheet.
#[derive(Debug)]
pub struct Commented {
    /// The part.
    pub xml: String,
    /// The cells whose comment is gone.
    pub removed: Vec<Cell>,
    /// The cells that have one now and had none before.
    pub added: Vec<Cell>,
    /// Cells with a comment of somebody else that ours follows in.
    pub joined: usize,
}

/// A part of comments without any.
pub fn none(is_strict: bool) -> String {
    let namespace = if is_strict { STRICT } else { MAIN };
    format!("{DECLARATION}<comments xmlns=\"{namespace}\"><authors/><commentList/></comments>")
}

/// Takes old comments of ours out, and puts new ones in.
pub fn commented(xml: &str, notes: &[(Cell, &str)]) -> Result<Commented, MarkError> {
    let (xml, removed) = without_ours(xml)?;
    let prefix = root(&xml)?.prefix;
    let (xml, author) = with_author(&xml)?;
    let names = authors(&xml)?;
    let there: HashMap<Cell, Element> = elements(&xml, "comment")?
        .into_iter()
        .filter_map(|comment| Some((cell(comment.attribute("ref")?)?, comment)))
        .collect();
    let (mut edits, mut new, mut added) = (Vec::new(), String::new(), Vec::new());
    for &(cell, note) in notes {
        let Some(comment) = there.get(&cell) else {
            let note = format!("{BELOW}\n{}", escaped_cell(note));
            // Writing to a string cannot fail.
            let _ = write!(
                new,
                "<§comment ref=\"{}\" authorId=\"{author}\"><§text><§r><§rPr><§sz val=\"9\"/><§color \
                 indexed=\"81\"/><§rFont val=\"Tahoma\"/><§family val=\"2\"/></§rPr>\
                 <§t xml:space=\"preserve\">{note}</§t></§r></§text></§comment>",
                reference(cell)
            );
            added.push(cell);
            continue;
        };
        let text = &xml[comment.span.clone()];
        let is_threaded = by(comment, &names).starts_with("tc=");
        let end = text.rfind(&format!("</{prefix}text>")).filter(|_| !is_threaded);
        if let Some(end) = end {
            let run = format!("<§r><§t xml:space=\"preserve\">\n{BELOW}\n{}</§t></§r>", escaped_cell(note));
            let at = comment.span.start + end;
            edits.push((at..at, run.replace('§', &prefix)));
        }
    }
    let joined = edits.len();
    let xml = splice(&xml, edits);
    let list = root(&xml)?;
    let list = list.child("commentList").map(|list| list.span.clone());
    let list = list.ok_or_else(|| MarkError::Unfit("its comments have no list".into()))?;
    let text = append(&xml[list.clone()], &new.replace('§', &prefix))?;
    Ok(Commented { xml: splice(&xml, vec![(list, text)]), removed, added, joined })
}

/// The names of all authors as they are written.
fn authors(xml: &str) -> Result<Vec<String>, MarkError> {
    let text = |author: &Element| {
        let element = &xml[author.span.clone()];
        let inside = element.split_once('>').map_or("", |(_, rest)| rest);
        inside.split_once("</").map_or("", |(name, _)| name).to_owned()
    };
    Ok(elements(xml, "author")?.iter().map(text).collect())
}

fn by<'a>(comment: &Element, names: &'a [String]) -> &'a str {
    let author = comment.attribute("authorId").and_then(|author| author.parse::<usize>().ok());
    author.and_then(|author| names.get(author)).map_or("", String::as_str)
}

/// The part with us among its authors, and our number.
fn with_author(xml: &str) -> Result<(String, usize), MarkError> {
    let names = authors(xml)?;
    if let Some(own) = names.iter().position(|name| name == AUTHOR) {
        return Ok((xml.to_owned(), own));
    }
    let part = root(xml)?;
    let list = part.child("authors").map(|list| list.span.clone());
    let list = list.ok_or_else(|| MarkError::Unfit("its comments have no authors".into()))?;
    let item = format!("<§author>{AUTHOR}</§author>").replace('§', &part.prefix);
    let text = append(&xml[list.clone()], &item)?;
    Ok((splice(xml, vec![(list, text)]), names.len()))
}

fn without_ours(xml: &str) -> Result<(String, Vec<Cell>), MarkError> {
    let names = authors(xml)?;
    let prefix = root(xml)?.prefix;
    let (mut edits, mut removed) = (Vec::new(), Vec::new());
    for comment in elements(xml, "comment")? {
        if by(&comment, &names) == AUTHOR {
            removed.extend(comment.attribute("ref").and_then(cell));
            edits.push((comment.span.clone(), String::new()));
        } else if let Some(at) = xml[comment.span.clone()].find(BELOW) {
            if is_blank(&xml[comment.span.start..comment.span.start + at]) {
                removed.extend(comment.attribute("ref").and_then(cell));
                edits.push((comment.span.clone(), String::new()));
                continue;
            }
            let kept = xml[comment.span.start..comment.span.start + at].trim_end_matches(['\n', '\r']);
            let kept = kept.strip_suffix("&#10;").unwrap_or(kept);
            let open = |name: &str| {
                let count = |text: &str| kept.matches(text).count();
                let opened = count(&format!("<{prefix}{name}>")) + count(&format!("<{prefix}{name} "));
                opened > count(&format!("</{prefix}{name}>"))
            };
            let mut text = kept.to_owned();
            for name in ["t", "r", "text", "comment"].into_iter().filter(|name| open(name)) {
                let _ = write!(text, "</{prefix}{name}>");
            }
            // Where ours was a run of its own, nothing is left of it.
            let own = format!("<{prefix}r><{prefix}t xml:space=\"preserve\"></{prefix}t></{prefix}r>");
            edits.push((comment.span.clone(), text.replace(&own, "")));
        }
    }
    Ok((splice(xml, edits), removed))
}

/// Whether a piece of a part has nothing in it but tags.
fn is_blank(xml: &str) -> bool {
    xml.split('<').all(|piece| piece.split_once('>').is_none_or(|(_, text)| text.trim().is_empty()))
}

/// A cell as it is written: `C14`.
pub fn reference((row, column): Cell) -> String {
    let column = u16::try_from(column.saturating_sub(1)).unwrap_or(u16::MAX);
    format!("{}{row}", column_number_to_name(column))
}

/// The cell of a reference.
fn cell(reference: &str) -> Option<Cell> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (letters, digits) = reference.split_at(letters);
    let column = letters.bytes().try_fold(0_u32, |column, letter| {
        let digit = u32::from(letter.to_ascii_uppercase() - b'A') + 1;
        column.checked_mul(26)?.checked_add(digit)
    })?;
    Some((digits.parse().ok()?, column)).filter(|_| (1..=16_384).contains(&column))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHERS: &str = "<comments><authors><author>Anna</author><author>tc={1}</author></authors><commentList>\
        <comment ref=\"B2\" authorId=\"0\"><text><r><t>ask Bo</t></r></text></comment>\
        <comment ref=\"C3\" authorId=\"1\"><text><t>[Threaded comment]</t></text></comment>\
        </commentList></comments>";

    #[test]
    fn ours_stand_beside_those_of_others_and_come_off_again() {
        let notes = [((2, 2), "too <large>"), ((3, 3), "x"), ((4, 28), "y")];
        let marked = commented(OTHERS, &notes).unwrap();
        assert_eq!(marked.added, [(4, 28)]);
        let below =
            "<t>ask Bo</t></r><r><t xml:space=\"preserve\">\n[waldur-usage]\ntoo &lt;large&gt;</t></r>";
        assert!(marked.xml.contains(below), "{}", marked.xml);
        assert!(marked.xml.contains("<comment ref=\"AB4\" authorId=\"2\">"), "{}", marked.xml);
        assert!(marked.xml.contains("<text><t>[Threaded comment]</t></text>"));
        let clean = commented(&marked.xml, &[]).unwrap();
        assert_eq!(clean.removed, [(4, 28)]);
        let author = "<author>tc={1}</author><author>waldur-usage</author>";
        assert_eq!(clean.xml, OTHERS.replace("<author>tc={1}</author>", author));
        assert_eq!(commented(&clean.xml, &notes).unwrap().xml, marked.xml);
    }

    #[test]
    fn ours_come_off_where_another_program_made_one_text_of_both() {
        let saved = OTHERS.replace("ask Bo", "ask Bo\n[waldur-usage]\ntoo large</t></r><r><t>more");
        assert_eq!(commented(&saved, &[]).unwrap().xml.matches("ask Bo</t></r></text></comment>").count(), 1);
    }

    #[test]
    fn ours_come_off_where_another_program_lost_their_author() {
        let marked = commented(OTHERS, &[((4, 28), "y")]).unwrap();
        let lost = marked.xml.replace("<author>waldur-usage</author>", "<author>Bo</author>");
        let clean = commented(&lost, &[]).unwrap();
        assert_eq!(clean.removed, [(4, 28)]);
        assert!(!clean.xml.contains("AB4"));
    }

    #[test]
    fn references_are_read_and_written() {
        for (text, place) in [("A1", (1, 1)), ("XFD1048576", (1_048_576, 16_384)), ("AB4", (4, 28))] {
            assert_eq!((cell(text), reference(place)), (Some(place), text.to_owned()));
        }
        assert!(
            cell("").is_none() && cell("XFE1").is_none() && cell("A").is_none() && cell("$A$1").is_none()
        );
    }
}
