//! What is reported against what is stored of the month before: units that were mixed up, spikes, a
//! month that was copied, counters that never start anew.
//!
//! Each looks right row by row. Nothing here refuses anything: it warns, once for each component, with
//! how many amounts it is about and some of them. Ratios are compared by multiplying both sides, so
//! nothing is rounded; what is too large to be multiplied is passed over.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::domain::{Amount, BillingPeriod, ComponentType, OfferingId, Place, ResourceId, times, visible};
use crate::findings::{Code, Finding, Findings, RowIndex};
use crate::resolve::{Catalogue, Usage};

use super::document::Plan;
use super::stored::StoredUsage;

/// What is warned of here.
pub const CODES: [Code; 4] = [Code::UnitRatio, Code::Spike, Code::CopyOfLastMonth, Code::LifetimeCounter];

/// Ratios between units that are mixed up, and what for example is mixed up then.
const RATIOS: [(i64, &str); 4] = [
    (24, "hours and days"),
    (60, "minutes and hours"),
    (1000, "MB and GB, or hours and thousands of them"),
    (1024, "MiB and GiB"),
];

/// From how many times last month's on an amount is a spike.
const SPIKE: i64 = 10;
/// How many amounts at least make a copy, where not the whole file is one.
const FEWEST_COPIED: usize = 3;
/// How many amounts at least make a counter, and how many where they grow little.
const FEWEST_COUNTED: (usize, usize) = (5, 20);
/// How many examples and other places a finding has.
const EXAMPLES: usize = 3;

/// What is reported of one resource and component.
#[derive(Debug, Clone, Copy)]
pub struct Reported<'a> {
    /// The resource.
    pub resource: ResourceId,
    /// The component.
    pub component: &'a ComponentType,
    /// The total of the month.
    pub amount: Amount,
    /// Where it stands.
    pub stands: Stands<'a>,
    /// The row, where it comes from a file that was read in this run.
    pub row: Option<RowIndex>,
}

/// Where an amount stands.
#[derive(Debug, Clone, Copy)]
pub enum Stands<'a> {
    /// In a cell of a file.
    In(&'a Place),
    /// The same, as a plan remembers it.
    As(&'a str),
    /// Nowhere that is known.
    Nowhere,
}

impl Stands<'_> {
    fn place(self) -> Option<Place> {
        match self {
            Self::In(place) => Some(place.clone()),
            Self::As(text) => Some(Place::file(text)),
            Self::Nowhere => None,
        }
    }
}

/// Figures by what they are of, added up.
#[derive(Default)]
struct Sums<'a>(BTreeMap<(ResourceId, &'a ComponentType), Reported<'a>>);

impl<'a> Sums<'a> {
    fn add(&mut self, figure: Reported<'a>) {
        self.0
            .entry((figure.resource, figure.component))
            .and_modify(|sum| sum.amount = sum.amount.checked_add(figure.amount).unwrap_or(sum.amount))
            .or_insert(figure);
    }
}

fn reported(usage: &Usage) -> Reported<'_> {
    Reported {
        resource: usage.resource,
        component: &usage.component,
        amount: usage.amount.get(),
        stands: Stands::In(&usage.place),
        row: Some(usage.row),
    }
}

/// The figures of a month that stand in files, one for each resource and component.
pub fn figures(usages: &[Usage], period: BillingPeriod) -> impl Iterator<Item = Reported<'_>> {
    let is_wanted = move |usage: &&Usage| usage.period == period && usage.row.0 != u32::MAX;
    // Only rows that name their plan period share what they are of.
    let mut sums = Sums::default();
    for usage in usages.iter().filter(is_wanted).filter(|usage| usage.plan_period.is_some()) {
        sums.add(reported(usage));
    }
    let whole = usages.iter().filter(is_wanted).filter(|usage| usage.plan_period.is_none());
    whole.map(reported).chain(sums.0.into_values())
}

