//! A cell of an OpenDocument spreadsheet: what it holds, and what it shows.
//!
//! Such a file stores both. A number that is shown as another one was never read by anybody, so it is
//! believed only where the two agree, or where nothing is shown.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use crate::domain::visible;
use crate::findings::Finding;
use crate::parse::{CellKind, odd};

use super::cell::{UNCOMPUTED, write_number};
use super::odd::{Look, Oddity, Runs};
use super::ods::{Xml, attribute, broken_off, count, refusal, resolved};
use super::ods_styles::Styles;

/// Blanks that a single element may stand for.
const MOST_BLANKS: usize = 10_000;

/// Elements inside of a text that are not shown as a part of it.
const ASIDE: [&str; 5] =
    ["text:note", "text:ruby-text", "text:script", "text:tracked-changes", "text:hidden-paragraph"];

/// What a cell shows.
#[derive(Debug, Default)]
pub struct Shown {
    /// Its text.
    pub text: String,
    /// What is odd about how the text looks.
    pub oddity: Option<Oddity>,
    /// Whether the file says what is shown, be it nothing.
    pub is_said: bool,
}

impl Shown {
    /// Reads to the end of the cell. Comments, shapes and what is hidden are no part of what it shows.
    pub fn read(xml: &mut Xml<'_>, buffer: &mut Vec<u8>, styles: &Styles) -> Result<Self, Finding> {
        let (mut shown, mut runs) = (Self::default(), Runs::default());
        let mut depth = 1_usize;
        // How deep an element is whose text is not the cell's.
        let mut aside: Option<usize> = None;
        // The looks of the elements around, and how deep those are.
        let mut looks: Vec<(usize, Look)> = Vec::new();
        while depth > 0 {
            buffer.clear();
            let event = xml.read_event_into(buffer).map_err(|error| refusal(&error))?;
            let look = looks.last().map(|(_, look)| *look).unwrap_or_default();
            let mut push = |text: &str| {
                shown.text.push_str(text);
                runs.push(text, look);
            };
            match event {
                Event::Start(element) => {
                    depth += 1;
                    match element.name().0 {
                        _ if aside.is_some() => {}
                        "text:p" if depth == 2 => {
                            if shown.is_said {
                                shown.text.push('\n');
                            }
                            shown.is_said = true;
                        }
                        "text:s" => {
                            let blanks = usize::try_from(count(&element, "text:c")?).unwrap_or(usize::MAX);
                            push(&" ".repeat(blanks.min(MOST_BLANKS)));
                        }
                        "text:tab" => push("\t"),
                        "text:line-break" => push("\n"),
                        "text:span" => {
                            let style = attribute(&element, "text:style-name")?;
                            let own = style.map(|style| styles.look(&style)).unwrap_or_default();
                            let is_raised = look.is_raised || own.is_raised;
                            looks.push((
                                depth,
                                Look { is_raised, is_struck: look.is_struck || own.is_struck },
                            ));
                        }
                        "text:hidden-text" => {
                            let is_shown = attribute(&element, "text:is-hidden")?.as_deref() == Some("false");
                            aside = (!is_shown).then_some(depth);
                        }
                        name if depth == 2 || ASIDE.contains(&name) || !name.starts_with("text:") => {
                            aside = Some(depth);
                        }
                        _ => {}
                    }
                }
                Event::End(_) => {
                    aside = aside.filter(|aside| *aside != depth);
                    looks.pop_if(|(own, _)| *own == depth);
                    depth -= 1;
                }
                Event::Text(words) if depth > 1 && aside.is_none() => push(&words.xml10_content()),
                Event::CData(words) if depth > 1 && aside.is_none() => push(&words.xml10_content()),
                Event::GeneralRef(reference) if depth > 1 && aside.is_none() => push(&resolved(&reference)?),
                Event::Eof => return Err(broken_off()),
                _ => {}
            }
        }
        shown.oddity = runs.oddity();
        Ok(shown)
    }
}

/// What the attributes of a cell say.
#[derive(Debug, Default)]
pub struct CellDraft {
    value_type: String,
    number: Option<String>,
    text: Option<String>,
    date: Option<String>,
    time: Option<String>,
    truth: Option<String>,
    has_formula: bool,
    is_error: bool,
    /// The style of the cell itself.
    pub style: Option<String>,
}

