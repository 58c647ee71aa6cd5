//! The columns that a usage table can have.

use crate::domain::{fold, fold_short};

/// A column with a meaning of its own; every other column is a component (wide form) or unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The uuid of the resource.
    ResourceUuid,
    /// The id of the resource in the provider's own system.
    ResourceBackendId,
    /// The short name of the resource.
    ResourceSlug,
    /// The display name of the resource.
    ResourceName,
    /// The offering in which backend id, slug and name are looked up.
    OfferingUuid,
    /// The same by its name.
    Offering,
    /// The month.
    BillingPeriod,
    /// The component (long form).
    ComponentType,
    /// The quantity (long form).
    Amount,
    /// The unit that the quantity was measured in (long form).
    Unit,
    /// A note that is stored with the usage.
    Description,
    /// Whether the amount is used again next month.
    Recurring,
    /// The same on newer servers: none, reuse or zero.
    MissingUsagePolicy,
    /// The plan period that the usage belongs to.
    PlanPeriod,
    /// The user whose share of the usage this is.
    Username,
    /// What a unit costs; like all that follow, read only where usage is compared with what is billed.
    UnitPrice,
    /// What the usage costs without tax.
    Price,
    /// The currency of the prices.
    Currency,
    /// The number of the invoice.
    InvoiceNumber,
    /// The organisation that pays.
    Customer,
    /// The tax on the price.
    Tax,
}

/// What the header of a column ends in that is there for people: it is left alone without a word.
pub const NOT_READ: &str = "(not read)";

impl Field {
    /// How many fields there are.
    pub const COUNT: usize = Self::ALL.len() + Self::MONEY.len();

    /// The fields of which usage is made.
    pub const ALL: [Self; 15] = [
        Self::ResourceUuid,
        Self::ResourceBackendId,
        Self::ResourceSlug,
        Self::ResourceName,
        Self::OfferingUuid,
        Self::Offering,
        Self::BillingPeriod,
        Self::ComponentType,
        Self::Amount,
        Self::Unit,
        Self::Description,
        Self::Recurring,
        Self::MissingUsagePolicy,
        Self::PlanPeriod,
        Self::Username,
    ];

    /// The fields of money, which say nothing of what is posted.
    pub const MONEY: [Self; 6] =
        [Self::UnitPrice, Self::Price, Self::Currency, Self::InvoiceNumber, Self::Customer, Self::Tax];

    /// The columns that can name a resource.
    pub const RESOURCE: [Self; 4] =
        [Self::ResourceUuid, Self::ResourceBackendId, Self::ResourceSlug, Self::ResourceName];

