//! A charge, and what stands in its columns.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::domain::{Amount, BillingPeriod};

use super::directory::Service;
use super::lines::Invoice;
use super::settings::FocusSettings;

/// What kind of charge it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Category {
    /// Something was used.
    Usage,
    /// Something was bought: once, or for as long as it is kept.
    Purchase,
    /// A tax on another charge.
    Tax,
    /// Something was given back.
    Credit,
    /// A sum that stands on an invoice for no service of the catalogue.
    Adjustment,
}

impl Category {
    fn name(self) -> &'static str {
        match self {
            Self::Usage => "Usage",
            Self::Purchase => "Purchase",
            Self::Tax => "Tax",
            Self::Credit => "Credit",
            Self::Adjustment => "Adjustment",
        }
    }
}

/// How often it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frequency {
    OneTime,
    Recurring,
    UsageBased,
}

impl Frequency {
    fn name(self) -> &'static str {
        match self {
            Self::OneTime => "One-Time",
            Self::Recurring => "Recurring",
            Self::UsageBased => "Usage-Based",
        }
    }
}

/// What is sold.
#[derive(Debug, Clone)]
pub(super) struct Sku<'a> {
    pub(super) id: String,
    pub(super) price_id: String,
    pub(super) meter: Option<Cow<'a, str>>,
}

/// A quantity with its unit.
pub(super) type Measured<'a> = (Amount, Cow<'a, str>);

/// The costs, in the currency of the invoice.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Costs {
    /// What the invoice says.
    pub(super) billed: Amount,
    /// What quantity and agreed price come to.
    pub(super) contracted: Amount,
}

/// A charge.
#[derive(Debug, Clone)]
pub(super) struct Charge<'a> {
    pub(super) id: String,
    pub(super) category: Category,
    pub(super) is_correction: bool,
    pub(super) frequency: Frequency,
    pub(super) description: Option<Cow<'a, str>>,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    /// The organisation and its name.
    pub(super) account: (Cow<'a, str>, Cow<'a, str>),
    /// The project and its name.
    pub(super) project: Option<(Cow<'a, str>, Cow<'a, str>)>,
    pub(super) resource: Option<Cow<'a, str>>,
    pub(super) resource_name: Option<Cow<'a, str>>,
    pub(super) service: Service<'a>,
    pub(super) sku: Option<Sku<'a>>,
    pub(super) consumed: Option<Measured<'a>>,
    pub(super) priced: Option<Measured<'a>>,
    pub(super) unit_price: Option<Amount>,
    pub(super) costs: Costs,
    pub(super) invoice: Option<&'a Invoice<'a>>,
    pub(super) component: Option<Cow<'a, str>>,
    pub(super) usages: Vec<Cow<'a, str>>,
    pub(super) policy: Option<Cow<'a, str>>,
    pub(super) line: Option<Cow<'a, str>>,
    pub(super) offering: Option<Cow<'a, str>>,
    pub(super) plan: Option<Cow<'a, str>>,
    pub(super) plan_period: Option<Cow<'a, str>>,
    pub(super) article_code: Option<Cow<'a, str>>,
}

/// What all charges of a month have in common.
pub(super) struct Month<'a> {
    pub(super) settings: &'a FocusSettings,
    pub(super) deployment: &'a str,
    pub(super) period: BillingPeriod,
}

impl Month<'_> {
    /// The first moment of the month, where the server is.
    pub(super) fn start(&self) -> Timestamp {
        self.period.start_in(&self.settings.zone)
    }

    /// The first moment after it.
    pub(super) fn end(&self) -> Timestamp {
        self.period.next().start_in(&self.settings.zone)
    }
}

