//! Lines and usages become charges.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use crate::domain::{Amount, ExactTotal, apportion, share};

use super::charge::{Category, Charge, Costs, Frequency, Measured, Month, Sku};
use super::consumption::{Consumed, Usage};
use super::directory::{Component, Directory};
use super::error::FocusError;
use super::lines::{Invoice, Line, QUANTITY};

/// The unit of what has none.
const UNITLESS: &str = "Units";

/// What is needed to make charges.
pub(super) struct Mapping<'a, 'm> {
    pub(super) month: &'m Month<'a>,
    pub(super) directory: &'m Directory<'a>,
    pub(super) invoices: &'a [Invoice<'a>],
    /// The organisations of which there is an invoice.
    pub(super) invoiced: HashSet<&'a str>,
}

impl<'a> Mapping<'a, '_> {
    /// The charge of a line, with the usage that it bills.
    pub(super) fn of_line(
        &self,
        line: &Line<'a>,
        consumed: Option<&Consumed<'a>>,
    ) -> Result<Charge<'a>, FocusError> {
        let (directory, invoice) = (self.directory, &self.invoices[line.invoice]);
        let resource = line.resource.as_deref().and_then(|uuid| directory.resource(uuid));
        let component = line
            .offering
            .as_deref()
            .zip(line.component.as_deref())
            .and_then(|(offering, component)| directory.component(offering, component));
        let category = match (&consumed, line.offering.is_some()) {
            (_, _) if line.is_credit() => Category::Credit,
            (Some(_), _) => Category::Usage,
            (None, true) => Category::Purchase,
            (None, false) => Category::Adjustment,
        };
        let account = invoice.customer.clone().or_else(|| resource.and_then(|known| known.customer.clone()));
        let account =
            account.ok_or_else(|| FocusError::UnknownInvoice { line: line.uuid.clone().into_owned() })?;
        let (start, end) = match (line.start, line.end) {
            (Some(start), Some(end)) if start < end => (start, end),
            _ => (self.month.start(), self.month.end()),
        };
        let has_price = matches!(category, Category::Usage | Category::Purchase | Category::Adjustment);
        let contracted =
            if has_price { product(line.quantity, line.unit_price, &line.uuid)? } else { line.price };
        let Consumed { amount, usages, policy } = consumed.cloned().unwrap_or_default();
        Ok(Charge {
            id: format!("line:{}", line.uuid),
            category,
            is_correction: category == Category::Credit && end <= self.month.start(),
            frequency: frequency(category, component, line.unit.as_deref()),
            description: line.name.clone().or_else(|| component.and_then(|known| known.name.clone())),
            start,
            end,
            account: (account.clone(), directory.name("organisation", &account)),
            project: line.project.clone().map(|uuid| {
                let name = directory.name("project", &uuid);
                (uuid, name)
            }),
            resource: line.resource.clone(),
            resource_name: resource.and_then(|known| known.name.clone()),
            service: directory.service(line.offering.as_deref(), &line.uuid),
            sku: sku(line.offering.as_ref(), line.component.as_ref(), line.plan.as_ref(), component),
            consumed: consumed.is_some().then(|| (amount, own_unit(line.measured_unit.as_ref(), component))),
            priced: has_price.then(|| priced(line, component)),
            unit_price: has_price.then_some(line.unit_price),
            costs: Costs { billed: line.price, contracted },
            invoice: Some(invoice),
            component: line.component.clone(),
            usages,
            policy,
            line: Some(line.uuid.clone()),
            offering: line.offering.clone(),
            plan: line.plan.clone(),
            plan_period: line.plan_period.clone(),
            article_code: line.article_code.clone(),
        })
    }

    /// The charge of a usage that no line bills: nothing is asked for it.
    pub(super) fn of_usage(&self, usage: Usage<'a>) -> Result<Charge<'a>, FocusError> {
        let directory = self.directory;
        let unknown = || FocusError::UnknownResource {
            usage: usage.uuid.clone().into_owned(),
            resource: usage.resource.clone().into_owned(),
        };
        let resource = directory.resource(&usage.resource).ok_or_else(unknown)?;
        let account = resource.customer.clone().ok_or_else(unknown)?;
        // An account that is shown no invoice must not make everything look free of charge.
        if !self.month.settings.without_invoices && !self.invoiced.contains(account.as_ref()) {
            let (usage, organisation) = (usage.uuid.into_owned(), account.into_owned());
            return Err(FocusError::NoInvoice { usage, organisation });
        }
        let offering = resource.offering.clone();
        let component =
            offering.as_deref().and_then(|offering| directory.component(offering, &usage.component));
        let unit = own_unit(None, component);
        let what = component.and_then(|known| known.name.clone()).unwrap_or_else(|| usage.component.clone());
        let description = match &resource.name {
            Some(name) => Cow::Owned(format!("{name} / {what}")),
            None => what,
        };
        Ok(Charge {
            id: format!("usage:{}", usage.uuid),
            category: Category::Usage,
            is_correction: false,
            frequency: Frequency::UsageBased,
            description: Some(description),
            start: self.month.start(),
            end: self.month.end(),
            account: (account.clone(), directory.name("organisation", &account)),
            project: resource.project.clone().map(|uuid| {
                let name = directory.name("project", &uuid);
                (uuid, name)
            }),
            resource_name: resource.name.clone(),
            service: directory.service(offering.as_deref(), &usage.uuid),
            sku: sku(offering.as_ref(), Some(&usage.component), resource.plan.as_ref(), component),
            consumed: Some((usage.amount, unit.clone())),
            priced: Some((usage.amount, unit)),
            unit_price: Some(Amount::ZERO),
            costs: Costs::default(),
            invoice: None,
            component: Some(usage.component),
            usages: vec![usage.uuid],
            policy: usage.policy,
            line: None,
            offering,
            plan: resource.plan.clone(),
            plan_period: None,
            article_code: None,
            resource: Some(usage.resource),
        })
    }

    /// The taxes on the charges of lines, so that those of an invoice come to what it says.
    pub(super) fn taxes(
        &self,
        lines: &[Line<'a>],
        charges: &[Charge<'a>],
    ) -> Result<Vec<Charge<'a>>, FocusError> {
        let mut of_invoice: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, line) in lines.iter().enumerate() {
            of_invoice.entry(line.invoice).or_default().push(at);
        }
        let mut taxes = Vec::new();
        for (at, own) in of_invoice {
            let invoice = &self.invoices[at];
            let too_large = || FocusError::TooLarge(format!("invoice {}", invoice.id()));
            let told = || Amount::total(own.iter().filter_map(|&at| lines[at].tax));
            let tax = invoice.tax.or_else(told).ok_or_else(too_large)?;
            if tax.is_zero() {
                continue;
            }
            let prices: Vec<Amount> = own.iter().map(|&at| lines[at].price).collect();
            // Of a part of the lines nobody knows what the others come to; the invoice does.
            let (whole, shares) = if self.month.settings.is_filtered {
                let shares = prices.iter().map(|price| share(tax, *price, invoice.price).unwrap_or_default());
                (invoice.price, shares.collect())
            } else {
                let whole = Amount::total(prices.iter().copied()).ok_or_else(too_large)?;
                (whole, apportion(tax, &prices).ok_or_else(too_large)?)
            };
            for (at, billed) in own.into_iter().zip(shares) {
                let contracted = share(tax, charges[at].costs.contracted, whole).unwrap_or(billed);
                if !billed.is_zero() || !contracted.is_zero() {
                    taxes.push(tax_on(&charges[at], &lines[at].uuid, Costs { billed, contracted }));
                }
            }
        }
        Ok(taxes)
    }
}

