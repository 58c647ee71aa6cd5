//! The colours of marked cells.
//!
//! They are a conditional format over the cells, not a style of them: the cells themselves stay as they
//! are, one that does not exist need not be made, and the next marking can take the old marks off again.

use std::fmt::Write;
use std::ops::Range;

use rust_xlsxwriter::column_number_to_name;

use super::styles::Styles;
use super::xml::{Root, attribute_place, elements, root, splice};
use super::{MarkError, MarkedCell, ORDER};

/// By which our rules are known again. It is true for every cell.
const RULE: &str = "N(\"waldur-usage\")=0";
/// The same as it may stand in a sheet; a rule of the user's that has the word in it is left alone.
const KNOWN_BY: [&str; 2] = ["N(&quot;waldur-usage&quot;)=0", "N(\"waldur-usage\")=0"];

/// Areas that a single format speaks of; more of them than spreadsheet programs take are split.
const MOST_AREAS: usize = 500;

/// Takes old colours off a sheet and puts new ones on.
pub fn coloured(sheet: &str, cells: &[MarkedCell], styles: &Styles) -> Result<String, MarkError> {
    let part = root(sheet)?;
    if part.close.is_none() || part.child("sheetData").is_none() {
        return Err(MarkError::Unfit("its sheet has no cells".into()));
    }
    let (mut edits, first) = old(sheet, &part, !cells.is_empty())?;
    let own = ORDER.iter().position(|element| *element == "conditionalFormatting");
    let at = part.place_after(&ORDER[..=own.unwrap_or_default()]);
    let mut new = String::new();
    for (is_deny, style, priority) in [(true, styles.mark_deny, first), (false, styles.mark_warn, first + 1)]
    {
        let own = cells.iter().filter(|cell| cell.is_deny == is_deny).map(|cell| (cell.column, cell.row));
        for areas in areas(own.collect()).chunks(MOST_AREAS) {
            let (prefix, rule) = (&part.prefix, RULE.replace('"', "&quot;"));
            // Writing to a string cannot fail.
            let _ = write!(
                new,
                "<{prefix}conditionalFormatting sqref=\"{}\"><{prefix}cfRule type=\"expression\" \
                 dxfId=\"{style}\" priority=\"{priority}\"><{prefix}formula>{rule}</{prefix}formula>\
                 </{prefix}cfRule></{prefix}conditionalFormatting>",
                areas.join(" ")
            );
        }
    }
    edits.push((at..at, new));
    Ok(splice(sheet, edits))
}

/// Priorities that are ours: of what is at deny, and of warnings.
const OURS: u32 = 2;

type Edits = Vec<(Range<usize>, String)>;

/// The edits that take our rules out, and the priority of the first of the new ones. Of rules over one cell
/// the one of the lowest number is seen, so where new ones come, all others make room and keep their order.
fn old(sheet: &str, part: &Root, make_room: bool) -> Result<(Edits, u32), MarkError> {
    let (mut edits, mut others): (Edits, Vec<(Range<usize>, u32)>) = (Vec::new(), Vec::new());
    let mut is_of_pivot = false;
    let formats = ["conditionalFormatting", "extLst"];
    for format in part.children.iter().filter(|child| formats.contains(&child.name.as_str())) {
        let text = &sheet[format.span.clone()];
        let rules = elements(text, "cfRule")?;
        let is_own =
            |rule: &&super::xml::Element| KNOWN_BY.iter().any(|own| text[rule.span.clone()].contains(own));
        let own = rules.iter().filter(is_own).count();
        if own == rules.len() && own > 0 && format.name != "extLst" {
            edits.push((format.span.clone(), String::new()));
            continue;
        }
        is_of_pivot |= format.attribute("pivot").is_some_and(|pivot| matches!(pivot, "1" | "true"));
        for rule in &rules {
            let start = rule.span.start + format.span.start;
            if is_own(&rule) {
                edits.push((start..rule.span.end + format.span.start, String::new()));
            } else if let Some(value) = attribute_place(&text[rule.span.clone()], "priority") {
                let place = value.start + start..value.end + start;
                let priority = sheet[place.clone()].trim().parse().ok();
                others.extend(priority.map(|priority| (place, priority)));
            }
        }
    }
    if is_of_pivot {
        // A pivot table names its rules by their number in a part of its own.
        let most = others.iter().map(|(_, priority)| *priority).max().unwrap_or(0);
        return Ok((edits, most.min(u32::from(u16::MAX)) + 1));
    }
    let least = others.iter().map(|(_, priority)| *priority).min().unwrap_or(OURS + 1);
    let room = (OURS + 1).saturating_sub(least);
    if make_room && room > 0 {
        let moved =
            |(place, priority): (Range<usize>, u32)| (place, priority.saturating_add(room).to_string());
        edits.extend(others.into_iter().map(moved));
    }
    Ok((edits, 1))
}

