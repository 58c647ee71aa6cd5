//! The styles of an OpenDocument spreadsheet, as far as they say that a cell shows something else than it
//! holds: formats of numbers, and texts that are struck out, raised or lowered; and rows and columns that
//! are too flat to be read.

use std::collections::{HashMap, HashSet};

use quick_xml::events::{BytesStart, Event};

use crate::findings::Finding;

use super::number_format::is_read;
use super::odd::Look;
use super::ods::{Xml, attribute, refusal};

/// How many styles may stand behind each other.
const MOST_PARENTS: usize = 16;

/// The styles of a document, by their names.
#[derive(Debug, Default)]
pub struct Styles {
    cells: HashMap<String, Style>,
    texts: HashMap<String, Style>,
    formats: HashMap<String, Format>,
    flat: Flat,
}

/// The styles by which rows and columns are too flat to be read.
#[derive(Debug, Default, Clone)]
pub struct Flat {
    rows: HashSet<String>,
    columns: HashSet<String>,
}

impl Flat {
    /// Whether a row or a column is, by the name of its style.
    pub fn is_flat(&self, element: &BytesStart<'_>) -> Result<bool, Finding> {
        let styles = if element.name().0 == "table:table-row" { &self.rows } else { &self.columns };
        // Nearly no document has any, and looking an attribute up is not free.
        if styles.is_empty() {
            return Ok(false);
        }
        Ok(attribute(element, "table:style-name")?.is_some_and(|style| styles.contains(&style)))
    }
}

/// Millimetres below which nobody can read a row or a column.
const FLATTEST: f64 = 0.75;

#[derive(Debug, Default, Clone)]
struct Style {
    parent: Option<String>,
    format: Option<String>,
    is_struck: Option<bool>,
    is_raised: Option<bool>,
}

/// A format of numbers.
#[derive(Debug, Default)]
struct Format {
    /// Whether it shows more than the digits of a number.
    is_telling: bool,
    /// Whether it shows the number at all.
    has_number: bool,
    /// The formats that stand in for it, and the numbers that they are for.
    others: Vec<(String, String)>,
}

/// What the element that is read belongs to.
enum Current {
    Nothing,
    Cell(String),
    Text(String),
    Format(String),
    Row(String),
    Column(String),
}

