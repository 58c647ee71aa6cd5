//! A TOML file as a tree that knows the line of each key.
//!
//! Answers for where something stands; what it means is for others to say.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A file and its text.
#[derive(Debug, Clone)]
pub struct Document {
    /// Where it stands.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

/// A value with the line at which it, or its key, begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub line: usize,
    pub kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Text(String),
    Integer(String),
    Decimal(String),
    Flag(bool),
    Moment(String),
    List(Vec<Node>),
    /// The keys in the order of their lines.
    Table(Vec<(String, Node)>),
}

/// A file that is no TOML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotToml {
    pub line: Option<usize>,
    pub message: String,
}

/// A value that is no table, with the keys that lead to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub keys: Vec<String>,
    pub line: usize,
    pub value: Value,
}

impl Document {
    /// Reads its text as a tree.
    pub(super) fn tree(&self) -> Result<Node, NotToml> {
        parse(&self.text)
    }

    /// Its values, each with its keys and its line; none where it is no TOML.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        if let Ok(tree) = self.tree() {
            tree.flatten(&mut Vec::new(), &mut entries);
        }
        entries
    }

    /// The line at which these keys stand, or as many of them as there are.
    pub(super) fn line(&self, keys: &[&str]) -> Option<usize> {
        self.tree().ok()?.line_of(keys)
    }

    /// The file for an error: its name, and the line of these keys.
    pub(super) fn place(&self, keys: &[&str]) -> String {
        place(&self.path, self.line(keys))
    }
}

/// A file and a line of it, for an error.
pub(super) fn place(path: &Path, line: Option<usize>) -> String {
    let shown = crate::domain::visible(&path.to_string_lossy()).to_string();
    line.map_or_else(|| shown.clone(), |line| format!("{shown} line {line}"))
}

/// Reads a text as a tree.
pub(super) fn parse(text: &str) -> Result<Node, NotToml> {
    let table = DeTable::parse(text).map_err(|error| NotToml {
        line: error.span().map(|span| line_at(text, span.start)),
        message: error.message().to_owned(),
    })?;
    Ok(Node { line: 1, kind: read_table(text, table.get_ref()) })
}

fn line_at(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    memchr::memchr_iter(b'\n', before).count() + 1
}

fn read_table(text: &str, table: &DeTable<'_>) -> Kind {
    let mut keys: Vec<(String, Node)> = table
        .iter()
        .map(|(key, value)| {
            let line = line_at(text, key.span().start);
            (key.get_ref().to_string(), Node { line, kind: read(text, value.get_ref()) })
        })
        .collect();
    keys.sort_by_key(|(_, node)| node.line);
    Kind::Table(keys)
}

fn read(text: &str, value: &DeValue<'_>) -> Kind {
    let item = |item: &Spanned<DeValue<'_>>| Node {
        line: line_at(text, item.span().start),
        kind: read(text, item.get_ref()),
    };
    match value {
        DeValue::String(value) => Kind::Text(value.to_string()),
        DeValue::Integer(value) => Kind::Integer(value.to_string()),
        DeValue::Float(value) => Kind::Decimal(value.to_string()),
        DeValue::Boolean(value) => Kind::Flag(*value),
        DeValue::Datetime(value) => Kind::Moment(value.to_string()),
        DeValue::Array(items) => Kind::List(items.iter().map(item).collect()),
        DeValue::Table(table) => read_table(text, table),
    }
}

impl Node {
    /// The keys of a table; none of anything else.
    pub fn keys(&self) -> &[(String, Self)] {
        match &self.kind {
            Kind::Table(keys) => keys,
            _ => &[],
        }
    }

    /// What stands under a key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.keys().iter().find(|(own, _)| own == key).map(|(_, node)| node)
    }

    fn line_of(&self, keys: &[&str]) -> Option<usize> {
        let (first, rest) = keys.split_first()?;
        let found = self.get(first)?;
        Some(found.line_of(rest).unwrap_or(found.line))
    }

    fn flatten(&self, above: &mut Vec<String>, entries: &mut Vec<Entry>) {
        for (key, node) in self.keys() {
            above.push(key.clone());
            if matches!(node.kind, Kind::Table(_)) {
                node.flatten(above, entries);
            } else {
                entries.push(Entry { keys: above.clone(), line: node.line, value: node.value() });
            }
            above.pop();
        }
    }

    /// The value as JSON, without what stands under some keys, which are written with dots.
    pub fn without(&self, left_out: &BTreeSet<&str>) -> Value {
        self.value_under("", left_out)
    }

    fn value_under(&self, above: &str, left_out: &BTreeSet<&str>) -> Value {
        let Kind::Table(keys) = &self.kind else { return self.value() };
        let kept = keys.iter().filter_map(|(key, node)| {
            let shown = crate::domain::visible(key);
            let path = if above.is_empty() { shown.to_string() } else { format!("{above}.{shown}") };
            (!left_out.contains(path.as_str())).then(|| (key.clone(), node.value_under(&path, left_out)))
        });
        Value::Object(kept.collect())
    }

    /// The value as JSON.
    pub fn value(&self) -> Value {
        let number =
            |text: &str| serde_json::from_str::<Number>(text).map_or_else(|_| text.into(), Value::from);
        match &self.kind {
            Kind::Text(text) | Kind::Moment(text) => text.as_str().into(),
            Kind::Integer(text) | Kind::Decimal(text) => number(text),
            Kind::Flag(flag) => (*flag).into(),
            Kind::List(items) => items.iter().map(Self::value).collect(),
            Kind::Table(keys) => {
                Value::Object(keys.iter().map(|(key, node)| (key.clone(), node.value())).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_knows_its_line() {
        let text = "profile = 'a'\n\n[servers.a]\nurl = 'x'\nofferings = [\n  'one',\n]\n[servers.a.guards]\nlowered_rows = 3\n";
        let document = Document { path: "c.toml".into(), text: text.into() };
        let found: Vec<(String, usize)> =
            document.entries().into_iter().map(|entry| (entry.keys.join("."), entry.line)).collect();
        let expected = [
            ("profile", 1),
            ("servers.a.url", 4),
            ("servers.a.offerings", 5),
            ("servers.a.guards.lowered_rows", 9),
        ];
        assert_eq!(found, expected.map(|(key, line)| (key.to_owned(), line)));
        assert_eq!(document.line(&["servers", "a", "nothing"]), Some(3));
        assert_eq!(document.place(&["servers", "a", "url"]), "c.toml line 4");
        assert_eq!(parse("a = 1\na = 2\n").unwrap_err().line, Some(2));
    }
}
