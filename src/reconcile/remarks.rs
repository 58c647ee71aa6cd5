//! What has to be known of a report as a whole: what of the files was not read or left out, what rules
//! leave alone, and invoices that do not add up.
//!
//! The law kept here: what nobody compared is never part of "agrees in all".

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::domain::{Amount, nearest, visible};
use crate::resolve::Catalogue;

use super::class::Class;
use super::report::{InvoiceTotal, Line, Measured, Subject};
use super::rows::at;
use super::rules::Rules;
use super::totals::{Money, add_money, size, worth_of};

/// What a remark is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemarkKind {
    /// A column of a file that was not read.
    ColumnNotRead,
    /// Rows of other months.
    OtherMonths,
    /// Rows of other projects, organisations or offerings.
    OutsideScope,
    /// A component that a saved list has no row of.
    ListLacks,
    /// Keys that rules leave alone.
    Ignored,
    /// Stated prices that nothing is known to hold against, or that may be right.
    PriceInDoubt,
    /// A rule for what no side has.
    RuleOfNothing,
    /// An invoice whose lines are not its total.
    InvoiceTotal,
    /// A total of the file that is not the sum of its rows' money, or that nobody can check.
    MoneyTotal,
    /// A sheet or a file that was not read.
    SheetNotRead,
    /// Rows or columns that were left out.
    LeftOut,
    /// Amounts that were rounded.
    Rounded,
    /// Plan periods that rows name.
    PlanPeriods,
}

impl RemarkKind {
    /// The name as it stands in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::ColumnNotRead => "column-not-read",
            Self::OtherMonths => "other-months",
            Self::OutsideScope => "outside-scope",
            Self::ListLacks => "list-lacks",
            Self::Ignored => "ignored",
            Self::PriceInDoubt => "price-in-doubt",
            Self::RuleOfNothing => "rule-of-nothing",
            Self::InvoiceTotal => "invoice-total",
            Self::MoneyTotal => "money-total",
            Self::SheetNotRead => "sheet-not-read",
            Self::LeftOut => "left-out",
            Self::Rounded => "rounded",
            Self::PlanPeriods => "plan-periods",
        }
    }
}

/// How much a remark weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// It stands with the inputs.
    Note,
    /// It stands in the verdict, which does not speak of all then.
    Told,
    /// It keeps the sides from agreeing.
    Against,
}

/// A remark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// What it is about.
    pub kind: RemarkKind,
    /// How much it weighs.
    pub weight: Weight,
    /// What it says, in one sentence.
    pub text: String,
}

/// Of the keys that rules leave alone: how many, and what money.
pub fn of_ignored(lines: &[Line], own_rule: Option<u32>) -> Vec<Remark> {
    // Matches stand last, and are nearly all of millions.
    let others = &lines[..lines.partition_point(|line| line.class != Class::Match)];
    let is_own =
        |line: &&Line| own_rule.is_some() && line.more.as_deref().and_then(|more| more.rule) == own_rule;
    let not_by_usage = others.iter().filter(|line| line.class == Class::Ignored).filter(is_own).count();
    let own = (not_by_usage > 0).then(|| {
        let keys = if not_by_usage == 1 { "1 key is".to_owned() } else { format!("{not_by_usage} keys are") };
        let text = format!("{keys} billed by a limit, by time or once, and not by usage");
        Remark { kind: RemarkKind::Ignored, weight: Weight::Told, text }
    });
    own.into_iter().chain(of_rules_of_users(others, is_own)).collect()
}

/// The same of rules that somebody gave.
fn of_rules_of_users(others: &[Line], is_own: impl Fn(&&Line) -> bool) -> Option<Remark> {
    let ignored = || others.iter().filter(|line| line.class == Class::Ignored && !is_own(line));
    let keys = ignored().count();
    let mut money = Money::new();
    for (currency, worth) in ignored().filter_map(worth_of) {
        add_money(&mut money, currency, size(worth));
    }
    let told: Vec<String> = (money.iter())
        .map(|(currency, amount)| currency.map_or(amount.to_string(), |own| format!("{amount} {own}")))
        .collect();
    let worth =
        if told.is_empty() { String::new() } else { format!(", which come to {}", told.join(" and ")) };
    let text = match keys {
        0 => return None,
        1 => format!("1 key is left alone by a rule{}", worth.replace("come", "comes")),
        keys => format!("{keys} keys are left alone by rules{worth}"),
    };
    Some(Remark { kind: RemarkKind::Ignored, weight: Weight::Told, text })
}

/// Of stated prices that are no difference for sure.
pub fn of_doubts(lines: &[Line]) -> Option<Remark> {
    let is_doubtful =
        |line: &&Line| !line.class.is_break() && line.also.list().any(|also| also == Class::Price);
    let text = match lines.iter().filter(is_doubtful).count() {
        0 => return None,
        1 => "1 stated price is in doubt, or has nothing to be held against".to_owned(),
        keys => format!("{keys} stated prices are in doubt, or have nothing to be held against"),
    };
    Some(Remark { kind: RemarkKind::PriceInDoubt, weight: Weight::Told, text })
}

