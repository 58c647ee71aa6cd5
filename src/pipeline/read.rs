//! From the text of a pipeline to its settings, with everything that is wrong with it.
//!
//! A pipeline can come from anywhere, so its size, its lists and its texts are bounded. Nothing ends the
//! reading early: each fault is told with its line, and what it may have been meant to be.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::domain::{is_invisible, nearest, visible};

use super::keys::{self, Key, Kind, ROOT, Section};
use super::variables::{Spot, Variables};
use super::{Fault, Setting, Table, Value};

/// Bytes of a pipeline.
pub const LARGEST: u64 = 64 * 1024;
/// Values of a list.
const MOST: usize = 200;
/// Characters of a text.
const LONGEST: usize = 300;
/// Faults that are told.
const MOST_FAULTS: usize = 100;

/// What a pipeline says, and what is wrong with it.
pub struct Read {
    /// Its tables.
    pub tables: Vec<Table>,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

/// Reads a text.
pub fn read(text: &str, variables: &mut Variables<'_>) -> Read {
    let mut reader = Reader { text, variables, read: Read { tables: Vec::new(), faults: Vec::new() } };
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        reader.fault(at, visible(error.message()).to_string(), "");
    }
    // What is no TOML would be misread as a whole.
    if reader.read.faults.is_empty() {
        reader.table(ROOT, root.get_ref(), 0);
    }
    reader.read.faults.sort_by_key(|fault| fault.line);
    reader.read.faults.truncate(MOST_FAULTS);
    reader.read
}

struct Reader<'a, 'v> {
    text: &'a str,
    variables: &'a mut Variables<'v>,
    read: Read,
}

impl Reader<'_, '_> {
    fn line(&self, offset: usize) -> u32 {
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        let lines = memchr::memchr_iter(b'\n', before).count();
        u32::try_from(lines.saturating_add(1)).unwrap_or(u32::MAX)
    }

    fn fault(&mut self, offset: usize, what: impl Into<String>, hint: impl Into<String>) {
        let line = self.line(offset);
        self.read.faults.push(Fault { line, what: what.into(), hint: hint.into() });
    }

    fn table(&mut self, section: &'static Section, table: &DeTable<'_>, offset: usize) {
        let mut settings = Vec::new();
        for (key, value) in table {
            let name: &str = key.get_ref().as_ref();
            let at = key.span().start;
            if let Some(inner) = section.inner(name) {
                match value.get_ref() {
                    DeValue::Table(table) => self.table(inner, table, at),
                    other => self.fault(
                        at,
                        format!("{} is a table, and stands here as a {}", inner.name, other.type_str()),
                        format!("write its keys below [{}]", inner.name),
                    ),
                }
                continue;
            }
            match section.key(name) {
                Some(known) => {
                    let values = self.values(known, name, value);
                    settings.extend(values.map(|values| Setting { key: known, values, line: self.line(at) }));
                }
                None => self.unknown(section, name, at),
            }
        }
        settings.sort_by_key(|setting| setting.line);
        let line = self.line(offset);
        let is_there = |key: &Key| table.keys().any(|name| name.get_ref().as_ref() == key.name);
        for missing in section.keys.iter().filter(|key| key.required && !is_there(key)) {
            let place = if section.name.is_empty() {
                "the pipeline".to_owned()
            } else {
                format!("[{}]", section.name)
            };
            self.fault(offset, format!("{place} has no {}", missing.name), "add it");
        }
        self.read.tables.push(Table { section, settings, line });
    }

    fn unknown(&mut self, section: &'static Section, name: &str, at: usize) {
        let shown = visible(name).to_string();
        let place = if section.name.is_empty() { String::new() } else { format!(" in [{}]", section.name) };
        if let Some((why, hint)) = keys::forbidden(name) {
            self.fault(at, format!("`{shown}`{place} is not taken: {why}"), hint);
            return;
        }
        let hint = match nearest(name, section.names()) {
            Some(near) => format!("did you mean {near}?"),
            None => match keys::SECTIONS.iter().find(|other| other.key(name).is_some()) {
                Some(other) if other.name.is_empty() => "it stands above the first table".to_owned(),
                Some(other) => format!("it belongs below [{}]", other.name),
                None => format!("there are {}", section.names().collect::<Vec<_>>().join(", ")),
            },
        };
        self.fault(at, format!("there is no key `{shown}`{place}"), hint);
    }

