//! From the months of a key to lines: one primary class each, what else is true, and what it is worth.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::domain::{Amount, BillingPeriod, BillingType, ComponentType, Currency, OfferingId, line_price};
use crate::resolve::{Catalogue, PlanPeriod};

use super::cells::{Cell, Group};
use super::class::{Class, Classes};
use super::explain::{Explanation, Facts, agreements, explanations};
use super::faults::Faults;
use super::invoiced::{Invoiced, Invoices, Standing};
use super::names::Settled;
use super::notes::Notes;
use super::prices::{self, PriceFault, Reference};
use super::ratio::{are_transposed, unit_ratio};
use super::report::{CellPlace, Line, Measured, More, Sides, Stated, Subject};
use super::rows::{FileRow, ServerRow, at};
use super::rules::Applied;
use super::totals::{Money, add, add_money};

/// What a file states of the money of an organisation's month.
#[derive(Debug, Default, Clone)]
pub struct StatedSums {
    pub price: Money,
    pub tax: Money,
    /// What is billed otherwise than by usage, of the keys that the file states a price of.
    pub otherwise: Amount,
}

/// Judges keys one after the other.
pub struct Judge<'a, 'r> {
    pub catalogue: &'a Catalogue,
    pub sides: Sides,
    pub is_saved: bool,
    pub currency: Option<Currency>,
    pub settled: &'a Settled,
    /// The types of the components.
    pub types: Vec<Option<ComponentType>>,
    /// Whose each subject is.
    pub organisations: Vec<usize>,
    pub rules: Applied<'r>,
    pub invoices: Invoices<'a>,
    pub notes: Notes,
    /// By organisation and month.
    pub stated: HashMap<(usize, BillingPeriod), StatedSums>,
    /// What a component costs under the plans of its offering.
    pub plan_prices: HashMap<(OfferingId, u32), Arc<[Amount]>>,
    /// The folded names of all organisations.
    pub organisation_names: Arc<HashSet<String>>,
}

/// What has been found out of a key.
struct Story {
    class: Class,
    also: Classes,
    note: Option<Arc<str>>,
    rule: Option<u32>,
    /// The cell that the class is of, where it is not that of the amount.
    cell: Option<CellPlace>,
    /// By how much the tax is off, where that is what is wrong.
    off: Option<Amount>,
}

impl Story {
    fn of(list: Vec<Explanation>) -> Self {
        let mut list = list.into_iter();
        let (class, note) = list.next().unwrap_or((Class::Match, None));
        let mut also = Classes::default();
        for (other, _) in list.filter(|(other, _)| !matches!(other, Class::Amount | Class::Match)) {
            also.add(other);
        }
        also.remove(class);
        Self { class, also, note, rule: None, cell: None, off: None }
    }

    /// Makes another class the primary one; a break that was settled before stays beside it.
    fn turn(&mut self, class: Class, note: Option<Arc<str>>) {
        if !matches!(self.class, Class::Match | Class::Amount) {
            self.also.add(self.class);
        }
        self.also.remove(class);
        (self.class, self.rule, self.cell, self.off) = (class, None, None, None);
        if note.is_some() {
            self.note = note;
        }
    }

    /// Takes a class in: as the primary one where nothing is wrong so far, else beside it.
    fn take(&mut self, class: Class, note: Option<Arc<str>>) {
        let is_open = match self.class {
            Class::Match | Class::ConvertedByServer => true,
            Class::WithinTolerance => class.is_break(),
            _ => false,
        };
        if is_open {
            self.turn(class, note);
        } else if class != self.class {
            self.also.add(class);
            self.note = self.note.take().or(note);
        }
    }
}

/// What the prices of a key are looked up in.
#[derive(Clone, Copy)]
struct Seen<'i, 'a> {
    invoiced: Option<&'i Invoiced<'a>>,
    plan_prices: &'i [Amount],
    organisations: &'i HashSet<String>,
    invoice_numbers: &'i HashSet<Arc<str>>,
}

/// A key with its rows.
#[derive(Clone, Copy)]
struct KeyRows<'k> {
    cell: &'k Cell,
    file: &'k [FileRow],
    server: &'k [ServerRow],
    subject: &'k Subject,
    measured: &'k Measured,
    numbers: (u32, u32),
}

