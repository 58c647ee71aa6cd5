//! What is wrong with a row of a file, as a class of differences.
//!
//! One table says which findings are a difference and which are not: whoever adds a code decides it
//! here. The rest is about posting, which a reconciliation does not do.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::fold_unit;
use crate::findings::Code;

use super::class::Class;
use super::rows::FileRow;

/// The class that a fault of a row is; `None` where it makes no difference.
pub fn class_of(code: Code) -> Option<Class> {
    match code {
        Code::UnknownResource
        | Code::UnknownOffering
        | Code::OtherOffering
        | Code::NoScope
        | Code::InvalidResource
        | Code::AliasNowhere => Some(Class::UnknownResource),
        Code::AmbiguousResource | Code::ResourceDisagrees => Some(Class::AmbiguousName),
        Code::UnknownComponent | Code::UnknownMetric | Code::MetricNotBilled => Some(Class::UnknownComponent),
        Code::NotReportable | Code::ResourceState | Code::NoPlan => Some(Class::NotReportable),
        Code::UnitMismatch => Some(Class::WrongUnit),
        Code::DuplicateKey => Some(Class::DuplicateInFile),
        Code::NegativeAmount => Some(Class::Sign),
        _ => None,
    }
}

/// What is wrong with the rows of a key.
#[derive(Debug, Default)]
pub struct Faults {
    /// It cannot be told what they speak of.
    pub naming: Option<(Class, Arc<str>)>,
    /// The server cannot take it.
    pub not_reportable: Option<Arc<str>>,
    /// They declare another unit.
    pub unit: Option<Arc<str>>,
    /// Some of them speak of the same.
    pub is_double: bool,
}

impl Faults {
    /// Of the rows of one key, in order; the unit is that of the component.
    pub fn of(rows: &[FileRow], unit: &str) -> Self {
        let mut faults = Self { is_double: has_double(rows), ..Self::default() };
        for more in rows.iter().filter_map(|row| row.more.as_deref()) {
            for fault in &more.line.faults {
                let note = || fault.note.clone();
                match class_of(fault.code) {
                    Some(
                        class @ (Class::UnknownResource | Class::AmbiguousName | Class::UnknownComponent),
                    ) => {
                        faults.naming.get_or_insert_with(|| (class, note()));
                    }
                    Some(Class::NotReportable) => {
                        faults.not_reportable.get_or_insert_with(note);
                    }
                    Some(Class::WrongUnit) if !is_same_unit(more.line.unit.as_deref(), unit) => {
                        faults.unit.get_or_insert_with(note);
                    }
                    Some(Class::DuplicateInFile) => faults.is_double = true,
                    _ => {}
                }
            }
        }
        faults
    }
}

/// Whether a declared unit is the other one but for case, blanks, dashes and how its words are cut short.
fn is_same_unit(declared: Option<&str>, unit: &str) -> bool {
    declared.is_some_and(|declared| {
        // Whoever writes no capitals at all does not tell bits from bytes.
        let is_small = || !declared.chars().any(char::is_uppercase);
        let are_same = |one: &str, other: &str| spelt_out(one) == spelt_out(other);
        are_same(declared, unit) || is_small() && are_same(declared, &unit.to_lowercase())
    })
}

/// A unit with its words spelt out: `GB-h` and `GByte hours` are one. Bits are no bytes: their case counts.
fn spelt_out(unit: &str) -> String {
    let words = unit.split(|one: char| !one.is_alphanumeric()).filter(|word| !word.is_empty());
    let words = words.map(|word| match word.to_lowercase().as_str() {
        "h" | "hr" | "hrs" | "hour" | "std" | "stunde" | "stunden" => "hours".to_owned(),
        "min" | "mins" | "minute" | "minuten" => "minutes".to_owned(),
        "sec" | "secs" | "second" | "sekunde" | "sekunden" => "seconds".to_owned(),
        "day" | "tag" | "tage" => "days".to_owned(),
        "kbyte" | "kbytes" => fold_unit("kB"),
        "mbyte" | "mbytes" => fold_unit("MB"),
        "gbyte" | "gbytes" => fold_unit("GB"),
        "tbyte" | "tbytes" => fold_unit("TB"),
        "pbyte" | "pbytes" => fold_unit("PB"),
        _ => fold_unit(word),
    });
    words.collect::<Vec<_>>().join("-")
}

/// Whether two rows are of one plan period, or of none.
fn has_double(rows: &[FileRow]) -> bool {
    if rows.len() < 2 {
        return false;
    }
    let mut periods = BTreeSet::new();
    !rows.iter().all(|row| periods.insert(row.more.as_deref().and_then(|more| more.line.plan_period)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::{Bearing, bearing};

    #[test]
    fn units_that_are_cut_short_are_the_same() {
        for (one, other) in
            [("h", "hours"), ("min", "Minutes"), ("TByte", "TB"), ("GB-h", "GB hours"), ("Std.", "hours")]
        {
            assert!(is_same_unit(Some(one), other), "{one} {other}");
        }
        for (one, other) in [
            ("h", "minutes"),
            ("GiB", "GB"),
            ("GB", "GB-hours"),
            ("m", "minutes"),
            ("Mb", "MB"),
            ("Gb-h", "GB-hours"),
        ] {
            assert!(!is_same_unit(Some(one), other), "{one} {other}");
        }
    }

    #[test]
    fn every_fault_that_is_kept_on_a_line_is_a_difference() {
        for code in Code::ALL {
            let is_kept = matches!(bearing(*code), Bearing::OfRow | Bearing::OfFigure);
            assert!(!is_kept || class_of(*code).is_some(), "{code} is lost");
        }
    }
}
