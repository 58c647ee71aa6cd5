//! What records of other systems add up to, in the units of components.
//!
//! Which component a metric is of, and what it is measured in, is known only where the resource is; so
//! here a sum is divided for the first time, and it is an amount, is rounded by the user's rule, or is
//! faulty. A metric that the layout knows how to do without is left out, and told.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{
    Amount, BillingPeriod, Exact, NotReportable, Quotient, Ratio, ReportableAmount, fold, nearest, visible,
};
use crate::findings::{Code, Finding, RowIndex};
use crate::mapping::{Factor, Field, Layout, Metric, UnitFactor};
use crate::parse::{Figure, Sum, Wanted, short};

use super::bearing::{Bearing, bearing};
use super::catalogue::{Component, Offering};
use super::lines::Loose;
use super::rows::{Judge, Resources};

/// Sums that a factor of the user's was applied to, by component and factor.
#[derive(Default)]
struct Converted(BTreeMap<(String, String), Conversion>);

#[derive(Default)]
struct Conversion {
    rows: Vec<RowIndex>,
    /// The subject and the column of the first one.
    first: Option<(usize, usize)>,
    after: Amount,
}

impl Converted {
    fn add(&mut self, component: &str, factor: &UnitFactor, row: RowIndex, figure: &Figure) {
        let conversion = self.0.entry((component.to_owned(), factor.to_string())).or_default();
        conversion.rows.push(row);
        conversion.first.get_or_insert((figure.subject(), figure.column()));
        let after = conversion.after.checked_add(figure.amount.get());
        conversion.after = after.unwrap_or(conversion.after);
    }
}

/// Sums that no component of an offering takes: how many, and in all.
type NotBilled = BTreeMap<(usize, String, String), (usize, Exact, Ratio)>;

