//! Which column of a table is which of a layout's.

use crate::domain::fold;

use super::{Column, Layout, Metric, Period, Records, Rule, Times};

/// The columns of a table that a layout reads, counted from 0.
#[derive(Debug, Clone, Default)]
pub struct Binding {
    /// The uuid of the resource.
    pub uuid: Option<usize>,
    /// Its id in the provider's own system.
    pub backend_id: Option<usize>,
    /// Its short name.
    pub slug: Option<usize>,
    /// Its display name.
    pub name: Option<usize>,
    /// The uuid of its offering.
    pub offering_uuid: Option<usize>,
    /// The name of its offering.
    pub offering: Option<usize>,
    /// The user.
    pub username: Option<usize>,
    /// The name of the project.
    pub project: Option<usize>,
    /// The name of the organisation.
    pub organisation: Option<usize>,
    /// The month.
    pub month: Option<usize>,
    /// When a record begins.
    pub begin: Option<usize>,
    /// When it ends.
    pub end: Option<usize>,
    /// How long it lasted.
    pub elapsed: Option<usize>,
    /// When it was reported.
    pub reported: Option<usize>,
    /// What it counts.
    pub metric: Option<usize>,
    /// The unit.
    pub unit: Option<usize>,
    /// The quantity, where no metric has a column of its own.
    pub quantity: Option<usize>,
    /// The columns of each metric of the layout; `None` for one that the table has not and need not have.
    pub metrics: Vec<Option<MetricColumns>>,
    /// The column of each rule by which rows are left out.
    pub leave_out: Vec<Option<usize>>,
    /// The column of each rule by which rows are faulty.
    pub faulty: Vec<Option<usize>>,
    /// The column of the ids of parts.
    pub parts: Option<usize>,
    /// The columns that tell records apart.
    pub identity: Vec<usize>,
    /// The columns of the layout's identity that the table has not, so that all cells tell records apart.
    pub identity_lacks: Vec<Column>,
    /// The columns that do not tell records apart.
    pub identity_without: Vec<usize>,
    /// The columns that hold one value.
    pub one_value: Vec<usize>,
    /// How many columns the layout knows of this table.
    pub claimed: usize,
}

/// The columns of a metric.
#[derive(Debug, Clone, Copy)]
pub struct MetricColumns {
    /// Its quantity.
    pub quantity: usize,
    /// What that is multiplied by.
    pub times: Option<usize>,
}

/// Why a table is none of a layout's.
#[derive(Debug, Clone, Default)]
pub struct Unbound {
    /// The columns that it lacks.
    pub missing: Vec<Column>,
    /// A column that it has and may not have.
    pub unwanted: Option<usize>,
    /// How many columns it has.
    pub claimed: usize,
}

struct Binder<'a> {
    folded: &'a [String],
    claimed: Vec<usize>,
    missing: Vec<Column>,
}

impl Binder<'_> {
    /// A column that a table may have.
    fn may(&mut self, column: Option<&Column>) -> Option<usize> {
        let found = column?.find(self.folded)?;
        self.claimed.push(found);
        Some(found)
    }

    /// A column that it has to have.
    fn has(&mut self, column: &Column) -> Option<usize> {
        let found = self.may(Some(column));
        if found.is_none() {
            self.missing.push(column.clone());
        }
        found
    }

    /// The column of a rule: without it, what the rule leaves out would be taken for usage.
    fn rule(&mut self, rule: &Rule) -> Option<usize> {
        if rule.is_optional { self.may(Some(&rule.column)) } else { self.has(&rule.column) }
    }

    fn metric(&mut self, metric: &Metric, shared: Option<&Column>) -> Option<MetricColumns> {
        let column = metric.column.as_ref().or(shared)?;
        let quantity = if metric.is_optional { self.may(Some(column)) } else { self.has(column) };
        let times = match &metric.times {
            Some(Times::Column(column)) => Some(self.has(column)),
            Some(Times::Duration) | None => None,
        };
        let quantity = quantity?;
        Some(MetricColumns { quantity, times: times.flatten() })
    }
}

impl Layout {
    /// Binds a header, where the layout is one of records and the table is one of its.
    pub fn bind<'h>(&self, headers: impl IntoIterator<Item = &'h str>) -> Result<Binding, Unbound> {
        let Some(records) = self.records() else { return Err(Unbound::default()) };
        let folded: Vec<String> = headers.into_iter().map(fold).collect();
        records.bind(&folded)
    }
}