fn tax_on<'a>(charge: &Charge<'a>, line: &str, costs: Costs) -> Charge<'a> {
    let description =
        charge.description.as_ref().map(|description| Cow::Owned(format!("Tax on {description}")));
    Charge {
        id: format!("tax:{line}"),
        category: Category::Tax,
        description,
        sku: None,
        consumed: None,
        priced: None,
        unit_price: None,
        costs,
        usages: Vec::new(),
        policy: None,
        ..charge.clone()
    }
}

/// What quantity and price come to, to the tenth decimal place.
fn product(quantity: Amount, price: Amount, line: &str) -> Result<Amount, FocusError> {
    let mut total = ExactTotal::default();
    let product = total.add_product(quantity, price).and_then(|()| total.rounded());
    product.ok_or_else(|| FocusError::TooLarge(format!("line {line}")))
}

fn frequency(category: Category, component: Option<&Component>, unit: Option<&str>) -> Frequency {
    match category {
        Category::Usage => return Frequency::UsageBased,
        Category::Credit => return Frequency::OneTime,
        Category::Purchase | Category::Tax | Category::Adjustment => {}
    }
    let limit_period = component.and_then(|known| known.limit_period.as_deref());
    match component.and_then(|known| known.billing_type.as_deref()) {
        Some("one" | "few") => Frequency::OneTime,
        Some("limit") if limit_period == Some("total") => Frequency::OneTime,
        Some("fixed" | "limit") => Frequency::Recurring,
        Some(_) | None if unit.is_none_or(|unit| unit == QUANTITY) => Frequency::OneTime,
        Some(_) | None => Frequency::Recurring,
    }
}

/// What is sold is the component of an offering, or the offering as such; its price is that of a plan. The
/// offering is part of it, because offerings may share a plan and name their components alike.
fn sku<'a>(
    offering: Option<&Cow<'a, str>>,
    component: Option<&Cow<'a, str>>,
    plan: Option<&Cow<'a, str>>,
    known: Option<&Component<'a>>,
) -> Option<Sku<'a>> {
    let offering = offering?;
    let id = component.map_or_else(|| offering.to_string(), |component| format!("{offering}/{component}"));
    let price_id = plan.map_or_else(|| id.clone(), |plan| format!("{id}/{plan}"));
    let meter = known.and_then(|known| known.name.clone()).or_else(|| component.cloned());
    Some(Sku { id, price_id, meter })
}

/// The unit of a component, as the line has it or the offering.
fn own_unit<'a>(of_line: Option<&Cow<'a, str>>, component: Option<&Component<'a>>) -> Cow<'a, str> {
    let own = of_line.cloned().or_else(|| component.and_then(|known| known.measured_unit.clone()));
    own.unwrap_or(Cow::Borrowed(UNITLESS))
}

/// What a line counts. Time is counted in months or days of it; of a limit, in so many units for as long.
fn priced<'a>(line: &Line<'a>, component: Option<&Component<'a>>) -> Measured<'a> {
    let own = || own_unit(line.measured_unit.as_ref(), component);
    let time = match line.unit.as_deref() {
        None | Some(QUANTITY) => return (line.quantity, own()),
        Some("month") => Cow::Borrowed("Months"),
        Some("quarter") => Cow::Borrowed("Quarters"),
        Some("half_month") => Cow::Borrowed("Half-Months"),
        Some("day") => Cow::Borrowed("Days"),
        Some("hour") => Cow::Borrowed("Hours"),
        Some(other) => Cow::Owned(other.to_owned()),
    };
    let is_limit = component.is_some_and(|known| known.billing_type.as_deref() == Some("limit"));
    (line.quantity, if is_limit { Cow::Owned(format!("{}-{time}", own())) } else { time })
}
