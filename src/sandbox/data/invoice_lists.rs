//! Filtered, ordered lists of invoice items.
//!
//! An item never changes what it is listed by, and items are only ever added; so a long list is
//! sorted once and kept, and later items are worked into it.

use std::cmp::Reverse;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::invoices::{InvoiceTable, Item};
use super::{Data, Resource};
use crate::domain::Amount;

/// Lists shorter than this are made anew each time.
const WORTH_KEEPING: usize = 2_000;
/// How many long lists are kept.
const KEPT: usize = 6;

/// In which order items are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::sandbox) enum ItemOrder {
    /// What began first.
    #[default]
    Start,
    /// Of the latest made invoice.
    NewestInvoice,
}

/// Whose items a reader may see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::sandbox) enum ItemsSeen {
    /// Everybody's.
    #[default]
    All,
    /// Those that these customers are billed for.
    BilledTo(Vec<usize>),
    /// Those of offerings of these customers.
    ProvidedBy(Vec<usize>),
}

/// Which items a list shows; `None` shows all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::sandbox) struct ItemFilter {
    pub seen: ItemsSeen,
    pub order: ItemOrder,
    /// Matches nothing at all.
    pub nothing: bool,
    pub resource: Option<Uuid>,
    pub offering: Option<Uuid>,
    pub project: Option<Uuid>,
    pub customer: Option<Uuid>,
    pub year: Option<Amount>,
    pub month: Option<Amount>,
    pub start_year: Option<Amount>,
    pub start_month: Option<Amount>,
    /// Where the year and the month of a start are told; `None` is UTC.
    pub zone: Option<TimeZone>,
}

#[derive(Debug)]
struct Kept {
    filter: ItemFilter,
    rows: Arc<Vec<usize>>,
    /// How many of the table's items are worked in.
    seen: usize,
}

/// The long lists that are kept, least recently used first.
#[derive(Debug, Default)]
pub(super) struct Lists(Mutex<Vec<Kept>>);

impl Data {
    /// The items that pass a filter, in its order; equal ones in storage order.
    pub(in crate::sandbox) fn list_items(&self, filter: &ItemFilter) -> Arc<Vec<usize>> {
        let table = &self.invoices;
        let mut kept = table.lists.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = kept.iter().position(|list| list.filter == *filter) {
            let mut list = kept.remove(at);
            self.catch_up(&mut list);
            let rows = Arc::clone(&list.rows);
            kept.push(list);
            return rows;
        }
        let candidates = self.candidate_items(filter);
        let is_worth_keeping = candidates.len() >= WORTH_KEEPING;
        let rows = Arc::new(self.sorted_items(filter, candidates));
        if is_worth_keeping {
            if kept.len() == KEPT {
                kept.remove(0);
            }
            kept.push(Kept { filter: filter.clone(), rows: Arc::clone(&rows), seen: table.item_count() });
        }
        rows
    }

    /// Whether an item passes a filter.
    pub(in crate::sandbox) fn item_matches(&self, filter: &ItemFilter, at: usize) -> bool {
        let item = self.invoices.item(at);
        let invoice = self.invoices.invoice(item.invoice);
        let resource = &self.resources[item.resource];
        let is = |wanted: Option<Amount>, number: u32| wanted.is_none_or(|it| it == Amount::from(number));
        !filter.nothing
            && self.sees_item(&filter.seen, item, resource)
            && filter.resource.is_none_or(|uuid| uuid == resource.uuid)
            && filter.offering.is_none_or(|uuid| uuid == self.offerings[resource.offering].uuid)
            && filter.project.is_none_or(|uuid| uuid == self.projects[resource.project].uuid)
            && filter.customer.is_none_or(|uuid| uuid == self.customers[invoice.customer].uuid)
            && is(filter.year, whole(invoice.period.year()))
            && is(filter.month, whole(invoice.period.month().into()))
            && starts_when(filter, item)
    }