/// The same of a plan that was made earlier.
pub fn figures_of(plan: &Plan) -> impl Iterator<Item = Reported<'_>> {
    let lines = plan.resources.iter().flat_map(|plan| plan.lines.iter().map(|line| (plan.resource, line)));
    let mut sums = Sums::default();
    for (resource, line) in lines.filter(|(_, line)| line.source.is_some()) {
        let Some(amount) = line.change.amount_after() else { continue };
        let stands = line.place.as_deref().map_or(Stands::Nowhere, Stands::As);
        sums.add(Reported { resource, component: &line.component, amount, stands, row: None });
    }
    sums.0.into_values()
}

/// An amount, and what it was last month.
struct Pair<'a> {
    now: Reported<'a>,
    was: Amount,
}

/// The amounts of a component of an offering.
#[derive(Default)]
struct Column<'a> {
    pairs: Vec<Pair<'a>>,
    /// How many amounts had none last month.
    alone: usize,
}

/// Compares, and warns.
pub fn compare<'a>(
    figures: impl Iterator<Item = Reported<'a>>,
    last_month: &[StoredUsage],
    catalogue: &Catalogue,
    findings: &mut Findings,
) {
    let mut last: HashMap<(ResourceId, &ComponentType), Amount> = HashMap::new();
    for row in last_month {
        let sum = last.entry((row.resource, &row.component)).or_default();
        *sum = sum.checked_add(row.amount).unwrap_or(*sum);
    }
    let mut columns: BTreeMap<(OfferingId, &ComponentType), Column<'a>> = BTreeMap::new();
    for now in figures {
        let Some(resource) = catalogue.resource(now.resource) else { continue };
        let column = columns.entry((resource.offering, now.component)).or_default();
        match last.get(&(now.resource, now.component)) {
            Some(&was) => column.pairs.push(Pair { now, was }),
            None => column.alone += 1,
        }
    }
    let all_copied = columns.values().all(Column::is_copied);
    let copied: usize = columns.values().map(Column::filled).sum();
    let is_copied_file = all_copied && copied >= FEWEST_COPIED;
    for ((offering, component), column) in &columns {
        let unit = catalogue.offering(*offering).and_then(|offering| offering.component(component));
        let words = Words { component, unit: unit.map_or("", |known| &known.measured_unit), catalogue };
        for finding in column.findings(is_copied_file, &words) {
            findings.push(finding);
        }
    }
}

/// What a finding needs to speak of a component.
struct Words<'a> {
    component: &'a ComponentType,
    unit: &'a str,
    catalogue: &'a Catalogue,
}

impl Words<'_> {
    /// A finding about some amounts of a component, the first of which is where it stands.
    fn finding(&self, code: Code, pairs: &[&Pair<'_>], what: &str, expected: &'static str) -> Finding {
        let examples: Vec<String> = pairs.iter().take(EXAMPLES).map(|pair| self.example(pair)).collect();
        let more = if pairs.len() > EXAMPLES { "; …" } else { "" };
        let found = format!("{}: {what}: {}{more}", self.component, examples.join("; "));
        let mut finding = Finding::new(code, found, expected);
        let mut places = pairs.iter().filter_map(|pair| pair.now.stands.place());
        finding.place = places.next();
        finding.others = places.take(EXAMPLES - 1).collect();
        finding.rows = pairs.iter().filter_map(|pair| pair.now.row).collect();
        finding
    }

    fn example(&self, pair: &Pair<'_>) -> String {
        let name = self.catalogue.resource(pair.now.resource).map_or("", |resource| &resource.name);
        format!("{} had {} and has {} {}", visible(name), pair.was, pair.now.amount, visible(self.unit))
    }
}

