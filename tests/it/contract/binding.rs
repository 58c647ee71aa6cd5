//! Binds the ids that the recorded server made to those that the sandbox makes, and compares
//! answers through them.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde_json::Value;

/// The ids that are seen so far, recorded → here.
pub(super) struct Binding<'a> {
    known: &'a HashSet<String>,
    bound: HashMap<String, String>,
}

impl<'a> Binding<'a> {
    pub(super) fn new(known: &'a HashSet<String>) -> Self {
        Self { known, bound: HashMap::new() }
    }

    /// A recorded text with its ids replaced, in whatever spelling they are.
    pub(super) fn apply(&self, text: &str) -> String {
        let mut replaced = String::new();
        let mut rest = text;
        while let Some(range) = next_spelt_id(rest) {
            let spelt = &rest[range.clone()];
            replaced.push_str(&rest[..range.start]);
            replaced.push_str(&self.respell(spelt));
            rest = &rest[range.end..];
        }
        replaced.push_str(rest);
        replaced
    }

    fn respell(&self, spelt: &str) -> String {
        let Some(bound) = self.bound.get(&spelt.replace('-', "").to_lowercase()) else {
            return spelt.to_owned();
        };
        let mut respelt = bound.clone();
        if spelt.contains('-') {
            for at in [20, 16, 12, 8] {
                respelt.insert(at, '-');
            }
        }
        if spelt.bytes().any(|byte| byte.is_ascii_uppercase()) { respelt.to_uppercase() } else { respelt }
    }

    /// Compares two values; new ids are bound on the way.
    pub(super) fn compare(&mut self, wanted: &Value, got: &Value, path: &str) -> Vec<String> {
        match (wanted, got) {
            (Value::String(wanted), Value::String(got)) => self.compare_texts(wanted, got, path),
            (Value::Object(wanted), Value::Object(others)) => {
                let mut differences: Vec<String> = Vec::new();
                for (key, value) in wanted {
                    let path = format!("{path}.{key}");
                    match others.get(key) {
                        Some(other) => differences.extend(self.compare(value, other, &path)),
                        None => differences.push(format!("{path}: missing")),
                    }
                }
                let unexpected = others.keys().filter(|key| !wanted.contains_key(*key));
                differences.extend(unexpected.map(|key| format!("{path}.{key}: unexpected")));
                differences
            }
            (Value::Array(wanted), Value::Array(others)) if wanted.len() == others.len() => {
                let pairs = wanted.iter().zip(others).enumerate();
                pairs
                    .flat_map(|(at, (one, other))| self.compare(one, other, &format!("{path}[{at}]")))
                    .collect()
            }
            _ if wanted == got => Vec::new(),
            _ => vec![format!("{path}: wanted {wanted}, got {got}")],
        }
    }

    fn compare_texts(&mut self, wanted: &str, got: &str, path: &str) -> Vec<String> {
        let differs = |wanted: &str| vec![format!("{path}: wanted {wanted:?}, got {got:?}")];
        if is_timestamp(wanted) {
            return if is_timestamp(got) { Vec::new() } else { differs("a timestamp") };
        }
        let (wanted, got) = (without_host(&wanted.replace("{base}", "http://here")), without_host(got));
        let (wanted_ids, got_ids) = (plain_ids(&wanted), plain_ids(&got));
        if wanted_ids.len() == got_ids.len() {
            for (recorded, here) in wanted_ids.into_iter().zip(got_ids) {
                if !self.known.contains(&recorded) {
                    self.bound.entry(recorded).or_insert(here);
                }
            }
        }
        let wanted = self.apply(&wanted);
        if wanted == got { Vec::new() } else { differs(&wanted) }
    }
}

/// The ids that stand in a text, dashless and in small letters.
pub(super) fn ids_in(text: &str) -> HashSet<String> {
    plain_ids(text).into_iter().collect()
}

fn plain_ids(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    let (mut found, mut at) = (Vec::new(), 0);
    while at + 32 <= bytes.len() {
        if let Some(offset) = bytes[at..at + 32].iter().rposition(|byte| !is_digit(byte)) {
            at += offset + 1;
        } else {
            found.push(text[at..at + 32].to_owned());
            at += 32;
        }
    }
    found
}

/// The next id in a text, dashed or not, in any case.
fn next_spelt_id(text: &str) -> Option<Range<usize>> {
    (0..text.len())
        .find_map(|start| spelt_id_length(&text.as_bytes()[start..]).map(|length| start..start + length))
}

fn spelt_id_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    for (group, digits) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if group > 0 && bytes.get(at) == Some(&b'-') {
            at += 1;
        }
        let all_digits = bytes.get(at..at + digits)?.iter().all(u8::is_ascii_hexdigit);
        at += all_digits.then_some(digits)?;
    }
    Some(at)
}

fn is_timestamp(text: &str) -> bool {
    let pattern = b"0000-00-00T00:00:00";
    let matches = |(byte, wanted): (&u8, &u8)| {
        if *wanted == b'0' { byte.is_ascii_digit() } else { byte == wanted }
    };
    text.len() >= pattern.len() && text.as_bytes().iter().zip(pattern).all(matches)
}

/// A text with scheme and host taken out of its URLs.
fn without_host(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("http://") {
        kept.push_str(&rest[..at]);
        let after = &rest[at + "http://".len()..];
        rest = after.find('/').map_or("", |slash| &after[slash..]);
    }
    kept + rest
}
