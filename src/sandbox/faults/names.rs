//! The names of the faults with what may be written after them: one table for the reader of specs,
//! the help text and the messages about a wrong spec.

/// A fault as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultName {
    /// Its name.
    pub name: &'static str,
    /// What may be written after the name.
    pub takes: &'static str,
    /// What it does, in a few words.
    pub does: &'static str,
}

/// All faults.
pub const NAMES: [FaultName; 26] = [
    row("status", "=CODE [retry-after=SECONDS | body=TEXT content-type=TYPE]", "answer so, store nothing"),
    row("status-after-commit", "=CODE", "store, then answer so, as a proxy that gave up waiting"),
    row("drop-before-commit", "", "close the connection, store nothing"),
    row("drop-after-commit", "", "store, then close the connection"),
    row("delay", "=TIME", "hold the request, then carry it out"),
    row("slow", "[=TIME] [chunk=BYTES]", "let the answer trickle"),
    row("stalled", "[=TIME]", "send head and half a body, then fall silent"),
    row("truncated", "", "promise the whole body, send half of it"),
    row("html", "", "answer 200 with the page of a login"),
    row("rows-repeated", "", "begin each page of a list with the last row before it"),
    row("rows-lost", "", "leave out the first row of each page of a list"),
    row("untied-order", "", "order usages of equal date and type anew on every page"),
    row("added-field", "[=NAME]", "give the rows of lists one more field"),
    row("filters-ignored", "[=NAME,NAME]", "ignore these filters, or all"),
    row("clock-skew", "=TIME", "be off by that much in `Date`, such as -90s"),
    row("wrong-date", "[=TEXT]", "send a `Date` that is none"),
    row("missing-date", "", "send no `Date`"),
    row("token-expires", "", "let the token of the request expire for good, once"),
    row("half-applied", "[=ITEMS] [then=500|drop]", "store only the first items of a report"),
    row("month-turns", "", "jump to the start of the next month, once"),
    row("another-writer", "[=before|after] [amount=N]", "let somebody else report the same resource"),
    row("endless-link", "", "always name a next page"),
    row("foreign-link", "[=ORIGIN]", "let links lead to another host"),
    row("redirect", "[=301|302|303|307|308] [to=PATH|ORIGIN]", "send the client elsewhere"),
    row("huge-body", "[=BYTES]", "answer with a body of that size"),
    row("deep-body", "[=LEVELS]", "answer with lists nested so deep"),
];

const fn row(name: &'static str, takes: &'static str, does: &'static str) -> FaultName {
    FaultName { name, takes, does }
}

/// The words that every fault takes.
pub(super) const COMMON: [&str; 6] = ["method", "path", "rate", "skip", "after", "times"];

/// Whether a word names a fault.
pub(super) fn is_name(word: &str) -> bool {
    NAMES.iter().any(|row| row.name == word)
}

/// All names, as messages list them.
pub(super) fn list() -> String {
    NAMES.map(|row| row.name).join(", ")
}
