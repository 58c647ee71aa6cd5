//! Columns of files that others wrote, in the types of ours, exactly or not at all.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Decimal128Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType,
};
use arrow_array::{Array, ArrayRef, Decimal128Array, Int64Array, TimestampMicrosecondArray};
use arrow_schema::{DataType, TimeUnit};

use crate::warehouse::ColumnKind;

/// The array in the type of a column; why not, where it cannot be.
pub(super) fn fitted(array: &ArrayRef, kind: ColumnKind) -> Result<ArrayRef, String> {
    let wanted = kind.arrow();
    if *array.data_type() == wanted {
        return Ok(Arc::clone(array));
    }
    let found = array.data_type();
    match (found, &wanted) {
        (DataType::Decimal128(_, scale), DataType::Decimal128(precision, wanted_scale)) => {
            let values = array.as_primitive::<Decimal128Type>();
            decimals(values.iter(), *scale, *precision, *wanted_scale)
        }
        (DataType::Int64, DataType::Decimal128(precision, scale)) => {
            let values = array.as_primitive::<Int64Type>().iter().map(|value| value.map(i128::from));
            decimals(values, 0, *precision, *scale)
        }
        (DataType::Int32, DataType::Int64) => {
            let values = array.as_primitive::<Int32Type>().iter().map(|value| value.map(i64::from));
            Ok(Arc::new(values.collect::<Int64Array>()))
        }
        (DataType::Timestamp(unit, Some(_)), DataType::Timestamp(..)) => instants(array, *unit),
        _ => Err(format!("holds {found}, and not {}", kind.name())),
    }
}

fn decimals(
    values: impl Iterator<Item = Option<i128>>,
    scale: i8,
    precision: u8,
    wanted: i8,
) -> Result<ArrayRef, String> {
    let power = |steps: i8| 10_i128.checked_pow(u32::from(steps.unsigned_abs()));
    let steps = wanted.saturating_sub(scale);
    let (power, limit) = (power(steps).unwrap_or(i128::MAX), 10_i128.saturating_pow(u32::from(precision)));
    let fit = |value: i128| {
        let fitted = match steps {
            0.. => value.checked_mul(power),
            _ => (value % power == 0).then(|| value / power),
        };
        fitted.filter(|fitted| fitted.unsigned_abs() < limit.unsigned_abs())
    };
    let mut array = Vec::new();
    for value in values {
        array.push(match value {
            None => None,
            Some(value) => {
                let fitted = fit(value);
                let error =
                    || format!("has a number that decimal({precision},{wanted}) does not hold exactly");
                Some(fitted.ok_or_else(error)?)
            }
        });
    }
    let array = Decimal128Array::from(array).with_data_type(DataType::Decimal128(precision, wanted));
    Ok(Arc::new(array))
}

fn instants(array: &ArrayRef, unit: TimeUnit) -> Result<ArrayRef, String> {
    let exact = |value: Option<i64>| match value {
        None => Ok(None),
        Some(value) if value % 1_000 == 0 => Ok(Some(value / 1_000)),
        Some(_) => Err("has a time that is finer than a microsecond".to_owned()),
    };
    let values: Vec<Option<i64>> = match unit {
        TimeUnit::Nanosecond => {
            array.as_primitive::<TimestampNanosecondType>().iter().map(exact).collect::<Result<_, _>>()?
        }
        TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().iter().collect(),
        TimeUnit::Millisecond => {
            let values = array.as_primitive::<TimestampMillisecondType>().iter();
            let values = values.map(|value| value.map(|value| value.checked_mul(1_000)));
            let beyond = || "has a time beyond the calendar".to_owned();
            values
                .map(|value| value.map(|value| value.ok_or_else(beyond)).transpose())
                .collect::<Result<_, _>>()?
        }
        TimeUnit::Second => return Err("holds times in seconds, and not timestamp".to_owned()),
    };
    Ok(Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC")))
}

/// A text in every row.
pub(super) fn repeated(text: &str, rows: usize) -> ArrayRef {
    let mut builder = StringBuilder::with_capacity(rows, rows * text.len());
    for _ in 0..rows {
        builder.append_value(text);
    }
    Arc::new(builder.finish())
}
