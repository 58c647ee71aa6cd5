//! Tables of a page as data: what a template lays out.
//!
//! Every figure is there twice, as people of a country write it and as the exact decimal, so that a
//! page can be sorted and read back.

use std::borrow::Cow;

use serde::Serialize;

use crate::domain::{Amount, BillingPeriod, Currency, visible};

use super::Locale;
use super::words::WORDS;

/// A table.
#[derive(Debug, Default, Serialize)]
pub(super) struct Table {
    pub id: &'static str,
    pub title: &'static str,
    pub note: String,
    pub columns: Vec<Head>,
    pub rows: Vec<Row>,
    /// Whether it is long enough that people want to sort and filter it.
    pub is_sortable: bool,
    /// Whether it is closed until somebody opens it.
    pub is_closed: bool,
    pub count: String,
}

/// The head of a column.
#[derive(Debug, Serialize)]
pub(super) struct Head {
    pub label: &'static str,
    /// `figure` or `text`.
    pub kind: &'static str,
    /// Whether people pick one of its values.
    pub is_picked: bool,
    /// A word for its width: `narrow`, `middle` or `wide`.
    pub width: &'static str,
}

/// A row.
#[derive(Debug, Default, Serialize)]
pub(super) struct Row {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    pub is_break: bool,
    pub cells: Vec<Cell>,
}

/// A cell: one thing, and under it what belongs to it.
#[derive(Debug, Default, Serialize)]
pub(super) struct Cell {
    /// `figure` or `text`.
    pub kind: &'static str,
    pub parts: Vec<Part>,
}

/// A part of a cell.
#[derive(Debug, Default, Serialize)]
pub(super) struct Part {
    pub text: String,
    /// The exact decimal, the month or the count, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact: Option<String>,
    /// What it is to a program that reads the page; nothing where the column tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'static str>,
    /// What it is to people, where the column does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Cow<'static, str>>,
    /// How it looks: `below`, `above`, `class`, `mark`, `code`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub look: Option<&'static str>,
    /// Where in the page it leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

impl Head {
    pub(super) fn text(label: &'static str) -> Self {
        Self { label, kind: "text", is_picked: false, width: "middle" }
    }

    pub(super) fn figure(label: &'static str) -> Self {
        Self { label, kind: "figure", is_picked: false, width: "middle" }
    }

    pub(super) fn picked(self) -> Self {
        Self { is_picked: true, ..self }
    }

    pub(super) fn narrow(self) -> Self {
        Self { width: "narrow", ..self }
    }

    pub(super) fn wide(self) -> Self {
        Self { width: "wide", ..self }
    }
}

impl Part {
    /// A text, with what is invisible in it made visible.
    pub(super) fn text(text: &str) -> Self {
        Self { text: visible(text).to_string(), ..Self::default() }
    }

    pub(super) fn named(self, name: &'static str) -> Self {
        Self { name: Some(name), ..self }
    }

    pub(super) fn labelled(self, label: impl Into<Cow<'static, str>>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    pub(super) fn looking(self, look: &'static str) -> Self {
        Self { look: Some(look), ..self }
    }
}

impl Cell {
    /// A text; a dash where it is empty.
    pub(super) fn text(text: &str) -> Self {
        if text.is_empty() { Self::nothing("text") } else { Self::of("text", [Part::text(text)]) }
    }

    pub(super) fn of(kind: &'static str, parts: impl IntoIterator<Item = Part>) -> Self {
        Self { kind, parts: parts.into_iter().collect() }
    }

    pub(super) fn nothing(kind: &'static str) -> Self {
        let dash = Part { text: WORDS.nothing.to_owned(), look: Some("quiet"), ..Part::default() };
        Self { kind, parts: vec![dash] }
    }

    pub(super) fn and(mut self, parts: impl IntoIterator<Item = Part>) -> Self {
        self.parts.extend(parts);
        self
    }
}

/// How parts of a page are written for a country.
impl Locale {
    pub(super) fn amount_part(&self, amount: Amount, name: &'static str) -> Part {
        let exact = Some(amount.to_string());
        let look = amount.is_negative().then_some("below");
        Part { text: self.amount(amount), exact, name: Some(name), look, ..Part::default() }
    }

    pub(super) fn difference_part(&self, amount: Amount, name: &'static str) -> Part {
        let look = if amount.is_negative() {
            Some("below")
        } else if amount.is_zero() {
            None
        } else {
            Some("above")
        };
        Part { text: self.difference(amount), look, ..self.amount_part(amount, name) }
    }

    /// Money; without a currency the amount alone.
    pub(super) fn money_part(
        &self,
        (currency, amount): (Option<Currency>, Amount),
        name: &'static str,
        is_difference: bool,
    ) -> Part {
        let part =
            if is_difference { self.difference_part(amount, name) } else { self.amount_part(amount, name) };
        match currency {
            Some(currency) => Part { text: format!("{}\u{a0}{currency}", part.text), ..part },
            None => part,
        }
    }

    pub(super) fn amount_cell(&self, amount: Option<Amount>, name: &'static str) -> Cell {
        amount.map_or_else(
            || Cell::nothing("figure"),
            |amount| Cell::of("figure", [self.amount_part(amount, name)]),
        )
    }

    pub(super) fn difference_cell(&self, amount: Option<Amount>, name: &'static str) -> Cell {
        amount.map_or_else(
            || Cell::nothing("figure"),
            |amount| Cell::of("figure", [self.difference_part(amount, name)]),
        )
    }

    /// Amounts of money, one under the other: they are never added.
    pub(super) fn money_cell(
        &self,
        amounts: &[(Option<Currency>, Amount)],
        name: &'static str,
        is_difference: bool,
    ) -> Cell {
        if amounts.is_empty() {
            return Cell::nothing("figure");
        }
        Cell::of("figure", amounts.iter().map(|money| self.money_part(*money, name, is_difference)))
    }

    pub(super) fn count_cell(&self, count: usize, name: &'static str) -> Cell {
        Cell::of("figure", [self.count_part(count, name)])
    }

    pub(super) fn count_part(&self, count: usize, name: &'static str) -> Part {
        Part { text: self.count(count), exact: Some(count.to_string()), name: Some(name), ..Part::default() }
    }

    pub(super) fn month_part(&self, period: BillingPeriod) -> Part {
        Part {
            text: self.month(period),
            exact: Some(period.to_string()),
            name: Some("period"),
            ..Part::default()
        }
    }
}
