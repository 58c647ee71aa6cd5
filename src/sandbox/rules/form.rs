//! Reads the fields of a dictionary in order and collects every complaint, as the server's
//! serializers do.

use serde_json::{Map, Value as Json, json};

use crate::sandbox::python::{Text, Value};

/// A dictionary while it is read.
pub(super) struct Form<'a> {
    pairs: &'a [(Text, Value)],
    errors: Map<String, Json>,
}

/// What a field reader complains about: a list of messages, or a nested error.
pub(super) type Complaint = Json;

/// A complaint of one sentence.
pub(super) fn complaint(message: impl Into<String>) -> Complaint {
    json!([message.into()])
}

impl<'a> Form<'a> {
    /// Opens a value that must be a dictionary.
    pub(super) fn open(value: &'a Value) -> Result<Self, Json> {
        match value {
            Value::Dict(pairs) => Ok(Self { pairs, errors: Map::new() }),
            other => Err(json!({
                "non_field_errors":
                    [format!("Invalid data. Expected a dictionary, but got {}.", other.type_name())]
            })),
        }
    }

    /// Reads a field that must be there.
    pub(super) fn required<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Value) -> Result<T, Complaint>,
    ) -> Option<T> {
        if Value::get(self.pairs, name).is_none() {
            self.complain(name, complaint("This field is required."));
        }
        self.optional(name, read)
    }

    /// Reads a field that may be left out, but may not be null.
    pub(super) fn optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Value) -> Result<T, Complaint>,
    ) -> Option<T> {
        let outcome = match Value::get(self.pairs, name)? {
            Value::None => Err(complaint("This field may not be null.")),
            value => read(value),
        };
        outcome.map_err(|complaint| self.complain(name, complaint)).ok()
    }

    /// Whether a field is there and null.
    pub(super) fn is_null(&self, name: &str) -> bool {
        Value::get(self.pairs, name) == Some(&Value::None)
    }

    /// Notes a complaint about a field.
    pub(super) fn complain(&mut self, name: &str, complaint: Complaint) {
        self.errors.insert(name.to_owned(), complaint);
    }

    /// Closes the form: every complaint at once, where there is any.
    pub(super) fn close(self) -> Result<(), Json> {
        if self.errors.is_empty() { Ok(()) } else { Err(Json::Object(self.errors)) }
    }
}
