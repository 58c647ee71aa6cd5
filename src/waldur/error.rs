//! What can go wrong with a server, by phase, because the user's next step differs.

use crate::domain::{OfferingId, UserId};

/// An exchange with the server that did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum WaldurError {
    /// The client itself cannot be set up.
    #[error("cannot set up the HTTP client")]
    Setup(#[source] reqwest::Error),
    /// The token cannot be sent.
    #[error("cannot send the token")]
    Token(#[from] super::TokenError),
    /// No connection.
    #[error("cannot connect to {server}")]
    Unreachable {
        /// The server.
        server: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The connection broke, or the time was over, before the answer was whole.
    #[error("no whole answer from {endpoint}")]
    Broken {
        /// The endpoint.
        endpoint: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The server points elsewhere; tokens do not follow.
    #[error("{endpoint} redirects to {location}")]
    Redirected {
        /// The endpoint.
        endpoint: String,
        /// Where to.
        location: String,
    },
    /// 401.
    #[error("{endpoint} does not accept the token: {message}")]
    Unauthorized {
        /// The endpoint.
        endpoint: String,
        /// The server's words.
        message: String,
    },
    /// 403.
    #[error("{endpoint} is not allowed to this account: {message}")]
    Forbidden {
        /// The endpoint.
        endpoint: String,
        /// The server's words.
        message: String,
    },
    /// Any other status than was asked for.
    #[error("{endpoint} answered {status}: {message}")]
    Status {
        /// The endpoint.
        endpoint: String,
        /// The status.
        status: u16,
        /// The server's words.
        message: String,
    },
    /// The answer is not what the API gives.
    #[error("{endpoint} answered something that is not the Waldur API: {found}")]
    NotTheApi {
        /// The endpoint.
        endpoint: String,
        /// What it was.
        found: String,
    },
    /// The answer is larger than any that is asked for.
    #[error("{endpoint} answered more than {limit} bytes")]
    TooLarge {
        /// The endpoint.
        endpoint: String,
        /// The limit.
        limit: usize,
    },
    /// A list could not be proven to be whole.
    #[error("{list} cannot be proven to be whole: {reason}")]
    Unproven {
        /// What was read.
        list: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The answers of one run come from two servers, one of which is a sandbox.
    #[error("{endpoint} is answered by another server than before: {before} then, {now} now")]
    OtherServer {
        /// The endpoint.
        endpoint: String,
        /// What answered before.
        before: String,
        /// What answers now.
        now: String,
    },
    /// The token that took the place of an expired one is of somebody else.
    #[error("the new token is of account {now}, and the run began as account {before}")]
    OtherAccount {
        /// Who the run began as.
        before: UserId,
        /// Whose the new token is.
        now: UserId,
    },
    /// Something spoke against the request at the moment at which it would have left.
    #[error("{reason}")]
    Withdrawn {
        /// What.
        reason: String,
    },
    /// The server has no offering of this id for this account.
    #[error("offering {0} is not on the server, or not visible to this account")]
    NoOffering(OfferingId),
}

impl WaldurError {
    /// Whether the server refuses the account rather than the request.
    pub fn is_about_the_account(&self) -> bool {
        matches!(self, Self::Unauthorized { .. } | Self::Forbidden { .. } | Self::OtherAccount { .. })
    }

    /// Whether it says that an offering is not there, or not visible.
    pub fn is_of_no_offering(&self) -> bool {
        matches!(self, Self::NoOffering(_))
    }
}
