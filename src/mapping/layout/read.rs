//! From the text of a layout to a [`Layout`] that makes sense as a whole.
//!
//! A layout comes from anywhere, so its size and each of its lists are bounded, and each refusal names
//! its line.

use jiff::tz::TimeZone;
use toml::Spanned;

use crate::domain::{Ratio, fold_unit};
use crate::mapping::Field;

use super::written::{
    Text, Texts, Written, WrittenBy, WrittenCrossing, WrittenDecimal, WrittenForm, WrittenMetric,
    WrittenParts, WrittenPeriod, WrittenRepeats, WrittenResource, WrittenRows, WrittenRule, WrittenTitleRule,
    WrittenTitles,
};
use super::{
    Column, Crossing, Factor, Factors, Form, Layout, LayoutError, Metric, Parts, Period, Records,
    ResourceColumns, Rule, Test, Times, Titles,
};

/// Bytes of a layout.
pub(super) const LARGEST: usize = 64 * 1024;
/// Metrics, rules and lists of columns, each.
const MOST: usize = 200;

type Checked<T> = Result<T, LayoutError>;

impl Layout {
    /// Reads a layout from its text.
    pub fn parse(text: &str) -> Checked<Self> {
        if text.len() > LARGEST {
            return Err(LayoutError { line: 1, what: "a layout of more than 64 KiB".into() });
        }
        let written: Written = toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            LayoutError::at(text, offset, error.message())
        })?;
        Reader { text }.layout(written)
    }
}

struct Reader<'a> {
    text: &'a str,
}

fn column(texts: Texts) -> Column {
    Column(texts.0)
}

fn columns(list: Vec<Texts>) -> Vec<Column> {
    list.into_iter().map(column).collect()
}

