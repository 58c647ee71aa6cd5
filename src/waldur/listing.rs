//! Lists, read whole and proven so.
//!
//! The server pages over an order with ties, so pages repeat and lose rows while every count looks
//! right. A list is therefore believed only when each page reports the same count, the rows add up
//! to it and no id comes twice. What fails is cut into smaller slices by a filter, whose counts must
//! add up to the whole; a slice of one page cannot lose rows.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::domain::visible;

use super::WaldurError;
use super::http::{Answer, Http};

/// The largest page that a server gives.
pub(super) const PAGE_SIZE: usize = 300;
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

    pub(super) fn describe(&self) -> String {
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
#[derive(Debug)]
pub(super) struct Cut {
    pub parameter: &'static str,
    pub parts: Vec<Part>,
}

/// One value of a cut, and how its slice can be cut further.
#[derive(Debug)]
pub(super) struct Part {
    pub value: String,
    pub cuts: Arc<[Cut]>,
}

impl Cut {
    /// A cut whose slices are cut further in one way, or not at all.
    pub(super) fn new(
        parameter: &'static str,
        values: impl IntoIterator<Item = String>,
        cuts: &Arc<[Cut]>,
    ) -> Self {
        let parts = values.into_iter().map(|value| Part { value, cuts: Arc::clone(cuts) });
        Self { parameter, parts: parts.collect() }
    }
}

/// What the rows of a list are put into, page by page.
pub(super) trait Gather: Sized + Send {
    /// Puts the rows of a page in; how many they are. Where a list fails, all that was put in is dropped.
    fn add(&mut self, page: Answer) -> Result<usize, WaldurError>;

    /// The ids of all rows, as often as they came.
    fn ids(&self) -> Vec<Uuid>;

    /// Puts in what was read of another slice.
    fn join(&mut self, other: Self);
}

/// Makes an empty gathering.
pub(super) type Make<'a, G> = &'a (dyn Fn() -> G + Send + Sync);

/// Rows of one type, one after the other.
struct Rows<T>(Vec<T>);

impl<T: DeserializeOwned + Identified + Send> Gather for Rows<T> {
    fn add(&mut self, page: Answer) -> Result<usize, WaldurError> {
        let rows: Vec<T> = page.json()?;
        let count = rows.len();
        self.0.extend(rows);
        Ok(count)
    }

    fn ids(&self) -> Vec<Uuid> {
        self.0.iter().map(Identified::id).collect()
    }

    fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

/// Reads a list whole. Where paging fails, it is cut by the first filter that works; a list that
/// changes under the reader's eyes is read again a few times.
pub(super) async fn read<T>(
    http: &Http,
    query: &Query,
    cuts: &[Cut],
    at_once: usize,
) -> Result<Vec<T>, WaldurError>
where
    T: DeserializeOwned + Identified + Send,
{
    Ok(gather(http, query, cuts, at_once, &|| Rows(Vec::new())).await?.0)
}

/// Reads a list whole, into whatever is made for it.
pub(super) async fn gather<G: Gather>(
    http: &Http,
    query: &Query,
    cuts: &[Cut],
    at_once: usize,
    make: Make<'_, G>,
) -> Result<G, WaldurError> {
    let mut rounds = 1;
    loop {
        match read_once(http, query, cuts, at_once, make).await {
            Err(WaldurError::Unproven { .. }) if rounds < ROUNDS => rounds += 1,
            done => return done,
        }
    }
}

/// Reads a list once: by its pages, else by the first cut whose slices add up to it.
fn read_once<'a, G: Gather + 'a>(
    http: &'a Http,
    query: &'a Query,
    cuts: &'a [Cut],
    at_once: usize,
    make: Make<'a, G>,
) -> BoxFuture<'a, Result<G, WaldurError>> {
    async move {
        let reason = match read_pages(http, query, at_once, make).await? {
            Ok(rows) => return Ok(rows),
            Err(reason) => reason,
        };
        for cut in cuts {
            match read_cut(http, query, cut, at_once, make).await {
                Ok(Some(rows)) => return Ok(rows),
                // A filter that is ignored, or a slice that cannot be proven: another cut is tried.
                Ok(None) | Err(WaldurError::Unproven { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(WaldurError::Unproven { list: query.describe(), reason })
    }
    .boxed()
}

/// The number of rows of a list.
pub(super) async fn count(http: &Http, query: &Query) -> Result<usize, WaldurError> {
    let answer = http.get(query.path, &query.page(1, 1)).await?;
    answer.json::<Vec<serde_json::Value>>()?;
    counted(query, &answer)
}

fn counted(query: &Query, answer: &Answer) -> Result<usize, WaldurError> {
    answer.count.ok_or_else(|| uncounted(query))
}

fn uncounted(query: &Query) -> WaldurError {
    WaldurError::Unproven { list: query.describe(), reason: "the answer has no X-Result-Count".into() }
}

/// Reads the pages once; the inner error says why they prove nothing.
async fn read_pages<G: Gather>(
    http: &Http,
    query: &Query,
    at_once: usize,
    make: Make<'_, G>,
) -> Result<Result<G, String>, WaldurError> {
    let mut rows = make();
    let first = page_of(http, query, PAGE_SIZE, 1).await?;
    let total = first.count;
    let size = rows.add(first)?;
    let total = total.ok_or_else(|| uncounted(query))?;
    if size == 0 && total > 0 || size > total {
        return Ok(Err(format!("a page of {size} rows, and a count of {total}")));
    }
    let pages = if size == 0 { 1 } else { total.div_ceil(size) };
    if pages > MOST_PAGES {
        return Ok(Err(format!("{pages} pages")));
    }
    let others = (2..=pages).map(|number| page_of(http, query, size, number).boxed());
    let mut others = stream::iter(others).buffered(at_once);
    // The first page that contradicts ends it: a server may promise any number of pages.
    while let Some(page) = others.try_next().await? {
        let count = page.count;
        // A list that shrank while it was read has no such page any more.
        let added = if page.status.as_u16() == 404 { 0 } else { rows.add(page)? };
        if count != Some(total) {
            let now = count.map_or_else(|| "nothing".to_owned(), |count| count.to_string());
            return Ok(Err(format!("the count was {total} and then {now} while it was read")));
        }
        if added == 0 {
            return Ok(Err(format!("a page before the last one was empty, of a count of {total}")));
        }
    }
    let (read, unique) = counted_ids(&rows);
    if unique != read || read != total {
        return Ok(Err(format!("{read} rows, {unique} of them different, and a count of {total}")));
    }
    Ok(Ok(rows))
}

async fn page_of(http: &Http, query: &Query, size: usize, number: usize) -> Result<Answer, WaldurError> {
    http.get(query.path, &query.page(size, number)).await
}

/// How many rows there are, and how many of them are different.
fn counted_ids<G: Gather>(rows: &G) -> (usize, usize) {
    let ids = rows.ids();
    (ids.len(), different(&ids))
}

/// How many of these ids are different.
pub(super) fn different(ids: &[Uuid]) -> usize {
    // For hundreds of thousands of ids this takes less time and memory than a set of them.
    let mut ids: Vec<u128> = ids.iter().map(Uuid::as_u128).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.len()
}

/// Reads a list slice by slice; `None` where the slices do not add up to it.
async fn read_cut<G: Gather>(
    http: &Http,
    query: &Query,
    cut: &Cut,
    at_once: usize,
    make: Make<'_, G>,
) -> Result<Option<G>, WaldurError> {
    let mut rows = make();
    let slice = |part: &Part| query.clone().with(cut.parameter, part.value.as_str());
    let queries: Vec<(Query, &[Cut])> = cut.parts.iter().map(|part| (slice(part), &*part.cuts)).collect();
    let slices: Vec<_> = queries.iter().map(|(query, cuts)| read_once(http, query, cuts, 1, make)).collect();
    let mut slices = stream::iter(slices).buffered(at_once);
    while let Some(slice) = slices.try_next().await? {
        rows.join(slice);
    }
    let (read, unique) = counted_ids(&rows);
    let total = count(http, query).await?;
    Ok((unique == read && read == total).then_some(rows))
}
