//! Parts of a package as text with the places of their elements, so that everything between stays as it
//! is, byte for byte.

use std::ops::Range;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::MarkError;

/// The element that holds all others of a part, or of an element.
#[derive(Debug)]
pub struct Root {
    /// What stands before the name of each element, with its colon; mostly nothing.
    pub prefix: String,
    /// Where its start tag ends.
    pub open_end: usize,
    /// Where its end tag starts; `None` where it is a single tag without any content.
    pub close: Option<usize>,
    /// What it holds, in order.
    pub children: Vec<Element>,
}

/// An element and where it stands.
#[derive(Debug)]
pub struct Element {
    /// Its name without a prefix.
    pub name: String,
    /// Where it stands.
    pub span: Range<usize>,
    /// Its attributes, by their names without a prefix, with their values.
    pub attributes: Vec<(String, String)>,
}

impl Element {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// The root of a part and what it holds.
pub fn root(xml: &str) -> Result<Root, MarkError> {
    let mut reader = Reader::from_str(xml);
    let mut found: Option<Root> = None;
    let mut open: Option<Element> = None;
    let mut depth = 0_usize;
    loop {
        let start = place(&reader);
        let event = reader.read_event().map_err(|error| MarkError::unfit(&error))?;
        let end = place(&reader);
        match event {
            Event::Start(element) => {
                match depth {
                    0 if found.is_none() => found = Some(begin(&element, end)),
                    1 => open = Some(named(&element, start..end)?),
                    _ => {}
                }
                depth += 1;
            }
            Event::Empty(element) => match (depth, found.as_mut()) {
                (0, None) => found = Some(begin(&element, end)),
                (1, Some(root)) => root.children.push(named(&element, start..end)?),
                _ => {}
            },
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                match (depth, found.as_mut()) {
                    (0, Some(root)) => root.close = root.close.or(Some(start)),
                    (1, Some(root)) => root.children.extend(
                        open.take().map(|element| Element { span: element.span.start..end, ..element }),
                    ),
                    _ => {}
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    found.filter(|_| depth == 0).ok_or_else(|| MarkError::Unfit("a part breaks off".into()))
}

fn begin(element: &BytesStart<'_>, open_end: usize) -> Root {
    let name = element.name().0;
    let prefix = name.rfind(':').map_or("", |colon| &name[..=colon]).to_owned();
    Root { prefix, open_end, close: None, children: Vec::new() }
}

fn named(element: &BytesStart<'_>, span: Range<usize>) -> Result<Element, MarkError> {
    let local = |name: &str| name.rsplit(':').next().unwrap_or_default().to_owned();
    let mut attributes = Vec::new();
    for attribute in element.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| MarkError::unfit(&error))?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0);
        let value = value.map_err(|error| MarkError::unfit(&error))?.into_owned();
        attributes.push((local(attribute.key.0), value));
    }
    Ok(Element { name: local(element.name().0), span, attributes })
}

/// All elements of a name, at any depth, whatever their prefix is.
pub fn elements(xml: &str, name: &str) -> Result<Vec<Element>, MarkError> {
    let mut reader = Reader::from_str(xml);
    let mut found = Vec::new();
    let mut open: Option<(Element, usize)> = None;
    let mut depth = 0_usize;
    loop {
        let start = place(&reader);
        let event = reader.read_event().map_err(|error| MarkError::unfit(&error))?;
        let end = place(&reader);
        match event {
            Event::Start(element) => {
                if open.is_none() && element.local_name().as_ref() == name {
                    open = Some((named(&element, start..end)?, depth));
                }
                depth += 1;
            }
            Event::Empty(element) if open.is_none() && element.local_name().as_ref() == name => {
                found.push(named(&element, start..end)?);
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if let Some((element, _)) = open.take_if(|(_, own)| *own == depth) {
                    found.push(Element { span: element.span.start..end, ..element });
                }
            }
            Event::Eof => return Ok(found),
            _ => {}
        }
    }
}

/// Where the value of an attribute stands in an element, whose name is without a prefix.
pub fn attribute_place(element: &str, name: &str) -> Option<Range<usize>> {
    let mut at = element.find(|one: char| one.is_whitespace())?;
    loop {
        let rest = &element[at..];
        at += rest.find(|one: char| !one.is_whitespace())?;
        let rest = &element[at..];
        let equals = rest.find('=').filter(|_| !rest.starts_with(['>', '/']))?;
        let own = rest[..equals].trim();
        let quote = at + equals + element[at + equals..].find(['"', '\''])?;
        let mark = element[quote..].chars().next()?;
        let end = quote + 1 + element[quote + 1..].find(mark)?;
        if own == name {
            return Some(quote + 1..end);
        }
        at = end + 1;
    }
}

fn place(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

impl Root {
    /// The first child of a name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Where a new child belongs: behind the last one that has to come before it.
    pub fn place_after(&self, earlier: &[&str]) -> usize {
        let before = self.children.iter().filter(|child| earlier.contains(&child.name.as_str()));
        before.map(|child| child.span.end).max().unwrap_or(self.open_end)
    }
}

/// Puts a text with elements in before the end of an element, which may be a single tag so far. The
/// names in it have `§` where the prefix of the part belongs.
pub fn append(xml: &str, items: &str) -> Result<String, MarkError> {
    let root = root(xml)?;
    let items = items.replace('§', &root.prefix);
    if let Some(close) = root.close {
        return Ok(splice(xml, vec![(close..close, items)]));
    }
    let open = xml[..root.open_end].trim_end_matches('>').trim_end_matches('/').trim_end();
    let start = open.rfind('<').map_or(0, |at| at + 1);
    let name: String = open[start..].chars().take_while(|one| !one.is_whitespace()).collect();
    Ok(format!("{open}>{items}</{name}>{}", &xml[root.open_end..]))
}

/// Replaces places of a text by other texts; the places do not overlap.
pub fn splice(xml: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(place, _)| (place.start, place.end));
    let more: usize = edits.iter().map(|(_, text)| text.len()).sum();
    let mut spliced = String::with_capacity(xml.len() + more);
    let mut at = 0;
    for (place, text) in edits {
        spliced.push_str(&xml[at..place.start]);
        spliced.push_str(&text);
        at = place.end;
    }
    spliced.push_str(&xml[at..]);
    spliced
}

/// Text as it stands in a part. Letters beyond English ones become numbers, so that it does not matter
/// in which encoding the part says it is; what XML cannot hold is left out.
pub fn escaped(text: &str) -> String {
    use std::fmt::Write;

    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | ' '..='~' => escaped.push(character),
            '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}' => {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "&#{};", u32::from(character));
            }
            _ => {}
        }
    }
    escaped
}

