//! The boxes that comments are shown in: a drawing of its own, in the old markup that all programs read.
//!
//! Such a drawing is often no sound XML, so nothing of it is taken apart that is not ours.

use std::fmt::Write;

use super::MarkError;
use super::comments::Cell;

/// Boxes that a block of numbers has room for.
const BLOCK: usize = 1024;

const OPEN: &str = "<xml xmlns:v=\"urn:schemas-microsoft-com:vml\" xmlns:o=\"urn:schemas-microsoft-com:office:office\" \
    xmlns:x=\"urn:schemas-microsoft-com:office:excel\">";

const KIND: &str = "<v:shapetype id=\"_x0000_t202\" coordsize=\"21600,21600\" o:spt=\"202\" \
    path=\"m,l,21600r21600,l21600,xe\"><v:stroke joinstyle=\"miter\"/><v:path gradientshapeok=\"t\" \
    o:connecttype=\"rect\"/></v:shapetype>";

/// The numbers of the blocks that drawings name.
pub fn blocks(drawing: &str) -> impl Iterator<Item = usize> {
    let lists = drawing.split("<o:idmap").skip(1).filter_map(|rest| {
        let tag = rest.split('>').next()?;
        tag.split("data=").nth(1)?.trim_start_matches(['"', '\'']).split(['"', '\'']).next()
    });
    lists.flat_map(|list| list.split(',')).filter_map(|number| number.trim().parse().ok())
}

/// A drawing without a box, with numbers from a block on.
pub fn none(block: usize, boxes: usize) -> String {
    let blocks: Vec<String> =
        (block..=block + boxes / (BLOCK - 1)).map(|number| number.to_string()).collect();
    format!(
        "{OPEN}<o:shapelayout v:ext=\"edit\"><o:idmap v:ext=\"edit\" data=\"{}\"/></o:shapelayout>{KIND}</xml>",
        blocks.join(",")
    )
}

/// Takes boxes out of a drawing, and puts others in.
pub fn drawn(
    drawing: &str,
    removed: &[Cell],
    added: &[Cell],
    first_block: usize,
) -> Result<String, MarkError> {
    let drawing = without(drawing, removed);
    let end = drawing.rfind("</xml>");
    let end = end.ok_or_else(|| MarkError::Unfit("the drawing of its comments breaks off".into()))?;
    let mut boxes = String::new();
    if !drawing.contains("\"_x0000_t202\"") {
        boxes.push_str(KIND);
    }
    let first = numbers(&drawing).max().unwrap_or(first_block * BLOCK) + 1;
    for (number, cell) in (first..).zip(added) {
        add_box(&mut boxes, number, *cell);
    }
    Ok(format!("{}{boxes}{}", &drawing[..end], &drawing[end..]))
}

/// The numbers of the boxes that are there.
fn numbers(drawing: &str) -> impl Iterator<Item = usize> {
    drawing.split("_x0000_s").skip(1).filter_map(|rest| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        rest[..digits].parse().ok()
    })
}

fn add_box(boxes: &mut String, number: usize, (row, column): Cell) {
    let (row, column) = (row.saturating_sub(1), column.saturating_sub(1));
    // Beside the cell, or on its other side at the edge of the sheet.
    let (left, top) = (column.min(16_378) + 1, row.min(1_048_568));
    // Writing to a string cannot fail.
    let _ = write!(
        boxes,
        "<v:shape id=\"_x0000_s{number}\" type=\"#_x0000_t202\" style='position:absolute;margin-left:80pt;\
         margin-top:5pt;width:240pt;height:80pt;z-index:1;visibility:hidden' fillcolor=\"#ffffe1\" \
         o:insetmode=\"auto\"><v:fill color2=\"#ffffe1\"/><v:shadow on=\"t\" color=\"black\" obscured=\"t\"/>\
         <v:path o:connecttype=\"none\"/><v:textbox style='mso-direction-alt:auto'><div \
         style='text-align:left'></div></v:textbox><x:ClientData ObjectType=\"Note\"><x:MoveWithCells/>\
         <x:SizeWithCells/><x:Anchor>{left}, 15, {top}, 2, {}, 15, {}, 4</x:Anchor>\
         <x:AutoFill>False</x:AutoFill><x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData>\
         </v:shape>",
        left + 4,
        top + 6
    );
}

/// The drawing without the boxes of some cells.
fn without(drawing: &str, cells: &[Cell]) -> String {
    let mut rest = drawing;
    let mut kept = String::with_capacity(drawing.len());
    while let Some((start, length)) = shape(rest) {
        let shape = &rest[start..start + length];
        let is_note = shape.contains("ObjectType=\"Note\"");
        let place = value(shape, "Row").zip(value(shape, "Column"));
        let is_gone = place.is_some_and(|(row, column)| cells.contains(&(row + 1, column + 1)));
        kept.push_str(&rest[..start]);
        if !(is_note && is_gone) {
            kept.push_str(shape);
        }
        rest = &rest[start + length..];
    }
    kept.push_str(rest);
    kept
}

/// Where the next box starts, and how long it is.
fn shape(drawing: &str) -> Option<(usize, usize)> {
    let start = drawing.find("<v:shape ").into_iter().chain(drawing.find("<v:shape\n")).min();
    let start = start.into_iter().chain(drawing.find("<v:shape\r")).min()?;
    let end = drawing[start..].find("</v:shape>")?;
    Some((start, end + "</v:shape>".len()))
}

fn value(shape: &str, name: &str) -> Option<u32> {
    let rest = shape.split_once(&format!("<x:{name}>"))?.1;
    rest.split('<').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_put_in_and_taken_out() {
        let empty = none(3, 2000);
        assert_eq!(blocks(&empty).collect::<Vec<_>>(), [3, 4]);
        let drawn_once = drawn(&empty, &[], &[(2, 2), (1_048_576, 16_384)], 3).unwrap();
        assert_eq!(numbers(&drawn_once).collect::<Vec<_>>(), [3073, 3074]);
        assert!(drawn_once.contains("<x:Row>1048575</x:Row><x:Column>16383</x:Column>"));
        let one = drawn(&drawn_once, &[(2, 2)], &[], 3).unwrap();
        assert!(!one.contains("<x:Row>1</x:Row>") && one.contains("<x:Row>1048575</x:Row>"));
        assert_eq!(drawn(&one, &[(1_048_576, 16_384)], &[], 3).unwrap(), empty);
        assert!(drawn("<xml>", &[], &[], 1).is_err());
        // Another one's button stays, whatever cell it is on.
        let button = empty.replace(
            "</xml>",
            "<v:shape id=\"_x0000_s9\"><x:ClientData ObjectType=\"Button\"><br>\
            <x:Row>1</x:Row><x:Column>1</x:Column></x:ClientData></v:shape></xml>",
        );
        assert_eq!(drawn(&button, &[(2, 2)], &[], 3).unwrap(), button);
    }
}