impl Styles {
    /// Takes in the styles that stand before the body of a document.
    pub fn read(&mut self, xml: &mut Xml<'_>) -> Result<(), Finding> {
        let mut buffer = Vec::new();
        let mut current = Current::Nothing;
        // Whether what is read stands in a format as it is shown.
        let mut is_shown = false;
        loop {
            buffer.clear();
            match xml.read_event_into(&mut buffer).map_err(|error| refusal(&error))? {
                Event::Start(element) => {
                    let name = element.name().0;
                    if name == "office:body" {
                        return Ok(());
                    }
                    is_shown =
                        matches!(name, "number:text" | "number:currency-symbol" | "number:embedded-text");
                    self.start(name, &element, &mut current)?;
                }
                Event::End(element) => {
                    is_shown = false;
                    let name = element.name().0;
                    if name == "style:style" || name.starts_with("number:") && name.ends_with("-style") {
                        current = Current::Nothing;
                    }
                }
                Event::Text(text) if is_shown => self.shows(&current, &text.xml10_content()),
                Event::CData(text) if is_shown => self.shows(&current, &text.xml10_content()),
                Event::GeneralRef(_) if is_shown => self.shows(&current, "0"),
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    fn start(&mut self, name: &str, element: &BytesStart<'_>, current: &mut Current) -> Result<(), Finding> {
        match name {
            "style:style" => {
                let own = attribute(element, "style:name")?.unwrap_or_default();
                let style = Style {
                    parent: attribute(element, "style:parent-style-name")?,
                    format: attribute(element, "style:data-style-name")?,
                    ..Style::default()
                };
                *current = match attribute(element, "style:family")?.as_deref() {
                    Some("table-cell") => {
                        self.cells.insert(own.clone(), style);
                        Current::Cell(own)
                    }
                    Some("text") => {
                        self.texts.insert(own.clone(), style);
                        Current::Text(own)
                    }
                    Some("table-row") => Current::Row(own),
                    Some("table-column") => Current::Column(own),
                    _ => Current::Nothing,
                };
            }
            "style:table-row-properties" => {
                if let Current::Row(own) = current
                    && attribute(element, "style:row-height")?.is_some_and(|length| is_flat(&length))
                {
                    self.flat.rows.insert(own.clone());
                }
            }
            "style:table-column-properties" => {
                if let Current::Column(own) = current
                    && attribute(element, "style:column-width")?.is_some_and(|length| is_flat(&length))
                {
                    self.flat.columns.insert(own.clone());
                }
            }
            "style:text-properties" => {
                let style = match current {
                    Current::Cell(own) => self.cells.get_mut(own),
                    Current::Text(own) => self.texts.get_mut(own),
                    Current::Nothing | Current::Format(_) | Current::Row(_) | Current::Column(_) => None,
                };
                let Some(style) = style else { return Ok(()) };
                for line in ["style:text-line-through-style", "style:text-line-through-type"] {
                    let line = attribute(element, line)?;
                    style.is_struck = line.map(|line| line != "none").or(style.is_struck);
                }
                let position = attribute(element, "style:text-position")?;
                style.is_raised = position.map(|position| is_raised(&position)).or(style.is_raised);
            }
            "number:number-style"
            | "number:currency-style"
            | "number:percentage-style"
            | "number:text-style" => {
                let own = attribute(element, "style:name")?.unwrap_or_default();
                let has_number = name == "number:text-style";
                self.formats.insert(own.clone(), Format { has_number, ..Format::default() });
                *current = Current::Format(own);
            }
            "number:date-style" | "number:time-style" | "number:boolean-style" => {
                let own = attribute(element, "style:name")?.unwrap_or_default();
                self.formats.insert(own, Format { is_telling: true, ..Format::default() });
                *current = Current::Nothing;
            }
            "number:number" | "number:scientific-number" | "number:fraction" => {
                let factor = attribute(element, "number:display-factor")?;
                if let Some(format) = self.format(current) {
                    format.has_number = true;
                    format.is_telling |= factor.is_some_and(|factor| factor.trim().parse() != Ok(1.0_f64));
                }
            }
            "style:map" => {
                let condition = attribute(element, "style:condition")?.unwrap_or_default();
                let other = attribute(element, "style:apply-style-name")?.unwrap_or_default();
                if let Some(format) = self.format(current) {
                    format.others.push((condition, other));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn format(&mut self, current: &Current) -> Option<&mut Format> {
        match current {
            Current::Format(name) => self.formats.get_mut(name),
            Current::Nothing | Current::Cell(_) | Current::Text(_) | Current::Row(_) | Current::Column(_) => {
                None
            }
        }
    }

    /// The styles by which rows and columns are too flat to be read.
    pub fn flat(&self) -> &Flat {
        &self.flat
    }

    fn shows(&mut self, current: &Current, text: &str) {
        if let Some(format) = self.format(current) {
            format.is_telling |= text.chars().any(is_read);
        }
    }

    /// Whether a cell of a style shows its number as something else.
    pub fn shows_something_else(&self, style: &str, value: f64) -> bool {
        let format = behind(&self.cells, style).find_map(|style| style.format.as_deref());
        format.is_some_and(|format| self.is_telling(format, value, 0))
    }

    fn is_telling(&self, format: &str, value: f64, depth: usize) -> bool {
        let Some(format) = self.formats.get(format).filter(|_| depth < MOST_PARENTS) else { return false };
        let other = format.others.iter().find(|(condition, _)| holds(condition, value));
        match other {
            Some((_, other)) => self.is_telling(other, value, depth + 1),
            None => format.is_telling || !format.has_number,
        }
    }

    /// Whether a cell of a style is struck out.
    pub fn is_struck(&self, style: &str) -> bool {
        behind(&self.cells, style).find_map(|style| style.is_struck).unwrap_or_default()
    }

    /// How a text of a style looks.
    pub fn look(&self, style: &str) -> Look {
        let is = |of: fn(&Style) -> Option<bool>| behind(&self.texts, style).find_map(of).unwrap_or_default();
        Look { is_raised: is(|style| style.is_raised), is_struck: is(|style| style.is_struck) }
    }
}

/// A style and those that it is made from.
fn behind<'a>(styles: &'a HashMap<String, Style>, name: &str) -> impl Iterator<Item = &'a Style> {
    let parent = |style: &&'a Style| styles.get(style.parent.as_deref()?);
    std::iter::successors(styles.get(name), parent).take(MOST_PARENTS)
}

/// Whether a length such as `0.45cm` is too small to be read; one in a unit that nobody knows is not.
fn is_flat(length: &str) -> bool {
    let length = length.trim();
    let digits = length.trim_end_matches(|one: char| one.is_ascii_alphabetic());
    let in_millimetres = match &length[digits.len()..] {
        "mm" => 1.0,
        "cm" => 10.0,
        "in" => 25.4,
        "pt" => 25.4 / 72.0,
        "pc" => 25.4 / 6.0,
        "px" => 25.4 / 96.0,
        _ => return digits.parse() == Ok(0.0_f64),
    };
    digits.parse::<f64>().is_ok_and(|number| number * in_millimetres < FLATTEST)
}

/// `super 58%`, `sub`, `33% 58%`; on the line is `0% 100%`.
fn is_raised(position: &str) -> bool {
    let first = position.split_whitespace().next().unwrap_or_default();
    !first.trim_end_matches('%').parse::<f64>().is_ok_and(|height| height == 0.0)
}

/// Whether a condition such as `value()>=0` holds; one that nobody knows does.
fn holds(condition: &str, value: f64) -> bool {
    let Some(rest) = condition.trim().strip_prefix("value()") else { return true };
    let digits = rest.trim_start_matches(['<', '>', '=', '!']);
    let (sign, Ok(bound)) = (&rest[..rest.len() - digits.len()], digits.trim().parse::<f64>()) else {
        return true;
    };
    match sign {
        "<" => value < bound,
        "<=" => value <= bound,
        ">" => value > bound,
        ">=" => value >= bound,
        "=" => value.total_cmp(&bound).is_eq(),
        "!=" => value.total_cmp(&bound).is_ne(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufRead;

    use super::*;

    fn styles(text: &str) -> Styles {
        let text = format!("<a>{text}<office:body><style:style style:name=\"late\"/></office:body></a>");
        let mut xml = Xml::from_reader(Box::new(text.as_bytes()) as Box<dyn BufRead>);
        xml.config_mut().expand_empty_elements = true;
        let mut styles = Styles::default();
        styles.read(&mut xml).unwrap();
        styles
    }

    #[test]
    fn formats_tell_what_they_show() {
        let cell = "<style:style style:name=\"c\" style:family=\"table-cell\" style:data-style-name=\"n\"/>\
                    <style:style style:name=\"d\" style:family=\"table-cell\" style:parent-style-name=\"c\"/>";
        let tells =
            |format: &str, value: f64| styles(&format!("{cell}{format}")).shows_something_else("d", value);
        let number =
            |inside: &str| format!("<number:number-style style:name=\"n\">{inside}</number:number-style>");
        assert!(!tells(
            &number("<number:number number:decimal-places=\"2\" number:grouping=\"true\"/>"),
            5.0
        ));
        assert!(!tells(
            &number("<number:text>(</number:text><number:number/><number:text>) </number:text>"),
            5.0
        ));
        assert!(tells(&number("<number:number number:display-factor=\"1000\"/>"), 5.0));
        assert!(tells(&number("<number:number/><number:text> h</number:text>"), 5.0));
        assert!(tells(
            &number("<number:number><number:embedded-text>,</number:embedded-text></number:number>"),
            5.0
        ));
        assert!(tells(&number("<number:text/>"), 5.0));
        assert!(tells(
            "<number:percentage-style style:name=\"n\"><number:number/><number:text>%</number:text></number:percentage-style>",
            0.5
        ));
        assert!(tells(
            "<number:currency-style style:name=\"n\"><number:currency-symbol>€</number:currency-symbol><number:number/></number:currency-style>",
            5.0
        ));
        assert!(tells("<number:date-style style:name=\"n\"><number:year/></number:date-style>", 5.0));
        assert!(!tells(
            "<number:text-style style:name=\"n\"><number:text-content/></number:text-style>",
            5.0
        ));
        let mapped = "<number:number-style style:name=\"p\"><number:number/></number:number-style>\
            <number:number-style style:name=\"n\"><number:text>n/a</number:text>\
            <style:map style:condition=\"value()&gt;0\" style:apply-style-name=\"p\"/></number:number-style>";
        assert!(!tells(mapped, 5.0));
        assert!(tells(mapped, 0.0));
        let itself = number("<style:map style:condition=\"value()&gt;0\" style:apply-style-name=\"n\"/>");
        assert!(!tells(&itself, 5.0));
    }

    #[test]
    fn lengths_of_almost_nothing_are_told() {
        for flat in ["0cm", "0", "0.05cm", "0.01in", "1pt", "0.5mm", "2px"] {
            assert!(is_flat(flat), "{flat}");
        }
        for read in ["0.452cm", "0.8mm", "4pt", "", "auto", "12"] {
            assert!(!is_flat(read), "{read}");
        }
    }

    #[test]
    fn texts_are_struck_out_and_raised() {
        let text = |properties: &str| {
            styles(&format!(
                "<style:style style:name=\"t\" style:family=\"text\"><style:text-properties {properties}/></style:style>"
            ))
            .look("t")
        };
        assert_eq!(text("style:text-position=\"super 58%\""), Look { is_raised: true, is_struck: false });
        assert_eq!(text("style:text-position=\"-33% 58%\""), Look { is_raised: true, is_struck: false });
        assert_eq!(text("style:text-position=\"0% 100%\""), Look::default());
        assert_eq!(
            text("style:text-line-through-style=\"solid\""),
            Look { is_raised: false, is_struck: true }
        );
        assert_eq!(text("style:text-line-through-style=\"none\""), Look::default());
    }
}
