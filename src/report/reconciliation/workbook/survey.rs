//! One look over all lines before anything is written: what occurs, how wide it is, and the sums that
//! formulas are going to come to.

use std::collections::{BTreeMap, HashMap};

use crate::domain::{Amount, Currency};
use crate::reconcile::{Class, LineView, Report};

use super::sums::{Figure, Sum};

/// Currencies that get a column of their own; a file that names more of them is no statement.
pub(super) const MOST_CURRENCIES: usize = 6;

/// Sums of money, which are never added up across currencies.
pub(super) type Money = BTreeMap<Option<Currency>, Sum>;

/// What a component comes to.
#[derive(Debug, Clone, Default)]
pub(super) struct ComponentSums {
    /// What the file has; without a file, what is billed.
    pub(super) file: Sum,
    pub(super) server: Sum,
    /// By class, how many lines and what their differences come to.
    pub(super) classes: BTreeMap<Class, (usize, Sum)>,
}

/// What a class comes to.
#[derive(Debug, Clone, Default)]
pub(super) struct ClassSums {
    pub(super) keys: usize,
    pub(super) worth: Money,
    /// Where its first line stands among those of its kind: among the breaks, or among all.
    pub(super) first: usize,
}

/// What an organisation comes to.
#[derive(Debug, Clone, Default)]
pub(super) struct OrganisationSums {
    pub(super) keys: usize,
    pub(super) breaks: usize,
    pub(super) worth: Money,
    pub(super) stated: Money,
    pub(super) billed: Sum,
}

/// How precise and how long the amounts of a kind are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    pub(super) decimals: u8,
    pub(super) length: usize,
}

impl Extent {
    const LEAST: Self = Self { decimals: 2, length: 4 };

    fn see(&mut self, figure: Figure) {
        self.decimals = self.decimals.max(figure.decimals);
        self.length = self.length.max(figure.length);
    }

    fn see_sum(&mut self, sum: &Sum) {
        self.decimals = self.decimals.max(sum.decimals());
        self.length = self.length.max(sum.length());
    }
}

/// What one look over all lines shows.
pub(super) struct Survey {
    /// By subject, the number of its organisation in the report's list, counted from 1; 0 where it is in
    /// none.
    pub(super) organisation_of: Vec<u32>,
    /// By component.
    pub(super) components: Vec<ComponentSums>,
    pub(super) classes: BTreeMap<Class, ClassSums>,
    /// By organisation.
    pub(super) organisations: Vec<OrganisationSums>,
    pub(super) worth: Money,
    /// What breaks are worth, each without its sign.
    pub(super) at_stake: Money,
    pub(super) stated_price: Money,
    pub(super) stated_tax: Money,
    pub(super) breaks: usize,
    pub(super) quantity: Extent,
    pub(super) unit_price: Extent,
    pub(super) price: Extent,
    pub(super) has_billed: bool,
    pub(super) has_billed_tax: bool,
    pub(super) has_stated: bool,
    pub(super) has_also: bool,
}

impl Survey {
    pub(super) fn of(report: &Report) -> Self {
        let mut survey = Self {
            organisation_of: organisations(report),
            components: vec![ComponentSums::default(); report.components.len()],
            classes: BTreeMap::new(),
            organisations: vec![OrganisationSums::default(); report.organisations.len()],
            worth: Money::new(),
            at_stake: Money::new(),
            stated_price: Money::new(),
            stated_tax: Money::new(),
            breaks: 0,
            quantity: Extent::LEAST,
            unit_price: Extent::LEAST,
            price: Extent::LEAST,
            has_billed: report.header.sides.has_invoices(),
            has_billed_tax: false,
            has_stated: false,
            has_also: false,
        };
        let has_file = report.header.sides.has_file();
        for (at, view) in report.views().enumerate() {
            survey.see(at, &view, has_file);
        }
        // The totals of a column are wider than its cells.
        let sums: Vec<&Sum> = survey.components.iter().flat_map(|sums| [&sums.file, &sums.server]).collect();
        for sum in sums {
            survey.quantity.see_sum(sum);
        }
        for sum in survey.worth.values().chain(survey.stated_price.values()) {
            survey.price.see_sum(sum);
        }
        survey
    }

