//! Who asks: `Authorization: Token …`, and what is said to those who ask otherwise.

use super::{Answer, Request};
use crate::sandbox::data::Data;

/// The user whose token a request carries.
pub(super) fn user(data: &Data, request: &Request) -> Result<usize, Answer> {
    let refuse = |detail: &str| Answer::detail(401, detail).with("WWW-Authenticate", "Token");
    let nothing = || refuse("Authentication credentials were not provided.");
    let header = request.authorization.as_deref().ok_or_else(nothing)?;
    let mut parts = header.split_whitespace();
    if !parts.next().is_some_and(|scheme| scheme.eq_ignore_ascii_case("token")) {
        return Err(nothing());
    }
    let token = parts.next().ok_or_else(|| refuse("Invalid token. No credentials provided."))?;
    if parts.next().is_some() {
        return Err(refuse("Invalid token. Token string should not contain spaces."));
    }
    let user = data.user_with_token(token).ok_or_else(|| refuse("Invalid token."))?;
    if data.users[user].token_expired || request.quirks.token_expired {
        Err(refuse("Token has expired."))
    } else {
        Ok(user)
    }
}

/// The user whose token a header carries, whatever else is wrong with it.
pub(super) fn holder(data: &Data, header: &str) -> Option<usize> {
    header.split_whitespace().find_map(|word| data.user_with_token(word))
}