impl Pair<'_> {
    fn is_filled(&self) -> bool {
        self.was > Amount::ZERO && self.now.amount > Amount::ZERO
    }

    /// Whether the ratio to last month lies between two fractions.
    fn lies(&self, is_up: bool, low: (i64, i64), high: (i64, i64)) -> bool {
        let (large, small) = if is_up { (self.now.amount, self.was) } else { (self.was, self.now.amount) };
        let at_least = |left: Option<Amount>, right: Option<Amount>| {
            left.zip(right).is_some_and(|(left, right)| left >= right)
        };
        self.is_filled()
            && at_least(times(large, low.1), times(small, low.0))
            && at_least(times(small, high.0), times(large, high.1))
    }

    /// Within a tenth of a ratio.
    fn is_near(&self, (ratio, is_up): (i64, bool)) -> bool {
        self.lies(is_up, (ratio * 9, 10), (ratio * 11, 10))
    }

    /// Within a hundredth of a ratio.
    fn is_at(&self, (ratio, is_up): (i64, bool)) -> bool {
        self.lies(is_up, (ratio * 99, 100), (ratio * 101, 100))
    }

    /// As near to a ratio as months of one resource are to each other.
    fn is_about(&self, (ratio, is_up): (i64, bool)) -> bool {
        self.lies(is_up, (ratio * 2, 3), (ratio * 3, 2))
    }

    fn increase(&self) -> Option<Amount> {
        self.now.amount.checked_sub(self.was).filter(|increase| !increase.is_negative())
    }
}

impl<'a> Column<'a> {
    fn filled(&self) -> usize {
        self.pairs.iter().filter(|pair| pair.is_filled()).count()
    }

    fn is_copied(&self) -> bool {
        self.alone == 0 && self.pairs.iter().all(|pair| pair.was == pair.now.amount)
    }

    fn findings(&self, is_copied_file: bool, words: &Words<'_>) -> Vec<Finding> {
        let mut found = Vec::new();
        let filled = self.filled();
        if self.is_copied() && filled > 0 && (is_copied_file || filled >= FEWEST_COPIED) {
            found.push(self.copied(words));
        }
        let mixed = self.mixed_up();
        let is_mixed_whole = mixed.as_ref().is_some_and(|(_, pairs)| pairs.len() * 2 >= filled);
        let of_ratio: HashSet<ResourceId> =
            mixed.iter().flat_map(|(_, pairs)| pairs).map(|pair| pair.now.resource).collect();
        if let Some((ratio, pairs)) = &mixed {
            found.push(self.ratio(*ratio, pairs, words));
        }
        found.extend(self.spikes(&of_ratio, words));
        if !is_mixed_whole {
            found.extend(self.counter(words));
        }
        found
    }

