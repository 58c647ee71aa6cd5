//! The columns of FOCUS 1.2.

use super::column::{Column, ColumnKind, Origin};

/// The columns of the table of charges.
pub(super) fn columns() -> Vec<Column> {
    vec![Column::required("x_waldur_charge_id", ColumnKind::Text).from(Origin::Derived)]
}