/// Cells as areas of one column each: `C2:C9`.
fn areas(mut cells: Vec<(u32, u32)>) -> Vec<String> {
    cells.sort_unstable();
    cells.dedup();
    let mut areas = Vec::new();
    for run in cells.chunk_by(|left, right| left.0 == right.0 && left.1 + 1 == right.1) {
        let (Some((column, first)), Some((_, last))) = (run.first(), run.last()) else { continue };
        let letters = column_number_to_name(u16::try_from(column.saturating_sub(1)).unwrap_or(u16::MAX));
        areas.push(if first == last {
            format!("{letters}{first}")
        } else {
            format!("{letters}{first}:{letters}{last}")
        });
    }
    areas
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::marked::styles::NONE;

    fn cell(row: u32, column: u32, is_deny: bool) -> MarkedCell {
        MarkedCell { row, column, is_deny, note: String::new() }
    }

    #[test]
    fn colours_stand_in_their_place_and_come_off_again() {
        let (_, styles) = Styles::add(NONE).unwrap();
        let sheet = "<worksheet><sheetData/><conditionalFormatting sqref=\"A1\"><cfRule type=\"top10\" \
                     priority=\"3\"/></conditionalFormatting><pageMargins/></worksheet>";
        let cells = [cell(3, 2, true), cell(2, 2, true), cell(9, 28, false)];
        let marked = coloured(sheet, &cells, &styles).unwrap();
        let expected = "</conditionalFormatting><conditionalFormatting sqref=\"B2:B3\"><cfRule \
                        type=\"expression\" dxfId=\"0\" priority=\"1\"><formula>N(&quot;waldur-usage&quot;)=0\
                        </formula></cfRule></conditionalFormatting><conditionalFormatting sqref=\"AB9\">";
        assert!(marked.contains(expected) && marked.ends_with("<pageMargins/></worksheet>"), "{marked}");
        assert_eq!(coloured(&marked, &[], &styles).unwrap(), sheet);
        assert_eq!(coloured(&marked, &cells, &styles).unwrap(), marked);
    }

    #[test]
    fn rules_of_others_make_room_and_keep_their_order() {
        let (_, styles) = Styles::add(NONE).unwrap();
        let rule = |name: &str, priority: u32| {
            format!(
                "<{name} type=\"expression\" text=\"a> priority='9'\" priority=\"{priority}\"><f>1</f></{name}>"
            )
        };
        let sheet = |low: u32, high: u32, newest: u32| {
            format!(
                "<worksheet><sheetData/><conditionalFormatting sqref=\"D1:D9\">{}{}</conditionalFormatting>\
                 <pageMargins/><extLst><ext><x14:conditionalFormattings><x14:conditionalFormatting>{}\
                 </x14:conditionalFormatting></x14:conditionalFormattings></ext></extLst></worksheet>",
                rule("cfRule", high),
                rule("cfRule", low),
                rule("x14:cfRule", newest)
            )
        };
        let before = sheet(1, 3, 2);
        let marked = coloured(&before, &[cell(2, 4, true), cell(3, 4, false)], &styles).unwrap();
        let clean = coloured(&marked, &[], &styles).unwrap();
        assert_eq!(clean, sheet(3, 5, 4));
        assert!(marked.contains("dxfId=\"0\" priority=\"1\"><formula>N("), "{marked}");
        assert!(marked.contains("dxfId=\"1\" priority=\"2\"><formula>N("), "{marked}");
        assert_eq!(coloured(&marked, &[cell(2, 4, true), cell(3, 4, false)], &styles).unwrap(), marked);
        // Without marks nothing moves, and where a pivot table names the rules neither.
        assert_eq!(coloured(&before, &[], &styles).unwrap(), before);
        let pivot = before.replace("<conditionalFormatting ", "<conditionalFormatting pivot=\"1\" ");
        let marked = coloured(&pivot, &[cell(2, 4, true)], &styles).unwrap();
        assert!(marked.contains("dxfId=\"0\" priority=\"4\">"), "{marked}");
        assert_eq!(coloured(&marked, &[], &styles).unwrap(), pivot);
    }

    #[test]
    fn many_areas_are_split() {
        let (_, styles) = Styles::add(NONE).unwrap();
        let cells: Vec<_> = (1..=1200).map(|number| cell(number * 2, 1, true)).collect();
        let marked = coloured("<worksheet><sheetData/></worksheet>", &cells, &styles).unwrap();
        assert_eq!(marked.matches("<conditionalFormatting").count(), 3);
    }
}
