//! Which stored row a post reaches, and what it leaves to others.
//!
//! A key can have several rows: one for each plan that a resource had in the month. Where the server
//! keeps a row for each plan period, a post changes one of them and the month is billed with the rest,
//! so a row has to say which one it means. Where the server takes the other rows off itself, the total
//! of the month is posted. Nothing is guessed: what the plan periods do not tell is a finding.

use crate::domain::{Amount, ReportableAmount, UsageId, visible};
use crate::findings::{Code, Finding};
use crate::resolve::{HOW_TO_CHOOSE, PlanPeriod, Resource, RowsPer, Usage};

use super::change::{Change, Figures};
use super::compare::{Entry, change, wanted};
use super::month_state::Reporting;
use super::stored::StoredUsage;

/// What is done with a total whose month has several plan periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SplitPlans {
    /// It is a finding: the row has to name its plan period.
    #[default]
    Refuse,
    /// What the rows leave that a post does not change is posted.
    Remainder,
}

/// One stored row, or one to come, and what happens to it.
#[derive(Debug, Clone)]
pub struct Placed<'a> {
    /// What happens.
    pub change: Change,
    /// Where the figure stands in the file.
    pub usage: Option<&'a Usage>,
    /// The stored row.
    pub row: Option<UsageId>,
    /// The plan period that it stands under, or will.
    pub plan_period: Option<&'a PlanPeriod>,
    /// Whether the request names the plan period instead of the resource.
    pub by_plan_period: bool,
    /// The sum of the other rows of the key that the post leaves as they are.
    pub frozen: Option<Amount>,
}

/// The plan periods of a resource in a month, and how its server keeps rows.
#[derive(Debug, Clone, Copy)]
pub struct Reach<'a> {
    /// The resource.
    pub resource: &'a Resource,
    /// The plan periods that it lists.
    pub periods: &'a [PlanPeriod],
    /// What a stored row is of.
    pub rows: RowsPer,
    /// Who reports, and for which month.
    pub reporting: &'a Reporting,
    /// What is done with totals of several plan periods.
    pub split: SplitPlans,
}

