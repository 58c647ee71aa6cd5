//! The paths at which money and statistics are read; nothing of it can be written from outside.

use super::route::lookup;
use super::{Answer, View, invoice_items, invoices, offering_statistics};

/// What a path of money asks for; ids are as spelt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum MoneyAction {
    Invoices,
    Invoice(String),
    Items,
    Item(String),
    ItemsTotal,
    ItemsCosts,
    ItemConsumptions(String),
    ProviderItems,
    ComponentStats(String),
    OfferingStats(String),
    UsagesPerMonth,
}

impl MoneyAction {
    /// Finds what the parts of a path ask for.
    pub(super) fn resolve(parts: &[&str]) -> Option<Self> {
        Some(match *parts {
            ["invoices"] => Self::Invoices,
            ["invoices", id] => Self::Invoice(lookup(id)?),
            ["invoice-items"] => Self::Items,
            ["invoice-items", "total_price"] => Self::ItemsTotal,
            ["invoice-items", "costs"] => Self::ItemsCosts,
            ["invoice-items", id] => Self::Item(lookup(id)?),
            ["invoice-items", id, "consumptions"] => Self::ItemConsumptions(lookup(id)?),
            ["provider-invoice-items"] => Self::ProviderItems,
            ["marketplace-provider-offerings", id, "component_stats"] => Self::ComponentStats(lookup(id)?),
            ["marketplace-stats", "component_usages_per_month"] => Self::UsagesPerMonth,
            ["marketplace-provider-offerings", id, "stats"] => Self::OfferingStats(lookup(id)?),
            _ => return None,
        })
    }

    /// The methods of the path.
    pub(super) fn allow(&self) -> &'static str {
        match self {
            Self::Invoices | Self::Items | Self::ProviderItems => "GET, POST, HEAD, OPTIONS",
            Self::Invoice(_) | Self::Item(_) => "GET, PUT, PATCH, DELETE, HEAD, OPTIONS",
            Self::ItemsTotal
            | Self::ItemsCosts
            | Self::ItemConsumptions(_)
            | Self::ComponentStats(_)
            | Self::OfferingStats(_)
            | Self::UsagesPerMonth => "GET, HEAD, OPTIONS",
        }
    }

    /// The name that `OPTIONS` tells.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Invoices => "Invoice List",
            Self::Invoice(_) => "Invoice Instance",
            Self::Items => "Invoice Item List",
            Self::Item(_) => "Invoice Item Instance",
            Self::ItemsTotal => "Total price",
            Self::ItemsCosts => "Costs",
            Self::ItemConsumptions(_) => "Consumptions",
            Self::ProviderItems => "Provider Invoice Items List",
            Self::ComponentStats(_) => "Component stats",
            Self::OfferingStats(_) => "Stats",
            Self::UsagesPerMonth => "Component usages per month",
        }
    }
}

/// Answers a path of money.
pub(super) fn read(view: &View, action: &MoneyAction) -> Answer {
    match action {
        MoneyAction::Invoices => invoices::list(view),
        MoneyAction::Invoice(id) => invoices::detail(view, id),
        MoneyAction::Items => invoice_items::list(view),
        MoneyAction::Item(id) => invoice_items::detail(view, id),
        MoneyAction::ItemsTotal => invoice_items::total_price(view),
        MoneyAction::ItemsCosts => invoice_items::costs(view),
        MoneyAction::ItemConsumptions(id) => invoice_items::consumptions(view, id),
        MoneyAction::ProviderItems => invoice_items::of_provider(view),
        MoneyAction::ComponentStats(id) => offering_statistics::component_stats(view, id),
        MoneyAction::OfferingStats(id) => offering_statistics::stats(view, id),
        MoneyAction::UsagesPerMonth => offering_statistics::usages_per_month(view),
    }
}