    /// The name of the column as the guide writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ResourceUuid => "resource_uuid",
            Self::ResourceBackendId => "resource_backend_id",
            Self::ResourceSlug => "resource_slug",
            Self::ResourceName => "resource_name",
            Self::OfferingUuid => "offering_uuid",
            Self::Offering => "offering",
            Self::BillingPeriod => "billing_period",
            Self::ComponentType => "component_type",
            Self::Amount => "amount",
            Self::Unit => "unit",
            Self::Description => "description",
            Self::Recurring => "recurring",
            Self::MissingUsagePolicy => "missing_usage_policy",
            Self::PlanPeriod => "plan_period",
            Self::Username => "username",
            Self::UnitPrice => "unit_price",
            Self::Price => "price",
            Self::Currency => "currency",
            Self::InvoiceNumber => "invoice_number",
            Self::Customer => "customer",
            Self::Tax => "tax",
        }
    }

    /// Its position in [`Field::ALL`], and then in [`Field::MONEY`], which hold them in their order.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The field that a header seems to mean, for hints; nothing is ever read by it.
    pub fn meant_by(header: &str) -> Option<Self> {
        match fold(header).as_str() {
            "resource"
            | "name"
            | "resourcetitle"
            | "rowlabels"
            | "zeilenbeschriftungen"
            | "ressource"
            | "ressourcenname"
            | "nomdelaressource" => Some(Self::ResourceName),
            "uuid" | "resourceid" => Some(Self::ResourceUuid),
            "backendid" | "externalid" => Some(Self::ResourceBackendId),
            "slug" => Some(Self::ResourceSlug),
            "offeringid" => Some(Self::OfferingUuid),
            "month"
            | "period"
            | "date"
            | "billingmonth"
            | "usageperiod"
            | "monat"
            | "abrechnungsmonat"
            | "abrechnungszeitraum"
            | "leistungsmonat"
            | "leistungszeitraum"
            | "zeitraum"
            | "mois"
            | "période"
            | "kuu" => Some(Self::BillingPeriod),
            "component" | "type" | "metric" | "measure" | "komponente" | "metrik" | "composant"
            | "komponent" => Some(Self::ComponentType),
            "usage" | "quantity" | "value" | "consumption" | "total" | "used" | "menge" | "verbrauch"
            | "anzahl" | "nutzung" | "quantité" | "consommation" | "kogus" => Some(Self::Amount),
            "measuredunit" | "units" | "einheit" | "unité" | "ühik" => Some(Self::Unit),
            "comment" | "comments" | "note" | "notes" | "remark" | "remarks" | "bemerkung"
            | "bemerkungen" | "kommentar" | "beschreibung" | "remarque" | "märkus" => {
                Some(Self::Description)
            }
            "user" | "login" | "benutzer" | "benutzername" | "utilisateur" | "kasutaja" => {
                Some(Self::Username)
            }
            _ => None,
        }
    }

    /// Whether a header says itself that its column is not read, as those of our templates do.
    pub fn is_left_alone(header: &str) -> bool {
        fold(header).ends_with(&fold(NOT_READ))
    }

    /// The field of money that a header names. Such a header makes no table one of usage, and its column
    /// is never a component.
    pub fn money_of_header(header: &str) -> Option<Self> {
        match fold(header).as_str() {
            "unitprice" => Some(Self::UnitPrice),
            "price" => Some(Self::Price),
            "currency" | "währung" | "devise" => Some(Self::Currency),
            "invoicenumber" | "invoiceno" | "invoiceno." | "rechnungsnummer" | "rechnungsnr"
            | "rechnungsnr." => Some(Self::InvoiceNumber),
            "customer" | "customername" | "organisation" | "organization" | "kunde" | "kundenname" => {
                Some(Self::Customer)
            }
            "tax" => Some(Self::Tax),
            _ => None,
        }
    }

    /// The field that a header names, without regard to case, blanks, dashes and underscores.
    pub fn of_header(header: &str) -> Option<Self> {
        // No name is longer than this, and rows are asked for too: a million of them.
        let mut buffer = [0; 24];
        match fold_short(header, &mut buffer) {
            Some(folded) => Self::of_folded(folded),
            None => Self::of_folded(&fold(header)),
        }
    }

    fn of_folded(header: &str) -> Option<Self> {
        match header {
            "resourceuuid" => Some(Self::ResourceUuid),
            "resourcebackendid" => Some(Self::ResourceBackendId),
            "resourceslug" => Some(Self::ResourceSlug),
            "resourcename" => Some(Self::ResourceName),
            "offeringuuid" => Some(Self::OfferingUuid),
            "offering" | "offeringname" => Some(Self::Offering),
            "billingperiod" => Some(Self::BillingPeriod),
            "componenttype" => Some(Self::ComponentType),
            "amount" => Some(Self::Amount),
            "unit" => Some(Self::Unit),
            "description" => Some(Self::Description),
            "recurring" => Some(Self::Recurring),
            "missingusagepolicy" => Some(Self::MissingUsagePolicy),
            "planperiod" => Some(Self::PlanPeriod),
            "username" => Some(Self::Username),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_its_name() {
        for field in Field::ALL {
            assert_eq!(Field::of_header(field.name()), Some(field));
        }
        assert_eq!(Field::of_header("Resource UUID"), Some(Field::ResourceUuid));
        assert_eq!(Field::of_header("resource"), None);
        assert_eq!(Field::of_header("Menge"), None);
        for (header, field) in [
            ("Komponente", Field::ComponentType),
            ("Menge", Field::Amount),
            ("Einheit", Field::Unit),
            ("Abrechnungsmonat", Field::BillingPeriod),
            ("Quantité", Field::Amount),
        ] {
            assert_eq!(Field::meant_by(header), Some(field));
        }
        assert_eq!(Field::money_of_header("Rechnungs-Nr."), Some(Field::InvoiceNumber));
        for field in Field::MONEY {
            assert_eq!(Field::money_of_header(field.name()), Some(field));
            assert_eq!(Field::of_header(field.name()), None);
        }
        let all: Vec<usize> = Field::ALL.iter().chain(&Field::MONEY).map(|field| field.index()).collect();
        assert_eq!(all, (0..Field::COUNT).collect::<Vec<_>>());
    }

    #[test]
    fn only_a_header_that_says_so_is_left_alone() {
        for header in ["2026-10 (not read)", "Organisation\n(Not read)", "cpu (k-hours), 2026-10 (not read)"]
        {
            assert!(Field::is_left_alone(header) && Field::of_header(header).is_none(), "{header}");
        }
        for header in ["", "amount", "last month", "cpu (k-hours)", "not read", "(not read) cpu"] {
            assert!(!Field::is_left_alone(header), "{header}");
        }
    }
}
