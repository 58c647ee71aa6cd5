//! The columns of FOCUS 1.2 that Waldur can fill, and our own behind them.

use crate::warehouse::column::{Column, ColumnKind, Origin};

use ColumnKind::{Day, Fine, Flag, Instant, Text};

/// The columns of the table of charges: those of FOCUS by the alphabet, then ours.
///
/// Costs, prices and quantities are all fine decimals. What is billed has whole cents, but what an agreed
/// price comes to has as many places as quantity and price have together, and a tax of 22 percent has
/// four; one type for the four costs lets them be compared and added up as they stand.
pub(crate) fn columns() -> Vec<Column> {
    let must = |name, kind| Column::required(name, kind).from(Origin::Derived);
    let may = |name, kind| Column::optional(name, kind).from(Origin::Derived);
    vec![
        must("BilledCost", Fine),
        must("BillingAccountId", Text),
        must("BillingAccountName", Text),
        must("BillingCurrency", Text),
        must("BillingPeriodEnd", Instant),
        must("BillingPeriodStart", Instant),
        must("ChargeCategory", Text),
        may("ChargeClass", Text),
        may("ChargeDescription", Text),
        must("ChargeFrequency", Text),
        must("ChargePeriodEnd", Instant),
        must("ChargePeriodStart", Instant),
        may("ConsumedQuantity", Fine),
        may("ConsumedUnit", Text),
        must("ContractedCost", Fine),
        may("ContractedUnitPrice", Fine),
        must("EffectiveCost", Fine),
        may("InvoiceId", Text),
        must("InvoiceIssuerName", Text),
        must("ListCost", Fine),
        may("PricingQuantity", Fine),
        may("PricingUnit", Text),
        must("ProviderName", Text),
        must("PublisherName", Text),
        may("ResourceId", Text),
        may("ResourceName", Text),
        must("ServiceCategory", Text),
        must("ServiceName", Text),
        must("ServiceSubcategory", Text),
        may("SkuId", Text),
        may("SkuMeter", Text),
        may("SkuPriceDetails", Text),
        may("SkuPriceId", Text),
        may("SubAccountId", Text),
        may("SubAccountName", Text),
        must("x_waldur_charge_id", Text),
        must("x_waldur_deployment", Text),
        must("x_waldur_billing_period", Day),
        must("x_waldur_is_billed", Flag),
        may("x_waldur_component_type", Text),
        may("x_waldur_component_usage_uuids", Text),
        may("x_waldur_missing_usage_policy", Text),
        may("x_waldur_invoice_item_uuid", Text),
        may("x_waldur_invoice_uuid", Text),
        may("x_waldur_invoice_state", Text),
        may("x_waldur_offering_uuid", Text),
        may("x_waldur_plan_uuid", Text),
        may("x_waldur_plan_period_uuid", Text),
        may("x_waldur_article_code", Text),
    ]
}
