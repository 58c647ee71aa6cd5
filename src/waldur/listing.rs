//! Lists, read whole and proven so.
//!
//! The server pages over an order with ties, so pages repeat and lose rows while every count looks
//! right. A list is therefore believed only when each page reports the same count, the rows add up
//! to it and no id comes twice. What fails is cut into smaller slices by a filter, whose counts must
//! add up to the whole; a slice of one page cannot lose rows.

use std::collections::HashSet;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::domain::visible;

use super::WaldurError;
use super::http::{Answer, Http};

/// The largest page that a server gives.
const PAGE_SIZE: usize = 300;
/// How often a list that changes under the reader's eyes is read again.
const ROUNDS: usize = 3;
/// The most pages that are fetched of one list.
const MOST_PAGES: usize = 100_000;

/// A list endpoint with its filters.
#[derive(Debug, Clone)]
pub(super) struct Query {
    pub path: &'static str,
    pub parameters: Vec<(&'static str, String)>,
}

impl Query {
    pub(super) fn new(path: &'static str) -> Self {
        Self { path, parameters: Vec::new() }
    }

    /// Adds a filter or a field.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.parameters.push((name, value.into()));
        self
    }

    /// Asks for these fields alone.
    pub(super) fn fields(mut self, fields: &[&str]) -> Self {
        self.parameters.extend(fields.iter().map(|field| ("field", (*field).to_owned())));
        self
    }

    fn page(&self, size: usize, number: usize) -> Vec<(&'static str, String)> {
        let mut parameters = self.parameters.clone();
        parameters.push(("page_size", size.to_string()));
        if number > 1 {
            parameters.push(("page", number.to_string()));
        }
        parameters
    }

    fn describe(&self) -> String {
        let filters = self.parameters.iter().filter(|(name, _)| *name != "field");
        let filters: Vec<String> =
            filters.map(|(name, value)| format!("{name}={}", visible(value))).collect();
        format!("/api/{} ({})", self.path, filters.join(", "))
    }
}

/// A row with an id of its own.
pub(super) trait Identified {
    fn id(&self) -> Uuid;
}

/// A filter by which a list can be cut, with the values that cover it.
#[derive(Debug, Clone)]
pub(super) struct Cut {
    pub parameter: &'static str,
    pub values: Vec<String>,
}

/// Reads a list whole. Where paging fails, it is cut by the first filter that works.
pub(super) async fn read<T>(
    http: &Http,
    query: &Query,
    cuts: &[Cut],
    at_once: usize,
) -> Result<Vec<T>, WaldurError>
where
    T: DeserializeOwned + Identified + Send,
{
    let mut reason = String::new();
    for _ in 0..ROUNDS {
        reason = match read_pages(http, query, at_once).await? {
            Ok(rows) => return Ok(rows),
            Err(reason) => reason,
        };
        for (level, cut) in cuts.iter().enumerate() {
            if let Some(rows) = read_cut(http, query, cut, &cuts[level + 1..], at_once).await? {
                return Ok(rows);
            }
        }
    }
    Err(WaldurError::Unproven { list: query.describe(), reason })
}

/// The number of rows of a list.
pub(super) async fn count(http: &Http, query: &Query) -> Result<usize, WaldurError> {
    let answer = http.get(query.path, &query.page(1, 1)).await?;
    answer.json::<Vec<serde_json::Value>>()?;
    counted(query, &answer)
}

fn counted(query: &Query, answer: &Answer) -> Result<usize, WaldurError> {
    answer.count.ok_or_else(|| WaldurError::Unproven {
        list: query.describe(),
        reason: "the answer has no X-Result-Count".into(),
    })
}

/// Reads the pages once; the inner error says why they prove nothing.
async fn read_pages<T>(
    http: &Http,
    query: &Query,
    at_once: usize,
) -> Result<Result<Vec<T>, String>, WaldurError>
where
    T: DeserializeOwned + Identified + Send,
{
    let first = http.get(query.path, &query.page(PAGE_SIZE, 1)).await?;
    let mut rows: Vec<T> = first.json()?;
    let total = counted(query, &first)?;
    let size = rows.len();
    if size == 0 && total > 0 || size > total {
        return Ok(Err(format!("a page of {size} rows, and a count of {total}")));
    }
    let pages = if size == 0 { 1 } else { total.div_ceil(size) };
    if pages > MOST_PAGES {
        return Ok(Err(format!("{pages} pages")));
    }
    let others: Vec<(usize, Vec<T>)> = stream::iter(2..=pages)
        .map(|number| async move {
            let answer = http.get(query.path, &query.page(size, number)).await?;
            // A list that shrank while it was read has no such page any more.
            let page = if answer.status.as_u16() == 404 { Vec::new() } else { answer.json()? };
            Ok::<_, WaldurError>((answer.count.unwrap_or(total), page))
        })
        .buffered(at_once)
        .try_collect()
        .await?;
    for (count, page) in others {
        if count != total {
            return Ok(Err(format!("the count changed from {total} to {count} while it was read")));
        }
        rows.extend(page);
    }
    let unique: HashSet<Uuid> = rows.iter().map(Identified::id).collect();
    if unique.len() != rows.len() || rows.len() != total {
        let reason =
            format!("{} rows, {} of them different, and a count of {total}", rows.len(), unique.len());
        return Ok(Err(reason));
    }
    Ok(Ok(rows))
}

/// Reads a list slice by slice; `None` where the slices do not add up to it.
pub(super) async fn read_cut<T>(
    http: &Http,
    query: &Query,
    cut: &Cut,
    finer: &[Cut],
    at_once: usize,
) -> Result<Option<Vec<T>>, WaldurError>
where
    T: DeserializeOwned + Identified + Send,
{
    let slices: Vec<Vec<T>> = stream::iter(&cut.values)
        .map(|value| {
            let slice = query.clone().with(cut.parameter, value.as_str());
            async move { Box::pin(read::<T>(http, &slice, finer, 1)).await }
        })
        .buffered(at_once)
        .try_collect()
        .await
        .or_else(|error| match error {
            // A slice that cannot be proven makes the cut useless, and another one is tried.
            WaldurError::Unproven { .. } => Ok(Vec::new()),
            other => Err(other),
        })?;
    let rows: Vec<T> = slices.into_iter().flatten().collect();
    let unique: HashSet<Uuid> = rows.iter().map(Identified::id).collect();
    let total = count(http, query).await?;
    Ok((unique.len() == rows.len() && rows.len() == total).then_some(rows))
}
