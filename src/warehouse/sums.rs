//! What the amounts of a month come to, exactly.

use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::types::Decimal128Type;
use arrow_array::{Array, RecordBatch};

use crate::domain::Amount;

use super::cells::fixed;
use super::column::ColumnKind;
use super::manifest::ComponentSum;
use super::schema::Schema;

/// What the amounts come to, by component; `None` where a sum leaves the range.
pub(super) fn sums(schema: &Schema, parts: &[RecordBatch]) -> Option<Vec<ComponentSum>> {
    let Some((group, measure)) = schema.table().measure() else { return Some(Vec::new()) };
    let (group, measure) = (schema.position(group)?, schema.position(measure)?);
    let places = match schema.columns()[measure].kind {
        ColumnKind::Fine => 10,
        _ => 2,
    };
    let mut sums: Vec<(&str, i128)> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for rows in parts {
        let groups = rows.column(group).as_string_opt::<i32>()?;
        let amounts = rows.column(measure).as_primitive_opt::<Decimal128Type>()?;
        for row in 0..rows.num_rows() {
            // A line without a component is summed with its like.
            let group = if groups.is_null(row) { "" } else { groups.value(row) };
            let at = *known.entry(group).or_insert_with(|| {
                sums.push((group, 0));
                sums.len() - 1
            });
            if amounts.is_valid(row) {
                sums[at].1 = sums[at].1.checked_add(amounts.value(row))?;
            }
        }
    }
    sums.sort_unstable();
    let sums = sums.into_iter().map(|(component, sum)| {
        let sum = Amount::parse(&fixed(sum, places)).ok()?;
        Some(ComponentSum { component: component.to_owned(), sum })
    });
    sums.collect()
}