    /// The values at a key; none where it is off, or where they are faulty.
    fn values(&mut self, key: &'static Key, name: &str, value: &Spanned<DeValue<'_>>) -> Option<Vec<Value>> {
        let at = value.span().start;
        let found = value.get_ref();
        match (key.kind, found) {
            (Kind::Flag, DeValue::Boolean(yes)) => yes.then(Vec::new),
            (Kind::Count, DeValue::Integer(number)) => {
                let count = (number.radix() == 10).then(|| number.as_str().parse::<u32>().ok()).flatten();
                if count.is_none() {
                    self.fault(at, format!("{name} is no count"), "write a whole number from 0 on");
                }
                Some(vec![Value { text: count?.to_string(), line: self.line(at) }])
            }
            (Kind::Number, DeValue::Integer(_) | DeValue::Float(_) | DeValue::String(_)) => {
                let text = match found {
                    DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
                    DeValue::Float(number) => number.as_str(),
                    DeValue::String(text) => text.as_ref(),
                    _ => "",
                };
                Some(vec![Value { text: text.to_owned(), line: self.line(at) }])
            }
            (Kind::Flag | Kind::Count | Kind::Number, _) => {
                let wants = match key.kind {
                    Kind::Flag => "true or false",
                    Kind::Count => "a whole number",
                    _ => "a number",
                };
                self.fault(at, format!("{name} takes {wants}, and not a {}", found.type_str()), "");
                None
            }
            (kind, DeValue::String(text)) => Some(vec![self.value(kind, name, text, at)?]),
            (kind, DeValue::Array(list)) if kind.is_list() => {
                if list.len() > MOST || list.is_empty() {
                    let what = if list.is_empty() { "is empty" } else { "has more than 200 values" };
                    self.fault(at, format!("{name} {what}"), "leave it out, or shorten it");
                    return None;
                }
                let mut values = Vec::new();
                for value in list {
                    let at = value.span().start;
                    match value.get_ref() {
                        DeValue::String(text) => values.extend(self.value(kind, name, text, at)),
                        other => {
                            let what = format!("{name} takes texts, and not a {}", other.type_str());
                            self.fault(at, what, "put it into quotes");
                        }
                    }
                }
                Some(values)
            }
            (kind, other) => {
                let wants = if kind.is_list() { "a list of texts" } else { "a text" };
                self.fault(at, format!("{name} takes {wants}, and not a {}", other.type_str()), "");
                None
            }
        }
    }

    fn value(&mut self, kind: Kind, name: &str, text: &str, at: usize) -> Option<Value> {
        let faults = self.read.faults.len();
        if text.chars().count() > LONGEST {
            self.fault(at, format!("{name} has a text of more than 300 characters"), "shorten it");
        } else if text.chars().any(is_invisible) {
            self.fault(at, format!("{name} has a character that does not show"), "type it anew");
        } else if text.is_empty() {
            self.fault(at, format!("{name} has an empty text"), "leave it out, or fill it in");
        }
        if self.read.faults.len() > faults {
            return None;
        }
        let Some(spot) = kind.spot() else {
            if text.contains("${") {
                let hint = "variables stand in period, scope, files and names of outputs";
                self.fault(at, format!("{name} takes no variable"), hint);
                return None;
            }
            return Some(Value { text: text.to_owned(), line: self.line(at) });
        };
        match self.variables.expand(text, spot) {
            Ok(text) => Some(Value { text, line: self.line(at) }),
            Err(error) => {
                self.fault(at, format!("{name}: {error}"), error.hint());
                None
            }
        }
    }
}

impl Kind {
    fn is_list(self) -> bool {
        match self {
            Self::Plains | Self::Texts | Self::Inputs | Self::Outputs(_) | Self::Targets => true,
            Self::Plain
            | Self::Text
            | Self::Flag
            | Self::Count
            | Self::Number
            | Self::Input
            | Self::Layout
            | Self::Output(_) => false,
        }
    }

    /// As what a variable stands there; none where it may not.
    fn spot(self) -> Option<Spot> {
        match self {
            Self::Text | Self::Texts => Some(Spot::Text),
            Self::Inputs
            | Self::Input
            | Self::Layout
            | Self::Output(_)
            | Self::Outputs(_)
            | Self::Targets => Some(Spot::Path),
            Self::Plain | Self::Plains | Self::Flag | Self::Count | Self::Number => None,
        }
    }
}
