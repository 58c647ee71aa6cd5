//! What in a plan looks like a mistake, before anybody agrees to it.
//!
//! A truncated file, a file in another unit, a counter that was reset: each looks right row by row,
//! and wrong against what is stored and against the last complete month. A guard has a figure, a
//! threshold and a flag that allows it. Shares are compared by multiplying both sides, so nothing is
//! rounded, and what cannot be added up is refused, never passed.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::domain::{Amount, ComponentType, ExactTotal, ResourceId};

mod thresholds;

pub use thresholds::{ThresholdError, Thresholds, WrittenThresholds};

/// How many examples a report lists.
const MOST_EXAMPLES: usize = 20;

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// Rows that were something and become zero.
    Zeroed,
    /// The same of rows that no file names and `--zero-missing` fills in.
    ZeroMissing,
    /// The total of a component against last month's.
    Jump,
    /// What the plan adds to invoices, and what it takes away.
    Money,
    /// Stored values that become less.
    Lowered,
    /// Organisations of last month without any row.
    MissingOrganisation,
    /// Resources of last month without any row.
    MissingResource,
}

impl Guard {
    /// Every guard, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::Zeroed,
        Self::ZeroMissing,
        Self::Jump,
        Self::Money,
        Self::Lowered,
        Self::MissingOrganisation,
        Self::MissingResource,
    ];

    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zeroed => "zeroed",
            Self::ZeroMissing => "zero-missing",
            Self::Jump => "jump",
            Self::Money => "money",
            Self::Lowered => "lowered",
            Self::MissingOrganisation => "missing-organisation",
            Self::MissingResource => "missing-resource",
        }
    }

    /// The flag that lets a plan pass it; `None` where it refuses nothing.
    pub fn flag(self) -> Option<&'static str> {
        match self {
            Self::Zeroed | Self::ZeroMissing => Some("--allow-zeroed"),
            Self::Jump => Some("--allow-jump"),
            Self::Money => Some("--max-money"),
            Self::Lowered => Some("--allow-lowered"),
            Self::MissingOrganisation => Some("--allow-missing-organisation"),
            Self::MissingResource => None,
        }
    }

    /// What it watches, for a table.
    pub fn text(self) -> &'static str {
        match self {
            Self::Zeroed => "rows becoming 0",
            Self::ZeroMissing => "rows that no file names, becoming 0",
            Self::Jump => "total of a component against last month's",
            Self::Money => "effect on invoices",
            Self::Lowered => "stored values lowered",
            Self::MissingOrganisation => "organisations of last month without any row",
            Self::MissingResource => "resources of last month without any row",
        }
    }
}

/// What a row costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// Usage of it is not billed.
    NotBilled,
    /// It is billed, at a price that is not known.
    Unpriced,
    /// What is stored costs `old`, nothing where nothing is; what will be stored costs `new`.
    Known {
        /// What is stored.
        old: Amount,
        /// What will be stored.
        new: Amount,
    },
}

/// A row of this month: one that the file names, or one that only the server has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardLine {
    /// The resource.
    pub resource: ResourceId,
    /// Its name.
    pub resource_name: String,
    /// The name of its organisation.
    pub customer_name: String,
    /// The component.
    pub component: ComponentType,
    /// Its unit.
    pub unit: String,
    /// What is stored this month.
    pub old: Option<Amount>,
    /// What the file wants stored, changed or as it is; `None` where the file does not name it.
    pub new: Option<Amount>,
    /// What is stored of the same resource and component in the last complete month.
    pub last_month: Option<Amount>,
    /// What it costs.
    pub cost: Cost,
    /// Whether no file names it, and it was filled in.
    pub is_filled_in: bool,
}

impl GuardLine {
    /// What is stored after posting.
    fn after(&self) -> Option<Amount> {
        self.new.or(self.old)
    }

    /// What a row that the file names is set against: what is stored, else last month.
    fn base(&self) -> Option<Amount> {
        self.old.or(self.last_month)
    }
}

/// A row of the last complete month for which this month has no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastMonthRow {
    /// The resource.
    pub resource: ResourceId,
    /// Its name.
    pub resource_name: String,
    /// The name of its organisation.
    pub customer_name: String,
    /// The component.
    pub component: ComponentType,
    /// Its unit.
    pub unit: String,
    /// What was stored.
    pub amount: Amount,
}

