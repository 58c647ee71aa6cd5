//! Writes JSON objects field by field, leaving out what a request did not ask for.

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::Request;

/// The fields that a request asks for with `field=`; unknown names select nothing.
#[derive(Debug)]
pub(super) struct Selection(Option<Vec<String>>);

impl Selection {
    pub(super) fn of(request: &Request) -> Self {
        let names: Vec<String> = request.query.all("field").map(str::to_owned).collect();
        Self((!names.is_empty()).then_some(names))
    }

    /// Every field, for endpoints that do not know `field=`.
    pub(super) fn all() -> Self {
        Self(None)
    }

    pub(super) fn wants(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|names| names.iter().any(|wanted| wanted == name))
    }
}

/// An object that is being written.
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    selection: &'a Selection,
    is_empty: bool,
}

impl<'a> Object<'a> {
    pub(super) fn open(out: &'a mut Vec<u8>, selection: &'a Selection) -> Self {
        out.push(b'{');
        Self { out, selection, is_empty: true }
    }

    pub(super) fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> &mut Self {
        self.field_with(name, |out| {
            // Writing to memory cannot fail, and no value here has keys that are not texts.
            let _ = serde_json::to_writer(out, value);
        })
    }

    /// Writes a field whose value writes itself.
    pub(super) fn field_with(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        if self.selection.wants(name) {
            if !self.is_empty {
                self.out.push(b',');
            }
            self.is_empty = false;
            self.out.push(b'"');
            self.out.extend_from_slice(name.as_bytes());
            self.out.extend_from_slice(b"\":");
            write(self.out);
        }
        self
    }

    pub(super) fn id(&mut self, name: &str, uuid: Uuid) -> &mut Self {
        self.field(name, &Id(uuid))
    }

    pub(super) fn moment(&mut self, name: &str, moment: Timestamp) -> &mut Self {
        self.field(name, &Moment(moment))
    }

    pub(super) fn close(&mut self) {
        self.out.push(b'}');
    }
}

/// A uuid as the API writes it: 32 digits.
pub(super) struct Id(pub Uuid);

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_simple().encode_lower(&mut Uuid::encode_buffer()))
    }
}

/// A moment as the API writes it: microseconds, all six digits, only where there are any.
pub(super) struct Moment(pub Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.subsec_microsecond() == 0 && self.0.subsec_millisecond() == 0 {
            serializer.collect_str(&self.0)
        } else {
            serializer.collect_str(&format_args!("{:.6}", self.0))
        }
    }
}
