//! What a server shows of itself to somebody who only asks.
//!
//! Each question is answered with its evidence; `None` stands for what cannot be told. Nothing that is
//! sent here could be saved by any version: reads, and `OPTIONS` of paths that lead to no usage.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{CustomerId, OfferingId, visible};
use crate::resolve::{Evidence, Offering};

use super::http::Answer;
use super::listing::{Identified, PAGE_SIZE, Query, count, read};
use super::{Reader, WaldurError, proxy};

const USAGES: &str = "marketplace-component-usages/";
/// A page that no server is known to give.
const LARGE_PAGE: usize = 1_000;

/// The filters of usages that reading leans on, each with a value that no usage has.
const FILTERS: [(&str, &str); 9] = [
    ("billing_period", "1971-01-01"),
    ("billing_period_year", "1971"),
    ("billing_period_month", "13"),
    ("customer_uuid", NO_UUID),
    ("project_uuid", NO_UUID),
    ("offering_uuid", NO_UUID),
    ("resource_uuid", NO_UUID),
    ("type", "no-component-has-this-type"),
    ("date_after", "2999-12-31"),
];
/// A uuid of a version that is never drawn.
const NO_UUID: &str = "00000000000000000000000000000001";

/// The lists at which invoices can be seen.
const INVOICES: [&str; 3] = ["invoices/", "invoice-items/", "provider-invoice-items/"];

/// What an account sees of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sight {
    /// Rows.
    Rows,
    /// The list, and nothing in it.
    Empty,
    /// It is not allowed to look.
    Forbidden,
    /// The server has no such list.
    Absent,
    /// Something else came back.
    Unclear,
}

#[derive(Debug, Deserialize)]
struct Named {
    #[serde(default)]
    username: String,
}

#[derive(Debug, Deserialize)]
struct OwnedOffering {
    uuid: OfferingId,
    #[serde(default)]
    name: String,
    #[serde(default)]
    customer_uuid: Option<CustomerId>,
}

impl Identified for OwnedOffering {
    fn id(&self) -> Uuid {
        self.uuid.uuid()
    }
}