impl<'a> Reach<'a> {
    /// The plan periods that have a share of the month.
    pub fn of_month(&self) -> impl Iterator<Item = &'a PlanPeriod> {
        let month = self.reporting.period;
        self.periods.iter().filter(move |period| period.overlaps(month))
    }

    /// The plan period that a stored row stands under. It is told of the current month; in a past one
    /// it is clear where one plan period covers the whole of it.
    pub fn owner(&self, row: &StoredUsage) -> Option<&'a PlanPeriod> {
        if self.reporting.is_current() {
            return self.periods.iter().find(|period| period.usages.contains(&row.id));
        }
        self.covering()
    }

    /// The one plan period that covers the whole month.
    fn covering(&self) -> Option<&'a PlanPeriod> {
        self.of_month().find(|period| period.covers(self.reporting.period, self.resource.created))
    }

    /// The plan period that a post reaches which names none.
    fn reached(&self) -> Option<&'a PlanPeriod> {
        let moment = self.reporting.moment(self.resource.offering);
        let of_moment = self.of_month().find(|period| period.contains(moment));
        match self.rows {
            RowsPer::PlanPeriod | RowsPer::Month => of_moment,
            RowsPer::PlanAndMonth => of_moment.or_else(|| self.of_month().next()),
        }
    }

    /// Places what is wanted of one component; the finding is about all its rows.
    pub fn place(&self, entry: &Entry<'a>) -> Result<Vec<Placed<'a>>, Finding> {
        let names_all = entry.wanted.iter().all(|usage| usage.plan_period.is_some());
        match entry.wanted.as_slice() {
            [total] if !names_all => self.total(total, entry),
            _ => self.named(entry),
        }
    }

    /// The lines of rows that nothing happens to.
    pub fn left_alone(&self, rows: &[&'a StoredUsage]) -> Vec<Placed<'a>> {
        rows.iter()
            .map(|row| self.placed(Change::OnlyOnServer { old: (*row).into() }, None, Some(row)))
            .collect()
    }

    fn placed(&self, change: Change, usage: Option<&'a Usage>, row: Option<&StoredUsage>) -> Placed<'a> {
        let plan_period = row.and_then(|row| self.owner(row));
        Placed { change, usage, row: row.map(|row| row.id), plan_period, by_plan_period: false, frozen: None }
    }

    /// One figure for the whole month.
    fn total(&self, total: &'a Usage, entry: &Entry<'a>) -> Result<Vec<Placed<'a>>, Finding> {
        let stored = entry.stored.as_slice();
        let plain = |row: Option<&'a StoredUsage>, period: Option<&'a PlanPeriod>| Placed {
            plan_period: period,
            ..self.placed(change(total, row), Some(total), row)
        };
        if self.rows == RowsPer::Month {
            // Rows that an earlier release left for other plan periods go with the first report.
            return Ok(vec![plain(stored.first().copied(), self.reached())]);
        }
        let Some(reached) = self.reached() else {
            return if stored.is_empty() { Ok(vec![plain(None, None)]) } else { Err(self.unknown(stored)) };
        };
        if !self.reporting.is_current() && !stored.is_empty() && self.covering().is_none() {
            return Err(self.unknown(stored));
        }
        let is_own = |row: &&&StoredUsage| self.is_written(row, reached);
        let own: Vec<&StoredUsage> = stored.iter().filter(is_own).copied().collect();
        let others: Vec<&StoredUsage> = stored.iter().filter(|row| !is_own(row)).copied().collect();
        let is_split =
            others.is_empty() && (self.rows == RowsPer::PlanAndMonth || self.of_month().count() < 2);
        match own.as_slice() {
            [] if is_split => return Ok(vec![plain(None, Some(reached))]),
            [row] if is_split => return Ok(vec![plain(Some(row), Some(reached))]),
            [] | [_] => {}
            [_, _, ..] => return Err(self.several(stored)),
        }
        if self.rows == RowsPer::PlanPeriod && self.split == SplitPlans::Refuse {
            return Err(self.several(stored));
        }
        let written = self.remainder(total, own.first().copied(), &others, reached)?;
        Ok(std::iter::once(written).chain(self.left_alone(&others)).collect())
    }

    /// Whether a post to a plan period writes over a row.
    fn is_written(&self, row: &StoredUsage, reached: &PlanPeriod) -> bool {
        let Some(owner) = self.owner(row) else { return false };
        match self.rows {
            RowsPer::PlanPeriod | RowsPer::Month => owner.id == reached.id,
            RowsPer::PlanAndMonth => owner.plan == reached.plan,
        }
    }

    /// What other rows leave of a total goes into one row.
    fn remainder(
        &self,
        total: &'a Usage,
        own: Option<&'a StoredUsage>,
        others: &[&StoredUsage],
        reached: &'a PlanPeriod,
    ) -> Result<Placed<'a>, Finding> {
        let frozen = sum(others);
        let left = self.rest(total, frozen)?;
        let old = own.map(Figures::from);
        let new = super::Wanted { amount: left, ..wanted(total, old.as_ref()) };
        Ok(Placed {
            plan_period: Some(reached),
            frozen: Some(frozen).filter(|_| !others.is_empty()),
            ..self.placed(Change::between(new, old), Some(total), own)
        })
    }

    fn rest(&self, total: &Usage, frozen: Amount) -> Result<ReportableAmount, Finding> {
        let left = total.amount.get().checked_sub(frozen).unwrap_or_default();
        ReportableAmount::try_from(left).map_err(|_| {
            let name = visible(&self.resource.name);
            let found = format!(
                "{name}, {}: {} in all, and {frozen} is stored in rows that this post does not change",
                total.component, total.amount
            );
            Finding::new(Code::BelowFrozen, found, "at least what those rows hold")
                .hint("correct those rows first, or take this one out")
        })
    }

    /// A figure for each plan period that the file names.
    fn named(&self, entry: &Entry<'a>) -> Result<Vec<Placed<'a>>, Finding> {
        // A plan period that cannot be named has a finding already.
        let mut wanted: Vec<(&'a PlanPeriod, &'a Usage)> = Vec::new();
        for usage in &entry.wanted {
            let period = self.of_month().find(|period| Some(period.id) == usage.plan_period);
            wanted.extend(period.map(|period| (period, *usage)));
        }
        wanted.sort_by_key(|(period, _)| period.start);
        let shares_a_row =
            |(one, _): &(&PlanPeriod, &Usage), (other, _): &(&PlanPeriod, &Usage)| match self.rows {
                RowsPer::PlanPeriod => false,
                RowsPer::Month => true,
                RowsPer::PlanAndMonth => one.plan == other.plan,
            };
        let has_one_row_for_two = wanted
            .iter()
            .enumerate()
            .any(|(at, one)| wanted[..at].iter().any(|earlier| shares_a_row(earlier, one)));
        if has_one_row_for_two {
            return Err(self.one_row_for_two(&entry.stored));
        }
        let mut placed: Vec<Placed<'a>> = Vec::new();
        for (period, usage) in wanted {
            placed.push(self.under(period, usage, entry, &placed)?);
        }
        let left: Vec<&StoredUsage> = entry
            .stored
            .iter()
            .filter(|row| placed.iter().all(|placed| placed.row != Some(row.id)))
            .copied()
            .collect();
        placed.extend(self.left_alone(&left));
        Ok(placed)
    }

    /// One figure under the plan period that it names, after others of its key have been posted.
    fn under(
        &self,
        period: &'a PlanPeriod,
        usage: &'a Usage,
        entry: &Entry<'a>,
        before: &[Placed<'a>],
    ) -> Result<Placed<'a>, Finding> {
        let month = self.reporting.period;
        let covers = period.covers(month, self.resource.created);
        let is_past = !self.reporting.is_current();
        if is_past && !covers && !entry.stored.is_empty() {
            return Err(self.unknown(&entry.stored));
        }
        let has_ended = period.end.is_some_and(|end| end <= self.reporting.now);
        if is_past && has_ended && !covers {
            let found = format!("{} {period} has ended, and was not the only one in {month}", period.id);
            return Err(Finding::new(Code::UnknownPlanPeriod, found, "a plan period that lasts"));
        }
        let own = match self.rows {
            RowsPer::Month => entry.stored.first(),
            _ => entry.stored.iter().find(|row| self.is_written(row, period)),
        };
        let mut placed = self.placed(change(usage, own.copied()), Some(usage), own.copied());
        placed.plan_period = Some(period);
        placed.by_plan_period = !(is_past && has_ended);
        if self.rows == RowsPer::PlanAndMonth {
            let others: Vec<Amount> = entry
                .stored
                .iter()
                .filter(|row| placed.row != Some(row.id))
                .filter(|row| before.iter().all(|earlier| earlier.row != Some(row.id)))
                .map(|row| row.amount)
                .chain(before.iter().filter_map(|earlier| earlier.change.amount_after()))
                .collect();
            placed.frozen = Amount::total(others).filter(|sum| !sum.is_zero());
        }
        Ok(placed)
    }

    /// A key with several rows, or to come: each with its plan, its days and its amount.
    fn several(&self, stored: &[&StoredUsage]) -> Finding {
        let name = visible(&self.resource.name);
        let mut parts: Vec<String> = self
            .of_month()
            .map(|period| {
                let rows: Vec<&StoredUsage> = stored
                    .iter()
                    .filter(|row| self.owner(row).is_some_and(|owner| owner.id == period.id))
                    .copied()
                    .collect();
                format!("{period} {}: {}", period.id, amounts(&rows))
            })
            .collect();
        let elsewhere: Vec<&StoredUsage> =
            stored.iter().filter(|row| self.owner(row).is_none()).copied().collect();
        if !elsewhere.is_empty() {
            parts.push(format!("under no plan period that is listed: {}", amounts(&elsewhere)));
        }
        let found = format!("{name}: {}", parts.join("; "));
        Finding::new(Code::SeveralPlanPeriods, found, "one plan period, or a row for each that names it")
            .hint(HOW_TO_CHOOSE)
    }

    fn one_row_for_two(&self, stored: &[&StoredUsage]) -> Finding {
        let finding = self.several(stored);
        Finding { expected: "one row for the month of a plan, as this server keeps them".into(), ..finding }
            .hint("add the rows up, and name no plan period")
    }

    /// Nothing shows under which plan period a stored row stands, and so which one a post reaches.
    fn unknown(&self, stored: &[&StoredUsage]) -> Finding {
        let name = visible(&self.resource.name);
        let component = stored.first().map(|row| row.component.to_string()).unwrap_or_default();
        let found = format!(
            "{name}, {component}: {} is stored, and no listed plan period covers the month",
            amounts(stored)
        );
        Finding::new(Code::PlanPeriodUnknown, found, "a plan period in the month").hint(
            "nothing shows whether a post would change that row or store another one beside it; correct it \
             on the server",
        )
    }
}

fn sum(rows: &[&StoredUsage]) -> Amount {
    Amount::total(rows.iter().map(|row| row.amount)).unwrap_or_default()
}

fn amounts(rows: &[&StoredUsage]) -> String {
    if rows.is_empty() {
        return "nothing stored".to_owned();
    }
    let rows: Vec<String> = rows.iter().map(|row| format!("{} ({})", row.amount, row.id)).collect();
    rows.join(", ")
}

#[cfg(test)]
mod tests;
