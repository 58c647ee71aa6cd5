//! What the configuration says, and what is missing in it.

use jiff::tz::TimeZone;

use crate::warehouse::focus::{FocusError, FocusSettings, WrittenFocus};

use super::example::rich;
use super::month::{SETTINGS, charge, id, settings};

fn refused(text: &str) -> (String, String) {
    let written: WrittenFocus = toml::from_str(text).unwrap();
    let error = FocusSettings::new(written, Some("EUR".parse().unwrap()), TimeZone::UTC).unwrap_err();
    (error.what, error.hint)
}

#[test]
fn what_is_wrong_is_said_with_what_is_right() {
    let (what, hint) = refused("");
    assert_eq!(what, "FOCUS needs to know who sends the invoices");
    assert_eq!(hint, "set invoice_issuer in [servers.NAME.focus] of config.toml");
    let (what, hint) = refused("invoice_issuer = 'X'\nservices.HPC = 'Computing'");
    assert_eq!(what, "FOCUS has no service category `Computing` (HPC)");
    assert!(hint.contains("Compute"), "{hint}");
    let (what, hint) = refused(
        "invoice_issuer = 'X'\nservices.HPC = { category = 'Compute', subcategory = 'File Storage' }",
    );
    assert_eq!(what, "Compute has no subcategory `File Storage` (HPC)");
    assert_eq!(hint, "leave it out for `Other (Compute)`");
    let unknown = toml::from_str::<WrittenFocus>("issuer = 'X'").unwrap_err();
    assert!(unknown.message().contains("issuer"), "{unknown}");
}

#[test]
fn a_currency_is_told_and_is_one() {
    let written = || toml::from_str::<WrittenFocus>("invoice_issuer = 'X'").unwrap();
    let none = FocusSettings::new(written(), None, TimeZone::UTC).unwrap_err();
    assert_eq!(none.hint, "set currency of the server in config.toml, such as \"EUR\"");
    let other = FocusSettings::new(written(), Some("XYZ".parse().unwrap()), TimeZone::UTC).unwrap_err();
    assert_eq!(other.what, "XYZ is no currency of ISO 4217, and FOCUS takes no other");
}

#[test]
fn everything_that_is_missing_is_named_at_once_with_what_to_add() {
    let error = rich().charges(&settings("invoice_issuer = 'X'", "UTC")).unwrap_err();
    assert!(matches!(error, FocusError::Unset(_)), "{error}");
    assert_eq!(
        error.to_string(),
        format!(
            "FOCUS needs what Waldur does not tell: the service category of HPC allocation ({}); the service \
             category of Research data storage ({}); what line {} is for, which names no offering",
            id('f', 1),
            id('f', 2),
            id('1', 8)
        )
    );
    assert_eq!(
        error.hint(),
        "add to [servers.NAME.focus] of config.toml, with the right value: other = { name = \"Other services\", \
         category = \"Other\" }; services.\"HPC allocation\" = \"Compute\"; services.\"Research data storage\" = \
         \"Compute\""
    );
    // What the hint says is taken.
    let added = "invoice_issuer = 'X'\nother = { name = \"Other services\", category = \"Other\" }\n\
                 services.\"HPC allocation\" = \"Compute\"\nservices.\"Research data storage\" = \"Compute\"";
    rich().charges(&settings(added, "UTC")).unwrap();
}

#[test]
fn providers_and_publishers_are_the_owner_unless_somebody_says_otherwise() {
    let told = |text: &str, line: usize| {
        let charges = rich().charges(&settings(text, "UTC")).unwrap();
        let charge = charge(&charges, &format!("line:{}", id('1', line)));
        [charge["ProviderName"].clone(), charge["PublisherName"].clone(), charge["InvoiceIssuerName"].clone()]
    };
    let issuer = "Example Computing Centre";
    assert_eq!(told(SETTINGS, 1), ["Nordlys", "Nordlys", issuer]);
    assert_eq!(told(SETTINGS, 9), ["Nordlys", "Store makers", issuer]);
    assert_eq!(told(SETTINGS, 8), [issuer, issuer, issuer]);
    let reseller = format!("provider = 'Reseller'\n{SETTINGS}");
    assert_eq!(told(&reseller, 1), ["Reseller", "Reseller", issuer]);
    assert_eq!(told(&reseller, 9), ["Reseller", "Store makers", issuer]);
}