impl<'a> Charge<'a> {
    /// The cell of a column.
    #[expect(clippy::unnecessary_wraps, reason = "each cell may be empty")]
    pub(super) fn cell(&self, month: &Month<'a>, column: &str) -> Option<Cow<'a, str>> {
        fn amount<'a>(amount: Amount) -> Option<Cow<'a, str>> {
            Some(Cow::Owned(amount.to_string()))
        }
        fn instant<'a>(instant: Timestamp) -> Option<Cow<'a, str>> {
            Some(Cow::Owned(instant.to_string()))
        }
        let Service { name, category, subcategory, provider, publisher } = &self.service;
        match column {
            // Nothing is paid in advance and spread over months, and no list tells another price.
            "BilledCost" | "EffectiveCost" | "ListCost" => amount(self.costs.billed),
            "ContractedCost" => amount(self.costs.contracted),
            "BillingAccountId" => Some(self.account.0.clone()),
            "BillingAccountName" => Some(self.account.1.clone()),
            "BillingCurrency" => Some(Cow::Borrowed(month.settings.currency.as_str())),
            "BillingPeriodStart" => instant(month.start()),
            "BillingPeriodEnd" => instant(month.end()),
            "ChargeCategory" => Some(Cow::Borrowed(self.category.name())),
            "ChargeClass" => self.is_correction.then_some(Cow::Borrowed("Correction")),
            "ChargeDescription" => self.description.clone(),
            "ChargeFrequency" => Some(Cow::Borrowed(self.frequency.name())),
            "ChargePeriodStart" => instant(self.start),
            "ChargePeriodEnd" => instant(self.end),
            "ConsumedQuantity" => amount(self.consumed.as_ref()?.0),
            "ConsumedUnit" => Some(self.consumed.as_ref()?.1.clone()),
            "PricingQuantity" => amount(self.priced.as_ref()?.0),
            "PricingUnit" => Some(self.priced.as_ref()?.1.clone()),
            "ContractedUnitPrice" => amount(self.unit_price?),
            "InvoiceId" => Some(Cow::Borrowed(self.invoice?.id())),
            "InvoiceIssuerName" => Some(Cow::Borrowed(month.settings.invoice_issuer.as_str())),
            "ProviderName" => Some(provider.clone()),
            "PublisherName" => Some(publisher.clone()),
            "ResourceId" => self.resource.clone(),
            "ResourceName" => self.resource_name.clone(),
            "ServiceCategory" => Some(category.clone()),
            "ServiceName" => Some(name.clone()),
            "ServiceSubcategory" => Some(subcategory.clone()),
            "SkuId" => Some(Cow::Owned(self.sku.as_ref()?.id.clone())),
            "SkuMeter" => self.sku.as_ref()?.meter.clone(),
            "SkuPriceId" => Some(Cow::Owned(self.sku.as_ref()?.price_id.clone())),
            "SubAccountId" => Some(self.project.as_ref()?.0.clone()),
            "SubAccountName" => Some(self.project.as_ref()?.1.clone()),
            "x_waldur_charge_id" => Some(Cow::Owned(self.id.clone())),
            "x_waldur_deployment" => Some(Cow::Borrowed(month.deployment)),
            "x_waldur_billing_period" => Some(Cow::Owned(month.period.first_day())),
            "x_waldur_is_billed" => Some(Cow::Borrowed(if self.line.is_some() { "true" } else { "false" })),
            "x_waldur_component_type" => self.component.clone(),
            "x_waldur_component_usage_uuids" => {
                (!self.usages.is_empty()).then(|| self.usages.join(" ").into())
            }
            "x_waldur_missing_usage_policy" => self.policy.clone(),
            "x_waldur_invoice_item_uuid" => self.line.clone(),
            "x_waldur_invoice_uuid" => Some(self.invoice?.uuid.clone()),
            "x_waldur_invoice_state" => self.invoice?.state.clone(),
            "x_waldur_offering_uuid" => self.offering.clone(),
            "x_waldur_plan_uuid" => self.plan.clone(),
            "x_waldur_plan_period_uuid" => self.plan_period.clone(),
            "x_waldur_article_code" => self.article_code.clone(),
            // SkuPriceDetails: Waldur's prices have no properties but the plan, which has its own column.
            _ => None,
        }
    }
}