impl Judge<'_> {
    /// Turns sums into figures, or into findings.
    pub(super) fn sums(&mut self, resources: &Resources<'_>) -> Vec<Figure> {
        let sums = std::mem::take(&mut self.parsed.sums);
        let (mut not_billed, mut converted) = (NotBilled::new(), Converted::default());
        let mut figures = Vec::with_capacity(sums.len());
        for sum in &sums {
            let Some(resource) = resources[sum.subject] else {
                self.keep_loose(sum);
                continue;
            };
            let Some(offering) = self.catalogue.offering(resource.offering) else { continue };
            let subject = &self.parsed.subjects[sum.subject];
            let (table, period) = (subject.table(), subject.period);
            let layout = self.parsed.tables[table].layout.clone();
            let figure = match (&sum.wanted, layout.records()) {
                (Wanted::Metric(at), Some(records)) => {
                    let Some(metric) = records.metrics.get(*at) else { continue };
                    let is_known = !candidates(metric, offering).is_empty();
                    if metric.is_optional && !is_known {
                        let key = (table, metric.label().to_owned(), offering.name.clone());
                        let all =
                            not_billed.entry(key).or_insert_with(|| (0, Exact::default(), sum.ratio.clone()));
                        all.0 += 1;
                        all.1 += &sum.exact;
                        // A record that counts one thing alone is not used for anything else.
                        if records.metric.is_some() {
                            let row = self.parsed.subjects[sum.subject].row;
                            self.parsed.fates.filtered(row);
                        }
                        continue;
                    }
                    self.of_metric(sum, metric, offering, (&layout, period), &mut converted)
                }
                (Wanted::Component(name), _) => {
                    let by_name = layout.records().is_some_and(|records| records.by_name);
                    self.of_component(sum, name, offering, by_name, &mut converted)
                }
                (Wanted::Metric(_), None) => continue,
            };
            if figure.is_none() && self.is_kept_fault() {
                self.keep_loose(sum);
            }
            figures.extend(figure);
        }
        self.tell_not_billed(not_billed);
        self.tell_converted(converted);
        figures
    }

    /// Whether the fault that was told last leaves a line.
    fn is_kept_fault(&self) -> bool {
        let last = self.findings.list().last().map(|finding| bearing(finding.code));
        matches!(last, Some(Bearing::OfRow | Bearing::OfFigure))
    }

    /// Keeps a sum whose resource or component is not known, in the unit that the layout counts in.
    fn keep_loose(&mut self, sum: &Sum) {
        if !self.settings.keeps_lines {
            return;
        }
        let subject = &self.parsed.subjects[sum.subject];
        let layout = self.parsed.tables[subject.table()].layout.clone();
        let metrics = layout.records().map(|records| &records.metrics);
        let (component, unit) = match &sum.wanted {
            Wanted::Component(name) => (name.clone(), sum.unit.clone()),
            Wanted::Metric(at) => match metrics.and_then(|metrics| metrics.get(*at)) {
                Some(metric) => (metric.label().into(), Some(metric.counted_in.as_str().into())),
                None => return,
            },
        };
        let Some(figure) = self.figure(sum, &component, &sum.ratio, unit) else { return };
        self.loose.push(Loose { figure });
    }

    fn tell_not_billed(&mut self, not_billed: NotBilled) {
        for ((table, metric, offering), (sums, exact, ratio)) in not_billed {
            let table = &self.parsed.tables[table];
            let records = table.layout.records();
            let known = records.and_then(|it| it.metrics.iter().find(|known| known.label() == metric));
            let (unit, names) = known.map_or((String::new(), String::new()), |it| {
                (it.counted_in.clone(), it.components.join(", "))
            });
            let s = if sums == 1 { "" } else { "s" };
            let amount = exact.times(&ratio);
            let found = format!("{sums} figure{s} of {}: {amount} {}", visible(&metric), visible(&unit));
            let expected =
                format!("a component {} of {}; it is left out", visible(&names), visible(&offering));
            let place = table.place(table.header_row, None);
            self.findings.push(Finding::new(Code::MetricNotBilled, found, expected).at(place));
        }
    }

    fn of_metric(
        &mut self,
        sum: &Sum,
        metric: &Metric,
        offering: &Offering,
        (layout, period): (&Layout, BillingPeriod),
        converted: &mut Converted,
    ) -> Option<Figure> {
        let component = match candidates(metric, offering).as_slice() {
            [only] => *only,
            [] => {
                let found = format!("{} of {}", metric.label(), layout.name);
                let types = types(offering);
                let expected =
                    format!("a component {} of {}", metric.components.join(" or "), visible(&offering.name));
                let near =
                    nearest(metric.components.first().map_or("", String::as_str), types.iter().copied());
                let finding = Finding::new(Code::UnknownComponent, found, expected);
                let hint = format!(
                    "it has {}; name the component in a layout of your own{}",
                    visible(&types.join(", ")),
                    near.map_or_else(String::new, |near| format!(", such as {}", visible(near)))
                );
                self.fault(sum.subject, Some(sum.column), finding.hint(hint));
                return None;
            }
            several => {
                let names: Vec<&str> = several.iter().map(|it| it.component_type.as_str()).collect();
                let expected = format!("one of them in a layout of your own: {}", visible(&names.join(", ")));
                let found = format!("{} fits several components", metric.label());
                self.fault(
                    sum.subject,
                    Some(sum.column),
                    Finding::new(Code::UnknownComponent, found, expected),
                );
                return None;
            }
        };
        let type_name = component.component_type.as_str().to_owned();
        if let Some(factor) = metric.factors.for_unit(&component.measured_unit) {
            let ratio = sum.ratio.times(&ratio_of(factor, period, layout));
            return self.figure(sum, &type_name, &ratio, sum.unit.clone());
        }
        // One that the layout does not know can be given from one that it knows.
        let units = metric.factors.units();
        let own = component.measured_unit.as_str();
        let route =
            std::iter::once(metric.counted_in.as_str()).chain(units.iter().copied()).find_map(|unit| {
                let given = self.aliases.factor(unit, own)?.clone();
                let known = metric.factors.for_unit(unit).map(|factor| ratio_of(factor, period, layout));
                let is_counted = unit.trim() == metric.counted_in.trim() && !unit.is_empty();
                Some((known.or_else(|| is_counted.then(Ratio::one))?, given))
            });
        if let Some((known, given)) = route {
            let ratio = sum.ratio.times(&known).times(&Ratio::from(given.factor));
            let figure = self.figure(sum, &type_name, &ratio, None)?;
            converted.add(&type_name, &given, self.parsed.subjects[sum.subject].row, &figure);
            return Some(figure);
        }
        let own = visible(own);
        let expected = format!("{} in one of {}", component.component_type, units.join(", "));
        let found = format!("{own}, the unit of {}", component.component_type);
        let finding = Finding::new(Code::UnitMismatch, found, expected);
        let from = units.first().copied().unwrap_or(&metric.counted_in);
        let hint = if from.is_empty() {
            format!(
                "write a layout of your own in which units says what one of {} is in {own}",
                metric.label()
            )
        } else {
            let from = visible(from);
            format!(
                "say what one {from} is: --unit-factor \"{from}=FACTOR {own}\"; or write a layout of your own"
            )
        };
        self.fault(sum.subject, Some(sum.column), finding.hint(hint));
        None
    }

    fn of_component(
        &mut self,
        sum: &Sum,
        name: &str,
        offering: &Offering,
        by_name: bool,
        converted: &mut Converted,
    ) -> Option<Figure> {
        if !by_name {
            let known = offering.components.iter().find(|it| it.component_type.as_str() == name);
            return match known {
                Some(known) => self.in_its_unit(sum, known, converted),
                None => self.figure(sum, name, &sum.ratio, sum.unit.clone()),
            };
        }
        let hits: Vec<&Component> = offering.components.iter().filter(|it| it.name.trim() == name).collect();
        if let [only] = hits.as_slice() {
            return self.in_its_unit(sum, only, converted);
        }
        let names: Vec<&str> = offering.components.iter().map(|it| it.name.as_str()).collect();
        let several = if hits.is_empty() { "" } else { ", which has it more than once" };
        let expected = format!("the name of one component of {}{several}", visible(&offering.name));
        let finding = Finding::new(Code::UnknownComponent, visible(name).to_string(), expected)
            .did_you_mean(nearest(name, names).filter(|_| hits.is_empty()));
        self.fault_in(sum.subject, Field::ComponentType, finding);
        None
    }

    /// A sum of a component, whose unit is the one that rows name, or for which a factor was given. In
    /// another unit it is no figure at all, whatever decimal places it has.
    fn in_its_unit(&mut self, sum: &Sum, component: &Component, converted: &mut Converted) -> Option<Figure> {
        let (own, name) = (component.measured_unit.as_str(), component.component_type.as_str());
        let Some(unit) = sum.unit.as_ref().filter(|unit| unit.trim() != own.trim()) else {
            return self.figure(sum, name, &sum.ratio, sum.unit.clone());
        };
        if let Some(given) = self.aliases.factor(unit, own).cloned() {
            let figure = self.figure(sum, name, &sum.ratio.times(&Ratio::from(given.factor)), None)?;
            converted.add(name, &given, self.parsed.subjects[sum.subject].row, &figure);
            return Some(figure);
        }
        let expected = format!("{}, the unit of {name}", visible(own));
        let finding = Finding::new(Code::UnitMismatch, visible(unit).to_string(), expected);
        let (from, to) = (visible(unit), visible(own));
        let hint =
            format!("convert the amounts, or say what one {from} is: --unit-factor \"{from}=FACTOR {to}\"");
        self.fault(sum.subject, Some(sum.unit_column), finding.hint(hint));
        None
    }

    /// Says which sums were converted by a factor that was given.
    fn tell_converted(&mut self, converted: Converted) {
        for ((component, factor), Conversion { rows, first, after }) in converted.0 {
            let s = if rows.len() == 1 { "" } else { "s" };
            let found =
                format!("{} amount{s} of {}, in all {after} ({factor})", rows.len(), visible(&component));
            let expected = "amounts in the unit of the component; the factor is one that you gave";
            let mut finding = Finding::new(Code::UnitConverted, found, expected);
            finding.place = first.map(|(subject, column)| self.parsed.place(subject, Some(column)));
            finding.rows = rows;
            self.findings.push(finding);
        }
    }

    fn figure(
        &mut self,
        sum: &Sum,
        component: &str,
        ratio: &Ratio,
        unit: Option<Arc<str>>,
    ) -> Option<Figure> {
        let quotient = sum.exact.times(ratio);
        let is_negative = quotient.is_negative() && self.parsed.takes_negative;
        let size = if is_negative { quotient.size() } else { quotient.clone() };
        let read = match reportable(&size, self.parsed.rounding) {
            Ok(read) => read,
            Err(why) => {
                let of =
                    if sum.rows == 1 { String::new() } else { format!(", the sum of {} rows", sum.rows) };
                let found = format!("{quotient} {component}{of}");
                let finding = match why {
                    NotReportable::TooManyDecimals => {
                        let expected =
                            "at most two decimal places; the server refuses more, it does not round";
                        Finding::new(Code::TooManyDecimals, found, expected)
                            .hint("add --round half-up (or half-even, up, down); what it changes is shown")
                    }
                    NotReportable::Negative => Finding::new(Code::NegativeAmount, found, "zero or more"),
                    NotReportable::TooLarge => {
                        let expected = "less than 1000000000000; the server breaks on more";
                        Finding::new(Code::AmountTooLarge, found, expected)
                    }
                };
                self.fault(sum.subject, Some(sum.column), finding);
                return None;
            }
        };
        let (amount, unrounded) = read;
        if is_negative {
            let finding =
                Finding::new(Code::NegativeAmount, format!("{quotient} {component}"), "zero or more");
            self.fault(sum.subject, Some(sum.column), finding);
        }
        Some(Figure {
            is_negative,
            subject: short(sum.subject),
            column: short(sum.column),
            unit_column: short(sum.unit_column),
            component: component.into(),
            unit,
            amount,
            unrounded: unrounded.map(Box::new),
        })
    }
}

