//! Whose a token is, and how long it works.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::domain::UserId;

use super::{Reader, WaldurError};

/// Whose a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whose {
    /// The account.
    pub id: UserId,
    /// The name that it signs in with.
    pub username: String,
    /// How long the token works after it was used last.
    pub idle: Idle,
}

/// How long a token works after it was used last, as far as the server tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Idle {
    /// It does not say.
    #[default]
    Untold,
    /// For ever.
    NoLimit,
    /// So long.
    For(Duration),
}

#[derive(Debug, Deserialize)]
struct WhoseRow {
    uuid: UserId,
    #[serde(default)]
    username: String,
    /// Seconds; `null` where there is no limit. The field itself is not everywhere.
    #[serde(default, deserialize_with = "told")]
    token_lifetime: Idle,
}

/// Something that is there, even where it is `null`.
fn told<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Idle, D::Error> {
    let seconds = Option::<u64>::deserialize(deserializer)?;
    Ok(seconds.map_or(Idle::NoLimit, |seconds| Idle::For(Duration::from_secs(seconds))))
}

impl Reader {
    /// Asks whose the token is; an error where the run began as somebody else. Never the whole answer, which
    /// holds the token.
    pub async fn whose(&self) -> Result<Whose, WaldurError> {
        let fields = ["uuid", "username", "token_lifetime"].map(|field| ("field", field.to_owned()));
        let row: WhoseRow = self.http.get_json("users/me/", &fields).await?;
        self.http.credentials.belong_to(row.uuid)?;
        Ok(Whose { id: row.uuid, username: row.username, idle: row.token_lifetime })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_told_is_no_promise() {
        let read = |rest: &str| {
            let text = format!("{{\"uuid\": \"00000000000000000000000000000001\"{rest}}}");
            serde_json::from_str::<WhoseRow>(&text).unwrap().token_lifetime
        };
        assert_eq!(read(""), Idle::Untold);
        assert_eq!(read(", \"token_lifetime\": null"), Idle::NoLimit);
        assert_eq!(read(", \"token_lifetime\": 3600"), Idle::For(Duration::from_hours(1)));
    }
}
