//! The boxes that comments are shown in: a drawing of its own, in the old markup that all programs read.
//!
//! Such a drawing is often no sound XML, so nothing of it is taken apart that is not ours.

use std::collections::HashSet;
use std::fmt::Write;

use super::MarkError;
use super::comments::Cell;
use super::xml::{attribute_place, splice};

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

/// The blocks that a drawing takes its numbers from, whether it names them or not.
pub fn used_blocks(drawing: &str) -> impl Iterator<Item = usize> {
    blocks(drawing).chain(numbers(drawing).map(|number| number / BLOCK))
}

/// A drawing without a box, with numbers of a block.
pub fn none(block: usize) -> String {
    format!("{OPEN}{}{KIND}</xml>", layout(&block.to_string()))
}

fn layout(blocks: &str) -> String {
    format!("<o:shapelayout v:ext=\"edit\"><o:idmap v:ext=\"edit\" data=\"{blocks}\"/></o:shapelayout>")
}

/// Takes boxes out of a drawing, and puts others in; `free_block` is the first of the blocks that no drawing
/// of the workbook uses.
pub fn drawn(
    drawing: &str,
    removed: &[Cell],
    added: &[Cell],
    free_block: usize,
) -> Result<String, MarkError> {
    let drawing = without(drawing, removed);
    let mut boxes = String::new();
    if !drawing.contains("\"_x0000_t202\"") {
        boxes.push_str(KIND);
    }
    let used: HashSet<usize> = numbers(&drawing).collect();
    let mut own: Vec<usize> = blocks(&drawing).collect();
    own.sort_unstable();
    own.dedup();
    let last = used.iter().copied().max().unwrap_or(0);
    let of_block =
        |block: usize| block.saturating_mul(BLOCK) + 1..block.saturating_add(1).saturating_mul(BLOCK);
    let free = own.iter().copied().chain(free_block..).flat_map(of_block);
    // Numbers follow those that are there as long as the blocks have room.
    let behind =
        own.iter().copied().flat_map(of_block).filter(|number| *number > last).count() >= added.len();
    let free = free.filter(|number| !used.contains(number) && (!behind || *number > last));
    let mut more = Vec::new();
    for (number, cell) in free.zip(added) {
        add_box(&mut boxes, number, *cell);
        let block = number / BLOCK;
        if !own.contains(&block) && more.last() != Some(&block) {
            more.push(block);
        }
    }
    let drawing = with_blocks(&drawing, &more)?;
    let end = drawing.rfind("</xml>");
    let end = end.ok_or_else(|| MarkError::Unfit("the drawing of its comments breaks off".into()))?;
    Ok(format!("{}{boxes}{}", &drawing[..end], &drawing[end..]))
}

/// The drawing with further blocks to take numbers from.
fn with_blocks(drawing: &str, more: &[usize]) -> Result<String, MarkError> {
    if more.is_empty() {
        return Ok(drawing.to_owned());
    }
    let more: Vec<String> = more.iter().map(ToString::to_string).collect();
    let more = more.join(",");
    let list = drawing.find("<o:idmap").and_then(|start| {
        let end = start + drawing[start..].find('>')?;
        let value = attribute_place(&drawing[start..=end], "data")?;
        Some(start + value.start..start + value.end)
    });
    if let Some(list) = list {
        let there = drawing[list.clone()].trim_end();
        let comma = if there.is_empty() { "" } else { "," };
        return Ok(splice(drawing, vec![(list.clone(), format!("{there}{comma}{more}"))]));
    }
    let start = drawing.find("<xml").and_then(|start| Some(start + drawing[start..].find('>')? + 1));
    let start = start.ok_or_else(|| MarkError::Unfit("the drawing of its comments has no start".into()))?;
    Ok(splice(drawing, vec![(start..start, layout(&more))]))
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
        let empty = none(3);
        assert_eq!(blocks(&empty).collect::<Vec<_>>(), [3]);
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

    #[test]
    fn numbers_never_run_into_the_block_of_another_drawing() {
        let cells: Vec<Cell> = (1..=1500).map(|row| (row, 1)).collect();
        // Block 1 is nearly full, and block 2 is that of another sheet.
        let there = drawn(&none(1), &[], &cells[..1000], 2).unwrap();
        assert_eq!(numbers(&there).max(), Some(2024));
        let more = drawn(&there, &[], &cells[1000..], 3).unwrap();
        assert!(more.contains("data=\"1,3\""), "{}", &more[..400]);
        let all: Vec<usize> = numbers(&more).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 1500);
        assert!(all.iter().all(|number| [1, 3].contains(&(number / BLOCK)) && number % BLOCK > 0));
        // Marked again, the same numbers come, and no further block.
        assert_eq!(drawn(&more, &cells[1000..], &cells[1000..], 4).unwrap(), more);
        // A drawing that names no block gets one.
        let bare = format!("{OPEN}</xml>");
        let one = drawn(&bare, &[], &[(1, 1)], 5).unwrap();
        assert!(one.contains("data=\"5\"") && one.contains("_x0000_s5121\""), "{one}");
    }
}