    /// The ratio that most amounts are at, as far as it is worth a word. Where it is about most of the
    /// amounts, each may differ from it as months do; where it is about few, each has to be near it.
    fn mixed_up(&self) -> Option<((i64, bool), Vec<&Pair<'a>>)> {
        let filled = self.filled();
        let ratios = RATIOS.iter().rev().flat_map(|(ratio, _)| [(*ratio, false), (*ratio, true)]);
        let of = |is_it: &dyn Fn(&Pair<'a>) -> bool| -> Vec<&Pair<'a>> {
            self.pairs.iter().filter(|pair| is_it(pair)).collect()
        };
        let best = |is_it: fn(&Pair<'a>, (i64, bool)) -> bool| {
            let each = ratios.clone().map(|ratio| (ratio, of(&|pair| is_it(pair, ratio))));
            each.max_by_key(|(ratio, pairs)| (pairs.len(), of(&|pair| pair.is_at(*ratio)).len()))
        };
        let whole = best(Pair::is_about);
        let whole = whole.filter(|(_, pairs)| filled >= 3 && pairs.len() * 2 >= filled);
        let few = best(Pair::is_near);
        whole.or(few.filter(|(_, pairs)| !pairs.is_empty() && pairs.len() >= filled / 200))
    }

    fn ratio(&self, (ratio, is_up): (i64, bool), pairs: &[&Pair<'a>], words: &Words<'_>) -> Finding {
        let filled = self.filled();
        let ratio_text = if is_up { ratio.to_string() } else { format!("1/{ratio}") };
        let times = if is_up { "times" } else { "of" };
        let what = format!("{} of {filled} amounts are about {ratio_text} {times} last month's", pairs.len());
        let expected = "amounts in the unit of the component, as last month";
        let mixed = RATIOS.iter().find(|(known, _)| *known == ratio).map_or("", |(_, mixed)| mixed);
        let hint = format!(
            "are {mixed} mixed up? the component is in {}; a column unit says what the file is in, and --unit-factor converts it",
            visible(words.unit)
        );
        words.finding(Code::UnitRatio, pairs, &what, expected).hint(hint)
    }

    fn spikes(&self, of_ratio: &HashSet<ResourceId>, words: &Words<'_>) -> Option<Finding> {
        let total = Amount::total(self.pairs.iter().map(|pair| pair.was))?;
        // What is little beside the whole component is no spike, however many times it has grown.
        let is_large = |pair: &&Pair<'_>| {
            pair.increase().and_then(|increase| times(increase, 100)).is_some_and(|part| part >= total)
        };
        let has_leapt = |pair: &&Pair<'_>| {
            pair.is_filled() && times(pair.was, SPIKE).is_some_and(|most| pair.now.amount >= most)
        };
        let is_open = |pair: &&Pair<'_>| !of_ratio.contains(&pair.now.resource);
        let mut pairs: Vec<&Pair<'_>> =
            self.pairs.iter().filter(is_open).filter(has_leapt).filter(is_large).collect();
        if pairs.is_empty() {
            return None;
        }
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.increase()));
        let what =
            format!("{} of {} amounts are at least {SPIKE} times last month's", pairs.len(), self.filled());
        let expected = "amounts of the size of last month's";
        let finding = words.finding(Code::Spike, &pairs, &what, expected);
        Some(finding.hint("look for a digit too many, two rows in one, or another unit"))
    }

    fn copied(&self, words: &Words<'_>) -> Finding {
        let pairs: Vec<&Pair<'_>> = self.pairs.iter().filter(|pair| pair.is_filled()).collect();
        let what = format!("all {} amounts are exactly last month's", self.pairs.len());
        let expected = "amounts of this month";
        let finding = words.finding(Code::CopyOfLastMonth, &pairs, &what, expected);
        finding.hint("is it last month's file with another month in it?")
    }

    /// A counter that never starts anew only ever grows, in every row.
    fn counter(&self, words: &Words<'_>) -> Option<Finding> {
        let pairs: Vec<&Pair<'_>> = self.pairs.iter().filter(|pair| pair.is_filled()).collect();
        let has_grown = |pair: &&&Pair<'_>| pair.now.amount > pair.was;
        let grown = pairs.iter().filter(has_grown).count();
        let never_falls = self.pairs.iter().all(|pair| pair.now.amount >= pair.was);
        let (few, many) = FEWEST_COUNTED;
        if !never_falls || pairs.len() < few || grown * 10 < pairs.len() * 9 {
            return None;
        }
        let was = Amount::total(pairs.iter().map(|pair| pair.was))?;
        let now = Amount::total(pairs.iter().map(|pair| pair.now.amount))?;
        // Usage of a few resources may well grow everywhere, but seldom by a fifth.
        if pairs.len() < many && times(now, 5)? < times(was, 6)? {
            return None;
        }
        let what =
            format!("none of {} amounts is below last month's, {was} in all and now {now}", pairs.len());
        let expected = "the usage of the month alone";
        let finding = words.finding(Code::LifetimeCounter, &pairs, &what, expected);
        Some(finding.hint("where it is the reading of a counter, report what it has grown by"))
    }
}

#[cfg(test)]
mod tests;