impl Reader<'_> {
    fn fault<S, T>(&self, at: &Spanned<S>, what: impl Into<String>) -> Checked<T> {
        Err(LayoutError::at(self.text, at.span().start, what))
    }

    /// A fault of the whole; the line is that of its name.
    fn whole<T>(&self, written: &Spanned<Text>, what: &str) -> Checked<T> {
        self.fault(written, what)
    }

    fn layout(&self, mut written: Written) -> Checked<Layout> {
        let name = written.name.get_ref().0.clone();
        let is_sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > 40 || !name.bytes().all(is_sound) {
            return self.fault(&written.name, "a name has up to 40 small letters, digits and dashes");
        }
        let is_of_records = !matches!(
            written.form.as_ref().map(Spanned::get_ref),
            Some(WrittenForm::WaldurLong | WrittenForm::WaldurWide)
        );
        if is_of_records && matches!(name.as_str(), "waldur-long" | "waldur-wide") {
            return self.fault(&written.name, format!("{name} is the name of a form of ours"));
        }
        let title = std::mem::replace(&mut written.title, Text(String::new())).0;
        let form = match written.form.as_ref().map(Spanned::get_ref) {
            None | Some(WrittenForm::Records) => Form::Records(Box::new(self.records(written)?)),
            Some(WrittenForm::WaldurLong) => {
                self.own_form(&written)?;
                Form::WaldurLong
            }
            Some(WrittenForm::WaldurWide) => {
                self.own_form(&written)?;
                Form::WaldurWide
            }
        };
        Ok(Layout { name, title, form })
    }

    /// Our own forms are read by the names of the fields, which a layout lists and cannot change.
    fn own_form(&self, written: &Written) -> Checked<()> {
        let has_more = written.recognise.is_some()
            || written.resource.is_some()
            || written.titles.is_some()
            || written.period.is_some()
            || written.metric.is_some()
            || written.quantity.is_some()
            || written.unit.is_some()
            || written.parts.is_some()
            || !(written.metrics.is_empty() && written.leave_out.is_empty() && written.faulty.is_empty())
            || !(written.identity.is_empty() && written.one_value.is_empty())
            || !written.identity_without.is_empty();
        if has_more {
            let what = "a form of ours has a name, a title and the list of its columns; leave form away \
                        for the records of another system";
            return self.fault(&written.name, what);
        }
        for Text(own) in written.columns.iter().flat_map(Spanned::get_ref) {
            if Field::of_header(own).is_none_or(|field| field.name() != own) {
                let at = written.columns.as_ref().map_or(0, |columns| columns.span().start);
                let what = format!("{own} is no column of ours; they cannot be given other names");
                return Err(LayoutError::at(self.text, at, what));
            }
        }
        Ok(())
    }

    fn records(&self, written: Written) -> Checked<Records> {
        let name = &written.name;
        if let Some(columns) = &written.columns {
            return self.fault(columns, "only a form of ours lists columns");
        }
        let Some(resource) = written.resource else {
            return self.whole(name, "no [resource]: nothing says whose usage it is");
        };
        let Some(period) = written.period else {
            return self.whole(
                name,
                "no [period]: nothing says which month it is of; an empty one leaves it to --period",
            );
        };
        let lists = [
            written.metrics.len(),
            written.leave_out.len(),
            written.faulty.len(),
            written.identity.len(),
            written.identity_without.len(),
            written.one_value.len(),
        ];
        if lists.into_iter().any(|length| length > MOST) {
            return self.whole(name, "a list of more than 200 entries");
        }
        let recognise = written.recognise.unwrap_or_default();
        let titles = written.titles.map(|titles| self.titles(titles)).transpose()?;
        let (period, zone) = self.period(&period, titles.as_ref())?;
        if !written.identity.is_empty() && !written.identity_without.is_empty() {
            return self.whole(name, "identity and identity_without at once");
        }
        let quantity = written.quantity.map(column);
        let has_times = matches!(period, Period::Times { .. });
        let mut metrics = Vec::new();
        for metric in written.metrics {
            metrics.push(self.metric(metric, written.metric.is_some(), quantity.is_some(), has_times)?);
        }
        if metrics.is_empty() && written.metric.is_none() {
            return self.whole(name, "neither metric nor [[metrics]]: nothing says which component it is of");
        }
        if metrics.is_empty() && quantity.is_none() {
            return self.whole(name, "no quantity: nothing says how much was used");
        }
        if written.unit.is_some() && metrics.iter().any(|metric| metric.counted_in.is_empty()) {
            return self.whole(name, "a column unit, and a metric that does not say what it is counted_in");
        }
        self.no_name_twice(written.metric.as_ref(), &metrics)?;
        Ok(Records {
            also: columns(recognise.also),
            without: columns(recognise.without),
            resource: self.resource(resource)?,
            titles,
            period,
            zone,
            metric: written.metric.map(|metric| column(metric.into_inner())),
            quantity,
            unit: written.unit.map(column),
            by_name: written.component_by == WrittenBy::Name,
            metrics,
            decimal_comma: written.decimal.map(|decimal| decimal == WrittenDecimal::Comma),
            sums: written.rows == WrittenRows::Sum,
            leave_out: self.rules(written.leave_out)?,
            faulty: self.rules(written.faulty)?,
            parts: written.parts.map(parts),
            identity: columns(written.identity),
            identity_without: columns(written.identity_without),
            repeats_are_faulty: written.rows == WrittenRows::Sum && written.repeats == WrittenRepeats::Faulty,
            one_value: columns(written.one_value),
        })
    }

    /// Two metrics of one name would both take a row.
    fn no_name_twice(&self, column: Option<&Spanned<Texts>>, metrics: &[Metric]) -> Checked<()> {
        let Some(column) = column else { return Ok(()) };
        let mut names: Vec<&String> = metrics.iter().flat_map(|metric| &metric.names).collect();
        names.sort();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => self.fault(column, format!("two [[metrics]] have the name {}", pair[0])),
            None => Ok(()),
        }
    }

    fn resource(&self, written: Spanned<WrittenResource>) -> Checked<ResourceColumns> {
        let own = written.get_ref();
        if own.uuid.is_none() && own.backend_id.is_none() && own.slug.is_none() && own.name.is_none() {
            return self
                .fault(&written, "none of uuid, backend_id, slug and name: nothing names the resource");
        }
        let written = written.into_inner();
        Ok(ResourceColumns {
            uuid: written.uuid.map(column),
            backend_id: written.backend_id.map(column),
            slug: written.slug.map(column),
            name: written.name.map(column),
            offering_uuid: written.offering_uuid.map(column),
            offering: written.offering.map(column),
            username: written.username.map(column),
            project: written.project.map(column),
            organisation: written.organisation.map(column),
        })
    }

    fn titles(&self, written: Spanned<WrittenTitles>) -> Checked<Titles> {
        let own = written.get_ref();
        if own.unit_behind.is_some() == own.units.is_empty() {
            return self.fault(&written, "unit_behind and [titles.units] belong together");
        }
        let mut units: Vec<(String, Ratio)> = Vec::new();
        for (Text(unit), factor) in &own.units {
            if units.iter().any(|(known, _)| fold_unit(known) == fold_unit(unit)) {
                return self.fault(factor, format!("the unit {unit} stands there twice"));
            }
            units.push((unit.clone(), self.ratio(factor)?));
        }
        let is_blank = |rule: &WrittenTitleRule| rule.begins.0.is_empty() || rule.because.0.is_empty();
        if own.refuse.len() > MOST || own.refuse.iter().any(is_blank) {
            return self
                .fault(&written, "each [[titles.refuse]] has begins and because, at most 200 of them");
        }
        let written = written.into_inner();
        let unit_behind = written.unit_behind.map(|texts| texts.0).unwrap_or_default();
        let refuse = written.refuse.into_iter().map(|rule| (rule.begins.0, rule.because.0)).collect();
        Ok(Titles { hold_period: written.hold_period, unit_behind, units, refuse })
    }

    fn period(
        &self,
        written: &Spanned<WrittenPeriod>,
        titles: Option<&Titles>,
    ) -> Checked<(Period, Option<TimeZone>)> {
        let WrittenPeriod { month, begin, end, elapsed, crossing, in_titles, reported, time_zone } =
            written.get_ref();
        let zone = match time_zone {
            None => None,
            Some(name) => match TimeZone::get(&name.get_ref().0) {
                Ok(zone) => Some(zone),
                Err(_) => return self.fault(name, format!("no time zone is named {}", name.get_ref().0)),
            },
        };
        if crossing.is_some() && begin.is_none() {
            return self.fault(written, "crossing is about records with a begin and an end");
        }
        if elapsed.is_some() && begin.is_none() {
            return self.fault(written, "elapsed is about records with a begin and an end");
        }
        let column = |texts: &Texts| Column(texts.0.clone());
        let period = match (month, begin, end, *in_titles, reported) {
            (Some(month), None, None, false, None) => Period::Month(column(month)),
            (None, Some(begin), Some(end), false, None) => Period::Times {
                begin: column(begin),
                end: column(end),
                crossing: match crossing {
                    None | Some(WrittenCrossing::Faulty) => Crossing::Faulty,
                    Some(WrittenCrossing::End) => Crossing::End,
                    Some(WrittenCrossing::Begin) => Crossing::Begin,
                },
                elapsed: elapsed.as_ref().map(column),
            },
            (None, None, None, true, None) if titles.is_some_and(|titles| titles.hold_period) => {
                Period::Titles
            }
            (None, None, None, true, None) => {
                return self.fault(written, "in_titles needs hold_period = true in [titles]");
            }
            (None, None, None, false, reported) => Period::Given { reported: reported.as_ref().map(column) },
            _ => {
                let what = "one of month, begin with end, in_titles, or reported alone";
                return self.fault(written, what);
            }
        };
        Ok((period, zone))
    }

    fn metric(
        &self,
        written: Spanned<WrittenMetric>,
        has_names: bool,
        has_quantity: bool,
        has_times: bool,
    ) -> Checked<Metric> {
        let own = written.get_ref();
        if own.name.is_some() != has_names {
            return self
                .fault(&written, "a metric has a name where a column metric is given, and only there");
        }
        if own.column.is_none() && !has_quantity {
            return self.fault(&written, "no column: nothing says where its quantity stands");
        }
        if own.times.is_some() && own.times_duration {
            return self.fault(&written, "times and times_duration at once");
        }
        if own.times_duration && !has_times {
            return self.fault(&written, "times_duration needs begin and end in [period]");
        }
        if own.in_mebi && own.key.is_none() {
            return self.fault(&written, "in_mebi is about a quantity behind a key");
        }
        let factors = match (&own.factor, &own.units) {
            (Some(factor), Some(_)) => return self.fault(factor, "factor and units at once"),
            (None, Some(units)) if units.is_empty() || own.unit.is_some() => {
                return self.fault(&written, "units is not empty, and takes the place of unit");
            }
            (None, Some(units)) => {
                let mut factors: Vec<(String, Factor)> = Vec::new();
                for (Text(unit), factor) in units {
                    if factors.iter().any(|(known, _)| fold_unit(known) == fold_unit(unit)) {
                        return self.fault(factor, format!("the unit {unit} stands there twice"));
                    }
                    factors.push((unit.clone(), self.factor(factor)?));
                }
                Factors::ByUnit(factors)
            }
            (factor, None) => {
                let one = Factor { ratio: Ratio::one(), is_of_month: false };
                let factor = factor.as_ref().map(|factor| self.factor(factor)).transpose()?;
                Factors::One(factor.unwrap_or(one), own.unit.as_ref().map(|unit| unit.0.clone()))
            }
        };
        let written = written.into_inner();
        let times = written.times.map(|texts| Times::Column(column(texts)));
        Ok(Metric {
            names: written.name.map(|texts| texts.0).unwrap_or_default(),
            components: written.component.0,
            is_optional: written.optional,
            column: written.column.map(column),
            key: written.key.map(|key| key.0),
            in_mebi: written.in_mebi,
            times: if written.times_duration { Some(Times::Duration) } else { times },
            counted_in: written.counted_in.map(|text| text.0).unwrap_or_default(),
            factors,
        })
    }

    fn ratio(&self, written: &Spanned<Text>) -> Checked<Ratio> {
        match written.get_ref().0.parse() {
            Ok(ratio) => Ok(ratio),
            Err(error) => self.fault(written, format!("{}: {error}", written.get_ref().0)),
        }
    }

    /// A ratio, or one over the month.
    fn factor(&self, written: &Spanned<Text>) -> Checked<Factor> {
        let text = written.get_ref().0.trim();
        let of_month = text.strip_suffix("month").and_then(|rest| rest.trim_end().strip_suffix('/'));
        match of_month.unwrap_or(text).parse() {
            Ok(ratio) => Ok(Factor { ratio, is_of_month: of_month.is_some() }),
            Err(error) => self.fault(written, format!("{text}: {error}")),
        }
    }

    fn rules(&self, list: Vec<Spanned<WrittenRule>>) -> Checked<Vec<Rule>> {
        list.into_iter().map(|rule| self.rule(rule)).collect()
    }

    fn rule(&self, written: Spanned<WrittenRule>) -> Checked<Rule> {
        let own = written.get_ref();
        let test = match (&own.is, &own.is_not, &own.begins) {
            (Some(texts), None, None) => Test::Is(texts.0.clone()),
            (None, Some(texts), None) => Test::IsNot(texts.0.clone()),
            (None, None, Some(start)) if !start.0.is_empty() => Test::Begins(start.0.clone()),
            _ => return self.fault(&written, "a rule has one of is, is_not and begins"),
        };
        if own.because.0.is_empty() {
            return self.fault(&written, "a rule says why: because is not empty");
        }
        let written = written.into_inner();
        let (is_optional, because) = (written.optional, written.because.0);
        Ok(Rule { column: column(written.column), test, is_optional, because })
    }
}

fn parts(written: WrittenParts) -> Parts {
    Parts { column: column(written.column), separator: written.separator.0, because: written.because.0 }
}