/// Of rules for a component or a resource that no side has.
pub fn of_rules(
    rules: &Rules,
    catalogue: &Catalogue,
    subjects: &[Subject],
    components: &[Measured],
) -> Vec<Remark> {
    let has_component = |name: &str| {
        let mut offerings = catalogue.offerings().into_iter();
        components.iter().any(|own| *own.component == *name)
            || offerings.any(|own| own.components.iter().any(|own| own.component_type.as_str() == name))
    };
    let has_resource = |name: &str| {
        let id = name.parse().ok();
        subjects.iter().any(|own| *own.resource == *name || id.is_some() && own.resource_uuid == id)
            || catalogue.resources().any(|own| own.name == name || Some(own.id) == id)
    };
    let mut remarks = Vec::new();
    for (rule, component, resource) in rules.speak_of() {
        let component = component.filter(|own| !has_component(own)).map(|own| ("component", own));
        let resource = resource.filter(|own| !has_resource(own)).map(|own| ("resource", own));
        for (what, name) in component.into_iter().chain(resource) {
            let known = components.iter().map(|own| &*own.component).filter(|_| what == "component");
            let known = known.chain(subjects.iter().map(|own| &*own.resource).filter(|_| what == "resource"));
            let near = nearest(name, known).map(|near| format!("; did you mean {}?", visible(near)));
            let (rule, name) = (visible(rule), visible(name));
            let text = format!(
                "rule {rule} is for the {what} {name}, which no side has{}",
                near.unwrap_or_default()
            );
            remarks.push(Remark { kind: RemarkKind::RuleOfNothing, weight: Weight::Note, text });
        }
    }
    remarks
}

/// Of invoices whose lines were all read and do not add up to what the server says that they come to.
pub fn of_invoices(invoices: &[InvoiceTotal]) -> Vec<Remark> {
    let remark = |invoice: &InvoiceTotal| {
        let (told, lines) = invoice.gap()?;
        let number = invoice.number.as_deref().map_or_else(
            || format!("the invoice of {}, {}", visible(&invoice.organisation), invoice.period),
            |number| {
                format!(
                    "invoice {} ({}, {})",
                    visible(number),
                    visible(&invoice.organisation),
                    invoice.period
                )
            },
        );
        let text = format!("{number} says that it comes to {told} without tax, and its lines to {lines}");
        Some(Remark { kind: RemarkKind::InvoiceTotal, weight: Weight::Against, text })
    };
    invoices.iter().filter_map(remark).collect()
}

impl InvoiceTotal {
    /// What the invoice says that it comes to without tax, and what its lines come to, where the two
    /// differ and all lines were read.
    pub fn gap(&self) -> Option<(Amount, Amount)> {
        if !self.is_whole {
            return None;
        }
        let parts = [self.usage, self.other, self.credits, self.compensations];
        let (told, lines) = (self.price?, Amount::total(parts)?);
        (told != lines).then_some((told, lines))
    }
}

/// Marks figures of components that a saved list has no row of: what is in no list is not missing.
pub fn lacking(lines: &mut [Line], components: &[Measured]) -> Vec<Remark> {
    let name = |line: &Line| components.get(at(line.component)).map(|own| own.component.clone());
    let mut is_stored = vec![false; components.len()];
    for line in lines.iter().filter(|line| line.server.is_some()) {
        if let Some(slot) = is_stored.get_mut(at(line.component)) {
            *slot = true;
        }
    }
    let stored = components.iter().zip(is_stored).filter(|(_, is_stored)| *is_stored);
    let known: BTreeSet<_> = stored.map(|(own, _)| own.component.clone()).collect();
    let mut lacking: BTreeMap<_, usize> = BTreeMap::new();
    for line in lines {
        let is_absent =
            matches!(line.class, Class::MissingOnServer | Class::UnknownComponent | Class::UnknownResource);
        let Some(name) = name(line).filter(|name| is_absent && !known.contains(name)) else { continue };
        if line.class != Class::MissingOnServer {
            line.also.add(line.class);
        }
        line.also.remove(Class::NotVisible);
        line.class = Class::NotVisible;
        *lacking.entry(name).or_default() += 1;
    }
    let remark = |(name, keys): (std::sync::Arc<str>, usize)| {
        let keys = if keys == 1 { "1 key".to_owned() } else { format!("{keys} keys") };
        let text = format!(
            "the saved list has no row of {}, of which the file has {keys}; save the list anew with all components",
            visible(&name)
        );
        Remark { kind: RemarkKind::ListLacks, weight: Weight::Told, text }
    };
    lacking.into_iter().map(remark).collect()
}