/// Which keys are matches with nothing to be said of them. It hangs on nothing that is found out meanwhile.
#[derive(Clone, Copy)]
pub struct Plain<'a> {
    catalogue: &'a Catalogue,
    settled: &'a Settled,
    has_invoices: bool,
}

impl Plain<'_> {
    /// Whether a month of a group is one.
    pub fn takes(&self, group: &Group<'_>, cell: &Cell) -> bool {
        let (file, server) = (&group.file[cell.file.clone()], &group.server[cell.server.clone()]);
        file.len() <= 1
            && server.len() <= 1
            && file.iter().all(|row| row.more.is_none())
            && !self.has_invoices
            && cell.in_file.is_some()
            && cell.in_file == cell.on_server
            && !cell.is_carried
            && !self.is_unlisted(group.subject)
    }

    fn is_unlisted(&self, subject: u32) -> bool {
        let subject = self.settled.subjects.get(at(subject));
        subject.and_then(|own| own.resource_uuid).is_some_and(|id| self.catalogue.is_unlisted(id))
    }

    /// Its line.
    pub fn line(&self, group: &Group<'_>, cell: &Cell) -> Line {
        let key = KeyRows::new(self.settled, group, cell);
        finish(key, Class::Match, Classes::default(), None)
    }
}

impl<'k> KeyRows<'k> {
    fn new(settled: &'k Settled, group: &'k Group<'_>, cell: &'k Cell) -> Self {
        Self {
            cell,
            file: &group.file[cell.file.clone()],
            server: &group.server[cell.server.clone()],
            subject: &settled.subjects[at(group.subject)],
            measured: &settled.components[at(group.component)],
            numbers: (group.subject, group.component),
        }
    }
}

