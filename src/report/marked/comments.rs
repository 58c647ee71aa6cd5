//! Comments of cells, ours beside those of others.
//!
//! Ours have an author of their own. Where a cell has a comment already, ours follows in it, between lines
//! that say whose it is, by which it is known again whatever programs do with authors. Threaded comments stay as they are: what Excel keeps beside them for older
//! programs is theirs.

use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;

use rust_xlsxwriter::column_number_to_name;

use super::MarkError;
use super::note::{self, Placed, framed};
use super::package::DECLARATION;
use super::xml::{Element, append, elements, escaped_cell, root, splice};

/// Who our comments are by.
const AUTHOR: &str = "waldur-usage";

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
            let note = escaped_cell(&framed(note));
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
            let run = format!("<§r><§t xml:space=\"preserve\">\n{}</§t></§r>", escaped_cell(&framed(note)));
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

/// Takes our notes out of all comments; a comment in which nothing else stands goes with them.
fn without_ours(xml: &str) -> Result<(String, Vec<Cell>), MarkError> {
    let names = authors(xml)?;
    let (mut edits, mut removed) = (Vec::new(), Vec::new());
    for comment in elements(xml, "comment")? {
        let own = &xml[comment.span.clone()];
        if !own.contains(AUTHOR) || by(&comment, &names).starts_with("tc=") {
            continue;
        }
        let Some(texts) = texts(own)? else { continue };
        let placed: Vec<Placed> = texts.iter().flat_map(|text| text.content.clone()).collect();
        let ours = note::ours(&placed);
        if ours.is_empty() {
            continue;
        }
        let is_ours = |at: &usize| ours.iter().any(|range| range.contains(at));
        let mut rest = (0..placed.len()).filter(|at| !is_ours(at)).map(|at| placed[at].0);
        if rest.all(char::is_whitespace) {
            removed.extend(comment.attribute("ref").and_then(cell));
            edits.push((comment.span.clone(), String::new()));
            continue;
        }
        let mut first = 0;
        for text in texts {
            let all = first..first + text.content.len();
            first = all.end;
            let gone = all.clone().filter(is_ours).count();
            let moved =
                |place: &Range<usize>| comment.span.start + place.start..comment.span.start + place.end;
            if gone == all.len() && gone > 0 {
                // Where ours was a run of its own, nothing is left of it.
                edits.push((moved(&text.run), String::new()));
                continue;
            }
            let places = all.filter(is_ours).map(|at| moved(&placed[at].1));
            edits.extend(places.map(|place| (place, String::new())));
        }
    }
    Ok((splice(xml, edits), removed))
}

/// A piece of the text of a comment.
struct Text {
    /// The run that it is the text of, or the text itself.
    run: Range<usize>,
    /// Its characters.
    content: Vec<Placed>,
}

/// The pieces of the text of a comment; `None` where they are written in a way that is not taken apart.
fn texts(comment: &str) -> Result<Option<Vec<Text>>, MarkError> {
    let runs = elements(comment, "r")?;
    let mut texts = Vec::new();
    for text in elements(comment, "t")? {
        let own = &comment[text.span.clone()];
        let (Some(start), Some(end)) = (own.find('>'), own.rfind("</")) else { continue };
        let Some(content) = characters(own, start + 1, end, text.span.start) else { return Ok(None) };
        let run = runs.iter().map(|run| run.span.clone()).find(|run| run.contains(&text.span.start));
        texts.push(Text { run: run.unwrap_or(text.span), content });
    }
    Ok(Some(texts))
}

/// The characters of a piece of text, each with the place where it is written.
fn characters(text: &str, start: usize, end: usize, offset: usize) -> Option<Vec<Placed>> {
    let mut characters = Vec::new();
    let mut at = start;
    while at < end {
        let rest = &text[at..end];
        let one = rest.chars().next()?;
        let (one, length) = match one {
            // What is not read as text, such as a block of it as it is.
            '<' => return None,
            '&' => {
                let length = rest.find(';')? + 1;
                let decoded = quick_xml::escape::unescape(&rest[..length]).ok()?;
                (decoded.chars().next()?, length)
            }
            other => (other, other.len_utf8()),
        };
        characters.push((one, offset + at..offset + at + length));
        at += length;
    }
    Some(characters)
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

    const NOTE: &str = "deny: an amount is too <large>\nFound: 7\nExpected: 3";

    #[test]
    fn ours_stand_beside_those_of_others_and_come_off_again() {
        let notes = [((2, 2), NOTE), ((3, 3), NOTE), ((4, 28), NOTE)];
        let marked = commented(OTHERS, &notes).unwrap();
        assert_eq!(marked.added, [(4, 28)]);
        let below = "<t>ask Bo</t></r><r><t xml:space=\"preserve\">\n[waldur-usage]\ndeny: an amount is too \
                     &lt;large&gt;\nFound: 7\nExpected: 3\n[/waldur-usage]</t></r>";
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
    fn lines_of_a_colleague_stay_where_ours_come_off() {
        let marked = commented(OTHERS, &[((2, 2), NOTE), ((4, 28), NOTE)]).unwrap().xml;
        // Below ours, in the same text, with breaks as other programs write them; and in a run of its own.
        let saved = marked.replace("[/waldur-usage]", "[/waldur-usage]&#10;Bo &amp; I: it is right");
        let clean = commented(&saved, &[]).unwrap();
        assert!(clean.removed.is_empty());
        let kept =
            "<t>ask Bo</t></r><r><t xml:space=\"preserve\">&#10;Bo &amp; I: it is right</t></r></text>";
        assert!(clean.xml.contains(kept), "{}", clean.xml);
        assert!(clean.xml.contains("<t xml:space=\"preserve\">Bo &amp; I: it is right</t>"), "{}", clean.xml);
        assert!(!clean.xml.contains("[waldur-usage]") && !clean.xml.contains("Found: 7"), "{}", clean.xml);
        let saved = marked.replace("[/waldur-usage]</t></r>", "[/waldur-usage]</t></r><r><t>more</t></r>");
        let clean = commented(&saved, &[]).unwrap();
        assert!(clean.xml.contains("<t>ask Bo</t></r><r><t>more</t></r></text>"), "{}", clean.xml);
        // What only speaks of this program is a comment like any other.
        let about = OTHERS.replace("ask Bo", "[waldur-usage] is wrong here");
        assert!(commented(&about, &[]).unwrap().xml.contains("<t>[waldur-usage] is wrong here</t>"));
    }

    #[test]
    fn ours_come_off_where_another_program_made_one_text_of_both() {
        let note = framed(NOTE).replace('<', "&lt;");
        let saved = OTHERS.replace("ask Bo", &format!("ask Bo\n{note}"));
        let clean = commented(&saved, &[]).unwrap().xml;
        assert_eq!(clean.matches("<t>ask Bo</t></r></text></comment>").count(), 1, "{clean}");
    }

    #[test]
    fn ours_come_off_where_another_program_lost_their_author() {
        let marked = commented(OTHERS, &[((4, 28), NOTE)]).unwrap();
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
