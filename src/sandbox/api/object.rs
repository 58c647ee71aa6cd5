//! Writes JSON objects field by field, leaving out what a request did not ask for.

use std::sync::OnceLock;

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::Request;
use super::digits;
pub(super) use super::digits::{Id, Moment};
use crate::domain::{Amount, BillingPeriod};

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

/// Fields that never change, as they were written the first time; at least one of them.
#[derive(Debug, Default)]
pub(super) struct Fields(OnceLock<Box<[u8]>>);

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
        self.field_with(name, |out| digits::json(out, value))
    }

    /// Writes a field whose value writes itself.
    pub(super) fn field_with(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        if self.selection.wants(name) {
            self.separate();
            self.out.push(b'"');
            self.out.extend_from_slice(name.as_bytes());
            self.out.extend_from_slice(b"\":");
            write(self.out);
        }
        self
    }

    pub(super) fn id(&mut self, name: &str, uuid: Uuid) -> &mut Self {
        self.field_with(name, |out| Id(uuid).write(out))
    }

    pub(super) fn moment(&mut self, name: &str, moment: Timestamp) -> &mut Self {
        self.field_with(name, |out| Moment(moment).write(out))
    }

    pub(super) fn amount(&mut self, name: &str, amount: Amount) -> &mut Self {
        self.field_with(name, |out| digits::amount(out, amount))
    }

    pub(super) fn first_day(&mut self, name: &str, period: BillingPeriod) -> &mut Self {
        self.field_with(name, |out| digits::first_day(out, period))
    }

    /// Writes fields that are always the same. Where all of them are wanted, what was written the
    /// first time is written again.
    pub(super) fn constant(&mut self, kept: &Fields, write: impl Fn(&mut Object)) -> &mut Self {
        if self.selection.0.is_some() {
            write(self);
            return self;
        }
        let fields = kept.0.get_or_init(|| {
            let mut out = Vec::new();
            write(&mut Object { out: &mut out, selection: self.selection, is_empty: true });
            out.into()
        });
        self.separate();
        self.out.extend_from_slice(fields);
        self
    }

    /// Separates what comes next from the field before it.
    fn separate(&mut self) {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
    }

    pub(super) fn close(&mut self) {
        self.out.push(b'}');
    }
}
