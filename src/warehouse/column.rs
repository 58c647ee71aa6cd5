//! A column of a table: its name, its type, and which field of the server fills it.

use std::borrow::Cow;

use arrow_schema::{DataType, TimeUnit};

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Any text; uuids among them, in the 32 digits that the server writes.
    Text,
    /// A usage or a sum of money: 20 digits, 2 of them decimal places.
    Cents,
    /// A quantity or a unit price: 22 digits, 10 of them decimal places.
    Fine,
    /// An instant in UTC, to the microsecond.
    Instant,
    /// A calendar day.
    Day,
    /// True or false.
    Flag,
    /// A whole number.
    Whole,
}

impl ColumnKind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Text, Self::Cents, Self::Fine, Self::Instant, Self::Day, Self::Flag, Self::Whole];

    /// The word for it in manifests and hashes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Cents => "decimal(20,2)",
            Self::Fine => "decimal(22,10)",
            Self::Instant => "timestamp",
            Self::Day => "date",
            Self::Flag => "boolean",
            Self::Whole => "integer",
        }
    }

    /// The type in memory and in Parquet.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Cents => DataType::Decimal128(20, 2),
            Self::Fine => DataType::Decimal128(22, 10),
            Self::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Day => DataType::Date32,
            Self::Flag => DataType::Boolean,
            Self::Whole => DataType::Int64,
        }
    }
}

/// What fills a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The origin of the server's address.
    Deployment,
    /// The first day of the month that is read.
    BillingPeriod,
    /// A field of the server's row, by its name.
    Field(Cow<'static, str>),
    /// The uuid at the end of an address that a field holds.
    IdOf(&'static str),
    /// A member of the object that the field `details` holds.
    Detail(&'static str),
    /// The field of the object around the row, such as the offering around its components.
    Parent(&'static str),
    /// Worked out from other tables of the month.
    Derived,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, in the API's own spelling where the server has it.
    pub name: Cow<'static, str>,
    /// Its type.
    pub kind: ColumnKind,
    /// What fills it.
    pub origin: Origin,
    /// Whether no row may lack it.
    pub is_required: bool,
}

impl Column {
    /// A column that every row has, filled by the field of the same name.
    pub const fn required(name: &'static str, kind: ColumnKind) -> Self {
        Self { name: Cow::Borrowed(name), kind, origin: Origin::Field(Cow::Borrowed(name)), is_required: true }
    }

    /// A column that a row may lack, filled by the field of the same name.
    pub const fn optional(name: &'static str, kind: ColumnKind) -> Self {
        Self { name: Cow::Borrowed(name), kind, origin: Origin::Field(Cow::Borrowed(name)), is_required: false }
    }

    /// The same column, filled by something else.
    #[must_use]
    pub fn from(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// A column for a field that the server added after this program was made: its JSON as text.
    pub fn evolved(field: &str) -> Self {
        Self {
            name: Cow::Owned(field.to_owned()),
            kind: ColumnKind::Text,
            origin: Origin::Field(Cow::Owned(field.to_owned())),
            is_required: false,
        }
    }
}