/// The amount of a quotient, and what it was before it was rounded.
fn reportable(
    quotient: &Quotient,
    rule: Option<crate::domain::RoundingRule>,
) -> Result<(ReportableAmount, Option<crate::domain::Unrounded>), NotReportable> {
    if quotient.is_negative() {
        return Err(NotReportable::Negative);
    }
    if !quotient.is_finer_than_cents() {
        let amount: Amount = quotient.in_cents().ok_or(NotReportable::TooLarge)?;
        return Ok((amount.try_into()?, None));
    }
    let rule = rule.ok_or(NotReportable::TooManyDecimals)?;
    let amount: ReportableAmount = quotient.to_cents(rule).ok_or(NotReportable::TooLarge)?.try_into()?;
    Ok((amount, Some(quotient.unrounded().ok_or(NotReportable::TooLarge)?)))
}

/// The components of an offering that a metric may be of.
fn candidates<'o>(metric: &Metric, offering: &'o Offering) -> Vec<&'o Component> {
    let is_meant = |component: &&Component| {
        metric.components.iter().any(|name| fold(name) == fold(component.component_type.as_str()))
    };
    offering.components.iter().filter(is_meant).collect()
}

fn types(offering: &Offering) -> Vec<&str> {
    offering.components.iter().map(|component| component.component_type.as_str()).collect()
}

/// The ratio of a factor in a month.
fn ratio_of(factor: &Factor, period: BillingPeriod, layout: &Layout) -> Ratio {
    if !factor.is_of_month {
        return factor.ratio.clone();
    }
    let zone = layout.records().and_then(|records| records.zone.clone()).unwrap_or(jiff::tz::TimeZone::UTC);
    let seconds = period.next().start_in(&zone).as_second() - period.start_in(&zone).as_second();
    factor.ratio.over(u32::try_from(seconds).unwrap_or(1))
}
