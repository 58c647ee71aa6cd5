//! What was asked of the server, and what it did not show: said in every report.

use std::collections::BTreeMap;

use crate::domain::{BillingPeriod, CustomerId, PeriodRange};
use crate::plan::{InvoiceSeen, InvoiceViews, View};
use crate::reconcile::Endpoint;
use crate::resolve::Catalogue;
use crate::waldur::{InvoicesInFull, Side};

const PROVEN: &str = "counts and ids agree";

/// What was read of the scope and of usages.
pub fn of_usages(
    side: Side,
    catalogue: &Catalogue,
    months: (PeriodRange, &[BillingPeriod]),
    rows: usize,
) -> Vec<Endpoint> {
    let (periods, around) = months;
    let around: Vec<String> = around.iter().map(ToString::to_string).collect();
    let beside =
        if around.is_empty() { String::new() } else { format!("; {} to compare with", around.join(", ")) };
    let unlisted = match catalogue.count_unlisted() {
        0 => String::new(),
        1 => "; 1 resource that has usage is not in it".to_owned(),
        count => format!("; {count} resources that have usage are not in it"),
    };
    let endpoint = |path: &str, read: String, rows| Endpoint { path: path.to_owned(), read, rows };
    vec![
        endpoint(side.offerings(), "those in scope, one by one".into(), catalogue.offerings().len()),
        endpoint(
            side.resources(),
            format!("all of each offering, in every state; {PROVEN}{unlisted}"),
            catalogue.resources().count() - catalogue.count_unlisted(),
        ),
        endpoint(
            "marketplace-component-usages/",
            format!("{periods}, by month, offering and component; {PROVEN}{beside}"),
            rows,
        ),
    ]
}

/// What was read of invoices, and whose this account does not see.
pub fn of_invoices(
    read: &BTreeMap<BillingPeriod, InvoicesInFull>,
    customers: &[CustomerId],
) -> Vec<Endpoint> {
    let mut views = InvoiceViews::default();
    let mut rows: BTreeMap<&'static str, usize> = BTreeMap::new();
    let (mut hidden, mut not_made) = (0_usize, 0_usize);
    for month in read.values() {
        views.add(month.seen.views);
        for (path, count) in &month.rows {
            *rows.entry(path).or_default() += count;
        }
        for customer in customers {
            match month.seen.invoice(*customer) {
                InvoiceSeen::Hidden => hidden += 1,
                InvoiceSeen::NotMade => not_made += 1,
                InvoiceSeen::One(_) => {}
            }
        }
    }
    let of_customers = |count: usize, what: &str| match count {
        0 => String::new(),
        1 => format!("; 1 invoice {what}"),
        count => format!("; {count} invoices {what}"),
    };
    let invoices = of_customers(hidden, "not visible to this account") + &of_customers(not_made, "not made");
    let told = [
        ("invoices/", views.invoices, invoices),
        ("invoice-items/", views.invoice_items, String::new()),
        ("provider-invoice-items/", views.provider_invoice_items, String::new()),
    ];
    let asked = told.into_iter().filter_map(|(path, view, more)| {
        let read = said(view)?;
        let rows = rows.get(path).copied().unwrap_or_default();
        Some(Endpoint { path: path.to_owned(), read: format!("{read}{more}"), rows })
    });
    asked.collect()
}

/// What an endpoint showed; nothing where it was not asked.
fn said(view: View) -> Option<String> {
    match view {
        View::NotAsked => None,
        View::Refused => Some("refused this account, or is not on this server".into()),
        View::Nothing => Some("showed nothing; what it may hold is not visible to this account".into()),
        View::IgnoresFilters => Some("ignores its filters, so that nothing of it was used".into()),
        View::Something => Some(format!("by organisation and month, twice; {PROVEN}")),
    }
}
