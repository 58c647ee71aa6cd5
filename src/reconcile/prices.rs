//! What a file says of money, and whether that is what the usage costs.
//!
//! A line costs quantity times unit price, rounded up to the cent, line by line. Prices in different
//! currencies are not compared, and never added together.

use crate::domain::{Amount, Currency, RoundingRule, Unrounded, line_price};
use crate::plan::InvoiceLine;
use crate::resolve::StatedMoney;

use super::report::{Billed, Stated};
use super::rows::FileRow;
use super::totals::size;

/// What is wrong with a price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceFault {
    /// What is wrong.
    pub note: String,
    /// By how much; `None` where no number says it.
    pub difference: Option<Amount>,
    /// Whether it is wrong for sure: the price of another plan may be that of an earlier one.
    pub is_sure: bool,
}

impl PriceFault {
    fn new(note: String, difference: Option<Amount>) -> Self {
        Self { note, difference, is_sure: true }
    }
}

/// What the prices of a key are held against.
#[derive(Debug, Clone, Copy)]
pub struct Reference<'a> {
    /// The currency of the server's prices.
    pub currency: Option<Currency>,
    /// The price of the plan of today.
    pub plan_price: Option<Amount>,
    /// The prices of all plans, which the resource may have had.
    pub plan_prices: &'a [Amount],
    /// What the invoice says.
    pub billed: Option<&'a Billed>,
    pub lines: &'a [&'a InvoiceLine],
    /// The quantity of the file, and whether it is that of the invoice or else the server.
    pub quantity: Option<Amount>,
    pub is_same_quantity: bool,
    /// Whether both are of one unit, so that the prices of a unit can be compared.
    pub is_same_unit: bool,
}

fn money(row: &FileRow) -> Option<&StatedMoney> {
    row.more.as_deref().and_then(|more| more.line.money.as_ref())
}

/// What the rows of a key say, added up. What only some of them say is not told.
pub fn stated(rows: &[FileRow]) -> Option<Stated> {
    let all: Vec<&StatedMoney> = rows.iter().filter_map(money).collect();
    let first = *all.first()?;
    let is_each = all.len() == rows.len();
    let has_one_currency = all.iter().all(|one| one.currency == first.currency);
    let sum = |of: fn(&StatedMoney) -> Option<Amount>| {
        let amounts: Option<Vec<Amount>> = all.iter().map(|one| of(one)).collect();
        amounts.filter(|_| is_each && has_one_currency).and_then(Amount::total)
    };
    let has_one_price = is_each && all.iter().all(|one| one.unit_price == first.unit_price);
    Some(Stated {
        unit_price: first.unit_price.filter(|_| has_one_price && has_one_currency),
        price: sum(|one| one.price),
        tax: sum(|one| one.tax),
        currency: first.currency.filter(|_| has_one_currency),
        invoice_number: all.iter().find_map(|one| one.invoice_number.clone()),
        customer: all.iter().find_map(|one| one.customer.clone()),
    })
}

/// Whether a currency can be that of the server: it is, or one of the two is not told.
pub fn is_compatible(stated: Option<Currency>, server: Option<Currency>) -> bool {
    stated.is_none() || server.is_none() || stated == server
}

/// What is wrong with the prices of a key, the gravest first.
pub fn faults(rows: &[FileRow], stated: Option<&Stated>, reference: &Reference<'_>) -> Vec<PriceFault> {
    let mut faults = Vec::new();
    if let Some(stated) = stated {
        against_reference(stated, reference, &mut faults);
        own_products(rows, &mut faults);
        let first = rows.iter().filter_map(money).find_map(|one| one.currency);
        if rows.iter().filter_map(money).any(|one| one.currency.is_some() && one.currency != first) {
            let note = "its rows state different currencies, which are not added together".to_owned();
            faults.push(PriceFault::new(note, None));
        }
    }
    for line in reference.lines {
        let product = line_price(line.quantity, line.unit_price);
        if let (Some(told), Some(product)) = (line.told_price, product)
            && told != product
        {
            let note = format!("the invoice has {told} for what comes to {product}");
            faults.push(PriceFault::new(note, told.checked_sub(product)));
        }
    }
    faults
}

/// What is stated against the invoice, or the plan where there is none.
fn against_reference(stated: &Stated, reference: &Reference<'_>, faults: &mut Vec<PriceFault>) {
    if !is_compatible(stated.currency, reference.currency) {
        let shown = |currency: Option<Currency>| currency.map_or_else(String::new, |own| own.to_string());
        let note = format!(
            "the file states {} and the server {}: the prices are not compared",
            shown(stated.currency),
            shown(reference.currency)
        );
        faults.push(PriceFault::new(note, None));
        return;
    }
    let Some(billed) = reference.billed else { return against_plans(stated, reference, faults) };
    let price = reference.is_same_quantity.then_some(billed.price);
    let price_difference = differing(stated.price, price);
    let unit_price = billed.unit_price.filter(|_| reference.is_same_unit);
    if let Some((own, other)) = differing(stated.unit_price, unit_price) {
        // What a unit costs is no sum that a tolerance could be held against; what it comes to is.
        let worth = price_difference.and_then(|(own, other)| own.checked_sub(other)).or_else(|| {
            let quantity = reference.quantity?;
            line_price(quantity, own)?.checked_sub(line_price(quantity, other)?)
        });
        let note = format!("a unit costs {own} in the file and {other} on the invoice");
        faults.push(PriceFault::new(note, worth));
    }
    if let Some((own, other)) = price_difference {
        let note = format!("the file has the price {own}, and the invoice {other}");
        faults.push(PriceFault::new(note, own.checked_sub(other)));
    }
}