/// What a guard makes of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing to say.
    Passed,
    /// Something to look at.
    Warned,
    /// It would be refused, and is allowed.
    Allowed,
    /// The plan is refused.
    Refused,
}

/// What a guard points at, as far as it is about one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// The resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The component.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<ComponentType>,
    /// The unit of the amounts; none for money.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Amount>,
    /// What it becomes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Amount>,
}

/// What a guard found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GuardReport {
    /// The guard.
    pub guard: Guard,
    /// What it found, in figures.
    pub figure: String,
    /// What it takes to refuse.
    pub threshold: String,
    /// The flag that allows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flag: Option<&'static str>,
    /// What follows.
    pub verdict: Verdict,
    /// What it points at, the first of it.
    pub examples: Vec<Example>,
    /// How many more there are.
    pub examples_hidden: usize,
}

/// Watches a plan: all rows of this month in scope, and the rows of last month that have none. The
/// reports come in the order of [`Guard::ALL`].
pub fn guards(
    lines: &[GuardLine],
    only_last_month: &[LastMonthRow],
    thresholds: &Thresholds,
    allowed: &BTreeSet<Guard>,
) -> Vec<GuardReport> {
    let thresholds = thresholds.get();
    let look = |guard| match guard {
        Guard::Zeroed => zeroed(lines, thresholds, false),
        Guard::ZeroMissing => zeroed(lines, thresholds, true),
        Guard::Jump => jump(lines, only_last_month, thresholds),
        Guard::Money => money(lines, thresholds),
        Guard::Lowered => lowered(lines, thresholds),
        Guard::MissingOrganisation => missing_organisations(lines, only_last_month),
        Guard::MissingResource => missing_resources(lines, only_last_month),
    };
    Guard::ALL.map(|guard| look(guard).report(guard, allowed.contains(&guard))).into()
}

/// What a guard found, before anybody allows it.
struct Found {
    figure: String,
    threshold: String,
    verdict: Verdict,
    examples: Vec<Example>,
}

impl Found {
    fn report(self, guard: Guard, is_allowed: bool) -> GuardReport {
        let verdict = match self.verdict {
            Verdict::Refused if is_allowed => Verdict::Allowed,
            verdict => verdict,
        };
        let mut examples = self.examples;
        let examples_hidden = examples.len().saturating_sub(MOST_EXAMPLES);
        examples.truncate(MOST_EXAMPLES);
        let (figure, threshold) = (self.figure, self.threshold);
        GuardReport { guard, figure, threshold, flag: guard.flag(), verdict, examples, examples_hidden }
    }
}

fn verdict(is_refused: bool, is_worth_a_look: bool) -> Verdict {
    match (is_refused, is_worth_a_look) {
        (true, _) => Verdict::Refused,
        (false, true) => Verdict::Warned,
        (false, false) => Verdict::Passed,
    }
}

fn example(line: &GuardLine, before: Option<Amount>) -> Example {
    Example {
        customer: Some(line.customer_name.clone()),
        resource: Some(line.resource_name.clone()),
        component: Some(line.component.clone()),
        unit: Some(line.unit.clone()),
        before,
        after: line.new,
    }
}

/// Rows that become zero: those of the files, or those that were filled in.
fn zeroed(lines: &[GuardLine], thresholds: &WrittenThresholds, is_filled_in: bool) -> Found {
    let was_something = |line: &&GuardLine| line.base().is_some_and(|base| !base.is_zero());
    let own = lines.iter().filter(|line| line.is_filled_in == is_filled_in);
    let named = own.filter(|line| line.new.is_some()).filter(was_something);
    let named: Vec<&GuardLine> = named.collect();
    let is_zero = |line: &&&GuardLine| line.new.is_some_and(Amount::is_zero);
    let zeroed: Vec<&GuardLine> = named.iter().filter(is_zero).copied().collect();
    let is_refused = !is_at_most(count(zeroed.len()), thresholds.zeroed_percent, count(named.len()));
    Found {
        figure: format!("{} of {} rows that were not 0", zeroed.len(), named.len()),
        threshold: format!("more than {} %", percent(thresholds.zeroed_percent)),
        verdict: verdict(is_refused, false),
        examples: zeroed.into_iter().map(|line| example(line, line.base())).collect(),
    }
}

/// The total of a component this month and last month; none where they cannot be added up.
#[derive(Default)]
struct Totals {
    now: Option<Amount>,
    last: Option<Amount>,
}

