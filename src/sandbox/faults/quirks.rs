//! What a struck request makes the endpoints do wrong: lists whose pages do not fit together,
//! filters without effect, a token that has expired, a report that breaks halfway.
//!
//! A request without quirks is answered as the rules say; the endpoints ask in the few places named
//! here and nowhere else.

use std::ops::Range;

use super::random::{Random, mixed};

/// How the pages of a list fail to fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::sandbox) enum Rows {
    /// They fit.
    #[default]
    Whole,
    /// Each begins with the row before it.
    Repeated,
    /// Each lacks its first row.
    Lost,
    /// Rows that compare equal are ordered by chance, out of this seed.
    Untied(u64),
}

/// What is wrong with the way a request is answered.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Quirks {
    pub rows: Rows,
    /// Rows have a field of this name besides their own.
    pub added_field: Option<String>,
    /// There is always a next page.
    pub is_endless: bool,
    /// The token has expired meanwhile.
    pub token_expired: bool,
    /// A report breaks after so many items, where it has more.
    pub items_applied: Option<usize>,
}

impl Quirks {
    /// The positions that a page shows, of those that it should show.
    pub(in crate::sandbox) fn shown(&self, page: &Range<usize>) -> impl Iterator<Item = usize> + use<> {
        let repeated =
            (self.rows == Rows::Repeated && !page.is_empty()).then(|| page.start.saturating_sub(1));
        let lost = usize::from(self.rows == Rows::Lost).min(page.len());
        repeated.into_iter().chain(page.start + lost..page.end)
    }

    /// Adds the field that rows have besides their own to one that was just written.
    pub(in crate::sandbox) fn add_field(&self, row: &mut Vec<u8>, wants: impl Fn(&str) -> bool) {
        if let Some(name) = self.added_field.as_ref().filter(|name| wants(name)) {
            row.truncate(row.len().saturating_sub(1));
            let comma = if row.ends_with(b"{") { "" } else { "," };
            row.extend_from_slice(format!("{comma}\"{name}\":{{\"new\":[1.50]}}}}").as_bytes());
        }
    }

    /// Orders rows anew that compare equal, as a database does that is given no tie-breaker: the same
    /// page has the same order again, another page may have another.
    pub(in crate::sandbox) fn untie<K: PartialEq>(
        &self,
        page: &str,
        rows: &mut [usize],
        key: impl Fn(usize) -> K,
    ) {
        let Rows::Untied(seed) = self.rows else { return };
        let mut random = Random::seeded(mixed(seed, page));
        for tied in rows.chunk_by_mut(|&left, &right| key(left) == key(right)) {
            random.shuffle(tied);
        }
    }
}
