//! The API of a Waldur server: addresses, tokens, HTTP, pages, wire structs.
//!
//! Reading and posting are two structs. A [`Reader`] changes nothing, and a [`Poster`] is made
//! from an approved plan alone. The one post that a reader makes asks what the server knows: it names
//! no resource and no usage, so that no version can save it. Lists are read in slices that are proven
//! whole (see `listing`), because the server's paging loses rows; every filter is applied again to what
//! comes back, because servers ignore the ones they do not know. All requests keep one pace (see
//! `pace`), and what only asks is tried again where that can help (see `retry`).

mod address;
mod copy;
mod credentials;
mod doctor;
mod error;
mod heard;
mod http;
#[cfg(test)]
mod http_tests;
mod identity;
mod invoices;
mod list;
mod listing;
mod months;
mod pace;
mod poster;
mod proxy;
mod reader;
mod retry;
mod token;
mod usages;
mod user_usages;
mod whose;
mod wire;

pub use address::{AddressError, ServerAddress};
pub use copy::{OfferingCopy, PlanPeriodCopy, ResourceCopy};
pub use credentials::{AskToken, TokenSource};
pub use doctor::{Sight, not_told};
pub use error::WaldurError;
pub use heard::{Heard, HeardNames, HeardOffering};
pub use invoices::InvoicesInFull;
pub use list::{ListFilter, ListRow, Listing, Ordering};
pub use months::{MonthFilter, MonthReader};
pub use poster::{Call, Poster, Sent};
pub use reader::{Account, Reader, Side};
pub use token::{Token, TokenError};
pub use whose::{Idle, Whose};
