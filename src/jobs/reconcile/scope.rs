//! What the server shows of the offerings in scope, to who provides them or to who uses them.
//!
//! Providers and consumers have lists of their own, and an empty one says nothing of the other. The
//! provider's is asked first; where it shows no resource of the scope, the consumer's is.

use crate::domain::Selector;
use crate::error::Error;
use crate::jobs::catalogue::{self, Snapshot};
use crate::parse::Parsed;
use crate::waldur::{Reader, Side};

/// A snapshot, and by which view it was taken.
pub struct Seen {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// The connection with that view.
    pub reader: Reader,
}

/// Takes the snapshot as `side`, or as whichever side sees the scope.
pub async fn seen(
    reader: &Reader,
    parsed: &Parsed,
    offerings: &[Selector],
    time_zone: Option<&str>,
    side: Option<Side>,
) -> Result<Seen, Error> {
    let first = reader.seen_by(side.unwrap_or(Side::Provider));
    let as_first = catalogue::for_rows(&first, parsed, offerings, time_zone).await;
    let is_empty = match &as_first {
        Ok(snapshot) => snapshot.catalogue.resources().next().is_none(),
        Err(Error::Setting { .. }) => true,
        Err(Error::Waldur(error)) => error.is_of_no_offering(),
        Err(_) => false,
    };
    if side.is_some() || !is_empty {
        return Ok(Seen { snapshot: as_first?, reader: first });
    }
    let second = reader.seen_by(Side::Consumer);
    match catalogue::for_rows(&second, parsed, offerings, time_zone).await {
        Ok(snapshot) if snapshot.catalogue.resources().next().is_some() => {
            Ok(Seen { snapshot, reader: second })
        }
        // What the provider's side says of the scope is what most users have to mend.
        Ok(_) | Err(_) => Ok(Seen { snapshot: as_first?, reader: first }),
    }
}