impl<'a> Judge<'a, '_> {
    /// Which keys need no judging.
    pub fn plain(&self) -> Plain<'a> {
        Plain { catalogue: self.catalogue, settled: self.settled, has_invoices: self.sides.has_invoices() }
    }

    /// The line of a month of a group.
    pub fn line(&mut self, group: &Group<'_>, cell: &Cell) -> Line {
        let key = KeyRows::new(self.settled, group, cell);
        let stated = prices::stated(key.file);
        self.count_money(key);
        let types: Option<ComponentType> = self.types.get(at(key.numbers.1)).cloned().flatten();
        let invoiced = match types.as_ref().filter(|_| self.sides.has_invoices()) {
            Some(own) => {
                let component = (key.numbers.1, own);
                Some(self.invoices.of(key.subject.resource_uuid, component, key.cell.period, key.server))
            }
            None => None,
        };
        let plan_prices =
            if stated.is_some() { self.plan_prices(key, types.as_ref()) } else { Arc::default() };
        let names = Arc::clone(&self.organisation_names);
        let numbers = Arc::clone(&self.invoices.numbers);
        let seen = Seen {
            invoiced: invoiced.as_ref(),
            plan_prices: &plan_prices,
            organisations: &names,
            invoice_numbers: &numbers,
        };
        let reference = self.reference(key, types.as_ref(), seen);
        let worth = self.worth(key, stated.as_ref(), &reference, invoiced.as_ref());
        let mut story =
            if self.sides.has_file() { self.of_file(key, &reference) } else { Story::of(Vec::new()) };
        if let Some(invoiced) = &invoiced {
            self.take_invoice(&mut story, key, invoiced, &reference);
        }
        let is_same_unit = !matches!(story.class, Class::ConvertedByServer | Class::WrongUnit);
        let reference = Reference { is_same_unit, ..reference };
        let faults = prices::faults(key.file, stated.as_ref(), &reference);
        self.take_prices(&mut story, key, &faults);
        if let Some(other) = reference.otherwise {
            self.take_otherwise(&mut story, key, stated.as_ref(), other);
        }
        if story.class.is_break()
            && let Some(rule) = self.rules.ignored(story.class, key.numbers.0, key.measured, key.cell.period)
        {
            story.turn(Class::Ignored, None);
            story.rule = Some(rule);
        }
        if story.rule.is_none() && story.class == Class::Match {
            story.rule = key.file.iter().find_map(|row| row.more.as_deref()?.converted);
        }
        story.also.remove(story.class);
        if let Some(rule) = story.rule {
            self.rules.count(rule);
        }
        let more = More {
            cells: key.file.iter().skip(1).map(|row| row.cell).collect(),
            usages: key.server.iter().skip(1).map(|row| row.id).collect(),
            stated,
            billed: invoiced.and_then(|invoiced| invoiced.billed),
            worth: match worth {
                _ if story.class == Class::Match => None,
                // Of a tax that is wrong, the price says nothing.
                Some((currency, own)) => {
                    let with_tax = story.off.and_then(|off| own.checked_add(off));
                    Some((currency, with_tax.unwrap_or(own)))
                }
                None => None,
            },
            rule: story.rule,
            note: story.note.as_deref().map(|note| self.notes.number(note)),
        };
        let line = finish(key, story.class, story.also, (more != More::default()).then(|| Box::new(more)));
        Line { cell: story.cell.or(line.cell), ..line }
    }

    /// How the file and the server stand to each other.
    fn of_file(&self, key: KeyRows<'_>, reference: &Reference<'_>) -> Story {
        let KeyRows { cell, file, server, measured, .. } = key;
        let faults = Faults::of(file, &measured.unit);
        let mut facts =
            Facts { cell, file, server, faults: &faults, is_saved: self.is_saved, is_within: false };
        let (in_file, on_server) = (cell.in_file.unwrap_or_default(), cell.on_server.unwrap_or_default());
        if in_file == on_server {
            return Story::of(agreements(&facts));
        }
        let difference = in_file.checked_sub(on_server).unwrap_or_default();
        let is_both = cell.in_file.is_some() && cell.on_server.is_some();
        let worth = self.cost(difference, reference);
        let rule = if is_both { self.rules.quantity(measured, difference, on_server, worth) } else { None };
        facts.is_within = rule.is_some();
        let mut story = Story::of(explanations(&facts));
        story.rule = rule.filter(|_| story.class == Class::WithinTolerance);
        story
    }

    fn take_invoice(
        &mut self,
        story: &mut Story,
        key: KeyRows<'_>,
        invoiced: &Invoiced<'_>,
        reference: &Reference<'_>,
    ) {
        let word = |text: &str| -> Option<Arc<str>> { (!text.is_empty()).then(|| text.into()) };
        let (class, note) = match invoiced.standing {
            Standing::Agrees => return,
            Standing::Nothing(note) => {
                if story.note.is_none() && story.class == Class::Match {
                    story.note = word(note);
                }
                return;
            }
            Standing::NotByUsage if self.sides.has_file() => return,
            Standing::NotByUsage => {
                story.turn(Class::Ignored, None);
                story.rule = Some(self.rules.not_by_usage());
                return;
            }
            Standing::Differs(class, note) => (class, word(note)),
        };
        if class != Class::Billed {
            story.take(class, note);
            return;
        }
        let quantity = invoiced.billed.as_ref().map_or(Amount::ZERO, |billed| billed.quantity);
        let server = key.cell.on_server.unwrap_or_default();
        let difference = quantity.checked_sub(server).unwrap_or_default();
        let worth = self.cost(difference, reference);
        if !key.server.is_empty()
            && let Some(rule) = self.rules.quantity(key.measured, difference, server, worth)
        {
            story.take(Class::WithinTolerance, None);
            if story.class == Class::WithinTolerance {
                story.rule = story.rule.or(Some(rule));
            }
            return;
        }
        let mut note = note;
        if let Some(ratio) = unit_ratio(quantity, server) {
            let (one, other) =
                if ratio.first_is_larger { ("invoice", "server") } else { ("server", "invoice") };
            let text =
                format!("the {one} has {} times what the {other} has: {}?", ratio.times, ratio.meaning);
            note = Some(text.into());
            story.also.add(Class::WrongUnit);
        }
        if are_transposed(quantity, server) {
            story.also.add(Class::TransposedDigits);
        }
        if quantity.is_negative() != server.is_negative() && !key.server.is_empty() {
            story.also.add(Class::Sign);
        }
        story.take(Class::Billed, note);
    }

    /// What a difference of quantity costs, for rules that say how much it may cost; `None` where usage has
    /// no price, because anything could then differ by nothing.
    fn cost(&self, difference: Amount, reference: &Reference<'_>) -> Option<(Option<Currency>, Amount)> {
        let billed = reference.billed.and_then(|billed| billed.unit_price);
        let unit = billed.or(reference.plan_price).filter(|unit| reference.is_by_usage && !unit.is_zero())?;
        line_price(difference, unit).map(|cost| (self.currency, cost))
    }

    /// What is billed otherwise than by usage, and stated as it is billed, is no break for want of usage.
    fn take_otherwise(
        &mut self,
        story: &mut Story,
        key: KeyRows<'_>,
        stated: Option<&Stated>,
        other: Amount,
    ) {
        let Some(price) = stated.and_then(|stated| stated.price) else { return };
        let organisation = self.organisations.get(at(key.numbers.0)).copied().unwrap_or(usize::MAX);
        add(&mut self.stated.entry((organisation, key.cell.period)).or_default().otherwise, other);
        let is_as_billed = price == other;
        let wants_usage = matches!(story.class, Class::NotReportable | Class::MissingOnServer);
        if is_as_billed && wants_usage && !other.is_zero() {
            story.also.remove(Class::NotReportable);
            (story.class, story.note) = (Class::Ignored, None);
            story.rule = Some(self.rules.not_by_usage());
        }
    }

    fn take_prices(&self, story: &mut Story, key: KeyRows<'_>, faults: &[PriceFault]) {
        let sure: Vec<&PriceFault> = faults.iter().filter(|fault| fault.is_sure).collect();
        let Some(first) = sure.first() else {
            if let Some(doubtful) = faults.first().filter(|_| !story.class.is_break()) {
                story.also.add(Class::Price);
                story.note.get_or_insert_with(|| doubtful.note.as_str().into());
            }
            return;
        };
        let largest: Option<Vec<Amount>> = sure.iter().map(|fault| fault.difference).collect();
        let rule = |difference: &Amount| self.rules.money(key.measured, self.currency, *difference);
        let rules: Option<Vec<u32>> = largest.and_then(|all| all.iter().map(rule).collect());
        let note: Option<Arc<str>> = Some(first.note.as_str().into());
        if let Some([rule, ..]) = rules.as_deref() {
            let was_open = matches!(story.class, Class::Match | Class::ConvertedByServer);
            story.take(Class::WithinTolerance, note);
            if was_open {
                story.rule = Some(*rule);
            }
            return;
        }
        story.take(Class::Price, note);
        if story.class == Class::Price {
            (story.cell, story.off) = (first.cell, first.difference.filter(|_| first.is_of_tax));
        }
    }

    /// Adds up what the file states, row by row, so that currencies stay apart.
    fn count_money(&mut self, key: KeyRows<'_>) {
        let organisation = self.organisations.get(at(key.numbers.0)).copied().unwrap_or(usize::MAX);
        for row in key.file {
            let Some(money) = row.more.as_deref().and_then(|more| more.line.money.as_ref()) else { continue };
            let sums = self.stated.entry((organisation, key.cell.period)).or_default();
            if let Some(price) = money.price {
                add_money(&mut sums.price, money.currency, price);
            }
            if let Some(tax) = money.tax {
                add_money(&mut sums.tax, money.currency, tax);
            }
        }
    }

    /// The price of the plan that the resource had all month, where that is known, else of its plan of
    /// today; and whether it is known.
    fn plan_price(&self, key: KeyRows<'_>, component: Option<&ComponentType>) -> Option<(Amount, bool)> {
        let resource = self.catalogue.resource(key.subject.resource_uuid?)?;
        let offering = self.catalogue.offering(resource.offering)?;
        let periods = self.catalogue.plan_periods(resource.id).unwrap_or_default();
        let covers = |own: &&PlanPeriod| own.start.is_some() && own.covers(key.cell.period, resource.created);
        let had = periods.iter().find(covers).and_then(|own| own.plan);
        let price = offering.price(had.or(resource.plan)?, component?)?;
        Some((price, had.is_some()))
    }

    /// The prices of the component under all plans of its offering.
    fn plan_prices(&mut self, key: KeyRows<'_>, component: Option<&ComponentType>) -> Arc<[Amount]> {
        let resource = key.subject.resource_uuid.and_then(|id| self.catalogue.resource(id));
        let Some(offering) = resource.and_then(|resource| self.catalogue.offering(resource.offering)) else {
            return Arc::default();
        };
        let known = self.plan_prices.entry((offering.id, key.numbers.1)).or_insert_with(|| {
            let own = offering.prices.iter().filter(|((_, own), _)| Some(own) == component);
            own.map(|(_, price)| *price).collect()
        });
        known.clone()
    }

    fn is_billed_by_usage(&self, key: KeyRows<'_>, component: Option<&ComponentType>) -> bool {
        let resource = key.subject.resource_uuid.and_then(|id| self.catalogue.resource(id));
        let offering = resource.and_then(|resource| self.catalogue.offering(resource.offering));
        let own = offering.zip(component).and_then(|(offering, component)| offering.component(component));
        own.is_none_or(|own| !matches!(own.billing_type, BillingType::Limit))
    }

    fn reference<'i>(
        &self,
        key: KeyRows<'i>,
        component: Option<&ComponentType>,
        seen: Seen<'i, 'a>,
    ) -> Reference<'i> {
        let Seen { invoiced, plan_prices, organisations, invoice_numbers } = seen;
        let billed = invoiced.and_then(|invoiced| invoiced.billed.as_ref());
        let otherwise = match (billed, key.subject.resource_uuid, component) {
            (None, Some(resource), Some(own)) => self.invoices.otherwise(resource, own, key.cell.period),
            _ => None,
        };
        let is_by_usage = self.is_billed_by_usage(key, component) && otherwise.is_none();
        let plan = self.plan_price(key, component);
        let in_file = key.cell.in_file;
        let is_converted = invoiced.is_some_and(|invoiced| {
            matches!(invoiced.standing, Standing::Differs(Class::ConvertedByServer, _))
        });
        Reference {
            currency: self.currency,
            plan_price: plan.map(|(price, _)| price),
            plan_prices: if plan.is_some_and(|(_, is_known)| is_known) { &[] } else { plan_prices },
            billed,
            lines: invoiced.map_or(&[], |invoiced| &invoiced.lines),
            otherwise,
            is_by_usage,
            is_as_billed: in_file.is_some()
                && (billed.is_some_and(|billed| in_file == Some(billed.quantity))
                    || is_converted && in_file == key.cell.on_server),
            is_same_unit: true,
            is_of_one_plan: key.server.len() < 2,
            organisation: Some(&*key.subject.organisation).filter(|own| !own.is_empty()),
            organisations,
            invoice_numbers,
        }
    }

    fn worth(
        &self,
        key: KeyRows<'_>,
        stated: Option<&Stated>,
        reference: &Reference<'_>,
        invoiced: Option<&Invoiced<'_>>,
    ) -> Option<(Option<Currency>, Amount)> {
        let paid = reference.otherwise.or_else(|| invoiced.and_then(|invoiced| invoiced.paid));
        if Faults::of(key.file, &key.measured.unit).unit.is_some() && !prices::is_priced(key.file) {
            // What a unit of the component costs says nothing of an amount in another one.
            return None;
        }
        if !reference.is_by_usage {
            // Its usage is for display, and costs nothing.
            let Some(price) = stated.and_then(|stated| stated.price) else {
                return Some((self.currency, Amount::ZERO));
            };
            let is_comparable = stated.is_some_and(|own| prices::is_compatible(own.currency, self.currency));
            let paid = paid.filter(|_| is_comparable)?;
            return price.checked_sub(paid).map(|worth| (self.currency, worth));
        }
        let is_converted = invoiced.is_some_and(|invoiced| {
            matches!(invoiced.standing, Standing::Differs(Class::ConvertedByServer, _))
        });
        if is_converted {
            // A unit of the invoice is not one of the usage, so only a stated price can be set against it.
            let stated = stated.filter(|stated| prices::is_compatible(stated.currency, self.currency))?;
            return stated.price?.checked_sub(paid?).map(|worth| (self.currency, worth));
        }
        let sides = (key.cell.in_file, key.cell.on_server);
        prices::worth(key.file, sides, stated, reference, (paid, self.sides.has_file()))
    }
}

/// The line of a key that was judged.
fn finish(key: KeyRows<'_>, class: Class, also: Classes, more: Option<Box<More>>) -> Line {
    Line {
        class,
        also,
        period: key.cell.period,
        subject: key.numbers.0,
        component: key.numbers.1,
        file: key.cell.in_file,
        server: key.cell.on_server,
        cell: key.file.first().map(|row| row.cell),
        usage: key.server.first().map(|row| row.id),
        more,
    }
}