impl Reader {
    /// Whether requests are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.address().is_https()
    }

    /// The proxy that requests go through.
    pub fn proxy(&self) -> Evidence<Option<String>> {
        proxy::of(self.address())
    }

    /// When the token expires.
    pub fn token_expires(&self) -> Evidence<Option<Timestamp>> {
        let value = self.http.credentials.current().token.expires();
        let evidence = if value.is_some() {
            "a personal access token tells it"
        } else {
            "this kind of token does not tell it"
        };
        Evidence { value, evidence: evidence.into() }
    }

    /// How many seconds the server's clock is ahead of ours; `None` where it does not show it.
    pub fn clock_ahead(&self) -> Evidence<Option<i64>> {
        // A `Date` has whole seconds, so half of one is what it lacks in the mean.
        let half = SignedDuration::from_millis(500);
        let ahead = self.http.now().map(|server| server.duration_since(Timestamp::now()) + half);
        let evidence = match ahead {
            Some(_) => "the Date header of its answers, to the second",
            None => "its answers have no Date header",
        };
        Evidence { value: ahead.map(|ahead| ahead.as_secs()), evidence: evidence.into() }
    }

    /// The time that a small request takes.
    pub async fn round_trip(&self) -> Result<Duration, WaldurError> {
        let begun = Instant::now();
        self.http.get("users/me/", &[("field", "uuid".to_owned())]).await?;
        Ok(begun.elapsed())
    }

    /// The name that the account signs in with.
    pub async fn username(&self) -> Result<String, WaldurError> {
        let row: Named = self.http.get_json("users/me/", &[("field", "username".to_owned())]).await?;
        Ok(row.username)
    }

    /// The offerings that this account may see as a provider, without their components and prices.
    pub async fn bare_offerings(&self) -> Result<Vec<Offering>, WaldurError> {
        let query = Query::new("marketplace-provider-offerings/").fields(&["uuid", "name", "customer_uuid"]);
        let rows: Vec<OwnedOffering> = read(&self.http, &query, &[], self.at_once).await?;
        self.heard.list(rows.iter().map(|row| (row.uuid, row.name.as_str())));
        let offerings = rows.into_iter().map(|row| Offering {
            id: row.uuid,
            name: row.name,
            customer: row.customer_uuid,
            components: Vec::new(),
            prices: HashMap::new(),
        });
        Ok(offerings.collect())
    }

    /// Whether the usage of several people can be set at once. The path for it is held against one that
    /// every version has and one that none has; what a gateway answers alike for all three tells nothing.
    pub async fn takes_bulk_user_usages(&self) -> Result<Evidence<Option<bool>>, WaldurError> {
        let usage = Uuid::new_v4().simple();
        let sign = async |action: &str| {
            let answer = self.http.options(&format!("{USAGES}{usage}/{action}/")).await?;
            Ok::<_, WaldurError>((answer.status.as_u16(), answer.is_html))
        };
        let asked = sign("set_user_usages").await?;
        let (known, unknown) = (sign("set_user_usage").await?, sign("no_such_action").await?);
        let value = match (asked == known, asked == unknown) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            (true, true) | (false, false) => None,
        };
        let told =
            |(status, is_html): (u16, bool)| format!("{status}{}", if is_html { " as a page" } else { "" });
        let evidence = format!(
            "OPTIONS of set_user_usages answers {}, of set_user_usage {}, of what no version has {}",
            told(asked),
            told(known),
            told(unknown)
        );
        Ok(Evidence { value, evidence })
    }

    /// How many usages this account may see.
    pub async fn usages_in_sight(&self) -> Result<usize, WaldurError> {
        count(&self.http, &any_usage()).await
    }

    /// The largest page that the server gives, where there are usages enough to tell.
    pub async fn page_cap(&self, usages: usize) -> Result<Evidence<Option<usize>>, WaldurError> {
        if usages <= PAGE_SIZE {
            let evidence = format!("there are {usages} usages in sight, and it takes more than {PAGE_SIZE}");
            return Ok(Evidence { value: None, evidence });
        }
        let query = any_usage().with("page_size", LARGE_PAGE.to_string());
        let rows: Vec<serde_json::Value> = self.http.get_json(query.path, &query.parameters).await?;
        let evidence = format!("asked for {LARGE_PAGE} of {usages} usages, it gave {}", rows.len());
        // A page that holds all there is, or all that was asked for, shows no cap.
        let is_capped = rows.len() < LARGE_PAGE.min(usages);
        Ok(Evidence { value: is_capped.then_some(rows.len()), evidence })
    }

    /// Whether the list of usages heeds its filters, by asking for what no usage is.
    pub async fn filters(
        &self,
        usages: usize,
    ) -> Result<Vec<(&'static str, Evidence<Option<bool>>)>, WaldurError> {
        let mut heeded = Vec::new();
        for (name, value) in FILTERS {
            heeded.push((name, self.heeds(name, value, usages).await?));
        }
        Ok(heeded)
    }

    async fn heeds(
        &self,
        name: &'static str,
        value: &str,
        usages: usize,
    ) -> Result<Evidence<Option<bool>>, WaldurError> {
        if usages == 0 {
            return Ok(Evidence { value: None, evidence: "there is no usage in sight to tell by".into() });
        }
        let (value, evidence) = match count(&self.http, &any_usage().with(name, value)).await {
            Ok(rows) => (Some(rows == 0), format!("{name}={value}: {rows} of {usages} usages")),
            // Who finds fault with a value has looked at it.
            Err(WaldurError::Status { status: 400, .. }) => (Some(true), format!("{name}={value}: 400")),
            Err(error) => (None, not_told(error)?),
        };
        Ok(Evidence { value, evidence })
    }

    /// What this account sees of the lists of invoices.
    pub async fn invoices_in_sight(&self) -> Result<Vec<(&'static str, Evidence<Sight>)>, WaldurError> {
        let mut seen = Vec::new();
        for path in INVOICES {
            let query = Query::new(path).fields(&["uuid"]).with("page_size", "1");
            let answer = self.http.get(query.path, &query.parameters).await?;
            seen.push((path, sight(&answer)));
        }
        Ok(seen)
    }
}

fn any_usage() -> Query {
    Query::new(USAGES).fields(&["uuid"])
}

fn sight(answer: &Answer) -> Evidence<Sight> {
    let rows = answer.json::<Vec<serde_json::Value>>().map(|rows| answer.count.unwrap_or(rows.len()));
    match (answer.status.as_u16(), rows) {
        (_, Ok(0)) => Evidence { value: Sight::Empty, evidence: "200, and no row".into() },
        (_, Ok(rows)) => Evidence { value: Sight::Rows, evidence: format!("200, and {rows} rows") },
        (403, _) => Evidence { value: Sight::Forbidden, evidence: format!("403: {}", answer.message()) },
        (404, _) => Evidence { value: Sight::Absent, evidence: format!("404: {}", answer.message()) },
        (status, _) => {
            Evidence { value: Sight::Unclear, evidence: format!("{status}: {}", answer.message()) }
        }
    }
}

/// Why something is not told; an error where nothing more can be asked either.
pub fn not_told(error: WaldurError) -> Result<String, WaldurError> {
    match error {
        WaldurError::Forbidden { .. }
        | WaldurError::Status { .. }
        | WaldurError::NotTheApi { .. }
        | WaldurError::Redirected { .. }
        | WaldurError::TooLarge { .. }
        | WaldurError::Unproven { .. }
        | WaldurError::NoOffering(_) => Ok(visible(&error.to_string()).to_string()),
        WaldurError::Setup(_)
        | WaldurError::Token(_)
        | WaldurError::Unreachable { .. }
        | WaldurError::Broken { .. }
        | WaldurError::Withdrawn { .. }
        | WaldurError::Unauthorized { .. }
        | WaldurError::OtherServer { .. }
        | WaldurError::OtherAccount { .. } => Err(error),
    }
}