/// The same for the text of a cell, in which spreadsheet programs take `_x0041_` for a letter.
pub fn escaped_cell(text: &str) -> String {
    let mut rest = text;
    let mut guarded = String::with_capacity(text.len());
    while let Some(at) = rest.find("_x") {
        let (before, from) = rest.split_at(at);
        guarded.push_str(before);
        let code = from.as_bytes().get(2..7);
        let is_code = code.is_some_and(|code| code[..4].iter().all(u8::is_ascii_hexdigit) && code[4] == b'_');
        guarded.push_str(if is_code { "_x005F_" } else { "_" });
        rest = &from[1..];
    }
    guarded.push_str(rest);
    escaped(&guarded)
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = "<?xml version=\"1.0\"?>\n<x:a k='1'>\n <x:b n=\"&lt;\"/><x:c><x:b/>t</x:c> </x:a>\n";

    #[test]
    fn elements_are_found_where_they_stand() {
        let root = root(XML).unwrap();
        assert_eq!((root.prefix.as_str(), &XML[root.close.unwrap()..]), ("x:", "</x:a>\n"));
        let children: Vec<_> = root.children.iter().map(|child| &XML[child.span.clone()]).collect();
        assert_eq!(children, ["<x:b n=\"&lt;\"/>", "<x:c><x:b/>t</x:c>"]);
        assert_eq!(root.children[0].attribute("n"), Some("<"));
        let found = elements(XML, "b").unwrap();
        let spans: Vec<_> = found.iter().map(|found| &XML[found.span.clone()]).collect();
        assert_eq!(spans, ["<x:b n=\"&lt;\"/>", "<x:b/>"]);
        assert_eq!(root.place_after(&["b", "d"]), root.children[0].span.end);
        assert_eq!(root.place_after(&["d"]), root.open_end);
        for broken in ["", "<a>", "<a></b>", "<a", "no element"] {
            assert!(super::root(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn what_is_put_in_takes_the_prefix_of_the_part() {
        assert_eq!(append("<x:a><x:b/></x:a>", "<§c/>").unwrap(), "<x:a><x:b/><x:c/></x:a>");
        assert_eq!(append("<dxfs count=\"0\"/>", "<§dxf/>").unwrap(), "<dxfs count=\"0\"><dxf/></dxfs>");
        let edits = vec![(3..4, "Z".to_owned()), (1..1, "-".to_owned())];
        assert_eq!(splice("abcdef", edits), "a-bcZef");
    }

    #[test]
    fn text_is_escaped_as_spreadsheets_read_it() {
        assert_eq!(escaped("<a & \"b\"> ü\u{1}\u{ffff}\n"), "&lt;a &amp; &quot;b&quot;&gt; &#252;\n");
        assert_eq!(escaped_cell("_x0041_ _x_ _xyz"), "_x005F_x0041_ _x_ _xyz");
    }
}
