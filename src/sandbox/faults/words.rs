//! The words of a spec: `name`, `name=value` or `name="value with blanks"`, apart by blanks.
//!
//! A spec that comes as a JSON object has the same words, one for each of its entries. Every word is
//! taken once by whoever understands it; one that is left over is an error.

use serde_json::Value;

use super::names;
use super::spec::FaultError;

/// One word.
#[derive(Debug, Clone)]
struct Word {
    /// Which word of the spec it is, counted from one.
    place: usize,
    key: String,
    value: Option<String>,
}

/// The words of a spec that nobody has understood yet.
#[derive(Debug)]
pub(super) struct Words {
    spec: String,
    left: Vec<Word>,
}

/// A value with what it takes to complain about it.
#[derive(Debug)]
pub(super) struct Given {
    pub text: String,
    place: String,
}

impl Words {
    pub(super) fn of_text(spec: &str) -> Result<Self, FaultError> {
        let mut words = Self { spec: spec.to_owned(), left: Vec::new() };
        let mut rest = spec.trim_start();
        while !rest.is_empty() {
            let place = words.left.len() + 1;
            let end = rest.find(|character: char| character.is_whitespace() || character == '=');
            let (key, after) = rest.split_at(end.unwrap_or(rest.len()));
            let (value, after) = match after.strip_prefix('=') {
                None => (None, after),
                Some(after) => {
                    let (value, after) = value(after).ok_or_else(|| {
                        words.error(place, key, "the quotation that begins here does not end well")
                    })?;
                    (Some(value), after)
                }
            };
            words.add(Word { place, key: key.to_owned(), value })?;
            rest = after.trim_start();
        }
        Ok(words)
    }

    pub(super) fn of_json(json: &Value) -> Result<Self, FaultError> {
        let mut words = Self { spec: json.to_string(), left: Vec::new() };
        let Value::Object(entries) = json else {
            return Err(words.whole("a fault is a text or an object"));
        };
        for (place, (key, value)) in (1..).zip(entries) {
            let value = match value {
                Value::Null | Value::Bool(true) => None,
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                Value::Bool(false) | Value::Array(_) | Value::Object(_) => {
                    return Err(words.error(place, key, "a value is a text, a number, true or null"));
                }
            };
            words.add(Word { place, key: key.clone(), value })?;
        }
        Ok(words)
    }

    fn add(&mut self, word: Word) -> Result<(), FaultError> {
        if self.left.iter().any(|other| other.key == word.key) {
            return Err(self.error(word.place, &word.key, "it is there twice"));
        }
        self.left.push(word);
        Ok(())
    }

    /// The one word that names the fault.
    pub(super) fn take_name(&mut self) -> Result<(String, Option<Given>), FaultError> {
        let named = self.left.iter().filter(|word| names::is_name(&word.key)).count();
        if named > 1 {
            return Err(self.whole("it names more than one fault; write a spec for each"));
        }
        let at = self.left.iter().position(|word| names::is_name(&word.key));
        let Some(at) = at else {
            let known = |word: &Word| names::COMMON.contains(&word.key.as_str());
            let Some(word) = self.left.iter().find(|word| !known(word)) else {
                return Err(self.whole("it names no fault").names_none());
            };
            let near = crate::domain::nearest(&word.key, names::NAMES.iter().map(|row| row.name));
            let near = near.map(|name| format!("; did you mean {name}?")).unwrap_or_default();
            let error = self.error(word.place, &word.key, &format!("no fault has this name{near}"));
            return Err(error.names_none());
        };
        let word = self.left.remove(at);
        let place = format!("word {} `{}`", word.place, word.key);
        Ok((word.key, word.value.map(|text| Given { text, place })))
    }

    /// The value of a word, where it is there.
    pub(super) fn take(&mut self, key: &str) -> Result<Option<Given>, FaultError> {
        let Some(at) = self.left.iter().position(|word| word.key == key) else { return Ok(None) };
        let word = self.left.remove(at);
        match word.value {
            Some(text) => Ok(Some(Given { text, place: format!("word {} `{key}`", word.place) })),
            None => Err(self.error(word.place, key, "it needs a value after `=`")),
        }
    }

    /// Complains about a word that nobody has understood.
    pub(super) fn close(&self, name: &str) -> Result<(), FaultError> {
        let Some(word) = self.left.first() else { return Ok(()) };
        let takes = names::NAMES.iter().find(|row| row.name == name).map_or("", |row| row.takes);
        let own = if takes.is_empty() { String::new() } else { format!("{name}{takes}, ") };
        let why = format!(
            "{name} does not take it; it takes {own}{}",
            names::COMMON.map(|key| format!("{key}=")).join(", ")
        );
        Err(self.error(word.place, &word.key, &why))
    }

    /// A complaint about a value.
    pub(super) fn wrong(&self, given: &Given, why: &str) -> FaultError {
        FaultError::new(&self.spec, Some(&format!("{}: `{}`", given.place, given.text)), why)
    }

    /// A complaint about the spec as a whole.
    pub(super) fn whole(&self, why: &str) -> FaultError {
        FaultError::new(&self.spec, None, why)
    }

    fn error(&self, place: usize, key: &str, why: &str) -> FaultError {
        FaultError::new(&self.spec, Some(&format!("word {place} `{key}`")), why)
    }
}

/// The value at the beginning of a text, and what follows it.
fn value(text: &str) -> Option<(String, &str)> {
    if !text.starts_with('"') {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    }
    // A quotation is written as in JSON.
    let mut quotations = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let value = quotations.next()?.ok()?;
    let after = &text[quotations.byte_offset()..];
    after.chars().next().is_none_or(char::is_whitespace).then_some((value, after))
}

/// A value as it has to be written to be read again.
pub(super) fn written(value: &str) -> String {
    let is_plain = !value.is_empty() && !value.starts_with('"') && !value.contains(char::is_whitespace);
    if is_plain { value.to_owned() } else { Value::from(value).to_string() }
}
