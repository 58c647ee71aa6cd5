//! What a record counts: a quantity of each metric, exact to the last digit.

use std::sync::Arc;

use crate::domain::{AmountError, Exact, fold, visible};
use crate::findings::{Code, Finding};
use crate::mapping::{Metric, MetricColumns, Records, Times};
use crate::parse::column::Verdict;
use crate::parse::draft::RowDraft;
use crate::parse::header::listed;
use crate::parse::{Cell, Unread, Wanted, cells, quantity as amounts};

use super::super::Parser;
use super::RecordsReading;
use super::groups::Share;
use super::record::When;
use super::tres::{Keyed, keyed};

impl Parser<'_> {
    /// The quantities of a record; none where all of them are blank.
    pub(super) fn shares(
        &mut self,
        reading: &mut RecordsReading,
        records: &Records,
        draft: &mut RowDraft<'_>,
        when: &When,
    ) -> Vec<Share> {
        let unit = reading.binding.unit.map(|column| (column, draft.raw.cell(column)));
        let unit =
            unit.filter(|(_, cell)| !cell.is_blank()).map(|(column, cell)| (column, self.text(cell.text)));
        if records.metrics.is_empty() {
            return self.component(reading, draft, unit).into_iter().collect();
        }
        let named = match reading.binding.metric {
            Some(column) => match metric_named(records, draft, column) {
                Some(at) => Some(at),
                None => return Vec::new(),
            },
            None => None,
        };
        let mut shares = Vec::new();
        for (at, metric) in records.metrics.iter().enumerate() {
            let columns = reading.binding.metrics[at];
            let (Some(columns), true) = (columns, named.is_none_or(|named| named == at)) else { continue };
            if let Some(share) = share(reading, metric, columns, draft, when, (at, unit.as_ref())) {
                shares.push(share);
            }
        }
        shares
    }

    /// The quantity of a record that names its component itself.
    fn component(
        &mut self,
        reading: &mut RecordsReading,
        draft: &mut RowDraft<'_>,
        unit: Option<(usize, Arc<str>)>,
    ) -> Option<Share> {
        let column = reading.binding.quantity?;
        let named = reading.binding.metric?;
        let cell = draft.raw.cell(column);
        if cell.is_blank() {
            return None;
        }
        let component = draft.raw.cell(named);
        if component.is_blank() {
            draft.fault(
                Some(named),
                Finding::new(Code::MissingValue, "a blank cell", "the component that was used"),
            );
        }
        let (exact, beside) = exact(reading, column, draft)?;
        let beside = beside.map(|unit| (column, self.text(&unit)));
        if let (Some((_, unit)), Some((_, beside))) = (&unit, &beside)
            && unit != beside
        {
            let expected = format!("{}, as the column of units says", visible(unit));
            draft.fault(Some(column), Finding::new(Code::UnitMismatch, cells::shown(cell), expected));
            return None;
        }
        let (unit_column, unit) = unit.or(beside).unzip();
        let wanted = Wanted::Component(self.text(component.text));
        Some(Share { wanted, exact, column, unit, unit_column: unit_column.unwrap_or(column) })
    }
}

/// The quantity of a metric; `None` where it is blank, absent or faulty.
fn share(
    reading: &mut RecordsReading,
    metric: &Metric,
    columns: MetricColumns,
    draft: &mut RowDraft<'_>,
    when: &When,
    (at, unit): (usize, Option<&(usize, Arc<str>)>),
) -> Option<Share> {
    let column = columns.quantity;
    let cell = draft.raw.cell(column);
    let times = match (&metric.times, columns.times) {
        (Some(Times::Column(_)), Some(times)) => Some(factor(reading, times, draft)?),
        // A record whose times cannot be read is faulty for them.
        (Some(Times::Duration), _) => Some(when.seconds.clone()?),
        (Some(Times::Column(_)) | None, _) => None,
    };
    if cell.is_blank() {
        if metric.key.is_some() && times.as_ref().is_some_and(|times| !times.is_zero()) {
            let expected = "what was given for the time that it ran";
            draft.fault(Some(column), Finding::new(Code::MissingValue, "a blank cell", expected));
        }
        return None;
    }
    let quantity = if let Some(key) = &metric.key {
        behind_key(metric, key, cell, column, draft)?
    } else {
        let (exact, beside) = exact(reading, column, draft)?;
        let other = beside.filter(|beside| fold(beside) != fold(&metric.counted_in));
        if let Some(other) = other {
            let expected = format!("{}, which is what the layout counts in", metric.counted_in);
            draft
                .fault(Some(column), Finding::new(Code::UnitMismatch, visible(&other).to_string(), expected));
            return None;
        }
        exact
    };
    if let Some((unit_column, unit)) = unit.filter(|(_, unit)| fold(unit) != fold(&metric.counted_in)) {
        let expected = format!("{}, which is what the layout counts in", metric.counted_in);
        let finding = Finding::new(Code::UnitMismatch, visible(unit).to_string(), expected);
        draft.fault(Some(*unit_column), finding);
        return None;
    }
    let exact = times.map_or_else(|| quantity.clone(), |times| &quantity * &times);
    Some(Share { wanted: Wanted::Metric(at), exact, column, unit: None, unit_column: column })
}

