//! What the user's configuration has to say before charges can be told in the words of FOCUS: Waldur knows
//! no category of a service, and not who sends its invoices.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Deserialize;
use uuid::Uuid;

use crate::domain::{Currency, nearest, visible};

use super::allowed;

/// The settings as they are written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenFocus {
    /// Who sends the invoices.
    invoice_issuer: Option<String>,
    /// Who offers the services, where it is not the organisation of the offering.
    provider: Option<String>,
    /// Who makes them, where it is not who offers them.
    publisher: Option<String>,
    /// The offerings, by name or uuid.
    #[serde(default)]
    services: BTreeMap<String, WrittenService>,
    /// What lines of invoices are for that name no offering.
    other: Option<WrittenOther>,
    /// Whether usages may be told of organisations of which no invoice of the month is seen.
    #[serde(default)]
    without_invoices: bool,
    /// Names of organisations, projects and offerings that this account does not see, by uuid.
    #[serde(default)]
    names: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a category, or a table with `category`")]
enum WrittenService {
    Category(String),
    Service(WrittenCategory),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCategory {
    category: String,
    subcategory: Option<String>,
    provider: Option<String>,
    publisher: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenOther {
    name: String,
    category: String,
    subcategory: Option<String>,
}

/// The settings, checked.
#[derive(Debug, Clone)]
pub struct FocusSettings {
    pub(super) currency: Currency,
    /// The zone in which the months of the server turn.
    pub(super) zone: TimeZone,
    pub(super) invoice_issuer: String,
    pub(super) provider: Option<String>,
    pub(super) publisher: Option<String>,
    services: BTreeMap<String, ServiceSetting>,
    pub(super) other: Option<ServiceSetting>,
    names: BTreeMap<String, String>,
    pub(super) without_invoices: bool,
    /// Whether only a part of the month is read, so that lines need not come to their invoices.
    pub(super) is_filtered: bool,
}

/// What a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServiceSetting {
    /// Its name, where the offering has none.
    pub(super) name: Option<String>,
    pub(super) category: String,
    pub(super) subcategory: String,
    pub(super) provider: Option<String>,
    pub(super) publisher: Option<String>,
}

/// A setting that is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct FocusSettingError {
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: String,
}

impl FocusSettingError {
    fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }
}

impl FocusSettings {
    /// Checks the settings; the currency is that of the profile or of the server's own configuration.
    pub fn new(
        written: WrittenFocus,
        currency: Option<Currency>,
        zone: TimeZone,
    ) -> Result<Self, FocusSettingError> {
        let currency = currency.ok_or_else(|| {
            FocusSettingError::new(
                "the server tells no currency, and FOCUS needs one",
                "set currency of the server in config.toml, such as \"EUR\"",
            )
        })?;
        if !allowed::is_currency(currency.as_str()) {
            let what = format!("{currency} is no currency of ISO 4217, and FOCUS takes no other");
            return Err(FocusSettingError::new(what, "correct currency of the server in config.toml"));
        }
        let invoice_issuer = set(written.invoice_issuer).ok_or_else(|| {
            FocusSettingError::new(
                "FOCUS needs to know who sends the invoices",
                "set invoice_issuer in [servers.NAME.focus] of config.toml",
            )
        })?;
        let services =
            written.services.into_iter().map(|(key, service)| Ok((id_or_name(&key), read(&key, service)?)));
        let other = written.other.map(|other| {
            let WrittenOther { name, category, subcategory } = other;
            let category = WrittenCategory { category, subcategory, provider: None, publisher: None };
            Ok(ServiceSetting { name: set(Some(name)), ..checked("other", category)? })
        });
        Ok(Self {
            currency,
            zone,
            invoice_issuer,
            provider: set(written.provider),
            publisher: set(written.publisher),
            services: services.collect::<Result<_, FocusSettingError>>()?,
            other: other.transpose()?,
            names: written.names.into_iter().map(|(key, name)| (id_or_name(&key), name)).collect(),
            without_invoices: written.without_invoices,
            is_filtered: false,
        })
    }

    /// The same, for a part of the month: lines of an invoice need not come to its price then.
    #[must_use]
    pub fn filtered(self, is_filtered: bool) -> Self {
        Self { is_filtered, ..self }
    }

    /// What an offering is, by its uuid or its name.
    pub(super) fn service(&self, uuid: &str, name: Option<&str>) -> Option<&ServiceSetting> {
        self.services.get(uuid).or_else(|| self.services.get(name?))
    }

    /// The name that the user gave to a uuid.
    pub(super) fn name(&self, uuid: &str) -> Option<&str> {
        self.names.get(uuid).map(String::as_str)
    }
}

/// A text, where it says anything.
fn set(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A uuid in the spelling of the server, or a name as it is.
fn id_or_name(text: &str) -> String {
    text.parse::<Uuid>().map_or_else(|_| text.to_owned(), |id| id.as_simple().to_string())
}

fn read(key: &str, service: WrittenService) -> Result<ServiceSetting, FocusSettingError> {
    let written = match service {
        WrittenService::Category(category) => {
            WrittenCategory { category, subcategory: None, provider: None, publisher: None }
        }
        WrittenService::Service(written) => written,
    };
    checked(key, written)
}

fn checked(key: &str, written: WrittenCategory) -> Result<ServiceSetting, FocusSettingError> {
    let WrittenCategory { category, subcategory, provider, publisher } = written;
    if !allowed::is_category(&category) {
        let what = format!("FOCUS has no service category `{}` ({})", visible(&category), visible(key));
        let hint = match nearest(&category, allowed::categories()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("use one of {}", allowed::categories().collect::<Vec<_>>().join(", ")),
        };
        return Err(FocusSettingError::new(what, hint));
    }
    let subcategory = set(subcategory).unwrap_or_else(|| allowed::other_of(&category));
    if !allowed::belongs(&category, &subcategory) {
        let what = format!("{category} has no subcategory `{}` ({})", visible(&subcategory), visible(key));
        let hint = format!("leave it out for `{}`", allowed::other_of(&category));
        return Err(FocusSettingError::new(what, hint));
    }
    Ok(ServiceSetting {
        name: None,
        category,
        subcategory,
        provider: set(provider),
        publisher: set(publisher),
    })
}