impl CellDraft {
    /// Reads the attributes.
    pub fn of(element: &BytesStart<'_>) -> Result<Self, Finding> {
        let mut draft = Self::default();
        for attribute in element.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| refusal(&error))?;
            let value = || {
                let value = attribute.normalized_value(XmlVersion::Implicit1_0);
                value.map(Cow::into_owned).map_err(|error| refusal(&error))
            };
            match attribute.key.0 {
                "office:value-type" => draft.value_type = value()?,
                "office:value" => draft.number = Some(value()?),
                "office:string-value" => draft.text = Some(value()?),
                "office:date-value" => draft.date = Some(value()?),
                "office:time-value" => draft.time = Some(value()?),
                "office:boolean-value" => draft.truth = Some(value()?),
                "table:formula" => draft.has_formula = true,
                "table:style-name" => draft.style = Some(value()?),
                "calcext:value-type" => draft.is_error = value()? == "error",
                _ => {}
            }
        }
        Ok(draft)
    }

    /// The value as it is read; `style` is the one that the cell has, its own or that of its column.
    pub fn value(self, shown: Shown, style: Option<&str>, styles: &Styles) -> (String, CellKind) {
        let is_struck = style.is_some_and(|style| styles.is_struck(style));
        let oddity = is_struck.then_some(Oddity::StruckOut).or_else(|| shown.oddity.clone());
        let (mut text, kind) = self.plain_value(shown, style, styles);
        match (oddity, kind) {
            (Some(oddity), CellKind::Text | CellKind::Number | CellKind::Boolean | CellKind::Date) => {
                let kind = oddity.write(&mut text);
                (text, kind)
            }
            (_, kind) => (text, kind),
        }
    }

    fn plain_value(self, shown: Shown, style: Option<&str>, styles: &Styles) -> (String, CellKind) {
        let Shown { text: shown, is_said, .. } = shown;
        if self.is_error {
            return (if shown.is_empty() { "an error".into() } else { shown }, CellKind::Error);
        }
        let stated = match self.value_type.as_str() {
            "percentage" if shown.contains('%') => return (shown, CellKind::Text),
            "percentage" if shown.is_empty() => self.number.map(|stated| share(&stated)),
            // What a person reads is a price, which is no quantity.
            "currency" if shown.chars().any(|one| one.is_alphabetic() || "$€£¥".contains(one)) => {
                return (shown, CellKind::Text);
            }
            "currency" if shown.is_empty() => {
                self.number.map(|stated| (format!("{stated}{}money", odd::SHOWN_AS), CellKind::Error))
            }
            "float" | "percentage" | "currency" => self.number.map(|stated| {
                let is_telling = |value| style.is_some_and(|style| styles.shows_something_else(style, value));
                number(&stated, &shown, is_said, is_telling)
            }),
            "date" => self.date.map(|date| (date_text(&date), CellKind::Date)),
            "time" => self.time.map(|time| (time, CellKind::Date)),
            "boolean" => self.truth.map(|truth| (truth.to_ascii_lowercase(), CellKind::Boolean)),
            "string" => return string(self.text, shown),
            _ => None,
        };
        match stated {
            Some(stated) => stated,
            None if self.has_formula => (UNCOMPUTED.to_owned(), CellKind::Error),
            None if shown.is_empty() => (shown, CellKind::Blank),
            None => (shown, CellKind::Text),
        }
    }
}

fn string(stated: Option<String>, shown: String) -> (String, CellKind) {
    let letters = |text: &str| text.chars().filter(|one| !one.is_whitespace()).collect::<String>();
    match stated {
        Some(stated) if !shown.is_empty() && letters(&stated) != letters(&shown) => {
            (shown_as(&stated, &shown), CellKind::Error)
        }
        stated => {
            let text = stated.unwrap_or(shown);
            let kind = if text.is_empty() { CellKind::Blank } else { CellKind::Text };
            (text, kind)
        }
    }
}

fn shown_as(stated: &str, shown: &str) -> String {
    let shown = if shown.trim().is_empty() { "nothing" } else { shown };
    format!("{stated}{}{}", odd::SHOWN_AS, visible(shown))
}

/// A share, as a cell shows it.
fn share(stated: &str) -> (String, CellKind) {
    let mut text = String::new();
    match stated.trim().parse::<f64>() {
        Ok(value) => write_number(value * 100.0, &mut text),
        Err(_) => text.push_str(stated),
    }
    (text + " %", CellKind::Text)
}

/// A number as users see it; what is none stays text.
fn number(stated: &str, shown: &str, is_said: bool, is_telling: impl Fn(f64) -> bool) -> (String, CellKind) {
    let Ok(value) = stated.trim().parse::<f64>() else {
        let is_read = shown.is_empty();
        let text = if is_read { stated.to_owned() } else { shown_as(&format!("\"{stated}\""), shown) };
        return (text, if is_read { CellKind::Text } else { CellKind::Error });
    };
    let mut text = String::new();
    write_number(value, &mut text);
    if is_said && !agree(shown, value) {
        return (shown_as(&text, shown), CellKind::Error);
    }
    if is_telling(value) {
        let shown = if shown.is_empty() { "something else" } else { shown };
        return (shown_as(&text, shown), CellKind::Error);
    }
    (text, CellKind::Number)
}

