//! What is told of a line, column by column, for the formats that programs read.
//!
//! csv, json and parquet have the same columns under the same names with the same figures. A name is
//! never changed, because programs rely on it; new columns come last.

use std::borrow::Cow;

use crate::domain::{Amount, BillingPeriod, Currency, Place};
use crate::reconcile::LineView;

/// A value of a column.
#[derive(Debug, Clone)]
pub(super) enum Value<'a> {
    /// There is none.
    Nothing,
    /// A count, from 1.
    Count(usize),
    /// A month.
    Month(BillingPeriod),
    /// A quantity or an amount of money, exact.
    Amount(Amount),
    /// A text.
    Text(Cow<'a, str>),
    /// Several texts.
    Texts(Vec<String>),
    /// Cells of the files.
    Places(Vec<Place>),
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Count,
    Month,
    Amount,
    Text,
}

/// A column.
pub(super) struct Column {
    pub name: &'static str,
    pub kind: Kind,
    pub value: for<'a> fn(&LineView<'a>) -> Value<'a>,
}

macro_rules! columns {
    ($($name:ident $kind:ident $value:expr;)*) => {
        /// All columns, in order.
        pub(super) const COLUMNS: &[Column] =
            &[$(Column { name: stringify!($name), kind: Kind::$kind, value: $value },)*];
    };
}

columns! {
    number Count |view| Value::Count(view.number);
    class Text |view| text(view.class().name());
    also Text |view| Value::Texts(view.line.also.list().map(|class| class.to_string()).collect());
    period Month |view| Value::Month(view.line.period);
    organisation Text |view| text(&view.subject.organisation);
    organisation_uuid Text |view| printed(view.subject.customer);
    project Text |view| text(&view.subject.project);
    project_uuid Text |view| printed(view.subject.project_uuid);
    offering Text |view| text(&view.subject.offering);
    offering_uuid Text |view| printed(view.subject.offering_uuid);
    resource Text |view| text(&view.subject.resource);
    resource_uuid Text |view| printed(view.subject.resource_uuid);
    component Text |view| text(&view.measured.component);
    unit Text |view| text(&view.measured.unit);
    file Amount |view| amount(view.line.file);
    server Amount |view| amount(view.line.server);
    billed_quantity Amount |view| amount(view.billed().map(|billed| billed.quantity));
    difference Amount |view| Value::Amount(view.difference());
    worth Amount |view| amount(view.worth().map(|(_, worth)| worth));
    worth_currency Text |view| currency(view.worth().and_then(|(currency, _)| currency));
    stated_unit_price Amount |view| amount(view.stated().and_then(|stated| stated.unit_price));
    stated_price Amount |view| amount(view.stated().and_then(|stated| stated.price));
    stated_tax Amount |view| amount(view.stated().and_then(|stated| stated.tax));
    stated_currency Text |view| currency(view.stated().and_then(|stated| stated.currency));
    stated_invoice Text |view| maybe(view.stated().and_then(|stated| stated.invoice_number.as_deref()));
    stated_customer Text |view| maybe(view.stated().and_then(|stated| stated.customer.as_deref()));
    billed_unit_price Amount |view| amount(view.billed().and_then(|billed| billed.unit_price));
    billed_price Amount |view| amount(view.billed().map(|billed| billed.price));
    billed_tax Amount |view| amount(view.billed().and_then(|billed| billed.tax));
    invoice Text |view| maybe(view.billed().and_then(|billed| billed.invoice_number.as_deref()));
    invoice_lines Text |view| Value::Texts(
        view.billed().iter().flat_map(|billed| &billed.lines).map(ToString::to_string).collect()
    );
    cells Text |view| Value::Places(view.cells().collect());
    usages Text |view| Value::Texts(view.usages().map(|usage| usage.to_string()).collect());
    rule Text |view| maybe(view.rule());
    who Text |view| Value::Text(view.class().who().to_string().into());
    next_step Text |view| text(view.class().next_step());
    note Text |view| maybe(view.note());
}

fn text(text: &str) -> Value<'_> {
    if text.is_empty() { Value::Nothing } else { Value::Text(text.into()) }
}

fn maybe(text: Option<&str>) -> Value<'_> {
    text.map_or(Value::Nothing, |text| Value::Text(text.into()))
}

fn printed<'a>(value: Option<impl ToString>) -> Value<'a> {
    value.map_or(Value::Nothing, |value| Value::Text(value.to_string().into()))
}

fn currency<'a>(value: Option<Currency>) -> Value<'a> {
    printed(value)
}

fn amount<'a>(value: Option<Amount>) -> Value<'a> {
    value.map_or(Value::Nothing, Value::Amount)
}

impl<'a> Value<'a> {
    /// The value as one text; nothing where there is none. Several are told one after the other.
    pub(super) fn into_text(self) -> Option<Cow<'a, str>> {
        let joined = |texts: Vec<String>| Some(texts.join("; ").into()).filter(|_| !texts.is_empty());
        match self {
            Self::Nothing => None,
            Self::Count(count) => Some(count.to_string().into()),
            Self::Month(period) => Some(period.to_string().into()),
            Self::Amount(amount) => Some(amount.to_string().into()),
            Self::Text(text) => Some(text),
            Self::Texts(texts) => joined(texts),
            Self::Places(places) => joined(places.iter().map(ToString::to_string).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_column_has_a_name_of_its_own_and_values_of_its_kind() {
        let names: BTreeSet<&str> = COLUMNS.iter().map(|column| column.name).collect();
        assert_eq!(names.len(), COLUMNS.len());
        let report = crate::reconcile::sample::report();
        for (view, column) in report.views().flat_map(|view| COLUMNS.iter().map(move |column| (view, column)))
        {
            let value = (column.value)(&view);
            let is_right = match column.kind {
                Kind::Count => matches!(value, Value::Count(_)),
                Kind::Month => matches!(value, Value::Month(_)),
                Kind::Amount => matches!(value, Value::Amount(_) | Value::Nothing),
                Kind::Text => {
                    matches!(value, Value::Nothing | Value::Text(_) | Value::Texts(_) | Value::Places(_))
                }
            };
            assert!(is_right, "{}: {value:?}", column.name);
        }
    }
}
