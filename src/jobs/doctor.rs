//! What can be done with a server and an account, each thing with how it is known.
//!
//! Nothing is sent that could be saved. What is found out stands in the [`Diagnosis`] at once, so that
//! it can be shown also where an error ends the examination.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{OfferingId, Role, SandboxWorld, UserId};
use crate::error::Error;
use crate::resolve::{Capabilities, Evidence, Offering};
use crate::waldur::{Account, Reader, Sight, WaldurError, not_told};

use super::{Observer, Stages};

/// How many small requests are timed.
const ROUND_TRIPS: usize = 3;

/// What is known so far; what could not be asked any more is `None`.
#[derive(Debug, Serialize)]
pub struct Diagnosis {
    /// The address of the server.
    pub server: String,
    /// The world of the sandbox that answers there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<SandboxWorld>,
    /// Whether requests are encrypted.
    pub encrypted: Evidence<bool>,
    /// The proxy that they go through.
    pub proxy: Evidence<Option<String>>,
    /// When the token expires.
    pub token_expires: Evidence<Option<Timestamp>>,
    /// How many seconds the server's clock is ahead of ours.
    pub clock_ahead_seconds: Option<Evidence<Option<i64>>>,
    /// Whose token it is.
    pub account: Option<AccountFacts>,
    /// The milliseconds that a small request takes.
    pub round_trip_ms: Option<Evidence<f64>>,
    /// The server's version.
    pub version: Option<Evidence<Option<String>>>,
    /// What the server can do.
    pub capabilities: Option<Capabilities>,
    /// Whether the usage of several people can be set at once.
    pub bulk_user_usages: Option<Evidence<Option<bool>>>,
    /// The largest page of a list.
    pub page_cap: Option<Evidence<Option<usize>>>,
    /// Whether the list of usages heeds its filters, by their names.
    pub filters: Option<BTreeMap<&'static str, Evidence<Option<bool>>>>,
    /// Where the account may report.
    pub offerings: Option<Evidence<Vec<OfferingRights>>>,
    /// What it sees of the lists of invoices, by their paths.
    pub invoices: Option<BTreeMap<&'static str, Evidence<Sight>>>,
}

/// An account.
#[derive(Debug, Serialize)]
pub struct AccountFacts {
    /// Its id.
    pub uuid: UserId,
    /// The name that it signs in with.
    pub username: String,
    /// Whether it is staff.
    pub is_staff: bool,
    /// Whether it is support.
    pub is_support: bool,
    /// The roles that it holds, by their names, and on how many things.
    pub roles: BTreeMap<String, usize>,
}

/// What an account may do with an offering.
#[derive(Debug, Serialize)]
pub struct OfferingRights {
    /// The offering.
    pub uuid: OfferingId,
    /// Its name.
    pub name: String,
    /// What the account is to it.
    pub role: Role,
    /// Whether that role may report usage.
    pub may_report: bool,
    /// Whether it may say for which time it reports.
    pub may_date: bool,
}

impl Diagnosis {
    /// What is known before anything is asked.
    pub fn new(reader: &Reader) -> Self {
        let value = reader.is_encrypted();
        let evidence = match value {
            true => "the address is https",
            false if reader.address().is_loopback() => "plain http to a server on this machine",
            false => "plain http, as --insecure-http allows",
        };
        Self {
            server: reader.address().to_string(),
            sandbox: None,
            encrypted: Evidence { value, evidence: evidence.into() },
            proxy: reader.proxy(),
            token_expires: reader.token_expires(),
            clock_ahead_seconds: None,
            account: None,
            round_trip_ms: None,
            version: None,
            capabilities: None,
            bulk_user_usages: None,
            page_cap: None,
            filters: None,
            offerings: None,
            invoices: None,
        }
    }

    /// Asks one thing after the other.
    pub async fn examine(
        &mut self,
        reader: &Reader,
        time_zone: Option<&str>,
        observer: &dyn Observer,
    ) -> Result<(), Error> {
        let mut stages = Stages::begin(observer, "account");
        let account = reader.account().await;
        self.answered(reader);
        let account = account?;
        self.account = Some(facts(&account, reader.username().await?));
        stages.next("round trips");
        self.round_trip_ms = Some(round_trip(reader).await?);
        stages.next("capabilities");
        self.version = Some(version(reader).await?);
        let capabilities = capabilities(reader, self.version.as_ref(), time_zone).await?;
        self.bulk_user_usages = Some(known(reader.takes_bulk_user_usages().await)?);
        stages.next("lists");
        self.look_at_lists(reader).await?;
        stages.next("rights");
        self.offerings = Some(rights(reader, &account, capabilities.takes_date.value).await?);
        self.capabilities = Some(capabilities);
        self.invoices = Some(reader.invoices_in_sight().await?.into_iter().collect());
        Ok(())
    }