fn jump(lines: &[GuardLine], only_last_month: &[LastMonthRow], thresholds: &WrittenThresholds) -> Found {
    let mut totals: BTreeMap<(&ComponentType, &str), Totals> = BTreeMap::new();
    let add = |sum: &mut Option<Amount>, amount: Option<Amount>| {
        *sum = sum.and_then(|sum| sum.checked_add(amount.unwrap_or_default()));
    };
    let fresh = || Totals { now: Some(Amount::ZERO), last: Some(Amount::ZERO) };
    for line in lines {
        let total = totals.entry((&line.component, line.unit.as_str())).or_insert_with(fresh);
        add(&mut total.now, line.after());
        add(&mut total.last, line.last_month);
    }
    for row in only_last_month {
        let total = totals.entry((&row.component, row.unit.as_str())).or_insert_with(fresh);
        add(&mut total.last, Some(row.amount));
    }
    let jumps = |total: &Totals| match (total.now, total.last) {
        // Nothing last month has no ratio to anything.
        (Some(_), Some(last)) if last.is_zero() => false,
        (Some(now), Some(last)) => {
            // Below zero, less is more: both are looked at from there.
            let (now, last) = if last.is_negative() { (negated(now), negated(last)) } else { (now, last) };
            !is_at_least(now, thresholds.lowest_percent, last)
                || !is_at_most(now, thresholds.highest_percent, last)
        }
        _ => true,
    };
    let jumped: Vec<_> = totals.iter().filter(|(_, total)| jumps(total)).collect();
    Found {
        figure: format!("{} of {} components", jumped.len(), totals.len()),
        threshold: format!(
            "below {} % or above {} %",
            percent(thresholds.lowest_percent),
            percent(thresholds.highest_percent)
        ),
        verdict: verdict(!jumped.is_empty(), false),
        examples: jumped
            .into_iter()
            .map(|(&(component, unit), total)| Example {
                customer: None,
                resource: None,
                component: Some(component.clone()),
                unit: Some(unit.to_owned()),
                before: total.last,
                after: total.now,
            })
            .collect(),
    }
}

/// What is added and what is taken away are held against the limit each for itself: they may not make
/// up for each other.
fn money(lines: &[GuardLine], thresholds: &WrittenThresholds) -> Found {
    let mut effects: Vec<(Amount, &GuardLine)> = Vec::new();
    let (mut unpriced, mut is_countable) = (0_usize, true);
    for line in lines.iter().filter(|line| line.new.is_some()) {
        match line.cost {
            Cost::NotBilled => {}
            Cost::Unpriced if line.new == line.old => {}
            Cost::Unpriced => unpriced += 1,
            Cost::Known { old, new } => match new.checked_sub(old) {
                Some(effect) if effect.is_zero() => {}
                Some(effect) => effects.push((effect, line)),
                None => is_countable = false,
            },
        }
    }
    let total = |is_wanted: fn(Amount) -> bool| {
        Amount::total(effects.iter().map(|(effect, _)| *effect).filter(|effect| is_wanted(*effect)))
    };
    let (added, taken) = (total(|effect| !effect.is_negative()), total(Amount::is_negative));
    let fits = |sum: Option<Amount>, limit: Amount| sum.is_some_and(|sum| magnitude(sum) <= limit);
    let is_refused =
        thresholds.max_money.is_some_and(|limit| !is_countable || !fits(added, limit) || !fits(taken, limit));
    let shown = |sum: Option<Amount>| sum.map_or_else(|| "too much to add up".into(), |sum| sum.to_string());
    let rest = if unpriced == 0 { String::new() } else { format!(", {unpriced} rows without a known price") };
    effects.sort_by_key(|(effect, line)| (std::cmp::Reverse(magnitude(*effect)), line.resource));
    let of_line = |line: &GuardLine| match line.cost {
        Cost::Known { old, new } => (Some(old), Some(new)),
        Cost::NotBilled | Cost::Unpriced => (None, None),
    };
    Found {
        figure: format!("{} added, {} taken away{rest}", shown(added), shown(taken.map(magnitude))),
        threshold: thresholds
            .max_money
            .map_or_else(|| "no limit".into(), |limit| format!("more than {limit}")),
        verdict: verdict(is_refused, unpriced > 0 && thresholds.max_money.is_some()),
        examples: effects
            .into_iter()
            .map(|(_, line)| {
                let (before, after) = of_line(line);
                Example { unit: None, before, after, ..example(line, None) }
            })
            .collect(),
    }
}