impl Records {
    fn bind(&self, folded: &[String]) -> Result<Binding, Unbound> {
        let mut binder = Binder { folded, claimed: Vec::new(), missing: Vec::new() };
        for column in &self.also {
            binder.has(column);
        }
        let own = &self.resource;
        let names = [&own.uuid, &own.backend_id, &own.slug, &own.name];
        let [uuid, backend_id, slug, name] = names.map(|column| binder.may(column.as_ref()));
        if [uuid, backend_id, slug, name].iter().all(Option::is_none) {
            binder.missing.extend(names.into_iter().flatten().last().cloned());
        }
        let mut binding = Binding {
            uuid,
            backend_id,
            slug,
            name,
            offering_uuid: binder.may(own.offering_uuid.as_ref()),
            offering: own.offering.as_ref().and_then(|column| binder.has(column)),
            username: own.username.as_ref().and_then(|column| binder.has(column)),
            project: own.project.as_ref().and_then(|column| binder.has(column)),
            organisation: own.organisation.as_ref().and_then(|column| binder.has(column)),
            metric: self.metric.as_ref().and_then(|column| binder.has(column)),
            unit: self.unit.as_ref().and_then(|column| binder.has(column)),
            parts: self.parts.as_ref().and_then(|parts| binder.has(&parts.column)),
            ..Binding::default()
        };
        match &self.period {
            Period::Given { reported } => {
                binding.reported = reported.as_ref().and_then(|column| binder.has(column));
            }
            Period::Month(column) => binding.month = binder.has(column),
            Period::Times { begin, end, elapsed, .. } => {
                binding.begin = binder.has(begin);
                binding.end = binder.has(end);
                binding.elapsed = elapsed.as_ref().and_then(|column| binder.has(column));
            }
            Period::Titles => {}
        }
        if self.metrics.is_empty() || self.metrics.iter().any(|metric| metric.column.is_none()) {
            binding.quantity = self.quantity.as_ref().and_then(|column| binder.has(column));
        }
        let metrics = self.metrics.iter();
        binding.metrics = metrics.map(|metric| binder.metric(metric, self.quantity.as_ref())).collect();
        binding.leave_out = self.leave_out.iter().map(|rule| binder.rule(rule)).collect();
        binding.faulty = self.faulty.iter().map(|rule| binder.rule(rule)).collect();
        // A part of what tells records apart would take different ones for the same.
        let identity: Vec<_> = self.identity.iter().map(|column| binder.may(Some(column))).collect();
        let lacks = self.identity.iter().zip(&identity).filter(|(_, found)| found.is_none());
        binding.identity_lacks = lacks.map(|(column, _)| column.clone()).collect();
        let without = self.identity_without.iter();
        binding.identity_without = without.filter_map(|column| binder.may(Some(column))).collect();
        binding.identity = identity.into_iter().collect::<Option<Vec<usize>>>().unwrap_or_default();
        binding.one_value = self.one_value.iter().filter_map(|column| binder.may(Some(column))).collect();
        let Binder { mut claimed, mut missing, .. } = binder;
        claimed.sort_unstable();
        claimed.dedup();
        binding.claimed = claimed.len();
        missing.dedup();
        let unwanted = self.without.iter().find_map(|column| column.find(folded));
        let has_metric = self.metrics.is_empty() || binding.metrics.iter().any(Option::is_some);
        if missing.is_empty() && unwanted.is_none() && has_metric {
            return Ok(binding);
        }
        if !has_metric && missing.is_empty() {
            missing.extend(self.metrics.iter().find_map(|metric| metric.column.clone()));
        }
        Err(Unbound { missing, unwanted, claimed: binding.claimed })
    }
}

impl Binding {
    /// Every column that is read, in order.
    pub fn columns(&self) -> Vec<usize> {
        let own = [
            self.uuid,
            self.backend_id,
            self.slug,
            self.name,
            self.offering_uuid,
            self.offering,
            self.username,
            self.project,
            self.organisation,
            self.elapsed,
            self.month,
            self.begin,
            self.end,
            self.reported,
            self.metric,
            self.unit,
            self.quantity,
            self.parts,
        ];
        let metrics = self.metrics.iter().flatten().flat_map(|own| [Some(own.quantity), own.times]);
        let rules = self.leave_out.iter().chain(&self.faulty).copied();
        let lists = self.identity.iter().chain(&self.one_value).map(|&column| Some(column));
        let mut columns: Vec<usize> =
            own.into_iter().chain(metrics).chain(rules).chain(lists).flatten().collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }
}
