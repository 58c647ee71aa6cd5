//! What a file says of money, and whether that is what the usage costs.
//!
//! A line costs quantity times unit price, rounded up to the cent, line by line. What a key costs in the
//! file is held against what is billed for it, or else against what the file's own quantity costs: a
//! quantity that a rule lets pass, or one in another unit, lets no price pass with it. Prices in different
//! currencies are not compared, and never added together.

use std::collections::HashSet;
use std::sync::Arc;

use crate::domain::{Amount, Currency, RoundingRule, Unrounded, fold_name, line_price, visible};
use crate::plan::InvoiceLine;
use crate::resolve::{MoneyColumns, StatedMoney};

use super::report::{Billed, CellPlace, Stated};
use super::rows::FileRow;
use super::totals::size;

/// Where a price stands, and where its currency does.
const PRICED: [Column; 2] = [|columns| columns.price, |columns| columns.unit_price];
const IN_CURRENCY: [Column; 3] =
    [|columns| columns.currency, |columns| columns.price, |columns| columns.unit_price];

/// A column of money.
type Column = fn(&MoneyColumns) -> Option<u32>;

/// What is wrong with a price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceFault {
    /// What is wrong.
    pub note: String,
    /// By how much; `None` where no number says it.
    pub difference: Option<Amount>,
    /// Whether it is wrong for sure: the price of another plan may be that of an earlier one.
    pub is_sure: bool,
    /// The cell that says it, where the file does.
    pub cell: Option<CellPlace>,
    /// Whether it is the tax, which no price has in it.
    pub is_of_tax: bool,
}

impl PriceFault {
    fn new(note: String, difference: Option<Amount>) -> Self {
        Self { note, difference, is_sure: true, cell: None, is_of_tax: false }
    }

    fn doubtful(note: String, difference: Option<Amount>) -> Self {
        Self { is_sure: false, ..Self::new(note, difference) }
    }

    /// The same in the first cell that these rows have in these columns.
    fn at(self, rows: &[FileRow], columns: &[Column]) -> Self {
        let cell = |row: &FileRow, column: &Column| {
            Some(CellPlace { column: column(&money(row)?.columns)?, ..row.cell })
        };
        let mut cells = columns.iter().flat_map(|column| rows.iter().filter_map(|row| cell(row, column)));
        Self { cell: cells.next(), ..self }
    }
}

/// What the prices of a key are held against.
#[derive(Debug, Clone, Copy)]
pub struct Reference<'a> {
    /// The currency of the server's prices.
    pub currency: Option<Currency>,
    /// The price of the plan that the resource had, or of its plan of today.
    pub plan_price: Option<Amount>,
    /// The prices of all plans, which the resource may have had; none where it is known which it had.
    pub plan_prices: &'a [Amount],
    /// What the invoice says.
    pub billed: Option<&'a Billed>,
    pub lines: &'a [&'a InvoiceLine],
    /// What lines come to that bill it otherwise than by usage; `None` where usage is what is billed, or
    /// where that is not seen.
    pub otherwise: Option<Amount>,
    /// Whether usage is what is billed of the component.
    pub is_by_usage: bool,
    /// Whether the file has the quantity that is billed, or that the server made another one of.
    pub is_as_billed: bool,
    /// Whether the units of the sides are the same, so that prices of a unit can be compared.
    pub is_same_unit: bool,
    /// Whether the month can have been of one plan: of several rows, each can have had its own price.
    pub is_of_one_plan: bool,
    /// Whose resource it is, and all organisations that are known, by their folded names.
    pub organisation: Option<&'a str>,
    pub organisations: &'a HashSet<String>,
    /// The numbers of all invoices that were read.
    pub invoice_numbers: &'a HashSet<Arc<str>>,
}

fn money(row: &FileRow) -> Option<&StatedMoney> {
    row.more.as_deref().and_then(|more| more.line.money.as_ref())
}

/// The amount of a row in the unit that its prices are of.
fn priced_amount(row: &FileRow) -> Amount {
    row.more.as_deref().and_then(|more| more.line.written).unwrap_or(row.amount)
}

/// Whether the row's amount was taken into another unit than that of its prices.
fn is_converted(row: &FileRow) -> bool {
    row.more.as_deref().is_some_and(|more| more.line.written.is_some())
}

/// What a row asks for, where it says so or says what a unit costs.
fn row_price(row: &FileRow) -> Option<Amount> {
    let money = money(row)?;
    money.price.or_else(|| line_price(priced_amount(row), money.unit_price?))
}

