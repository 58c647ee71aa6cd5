//! A request as the endpoints look at it, free of sockets.

use uuid::Uuid;

use crate::sandbox::faults::Quirks;

/// A request.
#[derive(Debug)]
pub(in crate::sandbox) struct Request {
    pub method: String,
    /// The path without the query, decoded.
    pub path: String,
    pub raw_query: String,
    pub query: Query,
    pub authorization: Option<String>,
    pub content_type: Option<String>,
    pub body: Vec<u8>,
    /// Scheme and host as the client spelt them.
    pub base: String,
    /// The path as it was sent.
    pub raw_path: String,
    /// What faults make of it.
    pub quirks: Quirks,
}

impl Request {
    /// The path as it was sent, percent signs and all, turned into text.
    pub(in crate::sandbox) fn decode_path(raw: &str) -> String {
        // A plus sign is itself in a path; only the decoder of forms takes it for a blank.
        let as_form = raw.replace('+', "%2B");
        form_urlencoded::parse(as_form.replace('&', "%26").replace('=', "%3D").as_bytes())
            .next()
            .map(|(path, _)| path.into_owned())
            .unwrap_or_default()
    }

    /// Path and query.
    pub(in crate::sandbox) fn with_query(&self) -> String {
        self.with_path(&self.path)
    }

    /// Another path with the query of this request.
    pub(super) fn with_path(&self, path: &str) -> String {
        if self.raw_query.is_empty() { path.to_owned() } else { format!("{path}?{}", self.raw_query) }
    }
}

/// The parameters of a query in the order in which they were sent.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Query {
    pairs: Vec<(String, String)>,
    /// The filters that are ignored by a fault; all of them where none is named.
    ignored: Option<Vec<String>>,
}

/// The parameters that are no filters.
const NO_FILTERS: [&str; 5] = ["page", "page_size", "field", "o", "ordering"];

impl Query {
    pub(in crate::sandbox) fn parse(raw: &str) -> Self {
        Self { pairs: form_urlencoded::parse(raw.as_bytes()).into_owned().collect(), ignored: None }
    }

    /// Takes all effect from the filters with these names, or from every filter.
    pub(in crate::sandbox) fn ignore(&mut self, names: Vec<String>) {
        self.ignored = Some(names);
    }

    fn heeds(&self, name: &str) -> bool {
        NO_FILTERS.contains(&name)
            || self
                .ignored
                .as_ref()
                .is_none_or(|names| !names.is_empty() && names.iter().all(|own| own != name))
    }

    /// The last value of a parameter.
    pub(super) fn last(&self, name: &str) -> Option<&str> {
        self.all(name).last()
    }

    /// All values of a parameter.
    pub(in crate::sandbox) fn all<'a>(&'a self, name: &str) -> impl DoubleEndedIterator<Item = &'a str> {
        let heeded = self.heeds(name);
        let name = name.to_owned();
        let pairs = self.pairs.iter().filter(move |_| heeded);
        pairs.filter(move |(key, _)| *key == name).map(|(_, value)| value.as_str())
    }

    /// The query of a link to a page: parameters sorted by name, the first page without a number.
    pub(super) fn for_page(&self, page: usize) -> String {
        let mut pairs: Vec<(&str, String)> = self
            .pairs
            .iter()
            .filter(|(key, _)| key != "page")
            .map(|(key, value)| (key.as_str(), value.clone()))
            .collect();
        if page > 1 {
            pairs.push(("page", page.to_string()));
        }
        pairs.sort_by(|left, right| left.0.cmp(right.0));
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        if query.is_empty() { query } else { format!("?{query}") }
    }
}

/// Reads an id in a path or a form: dashed or not, in any case, also braced or as a URN.
pub(super) fn read_uuid(text: &str) -> Option<Uuid> {
    let bare: String = text
        .replace("urn:", "")
        .replace("uuid:", "")
        .chars()
        .filter(|character| !matches!(character, '{' | '}' | '-'))
        .collect();
    Some(bare).filter(|bare| bare.len() == 32).and_then(|bare| Uuid::try_parse(&bare).ok())
}