    fn sees_item(&self, seen: &ItemsSeen, item: &Item, resource: &Resource) -> bool {
        match seen {
            ItemsSeen::All => true,
            ItemsSeen::BilledTo(customers) => customers.contains(&self.customer_of_item(item)),
            ItemsSeen::ProvidedBy(customers) => {
                customers.contains(&self.offerings[resource.offering].customer)
            }
        }
    }

    /// The items of the narrowest index.
    fn candidate_items(&self, filter: &ItemFilter) -> Vec<usize> {
        let table = &self.invoices;
        if filter.nothing {
            return Vec::new();
        }
        if let Some(uuid) = filter.resource {
            let items = self.resource(uuid).map(|at| table.items_of(at).map(|(at, _)| at).collect());
            return items.unwrap_or_default();
        }
        let customers: Option<Vec<usize>> = match (filter.customer, &filter.seen) {
            (Some(uuid), _) => {
                Some(self.customers.iter().position(|customer| customer.uuid == uuid).into_iter().collect())
            }
            (None, ItemsSeen::BilledTo(customers)) => Some(customers.clone()),
            (None, ItemsSeen::All | ItemsSeen::ProvidedBy(_)) => None,
        };
        let Some(customers) = customers else { return (0..table.item_count()).collect() };
        let invoices = customers.into_iter().flat_map(|customer| table.of_customer(customer));
        invoices.flat_map(|&at| table.invoice(at).items.iter().copied()).collect()
    }

    fn sorted_items(&self, filter: &ItemFilter, mut rows: Vec<usize>) -> Vec<usize> {
        rows.retain(|&at| self.item_matches(filter, at));
        self.invoices.sort(filter.order, &mut rows);
        rows
    }

    /// Works the items that are newer than a list into it.
    fn catch_up(&self, list: &mut Kept) {
        let table = &self.invoices;
        if list.seen < table.item_count() {
            let news = self.sorted_items(&list.filter, (list.seen..table.item_count()).collect());
            list.rows = Arc::new(table.merged(list.filter.order, &list.rows, &news));
            list.seen = table.item_count();
        }
    }
}

impl InvoiceTable {
    fn sort(&self, order: ItemOrder, rows: &mut [usize]) {
        match order {
            ItemOrder::Start => rows.sort_by_key(|&at| (self.item(at).start, at)),
            ItemOrder::NewestInvoice => rows.sort_by_key(|&at| (Reverse(self.made(at)), at)),
        }
    }

    /// When the invoice of an item was made.
    fn made(&self, at: usize) -> Date {
        self.invoice(self.item(at).invoice).created
    }

    fn is_before(&self, order: ItemOrder, left: usize, right: usize) -> bool {
        match order {
            ItemOrder::Start => (self.item(left).start, left) < (self.item(right).start, right),
            ItemOrder::NewestInvoice => (Reverse(self.made(left)), left) < (Reverse(self.made(right)), right),
        }
    }

    /// Merges a few sorted rows into many.
    fn merged(&self, order: ItemOrder, many: &[usize], few: &[usize]) -> Vec<usize> {
        let mut merged = Vec::with_capacity(many.len() + few.len());
        let mut rest = many;
        for &at in few {
            let before = rest.partition_point(|&other| self.is_before(order, other, at));
            merged.extend_from_slice(&rest[..before]);
            merged.push(at);
            rest = &rest[before..];
        }
        merged.extend_from_slice(rest);
        merged
    }
}

/// Whether the start of an item passes a filter; its day is looked for only where it is asked for.
fn starts_when(filter: &ItemFilter, item: &Item) -> bool {
    if filter.start_year.is_none() && filter.start_month.is_none() {
        return true;
    }
    let start = item.start.to_zoned(filter.zone.clone().unwrap_or(TimeZone::UTC));
    let is = |wanted: Option<Amount>, number: i16| wanted.is_none_or(|it| it == Amount::from(whole(number)));
    is(filter.start_year, start.year()) && is(filter.start_month, start.month().into())
}

/// A year or a month as the number that a filter compares it with.
fn whole(number: i16) -> u32 {
    u32::try_from(number).unwrap_or_default()
}