    /// What any answer tells, one that refuses the token too.
    fn answered(&mut self, reader: &Reader) {
        let ahead = reader.clock_ahead();
        let has_answered = ahead.value.is_some();
        self.sandbox = reader.destination().sandbox;
        self.clock_ahead_seconds = has_answered.then_some(ahead);
        if has_answered && self.encrypted.value {
            self.encrypted.evidence.push_str(", and its certificate was accepted");
        }
    }

    async fn look_at_lists(&mut self, reader: &Reader) -> Result<(), Error> {
        match reader.usages_in_sight().await {
            Ok(usages) => {
                self.page_cap = Some(known(reader.page_cap(usages).await)?);
                self.filters = Some(reader.filters(usages).await?.into_iter().collect());
            }
            Err(error) => {
                self.page_cap = Some(Evidence { value: None, evidence: not_told(error)? });
            }
        }
        Ok(())
    }
}

fn facts(account: &Account, username: String) -> AccountFacts {
    let mut roles: BTreeMap<String, usize> = BTreeMap::new();
    for role in account.role_names() {
        *roles.entry(role.to_owned()).or_default() += 1;
    }
    AccountFacts {
        uuid: account.id,
        username,
        is_staff: account.is_staff,
        is_support: account.is_support,
        roles,
    }
}

async fn round_trip(reader: &Reader) -> Result<Evidence<f64>, Error> {
    let mut fastest = Duration::MAX;
    for _ in 0..ROUND_TRIPS {
        fastest = fastest.min(reader.round_trip().await?);
    }
    let value = (fastest.as_secs_f64() * 10_000.0).round() / 10.0;
    Ok(Evidence { value, evidence: format!("the fastest of {ROUND_TRIPS} small requests") })
}

async fn version(reader: &Reader) -> Result<Evidence<Option<String>>, Error> {
    let value = reader.version().await?;
    let evidence =
        if value.is_some() { "the server tells it" } else { "the server does not tell this account" };
    Ok(Evidence { value, evidence: evidence.into() })
}

async fn capabilities(
    reader: &Reader,
    version: Option<&Evidence<Option<String>>>,
    time_zone: Option<&str>,
) -> Result<Capabilities, Error> {
    let mut capabilities = Capabilities::default();
    if let Some(version) = version.and_then(|version| version.value.as_deref()) {
        capabilities.learn_version(version);
    }
    if let Err(error) = reader.learn_row(&mut capabilities).await {
        // Without a row to look at, what was assumed stands.
        not_told(error)?;
    }
    reader.learn_date(&mut capabilities).await;
    if let Some(zone) = time_zone {
        capabilities.learn_time_zone(zone);
    }
    Ok(capabilities)
}

async fn rights(
    reader: &Reader,
    account: &Account,
    takes_date: bool,
) -> Result<Evidence<Vec<OfferingRights>>, Error> {
    let offerings = match reader.bare_offerings().await {
        Ok(offerings) => offerings,
        Err(error) => return Ok(Evidence { value: Vec::new(), evidence: not_told(error)? }),
    };
    let right = |offering: Offering| {
        let role = account.role_for(std::iter::once(&offering));
        OfferingRights {
            uuid: offering.id,
            name: offering.name,
            role,
            may_report: role != Role::Other,
            may_date: takes_date && matches!(role, Role::ProviderOwner | Role::Staff),
        }
    };
    let value = offerings.into_iter().map(right).collect();
    Ok(Evidence { value, evidence: "the roles that users/me/ tells".into() })
}

/// What was found out, or that it is not told.
fn known<T>(asked: Result<Evidence<Option<T>>, WaldurError>) -> Result<Evidence<Option<T>>, Error> {
    match asked {
        Ok(evidence) => Ok(evidence),
        Err(error) => Ok(Evidence { value: None, evidence: not_told(error)? }),
    }
}
