//! Pages of a list: ten items unless asked otherwise, three hundred at most, `Link` to the others.

use std::ops::Range;

use super::{Answer, Request};

const DEFAULT_SIZE: usize = 10;
const LARGEST_SIZE: usize = 300;

/// One page.
#[derive(Debug)]
pub(super) struct Page {
    /// The positions of its items in the list.
    pub range: Range<usize>,
    /// The value of the `Link` header.
    pub links: String,
}

/// The page that a request asks for, of a list of so many items.
pub(super) fn page(request: &Request, count: usize) -> Result<Page, Answer> {
    let asked_size = request.query.last("page_size").and_then(|size| size.trim().parse().ok());
    let size = asked_size.filter(|&size| size > 0).map_or(DEFAULT_SIZE, |size: usize| size.min(LARGEST_SIZE));
    let last = count.div_ceil(size).max(1);
    let number = match request.query.last("page") {
        None | Some("") => Some(1),
        Some("last") => Some(last),
        Some(number) => number.trim().parse().ok(),
    };
    let number = number
        .filter(|number| (1..=last).contains(number) || request.quirks.is_endless && *number > 0)
        .ok_or_else(|| Answer::detail(404, "Invalid page."))?;
    // A list without an end shows its last page for ever.
    let start = (number.min(last) - 1) * size;
    Ok(Page { range: start..(start + size).min(count), links: links(request, number, last) })
}

fn links(request: &Request, number: usize, last: usize) -> String {
    let mut pages = vec![("first", 1)];
    if number > 1 {
        pages.push(("prev", number - 1));
    }
    if number < last || request.quirks.is_endless {
        pages.push(("next", number.saturating_add(1)));
    }
    pages.push(("last", last));
    let link = |(relation, page): (&str, usize)| {
        format!("<{}{}{}>; rel=\"{relation}\"", request.base, request.path, request.query.for_page(page))
    };
    pages.into_iter().map(link).collect::<Vec<_>>().join(", ")
}