/// A number that a quantity is multiplied by.
fn factor(reading: &mut RecordsReading, column: usize, draft: &mut RowDraft<'_>) -> Option<Exact> {
    let cell = draft.raw.cell(column);
    if cell.is_blank() {
        draft
            .fault(Some(column), Finding::new(Code::MissingValue, "a blank cell", "a number to multiply by"));
        return None;
    }
    let (exact, unit) = exact(reading, column, draft)?;
    if unit.is_some() {
        draft.fault(Some(column), amounts::invalid(cell));
        return None;
    }
    Some(exact)
}

/// The number in a cell and the unit behind it.
fn exact(
    reading: &mut RecordsReading,
    column: usize,
    draft: &mut RowDraft<'_>,
) -> Option<(Exact, Option<String>)> {
    let cell = draft.raw.cell(column);
    let own = reading.amounts.entry(column).or_default();
    let verdict = own.verdict.get_or_insert(Verdict::Open);
    let (number, unit) = match amounts::written(cell, verdict) {
        Ok(read) => read,
        Err(Unread::Doubt) => {
            reading.in_doubt.push(column);
            draft.is_in_doubt = true;
            return None;
        }
        Err(Unread::Fault(fault)) => {
            draft.fault(Some(column), *fault);
            return None;
        }
    };
    if let Some(other) = reading.not_written.filter(|other| cell.text.contains(*other)) {
        let sign = if other == ',' { "point" } else { "comma" };
        let expected = format!("a number with a decimal {sign} and nothing between its thousands");
        let finding = Finding::new(Code::AmbiguousAmount, cells::shown(cell), expected);
        let hint = format!(
            "{} writes numbers so, and this one has been through other hands; --decimal point or --decimal \
             comma says how it is meant",
            reading.layout.name
        );
        draft.fault(Some(column), finding.hint(hint));
        return None;
    }
    let exact = number.parse::<Exact>().map_err(|error| match error {
        AmountError::NotANumber => amounts::invalid(cell),
        AmountError::TooPrecise => amounts::too_precise(cell),
        AmountError::TooLarge => amounts::too_large(cell),
    });
    let exact = draft.take(column, exact)?;
    if exact.is_negative() {
        draft.fault(Some(column), amounts::negative(cell));
        return None;
    }
    Some((exact, unit))
}

/// The metric that a record names.
fn metric_named(records: &Records, draft: &mut RowDraft<'_>, column: usize) -> Option<usize> {
    let cell = draft.raw.cell(column);
    if cell.is_blank() {
        draft.fault(Some(column), Finding::new(Code::MissingValue, "a blank cell", "what was counted"));
        return None;
    }
    let found = records.metrics.iter().position(|metric| metric.names.iter().any(|name| name == cell.text));
    if found.is_none() {
        let names: Vec<&str> =
            records.metrics.iter().flat_map(|metric| &metric.names).map(String::as_str).collect();
        let expected = format!("one of {}", listed(&names));
        let finding = Finding::new(Code::UnknownMetric, cells::shown(cell), expected);
        let hint = "write a layout of your own that says which component it is, or leaves it out: \
                    `waldur-usage layout show NAME` prints one to begin with";
        draft.fault(Some(column), finding.hint(hint));
    }
    found
}

/// The quantity behind a key in a cell.
fn behind_key(
    metric: &Metric,
    key: &str,
    cell: Cell<'_>,
    column: usize,
    draft: &mut RowDraft<'_>,
) -> Option<Exact> {
    let finding = match keyed(cell.text, key, metric.in_mebi) {
        Keyed::Some(quantity) => return Some(quantity),
        Keyed::Absent => return None,
        Keyed::KindsAlone(kind) => {
            let expected = format!("{key} besides its kinds, which is all of it");
            let finding = Finding::new(Code::UnknownMetric, visible(&kind).to_string(), expected);
            finding.hint(format!("write a layout of your own with key = \"{}\"", visible(&kind)))
        }
        Keyed::Unreadable => {
            let expected = format!("a quantity of {key} such as cpu=4,mem=16G");
            Finding::new(Code::InvalidAmount, cells::shown(cell), expected)
        }
    };
    draft.fault(Some(column), finding);
    None
}