/// Whether a text shows a number, rounded to the places that it shows. Which sign is the decimal one is not
/// known, so one of them has to fit.
fn agree(shown: &str, value: f64) -> bool {
    let plain: String = shown.chars().map(plain).filter(|one| *one != ' ' && *one != '\'').collect();
    let body = plain.trim_matches(['-', '+', '(', ')']);
    if body.is_empty() {
        return value == 0.0 && plain.contains('-');
    }
    let value = value.abs();
    if shown.contains('/') {
        return fraction(shown).is_some_and(|(shown, step)| (shown - value).abs() <= step);
    }
    let (mantissa, exponent) = body.split_once(['E', 'e']).unwrap_or((body, "0"));
    let Ok(exponent) = exponent.parse::<i32>() else { return false };
    [Some('.'), Some(','), None].into_iter().any(|sign| {
        let (whole, places) = sign.and_then(|sign| mantissa.rsplit_once(sign)).unwrap_or((mantissa, ""));
        // Before the decimal sign the other one sets groups apart, of which the last has three digits.
        let is_grouped = whole.rsplit_once(['.', ',']).is_none_or(|(_, last)| last.len() == 3);
        if !is_grouped {
            return false;
        }
        let whole: String =
            whole.chars().filter(|one| !matches!(one, '.' | ',') || Some(*one) == sign).collect();
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(&whole) || !is_digits(places) {
            return false;
        }
        let Ok(shown) = format!("{whole}.{places}0e{exponent}").parse::<f64>() else { return false };
        let places = i32::try_from(places.len()).unwrap_or(i32::MAX);
        let half = 0.5 * 10_f64.powi(exponent.saturating_sub(places));
        (shown - value).abs() <= half + value * 1e-9
    })
}

/// `1 1/3`, and how far from it a number can be that is shown so.
fn fraction(shown: &str) -> Option<(f64, f64)> {
    let shown: String = shown.chars().map(plain).collect();
    let (before, below) = shown.trim().trim_start_matches(['-', '+']).split_once('/')?;
    let (whole, above) = before.trim().rsplit_once(' ').unwrap_or(("0", before));
    let (whole, above): (f64, f64) = (whole.trim().parse().ok()?, above.trim().parse().ok()?);
    let below: f64 = below.trim().parse().ok().filter(|below| *below > 0.0)?;
    Some((whole + above / below, 0.5 / below))
}

/// Full-width digits, blanks, apostrophes and dashes of any make as the plain ones.
fn plain(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character),
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{2212}' | '\u{2010}'..='\u{2014}' => '-',
        other if other.is_whitespace() || other == '\u{202f}' => ' ',
        other => other,
    }
}

/// `2026-11-01T00:00:00` is a day, like `2026-11-01`.
fn date_text(stated: &str) -> String {
    let Some((day, time)) = stated.split_once('T') else { return stated.to_owned() };
    let is_midnight = time.chars().all(|character| matches!(character, '0' | ':' | '.' | 'Z'));
    if is_midnight { day.to_owned() } else { format!("{day} {time}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_none_is_not_blank() {
        assert_eq!(
            number("", "6", true, |_| false),
            ("\"\", which is shown as 6".to_owned(), CellKind::Error)
        );
        assert_eq!(number("x", "", false, |_| false), ("x".to_owned(), CellKind::Text));
        assert_eq!(share("0.5"), ("50 %".to_owned(), CellKind::Text));
    }

    #[test]
    fn a_number_agrees_with_what_is_shown_of_it() {
        for (shown, value) in [
            ("1,234.50", 1234.5),
            ("1.234,50", 1234.5),
            ("1 234,5", 1234.5),
            ("1\u{a0}234\u{202f}567", 1_234_567.0),
            ("1’234.50", 1234.5),
            ("1235", 1234.5),
            ("1234", 1234.5),
            ("-5", -5.0),
            ("(5.00)", -5.0),
            ("\u{2212}5", -5.0),
            (" - ", 0.0),
            ("0", 0.4),
            ("1.23E+03", 1234.5),
            ("1,23E+015", 1.234e15),
            ("1 1/3", 1.333),
            ("1/3", 0.333),
            (".5", 0.5),
            ("\u{ff11}\u{ff12}", 12.0),
            ("0.3", 0.1 + 0.2),
            ("12345678.9", 12_345_678.9),
        ] {
            assert!(agree(shown, value), "{shown} {value}");
        }
        for (shown, value) in [
            ("1235", 1_234_560.0),
            ("1,235", 1_234_560.0),
            ("5 hours", 5.0),
            ("5000", 5.0),
            ("n/a", 5.0),
            ("", 5.0),
            ("-", 5.0),
            ("50%", 0.5),
            ("50", 0.5),
            ("12.34", 1234.0),
            ("TRUE", 1.0),
            ("1/0", 1.0),
            ("1.5", 1.6),
        ] {
            assert!(!agree(shown, value), "{shown} {value}");
        }
    }
}