    fn see(&mut self, at: usize, view: &LineView<'_>, has_file: bool) {
        let (line, class) = (view.line, view.class());
        let difference = view.difference();
        let difference = (difference, Figure::of(difference));
        let server = line.server.map(|amount| (amount, Figure::of(amount)));
        let billed = view.billed().map(|billed| (billed.quantity, Figure::of(billed.quantity)));
        let file = line.file.map(|amount| (amount, Figure::of(amount)));
        for (_, figure) in [Some(difference), server, billed, file].into_iter().flatten() {
            self.quantity.see(figure);
        }
        if let Some(sums) = usize::try_from(line.component).ok().and_then(|at| self.components.get_mut(at)) {
            add(&mut sums.file, if has_file { file } else { billed });
            add(&mut sums.server, server);
            let (lines, sum) = sums.classes.entry(class).or_default();
            *lines += 1;
            add(sum, Some(difference));
        }
        let own = self.classes.entry(class).or_default();
        if own.keys == 0 {
            own.first = if class.is_break() { self.breaks } else { at };
        }
        own.keys += 1;
        self.breaks += usize::from(class.is_break());
        self.has_also |= !line.also.is_empty();
        let number = usize::try_from(line.subject).ok().and_then(|at| self.organisation_of.get(at));
        let organisation = number.and_then(|number| usize::try_from(*number).ok()?.checked_sub(1));
        let mut organisation = organisation.and_then(|at| self.organisations.get_mut(at));
        if let Some(sums) = &mut organisation {
            sums.keys += 1;
            sums.breaks += usize::from(class.is_break());
        }
        let Some(more) = line.more.as_deref() else { return };
        if let Some((currency, amount)) = more.worth {
            let worth = Some((amount, Figure::of(amount)));
            add(own.worth.entry(currency).or_default(), worth);
            add(self.worth.entry(currency).or_default(), worth);
            if let Some(sums) = &mut organisation {
                add(sums.worth.entry(currency).or_default(), worth);
            }
            if class.is_break() {
                let figure = Figure::of(amount);
                let stake = self.at_stake.entry(currency).or_default();
                if amount.is_negative() { stake.subtract(amount, figure) } else { stake.add(amount, figure) }
            }
        }
        if let Some(stated) = &more.stated {
            self.has_stated = true;
            if let Some(price) = stated.unit_price {
                self.unit_price.see(Figure::of(price));
            }
            if let Some(price) = stated.price {
                let price = Some((price, Figure::of(price)));
                add(self.stated_price.entry(stated.currency).or_default(), price);
                if let Some(sums) = &mut organisation {
                    add(sums.stated.entry(stated.currency).or_default(), price);
                }
            }
            if let Some(tax) = stated.tax {
                add(self.stated_tax.entry(stated.currency).or_default(), Some((tax, Figure::of(tax))));
            }
        }
        if let Some(billed) = &more.billed {
            self.has_billed = true;
            if let Some(price) = billed.unit_price {
                self.unit_price.see(Figure::of(price));
            }
            let figure = Figure::of(billed.price);
            self.price.see(figure);
            if let Some(sums) = &mut organisation {
                sums.billed.add(billed.price, figure);
            }
            if let Some(tax) = billed.tax {
                self.has_billed_tax = true;
                self.price.see(Figure::of(tax));
            }
        }
    }

    /// The number of the organisation that a line belongs to.
    pub(super) fn organisation(&self, view: &LineView<'_>) -> u32 {
        let at = usize::try_from(view.line.subject).unwrap_or(usize::MAX);
        self.organisation_of.get(at).copied().unwrap_or_default()
    }

    /// The one unit of all lines; `None` where there are several or it is not known.
    pub(super) fn unit<'a>(&self, report: &'a Report) -> Option<&'a str> {
        let used = report.components.iter().zip(&self.components);
        let mut units = used.filter(|(_, sums)| !sums.classes.is_empty()).map(|(measured, _)| &measured.unit);
        let first = units.next()?;
        units.all(|unit| unit == first).then_some(first.as_ref()).filter(|unit| !unit.is_empty())
    }
}

fn add(sum: &mut Sum, part: Option<(Amount, Figure)>) {
    if let Some((amount, figure)) = part {
        sum.add(amount, figure);
    }
}

/// The organisation of each subject: the one of its id and name, else of its id, else of its name.
fn organisations(report: &Report) -> Vec<u32> {
    let mut by_both = HashMap::new();
    let mut by_id = HashMap::new();
    let mut by_name = HashMap::new();
    for (number, organisation) in (1_u32..).zip(&report.organisations) {
        by_both.entry((organisation.customer, organisation.name.as_ref())).or_insert(number);
        if let Some(customer) = organisation.customer {
            by_id.entry(customer).or_insert(number);
        } else {
            by_name.entry(organisation.name.as_ref()).or_insert(number);
        }
    }
    let number = |subject: &crate::reconcile::Subject| {
        let both = by_both.get(&(subject.customer, subject.organisation.as_ref()));
        let id = || subject.customer.and_then(|customer| by_id.get(&customer));
        let name = || by_name.get(subject.organisation.as_ref());
        both.or_else(id).or_else(name).copied().unwrap_or_default()
    };
    report.subjects.iter().map(number).collect()
}