fn lowered(lines: &[GuardLine], thresholds: &WrittenThresholds) -> Found {
    let mut lowered: Vec<(&GuardLine, Amount, Amount)> = Vec::new();
    for line in lines {
        if let (Some(old), Some(new)) = (line.old, line.new)
            && new < old
        {
            lowered.push((line, old, new));
        }
    }
    let by_much = lowered.iter().filter(|(_, old, new)| {
        let by = old.checked_sub(*new);
        by.is_none_or(|by| !is_at_most(by, thresholds.lowered_percent, magnitude(*old)))
    });
    let by_much = by_much.count();
    Found {
        figure: format!(
            "{} rows lowered, {by_much} of them by more than {} %",
            lowered.len(),
            percent(thresholds.lowered_percent)
        ),
        threshold: format!(
            "more than {} rows by more than {} %",
            thresholds.lowered_rows,
            percent(thresholds.lowered_percent)
        ),
        verdict: verdict(by_much > thresholds.lowered_rows, !lowered.is_empty()),
        examples: lowered.into_iter().map(|(line, old, _)| example(line, Some(old))).collect(),
    }
}

fn missing_organisations(lines: &[GuardLine], only_last_month: &[LastMonthRow]) -> Found {
    let now: BTreeSet<&str> = lines.iter().map(|line| line.customer_name.as_str()).collect();
    let missing = only_last_month.iter().map(|row| row.customer_name.as_str());
    let missing: BTreeSet<&str> = missing.filter(|name| !now.contains(name)).collect();
    Found {
        figure: match missing.len() {
            1 => "1 organisation".to_owned(),
            several => format!("{several} organisations"),
        },
        threshold: "any".into(),
        verdict: verdict(!missing.is_empty(), false),
        examples: missing.into_iter().map(|customer| gone(customer, None)).collect(),
    }
}

fn missing_resources(lines: &[GuardLine], only_last_month: &[LastMonthRow]) -> Found {
    let now: BTreeSet<ResourceId> = lines.iter().map(|line| line.resource).collect();
    let missing = only_last_month.iter().filter(|row| !now.contains(&row.resource));
    let missing: BTreeSet<_> =
        missing.map(|row| (row.customer_name.as_str(), row.resource_name.as_str(), row.resource)).collect();
    Found {
        figure: format!("{} resources", missing.len()),
        threshold: "refuses nothing".into(),
        verdict: verdict(false, !missing.is_empty()),
        examples: missing.into_iter().map(|(customer, name, _)| gone(customer, Some(name))).collect(),
    }
}

fn gone(customer: &str, resource: Option<&str>) -> Example {
    Example {
        customer: Some(customer.to_owned()),
        resource: resource.map(str::to_owned),
        component: None,
        unit: None,
        before: None,
        after: None,
    }
}

/// The range of amounts is the same on both sides of zero.
fn negated(amount: Amount) -> Amount {
    Amount::ZERO.checked_sub(amount).unwrap_or_default()
}

fn magnitude(amount: Amount) -> Amount {
    if amount.is_negative() { negated(amount) } else { amount }
}

/// A share without decimals where it has none.
fn percent(amount: Amount) -> String {
    let text = amount.to_string();
    text.strip_suffix(".00").map(str::to_owned).unwrap_or(text)
}

/// A number of rows as an amount; no plan has more of them than that can hold.
fn count(rows: usize) -> Amount {
    Amount::from(u32::try_from(rows).unwrap_or(u32::MAX))
}

/// Whether a part is at most so many percent of a whole. False where that cannot be computed.
fn is_at_most(part: Amount, percent: Amount, whole: Amount) -> bool {
    let (left, right) = (product(part, Amount::from(100)), product(whole, percent));
    left.zip(right).is_some_and(|(left, right)| left <= right)
}

/// Whether a part is at least so many percent of a whole. False where that cannot be computed.
fn is_at_least(part: Amount, percent: Amount, whole: Amount) -> bool {
    let (left, right) = (product(part, Amount::from(100)), product(whole, percent));
    left.zip(right).is_some_and(|(left, right)| left >= right)
}

fn product(left: Amount, right: Amount) -> Option<ExactTotal> {
    let mut total = ExactTotal::default();
    total.add_product(left, right)?;
    Some(total)
}

#[cfg(test)]
mod tests;
