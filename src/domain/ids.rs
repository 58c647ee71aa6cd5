//! Ids of things on the server: uuids, accepted dashed and dashless in any case, printed one way.
//!
//! Each kind of thing has a type of its own, so that a project is never looked up as a resource.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// A text is not a uuid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a uuid of 32 hexadecimal digits")]
pub struct IdError;

fn parse(text: &str) -> Result<Uuid, IdError> {
    // The crate would also take braces and `urn:uuid:`, which the server does not.
    match text.len() {
        32 | 36 => Uuid::try_parse(text).map_err(|_| IdError),
        _ => Err(IdError),
    }
}

macro_rules! id {
    ($name:ident, $thing:literal) => {
        #[doc = concat!("The uuid of ", $thing, "; prints as 32 hexadecimal digits.")]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a uuid.
            pub fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The uuid itself.
            pub fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::LowerHex::fmt(self.0.as_simple(), formatter)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, formatter)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(ResourceId, "a resource");
id!(OfferingId, "an offering");
id!(ProjectId, "a project");
id!(CustomerId, "a customer organisation");
id!(PlanId, "a plan");
id!(PlanPeriodId, "a plan period of a resource");
id!(UsageId, "a stored component usage");
id!(UserId, "a user account");
id!(InvoiceId, "an invoice");
id!(InvoiceLineId, "a line of an invoice");
id!(RunId, "a run of this program");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashed_and_dashless_are_one_id() {
        let plain: ResourceId = "66637cd7602c5b9ba4e2bb7a5834dd44".parse().unwrap();
        let dashed: ResourceId = "66637CD7-602C-5B9B-A4E2-BB7A5834DD44".parse().unwrap();
        assert_eq!(plain, dashed);
        assert_eq!(dashed.to_string(), "66637cd7602c5b9ba4e2bb7a5834dd44");
        for text in ["", "66637cd7", "{66637cd7602c5b9ba4e2bb7a5834dd44}", "zz637cd7602c5b9ba4e2bb7a5834dd44"]
        {
            assert!(text.parse::<ResourceId>().is_err(), "{text}");
        }
    }
}