/// What the rows of a key ask for in all, those without a price at that of the reference; `None` where none
/// has a price, or where there is nothing to take the others at.
fn asked(rows: &[FileRow], unit_price: Option<Amount>) -> Option<Amount> {
    if rows.iter().all(|row| row_price(row).is_none()) {
        return None;
    }
    let cost = |row: &FileRow| {
        if row.amount.is_zero() { Some(Amount::ZERO) } else { line_price(row.amount, unit_price?) }
    };
    let each = rows.iter().map(|row| row_price(row).or_else(|| cost(row)));
    each.collect::<Option<Vec<Amount>>>().and_then(Amount::total)
}

/// Whether each row says what it asks for.
pub fn is_priced(rows: &[FileRow]) -> bool {
    rows.iter().all(|row| row_price(row).is_some())
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
        let currencies: Vec<Option<Currency>> =
            rows.iter().filter_map(money).map(|one| one.currency).collect();
        let first = currencies.first().copied().flatten();
        if currencies.iter().any(|own| *own != first) {
            let note = "its rows state different currencies, which are not added together".to_owned();
            let other = rows.iter().position(|row| money(row).is_some_and(|own| own.currency != first));
            let fault = PriceFault::new(note, None);
            faults.push(fault.at(&rows[other.unwrap_or_default()..], &IN_CURRENCY));
        } else if is_compatible(first, reference.currency) {
            of_units(rows, reference, &mut faults);
            own_products(rows, reference, &mut faults);
            of_all(rows, reference, &mut faults);
            of_tax(rows, stated, reference, &mut faults);
        } else {
            let shown = |currency: Option<Currency>| currency.map_or_else(String::new, |own| own.to_string());
            let (own, other) = (shown(first), shown(reference.currency));
            let note = format!("the file states {own} and the server {other}: the prices are not compared");
            faults.push(PriceFault::new(note, None).at(rows, &IN_CURRENCY));
            own_products(rows, reference, &mut faults);
        }
        of_names(rows, stated, reference, &mut faults);
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

/// What a unit costs, row by row.
fn of_units(rows: &[FileRow], reference: &Reference<'_>, faults: &mut Vec<PriceFault>) {
    let own = rows.iter().filter(|row| reference.is_same_unit && !is_converted(row));
    for (row, own) in own.filter_map(|row| Some((row, money(row)?.unit_price?))) {
        let of_lines = reference.lines.iter().map(|line| line.unit_price);
        let (other, whose) = match reference.lines.first() {
            Some(line) => (line.unit_price, "on the invoice"),
            None => match reference.plan_price {
                Some(price) => (price, "by the plan of today"),
                None => continue,
            },
        };
        if own == other || of_lines.clone().any(|price| price == own) {
            continue;
        }
        // What a unit costs is no sum that a tolerance could be held against; what it comes to is. Of what
        // is billed otherwise than by usage, usage does not tell what it comes to.
        let cost = |unit: Amount| line_price(row.amount, unit).filter(|_| reference.is_by_usage);
        let worth = cost(own).zip(cost(other)).and_then(|(own, other)| own.checked_sub(other));
        let note = format!("a unit costs {own} in the file and {other} {whose}");
        let is_of_plan = reference.is_of_one_plan && !reference.plan_prices.contains(&own);
        let is_sure = !reference.lines.is_empty() || is_of_plan;
        let fault = PriceFault { is_sure, ..PriceFault::new(note, worth) };
        faults.push(fault.at(std::slice::from_ref(row), &[|columns| columns.unit_price]));
        // One of them tells what is wrong.
        return;
    }
}

/// What the rows ask for in all.
fn of_all(rows: &[FileRow], reference: &Reference<'_>, faults: &mut Vec<PriceFault>) {
    let priced: Vec<(&FileRow, Amount)> =
        rows.iter().filter_map(|row| Some((row, row_price(row)?))).collect();
    let Some(own) = Amount::total(priced.iter().map(|(_, price)| *price)) else { return };
    if priced.is_empty() {
        return;
    }
    // A row that says nothing of money asks for none where its amount is nothing.
    let is_all = rows.iter().all(|row| row_price(row).is_some() || row.amount.is_zero());
    if !reference.is_by_usage {
        otherwise(rows, (own, is_all), reference, faults);
        return;
    }
    let at_price = |unit: Option<Amount>| -> Option<Amount> {
        let each: Option<Vec<Amount>> = priced
            .iter()
            .map(
                |(row, _)| {
                    if row.amount.is_zero() { Some(Amount::ZERO) } else { line_price(row.amount, unit?) }
                },
            )
            .collect();
        each.and_then(Amount::total)
    };
    let Some(billed) = reference.billed else {
        match at_price(reference.plan_price) {
            Some(other) if other == own => {}
            Some(other) => {
                let note = format!("the file has the price {own}, and by the plan of today it is {other}");
                let is_other = !reference.plan_prices.iter().any(|price| at_price(Some(*price)) == Some(own));
                let is_sure = is_other && reference.is_of_one_plan;
                let fault = PriceFault { is_sure, ..PriceFault::new(note, own.checked_sub(other)) };
                faults.push(fault.at(rows, &PRICED));
            }
            None => {
                let note = format!("the file has the price {own}, and no price is known to hold it against");
                faults.push(PriceFault::doubtful(note, None).at(rows, &PRICED));
            }
        }
        return;
    };
    let of_lines = billed.unit_price.filter(|_| reference.is_same_unit);
    let expected = at_price(of_lines);
    let is_billed = is_all && own == billed.price;
    if !is_billed && expected == Some(own) && is_all && reference.is_as_billed {
        // Each of its rows is rounded up, and the invoice rounds once.
        let note = format!("its rows ask for {own}, each rounded up, and the invoice for {}", billed.price);
        faults.push(PriceFault::doubtful(note, own.checked_sub(billed.price)).at(rows, &PRICED));
    }
    if is_billed || expected == Some(own) {
        return;
    }
    let held_against = if is_all && (reference.is_as_billed || expected.is_none()) {
        Some((billed.price, "the invoice"))
    } else {
        expected.map(|expected| (expected, "at the price of the invoice it is"))
    };
    let Some((other, whose)) = held_against else {
        let note = "prices stand on some of its rows alone, and its lines on the invoice have several prices";
        faults.push(PriceFault::doubtful(note.to_owned(), None).at(rows, &PRICED));
        return;
    };
    let note = if other == billed.price && whose == "the invoice" {
        format!("the file has the price {own}, and the invoice {other}")
    } else {
        format!("the file has the price {own}, and {whose} {other}")
    };
    faults.push(PriceFault::new(note, own.checked_sub(other)).at(rows, &PRICED));
}

/// What is billed by a limit, once or by time, against the lines that bill it so.
fn otherwise(
    rows: &[FileRow],
    (own, is_all): (Amount, bool),
    reference: &Reference<'_>,
    faults: &mut Vec<PriceFault>,
) {
    match reference.otherwise.filter(|_| is_all) {
        Some(other) if other == own => {}
        Some(other) => {
            let note = format!("the file has the price {own}, and the invoice {other}, not by usage");
            faults.push(PriceFault::new(note, own.checked_sub(other)).at(rows, &PRICED));
        }
        None if own.is_zero() => {}
        None => {
            let note =
                format!("the file has the price {own}; it is not billed by usage, and no line is seen");
            faults.push(PriceFault::doubtful(note, None).at(rows, &PRICED));
        }
    }
}

/// The tax, where both sides tell it of the same quantity. One that nothing tells is in doubt.
fn of_tax(rows: &[FileRow], stated: &Stated, reference: &Reference<'_>, faults: &mut Vec<PriceFault>) {
    let taxes: Vec<Amount> = rows.iter().filter_map(|row| money(row)?.tax).collect();
    let Some(own) = Amount::total(taxes.iter().copied()).filter(|_| !taxes.is_empty()) else { return };
    let told = reference.billed.and_then(|billed| {
        // What costs nothing bears no tax, and servers leave it out.
        billed.tax.or_else(|| billed.price.is_zero().then_some(Amount::ZERO))
    });
    let Some(other) = told else {
        if !own.is_zero() {
            let note = format!("the file has the tax {own}, and no invoice that is read tells it");
            faults.push(PriceFault::doubtful(note, None).at(rows, &[|columns| columns.tax]));
        }
        return;
    };
    if reference.is_as_billed && own != other {
        let note = format!("the file has the tax {own}, and the invoice {other}");
        // Of some of its rows alone, less than all is no fault for sure.
        let is_sure = stated.tax.is_some() || size(own) > size(other);
        let fault = PriceFault { is_sure, is_of_tax: true, ..PriceFault::new(note, own.checked_sub(other)) };
        faults.push(fault.at(rows, &[|columns| columns.tax]));
    }
}

/// Which invoice the file names, and who is to pay.
fn of_names(rows: &[FileRow], stated: &Stated, reference: &Reference<'_>, faults: &mut Vec<PriceFault>) {
    let on = reference.billed.and_then(|billed| billed.invoice_number.as_deref());
    if let Some((own, other)) = stated.invoice_number.as_deref().zip(on)
        && own.trim() != other.trim()
        // Any other number may be one of the provider's own.
        && reference.invoice_numbers.contains(own.trim())
    {
        let (own, other) = (visible(own.trim()), visible(other));
        let note = format!("the file names the invoice {own}, and it is on {other}");
        faults.push(PriceFault::new(note, None).at(rows, &[|columns| columns.invoice_number]));
    }
    if let Some((own, other)) = stated.customer.as_deref().zip(reference.organisation)
        && fold_name(own) != fold_name(other)
    {
        let note = format!("the file has {} pay for it, and it is of {}", visible(own), visible(other));
        // Any other spelling may be a name that the file has for the same one.
        let is_sure = reference.organisations.contains(&fold_name(own));
        let fault = PriceFault { is_sure, ..PriceFault::new(note, None) };
        faults.push(fault.at(rows, &[|columns| columns.customer]));
    }
}

/// Whether the price of each row is its quantity times its unit price.
fn own_products(rows: &[FileRow], reference: &Reference<'_>, faults: &mut Vec<PriceFault>) {
    for row in rows.iter().filter(|_| reference.is_by_usage) {
        let Some(StatedMoney { unit_price: Some(unit), price: Some(price), .. }) = money(row) else {
            continue;
        };
        let amount = priced_amount(row);
        let Some(product) = line_price(amount, *unit).filter(|product| product != price) else { continue };
        let rounding = if is_nearest(amount, *unit, *price) {
            "; the file rounds to the nearest cent, and invoices round up"
        } else {
            ""
        };
        let note = format!("the file has {price} for {amount} at {unit}, which comes to {product}{rounding}");
        let fault = PriceFault::new(note, price.checked_sub(product));
        faults.push(fault.at(std::slice::from_ref(row), &[|columns| columns.price]));
    }
}

/// Whether a price is the product rounded to the nearest cent, or cut off.
fn is_nearest(quantity: Amount, unit: Amount, price: Amount) -> bool {
    let mut total = crate::domain::ExactTotal::default();
    let product = total.add_product(size(quantity), size(unit)).and_then(|()| total.rounded());
    let has_one_sign = price.is_negative() == (quantity.is_negative() != unit.is_negative());
    product.filter(|_| has_one_sign).is_some_and(|product| {
        let rules = [RoundingRule::HalfUp, RoundingRule::HalfEven, RoundingRule::Down];
        rules.iter().any(|rule| Unrounded::from(product).to_cents(*rule) == Some(size(price)))
    })
}

/// What a difference is worth.
pub fn worth(
    rows: &[FileRow],
    (file, server): (Option<Amount>, Option<Amount>),
    stated: Option<&Stated>,
    reference: &Reference<'_>,
    (paid, has_file): (Option<Amount>, bool),
) -> Option<(Option<Currency>, Amount)> {
    let is_foreign = |stated: &Stated| {
        let tells = stated.price.or(stated.unit_price).is_some();
        tells && !is_compatible(stated.currency, reference.currency)
    };
    if has_file && server.is_some_and(|server| !server.is_zero()) && stated.is_some_and(is_foreign) {
        // What is asked for in one currency less what is owed in another is no number.
        return None;
    }
    let server_price = reference.billed.and_then(|billed| billed.unit_price).or(reference.plan_price);
    let compatible = stated.filter(|stated| is_compatible(stated.currency, reference.currency));
    let currency = reference.currency.or_else(|| compatible.and_then(|stated| stated.currency));
    // The price of a unit that the file has is not that of the unit that its amount was taken into.
    let own_unit = compatible.filter(|_| !rows.iter().any(is_converted)).and_then(|own| own.unit_price);
    let unit_price = server_price.or(own_unit);
    let cost = |quantity: Option<Amount>| match quantity {
        None => Some(Amount::ZERO),
        Some(quantity) if quantity.is_zero() => Some(Amount::ZERO),
        Some(quantity) => line_price(quantity, unit_price?),
    };
    let stated_price = compatible.and_then(|_| asked(rows, server_price));
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
    Some((stated.currency, asked(rows, None)?))
}
