//! What our marks look like, added to the styles of a workbook behind those that it has.

use super::MarkError;
use super::xml::{append, root, splice};

/// The order in which the lists of a part of styles stand.
const ORDER: [&str; 8] =
    ["numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles", "dxfs"];

/// The styles of a workbook that has none.
pub const NONE: &str = "<styleSheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">\
    <fonts count=\"1\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font></fonts>\
    <fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill>\
    <fill><patternFill patternType=\"gray125\"/></fill></fills>\
    <borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
    <cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs>\
    <cellXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/></cellXfs>\
    </styleSheet>";

const TITLE_FONT: &str = "<§font><§b/><§sz val=\"16\"/><§name val=\"Calibri\"/><§family val=\"2\"/></§font>";
const HEADER_FONT: &str = "<§font><§b/><§sz val=\"11\"/><§color rgb=\"FFFFFFFF\"/><§name val=\"Calibri\"/>\
    <§family val=\"2\"/></§font>";
const LINK_FONT: &str = "<§font><§u/><§sz val=\"11\"/><§color rgb=\"FF0563C1\"/><§name val=\"Calibri\"/>\
    <§family val=\"2\"/></§font>";
const PLAIN_FONT: &str = "<§font><§sz val=\"11\"/><§color rgb=\"FF000000\"/><§name val=\"Calibri\"/>\
    <§family val=\"2\"/></§font>";

/// Red for what stands in the way, amber for what is worth a look; the words say it too.
const DENY: &str = "FFFFC7CE";
const WARN: &str = "FFFFEB9C";
const HEADER: &str = "FF1F3A5F";

/// Where our styles stand in the lists of a workbook.
#[derive(Debug, Clone, Copy)]
pub struct Styles {
    /// Of cells: a title.
    pub title: usize,
    /// A header.
    pub header: usize,
    /// Text that takes as many lines as it needs.
    pub text: usize,
    /// A link.
    pub link: usize,
    /// The word deny.
    pub deny: usize,
    /// The word warn.
    pub warn: usize,
    /// Of marks: a cell at deny.
    pub mark_deny: usize,
    /// A cell with a warning.
    pub mark_warn: usize,
}

impl Styles {
    /// Adds our styles to a part, and tells where they stand.
    pub fn add(xml: &str) -> Result<(String, Self), MarkError> {
        let (xml, fonts) =
            add(xml, "fonts", &[TITLE_FONT, HEADER_FONT, LINK_FONT, PLAIN_FONT].map(str::to_owned))?;
        let (xml, fills) = add(&xml, "fills", &[HEADER, DENY, WARN].map(fill))?;
        let [header_fill, deny_fill, warn_fill] = [fills[0], fills[1], fills[2]];
        let [title, header, link, plain] = [fonts[0], fonts[1], fonts[2], fonts[3]];
        let cells = [
            cell(title, 0, false),
            cell(header, header_fill, true),
            cell(plain, 0, true),
            cell(link, 0, true),
            cell(plain, deny_fill, true),
            cell(plain, warn_fill, true),
        ];
        let (xml, cells) = add(&xml, "cellXfs", &cells)?;
        let (xml, marks) = add(&xml, "dxfs", &[mark(DENY, "FF9C0006"), mark(WARN, "FF7F6000")])?;
        let styles = Self {
            title: cells[0],
            header: cells[1],
            text: cells[2],
            link: cells[3],
            deny: cells[4],
            warn: cells[5],
            mark_deny: marks[0],
            mark_warn: marks[1],
        };
        Ok((xml, styles))
    }
}

fn fill(colour: &str) -> String {
    format!(
        "<§fill><§patternFill patternType=\"solid\"><§fgColor rgb=\"{colour}\"/><§bgColor indexed=\"64\"/>\
         </§patternFill></§fill>"
    )
}

fn cell(font: usize, fill: usize, wraps: bool) -> String {
    let wrap = if wraps { " wrapText=\"1\"" } else { "" };
    format!(
        "<§xf numFmtId=\"0\" fontId=\"{font}\" fillId=\"{fill}\" borderId=\"0\" xfId=\"0\" applyFont=\"1\" \
         applyFill=\"1\" applyAlignment=\"1\"><§alignment vertical=\"top\"{wrap}/></§xf>"
    )
}

fn mark(colour: &str, font: &str) -> String {
    format!(
        "<§dxf><§font><§color rgb=\"{font}\"/></§font><§fill><§patternFill patternType=\"solid\">\
         <§fgColor rgb=\"{colour}\"/><§bgColor rgb=\"{colour}\"/></§patternFill></§fill></§dxf>"
    )
}

/// Adds items to a list of a part, behind those that it has, and tells where each stands. One that is
/// there already, from an earlier copy, is not added again.
fn add(xml: &str, list: &str, items: &[String]) -> Result<(String, Vec<usize>), MarkError> {
    let part = root(xml)?;
    let own = part.child(list).map(|child| child.span.clone());
    let (place, before) = if let Some(span) = own {
        (span.clone(), xml[span].to_owned())
    } else {
        if part.close.is_none() {
            return Err(MarkError::Unfit("its styles are empty".into()));
        }
        let earlier = ORDER.iter().position(|name| *name == list).map_or(&[][..], |at| &ORDER[..at]);
        let at = part.place_after(earlier);
        (at..at, format!("<{}{list} count=\"0\"/>", part.prefix))
    };
    let inside = root(&before)?;
    let mut known: Vec<String> =
        inside.children.iter().map(|child| before[child.span.clone()].to_owned()).collect();
    let (mut places, mut new) = (Vec::new(), String::new());
    for item in items {
        let item = item.replace('§', &part.prefix);
        let at = known.iter().position(|own| *own == item).unwrap_or_else(|| {
            new.push_str(&item);
            known.push(item);
            known.len() - 1
        });
        places.push(at);
    }
    let after = if new.is_empty() { before } else { append(&counted(&before, known.len()), &new)? };
    Ok((splice(xml, vec![(place, after)]), places))
}

/// The list with the count that it is going to have.
fn counted(list: &str, count: usize) -> String {
    let open = list.find('>').unwrap_or(list.len());
    let Some(at) = list[..open].find(" count=") else { return list.to_owned() };
    let value = at + " count=".len();
    let quote = list[value..].chars().next().unwrap_or('"');
    let end = list[value + 1..].find(quote).map_or(open, |length| value + 1 + length + 1);
    format!("{} count=\"{count}\"{}", &list[..at], &list[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_are_added_behind_the_others_and_only_once() {
        let (first, styles) = Styles::add(NONE).unwrap();
        assert_eq!((styles.title, styles.mark_deny, styles.mark_warn), (1, 0, 1));
        assert!(first.contains("<fonts count=\"5\">") && first.contains("<dxfs count=\"2\">"), "{first}");
        assert!(first.find("</cellXfs>").unwrap() < first.find("<dxfs").unwrap());
        let (second, again) = Styles::add(&first).unwrap();
        assert_eq!((first, again.mark_deny), (second, 0));
        let prefixed = NONE.replace("</", "<//").replace('<', "<x:").replace("<x://", "</x:");
        let (prefixed, _) = Styles::add(&prefixed).unwrap();
        assert!(prefixed.contains("<x:dxfs count=\"2\"><x:dxf><x:font>"), "{prefixed}");
    }
}
