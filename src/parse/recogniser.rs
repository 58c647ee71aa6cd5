//! Which layout a header is one of.
//!
//! A header is one of a layout's where every column is there that the layout needs. Where several layouts
//! fit, the one that knows most of its columns is meant; where two know equally many, nothing is guessed.
//! Our own forms are recognised too where columns are missing, so that those can be named.

use std::sync::Arc;

use crate::mapping::{Binding, Field, Form, Layout, Unbound, shipped};

use super::RawRow;
use super::finder::is_header;

/// A table with fewer columns is none of a layout.
const FEWEST: usize = 3;

/// The layouts that a table may be one of: all that are shipped, or the one that was asked for.
#[derive(Debug, Clone, Default)]
pub struct Recogniser {
    only: Option<Arc<Layout>>,
}

/// What a row is as a header.
#[derive(Debug, Clone)]
pub enum Recognised {
    /// None.
    Nothing,
    /// One of our own forms.
    Ours,
    /// One of records.
    Records(Arc<Layout>, Box<Binding>),
    /// One of several, by their names.
    Ambiguous(Vec<String>),
}

impl Recogniser {
    /// Takes tables for those of one layout alone.
    pub fn only(layout: Arc<Layout>) -> Self {
        Self { only: Some(layout) }
    }

    /// The layout that was asked for.
    pub fn asked_for(&self) -> Option<&Arc<Layout>> {
        self.only.as_ref()
    }

    /// Whether our own forms are among them.
    pub(super) fn takes_ours(&self) -> bool {
        self.only.as_ref().is_none_or(|layout| layout.records().is_none())
    }

    /// What a row is as a header.
    pub fn recognise(&self, row: &RawRow) -> Recognised {
        if let Some(layout) = &self.only {
            return match layout.form {
                Form::WaldurLong | Form::WaldurWide if is_header(row) => Recognised::Ours,
                Form::WaldurLong | Form::WaldurWide => Recognised::Nothing,
                Form::Records(_) => match bind(layout, row) {
                    Ok(binding) => Recognised::Records(layout.clone(), Box::new(binding)),
                    Err(_) => Recognised::Nothing,
                },
            };
        }
        let is_ours = is_header(row);
        let mut fitting = if row.filled() < FEWEST { Vec::new() } else { fitting(row) };
        let most = fitting.iter().map(|(_, binding)| binding.claimed).max().unwrap_or_default();
        fitting.retain(|(_, binding)| binding.claimed == most);
        let ours = if is_ours { fields(row) } else { 0 };
        if ours > most {
            return Recognised::Ours;
        }
        let mut names: Vec<String> = fitting.iter().map(|(layout, _)| layout.name.clone()).collect();
        if is_ours && ours == most {
            names.push(Layout::of_ours(is_long(row)).name.clone());
        }
        match (fitting.pop(), names.len()) {
            (Some((layout, binding)), 1) => Recognised::Records(layout, Box::new(binding)),
            (Some(_), _) => Recognised::Ambiguous(names),
            (None, _) if is_ours => Recognised::Ours,
            (None, _) => Recognised::Nothing,
        }
    }

    /// Whether a row is the header of a table.
    fn names_table(&self, row: &RawRow) -> bool {
        !matches!(self.recognise(row), Recognised::Nothing)
    }

    /// How much a row is like a header: most where it is one, else by the columns of the layout that was
    /// asked for.
    pub fn likeness_to_header(&self, row: &RawRow) -> usize {
        if self.names_table(row) { usize::MAX } else { self.likeness(row) }
    }

    /// How many columns of the layout that was asked for a row names.
    pub(super) fn likeness(&self, row: &RawRow) -> usize {
        let records = self.only.as_ref().filter(|layout| layout.records().is_some());
        records.map_or(0, |layout| match bind(layout, row) {
            Ok(binding) => binding.claimed,
            Err(unbound) => unbound.claimed,
        })
    }

    /// The layout that a header is nearly one of, and what it lacks.
    pub(super) fn nearly(row: &RawRow) -> Option<(Arc<Layout>, Unbound)> {
        let unbound = shipped().iter().filter_map(|shipped| {
            let unbound = bind(&shipped.layout, row).err()?;
            let is_near = unbound.claimed >= FEWEST && unbound.missing.len() * 2 <= unbound.claimed;
            is_near.then(|| (shipped.layout.clone(), unbound))
        });
        unbound.max_by_key(|(_, unbound)| (unbound.claimed, std::cmp::Reverse(unbound.missing.len())))
    }
}

fn bind(layout: &Layout, row: &RawRow) -> Result<Binding, Unbound> {
    layout.bind(row.cells().map(|cell| cell.text))
}

fn fitting(row: &RawRow) -> Vec<(Arc<Layout>, Binding)> {
    let bound = shipped().iter().map(|shipped| (&shipped.layout, bind(&shipped.layout, row)));
    bound.filter_map(|(layout, binding)| Some((layout.clone(), binding.ok()?))).collect()
}

/// How many fields of our own a row names.
fn fields(row: &RawRow) -> usize {
    let mut fields: Vec<Field> = row.cells().filter_map(|cell| Field::of_header(cell.text)).collect();
    fields.sort_unstable();
    fields.dedup();
    fields.len()
}

fn is_long(row: &RawRow) -> bool {
    let is_of_long = |field| matches!(field, Field::ComponentType | Field::Amount);
    row.cells().filter_map(|cell| Field::of_header(cell.text)).any(is_of_long)
}