/// What is stated against the plans, where no invoice says what was billed. The price of the plan of
/// today may not be that of the month, so only what is the price of no plan is wrong for sure.
fn against_plans(stated: &Stated, reference: &Reference<'_>, faults: &mut Vec<PriceFault>) {
    let Reference { plan_price: Some(today), plan_prices, quantity: Some(quantity), .. } = *reference else {
        return;
    };
    let cost = |unit: Amount| line_price(quantity, unit);
    if let Some((own, other)) = differing(stated.unit_price, Some(today).filter(|_| reference.is_same_unit)) {
        let worth = cost(own).zip(cost(other)).and_then(|(own, other)| own.checked_sub(other));
        let is_sure = !plan_prices.contains(&own);
        let note = format!("a unit costs {own} in the file and {other} by the plan of today");
        faults.push(PriceFault { note, difference: worth, is_sure });
    } else if reference.is_same_quantity
        && stated.unit_price.is_none()
        && let Some((own, other)) = differing(stated.price, cost(today))
    {
        let is_sure = !plan_prices.iter().any(|price| cost(*price) == Some(own));
        let note = format!("the file has the price {own}, and by the plan of today it is {other}");
        faults.push(PriceFault { note, difference: own.checked_sub(other), is_sure });
    }
}

fn differing(stated: Option<Amount>, other: Option<Amount>) -> Option<(Amount, Amount)> {
    stated.zip(other).filter(|(own, other)| own != other)
}

/// Whether the price of each row is its quantity times its unit price.
fn own_products(rows: &[FileRow], faults: &mut Vec<PriceFault>) {
    for row in rows {
        let Some(StatedMoney { unit_price: Some(unit), price: Some(price), .. }) = money(row) else {
            continue;
        };
        // A unit price is of the unit that the file has.
        if row.more.as_deref().is_some_and(|more| more.converted.is_some()) {
            continue;
        }
        let Some(product) = line_price(row.amount, *unit).filter(|product| product != price) else {
            continue;
        };
        let rounding = if is_nearest(row.amount, *unit, *price) {
            "; the file rounds to the nearest cent, and invoices round up"
        } else {
            ""
        };
        let note =
            format!("the file has {price} for {} at {unit}, which comes to {product}{rounding}", row.amount);
        faults.push(PriceFault::new(note, price.checked_sub(product)));
    }
}

/// Whether a price is the product rounded to the nearest cent, or cut off.
fn is_nearest(quantity: Amount, unit: Amount, price: Amount) -> bool {
    let mut total = crate::domain::ExactTotal::default();
    let product = total.add_product(size(quantity), size(unit)).and_then(|()| total.rounded());
    product.is_some_and(|product| {
        let rules = [RoundingRule::HalfUp, RoundingRule::HalfEven, RoundingRule::Down];
        rules.iter().any(|rule| Unrounded::from(product).to_cents(*rule) == Some(size(price)))
    })
}

/// What a difference is worth.
pub fn worth(
    (file, server): (Option<Amount>, Option<Amount>),
    stated: Option<&Stated>,
    reference: &Reference<'_>,
    (paid, has_file): (Option<Amount>, bool),
) -> Option<(Option<Currency>, Amount)> {
    let server_price = reference.billed.and_then(|billed| billed.unit_price).or(reference.plan_price);
    let compatible = stated.filter(|stated| is_compatible(stated.currency, reference.currency));
    let currency = reference.currency.or_else(|| compatible.and_then(|stated| stated.currency));
    let unit_price = server_price.or_else(|| compatible.and_then(|stated| stated.unit_price));
    let cost = |quantity: Option<Amount>| match quantity {
        None => Some(Amount::ZERO),
        Some(quantity) if quantity.is_zero() => Some(Amount::ZERO),
        Some(quantity) => line_price(quantity, unit_price?),
    };
    let stated_price =
        compatible.and_then(|stated| stated.price.or_else(|| line_price(file?, stated.unit_price?)));
    let one = if has_file { stated_price.or_else(|| cost(file)) } else { cost(server) };
    if let (Some(one), Some(paid)) = (one, paid) {
        return one.checked_sub(paid).map(|worth| (currency, worth));
    }
    if !has_file {
        // Nobody sees whether it is billed, so all of it is open.
        return one.map(|worth| (currency, worth));
    }
    if let (Some(price), Some(other)) = (stated_price, cost(server)) {
        return price.checked_sub(other).map(|worth| (currency, worth));
    }
    let difference = file.unwrap_or_default().checked_sub(server.unwrap_or_default())?;
    if difference.is_zero() {
        return Some((currency, Amount::ZERO));
    }
    if let Some(unit_price) = unit_price {
        return line_price(difference, unit_price).map(|worth| (currency, worth));
    }
    // Only the file tells a price, in a currency of its own.
    let stated = stated.filter(|_| server.unwrap_or_default().is_zero())?;
    let price = stated.price.or_else(|| line_price(file?, stated.unit_price?))?;
    Some((stated.currency, price))
}
